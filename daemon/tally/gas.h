/* SPDX-License-Identifier: MIT */
/* gas.h - the heat of gas that was burnt, from its volume and the calorific values of the bus file.
 *
 * Guaranteed: spans that meet at a moment add up to the whole, in whole Wh.
 *
 * The idea: what was burnt up to a moment is one function of that moment, rounded down to whole Wh, and the heat of a
 * span is the difference of two of its values. It is the sum of volume x calorific value over the times in which each
 * value holds (view calorific), and whole numbers to the end.
 *
 * One thread, on one reader. */
#ifndef TALLY_GAS_H
#define TALLY_GAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader;

struct gas_value;

/* The calorific values of all gas meters. Zeros: empty. */
struct gas {
	size_t n;
	struct gas_value *values; /* by meter and time */
};

/* Load them. 0; -EIO with reader_error(); -ENOMEM. gas_free() is due either way. */
int gas_read(struct gas *g, struct reader *r);

void gas_free(struct gas *g);

/* The heat of what a meter counted in [from_s, until_s), Unix seconds. *has_heat false: it has no calorific value. 0;
 * -EIO with reader_error(); -ENOMEM. */
int gas_heat(const struct gas *g, struct reader *r, const char *meter, int64_t from_s, int64_t until_s, bool *has_heat,
	     int64_t *wh);

#endif
