/* SPDX-License-Identifier: MIT */
/* ledger_feed.h - one reading into the account: the counters of its meter, and the inputs that it has pulses of.
 *
 * Works on the book and its neighbours; has no state of its own. SQL on the book's db, in the running transaction; the
 * thread that owns that. */
#ifndef TALLY_LEDGER_FEED_H
#define TALLY_LEDGER_FEED_H

#include "ledger_book.h"
#include "ledger_holds.h"
#include "ledger_limits.h"
#include "ledger_lives.h"
#include "ledger_ratings.h"
#include "ledger_state.h"
#include "reading.h"

/* The parts that a reading is counted with. They are borrowed. */
struct ledger_feed {
	struct ledger_book *book;
	const struct ledger_limits *limits;
	const struct ledger_holds *holds;
	struct ledger_lives *lives;
	struct ledger_state *state;
	struct ledger_ratings *ratings;
};

/* A counter as the account takes it, in the parts that its register table gives it. Where there is no table, it stays
 * in those that it is counted in already, or was read in. And the pulses of an input, weighted. */
struct account_value ledger_feed_value(const struct account_meter *m, const struct reading *r, enum quantity q);
struct account_value ledger_feed_pulses(const struct ledger_input *input, const struct reading *r);

/* Count one reading. A reading of quality READING_SUSPECT is of another model than the configuration names: nothing of
 * it is counted, ever; of one whose meter is held (ledger_holds.h), not now. A meter that the register does not have is
 * not counted, nor is anything while the book is closed. *suspect_kinds: the tables, as a mask of kinds of db_tables,
 * with a value that was not counted. Their suspects wait for ledger_lives_write_suspects(). 0; -errno: the transaction
 * must be rolled back, also for a noted error. */
int ledger_feed(const struct ledger_feed *f, const struct reading *r, unsigned *suspect_kinds);

#endif
