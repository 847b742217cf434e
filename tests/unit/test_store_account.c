/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <time.h>

#include "driver.h"
#include "store_site.h"
#include "unit.h"

static void columns_are(const struct site *t, const char *view, const char *expected)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT group_concat(name, ', ') FROM pragma_table_info('%s')", view);
	assert_rows(t, sql, expected);
}

TEST_WITH(views_have_the_columns_of_the_contract, setup, teardown)
{
	struct site *t = *state;

	columns_are(t, "interval", "time, ts, meter, quantity, duration_s, value, unit, quality");
	columns_are(t, "interval_energy",
		    "time, ts, meter, duration_s, active_import_kwh, active_export_kwh, reactive_import_kvarh, "
		    "reactive_export_kvarh, quality");
	columns_are(t, "daily", "day, meter, quantity, value, unit, coverage");
	columns_are(t, "monthly", "month, meter, quantity, value, unit, coverage");
	columns_are(t, "monthly_tariff", "month, meter, tariff, active_import_kwh, reactive_import_kvarh");
}

/* Readings of press each minute of [from_s, to_s], base units at_0 at T and 600 an hour. */
static void run(struct site *t, int64_t from_s, int64_t to_s, int64_t at_0)
{
	for (int64_t at = from_s; at <= to_s; at += 60)
		hold(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, at_0 + at / 6, Q_ACTIVE_ENERGY_IMPORT_T1,
		     at_0 / 2 + at / 12, Q_TARIFF, INT64_C(1), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
}

static void reopen(struct site *t)
{
	store_close(t->store);
	open_store(t);
}

/* Leave the store as kill -9 does: nothing saved, nothing committed that was not. */
static void crash(struct site *t)
{
	store_abandon(t->store);
	open_store(t);
}

TEST_WITH(intervals_days_and_months_are_kept_as_readings_come, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 3600, 5000);
	assert_rows(t, "SELECT * FROM interval LIMIT 2",
		    "2026-01-01T00:00:00Z|1767225600|press|active_energy_import|900|0.15|kWh|measured\n"
		    "2026-01-01T00:15:00Z|1767226500|press|active_energy_import|900|0.15|kWh|measured");
	assert_rows(t, "SELECT * FROM interval_energy ORDER BY ts DESC LIMIT 1",
		    "2026-01-01T00:45:00Z|1767228300|press|900|0.15||||measured");
	assert_rows(t, "SELECT day, meter, quantity, value, unit, round(coverage, 4) FROM daily ORDER BY quantity",
		    "2026-01-01|press|active_energy_import|0.6|kWh|0.0417\n"
		    "2026-01-01|press|active_energy_import_t1|0.3|kWh|0.0417");
	assert_rows(t, "SELECT month, quantity, value FROM monthly ORDER BY quantity",
		    "2026-01|active_energy_import|0.6\n2026-01|active_energy_import_t1|0.3");
	assert_rows(t, "SELECT * FROM monthly_tariff", "2026-01|press|1|0.3|");
}

TEST_WITH(account_goes_on_after_a_restart, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 1000, 5000);
	reopen(t);
	run(t, 1020, 1800, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
	assert_rows(t, "SELECT value FROM daily WHERE quantity = 'active_energy_import'", "0.3");
	assert_rows(t, "SELECT count(*) FROM life", "2");
}

TEST_WITH(account_goes_on_after_a_crash, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 1000, 5000);
	run(t, 1020, 1380, 5000);
	crash(t);
	run(t, 1440, 1800, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
	assert_rows(t, "SELECT value FROM daily WHERE quantity = 'active_energy_import'", "0.3");
}

TEST_WITH(crash_before_the_first_save_begins_no_second_life, setup, teardown)
{
	struct site *t = *state;

	/* what the meter says of itself comes before its first reading, so that the first save knows of none */
	crash(t);
	hold(t, "press", T - 1, READING_GOOD, Q_COUNTER_MAX, INT64_C(9999999990), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	run(t, 0, 1380, 5000);
	crash(t);
	run(t, 1440, 1800, 5000);
	assert_rows(t, "SELECT from_ts - 1767225600, from_raw, reason FROM life", "0|5000|first\n0|2500|first");
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
}

/* The clock is set back by more than two hours, and then the press is heard again. */
TEST_WITH(crash_after_the_clock_was_set_back_counts_nothing_twice, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 60, 5000);
	hold(t, "pulses", T + 30000, READING_GOOD, Q_PULSES_1, INT64_C(7), Q_COUNT);
	reopen(t);
	run(t, 21600, 22500, 9000);
	crash(t);
	run(t, 23400, 23400, 9000);
	assert_rows(t,
		    "SELECT sum(active_energy_import) FROM kept_interval i JOIN meter m ON m.id = i.meter "
		    "WHERE name = 'press'",
		    "7900");
	assert_rows(t, "SELECT value FROM interval WHERE meter = 'press' ORDER BY ts DESC LIMIT 1", "0.15");
}

/* As when the clock was set back to a slot that has no row of the tariffs above four yet. */
TEST_WITH(values_that_came_later_for_a_slot_are_counted_once, setup, teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 900; at += 300)
		hold(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at, Q_ACTIVE_ENERGY_IMPORT_T5,
		     70 + at, Q_COUNT);
	reopen(t);
	hold(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6800), Q_COUNT);
	hold(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT_T5, INT64_C(1870), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	crash(t);
	hold(t, "press", T + 2700, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7700), Q_ACTIVE_ENERGY_IMPORT_T5,
	     INT64_C(2770), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quantity, value FROM daily ORDER BY quantity",
		    "active_energy_import|2.7\nactive_energy_import_t5|2.7");
}

TEST_WITH(failed_commit_counts_nothing_twice, setup, teardown)
{
	struct site *t = *state;
	sqlite3 *other;

	run(t, 0, 840, 5000);
	assert_int_equal(sqlite3_open(t->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	hold(t, "press", T + 900, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5150), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	sqlite3_close(other);
	run(t, 960, 1800, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
}

TEST_WITH(suspect_reading_is_kept_with_its_reason, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	hold(t, "press", T + 360, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(0), Q_ACTIVE_ENERGY_IMPORT_T1,
	     INT64_C(2530), Q_COUNT);
	run(t, 420, 900, 5000);
	assert_rows(t, "SELECT ts - 1767225600, active_import_kwh, quality FROM energy WHERE quality <> 'good'",
		    "360|0.0|suspect");
	assert_rows(t, "SELECT quantity, reason FROM suspect_reading",
		    "active_energy_import|active_energy_import: fell from 5.050 to 0.000 kWh");
	assert_rows(t, "SELECT count(*) FROM tariff_energy", "15");
	assert_rows(t, "SELECT value, quality FROM interval", "0.15|measured");
	assert_rows(t, "SELECT time, subject, kind FROM event", "2026-01-01T00:06:00Z|press|implausible");
}

TEST_WITH(reading_of_another_model_is_kept_and_never_counted, setup, teardown)
{
	static const char intervals[] = "SELECT ts - 1767225600, quantity, value, quality FROM interval";
	static const char counted[] = "0|active_energy_import|0.15|measured";
	struct site *t = *state;

	run(t, 0, 300, 5000);
	for (int64_t at = 360; at <= 600; at += 60)
		hold(t, "press", T + at, READING_SUSPECT, Q_ACTIVE_ENERGY_IMPORT, 700000 + at, Q_TARIFF, INT64_C(2),
		     Q_COUNT);
	hold(t, "pulses", T + 360, READING_SUSPECT, Q_PULSES_1, INT64_C(7), Q_COUNT);
	run(t, 660, 960, 5000);
	assert_rows(t, "SELECT count(*) FROM energy WHERE meter = 'press' AND quality = 'suspect'", "5");
	assert_rows(t, "SELECT meter, quality FROM pulse", "lighting|suspect");
	assert_rows(t,
		    "SELECT meter, quantity, reason, count(*) FROM suspect_reading GROUP BY meter, quantity, reason "
		    "ORDER BY meter",
		    "lighting|active_energy_import|what answers is not the model of the configuration|1\n"
		    "press|active_energy_import|what answers is not the model of the configuration|5");
	assert_rows(t, "SELECT meter, quantity, reason FROM meter_life ORDER BY quantity",
		    "press|active_energy_import|first\npress|active_energy_import_t1|first");
	assert_rows(t, "SELECT kind FROM event", "gap");
	assert_rows(t, intervals, counted);
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, intervals, counted);
}

TEST_WITH(reset_opens_a_life, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	run(t, 360, 960, -60);
	assert_rows(t, "SELECT kind FROM event", "implausible\nreset");
	assert_rows(t,
		    "SELECT since, from_value, until, until_value, reason FROM meter_life "
		    "WHERE quantity = 'active_energy_import' ORDER BY since",
		    "2026-01-01T00:00:00Z|5.0|2026-01-01T00:05:00Z|5.05|first\n2026-01-01T00:06:00Z|0.0|||reset");
	assert_rows(t, "SELECT value, quality FROM interval", "0.14|estimated");
}

TEST_WITH(gas_stands_in_its_own_unit, setup, teardown)
{
	struct site *t = *state;

	for (int64_t i = 0; i <= 30; i++)
		hold(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, i, Q_PULSES_2, 100 * i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT meter, quantity, value, unit, quality FROM interval ORDER BY meter, ts",
		    "gas|volume|15.0|m3|measured\ngas|volume|15.0|m3|measured\n"
		    "lighting|active_energy_import|0.15|kWh|measured\nlighting|active_energy_import|0.15|kWh|measured");
	assert_rows(t, "SELECT meter, active_import_kwh FROM interval_energy", "lighting|0.15\nlighting|0.15");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM daily ORDER BY meter",
		    "gas|volume|30.0|m3\nlighting|active_energy_import|0.3|kWh");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM monthly ORDER BY meter",
		    "gas|volume|30.0|m3\nlighting|active_energy_import|0.3|kWh");
}

TEST_WITH(water_in_litres_stands_in_all_consumption_views, setup, teardown)
{
	struct site *t = *state;

	t->inputs[1] = (struct conf_input){.name = "water",
					   .concentrator = 1,
					   .input = 2,
					   .quantity = Q_VOLUME,
					   .shown = names_unit(Q_VOLUME, "l"),
					   .weight = 2500,
					   .weight_per = 1};
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	for (int64_t i = 0; i <= 30; i++)
		hold(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_2, 100 * i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT pulses, value, unit FROM pulse WHERE meter = 'water' ORDER BY ts DESC LIMIT 1",
		    "3000|7500.0|l");
	assert_rows(t, "SELECT meter, quantity, value, unit, quality FROM interval WHERE meter = 'water'",
		    "water|volume|3750.0|l|measured\nwater|volume|3750.0|l|measured");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM daily WHERE meter = 'water'", "water|volume|7500.0|l");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM monthly WHERE meter = 'water'",
		    "water|volume|7500.0|l");
}

TEST_WITH(one_suspect_input_leaves_the_others_good, setup, teardown)
{
	struct site *t = *state;

	for (int64_t i = 0; i <= 3; i++)
		hold(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, 500 + i, Q_PULSES_2, i == 2 ? 0 : 900 + i,
		     Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT meter, pulses, quality FROM pulse WHERE ts = 1767225720 ORDER BY meter",
		    "gas|0|suspect\nlighting|502|good");
	assert_rows(t, "SELECT quality FROM energy WHERE ts = 1767225720", "good");
}

/* The input of the lights as one with pulses of 5/16 Wh (3200 imp/kWh). */
static void use_plate(struct site *t)
{
	t->inputs[0] = (struct conf_input){.name = "plate",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_ACTIVE_ENERGY_IMPORT,
					   .shown = names_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh"),
					   .weight = 5,
					   .weight_per = 16};
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
}

TEST_WITH(pulses_of_a_fraction_add_up_to_the_difference, setup, teardown)
{
	struct site *t = *state;
	int64_t pulses = 0;

	use_plate(t);
	for (int64_t at = 0; at <= 57600; at += 60) {
		pulses = at * 3200000 / 57600;
		if (at == 28800)
			reopen(t);
		hold(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, pulses, Q_COUNT);
		if (at % 6000 == 0)
			assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	}
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_int_equal(pulses, 3200000);
	assert_rows(t,
		    "SELECT count(*), sum(i.active_energy_import) FROM kept_interval i JOIN meter m ON m.id = i.meter "
		    "WHERE name = 'plate'",
		    "64|1000000");
	assert_rows(t, "SELECT value, unit FROM daily WHERE meter = 'plate'", "1000.0|kWh");
	assert_rows(t, "SELECT max(value) - min(value) FROM pulse WHERE meter = 'plate'", "1000.0");
	/* 50000 pulses are 15625 Wh */
	assert_rows(t, "SELECT DISTINCT value FROM interval WHERE meter = 'plate'", "15.625");
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t,
		    "SELECT count(*), sum(i.active_energy_import) FROM kept_interval i JOIN meter m ON m.id = i.meter "
		    "WHERE name = 'plate'",
		    "64|1000000");
}

TEST_WITH(input_of_a_fraction_rolls_over_without_loss, setup, teardown)
{
	struct site *t = *state;
	static struct driver concentrator = {
		.n_rows = 1,
		.rows = {{.quantity = Q_PULSES_1, .type = DRIVER_U32, .mantissa = 1, .modulus = 1000000000}}};

	t->meters[1].driver = &concentrator;
	t->meters[1].ct_primary = t->meters[1].ct_secondary = t->meters[1].vt_primary = t->meters[1].vt_secondary = 1;
	use_plate(t);
	for (int64_t i = 0; i <= 30; i++)
		hold(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, (999999987 + i) % 1000000000, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT kind, detail FROM event WHERE subject = 'plate'",
		    "rollover|active_energy_import: 312499.999 to 0.000 kWh at its modulus 312500.000");
	/* 312499995.9375, 312500000.625, 312500005.3125 */
	assert_rows(t, "SELECT value * 1000, quality FROM interval WHERE meter = 'plate' ORDER BY ts",
		    "5.0|measured\n5.0|measured");
}

TEST_WITH(change_of_weight_opens_a_life, setup, teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60;

	for (int64_t i = -30; i <= 0; i++)
		hold(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 1000 + i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	t->inputs[0].weight = 1000;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	for (int64_t i = 1; i <= 40; i++)
		hold(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 1000 + i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT reason FROM meter_life WHERE meter = 'lighting' ORDER BY since", "first\nreplaced");
	assert_rows(t, "SELECT max(value) <= 15.0 AND min(value) > 0 FROM interval WHERE meter = 'lighting'", "1");
}

TEST_WITH(changed_serial_number_opens_a_life, setup, teardown)
{
	struct site *t = *state;
	int64_t press = store_meter_id(t->store, "press");

	store_meter_serial(t->store, press, "A1");
	run(t, 0, 300, 5000);
	store_meter_serial(t->store, press, "B2");
	run(t, 360, 960, 6000);
	assert_rows(t, "SELECT kind, detail FROM event", "meter-replaced|serial number A1, now B2");
	assert_rows(t,
		    "SELECT from_value, until_value, reason FROM meter_life "
		    "WHERE quantity = 'active_energy_import' ORDER BY since",
		    "5.0|5.05|first\n6.06||replaced");
	assert_rows(t, "SELECT serial FROM meter_status WHERE meter = 'press'", "B2");
	assert_rows(t, "SELECT value, quality FROM interval", "0.14|estimated");
}

/* Nobody can tell a small step from one meter to the next from consumption: the serial number does. */
TEST_WITH(changed_serial_number_opens_a_life_also_soon_after_a_reset, setup, teardown)
{
	struct site *t = *state;
	int64_t press = store_meter_id(t->store, "press");

	store_meter_serial(t->store, press, "A1");
	run(t, 0, 300, 5000);
	run(t, 360, 900, -60); /* reset to 0 */
	store_meter_serial(t->store, press, "B2");
	run(t, 960, 1800, 500);
	assert_rows(t,
		    "SELECT from_value, until_value, reason FROM meter_life "
		    "WHERE quantity = 'active_energy_import' ORDER BY since",
		    "5.0|5.05|first\n0.0|0.09|reset\n0.66||replaced");
	assert_rows(t, "SELECT sum(value) FROM interval", "0.28");
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, "SELECT sum(value) FROM interval", "0.28");
}

TEST_WITH(serial_number_said_again_before_the_commit_keeps_its_place, setup, teardown)
{
	struct site *t = *state;
	int64_t press = store_meter_id(t->store, "press");

	store_meter_serial(t->store, press, "A1");
	run(t, 0, 300, 5000);
	store_meter_serial(t->store, press, "B2");
	hold(t, "press", T + 360, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6000), Q_COUNT);
	store_meter_serial(t->store, press, "B2");
	hold(t, "press", T + 420, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6010), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t,
		    "SELECT from_value, until_value, reason FROM meter_life "
		    "WHERE quantity = 'active_energy_import' ORDER BY since",
		    "5.0|5.05|first\n6.0||replaced");
	assert_rows(t, "SELECT * FROM suspect_reading", "");
}

TEST_WITH(replaced_meter_is_counted_to_its_final_and_from_its_initial_value, setup, teardown)
{
	struct site *t = *state;
	int64_t final = 5060, initial = 100;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, &final, &initial);
	run(t, 360, 960, 60);
	assert_rows(t,
		    "SELECT from_value, until_value, reason FROM meter_life "
		    "WHERE quantity = 'active_energy_import' ORDER BY since",
		    "5.0|5.06|first\n0.1||replaced");
	assert_rows(t, "SELECT value FROM interval", "0.17");
	assert_rows(t, "SELECT kind FROM event", "meter-replaced");
}

TEST_WITH(exchange_that_is_told_late_counts_nothing_twice, setup, teardown)
{
	struct site *t = *state;
	int64_t final = 5060, initial = 0;

	run(t, 0, 300, 5000);
	run(t, 360, 3600, -60); /* the new meter shows 0 at 360 */
	request_replacement(t, "press", T + 3600, &final, &initial);
	run(t, 3660, 7200, -60);
	assert_rows(t, "SELECT sum(value) FROM interval", "1.19");
	assert_rows(t, "SELECT reason FROM meter_life WHERE quantity = 'active_energy_import'", "first\nreset");
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'meter-replaced'",
		    "noticed before as a reset; the final and initial values can not be counted any more");
}

TEST_WITH(exchange_stands_over_a_crash_also_of_a_meter_that_was_reset_once, setup, teardown)
{
	struct site *t = *state;
	int64_t day_s = 8 * 86400;

	run(t, 0, 300, 5000);
	run(t, 360, 900, -60);
	hold(t, "press", T + day_s, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(100), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	request_replacement(t, "press", T + day_s, NULL, NULL);
	hold(t, "pulses", T + day_s, READING_GOOD, Q_PULSES_1, INT64_C(7), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	crash(t);
	hold(t, "press", T + day_s + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(150), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t,
		    "SELECT from_value, until_value, reason FROM meter_life "
		    "WHERE meter = 'press' AND quantity = 'active_energy_import' ORDER BY since",
		    "5.0|5.05|first\n0.0|0.1|reset\n0.15||replaced");
}

static const char lives[] = "SELECT from_value, until_value, reason FROM meter_life "
			    "WHERE quantity = 'active_energy_import' ORDER BY since";

TEST_WITH(exchange_takes_its_place_among_readings_that_wait, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	for (int64_t at = 360; at <= 600; at += 60)
		hold(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	request_replacement(t, "press", T + 630, NULL, NULL);
	run(t, 660, 960, 0);
	assert_rows(t, lives, "5.0|5.1|first\n0.11||replaced");
	assert_rows(t, "SELECT * FROM suspect_reading", "");
	assert_rows(t, "SELECT value FROM interval", "0.14");
}

TEST_WITH(exchange_in_the_second_of_a_slot_comes_before_its_reading, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 360, NULL, NULL);
	store_tick(t->store, T + 360);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	run(t, 360, 960, 0);
	assert_rows(t, lives, "5.0|5.05|first\n0.06||replaced");
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, lives, "5.0|5.05|first\n0.06||replaced");
	assert_rows(t, "SELECT value FROM interval", "0.14");
}

TEST_WITH(exchange_of_an_input_with_another_unit_takes_its_figures, setup, teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60, final = 61000000, initial = 7000000;

	hold(t, "pulses", now_s - 60, READING_GOOD, Q_PULSES_1, INT64_C(40), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	t->inputs[0].quantity = Q_VOLUME;
	t->inputs[0].shown = names_unit(Q_VOLUME, "l");
	t->inputs[0].weight = 1000000;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	for (int64_t i = 1; i <= 10; i++)
		hold(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 50 + i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	request_replacement(t, "lighting", now_s + 630, &final, &initial);
	store_tick(t->store, now_s + 630);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t,
		    "SELECT from_raw, until_raw FROM life l JOIN quantity q ON q.id = l.quantity WHERE name = 'volume'",
		    "51000000|61000000\n7000000|");
}

/* What came of the export after the interval was written makes it estimated after all. */
TEST_WITH(coverage_is_of_the_intervals_that_are_measured, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_ACTIVE_ENERGY_EXPORT, INT64_C(70),
	     Q_COUNT);
	run(t, 60, 1140, 5000);
	assert_rows(t, "SELECT quality FROM interval_energy", "measured");
	assert_rows(t, "SELECT round(coverage, 4) FROM daily WHERE quantity = 'active_energy_import'", "0.0104");
	hold(t, "press", T + 1200, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5200), Q_ACTIVE_ENERGY_EXPORT,
	     INT64_C(90), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quality, active_import_kwh, active_export_kwh FROM interval_energy",
		    "estimated|0.15|0.015");
	assert_rows(t, "SELECT quantity, coverage FROM daily ORDER BY quantity",
		    "active_energy_export|0.0\nactive_energy_import|0.0\nactive_energy_import_t1|0.0");
}

TEST_WITH(totals_that_are_not_read_are_missing_while_tariffs_go_on, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 900, 5000);
	for (int64_t at = 960; at <= 1800; at += 60)
		hold(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT_T1, 2500 + at / 12, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900||missing");
	run(t, 1860, 2700, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.15|measured\n900|0.15|estimated\n1800|0.15|estimated");
	assert_rows(t, "SELECT value FROM daily ORDER BY quantity", "0.45\n0.225");
}

/* The slot at T + 900 has a row without the import; what comes for it after a restart is not kept. */
TEST_WITH(value_that_is_not_kept_is_not_counted, setup, teardown)
{
	struct site *t = *state;
	static const char intervals[] = "SELECT ts - 1767225600, value FROM interval WHERE quantity = "
					"'active_energy_import'";

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	hold(t, "press", T + 900, READING_GOOD, Q_ACTIVE_ENERGY_EXPORT, INT64_C(70), Q_COUNT);
	reopen(t);
	hold(t, "press", T + 900, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1080), Q_COUNT);
	hold(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1100), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, intervals, "0|0.05\n900|0.05");
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, intervals, "0|0.05\n900|0.05");
}

TEST_WITH(interval_without_a_reading_is_missing_and_later_estimated, setup, teardown)
{
	struct site *t = *state;

	store_tick(t->store, T);
	run(t, 0, 900, 5000);
	store_tick(t->store, T + 3600);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.15|measured\n900||missing\n1800||missing");
	run(t, 3600, 3600, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.15|measured\n900|0.15|estimated\n1800|0.15|estimated\n2700|0.15|estimated");
	assert_rows(t, "SELECT kind FROM event", "gap");
}

TEST_WITH(rebuild_gives_the_same_account, setup, teardown)
{
	struct site *t = *state;
	static const char all[] =
		"SELECT * FROM (SELECT 'i', * FROM interval ORDER BY ts, meter, quantity) UNION ALL "
		"SELECT 'd', day, meter, quantity, value, unit, coverage, '', '' FROM daily UNION ALL "
		"SELECT 'm', month, meter, quantity, value, unit, coverage, '', '' FROM monthly UNION ALL "
		"SELECT 'l', * FROM meter_life";
	int64_t final = 9999;

	run(t, 0, 4000, 5000);
	run(t, 9000, 86400, 5000);
	run(t, 86460, 90000, -12000);
	request_replacement(t, "press", T + 90030, &final, NULL);
	for (int64_t i = 0; i <= 100; i++)
		hold(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, i, Q_PULSES_2, i == 50 ? 0 : 7 * i, Q_COUNT);
	run(t, 90060, 95000, 70000);
	run(t, 97000, 99000, 70000);
	/* the clock steps back: these slots were never seen, and are not counted */
	run(t, 95100, 95300, 90000);
	run(t, 99060, 99900, 70000);
	char *before = strdup(rows(t, all));

	assert_non_null(strstr(before, "estimated"));
	assert_int_equal(store_rebuild(t->store), 0);
	assert_string_equal(rows(t, all), before);
	run(t, 99960, 100800, 70000);
	reopen(t);
	free(before);
	before = strdup(rows(t, all));
	assert_int_equal(store_rebuild(t->store), 0);
	assert_string_equal(rows(t, all), before);
	free(before);
}

/* The modulus of a COUNTIS is what the meter says of itself, and stands in no reading. */
TEST_WITH(rebuild_counts_through_a_rollover_at_a_modulus_that_was_read, setup, teardown)
{
	struct site *t = *state;
	struct driver *d = calloc(1, sizeof(*d));

	d->max_power_w = 100000;
	d->n_rows = 1;
	d->rows[0] = (struct driver_row){
		.quantity = Q_ACTIVE_ENERGY_IMPORT, .mantissa = 10, .scale = -1, .modulus_read = true};
	t->meters[0].driver = d;
	t->meters[0].ct_primary = t->meters[0].ct_secondary = t->meters[0].vt_primary = t->meters[0].vt_secondary = 1;
	reopen(t);
	hold(t, "press", T, READING_GOOD, Q_COUNTER_MAX, INT64_C(9999999990), Q_COUNT);
	hold(t, "press", T + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9999999900), Q_COUNT);
	hold(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(200), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	crash(t);
	hold(t, "press", T + 3600, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(500), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT value FROM daily", "0.6");
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, "SELECT value FROM daily", "0.6");
	assert_rows(t, "SELECT count(*) FROM life", "1");
	reopen(t);
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, "SELECT value FROM daily", "0.6");
	store_close(t->store);
	t->meters[0].driver = NULL;
	free(d);
	open_store(t);
}

TEST_WITH(another_length_of_intervals_cuts_the_running_one, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 2400, 5000);
	t->conf.interval_s = 3600;
	reopen(t);
	run(t, 2460, 3600, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value, quality FROM interval",
		    "0|900|0.15|measured\n900|900|0.15|measured\n1800|600|0.1|measured\n2400|1200|0.2|measured");
}

TEST_WITH(another_length_leaves_no_missing_intervals_of_the_old_one, setup, teardown)
{
	struct site *t = *state;

	store_tick(t->store, T);
	run(t, 0, 1200, 5000);
	store_tick(t->store, T + 3600);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT ts - 1767225600, quality FROM interval", "0|measured\n900|missing\n1800|missing");
	t->conf.interval_s = 3600;
	reopen(t);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, quality FROM interval", "0|900|measured\n900|300|measured");
	run(t, 7200, 7200, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value, quality FROM interval",
		    "0|900|0.15|measured\n900|300|0.05|measured\n1200|2400|0.4|estimated\n3600|3600|0.6|estimated");
}

TEST_WITH(another_length_after_a_crash_cuts_the_running_one, setup, teardown)
{
	struct site *t = *state;

	/* the first commit saves the account's state, what follows is replayed */
	run(t, 0, 60, 5000);
	run(t, 120, 2400, 5000);
	t->conf.interval_s = 3600;
	crash(t);
	run(t, 2460, 3600, 5000);
	t->conf.interval_s = 300;
	crash(t);
	run(t, 3660, 4200, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value, quality FROM interval",
		    "0|900|0.15|measured\n900|900|0.15|measured\n1800|600|0.1|measured\n2400|1200|0.2|measured\n"
		    "3600|300|0.05|measured\n3900|300|0.05|measured");
	assert_rows(t, "SELECT value FROM daily WHERE quantity = 'active_energy_import'", "0.7");
}

TEST_WITH(days_follow_the_time_zone, setup, teardown)
{
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 86400 - 7200, 86400, 5000);
	assert_rows(t, "SELECT day, value FROM daily WHERE quantity = 'active_energy_import'",
		    "2026-01-01|0.6\n2026-01-02|0.6");
	assert_rows(t, "SELECT day, until_ts - from_ts FROM local_day", "2026-01-01|86400\n2026-01-02|86400");
}

/* Paris until 01:00 of the 2nd, when New York has 19:00 of the 1st: both days have hours of both. */
TEST_WITH(days_before_another_time_zone_stay_and_later_ones_follow_it, setup, teardown)
{
	struct site *t = *state;
	static const char per_day[] = "SELECT day, value FROM daily WHERE quantity = 'active_energy_import'";

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 0, 60, 5000);
	run(t, 120, 86400, 5000);
	strcpy(t->zone, "America/New_York");
	crash(t);
	run(t, 86460, 2 * 86400, 5000);
	assert_rows(t, per_day, "2026-01-01|16.8\n2026-01-02|12.0");
	assert_rows(t, "SELECT day, from_ts - 1767225600, until_ts - from_ts FROM local_day",
		    "2026-01-01|-3600|108000\n2026-01-02|82800|108000");
	assert_rows(t, "SELECT sum(active_energy_import) FROM kept_interval", "28800");
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, per_day, "2025-12-31|3.0\n2026-01-01|14.4\n2026-01-02|11.4");
	assert_rows(t, "SELECT day, from_ts - 1767225600, until_ts - from_ts FROM local_day",
		    "2025-12-31|-68400|86400\n2026-01-01|18000|86400\n2026-01-02|104400|86400");
}

/* Rule 3 of the account, over a day of readings at odd moments. */
TEST_WITH(sum_of_intervals_is_the_difference_of_the_readings_at_their_ends, setup, teardown)
{
	struct site *t = *state;
	int64_t value = 1000;

	for (int64_t at = 0; at <= 86400; at += 60) {
		value += at * 7919 % 97;
		if (at % 900 == 0 || at * 31 % 7 < 5)
			hold(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, value, Q_COUNT);
	}
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t,
		    "WITH b AS (SELECT id >> 14 AS ts, active_energy_import AS raw FROM reading_energy WHERE (id >> "
		    "14) % 900 = 0) "
		    "SELECT count(*), sum(i.active_energy_import = e.raw - s.raw) FROM kept_interval i "
		    "JOIN b s ON s.ts = i.ts JOIN b e ON e.ts = i.ts + 900",
		    "96|96");
}

UNIT_MAIN(NULL, NULL)
