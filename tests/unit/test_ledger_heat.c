/* SPDX-License-Identifier: MIT */
/* Heat, which inputs count in pulses of Wh, joules or calories, and gas that is burnt for it. */
#include <sqlite3.h>
#include <stdlib.h>

#include "chance.h"
#include "ledger_site.h"
#include "unit.h"

static struct conf_input input(const char *name, uint8_t number, enum quantity q, int64_t weight, int64_t weight_per)
{
	struct conf_input in = {.concentrator = 1,
				.input = number,
				.quantity = q,
				.shown = names_shown(q),
				.kind = q == Q_HEAT	? CONF_HEAT
					: q == Q_VOLUME ? CONF_OTHER
							: CONF_ELECTRICITY,
				.weight = weight,
				.weight_per = weight_per};

	snprintf(in.name, sizeof(in.name), "%s", name);
	return in;
}

/* A database as schema 0024 made it */

static void run_file(sqlite3 *db, const char *path)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "r");
	char *error = NULL;
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", path, error);
}

static void make_old(const char *path)
{
	static const char *const steps[] = {
		"0001-initial", "0002-account",	 "0003-faults",	  "0004-figures", "0005-exchange",   "0006-report",
		"0007-whole",	"0008-revision", "0009-register", "0010-request", "0011-parts",	     "0012-key",
		"0013-span",	"0014-bounds",	 "0015-rating",	  "0016-marks",	  "0017-resolution", "0018-rename",
		"0019-setting", "0020-names",	 "0021-refused",  "0022-passed",  "0023-named",	     "0024-key-view"};
	char name[256];
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "PRAGMA application_id = 1952541817; PRAGMA user_version = 24; "
				      "PRAGMA journal_mode = WAL; BEGIN",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		snprintf(name, sizeof(name), SOURCE_DIR "/schema/%s.sql", steps[i]);
		run_file(db, name);
	}
	run_file(db, SOURCE_DIR "/tests/unit/schema-0024.sql");
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The site of that database, which the daemon opens for the first time since it keeps heat in Wh. */
static int set_up_old(void **state)
{
	static struct conf_input inputs[6];
	int rc = site_setup(state);
	struct site *t;

	if (rc != 0)
		return rc;
	t = *state;
	inputs[0] = input("lighting", 1, Q_ACTIVE_ENERGY_IMPORT, 5, 16);
	inputs[0].offset = 81234500;
	inputs[1] = input("gas", 2, Q_VOLUME, 10000, 1);
	inputs[2] = input("water", 3, Q_VOLUME, 2500, 1);
	inputs[2].shown = names_unit(Q_VOLUME, "l");
	/* 1000 kcal, and 5000 kcal at a count of 0; 3 kcal, 1.5 kcal before */
	inputs[3] = input("heating", 4, Q_HEAT, 1163, 1);
	inputs[3].offset = 5815;
	inputs[4] = input("boiler", 5, Q_HEAT, 3489, 1000);
	inputs[5] = input("offices", 6, Q_ACTIVE_ENERGY_IMPORT, 1000, 1);
	t->bus.inputs = inputs;
	t->bus.n_inputs = 6;
	t->conf.interval_s = 3600;
	t->meters[1].energy_every_s = 1200;
	strcpy(t->zone, "Europe/Paris");
	snprintf(t->path, sizeof(t->path), "%s/old.db", t->dir);
	make_old(t->path);
	crash(t);
	return 0;
}

TEST_WITH(heat_that_was_kept_in_calories_is_kept_in_wh, set_up_old, site_teardown)
{
	struct site *t = *state;

	/* 428 pulses of 1000 kcal; of 1.5 kcal from 1050 to 5379 kcal, of 3 kcal from 10869 to 11424 kcal */
	assert_rows(
		t,
		"SELECT meter, value, unit, base_value, base_unit FROM monthly WHERE quantity = 'heat' ORDER BY meter",
		"boiler|5.68|kWh|5680|Wh\nheating|497.764|kWh|497764|Wh");
	assert_rows(t, "SELECT meter, sum(base_value) FROM interval WHERE quantity = 'heat' GROUP BY meter",
		    "boiler|5680\nheating|497764");
	assert_rows(t, "SELECT meter, sum(base_value) FROM daily WHERE quantity = 'heat' GROUP BY meter",
		    "boiler|5680\nheating|497764");
	assert_rows(t,
		    "SELECT meter, from_base_value, until_base_value FROM meter_life WHERE quantity = 'heat' "
		    "ORDER BY meter, since_ts",
		    "boiler|1221|6255\nboiler|12640|\nheating|14357235|");
	assert_rows(t, "SELECT meter, base_value, unit FROM register WHERE quantity = 'heat' ORDER BY meter",
		    "boiler|5674|kWh\nheating|14742188|kWh");
	/* the offset comes to it */
	assert_rows(t, "SELECT pulses, value, unit FROM pulse WHERE meter = 'heating' ORDER BY ts DESC LIMIT 1",
		    "12780|14868.955|kWh");
}

TEST_WITH(an_upgrade_to_wh_keeps_lives_weights_and_everything_else, set_up_old, site_teardown)
{
	struct site *t = *state;

	assert_rows(t, "SELECT count(*) FROM event_log", "0");
	assert_rows(t, "SELECT count(*) FROM life", "7");
	assert_rows(t,
		    "SELECT m.name, weight, weight_per, offset FROM input_period p JOIN meter m ON m.id = p.meter "
		    "ORDER BY m.name, from_ts",
		    "boiler|3489|2000|0\nboiler|3489|1000|0\ngas|10000|1|0\nheating|1163|1|5815\nlighting|10|1|0\n"
		    "lighting|5|16|81234500\noffices|1000|1|0\nwater|2500|1|0");
	assert_rows(
		t, "SELECT meter, pulse FROM key WHERE meter IN ('boiler', 'heating') AND until IS NULL ORDER BY meter",
		"boiler|3489/1000 Wh\nheating|1163 Wh");
	assert_rows(t, "SELECT meter, base_value FROM monthly WHERE quantity <> 'heat' ORDER BY meter",
		    "gas|4200000\nlighting|672000\noffices|168000\nwater|1470000");
}

static void add_pulses(struct site *t, int64_t i)
{
	add(t, "pulses", T + 1200 * i, READING_GOOD, Q_PULSES_1, 1000 + 800 * i, Q_PULSES_2, 5 * i, Q_PULSES_3,
	    70 + 7 * i, Q_PULSES_4, 12345 + 3 * i + i * i / 40, Q_PULSES_5, 700 + 37 * i, Q_PULSES_6, 99 + 2 * i,
	    Q_COUNT);
}

static char *copy_rows(struct site *t, const char *sql)
{
	char *copy = strdup(rows(t, sql));

	assert_non_null(copy);
	return copy;
}

enum { N_VIEWS = 5 };

static const char *const views[N_VIEWS] = {
	"SELECT meter, quantity, ts, base_value, quality FROM interval ORDER BY 1, 2, 3",
	"SELECT meter, quantity, day, base_value, coverage FROM daily ORDER BY 1, 2, 3",
	"SELECT meter, quantity, month, base_value, coverage FROM monthly ORDER BY 1, 2, 3",
	"SELECT meter, quantity, day, base_value FROM register ORDER BY 1, 2, 3",
	"SELECT meter, quantity, since, from_base_value, until, until_base_value FROM meter_life ORDER BY 1, 2, 3",
};

static void assert_rebuilds(struct site *t)
{
	char *was[N_VIEWS];

	for (size_t i = 0; i < N_VIEWS; i++)
		was[i] = copy_rows(t, views[i]);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	for (size_t i = 0; i < N_VIEWS; i++) {
		assert_rows(t, views[i], was[i]);
		free(was[i]);
	}
}

/* The readings were kept as counts of pulses: counted again with the weights of today, they give what was converted. */
TEST_WITH(what_was_converted_is_what_a_rebuild_counts, set_up_old, site_teardown)
{
	struct site *t = *state;

	for (int64_t i = 86; i <= 100; i++)
		add_pulses(t, i);
	commit(t);
	assert_rebuilds(t);
}

/* The offices were entered in kWh, because heat had no unit of energy. */
TEST_WITH(heat_that_was_entered_as_kwh_becomes_heat_when_it_is_written, set_up_old, site_teardown)
{
	struct site *t = *state;
	struct conf_input *offices = &t->bus.inputs[5];

	assert_rows(t, "SELECT kind, pulse FROM input WHERE meter = 'offices'", "electricity|1000 Wh");
	offices->quantity = Q_HEAT;
	offices->kind = CONF_HEAT;
	configure(t);
	for (int64_t i = 86; i <= 100; i++)
		add_pulses(t, i);
	commit(t);
	/* 2 pulses each 20 min: 170 until the last reading before the upgrade, then 28 */
	assert_rows(t, "SELECT quantity, sum(base_value) FROM interval WHERE meter = 'offices' GROUP BY quantity",
		    "active_energy_import|170000\nheat|26000");
	assert_rows(t, "SELECT kind, pulse, quantity FROM input WHERE meter = 'offices'", "heat|1000 Wh|heat");
	assert_rows(t, "SELECT count(*), min(pulses), max(pulses) FROM pulse WHERE meter = 'offices'", "95|99|299");
	assert_rebuilds(t);
}

/* Kinds of inputs */

/* Take the configuration as the first one ever. */
static void configure_first(struct site *t)
{
	assert_int_equal(db_exec(&t->db, "DELETE FROM input_period; DELETE FROM meter_key"), 0);
	configure(t);
}

TEST_WITH(heat_that_is_counted_in_kwh_is_no_imported_electricity, site_setup, site_teardown)
{
	struct site *t = *state;

	t->inputs[0] = input("heating", 1, Q_HEAT, 1000, 1);
	configure_first(t);
	for (int64_t i = 0; i <= 16; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, 7 + i, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT active_import_wh, heat_kwh, heat_wh FROM interval_energy WHERE meter = 'heating'",
		    "|15.0|15000");
	assert_rows(t, "SELECT quantity, value, unit FROM daily WHERE meter = 'heating'", "heat|15.0|kWh");
	assert_rows(t, "SELECT count(*) FROM energy WHERE meter = 'heating'", "0");
	assert_rows(t, "SELECT kind FROM pulse WHERE meter = 'heating' GROUP BY kind", "heat");
	assert_rows(t, "SELECT meter, kind, pulse, unit FROM input WHERE meter = 'heating'",
		    "heating|heat|1000 Wh|kWh");
}

TEST_WITH(electricity_that_turns_out_to_be_heat_begins_a_life, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t i = 0; i <= 16; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, 7 + i, Q_COUNT);
	commit(t);
	t->inputs[0].quantity = Q_HEAT;
	t->inputs[0].shown = names_shown(Q_HEAT);
	t->inputs[0].kind = CONF_HEAT;
	configure(t);
	for (int64_t i = 17; i <= 50; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_1, 7 + i, Q_COUNT);
	report_missing(t, T + 7200);
	commit(t);
	assert_rows(t, "SELECT detail FROM event WHERE kind = 'key-changed' AND subject = 'lighting'",
		    "pulse 10 Wh of active_energy_import -> 10 Wh of heat; a new life begins, tally replace --undo "
		    "lighting "
		    "takes that back");
	/* up to the last reading of electricity, and from the first one of heat on */
	assert_rows(t, "SELECT quantity, base_value FROM monthly WHERE meter = 'lighting' ORDER BY quantity",
		    "active_energy_import|160\nheat|280");
	assert_rows(t,
		    "SELECT ts - 1767225600, quantity, base_value, quality FROM interval WHERE ts = 1767226500 ORDER "
		    "BY quantity",
		    "900|active_energy_import|10|estimated\n900|heat|130|estimated");
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, "SELECT quantity, base_value FROM monthly WHERE meter = 'lighting' ORDER BY quantity",
		    "active_energy_import|160\nheat|280");
}

TEST_WITH(kind_and_calorific_value_end_no_life_and_lose_no_pulse, site_setup, site_teardown)
{
	struct site *t = *state;

	for (int64_t i = 0; i <= 16; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_2, 7 + i, Q_COUNT);
	commit(t);
	t->inputs[1].kind = CONF_GAS;
	t->inputs[1].calorific = 11200000;
	configure(t);
	for (int64_t i = 17; i <= 46; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_2, 7 + i, Q_COUNT);
	commit(t);
	assert_rows(t, "SELECT count(*) FROM event WHERE kind IN ('key-changed', 'new-life')", "0");
	assert_rows(t, "SELECT count(*), count(until) FROM meter_life WHERE meter = 'gas'", "1|0");
	assert_rows(t, "SELECT base_value FROM daily WHERE meter = 'gas'", "450000");
}

/* Gas */

/* 10 l a minute, from minute from to minute until after T. */
static void burn(struct site *t, int64_t from, int64_t until)
{
	for (int64_t i = from; i <= until; i++)
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_2, 7 + i, Q_COUNT);
	commit(t);
}

static int set_up_gas(void **state)
{
	int rc = site_setup(state);
	struct site *t = *state;

	if (rc != 0)
		return rc;
	t->inputs[1].kind = CONF_GAS;
	t->inputs[1].calorific = 11187654;
	configure_first(t);
	return 0;
}

TEST_WITH(gas_is_shown_in_kwh_beside_its_volume, set_up_gas, site_teardown)
{
	struct site *t = *state;

	burn(t, 0, 61);
	/* 150 l are 1678.1481 Wh, 600 l 6712.5924 Wh: rounded down once */
	assert_rows(t, "SELECT volume_m3, round(heat_kwh, 7), heat_wh FROM interval_energy WHERE meter = 'gas' LIMIT 1",
		    "0.15|1.6781481|");
	assert_rows(t, "SELECT * FROM daily_gas", "2026-01-01|gas|0.6|6.712|600000|6712");
	assert_rows(t, "SELECT * FROM monthly_gas", "2026-01|gas|0.6|6.712|600000|6712");
	assert_rows(t, "SELECT quantity, base_value FROM daily WHERE meter = 'gas'", "volume|600000");
	assert_rows(t, "SELECT * FROM calorific", "gas|||11.187654|0|9223372036854775807|11187654");
	assert_rows(t, "SELECT kind, pulse, unit, calorific_kwh_m3 FROM input WHERE meter = 'gas'",
		    "gas|10000 ml|m3|11.187654");
}

TEST_WITH(the_first_calorific_value_holds_for_the_time_before_too, site_setup, site_teardown)
{
	struct site *t = *state;

	burn(t, 0, 1500);
	t->inputs[1].kind = CONF_GAS;
	t->inputs[1].calorific = 11000000;
	configure(t);
	burn(t, 1501, 1530);
	assert_rows(t, "SELECT day, volume_ml, heat_wh FROM daily_gas ORDER BY day",
		    "2026-01-01|14400000|158400\n2026-01-02|750000|8250");
}

TEST_WITH(a_calorific_value_holds_for_whole_days, set_up_gas, site_teardown)
{
	struct site *t = *state;

	burn(t, 0, 2000);
	t->inputs[1].calorific = 12000000;
	configure(t);
	burn(t, 2001, 2910);
	/* the days 14400 l at 11.187654 and 12 kWh/m3, the rest 150 l; the month is rounded once */
	assert_rows(t, "SELECT day, volume_ml, heat_wh FROM daily_gas ORDER BY day",
		    "2026-01-01|14400000|161102\n2026-01-02|14400000|172800\n2026-01-03|150000|1800");
	assert_rows(t, "SELECT volume_ml, heat_wh FROM monthly_gas", "28950000|335702");
	assert_rows(t, "SELECT kwh_m3, since, until FROM calorific",
		    "11.187654||2026-01-02T00:00:00Z\n12.0|2026-01-02T00:00:00Z|");
	assert_rows(t, "SELECT count(*) FROM meter_life WHERE meter = 'gas'", "1");
}

/* The sum of all intervals is what the pulses weigh, whatever a pulse weighs. */

static int64_t sum_of(struct site *t, const char *view)
{
	char sql[120];

	snprintf(sql, sizeof(sql), "SELECT sum(base_value) FROM %s WHERE quantity = 'heat'", view);
	return strtoll(rows(t, sql), NULL, 10);
}

static void count_at_random(struct site *t)
{
	/* GJ, kcal, MJ, kJ, imp/kWh, a weight as fine as there may be one */
	static const int64_t weights[][2] = {{2500000, 9}, {1163, 1000}, {2500, 9},
					     {5, 18},	   {1000, 7},	 {999999937, 1000000}};
	const int64_t *w = weights[below(sizeof(weights) / sizeof(weights[0]))];
	int64_t first = below(1000000), pulses = first, at = 0;

	t->inputs[0] = input("lighting", 1, Q_HEAT, w[0], w[1]);
	configure_first(t);
	for (int i = 0; i < 120; i++) {
		add(t, "pulses", T + 60 * at, READING_GOOD, Q_PULSES_1, pulses, Q_COUNT);
		at += below(20) == 0 ? 30 : 1;
		pulses += below(50);
		if (below(40) == 0)
			reopen(t);
	}
	/* nothing more: so the last reading stands where the last whole interval ends */
	for (; at % 15 != 0; at++)
		;
	for (int i = 0; i < 17; i++)
		add(t, "pulses", T + 60 * (at + i), READING_GOOD, Q_PULSES_1, pulses, Q_COUNT);
	commit(t);
	assert_int_equal(sum_of(t, "interval"), pulses * w[0] / w[1] - first * w[0] / w[1]);
	assert_int_equal(sum_of(t, "daily"), sum_of(t, "interval"));
	assert_int_equal(sum_of(t, "monthly"), sum_of(t, "interval"));
}

TEST(intervals_add_up_to_what_the_pulses_weigh)
{
	void *site;

	random_state = seed();
	for (int i = 0; i < 12; i++) {
		assert_int_equal(site_setup(&site), 0);
		count_at_random(site);
		site_teardown(&site);
	}
}

UNIT_MAIN(NULL, NULL)
