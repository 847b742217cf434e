/* SPDX-License-Identifier: MIT */
/* slack.h - which meter to ask next in the time that a round leaves before the next slot.
 *
 * The more urgent question comes first, of equals the one that has waited longest. A meter is asked when the time left
 * is enough for its answer: twice what its answers usually take. One that never finds that much time is asked all the
 * same once it has waited long, so that no meter starves on a line that is always busy.
 *
 * It reads meters and changes none. Pure: no allocation, no I/O, no logging; the wall clock is an argument. One
 * thread. */
#ifndef TALLY_SLACK_H
#define TALLY_SLACK_H

#include <stddef.h>
#include <stdint.h>

#include "meter.h"

enum {
	SLACK_WAIT_MAX_MS = 10000, /* a retry or a suspect meter that finds no time for so long is asked all the same */
};

/* Uses of the time, the more urgent first. */
enum slack_use {
	SLACK_RETRY,   /* a retry of what failed in the round */
	SLACK_PART,    /* a part of a refused request */
	SLACK_SUSPECT, /* what is due of a meter that failed in its last round */
	SLACK_PROBE,   /* whether a down meter is back */
	SLACK_AGAIN,   /* whether a register answers that has answered before */
	SLACK_NOTHING
};

struct slack_choice {
	struct meter *meter; /* NULL: nobody can be asked in that time */
	enum slack_use use;
	uint32_t timeout_max_ms; /* the time left, or UINT32_MAX where the meter has waited long and is given its own */
};

/* Choose among the n meters of a bus, none of whose jobs is under way. left_ms until the next slot. */
struct slack_choice slack_choose(struct meter *const *meters, size_t n, int64_t left_ms, int64_t now_ms);

#endif
