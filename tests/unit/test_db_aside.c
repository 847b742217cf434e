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

TEST_WITH(only_the_newest_copies_and_a_needed_one_are_kept, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	make_file(f, ".damaged-20200101T000000Z");
	make_file(f, ".damaged-20200102T000000Z");
	make_file(f, ".damaged-20200102T000000Z-wal");
	make_file(f, ".damaged-20200103T000000Z");
	make_file(f, ".damaged-20200103T000000Z-wal");
	make_file(f, ".damaged-20200104T000000Z");
	db_aside_prune(f->path, "damaged-", 2, folder_name(f, ".damaged-20200101T000000Z"));
	assert_int_equal(folder_count(f, ".damaged-*Z"), 3);
	assert_int_equal(folder_count(f, ".damaged-20200103*"), 2);
	/* the -wal file goes with the file it belongs to */
	assert_int_equal(folder_count(f, ".damaged-20200102*"), 0);
}

TEST_WITH(pruning_keeps_other_kinds_and_other_files, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	make_file(f, ".before-0003");
	make_file(f, ".before-0004");
	make_file(f, ".before-0005");
	make_file(f, ".damaged-20200101T000000Z");
	make_file(f, "x.before-0001");
	db_aside_prune(f->path, "before-", 1, NULL);
	assert_int_equal(folder_count(f, ".before-*"), 1);
	assert_int_equal(folder_count(f, ".before-0005"), 1);
	assert_int_equal(folder_count(f, ".damaged-*"), 1);
	assert_int_equal(folder_count(f, "x.before-*"), 1);
	assert_non_null(strstr(folder_log(), ".before-0003: removed"));
}

UNIT_MAIN(NULL, NULL)
