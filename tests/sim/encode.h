/* SPDX-License-Identifier: MIT */
/* encode.h - encodes a value into the words of a register, as the meter's table defines them.
 * Pure. Written from the grammar of the tables and not from the daemon's decoder, so that a mistake in either shows as
 * a difference between the two. */
#ifndef SIM_ENCODE_H
#define SIM_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "driver.h"

/* Base units in one count: mantissa x 10^exponent / per. */
struct encode_weight {
	int64_t mantissa;
	int32_t exponent;
	int64_t per; /* 0 = 1 */
};

/* Weight of row in table d with these transformer ratios. */
struct encode_weight encode_weight(const struct driver *d, const struct driver_row *row, uint32_t ct_primary,
				   uint32_t ct_secondary, uint32_t vt_primary, uint32_t vt_secondary);

/* Whole counts in a value (base units) from 0 up. */
int64_t encode_counts(struct encode_weight weight, int64_t value);

/* The part of value, in base units, that is less than a count. */
int64_t encode_rest(struct encode_weight weight, int64_t value);

/* Counts at which a counter shows 0 again: the highest of the row's moduli, or one more than counter_max (base units)
 * where the row reads its modulus from the meter, or else the range of the type. 0: the counter never wraps (floats).
 */
int64_t encode_modulus(const struct driver *d, const struct driver_row *row, struct encode_weight weight,
		       int64_t counter_max);

/* Encode value (base units) into row->n_words words. Counters (modulus > 0) wrap and are rounded down to whole counts;
 * other values are rounded to the nearest count, half away from zero. A row that is part of a word sets its own bits
 * and leaves the others 0. A row with a separate sign word gets the magnitude.
 * modulus  counts, encode_modulus()
 * shown    the value that a correct reader finds in the words, base units rounded down
 * Returns false when the value does not fit the type or is equal to the row's not-available pattern: then words hold
 * that pattern (0 when the row has none) and shown is 0. */
bool encode_number(enum driver_order order, const struct driver_row *row, struct encode_weight weight, int64_t modulus,
		   int64_t value, uint16_t *words, int64_t *shown);

/* Encode the row's not-available pattern, 0 where it has none. False: it has none. */
bool encode_absent(enum driver_order order, const struct driver_row *row, uint16_t *words);

/* Encode an identity text into row->n_words words; a row with a number type gets the number at the start of text.
 * shown gets the text that a correct reader finds, at most shown_bytes with the NUL. */
void encode_text(enum driver_order order, const struct driver_row *row, const char *text, uint16_t *words, char *shown,
		 size_t shown_bytes);

/* The sign word for a value: row->sign_value when it is negative, otherwise 0. In a sector word a power factor that is
 * not negative and not unity has 1 (inductive). */
uint16_t encode_sign(const struct driver_row *row, int64_t shown);

#endif
