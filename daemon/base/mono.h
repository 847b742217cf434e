/* SPDX-License-Identifier: MIT */
/* mono.h - the two clocks. Monotonic time for delays and deadlines, wall time for slots. Any thread. */
#ifndef TALLY_MONO_H
#define TALLY_MONO_H

#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC. */
int64_t mono_us(void);

/* Milliseconds of CLOCK_REALTIME since 1970-01-01T00:00:00Z. */
int64_t mono_wall_ms(void);

/* Sleep until CLOCK_MONOTONIC shows until_us; returns at once when that is past. Signals do not end it. */
void mono_sleep_until_us(int64_t until_us);

#endif
