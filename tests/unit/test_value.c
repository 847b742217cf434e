/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "value.h"

static void assert_duration(const char *text, int64_t expected)
{
	int64_t ms = -1;

	assert_int_equal(value_duration(text, &ms), VALUE_OK);
	assert_int_equal(ms, expected);
}

static void assert_no_duration(const char *text, enum value_result expected)
{
	int64_t ms = -1;

	assert_int_equal(value_duration(text, &ms), expected);
}

TEST(durations_carry_their_unit)
{
	assert_duration("500ms", 500);
	assert_duration("10s", 10000);
	assert_duration("15min", 900000);
	assert_duration("1h", 3600000);
	assert_duration("400d", 34560000000);
	assert_duration("1.5 s", 1500);
	assert_duration("0", 0);
}

TEST(durations_of_no_or_another_unit_are_refused)
{
	assert_no_duration("10", VALUE_UNIT);
	assert_no_duration("10 sec", VALUE_UNIT);
	assert_no_duration("10m", VALUE_UNIT);
	assert_no_duration("10S", VALUE_UNIT);
	assert_no_duration("", VALUE_FORM);
	assert_no_duration("s", VALUE_FORM);
	assert_no_duration("ten s", VALUE_FORM);
	assert_no_duration("10s x", VALUE_UNIT);
	assert_no_duration("0.5ms", VALUE_FRACTION);
	assert_no_duration("999999999999d", VALUE_RANGE);
	assert_no_duration("99999999999999999999s", VALUE_RANGE);
}

TEST(durations_are_written_in_their_largest_unit)
{
	char text[VALUE_DURATION_TEXT_MAX];

	value_duration_text(0, text);
	assert_string_equal(text, "0");
	value_duration_text(1500, text);
	assert_string_equal(text, "1500ms");
	value_duration_text(90000, text);
	assert_string_equal(text, "90s");
	value_duration_text(900000, text);
	assert_string_equal(text, "15min");
	value_duration_text(86400000, text);
	assert_string_equal(text, "1d");
}

TEST(ratios_are_two_whole_numbers)
{
	uint32_t a = 0, b = 0;

	assert_int_equal(value_ratio("400/5", &a, &b), VALUE_OK);
	assert_int_equal(a, 400);
	assert_int_equal(b, 5);
	assert_int_equal(value_ratio("20000 / 100", &a, &b), VALUE_OK);
	assert_int_equal(a, 20000);
	assert_int_equal(value_ratio("400", &a, &b), VALUE_FORM);
	assert_int_equal(value_ratio("400/5A", &a, &b), VALUE_FORM);
	assert_int_equal(value_ratio("400/", &a, &b), VALUE_FORM);
	assert_int_equal(value_ratio("400:5", &a, &b), VALUE_FORM);
	assert_int_equal(value_ratio("400/0", &a, &b), VALUE_RANGE);
	assert_int_equal(value_ratio("-400/5", &a, &b), VALUE_RANGE);
	assert_int_equal(value_ratio("4294967296/5", &a, &b), VALUE_RANGE);
	assert_int_equal(value_ratio("400/2.5", &a, &b), VALUE_FRACTION);
}

TEST(whole_numbers_have_no_point_and_no_tail)
{
	int64_t n = 0;

	assert_int_equal(value_whole("247", &n), VALUE_OK);
	assert_int_equal(n, 247);
	assert_int_equal(value_whole("-9223372036854775807", &n), VALUE_OK);
	assert_int_equal(value_whole("5.0", &n), VALUE_FORM);
	assert_int_equal(value_whole("5 ", &n), VALUE_FORM);
	assert_int_equal(value_whole("0x10", &n), VALUE_FORM);
	assert_int_equal(value_whole("", &n), VALUE_FORM);
}

TEST(names_are_letters_digits_and_three_marks)
{
	assert_true(value_is_name("conto-d4.s_1", 12));
	assert_false(value_is_name("conto-d4.s_1", 11));
	assert_false(value_is_name("", 10));
	assert_false(value_is_name("-a", 10));
	assert_false(value_is_name(".a", 10));
	assert_false(value_is_name("a b", 10));
	assert_false(value_is_name("a/b", 10));
	assert_false(value_is_name("caf\xC3\xA9", 10));
}

static void assert_fraction(int64_t mantissa, int32_t exponent, int64_t size, bool divides, int64_t expected,
			    int64_t expected_per)
{
	int64_t numerator = -1, denominator = -1;

	assert_int_equal(
		value_fraction((struct value_decimal){mantissa, exponent}, size, divides, &numerator, &denominator),
		VALUE_OK);
	assert_int_equal(numerator, expected);
	assert_int_equal(denominator, expected_per);
}

static void assert_no_fraction(int64_t mantissa, int32_t exponent, int64_t size, bool divides,
			       enum value_result expected)
{
	int64_t numerator, denominator;

	assert_int_equal(
		value_fraction((struct value_decimal){mantissa, exponent}, size, divides, &numerator, &denominator),
		expected);
}

TEST(fractions_are_exact_and_reduced)
{
	assert_fraction(10, 0, 1, false, 10, 1);
	assert_fraction(3125, -4, 1, false, 5, 16);
	assert_fraction(123456789, -6, 1, false, 123456789, 1000000);
	assert_fraction(1, -2, 1000000, false, 10000, 1);
	assert_fraction(3200, 0, 1000, true, 5, 16);
	assert_fraction(10005, -1, 1000, true, 2000, 2001);
	assert_fraction(9007199254740993, 0, 1, false, 9007199254740993, 1);
}

TEST(fractions_out_of_range_are_refused)
{
	assert_no_fraction(0, 0, 1, false, VALUE_RANGE);
	assert_no_fraction(0, 0, 1000, true, VALUE_RANGE);
	assert_no_fraction(-5, -1, 1, false, VALUE_RANGE);
	assert_no_fraction(INT64_MAX, 0, 1000000, false, VALUE_RANGE);
	assert_no_fraction(1, -7, 1, false, VALUE_FRACTION);
}

static void assert_decimal(const char *text, int64_t mantissa, int32_t exponent, const char *expected_rest)
{
	struct value_decimal d = {0};
	const char *rest = "";

	assert_int_equal(value_decimal(text, &d, &rest), VALUE_OK);
	assert_int_equal(d.mantissa, mantissa);
	assert_int_equal(d.exponent, exponent);
	assert_string_equal(rest, expected_rest);
}

static void assert_no_decimal(const char *text, enum value_result expected)
{
	struct value_decimal d = {.mantissa = 77};
	const char *rest = "none";

	assert_int_equal(value_decimal(text, &d, &rest), expected);
	assert_int_equal(d.mantissa, 77);
	assert_string_equal(rest, "none");
}

TEST(decimals_keep_the_digits_that_are_written)
{
	assert_decimal("12", 12, 0, "");
	assert_decimal("0.10", 10, -2, "");
	assert_decimal("-1.5 kWh", -15, -1, " kWh");
	assert_decimal("007", 7, 0, "");
	assert_decimal("1.2.3", 12, -1, ".3");
	assert_decimal("9223372036854775807x", INT64_MAX, 0, "x");
	assert_decimal("-922337203685477580.7", -INT64_MAX, -1, "");
}

TEST(decimals_have_digits_on_both_sides_of_a_point)
{
	assert_no_decimal("", VALUE_FORM);
	assert_no_decimal("-", VALUE_FORM);
	assert_no_decimal("--1", VALUE_FORM);
	assert_no_decimal("+1", VALUE_FORM);
	assert_no_decimal(".5", VALUE_FORM);
	assert_no_decimal("5.", VALUE_FORM);
	assert_no_decimal("5.x", VALUE_FORM);
	assert_no_decimal("9223372036854775808", VALUE_RANGE);
	assert_no_decimal("0.9223372036854775808", VALUE_RANGE);
}

static void assert_product(int64_t mantissa, int32_t exponent, int64_t factor, int64_t expected)
{
	int64_t product = -1;

	assert_int_equal(value_multiply((struct value_decimal){mantissa, exponent}, factor, &product), VALUE_OK);
	assert_int_equal(product, expected);
}

static void assert_no_product(int64_t mantissa, int32_t exponent, int64_t factor, enum value_result expected)
{
	int64_t product = -1;

	assert_int_equal(value_multiply((struct value_decimal){mantissa, exponent}, factor, &product), expected);
	assert_int_equal(product, -1);
}

TEST(products_are_whole_and_exact)
{
	assert_product(1, -2, 1000, 10);
	assert_product(125, -3, 8, 1);
	assert_product(2, -1, 5, 1);
	assert_product(36, 2, 3, 10800);
	assert_product(0, -5, 7, 0);
	assert_product(-15, -1, 2, -3);
	/* Only the result must fit. */
	assert_product(INT64_MAX, -2, 100, INT64_MAX);
	assert_product(INT64_C(298023223876953125), -4, 3600, INT64_C(107288360595703125));
}

TEST(products_that_are_not_whole_or_do_not_fit_are_refused)
{
	assert_no_product(1, -3, 100, VALUE_FRACTION);
	assert_no_product(1, -1, 1, VALUE_FRACTION);
	assert_no_product(1, 19, 1, VALUE_RANGE);
	assert_no_product(INT64_MAX, 0, 2, VALUE_RANGE);
}

UNIT_MAIN(NULL, NULL)
