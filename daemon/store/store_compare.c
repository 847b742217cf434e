/* SPDX-License-Identifier: MIT */
#include "store_compare.h"

#include <errno.h>
#include <stdio.h>

#include "db.h"

/* The rows of the account that are compared, now. %lld: from_s. */
#define NOW_INTERVAL "SELECT * FROM kept_interval WHERE ts >= %lld"
#define NOW_DAY                                                                                                        \
	"SELECT d.day, d.meter, d.quantity, d.base_value, d.coverage FROM daily d "                                    \
	"WHERE d.day IN (SELECT name FROM local_span WHERE kind = 'day' AND until_ts > %lld)"
#define NOW_MONTH                                                                                                      \
	"SELECT m.month, m.meter, m.quantity, m.base_value FROM monthly m "                                            \
	"WHERE m.month IN (SELECT name FROM local_span WHERE kind = 'month' AND until_ts > %lld)"
#define NOW_REGISTER "SELECT * FROM kept_register WHERE ts > %lld"
#define NOW_LIFE                                                                                                       \
	"SELECT meter, quantity, from_ts, from_raw, until_ts, until_raw FROM life "                                    \
	"WHERE ifnull(until_ts, from_ts) >= %lld"
#define NOW_MARK "SELECT ts, meter, quantity FROM suspect WHERE NOT behind AND ts >= %lld"

static const struct {
	const char *name, *now;
} parts[] = {{"interval", NOW_INTERVAL}, {"day", NOW_DAY},   {"month", NOW_MONTH},
	     {"register", NOW_REGISTER}, {"life", NOW_LIFE}, {"mark", NOW_MARK}};

enum { N_PARTS = sizeof(parts) / sizeof(parts[0]), SQL_MAX = 1400 };

/* CREATE TEMP TABLE %s_%s AS ... */
static int copy(struct db *db, const char *when, int64_t from_s)
{
	char sql[SQL_MAX];
	int rc = 0;

	for (size_t i = 0; i < N_PARTS && rc == 0; i++) {
		int n = snprintf(sql, sizeof(sql), "CREATE TEMP TABLE %s_%s AS ", when, parts[i].name);

		snprintf(sql + n, sizeof(sql) - (size_t)n, parts[i].now, (long long)from_s);
		rc = db_exec(db, sql);
	}
	return rc;
}

int store_compare_begin(struct db *db, int64_t from_s)
{
	store_compare_close(db);
	return copy(db, "was", from_s);
}

int store_compare_end(struct db *db, int64_t from_s)
{
	int rc = copy(db, "is", from_s);

	if (rc != 0)
		return rc;
	return db_exec(
		db,
		"DELETE FROM is_interval WHERE quality = 2; "
		"CREATE TEMP TABLE differs_month AS "
		"SELECT month, meter, quantity FROM (SELECT * FROM is_month EXCEPT SELECT * FROM was_month) UNION "
		"SELECT month, meter, quantity FROM (SELECT * FROM was_month EXCEPT SELECT * FROM is_month); "
		"CREATE TEMP TABLE differs AS "
		"SELECT 'intervals' AS what, meter, count(DISTINCT ts) AS n, min(ts) AS from_ts, "
		"max(ts + duration_s) AS until_ts FROM "
		"(SELECT * FROM (SELECT * FROM is_interval EXCEPT SELECT * FROM was_interval WHERE quality <> 2) UNION "
		"ALL "
		"SELECT * FROM (SELECT * FROM was_interval WHERE quality <> 2 EXCEPT SELECT * FROM is_interval)) "
		"GROUP BY meter "
		"UNION ALL SELECT 'days', m.id, count(DISTINCT d.day), min(s.from_ts), max(s.until_ts) FROM "
		"(SELECT * FROM (SELECT * FROM is_day EXCEPT SELECT * FROM was_day) UNION ALL "
		"SELECT * FROM (SELECT * FROM was_day EXCEPT SELECT * FROM is_day)) d JOIN meter m ON m.name = d.meter "
		"JOIN local_span s ON s.kind = 'day' AND s.name = d.day GROUP BY m.id "
		"UNION ALL SELECT 'registers', meter, count(DISTINCT ts), min(ts), max(ts) FROM "
		"(SELECT * FROM (SELECT * FROM is_register EXCEPT SELECT * FROM was_register) UNION ALL "
		"SELECT * FROM (SELECT * FROM was_register EXCEPT SELECT * FROM is_register)) GROUP BY meter "
		"UNION ALL SELECT 'lives', meter, count(DISTINCT from_ts), min(from_ts), "
		"max(ifnull(until_ts, from_ts)) FROM "
		"(SELECT * FROM (SELECT * FROM is_life EXCEPT SELECT * FROM was_life) UNION ALL "
		"SELECT * FROM (SELECT * FROM was_life EXCEPT SELECT * FROM is_life)) GROUP BY meter "
		"UNION ALL SELECT 'suspect values', meter, count(*), min(ts), max(ts) FROM "
		"(SELECT * FROM (SELECT * FROM is_mark EXCEPT SELECT * FROM was_mark) UNION ALL "
		"SELECT * FROM (SELECT * FROM was_mark EXCEPT SELECT * FROM is_mark)) GROUP BY meter");
}

void store_compare_count(struct db *db, struct store_recount *out)
{
	out->n_intervals = db_number(db, "SELECT count(*) FROM was_interval WHERE quality <> 2", 0);
	out->n_meters = db_number(db, "SELECT count(DISTINCT meter) FROM was_interval WHERE quality <> 2", 0);
	out->differs =
		db_number(db, "SELECT (SELECT count(*) FROM differs) + (SELECT count(*) FROM differs_month)", 0) > 0;
}

static int show_months(struct db *db, const struct store_recount_sink *sink)
{
	sqlite3_stmt *get = db_prepare(
		db,
		"SELECT d.month, d.meter, d.quantity, w.base_value, i.base_value, ifnull(c.per, 1), ifnull(c.unit, '') "
		"FROM differs_month d LEFT JOIN was_month w USING (month, meter, quantity) "
		"LEFT JOIN is_month i USING (month, meter, quantity) LEFT JOIN counter c USING (meter, quantity) "
		"ORDER BY d.meter, d.month, d.quantity");

	while (get != NULL && db_next(db, get))
		sink->month(sink->context, &(struct store_month){.month = (const char *)sqlite3_column_text(get, 0),
								 .meter = (const char *)sqlite3_column_text(get, 1),
								 .quantity = (const char *)sqlite3_column_text(get, 2),
								 .was = sqlite3_column_int64(get, 3),
								 .is = sqlite3_column_int64(get, 4),
								 .per = sqlite3_column_int64(get, 5),
								 .unit = (const char *)sqlite3_column_text(get, 6)});
	return get != NULL && sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(db, "compare");
}

static int show_spans(struct db *db, const struct store_recount_sink *sink)
{
	sqlite3_stmt *get = db_prepare(db, "SELECT m.name, d.what, d.n, d.from_ts, d.until_ts FROM differs d "
					   "JOIN meter m ON m.id = d.meter ORDER BY m.name, d.what");

	while (get != NULL && db_next(db, get))
		sink->span(sink->context, &(struct store_span){.meter = (const char *)sqlite3_column_text(get, 0),
							       .what = (const char *)sqlite3_column_text(get, 1),
							       .n = sqlite3_column_int64(get, 2),
							       .from_s = sqlite3_column_int64(get, 3),
							       .until_s = sqlite3_column_int64(get, 4)});
	return get != NULL && sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(db, "compare");
}

int store_compare_show(struct db *db, const struct store_recount_sink *sink)
{
	int rc = show_months(db, sink);

	return rc == 0 ? show_spans(db, sink) : rc;
}

int store_compare_keep(struct db *db, int64_t now_s)
{
	char sql[SQL_MAX];
	int rc = db_exec(db,
			 "INSERT OR IGNORE INTO kept_interval SELECT * FROM was_interval WHERE quality = 2; "
			 "INSERT OR IGNORE INTO interval_start SELECT DISTINCT ts FROM was_interval WHERE quality = 2");

	if (rc != 0)
		return rc;
	snprintf(sql, sizeof(sql),
		 "INSERT INTO revision_log (at_ts, kind, from_ts, until_ts, meter, reason) "
		 "SELECT %lld, CASE what WHEN 'intervals' THEN 'interval' ELSE 'day' END, min(from_ts), max(until_ts), "
		 "meter, "
		 "'recounted by tally rebuild' FROM differs WHERE what IN ('intervals', 'days', 'registers') "
		 "GROUP BY meter, what = 'intervals' ORDER BY meter; "
		 "INSERT INTO revision_log (at_ts, kind, from_ts, until_ts, meter, reason) "
		 "SELECT %lld, 'month', min(s.from_ts), max(s.until_ts), m.id, 'recounted by tally rebuild' "
		 "FROM differs_month d JOIN meter m ON m.name = d.meter "
		 "JOIN local_span s ON s.kind = 'month' AND s.name = d.month GROUP BY m.id",
		 (long long)now_s, (long long)now_s);
	return db_exec(db, sql);
}

void store_compare_close(struct db *db)
{
	char sql[SQL_MAX];

	for (size_t i = 0; i < N_PARTS; i++) {
		snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS temp.was_%s; DROP TABLE IF EXISTS temp.is_%s",
			 parts[i].name, parts[i].name);
		sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	}
	sqlite3_exec(db->handle, "DROP TABLE IF EXISTS temp.differs; DROP TABLE IF EXISTS temp.differs_month", NULL,
		     NULL, NULL);
}
