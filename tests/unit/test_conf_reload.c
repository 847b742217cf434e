/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "conf_site.h"
#include "option.h"
#include "unit.h"

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
	before = site_take_conf();
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s%s%s", (int)(at - site), site, new,
		 at + strlen(old));
	site_put("site/bus.d/a.ini", text);
	site_load();
	assert_non_null(site_conf);
	equal = conf_bus_equal(&before->buses[0], &site_conf->buses[0]);
	conf_free(before);
	return equal;
}

TEST_WITH(unchanged_bus_is_equal_wherever_its_lines_are, site_set_up, site_tear_down)
{
	assert_true(stays_equal("", ""));
	assert_true(stays_equal("device", "baud = 9600\ndevice"));
}

TEST_WITH(changed_bus_is_not_equal, site_set_up, site_tear_down)
{
	assert_false(stays_equal("[meter m]", "[meter n]"));
	assert_false(stays_equal("[input i]", "[input j]"));
	assert_false(stays_equal("1 l", "1 m3"));
	assert_false(stays_equal("[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n", ""));
}

TEST_WITH(value_written_in_another_way_is_equal, site_set_up, site_tear_down)
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
	{OPTION_METER, "load", "address = 1", "address = 1\nload = 2"},
	{OPTION_METER, "invert", "[meter m]", "[meter m]\ninvert = yes"},
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
	{OPTION_INPUT, "kind", "[input i]", "[input i]\nkind = gas"},
	{OPTION_INPUT, "calorific", "[input i]", "[input i]\nkind = gas\ncalorific = 11.2 kWh/m3"},
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
	site_put("site/bus.d/a.ini", text);
	site_load();
	assert_non_null(site_conf);
	return site_take_conf();
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

TEST_WITH(changed_value_of_any_key_changes_bus_and_meter, site_set_up, site_tear_down)
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
	site_put("drivers/meter.ini", new);
	after = load_bus(BUS METER);
	bus = conf_bus_equal(&before->buses[0], &after->buses[0]);
	meter = conf_meter_equal(&before->buses[0].meters[0], &after->buses[0].meters[0]);
	assert_int_equal(bus, meter);
	conf_free(before);
	conf_free(after);
	return bus;
}

TEST_WITH(changed_register_table_changes_bus_and_meter, site_set_up, site_tear_down)
{
	assert_false(table_stays_equal(MODEL_HEAD "provenance = vendor table\nbaud = 4800 9600\n"
						  "[registers]\nactive_energy_import = 2 u32 1 Wh energy\n"));
}

TEST_WITH(comment_in_a_register_table_changes_nothing, site_set_up, site_tear_down)
{
	assert_true(table_stays_equal(MODEL_HEAD
				      "; seen at a meter\nprovenance = vendor table\nbaud = 4800 9600\n"
				      "\n[registers]\nactive_energy_import = 0  u32 1\tWh energy ; total\n"));
}

TEST_WITH(table_that_got_an_error_changes_bus_and_meter, site_set_up, site_tear_down)
{
	struct conf *before = load_bus(BUS METER "[meter p]\nmodel = pulses\naddress = 2\n"), *after;

	site_put("drivers/meter.ini", "[model]\n");
	after = load_bus(BUS METER "[meter p]\nmodel = pulses\naddress = 2\n");
	assert_false(conf_bus_equal(&before->buses[0], &after->buses[0]));
	assert_false(conf_meter_equal(&before->buses[0].meters[0], &after->buses[0].meters[0]));
	assert_true(conf_meter_equal(&before->buses[0].meters[1], &after->buses[0].meters[1]));
	conf_free(before);
	conf_free(after);
}

UNIT_MAIN(NULL, NULL)
