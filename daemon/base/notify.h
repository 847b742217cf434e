/* SPDX-License-Identifier: MIT */
/* notify.h - report the daemon's state to the service manager by the protocol of sd_notify(3). Without a manager
 * nothing happens. Any thread. */
#ifndef TALLY_NOTIFY_H
#define TALLY_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a service manager listens (NOTIFY_SOCKET is set). */
bool notify_is_wanted(void);

/* Send "NAME=VALUE" lines, at most 511 bytes. Never blocks; a message that cannot be delivered is dropped. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Microseconds within which the manager expects WATCHDOG=1 from this process; 0 = it expects none. */
int64_t notify_watchdog_us(void);

#endif
