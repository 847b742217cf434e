/* SPDX-License-Identifier: MIT */
/* Exchanges whose time is named, and after which readings have been counted. */
#include <time.h>

#include "ledger_site.h"
#include "unit.h"

static const char lives[] = "SELECT from_value, until_value, reason FROM meter_life "
			    "WHERE quantity = 'active_energy_import' ORDER BY since";
static const char intervals[] = "SELECT ts - 1767225600, base_value, quality FROM interval "
				"WHERE quantity = 'active_energy_import' ORDER BY ts";
static const char sums[] = "SELECT quantity, base_value FROM daily UNION ALL SELECT quantity, base_value FROM monthly";
static const char verdicts[] = "SELECT state, reason FROM request";
static const char replaced[] = "done|replaced; the new counter is used from now on";

/* The old meter is read for the last time at 300, with 5050. */
static void run_old(struct site *t)
{
	run(t, 0, 60, 5000);
	run(t, 120, 300, 5000);
}

static void exchange_at(struct site *t, const char *meter, int64_t at, const int64_t *final, const int64_t *initial)
{
	request_replacement(t, meter, T + at, final, initial);
	name_requests(t);
	commit(t);
}

static void assert_the_same_after_a_rebuild(struct site *t)
{
	char before[400];

	snprintf(before, sizeof(before), "%s", rows(t, intervals));
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, intervals, before);
}

TEST_WITH(a_life_begins_with_the_first_reading_after_a_time_that_was_named_late, site_setup, site_teardown)
{
	struct site *t = *state;

	run_old(t);
	run(t, 360, 2760, 5060); /* the new meter shows 5120 */
	assert_rows(t, intervals, "0|210|measured\n900|150|measured\n1800|150|measured");
	exchange_at(t, "press", 330, NULL, NULL);
	assert_rows(t, verdicts, replaced);
	assert_rows(t, lives, "5.0|5.05|first\n5.12||replaced");
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured\n1800|150|measured");
	assert_rows(t, sums,
		    "active_energy_import|440\nactive_energy_import_t1|220\n"
		    "active_energy_import|440\nactive_energy_import_t1|220");
	assert_rows(t, "SELECT kind, detail FROM event",
		    "meter-replaced|replaced at 2026-01-01T00:05:30Z, as requested by tally replace");
	assert_rows(t, "SELECT kind, from_ts - 1767225600, until_ts - 1767225600, reason FROM revision",
		    "interval|0|900|replaced at 2026-01-01T00:05:30Z, as requested by tally replace");
	crash(t);
	run(t, 2820, 3660, 5060);
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured\n1800|150|measured\n2700|150|measured");
	assert_the_same_after_a_rebuild(t);
	assert_rows(t, lives, "5.0|5.05|first\n5.12||replaced");
}

/* The first reading of the new meter was false until then, so nothing was said of the time before it. */
TEST_WITH(the_time_between_the_meters_of_a_late_exchange_is_missing, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 900, 5000);
	add(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(100), Q_COUNT);
	commit(t);
	exchange_at(t, "press", 1790, NULL, NULL);
	assert_rows(t, verdicts, replaced);
	assert_rows(t, intervals, "0|150|measured\n900||missing");
	assert_the_same_after_a_rebuild(t);
}

/* Readings below the last one of the old meter were false, and those above it continued its life. */
TEST_WITH(a_new_meter_that_has_passed_the_old_one_is_found, site_setup, site_teardown)
{
	struct site *t = *state;

	run_old(t);
	run(t, 360, 3660, 4840); /* 4900 at 360, 5060 at 1320 */
	assert_rows(t, lives, "5.0||first");
	exchange_at(t, "press", 330, NULL, NULL);
	assert_rows(t, lives, "5.0|5.05|first\n4.9||replaced");
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured\n1800|150|measured\n2700|150|measured");
	assert_rows(t, "SELECT * FROM suspect_reading", "");
	assert_rows(t, "SELECT count(*) FROM energy WHERE quality = 'suspect'", "0");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(figures_of_a_late_exchange_are_counted_in_its_place, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5055, initial = 4895;

	run_old(t);
	run(t, 360, 3660, 4840);
	exchange_at(t, "press", 330, &final, &initial);
	assert_rows(t, verdicts, replaced);
	assert_rows(t,
		    "SELECT from_value, until_value, reason FROM meter_life WHERE quantity = 'active_energy_import' "
		    "ORDER BY since",
		    "5.0|5.055|first\n4.895||replaced");
	assert_rows(t, "SELECT sum(base_value) FROM interval WHERE quantity = 'active_energy_import'", "600");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(figures_of_a_late_exchange_that_cannot_be_right_change_nothing, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5049, initial = 5000001, low = 0;

	run_old(t);
	run(t, 360, 600, 4999940); /* 5,000,000 at 360 */
	exchange_at(t, "press", 330, &final, NULL);
	exchange_at(t, "press", 330, NULL, &initial);
	exchange_at(t, "press", 330, NULL, &low);
	assert_rows(t, "SELECT state, substr(reason, 1, 80) FROM request",
		    "refused|the final value 5.049 kWh is below the last reading 5.050 kWh; --force accepts i\n"
		    "refused|the initial value 5000.001 kWh is above the first reading of the new meter 5000.\n"
		    "refused|the initial value 0.000 kWh is too low: the first reading of the new meter is 50");
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, "SELECT count(*) FROM event WHERE kind <> 'implausible'", "0");
	exchange_at(t, "press", 330, NULL, NULL);
	assert_rows(t, lives, "5.0|5.05|first\n5000.0||replaced");
	run(t, 660, 1860, 4999940);
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(a_late_exchange_is_taken_back_and_made_at_another_time, site_setup, site_teardown)
{
	struct site *t = *state;

	run_old(t);
	run(t, 360, 2760, 5060);
	exchange_at(t, "press", 630, NULL, NULL);
	assert_rows(t, lives, "5.0|5.16|first\n5.17||replaced");
	request_undo(t, "press");
	commit(t);
	assert_rows(t, lives, "5.0||first");
	assert_rows(t, intervals, "0|210|measured\n900|150|measured\n1800|150|measured");
	exchange_at(t, "press", 330, NULL, NULL);
	assert_rows(t, "SELECT state FROM request", "done\ndone\ndone");
	assert_rows(t, lives, "5.0|5.05|first\n5.12||replaced");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(a_late_exchange_leaves_a_later_one_in_its_place, site_setup, site_teardown)
{
	struct site *t = *state;

	run_old(t);
	run(t, 360, 1200, 5060);
	request_replacement(t, "press", T + 1230, NULL, NULL);
	run(t, 1260, 2760, 100);
	exchange_at(t, "press", 330, NULL, NULL);
	assert_rows(t, "SELECT state FROM request", "done\ndone");
	assert_rows(t, lives, "5.0|5.05|first\n5.12|5.26|replaced\n0.31||replaced");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(a_reset_that_was_noticed_is_the_late_exchange_with_its_figures, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5055, initial = 0;

	run_old(t);
	run(t, 360, 7260, -60);
	assert_rows(t, lives, "5.0|5.05|first\n0.0||reset");
	exchange_at(t, "press", 330, &final, &initial);
	assert_rows(t, verdicts, replaced);
	assert_rows(t, lives, "5.0|5.055|first\n0.0||replaced");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(a_concentrator_that_was_replaced_some_time_ago_loses_no_pulse_of_the_new_one, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now = time(NULL) / 60 * 60 - T;

	for (int64_t i = 0; i < 10; i++) {
		add(t, "pulses", T + now + 60 * i, READING_GOOD, Q_PULSES_1, 50 + i, Q_PULSES_2, 70 + i, Q_COUNT);
		commit(t);
	}
	for (int64_t i = 10; i < 40; i++)
		add(t, "pulses", T + now + 60 * i, READING_GOOD, Q_PULSES_1, 40 + i, Q_PULSES_2, 10 + i, Q_COUNT);
	commit(t);
	exchange_at(t, "pulses", now + 570, NULL, NULL);
	assert_rows(t, verdicts, "done|replaced; new lives begin for its inputs lighting, gas");
	assert_rows(t, "SELECT meter, from_value, until_value, reason FROM meter_life ORDER BY meter, since",
		    "gas|0.7|0.79|first\ngas|0.2||replaced\n"
		    "lighting|0.5|0.59|first\nlighting|0.5||replaced");
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	assert_rows(t, "SELECT subject, kind FROM event WHERE kind = 'meter-replaced'",
		    "pulses|meter-replaced\nlighting|meter-replaced\ngas|meter-replaced");
	request_undo(t, "pulses");
	commit(t);
	assert_rows(t, "SELECT state FROM request WHERE what = 'undo'", "refused");
}

TEST_WITH(a_time_before_the_kept_states_is_refused, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	run(t, 360, 2760, 5060);
	exchange_at(t, "press", -30, NULL, NULL);
	assert_rows(t, verdicts,
		    "refused|what was counted of press up to 2026-01-01T00:00:00Z is final; without --at its new life "
		    "begins now");
	assert_rows(t, lives, "5.0||first");
}

TEST_WITH(a_time_in_the_first_minutes_of_a_meter_is_not_refused, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 2760, 5000); /* all in one commit */
	exchange_at(t, "press", 30, NULL, NULL);
	assert_rows(t, verdicts, replaced);
	assert_rows(t, lives, "5.0|5.0|first\n5.01||replaced");
	assert_rows(t, intervals, "0|140|estimated\n900|150|measured\n1800|150|measured");
	assert_the_same_after_a_rebuild(t);
	assert_rows(t, lives, "5.0|5.0|first\n5.01||replaced");
}

/* Only a meter that has been read for long has a state with counters to count again from. */
TEST_WITH(the_first_state_that_is_kept_has_no_counters, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 2760, 5000);
	assert_rows(t,
		    "SELECT before, last_ts - 1767225600 FROM account JOIN meter m ON m.id = meter "
		    "WHERE name = 'press' ORDER BY before",
		    "-1|0\n0|2760");
	assert_rows(t, "SELECT count(*) FROM account_counter WHERE before <> 0", "0");
}

TEST_WITH(after_a_change_of_the_intervals_earlier_times_are_refused, site_setup, site_teardown)
{
	struct site *t = *state;

	run_old(t);
	t->conf.interval_s = 300;
	configure(t);
	run(t, 360, 2760, 5060);
	exchange_at(t, "press", 270, NULL, NULL);
	assert_rows(t, "SELECT state FROM request", "refused");
	assert_rows(t, lives, "5.0||first");
}

/* Two states are kept, so there is always one that is older than a week. */
TEST_WITH(a_time_within_the_last_week_is_never_refused, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t day = 0; day < 30; day++) {
		for (int64_t at = day * 86400; at < (day + 1) * 86400; at += 7200)
			add(t, "press", T - 30 * 86400 + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 60,
			    Q_COUNT);
		commit(t);
		assert_rows(t, "SELECT count(*) <= 3 FROM account JOIN meter m ON m.id = meter WHERE name = 'press'",
			    "1");
		if (day > 7)
			assert_rows(t,
				    "SELECT min(last_ts) + 7 * 86400 <= max(last_ts) FROM account JOIN meter m "
				    "ON m.id = meter WHERE name = 'press'",
				    "1");
	}
	exchange_at(t, "press", -7 * 86400 + 3600, NULL, NULL);
	assert_rows(t, verdicts, replaced);
	assert_rows(t, "SELECT since, reason FROM meter_life ORDER BY since",
		    "2025-12-02T00:00:00Z|first\n2025-12-25T02:00:00Z|replaced");
	assert_rows(t, "SELECT sum(base_value) FROM interval", "42960");
}

UNIT_MAIN(NULL, NULL)
