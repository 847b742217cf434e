/* SPDX-License-Identifier: MIT */
/* The times at which meters are asked in rounds, and slots that come before a round is over. */
#include <string.h>

#include "paper_bus.h"
#include "unit.h"

static const char maker_only_model[] = MODEL_HEAD "maker = 500 text:2 - - identity expect=SOCO\n";

/* Means no slot: later than any date in the life of a meter. */
static const int64_t NEVER_MS = INT64_C(1000000000000000);

STORY(every_meter_gives_its_identity_at_start_and_its_counters_in_its_slot)
{
	begin(identified_model, 2, 60, 10);
	assert_int_equal(poller_next_ms(poller, START_MS), START_MS);
	tick(START_MS);
	expect("ask m1 500+2\nask m2 500+2\n");
	answer_all();
	expect("!m1 meter-up: up: Test at line address 1\n!m2 meter-up: up: Test at line address 2\n");
	assert_int_equal(poller_next_ms(poller, START_MS), SLOT_MS);
	tick(SLOT_MS);
	expect("ask m1 200+2\nask m2 200+2\n");
	answer_all();
	expect("<m1 10 P good>\n<m2 10 P good>\n");
	tick(MINUTE_MS);
	expect("ask m1 100+2 200+2\nask m2 100+2 200+2\n");
	answer_after(200);
	answer_all();
	expect("<m1 60 EP good 200ms>\n<m2 60 EP good 200ms>\n");
}

STORY(a_model_without_identity_is_probed_at_start)
{
	begin(plain_model, 1, 60, 0);
	tick(START_MS);
	expect("ask m1 100+2\n");
	answer();
	expect("!m1 meter-up: up: Test at line address 1\n");
	assert_string_equal(meter_status(0).state, "up");
}

STORY(a_model_with_only_an_identity_is_never_read)
{
	begin_up(maker_only_model, 1, 1, 1);
	for (int64_t ms = 2000; ms < 10000; ms += 1000)
		tick(ms);
	expect("");
	assert_string_equal(meter_status(0).state, "up");
}

STORY(slots_are_whole_multiples_of_the_period_on_the_clock)
{
	second_power_every_s = 3;
	begin_up(plain_model, 2, 0, 7);
	assert_int_equal(poller_next_ms(poller, START_MS), 3000);
	tick(3000);
	answer_all();
	assert_int_equal(poller_next_ms(poller, 3000), 6000);
	tick(6000);
	answer_all();
	assert_int_equal(poller_next_ms(poller, 6000), 7000);
	tick(7000);
	answer_all();
	expect("ask m2 200+2\n<m2 3 P good>\nask m2 200+2\n<m2 6 P good>\nask m1 200+2\n<m1 7 P good>\n");
}

STORY(energy_and_power_due_at_different_moments_are_read_apart)
{
	begin_up(plain_model, 1, 15, 10);
	tick(21000); /* after the slots of both: energy at 15 s, power at 20 s */
	expect("ask m1 100+2\n");
	answer();
	expect("<m1 15 E good 6000ms>\nask m1 200+2\n");
	answer();
	expect("<m1 20 P good 1000ms>\n");
}

STORY(a_reading_in_the_second_half_of_the_period_is_late)
{
	begin_up(plain_model, 1, 0, 10);
	tick(SLOT_MS);
	answer_after(SLOT_MS / 2 + 1);
	expect("ask m1 200+2\n<m1 10 P late 5001ms>\n");
}

STORY(a_slot_that_comes_during_the_round_is_skipped_and_counted_once)
{
	begin_up(plain_model, 3, 0, 1);
	tick(2000);
	answer();
	tick(3000);
	tick(3100); /* another wake-up in the same slot */
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\nask m3 200+2\n<m1 2 P good>\n<m2 2 P late 1100ms>\n<m3 2 P late 1100ms>\n");
	assert_int_equal(bus_status().overruns, 1);
	assert_int_equal(bus_status().round_ms, 1100);
	tick(4000);
	expect("ask m1 200+2\nask m2 200+2\nask m3 200+2\n");
}

STORY(energy_due_during_a_round_is_read_after_it)
{
	begin_up(plain_model, 2, 60, 10);
	tick(MINUTE_MS - SLOT_MS);
	tick(MINUTE_MS);
	answer_after(1000);
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\n"
	       "<m1 50 P late 11000ms>\n<m2 50 P late 11000ms>\nask m1 100+2\nask m2 100+2\n"
	       "<m1 60 E good 1000ms>\n<m2 60 E good 1000ms>\n");
	assert_int_equal(bus_status().overruns, 1);
}

STORY(energy_due_twice_in_one_round_loses_the_first_slot)
{
	begin_up(plain_model, 1, 10, 0);
	tick(SLOT_MS);
	tick(2 * SLOT_MS);
	tick(3 * SLOT_MS);
	expect("ask m1 100+2\n");
	answer();
	expect("<m1 10 E late 20000ms>\nask m1 100+2\n");
	answer();
	expect("<m1 30 E good>\n");
	assert_int_equal(bus_status().overruns, 1);
}

STORY(a_meter_that_overruns_does_not_starve_one_with_a_long_period)
{
	begin_up(plain_model, 2, 0, 1);
	meters[1].power_every_s = 10;
	tick(9000);
	answer_all();
	expect("ask m1 200+2\n<m1 9 P good>\n");
	tick(9999); /* a wake-up just before the slot of both */
	tick(10000);
	expect("ask m1 200+2\nask m2 200+2\n");
	answer_all();
	forget();
	tick(19000);
	tick(20000); /* m1 still has not answered: m2, which was not in that round, keeps its slot */
	answer_after(200);
	expect("ask m1 200+2\n<m1 19 P late 1200ms>\nask m2 200+2\n");
}

STORY(a_clock_that_is_set_back_is_followed)
{
	int64_t day_later_ms = 25 * HOUR_MS + SLOT_MS, set_back_to_ms = 5000000;

	begin_up(plain_model, 2, 0, 10);
	take_down_m1(day_later_ms);
	forget();
	tick(set_back_to_ms);
	expect("");
	assert_int_equal(poller_next_ms(poller, set_back_to_ms), set_back_to_ms + SLOT_MS);
	tick(set_back_to_ms + SLOT_MS);
	answer();
	expect("ask m2 200+2\n<m2 5010 P good>\nask m1 100+2\n");
}

STORY(a_clock_that_is_slewed_back_repeats_no_slot)
{
	begin_up(plain_model, 1, 0, 10);
	tick(SLOT_MS);
	answer();
	forget();
	tick(SLOT_MS - 1000); /* less than the two seconds that count as set back */
	tick(SLOT_MS);
	expect("");
}

STORY(a_clock_set_forward_during_a_round_keeps_the_delay_sensible)
{
	begin_up(plain_model, 1, 0, 10);
	tick(SLOT_MS);
	now_ms = INT64_C(1800000000000); /* from 1970 to 2027: more milliseconds than a delay can hold */
	answer();
	expect("ask m1 200+2\n<m1 10 P late 4294967295ms>\nask m1 200+2\n");
}

STORY(a_bus_without_meters_asks_nothing_and_needs_no_wake)
{
	begin(plain_model, 0, 60, 10);
	tick(START_MS);
	tick(MINUTE_MS);
	expect("");
	assert_true(poller_next_ms(poller, MINUTE_MS) > NEVER_MS);
	assert_string_equal(bus_status().state, "up");
}

STORY(a_meter_that_is_never_due_is_asked_once)
{
	begin(plain_model, 1, 0, 0);
	tick(START_MS);
	answer();
	tick(10 * SLOT_MS);
	expect("ask m1 100+2\n!m1 meter-up: up: Test at line address 1\n");
	assert_true(poller_next_ms(poller, 10 * SLOT_MS) > NEVER_MS);
}

STORY(a_meter_that_is_dead_at_start_costs_one_timeout_and_then_only_spare_time)
{
	begin(plain_model, 3, 0, 10);
	tick(START_MS);
	time_out();
	answer();
	time_out();
	expect("ask m1 100+2\nask m2 100+2\nask m3 100+2\n!m2 meter-up: up: Test at line address 2\n");
	tick(SLOT_MS);
	expect("ask m2 200+2\n");
	answer();
	expect("<m2 10 P good>\nask m1 200+2\n");
	time_out();
	expect("ask m3 200+2\n");
	assert_string_equal(meter_status(0).state, "never");
}

STORY(the_status_counts_requests_errors_and_the_time_in_use)
{
	begin_up(plain_model, 2, 0, 10);
	(void)bus_status();
	tick(SLOT_MS);
	time_out();
	answer();
	set_busy_us(2500000);
	answer_after(1000);
	assert_int_equal(bus_status().requests, 5);
	now_ms += SLOT_MS; /* ten seconds later, 2.5 of them in use */
	set_busy_us(5000000);
	assert_int_equal((int)bus_status().busy_percent, 25);
	assert_int_equal(bus_status().errors, 1);
	assert_int_equal(bus_status().round_ms, 1000);
	now_ms += 100; /* the request under way was counted with its whole second at once */
	set_busy_us(6000000);
	assert_int_equal((int)bus_status().busy_percent, 100);
}

UNIT_MAIN(NULL, NULL)
