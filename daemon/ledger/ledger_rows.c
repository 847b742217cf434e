/* SPDX-License-Identifier: MIT */
#include "ledger_rows.h"

#include <errno.h>
#include <string.h>

#include "mono.h"

static void next_row(struct db *db, struct ledger_cursor *c)
{
	c->has_row = db_next(db, c->stmt);
	if (!c->has_row)
		return;
	c->id = sqlite3_column_int64(c->stmt, 0);
	c->meter = sqlite3_column_int64(c->stmt, 1);
}

static int open_cursor(const struct ledger_book *b, size_t kind, struct ledger_cursor *c, int64_t meter,
		       int64_t after_s, int64_t before_s)
{
	sqlite3_str *columns = sqlite3_str_new(b->db->handle);
	char *text;

	for (int q = 0; q < Q_COUNT; q++)
		if (b->tables->kind_of[q] == (int)kind)
			sqlite3_str_appendf(columns, ", %s", names_get((enum quantity)q)->name);
	if (b->tables->kinds[kind].parts_column > 0)
		sqlite3_str_appendall(columns, ", parts");
	text = sqlite3_str_finish(columns);
	if (text != NULL)
		c->stmt = db_prepare(
			b->db,
			"SELECT id, meter, delay_ms, quality, %s%s FROM reading_%s WHERE id >= %lld AND id < %lld "
			"AND (meter = %lld OR %lld = 0) ORDER BY id",
			b->tables->kinds[kind].coarse_column > 0 ? "coarse" : "0", text, b->tables->kinds[kind].name,
			(long long)(after_s + 1) << DB_SLOT_BITS, (long long)before_s << DB_SLOT_BITS, (long long)meter,
			(long long)meter);
	sqlite3_free(text);
	if (c->stmt == NULL)
		return -EIO;
	next_row(b->db, c);
	return 0;
}

int ledger_rows_open(struct ledger_rows *r, struct ledger_book *b, const struct ledger_limits *limits,
		     struct ledger_lives *lives, int64_t meter, int64_t after_s)
{
	int64_t before_s = mono_wall_ms() / 1000 + ACCOUNT_BACK_S;
	int rc = 0;

	*r = (struct ledger_rows){.book = b, .limits = limits, .lives = lives};
	for (size_t k = 0; k < b->tables->n_kinds && rc == 0; k++)
		rc = open_cursor(b, k, &r->cursors[k], meter, after_s, before_s);
	return rc;
}

/* True when this value of a suspect row was one for good. *quality: of its reading, if it is suspect. The suspect of a
 * pulse is that of the input that counts it. */
static bool was_behind(const struct ledger_rows *r, int64_t slot_s, int64_t meter, enum quantity q,
		       enum reading_quality *quality)
{
	const struct ledger_book *b = r->book;
	int index = ledger_book_find(b, meter);
	bool behind;

	for (size_t i = 0; i < r->limits->n_inputs && q >= Q_PULSES_1 && q <= Q_PULSES_8; i++) {
		const struct ledger_input *input = &r->limits->inputs[i];

		if ((int)input->concentrator == index && input->pulses == q && slot_s >= input->from_s &&
		    slot_s < input->until_s) {
			meter = b->reg->list[input->meter].id;
			q = input->quantity;
		}
	}
	ledger_lives_is_suspect(r->lives, meter, q, slot_s, &behind, quality);
	return behind;
}

/* Add the values of one row to the reading that it is part of, without those that were behind. */
static void take_row(struct ledger_rows *r, size_t kind, struct reading *out)
{
	struct ledger_cursor *c = &r->cursors[kind];
	int quality = sqlite3_column_int(c->stmt, 3), column = 5;
	/* rows of older schemas do not know: then the bounds of both registers hold */
	bool is_unknown = sqlite3_column_type(c->stmt, 4) == SQLITE_NULL;
	uint64_t coarse = is_unknown ? UINT64_MAX : (uint64_t)sqlite3_column_int64(c->stmt, 4);
	enum reading_quality apart = READING_GOOD;

	out->delay_ms = (uint32_t)sqlite3_column_int64(c->stmt, 2);
	if (quality == READING_UNSYNCHRONISED)
		out->quality = READING_UNSYNCHRONISED;
	for (int q = 0; q < Q_COUNT; q++) {
		int at = column;

		if (r->book->tables->kind_of[q] != (int)kind)
			continue;
		column++;
		if (sqlite3_column_type(c->stmt, at) == SQLITE_NULL)
			continue;
		if (quality == READING_SUSPECT && was_behind(r, out->slot_s, c->meter, (enum quantity)q, &apart))
			continue;
		if (apart == READING_UNSYNCHRONISED)
			out->quality = READING_UNSYNCHRONISED;
		reading_set(out, (enum quantity)q, sqlite3_column_int64(c->stmt, at));
		if (coarse & db_tables_bit(r->book->tables, (enum quantity)q))
			reading_set_coarse(out, (enum quantity)q);
	}
	if (r->book->tables->kinds[kind].parts_column > 0)
		out->parts = (uint16_t)sqlite3_column_int(c->stmt, column);
	next_row(r->book->db, c);
}

bool ledger_rows_next(struct ledger_rows *r, struct reading *out)
{
	const struct ledger_cursor *first = NULL;
	size_t n_kinds = r->book->tables->n_kinds;
	int64_t id;

	for (size_t k = 0; k < n_kinds; k++)
		if (r->cursors[k].has_row && (first == NULL || r->cursors[k].id < first->id))
			first = &r->cursors[k];
	if (first == NULL)
		return false;
	id = first->id;
	out->meter = first->meter;
	out->slot_s = id >> DB_SLOT_BITS;
	out->quality = READING_GOOD;
	out->parts = 0;
	memset(out->present, 0, sizeof(out->present));
	memset(out->coarse, 0, sizeof(out->coarse));
	for (size_t k = 0; k < n_kinds; k++)
		if (r->cursors[k].has_row && r->cursors[k].id == id)
			take_row(r, k, out);
	return true;
}

void ledger_rows_close(struct ledger_rows *r)
{
	for (size_t k = 0; k < DB_KINDS_MAX; k++)
		sqlite3_finalize(r->cursors[k].stmt);
}
