/* SPDX-License-Identifier: MIT */
/* The whole numbers at the end of the views: sums of them are exact, and what is unknown is NULL in them too. */
#include "ledger_site.h"
#include "unit.h"

/* A day of press: each counter begins at an odd value and rises by another one each minute. */
static void run_all_counters(struct site *t)
{
	int64_t import = 81234567, export = 13, inductive = 999, capacitive = 7, apparent = 81300001, t1 = 40000003;

	/* the last one shows what the one before has shown */
	for (int64_t at = 0; at <= 86460; at += 60) {
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, import, Q_ACTIVE_ENERGY_EXPORT, export,
		    Q_REACTIVE_ENERGY_IMPORT, inductive, Q_REACTIVE_ENERGY_EXPORT, capacitive, Q_APPARENT_ENERGY,
		    apparent, Q_ACTIVE_ENERGY_IMPORT_T1, t1, Q_REACTIVE_ENERGY_IMPORT_T1, inductive, Q_COUNT);
		if (at == 86400)
			continue;
		import += at * 7919 % 97;
		export += at * 31 % 3;
		inductive += at * 7919 % 89;
		capacitive += at * 17 % 5;
		apparent += at * 7919 % 101;
		t1 += at * 7919 % 83;
	}
	commit(t);
}

TEST_WITH(sums_of_whole_numbers_equal_the_difference_of_the_readings, site_setup, site_teardown)
{
	struct site *t = *state;
	char difference[200], registers[100];

	run_all_counters(t);
	snprintf(difference, sizeof(difference), "%s",
		 rows(t, "SELECT max(active_import_wh) - min(active_import_wh), max(active_export_wh) - "
			 "min(active_export_wh), max(reactive_import_varh) - min(reactive_import_varh), "
			 "max(reactive_export_varh) - min(reactive_export_varh), max(apparent_vah) - min(apparent_vah) "
			 "FROM energy"));
	assert_string_equal(difference, rows(t, "SELECT sum(active_import_wh), sum(active_export_wh), "
						"sum(reactive_import_varh), sum(reactive_export_varh), "
						"sum(apparent_vah) FROM interval_energy"));
	for (size_t i = 0; i < 3; i++) {
		static const char *const views[] = {"interval", "daily", "monthly"};
		char sql[600];

		snprintf(sql, sizeof(sql),
			 "SELECT sum(CASE quantity WHEN 'active_energy_import' THEN base_value END), "
			 "sum(CASE quantity WHEN 'active_energy_export' THEN base_value END), "
			 "sum(CASE quantity WHEN 'reactive_energy_import' THEN base_value END), "
			 "sum(CASE quantity WHEN 'reactive_energy_export' THEN base_value END), "
			 "sum(CASE quantity WHEN 'apparent_energy' THEN base_value END) FROM %s",
			 views[i]);
		assert_rows(t, sql, difference);
	}
	snprintf(registers, sizeof(registers), "1|%s",
		 rows(t, "SELECT max(active_import_wh) - min(active_import_wh), max(reactive_import_varh) - "
			 "min(reactive_import_varh) FROM tariff_energy"));
	assert_rows(t, "SELECT tariff, sum(active_import_wh), sum(reactive_import_varh) FROM monthly_tariff",
		    registers);
}

TEST_WITH(whole_numbers_are_integers_in_the_unit_beside_them, site_setup, site_teardown)
{
	struct site *t = *state;

	run_all_counters(t);
	assert_rows(t, "SELECT DISTINCT typeof(base_value) FROM interval", "integer");
	assert_rows(t, "SELECT DISTINCT quantity, base_unit, unit FROM daily ORDER BY quantity",
		    "active_energy_export|Wh|kWh\nactive_energy_import|Wh|kWh\nactive_energy_import_t1|Wh|kWh\n"
		    "apparent_energy|VAh|kVAh\nreactive_energy_export|varh|kvarh\nreactive_energy_import|varh|kvarh\n"
		    "reactive_energy_import_t1|varh|kvarh");
	assert_rows(t, "SELECT count(*) FROM daily WHERE round(value * 1000) <> base_value", "0");
	assert_rows(t,
		    "SELECT typeof(active_import_wh), typeof(active_export_wh), typeof(reactive_import_varh), "
		    "typeof(reactive_export_varh), typeof(apparent_vah) FROM energy GROUP BY 1, 2, 3, 4, 5",
		    "integer|integer|integer|integer|integer");
	assert_rows(t, "SELECT count(*) FROM interval_energy WHERE round(apparent_kvah * 1000) IS NOT apparent_vah",
		    "0");
}

/* 3200 imp/kWh: a pulse is 5/16 Wh. The count begins in the middle of a Wh, and so does nearly every interval. */
TEST_WITH(pulses_of_a_fraction_add_up_to_the_whole_numbers_shown, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t pulses = 12345;

	t->inputs[0] = (struct conf_input){.name = "plate",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_ACTIVE_ENERGY_IMPORT,
					   .shown = names_unit(Q_ACTIVE_ENERGY_IMPORT, "kWh"),
					   .weight = 5,
					   .weight_per = 16,
					   .offset = 1001};
	configure(t);
	for (int64_t at = 0; at <= 86460; at += 60) {
		add(t, "pulses", T + at, READING_GOOD, Q_PULSES_1, pulses, Q_COUNT);
		pulses += at == 86400 ? 0 : at * 7919 % 11;
		if (at == 43200)
			reopen(t);
	}
	commit(t);
	assert_rows(t,
		    "SELECT count(*), sum(active_import_wh) = (SELECT max(active_import_wh) - min(active_import_wh) "
		    "FROM energy WHERE meter = 'plate'), sum(active_import_wh) > 1000 FROM interval_energy "
		    "WHERE meter = 'plate'",
		    "96|1|1");
	assert_rows(t,
		    "WITH e AS (SELECT ts, active_import_wh AS wh FROM energy WHERE meter = 'plate') "
		    "SELECT sum(i.active_import_wh <> b.wh - a.wh) FROM interval_energy i JOIN e a ON a.ts = i.ts "
		    "JOIN e b ON b.ts = i.ts + i.duration_s WHERE i.meter = 'plate'",
		    "0");
	assert_rows(t,
		    "SELECT (SELECT sum(base_value) FROM monthly WHERE meter = 'plate') - sum(base_value), base_unit "
		    "FROM interval "
		    "WHERE meter = 'plate'",
		    "0|Wh");
}

TEST_WITH(volume_and_heat_of_inputs_have_columns_of_their_own, site_setup, site_teardown)
{
	struct site *t = *state;

	/* 10 l and 1000 kcal a pulse */
	t->inputs[0] = (struct conf_input){.name = "heating",
					   .concentrator = 1,
					   .input = 1,
					   .quantity = Q_HEAT,
					   .shown = names_unit(Q_HEAT, "kWh"),
					   .weight = 1163,
					   .weight_per = 1};
	t->inputs[1].shown = names_unit(Q_VOLUME, "l");
	configure(t);
	for (int64_t i = 0; i <= 16; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, 7 + i, Q_PULSES_2, 100 * i, Q_COUNT);
	commit(t);
	assert_rows(
		t,
		"SELECT meter, active_import_wh, apparent_vah, apparent_kvah, volume_m3, heat_kwh, heat_wh, quality "
		"FROM interval_energy WHERE meter <> 'lighting' ORDER BY meter",
		"gas||||15.0|||measured\nheating|||||17.445|17445|measured");
	assert_rows(t,
		    "SELECT meter, value, unit, base_value, base_unit FROM interval WHERE meter <> 'lighting' ORDER BY "
		    "meter",
		    "gas|15000.0|l|15000000|ml\nheating|17.445|kWh|17445|Wh");
	assert_rows(t, "SELECT meter, base_value, base_unit FROM monthly WHERE meter <> 'lighting' ORDER BY meter",
		    "gas|15000000|ml\nheating|17445|Wh");
}

TEST_WITH(what_is_unknown_is_null_in_whole_numbers_too, site_setup, site_teardown)
{
	struct site *t = *state;

	run(t, 0, 900, 5000);
	report_missing(t, T + 2700);
	commit(t);
	assert_rows(
		t,
		"SELECT active_import_wh, active_export_wh, reactive_import_varh, reactive_export_varh, apparent_vah "
		"FROM energy WHERE ts = 1767225600",
		"5000||||");
	assert_rows(t, "SELECT active_import_wh, reactive_import_varh FROM tariff_energy WHERE ts = 1767225600",
		    "2500|");
	assert_rows(
		t,
		"SELECT active_import_wh, active_export_wh, reactive_import_varh, reactive_export_varh, apparent_vah, "
		"apparent_kvah, volume_m3, heat_kwh FROM interval_energy ORDER BY ts",
		"150|||||||\n|||||||");
	assert_rows(t, "SELECT base_value, base_unit, quality FROM interval", "150|Wh|measured\n|Wh|missing");
	assert_rows(t, "SELECT active_import_wh, reactive_import_varh FROM monthly_tariff", "75|");
}

UNIT_MAIN(NULL, NULL)
