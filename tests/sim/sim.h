/* SPDX-License-Identifier: MIT */
/* sim.h - the running simulation: one clock for all meters, and the answer to each request. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "adu.h"
#include "fault.h"
#include "site.h"

/* The requests to one meter, by how they were answered. */
struct sim_counts {
	uint64_t requests, answers, exceptions;
	uint64_t faults[FAULT_KINDS];
};

/* When the troubles of a meter end, monotonic clock, by the fault that they began with. 0: it has no such trouble. */
struct sim_ends {
	int64_t at_us[FAULT_KINDS];
};

struct sim {
	struct site *site;
	FILE *trace;		   /* or NULL */
	int64_t wall_us;	   /* wall clock at the start */
	int64_t mono_us;	   /* monotonic clock at the start */
	int64_t start_ms;	   /* the meters' clock at the start */
	uint64_t chance;	   /* source of all chance of the run */
	struct sim_counts *counts; /* one for each meter of the site */
	struct sim_ends *ends;	   /* the same */
};

/* The outcome of one request. */
enum sim_verdict {
	SIM_ANSWER,  /* the right answer is in answer */
	SIM_FAULT,   /* the same, but the fault of rule happens to it */
	SIM_UNKNOWN, /* the bus has no meter with that address */
};

struct sim_result {
	enum sim_verdict verdict;
	struct fault_rule rule; /* a copy: the rule may be removed while the fault lasts */
	struct adu answer;
	uint32_t turnaround_ms;
};

/* Start the clock and every meter. site must outlive it. 0 or -errno. */
int sim_init(struct sim *sim, struct site *site);
void sim_fini(struct sim *sim);

/* The meters' clock, milliseconds. It follows the monotonic clock, so that a step of the wall clock does not change it.
 * With hold it advances only at multiples of hold of the wall clock; that too ignores later steps of the wall clock. */
int64_t sim_meter_ms(const struct sim *sim);

/* The meter, advanced to now. */
struct meter *sim_meter(struct sim *sim, int32_t meter);

/* End the trouble of this rule of all meters that it is for. */
void sim_end_trouble(struct sim *sim, const struct fault_rule *rule);

/* Answer a request on the bus, count it and write it to the trace. */
struct sim_result sim_request(struct sim *sim, size_t bus, const struct adu *request);

#endif
