/* SPDX-License-Identifier: MIT */
/* The most plausible explanation of the readings of one counter, and how it is found.
 *
 * What is guaranteed. The best explanation is the cheapest one of those in the tree. No two readings that it calls good
 * and of one life are further apart than the meter can deliver. The same readings give the same tree.
 *
 * The idea. A reading is good and continues from an earlier good one, or it is false and says nothing. So an
 * explanation is a path through the good readings. Its cost is its surprise in bits: the binary logarithm of how rare
 * it is that things happen so. Surprises that have nothing to do with each other add up, so the cheapest path is the
 * most probable one. Only differences matter: a good reading that follows another one costs nothing. These cost
 * something:
 *
 * RUN: a run of false readings begins. The cause that makes one reading false often makes the next one false too, so
 * three zeros after a restart of the meter are one accident, and so are thirty.
 *
 * DOUBT: one false reading more in a run. If it rises plausibly from the one before it, it costs RISES more: that is
 * how a register counts. When a run comes to more than SHORT, each reading costs twice as much. Nothing else proves a
 * new life that nobody announced: its readings continue, and the old line does not return.
 *
 * LIFE: a new life begins, and lies where it does. The first value of a life has nothing to do with the lines before
 * it. So the nearer it is to the end of one of them, or to where a line leapt from, the greater the coincidence
 * (nearness()), and the less plausible the life: that is the old line, which continues. This separates the end of a run
 * of false readings from a second reset, and from a leap and a reset back.
 *
 * SHOCK: a value lies far from where the line would be, as a leap or a fall by many times what usually passes. It costs
 * by how far, whatever explains it: a good reading that leaps, a life that begins there, a run of false readings that
 * begins there, and each false reading that is far from the false one before it. So it decides nothing where a value
 * comes once. Where values leap and come back, it does: a short accident is one shock, and the leap is true only if the
 * return is another one. Values near 0 are common, so nothing costs more than a leap from there. Each line remembers
 * the highest rate that it had (explain_node.rate).
 *
 * STEEP: a good reading rises more than twice as fast as its line ever did not long ago. It is the least cost, since a
 * machine that starts after a quiet week is no accident. It decides which of two readings is false where both may be:
 * the one at the top of a leap. It and the shock are forgiven where the load stays high; and while hardly anything is
 * known of a meter there are no shocks of its line.
 *
 * WRAP: the register turns over, at one of the values at which it may. The one at which it did is remembered for the
 * life, and decides where several are plausible. It belongs to the path, so an explanation that takes a rollover back
 * takes that back too.
 *
 * STILL: the register stood still, although consumption continued, and moves again: a gateway that answered from its
 * memory. It is a run of false readings that look good.
 *
 * More than the meter can deliver is no cost but impossible. For any two good readings a and b of a life,
 *
 *     rise <= 1.25 x P x (t_b - t_a + D) + 2 steps
 *
 * where P is the highest power, t is when a reading was read, not its slot, and D is how wrong the time between can be,
 * once for the pair: EXPLAIN_SLACK_MS, all that the clock was set back by between them (t has that already), and how
 * far the time of a reading may be off where the clock is not known to be right. One number keeps this for all pairs,
 * as a bucket with a leak keeps water: the rises fill it, the leak is 1.25 x P, and it must not run over
 * (explain_node.over). An unsure reading b may lie anywhere from t_b - u to t_b + u. It may have come late, so the
 * bucket is higher by the leak of u for it. Or early, so a line that begins there is lower by that: then its bucket is
 * less than empty.
 *
 * Since it holds for any two readings and not just for neighbours, a lie cannot pass by rising a little too fast for
 * long. A clock that is set forward makes the time between two readings look longer, never shorter, and needs no D.
 *
 * A quantity may have a finer and a coarser register, which is read while the meter refuses the finer one. Both are of
 * one line. They agree when they differ by less than a step of the coarser one, either way, also across a modulus: then
 * nothing passed, and the higher value is kept until a reading passes it, as after a fall within back_step. So what a
 * coarse value adds is only what exceeds the last good one, and a fine value after it adds the rest: over the whole
 * nothing is lost and nothing counts twice. The step of a pair of readings is that of the coarser one; so a fine value
 * must follow both a coarse one before it and the last fine one before that.
 *
 * The costs were found with the accidents of tests/unit/test_explain.c and of tests/adversary. Half or twice of one of
 * them changes little, except that a RUN or a RISES twice as dear makes more results wrong. Of 30,000 random series
 * with one accident 46 were wrong, 34 of them after a reset to a value that the old line could have reached; of those
 * with up to four, 1.4 %; without an accident none.
 *
 * How the cheapest path is found. The ways to continue from a good reading depend on that reading and its line, not on
 * how the path came to it. So only the cheapest path to each reading is kept, and it is the reading's parent that is
 * remembered (this is Viterbi's algorithm). A new reading is compared with each open node, and becomes a node with the
 * cheapest of them as its parent. Where it can follow several nodes of one line it follows the last: no explanation
 * calls readings false that fit. All other explanations have a false reading more; as it is the same reading for all of
 * them, running sums (doubt, shock) serve for all. A run ends with a reading that fits its line again. An explanation
 * that calls that one false too has seen two accidents, and pays for two (EXPLAIN_LEFT).
 *
 * What is dropped, so that an ordinary day needs about ten nodes.
 *   - Explanations that cost HOPELESS more than the best one.
 *   - Of those that leave one line, all but ENDS_ON_LINE, as soon as there are ENDS_MORE more. They differ only in
 *     where they leave it, so it matters little that one is missing while its neighbours are there. Those are kept that
 *     a later fall could lead back to: one before a leap rather than one in a steady rise, and fewer the longer ago
 *     (find_loss()); none more than AGE readings before its end. AGE is more than the longest run of too high values
 *     that must leave nothing.
 *   - What parted from the best explanation EXPLAIN_FINAL_S ago. While the best one has ended, what has continued since
 *     then stays: which of them is false is still open. A run of false readings that is so long is a line.
 *   - Nodes that are on paths only, where the intervals are the same without them.
 *
 * What may go wrong. account.h lists what cannot be known. A full tree decides early. If the right explanation was
 * dropped, the readings that belong to it look like a new life: what passed before it is lost, and nothing is invented.
 */
#include "explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

/* Costs are in 64ths of a bit; see above. */
enum {
	BIT = 64,
	RUN = 4 * BIT,
	DOUBT = 3,
	RISES = 6,
	SHORT = 2 * BIT,
	LIFE = 6 * BIT,
	SHOCK_MOST = 8 * BIT,
	STEEP = 3 * BIT / 2,
	WRAP = 2 * BIT,
	STILL = 2 * BIT,
	HOPELESS = 25 * BIT,
	ENDLESS = 150 * BIT, /* a run costs no more, however long it is */
	INFINITE = 1 << 28,  /* more than any cost */

	ENDS_ON_LINE = 7, /* open nodes that are kept, the end of the line included */
	ENDS_MORE = 4,	  /* so many more are waited for before some are closed: that takes longer than a reading */
	ENDS = 24,	  /* open nodes in all */
	AGE = 42,	  /* readings */
	YOUNG = 10,	  /* readings of the first life, until its highest rate is known well enough for shocks */

	RATE_BIT = 65536,    /* rates are logarithms in 65536ths of a bit */
	RATE_HALF_S = 86400, /* half of the highest rate of a line is forgotten after so long */
	LEAP_BITS = 2,
	RATE_NONE = INT32_MIN,
	RATE_LEAST = -1024 * RATE_BIT, /* it is forgotten no further */
	RANGE_BITS = 17,	       /* of the steps that a register has usually counted */
};

/* The binary logarithm of v > 0, in RATE_BIT: its highest bit, and linear between the powers of two. */
static int32_t log2_of(int64_t v)
{
	int bit = 63 - __builtin_clzll((unsigned long long)v);
	uint64_t rest = (uint64_t)v - (UINT64_C(1) << bit);

	return bit * RATE_BIT + (int32_t)(bit >= 16 ? rest >> (bit - 16) : rest << (16 - bit));
}

static int64_t step_of(const struct explain_limit *l)
{
	return l->step < 1 ? 1 : l->step < INT64_MAX / 32 ? l->step : INT64_MAX / 32;
}

/* Amounts are compared in levels, so that no leak is lost by rounding: 1024 or a little less in a step. */
static int64_t levels_in_part(const struct explain_limit *l)
{
	return step_of(l) < 1024 ? 1024 / step_of(l) : 1;
}

static int64_t parts_in_level(const struct explain_limit *l)
{
	return step_of(l) < 1024 ? 1 : step_of(l) / 1024;
}

static int64_t to_level(const struct explain_limit *l, int64_t amount)
{
	if (amount > INT64_MAX / 4096)
		return INT64_MAX / 4;
	return (amount * levels_in_part(l) + parts_in_level(l) - 1) / parts_in_level(l);
}

/* The amount that a level >= 0 is. */
static int64_t from_level(const struct explain_limit *l, int64_t level)
{
	return wide_muldiv(level, parts_in_level(l), levels_in_part(l));
}

/* A quarter more than the highest power gives in that time, as a level up to INT64_MAX / 4. */
static int64_t leak(const struct explain_limit *l, int64_t ms)
{
	static const int64_t hour_ms = 3600000, longest_ms = INT64_MAX / 4096;
	int64_t level;

	if (ms <= 0)
		return 0;
	ms = ms < longest_ms ? ms : longest_ms;
	level = wide_muldiv(l->per_hour, ms * levels_in_part(l), hour_ms / 5 * 4) / parts_in_level(l);
	return level < INT64_MAX / 4 ? level : INT64_MAX / 4;
}

/* The step of a pair of readings. */
static int64_t step_between(const struct explain_limit *l, bool is_coarse)
{
	int64_t step = step_of(l);

	if (!is_coarse || l->coarse_step <= step)
		return step;
	return l->coarse_step < INT64_MAX / 32 ? l->coarse_step : INT64_MAX / 32;
}

/* How much can still pass from a good reading to the next one, as a level. */
static int64_t room(const struct explain_limit *l, const struct explain_good *good, const struct explain_reading *next)
{
	int64_t between_ms = next->time_ms - good->time_ms;
	int64_t level = leak(l, (between_ms > 0 ? between_ms : 0) + EXPLAIN_SLACK_MS + next->unsure_ms);

	return level + to_level(l, 2 * step_between(l, good->is_coarse || next->is_coarse)) - good->over;
}

int64_t explain_most(const struct explain_limit *l, const struct explain_good *good, const struct explain_reading *next)
{
	int64_t level = room(l, good, next);

	return level > 0 ? from_level(l, level) : 0;
}

/* The bucket after a reading that filled it up to this level. */
static int32_t to_over(const struct explain_limit *l, int64_t level, int64_t unsure_ms)
{
	int64_t empty = -leak(l, unsure_ms);

	level = level > empty ? level : empty;
	return (int32_t)(level < INT32_MIN ? INT32_MIN : level > INT32_MAX ? INT32_MAX : level);
}

/* The modulus across which a fall of the register is a rise of at most this much; 0 where there is none. Of several
 * that are plausible none is, unless the life has passed it before. */
static int64_t find_modulus(const struct explain_limit *l, int64_t raw, int64_t next_raw, int64_t most)
{
	int64_t found = 0;
	bool is_sure = true;

	for (size_t i = 0; i < EXPLAIN_MODULI_MAX && l->moduli[i] > 0; i++) {
		int64_t modulus = l->moduli[i], rise = modulus - raw + next_raw;

		if (raw >= modulus || next_raw >= modulus || rise >= modulus / 2 || rise > most)
			continue;
		if (modulus == l->modulus)
			return modulus;
		is_sure = is_sure && (found == 0 || found == modulus);
		found = modulus;
	}
	return is_sure ? found : 0;
}

/* Whether a reading is behind a good one by less than a step of the coarser register, also across a modulus. */
static bool agrees(const struct explain_limit *l, const struct explain_good *good, const struct explain_reading *next)
{
	int64_t step = step_between(l, true);

	if (!good->is_coarse && !next->is_coarse)
		return false;
	if (next->raw < good->raw)
		return good->raw - next->raw < step;
	for (size_t i = 0; i < EXPLAIN_MODULI_MAX && l->moduli[i] > 0; i++)
		if (next->raw < l->moduli[i] && next->raw - good->raw > l->moduli[i] - step)
			return true;
	return false;
}

enum explain_step explain_judge(const struct explain_limit *l, const struct explain_good *good,
				const struct explain_reading *next, int64_t *amount, int32_t *over)
{
	enum explain_step step = EXPLAIN_RISES;
	int64_t rise, level, leaked;

	if (next->raw < 0)
		return EXPLAIN_FALLS;
	rise = next->raw - good->raw;
	if ((rise < 0 && -rise <= l->back_step) || agrees(l, good, next)) {
		rise = 0;
		step = EXPLAIN_STEPS_BACK;
	} else if (rise < 0) {
		int64_t modulus = find_modulus(l, good->raw, next->raw, explain_most(l, good, next));

		if (modulus == 0)
			return EXPLAIN_FALLS;
		rise += modulus;
		step = EXPLAIN_WRAPS;
	}
	level = to_level(l, rise);
	leaked = leak(l, next->time_ms - good->time_ms);
	/* most rises need no margin, and then there is no need to know how much there is */
	if (level + good->over > leaked && level > room(l, good, next))
		return EXPLAIN_JUMPS;
	*amount = rise;
	*over = to_over(l, level + good->over - leaked, next->unsure_ms);
	return step;
}

static bool is_open(const struct explain *x, size_t i)
{
	return x->nodes[i].flags & EXPLAIN_OPEN;
}

static void open_node(struct explain *x, size_t i)
{
	if (!is_open(x, i))
		x->n_open++;
	x->nodes[i].flags |= EXPLAIN_OPEN;
}

static void close_node(struct explain *x, size_t i)
{
	if (is_open(x, i))
		x->n_open--;
	x->nodes[i].flags &= (uint8_t)~EXPLAIN_OPEN;
	x->is_untidy = true;
}

static bool is_coarse(const struct explain *x, size_t i)
{
	return x->nodes[i].flags & EXPLAIN_COARSE;
}

static bool is_last_reading(const struct explain *x, size_t i)
{
	return explain_slot_s(x, i) == x->last_s;
}

/* The cost of the explanation that ends with node i. */
static int32_t cost_of(const struct explain *x, size_t i)
{
	const struct explain_node *node = &x->nodes[i];
	uint32_t doubt = x->doubt - node->doubt, shock = x->shock - node->shock;

	if (is_last_reading(x, i))
		return node->cost;
	if (doubt > SHORT)
		doubt = doubt < ENDLESS ? 2 * doubt - SHORT : 2 * ENDLESS - SHORT;
	return node->cost + RUN + (int32_t)doubt + (int32_t)(shock < ENDLESS ? shock : ENDLESS);
}

/* A cost as nodes keep it. Nothing depends on how hopeless the hopeless is. */
static int16_t to_cost(int32_t cost)
{
	return (int16_t)(cost < INT16_MIN ? INT16_MIN : cost > INT16_MAX ? INT16_MAX : cost);
}

uint8_t explain_life(const struct explain *x, uint8_t node)
{
	while (node > 0 && (x->nodes[node].flags & EXPLAIN_LIFE) == 0)
		node = x->nodes[node].parent;
	return node;
}

uint8_t explain_common(const struct explain *x, uint8_t a, uint8_t b)
{
	while (a != b) {
		if (a > b)
			a = x->nodes[a].parent;
		else
			b = x->nodes[b].parent;
	}
	return a;
}

unsigned explain_n_false(const struct explain *x)
{
	uint16_t n = (uint16_t)(x->n_readings - 1 - x->nodes[x->best].number);

	if (is_last_reading(x, x->best))
		return 0;
	return n > 0 ? n : UINT16_MAX;
}

int64_t explain_amount(const struct explain *x, uint8_t node)
{
	const struct explain_node *n = &x->nodes[node];
	int64_t rise;

	if (n->parent == EXPLAIN_NONE || n->flags & EXPLAIN_LIFE)
		return 0;
	rise = n->raw - x->nodes[n->parent].raw;
	return rise + explain_modulus(x, node);
}

int64_t explain_modulus(const struct explain *x, uint8_t node)
{
	const struct explain_node *n = &x->nodes[node];

	return n->flags & EXPLAIN_WRAPPED ? x->moduli[n->modulus] : 0;
}

/* The modulus that the life of a node passed last, up to this node; 0 = none yet. */
static int64_t modulus_of_life(const struct explain *x, uint8_t node)
{
	while (node > 0 && (x->nodes[node].flags & (EXPLAIN_LIFE | EXPLAIN_WRAPPED)) == 0)
		node = x->nodes[node].parent;
	if (x->nodes[node].flags & (EXPLAIN_LIFE | EXPLAIN_WRAPPED))
		return explain_modulus(x, node);
	return x->modulus;
}

/* Where x->moduli has this one, or has room for it. -1: it has neither. */
static int place_modulus(struct explain *x, int64_t modulus)
{
	bool is_used[EXPLAIN_MODULI_MAX] = {false};
	int place = -1;

	for (size_t i = 0; i < x->n; i++)
		if (x->nodes[i].flags & EXPLAIN_WRAPPED)
			is_used[x->nodes[i].modulus] = true;
	for (int i = 0; i < EXPLAIN_MODULI_MAX; i++) {
		if (is_used[i] && x->moduli[i] == modulus)
			return i;
		if (!is_used[i] && place < 0)
			place = i;
	}
	if (place >= 0)
		x->moduli[place] = modulus;
	return place;
}

/* How rare it is that two values lie as near to each other as these, if they have nothing to do with each other. The
 * values of registers are spread evenly over their range or, if they began at 0 not long ago, over its magnitudes; the
 * one that makes it less rare counts. */
static int32_t nearness(int64_t step, int64_t a, int64_t b)
{
	int64_t low = a < b ? a : b, high = a < b ? b : a, distance;
	int32_t range = RANGE_BITS * RATE_BIT + log2_of(step), by_range, magnitudes;

	if (low < 0) /* it is no register's */
		return 0;
	distance = high - low;
	if (high > 0 && log2_of(high) > range)
		range = log2_of(high);
	by_range = range - log2_of(distance < step ? step : distance);
	if (by_range <= 0)
		return 0;
	magnitudes = log2_of(high < step ? step : high) - log2_of(low < step ? step : low);
	if (magnitudes > 0) {
		int32_t by_magnitude = log2_of((int64_t)RANGE_BITS * RATE_BIT) - log2_of(magnitudes);

		if (by_magnitude < 0)
			return 0;
		if (by_magnitude < by_range)
			by_range = by_magnitude;
	}
	return by_range / (RATE_BIT / BIT);
}

/* How much of a coincidence it is that raw lies near the end of a line that the path to node i has left for a new life.
 */
static int32_t coincidence_before(const struct explain *x, const struct explain_limit *l, uint8_t i, int64_t raw)
{
	int32_t most = 0;

	while ((i = explain_life(x, i)) != 0) {
		int32_t cost;

		i = x->nodes[i].parent;
		cost = nearness(step_of(l), x->nodes[i].raw, raw);
		if (cost > most)
			most = cost;
	}
	return most;
}

/* The same where a life begins with raw after node i: near its end, or near where its line may have leapt from. */
static int32_t coincidence(const struct explain *x, const struct explain_limit *l, uint8_t i, int64_t raw)
{
	int32_t most = coincidence_before(x, l, i, raw);
	uint8_t life = explain_life(x, i);

	for (uint8_t k = 0; k <= i; k++) {
		int32_t cost = is_open(x, k) ? nearness(step_of(l), x->nodes[k].raw, raw) : 0;

		if (cost > most && explain_life(x, k) == life)
			most = cost;
	}
	return most;
}

/* The binary logarithm of the rate at which an amount passed, less one step of the register, which may not have passed
 * meanwhile. RATE_NONE: nothing did. */
static int32_t rate_of(const struct explain_limit *l, bool is_coarse, int64_t amount, int64_t dt_s)
{
	int64_t step = step_between(l, is_coarse);

	return amount > step ? log2_of(amount - step) - log2_of(dt_s) : RATE_NONE;
}

/* The highest rate after dt_s more: some of it is forgotten. */
static int32_t rate_after(int32_t rate, int64_t dt_s)
{
	if (rate == RATE_NONE)
		return rate;
	if (rate <= RATE_LEAST)
		return RATE_LEAST;
	return rate - (dt_s < 32 * (int64_t)RATE_HALF_S ? (int32_t)(dt_s * RATE_BIT / RATE_HALF_S) : 32 * RATE_BIT);
}

/* A rate as others are compared with it: two steps a minute are no surprise on any line. */
static int32_t rate_or_least(const struct explain_limit *l, int32_t rate)
{
	int32_t least = log2_of(2 * step_of(l)) - log2_of(60);

	return rate > least ? rate : least;
}

/* By how much a rate exceeds twice a known one, as a cost; 0 = it does not. */
static int32_t excess_of(const struct explain_limit *l, int32_t rate, int32_t known)
{
	int32_t excess;

	if (rate == RATE_NONE)
		return 0;
	excess = (rate - rate_or_least(l, known)) / (RATE_BIT / BIT) - BIT;
	return excess < 0 ? 0 : excess < SHOCK_MOST ? excess : SHOCK_MOST;
}

/* Of so many bits, how many a shock is. Rates have no distribution that anybody knows, and leaps of a thousandfold are
 * less rare than a power of two for each bit of them. */
static int32_t shock_of(int32_t excess)
{
	return excess * 2 / 3;
}

/* How much of a surprise it is that a value which has nothing to do with a line lies so far from another value that was
 * read dt_s before: as if the register had leapt there from it, or from 0. */
static int32_t shock_between(const struct explain_limit *l, int64_t from, const struct explain_reading *r,
			     bool is_coarse, int64_t dt_s, int32_t known)
{
	int64_t to = r->raw;
	int64_t distance;
	int32_t by_line, by_zero;

	if (__builtin_sub_overflow(to, from, &distance) || distance == INT64_MIN)
		distance = INT64_MAX;
	distance = distance < 0 ? -distance : distance;
	by_line = excess_of(l, rate_of(l, is_coarse || r->is_coarse, distance, dt_s), known);
	if (to < 0 || by_line == 0)
		return shock_of(by_line);
	by_zero = excess_of(l, rate_of(l, is_coarse || r->is_coarse, to, dt_s), RATE_NONE);
	return shock_of(by_line < by_zero ? by_line : by_zero);
}

bool explain_leaps(const struct explain_limit *l, int32_t rate, int64_t known_s, int64_t amount, int64_t dt_s)
{
	if (amount <= 4 * step_of(l) || rate == RATE_NONE)
		return false;
	return rate_of(l, false, amount, dt_s > 0 ? dt_s : 1) >
	       rate_or_least(l, rate_after(rate, known_s > 0 ? known_s : 0)) + LEAP_BITS * RATE_BIT;
}

/* Fill in cost, excess and rate of a node that follows node i on its line. */
static void weigh_rise(const struct explain *x, const struct explain_limit *l, size_t i,
		       const struct explain_reading *r, int64_t amount, struct explain_node *out, int32_t *cost)
{
	const struct explain_node *node = &x->nodes[i];
	int64_t dt_s = r->slot_s - explain_slot_s(x, i);
	int32_t rate = rate_of(l, r->is_coarse || is_coarse(x, i), amount, dt_s);
	int32_t known = rate_after(node->rate, dt_s), excess = 0;

	if (known != RATE_NONE)
		excess = excess_of(l, rate, known);
	else
		known = rate_or_least(l, known);
	out->rate = rate > known ? rate : known;
	out->young = node->young > 0 ? node->young - 1 : 0;
	out->excess = (uint16_t)((excess < STEEP ? excess : STEEP) + (node->young > 0 ? 0 : shock_of(excess)));
	*cost = cost_of(x, i) + out->excess + (out->flags & EXPLAIN_WRAPPED ? WRAP : 0);
	/* where the load stays high, its beginning was no leap */
	if (node->excess > 0 && rate != RATE_NONE && rate + RATE_BIT > node->rate)
		*cost -= node->excess;
}

/* The last node of the life up to i whose value is fine, or else the one that it begins with. Adds to *amount what
 * passed since then. */
static uint8_t find_fine(const struct explain *x, uint8_t i, int64_t *amount)
{
	for (; is_coarse(x, i) && i > 0 && (x->nodes[i].flags & EXPLAIN_LIFE) == 0; i = x->nodes[i].parent)
		*amount += explain_amount(x, i);
	return i;
}

/* A fine reading follows node i, whose value is coarse, and amount passed since then. Judge whether it can follow the
 * last fine value of the life too. *over is set then. */
static bool follows_fine(const struct explain *x, const struct explain_limit *l, uint8_t i,
			 const struct explain_reading *r, int64_t amount, int32_t *over)
{
	struct explain_good good;
	int64_t level;

	i = find_fine(x, i, &amount);
	if (is_coarse(x, i)) {
		*over = to_over(l, INT64_MIN, r->unsure_ms); /* it is the first one */
		return true;
	}
	good = explain_good(x, i);
	level = to_level(l, amount);
	*over = to_over(l, level + good.over - leak(l, r->time_ms - good.time_ms), r->unsure_ms);
	return level <= room(l, &good, r);
}

/* A fine reading agrees with node i, whose value is coarse. Judge whether it is below the last fine value of the life.
 */
static bool falls_from_fine(const struct explain *x, const struct explain_limit *l, uint8_t i,
			    const struct explain_reading *r)
{
	struct explain_good good;
	int64_t amount = 0;
	int32_t over;

	i = find_fine(x, i, &amount);
	good = explain_good(x, i);
	return !good.is_coarse && explain_judge(l, &good, r, &amount, &over) == EXPLAIN_FALLS;
}

/* Judge whether a reading can follow node i, as explain_judge() does. */
static enum explain_step judge_after(const struct explain *x, const struct explain_limit *l, uint8_t i,
				     const struct explain_reading *r, int64_t *amount, int32_t *over)
{
	struct explain_good good = explain_good(x, i);
	enum explain_step step;
	struct explain_limit own;

	if (r->raw < good.raw) {
		own = *l;
		own.modulus = modulus_of_life(x, i);
		l = &own;
	}
	step = explain_judge(l, &good, r, amount, over);
	if ((step == EXPLAIN_RISES || step == EXPLAIN_WRAPS) && good.is_coarse && !r->is_coarse &&
	    !follows_fine(x, l, i, r, *amount, over))
		return EXPLAIN_JUMPS;
	if (step == EXPLAIN_STEPS_BACK && good.is_coarse && !r->is_coarse && falls_from_fine(x, l, i, r))
		return EXPLAIN_FALLS;
	return step;
}

static uint8_t coarse_flag(const struct explain_reading *r)
{
	return r->is_coarse ? EXPLAIN_COARSE : 0;
}

/* Find the cheapest path to a reading. *out is the node that it would be, its parent EXPLAIN_NONE where there is no
 * path: a negative value is always false. *out_amount: what passed, unless a life begins. */
static void find_path(const struct explain *x, const struct explain_limit *l, const struct explain_reading *r,
		      struct explain_node *out, int64_t *out_amount)
{
	bool is_passed[EXPLAIN_NODES_MAX]; /* a later node of its line can be followed */
	int32_t least = INFINITE;

	memset(is_passed, 0, x->n);
	*out = (struct explain_node){.parent = EXPLAIN_NONE};
	for (size_t i = r->raw < 0 ? 0 : x->n; i-- > 0 && least > 0;) {
		const struct explain_node *node = &x->nodes[i];
		struct explain_node path = {.raw = r->raw, .parent = (uint8_t)i, .flags = coarse_flag(r)};
		enum explain_step step = EXPLAIN_FALLS;
		int64_t amount = 0;
		int32_t cost;

		if (!is_open(x, i))
			continue;
		if (!is_last_reading(x, i))
			path.flags |= EXPLAIN_AFTER_FALSE;
		if (!is_passed[i])
			step = judge_after(x, l, (uint8_t)i, r, &amount, &path.over);
		if (step < EXPLAIN_FALLS) {
			if (step == EXPLAIN_STEPS_BACK) {
				path.raw = node->raw;
				path.flags |= node->flags & EXPLAIN_COARSE;
			}
			if (step == EXPLAIN_WRAPS)
				path.flags |= EXPLAIN_WRAPPED;
			weigh_rise(x, l, i, r, amount, &path, &cost);
			for (uint8_t k = (uint8_t)i; k > 0 && (x->nodes[k].flags & EXPLAIN_LIFE) == 0 && cost > 0;) {
				k = x->nodes[k].parent;
				is_passed[k] = true;
			}
		} else {
			cost = cost_of(x, i) + LIFE;
			if (cost < least)
				cost += coincidence(x, l, (uint8_t)i, r->raw) +
					shock_between(l, 0, r, false, r->slot_s - x->last_s, RATE_NONE);
			path.flags |= EXPLAIN_LIFE;
			path.rate = rate_after(node->rate, r->slot_s - explain_slot_s(x, i));
			path.young = node->young;
		}
		if (cost >= least)
			continue;
		path.cost = to_cost(cost);
		least = cost;
		*out = path;
		*out_amount = amount;
	}
}

/* Add a reading to the runs of the explanations that end with a node so far. path: the node that it becomes itself. Its
 * shock has been added to x->shock. */
static void add_to_runs(struct explain *x, const struct explain_limit *l, const struct explain_reading *r,
			const struct explain_node *path)
{
	uint8_t passed = path->flags & EXPLAIN_LIFE ? EXPLAIN_NONE : path->parent;

	for (uint8_t i = x->n; i-- > 0;) {
		struct explain_node *node = &x->nodes[i];
		bool follows = i == passed;
		int64_t amount;
		int32_t over;

		if (follows)
			passed = node->flags & EXPLAIN_LIFE ? EXPLAIN_NONE : node->parent;
		if (!is_open(x, i))
			continue;
		follows = follows || judge_after(x, l, i, r, &amount, &over) < EXPLAIN_FALLS;
		if (is_last_reading(x, i)) { /* its run begins: what is known of its own line counts */
			if (node->young == 0 || !follows)
				node->cost = to_cost(node->cost + shock_between(l, node->raw, r, is_coarse(x, i),
										r->slot_s - x->last_s, node->rate));
			node->shock = x->shock;
		}
		if (follows && node->flags & EXPLAIN_LEFT)
			node->cost = to_cost(node->cost + RUN);
		node->flags = (uint8_t)(follows ? node->flags & ~EXPLAIN_LEFT : node->flags | EXPLAIN_LEFT);
	}
}

/* Find the best explanation, the same as before where it is no dearer than others, and make it cost 0. */
static void find_best(struct explain *x)
{
	int32_t least = is_open(x, x->best) ? cost_of(x, x->best) : INFINITE;

	for (size_t i = 0; i < x->n && least > 0; i++) {
		int32_t cost = is_open(x, i) ? cost_of(x, i) : INFINITE;

		if (cost < least) {
			least = cost;
			x->best = (uint8_t)i;
		}
	}
	for (size_t i = 0; i < x->n && least != 0; i++)
		x->nodes[i].cost = to_cost(x->nodes[i].cost - least);
}

/* Whether all open nodes are of one life and on the path to the best one, and the last reading could follow each. */
static bool is_one_line(const struct explain *x)
{
	uint8_t i = x->best;
	size_t n = 0;

	for (;;) {
		n += (x->nodes[i].flags & (EXPLAIN_OPEN | EXPLAIN_LEFT)) == EXPLAIN_OPEN;
		if (i == 0 || x->nodes[i].flags & EXPLAIN_LIFE)
			return n == x->n_open;
		i = x->nodes[i].parent;
	}
}

/* The binary logarithm of how far a node lies below the end of its line, as far as that matters. */
static int32_t depth_of(const struct explain_node *end, const struct explain_node *node, int64_t step)
{
	int64_t distance = end->raw - node->raw;

	distance = (distance < INT64_MAX / 2 ? distance : INT64_MAX / 2) + step;
	return distance > 1 ? log2_of(distance) : 0;
}

/* There is no node that could be closed; it can be, because the register stood still. */
static const int64_t LOSS_MOST = INT64_MAX, LOSS_STILL = -1;

/* The open nodes, and of each (an index of nodes too) the open node before it on its line (EXPLAIN_NONE = none), its
 * depth, and what is lost without the open node before it. n_on_line: how many there are on its line; last: the last
 * node of its line; both are kept by the node that the life began with. */
struct ends {
	size_t n;
	uint8_t of[EXPLAIN_NODES_MAX], before[EXPLAIN_NODES_MAX], life[EXPLAIN_NODES_MAX];
	uint8_t n_on_line[EXPLAIN_NODES_MAX], last[EXPLAIN_NODES_MAX];
	int32_t depth[EXPLAIN_NODES_MAX];
	int64_t loss[EXPLAIN_NODES_MAX];
};

/* Find the loss without open node b, where a and c are the open nodes before and after it on their line: if the line is
 * left at b, which shows when a later reading falls below c but not below b, the readings between a and b are called
 * false too. Of a register that stands still the first and the last one are kept while it does, then only the last. */
static void find_loss(const struct explain *x, struct ends *ends, uint8_t c)
{
	uint8_t b = ends->before[c], a = b == EXPLAIN_NONE ? EXPLAIN_NONE : ends->before[b];
	uint16_t apart, age;

	ends->loss[c] = LOSS_MOST;
	if (a == EXPLAIN_NONE || b == x->best)
		return;
	ends->loss[c] = LOSS_STILL;
	if (x->nodes[a].raw == x->nodes[b].raw && (x->nodes[c].raw == x->nodes[b].raw || a != x->best))
		return;
	apart = (uint16_t)(x->nodes[b].number - x->nodes[a].number);
	age = (uint16_t)(x->nodes[ends->last[ends->life[c]]].number - x->nodes[b].number);
	ends->loss[c] = 0;
	if (ends->depth[b] > ends->depth[c])
		ends->loss[c] = (int64_t)(ends->depth[b] - ends->depth[c]) * apart / (age > 0 ? age : 1);
}

static void find_ends(const struct explain *x, int64_t step, struct ends *ends)
{
	uint8_t before[EXPLAIN_NODES_MAX]; /* of every node */

	ends->n = 0;
	for (size_t i = 0; i < x->n; i++) {
		uint8_t parent = x->nodes[i].parent, life = (uint8_t)i;

		before[i] = EXPLAIN_NONE;
		if (i > 0 && (x->nodes[i].flags & EXPLAIN_LIFE) == 0) {
			life = ends->life[parent];
			before[i] = is_open(x, parent) ? parent : before[parent];
		} else {
			ends->n_on_line[i] = 0;
		}
		ends->life[i] = life;
		ends->last[life] = (uint8_t)i;
		if (!is_open(x, i))
			continue;
		ends->before[i] = before[i];
		ends->of[ends->n++] = (uint8_t)i;
		ends->n_on_line[life]++;
	}
	for (size_t k = 0; k < ends->n; k++) {
		uint8_t i = ends->of[k];

		ends->depth[i] = depth_of(&x->nodes[ends->last[ends->life[i]]], &x->nodes[i], step);
		find_loss(x, ends, i);
	}
}

/* Close a node whose register stood still since the open node before it. That one stands in for it: from there it may
 * move by more. */
static void close_still(struct explain *x, uint8_t closed, uint8_t before)
{
	close_node(x, closed);
	x->nodes[before].cost = to_cost(x->nodes[closed].cost + STILL);
	x->nodes[before].doubt = x->nodes[closed].doubt;
	x->nodes[before].shock = x->nodes[closed].shock;
	x->nodes[before].number = x->nodes[closed].number;
}

static void close_end(struct explain *x, struct ends *ends, size_t k)
{
	uint8_t closed = ends->of[k], before = ends->before[closed];

	ends->n_on_line[ends->life[closed]]--;
	ends->n--;
	memmove(&ends->of[k], &ends->of[k + 1], ends->n - k);
	for (; k < ends->n; k++)
		if (ends->before[ends->of[k]] == closed)
			ends->before[ends->of[k]] = before;
	if (before != EXPLAIN_NONE && x->nodes[before].raw == x->nodes[closed].raw)
		close_still(x, closed, before);
	else
		close_node(x, closed);
	/* those between which and the open nodes before them something has changed */
	for (k = 0; k < ends->n; k++) {
		uint8_t b = ends->before[ends->of[k]];

		if (b == before || (b != EXPLAIN_NONE && ends->before[b] == before))
			find_loss(x, ends, ends->of[k]);
	}
}

/* The place in ends of the open node that is best closed next, because its line has too many or because it is like its
 * neighbour; ends->n = none. */
static size_t find_spare(const struct explain *x, const struct ends *ends)
{
	uint8_t c = EXPLAIN_NONE, spare;
	int64_t least = LOSS_MOST;
	size_t k;

	for (k = 0; k < ends->n && least != LOSS_STILL; k++) {
		uint8_t i = ends->of[k];

		if (ends->loss[i] < least &&
		    (ends->loss[i] == LOSS_STILL || ends->n_on_line[ends->life[i]] > ENDS_ON_LINE)) {
			least = ends->loss[i];
			c = i;
		}
	}
	if (c == EXPLAIN_NONE)
		return ends->n;
	spare = ends->before[c];
	if (least == LOSS_STILL && x->nodes[c].raw != x->nodes[spare].raw)
		spare = ends->before[spare];
	for (k = 0; ends->of[k] != spare;)
		k++;
	return k;
}

/* The dearest open node, when there are too many; ends->n otherwise. */
static size_t find_dearest(const struct explain *x, const struct ends *ends)
{
	size_t dearest = ends->n;

	for (size_t k = 0; k < ends->n && ends->n > ENDS; k++) {
		uint8_t i = ends->of[k];

		if (i != x->best && !is_last_reading(x, i) &&
		    (dearest == ends->n || cost_of(x, i) > cost_of(x, ends->of[dearest])))
			dearest = k;
	}
	return dearest;
}

/* Close the explanations that are no longer worth their place. The best one stays, and that with the last reading. */
static void thin(struct explain *x, const struct explain_limit *l)
{
	struct ends ends;
	size_t spare;

	find_ends(x, step_of(l), &ends);
	for (size_t k = ends.n; k-- > 0;) {
		const struct explain_node *node = &x->nodes[ends.of[k]];
		const struct explain_node *last = &x->nodes[ends.last[ends.life[ends.of[k]]]];

		if (ends.of[k] == x->best || is_last_reading(x, ends.of[k]))
			continue;
		if (cost_of(x, ends.of[k]) > HOPELESS ||
		    ((uint16_t)(last->number - node->number) > AGE && last->raw != node->raw))
			close_end(x, &ends, k);
	}
	while ((spare = find_spare(x, &ends)) < ends.n)
		close_end(x, &ends, spare);
	while ((spare = find_dearest(x, &ends)) < ends.n)
		close_end(x, &ends, spare);
}

/* The first node on the path to node i that is later than this node. Node i is. */
static uint8_t first_after(const struct explain *x, uint8_t node, uint8_t i)
{
	while (x->nodes[i].parent > node)
		i = x->nodes[i].parent;
	return i;
}

/* Close what parted from the best explanation so long ago that the decision is final. What has continued since the best
 * one ended stays: that it parted is no more certain than that all readings since then are false. When it has continued
 * for so long, it is the best one that is closed: a run that is so long is a line. */
static void decide_old(struct explain *x)
{
	for (size_t i = 0; i < x->n; i++) {
		bool best_ends = i > x->best;
		uint8_t parted;

		/* no node that parted is older than node 1 */
		if (x->n < 2 || x->last_s - explain_slot_s(x, 1) <= EXPLAIN_FINAL_S)
			return;
		if (!is_open(x, i) || i == x->best)
			continue;
		parted = best_ends ? first_after(x, x->best, (uint8_t)i)
				   : first_after(x, explain_common(x, (uint8_t)i, x->best), x->best);
		if (x->last_s - explain_slot_s(x, parted) <= EXPLAIN_FINAL_S ||
		    (uint16_t)(x->n_readings - x->nodes[parted].number) <= EXPLAIN_FINAL_READINGS)
			continue;
		close_node(x, best_ends ? x->best : i);
		if (best_ends) {
			find_best(x);
			i = SIZE_MAX; /* from the beginning, with another best one */
		}
	}
}

static int resize(struct explain *x, size_t capacity)
{
	struct explain_node *nodes = realloc(x->nodes, capacity * sizeof(*nodes));

	if (nodes == NULL)
		return -ENOMEM;
	x->nodes = nodes;
	x->capacity = (uint8_t)capacity;
	return 0;
}

static void append(struct explain *x, const struct explain_reading *r, const struct explain_node *node)
{
	struct explain_node *to = &x->nodes[x->n++];

	*to = *node;
	to->at_s = (uint32_t)(r->slot_s - x->base_s);
	to->time_ms = r->time_ms;
	to->number = x->n_readings;
	to->doubt = x->doubt;
	to->shock = x->shock;
	to->into_s = r->into_s;
	to->flags |= r->is_time_unsure ? EXPLAIN_TIME_UNSURE : 0;
	if (node->parent != EXPLAIN_NONE && r->slot_s - explain_slot_s(x, node->parent) > r->gap_s)
		to->flags |= EXPLAIN_GAP;
	open_node(x, x->n - 1U);
}

/* Whether one more reading can become a node. */
static bool has_place(const struct explain *x, const struct explain_reading *r)
{
	return x->n < EXPLAIN_NODES_MAX && r->slot_s - x->base_s <= UINT32_MAX;
}

int explain_reserve(struct explain *x)
{
	return x->n < x->capacity || x->n == EXPLAIN_NODES_MAX ? 0 : resize(x, x->capacity + 2U);
}

void explain_begin(struct explain *x, const struct explain_limit *l, const struct explain_reading *r)
{
	struct explain_node first = {.raw = r->raw,
				     .over = to_over(l, INT64_MIN, r->unsure_ms),
				     .rate = RATE_NONE,
				     .young = YOUNG,
				     .parent = EXPLAIN_NONE,
				     .flags = EXPLAIN_LIFE | coarse_flag(r)};

	x->n = x->n_open = x->best = x->given = 0;
	x->modulus = x->best_modulus = 0;
	x->is_untidy = false;
	x->rate = RATE_NONE;
	x->base_s = r->slot_s;
	append(x, r, &first);
	x->n_readings++;
	x->last_s = r->slot_s;
	x->last_ms = r->time_ms;
	x->last_raw = r->raw;
	x->is_one_line = true;
}

/* While a register stands still, its first and its last node stay open. Most registers do most of the time. */
static void thin_still(struct explain *x)
{
	uint8_t a = x->n - 3, b = x->n - 2, c = x->n - 1;

	if (x->n < 3 || x->nodes[c].parent != b || x->nodes[b].parent != a || x->nodes[c].raw != x->nodes[b].raw ||
	    x->nodes[b].raw != x->nodes[a].raw || !is_open(x, a) || !is_open(x, b) || b == x->best)
		return;
	close_still(x, b, a);
}

/* Set x->best_modulus, which is right for the node that was the best one before. */
static void note_modulus(struct explain *x, uint8_t before)
{
	const struct explain_node *best = &x->nodes[x->best];

	if (x->best == before || (best->parent == before && (best->flags & (EXPLAIN_LIFE | EXPLAIN_WRAPPED)) == 0))
		return;
	x->best_modulus = modulus_of_life(x, x->best);
}

/* Whether a reading continues the only line that there is, and nothing about it is a surprise. Then no other path to it
 * is cheaper than the one from the best node, no sum and no cost changes, and the best explanation is the one that it
 * continues. Nearly all readings are so. *out: the node that it becomes. */
static bool is_ordinary(const struct explain *x, const struct explain_limit *l, const struct explain_reading *r,
			struct explain_node *out)
{
	const struct explain_node *last = &x->nodes[x->best];
	struct explain_good good = explain_good(x, x->best);
	int64_t amount;
	int32_t cost;

	if (!x->is_one_line || !is_last_reading(x, x->best) || !has_place(x, r))
		return false;
	if (last->raw != x->last_raw || r->raw < last->raw || r->is_coarse || good.is_coarse)
		return false;
	/* a bucket that is less than empty has room for more than another reading would; another line was the best one
	 * when x->rate was found */
	if (good.over < 0 || last->rate == RATE_NONE || last->rate != x->rate)
		return false;
	*out = (struct explain_node){.raw = r->raw, .parent = x->best};
	if (explain_judge(l, &good, r, &amount, &out->over) != EXPLAIN_RISES)
		return false;
	weigh_rise(x, l, x->best, r, amount, out, &cost);
	return cost == 0 && out->excess == 0;
}

/* Take a reading that is_ordinary() has made a node of. */
static void feed_ordinary(struct explain *x, const struct explain_reading *r, const struct explain_node *node)
{
	x->doubt += DOUBT + (r->raw > x->last_raw ? RISES : 0U);
	x->nodes[x->best].shock = x->shock;
	append(x, r, node);
	x->best = x->n - 1;
	x->n_readings++;
}

/* Take any reading. */
static void feed_any(struct explain *x, const struct explain_limit *l, const struct explain_reading *r)
{
	struct explain_good last = {.raw = x->last_raw, .time_ms = x->last_ms};
	struct explain_node path;
	int64_t amount = 0;
	int32_t over;

	find_path(x, l, r, &path, &amount);
	if (path.flags & EXPLAIN_WRAPPED) {
		int place = place_modulus(x, amount - (r->raw - x->nodes[path.parent].raw));

		if (place < 0)
			path = (struct explain_node){.parent = EXPLAIN_NONE};
		else
			path.modulus = (uint8_t)place;
	}
	x->shock += (uint32_t)shock_between(l, x->last_raw, r, false, r->slot_s - x->last_s, x->rate);
	x->doubt += DOUBT;
	if (r->raw > last.raw && last.raw >= 0 && explain_judge(l, &last, r, &amount, &over) == EXPLAIN_RISES)
		x->doubt += RISES;
	add_to_runs(x, l, r, &path);
	x->last_s = r->slot_s;
	if (path.parent != EXPLAIN_NONE && has_place(x, r)) {
		append(x, r, &path);
		/* nothing costs less than a good reading that follows the best explanation */
		if (path.cost <= 0)
			x->best = x->n - 1;
	}
	x->n_readings++;
	find_best(x);
}

void explain_feed(struct explain *x, const struct explain_limit *l, const struct explain_reading *r)
{
	uint8_t best_before = x->best;
	struct explain_node node;
	bool ordinary = is_ordinary(x, l, r, &node);

	if (ordinary)
		feed_ordinary(x, r, &node);
	else
		feed_any(x, l, r);
	x->last_s = r->slot_s;
	x->last_ms = r->time_ms;
	x->last_raw = r->raw;
	x->rate = rate_after(x->nodes[x->best].rate, x->last_s - explain_slot_s(x, x->best));
	thin_still(x);
	if (x->n_open > ENDS_ON_LINE + ENDS_MORE)
		thin(x, l);
	decide_old(x);
	for (size_t i = 0; i < x->n && x->n == EXPLAIN_NODES_MAX; i++)
		if (i != x->best)
			close_node(x, i);
	note_modulus(x, best_before);
	if (!ordinary)
		x->is_one_line = is_one_line(x);
}

bool explain_can_follow(const struct explain *x, uint8_t node, const struct explain_limit *l,
			const struct explain_reading *r)
{
	int64_t amount;
	int32_t over;

	return r->slot_s > explain_slot_s(x, node) && judge_after(x, l, node, r, &amount, &over) < EXPLAIN_FALLS;
}

bool explain_is_usual(const struct explain *x, const struct explain_limit *l, const struct explain_reading *r)
{
	int64_t dt_s = r->slot_s - explain_slot_s(x, x->best), amount;
	int32_t over, rate;

	if (dt_s <= 0 || judge_after(x, l, x->best, r, &amount, &over) >= EXPLAIN_FALLS)
		return false;
	rate = rate_of(l, r->is_coarse || is_coarse(x, x->best), amount, dt_s);
	/* twice that is no leap yet, see weigh_rise() */
	return rate == RATE_NONE || (x->rate != RATE_NONE &&
				     rate <= rate_or_least(l, rate_after(x->rate, r->slot_s - x->last_s)) + RATE_BIT);
}

void explain_give(struct explain *x, uint8_t node)
{
	x->given = node;
}

/* Whether a path a - b - c gives the same intervals and the same suspects without b. */
static bool is_spare(const struct explain_node *a, const struct explain_node *b, const struct explain_node *c)
{
	uint8_t flags = b->flags | c->flags;

	if (flags & (EXPLAIN_LIFE | EXPLAIN_AFTER_FALSE | EXPLAIN_WRAPPED))
		return false;
	/* no interval ends between a and c; or nothing passed, and there is nothing to be estimated */
	return (int64_t)c->at_s - c->into_s <= a->at_s ||
	       (a->raw == c->raw && (flags & (EXPLAIN_GAP | EXPLAIN_TIME_UNSURE)) == 0);
}

/* The same when the tree is full, and no results were given there: the shape inside a day is lost, no sum is. */
static bool is_spare_when_full(const struct explain_node *b, const struct explain_node *c)
{
	return ((b->flags | c->flags) & (EXPLAIN_LIFE | EXPLAIN_WRAPPED)) == 0;
}

void explain_tidy(struct explain *x)
{
	enum { UNUSED, ON_PATH, NEEDED };
	bool is_full = x->n == EXPLAIN_NODES_MAX;
	uint8_t use[EXPLAIN_NODES_MAX], child[EXPLAIN_NODES_MAX], to[EXPLAIN_NODES_MAX];
	size_t n = 0;

	if (!x->is_untidy)
		return;
	x->is_untidy = false;
	memset(use, UNUSED, x->n);
	use[0] = NEEDED;
	for (size_t i = x->n; i-- > 1;) {
		uint8_t parent = x->nodes[i].parent;

		if (is_open(x, i) || i == x->given)
			use[i] = NEEDED;
		if (use[i] == UNUSED)
			continue;
		/* where paths part it is needed too */
		use[parent] = use[parent] == UNUSED ? ON_PATH : NEEDED;
		child[parent] = (uint8_t)i;
	}
	for (size_t i = 0; i < x->n; i++) {
		struct explain_node *node = &x->nodes[i], *next;

		if (use[i] == ON_PATH) {
			next = &x->nodes[child[i]];
			if (is_spare(&x->nodes[to[node->parent]], node, next) ||
			    (is_full && i > x->given && is_spare_when_full(node, next))) {
				next->parent = node->parent;
				next->flags |= node->flags & (EXPLAIN_AFTER_FALSE | EXPLAIN_GAP | EXPLAIN_TIME_UNSURE);
				use[i] = UNUSED;
			}
		}
		if (use[i] == UNUSED)
			continue;
		to[i] = (uint8_t)n;
		if (n < i)
			x->nodes[n] = *node;
		n++;
	}
	if (n == x->n)
		return;
	x->best = to[x->best];
	x->given = to[x->given];
	x->n = (uint8_t)n;
	for (size_t i = 1; i < n; i++)
		x->nodes[i].parent = to[x->nodes[i].parent];
	/* without memory it stays as large as it is */
	if (x->capacity > 2 * n + 16)
		resize(x, n + 4);
}

bool explain_can_settle(const struct explain *x)
{
	if (x->n < 2 || is_open(x, 0) || x->given == 0)
		return false;
	for (size_t i = 2; i < x->n; i++)
		if (x->nodes[i].parent == 0)
			return false;
	return true;
}

void explain_settle(struct explain *x)
{
	x->modulus = modulus_of_life(x, 1);
	x->n--;
	x->best--;
	x->given--;
	memmove(x->nodes, x->nodes + 1, x->n * sizeof(*x->nodes));
	x->nodes[0].parent = EXPLAIN_NONE;
	for (size_t i = 1; i < x->n; i++)
		x->nodes[i].parent--;
}

void explain_decide(struct explain *x, uint8_t node)
{
	bool any = false;

	for (size_t i = 0; i < x->n; i++) {
		if (i < node || explain_common(x, (uint8_t)i, node) != node)
			close_node(x, i);
		else if (is_open(x, i))
			any = true;
	}
	if (!any)
		open_node(x, node);
	x->given = node;
	find_best(x);
	x->best_modulus = modulus_of_life(x, x->best);
	x->is_one_line = is_one_line(x);
}

struct explain_node explain_expect(const struct explain_node *before, uint8_t number, uint32_t at_s, bool rises)
{
	struct explain_node node = *before;

	node.into_s = (uint16_t)(before->into_s + (at_s - before->at_s));
	node.number = before->number + 1;
	node.doubt = before->doubt + DOUBT + (rises ? RISES : 0U);
	node.young = before->young > 0 ? before->young - 1 : 0;
	node.time_ms = before->time_ms + 1000 * (int64_t)(at_s - before->at_s);
	node.at_s = at_s;
	node.over = 0;
	node.rate = rate_after(before->rate, at_s - before->at_s);
	node.excess = 0;
	node.modulus = 0;
	node.parent = (uint8_t)(number - 1);
	node.flags = EXPLAIN_OPEN;
	return node;
}

int explain_restore(struct explain *x, const struct explain *from)
{
	struct explain_node *nodes;
	uint8_t capacity;
	int rc;

	explain_fini(x);
	rc = resize(x, from->n + 1U);
	if (rc != 0)
		return rc;
	memcpy(x->nodes, from->nodes, from->n * sizeof(*x->nodes));
	nodes = x->nodes;
	capacity = x->capacity;
	*x = *from;
	x->nodes = nodes;
	x->capacity = capacity;
	x->n_open = 0;
	for (size_t i = 0; i < x->n; i++)
		if (is_open(x, i))
			x->n_open++;
	x->best_modulus = modulus_of_life(x, x->best);
	x->is_one_line = is_one_line(x);
	return 0;
}

void explain_fini(struct explain *x)
{
	free(x->nodes);
	*x = (struct explain){.n = 0};
}
