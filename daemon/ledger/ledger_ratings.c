/* SPDX-License-Identifier: MIT */
#include "ledger_ratings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ledger_ratings_open(struct ledger_ratings *r, struct ledger_book *b)
{
	r->book = b;
}

void ledger_ratings_close(struct ledger_ratings *r)
{
	free(r->list);
	*r = (struct ledger_ratings){.n = 0};
}

/* The place behind the ratings of meters before this one, and of this one up to slot_s. */
static size_t find(const struct ledger_ratings *r, size_t meter, int64_t slot_s)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct ledger_rating *at = &r->list[middle];

		if (at->meter < meter || (at->meter == meter && at->from_s <= slot_s))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The rating that held at slot_s, or the first that is known; NULL = none is. */
static const struct ledger_rating *get(const struct ledger_ratings *r, size_t meter, int64_t slot_s)
{
	size_t at = find(r, meter, slot_s);

	if (at > 0 && r->list[at - 1].meter == meter)
		return &r->list[at - 1];
	return at < r->n && r->list[at].meter == meter ? &r->list[at] : NULL;
}

static int insert(struct ledger_ratings *r, const struct ledger_rating *rating)
{
	size_t at = find(r, rating->meter, rating->from_s);

	if (r->n == r->capacity) {
		struct ledger_rating *list = reallocarray(r->list, 2 * r->capacity + 64, sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		r->list = list;
		r->capacity = 2 * r->capacity + 64;
	}
	memmove(&r->list[at + 1], &r->list[at], (r->n - at) * sizeof(*r->list));
	r->list[at] = *rating;
	r->n++;
	return 0;
}

int ledger_ratings_load(struct ledger_ratings *r)
{
	struct ledger_book *b = r->book;
	sqlite3_stmt *stmt = db_prepare(b->db, "SELECT meter, from_ts, per_hour FROM rating ORDER BY meter, from_ts");
	int rc = stmt != NULL ? 0 : -EIO;

	r->n = 0;
	while (rc == 0 && db_next(b->db, stmt)) {
		int meter = ledger_book_find(b, sqlite3_column_int64(stmt, 0));
		struct ledger_rating rating = {.meter = (size_t)meter,
					       .from_s = sqlite3_column_int64(stmt, 1),
					       .per_hour = sqlite3_column_int64(stmt, 2)};

		if (meter < 0)
			continue;
		rc = insert(r, &rating);
		ledger_book_set_per_hour(b, rating.meter, rating.per_hour);
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int write(const struct ledger_ratings *r, const struct ledger_rating *rating)
{
	struct ledger_book *b = r->book;
	sqlite3_stmt *put = db_prepare(b->db, "REPLACE INTO rating (meter, from_ts, per_hour) VALUES (?, ?, ?)");
	int rc;

	if (put == NULL)
		return -EIO;
	sqlite3_bind_int64(put, 1, b->reg->list[rating->meter].id);
	sqlite3_bind_int64(put, 2, rating->from_s);
	sqlite3_bind_int64(put, 3, rating->per_hour);
	rc = db_run(b->db, put);
	sqlite3_finalize(put);
	return rc;
}

static void report(const struct ledger_ratings *r, const struct ledger_rating *now, int64_t was, enum quantity q)
{
	const struct ledger_sink *sink = &r->book->sink;
	char most[NAMES_VALUE_MAX], before[NAMES_VALUE_MAX], detail[3 * NAMES_VALUE_MAX + 64];

	names_format(q, now->per_hour, most, sizeof(most));
	names_format(q, was, before, sizeof(before));
	snprintf(detail, sizeof(detail), "at most %s %s can pass in an hour from now on, was %s", most,
		 names_get(q)->shown, before);
	sink->event(sink->context, now->from_s * 1000, r->book->reg->list[now->meter].name, "rating-changed", detail);
}

int ledger_ratings_apply(struct ledger_ratings *r, size_t i, int64_t slot_s, int64_t per_hour, enum quantity q)
{
	struct ledger_book *b = r->book;
	const struct ledger_rating *last = get(r, i, b->mode == LEDGER_LIVE ? INT64_MAX : slot_s);
	struct ledger_rating rating = {.meter = i, .from_s = slot_s, .per_hour = per_hour};
	int rc = 0;

	if (per_hour == 0)
		rating.per_hour = last != NULL ? last->per_hour : ACCOUNT_UNKNOWN_W;
	if (b->mode != LEDGER_LIVE && last != NULL)
		rating.per_hour = last->per_hour;
	if (b->mode == LEDGER_LIVE && (last == NULL || (last->per_hour != rating.per_hour && slot_s > last->from_s))) {
		if (last != NULL)
			report(r, &rating, last->per_hour, q);
		rc = write(r, &rating);
		if (rc == 0)
			rc = insert(r, &rating);
	}
	if (b->meters[i].account.per_hour != rating.per_hour)
		ledger_book_set_per_hour(b, i, rating.per_hour);
	return rc;
}
