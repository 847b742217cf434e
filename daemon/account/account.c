/* SPDX-License-Identifier: MIT */
#include "account.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wide.h"

/* The amount that passed in one counter from one moment to another. */
struct piece {
	int64_t from_s, to_s;
	int64_t amount;
	bool known; /* false: between two lives, where no reading says */
};

/* The pieces that one reading adds to one counter: three at most, when two suspects prove to be a new life. */
struct movement {
	struct account_counter *counter;
	size_t n_pieces;
	struct piece pieces[3];
	bool estimated; /* although no piece is long enough for that */
};

enum verdict { COUNTED, ROLLED, FELL, JUMPED, BACKWARD };

static void report_event(struct account *a, const struct account_meter *m, int64_t slot_s, const char *kind,
			 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void report_event(struct account *a, const struct account_meter *m, int64_t slot_s, const char *kind,
			 const char *fmt, ...)
{
	char detail[240];
	va_list ap;

	if (a->sink.event == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	a->sink.event(a->sink.context, m->id, slot_s, kind, detail);
}

struct account_counter *account_counter(const struct account_meter *m, enum quantity q)
{
	for (size_t i = 0; i < m->n_counters; i++)
		if (m->counters[i].quantity == q)
			return &m->counters[i];
	return NULL;
}

int account_restore(struct account_meter *m, const struct account_counter *counter)
{
	struct account_counter *counters = realloc(m->counters, (m->n_counters + 1) * sizeof(*counters));

	if (counters == NULL)
		return -ENOMEM;
	m->counters = counters;
	m->counters[m->n_counters++] = *counter;
	return 0;
}

void account_forget(struct account_meter *m)
{
	account_fini(m);
	m->last_s = m->reported_s = m->doubtful_s = 0;
}

void account_fini(struct account_meter *m)
{
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

/* The most that can pass in dt_s: a quarter more than the meter can measure, and two steps of the register. */
static int64_t most_within(const struct account_limit *l, int64_t dt_s)
{
	int64_t amount = wide_muldiv(l->per_hour, dt_s + ACCOUNT_SLACK_S, 3600);

	if (amount > INT64_MAX / 8 || l->step > INT64_MAX / 32)
		return INT64_MAX / 4;
	return amount + amount / 4 + 2 * l->step;
}

static int64_t modulus_of(const struct account_meter *m, const struct account_counter *c)
{
	const struct account_limit *l = limit_of(m, c->quantity);

	if (!l->modulus_read)
		return l->modulus;
	if (m->counter_max <= 0 || l->step <= 0)
		return c->modulus;
	return m->counter_max / l->step * l->step + l->step;
}

/* The longest time between two readings of this meter that is not yet a gap. */
static int64_t gap_of(const struct account *a, const struct account_meter *m)
{
	int64_t twice_s = 2 * (int64_t)m->every_s;

	return twice_s > 0 && twice_s < a->calendar->interval_s ? twice_s : a->calendar->interval_s;
}

static struct account_mark mark_of(const struct account_meter *m, const struct account_counter *c)
{
	struct account_mark mark = {.quantity = c->quantity,
				    .seen_s = c->seen_s,
				    .raw = c->raw,
				    .moved_s = c->moved_s,
				    .limit = *limit_of(m, c->quantity)};

	mark.limit.modulus = modulus_of(m, c);
	return mark;
}

/* Judge the step from the last counted value to this one. *amount: what passed, where the verdict is not FELL or
 * JUMPED. */
static enum verdict judge_step(const struct account_mark *last, int64_t slot_s, int64_t value, int64_t *amount)
{
	int64_t can = most_within(&last->limit, slot_s - last->moved_s), modulus = last->limit.modulus;

	*amount = value - last->raw;
	if (value < 0)
		return FELL;
	if (*amount >= 0)
		return *amount <= can ? COUNTED : JUMPED;
	if (-*amount <= last->limit.back_step) {
		*amount = 0;
		return BACKWARD;
	}
	if (modulus <= 0 || value >= modulus || last->raw >= modulus)
		return FELL;
	*amount += modulus;
	if (*amount > can || *amount >= modulus / 2)
		return FELL;
	return ROLLED;
}

/* A value of a counter as people read it. */
struct shown {
	char text[NAMES_VALUE_MAX];
};

static struct shown show_value(const struct account_counter *c, int64_t value)
{
	struct shown shown;

	names_format(c->quantity, value / c->parts, shown.text, sizeof(shown.text));
	return shown;
}

static void report_rollover(struct account *a, const struct account_meter *m, const struct account_counter *c,
			    int64_t slot_s, int64_t value)
{
	report_event(a, m, slot_s, "rollover", "%s rolled over from %s to %s %s at its modulus %s",
		     names_get(c->quantity)->name, show_value(c, c->raw).text, show_value(c, value).text,
		     names_get(c->quantity)->shown, show_value(c, modulus_of(m, c)).text);
}

/* The old life's share of the running interval is rounded down by itself. So between any two readings of one life the
 * intervals add up to the difference of the readings, each rounded down. */
static void begin_life(struct account *a, const struct account_meter *m, struct account_counter *c, int64_t slot_s,
		       int64_t raw, int64_t parts, const char *reason)
{
	if (a->sink.life != NULL)
		a->sink.life(a->sink.context, m->id, c->quantity, slot_s, raw / parts, c->life_s ? c->slot_s : 0,
			     c->raw / c->parts, reason);
	c->sum = (c->rest + c->sum) / c->parts * parts;
	c->rest = raw > 0 ? raw % parts : 0;
	c->parts = parts;
	c->living = true;
	c->was_reset = false;
	c->life_s = slot_s;
	c->raw = raw;
	c->moved_s = slot_s;
	c->n_suspect = 0;
}

static void add_piece(struct movement *mv, int64_t from_s, int64_t to_s, int64_t amount, bool known)
{
	if (to_s > from_s)
		mv->pieces[mv->n_pieces++] =
			(struct piece){.from_s = from_s, .to_s = to_s, .amount = amount, .known = known};
}

/* Note a suspect value. Returns true when it is the second one that follows on from the first: then it was no glitch.
 */
static bool confirms_suspect(const struct account_meter *m, struct account_counter *c, int64_t slot_s, int64_t value)
{
	int64_t rise = value - c->suspect_last_raw;

	if (c->n_suspect > 0 && rise >= 0 && value >= 0 &&
	    rise <= most_within(limit_of(m, c->quantity), slot_s - c->suspect_last_s)) {
		c->n_suspect++;
	} else {
		c->n_suspect = 1;
		c->suspect_s = slot_s;
		c->suspect_raw = value;
	}
	c->suspect_last_s = slot_s;
	c->suspect_last_raw = value;
	return c->n_suspect > 2;
}

static void report_suspect(struct account *a, const struct account_meter *m, const struct account_counter *c,
			   enum verdict verdict, int64_t slot_s, int64_t value)
{
	const struct names_row *row = names_get(c->quantity);
	char reason[160];

	if (verdict == JUMPED)
		snprintf(reason, sizeof(reason), "%s rose from %s to %s %s; at most %s can have passed", row->name,
			 show_value(c, c->raw).text, show_value(c, value).text, row->shown,
			 show_value(c, most_within(limit_of(m, c->quantity), slot_s - c->moved_s)).text);
	else
		snprintf(reason, sizeof(reason), "%s fell from %s to %s %s", row->name, show_value(c, c->raw).text,
			 show_value(c, value).text, row->shown);
	if (a->sink.suspect != NULL)
		a->sink.suspect(a->sink.context, m->id, c->quantity, slot_s, false, reason);
	if (c->n_suspect == 1)
		report_event(a, m, slot_s, "implausible", "%s", reason);
}

/* Weigh a value that does not follow on from what was counted. Returns true when it proves that a new life began with
 * the first suspect; that life is then counted through the suspect between. */
static bool weigh_suspect(struct account *a, const struct account_meter *m, struct movement *mv, enum verdict verdict,
			  int64_t slot_s, int64_t value)
{
	struct account_counter *c = mv->counter;
	int64_t between_s = c->suspect_last_s, between_raw = c->suspect_last_raw;

	if (!confirms_suspect(m, c, slot_s, value)) {
		report_suspect(a, m, c, verdict, slot_s, value);
		return false;
	}
	report_event(a, m, c->suspect_s, "reset", "%s was reset from %s to %s %s; a new life begins",
		     names_get(c->quantity)->name, show_value(c, c->raw).text, show_value(c, c->suspect_raw).text,
		     names_get(c->quantity)->shown);
	add_piece(mv, c->slot_s, c->suspect_s, 0, false);
	add_piece(mv, c->suspect_s, between_s, between_raw - c->suspect_raw, true);
	add_piece(mv, between_s, slot_s, value - between_raw, true);
	c->ended_raw = c->raw;
	begin_life(a, m, c, c->suspect_s, c->suspect_raw, c->parts, "reset");
	c->was_reset = true;
	return true;
}

/* Weigh one counter's value and add what passed to mv. Returns true when the value is counted. */
static bool weigh_value(struct account *a, const struct account_meter *m, struct movement *mv, int64_t slot_s,
			int64_t value)
{
	struct account_counter *c = mv->counter;
	struct account_mark last;
	enum verdict verdict;
	int64_t amount = 0;

	if (!c->living) {
		if (value < 0) {
			report_suspect(a, m, c, FELL, slot_s, value);
			return false;
		}
		add_piece(mv, c->slot_s, slot_s, 0, false);
		begin_life(a, m, c, slot_s, value, parts_of(limit_of(m, c->quantity)),
			   c->life_s ? "replaced" : "first");
		return true;
	}
	last = mark_of(m, c);
	verdict = judge_step(&last, slot_s, value, &amount);
	if (verdict == ROLLED)
		report_rollover(a, m, c, slot_s, value);
	if (verdict == FELL || verdict == JUMPED) {
		if (!weigh_suspect(a, m, mv, verdict, slot_s, value))
			return false;
	} else {
		add_piece(mv, c->slot_s, slot_s, amount, true);
		c->n_suspect = 0;
	}
	if (verdict == BACKWARD)
		return true;
	if (value != c->raw)
		c->moved_s = slot_s;
	c->raw = value;
	return true;
}

/* The part of a piece that has passed at t_s, rounded down. */
static int64_t passed_until(const struct piece *p, int64_t t_s)
{
	return wide_muldiv(p->amount, t_s - p->from_s, p->to_s - p->from_s);
}

/* Bring the counter's running interval, which ends at end_s, up to t_s. */
static void advance_counter(struct movement *mv, int64_t gap_s, int64_t end_s, int64_t t_s)
{
	struct account_counter *c = mv->counter;

	for (size_t i = 0; i < mv->n_pieces; i++) {
		const struct piece *p = &mv->pieces[i];
		int64_t from_s = p->from_s > c->slot_s ? p->from_s : c->slot_s;
		int64_t to_s = p->to_s < t_s ? p->to_s : t_s;

		if (to_s <= from_s)
			continue;
		if (p->known) {
			c->sum += passed_until(p, to_s) - passed_until(p, from_s);
			c->known_s += to_s - from_s;
			if (mv->estimated ||
			    (p->to_s - p->from_s > gap_s && (p->from_s < c->open_s || p->to_s > end_s)))
				c->estimated = true;
		}
		c->slot_s = to_s;
	}
}

static void close_interval(struct account_counter *c, struct account_interval *out, int64_t end_s)
{
	if (c->known_s > 0 || c->sum != 0) {
		bool estimated = c->estimated || c->known_s < end_s - c->open_s;

		if (out->n_values == 0)
			out->quality = ACCOUNT_MEASURED;
		if (estimated)
			out->quality = ACCOUNT_ESTIMATED;
		out->values[out->n_values].quantity = c->quantity;
		out->values[out->n_values].value = (c->rest + c->sum) / c->parts;
		out->values[out->n_values++].quality = estimated ? ACCOUNT_ESTIMATED : ACCOUNT_MEASURED;
	}
	c->open_s = end_s;
	c->rest = (c->rest + c->sum) % c->parts;
	c->sum = 0;
	c->known_s = 0;
	c->estimated = false;
}

/* Carry all movements to until_s and emit each interval that ends on the way. */
static void carry_moves(struct account *a, struct account_meter *m, struct movement *moves, size_t n_moves,
			int64_t until_s)
{
	int64_t gap_s = gap_of(a, m);

	while (n_moves > 0) {
		struct account_interval out = {.meter = m->id, .start_s = INT64_MAX, .quality = ACCOUNT_MISSING};
		bool whole;

		for (size_t i = 0; i < n_moves; i++)
			if (moves[i].counter->open_s < out.start_s)
				out.start_s = moves[i].counter->open_s;
		out.end_s = calendar_interval_end(a->calendar, out.start_s);
		whole = out.end_s <= until_s;
		for (size_t i = 0; i < n_moves; i++) {
			struct account_counter *c = moves[i].counter;

			if (whole && c->open_s != out.start_s)
				continue;
			if (whole) {
				advance_counter(&moves[i], gap_s, out.end_s, out.end_s);
				close_interval(c, &out, out.end_s);
			} else {
				advance_counter(&moves[i], gap_s, calendar_interval_end(a->calendar, c->open_s),
						until_s);
			}
		}
		if (!whole)
			break;
		if (a->sink.interval != NULL)
			a->sink.interval(a->sink.context, &out);
		if (m->reported_s < out.end_s)
			m->reported_s = out.end_s;
	}
}

/* Add the counters that the meter shows for the first time. 0 or -ENOMEM. */
static int make_counters(struct account *a, struct account_meter *m, int64_t slot_s, const struct account_value *values,
			 size_t n_values)
{
	for (size_t i = 0; i < n_values; i++) {
		struct account_counter c = {.quantity = values[i].quantity, .slot_s = slot_s};

		c.parts = parts_of(limit_of(m, c.quantity));
		if (account_counter(m, values[i].quantity) != NULL)
			continue;
		c.open_s = calendar_interval_start(a->calendar, slot_s);
		if (account_restore(m, &c) != 0)
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
	report_event(a, m, slot_s, "gap", "no reading since %s (%lld min); consumption is spread over this time", text,
		     (long long)(slot_s - m->last_s) / 60);
}

/* The clock was set back by more than a day. What was counted is kept, new lives begin here. */
static void restart_lives(struct account *a, struct account_meter *m, int64_t slot_s)
{
	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];

		c->living = false;
		c->slot_s = slot_s;
		c->seen_s = slot_s - 1;
		c->open_s = calendar_interval_start(a->calendar, slot_s);
		c->sum = 0;
		c->known_s = 0;
		c->estimated = false;
		c->n_suspect = 0;
	}
	m->last_s = 0;
	m->reported_s = 0;
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
	if (c->living)
		*out = mark_of(m, c);
	return c->living;
}

bool account_follows(const struct account_mark *mark, int64_t slot_s, int64_t value)
{
	enum verdict verdict;
	int64_t amount;

	if (slot_s <= mark->seen_s)
		return true;
	verdict = judge_step(mark, slot_s, value, &amount);
	return verdict != FELL && verdict != JUMPED;
}

int account_feed(struct account *a, struct account_meter *m, int64_t slot_s, bool unsynchronised,
		 struct account_value *values, size_t n_values)
{
	struct movement moves[Q_COUNT];
	size_t n_moves = 0;

	if (slot_s < CLOCK_NEVER_SET_S || n_values == 0)
		return 0;
	if (is_clock_doubtful(a, m, slot_s)) {
		reject_for_clock(a, m, slot_s, values, n_values);
		return 0;
	}
	if (m->last_s != 0)
		a->counted_s = slot_s;
	if (m->last_s - slot_s > ACCOUNT_BACK_S)
		restart_lives(a, m, slot_s);
	if (make_counters(a, m, slot_s, values, n_values) != 0)
		return -ENOMEM;
	report_gap(a, m, slot_s);
	for (size_t i = 0; i < n_values; i++) {
		struct movement *mv = &moves[n_moves];
		struct account_counter *c = account_counter(m, values[i].quantity);

		if (slot_s == c->seen_s)
			continue;
		if (slot_s < c->seen_s || slot_s < c->slot_s) {
			mark_behind(a, m, &values[i], slot_s, "its slot is before one that was already counted");
			continue;
		}
		c->seen_s = slot_s;
		c->modulus = modulus_of(m, c);
		*mv = (struct movement){.counter = c, .estimated = unsynchronised};
		if (weigh_value(a, m, mv, slot_s, values[i].value))
			n_moves++;
		else
			values[i].suspect = true;
	}
	carry_moves(a, m, moves, n_moves, slot_s);
	if (slot_s > m->last_s)
		m->last_s = slot_s;
	return 0;
}

/* The final value of the old meter in parts, if this life can have reached it; if not, it belongs to an earlier life.
 * A final value equal to raw in whole base units is raw. */
static bool can_end_at(const struct account_meter *m, const struct account_counter *c, int64_t slot_s, int64_t final,
		       int64_t *parts)
{
	if (__builtin_mul_overflow(final, c->parts, parts))
		return false;
	if (final == c->raw / c->parts)
		*parts = c->raw;
	return *parts >= c->raw && *parts - c->raw <= most_within(limit_of(m, c->quantity), slot_s - c->moved_s);
}

static bool replace_counter(struct account *a, struct account_meter *m, struct account_counter *c, int64_t slot_s,
			    const int64_t *final, const int64_t *initial, const char *reason)
{
	struct movement mv = {.counter = c};
	bool is_counted = final == NULL;
	int64_t parts;

	if (slot_s < c->slot_s)
		slot_s = c->slot_s;
	if (c->living && final != NULL && can_end_at(m, c, slot_s, *final, &parts)) {
		add_piece(&mv, c->slot_s, slot_s, parts - c->raw, true);
		if (mv.n_pieces == 0)
			c->sum += parts - c->raw;
		c->raw = parts;
		is_counted = true;
	} else {
		add_piece(&mv, c->slot_s, slot_s, 0, false);
	}
	carry_moves(a, m, &mv, 1, slot_s);
	c->living = false;
	c->n_suspect = 0;
	if (initial != NULL && !__builtin_mul_overflow(*initial, c->parts, &parts))
		begin_life(a, m, c, slot_s, parts, c->parts, reason);
	return is_counted;
}

bool account_replace(struct account *a, struct account_meter *m, enum quantity q, int64_t slot_s, const int64_t *final,
		     const int64_t *initial, const char *reason)
{
	bool is_counted = true;

	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];

		if (q == c->quantity)
			is_counted = replace_counter(a, m, c, slot_s, final, initial, reason);
		else if (q == Q_COUNT)
			replace_counter(a, m, c, slot_s, NULL, NULL, reason);
	}
	return is_counted;
}

bool account_has_noticed(const struct account_meter *m, enum quantity q, int64_t slot_s, const int64_t *final)
{
	const struct account_counter *c = account_counter(m, q);
	int64_t parts;

	if (c == NULL || !c->living || !c->was_reset || slot_s - c->life_s > ACCOUNT_LATE_S)
		return false;
	/* A value that both lives could have shown belongs to the one that has ended. */
	return final == NULL || *final >= c->ended_raw / c->parts ||
	       !can_end_at(m, c, slot_s > c->slot_s ? slot_s : c->slot_s, *final, &parts);
}

int64_t account_cut(struct account *a, struct account_meter *m)
{
	int64_t open_s = 0;

	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];
		struct account_interval out = {.meter = m->id, .start_s = c->open_s, .end_s = c->slot_s};

		if (c->slot_s > c->open_s) {
			out.quality = ACCOUNT_MISSING;
			close_interval(c, &out, c->slot_s);
			if (a->sink.interval != NULL && out.n_values > 0)
				a->sink.interval(a->sink.context, &out);
		}
		if (c->open_s > open_s)
			open_s = c->open_s;
	}
	if (m->n_counters > 0)
		m->reported_s = 0;
	return open_s;
}

void account_report_missing(struct account *a, struct account_meter *m, int64_t now_s, size_t max)
{
	int64_t wait_s = 2 * (int64_t)m->every_s + ACCOUNT_SLACK_S, from_s = 0;

	if (a->sink.interval == NULL)
		return;
	for (size_t i = 0; i < m->n_counters; i++)
		if (m->counters[i].open_s > from_s)
			from_s = m->counters[i].open_s;
	if (m->n_counters == 0)
		return;
	if (m->reported_s > from_s)
		from_s = m->reported_s;
	while (max-- > 0) {
		struct account_interval out = {.meter = m->id, .start_s = from_s, .quality = ACCOUNT_MISSING};

		out.end_s = calendar_interval_end(a->calendar, from_s);
		if (out.end_s + wait_s > now_s)
			return;
		a->sink.interval(a->sink.context, &out);
		m->reported_s = from_s = out.end_s;
	}
}
