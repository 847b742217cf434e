/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver.h"
#include "err.h"
#include "plan.h"
#include "unit.h"

#define HEAD "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\n"

/* A table like that of a COUNTIS: vendor blocks, and a total in two resolutions. */
static const char countis[] = HEAD "[block identity]\naddress = 50000\nwords = 66\n"
				   "[block metrology]\naddress = 50512\nwords = 62\n"
				   "[block totals]\naddress = 50768\nwords = 65\n"
				   "[block totals-10Wh]\naddress = 50944\nwords = 65\n"
				   "[registers]\n"
				   "active_energy_import = 50946 u32 10 Wh energy\n"
				   "active_energy_export = 50952 u32 10 Wh energy\n"
				   "active_energy_import = 50770 u32 1000 Wh energy fallback\n"
				   "active_energy_export = 50776 u32 1000 Wh energy fallback\n"
				   "voltage_l1 = 50520 u32 0.01 V power\n"
				   "power_factor = 50542 s32 0.001 - power\n"
				   "maker = 50000 chars:4 - - identity\n"
				   "product_name = 50058 text:8 - - identity\n"
				   "tariff = 50848 u8-low 1 - energy\n"
				   "tariff_count = 50848 u8-high 1 - energy\n";

/* A table like that of a Conto: byte-addressed, with signs in separate words. */
static const char conto[] = HEAD "addressing = byte\n[registers]\n"
				 "voltage_l1 = 0x0301 u32 1 mV power\n"
				 "current_l1 = 0x0305 u32 1 mA power\n"
				 "active_power = 0x0309 u32 1 W power sign=0x0347\n"
				 "active_energy_import = 0x030D u32 10 Wh energy\n"
				 "voltage_l12 = 0x0311 u32 1 mV power\n"
				 "frequency = 0x0315 u16 0.1 Hz power\n"
				 "voltage_l23 = 0x0317 u32 1 mV power\n"
				 "operating_time = 0x0348 u32 1 s power\n"
				 "reactive_power = 0x0350 u32 1 var power sign=0x0347\n";

static struct driver *parse(const char *text)
{
	struct err e = {0};
	struct driver *d = driver_parse("test.ini", text, strlen(text), &e);

	err_print(&e, stderr);
	assert_non_null(d);
	err_fini(&e);
	return d;
}

/* "ADDRESS+WORDS ADDRESS+WORDS ..." of the plan's requests */
static void expect_requests(const struct plan *p, const char *expected)
{
	char text[512] = "";
	size_t used = 0;

	for (unsigned i = 0; i < p->n_requests; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u+%u", i > 0 ? " " : "",
					 p->requests[i].address, p->requests[i].n_words);
	assert_string_equal(text, expected);
}

static void expect_plan(const struct driver *d, unsigned groups, const struct plan_rows *missing, const char *expected)
{
	struct plan *p = plan_new(d, groups, missing, NULL);

	assert_non_null(p);
	expect_requests(p, expected);
	assert_int_equal(plan_is_empty(d, groups, missing), p->n_requests == 0);
	plan_free(p);
}

TEST(a_block_is_read_from_first_to_last_wanted_row)
{
	struct driver *d = parse(countis);

	expect_plan(d, DRIVER_POWER, NULL, "50520+24");
	expect_plan(d, DRIVER_IDENTITY, NULL, "50000+66");
	expect_plan(d, DRIVER_ENERGY, NULL, "50848+1 50946+8");
	expect_plan(d, DRIVER_STATE, NULL, "");
	expect_plan(d, DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY, NULL, "50000+66 50520+24 50848+1 50946+8");
	driver_free(d);
}

/* Each function has registers of its own: equal addresses are others, and no request has both. */
TEST(requests_never_mix_functions)
{
	struct driver *d = parse(HEAD "gaps = yes\n[block a]\naddress = 10\nwords = 4\nfunction = 4\n[registers]\n"
				      "voltage_l1 = 0 u32 1 V power\n"
				      "current_l1 = 2 f32 1 A power function=4\n"
				      "voltage_l2 = 4 u16 1 V power\n"
				      "active_power = 10 u32 1 W power sign=12 function=4\n"
				      "frequency = 12 u16 0.1 Hz power\n"
				      "serial_number = 65534 hex:2 - - identity\n"
				      "firmware_version = 0 u16 1 - identity function=4\n");
	struct plan *p = plan_new(d, DRIVER_POWER, NULL, NULL);

	expect_requests(p, "0+13 2+2 10+3");
	assert_int_equal(p->requests[0].function, 3);
	assert_int_equal(p->requests[1].function, 4);
	assert_int_equal(p->requests[2].function, 4);
	assert_int_equal(p->items[1].request, 1);
	assert_int_equal(p->items[3].request, 2);
	assert_int_equal(p->items[3].sign_request, 2);
	assert_int_equal(p->items[3].sign_word, 13 + 2 + 2);
	assert_int_equal(p->items[4].word, 12);
	plan_free(p);
	expect_plan(d, DRIVER_IDENTITY, NULL, "65534+2 0+1");
	driver_free(d);
}

/* An answer names its function: equal word counts of two functions need nothing between them. */
TEST(requests_of_two_functions_follow_each_other_without_a_fence)
{
	struct driver *d = parse(HEAD "[registers]\nvoltage_l1 = 0 u32 1 V power\nvoltage_l2 = 10 u32 1 V power\n"
				      "current_l1 = 5 u32 1 A power function=4\n");
	struct plan *p = plan_new(d, DRIVER_POWER, NULL, NULL);

	expect_requests(p, "0+2 5+2 10+2");
	assert_int_equal(p->n_fences, 0);
	plan_free(p);
	driver_free(d);
}

/* Value, rest and power of ten are of one moment: the plan takes a request more rather than part them. */
TEST(a_value_its_rest_and_its_power_of_ten_are_in_one_request)
{
	struct driver *d = parse(HEAD "max_words = 12\ngaps = yes\n[registers]\n"
				      "reactive_energy_import = 0 u32 1 varh energy\n"
				      "active_energy_import = 4 u32 1 kWh energy\n"
				      "apparent_energy = 8 u32 1 VAh energy exponent=18:0..3\n"
				      "active_energy_import = 14 u16 1 Wh energy rest\n");
	struct plan_rows missing = {{0}}, rows;
	struct plan *p = plan_new(d, DRIVER_ENERGY, NULL, NULL);

	expect_requests(p, "0+2 4+11 18+1");
	assert_int_equal(p->n_items, 3);
	assert_int_equal(p->items[1].request, 1);
	assert_int_equal(p->items[1].rest_row, 3);
	assert_int_equal(p->items[1].rest_request, 1);
	assert_int_equal(p->items[1].rest_word, 2 + 10);
	assert_int_equal(p->items[2].ten_request, 2);
	assert_int_equal(p->items[2].ten_word, 13);
	assert_int_equal(p->items[0].rest_row, -1);
	assert_int_equal(p->items[0].ten_word, -1);
	plan_rows_at(p, &p->requests[2], &rows);
	assert_true(plan_rows_has(&rows, 2));
	plan_free(p);
	plan_rows_add(&missing, 1);
	expect_plan(d, DRIVER_ENERGY, &missing, "0+2 8+2 18+1");
	driver_free(d);
}

TEST(addresses_of_32_bits_take_two_words)
{
	struct driver *d = parse(HEAD "addressing = long-counted\n[registers]\n"
				      "voltage_l1 = 100 f32 1 V power\nactive_energy_import = 101 u64 1 Wh power\n"
				      "voltage_l2 = 103 f32 1 V power\nvoltage_l3 = 200 f32 1 V power\n");
	struct plan *p = plan_new(d, DRIVER_POWER, NULL, NULL);

	expect_requests(p, "100+8 200+2");
	assert_int_equal(p->requests[0].per_count, 2);
	assert_int_equal(p->items[1].word, 2);
	assert_int_equal(p->items[2].word, 6);
	assert_int_equal(p->items[3].word, 8);
	plan_free(p);
	driver_free(d);
}

TEST(the_words_of_the_plan_follow_each_other)
{
	struct driver *d = parse(countis);
	struct plan *p = plan_new(d, DRIVER_ENERGY | DRIVER_POWER, NULL, NULL);

	expect_requests(p, "50520+24 50848+1 50946+8");
	assert_int_equal(p->n_words, 33);
	assert_int_equal(p->requests[1].word, 24);
	assert_int_equal(p->requests[2].word, 25);
	assert_int_equal(p->requests[2].function, 3);
	assert_int_equal(p->n_items, 6);
	assert_int_equal(p->items[1].row, 1); /* active_energy_export */
	assert_int_equal(p->items[1].request, 2);
	assert_int_equal(p->items[1].word, 31);
	assert_int_equal(p->items[1].sign_word, -1);
	assert_int_equal(p->items[1].sign_request, 2);
	plan_free(p);
	driver_free(d);
}

TEST(rows_of_one_word_share_it)
{
	struct driver *d = parse(countis);
	struct plan *p = plan_new(d, DRIVER_ENERGY, NULL, NULL);

	assert_int_equal(p->items[2].row, 8);
	assert_int_equal(p->items[3].row, 9);
	assert_int_equal(p->items[2].word, 0);
	assert_int_equal(p->items[3].word, 0);
	plan_free(p);
	driver_free(d);
}

TEST(the_fallback_is_read_only_when_the_preferred_row_is_missing)
{
	struct driver *d = parse(countis);
	struct plan_rows missing = {{0}};
	struct plan *p;

	plan_rows_add(&missing, 1);
	p = plan_new(d, DRIVER_ENERGY, &missing, NULL);
	expect_requests(p, "50776+2 50848+1 50946+2");
	assert_int_equal(p->n_items, 4);
	assert_int_equal(p->items[0].row, 0);
	assert_int_equal(p->items[1].row, 3);
	plan_free(p);
	plan_rows_add(&missing, 3);
	expect_plan(d, DRIVER_ENERGY, &missing, "50848+1 50946+2");
	plan_rows_add(&missing, 0);
	expect_plan(d, DRIVER_ENERGY, &missing, "50770+2 50848+1");
	driver_free(d);
}

TEST(missing_words_are_not_read_across)
{
	struct driver *d = parse(HEAD "gaps = yes\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n"
				      "voltage_l2 = 12 u32 1 mV power\nvoltage_l3 = 14 u32 1 mV power\n");
	struct plan_rows missing = {{0}};

	expect_plan(d, DRIVER_POWER, NULL, "10+6");
	plan_rows_add(&missing, 1);
	expect_plan(d, DRIVER_POWER, &missing, "10+2 14+2");
	driver_free(d);
}

TEST(byte_addressed_rows_of_one_word_and_signs_are_read_alone)
{
	struct driver *d = parse(conto);
	struct plan *p = plan_new(d, DRIVER_POWER, NULL, NULL);

	/* 0x0301..0x0314 across the energy row, frequency, 0x0317, the sign of both powers once, 0x0348, 0x0350; in
	 * an order without equal neighbours */
	expect_requests(p, "791+2 789+1 840+2 769+10 839+1 848+2");
	assert_int_equal(p->items[2].row, 2); /* active_power */
	assert_int_equal(p->items[2].word, 4);
	assert_int_equal(p->items[2].sign_request, 4);
	assert_int_equal(p->items[2].sign_word, 13);
	assert_int_equal(p->items[6].row, 7); /* operating_time, one address after the sign */
	assert_int_equal(p->items[6].request, 2);
	assert_int_equal(p->items[7].sign_word, 13);
	plan_free(p);
	driver_free(d);
}

TEST(a_gap_without_known_rows_is_not_read)
{
	struct driver *d = parse(HEAD "[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 12 u32 1 mV energy\n"
				      "voltage_l3 = 14 u32 1 mV power\ncurrent_l1 = 17 u16 1 mA power\n"
				      "current_l2 = 18 u16 1 mA power\n");

	expect_plan(d, DRIVER_POWER, NULL, "10+6 17+2");
	driver_free(d);
}

TEST(a_block_without_gaps_is_read_in_parts)
{
	struct driver *d = parse(HEAD "[block a]\naddress = 10\nwords = 20\ngaps = no\n[registers]\n"
				      "voltage_l1 = 10 u32 1 mV power\nvoltage_l3 = 14 u32 1 mV power\n");

	expect_plan(d, DRIVER_POWER, NULL, "10+2 14+2");
	driver_free(d);
}

TEST(neighbouring_blocks_are_read_apart)
{
	struct driver *d =
		parse(HEAD "gaps = yes\n[block a]\naddress = 10\nwords = 2\n[block b]\naddress = 12\nwords = 2\n"
			   "[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 12 u32 1 mV power\n"
			   "voltage_l3 = 14 u32 1 mV power\ncurrent_l1 = 8 u32 1 mA power\n");

	expect_plan(d, DRIVER_POWER, NULL, "8+2 14+2 10+2 12+2");
	driver_free(d);
}

TEST(a_gap_outside_blocks_does_not_cross_a_block)
{
	struct driver *d = parse(HEAD "gaps = yes\n[block a]\naddress = 12\nwords = 2\n[registers]\n"
				      "voltage_l1 = 10 u32 1 mV power\nvoltage_l3 = 14 u32 1 mV power\n");

	expect_plan(d, DRIVER_POWER, NULL, "10+2 14+2");
	driver_free(d);
}

TEST(a_row_read_alone_is_not_read_across_either)
{
	struct driver *d = parse(HEAD "gaps = yes\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n"
				      "voltage_l2 = 12 u32 1 mV energy alone\nvoltage_l3 = 14 u32 1 mV power\n");

	expect_plan(d, DRIVER_POWER, NULL, "10+2 14+2");
	expect_plan(d, DRIVER_POWER | DRIVER_ENERGY, NULL, "10+2 14+2 12+2");
	driver_free(d);
}

TEST(a_word_is_read_alone_when_one_of_its_rows_is)
{
	struct driver *d = parse(HEAD "[registers]\ntariff = 10 u8-low 1 - energy\n"
				      "tariff_count = 10 u8-high 1 - energy alone\nvoltage_l1 = 11 u16 1 V energy\n");

	expect_plan(d, DRIVER_ENERGY, NULL, "10+1 11+1");
	driver_free(d);
}

TEST(the_longest_read_is_kept_with_the_fewest_words)
{
	struct driver *d = parse(HEAD "max_words = 10\ngaps = yes\n[registers]\nvoltage_l1 = 0 u32 1 mV power\n"
				      "voltage_l2 = 8 u32 1 mV power\nvoltage_l3 = 10 u32 1 mV power\n");

	expect_plan(d, DRIVER_POWER, NULL, "0+2 8+4");
	driver_free(d);
}

TEST(a_split_halves_at_the_row_boundary_nearest_to_the_middle)
{
	struct driver *d = parse(countis);
	struct plan *p = plan_new(d, DRIVER_POWER | DRIVER_IDENTITY, NULL, NULL);
	struct plan_request first, second;
	struct plan_rows rows;

	assert_true(plan_split(d, p, &p->requests[0], &first, &second));
	assert_int_equal(first.address, 50000);
	assert_int_equal(first.n_words, 4);
	assert_int_equal(first.word, 0);
	assert_int_equal(second.address, 50058);
	assert_int_equal(second.n_words, 8);
	assert_int_equal(second.word, 58);
	assert_int_equal(second.function, 3);
	assert_false(plan_split(d, p, &second, &first, &second));
	plan_rows_at(p, &second, &rows);
	assert_true(plan_rows_has(&rows, 7));
	assert_false(plan_rows_has(&rows, 6));
	plan_free(p);
	driver_free(d);
}

TEST(a_refused_sign_takes_its_rows_with_it)
{
	struct driver *d = parse(conto);
	struct plan *p = plan_new(d, DRIVER_POWER, NULL, NULL);
	struct plan_request first, second;
	struct plan_rows rows;

	assert_false(plan_split(d, p, &p->requests[4], &first, &second));
	plan_rows_at(p, &p->requests[4], &rows);
	for (unsigned i = 0; i < d->n_rows; i++)
		assert_int_equal(plan_rows_has(&rows, i), i == 2 || i == 8);
	expect_plan(d, DRIVER_POWER, &rows, "785+2 769+4 791+2 789+1 840+2");
	plan_free(p);
	driver_free(d);
}

TEST(a_row_with_its_sign_is_not_split)
{
	struct driver *d = parse(HEAD "[registers]\nactive_power = 10 u32 1 W power sign=12\n");
	struct plan *p = plan_new(d, DRIVER_POWER, NULL, NULL);
	struct plan_request first, second;

	expect_requests(p, "10+3");
	assert_int_equal(p->items[0].sign_word, 2);
	assert_false(plan_split(d, p, &p->requests[0], &first, &second));
	plan_free(p);
	driver_free(d);
}

TEST(a_value_and_its_sign_are_in_one_request_where_that_is_allowed)
{
	/* Two requests of 8 and 6 words would be fewer words, but part the value from its sign. */
	struct driver *d = parse(HEAD "max_words = 9\ngaps = yes\n[registers]\nvoltage_l1 = 0 u32 1 mV power\n"
				      "active_power = 6 u32 1 W power sign=14\nvoltage_l2 = 16 u32 1 mV power\n");
	struct plan *p = plan_new(d, DRIVER_POWER, NULL, NULL);

	expect_requests(p, "0+2 6+9 16+2");
	assert_int_equal(p->items[1].request, p->items[1].sign_request);
	plan_free(p);
	driver_free(d);
}

TEST(a_request_has_the_fewest_spare_words_that_the_table_allows)
{
	static const struct {
		const char *table;
		unsigned expected;
	} cases[] = {
		{"[block a]\naddress = 10\nwords = 4\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n", 1},
		{"[block a]\naddress = 10\nwords = 2\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n", 0},
		{"[block a]\naddress = 10\nwords = 4\ngaps = no\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n", 0},
		{"[registers]\nvoltage_l1 = 10 u32 1 mV power\n", 0},
		{"gaps = yes\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n", 1},
		{"gaps = yes\nmax_words = 2\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n", 0},
		/* No value is read in part. */
		{"[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 12 u32 1 mV energy\n", 2},
		{"[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 12 u32 1 mV energy alone\n", 0},
		{"gaps = yes\n[registers]\nvoltage_l1 = 10 u32 1 mV power alone\n", 0},
		{"addressing = byte\n[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 14 u32 1 mV energy\n",
		 2},
		{"addressing = byte\n[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 14 u16 1 mV energy\n",
		 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct driver *d;
		struct plan *p;

		snprintf(text, sizeof(text), "%s%s", HEAD, cases[i].table);
		d = parse(text);
		p = plan_new(d, DRIVER_POWER, NULL, NULL);
		assert_int_equal(p->n_requests, 1);
		assert_int_equal(p->requests[0].n_spare, cases[i].expected);
		plan_free(p);
		driver_free(d);
	}
}

TEST(a_meter_that_refuses_long_reads_or_lacks_the_words_is_not_asked_for_spare_ones)
{
	struct driver *d = parse(HEAD "[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 12 u32 1 mV energy\n");
	struct plan_rows rows = {{0}};
	struct plan *p;

	plan_rows_add(&rows, 1);
	p = plan_new(d, DRIVER_POWER, &rows, NULL);
	assert_int_equal(p->requests[0].n_spare, 0);
	plan_free(p);
	p = plan_new(d, DRIVER_POWER, NULL, &rows);
	assert_int_equal(p->requests[0].n_spare, 0);
	plan_free(p);
	driver_free(d);
}

TEST(as_few_neighbours_as_possible_have_the_same_word_count)
{
	struct driver *d =
		parse(HEAD "[registers]\nvoltage_l1 = 10 u16 1 V power alone\nvoltage_l2 = 11 u16 1 V power alone\n"
			   "voltage_l3 = 12 u16 1 V power alone\ncurrent_l1 = 20 u32 1 mA power alone\n"
			   "current_l2 = 22 u32 1 mA power alone\n");

	expect_plan(d, DRIVER_POWER, NULL, "10+1 20+2 11+1 22+2 12+1");
	driver_free(d);
}

TEST(the_fences_that_are_left_are_counted)
{
	struct driver *d =
		parse(HEAD "[registers]\nvoltage_l1 = 10 u16 1 V power alone\nvoltage_l2 = 11 u16 1 V power alone\n"
			   "voltage_l3 = 12 u16 1 V power alone\ncurrent_l1 = 20 u32 1 mA energy alone\n");
	struct plan *p = plan_new(d, DRIVER_POWER | DRIVER_ENERGY, NULL, NULL);

	expect_requests(p, "10+1 20+2 11+1 12+1");
	assert_int_equal(p->n_fences, 1);
	plan_free(p);
	p = plan_new(d, DRIVER_ENERGY, NULL, NULL);
	assert_int_equal(p->n_fences, 0);
	plan_free(p);
	driver_free(d);
}

TEST(a_cut_row_starts_a_request)
{
	struct driver *d = parse(countis);
	struct plan_rows cuts = {{0}};
	struct plan *p;

	plan_rows_add(&cuts, 7);
	p = plan_new(d, DRIVER_IDENTITY, NULL, &cuts);
	expect_requests(p, "50000+4 50058+8");
	plan_free(p);
	driver_free(d);
}

TEST(a_cut_does_not_part_a_value_and_its_rest)
{
	struct driver *d = parse(HEAD "gaps = yes\n[registers]\nactive_energy_export = 0 u32 1 Wh energy\n"
				      "active_energy_import = 2 u32 1 kWh energy\n"
				      "apparent_energy = 4 u32 1 VAh energy\n"
				      "active_energy_import = 6 u16 1 Wh energy rest\n");
	struct plan_rows cuts = {{0}};
	struct plan *p;

	plan_rows_add(&cuts, 2);
	p = plan_new(d, DRIVER_ENERGY, NULL, &cuts);
	expect_requests(p, "0+2 2+5");
	assert_int_equal(p->items[1].rest_request, p->items[1].request);
	plan_free(p);
	driver_free(d);
}

/* A poller halves the request of a meter that lacks rows, down to a single row, and plans again. */
TEST(halving_finds_exactly_what_the_meter_lacks)
{
	struct driver *d = parse(HEAD "[block a]\naddress = 0\nwords = 40\n[registers]\n"
				      "voltage_l1 = 0 u32 1 mV power\nvoltage_l2 = 4 u32 1 mV power\n"
				      "voltage_l3 = 8 u32 1 mV power\ncurrent_l1 = 10 u32 1 mA power\n"
				      "current_l2 = 20 u16 1 mA power\ncurrent_l3 = 21 u16 1 mA power\n"
				      "current_n = 30 u32 1 mA power\n");
	struct plan_rows missing = {{0}}, rows;
	bool refused;
	struct plan *p;

	do {
		struct plan_request stack[16];
		unsigned n = 0;

		p = plan_new(d, DRIVER_POWER, &missing, NULL);
		for (unsigned i = 0; i < p->n_requests; i++)
			stack[n++] = p->requests[i];
		refused = false;
		while (n > 0) {
			struct plan_request r = stack[--n];
			bool lacks = (r.address <= 8 && r.address + r.n_words > 8) ||
				     (r.address <= 21 && r.address + r.n_words > 21);

			if (lacks && plan_split(d, p, &r, &stack[n], &stack[n + 1])) {
				n += 2;
			} else if (lacks) {
				plan_rows_at(p, &r, &rows);
				for (unsigned i = 0; i < d->n_rows; i++)
					if (plan_rows_has(&rows, i))
						plan_rows_add(&missing, i);
				refused = true;
			}
		}
		if (refused)
			plan_free(p);
	} while (refused);
	for (unsigned i = 0; i < d->n_rows; i++)
		assert_int_equal(plan_rows_has(&missing, i), i == 2 || i == 5);
	expect_requests(p, "0+6 10+11 30+2");
	plan_free(p);
	driver_free(d);
}

/* Property: random small tables against a search of every way to cut them, judged address by address. */

enum { SPACE = 64, ROUNDS = 20000 };

static uint64_t random_state;

static unsigned random_below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

/* The properties of each address. */
struct map {
	bool known[SPACE], wanted[SPACE], alone[SPACE], missing[SPACE], cut[SPACE];
	int block[SPACE];
};

struct span {
	unsigned start, end, n_words;
};

static unsigned step_of(const struct driver *d)
{
	return d->byte_addressed ? 2 : 1;
}

/* A place for n addresses that no row and no edge of a block touches, or -1. */
static int free_place(const struct map *m, unsigned n)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		unsigned at = random_below(SPACE - n);
		bool good = true;

		for (unsigned i = at; i < at + n; i++)
			good &= !m->known[i] && m->block[i] == m->block[at];
		if (good)
			return (int)at;
	}
	return -1;
}

static void add_random_row(struct driver *d, struct map *m)
{
	struct driver_row *row = &d->rows[d->n_rows];
	int at, sign;

	*row = (struct driver_row){.type = DRIVER_U16, .n_words = (uint8_t)(1 + random_below(3)), .scale = -1};
	row->group = random_below(3) == 0 ? DRIVER_POWER : DRIVER_ENERGY;
	row->alone = random_below(6) == 0;
	at = free_place(m, driver_row_span(d, row));
	if (at < 0)
		return;
	row->address = (uint16_t)at;
	row->block = (int8_t)m->block[at];
	row->quantity = (enum quantity)d->n_rows;
	/* some rows are the fallback of an earlier row */
	if (d->n_rows > 0 && random_below(4) == 0) {
		row->quantity = d->rows[random_below((unsigned)d->n_rows)].quantity;
		row->group = driver_row(d, row->quantity)->group;
		row->fallback = true;
	}
	d->n_rows++;
	for (unsigned i = 0; i < driver_row_span(d, row); i++)
		m->known[at + (int)i] = true;
	for (unsigned i = 0; i < driver_row_span(d, row); i++)
		m->alone[at + (int)i] = row->alone || (d->byte_addressed && row->n_words == 1);
	sign = random_below(3) == 0 ? free_place(m, 1) : -1;
	/* some signs belong to two rows */
	if (random_below(4) == 0 && d->rows[0].has_sign)
		sign = d->rows[0].sign_address;
	if (sign < 0)
		return;
	row->has_sign = true;
	row->sign_address = (uint16_t)sign;
	m->known[sign] = true;
	m->alone[sign] = d->byte_addressed;
}

static void random_driver(struct driver *d, struct map *m, struct plan_rows *missing, struct plan_rows *cuts)
{
	unsigned n_rows = 1 + random_below(6), at = 0;

	memset(d, 0, sizeof(*d));
	memset(m, 0, sizeof(*m));
	memset(missing, 0, sizeof(*missing));
	memset(cuts, 0, sizeof(*cuts));
	d->function = 3;
	d->byte_addressed = random_below(3) == 0;
	d->max_words = (uint16_t)(3 + random_below(random_below(2) ? 8 : 60));
	d->gaps = random_below(2);
	for (unsigned i = 0; i < SPACE; i++)
		m->block[i] = -1;
	while (random_below(3) > 0 && d->n_blocks < 3) {
		struct driver_block *b = &d->blocks[d->n_blocks];

		at += random_below(10);
		b->address = (uint16_t)at;
		b->n_words = (uint16_t)(1 + random_below(10));
		b->gaps = random_below(2);
		for (unsigned i = 0; i < b->n_words * step_of(d) && at < SPACE; i++)
			m->block[at++] = (int)d->n_blocks;
		d->n_blocks++;
	}
	for (unsigned i = 0; i < n_rows; i++)
		add_random_row(d, m);
	for (unsigned i = 0; i < d->n_rows; i++) {
		if (random_below(8) == 0) {
			plan_rows_add(cuts, i);
			m->cut[d->rows[i].address] = true;
			if (d->rows[i].has_sign)
				m->cut[d->rows[i].sign_address] = true;
		}
		if (random_below(4) != 0)
			continue;
		plan_rows_add(missing, i);
		for (unsigned j = 0; j < driver_row_span(d, &d->rows[i]); j++)
			m->missing[d->rows[i].address + j] = true;
		if (d->rows[i].has_sign)
			m->missing[d->rows[i].sign_address] = true;
	}
}

static bool is_wanted(const struct driver *d, unsigned groups, const struct plan_rows *missing, unsigned row)
{
	if (!(d->rows[row].group & groups) || plan_rows_has(missing, row))
		return false;
	for (unsigned i = 0; i < row; i++)
		if (d->rows[i].quantity == d->rows[row].quantity && !plan_rows_has(missing, i))
			return false;
	return true;
}

static int compare_spans(const void *a, const void *b)
{
	return (int)((const struct span *)a)->start - (int)((const struct span *)b)->start;
}

/* The wanted values and signs in the order of their addresses. */
static size_t wanted_spans(const struct driver *d, unsigned groups, const struct plan_rows *missing, struct map *m,
			   struct span *spans)
{
	size_t n = 0;

	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];

		if (!is_wanted(d, groups, missing, i))
			continue;
		spans[n++] = (struct span){row->address, row->address + driver_row_span(d, row), row->n_words};
		if (row->has_sign)
			spans[n++] = (struct span){row->sign_address, row->sign_address + 1u, 1};
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned at = spans[i].start; at < spans[i].end; at++)
			m->wanted[at] = true;
	qsort(spans, n, sizeof(spans[0]), compare_spans);
	for (size_t i = 1; i < n;) {
		if (spans[i].start == spans[i - 1].start)
			memmove(&spans[i], &spans[i + 1], (--n - i) * sizeof(spans[0]));
		else
			i++;
	}
	return n;
}

/* The length in words of the request for spans first..last, or 0 when the rules forbid it. */
static unsigned words_if_allowed(const struct driver *d, const struct map *m, const struct span *first,
				 const struct span *last)
{
	if (first == last)
		return first->n_words;
	for (const struct span *s = first + 1; s <= last; s++)
		if ((s->start - first->start) % step_of(d) != 0 || m->cut[s->start])
			return 0;
	for (unsigned at = first->start; at < last->end; at++) {
		int block = m->block[at];
		bool gap = block >= 0 ? d->blocks[block].gaps : d->gaps;

		if (m->alone[at] || block != m->block[first->start])
			return 0;
		if (!m->wanted[at] && (m->missing[at] || (!m->known[at] && !gap)))
			return 0;
	}
	if ((last->end - first->start) / step_of(d) > d->max_words)
		return 0;
	return (last->end - first->start) / step_of(d);
}

/* Number of rows whose value and sign are in two requests: there is a cut between them. */
static unsigned count_parted(const struct driver *d, unsigned groups, const struct plan_rows *missing,
			     const struct span *spans, size_t n, uint32_t cuts)
{
	unsigned n_parted = 0;

	for (unsigned i = 0; i < d->n_rows; i++) {
		bool is_parted = false, is_between = false;

		for (size_t k = 0; k < n && d->rows[i].has_sign && is_wanted(d, groups, missing, i); k++) {
			if (spans[k].start == d->rows[i].address || spans[k].start == d->rows[i].sign_address)
				is_between = !is_between;
			is_parted |= is_between && k + 1 < n && (cuts >> k & 1);
		}
		n_parted += is_parted;
	}
	return n_parted;
}

/* Try every cut. */
static void best_by_search(const struct driver *d, const struct map *m, unsigned groups,
			   const struct plan_rows *missing, const struct span *spans, size_t n, unsigned *n_requests,
			   unsigned *n_words)
{
	unsigned n_parted = UINT32_MAX;

	*n_requests = *n_words = n == 0 ? 0 : UINT32_MAX;
	for (uint32_t cuts = 0; n > 0 && cuts < UINT32_C(1) << (n - 1); cuts++) {
		unsigned requests = 0, words = 0, parted = count_parted(d, groups, missing, spans, n, cuts);
		size_t first = 0;

		for (size_t i = 0; i < n; i++) {
			unsigned more;

			if (i + 1 < n && !(cuts >> i & 1))
				continue;
			more = words_if_allowed(d, m, &spans[first], &spans[i]);
			if (more == 0)
				break;
			requests++;
			words += more;
			first = i + 1;
		}
		if (first != n || parted > n_parted)
			continue;
		if (parted < n_parted || requests < *n_requests || (requests == *n_requests && words < *n_words)) {
			n_parted = parted;
			*n_requests = requests;
			*n_words = words;
		}
	}
}

static void expect_word_of_request(const struct driver *d, const struct plan *p, unsigned request, unsigned word,
				   unsigned address, unsigned n_words)
{
	const struct plan_request *r = &p->requests[request];

	assert_in_range(request, 0, p->n_requests - 1);
	assert_in_range(word, r->word, r->word + r->n_words - n_words);
	assert_int_equal(r->address + (word - r->word) * step_of(d), address);
}

/* Each wanted row once, in the driver's order, where the plan says it is. */
static void expect_items(const struct driver *d, unsigned groups, const struct plan_rows *missing, const struct plan *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];
		const struct plan_item *item = &p->items[n];

		if (!is_wanted(d, groups, missing, i))
			continue;
		assert_in_range(n, 0, p->n_items - 1);
		assert_int_equal(item->row, i);
		expect_word_of_request(d, p, item->request, item->word, row->address, row->n_words);
		if (row->has_sign)
			expect_word_of_request(d, p, item->sign_request, (unsigned)item->sign_word, row->sign_address,
					       1);
		else
			assert_int_equal(item->sign_word, -1);
		n++;
	}
	assert_int_equal(p->n_items, n);
}

static int compare_words(const void *a, const void *b)
{
	return ((const struct plan_request *)a)->word - ((const struct plan_request *)b)->word;
}

/* Spare words are in the block of the request's last word, none of them is alone or missing, and no row is cut. */
static void expect_lawful_spare(const struct driver *d, const struct map *m, const struct plan_request *r)
{
	unsigned end = r->address + r->n_words * step_of(d), spare_end = end + r->n_spare * step_of(d);
	int block = m->block[end - 1];

	assert_true(r->n_words + r->n_spare <= d->max_words || r->n_spare == 0);
	for (unsigned at = end; at < spare_end && at < SPACE; at++) {
		assert_int_equal(m->block[at], block);
		assert_false(m->alone[at] || m->missing[at]);
		assert_true(m->known[at] || (block >= 0 ? d->blocks[block].gaps : d->gaps));
	}
	for (unsigned i = 0; i < d->n_rows && r->n_spare > 0; i++)
		assert_false(d->rows[i].address < spare_end &&
			     spare_end < d->rows[i].address + driver_row_span(d, &d->rows[i]));
}

/* Each request obeys the rules, and its first and last word are wanted. */
static void expect_lawful_requests(const struct driver *d, const struct map *m, const struct span *spans, size_t n,
				   const struct plan *p)
{
	struct plan_request sorted[2 * 8];
	unsigned word = 0;
	size_t next = 0;

	memcpy(sorted, p->requests, p->n_requests * sizeof(sorted[0]));
	qsort(sorted, p->n_requests, sizeof(sorted[0]), compare_words);
	for (unsigned i = 0; i < p->n_requests; i++) {
		const struct plan_request *r = &sorted[i];
		size_t last = next;

		expect_lawful_spare(d, m, r);

		assert_true(next < n);
		assert_int_equal(r->address, spans[next].start);
		while (last + 1 < n && spans[last + 1].end <= r->address + r->n_words * step_of(d) &&
		       spans[last].n_words != r->n_words)
			last++;
		assert_int_equal(words_if_allowed(d, m, &spans[next], &spans[last]), r->n_words);
		assert_int_equal(r->word, word);
		assert_int_equal(r->function, 3);
		word += r->n_words;
		next = last + 1;
	}
	assert_int_equal(next, n);
	assert_int_equal(p->n_words, word);
}

/* Halving ends at single rows, and the halves read everything that the whole request read. */
static unsigned count_leaves(const struct driver *d, const struct plan *p, const struct plan_request *whole)
{
	struct plan_request first, second;
	struct plan_rows all, rows[2];

	plan_rows_at(p, whole, &all);
	if (!plan_split(d, p, whole, &first, &second))
		return 1;
	assert_true(first.n_words < whole->n_words && second.n_words < whole->n_words);
	assert_int_equal(first.word, whole->word);
	assert_true(second.word >= first.word + first.n_words);
	assert_int_equal(second.word + second.n_words, whole->word + whole->n_words);
	plan_rows_at(p, &first, &rows[0]);
	plan_rows_at(p, &second, &rows[1]);
	for (unsigned i = 0; i < d->n_rows; i++)
		assert_int_equal(plan_rows_has(&all, i), plan_rows_has(&rows[0], i) || plan_rows_has(&rows[1], i));
	return count_leaves(d, p, &first) + count_leaves(d, p, &second);
}

TEST(random_tables_get_the_best_plan)
{
	const char *given = getenv("TALLY_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	static struct driver d;

	print_message("seed: TALLY_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed * 2 + 1;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct plan_rows missing, cuts;
		struct span spans[2 * 8];
		unsigned groups = 1 + random_below(3), n_requests, n_words;
		struct map m;
		struct plan *p;
		size_t n;

		random_driver(&d, &m, &missing, &cuts);
		n = wanted_spans(&d, groups, &missing, &m, spans);
		best_by_search(&d, &m, groups, &missing, spans, n, &n_requests, &n_words);
		p = plan_new(&d, groups, &missing, &cuts);
		assert_non_null(p);
		assert_int_equal(p->n_requests, n_requests);
		assert_int_equal(p->n_words, n_words);
		expect_items(&d, groups, &missing, p);
		expect_lawful_requests(&d, &m, spans, n, p);
		for (unsigned i = 0; i < p->n_requests; i++)
			assert_true(count_leaves(&d, p, &p->requests[i]) >= 1);
		plan_free(p);
	}
}

UNIT_MAIN(NULL, NULL)
