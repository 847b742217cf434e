/* SPDX-License-Identifier: MIT */
#include "ledger_limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "ledger_key.h"
#include "wide.h"

/* ml: 10,000 m3 of a main in an hour, as a register; its meter has no rating for it */
#define VOLUME_PER_HOUR INT64_C(10000000000)

enum { UNKNOWN_PULSE_MS = 10 }; /* from pulse to pulse, where no register table says */

_Static_assert((int)DRIVER_MODULI_MAX == (int)EXPLAIN_MODULI_MAX, "a table can name as many as the account knows");

void ledger_limits_free(struct ledger_limits *l)
{
	for (size_t i = 0; i < l->n_models; i++)
		free(l->models[i].limits);
	for (size_t i = 0; i < l->n_past; i++)
		free(l->past[i].limits);
	for (size_t i = 0; i < l->n_inputs; i++)
		free(l->inputs[i].limits);
	free(l->models);
	free(l->past);
	free(l->inputs);
	free(l->powers);
	free(l->unknown);
	*l = (struct ledger_limits){.unknown = NULL};
}

static void set_pulses(struct account_limits *l, uint32_t shortest_pulse_ms)
{
	for (int q = Q_PULSES_1; q <= Q_PULSES_8; q++)
		l->of[q].per_hour = 3600000 / (shortest_pulse_ms > 0 ? shortest_pulse_ms : UNKNOWN_PULSE_MS);
}

/* A model with unknown limits: the meter may be a large one, but it is no power station. */
static void set_unknown(struct account_limits *l)
{
	for (int q = 0; q < Q_COUNT; q++)
		l->of[q] = (struct account_limit){.step = 1};
	l->of[Q_OPERATING_TIME].per_hour = 3600;
	set_pulses(l, 0);
}

/* 0, which means unknown, where the product has more than 63 bits. */
static int64_t weighted(int64_t counts, int64_t weight)
{
	int64_t value;

	return __builtin_mul_overflow(counts, weight, &value) ? 0 : value;
}

/* The power of a meter. Where the ratios are missing in the bus file 1:1 is taken, but they may be others. */
static struct ledger_power power_of(const struct conf_meter *m)
{
	const struct driver *d = m->driver;
	int64_t primary = (int64_t)m->ct_primary * m->vt_primary;
	int64_t secondary = (int64_t)m->ct_secondary * m->vt_secondary;
	struct ledger_power power = {.w = ACCOUNT_UNKNOWN_W};

	if (d == NULL || secondary == 0)
		return power;
	power.is_times_ct = d->max_power_w > 0 && driver_row(d, Q_CT_PRIMARY) != NULL;
	if (d->max_power_w > 0)
		power.w = d->max_power_w;
	else if (d->ratios)
		power.w = ACCOUNT_UNKNOWN_W / 100;
	if (m->lacks_ct && power.w < ACCOUNT_UNKNOWN_W / 100)
		power.w = ACCOUNT_UNKNOWN_W / 100;
	power.w = wide_muldiv(power.w, primary, secondary);
	return power;
}

static int64_t at_most(int64_t per_hour)
{
	return per_hour < INT64_MAX / 4 ? per_hour : INT64_MAX / 4;
}

int64_t ledger_limits_per_hour(const struct ledger_limits *l, size_t i, int64_t ct_primary, int64_t ct_secondary)
{
	const struct ledger_power *power = &l->powers[i];

	if (!power->is_times_ct)
		return at_most(power->w);
	return ct_primary <= 0 ? 0 : at_most(wide_muldiv(power->w, ct_primary, ct_secondary > 0 ? ct_secondary : 5));
}

/* The list of a row without those that have more than 63 bits. */
static void set_moduli(struct account_limit *limit, const struct driver_row *row, int64_t count, int64_t finer)
{
	size_t n = 0;

	for (size_t i = 0; i < DRIVER_MODULI_MAX; i++) {
		int64_t modulus = driver_modulus(row, i, count * finer) / finer;

		if (modulus > 0)
			limit->moduli[n++] = modulus;
	}
}

/* A coarser register counts modulo the lower one of the values at which it and the finer one turn over. */
static void fold(struct account_limit *limit, const struct driver_row *row, int64_t count, int64_t finer)
{
	struct account_limit coarse = {.parts = 0};
	int64_t low = 0;

	set_moduli(&coarse, row, count, finer);
	if (limit->modulus_read || memcmp(coarse.moduli, limit->moduli, sizeof(coarse.moduli)) == 0)
		return;
	for (size_t i = 0; i < EXPLAIN_MODULI_MAX; i++) {
		if (coarse.moduli[i] > 0 && (low == 0 || coarse.moduli[i] < low))
			low = coarse.moduli[i];
		if (limit->moduli[i] > 0 && (low == 0 || limit->moduli[i] < low))
			low = limit->moduli[i];
	}
	memset(limit->moduli, 0, sizeof(limit->moduli));
	limit->moduli[0] = limit->fold = low;
}

static void set_model(struct account_limits *l, const struct ledger_model_limits *of)
{
	const struct driver *d = of->driver;

	set_unknown(l);
	set_pulses(l, d->shortest_pulse_ms);
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];
		struct account_limit *limit = &l->of[row->quantity];
		int64_t step, count, finer;

		if (!names_is_counter(row->quantity) || row->is_rest)
			continue;
		/* a table is read in parts that suit all its counters, and each is counted in those that suit it */
		limit->parts = driver_parts(d, row->quantity);
		finer = driver_finer(d, row->quantity);
		count = driver_multiplier(d, row, of->ct_primary, of->ct_secondary, of->vt_primary, of->vt_secondary) /
			finer;
		step = driver_step(d, row, of->ct_primary, of->ct_secondary, of->vt_primary, of->vt_secondary) / finer;
		if (!row->fallback)
			limit->step = step;
		else if (limit->coarse_step < step)
			limit->coarse_step = step;
		if (limit->back_step < row->back_step / finer)
			limit->back_step = row->back_step / finer;
		if (!row->fallback) {
			set_moduli(limit, row, count, finer);
			limit->modulus_read = row->modulus_read;
		} else {
			fold(limit, row, count, finer);
		}
		if (row->quantity == Q_OPERATING_TIME)
			limit->per_hour = 3600 * limit->parts;
		else if (row->quantity == Q_VOLUME)
			limit->per_hour = VOLUME_PER_HOUR * limit->parts;
	}
}

const struct ledger_model_limits *ledger_limits_find_model(const struct ledger_limits *l, const struct conf_meter *m)
{
	for (size_t i = 0; i < l->n_models && m->driver != NULL; i++) {
		const struct ledger_model_limits *known = &l->models[i];

		if (known->driver == m->driver && known->ct_primary == m->ct_primary &&
		    known->ct_secondary == m->ct_secondary && known->vt_primary == m->vt_primary &&
		    known->vt_secondary == m->vt_secondary)
			return known;
	}
	return NULL;
}

/* The limits of a configured meter, made once for each model and pair of ratios. NULL = out of memory. */
static const struct account_limits *limits_of_meter(struct ledger_limits *l, const struct conf_meter *m)
{
	struct ledger_model_limits model = {.driver = m->driver,
					    .ct_primary = m->ct_primary,
					    .ct_secondary = m->ct_secondary,
					    .vt_primary = m->vt_primary,
					    .vt_secondary = m->vt_secondary};
	const struct ledger_model_limits *known = ledger_limits_find_model(l, m);
	struct ledger_model_limits *more;

	if (m->driver == NULL || m->ct_secondary == 0 || m->vt_secondary == 0)
		return l->unknown;
	if (known != NULL)
		return known->limits;
	more = realloc(l->models, (l->n_models + 1) * sizeof(*more));
	if (more == NULL)
		return NULL;
	l->models = more;
	model.limits = malloc(sizeof(*model.limits));
	if (model.limits == NULL)
		return NULL;
	set_model(model.limits, &model);
	model.meaning = ledger_key_meaning(m->driver,
					   &(struct ledger_key){.ct_primary = m->ct_primary,
								.ct_secondary = m->ct_secondary,
								.vt_primary = m->vt_primary,
								.vt_secondary = m->vt_secondary},
					   model.limits);
	l->models[l->n_models++] = model;
	return model.limits;
}

static void read_moduli(const char *text, struct account_limit *limit)
{
	char *end;

	for (size_t i = 0; i < EXPLAIN_MODULI_MAX && *text != '\0'; i++, text = *end == ' ' ? end + 1 : end)
		limit->moduli[i] = strtoll(text, &end, 10);
}

/* Read the limits of a meaning. *found: whether there are any. */
static int load_past(struct db *db, int64_t meaning, struct account_limits *out, bool *found)
{
	sqlite3_stmt *get = db_prepare(db,
				       "SELECT counter, parts, step, per_hour, back_step, modulus_read, moduli, "
				       "coarse_step, fold FROM meaning WHERE id = %lld",
				       (long long)meaning);

	*found = false;
	set_unknown(out);
	if (get == NULL)
		return -EIO;
	while (db_next(db, get)) {
		int q = names_find((const char *)sqlite3_column_text(get, 0));

		*found = true;
		if (q < 0)
			continue;
		out->of[q] = (struct account_limit){.parts = sqlite3_column_int64(get, 1),
						    .step = sqlite3_column_int64(get, 2),
						    .per_hour = sqlite3_column_int64(get, 3),
						    .back_step = sqlite3_column_int64(get, 4),
						    .modulus_read = sqlite3_column_int(get, 5) != 0,
						    .coarse_step = sqlite3_column_int64(get, 7),
						    .fold = sqlite3_column_int64(get, 8)};
		read_moduli((const char *)sqlite3_column_text(get, 6), &out->of[q]);
	}
	return sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(db, "read");
}

/* The limits of a meaning; NULL = nobody knows them. */
static const struct account_limits *find_meaning(const struct ledger_limits *l, int64_t meaning)
{
	for (size_t i = 0; i < l->n_models; i++)
		if (l->models[i].meaning == meaning)
			return l->models[i].limits;
	for (size_t i = 0; i < l->n_past; i++)
		if (l->past[i].meaning == meaning)
			return l->past[i].limits;
	return NULL;
}

int ledger_limits_restore(struct ledger_limits *l, struct ledger_book *b, size_t i, int64_t meaning)
{
	const struct account_limits *known = find_meaning(l, meaning);
	struct ledger_past_limits *more, past = {.meaning = meaning};
	bool found;
	int rc = -ENOMEM;

	if (known != NULL) {
		ledger_book_set_limits(b, i, known);
		return 0;
	}
	past.limits = malloc(sizeof(*past.limits));
	more = past.limits == NULL ? NULL : realloc(l->past, (l->n_past + 1) * sizeof(*more));
	if (more == NULL)
		goto out;
	l->past = more;
	rc = load_past(b->db, meaning, past.limits, &found);
	if (rc != 0 || !found)
		goto out;
	ledger_book_set_limits(b, i, past.limits);
	l->past[l->n_past++] = past;
	past.limits = NULL;
out:
	free(past.limits);
	return rc;
}

/* A pulse input counts what its concentrator's register counts, weighted; in parts of a base unit, so that nothing is
 * lost of a pulse that weighs no whole number of them. NULL = out of memory. */
static struct account_limits *limits_of_input(const struct ledger_input *input,
					      const struct account_limits *concentrator)
{
	struct account_limits *l = calloc(1, sizeof(*l));
	const struct account_limit *pulses = &concentrator->of[input->pulses];

	if (l == NULL)
		return NULL;
	l->of[input->quantity] = (struct account_limit){
		.parts = input->weight_per,
		.back_step = weighted(pulses->back_step, input->weight),
		.step = input->weight,
		.coarse_step = weighted(pulses->coarse_step, input->weight),
		.fold = weighted(pulses->fold, input->weight),
	};
	for (size_t i = 0, n = 0; i < EXPLAIN_MODULI_MAX; i++) {
		int64_t modulus = weighted(pulses->moduli[i], input->weight);

		if (modulus > 0)
			l->of[input->quantity].moduli[n++] = modulus;
	}
	return l;
}

/* Read the periods. of_meter: limits by index. */
static int load_inputs(struct ledger_limits *l, const struct ledger_book *b,
		       const struct account_limits *const *of_meter)
{
	size_t n = (size_t)db_number(b->db, "SELECT count(*) FROM input_period", 0);
	sqlite3_stmt *get = db_prepare(b->db, "SELECT meter, concentrator, from_ts, until_ts, weight, input, quantity, "
					      "weight_per FROM input_period ORDER BY meter, from_ts");
	int rc = 0;

	l->inputs = calloc(n + 1, sizeof(*l->inputs));
	if (get == NULL || l->inputs == NULL)
		rc = get == NULL ? -EIO : -ENOMEM;
	while (rc == 0 && l->n_inputs < n && db_next(b->db, get)) {
		struct ledger_input *input = &l->inputs[l->n_inputs];
		int meter = ledger_book_find(b, sqlite3_column_int64(get, 0));
		int concentrator = ledger_book_find(b, sqlite3_column_int64(get, 1));
		int q = names_find((const char *)sqlite3_column_text(get, 6));

		if (meter < 0 || concentrator < 0 || q < 0)
			continue;
		*input = (struct ledger_input){.meter = (size_t)meter,
					       .concentrator = (size_t)concentrator,
					       .from_s = sqlite3_column_int64(get, 2),
					       .until_s = sqlite3_column_int64(get, 3),
					       .weight = sqlite3_column_int64(get, 4),
					       .weight_per = sqlite3_column_int64(get, 7),
					       .pulses = (enum quantity)(Q_PULSES_1 + sqlite3_column_int(get, 5) - 1),
					       .quantity = (enum quantity)q};
		input->per_hour = wide_muldiv(of_meter[concentrator]->of[input->pulses].per_hour, input->weight,
					      input->weight_per);
		input->limits = limits_of_input(input, of_meter[concentrator]);
		if (input->limits == NULL)
			rc = -ENOMEM;
		else
			l->n_inputs++;
	}
	sqlite3_finalize(get);
	return rc;
}

const struct ledger_input *ledger_limits_find_input(const struct ledger_limits *l, size_t meter, int64_t slot_s)
{
	for (size_t i = 0; i < l->n_inputs; i++) {
		const struct ledger_input *input = &l->inputs[i];

		if (input->meter == meter && slot_s >= input->from_s && slot_s < input->until_s)
			return input;
	}
	return NULL;
}

const struct ledger_input *ledger_limits_resume(const struct ledger_limits *l, struct ledger_book *b, size_t i)
{
	const struct ledger_input *input = NULL;

	if (b->reg->list[i].is_input)
		input = ledger_limits_find_input(l, i, b->meters[i].account.last_s);
	if (input != NULL)
		ledger_book_set_limits(b, i, input->limits);
	return input;
}

/* The limits of each configured meter, by its index. 0 or -ENOMEM. */
static int make_meters(struct ledger_limits *l, const struct ledger_book *b, const struct conf *conf,
		       const struct account_limits **of_meter)
{
	l->unknown = malloc(sizeof(*l->unknown));
	if (l->unknown == NULL)
		return -ENOMEM;
	set_unknown(l->unknown);
	l->powers = malloc((b->n + 1) * sizeof(*l->powers));
	if (l->powers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++) {
		of_meter[i] = l->unknown;
		l->powers[i] = (struct ledger_power){.w = ACCOUNT_UNKNOWN_W};
	}
	for (size_t k = 0; k < conf->n_buses; k++)
		for (size_t i = 0; i < conf->buses[k].n_meters; i++) {
			const struct conf_meter *cm = &conf->buses[k].meters[i];
			const struct account_limits *limits = limits_of_meter(l, cm);
			int meter = db_meters_find_name(b->reg, cm->name);

			if (limits == NULL)
				return -ENOMEM;
			if (meter < 0)
				continue;
			of_meter[meter] = limits;
			l->powers[meter] = power_of(cm);
		}
	return 0;
}

/* The period of readings of each configured meter; an input's is its concentrator's. */
static void set_every(struct ledger_book *b, const struct conf *conf)
{
	for (size_t k = 0; k < conf->n_buses; k++) {
		const struct conf_bus *bus = &conf->buses[k];

		for (size_t i = 0; i < bus->n_meters; i++) {
			int meter = db_meters_find_name(b->reg, bus->meters[i].name);

			if (meter >= 0)
				ledger_book_set_every(b, (size_t)meter, bus->meters[i].energy_every_s);
		}
		for (size_t i = 0; i < bus->n_inputs; i++) {
			int input = db_meters_find_name(b->reg, bus->inputs[i].name);

			if (input >= 0)
				ledger_book_set_every(b, (size_t)input,
						      bus->meters[bus->inputs[i].concentrator].energy_every_s);
		}
	}
}

int ledger_limits_set(struct ledger_limits *l, struct ledger_book *b, const struct conf *conf)
{
	struct ledger_limits next = {.unknown = NULL};
	const struct account_limits **of_meter = calloc(b->n + 1, sizeof(*of_meter));
	int rc = -ENOMEM;

	if (of_meter == NULL)
		goto out;
	rc = make_meters(&next, b, conf, of_meter);
	if (rc != 0)
		goto out;
	rc = load_inputs(&next, b, of_meter);
	if (rc != 0)
		goto out;
	for (size_t i = 0; i < b->n; i++)
		ledger_book_set_limits(b, i, of_meter[i]);
	set_every(b, conf);
	next.edition = l->edition + 1;
	ledger_limits_free(l);
	*l = next;
	next = (struct ledger_limits){.unknown = NULL};
out:
	ledger_limits_free(&next);
	free(of_meter);
	return rc;
}
