/* SPDX-License-Identifier: MIT */
/* csv.h - comma separated values as in RFC 4180, also with the delimiter and the decimal comma of continental Europe,
 * and for spreadsheets, which take text for what it is not: "=1+1" for a formula, the 20 digits of a serial number for
 * a number of which they keep 15.
 * Pure except for the stream printed to; the caller checks that for errors. */
#ifndef TALLY_CSV_H
#define TALLY_CSV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct csv {
	FILE *out;
	char delimiter, decimal; /* NUL = not given */
	bool marks_text;	 /* for a spreadsheet: text that it would take for something else is marked as text */
	bool in_row;		 /* the row has a field already */
};

/* Fill in what was not given: a decimal point; a comma between fields, or a semicolon where decimals have the comma. */
void csv_complete(struct csv *c);

/* Begin a file for a spreadsheet: set marks_text, and put the bytes by which Excel knows UTF-8. */
void csv_begin_spreadsheet(struct csv *c);

/* One field: a text (quoted where it must be; "" for nothing; marked: 'TEXT where a formula would begin, ="TEXT" where
 * all of it is digits), a whole number, or a decimal with a point, "81234.56".
 */
void csv_put_text(struct csv *c, const char *text);
void csv_put_whole(struct csv *c, int64_t value);
void csv_put_number(struct csv *c, const char *number);

void csv_end_row(struct csv *c);

#endif
