/* SPDX-License-Identifier: MIT */
#include "db_migrate.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

/* A database as the first step of the schema made it. */
static int setup_oldest(void **state)
{
	static char step[1 << 16];
	struct folder *f;
	int rc = folder_setup(state);
	FILE *file = fopen(SOURCE_DIR "/schema/0001-initial.sql", "r");
	size_t n;

	f = *state;
	folder_close(f);
	unlink(f->path);
	unlink(folder_name(f, "-wal"));
	unlink(folder_name(f, "-shm"));
	assert_non_null(file);
	n = fread(step, 1, sizeof(step) - 1, file);
	fclose(file);
	step[n] = '\0';
	close(open(f->path, O_RDWR | O_CREAT, 0640));
	sql_run(f->path, step);
	sql_run(f->path, "PRAGMA application_id = 1952541817; PRAGMA user_version = 1;"
			 "INSERT INTO bus VALUES ('hall', 'rtu', 1)");
	return rc;
}

static const char *copy_name(const struct folder *f)
{
	char suffix[20];

	snprintf(suffix, sizeof(suffix), ".before-%04d", db_schema_version());
	return folder_name(f, suffix);
}

TEST_WITH(an_old_schema_is_migrated_after_a_copy, setup_oldest, folder_teardown)
{
	struct folder *f = *state;

	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_SOUND);
	assert_int_equal(sql_number(f->path, "PRAGMA user_version"), db_schema_version());
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM bus"), 1);
	assert_int_equal(sql_number(copy_name(f), "PRAGMA user_version"), 1);
	assert_int_equal(sql_number(copy_name(f), "SELECT count(*) FROM bus"), 1);
}

TEST_WITH(a_step_that_fails_does_not_change_the_schema, setup_oldest, folder_teardown)
{
	struct folder *f = *state;

	/* 0002 makes a table of this name */
	sql_run(f->path, "CREATE TABLE life (x)");
	folder_refuse(f, f->path, "schema step 0002-account.sql failed and nothing was changed: ");
	assert_int_equal(sql_number(f->path, "PRAGMA user_version"), 1);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM sqlite_schema WHERE name = 'suspect'"), 0);
}

TEST_WITH(the_newest_schema_needs_no_copy, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	folder_close(f);
	folder_open(f);
	assert_int_equal(folder_count(f, ".before-*"), 0);
}

UNIT_MAIN(NULL, NULL)
