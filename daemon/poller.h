/* SPDX-License-Identifier: MIT */
/* poller.h - what is due when on one bus, each meter's state, and the way from words to readings.
 * No I/O but through the bus; takes the clock as an argument. One (the main) thread. */
#ifndef TALLY_POLLER_H
#define TALLY_POLLER_H

#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "conf.h"
#include "reading.h"
#include "store.h"

struct poller;

/* Where a poller's results go. Called from inside poller_*() calls. */
struct poller_sink {
	void *context;
	void (*reading)(void *context, const struct reading *r);
	void (*event)(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail);
	void (*serial)(void *context, int64_t meter, const char *serial);
	int64_t (*meter_id)(void *context, const char *name);
};

/* A poller for one bus of the configuration; bus, conf and sink's context must outlive it. NULL = no memory. */
struct poller *poller_new(const struct conf_bus *conf, struct bus *bus, const struct poller_sink *sink);
void poller_free(struct poller *p);

/* Hand the bus what is due at wall time now_ms. A slot that comes while the last round still runs is skipped and
 * counted. */
void poller_tick(struct poller *p, int64_t now_ms);

/* Wall time, ms, at which poller_tick() next has something to do. */
int64_t poller_next_ms(const struct poller *p, int64_t now_ms);

/* Take all answered jobs: decode, emit readings and events, queue retries. */
void poller_results(struct poller *p, int64_t now_ms);

/* True while jobs are under way. */
bool poller_busy(const struct poller *p);

size_t poller_n_meters(const struct poller *p);
/* Status of meter i of the bus, for the store and the log. */
void poller_meter_status(const struct poller *p, size_t i, int64_t *meter, struct store_meter_status *st);
/* Status of the bus since the last call. */
void poller_bus_status(struct poller *p, int64_t now_ms, struct store_bus_status *st);

#endif
