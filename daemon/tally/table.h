/* SPDX-License-Identifier: MIT */
/* table.h - text tables for people: columns as wide as their texts, and as many of them as the terminal has room for.
 * Pure except for memory and the stream printed to; one thread. */
#ifndef TALLY_TABLE_H
#define TALLY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 16 };

enum table_colour { TABLE_PLAIN, TABLE_GREEN, TABLE_YELLOW, TABLE_RED };

struct table_column {
	const char *title;
	bool is_number;	  /* aligned to the right */
	unsigned drop_at; /* when there is no room, the column with the highest number is left out first; 0 = never */
};

struct table;

/* An empty table of 1 to TABLE_COLUMNS_MAX columns, which must outlive it. NULL = out of memory. */
struct table *table_new(const struct table_column *columns, size_t n_columns);
void table_free(struct table *t);

/* Add a row of n_columns UTF-8 texts, which are copied; NULL = empty. coloured: the column that has the colour. 0, or
 * -ENOMEM and the table is as before. */
int table_add(struct table *t, const char *const *cells, size_t coloured, enum table_colour colour);

/* Print the titles and the rows in at most width characters a line (0 = no limit). Columns in which no row has a text
 * are left out. When every column that can be dropped is gone, the first column is cut to fit. */
void table_print(const struct table *t, FILE *out, unsigned width, bool with_colours);

#endif
