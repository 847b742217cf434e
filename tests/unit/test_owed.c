/* SPDX-License-Identifier: MIT */
#include "owed.h"
#include "plan.h"
#include "unit.h"

static const struct plan_request two = {.function = 3, .n_words = 2},
				 two_or_three = {.function = 3, .n_words = 2, .n_spare = 1},
				 nine = {.function = 3, .n_words = 9};

static unsigned fence_of(const struct owed *o, const struct plan_request *r)
{
	return owed_choose_fence(o, r, NULL, 0).n_words;
}

TEST(a_count_may_be_asked_for_unless_its_answer_may_come_again)
{
	struct owed o = {0};

	assert_int_equal(owed_choose_count(&o, &two), 2);
	owed_note_answer(&o, &two, 2, 0);
	assert_int_equal(owed_choose_count(&o, &two), 0);
	assert_int_equal(owed_choose_count(&o, &two_or_three), 3);
	assert_int_equal(owed_choose_count(&o, &nine), 9);
	owed_note_answer(&o, &nine, 9, 0);
	assert_int_equal(owed_choose_count(&o, &two), 2);
}

TEST(an_answer_with_another_function_is_no_danger)
{
	static const struct plan_request input = {.function = 4, .n_words = 2};
	struct owed o = {0};

	owed_note_answer(&o, &input, 2, 0);
	assert_int_equal(owed_choose_count(&o, &two), 2);
}

TEST(every_failed_request_is_owed_until_an_answer_proves_it_past)
{
	struct owed o = {0};

	owed_note_failure(&o, &two, 2, 0);
	owed_note_failure(&o, &two, 3, 0);
	assert_int_equal(owed_choose_count(&o, &two_or_three), 0);
	owed_note_answer(&o, &nine, 9, 0);
	assert_int_equal(owed_choose_count(&o, &two), 2);
	assert_int_equal(owed_choose_count(&o, &nine), 0);
}

TEST(the_shortest_other_request_that_is_not_owed_is_the_fence)
{
	static const struct plan_request others[] = {
		{.function = 3, .n_words = 9}, {.function = 3, .n_words = 2}, {.function = 3, .n_words = 4}};
	struct owed o = {0};

	owed_note_answer(&o, &two, 2, 0);
	assert_int_equal(owed_choose_fence(&o, &two, others, 3).n_words, 4);
	assert_int_equal(owed_choose_fence(&o, &two, others + 1, 1).n_words, 1);
}

TEST(without_another_request_the_fence_has_a_length_nearby)
{
	struct owed o = {0};

	owed_note_failure(&o, &two, 9, 0);
	assert_int_equal(fence_of(&o, &nine), 7);
	owed_note_failure(&o, &two, 7, 0);
	assert_int_equal(fence_of(&o, &nine), 5);
	owed_note_failure(&o, &two, 2, 0);
	assert_int_equal(fence_of(&o, &two), 1);
	owed_note_failure(&o, &two, 1, 0);
	assert_int_equal(fence_of(&o, &two), 3);
}

/* A meter that was silent, and owes all that it is usually asked. */
TEST(without_another_request_the_fence_is_a_part_of_the_longest_answer)
{
	static const struct plan_request long_one = {.function = 3, .address = 769, .n_words = 28};
	struct plan_request fence;
	struct owed o = {0};

	owed_note_answer(&o, &long_one, 28, 0);
	owed_note_answer(&o, &nine, 9, 0);
	owed_note_answer(&o, &two, 2, 0);
	owed_note_failure(&o, &nine, 9, 0);
	owed_note_failure(&o, &long_one, 28, 0);
	fence = owed_choose_fence(&o, &two, NULL, 0);
	assert_int_equal(fence.address, 769);
	assert_int_equal(fence.n_words, 26);
	owed_note_failure(&o, &fence, 26, 0);
	assert_int_equal(fence_of(&o, &two), 24);
	owed_note_refusal(&o, &long_one, 28, 2, 0);
	owed_note_failure(&o, &two, 2, 0);
	owed_note_failure(&o, &nine, 9, 0);
	assert_int_equal(fence_of(&o, &two), 1);
}

TEST(a_known_request_of_registers_of_32_bits_is_repeated_as_it_was)
{
	static const struct plan_request four = {.function = 3, .address = 0xc650, .n_words = 4, .per_count = 2};
	struct owed o = {0};

	owed_note_answer(&o, &four, 4, 0);
	owed_note_answer(&o, &two, 2, 0);
	assert_int_equal(owed_choose_fence(&o, &two, NULL, 0).per_count, 2);
}

TEST(a_fence_before_registers_of_32_bits_has_whole_ones)
{
	static const struct plan_request four = {.function = 3, .address = 0xc650, .n_words = 4, .per_count = 2};
	struct owed o = {.has_failed = true};

	owed_note_answer(&o, &four, 4, 0);
	o.has_failed = true;
	assert_int_equal(owed_choose_fence(&o, &four, NULL, 0).n_words, 2);
	owed_note_failure(&o, &four, 2, 0);
	assert_int_equal(owed_choose_fence(&o, &four, NULL, 0).n_words, 6);
}

TEST(a_fence_that_may_be_refused_is_short)
{
	struct owed o = {0};

	owed_note_answer(&o, &nine, 9, 0);
	assert_int_equal(fence_of(&o, &nine), 2);
	owed_note_answer(&o, &two, 2, 0);
	assert_int_equal(fence_of(&o, &two), 9);
	o.good[1].n_words = 0;
	assert_int_equal(fence_of(&o, &two), 1);
}

TEST(when_every_answer_is_owed_there_is_no_fence_until_a_minute_is_over)
{
	struct owed o = {0};

	for (uint16_t n = 1; n <= 125; n++)
		owed_note_failure(&o, &two, n, 1000);
	assert_int_equal(fence_of(&o, &two), 0);
	owed_forget(&o, 60000999);
	assert_int_equal(fence_of(&o, &two), 0);
	owed_forget(&o, 60001000);
	assert_int_equal(owed_choose_count(&o, &two), 2);
}

TEST(a_refusal_is_doubted_after_one_with_the_same_code_and_after_a_failure)
{
	struct owed o = {0};

	assert_false(owed_doubts_refusal(&o, 2));
	owed_note_refusal(&o, &nine, 9, 2, 0);
	assert_true(owed_doubts_refusal(&o, 2));
	assert_false(owed_doubts_refusal(&o, 6));
	owed_note_answer(&o, &two, 2, 0);
	assert_false(owed_doubts_refusal(&o, 2));
	owed_note_failure(&o, &two, 4, 0);
	assert_true(owed_doubts_refusal(&o, 6));
}

TEST(after_a_failure_or_a_refusal_a_request_that_was_answered_before_is_the_fence)
{
	static const struct plan_request other = {.function = 3, .n_words = 4};
	struct owed o = {0};

	owed_note_answer(&o, &nine, 9, 0);
	owed_note_failure(&o, &two, 2, 0);
	assert_int_equal(owed_choose_fence(&o, &two, &other, 1).n_words, 4);
	owed_note_answer(&o, &two, 2, 0);
	owed_note_failure(&o, &two, 2, 0);
	assert_int_equal(owed_choose_fence(&o, &two, &other, 1).n_words, 9);
	owed_note_answer(&o, &two, 2, 0);
	owed_note_refusal(&o, &other, 4, 2, 0);
	assert_int_equal(owed_choose_count(&o, &other), 0);
	assert_int_equal(owed_choose_fence(&o, &other, &other, 1).n_words, 2);
}

TEST(a_known_request_that_is_refused_is_no_fence_any_more)
{
	struct owed o = {0};

	owed_note_answer(&o, &nine, 9, 0);
	owed_note_refusal(&o, &two, 2, 2, 0);
	assert_int_equal(owed_choose_count(&o, &two), 0);
	owed_note_doubt(&o, &nine, 9, 0);
	assert_int_equal(owed_choose_count(&o, &two), 2);
}

TEST(a_refusal_in_doubt_leaves_the_answer_owed)
{
	struct owed o = {0};

	owed_note_refusal(&o, &nine, 9, 2, 0);
	assert_int_equal(owed_choose_count(&o, &two), 2);
	owed_note_doubt(&o, &two, 2, 0);
	assert_false(owed_may_send(&o, &two));
	assert_true(owed_doubts_refusal(&o, 2));
	/* One more refusal was the answer to either, and a unit that refuses everything can be asked forever. */
	owed_note_doubt(&o, &nine, 9, 0);
	assert_true(owed_may_send(&o, &two));
	assert_false(owed_may_send(&o, &nine));
}

TEST(a_refusal_ends_what_an_answer_owed)
{
	struct owed o = {0};

	owed_note_answer(&o, &two, 2, 0);
	owed_note_refusal(&o, &nine, 9, 2, 0);
	assert_true(owed_may_send(&o, &two));
}

UNIT_MAIN(NULL, NULL)
