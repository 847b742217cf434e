/* SPDX-License-Identifier: MIT */
/* db_views.h - views and indices of the schema that somebody has dropped or changed are made again.
 * What they should be is what the steps of the schema make in an empty database, so there is no second list of them.
 * That takes a third of a second, so it is done only where the schema has changed since it was found good: SQLite
 * counts its changes, and the count is kept in setting views. Views and indices of other names are the owner's and
 * stay. The thread that owns the database; logs each. */
#ifndef TALLY_DB_VIEWS_H
#define TALLY_DB_VIEWS_H

struct db;

/* Make them as the newest schema has them, which db has, in one transaction if any differs. What cannot be made is
 * reported in the log, and everything is as it was: the daemon itself needs no view. */
void db_views_restore(struct db *db);

/* The schema was made just now, by the steps: it is good. */
void db_views_note(struct db *db);

#endif
