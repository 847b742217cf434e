/* SPDX-License-Identifier: MIT */
/* due.h - what a meter is due to be asked: in the slots of its periods, and in the time that a round leaves.
 * Pure: the clock is handed in. One thread. */
#ifndef TALLY_DUE_H
#define TALLY_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "meter.h"

/* What the time that a round leaves is used for, the more urgent first. */
enum due_extra {
	DUE_RETRY,   /* a further try for what failed in the round */
	DUE_PART,    /* a part of a refused request */
	DUE_SUSPECT, /* what is due of a meter that failed in its last round */
	DUE_PROBE,   /* whether a down meter is back */
	DUE_NONE
};

/* The slot of this period that now_s, Unix seconds, lies in: whole multiples of the period on the clock. */
int64_t due_slot_s(int64_t now_s, uint32_t every_s);

/* From now on only slots after now_ms are due. */
void due_from_now(struct meter *m, int64_t now_ms);

/* Whether a slot has come of which the meter has not been asked. */
bool due_has(const struct meter *m, int64_t now_ms);

/* Make the job what is due: first, if it is time, who the meter is. Returns false when nothing is. */
bool due_begin(struct meter *m, int64_t now_ms);

/* The slot was taken by due_begin(), but nothing of these groups was read: they are due again. */
void due_give_back(struct meter *m, unsigned groups);

/* A slot came while a round is under way. The meter loses its power of it when it was asked in that round; its energy
 * waits for the round's end unless its next slot has come too. Returns whether anything was lost. */
bool due_skip(struct meter *m, bool was_asked, int64_t now_ms);

/* What the meter has to be asked beside the round, and since when. */
enum due_extra due_extra_of(const struct meter *m, int64_t now_ms, int64_t *since_ms);

/* Make the job that. Returns false when there is nothing to ask. */
bool due_begin_extra(struct meter *m, enum due_extra extra, int64_t now_ms);

#endif
