/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "unit.h"

static const int64_t noon_ms = INT64_C(1790000000000);

TEST(a_clock_that_runs_normally_makes_no_step)
{
	struct clock c = {.trust = CLOCK_SET};

	assert_int_equal(clock_step_ms(&c, noon_ms, 5000000), 0);
	assert_int_equal(clock_step_ms(&c, noon_ms + 10000, 15000000), 0);
	assert_int_equal(clock_step_ms(&c, noon_ms + 21900, 25000000), 0);
}

TEST(a_step_is_reported_once_with_its_direction)
{
	struct clock c = {.trust = CLOCK_SET};

	clock_step_ms(&c, noon_ms, 5000000);
	assert_int_equal(clock_step_ms(&c, noon_ms + 3601000, 6000000), 3600000);
	assert_int_equal(clock_step_ms(&c, noon_ms + 3602000, 7000000), 0);
	assert_int_equal(clock_step_ms(&c, noon_ms + 3000, 8000000), -3600000);
}

TEST(a_clock_before_the_newest_slot_is_not_good)
{
	struct clock c = {.trust = CLOCK_SET, .past_s = noon_ms / 1000};

	assert_true(clock_is_good(&c, noon_ms, false));
	assert_true(clock_is_good(&c, noon_ms - 1000, false));
	assert_false(clock_is_good(&c, noon_ms - 60000, false));
}

TEST(a_clock_that_was_never_set_is_not_good)
{
	struct clock c = {.trust = CLOCK_SET};

	assert_false(clock_is_good(&c, 3600000, true));
	assert_true(clock_is_good(&c, noon_ms, false));
}

TEST(a_computer_without_a_battery_waits_for_the_kernels_word)
{
	struct clock c = {.trust = CLOCK_KERNEL};

	assert_false(clock_is_good(&c, noon_ms, false));
	assert_true(clock_is_good(&c, noon_ms, true));
}

UNIT_MAIN(NULL, NULL)
