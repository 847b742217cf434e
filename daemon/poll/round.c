/* SPDX-License-Identifier: MIT */
#include "round.h"

void round_inherit(struct round *r, const struct round *old, bool has_meters)
{
	r->is_line_down = old->is_line_down && has_meters;
	r->last_ms = old->last_ms;
}

void round_begin(struct round *r, int64_t now_us)
{
	r->number++;
	r->started_us = now_us;
	r->n_asked = r->n_answered = 0;
	r->is_rechecked = false;
}

void round_add(struct round *r, struct round_mark *mark)
{
	mark->number = r->number;
	mark->is_of_round = true;
	r->n_asked++;
	r->n_open++;
}

void round_add_witness(struct round *r, struct round_mark *mark)
{
	mark->is_of_round = true;
	r->n_asked++;
	r->n_open++;
	r->is_rechecked = true;
}

void round_add_extra(struct round *r, struct round_mark *mark)
{
	mark->is_of_round = false;
	r->n_extra_open++;
}

void round_add_job(struct round *r, const struct round_mark *mark)
{
	if (mark->is_of_round)
		r->n_open++;
	else
		r->n_extra_open++;
}

void round_take(struct round *r, const struct round_mark *mark, bool has_answer)
{
	if (mark->is_of_round) {
		r->n_open--;
		r->n_answered += has_answer;
	} else {
		r->n_extra_open--;
	}
}

bool round_has(const struct round *r, const struct round_mark *mark)
{
	return mark->number == r->number;
}

void round_note_time(struct round *r, int64_t now_us)
{
	r->last_ms = (uint32_t)((now_us - r->started_us) / 1000);
}

enum round_verdict round_judge(const struct round *r, bool has_line, bool has_witness)
{
	if (!has_line || r->n_answered > 0)
		return ROUND_OVER;
	if (has_witness)
		return ROUND_ASK_WITNESS;
	if (r->n_asked < 2)
		return ROUND_OVER;
	return r->is_rechecked ? ROUND_LINE_SILENT : ROUND_ASK_AGAIN;
}

void round_recheck(struct round *r)
{
	r->is_rechecked = true;
}

void round_end(struct round *r)
{
	r->n_asked = 0;
}

static bool note_line_down(struct round *r)
{
	bool is_news = !r->is_reported;

	r->is_line_down = r->is_reported = true;
	return is_news;
}

bool round_lose_line(struct round *r)
{
	r->is_silent = false;
	return note_line_down(r);
}

bool round_silence_line(struct round *r, int64_t now_ms)
{
	r->is_silent = true;
	r->ask_at_ms = now_ms + ROUND_SILENT_PAUSE_MS;
	return note_line_down(r);
}

bool round_raise_line(struct round *r)
{
	bool was_down = r->is_line_down;

	if (was_down)
		r->is_line_down = r->is_reported = r->is_silent = false;
	return was_down;
}

bool round_take_pause(struct round *r, int64_t now_ms)
{
	if (now_ms < r->ask_at_ms)
		return false;
	r->ask_at_ms = now_ms + ROUND_SILENT_PAUSE_MS;
	return true;
}

size_t round_take_turn(struct round *r, size_t n)
{
	return r->turn++ % n;
}

void round_clock_set_back(struct round *r, int64_t now_ms)
{
	r->ask_at_ms = now_ms;
}
