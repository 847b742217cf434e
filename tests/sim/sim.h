/* SPDX-License-Identifier: MIT */
/* sim.h - the running simulation: one clock for all meters, one answer for each request. */
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

struct sim {
	struct site *site;
	FILE *trace;		   /* or NULL */
	int64_t wall_us;	   /* wall clock at the start */
	int64_t mono_us;	   /* monotonic clock at the start */
	int64_t start_ms;	   /* the meters' clock at the start */
	uint64_t chance;	   /* all of the run's chance */
	struct sim_counts *counts; /* one for each meter of the site */
};

/* What becomes of one request. */
enum sim_verdict {
	SIM_ANSWER,  /* the right answer is in answer */
	SIM_FAULT,   /* so it is, and rule says what befalls it */
	SIM_UNKNOWN, /* no meter of that address on the bus */
};

struct sim_result {
	enum sim_verdict verdict;
	struct fault_rule rule; /* a copy: rules may go while the fault lasts */
	struct adu answer;
	uint32_t turnaround_ms;
};

/* Start the clock and every meter. site must outlive it. 0, or -errno. */
int sim_init(struct sim *sim, struct site *site);
void sim_fini(struct sim *sim);

/* The meters' own time: it goes on with the monotonic clock, so that a step of the wall clock is no leap of theirs, and
 * is held at multiples of the wall clock as it was at the start. */
int64_t sim_meter_ms(const struct sim *sim);

/* The meter, gone on to now. */
struct meter *sim_meter(struct sim *sim, int32_t meter);

/* What the meter at the request's unit of the bus says. Traces it. */
struct sim_result sim_request(struct sim *sim, size_t bus, const struct adu *request);

#endif
