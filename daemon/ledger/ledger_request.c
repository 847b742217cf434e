/* SPDX-License-Identifier: MIT */
#include "ledger_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mono.h"

static const char *const kinds[] = {[LEDGER_REPLACE] = "replace",
				    [LEDGER_UNDO] = "undo",
				    [LEDGER_SERIAL] = "serial",
				    [LEDGER_KEY] = "key",
				    [LEDGER_HANDOVER] = "handover"};

/* -1: a kind of a newer version. */
static int find_kind(const char *text)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], text) == 0)
			return (int)i;
	return -1;
}

/* text: names with blanks between them; NULL: all counters. */
static void read_counters(const char *text, struct ledger_request *r)
{
	char name[64];

	r->is_partial = text != NULL;
	while (text != NULL) {
		const char *blank = strchr(text, ' ');
		size_t n = blank != NULL ? (size_t)(blank - text) : strlen(text);
		int q;

		snprintf(name, sizeof(name), "%.*s", (int)n, text);
		q = names_find(name);
		if (q >= 0)
			r->counters[q] = true;
		text = blank != NULL ? blank + 1 : NULL;
	}
}

/* The same as text, which the caller frees with sqlite3_free(); NULL: all counters, or out of memory. */
static char *list_counters(const struct ledger_book *b, const struct ledger_request *r)
{
	sqlite3_str *text;

	if (!r->is_partial)
		return NULL;
	text = sqlite3_str_new(b->db->handle);
	for (int q = 0; q < Q_COUNT; q++)
		if (r->counters[q])
			sqlite3_str_appendf(text, "%s%s", sqlite3_str_length(text) > 0 ? " " : "",
					    names_get((enum quantity)q)->name);
	return sqlite3_str_finish(text);
}

static int load(const struct ledger_book *b, const char *meter, const char *where, struct ledger_request_list *list)
{
	size_t n_rows = (size_t)db_number(b->db, "SELECT count(*) FROM request_log", 0);
	sqlite3_stmt *get =
		db_prepare(b->db,
			   "SELECT r.id, r.kind, m.id, r.at_ts, r.final, r.initial, r.forced, r.counters, r.other_id, "
			   "r.named "
			   "FROM request_log r LEFT JOIN meter m ON %s WHERE %s ORDER BY r.at_ts, r.id",
			   meter, where);

	*list = (struct ledger_request_list){.requests = calloc(n_rows + 1, sizeof(*list->requests))};
	if (get == NULL || list->requests == NULL) {
		sqlite3_finalize(get);
		return get == NULL ? -EIO : -ENOMEM;
	}
	while (list->n < n_rows && db_next(b->db, get)) {
		int kind = find_kind((const char *)sqlite3_column_text(get, 1));
		bool has_meter = sqlite3_column_type(get, 2) != SQLITE_NULL;

		if (kind < 0)
			continue;
		list->requests[list->n++] = (struct ledger_request){
			.id = sqlite3_column_int64(get, 0),
			.kind = (enum ledger_request_kind)kind,
			.meter = has_meter ? ledger_book_find(b, sqlite3_column_int64(get, 2)) : -1,
			.other = sqlite3_column_type(get, 8) != SQLITE_NULL
					 ? ledger_book_find(b, sqlite3_column_int64(get, 8))
					 : -1,
			.at_s = sqlite3_column_int64(get, 3),
			.has_final = sqlite3_column_type(get, 4) != SQLITE_NULL,
			.final = sqlite3_column_int64(get, 4),
			.has_initial = sqlite3_column_type(get, 5) != SQLITE_NULL,
			.initial = sqlite3_column_int64(get, 5),
			.is_forced = sqlite3_column_int(get, 6),
			.is_named = sqlite3_column_int(get, 9)};
		read_counters((const char *)sqlite3_column_text(get, 7), &list->requests[list->n - 1]);
	}
	return sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(b->db, "read");
}

int ledger_request_load_waiting(const struct ledger_book *b, struct ledger_request_list *list)
{
	return load(b, "m.name = r.meter", "r.state = 'waiting'", list);
}

int ledger_request_load_exchanges(const struct ledger_book *b, struct ledger_request_list *list)
{
	return load(b, "m.id = r.meter_id",
		    "r.state = 'done' AND r.kind IN ('replace', 'serial', 'key', 'handover') AND r.undone_by IS NULL",
		    list);
}

int ledger_request_put_serial(const struct ledger_book *b, struct ledger_request *r, const char *serial)
{
	sqlite3_stmt *put = db_prepare(b->db, "INSERT INTO request_log (kind, what, meter, asked_ts, at_ts, serial, "
					      "named) VALUES ('serial', 'serial number ' || ?3, ?1, ?2, ?2, ?3, ?4)");
	int rc;

	if (put == NULL)
		return -EIO;
	sqlite3_bind_text(put, 1, b->reg->list[r->meter].name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, mono_wall_ms() / 1000);
	sqlite3_bind_text(put, 3, serial, -1, SQLITE_STATIC);
	sqlite3_bind_int(put, 4, r->is_named);
	rc = db_run(b->db, put);
	sqlite3_finalize(put);
	r->id = sqlite3_last_insert_rowid(b->db->handle);
	return rc;
}

int ledger_request_put_key(const struct ledger_book *b, struct ledger_request *r, const char *words)
{
	sqlite3_stmt *put = db_prepare(b->db, "INSERT INTO request_log (kind, what, meter, asked_ts, at_ts, counters) "
					      "VALUES ('key', ?3, ?1, ?2, ?2, ?4)");
	char *counters;
	int rc;

	if (put == NULL)
		return -EIO;
	counters = list_counters(b, r);
	sqlite3_bind_text(put, 1, b->reg->list[r->meter].name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, mono_wall_ms() / 1000);
	sqlite3_bind_text(put, 3, words, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 4, counters, -1, SQLITE_STATIC);
	rc = r->is_partial && counters == NULL ? -ENOMEM : db_run(b->db, put);
	sqlite3_finalize(put);
	sqlite3_free(counters);
	r->id = sqlite3_last_insert_rowid(b->db->handle);
	return rc;
}

int ledger_request_decide(const struct ledger_book *b, struct ledger_request *r, bool is_done, const char *reason)
{
	sqlite3_stmt *put =
		db_prepare(b->db, "UPDATE request_log SET state = ?, reason = ?, decided_ts = ?, at_ts = ?, "
				  "meter_id = ? WHERE id = ?");
	int rc;

	r->is_decided = true;
	if (put == NULL)
		return -EIO;
	sqlite3_bind_text(put, 1, is_done ? "done" : "refused", -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 2, reason, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 3, mono_wall_ms() / 1000);
	sqlite3_bind_int64(put, 4, r->at_s);
	if (r->meter >= 0)
		sqlite3_bind_int64(put, 5, b->reg->list[r->meter].id);
	sqlite3_bind_int64(put, 6, r->id);
	rc = db_run(b->db, put);
	sqlite3_finalize(put);
	return rc;
}

int ledger_request_undo(const struct ledger_book *b, const struct ledger_request *exchange,
			const struct ledger_request *by)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "UPDATE request_log SET undone_by = %lld WHERE id = %lld", (long long)by->id,
		 (long long)exchange->id);
	return db_exec(b->db, sql);
}

int ledger_request_put_handover(const struct ledger_book *b, struct ledger_request *r)
{
	sqlite3_stmt *put = db_prepare(b->db, "INSERT INTO request_log (kind, what, meter, asked_ts, at_ts, other_id) "
					      "VALUES ('handover', 'was read as ' || ?4, ?1, ?2, ?2, ?3)");
	int rc;

	if (put == NULL)
		return -EIO;
	sqlite3_bind_text(put, 1, b->reg->list[r->meter].name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, mono_wall_ms() / 1000);
	sqlite3_bind_int64(put, 3, b->reg->list[r->other].id);
	sqlite3_bind_text(put, 4, b->reg->list[r->other].name, -1, SQLITE_STATIC);
	rc = db_run(b->db, put);
	sqlite3_finalize(put);
	r->id = sqlite3_last_insert_rowid(b->db->handle);
	return rc;
}
