/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>

enum outcome {
	EXCHANGED,
	WITHOUT_FINAL, /* the main counter can not have reached the final value that was told */
	NOTICED,       /* before, as a reset: the main counter goes on */
};

/* End the lives of a meter's counters. */
static enum outcome exchange(struct store *s, struct store_meter *m, const struct store_exchange *x)
{
	const int64_t *final = x->has_final ? &x->final : NULL, *initial = x->has_initial ? &x->initial : NULL;
	const struct store_input *input = m->is_input ? store_input_at(s, m->id, x->at_s) : NULL;
	enum quantity main_counter = input ? input->quantity : Q_ACTIVE_ENERGY_IMPORT;
	enum outcome outcome = EXCHANGED;

	for (size_t i = 0; i < m->account.n_counters; i++) {
		enum quantity q = m->account.counters[i].quantity;
		bool figures = q == main_counter;

		if (!x->by_serial && account_has_noticed(&m->account, q, x->at_s, figures ? final : NULL)) {
			if (figures)
				outcome = NOTICED;
			continue;
		}
		if (!account_replace(&s->account.account, &m->account, q, x->at_s, figures ? final : NULL,
				     figures ? initial : NULL, "replaced"))
			outcome = WITHOUT_FINAL;
	}
	m->account_changed = true;
	return outcome;
}

static const char *outcome_text(enum outcome outcome, bool has_figures)
{
	if (outcome == WITHOUT_FINAL)
		return "the final value is below the last reading, or above what the meter can have reached since: it "
		       "is not counted";
	return has_figures ? "noticed before as a reset; the final and initial values can not be counted any more"
			   : "noticed before as a reset";
}

/* The first of those of this meter that came before the reading of slot_s and are not done; NULL = none. */
static struct store_exchange *next_due(struct store *s, const struct store_exchanges *x, int64_t meter, int64_t slot_s)
{
	for (size_t i = 0; i < x->n; i++) {
		struct store_exchange *due = &x->list[i];
		const struct store_input *input;

		if (due->done || due->at_s >= slot_s)
			continue;
		/* an input's readings are its concentrator's */
		input = store_input_at(s, due->meter, slot_s);
		if (due->meter == meter || (input && input->concentrator == meter))
			return due;
	}
	return NULL;
}

void store_exchange_repeat(struct store *s, const struct store_exchanges *x, int64_t meter, int64_t slot_s)
{
	struct store_exchange *due;

	while ((due = next_due(s, x, meter, slot_s))) {
		struct store_meter *m = store_find_meter(s, due->meter);

		if (m)
			exchange(s, m, due);
		due->done = true;
	}
}

void store_exchange_repeat_rest(struct store *s, const struct store_exchanges *x)
{
	for (size_t i = 0; i < x->n; i++)
		store_exchange_repeat(s, x, x->list[i].meter, INT64_MAX);
}

/* Columns: meter's id, at_ts, final, initial, serial. */
static struct store_exchange read_row(sqlite3_stmt *get)
{
	return (struct store_exchange){.meter = sqlite3_column_int64(get, 0),
				       .at_s = sqlite3_column_int64(get, 1),
				       .has_final = sqlite3_column_type(get, 2) != SQLITE_NULL,
				       .final = sqlite3_column_int64(get, 2),
				       .has_initial = sqlite3_column_type(get, 3) != SQLITE_NULL,
				       .initial = sqlite3_column_int64(get, 3),
				       .by_serial = sqlite3_column_type(get, 4) != SQLITE_NULL};
}

int store_exchange_load(struct store *s, bool done, struct store_exchanges *x)
{
	size_t most = (size_t)db_number(&s->db, "SELECT count(*) FROM replacement", 0);
	sqlite3_stmt *get = db_prepare(&s->db,
				       "SELECT m.id, r.at_ts, r.final, r.initial, r.serial FROM replacement r "
				       "JOIN meter m ON m.name = r.meter WHERE r.done = %d ORDER BY r.at_ts, r.id",
				       done);

	*x = (struct store_exchanges){.list = calloc(most + 1, sizeof(*x->list))};
	if (!get || !x->list) {
		sqlite3_finalize(get);
		return get ? -ENOMEM : -EIO;
	}
	while (x->n < most && sqlite3_step(get) == SQLITE_ROW)
		x->list[x->n++] = read_row(get);
	sqlite3_finalize(get);
	return 0;
}

int store_exchange_meter(struct store *s, struct store_meter *m, struct store_exchange *x, const char *serial,
			 const char *detail)
{
	sqlite3_stmt *put = db_prepare(&s->db, "INSERT INTO replacement (meter, at_ts, final, initial, serial, done) "
					       "VALUES (?, ?, ?, ?, ?, 1)");
	int r;

	if (!put)
		return -EIO;
	if (x->at_s < m->account.last_s)
		x->at_s = m->account.last_s;
	sqlite3_bind_text(put, 1, m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, x->at_s);
	if (x->has_final)
		sqlite3_bind_int64(put, 3, x->final);
	if (x->has_initial)
		sqlite3_bind_int64(put, 4, x->initial);
	sqlite3_bind_text(put, 5, serial, -1, SQLITE_STATIC);
	r = db_run(&s->db, put);
	sqlite3_finalize(put);
	enum outcome outcome = exchange(s, m, x);

	store_event(s, x->at_s * 1000, m->name, "meter-replaced",
		    outcome == EXCHANGED ? detail : outcome_text(outcome, x->has_final || x->has_initial));
	if (r == 0)
		r = s->account.error;
	return r == 0 ? store_state_save(s, true) : r;
}

int store_exchange_ask(struct store *s, struct store_exchanges *x)
{
	int64_t version = db_number(&s->db, "PRAGMA data_version", 0);
	int r;

	/* it changes when another program has written */
	if (version == s->replacement_version)
		return 0;
	r = store_exchange_load(s, false, x);
	/* in the second in which it was told the new meter was there, also for the slot of that second */
	for (size_t i = 0; i < x->n; i++)
		x->list[i].at_s--;
	if (r == 0)
		r = db_exec(&s->db, "DELETE FROM replacement WHERE NOT done");
	if (r == 0)
		s->replacement_version = version;
	return r;
}

int store_exchange_act(struct store *s, const struct store_exchanges *x, int64_t meter, int64_t slot_s)
{
	struct store_exchange *due;
	int r = 0;

	while (r == 0 && (due = next_due(s, x, meter, slot_s))) {
		struct store_meter *m = store_find_meter(s, due->meter);

		if (m)
			r = store_exchange_meter(s, m, due, NULL, STORE_AS_TOLD);
		due->done = true;
	}
	return r;
}

int store_exchange_act_rest(struct store *s, const struct store_exchanges *x)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++)
		r = store_exchange_act(s, x, x->list[i].meter, INT64_MAX);
	return r;
}

static int insert_replacement(sqlite3 *db, const char *meter, int64_t at_s, const int64_t *final,
			      const int64_t *initial)
{
	sqlite3_stmt *put = NULL;
	int r = sqlite3_prepare_v2(db,
				   "INSERT INTO replacement (meter, at_ts, final, initial) "
				   "SELECT name, ?2, ?3, ?4 FROM meter WHERE name = ?1 AND configured",
				   -1, &put, NULL);

	if (r == SQLITE_OK) {
		sqlite3_bind_text(put, 1, meter, -1, SQLITE_STATIC);
		sqlite3_bind_int64(put, 2, at_s);
		if (final)
			sqlite3_bind_int64(put, 3, *final);
		if (initial)
			sqlite3_bind_int64(put, 4, *initial);
		sqlite3_step(put);
	}
	return sqlite3_finalize(put);
}

int store_replace(const struct conf *conf, const char *meter, int64_t at_s, const int64_t *final,
		  const int64_t *initial, struct err *e)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(conf->store_path, &db, SQLITE_OPEN_READWRITE, NULL);

	sqlite3_busy_timeout(db, 5000);
	if (r == SQLITE_OK)
		r = insert_replacement(db, meter, at_s, final, initial);
	if (r != SQLITE_OK)
		err_add(e, conf->store_path, 0, "can not be written: %s", sqlite3_errmsg(db));
	else if (sqlite3_changes(db) == 0)
		err_add(e, NULL, 0, "%s: no such meter or input in %s", meter, conf->store_path);
	else
		meter = NULL;
	sqlite3_close(db);
	return meter ? -EINVAL : 0;
}
