/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "log.h"
#include "schema_gen.c"

enum { N_STEPS = sizeof(schema_steps) / sizeof(schema_steps[0]) };

int store_schema_version(void)
{
	return schema_steps[N_STEPS - 1].version;
}

/* The steps after version and what says that they were made. */
static int apply_steps(struct store *s, int version, const char **failed)
{
	char mark[80];
	int r = 0;

	for (size_t i = 0; i < N_STEPS && r == 0; i++) {
		if (schema_steps[i].version <= version)
			continue;
		*failed = schema_steps[i].file;
		r = store_exec(s, schema_steps[i].sql);
	}
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID,
		 store_schema_version());
	return r == 0 ? store_exec(s, mark) : r;
}

/* Is there room for another file of this size, and a tenth more? */
static bool has_room(struct store *s)
{
	struct statvfs fs;
	uint64_t bytes =
		(uint64_t)store_number(s, "PRAGMA page_count", 0) * (uint64_t)store_number(s, "PRAGMA page_size", 0);

	return statvfs(s->path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize > bytes + bytes / 10;
}

/* Put a copy of the file aside before its schema is changed. The change is whole or not at all, so a disk too full for
 * the copy is told and does not keep the daemon from its work. */
static int copy_before(struct store *s, int version, struct err *e)
{
	char *copy = NULL;
	int r = 0;

	if (asprintf(&copy, "%s.before-%04d", s->path, store_schema_version()) < 0) {
		err_add(e, NULL, 0, "no memory");
		return -ENOMEM;
	}
	if (has_room(s)) {
		log_info("%s: schema %d, to be brought to %d; a copy goes to %s", s->path, version,
			 store_schema_version(), copy);
		r = store_backup(s->path, copy, e);
		store_aside_prune(s->path, "before-", STORE_COPIES_KEPT);
	} else {
		log_warning("%s: schema %d is brought to %d without a copy: no room on the disk", s->path, version,
			    store_schema_version());
	}
	free(copy);
	return r;
}

int store_migrate(struct store *s, int version, struct err *e)
{
	const char *failed = "";
	int r;

	if (version == store_schema_version())
		return 0;
	r = version > 0 ? copy_before(s, version, e) : 0;
	if (r != 0)
		return r;
	r = store_exec(s, "BEGIN IMMEDIATE");
	if (r == 0)
		r = apply_steps(s, version, &failed);
	if (r == 0)
		r = store_exec(s, "COMMIT");
	if (r != 0) {
		err_add(e, s->path, 0, "schema step %s failed, nothing was changed: %s", failed, s->error);
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}
