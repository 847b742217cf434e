/* SPDX-License-Identifier: MIT */
#include "db_tables.h"

#include <errno.h>

#include "db_folder.h"
#include "unit.h"

enum { PRESS, PUMP }; /* indices in the register */

/* A database with two meters. */
struct site {
	struct folder *f;
	struct db_meters reg;
	struct db_tables tables;
};

static struct site site;

static int setup(void **state)
{
	int rc = folder_setup(state);

	site = (struct site){.f = *state};
	if (rc != 0)
		return rc;
	rc = db_exec(&site.f->db, "INSERT INTO meter (is_input, bus, name, label, model, address, configured) VALUES "
				  "(0, 'hall', 'press', '', 'countis-e43', 1, 1), "
				  "(0, 'hall', 'pump', '', 'countis-e43', 2, 1)");
	if (rc == 0)
		rc = db_tables_open(&site.tables, &site.f->db, &site.reg);
	if (rc == 0)
		rc = db_meters_load(&site.reg, &site.f->db);
	return rc == 0 ? db_tables_load_newest(&site.tables) : rc;
}

static int teardown(void **state)
{
	db_tables_close(&site.tables);
	db_meters_free(&site.reg);
	return folder_teardown(state);
}

static size_t kind(enum quantity q)
{
	return (size_t)site.tables.kind_of[q];
}

static struct reading reading_of(int64_t slot_s)
{
	struct reading r = {.slot_s = slot_s, .delay_ms = 120};

	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, 1000);
	reading_set(&r, Q_APPARENT_ENERGY, 7);
	reading_set(&r, Q_ACTIVE_POWER, -600000);
	reading_set(&r, Q_COUNTER_MAX, 99);
	return r;
}

/* Write all kinds of a reading; returns its id. */
static int64_t write_reading(size_t meter, int64_t slot_s)
{
	struct reading r = reading_of(slot_s);
	unsigned kinds = db_tables_kinds_of(&site.tables, &r);
	int64_t id = 0;

	assert_int_equal(db_tables_next_id(&site.tables, slot_s, &id), 0);
	for (size_t k = 0; k < site.tables.n_kinds; k++)
		if (kinds & 1U << k)
			assert_int_equal(db_tables_write(&site.tables, k, meter, id, READING_LATE, &r), 0);
	return id;
}

static int64_t number(const char *sql)
{
	return db_number(&site.f->db, sql, -1);
}

TEST_WITH(every_quantity_of_names_has_its_row_in_table_quantity, setup, teardown)
{
	int64_t n_kept = 0;

	for (int q = 0; q < Q_COUNT; q++)
		n_kept += site.tables.kind_of[q] >= 0;
	assert_int_equal(number("SELECT count(*) FROM quantity"), Q_COUNT);
	assert_int_equal(number("SELECT count(*) FROM quantity WHERE kind <> ''"), n_kept);
	assert_int_equal(number("SELECT count(*) FROM quantity WHERE name = 'volume' AND base = 'ml' AND unit = 'm3'"),
			 1);
	assert_true(site.tables.kind_of[Q_COUNTER_MAX] < 0);
	assert_true(site.tables.kinds[kind(Q_ACTIVE_ENERGY_IMPORT)].has_counters);
	assert_false(site.tables.kinds[kind(Q_ACTIVE_POWER)].has_counters);
}

/* Like pulses: the row keeps all of the counter, and says what it is in. */
TEST_WITH(a_counter_finer_than_a_base_unit_is_kept_whole_and_shown_rounded_down, setup, teardown)
{
	struct reading r = {.slot_s = JAN_2026_S, .parts = 3600};
	int64_t id = 0;

	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, INT64_C(1234567) * 3600 + 3599);
	reading_set(&r, Q_APPARENT_ENERGY, 3599);
	reading_set(&r, Q_TARIFF, 2);
	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT_T1, 7 * 3600);
	reading_set(&r, Q_REACTIVE_ENERGY_IMPORT_T5, 2 * 3600 + 1);
	reading_set(&r, Q_ACTIVE_ENERGY_EXPORT_T8, 5 * 3600 + 3599);
	reading_set(&r, Q_OPERATING_TIME, 36 * 3600);
	reading_set(&r, Q_ACTIVE_POWER, 600000);
	reading_set(&r, Q_PULSES_3, 41);
	assert_int_equal(db_tables_next_id(&site.tables, JAN_2026_S, &id), 0);
	for (size_t k = 0; k < site.tables.n_kinds; k++)
		assert_int_equal(db_tables_write(&site.tables, k, PRESS, id, READING_GOOD, &r), 0);
	assert_int_equal(number("SELECT active_energy_import FROM reading_energy"), INT64_C(1234567) * 3600 + 3599);
	assert_int_equal(number("SELECT parts FROM reading_tariff_other"), 3600);
	assert_int_equal(number("SELECT active_import_wh FROM energy"), 1234567);
	assert_int_equal(number("SELECT active_import_kwh = 1234.567 AND apparent_kvah = 0 FROM energy"), 1);
	assert_int_equal(number("SELECT apparent_vah FROM energy"), 0);
	assert_int_equal(number("SELECT active_import_wh FROM tariff_energy WHERE tariff = 1"), 7);
	assert_int_equal(number("SELECT reactive_import_varh FROM tariff_energy WHERE tariff = 5"), 2);
	assert_int_equal(number("SELECT value * 1000 FROM latest WHERE quantity = 'active_energy_import'"), 1234567);
	assert_int_equal(number("SELECT value * 1000 FROM latest WHERE quantity = 'active_energy_export_t8'"), 5);
	assert_int_equal(number("SELECT value * 3600 FROM latest WHERE quantity = 'operating_time'"), 36);
	assert_int_equal(number("SELECT value FROM latest WHERE quantity = 'tariff'"), 2);
	assert_int_equal(number("SELECT value FROM latest WHERE quantity = 'active_power'"), 600);
	assert_int_equal(number("SELECT value FROM latest WHERE quantity = 'pulses_3'"), 41);
}

TEST_WITH(a_row_of_whole_base_units_names_no_parts, setup, teardown)
{
	write_reading(PRESS, JAN_2026_S);
	assert_int_equal(number("SELECT parts IS NULL FROM reading_energy"), 1);
	assert_int_equal(number("SELECT active_import_wh FROM energy"), 1000);
	assert_int_equal(number("SELECT value * 1000 FROM latest WHERE quantity = 'apparent_energy'"), 7);
}

TEST_WITH(a_reading_has_one_row_in_each_of_its_tables_under_one_id, setup, teardown)
{
	struct reading r = reading_of(JAN_2026_S);
	int64_t id = write_reading(PRESS, JAN_2026_S);

	assert_int_equal(db_tables_kinds_of(&site.tables, &r),
			 1U << kind(Q_ACTIVE_ENERGY_IMPORT) | 1U << kind(Q_ACTIVE_POWER));
	assert_int_equal(id >> DB_SLOT_BITS, JAN_2026_S);
	assert_int_equal(number("SELECT id FROM reading_energy"), id);
	assert_int_equal(number("SELECT id FROM reading_power"), id);
	assert_int_equal(number("SELECT count(*) FROM reading_tariff"), 0);
	assert_int_equal(number("SELECT active_energy_import FROM reading_energy"), 1000);
	assert_int_equal(number("SELECT apparent_energy FROM reading_energy"), 7);
	assert_int_equal(number("SELECT active_energy_export IS NULL FROM reading_energy"), 1);
	assert_int_equal(number("SELECT active_power FROM reading_power"), -600000);
	assert_int_equal(number("SELECT delay_ms * 10 + quality FROM reading_energy"), 1201);
	assert_int_equal(number("SELECT ts FROM slot"), JAN_2026_S);
}

TEST_WITH(a_row_says_which_values_are_of_a_coarser_register, setup, teardown)
{
	struct reading r = reading_of(JAN_2026_S);
	int64_t id = 0;

	write_reading(PRESS, JAN_2026_S);
	assert_int_equal(number("SELECT coarse FROM reading_energy"), 0);
	reading_set_coarse(&r, Q_APPARENT_ENERGY);
	assert_int_equal(db_tables_next_id(&site.tables, JAN_2026_S, &id), 0);
	assert_int_equal(db_tables_write(&site.tables, (size_t)kind(Q_APPARENT_ENERGY), PRESS, id, READING_GOOD, &r),
			 0);
	assert_int_equal(number("SELECT coarse FROM reading_energy WHERE coarse <> 0"),
			 db_tables_bit(&site.tables, Q_APPARENT_ENERGY));
	assert_int_equal(db_tables_bit(&site.tables, Q_ACTIVE_ENERGY_IMPORT), 1);
}

TEST_WITH(a_row_is_found_only_in_its_slot, setup, teardown)
{
	size_t energy = kind(Q_ACTIVE_ENERGY_IMPORT);

	write_reading(PRESS, JAN_2026_S);
	write_reading(PRESS, JAN_2026_S + 120);
	assert_true(db_tables_has_row(&site.tables, energy, PRESS, JAN_2026_S));
	assert_false(db_tables_has_row(&site.tables, energy, PRESS, JAN_2026_S + 60));
	assert_false(db_tables_has_row(&site.tables, energy, PRESS, JAN_2026_S + 180));
	assert_false(db_tables_has_row(&site.tables, energy, PUMP, JAN_2026_S));
	assert_false(db_tables_has_row(&site.tables, kind(Q_PULSES_1), PRESS, JAN_2026_S));
}

TEST_WITH(the_ids_of_a_slot_continue_after_those_in_the_tables, setup, teardown)
{
	int64_t id = write_reading(PRESS, JAN_2026_S);

	assert_int_equal(write_reading(PUMP, JAN_2026_S), id + 1);
	/* the cache is empty: it is read from the tables again */
	db_tables_undo(&site.tables);
	assert_int_equal(write_reading(PRESS, JAN_2026_S), id + 2);
}

TEST_WITH(a_full_slot_is_an_error_and_does_not_spill_into_the_next, setup, teardown)
{
	int64_t id;

	for (int i = 0; i < 1 << DB_SLOT_BITS; i++)
		assert_int_equal(db_tables_next_id(&site.tables, JAN_2026_S, &id), 0);
	assert_int_equal(id, (JAN_2026_S + 1) * (1 << DB_SLOT_BITS) - 1);
	assert_int_equal(db_tables_next_id(&site.tables, JAN_2026_S, &id), -EOVERFLOW);
}

TEST_WITH(the_newest_row_may_belong_to_the_running_transaction_until_a_rollback_is_loaded, setup, teardown)
{
	size_t energy = kind(Q_ACTIVE_ENERGY_IMPORT);
	int64_t id = write_reading(PRESS, JAN_2026_S);

	assert_int_equal(db_exec(&site.f->db, "BEGIN"), 0);
	write_reading(PRESS, JAN_2026_S + 60);
	assert_true(site.tables.newest[PRESS].id[energy] > id);
	assert_true(site.tables.kinds[energy].touched);
	assert_int_equal(db_exec(&site.f->db, "ROLLBACK"), 0);
	db_tables_undo(&site.tables);
	assert_int_equal(db_tables_load_newest(&site.tables), 0);
	assert_int_equal(site.tables.newest[PRESS].id[energy], id);
	assert_int_equal(site.tables.newest[PUMP].id[energy], 0);
	assert_false(site.tables.kinds[energy].touched);
}

/* The views look at 2 * 2 + 500 rows here, the note is made from 2 + 250 on. */
TEST_WITH(the_newest_row_of_a_meter_that_falls_behind_is_noted_before_the_view_loses_it, setup, teardown)
{
	int64_t id = write_reading(PUMP, JAN_2026_S);

	for (int i = 1; i <= 600; i++) {
		write_reading(PRESS, JAN_2026_S + 60 * i);
		assert_int_equal(db_tables_write_newest(&site.tables), 0);
		db_tables_committed(&site.tables);
		assert_int_equal(number("SELECT id FROM newest_energy WHERE meter = 2"), id);
		if (i == 252)
			assert_int_equal(number("SELECT count(*) FROM newest"), 0);
	}
	assert_int_equal(number("SELECT count(*) FROM newest WHERE meter = 2"), 2);
	assert_int_equal(number("SELECT count(*) FROM newest WHERE meter = 1"), 0);
	assert_int_equal(db_tables_load_newest(&site.tables), 0);
	assert_int_equal(site.tables.newest[PUMP].noted[kind(Q_ACTIVE_POWER)], id);
}

UNIT_MAIN(NULL, NULL)
