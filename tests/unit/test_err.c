/* SPDX-License-Identifier: MIT */
#include "err.h"
#include "unit.h"

TEST(an_error_leads_with_file_and_line)
{
	struct err e = {0};

	err_add(&e, "bus.d/a.ini", 7, "baud = 300 is not valid; use %s", "4800 or 9600");
	assert_string_equal(e.items[0].text, "bus.d/a.ini:7: baud = 300 is not valid; use 4800 or 9600");
	assert_int_equal(e.n_errors, 1);
	err_fini(&e);
}

TEST(line_0_and_a_missing_file_are_left_out)
{
	struct err e = {0};

	err_add(&e, "bus.d", 0, "no bus");
	err_out_of_memory(&e);
	assert_string_equal(e.items[0].text, "bus.d: no bus");
	assert_string_equal(e.items[1].text, "out of memory");
	err_fini(&e);
}

TEST(a_warning_is_not_an_error)
{
	struct err e = {0};

	err_warn(&e, "a.ini", 1, "many meters");
	assert_int_equal(e.n_items, 1);
	assert_int_equal(e.n_errors, 0);
	assert_true(e.items[0].warning);
	err_fini(&e);
}

TEST(moved_items_keep_their_order_and_count)
{
	struct err a = {0}, b = {0};

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

UNIT_MAIN(NULL, NULL)
