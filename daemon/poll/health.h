/* SPDX-License-Identifier: MIT */
/* health.h - whether one meter answers: its state, when it is probed while it is down, and what became of its requests.
 *
 * struct health is written by health.c only. It is fed with the replies of every job (health_count()) and with the end
 * of every task (health_answered(), health_failed()). It never asks anything, does not know what a request was for, and
 * does not judge the line: a job that the line lost is no failure, and the caller must not report it as one.
 *
 * A meter that answers is up. One failed round makes it suspect, HEALTH_DOWN_AFTER in a row make it down, and one
 * answer makes it up again from anywhere. While it is down the pause between its probes doubles.
 *
 * Plain values: no allocation, no I/O, no logging; the wall clock is an argument. One thread. */
#ifndef TALLY_HEALTH_H
#define TALLY_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"

enum {
	HEALTH_DOWN_AFTER = 3,		    /* failed rounds in a row that make a suspect meter down */
	HEALTH_PROBE_PAUSE_MIN_MS = 10000,  /* first pause between probes of a down meter; doubles up to */
	HEALTH_PROBE_PAUSE_MAX_MS = 300000, /* this */
	HEALTH_COUNTS_TEXT_MAX = 260,
};

enum health_state {
	HEALTH_NEVER,	/* no answer since the daemon's start */
	HEALTH_UP,	/* answered when last asked */
	HEALTH_SUSPECT, /* failed in the last round */
	HEALTH_DOWN,	/* failed HEALTH_DOWN_AFTER rounds, or cannot do what is asked of it */
};

/* All zero is the health of a meter that was never asked. A copy is as good as the original: a reload copies it. */
struct health {
	enum health_state state;
	unsigned failed_rounds; /* in a row; 0 = it may be asked with the others, and retried */
	bool answered_last;	/* the last job brought an answer of any kind, also a refusal */
	int64_t probe_at_ms;	/* wall time of the next probe; meaningful while down */
	int64_t probe_pause_ms;
	char reason[160]; /* why it is not up: the first reply of the last job that was no good answer; "" = it is up */
	/* Since the daemon's start. */
	uint64_t requests;
	uint64_t failures;		    /* requests without an answer that can be used */
	uint64_t counts[LINK_STATUS_COUNT]; /* requests by outcome, and the wrong answers rejected on the way there */
	int64_t last_good_s;		    /* Unix seconds of the last good answer, 0 = never */
	uint32_t latency_us;		    /* exponential mean, weight 1/8; 0 = no good answer yet */
};

/* Count the n replies of a job that came back. A request that was never sent is not counted. */
void health_count(struct health *h, const struct link_reply *replies, size_t n, int64_t now_ms);

/* A task has ended with an answer: the meter is up. */
void health_answered(struct health *h);

/* A task has ended without one: one more failed round. is_hopeless: retrying cannot help, the meter is down at once.
 * While it is down the next probe is a doubled pause away. */
void health_failed(struct health *h, bool is_hopeless, int64_t now_ms);

/* A probe is being made: the next one is a pause away. */
void health_note_probe(struct health *h, int64_t now_ms);

/* The line is back: probe now, and begin with the shortest pause again. */
void health_probe_now(struct health *h, int64_t now_ms);

/* The wall clock was set back to now_ms: a probe planned by the old time must not wait longer than a pause. */
void health_clock_set_back(struct health *h, int64_t now_ms);

/* Count by kind the requests that brought no good answer, "3 timeout, 1 bad CRC"; "" = nothing went wrong.
 * out holds n bytes, HEALTH_COUNTS_TEXT_MAX are enough. */
void health_counts_text(const struct health *h, char *out, size_t n);

#endif
