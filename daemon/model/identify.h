/* SPDX-License-Identifier: MIT */
/* identify.h - which of the known models a device is, by the identity rows of their tables.
 * Pure except for the read function that it calls, and one plan per table; one thread. */
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

/* The answers of the device; "" = none. */
struct identity {
	char maker[40], product[40], name[40], serial[72], firmware[40];
	const struct driver *model; /* the one table whose every expectation it meets, or NULL: none or several do */
	size_t n_fits;		    /* how many do, as well as each other */
	const struct driver *fits[IDENTITY_FITS_MAX];
};

/* The row that separates most devices with one short read: the maker's mark of the first table that has one with an
 * expectation, and in *function how to read it. NULL when no table has one. */
const struct driver_row *identify_first_row(struct driver *const *drivers, size_t n, uint8_t *function);

/* Whether a device of this model can be recognised: the table has an expectation. */
bool identify_can_recognise(const struct driver *d);

/* Read the identity rows of the n tables from the device, as few words as possible: words that one read has brought are
 * not read again, and what was refused is not tried again for another table. Tables without expectations are skipped.
 * Returns 0, or -ENOMEM. */
int identify(struct driver *const *drivers, size_t n, identify_read_fn *read, void *context, struct identity *out);

#endif
