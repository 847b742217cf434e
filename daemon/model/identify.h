/* SPDX-License-Identifier: MIT */
/* identify.h - which of the known models a device is, by what it says of itself in the identity rows of their tables.
 * Pure but for the reader it is handed and one plan per table; one thread. */
#ifndef TALLY_IDENTIFY_H
#define TALLY_IDENTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct driver;
struct driver_row;

/* Read n_words registers of the device. 0, or another number when they were not answered or refused. */
typedef int identify_read_fn(void *context, uint8_t function, uint16_t address, uint16_t n_words, uint16_t *words);

enum { IDENTITY_FITS_MAX = 8 };

/* What the device says; "" = it does not. */
struct identity {
	char maker[40], product[40], name[40], serial[72], firmware[40];
	const struct driver *model; /* the one table whose every expectation it meets, or NULL: none or several do */
	size_t n_fits;		    /* how many do, as well as each other */
	const struct driver *fits[IDENTITY_FITS_MAX];
};

/* The row by which most devices are told from others with one short read: the maker's mark of the first table that
 * has one with an expectation, and in *function how to read it. NULL when no table has one. */
const struct driver_row *identify_first_row(struct driver *const *drivers, size_t n, uint8_t *function);

/* Whether a device of this model says anything that it can be told by. */
bool identify_can_tell(const struct driver *d);

/* Ask the device for the identity rows of the n tables, as few words as possible: what one read has brought is not
 * asked for again, and what was refused is not asked for in another table's name. Tables without expectations are
 * passed over. Returns 0, or -ENOMEM. */
int identify(struct driver *const *drivers, size_t n, identify_read_fn *read, void *context, struct identity *out);

#endif
