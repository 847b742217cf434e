/* SPDX-License-Identifier: MIT */
#include "account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account_results.h"
#include "explain_pack.h"
#include "pack.h"
#include "wide.h"

struct account_counter *account_counter(const struct account_meter *m, enum quantity q)
{
	for (size_t i = 0; i < m->n_counters; i++)
		if (m->counters[i].quantity == q)
			return &m->counters[i];
	return NULL;
}

/* The counter of value i of a reading: in most readings the values are in the order of the counters. */
static struct account_counter *counter_of(const struct account_meter *m, const struct account_value *values, size_t i)
{
	if (i < m->n_counters && m->counters[i].quantity == values[i].quantity)
		return &m->counters[i];
	return account_counter(m, values[i].quantity);
}

static struct account_counter *add_counter(struct account_meter *m, const struct account_counter *counter)
{
	struct account_counter *counters = realloc(m->counters, (m->n_counters + 1) * sizeof(*counters));

	if (counters == NULL)
		return NULL;
	m->counters = counters;
	counters[m->n_counters] = *counter;
	counters[m->n_counters].x = (struct explain){.n = 0};
	return &counters[m->n_counters++];
}

void account_forget(struct account_meter *m)
{
	account_fini(m);
	m->last_s = m->reported_s = m->doubtful_s = 0;
	m->unsure_s = m->sure_ms = m->passed_s = 0;
}

void account_fini(struct account_meter *m)
{
	for (size_t i = 0; i < m->n_counters; i++)
		explain_fini(&m->counters[i].x);
	free(m->counters);
	m->counters = NULL;
	m->n_counters = 0;
}

static const struct account_limit *limit_of(const struct account_meter *m, enum quantity q)
{
	return &m->limits->of[q];
}

static int64_t parts_of(const struct account_limit *l)
{
	return l->parts > 0 ? l->parts : 1;
}

static int64_t parts_of_value(const struct account_meter *m, const struct account_value *v)
{
	return v->parts > 0 ? v->parts : parts_of(limit_of(m, v->quantity));
}

/* The modulus of a register whose meter reports it. */
static int64_t read_modulus(const struct account_meter *m, const struct account_counter *c)
{
	const struct account_limit *l = limit_of(m, c->quantity);
	int64_t n_steps, modulus;

	if (m->counter_max <= 0 || l->step <= 0)
		return c->modulus;
	n_steps = wide_muldiv(m->counter_max, parts_of(l), l->step);
	if (n_steps == INT64_MAX || __builtin_mul_overflow(n_steps + 1, l->step, &modulus))
		return c->modulus;
	return modulus;
}

/* An amount of base units in parts of them. */
static int64_t in_parts(int64_t amount, int64_t parts)
{
	int64_t product;

	return __builtin_mul_overflow(amount, parts, &product) ? INT64_MAX : product;
}

static struct explain_limit bounds_of(const struct account_meter *m, const struct account_counter *c)
{
	const struct account_limit *l = limit_of(m, c->quantity);
	struct explain_limit bounds = {
		.per_hour = l->per_hour, .step = l->step, .coarse_step = l->coarse_step, .back_step = l->back_step};

	if (l->parts == 0) {
		bounds.per_hour = in_parts(l->per_hour, c->parts);
		bounds.step = in_parts(l->step, c->parts);
	}
	if (l->per_hour == 0)
		bounds.per_hour = in_parts(m->per_hour, l->parts != 0 ? l->parts : c->parts);
	if (bounds.per_hour > INT64_MAX / 4)
		bounds.per_hour = INT64_MAX / 4;
	memcpy(bounds.moduli, l->moduli, sizeof(bounds.moduli));
	if (l->modulus_read)
		bounds.moduli[0] = read_modulus(m, c);
	return bounds;
}

/* Differences of such values and their sums fit into 64 bits: registers of 64 bits can hold more, and show it when they
 * are torn or are another thing. */
static bool is_countable(int64_t value)
{
	return value >= -INT64_MAX / 8 && value <= INT64_MAX / 8;
}

/* A value as it counts: two registers that turn over at different values agree modulo the lower one. */
static int64_t fold_value(int64_t value, int64_t fold)
{
	return fold > 0 && value >= fold ? value % fold : value;
}

/* The longest time between a reading of slot_s and the one before that is not yet a gap: one that is missing makes it
 * one. */
static int64_t gap_of(const struct account *a, const struct account_meter *m, int64_t slot_s)
{
	int64_t every_s = m->every_s, interval_s = calendar_interval_s(a->calendar, slot_s - 1);

	return every_s > 0 && every_s < interval_s ? every_s : interval_s;
}

/* The slot of the last good reading of the best explanation. */
static int64_t last_good_s(const struct account_counter *c)
{
	return explain_slot_s(&c->x, c->x.best);
}

/* How far results may be given now. A good reading waits for the next one, which may show that it was false. */
static uint8_t find_target(const struct account_meter *m, const struct account_counter *c)
{
	const struct explain *x = &c->x;
	uint8_t parent = x->nodes[x->best].parent;

	if (m->unsure_s != 0)
		return x->given;
	return explain_n_false(x) >= 2 || parent == EXPLAIN_NONE ? x->best : parent;
}

/* Give out everything that the best explanations say: there will be no readings that prove them. q: of this counter
 * only, Q_COUNT = of all. Counters are given out together: interval_merge.h needs that. */
static void give_all(struct account *a, struct account_meter *m, enum quantity q)
{
	struct walk walks[Q_COUNT];
	size_t n = 0;

	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];

		if (c->living && (q == Q_COUNT || q == c->quantity) && results_set_out(a, m, c, c->x.best, &walks[n]))
			n++;
	}
	results_give(a, m, walks, n);
	for (size_t i = 0; i < n; i++)
		results_tidy(a, m, walks[i].counter);
}

/* Add the counters that the meter shows for the first time, and make room for a reading in all. 0 or -ENOMEM. */
static int make_counters(struct account *a, struct account_meter *m, int64_t slot_s, const struct account_value *values,
			 size_t n_values)
{
	for (size_t i = 0; i < n_values; i++) {
		struct account_counter *c = counter_of(m, values, i);

		if (c == NULL) {
			struct account_counter first = {.quantity = values[i].quantity, .given = {.slot_s = slot_s}};

			first.parts = parts_of_value(m, &values[i]);
			first.given.open_s = calendar_interval_start(a->calendar, slot_s);
			c = add_counter(m, &first);
		}
		if (c == NULL || explain_reserve(&c->x) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void report_gap(struct account *a, const struct account_meter *m, int64_t slot_s)
{
	time_t from = (time_t)m->last_s;
	struct tm tm;
	char text[24];

	if (m->last_s == 0 || m->every_s == 0 || slot_s - m->last_s <= 3 * (int64_t)m->every_s)
		return;
	gmtime_r(&from, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	results_event(a, m, slot_s, "gap", "no reading since %s (%lld min); consumption is spread over this time", text,
		      (long long)(slot_s - m->last_s) / 60);
}

/* The clock was set back by more than a day. What was counted is kept, new lives begin here. */
static void restart_lives(struct account *a, struct account_meter *m, int64_t slot_s)
{
	give_all(a, m, Q_COUNT);
	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];

		c->living = false;
		c->seen_s = slot_s - 1;
		c->given.slot_s = slot_s;
		c->given.open_s = calendar_interval_start(a->calendar, slot_s);
		c->given.sum = 0;
		c->given.known_s = 0;
		c->given.is_estimated = false;
	}
	if (m->last_s > m->passed_s)
		m->passed_s = m->last_s;
	m->last_s = 0;
	m->reported_s = 0;
	m->unsure_s = 0;
}

static void mark_behind(struct account *a, const struct account_meter *m, struct account_value *v, int64_t slot_s,
			const char *reason)
{
	v->suspect = true;
	if (a->sink.suspect != NULL)
		a->sink.suspect(a->sink.context, m->id, v->quantity, slot_s, true, reason);
}

static bool is_near(int64_t known_s, int64_t slot_s)
{
	return known_s != 0 && slot_s - known_s <= ACCOUNT_AHEAD_S && known_s - slot_s <= ACCOUNT_BACK_S;
}

/* Is this reading's clock far from that of the last one counted, without having gone on for long enough to be believed?
 * A meter that was silent for long says nothing about the clock: then the readings of the others decide. */
static bool is_clock_doubtful(const struct account *a, struct account_meter *m, int64_t slot_s)
{
	if (a->proven || m->last_s == 0 || is_near(m->last_s, slot_s) || is_near(a->counted_s, slot_s)) {
		m->doubtful_s = 0;
		return false;
	}
	if (m->doubtful_s == 0 || slot_s < m->doubtful_s || slot_s - m->doubtful_last_s > ACCOUNT_BACK_S)
		m->doubtful_s = slot_s;
	m->doubtful_last_s = slot_s;
	return slot_s - m->doubtful_s < ACCOUNT_PROOF_S;
}

/* Count nothing of this reading, because its clock is doubtful. */
static void reject_for_clock(struct account *a, const struct account_meter *m, int64_t slot_s,
			     struct account_value *values, size_t n_values)
{
	int64_t days = llabs(slot_s - m->last_s) / 86400;
	char reason[120];

	snprintf(reason, sizeof(reason), "its slot is %lld days %s the last one counted; the clock is not trusted yet",
		 (long long)days, slot_s > m->last_s ? "after" : "before");
	for (size_t i = 0; i < n_values; i++)
		mark_behind(a, m, &values[i], slot_s, reason);
}

bool account_get_mark(const struct account_meter *m, const struct account_counter *c, struct account_mark *out)
{
	if (!c->living)
		return false;
	*out = (struct account_mark){.quantity = c->quantity,
				     .parts = c->parts,
				     .seen_s = c->seen_s,
				     .good = explain_good(&c->x, c->x.best),
				     .fold = limit_of(m, c->quantity)->fold,
				     .last_s = c->x.last_s,
				     .rate = c->x.rate,
				     .limit = bounds_of(m, c)};
	out->limit.modulus = c->x.best_modulus;
	return true;
}

/* When a reading was read, by a clock that was never set back. */
static int64_t time_of(const struct account *a, int64_t slot_s, int64_t delay_ms)
{
	int64_t time_ms = slot_s * 1000 + delay_ms;

	return time_ms + account_clock_back_ms(&a->clock, time_ms);
}

/* Whether more passed than twice the highest power gives in that time. */
static bool is_above_power(const struct account_mark *mark, int64_t step, int64_t amount, int64_t dt_ms,
			   int64_t power_mw)
{
	static const int64_t mw_ms_in_wh = 3600000000;

	if (power_mw < 0 || strcmp(names_get(mark->quantity)->unit, "Wh") != 0)
		return false;
	dt_ms = (dt_ms > 0 ? dt_ms : 0) + EXPLAIN_SLACK_MS;
	return amount > 4 * step && amount - step > wide_muldiv(2 * power_mw, dt_ms * mark->parts, mw_ms_in_wh);
}

enum reading_doubt account_judge(const struct account_mark *mark, const struct account_when *when, int64_t back_ms,
				 int64_t value, bool is_coarse, int64_t power_mw)
{
	struct explain_reading r = {.raw = fold_value(value, mark->fold),
				    .is_coarse = is_coarse,
				    .time_ms = when->slot_s * 1000 + when->delay_ms + back_ms};
	int64_t dt_ms = r.time_ms - mark->good.time_ms, amount;
	struct explain_limit l = mark->limit;
	int32_t over;

	if (when->slot_s <= mark->seen_s)
		return READING_FOLLOWS;
	if (!is_countable(value))
		return READING_IS_UNLIKELY;
	if (explain_judge(&mark->limit, &mark->good, &r, &amount, &over) >= EXPLAIN_FALLS)
		return READING_IS_UNLIKELY;
	if (is_coarse || mark->good.is_coarse)
		l.step = l.coarse_step > l.step ? l.coarse_step : l.step;
	return explain_leaps(&l, mark->rate, when->slot_s - mark->last_s, amount, dt_ms / 1000) ||
			       is_above_power(mark, l.step, amount, dt_ms, power_mw)
		       ? READING_LEAPS
		       : READING_FOLLOWS;
}

static void report_suspect(struct account *a, const struct account_meter *m, const struct account_counter *c,
			   const struct explain_limit *l, const struct explain_reading *r)
{
	const struct names_row *row = names_get(c->quantity);
	struct explain_good good = {.raw = c->given.raw};
	int64_t value = r->raw, amount;
	int32_t over;
	char reason[160];

	if (c->living)
		good = explain_good(&c->x, c->x.best);
	switch (explain_judge(l, &good, r, &amount, &over)) {
	case EXPLAIN_JUMPS:
		snprintf(reason, sizeof(reason), "%s rose from %s to %s %s; at most %s can have passed", row->name,
			 results_show(c, good.raw).text, results_show(c, value).text, row->shown,
			 results_show(c, explain_most(l, &good, r)).text);
		break;
	case EXPLAIN_FALLS:
		snprintf(reason, sizeof(reason), "%s fell from %s to %s %s", row->name, results_show(c, good.raw).text,
			 results_show(c, value).text, row->shown);
		break;
	default:
		snprintf(reason, sizeof(reason), "%s is %s %s after %s %s; other readings make this unlikely",
			 row->name, results_show(c, value).text, row->shown, results_show(c, good.raw).text,
			 row->shown);
		break;
	}
	if (a->sink.suspect != NULL)
		a->sink.suspect(a->sink.context, m->id, c->quantity, r->slot_s, false, reason);
	if (c->living && explain_n_false(&c->x) == 1)
		results_event(a, m, r->slot_s, "implausible", "%s", reason);
}

/* Say which readings after this node up to last_s the best explanation sees as false, and that the others are good. */
static void reconsider(struct account *a, const struct account_meter *m, const struct account_counter *c, uint8_t after,
		       int64_t last_s)
{
	const struct names_row *row = names_get(c->quantity);
	const struct explain *x = &c->x;
	int64_t best_s = explain_slot_s(x, x->best);

	a->sink.reconsidered(a->sink.context, m->id, c->quantity, explain_slot_s(x, after),
			     best_s < last_s ? best_s : last_s, NULL);
	for (uint8_t i = EXPLAIN_NONE, next = x->best; i != after; i = next, next = x->nodes[i].parent) {
		int64_t until_s = i == EXPLAIN_NONE ? last_s + 1 : explain_slot_s(x, i),
			after_s = explain_slot_s(x, next);
		char reason[160];

		if (until_s - 1 <= after_s || (i == EXPLAIN_NONE ? explain_n_false(x) < 1 + (last_s < x->last_s)
								 : (x->nodes[i].flags & EXPLAIN_AFTER_FALSE) == 0))
			continue;
		snprintf(reason, sizeof(reason), "%s did not continue from %s %s as later readings did", row->name,
			 results_show(c, x->nodes[next].raw).text, row->shown);
		a->sink.reconsidered(a->sink.context, m->id, c->quantity, after_s, until_s - 1, reason);
	}
}

/* Another explanation has become the best one. Say so of the readings before the last one that it sees otherwise than
 * before, the best one was. */
static void report_second_thoughts(struct account *a, struct account_meter *m, const struct account_counter *c,
				   uint8_t before)
{
	const struct explain *x = &c->x;
	uint8_t common = explain_common(x, before, x->best);

	/* the same as before, or the same continued by the last reading */
	if (x->best == before || (common == before && x->nodes[x->best].parent == before && explain_n_false(x) == 0))
		return;
	if (m->unsure_s != 0 && common != before)
		m->unsure_s = x->last_s;
	/* the last reading has a report of its own */
	if (a->sink.reconsidered != NULL)
		reconsider(a, m, c, common, x->last_s - 1);
}

void account_reconsider(struct account *a, const struct account_meter *m)
{
	for (size_t i = 0; i < m->n_counters && a->sink.reconsidered != NULL; i++)
		if (m->counters[i].living)
			reconsider(a, m, &m->counters[i], 0, m->counters[i].x.last_s);
}

/* A register runs backwards if it falls no further than it could have risen. Accidents do not do that several times in
 * a row: a reset falls once, a false value too. */
static bool runs_backwards(const struct account *a, const struct account_counter *c, const struct explain_limit *l,
			   const struct explain_reading *r)
{
	struct explain_good last = {.raw = c->x.last_raw};
	int64_t fall = c->x.last_raw - r->raw;

	if (fall <= l->back_step)
		return false;
	last.time_ms = time_of(a, c->x.last_s, 0);
	return fall <= explain_most(l, &last, r);
}

/* Is it a net register, which also runs backwards? That is reported once, and from then on its values are neither
 * counted nor suspect. */
static bool is_net(struct account *a, struct account_meter *m, struct account_counter *c, const struct explain_limit *l,
		   const struct explain_reading *r)
{
	if (c->living && r->raw != c->x.last_raw)
		c->n_falls = runs_backwards(a, c, l, r) ? (uint8_t)(c->n_falls + 1) : 0;
	if (c->n_falls < ACCOUNT_NET_FALLS || !c->living)
		return c->n_falls >= ACCOUNT_NET_FALLS;
	results_event(a, m, r->slot_s, "implausible", "%s runs backwards, from %s to %s %s; it is not counted any more",
		      names_get(c->quantity)->name, results_show(c, c->x.nodes[c->x.best].raw).text,
		      results_show(c, r->raw).text, names_get(c->quantity)->shown);
	if (a->sink.reconsidered != NULL)
		a->sink.reconsidered(a->sink.context, m->id, c->quantity, last_good_s(c), c->x.last_s, NULL);
	give_all(a, m, c->quantity);
	c->living = false;
	return true;
}

/* A life begins for a reason that was known before; the event of that did not have the first reading. */
static void report_new_life(struct account *a, const struct account_meter *m, const struct account_counter *c,
			    const struct explain_reading *r, int64_t parts)
{
	const struct names_row *row = names_get(c->quantity);
	char first[NAMES_VALUE_MAX];

	names_format(c->quantity, r->raw / parts, first, sizeof(first));
	results_event(
		a, m, r->slot_s, "new-life",
		"%s: the life before ended with %s %s, the new one begins with %s %s; what passed between them is "
		"not counted",
		row->name, results_show(c, c->given.raw).text, row->shown, first, row->shown);
}

/* Take the first value of a life, in parts of a base unit. Returns false when it can be none: a negative one is neither
 * counted nor suspect, and is reported once. */
static bool begin_life(struct account *a, const struct account_meter *m, struct account_counter *c,
		       const struct explain_reading *r, int64_t parts, struct walk *w)
{
	struct explain_limit l = bounds_of(m, c);

	if (r->raw < 0) {
		if (c->n_falls == 0)
			results_event(a, m, r->slot_s, "implausible", "%s is %s %s; a negative register is not counted",
				      names_get(c->quantity)->name, results_show(c, r->raw).text,
				      names_get(c->quantity)->shown);
		c->n_falls = 1;
		return false;
	}
	c->n_falls = 0;
	if (c->given.life_s != 0)
		report_new_life(a, m, c, r, parts);
	results_life(a, m, c, &c->given, r->slot_s, r->raw, parts, c->given.life_s != 0 ? "replaced" : "first");
	account_place_begin_life(&c->given, r->slot_s, r->raw, c->parts, parts);
	c->parts = parts;
	c->living = true;
	c->changed_s[0] = c->changed_s[1] = 0;
	explain_begin(&c->x, &l, r);
	*w = results_set_out_on_piece(c, r->slot_s, 0, false, r->raw, true, r->gap_s);
	return true;
}

/* Values in other parts of a base unit than before mean that the register is another one, or is read in another way. */
static void end_lives_of_other_parts(struct account *a, struct account_meter *m, const struct account_value *values,
				     size_t n_values)
{
	for (size_t i = 0; i < n_values; i++) {
		struct account_counter *c = counter_of(m, values, i);

		if (!c->living || c->parts == parts_of_value(m, &values[i]))
			continue;
		give_all(a, m, c->quantity);
		c->living = false;
	}
}

int account_feed(struct account *a, struct account_meter *m, const struct account_when *when,
		 struct account_value *values, size_t n_values)
{
	int64_t slot_s = when->slot_s;
	struct explain_reading r = {.slot_s = slot_s,
				    .time_ms = time_of(a, slot_s, when->delay_ms),
				    .is_time_unsure = when->unsynchronised};
	struct account_counter *fed[Q_COUNT];
	struct walk walks[Q_COUNT];
	size_t n_walks = 0, n_fed = 0;

	if (slot_s < CLOCK_NEVER_SET_S || n_values == 0)
		return 0;
	/* it is of the time before the clock was set back, and was counted then */
	if (a->proven && slot_s > m->last_s && slot_s <= m->passed_s)
		return 0;
	if (is_clock_doubtful(a, m, slot_s)) {
		reject_for_clock(a, m, slot_s, values, n_values);
		return 0;
	}
	if (make_counters(a, m, slot_s, values, n_values) != 0)
		return -ENOMEM;
	if (m->last_s != 0)
		a->counted_s = slot_s;
	if (m->last_s - slot_s > ACCOUNT_BACK_S)
		restart_lives(a, m, slot_s);
	if (slot_s > m->passed_s)
		m->passed_s = 0;
	end_lives_of_other_parts(a, m, values, n_values);
	report_gap(a, m, slot_s);
	if (m->unsure_s != 0 && slot_s - m->unsure_s >= ACCOUNT_PROOF_S)
		m->unsure_s = 0;
	if (!when->unsynchronised || m->sure_ms == 0 || m->sure_ms > r.time_ms)
		m->sure_ms = r.time_ms;
	r.unsure_ms = r.time_ms - m->sure_ms;
	r.into_s = (uint16_t)(slot_s - calendar_interval_start(a->calendar, slot_s - 1));
	r.gap_s = gap_of(a, m, slot_s);
	for (size_t i = 0; i < n_values; i++) {
		struct account_counter *c = counter_of(m, values, i);
		struct explain_limit l;
		uint8_t before;

		if (slot_s == c->seen_s)
			continue;
		if (slot_s < c->seen_s || slot_s < c->given.slot_s) {
			mark_behind(a, m, &values[i], slot_s, "its slot is before one that was already counted");
			continue;
		}
		c->seen_s = slot_s;
		if (!is_countable(values[i].value)) {
			values[i].suspect = true;
			if (a->sink.suspect != NULL)
				a->sink.suspect(a->sink.context, m->id, c->quantity, slot_s, false,
						"no counter shows so many digits");
			continue;
		}
		if (limit_of(m, c->quantity)->modulus_read)
			c->modulus = read_modulus(m, c);
		r.raw = fold_value(values[i].value, limit_of(m, c->quantity)->fold);
		r.is_coarse = values[i].is_coarse && limit_of(m, c->quantity)->coarse_step > 0;
		l = bounds_of(m, c);
		if (is_net(a, m, c, &l, &r))
			continue;
		if (!c->living) {
			n_walks += begin_life(a, m, c, &r, parts_of_value(m, &values[i]), &walks[n_walks]);
			continue;
		}
		before = c->x.best;
		explain_feed(&c->x, &l, &r);
		if (explain_n_false(&c->x) > 0) {
			values[i].suspect = true;
			report_suspect(a, m, c, &l, &r);
		}
		report_second_thoughts(a, m, c, before);
		if (results_set_out(a, m, c, find_target(m, c), &walks[n_walks]))
			n_walks++;
		fed[n_fed++] = c;
	}
	results_give(a, m, walks, n_walks);
	for (size_t i = 0; i < n_fed; i++)
		results_tidy(a, m, fed[i]);
	if (slot_s > m->last_s)
		m->last_s = slot_s;
	return 0;
}

/* An exchange may be announced, or noticed, after the first readings of the new meter. The best explanation calls them
 * false; another one sees a life that nobody had announced. Returns where it begins; EXPLAIN_NONE = there is none. */
static uint8_t find_unproven_life(const struct account_counter *c)
{
	const struct explain *x = &c->x;
	uint8_t last = x->n - 1, life;

	if (!c->living || explain_n_false(x) == 0 || explain_slot_s(x, last) != x->last_s)
		return EXPLAIN_NONE;
	life = explain_life(x, last);
	return life > 0 && explain_common(x, x->best, life) != life ? life : EXPLAIN_NONE;
}

bool account_continues(const struct account *a, const struct account_meter *m, const struct account_when *when,
		       const struct account_value *values, size_t n_values, enum account_way way, bool *any)
{
	struct explain_reading r = {.slot_s = when->slot_s, .time_ms = time_of(a, when->slot_s, when->delay_ms)};

	*any = false;
	for (size_t i = 0; i < n_values; i++) {
		const struct account_counter *c = account_counter(m, values[i].quantity);
		struct explain_limit l;
		uint8_t last;

		if (c == NULL || !c->living || (way == ACCOUNT_IN_NEW_LIFE && find_unproven_life(c) == EXPLAIN_NONE))
			continue;
		*any = true;
		last = way == ACCOUNT_IN_NEW_LIFE ? c->x.n - 1 : c->x.best;
		if (c->parts != parts_of_value(m, &values[i]))
			return false;
		l = bounds_of(m, c);
		r.raw = fold_value(values[i].value, limit_of(m, c->quantity)->fold);
		r.is_coarse = values[i].is_coarse && limit_of(m, c->quantity)->coarse_step > 0;
		if (way == ACCOUNT_AS_USUAL ? !explain_is_usual(&c->x, &l, &r)
					    : !explain_can_follow(&c->x, last, &l, &r))
			return false;
	}
	return true;
}

void account_doubt(struct account *a, struct account_meter *m, int64_t slot_s, const char *detail)
{
	if (m->unsure_s == 0)
		results_event(a, m, slot_s, "two-meters", "%s", detail);
	m->unsure_s = slot_s;
}

/* Whether the life can have reached the final value of the old meter from this good reading; if not, it belongs to an
 * earlier life. *parts: the value; one that is equal to the reading in whole base units is the reading. */
static enum account_fit fit_final(const struct account *a, const struct account_meter *m,
				  const struct account_counter *c, uint8_t node, int64_t slot_s, int64_t final,
				  int64_t *parts)
{
	const struct explain_node *good = &c->x.nodes[node];
	struct explain_good from = explain_good(&c->x, node);
	struct explain_limit l = bounds_of(m, c);
	struct explain_reading end = {.time_ms = time_of(a, slot_s, 0)};
	int64_t amount;
	int32_t over;

	l.moduli[0] = l.back_step = 0;
	if (__builtin_mul_overflow(final, c->parts, parts))
		return ACCOUNT_FINAL_TOO_HIGH;
	*parts = fold_value(*parts, limit_of(m, c->quantity)->fold);
	if (final == good->raw / c->parts)
		*parts = good->raw;
	end.raw = *parts;
	switch (explain_judge(&l, &from, &end, &amount, &over)) {
	case EXPLAIN_STEPS_BACK:
		*parts = good->raw;
		return ACCOUNT_FITS;
	case EXPLAIN_RISES:
		return ACCOUNT_FITS;
	case EXPLAIN_JUMPS:
		return ACCOUNT_FINAL_TOO_HIGH;
	default:
		return ACCOUNT_FINAL_TOO_LOW;
	}
}

/* The same of the initial value of the new meter and its first reading. */
static enum account_fit fit_initial(const struct account *a, const struct account_meter *m,
				    const struct account_counter *c, uint8_t first, int64_t slot_s, int64_t initial,
				    int64_t *parts)
{
	const struct explain_node *node = &c->x.nodes[first];
	struct explain_good begin = {.time_ms = time_of(a, slot_s, 0)};
	struct explain_reading next = {
		.raw = node->raw, .time_ms = node->time_ms, .is_coarse = node->flags & EXPLAIN_COARSE};
	struct explain_limit l = bounds_of(m, c);
	int64_t amount;
	int32_t over;

	l.moduli[0] = l.back_step = 0;
	if (__builtin_mul_overflow(initial, c->parts, parts))
		return ACCOUNT_INITIAL_TOO_HIGH;
	*parts = fold_value(*parts, limit_of(m, c->quantity)->fold);
	if (initial == node->raw / c->parts)
		*parts = node->raw;
	begin.raw = *parts;
	switch (explain_judge(&l, &begin, &next, &amount, &over)) {
	case EXPLAIN_STEPS_BACK:
		*parts = node->raw;
		return ACCOUNT_FITS;
	case EXPLAIN_RISES:
		return ACCOUNT_FITS;
	case EXPLAIN_JUMPS:
		return ACCOUNT_INITIAL_TOO_LOW;
	default:
		return ACCOUNT_INITIAL_TOO_HIGH;
	}
}

/* A life begins where results were given out up to, with a value that is known without a reading. */
static void begin_with(struct account *a, struct account_meter *m, struct account_counter *c, int64_t raw,
		       const char *reason)
{
	results_life(a, m, c, &c->given, c->given.slot_s, raw, c->parts, reason);
	account_place_begin_life(&c->given, c->given.slot_s, raw, c->parts, c->parts);
}

/* End the life of a counter at slot_s, or at the end of what has been given out, with the final value where there is
 * one. */
static void end_life(struct account *a, struct account_meter *m, struct account_counter *c, int64_t slot_s,
		     const struct account_exchange *x)
{
	int64_t parts;
	struct walk w;

	if (slot_s < c->given.slot_s)
		slot_s = c->given.slot_s;
	w = results_set_out_on_piece(c, slot_s, 0, false, c->given.raw, false, gap_of(a, m, slot_s));
	if (c->living && x->has_final &&
	    (fit_final(a, m, c, c->x.given, slot_s, x->final, &parts) == ACCOUNT_FITS ||
	     (x->is_forced && parts > c->given.raw)))
		w = results_set_out_on_piece(c, slot_s, parts - c->given.raw, true, parts, true, gap_of(a, m, slot_s));
	results_give(a, m, &w, 1);
}

/* The exchange was before the first reading of the life that begins at this node. */
static int64_t exchanged_s(const struct account_counter *c, uint8_t node, const struct account_exchange *x)
{
	int64_t life_s = explain_slot_s(&c->x, node), parent_s = explain_slot_s(&c->x, c->x.nodes[node].parent);

	if (x->slot_s > life_s)
		return life_s;
	return x->slot_s > parent_s ? x->slot_s : parent_s;
}

/* Decide for the explanations that continue from this node, and forget all before it. The place that is settled is the
 * caller's to set. */
static void make_final(struct account_counter *c, uint8_t node)
{
	explain_decide(&c->x, node);
	explain_tidy(&c->x);
	while (explain_can_settle(&c->x))
		explain_settle(&c->x);
}

/* The life that begins at this node did, with another meter. */
static void adopt_life(struct account *a, struct account_meter *m, struct account_counter *c, uint8_t node,
		       const struct account_exchange *x)
{
	struct explain_node life = c->x.nodes[node];
	int64_t life_s = explain_slot_s(&c->x, node), slot_s = exchanged_s(c, node, x), first = life.raw, parts;
	struct walk w;

	if (x->has_initial && (fit_initial(a, m, c, node, slot_s, x->initial, &parts) == ACCOUNT_FITS ||
			       (x->is_forced && parts < life.raw)))
		first = parts;
	results_turn_to(a, m, c, life.parent, &w);
	results_give(a, m, &w, 1);
	end_life(a, m, c, slot_s, x);
	if (a->sink.reconsidered != NULL)
		a->sink.reconsidered(a->sink.context, m->id, c->quantity, life_s - 1, c->x.last_s, NULL);
	make_final(c, node);
	begin_with(a, m, c, first, "replaced");
	w = results_set_out_on_piece(c, life_s, life.raw - first, first != life.raw, life.raw, true,
				     gap_of(a, m, life_s));
	results_give(a, m, &w, 1);
}

static void replace_counter(struct account *a, struct account_meter *m, struct account_counter *c,
			    const struct account_exchange *x)
{
	uint8_t unproven = x->may_be_late ? find_unproven_life(c) : EXPLAIN_NONE;
	int64_t parts;

	if (unproven != EXPLAIN_NONE) {
		adopt_life(a, m, c, unproven, x);
		return;
	}
	give_all(a, m, c->quantity);
	end_life(a, m, c, x->slot_s, x);
	c->living = false;
	c->n_falls = 0;
	if (x->has_initial && !__builtin_mul_overflow(x->initial, c->parts, &parts) && explain_reserve(&c->x) == 0) {
		struct explain_limit l = bounds_of(m, c);
		struct explain_reading r = {
			.slot_s = c->given.slot_s, .raw = parts, .gap_s = gap_of(a, m, c->given.slot_s)};

		r.time_ms = time_of(a, r.slot_s, 0);
		r.into_s = (uint16_t)(r.slot_s - calendar_interval_start(a->calendar, r.slot_s - 1));
		begin_with(a, m, c, parts, "replaced");
		explain_begin(&c->x, &l, &r);
		c->living = true;
		c->settled = c->given;
	}
}

static int64_t most_between(const struct explain_limit *l, int64_t from_ms, int64_t to_ms)
{
	struct explain_good from = {.time_ms = from_ms};
	struct explain_reading to = {.time_ms = to_ms};

	return explain_most(l, &from, &to);
}

enum account_fit account_check_exchange(const struct account *a, const struct account_meter *m, enum quantity q,
					const struct account_exchange *x, int64_t *reading, int64_t *most)
{
	const struct account_counter *c = account_counter(m, q);
	enum account_fit fit = ACCOUNT_FITS;
	int64_t slot_s = x->slot_s, parts;
	struct explain_limit l;
	uint8_t last, first;

	if (c == NULL || !c->living)
		return x->has_final ? ACCOUNT_NOTHING_COUNTED : ACCOUNT_FITS;
	l = bounds_of(m, c);
	first = x->may_be_late ? find_unproven_life(c) : EXPLAIN_NONE;
	last = first == EXPLAIN_NONE ? c->x.best : c->x.nodes[first].parent;
	if (first != EXPLAIN_NONE)
		slot_s = exchanged_s(c, first, x);
	else if (slot_s < explain_slot_s(&c->x, last))
		slot_s = explain_slot_s(&c->x, last);
	if (x->has_final) {
		fit = fit_final(a, m, c, last, slot_s, x->final, &parts);
		*reading = c->x.nodes[last].raw / c->parts;
		*most = most_between(&l, c->x.nodes[last].time_ms, time_of(a, slot_s, 0)) / c->parts;
	}
	if (fit == ACCOUNT_FITS && x->has_initial && first != EXPLAIN_NONE) {
		fit = fit_initial(a, m, c, first, slot_s, x->initial, &parts);
		*reading = c->x.nodes[first].raw / c->parts;
		*most = most_between(&l, time_of(a, slot_s, 0), c->x.nodes[first].time_ms) / c->parts;
	}
	return fit;
}

enum account_fit account_check_first(const struct account_meter *m, enum quantity q, int64_t *reading, int64_t *most)
{
	const struct account_counter *c = account_counter(m, q);
	struct explain_reading first;
	struct explain_good initial;
	struct explain_limit l;

	if (c == NULL || !c->living || explain_n_false(&c->x) == 0)
		return ACCOUNT_FITS;
	l = bounds_of(m, c);
	initial = explain_good(&c->x, c->x.best);
	first = (struct explain_reading){.raw = c->x.last_raw, .time_ms = c->x.last_ms};
	*reading = first.raw / c->parts;
	*most = explain_most(&l, &initial, &first) / c->parts;
	return first.raw < initial.raw ? ACCOUNT_INITIAL_TOO_HIGH : ACCOUNT_INITIAL_TOO_LOW;
}

void account_replace(struct account *a, struct account_meter *m, enum quantity q, const struct account_exchange *x)
{
	struct account_exchange without = {.slot_s = x->slot_s, .may_be_late = x->may_be_late};

	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];

		if (q == c->quantity)
			replace_counter(a, m, c, x);
		else if (q == Q_COUNT)
			replace_counter(a, m, c, &without);
	}
}

/* Add to a meter the counters that it does not have, with room for a reading in all. 0 or -ENOMEM. */
static int make_counters_of(struct account *a, struct account_meter *to, const struct account_meter *from)
{
	struct account_value values[Q_COUNT];

	for (size_t i = 0; i < from->n_counters; i++)
		values[i] = (struct account_value){.quantity = from->counters[i].quantity};
	return make_counters(a, to, from->last_s, values, from->n_counters);
}

/* Give out what a counter has counted in its running interval, as an interval that ends at end_s. */
static void give_running(struct account *a, const struct account_meter *m, struct account_counter *c, int64_t end_s)
{
	static const struct account_register unknown = {.is_known = false};
	struct account_interval out = {
		.meter = m->id, .start_s = c->given.open_s, .end_s = end_s, .quality = ACCOUNT_MISSING};
	struct account_closed closed = account_place_close(&c->given, c->parts, end_s);

	results_add_value(&out, c->quantity, &closed, &unknown);
	if (a->sink.interval != NULL && out.n_values > 0)
		a->sink.interval(a->sink.context, &out);
}

/* End the running intervals where they are, and for good: no reading will come that ends them. */
static void cut(struct account *a, struct account_meter *m)
{
	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];

		if (c->given.slot_s > c->given.open_s)
			give_running(a, m, c, c->given.slot_s);
		if (!c->living)
			continue;
		make_final(c, c->x.given);
		c->settled = c->given;
	}
	account_void_missing(m);
}

int account_hand_over(struct account *a, struct account_meter *from, struct account_meter *to)
{
	if (make_counters_of(a, to, from) != 0)
		return -ENOMEM;
	give_all(a, from, Q_COUNT);
	cut(a, from);
	for (size_t i = 0; i < from->n_counters; i++) {
		struct account_counter *old = &from->counters[i], *new = account_counter(to, old->quantity);
		struct account_exchange x = {.slot_s = old->given.slot_s};
		struct explain_limit l = bounds_of(to, new);
		struct explain_reading r = {
			.slot_s = x.slot_s, .raw = old->given.raw, .gap_s = gap_of(a, to, x.slot_s)};

		if (!old->living)
			continue;
		if (a->sink.life_ended != NULL)
			a->sink.life_ended(a->sink.context, from->id, old->quantity, old->given.slot_s,
					   old->given.raw / old->parts);
		old->living = false;
		give_all(a, to, new->quantity);
		end_life(a, to, new, x.slot_s, &x);
		new->living = false;
		new->parts = old->parts;
		new->n_falls = 0;
		new->seen_s = x.slot_s;
		r.time_ms = time_of(a, r.slot_s, 0);
		r.into_s = (uint16_t)(r.slot_s - calendar_interval_start(a->calendar, r.slot_s - 1));
		begin_with(a, to, new, r.raw, "renamed");
		explain_begin(&new->x, &l, &r);
		new->living = true;
		new->settled = new->given;
	}
	if (to->last_s < from->last_s)
		to->last_s = from->last_s;
	to->sure_ms = from->sure_ms;
	return 0;
}

bool account_has_life(const struct account_counter *c, int64_t life_s, int64_t since_s)
{
	if (c == NULL || !c->living || c->given.life_s != life_s)
		return false;
	for (uint8_t i = c->x.best; i > c->x.given; i = c->x.nodes[i].parent)
		if (c->x.nodes[i].flags & EXPLAIN_LIFE)
			return false;
	return last_good_s(c) > since_s || c->x.last_s <= since_s;
}

bool account_has_noticed(const struct account *a, const struct account_meter *m, enum quantity q, int64_t slot_s,
			 const int64_t *final)
{
	const struct account_counter *c = account_counter(m, q);
	struct account_place life;
	int64_t parts;

	if (c == NULL || !c->living)
		return false;
	life = c->given;
	for (uint8_t i = c->x.best; i > c->x.given; i = c->x.nodes[i].parent) {
		if ((c->x.nodes[i].flags & EXPLAIN_LIFE) == 0)
			continue;
		life.was_reset = true;
		life.life_s = explain_slot_s(&c->x, i);
		life.ended_raw = c->x.nodes[c->x.nodes[i].parent].raw;
		break;
	}
	if (!life.was_reset || slot_s - life.life_s > ACCOUNT_LATE_S)
		return false;
	/* A value that both lives could have shown belongs to the one that has ended. */
	return final == NULL || *final >= life.ended_raw / c->parts ||
	       fit_final(a, m, c, c->x.best, slot_s > c->given.slot_s ? slot_s : c->given.slot_s, *final, &parts) !=
		       ACCOUNT_FITS;
}

void account_void_missing(struct account_meter *m)
{
	m->reported_s = 0;
}

void account_end_others(struct account *a, struct account_meter *m, enum quantity q)
{
	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];

		if (c->quantity != q && !c->living && c->given.slot_s > c->given.open_s)
			give_running(a, m, c, calendar_interval_end(a->calendar, c->given.open_s));
	}
}

bool account_report_missing(struct account *a, struct account_meter *m, int64_t now_s, size_t max)
{
	int64_t wait_s = 2 * (int64_t)m->every_s + ACCOUNT_SLACK_S, from_s = 0;
	struct walk walks[Q_COUNT];
	size_t n_walks = 0;

	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];
		int64_t until_s = c->given.open_s;

		if (c->living && m->unsure_s == 0) {
			int64_t end_s = calendar_interval_end(a->calendar, c->given.open_s);

			until_s = calendar_interval_start(a->calendar, last_good_s(c));
			if (end_s <= last_good_s(c) && end_s + wait_s + m->every_s <= now_s &&
			    results_set_out(a, m, c, c->x.best, &walks[n_walks]))
				n_walks++;
		}
		if (until_s > from_s)
			from_s = until_s;
	}
	results_give(a, m, walks, n_walks);
	for (size_t i = 0; i < n_walks; i++)
		results_tidy(a, m, walks[i].counter);
	if (m->n_counters == 0 || a->sink.interval == NULL)
		return n_walks > 0;
	if (m->reported_s > from_s)
		from_s = m->reported_s;
	while (max-- > 0) {
		struct account_interval out = {.meter = m->id, .start_s = from_s, .quality = ACCOUNT_MISSING};

		out.end_s = calendar_interval_end(a->calendar, from_s);
		if (out.end_s + wait_s > now_s)
			break;
		a->sink.interval(a->sink.context, &out);
		m->reported_s = from_s = out.end_s;
	}
	return n_walks > 0;
}

static uint8_t *pack_given(const struct account_counter *c, uint8_t *to)
{
	const struct account_place *p = &c->given;

	to = pack_put_signed(to, c->seen_s - p->slot_s);
	to = pack_put_signed(to, c->modulus);
	to = pack_put_signed(to, p->ended_raw);
	to = pack_put_signed(to, p->slot_s - p->open_s);
	to = pack_put_signed(to, p->sum);
	to = pack_put_signed(to, p->rest);
	to = pack_put_signed(to, p->known_s);
	to = pack_put_signed(to, p->was_reset + 2 * p->is_estimated);
	return pack_put_signed(to, c->n_falls);
}

/* Returns false, with c unchanged, where these bytes are none of it. */
static bool unpack_given(struct account_counter *c, struct pack *in)
{
	struct account_place p = {.slot_s = c->given.slot_s, .raw = c->given.raw, .life_s = c->given.life_s};
	int64_t seen_s, modulus, flags, n_falls;

	seen_s = (int64_t)((uint64_t)p.slot_s + (uint64_t)pack_get_signed(in));
	modulus = pack_get_signed(in);
	p.ended_raw = pack_get_signed(in);
	p.open_s = (int64_t)((uint64_t)p.slot_s - (uint64_t)pack_get_signed(in));
	p.sum = pack_get_signed(in);
	p.rest = pack_get_signed(in);
	p.known_s = pack_get_signed(in);
	flags = pack_get_signed(in);
	n_falls = pack_get_signed(in);
	if (in->is_wrong)
		return false;
	p.was_reset = flags & 1;
	p.is_estimated = flags & 2;
	c->seen_s = seen_s;
	c->modulus = modulus;
	c->n_falls = (uint8_t)n_falls;
	c->given = p;
	return true;
}

size_t account_pack(const struct account_counter *c, uint8_t *out)
{
	const struct account_place *p = &c->settled;
	uint8_t *to = pack_given(c, out);

	if (!c->living)
		return (size_t)(to - out);
	/* slot_s and raw are those of node 0; the others are near those of given */
	to = pack_put_signed(to, p->life_s - c->given.life_s);
	to = pack_put_signed(to, p->ended_raw - c->given.ended_raw);
	to = pack_put_signed(to, p->slot_s - p->open_s);
	to = pack_put_signed(to, p->sum);
	to = pack_put_signed(to, p->rest);
	to = pack_put_signed(to, p->known_s);
	to = pack_put(to, p->was_reset + 2U * p->is_estimated);
	to = pack_put_signed(to, c->changed_s[0]);
	to = pack_put_signed(to, c->changed_s[1]);
	return (size_t)(to - out) + explain_pack(&c->x, to);
}

/* 0; -ENOMEM; -EINVAL: these bytes do not say what is not final. */
static int unpack(struct account_counter *c, const uint8_t *packed, size_t n)
{
	/* a damaged row may have none, and then no place either */
	struct pack p = {.at = packed, .end = n > 0 ? packed + n : packed};
	struct account_place *to = &c->settled;
	uint64_t flags;
	int64_t into_s;
	int rc;

	if (!unpack_given(c, &p))
		return -EINVAL;
	if (!c->living)
		return 0;
	to->life_s = (int64_t)((uint64_t)c->given.life_s + (uint64_t)pack_get_signed(&p));
	to->ended_raw = (int64_t)((uint64_t)c->given.ended_raw + (uint64_t)pack_get_signed(&p));
	into_s = pack_get_signed(&p);
	to->sum = pack_get_signed(&p);
	to->rest = pack_get_signed(&p);
	to->known_s = pack_get_signed(&p);
	flags = pack_get(&p);
	to->was_reset = flags & 1;
	to->is_estimated = flags & 2;
	c->changed_s[0] = pack_get_signed(&p);
	c->changed_s[1] = pack_get_signed(&p);
	rc = p.is_wrong ? -EINVAL : explain_unpack(&c->x, p.at, (size_t)(p.end - p.at));
	if (rc != 0)
		return rc;
	to->slot_s = explain_slot_s(&c->x, 0);
	to->raw = c->x.nodes[0].raw;
	to->open_s = (int64_t)((uint64_t)to->slot_s - (uint64_t)into_s);
	return 0;
}

int account_restore(const struct account *a, struct account_meter *m, const struct account_counter *counter,
		    const uint8_t *packed, size_t n)
{
	static const struct explain_limit none;
	struct explain_reading last = {.slot_s = counter->given.slot_s, .raw = counter->given.raw};
	struct account_counter *c = add_counter(m, counter);
	int rc;

	if (c == NULL)
		return -ENOMEM;
	/* where nothing can be read: an interval begins here, of which not all is known */
	c->seen_s = c->given.open_s = c->given.slot_s;
	c->given.is_estimated = true;
	rc = unpack(c, packed, n);
	if (rc != -EINVAL)
		return rc;
	if (!c->living)
		return 0;
	rc = explain_reserve(&c->x);
	if (rc != 0)
		return rc;
	last.time_ms = time_of(a, last.slot_s, 0);
	explain_begin(&c->x, &none, &last);
	c->settled = c->given;
	return 0;
}
