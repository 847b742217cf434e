/* SPDX-License-Identifier: MIT */
/* Tables of other makers need more than plain rows: functions, loads, optional rows. */
#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "driver_text.h"
#include "err.h"
#include "unit.h"

/* The table and its complaints, one a line, warnings with "warning: " before them. */
static struct driver *parse_with_warnings(const char *text, const char *expected)
{
	struct err e = {0};
	struct driver *d = driver_parse("dir/test.ini", text, strlen(text), &e);
	char found[2048] = "";
	size_t n = 0;

	for (size_t i = 0; i < e.n_items; i++)
		n += (size_t)snprintf(found + n, sizeof(found) - n, "%s%s\n", e.items[i].warning ? "warning: " : "",
				      e.items[i].text);
	err_fini(&e);
	assert_string_equal(found, expected);
	assert_non_null(d);
	return d;
}

TEST(a_row_and_a_block_have_the_function_of_the_table_or_their_own)
{
	struct driver *d = parse_table(HEAD "function = 4\n[block a]\naddress = 10\nwords = 4\n"
					    "[block b]\naddress = 10\nwords = 4\nfunction = 3\n[registers]\n"
					    "voltage_l1 = 10 f32 1 V power\n"
					    "active_energy_import = 10 u32 1 Wh energy function=3\n"
					    "serial_number = 20 hex:2 - - identity function=3\n");

	assert_int_equal(d->blocks[0].function, 4);
	assert_int_equal(d->blocks[1].function, 3);
	assert_int_equal(d->rows[0].function, 4);
	assert_int_equal(d->rows[0].block, 0);
	assert_int_equal(d->rows[1].function, 3);
	assert_int_equal(d->rows[1].block, 1);
	assert_int_equal(d->rows[2].function, 3);
	driver_free(d);
	EXPECT_ERRORS(ROWS "voltage_l1 = 10 u16 1 V power function=6\n",
		      "dir/test.ini:8: function '6' of voltage_l1 is not valid; use 3 or 4");
}

TEST(registers_of_each_load_are_a_stride_further_on)
{
	struct driver *d = parse_table(HEAD "loads = 4\nstride = 2048\nna = none\n"
					    "[block a]\naddress = 18432\nwords = 100\n"
					    "[block id]\naddress = 50000\nwords = 10\n[registers]\n"
					    "active_power = 18432 u32 1 W power sign=18440\n"
					    "active_energy_import = 18434 u32 1 kWh energy\n"
					    "temperature = 400 s16 0.1 degC power shared\n"
					    "frequency = 401 u16 0.01 Hz power\n"
					    "serial_number = 50000 hex:2 - - identity\n");
	struct driver *third = driver_variant(d, 3, false);

	assert_int_equal(d->n_loads, 4);
	assert_non_null(third);
	assert_int_equal(third->blocks[0].address, 22528);
	assert_int_equal(third->blocks[1].address, 50000);
	assert_int_equal(third->rows[0].address, 22528);
	assert_int_equal(third->rows[0].sign_address, 22536);
	assert_int_equal(third->rows[1].address, 22530);
	assert_int_equal(third->rows[2].address, 400);
	assert_int_equal(third->rows[3].address, 401 + 4096);
	assert_int_equal(third->rows[4].address, 50000);
	assert_int_not_equal(third->digest, d->digest);
	assert_string_equal(third->name, "test");
	driver_free(third);
	driver_free(d);
}

TEST(a_meter_mounted_the_wrong_way_round_exports_what_it_takes_for_import)
{
	struct driver *d = parse_table(ROWS "active_energy_import = 0 u32 1 Wh energy\n"
					    "active_energy_import = 40 u16 1 kWh energy fallback\n"
					    "active_energy_export_t3 = 2 u32 1 Wh energy\n"
					    "reactive_energy_q1 = 4 u32 1 varh energy\n"
					    "active_energy_total = 6 u32 1 Wh energy\n"
					    "active_power = 8 s16 1 W power\n"
					    "reactive_power_l2 = 9 s16 1 var power\n"
					    "power_factor = 10 s16 0.01 - power\n"
					    "active_power_demand_max = 11 u16 1 W power\n"
					    "voltage_l1 = 12 u16 1 V power\n"
					    "active_energy_import_t1_rollovers = 13 u16 1 - state\n");
	static const enum quantity expected[] = {
		Q_ACTIVE_ENERGY_EXPORT, Q_ACTIVE_ENERGY_EXPORT, Q_ACTIVE_ENERGY_IMPORT_T3,
		Q_REACTIVE_ENERGY_Q3,	Q_ACTIVE_ENERGY_TOTAL,	Q_ACTIVE_POWER,
		Q_REACTIVE_POWER_L2,	Q_POWER_FACTOR,		Q_VOLTAGE_L1};
	struct driver *inverted = driver_variant(d, 1, true);

	assert_non_null(inverted);
	assert_int_equal(inverted->n_rows, 9);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(inverted->rows[i].quantity, expected[i]);
	assert_int_equal(inverted->rows[0].address, 0);
	assert_true(inverted->rows[1].fallback);
	assert_false(inverted->rows[4].is_negated);
	assert_true(inverted->rows[5].is_negated);
	assert_true(inverted->rows[6].is_negated);
	assert_false(inverted->rows[7].is_negated);
	assert_false(inverted->rows[8].is_negated);
	assert_int_not_equal(inverted->digest, d->digest);
	driver_free(inverted);
	driver_free(d);
}

TEST(loads_have_a_stride_that_stays_among_the_addresses)
{
	EXPECT_ERRORS(HEAD "loads = 4\n[registers]\nvoltage_l1 = 10 u16 1 V power\n",
		      "dir/test.ini:1: key stride is missing in [model]; use the number of addresses from a row of one "
		      "load to that of the next");
	EXPECT_ERRORS(HEAD "stride = 4\n[registers]\nvoltage_l1 = 10 u16 1 V power\n",
		      "dir/test.ini:1: stride = 4 has no meaning with one load; write loads = N too");
	EXPECT_ERRORS(HEAD "loads = 3\nstride = 0x7FFF\n[registers]\nvoltage_l1 = 1 u32 1 V power\n",
		      "dir/test.ini:10: voltage_l1 of load 3 is out of range: it ends at address 65536; use a smaller "
		      "stride, or the option shared where all loads have one register");
	EXPECT_ERRORS(HEAD "loads = 2\nstride = 100\n[block a]\naddress = 0\nwords = 9\n[registers]\n"
			   "voltage_l1 = 1 u16 1 V power shared\ncurrent_l1 = 2 u16 1 A power\n",
		      "dir/test.ini:14: current_l1 is of each load and voltage_l1 (line 13) is shared, but both are in "
		      "block a; put them in two blocks");
	EXPECT_ERRORS(ROWS "voltage_l1 = 1 u16 1 V power shared\n",
		      "dir/test.ini:8: option 'shared' of voltage_l1 has no meaning with one load; remove it");
}

TEST(a_value_may_be_split_over_two_rows)
{
	struct driver *d = parse_table(HEAD "gaps = yes\nna = auto\n[registers]\n"
					    "active_energy_import = 100 u32 1 kWh energy\n"
					    "voltage_l1 = 102 u16 1 V power\n"
					    "active_energy_import = 120 u16 0.1 Wh energy rest\n"
					    "active_energy_import = 200 u32 1 kWh energy fallback\n"
					    "reactive_energy_import = 130 u16 65536 varh energy\n"
					    "reactive_energy_import = 125 u16 1 varh energy rest\n");

	assert_ptr_equal(driver_rest(d, &d->rows[0]), &d->rows[2]);
	assert_null(driver_rest(d, &d->rows[1]));
	assert_null(driver_rest(d, &d->rows[2]));
	assert_null(driver_rest(d, &d->rows[3]));
	assert_ptr_equal(driver_rest(d, &d->rows[4]), &d->rows[5]);
	assert_int_equal(d->parts, 10);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1, 1, 1, 1), 10000);
	assert_int_equal(driver_step(d, &d->rows[0], 1, 1, 1, 1), 1);
	assert_int_equal(driver_step(d, &d->rows[3], 1, 1, 1, 1), 10000);
	assert_int_equal(driver_step(d, &d->rows[4], 1, 1, 1, 1), 10);
	/* both words together turn over where the high one does */
	assert_int_equal(driver_modulus(&d->rows[4], 0, driver_multiplier(d, &d->rows[4], 1, 1, 1, 1)), 42949672960);
	driver_free(d);
}

TEST(a_rest_is_read_together_with_its_value)
{
	EXPECT_ERRORS(
		ROWS "active_energy_import = 100 u32 1 kWh energy\nactive_energy_import = 110 u16 1 Wh energy rest\n"
		     "voltage_l1 = 0 u16 1 V power rest\n"
		     "apparent_energy = 20 u16 1 kVAh energy\napparent_energy = 21 u16 1 VAh energy rest fallback\n"
		     "active_energy_export = 30 u16 1 kWh energy\n"
		     "active_energy_export = 31 u16 1 Wh energy rest function=4\n"
		     "reactive_energy_import = 40 u16 1 kvarh energy sign=50\n"
		     "reactive_energy_import = 41 u16 1 varh energy rest\n",
		"dir/test.ini:10: option 'rest' of voltage_l1 has no earlier row; write the row that it is the rest of "
		"first",
		"dir/test.ini:12: options 'rest' and 'fallback' of apparent_energy exclude each other; use one",
		"dir/test.ini:9: active_energy_import (address 100) and its rest (address 110) are not read in one "
		"request; put both in one block, or in none with gaps = yes, not further from each other than "
		"max_words",
		"dir/test.ini:14: active_energy_export is the rest of the row in line 13 and differs from it in "
		"function, "
		"group, shared or optional, or goes with add or exponent; use the same, without add and exponent",
		"dir/test.ini:16: reactive_energy_import has another sign word than the row in line 15; use the same "
		"for "
		"both");
}

/* Each of both fits in a request, but not both, and neither can be read around the other. */
TEST(two_values_are_not_entangled_with_their_rests)
{
	EXPECT_ERRORS(HEAD "gaps = yes\nmax_words = 12\n[registers]\n"
			   "active_energy_import = 0 u16 1 kWh energy\nactive_energy_import = 10 u16 1 Wh energy rest\n"
			   "active_power = 6 u16 1 kW power\nactive_power = 16 u16 1 W power rest\n",
		      "dir/test.ini:13: active_power (address 6) and its rest (address 16) are not read in one "
		      "request; "
		      "put both in one block, or in none with gaps = yes, not further from each other than max_words");
}

TEST(a_value_without_its_rest_is_left_out)
{
	struct driver *d = parse_with_warnings(
		ROWS "active_energy_import = 100 u32 1 kWh energy optional\n"
		     "active_energy_import = 102 u15 1 Wh energy rest optional\nvoltage_l1 = 0 u16 1 V power\n",
		"warning: dir/test.ini:9: type 'u15' of active_energy_import is not valid (did you mean u16?); use "
		"u8-low, "
		"u8-high, bit:0..15, bits:LOW-HIGH, u16, s16, u32, s32, u64, s64, f32, f64, bcd:1..4, text:1..32, "
		"chars:1..32, hex:1..32, time2000, clock\n"
		"warning: dir/test.ini:9: active_energy_import is optional and left out\n");

	assert_int_equal(d->n_rows, 1);
	assert_int_equal(d->rows[0].quantity, Q_VOLTAGE_L1);
	driver_free(d);
}

TEST(the_power_of_ten_of_a_weight_may_be_in_a_register)
{
	struct driver *d =
		parse_table(ROWS "active_power = 10 s32 1 W power exponent=12:-3..3\n"
				 "active_energy_import = 20 u32 1 Wh energy exponent=0x20:0..6 modulus=1000MWh\n");

	assert_true(d->rows[0].has_ten);
	assert_int_equal(d->rows[0].ten_address, 12);
	assert_int_equal(d->rows[0].ten_low, -3);
	assert_int_equal(d->rows[0].ten_high, 3);
	assert_int_equal(driver_multiplier(d, &d->rows[0], 1, 1, 1, 1), 1);
	assert_int_equal(driver_step(d, &d->rows[0], 1, 1, 1, 1), 1000000);
	assert_int_equal(driver_step(d, &d->rows[1], 1, 1, 1, 1), 1000000);
	assert_int_equal(driver_modulus(&d->rows[1], 0, 1), 1000000000);
	driver_free(d);
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 10 u16 1 V power exponent=12\nvoltage_l2 = 11 u16 1 V power exponent=12:3..-3\n"
		     "voltage_l3 = 13 u16 1 V power exponent=12:-4..0\nmaker = 14 u16 1 - identity exponent=12:0..1\n",
		"dir/test.ini:8: exponent '12' of voltage_l1 is not valid; use ADDRESS:LOW..HIGH with powers of ten "
		"from "
		"-9 to 9, such as 0x100:-3..3",
		"dir/test.ini:9: exponent '12:3..-3' of voltage_l2 is not valid; use ADDRESS:LOW..HIGH with powers of "
		"ten "
		"from -9 to 9, such as 0x100:-3..3",
		"dir/test.ini:11: option 'exponent' of maker is not valid; use it with numbers of measured quantities",
		"dir/test.ini:10: scale of voltage_l3 loses digits: one count is not a whole number of mV; use whole "
		"numbers of mV from 1 to 9223372036854775807");
}

TEST(the_word_of_a_power_of_ten_is_no_part_of_a_row)
{
	EXPECT_ERRORS(ROWS "voltage_l1 = 10 u32 1 V power\nvoltage_l2 = 14 u16 1 V power exponent=11:0..3\n",
		      "dir/test.ini:9: exponent word 11 of voltage_l2 lies in voltage_l1 (10 to 11, line 8); use a "
		      "word of its "
		      "own");
	EXPECT_ERRORS(HEAD "loads = 2\nstride = 0x8000\n[registers]\nvoltage_l1 = 1 u16 1 V power sign=0x9000\n",
		      "dir/test.ini:10: sign word of voltage_l1 is out of range in load 2: address 69632; use a "
		      "smaller stride");
}

TEST(an_address_may_have_32_bits)
{
	struct driver *d =
		parse_table(HEAD "addressing = long\n[block a]\naddress = 100\nwords = 6\n[registers]\n"
				 "voltage_l1 = 100 f32 1 V power\nactive_energy_import = 101 u64 1 Wh energy\n");

	assert_true(d->long_addressed);
	assert_false(d->counts_longs);
	assert_int_equal(driver_row_span(d, &d->rows[0]), 1);
	assert_int_equal(driver_row_span(d, &d->rows[1]), 2);
	assert_int_equal(driver_block_end(d, &d->blocks[0]), 103);
	driver_free(d);
	EXPECT_ERRORS(HEAD "addressing = long-counted\n[block a]\naddress = 100\nwords = 3\n[registers]\n"
			   "voltage_l1 = 100 u16 1 V power\ncurrent_l1 = 50 s32 1 A power sign=60\n",
		      "dir/test.ini:8: block a has 3 words; use an even number where an address has 32 bits",
		      "dir/test.ini:12: voltage_l1 has 1 word; use types of 32 or 64 bits where an address has 32 bits",
		      "dir/test.ini:13: option 'sign' of current_l1 is for tables of words; use another register");
}

TEST(an_optional_row_with_faults_costs_itself)
{
	struct driver *d = parse_with_warnings(
		ROWS "active_energy_import = 0 u32 1 Wh energy\n"
		     "voltage_l1 = 10 u33 1 kV power optional\n"
		     "voltage_l2 = 10 u16 1 power optional\n"
		     "voltage_l3 = 1 u16 1 V power optional\n"
		     "current_l1 = 20 u16 0.00001 A power optional\n"
		     "current_l2 = 22 u16 @none A power optional\n"
		     "frequency = 30 u16 0.01 Hz power optional\n",
		"warning: dir/test.ini:9: type 'u33' of voltage_l1 is not valid (did you mean u32?); use u8-low, "
		"u8-high, "
		"bit:0..15, bits:LOW-HIGH, u16, s16, u32, s32, u64, s64, f32, f64, bcd:1..4, text:1..32, chars:1..32, "
		"hex:1..32, time2000, clock\n"
		"warning: dir/test.ini:9: voltage_l1 is optional and left out\n"
		"warning: dir/test.ini:10: unit 'power' of voltage_l2 is not valid; use mV, V, kV\n"
		"warning: dir/test.ini:10: group 'optional' of voltage_l2 is not valid; use energy, power, identity or "
		"state\n"
		"warning: dir/test.ini:10: voltage_l2 is optional and left out\n"
		"warning: dir/test.ini:13: unknown scale '@none' of current_l2; use the name of a [scale NAME] "
		"section\n"
		"warning: dir/test.ini:13: current_l2 is optional and left out\n"
		"warning: dir/test.ini:11: voltage_l3 (addresses 1 to 1) overlaps active_energy_import (0 to 1, line "
		"8); "
		"rows may share a word only for different bits of it\n"
		"warning: dir/test.ini:11: voltage_l3 is optional and left out\n"
		"warning: dir/test.ini:12: scale of current_l1 loses digits: one count is not a whole number of mA; "
		"use "
		"whole numbers of mA from 1 to 9223372036854775807\n"
		"warning: dir/test.ini:12: current_l1 is optional and left out\n");

	assert_int_equal(d->n_rows, 2);
	assert_int_equal(d->rows[0].quantity, Q_ACTIVE_ENERGY_IMPORT);
	assert_int_equal(d->rows[1].quantity, Q_FREQUENCY);
	assert_true(d->rows[1].optional);
	driver_free(d);
}

TEST(the_coarser_row_is_preferred_where_the_finer_one_is_faulty)
{
	struct driver *d = parse_with_warnings(
		ROWS "active_energy_import = 0 u32 10 kwh energy optional\n"
		     "active_energy_import = 10 u32 1 kWh energy fallback\n",
		"warning: dir/test.ini:8: unit 'kwh' of active_energy_import is not valid (did you mean kWh?); use Wh, "
		"kWh, MWh, Ws\n"
		"warning: dir/test.ini:8: active_energy_import is optional and left out\n");

	assert_int_equal(d->n_rows, 1);
	assert_int_equal(d->rows[0].address, 10);
	assert_false(d->rows[0].fallback);
	driver_free(d);
}

TEST(an_energy_beside_a_total_that_is_missing_is_a_warning)
{
	driver_free(parse_with_warnings(ROWS "voltage_l1 = 0 u16 1 V power\nactive_energy_total = 2 u32 1 kWh energy\n",
					"warning: dir/test.ini:9: active_energy_total is there, but no total: days "
					"will have no coverage; call the one "
					"energy of a meter active_energy_import\n"));
}

TEST(lines_below_a_misspelt_header_are_judged_too)
{
	EXPECT_ERRORS(
		HEAD "[register]\nvoltage_l1 = 0 u16 1 v power\n",
		"dir/test.ini:7: unknown section [register] (did you mean registers?); use [model], [block NAME], "
		"[scale NAME], [registers]",
		"dir/test.ini:8: unit 'v' of voltage_l1 is not valid (did you mean V?); use mV, V, kV");
}

TEST(the_words_of_makers_are_answered_with_ours)
{
	EXPECT_ERRORS(
		ROWS "voltage_l1 = 0 INT32 1 V power\nvoltage_l2 = 2 float 1 V power\n"
		     "active_energy_l1 = 4 u32 1 Wh energy\ndemand_power = 6 u16 1 W power\n",
		"dir/test.ini:8: type 'INT32' of voltage_l1 is not valid; use s32 for a INT32",
		"dir/test.ini:9: type 'float' of voltage_l2 is not valid; use f32 for a float",
		"dir/test.ini:10: unknown quantity active_energy_l1 (did you mean active_energy_import_l1?); use a "
		"name "
		"in drivers/NAMES",
		"dir/test.ini:11: unknown quantity demand_power (did you mean active_power_demand?); use a name in "
		"drivers/NAMES");
}

TEST(all_misspelt_words_are_named_with_the_nearest_at_once)
{
	EXPECT_ERRORS(
		"[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = vendor tabel\n"
		"word_order = cbda\naddresing = word\n[registers]\n"
		"activ_power = 0 u32 1 W power\nvoltage_l1 = 1 uint16 1 V power\nvoltage_l2 = 2 u16 1 v powr\n"
		"active_energy_import = 3 u32 1 KWH enrgy modulo=8digits\n",
		"dir/test.ini:6: provenance = vendor tabel is not valid; use vendor table, transcription, driver, "
		"sibling or inferred",
		"dir/test.ini:7: word_order = cbda is not valid (did you mean cdab?); use abcd, badc, cdab or dcba",
		"dir/test.ini:8: unknown key addresing in [model] (did you mean addressing?); use format, title, "
		"vendor, source, provenance, verified, function, word_order, addressing, max_words, gaps, loads, "
		"stride, ratios, baud, addresses, segment_max, turnaround, max_power, shortest_pulse, na",
		"dir/test.ini:10: unknown quantity activ_power (did you mean active_power?); use a name in "
		"drivers/NAMES",
		"dir/test.ini:11: type 'uint16' of voltage_l1 is not valid; use u16 for a uint16",
		"dir/test.ini:12: unit 'v' of voltage_l2 is not valid (did you mean V?); use mV, V, kV",
		"dir/test.ini:12: group 'powr' of voltage_l2 is not valid (did you mean power?); use energy, power, "
		"identity or state",
		"dir/test.ini:13: unit 'KWH' of active_energy_import is not valid (did you mean kWh?); use Wh, kWh, "
		"MWh, Ws",
		"dir/test.ini:13: group 'enrgy' of active_energy_import is not valid (did you mean energy?); use "
		"energy, power, identity or state",
		"dir/test.ini:13: unknown option 'modulo=8digits' of active_energy_import (did you mean modulus?); "
		"use alone, fallback, na=.., sign=.., modulus=.., back_step=.., provenance=.., expect=.., "
		"add=.., rest, exponent=.., function=.., shared, optional");
}

UNIT_MAIN(NULL, NULL)
