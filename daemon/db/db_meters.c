/* SPDX-License-Identifier: MIT */
#include "db_meters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int db_meters_load(struct db_meters *m, struct db *db)
{
	size_t n = (size_t)db_number(db, "SELECT count(*) FROM meter", 0), i = 0;
	struct db_meter *list = calloc(n + 1, sizeof(*list));
	sqlite3_stmt *get = db_prepare(db, "SELECT id, name, configured, is_input, serial, was_configured "
					   "FROM meter ORDER BY id");
	int rc = list == NULL ? -ENOMEM : get == NULL ? -EIO : 0;

	if (rc != 0)
		goto out;
	while (i < n && db_next(db, get)) {
		struct db_meter *meter = &list[i++];

		meter->id = sqlite3_column_int64(get, 0);
		snprintf(meter->name, sizeof(meter->name), "%s", (const char *)sqlite3_column_text(get, 1));
		meter->configured = sqlite3_column_int(get, 2);
		meter->is_input = sqlite3_column_int(get, 3);
		meter->was_configured = sqlite3_column_int(get, 5);
		if (sqlite3_column_type(get, 4) != SQLITE_NULL)
			snprintf(meter->serial, sizeof(meter->serial), "%s", (const char *)sqlite3_column_text(get, 4));
	}
	if (sqlite3_finalize(get) != SQLITE_OK)
		rc = db_fail(db, "read");
	get = NULL;
	if (rc != 0)
		goto out;
	free(m->list);
	m->list = list;
	m->n = i;
	list = NULL;
out:
	sqlite3_finalize(get);
	free(list);
	return rc;
}

void db_meters_free(struct db_meters *m)
{
	free(m->list);
	*m = (struct db_meters){0};
}

int db_meters_find(const struct db_meters *m, int64_t id)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->list[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->n && m->list[low].id == id ? (int)low : -1;
}

int db_meters_find_name(const struct db_meters *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].configured && strcmp(m->list[i].name, name) == 0)
			return (int)i;
	return -1;
}

int db_meters_put_serial(struct db_meters *m, struct db *db, size_t meter, const char *serial)
{
	sqlite3_stmt *put = db_prepare(db, "UPDATE meter SET serial = ? WHERE id = ?");
	int rc;

	if (put == NULL)
		return -EIO;
	sqlite3_bind_text(put, 1, serial, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, m->list[meter].id);
	rc = db_run(db, put);
	sqlite3_finalize(put);
	if (rc == 0)
		snprintf(m->list[meter].serial, sizeof(m->list[meter].serial), "%s", serial);
	return rc;
}

static void bind_text(sqlite3_stmt *stmt, int i, const char *text)
{
	sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
}

static int write_buses(struct db *db, const struct conf *conf)
{
	sqlite3_stmt *put = NULL;
	int rc = db_exec(db, "UPDATE bus SET configured = 0 WHERE configured");

	if (rc != 0)
		return rc;
	put = db_prepare(db, "INSERT INTO bus (name, transport, configured) VALUES (?, ?, 1) ON CONFLICT (name) "
			     "DO UPDATE SET transport = excluded.transport, configured = 1");
	if (put == NULL)
		return -EIO;
	for (size_t i = 0; i < conf->n_buses && rc == 0; i++) {
		bind_text(put, 1, conf->buses[i].name);
		bind_text(put, 2, conf_transport_text(conf->buses[i].transport));
		rc = db_run(db, put);
	}
	sqlite3_finalize(put);
	return rc;
}

static int write_meters(struct db *db, const struct conf *conf)
{
	sqlite3_stmt *put = NULL;
	int rc = db_exec(db, "UPDATE meter SET configured = 0 WHERE configured");

	if (rc != 0)
		return rc;
	put = db_prepare(db,
			 "INSERT INTO meter (is_input, bus, name, label, model, address, kind, configured) "
			 "VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT (name) DO UPDATE "
			 "SET is_input = excluded.is_input, bus = excluded.bus, label = excluded.label, "
			 "model = excluded.model, address = excluded.address, kind = excluded.kind, configured = 1");
	if (put == NULL)
		return -EIO;
	for (size_t b = 0; b < conf->n_buses; b++) {
		const struct conf_bus *bus = &conf->buses[b];

		for (size_t i = 0; i < bus->n_meters && rc == 0; i++) {
			sqlite3_bind_int(put, 1, 0);
			bind_text(put, 2, bus->name);
			bind_text(put, 3, bus->meters[i].name);
			bind_text(put, 4, bus->meters[i].label);
			bind_text(put, 5, bus->meters[i].model);
			sqlite3_bind_int(put, 6, bus->meters[i].address);
			bind_text(put, 7, conf_kind_text(bus->meters[i].kind));
			rc = db_run(db, put);
		}
		for (size_t i = 0; i < bus->n_inputs && rc == 0; i++) {
			sqlite3_bind_int(put, 1, 1);
			bind_text(put, 2, bus->name);
			bind_text(put, 3, bus->inputs[i].name);
			bind_text(put, 4, bus->inputs[i].label);
			bind_text(put, 7, conf_kind_text(bus->inputs[i].kind));
			rc = db_run(db, put);
		}
	}
	sqlite3_finalize(put);
	return rc;
}

/* Statements about the periods of inputs. */
struct period_statements {
	sqlite3_stmt *same;   /* a running period that is the same */
	sqlite3_stmt *newest; /* from_ts of the newest period, or NULL */
	sqlite3_stmt *before; /* until_ts of the last one that another input has had on the same terminals, or NULL */
	sqlite3_stmt *read;   /* slot of the newest reading of its concentrator, now or until now, or NULL */
	sqlite3_stmt *end;
	sqlite3_stmt *begin;
};

static void bind_period(sqlite3_stmt *stmt, const struct conf_bus *bus, const struct conf_input *input)
{
	bind_text(stmt, 1, input->name);
	bind_text(stmt, 2, bus->meters[input->concentrator].name);
	sqlite3_bind_int(stmt, 3, input->input);
	sqlite3_bind_int64(stmt, 4, input->weight);
	sqlite3_bind_int64(stmt, 5, input->offset);
	bind_text(stmt, 6, names_get(input->quantity)->name);
	bind_text(stmt, 7, input->shown->text);
	sqlite3_bind_int64(stmt, 8, input->weight_per);
	sqlite3_bind_int64(stmt, 12, input->calorific);
}

/* The first second of a period that begins now. What has been read belongs to the one before, and a reading of a slot
 * that has come already, but is read later, to this one. A clock that was set back must not make periods overlap. */
static int64_t begin_now_s(struct db *db, struct period_statements *st, const struct conf_bus *bus,
			   const struct conf_input *input, int64_t newest_s, int64_t now_s)
{
	int64_t from_s = now_s;

	bind_text(st->read, 1, bus->meters[input->concentrator].name);
	bind_text(st->read, 2, input->name);
	if (db_next(db, st->read) && sqlite3_column_type(st->read, 0) != SQLITE_NULL &&
	    sqlite3_column_int64(st->read, 0) < now_s)
		from_s = sqlite3_column_int64(st->read, 0) + 1;
	sqlite3_reset(st->read);
	return from_s > newest_s ? from_s : newest_s + 1;
}

/* Begin a period for one input unless the running one is the same. The first one holds from the beginning of time, or
 * from the end of that of another input whose readings came from the same terminals. */
static int write_period(struct db *db, struct period_statements *st, const struct conf_bus *bus,
			const struct conf_input *input, int64_t now_s)
{
	int64_t from_s = 0;
	bool same;
	int rc;

	bind_period(st->same, bus, input);
	same = db_next(db, st->same);
	sqlite3_reset(st->same);
	if (same)
		return 0;
	bind_text(st->newest, 1, input->name);
	bind_text(st->before, 1, bus->meters[input->concentrator].name);
	sqlite3_bind_int(st->before, 2, input->input);
	if (db_next(db, st->newest) && sqlite3_column_type(st->newest, 0) != SQLITE_NULL)
		from_s = begin_now_s(db, st, bus, input, sqlite3_column_int64(st->newest, 0), now_s);
	else if (db_next(db, st->before))
		from_s = sqlite3_column_int64(st->before, 0);
	sqlite3_reset(st->newest);
	sqlite3_reset(st->before);
	sqlite3_bind_int64(st->end, 1, from_s);
	bind_text(st->end, 2, input->name);
	rc = db_run(db, st->end);
	if (rc != 0)
		return rc;
	bind_period(st->begin, bus, input);
	bind_text(st->begin, 9, names_get(input->quantity)->obis);
	sqlite3_bind_int64(st->begin, 10, names_unit_size(input->shown));
	sqlite3_bind_int64(st->begin, 11, from_s);
	return db_run(db, st->begin);
}

/* End the running periods of inputs that are no longer configured: after the last reading, if there is one. */
static int end_removed(struct db *db, int64_t now_s)
{
	sqlite3_stmt *end = db_prepare(
		db,
		"UPDATE input_period SET until_ts = max(from_ts + 1, "
		"min(?1, ifnull((SELECT (n.id >> %d) + 1 FROM newest_pulse n WHERE n.meter = concentrator), ?1))) "
		"WHERE until_ts = %lld AND meter IN (SELECT id FROM meter WHERE NOT configured OR NOT is_input)",
		DB_SLOT_BITS, (long long)INT64_MAX);
	int rc;

	if (end == NULL)
		return -EIO;
	sqlite3_bind_int64(end, 1, now_s);
	rc = db_run(db, end);
	sqlite3_finalize(end);
	return rc;
}

static int write_inputs(struct db *db, const struct conf *conf, int64_t now_s)
{
	struct period_statements st = {
		.same = db_prepare(db,
				   "SELECT 1 FROM input_period WHERE until_ts = %lld "
				   "AND meter = (SELECT id FROM meter WHERE name = ?1) "
				   "AND concentrator = (SELECT id FROM meter WHERE name = ?2) "
				   "AND input = ?3 AND weight = ?4 AND weight_per = ?8 AND offset = ?5 "
				   "AND quantity = ?6 AND unit = ?7 AND calorific = ?12",
				   (long long)INT64_MAX),
		.newest = db_prepare(db, "SELECT max(from_ts) FROM input_period "
					 "WHERE meter = (SELECT id FROM meter WHERE name = ?)"),
		.before = db_prepare(db,
				     "SELECT max(p.until_ts) FROM input_period p "
				     "JOIN newest_pulse n ON n.meter = p.concentrator WHERE p.until_ts < %lld "
				     "AND p.concentrator = (SELECT id FROM meter WHERE name = ?1) AND p.input = ?2",
				     (long long)INT64_MAX),
		.read = db_prepare(db,
				   "SELECT max(id) >> %d FROM newest_pulse WHERE meter IN (SELECT id FROM meter "
				   "WHERE name = ?1 UNION ALL SELECT p.concentrator FROM input_period p "
				   "JOIN meter m ON m.id = p.meter WHERE m.name = ?2 AND p.until_ts = %lld)",
				   DB_SLOT_BITS, (long long)INT64_MAX),
		.end = db_prepare(db,
				  "UPDATE input_period SET until_ts = ?1 WHERE until_ts = %lld "
				  "AND meter = (SELECT id FROM meter WHERE name = ?2)",
				  (long long)INT64_MAX),
		.begin = db_prepare(db,
				    "INSERT INTO input_period (meter, from_ts, until_ts, concentrator, input, "
				    "quantity, obis, unit, per, weight, weight_per, offset, calorific) "
				    "VALUES ((SELECT id FROM meter WHERE name = ?1), ?11, %lld, "
				    "(SELECT id FROM meter WHERE name = ?2), ?3, ?6, ?9, ?7, ?10, ?4, ?8, ?5, ?12)",
				    (long long)INT64_MAX),
	};
	int rc = st.same != NULL && st.newest != NULL && st.before != NULL && st.read != NULL && st.end != NULL &&
				 st.begin != NULL
			 ? 0
			 : -EIO;

	for (size_t b = 0; b < conf->n_buses; b++)
		for (size_t i = 0; i < conf->buses[b].n_inputs && rc == 0; i++)
			rc = write_period(db, &st, &conf->buses[b], &conf->buses[b].inputs[i], now_s);
	sqlite3_finalize(st.same);
	sqlite3_finalize(st.newest);
	sqlite3_finalize(st.before);
	sqlite3_finalize(st.read);
	sqlite3_finalize(st.end);
	sqlite3_finalize(st.begin);
	return rc;
}

int db_meters_write(struct db *db, const struct conf *conf, int64_t now_s)
{
	int rc = write_buses(db, conf);

	if (rc != 0)
		return rc;
	rc = write_meters(db, conf);
	if (rc != 0)
		return rc;
	rc = end_removed(db, now_s);
	if (rc != 0)
		return rc;
	return write_inputs(db, conf, now_s);
}

int db_meters_taken(struct db *db)
{
	return db_exec(db, "UPDATE meter SET was_configured = configured WHERE was_configured <> configured");
}
