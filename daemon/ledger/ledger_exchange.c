/* SPDX-License-Identifier: MIT */
#include "ledger_exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dbformat.h"

enum outcome {
	EXCHANGED,
	WITHOUT_FINAL, /* the main counter cannot have reached the final value that was given */
	NOTICED,       /* before, as a reset: the main counter's life continues */
};

/* End the lives of a meter's counters. */
static enum outcome exchange(struct ledger_exchange_desk *d, const struct ledger_exchange *x)
{
	struct ledger_book *b = d->book;
	struct account_meter *m = ledger_book_change(b, x->meter);
	const int64_t *final = x->has_final ? &x->final : NULL, *initial = x->has_initial ? &x->initial : NULL;
	const struct ledger_input *input = NULL;
	enum quantity main_counter = Q_ACTIVE_ENERGY_IMPORT;
	enum outcome outcome = EXCHANGED;

	if (b->reg->list[x->meter].is_input)
		input = ledger_limits_find_input(d->limits, x->meter, x->at_s);
	if (input != NULL)
		main_counter = input->quantity;
	for (size_t i = 0; i < m->n_counters; i++) {
		enum quantity q = m->counters[i].quantity;
		bool is_main = q == main_counter;

		if (!x->by_serial && account_has_noticed(m, q, x->at_s, is_main ? final : NULL)) {
			if (is_main)
				outcome = NOTICED;
			continue;
		}
		if (!account_replace(&b->account, m, q, x->at_s, is_main ? final : NULL, is_main ? initial : NULL,
				     !x->by_serial))
			outcome = WITHOUT_FINAL;
	}
	return outcome;
}

/* Exchange a meter in the running transaction, with a row of table replacement and an event. serial: what the meter
 * reported, NULL when people requested it. detail: of the event when all was done. */
static int exchange_now(struct ledger_exchange_desk *d, struct ledger_exchange *x, const char *serial,
			const char *detail)
{
	struct ledger_book *b = d->book;
	const struct db_meter *m = &b->reg->list[x->meter];
	sqlite3_stmt *put = db_prepare(b->db, "INSERT INTO replacement (meter, at_ts, final, initial, serial, done) "
					      "VALUES (?, ?, ?, ?, ?, 1)");
	int rc;

	if (put == NULL)
		return -EIO;
	if (x->at_s < b->meters[x->meter].account.last_s)
		x->at_s = b->meters[x->meter].account.last_s;
	sqlite3_bind_text(put, 1, m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, x->at_s);
	if (x->has_final)
		sqlite3_bind_int64(put, 3, x->final);
	if (x->has_initial)
		sqlite3_bind_int64(put, 4, x->initial);
	sqlite3_bind_text(put, 5, serial, -1, SQLITE_STATIC);
	rc = db_run(b->db, put);
	sqlite3_finalize(put);
	if (rc != 0)
		return rc;
	switch (exchange(d, x)) {
	case EXCHANGED:
		break;
	case WITHOUT_FINAL:
		detail = "the final value is below the last reading, or above what the meter can have reached since; "
			 "it is not counted";
		break;
	case NOTICED:
		detail = x->has_final || x->has_initial
				 ? "already noticed as a reset; the final and initial values cannot be counted any more"
				 : "already noticed as a reset";
		break;
	}
	b->sink.event(b->sink.context, x->at_s * 1000, m->name, "meter-replaced", detail);
	if (b->error != 0)
		return b->error;
	return ledger_state_save(d->state, true);
}

/* The first of those that come before a reading of this meter in slot_s and are not done; NULL = none. */
static struct ledger_exchange *find_due(const struct ledger_exchange_desk *d, const struct ledger_exchange_list *list,
					size_t meter, int64_t slot_s)
{
	for (size_t i = 0; i < list->n; i++) {
		struct ledger_exchange *due = &list->exchanges[i];
		const struct ledger_input *input;

		if (due->done || due->at_s >= slot_s)
			continue;
		/* an input's readings are its concentrator's */
		input = ledger_limits_find_input(d->limits, due->meter, slot_s);
		if (due->meter == meter || (input != NULL && input->concentrator == meter))
			return due;
	}
	return NULL;
}

static int load(const struct ledger_exchange_desk *d, bool done, struct ledger_exchange_list *list)
{
	struct ledger_book *b = d->book;
	size_t n_rows = (size_t)db_number(b->db, "SELECT count(*) FROM replacement", 0);
	sqlite3_stmt *get = db_prepare(b->db,
				       "SELECT m.id, r.at_ts, r.final, r.initial, r.serial FROM replacement r "
				       "JOIN meter m ON m.name = r.meter WHERE r.done = %d ORDER BY r.at_ts, r.id",
				       done);

	*list = (struct ledger_exchange_list){.exchanges = calloc(n_rows + 1, sizeof(*list->exchanges))};
	if (get == NULL || list->exchanges == NULL) {
		sqlite3_finalize(get);
		return get == NULL ? -EIO : -ENOMEM;
	}
	while (list->n < n_rows && sqlite3_step(get) == SQLITE_ROW) {
		int meter = ledger_book_find(b, sqlite3_column_int64(get, 0));

		if (meter >= 0)
			list->exchanges[list->n++] =
				(struct ledger_exchange){.meter = (size_t)meter,
							 .at_s = sqlite3_column_int64(get, 1),
							 .has_final = sqlite3_column_type(get, 2) != SQLITE_NULL,
							 .final = sqlite3_column_int64(get, 2),
							 .has_initial = sqlite3_column_type(get, 3) != SQLITE_NULL,
							 .initial = sqlite3_column_int64(get, 3),
							 .by_serial = sqlite3_column_type(get, 4) != SQLITE_NULL};
	}
	sqlite3_finalize(get);
	return 0;
}

int ledger_exchange_begin(struct ledger_exchange_desk *d)
{
	struct db *db = d->book->db;
	int64_t version = db_number(db, "PRAGMA data_version", 0);
	int rc;

	/* it changes when another program has written */
	if (version == d->seen_version)
		return 0;
	rc = load(d, false, &d->requests);
	if (rc != 0)
		return rc;
	/* in the second of the request the new meter was there, also for the slot of that second */
	for (size_t i = 0; i < d->requests.n; i++)
		d->requests.exchanges[i].at_s--;
	rc = db_exec(db, "DELETE FROM replacement WHERE NOT done");
	if (rc == 0)
		d->seen_version = version;
	return rc;
}

int ledger_exchange_before(struct ledger_exchange_desk *d, size_t meter, int64_t slot_s)
{
	struct ledger_exchange *due;
	int rc = 0;

	while (rc == 0 && (due = find_due(d, &d->requests, meter, slot_s)) != NULL) {
		rc = exchange_now(d, due, NULL, DBFORMAT_REPLACED_AS_REQUESTED);
		due->done = true;
	}
	return rc;
}

int ledger_exchange_rest(struct ledger_exchange_desk *d)
{
	int rc = 0;

	for (size_t i = 0; i < d->requests.n && rc == 0; i++)
		rc = ledger_exchange_before(d, d->requests.exchanges[i].meter, INT64_MAX);
	return rc;
}

void ledger_exchange_committed(struct ledger_exchange_desk *d)
{
	free(d->requests.exchanges);
	d->requests = (struct ledger_exchange_list){.n = 0};
}

void ledger_exchange_undo(struct ledger_exchange_desk *d)
{
	ledger_exchange_committed(d);
	d->seen_version = -1;
}

int ledger_exchange_take_serial(struct ledger_exchange_desk *d, size_t i, const char *serial)
{
	const char *known = d->reg->list[i].serial;
	bool is_first = known[0] == '\0';
	char detail[40 + 2 * DB_SERIAL_MAX];
	int rc;

	if (strcmp(known, serial) == 0)
		return 0;
	snprintf(detail, sizeof(detail), "serial number was %s, is now %s", known, serial);
	ledger_book_touch(d->book, i);
	rc = db_meters_put_serial(d->reg, d->book->db, i, serial);
	if (rc != 0 || is_first)
		return rc;
	return exchange_now(d, &(struct ledger_exchange){.meter = i, .by_serial = true}, serial, detail);
}

int ledger_exchange_load_done(const struct ledger_exchange_desk *d, struct ledger_exchange_list *list)
{
	return load(d, true, list);
}

void ledger_exchange_repeat_before(struct ledger_exchange_desk *d, struct ledger_exchange_list *list, size_t meter,
				   int64_t slot_s)
{
	struct ledger_exchange *due;

	while ((due = find_due(d, list, meter, slot_s)) != NULL) {
		exchange(d, due);
		due->done = true;
	}
}

void ledger_exchange_repeat_rest(struct ledger_exchange_desk *d, struct ledger_exchange_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		ledger_exchange_repeat_before(d, list, list->exchanges[i].meter, INT64_MAX);
}
