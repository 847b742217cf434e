/* SPDX-License-Identifier: MIT */
#include "db_check.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

enum { LARGE = INT32_MAX, MINUTE_US = 60000000 };

/* Damage one page of the readings while a database is open that has not noticed it. */
static int setup_damaged(void **state)
{
	struct folder *f;
	int rc = folder_setup(state);

	f = *state;
	fill_readings(f, 1000);
	folder_close(f);
	file_fill(f->path, sql_leaf(f->path, "reading_energy", 3), DB_PAGE_BYTES, 0xa5);
	f->db.path = strdup(f->path);
	assert_int_equal(sqlite3_open(f->path, &f->db.handle), SQLITE_OK);
	sqlite3_extended_result_codes(f->db.handle, 1);
	return rc;
}

TEST_WITH(a_sound_file_passes_both_checks, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char finding[100] = "";

	fill_readings(f, 1000);
	assert_true(db_check(&f->db, LARGE, 0, finding, sizeof(finding)));
	assert_true(db_check(&f->db, 0, MINUTE_US, finding, sizeof(finding)));
}

TEST_WITH(a_small_file_is_always_checked_completely, setup_damaged, folder_teardown)
{
	struct folder *f = *state;
	char finding[100] = "";

	assert_false(db_check(&f->db, LARGE, 0, finding, sizeof(finding)));
	assert_non_null(strstr(finding, "btreeInitPage() returns error code 11"));
	assert_null(strchr(finding, '\n'));
}

TEST_WITH(a_large_file_is_checked_until_the_time_is_over, setup_damaged, folder_teardown)
{
	struct folder *f = *state;
	char finding[100] = "";

	assert_false(db_check(&f->db, 0, MINUTE_US, finding, sizeof(finding)));
	assert_string_equal(finding, "table reading_energy: database disk image is malformed");
	assert_true(db_check(&f->db, 0, 0, finding, sizeof(finding)));
}

TEST(only_result_codes_about_the_file_are_damage)
{
	assert_true(db_is_damage(SQLITE_CORRUPT_INDEX));
	assert_true(db_is_damage(SQLITE_NOTADB));
	assert_true(db_is_damage(SQLITE_IOERR_SHORT_READ));
	assert_false(db_is_damage(SQLITE_BUSY));
	assert_false(db_is_damage(SQLITE_FULL));
	assert_false(db_is_damage(SQLITE_NOMEM));
	assert_false(db_is_damage(SQLITE_IOERR_WRITE));
}

TEST_WITH(a_length_or_a_wal_file_shows_that_it_was_a_database, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	const struct stat empty = {.st_size = 0}, pages = {.st_size = 3 * DB_PAGE_BYTES}, odd = {.st_size = 5000};

	assert_true(db_was_database(f->path, &empty));
	folder_close(f);
	unlink(folder_name(f, "-wal"));
	assert_false(db_was_database(f->path, &empty));
	assert_true(db_was_database(f->path, &pages));
	assert_false(db_was_database(f->path, &odd));
}

TEST_WITH(a_wal_is_recognised_by_its_first_bytes, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_int_equal(db_exec(&f->db, "CREATE TABLE x (y)"), 0);
	assert_true(file_size(folder_name(f, "-wal")) > 0);
	assert_true(db_is_wal_readable(f->path));
	folder_close(f);
	assert_true(db_is_wal_readable(f->path));
	file_fill(folder_name(f, "-wal"), 0, 4, 0x37);
	assert_false(db_is_wal_readable(f->path));
	unlink(folder_name(f, "-wal"));
	assert_true(db_is_wal_readable(f->path));
}

UNIT_MAIN(NULL, NULL)
