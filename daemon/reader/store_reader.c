/* SPDX-License-Identifier: MIT */
#include "store_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db_claim.h"
#include "db_migrate.h"
#include "dbformat.h"
#include "store_private.h"

enum { READER_BUSY_MS = 5000 };

struct store_reader {
	sqlite3 *db;
	sqlite3_stmt *stmt;
	char *path;
	bool has_writer;
	char error[256];
};

static int fail(struct store_reader *r)
{
	snprintf(r->error, sizeof(r->error), "%s: %s", r->path, r->db != NULL ? sqlite3_errmsg(r->db) : "no memory");
	return -EIO;
}

static int64_t number(struct store_reader *r, const char *sql)
{
	int64_t value = -1;

	if (store_reader_ask(r, sql) == 0 && store_reader_next(r) == 1)
		value = store_reader_whole(r, 0);
	sqlite3_finalize(r->stmt);
	r->stmt = NULL;
	return value;
}

/* Whether the file is ours, and of the schema that this program's statements are made for. */
static int check(struct store_reader *r, struct err *e)
{
	int64_t id = number(r, "PRAGMA application_id"), version = number(r, "PRAGMA user_version");
	int known = db_schema_version();

	if (id < 0 || version < 0) {
		err_add(e, r->path, 0, "can not be read: %s", sqlite3_errmsg(r->db));
		return -EIO;
	}
	if (id != DBFORMAT_APPLICATION_ID) {
		err_add(e, r->path, 0, "is not a database of tallyd");
		return -EINVAL;
	}
	if (version > known)
		err_add(e, r->path, 0, "has schema %lld, this program knows %d at most: a newer tally is needed",
			(long long)version, known);
	else if (version < known)
		err_add(e, r->path, 0,
			"has schema %lld, this program needs %d: tallyd brings it up to date when it starts",
			(long long)version, known);
	return version == known ? 0 : -EINVAL;
}

static int open_file(struct store_reader *r, struct err *e)
{
	struct stat st;

	if (stat(r->path, &st) != 0) {
		err_add(e, r->path, 0, "%s%s", strerror(errno),
			errno == ENOENT	  ? "; tallyd makes it when it starts"
			: errno == EACCES ? "; members of group tallyd may read it"
					  : "");
		return -errno;
	}
	r->has_writer = db_is_claimed(r->path);
	if (sqlite3_open_v2(r->path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		int error = r->db != NULL ? sqlite3_system_errno(r->db) : ENOMEM;

		err_add(e, r->path, 0, "can not be opened: %s%s", error != 0 ? strerror(error) : sqlite3_errmsg(r->db),
			error == EACCES ? "; members of group tallyd may read it" : "");
		return -EIO;
	}
	sqlite3_busy_timeout(r->db, READER_BUSY_MS);
	return check(r, e);
}

struct store_reader *store_reader_open(const char *path, struct err *e)
{
	struct store_reader *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->path = strdup(path);
	if (r == NULL || r->path == NULL) {
		err_add(e, NULL, 0, "out of memory");
		free(r);
		return NULL;
	}
	if (open_file(r, e) != 0) {
		store_reader_close(r);
		return NULL;
	}
	return r;
}

void store_reader_close(struct store_reader *r)
{
	if (r == NULL)
		return;
	sqlite3_finalize(r->stmt);
	sqlite3_close(r->db);
	free(r->path);
	free(r);
}

bool store_reader_has_writer(const struct store_reader *r)
{
	return r->has_writer;
}

/* Commits go to the log beside the file; only when that is taken over the file itself changes. */
int64_t store_reader_age_s(const struct store_reader *r, int64_t now_s)
{
	char log[4096];
	struct stat st;
	int64_t written_s;

	if (stat(r->path, &st) != 0)
		return -errno;
	written_s = st.st_mtime;
	if ((size_t)snprintf(log, sizeof(log), "%s-wal", r->path) < sizeof(log) && stat(log, &st) == 0 &&
	    st.st_mtime > written_s)
		written_s = st.st_mtime;
	return written_s < now_s ? now_s - written_s : 0;
}

int store_reader_ask(struct store_reader *r, const char *sql)
{
	sqlite3_finalize(r->stmt);
	r->stmt = NULL;
	return sqlite3_prepare_v2(r->db, sql, -1, &r->stmt, NULL) == SQLITE_OK ? 0 : fail(r);
}

void store_reader_bind_text(struct store_reader *r, int i, const char *text)
{
	sqlite3_bind_text(r->stmt, i, text, -1, SQLITE_STATIC);
}

void store_reader_bind_whole(struct store_reader *r, int i, int64_t value)
{
	sqlite3_bind_int64(r->stmt, i, value);
}

int store_reader_next(struct store_reader *r)
{
	switch (sqlite3_step(r->stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return fail(r);
	}
}

int store_reader_n_columns(const struct store_reader *r)
{
	return sqlite3_column_count(r->stmt);
}

const char *store_reader_column(const struct store_reader *r, int i)
{
	return sqlite3_column_name(r->stmt, i);
}

enum store_type store_reader_type(const struct store_reader *r, int i)
{
	switch (sqlite3_column_type(r->stmt, i)) {
	case SQLITE_NULL:
		return STORE_NULL;
	case SQLITE_INTEGER:
		return STORE_WHOLE;
	case SQLITE_FLOAT:
		return STORE_REAL;
	default:
		return STORE_TEXT;
	}
}

const char *store_reader_text(const struct store_reader *r, int i)
{
	const unsigned char *text = sqlite3_column_text(r->stmt, i);

	return text != NULL ? (const char *)text : "";
}

int64_t store_reader_whole(const struct store_reader *r, int i)
{
	return sqlite3_column_int64(r->stmt, i);
}

double store_reader_real(const struct store_reader *r, int i)
{
	return sqlite3_column_double(r->stmt, i);
}

const char *store_reader_error(const struct store_reader *r)
{
	return r->error;
}
