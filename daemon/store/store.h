/* SPDX-License-Identifier: MIT */
/* store.h - the database: open, migrate, batch, retention. The only module that knows sqlite3.h.
 * Everything handed in waits in memory until store_commit() writes it in one transaction. One (the main) thread. */
#ifndef TALLY_STORE_H
#define TALLY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "reading.h"
#include "status.h"

struct ledger_copy;
struct store;

/* Open or create the database of the configuration, check it, bring its schema up to date (schema/NNNN-*.sql,
 * embedded). Returns a store owned by the caller, or NULL with an error added (path, what was found, what to do). */
struct store *store_open(const struct conf *conf, struct err *e);

/* Commit what is held and close. NULL is allowed. */
void store_close(struct store *s);

/* The file was found damaged (STORE_DAMAGED): put it aside, begin a new one as at the start, and go on
 * with what s holds; meters keep their ids. s is freed. NULL with an error added: nothing could be opened, or the ids
 * are lost. */
struct store *store_reopen(struct store *s, const struct conf *conf, struct err *e);

/* Close without committing or saving anything, as when the program is killed. For tests. NULL is allowed. */
void store_abandon(struct store *s);

/* Make the tables of buses, meters and inputs say what the configuration says; history of removed ones stays.
 * Called at start and after a reload. 0, or -errno with an error added. */
int store_configure(struct store *s, const struct conf *conf, struct err *e);

/* The id of a configured meter or input, or -1. Ids never change and are never used again. */
int64_t store_meter_id(const struct store *s, const char *name);

/* Hold one reading for the next commit. A slot that the database already has for this meter is left as it is.
 * While the database can not be written readings wait in memory; when they take too much of it powers are dropped
 * first, then readings of counters between others of the same meter. */
void store_reading(struct store *s, const struct reading *r);

/* What the last commit left of the account, for questions about it. Valid until the next call that may commit or
 * configure. */
const struct ledger_copy *store_ledger_copy(const struct store *s);

/* Hold one event. at_ms: Unix milliseconds. kind: one of the kinds of the view event. */
void store_event(struct store *s, int64_t at_ms, const char *subject, const char *kind, const char *detail);

/* Take the status of a meter; its texts are copied. */
void store_meter_status(struct store *s, int64_t meter, const struct meter_status *st);

/* The serial number that the meter has reported since the last commit, or NULL; valid until the next call. */
const char *store_waiting_serial(const struct store *s, int64_t meter);

/* Who the meter said it is. */
void store_meter_serial(struct store *s, int64_t meter, const char *serial);

/* Take the status of a bus; its texts are copied. */
void store_bus_status(struct store *s, const char *bus, const struct bus_status *st);

/* Tell the store the wall clock's time, now and then: the next commits let intervals that ended without a reading stand
 * as missing. Never called: never told. */
void store_tick(struct store *s, int64_t now_s);

enum store_commit {
	STORE_WRITTEN,
	STORE_NOTHING,	 /* nothing was due */
	STORE_POSTPONED, /* a reader keeps the -wal file long, so commits are made seldom */
	STORE_FAILED,
	STORE_DAMAGED, /* the file is damaged: store_reopen() is due */
};

/* Write everything held in one transaction. After the last three outcomes all of it is still held and store_error()
 * says why. */
enum store_commit store_commit(struct store *s);

/* How much may wait in memory, how long the -wal file may become until commits are made seldom and until none are made,
 * and how far apart they are then. store_open() takes the default; tests set others. */
struct store_bounds {
	size_t held_bytes;
	int64_t wal_soft_bytes, wal_hard_bytes, wal_seldom_s;
};

struct store_bounds store_bounds_default(void);
void store_set_bounds(struct store *s, const struct store_bounds *bounds);

/* Make intervals, days, months and lives anew from the readings that are kept. What readings that were deleted have
 * left behind stays. 0 or -errno, then it is done at the next start. */
int store_rebuild(struct store *s);

/* Newest slot that has been accounted for, Unix seconds; 0 = none. */
int64_t store_newest_s(const struct store *s);

/* Readings held and not yet committed. */
size_t store_pending(const struct store *s);

/* One sentence about the last failure. */
const char *store_error(const struct store *s);

#endif
