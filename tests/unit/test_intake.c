/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include "mono.h"
#include "refuse_writes.h"
#include "store_site.h"
#include "unit.h"

/* The clocks, which the linker puts in place of the computer's; 0 = they are that. */
static int64_t wall_ms, passed_ms;

int64_t __real_mono_wall_ms(void);
int64_t __real_mono_us(void);
int64_t __wrap_mono_wall_ms(void);
int64_t __wrap_mono_us(void);

int64_t __wrap_mono_wall_ms(void)
{
	return wall_ms != 0 ? wall_ms + passed_ms : __real_mono_wall_ms();
}

int64_t __wrap_mono_us(void)
{
	return wall_ms != 0 ? 1000 * passed_ms + 1 : __real_mono_us();
}

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
	wall_ms = passed_ms = 0;
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

static const char *const set_back = "SELECT at_ms - 1767225600000, back_ms FROM clock_back ORDER BY at_ms";

/* The program starts when the clock shows so much after T, and then looks at it so much later. The newest reading is of
 * an hour after T. */
static void begin_at(struct site *t, struct intake *in, int64_t at_s, int64_t passed_s)
{
	hold(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_COUNT);
	hold(t, "press", T + 3600, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(6000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	wall_ms = 1000 * (T + at_s);
	begin(t, in);
	intake_watch_clock(in);
	passed_ms = 1000 * passed_s;
}

TEST_WITH(a_clock_that_was_set_back_while_nobody_watched_is_known_when_it_passes_the_newest_reading, setup,
	  teardown_writer)
{
	struct site *t = *state;
	struct intake in;

	begin_at(t, &in, 600, 2900);
	assert_false(intake_watch_clock(&in));
	assert_rows(t, set_back, "");
	passed_ms = 3060000;
	assert_true(intake_watch_clock(&in));
	assert_true(intake_watch_clock(&in));
	hold(t, "press", T + 3660, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, set_back, "3600120|3000120");
}

TEST_WITH(a_clock_that_is_set_on_again_was_not_set_back, setup, teardown_writer)
{
	struct site *t = *state;
	struct intake in;

	begin_at(t, &in, 600, 100);
	wall_ms += 4000000;
	assert_true(intake_watch_clock(&in));
	hold(t, "press", T + 4800, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, set_back, "");
}

/* While it ran the program saw it, and was then started again. */
TEST_WITH(a_clock_that_is_known_to_have_been_set_back_counts_once, setup, teardown_writer)
{
	struct site *t = *state;
	struct intake in;

	store_clock_back(t->store, 1000 * (T + 3601), 2000000);
	begin_at(t, &in, 600, 3060);
	assert_true(intake_watch_clock(&in));
	hold(t, "press", T + 3660, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7000), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, set_back, "3601000|2000000\n3601001|1000120");
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
