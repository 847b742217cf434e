/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "decode.h"
#include "err.h"
#include "plan.h"
#include "slave.h"
#include "unit.h"

static const char table[] = "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = inferred\n"
			    "max_words = 20\n"
			    "[block a]\naddress = 100\nwords = 10\n"
			    "[block b]\naddress = 110\nwords = 10\ngaps = no\n"
			    "[registers]\n"
			    "active_energy_import = 102 u32 10 Wh energy\n"
			    "tariff = 105 u8-low 1 - energy na=0xFF\n"
			    "tariff_count = 105 u8-high 1 - energy\n"
			    "frequency = 112 u16 0.01 Hz power na=auto\n"
			    "pulses_1 = 300 u32 1 1 energy\n"
			    "pulses_2 = 302 u32 1 1 energy\n";

static const char bytes_table[] = "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = inferred\n"
				  "addressing = byte\n"
				  "[registers]\n"
				  "voltage_l1 = 0x0301 u32 1 mV power\n"
				  "voltage_l2 = 0x0305 u32 1 mV power\n"
				  "frequency = 0x0309 u16 0.1 Hz power\n"
				  "active_power = 0x0310 u32 1 W power sign=0x0314\n";

static struct meter meter_of(const char *text)
{
	struct err e = {0};
	struct meter m;

	meter_init(&m);
	m.driver = driver_parse("t.ini", text, strlen(text), &e);
	err_print(&e, stderr);
	err_fini(&e);
	assert_non_null(m.driver);
	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, 1234567);
	meter_set(&m, Q_TARIFF, 2);
	meter_set(&m, Q_FREQUENCY, 50020);
	meter_set(&m, Q_PULSES_1, 70000);
	meter_set(&m, Q_VOLTAGE_L1, 231000);
	meter_set(&m, Q_ACTIVE_POWER, -1500000);
	meter_start(&m, 1, INT64_C(1700000000000));
	return m;
}

static void meter_free(struct meter *m)
{
	driver_free((struct driver *)m->driver);
}

static struct adu send_request(const struct meter *m, uint8_t function, unsigned address, unsigned n)
{
	struct adu request = {.unit = 5, .n_pdu = 5}, answer;

	request.pdu[0] = function;
	request.pdu[1] = (uint8_t)(address >> 8);
	request.pdu[2] = (uint8_t)address;
	request.pdu[3] = (uint8_t)(n >> 8);
	request.pdu[4] = (uint8_t)n;
	slave_answer(m, &request, &answer);
	return answer;
}

static uint8_t exception_of(const struct meter *m, uint8_t function, unsigned address, unsigned n)
{
	struct adu answer = send_request(m, function, address, n);

	return slave_exception(&answer);
}

static unsigned word(const struct adu *answer, unsigned i)
{
	return (unsigned)answer->pdu[2 + 2 * i] << 8 | answer->pdu[3 + 2 * i];
}

TEST(a_block_is_read_across_reserved_words)
{
	struct meter m = meter_of(table);
	struct adu a = send_request(&m, 3, 100, 10);

	assert_int_equal(a.n_pdu, 22);
	assert_int_equal(word(&a, 0), 0xFFFF);
	assert_int_equal(word(&a, 1), 0);
	assert_int_equal(word(&a, 2) << 16 | word(&a, 3), 123456);
	assert_int_equal(word(&a, 5), 0x0402);
	meter_free(&m);
}

TEST(a_request_that_the_table_does_not_allow_is_refused)
{
	struct meter m = meter_of(table);

	assert_int_equal(exception_of(&m, 4, 102, 2), 1);
	assert_int_equal(exception_of(&m, 3, 102, 9), 2); /* into the next block */
	assert_int_equal(exception_of(&m, 3, 98, 4), 2);  /* begins before the block */
	assert_int_equal(exception_of(&m, 3, 112, 2), 2); /* a block without gaps */
	assert_int_equal(exception_of(&m, 3, 112, 1), 0);
	assert_int_equal(exception_of(&m, 3, 400, 2), 2); /* no rows */
	assert_int_equal(exception_of(&m, 3, 300, 4), 0); /* two rows outside blocks */
	assert_int_equal(exception_of(&m, 3, 300, 5), 2);
	assert_int_equal(exception_of(&m, 3, 100, 0), 3);
	assert_int_equal(exception_of(&m, 3, 100, 21), 3);
	assert_int_equal(exception_of(&m, 3, 0xFFFF, 2), 2);
	meter_free(&m);
}

TEST(missing_registers_are_refused)
{
	struct meter m = meter_of(table);

	m.n_lacks = 1;
	m.lacks[0] = (struct meter_span){104, 106};
	assert_int_equal(exception_of(&m, 3, 102, 2), 0);
	assert_int_equal(exception_of(&m, 3, 102, 3), 2);
	meter_free(&m);
}

static const char two_resolutions[] = "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = inferred\n"
				      "[registers]\n"
				      "active_energy_import = 200 u32 10 Wh energy modulus=10000000000Wh\n"
				      "frequency = 202 u16 0.01 Hz power\n"
				      "serial_number = 204 hex:2 - - identity\n"
				      "active_energy_import = 300 u32 1000 Wh energy modulus=10000000000Wh fallback\n";

static struct meter troubled_meter(enum meter_trouble trouble)
{
	struct meter m = meter_of(two_resolutions);

	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, 2222330);
	meter_begin_trouble(&m, trouble, (struct meter_span){202, 300}, 3);
	return m;
}

static unsigned number(const struct meter *m, unsigned address)
{
	struct adu a = send_request(m, 3, address, 2);

	assert_int_equal(slave_exception(&a), 0);
	return word(&a, 0) << 16 | word(&a, 1);
}

TEST(a_meter_refuses_registers_for_a_while)
{
	struct meter m = troubled_meter(METER_REFUSES);

	assert_int_equal(number(&m, 200), 222233);
	assert_int_equal(exception_of(&m, 3, 202, 1), 3);
	assert_int_equal(exception_of(&m, 3, 200, 3), 3);
	assert_int_equal(exception_of(&m, 3, 300, 2), 3);
	meter_end_trouble(&m, METER_REFUSES);
	assert_int_equal(number(&m, 300), 2222);
	meter_free(&m);
}

TEST(a_meter_answers_its_coarser_registers_only)
{
	struct meter m = troubled_meter(METER_COARSE_ONLY);

	assert_int_equal(exception_of(&m, 3, 200, 2), 2);
	assert_int_equal(exception_of(&m, 3, 202, 1), 0);
	assert_int_equal(number(&m, 300), 2222);
	meter_free(&m);
}

TEST(a_serial_number_is_zeros_for_a_while)
{
	struct meter m = troubled_meter(METER_SERIAL_OF_ZEROS);

	assert_int_equal(number(&m, 204), 0);
	assert_int_equal(number(&m, 200), 222233);
	meter_end_trouble(&m, METER_SERIAL_OF_ZEROS);
	assert_int_not_equal(number(&m, 204), 0);
	meter_free(&m);
}

TEST(counters_have_the_values_of_the_start_for_a_while)
{
	struct meter m = troubled_meter(METER_STALE);

	assert_int_equal(number(&m, 200), 123456);
	assert_int_equal(number(&m, 300), 1234);
	meter_end_trouble(&m, METER_STALE);
	assert_int_equal(number(&m, 200), 222233);
	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, 3333440);
	meter_begin_trouble(&m, METER_STALE, m.refused, 0);
	assert_int_equal(number(&m, 200), 222233); /* the next time, those of the end of the last time */
	meter_free(&m);
}

TEST(counters_are_zeros_for_a_while)
{
	struct meter m = troubled_meter(METER_ZEROS);
	struct adu a = send_request(&m, 3, 202, 1);

	assert_int_equal(number(&m, 200), 0);
	assert_int_equal(number(&m, 300), 0);
	assert_int_equal(word(&a, 0), 5002);
	meter_end_trouble(&m, METER_ZEROS);
	assert_int_equal(number(&m, 200), 222233);
	meter_free(&m);
}

TEST(a_trouble_is_named_for_the_requests_that_it_changes)
{
	struct meter m = troubled_meter(METER_STALE);
	struct adu counter = {.unit = 5, .n_pdu = 5, .pdu = {3, 0, 200, 0, 2}};
	struct adu gauge = {.unit = 5, .n_pdu = 5, .pdu = {3, 0, 202, 0, 1}};

	meter_begin_trouble(&m, METER_SERIAL_OF_ZEROS, m.refused, 0);
	assert_int_equal(slave_troubles(&m, &counter), METER_STALE);
	assert_int_equal(slave_troubles(&m, &gauge), 0);
	meter_free(&m);
}

TEST(a_request_is_for_the_load_that_has_the_register)
{
	static const char loads[] = "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = inferred\n"
				    "loads = 2\nstride = 100\n[registers]\n"
				    "active_energy_import = 10 u32 10 Wh energy\n"
				    "counter_max = 20 u32 10 Wh state shared\n";
	struct meter one = meter_of(table), first = meter_of(loads), second = meter_of(loads);
	const struct driver *d = second.driver;
	struct adu request = {.unit = 5, .n_pdu = 5, .pdu = {3, 0, 110, 0, 2}};

	second.driver = driver_variant(d, 2, false);
	assert_true(slave_is_asked(&one, &request));
	assert_false(slave_is_asked(&first, &request));
	assert_true(slave_is_asked(&second, &request));
	request.pdu[2] = 10;
	assert_true(slave_is_asked(&first, &request));
	assert_false(slave_is_asked(&second, &request));
	request.pdu[2] = 20; /* what all loads share is of none */
	assert_false(slave_is_asked(&first, &request));
	assert_false(slave_is_asked(&second, &request));
	driver_free((struct driver *)d);
	meter_free(&one);
	meter_free(&first);
	meter_free(&second);
}

TEST(a_value_that_is_not_available_has_its_pattern)
{
	struct meter m = meter_of(table);
	struct adu a;

	meter_set_absent(&m, Q_FREQUENCY);
	a = send_request(&m, 3, 112, 1);
	assert_int_equal(word(&a, 0), 0xFFFF);
	meter_free(&m);
}

TEST(byte_addressed_values_are_read_in_runs_but_short_ones_alone)
{
	struct meter m = meter_of(bytes_table);
	struct adu a = send_request(&m, 3, 0x0301, 4);

	assert_int_equal(a.n_pdu, 10);
	assert_int_equal(word(&a, 0) << 16 | word(&a, 1), 231000);
	a = send_request(&m, 3, 0x0309, 1);
	assert_int_equal(word(&a, 0), 500);
	a = send_request(&m, 3, 0x0310, 2);
	assert_int_equal(word(&a, 0) << 16 | word(&a, 1), 1500);
	a = send_request(&m, 3, 0x0314, 1);
	assert_int_equal(word(&a, 0), 1);
	assert_int_equal(exception_of(&m, 3, 0x0301, 5), 2); /* a short value in a run */
	assert_int_equal(exception_of(&m, 3, 0x0303, 2), 2); /* begins inside a value */
	assert_int_equal(exception_of(&m, 3, 0x0310, 3), 2); /* value and sign */
	meter_free(&m);
}

static char *shown_of(const struct meter *m, unsigned address, unsigned n)
{
	struct adu request = {
		.unit = 5, .n_pdu = 5, .pdu = {3, (uint8_t)(address >> 8), (uint8_t)address, 0, (uint8_t)n}};
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	slave_print_shown(m, &request, out);
	fclose(out);
	return text;
}

TEST(a_weight_in_a_register_is_the_finest_one)
{
	static const char weighted[] = "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = inferred\n"
				       "[block a]\naddress = 100\nwords = 10\n[registers]\n"
				       "active_energy_import = 103 u32 1 kWh energy exponent=105:-3..3\n";
	struct meter m = meter_of(weighted);
	struct adu a = send_request(&m, 3, 103, 3);

	assert_int_equal((uint32_t)word(&a, 0) << 16 | word(&a, 1), 1234567);
	assert_int_equal(word(&a, 2), 0xFFFD);
	meter_free(&m);
}

TEST(a_value_is_split_into_its_whole_and_its_rest)
{
	static const char split[] = "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = inferred\n"
				    "[block a]\naddress = 100\nwords = 10\n[registers]\n"
				    "active_energy_import = 103 u32 1 kWh energy\n"
				    "active_energy_import = 105 u16 0.1 Wh energy rest\n";
	struct meter m = meter_of(split);
	struct adu a = send_request(&m, 3, 103, 3);
	char *text;

	assert_int_equal(word(&a, 0), 0);
	assert_int_equal(word(&a, 1), 1234);
	assert_int_equal(word(&a, 2), 5670);
	text = shown_of(&m, 103, 3);
	assert_string_equal(text, " active_energy_import=1234567");
	free(text);
	text = shown_of(&m, 103, 2);
	assert_string_equal(text, "");
	free(text);
	meter_free(&m);
}

TEST(the_trace_names_the_rows_that_are_read_completely)
{
	struct meter m = meter_of(table);
	char *text = shown_of(&m, 103, 5);

	assert_string_equal(text, " tariff=2 tariff_count=4");
	free(text);
	text = shown_of(&m, 102, 2);
	assert_string_equal(text, " active_energy_import=1234560");
	free(text);
	meter_free(&m);
}

TEST(the_trace_has_the_counters_that_a_meter_shows_in_its_troubles)
{
	struct meter m = meter_of(table);
	char *text;

	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, 2000000);
	meter_begin_trouble(&m, METER_STALE, (struct meter_span){0, 0}, 0);
	text = shown_of(&m, 102, 2);
	assert_string_equal(text, " active_energy_import=1234560");
	free(text);
	meter_begin_trouble(&m, METER_ZEROS, (struct meter_span){0, 0}, 0);
	text = shown_of(&m, 102, 2);
	assert_string_equal(text, " active_energy_import=0");
	free(text);
	meter_end_trouble(&m, METER_ZEROS);
	meter_end_trouble(&m, METER_STALE);
	text = shown_of(&m, 102, 2);
	assert_string_equal(text, " active_energy_import=2000000");
	free(text);
	meter_free(&m);
}

TEST(a_count_of_rollovers_follows_its_counter)
{
	struct meter m = meter_of("[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = inferred\n"
				  "[registers]\n"
				  "active_energy_import = 102 u32 10 Wh energy modulus=read\n"
				  "active_energy_export = 104 u32 10 Wh energy modulus=1000Wh\n"
				  "counter_max = 200 u32 10 Wh state\n"
				  "active_energy_import_rollovers = 202 u8-low 1 - state\n"
				  "active_energy_export_rollovers = 203 u8-low 1 - state\n");
	char *text;

	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9999999999)); /* the last Wh before 0 */
	meter_set(&m, Q_ACTIVE_ENERGY_EXPORT, 3010);
	text = shown_of(&m, 102, 4);
	assert_string_equal(text, " active_energy_import=9999999990 active_energy_export=10");
	free(text);
	text = shown_of(&m, 202, 2);
	assert_string_equal(text, " active_energy_import_rollovers=0 active_energy_export_rollovers=3");
	free(text);
	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT, INT64_C(20000000000));
	text = shown_of(&m, 202, 1);
	assert_string_equal(text, " active_energy_import_rollovers=2");
	free(text);
	meter_set(&m, Q_ACTIVE_ENERGY_IMPORT_ROLLOVERS, 9);
	text = shown_of(&m, 202, 1);
	assert_string_equal(text, " active_energy_import_rollovers=9");
	free(text);
	meter_free(&m);
}

struct answers {
	uint16_t words[DRIVER_ROWS_MAX * DRIVER_WORDS_MAX];
};

static void send_all_requests(const struct meter *m, const struct plan *p, struct answers *answers)
{
	for (unsigned i = 0; i < p->n_requests; i++) {
		const struct plan_request *r = &p->requests[i];
		struct adu a = send_request(m, r->function, r->address, r->n_words);

		if (slave_exception(&a) != 0)
			fail_msg("%s: %u words at %u: exception %u", m->driver->name, r->n_words, r->address,
				 slave_exception(&a));
		for (unsigned w = 0; w < r->n_words; w++)
			answers->words[r->word + w] = (uint16_t)word(&a, w);
	}
}

static void compare_row(const struct meter *m, const struct plan_item *item, const struct answers *answers)
{
	const struct driver_row *row = &m->driver->rows[item->row];
	int64_t expected, found = 0, multipliers[DRIVER_ROWS_MAX];
	int64_t parts = names_has_parts(row->quantity) ? m->driver->parts : 1;
	char expected_text[130], text[130];
	enum codec_status status;
	bool present = slave_row(m, row, &expected, expected_text, sizeof(expected_text));
	const char *name = names_get(row->quantity)->name;

	if (names_get(row->quantity)->kind == NAMES_IDENTITY) {
		status = codec_text(m->driver->order, row, answers->words + item->word, text, sizeof(text));
		if (status != CODEC_OK || strcmp(text, expected_text) != 0)
			fail_msg("%s %s: %s, decoded %s", m->driver->name, name, expected_text, text);
		return;
	}
	for (size_t i = 0; i < m->driver->n_rows; i++)
		multipliers[i] = driver_multiplier(m->driver, &m->driver->rows[i], m->ct_primary, m->ct_secondary,
						   m->vt_primary, m->vt_secondary);
	status = decode_number(m->driver, item, answers->words, multipliers, &found);
	if ((status == CODEC_OK) != present || found != expected * parts)
		fail_msg("%s %s: %lld, decoded %lld, %s", m->driver->name, name, (long long)expected, (long long)found,
			 codec_status_text(status));
}

static void compare_model(struct driver *d, uint32_t ct, int64_t base_w)
{
	struct plan *p = plan_new(d, DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY | DRIVER_STATE, NULL, NULL);
	struct answers *answers = calloc(1, sizeof(*answers));
	struct meter m;

	meter_init(&m);
	m.driver = d;
	m.ct_primary = ct;
	m.load.base_mw = m.load.peak_mw = base_w * 1000;
	m.load.power_factor = base_w < 0 ? -870 : 930;
	meter_start(&m, ct, INT64_C(1700000000000));
	assert_non_null(p);
	assert_non_null(answers);
	send_all_requests(&m, p, answers);
	for (unsigned i = 0; i < p->n_items; i++)
		compare_row(&m, &p->items[i], answers);
	free(answers);
	plan_free(p);
}

/* Plans, requests and decodes every row of every shipped table. Encoder and decoder were written independently. */
TEST(every_model_is_decoded_to_the_truth)
{
	char **names = driver_list(SOURCE_DIR "/drivers"), *file, *shadowed;
	struct err e = {0};

	assert_non_null(names);
	assert_non_null(names[0]);
	for (size_t i = 0; names[i] != NULL; i++) {
		struct driver *d;

		assert_int_equal(driver_find(SOURCE_DIR "/drivers", names[i], &file, &shadowed), 0);
		d = driver_load(file, &e);
		assert_non_null(d);
		compare_model(d, 1, 2345);
		if (d->ratios) {
			compare_model(d, 80, -34567);
			compare_model(d, 6000, 345678);
		} else {
			compare_model(d, 1, -12345);
		}
		driver_free(d);
		free(file);
		free(shadowed);
		free(names[i]);
	}
	free(names);
	err_fini(&e);
}

UNIT_MAIN(NULL, NULL)
