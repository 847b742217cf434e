/* SPDX-License-Identifier: MIT */
/* The time left between a round and the next slot: retries, suspect meters, probes. */
#include <string.h>

#include "paper_bus.h"
#include "unit.h"

enum {
	SECOND_MS = 1000, /* the period of stories about lines that are always busy */
	/* After the slot of a one-second period, so that 50 ms are left: less than the 100 that any question needs. */
	LEAVES_NO_TIME_MS = 950,
};

STORY(a_meter_that_fails_is_retried_after_all_others)
{
	begin_up(plain_model, 3, 60, 10);
	tick(MINUTE_MS);
	time_out();
	expect("ask m1 100+2 200+2\nask m2 100+2 200+2\nask m3 100+2 200+2\n");
	answer_all();
	expect("<m2 60 EP good>\n<m3 60 EP good>\nask m1 100+2 200+2\n<m1 60 EP good>\n");
	assert_string_equal(meter_status(0).state, "up");
	assert_int_equal(meter_status(0).failures, 1);
	assert_int_equal(n_logged, 0);
}

STORY(only_a_request_without_an_answer_is_retried)
{
	begin_up(plain_model, 1, 60, 10);
	tick(MINUTE_MS);
	answer_except(1, LINK_CRC, 0);
	expect("ask m1 100+2 200+2\nask m1 200+2\n");
	time_out();
	expect("<m1 60 EP good no power>\n");
	assert_string_equal(meter_status(0).state, "suspect");
	assert_int_equal(meter_status(0).crc_errors, 1);
	assert_int_equal(meter_status(0).timeouts, 1);
}

STORY(a_retry_that_finds_no_time_before_the_next_slot_is_given_up)
{
	begin_up(plain_model, 2, 0, 1);
	tick(2 * SECOND_MS);
	time_out();
	answer_after(LEAVES_NO_TIME_MS);
	expect("ask m1 200+2\nask m2 200+2\n<m2 2 P late 950ms>\n");
	tick(3 * SECOND_MS);
	expect("ask m2 200+2\n");
	assert_string_equal(meter_status(0).state, "suspect");
	answer();
	expect("<m2 3 P good>\nask m1 200+2\n");
}

STORY(a_suspect_is_asked_once_after_the_others_with_its_timeout_cut_to_the_time_left)
{
	begin_up(plain_model, 2, 0, 1);
	meters[0].retries = 0;
	tick(2 * SECOND_MS);
	time_out();
	answer();
	forget();
	tick(3 * SECOND_MS);
	expect("ask m2 200+2\n");
	answer_after(300);
	expect("<m2 3 P good 300ms>\nask m1 200+2 in 700ms\n");
	time_out();
	expect("");
}

STORY(a_suspect_that_never_finds_time_is_asked_anyway)
{
	begin_up(plain_model, 2, 0, 1);
	meters[0].retries = 0;
	tick(2 * SECOND_MS);
	time_out();
	answer();
	for (int64_t ms = 3 * SECOND_MS; ms < 13 * SECOND_MS; ms += SECOND_MS) {
		tick(ms);
		answer_after(LEAVES_NO_TIME_MS);
		assert_null(asked_first());
	}
	/* Now m1 has waited ten seconds, since its slot at 3 s. */
	forget();
	tick(13 * SECOND_MS);
	answer_after(LEAVES_NO_TIME_MS);
	expect("ask m2 200+2\n<m2 13 P late 950ms>\nask m1 200+2\n");
}

STORY(a_suspect_is_asked_only_when_its_answer_fits_the_time_left)
{
	/* Half a second is left: less than twice the 400 ms that answers take here. */
	int64_t leaves_too_little_ms = SLOT_MS - 500;

	begin(plain_model, 2, 0, 10);
	latency_us = 400000;
	meters[0].retries = 0;
	tick(START_MS);
	answer_all();
	tick(SLOT_MS);
	time_out();
	answer();
	forget();
	tick(2 * SLOT_MS);
	answer_after(leaves_too_little_ms);
	expect("ask m2 200+2\n<m2 20 P late 9500ms>\n");
	/* A slot later m1 has waited more than ten seconds and is asked all the same, with its full timeout. */
	tick(3 * SLOT_MS);
	answer_after(leaves_too_little_ms);
	expect("ask m2 200+2\n<m2 30 P late 9500ms>\nask m1 200+2\n");
}

STORY(a_meter_that_never_answered_counts_as_slow_as_the_slowest_of_the_line)
{
	/* Answers take 400 ms here, so 500 ms are too little time, and 900 ms are enough. */
	int64_t leaves_too_little_ms = SLOT_MS - 500, leaves_enough_ms = SLOT_MS - 900;

	begin(plain_model, 2, 0, 10);
	latency_us = 400000;
	tick(START_MS);
	time_out();
	answer();
	forget();
	tick(SLOT_MS);
	answer_after(leaves_too_little_ms);
	expect("ask m2 200+2\n<m2 10 P late 9500ms>\n");
	tick(2 * SLOT_MS);
	answer_after(leaves_enough_ms);
	expect("ask m2 200+2\n<m2 20 P late 9100ms>\nask m1 200+2 in 900ms\n");
}

STORY(a_suspect_is_asked_even_when_rounds_follow_without_a_pause)
{
	/* The answer comes after the next slot, so that no time is ever left. */
	enum { OVERRUNS_MS = 50 };

	begin_up(plain_model, 2, 1, 0);
	meters[0].retries = 0;
	tick(2 * SECOND_MS);
	time_out();
	answer();
	tick(3 * SECOND_MS);
	for (int64_t ms = 4 * SECOND_MS; ms < 13 * SECOND_MS; ms += SECOND_MS) {
		forget();
		tick(ms);
		answer_after(OVERRUNS_MS);
		assert_false(was_written("ask m1"));
	}
	tick(13 * SECOND_MS);
	forget();
	answer_after(OVERRUNS_MS);
	expect("<m2 12 E late 1050ms>\nask m1 100+2\nask m2 100+2\n");
}

STORY(each_change_of_state_is_logged_once_and_down_and_up_are_events)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(SLOT_MS);
	assert_int_equal(n_logged, 2);
	assert_true(was_written("!m1 meter-down: down: timeout (so far 4 timeout); next try in 10 s\n"));
	forget();
	tick(4 * SLOT_MS);
	answer();
	expect("ask m2 200+2\n<m2 40 P good>\nask m1 100+2\n");
	answer();
	expect("!m1 meter-up: up: Test at line address 1\nask m1 200+2\n");
	answer();
	assert_int_equal(n_logged, 3);
	tick(5 * SLOT_MS);
	expect("<m1 40 P good>\nask m1 200+2\nask m2 200+2\n");
}

STORY(a_down_meter_is_probed_in_the_time_left_with_growing_pauses)
{
	/* It went down at 30 s. Pauses of 10, 20, 40, 80, 160 s and then always 300 s. */
	static const int64_t at_ms[] = {40000, 60000, 100000, 180000, 340000, 640000, 940000};
	size_t n = 0;

	begin_up(plain_model, 2, 0, 10);
	take_down_m1(SLOT_MS);
	for (int64_t ms = 4 * SLOT_MS; ms < 100 * SLOT_MS; ms += SLOT_MS) {
		forget();
		tick(ms);
		answer();
		if (asked_first() == NULL)
			continue;
		assert_true(n < sizeof(at_ms) / sizeof(at_ms[0]));
		assert_int_equal(ms, at_ms[n++]);
		time_out();
	}
	assert_int_equal(n, 7);
	assert_int_equal(n_logged, 2);
}

STORY(a_probe_waits_for_time_and_its_timeout_is_cut_to_it)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(SLOT_MS);
	tick(4 * SLOT_MS);
	forget();
	answer_after(SLOT_MS - 50); /* less than the 100 ms that any question needs */
	expect("<m2 40 P late 9950ms>\n");
	tick(5 * SLOT_MS);
	answer_after(SLOT_MS - 400);
	expect("ask m2 200+2\n<m2 50 P late 9600ms>\nask m1 100+2 in 400ms\n");
}

STORY(a_probe_that_never_finds_time_is_made_after_five_minutes)
{
	int64_t probe_due_ms = 4 * SLOT_MS;

	begin_up(plain_model, 2, 0, 10);
	take_down_m1(SLOT_MS);
	for (int64_t ms = probe_due_ms; ms < probe_due_ms + 5 * MINUTE_MS; ms += SLOT_MS) {
		tick(ms);
		forget();
		answer_after(SLOT_MS - 50);
		assert_null(asked_first());
	}
	tick(probe_due_ms + 5 * MINUTE_MS);
	forget();
	answer();
	expect("<m2 340 P good>\nask m1 100+2\n");
}

STORY(a_probe_is_due_by_the_clock_and_not_only_at_slots)
{
	begin_up(plain_model, 2, 900, 10);
	take_down_m1(SLOT_MS);
	meters[0].power_every_s = meters[1].power_every_s = 0;
	assert_int_equal(poller_next_ms(poller, 31000), 40000);
	forget();
	tick(40000);
	expect("ask m1 100+2\n");
}

STORY(a_noisy_line_is_reported_once_an_hour_with_counts)
{
	enum { ROUNDS = 2 * HOUR_MS / SLOT_MS };

	begin_up(plain_model, 2, 0, 10);
	n_logged = 0;
	for (int64_t slot = 1; slot <= ROUNDS; slot++) {
		tick(slot * SLOT_MS);
		/* m1 fails each second round, with its retry; m2 answers. */
		while (asked_first() != NULL)
			if (slot % 2 == 0 && strcmp(asked_first(), "m1") == 0)
				time_out();
			else
				answer();
	}
	/* "suspect" and "up again" at the beginning, then one line an hour. */
	assert_int_equal(n_logged, 3);
	tick((ROUNDS + 3) * SLOT_MS);
	assert_int_equal(n_logged, 4);
	while (asked_first() != NULL)
		answer();
	forget();
}

UNIT_MAIN(NULL, NULL)
