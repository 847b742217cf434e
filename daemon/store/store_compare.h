/* SPDX-License-Identifier: MIT */
/* store_compare.h - the account before it was made again, and after.
 *
 * The idea: copies of the intervals, days, months, registers, lives and suspects are put into temporary tables before a
 * rebuild, and compared with what is there after it. Intervals that are missing are not compared: they are written by
 * the clock, and a rebuild does not make them.
 *
 * SQL on one struct db; the thread that owns that. Begin it in the transaction of the rebuild: its end takes the
 * temporary tables away only when it is rolled back, so close it. */
#ifndef TALLY_STORE_COMPARE_H
#define TALLY_STORE_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

struct db;

/* A counter of a month that came to another value. */
struct store_month {
	const char *month, *meter, *quantity, *unit;
	int64_t was, is; /* base units */
	int64_t per;	 /* base units in one unit */
};

/* Rows of one meter that became others. */
struct store_span {
	const char *meter, *what; /* intervals, days, registers, lives, suspect values */
	int64_t n, from_s, until_s;
};

/* Where differences go. The texts are valid during the call. */
struct store_recount_sink {
	void *context;
	void (*month)(void *context, const struct store_month *m);
	void (*span)(void *context, const struct store_span *s);
};

/* The outcome of a recount. */
struct store_recount {
	int64_t from_s; /* what begins before is as it was; INT64_MIN: all was counted again; INT64_MAX: nothing */
	int64_t n_intervals, n_meters; /* that were compared */
	bool differs;
};

/* Copy what begins at from_s or later, INT64_MIN: all. 0 or -errno. */
int store_compare_begin(struct db *db, int64_t from_s);

/* The account has been made again: find the differences. 0 or -errno. */
int store_compare_end(struct db *db, int64_t from_s);

/* How much was compared, and whether anything differs. */
void store_compare_count(struct db *db, struct store_recount *out);

/* Show the differences. 0 or -errno. */
int store_compare_show(struct db *db, const struct store_recount_sink *sink);

/* Put the missing intervals back that the rebuild took out, and write a revision of each span that differs. 0 or
 * -errno. */
int store_compare_keep(struct db *db, int64_t now_s);

void store_compare_close(struct db *db);

#endif
