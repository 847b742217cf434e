/* SPDX-License-Identifier: MIT */
/* tally.h - the operator's tool: one function per command, one file per group of them.
 * Each returns the exit code: 0 good, 1 the thing asked about is bad, 2 wrong usage. */
#ifndef TALLY_TALLY_H
#define TALLY_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "names.h"

enum { TALLY_GOOD = 0, TALLY_BAD = 1, TALLY_USAGE = 2 };

/* What every command is given: argv[0] is the command's own name. */
struct tally {
	const char *dir; /* configuration directory */
	int argc;
	char **argv;
};

int tally_check(const struct tally *t);	 /* tally_check.c */
int tally_models(const struct tally *t); /* tally_models.c */
int tally_probe(const struct tally *t);	 /* tally_probe.c */

/* Load the configuration, printing every complaint on standard error. NULL when it cannot be used. */
struct conf *tally_load_conf(const struct tally *t);

/* One value of q in its shown unit, "81234.560", exact: at most n bytes with NUL. */
void tally_format_value(enum quantity q, int64_t value, char *out, size_t n);

#endif
