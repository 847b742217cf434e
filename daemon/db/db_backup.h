/* SPDX-License-Identifier: MIT */
/* db_backup.h - a copy of a database that is in use. */
#ifndef TALLY_DB_BACKUP_H
#define TALLY_DB_BACKUP_H

#include "err.h"

/* Copy the database at path to the file to while it is in use. A file that is there is replaced only when it is such a
 * copy, and only when the new one is whole. 0, or -errno with an error added. */
int db_backup(const char *path, const char *to, struct err *e);

#endif
