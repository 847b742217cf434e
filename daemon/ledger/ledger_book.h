/* SPDX-License-Identifier: MIT */
/* ledger_book.h - the account of every meter in memory, and the mode it is in. The bottom of the room ledger: all of
 * its other files share one struct ledger_book, and only ledger_book.c writes its members.
 *
 * There is a record for each row of the register of meters, by its index there. The counters in it belong to the room
 * account: call ledger_book_change() before account_*() on one, so that it is saved and published.
 *
 * An error in a sink of the account has no caller that could return it. It is noted here and stays until the account is
 * resumed or rebuilt; until then nothing more of the account may be committed.
 *
 * SQL on one struct db; the thread that owns that. */
#ifndef TALLY_LEDGER_BOOK_H
#define TALLY_LEDGER_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "calendar.h"
#include "db.h"
#include "db_meters.h"
#include "db_tables.h"
#include "names.h"

enum { LEDGER_ZONE_MAX = 79 }; /* longest name of a time zone, bytes */

/* The mode decides what is written when a reading is counted. */
enum ledger_mode {
	/* There is no account: it has not been loaded yet, or its rebuild failed. Readings are not counted, and nothing
	 * is written. */
	LEDGER_CLOSED,
	/* Memory and database agree up to the running transaction. Everything is written: intervals, days, months,
	 * lives, suspects, events, and the saved state. */
	LEDGER_LIVE,
	/* A transaction was rolled back: memory is ahead of the database. Nothing may be counted or written before the
	 * account has been resumed. */
	LEDGER_STALE,
	/* Readings that were counted before are counted again, on top of the saved state. Nothing is written: the
	 * database has it all. */
	LEDGER_REPLAY,
	/* Readings of one meter are counted again, otherwise than before. Intervals are noted, lives and suspects are
	 * written, events are not. */
	LEDGER_RECOUNT,
	/* All readings are counted again, from nothing. Intervals, days, months and lives are written from write_from_s
	 * on, and the saved state. Events are not, and suspects only where writes_suspects: the database has them. */
	LEDGER_REBUILD,
};

/* Where events go. at_ms: Unix milliseconds; subject: the name of a meter or input, or "tallyd"; kind: one of the kinds
 * of the view event. The texts are valid during the call. */
struct ledger_sink {
	void *context;
	void (*event)(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail);
};

struct ledger_meter {
	struct account_meter account;
	bool is_changed;		  /* since it was saved */
	int64_t ct_primary, ct_secondary; /* ratio that the meter itself has answered, 0 = none */
	int64_t period_s; /* inputs: from_s of the period that the running life belongs to, INT64_MIN = none */
	uint64_t edition; /* of the book when it was last changed */
};

/* Zeros before ledger_book_open(). */
struct ledger_book {
	struct db *db;
	const struct db_meters *reg;
	const struct db_tables *tables;
	struct ledger_sink sink;
	int64_t quantity_id[Q_COUNT]; /* quantity.id */
	char zone[LEDGER_ZONE_MAX + 1];
	struct calendar calendar;
	struct account account;
	enum ledger_mode mode;
	int64_t write_from_s; /* intervals and lives that begin before it are not touched; INT64_MIN except in a rebuild
			       */
	bool writes_suspects; /* in a rebuild, too */
	int64_t newest_s;     /* slot of the last reading counted, 0 = none */
	int error;	      /* the first that was noted, 0 = none */
	uint64_t edition;     /* goes up with each ledger_book_next_edition(), from 1 */
	size_t n;
	struct ledger_meter *meters;
};

/* Begin closed and empty, with days and months of this zone ("": the system's). db, reg and tables must outlive the
 * book. 0 or -errno; ledger_book_close() is due either way. */
int ledger_book_open(struct ledger_book *b, struct db *db, const struct db_meters *reg, const struct db_tables *tables,
		     const char *zone, int64_t interval_s, const struct account_sink *account_sink,
		     const struct ledger_sink *sink);
void ledger_book_close(struct ledger_book *b);

/* Add records for the meters that the register has and the book has not. 0 or -ENOMEM. */
int ledger_book_fit(struct ledger_book *b);

/* The index of a meter's record by the meter's id; -1 = none. */
int ledger_book_find(const struct ledger_book *b, int64_t id);

/* The account of meter i, to be changed. */
struct account_meter *ledger_book_change(struct ledger_book *b, size_t i);

/* The state of meter i is in the database. */
void ledger_book_saved(struct ledger_book *b, size_t i);

/* The row of meter i in the register has changed. */
void ledger_book_touch(struct ledger_book *b, size_t i);

/* The bounds and the period of readings of meter i. limits must outlive the meter's record or the next call. */
void ledger_book_set_limits(struct ledger_book *b, size_t i, const struct account_limits *limits);
void ledger_book_set_every(struct ledger_book *b, size_t i, uint32_t every_s);

/* The most that meter i can count in an hour; and the transformer ratio that it has answered. */
void ledger_book_set_per_hour(struct ledger_book *b, size_t i, int64_t per_hour);
void ledger_book_set_ct(struct ledger_book *b, size_t i, int64_t primary, int64_t secondary);

/* The highest value that the counters of meter i show. */
void ledger_book_set_counter_max(struct ledger_book *b, size_t i, int64_t counter_max);

/* The life of input i belongs to the period that begins at from_s. */
void ledger_book_set_period(struct ledger_book *b, size_t i, int64_t from_s);

/* The clock was set back (account_clock_add()). Returns when it counts as having happened, or -1. */
int64_t ledger_book_set_clock_back(struct ledger_book *b, int64_t at_ms, int64_t back_ms);

/* Take one meter, and one of its counters, as they were saved. 0 or -ENOMEM. */
void ledger_book_restore(struct ledger_book *b, size_t i, const struct account_meter *saved);
int ledger_book_restore_counter(struct ledger_book *b, size_t i, const struct account_counter *counter,
				const uint8_t *packed, size_t n);

/* Exchange the account of meter i with another one that has the same meter. */
void ledger_book_swap(struct ledger_book *b, size_t i, struct account_meter *other);

/* Forget the counters of one meter, but not what the configuration gave. */
void ledger_book_forget_meter(struct ledger_book *b, size_t i);

/* The last reading counted of a meter that had been read before, whichever: account.counted_s. */
void ledger_book_set_counted(struct ledger_book *b, int64_t slot_s);

/* A reading of this slot is the last one counted. */
void ledger_book_set_newest(struct ledger_book *b, int64_t slot_s);

/* write_from_s: INT64_MIN except for LEDGER_REBUILD. */
void ledger_book_set_mode(struct ledger_book *b, enum ledger_mode mode, int64_t write_from_s);

/* In the rebuild that begins the suspects of readings are written again. Until the mode is set again. */
void ledger_book_write_suspects(struct ledger_book *b);

/* True when an interval or life that begins at from_s is written in this mode. */
bool ledger_book_writes(const struct ledger_book *b, int64_t from_s);

/* Days, months and intervals are those of this calendar, which is the book's then, and since its last change those of
 * this zone. The C library has one zone for all threads, so the zone may change only while there is no other thread. */
void ledger_book_set_calendar(struct ledger_book *b, const char *zone, struct calendar *calendar);

/* Write which zone and length of intervals the account is kept in. 0 or -errno. */
int ledger_book_put_settings(struct ledger_book *b, const char *zone, int64_t interval_s);

/* A setting that is a time, Unix seconds; 0 = none. */
int64_t ledger_book_get_time(const struct ledger_book *b, const char *name);

/* Forget the counters of all meters and the noted error, but not what the configuration gave. */
void ledger_book_forget(struct ledger_book *b);

/* Note an error of a sink; 0 is none. */
void ledger_book_note(struct ledger_book *b, int rc);

/* The newest slot counted of any meter, Unix seconds; 0 = none. */
int64_t ledger_book_until_s(const struct ledger_book *b);

/* Changes from now on belong to the next edition. */
void ledger_book_next_edition(struct ledger_book *b);

#endif
