/* SPDX-License-Identifier: MIT */
/* lines.h - all buses at work: for each its worker, its poller and what wakes them in the event loop. The only file of
 * the room that knows ev.h.
 *
 * lines_set() puts a configuration into force. A bus that the new configuration has unchanged (conf_bus_equal()) is
 * left alone: it continues with the structs of the old configuration, which conf_keep() holds for it. All others end
 * first, each within BUS_GRACE_MS, while the unchanged ones keep polling. Only when the last of them has closed its
 * port does what the new configuration wants begin, so that two workers never fight for a port. Meters of a changed bus
 * that are configured as before keep what is known of them.
 *
 * One (the main) thread. */
#ifndef TALLY_LINES_H
#define TALLY_LINES_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "poller.h"

struct lines;

/* How many buses a new configuration kept, changed and so on. */
struct lines_change {
	size_t n_kept, n_changed, n_removed, n_added;
	size_t n_failed; /* changed or added, but could not be started; each was logged */
};

struct lines_count {
	size_t n_buses, n_buses_up, n_meters, n_meters_up;
};

/* No line yet. loop and the sink's context must outlive it. NULL = out of memory. */
struct lines *lines_new(struct ev_loop *loop, const struct poller_sink *sink);

/* Put conf into force. done(context, change) is called when it is in force, at once if no line has to end. The sink is
 * asked for the ids of meters when a line begins. Not while lines_is_changing(). 0, or -ENOMEM: nothing was changed. */
int lines_set(struct lines *l, struct conf *conf, void (*done)(void *context, const struct lines_change *change),
	      void *context);
bool lines_is_changing(const struct lines *l);

/* End all lines together and pass on what they bring. False: a worker hung for longer than within_ms and was abandoned,
 * after a log line; it still uses the loop and its configuration, so the process can only exit. */
bool lines_stop(struct lines *l, unsigned within_ms);

/* After lines_stop(). NULL is allowed. */
void lines_free(struct lines *l);

/* Pass the status of every meter and bus to the sink. */
void lines_report(struct lines *l);

void lines_count(const struct lines *l, struct lines_count *n);

/* Name of a bus whose worker hangs (bus_is_stuck()), or NULL. */
const char *lines_stuck(const struct lines *l);

#endif
