/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "mono.h"
#include "store_site.h"
#include "unit.h"

static const char *columns(const struct site *t, const char *view)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT group_concat(name, ', ') FROM pragma_table_info('%s')", view);
	return rows(t, sql);
}

TEST_WITH(the_views_have_the_columns_of_the_contract, setup, teardown)
{
	struct site *t = *state;

	assert_string_equal(columns(t, "energy"),
			    "time, ts, meter, active_import_kwh, active_export_kwh, reactive_import_kvarh, "
			    "reactive_export_kvarh, apparent_kvah, quality, active_import_wh, active_export_wh, "
			    "reactive_import_varh, reactive_export_varh, apparent_vah, suspect");
	assert_string_equal(columns(t, "tariff_energy"),
			    "time, ts, meter, tariff, active_import_kwh, reactive_import_kvarh, in_force, "
			    "active_import_wh, reactive_import_varh");
	assert_string_equal(columns(t, "power"),
			    "time, ts, meter, active_power_w, reactive_power_var, apparent_power_va, power_factor, "
			    "frequency_hz, voltage_l1_v, voltage_l2_v, voltage_l3_v, voltage_l12_v, voltage_l23_v, "
			    "voltage_l31_v, current_l1_a, current_l2_a, current_l3_a, current_n_a, active_power_l1_w, "
			    "active_power_l2_w, active_power_l3_w, quality");
	assert_string_equal(columns(t, "pulse"),
			    "time, ts, meter, concentrator, input, pulses, value, unit, quality, kind");
	assert_string_equal(columns(t, "latest"), "meter, quantity, obis, value, unit, time, ts, age_s, quality");
	assert_string_equal(
		columns(t, "meter_status"),
		"meter, bus, model, address, label, serial, state, last_good, failures, requests, timeouts, "
		"crc_errors, exceptions, latency_ms");
	assert_string_equal(columns(t, "bus_status"),
			    "bus, transport, state, busy_percent, requests, errors, overruns, round_ms");
	assert_string_equal(columns(t, "event"), "time, ts, subject, kind, detail");
}

TEST_WITH(every_stored_quantity_has_its_column_and_its_place_in_latest, setup, teardown)
{
	struct site *t = *state;
	struct reading r = {.meter = store_meter_id(t->store, "press"), .slot_s = T};
	unsigned n_kept = 0;
	char sql[160], expected[40];

	for (int q = 0; q < Q_COUNT; q++) {
		const struct names_row *row = names_get((enum quantity)q);

		if (!row->table[0])
			continue;
		reading_set(&r, (enum quantity)q, (q + 1) * (int64_t)row->per_shown);
		n_kept++;
	}
	store_reading(t->store, &r);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	snprintf(expected, sizeof(expected), "%u", n_kept);
	assert_rows(t, "SELECT count(*) FROM latest", expected);
	for (int q = 0; q < Q_COUNT; q++) {
		const struct names_row *row = names_get((enum quantity)q);

		if (!row->table[0])
			continue;
		snprintf(sql, sizeof(sql),
			 "SELECT CAST(value AS INTEGER), obis, unit FROM latest WHERE quantity = '%s'", row->name);
		snprintf(expected, sizeof(expected), "%d|%s|%s", q + 1, row->obis, row->shown);
		assert_rows(t, sql, expected);
	}
}

TEST_WITH(the_tables_have_no_column_that_names_does_not_know, setup, teardown)
{
	struct site *t = *state;

	assert_rows(
		t,
		"SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
		"WHERE m.name LIKE 'reading\\_%' ESCAPE '\\' AND c.name NOT IN ('id', 'meter', 'delay_ms', 'quality', "
		"'parts', 'coarse') "
		"AND NOT EXISTS (SELECT 1 FROM quantity q WHERE q.name = c.name AND 'reading_' || q.kind = m.name)",
		"");
}

TEST_WITH(counters_are_shown_in_kilo_units, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T + 60, READING_LATE, Q_ACTIVE_ENERGY_IMPORT, INT64_C(81234570), Q_APPARENT_ENERGY,
	     INT64_C(999), Q_COUNT);
	assert_int_equal(store_pending(t->store), 1);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_int_equal(store_pending(t->store), 0);
	assert_rows(t, "SELECT * FROM energy",
		    "2026-01-01T00:01:00Z|1767225660|press|81234.57||||0.999|late|81234570||||999|");
}

TEST_WITH(each_tariff_that_has_a_value_has_one_row, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_TARIFF, INT64_C(2), Q_ACTIVE_ENERGY_IMPORT_T1, INT64_C(1000),
	     Q_ACTIVE_ENERGY_IMPORT_T2, INT64_C(2500), Q_REACTIVE_ENERGY_IMPORT_T2, INT64_C(10),
	     Q_REACTIVE_ENERGY_IMPORT_T3, INT64_C(0), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t,
		    "SELECT tariff, active_import_kwh, reactive_import_kvarh, in_force, active_import_wh, "
		    "reactive_import_varh FROM tariff_energy ORDER BY tariff",
		    "1|1.0||0|1000|\n2|2.5|0.01|1|2500|10\n3||0.0|0||0");
}

TEST_WITH(no_tariff_is_in_force_when_the_meter_reports_none, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT_T1, INT64_C(1000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT tariff, in_force FROM tariff_energy", "1|0");
}

TEST_WITH(power_is_shown_in_whole_units, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_POWER, INT64_C(-1250000), Q_POWER_FACTOR, INT64_C(-985),
	     Q_VOLTAGE_L1, INT64_C(230100), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT active_power_w, power_factor, voltage_l1_v, voltage_l2_v, quality FROM power",
		    "-1250.0|-0.985|230.1||good");
	assert_rows(t, "SELECT count(*) FROM energy", "0");
}

TEST_WITH(an_electrical_input_is_in_pulse_and_in_energy, setup, teardown)
{
	struct site *t = *state;

	hold(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(7), Q_PULSES_2, INT64_C(1234), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT meter, concentrator, input, pulses, value, unit, quality FROM pulse ORDER BY input",
		    "lighting|pulses|1|7|81234.57|kWh|good\ngas|pulses|2|1234|12.34|m3|good");
	assert_rows(t, "SELECT * FROM energy",
		    "2026-01-01T00:00:00Z|1767225600|lighting|81234.57|||||good|81234570|||||");
	assert_rows(t,
		    "SELECT meter, quantity, obis, value, unit FROM latest WHERE meter <> 'pulses' ORDER BY meter, "
		    "quantity",
		    "gas|pulses||1234|1\ngas|volume||12.34|m3\n"
		    "lighting|active_energy_import|1.8.0|81234.57|kWh\nlighting|pulses||7|1");
}

TEST_WITH(old_pulses_keep_their_weight, setup, teardown)
{
	struct site *t = *state;
	int64_t now_s = mono_wall_ms() / 1000;

	hold(t, "pulses", now_s - 1000, READING_GOOD, Q_PULSES_1, INT64_C(100), Q_COUNT);
	t->inputs[0].weight = 1000;
	t->inputs[0].offset = 0;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	hold(t, "pulses", now_s + 1000, READING_GOOD, Q_PULSES_1, INT64_C(101), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT value FROM pulse WHERE meter = 'lighting' ORDER BY ts", "81235.5\n101.0");
	assert_rows(t, "SELECT count(*) FROM input_period", "3");
}

TEST_WITH(pulses_of_a_fraction_are_rounded_down_in_the_views, setup, teardown)
{
	struct site *t = *state;

	t->inputs[0] = (struct conf_input){.name = "plate",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_ACTIVE_ENERGY_IMPORT,
					   .shown = names_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh"),
					   .weight = 5,
					   .weight_per = 16};
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	hold(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(3200000), Q_COUNT);
	hold(t, "pulses", T + 60, READING_GOOD, Q_PULSES_1, INT64_C(3200003), Q_COUNT);
	hold(t, "pulses", T + 120, READING_GOOD, Q_PULSES_1, INT64_C(3200004), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT pulses, value, unit FROM pulse WHERE meter = 'plate' ORDER BY ts",
		    "3200000|1000.0|kWh\n3200003|1000.0|kWh\n3200004|1000.001|kWh");
	assert_rows(t,
		    "SELECT active_import_kwh, active_import_wh, active_export_wh FROM energy WHERE meter = 'plate' "
		    "ORDER BY ts",
		    "1000.0|1000000|\n1000.0|1000000|\n1000.001|1000001|");
	assert_rows(t, "SELECT value FROM latest WHERE meter = 'plate' AND quantity = 'active_energy_import'",
		    "1000.001");
}

TEST_WITH(a_change_of_the_fraction_begins_a_period, setup, teardown)
{
	struct site *t = *state;

	t->inputs[0].weight_per = 3;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	assert_rows(t, "SELECT weight, weight_per FROM input_period WHERE input = 1 ORDER BY from_ts", "10|1\n10|3");
}

TEST_WITH(a_removed_input_has_no_new_rows, setup, teardown)
{
	struct site *t = *state;
	int64_t now_s = mono_wall_ms() / 1000;

	t->bus.n_inputs = 1;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	hold(t, "pulses", now_s - 1000, READING_GOOD, Q_PULSES_2, INT64_C(100), Q_COUNT);
	hold(t, "pulses", now_s + 1000, READING_GOOD, Q_PULSES_2, INT64_C(101), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT meter, pulses FROM pulse", "gas|100");
	assert_rows(t, "SELECT count(*) FROM latest WHERE meter = 'gas'", "0");
	assert_int_equal(store_meter_id(t->store, "gas"), -1);
}

TEST_WITH(a_slot_that_has_a_row_is_not_overwritten, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT active_import_kwh FROM energy", "1.0");
}

TEST_WITH(a_reading_without_values_leaves_no_row, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_COUNT);
	assert_int_equal(store_pending(t->store), 0);
	assert_int_equal(store_commit(t->store), STORE_NOTHING);
	assert_rows(t, "SELECT count(*) FROM energy", "0");
}

TEST_WITH(a_suspect_reading_is_marked_and_not_in_tariff_energy, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_SUSPECT, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5), Q_ACTIVE_ENERGY_IMPORT_T1, INT64_C(5),
	     Q_COUNT);
	hold(t, "press", T + 60, READING_UNSYNCHRONISED, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quality FROM energy ORDER BY ts", "suspect\nunsynchronised");
	assert_rows(t, "SELECT count(*) FROM tariff_energy", "0");
}

TEST_WITH(the_view_latest_finds_a_meter_that_has_long_been_silent, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_ACTIVE_POWER, INT64_C(5000),
	     Q_COUNT);
	for (int i = 1; i <= 3000; i++)
		hold(t, "pulses", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7), Q_PULSES_1, (int64_t)i,
		     Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quantity, value, ts FROM latest WHERE meter = 'press' ORDER BY quantity",
		    "active_energy_import|1.0|1767225600\nactive_power|5.0|1767225600");
	assert_rows(t, "SELECT value FROM latest WHERE meter = 'pulses' AND quantity = 'pulses_1'", "3000");
}

TEST_WITH(a_silent_meter_is_found_after_a_restart, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	for (int i = 1; i <= 200; i++)
		hold(t, "pulses", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7), Q_COUNT);
	store_close(t->store);
	open_store(t);
	for (int i = 201; i <= 3000; i++)
		hold(t, "pulses", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT value, ts FROM latest WHERE meter = 'press'", "1.0|1767225600");
}

TEST_WITH(a_configured_meter_is_listed_before_it_has_answered, setup, teardown)
{
	struct site *t = *state;

	assert_rows(t, "SELECT * FROM meter_status ORDER BY address",
		    "press|hall|countis-e43|5|Press, hall A||never||0|0|0|0|0|\n"
		    "pulses|hall|conto-d4cr8|12|||never||0|0|0|0|0|");
	assert_rows(t, "SELECT * FROM bus_status", "hall|rtu|down|0.0|0|0|0|");
}

TEST_WITH(a_change_of_state_is_written_at_once_and_figures_at_close, setup, teardown)
{
	struct site *t = *state;
	int64_t id = store_meter_id(t->store, "press");
	struct meter_status up = {.state = "up",
				  .last_good_s = T,
				  .failures = 1,
				  .requests = 9,
				  .timeouts = 2,
				  .crc_errors = 3,
				  .exceptions = 4,
				  .latency_us = 31500};
	struct bus_status bus = {
		.state = "up", .busy_percent = 12.5, .requests = 20, .errors = 2, .overruns = 1, .round_ms = 870};

	store_commit(t->store);
	store_meter_status(t->store, id, &up);
	store_meter_serial(t->store, id, "0123456789");
	store_bus_status(t->store, "hall", &bus);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM meter_status WHERE meter = 'press'",
		    "press|hall|countis-e43|5|Press, hall A|0123456789|up|2026-01-01T00:00:00Z|1|9|2|3|4|31.5");
	assert_rows(t, "SELECT * FROM bus_status", "hall|rtu|up|12.5|20|2|1|870");
	up.requests = 10;
	store_meter_status(t->store, id, &up);
	store_close(t->store);
	open_store(t);
	assert_rows(t, "SELECT requests FROM meter_status WHERE meter = 'press'", "10");
}

TEST_WITH(a_quantity_that_was_never_measured_is_null, setup, teardown)
{
	struct site *t = *state;

	store_meter_status(t->store, store_meter_id(t->store, "press"),
			   &(struct meter_status){.state = "never", .requests = 3, .timeouts = 3});
	store_bus_status(t->store, "hall", &(struct bus_status){.state = "up", .requests = 3});
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT state, last_good, requests, latency_ms FROM meter_status WHERE meter = 'press'",
		    "never||3|");
	assert_rows(t, "SELECT * FROM bus_status", "hall|rtu|up|0.0|3|0|0|");
}

TEST_WITH(figures_are_written_often_at_first_and_rarely_later, setup, teardown)
{
	struct site *t = *state;
	int64_t id = store_meter_id(t->store, "press");
	struct meter_status st = {.state = "up"};
	const struct {
		int64_t at_s;
		uint64_t requests;
		const char *shown;
	} steps[] = {{0, 1, "1"}, {9, 2, "1"}, {10, 3, "3"}, {599, 4, "4"}, {610, 5, "4"}, {899, 6, "6"}};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		store_tick(t->store, T + steps[i].at_s);
		st.requests = steps[i].requests;
		store_meter_status(t->store, id, &st);
		commit_all(t);
		assert_rows(t, "SELECT requests FROM meter_status WHERE meter = 'press'", steps[i].shown);
	}
}

TEST_WITH(events_are_kept_in_order, setup, teardown)
{
	struct site *t = *state;

	store_event(t->store, T * 1000 + 999, "press", "meter-down", "no answer, 3 times");
	store_event(t->store, T * 1000 + 5000, "press", "meter-up", "");
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM event",
		    "2026-01-01T00:00:00Z|1767225600|press|meter-down|no answer, 3 times\n"
		    "2026-01-01T00:00:05Z|1767225605|press|meter-up|");
}

TEST_WITH(ids_survive_a_reload_and_a_restart, setup, teardown)
{
	struct site *t = *state;
	int64_t press = store_meter_id(t->store, "press"), pulses = store_meter_id(t->store, "pulses");

	t->bus.meters = &t->meters[1];
	t->bus.n_meters = 1;
	t->bus.n_inputs = 0;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	assert_int_equal(store_meter_id(t->store, "press"), -1);
	assert_int_equal(store_meter_id(t->store, "pulses"), pulses);
	store_close(t->store);
	t->bus.meters = t->meters;
	t->bus.n_meters = 2;
	t->bus.n_inputs = 2;
	open_store(t);
	assert_int_equal(store_meter_id(t->store, "press"), press);
}

TEST_WITH(a_failed_commit_keeps_everything_and_reports_the_reason, setup, teardown)
{
	struct site *t = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(t->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	store_event(t->store, T * 1000, "tallyd", "gap", "x");
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	assert_non_null(strstr(store_error(t->store), "locked"));
	assert_int_equal(store_pending(t->store), 1);
	sqlite3_close(other);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*) FROM energy", "1");
	assert_rows(t, "SELECT group_concat(kind) FROM (SELECT kind FROM event ORDER BY kind)",
		    "database-stopped,database-writes,gap");
}

TEST_WITH(a_close_commits_the_held_readings, setup, teardown)
{
	struct site *t = *state;

	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	store_close(t->store);
	t->store = NULL;
	assert_rows(t, "SELECT count(*) FROM energy", "1");
}

TEST_WITH(a_database_that_may_not_be_used_is_refused, setup, teardown)
{
	struct site *t = *state;
	struct err e = {0};

	/* it is open already */
	assert_null(store_open(&t->conf, &e));
	assert_int_equal(e.n_errors, 1);
	assert_non_null(strstr(e.items[0].text, "writes to it; stop that one"));
	err_fini(&e);
}

UNIT_MAIN(NULL, NULL)
