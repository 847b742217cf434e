/* SPDX-License-Identifier: MIT */
/* ledger_request.h - table request_log: what people have ordered, and what was noticed that no reading shows. Together
 * with the readings it is all that a rebuild needs.
 *
 * A row waits until the daemon has decided about it, and then stays, with the reason: what was done, or why it was
 * refused. A request that was taken back later stays too, but is no longer in force.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_REQUEST_H
#define TALLY_LEDGER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "ledger_book.h"

enum { LEDGER_REASON_MAX = 400 }; /* bytes of why a request was refused, or what was done, with NUL */

enum ledger_request_kind {
	LEDGER_REPLACE, /* the meter was exchanged */
	LEDGER_UNDO,	/* it was not */
	/* Nobody ordered these, and they never wait. */
	LEDGER_HANDOVER, /* not ordered either: the meter that was read as another one is read as this one */
	LEDGER_SERIAL,	 /* the meter reported another serial number */
	LEDGER_KEY,	 /* its values mean something else, or come from another place (ledger_keys.h) */
};

struct ledger_request {
	int64_t id; /* 0 = not in the table yet */
	enum ledger_request_kind kind;
	int meter;    /* index in the register; -1 = it has no meter of this name */
	int other;    /* handover: the one that it was, else -1 */
	int64_t at_s; /* an exchange: the last moment of the old meter */
	bool has_final, has_initial;
	int64_t final, initial; /* base units of the main counter: active energy imported, an input's only one */
	bool is_forced;		/* figures count although they cannot be right */
	bool is_alone;		/* not of the inputs that are on the meter */
	bool is_named;	 /* the exchange was at at_s, and not somewhat earlier: people have named the time; or, of
			  * another serial number, no readings before were the new meter's */
	bool is_late;	 /* and readings after at_s had been counted when it was taken over */
	bool is_decided; /* in this list */
	bool is_partial; /* only of these counters */
	bool counters[Q_COUNT];
};

/* By at_s. Zeros: none. The list is the owner's to free. */
struct ledger_request_list {
	size_t n;
	struct ledger_request *requests;
};

/* All that wait; or all exchanges that were made and not taken back. 0 or -errno; the list is the caller's to free
 * either way. */
int ledger_request_load_waiting(const struct ledger_book *b, struct ledger_request_list *list);
int ledger_request_load_exchanges(const struct ledger_book *b, struct ledger_request_list *list);

/* Add a row for what was noticed, and fill in its id. 0 or -errno. */
int ledger_request_put_serial(const struct ledger_book *b, struct ledger_request *r, const char *serial);

int ledger_request_put_key(const struct ledger_book *b, struct ledger_request *r, const char *words);

int ledger_request_put_handover(const struct ledger_book *b, struct ledger_request *r);

/* Write what was decided about a request, and when its exchange was. 0 or -errno. */
int ledger_request_decide(const struct ledger_book *b, struct ledger_request *r, bool is_done, const char *reason);

/* An exchange was taken back by a request: it is no longer in force. 0 or -errno. */
int ledger_request_undo(const struct ledger_book *b, const struct ledger_request *exchange,
			const struct ledger_request *by);

#endif
