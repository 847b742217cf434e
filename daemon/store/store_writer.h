/* SPDX-License-Identifier: MIT */
/* store_writer.h - the thread that writes, so that a slow disk holds up nobody.
 *
 * A store belongs to one side at a time: to the caller, or from store_writer_start() until store_writer_take() to the
 * thread. Nothing of it is shared and nothing is locked while it is used. What comes in meanwhile (readings, events,
 * serial numbers) waits in an inbox of the caller's side, and goes into the store when that is back. Questions about
 * the account are answered from the copy that the last job left, which the thread does not touch.
 *
 * All calls from one (the main) thread. Reads the monotonic clock. */
#ifndef TALLY_STORE_WRITER_H
#define TALLY_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store.h"

struct store_writer;

enum store_job {
	STORE_JOB_COMMIT, /* store_commit() */
	STORE_JOB_REOPEN, /* store_reopen() */
};

/* How a job ended. */
struct store_result {
	enum store_job job;
	enum store_commit outcome; /* STORE_JOB_COMMIT */
	int rc;			   /* STORE_JOB_REOPEN: that of store_reopen(), with errors in e */
	size_t n_pending;	   /* readings that waited when it began */
	int64_t took_ms;
	struct err e; /* the caller's to free with err_fini() */
};

/* Start the thread; the writer takes the store over. wake(context) is called from the thread when a job has ended. NULL
 * = out of memory or no thread: the store stays the caller's. */
struct store_writer *store_writer_new(struct store *s, void (*wake)(void *context), void *context);

/* Wait until the job in hand has ended, however long that takes, and end the thread. Returns the store with everything
 * that has come in. */
struct store *store_writer_end(struct store_writer *w);

/* For how long a job has been running; 0: none runs. */
int64_t store_writer_busy_ms(const struct store_writer *w);

/* The store, to be used as store.h says; NULL while a job runs. */
struct store *store_writer_store(struct store_writer *w);

/* Begin a job; none may run. conf must not change until it has ended; a commit needs none. */
void store_writer_start(struct store_writer *w, enum store_job job, const struct conf *conf);

/* store_configure(), by the caller's thread while no job runs: what has come in before was read under the configuration
 * that was in force, and what comes after it is not, so nothing may come in meanwhile. */
int store_writer_configure(struct store_writer *w, const struct conf *conf, struct err *e);

/* Take the result of the job that has ended. Returns false when there is none. */
bool store_writer_take(struct store_writer *w, struct store_result *out);

/* Wait until the job that runs has ended, however long that takes. */
void store_writer_wait(struct store_writer *w);

/* As store_reading(), store_event(), store_meter_serial(), store_clock_back(), at any time. */
void store_writer_reading(struct store_writer *w, const struct reading *r);
void store_writer_event(struct store_writer *w, int64_t at_ms, const char *subject, const char *kind,
			const char *detail);
void store_writer_serial(struct store_writer *w, int64_t meter, const char *serial);

void store_writer_clock_back(struct store_writer *w, int64_t at_ms, int64_t back_ms);

/* The serial number that a meter has reported since the start, which the copy may not have yet; NULL: none. Valid until
 * the meter reports another one. */
const char *store_writer_serial_said(const struct store_writer *w, int64_t meter);

/* As store_meter_id(), at any time. */
int64_t store_writer_meter_id(const struct store_writer *w, const char *name);

/* As store_ledger_copy(), at any time; valid until the next call. NULL: there is none, while the file is opened again.
 */
const struct ledger_copy *store_writer_copy(const struct store_writer *w);

#endif
