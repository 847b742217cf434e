/* SPDX-License-Identifier: MIT */
/* parts.h - which registers a meter lacks or refuses for a while, found by halving the requests that it refused.
 *
 * A meter refuses a whole request (exception 2 or 3) when it lacks one register of it, or when the request is longer
 * than it allows. parts_begin() and parts_add() take the refused requests of one plan; parts_next() hands them out one
 * by one, to be asked in the time that rounds leave; parts_take() is given each answer. A part that is refused twice in
 * a row is halved, down to the single row that the meter refuses. The results, at the end of the search:
 *   - A row that was refused alone is missing. It is left out of every plan from then on, and a coarser register of the
 *     same quantity takes its place. If it has answered before, the meter does not lack it: exceptions 2 and 3 can be
 *     passing states (start-up, menus, disturbances). It is asked again, alone, with growing pauses, until it answers.
 *   - Every row can be read, only not in one request: the rows at which the parts began are cuts, where requests begin
 *     from then on. Cuts are made only when no missing row explains the refusal.
 *   - All that there is to read would be missing: a meter that refuses everything does not lack everything, so nothing
 *     is learned and it will be asked for all of it again.
 *   - The refusal did not come again, or the meter fell silent: nothing is learned. The next refusal starts over.
 *
 * struct parts is written by parts.c only. It knows plans but not jobs, and it makes no plan: the maker of plans uses
 * missing and cuts, and makes its plans again when version has changed. The plan of a search must live until the search
 * is over or version has changed. Pure: no allocation, no I/O, no logging; the wall clock is an argument. One thread.
 */
#ifndef TALLY_PARTS_H
#define TALLY_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum {
	PARTS_MAX = 32, /* parts waiting to be asked; one that finds no room is left to the next refusal */
	PARTS_NAMES_MAX = 256,
	PARTS_PAUSE_MIN_MS = 10000, /* first pause before the rows that have answered before are asked again; doubles */
	PARTS_PAUSE_MAX_MS = 300000, /* up to this */
};

struct parts {
	const struct driver *driver;
	struct plan_rows missing; /* rows that the meter refuses: never asked for */
	struct plan_rows cuts;	  /* rows that must start a request: the meter refuses a longer one */
	unsigned version;	  /* changes with missing and cuts */

	struct plan_rows answered; /* rows that have answered */
	struct plan_rows reported; /* rows that parts_name_refused() has named, and that have not answered since */

	/* Rows that are missing though they have answered are asked again, one after the other. */
	int64_t again_at_ms; /* the next time, wall clock */
	int64_t pause_ms;
	unsigned again; /* the row to ask next, or one before it */

	/* The search under way. */
	const struct plan *plan;
	unsigned groups; /* enum driver_group mask that the plan reads */
	size_t n_waiting;
	struct plan_request waiting[PARTS_MAX]; /* the last is asked next */
	struct plan_request current;		/* handed out by parts_next() */
	bool is_second_try;			/* current has been refused once already */
	struct plan_rows found, new_cuts;	/* become missing or cuts when the search is over */
};

/* The answer to the part that parts_next() handed out. */
enum parts_answer { PARTS_READ, PARTS_REFUSED, PARTS_SILENT };

enum parts_result {
	PARTS_MORE,	   /* more parts wait to be asked */
	PARTS_MISSING,	   /* over: the meter lacks rows and will be read without them */
	PARTS_TOO_LONG,	   /* over: the meter has every row but refuses long reads; it will be read in parts */
	PARTS_ALL_REFUSED, /* over: the meter refuses everything and will be asked for it again */
	PARTS_NOTHING,	   /* over: a passing refusal, or the meter fell silent */
};

/* driver must outlive p. */
void parts_init(struct parts *p, const struct driver *driver);

/* Go on with the missing rows and the cuts of old, whose table has the same rows. A search of old is not continued. */
void parts_inherit(struct parts *p, const struct parts *old);

/* Whether parts wait to be asked. */
bool parts_is_searching(const struct parts *p);

/* Start a search in this plan, which reads these groups; not while parts_is_searching(). */
void parts_begin(struct parts *p, const struct plan *plan, unsigned groups);

/* Add a refused request of the plan. The one added last is asked first. */
void parts_add(struct parts *p, struct plan_request r);

/* The next part to ask. False: none waits, *r is untouched. */
bool parts_next(struct parts *p, struct plan_request *r);

/* Take the answer to that part. */
enum parts_result parts_take(struct parts *p, enum parts_answer answer, int64_t now_ms);

/* After PARTS_MISSING or PARTS_ALL_REFUSED: name the rows that were refused and not named before, of those that have
 * answered before or of the others; "voltage_l1 at 100, ..." or "" when there is none. The text is cut at a whole name,
 * and the rest is counted; out holds n bytes, at least 30. Of PARTS_ALL_REFUSED only those that have answered before
 * have names. */
void parts_name_refused(struct parts *p, bool have_answered, char *out, size_t n);

/* These rows have answered. Names those that parts_name_refused() has named, in the same way. */
void parts_note_answered(struct parts *p, const struct plan_rows *rows, char *out, size_t n);

/* Name the rows that were refused after they had answered, and that have not answered since, in the same way. */
void parts_name_refusing(const struct parts *p, char *out, size_t n);

/* When a row is to be asked again that is missing though it has answered, wall time; INT64_MAX: there is none. */
int64_t parts_again_ms(const struct parts *p);

/* The row to ask then; there is one. */
unsigned parts_next_again(struct parts *p);

/* Take the answer to that row. PARTS_READ: it is not missing any more. */
void parts_take_again(struct parts *p, enum parts_answer answer, int64_t now_ms);

/* The wall clock was set back to now_ms. */
void parts_clock_set_back(struct parts *p, int64_t now_ms);

/* The line was lost: give up the search and learn nothing from it. */
void parts_abandon(struct parts *p);

/* Ask for everything again: nothing is missing, nothing is cut. What was reported and has answered stays. */
void parts_forget(struct parts *p);

#endif
