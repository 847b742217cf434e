/* SPDX-License-Identifier: MIT */
#include "db_walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TORN_MAX = 10000, /* torn rows after which a table is given up */
	DAY_S = 86400,
};

int db_walk_init(struct db_walk *w, sqlite3 *from, const char *table, const char *columns, struct db_walk_key key)
{
	*w = (struct db_walk){.from = from, .columns = strdup(columns), .key = key};
	snprintf(w->table, sizeof(w->table), "%s", table);
	db_walk_rewind(w);
	return w->columns != NULL ? 0 : -ENOMEM;
}

void db_walk_fini(struct db_walk *w)
{
	sqlite3_finalize(w->get);
	free(w->columns);
	*w = (struct db_walk){.is_done = true};
}

void db_walk_rewind(struct db_walk *w)
{
	sqlite3_finalize(w->get);
	w->get = NULL;
	w->limit_s = w->certain_s = INT64_MAX;
	w->back_s = 0;
	w->n_torn = 0;
	w->last[0].is_there = w->last[1].is_there = false;
	w->from_beginning = w->is_done = false;
}

/* Nothing later than this slot. */
static void bind_limit(struct db_walk *w, int64_t slot_s)
{
	int64_t last = -1;

	if (slot_s >= INT64_MAX >> w->key.shift)
		last = INT64_MAX;
	else if (slot_s >= 0)
		last = ((slot_s + 1) << w->key.shift) - 1;
	sqlite3_bind_int64(w->get, 1, last);
}

/* NULL: the table cannot be read at all. */
static sqlite3_stmt *prepare_get(const struct db_walk *w)
{
	sqlite3_stmt *get = NULL;
	char order[200];
	char *sql;

	db_key_order(w->from, w->table, w->from_beginning ? "" : " DESC", order, sizeof(order));
	if (w->key.column != NULL)
		sql = sqlite3_mprintf("SELECT %s FROM \"%w\" WHERE %s <= ?1 ORDER BY %s", w->columns, w->table,
				      w->key.column, order);
	else
		sql = sqlite3_mprintf("SELECT %s FROM \"%w\" ORDER BY %s", w->columns, w->table, order);
	if (sql == NULL || sqlite3_prepare_v2(w->from, sql, -1, &get, NULL) != SQLITE_OK)
		get = NULL;
	sqlite3_free(sql);
	return get;
}

/* Can a row of that slot or before be read, or be seen to be none? */
static bool is_readable(struct db_walk *w, int64_t slot_s)
{
	int code;

	sqlite3_reset(w->get);
	bind_limit(w, slot_s);
	code = sqlite3_step(w->get);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* Nothing can be read just before limit_s: find the newest slot where something can. */
static void search_readable_slot(struct db_walk *w)
{
	int64_t bad_s = w->limit_s, good_s = 0, gap_s = 1;

	while (gap_s < w->limit_s && !is_readable(w, w->limit_s - gap_s)) {
		bad_s = w->limit_s - gap_s;
		gap_s *= 2;
	}
	if (gap_s < w->limit_s)
		good_s = w->limit_s - gap_s;
	else
		w->is_done = true;
	while (!w->is_done && bad_s - good_s > 1) {
		int64_t middle_s = good_s + (bad_s - good_s) / 2;

		if (is_readable(w, middle_s))
			good_s = middle_s;
		else
			bad_s = middle_s;
	}
	w->limit_s = w->certain_s = good_s;
	sqlite3_reset(w->get);
	bind_limit(w, good_s);
}

/* The row that comes next cannot be read. */
static void skip_unreadable(struct db_walk *w, int64_t now_s)
{
	if (w->key.column != NULL && w->get != NULL) {
		if (w->limit_s == INT64_MAX)
			w->limit_s = now_s + DAY_S;
		search_readable_slot(w);
		return;
	}
	sqlite3_finalize(w->get);
	w->get = NULL;
	w->is_done = w->from_beginning || w->key.column != NULL;
	w->from_beginning = true;
}

/* The key of this row, of slot_s, is out of order: it is torn, or that of the row before it. */
static void skip_torn_row(struct db_walk *w, int64_t slot_s, int64_t now_s)
{
	/* its key is believed once: continue below it */
	if (w->back_s == 0 && slot_s > 0 && slot_s < w->certain_s)
		w->certain_s = slot_s;
	else if (w->certain_s == INT64_MAX)
		w->certain_s = now_s + DAY_S;
	w->back_s = w->back_s > 0 ? 2 * w->back_s : 1;
	w->certain_s -= w->back_s;
	w->limit_s = w->certain_s;
	w->is_done = ++w->n_torn > TORN_MAX || w->limit_s < 0;
	sqlite3_reset(w->get);
	if (!w->is_done)
		bind_limit(w, w->limit_s);
}

/* Is the key of this row one at all, and behind that of the row before? */
static bool is_in_order(const struct db_walk *w, int64_t key, int64_t meter)
{
	if (sqlite3_column_type(w->get, 0) != SQLITE_INTEGER || sqlite3_column_type(w->get, 1) != SQLITE_INTEGER)
		return false;
	if (key >> w->key.shift > w->limit_s)
		return false;
	return !w->last[0].is_there || key < w->last[0].key ||
	       (w->key.shift == 0 && key == w->last[0].key && meter <= w->last[0].meter);
}

/* The row read two before this one has good rows behind it now: it is beyond doubt. */
static void note_row(struct db_walk *w, int64_t key, int64_t meter)
{
	if (w->last[1].is_there && w->last[1].key >> w->key.shift < w->certain_s) {
		w->certain_s = w->last[1].key >> w->key.shift;
		w->back_s = 0;
	}
	w->last[1] = w->last[0];
	w->last[0] = (struct db_walk_row){.is_there = true, .key = key, .meter = meter};
	w->limit_s = key >> w->key.shift;
}

static void doubt_last_rows(struct db_walk *w)
{
	for (int i = 0; i < 2; i++) {
		w->doubtful[i] = w->last[i];
		w->last[i].is_there = false;
	}
}

enum db_walk_found db_walk_next(struct db_walk *w, int64_t now_s)
{
	int64_t key, meter;
	int code;

	if (w->is_done)
		return DB_WALK_END;
	if (w->get == NULL) {
		w->get = prepare_get(w);
		if (w->get != NULL && w->key.column != NULL)
			bind_limit(w, w->limit_s);
	}
	code = w->get != NULL ? sqlite3_step(w->get) : SQLITE_CORRUPT;
	if (code == SQLITE_DONE) {
		w->is_done = true;
		return DB_WALK_END;
	}
	if (code != SQLITE_ROW) {
		doubt_last_rows(w);
		skip_unreadable(w, now_s);
		return DB_WALK_HOLE;
	}
	if (w->key.column == NULL)
		return DB_WALK_ROW;
	key = sqlite3_column_int64(w->get, 0);
	meter = sqlite3_column_int64(w->get, 1);
	if (!is_in_order(w, key, meter)) {
		doubt_last_rows(w);
		skip_torn_row(w, key >> w->key.shift, now_s);
		return DB_WALK_HOLE;
	}
	note_row(w, key, meter);
	return DB_WALK_ROW;
}
