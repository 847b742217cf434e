/* SPDX-License-Identifier: MIT */
/* db_claim.h - one daemon writes a database: a lock that ends with the process.
 * It is a lock of the open file description (F_OFD_SETLK) on a byte that SQLite does not use. So it is gone however the
 * process ends, readers and the sqlite3 shell do not notice it, and closing another descriptor of the file does not
 * release it. But closing the descriptor that holds it releases the locks that SQLite has on the file in this process:
 * claim before SQLite opens the file, and let go after SQLite has closed it. No SQLite; any thread. */
#ifndef TALLY_DB_CLAIM_H
#define TALLY_DB_CLAIM_H

/* Claim the file, which must exist. 0: *fd is an open descriptor, the caller's, that holds the claim until it is
 * closed. -EBUSY: another process has it; or another -errno. *fd is -1 then. */
int db_claim(const char *path, int *fd);

#endif
