/* SPDX-License-Identifier: MIT */
/* driver_check.h - the rules of a register table that concern more than one line of its file.
 * Pure; any thread. Only the files that read register tables call it. */
#ifndef TALLY_DRIVER_CHECK_H
#define TALLY_DRIVER_CHECK_H

struct driver;
struct driver_row;
struct err;

/* Check a row against the rows before it, blocks, scales and sign words. Every line of d has been read and is good by
 * itself; lines with errors are not in d. Adds one error for each fault. */
void driver_check_row(const struct driver *d, const struct driver_row *row, struct err *e);

/* Check blocks against each other: one error for each fault. */
void driver_check_blocks(const struct driver *d, struct err *e);

/* Add a warning for each block and scale of a table without errors that no row uses, and for energies without a total.
 */
void driver_check_unused(const struct driver *d, struct err *e);

#endif
