/* SPDX-License-Identifier: MIT */
#include "ledger_holds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ledger_holds_load(struct ledger_holds *h)
{
	struct ledger_book *b = h->book;
	size_t n_rows = (size_t)db_number(b->db, "SELECT count(*) FROM meter_key WHERE held <> ''", 0), n = 0;
	struct ledger_hold *list = calloc(n_rows + 1, sizeof(*list));
	sqlite3_stmt *get =
		db_prepare(b->db, "SELECT id, meter, from_ts, held_ts, held FROM meter_key WHERE held <> '' "
				  "ORDER BY id");

	if (get == NULL || list == NULL) {
		sqlite3_finalize(get);
		free(list);
		return get == NULL ? -EIO : -ENOMEM;
	}
	while (n < n_rows && db_next(b->db, get)) {
		int meter = ledger_book_find(b, sqlite3_column_int64(get, 1));
		bool is_ct = strcmp((const char *)sqlite3_column_text(get, 4), LEDGER_HOLD_CT) == 0;

		if (meter < 0 || b->reg->list[meter].is_input)
			continue;
		list[n++] = (struct ledger_hold){.meter = (size_t)meter,
						 .key = sqlite3_column_int64(get, 0),
						 .after_s = sqlite3_column_int64(get, 2),
						 .first_s = sqlite3_column_int64(get, 3),
						 .why = is_ct ? LEDGER_HOLD_CT : LEDGER_HOLD_IDENTITY};
	}
	sqlite3_finalize(get);
	free(h->list);
	h->list = list;
	h->n = n;
	return 0;
}

void ledger_holds_free(struct ledger_holds *h)
{
	free(h->list);
	h->list = NULL;
	h->n = 0;
}

const struct ledger_hold *ledger_holds_find(const struct ledger_holds *h, size_t meter)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->list[i].meter == meter)
			return &h->list[i];
	return NULL;
}

const struct ledger_hold *ledger_holds_find_at(const struct ledger_holds *h, size_t meter, int64_t slot_s)
{
	const struct ledger_hold *hold = ledger_holds_find(h, meter);

	return hold == NULL || (h->book->mode == LEDGER_REBUILD && slot_s <= hold->after_s) ? NULL : hold;
}

int ledger_holds_note(struct ledger_holds *h, size_t meter, int64_t slot_s)
{
	char sql[120];

	for (size_t i = 0; i < h->n; i++) {
		struct ledger_hold *hold = &h->list[i];

		/* a clock that was set back begins the time again */
		if (hold->meter != meter || (hold->first_s != 0 && hold->first_s <= slot_s))
			continue;
		hold->first_s = slot_s;
		snprintf(sql, sizeof(sql), "UPDATE meter_key SET held_ts = %lld WHERE id = %lld", (long long)slot_s,
			 (long long)hold->key);
		return db_exec(h->book->db, sql);
	}
	return 0;
}
