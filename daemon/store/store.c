/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "db_file.h"
#include "log.h"
#include "mono.h"
#include "store_private.h"

const char *store_error(const struct store *s)
{
	return s->db.error;
}

/* Read the register and the newest rows of its meters. */
static int load_meters(struct store *s)
{
	int rc = db_meters_load(&s->reg, &s->db);

	return rc == 0 ? db_tables_load_newest(&s->tables) : rc;
}

static void on_ledger_event(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	store_event(context, at_ms, subject, kind, detail);
}

static int prepare_store(struct store *s, const struct conf *conf, struct err *e)
{
	struct ledger_sink sink = {.context = s, .event = on_ledger_event};
	int rc = db_tables_open(&s->tables, &s->db, &s->reg);

	if (rc != 0)
		goto out;
	rc = ledger_open(&s->ledger, &s->db, &s->reg, &s->tables, conf, &sink);
	if (rc != 0)
		goto out;
	rc = load_meters(s);
out:
	if (rc != 0)
		err_add(e, s->db.path, 0, "%s", s->db.error);
	return rc;
}

static void free_store(struct store *s)
{
	ledger_close(&s->ledger);
	for (size_t i = 0; i < sizeof(s->copies) / sizeof(s->copies[0]); i++)
		ledger_copy_fini(&s->copies[i]);
	db_tables_close(&s->tables);
	db_meters_free(&s->reg);
	db_salvage_close(s->salvage);
	db_file_close(&s->db);
	held_fini(&s->held);
	store_status_free(&s->status);
	free(s);
}

static void end_salvage(struct store *s)
{
	db_salvage_close(s->salvage);
	s->salvage = NULL;
}

static void report_salvage(struct store *s)
{
	char detail[400];

	db_salvage_describe(s->salvage, detail, sizeof(detail));
	log_info("%s: %s", s->db.path, detail);
	store_event(s, mono_wall_ms(), "tallyd", "database-recovered", detail);
}

/* What the damaged file still holds, at least as far back as the account is replayed from. */
static void begin_salvage(struct store *s, const char *damaged)
{
	const struct db_salvage_first first = {.n_rows = STORE_SALVAGE_FIRST,
					       .span_s = LEDGER_SAVE_EVERY_S + LEDGER_REPLAY_BACK_S};

	if (db_salvage_begin(&s->db, damaged, &first, mono_wall_ms() / 1000, &s->salvage) != 0) {
		log_error("%s: nothing can be taken over: %s", s->db.path, s->db.error);
	} else if (db_salvage_is_done(s->salvage)) {
		report_salvage(s);
		end_salvage(s);
	}
}

/* Open the file. What was lost becomes events, and what a damaged file still holds is copied. */
static int open_file(struct store *s, const struct conf *conf, struct err *e)
{
	struct db_file_report report;
	int rc = db_file_open(&s->db, conf->store_path, conf->durability == CONF_FULL, &report, e);

	if (rc != 0)
		goto out;
	if (report.lost_wal[0] != '\0')
		store_event(s, mono_wall_ms(), "tallyd", "database-recovered", report.lost_wal);
	if (report.state == DB_FILE_DAMAGED) {
		store_event(s, mono_wall_ms(), "tallyd", "database-recovered", report.damage);
		begin_salvage(s, report.aside);
	} else if (db_salvage_resume(&s->db, &s->salvage) != 0) {
		log_error("%s: nothing can be taken over: %s", s->db.path, s->db.error);
	}
	sqlite3_busy_timeout(s->db.handle, DB_COMMIT_TIMEOUT_MS);
out:
	free(report.aside);
	return rc;
}

struct store *store_open(const struct conf *conf, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_add(e, NULL, 0, "out of memory");
		return NULL;
	}
	s->shown = &s->copies[0];
	held_init(&s->held, HELD_READINGS_BYTES);
	db_wal_init(&s->wal);
	if (open_file(s, conf, e) != 0 || prepare_store(s, conf, e) != 0) {
		free_store(s);
		return NULL;
	}
	return s;
}

/* From now on questions are answered by what the database has now; without memory for that, by what it had. */
static void publish(struct store *s)
{
	struct ledger_copy *spare = s->shown == &s->copies[0] ? &s->copies[1] : &s->copies[0];

	if (ledger_publish(&s->ledger, spare) == 0)
		s->shown = spare;
}

int store_configure(struct store *s, const struct conf *conf, struct err *e)
{
	int rc = db_exec(&s->db, "BEGIN IMMEDIATE");

	s->retain.keep_s = (int64_t)conf->keep_readings_d * 86400;
	if (rc != 0)
		goto out;
	rc = db_meters_write(&s->db, conf, mono_wall_ms() / 1000);
	if (rc != 0)
		goto out;
	rc = db_exec(&s->db, "COMMIT");
	if (rc != 0)
		goto out;
	rc = load_meters(s);
	if (rc != 0)
		goto out;
	rc = store_status_configure(&s->status, s->reg.n, conf);
	if (rc != 0)
		goto out;
	rc = ledger_configure(&s->ledger, conf);
	if (rc == 0)
		publish(s);
out:
	if (rc != 0) {
		err_add(e, s->db.path, 0, "the configuration can not be written: %s", s->db.error);
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	}
	return rc;
}

struct store_bounds store_bounds_default(void)
{
	return (struct store_bounds){.held_bytes = HELD_READINGS_BYTES,
				     .wal_soft_bytes = DB_WAL_SOFT_BYTES,
				     .wal_hard_bytes = DB_WAL_HARD_BYTES,
				     .wal_seldom_s = DB_WAL_SELDOM_S};
}

void store_set_bounds(struct store *s, const struct store_bounds *bounds)
{
	held_set_room(&s->held, bounds->held_bytes);
	db_wal_set_limits(&s->wal, bounds->wal_soft_bytes, bounds->wal_hard_bytes, bounds->wal_seldom_s);
}

int64_t store_meter_id(const struct store *s, const char *name)
{
	int i = db_meters_find_name(&s->reg, name);

	return i < 0 ? -1 : s->reg.list[i].id;
}

void store_reading(struct store *s, const struct reading *r)
{
	bool is_first = s->held.n_dropped == 0;
	size_t n_bytes = s->held.n_bytes;

	switch (held_push_reading(&s->held, r)) {
	case HELD_ADDED:
		break;
	case HELD_THINNED:
		if (is_first)
			log_warning(
				"%s: readings in memory take %zu kB: powers are dropped, counters are kept less often",
				s->db.path, n_bytes / 1024);
		break;
	case HELD_LOST:
		snprintf(s->db.error, sizeof(s->db.error), "out of memory for a reading: it is lost");
		break;
	}
}

void store_event(struct store *s, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	held_push_event(&s->held, at_ms, subject, kind, detail);
}

void store_meter_status(struct store *s, int64_t meter, const struct meter_status *st)
{
	int i = db_meters_find(&s->reg, meter);

	if (i >= 0)
		store_status_set_meter(&s->status, (size_t)i, st);
}

const char *store_waiting_serial(const struct store *s, int64_t meter)
{
	return held_find_serial(&s->held, meter);
}

const struct ledger_copy *store_ledger_copy(const struct store *s)
{
	return s->shown;
}

void store_meter_serial(struct store *s, int64_t meter, const char *serial)
{
	if (db_meters_find(&s->reg, meter) >= 0)
		held_push_serial(&s->held, meter, serial);
}

void store_tick(struct store *s, int64_t now_s)
{
	if (s->started_s == 0 || now_s < s->now_s)
		s->started_s = now_s;
	s->now_s = now_s;
}

void store_bus_status(struct store *s, const char *bus, const struct bus_status *st)
{
	store_status_set_bus(&s->status, bus, st);
}

int64_t store_newest_s(const struct store *s)
{
	return ledger_newest_s(&s->ledger);
}

size_t store_pending(const struct store *s)
{
	return s->held.n_readings;
}

/* An event that reports what found no room in memory. */
static void report_dropped(struct store *s)
{
	int64_t now_ms = mono_wall_ms(), since_ms = s->failed_since_ms != 0 ? s->failed_since_ms : now_ms;
	char detail[200];

	if (s->held.n_dropped == 0 && s->held.n_events_dropped == 0)
		return;
	snprintf(detail, sizeof(detail),
		 "the database could not be written for %lld s: %zu readings and %zu events did not fit into memory; "
		 "the newest counters were kept",
		 (long long)(now_ms - since_ms) / 1000, s->held.n_dropped, s->held.n_events_dropped);
	held_push_event_anyway(&s->held, since_ms, "tallyd", "gap", detail);
}

/* All of it is in the database now. */
static void let_go(struct store *s, bool figures)
{
	held_written(&s->held);
	db_tables_committed(&s->tables);
	ledger_committed(&s->ledger);
	publish(s);
	store_status_written(&s->status, figures, s->now_s);
	if (s->salvage != NULL && db_salvage_is_done(s->salvage))
		end_salvage(s);
	s->failed_since_ms = 0;
	s->told_s = s->now_s;
}

/* Bring what memory knows about the database back to what is in it. */
static int reload(struct store *s)
{
	int rc = load_meters(s);

	return rc == 0 && ledger_mode(&s->ledger) == LEDGER_STALE ? ledger_resume(&s->ledger) : rc;
}

/* Nothing was written: forget what the attempt has changed in memory. */
static void undo(struct store *s)
{
	sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	ledger_undo(&s->ledger);
	if (s->salvage != NULL)
		db_salvage_undo(s->salvage);
	db_tables_undo(&s->tables);
	held_undo(&s->held);
}

/* Some rows more, and at last the event. */
static int continue_salvage(struct store *s)
{
	int rc;

	rc = db_salvage_step(s->salvage, STORE_SALVAGE_STEP, mono_wall_ms() / 1000);
	if (rc == 0 && db_salvage_is_done(s->salvage))
		report_salvage(s);
	return rc;
}

static bool is_missing_due(const struct store *s)
{
	return llabs(s->now_s - s->told_s) >= STORE_TELL_EVERY_S;
}

/* One transaction with everything that waits or is due. figures: those of meters and buses too. 0 or -errno.
 *
 * Memory knows things about the database: the newest rows, the numbers in each slot, the account, how far a salvage has
 * come. While the transaction runs all of that runs ahead of what is on the disk. So there are two ends and no third:
 * COMMIT has succeeded, and let_go() forgets what waited; or anything has failed, and undo() rolls back and marks what
 * memory knows as out of date, while everything that waited still waits. The next commit then begins with reload(),
 * which reads it from the database again. A process that is killed at any point starts from the database in the same
 * way, which is why a commit may be cut off anywhere and repeated.
 *
 * The order inside. Readings come first, with the serial numbers in their places among them: the account decides about
 * each before its row is written, because a row carries the verdict. Then what follows from them (newest rows, missing
 * intervals, the state of the account). Old rows are deleted and a salvage continues after that, so that both see the
 * new rows. Events come last but one: every step before may add some. */
static int commit(struct store *s, bool figures)
{
	bool clock_is_good;
	int rc = ledger_mode(&s->ledger) == LEDGER_LIVE ? 0 : reload(s);

	if (rc != 0)
		return rc;
	rc = db_exec(&s->db, "BEGIN IMMEDIATE");
	if (rc != 0)
		return rc;
	held_begin(&s->held);
	report_dropped(s);
	rc = ledger_begin(&s->ledger);
	if (rc != 0)
		goto out;
	rc = store_write_readings(&s->held, &s->reg, &s->tables, &s->ledger, &clock_is_good);
	if (rc != 0)
		goto out;
	rc = db_tables_write_newest(&s->tables);
	if (rc != 0)
		goto out;
	if (s->now_s != 0 && is_missing_due(s))
		rc = ledger_report_missing(&s->ledger, s->now_s, s->now_s - s->started_s);
	if (rc != 0)
		goto out;
	rc = ledger_save(&s->ledger, s->closing);
	if (rc != 0)
		goto out;
	/* a clock that is not known good says nothing about what is old */
	if (clock_is_good)
		rc = store_retain(&s->retain, &s->db, &s->tables, s->held.n_readings, s->now_s,
				  ledger_until_s(&s->ledger));
	if (rc != 0)
		goto out;
	if (s->salvage != NULL)
		rc = continue_salvage(s);
	if (rc != 0)
		goto out;
	rc = store_write_events(&s->held, &s->db);
	if (rc != 0)
		goto out;
	rc = store_status_write(&s->status, &s->db, &s->reg, figures);
	if (rc != 0)
		goto out;
	rc = db_exec(&s->db, "COMMIT");
out:
	if (rc == 0)
		let_go(s, figures);
	else
		undo(s);
	return rc;
}

enum store_commit store_commit(struct store *s)
{
	bool figures = store_status_is_due(&s->status, s->now_s, s->started_s);
	enum db_wal_verdict verdict;
	int rc = -EBUSY;

	if (!figures && !is_missing_due(s) && held_is_empty(&s->held) && !store_status_is_urgent(&s->status) &&
	    s->salvage == NULL)
		return STORE_NOTHING;
	verdict = db_wal_check(&s->wal, &s->db, held_percent(&s->held), (mono_us() - s->committed_us) / 1000000);
	if (verdict == DB_WAL_LATER)
		return STORE_POSTPONED;
	if (verdict == DB_WAL_WRITE)
		rc = commit(s, figures);
	if (rc == 0) {
		s->committed_us = mono_us();
		return STORE_WRITTEN;
	}
	if (s->failed_since_ms == 0)
		s->failed_since_ms = mono_wall_ms();
	if (rc != -EBADMSG)
		return STORE_FAILED;
	db_file_note_damage(&s->db);
	return STORE_DAMAGED;
}

int store_rebuild(struct store *s)
{
	enum store_commit outcome = store_commit(s);
	int rc = outcome == STORE_FAILED || outcome == STORE_DAMAGED ? -EIO : ledger_rebuild(&s->ledger);

	if (rc == 0)
		publish(s);
	return rc;
}

void store_close(struct store *s)
{
	int rc;

	if (s == NULL)
		return;
	s->closing = true;
	sqlite3_busy_timeout(s->db.handle, STORE_END_TIMEOUT_MS);
	rc = commit(s, true);
	if (rc != 0)
		log_error("database: %s; %zu readings are lost", s->db.error, s->held.n_readings);
	if (rc == -EBADMSG)
		db_file_note_damage(&s->db);
	free_store(s);
}

void store_abandon(struct store *s)
{
	if (s != NULL)
		free_store(s);
}

/* The pollers know the configured meters by these ids. */
static bool has_ids_of(const struct store *s, const struct db_meters *meters)
{
	for (size_t i = 0; i < meters->n; i++)
		if (meters->list[i].configured && store_meter_id(s, meters->list[i].name) != meters->list[i].id)
			return false;
	return true;
}

struct store *store_reopen(struct store *s, const struct conf *conf, struct err *e)
{
	struct db_meters meters = s->reg;
	int64_t failed_since_ms = s->failed_since_ms;
	struct store *new;
	struct held held;

	held_init(&held, HELD_READINGS_BYTES);
	held_move(&held, &s->held);
	s->reg = (struct db_meters){0};
	store_abandon(s);
	new = store_open(conf, e);
	if (new != NULL && store_configure(new, conf, e) == 0 && !has_ids_of(new, &meters))
		err_add(e, conf->store_path, 0, "the ids of meters can not be read any more; a restart takes new ones");
	if (new != NULL && e->n_errors == 0) {
		held_move(&new->held, &held);
		new->failed_since_ms = failed_since_ms;
	} else {
		store_close(new);
		new = NULL;
	}
	held_fini(&held);
	db_meters_free(&meters);
	return new;
}
