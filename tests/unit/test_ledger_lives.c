/* SPDX-License-Identifier: MIT */
#include "ledger_site.h"
#include "unit.h"

TEST_WITH(a_suspect_reading_is_kept_with_its_reason, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	add(t, "press", T + 360, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(0), Q_ACTIVE_ENERGY_IMPORT_T1,
	    INT64_C(2530), Q_COUNT);
	run(t, 420, 960, 5000);
	assert_rows(t, "SELECT ts - 1767225600, active_import_kwh, quality FROM energy WHERE quality <> 'good'",
		    "360|0.0|suspect");
	assert_rows(t, "SELECT quantity, reason FROM suspect_reading",
		    "active_energy_import|active_energy_import fell from 5.050 to 0.000 kWh");
	assert_rows(t, "SELECT count(*) FROM tariff_energy", "17");
	assert_rows(t, "SELECT value, quality FROM interval", "0.15|measured");
	assert_rows(t, "SELECT time, subject, kind FROM event", "2026-01-01T00:06:00Z|press|implausible");
}

TEST_WITH(a_reading_of_another_model_is_kept_and_never_counted, site_setup, site_teardown)
{
	static const char intervals[] = "SELECT ts - 1767225600, quantity, value, quality FROM interval";
	static const char counted[] = "0|active_energy_import|0.15|measured";
	struct site *t = *state;

	run(t, 0, 300, 5000);
	for (int64_t at = 360; at <= 600; at += 60)
		add(t, "press", T + at, READING_SUSPECT, Q_ACTIVE_ENERGY_IMPORT, 700000 + at, Q_TARIFF, INT64_C(2),
		    Q_COUNT);
	add(t, "pulses", T + 360, READING_SUSPECT, Q_PULSES_1, INT64_C(7), Q_COUNT);
	run(t, 660, 960, 5000);
	assert_rows(t, "SELECT count(*) FROM energy WHERE meter = 'press' AND quality = 'suspect'", "5");
	assert_rows(t, "SELECT meter, quality FROM pulse", "lighting|suspect");
	assert_rows(t,
		    "SELECT meter, quantity, reason, count(*) FROM suspect_reading GROUP BY meter, quantity, reason "
		    "ORDER BY meter",
		    "lighting|active_energy_import|the device is not the configured model|1\n"
		    "press|active_energy_import|the device is not the configured model|5");
	assert_rows(t, "SELECT meter, quantity, reason FROM meter_life ORDER BY quantity",
		    "press|active_energy_import|first\npress|active_energy_import_t1|first");
	assert_rows(t, "SELECT kind FROM event", "gap");
	assert_rows(t, intervals, counted);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, intervals, counted);
}

TEST_WITH(a_reset_begins_a_life, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 300, 5000);
	run(t, 360, 1560, -60); /* noticed by its length */
	assert_rows(t, "SELECT kind FROM event", "implausible\nreset");
	assert_rows(t,
		    "SELECT since, from_value, until, until_value, reason FROM meter_life "
		    "WHERE quantity = 'active_energy_import' ORDER BY since",
		    "2026-01-01T00:00:00Z|5.0|2026-01-01T00:05:00Z|5.05|first\n2026-01-01T00:06:00Z|0.0|||reset");
	assert_rows(t, "SELECT value, quality FROM interval", "0.14|estimated");
}

UNIT_MAIN(NULL, NULL)
