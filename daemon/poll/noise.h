/* SPDX-License-Identifier: MIT */
/* noise.h - which failed rounds of a line's meters are worth a line of the log.
 *
 * On a noisy line meters fail a round and answer the next one all day long. The first that fails is named at once, and
 * named again when it answers. Others are only counted for an hour from then on, and at its end one line says how many
 * requests failed, and of what kind. An hour in which nothing was left out is the last one; otherwise the next begins.
 * Meters that go down and come back are events of their own and no concern of this.
 *
 * struct noise is written by noise.c only. All zero: no hour is under way. Plain values: no allocation, no I/O, no
 * logging; the wall clock is an argument. One thread. */
#ifndef TALLY_NOISE_H
#define TALLY_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health.h"

enum { NOISE_HOUR_MS = 3600000, NOISE_TEXT_MAX = HEALTH_COUNTS_TEXT_MAX + 160 };

struct noise {
	int64_t until_ms; /* end of the hour, wall time; 0 = none is under way */
	bool has_named;	  /* a meter was named that has not answered since */
	int64_t named;	  /* its id */
	uint64_t n_left_out;
	struct health hour; /* requests of all meters in this hour, by outcome */
};

/* Count the n replies of a job that came back. */
void noise_count(struct noise *noise, const struct link_reply *replies, size_t n, int64_t now_ms);

/* The meter has failed a round; it answers again, or it is down. Each returns whether to name it in the log. */
bool noise_note_failure(struct noise *noise, int64_t meter, int64_t now_ms);
bool noise_note_return(struct noise *noise, int64_t meter);

/* Whether an hour is over of which something is to be reported; text then says it. */
bool noise_take(struct noise *noise, int64_t now_ms, char text[NOISE_TEXT_MAX]);

/* The wall clock was set back to now_ms: the hour must not last longer than an hour from then. */
void noise_clock_set_back(struct noise *noise, int64_t now_ms);

#endif
