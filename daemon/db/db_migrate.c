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
#include "schema_gen.c"

enum { N_STEPS = sizeof(schema_steps) / sizeof(schema_steps[0]) };

int db_schema_version(void)
{
	return schema_steps[N_STEPS - 1].version;
}

/* The steps after version. *failed: the step that is being made. */
static int apply_steps(struct db *db, int version, const char **failed)
{
	int rc;

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
		err_add(e, NULL, 0, "out of memory");
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
