/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <stdlib.h>
#include <sys/timex.h>
#include <unistd.h>

int64_t clock_step_ms(struct clock *c, int64_t wall_ms, int64_t mono_us)
{
	int64_t step_ms = (wall_ms - c->wall_ms) - (mono_us - c->mono_us) / 1000;
	bool first = c->wall_ms == 0;

	c->wall_ms = wall_ms;
	c->mono_us = mono_us;
	return first || llabs(step_ms) < CLOCK_STEP_MS ? 0 : step_ms;
}

bool clock_is_good(const struct clock *c, int64_t wall_ms, bool kernel_synchronised)
{
	int64_t past_s = c->past_s > CLOCK_NEVER_SET_S ? c->past_s : CLOCK_NEVER_SET_S;

	if (c->trust == CLOCK_KERNEL && !kernel_synchronised)
		return false;
	return wall_ms + CLOCK_STEP_MS >= past_s * 1000;
}

bool clock_kernel_synchronised(void)
{
	struct timex t = {.modes = 0};

	/* A sandbox may forbid the call. systemd-timesyncd leaves this file once it has set the clock. */
	if (adjtimex(&t) < 0)
		return access("/run/systemd/timesync/synchronized", F_OK) == 0;
	return (t.status & STA_UNSYNC) == 0;
}
