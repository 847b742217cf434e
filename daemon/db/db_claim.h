/* SPDX-License-Identifier: MIT */
/* db_claim.h - one daemon writes a database: a lock that ends with the process.
 * The lock is on a file of its own, PATH.lock, which only its owner can open: a lock on the database itself is open to
 * every user who may read it, and would keep the daemon from it. It is a lock of the open file description
 * (F_OFD_SETLK), which is gone however the process ends. The file stays, so that it shows later that there was a
 * database at PATH. No SQLite; any thread. */
#ifndef TALLY_DB_CLAIM_H
#define TALLY_DB_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

/* Claim the database at path. 0: *fd is an open descriptor, the caller's, that holds the claim until it is closed.
 * -EBUSY: another process has it, *pid or 0 where that is not known. Or another -errno: PATH.lock is not a file that we
 * may write. *fd is -1 then. */
int db_claim(const char *path, int *fd, long *pid);

/* Was the database at path claimed before, now or long ago? */
bool db_claim_exists(const char *path);

/* PATH.lock; cut at n bytes. Returns name. */
const char *db_claim_name(const char *path, char *name, size_t n);

#endif
