/* SPDX-License-Identifier: MIT */
#include "account.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wide.h"

/* What passed in one counter from one moment to another. */
struct piece {
	int64_t from_s, to_s;
	int64_t amount;
	bool known; /* false: between two lives, nobody knows */
};

/* The pieces that one reading adds to one counter. */
struct movement {
	struct account_counter *counter;
	size_t n_pieces;
	struct piece pieces[3];
	bool estimated; /* whatever the length of the pieces */
};

enum verdict { COUNTED, ROLLED, FELL, JUMPED, BACKWARD };

static void tell(struct account *a, const struct account_meter *m, int64_t slot_s, const char *kind, const char *fmt,
		 ...) __attribute__((format(printf, 5, 6)));

static void tell(struct account *a, const struct account_meter *m, int64_t slot_s, const char *kind, const char *fmt,
		 ...)
{
	char detail[240];
	va_list ap;

	if (!a->sink.event)
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

	if (!counters)
		return -ENOMEM;
	m->counters = counters;
	m->counters[m->n_counters++] = *counter;
	return 0;
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
static int64_t most(const struct account_limit *l, int64_t dt_s)
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

/* Where there is no saying before the next reading: what a gap is for this meter. */
static int64_t gap_of(const struct account *a, const struct account_meter *m)
{
	int64_t twice_s = 2 * (int64_t)m->every_s;

	return twice_s > 0 && twice_s < a->calendar->interval_s ? twice_s : a->calendar->interval_s;
}

/* Does value at slot_s follow on from the last one counted? *amount: what passed. */
static enum verdict judge(const struct account_meter *m, const struct account_counter *c, int64_t slot_s, int64_t value,
			  int64_t *amount)
{
	const struct account_limit *l = limit_of(m, c->quantity);
	int64_t can = most(l, slot_s - c->moved_s), modulus = modulus_of(m, c);

	*amount = value - c->raw;
	if (value < 0)
		return FELL;
	if (*amount >= 0)
		return *amount <= can ? COUNTED : JUMPED;
	if (-*amount <= l->back_step) {
		*amount = 0;
		return BACKWARD;
	}
	if (modulus <= 0 || value >= modulus || c->raw >= modulus)
		return FELL;
	*amount += modulus;
	if (*amount > can || *amount >= modulus / 2)
		return FELL;
	return ROLLED;
}

/* Values of a counter as people read them. */
struct shown {
	char text[NAMES_VALUE_MAX];
};

static struct shown show(const struct account_counter *c, int64_t value)
{
	struct shown shown;

	names_format(c->quantity, value / c->parts, shown.text, sizeof(shown.text));
	return shown;
}

static void tell_rollover(struct account *a, const struct account_meter *m, const struct account_counter *c,
			  int64_t slot_s, int64_t value)
{
	tell(a, m, slot_s, "rollover", "%s: %s to %s %s at its modulus %s", names_get(c->quantity)->name,
	     show(c, c->raw).text, show(c, value).text, names_get(c->quantity)->shown, show(c, modulus_of(m, c)).text);
}

/* What the old life has in the running interval is rounded down for itself: between any two readings of a life the
 * intervals then come to the difference of the readings, each rounded down. */
static void begin_life(struct account *a, const struct account_meter *m, struct account_counter *c, int64_t slot_s,
		       int64_t raw, int64_t parts, const char *reason)
{
	if (a->sink.life)
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

/* Was the suspect before this value no glitch? True when this is the second value that follows on from it. */
static bool confirms(const struct account_meter *m, struct account_counter *c, int64_t slot_s, int64_t value)
{
	int64_t rise = value - c->suspect_last_raw;

	if (c->n_suspect > 0 && rise >= 0 && value >= 0 &&
	    rise <= most(limit_of(m, c->quantity), slot_s - c->suspect_last_s)) {
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

static void tell_suspect(struct account *a, const struct account_meter *m, const struct account_counter *c,
			 enum verdict verdict, int64_t slot_s, int64_t value)
{
	const struct names_row *row = names_get(c->quantity);
	char reason[160];

	if (verdict == JUMPED)
		snprintf(reason, sizeof(reason), "%s: rose from %s to %s %s, at most %s can have passed", row->name,
			 show(c, c->raw).text, show(c, value).text, row->shown,
			 show(c, most(limit_of(m, c->quantity), slot_s - c->moved_s)).text);
	else
		snprintf(reason, sizeof(reason), "%s: fell from %s to %s %s", row->name, show(c, c->raw).text,
			 show(c, value).text, row->shown);
	if (a->sink.suspect)
		a->sink.suspect(a->sink.context, m->id, c->quantity, slot_s, false, reason);
	if (c->n_suspect == 1)
		tell(a, m, slot_s, "implausible", "%s", reason);
}

/* A value that follows on from a suspect and not from what was counted. Returns true when it begins a new life: with the
 * first suspect, through the one between. */
static bool take_suspect(struct account *a, const struct account_meter *m, struct movement *mv, enum verdict verdict,
			 int64_t slot_s, int64_t value)
{
	struct account_counter *c = mv->counter;
	int64_t between_s = c->suspect_last_s, between_raw = c->suspect_last_raw;

	if (!confirms(m, c, slot_s, value)) {
		tell_suspect(a, m, c, verdict, slot_s, value);
		return false;
	}
	tell(a, m, c->suspect_s, "reset", "%s: from %s to %s %s, a new life begins", names_get(c->quantity)->name,
	     show(c, c->raw).text, show(c, c->suspect_raw).text, names_get(c->quantity)->shown);
	add_piece(mv, c->slot_s, c->suspect_s, 0, false);
	add_piece(mv, c->suspect_s, between_s, between_raw - c->suspect_raw, true);
	add_piece(mv, between_s, slot_s, value - between_raw, true);
	c->ended_raw = c->raw;
	begin_life(a, m, c, c->suspect_s, c->suspect_raw, c->parts, "reset");
	c->was_reset = true;
	return true;
}

/* Look at one counter's value and say what passed. Returns true when the value is counted. */
static bool take(struct account *a, const struct account_meter *m, struct movement *mv, int64_t slot_s, int64_t value)
{
	struct account_counter *c = mv->counter;
	int64_t amount = 0;

	if (!c->living) {
		if (value < 0) {
			tell_suspect(a, m, c, FELL, slot_s, value);
			return false;
		}
		add_piece(mv, c->slot_s, slot_s, 0, false);
		begin_life(a, m, c, slot_s, value, parts_of(limit_of(m, c->quantity)),
			   c->life_s ? "replaced" : "first");
		return true;
	}
	enum verdict verdict = judge(m, c, slot_s, value, &amount);

	if (verdict == ROLLED)
		tell_rollover(a, m, c, slot_s, value);
	if (verdict == FELL || verdict == JUMPED) {
		if (!take_suspect(a, m, mv, verdict, slot_s, value))
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

/* What of a piece has passed at moment t_s, rounded down. */
static int64_t passed(const struct piece *p, int64_t t_s)
{
	return wide_muldiv(p->amount, t_s - p->from_s, p->to_s - p->from_s);
}

/* Bring the counter's running interval, which ends at end_s, up to t_s. */
static void advance(struct movement *mv, int64_t gap_s, int64_t end_s, int64_t t_s)
{
	struct account_counter *c = mv->counter;

	for (size_t i = 0; i < mv->n_pieces; i++) {
		const struct piece *p = &mv->pieces[i];
		int64_t from_s = p->from_s > c->slot_s ? p->from_s : c->slot_s;
		int64_t to_s = p->to_s < t_s ? p->to_s : t_s;

		if (to_s <= from_s)
			continue;
		if (p->known) {
			c->sum += passed(p, to_s) - passed(p, from_s);
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

/* Carry all movements to until_s and give out each interval that ends on the way. */
static void walk(struct account *a, struct account_meter *m, struct movement *moves, size_t n_moves, int64_t until_s)
{
	int64_t gap_s = gap_of(a, m);

	while (n_moves > 0) {
		struct account_interval out = {.meter = m->id, .start_s = INT64_MAX, .quality = ACCOUNT_MISSING};

		for (size_t i = 0; i < n_moves; i++)
			if (moves[i].counter->open_s < out.start_s)
				out.start_s = moves[i].counter->open_s;
		out.end_s = calendar_interval_end(a->calendar, out.start_s);
		bool whole = out.end_s <= until_s;

		for (size_t i = 0; i < n_moves; i++) {
			struct account_counter *c = moves[i].counter;

			if (whole && c->open_s != out.start_s)
				continue;
			if (whole) {
				advance(&moves[i], gap_s, out.end_s, out.end_s);
				close_interval(c, &out, out.end_s);
			} else {
				advance(&moves[i], gap_s, calendar_interval_end(a->calendar, c->open_s), until_s);
			}
		}
		if (!whole)
			break;
		if (a->sink.interval)
			a->sink.interval(a->sink.context, &out);
		if (m->told_s < out.end_s)
			m->told_s = out.end_s;
	}
}

/* The counters of a reading that have not been seen before. 0 or -ENOMEM. */
static int make_counters(struct account *a, struct account_meter *m, int64_t slot_s, const struct account_value *values,
			 size_t n_values)
{
	for (size_t i = 0; i < n_values; i++) {
		struct account_counter c = {.quantity = values[i].quantity, .slot_s = slot_s};

		c.parts = parts_of(limit_of(m, c.quantity));
		if (account_counter(m, values[i].quantity))
			continue;
		c.open_s = calendar_interval_start(a->calendar, slot_s);
		if (account_restore(m, &c) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void tell_gap(struct account *a, const struct account_meter *m, int64_t slot_s)
{
	time_t from = (time_t)m->last_s;
	struct tm tm;
	char text[24];

	if (m->last_s == 0 || m->every_s == 0 || slot_s - m->last_s <= 3 * (int64_t)m->every_s)
		return;
	gmtime_r(&from, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	tell(a, m, slot_s, "gap", "no reading since %s, %lld min; what passed is spread over it", text,
	     (long long)(slot_s - m->last_s) / 60);
}

/* The clock was set back by more than a day: what has been counted stands, new lives begin here. */
static void start_again(struct account *a, struct account_meter *m, int64_t slot_s)
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
	m->told_s = 0;
}

static void mark_behind(struct account *a, const struct account_meter *m, struct account_value *v, int64_t slot_s,
			const char *reason)
{
	v->suspect = true;
	if (a->sink.suspect)
		a->sink.suspect(a->sink.context, m->id, v->quantity, slot_s, true, reason);
}

static bool is_near(int64_t known_s, int64_t slot_s)
{
	return known_s != 0 && slot_s - known_s <= ACCOUNT_AHEAD_S && known_s - slot_s <= ACCOUNT_BACK_S;
}

/* Is the clock of this reading a long way from that of the last one counted, and has not proved itself yet? A meter
 * that was away for long says nothing of the clock by which the others were read meanwhile. */
static bool is_astray(const struct account *a, struct account_meter *m, int64_t slot_s)
{
	if (a->proven || m->last_s == 0 || is_near(m->last_s, slot_s) || is_near(a->counted_s, slot_s)) {
		m->away_s = 0;
		return false;
	}
	if (m->away_s == 0 || slot_s < m->away_s || slot_s - m->away_last_s > ACCOUNT_BACK_S)
		m->away_s = slot_s;
	m->away_last_s = slot_s;
	return slot_s - m->away_s < ACCOUNT_PROOF_S;
}

/* Nothing of this reading is counted, for its clock's sake. */
static void leave_astray(struct account *a, const struct account_meter *m, int64_t slot_s, struct account_value *values,
			 size_t n_values)
{
	int64_t days = llabs(slot_s - m->last_s) / 86400;
	char reason[120];

	snprintf(reason, sizeof(reason),
		 "its slot lies %lld days %s the last one counted: a clock to be believed later", (long long)days,
		 slot_s > m->last_s ? "after" : "before");
	for (size_t i = 0; i < n_values; i++)
		mark_behind(a, m, &values[i], slot_s, reason);
}

bool account_is_plausible(const struct account_meter *m, enum quantity q, int64_t slot_s, int64_t value)
{
	const struct account_counter *c = account_counter(m, q);
	enum verdict verdict;
	int64_t amount;

	if (c == NULL || !c->living || slot_s <= c->seen_s)
		return true;
	verdict = judge(m, c, slot_s, value, &amount);
	return verdict != FELL && verdict != JUMPED;
}

int account_feed(struct account *a, struct account_meter *m, int64_t slot_s, bool unsynchronised,
		 struct account_value *values, size_t n_values)
{
	struct movement moves[Q_COUNT];
	size_t n_moves = 0;

	if (slot_s < CLOCK_NEVER_SET_S || n_values == 0)
		return 0;
	if (is_astray(a, m, slot_s)) {
		leave_astray(a, m, slot_s, values, n_values);
		return 0;
	}
	if (m->last_s != 0)
		a->counted_s = slot_s;
	if (m->last_s - slot_s > ACCOUNT_BACK_S)
		start_again(a, m, slot_s);
	if (make_counters(a, m, slot_s, values, n_values) != 0)
		return -ENOMEM;
	tell_gap(a, m, slot_s);
	for (size_t i = 0; i < n_values; i++) {
		struct movement *mv = &moves[n_moves];
		struct account_counter *c = account_counter(m, values[i].quantity);

		if (slot_s == c->seen_s)
			continue;
		if (slot_s < c->seen_s || slot_s < c->slot_s) {
			mark_behind(a, m, &values[i], slot_s, "its slot lies before one that is counted already");
			continue;
		}
		c->seen_s = slot_s;
		c->modulus = modulus_of(m, c);
		*mv = (struct movement){.counter = c, .estimated = unsynchronised};
		if (take(a, m, mv, slot_s, values[i].value))
			n_moves++;
		else
			values[i].suspect = true;
	}
	walk(a, m, moves, n_moves, slot_s);
	if (slot_s > m->last_s)
		m->last_s = slot_s;
	return 0;
}

/* What the old one showed at the end, in parts, if this life can have reached it: else it is of an earlier one. The
 * whole base unit in which raw lies is raw. */
static bool can_end_at(const struct account_meter *m, const struct account_counter *c, int64_t slot_s, int64_t final,
		       int64_t *parts)
{
	if (__builtin_mul_overflow(final, c->parts, parts))
		return false;
	if (final == c->raw / c->parts)
		*parts = c->raw;
	return *parts >= c->raw && *parts - c->raw <= most(limit_of(m, c->quantity), slot_s - c->moved_s);
}

static bool replace_counter(struct account *a, struct account_meter *m, struct account_counter *c, int64_t slot_s,
			    const int64_t *final, const int64_t *initial, const char *reason)
{
	struct movement mv = {.counter = c};
	bool is_counted = final == NULL;
	int64_t parts;

	if (slot_s < c->slot_s)
		slot_s = c->slot_s;
	if (c->living && final && can_end_at(m, c, slot_s, *final, &parts)) {
		add_piece(&mv, c->slot_s, slot_s, parts - c->raw, true);
		if (mv.n_pieces == 0)
			c->sum += parts - c->raw;
		c->raw = parts;
		is_counted = true;
	} else {
		add_piece(&mv, c->slot_s, slot_s, 0, false);
	}
	walk(a, m, &mv, 1, slot_s);
	c->living = false;
	c->n_suspect = 0;
	if (initial && !__builtin_mul_overflow(*initial, c->parts, &parts))
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

	if (!c || !c->living || !c->was_reset || slot_s - c->life_s > ACCOUNT_LATE_S)
		return false;
	/* where it could be of both lives it is of the one that has ended */
	return !final || *final >= c->ended_raw / c->parts ||
	       !can_end_at(m, c, slot_s > c->slot_s ? slot_s : c->slot_s, *final, &parts);
}

void account_cut(struct account *a, struct account_meter *m)
{
	for (size_t i = 0; i < m->n_counters; i++) {
		struct account_counter *c = &m->counters[i];
		struct account_interval out = {.meter = m->id, .start_s = c->open_s, .end_s = c->slot_s};

		if (c->slot_s <= c->open_s)
			continue;
		out.quality = ACCOUNT_MISSING;
		close_interval(c, &out, c->slot_s);
		if (a->sink.interval && out.n_values > 0)
			a->sink.interval(a->sink.context, &out);
	}
}

void account_tell_missing(struct account *a, struct account_meter *m, int64_t now_s, size_t max)
{
	int64_t wait_s = 2 * (int64_t)m->every_s + ACCOUNT_SLACK_S, from_s = 0;

	if (!a->sink.interval)
		return;
	for (size_t i = 0; i < m->n_counters; i++)
		if (m->counters[i].open_s > from_s)
			from_s = m->counters[i].open_s;
	if (m->n_counters == 0)
		return;
	if (m->told_s > from_s)
		from_s = m->told_s;
	while (max-- > 0) {
		struct account_interval out = {.meter = m->id, .start_s = from_s, .quality = ACCOUNT_MISSING};

		out.end_s = calendar_interval_end(a->calendar, from_s);
		if (out.end_s + wait_s > now_s)
			return;
		a->sink.interval(a->sink.context, &out);
		m->told_s = from_s = out.end_s;
	}
}
