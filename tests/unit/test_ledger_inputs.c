/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "driver.h"
#include "ledger_site.h"
#include "unit.h"

TEST_WITH(gas_has_its_own_unit, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t i = 0; i <= 31; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, i, Q_PULSES_2, 100 * i, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT meter, quantity, value, unit, quality FROM interval ORDER BY meter, ts",
		    "gas|volume|15.0|m3|measured\ngas|volume|15.0|m3|measured\n"
		    "lighting|active_energy_import|0.15|kWh|measured\nlighting|active_energy_import|0.15|kWh|measured");
	assert_rows(t, "SELECT meter, active_import_kwh, volume_m3 FROM interval_energy ORDER BY meter",
		    "gas||15.0\ngas||15.0\nlighting|0.15|\nlighting|0.15|");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM daily ORDER BY meter",
		    "gas|volume|30.0|m3\nlighting|active_energy_import|0.3|kWh");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM monthly ORDER BY meter",
		    "gas|volume|30.0|m3\nlighting|active_energy_import|0.3|kWh");
}

TEST_WITH(water_in_litres_is_in_all_consumption_views, site_setup, site_teardown)
{
	struct site *t = *state;

	t->inputs[1] = (struct conf_input){.name = "water",
					   .concentrator = 1,
					   .input = 2,
					   .quantity = Q_VOLUME,
					   .shown = names_unit(Q_VOLUME, "l"),
					   .weight = 2500,
					   .weight_per = 1};
	configure(t);
	for (int64_t i = 0; i <= 31; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_2, 100 * i, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT pulses, value, unit FROM pulse WHERE meter = 'water' ORDER BY ts DESC LIMIT 1",
		    "3100|7750.0|l");
	assert_rows(t, "SELECT meter, quantity, value, unit, quality FROM interval WHERE meter = 'water'",
		    "water|volume|3750.0|l|measured\nwater|volume|3750.0|l|measured");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM daily WHERE meter = 'water'", "water|volume|7500.0|l");
	assert_rows(t, "SELECT meter, quantity, value, unit FROM monthly WHERE meter = 'water'",
		    "water|volume|7500.0|l");
}

TEST_WITH(one_suspect_input_leaves_the_others_good, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t i = 0; i <= 3; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, 500 + i, Q_PULSES_2, i == 2 ? 0 : 900 + i,
		    Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT meter, pulses, quality FROM pulse WHERE ts = 1767225720 ORDER BY meter",
		    "gas|0|suspect\nlighting|502|good");
	assert_rows(t, "SELECT quality FROM energy WHERE ts = 1767225720", "good");
}

TEST_WITH(an_input_counts_no_faster_than_its_shortest_pulse, site_setup, site_teardown)
{
	struct driver *d = calloc(1, sizeof(*d));
	struct site *t = *state;

	d->shortest_pulse_ms = 40; /* 25 pulses a second; with a quarter more, 1875 in a minute */
	t->meters[1].driver = d;
	t->meters[1].ct_primary = t->meters[1].ct_secondary = 1;
	t->meters[1].vt_primary = t->meters[1].vt_secondary = 1;
	configure(t);
	add(t, "pulses", T, READING_GOOD, Q_PULSES_1, INT64_C(0), Q_PULSES_2, INT64_C(0), Q_COUNT);
	add(t, "pulses", T + 60, READING_GOOD, Q_PULSES_1, INT64_C(1500), Q_PULSES_2, INT64_C(6000), Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT meter, pulses, quality FROM pulse WHERE ts > 1767225600 ORDER BY meter",
		    "gas|6000|suspect\nlighting|1500|good");
	t->meters[1].driver = NULL;
	configure(t);
	driver_free(d);
}

/* The input of the lights as one with pulses of 5/16 Wh (3200 imp/kWh). */
static void use_plate(struct site *t)
{
	t->inputs[0] = (struct conf_input){.name = "plate",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_ACTIVE_ENERGY_IMPORT,
					   .shown = names_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh"),
					   .weight = 5,
					   .weight_per = 16};
	configure(t);
}

TEST_WITH(pulses_of_a_fraction_add_up_to_the_difference, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t pulses = 0;

	use_plate(t);
	for (int64_t at = 0; at <= 57600; at += 60) {
		pulses = at * 3200000 / 57600;
		if (at == 28800)
			reopen(t);
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, pulses, Q_COUNT);
		if (at % 6000 == 0)
			commit(t);
	}
	add(t, "pulses", T + 57660, READING_GOOD, Q_PULSES_1, pulses, Q_COUNT);
	commit(t);
	assert_int_equal(pulses, 3200000);
	assert_rows(t,
		    "SELECT count(*), sum(i.active_energy_import) FROM kept_interval i JOIN meter m ON m.id = i.meter "
		    "WHERE name = 'plate'",
		    "64|1000000");
	assert_rows(t, "SELECT value, unit FROM daily WHERE meter = 'plate'", "1000.0|kWh");
	assert_rows(t, "SELECT max(value) - min(value) FROM pulse WHERE meter = 'plate'", "1000.0");
	/* 50000 pulses are 15625 Wh */
	assert_rows(t, "SELECT DISTINCT value FROM interval WHERE meter = 'plate'", "15.625");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t,
		    "SELECT count(*), sum(i.active_energy_import) FROM kept_interval i JOIN meter m ON m.id = i.meter "
		    "WHERE name = 'plate'",
		    "64|1000000");
}

TEST_WITH(an_input_of_a_fraction_rolls_over_without_loss, site_setup, site_teardown)
{
	struct site *t = *state;
	static struct driver concentrator = {.n_rows = 1,
					     .rows = {{.quantity = Q_PULSES_1,
						       .type = DRIVER_U32,
						       .mantissa = 1,
						       .moduli = {{.amount = 1000000000}}}}};

	t->meters[1].driver = &concentrator;
	t->meters[1].ct_primary = t->meters[1].ct_secondary = t->meters[1].vt_primary = t->meters[1].vt_secondary = 1;
	use_plate(t);
	for (int64_t i = 0; i <= 31; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, (999999987 + i) % 1000000000, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT kind, detail FROM event WHERE subject = 'plate'",
		    "rollover|active_energy_import rolled over from 312499.999 to 0.000 kWh at its modulus 312500.000");
	/* 312499995.9375, 312500000.625, 312500005.3125 */
	assert_rows(t, "SELECT value * 1000, quality FROM interval WHERE meter = 'plate' ORDER BY ts",
		    "5.0|measured\n5.0|measured");
}

TEST_WITH(a_change_of_weight_begins_a_life, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t now_s = time(NULL) / 60 * 60;

	for (int64_t i = -30; i <= 0; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 1000 + i, Q_COUNT);
	commit(t);
	t->inputs[0].weight = 1000;
	configure(t);
	for (int64_t i = 1; i <= 40; i++)
		add(t, "pulses", now_s + 60 * i, READING_GOOD, Q_PULSES_1, 1000 + i, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT reason FROM meter_life WHERE meter = 'lighting' ORDER BY since", "first\nreplaced");
	assert_rows(t, "SELECT max(value) <= 15.0 AND min(value) > 0 FROM interval WHERE meter = 'lighting'", "1");
}

UNIT_MAIN(NULL, NULL)
