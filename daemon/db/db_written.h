/* SPDX-License-Identifier: MIT */
/* db_written.h - has another program written into the database file while it is open, as cp onto it does?
 *
 * In WAL mode nothing writes into the file but a checkpoint, and the -shm file counts these. So a file whose size or
 * time of change is another than after our last checkpoint, without a checkpoint of anybody since then, was written by
 * something that is not SQLite. Who only changes its times (touch, some backup programs) is no reason for alarm: a few
 * pages are compared, those among them that the last checkpoints have written and that an earlier copy has otherwise.
 *
 * What may go wrong. A copy onto the file and a checkpoint by another program, both between two looks, are taken for
 * the checkpoint: SQLite makes one in each program that commits while the -wal file is long.
 *
 * No SQLite. The thread that owns the database. */
#ifndef TALLY_DB_WRITTEN_H
#define TALLY_DB_WRITTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DB_WRITTEN_PAGES = 8 };

/* Of a -shm file: how far checkpoints have come. */
struct db_written_log {
	uint32_t backfill, attempted, salt[2];
};

/* Only db_written.c writes it. */
struct db_written {
	int64_t size, time_ns;
	uint32_t pages[DB_WRITTEN_PAGES]; /* beside the first: numbers, from 1 on */
	size_t n_pages;
	uint64_t digest; /* of these pages */
	struct db_written_log log;
};

/* All of the file is ours now: it was opened, or we have made a checkpoint.
 * fd, shm_fd  of the database and of its -shm file, open for reading
 * path        of the database */
void db_written_note(struct db_written *w, int fd, int shm_fd, const char *path);

/* We have made a commit, which may have begun the -wal file again. A checkpoint of another program since the last look
 * is noted too. */
void db_written_note_commit(struct db_written *w, int fd, int shm_fd, const char *path);

/* Has something else written into it? A checkpoint of another program, or another time, is noted and is no reason. */
bool db_written_by_other(struct db_written *w, int fd, int shm_fd, const char *path);

#endif
