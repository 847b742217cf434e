/* SPDX-License-Identifier: MIT */
/* nearest.h - how far a mistyped name is from a known one. Pure; any thread. */
#ifndef TALLY_NEAREST_H
#define TALLY_NEAREST_H

#include <stddef.h>

/* Letters to add, drop or change to make b of a; letters of a beyond the first 63 are not looked at. */
size_t nearest_distance(const char *a, const char *b);

#endif
