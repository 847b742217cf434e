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

/* The steps after version and what says that they were made. */
static int apply_steps(struct db *db, int version, const char **failed)
{
	char mark[80];
	int r = 0;

	for (size_t i = 0; i < N_STEPS && r == 0; i++) {
		if (schema_steps[i].version <= version)
			continue;
		*failed = schema_steps[i].file;
		r = db_exec(db, schema_steps[i].sql);
	}
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d", DBFORMAT_APPLICATION_ID,
		 db_schema_version());
	return r == 0 ? db_exec(db, mark) : r;
}

/* Is there room for another file of this size, and a tenth more? */
static bool has_room(struct db *db)
{
	struct statvfs fs;
	uint64_t bytes =
		(uint64_t)db_number(db, "PRAGMA page_count", 0) * (uint64_t)db_number(db, "PRAGMA page_size", 0);

	return statvfs(db->path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize > bytes + bytes / 10;
}

/* Put a copy of the file aside before its schema is changed. The change is whole or not at all, so a disk too full for
 * the copy is told and does not keep the daemon from its work. */
static int copy_before(struct db *db, int version, struct err *e)
{
	char *copy = NULL;
	int r = 0;

	if (asprintf(&copy, "%s.before-%04d", db->path, db_schema_version()) < 0) {
		err_add(e, NULL, 0, "no memory");
		return -ENOMEM;
	}
	if (has_room(db)) {
		log_info("%s: schema %d, to be brought to %d; a copy goes to %s", db->path, version,
			 db_schema_version(), copy);
		r = db_backup(db->path, copy, e);
		db_aside_prune(db->path, "before-", DB_COPIES_KEPT);
	} else {
		log_warning("%s: schema %d is brought to %d without a copy: no room on the disk", db->path, version,
			    db_schema_version());
	}
	free(copy);
	return r;
}

int db_migrate(struct db *db, int version, struct err *e)
{
	const char *failed = "";
	int r;

	if (version == db_schema_version())
		return 0;
	r = version > 0 ? copy_before(db, version, e) : 0;
	if (r != 0)
		return r;
	r = db_exec(db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = apply_steps(db, version, &failed);
	if (r == 0)
		r = db_exec(db, "COMMIT");
	if (r != 0) {
		err_add(e, db->path, 0, "schema step %s failed, nothing was changed: %s", failed, db->error);
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}
