/* SPDX-License-Identifier: MIT */
#include "account_place.h"

#include "wide.h"

int64_t account_place_passed(const struct account_piece *piece, int64_t t_s)
{
	if (t_s >= piece->to_s)
		return piece->amount;
	return wide_muldiv(piece->amount, t_s - piece->from_s, piece->to_s - piece->from_s);
}

void account_place_pass(struct account_place *p, const struct account_piece *piece, int64_t until_s, int64_t end_s)
{
	int64_t from_s = piece->from_s > p->slot_s ? piece->from_s : p->slot_s;
	int64_t to_s = piece->to_s < until_s ? piece->to_s : until_s;

	if (piece->from_s == piece->to_s && to_s == piece->to_s)
		p->sum += piece->amount;
	if (to_s <= from_s)
		return;
	if (piece->is_known) {
		p->sum += account_place_passed(piece, to_s) - account_place_passed(piece, from_s);
		p->known_s += to_s - from_s;
		if (piece->is_guessed || (piece->is_gap && (piece->from_s < p->open_s || piece->to_s > end_s)))
			p->is_estimated = true;
	}
	p->slot_s = to_s;
}

struct account_closed account_place_close(struct account_place *p, int64_t parts, int64_t end_s)
{
	struct account_closed closed = {.has_value = p->known_s > 0 || p->sum != 0,
					.is_estimated = p->is_estimated || p->known_s < end_s - p->open_s,
					.value = (p->rest + p->sum) / parts};

	p->open_s = end_s;
	p->rest = (p->rest + p->sum) % parts;
	p->sum = 0;
	p->known_s = 0;
	p->is_estimated = false;
	return closed;
}

void account_place_begin_life(struct account_place *p, int64_t slot_s, int64_t raw, int64_t parts, int64_t new_parts)
{
	p->sum = (p->rest + p->sum) / parts * new_parts;
	p->rest = raw > 0 ? raw % new_parts : 0;
	p->life_s = slot_s;
	p->raw = raw;
	p->was_reset = false;
}
