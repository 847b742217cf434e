/* SPDX-License-Identifier: MIT */
/* ledger_site.h - a site, its database and its ledger, for the tests of the room ledger. A reading that is added is
 * counted at once and kept in the tables of readings, as a commit of the store does. */
#ifndef TALLY_LEDGER_SITE_H
#define TALLY_LEDGER_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "db.h"
#include "db_meters.h"
#include "db_tables.h"
#include "err.h"
#include "ledger.h"
#include "reading.h"

static const int64_t T = 1767225600; /* 2026-01-01T00:00:00Z */

/* Bus "hall" with meters "press" and "pulses", inputs "lighting" (10 Wh a pulse) and "gas" on the latter. */
struct site {
	char dir[64], path[96], zone[32];
	struct conf conf;
	struct conf_bus bus;
	struct conf_meter meters[2];
	struct conf_input inputs[2];
	struct err e;
	struct db db;
	struct db_meters reg;
	struct db_tables tables;
	struct ledger ledger;
	bool in_transaction;
	uint32_t delay_ms;     /* of readings that are added */
	bool is_coarse;	       /* what add() adds is of coarser registers */
	struct driver *driver; /* that site_set_up_without_serial() has loaded */
};

/* setup() makes a folder, the database and an empty account; teardown() removes all of it. */
int site_setup(void **state);
int site_teardown(void **state);

/* The same with meter i of this shipped model, which has no serial number. */
int site_set_up_without_serial(void **state, size_t i, const char *model, uint8_t address);

/* Begin a transaction unless one is running. Functions below that write do it. */
void begin(struct site *t);

/* Count a reading of a meter with the values up to Q_COUNT (pairs of quantity and int64_t), and keep it. */
void add(struct site *t, const char *meter, int64_t slot_s, enum reading_quality quality, ...);

/* The same with a reading that is made already; its meter is set. */
void add_reading(struct site *t, const char *meter, struct reading *r);

/* A meter reports this serial number. */
void add_serial(struct site *t, const char *meter, const char *serial);

/* Write what ended before now_s without a reading as missing; meters have been read for an hour. */
void report_missing(struct site *t, int64_t now_s);

/* End the transaction; with commit() as a commit of the store ends. */
void commit(struct site *t);
void roll_back(struct site *t);

/* Add readings of "press" each minute of [from_s, to_s] after T, base units at_0 at T and 600 an hour, half of them in
 * tariff 1; and commit. */
void run(struct site *t, int64_t from_s, int64_t to_s, int64_t at_0);

/* Take the configuration as it is now; or write it into the register only, as before a kill. */
void configure(struct site *t);
void write_register(struct site *t);

/* Save the state and begin again, as at a restart; or begin again without saving, as after kill -9. */
void reopen(struct site *t);
void crash(struct site *t);

/* Request what "tally replace" requests. final, initial: base units, or NULL. */
void request_replacement(struct site *t, const char *meter, int64_t at_s, const int64_t *final, const int64_t *initial);

/* Name the time of the exchanges that are requested and wait, as with "tally replace --at". */
void name_requests(struct site *t);

/* Request what "tally replace --undo" requests. */
void request_undo(struct site *t, const char *meter);

/* Request what "tally rename" requests. */
void request_rename(struct site *t, const char *old, const char *new);

/* Make the requests that wait forced ones. */
void force_requests(struct site *t);

/* Rows of a query as another program sees them, columns joined with "|", rows with "\n"; static. */
const char *rows(const struct site *t, const char *sql);
#define assert_rows(t, sql, expected) assert_string_equal(rows(t, sql), expected)

#endif
