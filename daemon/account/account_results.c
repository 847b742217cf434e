/* SPDX-License-Identifier: MIT */
#include "account_results.h"

#include <stdarg.h>
#include <stdio.h>

static const struct account_piece no_piece = {.from_s = 1, .to_s = 0};

void results_event(struct account *a, const struct account_meter *m, int64_t slot_s, const char *kind, const char *fmt,
		   ...)
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

struct shown results_show(const struct account_counter *c, int64_t value)
{
	struct shown shown;

	names_format(c->quantity, value / c->parts, shown.text, sizeof(shown.text));
	return shown;
}

void results_life(struct account *a, const struct account_meter *m, const struct account_counter *c,
		  const struct account_place *before, int64_t slot_s, int64_t raw, int64_t parts, const char *reason)
{
	if (a->sink.life != NULL)
		a->sink.life(a->sink.context, m->id, c->quantity, slot_s, raw / parts,
			     before->life_s != 0 ? before->slot_s : 0, before->raw / c->parts, reason);
}

/* The walk has come to a good reading. a: NULL where results are not given. */
static void pass_node(struct account *a, const struct account_meter *m, struct walk *w, uint8_t i)
{
	const struct account_counter *c = w->counter;
	const struct explain_node *node = &c->x.nodes[i];
	const struct names_row *row = names_get(c->quantity);
	int64_t slot_s = explain_slot_s(&c->x, i);

	if (node->flags & EXPLAIN_WRAPPED && a != NULL)
		results_event(a, m, slot_s, "rollover", "%s rolled over from %s to %s %s at its modulus %s", row->name,
			      results_show(c, w->at.raw).text, results_show(c, node->raw).text, row->shown,
			      results_show(c, explain_modulus(&c->x, i)).text);
	if (node->flags & EXPLAIN_LIFE) {
		struct account_place before = w->at;

		before.slot_s = explain_slot_s(&c->x, node->parent);
		if (a != NULL) {
			results_event(a, m, slot_s, "reset", "%s was reset from %s to %s %s; a new life begins",
				      row->name, results_show(c, before.raw).text, results_show(c, node->raw).text,
				      row->shown);
			results_life(a, m, c, &before, slot_s, node->raw, c->parts, "reset");
		}
		account_place_begin_life(&w->at, slot_s, node->raw, c->parts, c->parts);
		w->at.was_reset = true;
		w->at.ended_raw = before.raw;
	}
	w->at.raw = node->raw;
	w->read_s = slot_s;
}

/* The piece to the next node of the path. */
static struct account_piece next_piece(const struct walk *w)
{
	const struct explain *x = &w->counter->x;
	const struct explain_node *node = &x->nodes[w->path[w->next]];

	return (struct account_piece){.from_s = explain_slot_s(x, node->parent),
				      .to_s = explain_slot_s(x, w->path[w->next]),
				      .amount = explain_amount(x, w->path[w->next]),
				      .is_known = (node->flags & EXPLAIN_LIFE) == 0,
				      .is_guessed = node->flags & EXPLAIN_TIME_UNSURE,
				      .is_gap = node->flags & EXPLAIN_GAP};
}

/* Walk up to until_s, inside the running interval, which ends at end_s. a: NULL where results are not given. */
static void walk_until(struct account *a, const struct account_meter *m, struct walk *w, int64_t until_s, int64_t end_s)
{
	if (w->piece.to_s >= w->piece.from_s) {
		account_place_pass(&w->at, &w->piece, until_s, end_s);
		if (w->piece.to_s > until_s)
			return;
		w->piece = no_piece;
		w->read_s = w->piece_read_s;
	}
	for (; w->next < w->n; w->next++) {
		struct account_piece piece = next_piece(w);

		account_place_pass(&w->at, &piece, until_s, end_s);
		if (piece.to_s > until_s)
			return;
		pass_node(a, m, w, w->path[w->next]);
	}
}

/* The value of the register at t_s, where the walk has just come to. */
static struct account_register read_register(const struct walk *w, int64_t t_s)
{
	const struct account_counter *c = w->counter;
	struct account_register r = {.is_known = w->read_s != 0, .read_s = w->read_s};
	struct account_piece piece = no_piece;
	int64_t raw = w->at.raw, modulus;

	if (w->piece.to_s >= w->piece.from_s) {
		/* at.raw is its end */
		piece = w->piece;
		raw -= piece.amount;
	} else if (w->next < w->n) {
		piece = next_piece(w);
	}
	if (piece.to_s >= piece.from_s && piece.from_s < t_s) {
		r.is_known = r.is_known && piece.is_known;
		raw += account_place_passed(&piece, t_s);
		/* it turns over between two readings */
		modulus = w->next < w->n ? explain_modulus(&c->x, w->path[w->next]) : 0;
		if (modulus > 0 && raw >= modulus)
			raw -= modulus;
	}
	r.is_known = r.is_known && raw >= 0;
	r.value = r.is_known ? raw / c->parts : 0;
	return r;
}

/* Set out from a place at one node to another one that is on the path after it. */
static void set_out(struct walk *w, struct account_counter *c, const struct account_place *at, uint8_t from, uint8_t to)
{
	const struct explain *x = &c->x;
	uint8_t node = to;

	w->counter = c;
	w->at = *at;
	w->end_s = explain_slot_s(x, to);
	w->read_s = explain_slot_s(x, from);
	w->piece = no_piece;
	w->piece_read_s = 0;
	w->n = w->next = 0;
	for (; node != from; node = x->nodes[node].parent)
		w->n++;
	node = to;
	for (size_t i = w->n; i-- > 0; node = x->nodes[node].parent)
		w->path[i] = node;
}

/* Walk to the end of the way without giving results. */
static void walk_silently(struct account *a, const struct account_meter *m, struct walk *w)
{
	int64_t end_s;

	while ((end_s = calendar_interval_end(a->calendar, w->at.open_s)) <= w->end_s) {
		walk_until(NULL, m, w, end_s, end_s);
		account_place_close(&w->at, w->counter->parts, end_s);
	}
	walk_until(NULL, m, w, w->end_s, end_s);
}

/* The results of one counter at the end of an interval. */
struct outcome {
	struct account_closed closed;
	struct account_register end;
};

/* The walk has come to the end of its running interval. */
static struct outcome close_interval(struct walk *w, int64_t end_s)
{
	struct outcome o = {.end = read_register(w, end_s)};

	o.closed = account_place_close(&w->at, w->counter->parts, end_s);
	return o;
}

static enum account_quality quality_of(const struct account_closed *closed)
{
	if (!closed->has_value)
		return ACCOUNT_MISSING;
	return closed->is_estimated ? ACCOUNT_ESTIMATED : ACCOUNT_MEASURED;
}

void results_add_value(struct account_interval *out, enum quantity q, const struct account_closed *closed,
		       const struct account_register *end)
{
	enum account_quality quality = quality_of(closed);
	size_t i = out->n_values;

	if (!closed->has_value)
		return;
	if (i == 0 || quality > out->quality)
		out->quality = quality;
	out->values[i].quantity = q;
	out->values[i].value = closed->value;
	out->values[i].quality = quality;
	out->values[i].is_revised = false;
	out->values[i].was_value = 0;
	out->values[i].end = *end;
	out->n_values++;
}

static void report_interval(struct account *a, struct account_meter *m, const struct account_interval *out)
{
	if (a->sink.interval != NULL)
		a->sink.interval(a->sink.context, out);
	if (m->reported_s < out->end_s)
		m->reported_s = out->end_s;
}

/* The interval that was looked up last: most counters of a meter are in the same one. Zeros: none was. */
struct looked_up {
	int64_t start_s, end_s;
};

static int64_t look_up_end(struct account *a, struct looked_up *last, int64_t start_s)
{
	if (start_s != last->start_s || last->end_s == 0)
		*last = (struct looked_up){.start_s = start_s, .end_s = calendar_interval_end(a->calendar, start_s)};
	return last->end_s;
}

/* The start of the earliest interval that one of the walks ends; INT64_MAX = there is none. */
static int64_t find_interval(struct account *a, struct looked_up *last, const struct walk *walks, size_t n)
{
	int64_t start_s = INT64_MAX;

	for (size_t i = 0; i < n; i++)
		if (walks[i].at.open_s < start_s && look_up_end(a, last, walks[i].at.open_s) <= walks[i].end_s)
			start_s = walks[i].at.open_s;
	return start_s;
}

/* Give out the interval that begins at start_s, with all walks that end it. */
static void give_interval(struct account *a, struct account_meter *m, struct walk *walks, size_t n, int64_t start_s)
{
	struct account_interval out; /* large: only what is used is set */

	out.meter = m->id;
	out.start_s = start_s;
	out.end_s = calendar_interval_end(a->calendar, start_s);
	out.quality = ACCOUNT_MISSING;
	out.n_values = 0;
	for (size_t i = 0; i < n; i++) {
		struct walk *w = &walks[i];
		struct outcome o;

		if (w->at.open_s != start_s || w->end_s < out.end_s)
			continue;
		walk_until(a, m, w, out.end_s, out.end_s);
		o = close_interval(w, out.end_s);
		results_add_value(&out, w->counter->quantity, &o.closed, &o.end);
	}
	report_interval(a, m, &out);
}

void results_give(struct account *a, struct account_meter *m, struct walk *walks, size_t n)
{
	struct looked_up last = {0};
	int64_t start_s;

	while ((start_s = find_interval(a, &last, walks, n)) != INT64_MAX)
		give_interval(a, m, walks, n, start_s);
	for (size_t i = 0; i < n; i++) {
		struct walk *w = &walks[i];

		walk_until(a, m, w, w->end_s, look_up_end(a, &last, w->at.open_s));
		w->counter->given = w->at;
		if (w->counter->x.given == 0)
			w->counter->settled = w->at;
	}
}

struct walk results_set_out_on_piece(struct account_counter *c, int64_t to_s, int64_t amount, bool is_known,
				     int64_t raw, bool is_read, int64_t gap_s)
{
	struct walk w = {.counter = c,
			 .at = c->given,
			 .end_s = to_s,
			 .read_s = c->given.slot_s,
			 .piece = {.from_s = c->given.slot_s,
				   .to_s = to_s,
				   .amount = amount,
				   .is_known = is_known,
				   .is_gap = to_s - c->given.slot_s > gap_s},
			 .piece_read_s = is_read ? to_s : 0};

	w.at.raw = raw;
	return w;
}

void results_tidy(struct account *a, const struct account_meter *m, struct account_counter *c)
{
	explain_tidy(&c->x);
	while (explain_can_settle(&c->x)) {
		struct walk w;

		set_out(&w, c, &c->settled, 0, 1);
		walk_silently(a, m, &w);
		c->settled = w.at;
		explain_settle(&c->x);
	}
}

/* The account has changed its mind about a counter. The third time within a day nobody knows which of its lines is
 * right. */
static void note_change(struct account *a, struct account_meter *m, struct account_counter *c, int64_t slot_s)
{
	bool is_third = c->changed_s[0] != 0 && slot_s - c->changed_s[0] <= ACCOUNT_UNSURE_S;

	if (is_third && m->unsure_s == 0)
		results_event(a, m, slot_s, "two-meters",
			      "its counters changed three times within a day, as if two meters answered; nothing is "
			      "counted until they have continued for an hour");
	if (is_third || m->unsure_s != 0)
		m->unsure_s = slot_s;
	c->changed_s[0] = c->changed_s[1];
	c->changed_s[1] = slot_s;
}

/* Only registers at midnight are kept. */
static bool is_same_register(struct account *a, int64_t start_s, int64_t end_s, const struct account_register *was,
			     const struct account_register *is)
{
	if (calendar_day(a->calendar, start_s)->end_s != end_s)
		return true;
	if (!was->is_known || !is->is_known)
		return was->is_known == is->is_known;
	return was->value == is->value && was->read_s == is->read_s;
}

/* Give out one interval that comes to something else than when it was given out. Returns false where it does not. */
static bool report_revised(struct account *a, struct account_meter *m, const struct account_counter *c, int64_t start_s,
			   int64_t end_s, const struct outcome *was, const struct outcome *is)
{
	struct account_interval out = {.meter = m->id, .start_s = start_s, .end_s = end_s, .n_values = 1};

	if (quality_of(&was->closed) == quality_of(&is->closed) &&
	    (!was->closed.has_value || was->closed.value == is->closed.value) &&
	    is_same_register(a, start_s, end_s, &was->end, &is->end))
		return false;
	out.quality = quality_of(&is->closed);
	out.values[0].quantity = c->quantity;
	out.values[0].value = is->closed.has_value ? is->closed.value : 0;
	out.values[0].quality = quality_of(&is->closed);
	out.values[0].is_revised = was->closed.has_value;
	out.values[0].was_value = was->closed.has_value ? was->closed.value : 0;
	out.values[0].end = is->end;
	out.values[0].end.is_revised = true;
	report_interval(a, m, &out);
	return was->closed.has_value;
}

/* Undo the lives on the path from a node up to an ancestor, and return what was counted on it. */
static int64_t undo_path(struct account *a, const struct account_meter *m, const struct account_counter *c,
			 uint8_t node, uint8_t ancestor, bool *has_life)
{
	int64_t sum = 0;

	for (; node != ancestor; node = c->x.nodes[node].parent) {
		sum += explain_amount(&c->x, node);
		if ((c->x.nodes[node].flags & EXPLAIN_LIFE) == 0)
			continue;
		*has_life = true;
		if (a->sink.life_undone != NULL)
			a->sink.life_undone(a->sink.context, m->id, c->quantity, explain_slot_s(&c->x, node));
	}
	return sum;
}

/* The explanation that counts no longer says what was given out. Take that back up to where the two part, and give out
 * what it says instead. *w becomes the rest of the way to target. The caller gives that out, together with the other
 * counters. */
static void take_back(struct account *a, struct account_meter *m, struct account_counter *c, uint8_t target,
		      struct walk *w)
{
	const struct names_row *row = names_get(c->quantity);
	struct explain *x = &c->x;
	uint8_t common = explain_common(x, x->given, target);
	int64_t from_s = 0, until_s = 0, end_s, taken;
	bool has_life = false;
	struct walk old, new;
	char reason[240];
	int n;

	set_out(&old, c, &c->settled, 0, common);
	walk_silently(a, m, &old);
	set_out(&new, c, &old.at, common, target);
	set_out(&old, c, &new.at, common, x->given);
	taken = undo_path(a, m, c, x->given, common, &has_life);
	n = snprintf(reason, sizeof(reason), "%s: %s %s, counted up to %s %s, are taken back; it ", row->name,
		     results_show(c, taken).text, row->shown, results_show(c, x->nodes[x->given].raw).text, row->shown);
	if (common == target)
		snprintf(reason + n, sizeof(reason) - (size_t)n, "ended with %s %s",
			 results_show(c, x->nodes[common].raw).text, row->shown);
	else
		snprintf(reason + n, sizeof(reason) - (size_t)n, "continued from %s to %s %s",
			 results_show(c, x->nodes[common].raw).text, results_show(c, x->nodes[target].raw).text,
			 row->shown);
	if (taken != 0 || has_life) {
		results_event(a, m, x->last_s, "taken-back", "%s", reason);
		note_change(a, m, c, x->last_s);
	}
	while ((end_s = calendar_interval_end(a->calendar, old.at.open_s)) <= old.end_s) {
		struct outcome was, is = {.closed = {.has_value = false}};
		int64_t start_s = old.at.open_s;

		walk_until(NULL, m, &old, end_s, end_s);
		was = close_interval(&old, end_s);
		if (end_s <= new.end_s) {
			walk_until(a, m, &new, end_s, end_s);
			is = close_interval(&new, end_s);
		}
		if (!report_revised(a, m, c, start_s, end_s, &was, &is))
			continue;
		from_s = from_s == 0 ? start_s : from_s;
		until_s = end_s;
	}
	if (from_s != 0 && a->sink.revised != NULL)
		a->sink.revised(a->sink.context, m->id, from_s, until_s, reason);
	explain_give(x, target);
	*w = new;
}

void results_turn_to(struct account *a, struct account_meter *m, struct account_counter *c, uint8_t target,
		     struct walk *w)
{
	struct explain *x = &c->x;

	if (explain_common(x, x->given, target) != x->given) {
		take_back(a, m, c, target, w);
		return;
	}
	set_out(w, c, &c->given, x->given, target);
	explain_give(x, target);
}

bool results_set_out(struct account *a, struct account_meter *m, struct account_counter *c, uint8_t target,
		     struct walk *w)
{
	if (explain_common(&c->x, c->x.given, target) == target)
		return false;
	results_turn_to(a, m, c, target, w);
	return true;
}
