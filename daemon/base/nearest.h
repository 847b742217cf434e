/* SPDX-License-Identifier: MIT */
/* nearest.h - how far a mistyped name is from a known one. Pure; any thread. */
#ifndef TALLY_NEAREST_H
#define TALLY_NEAREST_H

#include <stddef.h>

/* Of the names considered the one nearest to a mistyped one. */
struct nearest {
	const char *mistyped;
	const char *name; /* NULL: none is near */
	size_t distance;  /* of name */
};

/* Begin the search; mistyped must outlive it. */
void nearest_begin(struct nearest *n, const char *mistyped);

/* Consider a name, which must outlive the search; the first of equals is kept. */
void nearest_consider(struct nearest *n, const char *name);

/* A name this far from a mistyped one is another name, not what was meant. */
size_t nearest_far_from(const char *mistyped);

/* Letters to add, drop or change to make b of a; letters of a beyond the first 63 are not looked at. */
size_t nearest_distance(const char *a, const char *b);

#endif
