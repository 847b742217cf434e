/* SPDX-License-Identifier: MIT */
/* db_claim.h - one daemon writes a database: a lock that ends with the process. */
#ifndef TALLY_DB_CLAIM_H
#define TALLY_DB_CLAIM_H

#include <stdbool.h>

/* Take the claim: *fd is an open descriptor of the caller's that holds it until it is closed. 0; -EBUSY: another
 * process has it; or -errno, *fd is -1 then. To be called before SQLite opens the file in this process: SQLite's locks
 * go when any descriptor of the file is closed. */
int db_claim(const char *path, int *fd);

/* Whether a running daemon has the claim, as far as the caller may open the file. Not in a process in which SQLite has
 * the file open. */
bool db_is_claimed(const char *path);

#endif
