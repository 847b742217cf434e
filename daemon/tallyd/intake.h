/* SPDX-License-Identifier: MIT */
/* intake.h - where what the buses report enters the store, and where the pollers' questions are answered.
 *
 * A reading is of its slot only if the clock was right when it was read: while the clock is not known good readings are
 * marked unsynchronised here, before the store has them. A step of the clock becomes an event.
 *
 * A clock that shows less at the start than when the newest reading was taken was set back while nobody watched, or it
 * was ahead then. When it passes that time by itself, the store is informed that it was set back by the difference: at
 * least so much more time lies between the readings than their slots say. Where it is set on before that, it is right
 * again. How long the program did not run is not known.
 *
 * Nothing here waits for the disk: what comes in while the store is being written waits beside it (store_writer.h).
 * Questions of the pollers about the account (is this reading plausible, is this serial number known) are answered from
 * the copy that the store hands over with each commit, so an answer never depends on one that failed.
 *
 * Main thread. */
#ifndef TALLY_INTAKE_H
#define TALLY_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "poller.h"
#include "store_writer.h"

/* Only intake.c looks into it. */
struct intake {
	struct store_writer *writer;
	struct clock clock;
	int64_t newest_ms; /* when the newest reading was taken, at the start */
	int64_t behind_ms; /* so far the clock is before where it would be if nobody had set it back; 0 = it is not */
	bool is_clock_doubted; /* logged as not good */
	bool has_news;
};

/* writer must outlive the intake, and have its store. trust: when to believe the clock. */
void intake_init(struct intake *in, struct store_writer *writer, enum clock_trust trust);

void intake_set_trust(struct intake *in, enum clock_trust trust);

/* Log and report steps of the clock. Returns whether it is known good now. To be called now and then, also when no
 * reading comes. */
bool intake_watch_clock(struct intake *in);

/* Hand an event to the store, as the pollers do. at_ms: Unix milliseconds. */
void intake_event(struct intake *in, int64_t at_ms, const char *subject, const char *kind, const char *detail);

/* Has there been an event since the last intake_forget_news()? Then some state has changed and statuses are worth
 * writing. */
bool intake_has_news(const struct intake *in);
void intake_forget_news(struct intake *in);

/* The sink that the pollers report to. in must outlive them. */
struct poller_sink intake_sink(struct intake *in);

#endif
