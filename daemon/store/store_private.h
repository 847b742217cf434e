/* SPDX-License-Identifier: MIT */
/* store_private.h - what the store's own files share; nobody else includes it. */
#ifndef TALLY_STORE_PRIVATE_H
#define TALLY_STORE_PRIVATE_H

#include "db.h"
#include "db_meters.h"
#include "db_salvage.h"
#include "db_tables.h"
#include "db_wal.h"
#include "held.h"
#include "ledger.h"
#include "store.h"
#include "store_retain.h"
#include "store_status.h"
#include "store_write.h"

enum {
	STORE_END_TIMEOUT_MS = 500,  /* longest the last commit waits for a lock: the end has three seconds in all */
	STORE_TELL_EVERY_S = 60,     /* silent meters' intervals are looked at this often */
	STORE_SALVAGE_FIRST = 20000, /* rows of each big table of a damaged file, copied before polling begins */
	STORE_SALVAGE_STEP = 2000,   /* and with each commit after that */
};

struct store {
	struct db db;
	struct db_salvage *salvage; /* NULL: there is nothing to copy from a damaged file */
	struct db_meters reg;
	struct db_tables tables;
	struct ledger ledger;
	struct ledger_copy copies[2], *shown; /* of the account: one answers, the other is brought up to date */
	struct store_status status;
	struct held held;
	int64_t failed_since_ms; /* wall time of the first commit that failed, 0: the last one did not */
	struct store_retain retain;
	struct db_wal wal;
	int64_t committed_us;
	bool closing;	   /* the next commit is the last one */
	int64_t now_s;	   /* store_tick() */
	int64_t started_s; /* the first of them */
	int64_t told_s;	   /* its value when missing intervals were last told */
};

#endif
