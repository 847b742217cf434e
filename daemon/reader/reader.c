/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbformat.h"

enum { BUSY_TIMEOUT_MS = 5000 };

struct reader {
	sqlite3 *db;
	sqlite3_stmt *stmt; /* NULL: none was begun, or the last one could not be */
	char *path;
	bool has_writer, is_stopped;
	char error[256];
};

static int keep_error(struct reader *r)
{
	snprintf(r->error, sizeof(r->error), "%s: %s", r->path, sqlite3_errmsg(r->db));
	return -EIO;
}

/* Does a process hold this lock of the daemon's (dbformat.h)? Not once SQLite has the file open in this process: its
 * own locks would go with the descriptor that is closed here. */
static bool is_locked(const char *path, int64_t byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_locked = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return is_locked;
}

/* The value of a pragma, -1 when it cannot be read. */
static int64_t read_pragma(struct reader *r, const char *sql)
{
	int64_t value = -1;

	if (reader_ask(r, sql) == 0 && reader_next(r) == READER_ROW)
		value = reader_whole(r, 0);
	sqlite3_finalize(r->stmt);
	r->stmt = NULL;
	return value;
}

static int open_file(struct reader *r, struct err *e)
{
	static const char ask_group[] = "; members of group tallyd may read it";
	int64_t application_id, version;
	struct stat st;
	int error;

	if (stat(r->path, &st) != 0) {
		error = errno;
		err_add(e, r->path, 0, "%s%s", strerror(error),
			error == ENOENT	  ? "; tallyd creates it when it starts"
			: error == EACCES ? ask_group
					  : "");
		return -error;
	}
	r->has_writer = is_locked(r->path, DBFORMAT_RUNNING_BYTE);
	r->is_stopped = r->has_writer && is_locked(r->path, DBFORMAT_STOPPED_BYTE);
	if (sqlite3_open_v2(r->path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		error = r->db != NULL ? sqlite3_system_errno(r->db) : ENOMEM;
		err_add(e, r->path, 0, "cannot be opened: %s%s", error != 0 ? strerror(error) : sqlite3_errmsg(r->db),
			error == EACCES ? ask_group : "");
		return -EIO;
	}
	sqlite3_busy_timeout(r->db, BUSY_TIMEOUT_MS);
	application_id = read_pragma(r, "PRAGMA application_id");
	version = read_pragma(r, "PRAGMA user_version");
	if (application_id < 0 || version < 0) {
		err_add(e, r->path, 0, "cannot be read: %s", sqlite3_errmsg(r->db));
		return -EIO;
	}
	if (application_id != DBFORMAT_APPLICATION_ID) {
		err_add(e, r->path, 0, "is not a database of tallyd");
		return -EINVAL;
	}
	if (version < DBFORMAT_OLDEST_READABLE) {
		err_add(e, r->path, 0,
			"has schema %lld, and this program needs %d or newer; start the tallyd of this version, which "
			"updates it",
			(long long)version, DBFORMAT_OLDEST_READABLE);
		return -EINVAL;
	}
	return 0;
}

struct reader *reader_open(const char *path, struct err *e)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->path = strdup(path);
	if (r == NULL || r->path == NULL) {
		err_out_of_memory(e);
		free(r);
		return NULL;
	}
	if (open_file(r, e) != 0) {
		reader_close(r);
		return NULL;
	}
	return r;
}

void reader_close(struct reader *r)
{
	if (r == NULL)
		return;
	sqlite3_finalize(r->stmt);
	sqlite3_close(r->db);
	free(r->path);
	free(r);
}

bool reader_has_writer(const struct reader *r)
{
	return r->has_writer;
}

bool reader_is_stopped(const struct reader *r)
{
	return r->is_stopped;
}

/* Commits go to the -wal file; the database itself changes only when that is copied into it. */
int64_t reader_written_s(const struct reader *r)
{
	char wal[4096];
	struct stat st;
	int64_t written_s;

	if (stat(r->path, &st) != 0)
		return 0;
	written_s = st.st_mtime;
	if ((size_t)snprintf(wal, sizeof(wal), "%s-wal", r->path) < sizeof(wal) && stat(wal, &st) == 0 &&
	    st.st_mtime > written_s)
		written_s = st.st_mtime;
	return written_s;
}

int reader_ask(struct reader *r, const char *sql)
{
	sqlite3_finalize(r->stmt);
	r->stmt = NULL;
	return sqlite3_prepare_v2(r->db, sql, -1, &r->stmt, NULL) == SQLITE_OK ? 0 : keep_error(r);
}

void reader_bind_text(struct reader *r, int i, const char *text)
{
	sqlite3_bind_text(r->stmt, i, text, -1, SQLITE_STATIC);
}

void reader_bind_whole(struct reader *r, int i, int64_t value)
{
	sqlite3_bind_int64(r->stmt, i, value);
}

enum reader_step reader_next(struct reader *r)
{
	if (r->stmt == NULL)
		return READER_FAILED;
	switch (sqlite3_step(r->stmt)) {
	case SQLITE_ROW:
		return READER_ROW;
	case SQLITE_DONE:
		return READER_END;
	default:
		keep_error(r);
		return READER_FAILED;
	}
}

int reader_n_columns(const struct reader *r)
{
	return sqlite3_column_count(r->stmt);
}

const char *reader_column(const struct reader *r, int i)
{
	return sqlite3_column_name(r->stmt, i);
}

enum reader_type reader_type(const struct reader *r, int i)
{
	switch (sqlite3_column_type(r->stmt, i)) {
	case SQLITE_NULL:
		return READER_NULL;
	case SQLITE_INTEGER:
		return READER_WHOLE;
	case SQLITE_FLOAT:
		return READER_REAL;
	default:
		return READER_TEXT;
	}
}

const char *reader_text(const struct reader *r, int i)
{
	const unsigned char *text = sqlite3_column_text(r->stmt, i);

	return text != NULL ? (const char *)text : "";
}

int64_t reader_whole(const struct reader *r, int i)
{
	return sqlite3_column_int64(r->stmt, i);
}

double reader_real(const struct reader *r, int i)
{
	return sqlite3_column_double(r->stmt, i);
}

const char *reader_error(const struct reader *r)
{
	return r->error;
}
