/* SPDX-License-Identifier: MIT */
#include "ledger_replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "mono.h"

enum { TRANSACTION_READINGS = 20000 }; /* of a rebuild in one transaction */

/* A replay acts on these in their places among the readings. */
struct turns {
	struct ledger_request_list exchanges;
	struct ledger_key_list keys;
	struct ledger_settings_list settings;
	struct ledger_moment_list moments;
};

static void free_turns(struct turns *t)
{
	ledger_keys_free_list(&t->keys);
	ledger_settings_free(&t->settings);
	ledger_moments_free(&t->moments);
	free(t->exchanges.requests);
}

/* The meter, or the input on it, with the moment that came first of those before a reading of slot_s; NULL: there is
 * none. */
static const struct ledger_moment *find_moment(const struct ledger_replay *l, const struct turns *turns, size_t meter,
					       int64_t slot_s, size_t *of)
{
	const struct ledger_moment *first = ledger_moments_next(&turns->moments, meter, slot_s), *moment;

	*of = meter;
	for (size_t k = 0; k < l->limits->n_inputs; k++) {
		const struct ledger_input *input = &l->limits->inputs[k];
		int64_t at_s = slot_s;

		if (input->concentrator != meter)
			continue;
		moment = ledger_moments_next(&turns->moments, input->meter, slot_s);
		if (moment == NULL || (first != NULL && first->id < moment->id))
			continue;
		if (slot_s == INT64_MAX)
			at_s = moment->after_s;
		if (at_s < input->from_s || at_s >= input->until_s)
			continue;
		first = moment;
		*of = input->meter;
	}
	return first;
}

/* Do what comes before a reading of slot_s of this meter: change the settings, exchange meters, change keys, and what
 * no reading shows. 0 or -errno. */
static int take_turns(const struct ledger_replay *l, struct turns *turns, size_t meter, int64_t slot_s)
{
	bool is_read = !l->book->reg->list[meter].is_input;
	int rc = 0;

	ledger_exchange_join(&turns->exchanges, meter, slot_s);
	while (rc == 0) {
		const struct ledger_settings_step *step =
			is_read ? ledger_settings_next(&turns->settings, meter, slot_s) : NULL;
		size_t of;
		const struct ledger_moment *moment = find_moment(l, turns, meter, slot_s, &of);
		bool is_step = step != NULL && (moment == NULL || step->id <= moment->setting_id);

		if (step == NULL && moment == NULL)
			break;
		rc = ledger_exchange_repeat_before(l->exchange, &turns->exchanges, meter, slot_s,
						   is_step ? step->request_id : moment->request_id);
		if (rc == 0 && is_step)
			ledger_settings_change(l->settings, &turns->settings, meter);
		else if (rc == 0)
			rc = ledger_moments_repeat(l->book, &turns->moments, of);
	}
	if (rc == 0)
		rc = ledger_keys_repeat_before(l->keys, &turns->keys, meter, slot_s);
	return rc == 0 ? ledger_exchange_repeat_before(l->exchange, &turns->exchanges, meter, slot_s, INT64_MAX) : rc;
}

/* Feed the readings with slots above after_s again. may_commit: end the running transaction now and then and begin
 * another. 0 or -errno. */
static int feed_again(const struct ledger_replay *l, int64_t after_s, struct turns *turns, bool may_commit)
{
	struct ledger_book *b = l->book;
	struct ledger_rows rows;
	struct reading reading = {.quality = READING_GOOD};
	unsigned suspect_kinds;
	uint64_t n_fed = 0;
	int rc = ledger_rows_open(&rows, b, l->limits, l->lives, 0, after_s);

	while (rc == 0 && ledger_rows_next(&rows, &reading)) {
		int meter = ledger_book_find(b, reading.meter);

		if (meter >= 0)
			rc = take_turns(l, turns, (size_t)meter, reading.slot_s);
		if (rc == 0)
			rc = ledger_feed(l->feed, &reading, &suspect_kinds);
		if (rc == 0 && may_commit && ++n_fed % TRANSACTION_READINGS == 0) {
			rc = db_commit(b->db);
			if (rc == 0)
				rc = db_begin(b->db);
		}
	}
	ledger_rows_close(&rows);
	return rc;
}

static void forget(const struct ledger_replay *l)
{
	ledger_book_forget(l->book);
	ledger_lives_forget(l->lives);
	ledger_intervals_forget(l->intervals);
	ledger_registers_forget(l->registers);
}

/* Slot of the newest reading that may have counters of this meter or input. */
static int64_t newest_slot_s(const struct ledger_replay *l, size_t i)
{
	const struct ledger_book *b = l->book;
	const struct ledger_input *input = NULL;

	if (b->reg->list[i].is_input)
		input = ledger_limits_find_input(l->limits, i, b->meters[i].account.last_s);
	if (input == NULL)
		return b->tables->newest[i].id[b->tables->kind_of[Q_ACTIVE_ENERGY_IMPORT]] >> DB_SLOT_BITS;
	return b->tables->newest[input->concentrator].id[b->tables->kind_of[Q_PULSES_1]] >> DB_SLOT_BITS;
}

/* All readings above this slot may be missing in the saved state of their meter. A state from before the first reading
 * has no slot: then all readings may be. */
static int64_t replay_after(const struct ledger_replay *l)
{
	const struct ledger_book *b = l->book;
	int64_t newest_s = b->newest_s, after_s = newest_s - LEDGER_REPLAY_BACK_S;

	for (size_t i = 0; i < b->n; i++) {
		int64_t last_s = b->meters[i].account.last_s;

		if (last_s != 0 && last_s < after_s && newest_slot_s(l, i) > last_s)
			after_s = last_s;
	}
	if (after_s < newest_s - LEDGER_REPLAY_BACK_S - ACCOUNT_BACK_S)
		after_s = newest_s - LEDGER_REPLAY_BACK_S - ACCOUNT_BACK_S;
	return after_s > 0 ? after_s : 0;
}

int ledger_replay_resume(const struct ledger_replay *l)
{
	struct ledger_book *b = l->book;
	struct turns none = {.exchanges = {.n = 0}};
	int rc;

	forget(l);
	ledger_book_set_mode(b, LEDGER_STALE, INT64_MIN);
	rc = ledger_holds_load(l->holds);
	if (rc != 0)
		return rc;
	rc = ledger_state_load(l->state);
	if (rc == 0)
		rc = ledger_ratings_load(l->ratings);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < b->n; i++) {
		const struct ledger_input *input = ledger_limits_resume(l->limits, b, i);

		ledger_book_set_period(b, i, input != NULL ? input->from_s : INT64_MIN);
	}
	/* the state has the exchanges and the changes of keys: each was saved at once */
	ledger_book_set_mode(b, LEDGER_REPLAY, INT64_MIN);
	rc = feed_again(l, replay_after(l), &none, false);
	ledger_book_set_mode(b, rc == 0 ? LEDGER_LIVE : LEDGER_STALE, INT64_MIN);
	return rc;
}

/* From where a rebuild writes: INT64_MIN when all readings are there and in the order of their slots, else the first
 * local month that such readings cover. Days and months are those of that time then. */
static int64_t rebuild_from_s(const struct ledger_replay *l)
{
	struct ledger_book *b = l->book;
	int64_t deleted_s = ledger_book_get_time(b, "deleted_until");
	int64_t unordered_s = ledger_book_get_time(b, "unordered_until");
	int64_t until_s = deleted_s > unordered_s ? deleted_s : unordered_s;

	return until_s == 0 ? INT64_MIN : calendar_month(&b->calendar, until_s)->end_s;
}

/* Where the clock went back and has not come to the month after that yet, what has been counted is kept. */
static bool can_rebuild(const struct ledger_replay *l)
{
	int64_t unordered_s = ledger_book_get_time(l->book, "unordered_until");

	return unordered_s == 0 || calendar_month(&l->book->calendar, unordered_s)->end_s <= mono_wall_ms() / 1000;
}

static int load_turns(const struct ledger_replay *l, struct turns *turns)
{
	int rc = ledger_request_load_exchanges(l->book, &turns->exchanges);

	if (rc == 0)
		rc = ledger_moments_load(l->book, l->book->n, 0, &turns->moments);
	if (rc == 0)
		rc = ledger_keys_load_list(l->keys, &turns->keys);
	return rc == 0 ? ledger_settings_load(l->settings, &turns->settings) : rc;
}

/* Take out what readings give. */
static int clear(const struct ledger_replay *l)
{
	struct ledger_book *b = l->book;
	int rc = db_exec(b->db, "DELETE FROM account WHERE before <> 0; UPDATE account SET last_ts = 0; "
				"DELETE FROM account_counter");

	if (rc == 0)
		rc = ledger_intervals_clear(l->intervals, b->write_from_s);
	if (rc == 0)
		rc = ledger_registers_clear(l->registers, b->write_from_s);
	return rc == 0 ? ledger_lives_clear(l->lives, b->write_from_s) : rc;
}

/* Give it again, and save the state. may_commit: as in feed_again(). */
static int make(const struct ledger_replay *l, struct turns *turns, bool may_commit)
{
	struct ledger_book *b = l->book;
	int rc = ledger_holds_load(l->holds);

	if (rc == 0)
		rc = ledger_state_load_counter_max(l->state);
	if (rc == 0)
		rc = ledger_ratings_load(l->ratings);
	if (rc == 0)
		rc = clear(l);
	if (rc == 0)
		rc = feed_again(l, 0, turns, may_commit);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		rc = take_turns(l, turns, i, INT64_MAX);
	if (rc == 0)
		rc = ledger_exchange_repeat_rest(l->exchange, &turns->exchanges);
	if (rc == 0)
		rc = ledger_state_save(l->state, true);
	return rc == 0 ? ledger_book_put_settings(b, b->zone, b->calendar.interval_s) : rc;
}

/* Everything of a rebuild with transactions of its own: the note that it has begun; the transaction that takes out what
 * readings give; those that give it again; and the one that saves the state and takes the note away. */
static int rebuild(const struct ledger_replay *l, struct turns *turns)
{
	struct db *db = l->book->db;
	int rc = db_put_setting(db, "rebuild", "not finished");

	if (rc == 0)
		rc = db_begin(db);
	if (rc == 0)
		rc = make(l, turns, true);
	if (rc == 0)
		rc = db_exec(db, "DELETE FROM setting WHERE name = 'rebuild'");
	return rc == 0 ? db_commit(db) : rc;
}

int ledger_replay_rebuild(const struct ledger_replay *l)
{
	struct ledger_book *b = l->book;
	struct turns turns = {.exchanges = {.n = 0}};
	int rc;

	if (!can_rebuild(l)) {
		rc = ledger_replay_resume(l);
		log_warning("%s: not rebuilt: the clock was set back; a rebuild is possible from the next month on",
			    b->db->path);
		return rc == 0 ? db_exec(b->db, "DELETE FROM setting WHERE name = 'rebuild'") : rc;
	}
	forget(l);
	rc = load_turns(l, &turns);
	if (rc == 0) {
		ledger_book_set_mode(b, LEDGER_REBUILD, rebuild_from_s(l));
		rc = rebuild(l, &turns);
	}
	if (rc != 0) {
		db_rollback(b->db);
		forget(l);
	}
	ledger_book_set_mode(b, rc == 0 ? LEDGER_LIVE : LEDGER_CLOSED, INT64_MIN);
	free_turns(&turns);
	return rc;
}

int64_t ledger_replay_from_s(const struct ledger_replay *l)
{
	return l->book->mode == LEDGER_LIVE && can_rebuild(l) ? rebuild_from_s(l) : INT64_MAX;
}

int ledger_replay_repeat(const struct ledger_replay *l)
{
	struct ledger_book *b = l->book;
	struct turns turns = {.exchanges = {.n = 0}};
	int rc;

	forget(l);
	rc = load_turns(l, &turns);
	if (rc == 0) {
		ledger_book_set_mode(b, LEDGER_REBUILD, rebuild_from_s(l));
		ledger_book_write_suspects(b);
		rc = ledger_lives_clear_suspects(l->lives, b->write_from_s);
	}
	if (rc == 0)
		rc = make(l, &turns, false);
	ledger_book_set_mode(b, rc == 0 ? LEDGER_LIVE : LEDGER_STALE, INT64_MIN);
	free_turns(&turns);
	return rc;
}
