/* SPDX-License-Identifier: MIT */
/* account_results.h - the part of account.c that gives results out, and takes them back: intervals, lives and events
 * along the path of the best explanation of a counter. Only account.c includes it.
 *
 * The idea. A counter has been given out up to one node (account_counter.given). To give out more is to walk on along
 * the path and to close each interval that ends on the way. If the path of the best explanation has left the one that
 * was given out, the old results are void behind the node where both part. They are not kept: they are made again, by
 * walking the old path from the settled node, and compared with those of the new path. So one place for each counter
 * (account_counter.settled) is all that taking back needs, however much there is to take back.
 *
 * Why that is exact. The nodes of a path that explain.c drops are those without which the intervals are the same
 * (explain_tidy()). The bounds of intervals do not change in between: a calendar that changes keeps what held before
 * (calendar.h).
 *
 * Pure, as account.h. */
#ifndef TALLY_ACCOUNT_RESULTS_H
#define TALLY_ACCOUNT_RESULTS_H

#include "account_meter.h"

/* A counter on its way along the path of an explanation, or over one piece. */
struct walk {
	struct account_counter *counter;
	struct account_place at;
	int64_t end_s;		    /* where it ends */
	int64_t read_s;		    /* slot of the reading that at.raw is of; 0 = of none */
	struct account_piece piece; /* comes first; none where it ends before it begins */
	int64_t piece_read_s;	    /* read_s at the end of the piece */
	size_t n, next;
	uint8_t path[EXPLAIN_NODES_MAX];
};

/* A value of a counter as people read it. */
struct shown {
	char text[NAMES_VALUE_MAX];
};

struct shown results_show(const struct account_counter *c, int64_t value);

void results_event(struct account *a, const struct account_meter *m, int64_t slot_s, const char *kind, const char *fmt,
		   ...) __attribute__((format(printf, 5, 6)));

/* A life begins, after the one that before is in, which ends there. raw: in parts of a base unit. */
void results_life(struct account *a, const struct account_meter *m, const struct account_counter *c,
		  const struct account_place *before, int64_t slot_s, int64_t raw, int64_t parts, const char *reason);

/* Add the value of one counter to an interval. end: what the counter shows at its end. */
void results_add_value(struct account_interval *out, enum quantity q, const struct account_closed *closed,
		       const struct account_register *end);

/* Results of c may be given out up to target, a node on the path of its best explanation. Takes back what does not
 * agree with that. Returns true when results_give() is due for the walk; false: there is nothing to give. */
bool results_set_out(struct account *a, struct account_meter *m, struct account_counter *c, uint8_t target,
		     struct walk *w);

/* Results of c are to be those up to target, a node on the path of the explanation that counts. Takes back what was
 * given out and is not on it, or beyond target. results_give() is due for the walk. */
void results_turn_to(struct account *a, struct account_meter *m, struct account_counter *c, uint8_t target,
		     struct walk *w);

/* The walk of c over one piece, from where it was given out to to_s, where it has the value raw. is_read: raw was read
 * there, or given by hand; else nothing is known about that moment. gap_s: a piece that is longer is a gap. */
struct walk results_set_out_on_piece(struct account_counter *c, int64_t to_s, int64_t amount, bool is_known,
				     int64_t raw, bool is_read, int64_t gap_s);

/* Walk to the ends, and give out each interval that ends on the way, with all counters that end it. */
void results_give(struct account *a, struct account_meter *m, struct walk *walks, size_t n);

/* Drop the nodes that no result needs any more. */
void results_tidy(struct account *a, const struct account_meter *m, struct account_counter *c);

#endif
