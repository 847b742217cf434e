/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "link.h"
#include "plan.h"
#include "tally.h"

/* Over TCP the wire behind the gateway is not known: what the network and the gateway add to a meter's turnaround. */
enum { TCP_OVERHEAD_US = 10000 };

/* The work of one round: how many requests, how long on the line. */
struct load {
	unsigned requests;
	int64_t us;
};

static int add_meter(const struct conf_bus *b, const struct conf_meter *m, unsigned groups, struct load *load)
{
	int64_t turn_us = ((int64_t)b->rs485_delay_before_ms + b->rs485_delay_after_ms) * 1000;
	struct plan *p = plan_new(m->driver, groups, NULL, NULL);

	if (p == NULL)
		return -1;
	for (size_t i = 0; i < p->n_requests; i++) {
		load->requests++;
		load->us +=
			b->transport == CONF_TCP
				? (int64_t)m->driver->turnaround_ms * 1000 + TCP_OVERHEAD_US
				: plan_request_us(m->driver, &p->requests[i], b->baud, conf_bits_per_char(b)) + turn_us;
	}
	plan_free(p);
	return 0;
}

static unsigned groups_of(const struct conf_meter *m)
{
	return (m->energy_every_s ? DRIVER_ENERGY : 0) | (m->power_every_s ? DRIVER_POWER : 0);
}

static uint32_t shortest_period_s(const struct conf_meter *m)
{
	if (m->power_every_s == 0 || (m->energy_every_s != 0 && m->energy_every_s < m->power_every_s))
		return m->energy_every_s;
	return m->power_every_s;
}

/* Add up a round in which everything is due, and find the shortest period and the dearest dead meter. */
static int bus_load(const struct conf_bus *b, struct load *load, uint32_t *period_s, const struct conf_meter **dearest)
{
	int64_t dearest_ms = -1;

	for (size_t i = 0; i < b->n_meters; i++) {
		const struct conf_meter *m = &b->meters[i];
		int64_t dead_ms = (int64_t)m->response_timeout_ms * (m->retries + 1);
		uint32_t s = shortest_period_s(m);

		if (m->driver == NULL || s == 0)
			continue;
		if (add_meter(b, m, groups_of(m), load) != 0)
			return -1;
		if (*period_s == 0 || s < *period_s)
			*period_s = s;
		if (dead_ms > dearest_ms) {
			dearest_ms = dead_ms;
			*dearest = m;
		}
	}
	return 0;
}

static void print_line(const struct conf_bus *b)
{
	const char *plural = b->n_meters == 1 ? "" : "s";

	if (b->transport == CONF_RTU)
		printf("bus %s: rtu %s, %u baud 8%c%u, %zu meter%s\n", b->name, b->device, b->baud, b->parity,
		       b->stop_bits, b->n_meters, plural);
	else
		printf("bus %s: %s %s port %u, %zu meter%s\n", b->name, conf_transport_text(b->transport), b->host,
		       b->port, b->n_meters, plural);
}

static int check_bus(const struct conf_bus *b)
{
	const struct conf_meter *dearest = NULL;
	struct load load = {0};
	uint32_t period_s = 0;
	double round_s, dead_s;

	print_line(b);
	if (bus_load(b, &load, &period_s, &dearest) != 0) {
		fprintf(stderr, "%s: out of memory\n", b->file);
		return -1;
	}
	if (dearest == NULL)
		return 0;
	round_s = (double)load.us / 1e6;
	dead_s = (double)dearest->response_timeout_ms * (dearest->retries + 1) / 1e3;
	printf("  a round of everything: %u requests, %.2f s%s; shortest period %u s, line busy %.0f %%\n",
	       load.requests, round_s, b->transport == CONF_TCP ? " (estimated)" : "", period_s,
	       100 * round_s / period_s);
	if (round_s > period_s) {
		fprintf(stderr, "%s: a round takes %.2f s, the shortest period is %u s: at least %.0f s allowed here\n",
			b->file, round_s, period_s, round_s + 1);
		return -1;
	}
	if (round_s + dead_s > period_s)
		fprintf(stderr,
			"warning: %s: meter %s, when dead, costs %.2f s more (%u x %u ms) and breaks the period of %u "
			"s once\n",
			b->file, dearest->name, dead_s, dearest->retries + 1, dearest->response_timeout_ms, period_s);
	return 0;
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
	if (conf != NULL)
		conf_check_units(conf, link_unit_max(), &e);
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
