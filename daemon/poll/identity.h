/* SPDX-License-Identifier: MIT */
/* identity.h - which device answers at a meter's address, and when to ask it that again.
 *
 * A device is asked for its serial number, its firmware and the rows of which its table expects a value: before its
 * first read, once a day, and whenever another one may have taken its address. Implausible counters are read a second
 * time too, after the identity was asked for.
 *
 * A new serial number may end the account of the meter that was, so one that is not known is believed only when it has
 * come twice. It is asked for again at once, IDENTITY_ASKS times at most, and nothing is read until that answer has
 * come. While each answer is another one none is believed, and the next reading is preceded by the same question.
 *
 * Silence is no new identity: a text that gets no answer this time stays as it was. A serial number of all zeros, all
 * ones or all blanks is no answer (codec.h). A meter that owes its serial number is asked again after a pause that
 * grows from a minute to a day.
 *
 * struct meter_identity is written by identity.c only. It decodes the answers that asking holds and asks nothing
 * itself; what becomes of a new identity is the caller's business. Plain values: no allocation, no I/O, no logging; the
 * wall clock is an argument. One thread. */
#ifndef TALLY_IDENTITY_H
#define TALLY_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "asking.h"

enum {
	IDENTITY_EVERY_MS = 86400000, /* ask once a day */
	IDENTITY_RETRY_MS = 3600000,  /* ask again so much later where the meter can be read but does not answer this */
	IDENTITY_WRONG_MS = 60000,    /* or where it is another model: the right one may come back */
	IDENTITY_BOUNDS = 3,	      /* quantities of names_is_bound() */
	IDENTITY_ASKS = 3,	      /* times at once for a serial number that was not known */
};

/* The identity of the device as far as it is known; "" = its model has none, or it never answered. */
struct identity_texts {
	char serial[72];
	char firmware[40];
	char mismatch[160]; /* what was found and expected; also "" = it is the model of the configuration */
	bool was_compared;  /* with what its table expects; of answers only */
};

enum { IDENTITY_ADVICE_MAX = 80 };

struct meter_identity {
	struct identity_texts texts;
	char advice[IDENTITY_ADVICE_MAX]; /* of a mismatch: "; write model = MODEL", or "" */
	struct identity_bound {
		enum quantity quantity;
		int64_t value;
	} bounds[IDENTITY_BOUNDS]; /* the quantities of names_is_bound() that the device has answered */
	size_t n_bounds;
	int64_t ask_at_ms;	/* wall time; 0 = before the next read */
	int64_t pause_ms;	/* where its serial number said nothing: until the next question; else 0 */
	char candidate[72];	/* a serial number that came once and is not believed; "" = none */
	unsigned n_confirms;	/* times that it is asked again for that at once; 0 = it is not */
	bool confirms_counters; /* its counters were implausible, and they are read a second time */
};

/* Nothing is known, and it is time to ask. */
void identity_init(struct meter_identity *id);

/* Go on with what old knew. A second question that old had open is not continued. */
void identity_inherit(struct meter_identity *id, const struct meter_identity *old);

/* Decode the answers of ASKING_IDENTIFY into texts; where an answer is missing, texts has "". */
void identity_read(const struct asking *a, struct identity_texts *texts);

/* Note the serial number of these answers, "" = none. is_known: it is the one that is believed. Returns whether it must
 * be asked for again before it is believed. */
bool identity_doubts_serial(struct meter_identity *id, const char *serial, bool is_known);

/* Accept these answers except a serial number that is doubted, and plan when to ask again. */
void identity_accept(struct meter_identity *id, const struct asking *a, int64_t now_ms);

/* Set the advice to the model, of all along driver_path (NULL: none), whose table these answers fit, or to up to
 * four. It reads the
 * tables, so it is only for a mismatch that was not known. */
void identity_advise(struct meter_identity *id, const struct asking *a, const char *driver_path);

/* Another device may have taken the address: ask before the next read. */
void identity_ask_now(struct meter_identity *id);

/* The meter was read without having been identified, although it was time: ask again later. */
void identity_note_read(struct meter_identity *id, int64_t now_ms);

/* The identity is asked for again at once, to confirm a serial number, or no more. Returns false when that was done
 * IDENTITY_ASKS - 1 times already. */
bool identity_confirm_serial(struct meter_identity *id, bool confirms);

/* Set whether the next reading is the second one, to confirm implausible counters. */
void identity_confirm_counters(struct meter_identity *id, bool confirms);

/* The wall clock was set back to now_ms: a question planned by the old time must not wait longer than a day. */
void identity_clock_set_back(struct meter_identity *id, int64_t now_ms);

#endif
