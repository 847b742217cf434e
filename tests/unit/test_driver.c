/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "driver.h"
#include "err.h"
#include "plan.h"
#include "unit.h"

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

TEST(table_of_a_model)
{
	struct driver *d =
		parse(HEAD "verified = 2024, workshop\nfunction = 4\nword_order = cdab\nmax_words = 60\n"
			   "gaps = yes\nratios = yes\nbaud = 9600 19200\naddresses = 5-99\nsegment_max = 31\n"
			   "turnaround = 0.3s\nmax_power = 15 kW\n"
			   "[block one]\naddress = 0x10\nwords = 20\ngaps = no\n"
			   "[registers]\nvoltage_l1 = 16 u32 0.01 V power\n");

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

TEST(keys_left_out_have_defaults)
{
	struct driver *d = parse(HEAD "[registers]\nvoltage_l1 = 16 u32 1 V power\n");

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

TEST(scale_steps_by_the_product_of_the_ratios)
{
	struct driver *d = parse(HEAD "ratios = yes\n[scale energy]\nbelow 10 = 0.01\nbelow 100 = 0.1\nabove = 1\n"
				      "[registers]\nactive_energy_import = 0 u32 @energy kWh energy\n");
	const struct driver_row *row = driver_row(d, Q_ACTIVE_ENERGY_IMPORT);

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

TEST(every_error_is_told_at_once)
{
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
		"dir/test.ini:12: unknown quantity 'voltage' ('voltage_l1'?), allowed: the names of drivers/NAMES",
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

#define ROWS HEAD "[registers]\n" /* rows begin in line 8 */

TEST(misspelt_name_is_told_with_the_nearest)
{
	EXPECT_ERRORS(
		HEAD "titel = T\nadress = 1-9\n"
		     "[block one]\naddress = 1\nwords = 9\ngap = yes\n"
		     "[registers]\n"
		     "activ_energy_import = 1 u32 10 Wh energy\n"
		     "voltage_11 = 3 u16 1 V power\n"
		     "rocof = 4 u16 1 Hz power\n"
		     "active_energy_export = 5 u32 10 Wh energy modulo=read\n"
		     "reactive_energy_import = 7 u32 10 varh energy falback\n"
		     "reactive_energy_export = 9 u32 10 varh energy sign\n",
		"dir/test.ini:7: unknown key 'titel' in [model] ('title'?), allowed: format, title, vendor, source, "
		"provenance, verified, function, word_order, addressing, max_words, gaps, ratios, baud, "
		"addresses, segment_max, turnaround, max_power, na",
		"dir/test.ini:8: unknown key 'adress' in [model] ('addresses'?), allowed: format, title, vendor, "
		"source, provenance, verified, function, word_order, addressing, max_words, gaps, ratios, baud, "
		"addresses, segment_max, turnaround, max_power, na",
		"dir/test.ini:12: unknown key 'gap' in [block one] ('gaps'?), allowed: address, words, gaps",
		"dir/test.ini:14: unknown quantity 'activ_energy_import' ('active_energy_import'?), allowed: the "
		"names of drivers/NAMES",
		"dir/test.ini:15: unknown quantity 'voltage_11' ('voltage_l1'?), allowed: the names of "
		"drivers/NAMES",
		"dir/test.ini:16: unknown quantity 'rocof', allowed: the names of drivers/NAMES",
		"dir/test.ini:17: option 'modulo=read' of active_energy_export ('modulus'?), allowed: alone fallback "
		"na=.. sign=.. modulus=.. back_step=.. provenance=.. expect=..",
		"dir/test.ini:18: option 'falback' of reactive_energy_import ('fallback'?), allowed: alone fallback "
		"na=.. sign=.. modulus=.. back_step=.. provenance=.. expect=..",
		"dir/test.ini:19: option 'sign' of reactive_energy_export, allowed: alone fallback na=.. sign=.. "
		"modulus=.. back_step=.. provenance=.. expect=..");
}

TEST(block_or_scale_that_no_row_uses_is_a_warning)
{
	static const char text[] = HEAD "ratios = yes\n"
					"[block used]\naddress = 10\nwords = 4\n"
					"[block idle]\naddress = 20\nwords = 4\n"
					"[block sign]\naddress = 30\nwords = 4\n"
					"[scale used]\nabove = 1\n"
					"[scale idle]\nabove = 10\n"
					"[registers]\n"
					"active_energy_import = 10 u32 @used kWh energy\n"
					"active_power = 12 u16 1 W power sign=30\n";
	struct err e = {0};
	struct driver *d = driver_parse("dir/test.ini", text, strlen(text), &e);

	assert_non_null(d);
	assert_int_equal(e.n_errors, 0);
	assert_int_equal(e.n_items, 2);
	assert_true(e.items[0].warning);
	assert_string_equal(e.items[0].text, "dir/test.ini:11: block idle (20 to 23) has no row in it");
	assert_true(e.items[1].warning);
	assert_string_equal(e.items[1].text, "dir/test.ini:19: scale idle is used by no row");
	driver_free(d);
	err_fini(&e);
}

TEST(unused_sections_are_not_told_of_a_table_with_errors)
{
	EXPECT_ERRORS(
		HEAD "[block idle]\naddress = 20\nwords = 4\n[registers]\nvoltage_l1 = 20 u99 1 V power\n",
		"dir/test.ini:11: type 'u99' of voltage_l1, allowed: u8-low u8-high bit:0..15 bits:LOW-HIGH u16 s16 "
		"u32 s32 u64 s64 f32 f64 bcd:1..4 text:1..32 chars:1..32 hex:1..32 time2000 clock");
}

TEST(rows_carry_everything_their_line_says)
{
	struct driver *d =
		parse("[registers]\n"
		      "active_energy_import = 0x10 u32 10 Wh energy modulus=10000000000Wh back_step=10Wh alone\n"
		      "active_energy_import = 0x20 u32 1 kWh energy fallback modulus=read provenance=inferred\n"
		      "active_power = 0x30 bcd:3 0.1 kW power sign=0x40:2 na=0x999999999999\n"
		      "product_name = 0x50 text:8 - - identity expect=\"Countis E44\"\n"
		      "operating_time = 0x60 bits:4-11 0.1 h energy na=0xFF,0xFE\n"
		      "counter_max = 0x70 u32 10 Wh state\n"
		      "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = sibling\n");
	const struct driver_row *row = d->rows;

	assert_int_equal(row[0].modulus, 10000000000);
	assert_int_equal(row[0].back_step, 10);
	assert_true(row[0].alone);
	assert_false(row[0].fallback);
	assert_int_equal(row[0].line, 2);
	assert_int_equal(row[0].provenance, DRIVER_SIBLING);
	assert_int_equal(row[0].group, DRIVER_ENERGY);
	assert_true(row[1].fallback);
	assert_true(row[1].modulus_read);
	assert_int_equal(row[1].provenance, DRIVER_INFERRED);
	assert_int_equal(driver_multiplier(d, &row[1], 1, 1, 1, 1), 1000);
	assert_int_equal(row[2].n_words, 3);
	assert_true(row[2].has_sign);
	assert_int_equal(row[2].sign_address, 0x40);
	assert_int_equal(row[2].sign_value, 2);
	assert_int_equal(row[2].n_na, 1);
	assert_true(row[2].na[0] == 0x999999999999);
	assert_int_equal(driver_multiplier(d, &row[2], 1, 1, 1, 1), 100000);
	assert_string_equal(row[3].expect, "Countis E44");
	assert_int_equal(row[4].bit_low, 4);
	assert_int_equal(row[4].bit_high, 11);
	assert_int_equal(row[4].n_na, 2);
	assert_int_equal(driver_multiplier(d, &row[4], 1, 1, 1, 1), 360);
	assert_int_equal(driver_row(d, Q_ACTIVE_ENERGY_IMPORT)->address, 0x10);
	assert_null(driver_row(d, Q_FREQUENCY));
	driver_free(d);
}

TEST(sign_word_is_negative_at_1_unless_said)
{
	struct driver *d = parse(ROWS "active_power = 0 u32 1 W power sign=7\n");

	assert_int_equal(d->rows[0].sign_address, 7);
	assert_int_equal(d->rows[0].sign_value, 1);
	driver_free(d);
}

TEST(automatic_patterns_have_the_width_and_sign_of_the_type)
{
	static const uint64_t expected[] = {0xFFFF, 0x7FFF, 0xFFFFFFFF, 0x7FFFFFFF, UINT64_MAX, INT64_MAX};
	struct driver *d = parse(HEAD "na = auto\n[registers]\n"
				      "voltage_l1 = 0 u16 1 V power\nvoltage_l2 = 2 s16 1 V power\n"
				      "voltage_l3 = 4 u32 1 V power\ncurrent_l1 = 6 s32 1 A power\n"
				      "current_l2 = 8 u64 1 A power\ncurrent_l3 = 12 s64 1 A power\n"
				      "voltage_l12 = 16 u8-low 1 V power\nvoltage_l23 = 18 bcd:2 1 V power\n"
				      "voltage_l31 = 20 f32 1 V power\nmaker = 22 chars:4 - - identity\n"
				      "frequency = 26 u16 1 Hz power na=none\n");

	assert_int_equal(d->n_rows, 11);
	for (size_t i = 0; i < d->n_rows; i++) {
		assert_int_equal(d->rows[i].n_na, i < 6 || i == 9);
		if (d->rows[i].n_na > 0)
			assert_true(d->rows[i].na[0] == expected[i < 6 ? i : 0]);
	}
	driver_free(d);
}

TEST(patterns_of_the_table_go_to_rows_of_their_width)
{
	struct driver *d = parse(HEAD "na = 0xFFFF, 0x8000, 0x80000000\n[registers]\n"
				      "voltage_l1 = 0 u16 1 V power\nvoltage_l2 = 2 u32 1 V power\n"
				      "voltage_l3 = 4 u8-low 1 V power\ncurrent_l1 = 6 u16 1 A power na=0x0000\n");

	assert_int_equal(d->rows[0].n_na, 2);
	assert_true(d->rows[0].na[1] == 0x8000);
	assert_int_equal(d->rows[1].n_na, 1);
	assert_true(d->rows[1].na[0] == 0x80000000);
	assert_int_equal(d->rows[2].n_na, 0);
	assert_int_equal(d->rows[3].n_na, 1);
	assert_true(d->rows[3].na[0] == 0);
	driver_free(d);
}

TEST(values_out_of_range_in_model)
{
	EXPECT_ERRORS(
		HEAD "word_order = abdc\n"
		     "addressing = bytes\n"
		     "max_words = 126\n"
		     "gaps = maybe\n"
		     "ratios = 1\n"
		     "baud = 9600 9601\n"
		     "addresses = 0-247\n"
		     "segment_max = 256\n"
		     "turnaround = 30\n"
		     "max_power = 15 kVA\n"
		     "na = 0xFFFF 65535\n"
		     "[registers]\nvoltage_l1 = 0 u16 1 V power\n",
		"dir/test.ini:7: word_order 'abdc', allowed: abcd, badc, cdab, dcba",
		"dir/test.ini:8: addressing 'bytes', allowed: word or byte",
		"dir/test.ini:9: max_words '126', allowed: 1 to 125",
		"dir/test.ini:10: gaps 'maybe', allowed: yes or no", "dir/test.ini:11: ratios '1', allowed: yes or no",
		"dir/test.ini:12: baud '9600 9601', allowed: speeds among 300 1200 2400 4800 9600 19200 38400 57600 "
		"115200 230400 460800 921600, each once",
		"dir/test.ini:13: addresses '0-247', allowed: LOW-HIGH with 1 to 255",
		"dir/test.ini:14: segment_max '256', allowed: 1 to 255",
		"dir/test.ini:15: turnaround '30', allowed: 0ms to 10s, in whole milliseconds",
		"dir/test.ini:16: max_power '15 kVA', allowed: a power in W, kW or MW, in whole W; 0 = unknown",
		"dir/test.ini:17: na '0xFFFF 65535', allowed: none, auto, or up to 8 patterns such as 0xFFFF divided "
		"by "
		"commas");
}

TEST(values_out_of_range_in_rows)
{
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 0 u16 1 V power na=0xFFFFFFFF\n"
		     "voltage_l2 = 1 u16 1 V power na=65535\n"
		     "voltage_l3 = 2 u16 1 V power sign=1:2:3\n"
		     "active_energy_import = 4 u32 1 Wh energy modulus=10\n"
		     "active_energy_export = 6 u32 1 Wh energy back_step=0Wh\n"
		     "frequency = 8 u16 1 Hz power modulus=10Hz\n"
		     "maker = 9 chars:4 - - identity expect=\n"
		     "voltage_l12 = 13 u16 1 V power expect=V\n"
		     "voltage_l23 = 14 u16 1 V power provenance=hearsay\n"
		     "voltage_l31 = 15 u16 1 V power alone alone\n"
		     "current_l1 = 16 u16 1 A power alone=yes\n"
		     "current_l2 = 17 u16 1 A power na=0x8000,0x8001,0x8002,0x8003,0x8004\n",
		"dir/test.ini:9: na '65535' of voltage_l2, allowed: none, auto, or up to 8 patterns such as 0xFFFF "
		"divided "
		"by commas",
		"dir/test.ini:10: sign '1:2:3' of voltage_l3, allowed: ADDRESS or ADDRESS:VALUE, each 0 to 65535",
		"dir/test.ini:11: modulus '10' of active_energy_import, allowed: a number above 0 and its unit without "
		"a "
		"blank, in whole Wh",
		"dir/test.ini:12: back_step '0Wh' of active_energy_export, allowed: a number above 0 and its unit "
		"without "
		"a blank, in whole Wh",
		"dir/test.ini:13: modulus '10Hz' of frequency, allowed: counters only",
		"dir/test.ini:14: expect '' of maker, allowed: a text of 1 to 32 bytes",
		"dir/test.ini:15: expect 'V' of voltage_l12, allowed: identity quantities only",
		"dir/test.ini:16: provenance 'hearsay' of voltage_l23, allowed: \"vendor table\", transcription, "
		"driver, "
		"sibling, inferred",
		"dir/test.ini:17: option 'alone' of voltage_l31 again, allowed: once",
		"dir/test.ini:18: option 'alone=yes' of current_l1, allowed: alone fallback na=.. sign=.. modulus=.. "
		"back_step=.. provenance=.. expect=..",
		"dir/test.ini:8: pattern 0xFFFFFFFF of voltage_l1, allowed: up to 4 patterns of 4 hexadecimal digits "
		"(16 "
		"bits)",
		"dir/test.ini:19: pattern 0x8004 of current_l2, allowed: up to 4 patterns of 4 hexadecimal digits (16 "
		"bits)");
}

TEST(types_take_their_argument_and_no_other)
{
	static const char *const bad[] = {
		"u16:1", "bit",	    "bit:16",  "bits:3", "bits:9-3", "bits:0-16", "bcd",  "bcd:0",   "bcd:5", "u8",
		"U16",	 "bits:-3", "bits:3-", "u16:",	 "text:0",   "text:33",	  "hex:", "clock:6", "time"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[256], expected[64];
		struct err e = {0};

		snprintf(text, sizeof(text), "%svoltage_l1 = 0 %s 1 V power\n", ROWS, bad[i]);
		snprintf(expected, sizeof(expected), "dir/test.ini:8: type '%s' of voltage_l1, allowed: u8-low",
			 bad[i]);
		assert_null(driver_parse("dir/test.ini", text, strlen(text), &e));
		assert_int_equal(e.n_items, 1);
		assert_memory_equal(e.items[0].text, expected, strlen(expected));
		err_fini(&e);
	}
}

TEST(fields_that_do_not_go_together)
{
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 0 text:4 - V power\n"
		     "voltage_l2 = 4 u16 - V power\n"
		     "maker = 5 chars:4 1 - identity\n"
		     "product = 9 u16 0.1 - identity\n"
		     "firmware_version = 10 f32 - - identity\n"
		     "voltage_l3 = 12 f32 1 V power sign=20\n"
		     "operating_time = 14 clock 1 s energy\n"
		     "voltage_l12 = 24 u16\n"
		     "voltage_l23 = 25 u16 1 V power \"alone\n",
		"dir/test.ini:8: type of voltage_l1 'text:4', allowed: a number's type, texts are for identity "
		"quantities",
		"dir/test.ini:9: scale of voltage_l2 '-', allowed: a decimal or @NAME for numbers",
		"dir/test.ini:10: scale of maker '1', allowed: - for texts and times",
		"dir/test.ini:11: scale of product '0.1', allowed: 1 or - for identity quantities",
		"dir/test.ini:12: type of firmware_version 'f32', allowed: texts and whole numbers for identity "
		"quantities",
		"dir/test.ini:13: option of voltage_l3 'sign', allowed: sign= with whole numbers and bcd of a measured "
		"quantity",
		"dir/test.ini:14: scale of operating_time '1', allowed: - for texts and times",
		"dir/test.ini:15: voltage_l12 '24 u16', allowed: ADDRESS TYPE SCALE UNIT GROUP [OPTION ...]",
		"dir/test.ini:16: voltage_l23 '25 u16 1 V power \"alone', allowed: ADDRESS TYPE SCALE UNIT GROUP "
		"[OPTION "
		"...], each \" closed");
}

TEST(quantity_again_needs_fallback)
{
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 0 u16 1 V power\n"
		     "voltage_l1 = 1 u16 1 V power\n"
		     "voltage_l2 = 2 u16 1 V power fallback\n"
		     "voltage_l2 = 3 u16 1 V energy fallback\n"
		     "voltage_l1 = 4 u16 1 V energy fallback\n",
		"dir/test.ini:9: voltage_l1 again (first in line 8), allowed: once, or again with the option "
		"'fallback'",
		"dir/test.ini:10: 'fallback' of voltage_l2 without an earlier row, allowed: after the preferred row",
		"dir/test.ini:12: fallback of voltage_l1 is of another group than line 8, allowed: the same");
}

TEST(blocks_that_overlap_and_rows_half_in_a_block)
{
	EXPECT_ERRORS(
		HEAD "[block a]\naddress = 10\nwords = 10\n"
		     "[block b]\naddress = 19\nwords = 10\n"
		     "[block c]\naddress = 65535\nwords = 2\n"
		     "[block a]\naddress = 1\nwords = 1\n"
		     "[block d]\naddress = 40\n"
		     "[block bad name!]\n"
		     "[registers]\n"
		     "voltage_l1 = 9 u32 1 V power\n"
		     "voltage_l2 = 28 u32 1 V power\n",
		"dir/test.ini:16: section [block a] again (first in line 7), allowed: once",
		"dir/test.ini:19: no key 'words' in [block], required",
		"dir/test.ini:21: section [block bad name!], allowed: a name of 1 to 31 letters, digits, '.', '_', '-'",
		"dir/test.ini:10: block b (19 to 28) overlaps block a (10 to 19, line 7), allowed: each address in one "
		"block at most",
		"dir/test.ini:13: block c ends at address 65536, allowed: up to 65535",
		"dir/test.ini:23: voltage_l1 (addresses 9 to 10) is half in block a (10 to 19, line 7), allowed: "
		"wholly in "
		"one block or in none",
		"dir/test.ini:24: voltage_l2 (addresses 28 to 29) is half in block b (19 to 28, line 10), allowed: "
		"wholly "
		"in one block or in none");
}

TEST(rows_that_overlap)
{
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 10 u32 1 V power\n"
		     "voltage_l2 = 11 u32 1 V power\n"
		     "tariff = 20 u8-low 1 - energy\n"
		     "tariff_count = 20 bits:7-8 1 - energy\n"
		     "voltage_l3 = 30 u16 1 V power sign=10\n"
		     "current_l1 = 65535 u32 1 A power\n"
		     "voltage_l12 = 40 bit:4 1 V power\nvoltage_l23 = 40 bits:1-4 1 V power\n"
		     "voltage_l31 = 41 bits:4-9 1 V power\ncurrent_l2 = 41 bit:9 1 A power\n",
		"dir/test.ini:9: voltage_l2 (addresses 11 to 12) overlaps voltage_l1 (10 to 11, line 8), allowed: each "
		"word in one row, but for different bits of it",
		"dir/test.ini:11: tariff_count (addresses 20 to 20) overlaps tariff (20 to 20, line 10), allowed: each "
		"word in one row, but for different bits of it",
		"dir/test.ini:12: sign word 10 of voltage_l3 lies in voltage_l1 (10 to 11, line 8), allowed: a word of "
		"its "
		"own",
		"dir/test.ini:13: current_l1 ends at address 65536, allowed: up to 65535",
		"dir/test.ini:15: voltage_l23 (addresses 40 to 40) overlaps voltage_l12 (40 to 40, line 14), allowed: "
		"each word in one row, but for different bits of it",
		"dir/test.ini:17: current_l2 (addresses 41 to 41) overlaps voltage_l31 (41 to 41, line 16), allowed: "
		"each word in one row, but for different bits of it");
}

TEST(rows_that_may_share_words)
{
	struct driver *d = parse(ROWS "tariff = 20 u8-low 1 - energy\ntariff_count = 20 u8-high 1 - energy\n"
				      "active_energy_import = 30 u64 1 Wh energy\n"
				      "active_energy_import = 32 u32 1 Wh energy fallback\n"
				      "active_power = 40 u16 1 W power sign=42\n"
				      "reactive_power = 41 u16 1 var power sign=42\n"
				      "voltage_l1 = 50 bits:0-3 1 V power\nvoltage_l2 = 50 bits:4-14 1 V power\n"
				      "voltage_l3 = 50 bit:15 1 V power\n");

	assert_int_equal(d->n_rows, 9);
	driver_free(d);
}

TEST(addresses_of_a_byte_table_count_bytes)
{
	struct driver *d =
		parse(HEAD "addressing = byte\n[block a]\naddress = 0x301\nwords = 4\n[registers]\n"
			   "voltage_l1 = 0x0301 u32 1 V power\nvoltage_l2 = 0x0305 u32 1 V power\n"
			   "voltage_l3 = 0x0309 u16 1 V power sign=0x030B\ncurrent_l1 = 0x030C u32 1 A power\n");

	assert_int_equal(driver_row_span(d, &d->rows[0]), 4);
	assert_int_equal(driver_row_span(d, &d->rows[2]), 2);
	assert_int_equal(d->rows[1].block, 0);
	assert_int_equal(d->rows[2].block, -1);
	driver_free(d);
	EXPECT_ERRORS(
		HEAD "addressing = byte\n[registers]\n"
		     "voltage_l1 = 0x0301 u32 1 V power\nvoltage_l2 = 0x0303 u32 1 V power\n",
		"dir/test.ini:10: voltage_l2 (addresses 771 to 774) overlaps voltage_l1 (769 to 772, line 9), allowed: "
		"each word in one row, but for different bits of it");
}

TEST(scales_that_lose_digits)
{
	EXPECT_ERRORS(
		HEAD "ratios = yes\n[scale fine]\nbelow 10 = 0.0001\nabove = 1\n[registers]\n"
		     "voltage_l1 = 0 u16 0.0001 V power\n"
		     "voltage_l2 = 1 u16 @fine V power\n"
		     "voltage_l3 = 2 u16 9000000000000000000 V power\n"
		     "active_energy_import = 3 u32 0.01 kWh energy modulus=15Wh\n"
		     "voltage_l12 = 5 u16 @coarse V power\n",
		"dir/test.ini:16: scale '@coarse' of voltage_l12, allowed: the name of a [scale NAME] section",
		"dir/test.ini:12: scale of voltage_l1 loses digits: one count is no whole number of mV, allowed: whole "
		"numbers of mV from 1 to 9223372036854775807",
		"dir/test.ini:13: scale of voltage_l2 loses digits at a step of scale fine: one count is no whole "
		"number "
		"of mV, allowed: whole numbers of mV from 1 to 9223372036854775807",
		"dir/test.ini:14: scale of voltage_l3 loses digits: one count is no whole number of mV, allowed: whole "
		"numbers of mV from 1 to 9223372036854775807",
		"dir/test.ini:15: modulus of active_energy_import is no whole number of counts, allowed: multiples of "
		"10");
}

TEST(scales_ascend_and_end_above)
{
	EXPECT_ERRORS(HEAD "ratios = yes\n[scale a]\nbelow 100 = 1\nbelow 100 = 10\nbelow 1e3 = 1\nbelow 200 = "
			   "0\nabove = 5\nabove = 6\n"
			   "[scale b]\nbelow 10 = 1\n[scale a]\n[registers]\nvoltage_l1 = 0 u16 @a V power\n",
		      "dir/test.ini:10: key 'below 100' in [scale a], allowed: 'below N' with N from 2 to 1000000000, "
		      "ascending, "
		      "then 'above'",
		      "dir/test.ini:11: key 'below 1e3' in [scale a], allowed: 'below N' with N from 2 to 1000000000, "
		      "ascending, "
		      "then 'above'",
		      "dir/test.ini:12: weight '0', allowed: a decimal above 0, such as 0.01 or 1000",
		      "dir/test.ini:14: 'above' after 'above' (line 13), allowed: 'above' once and last",
		      "dir/test.ini:15: no key 'above' in [scale b], required",
		      "dir/test.ini:17: section [scale a] again (first in line 8), allowed: once");
}

TEST(weight_by_ratio_is_for_tables_that_ask_for_the_ratios)
{
	EXPECT_ERRORS(
		HEAD "[scale e]\nbelow 10 = 0.01\nabove = 1\n[registers]\n"
		     "active_energy_import = 0 u32 @e kWh energy\n",
		"dir/test.ini:11: scale '@e' of active_energy_import, allowed: in a table with ratios = yes, which "
		"has the bus file say the ratios");
}

/* The table is taken, with this one warning. */
static void expect_warning(const char *text, const char *warning)
{
	struct err e = {0};
	struct driver *d = driver_parse("dir/test.ini", text, strlen(text), &e);

	assert_non_null(d);
	assert_int_equal(e.n_items, 1);
	assert_string_equal(e.items[0].text, warning);
	driver_free(d);
	err_fini(&e);
}

TEST(ratios_that_change_no_value_are_a_warning)
{
	expect_warning(HEAD "ratios = yes\n[registers]\nvoltage_l1 = 0 u16 1 V power\n",
		       "dir/test.ini:1: ratios = yes without a [scale NAME]: ct and vt of the bus file will change no "
		       "value");
}

TEST(groups_that_would_lose_the_value)
{
	EXPECT_ERRORS(
		ROWS
		"active_energy_import = 0 u32 10 Wh identity\nvoltage_l1 = 2 u16 1 V identity\n"
		"serial_number = 3 hex:4 - - energy\nvolume = 7 u32 1 l energy\ncounter_max = 9 u32 10 Wh identity\n"
		"firmware_version = 11 u16 1 - state\n",
		"dir/test.ini:8: group 'identity' of active_energy_import, allowed: energy or power",
		"dir/test.ini:9: group 'identity' of voltage_l1, allowed: energy or power",
		"dir/test.ini:10: group 'energy' of serial_number, allowed: identity",
		"dir/test.ini:11: group 'energy' of volume, allowed: no row, it comes from the pulse inputs of a bus "
		"file",
		"dir/test.ini:12: group 'identity' of counter_max, allowed: state, energy or power",
		"dir/test.ini:13: group 'state' of firmware_version, allowed: identity");
}

TEST(value_that_the_group_state_keeps_nowhere_is_a_warning)
{
	expect_warning(HEAD "[registers]\nactive_energy_import = 0 u32 10 Wh energy\ntariff = 2 u16 1 - state\n",
		       "dir/test.ini:9: group 'state' of tariff: it is read daily and kept nowhere; energy or power "
		       "keeps it");
}

TEST(read_modulus_needs_its_register_in_the_group_state)
{
	EXPECT_ERRORS(
		ROWS "counter_max = 0 u32 10 Wh energy\nactive_energy_import = 2 u32 10 Wh energy modulus=read\n",
		"dir/test.ini:9: modulus 'read' of active_energy_import, allowed: with the row counter_max (line 8) "
		"in the group state");
}

TEST(modulus_beyond_what_the_type_can_show)
{
	struct driver *d = parse(ROWS "active_energy_import = 0 u32 10 Wh energy modulus=42949672960Wh\n"
				      "pulses_1 = 2 bcd:2 1 1 energy modulus=100000000\n"
				      "active_energy_export = 4 u64 10 Wh energy modulus=1000000000000Wh\n");

	assert_int_equal(driver_row_counts(&d->rows[0]), INT64_C(4294967296));
	assert_int_equal(driver_row_counts(&d->rows[1]), 100000000);
	assert_int_equal(driver_row_counts(&d->rows[2]), 0);
	driver_free(d);
	EXPECT_ERRORS(
		ROWS "active_energy_import = 0 u16 10 Wh energy modulus=10000000000Wh\n"
		     "active_energy_export = 2 bcd:2 10 Wh energy modulus=10000000000Wh\n",
		"dir/test.ini:8: modulus of active_energy_import is 1000000000 counts, allowed: up to the 65536 that "
		"its type can show",
		"dir/test.ini:9: modulus of active_energy_export is 1000000000 counts, allowed: up to the 100000000 "
		"that its type can show");
}

TEST(provenance_of_a_row_is_never_stronger)
{
	EXPECT_ERRORS(ROWS "voltage_l1 = 0 u16 1 V power provenance=transcription\n"
			   "voltage_l2 = 1 u16 1 V power provenance=\"vendor table\"\n",
		      "dir/test.ini:8: provenance of voltage_l1 'transcription' is stronger than the table's, allowed: "
		      "'driver' "
		      "or weaker",
		      "dir/test.ini:9: provenance of voltage_l2 'vendor table' is stronger than the table's, allowed: "
		      "'driver' "
		      "or weaker");
}

TEST(rows_longer_than_the_longest_read)
{
	EXPECT_ERRORS(HEAD "max_words = 3\n[registers]\nactive_energy_import = 0 u64 1 Wh energy\n",
		      "dir/test.ini:9: active_energy_import has 4 words, allowed: up to max_words, 3");
}

TEST(last_address_and_longest_read_are_allowed)
{
	struct driver *d = parse(HEAD "max_words = 4\n[block end]\naddress = 65532\nwords = 4\n[registers]\n"
				      "active_energy_import = 65532 u64 1 Wh energy\n");

	assert_int_equal(d->rows[0].block, 0);
	driver_free(d);
}

TEST(read_modulus_needs_the_register_that_holds_it)
{
	EXPECT_ERRORS(
		ROWS "active_energy_import = 0 u32 1 Wh energy modulus=read\n",
		"dir/test.ini:8: modulus 'read' of active_energy_import, allowed: in a table with a row counter_max");
}

TEST(sections_that_are_missing_or_twice)
{
	EXPECT_ERRORS("", "dir/test.ini:1: no section [model], required",
		      "dir/test.ini:1: no section [registers], required");
	EXPECT_ERRORS(HEAD "[registers]\n", "dir/test.ini:7: no row in [registers], allowed: 1 to 192");
	EXPECT_ERRORS(ROWS "voltage_l1 = 0 u16 1 V power\n[registers]\n[model]\n",
		      "dir/test.ini:9: section [registers] again (first in line 7), allowed: once",
		      "dir/test.ini:10: section [model] again (first in line 1), allowed: once");
}

TEST(five_keys_of_a_model_are_required)
{
	EXPECT_ERRORS("[model]\n[registers]\nvoltage_l1 = 0 u16 1 V power\n",
		      "dir/test.ini:1: no key 'format' in [model], required",
		      "dir/test.ini:1: no key 'title' in [model], required",
		      "dir/test.ini:1: no key 'vendor' in [model], required",
		      "dir/test.ini:1: no key 'source' in [model], required",
		      "dir/test.ini:1: no key 'provenance' in [model], required");
}

/* The highest and lowest that the manual allows; the thirteenth step is one too many. */
TEST(edges_of_the_allowed)
{
#define STEPS_2_TO_11                                                                                                  \
	"below 2 = 1\nbelow 3 = 2\nbelow 4 = 3\nbelow 5 = 4\nbelow 6 = 5\nbelow 7 = 6\nbelow 8 = 7\nbelow 9 = 8\n"     \
	"below 10 = 9\nbelow 11 = 10\n"
	struct driver *d = parse(HEAD "turnaround = 10s\nsegment_max = 255\nratios = yes\n[scale s]\n" STEPS_2_TO_11
				      "below 1000000000 = 11\nabove = 12\n[registers]\nvoltage_l1 = 0 u16 @s V power\n"
				      "maker = 1 text:1 - - identity\nproduct = 2 text:32 - - identity\n");

	assert_int_equal(d->turnaround_ms, 10000);
	assert_int_equal(d->scales[0].n_steps, 12);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1, 1, 1, 1), 1000);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1000000000, 1, 1, 1), 12000);
	driver_free(d);
	EXPECT_ERRORS(HEAD "ratios = yes\n[scale s]\n" STEPS_2_TO_11
			   "below 12 = 11\nbelow 13 = 12\nabove = 13\n[registers]\nvoltage_l1 = 0 u16 @s V power\n",
		      "dir/test.ini:21: step 'above', allowed: up to 12 steps");
#undef STEPS_2_TO_11
}

TEST(quantity_of_a_refused_row_may_not_come_again)
{
	EXPECT_ERRORS(ROWS "voltage_l1 = 0 u16 1 volt power\nvoltage_l1 = 1 u16 1 V power\n",
		      "dir/test.ini:8: unit 'volt' of voltage_l1, allowed: mV V kV",
		      "dir/test.ini:9: voltage_l1 again (first in line 8), allowed: once, or again with the option "
		      "'fallback'");
}

TEST(model_name_comes_from_the_file)
{
	static const char text[] = ROWS "voltage_l1 = 0 u16 1 V power\n";
	struct err e = {0};

	assert_null(driver_parse("a name that has blanks.ini", text, strlen(text), &e));
	assert_string_equal(e.items[0].text,
			    "a name that has blanks.ini: file name, allowed: a model name of 1 to 31 letters, "
			    "digits, '.', '_', '-'");
	err_fini(&e);
	assert_null(driver_load("/nonexistent/x.ini", &e));
	assert_string_equal(e.items[0].text, "/nonexistent/x.ini: No such file or directory");
	assert_int_equal(e.n_items, 1);
	err_fini(&e);
}

TEST(more_rows_than_there_is_room_for_are_told_once)
{
	static char text[40000];
	size_t used = (size_t)snprintf(text, sizeof(text), "%svoltage_l1 = 0 u16 1 V power\n", ROWS);
	struct err e = {0};

	for (unsigned i = 1; i <= DRIVER_ROWS_MAX + 1; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "voltage_l1 = %u u16 1 V power fallback\n",
					 i);
	assert_null(driver_parse("test.ini", text, used, &e));
	assert_int_equal(e.n_items, 1);
	assert_string_equal(e.items[0].text, "test.ini:200: row 193, allowed: up to 192 rows");
	err_fini(&e);
}

static void touch(const char *dir, const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
}

static void remove_files(const char *dir, const char *const *names, size_t n)
{
	char path[128];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

TEST(first_of_the_search_path_wins)
{
	static const char *const names[] = {"b.ini", "a.ini", ".h.ini", "c.txt", ".ini"};
	char first[] = "/tmp/test_driver.XXXXXX", second[] = "/tmp/test_driver.XXXXXX", path[128], expected[128];
	char *file, *shadowed, **list;

	assert_non_null(mkdtemp(first));
	assert_non_null(mkdtemp(second));
	touch(first, "b.ini");
	for (size_t i = 0; i < 5; i++)
		touch(second, names[i]);
	snprintf(path, sizeof(path), ":%s:/nonexistent::%s:", first, second);

	assert_int_equal(driver_find(path, "b", &file, &shadowed), 0);
	snprintf(expected, sizeof(expected), "%s/b.ini", first);
	assert_string_equal(file, expected);
	snprintf(expected, sizeof(expected), "%s/b.ini", second);
	assert_string_equal(shadowed, expected);
	free(file);
	free(shadowed);

	assert_int_equal(driver_find(path, "a", &file, &shadowed), 0);
	assert_null(shadowed);
	free(file);

	assert_int_equal(driver_find(path, "z", &file, &shadowed), -ENOENT);
	assert_null(file);
	assert_int_equal(driver_find(path, "../b", &file, &shadowed), -ENOENT);
	assert_int_equal(driver_find(path, "", &file, &shadowed), -ENOENT);

	list = driver_list(path);
	assert_non_null(list);
	assert_string_equal(list[0], "a");
	assert_string_equal(list[1], "b");
	assert_null(list[2]);
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
	free(list);
	remove_files(first, names, 5);
	remove_files(second, names, 5);
}

/* Loads, plans, and decodes words of all zeros, all ones and a count up for every row without a fault. */
static void expect_usable(const char *path)
{
	static const uint16_t words[][32] = {
		{0},
		{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF},
		{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	};
	unsigned all = DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY | DRIVER_STATE;
	struct err e = {0};
	struct driver *d = driver_load(path, &e);
	struct plan *p;

	err_print(&e, stderr);
	assert_non_null(d);
	assert_int_equal(e.n_items, 0);
	p = plan_new(d, all, NULL, NULL);
	assert_non_null(p);
	assert_true(p->n_requests > 0);
	for (unsigned i = 0; i < p->n_requests; i++)
		assert_in_range(p->requests[i].n_words, 1, d->max_words);
	for (size_t i = 0; i < 3 * d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i / 3];
		int64_t value, multiplier = driver_multiplier(d, row, 1, 1, 1, 1);
		char text[80];

		assert_true(multiplier >= 1);
		codec_number(d->order, row, words[i % 3], &words[0][0], multiplier, &value);
		codec_text(d->order, row, words[i % 3], text, sizeof(text));
	}
	plan_free(p);
	driver_free(d);
	err_fini(&e);
}

TEST(every_shipped_table_loads_and_plans)
{
	char **list = driver_list(SOURCE_DIR "/drivers");
	char path[256];
	size_t n = 0;

	assert_non_null(list);
	for (; list[n] != NULL; n++) {
		snprintf(path, sizeof(path), "%s/drivers/%s.ini", SOURCE_DIR, list[n]);
		expect_usable(path);
		free(list[n]);
	}
	free(list);
	assert_true(n > 0);
}

TEST(template_loads_and_plans)
{
	expect_usable(SOURCE_DIR "/conf/driver-template.ini");
}

/* The text of a file, to be freed. */
static char *read_file(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *f = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(f);
	assert_in_range(fread(text, 1, 65535, f), 1, 65534);
	fclose(f);
	return text;
}

TEST(worked_example_of_the_manual_loads)
{
	char *manual = read_file(SOURCE_DIR "/daemon/tallyd-driver.5");
	char *text = strstr(manual, "[model]\nformat"), *end;
	struct driver *d;
	struct plan *p;

	assert_non_null(text);
	end = strstr(text, ".Ed\n");
	assert_non_null(end);
	*end = '\0';
	d = parse(text);
	p = plan_new(d, DRIVER_POWER, NULL, NULL);
	assert_int_equal(p->n_requests, 1);
	assert_int_equal(p->requests[0].address, 50520);
	assert_int_equal(p->requests[0].n_words, 24);
	plan_free(p);
	p = plan_new(d, DRIVER_ENERGY, NULL, NULL);
	assert_int_equal(p->n_requests, 2);
	plan_free(p);
	driver_free(d);
	free(manual);
}

/* Each word that the reader's message lists after "allowed:" stands after macro in the manual. */
static void expect_in_manual(const char *manual, const char *text, const char *divider)
{
	struct err e = {0};
	char *list, *word;

	assert_null(driver_parse("test.ini", text, strlen(text), &e));
	list = strstr(e.items[0].text, "allowed: ") + strlen("allowed: ");
	while ((word = strsep(&list, divider)) != NULL) {
		char item[64], other[64];

		word[strcspn(word, "=:.")] = '\0'; /* "na=..", "bit:0..15" */
		if (word[0] == '\0')
			continue;
		snprintf(item, sizeof(item), ".It Ic %s", word);
		snprintf(other, sizeof(other), " %s ", word);
		if (strstr(manual, item) == NULL && strstr(manual, other) == NULL)
			fail_msg("'%s' is not in the manual", word);
	}
	err_fini(&e);
}

TEST(manual_has_every_key_option_and_type)
{
	char *manual = read_file(SOURCE_DIR "/daemon/tallyd-driver.5");

	for (char *c = manual; *c != '\0'; c++)
		if (*c == '\n' && c[1] != '.')
			*c = ' ';
	expect_in_manual(manual, "[model]\nx = 1\n", ", ");
	expect_in_manual(manual, "[block a]\nx = 1\n", ", ");
	expect_in_manual(manual, ROWS "voltage_l1 = 0 u16 1 V power x\n", " ");
	expect_in_manual(manual, ROWS "voltage_l1 = 0 x 1 V power\n", " ");
	free(manual);
}

/* Digest */

static const char digested[] =
	"[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\nratios = yes\n"
	"[block one]\naddress = 0\nwords = 20\n"
	"[block two]\naddress = 40\nwords = 20\n"
	"[scale s]\nbelow 50 = 0.01\nabove = 1\n"
	"[registers]\n"
	"active_energy_import = 0 u32 @s kWh energy modulus=1000000kWh na=0xFFFFFFFF\n"
	"voltage_l1 = 40 u16 0.1 V power alone\n"
	"active_power = 42 s16 1 W power\n"
	"serial_number = 44 text:4 - - identity expect=\"A 1\"\n";

/* Whether the table above means the same after a text of it was changed. */
static bool means_the_same(const char *old, const char *new)
{
	const char *at = strstr(digested, old);
	struct driver *before = parse(digested), *after;
	char text[sizeof(digested) + 128];
	bool same;

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - digested), digested, new, at + strlen(old));
	after = parse(text);
	same = before->digest == after->digest;
	driver_free(before);
	driver_free(after);
	return same;
}

TEST(comments_blanks_and_order_do_not_change_the_digest)
{
	assert_true(means_the_same("", ""));
	assert_true(means_the_same("[model]", "; seen\n\n[model] ; here"));
	assert_true(means_the_same("0 u32 @s kWh", "0\tu32   @s kWh"));
	assert_true(means_the_same("format = 1\ntitle = T\n", "title = T\nformat=1\n"));
	assert_true(means_the_same("address = 0\nwords = 20\n", "words = 20\naddress = 0\n"));
	assert_true(means_the_same("modulus=1000000kWh na=0xFFFFFFFF", "na=0xFFFFFFFF modulus=1000000kWh"));
	assert_true(means_the_same("[block one]\naddress = 0\nwords = 20\n[block two]\naddress = 40\nwords = 20\n"
				   "[scale s]\nbelow 50 = 0.01\nabove = 1\n",
				   "[scale s]\nbelow  50 = 0.01\nabove = 1\n"
				   "[block one]\naddress = 0\nwords = 20\n[block two]\naddress = 40\nwords = 20\n"));
}

TEST(defaults_that_are_written_do_not_change_the_digest)
{
	assert_true(means_the_same("ratios = yes\n",
				   "ratios = yes\nfunction = 3\nword_order = abcd\naddressing = word\n"
				   "max_words = 125\ngaps = no\nturnaround = 30 ms\nmax_power = 0\nna = none\n"));
	assert_true(means_the_same("words = 20\n", "words = 20\ngaps = yes\n"));
}

TEST(what_only_describes_does_not_change_the_digest)
{
	assert_true(means_the_same("title = T\n", "title = U\n"));
	assert_true(means_the_same("vendor = V\n", "vendor = W\n"));
	assert_true(means_the_same("source = S\n", "source = T\nverified = 2026\n"));
	assert_true(means_the_same("ratios", "baud = 9600\naddresses = 1-99\nsegment_max = 31\nratios"));
	assert_true(means_the_same("[block one]", "[block first]"));
}

TEST(keys_of_a_table_change_the_digest)
{
	static const char *const keys[] = {"function = 4", "word_order = cdab", "addressing = byte", "max_words = 124",
					   "gaps = yes",   "turnaround = 31ms", "max_power = 1 kW",  "na = auto"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s\nratios", keys[i]);
		assert_false(means_the_same("ratios", text));
	}
	assert_false(means_the_same("provenance = driver", "provenance = inferred"));
	assert_false(means_the_same("address = 40", "address = 39"));
	assert_false(means_the_same("words = 20", "words = 21"));
	assert_false(means_the_same("words = 20", "words = 20\ngaps = no"));
	assert_false(means_the_same("below 50", "below 51"));
	assert_false(means_the_same("0.01", "0.02"));
	assert_false(means_the_same("above = 1", "above = 2"));
	assert_false(means_the_same("above = 1", "below 60 = 1\nabove = 1"));
}

TEST(rows_of_a_table_change_the_digest)
{
	assert_false(means_the_same("active_power =", "active_power_l1 ="));
	assert_false(means_the_same("= 42", "= 43"));
	assert_false(means_the_same("s16", "u16"));
	assert_false(means_the_same("s16 1 W", "s16 2 W"));
	assert_false(means_the_same("1 W power", "1 kW power"));
	assert_false(means_the_same("1 W power", "1 W energy"));
	assert_false(means_the_same("active_power = 42 s16 1 W power\n", ""));
	assert_false(means_the_same("active_power = 42 s16 1 W power\n",
				    "active_power = 42 s16 1 W power\nactive_power = 43 s16 1 W power fallback\n"));
	assert_false(means_the_same("voltage_l1 = 40 u16 0.1 V power alone\nactive_power = 42 s16 1 W power\n",
				    "active_power = 42 s16 1 W power\nvoltage_l1 = 40 u16 0.1 V power alone\n"));
}

TEST(options_of_a_row_change_the_digest)
{
	static const char *const options[] = {"alone", "na=0x7FFF", "sign=43", "provenance=inferred"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "s16 1 W power %s", options[i]);
		assert_false(means_the_same("s16 1 W power", text));
	}
	assert_false(means_the_same(" alone", ""));
	assert_false(means_the_same("modulus=1000000kWh", "modulus=2000000kWh"));
	assert_false(means_the_same("modulus=1000000kWh", "back_step=1kWh modulus=1000000kWh"));
	assert_false(means_the_same("na=0xFFFFFFFF", "na=0x7FFFFFFF"));
	assert_false(means_the_same("A 1", "A1"));
}

UNIT_MAIN(NULL, NULL)
