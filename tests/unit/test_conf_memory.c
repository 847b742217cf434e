/* SPDX-License-Identifier: MIT */
/* A configuration that cannot be read for lack of memory is not a wrong one: the daemon may try again. */
#include <limits.h>
#include <string.h>

#include "conf.h"
#include "conf_load.h"
#include "conf_site.h"
#include "err.h"
#include "refuse_memory.h"
#include "unit.h"

static struct conf *load(unsigned long at, struct err *e)
{
	struct conf *conf;

	refuse_memory(at, false);
	conf = conf_load("site", e);
	return conf;
}

TEST_WITH(a_failed_allocation_is_reported_as_such_or_the_configuration_is_whole, site_set_up, site_tear_down)
{
	unsigned long n_all, n_refused = 0;
	struct err e = {0};
	struct conf *conf;

	(void)state;
	if (!CAN_REFUSE_MEMORY)
		skip();
	site_put("site/bus.d/a.ini", BUS METER PULSES "[input x]\nconcentrator = p\ninput = 1\npulse = 10 Wh\n"
						      "[meter n]\nmodel = any-speed\naddress = 9\nlabel = Hall\n");
	conf = load(ULONG_MAX, &e);
	n_all = refused.n;
	refuse_memory(0, false);
	assert_non_null(conf);
	assert_int_equal(e.n_errors, 0);
	assert_false(e.out_of_memory);
	conf_free(conf);
	err_fini(&e);
	for (unsigned long at = 1; at <= n_all; at++) {
		conf = load(at, &e);
		refuse_memory(0, false);
		if (conf == NULL && !e.out_of_memory)
			fail_msg("allocation %lu: %s", at, e.n_items > 0 ? e.items[0].text : "no error");
		if (conf != NULL && !e.out_of_memory && (e.n_errors != 0 || conf->buses[0].n_meters != 3))
			fail_msg("allocation %lu: %s", at, e.n_items > 0 ? e.items[0].text : "a meter is missing");
		n_refused += conf == NULL;
		conf_free(conf);
		err_fini(&e);
	}
	print_message("%lu allocations, %lu refused\n", n_all, n_refused);
	assert_true(n_refused > 10);
}

UNIT_MAIN(NULL, NULL)
