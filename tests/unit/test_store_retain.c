/* SPDX-License-Identifier: MIT */
#include "store_site.h"
#include "unit.h"

static long number(const struct site *t, const char *sql)
{
	return strtol(rows(t, sql), NULL, 10);
}

static void commit_at(struct site *t, int minute)
{
	store_tick(t->store, T + minute * 60);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
}

TEST_WITH(old_readings_are_deleted_and_the_file_stops_growing, setup, teardown)
{
	struct site *t = *state;
	long pages = 0;

	t->conf.keep_readings_d = 5;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	for (int minute = 0; minute < 20 * 1440; minute += 10) {
		hold_minutes(t, minute, minute + 9);
		commit_at(t, minute + 9);
		if (minute == 10 * 1440)
			pages = number(t, "SELECT count(*) FROM dbstat WHERE name LIKE 'reading_%'") +
				number(t, "PRAGMA freelist_count");
	}
	/* five days, and less than two lumps more */
	assert_in_range(number(t, "SELECT count(*) FROM energy"), 5 * 1440, 5 * 1440 + 2520);
	assert_in_range(number(t, "SELECT count(*) FROM power"), 5 * 1440, 5 * 1440 + 2520);
	assert_in_range(number(t, "SELECT count(*) FROM dbstat WHERE name LIKE 'reading_%'") +
				number(t, "PRAGMA freelist_count"),
			pages - 20, pages + 20);
	/* the rest is kept forever */
	assert_rows(t, "SELECT count(*) FROM interval WHERE quantity = 'active_energy_import'", "1919");
	assert_rows(t, "SELECT count(*) FROM daily WHERE quantity = 'active_energy_import'", "20");
	assert_rows(t, "SELECT count(*) FROM life", "1");
	assert_in_range(number(t, "SELECT value FROM setting WHERE name = 'deleted_until'"), T + 13 * 86400,
			T + 15 * 86400);
}

TEST_WITH(repeated_old_events_are_deleted_except_the_newest, setup, teardown)
{
	struct site *t = *state;

	t->conf.keep_readings_d = 2;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	for (int hour = 0; hour < 5 * 24; hour += 12) {
		int64_t at_ms = (T + hour * 3600) * 1000;

		store_event(t->store, at_ms, "press", "meter-down", "down: timeout");
		store_event(t->store, at_ms + 60000, "press", "meter-up", "up");
		if (hour == 0) {
			store_event(t->store, at_ms, "hall", "bus-down", "down: port gone");
			store_event(t->store, at_ms, "press", "rollover", "from 9 to 0");
		}
		hold_minutes(t, hour * 60, hour * 60);
		commit_at(t, hour * 60);
	}
	/* the last check was at 96 h */
	assert_rows(t,
		    "SELECT kind, count(*), (min(ts) - 1767225600) / 3600 FROM event WHERE kind <> 'gap' GROUP BY kind",
		    "bus-down|1|0\nmeter-down|6|48\nmeter-up|6|48\nrollover|1|0");
}

/* Read for five hours of each half day: the last results are given out in silence. */
TEST_WITH(what_happened_between_deleted_readings_is_deleted_too, setup, teardown)
{
	struct site *t = *state;

	t->conf.keep_readings_d = 2;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	for (int minute = 0; minute < 10 * 1440; minute += 720) {
		hold_minutes(t, minute, minute + 300);
		commit_at(t, minute + 300);
		commit_at(t, minute + 360);
		if (minute == 720)
			assert_rows(t, "SELECT (after_ts - 1767225600) / 60 FROM account_moment WHERE kind = 0",
				    "300\n1020");
	}
	assert_in_range(number(t, "SELECT (min(ts) - 1767225600) / 60 FROM energy"), 4 * 1440, 8 * 1440);
	assert_rows(
		t,
		"SELECT min(m.after_ts) >= min(e.ts), count(DISTINCT m.after_ts) > 3 FROM account_moment m, energy e",
		"1|1");
}

TEST_WITH(many_old_readings_are_deleted_in_steps, setup, teardown)
{
	struct site *t = *state;

	hold_minutes(t, 0, 20000);
	commit_at(t, 20000);
	t->conf.keep_readings_d = 1;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	hold_minutes(t, 20001, 20001);
	commit_at(t, 20001);
	assert_in_range(number(t, "SELECT count(*) FROM energy"), 20002 - 2600, 20002 - 2400);
	hold_minutes(t, 20002, 20002);
	commit_at(t, 20002);
	assert_in_range(number(t, "SELECT count(*) FROM energy"), 20003 - 5200, 20003 - 4900);
}

TEST_WITH(a_clock_that_is_years_ahead_for_a_while_makes_nothing_old, setup, teardown)
{
	struct site *t = *state;

	t->conf.keep_readings_d = 30;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	hold_minutes(t, 0, 4000);
	commit_at(t, 4000);
	for (int minute = 4 * 365 * 1440; minute < 4 * 365 * 1440 + 30; minute++) {
		hold_minutes(t, minute, minute);
		commit_at(t, minute);
	}
	assert_int_equal(number(t, "SELECT count(*) FROM energy"), 4001 + 30);
}

TEST_WITH(a_clock_that_is_not_confirmed_makes_nothing_old, setup, teardown)
{
	struct site *t = *state;

	t->conf.keep_readings_d = 1;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	hold_minutes(t, 0, 9999);
	commit_at(t, 1);
	hold(t, "press", T + 90000000, READING_UNSYNCHRONISED, Q_ACTIVE_POWER, INT64_C(1), Q_COUNT);
	commit_at(t, 1500000);
	assert_rows(t, "SELECT count(*) FROM energy", "10000");
}

UNIT_MAIN(NULL, NULL)
