/* SPDX-License-Identifier: MIT */
/* plan.h - from the rows wanted to the fewest block reads the model allows.
 * Pure except for the one allocation of plan_new(); a plan is immutable and may be shared by threads. */
#ifndef TALLY_PLAN_H
#define TALLY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

struct driver;
struct driver_row;

enum { PLAN_ROWS_MAX = 192 }; /* DRIVER_ROWS_MAX */

struct plan_request {
	uint8_t function;  /* 3 or 4 */
	uint16_t address;  /* first address on the wire */
	uint16_t n_words;  /* count field of the request; the answer has that many words */
	uint16_t word;	   /* where its words start in the words of the whole plan */
	uint8_t per_count; /* words that one of the count in the frame means: 2 for 32-bit registers; 0 = 1 */
	uint16_t n_spare;  /* that many words right behind them may be read too, to make it another request; 0 = none */
};

/* Where a row of the driver is found once all requests are answered. */
struct plan_item {
	uint16_t row;	       /* index into driver->rows */
	uint16_t request;      /* request that brings the value */
	uint16_t word;	       /* index of its first word in the words of the whole plan */
	uint16_t sign_request; /* for rows with a sign word, else the same as request */
	int16_t sign_word;     /* index of the sign word, or -1 */
	uint16_t ten_request;  /* the same of the word of a power of ten */
	int16_t ten_word;
	/* of the rest; -1 = there is none */
	int16_t rest_row;
	uint16_t rest_request;
	int16_t rest_word;
};

struct plan {
	uint16_t n_requests;
	uint16_t n_items;
	uint16_t n_words;  /* of all answers together */
	uint16_t n_fences; /* that the requests take one after the other where answers do not name them (link.h) */
	struct plan_request *requests;
	struct plan_item *items; /* one per quantity read, in the driver's order */
};

/* A set of rows, one bit per driver row. */
struct plan_rows {
	uint64_t bits[(PLAN_ROWS_MAX + 63) / 64];
};

void plan_rows_add(struct plan_rows *set, unsigned row);
bool plan_rows_has(const struct plan_rows *set, unsigned row);

/* Plan the reading of the groups in the mask (enum driver_group, or'ed). Rows in missing (may be NULL) are left
 * out and their words never read, not even on the way to others; for each quantity the first row that is not missing
 * is read, so a fallback only once every earlier row of its quantity is missing. Never across the edge of a vendor
 * block, never longer than max_words, alone rows alone (rows of the same word count as one); inside those rules a value
 * in one request with its sign, its power of ten and its rest, then the fewest requests, then the fewest words.
 * Requests, with their words, are in the order of their addresses, those of function 3 first, unless neighbours had the
 * same function and word count and no spare words: then the requests are in an order that avoids that. Rows in starts
 * (may be NULL) begin a request, and so do their sign words, and no request has spare words: for a meter that refuses a
 * long read though it has every row of it. Returns a plan owned by the caller (possibly of no requests), NULL = out of
 * memory. */
struct plan *plan_new(const struct driver *d, unsigned groups, const struct plan_rows *missing,
		      const struct plan_rows *starts);
void plan_free(struct plan *p);

/* Whether plan_new() would find nothing to read: every row of the groups is missing. */
bool plan_is_empty(const struct driver *d, unsigned groups, const struct plan_rows *missing);

/* Whether one request reads the row and its rest (driver_rest(), which is not NULL), also where all counters and powers
 * are read at once, as long as the meter has every row. */
bool plan_reads_together(const struct driver *d, const struct driver_row *row);

/* The rows of the plan that need a word of request r (one of the plan's, or a half of one): their value, sign, power
 * of ten or rest lies in it. When the meter refuses a request that plan_split() cannot halve, these are the rows that
 * it lacks: add them to missing and plan again. out is overwritten. */
void plan_rows_at(const struct plan *p, const struct plan_request *r, struct plan_rows *out);

/* Split a refused request of the plan, or a half of one, at the row boundary nearest to its middle. The halves keep the
 * places of their words in the words of the plan; unused words between them are in neither.
 * Returns true and the halves, or false when the request holds a single row (or a row with its sign). */
bool plan_split(const struct driver *d, const struct plan *p, const struct plan_request *whole,
		struct plan_request *first, struct plan_request *second);

#endif
