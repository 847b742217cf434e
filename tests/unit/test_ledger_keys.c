/* SPDX-License-Identifier: MIT */
/* Something changes of which a life is made: a ratio, a register table, an address, a pulse. The configuration changes
 * while the daemon runs (configure()) or while it is stopped (reopen()). */
#include "driver.h"
#include "ledger_site.h"
#include "unit.h"

static const char lives[] = "SELECT from_value, until_value, reason FROM meter_life "
			    "WHERE meter = 'press' AND quantity = 'active_energy_import' ORDER BY since";
static const char counted[] = "SELECT total(base_value) FROM interval WHERE meter = 'press'";
static const char events[] = "SELECT detail FROM event WHERE kind = 'key-changed' ORDER BY ts";

/* The press is a meter of this model, with ratios 1/1. */
static void use_model(struct site *t, const char *model, const struct driver *driver)
{
	struct conf_meter *m = &t->meters[0];

	snprintf(m->model, sizeof(m->model), "%s", model);
	m->driver = driver;
	m->address = 5;
	m->ct_primary = m->ct_secondary = m->vt_primary = m->vt_secondary = 1;
	configure(t);
}

static struct driver *load_driver(struct site *t, const char *model)
{
	struct driver *d;
	char path[200];

	snprintf(path, sizeof(path), "%s/drivers/%s.ini", SOURCE_DIR, model);
	d = driver_load(path, &t->e);
	assert_non_null(d);
	return d;
}

/* Readings of the press each minute of [from_s, to_s], base units at_0 at T and per_hour an hour. */
static void read_press(struct site *t, int64_t from_s, int64_t to_s, int64_t at_0, int64_t per_hour)
{
	for (int64_t at = from_s; at <= to_s; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, at_0 + at * per_hour / 3600, Q_COUNT);
	commit(t);
}

/* The same change of the configuration while the daemon runs, and while it is stopped. */
enum how { RUNNING, STOPPED };

static void take_change(struct site *t, enum how how)
{
	if (how == RUNNING)
		configure(t);
	else
		reopen(t);
}

static void write_ct_later(struct site *t, enum how how)
{
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 1800, 50000, 600);
	t->meters[0].ct_primary = 400;
	t->meters[0].ct_secondary = 5;
	take_change(t, how);
	read_press(t, 1860, 3660, 50000 * 80, 600 * 80);
	assert_rows(t, lives, "50.0|50.3|first\n4024.8||replaced");
	/* 300 Wh before; of the 24,000 Wh after, what passed until 3600 */
	assert_rows(t, counted, "23500.0");
	assert_rows(t, events, "ct 1/1 -> 400/5; a new life begins, tally replace --undo press takes that back");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, counted, "23500.0");
	assert_rows(t, lives, "50.0|50.3|first\n4024.8||replaced");
	t->meters[0].driver = NULL;
	driver_free(conto);
}

TEST_WITH(a_ratio_that_is_written_while_the_daemon_runs_counts_no_jump, site_setup, site_teardown)
{
	write_ct_later(*state, RUNNING);
}

TEST_WITH(a_ratio_that_is_written_while_it_is_stopped_counts_no_jump, site_setup, site_teardown)
{
	write_ct_later(*state, STOPPED);
}

TEST_WITH(the_same_ratio_in_other_numbers_is_no_change, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	t->meters[0].ct_primary = 400;
	t->meters[0].ct_secondary = 5;
	configure(t);
	read_press(t, 0, 600, 50000, 6000);
	t->meters[0].ct_primary = 80;
	t->meters[0].ct_secondary = 1;
	configure(t);
	read_press(t, 660, 1800, 50000, 6000);
	assert_rows(t, "SELECT count(*) FROM life", "1");
	assert_rows(t, "SELECT count(*) FROM event WHERE ts > 1767225600 AND kind = 'key-changed'", "0");
	t->meters[0].driver = NULL;
	driver_free(conto);
}

/* A table that weighed a count ten times too little. */
static void correct_table(struct site *t, enum how how)
{
	static struct driver wrong, right;

	wrong = (struct driver){.n_rows = 2,
				.rows = {{.quantity = Q_ACTIVE_ENERGY_IMPORT,
					  .type = DRIVER_U32,
					  .address = 805,
					  .n_words = 2,
					  .scale = -1,
					  .mantissa = 1},
					 {.quantity = Q_REACTIVE_ENERGY_IMPORT,
					  .type = DRIVER_U32,
					  .address = 835,
					  .n_words = 2,
					  .scale = -1,
					  .mantissa = 1}}};
	right = wrong;
	right.rows[0].mantissa = 10;
	use_model(t, "own", &wrong);
	for (int64_t at = 0; at <= 900; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 60, Q_REACTIVE_ENERGY_IMPORT,
		    7000 + at / 60, Q_COUNT);
	commit(t);
	t->meters[0].driver = &right;
	take_change(t, how);
	for (int64_t at = 960; at <= 1860; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, (5000 + at / 60) * 10,
		    Q_REACTIVE_ENERGY_IMPORT, 7000 + at / 60, Q_COUNT);
	commit(t);
	assert_rows(t, events,
		    "register of active_energy_import 805 u32 abcd x 1 Wh -> 805 u32 abcd x 10 Wh; a new life begins, "
		    "tally replace --undo press takes that back");
	assert_rows(t, lives, "5.0|5.015|first\n50.16||replaced");
	assert_rows(t, "SELECT quantity, total(base_value) FROM interval GROUP BY quantity ORDER BY quantity",
		    "active_energy_import|155.0\nreactive_energy_import|30.0");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT quantity, total(base_value) FROM interval GROUP BY quantity ORDER BY quantity",
		    "active_energy_import|155.0\nreactive_energy_import|30.0");
	t->meters[0].driver = NULL;
}

TEST_WITH(a_table_corrected_by_a_factor_of_ten_while_the_daemon_runs_counts_no_jump, site_setup, site_teardown)
{
	correct_table(*state, RUNNING);
}

TEST_WITH(a_table_corrected_by_a_factor_of_ten_while_it_is_stopped_counts_no_jump, site_setup, site_teardown)
{
	correct_table(*state, STOPPED);
}

static void add_parts(struct site *t, int64_t at, uint16_t parts, int64_t active, int64_t reactive)
{
	struct reading r = {.slot_s = T + at, .parts = parts};

	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, active);
	reading_set(&r, Q_REACTIVE_ENERGY_IMPORT, reactive);
	add_reading(t, "press", &r);
}

/* A table that took 0.1 Wh for 1 Wh. Its rows are in tenths from then on, the reactive energy too. */
TEST_WITH(a_table_corrected_to_a_tenth_ends_the_life_of_that_register_only, site_setup, site_teardown)
{
	struct site *t = *state;
	static struct driver wrong, right;

	wrong = (struct driver){.n_rows = 2,
				.parts = 1,
				.rows = {{.quantity = Q_ACTIVE_ENERGY_IMPORT,
					  .type = DRIVER_U32,
					  .address = 805,
					  .n_words = 2,
					  .scale = -1,
					  .mantissa = 1},
					 {.quantity = Q_REACTIVE_ENERGY_IMPORT,
					  .type = DRIVER_U32,
					  .address = 835,
					  .n_words = 2,
					  .scale = -1,
					  .mantissa = 1}}};
	right = wrong;
	right.parts = 10;
	right.rows[0].exponent = -1;
	use_model(t, "own", &wrong);
	for (int64_t at = 0; at <= 900; at += 60)
		add_parts(t, at, 1, 50000 + at / 6, 7000 + at / 60);
	commit(t);
	t->meters[0].driver = &right;
	take_change(t, RUNNING);
	for (int64_t at = 960; at <= 1860; at += 60)
		add_parts(t, at, 10, 50000 + at / 6, (7000 + at / 60) * 10);
	commit(t);
	assert_rows(
		t, events,
		"register of active_energy_import 805 u32 abcd x 1 Wh -> 805 u32 abcd x 1 1/10 Wh; a new life begins, "
		"tally replace --undo press takes that back");
	assert_rows(t, lives, "50.0|50.15|first\n5.016||replaced");
	assert_rows(t, "SELECT quantity, total(base_value) FROM interval GROUP BY quantity ORDER BY quantity",
		    "active_energy_import|164.0\nreactive_energy_import|30.0");
	assert_rows(t, "SELECT active_import_wh, reactive_import_varh FROM energy WHERE ts IN (1767226500, 1767227460)",
		    "50150|7015\n5031|7031");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT quantity, total(base_value) FROM interval GROUP BY quantity ORDER BY quantity",
		    "active_energy_import|164.0\nreactive_energy_import|30.0");
	t->meters[0].driver = NULL;
}

/* Two Contos at addresses that were exchanged: press reads the other one until that is corrected. */
static void correct_addresses(struct site *t, enum how how)
{
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	t->meters[1] = t->meters[0];
	strcpy(t->meters[1].name, "oven");
	t->meters[1].address = 6;
	t->bus.n_inputs = 0;
	configure(t);
	for (int64_t at = 0; at <= 900; at += 60) {
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 50000 + at / 6, Q_COUNT);
		add(t, "oven", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 60000 + at / 6, Q_COUNT);
	}
	commit(t);
	t->meters[0].address = 6;
	t->meters[1].address = 5;
	take_change(t, how);
	for (int64_t at = 960; at <= 1860; at += 60) {
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 60000 + at / 6, Q_COUNT);
		add(t, "oven", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 50000 + at / 6, Q_COUNT);
	}
	commit(t);
	assert_rows(t, "SELECT meter, from_value, reason FROM meter_life ORDER BY meter, since",
		    "oven|60.0|first\noven|50.16|replaced\npress|50.0|first\npress|60.16|replaced");
	assert_rows(t, "SELECT meter, max(base_value), total(base_value) FROM interval GROUP BY meter ORDER BY meter",
		    "oven|150|290.0\npress|150|290.0");
	assert_rows(
		t, "SELECT subject, detail FROM event WHERE kind = 'key-changed' ORDER BY subject",
		"oven|bus hall address 6 -> bus hall address 5; a new life begins, tally replace --undo oven takes "
		"that back\n"
		"press|bus hall address 5 -> bus hall address 6; a new life begins, tally replace --undo press takes "
		"that back");
	t->meters[0].driver = t->meters[1].driver = NULL;
	driver_free(conto);
}

TEST_WITH(exchanged_addresses_corrected_while_the_daemon_runs_count_no_jump, site_setup, site_teardown)
{
	correct_addresses(*state, RUNNING);
}

TEST_WITH(exchanged_addresses_corrected_while_it_is_stopped_count_no_jump, site_setup, site_teardown)
{
	correct_addresses(*state, STOPPED);
}

TEST_WITH(a_meter_without_a_serial_number_that_moves_begins_a_life, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 900, 50000, 600);
	strcpy(t->bus.name, "cellar");
	configure(t);
	read_press(t, 960, 1860, 90000, 600);
	assert_rows(t, lives, "50.0|50.15|first\n90.16||replaced");
	assert_rows(t, events,
		    "bus hall address 5 -> bus cellar address 5; a new life begins, tally replace --undo press takes "
		    "that back");
	t->meters[0].driver = NULL;
	driver_free(conto);
}

TEST_WITH(the_end_of_a_life_by_a_change_of_key_is_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 900, 50000, 600);
	strcpy(t->bus.name, "cellar");
	configure(t);
	read_press(t, 960, 1860, 50000, 600);
	assert_rows(t, lives, "50.0|50.15|first\n50.16||replaced");
	request_undo(t, "press");
	read_press(t, 1920, 2760, 50000, 600);
	assert_rows(t, "SELECT state, reason FROM request",
		    "done|taken back; the life before the replacement continues");
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, counted, "450.0");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, counted, "450.0");
	t->meters[0].driver = NULL;
	driver_free(conto);
}

TEST_WITH(the_jump_of_a_corrected_ratio_is_not_taken_back, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 1800, 50000, 600);
	t->meters[0].ct_primary = 400;
	t->meters[0].ct_secondary = 5;
	configure(t);
	read_press(t, 1860, 3660, 50000 * 80, 600 * 80);
	request_undo(t, "press");
	read_press(t, 3720, 5460, 50000 * 80, 600 * 80);
	assert_rows(t, "SELECT state, substr(reason, 1, 58) FROM request",
		    "refused|active_energy_import was 50.300 kWh before it and is 4072.");
	assert_rows(t, lives, "50.0|50.3|first\n4024.8||replaced");
	t->meters[0].driver = NULL;
	driver_free(conto);
}

/* A COUNTIS has a serial number. It moves to another bus. */
static struct driver *move_countis(struct site *t)
{
	struct driver *countis = load_driver(t, "countis-e44");

	use_model(t, "countis-e44", countis);
	add_serial(t, "press", "A1");
	read_press(t, 0, 900, 50000, 600);
	strcpy(t->bus.name, "cellar");
	configure(t);
	return countis;
}

static void end_countis(struct site *t, struct driver *countis)
{
	t->meters[0].driver = NULL;
	driver_free(countis);
}

TEST_WITH(an_equal_serial_number_keeps_the_life_of_a_meter_that_moves, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);

	add_serial(t, "press", "A1");
	read_press(t, 960, 1860, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, counted, "300.0");
	assert_rows(t, events,
		    "bus hall address 5 -> bus cellar address 5; its values are suspect until its serial number shows "
		    "whether it is the same meter\n"
		    "bus hall address 5 -> bus cellar address 5; its serial number is A1 as before, so it is the same "
		    "meter and its values count");
	end_countis(t, countis);
}

TEST_WITH(values_wait_for_the_serial_number_and_count_when_it_is_equal, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);

	read_press(t, 960, 1860, 50000, 600);
	assert_rows(t, "SELECT DISTINCT reason FROM suspect_reading", "identity pending");
	assert_rows(t, "SELECT count(*) FROM energy WHERE quality = 'suspect'", "16");
	assert_rows(t, counted, "0.0");
	add_serial(t, "press", "A1");
	commit(t);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	assert_rows(t, "SELECT count(*) FROM energy WHERE quality = 'suspect'", "0");
	assert_rows(t, "SELECT ts - 1767225600, base_value, quality FROM interval", "0|150|measured\n900|150|measured");
	read_press(t, 1920, 2760, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, counted, "450.0");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, counted, "450.0");
	end_countis(t, countis);
}

TEST_WITH(a_restart_does_not_count_what_waits, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);

	read_press(t, 960, 1200, 50000, 600);
	crash(t);
	read_press(t, 1260, 1500, 50000, 600);
	reopen(t);
	read_press(t, 1560, 1860, 50000, 600);
	assert_rows(t, counted, "0.0");
	add_serial(t, "press", "A1");
	commit(t);
	assert_rows(t, counted, "300.0");
	assert_rows(t, lives, "50.0||first");
	end_countis(t, countis);
}

TEST_WITH(another_serial_number_ends_the_life_of_a_meter_at_its_move, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);

	read_press(t, 960, 1860, 70000, 600);
	add_serial(t, "press", "B2");
	commit(t);
	assert_rows(t, lives, "50.0|50.15|first\n70.16||replaced");
	assert_rows(t, counted, "290.0");
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'meter-replaced'", "0");
	assert_rows(
		t, "SELECT detail FROM event WHERE kind = 'key-changed' AND detail LIKE '%B2%'",
		"bus hall address 5 -> bus cellar address 5; its serial number was A1, is now B2; a new life begins, "
		"tally replace --undo press takes that back");
	assert_rows(t, "SELECT serial FROM meter_status WHERE meter = 'press'", "B2");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, "50.0|50.15|first\n70.16||replaced");
	assert_rows(t, counted, "290.0");
	end_countis(t, countis);
}

TEST_WITH(a_meter_that_moved_waits_for_an_hour_of_readings_at_most, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);

	read_press(t, 86400, 86400 + 3540, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	read_press(t, 86400 + 3600, 86400 + 3600, 50000, 600);
	assert_rows(t, lives, "50.0|50.15|first\n64.4||replaced");
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	end_countis(t, countis);
}

TEST_WITH(a_meter_that_moves_back_before_it_was_identified_continues, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);

	read_press(t, 960, 1860, 70000, 600);
	strcpy(t->bus.name, "hall");
	configure(t);
	read_press(t, 1920, 2760, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, counted, "450.0");
	assert_rows(t, "SELECT DISTINCT reason FROM suspect_reading", "read before the configuration was corrected");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, counted, "450.0");
	end_countis(t, countis);
}

/* The way to the bus is no part of a key. */
TEST_WITH(another_host_speed_or_label_ends_no_life, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 900, 50000, 600);
	t->bus.host = (char *)(uintptr_t) "192.0.2.1";
	t->bus.baud = 9600;
	strcpy(t->meters[0].label, "The press");
	configure(t);
	read_press(t, 960, 1860, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, events, "");
	t->bus.host = NULL;
	t->meters[0].driver = NULL;
	driver_free(conto);
}

static void change_offset(struct site *t, enum how how)
{
	for (int64_t at = 0; at <= 900; at += 60)
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, 1000 + at / 60, Q_COUNT);
	commit(t);
	t->inputs[0].offset = 500000;
	take_change(t, how);
	for (int64_t at = 960; at <= 1860; at += 60)
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, 1000 + at / 60, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT from_value, reason FROM meter_life WHERE meter = 'lighting'", "10.0|first");
	assert_rows(t, "SELECT base_value FROM interval WHERE meter = 'lighting'", "150\n150");
	assert_rows(t, "SELECT value FROM pulse WHERE meter = 'lighting' ORDER BY ts DESC LIMIT 1", "510.31");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT base_value FROM interval WHERE meter = 'lighting'", "150\n150");
}

TEST_WITH(an_offset_changed_while_the_daemon_runs_loses_no_pulse, site_setup, site_teardown)
{
	change_offset(*state, RUNNING);
}

TEST_WITH(an_offset_changed_while_it_is_stopped_loses_no_pulse, site_setup, site_teardown)
{
	change_offset(*state, STOPPED);
}

TEST_WITH(the_keys_are_shown_with_the_time_for_which_they_hold, site_setup, site_teardown)
{
	struct driver *conto, *d4cr8;
	struct site *t = *state;

	conto = load_driver(t, "conto-d4-s");
	d4cr8 = load_driver(t, "conto-d4cr8");
	t->meters[1].driver = d4cr8;
	t->meters[1].address = 7;
	t->meters[1].ct_primary = t->meters[1].ct_secondary = t->meters[1].vt_primary = t->meters[1].vt_secondary = 1;
	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 1800, 50000, 600);
	t->meters[0].ct_primary = 400;
	t->meters[0].ct_secondary = 5;
	configure(t);
	read_press(t, 1860, 3660, 50000 * 80, 600 * 80);
	assert_rows(
		t,
		"SELECT since, until, registers, ct, vt, pulse, model, bus, address, concentrator, input, held FROM "
		"key WHERE meter = 'press' AND quantity = 'active_energy_import' ORDER BY since_ts",
		"|2026-01-01T00:30:00Z|805 u32 abcd x 10 Wh|1/1|1/1||conto-d4-s|hall|5|||\n"
		"2026-01-01T00:30:00Z||805 u32 abcd x 100 Wh|400/5|1/1||conto-d4-s|hall|5|||");
	assert_rows(t,
		    "SELECT quantity, since, until, registers, ct, vt, pulse, model, bus, address, concentrator, input "
		    "FROM "
		    "key WHERE meter = 'lighting'",
		    "active_energy_import|||769 u32 abcd x 1 1|||10 Wh|conto-d4cr8|hall|7|pulses|1");
	/* no row without a counter where the table is known */
	assert_rows(t, "SELECT count(*) FROM key WHERE quantity IS NULL OR registers IS NULL", "0");
	t->meters[0].driver = t->meters[1].driver = NULL;
	driver_free(conto);
	driver_free(d4cr8);
}

TEST_WITH(another_pulse_or_number_begins_a_life_of_the_input, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 900; at += 60)
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, 1000 + at / 60, Q_PULSES_3, INT64_C(9000), Q_COUNT);
	commit(t);
	t->inputs[0].weight = 1000;
	configure(t);
	for (int64_t at = 960; at <= 1800; at += 60)
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, 1000 + at / 60, Q_PULSES_3, INT64_C(9000), Q_COUNT);
	commit(t);
	t->inputs[0].input = 3;
	configure(t);
	for (int64_t at = 1860; at <= 2760; at += 60)
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, 1000 + at / 60, Q_PULSES_3, 9000 + at / 60, Q_COUNT);
	commit(t);
	assert_rows(
		t, events,
		"pulse 10 Wh -> 1000 Wh; a new life begins, tally replace --undo lighting takes that back\n"
		"concentrator pulses input 1 -> concentrator pulses input 3; a new life begins, tally replace --undo "
		"lighting takes that back");
	assert_rows(t, "SELECT total(base_value) FROM interval WHERE meter = 'lighting'", "28150.0");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT total(base_value) FROM interval WHERE meter = 'lighting'", "28150.0");
}

TEST_WITH(a_concentrator_that_moves_ends_the_lives_of_its_inputs, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *concentrator = load_driver(t, "conto-d4cr8");

	t->meters[1].driver = concentrator;
	t->meters[1].address = 8;
	t->meters[1].ct_primary = t->meters[1].ct_secondary = t->meters[1].vt_primary = t->meters[1].vt_secondary = 1;
	configure(t);
	add(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(1000), Q_COUNT);
	commit(t);
	t->meters[1].address = 9;
	configure(t);
	add(t, "pulses", T + 60, READING_GOOD, Q_PULSES_1, INT64_C(1003), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT from_value, reason FROM meter_life WHERE meter = 'lighting'",
		    "10.0|first\n10.03|replaced");
	assert_rows(t, "SELECT subject, detail FROM event WHERE kind = 'key-changed' ORDER BY subject DESC",
		    "pulses|bus hall address 8 -> bus hall address 9; a new life begins, tally replace --undo pulses "
		    "takes that back\n"
		    "lighting|its concentrator pulses: bus hall address 8 -> bus hall address 9; a new life begins\n"
		    "gas|its concentrator pulses: bus hall address 8 -> bus hall address 9; a new life begins");
	t->meters[1].driver = NULL;
	driver_free(concentrator);
}

/* As a database of an older version: it has lives and no keys. */
TEST_WITH(a_database_without_keys_gets_them_without_ending_a_life, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 900, 50000, 600);
	assert_int_equal(db_exec(&t->db, "DELETE FROM meter_key; DELETE FROM meaning; DELETE FROM rating"), 0);
	t->meters[0].address = 7;
	reopen(t);
	read_press(t, 960, 1860, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, events, "");
	assert_rows(t,
		    "SELECT m.name, k.from_ts, k.address FROM meter_key k JOIN meter m ON m.id = k.meter "
		    "WHERE m.name = 'press'",
		    "press|0|7");
	t->meters[0].driver = NULL;
	driver_free(conto);
}

/* A Conto for transformers without ct in its section. */
static struct driver *read_without_ct(struct site *t)
{
	struct driver *conto = load_driver(t, "conto-d4-s");

	t->meters[0].lacks_ct = true;
	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 900, 50000, 600);
	return conto;
}

static void write_ct(struct site *t, uint32_t primary, uint32_t secondary)
{
	t->meters[0].lacks_ct = false;
	t->meters[0].ct_primary = primary;
	t->meters[0].ct_secondary = secondary;
}

TEST_WITH(a_meter_without_its_ct_is_read_and_not_counted, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = read_without_ct(t);

	assert_rows(t, "SELECT DISTINCT reason FROM suspect_reading", "ct missing");
	assert_rows(t, "SELECT count(*), sum(active_import_wh > 0) FROM energy WHERE quality = 'suspect'", "16|16");
	assert_rows(t, "SELECT count(*) FROM meter_life", "0");
	assert_rows(t, counted, "0.0");
	assert_rows(t, "SELECT kind, detail FROM event",
		    "ct-missing|ct is missing; its counters are kept and not counted until it is written");
	assert_rows(t, "SELECT kind, detail FROM trouble WHERE subject = 'press' AND kind <> 'meter-down'",
		    "ct-missing|ct is missing; its counters are kept and not counted until it is written");
	assert_int_equal(db_exec(&t->db, "INSERT INTO status_of_meter (meter, state, failures, requests, timeouts, "
					 "crc_errors, exceptions, latency_us, mismatch) "
					 "SELECT id, 'up', 0, 1, 0, 0, 0, 0, '' FROM meter WHERE name = 'press'"),
			 0);
	assert_rows(t, "SELECT state FROM meter_status WHERE meter = 'press'", "suspect");
	end_countis(t, conto);
}

TEST_WITH(intervals_that_were_missing_are_revised_when_what_was_kept_counts, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);

	read_press(t, 960, 3600, 50000, 600);
	report_missing(t, T + 3600);
	commit(t);
	assert_rows(t, "SELECT ts - 1767225600, quality FROM interval WHERE meter = 'press' AND quality = 'missing'",
		    "900|missing\n1800|missing");
	add_serial(t, "press", "A1");
	commit(t);
	assert_rows(t, "SELECT ts - 1767225600, base_value, quality FROM interval WHERE meter = 'press'",
		    "0|150|measured\n900|150|measured\n1800|150|measured");
	assert_rows(t,
		    "SELECT from_ts - 1767225600, until_ts - 1767225600, meter, reason FROM revision WHERE kind = "
		    "'interval'",
		    "900|3600|press|its values had been kept until a question about the meter was answered");
	end_countis(t, countis);
}

TEST_WITH(values_that_wait_are_not_read_a_second_time, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *countis = move_countis(t);
	struct ledger_copy copy = {.edition = 0};
	struct reading r = {.meter = t->reg.list[0].id, .slot_s = T + 960};

	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, 10);
	assert_int_equal(ledger_publish(&t->ledger, &copy), 0);
	assert_int_equal(ledger_copy_judge(&copy, &r, 0), READING_FOLLOWS);
	add_serial(t, "press", "A1");
	commit(t);
	assert_int_equal(ledger_publish(&t->ledger, &copy), 0);
	assert_int_not_equal(ledger_copy_judge(&copy, &r, 0), READING_FOLLOWS);
	ledger_copy_fini(&copy);
	end_countis(t, countis);
}

static void state_ct(struct site *t, enum how how)
{
	struct driver *conto = read_without_ct(t);

	write_ct(t, 1, 1);
	take_change(t, how);
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	assert_rows(t, "SELECT count(*) FROM energy WHERE quality = 'suspect'", "0");
	read_press(t, 960, 1860, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, "SELECT ts - 1767225600, base_value, quality FROM interval", "0|150|measured\n900|150|measured");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, counted, "300.0");
	end_countis(t, conto);
}

TEST_WITH(ct_written_as_1_to_1_while_the_daemon_runs_counts_all_that_was_kept, site_setup, site_teardown)
{
	state_ct(*state, RUNNING);
}

TEST_WITH(ct_written_as_1_to_1_while_it_is_stopped_counts_all_that_was_kept, site_setup, site_teardown)
{
	state_ct(*state, STOPPED);
}

TEST_WITH(another_ct_begins_to_count_there, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = read_without_ct(t);

	write_ct(t, 400, 5);
	configure(t);
	read_press(t, 960, 1860, 50000 * 80, 600 * 80);
	assert_rows(t, lives, "4012.8||first");
	assert_rows(t, counted, "11200.0");
	assert_rows(t, "SELECT DISTINCT reason FROM suspect_reading", "read before the configuration was corrected");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, counted, "11200.0");
	end_countis(t, conto);
}

TEST_WITH(a_ct_that_is_lost_and_written_again_continues_the_life, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	write_ct(t, 400, 5);
	configure(t);
	read_press(t, 0, 900, 50000, 6000);
	t->meters[0].lacks_ct = true;
	t->meters[0].ct_primary = t->meters[0].ct_secondary = 1;
	configure(t);
	read_press(t, 960, 1860, 50000 / 80, 6000 / 80);
	write_ct(t, 400, 5);
	configure(t);
	read_press(t, 1920, 2760, 50000, 6000);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, counted, "4500.0");
	end_countis(t, conto);
}

/* As it was in older versions. */
TEST_WITH(a_meter_that_was_counted_without_ct_continues_with_one_event, site_setup, site_teardown)
{
	struct site *t = *state;
	struct driver *conto = load_driver(t, "conto-d4-s");

	use_model(t, "conto-d4-s", conto);
	read_press(t, 0, 900, 50000, 600);
	assert_int_equal(db_exec(&t->db, "DELETE FROM meter_key; DELETE FROM meaning; DELETE FROM rating"), 0);
	t->meters[0].lacks_ct = true;
	reopen(t);
	read_press(t, 960, 1860, 50000, 600);
	reopen(t);
	configure(t);
	read_press(t, 1920, 2760, 50000, 600);
	assert_rows(t, lives, "50.0||first");
	assert_rows(t, counted, "450.0");
	assert_rows(t, "SELECT kind, detail FROM event",
		    "ct-missing|ct is missing; it is counted with ct = 1/1 as before");
	end_countis(t, conto);
}

UNIT_MAIN(NULL, NULL)
