/* SPDX-License-Identifier: MIT */
#include "ledger_difference.h"

#include <stdlib.h>

/* One value of one interval, as counting again gives it in the end. */
struct ledger_taking {
	int64_t start_s, end_s;
	enum quantity quantity;
	bool was_before; /* it was given out before the exchange, as was_value */
	int64_t was_value;
	enum account_quality quality; /* missing: none */
	int64_t value;
	struct account_register end;
};

static void take(struct ledger_takings *t, const struct ledger_taking *one)
{
	/* what is revised was given out not long ago */
	for (size_t i = t->n; one->was_before && i-- > 0;)
		if (t->list[i].start_s == one->start_s && t->list[i].quantity == one->quantity) {
			t->list[i].quality = one->quality;
			t->list[i].value = one->value;
			t->list[i].end = one->end;
			return;
		}
	if (t->n == t->capacity) {
		size_t capacity = 2 * t->capacity + 64;
		struct ledger_taking *list = realloc(t->list, capacity * sizeof(*list));

		if (list == NULL) {
			t->is_out_of_memory = true;
			return;
		}
		t->list = list;
		t->capacity = capacity;
	}
	t->list[t->n++] = *one;
}

void ledger_difference_take(struct ledger_takings *t, const struct account_interval *i)
{
	for (size_t k = 0; k < i->n_values; k++)
		take(t, &(struct ledger_taking){.start_s = i->start_s,
						.end_s = i->end_s,
						.quantity = i->values[k].quantity,
						.was_before = i->values[k].is_revised,
						.was_value = i->values[k].was_value,
						.quality = i->values[k].quality,
						.value = i->values[k].value,
						.end = i->values[k].end});
}

void ledger_difference_free(struct ledger_takings *t)
{
	free(t->list);
	*t = (struct ledger_takings){.n = 0};
}

static int compare(const void *a, const void *b)
{
	const struct ledger_taking *x = a, *y = b;

	if (x->start_s != y->start_s)
		return x->start_s < y->start_s ? -1 : 1;
	return (int)x->quantity - (int)y->quantity;
}

static bool is_same(const struct ledger_taking *a, const struct ledger_taking *b)
{
	return a->quality == b->quality && a->value == b->value && a->end.is_known == b->end.is_known &&
	       a->end.value == b->end.value && a->end.read_s == b->end.read_s;
}

/* The intervals of one start in the list of a run. */
struct group {
	const struct ledger_taking *list;
	size_t n;
};

static const struct ledger_taking *find(const struct group *g, enum quantity q)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->list[i].quantity == q)
			return &g->list[i];
	return NULL;
}

static void add(struct account_interval *out, const struct ledger_taking *of, int64_t value, bool is_taken_out)
{
	size_t n = out->n_values++;

	out->values[n].quantity = of->quantity;
	out->values[n].value = is_taken_out ? 0 : value;
	out->values[n].quality = is_taken_out ? ACCOUNT_MISSING : of->quality;
	out->values[n].is_revised = is_taken_out;
	out->values[n].was_value = is_taken_out ? value : 0;
	out->values[n].end = is_taken_out ? (struct account_register){.is_revised = true} : of->end;
	if (!is_taken_out && (n == 0 || of->quality > out->quality))
		out->quality = of->quality;
}

static bool is_changed(const struct group *with, const struct group *without)
{
	if (with->n != without->n)
		return true;
	for (size_t i = 0; i < with->n; i++)
		if (with->list[i].quantity != without->list[i].quantity || !is_same(&with->list[i], &without->list[i]))
			return true;
	return false;
}

/* Write the interval of a start: first what was counted with the exchange goes, then what is counted without it comes.
 * So its quality is that of what is in it. */
static void write_interval(struct ledger_book *b, size_t meter, const struct group *with, const struct group *without,
			   int64_t *from_s, int64_t *until_s)
{
	const struct account_sink *sink = &b->account.sink;
	const struct ledger_taking *any = with->n > 0 ? with->list : without->list;
	struct account_interval out = {.meter = b->meters[meter].account.id,
				       .start_s = any->start_s,
				       .end_s = any->end_s,
				       .quality = ACCOUNT_MISSING};

	if (!is_changed(with, without))
		return;
	for (size_t i = 0; i < with->n; i++)
		if (with->list[i].quality != ACCOUNT_MISSING)
			add(&out, &with->list[i], with->list[i].value, true);
	for (size_t i = 0; i < without->n; i++)
		if (without->list[i].was_before && find(with, without->list[i].quantity) == NULL)
			add(&out, &without->list[i], without->list[i].was_value, true);
	if (out.n_values > 0)
		sink->interval(sink->context, &out);
	out.n_values = 0;
	for (size_t i = 0; i < without->n; i++)
		if (without->list[i].quality != ACCOUNT_MISSING)
			add(&out, &without->list[i], without->list[i].value, false);
	if (out.n_values > 0)
		sink->interval(sink->context, &out);
	if (*from_s == 0)
		*from_s = out.start_s;
	*until_s = out.end_s;
}

static struct group group_at(const struct ledger_takings *t, size_t i, int64_t start_s)
{
	struct group g = {.list = t->list + i};

	while (i + g.n < t->n && g.list[g.n].start_s == start_s)
		g.n++;
	return g;
}

void ledger_difference_write(struct ledger_book *book, size_t meter, struct ledger_takings *a, struct ledger_takings *b,
			     int64_t *from_s, int64_t *until_s)
{
	size_t i = 0, k = 0;

	if (a->n > 0)
		qsort(a->list, a->n, sizeof(*a->list), compare);
	if (b->n > 0)
		qsort(b->list, b->n, sizeof(*b->list), compare);
	while (i < a->n || k < b->n) {
		bool from_b = i == a->n || (k < b->n && b->list[k].start_s < a->list[i].start_s);
		int64_t start_s = from_b ? b->list[k].start_s : a->list[i].start_s;
		struct group with = group_at(a, i, start_s), without = group_at(b, k, start_s);

		write_interval(book, meter, &with, &without, from_s, until_s);
		i += with.n;
		k += without.n;
	}
}

bool ledger_difference_is_lost(const struct ledger_takings *with, const struct ledger_takings *without)
{
	for (size_t i = 0; i < with->n; i++) {
		const struct group all = {.list = without->list, .n = without->n};
		bool found = !with->list[i].was_before;

		for (size_t k = 0; k < all.n && !found; k++)
			found = compare(&all.list[k], &with->list[i]) == 0;
		if (!found)
			return true;
	}
	return false;
}
