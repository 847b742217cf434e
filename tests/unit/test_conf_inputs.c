/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "conf.h"
#include "conf_site.h"
#include "unit.h"

/* Pulse inputs */

static void assert_counts(const struct conf_input *in, enum quantity quantity, const char *shown)
{
	assert_int_equal(in->quantity, quantity);
	assert_string_equal(in->shown->text, shown);
}

#define UNITS	  "Wh, kWh, MWh, varh, kvarh, VAh, kVAh, m3, l, kJ, MJ, GJ, kcal, Mcal or Gcal"
#define NO_OFFSET " is not valid; use a number and " UNITS "\n"
#define NO_PULSE  " is not valid; use a number and " UNITS ", or imp/ and one of them\n"

TEST_WITH(inputs_are_read, site_set_up, site_tear_down)
{
	const struct conf_input *in;

	assert_bus_taken(BUS METER PULSES "[input lighting]\nconcentrator = p\ninput = 1\npulse = 10 Wh\n"
					  "offset = 81234.5 kWh\nlabel = Lights\n"
					  "[input gas]\nconcentrator = p\ninput = 2\npulse = 0.01 m3\noffset = -20 l\n",
			 "");
	in = site_conf->buses[0].inputs;
	assert_int_equal(site_conf->buses[0].n_inputs, 2);
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

static void assert_pulse(const char *text, int64_t weight, int64_t weight_per, enum quantity quantity,
			 const char *shown)
{
	char bus[400];

	snprintf(bus, sizeof(bus), BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = %s\n", text);
	assert_bus_taken(bus, "");
	assert_int_equal(site_conf->buses[0].inputs[0].weight, weight);
	assert_int_equal(site_conf->buses[0].inputs[0].weight_per, weight_per);
	assert_counts(&site_conf->buses[0].inputs[0], quantity, shown);
}

TEST_WITH(pulse_may_be_an_exact_fraction_of_a_base_unit, site_set_up, site_tear_down)
{
	assert_pulse("0.5 Wh", 1, 2, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("1.25 Wh", 5, 4, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.625 Wh", 5, 8, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.3125 Wh", 5, 16, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.15625 Wh", 5, 32, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("0.000001 varh", 1, 1000000, Q_REACTIVE_ENERGY_IMPORT, "kvarh");
	assert_pulse("0.0001 l", 1, 10, Q_VOLUME, "l");
	assert_pulse("5 kVAh", 5000, 1, Q_APPARENT_ENERGY, "kVAh");
	assert_pulse("2 kcal", 1163, 500, Q_HEAT, "kWh");
	assert_pulse("1000000 kWh", 1000000000, 1, Q_ACTIVE_ENERGY_IMPORT, "kWh");
}

TEST_WITH(pulse_may_be_stated_as_on_the_plate, site_set_up, site_tear_down)
{
	assert_pulse("800 imp/kWh", 5, 4, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("2000 imp/kWh", 1, 2, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("6400 imp/kWh", 5, 32, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("3 imp/kvarh", 1000, 3, Q_REACTIVE_ENERGY_IMPORT, "kvarh");
	assert_pulse("100 imp/m3", 10000, 1, Q_VOLUME, "m3");
	assert_pulse("20 imp/m3", 50000, 1, Q_VOLUME, "m3");
	assert_pulse("0.1 imp/kWh", 10000, 1, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("5 imp/l", 200, 1, Q_VOLUME, "l");
	assert_pulse("8 imp/MWh", 125000, 1, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("2 imp/Wh", 1, 2, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_pulse("1000 imp/kVAh", 1, 1, Q_APPARENT_ENERGY, "kVAh");
	assert_pulse("1000 imp/GJ", 2500, 9, Q_HEAT, "kWh");
	assert_pulse("100 imp/Gcal", 11630, 1, Q_HEAT, "kWh");
}

TEST_WITH(pulse_of_heat_is_an_exact_fraction_of_a_wh, site_set_up, site_tear_down)
{
	assert_pulse("1 kJ", 5, 18, Q_HEAT, "kWh");
	assert_pulse("10 MJ", 25000, 9, Q_HEAT, "kWh");
	assert_pulse("0.01 GJ", 25000, 9, Q_HEAT, "kWh");
	assert_pulse("0.9 GJ", 250000, 1, Q_HEAT, "kWh");
	assert_pulse("1 kcal", 1163, 1000, Q_HEAT, "kWh");
	assert_pulse("1000 kcal", 1163, 1, Q_HEAT, "kWh");
	assert_pulse("1 Mcal", 1163, 1, Q_HEAT, "kWh");
	assert_pulse("0.5 Gcal", 581500, 1, Q_HEAT, "kWh");
}

TEST_WITH(cubic_metres_may_have_a_small_3, site_set_up, site_tear_down)
{
	assert_pulse("0.01 m\u00b3", 10000, 1, Q_VOLUME, "m3");
	assert_pulse("20 imp/m\u00b3", 50000, 1, Q_VOLUME, "m3");
}

#define AT_10 "site/bus.d/a.ini:10: pulse = "

TEST_WITH(pulse_as_a_plate_has_it_is_answered_with_what_to_write, site_set_up, site_tear_down)
{
	static const struct {
		const char *written, *meant;
	} cases[] = {
		{"10 l/imp", "10 l"},
		{"0,5 Wh/Imp", "0.5 Wh"},
		{"100 kWh/pulse", "100 kWh"},
		{"1000 Imp/kWh", "1000 imp/kWh"},
		{"1000 imp./kWh", "1000 imp/kWh"},
		{"800 pulses/kWh", "800 imp/kWh"},
		{"1000 IMP/KWH", "1000 imp/kWh"},
		{"2 imp/M3", "2 imp/m3"},
		{"1 mwh", "1 MWh"},
		{"1 gj", "1 GJ"},
		{"1 MCAL", "1 Mcal"},
		{"10 L", "10 l"},
		{"10 kWhh", "10 kWh"},
		{"10 imp/kWhr", "10 imp/kWh"},
	};
	char bus[400], expected[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(bus, sizeof(bus), BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = %s\n",
			 cases[i].written);
		snprintf(expected, sizeof(expected), AT_10 "%s is not valid; write pulse = %s\n", cases[i].written,
			 cases[i].meant);
		assert_bus_refused(bus, expected);
	}
}

/* A guess must not be a thousand times too much. */
TEST_WITH(pulse_in_an_unknown_unit_is_no_other_unit, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 1 GWh\n",
			   AT_10 "1 GWh" NO_PULSE);
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 1 ml\n", AT_10 "1 ml" NO_PULSE);
}

TEST_WITH(offset_of_heat_is_rounded_to_whole_wh, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 0.01 GJ\noffset = 12.34 GJ\n", "");
	assert_int_equal(site_conf->buses[0].inputs[0].offset, 3427777);
}

TEST_WITH(pulse_that_is_none_is_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 10\n"
				      "[input j]\nconcentrator = p\ninput = 2\npulse = 2000 imp\noffset = 5 imp/kWh\n"
				      "[input k]\nconcentrator = p\ninput = 2\npulse = 1/2 Wh\noffset = 1 GWh\n",
			   "site/bus.d/a.ini:10: pulse = 10" NO_PULSE "site/bus.d/a.ini:14: pulse = 2000 imp" NO_PULSE
			   "site/bus.d/a.ini:15: offset = 5 imp/kWh" NO_OFFSET
			   "site/bus.d/a.ini:19: pulse = 1/2 Wh" NO_PULSE
			   "site/bus.d/a.ini:20: offset = 1 GWh" NO_OFFSET
			   "site/bus.d/a.ini:18: input = 2 is used twice on this concentrator (first by input j in "
			   "line 11); give each its own\n");
}

TEST_WITH(pulse_weights_out_of_range_are_refused, site_set_up, site_tear_down)
{
	assert_bus_refused(
		BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 0.1234567 Wh\n"
			   "[input j]\nconcentrator = p\ninput = 2\npulse = 0 imp/kWh\n"
			   "[input k]\nconcentrator = p\ninput = 3\npulse = -1 m3\noffset = 9000000000000 kWh\n"
			   "[input l]\nconcentrator = p\ninput = 4\npulse = 1000000001 Wh\n"
			   "[input m]\nconcentrator = p\ninput = 5\npulse = 1234.567891 Wh\n",
		"site/bus.d/a.ini:10: pulse = 0.1234567 Wh is not valid; use at most 6 decimals\n"
		"site/bus.d/a.ini:14: pulse = 0 imp/kWh is out of range; use N/M Wh with N and M from 1 to 1000000000\n"
		"site/bus.d/a.ini:18: pulse = -1 m3 is out of range; use N/M ml with N and M from 1 to 1000000000\n"
		"site/bus.d/a.ini:19: offset = 9000000000000 kWh is out of range; use -1000000000000000 to "
		"1000000000000000 Wh\n"
		"site/bus.d/a.ini:23: pulse = 1000000001 Wh is out of range; use N/M Wh with N and M from 1 to "
		"1000000000\n"
		"site/bus.d/a.ini:27: pulse = 1234.567891 Wh is out of range; use N/M Wh with N and M from 1 to "
		"1000000000\n"
		"site/bus.d/a.ini:17: input = 3 is not valid for a pulses; it has 2 inputs\n"
		"site/bus.d/a.ini:22: input = 4 is not valid for a pulses; it has 2 inputs\n"
		"site/bus.d/a.ini:26: input = 5 is not valid for a pulses; it has 2 inputs\n");
}

TEST_WITH(offset_is_of_the_same_kind_as_the_pulse, site_set_up, site_tear_down)
{
	assert_bus_refused(
		BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 10 Wh\noffset = 5 m3\n",
		"site/bus.d/a.ini:11: offset = 5 m3 conflicts with the pulse; use a unit of the same kind (kWh)\n");
}

TEST_WITH(pulse_or_preset_is_needed_but_not_both, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\n"
				      "[input j]\nconcentrator = p\ninput = 2\npulse = 10 Wh\npreset = conto-d2\n",
			   "site/bus.d/a.ini:7: key pulse is missing in [input i]; use a weight such as 10 Wh, 0.01 m3 "
			   "or 2000 imp/kWh, or a preset\n"
			   "site/bus.d/a.ini:14: preset = conto-d2 conflicts with pulse = 10 Wh; use one of them\n");
}

TEST_WITH(preset_conto_d2_weighs_10_Wh, site_set_up, site_tear_down)
{
	assert_bus_taken(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npreset = conto-d2\noffset = 1.5 kWh\n",
			 "");
	assert_int_equal(site_conf->buses[0].inputs[0].weight, 10);
	assert_counts(&site_conf->buses[0].inputs[0], Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_int_equal(site_conf->buses[0].inputs[0].offset, 1500);
}

TEST_WITH(preset_conto_d1_must_be_stated_as_pulse, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npreset = conto-d1\n",
			   "site/bus.d/a.ini:10: preset = conto-d1 is not valid: the maker's catalogue says both 1000 "
			   "and 2000 imp/kWh; use pulse with the weight on the meter's plate\n");
	assert_bus_refused(BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npreset = conto-d3\n",
			   "site/bus.d/a.ini:10: unknown preset conto-d3; use conto-d2\n");
}

static void assert_kind(const char *keys, enum conf_kind kind, enum quantity quantity, const char *shown)
{
	char bus[400];

	snprintf(bus, sizeof(bus), BUS PULSES "[input i]\nconcentrator = p\ninput = 1\n%s\n", keys);
	assert_bus_taken(bus, "");
	assert_int_equal(site_conf->buses[0].inputs[0].kind, kind);
	assert_counts(&site_conf->buses[0].inputs[0], quantity, shown);
}

TEST_WITH(kind_follows_from_the_unit_unless_it_is_written, site_set_up, site_tear_down)
{
	assert_kind("pulse = 10 Wh", CONF_ELECTRICITY, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_kind("pulse = 1 MWh", CONF_ELECTRICITY, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_kind("pulse = 10 varh", CONF_ELECTRICITY, Q_REACTIVE_ENERGY_IMPORT, "kvarh");
	assert_kind("pulse = 10 VAh", CONF_ELECTRICITY, Q_APPARENT_ENERGY, "kVAh");
	assert_kind("pulse = 1 GJ", CONF_HEAT, Q_HEAT, "kWh");
	assert_kind("pulse = 1 Gcal", CONF_HEAT, Q_HEAT, "kWh");
	assert_kind("pulse = 1 m3", CONF_OTHER, Q_VOLUME, "m3");
	assert_kind("pulse = 1 m3\nkind = gas", CONF_GAS, Q_VOLUME, "m3");
	assert_kind("pulse = 1 l\nkind = Water", CONF_WATER, Q_VOLUME, "l");
}

TEST_WITH(heat_may_be_counted_in_units_of_energy, site_set_up, site_tear_down)
{
	assert_kind("pulse = 1 kWh\nkind = heat\noffset = 12 MWh", CONF_HEAT, Q_HEAT, "kWh");
	assert_kind("pulse = 1 kWh\nkind = heat\noffset = 3.6 GJ", CONF_HEAT, Q_HEAT, "kWh");
	assert_int_equal(site_conf->buses[0].inputs[0].offset, 1000000);
	assert_kind("pulse = 100 imp/MWh\nkind = heat", CONF_HEAT, Q_HEAT, "kWh");
	assert_kind("preset = conto-d2\nkind = electricity", CONF_ELECTRICITY, Q_ACTIVE_ENERGY_IMPORT, "kWh");
	assert_bus_refused(
		BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 1 kWh\noffset = 1 GJ\n",
		"site/bus.d/a.ini:11: offset = 1 GJ conflicts with the pulse; use a unit of the same kind (kWh)\n");
}

static void assert_input_refused(const char *keys, const char *complaint)
{
	char bus[400];

	snprintf(bus, sizeof(bus), BUS PULSES "[input i]\nconcentrator = p\ninput = 1\n%s\n", keys);
	assert_bus_refused(bus, complaint);
}

TEST_WITH(kind_that_cannot_be_is_answered_with_what_can, site_set_up, site_tear_down)
{
	assert_input_refused(
		"pulse = 10 Wh\nkind = gas",
		"site/bus.d/a.ini:11: kind = gas conflicts with a pulse in kWh; use electricity or heat\n");
	assert_input_refused("pulse = 1 GJ\nkind = electricity",
			     "site/bus.d/a.ini:11: kind = electricity conflicts with a pulse in kWh; use heat\n");
	assert_input_refused(
		"pulse = 1 m3\nkind = heat",
		"site/bus.d/a.ini:11: kind = heat conflicts with a pulse in m3; use other, gas or water\n");
	assert_input_refused("pulse = 1 l\nkind = watr",
			     "site/bus.d/a.ini:11: kind = watr is not valid; write kind = water\n");
	assert_input_refused("pulse = 1 l\nkind = Gaz",
			     "site/bus.d/a.ini:11: kind = Gaz is not valid; write kind = gas\n");
	assert_input_refused(
		"pulse = 1 l\nkind = steam",
		"site/bus.d/a.ini:11: kind = steam is not valid; use electricity, gas, water, heat or other\n");
}

static void assert_calorific(const char *text, uint32_t nwh_per_ml)
{
	char bus[400];

	snprintf(bus, sizeof(bus),
		 BUS PULSES "[input i]\nconcentrator = p\ninput = 1\npulse = 0.01 m3\nkind = gas\ncalorific = %s\n",
		 text);
	assert_bus_taken(bus, "");
	assert_int_equal(site_conf->buses[0].inputs[0].calorific, nwh_per_ml);
}

TEST_WITH(calorific_value_is_exact, site_set_up, site_tear_down)
{
	assert_calorific("11.2 kWh/m3", 11200000);
	assert_calorific("11.187654 kWh/m3", 11187654);
	assert_calorific("0.5kWh/m\u00b3", 500000);
	assert_calorific("50 kWh/m3", 50000000);
}

#define GAS   "pulse = 0.01 m3\nkind = gas\ncalorific = "
#define AT_12 "site/bus.d/a.ini:12: calorific = "

TEST_WITH(calorific_value_that_is_none_is_answered_with_what_to_write, site_set_up, site_tear_down)
{
	assert_input_refused(GAS "11.2", AT_12 "11.2 is not valid; write calorific = 11.2 kWh/m3\n");
	assert_input_refused(GAS "11,2 kWh/m3", AT_12 "11,2 kWh/m3 is not valid; write calorific = 11.2 kWh/m3\n");
	assert_input_refused(GAS "11.2 kwh/m3", AT_12 "11.2 kwh/m3 is not valid; write calorific = 11.2 kWh/m3\n");
	assert_input_refused(GAS "11.2 kWh/Nm3", AT_12 "11.2 kWh/Nm3 is not valid; write calorific = 11.2 kWh/m3\n");
	assert_input_refused(GAS "39.5 MJ/m3", AT_12 "39.5 MJ/m3 is not valid; write calorific = 10.972 kWh/m3\n");
	assert_input_refused(GAS "high", AT_12 "high is not valid; use a number and kWh/m3, 0.5 to 50\n");
	assert_input_refused(GAS "11200 kWh/m3",
			     AT_12 "11200 kWh/m3 is out of range; use a number and kWh/m3, 0.5 to 50\n");
	assert_input_refused(GAS "-1 kWh/m3", AT_12 "-1 kWh/m3 is out of range; use a number and kWh/m3, 0.5 to 50\n");
	assert_input_refused(GAS "11.1234567 kWh/m3", AT_12 "11.1234567 kWh/m3 is not valid; use at most 6 decimals\n");
}

TEST_WITH(calorific_value_is_for_gas_only, site_set_up, site_tear_down)
{
	assert_input_refused("pulse = 1 m3\ncalorific = 11.2 kWh/m3",
			     "site/bus.d/a.ini:11: calorific = 11.2 kWh/m3 is for gas only; write kind = gas too\n");
	assert_input_refused(
		"pulse = 1 m3\nkind = water\ncalorific = 11.2 kWh/m3",
		"site/bus.d/a.ini:12: calorific = 11.2 kWh/m3 is for gas only, and this is water; remove calorific\n");
	assert_input_refused(
		"pulse = 1 GJ\ncalorific = 11.2 kWh/m3",
		"site/bus.d/a.ini:11: calorific = 11.2 kWh/m3 is for gas only, and this is heat; remove calorific\n");
}

TEST_WITH(concentrator_is_a_meter_of_the_same_bus, site_set_up, site_tear_down)
{
	site_put("site/bus.d/b.ini", "[bus]\ndevice = /dev/ttyS91\n" PULSES);
	assert_bus_refused(BUS METER "[input i]\nconcentrator = p\ninput = 1\npulse = 1 l\n",
			   "site/bus.d/a.ini:7: unknown concentrator p; use the name of a meter of this bus\n");
}

TEST_WITH(concentrator_has_pulse_inputs, site_set_up, site_tear_down)
{
	assert_bus_refused(BUS METER "[input i]\nconcentrator = m\ninput = 1\npulse = 1 l\n",
			   "site/bus.d/a.ini:7: concentrator = m is not valid: a meter has no pulse inputs; use a "
			   "pulse concentrator\n");
}

UNIT_MAIN(NULL, NULL)
