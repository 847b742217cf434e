/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "unit.h"

static const int64_t T = 1767225600; /* 2026-01-01T00:00:00Z */

/* A meter with an account whose results are written down as text, one line each. */
struct bench {
	struct calendar calendar;
	struct account account;
	struct account_limits limits;
	struct account_meter meter;
	char said[65536];
	size_t n;
	int64_t total[Q_COUNT]; /* of the intervals given out */
};

static void on_interval(void *context, const struct account_interval *i)
{
	static const char *const quality[] = {"measured", "estimated", "missing"};
	struct bench *b = context;

	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "%lld+%lld %s", (long long)(i->start_s - T),
				 (long long)(i->end_s - i->start_s), quality[i->quality]);
	for (size_t k = 0; k < i->n_values; k++) {
		b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, " %lld",
					 (long long)i->values[k].value);
		b->total[i->values[k].quantity] += i->values[k].value;
	}
	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "\n");
	if (b->n > sizeof(b->said) / 2)
		b->n = 0;
}

static void on_suspect(void *context, int64_t meter, enum quantity q, int64_t slot_s, bool behind, const char *reason)
{
	struct bench *b = context;

	(void)meter;
	(void)q;
	(void)behind;
	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "suspect %lld: %s\n", (long long)(slot_s - T),
				 reason);
}

static void on_life(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw, int64_t ended_s,
		    int64_t ended_raw, const char *reason)
{
	struct bench *b = context;

	(void)meter;
	(void)q;
	if (ended_s)
		b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "life ends %lld at %lld\n",
					 (long long)(ended_s - T), (long long)ended_raw);
	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "life %lld from %lld: %s\n",
				 (long long)(slot_s - T), (long long)raw, reason);
}

static void on_event(void *context, int64_t meter, int64_t slot_s, const char *kind, const char *detail)
{
	struct bench *b = context;

	(void)meter;
	(void)detail;
	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "%s %lld\n", kind, (long long)(slot_s - T));
}

/* 60 kW at most, steps of 10 Wh, rolls over at 10 GWh. */
static void bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	calendar_zone("UTC");
	calendar_init(&b->calendar, 900);
	b->account = (struct account){.calendar = &b->calendar,
				      .sink = {.context = b,
					       .interval = on_interval,
					       .suspect = on_suspect,
					       .life = on_life,
					       .event = on_event}};
	for (int q = 0; q < Q_COUNT; q++)
		b->limits.of[q] =
			(struct account_limit){.modulus = INT64_C(10000000000), .step = 10, .per_hour = 60000};
	b->meter = (struct account_meter){.id = 1, .limits = &b->limits, .every_s = 60};
}

static int setup(void **state)
{
	struct bench *b = malloc(sizeof(*b));

	bench_init(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	account_fini(&b->meter);
	free(b);
	return 0;
}

/* Feed one value of active_energy_import; true when it was counted. */
static bool feed(struct bench *b, int64_t at_s, int64_t value)
{
	struct account_value v = {.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = value};

	assert_int_equal(account_feed(&b->account, &b->meter, T + at_s, false, &v, 1), 0);
	return !v.suspect;
}

static void expect(struct bench *b, const char *expected)
{
	assert_string_equal(b->said, expected);
	b->n = 0;
	b->said[0] = '\0';
}

TEST_WITH(an_interval_is_the_difference_at_its_ends, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 1800; t += 60)
		assert_true(feed(b, t, 5000 + t / 6));
	expect(b, "life 0 from 5000: first\n0+900 measured 150\n900+900 measured 150\n");
}

TEST_WITH(a_boundary_between_readings_is_interpolated_and_the_sum_is_exact, setup, teardown)
{
	struct bench *b = *state;

	b->meter.every_s = 420;
	for (int64_t t = 0; t <= 2100; t += 420)
		feed(b, t, 1000 + 101 * (t / 420));
	/* 900 s lie 1/7 into the third reading's 101: 202 + 14; 1800 s 2/7 into the fifth's: 404 + 28 */
	expect(b, "life 0 from 1000: first\n0+900 measured 216\n900+900 measured 216\n");
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->sum, 505 - 432);
}

TEST_WITH(an_interval_in_which_a_life_begins_is_estimated, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 840; t <= 1800; t += 60)
		feed(b, t, t);
	expect(b, "life 840 from 840: first\n0+900 estimated 60\n900+900 measured 900\n");
}

TEST_WITH(a_glitch_is_suspect_and_not_counted, setup, teardown)
{
	struct bench *b = *state;

	assert_true(feed(b, 0, 50000));
	assert_false(feed(b, 60, 0));
	assert_true(feed(b, 120, 50010));
	assert_false(feed(b, 180, 53700000));
	assert_true(feed(b, 240, 50020));
	for (int64_t t = 300; t <= 900; t += 60)
		assert_true(feed(b, t, 50020));
	expect(b, "life 0 from 50000: first\n"
		  "suspect 60: active_energy_import fell from 50.000 to 0.000 kWh\nimplausible 60\n"
		  "suspect 180: active_energy_import rose from 50.010 to 53700.000 kWh; at most 2.520 can have passed\n"
		  "implausible 180\n0+900 measured 20\n");
}

TEST_WITH(a_register_that_paused_and_moves_again_is_counted, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t at_s = 0; at_s <= 3600; at_s += 60)
		assert_true(feed(b, at_s, 50000));
	assert_true(feed(b, 3660, 80000));
	assert_true(feed(b, 7200, 81000));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 31000);
}

TEST_WITH(two_agreeing_readings_after_a_suspect_make_a_reset, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 50000);
	feed(b, 60, 50100);
	assert_false(feed(b, 120, 0));
	assert_false(feed(b, 180, 100));
	assert_true(feed(b, 240, 200));
	for (int64_t t = 300; t <= 900; t += 60)
		assert_true(feed(b, t, 200));
	expect(b, "life 0 from 50000: first\nsuspect 120: active_energy_import fell from 50.100 to 0.000 "
		  "kWh\nimplausible 120\n"
		  "suspect 180: active_energy_import fell from 50.100 to 0.100 kWh\nreset 120\n"
		  "life ends 60 at 50100\nlife 120 from 0: reset\n0+900 estimated 300\n");
}

TEST_WITH(the_life_after_a_reset_contains_each_of_its_readings, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 840, 50000);
	feed(b, 870, 0);
	feed(b, 900, 70); /* the end of an interval */
	feed(b, 960, 100);
	b->n = 0;
	b->said[0] = '\0';
	for (int64_t t = 1020; t <= 1800; t += 60)
		feed(b, t, 100);
	expect(b, "900+900 measured 30\n");
}

TEST_WITH(suspects_that_do_not_agree_make_no_reset, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000000);
	assert_false(feed(b, 60, 100000));
	assert_false(feed(b, 120, 4000000));
	assert_false(feed(b, 180, 200000));
	assert_false(feed(b, 240, 3000000));
	assert_true(feed(b, 300, 5000100));
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->sum, 100);
}

TEST_WITH(a_rollover_is_counted, setup, teardown)
{
	struct bench *b = *state;

	assert_true(feed(b, 0, INT64_C(9999999800)));
	assert_true(feed(b, 60, 100));
	for (int64_t t = 120; t <= 900; t += 60)
		feed(b, t, 100);
	expect(b, "life 0 from 9999999800: first\nrollover 60\n0+900 measured 300\n");
}

static bool is_plausible(const struct bench *b, int64_t at_s, int64_t value)
{
	const struct account_counter *c = account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT);
	struct account_mark mark;

	return c == NULL || !account_get_mark(&b->meter, c, &mark) || account_follows(&mark, T + at_s, value);
}

TEST_WITH(a_value_can_be_judged_without_being_counted, setup, teardown)
{
	struct bench *b = *state;

	assert_true(is_plausible(b, 0, -5));
	feed(b, 0, INT64_C(9999999800));
	b->n = 0;
	assert_true(is_plausible(b, 60, INT64_C(9999999900)));
	assert_true(is_plausible(b, 60, 100));
	assert_false(is_plausible(b, 60, INT64_C(9999900000)));
	assert_false(is_plausible(b, 60, 5000000));
	assert_true(is_plausible(b, 0, 5000000));
	assert_null(account_counter(&b->meter, Q_ACTIVE_ENERGY_EXPORT));
	assert_int_equal(b->n, 0);
	assert_true(feed(b, 60, INT64_C(9999999900)));
}

/* An input with 100 pulses a second at most, each weight/parts of a base unit, that rolls over at 10^9. */
static void weigh(struct bench *b, int64_t weight, int64_t parts)
{
	b->limits.of[Q_ACTIVE_ENERGY_IMPORT] = (struct account_limit){
		.parts = parts, .modulus = 1000000000 * weight, .step = weight, .per_hour = 360000 * weight};
	b->meter.every_s = 300;
}

TEST_WITH(pulses_of_five_sixteenths_roll_over_without_loss, setup, teardown)
{
	struct bench *b = *state;

	weigh(b, 5, 16);
	assert_true(feed(b, 0, 5 * INT64_C(999999990)));
	assert_true(feed(b, 60, 5 * INT64_C(999999999)));
	assert_true(feed(b, 120, 5 * 0));
	assert_true(feed(b, 900, 5 * 6));
	/* from 312499996.875 to 312500001.875 */
	expect(b, "life 0 from 312499996: first\nrollover 120\n0+900 measured 5\n");
	assert_true(feed(b, 1800, 5 * 16));
	/* to 312500005 */
	expect(b, "900+900 measured 4\n");
}

TEST_WITH(a_modulus_of_a_fraction_of_base_units_is_exact, setup, teardown)
{
	struct bench *b = *state;

	weigh(b, 1000, 3);
	for (int64_t i = 0; i < 4; i++)
		assert_true(feed(b, i * 900, (999999998 + i) % 1000000000 * 1000));
	/* 333333332666.7, 333333333000, 333333333333.3, 333333333666.7 */
	expect(b, "life 0 from 333333332666: first\n0+900 measured 334\nrollover 1800\n"
		  "900+900 measured 333\n1800+900 measured 333\n");
}

TEST_WITH(a_life_of_another_weight_is_rounded_separately, setup, teardown)
{
	struct bench *b = *state;

	weigh(b, 5, 16);
	feed(b, 0, 5 * 100);   /* 31.25 */
	feed(b, 300, 5 * 106); /* 33.125 */
	account_replace(&b->account, &b->meter, Q_COUNT, T + 300, NULL, NULL, "configuration");
	weigh(b, 1, 2);
	feed(b, 360, 106); /* 53 */
	feed(b, 900, 109); /* 54.5 */
	expect(b, "life 0 from 31: first\nlife ends 300 at 33\nlife 360 from 53: replaced\n0+900 estimated 3\n");
}

TEST_WITH(a_replaced_pulse_meter_takes_its_figures_in_base_units, setup, teardown)
{
	int64_t final = 33, initial = 20;
	struct bench *b = *state;

	weigh(b, 5, 16);
	feed(b, 0, 5 * 100);
	feed(b, 300, 5 * 106);
	account_replace(&b->account, &b->meter, Q_ACTIVE_ENERGY_IMPORT, T + 300, &final, &initial, "replaced");
	feed(b, 900, 5 * 70); /* 21.875 */
	expect(b, "life 0 from 31: first\nlife ends 300 at 33\nlife 300 from 20: replaced\n0+900 measured 3\n");
}

TEST_WITH(a_rollover_uses_the_modulus_that_was_read, setup, teardown)
{
	struct bench *b = *state;

	for (int q = 0; q < Q_COUNT; q++)
		b->limits.of[q].modulus_read = true;
	b->meter.counter_max = 99999990;
	assert_true(feed(b, 0, 99999950));
	b->meter.counter_max = 0; /* not read again yet */
	assert_true(feed(b, 60, 20));
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->sum, 70);
}

TEST_WITH(a_fall_that_is_not_a_rollover_is_suspect, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, INT64_C(9000000000));
	assert_false(feed(b, 60, 100));
}

TEST_WITH(one_step_backward_is_tolerated_where_the_resolution_is_known, setup, teardown)
{
	struct bench *b = *state;

	b->limits.of[Q_ACTIVE_ENERGY_IMPORT].back_step = 10;
	feed(b, 0, 1000);
	assert_true(feed(b, 60, 990));
	assert_false(feed(b, 120, 980));
	assert_true(feed(b, 180, 1010));
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->sum, 10);
}

TEST_WITH(a_gap_is_reported_and_its_energy_is_spread, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	feed(b, 300, 1050);
	feed(b, 4500, 2450);
	expect(b, "life 0 from 1000: first\ngap 300\ngap 4500\n0+900 estimated 250\n900+900 estimated 300\n"
		  "1800+900 estimated 300\n2700+900 estimated 300\n3600+900 estimated 300\n");
}

TEST_WITH(a_gap_inside_an_interval_leaves_it_measured, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	feed(b, 600, 1100);
	feed(b, 900, 1150);
	expect(b, "life 0 from 1000: first\ngap 600\ngap 900\n0+900 measured 150\n");
}

TEST_WITH(intervals_without_readings_are_missing_until_they_can_be_estimated, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	feed(b, 900, 1090);
	account_report_missing(&b->account, &b->meter, T + 2700, 100);
	account_report_missing(&b->account, &b->meter, T + 2880, 100);
	account_report_missing(&b->account, &b->meter, T + 2880, 100);
	feed(b, 2700, 1270);
	expect(b, "life 0 from 1000: first\ngap 900\n0+900 measured 90\n900+900 missing\n1800+900 missing\ngap 2700\n"
		  "900+900 estimated 90\n1800+900 estimated 90\n");
}

TEST_WITH(nothing_is_counted_between_two_lives, setup, teardown)
{
	struct bench *b = *state;
	int64_t final = 1100, initial = 7;

	feed(b, 0, 1000);
	account_replace(&b->account, &b->meter, Q_ACTIVE_ENERGY_IMPORT, T + 450, &final, &initial, "replaced");
	feed(b, 2700, 307);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 100 + 300);
	expect(b, "life 0 from 1000: first\nlife ends 450 at 1100\nlife 450 from 7: replaced\ngap 2700\n"
		  "0+900 estimated 160\n900+900 estimated 120\n1800+900 estimated 120\n");
}

TEST_WITH(a_replaced_meter_without_figures_leaves_its_time_missing, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	account_replace(&b->account, &b->meter, Q_COUNT, T + 900, NULL, NULL, "replaced");
	feed(b, 2700, 307);
	feed(b, 3600, 407);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 100);
	expect(b,
	       "life 0 from 1000: first\n0+900 missing\ngap 2700\nlife ends 900 at 1000\nlife 2700 from 307: replaced\n"
	       "900+900 missing\n1800+900 missing\ngap 3600\n2700+900 measured 100\n");
}

TEST_WITH(a_partial_counter_is_reset_separately_from_the_total, setup, teardown)
{
	struct bench *b = *state;

	for (int i = 0; i <= 5; i++) {
		struct account_value v[2] = {
			{.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = 9000 + 10 * i},
			{.quantity = Q_ACTIVE_ENERGY_IMPORT_PARTIAL, .value = i < 2 ? 500 : 10 * i},
		};
		assert_int_equal(account_feed(&b->account, &b->meter, T + 60 * i, false, v, 2), 0);
		assert_false(v[0].suspect);
		assert_int_equal(v[1].suspect, i == 2 || i == 3);
	}
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->life_s, T);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT_PARTIAL)->life_s, T + 120);
}

TEST_WITH(a_clock_that_steps_back_counts_nothing_twice, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 900; t += 60)
		feed(b, t, 1000 + t);
	expect(b, "life 0 from 1000: first\n0+900 measured 900\n");
	assert_true(feed(b, 900, 1900)); /* there already */
	assert_false(feed(b, 330, 1960));
	assert_false(feed(b, 840, 2000));
	assert_true(feed(b, 960, 2020));
	expect(b, "suspect 330: its slot is before one that was already counted\n"
		  "suspect 840: its slot is before one that was already counted\n");
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->sum, 120);
}

TEST_WITH(an_account_begins_again_after_a_clock_was_days_ahead, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 3 * 86400, 1000);
	feed(b, 3 * 86400 + 60, 1100);
	for (int64_t t = 0; t < 3600; t += 60)
		assert_false(feed(b, t, 1200 + t));
	assert_true(feed(b, 3600, 4800));
	assert_true(feed(b, 4500, 5700));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 900);
}

TEST_WITH(a_clock_that_was_wrong_for_minutes_changes_nothing, setup, teardown)
{
	struct bench *b = *state;
	int64_t value = 1000;

	for (int64_t t = 0; t <= 3600; t += 60) {
		assert_true(feed(b, t, value += 10));
		if (t % 600 == 300) {
			assert_false(feed(b, t + INT64_C(86400) * 365, value));
			assert_false(feed(b, t + INT64_C(86400) * 365 + 60, value));
			assert_false(feed(b, t - 2 * 86400, value));
		}
	}
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 600);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->life_s, T);
}

TEST_WITH(a_clock_far_ahead_is_believed_when_it_continues, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	for (int64_t t = 40 * 86400; t < 40 * 86400 + 3600; t += 60)
		assert_false(feed(b, t, 2000));
	assert_true(feed(b, 40 * 86400 + 3600, 2000));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 1000);
}

TEST_WITH(a_meter_that_was_away_for_long_is_counted_when_others_were_read, setup, teardown)
{
	struct bench *b = *state;
	struct account_meter other = b->meter;

	other.id = 2;
	for (int64_t day = 0; day <= 40; day++) {
		struct account_value v = {.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = 1000 + day};

		assert_int_equal(account_feed(&b->account, &other, T + day * 86400, false, &v, 1), 0);
		if (day == 0)
			assert_true(feed(b, 0, 1000));
	}
	assert_true(feed(b, 40 * 86400, 2000));
	account_fini(&other);
}

TEST_WITH(readings_of_a_clock_that_was_never_set_are_not_counted, setup, teardown)
{
	struct bench *b = *state;

	assert_true(feed(b, -T + 600, 1000));
	assert_int_equal(b->meter.n_counters, 0);
}

TEST_WITH(unsynchronised_readings_make_estimated_intervals, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 900; t += 60) {
		struct account_value v = {.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = 1000 + t};

		account_feed(&b->account, &b->meter, T + t, true, &v, 1);
	}
	expect(b, "life 0 from 1000: first\n0+900 estimated 900\n");
}

TEST_WITH(a_changed_length_cuts_the_running_interval, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 2400; t += 60)
		feed(b, t, t);
	account_cut(&b->account, &b->meter);
	calendar_init(&b->calendar, 3600);
	for (int64_t t = 2460; t <= 7200; t += 60)
		feed(b, t, t);
	expect(b, "life 0 from 0: first\n0+900 measured 900\n900+900 measured 900\n1800+600 measured 600\n"
		  "2400+1200 measured 1200\n3600+3600 measured 3600\n");
}

/* Random sites. The truth is kept beside: all consumption between two readings of one true life must be counted,
 * whatever happens between, and nothing else. */
struct truth {
	int64_t parts, modulus;
	int64_t life_total, shown; /* the first does not roll over */
	int64_t counted_total;	   /* whole base units */
	int64_t at_s, last_total;
	bool has_last;
};

static unsigned long long random_state;

static int64_t below(int64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (int64_t)(random_state % (unsigned long long)n);
}

static void true_reading(struct bench *b, struct truth *t, bool must_count)
{
	bool counted = feed(b, t->at_s, t->shown);

	if (must_count)
		assert_true(counted);
	if (t->has_last)
		t->counted_total += t->life_total / t->parts - t->last_total / t->parts;
	t->last_total = t->life_total;
	t->has_last = true;
}

static void run_load(struct truth *t, int64_t seconds)
{
	int64_t amount = below(60000 * seconds / 3600 / 10 + 2) * 10;

	t->at_s += seconds;
	t->life_total += amount;
	t->shown = (t->shown + amount) % t->modulus;
}

static void one_site(struct bench *b, int64_t parts)
{
	struct truth t = {.parts = parts, .modulus = INT64_C(10000000000), .at_s = below(86400)};
	struct account_counter *c;

	b->limits.of[Q_ACTIVE_ENERGY_IMPORT].parts = parts;
	t.life_total = t.shown = below(2) ? t.modulus - 10 - below(500000) / 10 * 10 : 2000000 + below(1000000000);
	true_reading(b, &t, true);
	for (int i = 0; i < 400; i++) {
		int64_t what = below(100);

		if (what < 80) {
			run_load(&t, 60);
		} else if (what < 88) { /* readings lost */
			run_load(&t, 60 * (1 + below(200)));
		} else if (what < 93 && t.shown > 500000 && t.shown < INT64_C(9990000000)) { /* one wrong value */
			run_load(&t, 60);
			assert_false(feed(b, t.at_s, below(2) ? 0 : t.shown + INT64_C(1000000000)));
			run_load(&t, 60);
		} else if (what < 94) { /* the clock is days or years wrong for a while */
			int64_t astray_s =
				t.at_s + (below(2) ? 32 * 86400 + 86400 * below(4000) : -86400 * (2 + below(100)));

			for (int64_t slot = 0; slot < 60 * below(30); slot += 60)
				assert_false(feed(b, astray_s + slot, t.shown));
			run_load(&t, 60);
		} else if (what < 96) { /* the clock steps back and runs on */
			for (int64_t back = 1 + below(30); back > 0; back--)
				feed(b, t.at_s - 60 * back, t.shown);
			run_load(&t, 60);
		} else if (t.shown > 2000000 && t.shown < INT64_C(9990000000)) { /* reset, known after three readings */
			t.life_total = t.shown = 0;
			t.has_last = false;
			for (int k = 0; k < 3; k++) {
				run_load(&t, 60);
				true_reading(b, &t, k == 2);
			}
			continue;
		} else if (below(2)) { /* another meter from now on */
			account_replace(&b->account, &b->meter, Q_COUNT, T + t.at_s, NULL, NULL, "replaced");
			t.life_total = t.shown = below(t.modulus);
			t.has_last = false;
			run_load(&t, 60);
		} else {
			continue;
		}
		true_reading(b, &t, true);
	}
	c = account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT] + (c->rest + c->sum) / parts, t.counted_total);
}

static unsigned long long seed(void)
{
	const char *given = getenv("SEED");

	return given != NULL ? strtoull(given, NULL, 0) : (unsigned long long)time(NULL) * 2654435761U + 1;
}

TEST_WITH(sums_are_exact_in_every_random_history, setup, teardown)
{
	struct bench *b = *state;
	unsigned long long start = seed();

	printf("SEED=%llu\n", start);
	random_state = start;
	for (int site = 0; site < 300; site++) {
		account_fini(&b->meter);
		bench_init(b);
		one_site(b, (const int64_t[]){1, 3, 16}[site % 3]);
	}
}

/* The same readings again, with the account's state taken out and put back in between. */
TEST_WITH(an_account_continues_after_a_restart_without_a_difference, setup, teardown)
{
	struct bench *b = *state;
	struct bench *other = malloc(sizeof(*other));
	unsigned long long start = seed();
	int64_t at_s = 0, value = 2000000;

	printf("SEED=%llu\n", start);
	random_state = start;
	bench_init(other);
	for (int i = 0; i < 3000; i++) {
		int64_t shown;

		at_s += 60 * (below(20) ? 1 : 1 + below(90));
		value += below(50) * 10;
		if (below(100) == 0)
			value = below(1000);
		shown = below(50) ? value : below(5000000);
		assert_int_equal(feed(b, at_s, shown), feed(other, at_s, shown));
		if (below(10) == 0) {
			struct account_counter kept = other->meter.counters[0];
			struct account_meter fresh = {
				.id = 1, .limits = &other->limits, .every_s = 60, .last_s = other->meter.last_s};

			account_fini(&other->meter);
			other->meter = fresh;
			assert_int_equal(account_restore(&other->meter, &kept), 0);
		}
		assert_string_equal(b->said, other->said);
		b->n = other->n = 0;
	}
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], other->total[Q_ACTIVE_ENERGY_IMPORT]);
	account_fini(&other->meter);
	free(other);
}

UNIT_MAIN(NULL, NULL)
