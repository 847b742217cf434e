/* SPDX-License-Identifier: MIT */
/* db_meters.h - the register: every meter, input and bus that the configuration has ever named.
 *
 * Ids of meters only grow, rows are never removed, and the register is sorted by id. So the index of a meter in it
 * never changes while the file is open: a module that keeps something for each meter keeps an array of its own by that
 * index and extends it after a load. A load never makes the register shorter.
 *
 * SQL on one struct db; the thread that owns that. */
#ifndef TALLY_DB_METERS_H
#define TALLY_DB_METERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "db.h"

enum { DB_SERIAL_MAX = 71 }; /* longest serial number that is kept, bytes */

/* One row of table meter: a meter, or an input of a pulse concentrator. */
struct db_meter {
	int64_t id;
	char name[CONF_NAME_MAX + 1];
	bool configured, is_input;
	bool was_configured;		/* in the configuration that was last taken */
	char serial[DB_SERIAL_MAX + 1]; /* as last reported, "" = never */
};

/* Zeros before db_meters_load(). Others read list and n, only db_meters.c writes them. */
struct db_meters {
	size_t n;
	struct db_meter *list; /* by id */
};

/* Read table meter. 0 or -errno; then the register is as before. */
int db_meters_load(struct db_meters *m, struct db *db);

void db_meters_free(struct db_meters *m);

/* The index of the meter or input with this id; -1 = none. */
int db_meters_find(const struct db_meters *m, int64_t id);

/* The index of the configured meter or input with this name; -1 = none. */
int db_meters_find_name(const struct db_meters *m, const char *name);

/* Make tables bus, meter and input_period match the configuration. Rows of removed buses, meters and inputs stay,
 * marked as not configured; an input whose meaning has changed gets a new period from now_s on. Inside a transaction;
 * load the register after its commit. 0 or -errno. */
int db_meters_write(struct db *db, const struct conf *conf, int64_t now_s);

/* The account has taken the configuration that was written. Until then was_configured of each meter is of the one
 * before, also after a kill. Inside a transaction. 0 or -errno. */
int db_meters_taken(struct db *db);

/* Write the serial number of a meter, in the register too: load it again after a rollback. 0 or -errno. */
int db_meters_put_serial(struct db_meters *m, struct db *db, size_t meter, const char *serial);

#endif
