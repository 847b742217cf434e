/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mono.h"

_Static_assert(Q_COUNT <= 256, "a quantity is held in one byte");

/* Where each held reading begins, and whether it stays. */
struct place {
	size_t at;
	bool stays;
};

static bool is_gauge(unsigned q)
{
	return names_get((enum quantity)q)->kind == NAMES_GAUGE;
}

static size_t record_bytes(const struct store_record *head)
{
	return sizeof(*head) + head->n_values * (size_t)STORE_VALUE_BYTES;
}

static bool has_counter(const struct store *s, size_t at, const struct store_record *head)
{
	for (size_t i = 0; i < head->n_values; i++)
		if (!is_gauge(s->held[at + sizeof(*head) + i * STORE_VALUE_BYTES]))
			return true;
	return false;
}

static size_t find_places(const struct store *s, struct place *places)
{
	size_t n = 0;

	for (size_t at = 0; at < s->held_bytes; n++) {
		struct store_record head;

		memcpy(&head, s->held + at, sizeof(head));
		places[n].at = at;
		at += record_bytes(&head);
	}
	return n;
}

/* Of each meter the last reading with counters in each span stays. */
static int choose(const struct store *s, struct place *places, size_t n, int64_t span_s)
{
	int64_t *span_of = malloc(s->n_meters * sizeof(*span_of));

	if (!span_of)
		return -1;
	for (size_t i = 0; i < s->n_meters; i++)
		span_of[i] = INT64_MIN;
	for (size_t i = n; i-- > 0;) {
		struct store_record head;

		memcpy(&head, s->held + places[i].at, sizeof(head));
		const struct store_meter *m = store_find_meter(s, head.meter);

		if (!m || !has_counter(s, places[i].at, &head))
			continue;
		places[i].stays = span_s == 0 || head.slot_s / span_s != span_of[m - s->meters];
		span_of[m - s->meters] = span_s ? head.slot_s / span_s : 0;
	}
	free(span_of);
	return 0;
}

/* Move one reading down to to, without its gauges. Returns its length. */
static size_t move_counters(struct store *s, size_t from, size_t to)
{
	struct store_record head;
	size_t length = sizeof(head);
	uint8_t n = 0;

	memcpy(&head, s->held + from, sizeof(head));
	for (size_t i = 0; i < head.n_values; i++) {
		size_t at = from + sizeof(head) + i * STORE_VALUE_BYTES;

		if (is_gauge(s->held[at]))
			continue;
		memmove(s->held + to + length, s->held + at, STORE_VALUE_BYTES);
		length += STORE_VALUE_BYTES;
		n++;
	}
	head.n_values = n;
	memcpy(s->held + to, &head, sizeof(head));
	return length;
}

/* A serial number keeps its place among the readings. */
static void move_serials(struct store *s, size_t from, size_t to, size_t until)
{
	for (size_t i = 0; i < s->n_meters && s->n_serials > 0; i++)
		if (s->meters[i].serial && s->meters[i].serial_at > from && s->meters[i].serial_at <= until)
			s->meters[i].serial_at = to;
}

static void compact(struct store *s, const struct place *places, size_t n)
{
	size_t to = 0, n_held = 0, end = s->held_bytes;

	for (size_t i = 0; i < n; i++) {
		size_t next = i + 1 < n ? places[i + 1].at : end;
		size_t length = places[i].stays ? move_counters(s, places[i].at, to) : 0;

		/* places that were already passed have moved below what is still to come */
		move_serials(s, places[i].at, to + length, next);
		to += length;
		n_held += places[i].stays;
	}
	s->n_dropped += s->n_held - n_held;
	s->n_held = n_held;
	s->held_bytes = to;
}

/* Without powers, and of each meter one reading in each span; span 0: all that have counters. */
static void thin_to(struct store *s, int64_t span_s)
{
	struct place *places = calloc(s->n_held + 1, sizeof(*places));
	size_t n = places ? find_places(s, places) : 0;

	if (places && choose(s, places, n, span_s) == 0) {
		compact(s, places, n);
	} else {
		/* no memory for doing it well */
		s->n_dropped += s->n_held;
		s->n_held = s->held_bytes = 0;
	}
	free(places);
}

/* Half of the room is made free: powers go first, then readings between others, so that of what a meter has counted
 * nothing is lost and as much as can be is known of when. */
static void thin(struct store *s)
{
	if (s->n_dropped == 0)
		log_warning("%s: readings in memory take %zu kB: powers are dropped, counters are kept less often",
			    s->db.path, s->held_bytes / 1024);
	thin_to(s, 0);
	for (int64_t span_s = 300; s->held_bytes > s->held_max / 2 && span_s < INT64_C(1) << 40; span_s *= 3)
		thin_to(s, span_s);
}

/* Room for n more bytes of readings. */
static unsigned char *grow(struct store *s, size_t n)
{
	if (s->held_bytes + n > s->held_max)
		thin(s);
	if (s->held_bytes + n > s->held_capacity) {
		size_t capacity = 2 * s->held_capacity + n + 4096;
		unsigned char *held;

		if (capacity > s->held_max + n)
			capacity = s->held_max + n;
		held = realloc(s->held, capacity);
		if (!held)
			return NULL;
		s->held = held;
		s->held_capacity = capacity;
	}
	return s->held + s->held_bytes;
}

void store_reading(struct store *s, const struct reading *r)
{
	struct store_record head = {
		.meter = r->meter, .slot_s = r->slot_s, .delay_ms = r->delay_ms, .quality = (uint8_t)r->quality};
	unsigned char *to = grow(s, sizeof(head) + Q_COUNT * STORE_VALUE_BYTES);
	unsigned char *value;

	if (!to) {
		snprintf(s->db.error, sizeof(s->db.error), "no memory for a reading: it is lost");
		s->n_dropped++;
		return;
	}
	value = to + sizeof(head);
	for (int q = 0; q < Q_COUNT; q++) {
		if ((s->tables.kind_of[q] < 0 && q != Q_COUNTER_MAX) || !reading_has(r, (enum quantity)q))
			continue;
		*value = (unsigned char)q;
		memcpy(value + 1, &r->values[q], sizeof(r->values[q]));
		value += STORE_VALUE_BYTES;
		head.n_values++;
	}
	if (head.n_values == 0)
		return;
	memcpy(to, &head, sizeof(head));
	s->held_bytes += (size_t)(value - to);
	s->n_held++;
}

void store_hold_tell(struct store *s)
{
	char detail[200];
	int64_t since_ms = s->failed_since_ms ? s->failed_since_ms : mono_wall_ms();

	if (s->n_dropped == 0 && s->n_events_dropped == 0)
		return;
	snprintf(detail, sizeof(detail),
		 "the database could not be written for %" PRId64 " s: %zu readings and %zu events did not fit into "
		 "memory; the newest counters were kept",
		 (mono_wall_ms() - since_ms) / 1000, s->n_dropped, s->n_events_dropped);
	store_add_event(s, since_ms, "tallyd", "gap", detail);
}

void store_hold_written(struct store *s)
{
	s->n_dropped = s->n_events_dropped = 0;
	s->failed_since_ms = 0;
	if (s->held_capacity > s->held_max / 4) {
		free(s->held);
		s->held = NULL;
		s->held_capacity = 0;
	}
}
