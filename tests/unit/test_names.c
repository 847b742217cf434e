/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "names.h"
#include "unit.h"

TEST(quantity_is_found_by_its_name)
{
	assert_int_equal(names_find("active_energy_import"), Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(names_find("pulses_8"), Q_PULSES_8);
	assert_int_equal(names_find("Active_energy_import"), -1);
	assert_int_equal(names_find(""), -1);
}

TEST(row_says_what_the_registry_says)
{
	const struct names_row *energy = names_get(Q_ACTIVE_ENERGY_IMPORT), *serial = names_get(Q_SERIAL_NUMBER);

	assert_string_equal(energy->name, "active_energy_import");
	assert_string_equal(energy->obis, "1.8.0");
	assert_string_equal(energy->unit, "Wh");
	assert_string_equal(energy->shown, "kWh");
	assert_int_equal(energy->per_shown, 1000);
	assert_int_equal(energy->kind, NAMES_COUNTER);
	assert_string_equal(energy->table, "energy");
	assert_string_equal(energy->meaning, "active energy imported (A+), total");
	assert_int_equal(serial->kind, NAMES_IDENTITY);
	assert_string_equal(serial->table, "");
}

static void expect_unit(enum quantity q, const char *text, int64_t mantissa, int32_t exponent)
{
	const struct names_unit *unit = names_unit(q, text);

	assert_non_null(unit);
	assert_string_equal(unit->text, text);
	assert_string_equal(unit->base, names_get(q)->unit);
	assert_int_equal(unit->worth.mantissa, mantissa);
	assert_int_equal(unit->worth.exponent, exponent);
}

TEST(units_are_worth_their_base_units)
{
	expect_unit(Q_ACTIVE_ENERGY_IMPORT, "Wh", 1, 0);
	expect_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh", 1, 3);
	expect_unit(Q_VOLTAGE_L1, "V", 1, 3);
	expect_unit(Q_OPERATING_TIME, "h", 36, 2);
	expect_unit(Q_POWER_FACTOR, "-", 1, 3);
	expect_unit(Q_TARIFF, "-", 1, 0);
	expect_unit(Q_PULSES_1, "1", 1, 0);
	expect_unit(Q_REACTIVE_ENERGY_EXPORT, "vars", 1, 0);
	assert_int_equal(names_unit(Q_REACTIVE_ENERGY_EXPORT, "vars")->per, 3600);
	assert_int_equal(names_unit_size(names_unit(Q_REACTIVE_ENERGY_EXPORT, "vars")), 0);
	assert_null(names_unit(Q_ACTIVE_ENERGY_IMPORT, "varh"));
	assert_null(names_unit(Q_ACTIVE_POWER, "Wh"));
	assert_null(names_unit(Q_ACTIVE_POWER, ""));
}

TEST(shown_unit_of_each_quantity_is_the_registrys)
{
	for (enum quantity q = 0; q < Q_COUNT; q++) {
		const struct names_unit *shown = names_shown(q);

		assert_non_null(shown);
		assert_string_equal(shown->text, names_get(q)->shown);
		assert_int_equal(names_unit_size(shown), names_get(q)->per_shown);
	}
}

static void expect_amount(enum quantity q, const char *text, int64_t expected)
{
	int64_t amount = -1;

	assert_int_equal(names_amount(q, text, &amount), VALUE_OK);
	assert_int_equal(amount, expected);
}

static void expect_no_amount(enum quantity q, const char *text, enum value_result expected)
{
	int64_t amount = -1;

	assert_int_equal(names_amount(q, text, &amount), expected);
	assert_int_equal(amount, -1);
}

TEST(amounts_are_exact)
{
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "10 Wh", 10);
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "10Wh", 10);
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "81234.5 kWh", 81234500);
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "1.50000000 kWh", 1500);
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "-3.001 kWh", -3001);
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "9007199254740993 Wh", 9007199254740993);
	expect_amount(Q_VOLUME, "0.01 m3", 10000);
	expect_amount(Q_VOLUME, "0.000001 m3", 1);
	expect_amount(Q_OPERATING_TIME, "1.25 h", 4500);
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "7200 Ws", 2);
	expect_amount(Q_APPARENT_ENERGY, "-3600.0 VAs", -1);
	expect_amount(Q_HEAT, "1.5 MWh", 1500000);
	expect_amount(Q_HEAT, "1 Mcal", 1163);
	expect_amount(Q_HEAT, "2 Gcal", 2326000);
	expect_amount(Q_HEAT, "3.6 GJ", 1000000);
	expect_amount(Q_HEAT, "18 MJ", 5000);
}

TEST(amounts_in_units_that_are_no_whole_base_units_are_rounded_towards_0)
{
	expect_amount(Q_ACTIVE_ENERGY_IMPORT, "3601 Ws", 1);
	expect_amount(Q_HEAT, "1 GJ", 277777);
	expect_amount(Q_HEAT, "-1 GJ", -277777);
	expect_amount(Q_HEAT, "81234.5 kcal", 94475);
	expect_amount(Q_HEAT, "0.001 kcal", 0);
	expect_no_amount(Q_HEAT, "9223372036854775807 GJ", VALUE_RANGE);
}

static void expect_fraction(const char *unit, int64_t number, bool divides, int64_t numerator, int64_t denominator)
{
	int64_t n = 0, d = 0;

	assert_int_equal(names_fraction((struct value_decimal){number, 0}, names_unit(Q_HEAT, unit), divides, &n, &d),
			 VALUE_OK);
	assert_int_equal(n, numerator);
	assert_int_equal(d, denominator);
}

TEST(heat_is_an_exact_fraction_of_a_wh)
{
	expect_fraction("kcal", 1, false, 1163, 1000);
	expect_fraction("Mcal", 1, false, 1163, 1);
	expect_fraction("Gcal", 10, true, 116300, 1);
	expect_fraction("kJ", 1, false, 5, 18);
	expect_fraction("MJ", 1, false, 2500, 9);
	expect_fraction("GJ", 1, false, 2500000, 9);
	expect_fraction("GJ", 9, false, 2500000, 1);
	expect_fraction("GJ", 1000, true, 2500, 9);
	expect_fraction("MWh", 8, true, 125000, 1);
}

TEST(amounts_that_are_no_whole_base_units_are_refused)
{
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "0.5 Wh", VALUE_FRACTION);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "0.0001 kWh", VALUE_FRACTION);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "10 MJ", VALUE_UNIT);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "10", VALUE_UNIT);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "10 wh", VALUE_UNIT);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "10 m3", VALUE_UNIT);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "10 Wh net", VALUE_UNIT);
	expect_no_amount(Q_VOLUME, "0,01 m3", VALUE_UNIT);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "1e3 Wh", VALUE_UNIT);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, ".5 kWh", VALUE_FORM);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "5. kWh", VALUE_FORM);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "+5 kWh", VALUE_FORM);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "9223372036854775807 kWh", VALUE_RANGE);
	expect_no_amount(Q_ACTIVE_ENERGY_IMPORT, "9223372036854775808 Wh", VALUE_RANGE);
}

TEST(units_of_a_quantity_are_listed)
{
	char text[64], small[6];

	names_units(Q_ACTIVE_ENERGY_IMPORT, text, sizeof(text));
	assert_string_equal(text, "Wh, kWh, MWh, Ws");
	names_units(Q_HEAT, text, sizeof(text));
	assert_string_equal(text, "Wh, kWh, MWh, Ws, kJ, MJ, GJ, cal, kcal, Mcal, Gcal");
	names_units(Q_FREQUENCY, text, sizeof(text));
	assert_string_equal(text, "mHz, Hz");
	names_units(Q_ACTIVE_ENERGY_IMPORT, small, sizeof(small));
	assert_string_equal(small, "Wh, k");
}

TEST(every_quantity_is_whole)
{
	static const char *const tables[] = {
		"", "energy", "partial", "tariff", "tariff_other", "energy_other", "power", "power_other", "pulse"};

	for (enum quantity q = 0; q < Q_COUNT; q++) {
		const struct names_row *row = names_get(q);
		char units[64];
		bool known = false;

		assert_int_equal(names_find(row->name), q);
		assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(row->name));
		assert_true(row->per_shown == 1 || row->per_shown == 1000 || row->per_shown == 3600 ||
			    row->per_shown == 1000000);
		for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
			known |= strcmp(row->table, tables[i]) == 0;
		assert_true(known);
		assert_true(row->kind != NAMES_IDENTITY || row->table[0] == '\0');
		names_units(q, units, sizeof(units));
		assert_string_not_equal(units, "");
		assert_string_not_equal(row->meaning, "");
	}
}

UNIT_MAIN(NULL, NULL)
