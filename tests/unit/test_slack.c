/* SPDX-License-Identifier: MIT */
#include "slack.h"

#include "paper_meter.h"
#include "unit.h"

/* NOW_MS is well within the slots that fell due at FIRST_SLOT_MS, so no meter has waited long. */
enum { N = 3, FIRST_SLOT_MS = 900000, NOW_MS = 905000, LONG_MS = 5000, USUAL_MS = 40 };

static struct meter *meters[N];

/* Meters read every 15 minutes that answered in USUAL_MS and have nothing due. */
static int begin(void **state)
{
	(void)state;
	paper_conf.power_every_s = 900;
	for (size_t i = 0; i < N; i++) {
		meters[i] = meter_new(&paper_conf, (int64_t)i, FIRST_SLOT_MS - 1000);
		if (meters[i] == NULL)
			return -1;
		health_count(&meters[i]->health, &(struct link_reply){.status = LINK_OK, .latency_us = USUAL_MS * 1000},
			     1, 0);
		health_answered(&meters[i]->health);
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++)
		meter_free(meters[i]);
	return 0;
}

#define SLACK_TEST(name) TEST_WITH(name, begin, end)

static void expect_nobody(int64_t left_ms, int64_t now_ms)
{
	struct slack_choice choice = slack_choose(meters, N, left_ms, now_ms);

	assert_null(choice.meter);
	assert_int_equal(choice.use, SLACK_NOTHING);
}

static void expect(size_t i, enum slack_use use, uint32_t timeout_max_ms, int64_t left_ms, int64_t now_ms)
{
	struct slack_choice choice = slack_choose(meters, N, left_ms, now_ms);

	assert_ptr_equal(choice.meter, meters[i]);
	assert_int_equal(choice.use, use);
	assert_int_equal(choice.timeout_max_ms, timeout_max_ms);
}

static void make_suspect(size_t i)
{
	health_failed(&meters[i]->health, false, 0);
}

/* Its probe is due at this time. */
static void take_down(size_t i, int64_t probe_at_ms)
{
	health_failed(&meters[i]->health, true, probe_at_ms - HEALTH_PROBE_PAUSE_MIN_MS);
}

static void wait_for_retry(size_t i)
{
	due_take(&meters[i]->due, NOW_MS);
	assert_true(asking_begin_read(&meters[i]->asking, DRIVER_POWER, 1));
	asking_wait(&meters[i]->asking, 1);
}

static void wait_for_part(size_t i)
{
	assert_true(asking_begin_read(&meters[i]->asking, DRIVER_POWER, 1));
	paper_answer(&meters[i]->asking, LINK_EXCEPTION, 2);
	assert_int_equal(asking_give_refused(&meters[i]->asking, &meters[i]->parts), 1);
	asking_end(&meters[i]->asking);
}

SLACK_TEST(meters_that_answer_are_asked_in_rounds_only)
{
	expect_nobody(LONG_MS, NOW_MS);
}

SLACK_TEST(retries_come_before_parts_suspects_and_probes)
{
	take_down(0, NOW_MS);
	expect(0, SLACK_PROBE, LONG_MS, LONG_MS, NOW_MS);
	make_suspect(1);
	expect(1, SLACK_SUSPECT, LONG_MS, LONG_MS, NOW_MS);
	wait_for_part(2);
	expect(2, SLACK_PART, LONG_MS, LONG_MS, NOW_MS);
	parts_abandon(&meters[2]->parts);
	wait_for_retry(2);
	expect(2, SLACK_RETRY, LONG_MS, LONG_MS, NOW_MS);
}

SLACK_TEST(a_register_is_asked_again_when_nothing_else_is_to_be_asked)
{
	struct plan_rows power = {{8}};
	char names[PARTS_NAMES_MAX];

	parts_note_answered(&meters[1]->parts, &power, names, sizeof(names));
	meters[1]->parts.missing = power;
	meters[1]->parts.again_at_ms = NOW_MS + 1;
	expect_nobody(LONG_MS, NOW_MS);
	meters[1]->parts.again_at_ms = NOW_MS;
	expect(1, SLACK_AGAIN, LONG_MS, LONG_MS, NOW_MS);
	take_down(0, NOW_MS);
	expect(0, SLACK_PROBE, LONG_MS, LONG_MS, NOW_MS);
}

SLACK_TEST(the_meter_that_has_waited_longest_comes_first)
{
	take_down(0, NOW_MS - 2000);
	take_down(1, NOW_MS - 3000);
	take_down(2, NOW_MS + 1);
	expect(1, SLACK_PROBE, LONG_MS, LONG_MS, NOW_MS);
}

SLACK_TEST(a_meter_with_a_job_under_way_is_not_asked)
{
	make_suspect(0);
	assert_true(asking_begin_read(&meters[0]->asking, DRIVER_POWER, 1));
	expect_nobody(LONG_MS, NOW_MS);
}

SLACK_TEST(no_question_is_asked_in_less_than_a_tenth_of_a_second)
{
	make_suspect(0);
	expect_nobody(99, NOW_MS);
	expect(0, SLACK_SUSPECT, 100, 100, NOW_MS);
}

SLACK_TEST(a_slow_meter_is_asked_when_twice_its_usual_time_is_left)
{
	make_suspect(0);
	health_count(&meters[0]->health, &(struct link_reply){.status = LINK_OK, .latency_us = 1640000}, 1, 0);
	assert_int_equal(meters[0]->health.latency_us, 240000);
	expect_nobody(479, NOW_MS);
	expect(0, SLACK_SUSPECT, 480, 480, NOW_MS);
}

SLACK_TEST(a_meter_that_never_answered_counts_as_slow_as_the_slowest)
{
	meters[0]->health = (struct health){.failed_rounds = 1};
	health_count(&meters[2]->health, &(struct link_reply){.status = LINK_OK, .latency_us = 1640000}, 1, 0);
	expect_nobody(479, NOW_MS);
	expect(0, SLACK_SUSPECT, 480, 480, NOW_MS);
}

SLACK_TEST(a_meter_that_never_finds_time_is_asked_after_ten_seconds_with_its_own_timeout)
{
	make_suspect(0);
	expect_nobody(0, FIRST_SLOT_MS + 9999);
	expect(0, SLACK_SUSPECT, UINT32_MAX, 0, FIRST_SLOT_MS + 10000);
}

SLACK_TEST(a_probe_that_never_finds_time_is_made_after_five_minutes)
{
	take_down(0, NOW_MS);
	expect_nobody(0, NOW_MS + 299999);
	expect(0, SLACK_PROBE, UINT32_MAX, 0, NOW_MS + 300000);
}

SLACK_TEST(time_without_an_end_is_no_limit)
{
	make_suspect(0);
	expect(0, SLACK_SUSPECT, UINT32_MAX, INT64_MAX, NOW_MS);
}

UNIT_MAIN(paper_meter_set_up, paper_meter_tear_down)
