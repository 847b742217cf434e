/* SPDX-License-Identifier: MIT */
/* store_write.h - what waits in memory becomes rows: the one place where a reading is counted and kept.
 *
 * Readings are written in the order in which they came, each first into the ledger and then into its tables, and serial
 * numbers where they lie between them. A reading whose slot the tables already have for its meter is left out of both,
 * so the same reading may come twice: after a restart, a reload, or a step of the clock.
 *
 * In the running transaction of the thread that owns the store. On an error everything is to be rolled back. */
#ifndef TALLY_STORE_WRITE_H
#define TALLY_STORE_WRITE_H

#include <stdbool.h>

#include "db.h"
#include "db_meters.h"
#include "db_tables.h"
#include "held.h"
#include "ledger.h"

/* Count and keep everything held except the events. *clock_is_good: whether no reading is marked as unsynchronised. 0
 * or -errno. */
int store_write_readings(const struct held *h, const struct db_meters *reg, struct db_tables *tables, struct ledger *l,
			 bool *clock_is_good);

/* Write the events held. 0 or -errno. */
int store_write_events(const struct held *h, struct db *db);

#endif
