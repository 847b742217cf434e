/* SPDX-License-Identifier: MIT */
#include "db_onefile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR_BYTES = 512 };

/* A file, as SQLite has it. */
struct file {
	sqlite3_file base;
	int fd;
};

static int fd_of(const sqlite3_file *file)
{
	return ((const struct file *)file)->fd;
}

static int on_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

static int on_read(sqlite3_file *file, void *data, int n, sqlite3_int64 at)
{
	ssize_t got = pread(fd_of(file), data, (size_t)n, at);

	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got == n)
		return SQLITE_OK;
	memset((char *)data + got, 0, (size_t)(n - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
	const char *next = data;

	while (n > 0) {
		ssize_t done = pwrite(fd_of(file), next, (size_t)n, at);

		if (done <= 0)
			return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? SQLITE_FULL : SQLITE_IOERR_WRITE;
		next += done;
		at += done;
		n -= (int)done;
	}
	return SQLITE_OK;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 n)
{
	return ftruncate(fd_of(file), n) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int on_sync(sqlite3_file *file, int flags)
{
	(void)flags;
	return fsync(fd_of(file)) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *n)
{
	struct stat st;

	if (fstat(fd_of(file), &st) != 0)
		return SQLITE_IOERR_FSTAT;
	*n = st.st_size;
	return SQLITE_OK;
}

static int on_lock(sqlite3_file *file, int level)
{
	(void)file, (void)level;
	return SQLITE_OK;
}

static int on_check_lock(sqlite3_file *file, int *is_locked)
{
	(void)file;
	*is_locked = 0;
	return SQLITE_OK;
}

static int on_control(sqlite3_file *file, int op, void *argument)
{
	(void)file, (void)op, (void)argument;
	return SQLITE_NOTFOUND;
}

static int on_sector(sqlite3_file *file)
{
	(void)file;
	return SECTOR_BYTES;
}

static int on_characteristics(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_lock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_characteristics,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	const struct db_onefile *o = vfs->pAppData;
	struct file *f = (struct file *)file;

	(void)name;
	*f = (struct file){.fd = o->fd};
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	f->base.pMethods = &methods;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs, (void)name, (void)sync;
	return SQLITE_OK;
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *is_there)
{
	(void)vfs, (void)name, (void)flags;
	*is_there = 0;
	return SQLITE_OK;
}

static int on_full_path(sqlite3_vfs *vfs, const char *name, int n, char *path)
{
	(void)vfs;
	snprintf(path, (size_t)n, "%s", name);
	return SQLITE_OK;
}

int db_onefile_init(struct db_onefile *o, int fd)
{
	const sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

	if (usual == NULL)
		return SQLITE_ERROR;
	*o = (struct db_onefile){.fd = fd};
	snprintf(o->name, sizeof(o->name), "onefile-%p", (void *)o);
	/* time, sleep and chance are as usual */
	o->vfs = *usual;
	o->vfs.iVersion = 1;
	o->vfs.szOsFile = sizeof(struct file);
	o->vfs.pNext = NULL;
	o->vfs.zName = o->name;
	o->vfs.pAppData = o;
	o->vfs.xOpen = on_open;
	o->vfs.xDelete = on_delete;
	o->vfs.xAccess = on_access;
	o->vfs.xFullPathname = on_full_path;
	return sqlite3_vfs_register(&o->vfs, 0);
}

int db_onefile_open(struct db_onefile *o, sqlite3 **db)
{
	int code = sqlite3_open_v2("copy", db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, o->name);

	if (code != SQLITE_OK)
		return code;
	return sqlite3_exec(*db, "PRAGMA journal_mode = OFF; PRAGMA temp_store = MEMORY; PRAGMA synchronous = OFF",
			    NULL, NULL, NULL);
}

void db_onefile_fini(struct db_onefile *o)
{
	sqlite3_vfs_unregister(&o->vfs);
}
