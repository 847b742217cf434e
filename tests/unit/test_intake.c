/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include "mono.h"
#include "store_site.h"
#include "unit.h"

/* A reading of "press" in the slot of T. */
static struct reading reading_of(const struct site *t, enum reading_quality quality)
{
	struct reading r = {.meter = store_meter_id(t->store, "press"), .slot_s = T, .quality = quality};

	reading_set(&r, Q_ACTIVE_POWER, 600000);
	return r;
}

static void report(struct intake *in, const struct reading *r)
{
	struct poller_sink sink = intake_sink(in);

	sink.reading(sink.context, r);
}

TEST_WITH(reading_keeps_its_quality_while_the_clock_is_good, setup, teardown)
{
	struct site *t = *state;
	struct reading r = reading_of(t, READING_LATE);
	struct intake in;

	intake_init(&in, t->store, CLOCK_SET);
	assert_true(intake_watch_clock(&in));
	report(&in, &r);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quality FROM power", "late");
}

/* A box without a battery wakes up before the newest reading that it has kept. */
TEST_WITH(reading_is_marked_while_the_clock_is_before_the_newest_one_kept, setup, teardown)
{
	struct site *t = *state;
	struct reading newest = reading_of(t, READING_GOOD), good = newest, suspect = newest;
	struct intake in;

	newest.slot_s = mono_wall_ms() / 1000 + 86400;
	store_reading(t->store, &newest);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	intake_init(&in, t->store, CLOCK_SET);
	assert_false(intake_watch_clock(&in));
	report(&in, &good);
	suspect.slot_s += 60;
	suspect.quality = READING_SUSPECT;
	report(&in, &suspect);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quality FROM power WHERE ts < 1767225700 ORDER BY ts", "unsynchronised\nsuspect");
}

TEST_WITH(event_is_news_until_it_is_forgotten, setup, teardown)
{
	struct site *t = *state;
	struct intake in;
	struct poller_sink sink;

	intake_init(&in, t->store, CLOCK_SET);
	sink = intake_sink(&in);
	assert_false(intake_has_news(&in));
	sink.event(sink.context, T * 1000, "press", "meter-up", "up");
	assert_true(intake_has_news(&in));
	intake_forget_news(&in);
	assert_false(intake_has_news(&in));
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT subject, kind, detail FROM event", "press|meter-up|up");
}

/* The buses bring their last answers after the store could not be reopened. */
TEST_WITH(without_a_store_everything_is_lost_in_peace, setup, teardown)
{
	struct site *t = *state;
	struct reading r = reading_of(t, READING_GOOD);
	struct intake in;
	struct poller_sink sink;

	intake_init(&in, t->store, CLOCK_SET);
	intake_set_store(&in, NULL);
	sink = intake_sink(&in);
	sink.reading(sink.context, &r);
	sink.event(sink.context, T * 1000, "press", "meter-up", "up");
	sink.serial(sink.context, r.meter, "1234");
	sink.meter_status(sink.context, r.meter, &(struct meter_status){.state = "up"});
	sink.bus_status(sink.context, "hall", &(struct bus_status){.state = "up"});
	assert_true(sink.plausible(sink.context, &r));
	assert_true(sink.is_known_serial(sink.context, r.meter, "1234"));
	assert_int_equal(sink.meter_id(sink.context, "press"), -1);
	assert_true(store_pending(t->store) == 0);
}

UNIT_MAIN(NULL, NULL)
