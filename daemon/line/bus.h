/* SPDX-License-Identifier: MIT */
/* bus.h - one worker thread per bus, which owns the link and does the blocking reads.
 * Jobs go in, the same jobs come back answered. A job belongs to one side at a time: from bus_submit() until
 * bus_take() the worker's, else the caller's. All calls from one (the main) thread.
 */
#ifndef TALLY_BUS_H
#define TALLY_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_bus;
struct link_reply;
struct plan_request;

/* One reading of one unit: the requests of a plan, in order. */
struct bus_job {
	struct bus_job *next; /* the queues' own */
	void *owner;	      /* the caller's: comes back untouched */
	uint8_t unit;
	uint32_t timeout_ms;
	size_t n_requests;
	const struct plan_request *requests; /* must live until the job is taken back */
	/* Requests that the unit is likely to accept too, to be used as fences (link.h); as long. NULL: requests. */
	const struct plan_request *offered;
	size_t n_offered;
	uint16_t *words;	    /* room for all answers, laid out by plan_request.word; the caller's */
	struct link_reply *replies; /* n_requests of them; the caller's */
	/* filled by the worker */
	size_t n_done; /* requests tried; fewer than n_requests when a fault ended the job: the last one's status then
			* is neither LINK_OK nor LINK_EXCEPTION */
	int64_t started_us, ended_us; /* mono_us() */
};

struct bus;

/* Start the worker. conf must outlive the bus. wake(wake_context) is called from the worker after a job was put in the
 * result queue (after the last one that is queued, and of others at the latest with the first that ends a millisecond
 * after the call before), and after each change of bus_is_open(). NULL = out of memory or no thread, errno set. */
struct bus *bus_new(const struct conf_bus *conf, void (*wake)(void *context), void *wake_context);

/* Put a job at the end of the queue. */
void bus_submit(struct bus *b, struct bus_job *job);

/* Take the oldest answered job, or NULL. Jobs come back in the order of their submission. */
struct bus_job *bus_take(struct bus *b);

/* Whether port or connection is open, and in why (at most n bytes with NUL) the reason when it is not. The worker opens
 * it again by itself, with pauses growing from 0.5 to 30 s; meanwhile jobs come back at once with LINK_CLOSED. */
bool bus_is_open(struct bus *b, char *why, size_t n);

/* Microseconds the line was in use since bus_new(): sending, waiting, receiving, t3.5, fences. */
int64_t bus_busy_us(const struct bus *b);

/* Whether the worker is in a call of the link that should have returned long ago: it hangs. */
bool bus_is_stuck(const struct bus *b);

/* Ask the worker to end, and return at once, so that several buses can be asked before the first is waited for. The
 * request under way gets at most BUS_GRACE_MS more; if it has no answer by then it counts as not made. wake is called
 * when the worker has ended. */
enum { BUS_GRACE_MS = 1000 };
void bus_ask_stop(struct bus *b);

/* Wait until mono_us() is until_us (0 = not at all) for a worker that was asked to end. Returns whether it has. */
bool bus_wait_end(struct bus *b, int64_t until_us);

/* Ask the worker to end, wait for that however long it takes. Jobs not done come back by bus_take() with n_done 0 or
 * what was reached. After that only bus_take() and bus_free() may be called. */
void bus_stop(struct bus *b);
void bus_free(struct bus *b);

#endif
