/* SPDX-License-Identifier: MIT */
/* account_place.h - how far the account of one counter has come, and how it moves on: what passed between two readings
 * is cut into intervals.
 *
 * What passed between two readings is spread evenly over the time between them. The value at the end of an interval is
 * interpolated and rounded down, so the sum over any span is exact in whole base units.
 *
 * Pure; plain values; any thread. Times are Unix seconds UTC, values are in the parts of the counter (account.h). */
#ifndef TALLY_ACCOUNT_PLACE_H
#define TALLY_ACCOUNT_PLACE_H

#include <stdbool.h>
#include <stdint.h>

/* The amount that passed in one counter from one moment to another. */
struct account_piece {
	int64_t from_s, to_s; /* the same where something passed in no time, as in the second of an exchange */
	int64_t amount;
	bool is_known;	 /* false: between two lives, where no reading says */
	bool is_guessed; /* at least one of its ends has a time that is not known to be right */
	bool is_gap;	 /* long enough to be one */
};

struct account_place {
	int64_t slot_s;	   /* all up to here is accounted for */
	int64_t raw;	   /* the value there, or a higher one that the register fell from within back_step */
	int64_t life_s;	   /* when the running life began, or the last one; 0 = there was none */
	bool was_reset;	   /* it began with a reset that was not announced */
	int64_t ended_raw; /* then: the last value of the life before */
	int64_t open_s;	   /* start of the running interval */
	int64_t sum;	   /* so far in it */
	int64_t rest;	   /* counted before it, less than a whole base unit */
	int64_t known_s;   /* seconds of it that lie inside a life */
	bool is_estimated; /* part of it is spread over a gap */
};

/* An interval that has ended. */
struct account_closed {
	bool has_value; /* false: no part of it lies inside a life */
	bool is_estimated;
	int64_t value; /* whole base units */
};

/* The part of a piece that has passed at t_s, rounded down. */
int64_t account_place_passed(const struct account_piece *piece, int64_t t_s);

/* Account for a piece up to until_s, inside the running interval, which ends at end_s. */
void account_place_pass(struct account_place *p, const struct account_piece *piece, int64_t until_s, int64_t end_s);

/* End the running interval at end_s, and begin the next one there. parts: of a base unit. */
struct account_closed account_place_close(struct account_place *p, int64_t parts, int64_t end_s);

/* A life begins with the value raw, in new parts of a base unit. The share that the life before has in the running
 * interval is rounded down by itself: so between any two readings of one life the intervals add up to the difference of
 * the readings, each rounded down. */
void account_place_begin_life(struct account_place *p, int64_t slot_s, int64_t raw, int64_t parts, int64_t new_parts);

#endif
