/* SPDX-License-Identifier: MIT */
/* names.h - the registry of quantities, generated at build time from drivers/NAMES.
 * Pure and constant; any thread. enum quantity has one Q_... constant per line of drivers/NAMES, in its order. */
#ifndef TALLY_NAMES_H
#define TALLY_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names_gen.h" /* enum quantity { Q_ACTIVE_ENERGY_IMPORT, ..., Q_COUNT } */
#include "value.h"

enum names_kind {
	NAMES_COUNTER,	/* only ever rises inside one life; whole base units */
	NAMES_GAUGE,	/* a momentary value; whole base units, may be negative */
	NAMES_STATE,	/* a small number that means a state: the tariff in force, the counter's highest value */
	NAMES_IDENTITY, /* text (or a number shown as text) by which a meter names itself */
};

struct names_row {
	const char *name;  /* as in driver files and in the database */
	const char *obis;  /* IEC 62056-61 code, "" where none exists */
	const char *unit;  /* base unit: what the stored whole number counts (Wh, mV, mA, mW, ...) */
	const char *shown; /* unit of the views: kWh, V, A, W ... */
	int per_shown;	   /* base units in one shown unit: 1, 1000, 3600 or 1000000 */
	enum names_kind kind;
	const char *table;   /* readings of it are kept in this table: energy, partial, tariff, tariff_other,
			      * energy_other, power, power_other, pulse; "" = nowhere */
	const char *meaning; /* one line */
};

/* The row of q; q must be below Q_COUNT. */
const struct names_row *names_get(enum quantity q);

static inline bool names_is_counter(enum quantity q)
{
	return names_get(q)->kind == NAMES_COUNTER;
}

/* Whether readings keep q in parts of a base unit where its register is finer than that. Pulses are whole. */
static inline bool names_has_parts(enum quantity q)
{
	return names_is_counter(q) && (q < Q_PULSES_1 || q > Q_PULSES_8);
}

/* Whether the account is bounded by this quantity, which no table keeps. */
static inline bool names_is_bound(enum quantity q)
{
	return q == Q_COUNTER_MAX || q == Q_CT_PRIMARY || q == Q_CT_SECONDARY;
}

/* The quantity that q is where a meter is mounted the wrong way round: import is export then, and the first quadrant is
 * the third. q itself for most; -1: there is none, as for the highest power, which would be the lowest. */
int names_inverted(enum quantity q);

/* Whether a momentary value has a direction, and so the other sign there: active and reactive powers. Not power
 * factors: their sign is that of inductive and capacitive. */
bool names_is_directed(enum quantity q);

/* The quantity called name, or -1. */
int names_find(const char *name);

/* A unit of measurement, and what one of it is in the base unit of the quantities it is for. */
struct names_unit {
	const char *text; /* as in driver files, bus files, views and on the command line */
	const char *base;
	struct value_decimal worth; /* V for a quantity kept in mV: 1 x 10^3; h for s: 36 x 10^2 */
	int64_t per;		    /* one of it is worth / per: Ws for Wh is 1 / 3600; 1 where it is whole */
};

/* The unit of q called text; NULL when it is not a unit of this quantity. */
const struct names_unit *names_unit(enum quantity q, const char *text);

/* The unit that the views show q in. */
const struct names_unit *names_shown(enum quantity q);

/* Whole base units in one u, rounded down: 1000 for kWh, 0 for Ws. */
int64_t names_unit_size(const struct names_unit *u);

/* d of the unit u as a whole number of base units: VALUE_OK, or VALUE_FRACTION or VALUE_RANGE with nothing written.
 * Rounded towards 0 where u itself is no whole number of them, such as GJ. */
enum value_result names_multiply(struct value_decimal d, const struct names_unit *u, int64_t *base_units);

/* d of the unit u in base units, or, where it divides, the base units of which there are d in one u: exactly, as
 * value_fraction(). */
enum value_result names_fraction(struct value_decimal d, const struct names_unit *u, bool divides, int64_t *numerator,
				 int64_t *denominator);

/* Read an amount of q such as "81234.5 kWh", blanks before the unit allowed, as a whole number of base units. With all
 * but VALUE_OK nothing is written; VALUE_UNIT: no unit, or none of q. */
enum value_result names_amount(enum quantity q, const char *text, int64_t *base_units);

/* A value of q, in base units, as people read it: in the unit of the views, three digits behind the point where that is
 * not the base unit (rounded towards 0). At most NAMES_VALUE_MAX bytes with NUL. */
enum { NAMES_VALUE_MAX = 32 };
void names_format(enum quantity q, int64_t value, char *out, size_t n);

/* The units of q with commas between them, at most n bytes with NUL ("Wh, kWh, MWh"). */
void names_units(enum quantity q, char *out, size_t n);

#endif
