/* SPDX-License-Identifier: MIT */
/* table.h - text tables for people: columns as wide as what is in them, as many columns as the terminal has room for.
 * Pure but for memory and the stream printed to; one thread. */
#ifndef TALLY_TABLE_H
#define TALLY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 16 };

enum table_colour { TABLE_PLAIN, TABLE_GREEN, TABLE_YELLOW, TABLE_RED };

struct table_column {
	const char *title;
	bool is_number;	   /* to the right */
	unsigned dispense; /* when there is no room the column with the highest number goes first; 0 = never */
};

struct table;

/* An empty table; the columns must outlive it. NULL = no memory. */
struct table *table_new(const struct table_column *columns, size_t n_columns);
void table_free(struct table *t);

/* Add a row of n_columns texts (copied; NULL = empty); the colour is for column coloured. 0 or -ENOMEM. */
int table_add(struct table *t, const char *const *cells, size_t coloured, enum table_colour colour);

/* Print with blanks between columns, in at most width characters a line (0 = as wide as it is). Columns without any
 * text are left out; when all that may go is gone the first column is cut to fit. */
void table_print(const struct table *t, FILE *out, unsigned width, bool with_colours);

#endif
