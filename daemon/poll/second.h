/* SPDX-License-Identifier: MIT */
/* second.h - a reading that is read a second time before it counts, and what may be a reason for it: the highest power
 * since the counters were read last.
 *
 * The second reading takes the place of the first, whatever it says. Where none came, one that can be right is passed
 * on, and one that cannot is dropped.
 *
 * Plain values; written by second.c only. One thread. */
#ifndef TALLY_SECOND_H
#define TALLY_SECOND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reading.h"

enum { SECOND_TEXT_MAX = 160 };

struct second {
	struct reading first;
	bool has_first, can_be_right;
	int64_t power_mw; /* highest active power since the counters were passed on last, -1 = none was read */
};

void second_init(struct second *s);

/* A reading has come: take its active power. */
void second_note(struct second *s, const struct reading *r);

/* This reading is read a second time. */
void second_keep(struct second *s, const struct reading *r, bool can_be_right);

/* Forget the first reading; *out is set if it is to be passed on where no second one came. */
bool second_take(struct second *s, struct reading *out);

/* Say in which counter the first reading, if there is one, was furthest from this second one, which follows on. Returns
 * false where it was not, or only because time has passed. */
bool second_explain(const struct second *s, const struct reading *r, char *out, size_t n);

/* A reading was passed on. */
void second_passed(struct second *s, const struct reading *r);

#endif
