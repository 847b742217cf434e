/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "names.h"

static void quantity_is_found_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(names_find("active_energy_import"), Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(names_find("pulses_8"), Q_PULSES_8);
	assert_int_equal(names_find("Active_energy_import"), -1);
	assert_int_equal(names_find(""), -1);
}

static void row_says_what_the_registry_says(void **state)
{
	const struct names_row *energy = names_get(Q_ACTIVE_ENERGY_IMPORT), *serial = names_get(Q_SERIAL_NUMBER);

	(void)state;
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

static void units_are_worth_their_base_units(void **state)
{
	int64_t m;
	int32_t e;

	(void)state;
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

static void units_of_a_quantity_are_listed(void **state)
{
	char text[64], small[6];

	(void)state;
	names_units(Q_ACTIVE_ENERGY_IMPORT, text, sizeof(text));
	assert_string_equal(text, "Wh kWh MWh");
	names_units(Q_FREQUENCY, text, sizeof(text));
	assert_string_equal(text, "mHz Hz");
	names_units(Q_ACTIVE_ENERGY_IMPORT, small, sizeof(small));
	assert_string_equal(small, "Wh kW");
}

static void every_quantity_is_whole(void **state)
{
	static const char *const tables[] = {"", "energy", "partial", "tariff", "tariff_other", "power", "pulse"};

	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantity_is_found_by_its_name),    cmocka_unit_test(row_says_what_the_registry_says),
		cmocka_unit_test(units_are_worth_their_base_units), cmocka_unit_test(units_of_a_quantity_are_listed),
		cmocka_unit_test(every_quantity_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
