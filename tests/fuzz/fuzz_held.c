/* SPDX-License-Identifier: MIT */
/* fuzz_held.c - queues readings, serial numbers, events and commits in any order, with so little memory that the queue
 * is soon full. However many readings are dropped, the newest counters of each meter stay, every lost reading is
 * counted, and each serial number stays between the readings before and after it. Input: one step for each byte, see
 * enum step. */
#include <stdlib.h>
#include <string.h>

#include "held.h"

enum { METERS = 5, ROOM = 6000, STEPS_MAX = 600 };

/* The upper three bits of a byte; the lower five choose the meter and more. */
enum step { COUNTER, POWER, BOTH, ALL, SERIAL, EVENT, COMMIT, MOVE };

/* The expected contents of the queue. The slot of each reading is its number. */
struct model {
	int64_t n_pushed, n_lost;
	int64_t newest[METERS]; /* number of the newest reading with counters, 0 = none */
	struct {
		int64_t meter, at; /* number of the last reading before it */
	} serials[STEPS_MAX];
	size_t n_serials, n_events;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void push_reading(struct held *h, struct model *m, enum step step, int64_t meter)
{
	struct reading r = {.meter = meter, .slot_s = ++m->n_pushed, .quality = (enum reading_quality)(meter % 4)};

	for (int q = 0; q < Q_COUNT && step == ALL; q++)
		reading_set(&r, (enum quantity)q, m->n_pushed);
	if (step == COUNTER || step == BOTH)
		reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, m->n_pushed);
	if (step == POWER || step == BOTH)
		reading_set(&r, Q_ACTIVE_POWER, -1);
	require(held_push_reading(h, &r) != HELD_LOST);
	if (step != POWER)
		m->newest[meter] = m->n_pushed;
}

static void push_serial(struct held *h, struct model *m, int64_t meter, unsigned which)
{
	char serial[2] = {(char)('A' + which), '\0'};
	const char *before = held_find_serial(h, meter);

	if (before == NULL || strcmp(before, serial) != 0) {
		m->serials[m->n_serials].meter = meter;
		m->serials[m->n_serials++].at = m->n_pushed;
	}
	held_push_serial(h, meter, serial);
	require(strcmp(held_find_serial(h, meter), serial) == 0);
}

static void check(const struct held *h, const struct model *m)
{
	struct held_cursor c = {0};
	struct reading r;
	int64_t last = 0, newest[METERS] = {0};
	size_t n = 0, n_serials = 0;
	bool more;

	do {
		const struct held_serial *serial;

		more = held_next_reading(h, &c, &r);
		while ((serial = held_next_serial(h, &c)) != NULL) {
			require(n_serials < m->n_serials && m->serials[n_serials].meter == serial->meter);
			require(m->serials[n_serials].at >= last);
			require(!more || m->serials[n_serials].at < r.slot_s);
			n_serials++;
		}
		if (!more)
			break;
		require(r.slot_s > last && r.slot_s <= m->n_pushed);
		require(r.quality == (enum reading_quality)(r.meter % 4));
		last = r.slot_s;
		if (reading_has(&r, Q_ACTIVE_ENERGY_IMPORT)) {
			require(r.values[Q_ACTIVE_ENERGY_IMPORT] == r.slot_s);
			newest[r.meter] = r.slot_s;
		}
		n++;
	} while (more);
	require(n == h->n_readings && n + h->n_dropped == (size_t)m->n_pushed);
	require(memcmp(newest, m->newest, sizeof(newest)) == 0);
	require(n_serials == m->n_serials);
	require(h->n_events == m->n_events);
}

/* Roll a commit back, or write it. */
static void commit(struct held *h, struct model *m, bool is_written)
{
	held_begin(h);
	held_push_event(h, 0, "meter", "rollover", "");
	if (is_written) {
		held_written(h);
		memset(m, 0, sizeof(*m));
	} else {
		held_undo(h);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct held h, other;
	struct model m = {.n_pushed = 0};

	held_init(&h, ROOM);
	held_init(&other, ROOM);
	for (size_t i = 0; i < n && i < STEPS_MAX; i++) {
		enum step step = (enum step)(data[i] >> 5);
		unsigned low = data[i] & 31;

		switch (step) {
		case COUNTER:
		case POWER:
		case BOTH:
		case ALL:
			push_reading(&h, &m, step, low % METERS);
			break;
		case SERIAL:
			push_serial(&h, &m, low % METERS, low / METERS);
			break;
		case EVENT:
			held_push_event(&h, low, "meter", "meter-up", "up");
			m.n_events++;
			break;
		case COMMIT:
			commit(&h, &m, low < 4);
			break;
		case MOVE:
			held_move(&other, &h);
			require(held_is_empty(&h));
			held_move(&h, &other);
			break;
		}
		if (i % 8 == 0 || step >= COMMIT)
			check(&h, &m);
	}
	check(&h, &m);
	held_fini(&other);
	held_fini(&h);
	return 0;
}
