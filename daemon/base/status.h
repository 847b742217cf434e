/* SPDX-License-Identifier: MIT */
/* status.h - what a meter and a bus report of themselves: from the poller to the database and the views.
 * Plain values. */
#ifndef TALLY_STATUS_H
#define TALLY_STATUS_H

#include <stdint.h>

/* A meter as meter_status shows it; figures count from the daemon's start. */
struct meter_status {
	const char *state;    /* up, suspect, down, unconfirmed, never */
	const char *mismatch; /* found and expected identity where the device is another model; "" or NULL */
	const char *refused;  /* registers that it refuses though it has answered them; "" or NULL */
	const char *faults;   /* requests without a good answer, by kind: "3 timeout, 1 bad CRC"; "" or NULL */
	int64_t last_good_s;  /* Unix seconds of the last good answer, 0 = never */
	uint64_t failures, requests, timeouts, crc_errors, exceptions;
	uint32_t latency_us; /* typical: exponential mean */
};

/* A bus as bus_status shows it. */
struct bus_status {
	const char *state;   /* up, down */
	double busy_percent; /* of the time since the last status */
	uint64_t requests, errors, overruns;
	uint32_t round_ms; /* the last whole round */
};

#endif
