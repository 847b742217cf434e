/* SPDX-License-Identifier: MIT */
#include "squeeze.h"

#include <assert.h>
#include <string.h>

#include "pack.h"

enum {
	REPEATED_MIN = 3, /* fewer bytes need no less as a reference */
	HALF_MAX = 15,
};

void squeeze_begin(struct squeeze *s)
{
	s->is_wrong = false;
	s->n = 0;
	memset(s->places, 0, sizeof(s->places));
}

/* Make room for a piece. It depends on nothing but the pieces before, so it happens at the same piece on both sides. */
static void make_room(struct squeeze *s)
{
	if (s->n > SQUEEZE_BACK_MAX - SQUEEZE_PIECE_MAX)
		squeeze_begin(s);
}

static uint16_t *places_of(struct squeeze *s, size_t at)
{
	uint32_t first = s->bytes[at] | (uint32_t)s->bytes[at + 1] << 8 | (uint32_t)s->bytes[at + 2] << 16;

	return s->places[(first * 2654435761U) >> 22];
}

/* Note that bytes are at this place. end: of all bytes. */
static void note(struct squeeze *s, size_t at, size_t end)
{
	uint16_t *places;

	if (end - at < REPEATED_MIN)
		return;
	places = places_of(s, at);
	memmove(places + 1, places, (SQUEEZE_TRIES - 1) * sizeof(*places));
	places[0] = (uint16_t)(at + 1);
}

static size_t bytes_of(size_t v)
{
	size_t n = 1;

	for (; v >= 128; v >>= 7)
		n++;
	return n;
}

/* How many bytes at this place repeat those from from on. */
static size_t count_equal(const struct squeeze *s, size_t from, size_t at, size_t end)
{
	size_t n = 0;

	while (at + n < end && s->bytes[from + n] == s->bytes[at + n])
		n++;
	return n;
}

/* The reference that saves most at this place: *back bytes before it. Returns how many bytes it is for; 0 = none saves
 * any. */
static size_t find(struct squeeze *s, size_t at, size_t end, size_t *back)
{
	const uint16_t *places;
	size_t best = 0, best_saved = 0;

	if (end - at < REPEATED_MIN)
		return 0;
	if (s->last_back != 0) {
		best = count_equal(s, at - s->last_back, at, end);
		best = best >= REPEATED_MIN ? best : 0;
		best_saved = best > 0 ? best - 2 : 0;
		*back = s->last_back;
	}
	places = places_of(s, at);
	for (size_t i = 0; i < SQUEEZE_TRIES && places[i] != 0; i++) {
		size_t from = places[i] - 1U, n = count_equal(s, from, at, end), cost = bytes_of(at - from) + 1;

		if (n >= REPEATED_MIN && n > cost + best_saved) {
			best = n;
			best_saved = n - cost;
			*back = at - from;
		}
	}
	return best;
}

static uint8_t *put_run(uint8_t *to, const uint8_t *literal, size_t n_literal, size_t n_repeated, size_t back)
{
	size_t repeated = n_repeated == 0 ? 0 : n_repeated - (REPEATED_MIN - 1);

	*to++ = (uint8_t)((n_literal < HALF_MAX ? n_literal : HALF_MAX) << 4 |
			  (repeated < HALF_MAX ? repeated : HALF_MAX));
	if (n_literal >= HALF_MAX)
		to = pack_put(to, n_literal - HALF_MAX);
	if (repeated >= HALF_MAX)
		to = pack_put(to, repeated - HALF_MAX);
	memcpy(to, literal, n_literal);
	to += n_literal;
	return n_repeated == 0 ? to : pack_put(to, back);
}

size_t squeeze_put(struct squeeze *s, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t at, end, literal;
	uint8_t *to = out;

	assert(n <= SQUEEZE_PIECE_MAX);
	make_room(s);
	at = literal = s->n;
	end = s->n + n;
	s->last_back = 0;
	memcpy(s->bytes + at, in, n);
	while (at < end) {
		size_t back = 0, n_repeated = find(s, at, end, &back);

		if (n_repeated == 0) {
			note(s, at++, end);
			continue;
		}
		to = put_run(to, s->bytes + literal, at - literal, n_repeated, back == s->last_back ? 0 : back);
		s->last_back = back;
		for (size_t i = 0; i < n_repeated; i++)
			note(s, at++, end);
		literal = at;
	}
	if (literal < end)
		to = put_run(to, s->bytes + literal, end - literal, 0, 0);
	s->n = end;
	return (size_t)(to - out);
}

/* Read one run to the end of the bytes, which is *n. Returns false where it can be none. */
static bool get_run(struct squeeze *s, struct pack *p, size_t *n, size_t max)
{
	uint8_t head = *p->at++;
	uint64_t n_literal = head >> 4, n_repeated = head & HALF_MAX, back;

	if (n_literal == HALF_MAX)
		n_literal += pack_get(p);
	if (n_repeated == HALF_MAX)
		n_repeated += pack_get(p);
	if (p->is_wrong || n_literal > (uint64_t)(p->end - p->at) || n_literal > max - *n)
		return false;
	memcpy(s->bytes + *n, p->at, n_literal);
	p->at += n_literal;
	*n += n_literal;
	if (n_repeated == 0)
		return true;
	n_repeated += REPEATED_MIN - 1;
	back = pack_get(p);
	if (back == 0)
		back = s->last_back;
	if (p->is_wrong || back == 0 || back > *n || n_repeated > max - *n)
		return false;
	s->last_back = back;
	for (; n_repeated > 0; n_repeated--, ++*n)
		s->bytes[*n] = s->bytes[*n - back];
	return true;
}

const uint8_t *squeeze_get(struct squeeze *s, const uint8_t *in, size_t n, size_t *n_piece)
{
	struct pack p = {.at = in, .end = in + n};
	size_t start, end;

	if (s->is_wrong)
		return NULL;
	make_room(s);
	start = end = s->n;
	s->last_back = 0;
	while (p.at < p.end)
		if (!get_run(s, &p, &end, start + SQUEEZE_PIECE_MAX)) {
			s->is_wrong = true;
			return NULL;
		}
	s->n = end;
	*n_piece = end - start;
	return s->bytes + start;
}
