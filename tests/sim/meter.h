/* SPDX-License-Identifier: MIT */
/* meter.h - a simulated meter: its load, and the true values that follow from it.
 * Pure: the caller passes the time as simulated milliseconds since 1970 (UTC). Whole numbers only.
 * A day's curve gives the power of every simulated minute. Counters add it up to the millisecond, and the active tariff
 * advances by exactly as many watt-hours as the total.
 * Settings are written before meter_start(), by the reader of the site file; the state is written by meter.c alone. */
#ifndef SIM_METER_H
#define SIM_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver.h"
#include "names.h"

enum {
	METER_NAME_MAX = 40,
	METER_TEXT_MAX = 32, /* longest identity text, bytes */
	METER_LACKS_MAX = 16,
	METER_SCHEDULE_MAX = 16,
	METER_INPUTS = 8,
	METER_TARIFFS = 8,
	METER_MINUTE_MS = 60000,
};

/* Where the value of a quantity comes from: the load, a value that was set, or "not available". */
enum meter_pin { METER_FREE, METER_SET, METER_ABSENT };

/* A meter has one of these for a while; a set of them is a mask. */
enum meter_trouble {
	METER_REFUSES = 1,	   /* it refuses the registers of refused */
	METER_COARSE_ONLY = 2,	   /* it refuses registers of which it has a coarser one */
	METER_SERIAL_OF_ZEROS = 4, /* all words of its serial number are 0 */
	METER_STALE = 8,	   /* its counters have the values of saved */
	METER_ZEROS = 16,	   /* all words of its counters are 0 */
};

struct meter_load {
	const int16_t *curve; /* 24 values: thousandths of the way from base to peak at each full hour */
	int64_t base_mw, peak_mw;
	int32_t power_factor; /* thousandths, negative = leading (capacitive), never 0 */
	uint32_t phases;      /* 1 or 3 */
	int64_t voltage_mv;   /* phase to neutral, primary side */
	uint32_t noise;	      /* thousandths of the power by which a minute may differ from the curve */
};

struct meter_input {
	int64_t base_per_hour, peak_per_hour; /* pulses, along the meter's curve */
};

struct meter_tariff_change {
	uint16_t minute; /* of the simulated day */
	uint8_t tariff;
};

struct meter_span {
	uint16_t first, last; /* addresses, both included */
};

struct meter {
	char name[METER_NAME_MAX + 1];
	const struct driver *driver;
	size_t bus; /* index of the site's buses */
	uint8_t address;
	uint8_t load_number; /* which of the loads that the device at the address measures, from 1 on */
	uint32_t ct_primary, ct_secondary, vt_primary, vt_secondary;
	uint32_t turnaround_ms;
	size_t n_lacks;
	struct meter_span lacks[METER_LACKS_MAX]; /* addresses that are missing in this firmware */
	struct meter_load load;
	struct meter_input inputs[METER_INPUTS];
	size_t n_schedule;
	struct meter_tariff_change schedule[METER_SCHEDULE_MAX]; /* by minute; empty: tariff 1 all day */

	/* State. */
	uint64_t seed;
	int64_t now_ms;		 /* simulated time of all the values below */
	int64_t values[Q_COUNT]; /* base units; counters do not wrap here */
	int64_t rests[Q_COUNT];	 /* counters: the remainder below one base unit */
	uint8_t pins[Q_COUNT];	 /* enum meter_pin; a counter with METER_SET continues to count from the value set */
	char texts[Q_COUNT - Q_MAKER][METER_TEXT_MAX + 1]; /* identity, from Q_MAKER on */
	int64_t demand_sum, demand_since_ms;
	unsigned troubles; /* enum meter_trouble */
	struct meter_span refused;
	uint8_t refusal;	/* exception for them */
	int64_t saved[Q_COUNT]; /* values at the start, or when METER_STALE was over */
};

/* Curves of a day by name ("flat", "office", "house", "machine", "lighting", "solar"), or NULL. */
const int16_t *meter_curve(const char *name);

/* All names, "flat, office, ...". */
const char *meter_curve_names(void);

/* The default settings: ratios 1/1, no load, 230 V, three phases, power factor 0.95. */
void meter_init(struct meter *m);

/* Begin at now_ms. Values that were not set start from seed: counters somewhere in their range, and the tariffs of a
 * total add up to it. driver must be set. */
void meter_start(struct meter *m, uint64_t seed, int64_t now_ms);

/* Advance to now_ms; a time in the past changes nothing. */
void meter_advance(struct meter *m, int64_t now_ms);

/* Set a value as of now_ms (counters continue from it, the tariff and gauges keep it), make it not available, or return
 * it to the load. */
void meter_set(struct meter *m, enum quantity q, int64_t value);
void meter_set_absent(struct meter *m, enum quantity q);
void meter_release(struct meter *m, enum quantity q);

/* Change the load as of now_ms and return the active power to it. */
void meter_set_load(struct meter *m, int64_t base_mw, int64_t peak_mw);

/* Set an identity text; longer ones end after METER_TEXT_MAX bytes. */
void meter_set_text(struct meter *m, enum quantity q, const char *text);

/* Replace the device: it gets this serial number, and counters that start from a seed of the serial number. What it
 * shows when it is stale are these. */
void meter_swap(struct meter *m, const char *serial);

/* Begin or end one trouble; METER_REFUSES refuses these registers with this exception. What the meter counts does not
 * change. */
void meter_begin_trouble(struct meter *m, enum meter_trouble trouble, struct meter_span refused, uint8_t exception);
void meter_end_trouble(struct meter *m, enum meter_trouble trouble);

/* True value in base units, not wrapped. False: not available. */
bool meter_value(const struct meter *m, enum quantity q, int64_t *value);

/* Text of an identity quantity, "" when the meter has none. */
const char *meter_text(const struct meter *m, enum quantity q);

/* One step of the generator for all chance of the simulation: a well-mixed number made from x. */
uint64_t meter_mix(uint64_t x);

#endif
