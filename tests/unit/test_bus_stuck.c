/* SPDX-License-Identifier: MIT */
#include "../../daemon/line/bus.c"
#include "unit.h"

TEST(a_worker_that_waits_for_work_is_not_stuck)
{
	struct bus b = {.call_due_us = 0};

	assert_false(bus_is_stuck(&b));
}

TEST(a_call_within_its_bound_is_not_stuck)
{
	struct bus b = {.call_due_us = 0};

	begin_call(&b, 1000);
	assert_false(bus_is_stuck(&b));
	end_call(&b);
	assert_false(bus_is_stuck(&b));
}

TEST(a_call_far_beyond_its_bound_is_stuck_until_it_returns)
{
	struct bus b = {.call_due_us = 0};

	begin_call(&b, 1000);
	atomic_fetch_sub(&b.call_due_us, 1000000 + STUCK_US + 1000000);
	assert_true(bus_is_stuck(&b));
	end_call(&b);
	assert_false(bus_is_stuck(&b));
}

UNIT_MAIN(NULL, NULL)
