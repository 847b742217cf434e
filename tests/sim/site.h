/* SPDX-License-Identifier: MIT */
/* site.h - reads the site file of tally-sim(1), an ini file, into buses, meters and faults. */
#ifndef SIM_SITE_H
#define SIM_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver.h"
#include "err.h"
#include "fault.h"
#include "meter.h"

enum { SITE_NAME_MAX = METER_NAME_MAX };

enum site_transport { SITE_RTU, SITE_TCP, SITE_RTU_OVER_TCP };

struct site_bus {
	char name[SITE_NAME_MAX + 1];
	enum site_transport transport;
	char *path;    /* rtu: symbolic link to the pseudo-terminal */
	char *listen;  /* address to listen on, a literal */
	uint16_t port; /* 0 = any free port */
	uint32_t baud; /* 0: a gateway whose line takes no time */
	char parity;   /* 'N', 'E', 'O' */
	uint8_t stop_bits;
	bool pace; /* keep the line's speed and the meters' turnaround */
	uint32_t max_connections;
	uint32_t gateway_timeout_ms; /* tcp: time until exception 11 for an unknown unit; 0 = no answer */
	unsigned line;		     /* of its section in the site file */
};

struct site {
	char *file;
	uint32_t speed;	  /* simulated seconds per second */
	int64_t start_ms; /* simulated time at the start; -1 = now */
	uint64_t seed;
	uint32_t hold_ms; /* values change only at multiples of this time of the wall clock; 0 = always */
	char *driver_path, *control, *trace;
	size_t n_buses, n_meters, n_faults, n_drivers;
	struct site_bus *buses;
	struct meter *meters; /* not yet started */
	struct fault_rule *faults;
	struct driver **drivers;
};

/* Read a site file and the register tables that it names. Every complaint goes into e. NULL when there is an error. */
struct site *site_load(const char *file, struct err *e);
void site_free(struct site *s);

/* Index of the bus or meter with this name, or -1. */
int32_t site_find_bus(const struct site *s, const char *name);
int32_t site_find_meter(const struct site *s, const char *name);

/* Add one fault rule. False: out of memory. */
bool site_add_fault(struct site *s, const struct fault_rule *rule);

/* Remove the rules of the same kind, exception, bus and meter. */
void site_remove_faults(struct site *s, const struct fault_rule *like);

/* Can a fault of the rule's kind happen on the rule's bus? True when the rule is for every bus. */
bool site_fault_fits(const struct site *s, const struct fault_rule *rule);

/* Replace the paths of the trace and the control socket; NULL keeps the path of the file. 0 or -ENOMEM. */
int site_override(struct site *s, const char *trace, const char *control);

/* "rtu", "tcp", "rtu-over-tcp". */
const char *site_transport_text(enum site_transport t);

#endif
