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

TEST_WITH(the_views_have_the_columns_of_the_contract, setup, teardown)
{
	struct site *t = *state;

	columns_are(t, "interval",
		    "time, ts, meter, quantity, duration_s, value, unit, quality, base_value, base_unit");
	columns_are(t, "interval_energy",
		    "time, ts, meter, duration_s, active_import_kwh, active_export_kwh, reactive_import_kvarh, "
		    "reactive_export_kvarh, quality, active_import_wh, active_export_wh, reactive_import_varh, "
		    "reactive_export_varh, apparent_vah, apparent_kvah, volume_m3, heat_kwh, suspect, heat_wh");
	columns_are(t, "daily", "day, meter, quantity, value, unit, coverage, base_value, base_unit");
	columns_are(t, "monthly", "month, meter, quantity, value, unit, coverage, base_value, base_unit");
	columns_are(t, "monthly_tariff",
		    "month, meter, tariff, active_import_kwh, reactive_import_kvarh, active_import_wh, "
		    "reactive_import_varh");
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

/* Abandon the store as kill -9 does: nothing more is saved or committed. */
static void crash(struct site *t)
{
	store_abandon(t->store);
	open_store(t);
}

TEST_WITH(the_account_continues_after_a_restart, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 1000, 5000);
	reopen(t);
	run(t, 1020, 1860, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
	assert_rows(t, "SELECT value FROM daily WHERE quantity = 'active_energy_import'", "0.3");
	assert_rows(t, "SELECT count(*) FROM life", "2");
}

TEST_WITH(the_account_continues_after_a_crash, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 1000, 5000);
	run(t, 1020, 1380, 5000);
	crash(t);
	run(t, 1440, 1860, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
	assert_rows(t, "SELECT value FROM daily WHERE quantity = 'active_energy_import'", "0.3");
}

TEST_WITH(a_crash_before_the_first_save_begins_no_second_life, setup, teardown)
{
	struct site *t = *state;

	/* the identity comes before the first reading, so the first save has no reading */
	crash(t);
	hold(t, "press", T - 1, READING_GOOD, Q_COUNTER_MAX, INT64_C(9999999990), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	run(t, 0, 1380, 5000);
	crash(t);
	run(t, 1440, 1860, 5000);
	assert_rows(t, "SELECT since_ts - 1767225600, from_base_value, reason FROM meter_life",
		    "0|5000|first\n0|2500|first");
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
}

/* The clock is set back by more than two hours, and then the press answers again. */
TEST_WITH(a_crash_after_the_clock_was_set_back_counts_nothing_twice, setup, teardown)
{
	struct site *t = *state;

	run(t, 0, 60, 5000);
	hold(t, "pulses", T + 30000, READING_GOOD, Q_PULSES_1, INT64_C(7), Q_COUNT);
	reopen(t);
	run(t, 21600, 22500, 9000);
	crash(t);
	run(t, 23400, 23460, 9000);
	assert_rows(t,
		    "SELECT sum(active_energy_import) FROM kept_interval i JOIN meter m ON m.id = i.meter "
		    "WHERE name = 'press'",
		    "7900");
	assert_rows(t, "SELECT value FROM interval WHERE meter = 'press' ORDER BY ts DESC LIMIT 1", "0.15");
}

/* As when the clock was set back to a slot that has no row of the tariffs above four yet. */
TEST_WITH(late_values_of_a_slot_are_counted_once, setup, teardown)
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
	for (int64_t at = 2700; at <= 2760; at += 60)
		hold(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7700), Q_ACTIVE_ENERGY_IMPORT_T5,
		     INT64_C(2770), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quantity, value FROM daily ORDER BY quantity",
		    "active_energy_import|2.7\nactive_energy_import_t5|2.7");
}

TEST_WITH(a_failed_commit_counts_nothing_twice, setup, teardown)
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
	run(t, 960, 1860, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900|0.15|measured");
}

TEST_WITH(a_serial_number_repeated_before_the_commit_keeps_its_place, setup, teardown)
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

TEST_WITH(each_of_several_serial_numbers_before_the_commit_ends_a_life, setup, teardown)
{
	struct site *t = *state;
	int64_t press = store_meter_id(t->store, "press");

	store_meter_serial(t->store, press, "A1");
	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_COUNT);
	hold(t, "press", T + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5010), Q_COUNT);
	store_meter_serial(t->store, press, "B2");
	hold(t, "press", T + 120, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6000), Q_COUNT);
	hold(t, "press", T + 180, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6010), Q_COUNT);
	store_meter_serial(t->store, press, "C3");
	hold(t, "press", T + 240, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t,
		    "SELECT from_value, until_value, reason FROM meter_life "
		    "WHERE quantity = 'active_energy_import' ORDER BY since",
		    "5.0|5.01|first\n6.0|6.01|replaced\n7.0||replaced");
}

TEST_WITH(an_exchange_survives_a_crash_even_of_a_meter_that_was_reset_once, setup, teardown)
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

TEST_WITH(an_exchange_takes_its_place_among_the_waiting_readings, setup, teardown)
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

/* The slot at T + 900 has a row without the import; a value for it after a restart is not stored. */
TEST_WITH(a_value_that_is_not_stored_is_not_counted, setup, teardown)
{
	struct site *t = *state;
	static const char intervals[] = "SELECT ts - 1767225600, value FROM interval WHERE quantity = "
					"'active_energy_import'";

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	hold(t, "press", T + 900, READING_GOOD, Q_ACTIVE_ENERGY_EXPORT, INT64_C(70), Q_COUNT);
	reopen(t);
	hold(t, "press", T + 900, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1080), Q_COUNT);
	hold(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1100), Q_COUNT);
	hold(t, "press", T + 1860, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1100), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, intervals, "0|0.05\n900|0.05");
	assert_int_equal(store_rebuild(t->store), 0);
	assert_rows(t, intervals, "0|0.05\n900|0.05");
}

TEST_WITH(a_rebuild_gives_the_same_account, setup, teardown)
{
	struct site *t = *state;
	static const char all[] =
		"SELECT * FROM (SELECT 'i', * FROM interval ORDER BY ts, meter, quantity) UNION ALL "
		"SELECT 'd', day, meter, quantity, value, unit, coverage, base_value, base_unit, '', "
		"'' FROM daily UNION ALL "
		"SELECT 'm', month, meter, quantity, value, unit, coverage, base_value, base_unit, "
		"'', '' FROM monthly UNION ALL "
		"SELECT 'l', meter, quantity, since, from_value, until, until_value, unit, reason, '', "
		"'' FROM meter_life";
	int64_t final = 9999;
	char *before;

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
	before = strdup(rows(t, all));
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
	run(t, 3660, 4260, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value, quality FROM interval",
		    "0|900|0.15|measured\n900|900|0.15|measured\n1800|600|0.1|measured\n2400|1200|0.2|measured\n"
		    "3600|300|0.05|measured\n3900|300|0.05|measured");
	assert_rows(t, "SELECT value FROM daily WHERE quantity = 'active_energy_import'", "0.7");
}

UNIT_MAIN(NULL, NULL)
