/* SPDX-License-Identifier: MIT */
/* ledger_copy.h - what the last commit left of the account, for questions that cannot wait for the next one.
 *
 * While a bus is polled two things are asked: does this reading follow on from what has been counted, and is this the
 * serial number that the meter had? The account itself changes only while a commit runs, and a commit may be rolled
 * back. So both are answered from a copy that is brought up to date after a commit: the answer is that of the last
 * committed state, and the account may be at work meanwhile, in another thread too.
 *
 * A copy holds no pointer to anything of the account. It must not be asked while it is brought up to date: keep two,
 * ask one, write the other, exchange them. To bring a copy up to date costs as much as there are meters that
 * have changed since it was last done; memory is taken only when there are more meters, counters or inputs than ever.
 *
 * Pure: no I/O, no SQL, no clock, no logging. A copy belongs to one thread at a time. */
#ifndef TALLY_LEDGER_COPY_H
#define TALLY_LEDGER_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "reading.h"

enum { LEDGER_COPY_SERIAL_MAX = 71 }; /* longest serial number, bytes */

/* One meter or input. */
struct ledger_copy_meter {
	int64_t id;
	char serial[LEDGER_COPY_SERIAL_MAX + 1]; /* "" = not known */
	int64_t period_s; /* inputs: from_s of the period that the running life belongs to, INT64_MIN = none */
	size_t n_marks, capacity;
	struct account_mark *marks; /* of the counters that have a counted value */
};

/* One period of an input. */
struct ledger_copy_input {
	size_t meter, concentrator; /* indices into meters */
	int64_t from_s, until_s;    /* until_s is the first second that no longer belongs to it */
	int64_t weight;		    /* of a pulse, in the input's parts */
	enum quantity pulses;	    /* of the concentrator */
	enum quantity quantity;	    /* that the input counts */
};

/* Zeros: empty; every question is answered with yes. Only ledger_copy.c writes it. */
struct ledger_copy {
	uint64_t edition, inputs_edition; /* the owner's: what the copy was last brought up to; 0 = never */
	int64_t back_ms;
	size_t n_meters;
	struct ledger_copy_meter *meters; /* by id */
	size_t n_inputs, inputs_capacity;
	struct ledger_copy_input *inputs;
};

void ledger_copy_fini(struct ledger_copy *c);

/* Have at least n_meters of them; those that are new are empty. 0 or -ENOMEM. */
int ledger_copy_fit(struct ledger_copy *c, size_t n_meters);

/* Copy meter i. serial is cut. 0 or -ENOMEM: the meter has no marks then. */
int ledger_copy_set_meter(struct ledger_copy *c, size_t i, const struct account_meter *m, int64_t period_s,
			  const char *serial);

/* Have n_inputs of them, which the caller fills with ledger_copy_set_input(). 0 or -ENOMEM: then there are none. */
int ledger_copy_fit_inputs(struct ledger_copy *c, size_t n_inputs);
void ledger_copy_set_input(struct ledger_copy *c, size_t i, const struct ledger_copy_input *input);

/* Note what the copy is up to date with. back_ms: all that the clock was set back by until now. */
void ledger_copy_set_edition(struct ledger_copy *c, uint64_t edition, uint64_t inputs_edition, int64_t back_ms);

/* How the counters of a reading agree with what has been counted: the meter's own, and those of the inputs that it has
 * pulses of. A reading that does not follow on is worth another look. power_mw: as in account_judge(). */
enum reading_doubt ledger_copy_judge(const struct ledger_copy *c, const struct reading *r, int64_t power_mw);

/* The serial number of a meter (its id), "" when none is known; valid until the copy is changed. */
const char *ledger_copy_serial(const struct ledger_copy *c, int64_t meter);

#endif
