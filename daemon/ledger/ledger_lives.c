/* SPDX-License-Identifier: MIT */
#include "ledger_lives.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int ledger_lives_open(struct ledger_lives *l, struct ledger_book *b, const struct ledger_limits *limits)
{
	l->book = b;
	l->limits = limits;
	l->put_suspect =
		db_prepare(b->db, "INSERT OR IGNORE INTO suspect (ts, meter, quantity, behind, reason, quality) "
				  "VALUES (?, ?, ?, ?, ?, ?)");
	l->get_suspect = db_prepare(b->db, "SELECT behind, quality FROM suspect "
					   "WHERE ts = ? AND meter = ? AND quantity = ?");
	l->end_life = db_prepare(b->db, "UPDATE life SET until_ts = ?, until_raw = ? "
					"WHERE meter = ? AND quantity = ? AND until_ts IS NULL");
	l->put_life = db_prepare(b->db, "REPLACE INTO life (meter, quantity, from_ts, from_raw, reason) "
					"VALUES (?, ?, ?, ?, ?)");
	l->undo_life = db_prepare(b->db, "DELETE FROM life WHERE meter = ? AND quantity = ? AND from_ts = ?");
	l->resume_life = db_prepare(b->db, "UPDATE life SET until_ts = NULL, until_raw = NULL "
					   "WHERE meter = ?1 AND quantity = ?2 AND from_ts = "
					   "(SELECT max(from_ts) FROM life WHERE meter = ?1 AND quantity = ?2)");
	if (l->put_suspect == NULL || l->get_suspect == NULL || l->end_life == NULL || l->put_life == NULL ||
	    l->undo_life == NULL || l->resume_life == NULL)
		return -EIO;
	return 0;
}

void ledger_lives_close(struct ledger_lives *l)
{
	sqlite3_finalize(l->put_suspect);
	sqlite3_finalize(l->get_suspect);
	sqlite3_finalize(l->end_life);
	sqlite3_finalize(l->put_life);
	sqlite3_finalize(l->undo_life);
	sqlite3_finalize(l->resume_life);
	l->put_suspect = l->get_suspect = l->end_life = l->put_life = l->undo_life = l->resume_life = NULL;
}

void ledger_lives_on_life_ended(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw)
{
	struct ledger_book *b = l->book;

	if (!ledger_book_writes(b, slot_s))
		return;
	sqlite3_bind_int64(l->end_life, 1, slot_s);
	sqlite3_bind_int64(l->end_life, 2, raw);
	sqlite3_bind_int64(l->end_life, 3, meter);
	sqlite3_bind_int64(l->end_life, 4, b->quantity_id[q]);
	ledger_book_note(b, db_run(b->db, l->end_life));
}

void ledger_lives_on_life(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw,
			  int64_t ended_s, int64_t ended_raw, const char *reason)
{
	struct ledger_book *b = l->book;

	if (!ledger_book_writes(b, slot_s))
		return;
	if (ended_s != 0)
		ledger_lives_on_life_ended(l, meter, q, ended_s, ended_raw);
	sqlite3_bind_int64(l->put_life, 1, meter);
	sqlite3_bind_int64(l->put_life, 2, b->quantity_id[q]);
	sqlite3_bind_int64(l->put_life, 3, slot_s);
	sqlite3_bind_int64(l->put_life, 4, raw);
	/* as view meter_life reads it; nearly all lives are first ones */
	sqlite3_bind_text(l->put_life, 5, strcmp(reason, "first") == 0 ? "" : reason, -1, SQLITE_STATIC);
	ledger_book_note(b, db_run(b->db, l->put_life));
}

void ledger_lives_on_life_undone(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s)
{
	struct ledger_book *b = l->book;

	if (!ledger_book_writes(b, slot_s))
		return;
	sqlite3_bind_int64(l->undo_life, 1, meter);
	sqlite3_bind_int64(l->undo_life, 2, b->quantity_id[q]);
	sqlite3_bind_int64(l->undo_life, 3, slot_s);
	ledger_book_note(b, db_run(b->db, l->undo_life));
	sqlite3_bind_int64(l->resume_life, 1, meter);
	sqlite3_bind_int64(l->resume_life, 2, b->quantity_id[q]);
	ledger_book_note(b, db_run(b->db, l->resume_life));
}

/* Where the values of a counter are: for an input, in the tables of its concentrator. */
struct column {
	int64_t meter; /* id of the one that is read */
	const char *kind, *name;
};

/* Returns false when its values are in no table. */
static bool find_column(const struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s,
			struct column *out)
{
	const struct ledger_book *b = l->book;
	int i = ledger_book_find(b, meter);
	const struct ledger_input *input;

	if (i < 0)
		return false;
	out->meter = meter;
	if (b->reg->list[i].is_input) {
		input = ledger_limits_find_input(l->limits, (size_t)i, slot_s);
		if (input == NULL)
			return false;
		out->meter = b->reg->list[input->concentrator].id;
		q = input->pulses;
	}
	if (b->tables->kind_of[q] < 0)
		return false;
	out->kind = b->tables->kinds[b->tables->kind_of[q]].name;
	out->name = names_get(q)->name;
	return true;
}

/* The suspects of a reading of column: those of its meter that are in the same table, or for a row of pulses those of
 * all inputs. Both ?1 and ?2 are bound. */
#define OTHER_SUSPECTS                                                                                                 \
	"SELECT 1 FROM suspect s JOIN quantity q ON q.id = s.quantity LEFT JOIN input_period p ON p.meter = s.meter "  \
	"AND s.ts >= p.from_ts AND s.ts < p.until_ts WHERE s.ts = id >> 14 AND "                                       \
	"((s.meter = %lld AND q.kind = '%s') OR (p.concentrator = %lld AND '%s' = 'pulse'))"

/* Values that were suspect are good: their suspects go, and their rows have the quality of the reading again where that
 * was the last one. */
static int clear_suspects(struct ledger_lives *l, const struct column *c, int64_t meter, enum quantity q,
			  int64_t after_s, int64_t until_s)
{
	struct ledger_book *b = l->book;
	sqlite3_stmt *get =
		db_prepare(b->db,
			   "SELECT ts, quality FROM suspect WHERE ts > %lld AND ts <= %lld AND meter = %lld "
			   "AND quantity = %lld AND NOT behind",
			   (long long)after_s, (long long)until_s, (long long)meter, (long long)b->quantity_id[q]);
	sqlite3_stmt *take = db_prepare(b->db, "DELETE FROM suspect WHERE ts = ?1 AND meter = ?2 AND quantity = ?3");
	sqlite3_stmt *put =
		db_prepare(b->db,
			   "UPDATE reading_%s SET quality = ?1 WHERE id >= ?2 << 14 AND id < (?2 + 1) << 14 "
			   "AND meter = %lld AND quality = 2 AND NOT EXISTS (" OTHER_SUSPECTS ")",
			   c->kind, (long long)c->meter, (long long)c->meter, c->kind, (long long)c->meter, c->kind);
	int rc = get == NULL || take == NULL || put == NULL ? -EIO : 0;

	while (rc == 0 && db_next(b->db, get)) {
		sqlite3_bind_int64(take, 1, sqlite3_column_int64(get, 0));
		sqlite3_bind_int64(take, 2, meter);
		sqlite3_bind_int64(take, 3, b->quantity_id[q]);
		rc = db_run(b->db, take);
		if (rc != 0)
			break;
		sqlite3_bind_int64(put, 1, sqlite3_column_int64(get, 1));
		sqlite3_bind_int64(put, 2, sqlite3_column_int64(get, 0));
		rc = db_run(b->db, put);
	}
	sqlite3_finalize(get);
	sqlite3_finalize(take);
	sqlite3_finalize(put);
	return rc;
}

/* Values that were good are suspect. A row that has another suspect knows the quality of its reading from that one. */
static int add_suspects(struct ledger_lives *l, const struct column *c, int64_t meter, enum quantity q, int64_t after_s,
			int64_t until_s, const char *reason)
{
	struct ledger_book *b = l->book;
	char rows[160];
	sqlite3_stmt *put, *mark;
	int rc;

	snprintf(rows, sizeof(rows), "id >= %lld AND id < %lld AND +meter = %lld AND %s IS NOT NULL",
		 (long long)(after_s + 1) << DB_SLOT_BITS, (long long)(until_s + 1) << DB_SLOT_BITS,
		 (long long)c->meter, c->name);
	put = db_prepare(b->db,
			 "INSERT OR IGNORE INTO suspect (ts, meter, quantity, behind, reason, quality) "
			 "SELECT id >> 14, %lld, %lld, 0, ?, CASE quality WHEN 2 THEN "
			 "ifnull((SELECT max(s.quality) FROM suspect s WHERE s.ts = id >> 14 AND s.meter = %lld), 0) "
			 "ELSE quality END FROM reading_%s WHERE %s",
			 (long long)meter, (long long)b->quantity_id[q], (long long)meter, c->kind, rows);
	mark = db_prepare(b->db, "UPDATE reading_%s SET quality = 2 WHERE quality <> 2 AND %s", c->kind, rows);
	rc = put == NULL || mark == NULL ? -EIO : 0;
	if (rc == 0) {
		sqlite3_bind_text(put, 1, reason, -1, SQLITE_STATIC);
		rc = db_run(b->db, put);
	}
	if (rc == 0)
		rc = db_run(b->db, mark);
	sqlite3_finalize(put);
	sqlite3_finalize(mark);
	return rc;
}

void ledger_lives_on_reconsidered(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t after_s,
				  int64_t until_s, const char *reason)
{
	struct ledger_book *b = l->book;
	struct column c;

	if (after_s < b->write_from_s)
		after_s = b->write_from_s - 1;
	if (!b->writes_suspects || b->error != 0 || until_s <= after_s || !find_column(l, meter, q, until_s, &c))
		return;
	ledger_book_note(b, reason == NULL ? clear_suspects(l, &c, meter, q, after_s, until_s)
					   : add_suspects(l, &c, meter, q, after_s, until_s, reason));
}

void ledger_lives_on_suspect(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, bool behind,
			     const char *reason)
{
	struct ledger_suspect *suspect;

	/* its row is there */
	if (l->book->mode != LEDGER_LIVE && !behind)
		ledger_lives_on_reconsidered(l, meter, q, slot_s - 1, slot_s, reason);
	if (l->book->mode != LEDGER_LIVE || l->n_suspects == sizeof(l->suspects) / sizeof(l->suspects[0]))
		return;
	suspect = &l->suspects[l->n_suspects++];
	*suspect = (struct ledger_suspect){
		.meter = meter, .slot_s = slot_s, .quantity = q, .behind = behind, .quality = l->quality};
	snprintf(suspect->reason, sizeof(suspect->reason), "%s", reason);
}

/* Of several counters that do the same in one reading only the first is an event: tables life and suspect have all. */
void ledger_lives_on_event(struct ledger_lives *l, int64_t meter, int64_t slot_s, const char *kind, const char *detail)
{
	struct ledger_book *b = l->book;
	int i = ledger_book_find(b, meter);

	if (b->mode != LEDGER_LIVE || i < 0)
		return;
	if (l->last_event_meter == meter && l->last_event_s == slot_s && strcmp(l->last_event_kind, kind) == 0)
		return;
	l->last_event_meter = meter;
	l->last_event_s = slot_s;
	snprintf(l->last_event_kind, sizeof(l->last_event_kind), "%s", kind);
	b->sink.event(b->sink.context, slot_s * 1000, b->reg->list[i].name, kind, detail);
}

int ledger_lives_write_suspects(struct ledger_lives *l, unsigned kinds)
{
	struct ledger_book *b = l->book;
	int rc = 0;

	for (size_t i = 0; i < l->n_suspects && rc == 0; i++) {
		const struct ledger_suspect *suspect = &l->suspects[i];
		int meter = ledger_book_find(b, suspect->meter);
		int kind = b->tables->kind_of[suspect->quantity];

		if (meter >= 0 && b->reg->list[meter].is_input)
			kind = b->tables->kind_of[Q_PULSES_1];
		if (kind < 0 || !(kinds & 1U << kind))
			continue;
		sqlite3_bind_int64(l->put_suspect, 1, suspect->slot_s);
		sqlite3_bind_int64(l->put_suspect, 2, suspect->meter);
		sqlite3_bind_int64(l->put_suspect, 3, b->quantity_id[suspect->quantity]);
		sqlite3_bind_int(l->put_suspect, 4, suspect->behind);
		sqlite3_bind_text(l->put_suspect, 5, suspect->reason, -1, SQLITE_STATIC);
		sqlite3_bind_int(l->put_suspect, 6, (int)suspect->quality);
		rc = db_run(b->db, l->put_suspect);
	}
	ledger_lives_forget(l);
	return rc;
}

int ledger_lives_mark_row(struct ledger_lives *l, int64_t meter, int64_t slot_s, unsigned kinds)
{
	struct ledger_book *b = l->book;
	int rc = ledger_lives_write_suspects(l, kinds);
	char sql[200];

	for (size_t k = 0; k < b->tables->n_kinds && rc == 0; k++) {
		if (!(kinds & 1U << k))
			continue;
		snprintf(sql, sizeof(sql),
			 "UPDATE reading_%s SET quality = 2 WHERE id >= %lld AND id < %lld AND meter = %lld",
			 b->tables->kinds[k].name, (long long)slot_s << DB_SLOT_BITS,
			 (long long)(slot_s + 1) << DB_SLOT_BITS, (long long)meter);
		rc = db_exec(b->db, sql);
	}
	return rc;
}

void ledger_lives_begin(struct ledger_lives *l, enum reading_quality quality)
{
	l->n_suspects = 0;
	l->quality = quality;
}

void ledger_lives_forget(struct ledger_lives *l)
{
	l->n_suspects = 0;
}

bool ledger_lives_is_suspect(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, bool *behind,
			     enum reading_quality *quality)
{
	bool is_suspect;

	sqlite3_bind_int64(l->get_suspect, 1, slot_s);
	sqlite3_bind_int64(l->get_suspect, 2, meter);
	sqlite3_bind_int64(l->get_suspect, 3, l->book->quantity_id[q]);
	is_suspect = db_next(l->book->db, l->get_suspect);
	*behind = is_suspect && sqlite3_column_int(l->get_suspect, 0) != 0;
	*quality = is_suspect ? (enum reading_quality)sqlite3_column_int(l->get_suspect, 1) : READING_GOOD;
	sqlite3_reset(l->get_suspect);
	return is_suspect;
}

int ledger_lives_clear_suspects(struct ledger_lives *l, int64_t from_s)
{
	struct ledger_book *b = l->book;
	/* a column is that of one period of an input */
	sqlite3_stmt *get = db_prepare(
		b->db,
		"SELECT s.meter, q.name, min(s.ts) - 1, max(s.ts) FROM suspect s JOIN quantity q ON q.id = s.quantity "
		"LEFT JOIN input_period p ON p.meter = s.meter AND s.ts >= p.from_ts AND s.ts < p.until_ts "
		"WHERE NOT s.behind AND s.ts >= %lld GROUP BY s.meter, q.id, p.from_ts",
		(long long)from_s);
	int rc = get == NULL ? -EIO : 0;

	while (rc == 0 && db_next(b->db, get)) {
		int q = names_find((const char *)sqlite3_column_text(get, 1));

		if (q >= 0)
			ledger_lives_on_reconsidered(l, sqlite3_column_int64(get, 0), (enum quantity)q,
						     sqlite3_column_int64(get, 2), sqlite3_column_int64(get, 3), NULL);
		rc = b->error;
	}
	if (get != NULL && sqlite3_finalize(get) != SQLITE_OK && rc == 0)
		rc = db_fail(b->db, "read");
	return rc;
}

int ledger_lives_clear(struct ledger_lives *l, int64_t from_s)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM life WHERE from_ts >= %lld; "
		 "UPDATE life SET until_ts = NULL, until_raw = NULL WHERE until_ts >= %lld",
		 (long long)from_s, (long long)from_s);
	return db_exec(l->book->db, sql);
}

int ledger_lives_clear_counter(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t after_s)
{
	struct ledger_book *b = l->book;
	char sql[120];
	int rc;

	snprintf(sql, sizeof(sql), "DELETE FROM life WHERE meter = %lld AND quantity = %lld AND from_ts > %lld",
		 (long long)meter, (long long)b->quantity_id[q], (long long)after_s);
	rc = db_exec(b->db, sql);
	if (rc != 0)
		return rc;
	sqlite3_bind_int64(l->resume_life, 1, meter);
	sqlite3_bind_int64(l->resume_life, 2, b->quantity_id[q]);
	return db_run(b->db, l->resume_life);
}
