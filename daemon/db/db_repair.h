/* SPDX-License-Identifier: MIT */
/* db_repair.h - what can be mended in a damaged file before SQLite opens it.
 * Only for a file that was put aside: both functions write into it. No SQLite; any thread. Logs what was done. */
#ifndef TALLY_DB_REPAIR_H
#define TALLY_DB_REPAIR_H

#include <stdbool.h>

/* Cut off a last page that is there only in part: SQLite would read the missing rest as zeros. Returns whether there
 * was one. */
bool db_repair_torn_page(const char *path);

/* Write the header, the first 100 bytes, again when it is lost and the page behind it looks whole. Apart from the
 * length of the file it is the same in every database that we make. Returns whether it was written. */
bool db_repair_header(const char *path);

#endif
