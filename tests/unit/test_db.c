/* SPDX-License-Identifier: MIT */
#include "db.h"

#include <errno.h>
#include <string.h>

#include "db_folder.h"
#include "unit.h"

static int refuse_rollback(void *context, int action, const char *what, const char *b, const char *c, const char *d)
{
	bool *is_refused = context;

	(void)b, (void)c, (void)d;
	return *is_refused && action == SQLITE_TRANSACTION && strcmp(what, "ROLLBACK") == 0 ? SQLITE_DENY : SQLITE_OK;
}

TEST_WITH(a_transaction_is_kept_or_taken_back, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_put_setting(&f->db, "x", "1"), 0);
	assert_int_equal(db_commit(&f->db), 0);
	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_put_setting(&f->db, "x", "2"), 0);
	db_rollback(&f->db);
	assert_int_equal(sql_number(f->path, "SELECT value FROM setting WHERE name = 'x'"), 1);
	/* SQLite ends a transaction by itself when the disk is full */
	db_rollback(&f->db);
	assert_string_equal(folder_log(), "");
}

TEST_WITH(a_transaction_that_could_not_be_taken_back_is_before_the_next_one, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	bool is_refused = true;

	sqlite3_set_authorizer(f->db.handle, refuse_rollback, &is_refused);
	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_put_setting(&f->db, "x", "2"), 0);
	snprintf(f->db.error, sizeof(f->db.error), "why");
	db_rollback(&f->db);
	assert_string_equal(f->db.error, "why");
	assert_non_null(strstr(folder_log(), "t.db: a transaction cannot be taken back: not authorized; tried again"));
	assert_int_not_equal(db_begin(&f->db), 0);
	assert_string_equal(f->db.error, "ROLLBACK: not authorized");
	is_refused = false;
	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_commit(&f->db), 0);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM setting WHERE name = 'x'"), 0);
}

/* As when SQLite has ended the transaction for lack of memory: what comes later must not be kept alone. */
TEST_WITH(a_transaction_with_a_failure_keeps_nothing, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_put_setting(&f->db, "x", "1"), 0);
	assert_int_equal(db_number(&f->db, "SELECT x FROM nowhere", 7), 7);
	assert_int_equal(db_put_setting(&f->db, "y", "1"), -EIO);
	assert_int_equal(db_commit(&f->db), -EIO);
	assert_string_equal(f->db.error, "read: no such table: nowhere");
	db_rollback(&f->db);
	assert_int_equal(sql_number(f->path, "SELECT count(*) FROM setting WHERE name IN ('x', 'y')"), 0);
}

TEST_WITH(what_follows_from_a_question_that_has_failed_is_not_written, folder_setup, folder_teardown)
{
	struct folder *f = *state;

	assert_int_equal(db_asked(&f->db), 0);
	assert_int_equal(db_number(&f->db, "SELECT x FROM nowhere", 7), 7);
	assert_int_not_equal(db_exec(&f->db, "DELETE FROM nothing"), 0);
	assert_int_equal(db_asked(&f->db), -EIO);
	assert_string_equal(f->db.error, "read: no such table: nowhere");
	assert_int_equal(db_begin(&f->db), -EIO);
	assert_string_equal(f->db.error, "read: no such table: nowhere");
	/* it is asked again */
	assert_int_equal(db_begin(&f->db), 0);
	assert_int_equal(db_put_setting(&f->db, "x", "1"), 0);
	assert_int_equal(db_commit(&f->db), 0);
}

UNIT_MAIN(NULL, NULL)
