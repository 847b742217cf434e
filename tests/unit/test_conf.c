/* SPDX-License-Identifier: MIT */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf_load.h"
#include "driver.h"
#include "err.h"
#include "option.h"
#include "unit.h"
#include "zone.h"

/* Each test runs in a temporary directory with drivers/ and site/, a configuration directory. */
static char temporary[64];
static struct conf *conf;
/* What was told, one item a line. */
static char told[16384];

#define MODEL_HEAD "[model]\nformat = 1\ntitle = A meter\nvendor = Nobody\nsource = none\n"
#define MODEL_ROWS "[registers]\nactive_energy_import = 0 u32 1 Wh energy\n"
#define BUS	   "[bus]\ndevice = /dev/ttyS90\n"
#define METER	   "[meter m]\nmodel = meter\naddress = 1\n"
#define PULSES	   "[meter p]\nmodel = pulses\naddress = 2\nconfirmed = yes\n"

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(temporary, "/tmp/test_conf_XXXXXX");
	if (mkdtemp(temporary) == NULL || chdir(temporary) != 0)
		return -1;
	if (mkdir("drivers", 0700) != 0 || mkdir("site", 0700) != 0 || mkdir("site/bus.d", 0700) != 0)
		return -1;
	put("site/tallyd.ini", "[drivers]\npath = drivers\n");
	put("drivers/meter.ini",
	    MODEL_HEAD "provenance = vendor table\nbaud = 4800 9600\naddresses = 1-247\nsegment_max = 3\n" MODEL_ROWS);
	put("drivers/any-speed.ini", MODEL_HEAD "provenance = vendor table\naddresses = 1-255\n" MODEL_ROWS);
	put("drivers/transformer.ini",
	    MODEL_HEAD "provenance = vendor table\nratios = yes\n"
		       "[scale power]\nabove = 1\n" MODEL_ROWS "active_power = 90 u32 @power W power\n");
	put("drivers/relative.ini", MODEL_HEAD "provenance = sibling\n" MODEL_ROWS);
	put("drivers/pulses.ini", MODEL_HEAD "provenance = inferred\naddresses = 1-255\nsegment_max = 2\n"
					     "[registers]\npulses_1 = 0 u32 1 1 energy\npulses_2 = 2 u32 1 1 energy\n");
	put("drivers/broken.ini", MODEL_HEAD "provenance = vendor table\nspeed = 9\n" MODEL_ROWS);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	conf_free(conf);
	conf = NULL;
	return chdir("/") != 0 || nftw(temporary, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0 ? -1 : 0;
}

static void load(void)
{
	struct err e = {0};
	FILE *f = fmemopen(told, sizeof(told), "w");

	assert_non_null(f);
	told[0] = '\0';
	conf_free(conf);
	conf = conf_load("site", &e);
	err_print(&e, f);
	assert_int_equal(fclose(f), 0);
	err_fini(&e);
}

static void assert_refused(const char *messages)
{
	load();
	assert_string_equal(told, messages);
	assert_null(conf);
}

static void assert_taken(const char *warnings)
{
	load();
	assert_string_equal(told, warnings);
	assert_non_null(conf);
}

/* A site with one bus called a. */
static void assert_bus_refused(const char *text, const char *messages)
{
	put("site/bus.d/a.ini", text);
	assert_refused(messages);
}

static void assert_bus_taken(const char *text, const char *warnings)
{
	put("site/bus.d/a.ini", text);
	assert_taken(warnings);
}

static void assert_main_refused(const char *text, const char *messages)
{
	put("site/tallyd.ini", text);
	put("site/bus.d/a.ini", BUS METER);
	assert_refused(messages);
}

/* A smallest site, and values */

TEST_WITH(everything_has_a_default, set_up, tear_down)
{
	assert_bus_taken(BUS METER, "");
	assert_string_equal(conf->dir, "site");
	assert_string_equal(conf->store_path, "/var/lib/tallyd/tallyd.db");
	assert_int_equal(conf->commit_interval_ms, 10000);
	assert_int_equal(conf->durability, CONF_FULL);
	assert_int_equal(conf->keep_readings_d, 400);
	assert_int_equal(conf->interval_s, 900);
	assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
	assert_true(zone_exists(conf->timezone));
	assert_int_equal(conf->n_buses, 1);
}

TEST_WITH(bus_and_meter_have_defaults, set_up, tear_down)
{
	const struct conf_bus *b;

	assert_bus_taken(BUS METER, "");
	b = &conf->buses[0];
	assert_string_equal(b->name, "a");
	assert_string_equal(b->file, "site/bus.d/a.ini");
	assert_int_equal(b->transport, CONF_RTU);
	assert_string_equal(b->device, "/dev/ttyS90");
	assert_null(b->host);
	assert_int_equal(b->baud, 9600);
	assert_int_equal(b->parity, CONF_NONE);
	assert_int_equal(b->stop_bits, 1);
	assert_int_equal(conf_bits_per_char(b), 10);
	assert_int_equal(b->rs485, CONF_RS485_AUTO);
	assert_int_equal(b->rs485_delay_before_ms, 0);
	assert_int_equal(b->rs485_delay_after_ms, 0);
	assert_int_equal(b->repeaters, 0);
	assert_int_equal(b->n_meters, 1);
	assert_string_equal(b->meters[0].name, "m");
	assert_string_equal(b->meters[0].model, "meter");
	assert_string_equal(b->meters[0].driver->name, "meter");
	assert_string_equal(b->meters[0].label, "");
	assert_int_equal(b->meters[0].address, 1);
	assert_false(b->meters[0].confirmed);
	assert_int_equal(b->meters[0].ct_primary, 1);
	assert_int_equal(b->meters[0].ct_secondary, 1);
	assert_int_equal(b->meters[0].vt_primary, 1);
	assert_int_equal(b->meters[0].vt_secondary, 1);
	assert_int_equal(b->meters[0].energy_every_s, 60);
	assert_int_equal(b->meters[0].power_every_s, 10);
	assert_int_equal(b->meters[0].response_timeout_ms, 1000);
	assert_int_equal(b->meters[0].retries, 1);
	assert_int_equal(b->meters[0].line, 3);
}

TEST_WITH(main_file_may_be_missing_or_empty, set_up, tear_down)
{
	put("site/bus.d/a.ini", "[bus]\ndevice = /dev/ttyS90\n");
	put("site/tallyd.ini", "");
	assert_taken("warning: site/bus.d/a.ini:1: no section [meter NAME]: nothing to poll on this bus\n");
	assert_int_equal(unlink("site/tallyd.ini"), 0);
	assert_taken("warning: site/bus.d/a.ini:1: no section [meter NAME]: nothing to poll on this bus\n");
}

TEST_WITH(every_key_of_the_main_file_is_read, set_up, tear_down)
{
	put("site/bus.d/a.ini", BUS METER);
	put("site/tallyd.ini", "[store]\npath = /data/t.db\ncommit_interval = 1min\ndurability = normal\n"
			       "keep_readings = 30d\ninterval = 5min\ntimezone = Europe/Paris\n"
			       "[drivers]\npath = /nowhere:drivers\n[log]\nlevel = debug\n");
	assert_taken("");
	assert_string_equal(conf->store_path, "/data/t.db");
	assert_int_equal(conf->commit_interval_ms, 60000);
	assert_int_equal(conf->durability, CONF_NORMAL);
	assert_int_equal(conf->keep_readings_d, 30);
	assert_int_equal(conf->interval_s, 300);
	assert_string_equal(conf->timezone, "Europe/Paris");
	assert_string_equal(conf->driver_path, "/nowhere:drivers");
	assert_int_equal(conf->log_level, LOG_LEVEL_DEBUG);
}

TEST_WITH(every_key_of_a_bus_is_read, set_up, tear_down)
{
	const struct conf_bus *b;

	assert_bus_taken(
		"[bus]\ntransport = rtu-over-tcp\nhost = gateway.example\nport = 4001\nbaud = 4800\nparity = even\n"
		"stop_bits = 2\nenergy_every = 5min\npower_every = 0\nresponse_timeout = 250ms\nretries = 0\n"
		"repeaters = 2\n" METER,
		"");
	b = &conf->buses[0];
	assert_int_equal(b->transport, CONF_RTU_OVER_TCP);
	assert_null(b->device);
	assert_string_equal(b->host, "gateway.example");
	assert_int_equal(b->port, 4001);
	assert_int_equal(b->baud, 4800);
	assert_int_equal(b->parity, CONF_EVEN);
	assert_int_equal(b->stop_bits, 2);
	assert_int_equal(conf_bits_per_char(b), 12);
	assert_int_equal(b->energy_every_s, 300);
	assert_int_equal(b->power_every_s, 0);
	assert_int_equal(b->response_timeout_ms, 250);
	assert_int_equal(b->retries, 0);
	assert_int_equal(b->repeaters, 2);
}

TEST_WITH(meter_takes_from_its_bus_what_it_does_not_say, set_up, tear_down)
{
	const struct conf_meter *m;

	assert_bus_taken("[meter n]\nmodel = meter\naddress = 2\nenergy_every = 15min\npower_every = 30s\n"
			 "response_timeout = 2s\nretries = 3\nlabel = Hall A, north; old #2\n" METER
			 "[bus]\ndevice = /dev/ttyS90\nenergy_every = 2min\npower_every = 0\nresponse_timeout = 300ms\n"
			 "retries = 2\n",
			 "");
	m = conf->buses[0].meters;
	assert_int_equal(m[0].energy_every_s, 900);
	assert_int_equal(m[0].power_every_s, 30);
	assert_int_equal(m[0].response_timeout_ms, 2000);
	assert_int_equal(m[0].retries, 3);
	assert_string_equal(m[0].label, "Hall A, north; old #2");
	assert_int_equal(m[1].energy_every_s, 120);
	assert_int_equal(m[1].power_every_s, 0);
	assert_int_equal(m[1].response_timeout_ms, 300);
	assert_int_equal(m[1].retries, 2);
}

static void assert_counts(const struct conf_input *in, enum quantity quantity, const char *shown)
{
	assert_int_equal(in->quantity, quantity);
	assert_string_equal(in->shown->text, shown);
}

TEST_WITH(inputs_are_read, set_up, tear_down)
{
	const struct conf_input *in;

	assert_bus_taken(BUS METER PULSES "[input lighting]\nconcentrator = p\ninput = 1\npulse = 10 Wh\n"
					  "offset = 81234.5 kWh\nlabel = Lights\n"
					  "[input gas]\nconcentrator = p\ninput = 2\npulse = 0.01 m3\noffset = -20 l\n",
			 "");
	in = conf->buses[0].inputs;
	assert_int_equal(conf->buses[0].n_inputs, 2);
	assert_string_equal(in[0].name, "lighting");
	assert_string_equal(in[0].label, "Lights");
	assert_int_equal(in[0].concentrator, 1);
	assert_int_equal(in[0].input, 1);
	assert_counts(&in[0], Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_int_equal(in[0].weight, 10);
	assert_int_equal(in[0].offset, 81234500);
	assert_counts(&in[1], Q_VOLUME, "m3");
	assert_int_equal(in[1].weight, 10000);
	assert_int_equal(in[1].offset, -20000);
}

/* Files and directories */

TEST_WITH(missing_directory_is_told, set_up, tear_down)
{
	struct err e = {0};

	assert_null(conf_load("nowhere", &e));
	assert_string_equal(e.items[0].text, "nowhere: No such file or directory, a configuration directory expected");
	err_fini(&e);
	assert_null(conf_load("site/tallyd.ini", &e));
	assert_string_equal(e.items[0].text, "site/tallyd.ini: a file, a configuration directory expected");
	err_fini(&e);
}

TEST_WITH(main_file_alone_is_read_whatever_is_wrong_with_a_bus, set_up, tear_down)
{
	struct err e = {0};

	put("site/tallyd.ini", "[store]\npath = /srv/tallyd.db\ninterval = 30min\n");
	put("site/bus.d/a.ini", "[bus]\nnonsense\n");
	conf = conf_load_main("site", &e);
	assert_int_equal(e.n_items, 0);
	assert_non_null(conf);
	assert_string_equal(conf->store_path, "/srv/tallyd.db");
	assert_int_equal(conf->interval_s, 1800);
	assert_int_equal(conf->n_buses, 0);
	put("site/tallyd.ini", "[log]\nlevel = loud\n");
	assert_null(conf_load_main("site", &e));
	assert_string_equal(e.items[0].text, "site/tallyd.ini:2: level = loud: error, warning, info or debug allowed");
	err_fini(&e);
}

TEST_WITH(missing_bus_directory_is_told_beside_other_faults, set_up, tear_down)
{
	put("site/tallyd.ini", "[log]\nlevel = loud\n");
	assert_int_equal(rmdir("site/bus.d"), 0);
	assert_refused("site/bus.d: No such file or directory, a directory with a NAME.ini for each bus expected\n"
		       "site/tallyd.ini:2: level = loud: error, warning, info or debug allowed\n");
	assert_int_equal(mkdir("site/bus.d", 0700), 0);
}

TEST_WITH(directory_without_a_bus_is_refused, set_up, tear_down)
{
	put("site/bus.d/a.ini~", BUS METER);
	put("site/bus.d/.hidden.ini", BUS METER);
	put("site/bus.d/example.ini.sample", BUS METER);
	assert_refused("site/bus.d: no bus file, at least one NAME.ini expected\n");
}

TEST_WITH(unreadable_files_are_told, set_up, tear_down)
{
	assert_int_equal(unlink("site/tallyd.ini"), 0);
	assert_int_equal(mkdir("site/tallyd.ini", 0700), 0);
	assert_int_equal(mkdir("site/bus.d/a.ini", 0700), 0);
	assert_refused("site/tallyd.ini: Is a directory\nsite/bus.d/a.ini: Is a directory\n");
}

TEST_WITH(file_names_that_are_no_bus_names_are_refused, set_up, tear_down)
{
	put("site/bus.d/hall one.ini", BUS METER);
	assert_refused(
		"site/bus.d/hall one.ini: the file's name is the bus's: 1 to 40 letters, digits, '.', '_', '-', a "
		"letter or digit first, and .ini allowed\n");
}

TEST_WITH(buses_come_sorted_by_name, set_up, tear_down)
{
	put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS92\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_taken(BUS METER, "");
	assert_int_equal(conf->n_buses, 2);
	assert_string_equal(conf->buses[0].name, "a");
	assert_string_equal(conf->buses[1].name, "b");
}

/* Form */

TEST_WITH(unknown_sections_are_refused, set_up, tear_down)
{
	assert_main_refused("[stores]\npath = x\n[bus]\n[drivers]\npath = drivers\n",
			    "site/tallyd.ini:1: section [stores]: [store], [drivers], [log] allowed\n"
			    "site/tallyd.ini:3: section [bus]: [store], [drivers], [log] allowed\n");
}

TEST_WITH(unknown_sections_of_a_bus_are_refused, set_up, tear_down)
{
	assert_bus_refused(BUS METER "[metre n]\nmodel = x\n[bus b]\n[store]\n",
			   "site/bus.d/a.ini:6: section [metre n]: [bus], [meter NAME], [input NAME] allowed\n"
			   "site/bus.d/a.ini:8: section [bus b]: [bus], [meter NAME], [input NAME] allowed\n"
			   "site/bus.d/a.ini:9: section [store]: [bus], [meter NAME], [input NAME] allowed\n");
}

TEST_WITH(unknown_keys_are_refused, set_up, tear_down)
{
	assert_bus_refused(
		BUS METER "adress = 5\n[input i]\nbaud = 9600\nconcentrator = m\n",
		"site/bus.d/a.ini:6: key adress in [meter m]: model, address, label, confirmed, ct, vt, "
		"energy_every, power_every, response_timeout, retries allowed\n"
		"site/bus.d/a.ini:8: key baud in [input i]: concentrator, input, pulse, preset, offset, label "
		"allowed\n"
		"site/bus.d/a.ini:7: input i: no input, 1 to 8 expected\n"
		"site/bus.d/a.ini:7: input i: no pulse, a weight such as 10 Wh, 0.01 m3 or 2000 imp/kWh, or a preset, "
		"expected\n");
}

TEST_WITH(keys_that_stand_twice_are_refused, set_up, tear_down)
{
	assert_bus_refused(BUS METER "address = 2\n",
			   "site/bus.d/a.ini:6: key address again, first in line 5: once allowed\n");
}

TEST_WITH(sections_that_stand_twice_are_refused, set_up, tear_down)
{
	assert_bus_refused(BUS METER "[bus]\nbaud = 300\n",
			   "site/bus.d/a.ini:6: section [bus] again, first in line 1: once allowed\n");
}

TEST_WITH(names_that_are_none_are_refused, set_up, tear_down)
{
	assert_bus_refused(
		BUS METER "[meter]\n[meter two words]\n[input 12345678901234567890123456789012345678901]\n",
		"site/bus.d/a.ini:6: section [meter]: a name of 1 to 40 letters, digits, '.', '_', '-', a "
		"letter or digit first, expected\n"
		"site/bus.d/a.ini:7: section [meter two words]: a name of 1 to 40 letters, digits, '.', '_', "
		"'-', a letter or digit first, expected\n"
		"site/bus.d/a.ini:8: section [input 12345678901234567890123456789012345678901]: a name of 1 to "
		"40 letters, digits, '.', '_', '-', a letter or digit first, expected\n");
}

TEST_WITH(overlong_lines_are_refused, set_up, tear_down)
{
	char text[400] = BUS METER "label = ";

	memset(text + strlen(text), 'x', 250);
	assert_bus_refused(text, "site/bus.d/a.ini:6: line of 258 bytes, at most 198 allowed\n");
}

TEST_WITH(missing_bus_section_is_told, set_up, tear_down)
{
	assert_bus_refused(METER, "site/bus.d/a.ini:1: no section [bus], one expected\n");
}

/* Values */

TEST_WITH(values_of_the_main_file_out_of_range_are_refused, set_up, tear_down)
{
	assert_main_refused("[drivers]\npath = drivers\n[log]\nlevel = INFO\n[store]\npath =\ncommit_interval = 10\n"
			    "durability = yes\nkeep_readings = 36h\ninterval = 2h\ntimezone = Europe/Atlantis\n",
			    "site/tallyd.ini:6: path = : the path of a database file allowed\n"
			    "site/tallyd.ini:7: commit_interval = 10: 100ms to 1h allowed\n"
			    "site/tallyd.ini:8: durability = yes: full or normal allowed\n"
			    "site/tallyd.ini:9: keep_readings = 36h: 1d to 36500d in whole days allowed\n"
			    "site/tallyd.ini:10: interval = 2h: 1s to 1h in whole seconds allowed\n"
			    "site/tallyd.ini:4: level = INFO: error, warning, info or debug allowed\n"
			    "site/tallyd.ini:11: timezone = Europe/Atlantis: a name below /usr/share/zoneinfo, such as "
			    "Europe/Paris, allowed\n");
}

TEST_WITH(interval_is_a_whole_part_of_an_hour, set_up, tear_down)
{
	assert_main_refused("[drivers]\npath = drivers\n[store]\ninterval = 7min\n",
			    "site/tallyd.ini:4: interval = 7min: a whole part of an hour (1min, 5min, 15min, 30min, 1h "
			    "...) allowed\n");
}

TEST_WITH(timezones_outside_the_zone_directory_are_refused, set_up, tear_down)
{
	assert_false(zone_exists("../../../etc/passwd"));
	assert_false(zone_exists("/usr/share/zoneinfo/Europe/Paris"));
	assert_false(zone_exists("Europe"));
	assert_false(zone_exists("tzdata.zi"));
	assert_false(zone_exists(""));
	assert_true(zone_exists("UTC"));
}

TEST_WITH(values_of_a_bus_out_of_range_are_refused, set_up, tear_down)
{
	assert_bus_refused(BUS "baud = 300\nparity = mark\nstop_bits = 3\nrs485 = on\nenergy_every = 0\n"
			       "power_every = 500ms\nresponse_timeout = 1ms\nretries = 11\nrepeaters = -1\n" METER,
			   "site/bus.d/a.ini:3: baud = 300: 1200, 2400, 4800, 9600, 19200, 38400, 57600 or 115200 "
			   "allowed\n"
			   "site/bus.d/a.ini:4: parity = mark: none, even or odd allowed\n"
			   "site/bus.d/a.ini:5: stop_bits = 3: 1 to 2 allowed\n"
			   "site/bus.d/a.ini:6: rs485 = on: auto, kernel, rts or off allowed\n"
			   "site/bus.d/a.ini:7: energy_every = 0: 1s to 1d in whole seconds allowed\n"
			   "site/bus.d/a.ini:8: power_every = 500ms: 0 (never) or 1s to 1d in whole seconds allowed\n"
			   "site/bus.d/a.ini:9: response_timeout = 1ms: 10ms to 1min allowed\n"
			   "site/bus.d/a.ini:10: retries = 11: 0 to 10 allowed\n"
			   "site/bus.d/a.ini:11: repeaters = -1: 0 to 16 allowed\n");
}

TEST_WITH(values_of_a_meter_out_of_range_are_refused, set_up, tear_down)
{
	assert_bus_refused(
		BUS "[meter m]\nmodel = a/b\naddress = 256\nconfirmed = true\nct = 5/400\nvt = 100\n",
		"site/bus.d/a.ini:4: model = a/b: a model's name, as tally models lists them, allowed\n"
		"site/bus.d/a.ini:5: address = 256: 1 to 255 allowed\n"
		"site/bus.d/a.ini:6: confirmed = true: yes or no allowed\n"
		"site/bus.d/a.ini:7: ct = 5/400: PRIMARY/SECONDARY, 1 to 1000000, primary not the smaller, allowed\n"
		"site/bus.d/a.ini:8: vt = 100: PRIMARY/SECONDARY, 1 to 1000000, primary not the smaller, allowed\n");
}

TEST_WITH(labels_end_at_127_bytes, set_up, tear_down)
{
	char text[400] = BUS METER "label = ";

	memset(text + strlen(text), 'x', 127);
	assert_bus_taken(text, "");
	assert_int_equal(strlen(conf->buses[0].meters[0].label), 127);
	text[strlen(text)] = 'y';
	put("site/bus.d/a.ini", text);
	load();
	assert_null(conf);
	assert_non_null(strstr(told, "xy: a text of at most 127 bytes allowed\n"));
}

TEST_WITH(what_a_meter_needs_is_named, set_up, tear_down)
{
	assert_bus_refused(
		BUS "[meter m]\n",
		"site/bus.d/a.ini:3: meter m: no model, a model's name, as tally models lists them, expected\n"
		"site/bus.d/a.ini:3: meter m: no address, 1 to 255 expected\n");
}

/* Transports */

TEST_WITH(rtu_needs_a_device, set_up, tear_down)
{
	assert_bus_refused("[bus]\n" METER,
			   "site/bus.d/a.ini:1: transport = rtu: no device, the path of a serial port expected\n");
}

TEST_WITH(gateways_need_a_host, set_up, tear_down)
{
	assert_bus_refused("[bus]\ntransport = tcp\n" METER,
			   "site/bus.d/a.ini:2: transport = tcp: no host, a host name or address expected\n");
	assert_bus_refused("[bus]\ntransport = rtu-over-tcp\n" METER,
			   "site/bus.d/a.ini:2: transport = rtu-over-tcp: no host, a host name or address expected\n");
}

TEST_WITH(keys_of_another_transport_are_refused, set_up, tear_down)
{
	assert_bus_refused(
		BUS "host = h\nport = 502\n" METER,
		"site/bus.d/a.ini:3: key host with transport = rtu: only with transport = tcp or rtu-over-tcp "
		"allowed\n"
		"site/bus.d/a.ini:4: key port with transport = rtu: only with transport = tcp or rtu-over-tcp "
		"allowed\n");
	assert_bus_refused(BUS "transport = tcp\nhost = h\nrs485 = rts\n" METER,
			   "site/bus.d/a.ini:2: key device with transport = tcp: only with transport = rtu allowed\n"
			   "site/bus.d/a.ini:5: key rs485 with transport = tcp: only with transport = rtu allowed\n");
}

TEST_WITH(delays_go_with_whoever_turns_the_line, set_up, tear_down)
{
	assert_bus_taken(BUS "rs485 = kernel\nrs485_delay_before = 2ms\nrs485_delay_after = 1s\n" METER, "");
	assert_int_equal(conf->buses[0].rs485_delay_before_ms, 2);
	assert_int_equal(conf->buses[0].rs485_delay_after_ms, 1000);
	assert_bus_taken(BUS "rs485 = off\nrs485_delay_before = 0\n" METER, "");
	assert_bus_refused(BUS "rs485 = off\nrs485_delay_before = 1ms\nrs485_delay_after = 2s\n" METER,
			   "site/bus.d/a.ini:5: rs485_delay_after = 2s: 0 to 1s allowed\n"
			   "site/bus.d/a.ini:4: rs485_delay_before = 1ms with rs485 = off: only with rs485 = auto, "
			   "kernel or rts allowed\n");
	assert_bus_refused("[bus]\ntransport = tcp\nhost = h\nrs485_delay_after = 1ms\n" METER,
			   "site/bus.d/a.ini:4: key rs485_delay_after with transport = tcp: only with transport = rtu "
			   "allowed\n");
}

TEST_WITH(unknown_transport_hides_what_would_follow_from_it, set_up, tear_down)
{
	assert_bus_refused("[bus]\ntransport = serial\nhost = h\n" METER,
			   "site/bus.d/a.ini:2: transport = serial: rtu, tcp or rtu-over-tcp allowed\n");
}

/* Nothing twice */

TEST_WITH(an_address_stands_once_on_a_bus, set_up, tear_down)
{
	assert_bus_refused(
		BUS METER "[meter n]\nmodel = meter\naddress = 1\n",
		"site/bus.d/a.ini:8: address = 1: meter m in line 3 has it already, once on a bus allowed\n");
}

TEST_WITH(a_name_stands_once_on_all_buses, set_up, tear_down)
{
	put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS91\n[meter n]\nmodel = meter\naddress = 1\n" PULSES
				"[input m]\nconcentrator = p\ninput = 1\npulse = 1 Wh\n");
	assert_bus_refused(BUS METER "[meter n]\nmodel = meter\naddress = 2\n",
			   "site/bus.d/b.ini:10: name m again, first in site/bus.d/a.ini:3: once among all meters and "
			   "inputs allowed\n"
			   "site/bus.d/b.ini:3: name n again, first in site/bus.d/a.ini:6: once among all meters and "
			   "inputs allowed\n");
}

TEST_WITH(a_port_stands_once_by_whatever_name, set_up, tear_down)
{
	put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS90\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_refused(BUS METER,
			   "site/bus.d/b.ini:2: device = /dev/ttyS90: bus a has it already, each port once allowed\n");
	assert_int_equal(symlink("/dev/null", "link"), 0);
	put("site/bus.d/b.ini", "[bus]\ndevice = link\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_refused("[bus]\ndevice = /dev/null\n" METER,
			   "site/bus.d/b.ini:2: device = link: bus a has it already, each port once allowed\n");
}

TEST_WITH(a_gateway_stands_once, set_up, tear_down)
{
	put("site/bus.d/b.ini",
	    "[bus]\ntransport = rtu-over-tcp\nhost = GATEWAY\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_refused("[bus]\ntransport = tcp\nhost = gateway\nport = 502\n" METER,
			   "site/bus.d/b.ini:3: host = GATEWAY, port = 502: bus a has it already, each gateway once "
			   "allowed\n");
	assert_bus_taken("[bus]\ntransport = tcp\nhost = gateway\nport = 503\n" METER, "");
}

TEST_WITH(an_input_stands_once_on_a_concentrator, set_up, tear_down)
{
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n"
				      "[input j]\nconcentrator = p\ninput = 1\npulse = 1 l\n",
			   "site/bus.d/a.ini:13: input = 1: input i in line 7 has it already, once on a concentrator "
			   "allowed\n");
}

/* Models */

TEST_WITH(unknown_model_lists_the_known_ones_nearest_first, set_up, tear_down)
{
	assert_bus_refused(BUS "[meter m]\nmodel = metre\naddress = 1\n",
			   "site/bus.d/a.ini:4: model = metre: meter, broken, pulses, relative, any-speed, transformer "
			   "allowed\n");
}

TEST_WITH(missing_driver_directory_is_named, set_up, tear_down)
{
	put("site/tallyd.ini", "[drivers]\npath = nowhere:empty\n");
	assert_bus_refused(BUS METER, "site/bus.d/a.ini:4: model = meter: no model at all found in nowhere:empty\n");
}

TEST_WITH(speed_that_the_model_lacks_is_refused, set_up, tear_down)
{
	assert_bus_refused(BUS "baud = 19200\n" METER,
			   "site/bus.d/a.ini:3: baud = 19200: meter m is a meter, 4800 or 9600 allowed\n");
	assert_bus_taken(BUS "baud = 19200\n[meter m]\nmodel = any-speed\naddress = 1\n", "");
}

TEST_WITH(speed_behind_a_tcp_gateway_may_be_told, set_up, tear_down)
{
	put("drivers/slow.ini", MODEL_HEAD "provenance = vendor table\nbaud = 1200\n" MODEL_ROWS);
	assert_bus_taken("[bus]\ntransport = tcp\nhost = h\n[meter m]\nmodel = slow\naddress = 1\n", "");
	assert_int_equal(conf->buses[0].baud, 0);
	assert_bus_taken("[bus]\ntransport = tcp\nhost = h\nbaud = 1200\n[meter m]\nmodel = slow\naddress = 1\n", "");
	assert_int_equal(conf->buses[0].baud, 1200);
	assert_bus_refused("[bus]\ntransport = tcp\nhost = h\nbaud = 9600\n[meter m]\nmodel = slow\naddress = 1\n",
			   "site/bus.d/a.ini:4: baud = 9600: meter m is a slow, 1200 allowed\n");
}

TEST_WITH(address_that_the_model_lacks_is_refused, set_up, tear_down)
{
	assert_bus_refused(BUS "[meter m]\nmodel = meter\naddress = 248\n",
			   "site/bus.d/a.ini:5: address = 248: 1 to 247 allowed for a meter\n");
}

TEST_WITH(address_may_be_above_247_where_the_model_has_such, set_up, tear_down)
{
	assert_bus_taken(BUS "[meter m]\nmodel = any-speed\naddress = 255\n", "");
	assert_int_equal(conf->buses[0].meters[0].address, 255);
}

TEST_WITH(ratios_are_for_models_that_ask_for_them, set_up, tear_down)
{
	assert_bus_refused(BUS METER "ct = 400/5\nvt = 20000/100\n",
			   "site/bus.d/a.ini:6: ct = 400/5: a meter knows its ratios itself, no ct allowed\n"
			   "site/bus.d/a.ini:7: vt = 20000/100: a meter knows its ratios itself, no vt allowed\n");
	assert_bus_taken(BUS "[meter m]\nmodel = transformer\naddress = 1\nct = 400/5\nvt = 20000/100\n", "");
	assert_int_equal(conf->buses[0].meters[0].ct_primary, 400);
	assert_int_equal(conf->buses[0].meters[0].ct_secondary, 5);
	assert_int_equal(conf->buses[0].meters[0].vt_primary, 20000);
	assert_int_equal(conf->buses[0].meters[0].vt_secondary, 100);
}

TEST_WITH(missing_ratios_are_a_warning, set_up, tear_down)
{
	assert_bus_taken(
		BUS "[meter m]\nmodel = transformer\naddress = 1\n",
		"warning: site/bus.d/a.ini:3: meter m: no ct and no vt, 1/1 taken: a transformer takes its ratios "
		"from here\n");
	assert_bus_taken(BUS "[meter m]\nmodel = transformer\naddress = 1\nct = 5/5\n", "");
}

TEST_WITH(timeouts_shorter_than_the_model_needs_are_a_warning, set_up, tear_down)
{
	put("drivers/slow.ini", MODEL_HEAD "provenance = vendor table\nturnaround = 300ms\n" MODEL_ROWS);
	assert_bus_taken(
		BUS "response_timeout = 449ms\n[meter m]\nmodel = slow\naddress = 1\n",
		"warning: site/bus.d/a.ini:3: response_timeout = 449ms: meter m is a slow, which usually takes "
		"300 ms until it answers: it may come too late\n");
	assert_bus_taken(
		BUS "response_timeout = 100ms\n[meter m]\nmodel = slow\naddress = 1\nresponse_timeout = 450ms\n", "");
	assert_bus_taken(
		BUS "[meter m]\nmodel = slow\naddress = 1\nresponse_timeout = 300ms\n",
		"warning: site/bus.d/a.ini:6: response_timeout = 300ms: meter m is a slow, which usually takes "
		"300 ms until it answers: it may come too late\n");
}

TEST_WITH(unconfirmed_tables_are_a_warning, set_up, tear_down)
{
	assert_bus_taken(
		BUS "[meter m]\nmodel = relative\naddress = 1\n[meter p]\nmodel = pulses\naddress = 2\n",
		"warning: site/bus.d/a.ini:3: meter m: the register table of a relative is a sibling's and not "
		"confirmed: compare it with the device (tally probe m), then say confirmed = yes\n"
		"warning: site/bus.d/a.ini:6: meter p: the register table of a pulses is inferred and not "
		"confirmed: compare it with the device (tally probe p), then say confirmed = yes\n");
	assert_bus_taken(BUS "[meter m]\nmodel = relative\naddress = 1\nconfirmed = yes\n", "");
	assert_true(conf->buses[0].meters[0].confirmed);
}

TEST_WITH(overfull_segments_are_a_warning, set_up, tear_down)
{
	assert_bus_taken(
		BUS METER PULSES "[meter n]\nmodel = meter\naddress = 3\n",
		"warning: site/bus.d/a.ini:1: 3 devices on 1 segment, at most 2 expected: a segment with a pulses "
		"carries 2\n");
	assert_bus_taken(BUS "repeaters = 1\n" METER PULSES "[meter n]\nmodel = meter\naddress = 3\n", "");
}

TEST_WITH(meters_of_one_model_share_its_table, set_up, tear_down)
{
	assert_bus_taken(BUS METER "[meter n]\nmodel = meter\naddress = 3\n", "");
	assert_non_null(conf->buses[0].meters[0].driver);
	assert_ptr_equal(conf->buses[0].meters[0].driver, conf->buses[0].meters[1].driver);
}

TEST_WITH(shadowed_driver_files_are_a_warning, set_up, tear_down)
{
	assert_int_equal(mkdir("own", 0700), 0);
	put("own/meter.ini", MODEL_HEAD "provenance = vendor table\n" MODEL_ROWS);
	put("site/tallyd.ini", "[drivers]\npath = own:drivers\n");
	assert_bus_taken(BUS METER,
			 "warning: own/meter.ini: used instead of drivers/meter.ini, which has the same name\n");
	assert_string_equal(conf->buses[0].meters[0].driver->file, "own/meter.ini");
}

TEST_WITH(a_bad_driver_file_takes_down_its_own_meters_only, set_up, tear_down)
{
	put("site/bus.d/a.ini",
	    BUS METER "[meter n]\nmodel = broken\naddress = 2\n[meter o]\nmodel = broken\naddress = 3\n");
	load();
	assert_non_null(strstr(told, "drivers/broken.ini:7: "));
	assert_non_null(strstr(told,
			       "warning: site/bus.d/a.ini:6: meter n: not polled, the register table of broken has "
			       "errors\n"));
	assert_non_null(conf);
	assert_int_equal(conf->n_driver_errors, 1);
	assert_non_null(conf->buses[0].meters[0].driver);
	assert_null(conf->buses[0].meters[1].driver);
	assert_null(conf->buses[0].meters[2].driver);
}

TEST_WITH(a_site_of_bad_driver_files_only_is_refused, set_up, tear_down)
{
	put("site/bus.d/a.ini", BUS "[meter n]\nmodel = broken\naddress = 2\n");
	load();
	assert_non_null(strstr(told, "drivers/broken.ini:7: "));
	assert_null(conf);
}

TEST_WITH(another_fault_beside_a_bad_driver_file_refuses, set_up, tear_down)
{
	put("site/bus.d/a.ini", BUS "retries = x\n" METER "[meter n]\nmodel = broken\naddress = 2\n");
	load();
	assert_non_null(strstr(told, "site/bus.d/a.ini:3: retries = x: 0 to 10 allowed\n"));
	assert_null(conf);
}

/* Pulse inputs */

static void assert_pulse(const char *text, int64_t weight, int64_t weight_per, enum quantity quantity,
			 const char *shown)
{
	char bus[400];

	snprintf(bus, sizeof(bus), BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = %s\n", text);
	assert_bus_taken(bus, "");
	assert_int_equal(conf->buses[0].inputs[0].weight, weight);
	assert_int_equal(conf->buses[0].inputs[0].weight_per, weight_per);
	assert_counts(&conf->buses[0].inputs[0], quantity, shown);
}

TEST_WITH(pulse_may_be_an_exact_fraction_of_a_base_unit, set_up, tear_down)
{
	assert_pulse("0.5 Wh", 1, 2, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("1.25 Wh", 5, 4, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.625 Wh", 5, 8, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.3125 Wh", 5, 16, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.15625 Wh", 5, 32, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.000001 varh", 1, 1000000, Q_REACTIVE_ENERGY_IMPORT, "kvarh");
	assert_pulse("0.0001 l", 1, 10, Q_VOLUME, "l");
	assert_pulse("5 kVAh", 5000, 1, Q_APPARENT_ENERGY, "kVAh");
	assert_pulse("2 kcal", 2000, 1, Q_HEAT, "kcal");
	assert_pulse("1000000 kWh", 1000000000, 1, Q_ACTIVE_ENERGY_IMPORT, "kWh");
}

TEST_WITH(pulse_may_be_stated_as_on_the_plate, set_up, tear_down)
{
	assert_pulse("800 imp/kWh", 5, 4, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("2000 imp/kWh", 1, 2, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("6400 imp/kWh", 5, 32, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("3 imp/kvarh", 1000, 3, Q_REACTIVE_ENERGY_IMPORT, "kvarh");
	assert_pulse("100 imp/m3", 10000, 1, Q_VOLUME, "m3");
	assert_pulse("20 imp/m3", 50000, 1, Q_VOLUME, "m3");
	assert_pulse("0.1 imp/kWh", 10000, 1, Q_ACTIVE_ENERGY_IMPORT, "kWh");
}

#define OFFSET_ALLOWED "a number and Wh, kWh, varh, kvarh, VAh, kVAh, m3, l or kcal allowed\n"
#define PULSE_ALLOWED                                                                                                  \
	"a number and Wh, kWh, varh, kvarh, VAh, kVAh, m3, l, kcal, imp/kWh, imp/kvarh or imp/m3 allowed\n"

TEST_WITH(pulse_that_is_none_is_refused, set_up, tear_down)
{
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 10\n"
				      "[input j]\nconcentrator = p\ninput = 2\npulse = 2000 imp\noffset = 5 imp/kWh\n"
				      "[input k]\nconcentrator = p\ninput = 2\npulse = 1/2 Wh\noffset = 1 MWh\n",
			   "site/bus.d/a.ini:10: pulse = 10: " PULSE_ALLOWED
			   "site/bus.d/a.ini:14: pulse = 2000 imp: " PULSE_ALLOWED
			   "site/bus.d/a.ini:15: offset = 5 imp/kWh: " OFFSET_ALLOWED
			   "site/bus.d/a.ini:19: pulse = 1/2 Wh: " PULSE_ALLOWED
			   "site/bus.d/a.ini:20: offset = 1 MWh: " OFFSET_ALLOWED
			   "site/bus.d/a.ini:18: input = 2: input j in line 11 has it already, once on a "
			   "concentrator allowed\n");
}

TEST_WITH(pulse_weights_out_of_range_are_refused, set_up, tear_down)
{
	assert_bus_refused(
		BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 0.1234567 Wh\n"
			   "[input j]\nconcentrator = p\ninput = 2\npulse = 0 imp/kWh\n"
			   "[input k]\nconcentrator = p\ninput = 3\npulse = -1 m3\noffset = 9000000000000 kWh\n"
			   "[input l]\nconcentrator = p\ninput = 4\npulse = 1000000001 Wh\n"
			   "[input m]\nconcentrator = p\ninput = 5\npulse = 1234.567891 Wh\n",
		"site/bus.d/a.ini:10: pulse = 0.1234567 Wh: at most 6 decimals allowed\n"
		"site/bus.d/a.ini:14: pulse = 0 imp/kWh: N/M Wh with N and M of 1 to 1000000000 allowed\n"
		"site/bus.d/a.ini:18: pulse = -1 m3: N/M ml with N and M of 1 to 1000000000 allowed\n"
		"site/bus.d/a.ini:19: offset = 9000000000000 kWh: -1000000000000000 to 1000000000000000 Wh "
		"allowed\n"
		"site/bus.d/a.ini:23: pulse = 1000000001 Wh: N/M Wh with N and M of 1 to 1000000000 allowed\n"
		"site/bus.d/a.ini:27: pulse = 1234.567891 Wh: N/M Wh with N and M of 1 to 1000000000 allowed\n"
		"site/bus.d/a.ini:17: input = 3: a pulses has 2 inputs\n"
		"site/bus.d/a.ini:22: input = 4: a pulses has 2 inputs\n"
		"site/bus.d/a.ini:26: input = 5: a pulses has 2 inputs\n");
}

TEST_WITH(offset_is_of_the_same_kind_as_the_pulse, set_up, tear_down)
{
	assert_bus_refused(
		BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 10 Wh\noffset = 5 m3\n",
		"site/bus.d/a.ini:11: offset = 5 m3: a unit of the same kind as the pulse's (kWh) allowed\n");
}

TEST_WITH(pulse_or_preset_is_needed_but_not_both, set_up, tear_down)
{
	assert_bus_refused(
		BUS PULSES "[input i]\nconcentrator = p\ninput = 1\n"
			   "[input j]\nconcentrator = p\ninput = 2\npulse = 10 Wh\npreset = conto-d2\n",
		"site/bus.d/a.ini:7: input i: no pulse, a weight such as 10 Wh, 0.01 m3 or 2000 imp/kWh, or a preset, "
		"expected\n"
		"site/bus.d/a.ini:14: preset = conto-d2 beside pulse = 10 Wh: one of them allowed\n");
}

TEST_WITH(preset_conto_d2_weighs_10_Wh, set_up, tear_down)
{
	assert_bus_taken(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npreset = conto-d2\noffset = 1.5 kWh\n",
			 "");
	assert_int_equal(conf->buses[0].inputs[0].weight, 10);
	assert_counts(&conf->buses[0].inputs[0], Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_int_equal(conf->buses[0].inputs[0].offset, 1500);
}

TEST_WITH(preset_conto_d1_must_be_stated_as_pulse, set_up, tear_down)
{
	assert_bus_refused(
		BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npreset = conto-d1\n",
		"site/bus.d/a.ini:10: preset = conto-d1: the maker's catalogue contradicts itself, 1000 imp/kWh "
		"in its order table and 2000 imp/kWh in its text: pulse with the weight on the meter's plate "
		"expected\n");
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npreset = conto-d3\n",
			   "site/bus.d/a.ini:10: preset = conto-d3: conto-d2 allowed\n");
}

TEST_WITH(concentrator_is_a_meter_of_the_same_bus, set_up, tear_down)
{
	put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS91\n" PULSES);
	assert_bus_refused(BUS METER "[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n",
			   "site/bus.d/a.ini:7: concentrator = p: the name of a meter of this bus allowed\n");
}

TEST_WITH(concentrator_has_pulse_inputs, set_up, tear_down)
{
	assert_bus_refused(BUS METER "[input i]\nconcentrator = m\ninput = 1\npulse = 1 l\n",
			   "site/bus.d/a.ini:7: concentrator = m: a meter has no pulse inputs, a pulse concentrator "
			   "expected\n");
}

/* Reload */

static const char site[] = BUS METER "label = x\n" PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n";

/* Whether the bus a is the same after its text was changed from old to new; lines are ignored. */
static bool stays_equal(const char *old, const char *new)
{
	char text[sizeof(site) + 160] = "; moved down\n\n";
	const char *at = strstr(site, old);
	struct conf *before;
	bool equal;

	assert_non_null(at);
	assert_bus_taken(site, "");
	before = conf;
	conf = NULL;
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s%s%s", (int)(at - site), site, new,
		 at + strlen(old));
	put("site/bus.d/a.ini", text);
	load();
	assert_non_null(conf);
	equal = conf_bus_equal(&before->buses[0], &conf->buses[0]);
	conf_free(before);
	return equal;
}

TEST_WITH(unchanged_bus_is_equal_wherever_its_lines_are, set_up, tear_down)
{
	assert_true(stays_equal("", ""));
	assert_true(stays_equal("device", "baud = 9600\ndevice"));
}

TEST_WITH(changed_bus_is_not_equal, set_up, tear_down)
{
	assert_false(stays_equal("[meter m]", "[meter n]"));
	assert_false(stays_equal("[input i]", "[input j]"));
	assert_false(stays_equal("1 l", "1 m3"));
	assert_false(stays_equal("[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n", ""));
}

TEST_WITH(value_written_in_another_way_is_equal, set_up, tear_down)
{
	assert_true(stays_equal("device", "; what a comment says\n  retries=1   ; as by default\ndevice"));
	assert_true(stays_equal("pulse = 1 l", "pulse = 1.000l"));
	assert_true(stays_equal("pulse = 1 l", "offset = 0 m3\npulse = 1 l"));
	assert_true(stays_equal("address = 1\n", "energy_every = 60s\naddress = 1\nconfirmed = no\n"));
	assert_true(stays_equal("concentrator = p\ninput = 1\n", "input = 1\nconcentrator = p\n"));
}

/* One key of a bus file, and a text of the site with what takes its place. */
struct change {
	enum option_section section;
	const char *name;
	const char *old, *new;
};

static const char serial_site[] = "[bus]\ndevice = /dev/ttyS90\n[meter m]\nmodel = transformer\naddress = 1\n"
				  "[meter p]\nmodel = pulses\naddress = 2\nconfirmed = yes\n"
				  "[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n";
static const char network_site[] = "[bus]\ntransport = tcp\nhost = 192.0.2.1\n[meter m]\nmodel = meter\naddress = 1\n";

static const struct change serial_changes[] = {
	{OPTION_BUS, "device", "device = /dev/ttyS90", "device = /dev/ttyS91"},
	{OPTION_BUS, "baud", "[bus]", "[bus]\nbaud = 4800"},
	{OPTION_BUS, "parity", "[bus]", "[bus]\nparity = even"},
	{OPTION_BUS, "stop_bits", "[bus]", "[bus]\nstop_bits = 2"},
	{OPTION_BUS, "rs485", "[bus]", "[bus]\nrs485 = rts"},
	{OPTION_BUS, "rs485_delay_before", "[bus]", "[bus]\nrs485_delay_before = 1ms"},
	{OPTION_BUS, "rs485_delay_after", "[bus]", "[bus]\nrs485_delay_after = 1ms"},
	{OPTION_BUS, "energy_every", "[bus]", "[bus]\nenergy_every = 61s"},
	{OPTION_BUS, "power_every", "[bus]", "[bus]\npower_every = 0"},
	{OPTION_BUS, "response_timeout", "[bus]", "[bus]\nresponse_timeout = 999ms"},
	{OPTION_BUS, "retries", "[bus]", "[bus]\nretries = 0"},
	{OPTION_BUS, "repeaters", "[bus]", "[bus]\nrepeaters = 1"},
	{OPTION_METER, "model", "model = transformer", "model = meter"},
	{OPTION_METER, "address", "address = 1", "address = 3"},
	{OPTION_METER, "label", "[meter m]", "[meter m]\nlabel = Hall"},
	{OPTION_METER, "confirmed", "[meter m]", "[meter m]\nconfirmed = yes"},
	{OPTION_METER, "ct", "[meter m]", "[meter m]\nct = 2/1"},
	{OPTION_METER, "vt", "[meter m]", "[meter m]\nvt = 2/1"},
	{OPTION_METER, "energy_every", "[meter m]", "[meter m]\nenergy_every = 61s"},
	{OPTION_METER, "power_every", "[meter m]", "[meter m]\npower_every = 0"},
	{OPTION_METER, "response_timeout", "[meter m]", "[meter m]\nresponse_timeout = 999ms"},
	{OPTION_METER, "retries", "[meter m]", "[meter m]\nretries = 0"},
	{OPTION_INPUT, "concentrator", "concentrator = p", "concentrator = q"},
	{OPTION_INPUT, "input", "input = 1", "input = 2"},
	{OPTION_INPUT, "pulse", "pulse = 1 l", "pulse = 0.0005 l"},
	{OPTION_INPUT, "preset", "pulse = 1 l", "preset = conto-d2"},
	{OPTION_INPUT, "offset", "[input i]", "[input i]\noffset = 1 l"},
	{OPTION_INPUT, "label", "[input i]", "[input i]\nlabel = Water"},
};

static const struct change network_changes[] = {
	{OPTION_BUS, "transport", "transport = tcp", "transport = rtu-over-tcp\nbaud = 9600"},
	{OPTION_BUS, "host", "host = 192.0.2.1", "host = 192.0.2.2"},
	{OPTION_BUS, "port", "[bus]", "[bus]\nport = 503"},
};
enum {
	N_SERIAL = sizeof(serial_changes) / sizeof(serial_changes[0]),
	N_NETWORK = sizeof(network_changes) / sizeof(network_changes[0]),
};

/* The configuration of the site whose one bus file is text; it need only have no error. */
static struct conf *load_bus(const char *text)
{
	struct conf *c;

	put("site/bus.d/a.ini", text);
	load();
	assert_non_null(conf);
	c = conf;
	conf = NULL;
	return c;
}

static void assert_change_counts(const char *before_text, const struct change *change)
{
	const char *at = strstr(before_text, change->old);
	char text[1024];
	struct conf *before, *after;
	bool is_meters = change->section == OPTION_METER;

	assert_non_null(at);
	before = load_bus(before_text);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - before_text), before_text, change->new,
		 at + strlen(change->old));
	after = load_bus(text);
	if (conf_bus_equal(&before->buses[0], &after->buses[0]) ||
	    (is_meters && conf_meter_equal(&before->buses[0].meters[0], &after->buses[0].meters[0])))
		fail_msg("%s: '%s' in place of '%s' makes no difference", change->name, change->new, change->old);
	conf_free(before);
	conf_free(after);
}

TEST_WITH(changed_value_of_any_key_changes_bus_and_meter, set_up, tear_down)
{
	char with_q[sizeof(serial_site) + 64];

	snprintf(with_q, sizeof(with_q), "%s[meter q]\nmodel = pulses\naddress = 4\nconfirmed = yes\n", serial_site);
	for (size_t i = 0; i < N_SERIAL; i++)
		assert_change_counts(with_q, &serial_changes[i]);
	for (size_t i = 0; i < N_NETWORK; i++)
		assert_change_counts(network_site, &network_changes[i]);
}

static bool is_changed(const struct option *o, const struct change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (changes[i].section == o->section && strcmp(changes[i].name, o->name) == 0)
			return true;
	return false;
}

TEST(each_key_of_a_bus_file_is_changed_above)
{
	size_t n;
	const struct option *o = option_table(&n);

	for (size_t i = 0; i < n; i++)
		if (o[i].section == OPTION_BUS || o[i].section == OPTION_METER || o[i].section == OPTION_INPUT)
			assert_true(is_changed(&o[i], serial_changes, N_SERIAL) ||
				    is_changed(&o[i], network_changes, N_NETWORK));
}

/* Whether a bus and its meter are equal before and after the register table of the meter became new. */
static bool table_stays_equal(const char *new)
{
	struct conf *before, *after;
	bool bus, meter;

	before = load_bus(BUS METER);
	put("drivers/meter.ini", new);
	after = load_bus(BUS METER);
	bus = conf_bus_equal(&before->buses[0], &after->buses[0]);
	meter = conf_meter_equal(&before->buses[0].meters[0], &after->buses[0].meters[0]);
	assert_int_equal(bus, meter);
	conf_free(before);
	conf_free(after);
	return bus;
}

TEST_WITH(changed_register_table_changes_bus_and_meter, set_up, tear_down)
{
	assert_false(table_stays_equal(MODEL_HEAD "provenance = vendor table\nbaud = 4800 9600\n"
						  "[registers]\nactive_energy_import = 2 u32 1 Wh energy\n"));
}

TEST_WITH(comment_in_a_register_table_changes_nothing, set_up, tear_down)
{
	assert_true(table_stays_equal(MODEL_HEAD
				      "; seen at a meter\nprovenance = vendor table\nbaud = 4800 9600\n"
				      "\n[registers]\nactive_energy_import = 0  u32 1\tWh energy ; total\n"));
}

TEST_WITH(table_that_got_an_error_changes_bus_and_meter, set_up, tear_down)
{
	struct conf *before = load_bus(BUS METER "[meter p]\nmodel = pulses\naddress = 2\n"), *after;

	put("drivers/meter.ini", "[model]\n");
	after = load_bus(BUS METER "[meter p]\nmodel = pulses\naddress = 2\n");
	assert_false(conf_bus_equal(&before->buses[0], &after->buses[0]));
	assert_false(conf_meter_equal(&before->buses[0].meters[0], &after->buses[0].meters[0]));
	assert_true(conf_meter_equal(&before->buses[0].meters[1], &after->buses[0].meters[1]));
	conf_free(before);
	conf_free(after);
}

UNIT_MAIN(NULL, NULL)
