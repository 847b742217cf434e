/* SPDX-License-Identifier: MIT */
/* db_salvage.h - copy what can be read of a damaged database into the new one that has taken its place.
 *
 * What damage looks like. Flash and power cuts leave pages that are torn, zero, old, or not there because the file is
 * too short. The header or the schema may be among them. So the file is not opened by SQLite but read page by page:
 * db_image.h has its pages, db_page.h says which are sound, db_walk.h finds the rows of a table on them. The schema is
 * made again in memory, to know the columns.
 *
 * What is kept, in this order:
 * 1. meter, because every other row refers to it. Then the ids that may have been given out are reserved.
 * 2. quantity, for the same reason.
 * 3. the small tables, whole: settings, events, lives, suspects, days, months, the state of the account.
 * 4. of the big ones (intervals, registers and readings) the newest rows: all that polling and the account need to
 * continue.
 * 5. the rest of the big ones, a few rows with each commit, newest first, while the daemon does its work.
 * db_salvage_begin() is 1 to 4, in one transaction, before polling begins. db_salvage_step() is 5. Tables slot and
 * interval_start are not read: their rows follow from the readings and intervals that are copied.
 *
 * What is never invented:
 * - A row never becomes another meter's. Only ids that the damaged file may have given out are accepted, and new
 *   meters get ids above those, a million above the highest one seen if the table of meters is not whole.
 * - A value never becomes another quantity's. If the table of quantities is not whole, lives and suspects are left.
 * - No row of a page that is not sound is copied, and a row that breaks a rule of its table is left out.
 * - The account does not continue from half a state. If any part of it is not whole its state is dropped, and what was
 *   counted up to now is marked as final (setting deleted_until): no rebuild takes it away for lack of readings.
 *
 * Why it may be interrupted and run again. Every step is part of a transaction: a power cut takes its rows back
 * together with everything else. A note in table setting names the damaged file until all of it is copied. The next
 * start begins again at the newest rows of the big tables, and a row that is there already is left as it is. The
 * damaged file is only read. If the new file is damaged too before that, its note is among the settings that are copied
 * from it: the newer one is read first, then the older one.
 *
 * What is lost in the worst case: all of it, if the page is lost with which the schema begins. Otherwise the rows on
 * the pages that cannot be read, each of which is logged with the reason and the first ones are in the event; with the
 * table of meters also every row of the meters that were lost. If the page with the note is lost in such a newer file,
 * what is still missing stays in the older one, and people find it beside the database as long as it is one of the two
 * newest (db_aside.h). Until db_salvage_begin() has committed, the intent of the take-over (db_takeover.h) makes every
 * start begin it again.
 *
 * The thread that owns the new file. Logs; events database-recovered are part of the transactions. */
#ifndef TALLY_DB_SALVAGE_H
#define TALLY_DB_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"

struct db_salvage;

/* How many rows of each big table db_salvage_begin() copies: at least n_rows, and all that are at most span_s older
 * than the newest one; of powers, which no account needs, only n_rows. */
struct db_salvage_first {
	size_t n_rows;
	int64_t span_s;
};

/* Steps 1 to 4 in a transaction of its own. to is new: it has its schema and no rows; it must outlive the salvage.
 * path   the damaged file
 * damage what its event says
 * now_s  Unix time
 * 0: *salvage is the caller's, to be asked whether it is done already. Or -errno with to->error set: nothing was copied
 * and *salvage is NULL. */
int db_salvage_begin(struct db *to, const char *path, const char *damage, const struct db_salvage_first *first,
		     int64_t now_s, struct db_salvage **salvage);

/* Take up a salvage that is not ended: of the last run of the daemon, or of an older file when that of a newer one is
 * done. 0: *salvage is the caller's, or NULL when there is none or the damaged file is gone. Or -ENOMEM with to->error
 * set. */
int db_salvage_resume(struct db *to, struct db_salvage **salvage);

/* Copy up to n_rows rows more, inside the caller's transaction; the last ones come with an event. 0, or -errno with
 * to->error set; then the caller rolls back and calls db_salvage_undo(). */
int db_salvage_step(struct db_salvage *v, size_t n_rows, int64_t now_s);

/* The caller's transaction was rolled back: begin again at the newest rows. */
void db_salvage_undo(struct db_salvage *v);

/* Is all of it copied? */
bool db_salvage_is_done(const struct db_salvage *v);

/* One sentence: what was copied, and how much could not be read. Cut at n bytes. */
void db_salvage_describe(const struct db_salvage *v, char *text, size_t n);

/* NULL is allowed. */
void db_salvage_close(struct db_salvage *v);

#endif
