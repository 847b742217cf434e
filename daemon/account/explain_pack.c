/* SPDX-License-Identifier: MIT */
#include "explain_pack.h"

#include <errno.h>
#include <string.h>

#include "pack.h"

enum {
	PACK_VERSION = 4,
	PACK_WITHOUT_RATES = 3, /* and without shocks: it is read too, so that an upgrade counts nothing again */
};

/* In the packed form a node is the difference to the one before it. Members that are as usual are left out; these bits
 * say which are not. The rare ones come last: without them the bits are one byte. */
enum {
	HAS_RISEN = 1,	 /* doubt is that of one reading that rises, not of one that does not */
	HAS_COUNTED = 2, /* doubt and number are not those of the next reading */
	HAS_OVER = 4,
	HAS_COST = 8,
	HAS_INTO = 16,
	HAS_RATE = 32,
	HAS_FLAGS = 64,
	HAS_PARENT = 128,
	HAS_SHOCK = 256,
	HAS_EXCESS = 512,
	HAS_MODULUS = 1024,
	HAS_YOUNG = 2048,
};

/* Read the bits of a node of PACK_WITHOUT_RATES, where they were one byte. *had_soon: a number follows that is no
 * longer needed. */
static uint64_t get_old_bits(struct pack *p, bool *had_soon)
{
	enum {
		OLD_OVER = 1,
		OLD_COST = 2,
		OLD_INTO = 4,
		OLD_EXCESS = 8,
		OLD_SOON = 16,
		OLD_PARENT = 32,
		OLD_FLAGS = 64
	};
	uint8_t old = p->at < p->end ? *p->at++ : 0;

	*had_soon = old & OLD_SOON;
	return HAS_COUNTED | (old & OLD_OVER ? HAS_OVER : 0) | (old & OLD_COST ? HAS_COST : 0) |
	       (old & OLD_INTO ? HAS_INTO : 0) | (old & OLD_EXCESS ? HAS_EXCESS : 0) |
	       (old & OLD_PARENT ? HAS_PARENT : 0) | (old & OLD_FLAGS ? HAS_FLAGS : 0) |
	       (old > INT8_MAX ? HAS_MODULUS : 0);
}

size_t explain_pack(const struct explain *x, uint8_t *out)
{
	uint8_t *to = out;

	to = pack_put(to, PACK_VERSION);
	to = pack_put(to, x->n);
	to = pack_put(to, x->best);
	to = pack_put(to, x->given);
	to = pack_put(to, x->is_untidy);
	to = pack_put_signed(to, x->rate);
	for (size_t i = 0; i < EXPLAIN_MODULI_MAX; i++)
		to = pack_put_signed(to, x->moduli[i]);
	to = pack_put_signed(to, x->modulus);
	to = pack_put_signed(to, x->base_s);
	for (size_t i = 0; i < x->n; i++) {
		static const struct explain_node none;
		const struct explain_node *node = &x->nodes[i], *before = i == 0 ? &none : node - 1;
		struct explain_node guess = {.time_ms = 1000 * explain_slot_s(x, i), .parent = EXPLAIN_NONE};
		unsigned has = 0;

		if (i > 0) {
			guess = explain_expect(before, (uint8_t)i, node->at_s, true);
			if (node->doubt == guess.doubt)
				has = HAS_RISEN;
			else
				guess = explain_expect(before, (uint8_t)i, node->at_s, false);
			if (node->number != guess.number || node->doubt != guess.doubt)
				has = HAS_COUNTED;
		}
		has |= node->over != guess.over ? HAS_OVER : 0;
		has |= node->cost != guess.cost ? HAS_COST : 0;
		has |= node->into_s != guess.into_s ? HAS_INTO : 0;
		has |= node->rate != guess.rate ? HAS_RATE : 0;
		has |= i > 0 && node->shock != guess.shock ? HAS_SHOCK : 0;
		has |= node->excess != guess.excess ? HAS_EXCESS : 0;
		has |= node->parent != guess.parent ? HAS_PARENT : 0;
		has |= node->flags != guess.flags ? HAS_FLAGS : 0;
		has |= node->modulus != guess.modulus ? HAS_MODULUS : 0;
		has |= node->young != guess.young ? HAS_YOUNG : 0;
		to = pack_put(to, has);
		to = pack_put_signed(to, node->raw - before->raw);
		to = pack_put(to, node->at_s - before->at_s);
		to = pack_put_signed(to, node->time_ms - guess.time_ms);
		/* what they count from is forgotten */
		if (has & HAS_COUNTED) {
			to = pack_put_signed(to, (int32_t)(node->doubt - before->doubt));
			to = pack_put_signed(to, (int16_t)(node->number - before->number));
		}
		if (has & HAS_OVER)
			to = pack_put_signed(to, node->over);
		if (has & HAS_COST)
			to = pack_put_signed(to, node->cost);
		if (has & HAS_INTO)
			to = pack_put(to, node->into_s);
		if (has & HAS_RATE)
			to = pack_put_signed(to, (int64_t)node->rate - guess.rate);
		if (has & HAS_SHOCK)
			to = pack_put(to, node->shock - guess.shock);
		if (has & HAS_EXCESS)
			to = pack_put(to, node->excess);
		if (has & HAS_PARENT)
			to = pack_put(to, node->parent);
		if (has & HAS_FLAGS)
			to = pack_put(to, node->flags);
		if (has & HAS_MODULUS)
			to = pack_put(to, node->modulus);
		if (has & HAS_YOUNG)
			to = pack_put(to, node->young);
	}
	to = pack_put(to, x->doubt - x->nodes[x->n - 1].doubt);
	to = pack_put(to, x->shock - x->nodes[x->n - 1].shock);
	to = pack_put(to, (uint16_t)(x->n_readings - x->nodes[x->n - 1].number));
	to = pack_put_signed(to, x->last_s - explain_slot_s(x, x->n - 1U));
	to = pack_put_signed(to, x->last_ms - x->nodes[x->n - 1].time_ms);
	to = pack_put_signed(to, (int64_t)((uint64_t)x->last_raw - (uint64_t)x->nodes[x->n - 1].raw));
	return (size_t)(to - out);
}

/* Differences of such times have room in 64 bits. */
static bool is_time(int64_t ms)
{
	return ms >= 0 && ms < INT64_MAX / 4;
}

/* Read node i, of which those before it have been read. Returns false where it can be none. */
static bool unpack_node(struct explain *x, size_t i, uint64_t version, struct pack *p)
{
	static const struct explain_node none;
	const struct explain_node *before = i == 0 ? &none : &x->nodes[i - 1];
	struct explain_node node = {.parent = EXPLAIN_NONE};
	bool had_soon = false;
	uint64_t has;
	int64_t raw;
	uint32_t at_s;

	has = version == PACK_WITHOUT_RATES ? get_old_bits(p, &had_soon) : pack_get(p);
	raw = (int64_t)((uint64_t)before->raw + (uint64_t)pack_get_signed(p));
	at_s = before->at_s + (uint32_t)pack_get(p);
	if (i > 0)
		node = explain_expect(before, (uint8_t)i, at_s, (has & (HAS_COUNTED | HAS_RISEN)) == HAS_RISEN);
	else
		node.time_ms = 1000 * (x->base_s + at_s);
	node.raw = raw;
	node.at_s = at_s;
	node.time_ms = (int64_t)((uint64_t)node.time_ms + (uint64_t)pack_get_signed(p));
	if (has & HAS_COUNTED) {
		node.doubt = before->doubt + (uint32_t)pack_get_signed(p);
		node.number = (uint16_t)(before->number + pack_get_signed(p));
	}
	if (has & HAS_OVER)
		node.over = (int32_t)pack_get_signed(p);
	if (has & HAS_COST)
		node.cost = (int16_t)pack_get_signed(p);
	if (has & HAS_INTO)
		node.into_s = (uint16_t)pack_get(p);
	if (has & HAS_RATE)
		node.rate = (int32_t)(node.rate + pack_get_signed(p));
	if (has & HAS_SHOCK)
		node.shock += (uint32_t)pack_get(p);
	if (has & HAS_EXCESS)
		node.excess = (uint16_t)pack_get(p);
	if (had_soon)
		pack_get(p);
	if (has & HAS_PARENT)
		node.parent = (uint8_t)pack_get(p);
	if (has & HAS_FLAGS)
		node.flags = (uint8_t)pack_get(p);
	if (has & HAS_MODULUS)
		node.modulus = (uint8_t)pack_get(p);
	if (has & HAS_YOUNG)
		node.young = (uint8_t)pack_get(p);
	if (version == PACK_WITHOUT_RATES)
		node.rate = x->rate;
	if (node.rate > EXPLAIN_RATE_MOST)
		return false;
	x->nodes[i] = node;
	return !p->is_wrong && node.raw >= 0 && is_time(node.time_ms) && node.modulus < EXPLAIN_MODULI_MAX &&
	       (i == 0 ? node.parent == EXPLAIN_NONE : node.parent < i);
}

int explain_unpack(struct explain *x, const uint8_t *in, size_t n)
{
	struct explain_node nodes[EXPLAIN_NODES_MAX];
	struct explain tree = {.nodes = nodes};
	struct pack p = {.at = in, .end = in + n};
	uint64_t version, n_nodes, best, given;

	explain_fini(x);
	version = pack_get(&p);
	n_nodes = pack_get(&p);
	best = pack_get(&p);
	given = pack_get(&p);
	tree.is_untidy = pack_get(&p) != 0;
	tree.rate = (int32_t)pack_get_signed(&p);
	for (size_t i = 0; i < EXPLAIN_MODULI_MAX; i++)
		tree.moduli[i] = pack_get_signed(&p);
	tree.modulus = pack_get_signed(&p);
	tree.base_s = pack_get_signed(&p);
	if (p.is_wrong || tree.rate > EXPLAIN_RATE_MOST || (version != PACK_VERSION && version != PACK_WITHOUT_RATES) ||
	    n_nodes > EXPLAIN_NODES_MAX || best >= n_nodes || given >= n_nodes || tree.base_s < 0 ||
	    tree.base_s > INT64_MAX / 8192)
		return -EINVAL;
	for (size_t i = 0; i < n_nodes; i++)
		if (!unpack_node(&tree, i, version, &p))
			return -EINVAL;
	tree.n = (uint8_t)n_nodes;
	tree.best = (uint8_t)best;
	tree.given = (uint8_t)given;
	tree.doubt = nodes[n_nodes - 1].doubt + (uint32_t)pack_get(&p);
	tree.shock = nodes[n_nodes - 1].shock;
	if (version != PACK_WITHOUT_RATES)
		tree.shock += (uint32_t)pack_get(&p);
	tree.n_readings = (uint16_t)(nodes[n_nodes - 1].number + pack_get(&p));
	tree.last_s = explain_slot_s(&tree, n_nodes - 1) + (int32_t)pack_get_signed(&p);
	tree.last_ms = (int64_t)((uint64_t)nodes[n_nodes - 1].time_ms + (uint64_t)pack_get_signed(&p));
	tree.last_raw = (int64_t)((uint64_t)nodes[n_nodes - 1].raw + (uint64_t)pack_get_signed(&p));
	if (p.is_wrong || p.at != p.end || !is_time(tree.last_ms))
		return -EINVAL;
	return explain_restore(x, &tree);
}
