/* SPDX-License-Identifier: MIT */
#include "db_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_folder.h"
#include "db_migrate.h"
#include "db_takeover.h"
#include "dbformat.h"
#include "unit.h"

TEST_WITH(a_missing_file_is_created_and_claimed, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct stat st;

	assert_int_equal(f->report.state, DB_FILE_NEW);
	assert_null(f->report.aside);
	assert_int_equal(sql_number(f->path, "PRAGMA application_id"), DBFORMAT_APPLICATION_ID);
	assert_int_equal(sql_number(f->path, "PRAGMA user_version"), db_schema_version());
	assert_int_equal(sql_number(f->path, "PRAGMA page_size"), DB_PAGE_BYTES);
	assert_int_equal(sql_number(f->path, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	/* the group may read, the -wal file too */
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(stat(folder_name(f, "-wal"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

TEST_WITH(an_existing_file_is_checked_and_keeps_its_rows, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 10);
	folder_close(f);
	/* for a reader who may not write the folder */
	assert_int_equal(folder_count(f, "-wal"), 1);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_SOUND);
	assert_string_equal(f->report.damage, "");
	assert_null(f->report.aside);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM reading_energy"), 10);
}

TEST_WITH(only_a_full_sync_survives_a_power_cut, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_int_equal(db_number(&f->db, "PRAGMA synchronous", -1), 2);
	folder_close(f);
	assert_int_equal(db_file_open(&f->db, f->path, false, &f->report, &f->e), 0);
	assert_int_equal(db_number(&f->db, "PRAGMA synchronous", -1), 1);
}

TEST_WITH(a_database_that_is_being_written_is_refused, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_refuse(f, f->path, "another tallyd (process ");
	assert_int_equal(f->report.state, DB_FILE_NEW);
}

TEST_WITH(a_missing_folder_is_refused, folder_setup, folder_teardown)
{
	folder_refuse(*state, "/nowhere/at/all/t.db", "folder /nowhere/at/all: No such file or directory; create it");
}

TEST_WITH(a_folder_in_place_of_the_file_is_refused, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_refuse(f, f->dir, "Is a directory");
}

TEST_WITH(a_file_that_is_not_a_database_is_refused_and_kept, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char path[100], text[64] = "";
	FILE *notes;

	snprintf(path, sizeof(path), "%s/notes", f->dir);
	notes = fopen(path, "w");
	for (int i = 0; i < 200; i++)
		fputs("just some notes\n", notes);
	fclose(notes);
	folder_refuse(f, path, "is not an SQLite database; move it away");
	notes = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), notes));
	fclose(notes);
	assert_string_equal(text, "just some notes\n");
	assert_int_equal(file_size(path), 3200);
}

TEST_WITH(a_newer_schema_is_refused, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	sql_run(f->path, "PRAGMA user_version = 9999");
	folder_refuse(f, f->path, "has schema 9999, this tallyd supports");
}

TEST_WITH(a_database_of_another_program_is_refused, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	sql_run(f->path, "PRAGMA application_id = 7");
	folder_refuse(f, f->path, "belongs to another program");
}

/* As the store does it. */
static void end_takeover(struct folder *f)
{
	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_takeover_mark(&f->db, f->report.aside, f->report.kind, f->report.damage, 0), 0);
	assert_int_equal(db_commit(&f->db), 0);
	assert_int_equal(db_takeover_end(&f->db), 0);
}

static void assert_put_aside(struct folder *f, const char *finding)
{
	assert_int_equal(f->report.state, DB_FILE_DAMAGED);
	assert_non_null(f->report.aside);
	assert_int_equal(access(f->report.aside, F_OK), 0);
	assert_non_null(strstr(f->report.damage, finding));
	assert_non_null(strstr(f->report.damage, f->report.aside));
	assert_non_null(strstr(folder_log(), f->report.damage));
	assert_int_equal(folder_count(f, ".damaged-*Z"), 1);
	/* the open file is new, and claimed */
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM reading_energy"), 0);
	folder_refuse(f, f->path, "writes to it; stop that one");
}

TEST_WITH(a_damaged_file_is_put_aside_and_a_new_one_opened, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 1000);
	folder_close(f);
	file_fill(f->path, sql_leaf(f->path, "reading_energy", 3), DB_PAGE_BYTES, 0xa5);
	folder_open(f);
	assert_put_aside(f, "the database was damaged (");
}

TEST_WITH(the_note_of_a_running_daemon_counts_as_damage_once, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 10);
	snprintf(f->db.error, sizeof(f->db.error), "write: database disk image is malformed");
	db_file_note_damage(&f->db);
	folder_close(f);
	folder_open(f);
	assert_put_aside(f, "(write: database disk image is malformed)");
	end_takeover(f);
	folder_close(f);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_SOUND);
}

TEST_WITH(every_open_reports_a_take_over_until_it_is_ended, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 10);
	db_file_note_damage(&f->db);
	for (int i = 0; i < 3; i++) {
		folder_close(f);
		folder_open(f);
		assert_int_equal(f->report.state, DB_FILE_DAMAGED);
		assert_int_equal(folder_count(f, ".damaged-*Z"), 1);
		assert_int_equal(folder_count(f, ".damaged"), 1);
	}
	end_takeover(f);
	assert_int_equal(folder_count(f, ".damaged"), 0);
	folder_close(f);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_SOUND);
	assert_null(f->report.aside);
}

TEST_WITH(a_copy_that_a_person_puts_in_place_ends_the_take_over, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 10);
	db_file_note_damage(&f->db);
	folder_close(f);
	folder_open(f);
	fill_readings(f, 20);
	folder_close(f);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_SOUND);
	assert_null(f->report.aside);
	assert_int_equal(folder_count(f, ".damaged"), 0);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM reading_energy"), 20);
}

TEST_WITH(a_new_file_that_is_damaged_before_it_has_anything_is_made_again, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char *aside;

	fill_readings(f, 10);
	db_file_note_damage(&f->db);
	folder_close(f);
	folder_open(f);
	aside = strdup(f->report.aside);
	folder_close(f);
	file_fill(f->path, DB_PAGE_BYTES, DB_PAGE_BYTES, 0xa5);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_DAMAGED);
	assert_string_equal(f->report.aside, aside);
	assert_int_equal(sql_number(aside, "SELECT count(*) FROM reading_energy"), 10);
	free(aside);
}

TEST_WITH(a_damaged_file_that_somebody_removed_is_no_longer_due, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 10);
	db_file_note_damage(&f->db);
	folder_close(f);
	folder_open(f);
	assert_int_equal(unlink(f->report.aside), 0);
	folder_close(f);
	assert_int_equal(unlink(f->path), 0);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_NEW);
	assert_int_equal(folder_count(f, ".damaged"), 0);
	assert_non_null(strstr(folder_log(), "is gone, so nothing of it can be copied"));
}

TEST_WITH(a_copy_that_is_not_complete_yet_is_waited_for, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	off_t size;
	int fd;

	fill_readings(f, 1000);
	folder_close(f);
	size = file_size(f->path);
	fd = open(f->path, O_WRONLY);
	assert_int_equal(ftruncate(fd, size / 2), 0);
	folder_refuse(f, f->path, "another program is writing it; wait until that one has ended, then start tallyd");
	assert_int_equal(folder_count(f, ".damaged*"), 0);
	/* it has ended, and that was all of it */
	close(fd);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_DAMAGED);
}

TEST_WITH(an_empty_file_beside_its_wal_was_a_database, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	assert_int_equal(truncate(f->path, 0), 0);
	folder_open(f);
	assert_put_aside(f, "(it is empty)");
}

TEST_WITH(an_empty_file_alone_is_a_new_database, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	assert_int_equal(truncate(f->path, 0), 0);
	unlink(folder_name(f, "-wal"));
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_NEW);
	assert_int_equal(folder_count(f, ".damaged*"), 0);
}

TEST_WITH(a_file_that_is_not_a_wal_is_put_aside_alone, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	fill_readings(f, 10);
	folder_close(f);
	file_fill(folder_name(f, "-wal"), 0, 10000, 0xa5);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_SOUND);
	assert_true(f->report.is_wal_only);
	assert_non_null(strstr(f->report.damage, "t.db-wal was damaged and its commits are lost; it is kept as"));
	assert_int_equal(folder_count(f, ".damaged-*Z-wal"), 1);
	assert_int_equal(folder_count(f, ".damaged-*Z"), 0);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM reading_energy"), 10);
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 0777;
}

/* As cp makes one with a umask of 077, and a shell that has opened it. */
TEST_WITH(the_group_may_read_a_copy_that_was_put_back, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_int_equal(chmod(folder_name(f, "-wal"), 0600), 0);
	assert_int_equal(chmod(folder_name(f, "-shm"), 0600), 0);
	folder_open(f);
	assert_int_equal(mode_of(f->path), 0640);
	assert_int_equal(mode_of(folder_name(f, "-wal")), 0640);
	assert_int_equal(mode_of(folder_name(f, "-shm")), 0640);
	folder_close(f);
	/* what others may do is the owner's business */
	assert_int_equal(chmod(f->path, 0604), 0);
	folder_open(f);
	assert_int_equal(mode_of(f->path), 0644);
}

TEST_WITH(the_group_of_a_copy_becomes_ours_unless_the_folder_has_it, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	folder_close(f);
	assert_int_equal(chown(f->path, 0, 12345), 0);
	folder_open(f);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_gid, getegid());
	folder_close(f);
	assert_int_equal(chown(f->path, 0, 12345), 0);
	assert_int_equal(chown(f->dir, 0, 12345), 0);
	folder_open(f);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_gid, 12345);
}

TEST_WITH(a_database_that_is_gone_is_reported_and_its_wal_is_not_the_new_one_s, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_string_equal(f->report.away, "");
	fill_readings(f, 10);
	folder_close(f);
	unlink(f->path);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_NEW);
	assert_non_null(strstr(f->report.away, "t.db is not there any more; a new one was made"));
	assert_non_null(strstr(folder_log(), f->report.away));
	assert_int_equal(folder_count(f, ".damaged-*"), 0);
	/* what was not in the database yet cannot be used without it */
	assert_int_equal(db_exec(&f->db, "INSERT INTO setting (name, value) VALUES ('x', '1')"), 0);
	db_file_close(&f->db);
	file_fill(folder_name(f, "-wal"), file_size(folder_name(f, "-wal")), 512, 0);
	unlink(f->path);
	folder_open(f);
	assert_non_null(strstr(f->report.away, "what was beside the old one is kept as "));
	assert_int_equal(folder_count(f, ".damaged-*Z-wal"), 1);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM setting WHERE name = 'x'"), 0);
	folder_close(f);
	folder_open(f);
	assert_string_equal(f->report.away, "");
}

UNIT_MAIN(NULL, NULL)
