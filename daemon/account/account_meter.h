/* SPDX-License-Identifier: MIT */
/* account_meter.h - the data of the account: a meter with its counters, its limits, and where results go. account.h has
 * the rules. Their members are written by account.c and account_results.c only, except where it is said.
 *
 * Plain values, except the counters of a meter, which account.c allocates. Times are Unix seconds UTC, values are as in
 * account.h. */
#ifndef TALLY_ACCOUNT_METER_H
#define TALLY_ACCOUNT_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account_clock.h"
#include "account_place.h"
#include "calendar.h"
#include "clock.h"
#include "explain.h"
#include "explain_pack.h"
#include "names.h"

enum {
	ACCOUNT_SLACK_S = 60,	      /* an interval is not missing before a reading may be so late */
	ACCOUNT_BACK_S = 86400,	      /* a clock that steps back further must prove itself; new lives begin then */
	ACCOUNT_AHEAD_S = 31 * 86400, /* one that steps on further must prove itself */
	ACCOUNT_PROOF_S = 3600,	      /* by continuing for so long; so must a meter that looked like two */
	ACCOUNT_UNKNOWN_W = 10000000, /* for a model whose highest power is unknown: 10 MW at ratios 1:1 */
	ACCOUNT_LATE_S = 7 * 86400,   /* an exchange may be reported this long after it was noticed as a reset */
	ACCOUNT_PACKED_MAX = EXPLAIN_PACKED_MAX + 220,
	ACCOUNT_NET_FALLS =
		5, /* so many readings in a row that run backwards: a net register, which is never counted */
	ACCOUNT_UNSURE_S = 86400, /* three changes of mind within this time: two meters? */
};

/* The bounds of one counter of a model under its ratios. */
struct account_limit {
	int64_t parts;	     /* of a base unit, that the others are in; 0 = 1, and nobody knows what values are in */
	bool modulus_read;   /* the modulus is account_meter.counter_max in whole steps, plus one step */
	int64_t back_step;   /* a fall up to this is ignored */
	int64_t step;	     /* per count of the register */
	int64_t coarse_step; /* per count of the coarser register read in its place at times; 0 = there is none */
	int64_t fold;	     /* the lower of their turn-overs, where they differ: values count modulo this; else 0 */
	int64_t per_hour;    /* most that can pass in an hour, a margin comes to it; 0 = that of the meter */
	/* The register starts again at 0 at one of these values; 0 = no more of them. None where modulus_read. */
	int64_t moduli[EXPLAIN_MODULI_MAX];
};

struct account_limits {
	struct account_limit of[Q_COUNT];
};

/* The account of one counter of one meter. */
struct account_counter {
	enum quantity quantity;
	int64_t parts;		      /* of a base unit: what all its values are in */
	bool living;		      /* false: the next reading begins a life */
	uint8_t n_falls;	      /* readings in a row that run backwards; 1, not living: it is negative */
	int64_t seen_s;		      /* newest slot looked at, good or false */
	int64_t modulus;	      /* the last one that was read, 0 = none */
	struct account_place given;   /* results were given out up to here: node x.given where it is living */
	struct account_place settled; /* the place at node 0 of x */
	struct explain x;	      /* where it is living */
	int64_t changed_s[2];	      /* the last two slots at which something of it was taken back, 0 = none */
};

/* The owner gives id, limits, per_hour, every_s and counter_max, and when it restores a meter also last_s, unsure_s and
 * sure_ms.
 */
struct account_meter {
	int64_t id;
	const struct account_limits *limits; /* must outlive the meter; may be changed between readings */
	int64_t per_hour;		     /* most that its counters can rise in an hour, in base units */
	uint32_t every_s;		     /* period of its readings, 0 = unknown */
	int64_t counter_max;		     /* highest value its counters show, 0 = unknown */
	int64_t last_s;			     /* newest slot with counters, 0 = none */
	int64_t reported_s;		     /* intervals up to here have been emitted */
	int64_t doubtful_s, doubtful_last_s; /* first and last slot of a clock not believed yet, 0 = none */
	int64_t sure_ms; /* time of the last reading whose clock was known to be right, as in explain.h; 0 = none */
	/* The clock was set back, and slots up to here were counted before: a reading of them may be of either time,
	 * and the state must be saved after each, so that none of this time is fed again. 0: no. */
	int64_t passed_s;
	int64_t unsure_s; /* != 0: two meters seem to answer, and nothing is counted; the last change of mind */
	size_t n_counters;
	struct account_counter *counters;
};

/* The last good value of one counter, and what the next one is judged by; in the counter's parts. A plain value: it can
 * be asked while the account is at work. */
struct account_mark {
	enum quantity quantity;
	int64_t parts;
	int64_t seen_s; /* as in struct account_counter */
	struct explain_good good;
	int64_t fold;		    /* as in struct account_limit */
	int64_t last_s;		    /* slot of the last reading */
	int32_t rate;		    /* until then, as in struct explain */
	struct explain_limit limit; /* with the moduli that hold now */
};

enum account_quality { ACCOUNT_MEASURED = 0, ACCOUNT_ESTIMATED = 1, ACCOUNT_MISSING = 2 };

/* The value of a counter at some moment: its reading, or what lies there between two readings of one life. */
struct account_register {
	bool is_known;	 /* false: no life has begun, or one has ended and the next has not begun */
	bool is_revised; /* it was emitted before, and was another one */
	int64_t value;	 /* whole base units */
	int64_t read_s;	 /* slot of the last reading that it rests on */
};

/* One interval of one meter, with the counters that have passed its end. */
struct account_interval {
	int64_t meter;
	int64_t start_s, end_s;
	enum account_quality quality; /* the worst of its values; ACCOUNT_MISSING: it has none */
	size_t n_values;
	struct {
		enum quantity quantity;
		int64_t value;
		enum account_quality quality; /* measured or estimated; missing: only with is_revised, taken back */
		bool is_revised;	      /* was_value was emitted before, and is void */
		int64_t was_value;	      /* else 0 */
		struct account_register end;  /* at the end of the interval */
	} values[Q_COUNT];
};

/* Where results go; a member that is NULL is not called. Called from inside account_*() calls. */
struct account_sink {
	void *context;
	/* An interval may come again with other counters, or first without values and later with them, or with other
	 * values. */
	void (*interval)(void *context, const struct account_interval *i);
	/* A value that is not counted. behind: because of its slot, for good; the value itself may be right.
	 * reason: one sentence without the meter's name. */
	void (*suspect)(void *context, int64_t meter, enum quantity q, int64_t slot_s, bool behind, const char *reason);
	/* A life begins at slot_s with the value raw; the one before, if any, ended at ended_s with ended_raw. */
	void (*life)(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw, int64_t ended_s,
		     int64_t ended_raw, const char *reason);
	/* The running life ends at slot_s with raw, and none begins: the meter is read under another name. */
	void (*life_ended)(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw);
	/* Of the intervals in [from_s, until_s) some were emitted before, and have other values or none now. */
	void (*revised)(void *context, int64_t meter, int64_t from_s, int64_t until_s, const char *reason);
	/* The values of slots after after_s up to until_s are seen otherwise now: false for this reason, or good
	 * (NULL). */
	void (*reconsidered)(void *context, int64_t meter, enum quantity q, int64_t after_s, int64_t until_s,
			     const char *reason);
	/* The life that began at slot_s did not: the one before it continues. */
	void (*life_undone)(void *context, int64_t meter, enum quantity q, int64_t slot_s);
	/* kind: rollover, reset, new-life, gap, implausible, taken-back, two-meters */
	void (*event)(void *context, int64_t meter, int64_t slot_s, const char *kind, const char *detail);
};

struct account {
	struct calendar *calendar;
	int64_t counted_s; /* slot of the last reading of a meter that had been read before, whichever; 0 = none yet */
	struct account_clock clock; /* the owner's */
	bool proven;		    /* a replay: the readings were fed before, and those marked behind are left out */
	struct account_sink sink;
};

#endif
