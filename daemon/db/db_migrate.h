/* SPDX-License-Identifier: MIT */
/* db_migrate.h - bring a database to the newest schema (schema/NNNN-*.sql, embedded at build time). */
#ifndef TALLY_DB_MIGRATE_H
#define TALLY_DB_MIGRATE_H

#include "db.h"
#include "err.h"

/* The newest schema this program has. */
int db_schema_version(void);

/* Bring the file from version (0: empty) to the newest schema in one transaction, after a copy PATH.before-NNNN was
 * made if there is room for it. 0, or -errno with an error added: nothing was changed. */
int db_migrate(struct db *db, int version, struct err *e);

#endif
