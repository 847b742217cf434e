/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mono.h"
#include "wide.h"

static const char *const spans[STORE_SPANS] = {"day", "month"};

static bool is_counter(enum quantity q)
{
	return names_get(q)->kind == NAMES_COUNTER;
}

static size_t energy_kind(const struct store *s)
{
	return (size_t)s->kind_of[Q_ACTIVE_ENERGY_IMPORT];
}

/* The tables of days and months that a counter is in: those of its kind; what inputs count stands with the energies. */
static int span_kind(const struct store *s, enum quantity q)
{
	if (q == Q_VOLUME || q == Q_HEAT)
		return (int)energy_kind(s);
	return is_counter(q) ? s->kind_of[q] : -1;
}

/* The columns of kept_interval, in the order of its statements. */
static const enum quantity interval_columns[STORE_INTERVAL_COLUMNS] = {Q_ACTIVE_ENERGY_IMPORT,
								       Q_ACTIVE_ENERGY_EXPORT,
								       Q_REACTIVE_ENERGY_IMPORT,
								       Q_REACTIVE_ENERGY_EXPORT,
								       Q_APPARENT_ENERGY,
								       Q_VOLUME,
								       Q_HEAT};

static int column_of_interval(enum quantity q)
{
	for (size_t i = 0; i < STORE_INTERVAL_COLUMNS; i++)
		if (interval_columns[i] == q)
			return (int)i;
	return -1;
}

static void note(struct store *s, int r)
{
	if (r != 0 && s->account.error == 0)
		s->account.error = r;
}

/* The day's or month's own row, once. */
static const char *write_span(struct store *s, size_t span, int64_t t_s)
{
	struct store_account *a = &s->account;
	const struct calendar_span *c = span == 0 ? calendar_day(&a->calendar, t_s) : calendar_month(&a->calendar, t_s);

	if (a->span_written_s[span] != c->start_s) {
		sqlite3_bind_text(a->put_span[span], 1, c->name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(a->put_span[span], 2, c->start_s);
		sqlite3_bind_int64(a->put_span[span], 3, c->end_s);
		note(s, store_run(s, a->put_span[span]));
		a->span_written_s[span] = c->start_s;
	}
	return c->name;
}

/* Add an interval's values of one kind to its day and its month. */
static void add_to_spans(struct store *s, const struct account_interval *i, size_t kind, int64_t measured_s)
{
	struct store_account *a = &s->account;
	for (size_t span = 0; span < STORE_SPANS; span++) {
		sqlite3_stmt *add = a->add[span][kind];
		bool any = measured_s > 0;

		for (size_t v = 0; v < i->n_values; v++) {
			enum quantity q = i->values[v].quantity;

			if (span_kind(s, q) != (int)kind)
				continue;
			sqlite3_bind_int64(add, a->span_column[q], i->values[v].value);
			any = true;
		}
		if (!any)
			continue;
		sqlite3_bind_text(add, 1, write_span(s, span, i->start_s), -1, SQLITE_STATIC);
		sqlite3_bind_int64(add, 2, i->meter);
		sqlite3_bind_int64(add, 3, measured_s);
		note(s, store_run(s, add));
	}
}

/* What kept_interval has of this interval. */
struct kept {
	bool there;
	int quality;
	bool has[STORE_INTERVAL_COLUMNS];
	int64_t values[STORE_INTERVAL_COLUMNS];
};

static struct kept get_kept(struct store *s, const struct account_interval *i)
{
	struct store_account *a = &s->account;
	struct kept k = {0};

	sqlite3_bind_int64(a->get_interval, 1, i->start_s);
	sqlite3_bind_int64(a->get_interval, 2, i->meter);
	if (sqlite3_step(a->get_interval) == SQLITE_ROW) {
		k.there = true;
		k.quality = sqlite3_column_int(a->get_interval, 0);
		for (size_t c = 0; c < STORE_INTERVAL_COLUMNS; c++) {
			k.has[c] = sqlite3_column_type(a->get_interval, 1 + (int)c) != SQLITE_NULL;
			k.values[c] = sqlite3_column_int64(a->get_interval, 1 + (int)c);
		}
	}
	sqlite3_reset(a->get_interval);
	return k;
}

static void put_kept(struct store *s, const struct account_interval *i, const struct kept *k)
{
	struct store_account *a = &s->account;

	if (a->start_written_s != i->start_s) {
		sqlite3_bind_int64(a->put_start, 1, i->start_s);
		note(s, store_run(s, a->put_start));
		a->start_written_s = i->start_s;
	}
	sqlite3_bind_int64(a->put_interval, 1, i->start_s);
	sqlite3_bind_int64(a->put_interval, 2, i->meter);
	sqlite3_bind_int64(a->put_interval, 3, i->end_s - i->start_s);
	sqlite3_bind_int(a->put_interval, 4, k->quality);
	for (size_t c = 0; c < STORE_INTERVAL_COLUMNS; c++)
		if (k->has[c])
			sqlite3_bind_int64(a->put_interval, 5 + (int)c, k->values[c]);
	note(s, store_run(s, a->put_interval));
}

/* Write one interval, or what it adds to the row that is there. A value that is there stands: it was counted. */
static void on_interval(void *context, const struct account_interval *given)
{
	struct store *s = context;
	struct store_account *a = &s->account;
	struct account_interval i = *given;
	struct kept k;
	int quality; /* of what is new in it; -1: nothing is */
	int64_t measured_s = 0;

	if (a->replaying || i.start_s < a->write_from_s || a->error != 0)
		return;
	k = get_kept(s, &i);
	quality = given->n_values > 0 ? -1 : ACCOUNT_MISSING;
	i.n_values = 0;
	for (size_t v = 0; v < given->n_values; v++) {
		int c = column_of_interval(given->values[v].quantity);

		if (c >= 0 && k.has[c])
			continue;
		i.values[i.n_values++] = given->values[v];
		if (c < 0)
			continue;
		k.has[c] = true;
		k.values[c] = given->values[v].value;
		if ((int)given->values[v].quality > quality)
			quality = (int)given->values[v].quality;
	}
	/* the row says the worst of its values; no row for counters that have no column in it */
	if (quality >= 0 && (!k.there || k.quality == ACCOUNT_MISSING || quality != ACCOUNT_MISSING)) {
		if (quality == ACCOUNT_MEASURED && (!k.there || k.quality == ACCOUNT_MISSING))
			measured_s = i.end_s - i.start_s;
		if (!k.there || k.quality == ACCOUNT_MISSING || quality > k.quality)
			k.quality = quality;
		put_kept(s, &i, &k);
	}
	for (size_t kind = 0; kind < s->n_kinds; kind++)
		if (a->add[0][kind])
			add_to_spans(s, &i, kind, kind == energy_kind(s) ? measured_s : 0);
}

static void on_suspect(void *context, int64_t meter, enum quantity q, int64_t slot_s, bool behind, const char *reason)
{
	struct store *s = context;
	struct store_account *a = &s->account;

	if (a->n_suspects == sizeof(a->suspects) / sizeof(a->suspects[0]))
		return;
	struct store_suspect *suspect = &a->suspects[a->n_suspects++];

	*suspect = (struct store_suspect){.meter = meter, .slot_s = slot_s, .quantity = q, .behind = behind};
	snprintf(suspect->reason, sizeof(suspect->reason), "%s", reason);
}

static void on_life(void *context, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw, int64_t ended_s,
		    int64_t ended_raw, const char *reason)
{
	struct store *s = context;
	struct store_account *a = &s->account;

	if (a->replaying || slot_s < a->write_from_s)
		return;
	if (ended_s) {
		sqlite3_bind_int64(a->end_life, 1, ended_s);
		sqlite3_bind_int64(a->end_life, 2, ended_raw);
		sqlite3_bind_int64(a->end_life, 3, meter);
		sqlite3_bind_int64(a->end_life, 4, a->db_id[q]);
		note(s, store_run(s, a->end_life));
	}
	sqlite3_bind_int64(a->put_life, 1, meter);
	sqlite3_bind_int64(a->put_life, 2, a->db_id[q]);
	sqlite3_bind_int64(a->put_life, 3, slot_s);
	sqlite3_bind_int64(a->put_life, 4, raw);
	sqlite3_bind_text(a->put_life, 5, reason, -1, SQLITE_STATIC);
	note(s, store_run(s, a->put_life));
}

/* Of several counters that do the same in one reading only the first is an event: tables life and suspect have all. */
static void on_event(void *context, int64_t meter, int64_t slot_s, const char *kind, const char *detail)
{
	struct store *s = context;
	struct store_account *a = &s->account;
	struct store_meter *m = store_find_meter(s, meter);

	if (a->replaying || a->rebuilding || !m)
		return;
	if (a->last_event_meter == meter && a->last_event_s == slot_s && strcmp(a->last_event_kind, kind) == 0)
		return;
	a->last_event_meter = meter;
	a->last_event_s = slot_s;
	snprintf(a->last_event_kind, sizeof(a->last_event_kind), "%s", kind);
	store_event(s, slot_s * 1000, m->name, kind, detail);
}

/* Statement that adds to one day's or month's row of one kind. */
static sqlite3_stmt *prepare_add(struct store *s, const char *span, size_t kind)
{
	const char *name = s->kinds[kind].name;
	sqlite3_str *into = sqlite3_str_new(s->db), *values = sqlite3_str_new(s->db), *set = sqlite3_str_new(s->db);
	sqlite3_stmt *stmt = NULL;
	int n = 4;

	sqlite3_str_appendf(into, "INSERT INTO %s_%s (%s, meter, measured_s", span, name, span);
	sqlite3_str_appendall(values, "?1, ?2, ?3");
	sqlite3_str_appendall(set, "measured_s = measured_s + excluded.measured_s");
	for (int q = 0; q < Q_COUNT; q++) {
		const char *column = names_get((enum quantity)q)->name;

		if (span_kind(s, (enum quantity)q) != (int)kind)
			continue;
		sqlite3_str_appendf(into, ", %s", column);
		sqlite3_str_appendf(values, ", ?%d", n);
		s->account.span_column[q] = (uint8_t)n++;
		sqlite3_str_appendf(set, ", %s = coalesce(%s + excluded.%s, %s, excluded.%s)", column, column, column,
				    column, column);
	}
	char *texts[] = {sqlite3_str_finish(into), sqlite3_str_finish(values), sqlite3_str_finish(set)};

	if (texts[0] && texts[1] && texts[2])
		stmt = store_prepare(s, "%s) VALUES (%s) ON CONFLICT (%s, meter) DO UPDATE SET %s", texts[0], texts[1],
				     span, texts[2]);
	for (int i = 0; i < 3; i++)
		sqlite3_free(texts[i]);
	return stmt;
}

static int prepare_interval(struct store *s)
{
	struct store_account *a = &s->account;
	char columns[512] = "", marks[64] = "";

	for (size_t i = 0; i < STORE_INTERVAL_COLUMNS; i++) {
		snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), ", %s",
			 names_get(interval_columns[i])->name);
		snprintf(marks + strlen(marks), sizeof(marks) - strlen(marks), ", ?");
	}
	a->get_interval = store_prepare(s, "SELECT quality%s FROM kept_interval WHERE ts = ? AND meter = ?", columns);
	a->put_interval =
		store_prepare(s, "REPLACE INTO kept_interval (ts, meter, duration_s, quality%s) VALUES (?, ?, ?, ?%s)",
			      columns, marks);
	a->put_start = store_prepare(s, "INSERT OR IGNORE INTO interval_start (ts) VALUES (?)");
	return a->get_interval && a->put_interval && a->put_start ? 0 : -EIO;
}

static int prepare_statements(struct store *s)
{
	struct store_account *a = &s->account;

	a->put_suspect = store_prepare(s, "INSERT OR IGNORE INTO suspect (ts, meter, quantity, behind, reason) "
					  "VALUES (?, ?, ?, ?, ?)");
	a->get_behind =
		store_prepare(s, "SELECT 1 FROM suspect WHERE ts = ? AND meter = ? AND quantity = ? AND behind");
	a->end_life = store_prepare(s, "UPDATE life SET until_ts = ?, until_raw = ? "
				       "WHERE meter = ? AND quantity = ? AND until_ts IS NULL");
	a->put_life = store_prepare(s, "REPLACE INTO life (meter, quantity, from_ts, from_raw, reason) "
				       "VALUES (?, ?, ?, ?, ?)");
	a->put_account = store_prepare(s, "REPLACE INTO account (meter, last_ts, counter_max) VALUES (?, ?, ?)");
	a->put_counter = store_prepare(
		s, "REPLACE INTO account_counter (meter, quantity, parts, living, life_ts, ts, raw, moved_ts, seen_ts, "
		   "open_ts, sum, rest, ended_raw, known_s, estimated, modulus, n_suspect, suspect_ts, suspect_raw, "
		   "suspect_last_ts, "
		   "suspect_last_raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	for (size_t span = 0; span < STORE_SPANS; span++) {
		a->put_span[span] =
			store_prepare(s, "INSERT OR IGNORE INTO local_%s (%s, from_ts, until_ts) VALUES (?, ?, ?)",
				      spans[span], spans[span]);
		for (size_t k = 0; k < s->n_kinds; k++) {
			const char *kind = s->kinds[k].name;

			if (strcmp(kind, "energy") != 0 && strncmp(kind, "tariff", 6) != 0)
				continue;
			a->add[span][k] = prepare_add(s, spans[span], k);
			if (!a->add[span][k])
				return -EIO;
		}
		if (!a->put_span[span])
			return -EIO;
	}
	return a->put_suspect && a->get_behind && a->end_life && a->put_life && a->put_account && a->put_counter
		       ? prepare_interval(s)
		       : -EIO;
}

static int load_quantity_ids(struct store *s)
{
	sqlite3_stmt *get = store_prepare(s, "SELECT id, name FROM quantity");

	if (!get)
		return -EIO;
	while (sqlite3_step(get) == SQLITE_ROW) {
		int q = names_find((const char *)sqlite3_column_text(get, 1));

		if (q >= 0)
			s->account.db_id[q] = sqlite3_column_int64(get, 0);
	}
	sqlite3_finalize(get);
	return 0;
}

static int64_t interval_of(const struct conf *conf)
{
	return conf->interval_s ? conf->interval_s : 900;
}

int store_account_open(struct store *s, const struct conf *conf)
{
	struct store_account *a = &s->account;

	snprintf(a->zone, sizeof(a->zone), "%s", conf->timezone ? conf->timezone : "");
	calendar_zone(conf->timezone);
	calendar_init(&a->calendar, interval_of(conf));
	a->account = (struct account){.calendar = &a->calendar,
				      .sink = {.context = s,
					       .interval = on_interval,
					       .suspect = on_suspect,
					       .life = on_life,
					       .event = on_event}};
	a->write_from_s = INT64_MIN;
	a->span_written_s[0] = a->span_written_s[1] = a->start_written_s = INT64_MIN;
	int r = load_quantity_ids(s);

	return r == 0 ? prepare_statements(s) : r;
}

static void free_limits(struct store_account *a)
{
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

void store_account_close(struct store *s)
{
	struct store_account *a = &s->account;
	sqlite3_stmt *all[] = {a->put_start,   a->get_interval, a->put_interval, a->put_suspect,
			       a->get_behind,  a->end_life,	a->put_life,	 a->put_account,
			       a->put_counter, a->put_span[0],	a->put_span[1]};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sqlite3_finalize(all[i]);
	for (size_t span = 0; span < STORE_SPANS; span++)
		for (size_t k = 0; k < s->n_kinds; k++)
			sqlite3_finalize(a->add[span][k]);
	for (size_t i = 0; i < s->n_meters; i++)
		account_fini(&s->meters[i].account);
	free_limits(a);
}

/* A model whose limits nobody knows: the meter may be a large one, but it is no power station. */
static void set_unknown(struct account_limits *l)
{
	for (int q = 0; q < Q_COUNT; q++)
		l->of[q] = (struct account_limit){.step = 1, .per_hour = ACCOUNT_UNKNOWN_W};
	l->of[Q_OPERATING_TIME].per_hour = 3600;
}

static int64_t type_modulus(const struct driver_row *row, int64_t step)
{
	int bits = row->type == DRIVER_U16 ? 16 : row->type == DRIVER_U32 ? 32 : 0;

	return bits ? (INT64_C(1) << bits) * step : 0;
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
		limit->modulus = row->modulus ? row->modulus : type_modulus(row, step);
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

		if (!is_counter(row->quantity))
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
		.modulus = pulses->modulus * input->weight,
		.back_step = pulses->back_step * input->weight,
		.step = input->weight,
		.per_hour = (int64_t)ACCOUNT_PULSES_S * 3600 * input->weight,
	};
	return l;
}

static int load_inputs(struct store *s)
{
	struct store_account *a = &s->account;
	size_t n = (size_t)store_number(s, "SELECT count(*) FROM input_period", 0);
	sqlite3_stmt *get = store_prepare(s, "SELECT meter, concentrator, from_ts, until_ts, weight, input, quantity, "
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
static struct store_input *period_at(struct store *s, int64_t meter, int64_t slot_s)
{
	for (size_t i = 0; i < s->account.n_inputs; i++) {
		struct store_input *input = &s->account.inputs[i];

		if (input->meter == meter && slot_s >= input->from_s && slot_s < input->until_s)
			return input;
	}
	return NULL;
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

static int count(struct store *s, struct store_meter *m, int64_t slot_s, enum reading_quality quality,
		 struct account_value *values, size_t n)
{
	m->account_changed = true;
	return account_feed(&s->account.account, &m->account, slot_s, quality == READING_UNSYNCHRONISED, values, n);
}

static bool is_input_plausible(const struct store *s, const struct store_input *input, const struct reading *r)
{
	const struct store_meter *m = store_find_meter(s, input->meter);
	enum quantity q = (enum quantity)(Q_PULSES_1 + input->input - 1);
	int64_t value;

	if (!m || m->period_s != input->from_s || input->concentrator != r->meter || r->slot_s < input->from_s ||
	    r->slot_s >= input->until_s || !reading_has(r, q) ||
	    __builtin_mul_overflow(r->values[q], input->weight, &value))
		return true;
	return account_is_plausible(&m->account, input->quantity, r->slot_s, value);
}

bool store_is_plausible(const struct store *s, const struct reading *r)
{
	const struct store_account *a = &s->account;
	const struct store_meter *m = store_find_meter(s, r->meter);

	if (!m || !a->loaded)
		return true;
	for (int q = 0; q < Q_COUNT; q++)
		if (reading_has(r, (enum quantity)q) && is_counter((enum quantity)q) &&
		    !account_is_plausible(&m->account, (enum quantity)q, r->slot_s, r->values[q]))
			return false;
	for (size_t i = 0; i < a->n_inputs; i++)
		if (!is_input_plausible(s, &a->inputs[i], r))
			return false;
	return true;
}

/* One input's count. Returns 1 when it is suspect, 0, or -errno. */
static int count_input(struct store *s, struct store_input *input, int64_t slot_s, enum reading_quality quality,
		       int64_t pulses)
{
	struct store_meter *m = store_find_meter(s, input->meter);
	struct account_value value = {.quantity = input->quantity, .value = pulses * input->weight};

	if (!m)
		return 0;
	if (s->account.replaying && slot_s <= m->account.last_s)
		return 0;
	/* a slot that lies behind is not counted, whatever it weighs */
	if (slot_s > m->account.last_s || m->account.last_s - slot_s > ACCOUNT_BACK_S) {
		if (m->period_s != input->from_s && m->account.n_counters > 0)
			account_replace(&s->account.account, &m->account, Q_COUNT, input->from_s, NULL, NULL,
					"configuration");
		m->period_s = input->from_s;
		m->account.limits = input->limits;
	}
	int r = count(s, m, slot_s, quality, &value, 1);

	return r != 0 ? r : value.suspect;
}

static int count_inputs(struct store *s, int64_t concentrator, int64_t slot_s, enum reading_quality quality, size_t n,
			const enum quantity *qs, const int64_t *values)
{
	struct store_account *a = &s->account;
	int suspects = 0;

	for (size_t i = 0; i < a->n_inputs; i++) {
		struct store_input *input = &a->inputs[i];

		if (input->concentrator != concentrator || slot_s < input->from_s || slot_s >= input->until_s)
			continue;
		for (size_t v = 0; v < n; v++) {
			if (qs[v] != (enum quantity)(Q_PULSES_1 + input->input - 1))
				continue;
			int r = count_input(s, input, slot_s, quality, values[v]);

			if (r < 0)
				return r;
			suspects += r;
		}
	}
	return suspects;
}

/* The reading is of something else than the meter of the configuration: nothing of it is ever counted. Returns the
 * kinds that have counters of it. */
static unsigned leave_out(struct store *s, int64_t meter, int64_t slot_s, size_t n, const enum quantity *qs)
{
	static const char reason[] = "what answers is not the model of the configuration";
	const struct store_account *a = &s->account;
	unsigned kinds = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_counter(qs[i]) || s->kind_of[qs[i]] < 0)
			continue;
		kinds |= 1U << s->kind_of[qs[i]];
		if (qs[i] < Q_PULSES_1 || qs[i] > Q_PULSES_8)
			on_suspect(s, meter, qs[i], slot_s, true, reason);
		for (size_t k = 0; k < a->n_inputs; k++)
			if (a->inputs[k].concentrator == meter &&
			    qs[i] == (enum quantity)(Q_PULSES_1 + a->inputs[k].input - 1) &&
			    slot_s >= a->inputs[k].from_s && slot_s < a->inputs[k].until_s)
				on_suspect(s, a->inputs[k].meter, a->inputs[k].quantity, slot_s, true, reason);
	}
	return kinds;
}

/* No reading keeps it: what is replayed or rebuilt after a sudden end needs it as it was, so it is saved at once. */
static void note_counter_max(struct store *s, struct store_meter *m, int64_t counter_max)
{
	if (m->account.counter_max == counter_max)
		return;
	m->account.counter_max = counter_max;
	m->account_changed = true;
	s->account.save_wanted = true;
}

int store_account_feed(struct store *s, int64_t meter, int64_t slot_s, enum reading_quality quality, size_t n,
		       const enum quantity *qs, const int64_t *values)
{
	struct store_account *a = &s->account;
	struct store_meter *m = store_find_meter(s, meter);
	struct account_value counters[Q_COUNT];
	size_t n_counters = 0;
	unsigned kinds = 0;
	bool pulses = false;
	int r = 0;

	a->n_suspects = 0;
	if (!m || !a->loaded)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (qs[i] >= Q_PULSES_1 && qs[i] <= Q_PULSES_8)
			pulses = true;
		else if (qs[i] == Q_COUNTER_MAX)
			note_counter_max(s, m, values[i]);
		else if (is_counter(qs[i]) && s->kind_of[qs[i]] >= 0 && !(a->replaying && slot_s <= m->account.last_s))
			counters[n_counters++] = (struct account_value){.quantity = qs[i], .value = values[i]};
	}
	a->newest_s = slot_s;
	if (quality == READING_SUSPECT)
		return (int)leave_out(s, meter, slot_s, n, qs);
	if (n_counters > 0)
		r = count(s, m, slot_s, quality, counters, n_counters);
	for (size_t i = 0; i < n_counters && r == 0; i++)
		if (counters[i].suspect)
			kinds |= 1U << s->kind_of[counters[i].quantity];
	if (r == 0 && pulses) {
		r = count_inputs(s, meter, slot_s, quality, n, qs, values);
		if (r > 0)
			kinds |= 1U << s->kind_of[Q_PULSES_1];
	}
	if (a->error != 0)
		r = a->error;
	return r < 0 ? r : (int)kinds;
}

int store_account_suspects(struct store *s, unsigned kinds)
{
	struct store_account *a = &s->account;
	int r = 0;

	for (size_t i = 0; i < a->n_suspects && r == 0; i++) {
		const struct store_suspect *suspect = &a->suspects[i];
		int kind = s->kind_of[suspect->quantity];
		const struct store_meter *m = store_find_meter(s, suspect->meter);

		if (m && m->is_input)
			kind = s->kind_of[Q_PULSES_1];
		if (kind < 0 || !(kinds & 1U << kind))
			continue;
		sqlite3_bind_int64(a->put_suspect, 1, suspect->slot_s);
		sqlite3_bind_int64(a->put_suspect, 2, suspect->meter);
		sqlite3_bind_int64(a->put_suspect, 3, a->db_id[suspect->quantity]);
		sqlite3_bind_int(a->put_suspect, 4, suspect->behind);
		sqlite3_bind_text(a->put_suspect, 5, suspect->reason, -1, SQLITE_STATIC);
		r = store_run(s, a->put_suspect);
	}
	a->n_suspects = 0;
	return r;
}

static int save_counter(struct store *s, int64_t meter, const struct account_counter *c)
{
	sqlite3_stmt *put = s->account.put_counter;
	const int64_t always[] = {meter,	s->account.db_id[c->quantity],
				  c->parts,	c->living + c->was_reset,
				  c->life_s,	c->slot_s,
				  c->raw,	c->moved_s,
				  c->seen_s,	c->open_s,
				  c->sum,	c->rest,
				  c->ended_raw, c->known_s,
				  c->estimated, c->modulus,
				  c->n_suspect};
	const int64_t suspect[] = {c->suspect_s, c->suspect_raw, c->suspect_last_s, c->suspect_last_raw};
	int n = 1;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		sqlite3_bind_int64(put, n++, always[i]);
	for (size_t i = 0; i < sizeof(suspect) / sizeof(suspect[0]) && c->n_suspect > 0; i++)
		sqlite3_bind_int64(put, n++, suspect[i]);
	return store_run(s, put);
}

static int save_meter(struct store *s, struct store_meter *m)
{
	sqlite3_stmt *put = s->account.put_account;
	int r;

	sqlite3_bind_int64(put, 1, m->id);
	sqlite3_bind_int64(put, 2, m->account.last_s);
	sqlite3_bind_int64(put, 3, m->account.counter_max);
	r = store_run(s, put);
	for (size_t i = 0; i < m->account.n_counters && r == 0; i++)
		r = save_counter(s, m->id, &m->account.counters[i]);
	return r;
}

int store_account_save(struct store *s, bool always)
{
	struct store_account *a = &s->account;
	int r = 0;

	if (!a->loaded || (!always && !a->save_wanted && llabs(a->newest_s - a->saved_s) < STORE_SAVE_EVERY_S))
		return 0;
	for (size_t i = 0; i < s->n_meters && r == 0; i++) {
		if (!s->meters[i].account_changed)
			continue;
		r = save_meter(s, &s->meters[i]);
		s->meters[i].account_changed = false;
	}
	a->saved_s = a->newest_s;
	a->save_wanted = false;
	return r;
}

/* The highest value that each meter's counters show: what the meter has said of itself, which no reading holds. */
static int load_counter_max(struct store *s)
{
	sqlite3_stmt *get = store_prepare(s, "SELECT meter, counter_max FROM account");

	while (get && sqlite3_step(get) == SQLITE_ROW) {
		struct store_meter *m = store_find_meter(s, sqlite3_column_int64(get, 0));

		if (m)
			m->account.counter_max = sqlite3_column_int64(get, 1);
	}
	return sqlite3_finalize(get) == SQLITE_OK && get ? 0 : store_fail(s, "read");
}

static int load_state(struct store *s)
{
	sqlite3_stmt *get = store_prepare(s, "SELECT meter, last_ts, counter_max FROM account");
	sqlite3_stmt *get_counter = store_prepare(
		s, "SELECT c.meter, q.name, living, life_ts, ts, raw, moved_ts, seen_ts, open_ts, sum, known_s, "
		   "estimated, modulus, n_suspect, suspect_ts, suspect_raw, suspect_last_ts, suspect_last_raw, "
		   "parts, rest, ended_raw "
		   "FROM account_counter c JOIN quantity q ON q.id = c.quantity");
	int r = get && get_counter ? 0 : -EIO;

	while (r == 0 && sqlite3_step(get) == SQLITE_ROW) {
		struct store_meter *m = store_find_meter(s, sqlite3_column_int64(get, 0));

		if (!m)
			continue;
		m->account.last_s = sqlite3_column_int64(get, 1);
		m->account.counter_max = sqlite3_column_int64(get, 2);
		if (m->account.last_s > s->account.newest_s)
			s->account.newest_s = m->account.last_s;
	}
	while (r == 0 && sqlite3_step(get_counter) == SQLITE_ROW) {
		struct store_meter *m = store_find_meter(s, sqlite3_column_int64(get_counter, 0));
		int q = names_find((const char *)sqlite3_column_text(get_counter, 1));

		if (!m || q < 0)
			continue;
		struct account_counter c = {.quantity = (enum quantity)q,
					    .living = sqlite3_column_int(get_counter, 2) > 0,
					    .was_reset = sqlite3_column_int(get_counter, 2) > 1,
					    .life_s = sqlite3_column_int64(get_counter, 3),
					    .slot_s = sqlite3_column_int64(get_counter, 4),
					    .raw = sqlite3_column_int64(get_counter, 5),
					    .moved_s = sqlite3_column_int64(get_counter, 6),
					    .seen_s = sqlite3_column_int64(get_counter, 7),
					    .open_s = sqlite3_column_int64(get_counter, 8),
					    .sum = sqlite3_column_int64(get_counter, 9),
					    .known_s = sqlite3_column_int64(get_counter, 10),
					    .estimated = sqlite3_column_int(get_counter, 11),
					    .modulus = sqlite3_column_int64(get_counter, 12),
					    .n_suspect = sqlite3_column_int(get_counter, 13),
					    .suspect_s = sqlite3_column_int64(get_counter, 14),
					    .suspect_raw = sqlite3_column_int64(get_counter, 15),
					    .suspect_last_s = sqlite3_column_int64(get_counter, 16),
					    .suspect_last_raw = sqlite3_column_int64(get_counter, 17),
					    .parts = sqlite3_column_int64(get_counter, 18),
					    .rest = sqlite3_column_int64(get_counter, 19),
					    .ended_raw = sqlite3_column_int64(get_counter, 20)};

		r = account_restore(&m->account, &c);
	}
	int ended = sqlite3_finalize(get), ended_counter = sqlite3_finalize(get_counter);

	if (r == 0 && (ended != SQLITE_OK || ended_counter != SQLITE_OK))
		r = store_fail(s, "read");
	return r;
}

/* One table of readings, read in the order of its key. */
struct cursor {
	sqlite3_stmt *stmt; /* id, meter, quality, then the quantities of the kind */
	bool row;
	int64_t id, meter;
};

static void next_row(struct cursor *c)
{
	c->row = sqlite3_step(c->stmt) == SQLITE_ROW;
	if (!c->row)
		return;
	c->id = sqlite3_column_int64(c->stmt, 0);
	c->meter = sqlite3_column_int64(c->stmt, 1);
}

static int open_cursor(struct store *s, size_t kind, struct cursor *c, int64_t after_s, int64_t before_s)
{
	sqlite3_str *sql = sqlite3_str_new(s->db);

	sqlite3_str_appendall(sql, "SELECT id, meter, quality");
	for (int q = 0; q < Q_COUNT; q++)
		if (s->kind_of[q] == (int)kind)
			sqlite3_str_appendf(sql, ", %s", names_get((enum quantity)q)->name);
	sqlite3_str_appendf(sql, " FROM reading_%s WHERE id >= %lld AND id < %lld ORDER BY id", s->kinds[kind].name,
			    (long long)(after_s + 1) << STORE_SLOT_BITS, (long long)before_s << STORE_SLOT_BITS);
	char *text = sqlite3_str_finish(sql);

	c->stmt = text ? store_prepare(s, "%s", text) : NULL;
	sqlite3_free(text);
	if (!c->stmt)
		return -EIO;
	next_row(c);
	return 0;
}

/* Was this value left out because its slot lay behind? */
static bool was_behind(struct store *s, int64_t slot_s, int64_t meter, enum quantity q)
{
	struct store_account *a = &s->account;

	if (q >= Q_PULSES_1 && q <= Q_PULSES_8)
		for (size_t i = 0; i < a->n_inputs; i++)
			if (a->inputs[i].concentrator == meter && a->inputs[i].input == q - Q_PULSES_1 + 1 &&
			    slot_s >= a->inputs[i].from_s && slot_s < a->inputs[i].until_s)
				return was_behind(s, slot_s, a->inputs[i].meter, a->inputs[i].quantity);
	sqlite3_bind_int64(a->get_behind, 1, slot_s);
	sqlite3_bind_int64(a->get_behind, 2, meter);
	sqlite3_bind_int64(a->get_behind, 3, a->db_id[q]);
	bool behind = sqlite3_step(a->get_behind) == SQLITE_ROW;

	sqlite3_reset(a->get_behind);
	return behind;
}

/* A reading as it was fed. */
struct row_values {
	enum reading_quality quality;
	size_t n;
	enum quantity quantities[Q_COUNT];
	int64_t values[Q_COUNT];
};

static void take_row(struct store *s, size_t kind, struct cursor *c, struct row_values *out)
{
	int quality = sqlite3_column_int(c->stmt, 2), column = 3;

	if (quality == READING_UNSYNCHRONISED)
		out->quality = READING_UNSYNCHRONISED;
	for (int q = 0; q < Q_COUNT; q++) {
		if (s->kind_of[q] != (int)kind)
			continue;
		int at = column++;

		if (sqlite3_column_type(c->stmt, at) == SQLITE_NULL)
			continue;
		if (quality == READING_SUSPECT && was_behind(s, c->id >> STORE_SLOT_BITS, c->meter, (enum quantity)q))
			continue;
		out->quantities[out->n] = (enum quantity)q;
		out->values[out->n++] = sqlite3_column_int64(c->stmt, at);
	}
	next_row(c);
}

/* An exchange of a meter that is to be repeated in its place. */
struct exchange {
	int64_t meter, at_s;
	bool has_final, has_initial;
	int64_t final, initial;
	bool done;
};

/* End the lives of a meter's counters. Returns false when the main counter goes on: the exchange was noticed before. */
static bool exchange(struct store *s, struct store_meter *m, int64_t at_s, const int64_t *final, const int64_t *initial)
{
	enum quantity main_counter = Q_ACTIVE_ENERGY_IMPORT;
	bool noticed = false;

	if (m->is_input && m->account.n_counters > 0)
		main_counter = m->account.counters[0].quantity;
	for (size_t i = 0; i < m->account.n_counters; i++) {
		enum quantity q = m->account.counters[i].quantity;
		bool figures = q == main_counter;

		if (account_has_noticed(&m->account, q, at_s, figures ? final : NULL)) {
			noticed |= figures;
			continue;
		}
		account_replace(&s->account.account, &m->account, q, at_s, figures ? final : NULL,
				figures ? initial : NULL, "replaced");
	}
	m->account_changed = true;
	return !noticed;
}

/* Those of this meter that came before the reading of slot_s. */
static void repeat_exchanges(struct store *s, struct exchange *list, size_t n, int64_t meter, int64_t slot_s)
{
	for (size_t i = 0; i < n; i++) {
		struct exchange *x = &list[i];
		struct store_meter *m = x->done || x->at_s >= slot_s ? NULL : store_find_meter(s, x->meter);

		/* an input's readings are its concentrator's */
		if (!m || (x->meter != meter && !(m->is_input && period_at(s, m->id, slot_s) &&
						  period_at(s, m->id, slot_s)->concentrator == meter)))
			continue;
		exchange(s, m, x->at_s, x->has_final ? &x->final : NULL, x->has_initial ? &x->initial : NULL);
		x->done = true;
	}
}

/* Feed the readings of [after_s, before_s) again, each meter from where its account stands. 0 or -errno. */
static int replay(struct store *s, int64_t after_s, int64_t before_s, struct exchange *exchanges, size_t n_exchanges,
		  int (*step)(struct store *s))
{
	struct cursor cursors[STORE_KINDS_MAX] = {0};
	int r = 0;

	for (size_t k = 0; k < s->n_kinds && r == 0; k++)
		r = open_cursor(s, k, &cursors[k], after_s, before_s);
	while (r == 0) {
		const struct cursor *first = NULL;
		struct row_values row = {.quality = READING_GOOD};

		for (size_t k = 0; k < s->n_kinds; k++) {
			const struct cursor *c = &cursors[k];

			if (c->row && (!first || c->id < first->id))
				first = c;
		}
		if (!first)
			break;
		int64_t id = first->id, meter = first->meter, slot_s = id >> STORE_SLOT_BITS;

		for (size_t k = 0; k < s->n_kinds; k++)
			if (cursors[k].row && cursors[k].id == id)
				take_row(s, k, &cursors[k], &row);
		repeat_exchanges(s, exchanges, n_exchanges, meter, slot_s);
		r = store_account_feed(s, meter, slot_s, row.quality, row.n, row.quantities, row.values);
		if (r > 0)
			r = 0;
		if (r == 0 && step)
			r = step(s);
	}
	for (size_t k = 0; k < s->n_kinds; k++)
		sqlite3_finalize(cursors[k].stmt);
	return r;
}

/* An input can do what its period of the last reading says. Returns that, or NULL. */
static const struct store_input *set_input_limits(struct store *s, struct store_meter *m)
{
	const struct store_input *input = m->is_input ? period_at(s, m->id, m->account.last_s) : NULL;

	if (input)
		m->account.limits = input->limits;
	return input;
}

/* Take up the account where the last run left it: its state as saved, and the readings since. Each save writes every
 * meter that has changed, so none has a reading that is older than the newest saved slot and not in its state. A state
 * from before the first reading has no slot: then all readings are since. */
static int go_on(struct store *s)
{
	struct store_account *a = &s->account;
	int64_t after_s;
	int r = load_state(s);

	for (size_t i = 0; i < s->n_meters; i++) {
		const struct store_input *input = set_input_limits(s, &s->meters[i]);

		s->meters[i].period_s = input ? input->from_s : INT64_MIN;
	}
	a->loaded = true;
	a->saved_s = a->newest_s;
	if (r != 0)
		return r;
	after_s = a->newest_s > STORE_REPLAY_BACK_S ? a->newest_s - STORE_REPLAY_BACK_S : 0;
	a->replaying = true;
	r = replay(s, after_s, mono_wall_ms() / 1000 + ACCOUNT_BACK_S, NULL, 0, NULL);
	a->replaying = false;
	return r;
}

static void forget(struct store *s)
{
	for (size_t i = 0; i < s->n_meters; i++) {
		struct store_meter *m = &s->meters[i];

		account_fini(&m->account);
		m->account.last_s = m->account.told_s = 0;
		m->account_changed = false;
		m->period_s = INT64_MIN;
	}
	s->account.error = 0;
	s->account.newest_s = 0;
	s->account.n_suspects = 0;
	s->account.span_written_s[0] = s->account.span_written_s[1] = INT64_MIN;
	s->account.start_written_s = INT64_MIN;
}

int store_account_reload(struct store *s)
{
	forget(s);
	return s->account.loaded ? go_on(s) : 0;
}

static int put_setting(struct store *s, const char *name, const char *value)
{
	sqlite3_stmt *put = store_prepare(s, "REPLACE INTO setting (name, value) VALUES ('%s', ?)", name);
	int r;

	if (!put)
		return -EIO;
	sqlite3_bind_text(put, 1, value, -1, SQLITE_STATIC);
	r = store_run(s, put);
	sqlite3_finalize(put);
	return r;
}

/* The length of intervals or the time zone is another one: end what runs, go on with the new. */
static int change_settings(struct store *s, const char *interval, const char *zone)
{
	struct store_account *a = &s->account;
	int r = store_exec(s, "BEGIN IMMEDIATE");

	for (size_t i = 0; i < s->n_meters && r == 0; i++) {
		account_cut(&a->account, &s->meters[i].account);
		s->meters[i].account_changed = true;
		r = a->error;
	}
	if (r == 0)
		r = store_account_save(s, true);
	if (r == 0)
		r = put_setting(s, "interval_s", interval);
	if (r == 0)
		r = put_setting(s, "timezone", zone);
	if (r == 0)
		r = store_exec(s, "COMMIT");
	if (r != 0) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		s->stale = true;
	}
	return r;
}

static void get_setting(struct store *s, const char *name, char *value, size_t n)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT value FROM setting WHERE name = '%s'", name);
	store_text(s, sql, value, n);
}

/* The zone is the one the process started with, whatever a reload says: the C library has one for all threads. */
static int check_settings(struct store *s, const struct conf *conf)
{
	struct store_account *a = &s->account;
	char interval[24], known_interval[24], known_zone[sizeof(a->zone)];
	int64_t interval_s = interval_of(conf);

	snprintf(interval, sizeof(interval), "%lld", (long long)interval_s);
	get_setting(s, "interval_s", known_interval, sizeof(known_interval));
	get_setting(s, "timezone", known_zone, sizeof(known_zone));
	if (strcmp(interval, known_interval) == 0 && strcmp(a->zone, known_zone) == 0 &&
	    a->calendar.interval_s == interval_s)
		return 0;
	calendar_init(&a->calendar, interval_s);
	return change_settings(s, interval, a->zone);
}

int store_account_configure(struct store *s, const struct conf *conf)
{
	struct store_account *a = &s->account;

	free_limits(a);
	int r = set_meters(s, conf);

	if (r == 0)
		r = load_inputs(s);
	if (r == 0 && !a->loaded) {
		forget(s);
		if (store_number(s, "SELECT count(*) FROM setting WHERE name = 'rebuild'", 0) > 0 ||
		    store_number(s, "SELECT count(*) FROM account", 0) == 0)
			r = store_account_rebuild(s);
		else
			r = go_on(s);
	}
	for (size_t i = 0; i < s->n_meters; i++)
		set_input_limits(s, &s->meters[i]);
	return r == 0 ? check_settings(s, conf) : r;
}

int store_account_replace(struct store *s, struct store_meter *m, int64_t at_s, const int64_t *final,
			  const int64_t *initial, const char *detail)
{
	sqlite3_stmt *put = store_prepare(s, "INSERT INTO replacement (meter, at_ts, final, initial, done) "
					     "VALUES (?, ?, ?, ?, 1)");
	int r;

	if (!put)
		return -EIO;
	if (at_s < m->account.last_s)
		at_s = m->account.last_s;
	sqlite3_bind_text(put, 1, m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, at_s);
	if (final)
		sqlite3_bind_int64(put, 3, *final);
	if (initial)
		sqlite3_bind_int64(put, 4, *initial);
	r = store_run(s, put);
	sqlite3_finalize(put);
	bool ended = exchange(s, m, at_s, final, initial);

	store_event(s, at_s * 1000, m->name, "meter-replaced",
		    ended ? detail
		    : final || initial
			    ? "noticed before as a reset; the final and initial values can not be counted any more"
			    : "noticed before as a reset");
	if (r == 0)
		r = s->account.error;
	return r == 0 ? store_account_save(s, true) : r;
}

/* One request of `tally replace`. */
static int act_on(struct store *s, struct store_meter *m, sqlite3_stmt *get)
{
	int64_t at_s = sqlite3_column_int64(get, 1), final = sqlite3_column_int64(get, 2),
		initial = sqlite3_column_int64(get, 3);
	bool has_final = sqlite3_column_type(get, 2) != SQLITE_NULL,
	     has_initial = sqlite3_column_type(get, 3) != SQLITE_NULL;

	return store_account_replace(s, m, at_s, has_final ? &final : NULL, has_initial ? &initial : NULL,
				     "as tally replace was told");
}

int store_account_replacements(struct store *s)
{
	int64_t version = store_number(s, "PRAGMA data_version", 0);
	sqlite3_stmt *get;
	int r = 0;

	/* it changes when another program has written */
	if (version == s->replacement_version)
		return 0;
	get = store_prepare(s, "SELECT meter, at_ts, final, initial FROM replacement WHERE NOT done ORDER BY id");
	if (!get)
		return -EIO;
	while (r == 0 && sqlite3_step(get) == SQLITE_ROW) {
		int64_t id = store_meter_id(s, (const char *)sqlite3_column_text(get, 0));
		struct store_meter *m = store_find_meter(s, id);

		if (m)
			r = act_on(s, m, get);
	}
	sqlite3_finalize(get);
	if (r == 0)
		r = store_exec(s, "DELETE FROM replacement WHERE NOT done");
	if (r == 0)
		s->replacement_version = version;
	return r;
}

int store_account_missing(struct store *s, int64_t now_s)
{
	struct store_account *a = &s->account;

	for (size_t i = 0; i < s->n_meters && a->loaded && a->error == 0; i++) {
		struct store_meter *m = &s->meters[i];

		/* after a start each meter has its chance to be read first */
		if (!m->configured || now_s - s->started_s < 2 * (int64_t)m->account.every_s + ACCOUNT_SLACK_S)
			continue;
		account_tell_missing(&a->account, &m->account, now_s, STORE_MISSING_AT_ONCE);
	}
	return a->error;
}

static int load_exchanges(struct store *s, struct exchange **list, size_t *n)
{
	size_t most = (size_t)store_number(s, "SELECT count(*) FROM replacement WHERE done", 0);
	sqlite3_stmt *get = store_prepare(s, "SELECT m.id, r.at_ts, r.final, r.initial FROM replacement r "
					     "JOIN meter m ON m.name = r.meter WHERE r.done ORDER BY r.at_ts, r.id");

	*list = calloc(most + 1, sizeof(**list));
	*n = 0;
	if (!get || !*list) {
		sqlite3_finalize(get);
		return get ? -ENOMEM : -EIO;
	}
	while (*n < most && sqlite3_step(get) == SQLITE_ROW)
		(*list)[(*n)++] = (struct exchange){.meter = sqlite3_column_int64(get, 0),
						    .at_s = sqlite3_column_int64(get, 1),
						    .has_final = sqlite3_column_type(get, 2) != SQLITE_NULL,
						    .final = sqlite3_column_int64(get, 2),
						    .has_initial = sqlite3_column_type(get, 3) != SQLITE_NULL,
						    .initial = sqlite3_column_int64(get, 3)};
	sqlite3_finalize(get);
	return 0;
}

/* Take out everything from write_from_s on that readings will make again. */
static int clear_account(struct store *s, int64_t write_from_s)
{
	char day[16] = "", month[16] = "", sql[200];
	int r = store_exec(s, "UPDATE account SET last_ts = 0; DELETE FROM account_counter");

	if (write_from_s != INT64_MIN) {
		snprintf(day, sizeof(day), "%s", calendar_day(&s->account.calendar, write_from_s)->name);
		snprintf(month, sizeof(month), "%s", calendar_month(&s->account.calendar, write_from_s)->name);
	}
	for (size_t span = 0; span < STORE_SPANS && r == 0; span++)
		for (size_t k = 0; k < s->n_kinds && r == 0; k++) {
			if (!s->account.add[span][k])
				continue;
			snprintf(sql, sizeof(sql), "DELETE FROM %s_%s WHERE %s >= '%s'", spans[span], s->kinds[k].name,
				 spans[span], span == 0 ? day : month);
			r = store_exec(s, sql);
		}
	snprintf(sql, sizeof(sql),
		 "DELETE FROM kept_interval WHERE ts >= %lld; DELETE FROM interval_start WHERE ts >= %lld",
		 (long long)write_from_s, (long long)write_from_s);
	if (r == 0)
		r = store_exec(s, sql);
	snprintf(sql, sizeof(sql),
		 "DELETE FROM life WHERE from_ts >= %lld; "
		 "UPDATE life SET until_ts = NULL, until_raw = NULL WHERE until_ts >= %lld",
		 (long long)write_from_s, (long long)write_from_s);
	return r == 0 ? store_exec(s, sql) : r;
}

/* Called after each reading of a rebuild: a transaction must not grow without end. */
static int rebuild_step(struct store *s)
{
	int r = s->account.error;

	if (r != 0 || ++s->account.n_rebuilt % STORE_REBUILD_STEP != 0)
		return r;
	r = store_exec(s, "COMMIT");
	return r == 0 ? store_exec(s, "BEGIN IMMEDIATE") : r;
}

/* From where a rebuild may write: from the beginning when no reading has been deleted yet, else from the first local
 * month that the readings cover wholly. */
static int64_t rebuild_from(struct store *s)
{
	int64_t deleted_s =
		store_number(s, "SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'deleted_until'", 0);

	if (deleted_s == 0)
		return INT64_MIN;
	return calendar_month(&s->account.calendar, deleted_s)->end_s;
}

int store_account_rebuild(struct store *s)
{
	struct store_account *a = &s->account;
	struct exchange *exchanges = NULL;
	size_t n_exchanges = 0;
	int r = load_exchanges(s, &exchanges, &n_exchanges);

	forget(s);
	a->loaded = true;
	a->rebuilding = true;
	a->n_rebuilt = 0;
	a->write_from_s = rebuild_from(s);
	if (r == 0)
		r = store_exec(s, "BEGIN IMMEDIATE");
	if (r == 0)
		r = put_setting(s, "rebuild", "not finished");
	if (r == 0)
		r = load_counter_max(s);
	if (r == 0)
		r = clear_account(s, a->write_from_s);
	if (r == 0)
		r = replay(s, 0, mono_wall_ms() / 1000 + ACCOUNT_BACK_S, exchanges, n_exchanges, rebuild_step);
	/* exchanges after the last reading */
	for (size_t i = 0; i < n_exchanges && r == 0; i++)
		repeat_exchanges(s, exchanges, n_exchanges, exchanges[i].meter, INT64_MAX);
	if (r == 0)
		r = a->error;
	if (r == 0)
		r = store_account_save(s, true);
	if (r == 0)
		r = store_exec(s, "DELETE FROM setting WHERE name = 'rebuild'");
	if (r == 0)
		r = store_exec(s, "COMMIT");
	if (r != 0) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		a->loaded = false;
	}
	a->rebuilding = false;
	a->write_from_s = INT64_MIN;
	free(exchanges);
	return r;
}

int store_rebuild(struct store *s)
{
	int r = store_commit(s);

	return r == 0 ? store_account_rebuild(s) : r;
}

static int insert_replacement(sqlite3 *db, const char *meter, int64_t at_s, const int64_t *final,
			      const int64_t *initial)
{
	sqlite3_stmt *put = NULL;
	int r = sqlite3_prepare_v2(db,
				   "INSERT INTO replacement (meter, at_ts, final, initial) "
				   "SELECT name, ?2, ?3, ?4 FROM meter WHERE name = ?1 AND configured",
				   -1, &put, NULL);

	if (r == SQLITE_OK) {
		sqlite3_bind_text(put, 1, meter, -1, SQLITE_STATIC);
		sqlite3_bind_int64(put, 2, at_s);
		if (final)
			sqlite3_bind_int64(put, 3, *final);
		if (initial)
			sqlite3_bind_int64(put, 4, *initial);
		sqlite3_step(put);
	}
	return sqlite3_finalize(put);
}

int store_replace(const struct conf *conf, const char *meter, int64_t at_s, const int64_t *final,
		  const int64_t *initial, struct err *e)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(conf->store_path, &db, SQLITE_OPEN_READWRITE, NULL);

	sqlite3_busy_timeout(db, 5000);
	if (r == SQLITE_OK)
		r = insert_replacement(db, meter, at_s, final, initial);
	if (r != SQLITE_OK)
		err_add(e, conf->store_path, 0, "can not be written: %s", sqlite3_errmsg(db));
	else if (sqlite3_changes(db) == 0)
		err_add(e, NULL, 0, "%s: no such meter or input in %s", meter, conf->store_path);
	else
		meter = NULL;
	sqlite3_close(db);
	return meter ? -EINVAL : 0;
}
