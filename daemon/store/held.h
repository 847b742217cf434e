/* SPDX-License-Identifier: MIT */
/* held.h - what waits in memory until a commit has written it: readings, events and serial numbers.
 *
 * Readings are packed back to back, in the order in which they came. When they fill their room half of it is made free:
 * first the values that are no counters go, then the readings between others of the same meter, and more of them where
 * less has to do. So nothing that a meter has counted is lost, only how finely it is known when, and the newest
 * counters of each meter always stay, even if those alone are more than the room has. What was dropped is counted.
 *
 * A serial number has a place among the readings: those that come after it are of another device.
 *
 * A commit reads with a cursor and then calls held_written(), or held_undo() when it was rolled back; between
 * held_begin() and those two only events may be added.
 *
 * No I/O, no log. One thread. */
#ifndef TALLY_HELD_H
#define TALLY_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reading.h"

enum {
	HELD_READINGS_BYTES = 4 << 20, /* room for readings */
	HELD_EVENTS_MAX = 4096,
	HELD_SERIALS_MAX = 1024,
};

struct held_event {
	int64_t at_ms;
	char *subject, *kind, *detail; /* one allocation, which begins at subject */
};

struct held_serial {
	int64_t meter;
	char *serial;
	size_t at; /* bytes of readings that came before it */
};

/* Zeros and a room: empty. Others read n_readings, is_thinned, n_dropped, n_events_dropped, events and n_events; only
 * held.c writes. */
struct held {
	size_t room_bytes; /* for readings */
	unsigned char *bytes;
	size_t n_bytes, capacity;
	size_t n_readings;
	struct held_event *events; /* in the order in which they came */
	size_t n_events, events_capacity;
	size_t n_events_before;	     /* the commit that has begun */
	struct held_serial *serials; /* in the order of their places */
	size_t n_serials, serials_capacity;
	bool is_thinned;		    /* readings were thinned out since held_written() */
	size_t n_dropped, n_events_dropped; /* readings and events that found no room since then */
};

/* room_bytes: the most that readings may take, HELD_READINGS_BYTES except in tests. */
void held_init(struct held *h, size_t room_bytes);

/* Another room, for tests; readings are thinned out when the next one comes. */
void held_set_room(struct held *h, size_t room_bytes);

/* Free everything; h is as after held_init(). */
void held_fini(struct held *h);

enum held_push {
	HELD_ADDED,
	HELD_THINNED, /* added, after older readings were thinned out */
	HELD_LOST,    /* out of memory; counted as dropped */
};

/* Add one reading: its values of the quantities that a table keeps, and those that bound the account. A reading without
 * any of them is ignored. */
enum held_push held_push_reading(struct held *h, const struct reading *r);

/* Add one event; its texts are copied. One that finds no room is counted as dropped. at_ms: Unix milliseconds. */
void held_push_event(struct held *h, int64_t at_ms, const char *subject, const char *kind, const char *detail);

/* The same without the limit: for the one event that reports what was dropped. */
void held_push_event_anyway(struct held *h, int64_t at_ms, const char *subject, const char *kind, const char *detail);

/* Add the serial number that a meter has reported just now; the same again keeps its place. Each that is another one
 * waits, since each ended a life; where too many do, it takes the place of the meter's last one. Without memory it is
 * forgotten: the meter will report it again. */
void held_push_serial(struct held *h, int64_t meter, const char *serial);

/* The newest serial number of a meter that waits, or NULL. */
const char *held_find_serial(const struct held *h, int64_t meter);

/* Nothing waits? */
bool held_is_empty(const struct held *h);

/* How full the room for readings is. */
unsigned held_percent(const struct held *h);

/* Zeros: at the beginning. Valid until a reading or serial number is added. */
struct held_cursor {
	size_t at;	  /* where the next reading begins */
	size_t place;	  /* where the last one began; the end when there was none */
	size_t n_serials; /* given */
};

/* Unpack the next reading; its groups are 0. Returns false at the end, with *r unchanged. */
bool held_next_reading(const struct held *h, struct held_cursor *c, struct reading *r);

/* The next serial number that was reported before the reading which held_next_reading() gave last; after its end: the
 * next one of all that are left. NULL = none. */
const struct held_serial *held_next_serial(const struct held *h, struct held_cursor *c);

/* A commit begins. */
void held_begin(struct held *h);

/* It was rolled back: drop the events that were added since. */
void held_undo(struct held *h);

/* It has written everything: h is empty, nothing was dropped. */
void held_written(struct held *h);

/* Append everything that from holds, with what it dropped. from is empty then. */
void held_move(struct held *to, struct held *from);

#endif
