/* SPDX-License-Identifier: MIT */
/* ledger_keytable.h - the keys in the database: table meter_key, and table meaning with the registers and bounds of the
 * counters that go with a key. What follows from a key is decided in ledger_keys.h.
 *
 * SQL on the book's db, in the running transaction; the thread that owns that. */
#ifndef TALLY_LEDGER_KEYTABLE_H
#define TALLY_LEDGER_KEYTABLE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"
#include "ledger_key.h"
#include "ledger_limits.h"

/* A key of a meter or input, and the slot after which it holds. */
struct ledger_stored_key {
	int64_t id, from_s; /* id 0: there is none */
	struct ledger_key key;
	bool is_ct_assumed;
	bool is_held;
	bool waits_for_identity; /* and not for ct */
};

/* Write what the counters of a model mean, unless it is there. 0 or -errno. */
int ledger_keytable_put_meaning(struct ledger_book *b, const struct ledger_model_limits *model,
				const struct ledger_key *key);

/* The counters of a meter, or the pulses of an input, that have other registers in one meaning than in another: a
 * statement of name, registers there, registers here. NULL: it failed. The caller finalizes it. */
sqlite3_stmt *ledger_keytable_compare(struct ledger_book *b, int64_t was, int64_t is, unsigned input);

/* Whether counters have other registers in one key than in another, whatever bounds go with them. 0 or -errno. */
int ledger_keytable_have_registers_changed(struct ledger_book *b, const struct ledger_key *was,
					   const struct ledger_key *is, bool *changed);

/* Write a key of meter or input i. held: why values are held since then (ledger_holds.h), or "". 0 or -errno. */
int ledger_keytable_put(struct ledger_book *b, size_t i, const struct ledger_key *key, int64_t from_s,
			bool is_ct_assumed, const char *held);

/* The last key of i that holds, and the one after it whose values are held. 0 or -errno. */
int ledger_keytable_get(struct ledger_book *b, size_t i, struct ledger_stored_key *known,
			struct ledger_stored_key *held);

#endif
