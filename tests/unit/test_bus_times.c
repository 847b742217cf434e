/* SPDX-License-Identifier: MIT */
#include "../../daemon/line/bus.c"
#include "slave.h"
#include "unit.h"

static unsigned n_wakes;

static void count_wake(void *context)
{
	(void)context;
	n_wakes++;
}

/* A gateway that refuses, without a worker: the test opens the line itself. */
TEST(the_pause_doubles_up_to_half_a_minute_and_the_failure_is_reported_once)
{
	static const int64_t pauses_us[] = {500000, 1000000, 2000000, 4000000, 8000000, 16000000, 30000000, 30000000};
	struct bus b = {.wake = count_wake};
	struct conf_bus conf;
	struct slave slave;
	int64_t before_us;

	slave_init(&slave, CONF_TCP);
	conf = slave_conf(&slave);
	close(slave.listener);
	slave.listener = -1;
	b.conf = &conf;
	b.link = link_new(&conf);
	init_locks(&b);
	for (size_t i = 0; i < sizeof(pauses_us) / sizeof(pauses_us[0]); i++) {
		before_us = mono_us();
		assert_false(open_line(&b));
		assert_in_range(b.next_open_us, before_us + pauses_us[i], mono_us() + pauses_us[i]);
	}
	assert_int_equal(n_wakes, 1);
	link_free(b.link);
	slave_fini(&slave);
}

UNIT_MAIN(NULL, NULL)
