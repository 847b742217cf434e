/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"

static void error_leads_with_file_and_line(void **state)
{
	struct err e = {0};

	(void)state;
	err_add(&e, "bus.d/a.ini", 7, "baud 300: %s", "4800 or 9600 allowed");
	assert_string_equal(e.items[0].text, "bus.d/a.ini:7: baud 300: 4800 or 9600 allowed");
	assert_int_equal(e.n_errors, 1);
	err_fini(&e);
}

static void line_0_and_no_file_are_left_out(void **state)
{
	struct err e = {0};

	(void)state;
	err_add(&e, "bus.d", 0, "no bus");
	err_add(&e, NULL, 0, "no memory");
	assert_string_equal(e.items[0].text, "bus.d: no bus");
	assert_string_equal(e.items[1].text, "no memory");
	err_fini(&e);
}

static void warning_is_no_error(void **state)
{
	struct err e = {0};

	(void)state;
	err_warn(&e, "a.ini", 1, "many meters");
	assert_int_equal(e.n_items, 1);
	assert_int_equal(e.n_errors, 0);
	assert_true(e.items[0].warning);
	err_fini(&e);
}

static void moved_items_keep_order_and_count(void **state)
{
	struct err a = {0}, b = {0};

	(void)state;
	err_add(&a, NULL, 0, "one");
	err_add(&b, NULL, 0, "two");
	err_warn(&b, NULL, 0, "three");
	err_move(&a, &b);
	assert_int_equal(a.n_items, 3);
	assert_int_equal(a.n_errors, 2);
	assert_string_equal(a.items[2].text, "three");
	assert_int_equal(b.n_items, 0);
	assert_int_equal(b.n_errors, 0);
	err_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_leads_with_file_and_line),
		cmocka_unit_test(line_0_and_no_file_are_left_out),
		cmocka_unit_test(warning_is_no_error),
		cmocka_unit_test(moved_items_keep_order_and_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
