/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "log.h"
#include "mono.h"

struct line {
	struct lines *lines;
	struct conf *all; /* holds conf; kept for this line */
	const struct conf_bus *conf;
	struct bus *bus;
	struct poller *poller;
	ev_async answered;
	ev_periodic due;
	bool is_ending;
	atomic_bool is_abandoned; /* its worker hangs */
};

struct lines {
	struct ev_loop *loop;
	struct poller_sink sink;
	size_t n;
	struct line **all; /* room for those of the next configuration too */

	struct conf *next; /* being put into force, or NULL */
	struct lines_change change;
	void (*done)(void *context, const struct lines_change *change);
	void *done_context;
};

static void begin_next(struct lines *l);

static ev_tstamp next_due(ev_periodic *w, ev_tstamp now)
{
	const struct line *line = w->data;
	ev_tstamp next = (ev_tstamp)poller_next_ms(line->poller, (int64_t)(now * 1000)) / 1000;

	return next > now ? next : now + 0.001;
}

static void slot_due(struct ev_loop *loop, ev_periodic *w, int revents)
{
	struct line *line = w->data;

	(void)revents;
	/* By the loop's time the slot has come; the clock may still be before it, while it is slewed. */
	poller_tick(line->poller, (int64_t)(ev_now(loop) * 1000));
}

static bool any_still_ending(const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->all[i]->is_ending && !bus_wait_end(l->all[i]->bus, 0))
			return true;
	return false;
}

static void bus_answered(struct ev_loop *loop, ev_async *w, int revents)
{
	struct line *line = w->data;
	struct lines *l = line->lines;

	(void)revents;
	if (!line->is_ending) {
		poller_results(line->poller, mono_wall_ms());
		ev_periodic_again(loop, &line->due);
	} else if (l->next != NULL && !any_still_ending(l)) {
		begin_next(l);
	}
}

/* Called by the bus's worker. ev_async_send() is the one libev call that other threads may make. */
static void wake(void *context)
{
	struct line *line = context;

	/* An abandoned worker may still call: its struct line is never freed, but the loop may be gone. */
	if (!atomic_load(&line->is_abandoned))
		ev_async_send(line->lines->loop, &line->answered);
}

/* Call the poller no longer, and ask the worker to end. */
static void ask_line_to_end(struct line *line)
{
	line->is_ending = true;
	ev_periodic_stop(line->lines->loop, &line->due);
	bus_ask_stop(line->bus);
}

/* After the worker has ended: take the jobs that it gives back. is_replaced: another configuration is in force. */
static void end_line(struct line *line, bool is_replaced)
{
	bus_stop(line->bus);
	ev_async_stop(line->lines->loop, &line->answered);
	poller_end(line->poller, is_replaced, mono_wall_ms());
}

static void free_line(struct line *line)
{
	if (line == NULL || line->is_abandoned)
		return;
	poller_free(line->poller);
	bus_free(line->bus);
	conf_free(line->all);
	free(line);
}

static void log_line(const struct line *line)
{
	const struct conf_bus *c = line->conf;
	size_t n = poller_n_meters(line->poller);
	const char *s = n == 1 ? "" : "s";

	if (c->transport == CONF_RTU)
		log_info("bus %s: starting: rtu %s, %u baud 8%c%u, %zu meter%s", c->name, c->device, c->baud, c->parity,
			 c->stop_bits, n, s);
	else
		log_info("bus %s: starting: %s %s port %u, %zu meter%s", c->name, conf_transport_text(c->transport),
			 c->host, c->port, n, s);
}

/* Begin one line. before: the ended line of the same name, or NULL. Returns NULL after a log line. */
static struct line *new_line(struct lines *l, struct conf *all, const struct conf_bus *conf, const struct line *before)
{
	struct line *line = calloc(1, sizeof(*line));

	if (line == NULL)
		goto fail;
	*line = (struct line){.lines = l, .all = conf_keep(all), .conf = conf};
	ev_async_init(&line->answered, bus_answered);
	ev_periodic_init(&line->due, slot_due, 0, 0, next_due);
	line->answered.data = line->due.data = line;
	ev_async_start(l->loop, &line->answered);
	line->bus = bus_new(conf, wake, line);
	if (line->bus == NULL)
		goto fail;
	line->poller = poller_new(conf, line->bus, &l->sink, mono_wall_ms());
	if (line->poller == NULL)
		goto fail;
	if (before != NULL)
		poller_inherit(line->poller, before->poller);
	ev_periodic_start(l->loop, &line->due);
	log_line(line);
	return line;
fail:
	log_error("bus %s: cannot start, out of memory or threads (%s)", conf->name, strerror(errno));
	if (line != NULL) {
		ev_async_stop(l->loop, &line->answered);
		bus_free(line->bus);
		line->bus = NULL;
	}
	free_line(line);
	return NULL;
}

static struct line *find_line(const struct lines *l, const char *name, bool is_ending)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->all[i]->is_ending == is_ending && strcmp(l->all[i]->conf->name, name) == 0)
			return l->all[i];
	return NULL;
}

/* Make room for n more lines. */
static int grow_lines(struct lines *l, size_t n)
{
	struct line **all = reallocarray(l->all, l->n + n + 1, sizeof(struct line *));

	if (all == NULL)
		return -ENOMEM;
	l->all = all;
	return 0;
}

/* Free the lines that have ended. */
static void free_ended(struct lines *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->all[i]->is_ending)
			free_line(l->all[i]);
		else
			l->all[n++] = l->all[i];
	}
	l->n = n;
}

/* Begin a line for every bus of the configuration that has none. */
static void begin_missing(struct lines *l, struct conf *conf)
{
	for (size_t i = 0; i < conf->n_buses; i++) {
		const struct conf_bus *bus = &conf->buses[i];
		struct line *before = find_line(l, bus->name, true), *line;

		if (find_line(l, bus->name, false) != NULL)
			continue;
		line = new_line(l, conf, bus, before);
		l->change.n_failed += line == NULL;
		l->change.n_added += before == NULL;
		l->change.n_changed += before != NULL;
		if (line != NULL)
			l->all[l->n++] = line;
	}
}

/* Every line that had to end has ended: put the next configuration into force. */
static void begin_next(struct lines *l)
{
	struct conf *conf = l->next;
	size_t n_ended = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!l->all[i]->is_ending)
			continue;
		end_line(l->all[i], true);
		n_ended++;
	}
	begin_missing(l, conf);
	l->change.n_removed = n_ended - l->change.n_changed;
	free_ended(l);
	l->next = NULL;
	conf_free(conf);
	l->done(l->done_context, &l->change);
}

static const struct conf_bus *find_bus(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_buses; i++)
		if (strcmp(conf->buses[i].name, name) == 0)
			return &conf->buses[i];
	return NULL;
}

struct lines *lines_new(struct ev_loop *loop, const struct poller_sink *sink)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->loop = loop;
	l->sink = *sink;
	return l;
}

int lines_set(struct lines *l, struct conf *conf, void (*done)(void *context, const struct lines_change *change),
	      void *context)
{
	if (grow_lines(l, conf->n_buses) < 0)
		return -ENOMEM;
	l->change = (struct lines_change){0};
	l->done = done;
	l->done_context = context;
	l->next = conf_keep(conf);
	for (size_t i = 0; i < l->n; i++) {
		const struct conf_bus *bus = find_bus(conf, l->all[i]->conf->name);

		if (bus != NULL && conf_bus_equal(bus, l->all[i]->conf)) {
			l->change.n_kept++;
			poller_renew_ids(l->all[i]->poller);
		} else {
			ask_line_to_end(l->all[i]);
		}
	}
	if (!any_still_ending(l))
		begin_next(l);
	return 0;
}

bool lines_is_changing(const struct lines *l)
{
	return l->next != NULL;
}

static bool stop_line(struct line *line, int64_t until_us)
{
	line->is_abandoned = !bus_wait_end(line->bus, until_us);
	if (line->is_abandoned)
		log_error("bus %s: its worker hangs in the driver of the port or in the network; abandoned",
			  line->conf->name);
	else
		end_line(line, false);
	return !line->is_abandoned;
}

bool lines_stop(struct lines *l, unsigned within_ms)
{
	int64_t until_us = mono_us() + (int64_t)within_ms * 1000;
	bool all_ended = true;

	for (size_t i = 0; i < l->n; i++)
		ask_line_to_end(l->all[i]);
	for (size_t i = 0; i < l->n; i++)
		all_ended &= stop_line(l->all[i], until_us);
	conf_free(l->next);
	l->next = NULL;
	return all_ended;
}

void lines_free(struct lines *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		free_line(l->all[i]);
	free(l->all);
	free(l);
}

void lines_report(struct lines *l)
{
	struct meter_status meter_status;
	struct bus_status bus_status;
	int64_t meter;

	for (size_t i = 0; i < l->n; i++) {
		struct poller *p = l->all[i]->poller;

		for (size_t k = 0; k < poller_n_meters(p); k++) {
			poller_meter_status(p, k, &meter, &meter_status);
			l->sink.meter_status(l->sink.context, meter, &meter_status);
		}
		poller_bus_status(p, &bus_status);
		l->sink.bus_status(l->sink.context, l->all[i]->conf->name, &bus_status);
	}
}

static void count_line(const struct line *line, struct lines_count *n)
{
	n->n_buses++;
	n->n_buses_up += poller_is_up(line->poller);
	n->n_meters += line->conf->n_meters;
	n->n_meters_up += poller_n_meters_up(line->poller);
}

void lines_count(const struct lines *l, struct lines_count *n)
{
	*n = (struct lines_count){0};
	for (size_t i = 0; i < l->n; i++)
		count_line(l->all[i], n);
}

const char *lines_stuck(const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (bus_is_stuck(l->all[i]->bus))
			return l->all[i]->conf->name;
	return NULL;
}
