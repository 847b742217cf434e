/* SPDX-License-Identifier: MIT */
/* Heat, which inputs count in pulses of Wh, joules or calories, and gas that is burnt for it. */
#include <sqlite3.h>
#include <stdlib.h>

#include "ledger_site.h"
#include "unit.h"

static struct conf_input input(const char *name, uint8_t number, enum quantity q, int64_t weight, int64_t weight_per)
{
	struct conf_input in = {.concentrator = 1,
				.input = number,
				.quantity = q,
				.shown = names_shown(q),
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

/* The readings were kept as counts of pulses: counted again with the weights of today, they give what was converted. */
TEST_WITH(what_was_converted_is_what_a_rebuild_counts, set_up_old, site_teardown)
{
	static const char *const views[] = {
		"SELECT meter, quantity, ts, base_value, quality FROM interval ORDER BY 1, 2, 3",
		"SELECT meter, quantity, day, base_value, coverage FROM daily ORDER BY 1, 2, 3",
		"SELECT meter, quantity, month, base_value, coverage FROM monthly ORDER BY 1, 2, 3",
		"SELECT meter, quantity, day, base_value FROM register ORDER BY 1, 2, 3",
		"SELECT meter, quantity, since, from_base_value, until, until_base_value FROM meter_life ORDER BY 1, "
		"2, 3",
	};
	enum { N_VIEWS = sizeof(views) / sizeof(views[0]) };
	struct site *t = *state;
	char *was[N_VIEWS];

	for (int64_t i = 86; i <= 100; i++)
		add_pulses(t, i);
	commit(t);
	for (size_t i = 0; i < N_VIEWS; i++)
		was[i] = copy_rows(t, views[i]);
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	for (size_t i = 0; i < N_VIEWS; i++) {
		assert_rows(t, views[i], was[i]);
		free(was[i]);
	}
}

UNIT_MAIN(NULL, NULL)
