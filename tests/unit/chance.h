/* SPDX-License-Identifier: MIT */
/* chance.h - random numbers of a test, from a seed that it prints: SEED=N repeats a run. */
#ifndef CHANCE_H
#define CHANCE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Any number but 0, which would stay 0. */
static uint64_t random_state;

static inline uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* From 0 to n - 1. */
static inline int64_t below(int64_t n)
{
	return (int64_t)(draw() % (uint64_t)n);
}

/* The seed of this run, from the environment or else from the clock; printed. */
static inline uint64_t seed(void)
{
	const char *given = getenv("SEED");
	uint64_t start = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761U + 1;

	printf("SEED=%" PRIu64 "\n", start);
	return start;
}

#endif
