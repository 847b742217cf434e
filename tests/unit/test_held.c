/* SPDX-License-Identifier: MIT */
#include "held.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

enum {
	ROOM = 16 << 10,
	PRESS = 1, /* meters */
	OVEN = 2,
};

static const int64_t T = 1767225600; /* 2026-01-01T00:00:00Z */

static int setup(void **state)
{
	static struct held h;

	held_init(&h, ROOM);
	*state = &h;
	return 0;
}

static int teardown(void **state)
{
	held_fini(*state);
	return 0;
}

/* A reading of minute, with a counter, a power, or both. */
static struct reading reading_of(int64_t meter, int minute, bool counter, bool power)
{
	struct reading r = {.meter = meter, .slot_s = T + minute * 60, .delay_ms = 120, .quality = READING_LATE};

	if (counter)
		reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, 1000 + minute);
	if (power)
		reading_set(&r, Q_ACTIVE_POWER, 600000);
	return r;
}

static enum held_push push(struct held *h, int64_t meter, int minute, bool counter, bool power)
{
	struct reading r = reading_of(meter, minute, counter, power);

	return held_push_reading(h, &r);
}

/* Minutes first to last, until readings have been thinned out. Returns the minute after the last one pushed. */
static int push_until_thinned(struct held *h, int64_t meter, int minute)
{
	while (push(h, meter, minute++, true, true) != HELD_THINNED)
		;
	return minute;
}

/* "press 0, press 2 power, oven #A1": what is held, in its order. */
static const char *list(const struct held *h)
{
	static char text[1024];
	struct held_cursor c = {0};
	struct reading r;
	const struct held_serial *serial;
	bool more;

	text[0] = '\0';
	do {
		size_t n;

		more = held_next_reading(h, &c, &r);
		while ((serial = held_next_serial(h, &c)) != NULL)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %s #%s",
				 serial->meter == PRESS ? "press" : "oven", serial->serial);
		n = strlen(text);
		if (more)
			snprintf(text + n, sizeof(text) - n, ", %s %lld%s", r.meter == PRESS ? "press" : "oven",
				 (long long)(r.slot_s - T) / 60, reading_has(&r, Q_ACTIVE_POWER) ? " power" : "");
	} while (more);
	return text[0] != '\0' ? text + 2 : text;
}

TEST_WITH(a_reading_is_read_back_as_it_was_pushed, setup, teardown)
{
	struct held *h = *state;
	struct held_cursor c = {0};
	struct reading in = reading_of(PRESS, 7, true, true), out;

	in.values[Q_ACTIVE_POWER] = INT64_MIN;
	in.quality = READING_UNSYNCHRONISED;
	in.delay_ms = UINT32_MAX;
	in.parts = UINT16_MAX;
	reading_set(&in, Q_COUNTER_MAX, INT64_MAX);
	assert_int_equal(held_push_reading(h, &in), HELD_ADDED);
	assert_int_equal(h->n_readings, 1);
	assert_true(held_next_reading(h, &c, &out));
	assert_int_equal(out.meter, PRESS);
	assert_int_equal(out.slot_s, T + 420);
	assert_int_equal(out.delay_ms, UINT32_MAX);
	assert_int_equal(out.quality, READING_UNSYNCHRONISED);
	assert_int_equal(out.parts, UINT16_MAX);
	assert_memory_equal(out.present, in.present, sizeof(in.present));
	assert_true(out.values[Q_ACTIVE_ENERGY_IMPORT] == 1007);
	assert_true(out.values[Q_ACTIVE_POWER] == INT64_MIN);
	assert_true(out.values[Q_COUNTER_MAX] == INT64_MAX);
	assert_false(held_next_reading(h, &c, &out));
}

TEST_WITH(values_of_a_coarser_register_are_known_as_such, setup, teardown)
{
	struct held *h = *state;
	struct held_cursor c = {0};
	struct reading in = reading_of(PRESS, 7, true, true), out;

	reading_set(&in, Q_ACTIVE_ENERGY_EXPORT, 5000);
	reading_set_coarse(&in, Q_ACTIVE_ENERGY_EXPORT);
	held_push_reading(h, &in);
	push(h, PRESS, 8, true, true);
	assert_true(held_next_reading(h, &c, &out));
	assert_memory_equal(out.present, in.present, sizeof(in.present));
	assert_memory_equal(out.coarse, in.coarse, sizeof(in.coarse));
	assert_true(held_next_reading(h, &c, &out));
	assert_false(reading_is_coarse(&out, Q_ACTIVE_ENERGY_EXPORT));
}

TEST_WITH(quantities_without_a_table_are_not_held, setup, teardown)
{
	struct held *h = *state;
	struct reading r = {.meter = PRESS, .slot_s = T};

	for (int q = 0; q < Q_COUNT; q++)
		if (names_get((enum quantity)q)->table[0] == '\0' && !names_is_bound((enum quantity)q))
			reading_set(&r, (enum quantity)q, 1);
	assert_int_equal(held_push_reading(h, &r), HELD_ADDED);
	assert_int_equal(h->n_readings, 0);
	assert_true(held_is_empty(h));
}

TEST_WITH(powers_are_dropped_first_when_memory_is_full, setup, teardown)
{
	struct held *h = *state;
	struct held_cursor c = {0};
	struct reading r;
	int minutes = push_until_thinned(h, PRESS, 0), n = 0;

	/* 42 bytes each with the power and 33 without: that alone does not free half of the memory */
	assert_true(h->n_dropped > 0);
	assert_int_equal(h->n_readings + h->n_dropped, minutes);
	assert_true(held_percent(h) <= 50);
	while (held_next_reading(h, &c, &r)) {
		assert_true(reading_has(&r, Q_ACTIVE_ENERGY_IMPORT));
		assert_int_equal(reading_has(&r, Q_ACTIVE_POWER), r.slot_s == T + (minutes - 1) * 60);
		n++;
	}
	assert_int_equal(n, h->n_readings);
}

TEST_WITH(readings_without_counters_are_dropped_completely, setup, teardown)
{
	struct held *h = *state;
	int minute = 0;

	push(h, OVEN, 0, true, false);
	while (push(h, PRESS, minute++, false, true) != HELD_THINNED)
		;
	assert_memory_equal(list(h), "oven 0, press ", strlen("oven 0, press "));
	assert_int_equal(h->n_readings, 2);
	assert_int_equal(h->n_dropped, minute - 1);
}

TEST_WITH(the_newest_counters_of_each_meter_always_stay, setup, teardown)
{
	struct held *h = *state;
	struct held_cursor c = {0};
	struct reading r;
	int64_t newest_s[3] = {0};

	push(h, OVEN, 0, true, true);
	for (int minute = 0; minute < 20000; minute++) {
		push(h, PRESS, minute, true, true);
		assert_true(held_percent(h) <= 100);
	}
	while (held_next_reading(h, &c, &r))
		newest_s[r.meter] = r.slot_s;
	assert_int_equal(newest_s[OVEN], T);
	assert_int_equal(newest_s[PRESS], T + 19999 * 60);
	assert_int_equal(h->n_readings + h->n_dropped, 20001);
}

TEST_WITH(more_meters_than_fit_all_keep_their_newest_counters, setup, teardown)
{
	struct held *h = *state;
	struct held_cursor c = {0};
	struct reading r;
	int n = 0;

	held_init(h, 2048);
	for (int minute = 0; minute < 3; minute++)
		for (int64_t meter = 1; meter <= 100; meter++)
			assert_int_not_equal(push(h, meter, minute, true, false), HELD_LOST);
	while (held_next_reading(h, &c, &r))
		n += r.slot_s == T + 120;
	assert_int_equal(n, 100);
}

TEST_WITH(a_serial_number_keeps_its_place_among_the_readings, setup, teardown)
{
	struct held *h = *state;

	held_push_serial(h, PRESS, "A1");
	push(h, PRESS, 0, true, false);
	held_push_serial(h, OVEN, "B1");
	push(h, PRESS, 1, true, true);
	push(h, OVEN, 1, false, true);
	assert_string_equal(list(h), "press #A1, press 0, oven #B1, press 1 power, oven 1 power");
	assert_string_equal(held_find_serial(h, OVEN), "B1");
	assert_null(held_find_serial(h, 3));
}

TEST_WITH(a_repeated_serial_number_keeps_its_place_and_a_new_one_has_a_place_of_its_own, setup, teardown)
{
	struct held *h = *state;

	held_push_serial(h, PRESS, "A1");
	held_push_serial(h, OVEN, "B1");
	push(h, PRESS, 0, true, false);
	held_push_serial(h, PRESS, "A1");
	held_push_serial(h, OVEN, "B2");
	push(h, PRESS, 1, true, false);
	assert_string_equal(list(h), "press #A1, oven #B1, press 0, oven #B2, press 1");
	assert_string_equal(held_find_serial(h, OVEN), "B2");
}

TEST_WITH(a_meter_that_reports_another_serial_number_all_the_time_takes_no_more_memory, setup, teardown)
{
	struct held *h = *state;
	char serial[8];

	for (int i = 0; i < 2 * HELD_SERIALS_MAX; i++) {
		snprintf(serial, sizeof(serial), "A%d", i);
		held_push_serial(h, PRESS, serial);
	}
	assert_int_equal(h->n_serials, HELD_SERIALS_MAX);
	assert_string_equal(held_find_serial(h, PRESS), serial);
}

TEST_WITH(a_serial_number_stays_between_its_readings_when_they_are_thinned_out, setup, teardown)
{
	struct held *h = *state;
	struct held_cursor c = {0};
	struct reading r;
	int minutes = 0, n_before = 0;

	while (minutes < 150)
		push(h, PRESS, minutes++, true, true);
	held_push_serial(h, PRESS, "A2");
	push_until_thinned(h, PRESS, minutes);
	while (held_next_reading(h, &c, &r)) {
		const struct held_serial *serial = held_next_serial(h, &c);

		if (serial != NULL)
			assert_true(r.slot_s >= T + 150 * 60);
		n_before += c.n_serials == 0;
		assert_true(c.n_serials == 1 || r.slot_s < T + 150 * 60);
	}
	assert_true(n_before > 0);
}

TEST_WITH(events_are_bounded_and_the_lost_ones_are_counted, setup, teardown)
{
	struct held *h = *state;

	for (int i = 0; i < HELD_EVENTS_MAX + 10; i++)
		held_push_event(h, i, "press", "meter-down", "down: timeout");
	assert_int_equal(h->n_events, HELD_EVENTS_MAX);
	assert_int_equal(h->n_events_dropped, 10);
	held_push_event_anyway(h, 5, "tallyd", "gap", "10 events");
	assert_int_equal(h->n_events, HELD_EVENTS_MAX + 1);
	assert_string_equal(h->events[HELD_EVENTS_MAX].kind, "gap");
	assert_string_equal(h->events[0].detail, "down: timeout");
}

TEST_WITH(a_rolled_back_commit_removes_only_its_own_events, setup, teardown)
{
	struct held *h = *state;

	push(h, PRESS, 0, true, true);
	held_push_event(h, 1, "press", "meter-up", "up");
	held_begin(h);
	held_push_event(h, 2, "press", "rollover", "from 9 to 0");
	held_undo(h);
	assert_int_equal(h->n_events, 1);
	assert_string_equal(h->events[0].kind, "meter-up");
	assert_string_equal(list(h), "press 0 power");
}

TEST_WITH(nothing_is_held_after_it_is_written, setup, teardown)
{
	struct held *h = *state;

	push_until_thinned(h, PRESS, 0);
	held_push_serial(h, PRESS, "A1");
	held_push_event(h, 1, "press", "meter-up", "up");
	held_written(h);
	assert_true(held_is_empty(h));
	assert_int_equal(h->n_dropped, 0);
	assert_int_equal(h->capacity, 0);
	assert_string_equal(list(h), "");
	assert_null(held_find_serial(h, PRESS));
}

TEST_WITH(everything_moves_after_the_events_of_the_other, setup, teardown)
{
	struct held *h = *state, from;

	held_init(&from, ROOM);
	push(&from, PRESS, 0, true, false);
	held_push_serial(&from, PRESS, "A1");
	held_push_event(&from, 2, "press", "meter-down", "down");
	from.n_dropped = 3;
	held_push_event(h, 1, "tallyd", "database-recovered", "rows");
	held_move(h, &from);
	assert_string_equal(list(h), "press 0, press #A1");
	assert_int_equal(h->n_events, 2);
	assert_string_equal(h->events[1].kind, "meter-down");
	assert_int_equal(h->n_dropped, 3);
	assert_true(held_is_empty(&from));
	push(&from, OVEN, 0, true, false);
	assert_string_equal(list(&from), "oven 0");
	held_fini(&from);
}

UNIT_MAIN(NULL, NULL)
