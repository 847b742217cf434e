/* SPDX-License-Identifier: MIT */
/* codec.h - turn 16-bit Modbus words into a value.
 * Pure: no I/O, no logging, no allocation; any thread. Words are host-order uint16_t as libmodbus delivers them.
 * Whole numbers all the way: no floating point touches a value, IEEE floats of a meter are taken apart as integers. */
#ifndef TALLY_CODEC_H
#define TALLY_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "driver.h"

enum codec_status {
	CODEC_OK = 0,
	CODEC_NA,	  /* the meter's "not available" pattern */
	CODEC_NOT_FINITE, /* an IEEE NaN or infinity */
	CODEC_BAD,	  /* not a value of this type: a BCD digit above 9, a month 13, a sign word above 2 */
	CODEC_RANGE,	  /* does not fit 63 bits after scaling */
};

/* Decode one number. Texts are CODEC_BAD; time2000 and clock are seconds since 2000-01-01T00:00:00 by the meter's
 * clock.
 *
 * order  of the parts of 32-bit and 64-bit values; single words, BCD and texts always have the high part first
 * words  n_words == row->n_words words of the value
 * sign   the sign word where row->has_sign, else NULL; it makes the value negative when it equals row->sign_value,
 *        leaves it positive when it is another of 0, 1, 2, and is CODEC_BAD otherwise, as is a value that is
 *        negative by itself
 * multiplier  base units per count (driver_multiplier()); >= 1
 * out    value in base units, never INT64_MIN; untouched unless CODEC_OK. Floats are rounded half away from zero
 *        after scaling. */
enum codec_status codec_number(enum driver_order order, const struct driver_row *row, const uint16_t *words,
			       const uint16_t *sign, int64_t multiplier, int64_t *out);

/* Decode one text. Of any type but floats, which are CODEC_BAD: counts of numbers are written in decimal, unscaled and
 * without their sign word, times as YYYY-MM-DDTHH:MM:SS. out holds out_bytes (at least 1), is always ended by NUL and
 * cut to fit; a text ends at its first NUL, unprintable characters become '?', trailing blanks are dropped. CODEC_NA
 * for a row's not-available pattern, and for a serial number of all zeros, all ones or all blanks, which is none;
 * unless CODEC_OK out is empty. */
enum codec_status codec_text(enum driver_order order, const struct driver_row *row, const uint16_t *words, char *out,
			     size_t out_bytes);

/* "not available", "not a finite number", ... */
const char *codec_status_text(enum codec_status s);

#endif
