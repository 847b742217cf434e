/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mono.h"
#include "slave.h"

int sim_init(struct sim *sim, struct site *site)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*sim = (struct sim){.site = site, .mono_us = mono_us(), .chance = site->seed};
	sim->wall_us = now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
	sim->start_ms = site->start_ms < 0 ? sim->wall_us / 1000 : site->start_ms;
	sim->counts = calloc(site->n_meters + 1, sizeof(*sim->counts));
	sim->ends = calloc(site->n_meters + 1, sizeof(*sim->ends));
	if (sim->counts == NULL || sim->ends == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_meters; i++) {
		uint64_t seed = site->seed;

		for (const char *c = site->meters[i].name; *c != '\0'; c++)
			seed = meter_mix(seed ^ (unsigned char)*c);
		meter_start(&site->meters[i], seed, sim->start_ms);
	}
	if (site->trace != NULL && (sim->trace = fopen(site->trace, "we")) == NULL)
		return -errno;
	return 0;
}

void sim_fini(struct sim *sim)
{
	if (sim->trace != NULL)
		fclose(sim->trace);
	free(sim->counts);
	free(sim->ends);
	*sim = (struct sim){0};
}

int64_t sim_meter_ms(const struct sim *sim)
{
	int64_t wall_us = sim->wall_us + mono_us() - sim->mono_us;

	if (sim->site->hold_ms > 0)
		wall_us -= wall_us % (sim->site->hold_ms * INT64_C(1000));
	if (wall_us < sim->wall_us)
		wall_us = sim->wall_us;
	return sim->start_ms + (wall_us - sim->wall_us) * sim->site->speed / 1000;
}

struct meter *sim_meter(struct sim *sim, int32_t meter)
{
	struct meter *m = &sim->site->meters[meter];

	meter_advance(m, sim_meter_ms(sim));
	return m;
}

/* The meter that is asked; of several loads of a device the one whose registers they are, or the first. */
static int32_t find_unit(const struct sim *sim, size_t bus, const struct adu *request)
{
	int32_t first = -1;

	for (size_t i = 0; i < sim->site->n_meters; i++) {
		const struct meter *m = &sim->site->meters[i];

		if (m->bus != bus || m->address != request->unit)
			continue;
		if (slave_is_asked(m, request))
			return (int32_t)i;
		first = first < 0 ? (int32_t)i : first;
	}
	return first;
}

static void trace_request(const struct sim *sim, const struct meter *m, const struct adu *request,
			  const struct sim_result *result)
{
	uint8_t exception = slave_exception(&result->answer);
	const uint8_t *p = request->pdu;

	if (sim->trace == NULL)
		return;
	fprintf(sim->trace, "%" PRId64 " %s %u:%u+%u", mono_wall_ms(), m->name, p[0], p[1] << 8 | p[2],
		p[3] << 8 | p[4]);
	if (result->verdict == SIM_FAULT)
		fprintf(sim->trace, " %s", fault_name(result->rule.kind));
	else if (exception != 0)
		fprintf(sim->trace, " exception-%u", exception);
	else
		fputs(" ok", sim->trace);
	if (exception == 0)
		slave_print_shown(m, request, sim->trace);
	fputc('\n', sim->trace);
	fflush(sim->trace);
}

void sim_end_trouble(struct sim *sim, const struct fault_rule *rule)
{
	for (size_t i = 0; i < sim->site->n_meters; i++) {
		struct meter *m = &sim->site->meters[i];

		if ((rule->bus != FAULT_ANY && rule->bus != (int32_t)m->bus) ||
		    (rule->meter != FAULT_ANY && rule->meter != (int32_t)i))
			continue;
		sim->ends[i].at_us[rule->kind] = 0;
		meter_end_trouble(m, (enum meter_trouble)fault_trouble(rule->kind));
	}
}

/* End the troubles of a meter whose time is over. */
static void end_troubles(struct sim *sim, int32_t meter)
{
	int64_t now_us = mono_us();

	for (int k = 0; k < FAULT_KINDS; k++) {
		struct fault_rule rule = {.kind = (enum fault_kind)k, .bus = FAULT_ANY, .meter = meter};
		int64_t end_us = sim->ends[meter].at_us[k];

		if (end_us != 0 && end_us <= now_us)
			sim_end_trouble(sim, &rule);
	}
}

/* The fault that a trouble of the meter began with. */
static enum fault_kind find_kind(unsigned troubles)
{
	int k = 0;

	while ((fault_trouble((enum fault_kind)k) & troubles) == 0)
		k++;
	return (enum fault_kind)k;
}

/* The fault that happens to a request to the meter; its kind is FAULT_NONE when there is none. One that begins a
 * trouble happens only where it changes the answer. */
static struct fault_rule find_fault(struct sim *sim, size_t bus, int32_t meter, const struct adu *request)
{
	struct site *s = sim->site;
	struct meter *m = &s->meters[meter];
	enum site_transport t = s->buses[bus].transport;
	unsigned troubles = slave_troubles(m, request);
	const struct fault_rule *rule = NULL;

	if (troubles == 0)
		rule = fault_draw(s->faults, s->n_faults, (int32_t)bus, meter, t == SITE_TCP, t != SITE_RTU,
				  m->troubles, &sim->chance);
	if (rule != NULL && fault_trouble(rule->kind) == 0)
		return *rule;
	if (rule != NULL) {
		sim->ends[meter].at_us[rule->kind] = mono_us() + rule->delay_ms * INT64_C(1000);
		meter_begin_trouble(m, (enum meter_trouble)fault_trouble(rule->kind), rule->registers, rule->exception);
		troubles = slave_troubles(m, request);
	}
	return (struct fault_rule){.kind = troubles == 0 ? FAULT_NONE : find_kind(troubles)};
}

struct sim_result sim_request(struct sim *sim, size_t bus, const struct adu *request)
{
	struct sim_result result = {.verdict = SIM_UNKNOWN, .answer = *request};
	int32_t index = find_unit(sim, bus, request);
	struct sim_counts *counts;
	struct meter *m;

	if (index < 0)
		return result;
	m = sim_meter(sim, index);
	counts = &sim->counts[index];
	counts->requests++;
	end_troubles(sim, index);
	result.rule = find_fault(sim, bus, index, request);
	slave_answer(m, request, &result.answer);
	result.verdict = SIM_ANSWER;
	result.turnaround_ms = m->turnaround_ms;
	if (result.rule.kind != FAULT_NONE) {
		result.verdict = SIM_FAULT;
		counts->faults[result.rule.kind]++;
	} else if (slave_exception(&result.answer) != 0) {
		counts->exceptions++;
	} else {
		counts->answers++;
	}
	trace_request(sim, m, request, &result);
	return result;
}
