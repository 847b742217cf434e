/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mono.h"

bool store_is_damage(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return true;
	default:
		return code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS;
	}
}

bool store_was_database(const char *path, const struct stat *st)
{
	char wal[4096];
	struct stat wal_st;

	/* the daemon leaves this file beside the database when it ends */
	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (stat(wal, &wal_st) == 0)
		return true;
	return st->st_size >= 2 * STORE_PAGE_BYTES && st->st_size % STORE_PAGE_BYTES == 0;
}

/* SQLite's own check of everything. */
static bool check_whole(struct store *s, char *finding, size_t n)
{
	sqlite3_stmt *check = NULL;
	bool sound = false;
	int code = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &check, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(check);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(check, 0);

		sound = text && strcmp(text, "ok") == 0;
		snprintf(finding, n, "%.*s", (int)strcspn(text ? text : "", "\n"), text ? text : "");
	} else if (store_is_damage(code)) {
		snprintf(finding, n, "%s", sqlite3_errmsg(s->db));
	} else {
		sound = true;
	}
	sqlite3_finalize(check);
	return sound;
}

/* Read one table from its newest rows backwards, until the time is up. */
static bool check_table(struct store *s, const char *table, int64_t until_us, char *finding, size_t n)
{
	sqlite3_stmt *get = NULL;
	char order[200], sql[300];
	int code;

	store_key_order(s->db, table, " DESC", order, sizeof(order));
	snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\" ORDER BY %s", table, order);
	code = sqlite3_prepare_v2(s->db, sql, -1, &get, NULL);
	if (code == SQLITE_OK)
		code = SQLITE_ROW;
	for (unsigned i = 0; code == SQLITE_ROW && (i % 1024 != 0 || mono_us() < until_us); i++)
		code = sqlite3_step(get);
	if (store_is_damage(code))
		snprintf(finding, n, "table %s: %s", table, sqlite3_errmsg(s->db));
	sqlite3_finalize(get);
	return !store_is_damage(code);
}

/* As far as the time reaches: small tables first, of the big ones the newest rows. */
static bool check_newest(struct store *s, char *finding, size_t n)
{
	int64_t until_us = mono_us() + STORE_CHECK_S * INT64_C(1000000);
	char tables[STORE_TABLES_MAX][STORE_TABLE_NAME_MAX + 1];
	size_t n_tables = store_tables(s->db, tables);
	bool sound = true;

	for (size_t i = 0; i < n_tables && sound; i++) {
		int64_t now_us = mono_us(), share_us = (until_us - now_us) / (int64_t)(n_tables - i);

		sound = check_table(s, tables[i], now_us + share_us, finding, n);
	}
	return sound;
}

bool store_check(struct store *s, char *finding, size_t n)
{
	int64_t bytes = store_number(s, "PRAGMA page_count", 0) * store_number(s, "PRAGMA page_size", 0);

	return bytes <= STORE_CHECK_WHOLE_BYTES ? check_whole(s, finding, n) : check_newest(s, finding, n);
}

/* The log of the last commits begins with one of two numbers. */
bool store_log_readable(const char *path)
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
