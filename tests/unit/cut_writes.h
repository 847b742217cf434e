/* SPDX-License-Identifier: MIT */
/* cut_writes.h - end this process, or fill its disk, at the n-th call that changes a file, from any library: the calls
 * of libc are replaced for the whole program, and SQLite finds these. For one file of tests, in processes of its own.
 */
#ifndef TALLY_CUT_WRITES_H
#define TALLY_CUT_WRITES_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { CUT_KILLED = 77 };

static struct {
	long left;    /* calls until it happens, 0: it does not */
	bool is_full; /* the disk is full from then on; else the process ends as by a kill */
	long *count;  /* if not NULL, counts the calls */
} cut;

/* Returns whether this call fails for lack of room. */
static bool cut_here(void)
{
	if (cut.count != NULL)
		++*cut.count;
	if (cut.left == 0)
		return false;
	if (cut.left > 1) {
		cut.left--;
		return false;
	}
	if (!cut.is_full)
		_exit(CUT_KILLED);
	errno = ENOSPC;
	return true;
}

/* A name for people, a name for the linker. */
#define CUT_CALL(type, name, symbol, ...) type cut_##name(__VA_ARGS__) __asm__(symbol)

CUT_CALL(ssize_t, pwrite, "pwrite", int fd, const void *data, size_t n, off_t at);
CUT_CALL(ssize_t, pwrite64, "pwrite64", int fd, const void *data, size_t n, off_t at);
CUT_CALL(ssize_t, write, "write", int fd, const void *data, size_t n);
CUT_CALL(int, ftruncate, "ftruncate", int fd, off_t n);
CUT_CALL(int, ftruncate64, "ftruncate64", int fd, off_t n);
CUT_CALL(int, fsync, "fsync", int fd);
CUT_CALL(int, fdatasync, "fdatasync", int fd);
CUT_CALL(int, unlink, "unlink", const char *path);
CUT_CALL(int, unlinkat, "unlinkat", int at, const char *path, int flags);
CUT_CALL(int, rename, "rename", const char *from, const char *to);
CUT_CALL(int, renameat, "renameat", int from_at, const char *from, int to_at, const char *to);
CUT_CALL(int, open, "open", const char *path, int flags, ...);
CUT_CALL(int, open64, "open64", const char *path, int flags, ...);
CUT_CALL(int, openat, "openat", int at, const char *path, int flags, ...);
CUT_CALL(int, openat64, "openat64", int at, const char *path, int flags, ...);

ssize_t cut_pwrite(int fd, const void *data, size_t n, off_t at)
{
	return cut_here() ? -1 : syscall(SYS_pwrite64, fd, data, n, at);
}

ssize_t cut_pwrite64(int fd, const void *data, size_t n, off_t at)
{
	return cut_pwrite(fd, data, n, at);
}

ssize_t cut_write(int fd, const void *data, size_t n)
{
	return cut_here() ? -1 : syscall(SYS_write, fd, data, n);
}

/* A call that makes no file longer needs no room. */
int cut_ftruncate(int fd, off_t n)
{
	(void)cut_here();
	return (int)syscall(SYS_ftruncate, fd, n);
}

int cut_ftruncate64(int fd, off_t n)
{
	return cut_ftruncate(fd, n);
}

int cut_fsync(int fd)
{
	(void)cut_here();
	return (int)syscall(SYS_fsync, fd);
}

int cut_fdatasync(int fd)
{
	(void)cut_here();
	return (int)syscall(SYS_fdatasync, fd);
}

int cut_unlink(const char *path)
{
	(void)cut_here();
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int cut_unlinkat(int at, const char *path, int flags)
{
	(void)cut_here();
	return (int)syscall(SYS_unlinkat, at, path, flags);
}

int cut_rename(const char *from, const char *to)
{
	(void)cut_here();
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int cut_renameat(int from_at, const char *from, int to_at, const char *to)
{
	(void)cut_here();
	return (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
}

static int cut_open_any(int at, const char *path, int flags, va_list *more)
{
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(*more, mode_t) : 0;

	if (flags & O_CREAT && cut_here() && access(path, F_OK) != 0)
		return -1;
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

#define CUT_OPEN(at, path, flags)                                                                                      \
	va_list more;                                                                                                  \
	int fd;                                                                                                        \
                                                                                                                       \
	va_start(more, flags);                                                                                         \
	fd = cut_open_any(at, path, flags, &more);                                                                     \
	va_end(more);                                                                                                  \
	return fd

int cut_open(const char *path, int flags, ...)
{
	CUT_OPEN(AT_FDCWD, path, flags);
}

int cut_open64(const char *path, int flags, ...)
{
	CUT_OPEN(AT_FDCWD, path, flags);
}

int cut_openat(int at, const char *path, int flags, ...)
{
	CUT_OPEN(at, path, flags);
}

int cut_openat64(int at, const char *path, int flags, ...)
{
	CUT_OPEN(at, path, flags);
}

#endif
