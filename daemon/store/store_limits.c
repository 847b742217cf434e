/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>

#include "driver.h"
#include "wide.h"

void store_limits_free(struct store *s)
{
	struct store_account *a = &s->account;

	for (size_t i = 0; i < a->n_limits; i++)
		free(a->limits[i].limits);
	for (size_t i = 0; i < a->n_inputs; i++)
		free(a->inputs[i].limits);
	free(a->limits);
	free(a->inputs);
	free(a->unknown);
	a->limits = NULL;
	a->inputs = NULL;
	a->unknown = NULL;
	a->n_limits = a->n_inputs = 0;
}

/* A model whose limits nobody knows: the meter may be a large one, but it is no power station. */
static void set_unknown(struct account_limits *l)
{
	for (int q = 0; q < Q_COUNT; q++)
		l->of[q] = (struct account_limit){.step = 1, .per_hour = ACCOUNT_UNKNOWN_W};
	l->of[Q_OPERATING_TIME].per_hour = 3600;
}

/* 0, which is not known, where the product has more than 63 bits. */
static int64_t weighted(int64_t counts, int64_t weight)
{
	int64_t value;

	return __builtin_mul_overflow(counts, weight, &value) ? 0 : value;
}

static void set_row(struct account_limits *l, const struct driver_row *row, int64_t step, int64_t per_hour)
{
	struct account_limit *limit = &l->of[row->quantity];
	bool coarser = row->fallback;

	/* a meter that lacks the finer register is read by the coarser one: both must pass */
	if (limit->step < step)
		limit->step = step;
	if (limit->back_step < row->back_step)
		limit->back_step = row->back_step;
	if (!coarser) {
		limit->modulus = row->modulus ? row->modulus : weighted(driver_row_counts(row), step);
		limit->modulus_read = row->modulus_read;
	}
	if (row->quantity != Q_OPERATING_TIME)
		limit->per_hour = per_hour;
}

static void set_limits(struct account_limits *l, const struct store_limits *of)
{
	const struct driver *d = of->driver;
	/* a model that has its ratios from us measures 5 A at 1:1; the others multiply by ratios we do not know */
	int64_t power_w = d->max_power_w ? d->max_power_w : d->ratios ? ACCOUNT_UNKNOWN_W / 100 : ACCOUNT_UNKNOWN_W;
	int64_t ratio = wide_muldiv(power_w, (int64_t)of->ct_primary * of->vt_primary,
				    (int64_t)of->ct_secondary * of->vt_secondary);
	int64_t per_hour = ratio > INT64_MAX / 4 ? INT64_MAX / 4 : ratio;

	set_unknown(l);
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];

		if (!names_is_counter(row->quantity))
			continue;
		set_row(l, row,
			driver_multiplier(d, row, of->ct_primary, of->ct_secondary, of->vt_primary, of->vt_secondary),
			per_hour);
	}
}

/* The limits of a configured meter, made once for each model and pair of ratios. NULL = no memory. */
static struct account_limits *limits_for(struct store_account *a, const struct conf_meter *m)
{
	struct store_limits key = {m->driver, m->ct_primary, m->ct_secondary, m->vt_primary, m->vt_secondary, NULL};

	if (!m->driver || !m->ct_secondary || !m->vt_secondary)
		return a->unknown;
	for (size_t i = 0; i < a->n_limits; i++) {
		const struct store_limits *l = &a->limits[i];

		if (l->driver == key.driver && l->ct_primary == key.ct_primary && l->ct_secondary == key.ct_secondary &&
		    l->vt_primary == key.vt_primary && l->vt_secondary == key.vt_secondary)
			return l->limits;
	}
	struct store_limits *more = realloc(a->limits, (a->n_limits + 1) * sizeof(*more));

	if (!more)
		return NULL;
	a->limits = more;
	key.limits = malloc(sizeof(*key.limits));
	if (!key.limits)
		return NULL;
	set_limits(key.limits, &key);
	a->limits[a->n_limits++] = key;
	return key.limits;
}

/* A pulse input counts what its concentrator's register counts, weighted; in parts of a base unit, so that nothing is
 * lost of a pulse that weighs no whole number of them. */
static struct account_limits *limits_of_input(const struct store_input *input,
					      const struct account_limits *concentrator)
{
	struct account_limits *l = calloc(1, sizeof(*l));
	const struct account_limit *pulses = &concentrator->of[Q_PULSES_1 + input->input - 1];

	if (!l)
		return NULL;
	l->of[input->quantity] = (struct account_limit){
		.parts = input->weight_per,
		.modulus = weighted(pulses->modulus, input->weight),
		.back_step = weighted(pulses->back_step, input->weight),
		.step = input->weight,
		.per_hour = (int64_t)ACCOUNT_PULSES_S * 3600 * input->weight,
	};
	return l;
}

static int load_inputs(struct store *s)
{
	struct store_account *a = &s->account;
	size_t n = (size_t)db_number(&s->db, "SELECT count(*) FROM input_period", 0);
	sqlite3_stmt *get =
		db_prepare(&s->db, "SELECT meter, concentrator, from_ts, until_ts, weight, input, quantity, "
				   "weight_per "
				   "FROM input_period ORDER BY meter, from_ts");
	int r = 0;

	a->inputs = calloc(n + 1, sizeof(*a->inputs));
	if (!get || !a->inputs)
		r = get ? -ENOMEM : -EIO;
	while (r == 0 && a->n_inputs < n && sqlite3_step(get) == SQLITE_ROW) {
		struct store_input *input = &a->inputs[a->n_inputs];
		int q = names_find((const char *)sqlite3_column_text(get, 6));

		*input = (struct store_input){.meter = sqlite3_column_int64(get, 0),
					      .concentrator = sqlite3_column_int64(get, 1),
					      .from_s = sqlite3_column_int64(get, 2),
					      .until_s = sqlite3_column_int64(get, 3),
					      .weight = sqlite3_column_int64(get, 4),
					      .weight_per = sqlite3_column_int64(get, 7),
					      .input = (uint8_t)sqlite3_column_int(get, 5),
					      .quantity = (enum quantity)q};
		if (q < 0)
			continue;
		const struct store_meter *concentrator = store_find_meter(s, input->concentrator);

		input->limits = limits_of_input(input, concentrator ? concentrator->account.limits : a->unknown);
		if (!input->limits)
			r = -ENOMEM;
		else
			a->n_inputs++;
	}
	sqlite3_finalize(get);
	return r;
}

/* The period of an input that slot_s lies in; NULL = none. */
struct store_input *store_input_at(struct store *s, int64_t meter, int64_t slot_s)
{
	for (size_t i = 0; i < s->account.n_inputs; i++) {
		struct store_input *input = &s->account.inputs[i];

		if (input->meter == meter && slot_s >= input->from_s && slot_s < input->until_s)
			return input;
	}
	return NULL;
}

/* An input can do what its period of the last reading says. Returns that, or NULL. */
const struct store_input *store_input_resume(struct store *s, struct store_meter *m)
{
	const struct store_input *input = m->is_input ? store_input_at(s, m->id, m->account.last_s) : NULL;

	if (input)
		m->account.limits = input->limits;
	return input;
}

static int set_meters(struct store *s, const struct conf *conf)
{
	struct store_account *a = &s->account;

	a->unknown = malloc(sizeof(*a->unknown));
	if (!a->unknown)
		return -ENOMEM;
	set_unknown(a->unknown);
	for (size_t i = 0; i < s->n_meters; i++) {
		s->meters[i].account.id = s->meters[i].id;
		s->meters[i].account.limits = a->unknown;
	}
	for (size_t b = 0; b < conf->n_buses; b++)
		for (size_t i = 0; i < conf->buses[b].n_meters; i++) {
			const struct conf_meter *cm = &conf->buses[b].meters[i];
			struct store_meter *m = store_find_meter(s, store_meter_id(s, cm->name));
			struct account_limits *limits = limits_for(a, cm);

			if (!limits)
				return -ENOMEM;
			if (!m)
				continue;
			m->account.limits = limits;
			m->account.every_s = cm->energy_every_s;
		}
	for (size_t b = 0; b < conf->n_buses; b++)
		for (size_t i = 0; i < conf->buses[b].n_inputs; i++) {
			const struct conf_input *ci = &conf->buses[b].inputs[i];
			struct store_meter *m = store_find_meter(s, store_meter_id(s, ci->name));

			if (m)
				m->account.every_s = conf->buses[b].meters[ci->concentrator].energy_every_s;
		}
	return 0;
}

int store_limits_set(struct store *s, const struct conf *conf)
{
	int r;

	store_limits_free(s);
	r = set_meters(s, conf);
	return r == 0 ? load_inputs(s) : r;
}
