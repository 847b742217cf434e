/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	int64_t ms;
} durations[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
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

void value_reduce(int64_t *a, int64_t *b)
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

enum value_result value_fraction(struct value_decimal d, int64_t size, bool divides, int64_t *numerator,
				 int64_t *denominator)
{
	int64_t ten = 1;

	if (d.mantissa <= 0)
		return VALUE_RANGE;
	if (d.exponent < -VALUE_DECIMALS_MAX)
		return VALUE_FRACTION;
	for (; d.exponent < 0; d.exponent++)
		ten *= 10;
	*numerator = divides ? ten : d.mantissa;
	*denominator = divides ? d.mantissa : ten;
	value_reduce(&size, denominator);
	value_reduce(numerator, denominator);
	return __builtin_mul_overflow(*numerator, size, numerator) ? VALUE_RANGE : VALUE_OK;
}

enum value_result value_duration(const char *text, int64_t *ms)
{
	struct value_decimal d;
	const char *rest;
	enum value_result result = value_decimal(text, &d, &rest);

	if (result != VALUE_OK)
		return result;
	if (*rest == '\0' && d.mantissa == 0 && d.exponent == 0) {
		*ms = 0;
		return VALUE_OK;
	}
	rest += strspn(rest, " \t");
	for (size_t i = 0; i < N_DURATIONS; i++)
		if (strcmp(rest, durations[i].text) == 0)
			return value_multiply(d, durations[i].ms, ms);
	return VALUE_UNIT;
}

void value_duration_text(int64_t ms, char out[VALUE_DURATION_TEXT_MAX])
{
	size_t unit = N_DURATIONS - 1;

	if (ms == 0) {
		strcpy(out, "0");
		return;
	}
	while (ms % durations[unit].ms != 0)
		unit--;
	snprintf(out, VALUE_DURATION_TEXT_MAX, "%lld%s", (long long)(ms / durations[unit].ms), durations[unit].text);
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
