/* SPDX-License-Identifier: MIT */
#include "db_aside.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

static void make_file(const struct folder *f, const char *suffix)
{
	int fd = open(folder_name(f, suffix), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

TEST_WITH(only_the_newest_damaged_files_are_kept, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char *aside;

	make_file(f, ".damaged-20200101T000000Z");
	make_file(f, ".damaged-20200102T000000Z");
	make_file(f, ".damaged-20200102T000000Z-wal");
	make_file(f, ".damaged-20200103T000000Z");
	make_file(f, ".damaged-20200103T000000Z-wal");
	folder_close(f);
	aside = db_aside_damaged(f->path, false, &f->e);
	assert_non_null(aside);
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(folder_count(f, ".damaged-*Z"), 2);
	assert_int_equal(folder_count(f, ".damaged-20200103*"), 2);
	/* the -wal file goes with the file it belongs to */
	assert_int_equal(folder_count(f, ".damaged-20200102*"), 0);
	free(aside);
}

TEST_WITH(the_wal_alone_can_be_put_aside, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char *aside;

	folder_close(f);
	aside = db_aside_damaged(f->path, true, &f->e);
	assert_non_null(aside);
	assert_int_equal(access(f->path, F_OK), 0);
	assert_int_equal(access(folder_name(f, "-wal"), F_OK), -1);
	assert_int_equal(folder_count(f, ".damaged-*Z-wal"), 1);
	free(aside);
}

TEST_WITH(a_file_that_cannot_be_renamed_is_reported, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char path[100];

	/* a folder where a file is expected */
	snprintf(path, sizeof(path), "%s/t.db/x", f->dir);
	assert_null(db_aside_damaged(path, false, &f->e));
	assert_non_null(strstr(f->e.items[0].text, "Not a directory; move it away"));
}

TEST_WITH(pruning_keeps_other_kinds_and_other_files, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	make_file(f, ".before-0003");
	make_file(f, ".before-0004");
	make_file(f, ".before-0005");
	make_file(f, ".damaged-20200101T000000Z");
	make_file(f, "x.before-0001");
	db_aside_prune(f->path, "before-", 1);
	assert_int_equal(folder_count(f, ".before-*"), 1);
	assert_int_equal(folder_count(f, ".before-0005"), 1);
	assert_int_equal(folder_count(f, ".damaged-*"), 1);
	assert_int_equal(folder_count(f, "x.before-*"), 1);
	assert_non_null(strstr(folder_log(), ".before-0003: removed"));
}

UNIT_MAIN(NULL, NULL)
