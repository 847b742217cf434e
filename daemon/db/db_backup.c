/* SPDX-License-Identifier: MIT */
#include "db_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "dbformat.h"

/* Ours, and a copy: a database that a daemon has written is in WAL mode, whatever its name is, and a copy is not. */
static bool is_copy(const char *path)
{
	static const char sql[] = "SELECT application_id, journal_mode FROM pragma_application_id, pragma_journal_mode";
	sqlite3 *db = NULL;
	sqlite3_stmt *get = NULL;
	bool is_copy = false;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &get, NULL) == SQLITE_OK && sqlite3_step(get) == SQLITE_ROW)
		is_copy = sqlite3_column_int(get, 0) == DBFORMAT_APPLICATION_ID &&
			  strcmp((const char *)sqlite3_column_text(get, 1), "wal") != 0;
	sqlite3_finalize(get);
	sqlite3_close(db);
	return is_copy;
}

/* May this file be replaced: is it not there, or an older copy of ours? 0, or -EEXIST with an error added. */
static int check_target(const struct stat *database, const char *to, struct err *e)
{
	struct stat st;

	if (lstat(to, &st) != 0 && errno == ENOENT)
		return 0;
	if (stat(to, &st) == 0 && st.st_ino == database->st_ino && st.st_dev == database->st_dev) {
		err_add(e, to, 0, "is the database itself; name another file for the copy");
		return -EEXIST;
	}
	if (lstat(to, &st) == 0 && S_ISREG(st.st_mode) && is_copy(to))
		return 0;
	err_add(e, to, 0, "already exists and is not a copy of a tallyd database; name another file");
	return -EEXIST;
}

/* Copy all pages. A read transaction is held meanwhile, so that the daemon's commits do not make the copy begin
 * again. Returns a result code of SQLite. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
	int code = sqlite3_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	sqlite3_backup *copy;

	if (code != SQLITE_OK)
		return code;
	copy = sqlite3_backup_init(to, "main", from, "main");
	if (copy == NULL)
		return sqlite3_errcode(to);
	code = sqlite3_backup_step(copy, -1);
	sqlite3_backup_finish(copy);
	sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Make the copy one file, with no -wal beside it, and see that it is sound. Returns a result code of SQLite. */
static int finish_copy(sqlite3 *to)
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
	int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

/* Write the copy as part, a new file of this mode. 0, or -errno with an error added. */
static int write_part(const char *path, const char *part, mode_t mode, struct err *e)
{
	sqlite3 *from = NULL, *to = NULL;
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int rc = 0, code;

	if (fd < 0) {
		rc = -errno;
		err_add(e, part, 0, "cannot be written: %s", strerror(-rc));
		return rc;
	}
	close(fd);
	if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		rc = -EIO;
		err_add(e, path, 0, "cannot be opened");
		goto out;
	}
	if (sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		rc = -EIO;
		err_add(e, part, 0, "cannot be opened");
		goto out;
	}
	sqlite3_busy_timeout(from, DB_OPEN_TIMEOUT_MS);
	code = copy_pages(from, to);
	if (code == SQLITE_OK)
		code = finish_copy(to);
	if (code != SQLITE_OK) {
		rc = db_errno(code);
		err_add(e, path, 0, "cannot be copied to %s: %s", part, sqlite3_errstr(code));
	}
out:
	if (sqlite3_close(to) != SQLITE_OK && rc == 0)
		rc = -EIO;
	sqlite3_close(from);
	return rc;
}

int db_backup(const char *path, const char *to, struct err *e)
{
	char *part = NULL;
	struct stat st;
	int rc;

	if (stat(path, &st) != 0) {
		rc = -errno;
		err_add(e, path, 0, "%s", strerror(-rc));
		return rc;
	}
	rc = check_target(&st, to, e);
	if (rc != 0)
		return rc;
	if (asprintf(&part, "%s.part", to) < 0) {
		err_add(e, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	rc = write_part(path, part, st.st_mode & 0660, e);
	if (rc != 0)
		goto out;
	if (rename(part, to) != 0) {
		rc = -errno;
		err_add(e, to, 0, "cannot be written: %s", strerror(-rc));
		goto out;
	}
	sync_folder(to);
out:
	if (rc != 0)
		unlink(part);
	free(part);
	return rc;
}
