/* SPDX-License-Identifier: MIT */
/* ledger_settings.h - the settings that the account was made with, with the time from which they hold: the length of
 * intervals, the time zone, and how often each meter is read.
 *
 * Guaranteed: a rebuild cuts the same intervals as the daemon did, also where the settings were changed meanwhile. What
 * is not final when they change can be taken back as ever.
 *
 * The idea: where the length or the zone changes, an interval ends, at the newest reading of all meters. So a change is
 * kept with that time, and the calendar (calendar.h) has what held before it: the same time is cut in the same way when
 * it is counted, when it is taken back, and in a rebuild. The period of the readings decides what a gap is. It changes
 * for each meter after its last reading, so it is kept with that slot, and a rebuild acts on it before the next one.
 *
 * Pitfalls. Where the clock was set back by more than a day before a change, what had been counted of the time after
 * that is kept in the days and intervals of then. A change by an older version was kept only with the last reading of
 * each meter, and ended each counter's interval where that had been counted up to: a rebuild ends them at the newest
 * of these readings.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_SETTINGS_H
#define TALLY_LEDGER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"
#include "ledger_intervals.h"
#include "ledger_limits.h"
#include "ledger_registers.h"

/* The parts that it works with. They are borrowed. */
struct ledger_settings {
	struct ledger_book *book;
	const struct ledger_limits *limits;
	struct ledger_intervals *intervals;
	struct ledger_registers *registers;
};

/* Days, months and intervals are those that were kept, or these where none were. Not while there is another thread. 0
 * or -errno. */
int ledger_settings_load_calendar(const struct ledger_settings *s, const char *zone, int64_t interval_s);

/* The newest reading of all meters: what comes after it is cut by other settings from now on. Leaves out a meter whose
 * last reading was before the clock was set back. INT64_MIN: there is none. */
int64_t ledger_settings_newest_s(const struct ledger_settings *s);

/* Make a calendar that is the book's before from_s, and has intervals of another length from there on. 0 or -ENOMEM. */
int ledger_settings_change_calendar(const struct ledger_settings *s, int64_t interval_s, int64_t from_s,
				    struct calendar *out);

/* Days, months and intervals are those of this calendar from now on (ledger_book_set_calendar()). */
void ledger_settings_set_calendar(const struct ledger_settings *s, const char *zone, struct calendar *calendar);

/* Whether these, with the periods of the book, are the last settings that were kept. */
bool ledger_settings_are_noted(const struct ledger_settings *s, const char *zone, int64_t interval_s);

/* Keep them, in the running transaction: the zone and the length as those that hold from from_s on, the periods for the
 * readings that come. 0 or -errno. */
int ledger_settings_note(const struct ledger_settings *s, const char *zone, int64_t interval_s, int64_t from_s);

/* For a rebuild: the periods that have held. */
struct ledger_settings_step {
	int64_t id;
	int64_t request_id; /* the last exchange that was made before */
};

/* One of them for one meter; an input changes with its concentrator. */
struct ledger_settings_place {
	int64_t after_s;  /* it holds for the slots after this one */
	uint32_t every_s; /* 0 = not known */
};

/* Zeros: none. */
struct ledger_settings_list {
	size_t n, n_meters;
	struct ledger_settings_step *steps;   /* by time */
	struct ledger_settings_place *places; /* of step k and meter i: k * n_meters + i */
	size_t *next;			      /* of each meter that is read: its first step that has not been made */
};

/* Load them; 0 or -errno. The list is to be freed either way. */
int ledger_settings_load(const struct ledger_settings *s, struct ledger_settings_list *list);
void ledger_settings_free(struct ledger_settings_list *list);

/* The next change that comes before a reading of slot_s of this meter; NULL = none. */
const struct ledger_settings_step *ledger_settings_next(const struct ledger_settings_list *list, size_t meter,
							int64_t slot_s);

/* Make it, for the meter and the inputs on it. */
void ledger_settings_change(const struct ledger_settings *s, struct ledger_settings_list *list, size_t meter);

#endif
