/* SPDX-License-Identifier: MIT */
/* notify.h - tell the service manager how the daemon is, by the protocol of sd_notify(3); nothing happens where no
 * manager listens. Any thread. */
#ifndef TALLY_NOTIFY_H
#define TALLY_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether somebody listens (NOTIFY_SOCKET is set). */
bool notify_is_wanted(void);

/* Send "NAME=VALUE" lines, at most 511 bytes. Never blocks; what cannot be delivered is dropped. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Microseconds within which the manager wants to hear WATCHDOG=1 from this process; 0 = it does not. */
int64_t notify_watchdog_us(void);

#endif
