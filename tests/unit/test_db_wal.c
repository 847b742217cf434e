/* SPDX-License-Identifier: MIT */
#include "db_wal.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

enum { NOT_LONG_AGO_S = DB_WAL_SELDOM_S - 1, LITTLE_HELD = DB_WAL_MEMORY_PERCENT - 1 };

/* Another process that begins to read and then sleeps. */
static pid_t start_reader(const struct folder *f)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char script[300];

		snprintf(script, sizeof(script),
			 "import sqlite3, sys, time\n"
			 "d = sqlite3.connect('%s', isolation_level=None)\n"
			 "d.execute('BEGIN')\n"
			 "d.execute('SELECT count(*) FROM meter').fetchall()\n"
			 "sys.stdout.write('r'); sys.stdout.flush()\n"
			 "time.sleep(600)\n",
			 f->path);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], STDOUT_FILENO);
		close(ready[0]);
		execlp("python3", "python3", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_reader(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void commit_some(struct folder *f)
{
	assert_int_equal(db_exec(&f->db, "INSERT INTO event_log (at_ms, subject, kind, detail) VALUES "
					 "(0, 'press', 'meter-up', hex(zeroblob(20000)))"),
			 0);
}

TEST_WITH(a_short_wal_lets_a_commit_pass, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct db_wal wal;

	db_wal_init(&wal);
	commit_some(f);
	assert_int_equal(db_wal_check(&wal, &f->db, 0, 0), DB_WAL_WRITE);
	assert_true(file_size(folder_name(f, "-wal")) > 0);
}

TEST_WITH(a_long_wal_without_a_reader_is_emptied, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct db_wal wal;

	db_wal_init(&wal);
	wal.soft_bytes = 1;
	commit_some(f);
	assert_int_equal(db_wal_check(&wal, &f->db, 0, 0), DB_WAL_WRITE);
	assert_int_equal(file_size(folder_name(f, "-wal")), 0);
	assert_string_equal(folder_log(), "");
}

TEST_WITH(a_reader_makes_commits_rare_and_then_impossible, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct db_wal wal;
	pid_t reader;
	char who[40];

	db_wal_init(&wal);
	wal.soft_bytes = 1;
	commit_some(f);
	reader = start_reader(f);
	commit_some(f);
	assert_int_equal(db_wal_check(&wal, &f->db, LITTLE_HELD, NOT_LONG_AGO_S), DB_WAL_LATER);
	snprintf(who, sizeof(who), "process %ld (python3)", (long)reader);
	assert_non_null(strstr(f->db.error, who));
	assert_non_null(strstr(folder_log(), who));
	/* a commit passes when memory fills, or after a long time */
	assert_int_equal(db_wal_check(&wal, &f->db, DB_WAL_MEMORY_PERCENT, NOT_LONG_AGO_S), DB_WAL_WRITE);
	assert_int_equal(db_wal_check(&wal, &f->db, LITTLE_HELD, DB_WAL_SELDOM_S), DB_WAL_WRITE);
	/* neither helps when the file is too long */
	wal.hard_bytes = 2;
	assert_int_equal(db_wal_check(&wal, &f->db, 100, 2 * DB_WAL_SELDOM_S), DB_WAL_MUST_NOT);
	assert_non_null(strstr(f->db.error, who));
	/* reported once */
	assert_null(strstr(strstr(folder_log(), who) + 1, who));
	end_reader(reader);
	assert_int_equal(db_wal_check(&wal, &f->db, LITTLE_HELD, 0), DB_WAL_WRITE);
	assert_int_equal(file_size(folder_name(f, "-wal")), 0);
	assert_non_null(strstr(folder_log(), "its -wal file is short again"));
}

UNIT_MAIN(NULL, NULL)
