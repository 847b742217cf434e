/* SPDX-License-Identifier: MIT */
/* Three steps. Each file is read into its sections and keys as texts, with their lines (conf_file.c). Each section
 * becomes a struct by the rows of the option table: what is written, else what the meter has from its bus, else the
 * default; what concerns several keys of one section is checked here. Then the meters get their register tables
 * (models.c), and what concerns several sections is checked (conf_check.c).
 *
 * A complaint never ends the reading: a value that was refused is left 0 or NULL, later steps pass over it, and so all
 * complaints come at once. Only when memory is short it ends early. A configuration that is in force is not
 * touched: the new one is whole, or it is freed here. */
#include "conf_load.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf_check.h"
#include "conf_file.h"
#include "digest.h"
#include "driver.h"
#include "err.h"
#include "models.h"
#include "nearest.h"
#include "option.h"
#include "value.h"
#include "zone.h"

enum {
	MAIN_SECTIONS = 1 << OPTION_STORE | 1 << OPTION_DRIVERS | 1 << OPTION_LOG,
	BUS_SECTIONS = 1 << OPTION_BUS | 1 << OPTION_METER | 1 << OPTION_INPUT,
};

static const char bus_suffix[] = ".ini";

/* Meters that are nothing but a pulse output: the pulse on the plate of each model. */
static const struct {
	const char *name, *pulse;
} presets[] = {{"conto-d2", "10 Wh"}};

/* Read the keys of one section into target: what is written, else the default. s may be NULL: nothing written. */
static void set_options(const struct conf_file *f, const struct conf_file_section *s, enum option_section kind,
			void *target, struct err *e)
{
	char allowed[OPTION_ALLOWED_TEXT_MAX];
	const struct conf_file_key none = {0}, *key;
	size_t n;
	const struct option *o = option_table(&n);

	for (const struct option *end = o + n; o < end; o++) {
		if (o->section != kind)
			continue;
		key = s != NULL ? conf_file_get(s, o) : &none;
		if (key->text != NULL) {
			option_set(o, key->text, target, f->path, key->line, e);
		} else if (o->required) {
			option_allowed(o, allowed);
			err_add(e, f->path, s->line, "key %s is missing in [%s %s]; use %s", o->name,
				option_section_text(kind), s->name, allowed);
		} else if (o->fallback != NULL) {
			option_set(o, o->fallback, target, f->path, 0, e);
		}
	}
}

/* The digest of a section whose values are all in target. */
static uint64_t digest_section(enum option_section kind, const char *name, const void *target)
{
	uint64_t d = digest_text(digest_text(DIGEST_EMPTY, option_section_text(kind)), name);
	size_t n;
	const struct option *o = option_table(&n);

	for (const struct option *end = o + n; o < end; o++)
		if (o->section == kind)
			d = option_digest(o, target, d);
	return d;
}

static void set_interval(struct conf *c, const struct conf_file *f, struct err *e)
{
	const struct conf_file_section *store = conf_file_find(f, OPTION_STORE);

	if (c->interval_s != 0 && 3600 % c->interval_s != 0)
		err_add(e, f->path, conf_file_line(store, "interval"),
			"interval = %s is not valid; use a whole part of an hour (1min, 5min, 15min, 30min, 1h ...)",
			conf_file_get_named(store, "interval")->text);
}

static void refuse_timezone(const struct conf *c, const struct conf_file *f, struct err *e)
{
	char allowed[OPTION_ALLOWED_TEXT_MAX];

	option_allowed(option_find(OPTION_STORE, "timezone"), allowed);
	err_add(e, f->path, conf_file_line(conf_file_find(f, OPTION_STORE), "timezone"),
		"timezone = %s is not valid; use %s", c->timezone, allowed);
}

static void set_timezone(struct conf *c, const struct conf_file *f, struct err *e)
{
	if (c->timezone == NULL)
		c->timezone = zone_of_system(ZONE_LOCALTIME_PATH, ZONE_TIMEZONE_PATH, &c->timezone_source);
	else if (!zone_exists(c->timezone))
		refuse_timezone(c, f, e);
	if (c->timezone == NULL)
		err_out_of_memory(e);
	else if (c->timezone_source == ZONE_NONE)
		err_warn(e, f->path, 0,
			 "no time zone found in " ZONE_LOCALTIME_PATH " or " ZONE_TIMEZONE_PATH
			 "; days begin at midnight UTC; set timezone in [store]");
}

/* Complain about a path that can never be that of a database. */
static void check_store_path(const char *path, const struct conf_file *f, struct err *e)
{
	const struct conf_file_section *s = conf_file_find(f, OPTION_STORE);
	struct stat st;

	if (path == NULL || s == NULL)
		return;
	if (path[0] != '/')
		err_add(e, f->path, conf_file_line(s, "path"), "path = %s is not valid; use a path that begins with /",
			path);
	else if (path[strlen(path) - 1] == '/' || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		err_add(e, f->path, conf_file_line(s, "path"),
			"path = %s is a folder; use the path of a file in it: %s%stallyd.db", path, path,
			path[strlen(path) - 1] == '/' ? "" : "/");
}

static void set_main(struct conf *c, const struct conf_file *f, struct err *e)
{
	set_options(f, conf_file_find(f, OPTION_STORE), OPTION_STORE, c, e);
	set_options(f, conf_file_find(f, OPTION_DRIVERS), OPTION_DRIVERS, c, e);
	set_options(f, conf_file_find(f, OPTION_LOG), OPTION_LOG, c, e);
	check_store_path(c->store_path, f, e);
	set_interval(c, f, e);
	set_timezone(c, f, e);
}

/* "rtu", or "tcp or rtu-over-tcp" */
static const char *transports_text(unsigned mask)
{
	return mask == 1U << CONF_RTU ? "rtu" : "tcp or rtu-over-tcp";
}

/* Keys that mean nothing for this bus's transport, and those that it lacks. */
static void check_transport(const struct conf_bus *b, const struct conf_file *f, const struct conf_file_section *s,
			    struct err *e)
{
	size_t n;
	const struct option *o = option_table(&n);

	for (const struct option *end = o + n; o < end; o++)
		if (o->section == OPTION_BUS && conf_file_get(s, o)->line != 0 && o->transports != 0 &&
		    (o->transports & 1U << b->transport) == 0)
			err_add(e, f->path, conf_file_get(s, o)->line,
				"key %s conflicts with transport = %s; use it with transport = %s", o->name,
				conf_transport_text(b->transport), transports_text(o->transports));
	o = option_find(OPTION_BUS, b->transport == CONF_RTU ? "device" : "host");
	if (conf_file_get(s, o)->line == 0)
		err_add(e, f->path, conf_file_line(s, "transport"), "key %s is missing for transport = %s; use %s",
			o->name, conf_transport_text(b->transport), o->what);
}

/* An adapter that turns the line by itself takes no pauses from a bus file. */
static void check_delays(const struct conf_bus *b, const struct conf_file *f, const struct conf_file_section *s,
			 struct err *e)
{
	static const char *const names[] = {"rs485_delay_before", "rs485_delay_after"};
	const uint32_t delays_ms[] = {b->rs485_delay_before_ms, b->rs485_delay_after_ms};

	if (b->rs485 != CONF_RS485_OFF)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (delays_ms[i] != 0)
			err_add(e, f->path, conf_file_line(s, names[i]),
				"%s = %s conflicts with rs485 = off; use it with rs485 = auto, kernel or rts", names[i],
				conf_file_get_named(s, names[i])->text);
}

/* Complain about a text that can never be a serial port. */
static void check_device(const char *device, const char *file, unsigned line, struct err *e)
{
	size_t n = strlen(device);

	if (n > 2 && (device[0] == '"' || device[0] == '\'') && device[n - 1] == device[0])
		err_add(e, file, line, "device = %s is not valid; write it without quotes: device = %.*s", device,
			(int)n - 2, device + 1);
	else if (strncasecmp(device, "COM", 3) == 0 && device[3 + strspn(device + 3, "0123456789:")] == '\0')
		err_add(e, file, line,
			"device = %s is a port of Windows; use a path such as /dev/ttyUSB0 (ls /dev/serial/by-id lists "
			"USB adapters)",
			device);
	else if (device[0] != '/')
		err_add(e, file, line, "device = %s is not valid; use a path that begins with /, such as /dev/%s",
			device, device);
}

/* Complain about a text that is no name or address of a host. */
static void check_host(const char *host, const char *file, unsigned line, struct err *e)
{
	const char *scheme = strstr(host, "://"), *colon = strchr(host, ':');
	size_t n = strlen(host);

	if (scheme != NULL)
		err_add(e, file, line, "host = %s is not valid; write the name or address alone: host = %.*s", host,
			(int)strcspn(scheme + 3, ":/"), scheme + 3);
	else if (host[0] == '[' && host[n - 1] == ']')
		err_add(e, file, line, "host = %s is not valid; write it without brackets: host = %.*s", host,
			(int)n - 2, host + 1);
	else if (colon != NULL && strchr(colon + 1, ':') == NULL)
		err_add(e, file, line, "host = %s is not valid; write host = %.*s and port = %s", host,
			(int)(colon - host), host, colon[1] != '\0' ? colon + 1 : "502");
	else if (host[strcspn(host, " \t\"'/")] != '\0')
		err_add(e, file, line, "host = %s is not valid; use a host name or address", host);
}

static void set_bus_keys(struct conf_bus *b, const struct conf_file *f, struct err *e)
{
	const struct conf_file_section *s = conf_file_find(f, OPTION_BUS);
	const char *transport;

	if (s == NULL) {
		err_add(e, f->path, 1, "section [bus] is missing");
		return;
	}
	set_options(f, s, OPTION_BUS, b, e);
	if (b->transport == CONF_TCP && conf_file_get_named(s, "baud")->line == 0)
		b->baud = 0; /* only the gateway knows it */
	transport = conf_file_get_named(s, "transport")->text;
	/* A transport that is none was refused; which keys would fit it cannot be known. */
	if (transport == NULL || strcmp(transport, conf_transport_text(b->transport)) == 0)
		check_transport(b, f, s, e);
	if (b->transport == CONF_RTU)
		check_delays(b, f, s, e);
	if (b->device != NULL)
		check_device(b->device, f->path, conf_file_line(s, "device"), e);
	if (b->host != NULL)
		check_host(b->host, f->path, conf_file_line(s, "host"), e);
}

/* Line of a key that a meter has from its own section or else from [bus]. */
static unsigned inherited_line(const struct conf_file *f, const struct conf_file_section *s, const char *name)
{
	const struct conf_file_section *bus = conf_file_find(f, OPTION_BUS);

	return conf_file_get_named(s, name)->line != 0 || bus == NULL ? conf_file_line(s, name)
								      : conf_file_line(bus, name);
}

static void set_meter(struct conf_meter *m, const struct conf_bus *b, const struct conf_file *f,
		      const struct conf_file_section *s, struct err *e)
{
	strcpy(m->name, s->name);
	m->line = s->line;
	m->energy_every_s = b->energy_every_s;
	m->power_every_s = b->power_every_s;
	m->response_timeout_ms = b->response_timeout_ms;
	m->retries = b->retries;
	m->energy_every_line = inherited_line(f, s, "energy_every");
	m->power_every_line = inherited_line(f, s, "power_every");
	set_options(f, s, OPTION_METER, m, e);
	m->digest = digest_section(OPTION_METER, m->name, m);
}

/* The pulse of a preset, as if it had been written. */
static void set_preset(struct option_input *keys, const struct conf_file_key *preset, const struct conf_file *f,
		       struct err *e)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, keys->preset) == 0) {
			option_set(option_find(OPTION_INPUT, "pulse"), presets[i].pulse, keys, f->path, preset->line,
				   e);
			keys->preset[0] = '\0';
			return;
		}
	}
	if (strcmp(keys->preset, "conto-d1") == 0)
		err_add(e, f->path, preset->line,
			"preset = conto-d1 is not valid: the maker's catalogue says both 1000 and 2000 imp/kWh; use "
			"pulse with the weight on the meter's plate");
	else if (keys->preset[0] != '\0')
		err_add(e, f->path, preset->line, "unknown preset %s; use conto-d2", keys->preset);
}

/* Quantity and weight of a pulse from whichever of pulse and preset is given. */
static void set_pulse(struct conf_input *in, struct option_input *keys, const struct conf_file *f,
		      const struct conf_file_section *s, struct err *e)
{
	const struct conf_file_key *pulse = conf_file_get_named(s, "pulse"), *preset = conf_file_get_named(s, "preset");

	if (pulse->line != 0 && preset->line != 0) {
		err_add(e, f->path, preset->line, "preset = %s conflicts with pulse = %s; use one of them",
			preset->text, pulse->text);
		return;
	}
	if (pulse->line == 0 && preset->line == 0) {
		err_add(e, f->path, s->line,
			"key pulse is missing in [input %s]; use a weight such as 10 Wh, 0.01 m3 or 2000 imp/kWh, or a "
			"preset",
			s->name);
		return;
	}
	if (preset->line != 0)
		set_preset(keys, preset, f, e);
	in->quantity = keys->pulse.quantity;
	in->shown = keys->pulse.shown;
	in->weight = keys->pulse.weight;
	in->weight_per = keys->pulse.weight_per;
}

/* The kinds that an input of each quantity may be; it is the first one unless another is written. */
static const enum conf_kind *kinds_of(enum quantity q)
{
	static const enum conf_kind of_energy[] = {CONF_ELECTRICITY, CONF_HEAT, CONF_KIND_BY_UNIT},
				    of_volume[] = {CONF_OTHER, CONF_GAS, CONF_WATER, CONF_KIND_BY_UNIT},
				    of_heat[] = {CONF_HEAT, CONF_KIND_BY_UNIT},
				    of_electricity[] = {CONF_ELECTRICITY, CONF_KIND_BY_UNIT};

	return q == Q_VOLUME		     ? of_volume
	       : q == Q_HEAT		     ? of_heat
	       : q == Q_ACTIVE_ENERGY_IMPORT ? of_energy
					     : of_electricity;
}

/* "electricity or heat" */
static void list_kinds(const enum conf_kind *kinds, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; kinds[i] != CONF_KIND_BY_UNIT && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
				      i == 0				  ? ""
				      : kinds[i + 1] == CONF_KIND_BY_UNIT ? " or "
									  : ", ",
				      conf_kind_text(kinds[i]));
}

/* The kind of what is counted. Of heat in Wh and of electricity the pulses are alike, but they are two quantities. */
static void set_kind(struct conf_input *in, const struct conf_file *f, const struct conf_file_section *s, struct err *e)
{
	const enum conf_kind *kinds = kinds_of(in->quantity), *k = kinds;
	const struct conf_file_key *kind = conf_file_get_named(s, "kind");
	char allowed[80];

	if (in->weight == 0)
		return;
	while (*k != CONF_KIND_BY_UNIT && *k != in->kind)
		k++;
	if (*k == CONF_KIND_BY_UNIT && in->kind != CONF_KIND_BY_UNIT) {
		list_kinds(kinds, allowed, sizeof(allowed));
		err_add(e, f->path, kind->line, "kind = %s conflicts with a pulse in %s; use %s", kind->text,
			in->shown->text, allowed);
		return;
	}
	in->kind = *k != CONF_KIND_BY_UNIT ? *k : kinds[0];
	if (in->kind == CONF_HEAT) {
		in->quantity = Q_HEAT;
		in->shown = names_shown(Q_HEAT);
	}
}

static void check_calorific(const struct conf_input *in, const struct conf_file *f, const struct conf_file_section *s,
			    struct err *e)
{
	const struct conf_file_key *calorific = conf_file_get_named(s, "calorific");

	if (calorific->line == 0 || in->weight == 0 || in->kind == CONF_GAS)
		return;
	if (in->quantity == Q_VOLUME && conf_file_get_named(s, "kind")->line == 0)
		err_add(e, f->path, calorific->line, "calorific = %s is for gas only; write kind = gas too",
			calorific->text);
	else
		err_add(e, f->path, calorific->line, "calorific = %s is for gas only, and this is %s; remove calorific",
			calorific->text, conf_kind_text(in->kind));
}

/* Heat may be counted in units of energy and in those that are for heat only. */
static bool is_of_kind(enum quantity amount, enum quantity counted)
{
	return amount == counted || (counted == Q_HEAT && amount == Q_ACTIVE_ENERGY_IMPORT);
}

static void set_offset(struct conf_input *in, const struct option_input *keys, const struct conf_file *f,
		       const struct conf_file_section *s, struct err *e)
{
	const struct conf_file_key *offset = conf_file_get_named(s, "offset");

	if (!keys->offset.given || in->weight == 0)
		return;
	in->offset = keys->offset.base_units;
	if (!is_of_kind(keys->offset.quantity, in->quantity))
		err_add(e, f->path, offset->line,
			"offset = %s conflicts with the pulse; use a unit of the same kind (%s)", offset->text,
			in->shown->text);
}

static void set_concentrator(struct conf_input *in, const struct option_input *keys, const struct conf_bus *b,
			     const struct conf_file *f, const struct conf_file_section *s, struct err *e)
{
	char allowed[OPTION_ALLOWED_TEXT_MAX];

	in->concentrator = b->n_meters;
	if (keys->concentrator[0] == '\0')
		return;
	for (in->concentrator = 0; in->concentrator < b->n_meters; in->concentrator++)
		if (strcmp(b->meters[in->concentrator].name, keys->concentrator) == 0)
			return;
	option_allowed(option_find(OPTION_INPUT, "concentrator"), allowed);
	err_add(e, f->path, conf_file_line(s, "concentrator"), "unknown concentrator %s; use %s", keys->concentrator,
		allowed);
}

static void set_input(struct conf_input *in, const struct conf_bus *b, const struct conf_file *f,
		      const struct conf_file_section *s, struct err *e)
{
	struct option_input keys = {0};

	set_options(f, s, OPTION_INPUT, &keys, e);
	*in = keys.input;
	strcpy(in->name, s->name);
	in->line = s->line;
	set_pulse(in, &keys, f, s, e);
	set_kind(in, f, s, e);
	check_calorific(in, f, s, e);
	set_offset(in, &keys, f, s, e);
	set_concentrator(in, &keys, b, f, s, e);
	in->digest = digest_section(OPTION_INPUT, in->name, &keys);
}

/* The line of complaints that concern the whole bus. */
static unsigned bus_line(const struct conf_file *f)
{
	const struct conf_file_section *s = conf_file_find(f, OPTION_BUS);

	return s != NULL ? s->line : 1;
}

static int set_bus(struct conf_bus *b, const struct conf_file *f, struct err *e)
{
	size_t n_meters = 0, n_inputs = 0;

	set_bus_keys(b, f, e);
	for (size_t i = 0; i < f->n_sections; i++) {
		n_meters += f->sections[i].kind == OPTION_METER;
		n_inputs += f->sections[i].kind == OPTION_INPUT;
	}
	b->meters = calloc(n_meters + 1, sizeof(*b->meters));
	b->inputs = calloc(n_inputs + 1, sizeof(*b->inputs));
	if (b->meters == NULL || b->inputs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_sections; i++)
		if (f->sections[i].kind == OPTION_METER)
			set_meter(&b->meters[b->n_meters++], b, f, &f->sections[i], e);
	for (size_t i = 0; i < f->n_sections; i++)
		if (f->sections[i].kind == OPTION_INPUT)
			set_input(&b->inputs[b->n_inputs++], b, f, &f->sections[i], e);
	b->digest = digest_section(OPTION_BUS, b->name, b);
	if (n_meters == 0)
		err_warn(e, f->path, bus_line(f), "section [meter NAME] is missing; nothing is polled on this bus");
	return 0;
}

/* Name the bus after its file; complain when that is no name. */
static void set_bus_name(struct conf_bus *b, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/'), *start = slash != NULL ? slash + 1 : path;
	size_t n = strlen(start);

	if (n >= sizeof(bus_suffix) - 1 && strcmp(start + n - (sizeof(bus_suffix) - 1), bus_suffix) == 0)
		n -= sizeof(bus_suffix) - 1;
	if (n <= CONF_NAME_MAX)
		memcpy(b->name, start, n);
	if (n <= CONF_NAME_MAX && value_is_name(b->name, CONF_NAME_MAX))
		return;
	err_add(e, path, 0,
		"file name is not valid for a bus; use NAME.ini with a NAME of 1 to %d letters, digits, '.', '_', '-', "
		"a letter or digit first",
		CONF_NAME_MAX);
}

static int read_bus(struct conf_bus *b, struct conf_file *f, const struct conf_file_source *source, struct err *e)
{
	b->file = strdup(source->path);
	if (b->file == NULL)
		return -ENOMEM;
	set_bus_name(b, source->path, e);
	if (conf_file_read(f, source, BUS_SECTIONS, e) != 0)
		return 0; /* it was reported; the other files are still read */
	return set_bus(b, f, e);
}

/* Add the register tables to the digests of their meters, and the meters and inputs to those of their buses. */
static void join_digests(struct conf *c)
{
	for (size_t i = 0; i < c->n_buses; i++) {
		struct conf_bus *b = &c->buses[i];

		b->driver_path = c->driver_path;
		for (size_t k = 0; k < b->n_meters; k++) {
			struct conf_meter *m = &b->meters[k];

			m->digest = digest_whole(m->digest, m->driver != NULL ? (int64_t)m->driver->digest : 0);
			b->digest = digest_whole(b->digest, (int64_t)m->digest);
		}
		for (size_t k = 0; k < b->n_inputs; k++)
			b->digest = digest_whole(b->digest, (int64_t)b->inputs[k].digest);
	}
}

static void refuse_model(const struct conf *c, const struct conf_bus *b, const struct conf_meter *m,
			 const struct conf_file *f, struct err *e)
{
	unsigned line = conf_file_line(conf_file_at(f, m->line), "model");
	char *list = models_list(c->models, m->model);
	char first[DRIVER_NAME_MAX + 1];
	struct nearest near;

	if (list == NULL) {
		err_out_of_memory(e);
		return;
	}
	/* the list begins with the nearest */
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(list, ","), list);
	nearest_begin(&near, m->model);
	if (list[0] == '\0')
		err_add(e, b->file, line, "unknown model %s; no models found in %s, the path in [drivers]", m->model,
			c->driver_path);
	else if (nearest_consider(&near, first))
		err_add(e, b->file, line, "unknown model %s; did you mean %s? (tally models lists all)", m->model,
			near.name);
	else
		err_add(e, b->file, line, "unknown model %s; use one of %s", m->model, list);
	free(list);
}

/* The register table of a model. The plate on the meter has capital letters, names of models have none. */
static enum models_result find_driver(struct conf *c, struct conf_meter *m, struct err *e)
{
	char small[CONF_MODEL_MAX + 1] = "";
	enum models_result result = models_get(c->models, m->model, m->load, m->is_inverted, &m->driver, e);

	for (size_t i = 0; m->model[i] != '\0'; i++)
		small[i] = (char)tolower((unsigned char)m->model[i]);
	if (result != MODELS_UNKNOWN || strcmp(small, m->model) == 0)
		return result;
	result = models_get(c->models, small, m->load, m->is_inverted, &m->driver, e);
	if (result != MODELS_UNKNOWN)
		strcpy(m->model, small);
	return result;
}

static bool has_ct(const struct conf_file *f, const struct conf_meter *m)
{
	return conf_file_get_named(conf_file_at(f, m->line), "ct")->line != 0;
}

static enum conf_kind kind_of_model(const struct driver *d)
{
	return driver_row(d, Q_HEAT) != NULL && driver_row(d, Q_ACTIVE_ENERGY_IMPORT) == NULL ? CONF_HEAT
											      : CONF_ELECTRICITY;
}

/* Give each meter the register table of its model. */
static int set_drivers(struct conf *c, const struct conf_file *files, struct err *e)
{
	if (c->driver_path == NULL)
		return 0; /* refused before */
	c->models = models_new(c->driver_path);
	if (c->models == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_buses; i++) {
		struct conf_bus *b = &c->buses[i];

		for (size_t k = 0; k < b->n_meters; k++) {
			struct conf_meter *m = &b->meters[k];

			if (m->model[0] == '\0')
				continue; /* refused before */
			switch (find_driver(c, m, e)) {
			case MODELS_GOOD:
				m->lacks_ct = m->driver->ratios && !has_ct(&files[i], m);
				c->n_ct_errors += m->lacks_ct;
				m->kind = kind_of_model(m->driver);
				break;
			case MODELS_FAULTY:
				err_warn(e, b->file, m->line,
					 "meter %s is not polled: the register table of %s has errors; correct it",
					 m->name, m->model);
				break;
			case MODELS_UNKNOWN:
				refuse_model(c, b, m, &files[i], e);
				break;
			case MODELS_OUT_OF_MEMORY:
				return -ENOMEM;
			}
		}
	}
	c->n_driver_errors = models_n_errors(c->models);
	return 0;
}

static size_t count_usable(const struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_buses; i++)
		for (size_t k = 0; k < c->buses[i].n_meters; k++)
			n += c->buses[i].meters[k].driver != NULL;
	return n;
}

static int read_files(struct conf *c, struct conf_file *files, const struct conf_file_source *sources, size_t n_buses,
		      struct err *e)
{
	int rc;

	c->buses = calloc(n_buses + 1, sizeof(*c->buses));
	if (c->buses == NULL)
		return -ENOMEM;
	if (conf_file_read(&files[0], &sources[0], MAIN_SECTIONS, e) == 0)
		set_main(c, &files[0], e);
	for (size_t i = 0; i < n_buses; i++) {
		c->n_buses++;
		rc = read_bus(&c->buses[i], &files[i + 1], &sources[i + 1], e);
		if (rc != 0)
			return rc;
	}
	rc = set_drivers(c, &files[1], e);
	if (rc != 0)
		return rc;
	join_digests(c);
	conf_check(c, &files[1], e);
	return 0;
}

/* A configuration from tallyd.ini and n_buses bus files. */
static struct conf *load_sources(const char *dir, const struct conf_file_source *sources, size_t n_buses, struct err *e)
{
	struct conf *c = calloc(1, sizeof(*c));
	struct conf_file *files = calloc(n_buses + 1, sizeof(*files));
	size_t n_errors_before = e->n_errors;
	int rc = -ENOMEM;

	if (c == NULL || files == NULL)
		goto out;
	c->dir = strdup(dir);
	if (c->dir != NULL)
		rc = read_files(c, files, sources, n_buses, e);
out:
	if (rc == -ENOMEM)
		err_out_of_memory(e);
	for (size_t i = 0; files != NULL && i <= n_buses; i++)
		conf_file_fini(&files[i]);
	free(files);
	if (c != NULL && (e->n_errors - n_errors_before > c->n_driver_errors + c->n_ct_errors ||
			  (c->n_driver_errors > 0 && count_usable(c) == 0))) {
		conf_free(c);
		c = NULL;
	}
	return c;
}

struct conf *conf_parse(const char *dir, const struct conf_text *main, const struct conf_text *buses, size_t n_buses,
			struct err *e)
{
	struct conf_file_source *sources = calloc(n_buses + 1, sizeof(*sources));
	struct conf *c;

	if (sources == NULL) {
		err_out_of_memory(e);
		return NULL;
	}
	sources[0] = (struct conf_file_source){main->path, main->text, main->n_bytes};
	for (size_t i = 0; i < n_buses; i++)
		sources[i + 1] = (struct conf_file_source){buses[i].path, buses[i].text, buses[i].n_bytes};
	c = load_sources(dir, sources, n_buses, e);
	free(sources);
	return c;
}

static bool is_bus_file(const char *name)
{
	size_t n = strlen(name), n_suffix = sizeof(bus_suffix) - 1;

	return n > n_suffix && strcmp(name + n - n_suffix, bus_suffix) == 0;
}

/* Samples, and what editors and dpkg leave behind, are no bus files and meant to be none. */
static int is_considered(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t n = strlen(name);

	return name[0] != '.' && name[n - 1] != '~' && strstr(name, ".dpkg-") == NULL &&
	       (n < 7 || strcmp(name + n - 7, ".sample") != 0);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static struct conf *load_files(const char *dir, const char *main_path, char *const *paths, size_t n, struct err *e)
{
	struct conf_file_source *sources = calloc(n + 1, sizeof(*sources));
	struct conf *c = NULL;

	if (sources == NULL) {
		err_out_of_memory(e);
		return NULL;
	}
	sources[0].path = main_path;
	if (access(main_path, F_OK) != 0 && errno == ENOENT)
		sources[0].text = ""; /* every key has a default */
	for (size_t i = 0; i < n; i++)
		sources[i + 1].path = paths[i];
	c = load_sources(dir, sources, n, e);
	free(sources);
	return c;
}

/* Paths of the bus files below bus_dir, sorted: *paths and each of its strings are malloc'd. Returns their number; 0
 * with an error added when there are none. A file that is none by its name is reported: an editor or a mail program may
 * have added to it. */
static size_t list_bus_files(const char *bus_dir, char ***paths, struct err *e)
{
	struct dirent **entries = NULL;
	int n = scandir(bus_dir, &entries, is_considered, by_name);
	size_t n_paths = 0;
	bool is_short = false;

	if (n < 0 && errno == ENOMEM)
		err_out_of_memory(e);
	else if (n < 0)
		err_add(e, bus_dir, 0, "%s; use a directory with a NAME.ini for each bus", strerror(errno));
	*paths = calloc(n > 0 ? (size_t)n : 1, sizeof(**paths));
	is_short = *paths == NULL;
	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (is_short || asprintf(&path, "%s/%s", bus_dir, entries[i]->d_name) < 0) {
			is_short = true;
		} else if (is_bus_file(entries[i]->d_name)) {
			(*paths)[n_paths++] = path;
		} else {
			err_warn(e, path, 0, "not read, since its name does not end with .ini; rename or remove it");
			free(path);
		}
		free(entries[i]);
	}
	free(entries);
	if (is_short)
		err_out_of_memory(e);
	else if (n >= 0 && n_paths == 0)
		err_add(e, bus_dir, 0, "bus file is missing; write at least one NAME.ini, as example.ini.sample shows");
	return n_paths;
}

static bool is_directory(const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		err_add(e, dir, 0, "%s; use a configuration directory", strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		err_add(e, dir, 0, "not a directory; use a configuration directory");
	else
		return true;
	return false;
}

struct conf *conf_load_main(const char *dir, struct err *e)
{
	char *main_path = NULL;
	struct conf *c = NULL;

	if (!is_directory(dir, e))
		return NULL;
	if (asprintf(&main_path, "%s/tallyd.ini", dir) < 0) {
		err_out_of_memory(e);
		return NULL;
	}
	c = load_files(dir, main_path, NULL, 0, e);
	free(main_path);
	return c;
}

struct conf *conf_load(const char *dir, struct err *e)
{
	char *main_path = NULL, *bus_dir = NULL, **paths = NULL;
	size_t n_paths = 0, n_errors_before = e->n_errors;
	struct conf *c = NULL;

	if (!is_directory(dir, e))
		return NULL;
	if (asprintf(&main_path, "%s/tallyd.ini", dir) < 0 || asprintf(&bus_dir, "%s/bus.d", dir) < 0) {
		err_out_of_memory(e);
		goto out;
	}
	n_paths = list_bus_files(bus_dir, &paths, e);
	c = load_files(dir, main_path, paths, n_paths, e);
	/* Without a bus the main file was still read, for its faults. */
	if (c != NULL && e->n_errors - n_errors_before > c->n_driver_errors + c->n_ct_errors) {
		conf_free(c);
		c = NULL;
	}
out:
	for (size_t i = 0; i < n_paths; i++)
		free(paths[i]);
	free(paths);
	free(bus_dir);
	free(main_path);
	return c;
}

char *conf_driver_path(const char *dir)
{
	const struct option *o = option_find(OPTION_DRIVERS, "path");
	const struct conf_file_section *section;
	struct conf_file_source source = {0};
	struct conf_file d = {0};
	struct err e = {0};
	char *main_path = NULL, *path = NULL;

	if (asprintf(&main_path, "%s/tallyd.ini", dir) < 0)
		return NULL;
	source.path = main_path;
	(void)conf_file_read(&d, &source, MAIN_SECTIONS, &e);
	section = conf_file_find(&d, OPTION_DRIVERS);
	path = strdup(section != NULL && conf_file_get(section, o)->text != NULL ? conf_file_get(section, o)->text
										 : o->fallback);
	conf_file_fini(&d);
	err_fini(&e);
	free(main_path);
	return path;
}
