/* SPDX-License-Identifier: MIT */
/* db_place.h - are the files at PATH, PATH-wal and PATH-shm the ones that are open, with what we have written, and who
 * has locked them?
 *
 * A database that is moved, removed or replaced while it is open goes on being written, and nobody will ever see that.
 * So the open files are compared with what is at their paths, and their content with ours (db_written.h). A descriptor
 * of the database and one of the -shm file are kept for these questions: closing any descriptor of a file releases the
 * locks that SQLite has on it in this process, so they are opened before SQLite uses the file or while it does, and
 * closed after it has closed it.
 *
 * The descriptor of the database also carries two signs for readers (dbformat.h): locks on bytes that SQLite does not
 * use, which end with the process. They are no claim: each user who may read the database can lock these bytes too.
 *
 * No SQLite. The thread that owns the database. */
#ifndef TALLY_DB_PLACE_H
#define TALLY_DB_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "db_written.h"

/* Only db_place.c looks into it. DB_PLACE_NONE: nothing is open. */
struct db_place {
	int fd, shm_fd;
	dev_t wal_dev, shm_dev;
	ino_t wal_ino, shm_ino; /* 0: there was none */
	struct db_written written;
};

#define DB_PLACE_NONE ((struct db_place){.fd = -1, .shm_fd = -1})

/* Open the files at path that are there. 0 or -errno: the database cannot be opened for writing. */
int db_place_open(struct db_place *p, const char *path);

/* SQLite has opened the database and all its files are there: these are the ones to compare with later. */
void db_place_note(struct db_place *p, const char *path);

/* A commit has ended, or a checkpoint of ours: what the file has now is ours. */
void db_place_note_commit(struct db_place *p, const char *path);
void db_place_note_checkpoint(struct db_place *p, const char *path);

/* After SQLite has closed the file. */
void db_place_close(struct db_place *p);

enum db_place_found {
	DB_PLACE_SAME,
	DB_PLACE_OVERWRITTEN, /* these are the files, but another program has written into the database */
	DB_PLACE_AWAY,	      /* another file is at a path, or none; the open database still has a name somewhere */
	DB_PLACE_GONE, /* as above, and the open database has no name any more: what is written into it is lost */
};

/* Compare. Where it is not the same, what says what has happened; cut at n bytes. */
enum db_place_found db_place_look(struct db_place *p, const char *path, char *what, size_t n);

/* Has some program, other than SQLite in this process, the file at path open for writing? A copy that is not complete
 * yet looks damaged. SQLite may not have it open here. False also where that cannot be known. */
bool db_place_is_being_written(const char *path);

/* Set or take away a sign: DBFORMAT_RUNNING_BYTE or DBFORMAT_STOPPED_BYTE. */
void db_place_sign(const struct db_place *p, long long byte, bool on);

/* Which processes keep SQLite from writing, or read and so keep the -wal file long: "process 12 (python3), 13", "" when
 * none is known; cut at n bytes. The name of a process is left out where we may not see it. */
void db_place_name_lockers(const struct db_place *p, char *text, size_t n);
void db_place_name_readers(const struct db_place *p, char *text, size_t n);

#endif
