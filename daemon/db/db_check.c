/* SPDX-License-Identifier: MIT */
#include "db_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mono.h"

bool db_is_damage(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return true;
	default:
		return code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS;
	}
}

bool db_was_database(const char *path, const struct stat *st)
{
	char wal[4096];
	struct stat wal_st;

	/* the daemon leaves this file beside the database when it ends */
	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (stat(wal, &wal_st) == 0)
		return true;
	return st->st_size >= 2 * DB_PAGE_BYTES && st->st_size % DB_PAGE_BYTES == 0;
}

bool db_is_wal_readable(const char *path)
{
	char wal[4096];
	unsigned char magic[4];
	ssize_t got;
	int fd;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	fd = open(wal, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	got = read(fd, magic, sizeof(magic));
	close(fd);
	if (got <= 0)
		return true;
	/* https://www.sqlite.org/fileformat.html#the_write_ahead_log: 0x377f0682 or 0x377f0683 */
	return got == sizeof(magic) && magic[0] == 0x37 && magic[1] == 0x7f && magic[2] == 0x06 &&
	       (magic[3] & 0xfe) == 0x82;
}

/* The line of a check that says something: "*** in database main ***" is a heading. */
static const char *skip_heading(const char *text)
{
	const char *end = strchr(text, '\n');

	return strncmp(text, "***", 3) == 0 && end != NULL ? end + 1 : text;
}

/* The check of SQLite 3.40 says this of a page that it cannot read for lack of memory (SQLITE_NOMEM is 7). */
static const char out_of_memory[] = "error code=7";

/* SQLite's own check of everything. */
static bool check_whole(struct db *db, char *finding, size_t n)
{
	sqlite3_stmt *check = NULL;
	bool is_sound = true;
	int code = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &check, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(check);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(check, 0);

		/* out of memory, which says nothing about the file */
		if (text == NULL || strstr(text, out_of_memory) != NULL)
			text = "ok";
		text = skip_heading(text);
		is_sound = strcmp(text, "ok") == 0;
		snprintf(finding, n, "%.*s", (int)strcspn(text, "\n"), text);
	} else if (db_is_damage(code)) {
		is_sound = false;
		snprintf(finding, n, "%s", sqlite3_errmsg(db->handle));
	}
	sqlite3_finalize(check);
	return is_sound;
}

/* Read one table from its newest rows backwards, until the time is up. */
static bool check_table(struct db *db, const char *table, int64_t until_us, char *finding, size_t n)
{
	sqlite3_stmt *get = NULL;
	char order[200], sql[300];
	int code;

	db_key_order(db->handle, table, " DESC", order, sizeof(order));
	snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\" ORDER BY %s", table, order);
	code = sqlite3_prepare_v2(db->handle, sql, -1, &get, NULL);
	if (code == SQLITE_OK)
		code = SQLITE_ROW;
	/* the clock is read now and then only */
	for (unsigned i = 0; code == SQLITE_ROW && (i % 1024 != 0 || mono_us() < until_us); i++)
		code = sqlite3_step(get);
	if (db_is_damage(code))
		snprintf(finding, n, "table %s: %s", table, sqlite3_errmsg(db->handle));
	sqlite3_finalize(get);
	return !db_is_damage(code);
}

/* Each table has an equal share of the time that those before it have left, so what small ones do not need goes to the
 * big ones, which come last. */
static bool check_newest(struct db *db, int64_t time_us, char *finding, size_t n)
{
	int64_t until_us = mono_us() + time_us;
	char tables[DB_TABLES_MAX][DB_TABLE_NAME_MAX + 1];
	size_t n_tables = db_list_tables(db->handle, tables);

	for (size_t i = 0; i < n_tables; i++) {
		int64_t now_us = mono_us(), share_us = (until_us - now_us) / (int64_t)(n_tables - i);

		if (!check_table(db, tables[i], now_us + share_us, finding, n))
			return false;
	}
	return true;
}

bool db_check(struct db *db, int64_t whole_bytes, int64_t time_us, char *finding, size_t n)
{
	int64_t bytes = db_number(db, "PRAGMA page_count", 0) * db_number(db, "PRAGMA page_size", 0);

	return bytes <= whole_bytes ? check_whole(db, finding, n) : check_newest(db, time_us, finding, n);
}
