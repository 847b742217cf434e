/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "wide.h"

TEST(small_products_are_divided_like_integers)
{
	assert_int_equal(wide_muldiv(7, 3, 2), 10);
	assert_int_equal(wide_muldiv(-7, 3, 2), -10);
	assert_int_equal(wide_muldiv(0, INT64_MAX, 5), 0);
	assert_int_equal(wide_muldiv(5, 0, 3), 0);
}

TEST(wide_products_are_exact)
{
	assert_int_equal(wide_muldiv(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX);
	assert_int_equal(wide_muldiv(INT64_MAX, 899, 900), INT64_C(9213123845702714944));
	assert_int_equal(wide_muldiv(-INT64_MAX, 899, 900), -INT64_C(9213123845702714944));
	assert_int_equal(wide_muldiv(INT64_C(999999999999999999), INT64_C(1000000007), INT64_C(1000000009)),
			 INT64_C(999999998000000016));
	assert_int_equal(wide_muldiv(INT64_MAX - 1, INT64_MAX, INT64_MAX), INT64_MAX - 1);
	assert_int_equal(wide_muldiv(INT64_MAX - 1, INT64_MAX - 1, INT64_MAX), INT64_MAX - 2);
}

TEST(a_quotient_that_does_not_fit_becomes_the_largest_value)
{
	assert_int_equal(wide_muldiv(INT64_MAX, 2, 1), INT64_MAX);
	assert_int_equal(wide_muldiv(-INT64_MAX, 2, 1), -INT64_MAX);
	assert_int_equal(wide_muldiv(INT64_MIN, INT64_MAX, 3), -INT64_MAX);
}

UNIT_MAIN(NULL, NULL)
