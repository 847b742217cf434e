/* SPDX-License-Identifier: MIT */
#include "db_backup.h"

#include <string.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

TEST_WITH(a_backup_is_a_whole_database_of_one_file, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct folder copy = *f;

	snprintf(copy.path, sizeof(copy.path), "%s/copy.db", f->dir);
	fill_readings(f, 1000);
	assert_int_equal(db_backup(f->path, copy.path, &f->e), 0);
	assert_int_equal(sql_number(copy.path, "SELECT count(*) FROM reading_energy"), 1000);
	/* the second one replaces the first */
	assert_int_equal(db_exec(&f->db, "DELETE FROM reading_energy WHERE id % 2 = 0"), 0);
	assert_int_equal(
		db_exec(&f->db, "INSERT INTO reading_energy (id, meter, delay_ms, quality) VALUES (7, 1, 0, 0)"), 0);
	assert_int_equal(db_backup(f->path, copy.path, &f->e), 0);
	assert_int_equal(sql_number(copy.path, "SELECT count(*) FROM reading_energy"), 1);
	assert_int_equal(folder_count(&copy, "*"), 1);
	assert_int_equal(sql_number(copy.path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

TEST_WITH(a_backup_does_not_replace_a_file_of_another_kind, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char path[100];
	FILE *notes;

	snprintf(path, sizeof(path), "%s/notes", f->dir);
	notes = fopen(path, "w");
	fputs("just some notes\n", notes);
	fclose(notes);
	assert_int_not_equal(db_backup(f->path, path, &f->e), 0);
	assert_non_null(strstr(f->e.items[0].text, "already exists"));
	assert_int_equal(file_size(path), 16);
	assert_int_not_equal(db_backup(f->path, "/nowhere/at/all/copy.db", &f->e), 0);
	assert_int_not_equal(db_backup("/nowhere/at/all/t.db", path, &f->e), 0);
	assert_int_equal(f->e.n_errors, 3);
}

TEST_WITH(a_backup_does_not_replace_a_database_in_use, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	struct db_file_report report;
	char path[100];
	struct db other;

	assert_int_not_equal(db_backup(f->path, f->path, &f->e), 0);
	assert_non_null(strstr(f->e.items[0].text, "is the database itself"));
	snprintf(path, sizeof(path), "%s/other.db", f->dir);
	assert_int_equal(db_file_open(&other, path, true, &report, &f->e), 0);
	assert_int_not_equal(db_backup(f->path, path, &f->e), 0);
	assert_non_null(strstr(f->e.items[1].text, "already exists"));
	db_file_close(&other);
}

UNIT_MAIN(NULL, NULL)
