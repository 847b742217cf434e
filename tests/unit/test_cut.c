/* SPDX-License-Identifier: MIT */

#include "chance.h"
#include "cut.h"
#include "unit.h"

/* The register is read, pulses are counted three of which are a Wh, or a life begins or ends. */
#define READ(at, wh)                                                                                                   \
	{                                                                                                              \
		.at_s = (at), .value = (wh), .parts = 1                                                                \
	}
#define PULSES(at, n)                                                                                                  \
	{                                                                                                              \
		.at_s = (at), .value = (n), .parts = 3                                                                 \
	}
#define BEGINS(at, wh)                                                                                                 \
	{                                                                                                              \
		.at_s = (at), .value = (wh), .parts = 1, .begins = true                                                \
	}
#define ENDS(at, wh)                                                                                                   \
	{                                                                                                              \
		.at_s = (at), .value = (wh), .parts = 1, .ends = true                                                  \
	}

static bool is_estimated;

/* The share at at_s of an interval from 0 to 900 s in which amount was counted. */
static int64_t share(int64_t amount, struct cut_point *points, size_t n, int64_t at_s)
{
	const struct cut c = {.from_s = 0, .until_s = 900, .amount = amount, .n = n, .points = points};

	return cut_share(&c, at_s, &is_estimated);
}

TEST(at_a_reading_the_share_is_what_has_passed_since_the_start)
{
	struct cut_point points[] = {READ(0, 5000), READ(60, 5010), READ(120, 5040), READ(900, 5200)};

	assert_int_equal(share(200, points, 4, 0), 0);
	assert_int_equal(share(200, points, 4, 60), 10);
	assert_int_equal(share(200, points, 4, 120), 40);
	assert_int_equal(share(200, points, 4, 900), 200);
	assert_false(is_estimated);
}

TEST(between_two_readings_it_is_interpolated_and_rounded_down)
{
	struct cut_point points[] = {READ(-30, 5000), READ(30, 5007), READ(870, 5100), READ(930, 5109)};

	/* 5003 at 0 s and 5104 at 900 s; 5005 at 20 s; 5007 + 93 * 100 / 840 at 130 s */
	assert_int_equal(share(101, points, 4, 20), 2);
	assert_int_equal(share(101, points, 4, 130), 15);
	assert_int_equal(share(101, points, 4, 899), 101);
	assert_false(is_estimated);
}

TEST(without_readings_the_share_is_that_of_the_time_and_estimated)
{
	struct cut_point points[] = {READ(700, 5090), READ(900, 5100)};

	assert_int_equal(share(100, NULL, 0, 450), 50);
	assert_true(is_estimated);
	/* those that are left still say what they say */
	assert_int_equal(share(100, points, 2, 350), 45);
	assert_true(is_estimated);
	assert_int_equal(share(100, points, 2, 800), 95);
	assert_false(is_estimated);
}

TEST(of_nothing_every_share_is_nothing_and_known)
{
	assert_int_equal(share(0, NULL, 0, 450), 0);
	assert_false(is_estimated);
}

TEST(a_gap_at_the_end_shares_what_is_left)
{
	struct cut_point points[] = {READ(0, 5000), READ(60, 5090)};

	assert_int_equal(share(100, points, 2, 30), 45);
	assert_false(is_estimated);
	assert_int_equal(share(100, points, 2, 480), 95);
	assert_true(is_estimated);
}

/* The old meter ends at 300 s with 5050; the new one begins at 600 s with 7. */
TEST(between_two_lives_nothing_passes)
{
	struct cut_point points[] = {READ(0, 5000),  READ(240, 5040), ENDS(300, 5050),
				     BEGINS(600, 7), READ(660, 17),   READ(900, 57)};

	assert_int_equal(share(100, points, 6, 270), 45);
	assert_int_equal(share(100, points, 6, 300), 50);
	assert_int_equal(share(100, points, 6, 450), 50);
	assert_int_equal(share(100, points, 6, 600), 50);
	assert_int_equal(share(100, points, 6, 660), 60);
	assert_false(is_estimated);
}

TEST(before_the_first_life_and_after_the_last_one_nothing_passes)
{
	struct cut_point points[] = {BEGINS(300, 7), READ(360, 17), ENDS(420, 20)};

	assert_int_equal(share(13, points, 3, 200), 0);
	assert_int_equal(share(13, points, 3, 330), 5);
	assert_int_equal(share(13, points, 3, 500), 13);
	assert_false(is_estimated);
}

/* It turns over from 9990 at 300 s to 20 at 360 s. */
TEST(a_turn_over_has_what_the_others_leave_over)
{
	struct cut_point points[] = {READ(0, 9900), READ(300, 9990), READ(360, 20), READ(900, 60)};

	assert_int_equal(share(160, points, 4, 300), 90);
	assert_int_equal(share(160, points, 4, 330), 105);
	assert_int_equal(share(160, points, 4, 360), 120);
	assert_int_equal(share(160, points, 4, 630), 140);
	assert_false(is_estimated);
}

TEST(a_register_that_steps_back_a_little_takes_nothing_back)
{
	struct cut_point points[] = {READ(0, 5000), READ(300, 5010), READ(360, 5008), READ(420, 5012), READ(900, 5100)};

	assert_int_equal(share(100, points, 5, 300), 10);
	assert_int_equal(share(100, points, 5, 360), 10);
	assert_int_equal(share(100, points, 5, 420), 12);
}

TEST(fractions_of_a_base_unit_add_up)
{
	struct cut_point points[] = {PULSES(0, 301), PULSES(300, 306), PULSES(900, 315)};

	/* 100 Wh, 102 and 105; 101 at 150 s */
	assert_int_equal(share(5, points, 3, 150), 1);
	assert_int_equal(share(5, points, 3, 300), 2);
	assert_int_equal(share(5, points, 3, 900), 5);
}

/* Whatever the points are: right ones, a part of them, others, nonsense. */
TEST(shares_rise_from_nothing_to_the_whole)
{
	uint64_t start = seed();

	random_state = start;
	for (int round = 0; round < 20000; round++) {
		struct cut_point points[12] = {{0}};
		int64_t at_s = -below(200), value = below(1000), last = 0, parts = 1 + below(3);
		size_t n = (size_t)below(13);
		int64_t amount = below(3) == 0 ? 0 : below(500);

		for (size_t i = 0; i < n; i++) {
			points[i] = (struct cut_point){.at_s = at_s, .value = value, .parts = parts};
			points[i].begins = below(8) == 0;
			points[i].ends = below(8) == 0;
			at_s += below(200);
			value = below(8) == 0 ? below(2000) : value + below(60);
		}
		assert_int_equal(share(amount, points, n, 0), 0);
		assert_int_equal(share(amount, points, n, 900), amount);
		for (int64_t t = 0; t <= 900; t += 1 + below(50)) {
			int64_t here = share(amount, points, n, t);

			assert_in_range(here, last, amount);
			last = here;
		}
	}
}

/* From readings at random times an interval is cut at each of its readings: the shares are the differences. */
TEST(right_readings_give_the_difference_of_the_registers)
{
	uint64_t start = seed();

	random_state = start;
	for (int round = 0; round < 5000; round++) {
		struct cut_point points[40];
		int64_t at_s = -1 - below(60), value = below(100000), at_0 = 0, at_900 = 0;
		size_t n = 0;

		while (n == 0 || points[n - 1].at_s < 900) {
			points[n++] = (struct cut_point){.at_s = at_s, .value = value, .parts = 1};
			at_s += 30 + below(60);
			value += below(1000);
		}
		for (size_t i = 1; i < n; i++) {
			const struct cut_point *a = &points[i - 1], *b = &points[i];

			if (a->at_s <= 0 && b->at_s > 0)
				at_0 = a->value + (b->value - a->value) * -a->at_s / (b->at_s - a->at_s);
			if (a->at_s < 900 && b->at_s >= 900)
				at_900 = a->value + (b->value - a->value) * (900 - a->at_s) / (b->at_s - a->at_s);
		}
		for (size_t i = 0; i < n; i++)
			if (points[i].at_s >= 0 && points[i].at_s <= 900) {
				assert_int_equal(share(at_900 - at_0, points, n, points[i].at_s),
						 points[i].value - at_0);
				assert_false(is_estimated);
			}
	}
}

UNIT_MAIN(NULL, NULL)
