/* SPDX-License-Identifier: MIT */
#include "ledger_site.h"
#include "unit.h"

TEST_WITH(intervals_days_and_months_follow_the_readings, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 3660, 5000);
	assert_rows(t, "SELECT * FROM interval LIMIT 2",
		    "2026-01-01T00:00:00Z|1767225600|press|active_energy_import|900|0.15|kWh|measured|150|Wh\n"
		    "2026-01-01T00:15:00Z|1767226500|press|active_energy_import|900|0.15|kWh|measured|150|Wh");
	assert_rows(t, "SELECT * FROM interval_energy ORDER BY ts DESC LIMIT 1",
		    "2026-01-01T00:45:00Z|1767228300|press|900|0.15||||measured|150|||||||||");
	assert_rows(t, "SELECT day, meter, quantity, value, unit, round(coverage, 4) FROM daily ORDER BY quantity",
		    "2026-01-01|press|active_energy_import|0.6|kWh|0.0417\n"
		    "2026-01-01|press|active_energy_import_t1|0.3|kWh|0.0417");
	assert_rows(t, "SELECT month, quantity, value FROM monthly ORDER BY quantity",
		    "2026-01|active_energy_import|0.6\n2026-01|active_energy_import_t1|0.3");
	assert_rows(t, "SELECT * FROM monthly_tariff", "2026-01|press|1|0.3||300|");
}

/* The energies beside the totals have days, months and intervals too. A value that is not there is missing for itself.
 */
TEST_WITH(energies_of_phases_and_quadrants_are_in_all_consumption_views, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1860; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at, Q_ACTIVE_ENERGY_IMPORT_L2,
		    700 + at / 3, Q_REACTIVE_ENERGY_Q4, 90 + at / 60, Q_HEAT, 4000 + at, Q_COUNT);
	commit(t);
	assert_rows(
		t,
		"SELECT quantity, value, unit FROM latest WHERE quantity <> 'active_energy_import' ORDER BY quantity",
		"active_energy_import_l2|1.32|kWh\nheat|5.86|kWh\nreactive_energy_q4|0.121|kvarh");
	assert_rows(t, "SELECT quantity, base_value, quality FROM interval WHERE ts = 1767225600 ORDER BY quantity",
		    "active_energy_import|900|measured\nactive_energy_import_l2|300|measured\nheat|900|measured\n"
		    "reactive_energy_q4|15|measured");
	assert_rows(t, "SELECT quantity, base_value, round(coverage, 4) FROM daily ORDER BY quantity",
		    "active_energy_import|1800|0.0208\nactive_energy_import_l2|600|0.0208\nheat|1800|0.0208\n"
		    "reactive_energy_q4|30|0.0208");
	assert_rows(t, "SELECT quantity, base_value FROM monthly ORDER BY quantity",
		    "active_energy_import|1800\nactive_energy_import_l2|600\nheat|1800\nreactive_energy_q4|30");
	assert_rows(t, "SELECT quantity, value FROM counted_reading WHERE ts = 1767225660 ORDER BY quantity",
		    "active_energy_import|5060\nactive_energy_import_l2|720\nheat|4060\nreactive_energy_q4|91");
}

TEST_WITH(energies_beside_the_totals_that_are_read_late_are_estimated_for_themselves, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1860; at += 60) {
		bool has_phase = at < 600 || at > 1200;

		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at,
		    has_phase ? Q_ACTIVE_ENERGY_EXPORT_L1 : Q_COUNT, 700 + at / 3, Q_COUNT);
	}
	commit(t);
	assert_rows(t, "SELECT ts - 1767225600, quantity, base_value, quality FROM interval ORDER BY ts, quantity",
		    "0|active_energy_export_l1|300|estimated\n0|active_energy_import|900|measured\n"
		    "900|active_energy_export_l1|300|estimated\n900|active_energy_import|900|measured");
}

/* The export that comes after the interval was written makes it estimated after all. */
TEST_WITH(the_coverage_counts_the_measured_intervals, site_setup, site_teardown)
{
	struct site *t = *state;

	add(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_ACTIVE_ENERGY_EXPORT, INT64_C(70),
	    Q_COUNT);
	run(t, 60, 1140, 5000);
	assert_rows(t, "SELECT quality FROM interval_energy", "measured");
	assert_rows(t, "SELECT round(coverage, 4) FROM daily WHERE quantity = 'active_energy_import'", "0.0104");
	for (int64_t at = 1200; at <= 1260; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5200), Q_ACTIVE_ENERGY_EXPORT,
		    INT64_C(90), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT quality, active_import_kwh, active_export_kwh FROM interval_energy",
		    "estimated|0.15|0.015");
	assert_rows(t, "SELECT quantity, coverage FROM daily ORDER BY quantity",
		    "active_energy_export|0.0\nactive_energy_import|0.0\nactive_energy_import_t1|0.0");
}

TEST_WITH(totals_that_are_not_read_are_missing_while_tariffs_continue, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 960, 5000);
	for (int64_t at = 1020; at <= 1860; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT_T1, 2500 + at / 12, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval", "0|0.15|measured\n900||missing");
	run(t, 1920, 2760, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.15|measured\n900|0.15|estimated\n1800|0.15|estimated");
	assert_rows(t, "SELECT value FROM daily ORDER BY quantity", "0.45\n0.225");
}

TEST_WITH(an_interval_without_a_reading_is_missing_and_later_estimated, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 900, 5000);
	report_missing(t, T + 3600);
	commit(t);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.15|measured\n900||missing\n1800||missing");
	run(t, 3600, 3660, 5000);
	assert_rows(t, "SELECT ts - 1767225600, value, quality FROM interval",
		    "0|0.15|measured\n900|0.15|estimated\n1800|0.15|estimated\n2700|0.15|estimated");
	assert_rows(t, "SELECT kind FROM event", "gap");
}

TEST_WITH(another_length_of_intervals_cuts_the_running_one, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 2400, 5000);
	t->conf.interval_s = 3600;
	reopen(t);
	run(t, 2460, 3660, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value, quality FROM interval",
		    "0|900|0.15|measured\n900|900|0.15|measured\n1800|600|0.1|measured\n2400|1200|0.2|measured");
}

TEST_WITH(another_length_leaves_no_missing_intervals_of_the_old_one, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 1260, 5000);
	report_missing(t, T + 3600);
	commit(t);
	assert_rows(t, "SELECT ts - 1767225600, quality FROM interval", "0|measured\n900|missing\n1800|missing");
	t->conf.interval_s = 3600;
	reopen(t);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, quality FROM interval", "0|900|measured");
	run(t, 7200, 7260, 5000);
	assert_rows(t, "SELECT ts - 1767225600, duration_s, value, quality FROM interval",
		    "0|900|0.15|measured\n900|360|0.06|measured\n1260|2340|0.39|estimated\n3600|3600|0.6|estimated");
}

TEST_WITH(days_follow_the_time_zone, site_setup, site_teardown)
{
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 86400 - 7200, 86460, 5000);
	assert_rows(t, "SELECT day, value FROM daily WHERE quantity = 'active_energy_import'",
		    "2026-01-01|0.6\n2026-01-02|0.6");
	assert_rows(t, "SELECT day, until_ts - from_ts FROM local_day", "2026-01-01|86400\n2026-01-02|86400");
}

/* Paris until 01:00 of the 2nd, when New York has 19:00 of the 1st: both days have hours of both. */
TEST_WITH(days_before_another_time_zone_stay_and_later_ones_follow_it, site_setup, site_teardown)
{
	struct site *t = *state;
	static const char per_day[] = "SELECT day, value FROM daily WHERE quantity = 'active_energy_import'";

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, 0, 60, 5000);
	run(t, 120, 86400, 5000);
	strcpy(t->zone, "America/New_York");
	crash(t);
	run(t, 86460, 2 * 86400 + 60, 5000);
	assert_rows(t, per_day, "2026-01-01|16.8\n2026-01-02|12.0");
	assert_rows(t, "SELECT day, from_ts - 1767225600, until_ts - from_ts FROM local_day",
		    "2026-01-01|-3600|108000\n2026-01-02|82800|108000");
	assert_rows(t, "SELECT sum(active_energy_import) FROM kept_interval", "28800");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, per_day, "2026-01-01|16.8\n2026-01-02|12.0");
	assert_rows(t, "SELECT day, from_ts - 1767225600, until_ts - from_ts FROM local_day",
		    "2026-01-01|-3600|108000\n2026-01-02|82800|108000");
}

TEST_WITH(another_time_zone_is_an_event, site_setup, site_teardown)
{
	struct site *t = *state;
	static const char events[] = "SELECT subject, kind, detail FROM event";

	run(t, 0, 900, 5000);
	reopen(t);
	assert_rows(t, events, "");
	strcpy(t->zone, "Europe/Paris");
	t->conf.timezone_source = ZONE_LOCALTIME;
	reopen(t);
	assert_rows(t, events, "tallyd|timezone-changed|time zone was UTC, is now Europe/Paris (from /etc/localtime)");
	reopen(t);
	configure(t);
	assert_rows(t, "SELECT count(*) FROM event", "1");
	assert_rows(t, "SELECT value FROM setting WHERE name = 'timezone'", "Europe/Paris");
}

/* A rebuild at the start counts in the new zone at once. */
TEST_WITH(another_time_zone_is_an_event_also_when_the_account_is_rebuilt, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 900, 5000);
	assert_int_equal(db_put_setting(&t->db, "rebuild", "wanted"), 0);
	crash(t);
	assert_rows(t, "SELECT detail FROM event", "");
	assert_int_equal(db_put_setting(&t->db, "rebuild", "wanted"), 0);
	strcpy(t->zone, "Asia/Tokyo");
	t->conf.timezone_source = ZONE_TIMEZONE;
	crash(t);
	assert_rows(t, "SELECT detail FROM event", "time zone was UTC, is now Asia/Tokyo (from /etc/timezone)");
}

/* Rule 3 of the account, over a day of readings at odd moments. */
TEST_WITH(the_sum_of_intervals_is_the_difference_of_the_readings_at_their_ends, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t value = 1000;

	for (int64_t at = 0; at <= 86460; at += 60) {
		value += at * 7919 % 97;
		if (at % 900 == 0 || at * 31 % 7 < 5)
			add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, value, Q_COUNT);
	}
	commit(t);
	assert_rows(t,
		    "WITH b AS (SELECT id >> 14 AS ts, active_energy_import AS raw FROM reading_energy WHERE (id >> "
		    "14) % 900 = 0) "
		    "SELECT count(*), sum(i.active_energy_import = e.raw - s.raw) FROM kept_interval i "
		    "JOIN b s ON s.ts = i.ts JOIN b e ON e.ts = i.ts + 900",
		    "96|96");
}

UNIT_MAIN(NULL, NULL)
