/* SPDX-License-Identifier: MIT */
/* zone.h - names of time zones: which there are, and which one the system has. Looks at files only. */
#ifndef TALLY_ZONE_H
#define TALLY_ZONE_H

#include <stdbool.h>

/* Whether name is a zone file below /usr/share/zoneinfo, or UTC, which needs none. */
bool zone_exists(const char *name);

/* The system's zone, malloc'd: the name in /etc/timezone, else the target of /etc/localtime, else "UTC".
 * NULL = out of memory. */
char *zone_of_system(void);

#endif
