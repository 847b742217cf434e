/* SPDX-License-Identifier: MIT */
/* conf_check.h - the rules of a configuration that concern several of its sections: nothing twice; speeds, addresses,
 * ratios and pulse inputs that the models have; no overfull segment. No I/O except resolving device links. */
#ifndef TALLY_CONF_CHECK_H
#define TALLY_CONF_CHECK_H

struct conf;
struct conf_file;
struct err;

/* Add each complaint about c to e. files are c->n_buses long, in the same order, and give the lines of the keys.
 * Values that were refused before are 0 or NULL and are passed over. */
void conf_check(const struct conf *c, const struct conf_file *files, struct err *e);

#endif
