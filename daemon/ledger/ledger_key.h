/* SPDX-License-Identifier: MIT */
/* ledger_key.h - the key of a life: which values it is made of. Two readings may be subtracted from each other only if
 * they have one key.
 *
 * A key has two halves. The meaning: the registers of the counter with their type, word order and weight, the ratios of
 * the transformers, and for an input its pulse. The place: model, bus and address, and for an input its concentrator
 * and number. A change of meaning is always another line of values. A change of place is another line unless the meter
 * proves that it is the same one. Not in a key: how the bus is reached, its speed, labels, and the offset of an input,
 * which only shifts what is shown.
 *
 * Pure: plain values, no I/O; any thread. */
#ifndef TALLY_LEDGER_KEY_H
#define TALLY_LEDGER_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "conf.h"
#include "driver.h"
#include "names.h"

enum {
	LEDGER_REGISTERS_MAX = 200, /* bytes of the text of a counter's registers, with NUL */
	LEDGER_KEY_WORDS_MAX = 480, /* bytes of what has changed, with NUL */
};

struct ledger_key {
	/* Digest of the registers of all counters of the model, under these ratios, and of their bounds. 0 = its table
	 * could not be read. For an input, of its concentrator. */
	int64_t meaning;
	uint32_t ct_primary, ct_secondary, vt_primary, vt_secondary; /* 1/1 for an input */
	int64_t pulse_weight, pulse_per; /* of an input: a pulse is weight / per base units of pulse_of; else 0 */
	enum quantity pulse_of;
	char model[CONF_MODEL_MAX + 1], bus[CONF_NAME_MAX + 1]; /* of an input: its concentrator's */
	unsigned address;
	int64_t concentrator; /* id; 0: it is no input */
	char concentrator_name[CONF_NAME_MAX + 1];
	unsigned input; /* 1..8 */
};

enum ledger_key_half { LEDGER_KEY_MEANING = 1, LEDGER_KEY_PLACE = 2 };

/* The halves that differ, a mask; 0: they are one key, as far as members show it (meaning is not compared, because it
 * has bounds too: compare the registers). words: the differences, as "ct 1/1 -> 400/5, bus hall address 5 -> bus cellar
 * address 5"; "" if there are none. */
unsigned ledger_key_compare(const struct ledger_key *was, const struct ledger_key *is,
			    char words[LEDGER_KEY_WORDS_MAX]);

/* The registers of a counter: of each row its address, type, word order and weight under these ratios, and where its
 * sign is: "805 u32 abcd x 10 Wh". parts: of a base unit, which the weights are in. "" if the table does not have the
 * quantity. */
void ledger_key_registers(const struct driver *d, enum quantity q, const struct ledger_key *ratios, int64_t parts,
			  char out[LEDGER_REGISTERS_MAX]);

/* The digest of a model's registers and bounds under these ratios: never 0. */
int64_t ledger_key_meaning(const struct driver *d, const struct ledger_key *ratios,
			   const struct account_limits *limits);

#endif
