/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan.h"

#define HEAD "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\n"

/* The shape of a COUNTIS: vendor blocks, two resolutions of a total. */
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

/* The shape of a Conto: byte-addressed, signs in words of their own. */
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
	struct plan *p = plan_new(d, groups, missing);

	assert_non_null(p);
	expect_requests(p, expected);
	plan_free(p);
}

static void block_is_read_from_first_to_last_wanted_row(void **state)
{
	struct driver *d = parse(countis);

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "50520+24");
	expect_plan(d, DRIVER_IDENTITY, NULL, "50000+66");
	expect_plan(d, DRIVER_ENERGY, NULL, "50848+1 50946+8");
	expect_plan(d, DRIVER_STATE, NULL, "");
	expect_plan(d, DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY, NULL, "50000+66 50520+24 50848+1 50946+8");
	driver_free(d);
}

static void words_of_the_plan_follow_each_other(void **state)
{
	struct driver *d = parse(countis);
	struct plan *p = plan_new(d, DRIVER_ENERGY | DRIVER_POWER, NULL);

	(void)state;
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

static void rows_of_one_word_share_it(void **state)
{
	struct driver *d = parse(countis);
	struct plan *p = plan_new(d, DRIVER_ENERGY, NULL);

	(void)state;
	assert_int_equal(p->items[2].row, 8);
	assert_int_equal(p->items[3].row, 9);
	assert_int_equal(p->items[2].word, 0);
	assert_int_equal(p->items[3].word, 0);
	plan_free(p);
	driver_free(d);
}

static void fallback_is_read_only_when_the_preferred_row_is_missing(void **state)
{
	struct driver *d = parse(countis);
	struct plan_rows missing = {{0}};
	struct plan *p;

	(void)state;
	plan_rows_add(&missing, 1);
	p = plan_new(d, DRIVER_ENERGY, &missing);
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

static void missing_words_are_not_read_on_the_way(void **state)
{
	struct driver *d = parse(HEAD "gaps = yes\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n"
				      "voltage_l2 = 12 u32 1 mV power\nvoltage_l3 = 14 u32 1 mV power\n");
	struct plan_rows missing = {{0}};

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "10+6");
	plan_rows_add(&missing, 1);
	expect_plan(d, DRIVER_POWER, &missing, "10+2 14+2");
	driver_free(d);
}

static void byte_addressed_rows_of_one_word_and_signs_are_read_alone(void **state)
{
	struct driver *d = parse(conto);
	struct plan *p = plan_new(d, DRIVER_POWER, NULL);

	(void)state;
	/* 0x0301..0x0314 across the energy row, frequency, 0x0317, the sign of both powers once, 0x0348, 0x0350 */
	expect_requests(p, "769+10 789+1 791+2 839+1 840+2 848+2");
	assert_int_equal(p->items[2].row, 2); /* active_power */
	assert_int_equal(p->items[2].word, 4);
	assert_int_equal(p->items[2].sign_request, 3);
	assert_int_equal(p->items[2].sign_word, 13);
	assert_int_equal(p->items[6].row, 7); /* operating_time, one address after the sign */
	assert_int_equal(p->items[6].request, 4);
	assert_int_equal(p->items[7].sign_word, 13);
	plan_free(p);
	driver_free(d);
}

static void gap_without_known_rows_is_not_read(void **state)
{
	struct driver *d = parse(HEAD "[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 12 u32 1 mV energy\n"
				      "voltage_l3 = 14 u32 1 mV power\ncurrent_l1 = 17 u16 1 mA power\n"
				      "current_l2 = 18 u16 1 mA power\n");

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "10+6 17+2");
	driver_free(d);
}

static void block_without_gaps_is_read_in_parts(void **state)
{
	struct driver *d = parse(HEAD "[block a]\naddress = 10\nwords = 20\ngaps = no\n[registers]\n"
				      "voltage_l1 = 10 u32 1 mV power\nvoltage_l3 = 14 u32 1 mV power\n");

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "10+2 14+2");
	driver_free(d);
}

static void neighbouring_blocks_are_read_apart(void **state)
{
	struct driver *d =
		parse(HEAD "gaps = yes\n[block a]\naddress = 10\nwords = 2\n[block b]\naddress = 12\nwords = 2\n"
			   "[registers]\nvoltage_l1 = 10 u32 1 mV power\nvoltage_l2 = 12 u32 1 mV power\n"
			   "voltage_l3 = 14 u32 1 mV power\ncurrent_l1 = 8 u32 1 mA power\n");

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "8+2 10+2 12+2 14+2");
	driver_free(d);
}

static void gap_outside_blocks_does_not_cross_a_block(void **state)
{
	struct driver *d = parse(HEAD "gaps = yes\n[block a]\naddress = 12\nwords = 2\n[registers]\n"
				      "voltage_l1 = 10 u32 1 mV power\nvoltage_l3 = 14 u32 1 mV power\n");

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "10+2 14+2");
	driver_free(d);
}

static void row_read_alone_is_not_read_on_the_way_either(void **state)
{
	struct driver *d = parse(HEAD "gaps = yes\n[registers]\nvoltage_l1 = 10 u32 1 mV power\n"
				      "voltage_l2 = 12 u32 1 mV energy alone\nvoltage_l3 = 14 u32 1 mV power\n");

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "10+2 14+2");
	expect_plan(d, DRIVER_POWER | DRIVER_ENERGY, NULL, "10+2 12+2 14+2");
	driver_free(d);
}

static void longest_read_is_kept_with_as_few_words_as_can_be(void **state)
{
	struct driver *d = parse(HEAD "max_words = 10\ngaps = yes\n[registers]\nvoltage_l1 = 0 u32 1 mV power\n"
				      "voltage_l2 = 8 u32 1 mV power\nvoltage_l3 = 10 u32 1 mV power\n");

	(void)state;
	expect_plan(d, DRIVER_POWER, NULL, "0+2 8+4");
	driver_free(d);
}

static void split_halves_at_the_row_boundary_nearest_to_the_middle(void **state)
{
	struct driver *d = parse(countis);
	struct plan *p = plan_new(d, DRIVER_POWER | DRIVER_IDENTITY, NULL);
	struct plan_request first, second;
	struct plan_rows rows;

	(void)state;
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

static void refused_sign_takes_its_rows_with_it(void **state)
{
	struct driver *d = parse(conto);
	struct plan *p = plan_new(d, DRIVER_POWER, NULL);
	struct plan_request first, second;
	struct plan_rows rows;

	(void)state;
	assert_false(plan_split(d, p, &p->requests[3], &first, &second));
	plan_rows_at(p, &p->requests[3], &rows);
	for (unsigned i = 0; i < d->n_rows; i++)
		assert_int_equal(plan_rows_has(&rows, i), i == 2 || i == 8);
	expect_plan(d, DRIVER_POWER, &rows, "769+4 785+2 789+1 791+2 840+2");
	plan_free(p);
	driver_free(d);
}

static void row_with_its_sign_is_not_split(void **state)
{
	struct driver *d = parse(HEAD "[registers]\nactive_power = 10 u32 1 W power sign=12\n");
	struct plan *p = plan_new(d, DRIVER_POWER, NULL);
	struct plan_request first, second;

	(void)state;
	expect_requests(p, "10+3");
	assert_int_equal(p->items[0].sign_word, 2);
	assert_false(plan_split(d, p, &p->requests[0], &first, &second));
	plan_free(p);
	driver_free(d);
}

/* What a poller does with a meter that lacks rows: halve, down to the row, and plan again. */
static void halving_finds_exactly_what_the_meter_lacks(void **state)
{
	struct driver *d = parse(HEAD "[block a]\naddress = 0\nwords = 40\n[registers]\n"
				      "voltage_l1 = 0 u32 1 mV power\nvoltage_l2 = 4 u32 1 mV power\n"
				      "voltage_l3 = 8 u32 1 mV power\ncurrent_l1 = 10 u32 1 mA power\n"
				      "current_l2 = 20 u16 1 mA power\ncurrent_l3 = 21 u16 1 mA power\n"
				      "current_n = 30 u32 1 mA power\n");
	struct plan_rows missing = {{0}}, rows;
	bool refused;
	struct plan *p;

	(void)state;
	do {
		struct plan_request stack[16];
		unsigned n = 0;

		p = plan_new(d, DRIVER_POWER, &missing);
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

static void time_of_a_request(void **state)
{
	struct driver *d = parse(HEAD "turnaround = 30ms\n[registers]\nvoltage_l1 = 0 u32 1 mV power\n");
	struct plan_request r = {.n_words = 2};

	(void)state;
	/* 9600 baud, 11 bits: 3.5 characters 4011 us, 17 characters 19480 us */
	assert_int_equal(plan_request_us(d, &r, 9600, 11), 4011 + 19480 + 30000);
	assert_int_equal(plan_request_us(d, &r, 38400, 10), 1750 + 4428 + 30000);
	d->turnaround_ms = 0;
	assert_int_equal(plan_request_us(d, &r, 9600, 11), 4011 + 19480 + 4011);
	driver_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_is_read_from_first_to_last_wanted_row),
		cmocka_unit_test(words_of_the_plan_follow_each_other),
		cmocka_unit_test(rows_of_one_word_share_it),
		cmocka_unit_test(fallback_is_read_only_when_the_preferred_row_is_missing),
		cmocka_unit_test(missing_words_are_not_read_on_the_way),
		cmocka_unit_test(byte_addressed_rows_of_one_word_and_signs_are_read_alone),
		cmocka_unit_test(gap_without_known_rows_is_not_read),
		cmocka_unit_test(block_without_gaps_is_read_in_parts),
		cmocka_unit_test(neighbouring_blocks_are_read_apart),
		cmocka_unit_test(gap_outside_blocks_does_not_cross_a_block),
		cmocka_unit_test(row_read_alone_is_not_read_on_the_way_either),
		cmocka_unit_test(longest_read_is_kept_with_as_few_words_as_can_be),
		cmocka_unit_test(split_halves_at_the_row_boundary_nearest_to_the_middle),
		cmocka_unit_test(refused_sign_takes_its_rows_with_it),
		cmocka_unit_test(row_with_its_sign_is_not_split),
		cmocka_unit_test(halving_finds_exactly_what_the_meter_lacks),
		cmocka_unit_test(time_of_a_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
