/* SPDX-License-Identifier: MIT */
/* db_backup.h - a copy of a database that is in use, by this process or another.
 * The copy is one file and not in WAL mode; by that it differs from a database that a daemon writes. It gets its name
 * only when it is whole, checked and on the disk (newfile.h). Any thread; opens connections of its own. */
#ifndef TALLY_DB_BACKUP_H
#define TALLY_DB_BACKUP_H

#include "err.h"

/* Copy the database at path to the file to. A file that is there is replaced only if it is such a copy. The copy has
 * the mode of the database, without what others may do. 0, or -errno with an error added: what was there is still
 * there. */
int db_backup(const char *path, const char *to, struct err *e);

struct newfile_place;

/* The same, to a place that was found before; name is that of messages. */
int db_backup_to(const char *path, const struct newfile_place *to, const char *name, struct err *e);

#endif
