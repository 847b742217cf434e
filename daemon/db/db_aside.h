/* SPDX-License-Identifier: MIT */
/* db_aside.h - the files that are kept beside the database: damaged ones, and copies from before a change of the
 * schema. No SQLite, and the file may not be open in it. Any thread; logs what it removes. */
#ifndef TALLY_DB_ASIDE_H
#define TALLY_DB_ASIDE_H

#include <stddef.h>

enum { DB_COPIES_KEPT = 2 }; /* of each kind */

/* Of the files PATH.KIND... keep only the newest, by name, and needed, which may be NULL: names end in a time or a
 * version. kind ends in "-". */
void db_aside_prune(const char *path, const char *kind, size_t keep, const char *needed);

#endif
