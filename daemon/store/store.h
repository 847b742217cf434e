/* SPDX-License-Identifier: MIT */
/* store.h - the daemon's writer: readings, events and states wait in memory until a commit writes them.
 *
 * What is guaranteed.
 * - A commit is one transaction. After a crash or a power cut all of it is in the database or nothing. With durability
 *   = full a commit that was made stays made; with normal a power cut may take back the last ones, each as a whole.
 * - A reading is counted by the account and put into its table in the same transaction, so the two never disagree, and
 *   a reading that is handed in twice counts once.
 * - While the database cannot be written, what was handed in waits. Only when that takes too much memory something is
 *   dropped (held.h says what goes first), and then an event says how much.
 * - A damaged file does not stop the daemon for long: it is put aside, a new one takes its place, and what can be read
 *   of the old one is copied while the daemon works (db_salvage.h).
 *
 * No call but store_open(), store_reopen(), store_configure(), store_commit(), store_rebuild(), store_recount() and
 * store_close() touches the disk. One thread at a time (store_writer.h). Reads the clocks; logs changes of state. */
#ifndef TALLY_STORE_H
#define TALLY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "reading.h"
#include "status.h"

struct held;
struct ledger_copy;
struct store;
struct store_recount;
struct store_recount_sink;

/* Open or create the database of the configuration, check it and bring its schema up to date (db_file.h); call
 * store_configure() next. Returns a store owned by the caller, or NULL with an error added: the path, what is wrong
 * with it, what to do. */
struct store *store_open(const struct conf *conf, struct err *e);

/* Commit what waits and close; what cannot be written is lost, and the log says how much. Waits at most half a second
 * for another program's lock. Where the file was moved it has everything, and its -wal file is left empty. NULL is
 * allowed. 0, or -errno: something was lost, or the file is not at its path (-ENOENT). */
int store_close(struct store *s);

/* After STORE_DAMAGED and STORE_STUCK: close the file and open it again. A damaged one is put aside, and what can be
 * read of it is copied into a new one. Meters keep their ids. 0: *s is another store, and what waited waits in that.
 * -errno with an error added: *s is the same, without an open file; all still waits, more may come in, and every commit
 * is STORE_STUCK until this succeeds. -ESTALE: the ids are lost, and no later attempt helps. */
int store_reopen(struct store **s, const struct conf *conf, struct err *e);

/* Close without writing anything, as when the program is killed. For tests. NULL is allowed. */
void store_abandon(struct store *s);

/* Make the tables of buses, meters and inputs match the configuration, and the account its limits; the history of
 * removed ones stays. What waits is committed first. Once after store_open() and after each reload; the first time the
 * account also takes up its state. 0, or -errno with an error added. */
int store_configure(struct store *s, const struct conf *conf, struct err *e);

/* The id of a configured meter or input, -1 = there is none. An id never changes and is never used again. */
int64_t store_meter_id(const struct store *s, const char *name);

/* The name of meter or input i and its id; "" where it is no longer configured. Valid until the next call that may
 * commit or configure. NULL: there are no more. */
const char *store_meter_name(const struct store *s, size_t i, int64_t *id);

/* Take one reading; it is copied. A slot that the database already has for this meter is left as it is. Without memory
 * for it the reading is lost, and the event of the next commit counts it. */
void store_reading(struct store *s, const struct reading *r);

/* Take everything that from holds, as if it came in now. from is empty then. */
void store_take_held(struct store *s, struct held *from);

/* The account as the last commit left it, for questions about it. Valid until the next call that may commit or
 * configure. */
const struct ledger_copy *store_ledger_copy(const struct store *s);

/* Take one event; its texts are copied. at_ms: Unix milliseconds. subject: a meter, input, bus or "tallyd". kind: one
 * of those of the view event. */
void store_event(struct store *s, int64_t at_ms, const char *subject, const char *kind, const char *detail);

/* The clock was set back by back_ms > 0 when it showed at_ms, Unix milliseconds. Call it before the readings that come
 * after it. Without an open file it is not noted. */
void store_clock_back(struct store *s, int64_t at_ms, int64_t back_ms);

/* Take the status of a meter; its texts are copied. A new state is written with the next commit, figures now and then.
 */
void store_meter_status(struct store *s, int64_t meter, const struct meter_status *st);

/* Take the serial number that a meter has reported; it is copied. Readings that come after it are the device's that has
 * it: a new one means that the device was exchanged. */
void store_meter_serial(struct store *s, int64_t meter, const char *serial);

/* Take the status of a bus; as for a meter. */
void store_bus_status(struct store *s, const char *bus, const struct bus_status *st);

/* Take the time of the wall clock, every few seconds: by it commits write the figures of meters and buses, and mark
 * intervals as missing that ended without a reading. Never called: neither is written. */
void store_tick(struct store *s, int64_t now_s);

enum store_commit {
	STORE_WRITTEN,
	STORE_NOTHING,	 /* nothing was due */
	STORE_POSTPONED, /* a reader keeps the -wal file long, so commits are made seldom */
	STORE_FAILED,	 /* nothing was written; try again with the next commit */
	STORE_DAMAGED,	 /* nothing was written, the file is damaged: store_reopen() is due */
	STORE_STUCK,	 /* nothing was written for minutes for another reason than a full disk or a lock: the same */
	STORE_AWAY, /* nothing was written: the file was moved, removed, replaced or overwritten; close the store */
};

/* Write everything that waits in one transaction. After the last five outcomes all of it still waits, and
 * store_error() says why. Waits at most DB_COMMIT_TIMEOUT_MS for another program's lock. */
enum store_commit store_commit(struct store *s);

/* How much may wait in memory, how long the -wal file may become until commits are made seldom and until none are made,
 * and how far apart they are then; and when a store that fails is opened again. store_open() takes the default; tests
 * set others. */
struct store_bounds {
	size_t held_bytes;
	int64_t wal_soft_bytes, wal_hard_bytes, wal_seldom_s;
	int64_t reopen_after_s; /* so long may it fail until STORE_STUCK */
};

struct store_bounds store_bounds_default(void);
void store_set_bounds(struct store *s, const struct store_bounds *bounds);

/* Commit, and then rebuild intervals, days, months and lives from the readings that are kept. What was counted from
 * readings that were deleted since stays. 0, or -errno: then it is done at the next start. */
int store_rebuild(struct store *s);

/* Make the account again from the readings that are kept, in one transaction, and show where it differs
 * (store_compare.h). keep: put it
 * in place then, with a revision of each span and an event; else the database is left as it was. Safe to be killed at
 * any point. 0 or -errno: nothing has changed. */
int store_recount(struct store *s, bool keep, const struct store_recount_sink *sink, struct store_recount *out);

/* The newest slot that the account has counted, Unix seconds; 0 = none. */
int64_t store_newest_s(const struct store *s);

/* When the newest reading was taken that the account has counted, as the clock showed it, Unix milliseconds; 0 = none.
 * *back_ms: all that the clock was set back by since then, as far as it is known. */
int64_t store_newest_ms(const struct store *s, int64_t *back_ms);

/* How many readings wait. */
size_t store_pending(const struct store *s);

/* One sentence about the last failure. */
const char *store_error(const struct store *s);

#endif
