/* SPDX-License-Identifier: MIT */
/* Check the configuration, and that each bus has time for what is to be read: a round in which everything is due must
 * fit into the shortest period. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf.h"
#include "conf_load.h"
#include "driver.h"
#include "err.h"
#include "frame.h"
#include "plan.h"
#include "tally.h"
#include "tally_access.h"
#include "tally_option.h"
#include "zone.h"

/* Time that the network and a gateway add to a request. The line behind them is added when its speed is given. */
enum { TCP_OVERHEAD_US = 10000, FENCE_WORDS = 2 };

/* The work of a round in which everything is due, and the time there is for it. */
struct load {
	unsigned requests;
	int64_t us;
	int64_t line_us;   /* of that, what a line of known speed needs */
	uint32_t period_s; /* the shortest, 0 = none */
	unsigned period_line;
	const char *period_key;
	const struct conf_meter *slowest; /* the meter that costs most time when it is dead */
};

/* How long a dead meter keeps the bus in a round. */
static int64_t dead_ms(const struct conf_meter *m)
{
	return (int64_t)m->response_timeout_ms * (m->retries + 1);
}

static void add_request(const struct conf_bus *b, const struct driver *d, unsigned n_words, struct load *load)
{
	int64_t line_us = 0;

	if (b->baud != 0)
		line_us = frame_exchange_us(n_words, d->turnaround_ms, b->baud, conf_bits_per_char(b));
	if (b->transport != CONF_TCP)
		line_us += ((int64_t)b->rs485_delay_before_ms + b->rs485_delay_after_ms) * 1000;
	load->requests++;
	load->line_us += line_us;
	load->us += line_us + (b->transport == CONF_TCP ? TCP_OVERHEAD_US : 0) +
		    (b->baud == 0 ? (int64_t)d->turnaround_ms * 1000 : 0);
}

/* Add the requests that read the groups, and the fences between them. 0, or -1 when out of memory. */
static int add_requests(const struct conf_bus *b, const struct driver *d, unsigned groups, struct load *load)
{
	struct plan *p = plan_new(d, groups, NULL, NULL);

	if (p == NULL)
		return -1;
	for (size_t i = 0; i < p->n_requests; i++)
		add_request(b, d, p->requests[i].n_words, load);
	for (size_t i = 0; i < p->n_fences && b->transport != CONF_TCP; i++)
		add_request(b, d, FENCE_WORDS, load);
	plan_free(p);
	return 0;
}

/* Whether the meter is a further load of a device: its requests have the lengths of those of the load before. */
static bool is_further_load(const struct conf_bus *b, const struct conf_meter *m)
{
	for (const struct conf_meter *other = b->meters; other < m; other++)
		if (other->address == m->address)
			return true;
	return false;
}

static int add_meter(const struct conf_bus *b, const struct conf_meter *m, struct load *load)
{
	const struct {
		enum driver_group group;
		uint32_t period_s;
		unsigned line;
		const char *key;
	} periods[] = {{DRIVER_ENERGY, m->energy_every_s, m->energy_every_line, "energy_every"},
		       {DRIVER_POWER, m->power_every_s, m->power_every_line, "power_every"}};
	unsigned groups = 0;

	if (m->driver == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		struct load own = {0};

		if (periods[i].period_s == 0)
			continue;
		if (add_requests(b, m->driver, periods[i].group, &own) != 0)
			return -1;
		if (own.requests == 0) /* the model has nothing to read in this period */
			continue;
		groups |= periods[i].group;
		if (load->period_s == 0 || periods[i].period_s < load->period_s) {
			load->period_s = periods[i].period_s;
			load->period_line = periods[i].line;
			load->period_key = periods[i].key;
		}
	}
	if (groups == 0)
		return 0;
	if (load->slowest == NULL || dead_ms(m) > dead_ms(load->slowest))
		load->slowest = m;
	if (b->transport != CONF_TCP && is_further_load(b, m))
		add_request(b, m->driver, FENCE_WORDS, load);
	/* Groups that are due together share requests. */
	return add_requests(b, m->driver, groups, load);
}

/* A port that is not there may be an adapter that is not plugged in yet. */
static void print_absence(const struct conf_bus *b)
{
	struct stat st;

	if (b->transport == CONF_RTU && stat(b->device, &st) != 0 && errno == ENOENT)
		fprintf(stderr,
			"warning: %s: device = %s is not there now; plug in the adapter (ls /dev/serial/by-id "
			"lists those that are)\n",
			b->file, b->device);
}

static void print_bus(const struct conf_bus *b)
{
	printf("bus %s: %s ", b->name, conf_transport_text(b->transport));
	if (b->transport == CONF_RTU)
		printf("%s", b->device);
	else
		printf("%s port %u", b->host, b->port);
	if (b->baud != 0)
		printf(", %u baud 8%c%u", b->baud, b->parity, b->stop_bits);
	printf(", %zu meter%s\n", b->n_meters, b->n_meters == 1 ? "" : "s");
}

/* Print how long a round takes. Returns false when it is longer than the shortest period, with the reason on standard
 * error. */
static bool check_bus(const struct conf_bus *b)
{
	struct load load = {0};
	const struct conf_meter *m;
	double round_s, dead_s;

	print_bus(b);
	print_absence(b);
	for (size_t i = 0; i < b->n_meters; i++) {
		if (add_meter(b, &b->meters[i], &load) != 0) {
			fprintf(stderr, "%s: out of memory\n", b->file);
			return false;
		}
	}
	if (load.period_s == 0)
		return true;
	m = load.slowest;
	round_s = (double)load.us / 1e6;
	dead_s = (double)dead_ms(m) / 1e3;
	printf("  a round of everything: %u request%s, %.2f s%s; shortest period %u s, line busy %.0f %% of it\n",
	       load.requests, load.requests == 1 ? "" : "s", round_s, b->transport == CONF_TCP ? " (estimated)" : "",
	       load.period_s, 100 * round_s / load.period_s);
	if (round_s > load.period_s) {
		/* how fast a gateway is cannot be known here */
		bool is_certain = (double)load.line_us / 1e6 > load.period_s;

		fprintf(stderr, "%s%s:%u: %s = %us %s too short: a round takes %s%.2f s; write %s = %.0fs or more\n",
			is_certain ? "" : "warning: ", b->file, load.period_line, load.period_key, load.period_s,
			is_certain ? "is" : "may be", is_certain ? "" : "about ", round_s, load.period_key,
			ceil(round_s));
		return !is_certain;
	}
	if (round_s + dead_s > load.period_s)
		fprintf(stderr,
			"warning: %s:%u: if meter %s stops answering, a round takes %.2f s longer (%u x %u ms) and "
			"misses "
			"its period of %u s once\n",
			b->file, m->line, m->name, dead_s, m->retries + 1, m->response_timeout_ms, load.period_s);
	return true;
}

static bool is_used(const struct conf *conf, const char *model)
{
	for (size_t i = 0; i < conf->n_buses; i++)
		for (size_t k = 0; k < conf->buses[i].n_meters; k++)
			if (strcmp(conf->buses[i].meters[k].model, model) == 0)
				return true;
	return false;
}

/* Print the faults of a register table that no meter uses: they stop nothing yet. */
static void check_unused_table(const struct conf *conf, const char *model)
{
	char *file = NULL, *shadowed = NULL;
	struct err e = {0};

	if (driver_find(conf->driver_path, model, &file, &shadowed) == 0)
		driver_free(driver_load(file, &e));
	if (e.n_errors > 0) {
		err_warn(&e, file, 0, "no meter uses this table yet");
		err_demote(&e, 0);
		err_print(&e, stderr);
	}
	err_fini(&e);
	free(file);
	free(shadowed);
}

/* Somebody may be writing one. */
static void check_unused_tables(const struct conf *conf)
{
	char **models = driver_list(conf->driver_path);

	for (size_t i = 0; models != NULL && models[i] != NULL; i++) {
		if (!is_used(conf, models[i]))
			check_unused_table(conf, models[i]);
		free(models[i]);
	}
	free(models);
}

int tally_check(const struct tally *t)
{
	static const struct option options[] = {{"start", no_argument, NULL, 's'}, {0}};
	bool is_start = false;
	char zone[ZONE_TEXT_MAX];
	struct err e = {0};
	struct conf *conf;
	bool is_good, can_start;
	int c;

	while ((c = tally_option(t, options)) != -1) {
		if (c != 's')
			return TALLY_USAGE;
		is_start = true;
	}
	if (optind < t->argc)
		return tally_misused(t, "unexpected argument \"%s\"", t->argv[optind]);
	conf = conf_load(t->dir, &e);
	err_print(&e, stderr);
	is_good = conf != NULL && e.n_errors == 0;
	if (conf != NULL) {
		zone_describe(conf->timezone, conf->timezone_source, zone);
		printf("time zone %s\n", zone);
	}
	for (size_t i = 0; conf != NULL && i < conf->n_buses; i++)
		if (!check_bus(&conf->buses[i]))
			is_good = false;
	if (conf != NULL)
		check_unused_tables(conf);
	if (conf != NULL && !tally_access_has_folder(conf))
		is_good = false;
	if (!tally_access_check(t->dir, conf))
		is_good = false;
	can_start = conf != NULL;
	printf("%s: %s\n", t->dir,
	       is_good		       ? "good"
	       : is_start && can_start ? "tallyd can start, but there are errors, see above"
				       : "has errors, see above");
	conf_free(conf);
	err_fini(&e);
	return is_good || (is_start && can_start) ? TALLY_GOOD : TALLY_BAD;
}
