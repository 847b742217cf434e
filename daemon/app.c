/* SPDX-License-Identifier: MIT */
#include "app.h"

#include <errno.h>
#include <ev.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "conf.h"
#include "link.h"
#include "log.h"
#include "mono.h"
#include "poller.h"
#include "store.h"

enum {
	EXIT_USAGE = 2,
	EXIT_CONFIG = 78, /* EX_CONFIG of sysexits.h */
	STATUS_EVERY_MS = 60000,
};

struct app;

/* One line: its worker, its poller and what wakes them. */
struct line {
	struct app *app;
	const struct conf_bus *conf;
	struct bus *bus;
	struct poller *poller;
	ev_async answered;
	ev_periodic due;
};

struct app {
	const char *dir;
	bool verbose;
	struct ev_loop *loop;
	struct conf *conf;
	struct store *store;
	struct line *lines;
	ev_signal terminate, interrupt;
	ev_timer commit;
	int64_t status_at_ms;
	bool status_stale; /* a state has changed since the last status */
	bool store_failing;
};

static void on_reading(void *context, const struct reading *r)
{
	struct app *app = context;

	store_reading(app->store, r);
}

static void on_event(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	struct app *app = context;

	app->status_stale = true;
	store_event(app->store, at_ms, subject, kind, detail);
}

static void on_serial(void *context, int64_t meter, const char *serial)
{
	struct app *app = context;

	store_meter_serial(app->store, meter, serial);
}

static int64_t find_meter_id(void *context, const char *name)
{
	struct app *app = context;

	return store_meter_id(app->store, name);
}

static void report_status(struct app *app, int64_t now_ms)
{
	for (size_t i = 0; i < app->conf->n_buses; i++) {
		struct line *line = &app->lines[i];
		struct store_meter_status meter_status;
		struct store_bus_status bus_status;
		int64_t meter;

		for (size_t j = 0; j < poller_n_meters(line->poller); j++) {
			poller_meter_status(line->poller, j, &meter, &meter_status);
			store_meter_status(app->store, meter, &meter_status);
		}
		poller_bus_status(line->poller, &bus_status);
		store_bus_status(app->store, line->conf->name, &bus_status);
	}
	app->status_at_ms = now_ms;
	app->status_stale = false;
}

static void commit(struct app *app)
{
	if (store_commit(app->store) == 0) {
		if (app->store_failing)
			log_info("database: writes again, nothing held is lost");
		app->store_failing = false;
	} else if (!app->store_failing) {
		app->store_failing = true;
		log_error("database: %s; %zu readings wait in memory", store_error(app->store),
			  store_pending(app->store));
	}
}

static void commit_due(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct app *app = w->data;
	int64_t now_ms = mono_wall_ms();

	(void)loop, (void)revents;
	if (app->status_stale || now_ms - app->status_at_ms >= STATUS_EVERY_MS || now_ms < app->status_at_ms)
		report_status(app, now_ms);
	commit(app);
}

static ev_tstamp next_due(ev_periodic *w, ev_tstamp now)
{
	const struct line *line = w->data;
	ev_tstamp next = (ev_tstamp)poller_next_ms(line->poller, (int64_t)(now * 1000)) / 1000;

	return next > now ? next : now + 0.001;
}

static void slot_due(struct ev_loop *loop, ev_periodic *w, int revents)
{
	struct line *line = w->data;

	(void)loop, (void)revents;
	poller_tick(line->poller, mono_wall_ms());
}

static void bus_answered(struct ev_loop *loop, ev_async *w, int revents)
{
	struct line *line = w->data;

	(void)revents;
	poller_results(line->poller, mono_wall_ms());
	ev_periodic_again(loop, &line->due);
}

/* Called by the bus's worker: ev_async_send() is the one libev call that other threads may make. */
static void wake(void *context)
{
	struct line *line = context;

	ev_async_send(line->app->loop, &line->answered);
}

static int start_line(struct app *app, struct line *line, const struct conf_bus *conf)
{
	struct poller_sink sink = {app, on_reading, on_event, on_serial, find_meter_id};

	line->app = app;
	line->conf = conf;
	ev_async_init(&line->answered, bus_answered);
	ev_periodic_init(&line->due, slot_due, 0, 0, next_due);
	line->answered.data = line->due.data = line;
	ev_async_start(app->loop, &line->answered);
	line->bus = bus_new(conf, wake, line);
	if (line->bus == NULL) {
		log_error("bus %s: no thread for it: %s", conf->name, strerror(errno));
		return -1;
	}
	line->poller = poller_new(conf, line->bus, &sink, mono_wall_ms());
	if (line->poller == NULL) {
		log_error("bus %s: out of memory", conf->name);
		return -1;
	}
	ev_periodic_start(app->loop, &line->due);
	log_info("bus %s: %s, %zu meters", conf->name, conf_transport_text(conf->transport),
		 poller_n_meters(line->poller));
	return 0;
}

static int start_lines(struct app *app)
{
	app->lines = calloc(app->conf->n_buses, sizeof(*app->lines));
	if (app->lines == NULL)
		return -1;
	for (size_t i = 0; i < app->conf->n_buses; i++)
		if (start_line(app, &app->lines[i], &app->conf->buses[i]) != 0)
			return -1;
	return 0;
}

/* The request in hand is finished on every line, then what it brought is taken. */
static void stop_lines(struct app *app)
{
	if (app->lines == NULL)
		return;
	for (size_t i = 0; i < app->conf->n_buses; i++)
		if (app->lines[i].bus != NULL)
			bus_stop(app->lines[i].bus);
	for (size_t i = 0; i < app->conf->n_buses; i++) {
		struct line *line = &app->lines[i];

		ev_periodic_stop(app->loop, &line->due);
		ev_async_stop(app->loop, &line->answered);
		if (line->poller != NULL)
			poller_results(line->poller, mono_wall_ms());
	}
	report_status(app, mono_wall_ms());
	for (size_t i = 0; i < app->conf->n_buses; i++) {
		poller_free(app->lines[i].poller);
		bus_free(app->lines[i].bus);
	}
	free(app->lines);
	app->lines = NULL;
}

static void end_asked(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)w, (void)revents;
	ev_break(loop, EVBREAK_ALL);
}

static void start_watchers(struct app *app)
{
	double commit_s = app->conf->commit_interval_ms / 1000.0;

	ev_signal_init(&app->terminate, end_asked, SIGTERM);
	ev_signal_init(&app->interrupt, end_asked, SIGINT);
	ev_signal_start(app->loop, &app->terminate);
	ev_signal_start(app->loop, &app->interrupt);
	ev_timer_init(&app->commit, commit_due, commit_s, commit_s);
	app->commit.data = app;
	ev_timer_start(app->loop, &app->commit);
}

static int load_conf(struct app *app)
{
	struct err e = {0};

	app->conf = conf_load(app->dir, &e);
	if (app->conf != NULL)
		conf_check_units(app->conf, link_unit_max(), &e);
	for (size_t i = 0; i < e.n_items; i++) {
		if (e.items[i].warning)
			log_warning("%s", e.items[i].text);
		else
			log_error("%s", e.items[i].text);
	}
	if (app->conf != NULL && e.n_errors > app->conf->n_driver_errors) {
		conf_free(app->conf);
		app->conf = NULL;
	}
	err_fini(&e);
	return app->conf == NULL ? -1 : 0;
}

static int open_store(struct app *app)
{
	struct err e = {0};

	app->store = store_open(app->conf, &e);
	if (app->store != NULL)
		store_configure(app->store, app->conf, &e);
	for (size_t i = 0; i < e.n_items; i++)
		log_error("%s", e.items[i].text);
	if (e.n_errors > 0) {
		store_close(app->store);
		app->store = NULL;
	}
	err_fini(&e);
	return app->store == NULL ? -1 : 0;
}

static int run(struct app *app)
{
	int code = EXIT_FAILURE;

	if (load_conf(app) != 0)
		return EXIT_CONFIG;
	log_set_level(app->verbose ? LOG_LEVEL_DEBUG : app->conf->log_level);
	signal(SIGPIPE, SIG_IGN);
	app->loop = ev_default_loop(EVFLAG_AUTO);
	if (app->loop != NULL && open_store(app) == 0) {
		start_watchers(app);
		if (start_lines(app) == 0) {
			ev_run(app->loop, 0);
			log_info("tallyd: stopping");
			code = EXIT_SUCCESS;
		}
		stop_lines(app);
	}
	store_close(app->store);
	conf_free(app->conf);
	if (app->loop != NULL)
		ev_loop_destroy(app->loop);
	return code;
}

static void usage(FILE *out)
{
	fprintf(out, "usage: tallyd [-v] [-c DIR]\n"
		     "  -c DIR     configuration directory, /etc/tallyd unless given\n"
		     "  -v         log more\n"
		     "  --version  say which version this is\n");
}

int app_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct app app = {.dir = "/etc/tallyd"};
	int c;

	while ((c = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			app.dir = optarg;
			break;
		case 'v':
			app.verbose = true;
			break;
		case 'V':
			printf("tallyd %s\n", TALLY_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "tallyd: \"%s\": no argument expected\n", argv[optind]);
		usage(stderr);
		return EXIT_USAGE;
	}
	return run(&app);
}
