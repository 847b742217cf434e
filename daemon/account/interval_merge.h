/* SPDX-License-Identifier: MIT */
/* interval_merge.h - one interval of the account, merged into the row that is kept of it.
 *
 * The account gives out an interval more than once: without values while its meter is silent and with them later, or
 * with the counters that come first and again with those that come after. A clock that was set back makes it give out
 * an interval again that the row has already. The merge sees to it that
 *
 *   - a value that is kept stays as it is: it has been counted, and its day and month have it. Only a value that the
 *     account emits in place of this very one replaces it, or takes it out;
 *   - the quality of the row is the worst of its values; the row is missing only while it has no value;
 *   - what is added to day and month is what the row did not have, so rows, days and months come to the same sums;
 *   - an interval counts as measured in its day and month exactly while its row is.
 *
 * To merge the same interval twice is to merge it once: the second time nothing is added. Not so where no value of it
 * has a column; the caller merges such an interval once only (its meter's counters come together, see account.h).
 *
 * Pure: no I/O, no clock, no logging, no allocation; any thread. Values are whole base units. */
#ifndef TALLY_INTERVAL_MERGE_H
#define TALLY_INTERVAL_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "names.h"

enum { INTERVAL_COLUMNS = 7 }; /* quantities that a row has: the totals, and what inputs count */

/* The quantity of column i, below INTERVAL_COLUMNS. All others, as the tariffs, are kept by day and month only. */
enum quantity interval_column_quantity(size_t i);

/* The row of one interval of one meter. Zeros: there is none yet. */
struct interval_row {
	bool exists;
	enum account_quality quality;
	bool has[INTERVAL_COLUMNS];
	bool is_estimated[INTERVAL_COLUMNS];
	bool came_again; /* after a clock was set back: what has no column is not counted here any more */
	int64_t values[INTERVAL_COLUMNS];
};

/* How the measured seconds of the day and month change. */
enum interval_coverage {
	INTERVAL_COVERAGE_SAME,
	INTERVAL_COVERAGE_ADD,	     /* the row is measured and was not */
	INTERVAL_COVERAGE_TAKE_BACK, /* the row was measured and is no longer */
};

/* The work that is left after a merge. */
struct interval_change {
	bool write_row;
	enum interval_coverage coverage;
	size_t n_added;
	uint8_t added[Q_COUNT]; /* indices into the values of the interval: those to add to day and month */
};

/* The amount to add to day and month for one of these values. */
int64_t interval_added_value(const struct account_interval *given, size_t i);

/* Merge given into row; out says what has changed. given: its values are measured or estimated. */
void interval_merge(struct interval_row *row, const struct account_interval *given, struct interval_change *out);

#endif
