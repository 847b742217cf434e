/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MISSING_AT_ONCE = 200 }; /* intervals of one meter told missing in one commit */

void store_account_note(struct store *s, int r)
{
	if (r != 0 && s->account.error == 0)
		s->account.error = r;
}

static void on_suspect(void *context, int64_t meter, enum quantity q, int64_t slot_s, bool behind, const char *reason)
{
	struct store *s = context;
	struct store_account *a = &s->account;

	if (a->replaying || a->n_suspects == sizeof(a->suspects) / sizeof(a->suspects[0]))
		return;
	struct store_suspect *suspect = &a->suspects[a->n_suspects++];

	*suspect = (struct store_suspect){.meter = meter, .slot_s = slot_s, .quantity = q, .behind = behind};
	snprintf(suspect->reason, sizeof(suspect->reason), "%s", reason);
}

static void on_life(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw, int64_t ended_s,
		    int64_t ended_raw, const char *reason)
{
	struct store *s = context;
	struct store_account *a = &s->account;

	if (a->replaying || slot_s < a->write_from_s)
		return;
	if (ended_s) {
		sqlite3_bind_int64(a->end_life, 1, ended_s);
		sqlite3_bind_int64(a->end_life, 2, ended_raw);
		sqlite3_bind_int64(a->end_life, 3, meter);
		sqlite3_bind_int64(a->end_life, 4, a->db_id[q]);
		store_account_note(s, db_run(&s->db, a->end_life));
	}
	sqlite3_bind_int64(a->put_life, 1, meter);
	sqlite3_bind_int64(a->put_life, 2, a->db_id[q]);
	sqlite3_bind_int64(a->put_life, 3, slot_s);
	sqlite3_bind_int64(a->put_life, 4, raw);
	sqlite3_bind_text(a->put_life, 5, reason, -1, SQLITE_STATIC);
	store_account_note(s, db_run(&s->db, a->put_life));
}

/* Of several counters that do the same in one reading only the first is an event: tables life and suspect have all. */
static void on_event(void *context, int64_t meter, int64_t slot_s, const char *kind, const char *detail)
{
	struct store *s = context;
	struct store_account *a = &s->account;
	struct store_meter *m = store_find_meter(s, meter);

	if (a->replaying || a->rebuilding || !m)
		return;
	if (a->last_event_meter == meter && a->last_event_s == slot_s && strcmp(a->last_event_kind, kind) == 0)
		return;
	a->last_event_meter = meter;
	a->last_event_s = slot_s;
	snprintf(a->last_event_kind, sizeof(a->last_event_kind), "%s", kind);
	store_event(s, slot_s * 1000, m->name, kind, detail);
}

static int prepare_statements(struct store *s)
{
	struct store_account *a = &s->account;

	a->put_suspect = db_prepare(&s->db, "INSERT OR IGNORE INTO suspect (ts, meter, quantity, behind, reason) "
					    "VALUES (?, ?, ?, ?, ?)");
	a->get_behind =
		db_prepare(&s->db, "SELECT 1 FROM suspect WHERE ts = ? AND meter = ? AND quantity = ? AND behind");
	a->end_life = db_prepare(&s->db, "UPDATE life SET until_ts = ?, until_raw = ? "
					 "WHERE meter = ? AND quantity = ? AND until_ts IS NULL");
	a->put_life = db_prepare(&s->db, "REPLACE INTO life (meter, quantity, from_ts, from_raw, reason) "
					 "VALUES (?, ?, ?, ?, ?)");
	return a->put_suspect && a->get_behind && a->end_life && a->put_life ? 0 : -EIO;
}

static int load_quantity_ids(struct store *s)
{
	sqlite3_stmt *get = db_prepare(&s->db, "SELECT id, name FROM quantity");

	if (!get)
		return -EIO;
	while (sqlite3_step(get) == SQLITE_ROW) {
		int q = names_find((const char *)sqlite3_column_text(get, 1));

		if (q >= 0)
			s->account.db_id[q] = sqlite3_column_int64(get, 0);
	}
	sqlite3_finalize(get);
	return 0;
}

static int64_t interval_of(const struct conf *conf)
{
	return conf->interval_s ? conf->interval_s : 900;
}

/* Days, months and intervals from now on. The C library has one zone for all threads, so it is changed only while there
 * is no other: when the store is opened and configured for the first time. */
static void use_calendar(struct store_account *a, const char *zone, int64_t interval_s)
{
	if (strcmp(a->zone, zone) != 0) {
		snprintf(a->zone, sizeof(a->zone), "%s", zone);
		calendar_zone(zone);
	}
	calendar_init(&a->calendar, interval_s);
	a->span_written_s[0] = a->span_written_s[1] = INT64_MIN;
}

int store_account_open(struct store *s, const struct conf *conf)
{
	struct store_account *a = &s->account;

	use_calendar(a, conf->timezone ? conf->timezone : "", interval_of(conf));
	a->account = (struct account){.calendar = &a->calendar,
				      .sink = {.context = s,
					       .interval = store_interval_put,
					       .suspect = on_suspect,
					       .life = on_life,
					       .event = on_event}};
	a->write_from_s = INT64_MIN;
	a->start_written_s = INT64_MIN;
	int r = load_quantity_ids(s);

	if (r == 0)
		r = prepare_statements(s);
	if (r == 0)
		r = store_interval_open(s);
	return r == 0 ? store_state_open(s) : r;
}

void store_account_close(struct store *s)
{
	struct store_account *a = &s->account;

	sqlite3_finalize(a->put_suspect);
	sqlite3_finalize(a->get_behind);
	sqlite3_finalize(a->end_life);
	sqlite3_finalize(a->put_life);
	store_interval_close(s);
	store_state_close(s);
	for (size_t i = 0; i < s->n_meters; i++)
		account_fini(&s->meters[i].account);
	store_limits_free(s);
}

int store_account_put_settings(struct store *s, const char *zone, int64_t interval_s)
{
	char interval[24];
	int r;

	snprintf(interval, sizeof(interval), "%lld", (long long)interval_s);
	r = db_put_setting(&s->db, "interval_s", interval);
	return r == 0 ? db_put_setting(&s->db, "timezone", zone) : r;
}

/* What stands as missing since the last reading will be told, or be estimated, in the new intervals. */
static int take_back_missing(struct store *s, struct account_meter *m)
{
	int64_t from_s = 0;
	char sql[120];

	for (size_t i = 0; i < m->n_counters; i++)
		if (m->counters[i].open_s > from_s)
			from_s = m->counters[i].open_s;
	if (m->n_counters == 0)
		return 0;
	m->reported_s = 0;
	snprintf(sql, sizeof(sql), "DELETE FROM kept_interval WHERE ts >= %lld AND meter = %lld AND quality = %d",
		 (long long)from_s, (long long)m->id, ACCOUNT_MISSING);
	return db_exec(&s->db, sql);
}

/* The length of intervals or the time zone is another one: end what runs, go on with the new. */
static int change_settings(struct store *s, const char *zone, int64_t interval_s)
{
	struct store_account *a = &s->account;
	int r = db_exec(&s->db, "BEGIN IMMEDIATE");

	for (size_t i = 0; i < s->n_meters && r == 0; i++) {
		account_cut(&a->account, &s->meters[i].account);
		s->meters[i].account_changed = true;
		r = a->error;
		if (r == 0)
			r = take_back_missing(s, &s->meters[i].account);
	}
	if (r == 0)
		r = store_state_save(s, true);
	if (r == 0)
		r = store_account_put_settings(s, zone, interval_s);
	if (r == 0)
		r = db_exec(&s->db, "COMMIT");
	if (r != 0) {
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
		s->stale = true;
		return r;
	}
	use_calendar(a, zone, interval_s);
	return 0;
}

/* The first time: make the account anew if that is wanted, else go on from where the last run left it. What it counted
 * since its state was saved is in the intervals of its calendar, so the replay needs that one. */
static int begin(struct store *s)
{
	char interval[24], zone[sizeof(s->account.zone)];

	if (db_number(&s->db, "SELECT count(*) FROM setting WHERE name = 'rebuild'", 0) > 0 ||
	    db_number(&s->db, "SELECT count(*) FROM account", 0) == 0)
		return store_replay_all(s);
	db_get_setting(&s->db, "interval_s", interval, sizeof(interval));
	db_get_setting(&s->db, "timezone", zone, sizeof(zone));
	if (atoll(interval) > 0)
		use_calendar(&s->account, zone, atoll(interval));
	return store_replay_since(s);
}

int store_account_configure(struct store *s, const struct conf *conf)
{
	struct store_account *a = &s->account;
	int64_t interval_s = interval_of(conf);
	const char *zone = a->zone;
	int r = store_limits_set(s, conf);

	if (r == 0 && !a->loaded) {
		r = begin(s);
		zone = conf->timezone ? conf->timezone : "";
	}
	for (size_t i = 0; i < s->n_meters; i++)
		store_input_resume(s, &s->meters[i]);
	if (r != 0 || (interval_s == a->calendar.interval_s && strcmp(zone, a->zone) == 0))
		return r;
	return change_settings(s, zone, interval_s);
}

/* The clock went back from until_s for good: up to there the order of the slots is not that of the readings, so that
 * the account can not be made from them again. */
static int note_unordered(struct store *s, int64_t until_s)
{
	int64_t known_s =
		db_number(&s->db, "SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'unordered_until'", 0);
	char value[24];

	s->account.save_wanted = true;
	snprintf(value, sizeof(value), "%lld", (long long)until_s);
	return until_s > known_s ? db_put_setting(&s->db, "unordered_until", value) : 0;
}

static int count(struct store *s, struct store_meter *m, int64_t slot_s, enum reading_quality quality,
		 struct account_value *values, size_t n)
{
	int64_t last_s = m->account.last_s;
	int r;

	m->account_changed = true;
	r = account_feed(&s->account.account, &m->account, slot_s, quality == READING_UNSYNCHRONISED, values, n);
	return r == 0 && m->account.last_s < last_s ? note_unordered(s, last_s) : r;
}

static bool is_input_plausible(const struct store *s, const struct store_input *input, const struct reading *r)
{
	const struct store_meter *m = store_find_meter(s, input->meter);
	enum quantity q = (enum quantity)(Q_PULSES_1 + input->input - 1);
	int64_t value;

	if (!m || m->period_s != input->from_s || input->concentrator != r->meter || r->slot_s < input->from_s ||
	    r->slot_s >= input->until_s || !reading_has(r, q) ||
	    __builtin_mul_overflow(r->values[q], input->weight, &value))
		return true;
	return account_is_plausible(&m->account, input->quantity, r->slot_s, value);
}

bool store_is_plausible(const struct store *s, const struct reading *r)
{
	const struct store_account *a = &s->account;
	const struct store_meter *m = store_find_meter(s, r->meter);

	if (!m || !a->loaded)
		return true;
	for (int q = 0; q < Q_COUNT; q++)
		if (reading_has(r, (enum quantity)q) && names_is_counter((enum quantity)q) &&
		    !account_is_plausible(&m->account, (enum quantity)q, r->slot_s, r->values[q]))
			return false;
	for (size_t i = 0; i < a->n_inputs; i++)
		if (!is_input_plausible(s, &a->inputs[i], r))
			return false;
	return true;
}

/* In a replay: a reading that the saved state has gone far beyond. Nothing begins anew because of it. */
static bool is_long_saved(const struct store *s, const struct store_meter *m, int64_t slot_s)
{
	return s->account.replaying && m->account.last_s - slot_s > ACCOUNT_BACK_S;
}

/* Count one input. *suspect: its count was not accepted; left alone when it was. 0 or -errno. */
static int count_input(struct store *s, struct store_input *input, const struct reading *r, int64_t pulses,
		       bool *suspect)
{
	struct store_meter *m = store_find_meter(s, input->meter);
	struct account_value value = {.quantity = input->quantity, .value = pulses * input->weight};
	int rc;

	if (m == NULL || is_long_saved(s, m, r->slot_s))
		return 0;
	/* a slot that lies behind is not counted, whatever it weighs */
	if (r->slot_s > m->account.last_s || m->account.last_s - r->slot_s > ACCOUNT_BACK_S) {
		if (m->period_s != input->from_s && m->account.n_counters > 0)
			account_replace(&s->account.account, &m->account, Q_COUNT, input->from_s, NULL, NULL,
					"configuration");
		m->period_s = input->from_s;
		m->account.limits = input->limits;
	}
	rc = count(s, m, r->slot_s, r->quality, &value, 1);
	if (rc == 0 && value.suspect)
		*suspect = true;
	return rc;
}

/* Count the inputs that are on this meter. *suspect: as of count_input(), of any of them. 0 or -errno. */
static int count_inputs(struct store *s, const struct reading *r, bool *suspect)
{
	struct store_account *a = &s->account;
	int rc = 0;

	for (size_t i = 0; i < a->n_inputs && rc == 0; i++) {
		struct store_input *input = &a->inputs[i];
		enum quantity q = (enum quantity)(Q_PULSES_1 + input->input - 1);

		if (input->concentrator == r->meter && r->slot_s >= input->from_s && r->slot_s < input->until_s &&
		    reading_has(r, q))
			rc = count_input(s, input, r, r->values[q], suspect);
	}
	return rc;
}

/* The reading is of something else than the meter of the configuration: nothing of it is ever counted. Returns the
 * kinds that have counters of it. */
static unsigned leave_out(struct store *s, const struct reading *r)
{
	static const char reason[] = "what answers is not the model of the configuration";
	const struct store_account *a = &s->account;
	unsigned kinds = 0;

	for (int q = reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1)) {
		if (!names_is_counter((enum quantity)q) || s->tables.kind_of[q] < 0)
			continue;
		kinds |= 1U << s->tables.kind_of[q];
		if (q < Q_PULSES_1 || q > Q_PULSES_8)
			on_suspect(s, r->meter, (enum quantity)q, r->slot_s, true, reason);
		for (size_t i = 0; i < a->n_inputs; i++)
			if (a->inputs[i].concentrator == r->meter && q == Q_PULSES_1 + a->inputs[i].input - 1 &&
			    r->slot_s >= a->inputs[i].from_s && r->slot_s < a->inputs[i].until_s)
				on_suspect(s, a->inputs[i].meter, a->inputs[i].quantity, r->slot_s, true, reason);
	}
	return kinds;
}

int64_t store_account_until(const struct store *s)
{
	int64_t until_s = 0;

	for (size_t i = 0; i < s->n_meters; i++)
		if (s->meters[i].account.last_s > until_s)
			until_s = s->meters[i].account.last_s;
	return until_s;
}

/* No reading keeps it: what is replayed or rebuilt after a sudden end needs it as it was, so it is saved at once. */
static void note_counter_max(struct store *s, struct store_meter *m, int64_t counter_max)
{
	if (m->account.counter_max == counter_max)
		return;
	m->account.counter_max = counter_max;
	m->account_changed = true;
	s->account.save_wanted = true;
}

int store_account_feed(struct store *s, const struct reading *r, unsigned *suspect_kinds)
{
	struct store_account *a = &s->account;
	struct store_meter *m = store_find_meter(s, r->meter);
	struct account_value counters[Q_COUNT];
	size_t n_counters = 0;
	bool has_pulses = false, is_pulse_suspect = false;
	int rc = 0;

	*suspect_kinds = 0;
	a->n_suspects = 0;
	if (m == NULL || !a->loaded)
		return 0;
	for (int q = reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1)) {
		if (q >= Q_PULSES_1 && q <= Q_PULSES_8)
			has_pulses = true;
		else if (q == Q_COUNTER_MAX)
			note_counter_max(s, m, r->values[q]);
		else if (names_is_counter((enum quantity)q) && s->tables.kind_of[q] >= 0 &&
			 !is_long_saved(s, m, r->slot_s))
			counters[n_counters++] =
				(struct account_value){.quantity = (enum quantity)q, .value = r->values[q]};
	}
	a->newest_s = r->slot_s;
	if (r->quality == READING_SUSPECT) {
		*suspect_kinds = leave_out(s, r);
		return 0;
	}
	if (n_counters > 0) {
		rc = count(s, m, r->slot_s, r->quality, counters, n_counters);
		if (rc != 0)
			goto out;
	}
	for (size_t i = 0; i < n_counters; i++)
		if (counters[i].suspect)
			*suspect_kinds |= 1U << s->tables.kind_of[counters[i].quantity];
	if (has_pulses)
		rc = count_inputs(s, r, &is_pulse_suspect);
	if (is_pulse_suspect)
		*suspect_kinds |= 1U << s->tables.kind_of[Q_PULSES_1];
out:
	return a->error != 0 ? a->error : rc;
}

int store_account_suspects(struct store *s, unsigned kinds)
{
	struct store_account *a = &s->account;
	int r = 0;

	for (size_t i = 0; i < a->n_suspects && r == 0; i++) {
		const struct store_suspect *suspect = &a->suspects[i];
		int kind = s->tables.kind_of[suspect->quantity];
		const struct store_meter *m = store_find_meter(s, suspect->meter);

		if (m && m->is_input)
			kind = s->tables.kind_of[Q_PULSES_1];
		if (kind < 0 || !(kinds & 1U << kind))
			continue;
		sqlite3_bind_int64(a->put_suspect, 1, suspect->slot_s);
		sqlite3_bind_int64(a->put_suspect, 2, suspect->meter);
		sqlite3_bind_int64(a->put_suspect, 3, a->db_id[suspect->quantity]);
		sqlite3_bind_int(a->put_suspect, 4, suspect->behind);
		sqlite3_bind_text(a->put_suspect, 5, suspect->reason, -1, SQLITE_STATIC);
		r = db_run(&s->db, a->put_suspect);
	}
	a->n_suspects = 0;
	return r;
}

int store_account_missing(struct store *s, int64_t now_s)
{
	struct store_account *a = &s->account;

	for (size_t i = 0; i < s->n_meters && a->loaded && a->error == 0; i++) {
		struct store_meter *m = &s->meters[i];

		/* after a start each meter has its chance to be read first */
		if (!m->configured || now_s - s->started_s < 2 * (int64_t)m->account.every_s + ACCOUNT_SLACK_S)
			continue;
		account_report_missing(&a->account, &m->account, now_s, MISSING_AT_ONCE);
	}
	return a->error;
}
