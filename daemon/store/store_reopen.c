/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What waits in memory, and under which ids. */
struct waiting {
	unsigned char *held;
	size_t held_bytes, held_capacity, n_held, n_dropped, n_events_dropped;
	int64_t failed_since_ms;
	struct store_event_held *events;
	size_t n_events;
	struct store_meter *meters;
	size_t n_meters;
};

static void take(struct store *s, struct waiting *w)
{
	*w = (struct waiting){.held = s->held,
			      .held_bytes = s->held_bytes,
			      .held_capacity = s->held_capacity,
			      .n_held = s->n_held,
			      .n_dropped = s->n_dropped,
			      .n_events_dropped = s->n_events_dropped,
			      .failed_since_ms = s->failed_since_ms,
			      .events = s->events,
			      .n_events = s->n_events};
	w->meters = calloc(s->n_meters + 1, sizeof(*w->meters));
	for (size_t i = 0; w->meters && i < s->n_meters; i++) {
		if (!s->meters[i].configured)
			continue;
		memcpy(w->meters[w->n_meters].name, s->meters[i].name, sizeof(s->meters[i].name));
		w->meters[w->n_meters++].id = s->meters[i].id;
	}
	s->held = NULL;
	s->events = NULL;
	s->n_held = s->held_bytes = s->held_capacity = s->n_events = 0;
}

/* The pollers know the meters by these ids. */
static bool has_same_ids(const struct store *s, const struct waiting *w)
{
	for (size_t i = 0; i < w->n_meters; i++)
		if (store_meter_id(s, w->meters[i].name) != w->meters[i].id)
			return false;
	return w->meters;
}

static void give(struct store *s, struct waiting *w)
{
	free(s->held);
	s->held = w->held;
	s->held_bytes = w->held_bytes;
	s->held_capacity = w->held_capacity;
	s->n_held = w->n_held;
	s->n_dropped = w->n_dropped;
	s->n_events_dropped = w->n_events_dropped;
	s->failed_since_ms = w->failed_since_ms;
	for (size_t i = 0; i < w->n_events; i++)
		store_event(s, w->events[i].at_ms, w->events[i].subject, w->events[i].kind, w->events[i].detail);
	w->held = NULL;
}

struct store *store_reopen(struct store *s, const struct conf *conf, struct err *e)
{
	struct waiting w;
	struct store *new;

	take(s, &w);
	store_abandon(s);
	new = store_open(conf, e);
	if (new &&store_configure(new, conf, e) == 0 && !has_same_ids(new, &w))
		err_add(e, conf->store_path, 0, "the ids of meters can not be read any more; a restart takes new ones");
	if (new && e->n_errors == 0) {
		give(new, &w);
	} else if (new) {
		store_close(new);
		new = NULL;
	}
	for (size_t i = 0; i < w.n_events; i++)
		free(w.events[i].subject);
	free(w.events);
	free(w.held);
	free(w.meters);
	return new;
}
