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
	assert_rows(
		t, "SELECT kind, detail FROM event",
		"meter-replaced|serial number was A1, is now B2\n"
		"new-life|active_energy_import: the life before ended with 5.050 kWh, the new one begins with 6.060 "
		"kWh; what passed between them is not counted");
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
	/* the figures are of the main counter only */
	assert_rows(t, "SELECT kind, substr(detail, 1, 24) FROM event",
		    "meter-replaced|as requested by tally re\nnew-life|active_energy_import_t1:");
}

TEST_WITH(an_exchange_that_is_requested_late_counts_nothing_twice, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	run(t, 360, 3600, -60); /* the new meter shows 0 at 360 */
	request_replacement(t, "press", T + 3600, NULL, NULL);
	run(t, 3660, 7260, -60);
	assert_rows(t, "SELECT sum(value) FROM interval", "1.19");
	assert_rows(t, "SELECT reason FROM meter_life WHERE quantity = 'active_energy_import'", "first\nreset");
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'meter-replaced'", "already noticed as a reset");
	assert_rows(t, "SELECT state, reason FROM request", "done|already noticed as a reset; its life continues");
}

TEST_WITH(figures_of_an_exchange_that_was_noticed_before_are_refused, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5060, initial = 0;

	run(t, 0, 300, 5000);
	run(t, 360, 3600, -60);
	request_replacement(t, "press", T + 3600, &final, &initial);
	run(t, 3660, 7260, -60);
	assert_rows(t, "SELECT state, reason FROM request",
		    "refused|already noticed as a reset; final and initial values cannot be counted any more");
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'meter-replaced'", "0");
	assert_rows(t, "SELECT count(*) FROM meter_replacement", "0");
}

TEST_WITH(a_final_value_of_the_life_after_a_reset_is_of_another_exchange_for_all_counters, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 540, initial = 7000;

	run(t, 0, 300, 5000);
	run(t, 360, 3600, -60);
	request_replacement(t, "press", T + 3600, &final, &initial);
	run(t, 3660, 7260, 6400);
	assert_rows(t, "SELECT state FROM request", "done");
	assert_rows(t,
		    "SELECT quantity, from_value, until_value, reason FROM meter_life WHERE reason = 'replaced' "
		    "ORDER BY quantity",
		    "active_energy_import|7.0||replaced\nactive_energy_import_t1|3.505||replaced");
}

TEST_WITH(a_final_value_below_the_last_reading_is_refused_and_changes_nothing, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5049;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, &final, NULL);
	run(t, 360, 960, 5000);
	assert_rows(
		t, "SELECT state, reason FROM request",
		"refused|the final value 5.049 kWh is below the last reading 5.050 kWh; --force accepts it, and counts "
		"to the reading");
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, "SELECT count(*) FROM event", "0");
	assert_rows(t, "SELECT value, quality FROM interval", "0.15|measured");
}

TEST_WITH(a_final_value_above_what_could_have_passed_is_refused_and_changes_nothing, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5000000;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, &final, NULL);
	run(t, 360, 960, 5000);
	assert_rows(t, "SELECT state, substr(reason, 1, 94) FROM request",
		    "refused|the final value 5000.000 kWh is above what can be: the last reading was 5.050 kWh, and at "
		    "most");
	assert_rows(t, lives, "5.0||first");
}

TEST_WITH(force_counts_a_final_value_that_cannot_be_right, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5000000;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, &final, NULL);
	force_requests(t);
	run(t, 360, 960, 0);
	assert_rows(t, "SELECT state, reason FROM request", "done|replaced; the new counter is used from now on");
	assert_rows(t, lives, "5.0|5000.0|first\n0.06||replaced");
	assert_rows(t, "SELECT base_value FROM interval", "4995090");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT base_value FROM interval", "4995090");
}

TEST_WITH(force_with_a_final_value_below_the_last_reading_counts_to_the_reading, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 4000;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, &final, NULL);
	force_requests(t);
	run(t, 360, 960, 0);
	assert_rows(t, lives, "5.0|5.05|first\n0.06||replaced");
	assert_rows(t, "SELECT base_value FROM interval", "140");
}

TEST_WITH(an_initial_value_above_the_first_reading_is_refused_and_changes_nothing, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t initial = 61;

	run(t, 0, 300, 5000);
	run(t, 360, 600, 0); /* the new meter */
	request_replacement(t, "press", T + 330, NULL, &initial);
	commit(t);
	assert_rows(
		t, "SELECT state, reason FROM request",
		"refused|the initial value 0.061 kWh is above the first reading of the new meter 0.060 kWh; --force "
		"accepts it, and counts from the reading");
	assert_rows(t, lives, "5.0||first");
}

TEST_WITH(a_replaced_concentrator_begins_new_lives_for_all_its_inputs, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60;

	for (int64_t i = 0; i < 5; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 50 + i, Q_PULSES_2, 70 + i, Q_COUNT);
	commit(t);
	request_replacement(t, "pulses", now_s + 270, NULL, NULL);
	for (int64_t i = 5; i < 10; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 60 + i, Q_PULSES_2, 80 + i, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT state, reason FROM request",
		    "done|replaced; new lives begin for its inputs lighting, gas");
	assert_rows(t, "SELECT meter, reason FROM meter_life ORDER BY meter, since",
		    "gas|first\ngas|replaced\nlighting|first\nlighting|replaced");
	assert_rows(t, "SELECT subject, detail FROM event WHERE kind = 'meter-replaced'",
		    "pulses|as requested by tally replace\nlighting|its concentrator pulses was replaced\n"
		    "gas|its concentrator pulses was replaced");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT meter, reason FROM meter_life ORDER BY meter, since",
		    "gas|first\ngas|replaced\nlighting|first\nlighting|replaced");
}

/* A measuring unit with pulse inputs has both. */
TEST_WITH(the_figures_of_a_meter_with_inputs_are_of_its_energy, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60, final = 5005, initial = 100;

	for (int64_t i = 0; i < 5; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + i, Q_PULSES_1, 50 + i,
		    Q_COUNT);
	commit(t);
	request_replacement(t, "pulses", now_s + 270, &final, &initial);
	for (int64_t i = 5; i < 10; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 95 + i, Q_PULSES_1, 60 + i,
		    Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT state, reason FROM request",
		    "done|replaced; new lives begin for its inputs lighting, gas");
	assert_rows(t, "SELECT meter, from_value, until_value, reason FROM meter_life ORDER BY meter, since",
		    "lighting|0.5|0.54|first\nlighting|0.65||replaced\npulses|5.0|5.005|first\npulses|0.1||replaced");
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
