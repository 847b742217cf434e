/* SPDX-License-Identifier: MIT */
/* ledger_state.h - the account's state in the database, saved now and then.
 *
 * A save writes every meter that has changed since the last one, in the transaction that writes the readings. So the
 * state is always one that the account had between two commits, and the readings that came later are in the tables:
 * the account continues from the state and those readings (ledger_replay.h). To save seldom spares the flash memory; to
 * save with every commit would write more than all the readings.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_STATE_H
#define TALLY_LEDGER_STATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "ledger_book.h"

enum { LEDGER_SAVE_EVERY_S = 10800 }; /* slots of readings between two saves */

/* Zeros before ledger_state_open(). */
struct ledger_state {
	struct ledger_book *book;
	sqlite3_stmt *put_meter, *put_counter;
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

/* Save the state that meter i has now as the one before this request, in place of one before an earlier one. 0 or
 * -errno. */
int ledger_state_save_before(struct ledger_state *l, size_t i, int64_t request);

/* Something has changed that counting again from a state before a request would not repeat: none of them is of use any
 * more. 0 or -errno. */
int ledger_state_forget_before(struct ledger_state *l);

/* Load the state into a book that has forgotten everything. 0 or -errno. */
int ledger_state_load(struct ledger_state *l);

/* Give meter i, which has no counters, the state that it had before this request. 0; -ENOENT: it was not saved, or
 * another one has taken its place; or another -errno. */
int ledger_state_load_before(struct ledger_state *l, size_t i, int64_t request);

/* Load only the highest value that the counters of each meter show: the meter reports it, no reading in the tables has
 * it. 0 or -errno. */
int ledger_state_load_counter_max(struct ledger_state *l);

#endif
