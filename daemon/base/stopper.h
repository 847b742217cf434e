/* SPDX-License-Identifier: MIT */
/* stopper.h - waits for a descriptor that another thread can make shorter. */
#ifndef TALLY_STOPPER_H
#define TALLY_STOPPER_H

#include <stdbool.h>
#include <stdint.h>

/* Shared by the thread that waits and the one that stops it. */
struct stopper {
	int fd; /* readable from the first stopper_stop_at() on */
	_Atomic int64_t until_us;
};

/* 0 or -errno. */
int stopper_init(struct stopper *s);
void stopper_fini(struct stopper *s);

/* From now on no wait lasts beyond until_us (mono_us()), including those under way. This cannot be undone. */
void stopper_stop_at(struct stopper *s, int64_t until_us);

/* Whether the time given to stopper_stop_at() is over. */
bool stopper_is_over(struct stopper *s);

/* Wait until fd shows one of the events of poll(2), at most until until_us or the stop. s may be NULL: then nothing
 * stops the wait. Returns the events, 0 when the time is over, or -errno. */
int stopper_wait(struct stopper *s, int fd, short events, int64_t until_us);

#endif
