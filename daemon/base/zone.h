/* SPDX-License-Identifier: MIT */
/* zone.h - names of time zones: which there are, which one days begin in, and where its name is from. Looks at files
 * only. */
#ifndef TALLY_ZONE_H
#define TALLY_ZONE_H

#include <stdbool.h>

/* Whether name is a zone file below /usr/share/zoneinfo, or UTC, which needs none. */
bool zone_exists(const char *name);

#define ZONE_LOCALTIME_PATH "/etc/localtime"
#define ZONE_TIMEZONE_PATH  "/etc/timezone"

/* Where the name of the zone in force is from. */
enum zone_source {
	ZONE_CONFIGURED, /* key timezone */
	ZONE_LOCALTIME,
	ZONE_TIMEZONE,
	ZONE_NONE, /* from nowhere: UTC */
};

/* The system's zone, malloc'd, and its source: what the first file links to below /usr/share/zoneinfo, else the name in
 * the second, else "UTC". What zone_exists() does not know does not count; nor does a plain copy of a zone, which has
 * no name. NULL = out of memory. */
char *zone_of_system(const char *localtime_path, const char *timezone_path, enum zone_source *source);

/* "tallyd.ini", "/etc/localtime", "/etc/timezone", "none" */
const char *zone_source_text(enum zone_source source);

enum { ZONE_TEXT_MAX = 160 };

/* The name and the source for people: "Europe/Paris (from /etc/localtime)", "UTC (no zone was found)". */
void zone_describe(const char *name, enum zone_source source, char out[ZONE_TEXT_MAX]);

#endif
