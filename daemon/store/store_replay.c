/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mono.h"

enum { REBUILD_STEP = 20000 }; /* readings of a rebuild in one transaction */

/* One table of readings, read in the order of its key. */
struct cursor {
	sqlite3_stmt *stmt; /* id, meter, quality, then the quantities of the kind */
	bool row;
	int64_t id, meter;
};

static void next_row(struct cursor *c)
{
	c->row = sqlite3_step(c->stmt) == SQLITE_ROW;
	if (!c->row)
		return;
	c->id = sqlite3_column_int64(c->stmt, 0);
	c->meter = sqlite3_column_int64(c->stmt, 1);
}

static int open_cursor(struct store *s, size_t kind, struct cursor *c, int64_t after_s, int64_t before_s)
{
	sqlite3_str *sql = sqlite3_str_new(s->db.handle);

	sqlite3_str_appendall(sql, "SELECT id, meter, quality");
	for (int q = 0; q < Q_COUNT; q++)
		if (s->tables.kind_of[q] == (int)kind)
			sqlite3_str_appendf(sql, ", %s", names_get((enum quantity)q)->name);
	sqlite3_str_appendf(sql, " FROM reading_%s WHERE id >= %lld AND id < %lld ORDER BY id",
			    s->tables.kinds[kind].name, (long long)(after_s + 1) << DB_SLOT_BITS,
			    (long long)before_s << DB_SLOT_BITS);
	char *text = sqlite3_str_finish(sql);

	c->stmt = text ? db_prepare(&s->db, "%s", text) : NULL;
	sqlite3_free(text);
	if (!c->stmt)
		return -EIO;
	next_row(c);
	return 0;
}

/* Was this value left out because its slot lay behind? */
static bool was_behind(struct store *s, int64_t slot_s, int64_t meter, enum quantity q)
{
	struct store_account *a = &s->account;

	if (q >= Q_PULSES_1 && q <= Q_PULSES_8)
		for (size_t i = 0; i < a->n_inputs; i++)
			if (a->inputs[i].concentrator == meter && a->inputs[i].input == q - Q_PULSES_1 + 1 &&
			    slot_s >= a->inputs[i].from_s && slot_s < a->inputs[i].until_s)
				return was_behind(s, slot_s, a->inputs[i].meter, a->inputs[i].quantity);
	sqlite3_bind_int64(a->get_behind, 1, slot_s);
	sqlite3_bind_int64(a->get_behind, 2, meter);
	sqlite3_bind_int64(a->get_behind, 3, a->db_id[q]);
	bool behind = sqlite3_step(a->get_behind) == SQLITE_ROW;

	sqlite3_reset(a->get_behind);
	return behind;
}

/* Add the values of one row to the reading that it is part of, but for those whose slot lay behind. */
static void take_row(struct store *s, size_t kind, struct cursor *c, struct reading *out)
{
	int quality = sqlite3_column_int(c->stmt, 2), column = 3;

	if (quality == READING_UNSYNCHRONISED)
		out->quality = READING_UNSYNCHRONISED;
	for (int q = 0; q < Q_COUNT; q++) {
		if (s->tables.kind_of[q] != (int)kind)
			continue;
		int at = column++;

		if (sqlite3_column_type(c->stmt, at) == SQLITE_NULL)
			continue;
		if (quality == READING_SUSPECT && was_behind(s, c->id >> DB_SLOT_BITS, c->meter, (enum quantity)q))
			continue;
		reading_set(out, (enum quantity)q, sqlite3_column_int64(c->stmt, at));
	}
	next_row(c);
}

/* Feed the readings of [after_s, before_s) again, each meter from where its account stands. 0 or -errno. */
static int replay(struct store *s, int64_t after_s, int64_t before_s, const struct store_exchanges *exchanges,
		  int (*step)(struct store *s))
{
	struct cursor cursors[DB_KINDS_MAX] = {0};
	struct reading reading = {0};
	unsigned suspect_kinds;
	int r = 0;

	s->account.account.proven = true;
	for (size_t k = 0; k < s->tables.n_kinds && r == 0; k++)
		r = open_cursor(s, k, &cursors[k], after_s, before_s);
	while (r == 0) {
		const struct cursor *first = NULL;
		int64_t id;

		for (size_t k = 0; k < s->tables.n_kinds; k++) {
			const struct cursor *c = &cursors[k];

			if (c->row && (!first || c->id < first->id))
				first = c;
		}
		if (!first)
			break;
		id = first->id;
		reading.meter = first->meter;
		reading.slot_s = id >> DB_SLOT_BITS;
		reading.quality = READING_GOOD;
		memset(reading.present, 0, sizeof(reading.present));
		for (size_t k = 0; k < s->tables.n_kinds; k++)
			if (cursors[k].row && cursors[k].id == id)
				take_row(s, k, &cursors[k], &reading);
		store_exchange_repeat(s, exchanges, reading.meter, reading.slot_s);
		r = store_account_feed(s, &reading, &suspect_kinds);
		if (r == 0 && step)
			r = step(s);
	}
	for (size_t k = 0; k < s->tables.n_kinds; k++)
		sqlite3_finalize(cursors[k].stmt);
	s->account.account.proven = false;
	return r;
}

static void forget(struct store *s)
{
	for (size_t i = 0; i < s->n_meters; i++) {
		struct store_meter *m = &s->meters[i];

		account_fini(&m->account);
		m->account.last_s = m->account.reported_s = m->account.doubtful_s = 0;
		m->account_changed = false;
		m->period_s = INT64_MIN;
	}
	s->account.error = 0;
	s->account.newest_s = 0;
	s->account.n_suspects = 0;
	s->account.span_written_s[0] = s->account.span_written_s[1] = INT64_MIN;
	s->account.start_written_s = INT64_MIN;
}

/* Slot of the newest reading that may have counters of this meter or input. */
static int64_t newest_slot(struct store *s, const struct store_meter *m)
{
	const struct store_input *input = m->is_input ? store_input_at(s, m->id, m->account.last_s) : NULL;

	if (input)
		m = store_find_meter(s, input->concentrator);
	size_t kind = (size_t)s->tables.kind_of[input ? Q_PULSES_1 : Q_ACTIVE_ENERGY_IMPORT];

	return m ? s->tables.newest[m - s->meters].id[kind] >> DB_SLOT_BITS : 0;
}

/* All readings from here on that are not in the saved state of their meter. Each save writes every meter that has
 * changed, so what came later lies after the newest saved slot, or not much before it; but where the clock was set
 * back, a meter that had been silent goes on before that. A state from before the first reading has no slot: then all
 * readings are since. */
static int64_t replay_after(struct store *s)
{
	int64_t newest_s = s->account.newest_s, after_s = newest_s - STORE_REPLAY_BACK_S;

	for (size_t i = 0; i < s->n_meters; i++) {
		const struct store_meter *m = &s->meters[i];

		if (m->account.last_s != 0 && m->account.last_s < after_s && newest_slot(s, m) > m->account.last_s)
			after_s = m->account.last_s;
	}
	if (after_s < newest_s - STORE_REPLAY_BACK_S - ACCOUNT_BACK_S)
		after_s = newest_s - STORE_REPLAY_BACK_S - ACCOUNT_BACK_S;
	return after_s > 0 ? after_s : 0;
}

/* Take up the account where the last run left it. */
int store_replay_since(struct store *s)
{
	struct store_account *a = &s->account;
	int r;

	forget(s);
	r = store_state_load(s);

	for (size_t i = 0; i < s->n_meters; i++) {
		const struct store_input *input = store_input_resume(s, &s->meters[i]);

		s->meters[i].period_s = input ? input->from_s : INT64_MIN;
	}
	a->loaded = true;
	a->saved_s = a->newest_s;
	if (r != 0)
		return r;
	a->replaying = true;
	r = replay(s, replay_after(s), mono_wall_ms() / 1000 + ACCOUNT_BACK_S, &(struct store_exchanges){0}, NULL);
	a->replaying = false;
	return r;
}

/* Take out everything from write_from_s on that readings will make again. */
static int clear_account(struct store *s, int64_t write_from_s)
{
	char sql[200];
	int r = db_exec(&s->db, "UPDATE account SET last_ts = 0; DELETE FROM account_counter");

	if (r == 0)
		r = store_interval_clear(s, write_from_s);
	snprintf(sql, sizeof(sql),
		 "DELETE FROM life WHERE from_ts >= %lld; "
		 "UPDATE life SET until_ts = NULL, until_raw = NULL WHERE until_ts >= %lld",
		 (long long)write_from_s, (long long)write_from_s);
	return r == 0 ? db_exec(&s->db, sql) : r;
}

/* Called after each reading of a rebuild: a transaction must not grow without end. */
static int rebuild_step(struct store *s)
{
	int r = s->account.error;

	if (r != 0 || ++s->account.n_rebuilt % REBUILD_STEP != 0)
		return r;
	r = db_exec(&s->db, "COMMIT");
	return r == 0 ? db_exec(&s->db, "BEGIN IMMEDIATE") : r;
}

static int64_t time_setting(struct store *s, const char *name)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT CAST(value AS INTEGER) FROM setting WHERE name = '%s'", name);
	return db_number(&s->db, sql, 0);
}

/* From where a rebuild may write: from the beginning when all readings are there and in the order of their slots, else
 * from the first local month that such readings cover wholly. */
static int64_t rebuild_from(struct store *s)
{
	int64_t deleted_s = time_setting(s, "deleted_until"), unordered_s = time_setting(s, "unordered_until");
	int64_t until_s = deleted_s > unordered_s ? deleted_s : unordered_s;

	return until_s == 0 ? INT64_MIN : calendar_month(&s->account.calendar, until_s)->end_s;
}

/* Where the clock went back and has not come to the month after that yet, what has been counted stands. */
static bool can_rebuild(struct store *s)
{
	int64_t unordered_s = time_setting(s, "unordered_until");

	return unordered_s == 0 || calendar_month(&s->account.calendar, unordered_s)->end_s <= mono_wall_ms() / 1000;
}

static int leave_as_it_is(struct store *s)
{
	int r = store_replay_since(s);

	log_warning("%s: no rebuild: the clock has gone back, and is not in the month after that yet", s->db.path);
	return r == 0 ? db_exec(&s->db, "DELETE FROM setting WHERE name = 'rebuild'") : r;
}

int store_replay_all(struct store *s)
{
	struct store_account *a = &s->account;
	struct store_exchanges exchanges = {0};
	int r;

	if (!can_rebuild(s))
		return leave_as_it_is(s);
	r = store_exchange_load(s, true, &exchanges);
	forget(s);
	a->loaded = true;
	a->rebuilding = true;
	a->n_rebuilt = 0;
	a->write_from_s = rebuild_from(s);
	if (r == 0)
		r = db_exec(&s->db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = db_put_setting(&s->db, "rebuild", "not finished");
	if (r == 0)
		r = store_state_load_counter_max(s);
	if (r == 0)
		r = clear_account(s, a->write_from_s);
	if (r == 0)
		r = replay(s, 0, mono_wall_ms() / 1000 + ACCOUNT_BACK_S, &exchanges, rebuild_step);
	if (r == 0)
		store_exchange_repeat_rest(s, &exchanges);
	if (r == 0)
		r = a->error;
	if (r == 0)
		r = store_state_save(s, true);
	if (r == 0)
		r = store_account_put_settings(s, a->zone, a->calendar.interval_s);
	if (r == 0)
		r = db_exec(&s->db, "DELETE FROM setting WHERE name = 'rebuild'");
	if (r == 0)
		r = db_exec(&s->db, "COMMIT");
	if (r != 0) {
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
		a->loaded = false;
	}
	a->rebuilding = false;
	a->write_from_s = INT64_MIN;
	free(exchanges.list);
	return r;
}
