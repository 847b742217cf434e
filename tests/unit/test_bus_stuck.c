/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../daemon/line/bus.c"

static void worker_that_waits_for_work_is_not_stuck(void **state)
{
	struct bus b = {.call_due_us = 0};

	(void)state;
	assert_false(bus_is_stuck(&b));
}

static void call_within_its_bound_is_not_stuck(void **state)
{
	struct bus b = {.call_due_us = 0};

	(void)state;
	begin_call(&b, 1000);
	assert_false(bus_is_stuck(&b));
	end_call(&b);
	assert_false(bus_is_stuck(&b));
}

static void call_far_beyond_its_bound_is_stuck_until_it_returns(void **state)
{
	struct bus b = {.call_due_us = 0};

	(void)state;
	begin_call(&b, 1000);
	atomic_fetch_sub(&b.call_due_us, 1000000 + STUCK_US + 1000000);
	assert_true(bus_is_stuck(&b));
	end_call(&b);
	assert_false(bus_is_stuck(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_that_waits_for_work_is_not_stuck),
		cmocka_unit_test(call_within_its_bound_is_not_stuck),
		cmocka_unit_test(call_far_beyond_its_bound_is_stuck_until_it_returns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
