/* SPDX-License-Identifier: MIT */
/* The account made again from the readings that are kept, and from what is stored with its time: it is the one that the
 * daemon had. */
#include <stdlib.h>

#include "chance.h"
#include "ledger_site.h"
#include "unit.h"

enum { DAY = 86400, TEXT_MAX = 4 << 20 };

/* All that readings give, but not the intervals that are missing: they are written by the clock. Nor how long a day is
 * in which the zone was changed: it has the hours of both zones, if something was ever written of both. */
static const char *const parts_of_account[] = {
	"SELECT * FROM kept_interval WHERE quality <> 2 ORDER BY ts, meter",
	"SELECT day, meter, quantity, base_value FROM daily WHERE base_value <> 0 ORDER BY day, meter, quantity",
	"SELECT day, meter, measured_s FROM day_energy WHERE measured_s <> 0 ORDER BY day, meter",
	"SELECT month, meter, quantity, base_value FROM monthly WHERE base_value <> 0 ORDER BY month, meter, quantity",
	"SELECT * FROM register ORDER BY day, meter, quantity",
	"SELECT * FROM meter_life ORDER BY meter, quantity, since_ts",
	"SELECT name FROM local_span s WHERE EXISTS (SELECT 1 FROM kept_interval WHERE quality <> 2 AND ts >= "
	"s.from_ts "
	"AND ts < s.until_ts) ORDER BY name",
};

enum { N_PARTS = sizeof(parts_of_account) / sizeof(parts_of_account[0]) };

/* The lines of the account; the caller's to free. */
static char *read_account(const struct site *t)
{
	char *text = malloc(TEXT_MAX);
	size_t n = 0;
	sqlite3 *db;

	assert_non_null(text);
	text[0] = '\0';
	assert_int_equal(sqlite3_open_v2(t->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (size_t i = 0; i < N_PARTS; i++) {
		sqlite3_stmt *get = NULL;

		assert_int_equal(sqlite3_prepare_v2(db, parts_of_account[i], -1, &get, NULL), SQLITE_OK);
		while (sqlite3_step(get) == SQLITE_ROW) {
			n += (size_t)snprintf(text + n, TEXT_MAX - n, "%zu", i);
			for (int c = 0; c < sqlite3_column_count(get); c++) {
				const char *v = (const char *)sqlite3_column_text(get, c);

				n += (size_t)snprintf(text + n, TEXT_MAX - n, "|%s", v != NULL ? v : "");
			}
			n += (size_t)snprintf(text + n, TEXT_MAX - n, "\n");
			assert_true(n < TEXT_MAX);
		}
		sqlite3_finalize(get);
	}
	sqlite3_close(db);
	return text;
}

/* The first line in which they differ, for the reader of a failure. */
static void assert_same_account(const char *was, const char *is)
{
	size_t line = 0, n_was, n_is;

	for (size_t i = 0; was[i] != '\0' && was[i] == is[i]; i++)
		if (was[i] == '\n')
			line = i + 1;
	n_was = strcspn(was + line, "\n");
	n_is = strcspn(is + line, "\n");
	if (strcmp(was, is) != 0)
		fail_msg("\n%.*s\nbecame\n%.*s", (int)n_was, was + line, (int)n_is, is + line);
}

static void assert_rebuilds(struct site *t)
{
	char *was = read_account(t), *is;

	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	is = read_account(t);
	assert_same_account(was, is);
	free(was);
	free(is);
}

TEST_WITH(another_length_of_intervals_is_rebuilt_from_where_it_held, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 2400, 5000);
	t->conf.interval_s = 3600;
	reopen(t);
	run(t, 2460, 8940, 5000);
	t->conf.interval_s = 300;
	configure(t);
	run(t, 9000, 12000, 5000);
	assert_rebuilds(t);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value FROM interval LIMIT 6",
		    "0|900|0.15\n900|900|0.15\n1800|600|0.1\n2400|1200|0.2\n3600|3600|0.6\n7200|1740|0.29");
}

TEST_WITH(another_time_zone_is_rebuilt_from_where_it_held, site_setup, site_teardown)
{
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 0, 5 * DAY + 60, 5000);
	strcpy(t->zone, "America/New_York");
	crash(t);
	run(t, 5 * DAY + 120, 9 * DAY, 5000);
	assert_rebuilds(t);
}

/* Its last interval had not been given out when the zone changed. It is cut there, and counts in the day that it is of.
 */
TEST_WITH(a_day_that_ends_just_before_the_zone_changes_keeps_all_that_passed_in_it, site_setup, site_teardown)
{
	const int64_t midnight = 82800; /* in Paris */
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 0, midnight + 60, 5000);
	strcpy(t->zone, "Asia/Kathmandu");
	reopen(t);
	run(t, midnight + 120, 2 * DAY, 5000);
	assert_rows(t, "SELECT day, base_value FROM daily WHERE quantity = 'active_energy_import' LIMIT 1",
		    "2026-01-01|13800");
	assert_rows(
		t,
		"SELECT ts - 1767225600 - 82800, duration_s, base_value FROM interval WHERE ts >= 1767225600 + 81900 "
		"LIMIT 3",
		"-900|900|150\n0|60|10\n60|840|140");
	assert_rebuilds(t);
}

/* Later readings show it, after the length and the zone have changed. */
TEST_WITH(what_is_taken_back_over_a_change_of_the_intervals_leaves_nothing, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 86700, 5000);
	run(t, 86760, 87360, 9000);
	t->conf.interval_s = 3600;
	strcpy(t->zone, "America/New_York");
	reopen(t);
	run(t, 87420, 87960, 9000);
	run(t, 88020, 3 * DAY, 5000);
	assert_rows(t, "SELECT kind FROM event WHERE kind = 'taken-back'", "taken-back");
	assert_rows(t, "SELECT sum(base_value) FROM interval WHERE ts < 1767225600 + 2 * 86400", "28800");
	assert_rows(
		t,
		"SELECT ts - 1767225600, duration_s, base_value, quality FROM interval WHERE ts BETWEEN 1767225600 + "
		"85500 AND 1767225600 + 88000",
		"85500|900|150|measured\n86400|900|150|estimated\n87300|60|10|estimated\n87360|2640|440|estimated");
	assert_rows(t, "SELECT count(*) FROM interval a JOIN interval b ON b.ts > a.ts AND b.ts < a.ts + a.duration_s",
		    "0");
	assert_rebuilds(t);
}

/* A gap is as long as the period of the readings makes it. */
TEST_WITH(another_period_of_the_readings_is_rebuilt_from_where_it_held, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 3600, 5000);
	t->meters[0].energy_every_s = 600;
	configure(t);
	for (int64_t at = 4200; at <= 9000; at += 600)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	commit(t);
	t->meters[0].energy_every_s = 60;
	configure(t);
	run(t, 9060, 12600, 5000);
	assert_rows(t, "SELECT DISTINCT quality FROM interval", "measured");
	assert_rebuilds(t);
}

/* Both are one exchange: what the new meter counted until its first reading is not lost. */
TEST_WITH(the_serial_number_after_an_announced_exchange_is_that_of_its_new_meter, site_setup, site_teardown)
{
	static const int64_t initial = 100;
	struct site *t = *state;

	add_serial(t, "press", "1000");
	run(t, 0, 3600, 5000);
	request_replacement(t, "press", T + 3630, NULL, &initial);
	add_serial(t, "press", "1001");
	run(t, 3720, 7200, -508);
	assert_rows(t, "SELECT kind, state, at_ts - 1767225600 FROM request_log WHERE reason LIKE '%new%' ORDER BY id",
		    "replace|done|3629\nserial|refused|3629");
	assert_rows(t, "SELECT serial FROM meter WHERE name = 'press'", "1001");
	assert_rows(t, "SELECT from_raw, until_raw FROM life WHERE quantity = 1 ORDER BY from_ts", "5000|5600\n100|");
	assert_rebuilds(t);
}

/* One reading of 1 kWh too much, and nothing for twenty minutes: it is given out, and taken back by the next readings.
 */
static void run_with_a_false_end(struct site *t, int64_t from_s, int64_t false_s)
{
	run(t, from_s, false_s - 60, 5000);
	add(t, "press", T + false_s, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 6000 + false_s / 6,
	    Q_ACTIVE_ENERGY_IMPORT_T1, 2500 + false_s / 12, Q_COUNT);
	commit(t);
	report_missing(t, T + false_s + 1140);
	commit(t);
}

/* The third time that something is taken back nothing more is given out. */
TEST_WITH(what_was_given_out_in_silence_is_taken_back_by_a_rebuild_too, site_setup, site_teardown)
{
	struct site *t = *state;

	run_with_a_false_end(t, 0, 3600);
	run_with_a_false_end(t, 4800, 8100);
	run_with_a_false_end(t, 9300, 12600);
	run(t, 13800, 15000, 5000);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'taken-back'", "3");
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'two-meters'", "1");
	t->conf.interval_s = 3600;
	reopen(t);
	run(t, 15060, 25200, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, base_value FROM interval WHERE ts >= 1767225600 + 11700",
		    "11700|900|150\n12600|900|150\n13500|900|150\n14400|600|100\n15000|3000|500\n18000|3600|600");
	assert_rebuilds(t);
}

/* Its first life continues while another meter answers every third time. */
TEST_WITH(two_meters_that_only_serial_numbers_show_are_two_in_a_rebuild_too, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1800; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	add_serial(t, "press", "A1");
	for (int64_t at = 1860; at <= 2400; at += 60) {
		add_serial(t, "press", at % 180 == 0 ? "B2" : "A1");
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT,
		    at % 180 == 0 ? 90000 + at / 6 : 5000 + at / 6, Q_COUNT);
	}
	commit(t);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind = 'two-meters'", "1");
	t->conf.interval_s = 3600;
	reopen(t);
	add_serial(t, "press", "A1");
	for (int64_t at = 2460; at <= 10800; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, base_value FROM interval",
		    "0|900|150\n900|900|150\n1800|600|80\n2400|1200|200\n3600|3600|600");
	assert_rebuilds(t);
}

/* The settings of one meter's readings may be others than those of another one's. */
static void run_at_random(struct site *t, int64_t end_s, bool with_late_orders)
{
	static const char *const zones[] = {"UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata"};
	int64_t at_s = below(DAY), value = below(100000), pulses = below(1000), figure;
	int n_false = 0;

	while (at_s < end_s) {
		switch (below(with_late_orders ? 300 : 290)) {
		case 0:
			at_s += below(2 * DAY);
			break;
		case 1:
			value = below(1000); /* a reset */
			break;
		case 2:
			commit(t);
			figure = value + below(50);
			value = below(1000);
			request_replacement(t, "press", T + at_s, below(2) ? &figure : NULL, below(2) ? &value : NULL);
			break;
		case 290:
		case 291:
		case 292:
		case 293:
			commit(t);
			request_replacement(t, below(3) ? "press" : "pulses", T + at_s - below(3 * DAY), NULL, NULL);
			name_requests(t);
			break;
		case 9:
			commit(t);
			request_undo(t, below(3) ? "press" : "pulses");
			break;
		case 3:
			t->conf.interval_s = (const uint32_t[]){300, 900, 3600}[below(3)];
			reopen(t);
			break;
		case 4:
			strcpy(t->zone, zones[below(4)]);
			commit(t);
			crash(t);
			break;
		case 5:
			t->meters[0].energy_every_s = below(2) ? 60 : 600;
			commit(t);
			configure(t);
			break;
		case 6:
			add_serial(t, "press", below(2) ? "1000" : "1001");
			value = below(2) ? value : below(100000);
			break;
		case 7:
		case 8:
			n_false = (int)below(40);
			break;
		default:
			break;
		}
		if (below(3) != 0)
			add(t, "press", T + at_s, below(200) == 0 ? READING_UNSYNCHRONISED : READING_GOOD,
			    Q_ACTIVE_ENERGY_IMPORT, n_false > 0 ? value + 1000 : value, Q_ACTIVE_ENERGY_IMPORT_T1,
			    value / 3, Q_COUNT);
		add(t, "pulses", T + at_s, READING_GOOD, Q_PULSES_1, pulses, Q_PULSES_2, below(100) ? pulses / 2 : 0,
		    Q_COUNT);
		n_false--;
		if (below(10) == 0) {
			report_missing(t, T + at_s + 60);
			commit(t);
		}
		at_s += 60 * (1 + below(3));
		value += below(50);
		pulses += below(5);
	}
	commit(t);
}

TEST_WITH(a_rebuild_of_a_random_history_gives_the_same_account, site_setup, site_teardown)
{
	struct site *t = *state;
	uint64_t start = seed();

	random_state = start;
	run_at_random(t, 20 * DAY, false);
	assert_rebuilds(t);
}

TEST_WITH(a_history_with_late_orders_is_what_a_rebuild_makes_of_it, site_setup, site_teardown)
{
	struct site *t = *state;
	uint64_t start = seed();

	random_state = start;
	run_at_random(t, 20 * DAY, true);
	assert_rebuilds(t);
}

static const char marks[] = "SELECT s.ts, m.name, q.name, s.behind, s.reason, s.quality FROM suspect s "
			    "JOIN meter m ON m.id = s.meter JOIN quantity q ON q.id = s.quantity "
			    "ORDER BY s.ts, m.name, q.name";
static const char qualities[] = "SELECT id, quality FROM reading_energy WHERE quality <> 0 UNION ALL "
				"SELECT id, quality FROM reading_tariff WHERE quality <> 0 UNION ALL "
				"SELECT id, quality FROM reading_pulse WHERE quality <> 0";

/* Zeros, an unsynchronised value that is too high, a pulse that is too low, and values of another model. */
static void run_with_accidents(struct site *t)
{
	run(t, 0, 3600, 5000);
	run(t, 3660, 3840, -610 - 5000);
	run(t, 3900, 5400, 5000);
	add(t, "press", T + 5460, READING_UNSYNCHRONISED, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000000000), Q_COUNT);
	add(t, "press", T + 5520, READING_SUSPECT, Q_ACTIVE_ENERGY_IMPORT, INT64_C(7), Q_COUNT);
	for (int64_t i = 0; i < 30; i++)
		add(t, "pulses", T + 3600 + 60 * i, READING_GOOD, Q_PULSES_1, 100 + i, Q_PULSES_2,
		    i == 20 ? 5 : 300 + i, Q_COUNT);
	run(t, 5580, 7200, 5000);
}

static void recount(struct site *t)
{
	begin(t);
	assert_int_equal(ledger_repeat(&t->ledger), 0);
	commit(t);
}

TEST_WITH(a_recount_by_the_same_rules_leaves_the_marks_as_they_are, site_setup, site_teardown)
{
	struct site *t = *state;
	char *were, *had;

	run_with_accidents(t);
	were = strdup(rows(t, marks));
	had = strdup(rows(t, qualities));
	assert_true(strlen(were) > 300);
	recount(t);
	assert_rows(t, marks, were);
	assert_rows(t, qualities, had);
	free(were);
	free(had);
}

TEST_WITH(a_recount_makes_the_marks_of_old_readings_again, site_setup, site_teardown)
{
	struct site *t = *state;
	char *right, *had;

	run_with_accidents(t);
	right = strdup(rows(t, marks));
	had = strdup(rows(t, qualities));
	begin(t);
	/* older rules saw the zeros as good, and some good ones as false */
	assert_int_equal(
		db_exec(&t->db,
			"UPDATE reading_energy SET quality = 0 WHERE id >> 14 BETWEEN 1767229260 AND 1767229440; "
			"UPDATE reading_tariff SET quality = 0 WHERE id >> 14 BETWEEN 1767229260 AND 1767229440; "
			"DELETE FROM suspect WHERE ts BETWEEN 1767229260 AND 1767229440; "
			"INSERT INTO suspect (ts, meter, quantity, behind, reason, quality) "
			"SELECT id >> 14, meter, (SELECT id FROM quantity WHERE name = 'active_energy_import'), 0, "
			"'old', 0 FROM reading_energy WHERE id >> 14 BETWEEN 1767225660 AND 1767226200; "
			"UPDATE reading_energy SET quality = 2 WHERE id >> 14 BETWEEN 1767225660 AND 1767226200"),
		0);
	commit(t);
	recount(t);
	assert_rows(t, marks, right);
	assert_rows(t, qualities, had);
	free(right);
	free(had);
}

UNIT_MAIN(NULL, NULL)
