/* SPDX-License-Identifier: MIT */
/* tally_request.h - leave a request for the daemon in the database, and see what becomes of it. The daemon decides with
 * its next commit, or when it starts. The one place where the tool writes. */
#ifndef TALLY_TALLY_REQUEST_H
#define TALLY_TALLY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tally.h"

struct conf;

/* Texts must live during the call. */
struct tally_request {
	const char *kind;     /* replace, undo, rename */
	const char *what;     /* the same in words, for the view request */
	const char *name;     /* of the meter or input, which the database must have */
	const char *new_name; /* rename: the new name, else NULL */
	const char *later;    /* when it is decided, if that is not soon; else NULL */
	bool has_final, has_initial, is_forced;
	int64_t final, initial; /* base units */
	int64_t at_s;		/* replace: when it was, 0 = not given */
};

/* Leave the request, wait up to two commit intervals for the verdict and print it; or print that it comes later.
 * Returns the exit code: TALLY_BAD when the request was refused, or could not be left. */
int tally_request(const struct conf *conf, const struct tally_request *r);

#endif
