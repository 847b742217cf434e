/* SPDX-License-Identifier: MIT */
/* A commit that is refused any one of its allocations, or all from any one on, changes nothing, and the next one heals.
 */
#include "log.h"
#include "refuse_memory.h"
#include "status.h"
#include "store_site.h"
#include "unit.h"

enum { MINUTES = 15 };

static void keep_quiet(enum log_level level, const char *line)
{
	(void)level, (void)line;
}

static int setup_quiet(void **state)
{
	log_set_sink(keep_quiet);
	return setup(state);
}

/* Let this wait in round i: a quarter of an hour, an event, a state, and time enough for intervals that are missing. */
static void hold_round(struct site *t, int i)
{
	const struct meter_status status = {.state = i % 2 == 0 ? "up" : "down", .faults = "3 timeout"};

	hold_minutes(t, i * MINUTES, i * MINUTES + MINUTES - 1);
	hold(t, "pulses", T + i * MINUTES * 60, READING_GOOD, Q_PULSES_1, INT64_C(100) + i, Q_COUNT);
	store_event(t->store, (T + i * MINUTES * 60) * 1000, "press", "meter-down", "x");
	store_meter_status(t->store, store_meter_id(t->store, "press"), &status);
	store_meter_serial(t->store, store_meter_id(t->store, "press"), "1111");
	store_tick(t->store, T + (i + 1) * MINUTES * 60);
}

static void assert_whole(struct site *t, int n_rounds)
{
	char expected[80];

	snprintf(expected, sizeof(expected), "%d|%lld", n_rounds * MINUTES,
		 (long long)(T + (n_rounds * MINUTES - 1) * 60));
	assert_rows(t, "SELECT count(*), max(ts) FROM energy WHERE meter = 'press'", expected);
	snprintf(expected, sizeof(expected), "%d", n_rounds);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'meter-down'", expected);
	/* all but the first counter, and the interval that runs */
	snprintf(expected, sizeof(expected), "%d", (n_rounds * MINUTES - MINUTES) * 10);
	assert_rows(t,
		    "SELECT sum(base_value) FROM interval WHERE quantity = 'active_energy_import' AND meter = 'press'",
		    expected);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	assert_rows(t, "SELECT count(*) FROM meter_life WHERE meter = 'press'", "1");
	assert_rows(t, "PRAGMA integrity_check", "ok");
}

static void refuse_each(struct site *t, bool all_later)
{
	int round = 0, n_passed = 0, n_failed = 0;

	if (!CAN_REFUSE_MEMORY)
		skip();
	/* the first one prepares statements that are kept */
	hold_round(t, round++);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	for (unsigned long n = 1; n_passed < 3; n++) {
		enum store_commit outcome;
		bool is_reached;

		hold_round(t, round++);
		refuse_memory(n, all_later);
		outcome = store_commit(t->store);
		is_reached = refused.n >= n;
		refuse_memory(0, false);
		n_passed = is_reached ? 0 : n_passed + 1;
		if (outcome == STORE_WRITTEN)
			continue;
		n_failed++;
		if (outcome != STORE_FAILED || strstr(store_error(t->store), "memory") == NULL)
			fail_msg("allocation %lu: outcome %d, %s", n, (int)outcome, store_error(t->store));
		outcome = store_commit(t->store);
		if (outcome != STORE_WRITTEN)
			fail_msg("after allocation %lu: outcome %d, %s", n, (int)outcome, store_error(t->store));
	}
	print_message("%d commits, %d of them refused\n", round, n_failed);
	assert_true(n_failed > 10);
	assert_whole(t, round);
	/* and after a start */
	store_close(t->store);
	open_store(t);
	assert_whole(t, round);
}

TEST_WITH(a_commit_heals_from_any_allocation_that_fails, setup_quiet, teardown)
{
	refuse_each(*state, false);
}

TEST_WITH(a_commit_heals_from_a_lack_of_memory_that_begins_anywhere, setup_quiet, teardown)
{
	refuse_each(*state, true);
}

UNIT_MAIN(NULL, NULL)
