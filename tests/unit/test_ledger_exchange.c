/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "ledger_site.h"
#include "unit.h"

static const char lives[] = "SELECT from_value, until_value, reason FROM meter_life "
			    "WHERE quantity = 'active_energy_import' ORDER BY since";

TEST_WITH(a_changed_serial_number_begins_a_life, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 300, 5000);
	add_serial(t, "press", "B2");
	run(t, 360, 960, 6000);
	assert_rows(t, "SELECT kind, detail FROM event", "meter-replaced|serial number was A1, is now B2");
	assert_rows(t, lives, "5.0|5.05|first\n6.06||replaced");
	assert_rows(t, "SELECT serial FROM meter_status WHERE meter = 'press'", "B2");
	assert_rows(t, "SELECT value, quality FROM interval", "0.14|estimated");
}

/* A small step from one meter to the next looks like consumption: only the serial number shows it. */
TEST_WITH(a_changed_serial_number_begins_a_life_even_soon_after_a_reset, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 300, 5000);
	run(t, 360, 1800, -60); /* reset to 0 */
	add_serial(t, "press", "B2");
	run(t, 1860, 2760, 500);
	assert_rows(t, lives, "5.0|5.05|first\n0.0|0.24|reset\n0.81||replaced");
	assert_rows(t, "SELECT sum(value) FROM interval", "0.43");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT sum(value) FROM interval", "0.43");
}

TEST_WITH(a_replaced_meter_is_counted_to_its_final_and_from_its_initial_value, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5060, initial = 100;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, &final, &initial);
	run(t, 360, 960, 60);
	assert_rows(t, lives, "5.0|5.06|first\n0.1||replaced");
	assert_rows(t, "SELECT value FROM interval", "0.17");
	assert_rows(t, "SELECT kind FROM event", "meter-replaced");
}

TEST_WITH(an_exchange_that_is_requested_late_counts_nothing_twice, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5060, initial = 0;

	run(t, 0, 300, 5000);
	run(t, 360, 3600, -60); /* the new meter shows 0 at 360 */
	request_replacement(t, "press", T + 3600, &final, &initial);
	run(t, 3660, 7260, -60);
	assert_rows(t, "SELECT sum(value) FROM interval", "1.19");
	assert_rows(t, "SELECT reason FROM meter_life WHERE quantity = 'active_energy_import'", "first\nreset");
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'meter-replaced'",
		    "already noticed as a reset; the final and initial values cannot be counted any more");
}

TEST_WITH(an_exchange_in_the_second_of_a_slot_precedes_its_reading, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 360, NULL, NULL);
	commit(t);
	run(t, 360, 960, 0);
	assert_rows(t, lives, "5.0|5.05|first\n0.06||replaced");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "5.0|5.05|first\n0.06||replaced");
	assert_rows(t, "SELECT value FROM interval", "0.14");
}

TEST_WITH(an_exchange_of_an_input_takes_its_figures_in_another_unit, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60, final = 61000000, initial = 7000000;

	add(t, "pulses", now_s - 60, READING_GOOD, Q_PULSES_1, INT64_C(40), Q_COUNT);
	commit(t);
	t->inputs[0].quantity = Q_VOLUME;
	t->inputs[0].shown = names_unit(Q_VOLUME, "l");
	t->inputs[0].weight = 1000000;
	configure(t);
	for (int64_t i = 1; i <= 10; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 50 + i, Q_COUNT);
	commit(t);
	request_replacement(t, "lighting", now_s + 630, &final, &initial);
	commit(t);
	assert_rows(t,
		    "SELECT from_raw, until_raw FROM life l JOIN quantity q ON q.id = l.quantity WHERE name = 'volume'",
		    "51000000|61000000\n7000000|");
}

UNIT_MAIN(NULL, NULL)
