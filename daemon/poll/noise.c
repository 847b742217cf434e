/* SPDX-License-Identifier: MIT */
#include "noise.h"

#include <inttypes.h>
#include <stdio.h>

void noise_count(struct noise *noise, const struct link_reply *replies, size_t n, int64_t now_ms)
{
	health_count(&noise->hour, replies, n, now_ms);
}

bool noise_note_failure(struct noise *noise, int64_t meter, int64_t now_ms)
{
	if (noise->until_ms != 0) {
		noise->n_left_out++;
		return false;
	}
	*noise = (struct noise){.until_ms = now_ms + NOISE_HOUR_MS, .has_named = true, .named = meter};
	return true;
}

bool noise_note_return(struct noise *noise, int64_t meter)
{
	if (!noise->has_named || noise->named != meter)
		return false;
	noise->has_named = false;
	return true;
}

bool noise_take(struct noise *noise, int64_t now_ms, char text[NOISE_TEXT_MAX])
{
	char counts[HEALTH_COUNTS_TEXT_MAX];

	if (noise->until_ms == 0 || now_ms < noise->until_ms)
		return false;
	if (noise->n_left_out == 0) {
		noise->until_ms = 0;
		return false;
	}
	health_counts_text(&noise->hour, counts, sizeof(counts));
	snprintf(text, NOISE_TEXT_MAX,
		 "noisy: %" PRIu64 " of %" PRIu64 " requests failed in the last hour (%s), and %" PRIu64
		 " times a meter failed a round; check termination, shield and cables; tally status names the meters",
		 noise->hour.failures, noise->hour.requests, counts, noise->n_left_out);
	*noise = (struct noise){
		.until_ms = now_ms + NOISE_HOUR_MS, .has_named = noise->has_named, .named = noise->named};
	return true;
}

void noise_clock_set_back(struct noise *noise, int64_t now_ms)
{
	if (noise->until_ms > now_ms + NOISE_HOUR_MS)
		noise->until_ms = now_ms + NOISE_HOUR_MS;
}
