/* SPDX-License-Identifier: MIT */
#include "gas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "span.h"

/* A calorific value and the time for which it holds. */
struct gas_value {
	char *meter;
	int64_t since_s, until_s, nwh_per_ml;
};

static int add_value(struct gas *g, struct reader *r)
{
	struct gas_value *more = realloc(g->values, (g->n + 1) * sizeof(*more));
	char *meter = strdup(reader_text(r, 0));

	if (more != NULL)
		g->values = more;
	if (more == NULL || meter == NULL) {
		free(meter);
		return -ENOMEM;
	}
	g->values[g->n++] = (struct gas_value){.meter = meter,
					       .since_s = reader_whole(r, 1),
					       .until_s = reader_whole(r, 2),
					       .nwh_per_ml = reader_whole(r, 3)};
	return 0;
}

int gas_read(struct gas *g, struct reader *r)
{
	enum reader_step step;
	int rc = reader_ask(r, "SELECT meter, since_ts, until_ts, nwh_ml FROM calorific ORDER BY meter, since_ts");

	if (rc != 0)
		return -EIO;
	while ((step = reader_next(r)) == READER_ROW)
		if (rc == 0)
			rc = add_value(g, r);
	return step == READER_END ? rc : -EIO;
}

void gas_free(struct gas *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->values[i].meter);
	free(g->values);
	*g = (struct gas){.n = 0};
}

/* The volume that a meter counted in a span, in ml. */
static int read_volume(struct reader *r, const char *meter, int64_t from_s, int64_t until_s, int64_t *ml)
{
	static const char *const volume[] = {"volume"};
	struct span_question q = {.from_s = from_s,
				  .until_s = until_s,
				  .n_quantities = 1,
				  .quantities = volume,
				  .n_meters = 1,
				  .meters = &meter};
	struct span s = {.n = 0};
	int rc = span_read(&s, r, &q);

	*ml = 0;
	for (size_t i = 0; rc == 0 && i < s.n; i++)
		*ml += s.counters[i].amount;
	span_free(&s);
	return rc;
}

/* The heat of all that a meter has burnt up to a moment. The product of volume and calorific value is split into Wh and
 * nWh, so that it fits 63 bits. */
static int read_burnt(const struct gas *g, struct reader *r, const char *meter, int64_t at_s, int64_t *wh)
{
	int64_t ml, nwh = 0;

	*wh = 0;
	for (size_t i = 0; i < g->n; i++) {
		const struct gas_value *v = &g->values[i];
		int rc;

		if (strcmp(v->meter, meter) != 0 || v->since_s >= at_s)
			continue;
		rc = read_volume(r, meter, v->since_s, v->until_s < at_s ? v->until_s : at_s, &ml);
		if (rc != 0)
			return rc;
		*wh += ml / 1000000 * v->nwh_per_ml / 1000;
		nwh += ml / 1000000 * v->nwh_per_ml % 1000 * 1000000 + ml % 1000000 * v->nwh_per_ml;
	}
	*wh += nwh / 1000000000;
	return 0;
}

int gas_heat(const struct gas *g, struct reader *r, const char *meter, int64_t from_s, int64_t until_s, bool *has_heat,
	     int64_t *wh)
{
	int64_t before, after;
	int rc;

	*has_heat = false;
	for (size_t i = 0; i < g->n; i++)
		*has_heat |= strcmp(g->values[i].meter, meter) == 0;
	if (!*has_heat)
		return 0;
	rc = read_burnt(g, r, meter, from_s, &before);
	if (rc == 0)
		rc = read_burnt(g, r, meter, until_s, &after);
	if (rc == 0)
		*wh = after - before;
	return rc;
}
