/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"

static const int64_t noon_ms = INT64_C(1790000000000);

static void clock_that_runs_on_is_not_stepped(void **state)
{
	struct clock c = {.trust = CLOCK_SET};

	(void)state;
	assert_int_equal(clock_step_ms(&c, noon_ms, 5000000), 0);
	assert_int_equal(clock_step_ms(&c, noon_ms + 10000, 15000000), 0);
	assert_int_equal(clock_step_ms(&c, noon_ms + 21900, 25000000), 0);
}

static void steps_are_told_once_with_their_direction(void **state)
{
	struct clock c = {.trust = CLOCK_SET};

	(void)state;
	clock_step_ms(&c, noon_ms, 5000000);
	assert_int_equal(clock_step_ms(&c, noon_ms + 3601000, 6000000), 3600000);
	assert_int_equal(clock_step_ms(&c, noon_ms + 3602000, 7000000), 0);
	assert_int_equal(clock_step_ms(&c, noon_ms + 3000, 8000000), -3600000);
}

static void clock_before_the_newest_slot_is_not_good(void **state)
{
	struct clock c = {.trust = CLOCK_SET, .past_s = noon_ms / 1000};

	(void)state;
	assert_true(clock_is_good(&c, noon_ms, false));
	assert_true(clock_is_good(&c, noon_ms - 1000, false));
	assert_false(clock_is_good(&c, noon_ms - 60000, false));
}

static void clock_that_was_never_set_is_not_good(void **state)
{
	struct clock c = {.trust = CLOCK_SET};

	(void)state;
	assert_false(clock_is_good(&c, 3600000, true));
	assert_true(clock_is_good(&c, noon_ms, false));
}

static void box_without_a_battery_waits_for_the_kernels_word(void **state)
{
	struct clock c = {.trust = CLOCK_KERNEL};

	(void)state;
	assert_false(clock_is_good(&c, noon_ms, false));
	assert_true(clock_is_good(&c, noon_ms, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_that_runs_on_is_not_stepped),
		cmocka_unit_test(steps_are_told_once_with_their_direction),
		cmocka_unit_test(clock_before_the_newest_slot_is_not_good),
		cmocka_unit_test(clock_that_was_never_set_is_not_good),
		cmocka_unit_test(box_without_a_battery_waits_for_the_kernels_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
