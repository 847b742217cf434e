/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"
#include "store_private.h"

const char *store_error(const struct store *s)
{
	return s->db.error;
}

/* Which table and which column of it each quantity goes to. */
static void sort_quantities(struct store *s)
{
	for (int q = 0; q < Q_COUNT; q++) {
		const char *table = names_get((enum quantity)q)->table;
		size_t k = 0;

		s->kind_of[q] = -1;
		if (!table[0])
			continue;
		while (k < s->n_kinds && strcmp(s->kinds[k].name, table) != 0)
			k++;
		if (k == s->n_kinds)
			s->kinds[s->n_kinds++].name = table;
		s->kind_of[q] = (int8_t)k;
		s->column_of[q] = (uint8_t)(5 + s->kinds[k].n_columns++);
	}
}

static int prepare_kind(struct store *s, size_t k)
{
	struct store_kind *kind = &s->kinds[k];
	sqlite3_str *sql = sqlite3_str_new(s->db.handle);

	sqlite3_str_appendf(sql, "INSERT INTO reading_%s (id, meter, delay_ms, quality", kind->name);
	for (int q = 0; q < Q_COUNT; q++)
		if (s->kind_of[q] == (int)k)
			sqlite3_str_appendf(sql, ", %s", names_get((enum quantity)q)->name);
	sqlite3_str_appendall(sql, ") VALUES (?, ?, ?, ?");
	for (size_t i = 0; i < kind->n_columns; i++)
		sqlite3_str_appendall(sql, ", ?");
	sqlite3_str_appendall(sql, ")");
	char *text = sqlite3_str_finish(sql);

	kind->insert = text ? db_prepare(&s->db, "%s", text) : NULL;
	sqlite3_free(text);
	kind->horizon = db_prepare(&s->db, "SELECT id FROM reading_%s ORDER BY id DESC LIMIT 1 OFFSET ?", kind->name);
	kind->exists =
		db_prepare(&s->db, "SELECT 1 FROM reading_%s WHERE id >= ? AND id < ? AND meter = ?", kind->name);
	return kind->insert && kind->horizon && kind->exists ? 0 : -EIO;
}

/* Make table quantity say what drivers/NAMES says; written only where it differs. */
static int write_quantities(struct store *s)
{
	int r = db_exec(&s->db, "BEGIN IMMEDIATE");
	sqlite3_stmt *put = db_prepare(
		&s->db, "INSERT INTO quantity (name, obis, unit, per, kind, place) "
			"VALUES (?1, ?2, ?3, ?4, ?5, ifnull((SELECT cid - 3 FROM pragma_table_info('reading_' || ?5) "
			"WHERE name = ?1), 0)) ON CONFLICT (name) DO UPDATE SET obis = excluded.obis, "
			"unit = excluded.unit, per = excluded.per, kind = excluded.kind, place = excluded.place "
			"WHERE obis <> excluded.obis OR unit <> excluded.unit OR per <> excluded.per "
			"OR kind <> excluded.kind OR place <> excluded.place");

	if (!put && r == 0)
		r = -EIO;
	for (int q = 0; q < Q_COUNT && r == 0; q++) {
		const struct names_row *row = names_get((enum quantity)q);

		sqlite3_bind_text(put, 1, row->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 2, row->obis, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 3, row->shown, -1, SQLITE_STATIC);
		sqlite3_bind_int(put, 4, row->per_shown);
		sqlite3_bind_text(put, 5, row->table, -1, SQLITE_STATIC);
		r = db_run(&s->db, put);
	}
	sqlite3_finalize(put);
	if (r == 0)
		r = db_exec(&s->db, "COMMIT");
	if (r != 0)
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int prepare_store(struct store *s, const struct conf *conf, struct err *e)
{
	int r = write_quantities(s);

	sort_quantities(s);
	for (size_t k = 0; k < s->n_kinds && r == 0; k++)
		r = prepare_kind(s, k);
	s->put_slot = db_prepare(&s->db, "INSERT OR IGNORE INTO slot (ts) VALUES (?)");
	if (r == 0 && !s->put_slot)
		r = -EIO;
	if (r == 0)
		r = store_account_open(s, conf);
	if (r == 0)
		r = store_load_meters(s);
	if (r == 0)
		r = store_load_newest(s);
	if (r != 0)
		err_add(e, s->db.path, 0, "%s", s->db.error);
	return r;
}

static void free_store(struct store *s)
{
	store_account_close(s);
	sqlite3_finalize(s->put_slot);
	for (size_t k = 0; k < s->n_kinds; k++) {
		sqlite3_finalize(s->kinds[k].insert);
		sqlite3_finalize(s->kinds[k].horizon);
		sqlite3_finalize(s->kinds[k].exists);
	}
	for (size_t i = 0; i < s->n_meters; i++)
		free(s->meters[i].serial);
	for (size_t i = 0; i < s->n_events; i++)
		free(s->events[i].subject);
	store_salvage_close(s);
	sqlite3_close(s->db.handle);
	if (s->claim_fd >= 0)
		close(s->claim_fd);
	free(s->events);
	free(s->meters);
	free(s->buses);
	free(s->held);
	free(s->db.path);
	free(s);
}

struct store *store_open(const struct conf *conf, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s || !(s->db.path = strdup(conf->store_path))) {
		err_add(e, NULL, 0, "no memory");
		free(s);
		return NULL;
	}
	s->claim_fd = -1;
	s->held_max = STORE_HELD_MAX;
	db_wal_init(&s->wal);
	if (store_open_file(s, conf, e) != 0 || prepare_store(s, conf, e) != 0) {
		free_store(s);
		return NULL;
	}
	return s;
}

struct store_meter *store_find_meter(const struct store *s, int64_t id)
{
	size_t low = 0, high = s->n_meters;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->meters[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n_meters && s->meters[low].id == id ? &s->meters[low] : NULL;
}

int64_t store_meter_id(const struct store *s, const char *name)
{
	for (size_t i = 0; i < s->n_meters; i++)
		if (s->meters[i].configured && strcmp(s->meters[i].name, name) == 0)
			return s->meters[i].id;
	return -1;
}

void store_add_event(struct store *s, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	struct store_event_held *event;
	size_t n_subject = strlen(subject) + 1, n_kind = strlen(kind) + 1, n_detail = strlen(detail) + 1;
	char *text = malloc(n_subject + n_kind + n_detail);

	if (!text)
		return;
	if (s->n_events == s->events_capacity) {
		size_t capacity = 2 * s->events_capacity + 16;
		struct store_event_held *events = realloc(s->events, capacity * sizeof(*events));

		if (!events) {
			free(text);
			return;
		}
		s->events = events;
		s->events_capacity = capacity;
	}
	event = &s->events[s->n_events++];
	event->at_ms = at_ms;
	event->subject = memcpy(text, subject, n_subject);
	event->kind = memcpy(text + n_subject, kind, n_kind);
	event->detail = memcpy(text + n_subject + n_kind, detail, n_detail);
}

void store_event(struct store *s, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	if (s->n_events < STORE_EVENTS_MAX)
		store_add_event(s, at_ms, subject, kind, detail);
	else
		s->n_events_dropped++;
}

void store_meter_status(struct store *s, int64_t meter, const struct meter_status *st)
{
	struct store_meter *m = store_find_meter(s, meter);
	const char *mismatch = st->mismatch ? st->mismatch : "";

	if (!m)
		return;
	if (strcmp(m->state, st->state) != 0 || strcmp(m->mismatch, mismatch) != 0)
		m->status_urgent = true;
	snprintf(m->state, sizeof(m->state), "%s", st->state);
	snprintf(m->mismatch, sizeof(m->mismatch), "%s", mismatch);
	snprintf(m->faults, sizeof(m->faults), "%s", st->faults ? st->faults : "");
	m->status = *st;
	m->status.state = m->status.mismatch = m->status.faults = NULL;
	m->status_held = true;
}

bool store_is_known_serial(const struct store *s, int64_t meter, const char *serial)
{
	const struct store_meter *m = store_find_meter(s, meter);
	const char *known = !m ? "" : m->serial ? m->serial : m->known_serial;

	return known[0] == '\0' || strcmp(known, serial) == 0;
}

void store_meter_serial(struct store *s, int64_t meter, const char *serial)
{
	struct store_meter *m = store_find_meter(s, meter);
	char *copy;

	/* Said again it keeps its place: what has come since is of the new meter. */
	if (!m || (m->serial && strcmp(m->serial, serial) == 0))
		return;
	copy = strdup(serial);
	if (!copy)
		return;
	if (!m->serial)
		s->n_serials++;
	free(m->serial);
	m->serial = copy;
	m->serial_at = s->held_bytes;
}

void store_tick(struct store *s, int64_t now_s)
{
	if (s->started_s == 0 || now_s < s->now_s)
		s->started_s = now_s;
	s->now_s = now_s;
}

void store_bus_status(struct store *s, const char *bus, const struct bus_status *st)
{
	for (size_t i = 0; i < s->n_buses; i++) {
		struct store_bus *b = &s->buses[i];

		if (strcmp(b->name, bus) != 0)
			continue;
		if (strcmp(b->state, st->state) != 0)
			b->status_urgent = true;
		snprintf(b->state, sizeof(b->state), "%s", st->state);
		b->status = *st;
		b->status.state = NULL;
		b->status_held = true;
	}
}

int64_t store_newest_s(const struct store *s)
{
	return s->account.newest_s;
}

size_t store_pending(const struct store *s)
{
	return s->n_held;
}

/* A held reading, taken apart. */
struct reading_held {
	struct store_record head;
	enum quantity quantities[Q_COUNT];
	int64_t values[Q_COUNT];
};

/* Has the meter a row of this kind in the slot already? */
static bool is_there(struct store *s, size_t k, const struct store_meter *m, int64_t slot_s)
{
	sqlite3_stmt *exists = s->kinds[k].exists;

	if (m->newest_id[k] >> STORE_SLOT_BITS < slot_s)
		return false;
	sqlite3_bind_int64(exists, 1, slot_s << STORE_SLOT_BITS);
	sqlite3_bind_int64(exists, 2, (slot_s + 1) << STORE_SLOT_BITS);
	sqlite3_bind_int64(exists, 3, m->id);
	bool there = sqlite3_step(exists) == SQLITE_ROW;

	sqlite3_reset(exists);
	return there;
}

/* A number for the next reading of a slot. Negative: -errno. */
static int64_t next_id(struct store *s, int64_t slot_s)
{
	struct store_slot *slot = &s->slots[(uint64_t)slot_s % STORE_SLOTS];
	int64_t first = slot_s << STORE_SLOT_BITS, end = (slot_s + 1) << STORE_SLOT_BITS;

	if (slot->slot_s != slot_s || slot->next == 0) {
		int64_t newest = first - 1;
		char sql[128];

		for (size_t k = 0; k < s->n_kinds; k++) {
			snprintf(sql, sizeof(sql), "SELECT max(id) FROM reading_%s WHERE id >= %lld AND id < %lld",
				 s->kinds[k].name, (long long)first, (long long)end);
			int64_t id = db_number(&s->db, sql, 0);

			if (id > newest)
				newest = id;
		}
		slot->slot_s = slot_s;
		slot->next = newest - first + 1;
		sqlite3_bind_int64(s->put_slot, 1, slot_s);
		int r = db_run(&s->db, s->put_slot);

		if (r != 0)
			return r;
	}
	return slot->next < 1 << STORE_SLOT_BITS ? first + slot->next++ : -EOVERFLOW;
}

/* Put the values of one held reading that belong to kind k into its table. 0 or -errno. */
static int write_kind(struct store *s, size_t k, const struct reading_held *held, int quality, int64_t id)
{
	struct store_kind *kind = &s->kinds[k];

	for (size_t i = 0; i < held->head.n_values; i++)
		if (s->kind_of[held->quantities[i]] == (int)k)
			sqlite3_bind_int64(kind->insert, s->column_of[held->quantities[i]], held->values[i]);
	sqlite3_bind_int64(kind->insert, 1, id);
	sqlite3_bind_int64(kind->insert, 2, held->head.meter);
	sqlite3_bind_int64(kind->insert, 3, held->head.delay_ms);
	sqlite3_bind_int(kind->insert, 4, quality);
	kind->touched = true;
	return db_run(&s->db, kind->insert);
}

/* The kinds of a reading that have values and no row yet. */
static unsigned new_kinds(struct store *s, const struct reading_held *held, const struct store_meter *m)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < held->head.n_values; i++)
		if (s->kind_of[held->quantities[i]] >= 0)
			kinds |= 1U << s->kind_of[held->quantities[i]];
	for (size_t k = 0; k < s->n_kinds; k++)
		if (kinds & 1U << k && is_there(s, k, m, held->head.slot_s))
			kinds &= ~(1U << k);
	return kinds;
}

static bool is_known(const struct store *s, enum quantity q, unsigned new_kinds)
{
	return s->kind_of[q] >= 0 && !(new_kinds & 1U << s->kind_of[q]);
}

/* What does not come into the tables must not be counted either. But where the clock may have gone back for good, the
 * account has to see it go on. */
static void leave_known(struct store *s, struct reading_held *held, unsigned new_kinds)
{
	uint8_t n = 0, n_known = 0;

	for (size_t i = 0; i < held->head.n_values; i++)
		n_known += is_known(s, held->quantities[i], new_kinds);
	if (n_known == 0 || store_account_until(s) - held->head.slot_s > ACCOUNT_BACK_S)
		return;
	for (size_t i = 0; i < held->head.n_values; i++) {
		if (is_known(s, held->quantities[i], new_kinds))
			continue;
		held->quantities[n] = held->quantities[i];
		held->values[n++] = held->values[i];
	}
	held->head.n_values = n;
}

/* Count one held reading and put it into its tables. */
static int write_reading(struct store *s, struct reading_held *held)
{
	struct store_meter *m = store_find_meter(s, held->head.meter);
	unsigned kinds = m ? new_kinds(s, held, m) : 0;

	leave_known(s, held, kinds);
	int suspects = store_account_feed(s, held->head.meter, held->head.slot_s, held->head.quality,
					  held->head.n_values, held->quantities, held->values);
	int64_t id = kinds ? next_id(s, held->head.slot_s) : 0;

	if (suspects < 0 || id < 0)
		return suspects < 0 ? suspects : (int)id;
	for (size_t k = 0; k < s->n_kinds; k++) {
		bool suspect = suspects & 1 << k;

		if (!(kinds & 1U << k))
			continue;
		int r = write_kind(s, k, held, suspect ? READING_SUSPECT : held->head.quality, id);

		if (r < 0)
			return r;
		if (m->newest_id[k] < id)
			m->newest_id[k] = id;
	}
	return store_account_suspects(s, (unsigned)suspects & kinds);
}

/* A serial number is written where it stands among the readings: what comes after it is of another meter. */
static int write_serial(struct store *s, struct store_meter *m)
{
	sqlite3_stmt *put;
	int r = 0;

	if (strcmp(m->known_serial, m->serial) == 0)
		return 0;
	put = db_prepare(&s->db, "UPDATE meter SET serial = ? WHERE id = ?");
	if (!put)
		return -EIO;
	sqlite3_bind_text(put, 1, m->serial, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, m->id);
	r = db_run(&s->db, put);
	sqlite3_finalize(put);
	if (r == 0 && m->known_serial[0]) {
		char detail[120];

		snprintf(detail, sizeof(detail), "serial number %s, now %s", m->known_serial, m->serial);
		r = store_exchange_meter(s, m, &(struct store_exchange){.meter = m->id, .by_serial = true}, m->serial,
					 detail);
	}
	return r;
}

/* Those that came before the reading at this place. */
static int write_serials(struct store *s, size_t at)
{
	int r = 0;

	for (size_t i = 0; i < s->n_meters && r == 0; i++) {
		struct store_meter *m = &s->meters[i];

		if (!m->serial || m->serial_at > at || m->serial_done)
			continue;
		r = write_serial(s, m);
		m->serial_done = true;
		s->n_serials_done++;
	}
	return r;
}

static int write_readings(struct store *s, const struct store_exchanges *asked)
{
	struct reading_held held;
	int r = 0;

	for (size_t at = 0; at < s->held_bytes && r == 0;) {
		if (s->n_serials_done < s->n_serials)
			r = write_serials(s, at);
		memcpy(&held.head, s->held + at, sizeof(held.head));
		at += sizeof(held.head);
		for (size_t i = 0; i < held.head.n_values; i++) {
			held.quantities[i] = s->held[at];
			memcpy(&held.values[i], s->held + at + 1, sizeof(held.values[i]));
			at += STORE_VALUE_BYTES;
		}
		if (r == 0)
			r = store_exchange_act(s, asked, held.head.meter, held.head.slot_s);
		if (r == 0)
			r = write_reading(s, &held);
	}
	if (r == 0)
		r = store_exchange_act_rest(s, asked);
	return r == 0 ? write_serials(s, s->held_bytes) : r;
}

/* The newest_ views look at twice as many rows as there are meters, and 500. A meter whose newest row is about to be
 * further back than that is noted in table newest. */
static int write_newest_of(struct store *s, size_t k)
{
	struct store_kind *kind = &s->kinds[k];
	int64_t horizon = INT64_MIN;
	int r = 0;

	sqlite3_bind_int64(kind->horizon, 1, (int64_t)s->n_meters + 250);
	if (sqlite3_step(kind->horizon) == SQLITE_ROW)
		horizon = sqlite3_column_int64(kind->horizon, 0);
	sqlite3_reset(kind->horizon);
	for (size_t i = 0; i < s->n_meters && r == 0; i++) {
		struct store_meter *m = &s->meters[i];

		if (m->newest_id[k] >= horizon || m->newest_id[k] <= m->persisted_id[k])
			continue;
		sqlite3_stmt *put =
			db_prepare(&s->db, "REPLACE INTO newest (meter, kind, id) VALUES (%lld, '%s', %lld)",
				   (long long)m->id, kind->name, (long long)m->newest_id[k]);

		r = put ? db_run(&s->db, put) : -EIO;
		sqlite3_finalize(put);
		m->persisted_id[k] = m->newest_id[k];
	}
	return r;
}

static int write_newest(struct store *s)
{
	int r = 0;

	for (size_t k = 0; k < s->n_kinds && r == 0; k++)
		if (s->kinds[k].touched)
			r = write_newest_of(s, k);
	return r;
}

static int write_events(struct store *s)
{
	int r = 0;
	sqlite3_stmt *put;

	if (s->n_events == 0)
		return 0;
	put = db_prepare(&s->db, "INSERT INTO event_log (at_ms, subject, kind, detail) VALUES (?, ?, ?, ?)");
	if (!put)
		return -EIO;
	for (size_t i = 0; i < s->n_events && r == 0; i++) {
		sqlite3_bind_int64(put, 1, s->events[i].at_ms);
		sqlite3_bind_text(put, 2, s->events[i].subject, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 3, s->events[i].kind, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 4, s->events[i].detail, -1, SQLITE_STATIC);
		r = db_run(&s->db, put);
	}
	sqlite3_finalize(put);
	return r;
}

static int write_meter_states(struct store *s, bool due)
{
	int r = 0;
	sqlite3_stmt *put =
		db_prepare(&s->db, "REPLACE INTO status_of_meter (meter, state, last_good_ts, failures, requests, "
				   "timeouts, crc_errors, exceptions, latency_us, mismatch, faults) "
				   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	if (!put)
		return -EIO;
	for (size_t i = 0; i < s->n_meters && r == 0; i++) {
		const struct store_meter *m = &s->meters[i];

		if (!m->status_urgent && !(due && m->status_held))
			continue;
		sqlite3_bind_int64(put, 1, m->id);
		sqlite3_bind_text(put, 2, m->state, -1, SQLITE_STATIC);
		if (m->status.last_good_s)
			sqlite3_bind_int64(put, 3, m->status.last_good_s);
		sqlite3_bind_int64(put, 4, (int64_t)m->status.failures);
		sqlite3_bind_int64(put, 5, (int64_t)m->status.requests);
		sqlite3_bind_int64(put, 6, (int64_t)m->status.timeouts);
		sqlite3_bind_int64(put, 7, (int64_t)m->status.crc_errors);
		sqlite3_bind_int64(put, 8, (int64_t)m->status.exceptions);
		sqlite3_bind_int64(put, 9, m->status.latency_us);
		sqlite3_bind_text(put, 10, m->mismatch, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 11, m->faults, -1, SQLITE_STATIC);
		r = db_run(&s->db, put);
	}
	sqlite3_finalize(put);
	return r;
}

static int write_bus_states(struct store *s, bool due)
{
	int r = 0;
	sqlite3_stmt *put =
		db_prepare(&s->db, "REPLACE INTO status_of_bus (bus, state, busy_percent, requests, errors, "
				   "overruns, round_ms) VALUES (?, ?, ?, ?, ?, ?, ?)");

	if (!put)
		return -EIO;
	for (size_t i = 0; i < s->n_buses && r == 0; i++) {
		const struct store_bus *b = &s->buses[i];

		if (!b->status_urgent && !(due && b->status_held))
			continue;
		sqlite3_bind_text(put, 1, b->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 2, b->state, -1, SQLITE_STATIC);
		sqlite3_bind_double(put, 3, b->status.busy_percent);
		sqlite3_bind_int64(put, 4, (int64_t)b->status.requests);
		sqlite3_bind_int64(put, 5, (int64_t)b->status.errors);
		sqlite3_bind_int64(put, 6, (int64_t)b->status.overruns);
		sqlite3_bind_int64(put, 7, b->status.round_ms);
		r = db_run(&s->db, put);
	}
	sqlite3_finalize(put);
	return r;
}

/* Anything that can not wait for the next round of figures? */
static bool is_urgent(const struct store *s)
{
	for (size_t i = 0; i < s->n_meters; i++)
		if (s->meters[i].status_urgent || s->meters[i].serial)
			return true;
	for (size_t i = 0; i < s->n_buses; i++)
		if (s->buses[i].status_urgent)
			return true;
	return s->n_held > 0 || s->n_events > 0 || s->salvage;
}

/* All of it is in the database now. */
static void let_go(struct store *s, bool due)
{
	for (size_t i = 0; i < s->n_events; i++)
		free(s->events[i].subject);
	s->n_events = 0;
	s->n_held = 0;
	s->held_bytes = 0;
	for (size_t i = 0; i < s->n_meters; i++) {
		struct store_meter *m = &s->meters[i];

		m->status_held = m->status_held && !due && !m->status_urgent;
		m->status_urgent = false;
		if (m->serial)
			snprintf(m->known_serial, sizeof(m->known_serial), "%s", m->serial);
		free(m->serial);
		m->serial = NULL;
		m->serial_done = false;
	}
	s->n_serials = s->n_serials_done = 0;
	if (due)
		s->figures_s = s->now_s;
	s->told_s = s->now_s;
	for (size_t i = 0; i < s->n_buses; i++) {
		struct store_bus *b = &s->buses[i];

		b->status_held = b->status_held && !due && !b->status_urgent;
		b->status_urgent = false;
	}
	for (size_t k = 0; k < s->n_kinds; k++)
		s->kinds[k].touched = false;
}

/* Bring what memory knows about the database back to what is in it. */
static int reload(struct store *s)
{
	int r = store_load_newest(s);

	if (r == 0 && s->account.loaded)
		r = store_replay_since(s);
	if (r == 0)
		s->stale = false;
	return r;
}

/* What the account writes of itself, beside what readings make it write. */
static int write_account(struct store *s)
{
	int r = s->now_s != 0 && llabs(s->now_s - s->told_s) >= STORE_TELL_EVERY_S ? store_account_missing(s, s->now_s)
										   : 0;

	return r == 0 ? store_state_save(s, s->closing) : r;
}

/* Nothing was written: forget what the attempt has changed in memory. */
static void undo(struct store *s, size_t n_events)
{
	sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	s->stale = true;
	store_salvage_undo(s);
	memset(s->slots, 0, sizeof(s->slots));
	s->n_serials_done = 0;
	s->replacement_version = -1;
	for (size_t i = 0; i < s->n_meters; i++)
		s->meters[i].serial_done = false;
	while (s->n_events > n_events)
		free(s->events[--s->n_events].subject);
}

static int commit(struct store *s, bool due)
{
	struct store_exchanges asked = {0};
	size_t n_events = s->n_events;
	int r = s->stale ? reload(s) : 0;

	if (r == 0)
		r = db_exec(&s->db, "BEGIN IMMEDIATE");
	if (r != 0)
		return r;
	store_hold_tell(s);
	r = store_exchange_ask(s, &asked);
	if (r == 0)
		r = write_readings(s, &asked);
	free(asked.list);
	if (r == 0)
		r = write_newest(s);
	if (r == 0)
		r = write_account(s);
	if (r == 0)
		r = store_retain(s);
	if (r == 0)
		r = store_salvage_more(s);
	if (r == 0)
		r = write_events(s);
	if (r == 0)
		r = write_meter_states(s, due);
	if (r == 0)
		r = write_bus_states(s, due);
	if (r == 0)
		r = db_exec(&s->db, "COMMIT");
	if (r != 0) {
		undo(s, n_events);
		return r;
	}
	let_go(s, due);
	store_hold_written(s);
	return 0;
}

static int64_t status_every_s(const struct store *s)
{
	return s->now_s - s->started_s < STORE_EARLY_S ? STORE_STATUS_EARLY_S : STORE_STATUS_EVERY_S;
}

int store_commit(struct store *s)
{
	bool due = llabs(s->now_s - s->figures_s) >= status_every_s(s);
	bool tell = llabs(s->now_s - s->told_s) >= STORE_TELL_EVERY_S;

	if (!due && !tell && !is_urgent(s))
		return 0;
	enum db_wal_verdict verdict = db_wal_check(&s->wal, &s->db, (unsigned)(100 * s->held_bytes / s->held_max),
						   (mono_us() - s->committed_us) / 1000000);
	int r;

	if (verdict == DB_WAL_LATER)
		return 0;
	r = verdict == DB_WAL_WRITE ? commit(s, due) : -EBUSY;
	if (r == 0) {
		s->committed_us = mono_us();
		return 0;
	}
	if (s->failed_since_ms == 0)
		s->failed_since_ms = mono_wall_ms();
	if (r == -EBADMSG)
		store_note_damage(s);
	return r;
}

void store_close(struct store *s)
{
	int r;

	if (!s)
		return;
	s->closing = true;
	sqlite3_busy_timeout(s->db.handle, STORE_END_TIMEOUT_MS);
	r = commit(s, true);
	if (r != 0)
		log_error("database: %s; %zu readings are lost", s->db.error, s->n_held);
	if (r == -EBADMSG)
		store_note_damage(s);
	free_store(s);
}

void store_abandon(struct store *s)
{
	if (s)
		free_store(s);
}
