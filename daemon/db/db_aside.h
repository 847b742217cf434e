/* SPDX-License-Identifier: MIT */
/* db_aside.h - the files that are kept beside the database: damaged ones, and copies from before a change of the
 * schema. No SQLite, and the file may not be open in it. Any thread; logs what it removes. */
#ifndef TALLY_DB_ASIDE_H
#define TALLY_DB_ASIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum { DB_COPIES_KEPT = 2 }; /* of each kind */

/* Rename a damaged file with its -wal and -shm files to PATH.damaged-TIME (UTC, YYYYMMDDTHHMMSSZ), and remove older
 * ones beyond DB_COPIES_KEPT. wal_only: rename those two alone. Returns the new name of the file itself, owned by the
 * caller, or NULL with an error added. */
char *db_aside_damaged(const char *path, bool wal_only, struct err *e);

/* Of the files PATH.KIND... keep only the newest, by name: names end in a time or a version. kind ends in "-". */
void db_aside_prune(const char *path, const char *kind, size_t keep);

#endif
