/* SPDX-License-Identifier: MIT */
/* store_retain.h - delete what is older than the configuration keeps it.
 *
 * Readings are deleted in lumps of the oldest slots, in the commits that put readings in and about as fast as those do:
 * the file stops growing, and no commit takes long. The account has counted them already; up to where they are gone is
 * noted, so that a rebuild does not write what these readings would be needed for. Once a day old events go that come
 * again and again. Readings are never deleted by a clock that is not to be believed.
 *
 * In the running transaction of the thread that owns the store. */
#ifndef TALLY_STORE_RETAIN_H
#define TALLY_STORE_RETAIN_H

#include <stddef.h>
#include <stdint.h>

#include "db.h"
#include "db_tables.h"

/* Zeros: everything is kept. */
struct store_retain {
	int64_t keep_s;	  /* older readings may go; 0 = never */
	int64_t events_s; /* when events were last looked at */
};

/* Keep readings for so many days from now on; 0 = forever. */
void store_retain_configure(struct store_retain *r, uint32_t keep_d);

/* Delete some of what is too old, from the tables that this transaction has put rows into.
 * n_readings  so many readings this transaction has written
 * now_s       Unix seconds of the last store_tick(), 0 = there was none: then the system's clock counts
 * until_s     newest slot that the ledger has counted, 0 = none: the clock may be ahead of that only so far
 * 0 or -errno. After a rollback the readings go with the next commit, and the events a day later. */
int store_retain(struct store_retain *r, struct db *db, struct db_tables *tables, size_t n_readings, int64_t now_s,
		 int64_t until_s);

#endif
