/* SPDX-License-Identifier: MIT */
#include "ledger_revisions.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "mono.h"

void ledger_revisions_open(struct ledger_revisions *l, struct ledger_book *b)
{
	*l = (struct ledger_revisions){.book = b};
}

static int put(struct ledger_revisions *l, const char *kind, int64_t from_s, int64_t until_s)
{
	struct ledger_book *b = l->book;
	sqlite3_stmt *stmt =
		db_prepare(b->db, "INSERT INTO revision_log (at_ts, kind, from_ts, until_ts, meter, reason) "
				  "VALUES (?, ?, ?, ?, ?, ?)");
	int rc;

	if (stmt == NULL)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, mono_wall_ms() / 1000);
	sqlite3_bind_text(stmt, 2, kind, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, from_s);
	sqlite3_bind_int64(stmt, 4, until_s);
	sqlite3_bind_int64(stmt, 5, l->meter);
	sqlite3_bind_text(stmt, 6, l->reason, -1, SQLITE_STATIC);
	rc = db_run(b->db, stmt);
	sqlite3_finalize(stmt);
	return rc;
}

/* The days or months that are over and have an interval of the revision. What runs is written all the time. */
static int put_spans(struct ledger_revisions *l, const char *kind,
		     const struct calendar_span *(*find)(struct calendar *c, int64_t t_s))
{
	struct ledger_book *b = l->book;
	int64_t running_s = find(&b->calendar, b->newest_s)->start_s;
	int64_t from_s = find(&b->calendar, l->from_s)->start_s;
	int64_t until_s = find(&b->calendar, l->until_s - 1)->end_s;

	if (from_s >= running_s)
		return 0;
	return put(l, kind, from_s, until_s < running_s ? until_s : running_s);
}

int ledger_revisions_write(struct ledger_revisions *l)
{
	int rc;

	if (l->meter == 0)
		return 0;
	rc = put(l, "interval", l->from_s, l->until_s);
	if (rc == 0)
		rc = put_spans(l, "day", calendar_day);
	if (rc == 0)
		rc = put_spans(l, "month", calendar_month);
	l->meter = 0;
	return rc;
}

void ledger_revisions_on_revised(struct ledger_revisions *l, int64_t meter, int64_t from_s, int64_t until_s,
				 const char *reason)
{
	if (l->book->mode != LEDGER_LIVE)
		return;
	if (l->meter != meter) {
		ledger_book_note(l->book, ledger_revisions_write(l));
		l->meter = meter;
		l->from_s = from_s;
		l->until_s = until_s;
		snprintf(l->reason, sizeof(l->reason), "%s", reason);
	}
	if (from_s < l->from_s)
		l->from_s = from_s;
	if (until_s > l->until_s)
		l->until_s = until_s;
}

void ledger_revisions_undo(struct ledger_revisions *l)
{
	l->meter = 0;
}
