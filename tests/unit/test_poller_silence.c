/* SPDX-License-Identifier: MIT */
/* Lines without answers: a silent line, a lost line, and the requests when it is back. */
#include <string.h>

#include "paper_bus.h"
#include "unit.h"

STORY(a_silent_line_is_reported_once_and_its_meters_are_shown_as_suspect)
{
	begin_up(plain_model, 3, 0, 10);
	tick(SLOT_MS);
	for (int i = 0; i < 3; i++)
		time_out();
	expect("ask m1 200+2\nask m2 200+2\nask m3 200+2\nask m1 200+2\n");
	time_out();
	expect("!line bus-down: down: none of 3 meters answers; check adapter, wiring and speed\n");
	assert_int_equal(poller_next_ms(poller, SLOT_MS), 2 * SLOT_MS);
	for (int64_t ms = 2 * SLOT_MS; ms < 6 * SLOT_MS; ms += SLOT_MS) {
		tick(ms);
		time_out();
	}
	expect("ask m1 100+2\nask m2 100+2\nask m3 100+2\nask m1 100+2\n");
	assert_int_equal(n_logged, 1);
	assert_string_equal(meter_status(0).state, "suspect");
	assert_int_equal(poller_n_meters_up(poller), 0);
	assert_string_equal(bus_status().state, "down");
	assert_int_equal(bus_status().overruns, 0);
	tick(6 * SLOT_MS);
	answer();
	expect("ask m2 100+2\n!line bus-up: up: meters answer\nask m1 200+2\nask m2 200+2\nask m3 200+2\n");
	assert_string_equal(bus_status().state, "up");
	assert_string_equal(meter_status(0).state, "up");
	assert_int_equal(poller_n_meters_up(poller), 3);
}

STORY(one_more_meter_is_asked_before_a_line_counts_as_silent)
{
	begin_up(plain_model, 2, 0, 10);
	tick(SLOT_MS);
	time_out();
	time_out();
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\nask m1 200+2\n<m1 10 P good>\nask m2 200+2\n<m2 10 P good>\n");
	assert_string_equal(bus_status().state, "up");
}

/* Two meters read every 10 s do not answer; a third, that is read every quarter of an hour, answered last. */
static void begin_with_third_of_long_period(void)
{
	begin_up(plain_model, 3, 0, 10);
	meters[2].power_every_s = 900;
	tick(SLOT_MS);
	time_out();
	time_out();
	expect("ask m1 200+2\nask m2 200+2\nask m3 100+2\n");
}

STORY(a_meter_that_was_not_due_is_asked_and_proves_the_line)
{
	begin_with_third_of_long_period();
	answer();
	time_out();
	time_out();
	expect("ask m1 200+2\nask m2 200+2\n");
	assert_string_equal(bus_status().state, "up");
	assert_string_equal(meter_status(0).state, "suspect");
	assert_string_equal(meter_status(2).state, "up");
}

STORY(a_line_is_silent_when_a_meter_that_was_not_due_is_silent_too)
{
	begin_with_third_of_long_period();
	time_out();
	expect("!line bus-down: down: none of 3 meters answers; check adapter, wiring and speed\n");
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(meter_status(i).state, "suspect");
}

STORY(a_line_whose_last_meter_goes_down_is_silent)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(SLOT_MS);
	forget();
	for (int64_t ms = 4 * SLOT_MS; ms <= 6 * SLOT_MS; ms += SLOT_MS) {
		tick(ms);
		while (asked_first() != NULL)
			time_out();
	}
	assert_true(was_written("!m2 meter-down"));
	assert_true(was_written("!line bus-down: down: none of 2 meters answers; check adapter, wiring and speed\n"));
	forget();
	tick(7 * SLOT_MS);
	answer();
	expect("ask m1 100+2\n!line bus-up: up: meters answer\n!m1 meter-up: up: Test at line address 1\n"
	       "ask m1 200+2\n");
	answer_all();
	expect("<m1 70 P good>\nask m2 100+2\n!m2 meter-up: up: Test at line address 2\nask m2 200+2\n<m2 70 P "
	       "good>\n");
}

STORY(a_bus_of_one_meter_has_no_silent_line)
{
	begin_up(plain_model, 1, 0, 10);
	take_down_m1(SLOT_MS);
	assert_string_equal(bus_status().state, "up");
}

STORY(an_exception_of_the_gateway_counts_against_the_meter_and_proves_the_line)
{
	enum { NO_ANSWER_BEHIND_GATEWAY = 11 };

	begin_up(plain_model, 2, 0, 10);
	for (int64_t ms = SLOT_MS; ms <= 3 * SLOT_MS; ms += SLOT_MS) {
		tick(ms);
		while (asked_first() != NULL)
			answer_exception(NO_ANSWER_BEHIND_GATEWAY);
	}
	assert_string_equal(meter_status(0).state, "down");
	assert_string_equal(meter_status(1).state, "down");
	assert_true(meter_status(0).exceptions > 0);
	assert_string_equal(bus_status().state, "up");
	assert_false(was_written("bus-"));
}

STORY(meters_of_a_line_that_was_silent_at_start_need_not_wait_for_their_slot)
{
	begin(identified_model, 3, 900, 0);
	tick(START_MS);
	for (int i = 0; i < 4; i++)
		time_out();
	assert_string_equal(bus_status().state, "down");
	forget();
	tick(START_MS + 10000);
	answer();
	expect("ask m1 100+2\n!line bus-up: up: meters answer\n!m1 meter-up: up: Test at line address 1\n"
	       "ask m2 500+2\nask m3 500+2\n");
}

STORY(a_lost_line_is_reported_once_and_read_again_when_it_is_back)
{
	begin_up(plain_model, 2, 60, 10);
	tick(SLOT_MS);
	lose_line();
	expect("ask m1 200+2\nask m2 200+2\n!line bus-down: down: port gone; retried until it is back\n");
	for (int64_t ms = 2 * SLOT_MS; ms <= 6 * SLOT_MS; ms += SLOT_MS) {
		assert_int_equal(poller_next_ms(poller, ms - SLOT_MS), ms);
		tick(ms);
	}
	expect("");
	assert_string_equal(meter_status(0).state, "suspect");
	restore_line_after(5000);
	expect("ask m1 100+2 200+2\nask m2 100+2 200+2\n");
	answer();
	expect("!line bus-up: up: meters answer\n<m1 60 EP good 5000ms>\n");
	assert_int_equal(n_logged, 2);
}

/* The worker may open the line again at any moment, even between two checks by the poller. */
STORY(a_line_that_comes_back_while_its_loss_is_reported_continues)
{
	for (unsigned n_looks = 0; n_looks < 8; n_looks++) {
		begin_up(plain_model, 2, 0, 10);
		tick(SLOT_MS);
		lose_line_for_looks(n_looks);
		wake();
		answer_all();
		forget();
		tick(2 * SLOT_MS);
		expect("ask m1 200+2\nask m2 200+2\n");
		end(state);
	}
}

STORY(nothing_is_due_during_the_first_round_after_a_loss)
{
	begin_up(plain_model, 2, 0, 10);
	tick(SLOT_MS);
	lose_line();
	restore_line_after(0);
	answer();
	assert_int_equal(poller_next_ms(poller, now_ms), 2 * SLOT_MS);
	answer();
	assert_int_equal(poller_next_ms(poller, now_ms), 2 * SLOT_MS);
}

STORY(down_meters_are_probed_as_soon_as_a_lost_line_is_back)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(SLOT_MS);
	tick(4 * SLOT_MS);
	answer();
	time_out();
	tick(5 * SLOT_MS);
	lose_line();
	forget();
	restore_line_after(1000);
	answer();
	expect("ask m2 200+2\n!line bus-up: up: meters answer\n<m2 50 P good 1000ms>\nask m1 100+2\n");
}

STORY(a_slot_in_which_the_line_was_lost_is_read_when_it_is_back)
{
	int64_t quarter_ms = 15 * MINUTE_MS;

	begin_up(plain_model, 2, 900, 0);
	tick(quarter_ms);
	answer();
	lose_line();
	expect("ask m1 100+2\nask m2 100+2\n<m1 900 E good>\n"
	       "!line bus-down: down: port gone; retried until it is back\n");
	restore_line_after(5000);
	expect("ask m2 100+2\n");
	answer();
	expect("!line bus-up: up: meters answer\n<m2 900 E good 5000ms>\n");
}

STORY(a_port_that_cannot_be_opened_at_start_is_reported_and_contact_waits)
{
	begin(plain_model, 1, 60, 10);
	lose_line();
	assert_int_equal(poller_next_ms(poller, START_MS), SLOT_MS);
	wake();
	tick(SLOT_MS);
	expect("!line bus-down: down: port gone; retried until it is back\n");
	restore_line_after(0);
	expect("ask m1 100+2\n");
}

STORY(a_connection_that_breaks_and_comes_back_counts_against_the_meter)
{
	begin_up(plain_model, 2, 0, 10);
	tick(SLOT_MS);
	break_connection();
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\n<m2 10 P good>\nask m1 200+2\n<m1 10 P good>\n");
	assert_int_equal(meter_status(0).failures, 1);
	assert_string_equal(bus_status().state, "up");
}

UNIT_MAIN(NULL, NULL)
