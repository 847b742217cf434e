/* SPDX-License-Identifier: MIT */
#include "db_place.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_folder.h"
#include "db_wal.h"
#include "dbformat.h"
#include "unit.h"

static void assert_found(struct folder *f, enum db_place_found expected, const char *text)
{
	char what[400] = "";

	assert_int_equal(db_place_look(&f->db.place, f->path, what, sizeof(what)), expected);
	if (strstr(what, text) == NULL)
		fail_msg("%s: lacks: %s", what, text);
}

TEST_WITH(files_that_nobody_touches_are_the_same, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_found(f, DB_PLACE_SAME, "");
	fill_readings(f, 1000);
	assert_found(f, DB_PLACE_SAME, "");
	folder_close(f);
	folder_open(f);
	assert_found(f, DB_PLACE_SAME, "");
}

TEST_WITH(a_database_that_was_moved_is_named, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char to[100];

	snprintf(to, sizeof(to), "%s/old.db", f->dir);
	assert_int_equal(rename(f->path, to), 0);
	assert_found(f, DB_PLACE_AWAY, "t.db was moved to ");
	assert_found(f, DB_PLACE_AWAY, "/old.db while tallyd had it open");
	close(open(f->path, O_RDWR | O_CREAT, 0640));
	assert_found(f, DB_PLACE_AWAY, "and another file is in its place");
}

TEST_WITH(a_database_that_was_removed_or_replaced_is_gone, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char copy[100];

	snprintf(copy, sizeof(copy), "%s/copy", f->dir);
	unlink(f->path);
	assert_found(f, DB_PLACE_GONE, "t.db was removed while tallyd had it open");
	close(open(copy, O_RDWR | O_CREAT, 0640));
	assert_int_equal(rename(copy, f->path), 0);
	assert_found(f, DB_PLACE_GONE, "t.db was replaced by another file while tallyd had it open");
}

TEST_WITH(the_files_beside_it_belong_to_it, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	unlink(folder_name(f, "-shm"));
	assert_found(f, DB_PLACE_AWAY, "t.db-shm was moved, removed or replaced");
	unlink(folder_name(f, "-wal"));
	assert_found(f, DB_PLACE_AWAY, "t.db-wal was moved, removed or replaced");
	close(open(folder_name(f, "-wal"), O_RDWR | O_CREAT, 0640));
	assert_found(f, DB_PLACE_AWAY, "t.db-wal was moved, removed or replaced");
}

/* Put a copy of the file from onto the database, as cp does: the same file has other bytes. */
static void copy_over(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_TRUNC);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	close(in);
	close(out);
}

/* A copy beside it, as sqlite3 makes one. */
static const char *make_copy(const struct folder *f)
{
	static char copy[100];
	char sql[200];

	snprintf(copy, sizeof(copy), "%s/copy.db", f->dir);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", copy);
	sql_run(f->path, sql);
	return copy;
}

static const char overwritten[] = "t.db was overwritten by another program, as cp does, while tallyd had it open";

TEST_WITH(a_copy_onto_the_file_is_noticed, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	const char *copy;

	fill_readings(f, 1000);
	copy = make_copy(f);
	assert_found(f, DB_PLACE_SAME, "");
	copy_over(copy, f->path);
	assert_found(f, DB_PLACE_OVERWRITTEN, overwritten);
	assert_found(f, DB_PLACE_OVERWRITTEN, overwritten);
	/* nothing is brought into it */
	assert_int_equal(db_wal_checkpoint(&f->db, SQLITE_CHECKPOINT_TRUNCATE), SQLITE_READONLY);
}

TEST_WITH(a_file_that_was_cut_to_nothing_is_noticed, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_int_equal(db_wal_checkpoint(&f->db, SQLITE_CHECKPOINT_PASSIVE), SQLITE_OK);
	assert_found(f, DB_PLACE_SAME, "");
	assert_int_equal(truncate(f->path, 0), 0);
	assert_found(f, DB_PLACE_OVERWRITTEN, overwritten);
}

TEST_WITH(an_earlier_copy_of_the_same_length_is_noticed, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char copy[100];
	int fd;

	snprintf(copy, sizeof(copy), "%s/copy.db", f->dir);
	assert_int_equal(db_exec(&f->db, "INSERT INTO setting VALUES ('a', '1')"), 0);
	assert_int_equal(db_wal_checkpoint(&f->db, SQLITE_CHECKPOINT_PASSIVE), SQLITE_OK);
	fd = open(copy, O_RDWR | O_CREAT, 0640);
	close(fd);
	copy_over(f->path, copy);
	assert_int_equal(db_exec(&f->db, "UPDATE setting SET value = '2' WHERE name = 'a'"), 0);
	assert_int_equal(db_wal_checkpoint(&f->db, SQLITE_CHECKPOINT_TRUNCATE), SQLITE_OK);
	assert_int_equal(file_size(copy), file_size(f->path));
	assert_found(f, DB_PLACE_SAME, "");
	copy_over(copy, f->path);
	assert_found(f, DB_PLACE_OVERWRITTEN, overwritten);
}

TEST_WITH(another_time_of_the_file_is_no_other_content, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	const struct timespec times[2] = {{.tv_sec = JAN_2026_S}, {.tv_sec = JAN_2026_S}};

	assert_int_equal(utimensat(AT_FDCWD, f->path, times, 0), 0);
	assert_found(f, DB_PLACE_SAME, "");
	assert_found(f, DB_PLACE_SAME, "");
}

static void commit_and_let_another_checkpoint(struct folder *f, bool truncates)
{
	assert_int_equal(db_exec(&f->db, "REPLACE INTO setting VALUES ('a', hex(randomblob(4000)))"), 0);
	sql_run(f->path, truncates ? "PRAGMA wal_checkpoint(TRUNCATE)" : "PRAGMA wal_checkpoint");
}

TEST_WITH(a_checkpoint_of_another_program_is_no_foreign_content, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 1000);
	assert_found(f, DB_PLACE_SAME, "");
	for (int i = 0; i < 3; i++) {
		commit_and_let_another_checkpoint(f, i == 1);
		assert_found(f, DB_PLACE_SAME, "");
	}
	copy_over(make_copy(f), f->path);
	assert_found(f, DB_PLACE_OVERWRITTEN, overwritten);
}

/* As tally rename does, which writes its request while the -wal file is long; then the daemon commits before it looks.
 */
TEST_WITH(a_checkpoint_of_another_program_before_a_commit_of_ours_is_no_foreign_content, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 1000);
	assert_found(f, DB_PLACE_SAME, "");
	for (int i = 0; i < 3; i++) {
		commit_and_let_another_checkpoint(f, i == 1);
		assert_int_equal(db_exec(&f->db, "REPLACE INTO setting VALUES ('b', hex(randomblob(4000)))"), 0);
		assert_found(f, DB_PLACE_SAME, "");
	}
	copy_over(make_copy(f), f->path);
	assert_found(f, DB_PLACE_OVERWRITTEN, overwritten);
}

TEST_WITH(long_commits_are_ours, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	for (int i = 0; i < 3; i++) {
		off_t before = file_size(f->path);

		/* 10 MB: more than DB_WAL_CHECKPOINT_PAGES */
		assert_int_equal(
			db_exec(&f->db, "INSERT INTO setting VALUES (hex(randomblob(8)), hex(zeroblob(5000000)))"), 0);
		assert_true(file_size(f->path) > before);
		assert_found(f, DB_PLACE_SAME, "");
	}
}

TEST_WITH(a_file_that_another_program_writes_is_known, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	int fd;

	folder_close(f);
	assert_false(db_place_is_being_written(f->path));
	fd = open(f->path, O_WRONLY);
	assert_true(db_place_is_being_written(f->path));
	close(fd);
	fd = open(f->path, O_RDONLY);
	assert_false(db_place_is_being_written(f->path));
	close(fd);
	folder_open(f);
}

/* Another process that holds a lock for reading, as anybody may who can read the file, and then sleeps. */
static pid_t start_locker(const char *name, off_t first)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = 1};
	int ready[2], fd;
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(name, O_RDONLY);
		if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 && write(ready[1], "c", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end_locker(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_WITH(the_holder_of_a_lock_is_named, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char text[120], who[40];
	pid_t locker;

	db_place_name_lockers(&f->db.place, text, sizeof(text));
	assert_string_equal(text, "");
	sqlite3_busy_timeout(f->db.handle, 0);
	/* SQLite's lock of the writer, in the -shm file */
	locker = start_locker(folder_name(f, "-shm"), 120);
	assert_int_equal(db_begin(&f->db), -EBUSY);
	snprintf(who, sizeof(who), "process %ld (test_db_place)", (long)locker);
	if (strstr(f->db.error, who) == NULL)
		fail_msg("%s: lacks: %s", f->db.error, who);
	end_locker(locker);
	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_commit(&f->db), 0);
}

TEST_WITH(the_holder_of_a_lock_is_named_at_the_start, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct db_file_report report;
	struct db db;
	char who[40];
	pid_t locker;

	folder_close(f);
	/* SQLite's lock of a writer who waits for readers to end, in the database */
	locker = start_locker(f->path, 0x40000000);
	snprintf(who, sizeof(who), "process %ld (test_db_place)", (long)locker);
	if (db_file_open(&db, f->path, true, &report, &f->e) == 0)
		db_file_close(&db);
	else if (strstr(f->e.items[0].text, who) == NULL)
		fail_msg("%s: lacks: %s", f->e.items[0].text, who);
	end_locker(locker);
	folder_open(f);
}

static bool is_signed(const char *path, int64_t byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int fd = open(path, O_RDONLY);
	bool is_signed = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	close(fd);
	return is_signed;
}

TEST_WITH(signs_are_locks_that_readers_see, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct db_place place;

	folder_close(f);
	assert_int_equal(db_place_open(&place, f->path), 0);
	assert_false(is_signed(f->path, DBFORMAT_RUNNING_BYTE));
	db_place_sign(&place, DBFORMAT_RUNNING_BYTE, true);
	db_place_sign(&place, DBFORMAT_STOPPED_BYTE, true);
	assert_true(is_signed(f->path, DBFORMAT_RUNNING_BYTE));
	assert_true(is_signed(f->path, DBFORMAT_STOPPED_BYTE));
	db_place_sign(&place, DBFORMAT_STOPPED_BYTE, false);
	assert_true(is_signed(f->path, DBFORMAT_RUNNING_BYTE));
	assert_false(is_signed(f->path, DBFORMAT_STOPPED_BYTE));
	db_place_close(&place);
	assert_false(is_signed(f->path, DBFORMAT_RUNNING_BYTE));
	folder_open(f);
}

UNIT_MAIN(NULL, NULL)
