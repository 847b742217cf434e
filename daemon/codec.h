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
	CODEC_BAD,	  /* not a value of this type: a BCD digit above 9, a month 13, a sign word that is neither */
	CODEC_RANGE,	  /* does not fit 63 bits after scaling */
};

/* Decode one number.
 * words  n_words == row->n_words words of the value
 * sign   the sign word where row->has_sign, else NULL
 * multiplier  base units per count (driver_multiplier()); >= 1
 * out    value in base units; untouched unless CODEC_OK. Floats are rounded half away from zero. */
enum codec_status codec_number(enum driver_order order, const struct driver_row *row, const uint16_t *words,
			       const uint16_t *sign, int64_t multiplier, int64_t *out);

/* Decode one text (any type; numbers are written in decimal). out holds out_bytes, is always ended by NUL,
 * unprintable characters become '?', trailing blanks are dropped. CODEC_NA for a row's not-available pattern. */
enum codec_status codec_text(enum driver_order order, const struct driver_row *row, const uint16_t *words, char *out,
			     size_t out_bytes);

/* "not available", "not a finite number", ... */
const char *codec_status_text(enum codec_status s);

#endif
