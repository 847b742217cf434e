/* SPDX-License-Identifier: MIT */
#include "db_salvage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "db_folder.h"
#include "db_takeover.h"
#include "unit.h"

enum { N = 4000, STEP = 500 };

static const struct db_salvage_first ALL = {.n_rows = 100000}, FEW = {.n_rows = 500};
static const int64_t NOW_S = JAN_2026_S + 60 * N + 3600;

/* A file of readings, put aside with or without damage, and a new one in its place. */
static void put_aside(struct folder *f)
{
	snprintf(f->db.error, sizeof(f->db.error), "as if it were damaged");
	if (f->db.path == NULL)
		f->db.path = strdup(f->path);
	db_file_note_damage(&f->db);
	folder_close(f);
	folder_open(f);
	assert_int_equal(f->report.state, DB_FILE_DAMAGED);
}

static int setup_filled(void **state)
{
	struct folder *f;
	int rc = folder_setup(state);

	f = *state;
	fill_readings(f, N);
	return rc;
}

static struct db_salvage *begin(struct folder *f, const struct db_salvage_first *first)
{
	struct db_salvage *v;

	assert_int_equal(db_salvage_begin(&f->db, f->report.aside, f->report.damage, first, NOW_S, &v), 0);
	assert_non_null(v);
	return v;
}

static int step(struct folder *f, struct db_salvage *v, const char *end)
{
	int rc;

	assert_int_equal(db_exec(&f->db, "BEGIN"), 0);
	rc = db_salvage_step(v, STEP, NOW_S);
	assert_int_equal(db_exec(&f->db, end), 0);
	return rc;
}

static int64_t count(const struct folder *f, const char *table)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return sql_number(f->path, sql);
}

static void assert_true_values(const struct folder *f)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM reading_energy WHERE active_energy_import <> 81234000 + ((id >> %d) - %lld) / 6",
		 DB_SLOT_BITS, (long long)JAN_2026_S);
	assert_int_equal(sql_number(f->path, sql), 0);
}

TEST_WITH(a_small_file_is_copied_at_once, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;
	char sentence[300], expected[300];

	sql_run(f->path, "INSERT INTO event_log VALUES (1, 0, 'press', 'meter-up', 'up')");
	put_aside(f);
	v = begin(f, &ALL);
	assert_true(db_salvage_is_done(v));
	assert_int_equal(count(f, "meter"), 2);
	/* and one each of the damage and of the copy */
	assert_int_equal(count(f, "event_log"), 3);
	assert_int_equal(count(f, "reading_energy"), N);
	assert_int_equal(count(f, "slot"), N);
	assert_true_values(f);
	assert_int_equal(count(f, "setting WHERE name = 'salvage'"), 0);
	db_salvage_describe(v, sentence, sizeof(sentence));
	snprintf(expected, sizeof(expected), "copied %d rows from %s; 0 pages in it could not be read", N + 3,
		 f->report.aside);
	assert_string_equal(sentence, expected);
	db_salvage_close(v);
}

TEST_WITH(the_newest_rows_are_copied_first_and_the_rest_in_steps, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;

	put_aside(f);
	v = begin(f, &FEW);
	assert_false(db_salvage_is_done(v));
	assert_int_equal(count(f, "reading_energy"), FEW.n_rows);
	assert_int_equal(sql_number(f->path, "SELECT max(ts) FROM slot"), JAN_2026_S + 60 * (N - 1));
	assert_int_equal(count(f, "setting WHERE name = 'salvage'"), 1);
	assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(count(f, "reading_energy"), FEW.n_rows + STEP);
	while (!db_salvage_is_done(v))
		assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(count(f, "reading_energy"), N);
	assert_int_equal(count(f, "setting WHERE name = 'salvage'"), 0);
	db_salvage_close(v);
}

TEST_WITH(the_needed_span_is_copied_completely, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	const struct db_salvage_first hours = {.n_rows = 10, .span_s = 7200};
	struct db_salvage *v;

	put_aside(f);
	v = begin(f, &hours);
	/* whole lots of n_rows, until one passes two hours */
	assert_in_range(count(f, "reading_energy"), 121, 130);
	db_salvage_close(v);
}

TEST_WITH(rows_that_were_rolled_back_are_copied_again, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;

	put_aside(f);
	v = begin(f, &FEW);
	for (int i = 0; i < 3; i++)
		assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(step(f, v, "ROLLBACK"), 0);
	db_salvage_undo(v);
	while (!db_salvage_is_done(v))
		assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(count(f, "reading_energy"), N);
	db_salvage_close(v);
}

TEST_WITH(the_next_start_continues_and_keeps_the_present_rows, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;

	put_aside(f);
	db_salvage_close(begin(f, &FEW));
	assert_int_equal(db_exec(&f->db, "UPDATE meter SET label = 'changed since'"), 0);
	folder_close(f);
	folder_open(f);
	assert_int_equal(db_salvage_resume(&f->db, &v), 0);
	assert_non_null(v);
	while (!db_salvage_is_done(v))
		assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(count(f, "reading_energy"), N);
	assert_int_equal(count(f, "meter WHERE label = 'changed since'"), 2);
	db_salvage_close(v);
	assert_int_equal(db_salvage_resume(&f->db, &v), 0);
	assert_null(v);
}

TEST_WITH(a_file_that_is_damaged_before_its_copy_is_complete_is_read_before_the_older_one, setup_filled,
	  folder_teardown)
{
	struct folder *f = *state;
	char older[120], sql[200];
	struct db_salvage *v;

	put_aside(f);
	snprintf(older, sizeof(older), "%s", f->report.aside);
	db_salvage_close(begin(f, &FEW));
	/* a reading that only the second file has */
	snprintf(sql, sizeof(sql),
		 "INSERT INTO reading_energy (id, meter, delay_ms, quality, active_energy_import) "
		 "VALUES (%lld << %d, 1, 0, 0, 81234000 + 10 * %d); INSERT INTO slot (ts) VALUES (%lld)",
		 (long long)(JAN_2026_S + 60 * N), DB_SLOT_BITS, N, (long long)(JAN_2026_S + 60 * N));
	assert_int_equal(db_exec(&f->db, sql), 0);
	assert_int_equal(db_takeover_end(&f->db), 0);
	put_aside(f);
	assert_string_not_equal(f->report.aside, older);
	v = begin(f, &(struct db_salvage_first){.n_rows = 10});
	assert_false(db_salvage_is_done(v));
	assert_int_equal(count(f, "reading_energy"), 10);
	assert_int_equal(sql_number(f->path, "SELECT max(ts) FROM slot"), JAN_2026_S + 60 * N);
	/* cut short: the next start knows of both */
	db_salvage_close(v);
	folder_close(f);
	folder_open(f);
	assert_int_equal(db_salvage_resume(&f->db, &v), 0);
	while (!db_salvage_is_done(v))
		assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(count(f, "reading_energy"), FEW.n_rows + 1);
	db_salvage_close(v);
	assert_int_equal(db_salvage_resume(&f->db, &v), 0);
	assert_non_null(v);
	while (!db_salvage_is_done(v))
		assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(count(f, "reading_energy"), N + 1);
	assert_true_values(f);
	assert_int_equal(count(f, "setting WHERE name = 'salvage'"), 0);
	db_salvage_close(v);
	assert_int_equal(db_salvage_resume(&f->db, &v), 0);
	assert_null(v);
}

TEST_WITH(nothing_continues_when_the_damaged_file_is_gone, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;

	put_aside(f);
	db_salvage_close(begin(f, &FEW));
	unlink(f->report.aside);
	assert_int_equal(db_salvage_resume(&f->db, &v), 0);
	assert_null(v);
}

TEST_WITH(every_row_on_a_readable_page_is_copied_and_the_lost_pages_are_named, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	off_t torn = sql_leaf(f->path, "reading_energy", 20), lost = sql_leaf(f->path, "reading_energy", 30);
	struct db_salvage *v;
	char sql[200], sentence[400], expected[120];
	int64_t n;

	snprintf(sql, sizeof(sql), "SELECT sum(ncell) FROM dbstat WHERE pageno IN (%d, %d)",
		 (int)(torn / DB_PAGE_BYTES + 1), (int)(lost / DB_PAGE_BYTES + 1));
	n = sql_number(f->path, sql);
	folder_close(f);
	file_fill(f->path, torn + 1024, 512, 0);
	file_fill(f->path, lost, DB_PAGE_BYTES, 0xa5);
	put_aside(f);
	v = begin(f, &ALL);
	assert_int_equal(count(f, "reading_energy"), N - n);
	assert_int_equal(count(f, "slot"), N - n);
	assert_true_values(f);
	assert_int_equal(sql_number(f->path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
	db_salvage_describe(v, sentence, sizeof(sentence));
	snprintf(expected, sizeof(expected),
		 "; 2 pages in it could not be read (page %d of reading_energy: it is no page of",
		 (int)(lost / DB_PAGE_BYTES + 1));
	assert_non_null(strstr(sentence, expected));
	assert_non_null(strstr(folder_log(), ", of table reading_energy, cannot be read: it is no page of a tree"));
	db_salvage_close(v);
}

TEST_WITH(ids_of_unreadable_meters_are_not_reused, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;

	folder_close(f);
	file_fill(f->path, sql_leaf(f->path, "meter", 0), DB_PAGE_BYTES, 0xa5);
	put_aside(f);
	v = begin(f, &ALL);
	/* without meters no reading can belong to one */
	assert_int_equal(count(f, "meter"), 0);
	assert_int_equal(count(f, "reading_energy"), 0);
	assert_int_equal(db_exec(&f->db, "INSERT INTO meter (name, is_input, bus, label, configured) "
					 "VALUES ('new', 0, 'hall', '', 1)"),
			 0);
	assert_true(sql_number(f->path, "SELECT id FROM meter") > 1000000);
	db_salvage_close(v);
}

TEST_WITH(ids_are_not_reused_when_the_schema_has_lost_the_meters, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;

	sql_run(f->path, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE tbl_name = 'meter'");
	put_aside(f);
	v = begin(f, &FEW);
	/* the configuration names its meters, here the other one first */
	assert_int_equal(db_exec(&f->db, "INSERT INTO meter (name, is_input, bus, label, configured) "
					 "VALUES ('pump', 0, 'hall', '', 1), ('press', 0, 'hall', '', 1)"),
			 0);
	assert_true(sql_number(f->path, "SELECT min(id) FROM meter") > 1000000);
	while (!db_salvage_is_done(v))
		assert_int_equal(step(f, v, "COMMIT"), 0);
	assert_int_equal(count(f, "reading_energy"), 0);
	db_salvage_close(v);
}

TEST_WITH(ids_continue_when_all_meters_can_be_read, setup_filled, folder_teardown)
{
	struct folder *f = *state;

	/* pump was there once */
	sql_run(f->path, "DELETE FROM meter WHERE id = 2");
	put_aside(f);
	db_salvage_close(begin(f, &ALL));
	assert_int_equal(db_exec(&f->db, "INSERT INTO meter (name, is_input, bus, label, configured) "
					 "VALUES ('new', 0, 'hall', '', 1)"),
			 0);
	assert_int_equal(sql_number(f->path, "SELECT max(id) FROM meter"), 3);
}

static void fill_account(struct folder *f)
{
	sql_run(f->path, "INSERT INTO quantity (id, name, obis, unit, per, kind, place) "
			 "VALUES (1, 'active_energy_import', '1.8.0', 'kWh', 1000, 'energy', 1);"
			 "INSERT INTO life (meter, quantity, from_ts, from_raw, reason) VALUES (1, 1, 0, 0, 'first');"
			 "INSERT INTO suspect (ts, meter, quantity, behind, reason) VALUES (5, 1, 1, 0, 'fell');"
			 "INSERT INTO account (meter, last_ts, counter_max) VALUES (1, 5, 5);"
			 "INSERT INTO setting (name, value) VALUES ('kept', 'yes');"
			 "PRAGMA wal_checkpoint(TRUNCATE)");
}

TEST_WITH(a_whole_account_continues_from_its_state, setup_filled, folder_teardown)
{
	struct folder *f = *state;

	fill_account(f);
	put_aside(f);
	db_salvage_close(begin(f, &ALL));
	assert_int_equal(count(f, "life"), 1);
	assert_int_equal(count(f, "suspect"), 1);
	assert_int_equal(count(f, "account"), 1);
	assert_int_equal(count(f, "setting WHERE name = 'kept'"), 1);
	assert_int_equal(count(f, "setting WHERE name = 'deleted_until'"), 0);
}

TEST_WITH(half_an_account_is_dropped_and_its_results_are_final, setup_filled, folder_teardown)
{
	struct folder *f = *state;

	fill_account(f);
	folder_close(f);
	file_fill(f->path, sql_leaf(f->path, "account_counter", 0), DB_PAGE_BYTES, 0xa5);
	put_aside(f);
	db_salvage_close(begin(f, &ALL));
	assert_int_equal(count(f, "life"), 1);
	assert_int_equal(count(f, "account"), 0);
	assert_int_equal(sql_number(f->path, "SELECT value FROM setting WHERE name = 'deleted_until'"), NOW_S);
}

/* Settings of meters without their settings would be taken for those of later ones with the same number. */
TEST_WITH(half_of_the_settings_are_dropped_with_the_account, setup_filled, folder_teardown)
{
	struct folder *f = *state;

	fill_account(f);
	sql_run(f->path, "INSERT INTO account_setting (id, at_ts, request, interval_s, timezone) "
			 "VALUES (1, 0, 0, 900, 'UTC'), (2, 1, 0, 300, 'UTC');"
			 "INSERT INTO account_setting_meter (setting, meter, after_ts, every_s) VALUES (2, 1, 0, 60);"
			 "PRAGMA wal_checkpoint(TRUNCATE)");
	folder_close(f);
	file_fill(f->path, sql_leaf(f->path, "account_setting", 0), DB_PAGE_BYTES, 0xa5);
	put_aside(f);
	db_salvage_close(begin(f, &ALL));
	assert_int_equal(count(f, "account_setting"), 0);
	assert_int_equal(count(f, "account_setting_meter"), 0);
	assert_int_equal(count(f, "account"), 0);
	assert_int_equal(sql_number(f->path, "SELECT value FROM setting WHERE name = 'deleted_until'"), NOW_S);
}

TEST_WITH(values_of_unreadable_quantities_are_not_copied, setup_filled, folder_teardown)
{
	struct folder *f = *state;

	fill_account(f);
	folder_close(f);
	file_fill(f->path, sql_leaf(f->path, "quantity", 0), DB_PAGE_BYTES, 0xa5);
	put_aside(f);
	db_salvage_close(begin(f, &ALL));
	assert_int_equal(count(f, "life"), 0);
	assert_int_equal(count(f, "suspect"), 0);
	assert_int_equal(count(f, "account"), 0);
	assert_int_equal(count(f, "reading_energy"), N);
}

TEST_WITH(a_file_without_a_schema_is_done_at_once, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;
	char sentence[300];

	folder_close(f);
	file_fill(f->path, 0, DB_PAGE_BYTES, 0xa5);
	put_aside(f);
	v = begin(f, &ALL);
	assert_true(db_salvage_is_done(v));
	db_salvage_describe(v, sentence, sizeof(sentence));
	assert_int_equal(strncmp(sentence, "copied 0 rows from", 18), 0);
	db_salvage_close(v);
}

TEST_WITH(a_begin_that_fails_does_not_change_the_new_file, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct db_salvage *v;

	put_aside(f);
	/* the schema takes some of these already */
	assert_int_equal(db_exec(&f->db, "PRAGMA max_page_count = 150"), 0);
	assert_int_equal(db_salvage_begin(&f->db, f->report.aside, f->report.damage, &ALL, NOW_S, &v), -ENOSPC);
	assert_null(v);
	assert_non_null(strstr(f->db.error, "full"));
	assert_int_equal(count(f, "meter"), 0);
}

UNIT_MAIN(NULL, NULL)
