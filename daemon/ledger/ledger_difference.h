/* SPDX-License-Identifier: MIT */
/* ledger_difference.h - what two counts of the same readings differ in. The intervals of each run are noted; then those
 * of the second take the place of those of the first, which is what the database has. So nobody needs to know how the
 * account counts.
 *
 * Memory grows with the intervals of a run. The thread that owns the book's db. */
#ifndef TALLY_LEDGER_DIFFERENCE_H
#define TALLY_LEDGER_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"

struct ledger_taking;

/* The values of all intervals that one run has given out. Zeros: none yet. */
struct ledger_takings {
	bool is_out_of_memory; /* some are missing */
	size_t n, capacity;
	struct ledger_taking *list;
};

/* Note an interval. One that is revised in the run takes the place of what it was. */
void ledger_difference_take(struct ledger_takings *t, const struct account_interval *i);

void ledger_difference_free(struct ledger_takings *t);

/* Whether the first run gave out again what had been given out before it, and the second one does not: then what it was
 * is not known. */
bool ledger_difference_is_lost(const struct ledger_takings *with, const struct ledger_takings *without);

/* Give the sink of the account what is otherwise in the second run, of this meter; both are sorted. Where something is,
 * *from_s (if it is 0) and *until_s become the span of it. Errors are noted in the book. */
void ledger_difference_write(struct ledger_book *book, size_t meter, struct ledger_takings *with,
			     struct ledger_takings *without, int64_t *from_s, int64_t *until_s);

#endif
