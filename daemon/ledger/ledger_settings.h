/* SPDX-License-Identifier: MIT */
/* ledger_settings.h - the settings that the account was made with, with the time from which they hold: the length of
 * intervals, the time zone, and how often each meter is read.
 *
 * Guaranteed: a rebuild cuts the same intervals as the daemon did, also where the settings were changed meanwhile.
 *
 * The idea: where the length or the zone changes, the running intervals of all meters end where they are
 * (account_cut()). In the order of the readings that is another place for each meter: after the last one of it that had
 * been counted. So a change is kept with that slot of each meter, and a rebuild acts on it before the next reading of
 * the meter. Until all meters have passed a change, each has its own calendar. The period of the readings decides what
 * a gap is, so a change of it is kept in the same way, and cuts nothing.
 *
 * Pitfalls. The C library has one time zone, so a calendar is made again when the next reading is of a meter with
 * another one; around a change that is so for some readings. A database of an older version knows only the last
 * settings.
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

/* Days, months and intervals are these from now on (ledger_book_set_calendar()). */
void ledger_settings_set_calendar(const struct ledger_settings *s, const char *zone, int64_t interval_s);

/* Whether these, with the periods of the book, are the last settings that were kept. */
bool ledger_settings_are_noted(const struct ledger_settings *s, const char *zone, int64_t interval_s);

/* Keep them as those that hold for readings from now on, in the running transaction. The state of the account must be
 * saved in it too: a replay knows only the settings that hold now. 0 or -errno. */
int ledger_settings_note(const struct ledger_settings *s, const char *zone, int64_t interval_s);

/* For a rebuild: the settings that have held. */
struct ledger_settings_step {
	int64_t id, at_s, interval_s;
	int64_t request_id; /* the last exchange that was made before */
	char zone[LEDGER_ZONE_MAX + 1];
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

/* Take the settings that held at at_s, INT64_MIN: at first. */
void ledger_settings_begin(const struct ledger_settings *s, const struct ledger_settings_list *list, int64_t at_s);

/* The next change that comes before a reading of slot_s of this meter; NULL = none. */
const struct ledger_settings_step *ledger_settings_next(const struct ledger_settings_list *list, size_t meter,
							int64_t slot_s);

/* Make it, for the meter and the inputs on it. 0 or -errno. */
int ledger_settings_change(const struct ledger_settings *s, struct ledger_settings_list *list, size_t meter);

/* A meter comes next: take the settings that hold for it. */
void ledger_settings_enter(const struct ledger_settings *s, const struct ledger_settings_list *list, size_t meter);

#endif
