/* SPDX-License-Identifier: MIT */
/* The value of each counter at each local midnight: view register. */
#include "ledger_site.h"
#include "unit.h"

enum { DAY = 86400 };

static const char import[] = "SELECT day, value, read_time FROM register WHERE meter = 'press' AND quantity = "
			     "'active_energy_import' ORDER BY day";

TEST_WITH(the_register_at_midnight_is_the_reading_of_that_slot, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, DAY + 60, 5000);
	assert_rows(t, "SELECT * FROM register ORDER BY day, quantity",
		    "2026-01-01|press|active_energy_import|5.0|kWh|2026-01-01T00:00:00Z|5000|Wh\n"
		    "2026-01-01|press|active_energy_import_t1|2.5|kWh|2026-01-01T00:00:00Z|2500|Wh\n"
		    "2026-01-02|press|active_energy_import|19.4|kWh|2026-01-02T00:00:00Z|19400|Wh\n"
		    "2026-01-02|press|active_energy_import_t1|9.7|kWh|2026-01-02T00:00:00Z|9700|Wh");
}

TEST_WITH(without_a_reading_at_midnight_it_lies_between_those_beside_it, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 3600, DAY - 240, 5000);
	/* 130 Wh in 780 s, 240 of them before midnight */
	run(t, DAY + 540, DAY + 600, 5000);
	assert_rows(t, import, "2026-01-02|19.4|2026-01-01T23:56:00Z");
	run(t, DAY + 660, 2 * DAY - 30, 5000);
	add(t, "press", T + 2 * DAY + 10, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(33805), Q_COUNT);
	add(t, "press", T + 2 * DAY + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(33810), Q_COUNT);
	commit(t);
	/* 33790 + 15 * 60 / 70, rounded down */
	assert_rows(t, import, "2026-01-02|19.4|2026-01-01T23:56:00Z\n2026-01-03|33.802|2026-01-02T23:59:00Z");
}

TEST_WITH(the_difference_of_two_registers_is_the_sum_of_the_day, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t value = 1000;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	for (int64_t at = 7; at < 5 * DAY; at += 53 + at % 211) {
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, value, Q_COUNT);
		value += at % 17;
	}
	commit(t);
	assert_rows(t,
		    "SELECT count(*), sum(b.base_value - a.base_value = d.base_value) FROM register a "
		    "JOIN register b ON b.day = date(a.day, '+1 day') JOIN daily d ON d.day = a.day",
		    "4|4");
	assert_rows(t, "SELECT day, strftime('%H:%M', ts, 'unixepoch') FROM midnight LIMIT 2",
		    "2026-01-02|23:00\n2026-01-03|23:00");
}

/* From Paris to New York: 2026-01-03 begins again six hours later. */
TEST_WITH(a_day_that_begins_twice_has_the_register_of_its_first_midnight, site_setup, site_teardown)
{
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 46 * 3600, 48 * 3600, 5000);
	strcpy(t->zone, "America/New_York");
	crash(t);
	run(t, 48 * 3600 + 60, 54 * 3600, 5000);
	assert_rows(t, "SELECT day, base_value, read_time FROM register",
		    "2026-01-03|33200|2026-01-02T23:00:00Z\n2026-01-03|16600|2026-01-02T23:00:00Z");
	assert_rows(t, "SELECT day, strftime('%d %H:%M', ts, 'unixepoch') FROM midnight",
		    "2026-01-03|02 23:00\n2026-01-03|03 05:00");
}

/* The meters leave a gap at different times, with a change of the zone between: the zone of the gap is the one before.
 */
TEST_WITH(a_day_begins_for_all_meters_in_the_zone_that_held_then, site_setup, site_teardown)
{
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 12 * 3600, 12 * 3600, 5000);
	add(t, "pulses", T + 12 * 3600, READING_GOOD, Q_PULSES_1, INT64_C(100), Q_PULSES_2, INT64_C(50), Q_COUNT);
	run(t, 36 * 3600, 36 * 3600 + 120, 5000);
	strcpy(t->zone, "America/New_York");
	crash(t);
	for (int64_t at = 36 * 3600 + 180; at <= 36 * 3600 + 300; at += 60)
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, INT64_C(200), Q_PULSES_2, INT64_C(150), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT day, meter, base_value FROM register WHERE quantity NOT LIKE '%t1' ORDER BY meter",
		    "2026-01-02|gas|957380\n2026-01-02|lighting|1457\n2026-01-02|press|18800");
	assert_rows(t, "SELECT day, strftime('%d %H:%M', ts, 'unixepoch') FROM midnight", "2026-01-02|01 23:00");
}

TEST_WITH(the_register_of_an_input_has_its_offset, site_setup, site_teardown)
{
	struct site *t = *state;

	/* 5/16 Wh a pulse */
	t->inputs[0] = (struct conf_input){.name = "plate",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_ACTIVE_ENERGY_IMPORT,
					   .shown = names_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh"),
					   .weight = 5,
					   .weight_per = 16,
					   .offset = 1001};
	configure(t);
	for (int64_t at = DAY - 600; at <= DAY + 120; at += 60)
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, 12345 + (at - DAY + 600) / 60, Q_PULSES_2,
		    INT64_C(700), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT * FROM register WHERE meter <> 'lighting' ORDER BY meter",
		    "2026-01-02|gas|volume|7.0|m3|2026-01-02T00:00:00Z|7000000|ml\n"
		    "2026-01-02|plate|active_energy_import|4.861|kWh|2026-01-02T00:00:00Z|4861|Wh");
	assert_rows(t, "SELECT active_import_wh FROM energy WHERE meter = 'plate' AND ts = 1767312000", "4861");
}

TEST_WITH(a_register_that_turns_over_across_midnight_is_shown_as_the_meter_shows_it, site_setup, site_teardown)
{
	struct site *t = *state;
	struct account_limits limits = {0};
	struct account_counter *c;
	int64_t at;

	run(t, DAY - 1800, DAY - 1740, 5000);
	c = account_counter(&t->ledger.book.meters[ledger_book_find(&t->ledger.book, 1)].account,
			    Q_ACTIVE_ENERGY_IMPORT);
	assert_non_null(c);
	limits.of[Q_ACTIVE_ENERGY_IMPORT] = (struct account_limit){.step = 1, .per_hour = 100000, .moduli = {20000}};
	ledger_book_set_limits(&t->ledger.book, (size_t)ledger_book_find(&t->ledger.book, 1), &limits);
	for (at = DAY - 1680; at < DAY - 100; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 19100 + (at - DAY + 1800) / 2, Q_COUNT);
	/* 100 s before midnight 19950, and 100 s after it 50: it turned over at midnight, and 10 s before it was 19995
	 */
	add(t, "press", T + DAY - 100, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(19950), Q_COUNT);
	add(t, "press", T + DAY + 100, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(50), Q_COUNT);
	for (at = DAY + 160; at < DAY + 300; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 50 + (at - DAY - 100) / 2, Q_COUNT);
	commit(t);
	assert_rows(t, import, "2026-01-02|0.0|2026-01-01T23:58:20Z");
}

TEST_WITH(between_two_lives_no_register_is_known, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 19300, initial = 7;

	run(t, DAY - 3600, DAY - 600, 5000);
	request_replacement(t, "press", T + DAY - 300, NULL, NULL);
	run(t, DAY + 300, DAY + 360, -19000);
	assert_rows(t, import, "");
	/* and with figures it is; the new meter is there one second before the midnight that is given */
	run(t, DAY + 420, 2 * DAY - 600, -19000);
	final = 2 * DAY / 6 - 19000;
	request_replacement(t, "press", T + 2 * DAY, &final, &initial);
	run(t, 2 * DAY + 60, 2 * DAY + 120, 7 - 2 * DAY / 6);
	assert_rows(t, import, "2026-01-03|0.007|2026-01-02T23:59:59Z");
}

TEST_WITH(a_life_that_begins_at_midnight_has_its_first_value_there, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, DAY - 3600, DAY - 600, 5000);
	add_serial(t, "press", "4711");
	add_serial(t, "press", "4712");
	run(t, DAY, DAY + 60, -14393);
	assert_rows(t, import, "2026-01-02|0.007|2026-01-02T00:00:00Z");
}

/* Values 1 kWh too high before and after midnight are counted first. */
TEST_WITH(what_is_taken_back_is_taken_back_from_the_register_too, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, DAY - 3600, DAY - 600, 5000);
	run(t, DAY - 540, DAY + 900, 6000);
	assert_rows(t, import, "2026-01-02|20.4|2026-01-02T00:00:00Z");
	run(t, DAY + 960, DAY + 3600, 5000);
	assert_rows(t, "SELECT kind FROM event WHERE kind = 'taken-back'", "taken-back");
	assert_rows(t, import, "2026-01-02|19.4|2026-01-01T23:50:00Z");
	assert_rows(t, "SELECT kind, from_ts - 1767225600, until_ts - 1767225600 FROM revision WHERE kind = 'day'",
		    "day|0|86400");
}

TEST_WITH(a_rebuild_makes_the_same_registers, site_setup, site_teardown)
{
	struct site *t = *state;
	static const char all[] = "SELECT * FROM register ORDER BY day, quantity";
	char before[2000];

	run(t, DAY - 3600, 2 * DAY - 600, 5000);
	run(t, 2 * DAY + 600, 3 * DAY + 600, 5000);
	snprintf(before, sizeof(before), "%s", rows(t, all));
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, all, before);
	assert_rows(t, "SELECT count(*) FROM register", "6");
}

/* The readings of December are gone; its last midnight begins January. */
TEST_WITH(registers_whose_readings_are_gone_stay, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, -DAY - 600, 60, 30000);
	run(t, 120, DAY + 60, 30000);
	assert_rows(t, import,
		    "2025-12-31|15.6|2025-12-31T00:00:00Z\n2026-01-01|30.0|2026-01-01T00:00:00Z\n"
		    "2026-01-02|44.4|2026-01-02T00:00:00Z");
	assert_int_equal(db_exec(&t->db, "DELETE FROM reading_energy WHERE id < 1767225600 << 14; "
					 "INSERT INTO setting VALUES ('deleted_until', '1767225540')"),
			 0);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT day, value FROM register WHERE quantity = 'active_energy_import' ORDER BY day",
		    "2025-12-31|15.6\n2026-01-01|30.0\n2026-01-02|44.4");
}

/* Paris until 01:00 of the 2nd, when New York has 19:00 of the 1st. */
TEST_WITH(a_day_in_which_the_time_zone_changed_has_one_register, site_setup, site_teardown)
{
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 60, DAY, 5000);
	strcpy(t->zone, "America/New_York");
	crash(t);
	run(t, DAY + 60, 2 * DAY, 5000);
	assert_rows(t, import, "2026-01-02|18.8|2026-01-01T23:00:00Z");
}

UNIT_MAIN(NULL, NULL)
