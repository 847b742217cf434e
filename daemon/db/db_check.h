/* SPDX-License-Identifier: MIT */
/* db_check.h - is this file sound?
 * Reads only. A fault that says nothing about the file (a lock, a lack of memory) is not damage. */
#ifndef TALLY_DB_CHECK_H
#define TALLY_DB_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"

enum {
	DB_CHECK_WHOLE_BYTES = 256 << 20, /* up to this size a start can wait for a check of the whole file */
	DB_CHECK_S = 10,		  /* a larger one is read for this long */
};

struct stat;

/* Does this result code of SQLite, an extended one, say that the file is damaged? */
bool db_is_damage(int code);

/* Was a file that is no database now one once? Its length says so, or a -wal file beside it. st is of path. */
bool db_was_database(const char *path, const struct stat *st);

/* Does the -wal file beside the database begin as one does? true also when there is none or an empty one. */
bool db_is_wal_readable(const char *path);

/* Is the open database sound? A file of up to whole_bytes is checked wholly (PRAGMA quick_check). Of a larger one as
 * much is read as fits into time_us microseconds, split among its tables: the small ones first, of the big ones the
 * newest rows, which are what polling and the account continue from. If not, finding says why, cut at n bytes. */
bool db_check(struct db *db, int64_t whole_bytes, int64_t time_us, char *finding, size_t n);

#endif
