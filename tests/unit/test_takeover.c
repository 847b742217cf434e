/* SPDX-License-Identifier: MIT */
/* A take-over of a damaged database is cut at calls that change a file, and made up for by the next start. With
 * TALLY_CUTS=all in the environment it is cut at each of them, which takes some minutes; otherwise at those where
 * something is renamed, written down or removed, and at a few of those between, which SQLite makes in one transaction.
 */
#include "cut_writes.h"

#include <glob.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "log.h"
#include "store_site.h"
#include "unit.h"

enum {
	PAGE = 2048,
	N_SLOTS = 400,
	FILE_MAX = 1 << 20,
	REFUSED = 1,
	DUMP_MAX = 1 << 17,
	FIRST = 12, /* calls that are all cut: the intent and the renames */
	LAST = 6,   /* and these: the commit and the end of the intent */
	STRIDE = 97,
};

/* The damaged database, and what a start that nobody disturbs makes of it. */
static struct {
	char file[FILE_MAX], wal[FILE_MAX];
	size_t n_file, n_wal;
	char outcome[DUMP_MAX];
	long n_calls;
	bool is_noted; /* by a running daemon */
} damaged;

static void keep_quiet(enum log_level level, const char *line)
{
	(void)level, (void)line;
}

static size_t read_file(const struct site *t, const char *end, char *data)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s%s", t->path, end);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	n = read(fd, data, FILE_MAX);
	close(fd);
	assert_in_range(n, 0, FILE_MAX - 1);
	return (size_t)n;
}

static void write_file(const struct site *t, const char *end, const char *data, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s%s", t->path, end);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
}

/* The damaged database again, and nothing else. */
static void lay_out(const struct site *t)
{
	char pattern[128];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*", t->dir);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
	globfree(&found);
	write_file(t, "", damaged.file, damaged.n_file);
	if (damaged.n_wal > 0)
		write_file(t, "-wal", damaged.wal, damaged.n_wal);
	if (damaged.is_noted)
		write_file(t, ".damaged", "write: malformed\n", strlen("write: malformed\n"));
}

/* A process that opens the database, and ends. Returns its code. */
static int start(struct site *t, long cut_after, bool is_full)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct store *s;

		cut.is_full = is_full;
		cut.left = cut_after;
		s = store_open(&t->conf, &t->e);
		if (s == NULL)
			_exit(REFUSED);
		store_abandon(s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The rows of the database, and the names of the files without their times. */
static void describe(struct site *t, char text[DUMP_MAX])
{
	static const char *const questions[] = {
		"PRAGMA integrity_check",
		"SELECT * FROM meter",
		"SELECT * FROM reading_energy",
		"SELECT * FROM life",
		"SELECT * FROM slot",
		"SELECT name, value FROM setting",
		"SELECT subject, kind, detail FROM event_log",
	};
	char pattern[128];
	glob_t found;
	char *at;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		strncat(text, rows(t, questions[i]), DUMP_MAX - strlen(text) - 1);
		strncat(text, "\n", DUMP_MAX - strlen(text) - 1);
	}
	snprintf(pattern, sizeof(pattern), "%s/*", t->dir);
	assert_int_equal(glob(pattern, GLOB_PERIOD, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		/* a run that was killed may leave the part of an intent, which is removed with the next one */
		if (strstr(found.gl_pathv[i], ".part-") == NULL) {
			strncat(text, found.gl_pathv[i], DUMP_MAX - strlen(text) - 1);
			strncat(text, "\n", DUMP_MAX - strlen(text) - 1);
		}
	globfree(&found);
	for (at = text; (at = strstr(at, ".damaged-2")) != NULL; at++)
		memset(at + strlen(".damaged-"), '.', strlen("20260101T000000Z"));
	assert_true(strlen(text) < DUMP_MAX - 1);
}

static int setup_damaged(void **state)
{
	struct site *t;

	log_set_sink(keep_quiet);
	if (setup(state) != 0)
		return -1;
	t = *state;
	for (int i = 0; i < N_SLOTS; i++)
		hold(t, "press", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(81234000) + 10 * i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	return 0;
}

static void close_and_read(struct site *t)
{
	store_close(t->store);
	t->store = NULL;
	damaged.n_file = read_file(t, "", damaged.file);
	damaged.n_wal = read_file(t, "-wal", damaged.wal);
}

static int64_t leaf(struct site *t)
{
	return strtoll(rows(t, "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'leaf' LIMIT 1 "
			       "OFFSET 2"),
		       NULL, 10);
}

static void note_outcome(struct site *t)
{
	long *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(count != MAP_FAILED);
	lay_out(t);
	*count = 0;
	cut.count = count;
	assert_int_equal(start(t, 0, false), 0);
	cut.count = NULL;
	damaged.n_calls = *count;
	munmap(count, sizeof(*count));
	describe(t, damaged.outcome);
	assert_non_null(strstr(damaged.outcome, "database-recovered"));
	assert_null(strstr(damaged.outcome, ".damaged\n"));
}

/* The call after the n-th where a take-over is cut; after the last one 0. */
static long next_cut(long n)
{
	const char *cuts = getenv("TALLY_CUTS");

	if (n == damaged.n_calls)
		return 0;
	if ((cuts != NULL && strcmp(cuts, "all") == 0) || n < FIRST || n >= damaged.n_calls - LAST)
		return n + 1;
	return n + STRIDE < damaged.n_calls - LAST ? n + STRIDE : damaged.n_calls - LAST;
}

static void assert_made_up(struct site *t, long n, long second)
{
	static char text[DUMP_MAX];

	assert_int_equal(start(t, 0, false), 0);
	describe(t, text);
	if (strcmp(text, damaged.outcome) != 0)
		fail_msg("cut at call %ld and %ld: %s\nnot: %s", n, second, text, damaged.outcome);
}

/* The next start ends as if nothing had happened. */
static void assert_made_up_for(struct site *t, bool is_full)
{
	long n_refused = 0;

	for (long n = 1; n != 0; n = next_cut(n)) {
		int code;

		lay_out(t);
		code = start(t, n, is_full);
		assert_true(is_full ? code == 0 || code == REFUSED : code == CUT_KILLED);
		n_refused += code != 0;
		assert_made_up(t, n, 0);
	}
	print_message("cut at %ld of %ld calls\n", n_refused, damaged.n_calls);
	assert_true(n_refused > 3);
}

static void damage_a_page(struct site *t)
{
	int64_t page = leaf(t);

	close_and_read(t);
	memset(damaged.file + (page - 1) * PAGE, 0xa5, PAGE);
	note_outcome(t);
}

TEST_WITH(a_take_over_that_is_killed_is_made_up_for, setup_damaged, teardown)
{
	damage_a_page(*state);
	assert_made_up_for(*state, false);
}

TEST_WITH(a_take_over_that_is_killed_twice_is_made_up_for, setup_damaged, teardown)
{
	struct site *t = *state;

	damage_a_page(t);
	/* while the damaged file is renamed, and at places of the next start */
	for (long n = 7; n <= 11; n++) {
		lay_out(t);
		assert_int_equal(start(t, n, false), CUT_KILLED);
		start(t, 4 * n - 27, false);
		assert_made_up(t, n, 4 * n - 27);
	}
}

TEST_WITH(a_take_over_on_a_full_disk_stays_due, setup_damaged, teardown)
{
	damage_a_page(*state);
	assert_made_up_for(*state, true);
}

TEST_WITH(rows_in_the_wal_of_a_damaged_file_are_not_lost_by_a_kill, setup_damaged, teardown)
{
	struct site *t = *state;

	/* as after a power cut: the readings are in the -wal file only */
	damaged.n_file = read_file(t, "", damaged.file);
	damaged.n_wal = read_file(t, "-wal", damaged.wal);
	assert_true(damaged.n_wal > 4 * PAGE);
	store_close(t->store);
	t->store = NULL;
	damaged.is_noted = true;
	note_outcome(t);
	assert_non_null(strstr(damaged.outcome, "81237990"));
	assert_made_up_for(t, false);
	damaged.is_noted = false;
}

TEST_WITH(a_wal_that_is_none_is_put_aside_whatever_is_cut, setup_damaged, teardown)
{
	struct site *t = *state;

	close_and_read(t);
	memset(damaged.wal, 0xa5, 10000);
	damaged.n_wal = 10000;
	note_outcome(t);
	assert_non_null(strstr(damaged.outcome, "-wal was damaged and its commits are lost"));
	assert_made_up_for(t, false);
}

UNIT_MAIN(NULL, NULL)
