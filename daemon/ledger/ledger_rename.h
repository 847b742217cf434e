/* SPDX-License-Identifier: MIT */
/* ledger_rename.h - a meter keeps its history under another name (tally rename).
 *
 * Guaranteed: all rows of the old name are rows of the new one then, and nothing is counted twice or lost; or the
 * request is refused, with the reason.
 *
 * The idea: names are in the configuration, so a request is decided when that is taken: the new name is in it, and the
 * old one is not. A new name without rows of its own is given to the row of the meter. If it has been read under the
 * new name already, those rows become the meter's too: there are fewer of them. That is possible only where they begin
 * after the old ones end. A life that was handed over from one name to the other (ledger_keys.h) is one life again.
 *
 * Pitfalls. The interval, day and month in which the name changed may have rows of both: they are added. Memory knows
 * nothing of it: the account must be resumed, and the pollers must ask for the ids again.
 *
 * Safe to run twice: all is done in the running transaction.
 *
 * SQL on one struct db; the thread that owns that. */
#ifndef TALLY_LEDGER_RENAME_H
#define TALLY_LEDGER_RENAME_H

#include <stdbool.h>

#include "conf.h"
#include "db.h"

/* Decide about the requests that this configuration decides; it is about to be written (db_meters_write()).
 * *any: some meter was renamed. 0 or -errno. */
int ledger_rename(struct db *db, const struct conf *conf, bool *any);

#endif
