/* SPDX-License-Identifier: MIT */
/* meter.h - one meter as its poller sees it: the parts that its state is made of, each written by its own file.
 *
 * This is only the composition. The header of each part says what it owns and guarantees; the poller decides what an
 * answer means for all of them together.
 * No I/O, no clock, no logging; it allocates in meter_new(), and asking when a plan is made. One thread. */
#ifndef TALLY_METER_H
#define TALLY_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "asking.h"
#include "conf.h"
#include "due.h"
#include "health.h"
#include "identity.h"
#include "parts.h"
#include "round.h"
#include "second.h"

struct meter {
	const struct conf_meter *conf;
	int64_t id;			/* the store's */
	struct due due;			/* when */
	struct asking asking;		/* what, and the answers */
	struct parts parts;		/* which registers it lacks */
	struct health health;		/* whether it answers */
	struct meter_identity identity; /* which device it is */
	struct second second;		/* what is read a second time */
	struct round_mark mark;		/* which round it was asked in */
};

/* A meter of the configuration, which has a driver and must outlive it. Only slots after now_ms (wall time) are due.
 * NULL = out of memory. */
struct meter *meter_new(const struct conf_meter *conf, int64_t id, int64_t now_ms);

/* The store has another id for it now. */
void meter_renew_id(struct meter *m, int64_t id);

/* NULL is allowed. No job may be under way. */
void meter_free(struct meter *m);

/* Before anything is asked: take over all that old knows. It is configured alike and asks nothing any more. */
void meter_inherit(struct meter *m, const struct meter *old);

/* The text of the view meter_status; a meter that is not the model of the configuration is suspect. */
const char *meter_state_text(const struct meter *m);

#endif
