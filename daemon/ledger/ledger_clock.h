/* SPDX-License-Identifier: MIT */
/* ledger_clock.h - when the clock was set back, as the account knows it (account_clock.h), kept in table clock_back: a
 * rebuild must know it too.
 *
 * It is known at once and written with the next commit, before the readings that come after it. Nothing is ever
 * forgotten: there are few of them, and sums must not change.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_CLOCK_H
#define TALLY_LEDGER_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"

/* Zeros before ledger_clock_open(). */
struct ledger_clock {
	struct ledger_book *book;
	size_t n_waiting, capacity;
	struct {
		int64_t at_ms, back_ms;
	} * waiting; /* not written, or not committed yet */
};

/* Load what is kept. 0 or -errno. */
int ledger_clock_open(struct ledger_clock *l, struct ledger_book *b);

void ledger_clock_close(struct ledger_clock *l);

/* The clock was set back by back_ms > 0 when it showed at_ms, Unix milliseconds. Without memory for it, less will seem
 * possible than is for readings around it. */
void ledger_clock_set_back(struct ledger_clock *l, int64_t at_ms, int64_t back_ms);

/* Write what waits. 0 or -errno. */
int ledger_clock_write(struct ledger_clock *l);

void ledger_clock_committed(struct ledger_clock *l);

#endif
