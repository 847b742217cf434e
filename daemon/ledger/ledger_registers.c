/* SPDX-License-Identifier: MIT */
#include "ledger_registers.h"

#include <errno.h>
#include <stdio.h>

int ledger_registers_open(struct ledger_registers *l, struct ledger_book *b)
{
	l->book = b;
	ledger_registers_forget(l);
	l->put_midnight = db_prepare(b->db, "INSERT OR IGNORE INTO midnight (day, ts) VALUES (?, ?)");
	l->put = db_prepare(b->db, "INSERT OR IGNORE INTO kept_register (ts, meter, quantity, value, age_s) "
				   "VALUES (?, ?, ?, ?, ?)");
	l->take = db_prepare(b->db, "DELETE FROM kept_register WHERE ts = ? AND meter = ? AND quantity = ?");
	return l->put_midnight != NULL && l->put != NULL && l->take != NULL ? 0 : -EIO;
}

void ledger_registers_close(struct ledger_registers *l)
{
	sqlite3_finalize(l->put_midnight);
	sqlite3_finalize(l->put);
	sqlite3_finalize(l->take);
	*l = (struct ledger_registers){.book = NULL};
}

void ledger_registers_forget(struct ledger_registers *l)
{
	l->midnight_written_s = INT64_MIN;
}

static void write_midnight(struct ledger_registers *l, int64_t midnight_s)
{
	struct ledger_book *b = l->book;

	if (l->midnight_written_s == midnight_s)
		return;
	sqlite3_bind_text(l->put_midnight, 1, calendar_day(&b->calendar, midnight_s)->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(l->put_midnight, 2, midnight_s);
	ledger_book_note(b, db_run(b->db, l->put_midnight));
	l->midnight_written_s = midnight_s;
}

static void write_register(struct ledger_registers *l, int64_t midnight_s, int64_t meter, enum quantity q,
			   int64_t value, int64_t read_s)
{
	struct ledger_book *b = l->book;

	write_midnight(l, midnight_s);
	sqlite3_bind_int64(l->put, 1, midnight_s);
	sqlite3_bind_int64(l->put, 2, meter);
	sqlite3_bind_int64(l->put, 3, b->quantity_id[q]);
	sqlite3_bind_int64(l->put, 4, value);
	sqlite3_bind_int64(l->put, 5, midnight_s - read_s);
	ledger_book_note(b, db_run(b->db, l->put));
}

void ledger_registers_on_interval(struct ledger_registers *l, const struct account_interval *i)
{
	struct ledger_book *b = l->book;

	if (!ledger_book_writes(b, i->start_s) || b->error != 0 ||
	    calendar_day(&b->calendar, i->start_s)->end_s != i->end_s)
		return;
	for (size_t k = 0; k < i->n_values; k++) {
		const struct account_register *end = &i->values[k].end;

		if (end->is_revised) {
			sqlite3_bind_int64(l->take, 1, i->end_s);
			sqlite3_bind_int64(l->take, 2, i->meter);
			sqlite3_bind_int64(l->take, 3, b->quantity_id[i->values[k].quantity]);
			ledger_book_note(b, db_run(b->db, l->take));
		}
		if (end->is_known)
			write_register(l, i->end_s, i->meter, i->values[k].quantity, end->value, end->read_s);
	}
}

void ledger_registers_on_life(struct ledger_registers *l, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw)
{
	struct ledger_book *b = l->book;

	if (ledger_book_writes(b, slot_s) && b->error == 0 && calendar_day(&b->calendar, slot_s)->start_s == slot_s)
		write_register(l, slot_s, meter, q, raw, slot_s);
}

int ledger_registers_clear(struct ledger_registers *l, int64_t from_s)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "DELETE FROM kept_register WHERE ts > %lld; DELETE FROM midnight WHERE ts > %lld",
		 (long long)from_s, (long long)from_s);
	return db_exec(l->book->db, sql);
}
