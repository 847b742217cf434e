/* SPDX-License-Identifier: MIT */
/* ledger_serial.h - serial numbers that meters report, and what another one than before means.
 *
 * Another number is another meter: the lives end, and nothing is counted between the last reading of the one and the
 * first of the other. But a number may also be read wrongly, or be changed in a meter. So the next reading decides: if
 * every counter continues, and has risen by no more than its own highest rate, it is the same meter, and an event
 * identity-changed says that its number is another one. If it is another meter, and readings before did not follow on
 * but this one follows them, they were that meter's: it was there before its number was read. Where an exchange was
 * announced and nothing was read since, or what was read since continues, the number is that of the new meter, and its
 * life has begun. If the number changes three times within an hour, two meters answer with one address. That is
 * reported once, and no lives begin; the account counts nothing until the number has stayed for an hour.
 *
 * Until the reading has come, the number is known in memory only: a process that ends before it asks the meter again.
 *
 * Safe to run twice: what a transaction leaves in memory is copied, and a rollback returns to that.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_SERIAL_H
#define TALLY_LEDGER_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"
#include "ledger_exchange.h"
#include "ledger_feed.h"
#include "ledger_limits.h"
#include "ledger_state.h"
#include "reading.h"

enum { LEDGER_SERIAL_WITHIN_S = 3600 }; /* three changes within this time: two meters? */

/* A meter that has reported another serial number than the one that was known, at some time of this run. */
struct ledger_serial_doubt {
	size_t meter;			/* index in the register */
	char other[DB_SERIAL_MAX + 1];	/* what it reported last, "" = the one that is known */
	char before[DB_SERIAL_MAX + 1]; /* what it had reported when it was last read */
	int64_t changed_s[2];		/* the last two readings at which it was another one, 0 = none */
};

/* Zeros and the borrowed members: nothing is in doubt. */
struct ledger_serial_desk {
	struct ledger_book *book;
	const struct ledger_limits *limits;
	struct ledger_state *state;
	struct ledger_exchange_desk *exchange;
	size_t n;
	struct ledger_serial_doubt *doubts, *copy; /* copy: as the last transaction left them */
	size_t n_copy;
};

void ledger_serial_free(struct ledger_serial_desk *d);

/* A transaction begins: 0 or -ENOMEM. Or it was committed, or rolled back. */
int ledger_serial_begin(struct ledger_serial_desk *d);
void ledger_serial_committed(struct ledger_serial_desk *d);
void ledger_serial_undo(struct ledger_serial_desk *d);

/* All zeros, all ones or blanks: a meter shows them while it starts, or was never given a number. */
bool ledger_serial_says_nothing(const char *serial);

/* Meter i has reported this serial number. One that says nothing is ignored. 0 or -errno. */
int ledger_serial_take(struct ledger_serial_desk *d, size_t i, const char *serial);

/* This reading of a meter comes next: decide whether it is another meter's. 0 or -errno. */
int ledger_serial_before(struct ledger_serial_desk *d, size_t meter, const struct reading *r);

#endif
