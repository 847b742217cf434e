/* SPDX-License-Identifier: MIT */
/* A meter delivers no more between two readings than its highest power gives in that time, however wrong it is. */
#include <time.h>

#include "account.h"
#include "unit.h"

static const int64_t T = 1767225600;

enum { QUARTER = 900 };

/* 57.6 kW at most: with a quarter more, 20 Wh pass in a second, and twice a step of 10 Wh is 20 Wh. */
struct bench {
	struct calendar calendar;
	struct account account;
	struct account_limits limits;
	struct account_meter meter;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	calendar_zone("UTC");
	calendar_init(&b->calendar, QUARTER);
	b->account = (struct account){.calendar = &b->calendar};
	b->limits.of[Q_ACTIVE_ENERGY_IMPORT] = (struct account_limit){.step = 10, .per_hour = 57600};
	b->meter = (struct account_meter){.id = 1, .limits = &b->limits, .every_s = 60};
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	account_fini(&b->meter);
	account_clock_free(&b->account.clock);
	free(b);
	return 0;
}

/* Whether a value is good that was read so long after slot T + at_s. */
static bool feed_when(struct bench *b, int64_t at_s, int64_t delay_ms, bool unsynchronised, int64_t value)
{
	struct account_when when = {.slot_s = T + at_s, .delay_ms = delay_ms, .unsynchronised = unsynchronised};
	struct account_value v = {.quantity = Q_ACTIVE_ENERGY_IMPORT, .value = value};

	assert_int_equal(account_feed(&b->account, &b->meter, &when, &v, 1), 0);
	return !v.suspect;
}

static bool feed(struct bench *b, int64_t at_s, int64_t value)
{
	return feed_when(b, at_s, 0, false, value);
}

TEST_WITH(rise_is_what_the_rating_gives_in_the_time_and_two_seconds_and_two_steps, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	assert_true(feed(b, 60, 5000 + 20 * 62 + 20));
}

TEST_WITH(more_is_false, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	assert_false(feed(b, 60, 5000 + 20 * 62 + 21));
}

TEST_WITH(the_two_seconds_and_two_steps_are_there_once_for_any_number_of_readings, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	assert_true(feed(b, 60, 5000 + 20 * 62 + 20));
	assert_true(feed(b, 120, 5000 + 20 * 122 + 20));
	assert_false(feed(b, 180, 5000 + 20 * 182 + 21));
	assert_true(feed(b, 240, 5000 + 20 * 242 + 20));
}

TEST_WITH(a_steady_lie_cannot_pass_by_rising_a_little_too_fast, setup, teardown)
{
	struct bench *b = *state;
	int64_t at_s = 0, raw = 5000;

	feed(b, 0, raw);
	/* 1 % more than can be, which two readings do not show */
	while (feed(b, at_s += 60, raw += 1212))
		assert_true(raw <= 5000 + 20 * (at_s + 2) + 20);
	assert_true(raw > 5000 + 20 * (at_s + 2) + 20);
}

TEST_WITH(time_is_when_a_reading_was_read_and_not_its_slot, setup, teardown)
{
	struct bench *b = *state;

	feed_when(b, 0, 10000, false, 5000);
	assert_false(feed_when(b, 60, 10500, false, 5000 + 20 * 62 + 31)); /* 60.5 s later */
	assert_true(feed_when(b, 120, 40000, false, 5000 + 20 * 152 + 20));
	assert_false(feed(b, 180, 5000 + 20 * 152 + 20 + 20 * 20 + 1)); /* 20 s later */
}

TEST_WITH(time_that_ran_twice_has_passed, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	/* at 0:00:30 the clock is set back by 20 s */
	assert_true(account_clock_add(&b->account.clock, 1000 * T + 30000, 20000) > 0);
	assert_true(feed(b, 60, 5000 + 20 * 82 + 20));
	assert_false(feed(b, 120, 5000 + 20 * 142 + 21)); /* once */
}

TEST_WITH(time_that_ran_twice_before_a_reading_is_not_there_after_it, setup, teardown)
{
	struct bench *b = *state;

	assert_true(account_clock_add(&b->account.clock, 1000 * T - 30000, 20000) > 0);
	feed(b, 0, 5000);
	assert_false(feed(b, 60, 5000 + 20 * 62 + 21));
}

TEST_WITH(clock_that_is_not_known_to_be_right_may_be_wrong_by_the_time_since_it_was, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	assert_true(feed_when(b, 300, 0, true, 5000 + 20 * 602 + 20));
	assert_false(feed_when(b, 360, 0, true, 5000 + 20 * 722 + 21));
}

TEST_WITH(readings_of_a_clock_that_is_right_are_judged_as_if_it_had_always_been, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	feed_when(b, 300, 0, true, 6000);
	assert_false(feed(b, 600, 5000 + 20 * 602 + 21));
	assert_true(feed(b, 660, 5000 + 20 * 662 + 20));
}

TEST_WITH(reading_after_one_of_an_unsure_time_may_be_later_than_it_looks, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	/* its clock may have been 300 s ahead */
	assert_true(feed_when(b, 300, 0, true, 5010));
	assert_true(feed(b, 360, 5000 + 20 * 362 + 20));
}

TEST_WITH(what_can_have_passed_is_in_the_reason, setup, teardown)
{
	struct bench *b = *state;
	struct explain_limit l = {.step = 10, .per_hour = 57600};
	struct explain_good good = {.raw = 5000, .time_ms = 1000 * T};
	struct explain_reading next = {.time_ms = 1000 * T + 60000};

	(void)b;
	assert_int_equal(explain_most(&l, &good, &next), 20 * 62 + 20);
	good.over = 20 * 102; /* two steps above its line */
	assert_int_equal(explain_most(&l, &good, &next), 20 * 62);
}

/* Random readings, each judged by the one before it that was good, against the rule for all pairs. */
struct known {
	int64_t time_ms, unsure_ms, raw;
};

/* The rule allows so much more between two readings than their rise, in Wh x 50; the leak is one in a millisecond. */
static int64_t room_of(const struct known *a, const struct known *b)
{
	return b->time_ms + b->unsure_ms - (a->time_ms - a->unsure_ms) + 2000 + 50 * 20 - 50 * (b->raw - a->raw);
}

TEST(the_rule_holds_for_all_pairs_of_random_readings_and_refuses_no_others)
{
	struct explain_limit l = {.step = 10, .per_hour = 57600};
	unsigned random = (unsigned)time(NULL);
	struct known good[200];

	print_message("seed %u\n", random);
	for (int series = 0; series < 200; series++) {
		struct explain_good last = {.raw = 100000, .time_ms = 1000 * T};
		size_t n = 1;

		good[0] = (struct known){.time_ms = last.time_ms, .raw = last.raw};
		while (n < 200) {
			bool is_unsure = rand_r(&random) % 8 == 0;
			struct known k = {.time_ms = good[n - 1].time_ms + rand_r(&random) % 100000,
					  .unsure_ms = is_unsure ? rand_r(&random) % 300000 : 0};
			struct explain_reading r = {.time_ms = k.time_ms, .unsure_ms = k.unsure_ms};
			int64_t least = INT64_MAX, amount;
			int32_t over;

			r.raw = k.raw = last.raw + (k.time_ms - last.time_ms) / 50 + rand_r(&random) % 200 - 100;
			if (k.raw < last.raw)
				r.raw = k.raw = last.raw;
			for (size_t i = 0; i < n; i++)
				least = room_of(&good[i], &k) < least ? room_of(&good[i], &k) : least;
			if (explain_judge(&l, &last, &r, &amount, &over) != EXPLAIN_RISES) {
				/* what is rounded is less than a Wh in all of them */
				assert_true(least < 50);
				continue;
			}
			assert_true(least >= 0);
			last = (struct explain_good){.raw = r.raw, .time_ms = r.time_ms, .over = over};
			good[n++] = k;
		}
	}
}

/* How a value that is read at T + at_s agrees with what was counted. */
static enum reading_doubt judge(struct bench *b, int64_t at_s, int64_t value, int64_t power_w)
{
	struct account_when when = {.slot_s = T + at_s};
	struct account_mark mark;

	assert_true(account_get_mark(&b->meter, account_counter(&b->meter, Q_ACTIVE_ENERGY_IMPORT), &mark));
	return account_judge(&mark, &when, 0, value, false, power_w < 0 ? -1 : 1000 * power_w);
}

TEST_WITH(rise_of_more_than_four_times_the_highest_rate_of_a_day_leaps, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	feed(b, 60, 5110); /* 100 Wh and a step in a minute */
	feed(b, 120, 5120);
	assert_int_equal(judge(b, 180, 5120 + 400, -1), READING_FOLLOWS);
	assert_int_equal(judge(b, 180, 5120 + 430, -1), READING_LEAPS);
	assert_int_equal(judge(b, 180, 5120 + 1261, -1), READING_IS_UNLIKELY);
}

TEST_WITH(rise_of_four_steps_never_leaps, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	feed(b, 900, 5020);
	assert_int_equal(judge(b, 901, 5060, 0), READING_FOLLOWS);
	assert_int_equal(judge(b, 901, 5061, 0), READING_LEAPS);
}

TEST_WITH(rise_of_more_than_twice_the_highest_power_leaps, setup, teardown)
{
	struct bench *b = *state;

	feed(b, 0, 5000);
	feed(b, 60, 5700);
	/* 6 kW twice give 207 Wh in 62 s, and a step may be of before */
	assert_int_equal(judge(b, 120, 5700 + 216, 6000), READING_FOLLOWS);
	assert_int_equal(judge(b, 120, 5700 + 217, 6000), READING_LEAPS);
	assert_int_equal(judge(b, 120, 5700 + 217, -1), READING_FOLLOWS);
}

TEST(a_clock_that_was_never_set_back_adds_nothing)
{
	struct account_clock c = {.n = 0};

	assert_int_equal(account_clock_back_ms(&c, 1000 * T), 0);
}

TEST(times_that_a_clock_was_set_back_by_add_up)
{
	struct account_clock c = {.n = 0};

	assert_int_equal(account_clock_add(&c, 5000, 1000), 5000);
	assert_int_equal(account_clock_add(&c, 9000, 300), 9000);
	assert_int_equal(account_clock_back_ms(&c, 5000), 0);
	assert_int_equal(account_clock_back_ms(&c, 5001), 1000);
	assert_int_equal(account_clock_back_ms(&c, 9000), 1000);
	assert_int_equal(account_clock_back_ms(&c, 9001), 1300);
	account_clock_free(&c);
}

TEST(what_the_clock_showed_is_the_time_without_what_it_was_set_back_by)
{
	struct account_clock c = {.n = 0};

	assert_int_equal(account_clock_shown_ms(&c, 5000), 5000);
	account_clock_add(&c, 5000, 1000);
	account_clock_add(&c, 9000, 300);
	assert_int_equal(account_clock_shown_ms(&c, 5000), 5000);
	assert_int_equal(account_clock_shown_ms(&c, 6001), 5001);
	assert_int_equal(account_clock_shown_ms(&c, 10000), 9000);
	assert_int_equal(account_clock_shown_ms(&c, 10301), 9001);
	account_clock_free(&c);
}

TEST(a_clock_that_is_set_back_again_while_a_time_runs_twice_changes_nothing_before)
{
	struct account_clock c = {.n = 0};

	account_clock_add(&c, 9000, 4000);
	assert_int_equal(account_clock_add(&c, 6000, 2000), 9001);
	assert_int_equal(account_clock_back_ms(&c, 9000), 0);
	assert_int_equal(account_clock_back_ms(&c, 9002), 6000);
	account_clock_free(&c);
}

TEST(a_clock_that_was_years_ahead_hides_no_later_setting_back)
{
	struct account_clock c = {.n = 0};

	account_clock_add(&c, INT64_C(2082758400000), INT64_C(315532800000));
	assert_int_equal(account_clock_add(&c, 1000 * T, 2000), 1000 * T);
	assert_int_equal(account_clock_back_ms(&c, 1000 * T + 1), 2000);
	assert_int_equal(account_clock_back_ms(&c, INT64_C(2082758400001)), INT64_C(315532802000));
	account_clock_free(&c);
}

UNIT_MAIN(NULL, NULL)
