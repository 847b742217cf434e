/* SPDX-License-Identifier: MIT */
#include "driver.h"
#include "ledger_site.h"
#include "unit.h"

static const char intervals[] = "SELECT ts - 1767225600, value, quality FROM interval";

/* The modulus of a COUNTIS is reported by the meter, and no reading in the tables has it. */
TEST_WITH(a_rebuild_counts_a_rollover_at_a_modulus_that_was_read, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = calloc(1, sizeof(*d));

	d->max_power_w = 100000;
	d->n_rows = 1;
	d->rows[0] = (struct driver_row){
		.quantity = Q_ACTIVE_ENERGY_IMPORT, .mantissa = 10, .scale = -1, .modulus_read = true};
	t->meters[0].driver = d;
	t->meters[0].ct_primary = t->meters[0].ct_secondary = t->meters[0].vt_primary = t->meters[0].vt_secondary = 1;
	reopen(t);
	add(t, "press", T, READING_GOOD, Q_COUNTER_MAX, INT64_C(9999999990), Q_COUNT);
	add(t, "press", T + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9999999900), Q_COUNT);
	add(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(200), Q_COUNT);
	commit(t);
	crash(t);
	for (int64_t at = 3600; at <= 3660; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(500), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT value FROM daily", "0.6");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT value FROM daily", "0.6");
	assert_rows(t, "SELECT count(*) FROM life", "1");
	reopen(t);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT value FROM daily", "0.6");
	t->meters[0].driver = NULL;
	configure(t);
	free(d);
}

/* The leaflet of a meter says 999,999.9 kWh, the table of its sibling 999,999,999 x 10 Wh. */
TEST_WITH(a_rollover_is_counted_through_the_modulus_of_the_table_that_fits, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = calloc(1, sizeof(*d));

	d->max_power_w = 700000;
	d->n_rows = 1;
	d->rows[0] = (struct driver_row){.quantity = Q_ACTIVE_ENERGY_IMPORT,
					 .mantissa = 10,
					 .scale = -1,
					 .moduli = {{.amount = 1000000000}, {.amount = 1000000000, .in_counts = true}}};
	t->meters[0].driver = d;
	t->meters[0].ct_primary = t->meters[0].ct_secondary = t->meters[0].vt_primary = t->meters[0].vt_secondary = 1;
	reopen(t);
	for (int64_t at = 0; at <= 3600; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, (999990000 + at * 10) % 1000000000,
		    Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT sum(base_value) FROM interval", "27000");
	assert_rows(
		t, "SELECT kind, detail FROM event WHERE kind IN ('rollover', 'reset')",
		"rollover|active_energy_import rolled over from 999999.600 to 0.200 kWh at its modulus 1000000.000");
	assert_rows(t, "SELECT count(*) FROM life", "1");
	t->meters[0].driver = NULL;
	configure(t);
	free(d);
}

/* A reading of a counter in Ws under 601 W. */
static void add_ws(struct site *t, int64_t at)
{
	struct reading r = {.slot_s = T + at, .parts = 3600};

	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, INT64_C(3600000) * 1000 + 1800 + at * 601);
	add_reading(t, "press", &r);
}

TEST_WITH(a_counter_in_ws_is_counted_without_loss, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = calloc(1, sizeof(*d));

	d->max_power_w = 10000;
	d->n_rows = 1;
	d->parts = 3600;
	d->rows[0] = (struct driver_row){
		.quantity = Q_ACTIVE_ENERGY_IMPORT, .type = DRIVER_U32, .mantissa = 1, .per = 3600, .scale = -1};
	t->meters[0].driver = d;
	t->meters[0].ct_primary = t->meters[0].ct_secondary = t->meters[0].vt_primary = t->meters[0].vt_secondary = 1;
	reopen(t);
	for (int64_t at = 0; at <= 1800; at += 60)
		add_ws(t, at);
	commit(t);
	crash(t);
	for (int64_t at = 1860; at <= 3660; at += 60)
		add_ws(t, at);
	commit(t);
	/* 601 W: 150.25 Wh in each quarter, after half a Wh at the start */
	assert_rows(t, intervals, "0|0.15|measured\n900|0.151|measured\n1800|0.15|measured\n2700|0.15|measured");
	assert_rows(t, "SELECT parts, active_energy_import FROM reading_energy LIMIT 2",
		    "3600|3600001800\n3600|3600037860");
	assert_rows(t, "SELECT active_import_wh FROM energy LIMIT 2", "1000000\n1000010");
	assert_rows(t, "SELECT from_value FROM meter_life", "1000.0");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, intervals, "0|0.15|measured\n900|0.151|measured\n1800|0.15|measured\n2700|0.15|measured");
	assert_rows(t, "SELECT count(*) FROM life", "1");
	/* without its register table nobody knows the parts but the rows */
	t->meters[0].driver = NULL;
	reopen(t);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, intervals, "0|0.15|measured\n900|0.151|measured\n1800|0.15|measured\n2700|0.15|measured");
	assert_rows(t, "SELECT count(*) FROM life", "1");
	free(d);
}

/* A minute apart, 100 Wh each; the finer register is refused in the second and third quarter. */
static void add_hour_of_two_registers(struct site *t, int64_t from_s)
{
	for (int64_t at = from_s; at < from_s + 3600; at += 60) {
		int64_t wh = 5050 + at / 60 * 100;

		t->is_coarse = (at - from_s) / 900 == 1 || (at - from_s) / 900 == 2;
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, t->is_coarse ? wh / 1000 * 1000 : wh,
		    Q_COUNT);
	}
	t->is_coarse = false;
	commit(t);
}

TEST_WITH(a_replay_and_a_rebuild_know_the_register_of_each_value, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *d = calloc(1, sizeof(*d));
	char counted[2000];

	d->max_power_w = 20000;
	d->n_rows = 2;
	d->rows[0] = (struct driver_row){
		.quantity = Q_ACTIVE_ENERGY_IMPORT, .type = DRIVER_U32, .n_words = 2, .mantissa = 10, .scale = -1};
	d->rows[1] = (struct driver_row){.quantity = Q_ACTIVE_ENERGY_IMPORT,
					 .type = DRIVER_U32,
					 .n_words = 2,
					 .mantissa = 1000,
					 .scale = -1,
					 .fallback = true};
	t->meters[0].driver = d;
	t->meters[0].ct_primary = t->meters[0].ct_secondary = t->meters[0].vt_primary = t->meters[0].vt_secondary = 1;
	reopen(t);
	add_hour_of_two_registers(t, 0);
	crash(t);
	add_hour_of_two_registers(t, 3600);
	add_hour_of_two_registers(t, 7200);
	assert_rows(t, "SELECT sum(base_value) FROM interval", "16500");
	assert_rows(t,
		    "SELECT kind, detail FROM event WHERE kind IN ('reset', 'implausible', 'rollover', 'taken-back')",
		    "");
	assert_rows(t, "SELECT count(*) FROM life", "1");
	snprintf(counted, sizeof(counted), "%s", rows(t, "SELECT ts, base_value, quality FROM interval"));
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT ts, base_value, quality FROM interval", counted);
	/* rows from before the register was noted count as well */
	assert_int_equal(db_exec(&t->db, "UPDATE reading_energy SET coarse = NULL"), 0);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT ts, base_value, quality FROM interval", counted);
	t->meters[0].driver = NULL;
	configure(t);
	free(d);
}

static void resume(struct site *t)
{
	assert_int_equal(db_meters_load(&t->reg, &t->db), 0);
	assert_int_equal(db_tables_load_newest(&t->tables), 0);
	assert_int_equal(ledger_resume(&t->ledger), 0);
	assert_int_equal(ledger_mode(&t->ledger), LEDGER_LIVE);
}

TEST_WITH(a_rolled_back_transaction_leaves_no_trace, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 600, 5000);
	add(t, "press", T + 1800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(9000), Q_COUNT);
	roll_back(t);
	assert_int_equal(ledger_mode(&t->ledger), LEDGER_STALE);
	resume(t);
	assert_int_equal(ledger_newest_s(&t->ledger), T + 600);
	run(t, 660, 1860, 5000);
	assert_rows(t, intervals, "0|0.15|measured\n900|0.15|measured");
}

/* The state was saved with the first commit; the replay feeds what came later, an interval and a reset among it. */
TEST_WITH(an_account_is_resumed_without_a_write, site_setup, site_teardown)
{
	struct site *t = *state;
	int changes;

	run(t, 0, 60, 5000);
	run(t, 120, 1200, 5000);
	run(t, 1260, 2160, -60);
	begin(t);
	roll_back(t);
	changes = sqlite3_total_changes(t->db.handle);
	resume(t);
	assert_int_equal(sqlite3_total_changes(t->db.handle), changes);
	run(t, 2220, 2760, -60);
	assert_rows(t, intervals, "0|0.15|measured\n900|0.14|estimated\n1800|0.15|measured");
	assert_rows(t, "SELECT kind FROM event", "implausible\nreset");
	assert_rows(t, "SELECT reason FROM meter_life WHERE quantity = 'active_energy_import'", "first\nreset");
}

/* Rolled back readings must not be in the state that is saved when the length of the intervals changes. */
TEST_WITH(settings_change_after_a_rollback_as_after_a_commit, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 1260, 5000);
	add(t, "press", T + 1320, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5220), Q_COUNT);
	roll_back(t);
	t->conf.interval_s = 3600;
	configure(t);
	assert_int_equal(ledger_mode(&t->ledger), LEDGER_LIVE);
	run(t, 1320, 3660, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value, quality FROM interval",
		    "0|900|0.15|measured\n900|360|0.06|measured\n1260|2340|0.39|measured");
}

TEST_WITH(an_interval_that_cannot_be_written_fails_the_whole_transaction, site_setup, site_teardown)
{
	struct site *t = *state;
	struct reading r = {.meter = 1, .slot_s = T + 960, .quality = READING_GOOD};
	unsigned suspect_kinds;

	run(t, 0, 900, 5000);
	begin(t);
	assert_int_equal(db_exec(&t->db, "CREATE TEMP TRIGGER full BEFORE INSERT ON kept_interval BEGIN "
					 "SELECT RAISE (ABORT, 'no room'); END"),
			 0);
	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, 5160);
	assert_int_not_equal(ledger_add_reading(&t->ledger, &r, &suspect_kinds), 0);
	r.slot_s += 60;
	assert_int_not_equal(ledger_add_reading(&t->ledger, &r, &suspect_kinds), 0);
	roll_back(t);
	resume(t);
	run(t, 960, 1020, 5000);
	assert_rows(t, intervals, "0|0.15|measured");
}

TEST_WITH(a_rebuild_that_was_interrupted_is_repeated_at_the_next_start, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 1860, 5000);
	begin(t);
	assert_int_equal(db_put_setting(&t->db, "rebuild", "not finished"), 0);
	assert_int_equal(db_exec(&t->db, "DELETE FROM kept_interval; DELETE FROM day_energy; DELETE FROM life"), 0);
	commit(t);
	crash(t);
	assert_rows(t, intervals, "0|0.15|measured\n900|0.15|measured");
	assert_rows(t, "SELECT value FROM daily ORDER BY quantity", "0.3\n0.15");
	assert_rows(t, "SELECT count(*) FROM life", "2");
	assert_rows(t, "SELECT count(*) FROM setting WHERE name = 'rebuild'", "0");
}

/* Until then there is no account: readings are stored and not counted. */
TEST_WITH(a_rebuild_that_failed_is_repeated_at_the_next_start, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 960, 5000);
	assert_int_equal(db_exec(&t->db, "CREATE TEMP TRIGGER full BEFORE INSERT ON kept_interval BEGIN "
					 "SELECT RAISE (ABORT, 'no room'); END"),
			 0);
	assert_int_not_equal(ledger_rebuild(&t->ledger), 0);
	assert_int_equal(ledger_mode(&t->ledger), LEDGER_CLOSED);
	run(t, 1020, 1860, 5000);
	assert_rows(t, intervals, "0|0.15|measured");
	crash(t);
	assert_rows(t, intervals, "0|0.15|measured\n900|0.15|measured");
}

TEST_WITH(a_rebuild_reports_nothing_twice, site_setup, site_teardown)
{
	struct site *t = *state;
	static const char reports[] =
		"SELECT (SELECT count(*) FROM event_log), (SELECT count(*) FROM suspect), (SELECT count(*) FROM life)";

	run(t, 0, 300, 5000);
	run(t, 360, 960, -60);
	assert_rows(t, reports, "1|22|2");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, reports, "1|22|2");
	run(t, 1020, 1560, -60);
	/* it was no glitch: the life begins with the first of them, and they are suspect no longer */
	assert_rows(t, reports, "2|0|4");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, reports, "2|0|4");
}

UNIT_MAIN(NULL, NULL)
