/* SPDX-License-Identifier: MIT */
#include "held.h"

#include <stdlib.h>
#include <string.h>

/* A reading in memory: this head, then n_values times a quantity (two bytes; COARSE is added for a value of a coarser
 * register) and its value (eight). */
struct record {
	int64_t meter, slot_s;
	uint32_t delay_ms;
	uint8_t quality, n_values;
	uint16_t parts;
};

enum {
	MARK_BYTES = sizeof(uint16_t),
	VALUE_BYTES = MARK_BYTES + sizeof(int64_t),
	RECORD_MAX = sizeof(struct record) + Q_COUNT * VALUE_BYTES,
	FIRST_SPAN_S = 300,
	COARSE = 0x8000,
};

static const int64_t LAST_SPAN_S = INT64_C(1) << 40;

_Static_assert(Q_COUNT <= UINT8_MAX, "the number of values is held in one byte");

void held_init(struct held *h, size_t room_bytes)
{
	*h = (struct held){.room_bytes = room_bytes};
}

void held_set_room(struct held *h, size_t room_bytes)
{
	h->room_bytes = room_bytes;
}

static void drop_events(struct held *h, size_t n_kept)
{
	while (h->n_events > n_kept)
		free(h->events[--h->n_events].subject);
}

static void drop_serials(struct held *h)
{
	while (h->n_serials > 0)
		free(h->serials[--h->n_serials].serial);
}

void held_fini(struct held *h)
{
	drop_events(h, 0);
	drop_serials(h);
	free(h->events);
	free(h->serials);
	free(h->bytes);
	held_init(h, h->room_bytes);
}

/* The quantity of a value, and COARSE. */
static unsigned mark_at(const unsigned char *value)
{
	uint16_t mark;

	memcpy(&mark, value, MARK_BYTES);
	return mark;
}

static bool is_gauge(const unsigned char *value)
{
	return names_get((enum quantity)(mark_at(value) & ~COARSE))->kind == NAMES_GAUGE;
}

static bool is_kept(enum quantity q)
{
	return names_get(q)->table[0] != '\0' || names_is_bound(q);
}

/* Where a reading begins, and whether its counters stay when readings are thinned out. */
struct place {
	size_t at;
	bool stays;
};

/* The span of time that the last reading of a meter lies in, while readings are thinned out from the newest on. */
struct span {
	int64_t meter;
	int64_t number;
	bool any;
};

/* Of every meter; by meter. */
struct spans {
	size_t n, capacity;
	struct span *list;
};

static struct record head_at(const struct held *h, size_t at)
{
	struct record head;

	memcpy(&head, h->bytes + at, sizeof(head));
	return head;
}

static bool has_counter(const struct held *h, size_t at)
{
	struct record head = head_at(h, at);
	const unsigned char *value = h->bytes + at + sizeof(head);

	for (size_t i = 0; i < head.n_values; i++)
		if (!is_gauge(value + i * VALUE_BYTES))
			return true;
	return false;
}

/* places has room for one of each reading. */
static void find_places(const struct held *h, struct place *places)
{
	size_t at = 0;

	for (size_t i = 0; i < h->n_readings; i++) {
		places[i] = (struct place){.at = at};
		at += sizeof(struct record) + head_at(h, at).n_values * (size_t)VALUE_BYTES;
	}
}

/* The span of a meter, added where there is none. NULL: out of memory. */
static struct span *find_span(struct spans *spans, int64_t meter)
{
	size_t low = 0, high = spans->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->list[middle].meter < meter)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < spans->n && spans->list[low].meter == meter)
		return &spans->list[low];
	if (spans->n == spans->capacity) {
		size_t capacity = 2 * spans->capacity + 64;
		struct span *list = realloc(spans->list, capacity * sizeof(*list));

		if (list == NULL)
			return NULL;
		spans->list = list;
		spans->capacity = capacity;
	}
	memmove(&spans->list[low + 1], &spans->list[low], (spans->n++ - low) * sizeof(*spans->list));
	spans->list[low] = (struct span){.meter = meter};
	return &spans->list[low];
}

/* Of each meter the last reading with counters in each span of time stays; span_s 0: every one with counters. */
static int choose_places(const struct held *h, struct place *places, int64_t span_s)
{
	struct spans spans = {0};
	int rc = 0;

	for (size_t i = h->n_readings; i-- > 0;) {
		struct record head = head_at(h, places[i].at);
		int64_t number = span_s == 0 ? 0 : head.slot_s / span_s;
		struct span *span;

		if (!has_counter(h, places[i].at))
			continue;
		span = find_span(&spans, head.meter);
		if (span == NULL) {
			rc = -1;
			break;
		}
		places[i].stays = span_s == 0 || !span->any || span->number != number;
		span->any = true;
		span->number = number;
	}
	free(spans.list);
	return rc;
}

/* Move one reading down to to, without its gauges. Returns its length. */
static size_t move_counters(struct held *h, size_t from, size_t to)
{
	struct record head = head_at(h, from);
	size_t length = sizeof(head), n = head.n_values;

	head.n_values = 0;
	for (size_t i = 0; i < n; i++) {
		size_t at = from + sizeof(head) + i * VALUE_BYTES;

		if (is_gauge(h->bytes + at))
			continue;
		memmove(h->bytes + to + length, h->bytes + at, VALUE_BYTES);
		length += VALUE_BYTES;
		head.n_values++;
	}
	memcpy(h->bytes + to, &head, sizeof(head));
	return length;
}

/* Close the gaps between the places that stay. A serial number keeps its place among them. */
static void compact(struct held *h, const struct place *places)
{
	size_t to = 0, n_left = 0, serial = 0, n = h->n_readings;

	for (size_t i = 0; i < n; i++) {
		while (serial < h->n_serials && h->serials[serial].at <= places[i].at)
			h->serials[serial++].at = to;
		if (!places[i].stays)
			continue;
		to += move_counters(h, places[i].at, to);
		n_left++;
	}
	while (serial < h->n_serials)
		h->serials[serial++].at = to;
	h->n_dropped += n - n_left;
	h->n_readings = n_left;
	h->n_bytes = to;
}

/* Keep the readings that choose_places() chooses. */
static void thin_to(struct held *h, int64_t span_s)
{
	struct place *places = malloc(h->n_readings * sizeof(*places));

	if (places != NULL)
		find_places(h, places);
	if (places != NULL && choose_places(h, places, span_s) == 0) {
		compact(h, places);
	} else {
		/* out of memory: thinning by meter is not possible */
		h->n_dropped += h->n_readings;
		h->n_readings = h->n_bytes = 0;
		for (size_t i = 0; i < h->n_serials; i++)
			h->serials[i].at = 0;
	}
	free(places);
}

/* Make half of the room free, if that can be done. */
static void thin_out(struct held *h)
{
	thin_to(h, 0);
	for (int64_t span_s = FIRST_SPAN_S; h->n_bytes > h->room_bytes / 2 && span_s < LAST_SPAN_S; span_s *= 3)
		thin_to(h, span_s);
}

/* Memory for one more record of any length. */
static int reserve_record(struct held *h)
{
	size_t capacity = 2 * h->capacity + RECORD_MAX + 4096;
	unsigned char *bytes;

	if (h->n_bytes + RECORD_MAX <= h->capacity)
		return 0;
	if (capacity > h->room_bytes + RECORD_MAX)
		capacity = h->room_bytes + RECORD_MAX;
	if (capacity < h->n_bytes + RECORD_MAX)
		capacity = h->n_bytes + RECORD_MAX;
	bytes = realloc(h->bytes, capacity);
	if (bytes == NULL)
		return -1;
	h->bytes = bytes;
	h->capacity = capacity;
	return 0;
}

enum held_push held_push_reading(struct held *h, const struct reading *r)
{
	struct record head = {.meter = r->meter,
			      .slot_s = r->slot_s,
			      .delay_ms = r->delay_ms,
			      .quality = (uint8_t)r->quality,
			      .parts = r->parts};
	bool is_thinned = h->n_bytes + RECORD_MAX > h->room_bytes && h->n_readings > 0;
	unsigned char *value;
	uint16_t mark;

	if (is_thinned)
		thin_out(h);
	h->is_thinned |= is_thinned;
	if (reserve_record(h) != 0) {
		h->n_dropped++;
		return HELD_LOST;
	}
	value = h->bytes + h->n_bytes + sizeof(head);
	for (int q = reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1)) {
		if (!is_kept((enum quantity)q))
			continue;
		mark = (uint16_t)(reading_is_coarse(r, (enum quantity)q) ? q | COARSE : q);
		memcpy(value, &mark, MARK_BYTES);
		memcpy(value + MARK_BYTES, &r->values[q], sizeof(r->values[q]));
		value += VALUE_BYTES;
		head.n_values++;
	}
	if (head.n_values > 0) {
		memcpy(h->bytes + h->n_bytes, &head, sizeof(head));
		h->n_bytes = (size_t)(value - h->bytes);
		h->n_readings++;
	}
	return is_thinned ? HELD_THINNED : HELD_ADDED;
}

void held_push_event_anyway(struct held *h, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	size_t n_subject = strlen(subject) + 1, n_kind = strlen(kind) + 1, n_detail = strlen(detail) + 1;
	char *text = malloc(n_subject + n_kind + n_detail);

	if (text != NULL && h->n_events == h->events_capacity) {
		size_t capacity = 2 * h->events_capacity + 16;
		struct held_event *events = realloc(h->events, capacity * sizeof(*events));

		if (events != NULL) {
			h->events = events;
			h->events_capacity = capacity;
		} else {
			free(text);
			text = NULL;
		}
	}
	if (text == NULL) {
		h->n_events_dropped++;
		return;
	}
	h->events[h->n_events++] = (struct held_event){
		.at_ms = at_ms,
		.subject = memcpy(text, subject, n_subject),
		.kind = memcpy(text + n_subject, kind, n_kind),
		.detail = memcpy(text + n_subject + n_kind, detail, n_detail),
	};
}

void held_push_event(struct held *h, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	if (h->n_events < HELD_EVENTS_MAX)
		held_push_event_anyway(h, at_ms, subject, kind, detail);
	else
		h->n_events_dropped++;
}

/* The newest one of a meter; NULL = there is none. */
static struct held_serial *find_serial(const struct held *h, int64_t meter)
{
	for (size_t i = h->n_serials; i-- > 0;)
		if (h->serials[i].meter == meter)
			return &h->serials[i];
	return NULL;
}

const char *held_find_serial(const struct held *h, int64_t meter)
{
	const struct held_serial *found = find_serial(h, meter);

	return found != NULL ? found->serial : NULL;
}

void held_push_serial(struct held *h, int64_t meter, const char *serial)
{
	struct held_serial *old = find_serial(h, meter);
	char *copy;

	if (old != NULL && strcmp(old->serial, serial) == 0)
		return;
	copy = strdup(serial);
	if (copy != NULL && h->n_serials == h->serials_capacity) {
		size_t capacity = 2 * h->serials_capacity + 16;
		struct held_serial *serials = realloc(h->serials, capacity * sizeof(*serials));

		if (serials != NULL) {
			h->serials = serials;
			h->serials_capacity = capacity;
		} else {
			free(copy);
			copy = NULL;
		}
	}
	if (copy == NULL)
		return;
	old = find_serial(h, meter);
	if (old != NULL && h->n_serials >= HELD_SERIALS_MAX) {
		free(old->serial);
		memmove(old, old + 1, (size_t)(h->serials + h->n_serials - (old + 1)) * sizeof(*old));
		h->n_serials--;
	}
	h->serials[h->n_serials++] = (struct held_serial){.meter = meter, .serial = copy, .at = h->n_bytes};
}

bool held_is_empty(const struct held *h)
{
	return h->n_readings == 0 && h->n_events == 0 && h->n_serials == 0;
}

unsigned held_percent(const struct held *h)
{
	return (unsigned)(100 * h->n_bytes / h->room_bytes);
}

bool held_next_reading(const struct held *h, struct held_cursor *c, struct reading *r)
{
	struct record head;
	const unsigned char *value;

	c->place = c->at;
	if (c->at == h->n_bytes)
		return false;
	memcpy(&head, h->bytes + c->at, sizeof(head));
	value = h->bytes + c->at + sizeof(head);
	r->meter = head.meter;
	r->slot_s = head.slot_s;
	r->delay_ms = head.delay_ms;
	r->quality = (enum reading_quality)head.quality;
	r->parts = head.parts;
	r->groups = 0;
	memset(r->present, 0, sizeof(r->present));
	memset(r->coarse, 0, sizeof(r->coarse));
	for (size_t i = 0; i < head.n_values; i++, value += VALUE_BYTES) {
		enum quantity q = (enum quantity)(mark_at(value) & ~COARSE);
		int64_t number;

		memcpy(&number, value + MARK_BYTES, sizeof(number));
		reading_set(r, q, number);
		if (mark_at(value) & COARSE)
			reading_set_coarse(r, q);
	}
	c->at = (size_t)(value - h->bytes);
	return true;
}

const struct held_serial *held_next_serial(const struct held *h, struct held_cursor *c)
{
	if (c->n_serials == h->n_serials || h->serials[c->n_serials].at > c->place)
		return NULL;
	return &h->serials[c->n_serials++];
}

void held_begin(struct held *h)
{
	h->n_events_before = h->n_events;
}

void held_undo(struct held *h)
{
	drop_events(h, h->n_events_before);
}

void held_written(struct held *h)
{
	drop_events(h, 0);
	drop_serials(h);
	h->n_readings = h->n_bytes = 0;
	h->n_dropped = h->n_events_dropped = 0;
	h->is_thinned = false;
	/* grown only because the database could not be written for long */
	if (h->capacity > h->room_bytes / 4) {
		free(h->bytes);
		h->bytes = NULL;
		h->capacity = 0;
	}
}

/* Take the readings and serial numbers of from, where to has none. */
static void move_readings(struct held *to, struct held *from)
{
	free(to->bytes);
	free(to->serials);
	to->bytes = from->bytes;
	to->n_bytes = from->n_bytes;
	to->capacity = from->capacity;
	to->n_readings = from->n_readings;
	to->serials = from->serials;
	to->n_serials = from->n_serials;
	to->serials_capacity = from->serials_capacity;
	from->bytes = NULL;
	from->serials = NULL;
	from->n_serials = 0;
}

static void append_readings(struct held *to, const struct held *from)
{
	const struct held_serial *serial;
	struct held_cursor c = {0};
	struct reading r;
	bool is_end;

	do {
		is_end = !held_next_reading(from, &c, &r);
		while ((serial = held_next_serial(from, &c)) != NULL)
			held_push_serial(to, serial->meter, serial->serial);
		if (!is_end)
			held_push_reading(to, &r);
	} while (!is_end);
}

void held_move(struct held *to, struct held *from)
{
	if (to->n_readings == 0 && to->n_serials == 0)
		move_readings(to, from);
	else
		append_readings(to, from);
	to->is_thinned |= from->is_thinned;
	to->n_dropped += from->n_dropped;
	to->n_events_dropped += from->n_events_dropped;
	for (size_t i = 0; i < from->n_events; i++)
		held_push_event(to, from->events[i].at_ms, from->events[i].subject, from->events[i].kind,
				from->events[i].detail);
	held_fini(from);
}
