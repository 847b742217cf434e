/* SPDX-License-Identifier: MIT */
/* account_clock.h - when the clock was set back, and by how much. With it the time between two readings is never
 * shorter than it was. A clock that is set forward makes that time look longer, which hides nothing that passed.
 *
 * A reading lies after a setting back when it was taken after the time that the clock showed until then. One that was
 * taken earlier may lie after it too, while that time runs a second time. It is taken for one before it, so less seems
 * possible than is; the next reading puts that right.
 *
 * Pure; memory is taken for each setting back. One thread at a time. */
#ifndef TALLY_ACCOUNT_CLOCK_H
#define TALLY_ACCOUNT_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Zeros: the clock was never set back. */
struct account_clock {
	size_t n, capacity;
	struct {
		int64_t at_ms;	/* Unix milliseconds that the clock showed until then; ascending */
		int64_t sum_ms; /* all that it was set back by until then, this time included */
	} * backs;
};

void account_clock_free(struct account_clock *c);

/* The clock was set back by back_ms > 0 when it showed at_ms >= 0. While a time runs a second time a clock may be set
 * back again: that counts as if it happened just after the first time, so that the sums of readings before do not
 * change. Returns when it counts as having happened; -1: out of memory, nothing was noted. */
int64_t account_clock_add(struct account_clock *c, int64_t at_ms, int64_t back_ms);

/* All that the clock was set back by before a reading that was taken at time_ms. */
int64_t account_clock_back_ms(const struct account_clock *c, int64_t time_ms);

/* The time that the clock showed, of one by a clock that was never set back: the inverse of adding
 * account_clock_back_ms(). */
int64_t account_clock_shown_ms(const struct account_clock *c, int64_t never_set_back_ms);

#endif
