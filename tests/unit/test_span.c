/* SPDX-License-Identifier: MIT */
/* The consumption in any span, from a database that the ledger has written. */
#include <stdlib.h>

#include "chance.h"
#include "ledger_site.h"
#include "reader.h"
#include "span.h"
#include "unit.h"

enum { DAY = 86400 };

static const char *const quantities[] = {"active_energy_import", "active_energy_import_t1", "volume"};

/* An answer of span_read(). */
struct found {
	bool has_amount, is_from_estimated, is_until_estimated;
	int64_t amount;
	double measured_s;
};

/* The consumption of one counter in [from_s, until_s) after T. */
static struct found read_span(const struct site *t, const char *meter, const char *quantity, int64_t from_s,
			      int64_t until_s)
{
	const struct span_question q = {
		.from_s = T + from_s, .until_s = T + until_s, .n_quantities = 3, .quantities = quantities};
	struct span s = {.n = 0};
	struct found found = {.has_amount = false};
	struct err e = {0};
	struct reader *r = reader_open(t->path, &e);

	assert_non_null(r);
	if (span_read(&s, r, &q) != 0)
		fail_msg("%s", reader_error(r));
	for (size_t i = 0; i < s.n; i++) {
		const struct span_counter *c = &s.counters[i];

		if (strcmp(c->meter, meter) == 0 && strcmp(c->quantity, quantity) == 0)
			found = (struct found){c->has_amount, c->is_from_estimated, c->is_until_estimated, c->amount,
					       c->measured_s};
	}
	span_free(&s);
	reader_close(r);
	return found;
}

static int64_t import(const struct site *t, int64_t from_s, int64_t until_s)
{
	return read_span(t, "press", "active_energy_import", from_s, until_s).amount;
}

static int64_t tariff(const struct site *t, int64_t from_s, int64_t until_s)
{
	return read_span(t, "press", "active_energy_import_t1", from_s, until_s).amount;
}

/* Each minute the register rises by as many Wh as the minute has in its hour, and tariff 1 by half of it. */
static int64_t value_at(int64_t minute)
{
	int64_t rest = minute % 60;

	return 5000 + minute / 60 * 1770 + rest * (rest - 1) / 2;
}

static void run_minutes(struct site *t, int64_t from, int64_t to)
{
	for (int64_t minute = from; minute <= to; minute++)
		add(t, "press", T + 60 * minute, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, value_at(minute),
		    Q_ACTIVE_ENERGY_IMPORT_T1, value_at(minute) / 2, Q_COUNT);
	commit(t);
}

TEST_WITH(a_span_is_the_difference_of_the_readings_at_its_ends, site_setup, site_teardown)
{
	struct site *t = *state;

	run_minutes(t, 0, 2 * 1440 + 1);
	for (int64_t from = 7; from < 2 * 1440; from += 397)
		for (int64_t until = from + 1; until < 2 * 1440; until += 773) {
			struct found found = read_span(t, "press", "active_energy_import", 60 * from, 60 * until);

			assert_int_equal(found.amount, value_at(until) - value_at(from));
			assert_false(found.is_from_estimated || found.is_until_estimated);
			assert_int_equal(found.measured_s, 60 * (until - from));
			assert_int_equal(tariff(t, 60 * from, 60 * until), value_at(until) / 2 - value_at(from) / 2);
		}
}

TEST_WITH(between_two_readings_the_value_is_interpolated, site_setup, site_teardown)
{
	struct site *t = *state;

	run_minutes(t, 0, 61);
	/* 5435 at 00:30 and 5465 at 00:31 */
	assert_int_equal(value_at(30), 5435);
	assert_int_equal(import(t, 0, 1800 + 20), 435 + 10);
	assert_int_equal(import(t, 1800 + 20, 1800 + 59), 19);
	assert_int_equal(import(t, 1800 + 59, 1860), 1);
}

TEST_WITH(nothing_is_reported_after_the_last_interval, site_setup, site_teardown)
{
	struct site *t = *state;

	run_minutes(t, 0, 40);
	assert_int_equal(import(t, 0, DAY), value_at(30) - value_at(0));
	assert_int_equal(import(t, 20 * 60, DAY), value_at(30) - value_at(20));
	assert_false(read_span(t, "press", "active_energy_import", 1860, 2400).has_amount);
}

TEST_WITH(without_readings_a_cut_interval_is_shared_out_and_covers_nothing, site_setup, site_teardown)
{
	struct site *t = *state;
	struct found found;

	run_minutes(t, 0, 200);
	assert_int_equal(db_exec(&t->db, "DELETE FROM reading_energy WHERE id >> 14 < 1767225600 + 7200"), 0);
	/* 00:45 to 01:00 has 780 Wh */
	assert_int_equal(value_at(60) - value_at(45), 780);
	found = read_span(t, "press", "active_energy_import", 50 * 60, 75 * 60);
	assert_int_equal(found.amount, 780 - 260 + value_at(75) - value_at(60));
	assert_true(found.is_from_estimated);
	assert_false(found.is_until_estimated);
	assert_int_equal(found.measured_s, 15 * 60);
	found = read_span(t, "press", "active_energy_import", 130 * 60, 140 * 60);
	assert_int_equal(found.amount, value_at(140) - value_at(130));
	assert_false(found.is_from_estimated || found.is_until_estimated);
	assert_int_equal(found.measured_s, 10 * 60);
}

TEST_WITH(a_meter_that_is_read_every_hour_is_cut_between_its_readings, site_setup, site_teardown)
{
	struct site *t = *state;

	t->meters[0].energy_every_s = 3600;
	t->conf.interval_s = 3600;
	reopen(t);
	for (int64_t hour = 0; hour <= 5; hour++)
		add(t, "press", T + 3600 * hour, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 5000 + 600 * hour * hour,
		    Q_COUNT);
	commit(t);
	assert_int_equal(import(t, 3600 + 1800, 7200 + 600), 900 + 500);
	assert_int_equal(import(t, 3600 + 1200, 3600 + 1800), 300);
}

TEST_WITH(an_exchange_inside_an_interval_is_cut_at_its_moment, site_setup, site_teardown)
{
	struct site *t = *state;
	int64_t final = 5080, initial = 7;

	run(t, 0, 420, 5000);
	request_replacement(t, "press", T + 481, &final, &initial);
	for (int64_t at = 540; at <= 1860; at += 60)
		add(t, "press", T + at, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, 7 + (at - 480) / 6, Q_COUNT);
	commit(t);
	assert_int_equal(import(t, 0, 420), 70);
	assert_int_equal(import(t, 420, 480), 10);
	assert_int_equal(import(t, 480, 600), 20);
	assert_int_equal(import(t, 0, 900), 150);
}

TEST_WITH(whole_months_and_days_are_those_of_the_views, site_setup, site_teardown)
{
	struct site *t = *state;

	strcpy(t->zone, "Europe/Paris");
	reopen(t);
	run(t, -40 * DAY, -38 * DAY, 70000);
	run(t, -37 * DAY, 3 * DAY, 70000);
	/* 2025-12-01 to 2026-01-03 in Paris */
	assert_int_equal(import(t, -31 * DAY - 3600, 2 * DAY - 3600),
			 strtoll(rows(t, "SELECT sum(base_value) FROM daily WHERE quantity = 'active_energy_import' "
					 "AND day BETWEEN '2025-12-01' AND '2026-01-02'"),
				 NULL, 10));
	assert_int_equal(import(t, -31 * DAY - 3600, -3600),
			 strtoll(rows(t, "SELECT base_value FROM monthly WHERE quantity = 'active_energy_import' "
					 "AND month = '2025-12'"),
				 NULL, 10));
}

/* Days with readings at odd moments, gaps, false values, exchanges, resets, another time zone, another length of
 * intervals; pulses of 10 l. */
static void run_at_random(struct site *t, int64_t end_s)
{
	int64_t at_s = 0, value = below(100000), pulses = below(1000), initial;

	while (at_s < end_s) {
		bool is_false = below(100) == 0;

		switch (below(400)) {
		case 0:
			at_s += below(2 * DAY);
			break;
		case 1:
			value = below(1000); /* a reset */
			break;
		case 2:
			commit(t);
			initial = value = below(1000);
			request_replacement(t, "press", T + at_s, NULL, below(2) ? &initial : NULL);
			break;
		case 3:
			t->conf.interval_s = below(2) ? 900 : 3600;
			reopen(t);
			break;
		case 4:
			strcpy(t->zone, below(2) ? "Europe/Paris" : "America/New_York");
			reopen(t);
			break;
		default:
			break;
		}
		add(t, "press", T + at_s, READING_GOOD, Q_ACTIVE_ENERGY_IMPORT, is_false ? below(200000) : value,
		    Q_ACTIVE_ENERGY_IMPORT_T1, value / 3, Q_COUNT);
		add(t, "pulses", T + at_s, READING_GOOD, Q_PULSES_2, pulses, Q_COUNT);
		if (below(20) == 0)
			commit(t);
		at_s += 60 * (1 + below(10)) + below(2) * below(60);
		value += below(300);
		pulses += below(5);
	}
	commit(t);
}

static void assert_add_up(const struct site *t, const char *meter, const char *quantity, int64_t a, int64_t b,
			  int64_t c)
{
	struct found first = read_span(t, meter, quantity, a, b), second = read_span(t, meter, quantity, b, c);

	assert_true(first.amount >= 0);
	assert_int_equal(first.amount + second.amount, read_span(t, meter, quantity, a, c).amount);
}

TEST_WITH(spans_that_meet_add_up_exactly, site_setup, site_teardown)
{
	struct site *t = *state;
	uint64_t start = seed();

	random_state = start;
	run_at_random(t, 40 * DAY);
	for (int i = 0; i < 24; i++) {
		int64_t a = below(44 * DAY) - 2 * DAY, b = a + below(20 * DAY), c = b + below(20 * DAY);

		if (i == 14)
			assert_int_equal(db_exec(&t->db,
						 "DELETE FROM reading_energy WHERE id >> 14 < 1767225600 + "
						 "20 * 86400; DELETE FROM slot WHERE ts < 1767225600 + 10 * 86400"),
					 0);
		if (i % 3 == 0)
			b = b / DAY * DAY - 3600;
		if (i % 5 == 0)
			c = c / 900 * 900;
		if (a >= b || b >= c)
			continue;
		assert_add_up(t, "press", "active_energy_import", a, b, c);
		assert_add_up(t, "press", "active_energy_import_t1", a, b, c);
		assert_add_up(t, "gas", "volume", a, b, c);
	}
	assert_int_equal(import(t, -10 * DAY, 60 * DAY),
			 strtoll(rows(t, "SELECT sum(active_energy_import) FROM kept_interval"), NULL, 10));
}

UNIT_MAIN(NULL, NULL)
