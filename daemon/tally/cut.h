/* SPDX-License-Identifier: MIT */
/* cut.h - how much of what was counted in an interval or a day had passed at a moment inside it.
 *
 * The account keeps intervals and days; a span that people ask for may begin or end inside one. Then the readings of
 * that piece say how its amount is shared out: the value at a moment is the reading of that slot, or lies between the
 * readings before and after it. Where the readings are gone the amount is spread evenly, and the share is estimated.
 *
 * Guaranteed: the share rises from 0 at the start of the piece to its amount at the end, and depends on nothing but the
 * piece, its points and the moment. So spans that meet at a moment add up to the whole, whatever the points are.
 *
 * Where a register turns over or is stepped back between two points, what passed between them is what the amount of the
 * piece leaves over for it.
 *
 * Pure: no I/O, no clock, no allocation. Times are Unix seconds, values and amounts are 0 or more. */
#ifndef TALLY_CUT_H
#define TALLY_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CUT_NEAR_S = 3600 + 100 }; /* nearly all meters are read at least every hour */

/* A counted value, or an end of a life. In the order of at_s; at the same moment the end of a life, then the begin of
 * the next one, and no other. */
struct cut_point {
	int64_t at_s;
	int64_t value, parts; /* the register shows value / parts base units, parts > 0 */
	bool begins;	      /* a life begins here: nothing passed since the point before */
	bool ends;	      /* a life ends here */
	bool is_known;	      /* written by cut_share(): what has passed of the piece here */
	int64_t share;
};

/* Some of the points may lie outside of the piece: those next to its ends are of use. */
struct cut {
	int64_t from_s, until_s, amount; /* base units */
	size_t n;
	struct cut_point *points;
};

/* The share of the piece that had passed at at_s, from_s <= at_s <= until_s. *is_estimated: no readings say so. */
int64_t cut_share(const struct cut *c, int64_t at_s, bool *is_estimated);

#endif
