/* SPDX-License-Identifier: MIT */
#include "ledger_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)ACCOUNT_PACKED_MAX <= (int)SQUEEZE_PIECE_MAX, "a counter is one piece");

int ledger_state_open(struct ledger_state *l, struct ledger_book *b)
{
	l->book = b;
	l->put_meter = db_prepare(
		b->db, "REPLACE INTO account (meter, last_ts, counter_max, unsure_ts, sure_ms, before, passed_ts) "
		       "VALUES (?, ?, ?, ?, ?, ?, ?)");
	l->put_counter = db_prepare(
		b->db,
		"REPLACE INTO account_counter (meter, before, quantity, parts, living, age_s, raw, life_s, state) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	l->take_counters = db_prepare(b->db, "DELETE FROM account_counter WHERE meter = ? AND before = ?");
	l->is_kept = db_prepare(b->db, "SELECT 1 FROM account WHERE meter = ? AND before = ? AND last_ts > ?");
	l->has_exchange = db_prepare(b->db, "SELECT 1 FROM request_log WHERE state = 'done' AND at_ts >= ? LIMIT 1");
	if (l->put_meter == NULL || l->put_counter == NULL || l->take_counters == NULL || l->is_kept == NULL ||
	    l->has_exchange == NULL)
		return -EIO;
	return 0;
}

void ledger_state_close(struct ledger_state *l)
{
	sqlite3_finalize(l->put_meter);
	sqlite3_finalize(l->put_counter);
	sqlite3_finalize(l->take_counters);
	sqlite3_finalize(l->is_kept);
	sqlite3_finalize(l->has_exchange);
	l->put_meter = l->put_counter = l->take_counters = l->is_kept = l->has_exchange = NULL;
}

void ledger_state_want(struct ledger_state *l)
{
	l->is_wanted = true;
}

static int save_counter(struct ledger_state *l, const struct account_meter *m, const struct account_counter *c,
			int64_t before)
{
	const struct account_place *given = &c->given;
	const int64_t values[] = {m->id,
				  before,
				  l->book->quantity_id[c->quantity],
				  c->parts,
				  c->living,
				  m->last_s - given->slot_s,
				  given->raw,
				  given->slot_s - given->life_s};
	uint8_t packed[ACCOUNT_PACKED_MAX], squeezed[SQUEEZE_ROOM(ACCOUNT_PACKED_MAX)];
	size_t n_squeezed = squeeze_put(&l->squeeze, packed, account_pack(c, packed), squeezed);
	int n = 1;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		sqlite3_bind_int64(l->put_counter, n++, values[i]);
	sqlite3_bind_blob(l->put_counter, n, squeezed, (int)n_squeezed, SQLITE_STATIC);
	return db_run(l->book->db, l->put_counter);
}

/* The counter of m whose quantity has the next id after *id, which it becomes; NULL = there is none. */
static const struct account_counter *next_counter(const struct ledger_state *l, const struct account_meter *m,
						  int64_t *id)
{
	const struct account_counter *next = NULL;
	int64_t least = INT64_MAX;

	for (size_t k = 0; k < m->n_counters; k++) {
		int64_t of = l->book->quantity_id[m->counters[k].quantity];

		if (of > *id && of < least) {
			least = of;
			next = &m->counters[k];
		}
	}
	*id = least;
	return next;
}

/* before: of enum ledger_state_of. */
static int save(struct ledger_state *l, const struct account_meter *m, int64_t before)
{
	const struct account_counter *c;
	int64_t id = INT64_MIN;
	int rc;

	sqlite3_bind_int64(l->put_meter, 1, m->id);
	sqlite3_bind_int64(l->put_meter, 2, m->last_s);
	sqlite3_bind_int64(l->put_meter, 3, m->counter_max);
	sqlite3_bind_int64(l->put_meter, 4, m->unsure_s);
	sqlite3_bind_int64(l->put_meter, 5, m->sure_ms);
	sqlite3_bind_int64(l->put_meter, 6, before);
	sqlite3_bind_int64(l->put_meter, 7, m->passed_s);
	rc = db_run(l->book->db, l->put_meter);
	if (rc != 0)
		return rc;
	sqlite3_bind_int64(l->take_counters, 1, m->id);
	sqlite3_bind_int64(l->take_counters, 2, before);
	rc = db_run(l->book->db, l->take_counters);
	squeeze_begin(&l->squeeze);
	while (rc == 0 && (c = next_counter(l, m, &id)) != NULL)
		rc = save_counter(l, m, c, before);
	return rc;
}

/* Whether an exchange may have been made that is not before this slot. Then no state of it is kept: nobody could see
 * whether it has that exchange. */
static bool has_exchange_since(const struct ledger_state *l, int64_t slot_s)
{
	sqlite3_bind_int64(l->has_exchange, 1, slot_s);
	return db_answer(l->book->db, l->has_exchange, 0) != 0;
}

int ledger_state_keep_first(struct ledger_state *l, size_t i)
{
	const struct account_meter *m = &l->book->meters[i].account;
	char sql[280];

	if (has_exchange_since(l, m->last_s))
		return 0;
	snprintf(sql, sizeof(sql),
		 "INSERT OR IGNORE INTO account (meter, before, last_ts, counter_max) SELECT %lld, %d, %lld, 0 "
		 "WHERE NOT EXISTS (SELECT 1 FROM life WHERE meter = %lld AND from_ts < %lld)",
		 (long long)m->id, LEDGER_STATE_KEPT, (long long)m->last_s, (long long)m->id, (long long)m->last_s);
	return db_exec(l->book->db, sql);
}

/* Whether there is a kept state of a meter from after this slot. */
static bool is_kept_since(const struct ledger_state *l, const struct account_meter *m, int64_t slot_s)
{
	sqlite3_bind_int64(l->is_kept, 1, m->id);
	sqlite3_bind_int(l->is_kept, 2, LEDGER_STATE_KEPT);
	sqlite3_bind_int64(l->is_kept, 3, slot_s);
	return db_answer(l->book->db, l->is_kept, 0) != 0;
}

/* Keep the state that meter i has now if the last kept one is old enough. */
static int keep(struct ledger_state *l, size_t i)
{
	struct ledger_book *b = l->book;
	const struct account_meter *m = &b->meters[i].account;
	char sql[500];
	int rc;

	if (m->last_s == 0 || m->passed_s != 0 || is_kept_since(l, m, m->last_s - LEDGER_KEEP_EVERY_S) ||
	    has_exchange_since(l, m->last_s))
		return 0;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM account WHERE meter = %lld AND before = %d; "
		 "DELETE FROM account_counter WHERE meter = %lld AND before = %d; "
		 "UPDATE account SET before = %d WHERE meter = %lld AND before = %d; "
		 "UPDATE account_counter SET before = %d WHERE meter = %lld AND before = %d",
		 (long long)m->id, LEDGER_STATE_OLDER, (long long)m->id, LEDGER_STATE_OLDER, LEDGER_STATE_OLDER,
		 (long long)m->id, LEDGER_STATE_KEPT, LEDGER_STATE_OLDER, (long long)m->id, LEDGER_STATE_KEPT);
	rc = db_exec(b->db, sql);
	return rc == 0 ? save(l, m, LEDGER_STATE_KEPT) : rc;
}

int ledger_state_save(struct ledger_state *l, bool always)
{
	struct ledger_book *b = l->book;

	if (b->mode == LEDGER_CLOSED)
		return 0;
	for (size_t i = 0; i < b->n && !always; i++)
		always = b->meters[i].is_changed && b->meters[i].account.passed_s != 0;
	if (!always && !l->is_wanted && llabs(b->newest_s - l->saved_s) < LEDGER_SAVE_EVERY_S)
		return 0;
	for (size_t i = 0; i < b->n; i++) {
		int rc = b->meters[i].is_changed ? save(l, &b->meters[i].account, LEDGER_STATE_NOW) : 0;

		if (rc == 0 && b->meters[i].is_changed)
			rc = keep(l, i);
		if (rc != 0)
			return rc;
		ledger_book_saved(b, i);
	}
	l->saved_s = b->newest_s;
	l->is_wanted = false;
	return 0;
}

int ledger_state_save_before(struct ledger_state *l, size_t i, int64_t request)
{
	const struct account_meter *m = &l->book->meters[i].account;
	char sql[160];
	int rc;

	snprintf(sql, sizeof(sql),
		 "DELETE FROM account WHERE meter = %lld AND before > 0; "
		 "DELETE FROM account_counter WHERE meter = %lld AND before > 0",
		 (long long)m->id, (long long)m->id);
	rc = db_exec(l->book->db, sql);
	return rc == 0 ? save(l, m, request) : rc;
}

int ledger_state_forget_before(struct ledger_state *l)
{
	return db_exec(l->book->db,
		       "DELETE FROM account WHERE before <> 0; DELETE FROM account_counter WHERE before <> 0");
}

int ledger_state_forget_kept(struct ledger_state *l, size_t i, int64_t after_s)
{
	long long id = (long long)l->book->meters[i].account.id;
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM account_counter WHERE meter = %lld AND before IN "
		 "(SELECT before FROM account WHERE meter = %lld AND before < 0 AND last_ts > %lld); "
		 "DELETE FROM account WHERE meter = %lld AND before < 0 AND last_ts > %lld",
		 id, id, (long long)after_s, id, (long long)after_s);
	return db_exec(l->book->db, sql);
}

enum ledger_state_of ledger_state_find_kept(const struct ledger_state *l, size_t i, int64_t *last_s)
{
	char sql[160];

	for (int kept = LEDGER_STATE_OLDER; kept < LEDGER_STATE_NOW; kept++) {
		snprintf(sql, sizeof(sql), "SELECT last_ts FROM account WHERE meter = %lld AND before = %d",
			 (long long)l->book->meters[i].account.id, kept);
		*last_s = db_number(l->book->db, sql, 0);
		if (*last_s != 0)
			return (enum ledger_state_of)kept;
	}
	return LEDGER_STATE_NOW;
}

int ledger_state_load_counter_max(struct ledger_state *l)
{
	struct ledger_book *b = l->book;
	sqlite3_stmt *get = db_prepare(b->db, "SELECT meter, counter_max FROM account WHERE before = 0");

	while (get != NULL && db_next(b->db, get)) {
		int i = ledger_book_find(b, sqlite3_column_int64(get, 0));

		if (i >= 0)
			ledger_book_set_counter_max(b, (size_t)i, sqlite3_column_int64(get, 1));
	}
	return sqlite3_finalize(get) == SQLITE_OK && get != NULL ? 0 : db_fail(b->db, "read");
}

/* Take one row of a counter. 0 or -ENOMEM. */
static int load_counter(struct ledger_state *l, sqlite3_stmt *row)
{
	struct ledger_book *b = l->book;
	int i = ledger_book_find(b, sqlite3_column_int64(row, 0));
	const char *name = (const char *)sqlite3_column_text(row, 1);
	int q = name != NULL ? names_find(name) : -1;
	struct account_counter c = {.quantity = (enum quantity)q,
				    .parts = sqlite3_column_int64(row, 2),
				    .living = sqlite3_column_int(row, 3),
				    .given = {.slot_s = sqlite3_column_int64(row, 4),
					      .raw = sqlite3_column_int64(row, 5),
					      .life_s = sqlite3_column_int64(row, 6)}};
	const uint8_t *squeezed = sqlite3_column_blob(row, 7), *packed;
	size_t n = 0;

	/* those after it are squeezed after this one, whether it is known or not */
	packed = squeeze_get(&l->squeeze, squeezed, (size_t)sqlite3_column_bytes(row, 7), &n);
	return i >= 0 && q >= 0 ? ledger_book_restore_counter(b, (size_t)i, &c, packed, n) : 0;
}

/* Load what a condition selects. *n: how many meters it did. */
static int load(struct ledger_state *l, const char *where, size_t *n)
{
	struct ledger_book *b = l->book;
	sqlite3_stmt *get = db_prepare(
		b->db, "SELECT meter, last_ts, counter_max, unsure_ts, sure_ms, passed_ts FROM account WHERE %s",
		where);
	sqlite3_stmt *get_counter =
		db_prepare(b->db,
			   "SELECT meter, q.name, parts, living, last_ts - age_s, raw, last_ts - age_s - life_s, state "
			   "FROM account_counter c JOIN account USING (meter, before) "
			   "LEFT JOIN quantity q ON q.id = c.quantity WHERE %s ORDER BY meter, before, c.quantity",
			   where);
	int rc = get != NULL && get_counter != NULL ? 0 : -EIO, ended, ended_counter;
	int64_t meter = 0;

	while (rc == 0 && db_next(b->db, get)) {
		int i = ledger_book_find(b, sqlite3_column_int64(get, 0));
		struct account_meter saved = {.last_s = sqlite3_column_int64(get, 1),
					      .counter_max = sqlite3_column_int64(get, 2),
					      .unsure_s = sqlite3_column_int64(get, 3),
					      .sure_ms = sqlite3_column_int64(get, 4),
					      .passed_s = sqlite3_column_int64(get, 5)};

		if (i < 0)
			continue;
		++*n;
		ledger_book_restore(b, (size_t)i, &saved);
		if (saved.last_s > b->newest_s)
			ledger_book_set_newest(b, saved.last_s);
	}
	while (rc == 0 && db_next(b->db, get_counter)) {
		if (sqlite3_column_int64(get_counter, 0) != meter)
			squeeze_begin(&l->squeeze);
		meter = sqlite3_column_int64(get_counter, 0);
		rc = load_counter(l, get_counter);
	}
	ended = sqlite3_finalize(get);
	ended_counter = sqlite3_finalize(get_counter);
	if (rc == 0 && (ended != SQLITE_OK || ended_counter != SQLITE_OK))
		rc = db_fail(b->db, "read");
	return rc;
}

int ledger_state_load(struct ledger_state *l)
{
	size_t n = 0;
	int rc = load(l, "before = 0", &n);

	if (rc == 0)
		l->saved_s = l->book->newest_s;
	return rc;
}

int ledger_state_load_before(struct ledger_state *l, size_t i, int64_t state)
{
	char where[80];
	size_t n = 0;
	int rc;

	snprintf(where, sizeof(where), "meter = %lld AND before = %lld", (long long)l->book->meters[i].account.id,
		 (long long)state);
	rc = load(l, where, &n);
	return rc == 0 && n == 0 ? -ENOENT : rc;
}
