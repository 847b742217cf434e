/* SPDX-License-Identifier: MIT */
/* store_account.h - the account in the database; what the store's files that keep it share.
 *
 *   store_account.c   readings in, settings; suspects and lives out
 *   store_interval.c  intervals, days and months out
 *   store_limits.c    what each counter can do, from the models, ratios and inputs of the configuration
 *   store_exchange.c  meters that were exchanged
 *   store_state.c     the account's state, saved now and then
 *   store_replay.c    readings fed again: since the saved state after a start, all of them in a rebuild
 *
 * All write into the running transaction but where said. */
#ifndef TALLY_STORE_ACCOUNT_H
#define TALLY_STORE_ACCOUNT_H

#include <sqlite3.h>

#include "account.h"
#include "calendar.h"
#include "conf.h"
#include "db_tables.h"
#include "err.h"
#include "reading.h"

struct store;
struct store_meter;

enum {
	STORE_SPANS = 2,	    /* days and months */
	STORE_SAVE_EVERY_S = 10800, /* the account's state is written this often; younger readings are replayed */
	STORE_REPLAY_BACK_S = 7200, /* a reading's slot is at most this much older than its commit */
};

/* One period of one input: a row of input_period. */
struct store_input {
	int64_t meter, concentrator;
	int64_t from_s, until_s;
	int64_t weight, weight_per;
	uint8_t input;
	enum quantity quantity;
	struct account_limits *limits;
};

/* Limits of one model under one pair of ratios. */
struct store_limits {
	const struct driver *driver;
	uint32_t ct_primary, ct_secondary, vt_primary, vt_secondary;
	struct account_limits *limits;
};

/* A value that was not counted, until its row is known to be written. */
struct store_suspect {
	int64_t meter, slot_s;
	enum quantity quantity;
	bool behind;
	char reason[160];
};

struct store_account {
	char zone[80]; /* name of the time zone that days and months are of */
	struct calendar calendar;
	struct account account; /* its sink writes into the running transaction */
	bool loaded;
	int64_t saved_s;		/* newest slot when the state was last written */
	bool save_wanted;		/* with the next commit, whatever the time */
	int64_t newest_s;		/* slot of the last reading */
	int error;			/* of a sink's call, 0 = none */
	uint64_t n_rebuilt;		/* readings fed by a rebuild */
	bool rebuilding;		/* everything is written anew, events are not */
	bool replaying;			/* results are in the database already */
	int64_t write_from_s;		/* intervals before it are not touched (a rebuild) */
	struct account_limits *unknown; /* for meters without a driver */
	size_t n_limits;
	struct store_limits *limits;
	size_t n_inputs;
	struct store_input *inputs;
	int64_t db_id[Q_COUNT];	      /* quantity.id */
	uint8_t span_column[Q_COUNT]; /* parameter number in the statements that add to days and months */
	size_t n_suspects;
	struct store_suspect suspects[Q_COUNT];
	sqlite3_stmt *put_start, *get_interval, *put_interval, *put_suspect, *get_behind, *end_life, *put_life,
		*put_account, *put_counter, *put_span[STORE_SPANS];
	sqlite3_stmt *add[STORE_SPANS][DB_KINDS_MAX];
	int64_t span_written_s[STORE_SPANS]; /* start of the day and month written last */
	int64_t start_written_s;	     /* start of an interval written last */
	int64_t last_event_meter, last_event_s;
	char last_event_kind[20];
};

/* An exchange of a meter, as table replacement keeps it. */
struct store_exchange {
	int64_t meter, at_s;
	bool by_serial; /* the meter said so; else people, perhaps late */
	bool has_final, has_initial;
	int64_t final, initial; /* base units of the main counter */
	bool done;
};

/* Those that are to be done in their place among the readings. Zeros: none. The list is the owner's to free. */
struct store_exchanges {
	size_t n;
	struct store_exchange *list; /* by their time */
};

/* store_account.c */

/* Prepare statements; after the quantities are written. 0 or -errno. */
int store_account_open(struct store *s, const struct conf *conf);
void store_account_close(struct store *s);

/* Take limits and inputs from the configuration, which is in the database already; the first time also load the state
 * and go on from it. A transaction of its own. 0 or -errno. */
int store_account_configure(struct store *s, const struct conf *conf);

/* Write down which zone and length of intervals the account is kept in. 0 or -errno. */
int store_account_put_settings(struct store *s, const char *zone, int64_t interval_s);

/* The newest slot counted of any meter, 0 = none. */
int64_t store_account_until(const struct store *s);

/* Count one reading. *suspect_kinds: the kinds (a mask of indices) with a value that was not accepted; their suspects
 * wait in account.suspects. 0 or -errno. */
int store_account_feed(struct store *s, const struct reading *r, unsigned *suspect_kinds);

/* Write the suspects of the kinds in the mask, forget the others. 0 or -errno. */
int store_account_suspects(struct store *s, unsigned kinds);

/* Give out the intervals that have ended without a reading. 0 or -errno. */
int store_account_missing(struct store *s, int64_t now_s);

/* Keep the first error of the account's sinks. */
void store_account_note(struct store *s, int r);

/* store_interval.c */

int store_interval_open(struct store *s);
void store_interval_close(struct store *s);

/* account_sink.interval: write one interval, or what it adds to the row that is there, and to its day and month. A
 * value that is there stands: it was counted. */
void store_interval_put(void *context, const struct account_interval *given);

/* Take out all intervals, days and months from from_s on (INT64_MIN: all). 0 or -errno. */
int store_interval_clear(struct store *s, int64_t from_s);

/* store_limits.c */

/* Make the limits of every meter and input of the configuration, in place of those before. 0 or -errno. */
int store_limits_set(struct store *s, const struct conf *conf);
void store_limits_free(struct store *s);

/* The period of an input that slot_s lies in; NULL = none. */
struct store_input *store_input_at(struct store *s, int64_t meter, int64_t slot_s);

/* An input can do what its period of the last reading says. Returns that, or NULL: it is no input, or has none. */
const struct store_input *store_input_resume(struct store *s, struct store_meter *m);

/* store_exchange.c */

/* Take over what `tally replace` has asked for since the last time. 0 or -errno. */
int store_exchange_ask(struct store *s, struct store_exchanges *x);

/* Act on those of this meter that came before the reading of slot_s; at last on the rest. 0 or -errno. */
int store_exchange_act(struct store *s, const struct store_exchanges *x, int64_t meter, int64_t slot_s);
int store_exchange_act_rest(struct store *s, const struct store_exchanges *x);

/* The meter behind the name is another one, with this serial number if it said so, else NULL; which is an event.
 * detail: how it is known. 0 or -errno. */
int store_exchange_meter(struct store *s, struct store_meter *m, struct store_exchange *x, const char *serial,
			 const char *detail);

/* All exchanges there were (done), or that are asked for. 0 or -errno. */
int store_exchange_load(struct store *s, bool done, struct store_exchanges *x);

/* The same as store_exchange_act() for those that there were, in a rebuild. */
void store_exchange_repeat(struct store *s, const struct store_exchanges *x, int64_t meter, int64_t slot_s);
void store_exchange_repeat_rest(struct store *s, const struct store_exchanges *x);

/* store_state.c */

int store_state_open(struct store *s);
void store_state_close(struct store *s);

/* Write the state when it is due (always: whatever the time). 0 or -errno. */
int store_state_save(struct store *s, bool always);
int store_state_load(struct store *s);

/* Only the highest value that each meter's counters show: what the meter has said of itself, which no reading holds. */
int store_state_load_counter_max(struct store *s);

/* store_replay.c */

/* Take up the account where the database has it, whatever memory knows: its state as saved, and the readings since.
 * 0 or -errno. */
int store_replay_since(struct store *s);

/* Make intervals, days, months and lives anew from the readings. A transaction of its own. 0 or -errno. */
int store_replay_all(struct store *s);

#endif
