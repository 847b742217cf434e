/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "driver_text.h"
#include "err.h"
#include "unit.h"

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

TEST(unused_sections_of_a_table_with_errors_are_no_warning)
{
	EXPECT_ERRORS(HEAD "[block idle]\naddress = 20\nwords = 4\n[registers]\nvoltage_l1 = 20 u99 1 V power\n",
		      "dir/test.ini:11: type 'u99' of voltage_l1 is not valid; use u8-low, u8-high, bit:0..15, "
		      "bits:LOW-HIGH, u16, s16, u32, s32, u64, s64, f32, f64, bcd:1..4, text:1..32, chars:1..32, "
		      "hex:1..32, time2000, clock");
}

TEST(blocks_that_overlap_and_rows_half_in_a_block)
{
	EXPECT_ERRORS(HEAD "[block a]\naddress = 10\nwords = 10\n"
			   "[block b]\naddress = 19\nwords = 10\n"
			   "[block c]\naddress = 65535\nwords = 2\n"
			   "[block a]\naddress = 1\nwords = 1\n"
			   "[block d]\naddress = 40\n"
			   "[block bad name!]\n"
			   "[registers]\n"
			   "voltage_l1 = 9 u32 1 V power\n"
			   "voltage_l2 = 28 u32 1 V power\n",
		      "dir/test.ini:16: duplicate section [block a] (first in line 7); use it once",
		      "dir/test.ini:19: key words is missing in [block d]",
		      "dir/test.ini:21: section [block bad name!] is not valid; use a name of 1 to 31 letters, digits, "
		      "'.', '_', '-'",
		      "dir/test.ini:10: block b (19 to 28) overlaps block a (10 to 19, line 7); put each address in "
		      "one block at most",
		      "dir/test.ini:13: block c is out of range: it ends at address 65536; use addresses up to 65535",
		      "dir/test.ini:23: voltage_l1 (addresses 9 to 10) is half in block a (10 to 19, line 7); put it "
		      "wholly in one block or in none",
		      "dir/test.ini:24: voltage_l2 (addresses 28 to 29) is half in block b (19 to 28, line 10); put it "
		      "wholly in one block or in none");
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
		"dir/test.ini:9: voltage_l2 (addresses 11 to 12) overlaps voltage_l1 (10 to 11, line 8); rows may "
		"share a word only for different bits of it",
		"dir/test.ini:11: tariff_count (addresses 20 to 20) overlaps tariff (20 to 20, line 10); rows may "
		"share a word only for different bits of it",
		"dir/test.ini:12: sign word 10 of voltage_l3 lies in voltage_l1 (10 to 11, line 8); use a word of its "
		"own",
		"dir/test.ini:13: current_l1 is out of range: it ends at address 65536; use addresses up to 65535",
		"dir/test.ini:15: voltage_l23 (addresses 40 to 40) overlaps voltage_l12 (40 to 40, line 14); rows may "
		"share a word only for different bits of it",
		"dir/test.ini:17: current_l2 (addresses 41 to 41) overlaps voltage_l31 (41 to 41, line 16); rows may "
		"share a word only for different bits of it");
}

TEST(rows_that_may_share_words)
{
	struct driver *d = parse_table(ROWS "tariff = 20 u8-low 1 - energy\ntariff_count = 20 u8-high 1 - energy\n"
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
		parse_table(HEAD "addressing = byte\n[block a]\naddress = 0x301\nwords = 4\n[registers]\n"
				 "voltage_l1 = 0x0301 u32 1 V power\nvoltage_l2 = 0x0305 u32 1 V power\n"
				 "voltage_l3 = 0x0309 u16 1 V power sign=0x030B\ncurrent_l1 = 0x030C u32 1 A power\n");

	assert_int_equal(driver_row_span(d, &d->rows[0]), 4);
	assert_int_equal(driver_row_span(d, &d->rows[2]), 2);
	assert_int_equal(d->rows[1].block, 0);
	assert_int_equal(d->rows[2].block, -1);
	driver_free(d);
	EXPECT_ERRORS(HEAD "addressing = byte\n[registers]\n"
			   "voltage_l1 = 0x0301 u32 1 V power\nvoltage_l2 = 0x0303 u32 1 V power\n",
		      "dir/test.ini:10: voltage_l2 (addresses 771 to 774) overlaps voltage_l1 (769 to 772, line 9); "
		      "rows may share a word only for different bits of it");
}

TEST(scales_that_lose_digits)
{
	EXPECT_ERRORS(HEAD "ratios = yes\n[scale fine]\nbelow 10 = 0.0001\nabove = 1\n[registers]\n"
			   "voltage_l1 = 0 u16 0.0001 V power\n"
			   "voltage_l2 = 1 u16 @fine V power\n"
			   "voltage_l3 = 2 u16 9000000000000000000 V power\n"
			   "active_energy_import = 3 u32 0.01 kWh energy modulus=15Wh\n"
			   "voltage_l12 = 5 u16 @coarse V power\n",
		      "dir/test.ini:16: unknown scale '@coarse' of voltage_l12; use the name of a [scale NAME] section",
		      "dir/test.ini:12: scale of voltage_l1 loses digits: one count is not a whole number of mV; use "
		      "whole numbers of mV from 1 to 9223372036854775807",
		      "dir/test.ini:13: scale of voltage_l2 loses digits at a step of scale fine: one count is not a "
		      "whole number of mV; use whole numbers of mV from 1 to 9223372036854775807",
		      "dir/test.ini:14: scale of voltage_l3 loses digits: one count is not a whole number of mV; use "
		      "whole numbers of mV from 1 to 9223372036854775807",
		      "dir/test.ini:15: modulus of active_energy_import is not a whole number of counts; use a "
		      "multiple of 10");
}

TEST(counters_that_are_too_fine)
{
	EXPECT_ERRORS(
		ROWS "active_energy_import = 0 u32 0.00001 Wh energy\n"
		     "active_energy_export = 2 u32 1 Ws energy\n"
		     "apparent_energy = 4 u32 0.0001 VAh energy\n"
		     "pulses_1 = 6 u32 0.1 1 energy\n"
		     "active_power = 8 s32 0.1 mW power\n",
		"dir/test.ini:8: scale of active_energy_import is too fine or too large; use counts that, together "
		"with those of the other counters, are whole numbers of 1/36000 Wh at the finest",
		"dir/test.ini:10: scale of apparent_energy is too fine or too large; use counts that, together with "
		"those of the other counters, are whole numbers of 1/36000 VAh at the finest",
		"dir/test.ini:11: scale of pulses_1 loses digits: one count is not a whole number of 1; use whole "
		"numbers of 1 from 1 to 9223372036854775807",
		"dir/test.ini:12: scale of active_power loses digits: one count is not a whole number of mW; use "
		"whole numbers of mW from 1 to 9223372036854775807");
}

TEST(moduli_of_fine_counters_are_whole_numbers_of_counts)
{
	struct driver *d = parse_table(ROWS "active_energy_import = 0 u32 0.5 Wh energy modulus=999.5Wh,1800Ws\n");

	assert_int_equal(driver_modulus(&d->rows[0], 0, 1), 1999);
	assert_int_equal(driver_modulus(&d->rows[0], 1, 1), 1);
	driver_free(d);
	EXPECT_ERRORS(
		ROWS "active_energy_import = 0 u32 0.5 Wh energy modulus=999.9Wh\n"
		     "active_energy_export = 2 u32 1 Ws energy modulus=1.5Ws\n",
		"dir/test.ini:9: modulus of active_energy_export is not a whole number of counts; use a multiple of "
		"one count",
		"dir/test.ini:8: modulus of active_energy_import is not a whole number of counts; use a multiple of "
		"one count");
}

TEST(weight_by_ratio_is_for_tables_that_ask_for_the_ratios)
{
	EXPECT_ERRORS(HEAD "[scale e]\nbelow 10 = 0.01\nabove = 1\n[registers]\n"
			   "active_energy_import = 0 u32 @e kWh energy\n",
		      "dir/test.ini:11: scale '@e' of active_energy_import conflicts with ratios = no; set ratios = "
		      "yes, then the bus file gives the ratios");
}

TEST(ratios_that_change_no_value_are_a_warning)
{
	expect_warning(HEAD "ratios = yes\n[registers]\nvoltage_l1 = 0 u16 1 V power\n",
		       "dir/test.ini:1: ratios = yes changes no value without a section [scale NAME]; ct and vt "
		       "only multiply max_power");
}

TEST(groups_that_would_lose_the_value)
{
	EXPECT_ERRORS(
		ROWS
		"active_energy_import = 0 u32 10 Wh identity\nvoltage_l1 = 2 u16 1 V identity\n"
		"serial_number = 3 hex:4 - - energy\nvolume = 7 u32 1 l identity\ncounter_max = 9 u32 10 Wh identity\n"
		"firmware_version = 11 u16 1 - state\n",
		"dir/test.ini:8: group 'identity' of active_energy_import is not valid; use energy or power",
		"dir/test.ini:9: group 'identity' of voltage_l1 is not valid; use energy or power",
		"dir/test.ini:10: group 'energy' of serial_number is not valid; use identity",
		"dir/test.ini:11: group 'identity' of volume is not valid; use energy or power",
		"dir/test.ini:12: group 'identity' of counter_max is not valid; use state, energy or power",
		"dir/test.ini:13: group 'state' of firmware_version is not valid; use identity");
}

TEST(value_that_the_group_state_keeps_nowhere_is_a_warning)
{
	expect_warning(HEAD "[registers]\nactive_energy_import = 0 u32 10 Wh energy\ntariff = 2 u16 1 - state\n",
		       "dir/test.ini:9: group 'state' of tariff is read daily and stored nowhere; use energy or power "
		       "to store it");
}

TEST(read_modulus_needs_its_register_in_the_group_state)
{
	EXPECT_ERRORS(ROWS "counter_max = 0 u32 10 Wh energy\nactive_energy_import = 2 u32 10 Wh energy modulus=read\n",
		      "dir/test.ini:9: modulus 'read' of active_energy_import conflicts with the group of row "
		      "counter_max (line 8); use the group state there");
}

TEST(modulus_beyond_what_the_type_can_show)
{
	struct driver *d = parse_table(ROWS "active_energy_import = 0 u32 10 Wh energy modulus=42949672960Wh\n"
					    "pulses_1 = 2 bcd:2 1 1 energy modulus=100000000\n"
					    "active_energy_export = 4 u64 10 Wh energy modulus=1000000000000Wh\n"
					    "apparent_energy = 8 u32 10 VAh energy modulus=9digits\n");

	assert_int_equal(driver_row_counts(&d->rows[0]), INT64_C(4294967296));
	assert_int_equal(driver_row_counts(&d->rows[1]), 100000000);
	assert_int_equal(driver_row_counts(&d->rows[2]), 0);
	driver_free(d);
	EXPECT_ERRORS(ROWS "active_energy_import = 0 u16 10 Wh energy modulus=10000000000Wh\n"
			   "active_energy_export = 2 bcd:2 10 Wh energy modulus=10000000000Wh\n",
		      "dir/test.ini:8: modulus of active_energy_import is out of range: it is 1000000000 counts; use "
		      "at most the 65536 that its type can show",
		      "dir/test.ini:9: modulus of active_energy_export is out of range: it is 1000000000 counts; use "
		      "at most the 100000000 that its type can show");
}

TEST(provenance_of_a_row_is_never_stronger)
{
	EXPECT_ERRORS(ROWS "voltage_l1 = 0 u16 1 V power provenance=transcription\n"
			   "voltage_l2 = 1 u16 1 V power provenance=\"vendor table\"\n",
		      "dir/test.ini:8: provenance 'transcription' of voltage_l1 is stronger than the table's; use "
		      "'driver' or weaker",
		      "dir/test.ini:9: provenance 'vendor table' of voltage_l2 is stronger than the table's; use "
		      "'driver' or weaker");
}

TEST(rows_longer_than_the_longest_read)
{
	EXPECT_ERRORS(HEAD "max_words = 3\n[registers]\nactive_energy_import = 0 u64 1 Wh energy\n",
		      "dir/test.ini:9: active_energy_import is too long (4 words); use at most max_words, 3");
}

TEST(last_address_and_longest_read_are_allowed)
{
	struct driver *d = parse_table(HEAD "max_words = 4\n[block end]\naddress = 65532\nwords = 4\n[registers]\n"
					    "active_energy_import = 65532 u64 1 Wh energy\n");

	assert_int_equal(d->rows[0].block, 0);
	driver_free(d);
}

TEST(read_modulus_needs_the_register_that_holds_it)
{
	EXPECT_ERRORS(ROWS "active_energy_import = 0 u32 1 Wh energy modulus=read\n",
		      "dir/test.ini:8: row counter_max is missing for modulus 'read' of active_energy_import; add it "
		      "in the group state");
}

UNIT_MAIN(NULL, NULL)
