/* SPDX-License-Identifier: MIT */
/* ledger_limits.h - the limits of each counter: from the register tables, the ratios and the pulse inputs of the
 * configuration. The account needs it to know a plausible value, a rollover and the weight of a pulse.
 *
 * The periods of the inputs come from the database, so that a reading is always counted with the weight that its input
 * had in its slot, even when it is counted again years later.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_LIMITS_H
#define TALLY_LEDGER_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "conf.h"
#include "ledger_book.h"

/* One period of one input: a row of input_period. */
struct ledger_input {
	size_t meter, concentrator; /* indices in the register */
	int64_t from_s, until_s;    /* until_s is the first second that no longer belongs to it */
	int64_t weight, weight_per; /* a pulse is weight / weight_per base units of quantity */
	enum quantity pulses;	    /* of the concentrator: Q_PULSES_1 and so on */
	enum quantity quantity;	    /* that the input counts */
	int64_t per_hour;	    /* most that it can count, in base units */
	struct account_limits *limits;
};

/* The limits of one model under one pair of ratios. */
struct ledger_model_limits {
	const struct driver *driver;
	uint32_t ct_primary, ct_secondary, vt_primary, vt_secondary;
	struct account_limits *limits;
	int64_t meaning; /* of struct ledger_key */
};

/* The limits that held with a meaning of an earlier configuration. */
struct ledger_past_limits {
	int64_t meaning;
	struct account_limits *limits;
};

/* The power that one meter can measure. */
struct ledger_power {
	int64_t w;	  /* with the ratios of the bus file */
	bool is_times_ct; /* to be multiplied with the ratio that the meter itself has */
};

/* Zeros: nothing is known yet. Others read n_inputs and inputs; only ledger_limits.c writes. */
struct ledger_limits {
	struct account_limits *unknown; /* for meters without a driver */
	size_t n_models;
	struct ledger_model_limits *models;
	size_t n_past;
	struct ledger_past_limits *past;
	size_t n_inputs;
	struct ledger_input *inputs; /* by meter and from_s */
	struct ledger_power *powers; /* by the index of the meter in the register */
	uint64_t edition;	     /* goes up with each ledger_limits_set(), from 1 */
};

/* Take the limits of every meter and input of the configuration, which is in the database already. Inputs have none
 * until ledger_limits_resume() or a reading gives them those of a period. 0 or -errno; then everything is as before. */
int ledger_limits_set(struct ledger_limits *l, struct ledger_book *b, const struct conf *conf);

/* Give meter i the limits of this meaning, from table meaning where the configuration has another one; where that does
 * not know it either, nothing changes. 0 or -errno. */
int ledger_limits_restore(struct ledger_limits *l, struct ledger_book *b, size_t i, int64_t meaning);

/* The most that meter i can count in an hour, with the ratio that it has answered (0: none; a primary side alone is to
 * 5). 0 = not known before it has. */
int64_t ledger_limits_per_hour(const struct ledger_limits *l, size_t i, int64_t ct_primary, int64_t ct_secondary);

/* The meters of the book must not be used after it. */
void ledger_limits_free(struct ledger_limits *l);

/* The limits of a configured meter; NULL = its model has no table, or has not been set. */
const struct ledger_model_limits *ledger_limits_find_model(const struct ledger_limits *l, const struct conf_meter *m);

/* The period of the input at this index that slot_s lies in; NULL = none, or it is no input. */
const struct ledger_input *ledger_limits_find_input(const struct ledger_limits *l, size_t meter, int64_t slot_s);

/* Give input i the limits of the period of its last reading. Returns that period, or NULL: it is no input, or has
 * none. */
const struct ledger_input *ledger_limits_resume(const struct ledger_limits *l, struct ledger_book *b, size_t i);

#endif
