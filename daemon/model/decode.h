/* SPDX-License-Identifier: MIT */
/* decode.h - the value of an item of a plan, from the words of its value and of what is beside it: the sign, the power
 * of ten, the rest. Pure; any thread. */
#ifndef TALLY_DECODE_H
#define TALLY_DECODE_H

#include <stdint.h>

#include "codec.h"

struct plan_item;

/* Decode a number.
 * words        of the whole plan: those that the item names have been answered, and value and rest in one answer
 * multipliers  driver_multiplier() of each row of d; none is 0
 * out          as codec_number(): in base units, of counters but pulses in parts of them. CODEC_BAD also where the
 * power of ten is outside the range of the row. */
enum codec_status decode_number(const struct driver *d, const struct plan_item *item, const uint16_t *words,
				const int64_t *multipliers, int64_t *out);

#endif
