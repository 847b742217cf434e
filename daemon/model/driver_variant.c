/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "driver.h"

static uint16_t move(const struct driver *d, uint16_t address, unsigned load)
{
	return (uint16_t)(address + (load - 1) * d->stride);
}

/* A block is where its rows are: all of them are shared, or none. */
static bool is_shared(const struct driver *d, const struct driver_block *b)
{
	for (size_t i = 0; i < d->n_rows; i++)
		if (d->rows[i].block == b - d->blocks)
			return d->rows[i].shared;
	return true;
}

static void move_to_load(struct driver *of, const struct driver *d, unsigned load)
{
	for (size_t i = 0; i < d->n_blocks; i++)
		if (!is_shared(d, &d->blocks[i]))
			of->blocks[i].address = move(d, d->blocks[i].address, load);
	for (size_t i = 0; i < d->n_rows; i++) {
		if (d->rows[i].shared)
			continue;
		of->rows[i].address = move(d, d->rows[i].address, load);
		of->rows[i].sign_address = move(d, d->rows[i].sign_address, load);
		of->rows[i].ten_address = move(d, d->rows[i].ten_address, load);
	}
}

/* Its import is export. Quantities without a counterpart are left out. */
static void invert_rows(struct driver *of)
{
	size_t n = 0;

	for (size_t i = 0; i < of->n_rows; i++) {
		struct driver_row row = of->rows[i];
		int q = names_inverted(row.quantity);

		if (q < 0)
			continue;
		row.is_negated = names_is_directed(row.quantity);
		row.quantity = (enum quantity)q;
		of->rows[n++] = row;
	}
	of->n_rows = n;
}

struct driver *driver_variant(const struct driver *d, unsigned load, bool is_inverted)
{
	struct driver *of = malloc(sizeof(*of));

	if (of == NULL)
		return NULL;
	*of = *d;
	of->file = strdup(d->file);
	if (of->file == NULL) {
		free(of);
		return NULL;
	}
	of->digest = digest_whole(digest_whole(d->digest, load), is_inverted);
	move_to_load(of, d, load);
	if (is_inverted)
		invert_rows(of);
	return of;
}
