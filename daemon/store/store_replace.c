/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <sqlite3.h>

static int insert_replacement(sqlite3 *db, const char *meter, int64_t at_s, const int64_t *final,
			      const int64_t *initial)
{
	sqlite3_stmt *put = NULL;
	int r = sqlite3_prepare_v2(db,
				   "INSERT INTO replacement (meter, at_ts, final, initial) "
				   "SELECT name, ?2, ?3, ?4 FROM meter WHERE name = ?1 AND configured",
				   -1, &put, NULL);

	if (r == SQLITE_OK) {
		sqlite3_bind_text(put, 1, meter, -1, SQLITE_STATIC);
		sqlite3_bind_int64(put, 2, at_s);
		if (final)
			sqlite3_bind_int64(put, 3, *final);
		if (initial)
			sqlite3_bind_int64(put, 4, *initial);
		sqlite3_step(put);
	}
	return sqlite3_finalize(put);
}

int store_replace(const struct conf *conf, const char *meter, int64_t at_s, const int64_t *final,
		  const int64_t *initial, struct err *e)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(conf->store_path, &db, SQLITE_OPEN_READWRITE, NULL);

	sqlite3_busy_timeout(db, 5000);
	if (r == SQLITE_OK)
		r = insert_replacement(db, meter, at_s, final, initial);
	if (r != SQLITE_OK)
		err_add(e, conf->store_path, 0, "can not be written: %s", sqlite3_errmsg(db));
	else if (sqlite3_changes(db) == 0)
		err_add(e, NULL, 0, "%s: no such meter or input in %s", meter, conf->store_path);
	else
		meter = NULL;
	sqlite3_close(db);
	return meter ? -EINVAL : 0;
}
