/* SPDX-License-Identifier: MIT */
/* calendar.h - local days and months of the configured time zone, and the intervals they are cut into.
 * Times are Unix seconds UTC. A day runs from the first second of its local date to the first of the next: 23 or 25
 * hours long where the clocks change. Intervals start at the day's start; the last one of a day is cut short when the
 * length does not divide the day.
 *
 * Where the time zone or the length of the intervals changes, an interval ends. What lies before keeps its days,
 * months and intervals, so the same time is cut in the same way whenever it is looked at. The C library has one zone:
 * the days before a change are looked up while it still has theirs, and are kept.
 *
 * Pure, except that the zone is the C library's (calendar_zone()), and for memory. A struct calendar belongs to one
 * thread. */
#ifndef TALLY_CALENDAR_H
#define TALLY_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

struct calendar_span {
	char name[16]; /* YYYY-MM-DD or YYYY-MM */
	int64_t start_s, end_s;
};

/* A day or month as it was looked up: the part of it in which the same zone and length of intervals hold. */
struct calendar_part {
	struct calendar_span span;
	int64_t from_s, until_s, interval_s;
};

struct calendar_past; /* what held before a change */

/* Keeps the last two days and the last month that were looked up. Two, because what is counted and what is final are
 * looked up in turns, and lie a day apart. */
struct calendar {
	int64_t interval_s; /* since the last change */
	size_t n_past;
	struct calendar_past *past; /* by time */
	struct calendar_part days[2], month;
	uint8_t day; /* the one of days that was looked up last */
};

/* Use this zone of /usr/share/zoneinfo in the whole process; NULL or "" = the system's. Before threads are started. */
void calendar_zone(const char *name);

void calendar_init(struct calendar *c, int64_t interval_s);

/* Make *out a calendar that is c before from_s; from there on intervals have another length, and days are those of the
 * zone that the C library has when they are looked up. first_s: nobody asks for the days before it; if somebody does,
 * they are those of that zone. 0; -ENOMEM: *out needs no calendar_free(). */
int calendar_change(const struct calendar *c, int64_t first_s, int64_t from_s, int64_t interval_s,
		    struct calendar *out);

/* Free what calendar_change() has made, not the struct. */
void calendar_free(struct calendar *c);

/* The local day or month that t_s lies in; valid until the next call. */
const struct calendar_span *calendar_day(struct calendar *c, int64_t t_s);
const struct calendar_span *calendar_month(struct calendar *c, int64_t t_s);

/* Start and end of the interval that t_s lies in. */
int64_t calendar_interval_start(struct calendar *c, int64_t t_s);
int64_t calendar_interval_end(struct calendar *c, int64_t t_s);

/* The length of the intervals then. */
int64_t calendar_interval_s(struct calendar *c, int64_t t_s);

#endif
