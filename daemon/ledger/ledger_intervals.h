/* SPDX-License-Identifier: MIT */
/* ledger_intervals.h - intervals, days and months in the database.
 *
 * Guaranteed: the rows of kept_interval, day_* and month_* come to the same sums, in whole base units, whatever
 * order the account emits intervals in and however often. A value that is kept is never overwritten, except by one that
 * the account emits in its place.
 *
 * The idea: the account emits an interval as soon as a reading has passed its end, and may emit it again with other
 * counters. So each one is merged into the row that exists (interval_merge.h, where the rules are), and what the row
 * did not have before is added to the day and the month that it begins in. Days and months are running sums: they are
 * never summed again from the intervals, because the tariffs are in no interval row. The energies beside the totals, of
 * which few meters have any, have no column in the row either: kept_interval_energy_other has one for meters with them.
 *
 * Pitfalls. Day and month are those of the calendar at the moment of writing. Where the time zone changes, a
 * day that was begun in the old one keeps its sum and its row grows to the hours of both (put_span). A statement that
 * fails is noted in the book and nothing more is written; the transaction must be rolled back then.
 *
 * Safe to run twice: an interval that comes again adds nothing (interval_merge.h), as long as one of its
 * counters has a column: every register table that has tariffs has totals beside them. A rebuild clears the rows before
 * it writes them, a replay writes nothing. The rows that begin a day, a month or an interval are written once and
 * remembered; forget them after a rollback.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_INTERVALS_H
#define TALLY_LEDGER_INTERVALS_H

#include <sqlite3.h>
#include <stdint.h>

#include "account.h"
#include "ledger_book.h"

enum { LEDGER_SPANS = 2 }; /* days and months */

/* Zeros before ledger_intervals_open(). */
struct ledger_intervals {
	struct ledger_book *book;
	uint8_t span_column[Q_COUNT]; /* parameter number in the statements that add to days and months */
	/* ts, meter, estimated, a mask of the counters that are written, and they */
	sqlite3_stmt *put_other;
	sqlite3_stmt *put_start, *get_row, *put_row, *put_span[LEDGER_SPANS];
	sqlite3_stmt *add[LEDGER_SPANS][DB_KINDS_MAX]; /* NULL: there are no days and months of this kind */
	int64_t span_written_s[LEDGER_SPANS];	       /* start of the day and month written last */
	int64_t start_written_s;		       /* start of an interval written last */
};

/* The book must outlive l. 0 or -errno; ledger_intervals_close() is due either way. */
int ledger_intervals_open(struct ledger_intervals *l, struct ledger_book *b);
void ledger_intervals_close(struct ledger_intervals *l);

/* As account_sink.interval: write one interval, or what it adds to the row that exists, and to its day and month. Not
 * after an error was noted. */
void ledger_intervals_on_interval(struct ledger_intervals *l, const struct account_interval *given);

/* Forget which rows have been written: after a rollback, and when the calendar has changed. */
void ledger_intervals_forget(struct ledger_intervals *l);

/* Take out the missing intervals of one meter (its id) that begin at from_s or later. 0 or -errno. */
int ledger_intervals_clear_missing(struct ledger_intervals *l, int64_t meter, int64_t from_s);

/* Take out all intervals, and the days and months, from the one of from_s on; INT64_MIN: all of them. 0 or -errno. */
int ledger_intervals_clear(struct ledger_intervals *l, int64_t from_s);

#endif
