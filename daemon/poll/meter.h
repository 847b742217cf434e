/* SPDX-License-Identifier: MIT */
/* meter.h - one meter as its poller sees it: what to ask next, what an answer means, up or down.
 * Pure but for allocation in meter_new() and when a meter lacks registers: no I/O, no clock, no logging. One thread. */
#ifndef TALLY_METER_H
#define TALLY_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "conf.h"
#include "due.h"
#include "health.h"
#include "parts.h"
#include "plan.h"
#include "reading.h"

enum {
	METER_IDENTIFY_EVERY_MS = 86400000, /* identity is asked for again once a day */
	METER_IDENTIFY_AGAIN_MS = 3600000,  /* or so much later when it can be read but did not say who it is */
	METER_IDENTIFY_WRONG_MS = 60000,    /* or when it said that it is another model: the right one may come back */
};

/* What the meter is being asked at the moment. */
enum meter_task {
	METER_IDLE,
	METER_READ,	/* the groups that are due in a slot */
	METER_IDENTIFY, /* identity and state */
	METER_PART,	/* a request that the meter refused, or a part of it */
	METER_PROBE,	/* one request, to see whether a down meter is back */
};

/* What became of a job. */
enum meter_outcome {
	METER_ANSWERED, /* every request was answered, some perhaps refused with exception 2 or 3 */
	METER_REFUSED,	/* every request was refused so */
	METER_FAILED,	/* at least one request has no valid answer */
	METER_NO_LINE,	/* port or connection was lost: says nothing about the meter */
};

struct meter_identity {
	char serial[72];    /* "" = the model has none, or it was always refused */
	char firmware[40];  /* likewise */
	char mismatch[160]; /* what was found and expected, "" = it is the model of the configuration or never said */
};

struct meter {
	const struct conf_meter *conf;
	int64_t id; /* the store's */
	struct due due;
	struct health health;
	struct parts parts;
	enum meter_task task;
	unsigned tries_left;
	unsigned groups;
	int64_t identify_at_ms; /* wall time; 0 = before the next read */
	struct meter_identity identity;
	int64_t counter_max; /* value of Q_COUNTER_MAX, or -1 */

	/* the poller's own */
	uint64_t round;	  /* last in which it was asked */
	bool of_round;	  /* the job is of the round itself, not of the time it leaves */
	bool waiting;	  /* the job failed: for another try or for the round's end */
	bool doubted;	  /* it is read once more, its counters being implausible */
	bool who_doubted; /* it is asked once more who it is, having said a new serial */

	struct plan *plans[DRIVER_STATE * 2]; /* by group mask, made when first needed */
	unsigned plans_version;		      /* of parts, when they were made */
	int64_t *multipliers;		      /* base units per count, one per driver row */

	const struct plan *plan;  /* of the read or identification in hand */
	struct plan_request part; /* the probe, or the part of a refused request under way */
	size_t first;		  /* request of the plan that is the job's first */
	struct bus_job job;
	size_t n_words, n_replies; /* room in */
	uint16_t *words;
	struct link_reply *replies; /* one per request of the plan */
};

/* A meter of the configuration with all it needs to be polled; only slots after now_ms are due. conf must outlive it.
 * NULL = out of memory. */
struct meter *meter_new(const struct conf_meter *conf, int64_t id, int64_t now_ms);
void meter_free(struct meter *m);

/* Before anything is asked: go on with all that old, idle and configured alike, knew. */
void meter_inherit(struct meter *m, const struct meter *old);

/* Make m->job the task. Returns false when there is nothing to ask or no memory: the meter stays idle. */
bool meter_begin_read(struct meter *m, unsigned groups);
bool meter_begin_identify(struct meter *m);
bool meter_begin_part(struct meter *m);
bool meter_begin_probe(struct meter *m);

/* Count the replies of the job that came back and say what became of it. The task stays. */
enum meter_outcome meter_answered(struct meter *m, int64_t now_ms);

/* After METER_FAILED or METER_NO_LINE: make the job what has no answer yet. Returns false when no try is left. */
bool meter_retry(struct meter *m);

/* The task is over with this outcome: the meter is idle, its state follows; METER_REFUSED leaves it as it is. Returns
 * true when the state changed. */
bool meter_settle(struct meter *m, enum meter_outcome outcome, int64_t now_ms);

/* Decode the answered requests of a read. Returns the number of values set in r. */
unsigned meter_reading(const struct meter *m, struct reading *r);

/* What the answers of METER_IDENTIFY say; what is not said this time is as it was. */
void meter_read_identity(const struct meter *m, struct meter_identity *id);

/* Take identity and state from these answers. Returns true when the serial differs from the one known before (and one
 * was known). */
bool meter_take_identity(struct meter *m);

/* Before meter_settle(): take the requests that the meter refused with exception 2 or 3; each waits to be tried again
 * by meter_begin_part(). Returns their number. */
size_t meter_take_refused(struct meter *m);

/* What became of the job of METER_PART. */
enum parts_answer meter_part_answer(const struct meter *m);

/* The text of the view meter_status; a meter that is not the model of the configuration is suspect. */
const char *meter_state_text(const struct meter *m);

#endif
