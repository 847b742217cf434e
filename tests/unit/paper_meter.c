/* SPDX-License-Identifier: MIT */
#include "paper_meter.h"

#include <string.h>

#include "err.h"

static const char model[] = "[model]\nformat = 1\ntitle = Test\nvendor = V\nsource = S\nprovenance = vendor table\n"
			    "[block e]\naddress = 100\nwords = 20\ngaps = yes\n"
			    "[block i]\naddress = 500\nwords = 20\ngaps = yes\n"
			    "[registers]\n"
			    "active_energy_import = 100 u32 10 Wh energy\n"
			    "active_energy_import = 300 u32 1000 Wh energy fallback\n"
			    "active_energy_export = 104 u32 10 Wh energy\n"
			    "active_power = 200 s32 1 W power\n"
			    "maker = 500 text:2 - - identity expect=SOCO\n"
			    "serial_number = 508 hex:2 - - identity\n";

struct driver *paper_driver;
struct conf_meter paper_conf;

int paper_meter_set_up(void **state)
{
	struct err e = {0};

	(void)state;
	paper_driver = driver_parse("test.ini", model, strlen(model), &e);
	err_print(&e, stderr);
	err_fini(&e);
	paper_conf = (struct conf_meter){.name = "m",
					 .driver = paper_driver,
					 .address = 5,
					 .ct_primary = 1,
					 .ct_secondary = 1,
					 .vt_primary = 1,
					 .vt_secondary = 1,
					 .response_timeout_ms = 1000,
					 .retries = 1};
	return paper_driver == NULL ? -1 : 0;
}

int paper_meter_tear_down(void **state)
{
	(void)state;
	driver_free(paper_driver);
	return 0;
}

void paper_answer(struct asking *a, enum link_status status, uint8_t exception)
{
	a->job.n_done = a->job.n_requests;
	for (size_t i = 0; i < a->job.n_requests; i++)
		a->job.replies[i] = (struct link_reply){.status = status, .exception = exception, .latency_us = 40000};
}
