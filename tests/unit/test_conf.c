/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf_load.h"
#include "conf_site.h"
#include "driver.h"
#include "err.h"
#include "unit.h"
#include "zone.h"

/* A smallest site, and values */

TEST_WITH(everything_has_a_default, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS METER, "");
	assert_string_equal(site_conf->dir, "site");
	assert_string_equal(site_conf->store_path, "/var/lib/tallyd/tallyd.db");
	assert_int_equal(site_conf->commit_interval_ms, 10000);
	assert_int_equal(site_conf->durability, CONF_FULL);
	assert_int_equal(site_conf->keep_readings_d, 400);
	assert_int_equal(site_conf->interval_s, 900);
	assert_int_equal(site_conf->log_level, LOG_LEVEL_INFO);
	assert_true(zone_exists(site_conf->timezone));
	assert_int_equal(site_conf->n_buses, 1);
}

TEST_WITH(bus_and_meter_have_defaults, site_set_up, site_tear_down)
{
	const struct conf_bus *b;

	assert_bus_taken(BUS METER, "");
	b = &site_conf->buses[0];
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

TEST_WITH(main_file_may_be_missing_or_empty, site_set_up, site_tear_down)
{
	site_put("site/bus.d/a.ini", "[bus]\ndevice = /dev/ttyS90\n");
	site_put("site/tallyd.ini", "");
	assert_taken("warning: site/bus.d/a.ini:1: section [meter NAME] is missing; nothing is polled on this bus\n");
	assert_int_equal(unlink("site/tallyd.ini"), 0);
	assert_taken("warning: site/bus.d/a.ini:1: section [meter NAME] is missing; nothing is polled on this bus\n");
}

TEST_WITH(every_key_of_the_main_file_is_read, site_set_up, site_tear_down)
{
	site_put("site/bus.d/a.ini", BUS METER);
	site_put("site/tallyd.ini", "[store]\npath = /data/t.db\ncommit_interval = 1min\ndurability = normal\n"
				    "keep_readings = 30d\ninterval = 5min\ntimezone = Europe/Paris\n"
				    "[drivers]\npath = /nowhere:drivers\n[log]\nlevel = debug\n");
	assert_taken("");
	assert_string_equal(site_conf->store_path, "/data/t.db");
	assert_int_equal(site_conf->commit_interval_ms, 60000);
	assert_int_equal(site_conf->durability, CONF_NORMAL);
	assert_int_equal(site_conf->keep_readings_d, 30);
	assert_int_equal(site_conf->interval_s, 300);
	assert_string_equal(site_conf->timezone, "Europe/Paris");
	assert_string_equal(site_conf->driver_path, "/nowhere:drivers");
	assert_int_equal(site_conf->log_level, LOG_LEVEL_DEBUG);
}

TEST_WITH(every_key_of_a_bus_is_read, site_set_up, site_tear_down)
{
	const struct conf_bus *b;

	assert_bus_taken(
		"[bus]\ntransport = rtu-over-tcp\nhost = gateway.example\nport = 4001\nbaud = 4800\nparity = even\n"
		"stop_bits = 2\nenergy_every = 5min\npower_every = 0\nresponse_timeout = 250ms\nretries = 0\n"
		"repeaters = 2\n" METER,
		"");
	b = &site_conf->buses[0];
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

TEST_WITH(meter_takes_from_its_bus_what_it_does_not_say, site_set_up, site_tear_down)
{
	const struct conf_meter *m;

	assert_bus_taken("[meter n]\nmodel = meter\naddress = 2\nenergy_every = 15min\npower_every = 30s\n"
			 "response_timeout = 2s\nretries = 3\nlabel = Hall A, north; old #2\n" METER
			 "[bus]\ndevice = /dev/ttyS90\nenergy_every = 2min\npower_every = 0\nresponse_timeout = 300ms\n"
			 "retries = 2\n",
			 "");
	m = site_conf->buses[0].meters;
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

/* Files and directories */

TEST_WITH(missing_directory_is_reported, site_set_up, site_tear_down)
{
	struct err e = {0};

	assert_null(conf_load("nowhere", &e));
	assert_string_equal(e.items[0].text, "nowhere: No such file or directory; use a configuration directory");
	err_fini(&e);
	assert_null(conf_load("site/tallyd.ini", &e));
	assert_string_equal(e.items[0].text, "site/tallyd.ini: not a directory; use a configuration directory");
	err_fini(&e);
}

TEST_WITH(main_file_alone_is_read_whatever_is_wrong_with_a_bus, site_set_up, site_tear_down)
{
	struct err e = {0};

	site_put("site/tallyd.ini", "[store]\npath = /srv/tallyd.db\ninterval = 30min\n");
	site_put("site/bus.d/a.ini", "[bus]\nnonsense\n");
	site_conf = conf_load_main("site", &e);
	assert_int_equal(e.n_items, 0);
	assert_non_null(site_conf);
	assert_string_equal(site_conf->store_path, "/srv/tallyd.db");
	assert_int_equal(site_conf->interval_s, 1800);
	assert_int_equal(site_conf->n_buses, 0);
	site_put("site/tallyd.ini", "[log]\nlevel = loud\n");
	assert_null(conf_load_main("site", &e));
	assert_string_equal(e.items[0].text,
			    "site/tallyd.ini:2: level = loud is not valid; use error, warning, info or debug");
	err_fini(&e);
}

TEST_WITH(missing_bus_directory_is_reported_beside_other_faults, site_set_up, site_tear_down)
{
	site_put("site/tallyd.ini", "[log]\nlevel = loud\n");
	assert_int_equal(rmdir("site/bus.d"), 0);
	assert_refused("site/bus.d: No such file or directory; use a directory with a NAME.ini for each bus\n"
		       "site/tallyd.ini:2: level = loud is not valid; use error, warning, info or debug\n");
	assert_int_equal(mkdir("site/bus.d", 0700), 0);
}

TEST_WITH(directory_without_a_bus_is_refused, site_set_up, site_tear_down)
{
	site_put("site/bus.d/a.ini~", BUS METER);
	site_put("site/bus.d/.hidden.ini", BUS METER);
	site_put("site/bus.d/example.ini.sample", BUS METER);
	site_put("site/bus.d/hall.INI", BUS METER);
	site_put("site/bus.d/hall.ini.dpkg-old", BUS METER);
	assert_refused(
		"warning: site/bus.d/hall.INI: not read, since its name does not end with .ini; rename or remove it\n"
		"site/bus.d: bus file is missing; write at least one NAME.ini, as example.ini.sample shows\n");
}

TEST_WITH(unreadable_files_are_reported, site_set_up, site_tear_down)
{
	assert_int_equal(unlink("site/tallyd.ini"), 0);
	assert_int_equal(mkdir("site/tallyd.ini", 0700), 0);
	assert_int_equal(mkdir("site/bus.d/a.ini", 0700), 0);
	assert_refused("site/tallyd.ini: Is a directory\nsite/bus.d/a.ini: Is a directory\n");
}

TEST_WITH(file_names_that_are_no_bus_names_are_refused, site_set_up, site_tear_down)
{
	site_put("site/bus.d/hall one.ini", BUS METER);
	assert_refused("site/bus.d/hall one.ini: file name is not valid for a bus; use NAME.ini with a NAME of 1 to 40 "
		       "letters, digits, '.', '_', '-', a letter or digit first\n");
}

TEST_WITH(buses_come_sorted_by_name, site_set_up, site_tear_down)
{
	site_put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS92\n[meter n]\nmodel = meter\naddress = 1\n");
	assert_bus_taken(BUS METER, "");
	assert_int_equal(site_conf->n_buses, 2);
	assert_string_equal(site_conf->buses[0].name, "a");
	assert_string_equal(site_conf->buses[1].name, "b");
}

/* Form */

TEST_WITH(unknown_sections_are_refused, site_set_up, site_tear_down)
{
	assert_main_refused("[stores]\npath = x\n[bus]\n[drivers]\npath = drivers\n",
			    "site/tallyd.ini:1: unknown section [stores]; use [store], [drivers], [log]\n"
			    "site/tallyd.ini:3: unknown section [bus]; use [store], [drivers], [log]\n");
}

TEST_WITH(unknown_sections_of_a_bus_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS METER "[metre n]\nmodel = x\n[bus b]\n[store]\n",
			   "site/bus.d/a.ini:6: unknown section [metre n]; use [bus], [meter NAME], [input NAME]\n"
			   "site/bus.d/a.ini:8: unknown section [bus b]; use [bus], [meter NAME], [input NAME]\n"
			   "site/bus.d/a.ini:9: unknown section [store]; use [bus], [meter NAME], [input NAME]\n");
}

TEST_WITH(unknown_keys_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS METER "adress = 5\n[input i]\nbaud = 9600\nconcentrator = m\n",
			   "site/bus.d/a.ini:6: unknown key adress in [meter m]; use model, address, load, invert, "
			   "label, confirmed, "
			   "ct, vt, energy_every, power_every, response_timeout, retries\n"
			   "site/bus.d/a.ini:8: unknown key baud in [input i]; use concentrator, input, pulse, preset, "
			   "offset, kind, calorific, label\n"
			   "site/bus.d/a.ini:7: key input is missing in [input i]; use 1 to 8\n"
			   "site/bus.d/a.ini:7: key pulse is missing in [input i]; use a weight such as 10 Wh, 0.01 m3 "
			   "or 2000 imp/kWh, or a preset\n");
}

TEST_WITH(duplicate_keys_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS METER "address = 2\n",
			   "site/bus.d/a.ini:6: duplicate key address in [meter m] (first in line 5); use it once\n");
}

TEST_WITH(duplicate_sections_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS METER "[bus]\nbaud = 300\n",
			   "site/bus.d/a.ini:6: duplicate section [bus] (first in line 1); use it once\n");
}

TEST_WITH(names_that_are_none_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS METER "[meter]\n[meter two words]\n[input 12345678901234567890123456789012345678901]\n",
			   "site/bus.d/a.ini:6: section [meter] is not valid; use a name of 1 to 40 letters, digits, "
			   "'.', '_', '-', a letter or digit first\n"
			   "site/bus.d/a.ini:7: section [meter two words] is not valid; write [meter two-words]\n"
			   "site/bus.d/a.ini:8: section [input 12345678901234567890123456789012345678901] is not "
			   "valid; use a name of 1 to 40 letters, digits, '.', '_', '-', a letter or digit first\n");
}

TEST_WITH(overlong_lines_are_refused, site_set_up, site_tear_down)
{
	char text[400] = BUS METER "label = ";

	memset(text + strlen(text), 'x', 250);
	assert_bus_refused(text, "site/bus.d/a.ini:6: line is too long (258 bytes); use at most 198\n");
}

TEST_WITH(missing_bus_section_is_reported, site_set_up, site_tear_down)
{
	assert_bus_refused(METER, "site/bus.d/a.ini:1: section [bus] is missing\n");
}

/* Values */

TEST_WITH(values_of_the_main_file_out_of_range_are_refused, site_set_up, site_tear_down)
{
	assert_main_refused("[drivers]\npath = drivers\n[log]\nlevel = loud\n[store]\npath =\ncommit_interval = 10\n"
			    "durability = yes\nkeep_readings = 36h\ninterval = 2h\ntimezone = Europe/Atlantis\n",
			    "site/tallyd.ini:6: path has no value; use the path of a database file\n"
			    "site/tallyd.ini:7: commit_interval = 10 is not valid; use 100ms to 1h\n"
			    "site/tallyd.ini:8: durability = yes is not valid; use full or normal\n"
			    "site/tallyd.ini:9: keep_readings = 36h is not valid; use 1d to 36500d in whole days\n"
			    "site/tallyd.ini:10: interval = 2h is not valid; use 1s to 1h in whole seconds\n"
			    "site/tallyd.ini:4: level = loud is not valid; use error, warning, info or debug\n"
			    "site/tallyd.ini:11: timezone = Europe/Atlantis is not valid; use a name below "
			    "/usr/share/zoneinfo, such as Europe/Paris\n");
}

TEST_WITH(interval_is_a_whole_part_of_an_hour, site_set_up, site_tear_down)
{
	assert_main_refused("[drivers]\npath = drivers\n[store]\ninterval = 7min\n",
			    "site/tallyd.ini:4: interval = 7min is not valid; use a whole part of an hour (1min, 5min, "
			    "15min, 30min, 1h ...)\n");
}

TEST_WITH(timezones_outside_the_zone_directory_are_refused, site_set_up, site_tear_down)
{
	assert_false(zone_exists("../../../etc/passwd"));
	assert_false(zone_exists("/usr/share/zoneinfo/Europe/Paris"));
	assert_false(zone_exists("Europe"));
	assert_false(zone_exists("tzdata.zi"));
	assert_false(zone_exists(""));
	assert_true(zone_exists("UTC"));
}

TEST_WITH(values_of_a_bus_out_of_range_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(
		BUS "baud = 300\nparity = mark\nstop_bits = 3\nrs485 = on\nenergy_every = 0\n"
		    "power_every = 500ms\nresponse_timeout = 1ms\nretries = 11\nrepeaters = -1\n" METER,
		"site/bus.d/a.ini:3: baud = 300 is not valid; use 1200, 2400, 4800, 9600, 19200, 38400, 57600 or "
		"115200\n"
		"site/bus.d/a.ini:4: parity = mark is not valid; use none, even or odd\n"
		"site/bus.d/a.ini:5: stop_bits = 3 is not valid; use 1 to 2\n"
		"site/bus.d/a.ini:6: rs485 = on is not valid; use auto, kernel, rts or off\n"
		"site/bus.d/a.ini:7: energy_every = 0 is not valid; use 1s to 1d in whole seconds\n"
		"site/bus.d/a.ini:8: power_every = 500ms is not valid; use 0 (never) or 1s to 1d in whole seconds\n"
		"site/bus.d/a.ini:9: response_timeout = 1ms is not valid; use 10ms to 1min\n"
		"site/bus.d/a.ini:10: retries = 11 is not valid; use 0 to 10\n"
		"site/bus.d/a.ini:11: repeaters = -1 is not valid; use 0 to 16\n");
}

TEST_WITH(words_may_have_capital_letters, site_set_up, site_tear_down)
{
	assert_bus_taken("[bus]\ntransport = TCP\nhost = 10.0.0.5\nparity = Even\n" METER, "");
	assert_int_equal(site_conf->buses[0].transport, CONF_TCP);
	assert_int_equal(site_conf->buses[0].parity, CONF_EVEN);
}

TEST_WITH(values_written_as_people_say_them_are_refused_with_what_to_write, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS "baud = 9600 baud\nenergy_every = 10S\nresponse_timeout = 1,5s\n" METER
			       "ct = 400/5A\n" PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 0,01 m3\n"
			       "[input j]\nconcentrator = p\ninput = 2\npulse = 1 kwh\noffset = 1,5 M3\n",
			   "site/bus.d/a.ini:3: baud = 9600 baud is not valid; write baud = 9600\n"
			   "site/bus.d/a.ini:4: energy_every = 10S is not valid; write energy_every = 10s\n"
			   "site/bus.d/a.ini:5: response_timeout = 1,5s is not valid; write response_timeout = 1.5s\n"
			   "site/bus.d/a.ini:9: ct = 400/5A is not valid; write ct = 400/5\n"
			   "site/bus.d/a.ini:17: pulse = 0,01 m3 is not valid; write pulse = 0.01 m3\n"
			   "site/bus.d/a.ini:21: pulse = 1 kwh is not valid; write pulse = 1 kWh\n"
			   "site/bus.d/a.ini:22: offset = 1,5 M3 is not valid; write offset = 1.5 m3\n"
			   "site/bus.d/a.ini:9: ct = 400/5A is not valid for a meter, which knows its ratios itself; "
			   "remove ct\n");
}

TEST_WITH(devices_that_can_never_be_one_are_refused_with_what_to_write, site_set_up, site_tear_down)
{
	assert_bus_refused("[bus]\ndevice = COM3\n" METER,
			   "site/bus.d/a.ini:2: device = COM3 is a port of Windows; use a path such as /dev/ttyUSB0 "
			   "(ls /dev/serial/by-id lists USB adapters)\n");
	assert_bus_refused(
		"[bus]\ndevice = \"/dev/ttyS0\"\n" METER,
		"site/bus.d/a.ini:2: device = \"/dev/ttyS0\" is not valid; write it without quotes: device = "
		"/dev/ttyS0\n");
	assert_bus_refused("[bus]\ndevice = ttyUSB0\n" METER,
			   "site/bus.d/a.ini:2: device = ttyUSB0 is not valid; use a path that begins with /, such as "
			   "/dev/ttyUSB0\n");
}

TEST_WITH(hosts_that_can_never_be_one_are_refused_with_what_to_write, site_set_up, site_tear_down)
{
	assert_bus_refused(
		"[bus]\ntransport = tcp\nhost = 10.0.0.5:502\n" METER,
		"site/bus.d/a.ini:3: host = 10.0.0.5:502 is not valid; write host = 10.0.0.5 and port = 502\n");
	assert_bus_refused("[bus]\ntransport = tcp\nhost = http://10.0.0.5/\n" METER,
			   "site/bus.d/a.ini:3: host = http://10.0.0.5/ is not valid; write the name or address alone: "
			   "host = 10.0.0.5\n");
	assert_bus_refused("[bus]\ntransport = tcp\nhost = [::1]\n" METER,
			   "site/bus.d/a.ini:3: host = [::1] is not valid; write it without brackets: host = ::1\n");
	assert_bus_taken("[bus]\ntransport = tcp\nhost = ::1\n" METER, "");
}

TEST_WITH(database_is_a_file_with_a_whole_path, site_set_up, site_tear_down)
{
	assert_main_refused("[drivers]\npath = drivers\n[store]\npath = tallyd.db\n",
			    "site/tallyd.ini:4: path = tallyd.db is not valid; use a path that begins with /\n");
	assert_main_refused(
		"[drivers]\npath = drivers\n[store]\npath = /tmp\n",
		"site/tallyd.ini:4: path = /tmp is a folder; use the path of a file in it: /tmp/tallyd.db\n");
}

TEST_WITH(a_model_written_with_blanks_is_put_right, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS "[meter m]\nmodel = Conto D4-S\naddress = 5\n",
			   "site/bus.d/a.ini:4: model = Conto D4-S is not valid; write model = Conto-D4-S\n");
}

TEST_WITH(values_of_a_meter_out_of_range_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(
		BUS "[meter m]\nmodel = a/b\naddress = 256\nconfirmed = true\nct = 5/400\nvt = 100\n",
		"site/bus.d/a.ini:4: model = a/b is not valid; use a model's name, as tally models lists them\n"
		"site/bus.d/a.ini:5: address = 256 is not valid; use 0 to 255\n"
		"site/bus.d/a.ini:6: confirmed = true is not valid; use yes or no\n"
		"site/bus.d/a.ini:7: ct = 5/400 is not valid; use PRIMARY/SECONDARY, each 1 to 1000000, primary at "
		"least secondary\n"
		"site/bus.d/a.ini:8: vt = 100 is not valid; use PRIMARY/SECONDARY, each 1 to 1000000, primary at least "
		"secondary\n");
}

TEST_WITH(labels_end_at_127_bytes, site_set_up, site_tear_down)
{
	char text[400] = BUS METER "label = ";

	memset(text + strlen(text), 'x', 127);
	assert_bus_taken(text, "");
	assert_int_equal(strlen(site_conf->buses[0].meters[0].label), 127);
	text[strlen(text)] = 'y';
	site_put("site/bus.d/a.ini", text);
	site_load();
	assert_null(site_conf);
	assert_non_null(strstr(site_complaints, "xy is not valid; use a text of at most 127 bytes\n"));
}

TEST_WITH(what_a_meter_needs_is_named, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS "[meter m]\n",
			   "site/bus.d/a.ini:3: key model is missing in [meter m]; use a model's name, as tally models "
			   "lists them\n"
			   "site/bus.d/a.ini:3: key address is missing in [meter m]; use 0 to 255\n");
}

/* Transports */

TEST_WITH(rtu_needs_a_device, site_set_up, site_tear_down)
{
	assert_bus_refused(
		"[bus]\n" METER,
		"site/bus.d/a.ini:1: key device is missing for transport = rtu; use the path of a serial port\n");
}

TEST_WITH(gateways_need_a_host, site_set_up, site_tear_down)
{
	assert_bus_refused("[bus]\ntransport = tcp\n" METER,
			   "site/bus.d/a.ini:2: key host is missing for transport = tcp; use a host name or address\n");
	assert_bus_refused(
		"[bus]\ntransport = rtu-over-tcp\n" METER,
		"site/bus.d/a.ini:2: key host is missing for transport = rtu-over-tcp; use a host name or address\n");
}

TEST_WITH(keys_of_another_transport_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS "host = h\nport = 502\n" METER, "site/bus.d/a.ini:3: key host conflicts with transport "
							       "= rtu; use it with transport = tcp or rtu-over-tcp\n"
							       "site/bus.d/a.ini:4: key port conflicts with transport "
							       "= rtu; use it with transport = tcp or rtu-over-tcp\n");
	assert_bus_refused(
		BUS "transport = tcp\nhost = h\nrs485 = rts\n" METER,
		"site/bus.d/a.ini:2: key device conflicts with transport = tcp; use it with transport = rtu\n"
		"site/bus.d/a.ini:5: key rs485 conflicts with transport = tcp; use it with transport = rtu\n");
}

TEST_WITH(delays_are_for_a_line_that_the_daemon_turns, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS "rs485 = kernel\nrs485_delay_before = 2ms\nrs485_delay_after = 1s\n" METER, "");
	assert_int_equal(site_conf->buses[0].rs485_delay_before_ms, 2);
	assert_int_equal(site_conf->buses[0].rs485_delay_after_ms, 1000);
	assert_bus_taken(BUS "rs485 = off\nrs485_delay_before = 0\n" METER, "");
	assert_bus_refused(BUS "rs485 = off\nrs485_delay_before = 1ms\nrs485_delay_after = 2s\n" METER,
			   "site/bus.d/a.ini:5: rs485_delay_after = 2s is not valid; use 0 to 1s\n"
			   "site/bus.d/a.ini:4: rs485_delay_before = 1ms conflicts with rs485 = off; use it with rs485 "
			   "= auto, kernel or rts\n");
	assert_bus_refused("[bus]\ntransport = tcp\nhost = h\nrs485_delay_after = 1ms\n" METER,
			   "site/bus.d/a.ini:4: key rs485_delay_after conflicts with transport = tcp; use it with "
			   "transport = rtu\n");
}

TEST_WITH(unknown_transport_hides_what_would_follow_from_it, site_set_up, site_tear_down)
{
	assert_bus_refused("[bus]\ntransport = serial\nhost = h\n" METER,
			   "site/bus.d/a.ini:2: transport = serial is not valid; use rtu, tcp or rtu-over-tcp\n");
}

UNIT_MAIN(NULL, NULL)
