/* SPDX-License-Identifier: MIT */
/* account.h - readings in; lives, quality and intervals out. The rules of the account:
 *
 *   - Consumption is only ever the difference of two readings inside one life of a counter.
 *   - A reading that fell, or rose by more than its meter could deliver since the counter last moved, is suspect: it is
 *     not counted. Two more readings that follow on from it prove that it was no glitch: a new life begins with it. A
 *     reading that follows on from the last one counted proves that it was a glitch.
 *   - A fall that is plausible across the register's modulus is a rollover and is counted through. A fall within
 *     back_step is ignored: the higher value is kept until the counter passes it.
 *   - What passed between two readings is spread over the time between them. The value at the end of an interval is
 *     interpolated and rounded down, so the sum over any span is exact in whole base units.
 *   - Nothing that lies before what has been counted is counted again.
 *   - A reading far from the last one counted comes from a clock that may be wrong. It is not counted until readings
 *     have gone on from there for an hour. If the clock has then gone back, new lives begin: what was counted is kept,
 *     even where it lies in the future, and no interval is counted twice.
 *
 * Pure: no I/O, no clock, no logging. Memory is taken only for a counter that a meter shows for the first time. One
 * thread. Times are Unix seconds UTC. Values are whole base units, or whole parts of one where a pulse weighs no whole
 * number of them; lives, intervals and reports are always in whole base units.
 *
 * The same readings in the same order give the same account, so it can be rebuilt from them. The order is that of their
 * arrival: once the clock has jumped back by more than ACCOUNT_BACK_S and proved itself, that is no longer the order of
 * their slots. */
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
	ACCOUNT_BACK_S = 86400,	      /* a clock that steps back further must prove itself; new lives begin then */
	ACCOUNT_AHEAD_S = 31 * 86400, /* one that steps on further must prove itself */
	ACCOUNT_PROOF_S = 3600,	      /* by going on for so long */
	ACCOUNT_UNKNOWN_W = 10000000, /* for a model whose highest power is unknown: 10 MW at ratios 1:1 */
	ACCOUNT_LATE_S = 7 * 86400,   /* an exchange may be reported this long after it was noticed as a reset */
	ACCOUNT_PULSES_S = 100,	      /* pulses an input can count in a second */
};

/* The bounds of one counter of a model under its ratios. All in parts, like its values. */
struct account_limit {
	int64_t parts;	   /* of a base unit; 0 = 1 */
	int64_t modulus;   /* value at which the register starts again at 0; 0 = unknown */
	bool modulus_read; /* the modulus is account_meter.counter_max in whole steps, plus one step */
	int64_t back_step; /* a fall up to this is ignored */
	int64_t step;	   /* per count of the register */
	int64_t per_hour;  /* most that can pass in an hour; account.c adds the margin */
};

struct account_limits {
	struct account_limit of[Q_COUNT];
};

/* The account of one counter of one meter. A plain value: the ledger saves it and continues from it after a restart. */
struct account_counter {
	enum quantity quantity;
	int64_t parts;				  /* of a base unit: what all its values are in */
	bool living;				  /* false: the next reading begins a life */
	bool was_reset;				  /* this life began with a reset that was not announced */
	int64_t ended_raw;			  /* then: the last value of the life before */
	int64_t life_s;				  /* when this life began */
	int64_t slot_s;				  /* all up to here is accounted for */
	int64_t raw;				  /* value at slot_s, or higher within back_step */
	int64_t moved_s;			  /* slot of the reading that last changed raw */
	int64_t seen_s;				  /* newest slot looked at, counted or suspect */
	int64_t open_s;				  /* start of the running interval */
	int64_t sum;				  /* so far in it */
	int64_t rest;				  /* counted before it, less than a whole base unit */
	int64_t known_s;			  /* seconds of it that lie inside a life */
	bool estimated;				  /* part of it is spread over a gap */
	int64_t modulus;			  /* the last one known */
	int n_suspect;				  /* suspects that follow on from each other */
	int64_t suspect_s, suspect_raw;		  /* the first of them */
	int64_t suspect_last_s, suspect_last_raw; /* the last of them */
};

/* The owner gives id, limits, every_s and counter_max, and last_s when it restores a meter. The rest is account.c's. */
struct account_meter {
	int64_t id;
	const struct account_limits *limits; /* must outlive the meter; may be changed between readings */
	uint32_t every_s;		     /* period of its readings, 0 = unknown */
	int64_t counter_max;		     /* highest value its counters show, 0 = unknown */
	int64_t last_s;			     /* newest slot with counters, 0 = none */
	int64_t reported_s;		     /* intervals up to here have been emitted */
	int64_t doubtful_s, doubtful_last_s; /* first and last slot of a clock not believed yet, 0 = none */
	size_t n_counters;
	struct account_counter *counters;
};

/* The last counted value of one counter, and what the next one is judged by; in the counter's parts. A plain value: it
 * can be asked while the account is at work. */
struct account_mark {
	enum quantity quantity;
	int64_t seen_s, raw, moved_s; /* as in struct account_counter */
	struct account_limit limit;   /* with the modulus that holds now */
};

enum account_quality { ACCOUNT_MEASURED = 0, ACCOUNT_ESTIMATED = 1, ACCOUNT_MISSING = 2 };

/* One interval of one meter, with the counters that have passed its end. */
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
	/* An interval may come again with other counters, or first without values and later with them. */
	void (*interval)(void *context, const struct account_interval *i);
	/* A value that was not counted. behind: because of its slot, for good; the value itself may be right.
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
	bool proven;	   /* a replay: the readings were fed before, and those marked behind are left out */
	struct account_sink sink;
};

/* One counter's value in a reading. */
struct account_value {
	enum quantity quantity;
	int64_t value;
	bool suspect; /* out: not counted */
};

/* Take the mark of a counter of m. Returns false, with *out unchanged, when the counter has no counted value: then
 * whatever comes begins a life. */
bool account_get_mark(const struct account_meter *m, const struct account_counter *c, struct account_mark *out);

/* True when a value, in the counter's parts, follows on from the last one counted, or is of a slot that was already
 * taken. */
bool account_follows(const struct account_mark *mark, int64_t slot_s, int64_t value);

/* Take one reading's counters. Readings of a meter come in the order of their slots; one that does not is marked
 * suspect as a whole, one whose slot was taken before is skipped. unsynchronised: its time may be wrong, so that its
 * intervals are estimated. values[].suspect is filled. 0, or -ENOMEM: nothing was taken. */
int account_feed(struct account *a, struct account_meter *m, int64_t slot_s, bool unsynchronised,
		 struct account_value *values, size_t n_values);

/* Another meter answers to this name since slot_s, or its counters mean something else: end the life of counter q
 * (Q_COUNT: of every counter) there; the next reading begins a new one.
 * final: NULL, or the last value of the old meter, counted up to slot_s. initial: NULL, or the first value of the new
 * one, counted from. Both in whole base units, and for one counter only. A slot_s before what has been counted means
 * the end of what has been counted. Returns false when the final value is one that this meter cannot have reached
 * since: it is not counted. */
bool account_replace(struct account *a, struct account_meter *m, enum quantity q, int64_t slot_s, const int64_t *final,
		     const int64_t *initial, const char *reason);

/* Whether an exchange at slot_s that is reported late was already noticed as a reset. Then the running life, which
 * began with that reset, is the new meter's, and final (or NULL) belongs to the life before. */
bool account_has_noticed(const struct account_meter *m, enum quantity q, int64_t slot_s, const int64_t *final);

/* End the running intervals where they are: their length or the time zone changes from here on. Returns the start of
 * the newest interval that runs then: missing ones that were emitted from there on are void, and are emitted again. 0:
 * the meter has no counters. */
int64_t account_cut(struct account *a, struct account_meter *m);

/* Emit intervals that ended before now_s without a reading as missing, at most max of them. An interval counts as
 * missing two periods of the meter after its end. */
void account_report_missing(struct account *a, struct account_meter *m, int64_t now_s, size_t max);

/* The counter q of m; NULL when it has none. For tests. */
struct account_counter *account_counter(const struct account_meter *m, enum quantity q);

/* Add a counter as it was saved. 0 or -ENOMEM. */
int account_restore(struct account_meter *m, const struct account_counter *counter);

/* Forget everything that readings gave; what the owner gave stays. */
void account_forget(struct account_meter *m);

/* Free the counters, not the struct. */
void account_fini(struct account_meter *m);

#endif
