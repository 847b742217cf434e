/* SPDX-License-Identifier: MIT */
/* store_private.h - what the store's own files share; nobody else includes it. */
#ifndef TALLY_STORE_PRIVATE_H
#define TALLY_STORE_PRIVATE_H

#include <sqlite3.h>

#include "store.h"

enum {
	STORE_APPLICATION_ID = 0x74616c79, /* "taly", in the file's header */
	STORE_KINDS_MAX = 8,		   /* tables of readings: the tables of drivers/NAMES */
	STORE_STATE_MAX = 15,		   /* longest state of a meter or bus, bytes */
	STORE_BUSY_TIMEOUT_MS = 250,	   /* longest a commit waits for another program's lock */
	STORE_STATUS_EVERY_S = 60,	   /* figures of meters and buses are written this often, states at once */
};

/* One table of readings. */
struct store_kind {
	const char *name; /* as in drivers/NAMES: energy is kept in reading_energy */
	size_t n_columns;
	sqlite3_stmt *insert;  /* ts, meter, delay_ms, quality, then the columns in the order of drivers/NAMES */
	sqlite3_stmt *horizon; /* ts of the row that is this many rows behind the newest */
	bool touched;	       /* this commit has put rows into it */
};

struct store_meter {
	int64_t id;
	char name[CONF_NAME_MAX + 1];
	bool configured;
	int64_t newest_ts[STORE_KINDS_MAX];    /* newest slot of each kind in the database, 0 = none */
	int64_t persisted_ts[STORE_KINDS_MAX]; /* what table newest says */
	bool status_held;		       /* figures not yet written */
	bool status_urgent;		       /* its state has changed */
	char state[STORE_STATE_MAX + 1];
	struct store_meter_status status; /* state points at the array above */
	char *serial;			  /* not yet written, or NULL */
};

struct store_bus {
	char name[CONF_NAME_MAX + 1];
	bool status_held, status_urgent;
	char state[STORE_STATE_MAX + 1];
	struct store_bus_status status;
};

struct store_event_held {
	int64_t at_ms;
	char *subject, *kind, *detail;
};

struct store {
	sqlite3 *db;
	char *path;
	char error[256];
	size_t n_kinds;
	struct store_kind kinds[STORE_KINDS_MAX];
	int8_t kind_of[Q_COUNT];    /* index into kinds, -1 = not kept */
	uint8_t column_of[Q_COUNT]; /* parameter number in the kind's insert */
	size_t n_meters;
	struct store_meter *meters; /* every row of table meter, by id */
	size_t n_buses;
	struct store_bus *buses;
	bool newest_stale; /* a commit failed half-way: newest_ts may name rows that are not there */
	int64_t status_written_us;
	/* readings held: records of a struct store_record and its values, back to back */
	unsigned char *held;
	size_t held_bytes, held_capacity;
	size_t n_held;
	struct store_event_held *events;
	size_t n_events, events_capacity;
};

/* Keep the database's complaint in s->error, after what was attempted. Returns it as -errno. */
int store_fail(struct store *s, const char *attempt);

/* Run statements that return nothing. 0 or -errno. */
int store_exec(struct store *s, const char *sql);

/* Prepare one statement that is kept; printf-like. NULL: store_error() says why. */
sqlite3_stmt *store_prepare(struct store *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Run a bound statement that returns no rows and make it ready for the next use. 0 or -errno. */
int store_run(struct store *s, sqlite3_stmt *stmt);

/* First column of the first row of a query, or fallback when there is none or it fails. */
int64_t store_number(struct store *s, const char *sql, int64_t fallback);

/* store_open.c: find or create the file, see that it is ours, bring the schema up to date. 0, or -errno with an
 * error added. */
int store_open_file(struct store *s, const struct conf *conf, struct err *e);

/* store_configure.c: read tables meter and bus, and the newest slots. 0 or -errno. */
int store_load_meters(struct store *s);
int store_load_newest(struct store *s);

#endif
