/* SPDX-License-Identifier: MIT */
/* The device at a meter's address: the wrong model, a new serial number, counters that cannot be right. */
#include <stdio.h>
#include <string.h>

#include "paper_bus.h"
#include "unit.h"

enum {
	/* Slots of an hour begin after this many; the first slot that is a day after the first contact is the 25th. */
	DAY_LATER_MS = 25 * HOUR_MS,
	NEW_SERIAL = 0x1234, /* the known one is 0815 */
};

STORY(a_meter_that_is_back_first_gives_its_identity)
{
	begin_up(identified_model, 2, 0, 10);
	take_down_m1(SLOT_MS);
	tick(4 * SLOT_MS);
	forget();
	answer_all();
	expect("<m2 40 P good>\nask m1 100+2\n!m1 meter-up: up: Test at line address 1\nask m1 500+2\n"
	       "ask m1 200+2\n<m1 40 P good>\n");
}

STORY(a_meter_that_gives_no_identity_is_read_and_asked_again_an_hour_later)
{
	begin(identified_model, 1, 0, 10);
	meters[0].retries = 0;
	tick(START_MS);
	time_out();
	expect("ask m1 500+2\n");
	tick(SLOT_MS);
	time_out();
	expect("ask m1 500+2\nask m1 200+2\n");
	answer();
	expect("<m1 10 P good>\n!m1 meter-up: up: Test at line address 1\n");
	tick(2 * SLOT_MS);
	answer();
	expect("ask m1 200+2\n<m1 20 P good>\n");
	tick(SLOT_MS + HOUR_MS);
	expect("ask m1 500+2\n");
}

STORY(readings_of_another_model_are_suspect)
{
	begin(identified_model, 1, 0, 10);
	tick(START_MS);
	answer_other_maker();
	expect("ask m1 500+2\n!m1 meter-up: up: Test at line address 1\n"
	       "!m1 identity-changed: not a test: maker is \"ABCD\", expected \"SOCO\"; its readings are kept as "
	       "suspect\n");
	assert_string_equal(meter_status(0).state, "suspect");
	assert_string_equal(meter_status(0).mismatch, "maker is \"ABCD\", expected \"SOCO\"");
	tick(SLOT_MS);
	answer();
	expect("ask m1 200+2\n<m1 10 P suspect>\n");
}

STORY(a_meter_is_asked_for_its_identity_every_day)
{
	begin(identified_model, 1, 0, 3600);
	tick(START_MS);
	answer_all();
	for (int64_t ms = HOUR_MS; ms < DAY_LATER_MS; ms += HOUR_MS) {
		forget();
		tick(ms);
		answer_all();
		assert_false(was_written("500+2"));
	}
	forget();
	tick(DAY_LATER_MS);
	expect("ask m1 500+2\n");
}

STORY(a_meter_of_another_model_is_asked_again_and_the_right_one_counts)
{
	begin(identified_model, 1, 0, 3600);
	tick(START_MS);
	answer_other_maker();
	forget();
	tick(HOUR_MS);
	expect("ask m1 500+2\n");
	answer();
	expect("!m1 identity-changed: is a test again; its readings count\nask m1 200+2\n");
	answer();
	expect("<m1 3600 P good>\n");
	assert_string_equal(meter_status(0).state, "up");
	assert_string_equal(meter_status(0).mismatch, "");
	tick(2 * HOUR_MS);
	expect("ask m1 200+2\n");
}

/* A meter with the serial number 0815 is due to report it again. */
static void ask_for_serial(void)
{
	begin_up(numbered_model, 1, 10, 0);
	tick(HOUR_MS);
	answer_all();
	forget();
	tick(DAY_LATER_MS);
	expect("ask m1 500+3\n");
}

STORY(a_new_serial_number_is_read_twice_before_it_is_believed)
{
	ask_for_serial();
	answer_with(NEW_SERIAL);
	expect("ask m1 500+3\n");
	answer();
	expect("ask m1 100+2\n");
	answer();
	expect("<m1 90000 E good>\n");
}

STORY(a_serial_number_that_stays_new_is_reported_before_the_counters)
{
	ask_for_serial();
	answer_with(NEW_SERIAL);
	answer_with(NEW_SERIAL);
	expect("ask m1 500+3\n!m1 identity-changed: serial number 1234 was 0815\nm1 is 1234\nask m1 100+2\n");
	answer();
	expect("<m1 90000 E good>\n");
}

STORY(the_first_serial_number_is_read_twice_before_it_is_believed)
{
	begin(numbered_model, 1, 10, 0);
	tick(START_MS);
	answer();
	expect("ask m1 500+3\nask m1 500+3\n");
	answer();
	expect("!m1 meter-up: up: Test at line address 1\nm1 is 0815\n");
	tick(SLOT_MS);
	answer();
	expect("ask m1 100+2\n<m1 10 E good>\n");
}

STORY(a_serial_number_is_believed_after_two_equal_reads_not_after_two_reads)
{
	ask_for_serial();
	answer_with(NEW_SERIAL);
	answer_with(0x5678);
	expect("ask m1 500+3\nask m1 500+3\n");
	answer_with(0x5678);
	expect("!m1 identity-changed: serial number 5678 was 0815\nm1 is 5678\nask m1 100+2\n");
}

STORY(a_meter_whose_serial_number_is_always_another_one_is_read_and_not_believed)
{
	ask_for_serial();
	answer_with(1);
	answer_with(2);
	answer_with(3);
	expect("ask m1 500+3\nask m1 500+3\nask m1 100+2\n");
	answer();
	expect("<m1 90000 E good>\n");
	tick(DAY_LATER_MS + SLOT_MS);
	expect("ask m1 500+3\n");
	answer_with(3); /* the second of two equal reads may come in the next round */
	expect("!m1 identity-changed: serial number 0003 was 0815\nm1 is 0003\nask m1 100+2\n");
}

STORY(a_serial_number_of_zeros_or_ones_says_nothing)
{
	ask_for_serial();
	answer_with(0);
	expect("ask m1 100+2\n");
	answer();
	expect("<m1 90000 E good>\n");
	tick(DAY_LATER_MS + MINUTE_MS); /* it is asked again in a minute, then in two ... */
	answer_with(0xFFFF);
	expect("ask m1 500+3\nask m1 100+2\n");
	answer();
	forget();
	tick(DAY_LATER_MS + 2 * MINUTE_MS);
	answer();
	expect("ask m1 100+2\n<m1 90120 E good>\n");
	tick(DAY_LATER_MS + 3 * MINUTE_MS);
	answer();
	expect("ask m1 500+3\nask m1 100+2\n");
	answer();
	forget();
	tick(DAY_LATER_MS + 30 * MINUTE_MS); /* and when it has come, in a day */
	answer();
	expect("ask m1 100+2\n<m1 91800 E good>\n");
}

STORY(the_counters_of_a_possibly_exchanged_meter_are_not_read)
{
	ask_for_serial();
	answer_with(NEW_SERIAL);
	time_out();
	tick(DAY_LATER_MS + 1000);
	time_out();
	expect("ask m1 500+3\nask m1 500+3\n");
	tick(DAY_LATER_MS + SLOT_MS);
	expect("ask m1 500+3\n");
}

STORY(a_serial_number_known_from_before_the_start_counts_as_known)
{
	begin(numbered_model, 1, 10, 0);
	snprintf(known_serial, sizeof(known_serial), "0815");
	tick(START_MS);
	answer();
	expect("ask m1 500+3\n!m1 meter-up: up: Test at line address 1\n");
}

STORY(implausible_counters_are_read_again_before_they_are_reported)
{
	begin_up(plain_model, 2, 10, 0);
	tick(SLOT_MS);
	answer_with(NONSENSE);
	expect("ask m1 100+2\nask m2 100+2\n");
	answer();
	expect("<m2 10 E good>\nask m1 100+2\n");
	answer();
	expect("!m1 read-twice: active_energy_import was 21474508.790 kWh, and 0.000 when it was read again; the "
	       "second "
	       "value counts\n<m1 10 E good>\n");
	assert_string_equal(meter_status(0).state, "up");
}

STORY(counters_that_stay_implausible_are_reported)
{
	begin_up(plain_model, 1, 10, 0);
	tick(SLOT_MS);
	answer_with(NONSENSE);
	answer_with(NONSENSE);
	expect("ask m1 100+2\nask m1 100+2\n<m1 10 E good implausible>\n");
	tick(2 * SLOT_MS);
	expect("ask m1 100+2\n");
}

STORY(a_meter_with_implausible_counters_is_asked_for_its_identity)
{
	begin_up(identified_model, 1, 10, 0);
	tick(SLOT_MS);
	answer_with(NONSENSE);
	expect("ask m1 100+2\nask m1 500+2\n");
	answer();
	expect("ask m1 100+2\n");
	answer_with(NONSENSE);
	expect("<m1 10 E good implausible>\n");
	tick(2 * SLOT_MS);
	answer();
	expect("ask m1 100+2\n<m1 20 E good>\n");
}

STORY(a_meter_that_became_another_model_is_suspect_before_its_counters_are_reported)
{
	begin_up(identified_model, 1, 10, 0);
	tick(SLOT_MS);
	answer_with(NONSENSE);
	answer_other_maker();
	answer();
	expect("ask m1 100+2\nask m1 500+2\n"
	       "!m1 identity-changed: not a test: maker is \"ABCD\", expected \"SOCO\"; its readings are kept as "
	       "suspect\nask m1 100+2\n<m1 10 E suspect>\n");
}

/* At 2 s m1 answers nonsense. m2 uses all the time until the next slot, so m1 is asked again only then. */
static void leave_no_time_for_a_second_reading(const char *model)
{
	begin_up(model, 2, 1, 0);
	tick(2000);
	answer_with(NONSENSE);
	answer_after(950); /* 50 ms are left: less than the 100 that any question needs */
	tick(3000);
}

STORY(the_identity_comes_first_when_there_was_no_time_for_it)
{
	leave_no_time_for_a_second_reading(identified_model);
	expect("ask m1 100+2\nask m2 100+2\n<m2 2 E late 950ms>\nask m1 500+2\nask m2 100+2\n");
	answer();
	expect("ask m1 100+2\n");
}

STORY(implausible_counters_that_cannot_be_read_again_are_dropped)
{
	leave_no_time_for_a_second_reading(plain_model);
	expect("ask m1 100+2\nask m2 100+2\n<m2 2 E late 950ms>\nask m1 100+2\nask m2 100+2\n");
	answer();
	expect("<m1 3 E good>\n");
	assert_string_equal(meter_status(0).state, "up");
}

STORY(implausible_counters_of_two_slots_are_reported)
{
	leave_no_time_for_a_second_reading(plain_model);
	expect("ask m1 100+2\nask m2 100+2\n<m2 2 E late 950ms>\nask m1 100+2\nask m2 100+2\n");
	answer_with(NONSENSE);
	expect("<m1 3 E good implausible>\n");
}

STORY(counters_that_leap_are_read_again_without_an_identity)
{
	begin_up(identified_model, 1, 10, 0);
	tick(SLOT_MS);
	answer_with(LEAP);
	expect("ask m1 100+2\nask m1 100+2\n");
	answer_with(LEAP);
	expect("<m1 10 E good leaps>\n");
	tick(2 * SLOT_MS);
	answer();
	expect("ask m1 100+2\n<m1 20 E good>\n");
}

STORY(the_second_value_replaces_the_first_and_an_event_has_both)
{
	begin_up(plain_model, 1, 10, 0);
	tick(SLOT_MS);
	answer_with(LEAP);
	answer();
	expect("ask m1 100+2\nask m1 100+2\n"
	       "!m1 read-twice: active_energy_import was 655.370 kWh, and 0.000 when it was read again; the second "
	       "value "
	       "counts\n<m1 10 E good>\n");
}

STORY(counters_that_leap_are_reported_where_no_second_reading_came)
{
	begin_up(plain_model, 1, 10, 0);
	tick(SLOT_MS);
	answer_with(LEAP);
	time_out();
	expect("ask m1 100+2\nask m1 100+2\n<m1 10 E good leaps>\n");
}

STORY(counters_that_leap_are_reported_where_there_is_no_time_for_a_second_reading)
{
	begin_up(plain_model, 2, 1, 0);
	tick(2000);
	answer_with(LEAP);
	answer_after(950);
	tick(3000);
	expect("ask m1 100+2\nask m2 100+2\n<m2 2 E late 950ms>\n<m1 2 E good leaps>\nask m1 100+2\nask m2 100+2\n");
	answer();
	expect("<m1 3 E good>\n");
}

UNIT_MAIN(NULL, NULL)
