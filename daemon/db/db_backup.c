/* SPDX-License-Identifier: MIT */
#include "db_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "db_onefile.h"
#include "dbformat.h"
#include "newfile.h"

enum { HEADER_BYTES = 100 };

/* Ours, and a copy: a database that a daemon has written is in WAL mode, whatever its name is, and a copy is not. */
static bool is_copy(const struct newfile_place *to)
{
	/* https://www.sqlite.org/fileformat.html#the_database_header */
	static const char magic[16] = "SQLite format 3";
	unsigned char h[HEADER_BYTES] = {0};
	int fd = openat(to->folder_fd, to->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint32_t id;

	if (fd < 0)
		return false;
	if (pread(fd, h, sizeof(h), 0) != sizeof(h))
		h[0] = 0;
	close(fd);
	id = (uint32_t)h[68] << 24 | (uint32_t)h[69] << 16 | (uint32_t)h[70] << 8 | h[71];
	return memcmp(h, magic, sizeof(magic)) == 0 && id == DBFORMAT_APPLICATION_ID && h[18] == 1 && h[19] == 1;
}

/* May what is there be replaced: nothing, or an older copy of ours? 0, or -EEXIST with an error added. */
static int check_target(const struct stat *database, const struct newfile_place *to, const char *name, struct err *e)
{
	struct stat st;

	if (!to->is_there)
		return 0;
	if (fstatat(to->folder_fd, to->name, &st, 0) == 0 && st.st_ino == database->st_ino &&
	    st.st_dev == database->st_dev) {
		err_add(e, name, 0, "is the database itself; name another file for the copy");
		return -EEXIST;
	}
	if (S_ISREG(to->there.st_mode) && is_copy(to))
		return 0;
	err_add(e, name, 0, "already exists and is not a copy of a tallyd database; name another file");
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

/* A database of one file, with no -wal beside it. 0 or -EIO. */
static int leave_wal_mode(int fd)
{
	static const unsigned char rollback[2] = {1, 1};

	return pwrite(fd, rollback, sizeof(rollback), 18) == sizeof(rollback) ? 0 : -EIO;
}

/* Is the copy sound? Returns a result code of SQLite. */
static int check_copy(struct db_onefile *file)
{
	sqlite3 *copy = NULL;
	sqlite3_stmt *check = NULL;
	int code = db_onefile_open(file, &copy);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(copy, "PRAGMA quick_check(1)", -1, &check, NULL);
	if (code == SQLITE_OK && sqlite3_step(check) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(check, 0);

		if (text == NULL || strcmp(text, "ok") != 0)
			code = text == NULL ? SQLITE_NOMEM : SQLITE_CORRUPT;
	}
	sqlite3_finalize(check);
	sqlite3_close(copy);
	return code;
}

/* Returns a result code of SQLite. */
static int copy_into(sqlite3 *from, struct db_onefile *file)
{
	sqlite3 *copy = NULL;
	int code = db_onefile_open(file, &copy);

	if (code == SQLITE_OK)
		code = copy_pages(from, copy);
	if (sqlite3_close(copy) != SQLITE_OK && code == SQLITE_OK)
		code = SQLITE_IOERR;
	return code;
}

/* Write the copy into the open file. 0, or -errno with an error added. */
static int write_copy(const char *path, int fd, const char *to, struct err *e)
{
	struct db_onefile file;
	sqlite3 *from = NULL;
	int code = db_onefile_init(&file, fd), rc = 0;

	if (code != SQLITE_OK)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		rc = -EIO;
		err_add(e, path, 0, "cannot be opened");
		goto out;
	}
	sqlite3_busy_timeout(from, DB_OPEN_TIMEOUT_MS);
	code = copy_into(from, &file);
	if (code == SQLITE_OK && leave_wal_mode(fd) != 0)
		code = SQLITE_IOERR;
	if (code == SQLITE_OK)
		code = check_copy(&file);
	if (code != SQLITE_OK) {
		rc = db_errno(code);
		err_add(e, path, 0, "cannot be copied to %s: %s", to, sqlite3_errstr(code));
	}
out:
	sqlite3_close(from);
	db_onefile_fini(&file);
	return rc;
}

int db_backup_to(const char *path, const struct newfile_place *to, const char *name, struct err *e)
{
	struct newfile file;
	struct stat st;
	int rc;

	if (stat(path, &st) != 0) {
		rc = -errno;
		err_add(e, path, 0, "%s", strerror(-rc));
		return rc;
	}
	rc = check_target(&st, to, name, e);
	if (rc != 0)
		return rc;
	rc = newfile_open(&file, to, name, st.st_mode & 0660, false, e);
	if (rc == 0)
		rc = write_copy(path, file.fd, name, e);
	if (rc == 0)
		rc = newfile_keep(&file, e);
	newfile_drop(&file);
	return rc;
}

int db_backup(const char *path, const char *to, struct err *e)
{
	struct newfile_place place;
	int rc = newfile_find(&place, to, e);

	if (rc == 0)
		rc = db_backup_to(path, &place, to, e);
	newfile_leave(&place);
	return rc;
}
