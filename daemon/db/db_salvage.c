/* SPDX-License-Identifier: MIT */
#include "db_salvage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db_repair.h"
#include "db_walk.h"
#include "log.h"

enum {
	LOST_IDS = 1000000, /* ids of meters that are left out when the highest one given out cannot be known */
	NOTE_MAX = 4200,
};

/* One table on its way from the damaged file into the new one. */
struct table {
	char name[DB_TABLE_NAME_MAX + 1];
	struct db_walk_key key;
	bool is_prepared; /* walk and put are usable */
	struct db_walk walk;
	sqlite3_stmt *put;
	sqlite3_stmt *put_slot; /* of a table whose times have a table of their own */
	int64_t slot_s;		/* put last */
	bool is_damaged, is_done;
};

struct db_salvage {
	struct db *to;
	sqlite3 *from;
	char *path;
	int64_t last_id; /* highest id of a meter in the damaged file: those above are of the new one */
	size_t n_rows, n_holes;
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

/* The columns that both files have, for both statements. */
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

static void find_columns(struct db_salvage *v, const char *table, struct columns *c)
{
	sqlite3_stmt *get = db_prepare(v->to, "SELECT name, type FROM pragma_table_info('%s')", table);

	while (get != NULL && sqlite3_step(get) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(get, 0);

		if (!db_has_column(v->from, table, name))
			continue;
		c->n++;
		sqlite3_str_appendf(c->names, "%s\"%w\"", c->n > 1 ? ", " : "", name);
		sqlite3_str_appendf(c->values, "%s?%d", c->n > 1 ? ", " : "", c->n + 1);
		add_guard(c, table, name, (const char *)sqlite3_column_text(get, 1));
	}
	sqlite3_finalize(get);
}

static int prepare_table(struct db_salvage *v, struct table *t)
{
	struct columns c = {.names = sqlite3_str_new(v->to->handle),
			    .values = sqlite3_str_new(v->to->handle),
			    .guards = sqlite3_str_new(v->to->handle)};
	char *names, *values, *guards;
	int rc = -ENOMEM;

	find_columns(v, t->name, &c);
	/* NULL for an empty text, too */
	names = sqlite3_str_finish(c.names);
	values = sqlite3_str_finish(c.values);
	guards = sqlite3_str_finish(c.guards);
	if (names == NULL || values == NULL) {
		/* no column can be known: the table counts as unreadable */
		t->is_damaged = t->is_done = true;
		v->n_holes++;
		rc = 0;
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
	rc = db_walk_init(&t->walk, v->from, t->name, names, t->key);
	if (rc != 0)
		snprintf(v->to->error, sizeof(v->to->error), "out of memory");
	t->is_prepared = rc == 0;
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
	t->is_prepared = false;
}

/* The time that a table is in the order of, if it is. */
static struct db_walk_key find_key(struct db *to, const char *table)
{
	char order[200];

	if (is_reading(table))
		return (struct db_walk_key){.column = "id", .shift = DB_SLOT_BITS};
	db_key_order(to->handle, table, "", order, sizeof(order));
	return (struct db_walk_key){.column = strncmp(order, "\"ts\"", 4) == 0 ? "ts" : NULL};
}

/* A damaged file that cannot even be opened has no tables. NULL: out of memory, to->error says so. */
static struct db_salvage *open_salvage(struct db *to, const char *path)
{
	char names[DB_TABLES_MAX][DB_TABLE_NAME_MAX + 1];
	struct db_salvage *v = calloc(1, sizeof(*v));
	size_t n;

	if (v == NULL || (v->path = strdup(path)) == NULL) {
		snprintf(to->error, sizeof(to->error), "out of memory");
		free(v);
		return NULL;
	}
	v->to = to;
	v->last_id = INT64_MAX;
	db_repair_torn_page(path);
	db_repair_header(path);
	if (sqlite3_open_v2(path, &v->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return v;
	sqlite3_db_config(v->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* what can be read of a damaged schema is enough */
	sqlite3_exec(v->from, "PRAGMA writable_schema = ON; PRAGMA cell_size_check = ON", NULL, NULL, NULL);
	n = db_list_tables(to->handle, names);
	for (size_t i = 0; i < n; i++) {
		struct table *t = &v->tables[v->n_tables];

		if (!has_table(v->from, names[i]) || strcmp(names[i], "slot") == 0 ||
		    strcmp(names[i], "interval_start") == 0)
			continue;
		snprintf(t->name, sizeof(t->name), "%s", names[i]);
		t->key = find_key(to, t->name);
		t->slot_s = INT64_MIN;
		v->n_tables++;
		v->n_small += !is_big(t->name);
	}
	return v;
}

void db_salvage_close(struct db_salvage *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n_tables; i++)
		free_table(&v->tables[i]);
	sqlite3_close(v->from);
	free(v->path);
	free(v);
}

/* Copy the row that the walk is at; leave it out when it breaks a rule of the table. 0 or -errno. */
static int copy_row(struct db_salvage *v, struct table *t)
{
	int n = sqlite3_column_count(t->walk.get), code;

	sqlite3_bind_int64(t->put, 1, v->last_id);
	for (int i = 0; i < n; i++)
		sqlite3_bind_value(t->put, i + 2, sqlite3_column_value(t->walk.get, i));
	code = sqlite3_step(t->put);
	if (code == SQLITE_DONE && sqlite3_changes(v->to->handle) > 0)
		v->n_rows++;
	sqlite3_reset(t->put);
	if (code != SQLITE_DONE && (code & 0xff) != SQLITE_CONSTRAINT && (code & 0xff) != SQLITE_MISMATCH)
		return db_fail(v->to, "salvage");
	if (t->put_slot == NULL || t->walk.limit_s == t->slot_s)
		return 0;
	t->slot_s = t->walk.limit_s;
	sqlite3_bind_int64(t->put_slot, 1, t->slot_s);
	return db_run(v->to, t->put_slot);
}

static int take_out_doubtful(struct db_salvage *v, const struct table *t)
{
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0; i++) {
		const struct db_walk_row *row = &t->walk.doubtful[i];
		char sql[160];

		if (!row->is_there)
			continue;
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s = %lld AND meter = %lld", t->name, t->key.column,
			 (long long)row->key, (long long)row->meter);
		rc = db_exec(v->to, sql);
		/* those that the last run of the daemon copied are not in the number */
		if (rc == 0 && v->n_rows > 0 && sqlite3_changes(v->to->handle) > 0)
			v->n_rows--;
	}
	return rc;
}

static int copy_rows(struct db_salvage *v, struct table *t, size_t max, int64_t now_s)
{
	int rc = 0;

	if (!t->is_prepared && !t->is_done)
		rc = prepare_table(v, t);
	for (size_t i = 0; i < max && rc == 0 && !t->is_done; i++) {
		switch (db_walk_next(&t->walk, now_s)) {
		case DB_WALK_ROW:
			rc = copy_row(v, t);
			break;
		case DB_WALK_HOLE:
			v->n_holes++;
			t->is_damaged = true;
			rc = take_out_doubtful(v, t);
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

/* Ids of meters that were given out must not be given out again, not even those that can no longer be read. */
static int reserve_ids(struct db_salvage *v)
{
	int64_t highest = db_number(v->to, "SELECT ifnull(max(id), 0) FROM meter", 0);
	sqlite3_stmt *get = NULL;
	char sql[200];

	if (sqlite3_prepare_v2(v->from, "SELECT seq FROM sqlite_sequence WHERE name = 'meter'", -1, &get, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(get) == SQLITE_ROW && sqlite3_column_int64(get, 0) > highest)
		highest = sqlite3_column_int64(get, 0);
	sqlite3_finalize(get);
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

/* Where the state of the account is not known wholly it is dropped, and what was counted becomes final: a rebuild,
 * which would follow, must not take the saved intervals away. */
static int reset_account(struct db_salvage *v, int64_t now_s)
{
	char sql[200];

	if (is_whole(v, "account") && is_whole(v, "account_counter") && is_whole(v, "life") && is_whole(v, "quantity"))
		return 0;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM account; DELETE FROM account_counter; "
		 "REPLACE INTO setting (name, value) VALUES ('deleted_until', '%lld')",
		 (long long)now_s);
	return db_exec(v->to, sql);
}

static int copy_small(struct db_salvage *v, int64_t now_s)
{
	int rc = 0;

	for (size_t i = 0; i < v->n_small && rc == 0; i++) {
		struct table *t = &v->tables[i];

		rc = copy_rows(v, t, SIZE_MAX, now_s);
		/* meter is the first, if the schema has it still */
		if (rc == 0 && i == 0)
			rc = reserve_ids(v);
		if (rc == 0 && strcmp(t->name, "quantity") == 0 && t->is_damaged)
			rc = give_up_quantities(v);
	}
	return rc == 0 ? reset_account(v, now_s) : rc;
}

/* The newest rows of the big tables. */
static int copy_newest(struct db_salvage *v, const struct db_salvage_first *first, int64_t now_s)
{
	int rc = 0;

	for (size_t i = v->n_small; i < v->n_tables && rc == 0; i++) {
		struct table *t = &v->tables[i];
		bool is_power = strncmp(t->name, "reading_power", 13) == 0;
		int64_t until_s;

		rc = copy_rows(v, t, 1, now_s);
		until_s = t->walk.limit_s - (is_power ? 0 : first->span_s);
		if (rc == 0)
			rc = copy_rows(v, t, first->n_rows - 1, now_s);
		while (rc == 0 && !t->is_done && t->walk.limit_s > until_s)
			rc = copy_rows(v, t, first->n_rows - 1, now_s);
	}
	return rc;
}

/* By this note the next start knows that there is more to copy. */
static int put_note(const struct db_salvage *v)
{
	char note[NOTE_MAX];

	snprintf(note, sizeof(note), "%lld %s", (long long)v->last_id, v->path);
	return db_put_setting(v->to, "salvage", note);
}

int db_salvage_begin(struct db *to, const char *path, const struct db_salvage_first *first, int64_t now_s,
		     struct db_salvage **salvage)
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
	rc = copy_newest(v, first, now_s);
	if (rc != 0)
		goto out;
	if (!db_salvage_is_done(v)) {
		rc = put_note(v);
		if (rc != 0)
			goto out;
	}
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
	char note[NOTE_MAX], *path;
	struct db_salvage *v;
	int64_t last_id;

	*salvage = NULL;
	db_get_setting(to, "salvage", note, sizeof(note));
	last_id = strtoll(note, &path, 10);
	if (*path != ' ' || access(path + 1, R_OK | W_OK) != 0)
		return 0;
	v = open_salvage(to, path + 1);
	if (v == NULL)
		return -ENOMEM;
	v->last_id = last_id;
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
		rc = copy_rows(v, &v->tables[i], n_rows, now_s);
		if (rc != 0)
			return rc;
	}
	return db_salvage_is_done(v) ? db_exec(v->to, "DELETE FROM setting WHERE name = 'salvage'") : 0;
}

void db_salvage_undo(struct db_salvage *v)
{
	for (size_t i = v->n_small; i < v->n_tables; i++) {
		struct table *t = &v->tables[i];

		if (t->is_prepared)
			db_walk_rewind(&t->walk);
		t->slot_s = INT64_MIN;
		t->is_done = false;
	}
	v->n_rows = v->n_holes = 0;
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
	snprintf(text, n, "copied %zu rows from %s; %zu places in it could not be read", v->n_rows, v->path,
		 v->n_holes);
}
