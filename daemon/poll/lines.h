/* SPDX-License-Identifier: MIT */
/* lines.h - all buses at work: for each its worker, its poller and what wakes them in the loop.
 * One (the main) thread.
 *
 * A configuration is put into force by lines_set(). A bus that the new one has unchanged (conf_bus_equal()) is left
 * alone: it goes on with the old configuration's structs, which conf_keep() holds for it. All others end first, each
 * within BUS_GRACE_MS while the rest goes on; when the last has closed its port, what the new configuration wants
 * begins, so that a port is never fought for. Meters of a changed bus that are configured as before keep what is
 * known of them. */
#ifndef TALLY_LINES_H
#define TALLY_LINES_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "poller.h"

struct lines;

/* What putting a configuration into force came to, in buses. */
struct lines_change {
	size_t n_kept, n_changed, n_removed, n_added;
	size_t n_failed; /* of these, those that could not be started; each has been logged */
};

struct lines_count {
	size_t n_buses, n_buses_up, n_meters, n_meters_up;
};

/* No line yet. loop and the sink's context must outlive it. NULL = no memory. */
struct lines *lines_new(struct ev_loop *loop, const struct poller_sink *sink);

/* Put conf into force; meter ids are asked of the sink when a line begins. done(context, change) is called once it is,
 * at once when no line has to end. Not while lines_is_changing(). 0, or -ENOMEM: nothing was changed. */
int lines_set(struct lines *l, struct conf *conf, void (*done)(void *context, const struct lines_change *change),
	      void *context);
bool lines_is_changing(const struct lines *l);

/* End all lines together and take what they bring. False: a worker hung for longer than within_ms and was left behind,
 * after a log line; it still uses the loop and its configuration, so that the process can only exit. */
bool lines_stop(struct lines *l, unsigned within_ms);

/* After lines_stop(). NULL is allowed. */
void lines_free(struct lines *l);

/* Hand the sink the status of every meter and bus. */
void lines_report(struct lines *l);

void lines_count(const struct lines *l, struct lines_count *n);

/* Name of a bus whose worker hangs (bus_is_stuck()), or NULL. */
const char *lines_stuck(const struct lines *l);

#endif
