/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_moments.h"
#include "mono.h"
#include "zone.h"

enum {
	DEFAULT_INTERVAL_S = 900,
	MISSING_AT_ONCE = 200, /* intervals of one meter that are written as missing in one commit */
};

_Static_assert(LEDGER_COPY_SERIAL_MAX == (int)DB_SERIAL_MAX, "a copy has the serial numbers of the register");

static void on_interval(void *context, const struct account_interval *i)
{
	struct ledger *l = context;

	if (ledger_takeback_takes(&l->takeback, i))
		return;
	ledger_intervals_on_interval(&l->intervals, i);
	ledger_registers_on_interval(&l->registers, i);
}

static void on_suspect(void *context, int64_t meter, enum quantity q, int64_t slot_s, bool behind, const char *reason)
{
	struct ledger *l = context;

	ledger_lives_on_suspect(&l->lives, meter, q, slot_s, behind, reason);
}

static void on_life(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw, int64_t ended_s,
		    int64_t ended_raw, const char *reason)
{
	struct ledger *l = context;

	ledger_lives_on_life(&l->lives, meter, q, slot_s, raw, ended_s, ended_raw, reason);
	ledger_registers_on_life(&l->registers, meter, q, slot_s, raw);
}

static void on_life_ended(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw)
{
	struct ledger *l = context;

	ledger_lives_on_life_ended(&l->lives, meter, q, slot_s, raw);
}

static void on_life_undone(void *context, int64_t meter, enum quantity q, int64_t slot_s)
{
	struct ledger *l = context;

	ledger_lives_on_life_undone(&l->lives, meter, q, slot_s);
}

static void on_reconsidered(void *context, int64_t meter, enum quantity q, int64_t after_s, int64_t until_s,
			    const char *reason)
{
	struct ledger *l = context;

	ledger_lives_on_reconsidered(&l->lives, meter, q, after_s, until_s, reason);
}

static void on_revised(void *context, int64_t meter, int64_t from_s, int64_t until_s, const char *reason)
{
	struct ledger *l = context;

	ledger_revisions_on_revised(&l->revisions, meter, from_s, until_s, reason);
}

static void on_event(void *context, int64_t meter, int64_t slot_s, const char *kind, const char *detail)
{
	struct ledger *l = context;

	ledger_lives_on_event(&l->lives, meter, slot_s, kind, detail);
}

static const char *zone_of(const struct conf *conf)
{
	return conf->timezone != NULL ? conf->timezone : "";
}

static int64_t interval_of(const struct conf *conf)
{
	return conf->interval_s != 0 ? conf->interval_s : DEFAULT_INTERVAL_S;
}

int ledger_open(struct ledger *l, struct db *db, struct db_meters *reg, const struct db_tables *tables,
		const struct conf *conf, const struct ledger_sink *sink)
{
	struct account_sink account_sink = {.context = l,
					    .interval = on_interval,
					    .suspect = on_suspect,
					    .life = on_life,
					    .life_ended = on_life_ended,
					    .revised = on_revised,
					    .reconsidered = on_reconsidered,
					    .life_undone = on_life_undone,
					    .event = on_event};
	int rc = ledger_book_open(&l->book, db, reg, tables, zone_of(conf), interval_of(conf), &account_sink, sink);

	if (rc != 0)
		return rc;
	l->holds.book = &l->book;
	l->feed = (struct ledger_feed){.book = &l->book,
				       .limits = &l->limits,
				       .holds = &l->holds,
				       .lives = &l->lives,
				       .state = &l->state,
				       .ratings = &l->ratings};
	l->keys = (struct ledger_keys){.book = &l->book,
				       .limits = &l->limits,
				       .lives = &l->lives,
				       .state = &l->state,
				       .feed = &l->feed,
				       .holds = &l->holds,
				       .exchange = &l->exchange,
				       .revisions = &l->revisions};
	l->takeback = (struct ledger_takeback){.book = &l->book,
					       .limits = &l->limits,
					       .lives = &l->lives,
					       .intervals = &l->intervals,
					       .registers = &l->registers,
					       .revisions = &l->revisions,
					       .state = &l->state,
					       .feed = &l->feed,
					       .exchange = &l->exchange};
	l->serial = (struct ledger_serial_desk){
		.book = &l->book, .limits = &l->limits, .state = &l->state, .exchange = &l->exchange};
	l->replay = (struct ledger_replay){.book = &l->book,
					   .limits = &l->limits,
					   .lives = &l->lives,
					   .intervals = &l->intervals,
					   .registers = &l->registers,
					   .state = &l->state,
					   .holds = &l->holds,
					   .ratings = &l->ratings,
					   .feed = &l->feed,
					   .keys = &l->keys,
					   .settings = &l->settings,
					   .exchange = &l->exchange};
	ledger_ratings_open(&l->ratings, &l->book);
	l->settings = (struct ledger_settings){
		.book = &l->book, .limits = &l->limits, .intervals = &l->intervals, .registers = &l->registers};
	rc = ledger_exchange_open(&l->exchange, &l->book, reg, &l->limits, &l->state);
	if (rc != 0)
		return rc;
	rc = ledger_clock_open(&l->clock, &l->book);
	if (rc != 0)
		return rc;
	rc = ledger_lives_open(&l->lives, &l->book, &l->limits);
	if (rc != 0)
		return rc;
	ledger_revisions_open(&l->revisions, &l->book);
	rc = ledger_intervals_open(&l->intervals, &l->book);
	if (rc != 0)
		return rc;
	rc = ledger_registers_open(&l->registers, &l->book);
	if (rc != 0)
		return rc;
	return ledger_state_open(&l->state, &l->book);
}

void ledger_close(struct ledger *l)
{
	ledger_exchange_close(&l->exchange);
	ledger_serial_free(&l->serial);
	ledger_state_close(&l->state);
	ledger_registers_close(&l->registers);
	ledger_intervals_close(&l->intervals);
	ledger_lives_close(&l->lives);
	ledger_holds_free(&l->holds);
	ledger_clock_close(&l->clock);
	ledger_ratings_close(&l->ratings);
	ledger_book_close(&l->book);
	ledger_limits_free(&l->limits);
}

/* The first time: rebuild the account if that is wanted, else continue where the last run left it. Since its state was
 * saved it has counted into the intervals of its own calendar, in this zone, so the replay needs that one. */
static int start_account(struct ledger *l, const char *zone)
{
	struct db *db = l->book.db;
	bool is_due = db_number(db, "SELECT count(*) FROM setting WHERE name = 'rebuild'", 0) > 0 ||
		      db_number(db, "SELECT count(*) FROM account", 0) == 0;
	int64_t interval_s = l->book.calendar.interval_s;
	char interval[24] = "";
	int rc;

	db_get_setting(db, "interval_s", interval, sizeof(interval));
	rc = db_asked(db);
	if (rc != 0)
		return rc;
	if (atoll(interval) > 0)
		interval_s = atoll(interval);
	else
		zone = l->book.zone;
	rc = ledger_settings_load_calendar(&l->settings, zone, interval_s);
	if (rc == 0 && is_due)
		return ledger_replay_rebuild(&l->replay);
	if (rc == 0)
		rc = ledger_keys_resume(&l->keys);
	return rc == 0 ? ledger_replay_resume(&l->replay) : rc;
}

static int take_keys(struct ledger *l, const struct conf *conf)
{
	struct ledger_book *b = &l->book;
	int rc = db_begin(b->db);

	if (rc != 0)
		goto out;
	rc = ledger_keys_take(&l->keys, conf);
	if (rc != 0)
		goto out;
	rc = db_meters_taken(b->db);
	if (rc != 0)
		goto out;
	rc = ledger_save(l, false);
	if (rc != 0)
		goto out;
	rc = db_commit(b->db);
out:
	if (rc != 0) {
		db_rollback(b->db);
		ledger_undo(l);
	}
	return rc;
}

/* The length of intervals or the time zone has changed: the next readings are counted in the new grid. Intervals
 * written as missing since the last one are taken out: that time will be missing, or be estimated, in the new
 * intervals. */
static int change_settings(struct ledger *l, const char *zone, int64_t interval_s)
{
	struct ledger_book *b = &l->book;
	int64_t from_s = ledger_settings_newest_s(&l->settings);
	struct calendar next;
	int rc = 0;

	if (from_s == INT64_MIN)
		calendar_init(&next, interval_s);
	else
		rc = ledger_settings_change_calendar(&l->settings, interval_s, from_s, &next);
	if (rc != 0)
		return rc;
	rc = db_begin(b->db);
	if (rc != 0)
		goto out;
	for (size_t i = 0; i < b->n && from_s != INT64_MIN; i++) {
		struct account_meter *m = ledger_book_change(b, i);

		account_void_missing(m);
		rc = ledger_intervals_clear_missing(&l->intervals, m->id,
						    calendar_interval_start(&b->calendar, from_s));
		if (rc != 0)
			goto out;
	}
	rc = ledger_state_forget_before(&l->state);
	if (rc != 0)
		goto out;
	rc = ledger_state_save(&l->state, true);
	if (rc != 0)
		goto out;
	rc = ledger_book_put_settings(b, zone, interval_s);
	if (rc != 0)
		goto out;
	rc = ledger_settings_note(&l->settings, zone, interval_s, from_s != INT64_MIN ? from_s : 0);
	if (rc != 0)
		goto out;
	rc = db_commit(b->db);
out:
	if (rc == 0) {
		ledger_settings_set_calendar(&l->settings, zone, &next);
	} else {
		calendar_free(&next);
		db_rollback(b->db);
		ledger_undo(l);
	}
	return rc;
}

/* Meters may be new, or be read in another period. */
static int note_settings(struct ledger *l)
{
	struct ledger_book *b = &l->book;
	int rc;

	if (ledger_settings_are_noted(&l->settings, b->zone, b->calendar.interval_s))
		return 0;
	rc = db_begin(b->db);
	if (rc != 0)
		goto out;
	rc = ledger_state_save(&l->state, true);
	if (rc != 0)
		goto out;
	rc = ledger_settings_note(&l->settings, b->zone, b->calendar.interval_s, 0);
	if (rc != 0)
		goto out;
	rc = db_commit(b->db);
out:
	if (rc != 0) {
		db_rollback(b->db);
		ledger_undo(l);
	}
	return rc;
}

/* The zone that days begin in has changed since the last run: by an upgrade, by the system or by the owner. */
static void report_zone(const struct ledger *l, const char *was, const struct conf *conf)
{
	const struct ledger_sink *sink = &l->book.sink;
	char now[ZONE_TEXT_MAX], detail[ZONE_TEXT_MAX + LEDGER_ZONE_MAX + 32];

	zone_describe(zone_of(conf), conf->timezone_source, now);
	snprintf(detail, sizeof(detail), "time zone was %s, is now %s", was, now);
	sink->event(sink->context, mono_wall_ms(), "tallyd", "timezone-changed", detail);
}

int ledger_configure(struct ledger *l, const struct conf *conf)
{
	struct ledger_book *b = &l->book;
	char stored[LEDGER_ZONE_MAX + 1] = "";
	const char *zone = b->zone;
	int64_t interval_s = interval_of(conf);
	int rc = ledger_book_fit(b);

	if (rc != 0)
		return rc;
	rc = ledger_limits_set(&l->limits, b, conf);
	if (rc != 0)
		return rc;
	if (b->mode == LEDGER_CLOSED) {
		db_get_setting(b->db, "timezone", stored, sizeof(stored));
		rc = start_account(l, stored);
		zone = zone_of(conf);
	} else if (b->mode == LEDGER_STALE) {
		rc = ledger_replay_resume(&l->replay);
	}
	for (size_t i = 0; i < b->n; i++)
		ledger_limits_resume(&l->limits, b, i);
	if (rc == 0)
		rc = take_keys(l, conf);
	if (rc != 0)
		return rc;
	if (interval_s != b->calendar.interval_s || strcmp(zone, b->zone) != 0)
		rc = change_settings(l, zone, interval_s);
	else
		rc = note_settings(l);
	if (rc == 0 && stored[0] != '\0' && strcmp(stored, zone) != 0)
		report_zone(l, stored, conf);
	return rc;
}

void ledger_set_clock_back(struct ledger *l, int64_t at_ms, int64_t back_ms)
{
	ledger_clock_set_back(&l->clock, at_ms, back_ms);
}

bool ledger_is_asked(const struct ledger *l)
{
	return l->book.mode == LEDGER_LIVE && ledger_exchange_is_due(&l->exchange);
}

int ledger_begin(struct ledger *l)
{
	int rc = ledger_serial_begin(&l->serial);

	if (rc == 0)
		rc = ledger_clock_write(&l->clock);
	return rc == 0 ? ledger_exchange_begin(&l->exchange) : rc;
}

int ledger_add_serial(struct ledger *l, size_t i, const char *serial)
{
	if (ledger_keys_is_moving(&l->keys, i) && !ledger_serial_says_nothing(serial))
		return ledger_keys_identify(&l->keys, i, serial);
	return ledger_serial_take(&l->serial, i, serial);
}

int ledger_add_reading(struct ledger *l, const struct reading *r, unsigned *suspect_kinds)
{
	int meter = ledger_book_find(&l->book, r->meter), rc = 0;

	if (meter >= 0)
		rc = ledger_keys_before(&l->keys, (size_t)meter, r->slot_s);
	if (meter >= 0 && rc == 0)
		rc = ledger_exchange_before(&l->exchange, (size_t)meter, r->slot_s);
	if (meter >= 0 && rc == 0)
		rc = ledger_serial_before(&l->serial, (size_t)meter, r);
	return rc == 0 ? ledger_feed(&l->feed, r, suspect_kinds) : rc;
}

int ledger_write_suspects(struct ledger *l, unsigned kinds)
{
	return ledger_lives_write_suspects(&l->lives, kinds);
}

int ledger_end_readings(struct ledger *l)
{
	int rc = ledger_exchange_rest(&l->exchange);

	return rc == 0 ? ledger_takeback(&l->takeback, &l->exchange.requests) : rc;
}

int ledger_report_missing(struct ledger *l, int64_t now_s, int64_t running_s)
{
	struct ledger_book *b = &l->book;

	for (size_t i = 0; i < b->n && b->mode == LEDGER_LIVE && b->error == 0; i++) {
		struct account_meter *m = &b->meters[i].account;
		bool is_read = b->reg->list[i].configured;

		if (is_read && running_s < 2 * (int64_t)m->every_s + ACCOUNT_SLACK_S)
			continue;
		/* how far missing intervals were written is neither saved nor published; how far others were, no
		 * reading shows */
		if (!account_report_missing(&b->account, m, now_s, is_read ? MISSING_AT_ONCE : 0))
			continue;
		ledger_book_change(b, i);
		ledger_book_note(b, ledger_moments_put(b, i, LEDGER_GAVE_OUT, now_s));
		ledger_state_want(&l->state);
	}
	return b->error;
}

int ledger_save(struct ledger *l, bool always)
{
	int rc = ledger_revisions_write(&l->revisions);

	return rc == 0 ? ledger_state_save(&l->state, always) : rc;
}

void ledger_committed(struct ledger *l)
{
	ledger_exchange_committed(&l->exchange);
	ledger_serial_committed(&l->serial);
	ledger_clock_committed(&l->clock);
}

void ledger_undo(struct ledger *l)
{
	ledger_exchange_undo(&l->exchange);
	ledger_serial_undo(&l->serial);
	ledger_revisions_undo(&l->revisions);
	if (l->book.mode != LEDGER_CLOSED)
		ledger_book_set_mode(&l->book, LEDGER_STALE, INT64_MIN);
}

int ledger_resume(struct ledger *l)
{
	return ledger_replay_resume(&l->replay);
}

int ledger_rebuild(struct ledger *l)
{
	return ledger_replay_rebuild(&l->replay);
}

int64_t ledger_rebuild_from_s(const struct ledger *l)
{
	return ledger_replay_from_s(&l->replay);
}

int ledger_repeat(struct ledger *l)
{
	return ledger_replay_repeat(&l->replay);
}

static int copy_inputs(const struct ledger *l, struct ledger_copy *c)
{
	int rc = ledger_copy_fit_inputs(c, l->limits.n_inputs);

	for (size_t i = 0; i < l->limits.n_inputs && rc == 0; i++) {
		const struct ledger_input *input = &l->limits.inputs[i];

		ledger_copy_set_input(c, i,
				      &(struct ledger_copy_input){.meter = input->meter,
								  .concentrator = input->concentrator,
								  .from_s = input->from_s,
								  .until_s = input->until_s,
								  .weight = input->weight,
								  .pulses = input->pulses,
								  .quantity = input->quantity});
	}
	return rc;
}

int ledger_publish(struct ledger *l, struct ledger_copy *c)
{
	struct ledger_book *b = &l->book;
	int rc = ledger_copy_fit(c, b->n);

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		/* nothing can be said of what comes while it is not counted */
		const struct account_meter unknown = {.id = b->meters[i].account.id};
		bool is_held = ledger_holds_find(&l->holds, i) != NULL;

		if (b->meters[i].edition > c->edition)
			rc = ledger_copy_set_meter(c, i, is_held ? &unknown : &b->meters[i].account,
						   b->meters[i].period_s, b->reg->list[i].serial);
	}
	if (rc == 0 && l->limits.edition != c->inputs_edition)
		rc = copy_inputs(l, c);
	if (rc != 0)
		return rc;
	ledger_copy_set_edition(c, b->edition, l->limits.edition, account_clock_back_ms(&b->account.clock, INT64_MAX));
	ledger_book_next_edition(b);
	return 0;
}

enum ledger_mode ledger_mode(const struct ledger *l)
{
	return l->book.mode;
}

int64_t ledger_until_s(const struct ledger *l)
{
	return ledger_book_until_s(&l->book);
}

int64_t ledger_newest_s(const struct ledger *l)
{
	return l->book.newest_s;
}

int64_t ledger_newest_ms(const struct ledger *l, int64_t *back_ms)
{
	const struct account_clock *clock = &l->book.account.clock;
	int64_t newest_ms = 0;

	for (size_t i = 0; i < l->book.n; i++) {
		const struct account_meter *m = &l->book.meters[i].account;

		for (size_t k = 0; k < m->n_counters; k++) {
			int64_t shown_ms = account_clock_shown_ms(clock, m->counters[k].x.last_ms);

			if (m->counters[k].living && shown_ms > newest_ms)
				newest_ms = shown_ms;
		}
	}
	*back_ms = account_clock_back_ms(clock, INT64_MAX) - account_clock_back_ms(clock, newest_ms);
	return newest_ms;
}
