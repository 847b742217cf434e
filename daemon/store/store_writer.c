/* SPDX-License-Identifier: MIT */
#include "store_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "held.h"
#include "mono.h"

/* A meter or input, as it was configured last. */
struct named {
	int64_t id;
	char name[CONF_NAME_MAX + 1];
	char *serial; /* reported since the start, NULL = none */
};

enum { CLOCK_STEPS = 8 };

struct clock_step {
	int64_t at_ms, back_ms;
};

struct store_writer {
	pthread_t thread;
	void (*wake)(void *context);
	void *context;

	/* The caller's. */
	struct held inbox;
	struct clock_step steps[CLOCK_STEPS]; /* back, while a job runs; later ones are added to the last */
	size_t n_steps;
	const struct ledger_copy *shown; /* while a job runs */
	struct named *named;
	size_t n_named;
	bool is_busy;
	int64_t started_us;

	/* The side's that has the job: the thread's while is_given, else the caller's. */
	struct store *store;
	const struct conf *conf;
	struct store_result result;

	/* Guards what is below. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_given; /* a job is the thread's */
	bool is_ended; /* the thread shall end */
};

static void do_job(struct store_writer *w)
{
	struct store_result *r = &w->result;
	int64_t start_us = mono_us();

	switch (r->job) {
	case STORE_JOB_COMMIT:
		r->n_pending = store_pending(w->store);
		r->outcome = store_commit(w->store);
		break;
	case STORE_JOB_REOPEN:
		r->rc = store_reopen(&w->store, w->conf, &r->e);
		break;
	}
	r->took_ms = (mono_us() - start_us) / 1000;
}

static void *run(void *context)
{
	struct store_writer *w = context;

	pthread_mutex_lock(&w->mutex);
	for (;;) {
		while (!w->is_given && !w->is_ended)
			pthread_cond_wait(&w->changed, &w->mutex);
		if (!w->is_given)
			break;
		pthread_mutex_unlock(&w->mutex);
		do_job(w);
		pthread_mutex_lock(&w->mutex);
		w->is_given = false;
		pthread_cond_broadcast(&w->changed);
		w->wake(w->context);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

/* Start the thread with all signals blocked: they are the main thread's. Returns 0 or an errno. */
static int start_thread(struct store_writer *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static struct named *find_id(const struct store_writer *w, int64_t id)
{
	for (size_t i = 0; i < w->n_named; i++)
		if (w->named[i].id == id)
			return &w->named[i];
	return NULL;
}

static void free_named(struct named *named, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(named[i].serial);
	free(named);
}

/* Note the names and ids that the store has now, with the serial numbers that are known. 0 or -ENOMEM: those of before
 * stay. */
static int note_names(struct store_writer *w)
{
	struct named *named;
	const char *name;
	int64_t id;
	size_t n = 0;

	while (store_meter_name(w->store, n, &id) != NULL)
		n++;
	named = calloc(n + 1, sizeof(*named));
	if (named == NULL)
		return -ENOMEM;
	for (size_t i = 0; (name = store_meter_name(w->store, i, &id)) != NULL; i++) {
		struct named *known = find_id(w, id);

		named[i].id = id;
		snprintf(named[i].name, sizeof(named[i].name), "%s", name);
		if (known != NULL) {
			named[i].serial = known->serial;
			known->serial = NULL;
		}
	}
	free_named(w->named, w->n_named);
	w->named = named;
	w->n_named = n;
	return 0;
}

static void free_writer(struct store_writer *w)
{
	err_fini(&w->result.e);
	held_fini(&w->inbox);
	free_named(w->named, w->n_named);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

struct store_writer *store_writer_new(struct store *s, void (*wake)(void *context), void *context)
{
	struct store_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->store = s;
	w->wake = wake;
	w->context = context;
	held_init(&w->inbox, HELD_READINGS_BYTES);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->changed, NULL);
	if (note_names(w) != 0 || start_thread(w) != 0) {
		free_writer(w);
		return NULL;
	}
	return w;
}

/* The store is the caller's again. */
static void take_store_back(struct store_writer *w)
{
	w->is_busy = false;
	w->shown = NULL;
	for (size_t i = 0; i < w->n_steps; i++)
		store_clock_back(w->store, w->steps[i].at_ms, w->steps[i].back_ms);
	store_take_held(w->store, &w->inbox);
	w->n_steps = 0;
}

struct store *store_writer_end(struct store_writer *w)
{
	struct store *s;

	if (w == NULL)
		return NULL;
	pthread_mutex_lock(&w->mutex);
	w->is_ended = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	take_store_back(w);
	s = w->store;
	free_writer(w);
	return s;
}

int64_t store_writer_busy_ms(const struct store_writer *w)
{
	return w->is_busy ? (mono_us() - w->started_us) / 1000 : 0;
}

struct store *store_writer_store(struct store_writer *w)
{
	return w->is_busy ? NULL : w->store;
}

void store_writer_start(struct store_writer *w, enum store_job job, const struct conf *conf)
{
	/* a store that is opened again takes its copy with it */
	w->shown = job == STORE_JOB_REOPEN ? NULL : store_ledger_copy(w->store);
	w->is_busy = true;
	w->started_us = mono_us();
	w->conf = conf;
	w->result = (struct store_result){.job = job};
	pthread_mutex_lock(&w->mutex);
	w->is_given = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

int store_writer_configure(struct store_writer *w, const struct conf *conf, struct err *e)
{
	int rc = store_configure(w->store, conf, e);

	if (rc != 0)
		return rc;
	rc = note_names(w);
	if (rc != 0)
		err_out_of_memory(e);
	return rc;
}

bool store_writer_take(struct store_writer *w, struct store_result *out)
{
	bool is_given;

	if (!w->is_busy)
		return false;
	pthread_mutex_lock(&w->mutex);
	is_given = w->is_given;
	pthread_mutex_unlock(&w->mutex);
	if (is_given)
		return false;
	*out = w->result;
	w->result.e = (struct err){.n_items = 0};
	take_store_back(w);
	if (out->job == STORE_JOB_REOPEN && out->rc == 0 && note_names(w) != 0) {
		err_out_of_memory(&out->e);
		out->rc = -ESTALE;
	}
	return true;
}

void store_writer_wait(struct store_writer *w)
{
	pthread_mutex_lock(&w->mutex);
	while (w->is_given)
		pthread_cond_wait(&w->changed, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
}

void store_writer_reading(struct store_writer *w, const struct reading *r)
{
	if (w->is_busy)
		held_push_reading(&w->inbox, r);
	else
		store_reading(w->store, r);
}

void store_writer_event(struct store_writer *w, int64_t at_ms, const char *subject, const char *kind,
			const char *detail)
{
	if (w->is_busy)
		held_push_event(&w->inbox, at_ms, subject, kind, detail);
	else
		store_event(w->store, at_ms, subject, kind, detail);
}

void store_writer_serial(struct store_writer *w, int64_t meter, const char *serial)
{
	struct named *m = find_id(w, meter);
	char *copy = m != NULL ? strdup(serial) : NULL;

	if (copy != NULL) {
		free(m->serial);
		m->serial = copy;
	}
	if (w->is_busy)
		held_push_serial(&w->inbox, meter, serial);
	else
		store_meter_serial(w->store, meter, serial);
}

void store_writer_clock_back(struct store_writer *w, int64_t at_ms, int64_t back_ms)
{
	if (!w->is_busy)
		store_clock_back(w->store, at_ms, back_ms);
	else if (w->n_steps == CLOCK_STEPS)
		w->steps[CLOCK_STEPS - 1].back_ms += back_ms;
	else
		w->steps[w->n_steps++] = (struct clock_step){.at_ms = at_ms, .back_ms = back_ms};
}

const char *store_writer_serial_said(const struct store_writer *w, int64_t meter)
{
	const struct named *m = find_id(w, meter);

	return m != NULL ? m->serial : NULL;
}

int64_t store_writer_meter_id(const struct store_writer *w, const char *name)
{
	for (size_t i = 0; i < w->n_named; i++)
		if (strcmp(w->named[i].name, name) == 0)
			return w->named[i].id;
	return -1;
}

const struct ledger_copy *store_writer_copy(const struct store_writer *w)
{
	return w->is_busy ? w->shown : store_ledger_copy(w->store);
}
