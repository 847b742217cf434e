/* SPDX-License-Identifier: MIT */
#include "ledger_moments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int ledger_moments_put(struct ledger_book *b, size_t i, enum ledger_moment_kind kind, int64_t at_s)
{
	const struct account_meter *m = &b->meters[i].account;
	char sql[320];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO account_moment (meter, after_ts, setting, request, kind, ts) VALUES (%lld, %lld, "
		 "ifnull((SELECT max(id) FROM account_setting), 0), "
		 "ifnull((SELECT max(id) FROM request_log WHERE state <> 'waiting'), 0), %d, %lld)",
		 (long long)m->id, (long long)m->last_s, kind, (long long)at_s);
	return db_exec(b->db, sql);
}

int ledger_moments_load(struct ledger_book *b, size_t i, int64_t since_s, struct ledger_moment_list *list)
{
	char of_meter[80] = "1";
	sqlite3_stmt *get;
	size_t n_rows, n = 0;

	if (i < b->n)
		snprintf(of_meter, sizeof(of_meter), "meter = %lld AND after_ts >= %lld", (long long)b->reg->list[i].id,
			 (long long)since_s);
	n_rows = (size_t)db_number(b->db, "SELECT count(*) FROM account_moment", 0);
	get = db_prepare(b->db,
			 "SELECT meter, id, after_ts, setting, request, ts, kind FROM account_moment WHERE %s "
			 "ORDER BY meter, after_ts, id",
			 of_meter);
	*list = (struct ledger_moment_list){.moments = calloc(n_rows + 1, sizeof(*list->moments)),
					    .next = calloc(b->n + 1, sizeof(*list->next)),
					    .end = calloc(b->n + 1, sizeof(*list->end))};
	if (get == NULL || list->moments == NULL || list->next == NULL || list->end == NULL) {
		sqlite3_finalize(get);
		return get == NULL ? -EIO : -ENOMEM;
	}
	while (n < n_rows && db_next(b->db, get)) {
		int meter = ledger_book_find(b, sqlite3_column_int64(get, 0));

		if (meter < 0)
			continue;
		if (list->end[meter] == 0)
			list->next[meter] = n;
		list->moments[n++] =
			(struct ledger_moment){.id = sqlite3_column_int64(get, 1),
					       .after_s = sqlite3_column_int64(get, 2),
					       .setting_id = sqlite3_column_int64(get, 3),
					       .request_id = sqlite3_column_int64(get, 4),
					       .at_s = sqlite3_column_int64(get, 5),
					       .kind = (enum ledger_moment_kind)sqlite3_column_int(get, 6)};
		list->end[meter] = n;
	}
	return sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(b->db, "read");
}

void ledger_moments_free(struct ledger_moment_list *list)
{
	free(list->moments);
	free(list->next);
	free(list->end);
	*list = (struct ledger_moment_list){.moments = NULL};
}

const struct ledger_moment *ledger_moments_next(const struct ledger_moment_list *list, size_t i, int64_t slot_s)
{
	if (list->next == NULL || list->next[i] == list->end[i] || list->moments[list->next[i]].after_s >= slot_s)
		return NULL;
	return &list->moments[list->next[i]];
}

int ledger_moments_repeat(struct ledger_book *b, struct ledger_moment_list *list, size_t i)
{
	const struct ledger_moment *moment = &list->moments[list->next[i]++];
	struct account_meter *m = ledger_book_change(b, i);

	if (moment->kind == LEDGER_GAVE_OUT)
		account_report_missing(&b->account, m, moment->at_s, 0);
	else
		account_doubt(&b->account, m, moment->at_s, "its serial number changed three times within an hour");
	return b->error;
}
