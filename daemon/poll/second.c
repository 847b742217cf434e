/* SPDX-License-Identifier: MIT */
#include "second.h"

#include <stdio.h>
#include <stdlib.h>

void second_init(struct second *s)
{
	s->has_first = false;
	s->power_mw = -1;
}

void second_note(struct second *s, const struct reading *r)
{
	if (reading_has(r, Q_ACTIVE_POWER) && llabs(r->values[Q_ACTIVE_POWER]) > s->power_mw)
		s->power_mw = llabs(r->values[Q_ACTIVE_POWER]);
}

void second_keep(struct second *s, const struct reading *r, bool can_be_right)
{
	s->first = *r;
	s->has_first = true;
	s->can_be_right = can_be_right;
}

bool second_take(struct second *s, struct reading *out)
{
	bool had_first = s->has_first;

	s->has_first = false;
	if (had_first && s->can_be_right)
		*out = s->first;
	return had_first && s->can_be_right;
}

bool second_explain(const struct second *s, const struct reading *r, char *out, size_t n)
{
	char first[NAMES_VALUE_MAX], second[NAMES_VALUE_MAX];
	int64_t most = 0;

	for (int q = s->has_first ? reading_next(r, 0) : Q_COUNT; q < Q_COUNT; q = reading_next(r, q + 1)) {
		const struct names_row *row = names_get((enum quantity)q);
		int64_t was = reading_in_parts(&s->first, (enum quantity)q, 1);
		int64_t is = reading_in_parts(r, (enum quantity)q, 1), apart = was - is;

		if (apart < 0 && !s->can_be_right)
			apart = -apart;
		if (!names_is_counter((enum quantity)q) || !reading_has(&s->first, (enum quantity)q) || apart <= most)
			continue;
		most = apart;
		names_format((enum quantity)q, was, first, sizeof(first));
		names_format((enum quantity)q, is, second, sizeof(second));
		snprintf(out, n, "%s was %s %s, and %s when it was read again; the second value counts", row->name,
			 first, row->shown, second);
	}
	return most > 0;
}

void second_passed(struct second *s, const struct reading *r)
{
	bool has_counters = false;

	for (int q = reading_next(r, 0); q < Q_COUNT && !has_counters; q = reading_next(r, q + 1))
		has_counters = names_is_counter((enum quantity)q);
	if (!has_counters)
		return;
	s->power_mw = -1;
	second_note(s, r);
}
