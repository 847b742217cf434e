/* SPDX-License-Identifier: MIT */
#include "db_views.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "db.h"
#include "db_migrate.h"
#include "log.h"

/* SQL: a text without what may be between words: earlier programs left the indentation in the schema. */
#define WITHOUT_SPACES(text) "replace(replace(replace(" text ", ' ', ''), char(9), ''), char(10), '')"

/* Run a statement about one view or index; its name is quoted. */
static int change(struct db *db, const char *fmt, const char *type, const char *name)
{
	char *sql = sqlite3_mprintf(fmt, type, name);
	int rc = -ENOMEM;

	if (sql != NULL)
		rc = db_exec(db, sql);
	else
		snprintf(db->error, sizeof(db->error), "%s %s: out of memory", type, name);
	sqlite3_free(sql);
	return rc;
}

/* Make one again. *any: a transaction has begun. */
static int restore(struct db *db, const char *type, const char *name, const char *sql, bool is_there, bool *any)
{
	int rc = *any ? 0 : db_begin(db);

	if (rc != 0)
		return rc;
	*any = true;
	if (is_there)
		rc = change(db, "DROP %s \"%w\"", type, name);
	if (rc == 0)
		rc = db_exec(db, sql);
	if (rc == 0)
		log_warning("%s: %s %s %s and is made again", db->path, type, name,
			    is_there ? "was changed" : "was missing");
	return rc;
}

/* Go through what the schema has. get: the same of db, by type and name. */
static int compare(struct db *db, sqlite3_stmt *all, sqlite3_stmt *get, bool *any)
{
	int code = SQLITE_ROW, rc = 0;

	while (rc == 0 && (code = sqlite3_step(all)) == SQLITE_ROW) {
		const char *type = (const char *)sqlite3_column_text(all, 0);
		const char *name = (const char *)sqlite3_column_text(all, 1);
		const char *sql = (const char *)sqlite3_column_text(all, 2);
		bool is_there, is_same;

		sqlite3_bind_text(get, 1, type, -1, SQLITE_STATIC);
		sqlite3_bind_text(get, 2, name, -1, SQLITE_STATIC);
		sqlite3_bind_text(get, 3, sql, -1, SQLITE_STATIC);
		code = sqlite3_step(get);
		is_there = code == SQLITE_ROW;
		is_same = is_there && sqlite3_column_int(get, 0) != 0;
		if (code != SQLITE_ROW && code != SQLITE_DONE)
			rc = db_fail(db, "read the schema");
		sqlite3_reset(get);
		if (rc == 0 && !is_same)
			rc = restore(db, type, name, sql, is_there, any);
	}
	if (rc == 0 && code != SQLITE_DONE) {
		snprintf(db->error, sizeof(db->error), "out of memory");
		rc = -ENOMEM;
	}
	return rc;
}

/* The schema of this program, and how often that of the file has changed. */
static void format_note(struct db *db, char *note, size_t n)
{
	snprintf(note, n, "%d %lld", db_schema_version(), (long long)db_number(db, "PRAGMA schema_version", -1));
}

void db_views_note(struct db *db)
{
	char note[40];

	format_note(db, note, sizeof(note));
	/* where that fails the next start compares again */
	(void)db_put_setting(db, "views", note);
}

static bool is_known_good(struct db *db)
{
	char note[40], expected[40];

	format_note(db, expected, sizeof(expected));
	db_get_setting(db, "views", note, sizeof(note));
	return strcmp(note, expected) == 0;
}

void db_views_restore(struct db *db)
{
	struct db schema = {.path = (char[]){":memory:"}, .claim_fd = -1, .place = DB_PLACE_NONE};
	sqlite3_stmt *all = NULL, *get = NULL;
	const char *error = schema.error;
	bool any = false;
	int rc;

	if (is_known_good(db))
		return;
	rc = sqlite3_open(schema.path, &schema.handle) == SQLITE_OK ? db_migrate_empty(&schema) : -ENOMEM;
	if (rc != 0)
		goto out;
	all = db_prepare(&schema, "SELECT type, name, sql FROM sqlite_schema "
				  "WHERE type IN ('view', 'index') AND sql IS NOT NULL ORDER BY rowid");
	rc = -EIO;
	if (all == NULL)
		goto out;
	error = db->error;
	get = db_prepare(db, "SELECT " WITHOUT_SPACES("sql") " = " WITHOUT_SPACES(
				     "?3") " FROM sqlite_schema WHERE type = ?1 AND name = ?2");
	if (get == NULL)
		goto out;
	rc = compare(db, all, get, &any);
	if (rc == 0 && any)
		rc = db_commit(db);
out:
	sqlite3_finalize(get);
	sqlite3_finalize(all);
	if (rc != 0 && any)
		db_rollback(db);
	if (rc == 0)
		db_views_note(db);
	else
		log_warning("%s: views that were dropped cannot be made again: %s", db->path, error);
	sqlite3_close(schema.handle);
}
