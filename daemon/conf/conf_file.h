/* SPDX-License-Identifier: MIT */
/* conf_file.h - an ini file of the configuration as it was written: sections, and the text and line of each key.
 * A key that is in no row of the option table, and a second one of the same name, is reported and left out.
 * No I/O except reading the file; any thread. */
#ifndef TALLY_CONF_FILE_H
#define TALLY_CONF_FILE_H

#include <stddef.h>

#include "conf.h"
#include "option.h"

struct err;

struct conf_file_key {
	char *text;
	unsigned line; /* 0: not given */
};

struct conf_file_section {
	enum option_section kind;
	char name[CONF_NAME_MAX + 1]; /* "" unless option_section_named(kind) */
	unsigned line;
	struct conf_file_key keys[OPTION_ROWS_MAX]; /* by row of the option table */
};

struct conf_file {
	const char *path; /* the caller's; leads the messages */
	size_t n_sections;
	struct conf_file_section *sections;
};

/* Where a file's text comes from: text and n_bytes, or the file at path when text is NULL. */
struct conf_file_source {
	const char *path;
	const char *text;
	size_t n_bytes;
};

/* Read the source into f, whatever was in it. kinds is a mask of 1 << enum option_section: which sections the file may
 * have. Complaints are added to e. Returns 0, or -errno with an error added when the file could not be read. Free with
 * conf_file_fini() in both cases. The source's path must outlive f. */
int conf_file_read(struct conf_file *f, const struct conf_file_source *source, unsigned kinds, struct err *e);
void conf_file_fini(struct conf_file *f);

/* The first section of this kind, or NULL. */
const struct conf_file_section *conf_file_find(const struct conf_file *f, enum option_section kind);

/* The section whose header is in this line, which must be one. */
const struct conf_file_section *conf_file_at(const struct conf_file *f, unsigned line);

/* The key of a section by its option row or name (which must be in the option table); line 0 when not given. */
const struct conf_file_key *conf_file_get(const struct conf_file_section *s, const struct option *o);
const struct conf_file_key *conf_file_get_named(const struct conf_file_section *s, const char *name);

/* Line of the key, or of its section when it was not given. */
unsigned conf_file_line(const struct conf_file_section *s, const char *name);

#endif
