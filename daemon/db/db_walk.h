/* SPDX-License-Identifier: MIT */
/* db_walk.h - read one table of a damaged file, from its newest row to its oldest, as far as it can be read.
 *
 * A broken page shows in two ways. SQLite sees that it is broken, and reading fails: that is a hole. Or a part of it
 * was replaced (a sector of zeros, an older version) and it still looks like a page: then a row may have a whole key
 * and other values, or a key that is not its own. Rows come in the order of their keys, so the second kind gives itself
 * away when a key is out of order or when a hole follows. In both cases the two rows that were read last may be from
 * such a place. They are doubtful: the caller takes them out again.
 *
 * How the walk continues behind a hole. A table whose key begins with a time can be entered at any time: look ever
 * further back until reading works, then search between for the newest place where it does. A table with another key
 * cannot be entered in the middle: it is read from its end until that fails and from its beginning until that fails.
 * What lies between the two holes is lost.
 * How it continues behind a torn row. The tree is searched by its keys and one of them is wrong, so any place may lead
 * there again: step back from the last place that is beyond doubt, twice as far each time.
 *
 * The walk writes nothing and keeps no transaction but that of its own SELECT. It may begin again at any time. Not for
 * the file that is in use. One thread, that of the connection. */
#ifndef TALLY_DB_WALK_H
#define TALLY_DB_WALK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "db.h"

enum db_walk_found {
	DB_WALK_ROW,  /* the columns of get */
	DB_WALK_HOLE, /* nothing could be read here; take out the doubtful rows and call again */
	DB_WALK_END,
};

/* The order of the rows of a table. If it is a time, column is the first one of its key and the first one
 * that is read, an INTEGER, and column meter is read second; the time in seconds is the key shifted right by shift. If
 * it is not, column is NULL. */
struct db_walk_key {
	const char *column;
	int shift;
};

struct db_walk_row {
	bool is_there;
	int64_t key, meter;
};

/* Others read get, limit_s and doubtful; only db_walk.c writes. */
struct db_walk {
	sqlite3 *from;
	char table[DB_TABLE_NAME_MAX + 1];
	char *columns;
	struct db_walk_key key;
	sqlite3_stmt *get;
	bool is_done;
	bool from_beginning; /* no time: the second pass */
	/* with a time */
	int64_t limit_s;   /* the rows to come are not later than this */
	int64_t certain_s; /* nothing later than this is in doubt any more */
	int64_t back_s;	   /* how far the last torn row made it step back, 0: a good row came since */
	unsigned n_torn;
	struct db_walk_row last[2];	/* the rows read last, newest first */
	struct db_walk_row doubtful[2]; /* after DB_WALK_HOLE */
};

/* columns: names for a SELECT, copied; "" reads nothing. from and key.column must outlive the walk. Returns 0 or
 * -ENOMEM; db_walk_fini() is due either way. */
int db_walk_init(struct db_walk *w, sqlite3 *from, const char *table, const char *columns, struct db_walk_key key);

void db_walk_fini(struct db_walk *w);

/* Begin again at the newest row. */
void db_walk_rewind(struct db_walk *w);

/* Read on. now_s: Unix time; when the newest row is unreadable the search begins a day after it. */
enum db_walk_found db_walk_next(struct db_walk *w, int64_t now_s);

#endif
