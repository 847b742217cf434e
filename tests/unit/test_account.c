/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "chance.h"
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
		if (i->values[k].is_revised)
			b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, " for %lld",
						 (long long)i->values[k].was_value);
		b->total[i->values[k].quantity] += i->values[k].value - i->values[k].was_value;
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

static void on_revised(void *context, int64_t meter, int64_t from_s, int64_t until_s, const char *reason)
{
	struct bench *b = context;

	(void)meter;
	(void)reason;
	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "revised %lld to %lld\n",
				 (long long)(from_s - T), (long long)(until_s - T));
}

static void on_reconsidered(void *context, int64_t meter, enum quantity q, int64_t after_s, int64_t until_s,
			    const char *reason)
{
	struct bench *b = context;

	(void)meter;
	(void)q;
	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "%s after %lld to %lld\n",
				 reason != NULL ? "false" : "good", (long long)(after_s - T), (long long)(until_s - T));
}

static void on_life_undone(void *context, int64_t meter, enum quantity q, int64_t slot_s)
{
	struct bench *b = context;

	(void)meter;
	(void)q;
	b->n += (size_t)snprintf(b->said + b->n, sizeof(b->said) - b->n, "no life %lld\n", (long long)(slot_s - T));
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
					       .revised = on_revised,
					       .reconsidered = on_reconsidered,
					       .life_undone = on_life_undone,
					       .event = on_event}};
	for (int q = 0; q < Q_COUNT; q++)
		b->limits.of[q] =
			(struct account_limit){.moduli = {INT64_C(10000000000)}, .step = 10, .per_hour = 60000};
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
	calendar_free(&b->calendar);
	free(b);
	return 0;
}

/* Feed one value of active_energy_import, of either register; true when it was counted. */
/* Readings after from_s are counted into intervals of another length. */
static void change_length(struct bench *b, int64_t from_s, int64_t interval_s)
{
	struct calendar next;

	assert_int_equal(calendar_change(&b->calendar, T, T + from_s, interval_s, &next), 0);
	calendar_free(&b->calendar);
	b->calendar = next;
	account_void_missing(&b->meter);
}

static bool feed_either(struct bench *b, int64_t at_s, int64_t value, bool is_coarse)
{
	struct account_value v = {.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = value, .is_coarse = is_coarse};

	assert_int_equal(account_feed(&b->account, &b->meter, &(struct account_when){.slot_s = T + at_s}, &v, 1), 0);
	return !v.suspect;
}

static bool feed(struct bench *b, int64_t at_s, int64_t value)
{
	return feed_either(b, at_s, value, false);
}

/* The next reading, a minute later, shows the same: what was read before is given out now. */
static void confirm(struct bench *b)
{
	struct account_mark mark;

	assert_true(account_get_mark(&b->meter, account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT), &mark));
	assert_true(feed(b, b->meter.last_s - T + 60, mark.good.raw));
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
	expect(b, "life 0 from 5000: first\n0+900 measured 150\n");
	confirm(b);
	expect(b, "900+900 measured 150\n");
}

TEST_WITH(a_coarser_register_counts_what_exceeds_the_last_value, setup, teardown)
{
	struct bench *b = *state;

	b->limits.of[Q_ACTIVE_ENERGY_IMPORT].coarse_step = 1000;
	for (int64_t t = 0; t <= 3600; t += 60) {
		int64_t wh = 5500 + t / 2;
		bool is_coarse = t >= 900 && t < 2700;

		assert_true(feed_either(b, t, is_coarse ? wh / 1000 * 1000 : wh, is_coarse));
	}
	confirm(b);
	/* the last 30 Wh before it come when it passes 6 kWh, what it does not show with the first finer value */
	expect(b, "life 0 from 5500: first\n0+900 measured 420\n900+900 measured 80\n1800+900 measured 850\n"
		  "2700+900 measured 450\n");
}

/* The finer register shows 8 digits of 10 Wh, the coarser one 8 digits of 1 kWh. */
TEST_WITH(two_registers_agree_modulo_the_lower_of_their_turn_overs, setup, teardown)
{
	struct bench *b = *state;
	const int64_t high = INT64_C(37000000000);

	b->limits.of[Q_ACTIVE_ENERGY_IMPORT] = (struct account_limit){
		.step = 10, .coarse_step = 1000, .fold = 1000000000, .moduli = {1000000000}, .per_hour = 60000};
	assert_true(feed_either(b, 0, 999999500, false));
	assert_true(feed_either(b, 60, high - 1000, true));
	assert_true(feed_either(b, 120, high, true)); /* in its own number nothing turns over here */
	assert_true(feed_either(b, 180, 200, false));
	assert_true(feed_either(b, 240, high + 1000, true));
	confirm(b);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.raw, 1000);
	assert_string_equal(b->said, "life 0 from 999999500: first\nrollover 120\n");
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.sum, 1500);
}

TEST_WITH(a_boundary_between_readings_is_interpolated_and_the_sum_is_exact, setup, teardown)
{
	struct bench *b = *state;

	b->meter.every_s = 420;
	for (int64_t t = 0; t <= 2100; t += 420)
		feed(b, t, 1000 + 101 * (t / 420));
	confirm(b);
	/* 900 s lie 1/7 into the third reading's 101: 202 + 14; 1800 s 2/7 into the fifth's: 404 + 28 */
	expect(b, "life 0 from 1000: first\n0+900 measured 216\n900+900 measured 216\n");
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.sum, 505 - 432);
}

TEST_WITH(an_interval_in_which_a_life_begins_is_estimated, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 840; t <= 1800; t += 60)
		feed(b, t, t);
	confirm(b);
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
	confirm(b);
	expect(b, "life 0 from 50000: first\n"
		  "suspect 60: active_energy_import fell from 50.000 to 0.000 kWh\nimplausible 60\n"
		  "suspect 180: active_energy_import rose from 50.010 to 53700.000 kWh; at most 1.311 can have passed\n"
		  "implausible 180\n0+900 measured 20\n");
}

/* So much cannot have passed in a minute: the hour before was a pause. Other readings must confirm that. */
TEST_WITH(a_register_that_paused_and_moves_again_is_counted, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t at_s = 0; at_s <= 3600; at_s += 60)
		assert_true(feed(b, at_s, 50000));
	for (int64_t at_s = 3660; at_s <= 7260; at_s += 60)
		feed(b, at_s, 80000 + (at_s - 3660) / 6);
	assert_true(feed(b, 7320, 80610));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 30590);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.life_s, T);
}

TEST_WITH(readings_that_continue_for_long_after_a_fall_make_a_reset, setup, teardown)
{
	struct bench *b = *state;
	int64_t t = 120;

	feed(b, 0, 50000);
	feed(b, 60, 50100);
	expect(b, "life 0 from 50000: first\n");
	assert_false(feed(b, 120, 0));
	expect(b, "suspect 120: active_energy_import fell from 50.100 to 0.000 kWh\nimplausible 120\n");
	while (!feed(b, t + 60, (t - 60) / 60 * 100)) {
		t += 60;
		b->n = 0;
		b->said[0] = '\0';
	}
	assert_in_range(t, 120 + 8 * 60, 120 + 20 * 60);
	t += 60;
	for (; t < 1860; t += 60)
		feed(b, t + 60, (t - 60) / 60 * 100);
	/* 100 Wh until the fall, and 1300 from 120 s to 900 s */
	assert_non_null(strstr(b->said, "reset 120\nlife ends 60 at 50100\nlife 120 from 0: reset\n"));
	assert_non_null(strstr(b->said, "0+900 estimated 1400\n"));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 1400 + 1500);
}

TEST_WITH(the_life_after_a_reset_contains_each_of_its_readings, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 840, 50000);
	feed(b, 870, 0);
	feed(b, 900, 70); /* the end of an interval */
	for (int64_t t = 960; t <= 2760; t += 60)
		feed(b, t, t < 1800 ? 70 + (t - 900) / 6 : 220);
	assert_non_null(strstr(b->said, "0+900 estimated 70\n900+900 measured 150\n"));
}

/* Readings each minute of [from_s, to_s], 10 Wh a minute from 5000 at T on, off by delta. */
static void run(struct bench *b, int64_t from_s, int64_t to_s, int64_t delta)
{
	for (int64_t t = from_s; t <= to_s; t += 60)
		feed(b, t, 5000 + t / 6 + delta);
}

/* The meter is exchanged at_s after T. final, initial: NULL, or the figures of the main counter. */
static void replace(struct bench *b, int64_t at_s, const int64_t *final, const int64_t *initial, bool may_be_late)
{
	struct account_exchange x = {.slot_s = T + at_s, .may_be_late = may_be_late};

	x.has_final = final != NULL;
	x.final = final != NULL ? *final : 0;
	x.has_initial = initial != NULL;
	x.initial = initial != NULL ? *initial : 0;
	account_replace(&b->account, &b->meter, final != NULL ? Q_ACTIVE_ENERGY_IMPORT : Q_COUNT, &x);
}

TEST_WITH(a_register_that_is_negative_at_first_sight_is_reported_once, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 600; t += 60)
		assert_true(feed(b, t, -t / 60 - 5));
	expect(b, "implausible 0\n");
	assert_true(feed(b, 660, 3));
	expect(b, "life 660 from 3: first\n");
}

TEST_WITH(a_net_register_that_runs_backwards_is_reported_once_and_not_suspect, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 600, 0);
	for (int64_t t = 660; t <= 840; t += 60)
		assert_false(feed(b, t, 5100 - (t - 600) / 6));
	b->n = 0;
	b->said[0] = '\0';
	for (int64_t t = 900; t <= 86400; t += 60)
		assert_true(feed(b, t, t % 7200 < 3600 ? 5100 - (t - 600) / 6 : 5000));
	expect(b, "implausible 900\ngood after 600 to 840\n");
}

TEST_WITH(a_replaced_meter_is_counted_where_the_old_one_had_a_net_register, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 600, 0);
	for (int64_t t = 660; t <= 1200; t += 60)
		feed(b, t, 5100 - (t - 600) / 6);
	replace(b, 1230, NULL, NULL, true);
	b->n = 0;
	b->said[0] = '\0';
	assert_true(feed(b, 1260, 40));
	expect(b, "new-life 1260\nlife ends 1230 at 5100\nlife 1260 from 40: replaced\n");
}

TEST_WITH(what_the_figures_of_an_exchange_count_over_a_gap_is_estimated, setup, teardown)
{
	static const int64_t final = 5600, initial = 10;
	struct bench *b = *state;

	run(b, 0, 900, 0);
	b->n = 0;
	b->said[0] = '\0';
	replace(b, 3600, &final, &initial, false);
	assert_non_null(strstr(b->said, "900+900 estimated 150\n1800+900 estimated 150\n2700+900 estimated 150\n"));
}

TEST_WITH(an_ordinary_day_is_given_out_once, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 86460; t += 60) {
		b->n = 0;
		b->said[0] = '\0';
		/* the load rises a hundredfold for an hour */
		assert_true(feed(b, t,
				 5000 + (t < 36000   ? t / 6
					 : t < 39600 ? 6000 + (t - 36000) * 15
						     : 60000 + (t - 39600) / 6)));
		assert_null(strstr(b->said, "revised"));
		assert_null(strstr(b->said, "after"));
		assert_null(strstr(b->said, " for "));
	}
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 60000 + (86400 - 39600) / 6);
}

/* 1 kWh too much is no more than the meter can deliver in a minute: it is counted, and taken back when it is over. */
TEST_WITH(values_that_were_too_high_for_a_while_are_taken_back, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 840, 0);
	run(b, 900, 2640, 1000);
	expect(b, "life 0 from 5000: first\n0+900 measured 1150\n900+900 measured 150\n");
	run(b, 2700, 5460, 0);
	assert_non_null(strstr(b->said, "false after 840 to 2699\ntaken-back "));
	assert_non_null(strstr(b->said,
			       "\n0+900 estimated 150 for 1150\n900+900 estimated 150 for 150\nrevised 0 to 1800\n"
			       "1800+900 estimated 150\n2700+900 measured 150\n"));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 900);
}

TEST_WITH(the_register_of_another_unit_is_no_life_when_it_is_over, setup, teardown)
{
	struct bench *b = *state;
	struct account_counter *c;

	run(b, 0, 1800, 0);
	run(b, 1860, 3600, 700000);
	c = account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(c->given.life_s, T + 1860);
	assert_non_null(strstr(b->said, "reset 1860\n"));
	b->n = 0;
	run(b, 3660, 7260, 0);
	assert_non_null(strstr(b->said, "false after 1800 to 3659\nno life 1860\ntaken-back "));
	assert_non_null(strstr(b->said, "revised 1800 to 2700\n"));
	assert_int_equal(c->given.life_s, T);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 1200);
}

TEST_WITH(a_reading_that_others_prove_wrong_is_false_after_all, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 300, 0);
	assert_true(feed(b, 360, 5000 + 60 + 500));
	b->n = 0;
	run(b, 420, 540, 0);
	expect(b, "good after 300 to 419\nfalse after 300 to 419\n");
	run(b, 600, 960, 0);
	expect(b, "0+900 measured 150\n");
}

/* Two lines that take turns of forty minutes: after the third change of mind nothing is counted until one of them has
 * held for an hour. */
TEST_WITH(a_meter_that_changes_its_mind_three_times_is_not_counted_for_an_hour, setup, teardown)
{
	struct bench *b = *state;
	int64_t t = 0, total;

	for (; b->meter.unsure_s == 0 && t < 86400; t += 60)
		run(b, t, t, t / 2400 % 2 ? 1000000 : 0);
	assert_int_equal(b->meter.unsure_s, T + t - 60);
	assert_non_null(strstr(b->said, "two-meters"));
	total = b->total[Q_ACTIVE_ENERGY_IMPORT];
	run(b, t, t + 3480, t / 2400 % 2 ? 1000000 : 0);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], total);
	run(b, t + 3540, t + 7200, t / 2400 % 2 ? 1000000 : 0);
	assert_int_equal(b->meter.unsure_s, 0);
	assert_true(b->total[Q_ACTIVE_ENERGY_IMPORT] > total);
	assert_true(b->total[Q_ACTIVE_ENERGY_IMPORT] <= (t + 7200) / 6);
}

TEST_WITH(the_last_interval_is_given_out_when_nothing_follows, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 840, 0);
	run(b, 900, 900, 500);
	expect(b, "life 0 from 5000: first\n");
	assert_false(account_report_missing(&b->account, &b->meter, T + 1139, 100));
	assert_true(account_report_missing(&b->account, &b->meter, T + 1140, 100));
	assert_false(account_report_missing(&b->account, &b->meter, T + 1140, 100));
	expect(b, "0+900 measured 650\n");
	/* it was wrong, and what followed it shows that */
	run(b, 1800, 2760, 0);
	assert_non_null(strstr(b->said, "false after 840 to 1799\ntaken-back 1860\n0+900 estimated 150 for 650\n"
					"revised 0 to 900\n900+900 estimated 150\n"));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 450);
}

/* A meter was exchanged at 600 s, which is announced at 900 s. */
TEST_WITH(an_exchange_that_is_announced_late_counts_the_first_readings_of_the_new_meter, setup, teardown)
{
	struct bench *b = *state;
	int64_t final = 5100, initial = 200;

	run(b, 0, 540, 0);
	for (int64_t t = 600; t <= 900; t += 60)
		assert_false(feed(b, t, 210 + (t - 600) / 6));
	b->n = 0;
	b->said[0] = '\0';
	replace(b, 570, &final, &initial, true);
	expect(b, "good after 599 to 900\nlife ends 570 at 5100\nlife 570 from 200: replaced\n");
	for (int64_t t = 960; t <= 1860; t += 60)
		assert_true(feed(b, t, 210 + (t - 600) / 6));
	/* to 5100, and from 200 to 260 and 410 */
	expect(b, "0+900 measured 160\n900+900 measured 150\n");
}

/* The old one answered once more after it, which had been counted for the interval. */
TEST_WITH(an_exchange_that_is_announced_late_takes_back_what_was_counted_of_the_old_meter_since, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 540, 0);
	for (int64_t t = 600; t <= 1680; t += 60)
		assert_false(feed(b, t, 200 + (t - 600) / 6));
	run(b, 1740, 1740, 0);
	for (int64_t t = 1800; t <= 1920; t += 60)
		assert_false(feed(b, t, 200 + (t - 600) / 6));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 150);
	b->n = 0;
	b->said[0] = '\0';
	replace(b, 1920, NULL, NULL, true);
	expect(b, "taken-back 1920\n0+900 missing 0 for 150\nrevised 0 to 900\ngood after 599 to 1920\n"
		  "life ends 600 at 5090\nlife 600 from 200: replaced\n");
	for (int64_t t = 1980; t <= 2760; t += 60)
		assert_true(feed(b, t, 200 + (t - 600) / 6));
	/* 5000 to 5090, and 200 to 250, 400 and 550 */
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 90 + 350);
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
	confirm(b);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.sum, 100);
}

TEST_WITH(a_rollover_is_counted, setup, teardown)
{
	struct bench *b = *state;

	assert_true(feed(b, 0, INT64_C(9999999800)));
	assert_true(feed(b, 60, 100));
	for (int64_t t = 120; t <= 900; t += 60)
		feed(b, t, 100);
	confirm(b);
	expect(b, "life 0 from 9999999800: first\nrollover 60\n0+900 measured 300\n");
}

static bool is_plausible(const struct bench *b, int64_t at_s, int64_t value)
{
	const struct account_counter *c = account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT);
	struct account_mark mark;

	return c == NULL || !account_get_mark(&b->meter, c, &mark) ||
	       account_judge(&mark, &(struct account_when){.slot_s = T + at_s}, 0, value, false, -1) !=
		       READING_IS_UNLIKELY;
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
		.parts = parts, .moduli = {1000000000 * weight}, .step = weight, .per_hour = 360000 * weight};
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
	confirm(b);
	/* from 312499996.875 to 312500001.875 */
	expect(b, "life 0 from 312499996: first\nrollover 120\n0+900 measured 5\n");
	assert_true(feed(b, 1800, 5 * 16));
	confirm(b);
	/* to 312500005 */
	expect(b, "900+900 measured 4\n");
}

/* 36000 Wh; then 0.1 Wh a count, at first as if nothing had happened. */
TEST_WITH(a_value_in_other_parts_begins_a_new_life, setup, teardown)
{
	struct bench *b = *state;

	weigh(b, 1, 1);
	feed(b, 0, 36000);
	feed(b, 300, 36006);
	weigh(b, 1, 10);
	assert_true(feed(b, 600, 360100));
	assert_true(feed(b, 900, 360155));
	confirm(b);
	expect(b, "life 0 from 36000: first\nnew-life 600\nlife ends 300 at 36006\nlife 600 from 36010: replaced\n"
		  "0+900 estimated 11\n");
}

TEST_WITH(a_modulus_of_a_fraction_of_base_units_is_exact, setup, teardown)
{
	struct bench *b = *state;

	weigh(b, 1000, 3);
	for (int64_t i = 0; i < 4; i++)
		assert_true(feed(b, i * 900, (999999998 + i) % 1000000000 * 1000));
	confirm(b);
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
	replace(b, 300, NULL, NULL, false);
	weigh(b, 1, 2);
	feed(b, 360, 106); /* 53 */
	feed(b, 900, 109); /* 54.5 */
	confirm(b);
	expect(b, "life 0 from 31: first\nnew-life 360\nlife ends 300 at 33\nlife 360 from 53: replaced\n0+900 "
		  "estimated 3\n");
}

TEST_WITH(a_replaced_pulse_meter_takes_its_figures_in_base_units, setup, teardown)
{
	int64_t final = 33, initial = 20;
	struct bench *b = *state;

	weigh(b, 5, 16);
	feed(b, 0, 5 * 100);
	feed(b, 300, 5 * 106);
	replace(b, 300, &final, &initial, false);
	feed(b, 900, 5 * 70); /* 21.875 */
	confirm(b);
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
	confirm(b);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.sum, 70);
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
	confirm(b);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.sum, 10);
}

TEST_WITH(a_gap_is_reported_and_its_energy_is_spread, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	feed(b, 300, 1050);
	feed(b, 4500, 2450);
	confirm(b);
	expect(b, "life 0 from 1000: first\ngap 300\ngap 4500\n0+900 estimated 250\n900+900 estimated 300\n"
		  "1800+900 estimated 300\n2700+900 estimated 300\n3600+900 estimated 300\n");
}

TEST_WITH(a_gap_inside_an_interval_leaves_it_measured, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	feed(b, 600, 1100);
	feed(b, 900, 1150);
	confirm(b);
	expect(b, "life 0 from 1000: first\ngap 600\ngap 900\n0+900 measured 150\n");
}

/* Each day is right to a step at its ends, except where it is marked. */
TEST_WITH(one_reading_that_is_missing_where_an_interval_ends_makes_that_estimated, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	for (int64_t at_s = 60; at_s <= 2700; at_s += 60)
		if (at_s != 900 && at_s != 2340)
			feed(b, at_s, 1000 + at_s / 6);
	confirm(b);
	expect(b, "life 0 from 1000: first\n0+900 estimated 150\n900+900 estimated 150\n1800+900 measured 150\n");
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
	confirm(b);
	expect(b, "life 0 from 1000: first\ngap 900\n0+900 measured 90\n900+900 missing\n1800+900 missing\ngap 2700\n"
		  "900+900 estimated 90\n1800+900 estimated 90\n");
}

TEST_WITH(nothing_is_counted_between_two_lives, setup, teardown)
{
	struct bench *b = *state;
	int64_t final = 1100, initial = 7;

	feed(b, 0, 1000);
	replace(b, 450, &final, &initial, false);
	feed(b, 2700, 307);
	confirm(b);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 100 + 300);
	expect(b, "life 0 from 1000: first\nlife ends 450 at 1100\nlife 450 from 7: replaced\ngap 2700\n"
		  "0+900 estimated 160\n900+900 estimated 120\n1800+900 estimated 120\n");
}

TEST_WITH(a_replaced_meter_without_figures_leaves_its_time_missing, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	replace(b, 900, NULL, NULL, false);
	feed(b, 2700, 307);
	feed(b, 3600, 407);
	confirm(b);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 100);
	expect(b, "life 0 from 1000: first\n0+900 missing\ngap 2700\nnew-life 2700\nlife ends 900 at 1000\nlife 2700 "
		  "from 307: replaced\n"
		  "900+900 missing\n1800+900 missing\ngap 3600\n2700+900 measured 100\n");
}

TEST_WITH(a_partial_counter_is_reset_separately_from_the_total, setup, teardown)
{
	struct bench *b = *state;

	for (int i = 0; i <= 60; i++) {
		struct account_value v[2] = {
			{.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = 9000 + 10 * i},
			{.quantity = Q_ACTIVE_ENERGY_IMPORT_PARTIAL, .value = i < 2 ? 500 : 10 * i},
		};
		assert_int_equal(
			account_feed(&b->account, &b->meter, &(struct account_when){.slot_s = T + 60 * i}, v, 2), 0);
		assert_false(v[0].suspect);
		assert_int_equal(v[1].suspect, i >= 2 && account_counter(&b->meter, v[1].quantity)->given.life_s == T);
	}
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.life_s, T);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT_PARTIAL)->given.life_s, T + 120);
}

TEST_WITH(a_clock_that_steps_back_counts_nothing_twice, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 900; t += 60)
		feed(b, t, 1000 + t);
	expect(b, "life 0 from 1000: first\n");
	assert_true(feed(b, 900, 1900)); /* there already */
	assert_false(feed(b, 330, 1960));
	assert_false(feed(b, 840, 2000));
	assert_true(feed(b, 960, 2020));
	expect(b, "suspect 330: its slot is before one that was already counted\n"
		  "suspect 840: its slot is before one that was already counted\n0+900 measured 900\n");
	confirm(b);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.sum, 120);
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
	confirm(b);
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
	confirm(b);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 600);
	assert_int_equal(account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT)->given.life_s, T);
}

TEST_WITH(a_clock_far_ahead_is_believed_when_it_continues, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 1000);
	for (int64_t t = 40 * 86400; t < 40 * 86400 + 3600; t += 60)
		assert_false(feed(b, t, 2000));
	assert_true(feed(b, 40 * 86400 + 3600, 2000));
	confirm(b);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 1000);
}

TEST_WITH(a_meter_that_was_away_for_long_is_counted_when_others_were_read, setup, teardown)
{
	struct bench *b = *state;
	struct account_meter other = b->meter;

	other.id = 2;
	for (int64_t day = 0; day <= 40; day++) {
		struct account_value v = {.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = 1000 + day};

		assert_int_equal(
			account_feed(&b->account, &other, &(struct account_when){.slot_s = T + day * 86400}, &v, 1), 0);
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

	for (int64_t t = 0; t <= 960; t += 60) {
		struct account_value v = {.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = 1000 + t};

		account_feed(&b->account, &b->meter, &(struct account_when){.slot_s = T + t, .unsynchronised = true},
			     &v, 1);
	}
	expect(b, "life 0 from 1000: first\n0+900 estimated 900\n");
}

TEST_WITH(a_changed_length_cuts_the_running_interval, setup, teardown)
{
	struct bench *b = *state;

	for (int64_t t = 0; t <= 2400; t += 60)
		feed(b, t, t);
	change_length(b, 2400, 3600);
	for (int64_t t = 2460; t <= 7260; t += 60)
		feed(b, t, t);
	expect(b, "life 0 from 0: first\n0+900 measured 900\n900+900 measured 900\n1800+600 measured 600\n"
		  "2400+1200 measured 1200\n3600+3600 measured 3600\n");
}

TEST_WITH(what_passed_over_a_change_of_length_is_spread_over_the_intervals_of_both, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 2400, 0);
	b->n = 0;
	change_length(b, 3000, 3600);
	for (int64_t t = 4800; t <= 7260; t += 60)
		feed(b, t, 5000 + t / 6);
	/* 400 up to 2400 s, and 400 in the 2400 s after that */
	expect(b, "gap 4800\n1800+900 estimated 150\n2700+300 estimated 50\n3000+600 estimated 100\n"
		  "3600+3600 estimated 600\n");
}

/* The intervals that were given out before the change are those that are taken back after it. */
TEST_WITH(a_change_of_length_makes_nothing_final, setup, teardown)
{
	struct bench *b = *state;

	run(b, 0, 1200, 0);
	for (int64_t t = 1260; t <= 2400; t += 60)
		feed(b, t, 9000 + t / 6); /* too high */
	b->n = 0;
	change_length(b, 2400, 3600);
	for (int64_t t = 2460; t <= 7260; t += 60)
		feed(b, t, 5000 + t / 6);
	assert_non_null(strstr(b->said, "taken-back"));
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], 1200);
	b->n = 0;
}

/* Counters of 64 bits come from the wire as they are. The sanitizers look at the arithmetic. */
TEST_WITH(no_value_of_64_bits_overflows_anything, setup, teardown)
{
	static const int64_t values[] = {0,
					 1,
					 -1,
					 INT64_MAX,
					 INT64_MIN,
					 INT64_MAX - 1,
					 INT64_MIN + 1,
					 INT64_MAX / 2,
					 INT64_MIN / 2,
					 INT64_MAX / 8,
					 -INT64_MAX / 8,
					 INT64_MAX / 8 + 1,
					 INT64_C(10000000000)};
	enum { N = sizeof(values) / sizeof(values[0]) };
	struct bench *b = *state;

	for (int q = 0; q < Q_COUNT; q++)
		b->limits.of[q].moduli[1] = INT64_MAX;
	for (int i = 0; i < N * N * 4; i++)
		feed(b, 60 * i, values[i % 4 < 2 ? i / 4 % N : i / 4 / N]);
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

static void true_reading(struct bench *b, struct truth *t)
{
	feed(b, t->at_s, t->shown);
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
	true_reading(b, &t);
	for (int i = 0; i < 400; i++) {
		int64_t what = below(100);

		if (what < 80) {
			run_load(&t, 60);
		} else if (what < 88) { /* readings lost */
			run_load(&t, 60 * (1 + below(200)));
		} else if (what < 93 && t.shown > 500000 && t.shown < INT64_C(9990000000)) { /* one wrong value */
			run_load(&t, 60);
			feed(b, t.at_s, below(2) ? 0 : t.shown + INT64_C(1000000000));
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
		} else if (t.shown > 2000000 && t.shown < INT64_C(9990000000)) { /* reset, noticed in time */
			t.life_total = t.shown = 0;
			t.has_last = false;
			for (int k = 0; k < 40; k++) {
				run_load(&t, 60);
				true_reading(b, &t);
			}
			continue;
		} else if (below(2)) { /* another meter from now on */
			replace(b, t.at_s, NULL, NULL, false);
			t.life_total = t.shown = below(t.modulus);
			t.has_last = false;
			run_load(&t, 60);
		} else {
			continue;
		}
		true_reading(b, &t);
	}
	confirm(b);
	confirm(b);
	c = account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT] + (c->given.rest + c->given.sum) / parts, t.counted_total);
}

TEST_WITH(sums_are_exact_in_every_random_history, setup, teardown)
{
	struct bench *b = *state;
	uint64_t start = seed();

	random_state = start;
	for (int site = 0; site < 300; site++) {
		account_fini(&b->meter);
		calendar_free(&b->calendar);
		bench_init(b);
		one_site(b, (const int64_t[]){1, 3, 16}[site % 3]);
	}
}

/* Notes of each good reading, for the amount that passed along the best explanation. */
struct notes {
	int64_t at_s[4000], value[4000];
	int parent[4000];
	bool begins[4000], wraps[4000];
	int n;
};

static int find_note(const struct notes *n, int64_t slot_s)
{
	for (int i = n->n; i-- > 0;)
		if (n->at_s[i] == slot_s)
			return i;
	return -1;
}

static void take_note(struct notes *n, const struct account_counter *c, int64_t slot_s)
{
	const struct explain_node *last;

	/* no life has begun while all readings were negative */
	if (c->x.n == 0 || explain_slot_s(&c->x, c->x.n - 1) != slot_s)
		return;
	last = &c->x.nodes[c->x.n - 1];
	n->at_s[n->n] = slot_s;
	n->value[n->n] = last->raw;
	n->parent[n->n] = last->parent == EXPLAIN_NONE ? -1 : find_note(n, explain_slot_s(&c->x, last->parent));
	n->begins[n->n] = last->flags & EXPLAIN_LIFE;
	n->wraps[n->n++] = last->flags & EXPLAIN_WRAPPED;
}

static int64_t passed_in(const struct notes *n, int last, int64_t parts, int64_t modulus)
{
	int64_t sum = 0, in_life = 0;

	for (int i = last; i >= 0; i = n->parent[i]) {
		int parent = n->parent[i];

		if (parent >= 0 && !n->begins[i]) {
			in_life += n->value[i] - n->value[parent] + (n->wraps[i] ? modulus : 0);
			continue;
		}
		/* each life is rounded by itself: from the rest that its first value has */
		sum += (n->value[i] % parts + in_life) / parts;
		in_life = 0;
	}
	return sum;
}

/* Readings that are mostly nonsense: what is given out and taken back comes to what the last explanation says. */
TEST_WITH(sums_are_those_of_the_best_explanation_whatever_comes, setup, teardown)
{
	struct bench *b = *state;
	struct notes *notes = malloc(sizeof(*notes));
	uint64_t start = seed();
	unsigned n_revised = 0;

	assert_non_null(notes);
	random_state = start;
	for (int site = 0; site < 200; site++) {
		int64_t at_s = below(86400), value = 2000000 + below(2000000), foreign = below(4000000), delta = 0;
		int64_t parts = (const int64_t[]){1, 3, 16}[site % 3];
		int left = 0, what = 0;
		struct account_counter *c;

		account_fini(&b->meter);
		calendar_free(&b->calendar);
		bench_init(b);
		b->limits.of[Q_ACTIVE_ENERGY_IMPORT].parts = parts;
		b->limits.of[Q_ACTIVE_ENERGY_IMPORT].moduli[0] = 5000000;
		b->meter.every_s = 60;
		notes->n = 0;
		for (int i = 0; i < 1000; i++) {
			int64_t shown;

			at_s += 60 * (below(30) ? 1 : 1 + below(400));
			value = (value + below(100) * 10) % 5000000;
			foreign += below(100) * 10;
			if (left-- <= 0) {
				what = (int)below(8);
				left = (int)below(what == 0 ? 100 : 40);
				delta = below(2) ? below(3000) : below(1000000);
				if (what == 7)
					value = below(2) ? below(1000) : below(5000000);
			}
			shown = what == 1 ? 0 : what == 2 ? value + delta : what == 3 ? foreign : value;
			if (what == 4)
				shown = below(6000000) - 100000;
			if (what == 5 && value > delta)
				shown = value - delta;
			n_revised += strstr(b->said, "revised") != NULL;
			b->n = 0;
			b->said[0] = '\0';
			feed(b, at_s, shown);
			take_note(notes, account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT), T + at_s);
			if (below(200) == 0)
				change_length(b, at_s, 300 * (1 + below(12)));
			if (below(200) == 0)
				account_report_missing(&b->account, &b->meter, T + at_s + below(100000), 1000);
		}
		/* however unsure it was, it is no longer */
		for (int i = 0; i < 400; i++) {
			at_s += 60;
			feed(b, at_s, 7);
			take_note(notes, account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT), T + at_s);
		}
		c = account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT);
		assert_int_equal(explain_common(&c->x, c->x.given, c->x.best), c->x.given);
		assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT] + (c->given.rest + c->given.sum) / parts,
				 passed_in(notes, find_note(notes, explain_slot_s(&c->x, c->x.given)), parts, 5000000));
	}
	assert_true(n_revised > 100);
	free(notes);
}

/* The same readings again, with the account's state taken out and put back in between. */
TEST_WITH(an_account_continues_after_a_restart_without_a_difference, setup, teardown)
{
	struct bench *b = *state;
	struct bench *other = malloc(sizeof(*other));
	uint64_t start = seed();
	int64_t at_s = 0, value = 2000000;

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
			uint8_t packed[ACCOUNT_PACKED_MAX];
			size_t n_packed = account_pack(&kept, packed);
			struct account_meter fresh = other->meter;

			fresh.n_counters = 0;
			fresh.counters = NULL;
			kept = (struct account_counter){.quantity = kept.quantity,
							.parts = kept.parts,
							.living = kept.living,
							.given = {.slot_s = kept.given.slot_s,
								  .raw = kept.given.raw,
								  .life_s = kept.given.life_s}};
			account_fini(&other->meter);
			other->meter = fresh;
			assert_int_equal(account_restore(&other->account, &other->meter, &kept, packed, n_packed), 0);
		}
		assert_string_equal(b->said, other->said);
		b->n = other->n = 0;
	}
	assert_int_equal(b->total[Q_ACTIVE_ENERGY_IMPORT], other->total[Q_ACTIVE_ENERGY_IMPORT]);
	account_fini(&other->meter);
	free(other);
}

TEST_WITH(a_saved_counter_that_has_lost_its_bytes_continues_with_an_interval_that_is_not_whole, setup, teardown)
{
	struct bench *b = *state;
	const struct account_counter kept = {.quantity = Q_ACTIVE_ENERGY_IMPORT,
					     .parts = 1,
					     .living = true,
					     .given = {.slot_s = 1767225600, .raw = 1000, .life_s = 1767225600}};

	assert_int_equal(account_restore(&b->account, &b->meter, &kept, NULL, 0), 0);
	assert_int_equal(b->meter.n_counters, 1);
	assert_int_equal(b->meter.counters[0].given.open_s, 1767225600);
	assert_true(b->meter.counters[0].given.is_estimated);
}

UNIT_MAIN(NULL, NULL)
