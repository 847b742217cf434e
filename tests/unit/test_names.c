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

static void expect_unit(enum quantity q, const char *unit, int64_t mantissa, int32_t exponent)
{
	int64_t m;
	int32_t e;

	assert_true(names_unit(q, unit, &m, &e));
	assert_int_equal(m, mantissa);
	assert_int_equal(e, exponent);
}

TEST(units_are_worth_their_base_units)
{
	int64_t m;
	int32_t e;

	expect_unit(Q_ACTIVE_ENERGY_IMPORT, "Wh", 1, 0);
	expect_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh", 1, 3);
	expect_unit(Q_VOLTAGE_L1, "V", 1, 3);
	expect_unit(Q_OPERATING_TIME, "h", 36, 2);
	expect_unit(Q_POWER_FACTOR, "-", 1, 3);
	expect_unit(Q_TARIFF, "-", 1, 0);
	expect_unit(Q_PULSES_1, "1", 1, 0);
	assert_false(names_unit(Q_ACTIVE_ENERGY_IMPORT, "varh", &m, &e));
	assert_false(names_unit(Q_ACTIVE_POWER, "Wh", &m, &e));
	assert_false(names_unit(Q_ACTIVE_POWER, "", &m, &e));
}

TEST(units_of_a_quantity_are_listed)
{
	char text[64], small[6];

	names_units(Q_ACTIVE_ENERGY_IMPORT, text, sizeof(text));
	assert_string_equal(text, "Wh kWh MWh");
	names_units(Q_FREQUENCY, text, sizeof(text));
	assert_string_equal(text, "mHz Hz");
	names_units(Q_ACTIVE_ENERGY_IMPORT, small, sizeof(small));
	assert_string_equal(small, "Wh kW");
}

TEST(every_quantity_is_whole)
{
	static const char *const tables[] = {"", "energy", "partial", "tariff", "tariff_other", "power", "pulse"};

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
