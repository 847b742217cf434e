/* SPDX-License-Identifier: MIT */
/* cut.h - waits for a descriptor that another thread can cut short. */
#ifndef TALLY_CUT_H
#define TALLY_CUT_H

#include <stdbool.h>
#include <stdint.h>

/* Shared by the thread that waits and the one that cuts. */
struct cut {
	int fd; /* readable from the first cut_short() on */
	_Atomic int64_t until_us;
};

/* 0 or -errno. */
int cut_init(struct cut *c);
void cut_fini(struct cut *c);

/* From now on no wait lasts beyond until_us (mono_us()), including those under way. This cannot be undone. */
void cut_short(struct cut *c, int64_t until_us);

/* Whether the time given to cut_short() is over. */
bool cut_is_over(struct cut *c);

/* Wait until fd shows one of the events of poll(2), at most until until_us or the cut. c may be NULL: then nothing cuts
 * the wait. Returns the events, 0 when the time is over, or -errno. */
int cut_wait(struct cut *c, int fd, short events, int64_t until_us);

#endif
