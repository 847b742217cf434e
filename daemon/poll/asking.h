/* SPDX-License-Identifier: MIT */
/* asking.h - what one meter is being asked: the plan, the job that carries it, and what its answers are.
 *
 * One task at a time. asking_begin_*() makes the job of a task; the caller submits it and, when it has come back, asks
 * asking_outcome() what became of it. Of a job that failed asking_retry() makes a job of the requests that have no
 * final answer yet, and the replies of all tries together are what the task has brought. asking_end() ends the task;
 * its answers can be decoded until the next one begins.
 *
 * Plans are made when first needed and kept; when parts learns that rows are missing they are made again. Plans and
 * buffers only ever grow, so that asking allocates nothing once every plan was made.
 *
 * struct asking is written by asking.c only, except for the job, which belongs to the bus from bus_submit() until
 * bus_take(). It does not know slots, why it is asked, or what an answer means for the meter's state.
 * No I/O, no clock, no logging. One thread. */
#ifndef TALLY_ASKING_H
#define TALLY_ASKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "codec.h"
#include "conf.h"
#include "parts.h"
#include "plan.h"
#include "reading.h"

enum asking_task {
	ASKING_NOTHING,
	ASKING_READ,	 /* the groups that are due in a slot */
	ASKING_IDENTIFY, /* identity and state */
	ASKING_PART,	 /* a request that the meter refused, or a part of it */
	ASKING_PROBE,	 /* one request, to see whether the meter answers */
	ASKING_AGAIN,	 /* one row that the meter has refused */
};

enum asking_outcome {
	ASKING_ANSWERED, /* every request was answered, some perhaps refused with exception 2 or 3 */
	ASKING_REFUSED,	 /* every request was refused so */
	ASKING_FAILED,	 /* at least one request has no valid answer */
	ASKING_NO_LINE,	 /* port or connection was lost: says nothing about the meter */
};

struct asking {
	const struct conf_meter *conf;
	const struct parts *parts; /* which rows to leave out of a plan, and where to cut it */
	void *owner;		   /* of every job */
	int64_t *multipliers;	   /* base units per count, one per driver row */

	struct plan *plans[DRIVER_STATE * 2]; /* by group mask, made when first needed */
	unsigned plans_version;		      /* of parts, when they were made */
	struct plan *retired;		      /* the plan of the task, where it is of an older version */

	enum asking_task task;
	const struct plan *plan;    /* of the task; of a probe the plan whose first request it is */
	unsigned groups;	    /* enum driver_group mask that the plan reads */
	struct plan_request few[4]; /* the one request of a part or a probe; those of a row and of what is beside it */
	unsigned row;		    /* of ASKING_AGAIN */
	size_t first;		    /* request of the plan that is the job's first */
	unsigned tries_left;
	bool is_waiting; /* the task has no job under way: it waits for a retry, or for the end of the round */

	struct bus_job job;
	size_t n_words, n_replies;  /* room in */
	uint16_t *words;	    /* answers, laid out by the plan */
	struct link_reply *replies; /* one per request of the plan; replies[0] is that of a single request */
};

/* conf, which has a driver, and parts must outlive a. owner goes into every job. 0, or -ENOMEM; asking_fini() may be
 * called after both. */
int asking_init(struct asking *a, const struct conf_meter *conf, const struct parts *parts, void *owner);
void asking_fini(struct asking *a);

/* Make the job of a task, which may be retried n_retries times. False: there is nothing to ask, or out of memory;
 * what a was asking before is then still its task.
 * groups  enum driver_group mask
 * row     what parts_next_again() gave
 * r       what parts_next() gave */
bool asking_begin_read(struct asking *a, unsigned groups, unsigned n_retries);
bool asking_begin_identify(struct asking *a, unsigned n_retries);
bool asking_begin_probe(struct asking *a);
bool asking_begin_again(struct asking *a, unsigned row);
void asking_begin_part(struct asking *a, struct plan_request r);

/* The outcome of the job that has come back. */
enum asking_outcome asking_outcome(const struct asking *a);

/* The task waits: its job, made or come back, is not submitted now, and n_retries more are left. */
void asking_wait(struct asking *a, unsigned n_retries);

/* Make the job of what has no final answer yet, and wait no longer. False: no try is left. */
bool asking_retry(struct asking *a);

/* Let the job wait for each answer no longer than this. */
void asking_limit_timeout(struct asking *a, uint32_t timeout_max_ms);

/* The task is over. */
void asking_end(struct asking *a);

/* Whether the last reply of the job says that the meter has no such function (exception 1): retrying cannot help. */
bool asking_lacks_function(const struct asking *a);

/* The answer to the requests of a part or a row, for parts_take() and parts_take_again(). */
enum parts_answer asking_part_answer(const struct asking *a);

/* The rows of a reading, of an identity or of ASKING_AGAIN that were answered, for parts_note_answered(). */
struct plan_rows asking_answered_rows(const struct asking *a);

/* Start a search in parts for what the meter refused of this task, unless one is under way. Returns how many requests
 * wait in parts. */
size_t asking_give_refused(const struct asking *a, struct parts *parts);

/* Whether an item of the plan has all of its words, those beside the value too, and the rest in the same answer. */
bool asking_has(const struct asking *a, const struct plan_item *item);

/* Decode such an item: decode_number() in base units (counters but pulses: in parts of them, driver.parts) with the
 * meter's ratios, codec_text() into n bytes of out. */
enum codec_status asking_number(const struct asking *a, const struct plan_item *item, int64_t *value);
enum codec_status asking_text(const struct asking *a, const struct plan_item *item, char *out, size_t n);

/* Decode all that was answered. Returns the number of values set in r. */
unsigned asking_reading(const struct asking *a, struct reading *r);

#endif
