/* SPDX-License-Identifier: MIT */
#include "ledger_copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ledger_copy_fini(struct ledger_copy *c)
{
	for (size_t i = 0; i < c->n_meters; i++)
		free(c->meters[i].marks);
	free(c->meters);
	free(c->inputs);
	*c = (struct ledger_copy){.edition = 0};
}

int ledger_copy_fit(struct ledger_copy *c, size_t n_meters)
{
	struct ledger_copy_meter *meters;

	if (n_meters <= c->n_meters)
		return 0;
	meters = realloc(c->meters, n_meters * sizeof(*meters));
	if (meters == NULL)
		return -ENOMEM;
	c->meters = meters;
	for (; c->n_meters < n_meters; c->n_meters++)
		meters[c->n_meters] = (struct ledger_copy_meter){.id = INT64_MAX, .period_s = INT64_MIN};
	return 0;
}

int ledger_copy_set_meter(struct ledger_copy *c, size_t i, const struct account_meter *m, int64_t period_s,
			  const char *serial)
{
	struct ledger_copy_meter *copy = &c->meters[i];

	copy->id = m->id;
	copy->period_s = period_s;
	if (strcmp(copy->serial, serial) != 0)
		snprintf(copy->serial, sizeof(copy->serial), "%s", serial);
	copy->n_marks = 0;
	if (copy->capacity < m->n_counters) {
		struct account_mark *marks = realloc(copy->marks, m->n_counters * sizeof(*marks));

		if (marks == NULL)
			return -ENOMEM;
		copy->marks = marks;
		copy->capacity = m->n_counters;
	}
	for (size_t k = 0; k < m->n_counters; k++)
		if (account_get_mark(m, &m->counters[k], &copy->marks[copy->n_marks]))
			copy->n_marks++;
	return 0;
}

int ledger_copy_fit_inputs(struct ledger_copy *c, size_t n_inputs)
{
	c->n_inputs = 0;
	if (c->inputs_capacity < n_inputs) {
		struct ledger_copy_input *inputs = realloc(c->inputs, n_inputs * sizeof(*inputs));

		if (inputs == NULL)
			return -ENOMEM;
		c->inputs = inputs;
		c->inputs_capacity = n_inputs;
	}
	c->n_inputs = n_inputs;
	return 0;
}

void ledger_copy_set_input(struct ledger_copy *c, size_t i, const struct ledger_copy_input *input)
{
	c->inputs[i] = *input;
}

void ledger_copy_set_edition(struct ledger_copy *c, uint64_t edition, uint64_t inputs_edition, int64_t back_ms)
{
	c->back_ms = back_ms;
	c->edition = edition;
	c->inputs_edition = inputs_edition;
}

/* -1 = none. */
static int find_meter(const struct ledger_copy *c, int64_t id)
{
	size_t low = 0, high = c->n_meters;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->meters[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->n_meters && c->meters[low].id == id ? (int)low : -1;
}

/* The last good value of a counter; NULL: whatever comes is the first one. */
static const struct account_mark *find_mark(const struct ledger_copy_meter *m, enum quantity q)
{
	for (size_t i = 0; i < m->n_marks; i++)
		if (m->marks[i].quantity == q)
			return &m->marks[i];
	return NULL;
}

enum reading_doubt ledger_copy_judge(const struct ledger_copy *c, const struct reading *r, int64_t power_mw)
{
	const struct account_when when = {.slot_s = r->slot_s, .delay_ms = r->delay_ms};
	enum reading_doubt worst = READING_FOLLOWS, doubt;
	const struct account_mark *mark;
	int meter = find_meter(c, r->meter);

	for (int q = meter < 0 ? Q_COUNT : reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1)) {
		if (!names_is_counter((enum quantity)q))
			continue;
		mark = find_mark(&c->meters[meter], (enum quantity)q);
		if (mark == NULL)
			continue;
		doubt = account_judge(mark, &when, c->back_ms, reading_in_parts(r, (enum quantity)q, mark->parts),
				      reading_is_coarse(r, (enum quantity)q), power_mw);
		worst = doubt > worst ? doubt : worst;
	}
	for (size_t i = 0; meter >= 0 && i < c->n_inputs; i++) {
		const struct ledger_copy_input *input = &c->inputs[i];
		const struct ledger_copy_meter *m = &c->meters[input->meter];
		int64_t value;

		/* a count of another period than the running life's begins a new one */
		if ((int)input->concentrator != meter || input->from_s != m->period_s || r->slot_s < input->from_s ||
		    r->slot_s >= input->until_s || !reading_has(r, input->pulses) ||
		    __builtin_mul_overflow(r->values[input->pulses], input->weight, &value))
			continue;
		mark = find_mark(m, input->quantity);
		if (mark == NULL)
			continue;
		doubt = account_judge(mark, &when, c->back_ms, value, reading_is_coarse(r, input->pulses), -1);
		worst = doubt > worst ? doubt : worst;
	}
	return worst;
}

const char *ledger_copy_serial(const struct ledger_copy *c, int64_t meter)
{
	int i = find_meter(c, meter);

	return i < 0 ? "" : c->meters[i].serial;
}
