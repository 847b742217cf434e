/* SPDX-License-Identifier: MIT */
#include "ledger_site.h"
#include "unit.h"

static const char lives[] = "SELECT from_value, until_value, reason FROM meter_life "
			    "WHERE quantity = 'active_energy_import' ORDER BY since";
static const char serial[] = "SELECT serial FROM meter_status WHERE meter = 'press'";

TEST_WITH(a_serial_number_of_zeros_ones_or_blanks_says_nothing, site_setup, site_teardown)
{
	static const char *const nothing[] = {"00000000", "0", "FFFFFFFFFFFF", "4294967295", "65535", "    ", ""};
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 300, 5000);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		add_serial(t, "press", nothing[i]);
	run(t, 360, 960, 9000);
	assert_rows(t, serial, "A1");
	assert_rows(t, "SELECT count(*) FROM event WHERE kind IN ('meter-replaced', 'identity-changed')", "0");
}

/* As an older version believed it. */
TEST_WITH(a_number_after_one_of_zeros_is_the_first_one, site_setup, site_teardown)
{
	struct site *t = *state;

	assert_int_equal(db_exec(&t->db, "UPDATE meter SET serial = '00000000' WHERE name = 'press'"), 0);
	reopen(t);
	run(t, 0, 300, 5000);
	add_serial(t, "press", "A1");
	run(t, 360, 960, 5000);
	assert_rows(t, serial, "A1");
	assert_rows(t, lives, "5.0||first");
}

TEST_WITH(another_number_on_counters_that_continue_is_the_same_meter, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 1800, 5000);
	add_serial(t, "press", "B2");
	run(t, 1860, 3660, 5000);
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, "SELECT total(base_value) FROM interval WHERE quantity = 'active_energy_import'", "600.0");
	assert_rows(t, "SELECT kind, detail FROM event",
		    "identity-changed|serial number was A1, is now B2; all its counters continue, so it is taken for "
		    "the same meter");
	assert_rows(t, serial, "B2");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT total(base_value) FROM interval WHERE quantity = 'active_energy_import'", "600.0");
}

TEST_WITH(one_counter_that_does_not_continue_shows_another_meter, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 1800, 5000);
	add_serial(t, "press", "B2");
	for (int64_t at = 1860; at <= 1980; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_ACTIVE_ENERGY_IMPORT_T1,
		    2520 + at / 12, Q_COUNT);
	commit(t);
	assert_rows(t, lives, "5.0|5.3|first\n5.31||replaced");
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'meter-replaced'", "serial number was A1, is now B2");
}

/* Its number is read a day later, when its load has leapt: it is the number of the new meter all the same. The next one
 * is not. */
TEST_WITH(the_first_number_after_an_announced_exchange_is_that_of_the_new_meter, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 1800, 5000);
	request_replacement(t, "press", T + 1830, NULL, NULL);
	run(t, 1860, 1920, 8670);
	add_serial(t, "press", "B2");
	add(t, "press", T + 1980, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9400), Q_COUNT);
	commit(t);
	assert_rows(t, serial, "B2");
	assert_rows(t, lives, "5.0|5.3|first\n8.98||replaced");
	add_serial(t, "press", "C3");
	add(t, "press", T + 2040, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(90000), Q_COUNT);
	commit(t);
	assert_rows(t, lives, "5.0|5.3|first\n8.98|9.4|replaced\n90.0||replaced");
}

/* The time that is named is a minute after the last reading, or that of the last reading. */
TEST_WITH(figures_count_that_are_reported_after_the_number_was_read, site_setup, site_teardown)
{
	static const char sum[] = "SELECT total(base_value) FROM interval WHERE quantity = 'active_energy_import'";
	static const int64_t named[] = {T + 1920, T + 1801};
	int64_t final = 5320, initial = 8990;

	for (size_t k = 0; k < 2; k++) {
		struct site *t = *state;

		if (k > 0) {
			site_teardown(state);
			site_setup(state);
			t = *state;
		}
		add_serial(t, "press", "A1");
		run(t, 0, 1800, 5000);
		add_serial(t, "press", "B2");
		run(t, 1980, 3660, 8670);
		assert_rows(t, sum, "570.0");
		request_replacement(t, "press", named[k], &final, &initial);
		name_requests(t);
		run(t, 3720, 3780, 8670);
		assert_rows(t, "SELECT state FROM request WHERE what LIKE 'replace%'", "done");
		assert_rows(t, lives, "5.0|5.32|first\n8.99||replaced");
		assert_rows(t, sum, "600.0");
		assert_int_equal(ledger_rebuild(&t->ledger), 0);
		assert_rows(t, sum, "600.0");
	}
}

/* Only a reading of counters decides; the highest value that they show comes with the identity. */
/* The new meter is read from 660 s on, its number before the reading of 840 s. */
TEST_WITH(readings_before_the_number_that_this_one_follows_were_the_new_meters, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 600, 5000);
	run(t, 660, 780, 100);
	add_serial(t, "press", "B2");
	run(t, 840, 2760, 100);
	assert_rows(t, lives, "5.0|5.1|first\n0.21||replaced");
	assert_rows(t, "SELECT sum(base_value) FROM interval", "440");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "5.0|5.1|first\n0.21||replaced");
	assert_rows(t, "SELECT sum(base_value) FROM interval", "440");
}

/* It was false, and of neither meter. */
TEST_WITH(a_reading_before_the_number_that_this_one_does_not_follow_begins_no_life, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 600, 5000);
	run(t, 660, 660, 900000000);
	add_serial(t, "press", "B2");
	run(t, 720, 2760, 100);
	assert_rows(t, lives, "5.0|5.1|first\n0.22||replaced");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "5.0|5.1|first\n0.22||replaced");
}

TEST_WITH(a_number_waits_for_a_reading_of_counters, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 1800, 5000);
	add_serial(t, "press", "B2");
	add(t, "press", T + 1830, READING_GOOD, Q_COUNTER_MAX, INT64_C(99999990), Q_COUNT);
	add(t, "press", T + 1840, READING_GOOD, Q_ACTIVE_POWER, INT64_C(600000), Q_COUNT);
	run(t, 1860, 1920, 9000);
	assert_rows(t, lives, "5.0|5.3|first\n9.31||replaced");
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'meter-replaced'", "serial number was A1, is now B2");
}

TEST_WITH(a_number_is_decided_about_with_the_next_reading_also_after_a_rollback_or_a_crash, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 1800, 5000);
	add_serial(t, "press", "B2");
	commit(t);
	assert_rows(t, serial, "A1");
	add(t, "press", T + 1860, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9000), Q_COUNT);
	roll_back(t);
	assert_int_equal(db_meters_load(&t->reg, &t->db), 0);
	assert_int_equal(db_tables_load_newest(&t->tables), 0);
	assert_int_equal(ledger_resume(&t->ledger), 0);
	add(t, "press", T + 1860, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9000), Q_COUNT);
	commit(t);
	assert_rows(t, serial, "B2");
	assert_rows(t, lives, "5.0|5.3|first\n9.0||replaced");
	add_serial(t, "press", "C3");
	commit(t);
	crash(t);
	assert_rows(t, serial, "B2");
	add_serial(t, "press", "C3");
	add(t, "press", T + 1920, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(20000), Q_COUNT);
	commit(t);
	assert_rows(t, serial, "C3");
}

/* Two meters answer in turns, one reading each. */
static void read_in_turns(struct site *t, int64_t from_s, int64_t to_s)
{
	for (int64_t at = from_s; at <= to_s; at += 60) {
		bool is_b = at / 60 % 2 == 1;

		add_serial(t, "press", is_b ? "B2" : "A1");
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, (is_b ? 70000 : 5000) + at / 6, Q_COUNT);
		commit(t);
	}
}

TEST_WITH(three_changes_within_an_hour_are_two_meters_and_begin_no_lives, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1800; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	add_serial(t, "press", "A1");
	read_in_turns(t, 1860, 7140);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'two-meters'", "1");
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'two-meters'",
		    "its serial number changed three times within an hour, between A1 and B2, as if two meters "
		    "answered; nothing is counted until it has stayed for an hour");
	assert_rows(t, "SELECT count(*) FROM life", "3");
	assert_rows(t, "SELECT kind FROM trouble WHERE subject = 'press' AND kind = 'two-meters'", "two-meters");
	assert_rows(t, "SELECT count(*) < 10 FROM request_log", "1");
	/* the first one alone */
	add_serial(t, "press", "A1");
	for (int64_t at = 7200; at <= 14400; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'two-meters'", "1");
	assert_rows(t, "SELECT kind FROM trouble WHERE subject = 'press' AND kind = 'two-meters'", "");
	/* all since it answers alone */
	assert_rows(t, "SELECT sum(base_value) FROM interval WHERE ts >= 1767225600 + 7200", "1050");
}

UNIT_MAIN(NULL, NULL)
