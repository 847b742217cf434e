/* SPDX-License-Identifier: MIT */
#include "span.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cut.h"
#include "reader.h"

enum {
	SQL_MAX = 16384,
	FILTER_MAX = 8192,
	NAME_MAX_BYTES = 16,
	FIRST_NAME = 10,  /* parameter of the first name of a meter */
	LONGEST_S = 3600, /* an interval is no longer */
	NEAR_S = 150,	  /* most meters are read more often than every two and a half minutes */
	REPEATS = 8,	  /* rows of one meter have the same moments */
};

enum level { MONTHS, DAYS, INTERVALS };

/* A local month or day. */
struct piece {
	int64_t from_s, until_s;
	char name[NAME_MAX_BYTES];
	bool is_alone; /* no other one of its kind overlaps it */
};

/* A piece of one counter that the span cuts. */
struct row {
	struct span_counter *counter;
	int64_t from_s, until_s, amount;
	double measured; /* share of it that was measured */
};

struct point {
	const struct span_counter *counter;
	struct cut_point at;
};

/* A growing array. */
struct list {
	void *items;
	size_t n, capacity;
};

struct work {
	struct reader *reader;
	const struct span_question *question;
	struct span *span;
	char filter[FILTER_MAX];
	struct list pieces[INTERVALS]; /* struct piece, by from_s */
};

/* Room for one more item of this size, behind the others; NULL = out of memory. */
static void *add_item(struct list *l, size_t size)
{
	if (l->n == l->capacity) {
		size_t capacity = l->capacity > 0 ? 2 * l->capacity : 64;
		void *items = realloc(l->items, capacity * size);

		if (items == NULL)
			return NULL;
		l->items = items;
		l->capacity = capacity;
	}
	return (char *)l->items + size * l->n++;
}

/* " AND quantity IN (...) AND meter IN (...)" */
static void write_filter(struct work *w)
{
	const struct span_question *q = w->question;
	size_t n = (size_t)snprintf(w->filter, FILTER_MAX, " AND quantity IN (");

	for (size_t i = 0; i < q->n_quantities; i++)
		n += (size_t)snprintf(w->filter + n, FILTER_MAX - n, "%s'%s'", i > 0 ? ", " : "", q->quantities[i]);
	for (size_t i = 0; i < q->n_meters; i++)
		n += (size_t)snprintf(w->filter + n, FILTER_MAX - n, "%s?%zu", i > 0 ? ", " : ") AND meter IN (",
				      FIRST_NAME + i);
	snprintf(w->filter + n, FILTER_MAX - n, ")");
}

/* Begin a statement, which has the filter in the place of a %s. 0 or -EIO. */
static int ask(struct work *w, const char *sql)
{
	char whole[SQL_MAX];

	snprintf(whole, sizeof(whole), sql, w->filter);
	if (reader_ask(w->reader, whole) != 0)
		return -EIO;
	for (size_t i = 0; i < w->question->n_meters; i++)
		reader_bind_text(w->reader, (int)(FIRST_NAME + i), w->question->meters[i]);
	return 0;
}

static int compare_counters(const void *a, const void *b)
{
	const struct span_counter *x = a, *y = b;
	int order = strcmp(x->meter, y->meter);

	return order != 0 ? order : strcmp(x->quantity, y->quantity);
}

/* The counter whose meter and quantity are the first two columns of the row; NULL = it has never counted. */
static struct span_counter *find_counter(const struct work *w)
{
	const struct span_counter key = {.meter = reader_text(w->reader, 0), .quantity = reader_text(w->reader, 1)};

	if (w->span->n == 0)
		return NULL;
	return bsearch(&key, w->span->counters, w->span->n, sizeof(key), compare_counters);
}

static int load_counters(struct work *w)
{
	struct list counters = {.n = 0};
	enum reader_step step;
	int rc = ask(w, "SELECT meter, quantity, unit, per FROM counter WHERE 1%s");

	while (rc == 0 && (step = reader_next(w->reader)) != READER_END) {
		struct span_counter *c = step == READER_ROW ? add_item(&counters, sizeof(*c)) : NULL;

		if (c == NULL) {
			rc = step == READER_ROW ? -ENOMEM : -EIO;
			break;
		}
		*c = (struct span_counter){.meter = strdup(reader_text(w->reader, 0)),
					   .quantity = strdup(reader_text(w->reader, 1)),
					   .unit = strdup(reader_text(w->reader, 2)),
					   .per = reader_whole(w->reader, 3)};
		if (c->meter == NULL || c->quantity == NULL || c->unit == NULL)
			rc = -ENOMEM;
	}
	w->span->counters = counters.items;
	w->span->n = counters.n;
	if (rc == 0 && counters.n > 0)
		qsort(counters.items, counters.n, sizeof(struct span_counter), compare_counters);
	return rc;
}

static int load_pieces(struct work *w, enum level level)
{
	struct list *pieces = &w->pieces[level];
	int64_t until_s = INT64_MIN;
	struct piece *all, *p;
	enum reader_step step;
	int rc = ask(w, "SELECT name, from_ts, until_ts FROM local_span WHERE kind = ?1 AND from_ts < ?2 "
			"AND until_ts > ?3 ORDER BY from_ts");

	if (rc != 0)
		return rc;
	reader_bind_text(w->reader, 1, level == MONTHS ? "month" : "day");
	reader_bind_whole(w->reader, 2, w->question->until_s);
	reader_bind_whole(w->reader, 3, w->question->from_s);
	while ((step = reader_next(w->reader)) == READER_ROW) {
		p = add_item(pieces, sizeof(*p));
		if (p == NULL)
			return -ENOMEM;
		*p = (struct piece){.from_s = reader_whole(w->reader, 1), .until_s = reader_whole(w->reader, 2)};
		snprintf(p->name, sizeof(p->name), "%s", reader_text(w->reader, 0));
	}
	all = pieces->items;
	for (size_t i = 0; i < pieces->n; i++) {
		all[i].is_alone =
			all[i].from_s >= until_s && (i + 1 == pieces->n || all[i + 1].from_s >= all[i].until_s);
		if (all[i].until_s > until_s)
			until_s = all[i].until_s;
	}
	return step == READER_END ? 0 : -EIO;
}

static void add_amount(struct span_counter *c, int64_t amount, double measured_s)
{
	c->has_amount = true;
	c->amount += amount;
	c->measured_s += measured_s;
}

static int compare_names(const void *name, const void *piece)
{
	return strcmp(name, ((const struct piece *)piece)->name);
}

/* Add n whole months or days that follow one another. */
static int add_pieces(struct work *w, enum level level, const struct piece *pieces, size_t n)
{
	enum reader_step step;
	int rc = ask(w, level == MONTHS ? "SELECT meter, quantity, base_value, coverage, month FROM monthly "
					  "WHERE month >= ?1 AND month <= ?2%s"
					: "SELECT meter, quantity, base_value, coverage, day FROM daily "
					  "WHERE day >= ?1 AND day <= ?2%s");

	if (rc != 0)
		return rc;
	reader_bind_text(w->reader, 1, pieces[0].name);
	reader_bind_text(w->reader, 2, pieces[n - 1].name);
	while ((step = reader_next(w->reader)) == READER_ROW) {
		struct span_counter *c = find_counter(w);
		const struct piece *p = bsearch(reader_text(w->reader, 4), pieces, n, sizeof(*pieces), compare_names);

		if (c != NULL && p != NULL)
			add_amount(c, reader_whole(w->reader, 2),
				   reader_real(w->reader, 3) * (double)(p->until_s - p->from_s));
	}
	return step == READER_END ? 0 : -EIO;
}

/* Add the intervals that lie in a span. */
static int add_intervals(struct work *w, int64_t from_s, int64_t until_s)
{
	enum reader_step step;
	int rc = ask(w, "SELECT meter, quantity, sum(base_value), "
			"sum(CASE quality WHEN 'measured' THEN duration_s ELSE 0 END) FROM interval "
			"WHERE ts >= ?1 AND ts < ?2 AND ts + duration_s <= ?2%s GROUP BY meter, quantity");

	if (rc != 0)
		return rc;
	reader_bind_whole(w->reader, 1, from_s);
	reader_bind_whole(w->reader, 2, until_s);
	while ((step = reader_next(w->reader)) == READER_ROW) {
		struct span_counter *c = find_counter(w);

		if (c != NULL && reader_type(w->reader, 2) != READER_NULL)
			add_amount(c, reader_whole(w->reader, 2), reader_real(w->reader, 3));
	}
	return step == READER_END ? 0 : -EIO;
}

/* Take the rows of a statement: meter, quantity, start, end, amount, share that was measured. */
static int take_rows(struct work *w, struct list *rows)
{
	enum reader_step step;

	while ((step = reader_next(w->reader)) == READER_ROW) {
		struct span_counter *c = find_counter(w);
		struct row *row =
			c != NULL && reader_type(w->reader, 4) != READER_NULL ? add_item(rows, sizeof(*row)) : NULL;

		if (row != NULL)
			*row = (struct row){.counter = c,
					    .from_s = reader_whole(w->reader, 2),
					    .until_s = reader_whole(w->reader, 3),
					    .amount = reader_whole(w->reader, 4),
					    .measured = reader_real(w->reader, 5)};
		else if (c != NULL && reader_type(w->reader, 4) != READER_NULL)
			return -ENOMEM;
	}
	return step == READER_END ? 0 : -EIO;
}

/* The intervals that a span cuts, at its start or at its end. */
static int find_cut_intervals(struct work *w, int64_t from_s, int64_t until_s, struct list *rows)
{
	static const char *const sql[] = {
		"SELECT meter, quantity, ts, ts + duration_s, base_value, quality = 'measured' FROM interval "
		"WHERE ts > ?1 - ?3 AND ts < ?1 AND ts + duration_s > ?1%s",
		"SELECT meter, quantity, ts, ts + duration_s, base_value, quality = 'measured' FROM interval "
		"WHERE ts > ?2 - ?3 AND ts < ?2 AND ts + duration_s > ?2 AND NOT (ts < ?1 AND ts + duration_s > ?1)%s",
	};
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0; i++) {
		rc = ask(w, sql[i]);
		if (rc != 0)
			break;
		reader_bind_whole(w->reader, 1, from_s);
		reader_bind_whole(w->reader, 2, until_s);
		reader_bind_whole(w->reader, 3, LONGEST_S + 1);
		rc = take_rows(w, rows);
	}
	return rc;
}

/* The days of tariffs that lie in a span in part, or overlap others. */
static int find_cut_days(struct work *w, int64_t from_s, int64_t until_s, struct list *rows)
{
	const struct piece *days = w->pieces[DAYS].items;
	int rc = 0;

	for (size_t i = 0; i < w->pieces[DAYS].n && rc == 0; i++) {
		if (days[i].until_s <= from_s || days[i].from_s >= until_s)
			continue;
		rc = ask(w, "SELECT meter, quantity, ?2, ?3, base_value, coverage FROM daily "
			    "WHERE day = ?1 AND quantity LIKE '%%\\_t_' ESCAPE '\\'%s");
		if (rc != 0)
			break;
		reader_bind_text(w->reader, 1, days[i].name);
		reader_bind_whole(w->reader, 2, days[i].from_s);
		reader_bind_whole(w->reader, 3, days[i].until_s);
		rc = take_rows(w, rows);
	}
	return rc;
}

static int add_point(const struct work *w, struct list *points, int64_t at_s, int64_t value, int64_t parts, bool begins,
		     bool ends)
{
	const struct span_counter *c = find_counter(w);
	struct point *p = c != NULL ? add_item(points, sizeof(*p)) : NULL;

	if (p != NULL)
		*p = (struct point){c, {.at_s = at_s, .value = value, .parts = parts, .begins = begins, .ends = ends}};
	return p != NULL || c == NULL ? 0 : -ENOMEM;
}

static int load_readings(struct work *w, int64_t from_s, int64_t until_s, struct list *points)
{
	enum reader_step step;
	int rc = ask(w, "SELECT meter, quantity, ts, value, parts FROM counted_reading WHERE ts >= ?1 AND ts <= ?2%s");

	if (rc != 0)
		return rc;
	reader_bind_whole(w->reader, 1, from_s);
	reader_bind_whole(w->reader, 2, until_s);
	while ((step = reader_next(w->reader)) == READER_ROW && rc == 0)
		rc = add_point(w, points, reader_whole(w->reader, 2), reader_whole(w->reader, 3),
			       reader_whole(w->reader, 4), false, false);
	return rc == 0 && step != READER_END ? -EIO : rc;
}

/* Where lives begin and end, in whole base units: parts is 0. */
static int load_lives(struct work *w, int64_t from_s, int64_t until_s, struct list *points)
{
	enum reader_step step;
	int rc = ask(w, "SELECT meter, quantity, since_ts, from_base_value, until_ts, until_base_value FROM meter_life "
			"WHERE since_ts <= ?2 AND ifnull(until_ts, ?1) >= ?1%s");

	if (rc != 0)
		return rc;
	reader_bind_whole(w->reader, 1, from_s);
	reader_bind_whole(w->reader, 2, until_s);
	while ((step = reader_next(w->reader)) == READER_ROW && rc == 0) {
		if (reader_whole(w->reader, 2) >= from_s)
			rc = add_point(w, points, reader_whole(w->reader, 2), reader_whole(w->reader, 3), 0, true,
				       false);
		if (rc == 0 && reader_type(w->reader, 4) != READER_NULL && reader_whole(w->reader, 4) <= until_s)
			rc = add_point(w, points, reader_whole(w->reader, 4), reader_whole(w->reader, 5), 0, false,
				       true);
	}
	return rc == 0 && step != READER_END ? -EIO : rc;
}

/* By counter and time. At the same time the end of a life, the begin of the next one, then the reading. */
static int compare_points(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->counter != y->counter)
		return x->counter < y->counter ? -1 : 1;
	if (x->at.at_s != y->at.at_s)
		return x->at.at_s < y->at.at_s ? -1 : 1;
	if (x->at.ends != y->at.ends)
		return x->at.ends ? -1 : 1;
	return y->at.begins - x->at.begins;
}

/* The points of one counter as cut.h wants them: the begin and the end of a life are in the parts of the readings, and
 * stand in for the reading of their second. Returns how many. */
static size_t take_points(const struct list *points, const struct span_counter *c, size_t *next, struct cut_point *out)
{
	const struct point *all = points->items;
	int64_t parts = 1;
	size_t n = 0;

	while (*next < points->n && all[*next].counter < c)
		++*next;
	for (size_t i = *next; i < points->n && all[i].counter == c; i++)
		if (all[i].at.parts > 0)
			parts = all[i].at.parts;
	for (; *next < points->n && all[*next].counter == c; ++*next) {
		struct cut_point p = all[*next].at;

		if (p.parts > 0 && n > 0 && out[n - 1].at_s == p.at_s)
			continue;
		if (p.parts == 0) {
			p.parts = parts;
			p.value *= parts;
		}
		out[n++] = p;
	}
	return n;
}

static int compare_moments(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Load what is near to some moments. */
static int load_near(struct work *w, struct list *moments, int64_t near_s, struct list *points)
{
	int64_t *all = moments->items;
	size_t n = moments->n;
	int rc = 0;

	qsort(all, n, sizeof(*all), compare_moments);
	for (size_t i = 0, k; i < n && rc == 0; i = k) {
		for (k = i + 1; k < n && all[k] - all[k - 1] <= 2 * near_s;)
			k++;
		rc = load_readings(w, all[i] - near_s, all[k - 1] + near_s, points);
	}
	if (rc == 0)
		rc = load_lives(w, all[0] - near_s, all[n - 1] + near_s, points);
	if (rc == 0 && points->n > 0)
		qsort(points->items, points->n, sizeof(struct point), compare_points);
	return rc;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->counter != y->counter)
		return x->counter < y->counter ? -1 : 1;
	return x->from_s < y->from_s ? -1 : x->from_s > y->from_s;
}

/* Add a moment, unless it is one of the last. 0 or -ENOMEM. */
static int add_moment(struct list *moments, int64_t at_s)
{
	const int64_t *all = moments->items;
	int64_t *moment;

	for (size_t i = 0; i < moments->n && i < REPEATS; i++)
		if (all[moments->n - 1 - i] == at_s)
			return 0;
	moment = add_item(moments, sizeof(*moment));
	if (moment == NULL)
		return -ENOMEM;
	*moment = at_s;
	return 0;
}

/* The moments whose readings are needed. */
static int list_moments(const struct list *rows, int64_t from_s, int64_t until_s, struct list *moments)
{
	const struct row *all = rows->items;
	int rc = 0;

	for (size_t i = 0; i < rows->n && rc == 0; i++) {
		rc = add_moment(moments, all[i].from_s);
		if (rc == 0)
			rc = add_moment(moments, all[i].until_s);
		if (rc == 0 && all[i].from_s < from_s)
			rc = add_moment(moments, from_s);
		if (rc == 0 && all[i].until_s > until_s)
			rc = add_moment(moments, until_s);
	}
	return rc;
}

/* The points of one counter, and room for as many. */
struct own {
	size_t n;
	struct cut_point *points, *some;
};

static bool is_near(int64_t a_s, int64_t b_s, int64_t near_s)
{
	return a_s - b_s <= near_s && b_s - a_s <= near_s;
}

/* The share of a piece at a moment. Whatever else was loaded, it depends on the points that are near to the moment and
 * to the ends of the piece, and on the lives in it: so it is the same in every span that is cut there. */
static int64_t share_near(const struct row *row, int64_t at_s, const struct own *own, int64_t near_s,
			  bool *is_estimated)
{
	struct cut c = {.from_s = row->from_s, .until_s = row->until_s, .amount = row->amount, .points = own->some};

	for (size_t i = 0; i < own->n; i++) {
		const struct cut_point *p = &own->points[i];
		bool is_inside = p->at_s >= row->from_s - near_s && p->at_s <= row->until_s + near_s;

		if (p->begins || p->ends ? is_inside
					 : is_near(p->at_s, row->from_s, near_s) || is_near(p->at_s, at_s, near_s) ||
						   is_near(p->at_s, row->until_s, near_s))
			own->some[c.n++] = *p;
	}
	return cut_share(&c, at_s, is_estimated);
}

/* The same by the nearest readings that say it. is_last: there are none but those that were loaded. Returns false when
 * more must be loaded. */
static bool share_at(const struct row *row, int64_t at_s, const struct own *own, bool is_last, int64_t *share,
		     bool *is_estimated)
{
	*share = share_near(row, at_s, own, NEAR_S, is_estimated);
	if (*is_estimated && is_last)
		*share = share_near(row, at_s, own, CUT_NEAR_S, is_estimated);
	return is_last || !*is_estimated;
}

/* Add what a cut piece has in the span. Returns false, and nothing is added, when more must be loaded for it. */
static bool add_row(const struct row *row, int64_t from_s, int64_t until_s, const struct own *own, bool is_last)
{
	bool is_from_estimated, is_until_estimated, is_estimated;
	int64_t first_s = row->from_s > from_s ? row->from_s : from_s;
	int64_t last_s = row->until_s < until_s ? row->until_s : until_s;
	int64_t before, share;

	if (!share_at(row, first_s, own, is_last, &before, &is_from_estimated) ||
	    !share_at(row, last_s, own, is_last, &share, &is_until_estimated))
		return false;
	is_estimated = is_from_estimated || is_until_estimated;
	add_amount(row->counter, share - before, is_estimated ? 0 : row->measured * (double)(last_s - first_s));
	row->counter->is_from_estimated |= is_from_estimated;
	row->counter->is_until_estimated |= is_until_estimated;
	return true;
}

/* Add the shares of cut pieces, by the readings that are near to where they are cut. Those for which more must be
 * loaded stay in rows. */
static int try_rows(struct work *w, int64_t from_s, int64_t until_s, bool is_last, struct list *rows)
{
	struct list points = {.n = 0}, moments = {.n = 0};
	struct row *all = rows->items;
	size_t n_left = 0, next = 0;
	struct own own = {.n = 0};
	int rc = list_moments(rows, from_s, until_s, &moments);

	if (rc != 0)
		goto out;
	rc = load_near(w, &moments, is_last ? CUT_NEAR_S : NEAR_S, &points);
	if (rc != 0)
		goto out;
	own.points = malloc((points.n + 1) * sizeof(*own.points));
	own.some = malloc((points.n + 1) * sizeof(*own.some));
	if (own.points == NULL || own.some == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < rows->n; i++) {
		if (i == 0 || all[i].counter != all[i - 1].counter)
			own.n = take_points(&points, all[i].counter, &next, own.points);
		if (!add_row(&all[i], from_s, until_s, &own, is_last))
			all[n_left++] = all[i];
	}
	rows->n = n_left;
out:
	free(own.points);
	free(own.some);
	free(points.items);
	free(moments.items);
	return rc;
}

/* Add the cut pieces of a span. */
static int add_rows(struct work *w, int64_t from_s, int64_t until_s, struct list *rows)
{
	int rc = 0;

	if (rows->n == 0)
		return 0;
	qsort(rows->items, rows->n, sizeof(struct row), compare_rows);
	rc = try_rows(w, from_s, until_s, false, rows);
	if (rc == 0 && rows->n > 0)
		rc = try_rows(w, from_s, until_s, true, rows);
	return rc;
}

/* Add a span in which no month or day lies whole. */
static int add_rest(struct work *w, int64_t from_s, int64_t until_s)
{
	struct list rows = {.n = 0};
	int rc = add_intervals(w, from_s, until_s);

	if (rc == 0)
		rc = find_cut_intervals(w, from_s, until_s, &rows);
	if (rc == 0)
		rc = find_cut_days(w, from_s, until_s, &rows);
	if (rc == 0)
		rc = add_rows(w, from_s, until_s, &rows);
	free(rows.items);
	return rc;
}

/* How many pieces from this one on follow one another in the span; 0 = not even this one can be taken whole. */
static size_t count_whole(const struct list *pieces, size_t i, int64_t from_s, int64_t until_s)
{
	const struct piece *all = pieces->items;
	size_t n = 0;

	while (i + n < pieces->n && all[i + n].is_alone && all[i + n].from_s >= from_s &&
	       all[i + n].until_s <= until_s && (n == 0 || all[i + n].from_s == all[i + n - 1].until_s))
		n++;
	return n;
}

/* Add a span: its whole months, the whole days before, between and behind them, and the rest. */
static int add_span(struct work *w, enum level level, int64_t from_s, int64_t until_s)
{
	const struct piece *pieces = level < INTERVALS ? w->pieces[level].items : NULL;
	int rc = 0;

	if (from_s >= until_s)
		return 0;
	if (level == INTERVALS)
		return add_rest(w, from_s, until_s);
	for (size_t i = 0, n; i < w->pieces[level].n && rc == 0; i += n > 0 ? n : 1) {
		n = count_whole(&w->pieces[level], i, from_s, until_s);
		if (n == 0)
			continue;
		rc = add_span(w, level + 1, from_s, pieces[i].from_s);
		if (rc == 0)
			rc = add_pieces(w, level, &pieces[i], n);
		from_s = pieces[i + n - 1].until_s;
	}
	return rc == 0 ? add_span(w, level + 1, from_s, until_s) : rc;
}

static int run(struct reader *r, const char *sql)
{
	return reader_ask(r, sql) == 0 && reader_next(r) == READER_END ? 0 : -EIO;
}

int span_read(struct span *s, struct reader *r, const struct span_question *q)
{
	struct work w = {.reader = r, .question = q, .span = s};
	int rc = run(r, "BEGIN"); /* all statements see one state */

	write_filter(&w);
	if (rc == 0)
		rc = load_counters(&w);
	for (enum level level = MONTHS; level < INTERVALS && rc == 0; level++)
		rc = load_pieces(&w, level);
	if (rc == 0)
		rc = add_span(&w, MONTHS, q->from_s, q->until_s);
	if (rc == 0)
		rc = run(r, "COMMIT");
	for (enum level level = MONTHS; level < INTERVALS; level++)
		free(w.pieces[level].items);
	return rc;
}

void span_free(struct span *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free((char *)s->counters[i].meter);
		free((char *)s->counters[i].quantity);
		free((char *)s->counters[i].unit);
	}
	free(s->counters);
	*s = (struct span){.n = 0};
}
