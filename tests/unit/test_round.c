/* SPDX-License-Identifier: MIT */
#include "round.h"
#include "unit.h"

enum { START_US = 5000000, NOW_MS = 20000 };

static struct round round_;
static struct round_mark marks[4];

/* A round of n meters, each with one job under way. */
static void begin(size_t n)
{
	round_ = (struct round){0};
	round_begin(&round_, START_US);
	for (size_t i = 0; i < n; i++)
		round_add(&round_, &marks[i]);
}

static void stay_silent(size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		round_take(&round_, &marks[i], false);
}

TEST(a_round_is_open_until_its_last_job_is_back)
{
	begin(2);
	assert_int_equal(round_.n_open, 2);
	assert_int_equal(round_.n_asked, 2);
	round_take(&round_, &marks[0], true);
	assert_int_equal(round_.n_open, 1);
	round_add_job(&round_, &marks[0]);
	assert_int_equal(round_.n_open, 2);
	assert_int_equal(round_.n_asked, 2);
	round_take(&round_, &marks[0], true);
	round_take(&round_, &marks[1], true);
	assert_int_equal(round_.n_open, 0);
	round_note_time(&round_, START_US + 1100000);
	assert_int_equal(round_.last_ms, 1100);
}

TEST(an_extra_job_does_not_belong_to_the_round)
{
	begin(1);
	stay_silent(0, 1);
	round_end(&round_);
	round_add_extra(&round_, &marks[0]);
	assert_int_equal(round_.n_open, 0);
	assert_int_equal(round_.n_extra_open, 1);
	round_add_job(&round_, &marks[0]);
	assert_int_equal(round_.n_extra_open, 2);
	round_take(&round_, &marks[0], true);
	round_take(&round_, &marks[0], true);
	assert_int_equal(round_.n_extra_open, 0);
	assert_int_equal(round_.n_answered, 0);
}

TEST(a_meter_belongs_to_the_last_round_in_which_it_was_asked)
{
	begin(1);
	assert_true(round_has(&round_, &marks[0]));
	round_begin(&round_, START_US);
	assert_false(round_has(&round_, &marks[0]));
}

TEST(one_answer_proves_the_line)
{
	begin(3);
	stay_silent(0, 2);
	round_take(&round_, &marks[2], true);
	assert_int_equal(round_judge(&round_, true, true), ROUND_OVER);
	assert_int_equal(round_judge(&round_, true, false), ROUND_OVER);
}

TEST(a_round_without_an_answer_is_rechecked_before_the_line_counts_as_silent)
{
	begin(2);
	stay_silent(0, 2);
	assert_int_equal(round_judge(&round_, true, false), ROUND_ASK_AGAIN);
	round_recheck(&round_);
	round_add_job(&round_, &marks[0]);
	stay_silent(0, 1);
	assert_int_equal(round_judge(&round_, true, false), ROUND_LINE_SILENT);
}

TEST(the_witness_is_asked_first_and_is_a_sufficient_recheck)
{
	begin(2);
	stay_silent(0, 2);
	assert_int_equal(round_judge(&round_, true, true), ROUND_ASK_WITNESS);
	round_add_witness(&round_, &marks[2]);
	stay_silent(2, 3);
	assert_int_equal(round_judge(&round_, true, true), ROUND_ASK_WITNESS);
	assert_int_equal(round_judge(&round_, true, false), ROUND_LINE_SILENT);
	assert_int_equal(round_.n_asked, 3);
}

TEST(a_single_silent_meter_is_at_fault_unless_a_witness_is_silent_too)
{
	begin(1);
	stay_silent(0, 1);
	assert_int_equal(round_judge(&round_, true, false), ROUND_OVER);
	round_add_witness(&round_, &marks[1]);
	stay_silent(1, 2);
	assert_int_equal(round_judge(&round_, true, false), ROUND_LINE_SILENT);
}

TEST(a_lost_line_is_not_judged)
{
	begin(2);
	stay_silent(0, 2);
	assert_int_equal(round_judge(&round_, false, true), ROUND_OVER);
}

TEST(a_line_that_goes_down_is_reported_once_and_again_after_it_was_up)
{
	begin(2);
	assert_true(round_lose_line(&round_));
	assert_true(round_.is_line_down);
	assert_false(round_lose_line(&round_));
	assert_false(round_silence_line(&round_, NOW_MS));
	assert_true(round_raise_line(&round_));
	assert_false(round_.is_line_down);
	assert_false(round_raise_line(&round_));
	assert_true(round_silence_line(&round_, NOW_MS));
}

TEST(a_line_that_was_down_before_a_reload_is_reported_again)
{
	struct round next = {0};

	begin(2);
	round_lose_line(&round_);
	round_inherit(&next, &round_, true);
	assert_true(next.is_line_down);
	assert_true(round_lose_line(&next));
	next = (struct round){0};
	round_inherit(&next, &round_, false);
	assert_false(next.is_line_down);
}

TEST(a_silent_line_is_polled_with_pauses_and_each_meter_in_turn)
{
	begin(2);
	round_silence_line(&round_, NOW_MS);
	assert_false(round_take_pause(&round_, NOW_MS + 9999));
	assert_true(round_take_pause(&round_, NOW_MS + 10000));
	assert_false(round_take_pause(&round_, NOW_MS + 19999));
	assert_int_equal(round_take_turn(&round_, 2), 0);
	assert_int_equal(round_take_turn(&round_, 2), 1);
	assert_int_equal(round_take_turn(&round_, 2), 0);
	round_clock_set_back(&round_, 3000);
	assert_true(round_take_pause(&round_, 3000));
}

TEST(a_lost_line_is_not_a_silent_line)
{
	begin(2);
	round_silence_line(&round_, NOW_MS);
	assert_true(round_.is_silent);
	round_lose_line(&round_);
	assert_false(round_.is_silent);
	assert_true(round_.is_line_down);
}

UNIT_MAIN(NULL, NULL)
