/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "names_gen.c"

/* Each in the base units of drivers/NAMES. */
static const struct names_unit units[] = {
	{"Wh", "Wh", {1, 0}, 1},	{"kWh", "Wh", {1, 3}, 1},     {"MWh", "Wh", {1, 6}, 1},
	{"varh", "varh", {1, 0}, 1},	{"kvarh", "varh", {1, 3}, 1}, {"Mvarh", "varh", {1, 6}, 1},
	{"VAh", "VAh", {1, 0}, 1},	{"kVAh", "VAh", {1, 3}, 1},   {"MVAh", "VAh", {1, 6}, 1},
	{"mV", "mV", {1, 0}, 1},	{"V", "mV", {1, 3}, 1},	      {"kV", "mV", {1, 6}, 1},
	{"mA", "mA", {1, 0}, 1},	{"A", "mA", {1, 3}, 1},	      {"kA", "mA", {1, 6}, 1},
	{"mW", "mW", {1, 0}, 1},	{"W", "mW", {1, 3}, 1},	      {"kW", "mW", {1, 6}, 1},
	{"MW", "mW", {1, 9}, 1},	{"var", "mvar", {1, 3}, 1},   {"kvar", "mvar", {1, 6}, 1},
	{"Mvar", "mvar", {1, 9}, 1},	{"VA", "mVA", {1, 3}, 1},     {"kVA", "mVA", {1, 6}, 1},
	{"MVA", "mVA", {1, 9}, 1},	{"mHz", "mHz", {1, 0}, 1},    {"Hz", "mHz", {1, 3}, 1},
	{"-", "m-", {1, 3}, 1},		{"-", "-", {1, 0}, 1},	      {"1", "1", {1, 0}, 1},
	{"s", "s", {1, 0}, 1},		{"min", "s", {6, 1}, 1},      {"h", "s", {36, 2}, 1},
	{"ml", "ml", {1, 0}, 1},	{"l", "ml", {1, 3}, 1},	      {"m3", "ml", {1, 6}, 1},
	{"Ws", "Wh", {1, 0}, 3600},	{"%", "m%", {1, 3}, 1},	      {"degC", "mdegC", {1, 3}, 1},
	{"vars", "varh", {1, 0}, 3600}, {"VAs", "VAh", {1, 0}, 3600},
};

/* Units of heat only. A joule is 1/3600 Wh; the calorie is that of the International Table, 4.1868 J, so that 1 kcal is
 * 1.163 Wh. */
static const struct names_unit heat_units[] = {
	{"kJ", "Wh", {1, 3}, 3600},	   {"MJ", "Wh", {1, 6}, 3600},	    {"GJ", "Wh", {1, 9}, 3600},
	{"cal", "Wh", {1163, 0}, 1000000}, {"kcal", "Wh", {1163, 0}, 1000}, {"Mcal", "Wh", {1163, 0}, 1},
	{"Gcal", "Wh", {1163, 3}, 1},
};
enum { N_UNITS = sizeof(units) / sizeof(units[0]), N_HEAT_UNITS = sizeof(heat_units) / sizeof(heat_units[0]) };

/* The units of q: of all units, those that are for it. */
static const struct names_unit *unit_at(enum quantity q, size_t i)
{
	if (i >= N_UNITS)
		return q == Q_HEAT ? &heat_units[i - N_UNITS] : NULL;
	return strcmp(units[i].base, rows[q].unit) == 0 ? &units[i] : NULL;
}

const struct names_row *names_get(enum quantity q)
{
	return &rows[q];
}

int names_find(const char *name)
{
	for (int q = 0; q < Q_COUNT; q++)
		if (strcmp(rows[q].name, name) == 0)
			return q;
	return -1;
}

int names_inverted(enum quantity q)
{
	static const char *const pairs[][2] = {{"_import", "_export"}, {"_q1", "_q3"}, {"_q2", "_q4"}};
	const char *name = rows[q].name;
	char other[64];

	if (q == Q_ACTIVE_POWER_DEMAND_MAX)
		return -1;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		for (int k = 0; k < 2; k++) {
			const char *at = strstr(name, pairs[i][k]);

			if (at == NULL)
				continue;
			snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - name), name, pairs[i][1 - k],
				 at + strlen(pairs[i][k]));
			return names_find(other);
		}
	}
	return (int)q;
}

bool names_is_directed(enum quantity q)
{
	return rows[q].kind == NAMES_GAUGE && (strcmp(rows[q].unit, "mW") == 0 || strcmp(rows[q].unit, "mvar") == 0);
}

const struct names_unit *names_unit(enum quantity q, const char *text)
{
	for (size_t i = 0; i < N_UNITS + N_HEAT_UNITS; i++) {
		const struct names_unit *u = unit_at(q, i);

		if (u != NULL && strcmp(u->text, text) == 0)
			return u;
	}
	return NULL;
}

const struct names_unit *names_shown(enum quantity q)
{
	return names_unit(q, rows[q].shown);
}

int64_t names_unit_size(const struct names_unit *u)
{
	int64_t size = 1;

	(void)value_multiply(u->worth, 1, &size);
	return size / u->per;
}

/* Towards 0. */
static enum value_result multiply_down(struct value_decimal d, const struct names_unit *u, int64_t *base_units)
{
	int64_t product = d.mantissa, per = u->per;

	if (__builtin_mul_overflow(product, u->worth.mantissa, &product))
		return VALUE_RANGE;
	for (d.exponent += u->worth.exponent; d.exponent > 0; d.exponent--)
		if (__builtin_mul_overflow(product, 10, &product))
			return VALUE_RANGE;
	for (; d.exponent < 0; d.exponent++)
		if (__builtin_mul_overflow(per, 10, &per))
			return VALUE_RANGE;
	*base_units = product / per;
	return VALUE_OK;
}

enum value_result names_multiply(struct value_decimal d, const struct names_unit *u, int64_t *base_units)
{
	if (u->per != 1)
		return multiply_down(d, u, base_units);
	d.exponent += u->worth.exponent;
	return value_multiply(d, u->worth.mantissa, base_units);
}

enum value_result names_fraction(struct value_decimal d, const struct names_unit *u, bool divides, int64_t *numerator,
				 int64_t *denominator)
{
	int64_t size = 1, per = u->per;
	enum value_result result;

	(void)value_multiply(u->worth, 1, &size);
	value_reduce(&size, &per);
	result = value_fraction(d, size, divides, numerator, denominator);
	if (result != VALUE_OK)
		return result;
	value_reduce(numerator, &per);
	return __builtin_mul_overflow(*denominator, per, denominator) ? VALUE_RANGE : VALUE_OK;
}

enum value_result names_amount(enum quantity q, const char *text, int64_t *base_units)
{
	const struct names_unit *u;
	struct value_decimal d;
	const char *rest;
	enum value_result result = value_decimal(text, &d, &rest);

	if (result != VALUE_OK)
		return result;
	u = names_unit(q, rest + strspn(rest, " \t"));
	return u != NULL ? names_multiply(d, u, base_units) : VALUE_UNIT;
}

void names_units(enum quantity q, char *out, size_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < N_UNITS + N_HEAT_UNITS && used < n; i++) {
		const struct names_unit *u = unit_at(q, i);

		if (u != NULL)
			used += (size_t)snprintf(out + used, n - used, "%s%s", used > 0 ? ", " : "", u->text);
	}
}

void names_format(enum quantity q, int64_t value, char *out, size_t n)
{
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	uint64_t per = (uint64_t)rows[q].per_shown;
	const char *sign = value < 0 ? "-" : "";

	if (per == 1)
		snprintf(out, n, "%s%" PRIu64, sign, magnitude);
	else
		snprintf(out, n, "%s%" PRIu64 ".%03" PRIu64, sign, magnitude / per, magnitude % per * 1000 / per);
}
