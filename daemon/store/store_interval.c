/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interval_merge.h"

static const char *const spans[STORE_SPANS] = {"day", "month"};

static size_t energy_kind(const struct store *s)
{
	return (size_t)s->tables.kind_of[Q_ACTIVE_ENERGY_IMPORT];
}

/* The tables of days and months that a counter is in: those of its kind; what inputs count stands with the energies. */
static int span_kind(const struct store *s, enum quantity q)
{
	if (q == Q_VOLUME || q == Q_HEAT)
		return (int)energy_kind(s);
	return names_is_counter(q) ? s->tables.kind_of[q] : -1;
}

/* The day's or month's own row, once. */
static const char *write_span(struct store *s, size_t span, int64_t t_s)
{
	struct store_account *a = &s->account;
	const struct calendar_span *c = span == 0 ? calendar_day(&a->calendar, t_s) : calendar_month(&a->calendar, t_s);

	if (a->span_written_s[span] != c->start_s) {
		sqlite3_bind_text(a->put_span[span], 1, c->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(a->put_span[span], 2, c->start_s);
		sqlite3_bind_int64(a->put_span[span], 3, c->end_s);
		store_account_note(s, db_run(&s->db, a->put_span[span]));
		a->span_written_s[span] = c->start_s;
	}
	return c->name;
}

/* Add what an interval has given to the tables of one kind of its day and its month. measured_s: negative where an
 * interval that was measured no longer is. */
static void add_to_spans(struct store *s, const struct account_interval *given, const struct interval_change *change,
			 size_t kind, int64_t measured_s)
{
	struct store_account *a = &s->account;

	for (size_t span = 0; span < STORE_SPANS; span++) {
		sqlite3_stmt *add = a->add[span][kind];
		bool any = measured_s != 0;

		for (size_t i = 0; i < change->n_added; i++) {
			size_t v = change->added[i];
			enum quantity q = given->values[v].quantity;

			if (span_kind(s, q) != (int)kind)
				continue;
			sqlite3_bind_int64(add, a->span_column[q], given->values[v].value);
			any = true;
		}
		if (!any)
			continue;
		sqlite3_bind_text(add, 1, write_span(s, span, given->start_s), -1, SQLITE_STATIC);
		sqlite3_bind_int64(add, 2, given->meter);
		sqlite3_bind_int64(add, 3, measured_s);
		store_account_note(s, db_run(&s->db, add));
	}
}

static void read_row(struct store *s, const struct account_interval *given, struct interval_row *row)
{
	sqlite3_stmt *get = s->account.get_interval;

	*row = (struct interval_row){.exists = false};
	sqlite3_bind_int64(get, 1, given->start_s);
	sqlite3_bind_int64(get, 2, given->meter);
	if (sqlite3_step(get) == SQLITE_ROW) {
		row->exists = true;
		row->quality = (enum account_quality)sqlite3_column_int(get, 0);
		for (int c = 0; c < INTERVAL_COLUMNS; c++) {
			row->has[c] = sqlite3_column_type(get, 1 + c) != SQLITE_NULL;
			row->values[c] = sqlite3_column_int64(get, 1 + c);
		}
	}
	sqlite3_reset(get);
}

static void write_row(struct store *s, const struct account_interval *given, const struct interval_row *row)
{
	struct store_account *a = &s->account;

	if (a->start_written_s != given->start_s) {
		sqlite3_bind_int64(a->put_start, 1, given->start_s);
		store_account_note(s, db_run(&s->db, a->put_start));
		a->start_written_s = given->start_s;
	}
	sqlite3_bind_int64(a->put_interval, 1, given->start_s);
	sqlite3_bind_int64(a->put_interval, 2, given->meter);
	sqlite3_bind_int64(a->put_interval, 3, given->end_s - given->start_s);
	sqlite3_bind_int(a->put_interval, 4, (int)row->quality);
	for (int c = 0; c < INTERVAL_COLUMNS; c++)
		if (row->has[c])
			sqlite3_bind_int64(a->put_interval, 5 + c, row->values[c]);
	store_account_note(s, db_run(&s->db, a->put_interval));
}

void store_interval_put(void *context, const struct account_interval *given)
{
	struct store *s = context;
	struct store_account *a = &s->account;
	struct interval_row row;
	struct interval_change change;
	int64_t measured_s = 0;

	if (a->replaying || given->start_s < a->write_from_s || a->error != 0)
		return;
	read_row(s, given, &row);
	interval_merge(&row, given, &change);
	if (change.write_row)
		write_row(s, given, &row);
	if (change.coverage == INTERVAL_COVERAGE_ADD)
		measured_s = given->end_s - given->start_s;
	else if (change.coverage == INTERVAL_COVERAGE_TAKE_BACK)
		measured_s = -(given->end_s - given->start_s);
	for (size_t kind = 0; kind < s->tables.n_kinds; kind++)
		if (a->add[0][kind] != NULL)
			add_to_spans(s, given, &change, kind, kind == energy_kind(s) ? measured_s : 0);
}

/* Statement that adds to one day's or month's row of one kind. */
static sqlite3_stmt *prepare_add(struct store *s, const char *span, size_t kind)
{
	const char *name = s->tables.kinds[kind].name;
	sqlite3_str *into = sqlite3_str_new(s->db.handle), *values = sqlite3_str_new(s->db.handle),
		    *set = sqlite3_str_new(s->db.handle);
	sqlite3_stmt *stmt = NULL;
	int n = 4;

	sqlite3_str_appendf(into, "INSERT INTO %s_%s (%s, meter, measured_s", span, name, span);
	sqlite3_str_appendall(values, "?1, ?2, ?3");
	sqlite3_str_appendall(set, "measured_s = measured_s + excluded.measured_s");
	for (int q = 0; q < Q_COUNT; q++) {
		const char *column = names_get((enum quantity)q)->name;

		if (span_kind(s, (enum quantity)q) != (int)kind)
			continue;
		sqlite3_str_appendf(into, ", %s", column);
		sqlite3_str_appendf(values, ", ?%d", n);
		s->account.span_column[q] = (uint8_t)n++;
		sqlite3_str_appendf(set, ", %s = coalesce(%s + excluded.%s, %s, excluded.%s)", column, column, column,
				    column, column);
	}
	char *texts[] = {sqlite3_str_finish(into), sqlite3_str_finish(values), sqlite3_str_finish(set)};

	if (texts[0] && texts[1] && texts[2])
		stmt = db_prepare(&s->db, "%s) VALUES (%s) ON CONFLICT (%s, meter) DO UPDATE SET %s", texts[0],
				  texts[1], span, texts[2]);
	for (int i = 0; i < 3; i++)
		sqlite3_free(texts[i]);
	return stmt;
}

static int prepare_spans(struct store *s, size_t span)
{
	struct store_account *a = &s->account;

	/* one in which the time zone was changed is as long as both say */
	a->put_span[span] = db_prepare(
		&s->db,
		"INSERT INTO local_%s (%s, from_ts, until_ts) VALUES (?, ?, ?) ON CONFLICT (%s) DO UPDATE SET "
		"from_ts = min(from_ts, excluded.from_ts), until_ts = max(until_ts, excluded.until_ts) "
		"WHERE excluded.from_ts < from_ts OR excluded.until_ts > until_ts",
		spans[span], spans[span], spans[span]);
	if (!a->put_span[span])
		return -EIO;
	for (size_t k = 0; k < s->tables.n_kinds; k++) {
		const char *kind = s->tables.kinds[k].name;

		if (strcmp(kind, "energy") != 0 && strncmp(kind, "tariff", 6) != 0)
			continue;
		a->add[span][k] = prepare_add(s, spans[span], k);
		if (!a->add[span][k])
			return -EIO;
	}
	return 0;
}

int store_interval_open(struct store *s)
{
	struct store_account *a = &s->account;
	char columns[512] = "", marks[64] = "";
	int r = 0;

	for (size_t i = 0; i < INTERVAL_COLUMNS; i++) {
		snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), ", %s",
			 names_get(interval_column_quantity(i))->name);
		snprintf(marks + strlen(marks), sizeof(marks) - strlen(marks), ", ?");
	}
	a->get_interval = db_prepare(&s->db, "SELECT quality%s FROM kept_interval WHERE ts = ? AND meter = ?", columns);
	a->put_interval = db_prepare(
		&s->db, "REPLACE INTO kept_interval (ts, meter, duration_s, quality%s) VALUES (?, ?, ?, ?%s)", columns,
		marks);
	a->put_start = db_prepare(&s->db, "INSERT OR IGNORE INTO interval_start (ts) VALUES (?)");
	for (size_t span = 0; span < STORE_SPANS && r == 0; span++)
		r = prepare_spans(s, span);
	return a->get_interval && a->put_interval && a->put_start ? r : -EIO;
}

void store_interval_close(struct store *s)
{
	struct store_account *a = &s->account;

	sqlite3_finalize(a->get_interval);
	sqlite3_finalize(a->put_interval);
	sqlite3_finalize(a->put_start);
	for (size_t span = 0; span < STORE_SPANS; span++) {
		sqlite3_finalize(a->put_span[span]);
		for (size_t k = 0; k < s->tables.n_kinds; k++)
			sqlite3_finalize(a->add[span][k]);
	}
}

static int clear_spans(struct store *s, size_t span, const char *from)
{
	char sql[120];
	int r = 0;

	for (size_t k = 0; k < s->tables.n_kinds && r == 0; k++) {
		if (!s->account.add[span][k])
			continue;
		snprintf(sql, sizeof(sql), "DELETE FROM %s_%s WHERE %s >= '%s'", spans[span], s->tables.kinds[k].name,
			 spans[span], from);
		r = db_exec(&s->db, sql);
	}
	snprintf(sql, sizeof(sql), "DELETE FROM local_%s WHERE %s >= '%s'", spans[span], spans[span], from);
	return r == 0 ? db_exec(&s->db, sql) : r;
}

int store_interval_clear(struct store *s, int64_t from_s)
{
	struct calendar *c = &s->account.calendar;
	bool all = from_s == INT64_MIN;
	char sql[160];
	int r = clear_spans(s, 0, all ? "" : calendar_day(c, from_s)->name);

	if (r == 0)
		r = clear_spans(s, 1, all ? "" : calendar_month(c, from_s)->name);
	snprintf(sql, sizeof(sql),
		 "DELETE FROM kept_interval WHERE ts >= %lld; DELETE FROM interval_start WHERE ts >= %lld",
		 (long long)from_s, (long long)from_s);
	return r == 0 ? db_exec(&s->db, sql) : r;
}
