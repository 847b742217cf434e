/* SPDX-License-Identifier: MIT */
/* The heat of gas in any span, from a database that the ledger has written. */
#include "gas.h"

#include "chance.h"
#include "ledger_site.h"
#include "reader.h"
#include "unit.h"

enum { DAY = 86400, MINUTES = 5000 };

/* 10 l a minute for MINUTES, at 11.187654 kWh/m3 on the first two days and at 12 kWh/m3 from the third day on. */
static int set_up_gas(void **state)
{
	int rc = site_setup(state);
	struct site *t = *state;

	if (rc != 0)
		return rc;
	assert_int_equal(db_exec(&t->db, "DELETE FROM input_period; DELETE FROM meter_key"), 0);
	t->inputs[1].kind = CONF_GAS;
	t->inputs[1].calorific = 11187654;
	configure(t);
	for (int64_t i = 0; i <= MINUTES; i++) {
		if (i == 3000) {
			commit(t);
			t->inputs[1].calorific = 12000000;
			configure(t);
		}
		add(t, "pulses", T + 60 * i, READING_GOOD, Q_PULSES_2, 7 + i, Q_COUNT);
	}
	commit(t);
	return 0;
}

/* The heat in [from_s, until_s) after T; -1: the meter has none. */
static int64_t heat(const struct site *t, const char *meter, int64_t from_s, int64_t until_s)
{
	struct gas g = {.n = 0};
	struct err e = {0};
	struct reader *r = reader_open(t->path, &e);
	int64_t wh = -1;
	bool has_heat;

	assert_non_null(r);
	assert_int_equal(gas_read(&g, r), 0);
	assert_int_equal(gas_heat(&g, r, meter, T + from_s, T + until_s, &has_heat, &wh), 0);
	assert_int_equal(has_heat, wh != -1);
	gas_free(&g);
	reader_close(r);
	return wh;
}

TEST_WITH(heat_is_volume_times_calorific_value, set_up_gas, site_teardown)
{
	const struct site *t = *state;

	/* 150 l, 14400 l; from the third day on 600 l */
	assert_int_equal(heat(t, "gas", 0, 900), 1678);
	assert_int_equal(heat(t, "gas", 0, DAY), 161102);
	assert_int_equal(heat(t, "gas", 2 * DAY, 2 * DAY + 3600), 7200);
	assert_int_equal(heat(t, "gas", DAY, 2 * DAY + 3600), 161102 + 7200);
	assert_int_equal(heat(t, "lighting", 0, DAY), -1);
}

TEST_WITH(heat_of_spans_that_meet_adds_up, set_up_gas, site_teardown)
{
	const struct site *t = *state;

	random_state = seed();
	for (int i = 0; i < 8; i++) {
		int64_t a = below(MINUTES * 60), b = a + below(MINUTES * 60 - a + 1),
			c = b + below(MINUTES * 60 - b + 1);

		assert_int_equal(heat(t, "gas", a, b) + heat(t, "gas", b, c), heat(t, "gas", a, c));
	}
}

UNIT_MAIN(NULL, NULL)
