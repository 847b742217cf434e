/* SPDX-License-Identifier: MIT */
/* meter.h - a simulated meter: its loads, and the true values that follow from them.
 * Pure: time comes in as simulated milliseconds since 1970 (UTC), nothing is read or written. Whole numbers only.
 * A day's curve gives the power of every simulated minute; counters add it up to the last millisecond, and what the
 * total advances by is what the tariff in force advances by, watt-hour for watt-hour. */
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

/* What a quantity shows: what the loads make of it, a value that was set, or "not available". */
enum meter_pin { METER_FREE, METER_SET, METER_ABSENT };

struct meter_load {
	const int16_t *curve; /* thousandths of the way from base to peak at each full hour; METER_CURVE_... */
	int64_t base_mw, peak_mw;
	int32_t power_factor; /* thousandths, negative = leading (capacitive), never 0 */
	uint32_t phases;      /* 1 or 3 */
	int64_t voltage_mv;   /* phase to neutral, primary side */
	uint32_t noise;	      /* thousandths of the power by which a minute differs from the curve */
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
	uint32_t ct_primary, ct_secondary, vt_primary, vt_secondary;
	uint32_t turnaround_ms;
	size_t n_lacks;
	struct meter_span lacks[METER_LACKS_MAX]; /* addresses that this firmware does not have */
	struct meter_load load;
	struct meter_input inputs[METER_INPUTS];
	size_t n_schedule;
	struct meter_tariff_change schedule[METER_SCHEDULE_MAX]; /* by minute; empty: tariff 1 all day */

	/* State. */
	uint64_t seed;
	int64_t now_ms;		 /* simulated time that everything below is true for */
	int64_t values[Q_COUNT]; /* base units; counters are never wrapped here */
	int64_t rests[Q_COUNT];	 /* counters: what is left over of less than one base unit */
	uint8_t pins[Q_COUNT];	 /* enum meter_pin; a counter is METER_SET once, then goes on from there */
	char texts[Q_COUNT - Q_MAKER][METER_TEXT_MAX + 1]; /* identity, from Q_MAKER on */
	int64_t demand_sum, demand_since_ms;
};

/* Curves of a day by name ("flat", "office", "house", "machine", "lighting", "solar"), or NULL. */
const int16_t *meter_curve(const char *name);

/* All names, "flat, office, ...". */
const char *meter_curve_names(void);

/* A meter with a load of nothing, before its settings: ratios 1/1, 230 V, three phases, power factor 0.95. */
void meter_init(struct meter *m);

/* First moment: what was not set gets its start from seed; counters somewhere in their range, the tariffs' shares of a
 * total adding up to it. driver must be set. */
void meter_start(struct meter *m, uint64_t seed, int64_t now_ms);

/* Go on to now_ms; a moment that is past changes nothing. */
void meter_advance(struct meter *m, int64_t now_ms);

/* Set a value as of now_ms (counters go on from it, the tariff and gauges stay there), or make it not available, or
 * give it back to the loads. */
void meter_set(struct meter *m, enum quantity q, int64_t value);
void meter_set_absent(struct meter *m, enum quantity q);
void meter_release(struct meter *m, enum quantity q);

/* Change the load as of now_ms and give the active power back to it. */
void meter_set_load(struct meter *m, int64_t base_mw, int64_t peak_mw);

/* Set an identity text, cut at METER_TEXT_MAX. */
void meter_set_text(struct meter *m, enum quantity q, const char *text);

/* Another device in its place: other serial number, counters that start from the serial's own seed. */
void meter_swap(struct meter *m, const char *serial);

/* True value in base units, never wrapped. False: not available. */
bool meter_value(const struct meter *m, enum quantity q, int64_t *value);

/* Text of an identity quantity, "" when the meter has none. */
const char *meter_text(const struct meter *m, enum quantity q);

/* One step of the generator that all of the simulation's chance comes from: a well-mixed number from x. */
uint64_t meter_mix(uint64_t x);

#endif
