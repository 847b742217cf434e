/* SPDX-License-Identifier: MIT */
/* db_aside.h - files beside the database: a damaged one put aside, old ones removed. */
#ifndef TALLY_DB_ASIDE_H
#define TALLY_DB_ASIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

enum { DB_COPIES_KEPT = 2 }; /* damaged files, and copies from before a change of the schema: so many of each */

/* Rename a damaged file with its -wal and -shm files (log_only: those two alone) to PATH.damaged-TIME. Returns the new
 * name of the file itself, owned by the caller, or NULL with an error added. */
char *db_aside_damaged(const char *path, bool log_only, struct err *e);

/* Of the files PATH.KIND... keep only the newest. */
void db_aside_prune(const char *path, const char *kind, size_t keep);

#endif
