/* SPDX-License-Identifier: MIT */
#include "ledger_site.h"

#include <dirent.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "db_file.h"
#include "driver.h"
#include "mono.h"

static void on_event(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	struct site *t = context;
	char *sql = sqlite3_mprintf("INSERT INTO event_log (at_ms, subject, kind, detail) VALUES (%lld, %Q, %Q, %Q)",
				    (long long)at_ms, subject, kind, detail);

	assert_int_equal(db_exec(&t->db, sql), 0);
	sqlite3_free(sql);
}

static void open_site(struct site *t)
{
	struct ledger_sink sink = {.context = t, .event = on_event};
	struct db_file_report report;

	if (db_file_open(&t->db, t->path, true, &report, &t->e) != 0) {
		err_print(&t->e, stderr);
		fail();
	}
	assert_int_equal(db_tables_open(&t->tables, &t->db, &t->reg), 0);
	assert_int_equal(ledger_open(&t->ledger, &t->db, &t->reg, &t->tables, &t->conf, &sink), 0);
	configure(t);
}

static void close_site(struct site *t)
{
	ledger_close(&t->ledger);
	db_tables_close(&t->tables);
	db_meters_free(&t->reg);
	db_file_close(&t->db);
	memset(&t->ledger, 0, sizeof(t->ledger));
	t->in_transaction = false;
}

void write_register(struct site *t)
{
	bool any_renamed;

	assert_int_equal(db_exec(&t->db, "BEGIN IMMEDIATE"), 0);
	assert_int_equal(ledger_rename(&t->db, &t->conf, &any_renamed), 0);
	assert_int_equal(db_meters_write(&t->db, &t->conf, mono_wall_ms() / 1000), 0);
	assert_int_equal(db_exec(&t->db, "COMMIT"), 0);
	if (any_renamed)
		ledger_undo(&t->ledger);
}

void configure(struct site *t)
{
	write_register(t);
	assert_int_equal(db_meters_load(&t->reg, &t->db), 0);
	assert_int_equal(db_tables_load_newest(&t->tables), 0);
	assert_int_equal(ledger_configure(&t->ledger, &t->conf), 0);
}

int site_setup(void **state)
{
	struct site *t = calloc(1, sizeof(*t));

	strcpy(t->dir, "/tmp/test_ledger.XXXXXX");
	if (mkdtemp(t->dir) == NULL)
		return -1;
	snprintf(t->path, sizeof(t->path), "%s/t.db", t->dir);
	strcpy(t->zone, "UTC");
	t->conf = (struct conf){.interval_s = 900, .timezone = t->zone, .n_buses = 1, .buses = &t->bus};
	t->bus = (struct conf_bus){
		.name = "hall", .n_meters = 2, .meters = t->meters, .n_inputs = 2, .inputs = t->inputs};
	t->meters[0] = (struct conf_meter){.name = "press", .model = "countis-e43", .energy_every_s = 60};
	t->meters[1] = (struct conf_meter){.name = "pulses", .model = "conto-d4cr8", .energy_every_s = 60};
	t->inputs[0] = (struct conf_input){.name = "lighting",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_ACTIVE_ENERGY_IMPORT,
					   .shown = names_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh"),
					   .weight = 10,
					   .weight_per = 1};
	t->inputs[1] = (struct conf_input){.name = "gas",
					   .concentrator = 1,
					   .input = 2,
					   .quantity = Q_VOLUME,
					   .shown = names_unit(Q_VOLUME, "m3"),
					   .weight = 10000,
					   .weight_per = 1};
	*state = t;
	open_site(t);
	return 0;
}

int site_set_up_without_serial(void **state, size_t i, const char *model, uint8_t address)
{
	int rc = site_setup(state);
	char path[256];
	struct site *t;

	if (rc != 0)
		return rc;
	t = *state;
	snprintf(path, sizeof(path), "%s/drivers/%s.ini", SOURCE_DIR, model);
	t->driver = driver_load(path, &t->e);
	snprintf(t->meters[i].model, sizeof(t->meters[i].model), "%s", model);
	t->meters[i].driver = t->driver;
	t->meters[i].address = address;
	t->meters[i].ct_primary = t->meters[i].ct_secondary = t->meters[i].vt_primary = t->meters[i].vt_secondary = 1;
	configure(t);
	return 0;
}

int site_teardown(void **state)
{
	struct site *t = *state;
	char name[128];
	DIR *dir;

	close_site(t);
	dir = opendir(t->dir);
	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		snprintf(name, sizeof(name), "%.60s/%.60s", t->dir, d->d_name);
		unlink(name);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(t->dir);
	driver_free(t->driver);
	err_fini(&t->e);
	free(t);
	return 0;
}

void begin(struct site *t)
{
	if (t->in_transaction)
		return;
	t->in_transaction = true;
	assert_int_equal(db_exec(&t->db, "BEGIN IMMEDIATE"), 0);
	assert_int_equal(ledger_begin(&t->ledger), 0);
}

void add_reading(struct site *t, const char *meter, struct reading *r)
{
	int found = db_meters_find_name(&t->reg, meter);
	unsigned kinds, suspect_kinds;
	int64_t id;

	assert_true(found >= 0);
	r->meter = t->reg.list[found].id;
	begin(t);
	kinds = db_tables_kinds_of(&t->tables, r);
	assert_int_equal(ledger_add_reading(&t->ledger, r, &suspect_kinds), 0);
	assert_int_equal(db_tables_next_id(&t->tables, r->slot_s, &id), 0);
	for (size_t k = 0; k < t->tables.n_kinds; k++)
		if (kinds & 1U << k)
			assert_int_equal(db_tables_write(&t->tables, k, (size_t)found, id,
							 suspect_kinds & 1U << k ? READING_SUSPECT : r->quality, r),
					 0);
	assert_int_equal(ledger_write_suspects(&t->ledger, suspect_kinds & kinds), 0);
}

void add(struct site *t, const char *meter, int64_t slot_s, enum reading_quality quality, ...)
{
	struct reading r = {.slot_s = slot_s, .delay_ms = t->delay_ms, .quality = quality};
	va_list ap;

	va_start(ap, quality);
	for (int q = va_arg(ap, int); q != Q_COUNT; q = va_arg(ap, int)) {
		reading_set(&r, (enum quantity)q, va_arg(ap, int64_t));
		if (t->is_coarse)
			reading_set_coarse(&r, (enum quantity)q);
	}
	va_end(ap);
	add_reading(t, meter, &r);
}

void add_serial(struct site *t, const char *meter, const char *serial)
{
	int found = db_meters_find_name(&t->reg, meter);

	assert_true(found >= 0);
	begin(t);
	assert_int_equal(ledger_add_serial(&t->ledger, (size_t)found, serial), 0);
}

void report_missing(struct site *t, int64_t now_s)
{
	begin(t);
	assert_int_equal(ledger_report_missing(&t->ledger, now_s, 3600), 0);
}

static void end(struct site *t, bool always_save)
{
	begin(t);
	assert_int_equal(ledger_end_readings(&t->ledger), 0);
	assert_int_equal(ledger_save(&t->ledger, always_save), 0);
	assert_int_equal(db_exec(&t->db, "COMMIT"), 0);
	ledger_committed(&t->ledger);
	db_tables_committed(&t->tables);
	t->in_transaction = false;
}

void commit(struct site *t)
{
	end(t, false);
}

void roll_back(struct site *t)
{
	assert_int_equal(db_exec(&t->db, "ROLLBACK"), 0);
	db_tables_undo(&t->tables);
	ledger_undo(&t->ledger);
	t->in_transaction = false;
}

void run(struct site *t, int64_t from_s, int64_t to_s, int64_t at_0)
{
	for (int64_t at = from_s; at <= to_s; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, at_0 + at / 6, Q_ACTIVE_ENERGY_IMPORT_T1,
		    at_0 / 2 + at / 12, Q_TARIFF, INT64_C(1), Q_COUNT);
	commit(t);
}

void reopen(struct site *t)
{
	end(t, true);
	crash(t);
}

void crash(struct site *t)
{
	close_site(t);
	open_site(t);
}

void request_replacement(struct site *t, const char *meter, int64_t at_s, const int64_t *final, const int64_t *initial)
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

void request_undo(struct site *t, const char *meter)
{
	char sql[160];
	sqlite3 *db;

	snprintf(sql, sizeof(sql),
		 "INSERT INTO request_log (kind, what, meter, asked_ts, at_ts) VALUES ('undo', 'undo', '%s', 0, 0)",
		 meter);
	assert_int_equal(sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

void request_rename(struct site *t, const char *old, const char *new)
{
	char sql[240];
	sqlite3 *db;

	snprintf(sql, sizeof(sql),
		 "INSERT INTO request_log (kind, what, meter, new_name, asked_ts, at_ts) "
		 "VALUES ('rename', 'rename', '%s', '%s', 0, 0)",
		 old, new);
	assert_int_equal(sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

void force_requests(struct site *t)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE request_log SET forced = 1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

void name_requests(struct site *t)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE request_log SET named = 1 WHERE state = 'waiting'", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
}

const char *rows(const struct site *t, const char *sql)
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
			const char *before = i > 0 ? "|" : n > 0 ? "\n" : "";

			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", before,
					      v != NULL ? (const char *)v : "");
		}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return text;
}
