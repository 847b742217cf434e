/* SPDX-License-Identifier: MIT */
/* conf_check.h - what the parts of a configuration ask of each other: nothing twice, speeds, addresses, ratios and
 * pulse inputs that the models have, no overfull segment. No I/O but resolving device links. */
#ifndef TALLY_CONF_CHECK_H
#define TALLY_CONF_CHECK_H

struct conf;
struct draft;
struct err;

/* Add each complaint about c to e. drafts are c->n_buses long, in the same order, and give the lines of the keys.
 * Values that were refused before are 0 or NULL and are passed over. */
void conf_check(const struct conf *c, const struct draft *drafts, struct err *e);

#endif
