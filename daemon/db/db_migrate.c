/* SPDX-License-Identifier: MIT */
#include "db_migrate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "db_aside.h"
#include "db_backup.h"
#include "dbformat.h"
#include "log.h"
#include "pack.h"
#include "schema_gen.c"
#include "squeeze.h"

enum { N_STEPS = sizeof(schema_steps) / sizeof(schema_steps[0]) };

int db_schema_version(void)
{
	return schema_steps[N_STEPS - 1].version;
}

/* Numbers are packed, bytes are left as they are, NULL is nothing. */
static void squeezed(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct squeeze *s = calloc(1, sizeof(*s));
	uint8_t *piece = calloc(1, SQUEEZE_PIECE_MAX + PACK_MAX), *to = piece;
	uint8_t *out = malloc(SQUEEZE_ROOM(SQUEEZE_PIECE_MAX));
	bool fits = true;

	if (s == NULL || piece == NULL || out == NULL) {
		sqlite3_result_error_nomem(context);
		goto end;
	}
	for (int i = 0; i < n && fits; i++) {
		size_t n_bytes = (size_t)sqlite3_value_bytes(values[i]);

		if (sqlite3_value_type(values[i]) == SQLITE_INTEGER) {
			to = pack_put_signed(to, sqlite3_value_int64(values[i]));
		} else if (sqlite3_value_type(values[i]) == SQLITE_BLOB && n_bytes > 0) {
			fits = n_bytes <= (size_t)(piece + SQUEEZE_PIECE_MAX - to);
			memcpy(to, sqlite3_value_blob(values[i]), fits ? n_bytes : 0);
			to += fits ? n_bytes : 0;
		}
		fits &= to <= piece + SQUEEZE_PIECE_MAX;
	}
	if (fits)
		sqlite3_result_blob(context, out, (int)squeeze_put(s, piece, (size_t)(to - piece), out),
				    SQLITE_TRANSIENT);
	else
		sqlite3_result_error_toobig(context);
end:
	free(s);
	free(piece);
	free(out);
}

int db_migrate_add_functions(sqlite3 *db)
{
	return sqlite3_create_function(db, "squeezed", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, squeezed, NULL,
				       NULL);
}

/* The steps after version. *failed: the step that is being made. */
static int apply_steps(struct db *db, int version, const char **failed)
{
	int rc;

	if (db_migrate_add_functions(db->handle) != SQLITE_OK)
		return db_fail(db, "add a function");
	for (size_t i = 0; i < N_STEPS; i++) {
		if (schema_steps[i].version <= version)
			continue;
		*failed = schema_steps[i].file;
		rc = db_exec(db, schema_steps[i].sql);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int db_migrate_empty(struct db *db)
{
	const char *failed = "";

	return apply_steps(db, 0, &failed);
}

static int put_marks(struct db *db)
{
	char marks[80];

	snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d", DBFORMAT_APPLICATION_ID,
		 db_schema_version());
	return db_exec(db, marks);
}

/* Is there room for another file of this size, and a tenth more? */
static bool has_room(struct db *db)
{
	struct statvfs fs;
	uint64_t bytes =
		(uint64_t)db_number(db, "PRAGMA page_count", 0) * (uint64_t)db_number(db, "PRAGMA page_size", 0);

	return statvfs(db->path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize > bytes + bytes / 10;
}

/* Copy the file before its schema is changed. The change is whole or not at all, so a disk that is too full for the
 * copy does not keep the daemon from its work. */
static int copy_before(struct db *db, int version, struct err *e)
{
	char *copy = NULL;
	int rc;

	if (!has_room(db)) {
		log_warning("%s: upgrading schema %d to %d without a copy: not enough room on the disk", db->path,
			    version, db_schema_version());
		return 0;
	}
	if (asprintf(&copy, "%s.before-%04d", db->path, db_schema_version()) < 0) {
		err_out_of_memory(e);
		return -ENOMEM;
	}
	log_info("%s: upgrading schema %d to %d; a copy is kept as %s", db->path, version, db_schema_version(), copy);
	rc = db_backup(db->path, copy, e);
	db_aside_prune(db->path, "before-", DB_COPIES_KEPT, NULL);
	free(copy);
	return rc;
}

int db_migrate(struct db *db, int version, struct err *e)
{
	const char *failed = "";
	int rc;

	if (version == db_schema_version())
		return 0;
	if (version > 0) {
		rc = copy_before(db, version, e);
		if (rc != 0)
			return rc;
	}
	rc = db_begin(db);
	if (rc != 0)
		goto out;
	rc = apply_steps(db, version, &failed);
	if (rc != 0)
		goto out;
	rc = put_marks(db);
	if (rc != 0)
		goto out;
	rc = db_commit(db);
out:
	if (rc != 0) {
		err_add(e, db->path, 0, "schema step %s failed and nothing was changed: %s", failed, db->error);
		db_rollback(db);
	}
	return rc;
}
