/* SPDX-License-Identifier: MIT */
#include "db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "log.h"

int db_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOTADB:
		return -ENOTSUP;
	case SQLITE_CORRUPT:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void note_failure(struct db *db, int rc)
{
	if (db->failed == 0) {
		db->failed = rc;
		memcpy(db->failed_with, db->error, sizeof(db->failed_with));
	}
}

/* The first failure in a transaction is that of the transaction. */
static int keep_failure(struct db *db, int rc)
{
	if (db->is_begun)
		note_failure(db, rc);
	return rc;
}

/* May nothing be written any more? Then db->error says why. */
static bool has_failed(struct db *db)
{
	if (!db->is_begun || db->failed == 0)
		return false;
	memcpy(db->error, db->failed_with, sizeof(db->error));
	return true;
}

/* Has a file reached the limit on the size of files of this process? SQLite takes that for a broken disk, and what it
 * keeps of errno by then says nothing. */
static bool is_as_long_as_allowed(const struct db *db)
{
	static const char *const parts[] = {"", "-wal"};
	char name[4096];
	struct rlimit limit;
	struct stat st;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", db->path, parts[i]);
		if (stat(name, &st) == 0 && (rlim_t)st.st_size + 2 * DB_PAGE_BYTES > limit.rlim_cur)
			return true;
	}
	return false;
}

int db_fail(struct db *db, const char *attempt)
{
	char lockers[120] = "";
	int code = SQLITE_NOMEM, system = 0;
	const char *message = "out of memory";

	if (db->handle != NULL) {
		code = sqlite3_errcode(db->handle);
		message = sqlite3_errmsg(db->handle);
		system = sqlite3_system_errno(db->handle);
	}
	if ((code & 0xff) == SQLITE_IOERR && is_as_long_as_allowed(db)) {
		code = SQLITE_FULL;
		message = "no file may be longer here (limit on the size of files)";
	}
	if ((code & 0xff) == SQLITE_BUSY)
		db_place_name_lockers(&db->place, lockers, sizeof(lockers));
	snprintf(db->error, sizeof(db->error), "%s: %s%s%s%s%s", attempt, message, lockers[0] != '\0' ? " by " : "",
		 lockers, system != 0 ? ", " : "", system != 0 ? strerror(system) : "");
	return keep_failure(db, db_errno(code));
}

int db_exec(struct db *db, const char *sql)
{
	const char *line = sql;
	char attempt[40];

	if (has_failed(db))
		return db->failed;
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	/* a file of the schema begins with comments */
	while (strncmp(line, "--", 2) == 0 && strchr(line, '\n') != NULL)
		line = strchr(line, '\n') + 1;
	snprintf(attempt, sizeof(attempt), "%.*s", (int)strcspn(line, "\n"), line);
	return db_fail(db, attempt);
}

int db_begin(struct db *db)
{
	int rc = db_asked(db);

	db->is_begun = false;
	db->failed = 0;
	if (rc != 0)
		return rc;
	rc = sqlite3_get_autocommit(db->handle) == 0 ? db_exec(db, "ROLLBACK") : 0;
	if (rc == 0)
		rc = db_exec(db, "BEGIN IMMEDIATE");
	db->is_begun = rc == 0;
	/* not a failure of what comes next */
	db->failed = 0;
	return rc;
}

int db_commit(struct db *db)
{
	int rc = db_exec(db, "COMMIT");

	if (rc == 0)
		db->is_begun = false;
	return rc;
}

void db_rollback(struct db *db)
{
	db->is_begun = false;
	db->failed = 0;
	if (sqlite3_get_autocommit(db->handle) == 0 &&
	    sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		log_warning("%s: a transaction cannot be taken back: %s; tried again before the next one", db->path,
			    sqlite3_errmsg(db->handle));
}

sqlite3_stmt *db_prepare(struct db *db, const char *fmt, ...)
{
	sqlite3_stmt *stmt = NULL;
	char *sql = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&sql, fmt, ap) < 0)
		sql = NULL;
	va_end(ap);
	if (sql == NULL) {
		snprintf(db->error, sizeof(db->error), "prepare: out of memory");
		keep_failure(db, -ENOMEM);
	} else if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
		db_fail(db, "prepare");
	}
	free(sql);
	return stmt;
}

int db_run(struct db *db, sqlite3_stmt *stmt)
{
	int rc = 0;

	if (has_failed(db))
		rc = db->failed;
	else if (sqlite3_step(stmt) != SQLITE_DONE)
		rc = db_fail(db, "write");
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

/* The transaction that runs, or the next one, would write what follows from the answer. */
static void fail_question(struct db *db)
{
	note_failure(db, db_fail(db, "read"));
}

bool db_next(struct db *db, sqlite3_stmt *question)
{
	int code = sqlite3_step(question);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		fail_question(db);
	return code == SQLITE_ROW;
}

int db_asked(struct db *db)
{
	if (db->failed != 0)
		memcpy(db->error, db->failed_with, sizeof(db->error));
	return db->failed;
}

/* The statement that asks for one value, at its first row. NULL: there is none, or it has failed. */
static sqlite3_stmt *ask(struct db *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		return stmt;
	if (code != SQLITE_DONE)
		fail_question(db);
	sqlite3_finalize(stmt);
	return NULL;
}

int64_t db_number(struct db *db, const char *sql, int64_t fallback)
{
	sqlite3_stmt *stmt = ask(db, sql);
	int64_t n = stmt != NULL ? sqlite3_column_int64(stmt, 0) : fallback;

	sqlite3_finalize(stmt);
	return n;
}

int64_t db_answer(struct db *db, sqlite3_stmt *question, int64_t fallback)
{
	int64_t n = db_next(db, question) ? sqlite3_column_int64(question, 0) : fallback;

	sqlite3_reset(question);
	return n;
}

void db_text(struct db *db, const char *sql, char *text, size_t n)
{
	sqlite3_stmt *stmt = ask(db, sql);
	const char *value = NULL;

	text[0] = '\0';
	if (stmt != NULL && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
		value = (const char *)sqlite3_column_text(stmt, 0);
		if (value == NULL)
			fail_question(db);
	}
	if (value != NULL)
		snprintf(text, n, "%s", value);
	sqlite3_finalize(stmt);
}

size_t db_list_tables(sqlite3 *db, char tables[][DB_TABLE_NAME_MAX + 1])
{
	sqlite3_stmt *get = NULL;
	size_t n = 0;
	int code = sqlite3_prepare_v2(
		db,
		"SELECT name FROM sqlite_schema WHERE type = 'table' "
		"AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIKE 'reading\\_%' "
		"ESCAPE '\\', name LIKE 'kept\\_%' ESCAPE '\\', name <> 'meter', name <> 'quantity', name",
		-1, &get, NULL);

	while (code == SQLITE_OK && n < DB_TABLES_MAX && sqlite3_step(get) == SQLITE_ROW)
		snprintf(tables[n++], DB_TABLE_NAME_MAX + 1, "%s", (const char *)sqlite3_column_text(get, 0));
	sqlite3_finalize(get);
	return n;
}

void db_key_order(sqlite3 *db, const char *table, const char *direction, char *order, size_t n)
{
	sqlite3_stmt *get = NULL;
	size_t length = 0;

	order[0] = '\0';
	if (sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", -1, &get, NULL) ==
	    SQLITE_OK) {
		sqlite3_bind_text(get, 1, table, -1, SQLITE_STATIC);
		while (sqlite3_step(get) == SQLITE_ROW && length < n)
			length += (size_t)snprintf(order + length, n - length, "%s\"%s\"%s", length ? ", " : "",
						   (const char *)sqlite3_column_text(get, 0), direction);
	}
	sqlite3_finalize(get);
	if (length == 0)
		snprintf(order, n, "rowid%s", direction);
}

bool db_has_column(sqlite3 *db, const char *table, const char *column)
{
	sqlite3_stmt *get = NULL;
	bool has = false;

	if (sqlite3_prepare_v2(db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", -1, &get, NULL) == SQLITE_OK) {
		sqlite3_bind_text(get, 1, table, -1, SQLITE_STATIC);
		sqlite3_bind_text(get, 2, column, -1, SQLITE_STATIC);
		has = sqlite3_step(get) == SQLITE_ROW;
	}
	sqlite3_finalize(get);
	return has;
}

int db_put_setting(struct db *db, const char *name, const char *value)
{
	sqlite3_stmt *put = db_prepare(db, "REPLACE INTO setting (name, value) VALUES ('%s', ?)", name);
	int rc;

	if (put == NULL)
		return -EIO;
	sqlite3_bind_text(put, 1, value, -1, SQLITE_STATIC);
	rc = db_run(db, put);
	sqlite3_finalize(put);
	return rc;
}

void db_get_setting(struct db *db, const char *name, char *value, size_t n)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT value FROM setting WHERE name = '%s'", name);
	db_text(db, sql, value, n);
}
