/* SPDX-License-Identifier: MIT */
/* ledger_exchange.h - meters that were exchanged for another one: the old one's life ends and a new one begins.
 *
 * Guaranteed: the values of the old meter and those of the new one are never subtracted from each other; an
 * exchange is acted on once, in its place among the readings; and a rebuild acts on the same exchanges in the same
 * places.
 *
 * The idea: an exchange becomes known in two ways. A meter reports another serial number: that is certain, and takes
 * effect between the reading before and the reading after it. Or an operator requests it (tally replace), perhaps days
 * later, perhaps with the final value of the old meter and the initial value of the new one: a row of table replacement
 * that is not done. A commit takes the requests over, acts on each before the first reading of a later slot, and on the
 * rest after its last reading. Each exchange that was acted on is a row that is done, which is what a rebuild reads.
 *
 * Pitfalls. A request may come when the account has already noticed the exchange by itself, as a reset of the
 * counter. Then the running life is the new meter's and must not be ended again (account_has_noticed()); the event says
 * so. A final value may be one that the meter cannot have reached: it is not counted, and the event says so. The
 * requested moment may lie before what has been counted: then the exchange is at the end of that. A request has whole
 * seconds: in that second the new meter was there, so it is before the reading of a slot in the same second.
 *
 * Safe to run twice: requests are taken over and acted on in one transaction. After a rollback
 * ledger_exchange_undo() makes the next commit look again. After an exchange the state is saved at once, because what
 * a replay feeds again are readings, and no reading shows the exchange.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_EXCHANGE_H
#define TALLY_LEDGER_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"
#include "ledger_limits.h"
#include "ledger_state.h"

struct ledger_exchange {
	size_t meter; /* index in the register */
	int64_t at_s;
	bool by_serial; /* reported by the meter; else requested by people, perhaps late */
	bool has_final, has_initial;
	int64_t final, initial; /* base units of the main counter: active energy imported, an input's only one */
	bool done;
};

/* By at_s. Zeros: none. The list is the owner's to free. */
struct ledger_exchange_list {
	size_t n;
	struct ledger_exchange *exchanges;
};

/* Zeros and the borrowed members: nothing has been taken over. */
struct ledger_exchange_desk {
	struct ledger_book *book;
	struct db_meters *reg;
	const struct ledger_limits *limits;
	struct ledger_state *state;
	int64_t seen_version; /* data_version of the database when table replacement was last read, 0 = never */
	struct ledger_exchange_list requests; /* of the running transaction */
};

/* A transaction begins: take over what was requested since the last one. 0 or -errno. */
int ledger_exchange_begin(struct ledger_exchange_desk *d);

/* Act on the requests for this meter, or for an input that is on it, that come before a reading of slot_s. 0 or
 * -errno. */
int ledger_exchange_before(struct ledger_exchange_desk *d, size_t meter, int64_t slot_s);

/* There are no more readings: act on all other requests. 0 or -errno. */
int ledger_exchange_rest(struct ledger_exchange_desk *d);

/* The transaction was committed, or rolled back. */
void ledger_exchange_committed(struct ledger_exchange_desk *d);
void ledger_exchange_undo(struct ledger_exchange_desk *d);

/* Meter i has reported this serial number. Where it had another one before, it was exchanged. 0 or -errno. */
int ledger_exchange_take_serial(struct ledger_exchange_desk *d, size_t i, const char *serial);

/* For a rebuild. All exchanges that were acted on: 0 or -errno, the list is the caller's to free either way. Then the
 * same as ledger_exchange_before() and ledger_exchange_rest(), with nothing written but what the account emits. */
int ledger_exchange_load_done(const struct ledger_exchange_desk *d, struct ledger_exchange_list *list);
void ledger_exchange_repeat_before(struct ledger_exchange_desk *d, struct ledger_exchange_list *list, size_t meter,
				   int64_t slot_s);
void ledger_exchange_repeat_rest(struct ledger_exchange_desk *d, struct ledger_exchange_list *list);

#endif
