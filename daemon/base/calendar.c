/* SPDX-License-Identifier: MIT */
#include "calendar.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void calendar_zone(const char *name)
{
	const char *now = getenv("TZ");

	/* other threads may read the environment: it is left alone where nothing changes */
	if (name != NULL && name[0] != '\0' && (now == NULL || strcmp(now, name) != 0))
		setenv("TZ", name, 1);
	tzset();
}

void calendar_init(struct calendar *c, int64_t interval_s)
{
	memset(c, 0, sizeof(*c));
	c->interval_s = interval_s;
}

/* The local date as one number that rises with it: yyyymmdd, or yyyymm for months. */
static int64_t date_of(int64_t t_s, int months)
{
	time_t t = (time_t)t_s;
	struct tm tm;
	int64_t month;

	localtime_r(&t, &tm);
	month = (tm.tm_year + INT64_C(1900)) * 100 + tm.tm_mon + 1;
	return months ? month : month * 100 + tm.tm_mday;
}

/* First second in (low_s, high_s] whose date is date or later. */
static int64_t first_of(int64_t date, int months, int64_t low_s, int64_t high_s)
{
	while (high_s - low_s > 1) {
		int64_t middle_s = low_s + (high_s - low_s) / 2;

		if (date_of(middle_s, months) >= date)
			high_s = middle_s;
		else
			low_s = middle_s;
	}
	return high_s;
}

static bool is_in(const struct calendar_span *s, int64_t t_s)
{
	return t_s >= s->start_s && t_s < s->end_s;
}

static const struct calendar_span *find_span(struct calendar_span *s, int64_t t_s, int months)
{
	int64_t longest_s = months ? 32 * 86400 : 27 * 3600, date;

	if (is_in(s, t_s))
		return s;
	date = date_of(t_s, months);
	s->start_s = first_of(date, months, t_s - longest_s, t_s);
	s->end_s = first_of(date + 1, months, t_s, t_s + longest_s);
	if (months)
		snprintf(s->name, sizeof(s->name), "%04d-%02d", (int)(date / 100), (int)(date % 100));
	else
		snprintf(s->name, sizeof(s->name), "%04d-%02d-%02d", (int)(date / 10000), (int)(date / 100 % 100),
			 (int)(date % 100));
	return s;
}

const struct calendar_span *calendar_day(struct calendar *c, int64_t t_s)
{
	if (!is_in(&c->days[c->day], t_s))
		c->day = !c->day;
	return find_span(&c->days[c->day], t_s, 0);
}

const struct calendar_span *calendar_month(struct calendar *c, int64_t t_s)
{
	return find_span(&c->month, t_s, 1);
}

int64_t calendar_interval_start(struct calendar *c, int64_t t_s)
{
	int64_t day_s = calendar_day(c, t_s)->start_s;

	return day_s + (t_s - day_s) / c->interval_s * c->interval_s;
}

int64_t calendar_interval_end(struct calendar *c, int64_t t_s)
{
	int64_t end_s = calendar_interval_start(c, t_s) + c->interval_s;

	return end_s < c->days[c->day].end_s ? end_s : c->days[c->day].end_s;
}
