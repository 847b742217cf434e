/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wide.h"

static void small_products_are_divided_as_ever(void **state)
{
	(void)state;
	assert_int_equal(wide_muldiv(7, 3, 2), 10);
	assert_int_equal(wide_muldiv(-7, 3, 2), -10);
	assert_int_equal(wide_muldiv(0, INT64_MAX, 5), 0);
	assert_int_equal(wide_muldiv(5, 0, 3), 0);
}

static void wide_products_are_exact(void **state)
{
	(void)state;
	assert_int_equal(wide_muldiv(INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX);
	assert_int_equal(wide_muldiv(INT64_MAX, 899, 900), INT64_C(9213123845702714944));
	assert_int_equal(wide_muldiv(-INT64_MAX, 899, 900), -INT64_C(9213123845702714944));
	assert_int_equal(wide_muldiv(INT64_C(999999999999999999), INT64_C(1000000007), INT64_C(1000000009)),
			 INT64_C(999999998000000016));
	assert_int_equal(wide_muldiv(INT64_MAX - 1, INT64_MAX, INT64_MAX), INT64_MAX - 1);
	assert_int_equal(wide_muldiv(INT64_MAX - 1, INT64_MAX - 1, INT64_MAX), INT64_MAX - 2);
}

static void what_does_not_fit_is_the_largest_there_is(void **state)
{
	(void)state;
	assert_int_equal(wide_muldiv(INT64_MAX, 2, 1), INT64_MAX);
	assert_int_equal(wide_muldiv(-INT64_MAX, 2, 1), -INT64_MAX);
	assert_int_equal(wide_muldiv(INT64_MIN, INT64_MAX, 3), -INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_products_are_divided_as_ever),
		cmocka_unit_test(wide_products_are_exact),
		cmocka_unit_test(what_does_not_fit_is_the_largest_there_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
