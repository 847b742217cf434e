/* SPDX-License-Identifier: MIT */
#include "db_salvage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db_image.h"
#include "db_takeover.h"
#include "db_walk.h"
#include "log.h"

enum {
	LOST_IDS = 1000000, /* ids of meters that are left out when the highest one given out cannot be known */
	NOTE_MAX = 4200,
	LOST_TEXT_MAX = 300, /* of the pages that could not be read */
	LOST_LOGGED = 100,
	OBJECTS_MAX = 256, /* tables and indexes of the damaged file */
};

static const char recovered[] = "database-recovered";

/* One table on its way from the damaged file into the new one. */
struct table {
	char name[DB_TABLE_NAME_MAX + 1];
	uint32_t root;
	bool is_prepared; /* walk and put are usable */
	struct db_walk walk;
	sqlite3_stmt *put;
	int n_put;				    /* columns of put */
	int from[DB_PAGE_VALUES_MAX];		    /* which value of a row each of them is */
	sqlite3_value *instead[DB_PAGE_VALUES_MAX]; /* of a row that is older than the column */
	int alias;				    /* which value is the rowid, -1 = none */
	int shift, time;	/* the time of a row: its rowid shifted; if shift is 0 value time, -1 = none */
	int64_t limit_s;	/* the rows to come are not later than this */
	sqlite3_stmt *put_slot; /* of a table whose times have a table of their own */
	int64_t slot_s;		/* put last */
	bool is_damaged, is_done;
};

/* A tree of the damaged file. */
struct object {
	char name[DB_TABLE_NAME_MAX + 1];
	uint32_t root;
};

struct db_salvage {
	struct db *to;
	struct db_image image;
	struct db_walk_pages pages;
	sqlite3 *from; /* in memory: the schema of the damaged file, as far as it can be read */
	size_t n_objects;
	struct object objects[OBJECTS_MAX];
	char *path;
	int64_t last_id; /* highest id of a meter in the damaged file: those above are of the new one */
	size_t n_rows, n_lost;
	char lost[LOST_TEXT_MAX];
	size_t n_tables, n_small; /* small ones come first */
	struct table tables[DB_TABLES_MAX];
};

static bool is_reading(const char *table)
{
	return strncmp(table, "reading_", 8) == 0;
}

static bool is_big(const char *table)
{
	return is_reading(table) || strncmp(table, "kept_", 5) == 0;
}

static bool has_table(sqlite3 *db, const char *table)
{
	sqlite3_stmt *get = NULL;
	char sql[120];
	bool has;

	snprintf(sql, sizeof(sql), "SELECT 1 FROM \"%s\" LIMIT 0", table);
	has = sqlite3_prepare_v2(db, sql, -1, &get, NULL) == SQLITE_OK;
	sqlite3_finalize(get);
	return has;
}

/* A page could not be read. */
static void note_lost(struct db_salvage *v, const char *table, const struct db_walk *w)
{
	size_t n = strlen(v->lost);

	if (v->n_lost++ < LOST_LOGGED)
		log_warning("%s: page %u, of table %s, cannot be read: %s", v->path, w->lost_page, table, w->reason);
	/* as many as fit whole */
	if (snprintf(v->lost + n, LOST_TEXT_MAX - n, "%spage %u of %s: %s", n > 0 ? "; " : "", w->lost_page, table,
		     w->reason) >= (int)(LOST_TEXT_MAX - n))
		v->lost[n] = '\0';
}

/* The columns that both files have, for put. */
struct columns {
	sqlite3_str *names, *values, *guards;
	int n;
};

/* A row that refers to a meter or quantity that is not there would become another one's. ?1 is the highest id of a
 * meter. */
static void add_guard(struct columns *c, const char *table, const char *column, const char *type)
{
	if (strcmp(type, "INTEGER") != 0 || strcmp(table, "meter") == 0)
		return;
	if (strcmp(column, "meter") == 0 || strcmp(column, "concentrator") == 0)
		sqlite3_str_appendf(c->guards, " AND ?%d <= ?1 AND EXISTS (SELECT 1 FROM meter WHERE id = ?%d)",
				    c->n + 1, c->n + 1);
	else if (strcmp(column, "quantity") == 0)
		sqlite3_str_appendf(c->guards, " AND EXISTS (SELECT 1 FROM quantity WHERE id = ?%d)", c->n + 1);
}

/* The value of a column in a row that is older than the column; NULL: none. */
static sqlite3_value *find_fallback(struct db_salvage *v, const char *expression)
{
	sqlite3_value *value = NULL;
	sqlite3_stmt *get = NULL;
	char *sql = expression != NULL ? sqlite3_mprintf("SELECT %s", expression) : NULL;

	if (sql != NULL && sqlite3_prepare_v2(v->from, sql, -1, &get, NULL) == SQLITE_OK &&
	    sqlite3_step(get) == SQLITE_ROW)
		value = sqlite3_value_dup(sqlite3_column_value(get, 0));
	sqlite3_finalize(get);
	sqlite3_free(sql);
	return value;
}

/* A statement on the schema of the damaged file, about this table. NULL: out of memory. */
static sqlite3_stmt *ask_schema(struct db_salvage *v, const char *table, const char *sql)
{
	sqlite3_stmt *get = NULL;

	if (sqlite3_prepare_v2(v->from, sql, -1, &get, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_text(get, 1, table, -1, SQLITE_STATIC);
	return get;
}

static int64_t ask_number(struct db_salvage *v, const char *table, const char *sql)
{
	sqlite3_stmt *get = ask_schema(v, table, sql);
	int64_t n = get != NULL && sqlite3_step(get) == SQLITE_ROW ? sqlite3_column_int64(get, 0) : -1;

	sqlite3_finalize(get);
	return n;
}

/* Go through the values of a row of the damaged file in their order: the columns, but the key first in a table WITHOUT
 * ROWID. Which of them do we put, and where? */
static void find_columns(struct db_salvage *v, struct table *t, struct columns *c)
{
	sqlite3_stmt *get = ask_schema(v, t->name,
				       "SELECT c.name, c.type, c.pk, c.dflt_value, t.wr FROM pragma_table_info(?1) c "
				       "JOIN pragma_table_list t ON t.schema = 'main' AND t.name = ?1 "
				       "ORDER BY CASE WHEN t.wr AND c.pk > 0 THEN c.pk ELSE 1000 + c.cid END");

	t->alias = t->time = -1;
	for (int i = 0; get != NULL && i < DB_PAGE_VALUES_MAX && sqlite3_step(get) == SQLITE_ROW; i++) {
		const char *name = (const char *)sqlite3_column_text(get, 0);
		const char *type = (const char *)sqlite3_column_text(get, 1);

		if (sqlite3_column_int(get, 2) > 0 && !sqlite3_column_int(get, 4) && strcmp(type, "INTEGER") == 0)
			t->alias = i;
		if (strcmp(name, "ts") == 0)
			t->time = i;
		if (!db_has_column(v->to->handle, t->name, name))
			continue;
		t->from[t->n_put] = i;
		t->instead[t->n_put] = find_fallback(v, (const char *)sqlite3_column_text(get, 3));
		t->n_put++;
		c->n++;
		sqlite3_str_appendf(c->names, "%s\"%w\"", c->n > 1 ? ", " : "", name);
		sqlite3_str_appendf(c->values, "%s?%d", c->n > 1 ? ", " : "", c->n + 1);
		add_guard(c, t->name, name, type);
	}
	sqlite3_finalize(get);
}

/* How many values has a row of this table, if no other tree of the file has rows of this shape? Else 0. */
static int find_shape(struct db_salvage *v, const char *table)
{
	static const char shapes[] =
		"WITH shape (name, n, wr) AS ("
		"SELECT t.name, (SELECT count(*) FROM pragma_table_info(t.name)), t.wr FROM pragma_table_list t "
		"WHERE t.schema = 'main' AND t.type = 'table' "
		"UNION ALL SELECT s.name, (SELECT count(*) FROM pragma_index_xinfo(s.name)), 1 FROM sqlite_schema s "
		"WHERE s.type = 'index') "
		"SELECT n FROM shape a WHERE a.name = ?1 AND (SELECT count(*) FROM shape b WHERE b.n = a.n AND "
		"b.wr = a.wr) = 1";
	int64_t n = ask_number(v, table, shapes);

	return n > 0 ? (int)n : 0;
}

/* Rows that come newest first. */
static void find_time(struct db_salvage *v, struct table *t)
{
	char order[200];

	if (is_reading(t->name)) {
		t->shift = DB_SLOT_BITS;
		return;
	}
	db_key_order(v->to->handle, t->name, "", order, sizeof(order));
	if (strncmp(order, "\"ts\"", 4) != 0)
		t->time = -1;
}

static int prepare_table(struct db_salvage *v, struct table *t)
{
	struct columns c = {.names = sqlite3_str_new(v->to->handle),
			    .values = sqlite3_str_new(v->to->handle),
			    .guards = sqlite3_str_new(v->to->handle)};
	char *names, *values, *guards;
	int rc = -ENOMEM;

	find_columns(v, t, &c);
	find_time(v, t);
	/* NULL for an empty text, too */
	names = sqlite3_str_finish(c.names);
	values = sqlite3_str_finish(c.values);
	guards = sqlite3_str_finish(c.guards);
	if (names == NULL || values == NULL) {
		snprintf(v->to->error, sizeof(v->to->error), "out of memory");
		goto out;
	}
	t->put = db_prepare(v->to, "INSERT OR IGNORE INTO \"%s\" (%s) SELECT %s WHERE 1%s", t->name, names, values,
			    guards != NULL ? guards : "");
	if (t->put == NULL)
		goto out;
	if (is_reading(t->name) || strcmp(t->name, "kept_interval") == 0) {
		t->put_slot = db_prepare(v->to, "INSERT OR IGNORE INTO %s (ts) VALUES (?)",
					 is_reading(t->name) ? "slot" : "interval_start");
		if (t->put_slot == NULL)
			goto out;
	}
	rc = db_walk_init(&t->walk, &v->pages, t->root,
			  ask_number(v, t->name, "SELECT wr FROM pragma_table_list WHERE name = ?1") == 0,
			  find_shape(v, t->name));
	if (rc != 0)
		snprintf(v->to->error, sizeof(v->to->error), "out of memory");
	t->is_prepared = true;
out:
	sqlite3_free(names);
	sqlite3_free(values);
	sqlite3_free(guards);
	return rc;
}

static void free_table(struct table *t)
{
	if (t->is_prepared)
		db_walk_fini(&t->walk);
	sqlite3_finalize(t->put);
	sqlite3_finalize(t->put_slot);
	t->put = t->put_slot = NULL;
	for (int i = 0; i < t->n_put; i++)
		sqlite3_value_free(t->instead[i]);
	t->n_put = 0;
	t->is_prepared = false;
}

/* A text value of a row, "" if it is none; cut at n bytes. */
static void copy_text(const struct db_page_value *value, char *text, size_t n)
{
	snprintf(text, n, "%.*s", value->type == DB_PAGE_TEXT ? (int)value->n : 0, (const char *)value->bytes);
}

/* Make a table or index of the damaged file in memory, from a row of its schema. What cannot be made is left out. */
static void take_object(struct db_salvage *v, const struct db_walk *w)
{
	const struct db_page_value *name = &w->values[1], *root = &w->values[3], *sql = &w->values[4];
	struct object *o = &v->objects[v->n_objects];
	sqlite3_stmt *make = NULL;

	if (w->n_values != 5 || root->type != DB_PAGE_WHOLE || root->whole <= 1 || root->whole > v->image.n_pages ||
	    v->n_objects == OBJECTS_MAX)
		return;
	copy_text(name, o->name, sizeof(o->name));
	o->root = (uint32_t)root->whole;
	v->n_objects++;
	if (sql->type != DB_PAGE_TEXT || sql->n < 13 || memcmp(sql->bytes, "CREATE ", 7) != 0)
		return;
	/* of a text that is not what it should be only the first statement is made, in memory */
	if (memcmp(sql->bytes, "CREATE TABLE ", 13) != 0 && memcmp(sql->bytes, "CREATE INDEX ", 13) != 0)
		return;
	if (sqlite3_prepare_v2(v->from, (const char *)sql->bytes, (int)sql->n, &make, NULL) == SQLITE_OK)
		sqlite3_step(make);
	sqlite3_finalize(make);
}

/* 0 or -ENOMEM. */
static int read_schema(struct db_salvage *v)
{
	uint32_t roots[OBJECTS_MAX + 1] = {1};
	struct db_walk_pages pages;
	enum db_walk_found found;
	struct db_walk w = {0};
	int rc = db_walk_pages_find(&pages, &v->image, roots, 1);

	if (rc == 0)
		rc = db_walk_init(&w, &pages, 1, true, 0);
	while (rc == 0 && (found = db_walk_next(&w)) != DB_WALK_END) {
		if (found == DB_WALK_ROW)
			take_object(v, &w);
		else if (found == DB_WALK_LOST)
			note_lost(v, "sqlite_schema", &w);
	}
	db_walk_fini(&w);
	db_walk_pages_free(&pages);
	for (size_t i = 0; i < v->n_objects; i++)
		roots[i + 1] = v->objects[i].root;
	return rc == 0 ? db_walk_pages_find(&v->pages, &v->image, roots, v->n_objects + 1) : rc;
}

static uint32_t find_root(const struct db_salvage *v, const char *name)
{
	for (size_t i = 0; i < v->n_objects; i++)
		if (strcmp(v->objects[i].name, name) == 0)
			return v->objects[i].root;
	return 0;
}

/* The tables that both files have. */
static void list_tables(struct db_salvage *v)
{
	char names[DB_TABLES_MAX][DB_TABLE_NAME_MAX + 1];
	size_t n = db_list_tables(v->to->handle, names);

	for (size_t i = 0; i < n; i++) {
		struct table *t = &v->tables[v->n_tables];

		if (!has_table(v->from, names[i]) || find_root(v, names[i]) == 0 || strcmp(names[i], "slot") == 0 ||
		    strcmp(names[i], "interval_start") == 0)
			continue;
		snprintf(t->name, sizeof(t->name), "%s", names[i]);
		t->root = find_root(v, names[i]);
		t->slot_s = INT64_MIN;
		t->limit_s = INT64_MAX;
		v->n_tables++;
		v->n_small += !is_big(t->name);
	}
}

/* A damaged file whose schema cannot be read has no tables. NULL: out of memory, to->error says so. */
static struct db_salvage *open_salvage(struct db *to, const char *path)
{
	struct db_salvage *v = calloc(1, sizeof(*v));
	int rc = -ENOMEM;

	if (v == NULL)
		goto out;
	v->to = to;
	v->last_id = INT64_MAX;
	v->image.fd = v->image.wal_fd = -1;
	v->path = strdup(path);
	if (v->path == NULL)
		goto out;
	rc = db_image_open(&v->image, path);
	if (rc == 0 &&
	    sqlite3_open_v2(":memory:", &v->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		rc = -ENOMEM;
	if (rc == 0)
		rc = read_schema(v);
	if (rc == 0)
		list_tables(v);
out:
	if (rc == 0)
		return v;
	snprintf(to->error, sizeof(to->error), "out of memory");
	db_salvage_close(v);
	return NULL;
}

void db_salvage_close(struct db_salvage *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n_tables; i++)
		free_table(&v->tables[i]);
	sqlite3_close(v->from);
	db_walk_pages_free(&v->pages);
	db_image_close(&v->image);
	free(v->path);
	free(v);
}

/* Column i of put. */
static void bind_value(struct table *t, int i)
{
	const struct db_page_value *value = &t->walk.values[t->from[i]];

	if (t->from[i] == t->alias) {
		sqlite3_bind_int64(t->put, i + 2, t->walk.rowid);
		return;
	}
	if (t->from[i] >= t->walk.n_values) {
		if (t->instead[i] != NULL)
			sqlite3_bind_value(t->put, i + 2, t->instead[i]);
		else
			sqlite3_bind_null(t->put, i + 2);
		return;
	}
	switch (value->type) {
	case DB_PAGE_NULL:
		sqlite3_bind_null(t->put, i + 2);
		break;
	case DB_PAGE_WHOLE:
		sqlite3_bind_int64(t->put, i + 2, value->whole);
		break;
	case DB_PAGE_REAL:
		sqlite3_bind_double(t->put, i + 2, value->real);
		break;
	case DB_PAGE_TEXT:
		sqlite3_bind_text64(t->put, i + 2, (const char *)value->bytes, value->n, SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case DB_PAGE_BLOB:
		sqlite3_bind_blob64(t->put, i + 2, value->bytes, value->n, SQLITE_TRANSIENT);
		break;
	}
}

/* The time of the row that the walk is at. */
static void note_time(struct table *t)
{
	const struct db_walk *w = &t->walk;

	if (t->shift > 0)
		t->limit_s = w->rowid >> t->shift;
	else if (t->time >= 0 && t->time < w->n_values && w->values[t->time].type == DB_PAGE_WHOLE)
		t->limit_s = w->values[t->time].whole;
}

/* Does this result code speak of the new file or of us? Others say that a row cannot be put. */
static bool is_failure(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_READONLY:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
		return true;
	default:
		return false;
	}
}

/* Copy the row that the walk is at; leave it out when it breaks a rule of the table. 0 or -errno. */
static int copy_row(struct db_salvage *v, struct table *t)
{
	int code;

	note_time(t);
	sqlite3_bind_int64(t->put, 1, v->last_id);
	for (int i = 0; i < t->n_put; i++)
		bind_value(t, i);
	code = sqlite3_step(t->put);
	if (code == SQLITE_DONE && sqlite3_changes(v->to->handle) > 0)
		v->n_rows++;
	sqlite3_reset(t->put);
	if (code != SQLITE_DONE && is_failure(code))
		return db_fail(v->to, "salvage");
	if (code != SQLITE_DONE || t->put_slot == NULL || t->limit_s == t->slot_s)
		return 0;
	t->slot_s = t->limit_s;
	sqlite3_bind_int64(t->put_slot, 1, t->slot_s);
	return db_run(v->to, t->put_slot);
}

static int copy_rows(struct db_salvage *v, struct table *t, size_t max)
{
	int rc = 0;

	if (!t->is_prepared && !t->is_done)
		rc = prepare_table(v, t);
	for (size_t i = 0; i < max && rc == 0 && !t->is_done; i++) {
		switch (db_walk_next(&t->walk)) {
		case DB_WALK_ROW:
			rc = copy_row(v, t);
			break;
		case DB_WALK_LOST:
			note_lost(v, t->name, &t->walk);
			t->is_damaged = true;
			break;
		case DB_WALK_NOTHING:
			break;
		case DB_WALK_END:
			t->is_done = true;
			break;
		}
	}
	if (t->is_done)
		free_table(t);
	return rc;
}

static bool is_whole(const struct db_salvage *v, const char *table)
{
	for (size_t i = 0; i < v->n_tables; i++)
		if (strcmp(v->tables[i].name, table) == 0)
			return v->tables[i].is_done && !v->tables[i].is_damaged;
	return false;
}

/* An older schema may not have the table. */
static bool is_damaged(const struct db_salvage *v, const char *table)
{
	for (size_t i = 0; i < v->n_tables; i++)
		if (strcmp(v->tables[i].name, table) == 0)
			return !is_whole(v, table);
	return false;
}

/* The highest id of a meter that was given out, as far as the damaged file says. */
static int64_t find_highest_id(struct db_salvage *v)
{
	int64_t highest = db_number(v->to, "SELECT ifnull(max(id), 0) FROM meter", 0);
	uint32_t root = find_root(v, "sqlite_sequence");
	enum db_walk_found found;
	struct db_walk w = {0};
	char name[20];

	if (root == 0 || db_walk_init(&w, &v->pages, root, true, 0) != 0)
		goto out;
	while ((found = db_walk_next(&w)) != DB_WALK_END) {
		if (found != DB_WALK_ROW || w.n_values != 2)
			continue;
		copy_text(&w.values[0], name, sizeof(name));
		if (strcmp(name, "meter") == 0 && w.values[1].type == DB_PAGE_WHOLE && w.values[1].whole > highest)
			highest = w.values[1].whole;
	}
out:
	db_walk_fini(&w);
	return highest;
}

/* Ids of meters that were given out must not be given out again, not even those that can no longer be read. */
static int reserve_ids(struct db_salvage *v)
{
	int64_t highest = find_highest_id(v);
	char sql[200];

	v->last_id = is_whole(v, "meter") ? highest : highest + LOST_IDS;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM sqlite_sequence WHERE name = 'meter'; "
		 "INSERT INTO sqlite_sequence (name, seq) VALUES ('meter', %lld)",
		 (long long)v->last_id);
	return db_exec(v->to, sql);
}

/* Lives, suspects and registers are worth nothing under another quantity: they stay behind. */
static int give_up_quantities(struct db_salvage *v)
{
	for (size_t i = 0; i < v->n_tables; i++)
		if (db_has_column(v->to->handle, v->tables[i].name, "quantity"))
			v->tables[i].is_done = v->tables[i].is_damaged = true;
	return db_exec(v->to, "DELETE FROM quantity");
}

/* Where the state of the account or the settings that it was made with are not known wholly they are dropped, and what
 * was counted becomes final: a rebuild, which would follow, must not take the saved intervals away. */
static int reset_account(struct db_salvage *v, int64_t now_s)
{
	char sql[320];

	if (is_whole(v, "account") && is_whole(v, "account_counter") && is_whole(v, "life") &&
	    is_whole(v, "quantity") && !is_damaged(v, "account_setting") && !is_damaged(v, "account_setting_meter") &&
	    !is_damaged(v, "account_moment"))
		return 0;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM account; DELETE FROM account_counter; DELETE FROM account_moment; "
		 "DELETE FROM account_setting_meter; DELETE FROM account_setting; "
		 "REPLACE INTO setting (name, value) VALUES ('deleted_until', '%lld')",
		 (long long)now_s);
	return db_exec(v->to, sql);
}

static int copy_small(struct db_salvage *v, int64_t now_s)
{
	int rc = 0;

	for (size_t i = 0; i < v->n_small && rc == 0; i++) {
		struct table *t = &v->tables[i];

		rc = copy_rows(v, t, SIZE_MAX);
		/* meter is the first, if the schema has it still */
		if (rc == 0 && i == 0)
			rc = reserve_ids(v);
		if (rc == 0 && strcmp(t->name, "quantity") == 0 && t->is_damaged)
			rc = give_up_quantities(v);
	}
	return rc == 0 ? reset_account(v, now_s) : rc;
}

/* The newest rows of the big tables. */
static int copy_newest(struct db_salvage *v, const struct db_salvage_first *first)
{
	int rc = 0;

	for (size_t i = v->n_small; i < v->n_tables && rc == 0; i++) {
		struct table *t = &v->tables[i];
		bool is_power = strncmp(t->name, "reading_power", 13) == 0;
		int64_t until_s;

		rc = copy_rows(v, t, 1);
		until_s = t->limit_s - (is_power ? 0 : first->span_s);
		if (rc == 0)
			rc = copy_rows(v, t, first->n_rows - 1);
		while (rc == 0 && !t->is_done && t->limit_s > until_s)
			rc = copy_rows(v, t, first->n_rows - 1);
	}
	return rc;
}

/* By this note the next start knows that there is more to copy. One that came with the settings of the damaged file is
 * of an older one, which is read after this. */
static int put_note(const struct db_salvage *v)
{
	char older[NOTE_MAX], note[2 * NOTE_MAX];

	db_get_setting(v->to, "salvage", older, sizeof(older));
	snprintf(note, sizeof(note), "%lld %s%s%s", (long long)v->last_id, v->path, older[0] != '\0' ? "\n" : "",
		 older);
	return db_put_setting(v->to, "salvage", note);
}

/* Where the line of this file ends in the note: what follows is of older ones. NULL: it has no line. */
static const char *find_older(const struct db_salvage *v, const char *note)
{
	for (const char *line = note; line != NULL; line = strchr(line, '\n')) {
		const char *path;
		size_t n = strlen(v->path);

		line += *line == '\n';
		path = strchr(line, ' ');
		if (path != NULL && strncmp(path + 1, v->path, n) == 0 && (path[1 + n] == '\n' || path[1 + n] == '\0'))
			return path + 1 + n + (path[1 + n] == '\n');
	}
	return NULL;
}

/* The last rows were copied: say so, in the transaction that has them. */
static int end_salvage(struct db_salvage *v, int64_t now_s)
{
	char note[2 * NOTE_MAX], detail[400];
	const char *older;
	int rc = 0;

	db_get_setting(v->to, "salvage", note, sizeof(note));
	older = find_older(v, note);
	if (older != NULL && *older != '\0')
		rc = db_put_setting(v->to, "salvage", older);
	else if (older != NULL)
		rc = db_exec(v->to, "DELETE FROM setting WHERE name = 'salvage'");
	if (rc != 0)
		return rc;
	db_salvage_describe(v, detail, sizeof(detail));
	return db_takeover_report(v->to, recovered, detail, now_s * 1000);
}

int db_salvage_begin(struct db *to, const char *path, const char *damage, const struct db_salvage_first *first,
		     int64_t now_s, struct db_salvage **salvage)
{
	struct db_salvage *v = open_salvage(to, path);
	int rc;

	*salvage = NULL;
	if (v == NULL)
		return -ENOMEM;
	rc = db_begin(to);
	if (rc != 0)
		goto out;
	rc = copy_small(v, now_s);
	if (rc != 0)
		goto out;
	rc = copy_newest(v, first);
	if (rc != 0)
		goto out;
	rc = db_takeover_mark(to, path, recovered, damage, now_s * 1000);
	if (rc != 0)
		goto out;
	rc = db_salvage_is_done(v) ? end_salvage(v, now_s) : put_note(v);
	if (rc != 0)
		goto out;
	rc = db_commit(to);
out:
	if (rc != 0) {
		db_rollback(to);
		db_salvage_close(v);
		return rc;
	}
	if (!db_salvage_is_done(v))
		log_info("%s: copied %zu rows from %s so far; older ones follow while the daemon runs", to->path,
			 v->n_rows, v->path);
	*salvage = v;
	return 0;
}

int db_salvage_resume(struct db *to, struct db_salvage **salvage)
{
	char note[2 * NOTE_MAX], *next = note, *line, *path;
	struct db_salvage *v = NULL;

	*salvage = NULL;
	db_get_setting(to, "salvage", note, sizeof(note));
	while (v == NULL && (line = strsep(&next, "\n")) != NULL) {
		int64_t last_id = strtoll(line, &path, 10);

		if (*path != ' ' || access(path + 1, R_OK | W_OK) != 0)
			continue;
		v = open_salvage(to, path + 1);
		if (v == NULL)
			return -ENOMEM;
		v->last_id = last_id;
	}
	if (v == NULL)
		return 0;
	for (size_t i = 0; i < v->n_small; i++)
		v->tables[i].is_done = true;
	*salvage = v;
	return 0;
}

int db_salvage_step(struct db_salvage *v, size_t n_rows, int64_t now_s)
{
	size_t i = 0;
	int rc;

	while (i < v->n_tables && v->tables[i].is_done)
		i++;
	if (i < v->n_tables) {
		rc = copy_rows(v, &v->tables[i], n_rows);
		if (rc != 0)
			return rc;
	}
	return db_salvage_is_done(v) ? end_salvage(v, now_s) : 0;
}

void db_salvage_undo(struct db_salvage *v)
{
	for (size_t i = v->n_small; i < v->n_tables; i++) {
		struct table *t = &v->tables[i];

		if (t->is_prepared)
			db_walk_rewind(&t->walk);
		t->slot_s = INT64_MIN;
		t->limit_s = INT64_MAX;
		t->is_done = false;
	}
	v->n_rows = v->n_lost = 0;
	v->lost[0] = '\0';
}

bool db_salvage_is_done(const struct db_salvage *v)
{
	for (size_t i = 0; i < v->n_tables; i++)
		if (!v->tables[i].is_done)
			return false;
	return true;
}

void db_salvage_describe(const struct db_salvage *v, char *text, size_t n)
{
	size_t length = (size_t)snprintf(text, n, "copied %zu rows from %s; %zu pages in it could not be read",
					 v->n_rows, v->path, v->n_lost);

	if (v->n_lost > 0 && length < n)
		snprintf(text + length, n - length, " (%s%s)", v->lost,
			 v->n_lost > 1 && strlen(v->lost) > LOST_TEXT_MAX - 60 ? " ..." : "");
}
