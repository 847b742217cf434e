/* SPDX-License-Identifier: MIT */
/* store_salvage.h - copy what a damaged file still holds into the one that took its place: the newest rows at once, the
 * rest with the commits that are made anyway, also after a restart. Its end is logged. db_salvage.h has the rules.
 *
 * The thread that owns the store. */
#ifndef TALLY_STORE_SALVAGE_H
#define TALLY_STORE_SALVAGE_H

#include <stdbool.h>

#include "db.h"
#include "db_salvage.h"

/* Only store_salvage.c looks into it. */
struct store_salvage {
	struct db *db;
	struct db_salvage *rest; /* NULL: there is nothing to copy */
};

struct db_file_report;

/* Begin with what the opened file reports, or continue what the last run has not ended. A transaction of its own; with
 * it the take-over is done. db must outlive v. 0, or -errno with db->error set: the take-over stays due, and the file
 * must not be used. */
int store_salvage_open(struct store_salvage *v, struct db *db, const struct db_file_report *report);

/* Zeros are allowed. */
void store_salvage_close(struct store_salvage *v);

/* Is there something left to copy? Then commits are worth making. */
bool store_salvage_is_pending(const struct store_salvage *v);

/* Copy some rows in the running transaction. 0 or -errno. */
int store_salvage_step(struct store_salvage *v);

/* The transaction has been committed, or rolled back. */
void store_salvage_committed(struct store_salvage *v);
void store_salvage_undo(struct store_salvage *v);

#endif
