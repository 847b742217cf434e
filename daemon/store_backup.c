/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* May this file be replaced: is it not there, or an older copy of ours? */
static bool is_replaceable(const char *to)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *get = NULL;
	struct stat st;
	bool ours = false;

	if (lstat(to, &st) != 0)
		return errno == ENOENT;
	if (S_ISREG(st.st_mode) && sqlite3_open_v2(to, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "PRAGMA application_id", -1, &get, NULL) == SQLITE_OK &&
	    sqlite3_step(get) == SQLITE_ROW)
		ours = sqlite3_column_int(get, 0) == STORE_APPLICATION_ID;
	sqlite3_finalize(get);
	sqlite3_close(db);
	return ours;
}

/* Copy all pages. A read transaction is held meanwhile, so that the daemon's commits do not make the copy begin
 * again. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
	int code = sqlite3_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	sqlite3_backup *copy = code == SQLITE_OK ? sqlite3_backup_init(to, "main", from, "main") : NULL;

	if (!copy)
		return code == SQLITE_OK ? sqlite3_errcode(to) : code;
	code = sqlite3_backup_step(copy, -1);
	sqlite3_backup_finish(copy);
	sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* A copy is one file: no log beside it. */
static int settle(sqlite3 *to)
{
	sqlite3_stmt *check = NULL;
	int code = sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(to, "PRAGMA quick_check(1)", -1, &check, NULL);
	if (code == SQLITE_OK && sqlite3_step(check) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
		code = SQLITE_CORRUPT;
	sqlite3_finalize(check);
	return code;
}

/* Make a rename last over a power cut. */
static void sync_folder(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

static int copy_file(const char *path, const char *part, mode_t mode, struct err *e)
{
	sqlite3 *from = NULL, *to = NULL;
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int r = 0;

	if (fd < 0) {
		r = -errno;
		err_add(e, part, 0, "can not be written: %s", strerror(-r));
		return r;
	}
	close(fd);
	if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		r = -EIO;
		err_add(e, from && sqlite3_errcode(from) ? path : part, 0, "can not be opened");
		goto out;
	}
	sqlite3_busy_timeout(from, STORE_OPEN_TIMEOUT_MS);
	int code = copy_pages(from, to);

	if (code == SQLITE_OK)
		code = settle(to);
	if (code != SQLITE_OK) {
		r = store_errno(code);
		err_add(e, path, 0, "can not be copied to %s: %s", part, sqlite3_errstr(code));
	}
out:
	if (sqlite3_close(to) != SQLITE_OK && r == 0)
		r = -EIO;
	sqlite3_close(from);
	return r;
}

int store_backup(const char *path, const char *to, struct err *e)
{
	char *part = NULL;
	struct stat st;
	int r = 0;

	if (stat(path, &st) != 0) {
		r = -errno;
		err_add(e, path, 0, "%s", strerror(-r));
		return r;
	}
	if (!is_replaceable(to)) {
		err_add(e, to, 0, "is there already and no copy of a database of tallyd; name another file");
		return -EEXIST;
	}
	if (asprintf(&part, "%s.part", to) < 0) {
		err_add(e, NULL, 0, "no memory");
		return -ENOMEM;
	}
	r = copy_file(path, part, st.st_mode & 0660, e);
	if (r == 0 && rename(part, to) != 0) {
		r = -errno;
		err_add(e, to, 0, "can not be written: %s", strerror(-r));
	}
	if (r == 0)
		sync_folder(to);
	else
		unlink(part);
	free(part);
	return r;
}
