/* SPDX-License-Identifier: MIT */
/* ledger_ratings.h - the most that each meter and input can count in an hour, and since when: table rating.
 *
 * It follows from the register table, from the ratios of the bus file or of the meter itself, and from the weight of a
 * pulse. All of these change, and readings are bounded by what held when they were taken: so it is kept with its time,
 * and a replay or rebuild takes it from there.
 *
 * A meter that knows its own ratios may not have answered yet. Then what held last holds.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_RATINGS_H
#define TALLY_LEDGER_RATINGS_H

#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"

struct ledger_rating {
	size_t meter; /* index in the register */
	int64_t from_s, per_hour;
};

/* Zeros before ledger_ratings_open(). */
struct ledger_ratings {
	struct ledger_book *book;
	size_t n, capacity;
	struct ledger_rating *list; /* by meter and from_s */
};

void ledger_ratings_open(struct ledger_ratings *r, struct ledger_book *b);
void ledger_ratings_close(struct ledger_ratings *r);

/* Load what the database has, in place of what memory knows, and give each meter what holds last. 0 or -errno. */
int ledger_ratings_load(struct ledger_ratings *r);

/* Give meter i what bounds a reading of this slot. per_hour: by the configuration, in base units; 0 = not known yet.
 * Live, a change is written, and is an event in words of this quantity. 0 or -errno. */
int ledger_ratings_apply(struct ledger_ratings *r, size_t i, int64_t slot_s, int64_t per_hour, enum quantity q);

#endif
