/* SPDX-License-Identifier: MIT */
#include "account_clock.h"

#include <stdlib.h>
#include <string.h>

enum { BELIEVED_MS = 86400000 }; /* readings of a clock that is set back by more must prove themselves */

void account_clock_free(struct account_clock *c)
{
	free(c->backs);
	*c = (struct account_clock){.n = 0};
}

int64_t account_clock_add(struct account_clock *c, int64_t at_ms, int64_t back_ms)
{
	size_t i = c->n;

	if (c->n == c->capacity) {
		void *backs = reallocarray(c->backs, 2 * c->capacity + 4, sizeof(*c->backs));

		if (backs == NULL)
			return -1;
		c->backs = backs;
		c->capacity = 2 * c->capacity + 4;
	}
	/* a clock that was far ahead was not believed */
	while (i > 0 && c->backs[i - 1].at_ms - at_ms > BELIEVED_MS)
		i--;
	if (i > 0 && at_ms <= c->backs[i - 1].at_ms)
		at_ms = c->backs[i - 1].at_ms + 1;
	memmove(&c->backs[i + 1], &c->backs[i], (c->n - i) * sizeof(*c->backs));
	c->backs[i].at_ms = at_ms;
	c->backs[i].sum_ms = i > 0 ? c->backs[i - 1].sum_ms : 0;
	c->n++;
	for (; i < c->n; i++)
		c->backs[i].sum_ms += back_ms;
	return at_ms;
}

int64_t account_clock_back_ms(const struct account_clock *c, int64_t time_ms)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->backs[middle].at_ms < time_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? c->backs[low - 1].sum_ms : 0;
}

int64_t account_clock_shown_ms(const struct account_clock *c, int64_t never_set_back_ms)
{
	size_t i = c->n;

	while (i > 0 && c->backs[i - 1].at_ms >= never_set_back_ms - c->backs[i - 1].sum_ms)
		i--;
	return never_set_back_ms - (i > 0 ? c->backs[i - 1].sum_ms : 0);
}
