/* SPDX-License-Identifier: MIT */
#include "conf_site.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "conf_load.h"
#include "err.h"

struct conf *site_conf;
char site_complaints[16384];

static char temporary[64];

void site_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

int site_set_up(void **state)
{
	(void)state;
	strcpy(temporary, "/tmp/test_conf_XXXXXX");
	if (mkdtemp(temporary) == NULL || chdir(temporary) != 0)
		return -1;
	if (mkdir("drivers", 0700) != 0 || mkdir("site", 0700) != 0 || mkdir("site/bus.d", 0700) != 0)
		return -1;
	site_put("site/tallyd.ini", "[drivers]\npath = drivers\n");
	site_put("drivers/meter.ini", MODEL_HEAD
		 "provenance = vendor table\nbaud = 4800 9600\naddresses = 1-247\nsegment_max = 3\n" MODEL_ROWS);
	site_put("drivers/any-speed.ini", MODEL_HEAD "provenance = vendor table\naddresses = 1-255\n" MODEL_ROWS);
	site_put("drivers/transformer.ini",
		 MODEL_HEAD "provenance = vendor table\nratios = yes\nloads = 2\nstride = 200\n"
			    "[scale power]\nabove = 1\n" MODEL_ROWS "active_power = 90 u32 @power W power\n");
	site_put("drivers/relative.ini", MODEL_HEAD "provenance = sibling\n" MODEL_ROWS);
	site_put("drivers/pulses.ini",
		 MODEL_HEAD "provenance = inferred\naddresses = 1-255\nsegment_max = 2\n"
			    "[registers]\npulses_1 = 0 u32 1 1 energy\npulses_2 = 2 u32 1 1 energy\n");
	site_put("drivers/broken.ini", MODEL_HEAD "provenance = vendor table\nspeed = 9\n" MODEL_ROWS);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int site_tear_down(void **state)
{
	(void)state;
	conf_free(site_conf);
	site_conf = NULL;
	return chdir("/") != 0 || nftw(temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0 ? -1 : 0;
}

void site_load(void)
{
	struct err e = {0};
	FILE *f = fmemopen(site_complaints, sizeof(site_complaints), "w");

	assert_non_null(f);
	site_complaints[0] = '\0';
	conf_free(site_conf);
	site_conf = conf_load("site", &e);
	err_print(&e, f);
	assert_int_equal(fclose(f), 0);
	err_fini(&e);
}

struct conf *site_take_conf(void)
{
	struct conf *c = site_conf;

	site_conf = NULL;
	return c;
}

void assert_refused(const char *complaints)
{
	site_load();
	assert_string_equal(site_complaints, complaints);
	assert_null(site_conf);
}

void assert_taken(const char *warnings)
{
	site_load();
	assert_string_equal(site_complaints, warnings);
	assert_non_null(site_conf);
}

void assert_bus_refused(const char *text, const char *complaints)
{
	site_put("site/bus.d/a.ini", text);
	assert_refused(complaints);
}

void assert_bus_taken(const char *text, const char *warnings)
{
	site_put("site/bus.d/a.ini", text);
	assert_taken(warnings);
}

void assert_main_refused(const char *text, const char *complaints)
{
	site_put("site/tallyd.ini", text);
	site_put("site/bus.d/a.ini", BUS METER);
	assert_refused(complaints);
}
