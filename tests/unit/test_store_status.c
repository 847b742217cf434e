/* SPDX-License-Identifier: MIT */
#include "store_status.h"

#include <string.h>

#include "unit.h"

enum { PRESS, OVEN }; /* indices in the register */

static struct conf_bus buses[2] = {{.name = "hall"}, {.name = "yard"}};
static const struct conf conf = {.n_buses = 2, .buses = buses};

static int setup(void **state)
{
	static struct store_status st;

	st = (struct store_status){0};
	*state = &st;
	return store_status_configure(&st, 2, &conf);
}

static int teardown(void **state)
{
	store_status_free(*state);
	return 0;
}

TEST_WITH(a_new_state_or_mismatch_is_urgent_and_new_figures_are_not, setup, teardown)
{
	struct store_status *st = *state;

	assert_false(store_status_is_urgent(st));
	store_status_set_meter(st, PRESS, &(struct meter_status){.state = "up"});
	assert_true(store_status_is_urgent(st));
	store_status_written(st, false, 0);
	store_status_set_meter(st, PRESS, &(struct meter_status){.state = "up", .requests = 9, .faults = "3 timeout"});
	assert_false(store_status_is_urgent(st));
	store_status_set_meter(st, PRESS, &(struct meter_status){.state = "up", .mismatch = "found X, expected Y"});
	assert_true(store_status_is_urgent(st));
	store_status_written(st, false, 0);
	store_status_set_bus(st, "yard", &(struct bus_status){.state = "up"});
	assert_true(store_status_is_urgent(st));
}

TEST_WITH(figures_are_due_every_ten_seconds_at_first_and_then_every_five_minutes, setup, teardown)
{
	struct store_status *st = *state;
	const int64_t start_s = 1767225600;

	store_status_written(st, true, start_s);
	assert_false(store_status_is_due(st, start_s + 9, start_s));
	assert_true(store_status_is_due(st, start_s + 10, start_s));
	store_status_written(st, true, start_s + 599);
	assert_false(store_status_is_due(st, start_s + 898, start_s));
	assert_true(store_status_is_due(st, start_s + 899, start_s));
	/* a clock that was set back must not stop them */
	assert_true(store_status_is_due(st, start_s - 86400, start_s - 90000));
}

TEST_WITH(known_buses_and_meters_keep_their_news_when_others_are_added, setup, teardown)
{
	struct store_status *st = *state;
	struct conf_bus more[] = {{.name = "yard"}, {.name = "roof"}};
	const struct conf changed = {.n_buses = 2, .buses = more};

	store_status_set_bus(st, "yard", &(struct bus_status){.state = "up"});
	store_status_set_meter(st, OVEN, &(struct meter_status){.state = "down"});
	assert_int_equal(store_status_configure(st, 3, &changed), 0);
	assert_true(st->buses[0].is_urgent);
	assert_string_equal(st->buses[0].state, "up");
	assert_false(st->buses[1].is_urgent);
	assert_string_equal(st->meters[OVEN].state, "down");
	assert_string_equal(st->meters[2].state, "");
}

TEST_WITH(unknown_buses_and_meters_are_ignored, setup, teardown)
{
	struct store_status *st = *state;

	store_status_set_meter(st, 2, &(struct meter_status){.state = "up"});
	store_status_set_bus(st, "roof", &(struct bus_status){.state = "up"});
	assert_false(store_status_is_urgent(st));
}

UNIT_MAIN(NULL, NULL)
