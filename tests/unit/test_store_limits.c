/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "driver.h"
#include "held.h"
#include "log.h"
#include "refuse_writes.h"
#include "store_site.h"
#include "unit.h"

static char warnings[4096];

static void remember(enum log_level level, const char *line)
{
	(void)level;
	strncat(warnings, line, sizeof(warnings) - strlen(warnings) - 1);
}

static int setup_limits(void **state)
{
	warnings[0] = '\0';
	log_set_sink(remember);
	refuse_install();
	return setup(state);
}

/* Readings that wait take this many bytes. */
static void set_room(struct site *t, size_t held_bytes)
{
	struct store_bounds bounds = store_bounds_default();

	bounds.held_bytes = held_bytes;
	store_set_bounds(t->store, &bounds);
}

static sqlite3 *lock(const struct site *t)
{
	sqlite3 *other;

	assert_int_equal(sqlite3_open(t->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return other;
}

TEST_WITH(powers_are_dropped_before_counters, setup_limits, teardown)
{
	struct site *t = *state;
	sqlite3 *other;

	set_room(t, 52 << 10);
	other = lock(t);
	for (int i = 0; i < 800; i++)
		hold(t, "press", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, (int64_t)i, Q_ACTIVE_POWER,
		     INT64_C(600000), Q_VOLTAGE_L1, INT64_C(230000), Q_VOLTAGE_L2, INT64_C(230000), Q_CURRENT_L1,
		     INT64_C(900), Q_CURRENT_L2, INT64_C(900), Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	sqlite3_close(other);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*), min(ts), max(ts) FROM energy", "800|1767225600|1767273540");
	assert_true(strtol(rows(t, "SELECT count(*) FROM power"), NULL, 10) < 200);
}

TEST_WITH(the_newest_counters_always_stay_and_the_loss_is_reported, setup_limits, teardown)
{
	struct site *t = *state;
	sqlite3 *other;

	hold_minutes(t, 0, 0);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	set_room(t, 16 << 10);
	other = lock(t);
	hold_minutes(t, 1, 20000);
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	sqlite3_close(other);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_int_equal(store_pending(t->store), 0);
	assert_rows(t, "SELECT max(ts), active_import_kwh FROM energy", "1768425600|81434.0");
	/* nothing that passed is missing from the account, up to the last whole quarter of an hour */
	assert_rows(t, "SELECT round(sum(value) * 1000) FROM interval WHERE quantity = 'active_energy_import'",
		    "199950.0");
	assert_rows(t, "SELECT subject, kind FROM event WHERE kind = 'gap' AND subject = 'tallyd'", "tallyd|gap");
	assert_non_null(strstr(rows(t, "SELECT detail FROM event WHERE kind = 'gap'"), "readings and 0 events"));
	assert_non_null(strstr(warnings, "dropping powers"));
	/* once */
	hold_minutes(t, 20001, 20001);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT kind FROM event WHERE subject = 'tallyd'", "database-stopped\ndatabase-writes\ngap");
}

static int count_warnings(const char *text)
{
	int n = 0;

	for (const char *at = warnings; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

TEST_WITH(readings_that_are_thinned_out_during_a_commit_are_reported_once, setup_limits, teardown)
{
	struct site *t = *state;
	struct held inbox;

	for (int i = 0; i < 3; i++) {
		held_init(&inbox, 4 << 10);
		for (int minute = 0; minute < 500; minute++) {
			struct reading r = {.meter = store_meter_id(t->store, "press"),
					    .slot_s = T + 60 * (500 * i + minute)};

			reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, 500 * i + minute);
			held_push_reading(&inbox, &r);
		}
		store_take_held(t->store, &inbox);
		assert_int_equal(count_warnings("dropping powers"), i < 2 ? 1 : 2);
		if (i == 1)
			commit_all(t);
	}
}

/* Each error of a disk, and the message for it. */
TEST_WITH(readings_wait_for_a_disk_that_refuses_them, setup_limits, teardown)
{
	struct site *t = *state;
	static const struct {
		int code;
		const char *error;
	} disks[] = {
		{SQLITE_FULL, "is full"}, {SQLITE_IOERR_WRITE, "I/O error"}, {SQLITE_READONLY, "readonly database"}};
	char sql[200];

	for (int i = 0; i < 3; i++) {
		hold_minutes(t, 20 * i, 20 * i + 9);
		refuse.with = disks[i].code;
		assert_int_equal(store_commit(t->store), STORE_FAILED);
		assert_non_null(strstr(store_error(t->store), disks[i].error));
		hold_minutes(t, 20 * i + 10, 20 * i + 19);
		assert_int_equal(store_commit(t->store), STORE_FAILED);
		assert_non_null(strstr(store_error(t->store), disks[i].error));
		assert_int_equal(store_pending(t->store), 20);
		refuse.with = 0;
		assert_int_equal(store_commit(t->store), STORE_WRITTEN);
		assert_int_equal(store_pending(t->store), 0);
		snprintf(sql, sizeof(sql),
			 "SELECT kind, detail LIKE '%%%s%%' FROM event ORDER BY rowid LIMIT 1 OFFSET %d",
			 disks[i].error, 2 * i);
		assert_rows(t, sql, "database-stopped|1");
	}
	assert_rows(t, "SELECT count(*), count(DISTINCT ts), min(ts), max(ts) FROM energy",
		    "60|60|1767225600|1767229140");
	assert_rows(t, "SELECT round(sum(value) * 1000) FROM interval WHERE quantity = 'active_energy_import'",
		    "450.0");
	assert_rows(t, "SELECT kind, count(*) FROM event GROUP BY 1", "database-stopped|3\ndatabase-writes|3");
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'database-writes' LIMIT 1",
		    "after 0 s; 20 readings waited in memory");
	assert_rows(t, "PRAGMA integrity_check", "ok");
}

TEST_WITH(damage_found_while_running_loses_no_waiting_reading, setup_limits, teardown)
{
	struct site *t = *state;
	int64_t press = store_meter_id(t->store, "press");

	hold_minutes(t, 0, 99);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	hold_minutes(t, 100, 119);
	store_event(t->store, T * 1000, "press", "meter-down", "x");
	refuse.with = SQLITE_CORRUPT;
	assert_int_equal(store_commit(t->store), STORE_DAMAGED);
	refuse.with = 0;
	assert_int_equal(store_reopen(&t->store, &t->conf, &t->e), 0);
	assert_int_equal(store_meter_id(t->store, "press"), press);
	assert_int_equal(store_pending(t->store), 20);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "120|1767232740");
	assert_rows(t, "SELECT kind FROM event WHERE subject = 'press'", "meter-down");
	assert_true(strtol(rows(t, "SELECT count(*) FROM event WHERE kind = 'database-recovered'"), NULL, 10) > 0);
	assert_rows(t, "SELECT round(sum(value) * 1000) FROM interval WHERE quantity = 'active_energy_import'",
		    "1050.0");
	/* the note for the next start is gone */
	store_close(t->store);
	open_store(t);
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "120|1767232740");
}

TEST_WITH(every_meter_keeps_its_newest_counters, setup_limits, teardown)
{
	struct site *t = *state;
	sqlite3 *other;

	set_room(t, 8 << 10);
	other = lock(t);
	hold(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(77), Q_COUNT);
	hold_minutes(t, 0, 5000);
	sqlite3_close(other);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT pulses FROM pulse WHERE meter = 'lighting'", "77");
	assert_rows(t, "SELECT max(ts) FROM energy WHERE meter = 'press'", "1767525600");
}

TEST_WITH(a_serial_number_keeps_its_place_among_the_waiting_readings, setup_limits, teardown)
{
	struct site *t = *state;
	int64_t id = store_meter_id(t->store, "press");

	store_meter_serial(t->store, id, "1111");
	hold_minutes(t, 0, 0);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	set_room(t, 16 << 10);
	hold_minutes(t, 1, 1000);
	store_meter_serial(t->store, id, "2222");
	for (int i = 1001; i <= 2000; i++)
		hold(t, "press", T + i * 60, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000) + i, Q_COUNT);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'meter-replaced'", "1");
	assert_rows(t, "SELECT count(*) FROM energy WHERE quality = 'suspect'", "0");
	assert_rows(t, "SELECT serial FROM meter_status WHERE meter = 'press'", "2222");
}

TEST_WITH(the_number_of_waiting_events_is_bounded, setup_limits, teardown)
{
	struct site *t = *state;
	sqlite3 *other = lock(t);

	for (int i = 0; i < HELD_EVENTS_MAX + 10; i++)
		store_event(t->store, T * 1000 + i, "press", "meter-down", "x");
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	sqlite3_close(other);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_non_null(strstr(rows(t, "SELECT detail FROM event WHERE kind = 'gap'"), "10 events"));
}

/* Another program, python3, that begins to read and then sleeps. */
static pid_t start_reader(const struct site *t)
{
	char script[400];
	int ready[2];
	pid_t pid;
	char c;

	snprintf(script, sizeof(script),
		 "import sqlite3, sys, time\n"
		 "d = sqlite3.connect('%s', isolation_level=None)\n"
		 "d.execute('BEGIN')\n"
		 "d.execute('SELECT count(*) FROM energy').fetchall()\n"
		 "sys.stdout.write('r'); sys.stdout.flush()\n"
		 "time.sleep(600)\n",
		 t->path);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], STDOUT_FILENO);
		close(ready[0]);
		execlp("python3", "python3", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static off_t log_size(const struct site *t)
{
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", t->path);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

TEST_WITH(a_reader_that_sleeps_cannot_grow_the_wal, setup_limits, teardown)
{
	struct site *t = *state;
	char who[40];
	enum store_commit outcome = STORE_WRITTEN;
	int minute = 0, refused = 0;
	pid_t reader;
	/* no commit waits for the previous one */
	const struct store_bounds bounds = {.held_bytes = HELD_READINGS_BYTES,
					    .wal_soft_bytes = 1 << 20,
					    .wal_hard_bytes = 2 << 20,
					    .wal_seldom_s = 0};

	store_set_bounds(t->store, &bounds);
	hold_minutes(t, 0, 0);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	reader = start_reader(t);
	for (int i = 0; i < 400; i++) {
		hold_minutes(t, minute + 1, minute + 100);
		minute += 100;
		outcome = store_commit(t->store);
		refused += outcome == STORE_FAILED;
		assert_true(log_size(t) < 3 << 20);
	}
	assert_int_equal(outcome, STORE_FAILED);
	assert_true(refused > 10);
	snprintf(who, sizeof(who), "process %ld (python3)", (long)reader);
	assert_non_null(strstr(store_error(t->store), who));
	assert_non_null(strstr(warnings, who));
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_int_equal(store_pending(t->store), 0);
	assert_rows(t, "SELECT count(*) FROM energy", "40001");
	assert_non_null(strstr(warnings, "short again"));
}

TEST_WITH(a_reader_that_keeps_the_wal_long_makes_commits_rare, setup_limits, teardown)
{
	struct site *t = *state;
	struct store_bounds bounds = store_bounds_default();
	pid_t reader;

	hold_minutes(t, 0, 0);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	bounds.wal_soft_bytes = 1;
	store_set_bounds(t->store, &bounds);
	reader = start_reader(t);
	hold_minutes(t, 1, 1);
	/* the reader uses the newest frames: the whole WAL can be checkpointed but not restarted */
	assert_int_equal(store_commit(t->store), STORE_POSTPONED);
	assert_int_equal(store_pending(t->store), 1);
	/* as if the previous commit were that long ago */
	bounds.wal_seldom_s = 0;
	store_set_bounds(t->store, &bounds);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_int_equal(store_pending(t->store), 0);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
}

/* A lock and a full disk end by themselves. */
TEST_WITH(a_database_that_fails_for_minutes_is_opened_again, setup_limits, teardown)
{
	struct site *t = *state;
	struct store_bounds bounds = store_bounds_default();
	sqlite3 *other;

	bounds.reopen_after_s = 0;
	store_set_bounds(t->store, &bounds);
	hold_minutes(t, 0, 9);
	refuse.with = SQLITE_FULL;
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	refuse.with = 0;
	other = lock(t);
	assert_int_equal(store_commit(t->store), STORE_FAILED);
	sqlite3_close(other);
	refuse.with = SQLITE_IOERR_WRITE;
	assert_int_equal(store_commit(t->store), STORE_STUCK);
	refuse.with = 0;
	assert_int_equal(store_reopen(&t->store, &t->conf, &t->e), 0);
	assert_int_equal(store_pending(t->store), 10);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "10|1767226140");
	assert_rows(t, "SELECT kind, detail LIKE '%is full%' FROM event", "database-stopped|1\ndatabase-writes|0");
}

TEST_WITH(a_database_that_cannot_be_opened_again_loses_nothing_that_waits, setup_limits, teardown)
{
	struct site *t = *state;
	struct store_bounds bounds = store_bounds_default();
	int64_t press = store_meter_id(t->store, "press");
	char away[128];

	bounds.reopen_after_s = 0;
	store_set_bounds(t->store, &bounds);
	hold_minutes(t, 0, 9);
	refuse.with = SQLITE_IOERR_WRITE;
	assert_int_equal(store_commit(t->store), STORE_STUCK);
	refuse.with = 0;
	snprintf(away, sizeof(away), "%.60s-away", t->dir);
	assert_int_equal(rename(t->dir, away), 0);
	assert_true(store_reopen(&t->store, &t->conf, &t->e) < 0);
	assert_int_equal(t->e.n_errors, 1);
	err_fini(&t->e);
	/* it is asked and fed as before */
	assert_int_equal(store_meter_id(t->store, "press"), press);
	assert_non_null(store_ledger_copy(t->store));
	hold_minutes(t, 10, 19);
	store_event(t->store, T * 1000, "press", "meter-down", "x");
	store_clock_back(t->store, T * 1000, 1);
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), -EBUSY);
	err_fini(&t->e);
	assert_int_equal(store_commit(t->store), STORE_STUCK);
	assert_int_equal(store_pending(t->store), 20);
	assert_int_equal(rename(away, t->dir), 0);
	assert_int_equal(store_reopen(&t->store, &t->conf, &t->e), 0);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "20|1767226740");
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'meter-down'", "1");
}

TEST_WITH(what_is_held_goes_into_a_database_that_was_only_moved, setup_limits, teardown)
{
	struct site *t = *state, old = *t;

	hold_minutes(t, 0, 9);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	snprintf(old.path, sizeof(old.path), "%.60s/old.db", t->dir);
	assert_int_equal(rename(t->path, old.path), 0);
	hold_minutes(t, 10, 19);
	assert_int_equal(store_commit(t->store), STORE_AWAY);
	assert_non_null(strstr(store_error(t->store), "t.db was moved to "));
	assert_int_equal(store_commit(t->store), STORE_AWAY);
	assert_int_equal(store_close(t->store), -ENOENT);
	t->store = NULL;
	assert_int_equal(log_size(t), 0);
	assert_rows(&old, "SELECT count(*), max(ts) FROM energy", "20|1767226740");
	assert_rows(&old, "SELECT kind FROM event", "database-away");
	assert_non_null(strstr(warnings, "t.db was moved to "));
	/* the next start makes a new file and says why */
	open_store(t);
	commit_all(t);
	assert_rows(t, "SELECT count(*) FROM energy", "0");
	assert_rows(t, "SELECT kind, detail LIKE '%t.db is not there any more; a new one was made%' FROM event",
		    "database-away|1");
}

/* Ten minutes in a copy, ten more in the database, and the copy written over it: same file, other bytes. */
static void overwrite(struct site *t)
{
	char command[400], copy[128];

	hold_minutes(t, 0, 9);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	snprintf(copy, sizeof(copy), "%.60s/copy.db", t->dir);
	snprintf(command, sizeof(command), "VACUUM INTO '%s'", copy);
	rows(t, command);
	hold_minutes(t, 10, 19);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_true(log_size(t) > 0);
	snprintf(command, sizeof(command), "cp %s %s", copy, t->path);
	assert_int_equal(system(command), 0);
	hold_minutes(t, 20, 29);
}

static void assert_copy_goes_on(struct site *t)
{
	open_store(t);
	commit_all(t);
	assert_rows(t, "PRAGMA integrity_check", "ok");
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "10|1767226140");
	assert_rows(
		t,
		"SELECT kind, detail LIKE '%t.db was overwritten by another program while tallyd had it open; commits "
		"of before that are kept as %.damaged-%-wal' FROM event",
		"database-away|1");
	hold_minutes(t, 30, 39);
	commit_all(t);
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "20|1767227940");
	/* it is said once */
	store_close(t->store);
	open_store(t);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'database-away'", "1");
}

TEST_WITH(a_copy_that_is_written_over_the_database_is_never_mixed_with_it, setup_limits, teardown)
{
	struct site *t = *state;
	char pattern[128];
	glob_t found;

	overwrite(t);
	assert_int_equal(store_commit(t->store), STORE_AWAY);
	assert_non_null(strstr(store_error(t->store), "t.db was overwritten by another program, as cp does"));
	assert_int_equal(store_commit(t->store), STORE_AWAY);
	warnings[0] = '\0';
	assert_int_equal(store_close(t->store), -EIO);
	t->store = NULL;
	assert_non_null(strstr(warnings, "10 readings are lost"));
	/* who opens it now sees the copy alone */
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "10|1767226140");
	snprintf(pattern, sizeof(pattern), "%s.damaged-*-wal", t->path);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 1);
	globfree(&found);
	assert_copy_goes_on(t);
}

TEST_WITH(a_reload_writes_nothing_into_a_copy_that_was_written_over_the_database, setup_limits, teardown)
{
	struct site *t = *state;

	overwrite(t);
	assert_int_equal(store_configure(t->store, &t->conf, &t->e), -ENOENT);
	assert_non_null(strstr(t->e.items[0].text, "the database is not what it was"));
	err_fini(&t->e);
	assert_int_equal(store_commit(t->store), STORE_AWAY);
	assert_int_equal(store_close(t->store), -EIO);
	assert_copy_goes_on(t);
}

TEST_WITH(a_daemon_that_is_killed_after_a_copy_was_written_over_its_database_mixes_nothing, setup_limits, teardown)
{
	struct site *t = *state;
	pid_t pid;
	int status;

	store_close(t->store);
	pid = fork();
	if (pid == 0) {
		open_store(t);
		overwrite(t);
		_exit(store_commit(t->store) == STORE_AWAY ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_copy_goes_on(t);
}

TEST_WITH(a_copy_in_the_place_of_the_database_is_continued_by_the_next_start, setup_limits, teardown)
{
	struct site *t = *state;
	char sql[200], copy[128];
	sqlite3 *other;

	hold_minutes(t, 0, 9);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	snprintf(copy, sizeof(copy), "%.60s/copy.db", t->dir);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", copy);
	assert_int_equal(sqlite3_open(t->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	hold_minutes(t, 10, 19);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_int_equal(rename(copy, t->path), 0);
	hold_minutes(t, 20, 29);
	assert_int_equal(store_commit(t->store), STORE_AWAY);
	assert_non_null(strstr(store_error(t->store), "t.db was replaced by another file"));
	warnings[0] = '\0';
	assert_int_equal(store_close(t->store), -EIO);
	assert_non_null(strstr(warnings, "10 readings are lost"));
	open_store(t);
	commit_all(t);
	assert_rows(t, "PRAGMA integrity_check", "ok");
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "10|1767226140");
	hold_minutes(t, 30, 39);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "20|1767227940");
}

TEST_WITH(a_database_without_its_wal_has_everything_after_the_end, setup_limits, teardown)
{
	struct site *t = *state;
	char wal[128];

	hold_minutes(t, 0, 9);
	assert_int_equal(store_commit(t->store), STORE_WRITTEN);
	snprintf(wal, sizeof(wal), "%s-wal", t->path);
	unlink(wal);
	hold_minutes(t, 10, 19);
	assert_int_equal(store_commit(t->store), STORE_AWAY);
	assert_non_null(strstr(store_error(t->store), "t.db-wal was moved, removed or replaced"));
	assert_int_equal(store_close(t->store), -ENOENT);
	open_store(t);
	commit_all(t);
	assert_rows(t, "PRAGMA integrity_check", "ok");
	assert_rows(t, "SELECT count(*), max(ts) FROM energy", "20|1767226740");
}

UNIT_MAIN(NULL, NULL)
