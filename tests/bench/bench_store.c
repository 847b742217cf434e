/* SPDX-License-Identifier: MIT */
/* bench_store - measures how much the store writes to disk, how much it keeps and how fast it answers queries.
 * Prints "figure<TAB>value<TAB>unit" on standard output.
 *   --minutes N   simulated minutes of 250 meters x 12 values (120)
 *   --days N      days of 15-minute readings for the queries (365)
 *   --retain N    days of 15-minute readings, of which 10 are kept (30)
 *   --keep        leave the database of the queries in the folder, bench-query.db, at its end
 *   --dir D       folder for the databases; must be on a real disk (.) */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mono.h"
#include "store.h"

enum { N_BUSES = 8, N_METERS = 250, READ_MS = 350, COMMIT_S = 10, REPEATS = 11, KEPT_DAYS = 10 };

static const int64_t T = 1735686000; /* 2025-01-01T00:00 in Paris */

static const enum quantity energy[] = {Q_ACTIVE_ENERGY_IMPORT, Q_ACTIVE_ENERGY_EXPORT, Q_REACTIVE_ENERGY_IMPORT,
				       Q_REACTIVE_ENERGY_EXPORT, Q_APPARENT_ENERGY};
static const enum quantity tariffs[] = {Q_ACTIVE_ENERGY_IMPORT_T1,   Q_ACTIVE_ENERGY_IMPORT_T2,
					Q_ACTIVE_ENERGY_IMPORT_T3,   Q_REACTIVE_ENERGY_IMPORT_T1,
					Q_REACTIVE_ENERGY_IMPORT_T2, Q_REACTIVE_ENERGY_IMPORT_T3};

struct site {
	struct conf conf;
	struct conf_bus buses[N_BUSES];
	struct conf_meter meters[N_BUSES][N_METERS / N_BUSES + 1];
	int64_t ids[N_METERS];
	int64_t counters[N_METERS][12];
	struct store *store;
	char path[512];
	uint64_t random;
};

static int64_t random_below(struct site *s, int64_t n)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (int64_t)(s->random % (uint64_t)n);
}

static void remove_database(const char *path)
{
	char name[600];

	for (const char *const *end = (const char *const[]){"", "-wal", "-shm", NULL}; *end != NULL; end++) {
		snprintf(name, sizeof(name), "%s%s", path, *end);
		unlink(name);
	}
}

static int start_site(struct site *s, const char *dir, const char *name, uint32_t every_s, uint32_t keep_d)
{
	static char zone[] = "Europe/Paris";
	struct err e = {0};

	memset(s, 0, sizeof(*s));
	s->random = 88172645463325252U;
	snprintf(s->path, sizeof(s->path), "%s/%s", dir, name);
	remove_database(s->path);
	s->conf = (struct conf){.store_path = s->path,
				.interval_s = 900,
				.timezone = zone,
				.keep_readings_d = keep_d,
				.n_buses = N_BUSES,
				.buses = s->buses};
	for (int i = 0; i < N_METERS; i++) {
		struct conf_bus *bus = &s->buses[i % N_BUSES];
		struct conf_meter *m = &s->meters[i % N_BUSES][bus->n_meters++];

		snprintf(bus->name, sizeof(bus->name), "bus-%d", i % N_BUSES);
		bus->meters = s->meters[i % N_BUSES];
		snprintf(m->name, sizeof(m->name), "meter-%03d", i);
		snprintf(m->model, sizeof(m->model), "countis-e43");
		m->address = (uint8_t)bus->n_meters;
		m->energy_every_s = every_s;
		for (int k = 0; k < 12; k++)
			s->counters[i][k] = 100000000 + random_below(s, 100000000);
	}
	s->store = store_open(&s->conf, &e);
	if (s->store == NULL || store_configure(s->store, &s->conf, &e) != 0) {
		err_print(&e, stderr);
		return -1;
	}
	for (int i = 0; i < N_METERS; i++) {
		char meter[16];

		snprintf(meter, sizeof(meter), "meter-%03d", i);
		s->ids[i] = store_meter_id(s->store, meter);
	}
	return 0;
}

/* 12 values: five totals, the active tariff, and two counters for each of three tariffs. */
static void read_meter(struct site *s, int i, int64_t slot_s, uint32_t delay_ms, int64_t rise)
{
	struct reading r = {.meter = s->ids[i], .slot_s = slot_s, .delay_ms = delay_ms};
	int64_t tariff = 1 + slot_s / 28800 % 3;

	for (int k = 0; k < 5; k++) {
		s->counters[i][k] += random_below(s, rise) / 10 * 10;
		reading_set(&r, energy[k], s->counters[i][k]);
	}
	reading_set(&r, Q_TARIFF, tariff);
	for (int k = 0; k < 6; k++) {
		if (k % 3 == tariff - 1)
			s->counters[i][5 + k] += random_below(s, rise) / 10 * 10;
		reading_set(&r, tariffs[k], s->counters[i][5 + k]);
	}
	store_reading(s->store, &r);
}

static void report_status(struct site *s, uint64_t minute)
{
	struct meter_status st = {.state = "up", .last_good_s = T + (int64_t)minute * 60};
	struct bus_status bus = {.state = "up", .busy_percent = 12.5, .requests = 96 * minute, .round_ms = 11000};

	st.requests = 3 * minute;
	for (int i = 0; i < N_METERS; i++) {
		st.latency_us = (uint32_t)(30000 + random_below(s, 1000));
		store_meter_status(s->store, s->ids[i], &st);
	}
	for (int b = 0; b < N_BUSES; b++)
		store_bus_status(s->store, s->buses[b].name, &bus);
}

/* Bytes that the kernel has sent to disk for this process, or -1. */
static int64_t written_bytes(void)
{
	FILE *f = fopen("/proc/self/io", "r");
	char line[80];
	int64_t n = -1;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "write_bytes: %" SCNd64, &n) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return n;
}

static int64_t file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static void print_figure(const char *name, double value, const char *unit)
{
	printf("%s\t%.3f\t%s\n", name, value, unit);
	fflush(stdout);
}

static int commit(struct site *s)
{
	enum store_commit outcome = store_commit(s->store);

	return outcome == STORE_FAILED || outcome == STORE_DAMAGED ? -1 : 0;
}

static int measure_writing(const char *dir, int64_t minutes)
{
	struct site *s = malloc(sizeof(*s));
	int64_t before, values = minutes * N_METERS * 12, spent_us = 0, n_commits = 0;
	int rc = 0;

	if (s == NULL || start_site(s, dir, "bench-write.db", 60, 400) != 0) {
		rc = -1;
		goto out;
	}
	commit(s);
	before = written_bytes();
	for (int64_t minute = 0; minute < minutes; minute++) {
		int next[N_BUSES] = {0};

		report_status(s, (uint64_t)minute);
		for (int64_t at_s = COMMIT_S; at_s <= 60 && rc == 0; at_s += COMMIT_S) {
			int64_t start_us;
			bool is_pending;

			for (int i = 0; i < N_METERS; i++) {
				int place = i / N_BUSES;

				if (place != next[i % N_BUSES] || place * READ_MS >= at_s * 1000)
					continue;
				next[i % N_BUSES]++;
				read_meter(s, i, T + 60 * minute, (uint32_t)(place * READ_MS + 200), 800);
			}
			store_tick(s->store, T + 60 * minute + at_s);
			is_pending = store_pending(s->store) > 0;
			start_us = mono_us();
			rc = commit(s);
			if (is_pending) {
				spent_us += mono_us() - start_us;
				n_commits++;
			}
		}
	}
	if (rc != 0)
		fprintf(stderr, "bench_store: %s\n", store_error(s->store));
	store_close(s->store);
	print_figure("store.bytes_written_per_value", (double)(written_bytes() - before) / (double)values, "bytes");
	print_figure("store.bytes_kept_per_value", (double)file_bytes(s->path) / (double)values, "bytes");
	print_figure("store.commits_per_second", (double)n_commits * 1e6 / (double)spent_us, "1/s");
	print_figure("store.rows_per_commit", (double)values / 12 / (double)n_commits, "rows");
	remove_database(s->path);
out:
	free(s);
	return rc;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t median(int64_t *values)
{
	qsort(values, REPEATS, sizeof(*values), compare);
	return values[REPEATS / 2];
}

static int64_t time_query(sqlite3 *db, const char *sql, int64_t *n_rows)
{
	int64_t took_us[REPEATS];

	for (int i = 0; i < REPEATS; i++) {
		sqlite3_stmt *stmt = NULL;
		int64_t start_us = mono_us();

		*n_rows = 0;
		if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
			fprintf(stderr, "bench_store: %s: %s\n", sql, sqlite3_errmsg(db));
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			for (int c = 0; c < sqlite3_column_count(stmt); c++)
				sqlite3_column_text(stmt, c);
			(*n_rows)++;
		}
		sqlite3_finalize(stmt);
		took_us[i] = mono_us() - start_us;
	}
	return median(took_us);
}

static const struct {
	const char *name, *sql;
} queries[] = {
	{"query.latest", "SELECT * FROM latest"},
	{"query.latest_one_meter", "SELECT * FROM latest WHERE meter = 'meter-100'"},
	{"query.month_per_meter_and_tariff", "SELECT * FROM monthly_tariff WHERE month = '2025-02'"},
	{"query.month_all_quantities", "SELECT * FROM monthly WHERE month = '2025-02'"},
	{"query.months_of_one_meter", "SELECT * FROM monthly WHERE meter = 'meter-100'"},
	{"query.day_all_meters", "SELECT * FROM daily WHERE day = '2025-02-03'"},
	{"query.days_of_one_meter", "SELECT * FROM daily WHERE meter = 'meter-100' "
				    "AND quantity = 'active_energy_import'"},
	{"query.load_profile_of_a_day", "SELECT * FROM interval_energy WHERE meter = 'meter-100' "
					"AND ts >= 1738537200 AND ts < 1738623600"},
	{"query.load_profile_of_a_month", "SELECT * FROM interval_energy WHERE meter = 'meter-100' "
					  "AND ts >= 1738364400 AND ts < 1740783600"},
	{"query.interval_of_a_day", "SELECT * FROM interval WHERE meter = 'meter-100' "
				    "AND ts >= 1738537200 AND ts < 1738623600"},
	{"query.energy_of_a_day", "SELECT * FROM energy WHERE meter = 'meter-100' "
				  "AND ts >= 1738537200 AND ts < 1738623600"},
	{"query.tariff_energy_of_a_day", "SELECT * FROM tariff_energy WHERE meter = 'meter-100' "
					 "AND ts >= 1738537200 AND ts < 1738623600"},
	{"query.power_of_a_day", "SELECT * FROM power WHERE ts >= 1738537200 AND ts < 1738623600"},
	{"query.meter_status", "SELECT * FROM meter_status"},
	{"query.bus_status", "SELECT * FROM bus_status"},
	{"query.event", "SELECT * FROM event ORDER BY ts DESC LIMIT 100"},
};

/* Time of one start on the full database. Once is enough: most of it is the check of the file, which uses all the time
 * that it may take. */
static int measure_opening(struct site *s)
{
	struct err e = {0};
	int64_t start_us = mono_us();

	s->store = store_open(&s->conf, &e);
	if (s->store == NULL || store_configure(s->store, &s->conf, &e) != 0) {
		err_print(&e, stderr);
		return -1;
	}
	print_figure("store.open", (double)(mono_us() - start_us) / 1e6, "s");
	store_close(s->store);
	return 0;
}

static int measure_queries(const char *dir, int64_t days, bool keep)
{
	struct site *s = malloc(sizeof(*s));
	int64_t start_us = mono_us(), n_rows;
	sqlite3 *db = NULL;
	int rc = 0;

	if (s == NULL || start_site(s, dir, "bench-query.db", 900, 400) != 0) {
		rc = -1;
		goto out;
	}
	for (int64_t quarter = 0; quarter <= days * 96 && rc == 0; quarter++) {
		for (int i = 0; i < N_METERS; i++)
			read_meter(s, i, T + 900 * quarter, 500, 12000);
		if (quarter % 96 == 0 || quarter == days * 96)
			rc = commit(s);
	}
	if (rc != 0)
		fprintf(stderr, "bench_store: %s\n", store_error(s->store));
	print_figure("store.readings_per_second", (double)(days * 96 * N_METERS) * 1e6 / (double)(mono_us() - start_us),
		     "1/s");
	if (sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		rc = -1;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && rc == 0; i++) {
		int64_t us = time_query(db, queries[i].sql, &n_rows);
		char rows[80];

		print_figure(queries[i].name, (double)us / 1000, "ms");
		snprintf(rows, sizeof(rows), "%s.rows", queries[i].name);
		print_figure(rows, (double)n_rows, "rows");
	}
	sqlite3_close(db);
	store_close(s->store);
	print_figure("store.file", (double)file_bytes(s->path) / 1e6, "MB");
	if (rc == 0)
		rc = measure_opening(s);
	if (!keep)
		remove_database(s->path);
out:
	free(s);
	return rc;
}

static int64_t oldest_s(const char *path)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int64_t ts = -1;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT min(ts) FROM energy", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		ts = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ts;
}

/* The readings arrive as fast as the store takes them; the old ones must be removed as fast. */
static int measure_retention(const char *dir, int64_t days)
{
	struct site *s = malloc(sizeof(*s));
	int64_t last_s = T + 86400 * days;
	int rc = 0;

	if (s == NULL || start_site(s, dir, "bench-retain.db", 900, KEPT_DAYS) != 0) {
		rc = -1;
		goto out;
	}
	for (int64_t slot_s = T; slot_s <= last_s && rc == 0; slot_s += 900) {
		for (int i = 0; i < N_METERS; i++)
			read_meter(s, i, slot_s, 500, 12000);
		store_tick(s->store, slot_s);
		rc = commit(s);
	}
	store_close(s->store);
	print_figure("retention.days_behind", (double)(last_s - oldest_s(s->path)) / 86400 - KEPT_DAYS, "d");
	remove_database(s->path);
out:
	free(s);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"minutes", required_argument, NULL, 'm'}, {"days", required_argument, NULL, 'd'},
		{"retain", required_argument, NULL, 'r'},  {"dir", required_argument, NULL, 'D'},
		{"keep", no_argument, NULL, 'k'},	   {0}};
	int64_t minutes = 120, days = 365, retained = 30;
	const char *dir = ".";
	bool keep = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			minutes = strtoll(optarg, NULL, 10);
		else if (c == 'd')
			days = strtoll(optarg, NULL, 10);
		else if (c == 'r')
			retained = strtoll(optarg, NULL, 10);
		else if (c == 'D')
			dir = optarg;
		else if (c == 'k')
			keep = true;
		else
			return 2;
	}
	if (minutes > 0 && measure_writing(dir, minutes) != 0)
		return 1;
	if (days > 0 && measure_queries(dir, days, keep) != 0)
		return 1;
	return retained > 0 && measure_retention(dir, retained) != 0;
}
