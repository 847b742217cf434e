/* SPDX-License-Identifier: MIT */
/* refuse_writes.h - let every write of SQLite in this process fail with a result code, as a disk would: a function of
 * its file layer is replaced. The -shm file is memory and is not affected. Install before a database is opened. */
#ifndef TALLY_REFUSE_WRITES_H
#define TALLY_REFUSE_WRITES_H

#include <sqlite3.h>

enum { REFUSE_KINDS = 4 };

static struct {
	int with; /* the result code, 0: writes pass */
	int (*open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
	/* the functions of each kind of file; each copy differs from them in one */
	const sqlite3_io_methods *of[REFUSE_KINDS];
	sqlite3_io_methods copies[REFUSE_KINDS];
} refuse;

static int refuse_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	if (refuse.with != 0)
		return refuse.with;
	return refuse.of[file->pMethods - refuse.copies]->xWrite(file, from, n, at);
}

static int refuse_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	int rc = refuse.open(vfs, name, file, flags, out);

	for (int i = 0; rc == SQLITE_OK && file->pMethods != NULL && i < REFUSE_KINDS; i++) {
		if (refuse.of[i] != NULL && refuse.of[i] != file->pMethods)
			continue;
		refuse.of[i] = file->pMethods;
		refuse.copies[i] = *file->pMethods;
		refuse.copies[i].xWrite = refuse_write;
		file->pMethods = &refuse.copies[i];
		break;
	}
	return rc;
}

static inline void refuse_install(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	if (refuse.open != NULL)
		return;
	refuse.open = vfs->xOpen;
	vfs->xOpen = refuse_open;
}

#endif
