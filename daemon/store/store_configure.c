/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mono.h"

/* What a pulse of each unit counts, as the views name it. */
static const struct {
	const char *quantity, *obis;
} counted[] = {
	[CONF_WH] = {"active_energy_import", "1.8.0"}, [CONF_VARH] = {"reactive_energy_import", "3.8.0"},
	[CONF_VAH] = {"apparent_energy", "9.8.0"},     [CONF_LITRE] = {"volume", ""},
	[CONF_CUBIC_METRE] = {"volume", ""},	       [CONF_KCAL] = {"heat", ""},
};

static void bind_text(sqlite3_stmt *stmt, int i, const char *text)
{
	sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
}

static int write_buses(struct store *s, const struct conf *conf)
{
	int r = db_exec(&s->db, "UPDATE bus SET configured = 0 WHERE configured");
	sqlite3_stmt *put = db_prepare(&s->db, "INSERT INTO bus (name, transport, configured) VALUES (?, ?, 1) "
					       "ON CONFLICT (name) DO UPDATE "
					       "SET transport = excluded.transport, configured = 1");

	if (!put)
		return -EIO;
	for (size_t i = 0; i < conf->n_buses && r == 0; i++) {
		bind_text(put, 1, conf->buses[i].name);
		bind_text(put, 2, conf_transport_text(conf->buses[i].transport));
		r = db_run(&s->db, put);
	}
	sqlite3_finalize(put);
	return r;
}

static int write_meters(struct store *s, const struct conf *conf)
{
	int r = db_exec(&s->db, "UPDATE meter SET configured = 0 WHERE configured");
	sqlite3_stmt *put =
		db_prepare(&s->db, "INSERT INTO meter (is_input, bus, name, label, model, address, configured) "
				   "VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (name) DO UPDATE "
				   "SET is_input = excluded.is_input, bus = excluded.bus, "
				   "label = excluded.label, model = excluded.model, "
				   "address = excluded.address, configured = 1");

	if (!put)
		return -EIO;
	for (size_t b = 0; b < conf->n_buses; b++) {
		const struct conf_bus *bus = &conf->buses[b];

		for (size_t i = 0; i < bus->n_meters && r == 0; i++) {
			sqlite3_bind_int(put, 1, 0);
			bind_text(put, 2, bus->name);
			bind_text(put, 3, bus->meters[i].name);
			bind_text(put, 4, bus->meters[i].label);
			bind_text(put, 5, bus->meters[i].model);
			sqlite3_bind_int(put, 6, bus->meters[i].address);
			r = db_run(&s->db, put);
		}
		for (size_t i = 0; i < bus->n_inputs && r == 0; i++) {
			sqlite3_bind_int(put, 1, 1);
			bind_text(put, 2, bus->name);
			bind_text(put, 3, bus->inputs[i].name);
			bind_text(put, 4, bus->inputs[i].label);
			r = db_run(&s->db, put);
		}
	}
	sqlite3_finalize(put);
	return r;
}

/* Statements about the periods of inputs. */
struct period_statements {
	sqlite3_stmt *same;   /* a running period that says the same */
	sqlite3_stmt *newest; /* from_ts of the newest period, or NULL */
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
	bind_text(stmt, 6, counted[input->unit].quantity);
	bind_text(stmt, 7, conf_unit_text(input->unit));
	sqlite3_bind_int64(stmt, 8, input->weight_per);
}

/* Begin a period for one input unless the running one says the same. The first ever holds from the beginning. */
static int write_period(struct store *s, struct period_statements *st, const struct conf_bus *bus,
			const struct conf_input *input, int64_t now_s)
{
	int64_t from_s = 0;

	bind_period(st->same, bus, input);
	bool same = sqlite3_step(st->same) == SQLITE_ROW;

	sqlite3_reset(st->same);
	if (same)
		return 0;
	bind_text(st->newest, 1, input->name);
	if (sqlite3_step(st->newest) == SQLITE_ROW && sqlite3_column_type(st->newest, 0) != SQLITE_NULL) {
		/* a clock that was set back must not make periods overlap */
		from_s = sqlite3_column_int64(st->newest, 0) + 1;
		if (from_s < now_s)
			from_s = now_s;
	}
	sqlite3_reset(st->newest);
	sqlite3_bind_int64(st->end, 1, from_s);
	bind_text(st->end, 2, input->name);
	int r = db_run(&s->db, st->end);

	if (r != 0)
		return r;
	bind_period(st->begin, bus, input);
	bind_text(st->begin, 9, counted[input->unit].obis);
	sqlite3_bind_int64(st->begin, 10, conf_unit_per_shown(input->unit));
	sqlite3_bind_int64(st->begin, 11, from_s);
	return db_run(&s->db, st->begin);
}

/* End the running periods of inputs that are no longer configured. */
static int end_removed(struct store *s, int64_t now_s)
{
	sqlite3_stmt *end = db_prepare(&s->db,
				       "UPDATE input_period SET until_ts = max(?, from_ts + 1) WHERE until_ts = %lld "
				       "AND meter IN (SELECT id FROM meter WHERE NOT configured OR NOT is_input)",
				       (long long)INT64_MAX);
	int r;

	if (!end)
		return -EIO;
	sqlite3_bind_int64(end, 1, now_s);
	r = db_run(&s->db, end);
	sqlite3_finalize(end);
	return r;
}

static int write_inputs(struct store *s, const struct conf *conf, int64_t now_s)
{
	struct period_statements st = {
		.same = db_prepare(&s->db,
				   "SELECT 1 FROM input_period WHERE until_ts = %lld "
				   "AND meter = (SELECT id FROM meter WHERE name = ?1) "
				   "AND concentrator = (SELECT id FROM meter WHERE name = ?2) "
				   "AND input = ?3 AND weight = ?4 AND weight_per = ?8 AND offset = ?5 "
				   "AND quantity = ?6 AND unit = ?7",
				   (long long)INT64_MAX),
		.newest = db_prepare(&s->db, "SELECT max(from_ts) FROM input_period "
					     "WHERE meter = (SELECT id FROM meter WHERE name = ?)"),
		.end = db_prepare(&s->db,
				  "UPDATE input_period SET until_ts = ?1 WHERE until_ts = %lld "
				  "AND meter = (SELECT id FROM meter WHERE name = ?2)",
				  (long long)INT64_MAX),
		.begin = db_prepare(&s->db,
				    "INSERT INTO input_period (meter, from_ts, until_ts, concentrator, input, "
				    "quantity, obis, unit, per, weight, weight_per, offset) "
				    "VALUES ((SELECT id FROM meter WHERE name = ?1), ?11, %lld, "
				    "(SELECT id FROM meter WHERE name = ?2), ?3, ?6, ?9, ?7, ?10, ?4, ?8, ?5)",
				    (long long)INT64_MAX),
	};
	int r = st.same && st.newest && st.end && st.begin ? 0 : -EIO;

	for (size_t b = 0; b < conf->n_buses; b++)
		for (size_t i = 0; i < conf->buses[b].n_inputs && r == 0; i++)
			r = write_period(s, &st, &conf->buses[b], &conf->buses[b].inputs[i], now_s);
	sqlite3_finalize(st.same);
	sqlite3_finalize(st.newest);
	sqlite3_finalize(st.end);
	sqlite3_finalize(st.begin);
	return r;
}

/* Move what is held about each known meter into the new list, which is sorted by id as the old one. */
static void carry_over(struct store *s, struct store_meter *meters, size_t n_meters)
{
	size_t old = 0;

	for (size_t i = 0; i < n_meters; i++) {
		while (old < s->n_meters && s->meters[old].id < meters[i].id)
			free(s->meters[old++].serial);
		if (old == s->n_meters || s->meters[old].id != meters[i].id)
			continue;
		struct store_meter *from = &s->meters[old++];
		bool configured = meters[i].configured, is_input = meters[i].is_input;

		meters[i] = *from;
		meters[i].configured = configured;
		meters[i].is_input = is_input;
	}
	while (old < s->n_meters)
		free(s->meters[old++].serial);
}

int store_load_meters(struct store *s)
{
	int r = -ENOMEM;
	size_t n = (size_t)db_number(&s->db, "SELECT count(*) FROM meter", 0), i = 0;
	struct store_meter *meters = calloc(n + 1, sizeof(*meters));
	sqlite3_stmt *get = db_prepare(&s->db, "SELECT id, name, configured, is_input, serial FROM meter ORDER BY id");

	if (!meters || !get)
		goto out;
	while (i < n && sqlite3_step(get) == SQLITE_ROW) {
		meters[i].id = sqlite3_column_int64(get, 0);
		snprintf(meters[i].name, sizeof(meters[i].name), "%s", (const char *)sqlite3_column_text(get, 1));
		meters[i].configured = sqlite3_column_int(get, 2);
		meters[i].is_input = sqlite3_column_int(get, 3);
		if (sqlite3_column_type(get, 4) != SQLITE_NULL)
			snprintf(meters[i].known_serial, sizeof(meters[i].known_serial), "%s",
				 (const char *)sqlite3_column_text(get, 4));
		i++;
	}
	carry_over(s, meters, i);
	free(s->meters);
	s->meters = meters;
	s->n_meters = i;
	meters = NULL;
	r = 0;
out:
	sqlite3_finalize(get);
	free(meters);
	return r;
}

static int load_buses(struct store *s, const struct conf *conf)
{
	struct store_bus *buses = calloc(conf->n_buses + 1, sizeof(*buses));

	if (!buses)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_buses; i++) {
		snprintf(buses[i].name, sizeof(buses[i].name), "%s", conf->buses[i].name);
		for (size_t k = 0; k < s->n_buses; k++)
			if (strcmp(s->buses[k].name, buses[i].name) == 0)
				buses[i] = s->buses[k];
	}
	free(s->buses);
	s->buses = buses;
	s->n_buses = conf->n_buses;
	return 0;
}

static int load_newest_of(struct store *s, size_t kind)
{
	const char *name = s->kinds[kind].name;
	sqlite3_stmt *get = db_prepare(&s->db,
				       "SELECT w.meter, w.id, n.id FROM newest_%s w LEFT JOIN newest n "
				       "ON n.meter = w.meter AND n.kind = '%s'",
				       name, name);

	if (!get)
		return -EIO;
	while (sqlite3_step(get) == SQLITE_ROW) {
		struct store_meter *m = store_find_meter(s, sqlite3_column_int64(get, 0));

		if (!m)
			continue;
		m->newest_id[kind] = sqlite3_column_int64(get, 1);
		m->persisted_id[kind] = sqlite3_column_int64(get, 2);
	}
	sqlite3_finalize(get);
	return 0;
}

int store_load_newest(struct store *s)
{
	int r = 0;

	for (size_t i = 0; i < s->n_meters; i++) {
		memset(s->meters[i].newest_id, 0, sizeof(s->meters[i].newest_id));
		memset(s->meters[i].persisted_id, 0, sizeof(s->meters[i].persisted_id));
	}
	for (size_t k = 0; k < s->n_kinds && r == 0; k++)
		r = load_newest_of(s, k);
	return r;
}

int store_configure(struct store *s, const struct conf *conf, struct err *e)
{
	int64_t now_s = mono_wall_ms() / 1000;
	int r = db_exec(&s->db, "BEGIN IMMEDIATE");

	s->keep_s = (int64_t)conf->keep_readings_d * 86400;

	if (r == 0)
		r = write_buses(s, conf);
	if (r == 0)
		r = write_meters(s, conf);
	if (r == 0)
		r = end_removed(s, now_s);
	if (r == 0)
		r = write_inputs(s, conf, now_s);
	if (r == 0)
		r = db_exec(&s->db, "COMMIT");
	if (r == 0)
		r = store_load_meters(s);
	if (r == 0)
		r = load_buses(s, conf);
	if (r == 0)
		r = store_account_configure(s, conf);
	if (r != 0) {
		err_add(e, s->db.path, 0, "the configuration can not be written: %s", s->db.error);
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}
