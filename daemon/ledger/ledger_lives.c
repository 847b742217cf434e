/* SPDX-License-Identifier: MIT */
#include "ledger_lives.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int ledger_lives_open(struct ledger_lives *l, struct ledger_book *b)
{
	l->book = b;
	l->put_suspect = db_prepare(b->db, "INSERT OR IGNORE INTO suspect (ts, meter, quantity, behind, reason) "
					   "VALUES (?, ?, ?, ?, ?)");
	l->get_behind = db_prepare(b->db, "SELECT 1 FROM suspect WHERE ts = ? AND meter = ? AND quantity = ? "
					  "AND behind");
	l->end_life = db_prepare(b->db, "UPDATE life SET until_ts = ?, until_raw = ? "
					"WHERE meter = ? AND quantity = ? AND until_ts IS NULL");
	l->put_life = db_prepare(b->db, "REPLACE INTO life (meter, quantity, from_ts, from_raw, reason) "
					"VALUES (?, ?, ?, ?, ?)");
	if (l->put_suspect == NULL || l->get_behind == NULL || l->end_life == NULL || l->put_life == NULL)
		return -EIO;
	return 0;
}

void ledger_lives_close(struct ledger_lives *l)
{
	sqlite3_finalize(l->put_suspect);
	sqlite3_finalize(l->get_behind);
	sqlite3_finalize(l->end_life);
	sqlite3_finalize(l->put_life);
	l->put_suspect = l->get_behind = l->end_life = l->put_life = NULL;
}

void ledger_lives_on_suspect(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, bool behind,
			     const char *reason)
{
	struct ledger_suspect *suspect;

	if (l->book->mode != LEDGER_LIVE || l->n_suspects == sizeof(l->suspects) / sizeof(l->suspects[0]))
		return;
	suspect = &l->suspects[l->n_suspects++];
	*suspect = (struct ledger_suspect){.meter = meter, .slot_s = slot_s, .quantity = q, .behind = behind};
	snprintf(suspect->reason, sizeof(suspect->reason), "%s", reason);
}

void ledger_lives_on_life(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw,
			  int64_t ended_s, int64_t ended_raw, const char *reason)
{
	struct ledger_book *b = l->book;

	if (!ledger_book_writes(b, slot_s))
		return;
	if (ended_s != 0) {
		sqlite3_bind_int64(l->end_life, 1, ended_s);
		sqlite3_bind_int64(l->end_life, 2, ended_raw);
		sqlite3_bind_int64(l->end_life, 3, meter);
		sqlite3_bind_int64(l->end_life, 4, b->quantity_id[q]);
		ledger_book_note(b, db_run(b->db, l->end_life));
	}
	sqlite3_bind_int64(l->put_life, 1, meter);
	sqlite3_bind_int64(l->put_life, 2, b->quantity_id[q]);
	sqlite3_bind_int64(l->put_life, 3, slot_s);
	sqlite3_bind_int64(l->put_life, 4, raw);
	sqlite3_bind_text(l->put_life, 5, reason, -1, SQLITE_STATIC);
	ledger_book_note(b, db_run(b->db, l->put_life));
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
		rc = db_run(b->db, l->put_suspect);
	}
	ledger_lives_forget(l);
	return rc;
}

void ledger_lives_forget(struct ledger_lives *l)
{
	l->n_suspects = 0;
}

bool ledger_lives_was_behind(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s)
{
	bool behind;

	sqlite3_bind_int64(l->get_behind, 1, slot_s);
	sqlite3_bind_int64(l->get_behind, 2, meter);
	sqlite3_bind_int64(l->get_behind, 3, l->book->quantity_id[q]);
	behind = sqlite3_step(l->get_behind) == SQLITE_ROW;
	sqlite3_reset(l->get_behind);
	return behind;
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
