/* SPDX-License-Identifier: MIT */
#include "db_repair.h"

#include <string.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

static int setup_closed(void **state)
{
	struct folder *f;
	int rc = folder_setup(state);

	f = *state;
	fill_readings(f, 1000);
	folder_close(f);
	return rc;
}

TEST_WITH(a_sound_file_is_not_repaired, setup_closed, folder_teardown)
{
	struct folder *f = *state;

	assert_false(db_repair_torn_page(f->path));
	assert_false(db_repair_header(f->path));
	assert_string_equal(folder_log(), "");
}

TEST_WITH(a_torn_page_at_the_end_is_cut_off, setup_closed, folder_teardown)
{
	struct folder *f = *state;
	off_t whole = file_size(f->path);

	assert_int_equal(truncate(f->path, whole - 700), 0);
	assert_true(db_repair_torn_page(f->path));
	assert_int_equal(file_size(f->path), whole - DB_PAGE_BYTES);
	assert_false(db_repair_torn_page(f->path));
}

TEST_WITH(a_lost_header_is_rewritten, setup_closed, folder_teardown)
{
	struct folder *f = *state;

	file_fill(f->path, 0, 100, 0xa5);
	assert_true(db_repair_header(f->path));
	assert_int_equal(sql_number(f->path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM reading_energy"), 1000);
	assert_false(db_repair_header(f->path));
}

TEST_WITH(a_header_is_not_written_before_a_page_that_is_lost_too, setup_closed, folder_teardown)
{
	struct folder *f = *state;

	file_fill(f->path, 0, 101, 0xa5);
	assert_false(db_repair_header(f->path));
}

TEST_WITH(a_file_that_is_missing_or_too_short_is_not_repaired, setup_closed, folder_teardown)
{
	struct folder *f = *state;

	assert_int_equal(truncate(f->path, 90), 0);
	assert_false(db_repair_header(f->path));
	unlink(f->path);
	assert_false(db_repair_torn_page(f->path));
	assert_false(db_repair_header(f->path));
}

UNIT_MAIN(NULL, NULL)
