/* SPDX-License-Identifier: MIT */
/* db_migrate.h - bring a database to the newest schema (schema/NNNN-*.sql, embedded at build time).
 * The steps and the mark that they were made (PRAGMA user_version) are one transaction, so a power cut leaves the old
 * schema or the new one. A copy of the file is made before, for those who must go back to an older program. The thread
 * that owns the database; logs the copy. */
#ifndef TALLY_DB_MIGRATE_H
#define TALLY_DB_MIGRATE_H

#include "db.h"
#include "err.h"

/* The newest schema that this program has. */
int db_schema_version(void);

/* Give the steps the SQL functions that some of them use: squeezed(number, ..., bytes), which packs whole numbers and
 * what comes after them, as step 0027 says. Returns a code of SQLite. */
int db_migrate_add_functions(sqlite3 *db);

/* Make the newest schema in an empty database, without marks. 0 or -errno. */
int db_migrate_empty(struct db *db);

/* Bring the file from version (0: empty) to the newest schema, after a copy PATH.before-NNNN was made if there is room
 * for it; NNNN is the new version. 0, or -errno with an error added: nothing was changed. */
int db_migrate(struct db *db, int version, struct err *e);

#endif
