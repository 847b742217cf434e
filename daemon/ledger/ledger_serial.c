/* SPDX-License-Identifier: MIT */
#include "ledger_serial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_moments.h"

void ledger_serial_free(struct ledger_serial_desk *d)
{
	free(d->doubts);
	free(d->copy);
	d->doubts = d->copy = NULL;
	d->n = d->n_copy = 0;
}

int ledger_serial_begin(struct ledger_serial_desk *d)
{
	struct ledger_serial_doubt *copy = realloc(d->copy, (d->n + 1) * sizeof(*copy));

	if (copy == NULL)
		return -ENOMEM;
	d->copy = copy;
	if (d->n > 0)
		memcpy(copy, d->doubts, d->n * sizeof(*copy));
	d->n_copy = d->n;
	return 0;
}

void ledger_serial_committed(struct ledger_serial_desk *d)
{
	/* without memory a rollback of something else forgets what was new */
	(void)ledger_serial_begin(d);
}

void ledger_serial_undo(struct ledger_serial_desk *d)
{
	/* there are never fewer of them, so there is room */
	d->n = d->n_copy;
	if (d->n > 0)
		memcpy(d->doubts, d->copy, d->n * sizeof(*d->doubts));
}

bool ledger_serial_says_nothing(const char *serial)
{
	static const char *const numbers[] = {"65535", "4294967295", "18446744073709551615"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(serial, numbers[i]) == 0)
			return true;
	return serial[strspn(serial, "0 ")] == '\0' || serial[strspn(serial, "Ff")] == '\0' ||
	       serial[strspn(serial, "\xff")] == '\0';
}

static struct ledger_serial_doubt *find(const struct ledger_serial_desk *d, size_t meter)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->doubts[i].meter == meter)
			return &d->doubts[i];
	return NULL;
}

static struct ledger_serial_doubt *add(struct ledger_serial_desk *d, size_t meter, const char *known)
{
	struct ledger_serial_doubt *doubts = realloc(d->doubts, (d->n + 1) * sizeof(*doubts));

	if (doubts == NULL)
		return NULL;
	d->doubts = doubts;
	doubts[d->n] = (struct ledger_serial_doubt){.meter = meter};
	snprintf(doubts[d->n].before, sizeof(doubts[d->n].before), "%s", known);
	return &doubts[d->n++];
}

int ledger_serial_take(struct ledger_serial_desk *d, size_t i, const char *serial)
{
	const char *known = d->book->reg->list[i].serial;
	struct ledger_serial_doubt *doubt = find(d, i);

	if (ledger_serial_says_nothing(serial))
		return 0;
	if (ledger_serial_says_nothing(known)) {
		ledger_exchange_suggest_rename(d->exchange, i, serial);
		return ledger_exchange_note_serial(d->exchange, i, serial, "its first serial number");
	}
	if (doubt == NULL && strcmp(known, serial) == 0)
		return 0;
	if (doubt == NULL)
		doubt = add(d, i, known);
	if (doubt == NULL)
		return -ENOMEM;
	snprintf(doubt->other, sizeof(doubt->other), "%s", strcmp(known, serial) == 0 ? "" : serial);
	return 0;
}

/* The counters of one meter, or of one input, in a reading. */
static size_t values_of(const struct ledger_serial_desk *d, size_t i, const struct reading *r,
			struct account_value *values)
{
	const struct ledger_input *input = NULL;
	size_t n = 0;

	if (d->book->reg->list[i].is_input)
		input = ledger_limits_find_input(d->limits, i, r->slot_s);
	if (input != NULL && reading_has(r, input->pulses))
		values[n++] = ledger_feed_pulses(input, r);
	for (int q = reading_next(r, 0); q < Q_COUNT && !d->book->reg->list[i].is_input; q = reading_next(r, q + 1))
		if (names_is_counter((enum quantity)q) && (q < Q_PULSES_1 || q > Q_PULSES_8))
			values[n++] = ledger_feed_value(&d->book->meters[i].account, r, (enum quantity)q);
	return n;
}

/* Whether all counters of a reading continue. *any: there are some. */
static bool continues(const struct ledger_serial_desk *d, size_t meter, const struct reading *r, enum account_way way,
		      bool *any)
{
	struct account_when when = {
		.slot_s = r->slot_s, .delay_ms = r->delay_ms, .unsynchronised = r->quality == READING_UNSYNCHRONISED};
	struct account_value values[Q_COUNT];
	bool all = true;

	*any = false;
	for (size_t i = 0; i < d->book->n && all; i++) {
		bool own;

		if (!ledger_exchange_is_of(d->exchange, meter, i, r->slot_s))
			continue;
		all = account_continues(&d->book->account, &d->book->meters[i].account, &when, values,
					values_of(d, i, r, values), way, &own);
		*any |= own;
	}
	return all;
}

/* Two meters answer: nothing of this one, and of the inputs on it, is counted for now. */
static int doubt_meter(struct ledger_serial_desk *d, const struct ledger_serial_doubt *doubt, int64_t slot_s)
{
	char detail[160 + 2 * DB_SERIAL_MAX];
	int rc = 0;

	snprintf(detail, sizeof(detail),
		 "its serial number changed three times within an hour, between %s and %s, as if two meters answered; "
		 "nothing is counted until it has stayed for an hour",
		 d->book->reg->list[doubt->meter].serial, doubt->other[0] != '\0' ? doubt->other : doubt->before);
	for (size_t i = 0; i < d->book->n && rc == 0; i++) {
		if (!ledger_exchange_is_of(d->exchange, doubt->meter, i, slot_s))
			continue;
		rc = ledger_moments_put(d->book, i, LEDGER_SAW_TWO, slot_s);
		account_doubt(&d->book->account, ledger_book_change(d->book, i), slot_s, detail);
	}
	ledger_state_want(d->state);
	return rc;
}

/* Was an exchange announced since the number was taken that is known? Then the new meter has not reported its own. */
static bool is_number_older(const struct ledger_serial_desk *d, size_t meter)
{
	char sql[320];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM request_log r WHERE kind = 'replace' AND state = 'done' AND undone_by IS NULL "
		 "AND meter_id = %lld AND NOT EXISTS (SELECT 1 FROM request_log s WHERE s.kind = 'serial' "
		 "AND s.meter_id = r.meter_id AND s.id > r.id)",
		 (long long)d->book->reg->list[meter].id);
	return db_number(d->book->db, sql, 0) > 0;
}

/* The serial number has been another one for a whole reading: is it another meter? */
static int decide(struct ledger_serial_desk *d, struct ledger_serial_doubt *doubt, const struct reading *r)
{
	const char *known = d->book->reg->list[doubt->meter].serial;
	bool is_older = is_number_older(d, doubt->meter), any, any_new;
	bool is_same = continues(d, doubt->meter, r, is_older ? ACCOUNT_AS_POSSIBLE : ACCOUNT_AS_USUAL, &any);
	bool was_there = continues(d, doubt->meter, r, ACCOUNT_IN_NEW_LIFE, &any_new) && any_new;
	char detail[120 + 2 * DB_SERIAL_MAX], serial[DB_SERIAL_MAX + 1];

	snprintf(serial, sizeof(serial), "%s", doubt->other);
	doubt->other[0] = '\0';
	if (!any)
		return ledger_exchange_note_serial(d->exchange, doubt->meter, serial, "nothing of it was counted yet");
	if (is_older && is_same)
		return ledger_exchange_note_serial(d->exchange, doubt->meter, serial,
						   "it is that of the new meter, which was announced");
	snprintf(detail, sizeof(detail), "serial number was %s, is now %s%s", known, serial,
		 is_same ? "; all its counters continue, so it is taken for the same meter" : "");
	if (!is_same)
		return ledger_exchange_by_serial(d->exchange, doubt->meter, serial, was_there, detail);
	d->book->sink.event(d->book->sink.context, r->slot_s * 1000, d->book->reg->list[doubt->meter].name,
			    "identity-changed", detail);
	return ledger_exchange_note_serial(d->exchange, doubt->meter, serial, detail);
}

static bool is_unsure(const struct ledger_serial_desk *d, size_t meter, int64_t slot_s)
{
	for (size_t i = 0; i < d->book->n; i++) {
		int64_t unsure_s = d->book->meters[i].account.unsure_s;

		if (unsure_s != 0 && slot_s - unsure_s < ACCOUNT_PROOF_S &&
		    ledger_exchange_is_of(d->exchange, meter, i, slot_s))
			return true;
	}
	return false;
}

static bool has_counters(const struct reading *r)
{
	for (int q = reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1))
		if (names_is_counter((enum quantity)q))
			return true;
	return false;
}

int ledger_serial_before(struct ledger_serial_desk *d, size_t meter, const struct reading *r)
{
	struct ledger_serial_doubt *doubt = find(d, meter);
	bool has_changed;
	const char *now;

	if (doubt == NULL || d->book->mode != LEDGER_LIVE || r->quality == READING_SUSPECT || !has_counters(r))
		return 0;
	now = doubt->other[0] != '\0' ? doubt->other : d->book->reg->list[meter].serial;
	has_changed = strcmp(now, doubt->before) != 0;
	snprintf(doubt->before, sizeof(doubt->before), "%s", now);
	if (is_unsure(d, meter, r->slot_s)) {
		return has_changed ? doubt_meter(d, doubt, r->slot_s) : 0;
	}
	if (doubt->other[0] == '\0')
		return 0;
	if (has_changed && doubt->changed_s[0] != 0 && r->slot_s - doubt->changed_s[0] <= LEDGER_SERIAL_WITHIN_S) {
		doubt->changed_s[0] = doubt->changed_s[1] = 0;
		return doubt_meter(d, doubt, r->slot_s);
	}
	doubt->changed_s[0] = doubt->changed_s[1];
	doubt->changed_s[1] = r->slot_s;
	return decide(d, doubt, r);
}
