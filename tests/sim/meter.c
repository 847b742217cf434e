/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MINUTES_PER_DAY = 1440,
	DEMAND_PERIOD_MS = 15 * METER_MINUTE_MS,
	HOUR_MS = 60 * METER_MINUTE_MS,
};

/* One watt-hour in milliwatt-milliseconds; the same for varh and VAh. */
static const int64_t MW_MS_PER_WH = INT64_C(3600000000);

/* A total counter of energy, its partial counter and its tariffs. */
struct family {
	enum quantity total, partial, first_tariff;
};

static const struct family families[] = {
	{Q_ACTIVE_ENERGY_IMPORT, Q_ACTIVE_ENERGY_IMPORT_PARTIAL, Q_ACTIVE_ENERGY_IMPORT_T1},
	{Q_ACTIVE_ENERGY_EXPORT, Q_ACTIVE_ENERGY_EXPORT_PARTIAL, Q_ACTIVE_ENERGY_EXPORT_T1},
	{Q_REACTIVE_ENERGY_IMPORT, Q_REACTIVE_ENERGY_IMPORT_PARTIAL, Q_REACTIVE_ENERGY_IMPORT_T1},
	{Q_REACTIVE_ENERGY_EXPORT, Q_REACTIVE_ENERGY_EXPORT_PARTIAL, Q_REACTIVE_ENERGY_EXPORT_T1},
	{Q_APPARENT_ENERGY, Q_APPARENT_ENERGY_PARTIAL, Q_APPARENT_ENERGY_T1},
};

enum { N_FAMILIES = sizeof(families) / sizeof(families[0]) };

static const struct {
	const char *name;
	int16_t curve[24];
} curves[] = {
	{"flat", {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000,
		  1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000}},
	{"office", {40,	 30,  30,  30,	30,  60,  220, 520, 810, 930, 980, 1000,
		    870, 930, 970, 940, 860, 690, 430, 240, 150, 110, 80,  60}},
	{"house", {140, 110, 90,  90,  90,  130, 380, 620,  430, 300, 280, 390,
		   560, 410, 290, 270, 330, 560, 860, 1000, 920, 740, 460, 240}},
	{"machine", {20,  20,  20,  20,	 20,  140, 870, 960, 1000, 940, 990, 910,
		     380, 890, 980, 960, 930, 720, 310, 60,  30,   20,	20,  20}},
	{"lighting", {120, 120, 120, 120, 160, 420, 880,  760, 380, 240, 190, 180,
		      180, 190, 230, 340, 620, 930, 1000, 980, 870, 650, 330, 160}},
	{"solar",
	 {0, 0, 0, 0, 0, 20, 110, 280, 490, 700, 870, 970, 1000, 960, 850, 680, 470, 260, 100, 20, 0, 0, 0, 0}},
};

/* The share of each phase of a three-phase load, thousandths. */
static const int32_t shares[3] = {360, 330, 310};

/* The electrical values of one minute. */
struct draw {
	int64_t p[3], q[3], s[3], v[3], i[3]; /* mW, mvar, mVA, mV, mA */
	int64_t p_sum, q_sum, s_sum;
	int64_t power_factor; /* of every phase */
	int64_t thousandths;  /* position of the minute between base and peak */
};

const int16_t *meter_curve(const char *name)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(curves[i].name, name) == 0)
			return curves[i].curve;
	return NULL;
}

const char *meter_curve_names(void)
{
	return "flat, office, house, machine, lighting, solar";
}

uint64_t meter_mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

void meter_init(struct meter *m)
{
	*m = (struct meter){
		.load_number = 1,
		.ct_primary = 1,
		.ct_secondary = 1,
		.vt_primary = 1,
		.vt_secondary = 1,
		.load = {.curve = curves[0].curve, .power_factor = 950, .phases = 3, .voltage_mv = 230000, .noise = 50},
	};
}

/* Whole square root, rounded down. */
static int64_t square_root(int64_t x)
{
	int64_t r = 0;

	for (int64_t bit = INT64_C(1) << 31; bit > 0; bit >>= 1)
		if ((r + bit) <= x / (r + bit))
			r += bit;
	return r;
}

/* A number from -span to span that depends on the meter, the minute and the purpose only. */
static int64_t noise_at(const struct meter *m, int64_t minute, unsigned purpose, int64_t span)
{
	uint64_t x = meter_mix(m->seed ^ meter_mix((uint64_t)minute * 16 + purpose));

	return (int64_t)(x % (uint64_t)(2 * span + 1)) - span;
}

static int64_t curve_at(const struct meter *m, int64_t minute)
{
	int64_t of_day = minute % MINUTES_PER_DAY, hour = of_day / 60;
	int64_t from = m->load.curve[hour], to = m->load.curve[(hour + 1) % 24];
	int64_t thousandths = from + (to - from) * (of_day % 60) / 60;

	thousandths += thousandths * noise_at(m, minute, 0, m->load.noise) / 1000;
	return thousandths < 0 ? 0 : thousandths;
}

/* One phase at power mw. A meter measures a whole number of milliamperes, so the current is computed first and the
 * powers follow from it. */
static void draw_phase(const struct meter *m, struct draw *d, int phase, int64_t minute, int64_t mw)
{
	int64_t pf = labs(m->load.power_factor);
	int64_t sine_ppm = square_root((1000000 - pf * pf) * 1000000);
	int64_t sign = mw < 0 ? -1 : 1;
	bool lagging = m->load.power_factor > 0;

	d->v[phase] = m->load.voltage_mv + m->load.voltage_mv / 1000 * noise_at(m, minute, 1u + (unsigned)phase, 20);
	d->i[phase] = sign * mw * 1000000 / (d->v[phase] * pf);
	d->s[phase] = d->v[phase] * d->i[phase] / 1000;
	d->p[phase] = sign * (d->s[phase] * pf / 1000);
	d->q[phase] = (lagging ? 1 : -1) * (d->s[phase] * sine_ppm / 1000000);
}

static struct draw draw_at(const struct meter *m, int64_t minute)
{
	struct draw d = {0};
	int64_t mw;

	d.thousandths = curve_at(m, minute);
	mw = m->load.base_mw + (m->load.peak_mw - m->load.base_mw) / 1000 * d.thousandths;
	for (int phase = 0; phase < (int)m->load.phases; phase++) {
		draw_phase(m, &d, phase, minute, m->load.phases == 1 ? mw : mw / 1000 * shares[phase]);
		d.p_sum += d.p[phase];
		d.q_sum += d.q[phase];
		d.s_sum += d.s[phase];
	}
	d.power_factor = m->load.power_factor;
	return d;
}

static bool is_energy(enum quantity q)
{
	return names_get(q)->kind == NAMES_COUNTER && q != Q_OPERATING_TIME && (q < Q_PULSES_1 || q > Q_PULSES_8);
}

/* Add amount, of which per_unit make one base unit. Returns by how many whole units the counter has advanced. */
static int64_t count_up(struct meter *m, enum quantity q, int64_t amount, int64_t per_unit)
{
	int64_t whole;

	m->rests[q] += amount;
	whole = m->rests[q] / per_unit;
	m->rests[q] %= per_unit;
	m->values[q] += whole;
	return whole;
}

/* The partial counter and the active tariff advance by the same whole units as the total, so that they add up to it. */
static void count_energy(struct meter *m, const struct family *f, int64_t mw, int64_t ms)
{
	int64_t whole = count_up(m, f->total, mw * ms, MW_MS_PER_WH);
	int64_t tariff = m->values[Q_TARIFF];

	m->values[f->partial] += whole;
	if (tariff >= 1 && tariff <= METER_TARIFFS)
		m->values[f->first_tariff + tariff - 1] += whole;
}

/* Quadrants, phases, and both directions added up. */
static void count_others(struct meter *m, const struct draw *d, int64_t ms)
{
	unsigned quadrant = d->p_sum < 0 ? (d->q_sum < 0 ? 2 : 1) : (d->q_sum < 0 ? 3 : 0);

	count_up(m, Q_REACTIVE_ENERGY_Q1 + quadrant, llabs(d->q_sum) * ms, MW_MS_PER_WH);
	count_up(m, Q_ACTIVE_ENERGY_TOTAL, llabs(d->p_sum) * ms, MW_MS_PER_WH);
	count_up(m, Q_REACTIVE_ENERGY_TOTAL, llabs(d->q_sum) * ms, MW_MS_PER_WH);
	for (unsigned i = 0; i < 3; i++) {
		enum quantity active = d->p[i] < 0 ? Q_ACTIVE_ENERGY_EXPORT_L1 : Q_ACTIVE_ENERGY_IMPORT_L1;
		enum quantity reactive = d->q[i] < 0 ? Q_REACTIVE_ENERGY_EXPORT_L1 : Q_REACTIVE_ENERGY_IMPORT_L1;

		count_up(m, active + i, llabs(d->p[i]) * ms, MW_MS_PER_WH);
		count_up(m, Q_ACTIVE_ENERGY_TOTAL_L1 + i, llabs(d->p[i]) * ms, MW_MS_PER_WH);
		count_up(m, reactive + i, llabs(d->q[i]) * ms, MW_MS_PER_WH);
		count_up(m, Q_REACTIVE_ENERGY_TOTAL_L1 + i, llabs(d->q[i]) * ms, MW_MS_PER_WH);
		count_up(m, Q_APPARENT_ENERGY_L1 + i, d->s[i] * ms, MW_MS_PER_WH);
	}
}

static void count_all(struct meter *m, const struct draw *d, int64_t ms)
{
	count_energy(m, &families[d->p_sum < 0 ? 1 : 0], llabs(d->p_sum), ms);
	count_energy(m, &families[d->q_sum < 0 ? 3 : 2], llabs(d->q_sum), ms);
	count_energy(m, &families[4], d->s_sum, ms);
	count_others(m, d, ms);
	count_up(m, Q_OPERATING_TIME, ms, 1000);
	for (int i = 0; i < METER_INPUTS; i++) {
		const struct meter_input *in = &m->inputs[i];
		int64_t rate = in->base_per_hour * 1000 + (in->peak_per_hour - in->base_per_hour) * d->thousandths;

		count_up(m, (enum quantity)(Q_PULSES_1 + i), rate * ms, INT64_C(1000) * HOUR_MS);
	}
}

/* The mean power of the last complete demand period, and the highest such mean. */
static void count_demand(struct meter *m, int64_t mw, int64_t from_ms, int64_t to_ms)
{
	int64_t mean;

	m->demand_sum += mw * (to_ms - from_ms);
	if (to_ms % DEMAND_PERIOD_MS != 0)
		return;
	mean = m->demand_sum / (to_ms - m->demand_since_ms);
	m->demand_sum = 0;
	m->demand_since_ms = to_ms;
	if (m->pins[Q_ACTIVE_POWER_DEMAND] == METER_FREE)
		m->values[Q_ACTIVE_POWER_DEMAND] = mean;
	if (m->pins[Q_ACTIVE_POWER_DEMAND_MAX] == METER_FREE && mean > m->values[Q_ACTIVE_POWER_DEMAND_MAX])
		m->values[Q_ACTIVE_POWER_DEMAND_MAX] = mean;
}

static void update_tariff(struct meter *m, int64_t minute)
{
	int64_t tariff = 1;

	if (m->pins[Q_TARIFF] != METER_FREE)
		return;
	if (m->n_schedule > 0)
		tariff = m->schedule[m->n_schedule - 1].tariff; /* the last change of the day before */
	for (size_t i = 0; i < m->n_schedule && m->schedule[i].minute <= minute % MINUTES_PER_DAY; i++)
		tariff = m->schedule[i].tariff;
	m->values[Q_TARIFF] = tariff;
}

static void set_gauge(struct meter *m, int q, int64_t value)
{
	if (m->pins[q] == METER_FREE)
		m->values[q] = value;
}

/* Voltage between two phases 120 degrees apart. */
static int64_t line_voltage(int64_t a, int64_t b)
{
	return square_root(a * a + b * b + a * b);
}

static void update_gauges(struct meter *m, int64_t minute)
{
	struct draw d = draw_at(m, minute);
	int64_t lagging = d.power_factor < 0 ? -1 : 1, high = 0, low = INT64_MAX;

	for (int i = 0; i < 3; i++) {
		set_gauge(m, Q_VOLTAGE_L1 + i, d.v[i]);
		set_gauge(m, Q_VOLTAGE_L12 + i, m->load.phases == 3 ? line_voltage(d.v[i], d.v[(i + 1) % 3]) : 0);
		set_gauge(m, Q_CURRENT_L1 + i, d.i[i]);
		set_gauge(m, Q_ACTIVE_POWER_L1 + i, d.p[i]);
		set_gauge(m, Q_REACTIVE_POWER_L1 + i, d.q[i]);
		set_gauge(m, Q_APPARENT_POWER_L1 + i, d.s[i]);
		set_gauge(m, Q_POWER_FACTOR_L1 + i,
			  d.s[i] == 0 ? 1000 : lagging * ((llabs(d.p[i]) * 1000 + d.s[i] / 2) / d.s[i]));
		set_gauge(m, Q_THD_VOLTAGE_L1 + i, 2100 + noise_at(m, minute, 6, 300));
		set_gauge(m, Q_THD_VOLTAGE_L12 + i, 1900 + noise_at(m, minute, 6, 300));
		set_gauge(m, Q_THD_CURRENT_L1 + i, 12500 + noise_at(m, minute, 7, 2000));
		high = d.i[i] > high ? d.i[i] : high;
		low = d.i[i] < low ? d.i[i] : low;
	}
	set_gauge(m, Q_CURRENT_N, high - low);
	set_gauge(m, Q_ACTIVE_POWER, d.p_sum);
	set_gauge(m, Q_REACTIVE_POWER, d.q_sum);
	set_gauge(m, Q_APPARENT_POWER, d.s_sum);
	set_gauge(m, Q_POWER_FACTOR, d.s_sum == 0 ? 1000 : lagging * ((llabs(d.p_sum) * 1000 + d.s_sum / 2) / d.s_sum));
	set_gauge(m, Q_FREQUENCY, 50000 + noise_at(m, minute, 5, 30));
	set_gauge(m, Q_TEMPERATURE, 28000 + noise_at(m, minute, 8, 3000));
}

void meter_advance(struct meter *m, int64_t now_ms)
{
	while (m->now_ms < now_ms) {
		int64_t minute = m->now_ms / METER_MINUTE_MS, end_ms = (minute + 1) * METER_MINUTE_MS;
		struct draw d = draw_at(m, minute);

		if (end_ms > now_ms)
			end_ms = now_ms;
		update_tariff(m, minute);
		count_all(m, &d, end_ms - m->now_ms);
		count_demand(m, d.p_sum, m->now_ms, end_ms);
		m->now_ms = end_ms;
	}
	update_tariff(m, m->now_ms / METER_MINUTE_MS);
	update_gauges(m, m->now_ms / METER_MINUTE_MS);
}

static bool has_tariff_set(const struct meter *m, const struct family *f)
{
	for (int i = 0; i < METER_TARIFFS; i++)
		if (m->pins[f->first_tariff + i] != METER_FREE)
			return true;
	return false;
}

/* Give every tariff a share of the total; the first one gets the remainder. */
static void split_total(struct meter *m, const struct family *f)
{
	int64_t n = m->values[Q_TARIFF_COUNT], rest = m->values[f->total];

	for (int64_t i = 1; i < n && i < METER_TARIFFS; i++) {
		m->values[f->first_tariff + i] = m->values[f->total] / (n + i);
		rest -= m->values[f->total] / (n + i);
	}
	m->values[f->first_tariff] = rest;
}

/* Start the counters that were not set: at up to 500 MWh and 10 million pulses. */
static void start_counters(struct meter *m, uint64_t seed)
{
	for (int q = 0; q < Q_COUNT; q++) {
		uint64_t chance = meter_mix(seed ^ meter_mix(UINT64_C(1000) + (unsigned)q));

		if (names_get((enum quantity)q)->kind != NAMES_COUNTER || m->pins[q] != METER_FREE)
			continue;
		m->rests[q] = 0;
		m->values[q] = (int64_t)(chance % (is_energy((enum quantity)q) ? 500000000u : 10000000u));
	}
	for (int i = 0; i < N_FAMILIES; i++) {
		if (m->pins[families[i].partial] == METER_FREE)
			m->values[families[i].partial] %= 1000000;
		for (int t = 0; t < METER_TARIFFS; t++)
			if (m->pins[families[i].first_tariff + t] == METER_FREE)
				m->values[families[i].first_tariff + t] = 0;
		if (!has_tariff_set(m, &families[i]))
			split_total(m, &families[i]);
	}
}

/* Start the identity texts that were not set: with the text that the table expects, or a plausible one. */
static void start_texts(struct meter *m, uint64_t seed)
{
	for (int q = Q_MAKER; q < Q_COUNT; q++) {
		const struct driver_row *row = driver_row(m->driver, (enum quantity)q);
		char *text = m->texts[q - Q_MAKER];

		if (m->pins[q] != METER_FREE || row == NULL)
			continue;
		if (q == Q_SERIAL_NUMBER)
			snprintf(text, METER_TEXT_MAX + 1, "%08u", (unsigned)(meter_mix(seed) % 100000000u));
		else if (row->expect[0] != '\0')
			snprintf(text, METER_TEXT_MAX + 1, "%s", row->expect);
		else if (q == Q_MAKER || q == Q_PRODUCT_NAME)
			snprintf(text, METER_TEXT_MAX + 1, "%.32s", m->driver->title);
		else
			snprintf(text, METER_TEXT_MAX + 1, "%d", 100 + q - Q_MAKER);
	}
}

void meter_start(struct meter *m, uint64_t seed, int64_t now_ms)
{
	m->seed = meter_mix(seed);
	m->now_ms = m->demand_since_ms = now_ms;
	if (m->pins[Q_TARIFF_COUNT] == METER_FREE)
		m->values[Q_TARIFF_COUNT] = 4;
	if (m->pins[Q_COUNTER_MAX] == METER_FREE)
		m->values[Q_COUNTER_MAX] = INT64_C(9999999990);
	if (m->pins[Q_CT_PRIMARY] == METER_FREE)
		m->values[Q_CT_PRIMARY] = 12000;
	if (m->pins[Q_CT_SECONDARY] == METER_FREE)
		m->values[Q_CT_SECONDARY] = 5;
	start_counters(m, m->seed);
	start_texts(m, m->seed);
	meter_advance(m, now_ms);
	memcpy(m->saved, m->values, sizeof(m->saved));
}

void meter_set(struct meter *m, enum quantity q, int64_t value)
{
	m->values[q] = value;
	m->rests[q] = 0;
	m->pins[q] = METER_SET;
}

void meter_set_load(struct meter *m, int64_t base_mw, int64_t peak_mw)
{
	m->load.base_mw = base_mw;
	m->load.peak_mw = peak_mw;
	meter_release(m, Q_ACTIVE_POWER);
}

void meter_set_absent(struct meter *m, enum quantity q)
{
	m->pins[q] = METER_ABSENT;
}

void meter_release(struct meter *m, enum quantity q)
{
	m->pins[q] = METER_FREE;
	meter_advance(m, m->now_ms);
}

void meter_set_text(struct meter *m, enum quantity q, const char *text)
{
	if (q < Q_MAKER)
		return;
	snprintf(m->texts[q - Q_MAKER], METER_TEXT_MAX + 1, "%s", text);
	m->pins[q] = METER_SET;
}

void meter_swap(struct meter *m, const char *serial)
{
	uint64_t seed = m->seed;

	for (const char *c = serial; *c != '\0'; c++)
		seed = meter_mix(seed ^ (unsigned char)*c);
	for (int q = 0; q < Q_COUNT; q++)
		if (names_get((enum quantity)q)->kind == NAMES_COUNTER)
			m->pins[q] = METER_FREE;
	start_counters(m, seed);
	memcpy(m->saved, m->values, sizeof(m->saved));
	meter_set_text(m, Q_SERIAL_NUMBER, serial);
}

void meter_begin_trouble(struct meter *m, enum meter_trouble trouble, struct meter_span refused, uint8_t exception)
{
	m->troubles |= trouble;
	if (trouble == METER_REFUSES) {
		m->refused = refused;
		m->refusal = exception;
	}
}

void meter_end_trouble(struct meter *m, enum meter_trouble trouble)
{
	if (m->troubles & trouble & METER_STALE)
		memcpy(m->saved, m->values, sizeof(m->saved));
	m->troubles &= ~(unsigned)trouble;
}

bool meter_value(const struct meter *m, enum quantity q, int64_t *value)
{
	*value = m->values[q];
	return m->pins[q] != METER_ABSENT;
}

const char *meter_text(const struct meter *m, enum quantity q)
{
	return q < Q_MAKER ? "" : m->texts[q - Q_MAKER];
}
