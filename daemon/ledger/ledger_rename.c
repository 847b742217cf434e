/* SPDX-License-Identifier: MIT */
#include "ledger_rename.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "db_tables.h"
#include "log.h"
#include "mono.h"

enum { REASON_MAX = 300 };

/* A request, and the rows of both names; 0 = there is none. */
struct rename {
	int64_t id, old, new;
	char old_name[CONF_NAME_MAX + 1], new_name[CONF_NAME_MAX + 1];
	int64_t until_s; /* end of what the old one has counted */
};

enum found { NOWHERE, METER, INPUT };

static enum found find(const struct conf *conf, const char *name)
{
	const struct conf_bus *bus;

	if (conf_find_meter(conf, name, &bus) != NULL)
		return METER;
	return conf_find_input(conf, name, &bus) != NULL ? INPUT : NOWHERE;
}

static int64_t number(struct db *db, const char *fmt, int64_t id, int64_t also)
{
	char sql[300];

	snprintf(sql, sizeof(sql), fmt, (long long)id, (long long)also);
	return db_number(db, sql, 0);
}

/* The end of the interval in which the old name was left and whose other part the new one has not given out yet; 0 =
 * there is none. */
static int64_t open_until_s(struct db *db, const struct rename *r)
{
	char sql[700];

	snprintf(sql, sizeof(sql),
		 "SELECT max(k.ts + i.value) FROM kept_interval k JOIN setting i ON i.name = 'interval_s' "
		 "JOIN life n ON n.meter = %lld AND n.reason = 'renamed' AND n.from_ts = k.ts + k.duration_s "
		 "WHERE k.meter = %lld AND k.duration_s < CAST(i.value AS INTEGER) "
		 "AND k.ts > n.from_ts - CAST(i.value AS INTEGER) "
		 "AND NOT EXISTS (SELECT 1 FROM kept_interval o WHERE o.meter = n.meter AND o.ts >= k.ts)",
		 (long long)r->new, (long long)r->old);
	return db_number(db, sql, 0);
}

/* Run statements in which $x is the row that stays, $y the one that becomes part of it, $t the end of what $x has
 * counted and $r the request. */
static int run(struct db *db, const struct rename *r, const char *text)
{
	sqlite3_str *sql = sqlite3_str_new(db->handle);
	char *whole;
	int rc;

	for (; *text != '\0'; text++) {
		if (*text != '$') {
			sqlite3_str_appendchar(sql, 1, *text);
			continue;
		}
		text++;
		sqlite3_str_appendf(sql, "%lld",
				    (long long)(*text == 'x'   ? r->old
						: *text == 'y' ? r->new
						: *text == 't' ? r->until_s
							       : r->id));
	}
	whole = sqlite3_str_finish(sql);
	rc = whole == NULL ? -ENOMEM : db_exec(db, whole);
	sqlite3_free(whole);
	return rc;
}

/* Add the rows of a table of sums that both have, and give the rest to the one that stays. key: what a sum is of.
 * since: a condition that all rows of $y fulfil. rest: the columns that are no sums. */
static int join_sums(struct db *db, const struct rename *r, const char *table, const char *key, const char *since,
		     const char *rest)
{
	sqlite3_stmt *get = db_prepare(db,
				       "SELECT name FROM pragma_table_info('%s') WHERE name NOT IN ('%s', 'meter', "
				       "'duration_s', 'quality', 'estimated')",
				       table, key);
	sqlite3_str *sql = sqlite3_str_new(db->handle);
	char *text;
	int rc = get == NULL ? -EIO : 0;

	sqlite3_str_appendf(sql, "UPDATE %s AS a SET %s", table, rest);
	while (rc == 0 && db_next(db, get)) {
		const char *c = (const char *)sqlite3_column_text(get, 0);

		sqlite3_str_appendf(sql, "%s%s = coalesce(a.%s + b.%s, a.%s, b.%s)",
				    sqlite3_str_value(sql)[sqlite3_str_length(sql) - 1] == ' ' ? "" : ", ", c, c, c, c,
				    c);
	}
	sqlite3_finalize(get);
	sqlite3_str_appendf(
		sql,
		" FROM %s AS b WHERE a.meter = $x AND b.meter = $y AND a.%s = b.%s AND b.%s; "
		"DELETE FROM %s WHERE meter = $y AND %s AND %s IN (SELECT %s FROM %s WHERE meter = $x AND %s); "
		"UPDATE %s SET meter = $x WHERE meter = $y AND %s",
		table, key, key, since, table, since, key, key, table, since, table, since);
	text = sqlite3_str_finish(sql);
	if (rc == 0)
		rc = text == NULL ? -ENOMEM : run(db, r, text);
	sqlite3_free(text);
	return rc;
}

/* A life that was handed over is one life; others stay apart. */
static const char join_lives[] =
	"UPDATE life SET (until_ts, until_raw) = (SELECT last_ts - age_s, raw / parts FROM account_counter c "
	"JOIN account USING (meter, before) WHERE meter = $x AND before = 0 AND c.quantity = life.quantity) WHERE "
	"meter = $x AND until_ts IS NULL;"
	"CREATE TEMP TABLE joined AS SELECT a.quantity, a.from_ts AS begin_ts, b.from_ts, b.until_ts, b.until_raw "
	"FROM life a JOIN life b ON b.meter = $y AND b.quantity = a.quantity AND b.from_ts = a.until_ts "
	"AND b.from_raw = a.until_raw AND b.reason = 'renamed' WHERE a.meter = $x;"
	"UPDATE account_counter AS c SET life_s = life_s + j.from_ts - j.begin_ts FROM joined j, account a "
	"WHERE c.meter = $y AND c.quantity = j.quantity AND a.meter = c.meter AND a.before = c.before "
	"AND a.last_ts - c.age_s - c.life_s = j.from_ts;"
	"UPDATE life AS a SET until_ts = j.until_ts, until_raw = j.until_raw FROM joined j "
	"WHERE a.meter = $x AND a.quantity = j.quantity AND a.from_ts = j.begin_ts;"
	"DELETE FROM life WHERE meter = $y AND (quantity, from_ts) IN (SELECT quantity, from_ts FROM joined);"
	"DROP TABLE joined;"
	"UPDATE life SET meter = $x WHERE meter = $y;";

static const char join_rest[] =
	"DELETE FROM account WHERE meter IN ($x, $y) AND before <> 0;"
	"DELETE FROM account_counter WHERE meter IN ($x, $y) AND before <> 0;"
	/* a new name that was never read knows nothing of the meter */
	"DELETE FROM meter_key WHERE meter = $y AND NOT EXISTS (SELECT 1 FROM account_counter WHERE meter = $y);"
	"DELETE FROM account WHERE meter = $x AND EXISTS (SELECT 1 FROM account_counter WHERE meter = $y);"
	"DELETE FROM account WHERE meter = $y AND NOT EXISTS (SELECT 1 FROM account_counter WHERE meter = $y);"
	"DELETE FROM account_counter WHERE meter = $x AND EXISTS (SELECT 1 FROM account_counter WHERE meter = $y);"
	"UPDATE account SET meter = $x WHERE meter = $y;"
	"UPDATE account_counter SET meter = $x WHERE meter = $y;"
	"UPDATE request_log SET undone_by = $r WHERE kind = 'handover' AND meter_id = $y AND other_id = $x;"
	"UPDATE request_log SET meter_id = $x WHERE meter_id = $y;"
	"UPDATE request_log SET other_id = $x WHERE other_id = $y;"
	/* two readings of one slot, which was there twice: one row says of both that they were not counted */
	"UPDATE OR IGNORE suspect SET meter = $x WHERE meter = $y;"
	"DELETE FROM suspect WHERE meter = $y;"
	"UPDATE OR REPLACE kept_register SET meter = $x WHERE meter = $y AND ts >= $t;"
	"UPDATE input_period SET concentrator = $x WHERE concentrator = $y;"
	"UPDATE input_period SET from_ts = (SELECT max(until_ts) FROM input_period WHERE meter = $x) "
	"WHERE meter = $y AND from_ts = 0 AND EXISTS (SELECT 1 FROM input_period WHERE meter = $x);"
	"UPDATE OR REPLACE input_period SET meter = $x WHERE meter = $y;"
	"UPDATE meter_key SET meter = $x WHERE meter = $y;"
	"UPDATE meter_key SET concentrator = $x WHERE concentrator = $y;"
	"UPDATE OR REPLACE rating SET meter = $x WHERE meter = $y;"
	"UPDATE revision_log SET meter = $x WHERE meter = $y;"
	"DELETE FROM account_setting_meter AS n WHERE meter = $y AND EXISTS (SELECT 1 FROM account_setting_meter o "
	"WHERE o.meter = $x AND o.setting = n.setting AND o.after_ts >= n.after_ts);"
	"UPDATE account_moment SET meter = $x WHERE meter = $y;"
	"UPDATE OR REPLACE account_setting_meter SET meter = $x WHERE meter = $y;"
	"DELETE FROM status_of_meter WHERE meter = $x;"
	"UPDATE status_of_meter SET meter = $x WHERE meter = $y;"
	"DELETE FROM newest WHERE meter = $x AND kind IN (SELECT kind FROM newest WHERE meter = $y);"
	"UPDATE newest SET meter = $x WHERE meter = $y;"
	"UPDATE meter SET (serial, label) = (SELECT ifnull(n.serial, meter.serial), n.label FROM meter n WHERE n.id = "
	"$y) "
	"WHERE id = $x;"
	/* a name that nobody can write: ids are not used again */
	"UPDATE meter SET name = name || '#' || id, configured = 0, was_configured = 0 WHERE id = $y;";

/* All rows of the new name become rows of the old one's meter. */
static int join(struct db *db, const struct rename *r)
{
	static const char *const readings[] = {"energy",       "partial", "tariff",	 "tariff_other",
					       "energy_other", "power",	  "power_other", "pulse"};
	static const char *const sums[] = {"energy", "tariff", "tariff_other", "energy_other"};
	/* a reading that gave nothing may be a little older */
	int64_t from_s = r->until_s - 86400;
	char sql[200];
	int rc = 0;

	for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]) && rc == 0; i++) {
		snprintf(sql, sizeof(sql), "UPDATE reading_%s SET meter = $x WHERE meter = $y AND id >= %lld",
			 readings[i], (long long)(from_s > 0 ? from_s << DB_SLOT_BITS : 0));
		rc = run(db, r, sql);
	}
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]) && rc == 0; i++) {
		snprintf(sql, sizeof(sql), "day_%s", sums[i]);
		rc = join_sums(db, r, sql, "day", "day > ''", "");
		snprintf(sql, sizeof(sql), "month_%s", sums[i]);
		if (rc == 0)
			rc = join_sums(db, r, sql, "month", "month > ''", "");
	}
	if (rc == 0)
		rc = join_sums(db, r, "kept_interval", "ts", "ts >= $t - 86400",
			       "duration_s = max(a.duration_s, b.duration_s), quality = CASE WHEN a.quality = 2 THEN "
			       "b.quality "
			       "WHEN b.quality = 2 THEN a.quality ELSE max(a.quality, b.quality) END, "
			       "estimated = ifnull(a.estimated, 0) | ifnull(b.estimated, 0)");
	if (rc == 0)
		rc = join_sums(db, r, "kept_interval_energy_other", "ts", "ts >= $t - 86400",
			       "estimated = a.estimated | b.estimated");
	if (rc == 0)
		rc = run(db, r, join_lives);
	return rc == 0 ? run(db, r, join_rest) : rc;
}

static void write_time(int64_t t_s, char out[24])
{
	time_t t = (time_t)t_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

enum verdict { WAITS, REFUSED, GRANTED };

static enum verdict judge(struct db *db, const struct conf *conf, struct rename *r, char *why)
{
	enum found new = find(conf, r->new_name);
	char from[24], until[24];
	int64_t from_s;

	if (r->old == 0) {
		snprintf(why, REASON_MAX, "%s is not in the database", r->old_name);
		return REFUSED;
	}
	if (find(conf, r->old_name) != NOWHERE) {
		snprintf(why, REASON_MAX, "%s is still configured", r->old_name);
		return new == NOWHERE ? WAITS : REFUSED;
	}
	if (new == NOWHERE) {
		snprintf(why, REASON_MAX, "%s is not in the configuration", r->new_name);
		return REFUSED;
	}
	if ((new == INPUT) != (number(db, "SELECT is_input FROM meter WHERE id = %lld", r->old, 0) != 0)) {
		snprintf(why, REASON_MAX, "one of them is a meter, and the other one an input");
		return REFUSED;
	}
	/* a life that was handed over begins where the other one ends */
	from_s = number(
		db,
		"SELECT min(from_ts) FROM life n WHERE meter = %lld AND NOT (reason = 'renamed' AND EXISTS "
		"(SELECT 1 FROM life o WHERE o.meter = %lld AND o.quantity = n.quantity AND o.until_ts = n.from_ts))",
		r->new, r->old);
	if (from_s != 0 && from_s < r->until_s) {
		write_time(from_s, from);
		write_time(r->until_s, until);
		snprintf(why, REASON_MAX, "%s has readings of its own since %s, and %s has some until %s", r->new_name,
			 from, r->old_name, until);
		return REFUSED;
	}
	/* what it gives out later would find the first part of the interval there and be left out */
	from_s = open_until_s(db, r);
	if (from_s != 0) {
		write_time(from_s, until);
		snprintf(why, REASON_MAX,
			 "the interval in which %s was last read as %s is not counted to its end; order it again some "
			 "minutes after %s",
			 r->new_name, r->old_name, until);
		return REFUSED;
	}
	return GRANTED;
}

/* The spans of all rows that have another name now. */
static int note_revision(struct db *db, const struct rename *r)
{
	return run(db, r,
		   "INSERT INTO revision_log (at_ts, kind, from_ts, until_ts, meter, reason) "
		   "SELECT unixepoch('now'), column1, ifnull((SELECT min(from_ts) FROM life WHERE meter = $x), 0), "
		   "unixepoch('now'), $x, 'renamed' FROM (VALUES ('interval'), ('day'), ('month'))");
}

static int rename_row(struct db *db, const struct rename *r)
{
	sqlite3_stmt *put = db_prepare(db, "UPDATE meter SET name = ?2 WHERE name = ?1");
	sqlite3_stmt *events = db_prepare(db, "UPDATE event_log SET subject = ?2 WHERE subject = ?1");
	sqlite3_stmt *all[] = {put, events};
	int rc = put == NULL || events == NULL ? -EIO : 0;

	for (size_t i = 0; i < 2 && rc == 0; i++) {
		sqlite3_bind_text(all[i], 1, r->old_name, -1, SQLITE_STATIC);
		sqlite3_bind_text(all[i], 2, r->new_name, -1, SQLITE_STATIC);
		rc = db_run(db, all[i]);
	}
	sqlite3_finalize(put);
	sqlite3_finalize(events);
	return rc == 0 ? note_revision(db, r) : rc;
}

static int decide(struct db *db, const struct rename *r, bool is_done, const char *reason)
{
	sqlite3_stmt *put = db_prepare(
		db, "UPDATE request_log SET state = ?, reason = ?, decided_ts = ?, meter_id = ? WHERE id = ?");
	int rc = put == NULL ? -EIO : 0;

	if (rc != 0)
		return rc;
	sqlite3_bind_text(put, 1, is_done ? "done" : "refused", -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 2, reason, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 3, mono_wall_ms() / 1000);
	if (r->old != 0)
		sqlite3_bind_int64(put, 4, r->old);
	sqlite3_bind_int64(put, 5, r->id);
	rc = db_run(db, put);
	sqlite3_finalize(put);
	if (is_done)
		log_info("%s: %s", r->old_name, reason);
	else
		log_warning("%s: not renamed to %s: %s", r->old_name, r->new_name, reason);
	return rc;
}

/* The first request after this one; id 0: there is none. 0 or -errno. */
static int next(struct db *db, int64_t after, struct rename *r)
{
	sqlite3_stmt *get = db_prepare(
		db,
		"SELECT r.id, ifnull(o.id, 0), ifnull(n.id, 0), r.meter, r.new_name, "
		"max(ifnull((SELECT max(max(from_ts, ifnull(until_ts, 0))) FROM life WHERE meter = o.id), 0), "
		"ifnull((SELECT max(last_ts - age_s) FROM account_counter JOIN account USING (meter, before) "
		"WHERE meter = o.id AND before = 0 AND living), 0), "
		"ifnull((SELECT id >> 14 FROM newest_energy WHERE meter = o.id), 0)) "
		"FROM request_log r LEFT JOIN meter o ON o.name = r.meter LEFT JOIN meter n ON n.name = r.new_name "
		"WHERE r.kind = 'rename' AND r.state = 'waiting' AND r.id > %lld ORDER BY r.id LIMIT 1",
		(long long)after);

	*r = (struct rename){.id = 0};
	if (get == NULL)
		return -EIO;
	if (db_next(db, get)) {
		r->id = sqlite3_column_int64(get, 0);
		r->old = sqlite3_column_int64(get, 1);
		r->new = sqlite3_column_int64(get, 2);
		snprintf(r->old_name, sizeof(r->old_name), "%s", (const char *)sqlite3_column_text(get, 3));
		snprintf(r->new_name, sizeof(r->new_name), "%s", (const char *)sqlite3_column_text(get, 4));
		r->until_s = sqlite3_column_int64(get, 5);
	}
	return sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(db, "read");
}

int ledger_rename(struct db *db, const struct conf *conf, bool *any)
{
	struct rename r;
	char reason[REASON_MAX];
	int rc = next(db, 0, &r);

	*any = false;
	while (rc == 0 && r.id != 0) {
		enum verdict verdict = judge(db, conf, &r, reason);

		if (verdict == GRANTED) {
			if (r.new != 0)
				rc = join(db, &r);
			if (rc == 0)
				rc = rename_row(db, &r);
			snprintf(reason, sizeof(reason), "renamed to %s, with its history", r.new_name);
			*any = true;
		}
		if (rc == 0 && verdict != WAITS)
			rc = decide(db, &r, verdict == GRANTED, reason);
		if (rc == 0)
			rc = next(db, r.id, &r);
	}
	return rc;
}
