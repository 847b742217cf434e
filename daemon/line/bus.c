/* SPDX-License-Identifier: MIT */
/* The worker: open the line, then take one job after the other, and open the line again whenever it was lost and its
 * pause is over, also while there is no job. A job is read request by request until one gets no answer; what was read
 * so far comes back with it.
 *
 * Members that both threads see lie behind one lock, which is never held during I/O, or are atomic. A job is never
 * locked: it belongs to the side that has it, and the lock of the queues hands it over complete.
 */
#include "bus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "conf.h"
#include "link.h"
#include "mono.h"
#include "plan.h"

enum {
	FIRST_PAUSE_US = 500000,
	LONGEST_PAUSE_US = 30000000,
	GRACE_US = BUS_GRACE_MS * 1000,
	STUCK_US = 30000000, /* beyond the bound of a call of the link */
	WAKE_EVERY_US = 1000,
};

struct queue {
	struct bus_job *first, **end;
};

struct bus {
	const struct conf_bus *conf;
	void (*wake)(void *context);
	void *wake_context;
	pthread_t thread;
	_Atomic int64_t busy_us;
	_Atomic int64_t call_due_us; /* by when the call of the link under way must have ended; 0 = none is */

	pthread_mutex_t lock; /* of what follows, up to the worker's own */
	pthread_cond_t work, end;
	struct queue jobs, results;
	bool stop, has_ended;
	bool is_joined; /* the main thread's own */
	bool is_open;
	char why[256];

	/* the worker's own */
	struct link *link;
	int64_t pause_us;     /* after the next failure to open; 0 = at once */
	int64_t next_open_us; /* when to try again */
	bool is_lost;	      /* the line, not closed by ourselves: to be opened again without a job too */
	int64_t woken_us;     /* when the main thread was last woken for results */
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_put(struct queue *q, struct bus_job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct bus_job *queue_get(struct queue *q)
{
	struct bus_job *job = q->first;

	if (job == NULL)
		return NULL;
	q->first = job->next;
	if (q->first == NULL)
		q->end = &q->first;
	job->next = NULL;
	return job;
}

/* From here to worker() all runs in the worker's thread. */

static void publish_open(struct bus *b, bool is_open, const char *why)
{
	bool is_news;

	pthread_mutex_lock(&b->lock);
	is_news = b->is_open != is_open || strcmp(b->why, why) != 0;
	b->is_open = is_open;
	snprintf(b->why, sizeof(b->why), "%s", why);
	pthread_mutex_unlock(&b->lock);
	if (is_news)
		b->wake(b->wake_context);
}

/* The line is down: try again after a pause that doubles with each failure, the first time at once. It is published
 * only when that fails too: a port that is there again is not down. */
static void line_down(struct bus *b)
{
	bool is_at_once = b->pause_us == 0;

	b->is_lost = true;
	b->next_open_us = mono_us() + b->pause_us;
	b->pause_us = b->pause_us == 0 ? FIRST_PAUSE_US : b->pause_us * 2;
	if (b->pause_us > LONGEST_PAUSE_US)
		b->pause_us = LONGEST_PAUSE_US;
	if (!is_at_once)
		publish_open(b, false, link_error(b->link));
}

/* The link has lost the line during a read. A gateway that ends a connection is there: connect again at once, whether
 * or not a meter has answered in between, for one that does so instead of an answer must not hold up the other meters.
 */
static void line_lost(struct bus *b)
{
	if (b->conf->transport == CONF_RTU) {
		line_down(b);
		return;
	}
	b->is_lost = true;
	b->next_open_us = mono_us();
}

/* Each call of the link comes between these two, so that one that never returns is seen from outside. */
static void begin_call(struct bus *b, uint32_t bound_ms)
{
	atomic_store(&b->call_due_us, mono_us() + (int64_t)bound_ms * 1000 + STUCK_US);
}

static void end_call(struct bus *b)
{
	atomic_store(&b->call_due_us, 0);
}

static bool open_line(struct bus *b)
{
	int rc;

	begin_call(b, b->conf->response_timeout_ms);
	rc = link_open(b->link);
	end_call(b);
	if (rc < 0) {
		/* A first failure to open is one already: no second try at once. */
		if (b->pause_us == 0)
			b->pause_us = FIRST_PAUSE_US;
		line_down(b);
		return false;
	}
	b->is_lost = false;
	publish_open(b, true, "");
	return true;
}

/* Open the line if it is not and its pause is over. */
static bool ensure_open(struct bus *b)
{
	if (link_is_open(b->link))
		return true;
	return mono_us() >= b->next_open_us && open_line(b);
}

static bool is_answered(const struct link_reply *r)
{
	return r->status == LINK_OK || r->status == LINK_EXCEPTION;
}

static struct link_reply read_open(struct bus *b, const struct bus_job *job, const struct plan_request *r)
{
	int64_t start_us = mono_us();
	struct link_reply reply;

	/* In each exchange once for the line to fall silent, once for the answer. */
	begin_call(b, 2 * LINK_EXCHANGES_MAX * job->timeout_ms + LINK_OPENINGS_MAX * b->conf->response_timeout_ms);
	reply = link_read(b->link, job->unit, r, job->timeout_ms, job->words + r->word);
	end_call(b);
	atomic_fetch_add(&b->busy_us, mono_us() - start_us);
	return reply;
}

static struct link_reply read_request(struct bus *b, const struct bus_job *job, const struct plan_request *r)
{
	struct link_reply reply = {.status = LINK_CLOSED};

	if (!ensure_open(b))
		return reply;
	reply = read_open(b, job, r);
	if (reply.status == LINK_CLOSED)
		line_lost(b);
	if (is_answered(&reply))
		b->pause_us = 0;
	return reply;
}

static bool is_stopping(struct bus *b)
{
	bool stop;

	pthread_mutex_lock(&b->lock);
	stop = b->stop;
	pthread_mutex_unlock(&b->lock);
	return stop;
}

static void run_job(struct bus *b, struct bus_job *job)
{
	job->started_us = mono_us();
	if (job->offered != NULL)
		link_offer(b->link, job->offered, job->n_offered);
	else
		link_offer(b->link, job->requests, job->n_requests);
	while (job->n_done < job->n_requests && !is_stopping(b)) {
		job->replies[job->n_done] = read_request(b, job, &job->requests[job->n_done]);
		if (!is_answered(&job->replies[job->n_done])) {
			/* A stop that cut the wait short is no fault of the meter. */
			job->n_done += !is_stopping(b);
			break;
		}
		job->n_done++;
	}
	link_offer(b->link, NULL, 0);
	job->ended_us = mono_us();
}

static void wait_for_work(struct bus *b)
{
	int64_t until_us = b->next_open_us;
	struct timespec t = {.tv_sec = until_us / 1000000, .tv_nsec = (long)(until_us % 1000000) * 1000};

	if (link_is_open(b->link) || !b->is_lost)
		pthread_cond_wait(&b->work, &b->lock);
	else
		pthread_cond_timedwait(&b->work, &b->lock, &t);
}

/* The next job, or NULL when there is none and the line is due to be opened. Sets *stop when it is time to end. */
static struct bus_job *next_job(struct bus *b, bool *stop)
{
	struct bus_job *job;

	pthread_mutex_lock(&b->lock);
	while (!b->stop && b->jobs.first == NULL &&
	       (link_is_open(b->link) || !b->is_lost || mono_us() < b->next_open_us))
		wait_for_work(b);
	*stop = b->stop;
	job = b->stop ? NULL : queue_get(&b->jobs);
	pthread_mutex_unlock(&b->lock);
	return job;
}

/* The main thread is woken for several jobs at once where they are done faster than WAKE_EVERY_US: on a fast gateway
 * waking it for each would cost as much as the request. */
static void return_job(struct bus *b, struct bus_job *job)
{
	int64_t now_us = mono_us();
	bool is_last;

	pthread_mutex_lock(&b->lock);
	queue_put(&b->results, job);
	is_last = b->jobs.first == NULL;
	pthread_mutex_unlock(&b->lock);
	if (!is_last && now_us - b->woken_us < WAKE_EVERY_US)
		return;
	b->woken_us = now_us;
	b->wake(b->wake_context);
}

static void report_end(struct bus *b)
{
	pthread_mutex_lock(&b->lock);
	b->has_ended = true;
	pthread_cond_signal(&b->end);
	pthread_mutex_unlock(&b->lock);
	b->wake(b->wake_context);
}

static void *worker(void *context)
{
	struct bus *b = context;
	struct bus_job *job;
	char name[16];
	bool stop;

	snprintf(name, sizeof(name), "bus-%.11s", b->conf->name);
	pthread_setname_np(pthread_self(), name);
	/* The default of 50 us would be added to every t3.5. */
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	open_line(b);
	for (;;) {
		job = next_job(b, &stop);
		if (stop)
			break;
		if (job == NULL) {
			ensure_open(b);
			continue;
		}
		run_job(b, job);
		return_job(b, job);
	}
	link_close(b->link);
	report_end(b);
	return NULL;
}

static int start_thread(struct bus *b)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&b->thread, NULL, worker, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void init_locks(struct bus *b)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->work, &attr);
	pthread_cond_init(&b->end, &attr);
	pthread_condattr_destroy(&attr);
}

static void free_bus(struct bus *b)
{
	link_free(b->link);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->end);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

struct bus *bus_new(const struct conf_bus *conf, void (*wake)(void *context), void *wake_context)
{
	struct bus *b = calloc(1, sizeof(*b));
	int rc;

	if (b == NULL)
		return NULL;
	init_locks(b);
	queue_init(&b->jobs);
	queue_init(&b->results);
	b->conf = conf;
	b->wake = wake;
	b->wake_context = wake_context;
	snprintf(b->why, sizeof(b->why), "not open yet");
	b->link = link_new(conf);
	rc = b->link == NULL ? ENOMEM : start_thread(b);
	if (rc != 0) {
		free_bus(b);
		errno = rc;
		return NULL;
	}
	return b;
}

void bus_submit(struct bus *b, struct bus_job *job)
{
	job->n_done = 0;
	job->started_us = job->ended_us = 0;
	pthread_mutex_lock(&b->lock);
	queue_put(&b->jobs, job);
	pthread_cond_signal(&b->work);
	pthread_mutex_unlock(&b->lock);
}

struct bus_job *bus_take(struct bus *b)
{
	struct bus_job *job;

	pthread_mutex_lock(&b->lock);
	job = queue_get(&b->results);
	pthread_mutex_unlock(&b->lock);
	return job;
}

bool bus_is_open(struct bus *b, char *why, size_t n)
{
	bool is_open;

	pthread_mutex_lock(&b->lock);
	is_open = b->is_open;
	if (n > 0)
		snprintf(why, n, "%s", b->why);
	pthread_mutex_unlock(&b->lock);
	return is_open;
}

int64_t bus_busy_us(const struct bus *b)
{
	return atomic_load(&b->busy_us);
}

bool bus_is_stuck(const struct bus *b)
{
	int64_t due_us = atomic_load(&b->call_due_us);

	return due_us != 0 && mono_us() > due_us;
}

void bus_ask_stop(struct bus *b)
{
	pthread_mutex_lock(&b->lock);
	if (!b->stop) {
		b->stop = true;
		link_stop_at(b->link, mono_us() + GRACE_US);
		pthread_cond_signal(&b->work);
	}
	pthread_mutex_unlock(&b->lock);
}

bool bus_wait_end(struct bus *b, int64_t until_us)
{
	struct timespec t = {.tv_sec = until_us / 1000000, .tv_nsec = (long)(until_us % 1000000) * 1000};
	bool has_ended;

	pthread_mutex_lock(&b->lock);
	while (!b->has_ended)
		if (pthread_cond_timedwait(&b->end, &b->lock, &t) == ETIMEDOUT)
			break;
	has_ended = b->has_ended;
	pthread_mutex_unlock(&b->lock);
	return has_ended;
}

void bus_stop(struct bus *b)
{
	struct bus_job *job;

	if (b->is_joined)
		return;
	bus_ask_stop(b);
	pthread_join(b->thread, NULL);
	b->is_joined = true;
	while ((job = queue_get(&b->jobs)) != NULL)
		queue_put(&b->results, job);
}

void bus_free(struct bus *b)
{
	if (b == NULL)
		return;
	bus_stop(b);
	free_bus(b);
}
