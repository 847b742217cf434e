/* SPDX-License-Identifier: MIT */
#include "ledger_copy.h"
#include "unit.h"

static const int64_t T = 1767225600; /* 2026-01-01T00:00:00Z */

enum { PRESS = 3, PULSES = 5, GAS = 9, LIGHTS = 10 }; /* ids */

/* An account of four meters by their ids, and a copy of it. */
struct bench {
	struct calendar calendar;
	struct account account;
	struct account_limits limits;
	struct account_meter press, pulses, gas, lights;
	struct ledger_copy copy;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	calendar_init(&b->calendar, 900);
	b->account = (struct account){.calendar = &b->calendar};
	for (int q = 0; q < Q_COUNT; q++)
		b->limits.of[q] = (struct account_limit){.step = 1, .per_hour = 100000};
	b->press = (struct account_meter){.id = PRESS, .limits = &b->limits};
	b->pulses = (struct account_meter){.id = PULSES, .limits = &b->limits};
	b->gas = (struct account_meter){.id = GAS, .limits = &b->limits};
	b->lights = (struct account_meter){.id = LIGHTS, .limits = &b->limits};
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	account_fini(&b->press);
	account_fini(&b->pulses);
	account_fini(&b->gas);
	account_fini(&b->lights);
	ledger_copy_fini(&b->copy);
	free(b);
	return 0;
}

static void count(struct bench *b, struct account_meter *m, enum quantity q, int64_t at_s, int64_t value)
{
	struct account_value v = {.quantity = q, .value = value};

	assert_int_equal(account_feed(&b->account, m, &(struct account_when){.slot_s = T + at_s}, &v, 1), 0);
	assert_false(v.suspect);
}

/* Inputs belong to a period that began at T - 3600. */
static void copy_all(struct bench *b)
{
	const struct account_meter *meters[] = {&b->press, &b->pulses, &b->gas, &b->lights};

	assert_int_equal(ledger_copy_fit(&b->copy, 4), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			ledger_copy_set_meter(&b->copy, i, meters[i], i < 2 ? INT64_MIN : T - 3600, i == 0 ? "A1" : ""),
			0);
}

static bool is_plausible(const struct bench *b, int64_t meter, enum quantity q, int64_t at_s, int64_t value)
{
	struct reading r = {.meter = meter, .slot_s = T + at_s};

	reading_set(&r, q, value);
	return ledger_copy_judge(&b->copy, &r, -1) != READING_IS_UNLIKELY;
}

TEST_WITH(an_empty_copy_answers_every_question_with_yes, setup, teardown)
{
	struct bench *b = *state;

	assert_true(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 0, -5));
	assert_string_equal(ledger_copy_serial(&b->copy, PRESS), "");
}

TEST_WITH(a_value_is_judged_by_the_last_one_counted, setup, teardown)
{
	struct bench *b = *state;

	count(b, &b->press, Q_ACTIVE_ENERGY_IMPORT, 0, 5000);
	copy_all(b);
	assert_true(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 60, 5010));
	assert_false(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 60, 4990));
	assert_false(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 60, 900000));
	/* a slot that was taken, a counter that is new, a value that is no counter, an unknown meter */
	assert_true(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 0, 4990));
	assert_true(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_EXPORT, 60, 7));
	assert_true(is_plausible(b, PRESS, Q_ACTIVE_POWER, 60, -7));
	assert_true(is_plausible(b, 4, Q_ACTIVE_ENERGY_IMPORT, 60, 4990));
}

TEST_WITH(a_copy_does_not_change_while_the_account_works, setup, teardown)
{
	struct bench *b = *state;

	count(b, &b->press, Q_ACTIVE_ENERGY_IMPORT, 0, 5000);
	copy_all(b);
	count(b, &b->press, Q_ACTIVE_ENERGY_IMPORT, 60, 6000);
	account_fini(&b->press);
	b->limits.of[Q_ACTIVE_ENERGY_IMPORT].per_hour = 0;
	assert_true(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 120, 5010));
	assert_false(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 120, 4990));
	copy_all(b);
	assert_true(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 120, 4990));
}

/* The life counts tenths, the table is read in 3600 parts. */
TEST_WITH(a_value_is_judged_in_the_parts_of_its_life, setup, teardown)
{
	struct bench *b = *state;
	struct reading r = {.meter = PRESS, .slot_s = T + 60, .parts = 3600};

	b->limits.of[Q_ACTIVE_ENERGY_IMPORT].parts = 10;
	count(b, &b->press, Q_ACTIVE_ENERGY_IMPORT, 0, 50000);
	copy_all(b);
	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, INT64_C(5001) * 3600 + 360);
	assert_true(ledger_copy_judge(&b->copy, &r, -1) != READING_IS_UNLIKELY);
	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, INT64_C(4999) * 3600 + 3240);
	assert_false(ledger_copy_judge(&b->copy, &r, -1) != READING_IS_UNLIKELY);
	reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, 50010);
	assert_false(ledger_copy_judge(&b->copy, &r, -1) != READING_IS_UNLIKELY);
}

TEST_WITH(a_rollover_is_plausible_at_the_modulus_of_the_copy, setup, teardown)
{
	struct bench *b = *state;

	b->limits.of[Q_ACTIVE_ENERGY_IMPORT].modulus_read = true;
	b->press.counter_max = 9999;
	count(b, &b->press, Q_ACTIVE_ENERGY_IMPORT, 0, 9990);
	copy_all(b);
	assert_true(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 60, 5));
}

TEST_WITH(the_count_of_an_input_is_judged_with_the_weight_of_its_period, setup, teardown)
{
	struct bench *b = *state;
	struct ledger_copy_input gas = {.meter = 2,
					.concentrator = 1,
					.from_s = T - 3600,
					.until_s = T + 3600,
					.weight = 10,
					.pulses = Q_PULSES_2,
					.quantity = Q_VOLUME};
	struct ledger_copy_input lights = gas;

	lights.meter = 3;
	lights.from_s = T - 7200; /* another period than that of its life: what comes begins a new one */
	lights.pulses = Q_PULSES_1;
	count(b, &b->gas, Q_VOLUME, 0, 700);
	count(b, &b->lights, Q_VOLUME, 0, 700);
	copy_all(b);
	assert_int_equal(ledger_copy_fit_inputs(&b->copy, 2), 0);
	ledger_copy_set_input(&b->copy, 0, &gas);
	ledger_copy_set_input(&b->copy, 1, &lights);
	assert_true(is_plausible(b, PULSES, Q_PULSES_2, 60, 71));
	assert_false(is_plausible(b, PULSES, Q_PULSES_2, 60, 69));
	assert_true(is_plausible(b, PULSES, Q_PULSES_2, 3600, 69));
	assert_true(is_plausible(b, PULSES, Q_PULSES_1, 60, 69));
	assert_true(is_plausible(b, PRESS, Q_PULSES_2, 60, 69));
	assert_true(is_plausible(b, PULSES, Q_PULSES_2, 60, INT64_MAX / 5));
}

TEST_WITH(the_serial_number_comes_from_the_copy, setup, teardown)
{
	struct bench *b = *state;

	copy_all(b);
	assert_string_equal(ledger_copy_serial(&b->copy, PRESS), "A1");
	assert_string_equal(ledger_copy_serial(&b->copy, GAS), "");
	assert_string_equal(ledger_copy_serial(&b->copy, 4), "");
}

TEST_WITH(a_copy_allocates_nothing_while_nothing_grows, setup, teardown)
{
	struct bench *b = *state;
	const struct ledger_copy_meter *meters;
	const struct account_mark *marks;

	count(b, &b->press, Q_ACTIVE_ENERGY_IMPORT, 0, 5000);
	copy_all(b);
	meters = b->copy.meters;
	marks = meters[0].marks;
	count(b, &b->press, Q_ACTIVE_ENERGY_IMPORT, 60, 5010);
	copy_all(b);
	assert_ptr_equal(b->copy.meters, meters);
	assert_ptr_equal(b->copy.meters[0].marks, marks);
	assert_false(is_plausible(b, PRESS, Q_ACTIVE_ENERGY_IMPORT, 120, 5000));
}

UNIT_MAIN(NULL, NULL)
