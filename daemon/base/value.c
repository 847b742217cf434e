/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <stdio.h>
#include <string.h>

static const struct value_unit durations[] = {
	{"ms", 1, false}, {"s", 1000, false}, {"min", 60000, false}, {"h", 3600000, false}, {"d", 86400000, false}};
enum { N_DURATIONS = sizeof(durations) / sizeof(durations[0]) };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Append the digits at *c. Returns false when they do not fit. */
static bool add_digits(int64_t *mantissa, const char **c)
{
	for (; is_digit(**c); (*c)++)
		if (__builtin_mul_overflow(*mantissa, 10, mantissa) ||
		    __builtin_add_overflow(*mantissa, **c - '0', mantissa))
			return false;
	return true;
}

enum value_result value_decimal(const char *text, struct value_decimal *out, const char **rest)
{
	const char *c = text + (*text == '-'), *point;
	struct value_decimal d = {0};

	if (!is_digit(*c))
		return VALUE_FORM;
	if (!add_digits(&d.mantissa, &c))
		return VALUE_RANGE;
	if (*c == '.') {
		point = c++;
		if (!is_digit(*c))
			return VALUE_FORM;
		if (!add_digits(&d.mantissa, &c))
			return VALUE_RANGE;
		d.exponent = (int32_t)(point + 1 - c);
	}
	if (*text == '-')
		d.mantissa = -d.mantissa;
	*out = d;
	*rest = c;
	return VALUE_OK;
}

enum value_result value_multiply(struct value_decimal d, int64_t factor, int64_t *out)
{
	int64_t product;

	/* A ten is taken out of the two numbers before they are multiplied, so that only the result must fit. */
	for (; d.exponent < 0; d.exponent++) {
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
	for (; d.exponent > 0; d.exponent--)
		if (__builtin_mul_overflow(d.mantissa, 10, &d.mantissa))
			return VALUE_RANGE;
	if (__builtin_mul_overflow(d.mantissa, factor, &product))
		return VALUE_RANGE;
	*out = product;
	return VALUE_OK;
}

enum value_result value_whole(const char *text, int64_t *out)
{
	struct value_decimal d;
	const char *rest;
	enum value_result result = value_decimal(text, &d, &rest);

	if (result != VALUE_OK)
		return result;
	if (*rest != '\0' || d.exponent < 0)
		return VALUE_FORM;
	*out = d.mantissa;
	return VALUE_OK;
}

/* A decimal and one of the n units, blanks between them allowed. */
static enum value_result read_amount(const char *text, const struct value_unit *units, size_t n,
				     struct value_decimal *d, size_t *unit)
{
	const char *rest;
	enum value_result result = value_decimal(text, d, &rest);

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
	struct value_decimal d;
	enum value_result result = read_amount(text, units, n, &d, unit);

	return result == VALUE_OK ? value_multiply(d, units[*unit].base_units, base_units) : result;
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
	struct value_decimal d;
	enum value_result result = read_amount(text, units, n, &d, unit);
	int64_t ten = 1, base;

	if (result != VALUE_OK)
		return result;
	if (d.mantissa <= 0)
		return VALUE_RANGE;
	if (d.exponent < -VALUE_DECIMALS_MAX)
		return VALUE_FRACTION;
	for (; d.exponent < 0; d.exponent++)
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
	struct value_decimal a, b;
	const char *rest;

	if (value_decimal(text, &a, &rest) != VALUE_OK)
		return VALUE_FORM;
	rest += strspn(rest, " \t");
	if (*rest != '/')
		return VALUE_FORM;
	rest++;
	rest += strspn(rest, " \t");
	if (value_decimal(rest, &b, &rest) != VALUE_OK || *rest != '\0')
		return VALUE_FORM;
	if (a.exponent < 0 || b.exponent < 0)
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
