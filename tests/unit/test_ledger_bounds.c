/* SPDX-License-Identifier: MIT */
/* All that bounds a rise is in the database: a replay and a rebuild know it too. */
#include "driver.h"
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

/* 5 kW at ratios of 1:1, steps of 1 Wh: with a quarter more, 1.736 Wh in a second. ct: the meter has its own ratio. */
static struct driver *make_driver(struct site *t, bool has_ct)
{
	struct driver *d = calloc(1, sizeof(*d));

	d->max_power_w = 5000;
	d->n_rows = has_ct ? 2 : 1;
	d->rows[0] = (struct driver_row){.quantity = Q_ACTIVE_ENERGY_IMPORT, .mantissa = 1, .scale = -1, .block = -1};
	d->rows[1] = (struct driver_row){.quantity = Q_CT_PRIMARY, .mantissa = 1, .scale = -1, .block = -1};
	t->meters[0].driver = d;
	t->meters[0].ct_primary = t->meters[0].ct_secondary = t->meters[0].vt_primary = t->meters[0].vt_secondary = 1;
	return d;
}

static void free_driver(struct site *t, struct driver *d)
{
	t->meters[0].driver = NULL;
	configure(t);
	driver_free(d);
}

/* The meter has answered a ratio of its transformers. */
static void answer_ct(struct site *t, int64_t at_s, int64_t primary, int64_t secondary)
{
	add(t, "press", T + at_s, READING_GOOD, Q_CT_PRIMARY, primary, Q_CT_SECONDARY, secondary, Q_COUNT);
}

static const char *const ratings = "SELECT m.name, r.from_ts - 1767225600, r.per_hour FROM rating r "
				   "JOIN meter m ON m.id = r.meter ORDER BY m.name, r.from_ts";
static const char *const suspects = "SELECT ts - 1767225600 FROM suspect_reading ORDER BY ts";

TEST_WITH(power_is_that_of_the_model_with_the_ratios_of_the_bus_file, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = make_driver(t, false);

	d->ratios = true;
	t->meters[0].ct_primary = 400;
	t->meters[0].ct_secondary = 5;
	configure(t);
	add_press(t, 0, 1000000);
	add_press(t, 60, 1000000 + 8613); /* 400 kW and a quarter in 62 s, and two steps */
	add_press(t, 120, 1000000 + 8613 + 8336);
	commit(t);
	assert_rows(t, ratings, "press|0|400000");
	assert_rows(t, suspects, "120");
	free_driver(t, d);
}

TEST_WITH(power_may_be_more_where_the_ratios_were_not_written, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = make_driver(t, false);

	d->ratios = true;
	configure(t);
	add_press(t, 0, 1000000);
	commit(t);
	t->meters[0].lacks_ct = true; /* this meter was counted before ct had to be written */
	configure(t);
	add_press(t, 60, 1000000);
	commit(t);
	assert_rows(t, ratings, "press|0|5000\npress|60|100000");
	free_driver(t, d);
}

TEST_WITH(power_is_that_of_the_model_with_the_ratio_that_the_meter_has, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = make_driver(t, true);

	configure(t);
	answer_ct(t, 0, 400, 5);
	add_press(t, 0, 1000000);
	add_press(t, 60, 1000000 + 8613);
	add_press(t, 120, 1000000 + 8613 + 8336);
	commit(t);
	assert_rows(t, ratings, "press|0|400000");
	assert_rows(t, suspects, "120");
	free_driver(t, d);
}

TEST_WITH(power_is_unknown_until_the_meter_has_answered_its_ratio, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = make_driver(t, true);

	configure(t);
	add_press(t, 0, 1000000);
	answer_ct(t, 60, 100, 5);
	add_press(t, 60, 1001000);
	commit(t);
	assert_rows(t, ratings, "press|0|10000000\npress|60|100000");
	assert_rows(t, "SELECT subject, kind, detail FROM event WHERE kind = 'rating-changed'",
		    "press|rating-changed|at most 100.000 kWh can pass in an hour from now on, was 10000.000");
	free_driver(t, d);
}

TEST_WITH(a_ratio_that_was_answered_holds_after_a_restart, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = make_driver(t, true);

	configure(t);
	answer_ct(t, 0, 100, 5);
	add_press(t, 0, 1000000);
	reopen(t);
	add_press(t, 60, 1004000);
	commit(t);
	assert_rows(t, suspects, "60");
	assert_rows(t, ratings, "press|0|100000");
	free_driver(t, d);
}

TEST_WITH(a_rebuild_knows_what_held_when_a_reading_was_taken, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = make_driver(t, true);

	configure(t);
	answer_ct(t, 0, 400, 5);
	add_press(t, 0, 1000000);
	add_press(t, 60, 1008000);
	answer_ct(t, 120, 100, 5);
	add_press(t, 120, 1009000);
	expect_the_same_again(t, 1009000);
	assert_rows(t, "SELECT sum(value) FROM interval", "9.0");
	assert_rows(t, suspects, "");
	free_driver(t, d);
}

TEST_WITH(an_input_has_the_rating_of_its_pulses, site_setup, site_teardown)
{
	struct site *t = *state;

	add(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(0), Q_PULSES_2, INT64_C(0), Q_COUNT);
	commit(t);
	assert_rows(t, ratings, "gas|0|3600000000\nlighting|0|3600000");
}

UNIT_MAIN(NULL, NULL)
