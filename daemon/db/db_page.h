/* SPDX-License-Identifier: MIT */
/* db_page.h - one page of a tree of a database file, and the rows on it, read without SQLite and without trust.
 * Pure: no I/O, nothing allocated, any thread. Source: https://www.sqlite.org/fileformat.html, "B-tree Pages" and
 * "Record Format".
 *
 * A page is sound or it is not. It is sound when all of its cells lie in it and do not overlap, and the keys of a table
 * rise. A page of which a sector was lost or replaced has cells that break one of these rules, and then no row of it is
 * believed: a row beside a broken one may have a whole key and other values. */
#ifndef TALLY_DB_PAGE_H
#define TALLY_DB_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DB_PAGE_MIN_BYTES = 512,
	DB_PAGE_MAX_BYTES = 65536,
	DB_PAGE_VALUES_MAX = 128, /* columns of a row; more than any table of ours has */
};

enum db_page_kind {
	DB_PAGE_INDEX_INNER = 2,
	DB_PAGE_TABLE_INNER = 5,
	DB_PAGE_INDEX_LEAF = 10, /* of an index, or of a table WITHOUT ROWID */
	DB_PAGE_TABLE_LEAF = 13,
};

/* Others read; only db_page.c writes. */
struct db_page {
	const unsigned char *bytes; /* the caller's */
	uint32_t n_bytes;
	uint32_t header; /* where it begins: 100 on the first page, else 0 */
	enum db_page_kind kind;
	unsigned n_cells;
	uint32_t right; /* of an inner page: the child behind all cells */
};

struct db_page_cell {
	uint32_t child;		      /* of an inner page */
	int64_t rowid;		      /* of a table; on an inner page the greatest one of child */
	uint64_t n_payload;	      /* bytes of the row, 0 on an inner page of a table */
	const unsigned char *payload; /* those that are on the page, n_local */
	uint32_t n_local;
	uint32_t overflow; /* the page that the rest begins on, 0 = there is none */
	uint32_t begin, n; /* its bytes on the page */
};

enum db_page_type { DB_PAGE_NULL, DB_PAGE_WHOLE, DB_PAGE_REAL, DB_PAGE_TEXT, DB_PAGE_BLOB };

struct db_page_value {
	enum db_page_type type;
	int64_t whole;
	double real;
	const unsigned char *bytes; /* in the row */
	size_t n;
};

/* Is this a sound page of a tree? bytes has n_bytes, a power of 2 from DB_PAGE_MIN_BYTES to DB_PAGE_MAX_BYTES, and must
 * outlive p. Returns NULL, or what is wrong, as a part of a sentence. */
const char *db_page_open(struct db_page *p, const unsigned char *bytes, uint32_t n_bytes, bool is_first);

/* Its cell number i, below n_cells. */
struct db_page_cell db_page_cell(const struct db_page *p, unsigned i);

/* The values of a row, at most DB_PAGE_VALUES_MAX. Returns their number, or -1: these bytes are no row. */
int db_page_row(const unsigned char *row, size_t n, struct db_page_value *values);

#endif
