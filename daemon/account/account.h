/* SPDX-License-Identifier: MIT */
/* account.h - readings in; lives, quality and intervals out. The rules of the account:
 *
 *   - Consumption is only ever the difference of two readings inside one life of a counter.
 *   - A reading that fell, or rose by more than its meter could deliver since the counter last moved, is suspect: it is
 *     not counted. Two more readings that follow on from it prove that it was no glitch: a new life begins with it.
 *     A reading that follows on from the last one counted proves that it was.
 *   - A fall that is plausible across the register's modulus is a rollover and counted through. A fall within back_step
 *     is none: the higher value stands until it is passed.
 *   - What passed between two readings is spread over the time between them; the value at the end of an interval is
 *     interpolated and rounded down, so the sum over any span is exact in whole base units.
 *   - Nothing that lies before what has been counted is counted again.
 *   - A reading that is a long way from the last one counted is one of a clock that may be wrong: it is not counted
 *     until readings have gone on from there for a while. If the clock then has gone back, new lives begin: what has
 *     been counted stands, also where it lies in the future, and no interval is counted a second time.
 *
 * Pure: no I/O, no clock, no logging; the only memory taken is for a meter's counters, when one is first seen. One
 * thread. Times are Unix seconds UTC, values whole base units; or whole parts of one, where a pulse weighs no whole
 * number of them. Lives, intervals and what is told are whole base units always. The same readings in the same order
 * give the same account, so it can be made anew from them; but not in the order of their slots where the clock has gone
 * back by more than ACCOUNT_BACK_S and proved itself. */
#ifndef TALLY_ACCOUNT_H
#define TALLY_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calendar.h"
#include "clock.h"
#include "names.h"

enum {
	ACCOUNT_SLACK_S = 60,	      /* readings of a slot may lie this far apart from it */
	ACCOUNT_BACK_S = 86400,	      /* a clock that steps back further must prove itself and begins new lives */
	ACCOUNT_AHEAD_S = 31 * 86400, /* one that steps on further must prove itself */
	ACCOUNT_PROOF_S = 3600,	      /* by going on for so long */
	ACCOUNT_UNKNOWN_W = 10000000, /* for a model whose highest power is unknown: 10 MW at ratios 1:1 */
	ACCOUNT_LATE_S = 7 * 86400,   /* an exchange may be told so much later than it was noticed as a reset */
	ACCOUNT_PULSES_S = 100,	      /* pulses an input can count in a second */
};

/* What one counter of a model can do under its ratios. All in parts, like its values. */
struct account_limit {
	int64_t parts;	   /* of a base unit; 0 = 1 */
	int64_t modulus;   /* value that is shown as 0 again; 0 = unknown */
	bool modulus_read; /* the modulus is account_meter.counter_max in whole steps, plus one step */
	int64_t back_step; /* falls up to this are none */
	int64_t step;	   /* per count of the register */
	int64_t per_hour;  /* most that can pass in an hour; the margin is added here */
};

struct account_limits {
	struct account_limit of[Q_COUNT];
};

/* One counter of one meter: where its account stands. A plain value: what the store keeps to go on after a restart. */
struct account_counter {
	enum quantity quantity;
	int64_t parts;				  /* of a base unit: what all its values are in */
	bool living;				  /* false: the next reading begins a life */
	bool was_reset;				  /* this life began with a reset that nobody had announced */
	int64_t ended_raw;			  /* then: what the life before had come to */
	int64_t life_s;				  /* when this life began */
	int64_t slot_s;				  /* all up to here is accounted for */
	int64_t raw;				  /* value at slot_s, or higher within back_step */
	int64_t moved_s;			  /* slot of the reading that last changed raw */
	int64_t seen_s;				  /* newest slot looked at, counted or suspect */
	int64_t open_s;				  /* start of the running interval */
	int64_t sum;				  /* so far in it */
	int64_t rest;				  /* counted before it, but no whole base unit to give out */
	int64_t known_s;			  /* seconds of it that lie inside a life */
	bool estimated;				  /* part of it is spread over a gap */
	int64_t modulus;			  /* the last one known */
	int n_suspect;				  /* suspects that follow on from each other */
	int64_t suspect_s, suspect_raw;		  /* the first of them */
	int64_t suspect_last_s, suspect_last_raw; /* the last of them */
};

struct account_meter {
	int64_t id;
	const struct account_limits *limits; /* must outlive the meter; may be changed between readings */
	uint32_t every_s;		     /* period of its readings, 0 = unknown */
	int64_t counter_max;		     /* highest value its counters show, 0 = unknown */
	int64_t last_s;			     /* newest slot with counters, 0 = none */
	int64_t told_s;			     /* intervals up to here have been given out */
	int64_t away_s, away_last_s;	     /* first and last slot of those that do not count yet, 0 = none */
	size_t n_counters;
	struct account_counter *counters;
};

enum account_quality { ACCOUNT_MEASURED = 0, ACCOUNT_ESTIMATED = 1, ACCOUNT_MISSING = 2 };

/* One interval of one meter, with those counters that are through with it. */
struct account_interval {
	int64_t meter;
	int64_t start_s, end_s;
	enum account_quality quality; /* the worst of its values; ACCOUNT_MISSING: it has none */
	size_t n_values;
	struct {
		enum quantity quantity;
		int64_t value;
		enum account_quality quality; /* measured or estimated */
	} values[Q_COUNT];
};

/* Where results go; a member that is NULL is not called. Called from inside account_*() calls. */
struct account_sink {
	void *context;
	/* An interval may be given out again with other counters, or first without values and later with them. */
	void (*interval)(void *context, const struct account_interval *i);
	/* A value that was not counted. behind: because of its slot, and never will be; the value itself may be good.
	 * reason: one sentence without the meter's name. */
	void (*suspect)(void *context, int64_t meter, enum quantity q, int64_t slot_s, bool behind, const char *reason);
	/* A life begins at slot_s with the value raw; the one before, if any, ended at ended_s with ended_raw. */
	void (*life)(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw, int64_t ended_s,
		     int64_t ended_raw, const char *reason);
	/* kind: rollover, reset, gap, implausible */
	void (*event)(void *context, int64_t meter, int64_t slot_s, const char *kind, const char *detail);
};

struct account {
	struct calendar *calendar;
	int64_t counted_s; /* slot of the last reading of a meter that had been read before, whichever; 0 = none yet */
	bool proven;	   /* the readings have been fed before, without those that were told to be behind */
	struct account_sink sink;
};

/* One counter's value in a reading. */
struct account_value {
	enum quantity quantity;
	int64_t value;
	bool suspect; /* out: not counted */
};

/* Whether the value, in the counter's parts, follows on from the last one counted, as far as is known: also of a
 * counter that has none, and of a slot that has been taken. Changes nothing. */
bool account_is_plausible(const struct account_meter *m, enum quantity q, int64_t slot_s, int64_t value);

/* Take one reading's counters. Readings of a meter come in the order of their slots; one that does not is marked
 * suspect as a whole, one that was there before is passed over. unsynchronised: its time may be wrong, so that its
 * intervals are estimated. values[].suspect is filled. 0, or -ENOMEM: nothing was taken. */
int account_feed(struct account *a, struct account_meter *m, int64_t slot_s, bool unsynchronised,
		 struct account_value *values, size_t n_values);

/* The meter behind the name is another one since slot_s, or what its counters mean has changed: the life of counter q
 * (Q_COUNT: of every counter) ends there, the next reading begins a new one.
 * final: NULL, or what the old one showed at the end, counted up to slot_s. initial: NULL, or what the new one showed
 * then, counted from. Both whole base units, and for one counter only. A slot_s before what has been counted means
 * then. Returns false when a final value was given that this meter can not have reached since: it is not counted. */
bool account_replace(struct account *a, struct account_meter *m, enum quantity q, int64_t slot_s, const int64_t *final,
		     const int64_t *initial, const char *reason);

/* Is an exchange at slot_s, told late, one that the account has noticed by itself? Then the running life, which began
 * with a reset not long before, is the new meter's already; final (or NULL) is of the life before. */
bool account_has_noticed(const struct account_meter *m, enum quantity q, int64_t slot_s, const int64_t *final);

/* End the running intervals where they stand: their length, or the time zone, is another one from now on. */
void account_cut(struct account *a, struct account_meter *m);

/* Give out intervals that have ended before now_s without a reading as missing, at most max of them.
 * An interval is waited for until two periods of the meter after its end. */
void account_tell_missing(struct account *a, struct account_meter *m, int64_t now_s, size_t max);

/* The counter q of m; NULL when it has none. */
struct account_counter *account_counter(const struct account_meter *m, enum quantity q);

/* Add a counter as the store kept it. 0 or -ENOMEM. */
int account_restore(struct account_meter *m, const struct account_counter *counter);

/* Free the counters, not the struct. */
void account_fini(struct account_meter *m);

#endif
