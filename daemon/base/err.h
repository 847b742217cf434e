/* SPDX-License-Identifier: MIT */
/* err.h - a list of complaints, so that a reader can report all of them at once.
 * Pure: no I/O but err_print(), no logging, no exit. A list belongs to one thread at a time. */
#ifndef TALLY_ERR_H
#define TALLY_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct err_item {
	char *text;   /* one line, no newline: "FILE:LINE: found, allowed" or "SUBJECT: ..." */
	bool warning; /* reported, but no reason to refuse */
};

/* Starts as all zeros (struct err e = {0}); owned by the caller, freed by err_fini(). */
struct err {
	struct err_item *items;
	size_t n_items;
	size_t n_errors;    /* items that are not warnings; includes complaints lost because memory ran out */
	bool out_of_memory; /* memory ran out: what is complained about may be for that reason only */
};

/* Add one error. file may be NULL, then only the text is printed; line 0 leaves the line out. */
void err_add(struct err *e, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Add one warning, same form. */
void err_warn(struct err *e, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Make warnings of all errors from item first on: what they are about is left out, and nothing is refused. */
void err_demote(struct err *e, size_t first);

/* Add the error "out of memory". */
void err_out_of_memory(struct err *e);

/* Move every item of src to the end of dst; src is empty afterwards. */
void err_move(struct err *dst, struct err *src);

/* Print each item on a line of its own, warnings with "warning: " before the text. */
void err_print(const struct err *e, FILE *out);

/* Free the items; the list is empty and usable again afterwards. */
void err_fini(struct err *e);

#endif
