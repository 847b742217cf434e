/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "meter.h"
#include "unit.h"

enum { HOUR_MS = 3600000 };

static const int64_t midnight_ms = INT64_C(1700006400000);

static struct driver *driver;

static int load_driver(void **state)
{
	struct err e = {0};

	(void)state;
	driver = driver_load(SOURCE_DIR "/drivers/countis-e44.ini", &e);
	err_print(&e, stderr);
	err_fini(&e);
	return driver == NULL;
}

static int free_driver(void **state)
{
	(void)state;
	driver_free(driver);
	return 0;
}

static struct meter meter_of(int64_t base_w, int64_t peak_w, const char *curve)
{
	struct meter m;

	meter_init(&m);
	m.driver = driver;
	m.load.base_mw = base_w * 1000;
	m.load.peak_mw = peak_w * 1000;
	m.load.curve = meter_curve(curve);
	return m;
}

static int64_t value(const struct meter *m, enum quantity q)
{
	int64_t v;

	assert_true(meter_value(m, q, &v));
	return v;
}

TEST(energy_is_power_times_time)
{
	struct meter m = meter_of(6000, 6000, "flat");
	int64_t power_mw, before;

	m.load.noise = 0;
	m.load.phases = 1;
	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, 1000);
	meter_start(&m, 1, midnight_ms);
	power_mw = value(&m, Q_ACTIVE_POWER);
	assert_in_range(power_mw, 5999000, 6000000);
	before = value(&m, Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(before, 1000);
	meter_advance(&m, midnight_ms + 30000);
	assert_int_equal(value(&m, Q_ACTIVE_ENERGY_IMPORT), 1000 + power_mw * 30 / 3600000);
	meter_advance(&m, midnight_ms + HOUR_MS);
	assert_in_range(value(&m, Q_ACTIVE_ENERGY_IMPORT), 1000 + 5998, 1000 + 6000);
}

TEST(each_quadrant_has_its_reactive_energy)
{
	static const struct {
		int64_t base_w;
		int32_t power_factor;
		int quadrant;
	} cases[] = {{6000, 900, 0}, {-6000, -900, 2}, {-6000, 900, 1}, {6000, -900, 3}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct meter m = meter_of(cases[i].base_w, cases[i].base_w, "flat");

		m.load.noise = 0;
		m.load.power_factor = cases[i].power_factor;
		for (int q = 0; q < 4; q++)
			meter_set(&m, Q_REACTIVE_ENERGY_Q1 + q, 0);
		meter_set(&m, Q_ACTIVE_ENERGY_TOTAL, 0);
		meter_start(&m, 1, midnight_ms);
		meter_advance(&m, midnight_ms + HOUR_MS);
		for (int q = 0; q < 4; q++)
			assert_in_range(value(&m, Q_REACTIVE_ENERGY_Q1 + q), q == cases[i].quadrant ? 2800 : 0,
					q == cases[i].quadrant ? 2960 : 0);
		assert_in_range(value(&m, Q_ACTIVE_ENERGY_TOTAL), 5900, 6000);
	}
}

TEST(phases_add_up_to_the_meter)
{
	struct meter m = meter_of(6000, 6000, "flat");
	int64_t sum = 0;

	for (int i = 0; i < 3; i++)
		meter_set(&m, Q_ACTIVE_ENERGY_IMPORT_L1 + i, 0);
	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, 0);
	meter_start(&m, 1, midnight_ms);
	meter_advance(&m, midnight_ms + HOUR_MS);
	for (int i = 0; i < 3; i++)
		sum += value(&m, Q_ACTIVE_ENERGY_IMPORT_L1 + i);
	assert_in_range(value(&m, Q_ACTIVE_ENERGY_IMPORT) - sum, 0, 2);
}

TEST(the_size_of_time_steps_makes_no_difference)
{
	struct meter a = meter_of(500, 15000, "machine"), b = a;

	meter_start(&a, 5, midnight_ms + 123);
	meter_start(&b, 5, midnight_ms + 123);
	meter_advance(&a, midnight_ms + 30 * HOUR_MS);
	for (int64_t t = midnight_ms; t <= midnight_ms + 30 * HOUR_MS; t += 7777)
		meter_advance(&b, t);
	meter_advance(&b, midnight_ms + 30 * HOUR_MS);
	assert_memory_equal(a.values, b.values, sizeof(a.values));
	assert_memory_equal(a.rests, b.rests, sizeof(a.rests));
}

static int64_t tariffs_sum(const struct meter *m, enum quantity first)
{
	int64_t sum = 0;

	for (int t = 0; t < METER_TARIFFS; t++)
		sum += m->values[first + t];
	return sum;
}

TEST(the_tariffs_together_advance_like_the_total)
{
	struct meter m = meter_of(700, 9000, "office");
	int64_t total, tariffs, t2;

	m.n_schedule = 2;
	m.schedule[0] = (struct meter_tariff_change){360, 1};
	m.schedule[1] = (struct meter_tariff_change){1320, 2};
	meter_start(&m, 3, midnight_ms);
	total = value(&m, Q_ACTIVE_ENERGY_IMPORT);
	tariffs = tariffs_sum(&m, Q_ACTIVE_ENERGY_IMPORT_T1);
	assert_int_equal(tariffs, total);
	assert_int_equal(value(&m, Q_TARIFF), 2);
	t2 = value(&m, Q_ACTIVE_ENERGY_IMPORT_T2);
	meter_advance(&m, midnight_ms + 6 * HOUR_MS);
	assert_int_equal(value(&m, Q_TARIFF), 1);
	assert_int_equal(value(&m, Q_ACTIVE_ENERGY_IMPORT_T2) - t2, value(&m, Q_ACTIVE_ENERGY_IMPORT) - total);
	meter_advance(&m, midnight_ms + 50 * HOUR_MS);
	assert_true(value(&m, Q_ACTIVE_ENERGY_IMPORT) > total + 100000);
	assert_int_equal(tariffs_sum(&m, Q_ACTIVE_ENERGY_IMPORT_T1), value(&m, Q_ACTIVE_ENERGY_IMPORT));
	assert_int_equal(tariffs_sum(&m, Q_REACTIVE_ENERGY_IMPORT_T1), value(&m, Q_REACTIVE_ENERGY_IMPORT));
}

TEST(powers_match_voltages_and_currents)
{
	struct meter m = meter_of(40000, 40000, "flat");
	int64_t p = 0, q = 0, s = 0;

	m.load.power_factor = -900;
	meter_start(&m, 9, midnight_ms);
	for (int i = 0; i < 3; i++) {
		p += value(&m, (enum quantity)(Q_ACTIVE_POWER_L1 + i));
		q += value(&m, (enum quantity)(Q_REACTIVE_POWER_L1 + i));
		s += value(&m, (enum quantity)(Q_APPARENT_POWER_L1 + i));
		assert_int_equal(value(&m, (enum quantity)(Q_VOLTAGE_L1 + i)) *
					 value(&m, (enum quantity)(Q_CURRENT_L1 + i)) / 1000,
				 value(&m, (enum quantity)(Q_APPARENT_POWER_L1 + i)));
	}
	assert_int_equal(value(&m, Q_ACTIVE_POWER), p);
	assert_int_equal(value(&m, Q_REACTIVE_POWER), q);
	assert_int_equal(value(&m, Q_APPARENT_POWER), s);
	assert_int_equal(value(&m, Q_POWER_FACTOR), -900);
	assert_true(q < 0);
}

TEST(export_counts_in_its_own_register)
{
	struct meter m = meter_of(-2000, -2000, "flat");
	int64_t import, export;

	meter_start(&m, 2, midnight_ms);
	import = value(&m, Q_ACTIVE_ENERGY_IMPORT);
	export = value(&m, Q_ACTIVE_ENERGY_EXPORT);
	meter_advance(&m, midnight_ms + HOUR_MS);
	assert_int_equal(value(&m, Q_ACTIVE_ENERGY_IMPORT), import);
	assert_in_range(value(&m, Q_ACTIVE_ENERGY_EXPORT) - export, 1880, 2120);
	assert_true(value(&m, Q_ACTIVE_POWER) < 0);
}

TEST(pulses_follow_their_rate)
{
	struct meter m = meter_of(0, 0, "flat");

	m.load.noise = 0;
	m.inputs[0] = (struct meter_input){0, 3600};
	meter_set(&m, Q_PULSES_1, 999999990);
	meter_set(&m, Q_PULSES_2, 7);
	meter_start(&m, 2, midnight_ms);
	meter_advance(&m, midnight_ms + 999);
	assert_int_equal(value(&m, Q_PULSES_1), 999999990);
	meter_advance(&m, midnight_ms + 20000);
	assert_int_equal(value(&m, Q_PULSES_1), 1000000010);
	assert_int_equal(value(&m, Q_PULSES_2), 7);
}

TEST(demand_is_the_mean_of_the_last_quarter_of_an_hour)
{
	struct meter m = meter_of(3000, 3000, "flat");

	m.load.noise = 0;
	m.load.phases = 1;
	meter_start(&m, 2, midnight_ms);
	assert_int_equal(value(&m, Q_ACTIVE_POWER_DEMAND), 0);
	meter_advance(&m, midnight_ms + HOUR_MS / 4);
	assert_in_range(value(&m, Q_ACTIVE_POWER_DEMAND), 2998000, 3000000);
	assert_true(value(&m, Q_ACTIVE_POWER_DEMAND_MAX) >= value(&m, Q_ACTIVE_POWER_DEMAND));
}

TEST(a_set_value_stays_until_released)
{
	struct meter m = meter_of(1000, 1000, "flat");
	int64_t v;

	meter_start(&m, 2, midnight_ms);
	meter_set(&m, Q_FREQUENCY, 49123);
	meter_advance(&m, midnight_ms + HOUR_MS);
	assert_int_equal(value(&m, Q_FREQUENCY), 49123);
	meter_set_absent(&m, Q_FREQUENCY);
	assert_false(meter_value(&m, Q_FREQUENCY, &v));
	meter_release(&m, Q_FREQUENCY);
	assert_in_range(value(&m, Q_FREQUENCY), 49970, 50030);
	meter_set(&m, Q_TARIFF, 3);
	meter_advance(&m, midnight_ms + 2 * HOUR_MS);
	assert_int_equal(value(&m, Q_TARIFF), 3);
}

TEST(another_device_has_other_counters)
{
	struct meter m = meter_of(1000, 1000, "flat");
	int64_t before;

	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, 123);
	meter_start(&m, 2, midnight_ms);
	before = value(&m, Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(before, 123);
	meter_swap(&m, "4711");
	assert_string_equal(meter_text(&m, Q_SERIAL_NUMBER), "4711");
	assert_int_not_equal(value(&m, Q_ACTIVE_ENERGY_IMPORT), before);
	assert_int_equal(tariffs_sum(&m, Q_ACTIVE_ENERGY_IMPORT_T1), value(&m, Q_ACTIVE_ENERGY_IMPORT));
	assert_int_equal(m.saved[Q_ACTIVE_ENERGY_IMPORT], value(&m, Q_ACTIVE_ENERGY_IMPORT));
}

TEST(the_identity_is_the_one_that_the_table_expects)
{
	struct meter m = meter_of(0, 0, "flat");

	meter_set_text(&m, Q_SERIAL_NUMBER, "0815");
	meter_start(&m, 2, midnight_ms);
	assert_string_equal(meter_text(&m, Q_MAKER), "SOCO");
	assert_string_equal(meter_text(&m, Q_PRODUCT_NAME), "Countis E44");
	assert_string_equal(meter_text(&m, Q_SERIAL_NUMBER), "0815");
}

UNIT_MAIN(load_driver, free_driver)
