/* SPDX-License-Identifier: MIT */
#include "db_walk.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db_folder.h"
#include "unit.h"

enum { N = 20000 };

/* The rows that a walk has found, at index i that of minute i, and the pages that it has lost. */
struct kept {
	bool has[N];
	int n, n_lost;
	char reasons[600];
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

static uint32_t root_of(const struct folder *f, const char *table)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
	return (uint32_t)sql_number(f->path, sql);
}

/* An inner page of the readings, below the root. */
static off_t inner_page(const struct folder *f, int nth)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'internal' AND path <> '/' "
		 "LIMIT 1 OFFSET %d",
		 nth);
	return (sql_number(f->path, sql) - 1) * DB_PAGE_BYTES;
}

static int n_columns(const struct folder *f)
{
	return (int)sql_number(f->path, "SELECT count(*) FROM pragma_table_info('reading_energy')");
}

/* Walk the readings to the end. Each row that is found has the value that was written, and comes once. */
static struct kept *walk_readings(const struct folder *f, uint32_t root, int columns)
{
	static struct kept kept;
	struct db_walk_pages pages;
	struct db_image image;
	enum db_walk_found found;
	struct db_walk w;

	memset(&kept, 0, sizeof(kept));
	assert_int_equal(db_image_open(&image, f->path), 0);
	assert_int_equal(db_walk_pages_find(&pages, &image, &root, 1), 0);
	assert_int_equal(db_walk_init(&w, &pages, root, true, columns), 0);
	while ((found = db_walk_next(&w)) != DB_WALK_END) {
		int64_t i = ((w.rowid >> DB_SLOT_BITS) - JAN_2026_S) / 60;

		if (found == DB_WALK_LOST) {
			kept.n_lost++;
			snprintf(kept.reasons + strlen(kept.reasons), 60, "%s; ", w.reason);
		}
		if (found != DB_WALK_ROW)
			continue;
		assert_in_range(i, 0, N - 1);
		assert_false(kept.has[i]);
		assert_int_equal(w.values[1].whole, 1);
		assert_int_equal(w.values[4].whole, energy_at(w.rowid >> DB_SLOT_BITS));
		kept.has[i] = true;
		kept.n++;
	}
	assert_int_equal(db_walk_next(&w), DB_WALK_END);
	db_walk_fini(&w);
	db_walk_pages_free(&pages);
	db_image_close(&image);
	return &kept;
}

static int rows_on(const struct folder *f, off_t page)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT ncell FROM dbstat WHERE pageno = %d", (int)(page / DB_PAGE_BYTES + 1));
	return (int)sql_number(f->path, sql);
}

TEST_WITH(a_sound_table_is_read_completely, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	struct kept *kept = walk_readings(f, root_of(f, "reading_energy"), 0);

	assert_int_equal(kept->n, N);
	assert_int_equal(kept->n_lost, 0);
}

TEST_WITH(three_lost_pages_cost_their_own_rows_and_no_other, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	uint32_t root = root_of(f, "reading_energy");
	off_t pages[3] = {sql_leaf(f->path, "reading_energy", 10), sql_leaf(f->path, "reading_energy", 11),
			  sql_leaf(f->path, "reading_energy", 70)};
	int lost = 0;
	struct kept *kept;

	for (int i = 0; i < 3; i++)
		lost += rows_on(f, pages[i]);
	file_fill(f->path, pages[0], DB_PAGE_BYTES, 0xa5);
	file_fill(f->path, pages[1], DB_PAGE_BYTES, 0);
	/* one sector: the page still looks like one */
	file_fill(f->path, pages[2] + 1024, 512, 0);
	kept = walk_readings(f, root, 0);
	assert_int_equal(kept->n, N - lost);
	assert_int_equal(kept->n_lost, 3);
	assert_non_null(strstr(kept->reasons, "it is no page of a tree; "));
	assert_non_null(strstr(kept->reasons, "it is empty; "));
}

TEST_WITH(leaves_below_a_lost_inner_page_are_found, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	uint32_t root = root_of(f, "reading_energy");
	int columns = n_columns(f);
	struct kept *kept;

	file_fill(f->path, inner_page(f, 0), DB_PAGE_BYTES, 0xa5);
	kept = walk_readings(f, root, 0);
	assert_in_range(kept->n, 1, N / 2 + N / 4);
	kept = walk_readings(f, root, columns);
	assert_int_equal(kept->n, N);
	assert_int_equal(kept->n_lost, 1);
}

TEST_WITH(leaves_below_a_lost_root_are_found, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	uint32_t root = root_of(f, "reading_energy");
	int columns = n_columns(f);
	struct kept *kept;

	file_fill(f->path, (off_t)(root - 1) * DB_PAGE_BYTES, DB_PAGE_BYTES, 0xa5);
	kept = walk_readings(f, root, columns);
	assert_int_equal(kept->n, N);
}

TEST_WITH(an_older_page_of_another_place_is_not_believed, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	uint32_t root = root_of(f, "reading_energy");
	off_t from = sql_leaf(f->path, "reading_energy", 20), to = sql_leaf(f->path, "reading_energy", 40);
	int lost = rows_on(f, to);
	char page[DB_PAGE_BYTES];
	struct kept *kept;
	FILE *file = fopen(f->path, "r+");

	assert_int_equal(fseek(file, from, SEEK_SET), 0);
	assert_int_equal(fread(page, sizeof(page), 1, file), 1);
	assert_int_equal(fseek(file, to, SEEK_SET), 0);
	assert_int_equal(fwrite(page, sizeof(page), 1, file), 1);
	fclose(file);
	kept = walk_readings(f, root, 0);
	assert_int_equal(kept->n, N - lost);
	assert_string_equal(kept->reasons, "its rows belong to another place; ");
}

TEST_WITH(deleted_rows_do_not_come_back, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	uint32_t root = root_of(f, "reading_energy");
	int columns = n_columns(f), n;
	struct kept *kept;
	char sql[200];

	/* their pages are free, and have them still */
	snprintf(sql, sizeof(sql),
		 "PRAGMA secure_delete = OFF; DELETE FROM reading_energy WHERE id < %lld << %d; "
		 "PRAGMA wal_checkpoint(TRUNCATE)",
		 (long long)(JAN_2026_S + 60 * 9000), DB_SLOT_BITS);
	sql_run(f->path, sql);
	n = rows_on(f, sql_leaf(f->path, "reading_energy", 0));
	file_fill(f->path, sql_leaf(f->path, "reading_energy", 0), DB_PAGE_BYTES, 0xa5);
	kept = walk_readings(f, root, columns);
	assert_int_equal(kept->n, N - 9000 - n);
}

TEST_WITH(commits_in_the_wal_are_read, folder_setup, folder_teardown)
{
	struct folder *f = *state;
	char sql[300];
	struct kept *kept;
	sqlite3 *reader;

	fill_readings(f, 1000);
	/* with a reader the -wal file stays as it is */
	assert_int_equal(sqlite3_open(f->path, &reader), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM meter", NULL, NULL, NULL), SQLITE_OK);
	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 2999) INSERT INTO "
		 "reading_energy (id, meter, delay_ms, quality, active_energy_import) "
		 "SELECT (%lld + 60 * i) << %d, 1, 0, 0, 81234000 + 10 * i FROM n",
		 (long long)JAN_2026_S, DB_SLOT_BITS);
	sql_run(f->path, sql);
	kept = walk_readings(f, root_of(f, "reading_energy"), 0);
	assert_int_equal(kept->n, 3000);
	sqlite3_close(reader);
}

TEST_WITH(a_file_that_is_cut_off_keeps_its_beginning, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	uint32_t root = root_of(f, "reading_energy");
	int columns = n_columns(f);
	struct kept *kept;

	assert_int_equal(truncate(f->path, file_size(f->path) / 2 + 700), 0);
	kept = walk_readings(f, root, columns);
	assert_true(kept->n > N / 3);
	assert_true(kept->n_lost > 0);
}

/* Sectors with other content at random: no row is invented and no page is needed twice. */
TEST_WITH(random_damage_costs_no_more_than_its_pages, setup_filled, folder_teardown)
{
	struct folder *f = *state;
	uint32_t root = root_of(f, "reading_energy");
	unsigned seed = (unsigned)time(NULL);
	const char *given = getenv("TALLY_SEED");
	int columns = n_columns(f), most = rows_on(f, sql_leaf(f->path, "reading_energy", 5)) + 20;
	off_t n_sectors = file_size(f->path) / 512;

	if (given != NULL)
		seed = (unsigned)strtoul(given, NULL, 10);
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 1; round <= 20; round++) {
		struct kept *kept;

		file_fill(f->path, rand() % n_sectors * 512, 512, (unsigned char)rand());
		kept = walk_readings(f, root, columns);
		assert_true(kept->n >= N - round * most);
	}
}

UNIT_MAIN(NULL, NULL)
