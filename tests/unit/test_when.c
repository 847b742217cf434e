/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "calendar.h"
#include "csv.h"
#include "unit.h"
#include "when.h"

static int set_zone(void **state)
{
	(void)state;
	calendar_zone("Europe/Paris");
	return 0;
}

static void assert_span(const char *text, int64_t start_s, int64_t end_s, bool is_moment)
{
	struct when w;

	if (when_parse(text, &w) != WHEN_GOOD)
		fail_msg("%s was refused", text);
	assert_int_equal(w.start_s, start_s);
	assert_int_equal(w.end_s, end_s);
	assert_int_equal(w.is_moment, is_moment);
}

TEST(years_months_and_days_are_local)
{
	assert_span("2026", 1767222000, 1798758000, false);
	assert_span("2026-11", 1793487600, 1796079600, false);
	assert_span("2026-12", 1796079600, 1798758000, false);
	assert_span("2026-11-21", 1795215600, 1795302000, false);
	assert_span("2026-12-31", 1798671600, 1798758000, false);
}

TEST(days_of_the_clock_change_have_23_and_25_hours)
{
	assert_span("2026-03-29", 1774738800, 1774738800 + 23 * 3600, false);
	assert_span("2026-10-25", 1792879200, 1792879200 + 25 * 3600, false);
}

TEST(an_hour_that_comes_twice_is_always_the_first_one)
{
	assert_span("2026-10-25T02:30", 1792888200, 1792888260, true);
	assert_span("2026-01-01T00:00", 1767222000, 1767222060, true);
	assert_span("2026-10-25T02:30", 1792888200, 1792888260, true);
	assert_span("2026-07-01T00:00", 1782856800, 1782856860, true);
	assert_span("2026-10-25T02:30", 1792888200, 1792888260, true);
	assert_span("2026-10-25T02:30+01:00", 1792891800, 1792891860, true);
}

TEST(moments_without_an_offset_are_local)
{
	assert_span("2026-11-21T01:00", 1795219200, 1795219260, true);
	assert_span("2026-11-21 01:00:05", 1795219205, 1795219206, true);
	assert_span("2026-11-21T00:00Z", 1795219200, 1795219260, true);
	assert_span("2026-11-21T01:00:00+01:00", 1795219200, 1795219201, true);
	assert_span("2026-11-20T19:00:00-05:00", 1795219200, 1795219201, true);
}

TEST(a_text_that_is_not_a_time_is_refused)
{
	static const char *const texts[] = {"",
					    "26",
					    "2026-",
					    "2026-1",
					    "2026-13",
					    "2026-00",
					    "2026-02-29",
					    "2026-11-31",
					    "2026-11-",
					    "2026-11-21T",
					    "2026-11-21T24:00",
					    "2026-11-21T01",
					    "2026-11-21T01:60",
					    "2026-11-21T01:00:60",
					    "2026-11-21T01:00+1",
					    "2026-11-21T01:00+01:00x",
					    "2026-11-21 01:00 ",
					    "1969-01-01",
					    "yesterday"};
	struct when w;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (when_parse(texts[i], &w) != WHEN_BAD)
			fail_msg("\"%s\" was taken", texts[i]);
}

TEST(an_hour_that_the_clocks_leave_out_is_named_as_such)
{
	struct when w;

	assert_int_equal(when_parse("2026-03-29T02:30", &w), WHEN_LEFT_OUT);
	assert_int_equal(w.start_s, 1774747800); /* 03:30 */
	assert_int_equal(when_parse("2026-03-29T02:00:00", &w), WHEN_LEFT_OUT);
	assert_int_equal(when_parse("2026-03-29T03:00", &w), WHEN_GOOD);
	assert_int_equal(when_parse("2026-03-29T02:30+01:00", &w), WHEN_GOOD);
}

TEST(times_are_written_with_their_offset)
{
	char text[WHEN_TEXT_MAX];

	when_format(1795219200, text);
	assert_string_equal(text, "2026-11-21T01:00:00+01:00");
	when_format(1782000000, text);
	assert_string_equal(text, "2026-06-21T02:00:00+02:00");
	when_format_day(1795219200, text);
	assert_string_equal(text, "2026-11-21");
	when_format_month(1795219200, text);
	assert_string_equal(text, "2026-11");
}

static void assert_csv(char delimiter, char decimal, const char *expected)
{
	char *text = NULL;
	size_t n = 0;
	struct csv c = {.out = open_memstream(&text, &n), .delimiter = delimiter, .decimal = decimal};

	csv_put_text(&c, "plain");
	csv_put_text(&c, "");
	csv_put_number(&c, "-81234.56");
	csv_put_whole(&c, -7);
	csv_end_row(&c);
	csv_put_text(&c, "a,b;c");
	csv_put_text(&c, "say \"so\"");
	csv_put_text(&c, "two\nlines");
	csv_end_row(&c);
	fclose(c.out);
	assert_string_equal(text, expected);
	free(text);
}

TEST(csv_quotes_only_the_texts_that_need_it)
{
	assert_csv(',', '.', "plain,,-81234.56,-7\r\n\"a,b;c\",\"say \"\"so\"\"\",\"two\nlines\"\r\n");
	assert_csv(';', ',', "plain;;-81234,56;-7\r\n\"a,b;c\";\"say \"\"so\"\"\";\"two\nlines\"\r\n");
	assert_csv(',', ',', "plain,,\"-81234,56\",-7\r\n\"a,b;c\",\"say \"\"so\"\"\",\"two\nlines\"\r\n");
	assert_csv('\t', '.', "plain\t\t-81234.56\t-7\r\na,b;c\t\"say \"\"so\"\"\"\t\"two\nlines\"\r\n");
}

static char *csv_for_spreadsheets(const char *text)
{
	char *out = NULL;
	size_t n = 0;
	struct csv c = {.out = open_memstream(&out, &n), .delimiter = ';', .decimal = ',', .marks_text = true};

	csv_put_text(&c, text);
	fclose(c.out);
	return out;
}

TEST(for_spreadsheets_text_that_is_no_formula_and_no_number_is_marked_as_text)
{
	static const struct {
		const char *text, *written;
	} rows[] = {
		{"Hall A", "Hall A"},
		{"", ""},
		{"=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"},
		{"+49 30 1234", "'+49 30 1234"},
		{"-1", "'-1"},
		{"@sum(a1)", "'@sum(a1)"},
		{"\tx", "'\tx"},
		{"=1;2", "\"'=1;2\""},
		{"00000000001234567890", "\"=\"\"00000000001234567890\"\"\""},
		{"1E5", "\"=\"\"1E5\"\"\""},
		{"0,5", "\"=\"\"0,5\"\"\""},
		{"E44", "E44"},
		{"5A", "5A"},
		{"2026-11-21", "2026-11-21"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *written = csv_for_spreadsheets(rows[i].text);

		assert_string_equal(written, rows[i].written);
		free(written);
	}
}

UNIT_MAIN(set_zone, NULL)
