/* SPDX-License-Identifier: MIT */
/* db_onefile.h - let SQLite write a database into a file that is open already.
 * SQLite opens files by their names, and more than once. Where somebody else may change what a name leads to, a copy is
 * written through a VFS that has one file, the descriptor, and no other: no journal, no -wal file, no locks.
 * Any thread; a struct belongs to one. */
#ifndef TALLY_DB_ONEFILE_H
#define TALLY_DB_ONEFILE_H

#include <sqlite3.h>

/* Only db_onefile.c looks into it. It must stay where it is while it is in use. */
struct db_onefile {
	sqlite3_vfs vfs;
	char name[40];
	int fd;
};

/* fd is open for reading and writing and stays the caller's. Returns a result code of SQLite. */
int db_onefile_init(struct db_onefile *o, int fd);

/* Open a connection to the file. Everything is written without a journal: a transaction that is cut short leaves
 * something that is no database. Returns a result code of SQLite; *db is the caller's to close in any case, before
 * db_onefile_fini(). */
int db_onefile_open(struct db_onefile *o, sqlite3 **db);

void db_onefile_fini(struct db_onefile *o);

#endif
