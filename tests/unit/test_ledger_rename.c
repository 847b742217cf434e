/* SPDX-License-Identifier: MIT */
/* A meter is read under another name since the configuration was taken. */
#include "ledger_site.h"
#include "unit.h"

static const char lives[] = "SELECT meter, from_value, until_value, reason FROM meter_life "
			    "WHERE quantity = 'active_energy_import' ORDER BY since_ts, reason";
static const char counted[] = "SELECT meter, sum(base_value) FROM interval WHERE quantity = 'active_energy_import' "
			      "GROUP BY meter ORDER BY meter";

/* The press is a Conto, which has no serial number. */
static int setup(void **state)
{
	return site_set_up_without_serial(state, 0, "conto-d4-s", 5);
}

static void rename_to(struct site *t, const char *name)
{
	strcpy(t->meters[0].name, name);
	configure(t);
}

/* Readings each minute of [from_s, to_s], 5000 Wh at T and 600 an hour. */
static void read_it(struct site *t, int64_t from_s, int64_t to_s)
{
	for (int64_t at = from_s; at <= to_s; at += 60)
		add(t, t->meters[0].name, T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	commit(t);
}

TEST_WITH(energy_counts_under_the_name_of_the_reading_that_closes_the_gap, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_to(t, "punch");
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "press|5.0|5.22|first\npunch|5.22||renamed");
	/* 220 Wh until 1320 s, and what passed from then on until 3600 s */
	assert_rows(t, counted, "press|220\npunch|380");
	assert_rows(t, "SELECT subject, detail FROM event WHERE kind = 'meter-known'",
		    "punch|was read as press, which is no longer configured, and continues its counters; tally rename "
		    "press "
		    "punch puts both histories under one name");
}

TEST_WITH(a_meter_that_is_renamed_and_renamed_back_counts_nothing_twice, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_to(t, "punch");
	read_it(t, 1380, 2760);
	rename_to(t, "press");
	read_it(t, 2820, 5400);
	assert_rows(t, lives, "press|5.0|5.22|first\npunch|5.22|5.46|renamed\npress|5.46||renamed");
	assert_rows(t, counted, "press|510\npunch|240");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "press|5.0|5.22|first\npunch|5.22|5.46|renamed\npress|5.46||renamed");
	assert_rows(t, counted, "press|510\npunch|240");
}

TEST_WITH(a_name_that_is_given_away_and_back_without_a_reading_is_rebuilt_so, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_to(t, "punch");
	rename_to(t, "press");
	read_it(t, 2100, 4500);
	assert_rows(t, counted, "press|600");
	assert_rows(t, lives, "press|5.0|5.22|first\npress|5.22||renamed\npunch|5.22|5.22|renamed");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, counted, "press|600");
	assert_rows(t, lives, "press|5.0|5.22|first\npress|5.22||renamed\npunch|5.22|5.22|renamed");
}

TEST_WITH(a_meter_that_is_renamed_while_the_daemon_is_stopped_counts_nothing_twice, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	strcpy(t->meters[0].name, "punch");
	reopen(t);
	read_it(t, 1380, 2760);
	strcpy(t->meters[0].name, "press");
	reopen(t);
	read_it(t, 2820, 5400);
	assert_rows(t, counted, "press|510\npunch|240");
}

TEST_WITH(a_kill_before_the_account_has_taken_the_new_name_loses_nothing, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	strcpy(t->meters[0].name, "punch");
	write_register(t);
	crash(t);
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "press|5.0|5.22|first\npunch|5.22||renamed");
	assert_rows(t, counted, "press|220\npunch|380");
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'meter-known'", "1");
	crash(t);
	read_it(t, 4560, 5400);
	assert_rows(t, lives, "press|5.0|5.22|first\npunch|5.22||renamed");
}

TEST_WITH(a_meter_in_the_place_of_one_that_was_removed_long_ago_begins_a_life, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	t->bus.n_meters = 0;
	t->bus.n_inputs = 0;
	configure(t);
	t->bus.n_meters = 2;
	t->bus.n_inputs = 2;
	rename_to(t, "punch");
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "press|5.0||first\npunch|5.35||first");
}

TEST_WITH(the_serial_number_of_a_removed_meter_suggests_a_rename, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 300, 5000);
	strcpy(t->meters[0].name, "punch");
	t->meters[0].address = 9;
	configure(t);
	add_serial(t, "punch", "A1");
	commit(t);
	assert_rows(
		t, "SELECT subject, detail FROM event WHERE kind = 'meter-known'",
		"punch|serial number A1 is that of press, which is no longer configured; tally rename press punch puts "
		"both histories under one name");
}

static const char verdicts[] = "SELECT state, reason FROM request";

TEST_WITH(a_rename_waits_for_the_configuration_that_has_the_new_name, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	request_rename(t, "press", "punch");
	read_it(t, 1380, 1800);
	assert_rows(t, verdicts, "waiting|");
	rename_to(t, "punch");
	assert_rows(t, verdicts, "done|renamed to punch, with its history");
	read_it(t, 1860, 4500);
	assert_rows(t, lives, "punch|5.0||first");
	assert_rows(t, counted, "punch|600");
	assert_rows(t, "SELECT kind, meter, reason FROM revision",
		    "interval|punch|renamed\nday|punch|renamed\nmonth|punch|renamed");
}

TEST_WITH(a_meter_that_was_read_under_both_names_has_one_history, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_to(t, "punch");
	read_it(t, 1380, 2760);
	assert_rows(t, lives, "press|5.0|5.22|first\npunch|5.22||renamed");
	request_rename(t, "press", "punch");
	rename_to(t, "punch");
	assert_rows(t, verdicts, "done|renamed to punch, with its history");
	read_it(t, 2820, 4500);
	assert_rows(t, lives, "punch|5.0||first");
	assert_rows(t, "SELECT base_value FROM interval ORDER BY ts", "150\n150\n150\n150");
	assert_rows(t, "SELECT meter, base_value FROM daily", "punch|600");
	assert_rows(t, "SELECT meter, base_value FROM monthly", "punch|600");
	assert_rows(t, "SELECT DISTINCT meter FROM energy", "punch");
	assert_rows(t, "SELECT count(*) FROM subject WHERE name LIKE 'p%' AND kind = 'meter'", "2");
	crash(t);
	read_it(t, 4560, 5400);
	assert_rows(t, counted, "punch|750");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "punch|5.0||first");
	assert_rows(t, counted, "punch|750");
}

TEST_WITH(a_late_rename_waits_until_the_interval_of_the_change_is_counted, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_to(t, "punch");
	read_it(t, 1380, 1740);
	request_rename(t, "press", "punch");
	rename_to(t, "punch");
	assert_rows(t, verdicts,
		    "refused|the interval in which punch was last read as press is not counted to its end; order it "
		    "again some minutes after 2026-01-01T00:30:00Z");
	read_it(t, 1800, 2760);
	request_rename(t, "press", "punch");
	rename_to(t, "punch");
	assert_rows(t, "SELECT state FROM request", "refused\ndone");
	read_it(t, 2820, 4500);
	assert_rows(t, "SELECT base_value FROM interval ORDER BY ts", "150\n150\n150\n150");
	assert_rows(t, lives, "punch|5.0||first");
}

/* The clock was set back by half an hour after the change: what is read in that time is not counted, under either name.
 */
TEST_WITH(readings_of_the_new_name_that_came_behind_stay_uncounted_under_one_name, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 1800, 2400);
	rename_to(t, "punch");
	for (int64_t at = 2460; at <= 7260; at += 60)
		add(t, "punch", T + at - 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	commit(t);
	request_rename(t, "press", "punch");
	rename_to(t, "punch");
	assert_rows(t, "SELECT state FROM request", "done");
	assert_rows(t, counted, "punch|900");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "punch|5.3||first");
	assert_rows(t, counted, "punch|900");
}

TEST_WITH(a_meter_is_renamed_while_the_daemon_is_stopped, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	request_rename(t, "press", "punch");
	strcpy(t->meters[0].name, "punch");
	reopen(t);
	read_it(t, 1380, 4500);
	assert_rows(t, lives, "punch|5.0||first");
	assert_rows(t, counted, "punch|600");
}

TEST_WITH(a_new_name_with_older_readings_of_its_own_is_refused, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_to(t, "punch");
	read_it(t, 1380, 2760);
	request_rename(t, "punch", "press");
	rename_to(t, "press");
	assert_rows(t, verdicts,
		    "refused|press has readings of its own since 2026-01-01T00:00:00Z, and punch has some until "
		    "2026-01-01T00:46:00Z");
}

TEST_WITH(a_name_that_is_still_configured_is_not_renamed, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	request_rename(t, "press", "pulses");
	configure(t);
	assert_rows(t, verdicts, "refused|press is still configured");
}

UNIT_MAIN(NULL, NULL)
