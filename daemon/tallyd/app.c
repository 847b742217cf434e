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

#include "commit_log.h"
#include "conf.h"
#include "conf_load.h"
#include "intake.h"
#include "lines.h"
#include "log.h"
#include "mono.h"
#include "notify.h"
#include "store.h"
#include "zone.h"

enum {
	EXIT_USAGE = 2,
	EXIT_CONFIG = 78, /* EX_CONFIG of sysexits.h */
	STATUS_EVERY_MS = 60000,
	STATUS_EARLY_MS = 10000, /* in the first minutes, when somebody watches */
	EARLY_US = 600 * 1000000,
	LINES_END_MS = 2500, /* the contract gives three seconds for everything */
};

/* How often the line of the service manager is sent, if it has changed. */
static const double STATUS_LINE_EVERY_S = 2;

struct app {
	const char *dir;
	bool verbose;
	int exit_code;
	struct ev_loop *loop;
	struct conf *conf; /* in force */
	struct conf *next; /* being configured, or NULL */
	struct store_writer *writer;
	struct lines *lines;
	ev_signal terminate, interrupt, hangup;
	ev_timer commit, status_line, watchdog;
	ev_async written;
	struct intake intake;
	int64_t started_us;
	int64_t status_at_ms;
	struct commit_log commit_log;
	bool reload_again;   /* requested while one was running, or the store was being written */
	bool reload_failed;  /* the last one: the files are not what is in force */
	bool is_left_behind; /* a worker hangs: nothing that it may use is freed */
	bool is_stuck_reported;
	bool is_reopen_reported; /* that the database cannot be opened again */
	bool is_away;		 /* the database was moved, removed or replaced */
	char sent_status[200];
};

/* Log what was found. Returns whether that holds no error. */
static bool log_complaints(const struct err *e)
{
	for (size_t i = 0; i < e->n_items; i++) {
		if (e->items[i].warning)
			log_warning("%s", e->items[i].text);
		else
			log_error("%s", e->items[i].text);
	}
	return e->n_errors == 0;
}

static void report_status(struct app *app, int64_t now_ms)
{
	lines_report(app->lines);
	app->status_at_ms = now_ms;
	intake_forget_news(&app->intake);
}

static void end_loop(struct app *app)
{
	app->exit_code = EXIT_FAILURE;
	ev_break(app->loop, EVBREAK_ALL);
}

/* A database that turns out to be damaged, or to be stuck, is opened again while polling continues. */
static void commit_ended(struct app *app, const struct store_result *r)
{
	struct store *s = store_writer_store(app->writer);

	commit_log_outcome(&app->commit_log, s, r->outcome, r->n_pending, r->took_ms);
	switch (r->outcome) {
	case STORE_WRITTEN:
	case STORE_NOTHING:
	case STORE_POSTPONED:
	case STORE_FAILED:
		break;
	case STORE_DAMAGED:
		log_error("database: %s: damaged", store_error(s));
		store_writer_start(app->writer, STORE_JOB_REOPEN, app->conf);
		break;
	case STORE_STUCK:
		if (!app->is_reopen_reported)
			log_warning("database: opening it again");
		store_writer_start(app->writer, STORE_JOB_REOPEN, app->conf);
		break;
	case STORE_AWAY:
		app->is_away = true;
		end_loop(app);
		break;
	}
}

/* A database that cannot be opened now is tried again with each commit. */
static void reopen_ended(struct app *app, const struct store_result *r)
{
	if (r->rc == 0 || r->rc == -ESTALE || !app->is_reopen_reported)
		log_complaints(&r->e);
	app->is_reopen_reported = r->rc != 0;
	if (r->rc == 0)
		store_writer_start(app->writer, STORE_JOB_COMMIT, NULL);
	else if (r->rc == -ESTALE)
		end_loop(app);
}

static bool is_status_due(const struct app *app, int64_t now_ms)
{
	int64_t every_ms = mono_us() - app->started_us < EARLY_US ? STATUS_EARLY_MS : STATUS_EVERY_MS;

	return intake_has_news(&app->intake) || llabs(now_ms - app->status_at_ms) >= every_ms;
}

static void commit_due(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct app *app = w->data;
	struct store *s = store_writer_store(app->writer);
	int64_t now_ms = mono_wall_ms();

	(void)loop, (void)revents;
	intake_watch_clock(&app->intake);
	if (s == NULL) {
		commit_log_running(&app->commit_log, store_writer_busy_ms(app->writer));
		return;
	}
	if (is_status_due(app, now_ms))
		report_status(app, now_ms);
	store_tick(s, now_ms / 1000);
	store_writer_start(app->writer, STORE_JOB_COMMIT, NULL);
}

/* Send the line that the service manager shows, "3 of 4 buses and 57 of 60 meters up", when it has changed. */
static void send_status(struct app *app)
{
	struct lines_count n;
	char text[sizeof(app->sent_status)];

	lines_count(app->lines, &n);
	snprintf(text, sizeof(text), "%zu of %zu buses and %zu of %zu meters up%s%s", n.n_buses_up, n.n_buses,
		 n.n_meters_up, n.n_meters, app->commit_log.is_failing ? "; the database cannot be written" : "",
		 app->reload_failed ? "; the new configuration has errors, the old one is in force" : "");
	if (strcmp(text, app->sent_status) == 0)
		return;
	snprintf(app->sent_status, sizeof(app->sent_status), "%s", text);
	notify_send("STATUS=%s\n", text);
}

static void status_line_due(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	send_status(w->data);
}

/* That this is called proves that the loop turns. Whether the buses make progress only they can say. */
static void watchdog_due(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct app *app = w->data;
	const char *stuck = lines_stuck(app->lines);

	(void)loop, (void)revents;
	if (stuck == NULL)
		notify_send("WATCHDOG=1\n");
	else if (!app->is_stuck_reported)
		log_error("bus %s: its worker hangs in the driver of the port or in the network; the watchdog will "
			  "restart tallyd",
			  stuck);
	app->is_stuck_reported = stuck != NULL;
}

static void send_ready(struct app *app)
{
	app->sent_status[0] = '\0';
	notify_send("READY=1\n");
	send_status(app);
}

/* Warn of changed keys that the store takes only when it is opened; keep_readings and interval it takes at any time. */
static void warn_unchangeable(const struct conf *old, const struct conf *new)
{
	const struct {
		const char *key;
		bool differs;
	} keys[] = {
		{"path", strcmp(old->store_path, new->store_path) != 0},
		{"durability", old->durability != new->durability},
		{"timezone", strcmp(old->timezone, new->timezone) != 0},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].differs)
			log_warning("%s/tallyd.ini: %s of [store] has changed; restart tallyd to apply it", new->dir,
				    keys[i].key);
}

static void apply_settings(struct app *app)
{
	intake_set_trust(&app->intake, app->conf->clock);
	app->commit.repeat = app->conf->commit_interval_ms / 1000.0;
	ev_timer_again(app->loop, &app->commit);
	log_set_level(app->verbose ? LOG_LEVEL_DEBUG : app->conf->log_level);
}

static void reload(struct app *app);

static bool is_reload_possible(struct app *app)
{
	return store_writer_store(app->writer) != NULL && !lines_is_changing(app->lines);
}

/* Do a reload that had to wait, if nothing is in its way any more. */
static void reload_if_wanted(struct app *app)
{
	if (app->reload_again && is_reload_possible(app)) {
		app->reload_again = false;
		reload(app);
	}
}

static void end_reload(struct app *app)
{
	send_ready(app);
	reload_if_wanted(app);
}

static void reload_done(void *context, const struct lines_change *change)
{
	struct app *app = context;
	char detail[160];

	snprintf(detail, sizeof(detail), "buses: %zu unchanged, %zu changed, %zu removed, %zu added", change->n_kept,
		 change->n_changed, change->n_removed, change->n_added);
	log_info("tallyd: configuration reloaded; %s", detail);
	intake_event(&app->intake, mono_wall_ms(), "tallyd", "configuration-reloaded", detail);
	end_reload(app);
}

/* Read and check all files before anything is changed, and hand the store the new configuration. NULL, after logging
 * every error: nothing has changed. */
static struct conf *read_whole(struct app *app)
{
	struct err e = {0};
	struct conf *conf = conf_load(app->dir, &e);
	size_t n_errors = e.n_errors;

	/* errors that leave out single meters are no reason to keep an old configuration */
	if (conf != NULL)
		store_writer_configure(app->writer, conf, &e);
	log_complaints(&e);
	if (conf == NULL || e.n_errors > n_errors) {
		log_error("tallyd: configuration not reloaded, %zu errors above; the old one stays in force",
			  e.n_errors);
		conf_free(conf);
		conf = NULL;
	}
	err_fini(&e);
	return conf;
}

/* While the store is free. */
static void reload(struct app *app)
{
	struct conf *conf;

	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading the configuration\n", (long long)mono_us());
	conf = read_whole(app);
	app->reload_failed = conf == NULL;
	if (conf == NULL) {
		end_reload(app);
		return;
	}
	warn_unchangeable(app->conf, conf);
	conf_free(app->conf);
	app->conf = conf;
	apply_settings(app);
	if (lines_set(app->lines, conf, reload_done, app) < 0) {
		log_error("tallyd: out of memory, the buses are not changed");
		end_reload(app);
	}
}

static void job_ended(struct ev_loop *loop, ev_async *a, int revents)
{
	struct app *app = a->data;
	struct store_result r;

	(void)loop, (void)revents;
	if (!store_writer_take(app->writer, &r))
		return;
	switch (r.job) {
	case STORE_JOB_COMMIT:
		commit_ended(app, &r);
		break;
	case STORE_JOB_REOPEN:
		reopen_ended(app, &r);
		break;
	}
	err_fini(&r.e);
	reload_if_wanted(app);
}

/* Called from the thread of the writer. */
static void wake_loop(void *context)
{
	struct app *app = context;

	ev_async_send(app->loop, &app->written);
}

static void reload_requested(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct app *app = w->data;

	(void)loop, (void)revents;
	app->reload_again = true;
	reload_if_wanted(app);
}

static void end_requested(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)w, (void)revents;
	ev_break(loop, EVBREAK_ALL);
}

static int start_conf(struct app *app)
{
	struct err e = {0};

	app->conf = conf_load(app->dir, &e);
	log_complaints(&e);
	if (app->conf == NULL && e.out_of_memory) {
		log_error("tallyd: out of memory while the configuration was read");
		app->exit_code = EXIT_FAILURE;
	} else if (app->conf == NULL) {
		log_error("tallyd: the configuration has errors, see above; correct it and run tally check");
		app->exit_code = EXIT_CONFIG;
	}
	err_fini(&e);
	if (app->conf == NULL)
		return -1;
	log_set_level(app->verbose ? LOG_LEVEL_DEBUG : app->conf->log_level);
	return 0;
}

static void stop_conf(struct app *app)
{
	if (!app->is_left_behind)
		conf_free(app->conf);
}

static int start_loop(struct app *app)
{
	signal(SIGPIPE, SIG_IGN);
	/* a limit on the size of files is a full disk */
	signal(SIGXFSZ, SIG_IGN);
	app->loop = ev_default_loop(EVFLAG_AUTO);
	if (app->loop == NULL)
		log_error("tallyd: cannot start the event loop (%s)", strerror(errno));
	return app->loop == NULL ? -1 : 0;
}

static void stop_loop(struct app *app)
{
	if (!app->is_left_behind)
		ev_loop_destroy(app->loop);
}

static int start_store(struct app *app)
{
	struct err e = {0};
	struct store *s = store_open(app->conf, &e);

	/* the first time it sets the time zone: no thread may run yet */
	if (s != NULL)
		store_configure(s, app->conf, &e);
	ev_async_init(&app->written, job_ended);
	app->written.data = app;
	ev_async_start(app->loop, &app->written);
	if (s != NULL && e.n_errors == 0) {
		app->writer = store_writer_new(s, wake_loop, app);
		if (app->writer == NULL)
			err_add(&e, NULL, 0, "the thread of the database cannot be started (%s)", strerror(errno));
	}
	log_complaints(&e);
	err_fini(&e);
	if (app->writer == NULL) {
		store_close(s);
		return -1;
	}
	intake_init(&app->intake, app->writer, app->conf->clock);
	return 0;
}

static void stop_store(struct app *app)
{
	if (store_close(store_writer_end(app->writer)) != 0)
		app->exit_code = EXIT_FAILURE;
	ev_async_stop(app->loop, &app->written);
}

static void watch_signal(struct app *app, ev_signal *w, void (*called)(struct ev_loop *, ev_signal *, int), int number)
{
	ev_signal_init(w, called, number);
	w->data = app;
	ev_signal_start(app->loop, w);
}

static int start_signals(struct app *app)
{
	watch_signal(app, &app->terminate, end_requested, SIGTERM);
	watch_signal(app, &app->interrupt, end_requested, SIGINT);
	watch_signal(app, &app->hangup, reload_requested, SIGHUP);
	return 0;
}

static void stop_signals(struct app *app)
{
	ev_signal_stop(app->loop, &app->terminate);
	ev_signal_stop(app->loop, &app->interrupt);
	ev_signal_stop(app->loop, &app->hangup);
}

/* Every line finishes the request in hand, and its answer is still taken. */
static void stop_lines(struct app *app)
{
	struct store_result r;

	if (app->lines == NULL)
		return;
	app->is_left_behind = !lines_stop(app->lines, LINES_END_MS);
	/* the last figures go into the last commit */
	store_writer_wait(app->writer);
	if (store_writer_take(app->writer, &r))
		err_fini(&r.e);
	report_status(app, mono_wall_ms());
	lines_free(app->lines);
}

static void lines_started(void *context, const struct lines_change *change)
{
	struct app *app = context;

	if (change->n_failed > 0)
		app->exit_code = EXIT_FAILURE;
}

static int start_lines(struct app *app)
{
	struct poller_sink sink = intake_sink(&app->intake);

	app->lines = lines_new(app->loop, &sink);
	if (app->lines == NULL || lines_set(app->lines, app->conf, lines_started, app) < 0) {
		log_error("tallyd: out of memory");
		app->exit_code = EXIT_FAILURE;
	}
	if (app->exit_code == EXIT_SUCCESS)
		return 0;
	stop_lines(app);
	return -1;
}

static void watch_timer(struct app *app, ev_timer *w, void (*called)(struct ev_loop *, ev_timer *, int), double every_s)
{
	ev_timer_init(w, called, every_s, every_s);
	w->data = app;
	ev_timer_start(app->loop, w);
}

static int start_timers(struct app *app)
{
	int64_t watchdog_us = notify_watchdog_us();

	app->started_us = mono_us();
	watch_timer(app, &app->commit, commit_due, app->conf->commit_interval_ms / 1000.0);
	if (notify_is_wanted())
		watch_timer(app, &app->status_line, status_line_due, STATUS_LINE_EVERY_S);
	if (watchdog_us > 0)
		watch_timer(app, &app->watchdog, watchdog_due, (double)watchdog_us / 2e6);
	return 0;
}

static void stop_timers(struct app *app)
{
	ev_timer_stop(app->loop, &app->commit);
	ev_timer_stop(app->loop, &app->status_line);
	ev_timer_stop(app->loop, &app->watchdog);
}

static int start_announcing(struct app *app)
{
	char zone[ZONE_TEXT_MAX];

	zone_describe(app->conf->timezone, app->conf->timezone_source, zone);
	log_info("tallyd %s: running; buses: %zu, database %s, time zone %s", TALLY_VERSION, app->conf->n_buses,
		 app->conf->store_path, zone);
	send_ready(app);
	return 0;
}

static void stop_announcing(struct app *app)
{
	notify_send("STOPPING=1\nSTATUS=%s\n", app->is_away ? "the database is not at its path any more; see the log"
							    : "finishing the requests in hand");
	log_info("tallyd: stopping");
}

/* The parts of the daemon, started in this order and stopped in the reverse. When one does not start, those before it
 * are stopped. */
static const struct {
	int (*start)(struct app *app); /* 0, or -1 after a log line */
	void (*stop)(struct app *app);
} steps[] = {
	{start_conf, stop_conf},	     /* what to do, read whole and checked */
	{start_loop, stop_loop},	     /* which everything below hangs in */
	{start_signals, stop_signals},	     /* end, reload: received from here on, obeyed once all has started */
	{start_store, stop_store},	     /* opened, brought up to date, configured */
	{start_lines, stop_lines},	     /* every bus: its worker, its poller */
	{start_timers, stop_timers},	     /* commit, status, watchdog */
	{start_announcing, stop_announcing}, /* ready, or stopping */
};

static int run(struct app *app)
{
	size_t n_steps = sizeof(steps) / sizeof(steps[0]), n = 0;

	while (n < n_steps && steps[n].start(app) == 0)
		n++;
	if (n == n_steps)
		ev_run(app->loop, 0);
	else if (app->exit_code == EXIT_SUCCESS)
		app->exit_code = EXIT_FAILURE;
	while (n-- > 0)
		steps[n].stop(app);
	return app->exit_code;
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
