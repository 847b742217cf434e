/* SPDX-License-Identifier: MIT */
#include "tally_text.h"

#include "unit.h"

static void assert_span(int64_t ms, const char *expected)
{
	char text[TALLY_SPAN_TEXT_MAX];

	tally_format_span(ms, text);
	assert_string_equal(text, expected);
}

TEST(of_whole_seconds_no_more_is_shown)
{
	char text[TALLY_SPAN_TEXT_MAX];

	tally_format_seconds(7, text);
	assert_string_equal(text, "7 s");
	tally_format_seconds(125, text);
	assert_string_equal(text, "2 min 5 s");
}

TEST(spans_have_the_two_units_that_matter)
{
	assert_span(0, "0 ms");
	assert_span(999, "999 ms");
	assert_span(1000, "1.0 s");
	assert_span(9949, "9.9 s");
	assert_span(9950, "10 s");
	assert_span(59499, "59 s");
	assert_span(59500, "1 min 0 s");
	assert_span(3599499, "59 min 59 s");
	assert_span(3600000, "1 h 0 min");
	assert_span(86399000, "23 h 59 min");
	assert_span(INT64_C(90000000), "1 d 1 h");
}

static void assert_real(double value, const char *expected)
{
	char text[TALLY_REAL_TEXT_MAX];

	tally_format_real(value, text);
	assert_string_equal(text, expected);
	assert_true(strtod(text, NULL) == value);
}

TEST(numbers_have_as_few_digits_as_name_them_exactly)
{
	assert_real(0, "0");
	assert_real(0.1, "0.1");
	assert_real(81234.56, "81234.56");
	assert_real(-2, "-2");
	assert_real(0.1 + 0.2, "0.30000000000000004");
}

static void assert_question(const char *mistyped, const char *prefix, const char *expected)
{
	static const char *const names[] = {"status", "scan", "export"};
	char question[TALLY_QUESTION_MAX];

	assert_string_equal(tally_did_you_mean(mistyped, prefix, names, 3, question), expected);
}

TEST(question_has_the_nearest_name_if_one_is_near)
{
	assert_question("scna", "", "; did you mean \"scan\"?");
	assert_question("exprot", "--", "; did you mean \"--export\"?");
	assert_question("xyzzy", "", "");
	assert_question("scan", "", "");
}

TEST(no_terminal_has_no_width_and_no_colours)
{
	FILE *null = fopen("/dev/null", "w");

	assert_non_null(null);
	setenv("COLUMNS", "120", 1);
	assert_int_equal(tally_terminal_width(null), 0);
	assert_false(tally_has_colours(null));
	fclose(null);
}

UNIT_MAIN(NULL, NULL)
