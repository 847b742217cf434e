/* SPDX-License-Identifier: MIT */
#include "health.h"
#include "unit.h"

enum { PAUSE_MS = HEALTH_PROBE_PAUSE_MIN_MS };

static void count_one(struct health *h, struct link_reply reply, int64_t now_ms)
{
	health_count(h, &reply, 1, now_ms);
}

static void fail_rounds(struct health *h, unsigned n, int64_t now_ms)
{
	for (unsigned i = 0; i < n; i++)
		health_failed(h, false, now_ms);
}

TEST(a_meter_is_suspect_after_one_failed_round_and_down_after_three)
{
	struct health h = {0};

	assert_int_equal(h.state, HEALTH_NEVER);
	health_answered(&h);
	assert_int_equal(h.state, HEALTH_UP);
	health_failed(&h, false, 2000);
	assert_int_equal(h.state, HEALTH_SUSPECT);
	fail_rounds(&h, 2, 3000);
	assert_int_equal(h.state, HEALTH_DOWN);
	assert_int_equal(h.probe_at_ms, 3000 + PAUSE_MS);
	health_answered(&h);
	assert_int_equal(h.state, HEALTH_UP);
	assert_int_equal(h.failed_rounds, 0);
}

TEST(a_meter_that_never_answered_is_down_after_three_failed_rounds_and_never_suspect)
{
	struct health h = {0};

	fail_rounds(&h, 2, 0);
	assert_int_equal(h.state, HEALTH_NEVER);
	fail_rounds(&h, 1, 0);
	assert_int_equal(h.state, HEALTH_DOWN);
}

TEST(a_hopeless_failure_takes_the_meter_down_at_once)
{
	struct health h = {0};

	health_answered(&h);
	health_failed(&h, true, 2000);
	assert_int_equal(h.state, HEALTH_DOWN);
	assert_int_equal(h.probe_at_ms, 2000 + PAUSE_MS);
}

TEST(the_pause_between_probes_doubles_up_to_five_minutes_and_starts_over_after_an_answer)
{
	struct health h = {0};

	fail_rounds(&h, 3, 0);
	assert_int_equal(h.probe_pause_ms, 10000);
	fail_rounds(&h, 1, 0);
	assert_int_equal(h.probe_pause_ms, 20000);
	fail_rounds(&h, 7, 0);
	assert_int_equal(h.probe_pause_ms, 300000);
	health_answered(&h);
	fail_rounds(&h, 3, 5000);
	assert_int_equal(h.probe_pause_ms, 10000);
}

TEST(a_probe_is_due_after_the_pause_and_at_once_when_the_line_is_back)
{
	struct health h = {0};

	fail_rounds(&h, 4, 0);
	health_note_probe(&h, 50000);
	assert_int_equal(h.probe_at_ms, 70000);
	health_probe_now(&h, 60000);
	assert_int_equal(h.probe_at_ms, 60000);
	assert_int_equal(h.probe_pause_ms, 10000);
}

TEST(a_clock_that_is_set_back_delays_a_probe_by_at_most_one_pause)
{
	struct health h = {0};

	fail_rounds(&h, 3, 90000);
	health_clock_set_back(&h, 95000);
	assert_int_equal(h.probe_at_ms, 100000);
	health_clock_set_back(&h, 5000);
	assert_int_equal(h.probe_at_ms, 15000);
}

TEST(the_latency_follows_the_answers_slowly)
{
	struct health h = {0};

	count_one(&h, (struct link_reply){.status = LINK_OK, .latency_us = 40000}, 60500);
	assert_int_equal(h.latency_us, 40000);
	count_one(&h, (struct link_reply){.status = LINK_OK, .latency_us = 80000}, 60500);
	assert_int_equal(h.latency_us, 45000);
	count_one(&h, (struct link_reply){.status = LINK_OK, .latency_us = 5000}, 61500);
	assert_int_equal(h.latency_us, 40000);
	assert_int_equal(h.last_good_s, 61);
}

TEST(every_fault_is_counted_by_its_kind_even_before_the_right_answer)
{
	struct health h = {0};
	char text[HEALTH_COUNTS_TEXT_MAX];

	health_counts_text(&h, text, sizeof(text));
	assert_string_equal(text, "");
	count_one(&h, (struct link_reply){.status = LINK_OK, .refused = LINK_WRONG_UNIT}, 60500);
	health_counts_text(&h, text, sizeof(text));
	assert_string_equal(text, "1 answer of another unit");
	count_one(&h, (struct link_reply){.status = LINK_OK, .refused = LINK_ECHO}, 60500);
	health_counts_text(&h, text, sizeof(text));
	assert_string_equal(text, "1 answer of another unit, 1 echo of the request");
	assert_int_equal(h.failures, 0);
	count_one(&h, (struct link_reply){.status = LINK_CRC, .refused = LINK_CRC}, 60500);
	health_counts_text(&h, text, sizeof(text));
	assert_string_equal(text, "1 bad CRC, 1 answer of another unit, 1 echo of the request");
	assert_int_equal(h.failures, 1);
	assert_int_equal(h.requests, 3);
}

TEST(a_refused_register_is_an_exception_but_no_failure)
{
	struct health h = {0};

	count_one(&h, (struct link_reply){.status = LINK_EXCEPTION, .exception = 2}, 60500);
	assert_int_equal(h.counts[LINK_EXCEPTION], 1);
	assert_int_equal(h.failures, 0);
	assert_true(h.answered_last);
}

TEST(a_gateway_exception_counts_against_the_meter)
{
	struct health h = {0};

	count_one(&h, (struct link_reply){.status = LINK_EXCEPTION, .exception = 11}, 60500);
	assert_int_equal(h.failures, 1);
	assert_true(h.answered_last);
}

TEST(a_request_that_the_line_lost_before_it_was_sent_is_not_counted)
{
	struct health h = {0};

	count_one(&h, (struct link_reply){.status = LINK_CLOSED}, 60500);
	assert_int_equal(h.requests, 0);
	count_one(&h, (struct link_reply){.status = LINK_CLOSED, .sent_us = 1}, 60500);
	assert_int_equal(h.requests, 1);
	assert_int_equal(h.failures, 1);
}

TEST(the_reason_is_the_first_failure_or_the_last_refusal_until_an_answer)
{
	static const struct link_reply replies[] = {{.status = LINK_EXCEPTION, .exception = 3},
						    {.status = LINK_EXCEPTION, .exception = 2},
						    {.status = LINK_OK},
						    {.status = LINK_CRC},
						    {.status = LINK_TIMEOUT}};
	struct health h = {0};

	health_count(&h, replies, 3, 0);
	assert_string_equal(h.reason, "exception 2, illegal data address");
	health_count(&h, replies, 5, 0);
	assert_string_equal(h.reason, "bad CRC");
	health_answered(&h);
	assert_string_equal(h.reason, "");
}

TEST(a_job_that_came_back_undone_is_no_answer)
{
	struct health h = {0};

	count_one(&h, (struct link_reply){.status = LINK_OK}, 60500);
	assert_true(h.answered_last);
	health_count(&h, NULL, 0, 60500);
	assert_false(h.answered_last);
}

UNIT_MAIN(NULL, NULL)
