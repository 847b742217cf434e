/* SPDX-License-Identifier: MIT */
#include "db_views.h"

#include <string.h>

#include "db_folder.h"
#include "unit.h"

static const char has_all[] = "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM monthly) = 0";

TEST_WITH(a_dropped_view_is_there_again_after_a_start, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	sql_run(f->path, "DROP VIEW event; DROP VIEW monthly; DROP INDEX meter_key_meter");
	folder_open(f);
	assert_int_equal(sql_number(f->path, has_all), 1);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sqlite_schema WHERE name = 'meter_key_meter'"), 1);
	assert_non_null(strstr(folder_log(), "t.db: view event was missing and is made again"));
	assert_non_null(strstr(folder_log(), "t.db: index meter_key_meter was missing and is made again"));
}

TEST_WITH(every_view_can_be_made_again, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	int64_t n = sql_number(f->path, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'");

	assert_true(n > 20);
	while (sql_number(f->path, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'") > 0) {
		char name[64], sql[100];

		db_text(&f->db, "SELECT name FROM sqlite_schema WHERE type = 'view'", name, sizeof(name));
		snprintf(sql, sizeof(sql), "DROP VIEW \"%s\"", name);
		assert_int_equal(db_exec(&f->db, sql), 0);
	}
	folder_close(f);
	folder_open(f);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sqlite_schema WHERE type = 'view'"), n);
}

TEST_WITH(a_changed_view_is_made_again_and_one_of_the_owner_stays, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	sql_run(f->path, "DROP VIEW event; CREATE VIEW event AS SELECT 7 AS x; CREATE VIEW mine AS SELECT 8 AS x");
	folder_open(f);
	assert_int_equal(sql_number(f->path, has_all), 1);
	assert_int_equal(sql_number(f->path, "SELECT x FROM mine"), 8);
	assert_non_null(strstr(folder_log(), "t.db: view event was changed and is made again"));
}

TEST_WITH(a_view_with_other_spaces_is_the_same, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char sql[4096];

	db_text(&f->db, "SELECT replace(sql, char(10), char(10) || '    ') FROM sqlite_schema WHERE name = 'event'",
		sql, sizeof(sql));
	folder_close(f);
	sql_run(f->path, "DROP VIEW event");
	sql_run(f->path, sql);
	folder_open(f);
	assert_null(strstr(folder_log(), "view event"));
	assert_int_equal(sql_number(f->path, has_all), 1);
}

/* They cost time at each start. */
TEST_WITH(views_are_compared_only_where_the_schema_has_changed, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char note[40], after[40];

	db_get_setting(&f->db, "views", note, sizeof(note));
	assert_string_not_equal(note, "");
	folder_close(f);
	sql_run(f->path, "CREATE VIEW mine AS SELECT 8 AS x");
	folder_open(f);
	db_get_setting(&f->db, "views", after, sizeof(after));
	assert_string_not_equal(after, note);
	assert_string_equal(folder_log(), "");
}

TEST_WITH(where_nothing_is_missing_nothing_is_written, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	int64_t version = sql_number(f->path, "PRAGMA schema_version");

	folder_close(f);
	folder_open(f);
	assert_int_equal(sql_number(f->path, "PRAGMA schema_version"), version);
	assert_string_equal(folder_log(), "");
}

/* The daemon works without views. */
TEST_WITH(a_table_in_the_place_of_a_view_is_reported, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	sql_run(f->path, "DROP VIEW event; DROP VIEW monthly; CREATE TABLE event (x)");
	folder_open(f);
	assert_non_null(strstr(folder_log(), "t.db: views that were dropped cannot be made again: CREATE VIEW event"));
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sqlite_schema WHERE name = 'monthly'"), 0);
	assert_int_equal(sqlite3_get_autocommit(f->db.handle), 1);
}

UNIT_MAIN(NULL, NULL)
