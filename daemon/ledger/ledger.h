/* SPDX-License-Identifier: MIT */
/* ledger.h - the account kept in the database: the door of the room. The store calls nothing else of it.
 *
 * Guaranteed: every reading that the store puts into its tables is counted once, in the same transaction. So at
 * each commit the intervals, days, months and lives in the database are exactly what the readings in it give: no energy
 * is lost or counted twice by a crash, a full disk, a rollback, a restart or a clock that jumps.
 *
 * The idea: the room account works in memory and knows no database. The ledger feeds it, writes what it emits, and
 * saves its state only now and then, since the state is large and the readings that came after it are in the tables
 * anyway: after a start or a rollback the state is loaded and those readings are fed again, with nothing written.
 *
 * The files, each on those above it:
 *
 *   ledger_book       the accounts in memory, by the index of the meter in the register; the mode; the calendar
 *   ledger_key        which values make up a life
 *   ledger_holds      meters whose values wait for an answer
 *   ledger_clock      when the clock was set back
 *   ledger_limits     what each counter can do, from the configuration
 *   ledger_ratings    the most that a meter can count in an hour, and since when
 *   ledger_lives      suspects, lives and events, as the account emits them
 *   ledger_intervals  intervals, days and months, as the account emits them
 *   ledger_registers  what the counters show at each local midnight
 *   ledger_revisions  which of these were written before and are another value now
 *   ledger_state      the saved state
 *   ledger_feed       one reading in
 *   ledger_request    what people ordered
 *   ledger_exchange   meters that were exchanged
 *   ledger_serial     serial numbers that meters report
 *   ledger_rows       readings as they are kept in the tables
 *   ledger_takeback   an exchange that was none
 *   ledger_keys       the keys of the configuration against those of the database
 *   ledger_settings   the length of intervals, the zone and the periods of readings, over time
 *   ledger_rename     the history of a meter under another name
 *   ledger_replay     readings fed again: continue or rebuild
 *   ledger_copy       what poll asks of the account, as the last commit left it
 *   ledger            this one
 *
 * Pitfalls. A statement may fail in the middle of a transaction: then the account in memory is ahead of the
 * database, since it has counted what was rolled back. ledger_undo() marks that (LEDGER_STALE), and nothing may be
 * counted until ledger_resume() has taken memory back to what the database has. The length of intervals or the time
 * zone may change: then the running intervals end early, and the next begin in the new grid.
 *
 * Safe to run twice: a transaction that was rolled back left nothing; a commit that is repeated feeds the
 * same readings to the same account. A slot that was counted is not counted again (account.h), and an interval that is
 * there is not added again (interval_merge.h).
 *
 * SQL on one struct db; the thread that owns that. The time zone is the process's: see ledger_configure(). */
#ifndef TALLY_LEDGER_H
#define TALLY_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "ledger_book.h"
#include "ledger_clock.h"
#include "ledger_copy.h"
#include "ledger_exchange.h"
#include "ledger_feed.h"
#include "ledger_holds.h"
#include "ledger_intervals.h"
#include "ledger_keys.h"
#include "ledger_limits.h"
#include "ledger_lives.h"
#include "ledger_ratings.h"
#include "ledger_registers.h"
#include "ledger_rename.h"
#include "ledger_replay.h"
#include "ledger_revisions.h"
#include "ledger_serial.h"
#include "ledger_settings.h"
#include "ledger_state.h"
#include "ledger_takeback.h"
#include "reading.h"

/* Zeros before ledger_open(); must not be moved after it. Each member is written by the file of its name only. */
struct ledger {
	struct ledger_book book;
	struct ledger_clock clock;
	struct ledger_limits limits;
	struct ledger_ratings ratings;
	struct ledger_lives lives;
	struct ledger_intervals intervals;
	struct ledger_registers registers;
	struct ledger_settings settings;
	struct ledger_revisions revisions;
	struct ledger_state state;
	struct ledger_holds holds;
	struct ledger_feed feed;
	struct ledger_keys keys;
	struct ledger_exchange_desk exchange;
	struct ledger_takeback takeback;
	struct ledger_serial_desk serial;
	struct ledger_replay replay;
};

/* Prepare everything, with no account yet (LEDGER_CLOSED). db, reg and tables must outlive l; table quantity must have
 * been written (db_tables_open()). sink: where events go, while ledger calls run. 0, or -errno with db->error set;
 * ledger_close() is due either way. */
int ledger_open(struct ledger *l, struct db *db, struct db_meters *reg, const struct db_tables *tables,
		const struct conf *conf, const struct ledger_sink *sink);

/* Nothing is written. */
void ledger_close(struct ledger *l);

/* Take limits, keys, inputs and settings from the configuration, which is in the database and in the register already.
 * The first time also load the account and continue from it, or rebuild it where there is none or a rebuild was cut
 * short: the time zone is set then, so no other thread may run yet. Later calls do not change it. Transactions of its
 * own. 0; -errno: LEDGER_STALE or LEDGER_CLOSED, unless it was out of memory. */
int ledger_configure(struct ledger *l, const struct conf *conf);

/* The clock was set back by back_ms > 0 when it showed at_ms. Nothing is written before the next commit. */
void ledger_set_clock_back(struct ledger *l, int64_t at_ms, int64_t back_ms);

/* Whether there may be requests that wait. */
bool ledger_is_asked(const struct ledger *l);

/* The steps of one commit, inside its transaction and in this order; serial numbers and readings as they came. Each
 * returns 0, or -errno: then roll back and call ledger_undo(). */

/* Take over what was requested since the last commit (tally replace). */
int ledger_begin(struct ledger *l);

/* Meter i has reported this serial number: what comes after it may be of another device. */
int ledger_add_serial(struct ledger *l, size_t i, const char *serial);

/* Count one reading, after the exchanges that come before it. *suspect_kinds: see ledger_feed(). */
int ledger_add_reading(struct ledger *l, const struct reading *r, unsigned *suspect_kinds);

/* Write the suspects of that reading in the tables that have got a row of it, a mask of kinds. */
int ledger_write_suspects(struct ledger *l, unsigned kinds);

/* There are no more readings: act on the exchanges that are left. */
int ledger_end_readings(struct ledger *l);

/* Write the intervals that ended before now_s without a reading as missing. running_s: for how long meters have been
 * read: after a start each has its chance to be read first. */
int ledger_report_missing(struct ledger *l, int64_t now_s, int64_t running_s);

/* Write what was revised, and save the state if that is due; always: in any case. */
int ledger_save(struct ledger *l, bool always);

/* The transaction was committed, or rolled back. */
void ledger_committed(struct ledger *l);
void ledger_undo(struct ledger *l);

/* LEDGER_STALE: take memory back to what the database has. The register and the newest rows must have been loaded
 * again. 0 or -errno. */
int ledger_resume(struct ledger *l);

/* Make the account again from the readings that are kept (ledger_replay.h). 0 or -errno: LEDGER_CLOSED. */
int ledger_rebuild(struct ledger *l);

/* From where a rebuild would make it again (ledger_replay.h), and a rebuild in the running transaction. 0 or -errno:
 * LEDGER_STALE. */
int64_t ledger_rebuild_from_s(const struct ledger *l);
int ledger_repeat(struct ledger *l);

/* Bring a copy of this account up to date, after a transaction was committed. Zeros become a copy. 0; -ENOMEM: the copy
 * must not be asked before it has been brought up to date. */
int ledger_publish(struct ledger *l, struct ledger_copy *c);

enum ledger_mode ledger_mode(const struct ledger *l);

/* A clock further ahead of the newest counted slot than this is not believed yet. */
enum { LEDGER_AHEAD_S = ACCOUNT_AHEAD_S };

/* The newest slot counted of any meter, and the slot of the last reading counted; Unix seconds, 0 = none. */
int64_t ledger_until_s(const struct ledger *l);
int64_t ledger_newest_s(const struct ledger *l);

/* When the newest reading was taken that has been counted, as the clock showed it, Unix milliseconds; 0 = none.
 * *back_ms: all that the clock was set back by since then, as far as it is known. */
int64_t ledger_newest_ms(const struct ledger *l, int64_t *back_ms);

#endif
