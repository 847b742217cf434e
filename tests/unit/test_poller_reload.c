/* SPDX-License-Identifier: MIT */
/* The end of a poller: it reports its last answers, and the next poller continues its work. */
#include "paper_bus.h"
#include "unit.h"

STORY(a_line_that_was_down_before_a_reload_is_reported_down_again_and_then_up)
{
	begin_up(plain_model, 2, 0, 10);
	tick(SLOT_MS);
	lose_line();
	assert_string_equal(bus_status().state, "down");
	reload();
	forget();
	assert_string_equal(bus_status().state, "down");
	wake();
	expect("!line bus-down: down: port gone; retried until it is back\n");
	restore_line_after(0);
	answer();
	expect("ask m1 200+2\nask m2 200+2\n!line bus-up: up: meters answer\n<m1 10 P good>\n");
	assert_string_equal(bus_status().state, "up");
}

STORY(a_poller_that_ends_reports_the_answers_and_asks_nothing_more)
{
	begin_up(plain_model, 3, 60, 10);
	tick(MINUTE_MS);
	time_out();
	forget();
	bring_back(LINK_OK, 0, 1); /* of two requests */
	bring_back(LINK_OK, 0, 0);
	poller_end(poller, false, now_ms);
	expect("<m2 60 EP good no power>\n");
	assert_int_equal(n_logged, 0);
	tick(MINUTE_MS + SLOT_MS);
	expect("");
}

STORY(the_next_poller_repeats_an_interrupted_reading_in_its_slot)
{
	begin_up(plain_model, 2, 60, 10);
	tick(MINUTE_MS);
	answer();
	bring_back(LINK_OK, 0, 1); /* of two requests */
	reload();
	forget();
	tick(MINUTE_MS + 500); /* still the same slot */
	expect("ask m2 100+2 200+2\n");
}

/* By the new configuration its values may mean something else. */
STORY(an_answer_that_comes_after_a_reload_is_not_passed_on_but_asked_for_again)
{
	begin_up(plain_model, 1, 60, 10);
	tick(MINUTE_MS);
	forget();
	bring_back(LINK_OK, 0, 0);
	reload();
	expect("");
	tick(MINUTE_MS + 500); /* still the same slot */
	expect("ask m1 100+2 200+2\n");
	answer();
	expect("<m1 60 EP good 500ms>\n");
}

UNIT_MAIN(NULL, NULL)
