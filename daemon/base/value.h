/* SPDX-License-Identifier: MIT */
/* value.h - the values people write in ini files: decimals, durations, ratios, amounts with a unit, names.
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
	VALUE_FRACTION, /* not a whole number of base units */
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

/* A unit of amounts and what one of it is in its base unit. */
struct value_unit {
	const char *text;
	int64_t base_units;
	bool per; /* value_fraction() only: so many in the unit, as imp/kWh */
};

/* A whole decimal number, "-" allowed. */
enum value_result value_whole(const char *text, int64_t *out);

/* An exact decimal and one of the n units, blanks between them allowed: "0.01 m3". On VALUE_OK *base_units is the
 * amount in base units and *unit the index of the unit written. */
enum value_result value_amount(const char *text, const struct value_unit *units, size_t n, int64_t *base_units,
			       size_t *unit);

/* The same of an amount above 0 that need not be whole, with at most VALUE_DECIMALS_MAX decimals (VALUE_FRACTION): a
 * reduced fraction of base units. 2000 of a unit that is per is one 2000th of it. 0 and less are VALUE_RANGE. */
enum value_result value_fraction(const char *text, const struct value_unit *units, size_t n, int64_t *numerator,
				 int64_t *denominator, size_t *unit);

/* A duration: a decimal and ms, s, min, h or d; 0 needs no unit. */
enum value_result value_duration(const char *text, int64_t *ms);

/* Write a duration in its largest whole unit: 90000 -> "90s", 86400000 -> "1d", 0 -> "0". */
void value_duration_text(int64_t ms, char out[VALUE_DURATION_TEXT_MAX]);

/* "400/5": two whole numbers from 1 on. */
enum value_result value_ratio(const char *text, uint32_t *primary, uint32_t *secondary);

/* Whether text is a name: 1 to max letters, digits, '.', '_', '-', a letter or digit first. */
bool value_is_name(const char *text, size_t max);

#endif
