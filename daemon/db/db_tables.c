/* SPDX-License-Identifier: MIT */
#include "db_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_COLUMN = 5, /* parameter number of the first quantity in an insert */
	HORIZON_ROWS = 250,
};

/* Make table quantity match drivers/NAMES; rows are written only where they differ. */
static int write_quantities(struct db *db)
{
	sqlite3_stmt *put = NULL;
	int rc = db_begin(db);

	if (rc != 0)
		goto out;
	put = db_prepare(db,
			 "INSERT INTO quantity (name, obis, unit, per, kind, place, base) "
			 "VALUES (?1, ?2, ?3, ?4, ?5, ifnull((SELECT cid - 3 FROM pragma_table_info('reading_' || ?5) "
			 "WHERE name = ?1), 0), ?6) ON CONFLICT (name) DO UPDATE SET obis = excluded.obis, "
			 "unit = excluded.unit, per = excluded.per, kind = excluded.kind, place = excluded.place, "
			 "base = excluded.base WHERE obis <> excluded.obis OR unit <> excluded.unit "
			 "OR per <> excluded.per OR kind <> excluded.kind OR place <> excluded.place "
			 "OR base <> excluded.base");
	if (put == NULL) {
		rc = -EIO;
		goto out;
	}
	for (int q = 0; q < Q_COUNT; q++) {
		const struct names_row *row = names_get((enum quantity)q);

		sqlite3_bind_text(put, 1, row->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 2, row->obis, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 3, row->shown, -1, SQLITE_STATIC);
		sqlite3_bind_int(put, 4, row->per_shown);
		sqlite3_bind_text(put, 5, row->table, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 6, row->unit, -1, SQLITE_STATIC);
		rc = db_run(db, put);
		if (rc != 0)
			goto out;
	}
	rc = db_commit(db);
out:
	sqlite3_finalize(put);
	if (rc != 0)
		db_rollback(db);
	return rc;
}

/* The kinds, and for each quantity its table and its column there. */
static void sort_quantities(struct db_tables *t)
{
	uint8_t n_columns[DB_KINDS_MAX] = {0};
	bool has_parts[DB_KINDS_MAX] = {false};

	for (int q = 0; q < Q_COUNT; q++) {
		const char *table = names_get((enum quantity)q)->table;
		size_t k = 0;

		t->kind_of[q] = -1;
		if (table[0] == '\0')
			continue;
		while (k < t->n_kinds && strcmp(t->kinds[k].name, table) != 0)
			k++;
		if (k == t->n_kinds)
			t->kinds[t->n_kinds++].name = table;
		t->kind_of[q] = (int8_t)k;
		t->column_of[q] = (uint8_t)(FIRST_COLUMN + n_columns[k]++);
		t->kinds[k].columns[q / 64] |= UINT64_C(1) << (q % 64);
		t->kinds[k].has_counters |= names_is_counter((enum quantity)q);
		has_parts[k] |= names_has_parts((enum quantity)q);
	}
	for (size_t k = 0; k < t->n_kinds; k++) {
		if (has_parts[k])
			t->kinds[k].parts_column = (uint8_t)(FIRST_COLUMN + n_columns[k]++);
		if (t->kinds[k].has_counters)
			t->kinds[k].coarse_column = (uint8_t)(FIRST_COLUMN + n_columns[k]);
	}
}

static int prepare_kind(struct db_tables *t, size_t k)
{
	struct db_kind *kind = &t->kinds[k];
	sqlite3_str *into = sqlite3_str_new(t->db->handle), *marks = sqlite3_str_new(t->db->handle);
	char *names, *values;

	for (int q = 0; q < Q_COUNT; q++)
		if (t->kind_of[q] == (int)k) {
			sqlite3_str_appendf(into, ", %s", names_get((enum quantity)q)->name);
			sqlite3_str_appendall(marks, ", ?");
		}
	if (kind->parts_column > 0) {
		sqlite3_str_appendall(into, ", parts");
		sqlite3_str_appendall(marks, ", ?");
	}
	if (kind->coarse_column > 0) {
		sqlite3_str_appendall(into, ", coarse");
		sqlite3_str_appendall(marks, ", ?");
	}
	names = sqlite3_str_finish(into);
	values = sqlite3_str_finish(marks);
	if (names != NULL && values != NULL)
		kind->insert = db_prepare(t->db,
					  "INSERT INTO reading_%s (id, meter, delay_ms, quality%s) "
					  "VALUES (?, ?, ?, ?%s)",
					  kind->name, names, values);
	sqlite3_free(names);
	sqlite3_free(values);
	kind->horizon = db_prepare(t->db, "SELECT id FROM reading_%s ORDER BY id DESC LIMIT 1 OFFSET ?", kind->name);
	kind->exists = db_prepare(t->db, "SELECT 1 FROM reading_%s WHERE id >= ? AND id < ? AND meter = ?", kind->name);
	kind->highest = db_prepare(t->db, "SELECT id FROM reading_%s WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1",
				   kind->name);
	kind->lump = db_prepare(t->db, "SELECT id >> %d FROM reading_%s WHERE id < ? ORDER BY id LIMIT 1 OFFSET ?",
				DB_SLOT_BITS, kind->name);
	return kind->insert != NULL && kind->horizon != NULL && kind->exists != NULL && kind->highest != NULL &&
			       kind->lump != NULL
		       ? 0
		       : -EIO;
}

int db_tables_open(struct db_tables *t, struct db *db, const struct db_meters *meters)
{
	int rc = write_quantities(db);

	t->db = db;
	t->meters = meters;
	sort_quantities(t);
	for (size_t k = 0; k < t->n_kinds && rc == 0; k++)
		rc = prepare_kind(t, k);
	if (rc != 0)
		return rc;
	t->put_slot = db_prepare(db, "INSERT OR IGNORE INTO slot (ts) VALUES (?)");
	return t->put_slot != NULL ? 0 : -EIO;
}

void db_tables_close(struct db_tables *t)
{
	sqlite3_finalize(t->put_slot);
	for (size_t k = 0; k < t->n_kinds; k++) {
		sqlite3_finalize(t->kinds[k].insert);
		sqlite3_finalize(t->kinds[k].horizon);
		sqlite3_finalize(t->kinds[k].exists);
		sqlite3_finalize(t->kinds[k].highest);
		sqlite3_finalize(t->kinds[k].lump);
	}
	free(t->newest);
	*t = (struct db_tables){0};
}

static int load_newest_of(struct db_tables *t, size_t k)
{
	const char *name = t->kinds[k].name;
	sqlite3_stmt *get = db_prepare(t->db,
				       "SELECT w.meter, w.id, n.id FROM newest_%s w LEFT JOIN newest n "
				       "ON n.meter = w.meter AND n.kind = '%s'",
				       name, name);

	if (get == NULL)
		return -EIO;
	while (db_next(t->db, get)) {
		int meter = db_meters_find(t->meters, sqlite3_column_int64(get, 0));

		if (meter < 0)
			continue;
		t->newest[meter].id[k] = sqlite3_column_int64(get, 1);
		t->newest[meter].noted[k] = sqlite3_column_int64(get, 2);
	}
	sqlite3_finalize(get);
	return 0;
}

int db_tables_load_newest(struct db_tables *t)
{
	struct db_newest *newest = calloc(t->meters->n + 1, sizeof(*newest));
	int rc = 0;

	if (newest == NULL)
		return -ENOMEM;
	free(t->newest);
	t->newest = newest;
	t->n_newest = t->meters->n;
	for (size_t k = 0; k < t->n_kinds && rc == 0; k++)
		rc = load_newest_of(t, k);
	return rc;
}

unsigned db_tables_kinds_of(const struct db_tables *t, const struct reading *r)
{
	unsigned kinds = 0;

	for (size_t k = 0; k < t->n_kinds; k++)
		for (size_t w = 0; w < DB_READING_WORDS; w++)
			if ((r->present[w] & t->kinds[k].columns[w]) != 0)
				kinds |= 1U << k;
	return kinds;
}

bool db_tables_has_row(struct db_tables *t, size_t kind, size_t meter, int64_t slot_s)
{
	sqlite3_stmt *exists = t->kinds[kind].exists;

	if (t->newest[meter].id[kind] >> DB_SLOT_BITS < slot_s)
		return false;
	sqlite3_bind_int64(exists, 1, slot_s << DB_SLOT_BITS);
	sqlite3_bind_int64(exists, 2, (slot_s + 1) << DB_SLOT_BITS);
	sqlite3_bind_int64(exists, 3, t->meters->list[meter].id);
	return db_answer(t->db, exists, 0) != 0;
}

/* The highest id of a table from first on and before end, or fallback. */
static int64_t find_highest(struct db_tables *t, size_t kind, int64_t first, int64_t end, int64_t fallback)
{
	sqlite3_stmt *highest = t->kinds[kind].highest;

	sqlite3_bind_int64(highest, 1, first);
	sqlite3_bind_int64(highest, 2, end);
	return db_answer(t->db, highest, fallback);
}

int db_tables_next_id(struct db_tables *t, int64_t slot_s, int64_t *id)
{
	struct db_slot *slot = &t->slots[(uint64_t)slot_s % DB_SLOTS];
	int64_t first = slot_s << DB_SLOT_BITS, end = (slot_s + 1) << DB_SLOT_BITS;

	if (slot->slot_s != slot_s || slot->next == 0) {
		int64_t newest = first - 1;
		int rc;

		for (size_t k = 0; k < t->n_kinds; k++)
			newest = find_highest(t, k, newest + 1, end, newest);
		slot->slot_s = slot_s;
		slot->next = newest - first + 1;
		sqlite3_bind_int64(t->put_slot, 1, slot_s);
		rc = db_run(t->db, t->put_slot);
		if (rc != 0)
			return rc;
	}
	if (slot->next >= 1 << DB_SLOT_BITS)
		return -EOVERFLOW;
	*id = first + slot->next++;
	return 0;
}

uint64_t db_tables_bit(const struct db_tables *t, enum quantity q)
{
	return UINT64_C(1) << (t->column_of[q] - FIRST_COLUMN);
}

/* The column coarse of a row. */
static int64_t coarse_columns(const struct db_tables *t, const struct db_kind *k, const struct reading *r)
{
	uint64_t columns = 0;

	for (size_t w = 0; w < DB_READING_WORDS; w++)
		for (uint64_t left = r->coarse[w] & k->columns[w]; left != 0; left &= left - 1)
			columns |= db_tables_bit(t, (enum quantity)(64 * w + (size_t)__builtin_ctzll(left)));
	return (int64_t)columns;
}

int db_tables_write(struct db_tables *t, size_t kind, size_t meter, int64_t id, enum reading_quality quality,
		    const struct reading *r)
{
	struct db_kind *k = &t->kinds[kind];
	int rc;

	for (size_t w = 0; w < DB_READING_WORDS; w++)
		for (uint64_t left = r->present[w] & k->columns[w]; left != 0; left &= left - 1) {
			size_t q = 64 * w + (size_t)__builtin_ctzll(left);

			sqlite3_bind_int64(k->insert, t->column_of[q], r->values[q]);
		}
	sqlite3_bind_int64(k->insert, 1, id);
	sqlite3_bind_int64(k->insert, 2, t->meters->list[meter].id);
	sqlite3_bind_int64(k->insert, 3, r->delay_ms);
	sqlite3_bind_int(k->insert, 4, (int)quality);
	if (k->parts_column > 0 && r->parts > 1)
		sqlite3_bind_int(k->insert, k->parts_column, r->parts);
	if (k->coarse_column > 0)
		sqlite3_bind_int64(k->insert, k->coarse_column, coarse_columns(t, k, r));
	k->touched = true;
	rc = db_run(t->db, k->insert);
	if (rc == 0 && t->newest[meter].id[kind] < id)
		t->newest[meter].id[kind] = id;
	return rc;
}

int64_t db_tables_lump_end_s(struct db_tables *t, size_t kind, int n_older, int64_t before_s)
{
	sqlite3_stmt *lump = t->kinds[kind].lump;

	sqlite3_bind_int64(lump, 1, before_s * (1 << DB_SLOT_BITS));
	sqlite3_bind_int(lump, 2, n_older);
	return db_answer(t->db, lump, INT64_MAX);
}

/* The newest_ views look at twice as many rows as there are meters, and 500. A meter whose newest row is about to be
 * further back than that is noted in table newest. */
static int write_newest_of(struct db_tables *t, size_t k)
{
	struct db_kind *kind = &t->kinds[k];
	int64_t horizon;
	int rc = 0;

	sqlite3_bind_int64(kind->horizon, 1, (int64_t)t->meters->n + HORIZON_ROWS);
	horizon = db_answer(t->db, kind->horizon, INT64_MIN);
	for (size_t i = 0; i < t->n_newest && rc == 0; i++) {
		struct db_newest *newest = &t->newest[i];
		sqlite3_stmt *put;

		if (newest->id[k] >= horizon || newest->id[k] <= newest->noted[k])
			continue;
		put = db_prepare(t->db, "REPLACE INTO newest (meter, kind, id) VALUES (%lld, '%s', %lld)",
				 (long long)t->meters->list[i].id, kind->name, (long long)newest->id[k]);
		rc = put != NULL ? db_run(t->db, put) : -EIO;
		sqlite3_finalize(put);
		newest->noted[k] = newest->id[k];
	}
	return rc;
}

int db_tables_write_newest(struct db_tables *t)
{
	int rc = 0;

	for (size_t k = 0; k < t->n_kinds && rc == 0; k++)
		if (t->kinds[k].touched)
			rc = write_newest_of(t, k);
	return rc;
}

void db_tables_committed(struct db_tables *t)
{
	for (size_t k = 0; k < t->n_kinds; k++)
		t->kinds[k].touched = false;
}

void db_tables_undo(struct db_tables *t)
{
	memset(t->slots, 0, sizeof(t->slots));
	db_tables_committed(t);
}
