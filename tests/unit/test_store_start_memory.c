/* SPDX-License-Identifier: MIT */
/* A start that is refused any one of its allocations says so and changes nothing, or is as whole as any other. Every
 * allocation is too many for each run: a stride, from a place that chance chooses. */
#include <limits.h>

#include "chance.h"
#include "log.h"
#include "refuse_memory.h"
#include "store_site.h"
#include "unit.h"

enum { MINUTES = 40, STRIDE = 199 };

static char logged[4096];

static void remember(enum log_level level, const char *line)
{
	(void)level;
	strncat(logged, line, sizeof(logged) - strlen(logged) - 1);
}

static int setup_quiet(void **state)
{
	log_set_sink(remember);
	return setup(state);
}

/* Open the store, and close it as after a kill. Returns whether that succeeded; then the account is the one that was
 * left. */
static bool start(struct site *t, unsigned long at)
{
	bool has_started;

	logged[0] = '\0';
	refuse_memory(at, false);
	t->store = store_open(&t->conf, &t->e);
	has_started = t->store != NULL && store_configure(t->store, &t->conf, &t->e) == 0;
	if (!has_started) {
		store_abandon(t->store);
		t->store = NULL;
	}
	return has_started;
}

static bool says_memory(const struct site *t)
{
	for (size_t i = 0; i < t->e.n_items; i++)
		if (strstr(t->e.items[i].text, "memory") != NULL)
			return true;
	/* not even the message could be had */
	return t->e.n_items == 0 && t->e.n_errors > 0;
}

/* A start must leave all of this as it is. */
static void describe(const struct site *t, char *text, size_t n)
{
	static const char *const questions[] = {
		"SELECT count(*), max(ts) FROM energy",
		"SELECT ts, meter, base_value, quality FROM interval WHERE quantity = 'active_energy_import'",
		"SELECT meter, quantity, since_ts, reason FROM meter_life",
		"SELECT name, bus, configured FROM meter",
		"SELECT count(*) FROM suspect_reading",
		"SELECT kind, detail FROM event",
		"PRAGMA integrity_check",
	};

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		strncat(text, rows(t, questions[i]), n - strlen(text) - 1);
		strncat(text, "\n", n - strlen(text) - 1);
	}
}

TEST_WITH(a_start_survives_any_allocation_that_fails, setup_quiet, teardown)
{
	static char expected[20000], found[20000];
	struct site *t = *state;
	unsigned long n_all, n_refused = 0, n_started = 0;

	if (!CAN_REFUSE_MEMORY)
		skip();
	random_state = seed();
	hold_minutes(t, 0, MINUTES - 1);
	hold(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(100), Q_COUNT);
	store_tick(t->store, T + MINUTES * 60);
	commit_all(t);
	store_close(t->store);
	assert_true(start(t, ULONG_MAX));
	n_all = refused.n;
	refuse_memory(0, false);
	store_close(t->store);
	describe(t, expected, sizeof(expected));
	for (unsigned long at = 1 + (unsigned long)below(STRIDE); at <= n_all; at += STRIDE) {
		bool has_started = start(t, at);

		refuse_memory(0, false);
		if (!has_started && !says_memory(t))
			fail_msg("allocation %lu: %s", at, t->e.n_items > 0 ? t->e.items[0].text : "no error");
		n_refused += !has_started;
		n_started += has_started;
		err_fini(&t->e);
		store_close(t->store);
		t->store = NULL;
		describe(t, found, sizeof(found));
		if (strcmp(found, expected) != 0)
			fail_msg("allocation %lu: %s\nnot: %s\n%s", at, found, expected, logged);
	}
	print_message("%lu allocations, %lu starts refused, %lu not\n", n_all, n_refused, n_started);
	assert_true(n_refused > 10);
	open_store(t);
}

UNIT_MAIN(NULL, NULL)
