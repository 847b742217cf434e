/* SPDX-License-Identifier: MIT */
/* ledger_rows.h - readings as they are kept in the tables, to be counted again.
 *
 * A row's id is its slot and a number in the slot, and one reading has one id in all tables: so the tables are merged
 * by id, which is the order of the slots. A value that was suspect for good is left out: it would not lie behind now.
 * One that was suspect for its size is there, and the account finds the same again.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_ROWS_H
#define TALLY_LEDGER_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "ledger_book.h"
#include "ledger_limits.h"
#include "ledger_lives.h"
#include "reading.h"

/* One table of readings, read in the order of its ids. */
struct ledger_cursor {
	sqlite3_stmt *stmt; /* id, meter, delay_ms, quality, coarse, then the quantities of the kind */
	bool has_row;
	int64_t id, meter;
};

struct ledger_rows {
	struct ledger_book *book;
	const struct ledger_limits *limits;
	struct ledger_lives *lives;
	struct ledger_cursor cursors[DB_KINDS_MAX];
};

/* Begin with the first slot above after_s. meter: the id of one that is read, 0 = all. Rows of a clock that was far
 * ahead are left out. 0 or -errno; ledger_rows_close() is due either way. */
int ledger_rows_open(struct ledger_rows *r, struct ledger_book *b, const struct ledger_limits *limits,
		     struct ledger_lives *lives, int64_t meter, int64_t after_s);

/* The next reading, its quality good or unsynchronised. False: there is none. */
bool ledger_rows_next(struct ledger_rows *r, struct reading *out);

void ledger_rows_close(struct ledger_rows *r);

#endif
