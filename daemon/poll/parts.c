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

/* The rows of a that are, or are not, in b. */
static struct plan_rows select_rows(const struct plan_rows *a, const struct plan_rows *b, bool in)
{
	struct plan_rows out;

	for (size_t i = 0; i < sizeof(out.bits) / sizeof(out.bits[0]); i++)
		out.bits[i] = a->bits[i] & (in ? b->bits[i] : ~b->bits[i]);
	return out;
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
	p->answered = old->answered;
	p->reported = old->reported;
	p->again_at_ms = old->again_at_ms;
	p->pause_ms = old->pause_ms;
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
		if (p->plan->requests[i].function == r->function && p->plan->requests[i].address == r->address &&
		    p->plan->requests[i].n_words == r->n_words)
			return;
	plan_rows_at(p->plan, r, &rows);
	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i], *rest = driver_rest(d, row);

		if (plan_rows_has(&rows, i) && row->function == r->function &&
		    (row->address == r->address || (row->has_sign && row->sign_address == r->address) ||
		     (row->has_ten && row->ten_address == r->address) || (rest != NULL && rest->address == r->address)))
			plan_rows_add(&p->new_cuts, i);
	}
}

/* Name rows, and count those that do not fit. */
static void name_rows(const struct parts *p, const struct plan_rows *rows, char *out, size_t n)
{
	static const char and_more[] = ", and 1000 more";
	size_t length = 0;
	unsigned n_more = 0;
	char name[80];

	out[0] = '\0';
	for (unsigned i = 0; i < p->driver->n_rows; i++) {
		const struct driver_row *row = &p->driver->rows[i];

		if (!plan_rows_has(rows, i))
			continue;
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

void parts_name_refused(struct parts *p, bool have_answered, char *out, size_t n)
{
	struct plan_rows rows = select_rows(&p->found, &p->answered, have_answered);

	if (!have_answered)
		rows = select_rows(&rows, &p->missing, true);
	rows = select_rows(&rows, &p->reported, false);
	add_rows(&p->reported, &rows);
	name_rows(p, &rows, out, n);
}

void parts_note_answered(struct parts *p, const struct plan_rows *rows, char *out, size_t n)
{
	struct plan_rows back = select_rows(rows, &p->reported, true);

	add_rows(&p->answered, rows);
	p->reported = select_rows(&p->reported, rows, false);
	name_rows(p, &back, out, n);
}

void parts_name_refusing(const struct parts *p, char *out, size_t n)
{
	struct plan_rows rows = select_rows(&p->reported, &p->answered, true);

	name_rows(p, &rows, out, n);
}

/* Rows that are missing though they have answered. */
static struct plan_rows rows_to_ask_again(const struct parts *p)
{
	return select_rows(&p->missing, &p->answered, true);
}

int64_t parts_again_ms(const struct parts *p)
{
	struct plan_rows rows = rows_to_ask_again(p);

	return is_empty(&rows) ? INT64_MAX : p->again_at_ms;
}

unsigned parts_next_again(struct parts *p)
{
	struct plan_rows rows = rows_to_ask_again(p);

	while (!plan_rows_has(&rows, p->again))
		p->again = p->again + 1 < p->driver->n_rows ? p->again + 1 : 0;
	return p->again;
}

/* Whether a row after this one is to be asked again. */
static bool has_more_again(const struct parts *p, unsigned row)
{
	struct plan_rows rows = rows_to_ask_again(p);

	while (++row < p->driver->n_rows)
		if (plan_rows_has(&rows, row))
			return true;
	return false;
}

void parts_take_again(struct parts *p, enum parts_answer answer, int64_t now_ms)
{
	unsigned row = p->again++;

	if (answer == PARTS_READ) {
		p->missing.bits[row / 64] &= ~(UINT64_C(1) << (row % 64));
		p->version++;
		/* what has kept it may have kept the others */
		p->pause_ms = PARTS_PAUSE_MIN_MS;
	}
	if (answer != PARTS_SILENT && has_more_again(p, row))
		return;
	p->again = 0;
	p->again_at_ms = now_ms + p->pause_ms;
	p->pause_ms = 2 * p->pause_ms < PARTS_PAUSE_MAX_MS ? 2 * p->pause_ms : PARTS_PAUSE_MAX_MS;
}

void parts_clock_set_back(struct parts *p, int64_t now_ms)
{
	if (p->again_at_ms > now_ms + p->pause_ms)
		p->again_at_ms = now_ms + p->pause_ms;
}

static enum parts_result end_search(struct parts *p, int64_t now_ms)
{
	struct plan_rows all_missing = p->missing;

	if (!is_empty(&p->found)) {
		add_rows(&all_missing, &p->found);
		if (plan_is_empty(p->driver, p->groups, &all_missing))
			return PARTS_ALL_REFUSED;
		p->missing = all_missing;
		p->version++;
		p->again = 0;
		p->again_at_ms = now_ms + PARTS_PAUSE_MIN_MS;
		p->pause_ms = 2 * PARTS_PAUSE_MIN_MS;
		return PARTS_MISSING;
	}
	if (is_empty(&p->new_cuts))
		return PARTS_NOTHING;
	add_rows(&p->cuts, &p->new_cuts);
	p->version++;
	return PARTS_TOO_LONG;
}

enum parts_result parts_take(struct parts *p, enum parts_answer answer, int64_t now_ms)
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
	return p->n_waiting > 0 ? PARTS_MORE : end_search(p, now_ms);
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
