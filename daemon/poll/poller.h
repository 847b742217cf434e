/* SPDX-License-Identifier: MIT */
/* poller.h - one bus: which meter is asked when, and where its answers go.
 *
 * Rounds. A round asks every meter that has something due in a slot and answered when last asked; its jobs are queued
 * at once. A slot that comes while a round is still under way is skipped by the meters of that round, and counted as an
 * overrun; energy due in it is read as soon as the round ends, unless the next energy slot has come by then.
 *
 * Slack. In the time that a round leaves before the next slot, one job at a time, its timeout cut to that time: retries
 * of what failed in the round, then meters that failed in the round before, then probes of meters that are down. So a
 * dead meter delays the others once, by one timeout. A meter that needs longer than the time left waits for a round
 * that leaves more, or until it has waited long; then it is asked anyway, also between rounds that follow each other
 * without a pause, as on a line that is too slow for its periods.
 *
 * Line or meter. When no meter of a round answers, those that were not asked but answered last are asked too. If they
 * are silent as well it is the line: it is down, the meters keep their state, and one in turn is asked now and then. A
 * gateway that answers for silent meters is no silent line. A slot that was not read because the line was lost is read
 * when the line is back, if the slot still lasts.
 *
 * The way of an answer. The bus brings a job back; asking says what became of it; one function for each task (read,
 * identify, part, probe) decides what that means for the meter and calls the sink. Only the poller joins these: every
 * other module of the room owns one struct and knows nothing of the rest.
 *
 * Each change of state is logged and reported once. No I/O except through the bus; the wall clock is an argument. One
 * (the main) thread. */
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

/* Where a poller's results go. Called from inside poller_*() calls; texts are valid during the call. */
struct poller_sink {
	void *context;
	void (*reading)(void *context, const struct reading *r);
	/* How the counters of r agree with those known; power_mw: the highest active power since the last ones, -1 =
	 * not known. If they do not follow on, the meter is read a second time before reading() is called. NULL = they
	 * always do. */
	enum reading_doubt (*judge)(void *context, const struct reading *r, int64_t power_mw);
	/* Whether this is the serial number last known of the meter. If not, the meter is asked for it until it has
	 * come twice, before serial() is called. NULL = it always is. */
	bool (*is_known_serial)(void *context, int64_t meter, const char *serial);
	void (*event)(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail);
	void (*serial)(void *context, int64_t meter, const char *serial);
	/* The store's id of the meter of this name. */
	int64_t (*meter_id)(void *context, const char *name);
	/* Called from lines_report(). */
	void (*meter_status)(void *context, int64_t meter, const struct meter_status *st);
	void (*bus_status)(void *context, const char *bus, const struct bus_status *st);
};

/* A poller for one bus of the configuration; bus, conf and the sink's context must outlive it. Meters whose driver
 * could not be read are left out. now_ms is the wall time. NULL = out of memory. */
struct poller *poller_new(const struct conf_bus *conf, struct bus *bus, const struct poller_sink *sink, int64_t now_ms);

/* After bus_stop(): take the jobs that the bus gives back. What was answered is passed on, and nothing more is asked; a
 * slot of which nothing was read counts as not taken. is_replaced: another configuration is in force already. Then
 * values and serial numbers are not passed on, since they may mean something else by that, and their slots are not
 * taken. */
void poller_end(struct poller *p, bool is_replaced, int64_t now_ms);

/* Ask the sink again for the id of each meter: it may have another one. */
void poller_renew_ids(struct poller *p);

/* Before the first poller_tick(): take over what old, which has ended, knows of the line and of each meter that both
 * have and that is configured as before. */
void poller_inherit(struct poller *p, const struct poller *old);

/* No job may be under way: call it after poller_end(). NULL is allowed. */
void poller_free(struct poller *p);

/* Give the bus what is due at wall time now_ms. */
void poller_tick(struct poller *p, int64_t now_ms);

/* Wall time, ms, after now_ms at which poller_tick() next has something to do. */
int64_t poller_next_ms(const struct poller *p, int64_t now_ms);

/* Take every job that has come back, pass on its results, end the round when it was the last, and ask on. */
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
