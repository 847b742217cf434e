/* SPDX-License-Identifier: MIT */
/* inifile.h - the one reader of ini files: libinih behind a line source of our own. Lines are counted, over-long lines
 * and section names are refused instead of cut, and sections without keys are seen.
 * No I/O except reading the file; no logging; any thread. */
#ifndef TALLY_INIFILE_H
#define TALLY_INIFILE_H

#include <stddef.h>

struct err;

enum {
	INIFILE_LINE_BYTES_MAX = 198,	/* longest line libinih 55 takes whole, without the newline */
	INIFILE_SECTION_BYTES_MAX = 49, /* longest section name it takes whole */
};

/* Called once for each section header (name and value NULL) and once for each NAME = VALUE line.
 * Strings live until the call returns. */
typedef void inifile_handler_fn(void *context, const char *section, const char *name, const char *value, unsigned line);

/* Read path from start to end. Faults of form (no '=', unclosed '[', over-long line, key before any section, NUL or
 * unprintable bytes) become errors "path:line: found, allowed"; reading continues after each. Returns 0 when the file
 * could be read (look at e for faults of form), or -errno with an error added: the file's own, -EFBIG above 1 MiB. */
int inifile_read(const char *path, inifile_handler_fn *handler, void *context, struct err *e);

/* The same for n_bytes of text in memory (tests, fuzzers); path is used in messages only. */
void inifile_read_text(const char *path, const char *text, size_t n_bytes, inifile_handler_fn *handler, void *context,
		       struct err *e);

#endif
