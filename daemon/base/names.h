/* SPDX-License-Identifier: MIT */
/* names.h - the registry of quantities, generated at build time from drivers/NAMES.
 * Pure and constant; any thread. enum quantity has one Q_... constant per line of drivers/NAMES, in its order. */
#ifndef TALLY_NAMES_H
#define TALLY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names_gen.h" /* enum quantity { Q_ACTIVE_ENERGY_IMPORT, ..., Q_COUNT } */

enum names_kind {
	NAMES_COUNTER,	/* only ever rises inside one life; whole base units */
	NAMES_GAUGE,	/* a momentary value; whole base units, may be negative */
	NAMES_STATE,	/* a small number that means a state: the tariff in force, the counter's highest value */
	NAMES_IDENTITY, /* text (or a number shown as text): who the meter says it is */
};

struct names_row {
	const char *name;  /* as in driver files and in the database */
	const char *obis;  /* IEC 62056-61 code, "" where none exists */
	const char *unit;  /* base unit: what the stored whole number counts (Wh, mV, mA, mW, ...) */
	const char *shown; /* unit of the views: kWh, V, A, W ... */
	int per_shown;	   /* base units in one shown unit: 1, 1000, 3600 or 1000000 */
	enum names_kind kind;
	const char *table;   /* readings of it are kept in this table: energy, partial, tariff, tariff_other,
			      * power, pulse; "" = nowhere */
	const char *meaning; /* one line */
};

/* The row of q; q must be below Q_COUNT. */
const struct names_row *names_get(enum quantity q);

static inline bool names_is_counter(enum quantity q)
{
	return names_get(q)->kind == NAMES_COUNTER;
}

/* The quantity called name, or -1. */
int names_find(const char *name);

/* What one unit is in base units of q: mantissa x 10^exponent (V for a quantity kept in mV: 1 and 3; kWh for Wh:
 * 1 and 3; h for s: 36 and 2). Returns false when unit is not a unit of this quantity. */
bool names_unit(enum quantity q, const char *unit, int64_t *mantissa, int32_t *exponent);

/* A value of q, in base units, as people read it: in the unit of the views, three digits behind the point where that is
 * not the base unit (rounded towards 0). At most NAMES_VALUE_MAX bytes with NUL. */
enum { NAMES_VALUE_MAX = 32 };
void names_format(enum quantity q, int64_t value, char *out, size_t n);

/* The units of q, each followed by a blank but the last, at most n bytes with NUL ("Wh kWh MWh"). */
void names_units(enum quantity q, char *out, size_t n);

#endif
