/* SPDX-License-Identifier: MIT */
/* The database as programs beside the daemon see it. */
#include "reader.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbformat.h"
#include "unit.h"

enum { OURS = DBFORMAT_APPLICATION_ID, OLDEST = DBFORMAT_OLDEST_READABLE };

static const int64_t JAN_2026_S = 1767225600;

struct site {
	char dir[64], path[80], wal[88];
	sqlite3 *writer;
	struct reader *reader;
	struct err e;
};

static void write_sql(struct site *t, const char *sql)
{
	assert_int_equal(sqlite3_exec(t->writer, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* A database in WAL mode, as the daemon has it, with one view of three rows. */
static int setup(void **state)
{
	static struct site t;

	t = (struct site){.dir = "/tmp/test_reader.XXXXXX"};
	assert_non_null(mkdtemp(t.dir));
	snprintf(t.path, sizeof(t.path), "%s/tallyd.db", t.dir);
	snprintf(t.wal, sizeof(t.wal), "%s-wal", t.path);
	assert_int_equal(sqlite3_open(t.path, &t.writer), SQLITE_OK);
	write_sql(&t, "PRAGMA journal_mode = WAL");
	write_sql(&t, "CREATE TABLE v (n INTEGER, x REAL, name TEXT);"
		      "INSERT INTO v VALUES (9007199254740993, 0.5, 'press'), (2, NULL, 'pump'), (3, 1.5, NULL);"
		      "CREATE VIEW shown AS SELECT n, x, name FROM v");
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct site *t = *state;
	char command[128];

	reader_close(t->reader);
	err_fini(&t->e);
	sqlite3_close(t->writer);
	snprintf(command, sizeof(command), "rm -rf %s", t->dir);
	return system(command);
}

static void mark(struct site *t, int application_id, int version)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d", application_id, version);
	write_sql(t, sql);
}

static void open_reader(struct site *t)
{
	t->reader = reader_open(t->path, &t->e);
	assert_int_equal(t->e.n_errors, 0);
	assert_non_null(t->reader);
}

static void assert_refused(struct site *t, const char *reason)
{
	assert_null(reader_open(t->path, &t->e));
	assert_int_equal(t->e.n_errors, 1);
	if (strstr(t->e.items[0].text, reason) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", reason, t->e.items[0].text);
}

TEST_WITH(values_have_a_type_and_whole_numbers_are_exact, setup, teardown)
{
	struct site *t = *state;

	mark(t, OURS, OLDEST);
	open_reader(t);
	assert_int_equal(reader_ask(t->reader, "SELECT * FROM shown WHERE n >= ? AND name IS NOT ? ORDER BY n DESC"),
			 0);
	reader_bind_whole(t->reader, 1, 3);
	reader_bind_text(t->reader, 2, "pump");
	assert_int_equal(reader_n_columns(t->reader), 3);
	assert_string_equal(reader_column(t->reader, 2), "name");
	assert_int_equal(reader_next(t->reader), READER_ROW);
	assert_int_equal(reader_type(t->reader, 0), READER_WHOLE);
	assert_true(reader_whole(t->reader, 0) == INT64_C(9007199254740993));
	assert_int_equal(reader_type(t->reader, 1), READER_REAL);
	assert_true(reader_real(t->reader, 1) == 0.5);
	assert_int_equal(reader_type(t->reader, 2), READER_TEXT);
	assert_string_equal(reader_text(t->reader, 2), "press");
	assert_string_equal(reader_text(t->reader, 0), "9007199254740993");
	assert_int_equal(reader_next(t->reader), READER_ROW);
	assert_int_equal(reader_type(t->reader, 2), READER_NULL);
	assert_string_equal(reader_text(t->reader, 2), "");
	assert_int_equal(reader_next(t->reader), READER_END);
}

TEST_WITH(the_daemon_can_write_between_two_rows_and_the_next_statement_sees_it, setup, teardown)
{
	struct site *t = *state;

	mark(t, OURS, OLDEST);
	open_reader(t);
	assert_int_equal(reader_ask(t->reader, "SELECT n FROM shown"), 0);
	assert_int_equal(reader_next(t->reader), READER_ROW);
	write_sql(t, "INSERT INTO v VALUES (4, 4, 'new')");
	assert_int_equal(reader_ask(t->reader, "SELECT count(*) FROM shown"), 0);
	assert_int_equal(reader_next(t->reader), READER_ROW);
	assert_int_equal(reader_whole(t->reader, 0), 4);
}

TEST_WITH(a_wrong_statement_fails_with_the_reason_and_the_next_one_works, setup, teardown)
{
	struct site *t = *state;

	mark(t, OURS, OLDEST);
	open_reader(t);
	assert_string_equal(reader_error(t->reader), "");
	assert_int_not_equal(reader_ask(t->reader, "SELECT * FROM hidden"), 0);
	assert_non_null(strstr(reader_error(t->reader), "tallyd.db: no such table: hidden"));
	reader_bind_whole(t->reader, 1, 3);
	assert_int_equal(reader_next(t->reader), READER_FAILED);
	assert_int_equal(reader_ask(t->reader, "SELECT n FROM shown"), 0);
	assert_int_equal(reader_next(t->reader), READER_ROW);
}

TEST_WITH(nothing_can_be_written, setup, teardown)
{
	struct site *t = *state;

	mark(t, OURS, OLDEST);
	open_reader(t);
	assert_int_equal(reader_ask(t->reader, "DELETE FROM v"), 0);
	assert_int_equal(reader_next(t->reader), READER_FAILED);
	assert_non_null(strstr(reader_error(t->reader), "readonly"));
}

TEST_WITH(a_newer_schema_is_read_because_its_views_stay, setup, teardown)
{
	struct site *t = *state;

	mark(t, OURS, 9999);
	open_reader(t);
	assert_int_equal(reader_ask(t->reader, "SELECT n FROM shown"), 0);
	assert_int_equal(reader_next(t->reader), READER_ROW);
}

TEST_WITH(an_older_schema_is_refused_with_a_remedy, setup, teardown)
{
	struct site *t = *state;
	char reason[100];

	mark(t, OURS, OLDEST - 1);
	snprintf(reason, sizeof(reason),
		 "tallyd.db: has schema %d, and this program needs %d or newer; start the tallyd", OLDEST - 1, OLDEST);
	assert_refused(t, reason);
}

TEST_WITH(a_database_of_another_program_is_refused, setup, teardown)
{
	struct site *t = *state;

	mark(t, 1, OLDEST);
	assert_refused(t, "tallyd.db: is not a database of tallyd");
}

TEST_WITH(a_file_that_is_not_a_database_is_refused, setup, teardown)
{
	struct site *t = *state;
	FILE *f;

	snprintf(t->path, sizeof(t->path), "%s/letter.db", t->dir);
	f = fopen(t->path, "w");
	assert_non_null(f);
	for (int i = 0; i < 100; i++)
		fputs("Dear meter reader, ", f);
	fclose(f);
	assert_refused(t, "letter.db: cannot be read: file is not a database");
}

TEST_WITH(a_missing_file_is_refused_with_the_program_that_creates_it, setup, teardown)
{
	struct site *t = *state;

	snprintf(t->path, sizeof(t->path), "%s/none.db", t->dir);
	assert_refused(t, "none.db: No such file or directory; tallyd creates it when it starts");
}

/* The lock as a running daemon holds it, by another process, for a lock does not count for the process that has it. */
static pid_t start_writer(const struct site *t)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = DBFORMAT_RUNNING_BYTE, .l_len = 1};
	int pipes[2], fd;
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(t->path, O_RDWR);
		if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) != 0 || write(pipes[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	return pid;
}

TEST_WITH(a_running_daemon_is_recognised_by_its_lock, setup, teardown)
{
	struct site *t = *state;
	pid_t pid;

	mark(t, OURS, OLDEST);
	open_reader(t);
	assert_false(reader_has_writer(t->reader));
	reader_close(t->reader);
	pid = start_writer(t);
	open_reader(t);
	assert_true(reader_has_writer(t->reader));
	reader_close(t->reader);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	open_reader(t);
	assert_false(reader_has_writer(t->reader));
}

static void set_time(const char *path, int64_t s)
{
	struct timespec times[2] = {{.tv_sec = s}, {.tv_sec = s}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

TEST_WITH(the_last_write_is_that_of_the_file_or_of_its_wal, setup, teardown)
{
	struct site *t = *state;

	mark(t, OURS, OLDEST);
	open_reader(t);
	set_time(t->path, JAN_2026_S);
	set_time(t->wal, JAN_2026_S - 60);
	assert_int_equal(reader_written_s(t->reader), JAN_2026_S);
	set_time(t->wal, JAN_2026_S + 60);
	assert_int_equal(reader_written_s(t->reader), JAN_2026_S + 60);
	unlink(t->path);
	assert_int_equal(reader_written_s(t->reader), 0);
}

UNIT_MAIN(NULL, NULL)
