/* SPDX-License-Identifier: MIT */
/* ledger_registers.h - the value of each counter at each local midnight. Bills are made from it, so it is kept forever:
 * retention takes out the readings, not these rows.
 *
 * Guaranteed: a row is the value that the account counts with: the reading of that moment, or the value between the
 * readings before and after it, in whole base units, rounded down. Inside one life the difference of two rows is the
 * sum of the intervals between them. Between two lives nothing is known, and there is no row.
 *
 * The idea: the account emits the value at the end of each interval with the interval; here those are picked out that
 * end a local day. A life that begins exactly at midnight has no interval that ends there, so its first value is taken
 * from the life.
 *
 * Pitfalls. A row that is there stays, as an interval does: only a value that the account emits in its place replaces
 * it or takes it out. Where the time zone was changed in a day, a counter may pass two midnights of it: both are kept,
 * and the view shows the first one.
 *
 * Safe to run twice: a value that comes again changes nothing.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_REGISTERS_H
#define TALLY_LEDGER_REGISTERS_H

#include <sqlite3.h>
#include <stdint.h>

#include "account.h"
#include "ledger_book.h"

/* Zeros before ledger_registers_open(). */
struct ledger_registers {
	struct ledger_book *book;
	sqlite3_stmt *put_midnight, *put, *take;
	int64_t midnight_written_s; /* the one written last */
};

/* The book must outlive l. 0 or -errno; ledger_registers_close() is due either way. */
int ledger_registers_open(struct ledger_registers *l, struct ledger_book *b);
void ledger_registers_close(struct ledger_registers *l);

/* As the members of struct account_sink; errors are noted in the book. */
void ledger_registers_on_interval(struct ledger_registers *l, const struct account_interval *i);
void ledger_registers_on_life(struct ledger_registers *l, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw);

/* Forget which midnights have been written: after a rollback, and when the calendar has changed. */
void ledger_registers_forget(struct ledger_registers *l);

/* Take out the rows of all midnights after from_s; INT64_MIN: all of them. 0 or -errno. */
int ledger_registers_clear(struct ledger_registers *l, int64_t from_s);

#endif
