/* SPDX-License-Identifier: MIT */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 0);
	if (end == text || *end != '\0' || errno != 0 || value < min || value > max)
		return false;
	*out = value;
	return true;
}

/* Splits "12.5kWh" into digits 125, decimals 1 and the rest "kWh". */
static bool split_decimal(const char *text, int64_t *digits, int *decimals, const char **rest)
{
	bool negative = *text == '-', point = false, has_digit = false;

	*digits = 0;
	*decimals = 0;
	for (text += negative ? 1 : 0; isdigit((unsigned char)*text) || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(*digits, 10, digits) || __builtin_add_overflow(*digits, *text - '0', digits))
			return false;
		*decimals += point ? 1 : 0;
		has_digit = true;
	}
	while (*text == ' ' || *text == '\t')
		text++;
	*rest = text;
	*digits = negative ? -*digits : *digits;
	return has_digit;
}

/* digits x 10^exponent; false when it is not a whole number or is too large. */
static bool scale_decimal(int64_t digits, int32_t exponent, int64_t *out)
{
	for (; exponent > 0; exponent--)
		if (__builtin_mul_overflow(digits, 10, &digits))
			return false;
	for (; exponent < 0; exponent++) {
		if (digits % 10 != 0)
			return false;
		digits /= 10;
	}
	*out = digits;
	return true;
}

bool parse_duration(const char *text, uint32_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
	int64_t digits, value;
	const char *unit;
	int decimals;

	if (!split_decimal(text, &digits, &decimals, &unit) || digits < 0)
		return false;
	if (digits == 0 && *unit == '\0') {
		*ms = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].unit, unit) != 0)
			continue;
		if (__builtin_mul_overflow(digits, units[i].ms, &value) || !scale_decimal(value, -decimals, &value) ||
		    value > UINT32_MAX)
			return false;
		*ms = (uint32_t)value;
		return true;
	}
	return false;
}

bool parse_span(const char *text, struct meter_span *span)
{
	unsigned long first, last;
	char *end;

	first = strtoul(text, &end, 0);
	if (end == text || *end != '-')
		return false;
	text = end + 1;
	last = strtoul(text, &end, 0);
	if (end == text || *end != '\0' || first > last || last > 0xFFFF)
		return false;
	*span = (struct meter_span){(uint16_t)first, (uint16_t)last};
	return true;
}

bool parse_rate(const char *text, uint32_t *ppm)
{
	int64_t digits, value;
	const char *unit;
	int decimals, exponent = 6;

	if (!split_decimal(text, &digits, &decimals, &unit) || digits < 0)
		return false;
	if (strcmp(unit, "%") == 0)
		exponent = 4;
	else if (*unit != '\0')
		return false;
	if (!scale_decimal(digits, exponent - decimals, &value) || value > FAULT_RATE_ONE)
		return false;
	*ppm = (uint32_t)value;
	return true;
}

bool parse_value(enum quantity q, const char *text, int64_t *value)
{
	struct value_decimal worth = {1, 0};
	const struct names_unit *unit;
	const char *unit_text;
	int64_t digits;
	int decimals;

	if (!split_decimal(text, &digits, &decimals, &unit_text))
		return false;
	if (*unit_text == '\0' && strcmp(names_get(q)->unit, "m-") == 0)
		unit_text = "-"; /* a factor is written as such: 0.95 */
	unit = names_unit(q, unit_text);
	if ((unit == NULL && *unit_text != '\0') || (unit != NULL && unit->per != 1))
		return false;
	if (unit != NULL)
		worth = unit->worth;
	return !__builtin_mul_overflow(digits, worth.mantissa, &digits) &&
	       scale_decimal(digits, worth.exponent - decimals, value);
}
