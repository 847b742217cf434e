/* SPDX-License-Identifier: MIT */
#include "calendar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400 };

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

static bool is_in(const struct calendar_part *p, int64_t t_s)
{
	return t_s >= p->from_s && t_s < p->until_s;
}

/* No day or month is longer. */
static int64_t longest_s(int months)
{
	return months ? 32 * DAY_S : 27 * 3600;
}

/* When the day or month of the C library's zone that t_s lies in begins, and when the next one does. */
static int64_t start_of(int64_t t_s, int months)
{
	return first_of(date_of(t_s, months), months, t_s - longest_s(months), t_s);
}

static int64_t next_of(int64_t t_s, int months)
{
	return first_of(date_of(t_s, months) + 1, months, t_s, t_s + longest_s(months));
}

static void write_name(struct calendar_span *s, int64_t date, int months)
{
	if (months)
		snprintf(s->name, sizeof(s->name), "%04d-%02d", (int)(date / 100), (int)(date % 100));
	else
		snprintf(s->name, sizeof(s->name), "%04d-%02d-%02d", (int)(date / 10000), (int)(date / 100 % 100),
			 (int)(date % 100));
}

/* The days and the length that held up to until_s, since the change before. */
struct calendar_past {
	int64_t until_s, interval_s;
	size_t n;		    /* days */
	struct calendar_date *days; /* whole months of them, and one more, which only ends the last one */
};

struct calendar_date {
	int64_t start_s, date; /* as date_of() */
};

/* Find the day or month that t_s lies in among the days of a past. */
static void find_past_span(const struct calendar_past *past, int64_t t_s, int months, struct calendar_span *out)
{
	size_t low = 0, high = past->n;
	int64_t unit = months ? 100 : 1;
	const struct calendar_date *days = past->days;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (days[middle].start_s <= t_s)
			low = middle;
		else
			high = middle;
	}
	while (low > 0 && days[low - 1].date / unit == days[low].date / unit)
		low--;
	while (high < past->n && days[high].date / unit == days[low].date / unit)
		high++;
	out->start_s = days[low].start_s;
	out->end_s = days[high].start_s;
	write_name(out, days[low].date / unit, months);
}

static void find_part(const struct calendar *c, int64_t t_s, int months, struct calendar_part *out)
{
	const struct calendar_past *past = NULL; /* NULL: it is not past */

	if (is_in(out, t_s))
		return;
	*out = (struct calendar_part){.from_s = INT64_MIN, .until_s = INT64_MAX, .interval_s = c->interval_s};
	for (size_t i = 0; i < c->n_past && past == NULL; i++) {
		if (t_s < c->past[i].until_s)
			past = &c->past[i];
		else
			out->from_s = c->past[i].until_s;
	}
	if (past != NULL) {
		out->until_s = past->until_s;
		out->interval_s = past->interval_s;
	}
	if (past != NULL && t_s < past->days[0].start_s) {
		out->until_s = past->days[0].start_s;
		past = NULL;
	}
	if (past != NULL) {
		find_past_span(past, t_s, months, &out->span);
	} else {
		write_name(&out->span, date_of(t_s, months), months);
		out->span.start_s = start_of(t_s, months);
		out->span.end_s = next_of(t_s, months);
	}
	if (out->from_s < out->span.start_s)
		out->from_s = out->span.start_s;
	if (out->until_s > out->span.end_s)
		out->until_s = out->span.end_s;
}

static const struct calendar_part *find_day(struct calendar *c, int64_t t_s)
{
	if (!is_in(&c->days[c->day], t_s))
		c->day = !c->day;
	find_part(c, t_s, 0, &c->days[c->day]);
	return &c->days[c->day];
}

const struct calendar_span *calendar_day(struct calendar *c, int64_t t_s)
{
	return &find_day(c, t_s)->span;
}

const struct calendar_span *calendar_month(struct calendar *c, int64_t t_s)
{
	find_part(c, t_s, 1, &c->month);
	return &c->month.span;
}

/* Where the interval that t_s lies in would begin, if nothing had changed in it. */
static int64_t whole_start(const struct calendar_part *day, int64_t t_s)
{
	return day->span.start_s + (t_s - day->span.start_s) / day->interval_s * day->interval_s;
}

int64_t calendar_interval_start(struct calendar *c, int64_t t_s)
{
	const struct calendar_part *day = find_day(c, t_s);
	int64_t start_s = whole_start(day, t_s);

	return start_s > day->from_s ? start_s : day->from_s;
}

int64_t calendar_interval_end(struct calendar *c, int64_t t_s)
{
	const struct calendar_part *day = find_day(c, t_s);
	int64_t end_s = whole_start(day, t_s) + day->interval_s;

	return end_s < day->until_s ? end_s : day->until_s;
}

int64_t calendar_interval_s(struct calendar *c, int64_t t_s)
{
	return find_day(c, t_s)->interval_s;
}

/* Look up the days from the month of first_s to that of until_s in the C library's zone. 0 or -ENOMEM. */
static int find_days(struct calendar_past *past, int64_t first_s)
{
	int64_t start_s = start_of(first_s, 1), end_s = next_of(past->until_s - 1, 1);
	size_t max = (size_t)((end_s - start_s) / DAY_S) + 3;

	past->days = malloc(max * sizeof(*past->days));
	if (past->days == NULL)
		return -ENOMEM;
	past->n = 0;
	while (start_s < end_s && past->n < max - 1) {
		past->days[past->n++] = (struct calendar_date){.start_s = start_s, .date = date_of(start_s, 0)};
		start_s = next_of(start_s, 0);
	}
	past->days[past->n] = (struct calendar_date){.start_s = start_s};
	return 0;
}

static int copy_past(const struct calendar_past *from, struct calendar_past *to)
{
	size_t bytes = (from->n + 1) * sizeof(*from->days);

	*to = *from;
	to->days = malloc(bytes);
	if (to->days == NULL)
		return -ENOMEM;
	memcpy(to->days, from->days, bytes);
	return 0;
}

int calendar_change(const struct calendar *c, int64_t first_s, int64_t from_s, int64_t interval_s, struct calendar *out)
{
	int64_t since_s = first_s < from_s ? first_s : from_s - 1;
	int rc = 0;

	calendar_init(out, interval_s);
	out->past = calloc(c->n_past + 1, sizeof(*out->past));
	if (out->past == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_past && rc == 0 && (i == 0 || c->past[i - 1].until_s < from_s); i++) {
		rc = copy_past(&c->past[i], &out->past[i]);
		if (rc == 0)
			out->n_past++;
	}
	if (rc == 0 && (out->n_past == 0 || out->past[out->n_past - 1].until_s < from_s)) {
		struct calendar_past *last = &out->past[out->n_past];

		if (out->n_past > 0 && last[-1].until_s > since_s)
			since_s = last[-1].until_s;
		*last = (struct calendar_past){.until_s = from_s, .interval_s = c->interval_s};
		rc = find_days(last, since_s);
		if (rc == 0)
			out->n_past++;
	}
	if (rc != 0) {
		calendar_free(out);
		return rc;
	}
	out->past[out->n_past - 1].until_s = from_s;
	return 0;
}

void calendar_free(struct calendar *c)
{
	for (size_t i = 0; i < c->n_past; i++)
		free(c->past[i].days);
	free(c->past);
	c->past = NULL;
	c->n_past = 0;
}
