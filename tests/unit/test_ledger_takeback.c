/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "ledger_site.h"
#include "unit.h"

static const char lives[] = "SELECT from_value, until_value, reason FROM meter_life "
			    "WHERE quantity = 'active_energy_import' ORDER BY since";
static const char intervals[] = "SELECT ts - 1767225600, base_value, quality FROM interval "
				"WHERE quantity = 'active_energy_import' ORDER BY ts";
static const char sums[] = "SELECT quantity, base_value FROM daily UNION ALL SELECT quantity, base_value FROM monthly";
static const char verdicts[] = "SELECT state, reason FROM request";

static const char undone[] = "done|replaced; the new counter is used from now on\n"
			     "done|taken back; the life before the replacement continues";

TEST_WITH(an_exchange_that_was_none_is_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 2760, 5000);
	assert_rows(t, lives, "5.0|5.05|first\n5.06||replaced");
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured\n1800|150|measured");
	request_undo(t, "press");
	run(t, 2820, 3660, 5000);
	assert_rows(t, verdicts, undone);
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, intervals, "0|150|measured\n900|150|measured\n1800|150|measured\n2700|150|measured");
	assert_rows(t, sums,
		    "active_energy_import|600\nactive_energy_import_t1|300\n"
		    "active_energy_import|600\nactive_energy_import_t1|300");
	assert_rows(t, "SELECT coverage * 86400 FROM daily LIMIT 1", "3600.0");
	assert_rows(t, "SELECT count(*) FROM meter_replacement", "0");
	assert_rows(t, "SELECT kind, detail FROM event WHERE kind = 'taken-back'",
		    "taken-back|its replacement of 2026-01-01T00:05:29Z, as requested by tally replace; its life "
		    "continues");
	assert_rows(t, "SELECT kind, from_ts - 1767225600, until_ts - 1767225600, meter FROM revision",
		    "interval|0|900|press");
	crash(t);
	assert_rows(t, intervals, "0|150|measured\n900|150|measured\n1800|150|measured\n2700|150|measured");
	run(t, 3720, 4560, 5000);
	assert_rows(t, "SELECT sum(base_value) FROM interval WHERE quantity = 'active_energy_import'", "750");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, "SELECT sum(base_value) FROM interval WHERE quantity = 'active_energy_import'", "750");
}

TEST_WITH(an_exchange_with_figures_is_taken_back_with_what_they_counted, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5055, initial = 4000;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, &final, &initial);
	run(t, 360, 2760, 5000);
	assert_rows(t, lives, "5.0|5.055|first\n4.0||replaced");
	request_undo(t, "press");
	run(t, 2820, 3660, 5000);
	assert_rows(t, verdicts, undone);
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, intervals, "0|150|measured\n900|150|measured\n1800|150|measured\n2700|150|measured");
	assert_rows(t, sums,
		    "active_energy_import|600\nactive_energy_import_t1|300\n"
		    "active_energy_import|600\nactive_energy_import_t1|300");
}

TEST_WITH(an_exchange_in_the_running_interval_is_taken_back_without_a_revision, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 480, 5000);
	request_undo(t, "press");
	commit(t);
	run(t, 540, 960, 5000);
	assert_rows(t, verdicts, undone);
	assert_rows(t, intervals, "0|150|measured");
	assert_rows(t, "SELECT count(*) FROM revision", "0");
}

TEST_WITH(an_exchange_by_serial_number_is_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;

	add_serial(t, "press", "A1");
	run(t, 0, 300, 5000);
	add_serial(t, "press", "B2");
	run(t, 360, 2760, 5060); /* a leap, but a possible one */
	assert_rows(t, lives, "5.0|5.05|first\n5.12||replaced");
	request_undo(t, "press");
	commit(t);
	assert_rows(t, verdicts, "done|taken back; the life before the replacement continues");
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, intervals, "0|210|measured\n900|150|measured\n1800|150|measured");
}

TEST_WITH(an_interval_that_waits_is_not_lost_when_an_order_is_refused, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 900, 0);
	request_undo(t, "press");
	commit(t);
	run(t, 960, 1860, 0);
	assert_rows(t, "SELECT state FROM request WHERE what = 'undo'", "refused");
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured");
}

TEST_WITH(a_real_exchange_is_not_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 2760, 0);
	request_undo(t, "press");
	run(t, 2820, 3660, 0);
	assert_rows(
		t, verdicts,
		"done|replaced; the new counter is used from now on\n"
		"refused|active_energy_import was 5.050 kWh before it and is 0.610 kWh; the readings do not continue");
	assert_rows(t, lives, "5.0|5.05|first\n0.06||replaced");
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured\n1800|150|measured\n2700|150|measured");
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
}

TEST_WITH(an_exchange_before_a_reset_is_not_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 1800, 5000);
	run(t, 1860, 9000, -310); /* reset to 0 */
	assert_rows(t, "SELECT reason FROM meter_life WHERE quantity = 'active_energy_import'",
		    "first\nreplaced\nreset");
	request_undo(t, "press");
	commit(t);
	assert_rows(t, "SELECT state, reason FROM request WHERE what = 'undo'", "refused|a reset was noticed after it");
}

TEST_WITH(only_the_last_exchange_is_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 1200, 5000);
	request_replacement(t, "press", T + 1230, NULL, NULL);
	run(t, 1260, 2760, 5000);
	request_undo(t, "press");
	run(t, 2820, 3660, 5000);
	assert_rows(t, lives, "5.0|5.05|first\n5.06||replaced");
	request_undo(t, "press");
	run(t, 3720, 4560, 5000);
	assert_rows(
		t, "SELECT state, reason FROM request WHERE what = 'undo'",
		"done|taken back; the life before the replacement continues\n"
		"refused|the state before it is not kept; there was another replacement, or the intervals, the time "
		"zone or the clock have changed since");
	assert_rows(t, lives, "5.0|5.05|first\n5.06||replaced");
}

TEST_WITH(an_exchange_is_taken_back_after_a_rebuild, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 2760, 5000);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured\n1800|150|measured");
	request_undo(t, "press");
	commit(t);
	assert_rows(t, verdicts, undone);
	assert_rows(t, intervals, "0|150|measured\n900|150|measured\n1800|150|measured");
}

TEST_WITH(an_exchange_before_a_change_of_the_intervals_is_not_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 2760, 5000);
	t->conf.interval_s = 600;
	configure(t);
	request_undo(t, "press");
	run(t, 2820, 3660, 5000);
	assert_rows(t, "SELECT state FROM request WHERE what = 'undo'", "refused");
	assert_rows(t, lives, "5.0|5.05|first\n5.06||replaced");
}

TEST_WITH(a_meter_that_was_never_replaced_has_nothing_to_take_back, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_undo(t, "press");
	run(t, 360, 960, 5000);
	assert_rows(t, verdicts, "refused|it has no replacement that could be taken back");
}

TEST_WITH(the_exchange_of_a_concentrator_is_taken_back_for_all_its_inputs, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 900 * 900;

	for (int64_t i = 0; i < 5; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 50 + i, Q_PULSES_2, 70 + i, Q_COUNT);
	commit(t);
	request_replacement(t, "pulses", now_s + 270, NULL, NULL);
	for (int64_t i = 5; i < 20; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 50 + i, Q_PULSES_2, 70 + i, Q_COUNT);
	commit(t);
	request_undo(t, "pulses");
	for (int64_t i = 20; i < 40; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 50 + i, Q_PULSES_2, 70 + i, Q_COUNT);
	commit(t);
	assert_rows(t, verdicts,
		    "done|replaced; new lives begin for its inputs lighting, gas\n"
		    "done|taken back; the life before the replacement continues");
	assert_rows(t, "SELECT meter, reason FROM meter_life ORDER BY meter", "gas|first\nlighting|first");
	assert_rows(t, "SELECT meter, base_value, quality FROM interval ORDER BY meter, ts",
		    "gas|150000|measured\ngas|150000|measured\nlighting|150|measured\nlighting|150|measured");
}

TEST_WITH(a_request_to_take_back_is_repeated_after_a_rollback, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	request_replacement(t, "press", T + 330, NULL, NULL);
	run(t, 360, 2760, 5000);
	request_undo(t, "press");
	begin(t);
	assert_int_equal(ledger_end_readings(&t->ledger), 0);
	roll_back(t);
	assert_int_equal(db_tables_load_newest(&t->tables), 0);
	assert_int_equal(ledger_resume(&t->ledger), 0);
	assert_rows(t, lives, "5.0|5.05|first\n5.06||replaced");
	run(t, 2820, 3660, 5000);
	assert_rows(t, verdicts, undone);
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, intervals, "0|150|measured\n900|150|measured\n1800|150|measured\n2700|150|measured");
}

UNIT_MAIN(NULL, NULL)
