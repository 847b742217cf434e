/* SPDX-License-Identifier: MIT */
/* span.h - the consumption of every counter in a span of time, read from the views.
 *
 * Guaranteed: spans that meet at a moment add up to the whole, in whole base units, whatever the moment is.
 *
 * The idea: what was counted up to a moment is one function of that moment, and the consumption of a span is the
 * difference of two of its values. It is the sum of all intervals that have ended, and of the interval in which the
 * moment lies the share that its readings give it (cut.h). Tariffs are in no interval; their pieces are local days.
 * Whole months and days that lie in the span stand in for their intervals, because they are the sums of those and far
 * fewer.
 *
 * Pitfalls. Where the time zone was changed, days and months overlap: those are not taken whole, but from their
 * intervals. An interval is there when it has ended, so nothing is known after the last one.
 *
 * One thread, on one reader. */
#ifndef TALLY_SPAN_H
#define TALLY_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader;

/* A question about a span. The texts are borrowed. */
struct span_question {
	int64_t from_s, until_s; /* Unix seconds */
	size_t n_quantities;
	const char *const *quantities;
	size_t n_meters; /* 0 = all */
	const char *const *meters;
};

/* One counter in the span. */
struct span_counter {
	const char *meter, *quantity, *unit;
	int64_t per;		/* base units in one unit */
	bool has_amount;	/* false: nothing was counted */
	int64_t amount;		/* base units */
	double measured_s;	/* seconds of the span that were measured */
	bool is_from_estimated; /* no readings say what had passed at the start of the span, or at its end */
	bool is_until_estimated;
};

/* Zeros: empty. */
struct span {
	size_t n;
	struct span_counter *counters; /* by meter and quantity, in the order of bytes */
};

/* Fill an empty span. 0; -EIO with reader_error(); -ENOMEM. span_free() is due either way. */
int span_read(struct span *s, struct reader *r, const struct span_question *q);

void span_free(struct span *s);

#endif
