/* SPDX-License-Identifier: MIT */
#include "health.h"

#include <stdio.h>

static void count_reply(struct health *h, const struct link_reply *r, int64_t now_ms)
{
	h->requests++;
	h->counts[r->status]++;
	if (r->refused != LINK_OK && r->refused != r->status)
		h->counts[r->refused]++;
	if (r->status == LINK_OK) {
		h->last_good_s = now_ms / 1000;
		h->latency_us += (uint32_t)((r->latency_us - (int64_t)h->latency_us) / (h->latency_us == 0 ? 1 : 8));
	} else if (!link_is_final(r)) {
		h->failures++;
	}
}

void health_count(struct health *h, const struct link_reply *replies, size_t n, int64_t now_ms)
{
	bool has_failed = false;

	h->answered_last = false;
	for (size_t i = 0; i < n; i++) {
		const struct link_reply *r = &replies[i];

		if (r->status != LINK_CLOSED || r->sent_us != 0)
			count_reply(h, r, now_ms);
		if (r->status == LINK_OK || r->status == LINK_EXCEPTION)
			h->answered_last = true;
		/* A failure says more than the refusals before it. */
		if (r->status != LINK_OK && !has_failed)
			snprintf(h->reason, sizeof(h->reason), "%s",
				 r->status == LINK_EXCEPTION ? link_exception_text(r->exception)
							     : link_status_text(r->status));
		has_failed |= !link_is_final(r);
	}
}

void health_answered(struct health *h)
{
	h->state = HEALTH_UP;
	h->failed_rounds = 0;
	h->reason[0] = '\0';
}

void health_failed(struct health *h, bool is_hopeless, int64_t now_ms)
{
	h->failed_rounds++;
	if (h->state == HEALTH_DOWN) {
		h->probe_pause_ms *= 2;
		if (h->probe_pause_ms > HEALTH_PROBE_PAUSE_MAX_MS)
			h->probe_pause_ms = HEALTH_PROBE_PAUSE_MAX_MS;
	} else if (h->failed_rounds >= HEALTH_DOWN_AFTER || is_hopeless) {
		h->state = HEALTH_DOWN;
		h->probe_pause_ms = HEALTH_PROBE_PAUSE_MIN_MS;
	} else if (h->state == HEALTH_UP) {
		h->state = HEALTH_SUSPECT;
	}
	h->probe_at_ms = now_ms + h->probe_pause_ms;
}

void health_note_probe(struct health *h, int64_t now_ms)
{
	h->probe_at_ms = now_ms + h->probe_pause_ms;
}

void health_probe_now(struct health *h, int64_t now_ms)
{
	h->probe_at_ms = now_ms;
	h->probe_pause_ms = HEALTH_PROBE_PAUSE_MIN_MS;
}

void health_clock_set_back(struct health *h, int64_t now_ms)
{
	if (h->probe_at_ms > now_ms + h->probe_pause_ms)
		h->probe_at_ms = now_ms + h->probe_pause_ms;
}

void health_counts_text(const struct health *h, char *out, size_t n)
{
	size_t length = 0;

	out[0] = '\0';
	for (int s = LINK_OK + 1; s < LINK_STATUS_COUNT && length < n; s++)
		if (h->counts[s] > 0)
			length += (size_t)snprintf(out + length, n - length, "%s%llu %s", length == 0 ? "" : ", ",
						   (unsigned long long)h->counts[s], link_status_text(s));
}
