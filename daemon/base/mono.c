/* SPDX-License-Identifier: MIT */
#include "mono.h"

#include <errno.h>
#include <time.h>

int64_t mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t mono_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void mono_sleep_until_us(int64_t until_us)
{
	struct timespec t = {.tv_sec = until_us / 1000000, .tv_nsec = (long)(until_us % 1000000) * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}
