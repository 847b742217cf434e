/* SPDX-License-Identifier: MIT */
#include "db_walk.h"

#include <string.h>

#include "db_folder.h"
#include "unit.h"

enum { N = 4000 };

static const struct db_walk_key BY_SLOT = {.column = "id", .shift = DB_SLOT_BITS}, NO_TIME = {.column = NULL};
static const int64_t NOW_S = JAN_2026_S + 60 * N + 3600;

/* A caller of the walk keeps, at index i, the slot of the row of minute i, or 0. */
struct kept {
	int64_t slot_s[N];
	int n, n_holes;
};

static int setup_filled(void **state)
{
	struct folder *f;
	int rc = folder_setup(state);

	f = *state;
	fill_readings(f, N);
	folder_close(f);
	return rc;
}

static sqlite3 *open_damaged(const struct folder *f)
{
	sqlite3 *from;

	assert_int_equal(sqlite3_open(f->path, &from), SQLITE_OK);
	sqlite3_exec(from, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
	return from;
}

static void drop_row(struct kept *kept, const struct db_walk_row *row)
{
	int64_t i = ((row->key >> DB_SLOT_BITS) - JAN_2026_S) / 60;

	if (!row->is_there)
		return;
	assert_in_range(i, 0, N - 1);
	assert_int_not_equal(kept->slot_s[i], 0);
	kept->slot_s[i] = 0;
	kept->n--;
}

/* Walk to the end. Rows come in order, and each row that is kept has the value that was written. */
static struct kept walk_readings(const struct folder *f)
{
	static struct kept kept;
	static int64_t values[N];
	sqlite3 *from = open_damaged(f);
	int64_t before = INT64_MAX;
	enum db_walk_found found;
	struct db_walk w;

	memset(&kept, 0, sizeof(kept));
	assert_int_equal(
		db_walk_init(&w, from, "reading_energy", "\"id\", \"meter\", \"active_energy_import\"", BY_SLOT), 0);
	while ((found = db_walk_next(&w, NOW_S)) != DB_WALK_END) {
		int64_t slot_s, i;

		if (found == DB_WALK_HOLE) {
			kept.n_holes++;
			drop_row(&kept, &w.doubtful[0]);
			drop_row(&kept, &w.doubtful[1]);
			/* doubtful rows may come twice */
			before = w.limit_s + 1;
			continue;
		}
		slot_s = sqlite3_column_int64(w.get, 0) >> DB_SLOT_BITS;
		i = (slot_s - JAN_2026_S) / 60;
		assert_true(slot_s < before);
		before = slot_s;
		assert_in_range(i, 0, N - 1);
		kept.slot_s[i] = slot_s;
		values[i] = sqlite3_column_int64(w.get, 2);
		kept.n++;
	}
	assert_int_equal(db_walk_next(&w, NOW_S), DB_WALK_END);
	db_walk_fini(&w);
	sqlite3_close(from);
	for (int i = 0; i < N; i++)
		if (kept.slot_s[i] != 0)
			assert_int_equal(values[i], energy_at(kept.slot_s[i]));
	return kept;
}

TEST_WITH(a_sound_table_is_read_completely, setup_filled, folder_teardown)
{
	struct kept kept = walk_readings(*state);

	assert_int_equal(kept.n, N);
	assert_int_equal(kept.n_holes, 0);
}

TEST_WITH(an_unreadable_span_is_skipped, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct kept kept;

	/* two leaves that lie apart; one has some 90 rows */
	file_fill(f->path, sql_leaf(f->path, "reading_energy", 10), DB_PAGE_BYTES, 0xa5);
	file_fill(f->path, sql_leaf(f->path, "reading_energy", 30), DB_PAGE_BYTES, 0xa5);
	kept = walk_readings(f);
	assert_int_equal(kept.n_holes, 2);
	assert_in_range(kept.n, N - 2 * 130, N - 2 * 50);
	assert_int_not_equal(kept.slot_s[0], 0);
	assert_int_not_equal(kept.slot_s[N - 1], 0);
}

TEST_WITH(unreadable_newest_rows_do_not_hide_older_ones, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	off_t newest = (sql_number(f->path, "SELECT max(pageno) FROM dbstat WHERE name = 'reading_energy' AND "
					    "pagetype = 'leaf'") -
			1) *
		       DB_PAGE_BYTES;
	struct kept kept;

	file_fill(f->path, newest, DB_PAGE_BYTES, 0xa5);
	kept = walk_readings(f);
	assert_int_equal(kept.n_holes, 1);
	assert_in_range(kept.n, N - 130, N - 1);
	assert_int_equal(kept.slot_s[N - 1], 0);
}

/* Zeros in the place of a sector: the page still looks like one. */
TEST_WITH(torn_rows_are_removed, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct kept kept;

	file_fill(f->path, sql_leaf(f->path, "reading_energy", 20) + 1024, 512, 0);
	kept = walk_readings(f);
	assert_true(kept.n_holes > 0);
	assert_in_range(kept.n, N - 200, N - 10);
	assert_int_not_equal(kept.slot_s[0], 0);
	assert_int_not_equal(kept.slot_s[N - 1], 0);
}

TEST_WITH(a_walk_begins_again_at_the_newest_row, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	sqlite3 *from = open_damaged(f);
	struct db_walk w;

	assert_int_equal(db_walk_init(&w, from, "reading_energy", "\"id\", \"meter\"", BY_SLOT), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(db_walk_next(&w, NOW_S), DB_WALK_ROW);
	assert_int_equal(w.limit_s, JAN_2026_S + 60 * (N - 100));
	db_walk_rewind(&w);
	assert_int_equal(db_walk_next(&w, NOW_S), DB_WALK_ROW);
	assert_int_equal(w.limit_s, JAN_2026_S + 60 * (N - 1));
	db_walk_fini(&w);
	sqlite3_close(from);
}

/* Both ends of a table whose key is no time, and nothing between its holes. */
TEST_WITH(a_table_without_a_time_is_read_from_both_ends, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	bool is_there[2001] = {false};
	enum db_walk_found found;
	int n = 0, n_holes = 0;
	struct db_walk w;
	sqlite3 *from;

	sql_run(f->path, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
			 "INSERT INTO event_log SELECT i, 1000 * i, 'press', 'meter-up', 'up' FROM n;"
			 "PRAGMA wal_checkpoint(TRUNCATE)");
	file_fill(f->path, sql_leaf(f->path, "event_log", 10), DB_PAGE_BYTES, 0xa5);
	file_fill(f->path, sql_leaf(f->path, "event_log", 20), DB_PAGE_BYTES, 0xa5);
	from = open_damaged(f);
	assert_int_equal(db_walk_init(&w, from, "event_log", "\"id\", \"at_ms\"", NO_TIME), 0);
	while ((found = db_walk_next(&w, NOW_S)) != DB_WALK_END) {
		int64_t id = sqlite3_column_int64(w.get, 0);

		if (found == DB_WALK_HOLE) {
			assert_false(w.doubtful[0].is_there || w.doubtful[1].is_there);
			n_holes++;
			continue;
		}
		assert_in_range(id, 1, 2000);
		assert_int_equal(sqlite3_column_int64(w.get, 1), 1000 * id);
		assert_false(is_there[id]);
		is_there[id] = true;
		n++;
	}
	assert_int_equal(n_holes, 2);
	assert_true(is_there[1] && is_there[2000]);
	assert_in_range(n, 600, 1600);
	db_walk_fini(&w);
	sqlite3_close(from);
}

TEST_WITH(a_missing_table_is_one_hole, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	sqlite3 *from = open_damaged(f);
	struct db_walk w;

	assert_int_equal(db_walk_init(&w, from, "reading_water", "\"id\", \"meter\"", BY_SLOT), 0);
	assert_int_equal(db_walk_next(&w, NOW_S), DB_WALK_HOLE);
	assert_int_equal(db_walk_next(&w, NOW_S), DB_WALK_END);
	db_walk_fini(&w);
	sqlite3_close(from);
}

UNIT_MAIN(NULL, NULL)
