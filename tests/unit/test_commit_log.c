/* SPDX-License-Identifier: MIT */
#include "commit_log.h"

#include "log.h"
#include "store_site.h"
#include "unit.h"

static char lines[4096];

static void remember(enum log_level level, const char *line)
{
	(void)level;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 1);
	strncat(lines, "\n", sizeof(lines) - strlen(lines) - 1);
}

static int setup_log(void **state)
{
	int rc = setup(state);

	log_set_level(LOG_LEVEL_DEBUG);
	log_set_sink(remember);
	lines[0] = '\0';
	return rc;
}

/* The log lines for these outcomes, with 20 waiting readings and 7 ms for each commit. */
static void assert_lines(struct site *t, const enum store_commit *outcomes, size_t n, const char *expected)
{
	struct commit_log log = {0};

	for (size_t i = 0; i < n; i++)
		commit_log_outcome(&log, t->store, outcomes[i], 20, 7);
	assert_string_equal(lines, expected);
	lines[0] = '\0';
}

#define ASSERT_LINES(t, expected, ...)                                                                                 \
	assert_lines(t, (const enum store_commit[]){__VA_ARGS__},                                                      \
		     sizeof((const enum store_commit[]){__VA_ARGS__}) / sizeof(enum store_commit), expected)

TEST_WITH(a_postponed_commit_reports_no_success, setup_log, teardown)
{
	ASSERT_LINES(*state, "", STORE_POSTPONED, STORE_NOTHING);
	ASSERT_LINES(*state, "database: 20 readings committed in 7 ms\n", STORE_POSTPONED, STORE_WRITTEN);
}

TEST_WITH(the_recovery_is_reported_only_after_a_commit, setup_log, teardown)
{
	static const char failing[] = "database: ; 0 readings wait in memory\n";

	ASSERT_LINES(*state, failing, STORE_FAILED, STORE_POSTPONED, STORE_NOTHING, STORE_FAILED);
	ASSERT_LINES(*state,
		     "database: ; 0 readings wait in memory\n"
		     "database: 20 readings committed in 7 ms\n"
		     "database: writing again\n"
		     "database: 20 readings committed in 7 ms\n",
		     STORE_FAILED, STORE_POSTPONED, STORE_WRITTEN, STORE_WRITTEN);
}

/* The same with a store: another program locks the database, then a reader keeps the -wal file long. */
TEST_WITH(a_reader_after_a_lock_is_not_a_recovery, setup_log, teardown)
{
	struct site *t = *state;
	struct commit_log log = {0};
	struct store_bounds bounds = store_bounds_default();
	sqlite3 *other;

	assert_int_equal(sqlite3_open(t->path, &other), SQLITE_OK);
	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	hold(t, "press", T + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(2), Q_COUNT);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	commit_log_outcome(&log, t->store, store_commit(t->store), 1, 7);
	assert_true(log.is_failing);
	assert_non_null(strstr(lines, "1 readings wait in memory"));
	assert_int_equal(sqlite3_exec(other, "COMMIT; BEGIN; SELECT count(*) FROM energy", NULL, NULL, NULL),
			 SQLITE_OK);
	bounds.wal_soft_bytes = 1;
	store_set_bounds(t->store, &bounds);
	lines[0] = '\0';
	commit_log_outcome(&log, t->store, store_commit(t->store), 1, 7);
	assert_true(log.is_failing);
	assert_null(strstr(lines, "writing again"));
	assert_null(strstr(lines, "committed"));
	sqlite3_close(other);
	commit_log_outcome(&log, t->store, store_commit(t->store), 1, 7);
	assert_false(log.is_failing);
	assert_non_null(strstr(lines, "database: 1 readings committed in 7 ms\n"));
	assert_non_null(strstr(lines, "database: writing again\n"));
}

UNIT_MAIN(NULL, NULL)
