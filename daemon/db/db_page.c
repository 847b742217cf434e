/* SPDX-License-Identifier: MIT */
#include "db_page.h"

#include <string.h>

enum { POINTER_BYTES = 2, LEAF_HEADER_BYTES = 8, INNER_HEADER_BYTES = 12, VARINT_MAX = 9, CELL_MIN_BYTES = 4 };

static uint32_t read_16(const unsigned char *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static uint32_t read_32(const unsigned char *b)
{
	return read_16(b) << 16 | read_16(b + 2);
}

/* A number of 1 to 9 bytes at b, which has n. Returns how many it takes, 0: it does not end within n. */
static size_t read_varint(const unsigned char *b, size_t n, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < n && i < VARINT_MAX; i++) {
		if (i == VARINT_MAX - 1) {
			*value = *value << 8 | b[i];
			return VARINT_MAX;
		}
		*value = *value << 7 | (b[i] & 0x7f);
		if (b[i] < 0x80)
			return i + 1;
	}
	return 0;
}

static bool is_table(enum db_page_kind kind)
{
	return kind == DB_PAGE_TABLE_INNER || kind == DB_PAGE_TABLE_LEAF;
}

static bool is_inner(enum db_page_kind kind)
{
	return kind == DB_PAGE_TABLE_INNER || kind == DB_PAGE_INDEX_INNER;
}

/* How much of a payload is on the page itself. */
static uint32_t local_bytes(const struct db_page *p, uint64_t n_payload)
{
	uint32_t u = p->n_bytes, least = (u - 12) * 32 / 255 - 23,
		 most = p->kind == DB_PAGE_TABLE_LEAF ? u - 35 : (u - 12) * 64 / 255 - 23;
	uint64_t k;

	if (n_payload <= most)
		return (uint32_t)n_payload;
	k = least + (n_payload - least) % (u - 4);
	return (uint32_t)(k <= most ? k : least);
}

/* The cell that begins at this byte. Returns false: it does not end on the page. */
static bool read_cell(const struct db_page *p, uint32_t begin, struct db_page_cell *c)
{
	uint32_t at = begin;
	uint64_t rowid = 0;
	size_t n;

	*c = (struct db_page_cell){.begin = begin};
	if (begin >= p->n_bytes)
		return false;
	if (is_inner(p->kind)) {
		if (at + 4 > p->n_bytes)
			return false;
		c->child = read_32(p->bytes + at);
		at += 4;
	}
	if (p->kind != DB_PAGE_TABLE_INNER) {
		n = read_varint(p->bytes + at, p->n_bytes - at, &c->n_payload);
		at += (uint32_t)n;
		if (n == 0 || c->n_payload == 0 || c->n_payload > INT32_MAX)
			return false;
	}
	if (is_table(p->kind)) {
		n = read_varint(p->bytes + at, p->n_bytes - at, &rowid);
		at += (uint32_t)n;
		if (n == 0)
			return false;
		c->rowid = (int64_t)rowid;
	}
	c->n_local = local_bytes(p, c->n_payload);
	c->payload = p->bytes + at;
	at += c->n_local;
	if (c->n_local < c->n_payload) {
		if (at + 4 > p->n_bytes)
			return false;
		c->overflow = read_32(p->bytes + at);
		at += 4;
	}
	c->n = at - begin < CELL_MIN_BYTES ? CELL_MIN_BYTES : at - begin;
	return begin + c->n <= p->n_bytes;
}

static uint32_t begin_of_cell(const struct db_page *p, unsigned i)
{
	return read_16(p->bytes + p->header + (is_inner(p->kind) ? INNER_HEADER_BYTES : LEAF_HEADER_BYTES) +
		       (size_t)i * POINTER_BYTES);
}

struct db_page_cell db_page_cell(const struct db_page *p, unsigned i)
{
	struct db_page_cell c;

	(void)read_cell(p, begin_of_cell(p, i), &c);
	return c;
}

/* Take these bytes. Returns false when one of them is taken. */
static bool take(unsigned char *taken, uint32_t begin, uint32_t n)
{
	for (uint32_t i = begin; i < begin + n; i++) {
		if (taken[i / 8] & 1U << i % 8)
			return false;
		taken[i / 8] |= (unsigned char)(1U << i % 8);
	}
	return true;
}

static const char *check_cells(const struct db_page *p, uint32_t n_header)
{
	unsigned char taken[DB_PAGE_MAX_BYTES / 8];
	int64_t last = 0;

	memset(taken, 0, p->n_bytes / 8);
	(void)take(taken, 0, n_header);
	for (unsigned i = 0; i < p->n_cells; i++) {
		struct db_page_cell c;

		if (!read_cell(p, begin_of_cell(p, i), &c))
			return "a row does not end on it";
		if (!take(taken, c.begin, c.n))
			return "its rows overlap";
		if (is_table(p->kind) && i > 0 && c.rowid <= last)
			return "its rows are not in their order";
		last = c.rowid;
	}
	return NULL;
}

const char *db_page_open(struct db_page *p, const unsigned char *bytes, uint32_t n_bytes, bool is_first)
{
	uint32_t header = is_first ? 100 : 0, n_header;

	*p = (struct db_page){.bytes = bytes, .n_bytes = n_bytes, .header = header, .kind = bytes[header]};
	switch (bytes[header]) {
	case DB_PAGE_INDEX_INNER:
	case DB_PAGE_TABLE_INNER:
	case DB_PAGE_INDEX_LEAF:
	case DB_PAGE_TABLE_LEAF:
		break;
	case 0:
		return "it is empty";
	default:
		return "it is no page of a tree";
	}
	p->n_cells = read_16(bytes + header + 3);
	n_header = header + (is_inner(p->kind) ? INNER_HEADER_BYTES : LEAF_HEADER_BYTES) + p->n_cells * POINTER_BYTES;
	if (n_header > n_bytes)
		return "it has more rows than fit";
	if (is_inner(p->kind))
		p->right = read_32(bytes + header + 8);
	return check_cells(p, n_header);
}

/* Bytes of a value of this type in the row. */
static uint64_t value_bytes(uint64_t type)
{
	static const unsigned char fixed[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};

	return type < 12 ? fixed[type] : (type - 12) / 2;
}

static struct db_page_value read_value(uint64_t type, const unsigned char *b)
{
	struct db_page_value v = {.type = DB_PAGE_WHOLE};
	uint64_t n = value_bytes(type), bits = 0;

	if (type >= 12)
		return (struct db_page_value){
			.type = type % 2 == 1 ? DB_PAGE_TEXT : DB_PAGE_BLOB, .bytes = b, .n = (size_t)n};
	if (type == 0)
		v.type = DB_PAGE_NULL;
	if (type == 9)
		v.whole = 1;
	if (n == 0)
		return v;
	/* the first byte has the sign */
	if (b[0] & 0x80)
		bits = UINT64_MAX;
	for (uint64_t i = 0; i < n; i++)
		bits = bits << 8 | b[i];
	v.whole = (int64_t)bits;
	if (type == 7) {
		v.type = DB_PAGE_REAL;
		memcpy(&v.real, &bits, sizeof(v.real));
	}
	return v;
}

int db_page_row(const unsigned char *row, size_t n, struct db_page_value *values)
{
	uint64_t n_header, type, n_value;
	size_t at = read_varint(row, n, &n_header), body;
	int n_values = 0;

	if (at == 0 || n_header < at || n_header > n)
		return -1;
	body = (size_t)n_header;
	while (at < n_header) {
		size_t used = read_varint(row + at, (size_t)n_header - at, &type);

		/* 10 and 11 are SQLite's own */
		if (used == 0 || type == 10 || type == 11 || n_values == DB_PAGE_VALUES_MAX)
			return -1;
		n_value = value_bytes(type);
		if (n_value > n - body)
			return -1;
		values[n_values++] = read_value(type, row + body);
		body += (size_t)n_value;
		at += used;
	}
	return body == n ? n_values : -1;
}
