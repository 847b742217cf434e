/* SPDX-License-Identifier: MIT */
/* due.h - the slots of one meter: which have come, which were taken, and what is still to be read of the one in hand.
 *
 * A meter is read in slots, the whole multiples of its two periods on the wall clock. due_take() takes what is due;
 * from then on it counts as read, unless due_give_back() returns it. Energy and power that fall due at the same moment
 * are read together; otherwise each has its own turn, since the values of one reading share a slot.
 *
 * An overrun is a slot that comes while the meter's round is still under way (due_skip()). Its power is lost, for the
 * next slot is as good. Its energy waits for the end of the round, unless the slot after that has come too.
 *
 * struct due is written by due.c only. It does not know whether the meter answers, nor what it is asked.
 * Plain values: no allocation, no I/O, no logging; the wall clock is an argument. One thread. */
#ifndef TALLY_DUE_H
#define TALLY_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"

struct due {
	const struct conf_meter *conf; /* its periods; 0 = never */
	int64_t last_energy_slot_s;    /* Unix seconds of the last slot taken; INT64_MAX = never due */
	int64_t last_power_slot_s;
	int64_t slot_s;	 /* the slot taken last by due_take() */
	unsigned wanted; /* groups of that slot to read once the meter is identified */
};

/* The slot of this period that now_s, Unix seconds, lies in. */
int64_t due_slot_s(int64_t now_s, uint32_t every_s);

/* conf must outlive d. Only slots after now_ms are due. */
void due_init(struct due *d, const struct conf_meter *conf, int64_t now_ms);

/* Take over which slots old, of the same periods, has taken. */
void due_inherit(struct due *d, const struct due *old);

/* From now on only slots after now_ms are due: the clock was set back. */
void due_start(struct due *d, int64_t now_ms);

/* Whether a slot has come that was not taken yet. */
bool due_has(const struct due *d, int64_t now_ms);

/* When the oldest of these came, wall time in ms; meaningful when due_has(). */
int64_t due_since_ms(const struct due *d, int64_t now_ms);

/* Take the slot that is due: its time is slot_s, its groups (enum driver_group mask) are returned and wanted. 0:
 * nothing is due, and slot_s stays. */
unsigned due_take(struct due *d, int64_t now_ms);

/* Change what is still to be read of the slot in hand; 0 = nothing. */
void due_want(struct due *d, unsigned groups);

/* Nothing of these groups was read of the slot taken: it is due again. */
void due_give_back(struct due *d, unsigned groups);

/* A slot may have come while a round is under way. was_asked: the meter was asked in that round. Returns whether
 * anything was lost. */
bool due_skip(struct due *d, bool was_asked, int64_t now_ms);

#endif
