/* SPDX-License-Identifier: MIT */
#include "ledger_intervals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "interval_merge.h"

enum { FIRST_SPAN_COLUMN = 4 }; /* parameter number of the first counter in the statements that add */

static const char *const spans[LEDGER_SPANS] = {"day", "month"};

static size_t energy_kind(const struct ledger_book *b)
{
	return (size_t)b->tables->kind_of[Q_ACTIVE_ENERGY_IMPORT];
}

/* The kind of the tables of days and months that a counter is in: its own, and that of the energies for what inputs
 * count. -1 = none. */
static int span_kind(const struct ledger_book *b, enum quantity q)
{
	if (q == Q_VOLUME || q == Q_HEAT)
		return (int)energy_kind(b);
	return names_is_counter(q) ? b->tables->kind_of[q] : -1;
}

/* Statement that adds to one day's or month's row of one kind. NULL = failed. */
static sqlite3_stmt *prepare_add(struct ledger_intervals *l, const char *span, size_t kind)
{
	const struct ledger_book *b = l->book;
	sqlite3_str *into = sqlite3_str_new(b->db->handle), *values = sqlite3_str_new(b->db->handle);
	sqlite3_str *set = sqlite3_str_new(b->db->handle);
	char *into_text, *values_text, *set_text;
	sqlite3_stmt *stmt = NULL;
	uint8_t n = FIRST_SPAN_COLUMN;

	for (int q = 0; q < Q_COUNT; q++) {
		const char *column = names_get((enum quantity)q)->name;

		if (span_kind(b, (enum quantity)q) != (int)kind)
			continue;
		sqlite3_str_appendf(into, ", %s", column);
		sqlite3_str_appendf(values, ", ?%d", n);
		l->span_column[q] = n++;
		sqlite3_str_appendf(set, ", %s = coalesce(%s + excluded.%s, %s, excluded.%s)", column, column, column,
				    column, column);
	}
	into_text = sqlite3_str_finish(into);
	values_text = sqlite3_str_finish(values);
	set_text = sqlite3_str_finish(set);
	if (into_text != NULL && values_text != NULL && set_text != NULL)
		stmt = db_prepare(
			b->db,
			"INSERT INTO %s_%s (%s, meter, measured_s%s) VALUES (?1, ?2, ?3%s) "
			"ON CONFLICT (%s, meter) DO UPDATE SET measured_s = measured_s + excluded.measured_s%s",
			span, b->tables->kinds[kind].name, span, into_text, values_text, span, set_text);
	sqlite3_free(into_text);
	sqlite3_free(values_text);
	sqlite3_free(set_text);
	return stmt;
}

/* Whether the counters of a kind have no column in the rows of intervals, and a table of their own instead. */
static bool has_own_intervals(const struct ledger_book *b, size_t kind)
{
	return (int)kind == b->tables->kind_of[Q_ACTIVE_ENERGY_TOTAL];
}

/* The bit of a counter in the masks of put_other. */
static int64_t other_bit(const struct ledger_intervals *l, enum quantity q)
{
	return INT64_C(1) << (l->span_column[q] - FIRST_SPAN_COLUMN);
}

/* After the spans have their columns. */
static int prepare_other(struct ledger_intervals *l)
{
	const struct ledger_book *b = l->book;
	sqlite3_str *into = sqlite3_str_new(b->db->handle), *values = sqlite3_str_new(b->db->handle);
	sqlite3_str *set = sqlite3_str_new(b->db->handle);
	char *into_text, *values_text, *set_text;

	for (int q = 0; q < Q_COUNT; q++) {
		const char *column = names_get((enum quantity)q)->name;
		int kind = span_kind(b, (enum quantity)q);

		if (kind < 0 || !has_own_intervals(b, (size_t)kind))
			continue;
		sqlite3_str_appendf(into, ", %s", column);
		sqlite3_str_appendf(values, ", ?%d", l->span_column[q] + 1);
		sqlite3_str_appendf(set, ", %s = iif(?4 & %lld, excluded.%s, %s)", column,
				    (long long)other_bit(l, (enum quantity)q), column, column);
	}
	into_text = sqlite3_str_finish(into);
	values_text = sqlite3_str_finish(values);
	set_text = sqlite3_str_finish(set);
	if (into_text != NULL && values_text != NULL && set_text != NULL)
		l->put_other = db_prepare(b->db,
					  "INSERT INTO kept_interval_energy_other (ts, meter, estimated%s) "
					  "VALUES (?1, ?2, ?3%s) ON CONFLICT (ts, meter) DO UPDATE SET "
					  "estimated = (estimated & ~?4) | excluded.estimated%s",
					  into_text, values_text, set_text);
	sqlite3_free(into_text);
	sqlite3_free(values_text);
	sqlite3_free(set_text);
	return l->put_other != NULL ? 0 : -EIO;
}

static int prepare_span(struct ledger_intervals *l, size_t span)
{
	const struct ledger_book *b = l->book;

	/* a day or month in which the time zone was changed has the hours of both zones */
	l->put_span[span] = db_prepare(
		b->db,
		"INSERT INTO local_%s (%s, from_ts, until_ts) VALUES (?, ?, ?) ON CONFLICT (%s) DO UPDATE SET "
		"from_ts = min(from_ts, excluded.from_ts), until_ts = max(until_ts, excluded.until_ts) "
		"WHERE excluded.from_ts < from_ts OR excluded.until_ts > until_ts",
		spans[span], spans[span], spans[span]);
	if (l->put_span[span] == NULL)
		return -EIO;
	for (size_t k = 0; k < b->tables->n_kinds; k++) {
		const char *kind = b->tables->kinds[k].name;

		if (strncmp(kind, "energy", 6) != 0 && strncmp(kind, "tariff", 6) != 0)
			continue;
		l->add[span][k] = prepare_add(l, spans[span], k);
		if (l->add[span][k] == NULL)
			return -EIO;
	}
	return 0;
}

int ledger_intervals_open(struct ledger_intervals *l, struct ledger_book *b)
{
	char columns[512] = "", marks[64] = "";
	int rc = 0;

	l->book = b;
	ledger_intervals_forget(l);
	for (size_t i = 0; i < INTERVAL_COLUMNS; i++) {
		snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), ", %s",
			 names_get(interval_column_quantity(i))->name);
		snprintf(marks + strlen(marks), sizeof(marks) - strlen(marks), ", ?");
	}
	l->get_row =
		db_prepare(b->db, "SELECT quality, estimated%s FROM kept_interval WHERE ts = ? AND meter = ?", columns);
	l->put_row = db_prepare(
		b->db,
		"REPLACE INTO kept_interval (ts, meter, duration_s, quality, estimated%s) VALUES (?, ?, ?, ?, ?%s)",
		columns, marks);
	l->put_start = db_prepare(b->db, "INSERT OR IGNORE INTO interval_start (ts) VALUES (?)");
	if (l->get_row == NULL || l->put_row == NULL || l->put_start == NULL)
		return -EIO;
	for (size_t span = 0; span < LEDGER_SPANS && rc == 0; span++)
		rc = prepare_span(l, span);
	return rc == 0 ? prepare_other(l) : rc;
}

void ledger_intervals_close(struct ledger_intervals *l)
{
	sqlite3_finalize(l->get_row);
	sqlite3_finalize(l->put_row);
	sqlite3_finalize(l->put_other);
	sqlite3_finalize(l->put_start);
	for (size_t span = 0; span < LEDGER_SPANS; span++) {
		sqlite3_finalize(l->put_span[span]);
		for (size_t k = 0; k < DB_KINDS_MAX; k++)
			sqlite3_finalize(l->add[span][k]);
	}
	*l = (struct ledger_intervals){.book = NULL};
}

void ledger_intervals_forget(struct ledger_intervals *l)
{
	for (size_t span = 0; span < LEDGER_SPANS; span++)
		l->span_written_s[span] = INT64_MIN;
	l->start_written_s = INT64_MIN;
}

/* 0 or -errno: a row that cannot be read must not be taken for none. */
static int read_row(struct ledger_intervals *l, const struct account_interval *given, struct interval_row *row)
{
	unsigned estimated;

	*row = (struct interval_row){.exists = false};
	sqlite3_bind_int64(l->get_row, 1, given->start_s);
	sqlite3_bind_int64(l->get_row, 2, given->meter);
	if (db_next(l->book->db, l->get_row)) {
		row->exists = true;
		row->quality = (enum account_quality)sqlite3_column_int(l->get_row, 0);
		/* an older row does not say which of its values are estimated */
		estimated = row->quality == ACCOUNT_ESTIMATED ? ~0U : 0;
		if (sqlite3_column_type(l->get_row, 1) != SQLITE_NULL) {
			estimated = (unsigned)sqlite3_column_int(l->get_row, 1);
			row->came_again = estimated >> INTERVAL_COLUMNS & 1;
		}
		for (int c = 0; c < INTERVAL_COLUMNS; c++) {
			row->has[c] = sqlite3_column_type(l->get_row, 2 + c) != SQLITE_NULL;
			row->is_estimated[c] = row->has[c] && estimated >> c & 1;
			row->values[c] = sqlite3_column_int64(l->get_row, 2 + c);
		}
	}
	return sqlite3_reset(l->get_row) == SQLITE_OK ? 0 : db_fail(l->book->db, "read");
}

static void write_row(struct ledger_intervals *l, const struct account_interval *given, const struct interval_row *row)
{
	struct ledger_book *b = l->book;
	unsigned estimated = (unsigned)row->came_again << INTERVAL_COLUMNS;

	if (l->start_written_s != given->start_s) {
		sqlite3_bind_int64(l->put_start, 1, given->start_s);
		ledger_book_note(b, db_run(b->db, l->put_start));
		l->start_written_s = given->start_s;
	}
	sqlite3_bind_int64(l->put_row, 1, given->start_s);
	sqlite3_bind_int64(l->put_row, 2, given->meter);
	sqlite3_bind_int64(l->put_row, 3, given->end_s - given->start_s);
	sqlite3_bind_int(l->put_row, 4, (int)row->quality);
	for (int c = 0; c < INTERVAL_COLUMNS; c++) {
		estimated |= (unsigned)row->is_estimated[c] << c;
		if (row->has[c])
			sqlite3_bind_int64(l->put_row, 6 + c, row->values[c]);
	}
	sqlite3_bind_int(l->put_row, 5, (int)estimated);
	ledger_book_note(b, db_run(b->db, l->put_row));
}

/* Write what an interval has given of the counters without a column in its row. */
static void write_other(struct ledger_intervals *l, const struct account_interval *given,
			const struct interval_change *change)
{
	struct ledger_book *b = l->book;
	int64_t all = 0, estimated = 0;

	for (size_t i = 0; i < change->n_added; i++) {
		size_t v = change->added[i];
		enum quantity q = given->values[v].quantity;
		int kind = span_kind(b, q);

		if (kind < 0 || !has_own_intervals(b, (size_t)kind))
			continue;
		all |= other_bit(l, q);
		if (given->values[v].quality == ACCOUNT_ESTIMATED)
			estimated |= other_bit(l, q);
		if (given->values[v].quality != ACCOUNT_MISSING)
			sqlite3_bind_int64(l->put_other, l->span_column[q] + 1, given->values[v].value);
	}
	if (all == 0)
		return;
	sqlite3_bind_int64(l->put_other, 1, given->start_s);
	sqlite3_bind_int64(l->put_other, 2, given->meter);
	sqlite3_bind_int64(l->put_other, 3, estimated);
	sqlite3_bind_int64(l->put_other, 4, all);
	ledger_book_note(b, db_run(b->db, l->put_other));
}

/* Write the day or month that t_s lies in, once, and return its name. */
static const char *write_span(struct ledger_intervals *l, size_t span, int64_t t_s)
{
	struct ledger_book *b = l->book;
	const struct calendar_span *c = span == 0 ? calendar_day(&b->calendar, t_s) : calendar_month(&b->calendar, t_s);

	if (l->span_written_s[span] != c->start_s) {
		sqlite3_bind_text(l->put_span[span], 1, c->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(l->put_span[span], 2, c->start_s);
		sqlite3_bind_int64(l->put_span[span], 3, c->end_s);
		ledger_book_note(b, db_run(b->db, l->put_span[span]));
		l->span_written_s[span] = c->start_s;
	}
	return c->name;
}

/* Add what an interval has given to the tables of one kind of its day and its month. measured_s: negative where an
 * interval that was measured no longer is. */
static void add_to_spans(struct ledger_intervals *l, const struct account_interval *given,
			 const struct interval_change *change, size_t kind, int64_t measured_s)
{
	struct ledger_book *b = l->book;

	for (size_t span = 0; span < LEDGER_SPANS; span++) {
		sqlite3_stmt *add = l->add[span][kind];
		bool any = measured_s != 0;

		for (size_t i = 0; i < change->n_added; i++) {
			size_t v = change->added[i];
			enum quantity q = given->values[v].quantity;

			if (span_kind(b, q) != (int)kind)
				continue;
			sqlite3_bind_int64(add, l->span_column[q], interval_added_value(given, v));
			any = true;
		}
		if (!any)
			continue;
		sqlite3_bind_text(add, 1, write_span(l, span, given->start_s), -1, SQLITE_STATIC);
		sqlite3_bind_int64(add, 2, given->meter);
		sqlite3_bind_int64(add, 3, measured_s);
		ledger_book_note(b, db_run(b->db, add));
	}
}

void ledger_intervals_on_interval(struct ledger_intervals *l, const struct account_interval *given)
{
	struct ledger_book *b = l->book;
	struct interval_row row;
	struct interval_change change;
	int64_t measured_s = 0;

	if (!ledger_book_writes(b, given->start_s) || b->error != 0)
		return;
	ledger_book_note(b, read_row(l, given, &row));
	if (b->error != 0)
		return;
	interval_merge(&row, given, &change);
	if (change.write_row)
		write_row(l, given, &row);
	write_other(l, given, &change);
	if (change.coverage == INTERVAL_COVERAGE_ADD)
		measured_s = given->end_s - given->start_s;
	else if (change.coverage == INTERVAL_COVERAGE_TAKE_BACK)
		measured_s = -(given->end_s - given->start_s);
	for (size_t kind = 0; kind < b->tables->n_kinds; kind++)
		if (l->add[0][kind] != NULL)
			add_to_spans(l, given, &change, kind, kind == energy_kind(b) ? measured_s : 0);
}

int ledger_intervals_clear_missing(struct ledger_intervals *l, int64_t meter, int64_t from_s)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "DELETE FROM kept_interval WHERE ts >= %lld AND meter = %lld AND quality = %d",
		 (long long)from_s, (long long)meter, ACCOUNT_MISSING);
	return db_exec(l->book->db, sql);
}

/* Take out the days or months from the one of this name on. */
static int clear_span(struct ledger_intervals *l, size_t span, const char *from)
{
	const struct ledger_book *b = l->book;
	char sql[120];
	int rc = 0;

	for (size_t k = 0; k < b->tables->n_kinds && rc == 0; k++) {
		if (l->add[span][k] == NULL)
			continue;
		snprintf(sql, sizeof(sql), "DELETE FROM %s_%s WHERE %s >= '%s'", spans[span], b->tables->kinds[k].name,
			 spans[span], from);
		rc = db_exec(b->db, sql);
	}
	if (rc != 0)
		return rc;
	snprintf(sql, sizeof(sql), "DELETE FROM local_%s WHERE %s >= '%s'", spans[span], spans[span], from);
	return db_exec(b->db, sql);
}

int ledger_intervals_clear(struct ledger_intervals *l, int64_t from_s)
{
	struct calendar *c = &l->book->calendar;
	bool all = from_s == INT64_MIN;
	char sql[240];
	int rc = clear_span(l, 0, all ? "" : calendar_day(c, from_s)->name);

	if (rc != 0)
		return rc;
	rc = clear_span(l, 1, all ? "" : calendar_month(c, from_s)->name);
	if (rc != 0)
		return rc;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM kept_interval WHERE ts >= %lld; DELETE FROM kept_interval_energy_other WHERE ts >= %lld; "
		 "DELETE FROM interval_start WHERE ts >= %lld",
		 (long long)from_s, (long long)from_s, (long long)from_s);
	return db_exec(l->book->db, sql);
}
