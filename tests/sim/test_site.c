/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "site.h"
#include "unit.h"

#define DRIVERS "[site]\ndrivers = " SOURCE_DIR "/drivers\n"
#define BUS	"[bus gw]\ntransport = tcp\n[bus hall]\ntransport = rtu\npath = /tmp/hall\nbaud = 4800\n"
#define METER	"[meter m1]\nbus = hall\nmodel = countis-e43\naddress = 5\n"

static char file[] = "/tmp/tally-sim-test-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static struct site *load(const char *text, struct err *e)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return site_load(file, e);
}

/* The text gets exactly one complaint, and it begins like this. */
static void assert_complaint(const char *text, unsigned line, const char *complaint)
{
	struct err e = {0};
	char start[256];

	assert_null(load(text, &e));
	assert_int_equal(e.n_items, 1);
	snprintf(start, sizeof(start), "%s:%u: %s", file, line, complaint);
	if (strncmp(e.items[0].text, start, strlen(start)) != 0)
		fail_msg("'%s' does not begin with '%s'", e.items[0].text, start);
	err_fini(&e);
}

TEST(a_good_site_is_read)
{
	struct err e = {0};
	struct site *s = load(DRIVERS "speed = 60\nhold = 500ms\nstart = 1700000000\n" BUS METER
				      "shape = office\nbase = 1.5 kW\npf = -0.9\nlacks = 50944-51008, 40481\n"
				      "tariffs = 06:00 1, 22:00 2\nactive_energy_import = 9999999.99 kWh\n"
				      "frequency = na\nserial_number = 0815\n"
				      "[fault f]\nkind = exception-4\nrate = 2.5%\nmeters = m1\n",
			      &e);

	err_print(&e, stderr);
	assert_non_null(s);
	assert_int_equal(s->speed, 60);
	assert_int_equal(s->hold_ms, 500);
	assert_int_equal(s->n_buses, 2);
	assert_int_equal(s->buses[1].baud, 4800);
	assert_int_equal(s->meters[0].bus, 1);
	assert_int_equal(s->meters[0].load.base_mw, 1500000);
	assert_int_equal(s->meters[0].load.power_factor, -900);
	assert_int_equal(s->meters[0].lacks[0].last, 51008);
	assert_int_equal(s->meters[0].lacks[1].first, 40481);
	assert_int_equal(s->meters[0].schedule[1].minute, 1320);
	assert_int_equal(s->meters[0].values[Q_ACTIVE_ENERGY_IMPORT], INT64_C(9999999990));
	assert_int_equal(s->meters[0].pins[Q_FREQUENCY], METER_ABSENT);
	assert_int_equal(s->meters[0].turnaround_ms, s->meters[0].driver->turnaround_ms);
	assert_int_equal(s->faults[0].rate_ppm, 25000);
	assert_int_equal(s->faults[0].exception, 4);
	assert_int_equal(s->faults[0].meter, 0);
	site_free(s);
	err_fini(&e);
}

TEST(a_fault_of_several_meters_becomes_a_rule_for_each)
{
	struct err e = {0};
	struct site *s = load(DRIVERS BUS METER "[meter m2]\nbus = gw\nmodel = countis-e44\naddress = 5\n"
						"[fault f]\nkind = late\ndelay = 2s\nmeters = m1, m2\n",
			      &e);

	assert_non_null(s);
	assert_int_equal(s->n_faults, 2);
	assert_int_equal(s->faults[1].meter, 1);
	assert_int_equal(s->faults[1].delay_ms, 2000);
	site_free(s);
	err_fini(&e);
}

#define LOAD "bus = hall\nmodel = diris-b30\naddress = 5\n"

TEST(loads_of_one_device_have_one_address)
{
	struct err e = {0};
	struct site *s = load(DRIVERS BUS "[meter a]\n" LOAD "[meter b]\n" LOAD "load = 4\n", &e);

	err_print(&e, stderr);
	assert_non_null(s);
	assert_int_equal(s->meters[1].driver->rows[0].address - s->meters[0].driver->rows[0].address, 3 * 2048);
	site_free(s);
	err_fini(&e);
	assert_complaint(DRIVERS BUS "[meter a]\n" LOAD "load = 2\n[meter b]\n" LOAD "load = 2\n", 14,
			 "meter b has the same address 5 as a; ");
	assert_complaint(DRIVERS BUS "[meter a]\n" LOAD "load = 5\n", 9, "the model has no such load; ");
	assert_complaint(DRIVERS BUS METER "load = 2\n", 9, "the model has no such load; ");
}

TEST(every_complaint_names_its_line)
{
	assert_complaint(DRIVERS "sped = 2\n" BUS, 3, "unknown key sped in [site]; use ");
	assert_complaint("[sites]\n", 1, "section [sites] is not valid; use ");
	assert_complaint(DRIVERS BUS "parity = mark\n", 9, "parity = mark is not valid; use none, even or odd");
	assert_complaint(DRIVERS BUS "baud = 9600\n", 9, "duplicate key baud in this section; remove one");
	assert_complaint(DRIVERS BUS METER "colour = red\n", 13, "unknown key colour in [meter]; use ");
	assert_complaint(DRIVERS BUS METER "base = 5\n", 13,
			 "base = 5 is not valid; use a power with its unit (W, kW, MW)");
	assert_complaint(DRIVERS BUS METER "ct = 400\n", 13, "ct = 400 is not valid; use PRIMARY/SECONDARY");
	assert_complaint(DRIVERS BUS METER "tariffs = 22:00 2, 06:00 1\n", 13,
			 "tariffs = 22:00 2, 06:00 1 is not valid; use ");
	assert_complaint(DRIVERS BUS METER "frequency = 50 kWh\n", 13,
			 "frequency = 50 kWh is not valid; use na or a value with its unit");
	assert_complaint(DRIVERS BUS METER "address = 6\n", 13, "duplicate key address");
	assert_complaint(DRIVERS BUS METER "[meter m2]\nbus = hall\nmodel = countis-e44\naddress = 5\n", 13,
			 "meter m2 has the same address 5 as m1; ");
	assert_complaint(DRIVERS BUS "[meter m2]\nbus = yard\nmodel = countis-e44\naddress = 5\n", 9,
			 "meter m2 is on bus yard, which does not exist; add [bus yard]");
	assert_complaint(DRIVERS BUS "[meter m2]\nbus = hall\nmodel = countis-e99\naddress = 5\n", 9,
			 "model = countis-e99 is not known; there is no ");
	assert_complaint(DRIVERS BUS METER "[fault f]\nkind = fire\n", 14,
			 "kind = fire is not valid; use one of silence, ");
	assert_complaint(DRIVERS BUS METER "[fault f]\nkind = reset\nbus = hall\n", 13,
			 "reset is not possible on bus hall ");
	assert_complaint(DRIVERS BUS METER "[fault f]\nkind = late\nrate = 101%\n", 15,
			 "rate = 101% is not valid; use ");
}

TEST(a_missing_file_is_a_complaint)
{
	struct err e = {0};

	assert_null(site_load("/nonexistent/site.ini", &e));
	assert_int_equal(e.n_errors, 1);
	err_fini(&e);
}

UNIT_MAIN(make_file, remove_file)
