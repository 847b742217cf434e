/* SPDX-License-Identifier: MIT */
/* store_site.h - a site in memory and its database, for the tests of the store. */
#ifndef TALLY_STORE_SITE_H
#define TALLY_STORE_SITE_H

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "unit.h"

/* One site in memory: bus "hall" with meters "press" and "pulses", inputs "lighting" and "gas" on the latter. */
struct site {
	char dir[64], path[96], zone[32];
	struct conf conf;
	struct conf_bus bus;
	struct conf_meter meters[2];
	struct conf_input inputs[2];
	struct store *store;
	struct err e;
};

static const int64_t T = 1767225600; /* 2026-01-01T00:00:00Z */

static inline void open_store(struct site *t)
{
	int rc = -1;

	t->store = store_open(&t->conf, &t->e);
	if (t->store != NULL)
		rc = store_configure(t->store, &t->conf, &t->e);
	if (rc != 0)
		err_print(&t->e, stderr);
	assert_non_null(t->store);
	assert_int_equal(rc, 0);
}

static inline int setup(void **state)
{
	struct site *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/test_store.XXXXXX");
	if (mkdtemp(t->dir) == NULL)
		return -1;
	snprintf(t->path, sizeof(t->path), "%s/t.db", t->dir);
	strcpy(t->zone, "UTC");
	t->conf = (struct conf){
		.store_path = t->path, .interval_s = 900, .timezone = t->zone, .n_buses = 1, .buses = &t->bus};
	t->bus = (struct conf_bus){.name = "hall",
				   .transport = CONF_RTU,
				   .n_meters = 2,
				   .meters = t->meters,
				   .n_inputs = 2,
				   .inputs = t->inputs};
	t->meters[0] = (struct conf_meter){
		.name = "press", .model = "countis-e43", .address = 5, .label = "Press, hall A", .energy_every_s = 60};
	t->meters[1] =
		(struct conf_meter){.name = "pulses", .model = "conto-d4cr8", .address = 12, .energy_every_s = 60};
	t->inputs[0] = (struct conf_input){.name = "lighting",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_ACTIVE_ENERGY_IMPORT,
					   .shown = names_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh"),
					   .weight = 10,
					   .weight_per = 1,
					   .offset = 81234500};
	t->inputs[1] = (struct conf_input){.name = "gas",
					   .concentrator = 1,
					   .input = 2,
					   .quantity = Q_VOLUME,
					   .shown = names_unit(Q_VOLUME, "m3"),
					   .weight = 10000,
					   .weight_per = 1,
					   .offset = 0};
	*state = t;
	open_store(t);
	return 0;
}

static inline int teardown(void **state)
{
	struct site *t = *state;
	char name[128];
	DIR *dir;

	store_close(t->store);
	dir = opendir(t->dir);
	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		snprintf(name, sizeof(name), "%.60s/%.60s", t->dir, d->d_name);
		unlink(name);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(t->dir);
	err_fini(&t->e);
	free(t);
	return 0;
}

/* Commit, even if nothing is due. */
static inline void commit_all(struct site *t)
{
	enum store_commit outcome = store_commit(t->store);

	assert_true(outcome == STORE_WRITTEN || outcome == STORE_NOTHING);
}

/* Rows of a query, columns joined with "|", rows with "\n", as the sqlite3 shell prints them; static. */
static inline const char *rows(const struct site *t, const char *sql)
{
	static char text[65536];
	size_t n = 0;
	sqlite3 *db;
	sqlite3_stmt *stmt;

	text[0] = '\0';
	assert_int_equal(sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const unsigned char *v = sqlite3_column_text(stmt, i);

			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
					      i	  ? "|"
					      : n ? "\n"
						  : "",
					      v ? (const char *)v : "");
		}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return text;
}

static inline void assert_rows(const struct site *t, const char *sql, const char *expected)
{
	assert_string_equal(rows(t, sql), expected);
}

/* A reading of a meter with the values up to Q_COUNT. */
static inline void hold(struct site *t, const char *meter, int64_t slot_s, enum reading_quality quality, ...)
{
	struct reading r = {
		.meter = store_meter_id(t->store, meter), .slot_s = slot_s, .delay_ms = 120, .quality = quality};
	va_list ap;

	va_start(ap, quality);
	for (int q = va_arg(ap, int); q != Q_COUNT; q = va_arg(ap, int))
		reading_set(&r, (enum quantity)q, va_arg(ap, int64_t));
	va_end(ap);
	assert_true(r.meter > 0);
	store_reading(t->store, &r);
}

/* Request what "tally replace" requests. final, initial: base units, or NULL. */
static inline void request_replacement(struct site *t, const char *meter, int64_t at_s, const int64_t *final,
				       const int64_t *initial)
{
	sqlite3_stmt *put;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "INSERT INTO request_log (kind, what, meter, asked_ts, at_ts, final, initial) "
				   "VALUES ('replace', 'replace', ?1, ?2, ?2, ?3, ?4)",
				   -1, &put, NULL),
		SQLITE_OK);
	sqlite3_bind_text(put, 1, meter, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, at_s);
	if (final != NULL)
		sqlite3_bind_int64(put, 3, *final);
	if (initial != NULL)
		sqlite3_bind_int64(put, 4, *initial);
	assert_int_equal(sqlite3_step(put), SQLITE_DONE);
	sqlite3_finalize(put);
	sqlite3_close(db);
}

/* Minutes first to last of "press": a counter and a power. */
static inline void hold_minutes(struct site *t, int first, int last)
{
	for (int i = first; i <= last; i++)
		hold(t, "press", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(81234000) + 10 * i,
		     Q_ACTIVE_POWER, INT64_C(600000), Q_COUNT);
}

#endif
