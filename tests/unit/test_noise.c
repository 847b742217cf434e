/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "noise.h"
#include "unit.h"

enum { START_MS = 1000000, END_MS = START_MS + NOISE_HOUR_MS };

static void count(struct noise *noise, enum link_status status, unsigned n)
{
	const struct link_reply reply = {.status = status, .sent_us = 1};

	while (n-- > 0)
		noise_count(noise, &reply, 1, START_MS);
}

TEST(the_first_meter_that_fails_a_round_is_named_and_named_again_when_it_answers)
{
	struct noise noise = {0};
	char text[NOISE_TEXT_MAX];

	assert_true(noise_note_failure(&noise, 7, START_MS));
	assert_true(noise_note_return(&noise, 7));
	assert_false(noise_note_return(&noise, 7));
	assert_false(noise_take(&noise, END_MS - 1, text));
	assert_false(noise_take(&noise, END_MS, text));
	assert_true(noise_note_failure(&noise, 7, END_MS));
}

TEST(later_failures_are_counted_and_reported_when_the_hour_is_over)
{
	struct noise noise = {0};
	char text[NOISE_TEXT_MAX];

	noise_note_failure(&noise, 7, START_MS);
	for (unsigned i = 0; i < 5; i++) {
		assert_false(noise_note_failure(&noise, i, START_MS + i));
		assert_false(noise_note_return(&noise, i));
	}
	count(&noise, LINK_OK, 90);
	count(&noise, LINK_CRC, 8);
	count(&noise, LINK_TIMEOUT, 2);
	assert_false(noise_take(&noise, END_MS - 1, text));
	assert_true(noise_take(&noise, END_MS, text));
	assert_string_equal(text,
			    "noisy: 10 of 100 requests failed in the last hour (2 timeout, 8 bad CRC), and 5 times a "
			    "meter failed a round; check termination, shield and cables; tally status names the "
			    "meters");
}

TEST(each_hour_has_its_own_counts_and_the_first_quiet_one_is_the_last)
{
	struct noise noise = {0};
	char text[NOISE_TEXT_MAX];

	noise_note_failure(&noise, 7, START_MS);
	noise_note_failure(&noise, 8, START_MS);
	count(&noise, LINK_CRC, 3);
	assert_true(noise_take(&noise, END_MS, text));
	assert_true(noise_note_return(&noise, 7));
	assert_false(noise_note_failure(&noise, 9, END_MS + 1));
	count(&noise, LINK_CRC, 1);
	assert_true(noise_take(&noise, END_MS + NOISE_HOUR_MS, text));
	assert_non_null(strstr(text, "noisy: 1 of 1 requests failed in the last hour (1 bad CRC), and 1 times"));
	assert_false(noise_take(&noise, END_MS + 2 * NOISE_HOUR_MS, text));
	assert_true(noise_note_failure(&noise, 9, END_MS + 2 * NOISE_HOUR_MS + 1));
}

TEST(a_clock_that_was_set_back_does_not_make_the_hour_longer)
{
	struct noise noise = {0};
	char text[NOISE_TEXT_MAX];

	noise_note_failure(&noise, 7, START_MS + 10 * NOISE_HOUR_MS);
	noise_note_failure(&noise, 8, START_MS + 10 * NOISE_HOUR_MS);
	noise_clock_set_back(&noise, START_MS);
	assert_false(noise_take(&noise, END_MS - 1, text));
	assert_true(noise_take(&noise, END_MS, text));
}

UNIT_MAIN(NULL, NULL)
