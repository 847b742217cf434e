/* SPDX-License-Identifier: MIT */
#include "db_wal.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "log.h"

void db_wal_init(struct db_wal *wal)
{
	*wal = (struct db_wal){
		.soft_bytes = DB_WAL_SOFT_BYTES, .hard_bytes = DB_WAL_HARD_BYTES, .seldom_s = DB_WAL_SELDOM_S};
}

void db_wal_set_limits(struct db_wal *wal, int64_t soft_bytes, int64_t hard_bytes, int64_t seldom_s)
{
	wal->soft_bytes = soft_bytes;
	wal->hard_bytes = hard_bytes;
	wal->seldom_s = seldom_s;
}

int db_wal_checkpoint(struct db *db, int mode)
{
	char what[400];
	int code;

	if (db_place_look(&db->place, db->path, what, sizeof(what)) == DB_PLACE_OVERWRITTEN)
		return SQLITE_READONLY;
	code = sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, NULL, NULL);
	db_place_note_checkpoint(&db->place, db->path);
	return code;
}

static int on_commit(void *context, sqlite3 *handle, const char *name, int n_pages)
{
	struct db *db = context;

	(void)handle, (void)name;
	db_place_note_commit(&db->place, db->path);
	if (n_pages >= DB_WAL_CHECKPOINT_PAGES)
		(void)db_wal_checkpoint(db, SQLITE_CHECKPOINT_PASSIVE);
	return SQLITE_OK;
}

void db_wal_bound(struct db *db)
{
	sqlite3_wal_hook(db->handle, on_commit, db);
}

static int64_t wal_bytes(const struct db *db)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", db->path);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

/* Copy all of the -wal into the database and make it empty. Not possible while somebody reads from it. */
static bool shorten_wal(struct db *db)
{
	int code;

	/* a commit must not wait for a reader */
	sqlite3_busy_timeout(db->handle, 0);
	code = db_wal_checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE);
	sqlite3_busy_timeout(db->handle, DB_COMMIT_TIMEOUT_MS);
	return code == SQLITE_OK;
}

static void report_long_wal(struct db_wal *wal, struct db *db, int64_t bytes)
{
	char readers[200] = "";

	db_place_name_readers(&db->place, readers, sizeof(readers));
	snprintf(db->error, sizeof(db->error), "its -wal file has %" PRId64 " MB because a reader does not end%s%s",
		 bytes >> 20, readers[0] != '\0' ? ": " : "", readers);
	if (!wal->is_reported)
		log_warning("%s: %s; writing less often until it does", db->path, db->error);
	wal->is_reported = true;
}

enum db_wal_verdict db_wal_check(struct db_wal *wal, struct db *db, unsigned memory_percent, int64_t since_commit_s)
{
	int64_t bytes = wal_bytes(db);

	if (bytes < wal->soft_bytes || shorten_wal(db)) {
		if (wal->is_reported)
			log_info("%s: its -wal file is short again", db->path);
		wal->is_reported = false;
		return DB_WAL_WRITE;
	}
	report_long_wal(wal, db, bytes);
	if (bytes >= wal->hard_bytes)
		return DB_WAL_MUST_NOT;
	if (memory_percent >= DB_WAL_MEMORY_PERCENT || since_commit_s >= wal->seldom_s)
		return DB_WAL_WRITE;
	return DB_WAL_LATER;
}
