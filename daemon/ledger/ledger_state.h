/* SPDX-License-Identifier: MIT */
/* ledger_state.h - the account's state in the database, saved now and then.
 *
 * A save writes every meter that has changed since the last one, in the transaction that writes the readings. So the
 * state is always one that the account had between two commits, and the readings that came later are in the tables:
 * the account continues from the state and those readings (ledger_replay.h). To save seldom spares the flash memory; to
 * save with every commit would write more than all the readings.
 *
 * Two older states of each meter are kept: one of the last week, one of the week before. From these the readings can be
 * counted again, with the exchanges that were made since, where something is ordered late (ledger_takeback.h). An
 * exchange was made since a state was kept if it is not before the last reading of that state. The first one that is
 * kept is the one before the first reading, which has no counters and so costs next to nothing; its last reading is
 * that first one.
 *
 * A save is most of what is written beside the readings, so the states are dense: a counter is packed (account.h), and
 * squeezed after the counters of its meter before it (squeeze.h), by the ids of their quantities.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_STATE_H
#define TALLY_LEDGER_STATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "ledger_book.h"
#include "squeeze.h"

enum {
	LEDGER_SAVE_EVERY_S = 10800,	 /* slots of readings between two saves */
	LEDGER_KEEP_EVERY_S = 7 * 86400, /* and between two states that are kept to count again from */
};

/* Which state of a meter: that of now, one that was kept, or any number above: the one before that request. */
enum ledger_state_of { LEDGER_STATE_OLDER = -2, LEDGER_STATE_KEPT, LEDGER_STATE_NOW };

/* Zeros before ledger_state_open(). */
struct ledger_state {
	struct ledger_book *book;
	struct squeeze squeeze;
	sqlite3_stmt *put_meter, *put_counter, *take_counters, *is_kept, *has_exchange;
	int64_t saved_s; /* the newest slot when the state was last saved or loaded */
	bool is_wanted;	 /* with the next commit, even if it is not due */
};

/* The book must outlive l. 0 or -errno; ledger_state_close() is due either way. */
int ledger_state_open(struct ledger_state *l, struct ledger_book *b);
void ledger_state_close(struct ledger_state *l);

/* Save with the next commit: something has changed that no reading in the tables holds. */
void ledger_state_want(struct ledger_state *l);

/* Save if that is due or wanted, or always. Nothing is saved while there is no account. 0 or -errno. */
int ledger_state_save(struct ledger_state *l, bool always);

/* Meter i has been read for the first time, at its last reading: keep the state before that, unless it is known to have
 * been read before. 0 or -errno. */
int ledger_state_keep_first(struct ledger_state *l, size_t i);

/* Save the state that meter i has now as the one before this request, in place of one before an earlier one. 0 or
 * -errno. */
int ledger_state_save_before(struct ledger_state *l, size_t i, int64_t request);

/* Something has changed that counting again from an earlier state would not repeat: none of them is of use any more.
 * 0 or -errno. */
int ledger_state_forget_before(struct ledger_state *l);

/* The same for the kept states of meter i that are of a time after after_s. 0 or -errno. */
int ledger_state_forget_kept(struct ledger_state *l, size_t i, int64_t after_s);

/* The oldest kept state of meter i; LEDGER_STATE_NOW = there is none. *last_s: its last reading. */
enum ledger_state_of ledger_state_find_kept(const struct ledger_state *l, size_t i, int64_t *last_s);

/* Load the state into a book that has forgotten everything. 0 or -errno. */
int ledger_state_load(struct ledger_state *l);

/* Give meter i, which has no counters, a state of enum ledger_state_of. 0; -ENOENT: it was not saved, or another one
 * has taken its place; or another -errno. */
int ledger_state_load_before(struct ledger_state *l, size_t i, int64_t state);

/* Load only the highest value that the counters of each meter show: the meter reports it, no reading in the tables has
 * it. 0 or -errno. */
int ledger_state_load_counter_max(struct ledger_state *l);

#endif
