/* SPDX-License-Identifier: MIT */
#include "ledger_clock.h"

#include <errno.h>
#include <stdlib.h>

int ledger_clock_open(struct ledger_clock *l, struct ledger_book *b)
{
	sqlite3_stmt *get = db_prepare(b->db, "SELECT at_ms, back_ms FROM clock_back ORDER BY at_ms");
	int rc = get != NULL ? 0 : -EIO;

	l->book = b;
	while (rc == 0 && db_next(b->db, get))
		rc = ledger_book_set_clock_back(b, sqlite3_column_int64(get, 0), sqlite3_column_int64(get, 1)) < 0
			     ? -ENOMEM
			     : 0;
	sqlite3_finalize(get);
	return rc;
}

void ledger_clock_close(struct ledger_clock *l)
{
	free(l->waiting);
	*l = (struct ledger_clock){.n_waiting = 0};
}

void ledger_clock_set_back(struct ledger_clock *l, int64_t at_ms, int64_t back_ms)
{
	if (l->n_waiting == l->capacity) {
		void *waiting = reallocarray(l->waiting, l->capacity + 4, sizeof(*l->waiting));

		if (waiting == NULL)
			return;
		l->waiting = waiting;
		l->capacity += 4;
	}
	at_ms = ledger_book_set_clock_back(l->book, at_ms, back_ms);
	if (at_ms < 0)
		return;
	l->waiting[l->n_waiting].at_ms = at_ms;
	l->waiting[l->n_waiting++].back_ms = back_ms;
}

int ledger_clock_write(struct ledger_clock *l)
{
	sqlite3_stmt *put;
	int rc = 0;

	if (l->n_waiting == 0)
		return 0;
	put = db_prepare(l->book->db, "REPLACE INTO clock_back (at_ms, back_ms) VALUES (?, ?)");
	if (put == NULL)
		return -EIO;
	for (size_t i = 0; i < l->n_waiting && rc == 0; i++) {
		sqlite3_bind_int64(put, 1, l->waiting[i].at_ms);
		sqlite3_bind_int64(put, 2, l->waiting[i].back_ms);
		rc = db_run(l->book->db, put);
	}
	sqlite3_finalize(put);
	return rc;
}

void ledger_clock_committed(struct ledger_clock *l)
{
	l->n_waiting = 0;
}
