/* SPDX-License-Identifier: MIT */
/* calendar.h - local days and months of the configured time zone, and the intervals they are cut into.
 * Times are Unix seconds UTC. A day runs from the first second of its local date to the first of the next: 23 or 25
 * hours long where the clocks change. Intervals start at the day's start; the last one of a day is cut short when the
 * length does not divide the day.
 * Pure, except that the zone is the C library's (calendar_zone()). A struct calendar belongs to one thread. */
#ifndef TALLY_CALENDAR_H
#define TALLY_CALENDAR_H

#include <stdint.h>

struct calendar_span {
	char name[16]; /* YYYY-MM-DD or YYYY-MM */
	int64_t start_s, end_s;
};

/* Keeps the last two days and the last month that were looked up. Two, because what is counted and what is final are
 * looked up in turns, and lie a day apart. */
struct calendar {
	int64_t interval_s;
	struct calendar_span days[2], month;
	uint8_t day; /* the one of days that was looked up last */
};

/* Use this zone of /usr/share/zoneinfo in the whole process; NULL or "" = the system's. Before threads are started. */
void calendar_zone(const char *name);

void calendar_init(struct calendar *c, int64_t interval_s);

/* The local day or month that t_s lies in; valid until the next call. */
const struct calendar_span *calendar_day(struct calendar *c, int64_t t_s);
const struct calendar_span *calendar_month(struct calendar *c, int64_t t_s);

/* Start and end of the interval that t_s lies in. */
int64_t calendar_interval_start(struct calendar *c, int64_t t_s);
int64_t calendar_interval_end(struct calendar *c, int64_t t_s);

#endif
