/* SPDX-License-Identifier: MIT */
/* models.h - give each meter of a configuration its register table: found along the driver path, read once. */
#ifndef TALLY_MODELS_H
#define TALLY_MODELS_H

struct conf;
struct draft;
struct err;

/* Set the driver of each meter of c and fill c->drivers and c->n_driver_errors. A model that nobody has is an error
 * of the bus file; complaints about a driver file are added once and its meters keep NULL. drafts are those of
 * the buses, for the lines. Returns 0 or -ENOMEM. */
int models_load(struct conf *c, const struct draft *drafts, struct err *e);

#endif
