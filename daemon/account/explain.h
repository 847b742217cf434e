/* SPDX-License-Identifier: MIT */
/* explain.h - which of the recent readings of one counter are good: the cheapest explanation of them. The mechanism is
 * derived in explain.c.
 *
 * An explanation is a path through the readings that it calls good. All explanations together are a tree: a node is a
 * good reading, its parent is the good reading before it. An open node is where an explanation may end; every reading
 * after it is false then. Decisions older than a day are final, so the tree stays small.
 *
 * Pure: no I/O, no clock, no logging. Whole numbers only, so the same readings give the same explanation on every
 * processor. Memory is taken when the tree needs more nodes than before. One thread. Times are Unix seconds UTC, values
 * are in the parts of the counter (account.h). */
#ifndef TALLY_EXPLAIN_H
#define TALLY_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXPLAIN_NODES_MAX = 254,     /* nodes of one counter. When they are all in use, the best explanation is final */
	EXPLAIN_NONE = 255,	     /* no node */
	EXPLAIN_FINAL_S = 86400,     /* a decision is final after so long */
	EXPLAIN_FINAL_READINGS = 10, /* and so many readings, whichever is later */
	EXPLAIN_SLACK_MS = 2000,     /* the time between two readings may be wrong by so much */
	EXPLAIN_MODULI_MAX = 4,	     /* values at which one register may turn over */
	EXPLAIN_RATE_MOST = 64 * 65536, /* no rate is higher, see struct explain */
};

/* The bounds of the counter. */
struct explain_limit {
	int64_t per_hour;    /* most that can pass in an hour; explain.c adds the margin */
	int64_t step;	     /* of the register */
	int64_t coarse_step; /* of the coarser register that is read in its place at times; 0 = there is none */
	int64_t back_step;   /* a fall up to this is ignored */
	/* The register starts again at 0 at one of these values; 0 = no more of them. */
	int64_t moduli[EXPLAIN_MODULI_MAX];
	int64_t modulus; /* the one of them that it has passed before, 0 = none; explain.c knows it for each life */
};

/* A reading. */
struct explain_reading {
	int64_t slot_s, raw;
	int64_t time_ms;     /* when it was read, and all that the clock was set back by until then: no time is twice */
	int64_t unsure_ms;   /* time_ms may be wrong by so much */
	uint16_t into_s;     /* seconds since the last end of an interval before it; on an end: the whole interval */
	bool is_time_unsure; /* slot_s is not known to be right */
	bool is_coarse;	     /* raw is of the coarser register */
	int64_t gap_s;	     /* longer than this after the reading before it is a gap */
};

enum explain_flag {
	EXPLAIN_OPEN = 1,
	EXPLAIN_LIFE = 2,	 /* a new life begins: nothing passed since the parent */
	EXPLAIN_AFTER_FALSE = 4, /* all readings since the parent are false. Without it, all are good */
	EXPLAIN_WRAPPED = 8,	 /* the register passed a modulus since the parent */
	EXPLAIN_GAP = 16,	 /* there was a gap since the parent */
	EXPLAIN_TIME_UNSURE = 32,
	EXPLAIN_LEFT = 64,    /* the last reading cannot follow this one */
	EXPLAIN_COARSE = 128, /* raw is of the coarser register, or was kept because that showed no more */
};

/* A good reading. Small, because there are some for each counter of each meter. */
struct explain_node {
	int64_t raw;	 /* its value; after a fall within back_step the higher value before it */
	int64_t time_ms; /* as in struct explain_reading */
	uint32_t at_s;	 /* its slot, seconds after explain.base_s */
	int32_t over;	 /* how far its line is above the highest power, in 1024ths of a step or so */
	int32_t rate;	 /* the highest of its line, as in struct explain */
	uint32_t doubt;	 /* explain.doubt when it was fed */
	uint32_t shock;	 /* explain.shock then */
	int16_t cost;	 /* of the path to here; of the best explanation with its false readings it is 0 */
	uint16_t number; /* of the reading */
	uint16_t into_s;
	uint16_t excess; /* the part of cost that is for the rise to here; it may be forgiven */
	uint8_t young;	 /* so many readings of its line until the highest rate is known */
	uint8_t parent;	 /* EXPLAIN_NONE for node 0 */
	uint8_t flags;	 /* of enum explain_flag */
	uint8_t modulus; /* with EXPLAIN_WRAPPED: which of explain.moduli, else 0 */
};

/* Zeros: nothing is known. Nodes are in the order of their slots. Every explanation has node 0: it is settled. */
struct explain {
	struct explain_node *nodes;
	uint8_t n, capacity;
	uint8_t n_open;
	uint8_t best;	  /* where the best explanation ends */
	uint8_t given;	  /* the node that explain_give() has named */
	bool is_untidy;	  /* nodes were closed */
	bool is_one_line; /* all explanations are of the line of the best one, and the last reading could follow each */
	uint16_t n_readings; /* that were fed; wraps */
	uint32_t doubt;	     /* what readings add to the cost of a false run, summed over all readings; wraps */
	uint32_t shock;	     /* the same for how far they are from each other */
	int32_t rate; /* of the best explanation: binary logarithm of the highest, in parts a second; see explain.c */
	int64_t base_s;
	int64_t last_s, last_ms, last_raw;  /* the last reading, good or false */
	int64_t moduli[EXPLAIN_MODULI_MAX]; /* that EXPLAIN_WRAPPED nodes have passed */
	int64_t modulus;		    /* that the life of node 0 passed last; 0 = none */
	int64_t best_modulus;		    /* that the life of the best node passed last; 0 = none */
};

enum explain_step {
	EXPLAIN_RISES,
	EXPLAIN_WRAPS,	    /* across a modulus */
	EXPLAIN_STEPS_BACK, /* within back_step: nothing passed */
	EXPLAIN_FALLS,	    /* cannot follow */
	EXPLAIN_JUMPS,	    /* cannot follow: more than can have passed */
};

/* A good reading, by which the next one on its line is judged. Members as in struct explain_node. */
struct explain_good {
	int64_t raw, time_ms;
	int32_t over;
	bool is_coarse; /* raw has the resolution of the coarser register */
};

/* Judge whether a reading can follow a good one. *over is set where it can, and *amount is what passed: across a
 * modulus it is that modulus more than the difference of the readings. A fall is across l->modulus where that is
 * plausible, else across the only one of l->moduli where it is. */
enum explain_step explain_judge(const struct explain_limit *l, const struct explain_good *good,
				const struct explain_reading *next, int64_t *amount, int32_t *over);

/* Whether a rise in this time leaps: by more than four steps, and faster than four times the highest rate of its line,
 * of which half is forgotten in a day. rate: as in struct explain, known_s seconds ago. Without a rate none does.
 * l->step: of the coarser register where one of the readings is of it. */
bool explain_leaps(const struct explain_limit *l, int32_t rate, int64_t known_s, int64_t amount, int64_t dt_s);

/* The most that can have passed since a good reading. */
int64_t explain_most(const struct explain_limit *l, const struct explain_good *good,
		     const struct explain_reading *next);

/* The slot of a node. */
static inline int64_t explain_slot_s(const struct explain *x, size_t node)
{
	return x->base_s + x->nodes[node].at_s;
}

/* A node, as readings after it are judged by it. */
static inline struct explain_good explain_good(const struct explain *x, size_t node)
{
	const struct explain_node *n = &x->nodes[node];

	return (struct explain_good){
		.raw = n->raw, .time_ms = n->time_ms, .over = n->over, .is_coarse = n->flags & EXPLAIN_COARSE};
}

/* A life begins with this reading for certain. It becomes node 0, alone. Room must have been reserved for it. */
void explain_begin(struct explain *x, const struct explain_limit *l, const struct explain_reading *r);

/* Make room for one more node. 0 or -ENOMEM. */
int explain_reserve(struct explain *x);

/* Take the next reading, later than all before; x must have begun. x->best is set. No node is moved. Room must have
 * been reserved for it. explain_tidy() is due after it. */
void explain_feed(struct explain *x, const struct explain_limit *l, const struct explain_reading *r);

/* Whether a reading that comes next can follow a node; or would follow the best explanation, by no more than the
 * highest rate of its line. It is not fed. */
bool explain_can_follow(const struct explain *x, uint8_t node, const struct explain_limit *l,
			const struct explain_reading *r);
bool explain_is_usual(const struct explain *x, const struct explain_limit *l, const struct explain_reading *r);

/* Results were given out up to this node. */
void explain_give(struct explain *x, uint8_t node);

/* Drop the nodes that no explanation needs, and that the results up to x->given do not need. Indices change. */
void explain_tidy(struct explain *x);

/* Whether node 0 is no longer needed, since every explanation has node 1, and results were given beyond node 0. Then
 * explain_settle() drops it. Indices change. */
bool explain_can_settle(const struct explain *x);
void explain_settle(struct explain *x);

/* Make it final that this node is good. The node is given then; another one may become the best. explain_tidy() and
 * explain_settle() are due. */
void explain_decide(struct explain *x, uint8_t node);

/* The amount that passed from the parent of a node to it. */
int64_t explain_amount(const struct explain *x, uint8_t node);

/* The modulus that was passed from the parent of a node to it; 0 = none was. */
int64_t explain_modulus(const struct explain *x, uint8_t node);

/* The last node that is on the paths to both. */
uint8_t explain_common(const struct explain *x, uint8_t a, uint8_t b);

/* The node with which the life of a node began; 0 where that is settled. */
uint8_t explain_life(const struct explain *x, uint8_t node);

/* How many readings after the best explanation's last node are false. */
unsigned explain_n_false(const struct explain *x);

/* A node as most are: the one with this number, which follows the one before it at once, and nothing happened. at_s as
 * in struct explain_node; raw is that of the one before. rises: its reading does. */
struct explain_node explain_expect(const struct explain_node *before, uint8_t number, uint32_t at_s, bool rises);

/* Take a copy of a tree, in place of everything; from->capacity and what follows from the nodes are not used:
 * n_open, is_one_line, best_modulus. 0 or -ENOMEM; x is empty then. */
int explain_restore(struct explain *x, const struct explain *from);

/* Forget everything and free the memory. */
void explain_fini(struct explain *x);

#endif
