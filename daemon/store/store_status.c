/* SPDX-License-Identifier: MIT */
#include "store_status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int store_status_configure(struct store_status *st, size_t n_meters, const struct conf *conf)
{
	struct store_bus_status *buses = calloc(conf->n_buses + 1, sizeof(*buses));
	struct store_meter_status *meters = NULL;

	if (buses != NULL)
		meters = realloc(st->meters, (n_meters + 1) * sizeof(*meters));
	if (meters == NULL) {
		free(buses);
		return -ENOMEM;
	}
	memset(meters + st->n_meters, 0, (n_meters - st->n_meters) * sizeof(*meters));
	st->meters = meters;
	st->n_meters = n_meters;
	for (size_t i = 0; i < conf->n_buses; i++) {
		snprintf(buses[i].name, sizeof(buses[i].name), "%s", conf->buses[i].name);
		for (size_t k = 0; k < st->n_buses; k++)
			if (strcmp(st->buses[k].name, buses[i].name) == 0)
				buses[i] = st->buses[k];
	}
	free(st->buses);
	st->buses = buses;
	st->n_buses = conf->n_buses;
	return 0;
}

void store_status_free(struct store_status *st)
{
	free(st->meters);
	free(st->buses);
	*st = (struct store_status){0};
}

/* Take a text, cut where it is too long. Returns true when it is another one than before. */
static bool take_text(char *out, size_t size, const char *text)
{
	const char *given = text != NULL ? text : "";

	if (strncmp(out, given, size - 1) == 0)
		return false;
	snprintf(out, size, "%s", given);
	return true;
}

void store_status_set_meter(struct store_status *st, size_t meter, const struct meter_status *status)
{
	struct store_meter_status *m;

	if (meter >= st->n_meters)
		return;
	m = &st->meters[meter];
	m->is_urgent |= take_text(m->state, sizeof(m->state), status->state);
	m->is_urgent |= take_text(m->mismatch, sizeof(m->mismatch), status->mismatch);
	m->is_urgent |= take_text(m->refused, sizeof(m->refused), status->refused);
	take_text(m->faults, sizeof(m->faults), status->faults);
	m->figures = *status;
	m->figures.state = m->figures.mismatch = m->figures.refused = m->figures.faults = NULL;
	m->has_news = true;
}

void store_status_set_bus(struct store_status *st, const char *bus, const struct bus_status *status)
{
	for (size_t i = 0; i < st->n_buses; i++) {
		struct store_bus_status *b = &st->buses[i];

		if (strcmp(b->name, bus) != 0)
			continue;
		b->is_urgent |= take_text(b->state, sizeof(b->state), status->state);
		b->figures = *status;
		b->figures.state = NULL;
		b->has_news = true;
	}
}

bool store_status_is_urgent(const struct store_status *st)
{
	for (size_t i = 0; i < st->n_meters; i++)
		if (st->meters[i].is_urgent)
			return true;
	for (size_t i = 0; i < st->n_buses; i++)
		if (st->buses[i].is_urgent)
			return true;
	return false;
}

bool store_status_is_due(const struct store_status *st, int64_t now_s, int64_t started_s)
{
	bool is_early = now_s - started_s < STORE_STATUS_EARLY_S;

	return llabs(now_s - st->written_s) >= (is_early ? STORE_STATUS_EARLY_EVERY_S : STORE_STATUS_EVERY_S);
}

static int write_meter(struct db *db, sqlite3_stmt *put, int64_t id, const struct store_meter_status *m)
{
	sqlite3_bind_int64(put, 1, id);
	sqlite3_bind_text(put, 2, m->state, -1, SQLITE_STATIC);
	if (m->figures.last_good_s != 0)
		sqlite3_bind_int64(put, 3, m->figures.last_good_s);
	sqlite3_bind_int64(put, 4, (int64_t)m->figures.failures);
	sqlite3_bind_int64(put, 5, (int64_t)m->figures.requests);
	sqlite3_bind_int64(put, 6, (int64_t)m->figures.timeouts);
	sqlite3_bind_int64(put, 7, (int64_t)m->figures.crc_errors);
	sqlite3_bind_int64(put, 8, (int64_t)m->figures.exceptions);
	sqlite3_bind_int64(put, 9, m->figures.latency_us);
	sqlite3_bind_text(put, 10, m->mismatch, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 11, m->faults, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 12, m->refused, -1, SQLITE_STATIC);
	return db_run(db, put);
}

/* Most commits have no row to write, and prepare nothing. */
static int write_meters(const struct store_status *st, struct db *db, const struct db_meters *meters, bool figures)
{
	sqlite3_stmt *put = NULL;
	int rc = 0;

	for (size_t i = 0; i < st->n_meters && rc == 0; i++) {
		const struct store_meter_status *m = &st->meters[i];

		if (!m->is_urgent && !(figures && m->has_news))
			continue;
		if (put == NULL)
			put = db_prepare(db, "REPLACE INTO status_of_meter (meter, state, last_good_ts, failures, "
					     "requests, timeouts, crc_errors, exceptions, latency_us, mismatch, "
					     "faults, refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
		rc = put != NULL ? write_meter(db, put, meters->list[i].id, m) : -EIO;
	}
	sqlite3_finalize(put);
	return rc;
}

static int write_bus(struct db *db, sqlite3_stmt *put, const struct store_bus_status *b)
{
	sqlite3_bind_text(put, 1, b->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 2, b->state, -1, SQLITE_STATIC);
	sqlite3_bind_double(put, 3, b->figures.busy_percent);
	sqlite3_bind_int64(put, 4, (int64_t)b->figures.requests);
	sqlite3_bind_int64(put, 5, (int64_t)b->figures.errors);
	sqlite3_bind_int64(put, 6, (int64_t)b->figures.overruns);
	sqlite3_bind_int64(put, 7, b->figures.round_ms);
	return db_run(db, put);
}

static int write_buses(const struct store_status *st, struct db *db, bool figures)
{
	sqlite3_stmt *put = NULL;
	int rc = 0;

	for (size_t i = 0; i < st->n_buses && rc == 0; i++) {
		const struct store_bus_status *b = &st->buses[i];

		if (!b->is_urgent && !(figures && b->has_news))
			continue;
		if (put == NULL)
			put = db_prepare(db, "REPLACE INTO status_of_bus (bus, state, busy_percent, requests, errors, "
					     "overruns, round_ms) VALUES (?, ?, ?, ?, ?, ?, ?)");
		rc = put != NULL ? write_bus(db, put, b) : -EIO;
	}
	sqlite3_finalize(put);
	return rc;
}

int store_status_write(const struct store_status *st, struct db *db, const struct db_meters *meters, bool figures)
{
	int rc = write_meters(st, db, meters, figures);

	return rc == 0 ? write_buses(st, db, figures) : rc;
}

void store_status_written(struct store_status *st, bool figures, int64_t now_s)
{
	for (size_t i = 0; i < st->n_meters; i++) {
		struct store_meter_status *m = &st->meters[i];

		m->has_news = m->has_news && !figures && !m->is_urgent;
		m->is_urgent = false;
	}
	for (size_t i = 0; i < st->n_buses; i++) {
		struct store_bus_status *b = &st->buses[i];

		b->has_news = b->has_news && !figures && !b->is_urgent;
		b->is_urgent = false;
	}
	if (figures)
		st->written_s = now_s;
}
