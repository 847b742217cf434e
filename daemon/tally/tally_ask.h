/* SPDX-License-Identifier: MIT */
/* tally_ask.h - find what the command line names, in the configuration or in the database.
 * A name that is not there is reported on standard error, with the nearest one or with all when they are few. */
#ifndef TALLY_TALLY_ASK_H
#define TALLY_TALLY_ASK_H

#include <stdbool.h>

struct conf;
struct conf_bus;
struct conf_input;
struct conf_meter;
struct reader;

/* The bus or meter of this name, which lives as long as conf; *bus is the meter's. NULL when there is none. */
const struct conf_bus *tally_find_bus(const struct conf *conf, const char *name);
const struct conf_meter *tally_find_meter(const struct conf *conf, const char *name, const struct conf_bus **bus);

/* The meter or pulse input of this name; the other is NULL. Returns false when there is neither. */
bool tally_find_counter(const struct conf *conf, const char *name, const struct conf_meter **meter,
			const struct conf_input **input);

/* Does the database have rows of a meter, input or bus of this name? Returns false also when it cannot be read. */
bool tally_is_known(struct reader *r, const char *name);

#endif
