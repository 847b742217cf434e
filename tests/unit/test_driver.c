/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "plan.h"

#define HEAD "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\n"

static struct driver *parse(const char *text)
{
	struct err e = {0};
	struct driver *d = driver_parse("dir/test.ini", text, strlen(text), &e);

	err_print(&e, stderr);
	assert_non_null(d);
	err_fini(&e);
	return d;
}

/* Each error of the list, in its order, and no other. */
static void expect_errors(const char *text, const char *const *expected, size_t n)
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

#define EXPECT_ERRORS(text, ...)                                                                                       \
	expect_errors(text, (const char *const[]){__VA_ARGS__},                                                        \
		      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void table_of_a_model(void **state)
{
	struct driver *d =
		parse(HEAD "verified = 2024, workshop\nfunction = 4\nword_order = cdab\nmax_words = 60\n"
			   "gaps = yes\nratios = yes\nbaud = 9600 19200\naddresses = 5-99\nsegment_max = 31\n"
			   "turnaround = 0.3s\nmax_power = 15 kW\n"
			   "[block one]\naddress = 0x10\nwords = 20\ngaps = no\n"
			   "[registers]\nvoltage_l1 = 16 u32 0.01 V power\n");

	(void)state;
	assert_string_equal(d->name, "test");
	assert_string_equal(d->file, "dir/test.ini");
	assert_string_equal(d->title, "T");
	assert_string_equal(d->verified, "2024, workshop");
	assert_int_equal(d->provenance, DRIVER_FIELD);
	assert_int_equal(d->function, 4);
	assert_int_equal(d->order, DRIVER_CDAB);
	assert_int_equal(d->max_words, 60);
	assert_true(d->gaps);
	assert_true(d->ratios);
	assert_int_equal(d->n_bauds, 2);
	assert_int_equal(d->bauds[1], 19200);
	assert_int_equal(d->address_min, 5);
	assert_int_equal(d->address_max, 99);
	assert_int_equal(d->segment_max, 31);
	assert_int_equal(d->turnaround_ms, 300);
	assert_int_equal(d->max_power_w, 15000);
	assert_int_equal(d->n_blocks, 1);
	assert_string_equal(d->blocks[0].name, "one");
	assert_int_equal(d->blocks[0].address, 16);
	assert_false(d->blocks[0].gaps);
	assert_int_equal(d->rows[0].block, 0);
	assert_int_equal(d->rows[0].quantity, Q_VOLTAGE_L1);
	assert_int_equal(d->rows[0].provenance, DRIVER_FIELD);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1, 1, 1, 1), 10);
	driver_free(d);
}

static void keys_left_out_have_defaults(void **state)
{
	struct driver *d = parse(HEAD "[registers]\nvoltage_l1 = 16 u32 1 V power\n");

	(void)state;
	assert_string_equal(d->verified, "none");
	assert_int_equal(d->function, 3);
	assert_int_equal(d->order, DRIVER_ABCD);
	assert_false(d->byte_addressed);
	assert_int_equal(d->max_words, 125);
	assert_false(d->gaps);
	assert_false(d->ratios);
	assert_int_equal(d->n_bauds, 0);
	assert_int_equal(d->address_min, 1);
	assert_int_equal(d->address_max, 247);
	assert_int_equal(d->segment_max, 64);
	assert_int_equal(d->turnaround_ms, 30);
	assert_int_equal(d->max_power_w, 0);
	assert_int_equal(d->rows[0].n_na, 0);
	driver_free(d);
}

static void scale_steps_by_the_product_of_the_ratios(void **state)
{
	struct driver *d = parse(HEAD "ratios = yes\n[scale energy]\nbelow 10 = 0.01\nbelow 100 = 0.1\nabove = 1\n"
				      "[registers]\nactive_energy_import = 0 u32 @energy kWh energy\n");
	const struct driver_row *row = driver_row(d, Q_ACTIVE_ENERGY_IMPORT);

	(void)state;
	assert_int_equal(driver_multiplier(d, row, 1, 1, 1, 1), 10);
	assert_int_equal(driver_multiplier(d, row, 49, 5, 1, 1), 10);	      /* 9.8 */
	assert_int_equal(driver_multiplier(d, row, 50, 5, 1, 1), 100);	      /* 10 */
	assert_int_equal(driver_multiplier(d, row, 999, 10, 1, 1), 100);      /* 99.9 */
	assert_int_equal(driver_multiplier(d, row, 5, 1, 20000, 1000), 1000); /* 5 x 20 */
	assert_int_equal(driver_multiplier(d, row, 1, 3, 30, 1), 100);	      /* a third x 30 = 10 */
	assert_int_equal(driver_multiplier(d, row, 1, 3, 29, 1), 10);
	assert_int_equal(driver_multiplier(d, row, UINT32_MAX, 1, UINT32_MAX, 1), 1000);
	assert_int_equal(driver_multiplier(d, row, 1, UINT32_MAX, 1, UINT32_MAX), 10);
	assert_int_equal(driver_multiplier(d, row, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX), 10);
	driver_free(d);
}

static void every_error_is_told_at_once(void **state)
{
	(void)state;
	EXPECT_ERRORS(
		"[model]\n"
		"format = 2\n"
		"title = T\n"
		"title = T\n"
		"vendor = V\n"
		"provenance = guess\n"
		"colour = red\n"
		"function = 6\n"
		"[registres]\n"
		"voltage_l1 = 1 u32 1 V power\n"
		"[registers]\n"
		"voltage = 1 u32 1 V power\n"
		"voltage_l1 = 65536 u33 0 A volts quick\n",
		"dir/test.ini:2: format '2', allowed: 1",
		"dir/test.ini:4: key 'title' again (first in line 3), allowed: once in [model]",
		"dir/test.ini:6: provenance 'guess', allowed: vendor table, transcription, driver, sibling, inferred",
		"dir/test.ini:7: unknown key 'colour' in [model], allowed: format, title, vendor, source, "
		"provenance, verified, function, word_order, addressing, max_words, gaps, ratios, baud, addresses, "
		"segment_max, turnaround, max_power, na",
		"dir/test.ini:8: function '6', allowed: 3 or 4", "dir/test.ini:1: no key 'source' in [model], required",
		"dir/test.ini:9: unknown section [registres], allowed: [model], [block NAME], [scale NAME], "
		"[registers]",
		"dir/test.ini:12: unknown quantity 'voltage', allowed: the names of drivers/NAMES",
		"dir/test.ini:13: address '65536' of voltage_l1, allowed: 0 to 65535, decimal or 0x hexadecimal",
		"dir/test.ini:13: type 'u33' of voltage_l1, allowed: u8-low u8-high bit:0..15 bits:LOW-HIGH u16 s16 "
		"u32 s32 u64 s64 f32 f64 bcd:1..4 text:1..32 chars:1..32 hex:1..32 time2000 clock",
		"dir/test.ini:13: scale '0' of voltage_l1, allowed: a decimal above 0 such as 0.01 or 1000, @NAME "
		"of a [scale NAME], or - for texts and times",
		"dir/test.ini:13: unit 'A' of voltage_l1, allowed: mV V kV",
		"dir/test.ini:13: group 'volts' of voltage_l1, allowed: energy, power, identity, state",
		"dir/test.ini:13: option 'quick' of voltage_l1, allowed: alone fallback na=.. sign=.. modulus=.. "
		"back_step=.. provenance=.. expect=..");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_a_model),
		cmocka_unit_test(keys_left_out_have_defaults),
		cmocka_unit_test(scale_steps_by_the_product_of_the_ratios),
		cmocka_unit_test(every_error_is_told_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
