/* SPDX-License-Identifier: MIT */
#include "owed.h"

enum { WORDS_MAX = 125, COUNTS = 128, SHORT_WORDS = 2 };

/* How long after a request its answer may still come, or come again. */
static const int64_t OWED_US = 60000000;

static unsigned bit_of(uint8_t function, unsigned n_words)
{
	return (function == 4 ? COUNTS : 0) + n_words;
}

static bool owes(const struct owed *o, uint8_t function, unsigned n_words)
{
	unsigned bit = bit_of(function, n_words);

	return (o->counts[bit / 64] >> (bit % 64) & 1) != 0;
}

static void add(struct owed *o, uint8_t function, unsigned n_words, int64_t now_us)
{
	unsigned bit = bit_of(function, n_words);

	o->counts[bit / 64] |= UINT64_C(1) << (bit % 64);
	o->until_us = now_us + OWED_US;
}

/* Keep the known requests. */
static void settle(struct owed *o)
{
	*o = (struct owed){.good = {o->good[0], o->good[1]}, .longest = o->longest};
}

void owed_forget(struct owed *o, int64_t now_us)
{
	if (now_us >= o->until_us)
		settle(o);
}

bool owed_may_send(const struct owed *o, const struct plan_request *r)
{
	return !owes(o, r->function, r->n_words);
}

/* A known request whose answer would be no other's; n_words 0 = there is none. */
static struct plan_request known_fence(const struct owed *o, const struct plan_request *r)
{
	for (size_t i = 0; i < 2; i++) {
		const struct plan_request *good = &o->good[i];

		if (good->n_words != 0 && !owes(o, good->function, good->n_words) &&
		    (good->n_words != r->n_words || good->function != r->function))
			return *good;
	}
	return (struct plan_request){.n_words = 0};
}

uint16_t owed_choose_count(const struct owed *o, const struct plan_request *r)
{
	uint16_t longer = (uint16_t)(r->n_words + r->n_spare);

	if (o->refusal != 0 && known_fence(o, r).n_words != 0)
		return 0;
	if (!owes(o, r->function, r->n_words))
		return r->n_words;
	return owes(o, r->function, longer) ? 0 : longer;
}

/* The word count nearest below that of r, then above, that is not owed; even numbers of words less come first, since
 * values of two words are the rule, and odd ones not at all where registers have two. 0 = all are. */
static unsigned free_count(const struct owed *o, const struct plan_request *r)
{
	int least = r->per_count > 1 ? 2 : 1;

	for (int step = 2; step >= least; step--)
		for (int n = r->n_words - step; n >= 1; n -= step)
			if (!owes(o, r->function, (unsigned)n))
				return (unsigned)n;
	for (int n = r->n_words + least; n <= WORDS_MAX; n += least)
		if (!owes(o, r->function, (unsigned)n))
			return (unsigned)n;
	return 0;
}

struct plan_request owed_choose_fence(const struct owed *o, const struct plan_request *r,
				      const struct plan_request *others, size_t n)
{
	struct plan_request fence = known_fence(o, r);

	/* After a failure or a refusal only an answer settles anything. */
	if (fence.n_words != 0 && (o->has_failed || o->refusal != 0))
		return fence;
	for (size_t i = 0; i < n; i++)
		if (!owes(o, others[i].function, others[i].n_words) &&
		    (fence.n_words == 0 || others[i].n_words < fence.n_words))
			fence = others[i];
	if (fence.n_words != 0)
		return fence;
	fence = *r;
	/* The shortest value, where a refusal settles it too. */
	if (!o->has_failed && r->n_words > SHORT_WORDS && !owes(o, r->function, SHORT_WORDS)) {
		fence.n_words = SHORT_WORDS;
		return fence;
	}
	/* It is likely to accept a part of what it has answered, and a refusal would settle nothing. */
	if (o->has_failed && o->longest.n_words > r->n_words)
		fence = o->longest;
	fence.n_words = (uint16_t)free_count(o, &fence);
	return fence;
}

bool owed_doubts_refusal(const struct owed *o, uint8_t exception)
{
	return o->has_failed || o->refusal == exception;
}

void owed_note_answer(struct owed *o, const struct plan_request *r, uint16_t n_words, int64_t now_us)
{
	settle(o);
	add(o, r->function, n_words, now_us);
	if (o->good[0].n_words != n_words || o->good[0].function != r->function)
		o->good[1] = o->good[0];
	o->good[0] = (struct plan_request){
		.function = r->function, .address = r->address, .n_words = n_words, .per_count = r->per_count};
	if (n_words >= o->longest.n_words)
		o->longest = o->good[0];
}

/* A request that is refused now is no known one any more. */
static void forget_good(struct owed *o, const struct plan_request *r, uint16_t n_words)
{
	for (size_t i = 0; i < 2; i++)
		if (o->good[i].n_words == n_words && o->good[i].address == r->address)
			o->good[i].n_words = 0;
	if (o->longest.n_words == n_words && o->longest.address == r->address)
		o->longest.n_words = 0;
}

void owed_note_refusal(struct owed *o, const struct plan_request *r, uint16_t n_words, uint8_t exception,
		       int64_t now_us)
{
	settle(o);
	forget_good(o, r, n_words);
	o->refusal = exception;
	o->until_us = now_us + OWED_US;
}

void owed_note_doubt(struct owed *o, const struct plan_request *r, uint16_t n_words, int64_t now_us)
{
	uint8_t refusal = o->refusal;

	/* Whether it repeats the refusal before or is this request's own, the request before is answered. */
	settle(o);
	forget_good(o, r, n_words);
	o->refusal = refusal;
	add(o, r->function, n_words, now_us);
}

void owed_note_failure(struct owed *o, const struct plan_request *r, uint16_t n_words, int64_t now_us)
{
	add(o, r->function, n_words, now_us);
	o->has_failed = true;
}
