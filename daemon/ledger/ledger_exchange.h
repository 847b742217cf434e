/* SPDX-License-Identifier: MIT */
/* ledger_exchange.h - meters that were exchanged for another one: the old one's life ends and a new one begins.
 *
 * Guaranteed: the values of the old meter and those of the new one are never subtracted from each other; an
 * exchange is acted on once, in its place among the readings; and a rebuild acts on the same exchanges in the same
 * places.
 *
 * The idea: an exchange becomes known in two ways. A meter reports another serial number: that is certain, and takes
 * effect between the reading before and the reading after it. Or an operator requests it (tally replace), perhaps days
 * later, perhaps with the time, with the final value of the old meter and the initial value of the new one: a request
 * that waits (ledger_request.h). A commit takes the requests over, acts on each before the first reading of a later
 * slot, and on the rest after its last reading. A time that was named is the truth: where readings after it have been
 * counted, they are counted again (ledger_takeback.h). Each exchange that was made is a row that is done, which is what
 * a rebuild reads. A concentrator has no counters of its own: its inputs are exchanged with it. A change of key
 * (ledger_keys.h) is an exchange too.
 *
 * Pitfalls. A request without a time may come when the account has already noticed the exchange by itself, as a reset
 * of the counter. Then the running life is the new meter's and must not be ended again (account_has_noticed()); the
 * reason says so. A figure may be one that cannot be right, or come too late to be counted: then the request is
 * refused, and nothing changes. The moment of such a request may lie before what has been counted: then the exchange is
 * at the end of that. A request has whole seconds: in that second the new meter was there, so it is before the reading
 * of a slot in the same second.
 *
 * Safe to run twice: requests are taken over and acted on in one transaction. After a rollback
 * ledger_exchange_undo() makes the next commit look again. After an exchange the state is saved at once, because what
 * a replay feeds again are readings, and no reading shows the exchange. The state before it is kept, for
 * ledger_takeback.h.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_EXCHANGE_H
#define TALLY_LEDGER_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"
#include "ledger_limits.h"
#include "ledger_request.h"
#include "ledger_state.h"

/* Others read the borrowed members and requests. */
struct ledger_exchange_desk {
	struct ledger_book *book;
	struct db_meters *reg;
	const struct ledger_limits *limits;
	struct ledger_state *state;
	sqlite3_stmt *get_version;	     /* of the database: it changes when another program has written */
	int64_t seen_version;		     /* data_version of the database when requests were last read, 0 = never */
	struct ledger_request_list requests; /* of the running transaction */
};

/* Nothing has been taken over. What is borrowed must outlive d. 0 or -errno; ledger_exchange_close() is due either way.
 */
int ledger_exchange_open(struct ledger_exchange_desk *d, struct ledger_book *book, struct db_meters *reg,
			 const struct ledger_limits *limits, struct ledger_state *state);
void ledger_exchange_close(struct ledger_exchange_desk *d);

/* Another program has written since requests were last read. The first commit reads them in any case. */
bool ledger_exchange_is_due(const struct ledger_exchange_desk *d);

/* A transaction begins: take over what was requested since the last one. 0 or -errno. */
int ledger_exchange_begin(struct ledger_exchange_desk *d);

/* Make the exchanges that were requested for this meter, or for an input that is on it, and come before a reading of
 * slot_s. 0 or -errno. */
int ledger_exchange_before(struct ledger_exchange_desk *d, size_t meter, int64_t slot_s);

/* There are no more readings: make all other exchanges. 0 or -errno. */
int ledger_exchange_rest(struct ledger_exchange_desk *d);

/* The transaction was committed, or rolled back. */
void ledger_exchange_committed(struct ledger_exchange_desk *d);
void ledger_exchange_undo(struct ledger_exchange_desk *d);

/* Meter i has another serial number, so it was exchanged; was_there: before the last readings, which did not follow on.
 * detail: of the event. 0 or -errno. */
int ledger_exchange_by_serial(struct ledger_exchange_desk *d, size_t i, const char *serial, bool was_there,
			      const char *detail);

/* The key of meter i has changed, in these words: end its lives, or only those of the counters that are true in the
 * list (NULL: all; with Q_COUNT members), at at_s. 0 or -errno. */
int ledger_exchange_end_lives(struct ledger_exchange_desk *d, size_t i, int64_t at_s, const bool *counters,
			      const char *words);

/* The meter that was read as from is read as to since the configuration was taken. 0 or -errno. */
int ledger_exchange_hand_over(struct ledger_exchange_desk *d, size_t from, size_t to);

/* Meter i has another serial number, or its first one, and was not exchanged, for this reason. 0 or -errno. */
int ledger_exchange_note_serial(struct ledger_exchange_desk *d, size_t i, const char *serial, const char *reason);

/* Meter i reports this serial number for the first time: an event where a meter that is no longer configured had it. */
void ledger_exchange_suggest_rename(const struct ledger_exchange_desk *d, size_t i, const char *serial);

/* Why the figures of a request cannot be counted, with the account as it is at the exchange. Returns false when they
 * can. */
bool ledger_exchange_refuses(const struct ledger_exchange_desk *d, const struct ledger_request *r,
			     char reason[LEDGER_REASON_MAX]);

/* Why its initial value cannot be right, with the account as it is after the first reading after it. Returns false when
 * it can. */
bool ledger_exchange_refuses_first(const struct ledger_exchange_desk *d, const struct ledger_request *r,
				   char reason[LEDGER_REASON_MAX]);

/* Write in words how a request was made. */
void ledger_exchange_describe(const struct ledger_exchange_desk *d, const struct ledger_request *r,
			      char reason[LEDGER_REASON_MAX]);

/* An event for each meter and input that was exchanged. */
void ledger_exchange_report(const struct ledger_exchange_desk *d, const struct ledger_request *r, const char *detail);

/* Whether an exchange of this meter is one of meter i: of itself, or of an input on it. */
bool ledger_exchange_is_of(const struct ledger_exchange_desk *d, size_t meter, size_t i, int64_t at_s);

/* For a replay: an exchange by serial number and one that people have ordered, both before the same reading, in slot_s,
 * of this meter, are one: only the order is made, with its figures. */
void ledger_exchange_join(struct ledger_request_list *list, size_t meter, int64_t slot_s);

/* For a replay: make the exchanges of a list that come before a reading of slot_s and were decided up to that of
 * last_id, or all, with nothing written but what the account emits and, in a rebuild, the states before them. 0 or
 * -errno. */
int ledger_exchange_repeat_before(struct ledger_exchange_desk *d, struct ledger_request_list *list, size_t meter,
				  int64_t slot_s, int64_t last_id);
int ledger_exchange_repeat_rest(struct ledger_exchange_desk *d, struct ledger_request_list *list);

#endif
