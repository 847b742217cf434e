/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <stdio.h>
#include <string.h>

static const struct value_unit durations[] = {
	{"ms", 1, false}, {"s", 1000, false}, {"min", 60000, false}, {"h", 3600000, false}, {"d", 86400000, false}};
enum { N_DURATIONS = sizeof(durations) / sizeof(durations[0]) };

/* mantissa / 10^n_decimals */
struct decimal {
	int64_t mantissa;
	unsigned n_decimals;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool add_digit(struct decimal *d, char digit)
{
	return !__builtin_mul_overflow(d->mantissa, 10, &d->mantissa) &&
	       !__builtin_add_overflow(d->mantissa, digit - '0', &d->mantissa);
}

/* Read digits with at most one point inside; *rest is what follows. */
static enum value_result read_decimal(const char *text, struct decimal *d, const char **rest)
{
	bool negative = *text == '-';
	const char *c = text + negative;

	*d = (struct decimal){0};
	if (!is_digit(*c))
		return VALUE_FORM;
	for (; is_digit(*c); c++)
		if (!add_digit(d, *c))
			return VALUE_RANGE;
	if (*c == '.') {
		if (!is_digit(*++c))
			return VALUE_FORM;
		for (; is_digit(*c); c++) {
			if (!add_digit(d, *c))
				return VALUE_RANGE;
			d->n_decimals++;
		}
	}
	if (negative)
		d->mantissa = -d->mantissa;
	*rest = c;
	return VALUE_OK;
}

/* d times factor as a whole number */
static enum value_result scale(struct decimal d, int64_t factor, int64_t *out)
{
	for (; d.n_decimals > 0; d.n_decimals--) {
		if (factor % 10 == 0)
			factor /= 10;
		else if (d.mantissa % 10 == 0)
			d.mantissa /= 10;
		else if (d.mantissa % 2 == 0 && factor % 5 == 0)
			d.mantissa /= 2, factor /= 5;
		else if (d.mantissa % 5 == 0 && factor % 2 == 0)
			d.mantissa /= 5, factor /= 2;
		else
			return VALUE_FRACTION;
	}
	return __builtin_mul_overflow(d.mantissa, factor, out) ? VALUE_RANGE : VALUE_OK;
}

enum value_result value_whole(const char *text, int64_t *out)
{
	struct decimal d;
	const char *rest;
	enum value_result result = read_decimal(text, &d, &rest);

	if (result != VALUE_OK)
		return result;
	if (*rest != '\0' || d.n_decimals > 0)
		return VALUE_FORM;
	*out = d.mantissa;
	return VALUE_OK;
}

/* A decimal and one of the n units, blanks between them allowed. */
static enum value_result read_amount(const char *text, const struct value_unit *units, size_t n, struct decimal *d,
				     size_t *unit)
{
	const char *rest;
	enum value_result result = read_decimal(text, d, &rest);

	if (result != VALUE_OK)
		return result;
	rest += strspn(rest, " \t");
	for (*unit = 0; *unit < n; (*unit)++)
		if (strcmp(rest, units[*unit].text) == 0)
			return VALUE_OK;
	return VALUE_UNIT;
}

enum value_result value_amount(const char *text, const struct value_unit *units, size_t n, int64_t *base_units,
			       size_t *unit)
{
	struct decimal d;
	enum value_result result = read_amount(text, units, n, &d, unit);

	return result == VALUE_OK ? scale(d, units[*unit].base_units, base_units) : result;
}

static void reduce(int64_t *a, int64_t *b)
{
	int64_t x = *a, y = *b, rest;

	while (y != 0) {
		rest = x % y;
		x = y;
		y = rest;
	}
	*a /= x;
	*b /= x;
}

enum value_result value_fraction(const char *text, const struct value_unit *units, size_t n, int64_t *numerator,
				 int64_t *denominator, size_t *unit)
{
	struct decimal d;
	enum value_result result = read_amount(text, units, n, &d, unit);
	int64_t ten = 1, base;

	if (result != VALUE_OK)
		return result;
	if (d.mantissa <= 0)
		return VALUE_RANGE;
	if (d.n_decimals > VALUE_DECIMALS_MAX)
		return VALUE_FRACTION;
	for (; d.n_decimals > 0; d.n_decimals--)
		ten *= 10;
	base = units[*unit].base_units;
	*numerator = units[*unit].per ? ten : d.mantissa;
	*denominator = units[*unit].per ? d.mantissa : ten;
	reduce(&base, denominator);
	reduce(numerator, denominator);
	return __builtin_mul_overflow(*numerator, base, numerator) ? VALUE_RANGE : VALUE_OK;
}

enum value_result value_duration(const char *text, int64_t *ms)
{
	int64_t whole;
	size_t unit;

	if (value_whole(text, &whole) == VALUE_OK && whole == 0) {
		*ms = 0;
		return VALUE_OK;
	}
	return value_amount(text, durations, N_DURATIONS, ms, &unit);
}

void value_duration_text(int64_t ms, char out[VALUE_DURATION_TEXT_MAX])
{
	size_t unit = N_DURATIONS - 1;

	if (ms == 0) {
		strcpy(out, "0");
		return;
	}
	while (ms % durations[unit].base_units != 0)
		unit--;
	snprintf(out, VALUE_DURATION_TEXT_MAX, "%lld%s", (long long)(ms / durations[unit].base_units),
		 durations[unit].text);
}

enum value_result value_ratio(const char *text, uint32_t *primary, uint32_t *secondary)
{
	struct decimal a, b;
	const char *rest;

	if (read_decimal(text, &a, &rest) != VALUE_OK)
		return VALUE_FORM;
	rest += strspn(rest, " \t");
	if (*rest != '/')
		return VALUE_FORM;
	rest++;
	rest += strspn(rest, " \t");
	if (read_decimal(rest, &b, &rest) != VALUE_OK || *rest != '\0')
		return VALUE_FORM;
	if (a.n_decimals > 0 || b.n_decimals > 0)
		return VALUE_FRACTION;
	if (a.mantissa < 1 || b.mantissa < 1 || a.mantissa > UINT32_MAX || b.mantissa > UINT32_MAX)
		return VALUE_RANGE;
	*primary = (uint32_t)a.mantissa;
	*secondary = (uint32_t)b.mantissa;
	return VALUE_OK;
}

bool value_is_name(const char *text, size_t max)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(text);

	return n > 0 && n <= max && strspn(text, first) > 0 && strspn(text, all) == n;
}
