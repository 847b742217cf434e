/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "db_file.h"
#include "db_meters.h"
#include "db_tables.h"
#include "db_takeover.h"
#include "db_wal.h"
#include "dbformat.h"
#include "held.h"
#include "ledger.h"
#include "log.h"
#include "mono.h"
#include "store_compare.h"
#include "store_retain.h"
#include "store_salvage.h"
#include "store_status.h"
#include "store_write.h"

enum {
	END_TIMEOUT_MS = 500, /* longest the last commit waits for a lock: the end has three seconds in all */
	MISSING_EVERY_S = 60, /* intervals of silent meters are looked at this often */
	REOPEN_AFTER_S = 120, /* a database that fails for so long is opened again */
};

/* When what was last done. */
struct store_clock {
	int64_t now_s;		 /* of the last store_tick(), 0 = none yet */
	int64_t started_s;	 /* of the first one since the start, or since the clock went back */
	int64_t missing_s;	 /* now_s of the last commit */
	int64_t committed_us;	 /* monotonic time of the last commit */
	int64_t failed_since_ms; /* wall time of the first commit that failed, 0: the last one did not */
	char failed_with[256];	 /* why that one failed */
	int64_t stuck_us; /* monotonic time since when commits fail by what may end when the file is opened again */
	int64_t reopen_after_us;
};

/* Each part is written by the file of its name only. */
struct store {
	struct db db;
	struct db_wal wal;
	struct db_meters reg;
	struct db_tables tables;
	struct held held;
	struct ledger ledger;
	struct ledger_copy copies[2], *shown; /* of the account: one answers, the other is brought up to date */
	struct store_salvage salvage;
	struct store_status status;
	struct store_retain retain;
	struct store_clock clock;
	bool is_away; /* reported: another file is in the place of the open one, or none */
};

const char *store_error(const struct store *s)
{
	return s->db.error;
}

/* Close the file. What waits, the register and the copies of the account stay: the store can be asked as before, and
 * what comes in waits. */
static void shut(struct store *s)
{
	ledger_close(&s->ledger);
	db_tables_close(&s->tables);
	store_salvage_close(&s->salvage);
	db_file_close(&s->db);
}

static bool is_shut(const struct store *s)
{
	return s->db.handle == NULL;
}

static void free_store(struct store *s)
{
	if (!is_shut(s))
		shut(s);
	for (size_t i = 0; i < sizeof(s->copies) / sizeof(s->copies[0]); i++)
		ledger_copy_fini(&s->copies[i]);
	db_meters_free(&s->reg);
	held_fini(&s->held);
	store_status_free(&s->status);
	free(s);
}

/* Open the file. What a damaged one still holds is copied. */
static int open_file(struct store *s, const struct conf *conf, struct err *e)
{
	struct db_file_report report;
	int rc = db_file_open(&s->db, conf->store_path, conf->durability == CONF_FULL, &report, e);

	if (rc != 0)
		goto out;
	if (report.away[0] != '\0')
		store_event(s, mono_wall_ms(), "tallyd", "database-away", report.away);
	rc = store_salvage_open(&s->salvage, &s->db, &report);
	if (rc != 0) {
		err_add(e, s->db.path, 0,
			"%s cannot be copied into a new database: %s; it is tried again at every start",
			report.aside != NULL ? report.aside : "what was damaged", s->db.error);
		goto out;
	}
	sqlite3_busy_timeout(s->db.handle, DB_COMMIT_TIMEOUT_MS);
out:
	free(report.aside);
	return rc;
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

/* An allocation that fails outside of SQLite has left no words. */
static void add_error(struct store *s, int rc, const char *what, struct err *e)
{
	if (rc == -ENOMEM || s->db.error[0] == '\0')
		err_out_of_memory(e);
	else
		err_add(e, s->db.path, 0, "%s%s", what, s->db.error);
}

static int open_parts(struct store *s, const struct conf *conf, struct err *e)
{
	struct ledger_sink sink = {.context = s, .event = on_ledger_event};
	int rc = db_tables_open(&s->tables, &s->db, &s->reg);

	if (rc != 0)
		goto out;
	rc = ledger_open(&s->ledger, &s->db, &s->reg, &s->tables, conf, &sink);
	if (rc != 0)
		goto out;
	rc = load_meters(s);
	if (rc == 0)
		rc = db_asked(&s->db);
out:
	if (rc != 0)
		add_error(s, rc, "", e);
	return rc;
}

struct store *store_open(const struct conf *conf, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_out_of_memory(e);
		return NULL;
	}
	s->shown = &s->copies[0];
	s->clock.reopen_after_us = REOPEN_AFTER_S * INT64_C(1000000);
	held_init(&s->held, HELD_READINGS_BYTES);
	db_wal_init(&s->wal);
	if (open_file(s, conf, e) != 0 || open_parts(s, conf, e) != 0) {
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

struct store_bounds store_bounds_default(void)
{
	return (struct store_bounds){.held_bytes = HELD_READINGS_BYTES,
				     .wal_soft_bytes = DB_WAL_SOFT_BYTES,
				     .wal_hard_bytes = DB_WAL_HARD_BYTES,
				     .wal_seldom_s = DB_WAL_SELDOM_S,
				     .reopen_after_s = REOPEN_AFTER_S};
}

void store_set_bounds(struct store *s, const struct store_bounds *bounds)
{
	held_set_room(&s->held, bounds->held_bytes);
	db_wal_set_limits(&s->wal, bounds->wal_soft_bytes, bounds->wal_hard_bytes, bounds->wal_seldom_s);
	s->clock.reopen_after_us = bounds->reopen_after_s * 1000000;
}

int64_t store_meter_id(const struct store *s, const char *name)
{
	int i = db_meters_find_name(&s->reg, name);

	return i < 0 ? -1 : s->reg.list[i].id;
}

const char *store_meter_name(const struct store *s, size_t i, int64_t *id)
{
	if (i >= s->reg.n)
		return NULL;
	*id = s->reg.list[i].id;
	return s->reg.list[i].configured ? s->reg.list[i].name : "";
}

/* Readings were thinned out: say so, once until they are written. */
static void report_thinned(const struct store *s, bool was_thinned)
{
	if (s->held.is_thinned && !was_thinned)
		log_warning("%s: readings in memory take %zu kB; dropping powers and keeping fewer counters",
			    s->db.path, s->held.room_bytes / 1024);
}

void store_reading(struct store *s, const struct reading *r)
{
	bool was_thinned = s->held.is_thinned;

	/* what was lost is reported with the next commit */
	held_push_reading(&s->held, r);
	report_thinned(s, was_thinned);
}

void store_event(struct store *s, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	held_push_event(&s->held, at_ms, subject, kind, detail);
}

void store_clock_back(struct store *s, int64_t at_ms, int64_t back_ms)
{
	if (!is_shut(s))
		ledger_set_clock_back(&s->ledger, at_ms, back_ms);
}

void store_meter_serial(struct store *s, int64_t meter, const char *serial)
{
	if (db_meters_find(&s->reg, meter) >= 0)
		held_push_serial(&s->held, meter, serial);
}

void store_take_held(struct store *s, struct held *from)
{
	bool was_thinned = s->held.is_thinned;

	held_move(&s->held, from);
	report_thinned(s, was_thinned);
}

void store_meter_status(struct store *s, int64_t meter, const struct meter_status *st)
{
	int i = db_meters_find(&s->reg, meter);

	if (i >= 0)
		store_status_set_meter(&s->status, (size_t)i, st);
}

void store_bus_status(struct store *s, const char *bus, const struct bus_status *st)
{
	store_status_set_bus(&s->status, bus, st);
}

const struct ledger_copy *store_ledger_copy(const struct store *s)
{
	return s->shown;
}

int64_t store_newest_ms(const struct store *s, int64_t *back_ms)
{
	return ledger_newest_ms(&s->ledger, back_ms);
}

int64_t store_newest_s(const struct store *s)
{
	return ledger_newest_s(&s->ledger);
}

size_t store_pending(const struct store *s)
{
	return s->held.n_readings;
}

void store_tick(struct store *s, int64_t now_s)
{
	if (s->clock.started_s == 0 || now_s < s->clock.now_s)
		s->clock.started_s = now_s;
	s->clock.now_s = now_s;
}

/* After a rollback: bring what memory knows about the database back to what is in it. */
static int reload(struct store *s)
{
	int rc = load_meters(s);

	return rc == 0 && ledger_mode(&s->ledger) == LEDGER_STALE ? ledger_resume(&s->ledger) : rc;
}

/* Events that report since when the database could not be written, that it can be again, and what found no room in
 * memory meanwhile. */
static void report_stopped(struct store *s)
{
	int64_t now_ms = mono_wall_ms(), since_ms = s->clock.failed_since_ms != 0 ? s->clock.failed_since_ms : now_ms;
	char detail[200];

	if (s->clock.failed_since_ms != 0) {
		held_push_event_anyway(&s->held, since_ms, "tallyd", "database-stopped", s->clock.failed_with);
		snprintf(detail, sizeof(detail), "after %lld s; %zu readings waited in memory",
			 (long long)(now_ms - since_ms) / 1000, s->held.n_readings);
		held_push_event_anyway(&s->held, now_ms, "tallyd", "database-writes", detail);
	}
	if (s->held.n_dropped == 0 && s->held.n_events_dropped == 0)
		return;
	snprintf(detail, sizeof(detail),
		 "the database could not be written for %lld s: %zu readings and %zu events did not fit into memory; "
		 "the newest counters were kept",
		 (long long)(now_ms - since_ms) / 1000, s->held.n_dropped, s->held.n_events_dropped);
	held_push_event_anyway(&s->held, since_ms, "tallyd", "gap", detail);
}

static bool is_missing_due(const struct store *s)
{
	return llabs(s->clock.now_s - s->clock.missing_s) >= MISSING_EVERY_S;
}

/* One transaction with everything that waits or is due. figures: those of meters and buses too; is_last: no other
 * commit will follow. 0, or -errno after a rollback.
 *
 * Memory knows things about the database: the newest rows, the numbers in each slot, the account, how far a salvage has
 * come. While the transaction runs all of that runs ahead of what is on the disk. So there are two ends and no third:
 * COMMIT has succeeded, and what waited is forgotten; or anything has failed, and each part is rolled back or marks
 * what it knows as out of date, while everything that waited still waits. The next commit then begins with reload(),
 * which reads it from the database again. A process that is killed at any point starts from the database in the same
 * way, which is why a commit may be cut off anywhere and repeated.
 *
 * The order inside. Readings come first, with the serial numbers in their places among them: the account decides about
 * each before its row is written, because a row carries the verdict. Then what follows from them (newest rows, missing
 * intervals, the state of the account). Old rows are deleted and a salvage continues after that, so that both see the
 * new rows. Events come last but one: every step before may add some. */
static int commit(struct store *s, bool figures, bool is_last)
{
	const struct store_clock *clock = &s->clock;
	bool clock_is_good;
	int rc = db_begin(&s->db);

	if (rc != 0)
		return rc;
	held_begin(&s->held);
	/* not before: a transaction that could not be taken back would be read too */
	if (ledger_mode(&s->ledger) != LEDGER_LIVE)
		rc = reload(s);
	if (rc != 0)
		goto out;
	report_stopped(s);
	rc = ledger_begin(&s->ledger);
	if (rc != 0)
		goto out;
	rc = store_write_readings(&s->held, &s->reg, &s->tables, &s->ledger, &clock_is_good);
	if (rc != 0)
		goto out;
	rc = db_tables_write_newest(&s->tables);
	if (rc != 0)
		goto out;
	if (clock->now_s != 0 && is_missing_due(s))
		rc = ledger_report_missing(&s->ledger, clock->now_s, clock->now_s - clock->started_s);
	if (rc != 0)
		goto out;
	rc = ledger_save(&s->ledger, is_last);
	if (rc != 0)
		goto out;
	/* a clock that is not known good says nothing about what is old */
	if (clock_is_good)
		rc = store_retain(&s->retain, &s->db, &s->tables, s->held.n_readings, clock->now_s,
				  ledger_until_s(&s->ledger));
	if (rc != 0)
		goto out;
	rc = store_salvage_step(&s->salvage);
	if (rc != 0)
		goto out;
	rc = store_write_events(&s->held, &s->db);
	if (rc != 0)
		goto out;
	rc = store_status_write(&s->status, &s->db, &s->reg, figures);
	if (rc != 0)
		goto out;
	rc = db_commit(&s->db);
	if (rc != 0)
		goto out;
	db_tables_committed(&s->tables);
	ledger_committed(&s->ledger);
	store_salvage_committed(&s->salvage);
	store_status_written(&s->status, figures, clock->now_s);
	held_written(&s->held);
	publish(s);
out:
	if (rc != 0) {
		db_rollback(&s->db);
		db_tables_undo(&s->tables);
		ledger_undo(&s->ledger);
		store_salvage_undo(&s->salvage);
		held_undo(&s->held);
	}
	return rc;
}

/* Readings that wait were made under the configuration that was in force, and must be counted under it. */
static int commit_before_change(struct store *s)
{
	return ledger_mode(&s->ledger) == LEDGER_CLOSED || held_is_empty(&s->held) ? 0 : commit(s, false, false);
}

static enum db_place_found look_for_file(struct store *s);

int store_configure(struct store *s, const struct conf *conf, struct err *e)
{
	bool any_renamed = false;
	int rc;

	if (is_shut(s)) {
		err_add(e, conf->store_path, 0, "the configuration cannot be written: the database is not open");
		return -EBUSY;
	}
	/* the next commit ends tallyd */
	if (look_for_file(s) != DB_PLACE_SAME) {
		err_add(e, conf->store_path, 0, "the configuration cannot be written: the database is not what it was");
		return -ENOENT;
	}
	s->db.error[0] = '\0';
	rc = commit_before_change(s);
	if (rc != 0)
		goto out;
	rc = db_begin(&s->db);
	if (rc != 0)
		goto out;
	store_retain_configure(&s->retain, conf->keep_readings_d);
	rc = ledger_rename(&s->db, conf, &any_renamed);
	if (rc != 0)
		goto out;
	rc = db_meters_write(&s->db, conf, mono_wall_ms() / 1000);
	if (rc != 0)
		goto out;
	rc = db_commit(&s->db);
	if (rc != 0)
		goto out;
	/* the account of a meter may be another one's now */
	if (any_renamed)
		ledger_undo(&s->ledger);
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
		add_error(s, rc, "the configuration cannot be written: ", e);
		db_rollback(&s->db);
	}
	return rc;
}

static bool is_anything_due(const struct store *s, bool figures)
{
	return figures || is_missing_due(s) || !held_is_empty(&s->held) || store_status_is_urgent(&s->status) ||
	       store_salvage_is_pending(&s->salvage) || ledger_is_asked(&s->ledger);
}

/* Is another file, or none, in the place of the open one? Reported once. */
static enum db_place_found look_for_file(struct store *s)
{
	char what[400];
	enum db_place_found found = s->db.is_overwritten ? DB_PLACE_OVERWRITTEN
							 : db_place_look(&s->db.place, s->db.path, what, sizeof(what));

	if (found == DB_PLACE_SAME || s->is_away)
		return found;
	s->is_away = true;
	snprintf(s->db.error, sizeof(s->db.error), "%s", what);
	log_error("database: %s; tallyd ends, and its next start opens what is at %s then", what, s->db.path);
	if (found == DB_PLACE_OVERWRITTEN)
		db_file_note_overwritten(&s->db);
	store_event(s, mono_wall_ms(), "tallyd", "database-away", what);
	return found;
}

/* The commit has failed. A full disk and a lock end by themselves, and all else may end when the file is opened again.
 */
static enum store_commit note_failure(struct store *s, int rc)
{
	struct store_clock *clock = &s->clock;
	int64_t now_us = mono_us();

	if (clock->failed_since_ms == 0) {
		clock->failed_since_ms = mono_wall_ms();
		snprintf(clock->failed_with, sizeof(clock->failed_with), "%s", s->db.error);
	}
	db_place_sign(&s->db.place, DBFORMAT_STOPPED_BYTE, true);
	if (rc == -EBADMSG) {
		db_file_note_damage(&s->db);
		return STORE_DAMAGED;
	}
	if (rc == -EBUSY || rc == -ENOSPC)
		clock->stuck_us = 0;
	else if (clock->stuck_us == 0)
		clock->stuck_us = now_us;
	return clock->stuck_us != 0 && now_us - clock->stuck_us >= clock->reopen_after_us ? STORE_STUCK : STORE_FAILED;
}

static void note_success(struct store_clock *clock, const struct db *db)
{
	clock->committed_us = mono_us();
	clock->missing_s = clock->now_s;
	if (clock->failed_since_ms != 0)
		db_place_sign(&db->place, DBFORMAT_STOPPED_BYTE, false);
	clock->failed_since_ms = 0;
	clock->stuck_us = 0;
}

enum store_commit store_commit(struct store *s)
{
	struct store_clock *clock = &s->clock;
	bool figures = store_status_is_due(&s->status, clock->now_s, clock->started_s);
	enum db_wal_verdict verdict;
	int rc = -EBUSY;

	if (is_shut(s))
		return STORE_STUCK;
	if (look_for_file(s) != DB_PLACE_SAME)
		return STORE_AWAY;
	if (!is_anything_due(s, figures))
		return STORE_NOTHING;
	verdict = db_wal_check(&s->wal, &s->db, held_percent(&s->held), (mono_us() - clock->committed_us) / 1000000);
	if (verdict == DB_WAL_LATER)
		return STORE_POSTPONED;
	if (verdict == DB_WAL_WRITE)
		rc = commit(s, figures, false);
	/* what has happened to the file meanwhile is no damage */
	if (rc != 0 && look_for_file(s) != DB_PLACE_SAME)
		return STORE_AWAY;
	if (rc != 0)
		return note_failure(s, rc);
	note_success(clock, &s->db);
	return STORE_WRITTEN;
}

int store_rebuild(struct store *s)
{
	enum store_commit outcome = store_commit(s);
	int rc = outcome == STORE_FAILED || outcome == STORE_DAMAGED ? -EIO : ledger_rebuild(&s->ledger);

	if (rc == 0)
		publish(s);
	return rc;
}

/* In the running transaction. */
static int recount(struct store *s, bool keep, const struct store_recount_sink *sink, struct store_recount *out)
{
	int64_t now_s = mono_wall_ms() / 1000;
	int rc = store_compare_begin(&s->db, out->from_s);

	if (rc == 0)
		rc = ledger_repeat(&s->ledger);
	if (rc == 0)
		rc = store_compare_end(&s->db, out->from_s);
	if (rc == 0)
		rc = store_compare_show(&s->db, sink);
	if (rc != 0)
		return rc;
	store_compare_count(&s->db, out);
	if (!keep || !out->differs)
		return 0;
	rc = store_compare_keep(&s->db, now_s);
	if (rc != 0)
		return rc;
	store_event(
		s, now_s * 1000, "tallyd", "recounted",
		"tally rebuild has counted the kept readings by the rules of this version; view revision has the spans "
		"that differ");
	return store_write_events(&s->held, &s->db);
}

int store_recount(struct store *s, bool keep, const struct store_recount_sink *sink, struct store_recount *out)
{
	int rc;

	*out = (struct store_recount){.from_s = ledger_rebuild_from_s(&s->ledger)};
	if (out->from_s == INT64_MAX)
		return 0;
	rc = db_begin(&s->db);
	held_begin(&s->held);
	if (rc == 0)
		rc = recount(s, keep, sink, out);
	if (rc == 0 && keep && out->differs)
		rc = db_commit(&s->db);
	if (rc == 0 && keep && out->differs) {
		held_written(&s->held);
	} else {
		db_rollback(&s->db);
		held_undo(&s->held);
		ledger_undo(&s->ledger);
	}
	store_compare_close(&s->db);
	return rc;
}

/* The -wal file at the path is not the business of what will be there next: bring all of it into the open database.
 * While somebody reads that is not possible; then it is put aside. */
static void empty_wal(struct store *s)
{
	struct err e = {0};
	char *aside;

	if (db_wal_checkpoint(&s->db, SQLITE_CHECKPOINT_TRUNCATE) == SQLITE_OK)
		return;
	aside = db_takeover_keep_wal(s->db.path, &e);
	log_error("database: %s-wal cannot be written into the database that was moved: %s; it is kept as %s-wal",
		  s->db.path, sqlite3_errmsg(s->db.handle), aside != NULL ? aside : s->db.path);
	free(aside);
	err_fini(&e);
}

int store_close(struct store *s)
{
	enum db_place_found found;
	int rc = -EIO;

	if (s == NULL)
		return 0;
	if (is_shut(s)) {
		log_error("database: it is not open; %zu readings are lost", s->held.n_readings);
		free_store(s);
		return rc;
	}
	sqlite3_busy_timeout(s->db.handle, END_TIMEOUT_MS);
	found = look_for_file(s);
	if (found == DB_PLACE_SAME || found == DB_PLACE_AWAY)
		rc = commit(s, true, true);
	if (rc != 0)
		log_error("database: %s; %zu readings are lost", s->db.error, s->held.n_readings);
	if (rc == -EBADMSG)
		db_file_note_damage(&s->db);
	if (found == DB_PLACE_AWAY || found == DB_PLACE_GONE)
		empty_wal(s);
	free_store(s);
	return rc != 0 ? rc : found != DB_PLACE_SAME ? -ENOENT : 0;
}

void store_abandon(struct store *s)
{
	if (s != NULL)
		free_store(s);
}

/* The pollers know the configured meters by these ids. */
static bool has_ids_of(const struct store *s, const struct db_meters *reg)
{
	for (size_t i = 0; i < reg->n; i++)
		if (reg->list[i].configured && store_meter_id(s, reg->list[i].name) != reg->list[i].id)
			return false;
	return true;
}

int store_reopen(struct store **s, const struct conf *conf, struct err *e)
{
	struct store *old = *s, *new;
	int rc = -EIO;

	shut(old);
	new = store_open(conf, e);
	if (new == NULL || store_configure(new, conf, e) != 0)
		goto out;
	if (!has_ids_of(new, &old->reg)) {
		rc = -ESTALE;
		err_add(e, conf->store_path, 0, "the ids of meters cannot be read any more; a restart takes new ones");
		goto out;
	}
	held_move(&new->held, &old->held);
	new->clock.failed_since_ms = old->clock.failed_since_ms;
	memcpy(new->clock.failed_with, old->clock.failed_with, sizeof(new->clock.failed_with));
	new->clock.reopen_after_us = old->clock.reopen_after_us;
	free_store(old);
	*s = new;
	return 0;
out:
	if (new != NULL)
		free_store(new);
	return rc;
}
