/* SPDX-License-Identifier: MIT */
/* draft.h - an ini file of the configuration as it was written: sections, and the text and line of each key.
 * What is in no row of the option table, or stands twice, is told and left out. No I/O but reading the file. */
#ifndef TALLY_DRAFT_H
#define TALLY_DRAFT_H

#include <stddef.h>

#include "conf.h"
#include "option.h"

struct err;

enum { DRAFT_KEYS_MAX = 40 }; /* rows of the option table at most */

struct draft_key {
	char *text;
	unsigned line; /* 0: not given */
};

struct draft_section {
	enum option_section kind;
	char name[CONF_NAME_MAX + 1]; /* "" unless option_section_named(kind) */
	unsigned line;
	struct draft_key keys[DRAFT_KEYS_MAX]; /* by row of the option table */
};

struct draft {
	const char *path; /* the caller's; leads the messages */
	unsigned kinds;	  /* mask of 1 << enum option_section: which sections the file may have */
	size_t n_sections;
	struct draft_section *sections;
	size_t current; /* while reading: the section that keys belong to, or SIZE_MAX for one left out */
	struct err *e;
};

/* Where a file's text comes from: text and n_bytes, or the file at path when text is NULL. */
struct draft_source {
	const char *path;
	const char *text;
	size_t n_bytes;
};

/* Read the source into d, which is empty before; complaints go to e. Returns 0, or -errno when it could not be read,
 * with an error added. Free with draft_fini() in both cases. The source's path must outlive d. */
int draft_read(struct draft *d, const struct draft_source *source, unsigned kinds, struct err *e);
void draft_fini(struct draft *d);

/* The first section of this kind, or NULL. */
const struct draft_section *draft_find(const struct draft *d, enum option_section kind);

/* The section whose header is in this line, which must be one. */
const struct draft_section *draft_at(const struct draft *d, unsigned line);

/* The key of a section by its option row or name (which must be in the option table); line 0 when not given. */
const struct draft_key *draft_key_of(const struct draft_section *s, const struct option *o);
const struct draft_key *draft_key(const struct draft_section *s, const char *name);

/* Line of the key, or of its section when it was not given. */
unsigned draft_line(const struct draft_section *s, const char *name);

#endif
