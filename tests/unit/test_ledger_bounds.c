/* SPDX-License-Identifier: MIT */
/* All that bounds a rise is in the database: a replay and a rebuild know it too. */
#include "ledger_site.h"
#include "unit.h"

static const char *const intervals = "SELECT time, meter, quantity, value, quality FROM interval ORDER BY ts";

/* A model without a driver can have 10 MW: with a quarter more, 3472.2 Wh in a second. */
static void add_press(struct site *t, int64_t at_s, int64_t value)
{
	add(t, "press", T + at_s, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, value, Q_COUNT);
}

/* Count the rest of an hour, and compare with what a kill and a rebuild give. */
static void expect_the_same_again(struct site *t, int64_t value)
{
	char before[4096];

	for (int64_t at_s = 180; at_s <= 3600; at_s += 60)
		add_press(t, at_s, value);
	commit(t);
	snprintf(before, sizeof(before), "%s", rows(t, intervals));
	crash(t);
	assert_rows(t, intervals, before);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, intervals, before);
}

TEST_WITH(a_rebuild_knows_when_a_reading_was_read, site_setup, site_teardown)
{
	struct site *t = *state;

	add_press(t, 0, 1000000);
	t->delay_ms = 30000;
	add_press(t, 60, 1300000); /* more than 60 s allow */
	t->delay_ms = 0;
	add_press(t, 120, 1300000);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	expect_the_same_again(t, 1300000);
	assert_rows(t, "SELECT sum(value) FROM interval", "300.0");
}

TEST_WITH(a_rebuild_knows_when_the_clock_was_set_back, site_setup, site_teardown)
{
	struct site *t = *state;

	add_press(t, 0, 1000000);
	ledger_set_clock_back(&t->ledger, 1000 * T + 30000, 30000);
	add_press(t, 60, 1300000);
	add_press(t, 120, 1300000);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	expect_the_same_again(t, 1300000);
	assert_rows(t, "SELECT sum(value) FROM interval", "300.0");
}

TEST_WITH(a_clock_that_was_set_back_is_known_after_a_commit_that_failed, site_setup, site_teardown)
{
	struct site *t = *state;

	add_press(t, 0, 1000000);
	commit(t);
	ledger_set_clock_back(&t->ledger, 1000 * T + 30000, 30000);
	add_press(t, 60, 1300000);
	roll_back(t);
	assert_int_equal(ledger_resume(&t->ledger), 0);
	add_press(t, 60, 1300000);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	crash(t);
	add_press(t, 120, 1300000);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
}

TEST_WITH(a_restart_knows_since_when_the_clock_is_unsure, site_setup, site_teardown)
{
	struct site *t = *state;

	add_press(t, 0, 1000000);
	add(t, "press", T + 600, READING_UNSYNCHRONISED, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000000), Q_COUNT);
	reopen(t);
	add(t, "press", T + 660, READING_UNSYNCHRONISED, Q_ACTIVE_ENERGY_IMPORT, INT64_C(3000000), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
}

UNIT_MAIN(NULL, NULL)
