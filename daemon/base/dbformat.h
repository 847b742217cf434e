/* SPDX-License-Identifier: MIT */
/* dbformat.h - the format of the database file, as far as its writer and its readers must agree on it beside the
 * schema: the marks by which the file is known, and the lock by which its daemon is. Constants only. */
#ifndef TALLY_DBFORMAT_H
#define TALLY_DBFORMAT_H

#include <stdint.h>

enum {
	DBFORMAT_APPLICATION_ID = 0x74616c79, /* "taly", in the file's header (PRAGMA application_id) */
	/* The oldest schema (PRAGMA user_version) whose views are those that readers ask for. Views stay as they are,
	 * so every newer schema has them too. */
	DBFORMAT_OLDEST_READABLE = 13,
};

/* The byte of the file that the daemon keeps locked while it runs. SQLite never locks this one. */
#define DBFORMAT_CLAIM_BYTE (INT64_C(1) << 40)

#endif
