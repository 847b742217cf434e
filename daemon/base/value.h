/* SPDX-License-Identifier: MIT */
/* value.h - the values people write in ini files: decimals, durations, ratios, names.
 * Pure: no I/O, no logging, no allocation, no locale; any thread. Decimals are exact, never floating point.
 * Nothing is guessed: text after the value makes it no value. */
#ifndef TALLY_VALUE_H
#define TALLY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_result {
	VALUE_OK,
	VALUE_FORM,	/* no number, or text after it */
	VALUE_UNIT,	/* no unit, or none of those known */
	VALUE_FRACTION, /* not a whole number, or too many decimals */
	VALUE_RANGE,	/* more than 63 bits and a sign hold */
};

enum { VALUE_DURATION_TEXT_MAX = 32, VALUE_DECIMALS_MAX = 6 };

/* mantissa x 10^exponent, exactly. */
struct value_decimal {
	int64_t mantissa;
	int32_t exponent;
};

/* Read the decimal that text begins with: digits, at most one point with digits on both sides, "-" allowed before. *out
 * has the digits as they are written, so its exponent is 0 or minus the number of decimals; *rest is the text after
 * them. VALUE_OK, or VALUE_FORM or VALUE_RANGE with nothing written. */
enum value_result value_decimal(const char *text, struct value_decimal *out, const char **rest);

/* d x factor as a whole number; factor from 1 on. VALUE_OK, or VALUE_FRACTION or VALUE_RANGE with nothing written. */
enum value_result value_multiply(struct value_decimal d, int64_t factor, int64_t *out);

/* A whole decimal number, "-" allowed. */
enum value_result value_whole(const char *text, int64_t *out);

/* d x size, or size / d when that is what d divides (as the 2000 of 2000 imp/kWh), as a reduced fraction of two numbers
 * from 1 on; d above 0 (else VALUE_RANGE) with at most VALUE_DECIMALS_MAX decimals (else VALUE_FRACTION), size from 1
 * on. VALUE_OK, or VALUE_FRACTION or VALUE_RANGE. */
enum value_result value_fraction(struct value_decimal d, int64_t size, bool divides, int64_t *numerator,
				 int64_t *denominator);

/* Divide both by what divides both; *b from 1 on. */
void value_reduce(int64_t *a, int64_t *b);

/* A duration: a decimal and ms, s, min, h or d; 0 needs no unit. */
enum value_result value_duration(const char *text, int64_t *ms);

/* Write a duration in its largest whole unit: 90000 -> "90s", 86400000 -> "1d", 0 -> "0". */
void value_duration_text(int64_t ms, char out[VALUE_DURATION_TEXT_MAX]);

/* "400/5": two whole numbers from 1 on. */
enum value_result value_ratio(const char *text, uint32_t *primary, uint32_t *secondary);

/* Whether text is a name: 1 to max letters, digits, '.', '_', '-', a letter or digit first. */
bool value_is_name(const char *text, size_t max);

#endif
