/* SPDX-License-Identifier: MIT */
/* Each case has the stored row, an interval from the account, and the row that results. */
#include <stdio.h>
#include <string.h>

#include "interval_merge.h"
#include "unit.h"

enum { M = ACCOUNT_MEASURED, E = ACCOUNT_ESTIMATED, MISSING = ACCOUNT_MISSING };

/* Quantities with their own columns; the tariffs have none. */
enum { IMPORT = Q_ACTIVE_ENERGY_IMPORT, EXPORT = Q_ACTIVE_ENERGY_EXPORT, HEAT = Q_HEAT };
enum { T1 = Q_ACTIVE_ENERGY_IMPORT_T1, T2 = Q_ACTIVE_ENERGY_IMPORT_T2 };

struct value {
	int quantity;
	int64_t value;
	int quality;
};

struct row {
	bool exists;
	int quality;
	struct value values[2]; /* those with a value of 0 are none */
};

struct merge_case {
	const char *name;
	struct row before; /* zeros: none */
	struct value given[3];
	bool write_row;
	struct row after;
	enum interval_coverage coverage;
	int added[3]; /* index of each value that is added, plus 1; 0 ends the list */
};

static const struct merge_case cases[] = {
	{.name = "first time, measured",
	 .given = {{IMPORT, 150, M}, {T1, 100, M}, {T2, 50, M}},
	 .write_row = true,
	 .after = {true, M, {{IMPORT, 150}}},
	 .coverage = INTERVAL_COVERAGE_ADD,
	 .added = {1, 2, 3}},
	{.name = "first time, estimated: no coverage",
	 .given = {{IMPORT, 150, E}},
	 .write_row = true,
	 .after = {true, E, {{IMPORT, 150}}},
	 .added = {1}},
	{.name = "first time, one of two values estimated: the row says the worst",
	 .given = {{IMPORT, 150, M}, {EXPORT, 20, E}},
	 .write_row = true,
	 .after = {true, E, {{IMPORT, 150}, {EXPORT, 20}}},
	 .added = {1, 2}},
	{.name = "without values: missing", .write_row = true, .after = {true, MISSING}},
	{.name = "missing again", .before = {true, MISSING}, .after = {true, MISSING}},
	{.name = "no value, for a row that has some: it keeps them",
	 .before = {true, M, {{IMPORT, 150}}},
	 .after = {true, M, {{IMPORT, 150}}}},
	{.name = "missing, then measured",
	 .before = {true, MISSING},
	 .given = {{IMPORT, 150, M}},
	 .write_row = true,
	 .after = {true, M, {{IMPORT, 150}}},
	 .coverage = INTERVAL_COVERAGE_ADD,
	 .added = {1}},
	{.name = "missing, then estimated",
	 .before = {true, MISSING},
	 .given = {{IMPORT, 150, E}},
	 .write_row = true,
	 .after = {true, E, {{IMPORT, 150}}},
	 .added = {1}},
	{.name = "a counter that comes later, measured: the coverage is there already",
	 .before = {true, M, {{IMPORT, 150}}},
	 .given = {{EXPORT, 20, M}},
	 .write_row = true,
	 .after = {true, M, {{IMPORT, 150}, {EXPORT, 20}}},
	 .added = {1}},
	{.name = "a counter that comes later, estimated: the measured seconds are taken back",
	 .before = {true, M, {{IMPORT, 150}}},
	 .given = {{EXPORT, 20, E}},
	 .write_row = true,
	 .after = {true, E, {{IMPORT, 150}, {EXPORT, 20}}},
	 .coverage = INTERVAL_COVERAGE_TAKE_BACK,
	 .added = {1}},
	{.name = "measured beside estimated: the row stays estimated",
	 .before = {true, E, {{IMPORT, 150}}},
	 .given = {{EXPORT, 20, M}},
	 .write_row = true,
	 .after = {true, E, {{IMPORT, 150}, {EXPORT, 20}}},
	 .added = {1}},
	{.name = "the same interval again after the clock went back: only noted",
	 .before = {true, M, {{IMPORT, 150}}},
	 .given = {{IMPORT, 150, M}, {T1, 100, M}},
	 .write_row = true,
	 .after = {true, M, {{IMPORT, 150}}}},
	{.name = "again with another value: the one that is kept was counted",
	 .before = {true, M, {{IMPORT, 150}}},
	 .given = {{IMPORT, 70, E}},
	 .write_row = true,
	 .after = {true, M, {{IMPORT, 150}}}},
	{.name = "again, with a counter that is new: only that one",
	 .before = {true, M, {{IMPORT, 150}}},
	 .given = {{IMPORT, 150, M}, {EXPORT, 20, M}, {T1, 100, M}},
	 .write_row = true,
	 .after = {true, M, {{IMPORT, 150}, {EXPORT, 20}}},
	 .added = {2}},
	{.name = "only counters without a column, first: a missing row, days and months have them",
	 .given = {{T1, 100, M}, {T2, 50, M}},
	 .write_row = true,
	 .after = {true, MISSING},
	 .added = {1, 2}},
	{.name = "only counters without a column, beside a total",
	 .before = {true, M, {{IMPORT, 150}}},
	 .given = {{T1, 100, E}},
	 .after = {true, M, {{IMPORT, 150}}},
	 .added = {1}},
	{.name = "a total after counters without a column",
	 .before = {true, MISSING},
	 .given = {{IMPORT, 150, M}, {T1, 100, M}},
	 .write_row = true,
	 .after = {true, M, {{IMPORT, 150}}},
	 .coverage = INTERVAL_COVERAGE_ADD,
	 .added = {1, 2}},
	{.name = "what an input counts has a column",
	 .given = {{HEAT, 7, M}},
	 .write_row = true,
	 .after = {true, M, {{HEAT, 7}}},
	 .coverage = INTERVAL_COVERAGE_ADD,
	 .added = {1}},
};

static struct interval_row make_row(const struct row *r)
{
	struct interval_row row = {.exists = r->exists, .quality = (enum account_quality)r->quality};

	for (size_t i = 0; i < INTERVAL_COLUMNS; i++)
		for (size_t v = 0; v < 2; v++)
			if (r->values[v].value != 0 &&
			    interval_column_quantity(i) == (enum quantity)r->values[v].quantity) {
				row.has[i] = true;
				row.values[i] = r->values[v].value;
				row.is_estimated[i] = r->quality == ACCOUNT_ESTIMATED;
			}
	return row;
}

static struct account_interval make_interval(const struct merge_case *c)
{
	struct account_interval given = {.meter = 1, .start_s = 900, .end_s = 1800, .quality = ACCOUNT_MISSING};

	for (size_t v = 0; v < 3 && c->given[v].value != 0; v++) {
		given.values[v].quantity = (enum quantity)c->given[v].quantity;
		given.values[v].value = c->given[v].value;
		given.values[v].quality = (enum account_quality)c->given[v].quality;
		given.n_values++;
	}
	return given;
}

static bool is_row(const struct interval_row *row, const struct row *expected)
{
	struct interval_row e = make_row(expected);

	return row->exists == e.exists && row->quality == e.quality && memcmp(row->has, e.has, sizeof(e.has)) == 0 &&
	       memcmp(row->values, e.values, sizeof(e.values)) == 0;
}

TEST(a_row_takes_the_columns_it_lacks_and_days_take_the_same)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct merge_case *c = &cases[i];
		struct account_interval given = make_interval(c);
		struct interval_row row = make_row(&c->before);
		struct interval_change change;
		size_t n_added = 0;

		interval_merge(&row, &given, &change);
		while (n_added < 3 && c->added[n_added] != 0)
			n_added++;
		if (change.write_row != c->write_row || change.coverage != c->coverage || change.n_added != n_added ||
		    !is_row(&row, &c->after))
			fail_msg("%s", c->name);
		for (size_t v = 0; v < n_added; v++)
			if (change.added[v] + 1 != c->added[v])
				fail_msg("%s: value %zu", c->name, v);
	}
}

TEST(an_interval_with_a_column_that_is_merged_twice_is_merged_once)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct merge_case *c = &cases[i];
		struct account_interval given = make_interval(c);
		struct interval_row row = make_row(&c->before);
		struct interval_change change;

		if (c->given[0].quantity == T1)
			continue;
		interval_merge(&row, &given, &change);
		interval_merge(&row, &given, &change);
		if (change.coverage != INTERVAL_COVERAGE_SAME || change.n_added != 0 || !is_row(&row, &c->after))
			fail_msg("%s", c->name);
	}
}

/* It was not counted when it came again, so there is nothing to take back. */
TEST(a_revision_of_an_interval_that_came_again_changes_no_counter_without_a_column)
{
	const struct merge_case again = {.before = {true, M, {{.quantity = IMPORT, .value = 150}}},
					 .given = {{IMPORT, 70, M}, {T1, 40, M}}};
	struct account_interval given = make_interval(&again), revised = {.n_values = 1};
	struct interval_row row = make_row(&again.before);
	struct interval_change change;

	interval_merge(&row, &given, &change);
	assert_true(row.came_again);
	revised.values[0].quantity = (enum quantity)T1;
	revised.values[0].is_revised = true;
	revised.values[0].was_value = 40;
	revised.values[0].value = 10;
	interval_merge(&row, &revised, &change);
	assert_int_equal(change.n_added, 0);
	assert_false(change.write_row);
}

UNIT_MAIN(NULL, NULL)
