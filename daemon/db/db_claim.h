/* SPDX-License-Identifier: MIT */
/* db_claim.h - one daemon writes a database: a lock on DBFORMAT_CLAIM_BYTE that ends with the process. */
#ifndef TALLY_DB_CLAIM_H
#define TALLY_DB_CLAIM_H

/* Take the claim: *fd is an open descriptor of the caller's that holds it until it is closed. 0; -EBUSY: another
 * process has it; or -errno, *fd is -1 then. To be called before SQLite opens the file in this process: SQLite's locks
 * go when any descriptor of the file is closed. */
int db_claim(const char *path, int *fd);

#endif
