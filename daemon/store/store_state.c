/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>

int store_state_open(struct store *s)
{
	struct store_account *a = &s->account;

	a->put_account = db_prepare(&s->db, "REPLACE INTO account (meter, last_ts, counter_max) VALUES (?, ?, ?)");
	a->put_counter = db_prepare(
		&s->db,
		"REPLACE INTO account_counter (meter, quantity, parts, living, life_ts, ts, raw, moved_ts, seen_ts, "
		"open_ts, sum, rest, ended_raw, known_s, estimated, modulus, n_suspect, suspect_ts, suspect_raw, "
		"suspect_last_ts, suspect_last_raw) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	return a->put_account && a->put_counter ? 0 : -EIO;
}

void store_state_close(struct store *s)
{
	sqlite3_finalize(s->account.put_account);
	sqlite3_finalize(s->account.put_counter);
}

static int save_counter(struct store *s, int64_t meter, const struct account_counter *c)
{
	sqlite3_stmt *put = s->account.put_counter;
	const int64_t always[] = {meter,	s->account.db_id[c->quantity],
				  c->parts,	c->living ? 1 + c->was_reset : 0,
				  c->life_s,	c->slot_s,
				  c->raw,	c->moved_s,
				  c->seen_s,	c->open_s,
				  c->sum,	c->rest,
				  c->ended_raw, c->known_s,
				  c->estimated, c->modulus,
				  c->n_suspect};
	const int64_t suspect[] = {c->suspect_s, c->suspect_raw, c->suspect_last_s, c->suspect_last_raw};
	int n = 1;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		sqlite3_bind_int64(put, n++, always[i]);
	for (size_t i = 0; i < sizeof(suspect) / sizeof(suspect[0]) && c->n_suspect > 0; i++)
		sqlite3_bind_int64(put, n++, suspect[i]);
	return db_run(&s->db, put);
}

static int save_meter(struct store *s, struct store_meter *m)
{
	sqlite3_stmt *put = s->account.put_account;
	int r;

	sqlite3_bind_int64(put, 1, m->id);
	sqlite3_bind_int64(put, 2, m->account.last_s);
	sqlite3_bind_int64(put, 3, m->account.counter_max);
	r = db_run(&s->db, put);
	for (size_t i = 0; i < m->account.n_counters && r == 0; i++)
		r = save_counter(s, m->id, &m->account.counters[i]);
	return r;
}

int store_state_save(struct store *s, bool always)
{
	struct store_account *a = &s->account;
	int r = 0;

	if (!a->loaded || (!always && !a->save_wanted && llabs(a->newest_s - a->saved_s) < STORE_SAVE_EVERY_S))
		return 0;
	for (size_t i = 0; i < s->n_meters && r == 0; i++) {
		if (!s->meters[i].account_changed)
			continue;
		r = save_meter(s, &s->meters[i]);
		s->meters[i].account_changed = false;
	}
	a->saved_s = a->newest_s;
	a->save_wanted = false;
	return r;
}

int store_state_load_counter_max(struct store *s)
{
	sqlite3_stmt *get = db_prepare(&s->db, "SELECT meter, counter_max FROM account");

	while (get && sqlite3_step(get) == SQLITE_ROW) {
		struct store_meter *m = store_find_meter(s, sqlite3_column_int64(get, 0));

		if (m)
			m->account.counter_max = sqlite3_column_int64(get, 1);
	}
	return sqlite3_finalize(get) == SQLITE_OK && get ? 0 : db_fail(&s->db, "read");
}

int store_state_load(struct store *s)
{
	sqlite3_stmt *get = db_prepare(&s->db, "SELECT meter, last_ts, counter_max FROM account");
	sqlite3_stmt *get_counter = db_prepare(
		&s->db, "SELECT c.meter, q.name, living, life_ts, ts, raw, moved_ts, seen_ts, open_ts, sum, known_s, "
			"estimated, modulus, n_suspect, suspect_ts, suspect_raw, suspect_last_ts, suspect_last_raw, "
			"parts, rest, ended_raw "
			"FROM account_counter c JOIN quantity q ON q.id = c.quantity");
	int r = get && get_counter ? 0 : -EIO;

	while (r == 0 && sqlite3_step(get) == SQLITE_ROW) {
		struct store_meter *m = store_find_meter(s, sqlite3_column_int64(get, 0));

		if (!m)
			continue;
		m->account.last_s = sqlite3_column_int64(get, 1);
		m->account.counter_max = sqlite3_column_int64(get, 2);
		if (m->account.last_s > s->account.newest_s)
			s->account.newest_s = m->account.last_s;
	}
	while (r == 0 && sqlite3_step(get_counter) == SQLITE_ROW) {
		struct store_meter *m = store_find_meter(s, sqlite3_column_int64(get_counter, 0));
		int q = names_find((const char *)sqlite3_column_text(get_counter, 1));

		if (!m || q < 0)
			continue;
		struct account_counter c = {.quantity = (enum quantity)q,
					    .living = sqlite3_column_int(get_counter, 2) > 0,
					    .was_reset = sqlite3_column_int(get_counter, 2) > 1,
					    .life_s = sqlite3_column_int64(get_counter, 3),
					    .slot_s = sqlite3_column_int64(get_counter, 4),
					    .raw = sqlite3_column_int64(get_counter, 5),
					    .moved_s = sqlite3_column_int64(get_counter, 6),
					    .seen_s = sqlite3_column_int64(get_counter, 7),
					    .open_s = sqlite3_column_int64(get_counter, 8),
					    .sum = sqlite3_column_int64(get_counter, 9),
					    .known_s = sqlite3_column_int64(get_counter, 10),
					    .estimated = sqlite3_column_int(get_counter, 11),
					    .modulus = sqlite3_column_int64(get_counter, 12),
					    .n_suspect = sqlite3_column_int(get_counter, 13),
					    .suspect_s = sqlite3_column_int64(get_counter, 14),
					    .suspect_raw = sqlite3_column_int64(get_counter, 15),
					    .suspect_last_s = sqlite3_column_int64(get_counter, 16),
					    .suspect_last_raw = sqlite3_column_int64(get_counter, 17),
					    .parts = sqlite3_column_int64(get_counter, 18),
					    .rest = sqlite3_column_int64(get_counter, 19),
					    .ended_raw = sqlite3_column_int64(get_counter, 20)};

		r = account_restore(&m->account, &c);
	}
	int ended = sqlite3_finalize(get), ended_counter = sqlite3_finalize(get_counter);

	if (r == 0 && (ended != SQLITE_OK || ended_counter != SQLITE_OK))
		r = db_fail(&s->db, "read");
	return r;
}
