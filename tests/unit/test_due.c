/* SPDX-License-Identifier: MIT */
#include "due.h"

#include "driver.h"
#include "unit.h"

/* The slots of a meter read for energy and for power this often; it starts at one second. */
static struct due slots_of(struct conf_meter *conf, uint32_t energy_every_s, uint32_t power_every_s)
{
	struct due d;

	*conf = (struct conf_meter){.energy_every_s = energy_every_s, .power_every_s = power_every_s};
	due_init(&d, conf, 1000);
	return d;
}

TEST(slots_are_whole_multiples_of_the_period_on_the_clock)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 0, 7);

	assert_false(due_has(&d, 6999));
	assert_true(due_has(&d, 7000));
	assert_int_equal(due_since_ms(&d, 9000), 7000);
	assert_int_equal(due_take(&d, 9000), DRIVER_POWER);
	assert_int_equal(d.slot_s, 7);
	assert_false(due_has(&d, 13999));
	assert_true(due_has(&d, 14000));
}

TEST(energy_and_power_due_at_one_moment_are_taken_together)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 60, 10);

	assert_int_equal(due_take(&d, 60000), DRIVER_ENERGY | DRIVER_POWER);
	assert_int_equal(d.slot_s, 60);
	assert_int_equal(d.wanted, DRIVER_ENERGY | DRIVER_POWER);
}

TEST(energy_and_power_due_at_different_moments_are_taken_apart)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 15, 10);

	assert_int_equal(due_since_ms(&d, 21000), 10000);
	assert_int_equal(due_take(&d, 21000), DRIVER_ENERGY);
	assert_int_equal(d.slot_s, 15);
	assert_int_equal(due_take(&d, 21000), DRIVER_POWER);
	assert_int_equal(d.slot_s, 20);
	assert_int_equal(due_take(&d, 21000), 0);
	assert_int_equal(d.wanted, 0);
	assert_int_equal(d.slot_s, 20);
}

TEST(a_meter_without_periods_is_never_due)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 0, 0);

	assert_false(due_has(&d, INT64_C(1000000000000000)));
	assert_int_equal(due_take(&d, INT64_C(1000000000000000)), 0);
}

TEST(a_slot_without_any_answer_is_due_again)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 60, 10);

	due_take(&d, 60000);
	due_give_back(&d, DRIVER_ENERGY);
	assert_int_equal(due_take(&d, 61000), DRIVER_ENERGY);
	due_give_back(&d, DRIVER_ENERGY | DRIVER_POWER);
	assert_int_equal(due_take(&d, 61000), DRIVER_ENERGY | DRIVER_POWER);
	assert_int_equal(d.slot_s, 60);
}

TEST(power_due_during_its_own_round_is_lost_and_that_of_others_waits)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 0, 10);

	assert_false(due_skip(&d, true, 9000));
	assert_false(due_skip(&d, false, 10000));
	assert_true(due_has(&d, 10000));
	assert_true(due_skip(&d, true, 10000));
	assert_false(due_has(&d, 10000));
	assert_false(due_skip(&d, true, 10100));
}

TEST(energy_due_during_a_round_waits_until_the_next_slot)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 10, 0);

	assert_false(due_skip(&d, true, 10000));
	assert_true(due_has(&d, 10000));
	assert_true(due_skip(&d, true, 20000));
	assert_int_equal(due_since_ms(&d, 20000), 20000);
	assert_int_equal(due_take(&d, 21000), DRIVER_ENERGY);
	assert_int_equal(d.slot_s, 20);
}

TEST(slots_follow_a_clock_that_is_set_back)
{
	struct conf_meter conf;
	struct due d = slots_of(&conf, 0, 10);

	due_take(&d, 90000);
	assert_false(due_has(&d, 50000));
	due_start(&d, 45000);
	assert_false(due_has(&d, 49999));
	assert_true(due_has(&d, 50000));
}

TEST(slots_taken_before_a_reload_stay_taken)
{
	struct conf_meter conf;
	struct due old = slots_of(&conf, 60, 10), d = slots_of(&conf, 60, 10);

	due_take(&old, 60000);
	due_give_back(&old, DRIVER_POWER);
	due_inherit(&d, &old);
	assert_int_equal(due_take(&d, 61000), DRIVER_POWER);
	assert_int_equal(d.slot_s, 60);
}

UNIT_MAIN(NULL, NULL)
