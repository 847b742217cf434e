/* SPDX-License-Identifier: MIT */
#include "ledger_feed.h"

#include <stdio.h>

/* The clock went back for good from until_s. Up to there the order of the slots is not the order in which the readings
 * came, so that a rebuild must leave that time alone. */
static int note_unordered(const struct ledger_feed *f, int64_t until_s)
{
	char value[24];

	int rc;

	ledger_state_want(f->state);
	rc = ledger_state_forget_before(f->state);
	if (rc != 0)
		return rc;
	snprintf(value, sizeof(value), "%lld", (long long)until_s);
	if (until_s <= ledger_book_get_time(f->book, "unordered_until"))
		return 0;
	return db_put_setting(f->book->db, "unordered_until", value);
}

static int count(const struct ledger_feed *f, size_t i, const struct reading *r, struct account_value *values, size_t n)
{
	struct account_meter *m = ledger_book_change(f->book, i);
	int64_t last_s = m->last_s;
	bool was_unsure = m->unsure_s != 0;
	struct account_when when = {
		.slot_s = r->slot_s, .delay_ms = r->delay_ms, .unsynchronised = r->quality == READING_UNSYNCHRONISED};
	int rc = account_feed(&f->book->account, m, &when, values, n);

	if (was_unsure != (m->unsure_s != 0))
		ledger_state_want(f->state);
	if (rc == 0 && last_s == 0 && m->last_s != 0 && f->book->mode == LEDGER_LIVE)
		rc = ledger_state_keep_first(f->state, i);
	return rc == 0 && m->last_s < last_s ? note_unordered(f, last_s) : rc;
}

/* In a replay: the saved state has gone far beyond this slot, after the clock was set back. The reading is in the
 * state, and must not begin new lives as if the clock had gone back once more. */
static bool is_long_saved(const struct ledger_feed *f, size_t i, int64_t slot_s)
{
	return f->book->mode == LEDGER_REPLAY && f->book->meters[i].account.last_s - slot_s > ACCOUNT_BACK_S;
}

/* True when the reading has a count of this period of an input. */
static bool has_input(const struct reading *r, size_t meter, const struct ledger_input *input)
{
	return input->concentrator == meter && r->slot_s >= input->from_s && r->slot_s < input->until_s &&
	       reading_has(r, input->pulses);
}

struct account_value ledger_feed_value(const struct account_meter *m, const struct reading *r, enum quantity q)
{
	struct account_value v = {.quantity = q, .parts = m->limits->of[q].parts, .is_coarse = reading_is_coarse(r, q)};
	const struct account_counter *c = v.parts == 0 ? account_counter(m, q) : NULL;

	if (c != NULL && c->living)
		v.parts = c->parts;
	else if (v.parts == 0 && r->parts > 1)
		v.parts = r->parts;
	v.value = reading_in_parts(r, q, v.parts);
	return v;
}

struct account_value ledger_feed_pulses(const struct ledger_input *input, const struct reading *r)
{
	return (struct account_value){.quantity = input->quantity,
				      .value = r->values[input->pulses] * input->weight,
				      .is_coarse = reading_is_coarse(r, input->pulses)};
}

/* Count one input. *suspect is set when its count was not accepted, else left alone. 0 or -errno. */
static int count_input(const struct ledger_feed *f, const struct ledger_input *input, const struct reading *r,
		       bool *suspect)
{
	struct ledger_book *b = f->book;
	const struct ledger_meter *m = &b->meters[input->meter];
	struct account_value value = ledger_feed_pulses(input, r);
	int rc = 0;

	if (is_long_saved(f, input->meter, r->slot_s))
		return 0;
	/* a slot that lies behind is not counted, whatever a pulse weighed then */
	if (r->slot_s > m->account.last_s || m->account.last_s - r->slot_s > ACCOUNT_BACK_S) {
		ledger_book_set_period(b, input->meter, input->from_s);
		ledger_book_set_limits(b, input->meter, input->limits);
		rc = ledger_ratings_apply(f->ratings, input->meter, r->slot_s, input->per_hour, input->quantity);
	}
	if (rc != 0)
		return rc;
	/* it may have been electricity, and be heat now */
	account_end_others(&b->account, ledger_book_change(b, input->meter), input->quantity);
	rc = count(f, input->meter, r, &value, 1);
	if (rc == 0 && value.suspect)
		*suspect = true;
	return rc;
}

/* Nothing of this reading is counted; behind: for good. Returns the kinds that have counters of it. */
static unsigned reject(const struct ledger_feed *f, size_t meter, const struct reading *r, bool behind,
		       const char *reason)
{
	const struct ledger_book *b = f->book;
	unsigned kinds = 0;

	for (int q = reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1)) {
		if (!names_is_counter((enum quantity)q) || b->tables->kind_of[q] < 0)
			continue;
		kinds |= 1U << b->tables->kind_of[q];
		if (q < Q_PULSES_1 || q > Q_PULSES_8)
			ledger_lives_on_suspect(f->lives, r->meter, (enum quantity)q, r->slot_s, behind, reason);
	}
	for (size_t k = 0; k < f->limits->n_inputs; k++) {
		const struct ledger_input *input = &f->limits->inputs[k];

		if (has_input(r, meter, input))
			ledger_lives_on_suspect(f->lives, b->reg->list[input->meter].id, input->quantity, r->slot_s,
						behind, reason);
	}
	return kinds;
}

/* Give a meter what bounds a reading of this slot. */
static int rate(const struct ledger_feed *f, size_t meter, int64_t slot_s)
{
	const struct ledger_meter *m = &f->book->meters[meter];
	int64_t per_hour = ledger_limits_per_hour(f->limits, meter, m->ct_primary, m->ct_secondary);

	return ledger_ratings_apply(f->ratings, meter, slot_s, per_hour, Q_ACTIVE_ENERGY_IMPORT);
}

int ledger_feed(const struct ledger_feed *f, const struct reading *r, unsigned *suspect_kinds)
{
	struct ledger_book *b = f->book;
	const struct ledger_hold *hold;
	int found = ledger_book_find(b, r->meter), rc = 0;
	size_t meter = (size_t)found, n = 0;
	struct account_value counters[Q_COUNT];
	bool has_pulses = false, is_pulse_suspect = false;

	*suspect_kinds = 0;
	ledger_lives_begin(f->lives, r->quality);
	if (found < 0 || b->mode == LEDGER_CLOSED)
		return 0;
	for (int q = reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1)) {
		if (q >= Q_PULSES_1 && q <= Q_PULSES_8) {
			has_pulses = true;
		} else if (q == Q_CT_PRIMARY) {
			ledger_book_set_ct(b, meter, r->values[q],
					   reading_has(r, Q_CT_SECONDARY) ? r->values[Q_CT_SECONDARY] : 0);
		} else if (q == Q_COUNTER_MAX && b->meters[meter].account.counter_max != r->values[q]) {
			/* no row keeps it, so a replay or rebuild needs it from the saved state */
			ledger_book_set_counter_max(b, meter, r->values[q]);
			ledger_state_want(f->state);
		} else if (names_is_counter((enum quantity)q) && b->tables->kind_of[q] >= 0 &&
			   !is_long_saved(f, meter, r->slot_s)) {
			counters[n++] = ledger_feed_value(&b->meters[meter].account, r, (enum quantity)q);
		}
	}
	ledger_book_set_newest(b, r->slot_s);
	if (r->quality == READING_SUSPECT) {
		*suspect_kinds = reject(f, meter, r, true, "the device is not the configured model");
		return 0;
	}
	hold = ledger_holds_find_at(f->holds, meter, r->slot_s);
	if (hold != NULL) {
		*suspect_kinds = reject(f, meter, r, false, hold->why);
		return 0;
	}
	if (n > 0)
		rc = rate(f, meter, r->slot_s);
	if (n > 0 && rc == 0)
		rc = count(f, meter, r, counters, n);
	for (size_t i = 0; i < n; i++)
		if (counters[i].suspect)
			*suspect_kinds |= 1U << b->tables->kind_of[counters[i].quantity];
	for (size_t k = 0; k < f->limits->n_inputs && has_pulses && rc == 0; k++)
		if (has_input(r, meter, &f->limits->inputs[k]))
			rc = count_input(f, &f->limits->inputs[k], r, &is_pulse_suspect);
	if (is_pulse_suspect)
		*suspect_kinds |= 1U << b->tables->kind_of[Q_PULSES_1];
	return b->error != 0 ? b->error : rc;
}
