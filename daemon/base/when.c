/* SPDX-License-Identifier: MIT */
#include "when.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Exactly n digits; moves *p behind them. -1 when there are other characters. */
static int digits(const char **p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value;
}

static bool skip(const char **p, const char *any_of)
{
	if (**p == '\0' || strchr(any_of, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

/* Local time, in summer time or not, to seconds; false when the calendar or the zone has no such time. */
static bool to_seconds_by(const struct tm *local, int is_dst, int64_t *out)
{
	struct tm tm = *local;

	tm.tm_isdst = is_dst;
	*out = mktime(&tm);
	return tm.tm_year == local->tm_year && tm.tm_mon == local->tm_mon && tm.tm_mday == local->tm_mday &&
	       tm.tm_hour == local->tm_hour && tm.tm_min == local->tm_min;
}

/* Of a time that comes twice the first: mktime() left to itself takes the one nearer to what it was asked before. */
static bool to_seconds(const struct tm *local, int64_t *out)
{
	int64_t summer_s, other_s;
	bool in_summer = to_seconds_by(local, 1, &summer_s), in_other = to_seconds_by(local, 0, &other_s);

	*out = in_summer && (!in_other || summer_s < other_s) ? summer_s : other_s;
	return in_summer || in_other;
}

/* The first second of the local date, which may lie behind a midnight that the clocks leave out. */
static int64_t start_of(int year, int month, int day)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1};

	return mktime(&tm);
}

static bool is_date(int year, int month, int day)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = 12, .tm_isdst = -1};

	mktime(&tm);
	return year >= 1970 && year <= 9999 && month >= 1 && tm.tm_mon == month - 1 && tm.tm_mday == day;
}

/* Z, +HH:MM, -HH:MM or nothing. */
static bool read_offset(const char **p, bool *is_given, int64_t *offset_s)
{
	bool is_west;
	int hours, minutes;

	*is_given = **p != '\0';
	*offset_s = 0;
	if (!*is_given || skip(p, "Z"))
		return true;
	is_west = **p == '-';
	if (!skip(p, "+-"))
		return false;
	hours = digits(p, 2);
	if (hours < 0 || hours > 14 || !skip(p, ":"))
		return false;
	minutes = digits(p, 2);
	*offset_s = (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return minutes >= 0 && minutes < 60;
}

static enum when_result read_moment(const char *p, int year, int month, int day, struct when *out)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	bool has_seconds, has_offset;
	int64_t offset_s;

	tm.tm_hour = digits(&p, 2);
	if (tm.tm_hour < 0 || tm.tm_hour > 23 || !skip(&p, ":"))
		return WHEN_BAD;
	tm.tm_min = digits(&p, 2);
	has_seconds = skip(&p, ":");
	if (has_seconds)
		tm.tm_sec = digits(&p, 2);
	if (tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 59)
		return WHEN_BAD;
	if (!read_offset(&p, &has_offset, &offset_s) || *p != '\0')
		return WHEN_BAD;
	if (has_offset)
		out->start_s = timegm(&tm) - offset_s;
	else if (!to_seconds(&tm, &out->start_s))
		return WHEN_LEFT_OUT;
	out->end_s = out->start_s + (has_seconds ? 1 : 60);
	out->is_moment = true;
	return WHEN_GOOD;
}

enum when_result when_parse(const char *text, struct when *out)
{
	int year = digits(&text, 4), month = 1, day = 1;

	*out = (struct when){0};
	if (year < 0 || (*text != '\0' && !skip(&text, "-")))
		return WHEN_BAD;
	if (*text == '\0' && text[-1] != '-') {
		out->end_s = start_of(year + 1, 1, 1);
	} else {
		month = digits(&text, 2);
		if (month < 1 || (*text != '\0' && !skip(&text, "-")))
			return WHEN_BAD;
		if (*text == '\0' && text[-1] != '-') {
			out->end_s = start_of(year, month + 1, 1);
		} else {
			day = digits(&text, 2);
			out->end_s = start_of(year, month, day + 1);
		}
	}
	if (!is_date(year, month, day))
		return WHEN_BAD;
	if (*text != '\0')
		return skip(&text, "T ") ? read_moment(text, year, month, day, out) : WHEN_BAD;
	out->start_s = start_of(year, month, day);
	return WHEN_GOOD;
}

static void format(int64_t t_s, const char *form, char out[WHEN_TEXT_MAX])
{
	time_t t = (time_t)t_s;
	struct tm tm;

	localtime_r(&t, &tm);
	if (strftime(out, WHEN_TEXT_MAX, form, &tm) == 0)
		out[0] = '\0';
}

void when_format(int64_t t_s, char out[WHEN_TEXT_MAX])
{
	size_t n;

	format(t_s, "%Y-%m-%dT%H:%M:%S%z", out);
	/* +0100 to +01:00 */
	n = strlen(out);
	if (n >= 2 && n + 1 < WHEN_TEXT_MAX) {
		memmove(&out[n - 1], &out[n - 2], 3);
		out[n - 2] = ':';
	}
}

void when_format_day(int64_t t_s, char out[WHEN_TEXT_MAX])
{
	format(t_s, "%Y-%m-%d", out);
}

void when_format_month(int64_t t_s, char out[WHEN_TEXT_MAX])
{
	format(t_s, "%Y-%m", out);
}
