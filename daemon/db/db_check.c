/* SPDX-License-Identifier: MIT */
#include "db_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mono.h"

enum {
	CHECK_WHOLE_BYTES = 256 << 20, /* a larger file is not checked wholly at the start */
	CHECK_S = 10,		       /* but for this long */
};

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

/* SQLite's own check of everything. */
static bool check_whole(struct db *db, char *finding, size_t n)
{
	sqlite3_stmt *check = NULL;
	bool sound = false;
	int code = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &check, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(check);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(check, 0);

		sound = text && strcmp(text, "ok") == 0;
		snprintf(finding, n, "%.*s", (int)strcspn(text ? text : "", "\n"), text ? text : "");
	} else if (db_is_damage(code)) {
		snprintf(finding, n, "%s", sqlite3_errmsg(db->handle));
	} else {
		sound = true;
	}
	sqlite3_finalize(check);
	return sound;
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
	for (unsigned i = 0; code == SQLITE_ROW && (i % 1024 != 0 || mono_us() < until_us); i++)
		code = sqlite3_step(get);
	if (db_is_damage(code))
		snprintf(finding, n, "table %s: %s", table, sqlite3_errmsg(db->handle));
	sqlite3_finalize(get);
	return !db_is_damage(code);
}

/* As far as the time reaches: small tables first, of the big ones the newest rows. */
static bool check_newest(struct db *db, char *finding, size_t n)
{
	int64_t until_us = mono_us() + CHECK_S * INT64_C(1000000);
	char tables[DB_TABLES_MAX][DB_TABLE_NAME_MAX + 1];
	size_t n_tables = db_list_tables(db->handle, tables);
	bool sound = true;

	for (size_t i = 0; i < n_tables && sound; i++) {
		int64_t now_us = mono_us(), share_us = (until_us - now_us) / (int64_t)(n_tables - i);

		sound = check_table(db, tables[i], now_us + share_us, finding, n);
	}
	return sound;
}

bool db_check(struct db *db, char *finding, size_t n)
{
	int64_t bytes = db_number(db, "PRAGMA page_count", 0) * db_number(db, "PRAGMA page_size", 0);

	return bytes <= CHECK_WHOLE_BYTES ? check_whole(db, finding, n) : check_newest(db, finding, n);
}

/* The log of the last commits begins with one of two numbers. */
bool db_is_wal_readable(const char *path)
{
	char wal[4096];
	unsigned char head[4];
	bool readable = true;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	int fd = open(wal, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	ssize_t got = read(fd, head, sizeof(head));

	if (got > 0)
		readable = got == sizeof(head) && head[0] == 0x37 && head[1] == 0x7f && head[2] == 0x06 &&
			   (head[3] & 0xfe) == 0x82;
	close(fd);
	return readable;
}
