/* SPDX-License-Identifier: MIT */
/* The views for reports: the rows of the daemon, as the views show them. */
#include "mono.h"
#include "store_site.h"
#include "unit.h"

static int64_t now_s(void)
{
	return mono_wall_ms() / 1000;
}

static void report_bus(struct site *t, const char *state)
{
	store_bus_status(t->store, "hall", &(struct bus_status){.state = state});
}

static void report_meter(struct site *t, const char *meter, const char *state, const char *mismatch)
{
	store_meter_status(t->store, store_meter_id(t->store, meter),
			   &(struct meter_status){.state = state,
						  .mismatch = mismatch,
						  .faults = "2 timeout",
						  .last_good_s = now_s() - 200,
						  .failures = 2,
						  .requests = 10});
}

TEST_WITH(the_meter_report_has_the_columns_of_meter_status_and_more, setup, teardown)
{
	struct site *t = *state;

	assert_rows(t,
		    "SELECT name FROM pragma_table_info('meter_report') LIMIT -1 OFFSET "
		    "(SELECT count(*) FROM pragma_table_info('meter_status'))",
		    "age_s\nmismatch\nfaults");
	assert_rows(t,
		    "SELECT r.name FROM pragma_table_info('meter_report') r JOIN pragma_table_info('meter_status') s "
		    "ON s.cid = r.cid AND s.name <> r.name",
		    "");
	/* nothing has been asked of them yet, and inputs are no meters */
	assert_rows(t, "SELECT meter, state, age_s, mismatch, faults FROM meter_report ORDER BY meter",
		    "press|never|||\npulses|never|||");
}

TEST_WITH(the_age_is_that_of_the_newer_of_figures_and_readings, setup, teardown)
{
	struct site *t = *state;

	report_meter(t, "press", "up", "");
	report_meter(t, "pulses", "up", "");
	hold(t, "press", now_s() - 20, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT_PARTIAL, INT64_C(1000), Q_COUNT);
	hold(t, "pulses", now_s() - 3600, READING_GOOD, Q_PULSES_1, INT64_C(7), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t,
		    "SELECT meter, age_s BETWEEN 20 AND 80, age_s BETWEEN 200 AND 260, faults FROM meter_report "
		    "ORDER BY meter",
		    "press|1|0|2 timeout\npulses|0|1|2 timeout");
}

TEST_WITH(no_trouble_is_shown_while_all_is_up, setup, teardown)
{
	struct site *t = *state;

	report_bus(t, "up");
	report_meter(t, "press", "up", "");
	report_meter(t, "pulses", "suspect", "");
	hold(t, "press", now_s(), READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM trouble", "");
}

TEST_WITH(a_bus_that_is_down_is_the_trouble_of_all_its_meters, setup, teardown)
{
	struct site *t = *state;

	assert_rows(t, "SELECT * FROM trouble", "hall|bus-down|");
	report_bus(t, "down");
	report_meter(t, "press", "down", "");
	store_event(t->store, T * 1000, "hall", "bus-down", "down: unplugged");
	store_event(t->store, T * 1000, "hall", "bus-down", "down: in use");
	store_event(t->store, T * 1000, "press", "meter-down", "down: timeout");
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM trouble", "hall|bus-down|down: in use");
	report_bus(t, "up");
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM trouble ORDER BY subject", "press|meter-down|down: timeout\npulses|meter-down|");
}

TEST_WITH(a_suspect_reading_is_trouble_with_the_last_reason, setup, teardown)
{
	struct site *t = *state;

	report_bus(t, "up");
	report_meter(t, "press", "up", "");
	report_meter(t, "pulses", "up", "");
	hold(t, "press", now_s(), READING_SUSPECT, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM trouble", "press|suspect|");
	store_event(t->store, T * 1000, "press", "implausible", "fell by 5 kWh");
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM trouble", "press|suspect|fell by 5 kWh");
	/* the mismatch explains it better */
	report_meter(t, "press", "suspect", "product is 5");
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT * FROM trouble", "press|mismatch|product is 5");
	assert_rows(t, "SELECT meter, mismatch FROM meter_report ORDER BY meter", "press|product is 5\npulses|");
}

TEST_WITH(names_stay_known_when_they_are_no_longer_configured, setup, teardown)
{
	struct site *t = *state;

	t->bus.n_inputs = 1;
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), 0);
	assert_rows(t, "SELECT * FROM subject ORDER BY name",
		    "gas|input|0\nhall|bus|1\nlighting|input|1\npress|meter|1\npulses|meter|1\ntallyd|daemon|1");
}

static void run(const struct site *t, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Views find a value by the place of its column. Here each value is the id of the quantity that its column is named
 * after. */
TEST_WITH(every_column_is_the_quantity_of_its_name_in_the_views, setup, teardown)
{
	struct site *t = *state;

	run(t, "INSERT INTO slot VALUES (1767225600);"
	       "INSERT INTO interval_start VALUES (1767225600);"
	       "INSERT INTO local_day VALUES ('2026-01-01', 1767225600, 1767312000);"
	       "INSERT INTO local_month VALUES ('2026-01-01', 1767225600, 1769904000);"
	       "INSERT INTO kept_interval (ts, meter, duration_s, quality, estimated) "
	       "VALUES (1767225600, 1, 900, 1, 32);"
	       "INSERT INTO kept_interval_energy_other (ts, meter, estimated) VALUES (1767225600, 1, 8);"
	       "INSERT INTO life (meter, quantity, from_ts, from_raw, reason) "
	       "SELECT 1, id, 0, 0, '' FROM quantity WHERE place > 0");
	run(t, rows(t, "SELECT group_concat('INSERT INTO ' || name || ' (id, meter, delay_ms, quality) "
		       "VALUES (1767225600 << 14, 1, 0, 0)', '; ') "
		       "FROM sqlite_schema WHERE type = 'table' AND name GLOB 'reading_*'"));
	run(t, rows(t, "SELECT group_concat('INSERT INTO ' || m.name || ' (' || p.name || ', meter, measured_s) "
		       "VALUES (''2026-01-01'', 1, 86400)', '; ') FROM sqlite_schema m, pragma_table_info(m.name) p "
		       "WHERE m.type = 'table' AND p.name IN ('day', 'month') AND m.name GLOB p.name || '_*'"));
	for (int q = 0; q < Q_COUNT; q++) {
		char sql[600];

		snprintf(sql, sizeof(sql),
			 "SELECT group_concat('UPDATE ' || m.name || ' SET %s = ' || q.id, '; ') FROM sqlite_schema m, "
			 "pragma_table_info(m.name) p, quantity q WHERE q.name = '%s' AND p.name = q.name "
			 "AND m.type = 'table' AND q.place > 0",
			 names_get((enum quantity)q)->name, names_get((enum quantity)q)->name);
		run(t, rows(t, sql));
	}
	assert_rows(t,
		    "SELECT count(*), sum(l.value = q.id * 1.0 / q.per) FROM latest l JOIN quantity q "
		    "ON q.name = l.quantity",
		    "131|131");
	assert_rows(t,
		    "SELECT count(*), sum(value = q.id) FROM counted_reading c JOIN quantity q ON q.name = c.quantity",
		    "80|80");
	assert_rows(t, "SELECT count(*), sum(base_value = q.id) FROM daily d JOIN quantity q ON q.name = d.quantity",
		    "74|74");
	assert_rows(t, "SELECT count(*), sum(base_value = q.id) FROM monthly m JOIN quantity q ON q.name = m.quantity",
		    "74|74");
	assert_rows(t, "SELECT count(*), sum(base_value = q.id) FROM interval i JOIN quantity q ON q.name = i.quantity",
		    "34|34");
	assert_rows(t, "SELECT quantity FROM interval WHERE quality = 'estimated' ORDER BY quantity",
		    "reactive_energy_q2\nvolume");
}

UNIT_MAIN(NULL, NULL)
