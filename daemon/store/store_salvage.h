/* SPDX-License-Identifier: MIT */
/* store_salvage.h - copy what a damaged file still holds into the one that took its place: the newest rows at once, the
 * rest with the commits that are made anyway, also after a restart. Its end is logged and an event. db_salvage.h has
 * the rules.
 *
 * The thread that owns the store. */
#ifndef TALLY_STORE_SALVAGE_H
#define TALLY_STORE_SALVAGE_H

#include <stdbool.h>

#include "db.h"
#include "db_salvage.h"
#include "held.h"

/* Only store_salvage.c looks into it. */
struct store_salvage {
	struct db *db;
	struct held *held;	 /* takes the event */
	struct db_salvage *rest; /* NULL: there is nothing to copy */
};

/* Begin with the damaged file of this name; NULL: continue what the last run has not ended. Where nothing can be copied
 * that is logged. A transaction of its own. db and held must outlive v. */
void store_salvage_open(struct store_salvage *v, struct db *db, struct held *held, const char *damaged);

/* Zeros are allowed. */
void store_salvage_close(struct store_salvage *v);

/* Is there something left to copy? Then commits are worth making. */
bool store_salvage_is_pending(const struct store_salvage *v);

/* Copy some rows in the running transaction; after the last ones hold the event. 0 or -errno. */
int store_salvage_step(struct store_salvage *v);

/* The transaction has been committed, or rolled back. */
void store_salvage_committed(struct store_salvage *v);
void store_salvage_undo(struct store_salvage *v);

#endif
