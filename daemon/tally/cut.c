/* SPDX-License-Identifier: MIT */
#include "cut.h"

#include "wide.h"

static int64_t whole(const struct cut_point *p)
{
	return p->value / p->parts;
}

/* The register at at_s, between two points of one life, in whole base units. */
static int64_t register_at(const struct cut_point *a, const struct cut_point *b, int64_t at_s)
{
	int64_t parts = a->parts == b->parts ? a->parts : 1;
	int64_t from = parts == a->parts ? a->value : whole(a), to = parts == b->parts ? b->value : whole(b);

	if (at_s <= a->at_s || b->at_s <= a->at_s)
		return whole(a);
	if (at_s >= b->at_s)
		return whole(b);
	return (from + wide_muldiv(to - from, at_s - a->at_s, b->at_s - a->at_s)) / parts;
}

/* Points that are further apart do not say when between them something passed: readings may have been between them that
 * are gone. */
static bool are_near(const struct cut_point *a, const struct cut_point *b)
{
	return b->at_s - a->at_s <= CUT_NEAR_S;
}

/* The amount between two neighbours, inside the piece. False: the points do not say. */
static bool passed(const struct cut *c, size_t i, int64_t *amount)
{
	const struct cut_point *a = &c->points[i - 1], *b = &c->points[i];
	bool is_inside = a->at_s >= c->from_s && b->at_s <= c->until_s;

	*amount = 0;
	if (b->begins)
		return true;
	if (whole(b) < whole(a) || a->ends || (!is_inside && !are_near(a, b)))
		return false;
	*amount = register_at(a, b, c->until_s) - register_at(a, b, c->from_s);
	return true;
}

/* From the start of the piece on, until the points do not say what passed. */
static void share_forward(const struct cut *c)
{
	int64_t sum = 0, amount = 0;

	for (size_t i = 0; i < c->n && c->points[i].at_s < c->until_s; i++) {
		if (c->points[i].at_s <= c->from_s)
			continue;
		if (i == 0 ? !c->points[i].begins : !passed(c, i, &amount))
			return;
		sum += i > 0 ? amount : 0;
		c->points[i].share = sum;
		c->points[i].is_known = true;
	}
}

/* From the end of the piece back, for those that are not known. */
static void share_backward(const struct cut *c)
{
	int64_t sum = 0, amount = 0;

	for (size_t i = c->n; i-- > 0 && c->points[i].at_s > c->from_s;) {
		if (c->points[i].at_s >= c->until_s)
			continue;
		if (i + 1 == c->n ? !c->points[i].ends : !passed(c, i + 1, &amount))
			return;
		sum += i + 1 < c->n ? amount : 0;
		if (c->points[i].is_known)
			return;
		c->points[i].share = c->amount - sum;
		c->points[i].is_known = true;
	}
}

/* The shares rise, from 0 to the amount. */
static void put_in_order(const struct cut *c)
{
	int64_t least = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct cut_point *p = &c->points[i];

		if (!p->is_known)
			continue;
		if (p->share > c->amount)
			p->share = c->amount;
		if (p->share < least)
			p->share = least;
		least = p->share;
	}
}

/* A moment of the piece at which the share is known. */
struct anchor {
	int64_t at_s, share;
};

int64_t cut_share(const struct cut *c, int64_t at_s, bool *is_estimated)
{
	struct anchor left = {.at_s = c->from_s, .share = 0}, right = {.at_s = c->until_s, .share = c->amount};
	size_t next = 0; /* the first point at or after at_s */
	bool is_between, falls;
	int64_t share;

	*is_estimated = false;
	if (at_s <= c->from_s || at_s >= c->until_s)
		return at_s <= c->from_s ? 0 : c->amount;
	for (size_t i = 0; i < c->n; i++)
		c->points[i].is_known = false;
	share_forward(c);
	share_backward(c);
	put_in_order(c);
	while (next < c->n && c->points[next].at_s < at_s)
		next++;
	for (size_t i = 0; i < c->n; i++) {
		const struct cut_point *p = &c->points[i];

		if (!p->is_known)
			continue;
		if (p->at_s <= at_s)
			left = (struct anchor){p->at_s, p->share};
		if (p->at_s >= at_s) {
			right = (struct anchor){p->at_s, p->share};
			break;
		}
	}
	is_between = next > 0 && next < c->n && !c->points[next - 1].ends && !c->points[next].begins &&
		     c->points[next - 1].at_s <= left.at_s && c->points[next].at_s >= right.at_s &&
		     are_near(&c->points[next - 1], &c->points[next]);
	*is_estimated = left.share < right.share && !is_between;
	if (left.share == right.share)
		return left.share;
	falls = is_between && whole(&c->points[next]) < whole(&c->points[next - 1]);
	if (!is_between || falls)
		return left.share + wide_muldiv(right.share - left.share, at_s - left.at_s, right.at_s - left.at_s);
	share = left.share + register_at(&c->points[next - 1], &c->points[next], at_s) -
		register_at(&c->points[next - 1], &c->points[next], left.at_s);
	return share < right.share ? share : right.share;
}
