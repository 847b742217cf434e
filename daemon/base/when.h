/* SPDX-License-Identifier: MIT */
/* when.h - times as people write them on a command line, and as they read them: in the configured time zone.
 * The zone is the C library's (calendar_zone()); apart from it pure. Not while another thread sets the zone. */
#ifndef TALLY_WHEN_H
#define TALLY_WHEN_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEN_TEXT_MAX = 40 };

/* The time that a text names: a year, month, day, minute or second. */
struct when {
	int64_t start_s, end_s; /* Unix seconds; end_s is the first that is no part of it */
	bool is_moment;		/* written with a time of day */
};

enum when_result {
	WHEN_GOOD,
	WHEN_BAD,      /* no time, or none of the calendar */
	WHEN_LEFT_OUT, /* a local time that the clocks leave out when they are set forward; start_s: as long after that
			*/
};

/* Read YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDTHH:MM[:SS] (T or a blank) with Z, +HH:MM or -HH:MM behind a time of day
 * or without: then, and for all else, the time zone is ours. */
enum when_result when_parse(const char *text, struct when *out);

/* "2026-11-21T01:02:03+01:00" */
void when_format(int64_t t_s, char out[WHEN_TEXT_MAX]);

/* "2026-11-21" and "2026-11" */
void when_format_day(int64_t t_s, char out[WHEN_TEXT_MAX]);
void when_format_month(int64_t t_s, char out[WHEN_TEXT_MAX]);

#endif
