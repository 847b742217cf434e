/* SPDX-License-Identifier: MIT */
/* ledger_moments.h - what happened to the account of a meter or input between two of its readings and is in no reading,
 * kept with its place among them.
 *
 * Guaranteed: where readings are counted again (ledger_replay.h, ledger_takeback.h), the same happens to the account in
 * the same place.
 *
 * The idea: results that were given out while a meter was silent may be taken back later, and that counts as a change
 * of mind; so the account depends on when they were given out. Of two meters that answer in turns only the serial
 * numbers say so. Both are rare, so each is a row, with all that the account went by, and what had been decided
 * until then.
 *
 * Pitfalls. Counting again from a state may meet a moment that the state has already: then it changes nothing. A
 * database of an older version has none from before.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_MOMENTS_H
#define TALLY_LEDGER_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"

/* As in account_moment.kind. */
enum ledger_moment_kind {
	LEDGER_GAVE_OUT = 0, /* account_report_missing() gave results out, at at_s */
	LEDGER_SAW_TWO = 1,  /* account_doubt() with the slot at_s */
};

struct ledger_moment {
	int64_t id, after_s; /* before the next reading after this slot */
	int64_t setting_id;  /* the last change of settings that was made before */
	int64_t request_id;  /* the last exchange that was made before */
	int64_t at_s;
	enum ledger_moment_kind kind;
};

/* Zeros: none. */
struct ledger_moment_list {
	struct ledger_moment *moments; /* by meter, then by place */
	size_t *next, *end; /* of each meter: its first moment that has not come again, and after its last one */
};

/* It happens now to meter i: keep it, in the running transaction. 0 or -errno. */
int ledger_moments_put(struct ledger_book *b, size_t i, enum ledger_moment_kind kind, int64_t at_s);

/* Load those of one meter, or of all (b->n), that have not come before the slot since_s. 0 or -errno. The list is to be
 * freed either way. */
int ledger_moments_load(struct ledger_book *b, size_t i, int64_t since_s, struct ledger_moment_list *list);
void ledger_moments_free(struct ledger_moment_list *list);

/* The next one that comes before a reading of slot_s of meter or input i; NULL = none. */
const struct ledger_moment *ledger_moments_next(const struct ledger_moment_list *list, size_t i, int64_t slot_s);

/* It happens again. 0 or -errno. */
int ledger_moments_repeat(struct ledger_book *b, struct ledger_moment_list *list, size_t i);

#endif
