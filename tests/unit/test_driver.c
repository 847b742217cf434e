/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "driver_text.h"
#include "err.h"
#include "unit.h"

TEST(table_of_a_model)
{
	struct driver *d =
		parse_table(HEAD "verified = 2024, workshop\nfunction = 4\nword_order = cdab\nmax_words = 60\n"
				 "gaps = yes\nratios = yes\nbaud = 9600 19200\naddresses = 5-99\nsegment_max = 31\n"
				 "turnaround = 0.3s\nmax_power = 15 kW\nshortest_pulse = 40ms\n"
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
	assert_int_equal(d->shortest_pulse_ms, 40);
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
	struct driver *d = parse_table(HEAD "[registers]\nvoltage_l1 = 16 u32 1 V power\n");

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
	assert_int_equal(d->shortest_pulse_ms, 0);
	assert_int_equal(d->rows[0].n_na, 0);
	driver_free(d);
}

TEST(scale_steps_by_the_product_of_the_ratios)
{
	struct driver *d =
		parse_table(HEAD "ratios = yes\n[scale energy]\nbelow 10 = 0.01\nbelow 100 = 0.1\nabove = 1\n"
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

TEST(every_error_is_reported_at_once)
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
		"dir/test.ini:2: format = 2 is not valid; use 1",
		"dir/test.ini:4: duplicate key title in [model] (first in line 3); use it once",
		"dir/test.ini:6: provenance = guess is not valid; use vendor table, transcription, driver, sibling or "
		"inferred",
		"dir/test.ini:7: unknown key colour in [model]; use format, title, vendor, source, provenance, "
		"verified, function, word_order, addressing, max_words, gaps, loads, stride, ratios, baud, addresses, "
		"segment_max, "
		"turnaround, max_power, shortest_pulse, na",
		"dir/test.ini:8: function = 6 is not valid; use 3 or 4",
		"dir/test.ini:1: key source is missing in [model]",
		"dir/test.ini:9: unknown section [registres] (did you mean registers?); use [model], [block NAME], "
		"[scale NAME], [registers]",
		"dir/test.ini:12: unknown quantity voltage (did you mean voltage_l1?); use a name in drivers/NAMES",
		"dir/test.ini:13: address '65536' of voltage_l1 is not valid; use 0 to 65535, decimal or 0x "
		"hexadecimal",
		"dir/test.ini:13: type 'u33' of voltage_l1 is not valid (did you mean u32?); use u8-low, u8-high, "
		"bit:0..15, "
		"bits:LOW-HIGH, u16, s16, u32, s32, u64, s64, f32, f64, bcd:1..4, text:1..32, chars:1..32, hex:1..32, "
		"time2000, clock",
		"dir/test.ini:13: scale '0' of voltage_l1 is not valid; use a decimal above 0 such as 0.01 or 1000, "
		"@NAME of a [scale NAME], or - for texts and times",
		"dir/test.ini:13: unit 'A' of voltage_l1 is not valid; use mV, V, kV",
		"dir/test.ini:13: group 'volts' of voltage_l1 is not valid; use energy, power, identity or state",
		"dir/test.ini:13: unknown option 'quick' of voltage_l1; use alone, fallback, na=.., sign=.., "
		"modulus=.., back_step=.., provenance=.., expect=.., add=.., rest, exponent=.., function=.., shared, "
		"optional");
}

TEST(misspelt_name_is_reported_with_the_nearest)
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
		"dir/test.ini:7: unknown key titel in [model] (did you mean title?); use format, title, vendor, "
		"source, provenance, verified, function, word_order, addressing, max_words, gaps, loads, stride, "
		"ratios, baud, "
		"addresses, segment_max, turnaround, max_power, shortest_pulse, na",
		"dir/test.ini:8: unknown key adress in [model] (did you mean addresses?); use format, title, vendor, "
		"source, provenance, verified, function, word_order, addressing, max_words, gaps, loads, stride, "
		"ratios, baud, "
		"addresses, segment_max, turnaround, max_power, shortest_pulse, na",
		"dir/test.ini:12: unknown key gap in [block one] (did you mean gaps?); use address, words, gaps, "
		"function",
		"dir/test.ini:14: unknown quantity activ_energy_import (did you mean active_energy_import?); use a "
		"name in drivers/NAMES",
		"dir/test.ini:15: unknown quantity voltage_11 (did you mean voltage_l1?); use a name in drivers/NAMES",
		"dir/test.ini:16: unknown quantity rocof; use a name in drivers/NAMES",
		"dir/test.ini:17: unknown option 'modulo=read' of active_energy_export (did you mean modulus?); use "
		"alone, fallback, na=.., sign=.., modulus=.., back_step=.., provenance=.., expect=.., add=.., rest, "
		"exponent=.., "
		"function=.., "
		"shared, optional",
		"dir/test.ini:18: unknown option 'falback' of reactive_energy_import (did you mean fallback?); use "
		"alone, fallback, na=.., sign=.., modulus=.., back_step=.., provenance=.., expect=.., add=.., rest, "
		"exponent=.., "
		"function=.., "
		"shared, optional",
		"dir/test.ini:19: option 'sign' of reactive_energy_export is not valid; use sign=..");
}

TEST(rows_have_all_that_their_line_has)
{
	struct driver *d =
		parse_table("[registers]\n"
			    "active_energy_import = 0x10 u32 10 Wh energy modulus=10000000000Wh back_step=10Wh alone\n"
			    "active_energy_import = 0x20 u32 1 kWh energy fallback modulus=read provenance=inferred\n"
			    "active_power = 0x30 bcd:3 0.1 kW power sign=0x40:2 na=0x999999999999\n"
			    "product_name = 0x50 text:8 - - identity expect=\"Countis E44\"\n"
			    "operating_time = 0x60 bits:4-11 0.1 h energy na=0xFF,0xFE\n"
			    "counter_max = 0x70 u32 10 Wh state\n"
			    "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = sibling\n");
	const struct driver_row *row = d->rows;

	assert_int_equal(row[0].moduli[0].amount, 10000000000);
	assert_int_equal(row[0].moduli[1].amount, 0);
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

TEST(row_may_name_several_moduli)
{
	struct driver *d =
		parse_table(HEAD "ratios = yes\n[scale e]\nbelow 10 = 0.01\nabove = 1\n[registers]\n"
				 "active_energy_import = 0 u32 10 Wh energy modulus=1000000000Wh,10000000000Wh\n"
				 "active_energy_export = 2 u32 @e kWh energy modulus=8digits,2000000kWh\n"
				 "apparent_energy = 4 u32 10 VAh energy\n"
				 "pulses_1 = 6 u32 1 1 energy modulus=65536,9digits\n"
				 "reactive_energy_import = 8 s64 1 varh energy\n");
	const struct driver_row *row = d->rows;

	assert_int_equal(driver_modulus(&row[0], 0, 10), 1000000000);
	assert_int_equal(driver_modulus(&row[0], 1, 10), 10000000000);
	assert_int_equal(driver_modulus(&row[0], 2, 10), 0);
	/* 8 digits of what one count weighs */
	assert_int_equal(driver_modulus(&row[1], 0, 10), 1000000000);
	assert_int_equal(driver_modulus(&row[1], 0, 1000), 100000000000);
	assert_int_equal(driver_modulus(&row[1], 1, 1000), 2000000000);
	assert_int_equal(driver_modulus(&row[1], 0, INT64_MAX / 2), 0);
	/* the width of the type, where the table says nothing */
	assert_int_equal(driver_modulus(&row[2], 0, 10), INT64_C(42949672960));
	assert_int_equal(driver_modulus(&row[2], 1, 10), 0);
	assert_int_equal(driver_modulus(&row[3], 0, 1), 65536);
	assert_int_equal(driver_modulus(&row[3], 1, 1), 1000000000);
	assert_int_equal(driver_modulus(&row[4], 0, 1), 0);
	driver_free(d);
}

static void expect_count(const char *row, uint16_t parts, int64_t multiplier)
{
	char text[400];
	struct driver *d;

	snprintf(text, sizeof(text), ROWS "%s\n", row);
	d = parse_table(text);
	assert_int_equal(d->parts, parts);
	assert_int_equal(driver_parts(d, d->rows[0].quantity), parts);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1, 1, 1, 1), multiplier);
	driver_free(d);
}

TEST(count_of_a_counter_may_be_finer_than_a_base_unit)
{
	expect_count("active_energy_import = 0 u32 10 Wh energy", 1, 10);
	expect_count("active_energy_import = 0 u32 0.1 Wh energy", 10, 1);
	expect_count("active_energy_import = 0 u32 0.0001 kWh energy", 10, 1);
	expect_count("active_energy_import = 0 u32 2.5 Wh energy", 2, 5);
	expect_count("active_energy_import = 0 u32 1 Ws energy", 3600, 1);
	expect_count("active_energy_import = 0 u32 1000 Ws energy", 18, 5);
	expect_count("active_energy_import = 0 u32 3600 Ws energy", 1, 1);
	expect_count("active_energy_import = 0 u32 0.1 Ws energy", 36000, 1);
	expect_count("reactive_energy_export = 0 u32 1 vars energy", 3600, 1);
	expect_count("apparent_energy_t8 = 0 u32 100 VAs energy", 36, 1);
	expect_count("operating_time = 0 u32 0.001 h energy", 5, 18);
	expect_count("heat = 0 u32 1 kWh energy", 1, 1000);
	expect_count("heat = 0 u32 0.001 GJ energy", 9, 2500);
	expect_count("heat = 0 u32 1 kJ energy", 18, 5);
	expect_count("heat = 0 u32 1 Mcal energy", 1, 1163);
	expect_count("heat = 0 u32 0.1 kcal energy", 10000, 1163);
}

TEST(counters_of_a_table_are_read_in_parts_that_suit_all_of_them)
{
	struct driver *d =
		parse_table(HEAD "ratios = yes\n[scale e]\nbelow 10 = 0.0001\nabove = 0.01\n[registers]\n"
				 "active_energy_import = 0 u32 @e kWh energy modulus=8digits back_step=1Wh\n"
				 "active_energy_import = 2 u32 1 kWh energy fallback\n"
				 "reactive_energy_import = 4 u32 1 vars energy modulus=1000000000vars,1000varh\n"
				 "active_power = 6 s32 10 W power\n"
				 "pulses_1 = 8 u32 1 1 energy\n"
				 "counter_max = 10 u32 10 Wh state\n");
	const struct driver_row *row = d->rows;

	assert_int_equal(d->parts, 3600);
	assert_int_equal(driver_parts(d, Q_ACTIVE_ENERGY_IMPORT), 10);
	assert_int_equal(driver_parts(d, Q_REACTIVE_ENERGY_IMPORT), 3600);
	assert_int_equal(driver_finer(d, Q_ACTIVE_ENERGY_IMPORT), 360);
	assert_int_equal(driver_finer(d, Q_REACTIVE_ENERGY_IMPORT), 1);
	assert_int_equal(driver_finer(d, Q_ACTIVE_POWER), 1);
	assert_int_equal(driver_parts(d, Q_PULSES_1), 1);
	assert_int_equal(driver_parts(d, Q_VOLTAGE_L1), 1);
	assert_int_equal(driver_multiplier(d, &row[0], 1, 1, 1, 1), 360);
	assert_int_equal(driver_multiplier(d, &row[0], 400, 5, 1, 1), 36000);
	assert_int_equal(driver_multiplier(d, &row[1], 400, 5, 1, 1), 3600000);
	assert_int_equal(driver_multiplier(d, &row[2], 1, 1, 1, 1), 1);
	assert_int_equal(driver_multiplier(d, &row[3], 1, 1, 1, 1), 10000);
	assert_int_equal(driver_multiplier(d, &row[4], 1, 1, 1, 1), 1);
	assert_int_equal(driver_multiplier(d, &row[5], 1, 1, 1, 1), 10);
	assert_int_equal(driver_modulus(&row[0], 0, 360), INT64_C(36000000000));
	assert_int_equal(row[0].back_step, 3600);
	assert_int_equal(driver_modulus(&row[2], 0, 1), 1000000000);
	assert_int_equal(driver_modulus(&row[2], 1, 1), 3600000);
	assert_int_equal(driver_modulus(&row[4], 0, 1), INT64_C(4294967296));
	driver_free(d);
}

TEST(moduli_that_are_none)
{
	static const char *const wrong[] = {"",		"digits",    "0digits",	  "19digits",		"8digit",
					    "8digits8", "read,10Wh", "10Wh,read", "1Wh,2Wh,3Wh,4Wh,5Wh"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[400];
		struct err e = {0};

		snprintf(text, sizeof(text), ROWS "active_energy_import = 0 u32 1 Wh energy modulus=%s\n", wrong[i]);
		assert_null(driver_parse("dir/test.ini", text, strlen(text), &e));
		assert_int_equal(e.n_errors, 1);
		err_fini(&e);
	}
}

TEST(sign_word_is_negative_at_1_unless_said)
{
	struct driver *d = parse_table(ROWS "active_power = 0 u32 1 W power sign=7\n");

	assert_int_equal(d->rows[0].sign_address, 7);
	assert_int_equal(d->rows[0].sign_value, 1);
	driver_free(d);
}

TEST(automatic_patterns_have_the_width_and_sign_of_the_type)
{
	static const uint64_t expected[] = {0xFFFF, 0x7FFF, 0xFFFFFFFF, 0x7FFFFFFF, UINT64_MAX, INT64_MAX};
	struct driver *d = parse_table(HEAD "na = auto\n[registers]\n"
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
	struct driver *d =
		parse_table(HEAD "na = 0xFFFF, 0x8000, 0x80000000\n[registers]\n"
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
		     "shortest_pulse = 11s\n"
		     "na = 0xFFFF 65535\n"
		     "[registers]\nvoltage_l1 = 0 u16 1 V power\n",
		"dir/test.ini:7: word_order = abdc is not valid (did you mean abcd?); use abcd, badc, cdab or dcba",
		"dir/test.ini:8: addressing = bytes is not valid (did you mean byte?); use word, byte, long or "
		"long-counted",
		"dir/test.ini:9: max_words = 126 is not valid; use 1 to 125",
		"dir/test.ini:10: gaps = maybe is not valid; use yes or no",
		"dir/test.ini:11: ratios = 1 is not valid; use yes or no",
		"dir/test.ini:12: baud = 9600 9601 is not valid; use speeds among 300 1200 2400 4800 9600 19200 "
		"38400 57600 115200 230400 460800 921600, each once",
		"dir/test.ini:13: addresses = 0-247 is not valid; use LOW-HIGH within 1 to 255",
		"dir/test.ini:14: segment_max = 256 is not valid; use 1 to 255",
		"dir/test.ini:15: turnaround = 30 is not valid; use 0ms to 10s in whole milliseconds",
		"dir/test.ini:16: max_power = 15 kVA is not valid; use a power in W, kW or MW that is whole in "
		"W, or 0 if unknown",
		"dir/test.ini:17: shortest_pulse = 11s is not valid; use 0ms to 10s in whole milliseconds, 0ms "
		"if unknown",
		"dir/test.ini:18: na = 0xFFFF 65535 is not valid; use none, auto, or up to 8 patterns such as "
		"0xFFFF separated by commas");
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
		     "current_l2 = 17 u16 1 A power na=0x8000,0x8001,0x8002,0x8003,0x8004\n"
		     "product_name = 20 chars:4 - - identity expect=\"- -\"\n",
		"dir/test.ini:9: na '65535' of voltage_l2 is not valid; use none, auto, or up to 8 patterns such "
		"as 0xFFFF separated by commas",
		"dir/test.ini:10: sign '1:2:3' of voltage_l3 is not valid; use ADDRESS or ADDRESS:VALUE, each 0 "
		"to 65535",
		"dir/test.ini:11: modulus '10' of active_energy_import is not valid; use read, or up to 4 "
		"values separated by commas: 1digits to 18digits, or a number above 0 and its unit without a blank, "
		"such as 1000Wh",
		"dir/test.ini:12: back_step '0Wh' of active_energy_export is not valid; use a number above 0 and "
		"its unit without a blank, such as 10Wh",
		"dir/test.ini:13: modulus '10Hz' of frequency is not valid; use it with counters only",
		"dir/test.ini:14: expect '' of maker is not valid; use a text of 1 to 32 bytes",
		"dir/test.ini:15: expect 'V' of voltage_l12 is not valid; use it with identity quantities only",
		"dir/test.ini:16: provenance 'hearsay' of voltage_l23 is not valid; use \"vendor table\", "
		"transcription, driver, sibling or inferred",
		"dir/test.ini:17: duplicate option 'alone' of voltage_l31; use it once",
		"dir/test.ini:18: option 'alone=yes' of current_l1 is not valid; use alone",
		"dir/test.ini:20: expect '- -' of product_name is not valid; use a text with a letter or a digit",
		"dir/test.ini:8: pattern 0xFFFFFFFF of voltage_l1 is not valid; use up to 4 patterns of 4 "
		"hexadecimal digits (16 bits)",
		"dir/test.ini:19: pattern 0x8004 of current_l2 is not valid; use up to 4 patterns of 4 "
		"hexadecimal digits (16 bits)");
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
		snprintf(expected, sizeof(expected), "dir/test.ini:8: type '%s' of voltage_l1 is not valid", bad[i]);
		assert_null(driver_parse("dir/test.ini", text, strlen(text), &e));
		assert_int_equal(e.n_items, 1);
		assert_memory_equal(e.items[0].text, expected, strlen(expected));
		err_fini(&e);
	}
}

TEST(a_number_is_added_to_counts_of_gauges_and_states)
{
	struct driver *d = parse_table(ROWS "tariff = 0 u16 1 - energy add=1\n"
					    "temperature = 1 u16 0.1 degC power add=-400\n"
					    "voltage_l1 = 2 u16 1 V power\n");

	assert_int_equal(d->rows[0].add, 1);
	assert_int_equal(d->rows[1].add, -400);
	assert_int_equal(d->rows[2].add, 0);
	driver_free(d);
	EXPECT_ERRORS(
		ROWS "tariff = 0 u16 1 - energy add=0\n"
		     "temperature = 1 u16 0.1 degC power add=-65536\n"
		     "active_energy_import = 2 u32 1 Wh energy add=1\n"
		     "voltage_l1 = 4 u16 1 V power add=1 sign=5\n"
		     "voltage_l2 = 6 f32 1 V power add=1\n"
		     "product = 8 u16 - - identity add=1\n",
		"dir/test.ini:8: add '0' of tariff is not valid; use a whole number from -65535 to 65535 other than 0",
		"dir/test.ini:9: add '-65536' of temperature is not valid; use a whole number from -65535 to 65535 "
		"other than 0",
		"dir/test.ini:10: option 'add' of active_energy_import is not valid; use it with whole numbers and "
		"bcd of measured quantities, without sign; not with counters",
		"dir/test.ini:11: option 'add' of voltage_l1 is not valid; use it with whole numbers and "
		"bcd of measured quantities, without sign; not with counters",
		"dir/test.ini:12: option 'add' of voltage_l2 is not valid; use it with whole numbers and "
		"bcd of measured quantities, without sign; not with counters",
		"dir/test.ini:13: option 'add' of product is not valid; use it with whole numbers and "
		"bcd of measured quantities, without sign; not with counters");
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
		"dir/test.ini:8: type 'text:4' of voltage_l1 is not valid; use the type of a number, texts are for "
		"identity quantities",
		"dir/test.ini:9: scale '-' of voltage_l2 is not valid; use a decimal or @NAME for numbers",
		"dir/test.ini:10: scale '1' of maker is not valid; use - for texts and times",
		"dir/test.ini:11: scale '0.1' of product is not valid; use 1 or - for identity quantities",
		"dir/test.ini:12: type 'f32' of firmware_version is not valid; use a text or a whole number for "
		"identity quantities",
		"dir/test.ini:13: option 'sign' of voltage_l3 is not valid; use it with whole numbers and bcd of "
		"measured quantities",
		"dir/test.ini:14: scale '1' of operating_time is not valid; use - for texts and times",
		"dir/test.ini:15: voltage_l12 = 24 u16 is not valid; use ADDRESS TYPE SCALE UNIT GROUP [OPTION ...]",
		"dir/test.ini:16: voltage_l23 = 25 u16 1 V power \"alone is not valid; use ADDRESS TYPE SCALE UNIT "
		"GROUP [OPTION ...], and close each \"");
}

TEST(quantity_again_needs_fallback)
{
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 0 u16 1 V power\n"
		     "voltage_l1 = 1 u16 1 V power\n"
		     "voltage_l2 = 2 u16 1 V power fallback\n"
		     "voltage_l2 = 3 u16 1 V energy fallback\n"
		     "voltage_l1 = 4 u16 1 V energy fallback\n",
		"dir/test.ini:9: duplicate row voltage_l1 (first in line 8); use it once, or add the option fallback",
		"dir/test.ini:10: option 'fallback' of voltage_l2 has no earlier row; write the preferred row first",
		"dir/test.ini:12: option 'fallback' of voltage_l1 conflicts with the group in line 8; use the same "
		"group");
}

TEST(scales_ascend_and_end_above)
{
	EXPECT_ERRORS(HEAD "ratios = yes\n[scale a]\nbelow 100 = 1\nbelow 100 = 10\nbelow 1e3 = 1\nbelow 200 = "
			   "0\nabove = 5\nabove = 6\n"
			   "[scale b]\nbelow 10 = 1\n[scale a]\n[registers]\nvoltage_l1 = 0 u16 @a V power\n",
		      "dir/test.ini:10: key below 100 in [scale a] is not valid; use below N with N from 2 to "
		      "1000000000, ascending, then above",
		      "dir/test.ini:11: key below 1e3 in [scale a] is not valid; use below N with N from 2 to "
		      "1000000000, ascending, then above",
		      "dir/test.ini:12: below 200 = 0 is not valid; use a decimal above 0, such as 0.01 or 1000",
		      "dir/test.ini:14: key above comes after above (line 13); use above once, as the last key",
		      "dir/test.ini:15: key above is missing in [scale b]",
		      "dir/test.ini:17: duplicate section [scale a] (first in line 8); use it once");
}

TEST(sections_that_are_missing_or_twice)
{
	EXPECT_ERRORS("", "dir/test.ini:1: section [model] is missing",
		      "dir/test.ini:1: section [registers] is missing");
	EXPECT_ERRORS(HEAD "[registers]\n", "dir/test.ini:7: rows are missing in [registers]; write 1 to 192");
	EXPECT_ERRORS(ROWS "voltage_l1 = 0 u16 1 V power\n[registers]\n[model]\n",
		      "dir/test.ini:9: duplicate section [registers] (first in line 7); use it once",
		      "dir/test.ini:10: duplicate section [model] (first in line 1); use it once");
}

TEST(five_keys_of_a_model_are_required)
{
	EXPECT_ERRORS(
		"[model]\n[registers]\nvoltage_l1 = 0 u16 1 V power\n",
		"dir/test.ini:1: key format is missing in [model]", "dir/test.ini:1: key title is missing in [model]",
		"dir/test.ini:1: key vendor is missing in [model]", "dir/test.ini:1: key source is missing in [model]",
		"dir/test.ini:1: key provenance is missing in [model]");
}

/* The highest and lowest that the manual allows; the thirteenth step is one too many. */
TEST(edges_of_the_allowed)
{
#define STEPS_2_TO_11                                                                                                  \
	"below 2 = 1\nbelow 3 = 2\nbelow 4 = 3\nbelow 5 = 4\nbelow 6 = 5\nbelow 7 = 6\nbelow 8 = 7\nbelow 9 = 8\n"     \
	"below 10 = 9\nbelow 11 = 10\n"
	struct driver *d =
		parse_table(HEAD "turnaround = 10s\nsegment_max = 255\nratios = yes\n[scale s]\n" STEPS_2_TO_11
				 "below 1000000000 = 11\nabove = 12\n[registers]\nvoltage_l1 = 0 u16 @s V power\n"
				 "maker = 1 text:1 - - identity\nproduct = 2 text:32 - - identity\n");

	assert_int_equal(d->turnaround_ms, 10000);
	assert_int_equal(d->scales[0].n_steps, 12);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1, 1, 1, 1), 1000);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1000000000, 1, 1, 1), 12000);
	driver_free(d);
	EXPECT_ERRORS(HEAD "ratios = yes\n[scale s]\n" STEPS_2_TO_11
			   "below 12 = 11\nbelow 13 = 12\nabove = 13\n[registers]\nvoltage_l1 = 0 u16 @s V power\n",
		      "dir/test.ini:21: step above is one too many; use at most 12");
#undef STEPS_2_TO_11
}

TEST(quantity_of_a_refused_row_may_not_come_again)
{
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 0 u16 1 volt power\nvoltage_l1 = 1 u16 1 V power\n",
		"dir/test.ini:8: unit 'volt' of voltage_l1 is not valid; use mV, V, kV",
		"dir/test.ini:9: duplicate row voltage_l1 (first in line 8); use it once, or add the option fallback");
}

TEST(model_name_comes_from_the_file)
{
	static const char text[] = ROWS "voltage_l1 = 0 u16 1 V power\n";
	struct err e = {0};

	assert_null(driver_parse("a name that has blanks.ini", text, strlen(text), &e));
	assert_string_equal(e.items[0].text, "a name that has blanks.ini: file name is not valid for a model; use "
					     "NAME.ini with a NAME of 1 to 31 letters, digits, '.', '_', '-'");
	err_fini(&e);
	assert_null(driver_load("/nonexistent/x.ini", &e));
	assert_string_equal(e.items[0].text, "/nonexistent/x.ini: No such file or directory");
	assert_int_equal(e.n_items, 1);
	err_fini(&e);
}

TEST(more_rows_than_there_is_room_for_are_reported_once)
{
	static char text[40000];
	size_t used = (size_t)snprintf(text, sizeof(text), "%svoltage_l1 = 0 u16 1 V power\n", ROWS);
	struct err e = {0};

	for (unsigned i = 1; i <= DRIVER_ROWS_MAX + 1; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "voltage_l1 = %u u16 1 V power fallback\n",
					 i);
	assert_null(driver_parse("test.ini", text, used, &e));
	assert_int_equal(e.n_items, 1);
	assert_string_equal(e.items[0].text, "test.ini:200: row 193 is one too many; use at most 192");
	err_fini(&e);
}

UNIT_MAIN(NULL, NULL)
