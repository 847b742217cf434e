/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "conf.h"
#include "conf_load.h"
#include "driver.h"
#include "err.h"
#include "frame.h"
#include "plan.h"
#include "tally.h"

/* What the network and a gateway add to a request; the line behind it counts when its speed is given. */
enum { TCP_OVERHEAD_US = 10000 };

/* The work of one round in which everything is due, and what has to fit into it. */
struct load {
	unsigned requests;
	int64_t us;
	uint32_t period_s; /* the shortest, 0 = none */
	unsigned period_line;
	const char *period_key;
	const struct conf_meter *dearest; /* the one that costs most time when it is dead */
};

static int64_t dead_ms(const struct conf_meter *m)
{
	return (int64_t)m->response_timeout_ms * (m->retries + 1);
}

static int64_t request_us(const struct conf_bus *b, const struct driver *driver, const struct plan_request *r)
{
	int64_t own_us = b->transport == CONF_TCP
				 ? TCP_OVERHEAD_US
				 : ((int64_t)b->rs485_delay_before_ms + b->rs485_delay_after_ms) * 1000;

	return own_us + (b->baud != 0
				 ? frame_exchange_us(r->n_words, driver->turnaround_ms, b->baud, conf_bits_per_char(b))
				 : (int64_t)driver->turnaround_ms * 1000);
}

/* Add the requests that read the groups. Returns 0, or -1 for want of memory. */
static int add_requests(const struct conf_bus *b, const struct driver *driver, unsigned groups, struct load *load)
{
	struct plan *p = plan_new(driver, groups, NULL, NULL);

	if (p == NULL)
		return -1;
	load->requests += (unsigned)p->n_requests;
	for (size_t i = 0; i < p->n_requests; i++)
		load->us += request_us(b, driver, &p->requests[i]);
	plan_free(p);
	return 0;
}

/* Take a period into account, when the model has anything to read at it: *groups gets what is read. */
static int add_period(const struct conf_bus *b, const struct conf_meter *m, enum driver_group group, struct load *load,
		      unsigned *groups)
{
	const bool is_energy = group == DRIVER_ENERGY;
	const uint32_t period_s = is_energy ? m->energy_every_s : m->power_every_s;
	struct load own = {0};

	if (period_s == 0)
		return 0;
	if (add_requests(b, m->driver, group, &own) != 0)
		return -1;
	if (own.requests == 0)
		return 0;
	*groups |= group;
	if (load->period_s == 0 || period_s < load->period_s) {
		load->period_s = period_s;
		load->period_line = is_energy ? m->energy_every_line : m->power_every_line;
		load->period_key = is_energy ? "energy_every" : "power_every";
	}
	return 0;
}

static int add_meter(const struct conf_bus *b, const struct conf_meter *m, struct load *load)
{
	unsigned groups = 0;

	if (m->driver == NULL)
		return 0;
	if (add_period(b, m, DRIVER_ENERGY, load, &groups) != 0 || add_period(b, m, DRIVER_POWER, load, &groups) != 0)
		return -1;
	if (groups == 0)
		return 0;
	if (load->dearest == NULL || dead_ms(m) > dead_ms(load->dearest))
		load->dearest = m;
	return add_requests(b, m->driver, groups, load);
}

static void print_line(const struct conf_bus *b)
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

/* Returns 0 when the line can keep the periods, else -1 after telling why not. */
static int check_load(const struct conf_bus *b, const struct load *load)
{
	const struct conf_meter *m = load->dearest;
	double round_s = (double)load->us / 1e6, dead_s = (double)dead_ms(m) / 1e3;

	printf("  a round of everything: %u request%s, %.2f s%s; shortest period %u s, line busy %.0f %% of it\n",
	       load->requests, load->requests == 1 ? "" : "s", round_s, b->transport == CONF_TCP ? " (estimated)" : "",
	       load->period_s, 100 * round_s / load->period_s);
	if (round_s > load->period_s) {
		fprintf(stderr, "%s:%u: %s = %us: a round of this line takes %.2f s, at least %.0fs allowed\n", b->file,
			load->period_line, load->period_key, load->period_s, round_s, ceil(round_s));
		return -1;
	}
	if (round_s + dead_s > load->period_s)
		fprintf(stderr,
			"warning: %s:%u: meter %s, when dead, costs %.2f s more (%u x %u ms) and breaks the period of "
			"%u "
			"s once\n",
			b->file, m->line, m->name, dead_s, m->retries + 1, m->response_timeout_ms, load->period_s);
	return 0;
}

static int check_bus(const struct conf_bus *b)
{
	struct load load = {0};

	print_line(b);
	for (size_t i = 0; i < b->n_meters; i++) {
		if (add_meter(b, &b->meters[i], &load) != 0) {
			fprintf(stderr, "%s: out of memory\n", b->file);
			return -1;
		}
	}
	return load.period_s == 0 ? 0 : check_load(b, &load);
}

int tally_check(const struct tally *t)
{
	struct err e = {0};
	struct conf *conf;
	int code = TALLY_GOOD;

	if (t->argc > 1) {
		fprintf(stderr, "tally check: \"%s\": no argument expected\n", t->argv[1]);
		return TALLY_USAGE;
	}
	conf = conf_load(t->dir, &e);
	err_print(&e, stderr);
	if (conf == NULL || e.n_errors > 0)
		code = TALLY_BAD;
	for (size_t i = 0; conf != NULL && i < conf->n_buses; i++)
		if (check_bus(&conf->buses[i]) != 0)
			code = TALLY_BAD;
	printf("%s: %s\n", t->dir, code == TALLY_GOOD ? "good" : "not good, see above");
	conf_free(conf);
	err_fini(&e);
	return code;
}
