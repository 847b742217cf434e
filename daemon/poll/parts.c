/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <stdio.h>
#include <string.h>

#include "driver.h"

static bool is_empty(const struct plan_rows *set)
{
	static const struct plan_rows none;

	return memcmp(set, &none, sizeof(none)) == 0;
}

static void add_rows(struct plan_rows *to, const struct plan_rows *set)
{
	for (size_t i = 0; i < sizeof(set->bits) / sizeof(set->bits[0]); i++)
		to->bits[i] |= set->bits[i];
}

void parts_init(struct parts *p, const struct driver *driver)
{
	*p = (struct parts){.driver = driver};
}

void parts_inherit(struct parts *p, const struct parts *old)
{
	p->missing = old->missing;
	p->cuts = old->cuts;
	p->reported = old->reported;
	p->version++;
}

bool parts_is_searching(const struct parts *p)
{
	return p->n_waiting > 0;
}

void parts_begin(struct parts *p, const struct plan *plan, unsigned groups)
{
	p->plan = plan;
	p->groups = groups;
	p->is_second_try = false;
	p->found = p->new_cuts = (struct plan_rows){{0}};
}

void parts_add(struct parts *p, struct plan_request r)
{
	if (p->n_waiting < PARTS_MAX)
		p->waiting[p->n_waiting++] = r;
}

bool parts_next(struct parts *p, struct plan_request *r)
{
	if (p->n_waiting == 0)
		return false;
	p->current = *r = p->waiting[--p->n_waiting];
	return true;
}

/* Refused twice in a row, so it is no passing refusal: try both halves, or note the row when there is only one. */
static void halve_current(struct parts *p)
{
	struct plan_request first, second;
	struct plan_rows rows;

	if (plan_split(p->driver, p->plan, &p->current, &first, &second)) {
		parts_add(p, second);
		parts_add(p, first);
	} else {
		plan_rows_at(p->plan, &p->current, &rows);
		add_rows(&p->found, &rows);
	}
}

/* The current part was read. Unless it is a whole request of the plan, note the rows that it begins with: if nothing
 * turns out to be missing, requests must begin there. */
static void note_cut(struct parts *p)
{
	const struct driver *d = p->driver;
	const struct plan_request *r = &p->current;
	struct plan_rows rows;

	for (size_t i = 0; i < p->plan->n_requests; i++)
		if (p->plan->requests[i].address == r->address && p->plan->requests[i].n_words == r->n_words)
			return;
	plan_rows_at(p->plan, r, &rows);
	for (unsigned i = 0; i < d->n_rows; i++)
		if (plan_rows_has(&rows, i) && (d->rows[i].address == r->address ||
						(d->rows[i].has_sign && d->rows[i].sign_address == r->address)))
			plan_rows_add(&p->new_cuts, i);
}

/* Name the missing rows that have not been reported yet, and count those that do not fit. */
static void name_missing(struct parts *p, char *out, size_t n)
{
	static const char and_more[] = ", and 1000 more";
	size_t length = 0;
	unsigned n_more = 0;
	char name[80];

	out[0] = '\0';
	for (unsigned i = 0; i < p->driver->n_rows; i++) {
		const struct driver_row *row = &p->driver->rows[i];

		if (!plan_rows_has(&p->missing, i) || plan_rows_has(&p->reported, i))
			continue;
		plan_rows_add(&p->reported, i);
		snprintf(name, sizeof(name), "%s%s at %u", length == 0 ? "" : ", ", names_get(row->quantity)->name,
			 row->address);
		if (n_more > 0 || length + strlen(name) + sizeof(and_more) > n)
			n_more++;
		else
			length += (size_t)snprintf(out + length, n - length, "%s", name);
	}
	if (n_more > 0)
		snprintf(out + length, n - length, "%s%u more", length > 0 ? ", and " : "", n_more);
}

static enum parts_result end_search(struct parts *p, char *missing, size_t n)
{
	struct plan_rows all_missing = p->missing;

	if (!is_empty(&p->found)) {
		add_rows(&all_missing, &p->found);
		if (plan_is_empty(p->driver, p->groups, &all_missing))
			return PARTS_ALL_REFUSED;
		p->missing = all_missing;
		p->version++;
		name_missing(p, missing, n);
		return PARTS_MISSING;
	}
	if (is_empty(&p->new_cuts))
		return PARTS_NOTHING;
	add_rows(&p->cuts, &p->new_cuts);
	p->version++;
	return PARTS_TOO_LONG;
}

enum parts_result parts_take(struct parts *p, enum parts_answer answer, char *missing, size_t n)
{
	switch (answer) {
	case PARTS_READ:
		p->is_second_try = false;
		note_cut(p);
		break;
	case PARTS_REFUSED:
		if (p->is_second_try)
			halve_current(p);
		else
			parts_add(p, p->current);
		p->is_second_try = !p->is_second_try;
		break;
	case PARTS_SILENT:
		p->n_waiting = 0;
		break;
	}
	return p->n_waiting > 0 ? PARTS_MORE : end_search(p, missing, n);
}

void parts_abandon(struct parts *p)
{
	p->n_waiting = 0;
}

void parts_forget(struct parts *p)
{
	if (is_empty(&p->missing) && is_empty(&p->cuts))
		return;
	p->missing = p->cuts = (struct plan_rows){{0}};
	p->n_waiting = 0;
	p->version++;
}
