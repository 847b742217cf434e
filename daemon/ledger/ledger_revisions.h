/* SPDX-License-Identifier: MIT */
/* ledger_revisions.h - which intervals, days and months were written and are another value now. A program that copies
 * rows reads here what it has to copy again.
 *
 * What the account revises while a transaction runs is one revision for each meter, as long as no other meter comes
 * between. It waits here until the transaction ends. A replay or a rebuild makes no revisions.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_REVISIONS_H
#define TALLY_LEDGER_REVISIONS_H

#include <stdint.h>

#include "ledger_book.h"

/* Zeros before ledger_revisions_open(). */
struct ledger_revisions {
	struct ledger_book *book;
	int64_t meter;		 /* 0 = none waits */
	int64_t from_s, until_s; /* starts of its first interval, and end of its last */
	char reason[240];
};

/* The book must outlive l. */
void ledger_revisions_open(struct ledger_revisions *l, struct ledger_book *b);

/* As account_sink.revised; errors are noted in the book. */
void ledger_revisions_on_revised(struct ledger_revisions *l, int64_t meter, int64_t from_s, int64_t until_s,
				 const char *reason);

/* Write the revision that waits. 0 or -errno. */
int ledger_revisions_write(struct ledger_revisions *l);

/* Forget it: the transaction was rolled back. */
void ledger_revisions_undo(struct ledger_revisions *l);

#endif
