/* SPDX-License-Identifier: MIT */
/* driver_check.h - the rules of a register table that concern more than one line of its file.
 * Pure; any thread. Only driver_read.c calls it. */
#ifndef TALLY_DRIVER_CHECK_H
#define TALLY_DRIVER_CHECK_H

struct driver;
struct err;

/* Check blocks, rows, sign words and weights against each other. Every line of d has been read and is good by itself;
 * lines with errors are not in d. Adds one error for each fault; when e has no error, a warning for each block and
 * scale that no row uses. */
void driver_check(const struct driver *d, struct err *e);

#endif
