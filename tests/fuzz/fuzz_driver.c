/* SPDX-License-Identifier: MIT */
/* fuzz_driver.c - reads any bytes as a register table. It must be refused with messages, or the table and its plans
 * must hold what driver.h and plan.h guarantee. */
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "err.h"
#include "plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_row(const struct driver *d, const struct driver_row *row)
{
	require(row->quantity < Q_COUNT && row->n_words >= 1 && row->n_words <= d->max_words);
	require(row->address + driver_row_span(d, row) <= 65536);
	require(row->block < (int)d->n_blocks && row->scale < (int)d->n_scales && row->n_na <= DRIVER_NA_MAX);
	require(row->provenance >= d->provenance && row->bit_low <= row->bit_high && row->bit_high <= 15);
	require(driver_multiplier(d, row, 1, 1, 1, 1) >= 1);
	require(driver_multiplier(d, row, UINT32_MAX, 1, UINT32_MAX, 1) >= 1);
	require(driver_multiplier(d, row, 400, 5, 20000, 100) >= 1);
}

static void split_completely(const struct driver *d, const struct plan *p, const struct plan_request *r)
{
	struct plan_request first, second;
	struct plan_rows rows, none = {{0}};

	plan_rows_at(p, r, &rows);
	require(memcmp(&rows, &none, sizeof(rows)) != 0);
	if (!plan_split(d, p, r, &first, &second))
		return;
	require(first.n_words < r->n_words && second.n_words < r->n_words);
	split_completely(d, p, &first);
	split_completely(d, p, &second);
}

static void check_plan(const struct driver *d, unsigned groups, const struct plan_rows *missing,
		       const struct plan_rows *cuts)
{
	struct plan *p = plan_new(d, groups, missing, cuts);
	unsigned words = 0, places = 0;

	require(p != NULL);
	for (unsigned i = 0; i < p->n_requests; i++) {
		const struct plan_request *r = &p->requests[i];

		require(r->n_words >= 1 && r->n_words + r->n_spare <= d->max_words);
		require(r->word + r->n_words <= p->n_words);
		words += r->n_words;
		for (unsigned k = 0; k < p->n_requests; k++)
			places += p->requests[k].word == r->word + r->n_words;
		split_completely(d, p, r);
	}
	/* Each request but the last has one whose words follow its own. */
	require(words == p->n_words && places == (p->n_requests == 0 ? 0 : p->n_requests - 1u));
	for (unsigned i = 0; i < p->n_items; i++) {
		const struct plan_item *item = &p->items[i];

		require(item->row < d->n_rows && item->word + d->rows[item->row].n_words <= p->n_words);
		require(d->rows[item->row].has_sign == (item->sign_word >= 0) && item->sign_word < (int)p->n_words);
		require(d->rows[item->row].has_ten == (item->ten_word >= 0) && item->ten_word < (int)p->n_words);
		require((driver_rest(d, &d->rows[item->row]) != NULL) == (item->rest_word >= 0));
		require(item->rest_row < 0 || item->rest_word + d->rows[item->rest_row].n_words <= p->n_words);
		require(missing == NULL || !plan_rows_has(missing, item->row));
	}
	plan_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct plan_rows missing = {{0}}, cuts = {{0}};
	struct err e = {0};
	struct driver *d = driver_parse("fuzz.ini", (const char *)data, n, &e);

	require((d == NULL) == (e.n_errors > 0));
	for (size_t i = 0; i < e.n_items; i++)
		require(strncmp(e.items[i].text, "fuzz.ini:", 9) == 0 && strchr(e.items[i].text, '\n') == NULL);
	if (d != NULL) {
		for (size_t i = 0; i < d->n_rows; i++)
			check_row(d, &d->rows[i]);
		for (unsigned i = 0; i < d->n_rows; i += 3)
			plan_rows_add(&missing, i);
		for (unsigned i = 1; i < d->n_rows; i += 4)
			plan_rows_add(&cuts, i);
		for (unsigned groups = 0; groups < 16; groups++) {
			check_plan(d, groups, NULL, NULL);
			check_plan(d, groups, &missing, &cuts);
		}
	}
	driver_free(d);
	err_fini(&e);
	return 0;
}
