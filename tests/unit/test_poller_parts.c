/* SPDX-License-Identifier: MIT */
/* Meters that refuse requests: for a missing register, for all registers, or for the function. */
#include <string.h>

#include "paper_bus.h"
#include "unit.h"

/* Two energies that are read in one plan but not in one request. */
static const char wide_model[] = MODEL_HEAD "active_energy_export = 104 u32 10 Wh energy\n"
					    "active_energy_import = 100 u32 10 Wh energy\n"
					    "active_power = 200 s32 1 W power\n";

/* The same energy in two resolutions, the coarser one for old firmware. */
static const char coarse_model[] = MODEL_HEAD "active_energy_import = 100 u32 10 Wh energy\n"
					      "active_energy_import = 300 u32 1 kWh energy fallback\n";

STORY(a_missing_register_is_reported_once_after_the_round)
{
	begin_up(wide_model, 2, 10, 0);
	tick(SLOT_MS);
	expect("ask m1 100+2 104+2\nask m2 100+2 104+2\n");
	answer_except(1, LINK_EXCEPTION, 2);
	expect("<m1 10 E good>\n");
	answer();
	expect("<m2 10 E good>\nask m1 104+2\n");
	answer_exception(2);
	expect("ask m1 104+2\n");
	answer_exception(2);
	expect("!m1 register-missing: refuses active_energy_export at 104\n");
	assert_string_equal(meter_status(0).state, "up");
	tick(2 * SLOT_MS);
	expect("ask m1 100+2\nask m2 100+2 104+2\n");
}

STORY(a_meter_that_refuses_everything_goes_down_and_comes_back)
{
	begin_up(plain_model, 2, 0, 10);
	for (int64_t ms = SLOT_MS; ms <= 3 * SLOT_MS; ms += SLOT_MS) {
		tick(ms);
		while (asked_first() != NULL)
			strcmp(asked_first(), "m1") == 0 ? refuse(1) : answer();
	}
	assert_true(was_written("!m1 meter-down: down: exception 2, illegal data address"));
	assert_false(was_written("register-missing"));
	forget();
	tick(5 * SLOT_MS); /* after the first probe, which was due at 40 s */
	answer();
	refuse(3); /* the probe, and twice the same request as a part */
	expect("ask m2 200+2\n<m2 50 P good>\nask m1 100+2\nask m1 100+2\nask m1 100+2\n");
	tick(8 * SLOT_MS); /* the next probe is due at 90 s: pauses grow as for a silent meter */
	answer_all();
	expect("ask m2 200+2\n<m2 80 P good>\n");
	tick(9 * SLOT_MS);
	answer_all();
	expect("ask m2 200+2\n<m2 90 P good>\nask m1 100+2\n!m1 meter-up: up: Test at line address 1\nask m1 200+2\n"
	       "<m1 90 P good>\n");
}

STORY(old_firmware_that_comes_back_is_read_from_the_coarser_register)
{
	begin(coarse_model, 2, 10, 0);
	tick(START_MS);
	answer_exception(2);
	answer();
	refuse(2);
	expect("ask m1 100+2\nask m2 100+2\n!m2 meter-up: up: Test at line address 2\nask m1 100+2\nask m1 100+2\n"
	       "!m1 register-missing: refuses active_energy_import at 100\n");
	tick(SLOT_MS);
	answer_all();
	expect("ask m1 300+2\nask m2 100+2\n<m1 10 E good>\n!m1 meter-up: up: Test at line address 1\n<m2 10 E "
	       "good>\n");
}

STORY(an_illegal_function_takes_a_meter_down_at_once)
{
	begin_up(plain_model, 2, 0, 10);
	tick(SLOT_MS);
	answer_exception(1);
	answer();
	answer_exception(1);
	assert_true(was_written("!m1 meter-down: down: exception 1, illegal function"));
}

STORY(an_illegal_function_ends_the_search_in_parts_and_takes_the_meter_down)
{
	begin_up(wide_model, 2, 10, 0);
	tick(SLOT_MS);
	refuse(1);
	answer();
	forget();
	refuse(2); /* the first of both requests, twice: the meter lacks its register */
	expect("ask m1 100+2\nask m1 104+2\n");
	answer_exception(1);
	expect("!m1 meter-down: down: exception 1, illegal function (so far 5 exception); next try in 10 s\n"
	       "!m1 register-missing: refuses active_energy_import at 100\n");
}

/* The meter refuses the finer register, which it has answered, twice in a row. */
static void refuse_finer_register(void)
{
	begin_up(coarse_model, 1, 10, 0);
	tick(SLOT_MS);
	answer();
	tick(2 * SLOT_MS);
	refuse(3);
}

STORY(a_register_that_has_answered_is_asked_again_until_it_is_back)
{
	refuse_finer_register();
	expect("ask m1 100+2\n<m1 10 E good>\nask m1 100+2\nask m1 100+2\nask m1 100+2\n"
	       "!m1 register-refused: refuses active_energy_import at 100, which it has answered; asked again until it "
	       "answers\n");
	assert_string_equal(meter_status(0).refused, "active_energy_import at 100");
	tick(3 * SLOT_MS);
	answer();
	refuse(1);
	expect("ask m1 300+2\n<m1 30 E good>\nask m1 100+2\n");
	tick(4 * SLOT_MS);
	answer();
	expect("ask m1 300+2\n<m1 40 E good>\n");
	tick(5 * SLOT_MS);
	answer();
	answer();
	expect("ask m1 300+2\n<m1 50 E good>\nask m1 100+2\n"
	       "!m1 register-back: answers active_energy_import at 100 again\n");
	tick(6 * SLOT_MS);
	answer();
	expect("ask m1 100+2\n<m1 60 E good>\n");
	assert_string_equal(meter_status(0).state, "up");
	assert_string_equal(meter_status(0).refused, "");
}

STORY(a_register_that_is_asked_again_in_vain_does_not_harm_the_meter)
{
	refuse_finer_register();
	forget();
	for (int i = 0; i < 3; i++) {
		tick((3 + 10 * i) * SLOT_MS);
		answer();
		time_out();
	}
	expect("ask m1 300+2\n<m1 30 E good>\nask m1 100+2\nask m1 300+2\n<m1 130 E good>\nask m1 100+2\n"
	       "ask m1 300+2\n<m1 230 E good>\nask m1 100+2\n");
	assert_string_equal(meter_status(0).state, "up");
}

STORY(a_refused_register_is_still_asked_again_after_a_reload)
{
	refuse_finer_register();
	reload();
	forget();
	tick(3 * SLOT_MS);
	answer();
	answer();
	expect("ask m1 300+2\n<m1 30 E good>\nask m1 100+2\n"
	       "!m1 register-back: answers active_energy_import at 100 again\n");
}

UNIT_MAIN(NULL, NULL)
