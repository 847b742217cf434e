/* SPDX-License-Identifier: MIT */
/* ledger_keys.h - the key of every life, with the time from which it holds, and what happens when it changes.
 *
 * Guaranteed: no difference of two values is counted that have different keys (ledger_key.h). A change of meaning ends
 * the life. A change of place ends it too, unless the serial numbers of the meter before and after are equal.
 *
 * The idea: the configuration says which keys there are. Whenever it is taken, at a start or a reload, each meter and
 * input is compared with the key that the database has for it; the readings before that have all been counted. An end
 * of a life is made as an exchange of the meter (ledger_exchange.h): so a rebuild makes it again, and it can be taken
 * back. Table meter_key has the keys, and with them the bounds of the counters that held (table meaning): readings are
 * always judged by the bounds of their time.
 *
 * Whether a meter at a new place is the same one is known when it has reported its serial number. Until then its values
 * are held (ledger_holds.h), for an hour of readings at most. Then the life continues or ends at the change, and in
 * both cases what was held is counted, in the order of its slots. The same is done with a meter that needs the ratio of
 * its transformers and has none in the configuration: what is held counts if the ratio turns out to be 1/1.
 *
 * Pitfalls. An existing database has no keys: the first configuration gives them, and no life ends. A table that cannot
 * be read says nothing about what its registers mean: then the last one that was known still holds. What was held under
 * a key that is corrected before the question was answered never counts.
 *
 * Safe to run twice: a key that is there is compared and found the same. Each change is one transaction with the saved
 * state of the account, as after an exchange (ledger_exchange.h).
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_KEYS_H
#define TALLY_LEDGER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "ledger_book.h"
#include "ledger_exchange.h"
#include "ledger_feed.h"
#include "ledger_holds.h"
#include "ledger_key.h"
#include "ledger_limits.h"
#include "ledger_lives.h"
#include "ledger_revisions.h"
#include "ledger_rows.h"
#include "ledger_serial.h"
#include "ledger_state.h"

enum { LEDGER_KEYS_WAIT_S = 3600 }; /* a meter may take this long to report its serial number */

/* The parts that it works with. They are borrowed. */
struct ledger_keys {
	struct ledger_book *book;
	struct ledger_limits *limits;
	struct ledger_lives *lives;
	struct ledger_state *state;
	const struct ledger_feed *feed;
	struct ledger_holds *holds;
	struct ledger_exchange_desk *exchange;
	struct ledger_revisions *revisions;
};

/* Before readings are fed again: give each meter whose registers had another meaning when they came the bounds that
 * held then. 0 or -errno. */
int ledger_keys_resume(struct ledger_keys *k);

/* Compare the keys of the configuration with those in the database, and do what follows. The account is live, its
 * limits are those of the configuration, and a transaction is running. 0 or -errno: roll it back. */
int ledger_keys_take(struct ledger_keys *k, const struct conf *conf);

/* A reading of a meter comes next, which may have waited for its identity for too long. 0 or -errno. */
int ledger_keys_before(struct ledger_keys *k, size_t meter, int64_t slot_s);

/* Whether the values of a meter wait for its serial number; and it has reported this one. 0 or -errno. */
bool ledger_keys_is_moving(const struct ledger_keys *k, size_t meter);
int ledger_keys_identify(struct ledger_keys *k, size_t meter, const char *serial);

/* For a rebuild: the bounds that have held. Zeros: none. */
struct ledger_key_step {
	size_t meter; /* index in the register */
	int64_t from_s, meaning;
};

struct ledger_key_list {
	size_t n;
	struct ledger_key_step *steps; /* by meter and time */
	size_t *next;		       /* of each meter: its first step that has not been made */
};

/* Load them. 0 or -errno. Then, before each reading, make the steps of its meter that come before a slot. */
int ledger_keys_load_list(struct ledger_keys *k, struct ledger_key_list *list);
int ledger_keys_repeat_before(struct ledger_keys *k, struct ledger_key_list *list, size_t meter, int64_t slot_s);
void ledger_keys_free_list(struct ledger_key_list *list);

#endif
