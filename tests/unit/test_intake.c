/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include "mono.h"
#include "refuse_writes.h"
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

static struct store_writer *writer;

static void ignore(void *context)
{
	(void)context;
}

/* Commits are made by the tests themselves, while the thread has nothing to do. */
static void begin(struct site *t, struct intake *in)
{
	writer = store_writer_new(t->store, ignore, NULL);
	assert_non_null(writer);
	intake_init(in, writer, CLOCK_SET);
}

static int teardown_writer(void **state)
{
	struct site *t = *state;

	t->store = store_writer_end(writer);
	return teardown(state);
}

static int setup_refusing(void **state)
{
	refuse_install();
	return setup(state);
}

TEST_WITH(a_reading_keeps_its_quality_while_the_clock_is_good, setup, teardown_writer)
{
	struct site *t = *state;
	struct reading r = reading_of(t, READING_LATE);
	struct intake in;

	begin(t, &in);
	assert_true(intake_watch_clock(&in));
	report(&in, &r);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quality FROM power", "late");
}

/* A computer without a battery starts with a time before the newest reading that is stored. */
TEST_WITH(a_reading_is_marked_while_the_clock_is_before_the_newest_one_kept, setup, teardown_writer)
{
	struct site *t = *state;
	struct reading newest = reading_of(t, READING_GOOD), good = newest, suspect = newest;
	struct intake in;

	newest.slot_s = mono_wall_ms() / 1000 + 86400;
	store_reading(t->store, &newest);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	begin(t, &in);
	assert_false(intake_watch_clock(&in));
	report(&in, &good);
	suspect.slot_s += 60;
	suspect.quality = READING_SUSPECT;
	report(&in, &suspect);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT quality FROM power WHERE ts < 1767225700 ORDER BY ts", "unsynchronised\nsuspect");
}

TEST_WITH(an_event_is_news_until_it_is_forgotten, setup, teardown_writer)
{
	struct site *t = *state;
	struct intake in;
	struct poller_sink sink;

	begin(t, &in);
	sink = intake_sink(&in);
	assert_false(intake_has_news(&in));
	sink.event(sink.context, T * 1000, "press", "meter-up", "up");
	assert_true(intake_has_news(&in));
	intake_forget_news(&in);
	assert_false(intake_has_news(&in));
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT subject, kind, detail FROM event", "press|meter-up|up");
}

static bool is_plausible(const struct poller_sink *sink, const struct site *t, int64_t at_s, int64_t wh)
{
	struct reading r = {.meter = store_meter_id(t->store, "press"), .slot_s = T + at_s, .quality = READING_GOOD};

	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, wh);
	return sink->judge(sink->context, &r, -1) == READING_FOLLOWS;
}

TEST_WITH(a_reading_is_judged_by_the_last_committed_state, setup, teardown_writer)
{
	struct site *t = *state;
	struct intake in;
	struct poller_sink sink;

	begin(t, &in);
	sink = intake_sink(&in);
	assert_true(is_plausible(&sink, t, 0, 5000));
	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_COUNT);
	assert_true(is_plausible(&sink, t, 60, 4000));
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_false(is_plausible(&sink, t, 60, 4000));
	assert_true(is_plausible(&sink, t, 60, 5010));
	/* waiting readings are not counted yet */
	hold(t, "press", T + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6000), Q_COUNT);
	assert_true(is_plausible(&sink, t, 120, 5020));
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_false(is_plausible(&sink, t, 120, 5020));
}

TEST_WITH(a_reading_is_not_judged_by_a_commit_that_failed, setup_refusing, teardown_writer)
{
	struct site *t = *state;
	struct intake in;
	struct poller_sink sink;

	begin(t, &in);
	sink = intake_sink(&in);
	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	hold(t, "press", T + 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6000), Q_COUNT);
	refuse.with = SQLITE_FULL;
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	assert_true(is_plausible(&sink, t, 120, 5020));
	refuse.with = 0;
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_false(is_plausible(&sink, t, 120, 5020));
}

TEST_WITH(the_count_of_an_input_is_judged_with_the_meter_that_counts_its_pulses, setup, teardown_writer)
{
	struct site *t = *state;
	struct intake in;
	struct poller_sink sink;
	struct reading r = {.meter = store_meter_id(t->store, "pulses"), .slot_s = T + 60};

	begin(t, &in);
	sink = intake_sink(&in);
	hold(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(500), Q_PULSES_2, INT64_C(70), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	reading_set(&r, Q_PULSES_1, 501);
	assert_true(sink.judge(sink.context, &r, -1) == READING_FOLLOWS);
	reading_set(&r, Q_PULSES_2, 3);
	assert_false(sink.judge(sink.context, &r, -1) == READING_FOLLOWS);
}

TEST_WITH(a_serial_number_is_known_from_its_report_on_and_after_a_restart, setup, teardown_writer)
{
	struct site *t = *state;
	int64_t id = store_meter_id(t->store, "press");
	struct intake in;
	struct poller_sink sink;

	begin(t, &in);
	sink = intake_sink(&in);
	assert_false(sink.is_known_serial(sink.context, id, "0123"));
	sink.serial(sink.context, id, "0123");
	assert_true(sink.is_known_serial(sink.context, id, "0123"));
	assert_false(sink.is_known_serial(sink.context, id, "4567"));
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_false(sink.is_known_serial(sink.context, id, "4567"));
	store_close(store_writer_end(writer));
	open_store(t);
	begin(t, &in);
	assert_true(sink.is_known_serial(sink.context, id, "0123"));
	assert_false(sink.is_known_serial(sink.context, id, "4567"));
}

UNIT_MAIN(NULL, NULL)
