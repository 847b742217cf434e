/* SPDX-License-Identifier: MIT */
/* encode.h - from a value to the words that a meter's table gives it.
 * Pure. The simulator's own, written from the grammar and not from the daemon's decoder, so that a fault in either
 * shows as a difference between the two. */
#ifndef SIM_ENCODE_H
#define SIM_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "driver.h"

/* Base units in one count: mantissa x 10^exponent. */
struct encode_weight {
	int64_t mantissa;
	int32_t exponent;
};

/* Weight of row in table d where the transformer ratios are CT and VT. */
struct encode_weight encode_weight(const struct driver *d, const struct driver_row *row, uint32_t ct_primary,
				   uint32_t ct_secondary, uint32_t vt_primary, uint32_t vt_secondary);

/* Base units at which a counter shows 0 again: what the row says, else what counter_max (base units) or the type's
 * width make of it. 0: it never does (floats). */
int64_t encode_modulus(const struct driver_row *row, struct encode_weight weight, int64_t counter_max);

/* Encode value (base units) into row->n_words words. Counters (modulus > 0) are wrapped and rounded down to whole
 * counts, other values rounded to the nearest count, half away from zero. A row that is part of a word sets its own
 * bits and leaves the others 0. With a separate sign word the magnitude is encoded.
 * shown  what a reader makes of it without fault, base units
 * Returns false when the value does not fit the type or falls on the row's not-available pattern: then words hold that
 * pattern (0 when the row has none) and shown is 0. */
bool encode_number(enum driver_order order, const struct driver_row *row, struct encode_weight weight, int64_t modulus,
		   int64_t value, uint16_t *words, int64_t *shown);

/* The row's not-available pattern, or 0 where it has none. Returns whether it has one. */
bool encode_absent(enum driver_order order, const struct driver_row *row, uint16_t *words);

/* Encode an identity text into row->n_words words; a table that keeps it as a number gets the number that text starts
 * with. shown gets what a reader makes of it, at most shown_bytes with the NUL. */
void encode_text(enum driver_order order, const struct driver_row *row, const char *text, uint16_t *words, char *shown,
		 size_t shown_bytes);

/* What the sign word says: row->sign_value for negative, else 0 (or 1, inductive, for a sector word's power factor
 * that is not unity). */
uint16_t encode_sign(const struct driver_row *row, int64_t shown);

#endif
