/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"

enum {
	SALVAGE_AT_ONCE = 20000, /* newest rows of each big table that are there before polling begins, at least */
	SALVAGE_STEP = 2000,	 /* rows copied with each later commit */
	TORN_MAX = 10000,	 /* torn places after which a table is given up */
	LOST_IDS = 1000000,	 /* ids left out when the highest one given out can not be known */
};

/* One table on its way from the damaged file into the new one. */
struct salvage_table {
	char name[DB_TABLE_NAME_MAX + 1];
	sqlite3_stmt *get, *put, *put_slot;
	int64_t put_s;	 /* slot put last */
	bool by_time;	 /* its key begins with the slot: what is unreadable can be stepped over */
	const char *key; /* by_time: ts, or id with the slot in its upper bits */
	int shift;	 /* by_time: of the slot in the key */
	bool ascending;	 /* the others: from the end until it fails, then from the beginning until it fails */
	bool damaged, done;
	int64_t bound_s; /* by_time: no later slot is of interest any more */
	struct {
		bool there;
		int64_t key, meter;
	} last[2];	/* by_time: keys of the rows copied last, newest first */
	int64_t sure_s; /* by_time: all that is later has been dealt with */
	unsigned n_torn;
	int64_t skip_s; /* by_time: how far a torn row makes it step back, more for each that follows */
};

struct store_salvage {
	sqlite3 *from;
	char *path;
	int64_t last_id; /* highest id of a meter in the damaged file: those above are of the new one */
	size_t n_rows, n_holes;
	sqlite3_stmt *put_slot;
	int64_t slot_s;		  /* put last */
	size_t n_tables, n_small; /* small ones come first and are copied at once */
	struct salvage_table tables[DB_TABLES_MAX];
};

static bool is_big(const char *table)
{
	return strncmp(table, "reading_", 8) == 0 || strcmp(table, "kept_interval") == 0;
}

/* Columns that both files have, for both statements. */
struct columns {
	sqlite3_str *names, *values, *guards;
	int n;
};

/* A row that refers to a meter or a quantity which is not there would become another one's: it is left out. */
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

static void find_columns(struct store *s, struct store_salvage *v, const char *table, struct columns *c)
{
	sqlite3_stmt *get = db_prepare(&s->db, "SELECT name, type FROM pragma_table_info('%s')", table);

	while (get && sqlite3_step(get) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(get, 0);

		if (!db_has_column(v->from, table, name))
			continue;
		sqlite3_str_appendf(c->names, "%s\"%w\"", c->n ? ", " : "", name);
		c->n++;
		/* ?1 is the highest id */
		sqlite3_str_appendf(c->values, "%s?%d", c->n > 1 ? ", " : "", c->n + 1);
		add_guard(c, table, name, (const char *)sqlite3_column_text(get, 1));
	}
	sqlite3_finalize(get);
}

/* Nothing later than this slot. */
static void bind_slot(sqlite3_stmt *get, const struct salvage_table *t, int64_t slot_s)
{
	int64_t last = slot_s >= INT64_MAX >> t->shift ? INT64_MAX : -1;

	if (slot_s >= 0 && last < 0)
		last = ((slot_s + 1) << t->shift) - 1;
	sqlite3_bind_int64(get, 1, last);
}

/* Begin to read the table where the last attempt has left off. NULL: it can not be read at all. */
static sqlite3_stmt *prepare_get(struct store_salvage *v, const struct salvage_table *t, const char *columns)
{
	sqlite3_stmt *get = NULL;
	char order[200];

	db_key_order(v->from, t->name, t->ascending ? "" : " DESC", order, sizeof(order));
	char *sql = sqlite3_mprintf("SELECT %s FROM \"%w\" %s%s%s ORDER BY %s", columns, t->name,
				    t->by_time ? "WHERE " : "", t->by_time ? t->key : "", t->by_time ? " <= ?1" : "",
				    order);

	if (sql && sqlite3_prepare_v2(v->from, sql, -1, &get, NULL) != SQLITE_OK)
		get = NULL;
	if (get && t->by_time)
		bind_slot(get, t, t->bound_s);
	sqlite3_free(sql);
	return get;
}

static void prepare_table(struct store *s, struct store_salvage *v, struct salvage_table *t)
{
	struct columns c = {.names = sqlite3_str_new(s->db.handle),
			    .values = sqlite3_str_new(s->db.handle),
			    .guards = sqlite3_str_new(s->db.handle)};

	find_columns(s, v, t->name, &c);
	char *names = sqlite3_str_finish(c.names), *values = sqlite3_str_finish(c.values),
	     *guards = sqlite3_str_finish(c.guards);

	if (c.n > 0 && names && values) {
		t->get = prepare_get(v, t, names);
		if (!t->put)
			t->put = db_prepare(&s->db, "INSERT OR IGNORE INTO \"%s\" (%s) SELECT %s WHERE 1 %s", t->name,
					    names, values, guards ? guards : "");
	}
	sqlite3_free(names);
	sqlite3_free(values);
	sqlite3_free(guards);
}

/* Can a row of that slot or before be read, or be seen to be none? */
static bool is_readable(struct salvage_table *t, int64_t slot_s)
{
	sqlite3_reset(t->get);
	bind_slot(t->get, t, slot_s);
	int code = sqlite3_step(t->get);

	return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* What comes before bound_s can not be read: find the newest slot from where on it can. */
static void step_over_time(struct salvage_table *t)
{
	int64_t bad_s = t->bound_s, good_s = 0, gap_s = 1;

	while (gap_s < t->bound_s && !is_readable(t, t->bound_s - gap_s)) {
		bad_s = t->bound_s - gap_s;
		gap_s *= 2;
	}
	if (gap_s < t->bound_s)
		good_s = t->bound_s - gap_s;
	else
		t->done = true;
	while (!t->done && bad_s - good_s > 1) {
		int64_t middle_s = good_s + (bad_s - good_s) / 2;

		if (is_readable(t, middle_s))
			good_s = middle_s;
		else
			bad_s = middle_s;
	}
	t->bound_s = t->sure_s = good_s;
	sqlite3_reset(t->get);
	bind_slot(t->get, t, good_s);
}

/* What comes next can not be read: go on behind it. */
static void step_over(struct store_salvage *v, struct salvage_table *t)
{
	v->n_holes++;
	t->damaged = true;
	if (t->by_time && t->get) {
		if (t->bound_s == INT64_MAX)
			t->bound_s = mono_wall_ms() / 1000 + 86400;
		step_over_time(t);
	} else {
		sqlite3_finalize(t->get);
		t->get = NULL;
		t->done = t->ascending || t->by_time;
		t->ascending = true;
	}
}

/* 0 also when the row does not fit: it is left out. */
static int copy_row(struct store *s, struct store_salvage *v, struct salvage_table *t)
{
	int n = sqlite3_column_count(t->get), code;

	sqlite3_bind_int64(t->put, 1, v->last_id);
	for (int i = 0; i < n; i++)
		sqlite3_bind_value(t->put, i + 2, sqlite3_column_value(t->get, i));
	code = sqlite3_step(t->put);
	if (code == SQLITE_DONE && sqlite3_changes(s->db.handle) > 0)
		v->n_rows++;
	sqlite3_reset(t->put);
	if (code == SQLITE_DONE || (code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISMATCH)
		return 0;
	return db_fail(&s->db, "salvage");
}

/* Rows read just before something unreadable may be torn themselves: their key is whole and what comes after it is
 * not. They are taken out again. */
static int drop_last(struct store *s, struct store_salvage *v, struct salvage_table *t)
{
	int r = 0;

	for (size_t i = 0; i < 2 && r == 0; i++) {
		char sql[160];

		if (!t->last[i].there)
			continue;
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE %s = %lld AND meter = %lld", t->name, t->key,
			 (long long)t->last[i].key, (long long)t->last[i].meter);
		v->n_rows--;
		t->last[i].there = false;
		r = db_exec(&s->db, sql);
	}
	return r;
}

/* Is this row's key one, and behind that of the row before? */
static bool is_in_order(const struct salvage_table *t, int64_t key, int64_t meter)
{
	if (sqlite3_column_type(t->get, 0) != SQLITE_INTEGER || sqlite3_column_type(t->get, 1) != SQLITE_INTEGER)
		return false;
	if (key >> t->shift > t->bound_s)
		return false;
	return !t->last[0].there || key < t->last[0].key ||
	       (t->shift == 0 && key == t->last[0].key && meter <= t->last[0].meter);
}

/* A row that is out of order: its key or that of the one before is torn. Both go, and all that lies between them. */
static int leave_out(struct store *s, struct store_salvage *v, struct salvage_table *t, int64_t slot_s)
{
	bool above = slot_s > 0 && slot_s < t->sure_s;
	int r = drop_last(s, v, t);

	v->n_holes++;
	t->damaged = true;
	if (t->sure_s == INT64_MAX)
		t->sure_s = mono_wall_ms() / 1000 + 86400;
	t->skip_s = t->skip_s > 0 ? 2 * t->skip_s : 1;
	t->sure_s = (above && t->skip_s == 1 ? slot_s : t->sure_s) - t->skip_s;
	t->bound_s = t->sure_s;
	t->done = ++t->n_torn > TORN_MAX || t->bound_s < 0;
	sqlite3_reset(t->get);
	if (!t->done)
		bind_slot(t->get, t, t->bound_s);
	return r;
}

/* Readings are found through their slot, intervals through their start. */
static int put_slot(struct store *s, struct salvage_table *t, int64_t slot_s)
{
	bool reading = t->shift > 0;

	if (t->put_s == slot_s || (!reading && strcmp(t->name, "kept_interval") != 0))
		return 0;
	if (!t->put_slot)
		t->put_slot = db_prepare(&s->db, "INSERT OR IGNORE INTO %s (ts) VALUES (?)",
					 reading ? "slot" : "interval_start");
	if (!t->put_slot)
		return -EIO;
	sqlite3_bind_int64(t->put_slot, 1, slot_s);
	t->put_s = slot_s;
	return db_run(&s->db, t->put_slot);
}

static int copy_in_order(struct store *s, struct store_salvage *v, struct salvage_table *t)
{
	int64_t key = sqlite3_column_int64(t->get, 0), meter = sqlite3_column_int64(t->get, 1),
		slot_s = key >> t->shift;

	if (!is_in_order(t, key, meter))
		return leave_out(s, v, t, slot_s);
	int r = copy_row(s, v, t);

	if (r == 0)
		r = put_slot(s, t, slot_s);
	if (t->last[1].there && t->last[1].key >> t->shift < t->sure_s) {
		t->sure_s = t->last[1].key >> t->shift;
		t->skip_s = 0;
	}
	t->last[1] = t->last[0];
	t->last[0].there = true;
	t->last[0].key = key;
	t->last[0].meter = meter;
	t->bound_s = slot_s;
	return r;
}

static int copy_rows(struct store *s, struct store_salvage *v, struct salvage_table *t, size_t max)
{
	int r = 0;

	for (size_t i = 0; i < max && r == 0 && !t->done; i++) {
		if (!t->get)
			prepare_table(s, v, t);
		int code = t->get && t->put ? sqlite3_step(t->get) : SQLITE_CORRUPT;

		if (code == SQLITE_ROW) {
			r = t->by_time ? copy_in_order(s, v, t) : copy_row(s, v, t);
		} else if (code == SQLITE_DONE) {
			t->done = true;
		} else {
			r = drop_last(s, v, t);
			step_over(v, t);
		}
	}
	if (t->done) {
		sqlite3_finalize(t->get);
		sqlite3_finalize(t->put);
		sqlite3_finalize(t->put_slot);
		t->get = t->put = t->put_slot = NULL;
	}
	return r;
}

/* Ids of meters that were given out must not be given out again, not even those that can no longer be read. */
static int reserve_ids(struct store *s, struct store_salvage *v, bool whole)
{
	sqlite3_stmt *get = NULL;
	char sql[200];
	int64_t highest = db_number(&s->db, "SELECT ifnull(max(id), 0) FROM meter", 0);

	if (sqlite3_prepare_v2(v->from, "SELECT seq FROM sqlite_sequence WHERE name = 'meter'", -1, &get, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(get) == SQLITE_ROW && sqlite3_column_int64(get, 0) > highest)
		highest = sqlite3_column_int64(get, 0);
	sqlite3_finalize(get);
	v->last_id = whole ? highest : highest + LOST_IDS;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM sqlite_sequence WHERE name = 'meter'; "
		 "INSERT INTO sqlite_sequence (name, seq) VALUES ('meter', %lld)",
		 (long long)v->last_id);
	return db_exec(&s->db, sql);
}

static struct salvage_table *find_table(struct store_salvage *v, const char *name)
{
	for (size_t i = 0; i < v->n_tables; i++)
		if (strcmp(v->tables[i].name, name) == 0)
			return &v->tables[i];
	return NULL;
}

static bool is_whole(struct store_salvage *v, const char *name)
{
	const struct salvage_table *t = find_table(v, name);

	return t && t->done && !t->damaged;
}

/* Where the state of the account is not known wholly it begins anew; without this its rebuild would take the saved
 * intervals away. */
static int begin_account_anew(struct store *s, struct store_salvage *v)
{
	char sql[200];

	if (is_whole(v, "account") && is_whole(v, "account_counter") && is_whole(v, "life") && is_whole(v, "quantity"))
		return 0;
	snprintf(sql, sizeof(sql),
		 "DELETE FROM account; DELETE FROM account_counter; "
		 "REPLACE INTO setting (name, value) VALUES ('deleted_until', '%lld')",
		 (long long)(mono_wall_ms() / 1000));
	return db_exec(&s->db, sql);
}

/* Names and lives are worth nothing under another number. */
static void leave_out_quantities(struct store *s, struct store_salvage *v)
{
	for (size_t i = 0; i < v->n_small; i++)
		if (db_has_column(s->db.handle, v->tables[i].name, "quantity"))
			v->tables[i].done = v->tables[i].damaged = true;
}

static int copy_small(struct store *s, struct store_salvage *v)
{
	int r = 0;

	v->last_id = INT64_MAX;
	for (size_t i = 0; i < v->n_small && r == 0; i++) {
		r = copy_rows(s, v, &v->tables[i], SIZE_MAX);
		if (r == 0 && strcmp(v->tables[i].name, "meter") == 0)
			r = reserve_ids(s, v, !v->tables[i].damaged);
		if (strcmp(v->tables[i].name, "quantity") == 0 && v->tables[i].damaged) {
			leave_out_quantities(s, v);
			r = db_exec(&s->db, "DELETE FROM quantity");
		}
	}
	return r == 0 ? begin_account_anew(s, v) : r;
}

/* Written down, so that the copying goes on after a restart. */
static int note_salvage(struct store *s, const struct store_salvage *v)
{
	sqlite3_stmt *put = db_prepare(&s->db, "REPLACE INTO setting (name, value) VALUES ('salvage', ?)");
	char value[4200];
	int r;

	if (!put)
		return -EIO;
	snprintf(value, sizeof(value), "%lld %s", (long long)v->last_id, v->path);
	sqlite3_bind_text(put, 1, value, -1, SQLITE_TRANSIENT);
	r = db_run(&s->db, put);
	sqlite3_finalize(put);
	return r;
}

/* A last page of which only a part is there would be read as if the rest were zeros. */
static void cut_torn_page(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_size % DB_PAGE_BYTES != 0 &&
	    truncate(path, st.st_size - st.st_size % DB_PAGE_BYTES) == 0)
		log_info("%s: the torn page at its end was cut off", path);
}

/* The first 100 bytes are the same in every file but for its length: when only they are lost they can be written
 * again. */
static void repair_header(const char *path)
{
	static const unsigned char constant[24] = {'S', 'Q', 'L', 'i', 't', 'e', ' ', 'f', 'o', 'r', 'm', 'a',
						   't', ' ', '3', 0,   8,   0,	 2,   2,   0,	64,  32,  32};
	unsigned char head[100] = {0}, first = 0;
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0 || pread(fd, head, sizeof(head), 0) != sizeof(head) ||
	    pread(fd, &first, 1, sizeof(head)) != 1 || memcmp(head, constant, sizeof(constant)) == 0 ||
	    (first != 5 && first != 13)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	uint32_t n_pages = (uint32_t)(st.st_size / DB_PAGE_BYTES);

	memset(head, 0, sizeof(head));
	memcpy(head, constant, sizeof(constant));
	head[27] = head[95] = 1; /* change counter, and the one that the length is valid for */
	head[28] = (unsigned char)(n_pages >> 24);
	head[29] = (unsigned char)(n_pages >> 16);
	head[30] = (unsigned char)(n_pages >> 8);
	head[31] = (unsigned char)n_pages;
	head[43] = 1; /* schema cookie */
	head[47] = 4; /* schema format */
	head[59] = 1; /* UTF-8 */
	if (pwrite(fd, head, sizeof(head), 0) == sizeof(head))
		log_info("%s: its first 100 bytes were written again", path);
	close(fd);
}

static void free_salvage(struct store_salvage *v)
{
	for (size_t i = 0; i < v->n_tables; i++) {
		sqlite3_finalize(v->tables[i].get);
		sqlite3_finalize(v->tables[i].put);
		sqlite3_finalize(v->tables[i].put_slot);
	}
	sqlite3_close(v->from);
	free(v->path);
	free(v);
}

static void rewind_table(struct salvage_table *t)
{
	sqlite3_finalize(t->get);
	t->get = NULL;
	t->bound_s = t->sure_s = INT64_MAX;
	t->put_s = INT64_MIN;
	t->skip_s = 0;
	t->last[0].there = t->last[1].there = false;
	t->ascending = t->done = false;
}

static bool has_table(sqlite3 *db, const char *table)
{
	sqlite3_stmt *get = NULL;
	char sql[120];

	snprintf(sql, sizeof(sql), "SELECT 1 FROM \"%s\" LIMIT 0", table);
	bool has = sqlite3_prepare_v2(db, sql, -1, &get, NULL) == SQLITE_OK;

	sqlite3_finalize(get);
	return has;
}

static struct store_salvage *open_salvage(struct store *s, const char *path)
{
	char names[DB_TABLES_MAX][DB_TABLE_NAME_MAX + 1];
	struct store_salvage *v = calloc(1, sizeof(*v));

	if (!v || !(v->path = strdup(path))) {
		free(v);
		return NULL;
	}
	cut_torn_page(path);
	repair_header(path);
	if (sqlite3_open_v2(path, &v->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return v;
	sqlite3_db_config(v->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* what can be read of a damaged schema is enough */
	sqlite3_exec(v->from, "PRAGMA writable_schema = ON; PRAGMA cell_size_check = ON", NULL, NULL, NULL);
	size_t n = db_list_tables(s->db.handle, names);

	for (size_t i = 0; i < n; i++) {
		struct salvage_table *t = &v->tables[v->n_tables];
		char order[200];

		/* slots follow from the readings, starts from the intervals */
		if (!has_table(v->from, names[i]) || strcmp(names[i], "slot") == 0 ||
		    strcmp(names[i], "interval_start") == 0)
			continue;
		snprintf(t->name, sizeof(t->name), "%s", names[i]);
		db_key_order(s->db.handle, t->name, "", order, sizeof(order));
		t->key = strncmp(t->name, "reading_", 8) == 0 ? "id" : "ts";
		t->shift = t->key[0] == 'i' ? DB_SLOT_BITS : 0;
		t->by_time = t->shift > 0 || strncmp(order, "\"ts\"", 4) == 0;
		rewind_table(t);
		v->n_tables++;
		v->n_small += !is_big(t->name);
	}
	return v;
}

/* As much as the account goes back to when it is taken up again; of powers less. */
static int copy_newest_of(struct store *s, struct store_salvage *v, struct salvage_table *t)
{
	int64_t needed_s = strncmp(t->name, "reading_power", 13) == 0 ? 0 : STORE_SAVE_EVERY_S + STORE_REPLAY_BACK_S;
	int r = copy_rows(s, v, t, 1);
	int64_t until_s = t->bound_s - needed_s;

	do {
		r = r == 0 ? copy_rows(s, v, t, SALVAGE_AT_ONCE - 1) : r;
	} while (r == 0 && !t->done && t->bound_s > until_s);
	return r;
}

/* The newest rows of the big tables: all that polling and the account need to go on from. */
static int copy_newest(struct store *s, struct store_salvage *v)
{
	int r = 0;

	for (size_t i = v->n_small; i < v->n_tables && r == 0; i++)
		r = copy_newest_of(s, v, &v->tables[i]);
	return r;
}

static bool is_done(const struct store_salvage *v)
{
	for (size_t i = 0; i < v->n_tables; i++)
		if (!v->tables[i].done)
			return false;
	return true;
}

static void end_salvage(struct store *s)
{
	struct store_salvage *v = s->salvage;
	char detail[400];

	snprintf(detail, sizeof(detail), "%zu rows taken over from %s, %zu places in it could not be read", v->n_rows,
		 v->path, v->n_holes);
	log_info("%s: %s", s->db.path, detail);
	store_event(s, mono_wall_ms(), "tallyd", "database-recovered", detail);
	free_salvage(v);
	s->salvage = NULL;
}

int store_salvage_begin(struct store *s, const char *path)
{
	struct store_salvage *v = open_salvage(s, path);
	int r = v ? db_exec(&s->db, "BEGIN IMMEDIATE") : -ENOMEM;

	if (r == 0)
		r = copy_small(s, v);
	if (r == 0)
		r = copy_newest(s, v);
	if (r == 0 && !is_done(v))
		r = note_salvage(s, v);
	if (r == 0)
		r = db_exec(&s->db, "COMMIT");
	if (r != 0) {
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
		if (v)
			free_salvage(v);
		return r;
	}
	s->salvage = v;
	if (is_done(v))
		end_salvage(s);
	else
		log_info("%s: %zu rows taken over from %s so far, the older ones follow while the daemon runs",
			 s->db.path, v->n_rows, v->path);
	return 0;
}

void store_salvage_resume(struct store *s)
{
	char note[4200] = "", *path;
	sqlite3_stmt *get = db_prepare(&s->db, "SELECT value FROM setting WHERE name = 'salvage'");

	if (get && sqlite3_step(get) == SQLITE_ROW)
		snprintf(note, sizeof(note), "%s", (const char *)sqlite3_column_text(get, 0));
	sqlite3_finalize(get);
	int64_t last_id = strtoll(note, &path, 10);

	if (*path != ' ' || access(path + 1, R_OK | W_OK) != 0)
		return;
	s->salvage = open_salvage(s, path + 1);
	if (!s->salvage)
		return;
	s->salvage->last_id = last_id;
	for (size_t i = 0; i < s->salvage->n_small; i++)
		s->salvage->tables[i].done = true;
}

int store_salvage_more(struct store *s)
{
	struct store_salvage *v = s->salvage;
	size_t i = 0;

	if (!v)
		return 0;
	while (i < v->n_tables && v->tables[i].done)
		i++;
	if (i < v->n_tables)
		return copy_rows(s, v, &v->tables[i], SALVAGE_STEP);
	int r = db_exec(&s->db, "DELETE FROM setting WHERE name = 'salvage'");

	if (r == 0)
		end_salvage(s);
	return r;
}

/* What was copied since the last commit is gone again: rows that are there already do no harm. */
void store_salvage_undo(struct store *s)
{
	if (!s->salvage)
		return;
	for (size_t i = s->salvage->n_small; i < s->salvage->n_tables; i++)
		rewind_table(&s->salvage->tables[i]);
	s->salvage->n_rows = s->salvage->n_holes = 0;
}

void store_salvage_close(struct store *s)
{
	if (s->salvage)
		free_salvage(s->salvage);
	s->salvage = NULL;
}
