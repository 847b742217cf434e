/* SPDX-License-Identifier: MIT */
/* ledger_takeback.h - readings are counted again, otherwise than they were: because an exchange was none (tally replace
 * --undo), so that the life before it continues; or because one was before readings that have been counted (tally
 * replace --at).
 *
 * Guaranteed: intervals, days, months, registers and lives are then what the readings give without that exchange, or
 * with it in its place among them; or nothing is changed, and the request has the reason.
 *
 * The idea. A state that the account had before the exchange is kept (ledger_state.h). From there the kept readings of
 * the meter are counted again, twice: once as they were, which gives what is in the database, and once as it is right.
 * The difference is written, and a revision names its span. So this needs to know nothing of how the account counts.
 *
 * Pitfalls. It is possible only as long as counting again gives what was counted: no later change of the key or the
 * intervals, and all readings are kept. The first of the two runs proves that, since it must end where the account is.
 * The second must find without the exchange that the counters continue; if not, it is another meter. Figures of an
 * exchange are judged in its place among the readings, too.
 *
 * Safe to run twice: all is done in the running transaction, inside a savepoint that a refusal returns to.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_TAKEBACK_H
#define TALLY_LEDGER_TAKEBACK_H

#include <stdbool.h>

#include "ledger_book.h"
#include "ledger_exchange.h"
#include "ledger_feed.h"
#include "ledger_intervals.h"
#include "ledger_limits.h"
#include "ledger_lives.h"
#include "ledger_registers.h"
#include "ledger_request.h"
#include "ledger_revisions.h"
#include "ledger_state.h"

struct ledger_takings;

/* Zeros and the parts that it works with, which are borrowed. */
struct ledger_takeback {
	struct ledger_book *book;
	const struct ledger_limits *limits;
	struct ledger_lives *lives;
	struct ledger_intervals *intervals;
	struct ledger_registers *registers;
	struct ledger_revisions *revisions;
	struct ledger_state *state;
	const struct ledger_feed *feed;
	struct ledger_exchange_desk *exchange;
	struct ledger_takings
		*takings; /* where intervals go while readings are counted again; NULL = they are written */
};

/* Decide about each of these requests that is one to take an exchange back, or that is late. There are no more readings
 * in the running transaction. 0 or -errno. */
int ledger_takeback(struct ledger_takeback *t, struct ledger_request_list *requests);

/* Returns true when readings are counted again: then the interval was noted, and is not to be written. One without
 * values takes nothing out and may be written. */
bool ledger_takeback_takes(struct ledger_takeback *t, const struct account_interval *i);

#endif
