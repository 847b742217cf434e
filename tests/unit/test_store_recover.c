/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <time.h>

#include "db_migrate.h"
#include "log.h"
#include "store_site.h"
#include "unit.h"

enum { PAGE = 2048, N_SLOTS = 4000 };

static void keep_quiet(enum log_level level, const char *line)
{
	(void)level, (void)line;
}

static int setup_quiet(void **state)
{
	log_set_sink(keep_quiet);
	return setup(state);
}

/* Counter of "press" in slot i: a value that no other slot has. */
static int64_t counter_at(int i)
{
	return INT64_C(81234000) + 10 * i;
}

static void fill(struct site *t)
{
	for (int i = 0; i < N_SLOTS; i++)
		hold(t, "press", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, counter_at(i), Q_ACTIVE_POWER,
		     INT64_C(5000) + i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	store_close(t->store);
	t->store = NULL;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void overwrite(const char *path, off_t at, size_t n)
{
	unsigned char junk[PAGE];
	int fd = open(path, O_RDWR);

	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	for (size_t done = 0; done < n; done += sizeof(junk)) {
		size_t more = n - done < sizeof(junk) ? n - done : sizeof(junk);

		assert_int_equal(pwrite(fd, junk, more, at + (off_t)done), more);
	}
	close(fd);
}

static size_t count_files(const struct site *t, const char *pattern)
{
	char path[128];
	glob_t found;
	size_t n;
	int rc;

	snprintf(path, sizeof(path), "%s%s", t->path, pattern);
	rc = glob(path, 0, NULL, &found);
	n = rc == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

static int64_t number(const struct site *t, const char *sql)
{
	return strtoll(rows(t, sql), NULL, 10);
}

/* After a recovery the file is sound, the recovery is reported, and every value is the one that was stored. */
static void assert_recovered(struct site *t)
{
	char sql[200];

	while (number(t, "SELECT count(*) FROM setting WHERE name = 'salvage'") > 0) {
		hold(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(1), Q_COUNT);
		assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	}
	commit_all(t);
	assert_rows(t, "PRAGMA integrity_check", "ok");
	assert_true(number(t, "SELECT count(*) FROM event WHERE kind = 'database-recovered' AND subject = 'tallyd'") >
		    0);
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM energy WHERE meter = 'press' "
		 "AND round(active_import_kwh * 1000) <> 81234000 + (ts - %lld) / 6",
		 (long long)T);
	assert_rows(t, sql, "0");
}

static void assert_works(struct site *t)
{
	hold(t, "press", T + 86400000, READING_GOOD, Q_FREQUENCY, INT64_C(50000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*) FROM power WHERE frequency_hz = 50", "1");
}

TEST_WITH(a_truncated_file_is_put_aside_and_its_rows_are_saved, setup_quiet, teardown)
{
	struct site *t = *state;

	fill(t);
	assert_int_equal(truncate(t->path, size_of(t->path) / 2), 0);
	open_store(t);
	assert_recovered(t);
	assert_int_equal(count_files(t, ".damaged-*Z"), 1);
	assert_true(number(t, "SELECT count(*) FROM energy WHERE meter = 'press'") > N_SLOTS / 20);
	assert_works(t);
}

/* A sector is overwritten with zeros: the page still looks like a page. */
TEST_WITH(a_torn_page_gives_no_number_that_was_never_read, setup_quiet, teardown)
{
	struct site *t = *state;
	static const char zeros[512];
	int64_t page;
	int fd;

	fill(t);
	page = number(t,
		      "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'leaf' LIMIT 1 OFFSET 9");
	fd = open(t->path, O_RDWR);
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (page - 1) * PAGE + 1024), sizeof(zeros));
	/* and one that SQLite detects */
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (page + 1) * PAGE), sizeof(zeros));
	close(fd);
	open_store(t);
	assert_recovered(t);
	assert_true(number(t, "SELECT count(*) FROM energy WHERE meter = 'press'") > N_SLOTS - 400);
}

/* Sectors of zeros or ones at random places, and files of random length. */
TEST_WITH(random_damage_is_survived, setup_quiet, teardown)
{
	struct site *t = *state;
	unsigned seed = (unsigned)time(NULL);
	const char *given = getenv("TALLY_SEED");
	unsigned char sector[512];

	if (given != NULL)
		seed = (unsigned)strtoul(given, NULL, 10);
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 12; round++) {
		off_t n_sectors;
		int fd;

		fill(t);
		n_sectors = size_of(t->path) / 512;
		fd = open(t->path, O_RDWR);
		for (int i = rand() % 6; i >= 0; i--) {
			memset(sector, rand() % 2 ? 0 : 0xff, sizeof(sector));
			assert_int_equal(pwrite(fd, sector, sizeof(sector), rand() % n_sectors * 512), sizeof(sector));
		}
		if (rand() % 4 == 0)
			assert_int_equal(ftruncate(fd, (n_sectors / 2 + rand() % n_sectors / 2) * 512), 0);
		close(fd);
		open_store(t);
		store_commit(t->store);
		if (number(t, "SELECT count(*) FROM event WHERE kind = 'database-recovered'") > 0)
			assert_recovered(t);
		assert_works(t);
		store_close(t->store);
		unlink(t->path);
		open_store(t);
	}
}

/* Write 512 bytes of 0xff. */
static void write_ones(const char *path, off_t at, unsigned char was[512])
{
	unsigned char ones[512];
	int fd = open(path, O_RDWR);

	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(pread(fd, was, 512, at), 512);
	assert_int_equal(pwrite(fd, ones, sizeof(ones), at), sizeof(ones));
	close(fd);
}

static void write_back(const char *path, off_t at, const unsigned char was[512])
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, was, 512, at), 512);
	close(fd);
}

static int ask_schema(const char *path)
{
	sqlite3 *db;
	int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

	assert_int_equal(code, SQLITE_OK);
	code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	sqlite3_close(db);
	return code;
}

TEST_WITH(a_schema_for_which_sqlite_is_out_of_memory_is_damage, setup_quiet, teardown)
{
	struct site *t = *state;
	unsigned char was[512];
	off_t at;

	fill(t);
	for (at = PAGE; at < 100 * PAGE; at += 512) {
		write_ones(t->path, at, was);
		if (ask_schema(t->path) == SQLITE_NOMEM)
			break;
		write_back(t->path, at, was);
	}
	assert_true(at < 100 * PAGE);
	open_store(t);
	assert_recovered(t);
	assert_works(t);
}

TEST_WITH(overwritten_pages_lose_only_their_own_rows, setup_quiet, teardown)
{
	struct site *t = *state;
	int64_t id;

	fill(t);
	id = number(t, "SELECT id FROM meter WHERE name = 'press'");
	/* a leaf in the middle of the readings, and two more */
	overwrite(t->path,
		  (number(t, "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'leaf' "
			     "LIMIT 1 OFFSET 15") -
		   1) * PAGE,
		  PAGE);
	overwrite(t->path,
		  (number(t, "SELECT max(pageno) FROM dbstat WHERE name = 'reading_power' AND pagetype = 'leaf'") - 1) *
			  PAGE,
		  PAGE);
	open_store(t);
	assert_recovered(t);
	assert_int_equal(store_meter_id(t->store, "press"), id);
	assert_true(number(t, "SELECT count(*) FROM energy WHERE meter = 'press'") > N_SLOTS - 300);
	assert_true(number(t, "SELECT count(*) FROM power WHERE meter = 'press'") > N_SLOTS - 300);
	assert_works(t);
}

TEST_WITH(a_lost_header_costs_nothing, setup_quiet, teardown)
{
	struct site *t = *state;

	fill(t);
	overwrite(t->path, 0, 100);
	open_store(t);
	assert_recovered(t);
	assert_int_equal(number(t, "SELECT count(*) FROM energy WHERE meter = 'press'"), N_SLOTS);
	assert_works(t);
}

TEST_WITH(a_lost_first_page_leaves_a_new_file_that_works, setup_quiet, teardown)
{
	struct site *t = *state;

	fill(t);
	overwrite(t->path, 0, PAGE);
	open_store(t);
	assert_recovered(t);
	assert_int_equal(count_files(t, ".damaged-*Z"), 1);
	assert_works(t);
}

TEST_WITH(an_empty_file_beside_its_wal_was_a_database, setup_quiet, teardown)
{
	struct site *t = *state;

	fill(t);
	assert_int_equal(truncate(t->path, 0), 0);
	open_store(t);
	assert_recovered(t);
	assert_works(t);
}

TEST_WITH(a_file_that_is_not_a_wal_is_put_aside_and_reported, setup_quiet, teardown)
{
	struct site *t = *state;
	char wal[128];

	fill(t);
	snprintf(wal, sizeof(wal), "%s-wal", t->path);
	overwrite(wal, 0, 10000);
	open_store(t);
	assert_recovered(t);
	assert_int_equal(count_files(t, ".damaged-*Z-wal"), 1);
	assert_int_equal(number(t, "SELECT count(*) FROM energy WHERE meter = 'press'"), N_SLOTS);
	assert_works(t);
}

TEST_WITH(a_wal_with_torn_commits_loses_only_those, setup_quiet, teardown)
{
	struct site *t = *state;
	char wal[128];

	fill(t);
	open_store(t);
	for (int i = 0; i < 50; i++) {
		hold(t, "press", T + (N_SLOTS + i) * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, counter_at(N_SLOTS + i),
		     Q_COUNT);
		assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	}
	store_abandon(t->store);
	t->store = NULL;
	snprintf(wal, sizeof(wal), "%s-wal", t->path);
	/* abandoning the store has checkpointed the WAL: nothing may depend on it any more */
	if (size_of(wal) > 0)
		overwrite(wal, size_of(wal) / 2, PAGE);
	open_store(t);
	assert_rows(t, "PRAGMA integrity_check", "ok");
	assert_true(number(t, "SELECT count(*) FROM energy WHERE meter = 'press'") >= N_SLOTS);
	assert_works(t);
}

/* Readings by the ten thousand, straight into the table. */
static void fill_much(struct site *t)
{
	sqlite3 *db;

	fill(t);
	assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
			     "INSERT INTO reading_energy (id, meter, delay_ms, quality, active_energy_import) "
			     "SELECT (1767225600 - 60 * i) << 14, 1, 0, 0, 81234000 - 10 * i FROM n;"
			     "INSERT OR IGNORE INTO slot SELECT id >> 14 FROM reading_energy",
			     NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

TEST_WITH(older_readings_are_copied_while_the_daemon_runs_and_after_a_restart, setup_quiet, teardown)
{
	struct site *t = *state;

	fill_much(t);
	overwrite(t->path,
		  (number(t, "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'leaf' "
			     "LIMIT 1 OFFSET 100") -
		   1) * PAGE,
		  PAGE);
	open_store(t);
	assert_int_equal(number(t, "SELECT count(*) FROM energy"), 20000);
	assert_works(t);
	store_close(t->store);
	open_store(t);
	assert_int_equal(number(t, "SELECT count(*) FROM setting WHERE name = 'salvage'"), 1);
	assert_recovered(t);
	assert_true(number(t, "SELECT count(*) FROM energy") > N_SLOTS + 60000 - 300);
	assert_int_equal(number(t, "SELECT count(*) FROM event WHERE kind = 'database-recovered'"), 2);
}

TEST_WITH(a_second_damage_before_the_copy_is_complete_loses_only_its_own_pages, setup_quiet, teardown)
{
	struct site *t = *state;

	fill_much(t);
	overwrite(t->path,
		  (number(t, "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'leaf' "
			     "LIMIT 1 OFFSET 100") -
		   1) * PAGE,
		  PAGE);
	open_store(t);
	assert_int_equal(number(t, "SELECT count(*) FROM energy"), 20000);
	assert_works(t);
	store_close(t->store);
	/* of the newest 20000 too */
	overwrite(t->path,
		  (number(t, "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'leaf' "
			     "LIMIT 1 OFFSET 50") -
		   1) * PAGE,
		  PAGE);
	open_store(t);
	assert_recovered(t);
	assert_true(number(t, "SELECT count(*) FROM energy") > N_SLOTS + 60000 - 300);
	assert_int_equal(count_files(t, ".damaged-*Z"), 2);
	assert_int_equal(number(t, "SELECT count(*) FROM event WHERE kind = 'database-recovered' AND detail LIKE "
				   "'the database was damaged%'"),
			 2);
	assert_int_equal(number(t, "SELECT count(*) FROM event WHERE kind = 'database-recovered' AND detail LIKE "
				   "'copied % rows from %'"),
			 2);
}

TEST_WITH(readings_of_a_lost_meter_are_not_given_to_another, setup_quiet, teardown)
{
	struct site *t = *state;

	fill(t);
	overwrite(t->path, (number(t, "SELECT rootpage FROM sqlite_schema WHERE name = 'meter'") - 1) * PAGE, PAGE);
	open_store(t);
	assert_recovered(t);
	assert_true(store_meter_id(t->store, "press") > 1000);
	assert_int_equal(number(t, "SELECT count(*) FROM energy"), 0);
	assert_works(t);
}

TEST_WITH(intervals_and_months_survive_the_damage, setup_quiet, teardown)
{
	struct site *t = *state;
	char intervals[2000], months[2000];

	fill(t);
	snprintf(intervals, sizeof(intervals), "%s",
		 rows(t, "SELECT count(*), sum(value) FROM interval WHERE quality = 'measured'"));
	snprintf(months, sizeof(months), "%s", rows(t, "SELECT * FROM monthly"));
	assert_true(strlen(months) > 20);
	overwrite(t->path,
		  (number(t, "SELECT pageno FROM dbstat WHERE name = 'reading_energy' AND pagetype = 'leaf' "
			     "LIMIT 1 OFFSET 3") -
		   1) * PAGE,
		  PAGE);
	open_store(t);
	assert_recovered(t);
	assert_rows(t, "SELECT count(*), sum(value) FROM interval WHERE quality = 'measured'", intervals);
	assert_rows(t, "SELECT * FROM monthly", months);
}

/* A database as the schema steps up to and including version made it, with three readings. */
static void make_old(const struct site *t, glob_t *steps, size_t n)
{
	sqlite3 *db;
	char sql[200];

	unlink(t->path);
	assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
	assert_int_equal(db_migrate_add_functions(db), SQLITE_OK);
	for (size_t i = 0; i < n; i++) {
		static char text[1 << 18];
		FILE *f = fopen(steps->gl_pathv[i], "r");
		size_t got;

		assert_non_null(f);
		got = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
		text[got] = '\0';
		assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	}
	snprintf(sql, sizeof(sql), "PRAGMA application_id = 1952541817; PRAGMA user_version = %d",
		 atoi(strrchr(steps->gl_pathv[n - 1], '/') + 1));
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "INSERT INTO bus VALUES ('hall', 'rtu', 1);"
				      "INSERT INTO meter (id, name, is_input, bus, model, address, label, configured) "
				      "VALUES (7, 'press', 0, 'hall', 'countis-e43', 5, '', 1);"
				      "INSERT INTO slot VALUES (1767225600), (1767226500), (1767226560);"
				      "INSERT INTO reading_energy (id, meter, delay_ms, quality, active_energy_import) "
				      "VALUES (1767225600 << 14, 7, 0, 0, 1000), (1767226500 << 14, 7, 0, 0, 1010), "
				      "(1767226560 << 14, 7, 0, 0, 1010)",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
}

TEST_WITH(every_earlier_schema_is_migrated_after_a_copy, setup_quiet, teardown)
{
	struct site *t = *state;
	glob_t steps;
	char expected[40];
	int newest;

	store_close(t->store);
	t->store = NULL;
	assert_int_equal(glob(SOURCE_DIR "/schema/[0-9]*.sql", 0, NULL, &steps), 0);
	newest = atoi(strrchr(steps.gl_pathv[steps.gl_pathc - 1], '/') + 1);
	for (size_t n = 1; n < steps.gl_pathc; n++) {
		struct site copy = *t;

		make_old(t, &steps, n);
		open_store(t);
		snprintf(expected, sizeof(expected), "%d", newest);
		assert_rows(t, "PRAGMA user_version", expected);
		assert_int_equal(store_meter_id(t->store, "press"), 7);
		assert_rows(t, "SELECT active_import_kwh FROM energy ORDER BY ts", "1.0\n1.01\n1.01");
		assert_rows(t, "SELECT sum(value) FROM interval WHERE quantity = 'active_energy_import'", "0.01");
		assert_rows(t, "SELECT sum(base_value), base_unit FROM interval", "10|Wh");
		assert_rows(t, "SELECT active_import_wh FROM energy ORDER BY ts", "1000\n1010\n1010");
		assert_rows(t, "SELECT meter, state FROM meter_report WHERE meter = 'press'", "press|never");
		assert_rows(t, "SELECT count(*) FROM meter_replacement", "0");
		store_close(t->store);
		t->store = NULL;
		snprintf(copy.path, sizeof(copy.path), "%.60s.before-%04d", t->path, newest);
		snprintf(expected, sizeof(expected), "%d", atoi(strrchr(steps.gl_pathv[n - 1], '/') + 1));
		assert_rows(&copy, "PRAGMA user_version", expected);
		assert_rows(&copy, "SELECT count(*) FROM reading_energy", "3");
	}
	globfree(&steps);
}

/* The state of a counter as the steps before 0027 had it, a minute into an interval, of which 4 Wh had passed. */
TEST_WITH(a_saved_state_is_continued_after_a_migration, setup_quiet, teardown)
{
	static const char saved[] =
		"INSERT INTO quantity (id, name, obis, unit, per, kind, place, base) "
		"VALUES (5, 'active_energy_import', '', 'kWh', 1000, 'energy', 1, 'Wh');"
		"INSERT INTO account (meter, before, last_ts, counter_max) VALUES (7, 0, 1767226560, 0);"
		"INSERT INTO account_counter (meter, before, quantity, parts, living, life_ts, was_reset, ts, raw, "
		"seen_ts, open_ts, sum, rest, ended_raw, known_s, estimated, modulus) "
		"VALUES (7, 0, 5, 1, 1, 1767225600, 0, 1767226560, 1010, 1767226560, 1767226500, 4, 0, 0, 60, 0, 0)";
	struct site *t = *state;
	glob_t steps;
	sqlite3 *db;

	store_close(t->store);
	assert_int_equal(glob(SOURCE_DIR "/schema/[0-9]*.sql", 0, NULL, &steps), 0);
	make_old(t, &steps, 24);
	globfree(&steps);
	assert_int_equal(sqlite3_open(t->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, saved, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	open_store(t);
	for (int64_t slot_s = 1767226620; slot_s <= 1767228300; slot_s += 60)
		hold(t, "press", slot_s, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 1010 + (slot_s - 1767226560) / 6,
		     Q_COUNT);
	commit_all(t);
	assert_rows(t, "SELECT ts, active_energy_import, quality FROM kept_interval", "1767226500|144|0");
}

UNIT_MAIN(NULL, NULL)
