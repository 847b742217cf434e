/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf_site.h"
#include "driver.h"
#include "unit.h"

/* Nothing twice */

TEST_WITH(address_is_used_once_on_a_bus, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS METER "[meter n]\nmodel = meter\naddress = 1\n",
			   "site/bus.d/a.ini:8: address = 1 is used twice on this bus (first by meter m in line 3); "
			   "give each meter its own\n");
}

#define LOADS_MODEL MODEL_HEAD "provenance = driver\nloads = 4\nstride = 100\n" MODEL_ROWS

TEST_WITH(loads_of_one_device_have_one_address, site_set_up, site_tear_down)
{
	site_put("drivers/loads.ini", LOADS_MODEL);
	assert_bus_taken(BUS "[meter a]\nmodel = loads\naddress = 7\n[meter b]\nmodel = loads\naddress = 7\nload = 2\n"
			     "[meter c]\nmodel = loads\naddress = 7\nload = 4\n[meter d]\nmodel = loads\naddress = 8\n",
			 "");
	assert_int_equal(site_conf->buses[0].meters[0].driver->rows[0].address, 0);
	assert_int_equal(site_conf->buses[0].meters[1].driver->rows[0].address, 100);
	assert_int_equal(site_conf->buses[0].meters[2].driver->rows[0].address, 300);
	assert_ptr_equal(site_conf->buses[0].meters[3].driver, site_conf->buses[0].meters[0].driver);
}

TEST_WITH(a_load_is_one_that_the_model_has_and_is_used_once, site_set_up, site_tear_down)
{
	site_put("drivers/loads.ini", LOADS_MODEL);
	assert_bus_refused(
		BUS METER "[meter a]\nmodel = loads\naddress = 7\nload = 2\n"
			  "[meter b]\nmodel = loads\naddress = 7\nload = 2\n"
			  "[meter c]\nmodel = loads\naddress = 7\n[meter d]\nmodel = loads\naddress = 7\n"
			  "[meter e]\nmodel = loads\naddress = 8\nload = 5\n"
			  "[meter f]\nmodel = meter\naddress = 9\nload = 2\n"
			  "[meter g]\nmodel = meter\naddress = 7\n",
		"site/bus.d/a.ini:13: address = 7, load = 2 is used twice on this bus (first by meter a in line "
		"6); give each meter its own load\n"
		"site/bus.d/a.ini:19: address = 7 is used twice on this bus (first by meter c in line 14); give "
		"each meter its own, or a load of its own\n"
		"site/bus.d/a.ini:30: address = 7 is used twice on this bus (first by meter a in line 6); give "
		"each meter its own\n"
		"site/bus.d/a.ini:23: load = 5 is not valid for a loads; it has 4 loads\n"
		"site/bus.d/a.ini:27: load = 2 is not valid for a meter, which measures one load; remove load\n"
		"warning: site/bus.d/a.ini:1: 4 devices are too many on 1 segment; use at most 3, a segment "
		"with a meter carries 3\n");
}

TEST_WITH(address_0_is_a_meter_that_is_connected_by_tcp_itself, site_set_up, site_tear_down)
{
	assert_bus_taken("[bus]\ntransport = tcp\nhost = gateway\n[meter m]\nmodel = meter\naddress = 0\n", "");
	assert_bus_refused(
		BUS "[meter m]\nmodel = meter\naddress = 0\n",
		"site/bus.d/a.ini:5: address = 0 is for one meter that is connected by transport = tcp; use 1 "
		"to 255, as set at the meter\n");
	assert_bus_refused(
		"[bus]\ntransport = rtu-over-tcp\nhost = gateway\n[meter m]\nmodel = meter\naddress = 0\n",
		"site/bus.d/a.ini:6: address = 0 is for one meter that is connected by transport = tcp; use 1 "
		"to 255, as set at the meter\n");
	assert_bus_refused(
		"[bus]\ntransport = tcp\nhost = gateway\n[meter m]\nmodel = meter\naddress = 0\n"
		"[meter n]\nmodel = meter\naddress = 00\n",
		"site/bus.d/a.ini:9: address = 0 is used twice on this bus (first by meter m in line 4); give "
		"each meter its own\n");
}

TEST_WITH(name_is_used_once_on_all_buses, site_set_up, site_tear_down)
{
	site_put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS91\n[meter n]\nmodel = meter\naddress = 1\n" PULSES
				     "[input m]\nconcentrator = p\ninput = 1\npulse = 1 Wh\n");
	assert_bus_refused(BUS METER "[meter n]\nmodel = meter\naddress = 2\n",
			   "site/bus.d/b.ini:10: duplicate name m (first used at site/bus.d/a.ini:3); names are unique "
			   "across meters and inputs\n"
			   "site/bus.d/b.ini:3: duplicate name n (first used at site/bus.d/a.ini:6); names are unique "
			   "across meters and inputs\n");
}

TEST_WITH(port_is_used_once_by_whatever_name, site_set_up, site_tear_down)
{
	site_put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS90\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_refused(BUS METER, "site/bus.d/b.ini:2: device = /dev/ttyS90 is used twice (first by bus a); give "
				      "each bus its own port\n");
	site_put("site/bus.d/b.ini", "[bus]\ndevice = /dev/../dev/null\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_refused("[bus]\ndevice = /dev/null\n" METER,
			   "site/bus.d/b.ini:2: device = /dev/../dev/null is used twice (first by bus a); give each "
			   "bus its own port\n");
}

TEST_WITH(gateway_is_used_once, site_set_up, site_tear_down)
{
	site_put("site/bus.d/b.ini",
		 "[bus]\ntransport = rtu-over-tcp\nhost = GATEWAY\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_refused("[bus]\ntransport = tcp\nhost = gateway\nport = 502\n" METER,
			   "site/bus.d/b.ini:3: host = GATEWAY, port = 502 is used twice (first by bus a); give each "
			   "bus its own gateway or port\n");
	assert_bus_taken("[bus]\ntransport = tcp\nhost = gateway\nport = 503\n" METER, "");
}

TEST_WITH(input_is_used_once_on_a_concentrator, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n"
				      "[input j]\nconcentrator = p\ninput = 1\npulse = 1 l\n",
			   "site/bus.d/a.ini:13: input = 1 is used twice on this concentrator (first by input i in "
			   "line 7); give each its own\n");
}

/* Models */

TEST_WITH(unknown_model_names_the_nearest_one, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS "[meter m]\nmodel = metre\naddress = 1\n",
			   "site/bus.d/a.ini:4: unknown model metre; did you mean meter? (tally models lists all)\n");
	assert_bus_refused(
		BUS "[meter m]\nmodel = e44\naddress = 1\n",
		"site/bus.d/a.ini:4: unknown model e44; use one of meter, broken, pulses, relative, any-speed, "
		"transformer\n");
}

TEST_WITH(model_may_be_written_as_on_its_plate, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS "[meter m]\nmodel = METER\naddress = 1\n", "");
	assert_string_equal(site_conf->buses[0].meters[0].model, "meter");
}

TEST_WITH(names_that_differ_in_capital_letters_only_are_a_warning, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS METER "[meter M]\nmodel = meter\naddress = 2\n",
			 "warning: site/bus.d/a.ini:3: names m and M (site/bus.d/a.ini:6) differ in capital letters "
			 "only; spreadsheets take them for one\n");
}

TEST_WITH(missing_driver_directory_is_named, site_set_up, site_tear_down)
{
	site_put("site/tallyd.ini", "[drivers]\npath = nowhere:empty\n");
	assert_bus_refused(
		BUS METER,
		"site/bus.d/a.ini:4: unknown model meter; no models found in nowhere:empty, the path in [drivers]\n");
}

TEST_WITH(speed_that_the_model_lacks_is_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS "baud = 19200\n" METER,
			   "site/bus.d/a.ini:3: baud = 19200 is not valid for meter m, a meter; use 4800 or 9600\n");
	assert_bus_taken(BUS "baud = 19200\n[meter m]\nmodel = any-speed\naddress = 1\n", "");
}

TEST_WITH(speed_behind_a_tcp_gateway_may_be_given, site_set_up, site_tear_down)
{
	site_put("drivers/slow.ini", MODEL_HEAD "provenance = vendor table\nbaud = 1200\n" MODEL_ROWS);
	assert_bus_taken("[bus]\ntransport = tcp\nhost = h\n[meter m]\nmodel = slow\naddress = 1\n", "");
	assert_int_equal(site_conf->buses[0].baud, 0);
	assert_bus_taken("[bus]\ntransport = tcp\nhost = h\nbaud = 1200\n[meter m]\nmodel = slow\naddress = 1\n", "");
	assert_int_equal(site_conf->buses[0].baud, 1200);
	assert_bus_refused("[bus]\ntransport = tcp\nhost = h\nbaud = 9600\n[meter m]\nmodel = slow\naddress = 1\n",
			   "site/bus.d/a.ini:4: baud = 9600 is not valid for meter m, a slow; use 1200\n");
}

TEST_WITH(address_that_the_model_lacks_is_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS "[meter m]\nmodel = meter\naddress = 248\n",
			   "site/bus.d/a.ini:5: address = 248 is not valid for a meter; use 1 to 247\n");
}

TEST_WITH(address_may_be_above_247_where_the_model_has_such, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS "[meter m]\nmodel = any-speed\naddress = 255\n", "");
	assert_int_equal(site_conf->buses[0].meters[0].address, 255);
}

TEST_WITH(ratios_are_for_models_that_ask_for_them, site_set_up, site_tear_down)
{
	assert_bus_refused(
		BUS METER "ct = 400/5\nvt = 20000/100\n",
		"site/bus.d/a.ini:6: ct = 400/5 is not valid for a meter, which knows its ratios itself; remove ct\n"
		"site/bus.d/a.ini:7: vt = 20000/100 is not valid for a meter, which knows its ratios itself; remove "
		"vt\n");
	assert_bus_taken(BUS "[meter m]\nmodel = transformer\naddress = 1\nct = 400/5\nvt = 20000/100\n", "");
	assert_int_equal(site_conf->buses[0].meters[0].ct_primary, 400);
	assert_int_equal(site_conf->buses[0].meters[0].ct_secondary, 5);
	assert_int_equal(site_conf->buses[0].meters[0].vt_primary, 20000);
	assert_int_equal(site_conf->buses[0].meters[0].vt_secondary, 100);
}

TEST_WITH(a_missing_ct_is_an_error_that_does_not_keep_the_site_from_being_read, site_set_up, site_tear_down)
{
	site_put("site/bus.d/a.ini", BUS "[meter m]\nmodel = transformer\naddress = 1\nvt = 20000/100\n");
	site_load();
	assert_string_equal(site_complaints,
			    "site/bus.d/a.ini:3: key ct is missing in [meter m], a transformer; use the ratio of its "
			    "transformers such as 400/5, or 1/1 without any; until then its counters are kept and not "
			    "counted, unless they were counted at 1/1 before\n");
	assert_non_null(site_conf);
	assert_int_equal(site_conf->n_ct_errors, 1);
	assert_true(site_conf->buses[0].meters[0].lacks_ct);
	assert_int_equal(site_conf->buses[0].meters[0].ct_primary, 1);
	assert_bus_taken(BUS "[meter m]\nmodel = transformer\naddress = 1\nct = 1/1\n", "");
	assert_false(site_conf->buses[0].meters[0].lacks_ct);
}

TEST_WITH(timeouts_shorter_than_the_model_needs_are_a_warning, site_set_up, site_tear_down)
{
	site_put("drivers/slow.ini", MODEL_HEAD "provenance = vendor table\nturnaround = 300ms\n" MODEL_ROWS);
	assert_bus_taken(BUS "response_timeout = 449ms\n[meter m]\nmodel = slow\naddress = 1\n",
			 "warning: site/bus.d/a.ini:3: response_timeout = 449ms may be too short for meter m, a slow, "
			 "which usually takes 300ms to answer; use at least 450ms\n");
	assert_bus_taken(
		BUS "response_timeout = 100ms\n[meter m]\nmodel = slow\naddress = 1\nresponse_timeout = 450ms\n", "");
	assert_bus_taken(BUS "[meter m]\nmodel = slow\naddress = 1\nresponse_timeout = 300ms\n",
			 "warning: site/bus.d/a.ini:6: response_timeout = 300ms may be too short for meter m, a slow, "
			 "which usually takes 300ms to answer; use at least 450ms\n");
}

TEST_WITH(unconfirmed_tables_are_a_warning, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS "[meter m]\nmodel = relative\naddress = 1\n[meter p]\nmodel = pulses\naddress = 2\n",
			 "warning: site/bus.d/a.ini:3: meter m: the register table of a relative is a sibling's and "
			 "not confirmed; compare it with the device (tally probe m), then set confirmed = yes\n"
			 "warning: site/bus.d/a.ini:6: meter p: the register table of a pulses is inferred and not "
			 "confirmed; compare it with the device (tally probe p), then set confirmed = yes\n");
	assert_bus_taken(BUS "[meter m]\nmodel = relative\naddress = 1\nconfirmed = yes\n", "");
	assert_true(site_conf->buses[0].meters[0].confirmed);
}

TEST_WITH(overfull_segments_are_a_warning, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS METER PULSES "[meter n]\nmodel = meter\naddress = 3\n",
			 "warning: site/bus.d/a.ini:1: 3 devices are too many on 1 segment; use at most 2, a segment "
			 "with a pulses carries 2\n");
	assert_bus_taken(BUS "repeaters = 1\n" METER PULSES "[meter n]\nmodel = meter\naddress = 3\n", "");
}

TEST_WITH(meters_of_one_model_share_its_table, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS METER "[meter n]\nmodel = meter\naddress = 3\n", "");
	assert_non_null(site_conf->buses[0].meters[0].driver);
	assert_ptr_equal(site_conf->buses[0].meters[0].driver, site_conf->buses[0].meters[1].driver);
}

TEST_WITH(shadowed_driver_files_are_a_warning, site_set_up, site_tear_down)
{
	assert_int_equal(mkdir("own", 0700), 0);
	site_put("own/meter.ini", MODEL_HEAD "provenance = vendor table\n" MODEL_ROWS);
	site_put("site/tallyd.ini", "[drivers]\npath = own:drivers\n");
	assert_bus_taken(BUS METER,
			 "warning: own/meter.ini: used instead of drivers/meter.ini, which has the same name\n");
	assert_string_equal(site_conf->buses[0].meters[0].driver->file, "own/meter.ini");
}

TEST_WITH(a_bad_driver_file_takes_down_its_own_meters_only, site_set_up, site_tear_down)
{
	site_put("site/bus.d/a.ini",
		 BUS METER "[meter n]\nmodel = broken\naddress = 2\n[meter o]\nmodel = broken\naddress = 3\n");
	site_load();
	assert_non_null(strstr(site_complaints, "drivers/broken.ini:7: "));
	assert_non_null(strstr(site_complaints, "warning: site/bus.d/a.ini:6: meter n is not polled: the register "
						"table of broken has errors; correct it\n"));
	assert_non_null(site_conf);
	assert_int_equal(site_conf->n_driver_errors, 1);
	assert_non_null(site_conf->buses[0].meters[0].driver);
	assert_null(site_conf->buses[0].meters[1].driver);
	assert_null(site_conf->buses[0].meters[2].driver);
}

TEST_WITH(a_site_of_bad_driver_files_only_is_refused, site_set_up, site_tear_down)
{
	site_put("site/bus.d/a.ini", BUS "[meter n]\nmodel = broken\naddress = 2\n");
	site_load();
	assert_non_null(strstr(site_complaints, "drivers/broken.ini:7: "));
	assert_null(site_conf);
}

TEST_WITH(another_fault_beside_a_bad_driver_file_refuses, site_set_up, site_tear_down)
{
	site_put("site/bus.d/a.ini", BUS "retries = x\n" METER "[meter n]\nmodel = broken\naddress = 2\n");
	site_load();
	assert_non_null(strstr(site_complaints, "site/bus.d/a.ini:3: retries = x is not valid; use 0 to 10\n"));
	assert_null(site_conf);
}

UNIT_MAIN(NULL, NULL)
