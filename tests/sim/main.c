/* SPDX-License-Identifier: MIT */
/* tally-sim - a simulated site of meters and gateways; tally-sim(1). */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "control.h"
#include "line.h"
#include "log.h"
#include "sim.h"
#include "site.h"

enum { EXIT_GOOD = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

struct options {
	const char *trace, *socket, *control;
	bool check;
};

static int usage(FILE *out, int code)
{
	fputs("usage: tally-sim [-v] [--trace FILE] [--socket PATH] SITE\n"
	      "       tally-sim --check SITE\n"
	      "       tally-sim --control PATH COMMAND...\n"
	      "       tally-sim --version\n",
	      out);
	return code;
}

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)signal;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static int open_lines(struct sim *sim, struct line **lines, struct ev_loop *loop)
{
	for (size_t i = 0; i < sim->site->n_buses; i++) {
		lines[i] = line_new(sim, i, loop);
		if (lines[i] == NULL)
			return -1;
	}
	return 0;
}

static void print_ready(const struct sim *sim, struct line **lines)
{
	for (size_t i = 0; i < sim->site->n_buses; i++) {
		printf("bus %s ", sim->site->buses[i].name);
		line_print_place(lines[i], stdout);
		putchar('\n');
	}
	puts("ready");
	fflush(stdout);
}

static int run_loop(struct sim *sim)
{
	struct ev_loop *loop = ev_default_loop(0);
	struct line **lines = calloc(sim->site->n_buses, sizeof(struct line *));
	struct control *control = NULL;
	ev_signal terminate, interrupt;
	int code = EXIT_BAD;

	if (loop == NULL || lines == NULL) {
		fprintf(stderr, "out of memory\n");
		goto out;
	}
	ev_signal_init(&terminate, on_stop, SIGTERM);
	ev_signal_init(&interrupt, on_stop, SIGINT);
	ev_signal_start(loop, &terminate);
	ev_signal_start(loop, &interrupt);
	signal(SIGPIPE, SIG_IGN);
	if (open_lines(sim, lines, loop) != 0)
		goto out;
	if (sim->site->control != NULL) {
		control = control_new(sim->site->control, sim, lines, loop);
		if (control == NULL)
			goto out;
	}
	print_ready(sim, lines);
	ev_run(loop, 0);
	code = EXIT_GOOD;
out:
	control_free(control);
	for (size_t i = 0; lines != NULL && i < sim->site->n_buses; i++)
		line_free(lines[i]);
	free(lines);
	if (loop != NULL)
		ev_loop_destroy(loop);
	return code;
}

static int simulate(struct site *site, const struct options *o)
{
	struct sim sim = {0};
	int code = EXIT_BAD, rc;

	rc = site_override(site, o->trace, o->socket);
	if (rc != 0)
		goto out;
	rc = sim_init(&sim, site);
	if (rc != 0)
		goto out;
	code = run_loop(&sim);
out:
	if (rc != 0)
		fprintf(stderr, "%s: %s\n", site->trace != NULL ? site->trace : site->file, strerror(-rc));
	sim_fini(&sim);
	return code;
}

static int run_site(const char *file, const struct options *o)
{
	struct err e = {0};
	struct site *site = site_load(file, &e);
	int code = EXIT_BAD;

	err_print(&e, stderr);
	err_fini(&e);
	if (site == NULL)
		return EXIT_BAD;
	if (o->check)
		printf("%s: %zu bus%s, %zu meter%s, good\n", file, site->n_buses, site->n_buses == 1 ? "" : "es",
		       site->n_meters, site->n_meters == 1 ? "" : "s");
	code = o->check ? EXIT_GOOD : simulate(site, o);
	site_free(site);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"trace", required_argument, NULL, 't'},   {"socket", required_argument, NULL, 's'},
		{"control", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'n'},
		{"verbose", no_argument, NULL, 'v'},	   {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},	   {NULL, 0, NULL, 0},
	};
	struct options o = {0};
	int option;

	while ((option = getopt_long(argc, argv, "+t:s:c:nvh", longs, NULL)) != -1) {
		switch (option) {
		case 't':
			o.trace = optarg;
			break;
		case 's':
			o.socket = optarg;
			break;
		case 'c':
			o.control = optarg;
			break;
		case 'n':
			o.check = true;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'V':
			puts("tally-sim " TALLY_VERSION);
			return EXIT_GOOD;
		case 'h':
			return usage(stdout, EXIT_GOOD);
		default:
			return usage(stderr, EXIT_USAGE);
		}
	}
	if (o.control != NULL)
		return optind < argc ? control_send(o.control, argc - optind, argv + optind)
				     : usage(stderr, EXIT_USAGE);
	if (optind + 1 != argc)
		return usage(stderr, EXIT_USAGE);
	return run_site(argv[optind], &o);
}
