/* SPDX-License-Identifier: MIT */
/* dbformat.h - the format of the database file, as far as its writer and its readers must agree on it beside the
 * schema: the marks by which the file is known, and the locks by which its daemon is. Constants only. */
#ifndef TALLY_DBFORMAT_H
#define TALLY_DBFORMAT_H

#include <stdint.h>

enum {
	DBFORMAT_APPLICATION_ID = 0x74616c79, /* "taly", in the file's header (PRAGMA application_id) */
	/* The oldest schema (PRAGMA user_version) whose views are those that readers ask for. Views stay as they are,
	 * so every newer schema has them too. */
	DBFORMAT_OLDEST_READABLE = 13,
};

/* Bytes of the file that the daemon keeps locked as signs for readers: while it runs, and while it cannot write. SQLite
 * never locks them, and the locks end with the process. */
#define DBFORMAT_RUNNING_BYTE (INT64_C(1) << 40)
#define DBFORMAT_STOPPED_BYTE ((INT64_C(1) << 40) + 1)

#endif
