/* SPDX-License-Identifier: MIT */
/* clock.h - can the box's clock be believed, and was it stepped? Pure, except clock_kernel_synchronised(). */
#ifndef TALLY_CLOCK_H
#define TALLY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CLOCK_STEP_MS = 2000, /* wall and monotonic time part by less than this when the clock is only slewed */
	CLOCK_NEVER_SET_S = 1577836800, /* 2020-01-01: a clock before that was never set */
};

/* When to believe the clock: [store] clock. */
enum clock_trust {
	CLOCK_SET, /* as soon as it is later than the newest reading kept: for a box whose clock runs while it is off */
	CLOCK_KERNEL, /* once a time service has reported to the kernel: for a box without a battery-backed clock */
};

struct clock {
	enum clock_trust trust;
	int64_t past_s;		  /* known to be past: the newest slot in the database at start */
	int64_t wall_ms, mono_us; /* at the last look; 0 = none yet */
};

/* How far the wall clock was stepped since the last call, milliseconds, forward positive; 0 for less than
 * CLOCK_STEP_MS and for the first call. */
int64_t clock_step_ms(struct clock *c, int64_t wall_ms, int64_t mono_us);

/* Whether the clock is believed now. kernel_synchronised matters with CLOCK_KERNEL only. */
bool clock_is_good(const struct clock *c, int64_t wall_ms, bool kernel_synchronised);

/* Whether the kernel calls its clock synchronised (adjtimex(2)); where that call is forbidden, whether
 * systemd-timesyncd has set the clock. */
bool clock_kernel_synchronised(void);

#endif
