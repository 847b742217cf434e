/* SPDX-License-Identifier: MIT */
/* poller.h - what is due when on one bus: rounds, retries, probes, line up or down.
 * No I/O but through the bus, no clock but the one handed in. Logs and reports each change of state once.
 * One (the main) thread.
 *
 * A round asks every meter that has something due in a slot and answered when last asked; its jobs are queued at once.
 * In the time that it leaves before the next slot, one at a time and their timeouts cut to that time: further tries of
 * what failed in the round, meters that failed in the round before, probes of meters that are down. So a dead meter
 * holds up the others once, by one timeout. A meter that needs longer than that time to answer waits for more, or
 * until it has waited long; also where one round follows the other, as on a line that is too slow for its periods.
 * A slot that comes while a round is still under way is skipped by the meters of that round, and counted; energy due in
 * it is read as soon as the round ends, unless the next energy slot has come by then.
 * When nobody answers it is the line, once those who were not asked but answered last have been asked too: it is down,
 * the meters keep their state, and one in turn is asked now and then. A gateway that answers for silent meters is up.
 * What the loss of the line kept from being read is read when it is back, if its slot lasts until then.
 */
#ifndef TALLY_POLLER_H
#define TALLY_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "conf.h"
#include "reading.h"
#include "status.h"

struct poller;

/* Where a poller's results go. Called from inside poller_*() calls. */
struct poller_sink {
	void *context;
	void (*reading)(void *context, const struct reading *r);
	/* Whether its counters follow on from what is known. If not, the meter is read once more before reading() has
	 * it. NULL = they always do. */
	bool (*plausible)(void *context, const struct reading *r);
	/* Whether the serial number is the one last known of the meter, or none is. If not, the meter is asked once
	 * more who it is before serial() has it. NULL = it always is. */
	bool (*is_known_serial)(void *context, int64_t meter, const char *serial);
	void (*event)(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail);
	void (*serial)(void *context, int64_t meter, const char *serial);
	int64_t (*meter_id)(void *context, const char *name);
	/* Called from lines_report(); texts are valid during the call. */
	void (*meter_status)(void *context, int64_t meter, const struct meter_status *st);
	void (*bus_status)(void *context, const char *bus, const struct bus_status *st);
};

/* A poller for one bus of the configuration; bus, conf and the sink's context must outlive it. Meters whose driver
 * could not be read are left out. now_ms is the wall time. NULL = no memory. */
struct poller *poller_new(const struct conf_bus *conf, struct bus *bus, const struct poller_sink *sink, int64_t now_ms);

/* After bus_stop(): take what the bus gives back. What was answered is emitted, nothing more is asked; a slot of which
 * nothing was read counts as not yet taken. */
void poller_end(struct poller *p, int64_t now_ms);

/* Before the first poller_tick(): go on with what old, which has ended, knew of the line, and of the meters that both
 * have and that are configured as before. */
void poller_inherit(struct poller *p, const struct poller *old);

/* No job may be under way: after poller_end(). NULL is allowed. */
void poller_free(struct poller *p);

/* Hand the bus what is due at wall time now_ms. */
void poller_tick(struct poller *p, int64_t now_ms);

/* Wall time, ms, after now_ms at which poller_tick() next has something to do. */
int64_t poller_next_ms(const struct poller *p, int64_t now_ms);

/* Take all answered jobs: decode, emit readings and events, queue retries, end the round. */
void poller_results(struct poller *p, int64_t now_ms);

/* Whether port or connection is open and meters answer, as far as is known. */
bool poller_is_up(const struct poller *p);

size_t poller_n_meters(const struct poller *p);
size_t poller_n_meters_up(const struct poller *p);

/* Status of meter i of the bus; its texts are valid until the next call. */
void poller_meter_status(struct poller *p, size_t i, int64_t *meter, struct meter_status *st);

/* Status of the bus; busy_percent is of the time since the last call. */
void poller_bus_status(struct poller *p, struct bus_status *st);

#endif
