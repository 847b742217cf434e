/* SPDX-License-Identifier: MIT */
#include "tally_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "db_file.h"
#include "err.h"
#include "mono.h"
#include "owner.h"
#include "reader.h"
#include "tally_load.h"

enum { LOOK_EVERY_US = 100000 };

/* Does another request of this kind for this meter wait? Then which of the two is meant? what: the one that waits. */
static bool is_contradiction(struct db *db, const struct tally_request *r, char *what, size_t size)
{
	sqlite3_stmt *get = db_prepare(db, "SELECT what FROM request WHERE state = 'waiting' "
					   "AND substr(what || ' ', 1, length(?1)) = ?1");
	char begins[CONF_NAME_MAX + 20];
	bool found;

	if (get == NULL)
		return false;
	snprintf(begins, sizeof(begins), "%s %s ", r->kind, r->name);
	sqlite3_bind_text(get, 1, begins, -1, SQLITE_STATIC);
	found = sqlite3_step(get) == SQLITE_ROW;
	if (found)
		snprintf(what, size, "%s", (const char *)sqlite3_column_text(get, 0));
	sqlite3_finalize(get);
	return found;
}

/* Write the row. 0, or -errno. */
static int put(struct db *db, const struct tally_request *r, int64_t *id)
{
	sqlite3_stmt *put =
		db_prepare(db, "INSERT INTO request_log (kind, what, meter, asked_ts, at_ts, final, initial, "
			       "forced, new_name, named) "
			       "VALUES (?1, ?2, ?3, ?4, ifnull(?9, ?4), ?5, ?6, ?7, ?8, ?9 IS NOT NULL)");
	int rc;

	if (put == NULL)
		return -EIO;
	sqlite3_bind_text(put, 1, r->kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 2, r->what, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 3, r->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 4, mono_wall_ms() / 1000);
	if (r->has_final)
		sqlite3_bind_int64(put, 5, r->final);
	if (r->has_initial)
		sqlite3_bind_int64(put, 6, r->initial);
	sqlite3_bind_int(put, 7, r->is_forced);
	sqlite3_bind_text(put, 8, r->new_name, -1, SQLITE_STATIC);
	if (r->at_s != 0)
		sqlite3_bind_int64(put, 9, r->at_s);
	rc = db_run(db, put);
	sqlite3_finalize(put);
	*id = sqlite3_last_insert_rowid(db->handle);
	return rc;
}

/* Leave the request in the database. 0, or -errno with an error added. */
static int leave(const struct tally_request *r, const char *path, int64_t *id, struct err *e)
{
	struct db db;
	char what[200];
	int rc = db_file_join(&db, path);

	if (rc == 0)
		rc = db_begin(&db);
	if (rc != 0)
		goto out;
	if (is_contradiction(&db, r, what, sizeof(what))) {
		err_add(e, NULL, 0, "%s: \"%s\" waits already; start tallyd to carry it out first", r->name, what);
		rc = -EEXIST;
		goto out;
	}
	rc = put(&db, r, id);
	if (rc == 0)
		rc = db_commit(&db);
out:
	if (rc != 0 && rc != -EEXIST)
		err_add(e, path, 0, "cannot be written: %s; nothing was changed; run it as root or as user tallyd",
			db.error);
	db_file_close(&db);
	return rc;
}

enum verdict { WAITING, DONE, REFUSED, UNREADABLE };

static enum verdict look(struct reader *r, int64_t id)
{
	const char *state;

	reader_ask(r, "SELECT state, reason FROM request WHERE id = ?");
	reader_bind_whole(r, 1, id);
	if (reader_next(r) != READER_ROW)
		return UNREADABLE;
	state = reader_text(r, 0);
	return strcmp(state, "done") == 0 ? DONE : strcmp(state, "refused") == 0 ? REFUSED : WAITING;
}

/* Returns the exit code. */
static int wait_for_verdict(const struct tally_request *x, const struct conf *conf, struct reader *r, int64_t id)
{
	int64_t until_us = mono_us() + 2 * (int64_t)conf->commit_interval_ms * 1000;
	enum verdict verdict;

	if (!reader_has_writer(r)) {
		printf("%s: request saved; tallyd is not running, the verdict comes when it starts, in the view "
		       "request\n",
		       x->name);
		return TALLY_GOOD;
	}
	while ((verdict = look(r, id)) == WAITING && mono_us() < until_us)
		mono_sleep_until_us(mono_us() + LOOK_EVERY_US);
	switch (verdict) {
	case DONE:
		printf("%s: %s\n", x->name, reader_text(r, 1));
		return TALLY_GOOD;
	case REFUSED:
		fprintf(stderr, "%s: refused, nothing was changed: %s\n", x->name, reader_text(r, 1));
		return TALLY_BAD;
	case WAITING:
		printf("%s: request saved; %s\n", x->name,
		       x->later != NULL ? x->later : "the verdict comes later, in the view request");
		return TALLY_GOOD;
	case UNREADABLE:
		break;
	}
	fprintf(stderr, "%s\n", reader_error(r));
	return TALLY_BAD;
}

static bool is_in_database(struct reader *r, const char *name)
{
	reader_ask(r, "SELECT 1 FROM subject WHERE name = ? AND kind IN ('meter', 'input')");
	reader_bind_text(r, 1, name);
	return reader_next(r) == READER_ROW;
}

int tally_request(const struct conf *conf, const struct tally_request *x)
{
	/* The reader also sees that the file is ours before anything is written into it. */
	struct reader *r = owner_become(conf->store_path) ? tally_open_database(conf) : NULL;
	struct err e = {0};
	int64_t id = 0;
	int code = TALLY_BAD;

	if (r == NULL)
		return TALLY_BAD;
	if (!is_in_database(r, x->name))
		err_add(&e, NULL, 0, "%s: not in %s yet; start tallyd with this configuration first", x->name,
			conf->store_path);
	else if (leave(x, conf->store_path, &id, &e) == 0)
		code = wait_for_verdict(x, conf, r, id);
	err_print(&e, stderr);
	err_fini(&e);
	reader_close(r);
	return code;
}
