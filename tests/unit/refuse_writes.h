/* SPDX-License-Identifier: MIT */
/* refuse_writes.h - let every write of SQLite in this process fail with a result code, as a disk would: a function of
 * its file layer is replaced. The -shm file is memory and does not pass here. Install before a database is opened. */
#ifndef TALLY_REFUSE_WRITES_H
#define TALLY_REFUSE_WRITES_H

#include <sqlite3.h>

enum { REFUSE_KINDS = 4 };

static struct {
	int with; /* the result code, 0: writes pass */
	int (*open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
	/* each kind of file has functions of its own; the copies differ from them in one */
	const sqlite3_io_methods *of[REFUSE_KINDS];
	sqlite3_io_methods copies[REFUSE_KINDS];
} refuse;

static int refuse_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	if (refuse.with)
		return refuse.with;
	return refuse.of[file->pMethods - refuse.copies]->xWrite(file, from, n, at);
}

static int refuse_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	int r = refuse.open(vfs, name, file, flags, out);

	for (int i = 0; r == SQLITE_OK && file->pMethods && i < REFUSE_KINDS; i++) {
		if (refuse.of[i] && refuse.of[i] != file->pMethods)
			continue;
		refuse.of[i] = file->pMethods;
		refuse.copies[i] = *file->pMethods;
		refuse.copies[i].xWrite = refuse_write;
		file->pMethods = &refuse.copies[i];
		break;
	}
	return r;
}

static inline void refuse_install(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	if (refuse.open)
		return;
	refuse.open = vfs->xOpen;
	vfs->xOpen = refuse_open;
}

#endif
