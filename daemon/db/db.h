/* SPDX-License-Identifier: MIT */
/* db.h - one open database file, and the few calls through which everything above runs SQL on it.
 * A call that fails leaves one sentence in db->error and returns -errno, so that a caller can report both. Transactions
 * begin and end by db_begin(), db_commit() and db_rollback() only. A struct db belongs to one thread. */
#ifndef TALLY_DB_H
#define TALLY_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db_place.h"

enum {
	DB_OPEN_TIMEOUT_MS = 5000,  /* longest wait for another program's lock when a file is opened */
	DB_COMMIT_TIMEOUT_MS = 250, /* and when a commit is made */
	DB_PAGE_BYTES = 2048,	    /* small: a commit rewrites the last page of each table that it appends to */
	DB_SLOT_BITS = 14,	    /* of the id of a reading's row: its number in its slot; the slot is above it */
	DB_TABLES_MAX = 64,
	DB_TABLE_NAME_MAX = 40,
};

/* db_file.h opens and closes it. */
struct db {
	sqlite3 *handle;
	char *path;
	int claim_fd; /* of db_claim.h, -1 = none */
	bool is_overwritten;
	struct db_place place;
	char error[256]; /* about the last failure */
	bool is_begun;	 /* a transaction, by db_begin() */
	int failed;	 /* -errno of the first failure in it, or of a question since the last one; 0 = none */
	char failed_with[256];
};

/* -errno for a result code of SQLite: -ENOSPC, -EBUSY, -EROFS, -ENOMEM, -ENOTSUP (no database), -EBADMSG (damaged),
 * -EIO for everything else. */
int db_errno(int code);

/* Keep SQLite's complaint about what was attempted in db->error, with the processes that have locked the file. Returns
 * it as -errno; a limit on the size of files is -ENOSPC too. */
int db_fail(struct db *db, const char *attempt);

/* Run statements that return nothing. 0 or -errno. */
int db_exec(struct db *db, const char *sql);

/* Begin, or commit, the one transaction of this connection. BEGIN IMMEDIATE; one that a rollback could not end is ended
 * before. 0 or -errno. Where a question has failed since the last transaction, db_begin() fails once as it did: what
 * would be written follows from what was asked.
 * SQLite may end a transaction by itself when a statement fails, and what came after it would be kept at once. So after
 * any failure in a transaction, also of a question that has a fallback, nothing can be written and it cannot be
 * committed: each attempt fails as the first one did. */
int db_begin(struct db *db);
int db_commit(struct db *db);

/* End the transaction without its changes; db->error stays. SQLite may have done so already. Where it cannot be ended,
 * which takes a lack of memory, db_begin() tries again. */
void db_rollback(struct db *db);

/* Prepare one statement that is kept; printf-like. The caller finalizes it. NULL: db->error says why. */
sqlite3_stmt *db_prepare(struct db *db, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Run a bound statement that returns no rows and make it ready for the next use. 0 or -errno. */
int db_run(struct db *db, sqlite3_stmt *stmt);

/* Step a question that is read row by row. True: it has a row. False: it has no more, or it has failed, which no
 * transaction survives. */
bool db_next(struct db *db, sqlite3_stmt *question);

/* The first failure of a question since the last transaction: 0, or -errno with db->error set. */
int db_asked(struct db *db);

/* First column of the first row of a query; fallback when there is none or the query fails, which no transaction
 * survives. */
int64_t db_number(struct db *db, const char *sql, int64_t fallback);

/* The same of a bound question that is kept, which is ready for the next use then; its bindings stay. */
int64_t db_answer(struct db *db, sqlite3_stmt *question, int64_t fallback);

/* First column of the first row as text, "" when there is none or the query fails; cut at n bytes. */
void db_text(struct db *db, const char *sql, char *text, size_t n);

/* The tables of the schema, those first that others refer to: meter, quantity, the small ones by name, the intervals
 * and registers, the readings. Returns their number, at most DB_TABLES_MAX. */
size_t db_list_tables(sqlite3 *db, char tables[][DB_TABLE_NAME_MAX + 1]);

/* The columns of a table's key for ORDER BY, or rowid, each followed by direction ("" or " DESC"); cut at n bytes. */
void db_key_order(sqlite3 *db, const char *table, const char *direction, char *order, size_t n);

bool db_has_column(sqlite3 *db, const char *table, const char *column);

/* One row of table setting. Write it: 0 or -errno. Read it: "" when there is none; cut at n bytes. */
int db_put_setting(struct db *db, const char *name, const char *value);
void db_get_setting(struct db *db, const char *name, char *value, size_t n);

#endif
