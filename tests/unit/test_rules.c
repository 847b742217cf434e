/* SPDX-License-Identifier: MIT */
/* The five rules of the account, each against the views. */
#include <errno.h>

#include "chance.h"
#include "store_site.h"
#include "unit.h"

/* A reading of press, T + at_s, counted from 0 in Wh. */
static void press(struct site *t, int64_t at_s, int64_t wh)
{
	hold(t, "press", T + at_s, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, wh, Q_COUNT);
}

TEST_WITH(rule_1_no_answer_makes_no_row_and_not_available_is_null, setup, teardown)
{
	struct site *t = *state;

	press(t, 0, 1000);
	/* at T + 60 nothing came; at T + 120 the meter answered that it had no import */
	hold(t, "press", T + 120, READING_GOOD, Q_ACTIVE_ENERGY_EXPORT, INT64_C(5), Q_COUNT);
	commit_all(t);
	assert_rows(t, "SELECT ts - 1767225600, active_import_kwh IS NULL FROM energy ORDER BY ts", "0|0\n120|1");
}

TEST_WITH(rule_2_an_impossible_value_is_kept_raw_and_never_counted, setup, teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1860; at += 60)
		press(t, at, at == 600 ? 0 : at == 1200 ? INT64_C(53700000000) : 1000000 + at);
	commit_all(t);
	assert_rows(t, "SELECT active_import_kwh, quality FROM energy WHERE quality <> 'good' ORDER BY ts",
		    "0.0|suspect\n53700000.0|suspect");
	assert_rows(t, "SELECT count(*) FROM suspect_reading WHERE reason <> ''", "2");
	assert_rows(t, "SELECT sum(value) FROM interval", "1.8");
	assert_rows(t, "SELECT count(*) FROM meter_life", "1");
}

TEST_WITH(rule_2_consumption_is_only_taken_inside_one_life, setup, teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1860; at += 60)
		press(t, at, at < 900 ? 1000000 + at : at - 900);
	commit_all(t);
	/* 840 Wh before, 900 after; the consumption from T + 840 to T + 900 is unknown */
	assert_rows(t, "SELECT sum(value) FROM interval", "1.74");
	assert_rows(t, "SELECT kind FROM event WHERE kind <> 'implausible'", "reset");
	assert_rows(t, "SELECT from_value, until_value FROM meter_life ORDER BY since", "1000.0|1000.84\n0.0|");
}

TEST_WITH(rule_3_intervals_days_and_months_add_up_to_the_wh, setup, teardown)
{
	struct site *t = *state;
	int64_t wh = 1000000;

	random_state = seed();
	strcpy(t->zone, "Europe/Paris");
	store_close(t->store);
	open_store(t);
	/* 59 days from T on; at odd moments, with holes, but there at each boundary of the sums below */
	for (int64_t at = -3600; at <= 59 * 86400 - 3600; at += 300) {
		wh += below(4000);
		if (at % 86400 == -3600 || at % 900 == 0 || below(3) > 0)
			press(t, at, wh);
	}
	press(t, 59 * 86400 - 3300, wh);
	commit_all(t);
	/* any span: here of each length from each start in a day, and the whole */
	assert_rows(t,
		    "WITH c AS (SELECT ts, CAST(round(active_import_kwh * 1000) AS INTEGER) AS wh FROM energy "
		    "WHERE ts % 900 = 0 AND ts < 1767225600 + 86400), "
		    "i AS (SELECT ts, sum(CAST(round(value * 1000) AS INTEGER)) OVER (ORDER BY ts) AS wh, "
		    "CAST(round(value * 1000) AS INTEGER) AS own FROM interval) "
		    "SELECT count(*) > 4000, sum((SELECT i.wh FROM i WHERE i.ts = b.ts - 900) - "
		    "(SELECT i.wh - i.own FROM i WHERE i.ts = a.ts) <> b.wh - a.wh) FROM c a JOIN c b ON b.ts > a.ts",
		    "1|0");
	assert_rows(t,
		    "SELECT round(sum(value), 3) = (SELECT round(max(active_import_kwh) - min(active_import_kwh), 3) "
		    "FROM energy) FROM interval",
		    "1");
	assert_rows(t, "SELECT count(*), min(coverage) FROM daily", "59|1.0");
	assert_rows(t,
		    "SELECT (SELECT round(sum(value), 3) FROM daily) = (SELECT round(sum(value), 3) FROM interval), "
		    "(SELECT round(sum(value), 3) FROM monthly) = (SELECT round(sum(value), 3) FROM interval)",
		    "1|1");
	assert_rows(t,
		    "SELECT sum(d.value <> (SELECT round(sum(value), 3) FROM interval i JOIN local_day l "
		    "ON i.ts >= l.from_ts AND i.ts < l.until_ts WHERE l.day = d.day)) FROM daily d",
		    "0");
}

TEST_WITH(rule_4_a_gap_is_reported_and_its_energy_is_spread_over_it, setup, teardown)
{
	struct site *t = *state;

	store_tick(t->store, T);
	for (int64_t at = 0; at <= 900; at += 60)
		press(t, at, 1000000 + at);
	commit_all(t);
	store_tick(t->store, T + 3600);
	commit_all(t);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.9|measured\n900||missing\n1800||missing");
	press(t, 3600, 1000000 + 3601);
	for (int64_t at = 3660; at <= 4560; at += 60)
		press(t, at, 1000000 + at + 1);
	commit_all(t);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.9|measured\n900|0.9|estimated\n1800|0.9|estimated\n2700|0.901|estimated\n3600|0.9|measured");
	assert_rows(t, "SELECT kind, time FROM event", "gap|2026-01-01T01:00:00Z");
}

TEST_WITH(rule_4_unknown_consumption_stays_missing, setup, teardown)
{
	struct site *t = *state;

	press(t, 0, 1000000);
	press(t, 900, 1000900);
	for (int64_t at = 3600; at <= 4560; at += 60)
		press(t, at, at - 3600);
	commit_all(t);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.9|measured\n900||missing\n1800||missing\n2700||missing\n3600|0.9|measured");
}

TEST_WITH(rule_5_no_slot_is_counted_twice_after_a_restart, setup, teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 3600; at += 60) {
		press(t, at, 1000000 + at);
		if (at % 420 == 0) {
			commit_all(t);
			if (at % 840 == 0)
				store_abandon(t->store);
			else
				store_close(t->store);
			open_store(t);
			press(t, at, 7);
			press(t, at - 60, 7);
		}
	}
	press(t, 3660, 1003600);
	commit_all(t);
	assert_rows(t, "SELECT count(*), max(active_import_kwh) FROM energy", "63|1003.6");
	assert_rows(t, "SELECT sum(value), count(*), min(quality) FROM interval", "3.6|4|measured");
}

TEST_WITH(rule_5_no_slot_is_counted_twice_when_the_clock_steps_back, setup, teardown)
{
	struct site *t = *state;
	int64_t wh = 1000000;

	for (int64_t at = 0; at <= 3600; at += 60)
		press(t, at, wh += 60);
	commit_all(t);
	/* an hour back, and once more through it */
	for (int64_t at = 60; at <= 7200; at += 60)
		press(t, at, wh += 60);
	press(t, 7260, wh);
	commit_all(t);
	assert_rows(t, "SELECT count(*), count(DISTINCT ts) FROM energy", "122|122");
	assert_rows(t, "SELECT sum(value) * 1000 FROM interval", "10800.0");
	assert_rows(t, "SELECT round((max(active_import_kwh) - min(active_import_kwh)) * 1000) FROM energy", "10800.0");
}

/* Wh of intervals, days, months, and of tariff 1 in months: it was in force all the time. */
static const char sums[] =
	"SELECT (SELECT sum(active_energy_import) FROM kept_interval), "
	"(SELECT sum(active_energy_import) FROM day_energy), (SELECT sum(active_energy_import) FROM month_energy), "
	"(SELECT sum(active_energy_import_t1) FROM month_energy)";

static void assert_counted_once(struct site *t, int64_t wh)
{
	long long interval, day, month, tariff;

	assert_int_equal(sscanf(rows(t, sums), "%lld|%lld|%lld|%lld", &interval, &day, &month, &tariff), 4);
	assert_in_range(interval, 1, wh);
	assert_int_equal(day, interval);
	assert_int_equal(month, interval);
	assert_int_equal(tariff, interval);
	assert_rows(t, "SELECT count(*) - count(DISTINCT ts) FROM energy", "0");
}

TEST_WITH(rule_5_no_slot_is_counted_twice_with_any_step_of_the_clock, setup, teardown)
{
	struct site *t = *state;
	int64_t at = 0, wh = 1000000;

	random_state = seed();
	for (int i = 1; i <= 4000; i++) {
		at += 60 * (1 + below(20));
		wh += below(2000);
		if (below(200) == 0)
			at += 60 * (below(14400) - 10000); /* up to seven days back and three on */
		if (at < 0)
			at = 0;
		hold(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, wh, Q_ACTIVE_ENERGY_IMPORT_T1, wh,
		     Q_COUNT);
		if (below(60) == 0)
			commit_all(t);
		if (below(1000) == 0) {
			commit_all(t);
			store_abandon(t->store);
			open_store(t);
		}
	}
	commit_all(t);
	assert_counted_once(t, wh - 1000000);
	assert_int_equal(store_rebuild(t->store), 0);
	assert_counted_once(t, wh - 1000000);
}

/* The clock was 400 days ahead for a minute: readings of that minute are kept and never counted. */
TEST_WITH(rule_5_a_clock_that_was_far_ahead_leaves_no_trace_in_the_account, setup, teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1860; at += 60) {
		press(t, at, 1000000 + at);
		if (at == 600)
			press(t, at + 400 * 86400, 1000000 + at);
	}
	commit_all(t);
	for (int again = 0; again < 2; again++) {
		assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
			    "0|0.9|measured\n900|0.9|measured");
		assert_rows(t, "SELECT count(*) FROM meter_life", "1");
		assert_int_equal(store_rebuild(t->store), 0);
	}
	assert_rows(t, "SELECT reason FROM suspect_reading",
		    "its slot is 400 days after the last one counted; the clock is not trusted yet");
}

TEST_WITH(rule_5_the_repeated_hour_counts_once_and_the_day_has_100_quarters, setup, teardown)
{
	struct site *t = *state;
	int64_t midnight_s = 1792879200; /* 2026-10-25T00:00 in Paris */

	strcpy(t->zone, "Europe/Paris");
	store_close(t->store);
	open_store(t);
	for (int64_t at = 0; at <= 25 * 3600 + 60; at += 60)
		hold(t, "press", midnight_s + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 1000 + at, Q_COUNT);
	commit_all(t);
	assert_rows(t, "SELECT day, value, coverage FROM daily", "2026-10-25|90.0|1.0");
	assert_rows(t, "SELECT count(*), min(value), max(value) FROM interval", "100|0.9|0.9");
}

TEST_WITH(rule_5_the_day_of_the_spring_change_has_92_quarters, setup, teardown)
{
	struct site *t = *state;
	int64_t midnight_s = 1774738800; /* 2026-03-29T00:00 in Paris */

	strcpy(t->zone, "Europe/Paris");
	store_close(t->store);
	open_store(t);
	for (int64_t at = 0; at <= 23 * 3600 + 60; at += 60)
		hold(t, "press", midnight_s + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 1000 + at, Q_COUNT);
	commit_all(t);
	assert_rows(t, "SELECT day, value, coverage FROM daily", "2026-03-29|82.8|1.0");
	assert_rows(t, "SELECT count(*), min(value), max(value) FROM interval", "92|0.9|0.9");
}

UNIT_MAIN(NULL, NULL)
