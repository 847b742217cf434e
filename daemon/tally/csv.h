/* SPDX-License-Identifier: MIT */
/* csv.h - comma separated values as RFC 4180 has them, also with the delimiter and decimal sign of the continent.
 * Pure but for the stream printed to, whose errors are the caller's to look for. */
#ifndef TALLY_CSV_H
#define TALLY_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct csv {
	FILE *out;
	char delimiter, decimal;
	bool in_row; /* a field of the row has been put */
};

/* Fill in what was not given (NUL): a decimal point; a comma between fields, or a semicolon where decimals have the
 * comma. */
void csv_complete(struct csv *c);

/* One field: a text (quoted where it must be), a number, or nothing (text ""). */
void csv_put_text(struct csv *c, const char *text);
void csv_put_whole(struct csv *c, int64_t value);
/* number: a decimal with a point, "81234.56" */
void csv_put_number(struct csv *c, const char *number);

void csv_end_row(struct csv *c);

#endif
