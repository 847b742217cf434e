/* SPDX-License-Identifier: MIT */
/* The thread that writes: what comes in while it works is neither lost nor in another order, and nobody waits. */
#include "store_writer.h"

#include "ledger_copy.h"
#include "store_site.h"

static void ignore(void *context)
{
	(void)context;
}

struct desk {
	struct site *t;
	struct store_writer *w;
	sqlite3 *other; /* another program's connection */
};

static struct desk desk;

static int set_up_desk(void **state)
{
	int rc = setup(state);

	if (rc != 0)
		return rc;
	desk.t = *state;
	desk.w = store_writer_new(desk.t->store, ignore, NULL);
	desk.t->store = NULL;
	return sqlite3_open(desk.t->path, &desk.other) == SQLITE_OK && desk.w != NULL ? 0 : -1;
}

static int tear_down_desk(void **state)
{
	sqlite3_close(desk.other);
	desk.t->store = store_writer_end(desk.w);
	return teardown(state);
}

/* While another program holds the lock a commit waits in the thread. */
static void lock(void)
{
	assert_int_equal(sqlite3_exec(desk.other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void unlock(void)
{
	assert_int_equal(sqlite3_exec(desk.other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
}

static void read_press(int64_t at_s, int64_t wh)
{
	struct reading r = {
		.meter = store_writer_meter_id(desk.w, "press"), .slot_s = T + at_s, .quality = READING_GOOD};

	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, wh);
	store_writer_reading(desk.w, &r);
}

static struct store_result take(void)
{
	struct store_result r;

	store_writer_wait(desk.w);
	assert_true(store_writer_take(desk.w, &r));
	return r;
}

static enum store_commit write_all(void)
{
	store_writer_start(desk.w, STORE_JOB_COMMIT, NULL);
	return take().outcome;
}

TEST_WITH(a_commit_is_made_beside_the_caller, set_up_desk, tear_down_desk)
{
	struct store_result r;

	read_press(0, 5000);
	lock();
	store_writer_start(desk.w, STORE_JOB_COMMIT, NULL);
	assert_null(store_writer_store(desk.w));
	read_press(60, 5010);
	store_writer_event(desk.w, T * 1000, "press", "meter-up", "up");
	unlock();
	r = take();
	assert_int_equal(r.outcome, STORE_WRITTEN);
	assert_int_equal(r.n_pending, 1);
	assert_non_null(store_writer_store(desk.w));
	assert_rows(desk.t, "SELECT active_import_wh FROM energy", "5000");
	assert_rows(desk.t, "SELECT count(*) FROM event", "0");
	assert_int_equal(write_all(), STORE_WRITTEN);
	assert_rows(desk.t, "SELECT active_import_wh FROM energy ORDER BY ts", "5000\n5010");
	assert_rows(desk.t, "SELECT subject, kind FROM event", "press|meter-up");
}

TEST_WITH(there_is_no_result_while_no_job_was_given, set_up_desk, tear_down_desk)
{
	struct store_result r;

	assert_false(store_writer_take(desk.w, &r));
	assert_int_equal(store_writer_busy_ms(desk.w), 0);
}

/* The serial number is between the readings, so that the second is another meter's. */
TEST_WITH(what_came_in_during_a_commit_that_failed_keeps_its_order, set_up_desk, tear_down_desk)
{
	int64_t press = store_writer_meter_id(desk.w, "press");

	store_writer_serial(desk.w, press, "0001");
	read_press(0, 5000);
	assert_int_equal(write_all(), STORE_WRITTEN);
	read_press(60, 5010);
	lock();
	store_writer_start(desk.w, STORE_JOB_COMMIT, NULL);
	read_press(120, 5020);
	store_writer_serial(desk.w, press, "0002");
	read_press(180, 70);
	assert_int_equal(take().outcome, STORE_FAILED);
	unlock();
	assert_int_equal(write_all(), STORE_WRITTEN);
	assert_rows(desk.t, "SELECT active_import_wh FROM energy ORDER BY ts", "5000\n5010\n5020\n70");
	assert_rows(desk.t, "SELECT kind FROM event WHERE kind <> 'gap' AND subject = 'press'",
		    "meter-replaced\nnew-life");
}

TEST_WITH(a_question_is_answered_by_the_last_commit_while_the_next_one_runs, set_up_desk, tear_down_desk)
{
	struct reading falls = {.meter = store_writer_meter_id(desk.w, "press"), .slot_s = T + 120};

	reading_set(&falls, Q_ACTIVE_ENERGY_IMPORT, 4000);
	read_press(0, 5000);
	assert_int_equal(write_all(), STORE_WRITTEN);
	read_press(60, 3000);
	lock();
	store_writer_start(desk.w, STORE_JOB_COMMIT, NULL);
	assert_int_equal(ledger_copy_judge(store_writer_copy(desk.w), &falls, -1), READING_IS_UNLIKELY);
	unlock();
	take();
	assert_int_equal(ledger_copy_judge(store_writer_copy(desk.w), &falls, -1), READING_IS_UNLIKELY);
}

TEST_WITH(a_serial_number_is_known_from_its_report_on, set_up_desk, tear_down_desk)
{
	int64_t press = store_writer_meter_id(desk.w, "press");

	assert_null(store_writer_serial_said(desk.w, press));
	lock();
	store_writer_start(desk.w, STORE_JOB_COMMIT, NULL);
	store_writer_serial(desk.w, press, "0001");
	assert_string_equal(store_writer_serial_said(desk.w, press), "0001");
	unlock();
	take();
	assert_string_equal(store_writer_serial_said(desk.w, press), "0001");
}

TEST_WITH(names_are_those_of_the_last_configuration, set_up_desk, tear_down_desk)
{
	int64_t press = store_writer_meter_id(desk.w, "press");
	struct err e = {0};

	strcpy(desk.t->meters[0].name, "lathe");
	assert_int_equal(store_writer_configure(desk.w, &desk.t->conf, &e), 0);
	assert_int_equal(store_writer_meter_id(desk.w, "press"), -1);
	assert_int_not_equal(store_writer_meter_id(desk.w, "lathe"), -1);
	assert_int_not_equal(store_writer_meter_id(desk.w, "lathe"), press);
}

TEST_WITH(readings_that_come_while_a_database_is_opened_again_are_kept, set_up_desk, tear_down_desk)
{
	int64_t press = store_writer_meter_id(desk.w, "press");
	struct store_result r;

	read_press(0, 5000);
	store_writer_start(desk.w, STORE_JOB_REOPEN, &desk.t->conf);
	assert_null(store_writer_copy(desk.w));
	read_press(60, 5010);
	r = take();
	assert_int_equal(r.rc, 0);
	err_fini(&r.e);
	assert_int_equal(store_writer_meter_id(desk.w, "press"), press);
	assert_int_equal(write_all(), STORE_WRITTEN);
	assert_rows(desk.t, "SELECT active_import_wh FROM energy ORDER BY ts", "5000\n5010");
}

TEST_WITH(what_comes_in_while_the_database_cannot_be_opened_waits, set_up_desk, tear_down_desk)
{
	struct store_result r;
	char away[128];

	read_press(0, 5000);
	snprintf(away, sizeof(away), "%s/away/t.db", desk.t->dir);
	desk.t->conf.store_path = away;
	store_writer_start(desk.w, STORE_JOB_REOPEN, &desk.t->conf);
	r = take();
	assert_true(r.rc < 0);
	err_fini(&r.e);
	desk.t->conf.store_path = desk.t->path;
	assert_non_null(store_writer_copy(desk.w));
	read_press(60, 5010);
	store_writer_event(desk.w, T * 1000, "press", "meter-up", "up");
	assert_int_equal(write_all(), STORE_STUCK);
	store_writer_start(desk.w, STORE_JOB_REOPEN, &desk.t->conf);
	r = take();
	assert_int_equal(r.rc, 0);
	err_fini(&r.e);
	assert_int_equal(write_all(), STORE_WRITTEN);
	assert_rows(desk.t, "SELECT active_import_wh FROM energy ORDER BY ts", "5000\n5010");
	assert_rows(desk.t, "SELECT kind FROM event WHERE subject = 'press'", "meter-up");
}

UNIT_MAIN(NULL, NULL)
