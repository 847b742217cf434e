/* SPDX-License-Identifier: MIT */
#include "nearest.h"

#include <stdio.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b)
{
	/* row[i] is the distance of the first i letters of a from those of b seen so far. */
	size_t row[NEAREST_NAME_MAX + 1], n = strnlen(a, NEAREST_NAME_MAX), diagonal, above;

	for (size_t i = 0; i <= n; i++)
		row[i] = i;
	for (; *b != '\0'; b++) {
		diagonal = row[0]++;
		for (size_t i = 1; i <= n; i++) {
			above = row[i];
			row[i] = smaller(smaller(row[i - 1], above) + 1, diagonal + (a[i - 1] != *b));
			diagonal = above;
		}
	}
	return row[n];
}

void nearest_begin(struct nearest *n, const char *mistyped)
{
	*n = (struct nearest){.mistyped = mistyped, .distance = strlen(mistyped) / 3 + 2};
}

bool nearest_consider(struct nearest *n, const char *name)
{
	size_t distance = nearest_distance(n->mistyped, name);

	if (distance >= n->distance)
		return false;
	n->distance = distance;
	snprintf(n->name, sizeof(n->name), "%s", name);
	return true;
}
