/* SPDX-License-Identifier: MIT */
/* A value is suspect, a reading is late or unsynchronised: what the views say of both. */
#include <time.h>

#include "ledger_site.h"
#include "unit.h"

/* Five readings of the press; in the last one the counter q shows too much. The meter was late with it. */
static int64_t read_with_false_value(struct site *t, enum quantity q)
{
	int64_t now_s = time(NULL) / 60 * 60;

	for (int64_t i = 1; i <= 5; i++)
		add(t, "press", now_s - 300 + i * 60, i == 5 ? READING_LATE : READING_GOOD, Q_ACTIVE_ENERGY_IMPORT,
		    INT64_C(5000) + i * 10 + (i == 5 && q == Q_ACTIVE_ENERGY_IMPORT) * 900000000,
		    Q_ACTIVE_ENERGY_EXPORT, INT64_C(700) + i + (i == 5 && q == Q_ACTIVE_ENERGY_EXPORT) * 900000000,
		    Q_ACTIVE_ENERGY_IMPORT_T1,
		    INT64_C(2500) + i * 5 + (i == 5 && q == Q_ACTIVE_ENERGY_IMPORT_T1) * 900000000, Q_TARIFF,
		    INT64_C(1), Q_COUNT);
	commit(t);
	return now_s;
}

TEST_WITH(a_suspect_value_leaves_the_others_of_its_reading_their_quality, site_setup, site_teardown)
{
	struct site *t = *state;

	read_with_false_value(t, Q_ACTIVE_ENERGY_EXPORT);
	assert_rows(
		t, "SELECT quantity, quality FROM latest WHERE meter = 'press' ORDER BY quantity",
		"active_energy_export|suspect\nactive_energy_import|late\nactive_energy_import_t1|late\ntariff|late");
	assert_rows(t, "SELECT quality, suspect FROM energy", "good|\ngood|\ngood|\ngood|\nsuspect|active_export_kwh");
	assert_rows(t, "SELECT active_import_wh FROM tariff_energy ORDER BY ts DESC LIMIT 1", "2525");
	assert_rows(t, "SELECT subject, kind FROM trouble WHERE kind = 'suspect'", "press|suspect");
}

TEST_WITH(a_suspect_tariff_does_not_touch_the_totals, site_setup, site_teardown)
{
	struct site *t = *state;

	read_with_false_value(t, Q_ACTIVE_ENERGY_IMPORT_T1);
	assert_rows(t, "SELECT quality, suspect FROM energy ORDER BY ts DESC LIMIT 1", "late|");
	assert_rows(t, "SELECT count(*) FROM tariff_energy", "4");
	assert_rows(t, "SELECT quantity FROM latest WHERE quality = 'suspect'", "active_energy_import_t1");
}

TEST_WITH(the_columns_not_to_use_are_named, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 900 * 900;

	add(t, "press", now_s, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_APPARENT_ENERGY, INT64_C(7000),
	    Q_ACTIVE_ENERGY_EXPORT, INT64_C(1), Q_COUNT);
	for (int64_t i = 1; i <= 20; i++)
		add(t, "press", now_s + 60 * i, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT,
		    5000 + i * 10 + (i == 4) * INT64_C(900000000), Q_APPARENT_ENERGY,
		    7000 + i * 10 + (i == 4) * INT64_C(900000000), Q_ACTIVE_ENERGY_EXPORT, INT64_C(1), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT quality, suspect FROM energy WHERE suspect IS NOT NULL",
		    "suspect|active_import_kwh, apparent_kvah");
	assert_rows(t, "SELECT active_import_wh, apparent_vah, quality, suspect FROM interval_energy",
		    "150|150|measured|active_import_kwh, apparent_kvah");
}

TEST_WITH(a_register_that_is_never_counted_touches_no_quality, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t at = 0; at <= 1800; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_ACTIVE_ENERGY_EXPORT,
		    -5 - at / 60, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT DISTINCT quality, suspect FROM energy", "good|");
	assert_rows(t, "SELECT DISTINCT quality, suspect FROM interval_energy", "measured|");
	assert_rows(t, "SELECT count(*) FROM suspect_reading", "0");
	assert_rows(t, "SELECT kind, detail FROM event",
		    "implausible|active_energy_export is -0.005 kWh; a negative register is not counted");
	reopen(t);
	add(t, "press", T + 1860, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5310), Q_ACTIVE_ENERGY_EXPORT,
	    INT64_C(-40), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM event", "1");
}

TEST_WITH(each_value_of_an_interval_has_its_own_quality, site_setup, site_teardown)
{
	struct site *t = *state;

	add(t, "press", T, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_COUNT);
	for (int64_t at = 60; at <= 1080; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + at / 6, Q_ACTIVE_ENERGY_EXPORT,
		    at / 60, Q_COUNT);
	commit(t);
	/* export was first read at 60 */
	assert_rows(t, "SELECT quantity, base_value, quality FROM interval ORDER BY quantity",
		    "active_energy_export|14|estimated\nactive_energy_import|150|measured");
	assert_rows(t, "SELECT quality FROM interval_energy", "estimated");
}

TEST_WITH(a_suspect_input_leaves_the_others_their_quality, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60;

	for (int64_t i = 1; i <= 5; i++)
		add(t, "pulses", now_s - 300 + i * 60, i == 5 ? READING_UNSYNCHRONISED : READING_GOOD, Q_PULSES_1,
		    i == 5 ? INT64_C(2) : 50 + i, Q_PULSES_2, 70 + i, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT meter, quality FROM pulse ORDER BY ts DESC, meter LIMIT 2",
		    "gas|unsynchronised\nlighting|suspect");
	assert_rows(t, "SELECT meter, quantity, quality FROM latest ORDER BY meter, quantity",
		    "gas|pulses|unsynchronised\ngas|volume|unsynchronised\nlighting|active_energy_import|suspect\n"
		    "lighting|pulses|suspect\npulses|pulses_1|suspect\npulses|pulses_2|unsynchronised");
}

TEST_WITH(a_reading_of_another_model_is_suspect_as_a_whole, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60;

	add(t, "press", now_s, READING_SUSPECT, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5000), Q_TARIFF, INT64_C(1),
	    Q_ACTIVE_POWER, INT64_C(7000), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT quantity, quality FROM latest ORDER BY quantity",
		    "active_energy_import|suspect\nactive_power|suspect\ntariff|suspect");
	assert_rows(t, "SELECT quality, suspect FROM energy", "suspect|active_import_kwh");
}

UNIT_MAIN(NULL, NULL)
