/* SPDX-License-Identifier: MIT */
/* db_wal.h - keep the -wal file beside the database short: all checkpoints of the daemon.
 * SQLite appends every commit to PATH-wal and copies it into the database now and then, but it can begin the file
 * again only while no reader is in the middle of it. A reader that never ends its transaction (a shell left open, a
 * stopped backup) would so let the file grow until the disk is full. Therefore: from soft_bytes on each commit first
 * tries to shorten the file; while that fails commits should be rare, because rare commits make it grow slowly; from
 * hard_bytes on nothing may be written until the reader has ended. (One commit may carry the file past that length.)
 * The thread that owns the database. Logs that the file is long once, and once that it is short again. */
#ifndef TALLY_DB_WAL_H
#define TALLY_DB_WAL_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

enum {
	DB_WAL_CHECKPOINT_PAGES = 2000, /* after so many pages in the file they are copied into the database */
	DB_WAL_SOFT_BYTES = 64 << 20,
	DB_WAL_HARD_BYTES = 256 << 20,
	DB_WAL_SELDOM_S = 300,	    /* commits are this far apart while the file cannot be shortened, */
	DB_WAL_MEMORY_PERCENT = 25, /* unless what waits for the commit fills this much of its memory */
};

struct db_wal {
	int64_t soft_bytes, hard_bytes, seldom_s;
	bool is_reported; /* that the file is too long */
};

enum db_wal_verdict {
	DB_WAL_WRITE,	 /* commit */
	DB_WAL_LATER,	 /* better not now; db->error says why */
	DB_WAL_MUST_NOT, /* not before a reader has ended; db->error says which process reads */
};

/* The limits above, nothing reported. */
void db_wal_init(struct db_wal *wal);

/* From now on each commit that leaves more than DB_WAL_CHECKPOINT_PAGES in the file makes a checkpoint. db must outlive
 * its handle. */
void db_wal_bound(struct db *db);

/* Copy what can be copied now into the database, as SQLITE_CHECKPOINT_PASSIVE or _TRUNCATE; not into one that another
 * program has overwritten. A result code of SQLite. */
int db_wal_checkpoint(struct db *db, int mode);

/* Other limits, for tests. */
void db_wal_set_limits(struct db_wal *wal, int64_t soft_bytes, int64_t hard_bytes, int64_t seldom_s);

/* May a commit be made now? Shortens the file if it is long. Outside a transaction.
 * memory_percent  how full the memory is in which readings wait for the commit
 * since_commit_s  seconds since the last commit */
enum db_wal_verdict db_wal_check(struct db_wal *wal, struct db *db, unsigned memory_percent, int64_t since_commit_s);

#endif
