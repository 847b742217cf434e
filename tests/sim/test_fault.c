/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "fault.h"
#include "unit.h"

enum { ROUNDS = 2000, ANSWER_BYTES = 9 };

static const struct adu answer = {.unit = 5, .n_pdu = 6, .pdu = {3, 4, 0x00, 0x11, 0x22, 0x33}};
static const struct adu tcp_answer = {
	.tcp = true, .transaction = 0x1234, .unit = 5, .n_pdu = 6, .pdu = {3, 4, 0x00, 0x11, 0x22, 0x33}};

static struct fault_rule rule_of(const char *name)
{
	struct fault_rule rule = fault_rule_new();

	assert_true(fault_parse(name, &rule));
	return rule;
}

TEST(a_kind_is_found_by_its_name)
{
	struct fault_rule rule = rule_of("exception-11");

	assert_int_equal(rule.kind, FAULT_EXCEPTION);
	assert_int_equal(rule.exception, 11);
	assert_false(fault_parse("exception", &rule));
	assert_false(fault_parse("exception-0", &rule));
	assert_false(fault_parse("refuse", &rule));
	assert_false(fault_parse("refuse-256", &rule));
	assert_false(fault_parse("exception-4x", &rule));
	assert_false(fault_parse("none", &rule));
	rule = rule_of("late");
	assert_int_equal(rule.delay_ms, 1200);
	rule = rule_of("twice");
	assert_int_equal(rule.delay_ms, 5);
	rule = rule_of("close-after-answer");
	assert_int_equal(rule.delay_ms, 0);
}

TEST(a_meter_that_has_a_trouble_does_not_get_it_again)
{
	struct fault_rule rule = rule_of("refuse-3");
	uint64_t chance = 1;

	assert_int_equal(rule.kind, FAULT_REFUSE);
	assert_int_equal(rule.exception, 3);
	assert_int_equal(fault_trouble(FAULT_REFUSE), METER_REFUSES);
	assert_int_equal(fault_trouble(FAULT_MUTE), 0);
	rule.left = 1;
	assert_null(fault_draw(&rule, 1, 0, 0, false, false, METER_REFUSES | METER_STALE, &chance));
	assert_non_null(fault_draw(&rule, 1, 0, 0, false, false, METER_STALE, &chance));
}

TEST(some_kinds_are_only_possible_on_some_transports)
{
	assert_true(fault_fits(FAULT_UNPLUG, false, false));
	assert_false(fault_fits(FAULT_UNPLUG, false, true));
	assert_false(fault_fits(FAULT_RESET, false, false));
	assert_true(fault_fits(FAULT_RESET, true, true));
	assert_false(fault_fits(FAULT_WRONG_TRANSACTION, false, true));
	assert_true(fault_fits(FAULT_WRONG_TRANSACTION, true, true));
	assert_true(fault_fits(FAULT_TWICE, false, false));
	assert_false(fault_fits(FAULT_CLOSE_AFTER, false, false));
	assert_false(fault_fits(FAULT_ECHO_CUT, true, true));
}

TEST(a_rate_is_kept_in_the_long_run)
{
	struct fault_rule rule = rule_of("silence");
	uint64_t chance = 1;
	int hits = 0;

	rule.rate_ppm = 50000;
	for (int i = 0; i < 100000; i++)
		hits += fault_draw(&rule, 1, 0, 0, false, false, 0, &chance) != NULL;
	assert_in_range(hits, 4700, 5300);
}

TEST(a_rule_applies_to_its_meter_until_its_count_is_used_up)
{
	struct fault_rule rule = rule_of("silence");
	uint64_t chance = 1;

	rule.meter = 3;
	rule.left = 2;
	assert_null(fault_draw(&rule, 1, 0, 4, false, false, 0, &chance));
	assert_non_null(fault_draw(&rule, 1, 0, 3, false, false, 0, &chance));
	assert_non_null(fault_draw(&rule, 1, 0, 3, false, false, 0, &chance));
	assert_null(fault_draw(&rule, 1, 0, 3, false, false, 0, &chance));
}

static size_t build(const char *name, const struct adu *f, uint64_t *chance, uint8_t *out)
{
	struct fault_rule rule = rule_of(name);

	return fault_build(&rule, f, chance, out);
}

TEST(a_bad_crc_is_never_right)
{
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;
	struct adu f;

	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(build("bad-crc", &answer, &chance, out), ANSWER_BYTES);
		assert_false(adu_rtu_parse(out, ANSWER_BYTES, &f));
	}
}

TEST(a_bad_crc_behind_a_gateway_becomes_exception_11)
{
	static const uint8_t expected[] = {0x12, 0x34, 0, 0, 0, 3, 5, 0x83, 11};
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;

	assert_int_equal(build("bad-crc", &tcp_answer, &chance, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

TEST(a_wrong_unit_or_function_comes_in_a_valid_frame)
{
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;
	struct adu f;

	for (int i = 0; i < ROUNDS; i++) {
		assert_true(adu_rtu_parse(out, build("wrong-unit", &answer, &chance, out), &f));
		assert_int_not_equal(f.unit, 5);
	}
	assert_true(adu_rtu_parse(out, build("wrong-function", &answer, &chance, out), &f));
	assert_int_equal(f.pdu[0], 4);
}

TEST(a_wrong_transaction_comes_in_a_valid_frame)
{
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;
	struct adu f;

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = build("wrong-transaction", &tcp_answer, &chance, out);

		assert_int_equal(adu_tcp_parse(out, n, &f), (int)n);
		assert_int_not_equal(f.transaction, 0x1234);
	}
}

TEST(a_short_answer_is_cut_or_one_word_shorter)
{
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;
	int cut = 0, whole = 0;
	struct adu f;

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = build("short", &answer, &chance, out);

		assert_in_range(n, 1, ANSWER_BYTES - 1);
		if (adu_rtu_parse(out, n, &f)) {
			whole++;
			assert_int_equal(f.pdu[1], 2);
		} else {
			cut++;
		}
	}
	assert_true(cut > ROUNDS / 4 && whole > ROUNDS / 4);
}

TEST(a_long_answer_is_one_word_longer)
{
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;
	struct adu f;

	assert_true(adu_rtu_parse(out, build("long", &answer, &chance, out), &f));
	assert_int_equal(f.pdu[1], 6);
	assert_int_equal(f.n_pdu, 8);
}

TEST(the_longest_answer_fits_its_buffer)
{
	struct adu longest = {.tcp = true, .unit = 5, .n_pdu = 252, .pdu = {3, 250}};
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;

	assert_in_range(build("long", &longest, &chance, out), 259, FAULT_BYTES_MAX);
	for (int i = 0; i < ROUNDS; i++)
		assert_in_range(build("noise-after", &longest, &chance, out), 260, FAULT_BYTES_MAX);
}

TEST(noise_keeps_the_answer_complete)
{
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;
	struct adu f;
	size_t n;

	n = build("noise-before", &answer, &chance, out);
	assert_true(n > ANSWER_BYTES);
	assert_true(adu_rtu_parse(out + n - ANSWER_BYTES, ANSWER_BYTES, &f));
	n = build("noise-after", &answer, &chance, out);
	assert_true(n > ANSWER_BYTES);
	assert_true(adu_rtu_parse(out, ANSWER_BYTES, &f));
}

TEST(an_exception_has_the_code_of_the_rule)
{
	static const uint8_t expected[] = {5, 0x83, 6};
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;

	assert_int_equal(build("exception-6", &answer, &chance, out), 5);
	assert_memory_equal(out, expected, sizeof(expected));
}

TEST(a_wild_answer_is_valid_and_has_another_value)
{
	uint8_t out[FAULT_BYTES_MAX];
	uint64_t chance = 1;
	struct adu f;

	assert_true(adu_rtu_parse(out, build("wild", &answer, &chance, out), &f));
	assert_int_equal(f.n_pdu, 6);
	assert_int_equal(f.pdu[2], 0x10);
	assert_int_equal(f.pdu[3], 0x11);
}

UNIT_MAIN(NULL, NULL)
