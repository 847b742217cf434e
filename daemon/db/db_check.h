/* SPDX-License-Identifier: MIT */
/* db_check.h - is this file sound? */
#ifndef TALLY_DB_CHECK_H
#define TALLY_DB_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "db.h"

struct stat;

/* Whether a result code of SQLite is that of a damaged file. */
bool db_is_damage(int code);

/* Whether a file that is no database now was one once: by its length, or by the -wal file beside it. */
bool db_was_database(const char *path, const struct stat *st);

/* Whether the -wal file beside the database begins as one does; also when there is none. */
bool db_is_wal_readable(const char *path);

/* Whether the open database is sound: all of it up to 256 MB, of a larger file as much as can be read in 10 s, newest
 * rows first. If not, finding says what was found, cut at n bytes. */
bool db_check(struct db *db, char *finding, size_t n);

#endif
