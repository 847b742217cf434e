/* SPDX-License-Identifier: MIT */
/* reading.h - the decoded values of one meter in one slot: the message from poller to account to store.
 * Pure; a plain value. */
#ifndef TALLY_READING_H
#define TALLY_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"
#include "wide.h"

enum reading_quality {
	READING_GOOD = 0,
	READING_LATE = 1,	    /* read well after its slot */
	READING_SUSPECT = 2,	    /* kept with the reason, in no consumption view */
	READING_UNSYNCHRONISED = 3, /* the box's clock was not known good */
};

/* How the counters of a reading agree with what has been counted. The worst of them counts. */
enum reading_doubt {
	READING_FOLLOWS,
	READING_LEAPS,	     /* it may be right, but rises faster than usual */
	READING_IS_UNLIKELY, /* it falls, or rises by more than the meter can deliver */
};

struct reading {
	int64_t meter;	   /* id in the register of meters */
	int64_t slot_s;	   /* Unix seconds UTC of the slot */
	uint32_t delay_ms; /* from the slot to the moment the answer was complete */
	enum reading_quality quality;
	uint16_t parts;	 /* of a base unit: what the values of counters but pulses are in; 0 = 1 */
	unsigned groups; /* enum driver_group mask that was asked for */
	uint64_t present[(Q_COUNT + 63) / 64];
	uint64_t coarse[(Q_COUNT + 63) / 64]; /* of these the values of a coarser register than the table's first one */
	int64_t values[Q_COUNT];	      /* base units of drivers/NAMES, or parts of them; valid where present */
};

static inline bool reading_has(const struct reading *r, enum quantity q)
{
	return r->present[q / 64] >> (q % 64) & 1;
}

static inline void reading_set(struct reading *r, enum quantity q, int64_t value)
{
	r->present[q / 64] |= UINT64_C(1) << (q % 64);
	r->values[q] = value;
}

/* The value of a counter in other parts of a base unit (0 = 1), rounded towards 0. */
static inline int64_t reading_in_parts(const struct reading *r, enum quantity q, int64_t parts)
{
	int64_t own = r->parts > 1 && names_has_parts(q) ? r->parts : 1;

	if (parts < 1)
		parts = 1;
	return own == parts ? r->values[q] : wide_muldiv(r->values[q], parts, own);
}

static inline bool reading_is_coarse(const struct reading *r, enum quantity q)
{
	return r->coarse[q / 64] >> (q % 64) & 1;
}

static inline void reading_set_coarse(struct reading *r, enum quantity q)
{
	r->coarse[q / 64] |= UINT64_C(1) << (q % 64);
}

/* The first quantity from q on that the reading has; Q_COUNT = none. */
static inline int reading_next(const struct reading *r, int q)
{
	for (uint64_t skip = UINT64_MAX << (q % 64); q < Q_COUNT; q = (q / 64 + 1) * 64, skip = UINT64_MAX) {
		uint64_t left = r->present[q / 64] & skip;

		if (left != 0)
			return q / 64 * 64 + __builtin_ctzll(left);
	}
	return Q_COUNT;
}

#endif
