/* SPDX-License-Identifier: MIT */
#include "driver_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "driver.h"
#include "err.h"

struct driver *parse_table(const char *text)
{
	struct err e = {0};
	struct driver *d = driver_parse("dir/test.ini", text, strlen(text), &e);

	err_print(&e, stderr);
	assert_non_null(d);
	err_fini(&e);
	return d;
}

void expect_errors(const char *text, const char *const *expected, size_t n)
{
	struct err e = {0};

	assert_null(driver_parse("dir/test.ini", text, strlen(text), &e));
	for (size_t i = 0; i < e.n_items && i < n; i++)
		assert_string_equal(e.items[i].text, expected[i]);
	if (e.n_items != n)
		err_print(&e, stderr);
	assert_int_equal(e.n_items, n);
	err_fini(&e);
}

void expect_warning(const char *text, const char *warning)
{
	struct err e = {0};
	struct driver *d = driver_parse("dir/test.ini", text, strlen(text), &e);

	assert_non_null(d);
	assert_int_equal(e.n_items, 1);
	assert_string_equal(e.items[0].text, warning);
	driver_free(d);
	err_fini(&e);
}
