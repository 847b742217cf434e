/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <stdlib.h>
#include <string.h>

#include "mono.h"

/* How many rows of a table are taken out at a time. Larger lumps touch fewer pages for each row (bench/store): at 250
 * meters a lump of the slots of ten minutes writes a third less than one of each minute. */
enum { LUMP = 2500, EVENTS_EVERY_S = 86400 };

/* A rebuild of the account must not write what these readings no longer tell. */
static int note_deleted(struct store *s, int64_t until_s)
{
	sqlite3_stmt *put = db_prepare(&s->db,
				       "INSERT INTO setting (name, value) VALUES ('deleted_until', '%lld') "
				       "ON CONFLICT (name) DO UPDATE SET value = excluded.value "
				       "WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
				       (long long)until_s);
	int r = put ? db_run(&s->db, put) : -1;

	sqlite3_finalize(put);
	return r;
}

/* Slot of the last row of the oldest lump, or INT64_MAX when there are not so many rows. */
static int64_t end_of_lump(struct store *s, const char *kind)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "SELECT id >> %d FROM reading_%s ORDER BY id LIMIT 1 OFFSET %d", DB_SLOT_BITS, kind,
		 LUMP);
	return db_number(&s->db, sql, INT64_MAX);
}

static int retain_kind(struct store *s, size_t k, int64_t horizon_s)
{
	const char *name = s->tables.kinds[k].name;
	size_t n_deleted = 0;
	int r = 0;

	/* as fast as rows come, and a lump more */
	while (r == 0 && n_deleted <= s->held.n_readings) {
		char sql[120];
		int64_t end_s = end_of_lump(s, name);

		if (end_s >= horizon_s)
			break;
		snprintf(sql, sizeof(sql), "DELETE FROM reading_%s WHERE id < %lld", name,
			 (long long)(end_s + 1) << DB_SLOT_BITS);
		r = db_exec(&s->db, sql);
		n_deleted += (size_t)sqlite3_changes(s->db.handle);
		if (r == 0 && s->tables.kinds[k].has_counters)
			r = note_deleted(s, end_s);
	}
	return r;
}

/* Slots that no table has readings of any more, and why values of them were not counted. */
static int retain_slots(struct store *s)
{
	int64_t oldest = INT64_MAX;
	char sql[160];

	for (size_t k = 0; k < s->tables.n_kinds; k++) {
		snprintf(sql, sizeof(sql), "SELECT ifnull(min(id), %lld) FROM reading_%s", (long long)INT64_MAX,
			 s->tables.kinds[k].name);
		int64_t id = db_number(&s->db, sql, 0);

		if (id < oldest)
			oldest = id;
	}
	snprintf(sql, sizeof(sql), "DELETE FROM slot WHERE ts < %lld; DELETE FROM suspect WHERE ts < %lld",
		 (long long)(oldest >> DB_SLOT_BITS), (long long)(oldest >> DB_SLOT_BITS));
	return db_exec(&s->db, sql);
}

/* Events that come again and again, as of a meter that is up and down for years. What happened to the counters and to
 * the daemon stays, and so does the newest of each kind of each subject: it says how things stand. */
static int retain_events(struct store *s, int64_t horizon_s)
{
	char sql[320];

	snprintf(
		sql, sizeof(sql),
		"DELETE FROM event_log WHERE at_ms < %lld AND kind IN ('meter-up', 'meter-down', 'bus-up', 'bus-down', "
		"'gap', 'implausible') AND id NOT IN (SELECT max(id) FROM event_log GROUP BY subject, kind)",
		(long long)horizon_s * 1000);
	return db_exec(&s->db, sql);
}

/* Now, or where the account has come to if the clock has left that far behind and not proved itself. */
static int64_t believed_now_s(const struct store *s)
{
	int64_t now_s = s->now_s ? s->now_s : mono_wall_ms() / 1000, counted_s = store_account_until(s);

	return counted_s != 0 && now_s - counted_s > ACCOUNT_AHEAD_S ? counted_s : now_s;
}

int store_retain(struct store *s, bool clock_is_good)
{
	int64_t horizon_s = believed_now_s(s) - s->keep_s;
	int r = 0;

	/* a clock that is not known good says nothing about what is old */
	if (s->keep_s == 0 || s->held.n_readings == 0 || !clock_is_good)
		return 0;
	int changes = sqlite3_total_changes(s->db.handle);

	for (size_t k = 0; k < s->tables.n_kinds && r == 0; k++)
		if (s->tables.kinds[k].touched)
			r = retain_kind(s, k, horizon_s);
	if (r == 0 && sqlite3_total_changes(s->db.handle) != changes)
		r = retain_slots(s);
	if (r == 0 && llabs(s->now_s - s->events_s) >= EVENTS_EVERY_S) {
		r = retain_events(s, horizon_s);
		s->events_s = s->now_s;
	}
	return r;
}
