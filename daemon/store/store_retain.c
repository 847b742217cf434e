/* SPDX-License-Identifier: MIT */
#include "store_retain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger.h"
#include "mono.h"

/* How many rows of a table are deleted at a time. Larger lumps touch fewer pages for each row (bench/store): at 250
 * meters a lump of the slots of ten minutes writes a third less than one of each minute. */
enum { LUMP = 2500, EVENTS_EVERY_S = 86400 };

void store_retain_configure(struct store_retain *r, uint32_t keep_d)
{
	r->keep_s = (int64_t)keep_d * 86400;
}

/* A rebuild of the account must not write what these readings would be needed for. */
static int note_deleted(struct db *db, int64_t until_s)
{
	sqlite3_stmt *put = db_prepare(db,
				       "INSERT INTO setting (name, value) VALUES ('deleted_until', '%lld') "
				       "ON CONFLICT (name) DO UPDATE SET value = excluded.value "
				       "WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
				       (long long)until_s);
	int rc = put != NULL ? db_run(db, put) : -EIO;

	sqlite3_finalize(put);
	return rc;
}

static int retain_kind(struct db *db, struct db_tables *tables, size_t k, size_t n_readings, int64_t horizon_s)
{
	const struct db_kind *kind = &tables->kinds[k];
	size_t n_deleted = 0;
	int rc = 0;

	/* as fast as rows come, and a lump more */
	while (rc == 0 && n_deleted <= n_readings) {
		char sql[120];
		int64_t end_s;

		end_s = db_tables_lump_end_s(tables, k, LUMP, horizon_s);
		if (end_s == INT64_MAX)
			break;
		snprintf(sql, sizeof(sql), "DELETE FROM reading_%s WHERE id < %lld", kind->name,
			 (long long)(end_s + 1) << DB_SLOT_BITS);
		rc = db_exec(db, sql);
		n_deleted += (size_t)sqlite3_changes(db->handle);
		if (rc == 0 && kind->has_counters)
			rc = note_deleted(db, end_s);
	}
	return rc;
}

/* Delete slots that no table has readings of any more, why values of those were not counted, and what happened between
 * them. */
static int retain_slots(struct db *db, const struct db_tables *tables)
{
	int64_t oldest = INT64_MAX;
	char sql[240];

	for (size_t k = 0; k < tables->n_kinds; k++) {
		int64_t id;

		snprintf(sql, sizeof(sql), "SELECT ifnull(min(id), %lld) FROM reading_%s", (long long)INT64_MAX,
			 tables->kinds[k].name);
		id = db_number(db, sql, 0);
		if (id < oldest)
			oldest = id;
	}
	snprintf(sql, sizeof(sql),
		 "DELETE FROM slot WHERE ts < %lld; DELETE FROM suspect WHERE ts < %lld; "
		 "DELETE FROM account_moment WHERE after_ts < %lld",
		 (long long)(oldest >> DB_SLOT_BITS), (long long)(oldest >> DB_SLOT_BITS),
		 (long long)(oldest >> DB_SLOT_BITS));
	return db_exec(db, sql);
}

/* Delete old events that come again and again, as of a meter that is up and down for years. What happened to the
 * counters and to the daemon stays, and so does the newest event of each kind of each subject: it shows how things are
 * now. */
static int retain_events(struct db *db, int64_t horizon_s)
{
	char sql[320];

	snprintf(
		sql, sizeof(sql),
		"DELETE FROM event_log WHERE at_ms < %lld AND kind IN ('meter-up', 'meter-down', 'bus-up', 'bus-down', "
		"'gap', 'implausible', 'database-stopped', 'database-writes') AND id NOT IN (SELECT max(id) FROM "
		"event_log GROUP BY subject, kind)",
		(long long)horizon_s * 1000);
	return db_exec(db, sql);
}

int store_retain(struct store_retain *r, struct db *db, struct db_tables *tables, size_t n_readings, int64_t now_s,
		 int64_t until_s)
{
	int64_t believed_s = now_s != 0 ? now_s : mono_wall_ms() / 1000, horizon_s;
	int changes = sqlite3_total_changes(db->handle), rc = 0;

	if (r->keep_s == 0 || n_readings == 0)
		return 0;
	/* a clock that has left the readings that far behind has not proved itself */
	if (until_s != 0 && believed_s - until_s > LEDGER_AHEAD_S)
		believed_s = until_s;
	horizon_s = believed_s - r->keep_s;
	for (size_t k = 0; k < tables->n_kinds && rc == 0; k++)
		if (tables->kinds[k].touched)
			rc = retain_kind(db, tables, k, n_readings, horizon_s);
	if (rc == 0 && sqlite3_total_changes(db->handle) != changes)
		rc = retain_slots(db, tables);
	if (rc == 0 && llabs(now_s - r->events_s) >= EVENTS_EVERY_S) {
		rc = retain_events(db, horizon_s);
		r->events_s = now_s;
	}
	return rc;
}
