/* SPDX-License-Identifier: MIT */
/* ledger_holds.h - meters whose values are kept as suspect and not counted yet, until a question about them is
 * answered.
 *
 * Nothing of such a meter, nor of the inputs that it has pulses of, is fed to the account. The values are in the tables
 * of readings with suspects that are not for good. When the question is answered they are fed from there in the order
 * of their slots (ledger_keys.h).
 *
 * The rows of table meter_key are the truth; this is a copy of them, loaded again whenever they change.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_HOLDS_H
#define TALLY_LEDGER_HOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"

/* Why values are held: meter_key.held, and the reason of their suspects. */
#define LEDGER_HOLD_IDENTITY "identity pending" /* is it the same meter at its new place? */
#define LEDGER_HOLD_CT	     "ct missing"	/* the ratio of its transformers has not been written */

struct ledger_hold {
	size_t meter;	 /* index in the register; no input */
	int64_t key;	 /* meter_key.id */
	int64_t after_s; /* values of later slots are held */
	int64_t first_s; /* slot of the first one, 0 = none yet */
	const char *why; /* one of the texts above */
};

/* Zeros: there are none. Others read n and list; only ledger_holds.c writes them. */
struct ledger_holds {
	struct ledger_book *book;
	size_t n;
	struct ledger_hold *list;
};

/* Take them from the database. 0 or -errno; then they are as before. */
int ledger_holds_load(struct ledger_holds *h);
void ledger_holds_free(struct ledger_holds *h);

/* The hold of a meter, NULL = its values count. */
const struct ledger_hold *ledger_holds_find(const struct ledger_holds *h, size_t meter);

/* The hold of a meter for a reading of this slot. While readings come, they are held in whatever slot they are; in a
 * rebuild only those after the key that the hold is about. */
const struct ledger_hold *ledger_holds_find_at(const struct ledger_holds *h, size_t meter, int64_t slot_s);

/* A value of this slot is held: note it if it is the first one. 0 or -errno. */
int ledger_holds_note(struct ledger_holds *h, size_t meter, int64_t slot_s);

#endif
