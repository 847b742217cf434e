/* SPDX-License-Identifier: MIT */
/* An input, or its concentrator, has another name since the configuration was taken. */
#include <string.h>

#include "ledger_site.h"
#include "unit.h"

static const char lives[] = "SELECT meter, from_value, until_value, reason FROM meter_life "
			    "WHERE quantity = 'active_energy_import' ORDER BY since_ts, reason";
static const char counted[] = "SELECT meter, sum(base_value) FROM interval WHERE quantity = 'active_energy_import' "
			      "GROUP BY meter ORDER BY meter";
static const char verdicts[] = "SELECT state, reason FROM request";

static int setup(void **state)
{
	return site_set_up_without_serial(state, 1, "conto-d4cr8", 7);
}

/* Readings each minute of [from_s, to_s]: a pulse of 10 Wh each minute, 100 at T. */
static void read_it(struct site *t, int64_t from_s, int64_t to_s)
{
	for (int64_t at = from_s; at <= to_s; at += 60)
		add(t, t->meters[1].name, T + at, READING_GOOD, Q_PULSES_1, 100 + at / 60, Q_PULSES_2, 500 + at / 60,
		    Q_COUNT);
	commit(t);
}

static void rename_input(struct site *t, const char *name)
{
	strcpy(t->inputs[0].name, name);
	configure(t);
}

static void rename_concentrator(struct site *t, const char *name)
{
	strcpy(t->meters[1].name, name);
	configure(t);
}

static void assert_the_same_after_a_rebuild(struct site *t)
{
	char were[400], sums[200];

	snprintf(were, sizeof(were), "%s", rows(t, lives));
	snprintf(sums, sizeof(sums), "%s", rows(t, counted));
	assert_int_equal(ledger_rebuild(&t->ledger), 0);
	assert_rows(t, lives, were);
	assert_rows(t, counted, sums);
}

TEST_WITH(an_input_continues_under_its_new_name, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_input(t, "lamps");
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "lighting|1.0|1.22|first\nlamps|1.22||renamed");
	assert_rows(t, counted, "lamps|380\nlighting|220");
	assert_rows(t, "SELECT meter, count(*) FROM pulse GROUP BY meter", "gas|64\nlamps|41\nlighting|23");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(an_input_that_is_renamed_and_renamed_back_counts_nothing_twice, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_input(t, "lamps");
	read_it(t, 1380, 2760);
	rename_input(t, "lighting");
	read_it(t, 2820, 5400);
	assert_rows(t, lives, "lighting|1.0|1.22|first\nlamps|1.22|1.46|renamed\nlighting|1.46||renamed");
	assert_rows(t, counted, "lamps|240\nlighting|510");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(an_input_is_renamed_while_the_daemon_is_stopped, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	strcpy(t->inputs[0].name, "lamps");
	reopen(t);
	read_it(t, 2100, 4500);
	assert_rows(t, counted, "lamps|380\nlighting|220");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(a_kill_before_the_account_has_taken_the_new_name_of_an_input_loses_nothing, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	strcpy(t->inputs[0].name, "lamps");
	write_register(t);
	crash(t);
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "lighting|1.0|1.22|first\nlamps|1.22||renamed");
	assert_rows(t, counted, "lamps|380\nlighting|220");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(a_reading_of_the_second_before_the_rename_counts_under_the_new_name, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_input(t, "lamps");
	/* the slot had come, and was read after the reload */
	read_it(t, 1380, 1380);
	read_it(t, 1440, 4500);
	assert_rows(t, lives, "lighting|1.0|1.22|first\nlamps|1.22||renamed");
}

TEST_WITH(an_input_that_was_read_under_both_names_has_one_history, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_input(t, "lamps");
	read_it(t, 1380, 2760);
	request_rename(t, "lighting", "lamps");
	configure(t);
	assert_rows(t, verdicts, "done|renamed to lamps, with its history");
	read_it(t, 2820, 4500);
	assert_rows(t, lives, "lamps|1.0||first");
	assert_rows(t, counted, "lamps|600");
	assert_rows(t, "SELECT meter, base_value FROM daily WHERE meter <> 'gas'", "lamps|600");
	assert_rows(t, "SELECT meter, count(*) FROM pulse GROUP BY meter", "gas|76\nlamps|76");
	crash(t);
	read_it(t, 4560, 5400);
	assert_rows(t, counted, "lamps|750");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(an_input_whose_new_name_was_not_read_yet_has_one_history, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	request_rename(t, "lighting", "lamps");
	rename_input(t, "lamps");
	assert_rows(t, verdicts, "done|renamed to lamps, with its history");
	read_it(t, 1380, 4500);
	assert_rows(t, lives, "lamps|1.0||first");
	assert_rows(t, counted, "lamps|600");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(inputs_continue_when_their_concentrator_has_another_name, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_concentrator(t, "counters");
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "lighting|1.0||first");
	assert_rows(t, counted, "lighting|600");
	assert_rows(t, "SELECT kind, subject FROM event WHERE kind <> 'gap'", "");
	assert_the_same_after_a_rebuild(t);
	rename_concentrator(t, "pulses");
	read_it(t, 4560, 5400);
	assert_rows(t, counted, "lighting|750");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(an_input_and_its_concentrator_have_other_names_at_once, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	strcpy(t->inputs[0].name, "lamps");
	rename_concentrator(t, "counters");
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "lighting|1.0|1.22|first\nlamps|1.22||renamed");
	assert_rows(t, counted, "lamps|380\nlighting|220");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(a_concentrator_that_was_read_under_both_names_has_one_history, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	rename_concentrator(t, "counters");
	read_it(t, 1380, 2760);
	request_rename(t, "pulses", "counters");
	configure(t);
	assert_rows(t, verdicts, "done|renamed to counters, with its history");
	read_it(t, 2820, 4500);
	assert_rows(t, lives, "lighting|1.0||first");
	assert_rows(t, counted, "lighting|600");
	assert_rows(t, "SELECT DISTINCT concentrator FROM pulse", "counters");
	assert_the_same_after_a_rebuild(t);
}

TEST_WITH(an_input_that_moves_to_another_concentrator_begins_a_life, setup, site_teardown)
{
	struct site *t = *state;

	read_it(t, 0, 1320);
	t->meters[1].address = 9;
	rename_concentrator(t, "counters");
	read_it(t, 2100, 4500);
	assert_rows(t, lives, "lighting|1.0|1.22|first\nlighting|1.35||replaced");
}

UNIT_MAIN(NULL, NULL)
