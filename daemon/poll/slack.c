/* SPDX-License-Identifier: MIT */
#include "slack.h"

enum { LEAST_MS = 100 }; /* in less time no question is worthwhile */

/* Find out for what the meter must be asked outside the round, and since when. */
static enum slack_use use_of(const struct meter *m, int64_t now_ms, int64_t *since_ms)
{
	*since_ms = m->due.slot_s * 1000;
	if (m->asking.is_waiting)
		return SLACK_RETRY;
	if (m->asking.task != ASKING_NOTHING)
		return SLACK_NOTHING;
	if (parts_is_searching(&m->parts))
		return SLACK_PART;
	if (m->health.state == HEALTH_DOWN) {
		*since_ms = m->health.probe_at_ms;
		return m->health.probe_at_ms <= now_ms ? SLACK_PROBE : SLACK_NOTHING;
	}
	if (m->health.failed_rounds > 0 && due_has(&m->due, now_ms)) {
		*since_ms = due_since_ms(&m->due, now_ms);
		return SLACK_SUSPECT;
	}
	*since_ms = parts_again_ms(&m->parts);
	return *since_ms <= now_ms ? SLACK_AGAIN : SLACK_NOTHING;
}

/* Least time in which to ask the meter. One that has never answered is taken to be as slow as the slowest of the bus.
 */
static int64_t least_ms(struct meter *const *meters, size_t n, const struct meter *m)
{
	int64_t usual_us = m->health.latency_us, ms;

	for (size_t i = 0; i < n && m->health.latency_us == 0; i++)
		if (meters[i]->health.latency_us > usual_us)
			usual_us = meters[i]->health.latency_us;
	ms = 2 * usual_us / 1000;
	if (ms > m->conf->response_timeout_ms)
		ms = m->conf->response_timeout_ms;
	return ms > LEAST_MS ? ms : LEAST_MS;
}

struct slack_choice slack_choose(struct meter *const *meters, size_t n, int64_t left_ms, int64_t now_ms)
{
	struct slack_choice best = {.use = SLACK_NOTHING};
	int64_t best_since_ms = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t since_ms, wait_max_ms;
		enum slack_use use = use_of(meters[i], now_ms, &since_ms);
		bool has_time;

		if (use == SLACK_NOTHING || use > best.use || (use == best.use && since_ms >= best_since_ms))
			continue;
		has_time = left_ms >= least_ms(meters, n, meters[i]);
		wait_max_ms = use >= SLACK_PROBE ? HEALTH_PROBE_PAUSE_MAX_MS : SLACK_WAIT_MAX_MS;
		if (!has_time && now_ms - since_ms < wait_max_ms)
			continue;
		best = (struct slack_choice){.meter = meters[i], .use = use, .timeout_max_ms = UINT32_MAX};
		if (has_time && left_ms < UINT32_MAX)
			best.timeout_max_ms = (uint32_t)left_ms;
		best_since_ms = since_ms;
	}
	return best;
}
