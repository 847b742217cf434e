/* SPDX-License-Identifier: MIT */
/* nearest.h - find the known name nearest to a mistyped one. Pure; any thread. text_did_you_mean() makes the
 * question of it. */
#ifndef TALLY_NEAREST_H
#define TALLY_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

enum { NEAREST_NAME_MAX = 63 }; /* letters that are compared */

/* A search; starts with nearest_begin(). */
struct nearest {
	const char *mistyped;
	char name[NEAREST_NAME_MAX + 1]; /* the nearest name so far, cut where longer; "": none is near */
	size_t distance; /* of name; before there is one, the distance from which on a name is another */
};

/* Begin the search; mistyped must outlive it. */
void nearest_begin(struct nearest *n, const char *mistyped);

/* Consider a name, which is copied; the first of equals is kept. Returns whether it is the nearest so far. */
bool nearest_consider(struct nearest *n, const char *name);

/* Letters to add, drop or change to turn a into b; only the first NEAREST_NAME_MAX letters of a are compared. */
size_t nearest_distance(const char *a, const char *b);

#endif
