/* SPDX-License-Identifier: MIT */
#include "site.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inifile.h"
#include "parse.h"

enum { MAX_W = 1000000000, DEFAULT_CONNECTIONS = 8, DEFAULT_GATEWAY_TIMEOUT_MS = 500 };

enum section { IN_NOTHING, IN_SITE, IN_BUS, IN_METER, IN_FAULT };

/* The names that a section uses. They may be defined below it, so they are looked up at the end. */
struct reference {
	char *bus, *model, *meters; /* meters: of a fault, separated by blanks or commas */
	unsigned line;
	bool seen_address;
};

struct reader {
	struct site *site;
	struct err *e;
	enum section section;
	unsigned line;
	char seen[4096]; /* keys of the current section, " key key " */
	struct reference *meters, *faults;
	bool seen_site;
};

static void complain(struct reader *r, const char *text)
{
	err_add(r->e, r->site->file, r->line, "%s", text);
}

/* Complain about the value of a key. use: the values that are valid */
static void reject(struct reader *r, const char *name, const char *value, const char *use)
{
	err_add(r->e, r->site->file, r->line, "%s = %s is not valid; use %s", name, value, use);
}

static void set_text(struct reader *r, char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	if (*to == NULL)
		complain(r, "out of memory");
}

static void set_number(struct reader *r, const char *name, const char *value, int64_t min, int64_t max, void *to,
		       size_t bytes)
{
	int64_t n;

	if (!parse_number(value, min, max, &n)) {
		err_add(r->e, r->site->file, r->line, "%s = %s is not valid; use a whole number from %lld to %lld",
			name, value, (long long)min, (long long)max);
		return;
	}
	switch (bytes) {
	case 1:
		*(uint8_t *)to = (uint8_t)n;
		break;
	case 2:
		*(uint16_t *)to = (uint16_t)n;
		break;
	case 4:
		*(uint32_t *)to = (uint32_t)n;
		break;
	default:
		*(int64_t *)to = n;
	}
}

static void set_duration(struct reader *r, const char *name, const char *value, uint32_t *to)
{
	if (!parse_duration(value, to))
		reject(r, name, value, "a time with its unit (ms, s, min, h)");
}

static void set_bool(struct reader *r, const char *name, const char *value, bool *to)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		reject(r, name, value, "yes or no");
	*to = strcmp(value, "yes") == 0;
}

static void read_site_key(struct reader *r, const char *name, const char *value)
{
	struct site *s = r->site;
	int64_t n;

	if (strcmp(name, "speed") == 0) {
		set_number(r, name, value, 0, 100000, &s->speed, sizeof(s->speed));
	} else if (strcmp(name, "start") == 0) {
		if (parse_number(value, 0, INT64_C(253402300799), &n))
			s->start_ms = n * 1000;
		else
			reject(r, name, value, "Unix time in seconds, a whole number from 0");
	} else if (strcmp(name, "seed") == 0) {
		set_number(r, name, value, 0, INT64_MAX, &s->seed, sizeof(s->seed));
	} else if (strcmp(name, "hold") == 0) {
		set_duration(r, name, value, &s->hold_ms);
	} else if (strcmp(name, "drivers") == 0) {
		set_text(r, &s->driver_path, value);
	} else if (strcmp(name, "control") == 0) {
		set_text(r, &s->control, value);
	} else if (strcmp(name, "trace") == 0) {
		set_text(r, &s->trace, value);
	} else {
		err_add(r->e, s->file, r->line,
			"unknown key %s in [site]; use speed, start, seed, hold, drivers, control or trace", name);
	}
}

static void set_transport(struct reader *r, struct site_bus *b, const char *value)
{
	for (int t = SITE_RTU; t <= SITE_RTU_OVER_TCP; t++) {
		if (strcmp(site_transport_text((enum site_transport)t), value) == 0) {
			b->transport = (enum site_transport)t;
			return;
		}
	}
	reject(r, "transport", value, "rtu, tcp or rtu-over-tcp");
}

static void set_parity(struct reader *r, struct site_bus *b, const char *value)
{
	if (strcmp(value, "none") == 0)
		b->parity = 'N';
	else if (strcmp(value, "even") == 0)
		b->parity = 'E';
	else if (strcmp(value, "odd") == 0)
		b->parity = 'O';
	else
		reject(r, "parity", value, "none, even or odd");
}

static void read_bus_key(struct reader *r, const char *name, const char *value)
{
	struct site_bus *b = &r->site->buses[r->site->n_buses - 1];

	if (strcmp(name, "transport") == 0)
		set_transport(r, b, value);
	else if (strcmp(name, "path") == 0)
		set_text(r, &b->path, value);
	else if (strcmp(name, "listen") == 0)
		set_text(r, &b->listen, value);
	else if (strcmp(name, "port") == 0)
		set_number(r, name, value, 0, 65535, &b->port, sizeof(b->port));
	else if (strcmp(name, "baud") == 0)
		set_number(r, name, value, 300, 1000000, &b->baud, sizeof(b->baud));
	else if (strcmp(name, "parity") == 0)
		set_parity(r, b, value);
	else if (strcmp(name, "stop_bits") == 0)
		set_number(r, name, value, 1, 2, &b->stop_bits, sizeof(b->stop_bits));
	else if (strcmp(name, "pace") == 0)
		set_bool(r, name, value, &b->pace);
	else if (strcmp(name, "max_connections") == 0)
		set_number(r, name, value, 1, 1000, &b->max_connections, sizeof(b->max_connections));
	else if (strcmp(name, "gateway_timeout") == 0)
		set_duration(r, name, value, &b->gateway_timeout_ms);
	else
		err_add(r->e, r->site->file, r->line,
			"unknown key %s in [bus]; use transport, path, listen, port, baud, parity, stop_bits, pace, "
			"max_connections or gateway_timeout",
			name);
}

/* "PRIMARY/SECONDARY" */
static void set_ratio(struct reader *r, const char *name, const char *value, uint32_t *primary, uint32_t *secondary)
{
	unsigned a, b;
	char end;

	if (sscanf(value, "%u/%u%c", &a, &b, &end) != 2 || a < 1 || b < 1 || a > 1000000 || b > 1000000) {
		reject(r, name, value, "PRIMARY/SECONDARY, for example 400/5");
		return;
	}
	*primary = a;
	*secondary = b;
}

/* "FIRST-LAST, FIRST-LAST" or single addresses. */
static void set_lacks(struct reader *r, struct meter *m, const char *value)
{
	const char *at = value;

	while (*at != '\0') {
		char *end;
		unsigned long first = strtoul(at, &end, 0), last = first;

		if (end != at && *end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 0);
		}
		if (end == at || first > last || last > 0xFFFF || m->n_lacks == METER_LACKS_MAX) {
			err_add(r->e, r->site->file, r->line,
				"lacks = %s is not valid; use at most %d addresses or FIRST-LAST, separated by commas",
				value, METER_LACKS_MAX);
			return;
		}
		m->lacks[m->n_lacks++] = (struct meter_span){(uint16_t)first, (uint16_t)last};
		for (at = end; *at == ',' || *at == ' ';)
			at++;
	}
}

/* "06:00 2, 22:00 1": the tariff from each time on. */
static void set_schedule(struct reader *r, struct meter *m, const char *value)
{
	const char *at = value;
	unsigned hour, minute, tariff, before = 0;
	int used;

	while (*at != '\0') {
		used = 0;
		if (sscanf(at, "%2u:%2u %1u%n", &hour, &minute, &tariff, &used) != 3 || hour > 23 || minute > 59 ||
		    tariff < 1 || tariff > METER_TARIFFS || m->n_schedule == METER_SCHEDULE_MAX ||
		    (m->n_schedule > 0 && hour * 60 + minute <= before)) {
			err_add(r->e, r->site->file, r->line,
				"tariffs = %s is not valid; use at most %d changes HH:MM TARIFF in order of time, "
				"separated by commas",
				value, METER_SCHEDULE_MAX);
			return;
		}
		before = hour * 60 + minute;
		m->schedule[m->n_schedule++] = (struct meter_tariff_change){(uint16_t)before, (uint8_t)tariff};
		for (at += used; *at == ',' || *at == ' ';)
			at++;
	}
}

static void set_power(struct reader *r, const char *name, const char *value, int64_t *to)
{
	int64_t mw;
	char *end;

	strtod(value, &end);
	if (!parse_value(Q_ACTIVE_POWER, value, &mw) || end == value || *end == '\0' ||
	    llabs(mw) > INT64_C(1000) * MAX_W) {
		reject(r, name, value, "a power with its unit (W, kW, MW)");
		return;
	}
	*to = mw;
}

static void set_power_factor(struct reader *r, struct meter *m, const char *value)
{
	int64_t pf;

	if (!parse_value(Q_POWER_FACTOR, value, &pf) || pf == 0 || llabs(pf) > 1000 || llabs(pf) < 10) {
		reject(r, "pf", value, "-1 to -0.01 (leading) or 0.01 to 1");
		return;
	}
	m->load.power_factor = (int32_t)pf;
}

static void set_voltage(struct reader *r, struct meter *m, const char *value)
{
	int64_t mv;

	if (!parse_value(Q_VOLTAGE_L1, value, &mv) || mv < 10000 || mv > INT64_C(100000000))
		reject(r, "voltage", value, "10 V to 100 kV");
	else
		m->load.voltage_mv = mv;
}

static void set_curve(struct reader *r, struct meter *m, const char *value)
{
	const int16_t *curve = meter_curve(value);

	if (curve == NULL)
		err_add(r->e, r->site->file, r->line, "shape = %s is not valid; use one of %s", value,
			meter_curve_names());
	else
		m->load.curve = curve;
}

/* "input_3 = 10 500": pulses per hour at the bottom and the top of the curve. One number is for both. */
static void set_input(struct reader *r, struct meter *m, const char *name, const char *value)
{
	unsigned input = (unsigned)(name[6] - '1');
	long base, peak;
	char end;
	int n = sscanf(value, "%ld %ld %c", &base, &peak, &end);

	if (n == 1)
		peak = base;
	if (n < 1 || n > 2 || base < 0 || peak < 0 || base > 1000000 || peak > 1000000) {
		reject(r, name, value, "pulses per hour, BASE PEAK, each from 0 to 1000000");
		return;
	}
	m->inputs[input] = (struct meter_input){base, peak};
}

/* A key with the name of a quantity: the value that a counter starts from, or that a gauge or text shows. */
static void set_quantity(struct reader *r, struct meter *m, enum quantity q, const char *value)
{
	int64_t n;

	if (q >= Q_MAKER)
		meter_set_text(m, q, value);
	else if (strcmp(value, "na") == 0)
		meter_set_absent(m, q);
	else if (parse_value(q, value, &n))
		meter_set(m, q, n);
	else
		err_add(r->e, r->site->file, r->line,
			"%s = %s is not valid; use na or a value with its unit (base unit %s)", names_get(q)->name,
			value, names_get(q)->unit);
}

static bool is_input_key(const char *name)
{
	return strncmp(name, "input_", 6) == 0 && name[6] >= '1' && name[6] <= '8' && name[7] == '\0';
}

static void read_meter_key(struct reader *r, const char *name, const char *value)
{
	struct meter *m = &r->site->meters[r->site->n_meters - 1];
	struct reference *ref = &r->meters[r->site->n_meters - 1];
	int q = names_find(name);

	if (strcmp(name, "bus") == 0) {
		set_text(r, &ref->bus, value);
	} else if (strcmp(name, "model") == 0) {
		set_text(r, &ref->model, value);
	} else if (strcmp(name, "address") == 0) {
		set_number(r, name, value, 1, 255, &m->address, sizeof(m->address));
		ref->seen_address = true;
	} else if (strcmp(name, "load") == 0) {
		set_number(r, name, value, 1, DRIVER_LOADS_MAX, &m->load_number, sizeof(m->load_number));
	} else if (strcmp(name, "turnaround") == 0) {
		set_duration(r, name, value, &m->turnaround_ms);
	} else if (strcmp(name, "ct") == 0) {
		set_ratio(r, name, value, &m->ct_primary, &m->ct_secondary);
	} else if (strcmp(name, "vt") == 0) {
		set_ratio(r, name, value, &m->vt_primary, &m->vt_secondary);
	} else if (strcmp(name, "lacks") == 0) {
		set_lacks(r, m, value);
	} else if (strcmp(name, "tariffs") == 0) {
		set_schedule(r, m, value);
	} else if (strcmp(name, "shape") == 0) {
		set_curve(r, m, value);
	} else if (strcmp(name, "base") == 0) {
		set_power(r, name, value, &m->load.base_mw);
	} else if (strcmp(name, "peak") == 0) {
		set_power(r, name, value, &m->load.peak_mw);
	} else if (strcmp(name, "pf") == 0) {
		set_power_factor(r, m, value);
	} else if (strcmp(name, "phases") == 0) {
		set_number(r, name, value, 1, 3, &m->load.phases, sizeof(m->load.phases));
		if (m->load.phases == 2)
			reject(r, name, value, "1 or 3");
	} else if (strcmp(name, "voltage") == 0) {
		set_voltage(r, m, value);
	} else if (strcmp(name, "noise") == 0) {
		set_number(r, name, value, 0, 1000, &m->load.noise, sizeof(m->load.noise));
	} else if (is_input_key(name)) {
		set_input(r, m, name, value);
	} else if (q >= 0) {
		set_quantity(r, m, (enum quantity)q, value);
	} else {
		err_add(r->e, r->site->file, r->line,
			"unknown key %s in [meter]; use bus, model, address, load, turnaround, ct, vt, lacks, tariffs, "
			"shape, base, peak, pf, phases, voltage, noise, input_1 to input_8 or a name of drivers/NAMES",
			name);
	}
}

static void read_fault_key(struct reader *r, const char *name, const char *value)
{
	struct fault_rule *f = &r->site->faults[r->site->n_faults - 1];
	struct reference *ref = &r->faults[r->site->n_faults - 1];
	uint32_t delay_ms = f->delay_ms;

	if (strcmp(name, "kind") == 0) {
		if (!fault_parse(value, f))
			reject(r, name, value, "one of " FAULT_NAMES);
		if (delay_ms != 0)
			f->delay_ms = delay_ms;
	} else if (strcmp(name, "rate") == 0) {
		if (!parse_rate(value, &f->rate_ppm))
			reject(r, name, value, "0% to 100%, in steps of 0.0001%");
	} else if (strcmp(name, "delay") == 0) {
		set_duration(r, name, value, &f->delay_ms);
	} else if (strcmp(name, "count") == 0) {
		set_number(r, name, value, 0, INT32_MAX, &f->left, sizeof(f->left));
	} else if (strcmp(name, "registers") == 0) {
		if (!parse_span(value, &f->registers))
			reject(r, name, value, "FIRST-LAST, two addresses");
	} else if (strcmp(name, "bus") == 0) {
		set_text(r, &ref->bus, value);
	} else if (strcmp(name, "meters") == 0) {
		set_text(r, &ref->meters, value);
	} else {
		err_add(r->e, r->site->file, r->line,
			"unknown key %s in [fault]; use kind, rate, delay, count, registers, bus or meters", name);
	}
}

/* Add a zeroed element to an array of n. Returns the array at its new place; on NULL the old one is unchanged. */
static void *grow_array(struct reader *r, void *array, size_t n, size_t bytes)
{
	char *bigger = reallocarray(array, n + 1, bytes);

	if (bigger == NULL)
		complain(r, "out of memory");
	else
		memset(bigger + n * bytes, 0, bytes);
	return bigger;
}

static bool is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n <= SITE_NAME_MAX && name[n] == '\0';
}

static void open_bus(struct reader *r, const char *name)
{
	struct site *s = r->site;
	struct site_bus *buses = grow_array(r, s->buses, s->n_buses, sizeof(*buses)), *b;

	if (buses == NULL)
		return;
	s->buses = buses;
	if (site_find_bus(s, name) >= 0)
		err_add(r->e, s->file, r->line, "duplicate section [bus %s]; rename one", name);
	b = &buses[s->n_buses++];
	snprintf(b->name, sizeof(b->name), "%s", name);
	b->parity = 'N';
	b->stop_bits = 1;
	b->pace = true;
	b->max_connections = DEFAULT_CONNECTIONS;
	b->gateway_timeout_ms = DEFAULT_GATEWAY_TIMEOUT_MS;
	b->line = r->line;
	r->section = IN_BUS;
}

static void open_meter(struct reader *r, const char *name)
{
	struct site *s = r->site;
	struct meter *meters = grow_array(r, s->meters, s->n_meters, sizeof(*meters));
	struct reference *refs;

	if (meters == NULL)
		return;
	s->meters = meters;
	refs = grow_array(r, r->meters, s->n_meters, sizeof(*refs));
	if (refs == NULL)
		return;
	r->meters = refs;
	if (site_find_meter(s, name) >= 0)
		err_add(r->e, s->file, r->line, "duplicate section [meter %s]; rename one", name);
	refs[s->n_meters].line = r->line;
	meter_init(&meters[s->n_meters]);
	meters[s->n_meters].turnaround_ms = UINT32_MAX; /* that of the model */
	snprintf(meters[s->n_meters].name, sizeof(meters->name), "%s", name);
	s->n_meters++;
	r->section = IN_METER;
}

static void open_fault(struct reader *r)
{
	struct fault_rule rule = fault_rule_new();
	struct reference *refs = grow_array(r, r->faults, r->site->n_faults, sizeof(*refs));

	if (refs == NULL)
		return;
	r->faults = refs;
	refs[r->site->n_faults].line = r->line;
	if (!site_add_fault(r->site, &rule)) {
		complain(r, "out of memory");
		return;
	}
	r->section = IN_FAULT;
}

static void open_section(struct reader *r, const char *section)
{
	const char *name = strchr(section, ' ');

	r->section = IN_NOTHING;
	strcpy(r->seen, " ");
	name = name == NULL ? "" : name + strspn(name, " \t");
	if (strcmp(section, "site") == 0) {
		if (r->seen_site)
			complain(r, "duplicate section [site]; join them");
		r->seen_site = true;
		r->section = IN_SITE;
		return;
	}
	if (!is_name(name)) {
		err_add(r->e, r->site->file, r->line,
			"section [%s] is not valid; use [site], [bus NAME], [meter NAME] or [fault NAME], with at most "
			"%d letters, digits, '.', '_' and '-' in the name",
			section, SITE_NAME_MAX);
		return;
	}
	if (strncmp(section, "bus ", 4) == 0)
		open_bus(r, name);
	else if (strncmp(section, "meter ", 6) == 0)
		open_meter(r, name);
	else if (strncmp(section, "fault ", 6) == 0)
		open_fault(r);
	else
		err_add(r->e, r->site->file, r->line,
			"section [%s] is not valid; use [site], [bus NAME], [meter NAME] or [fault NAME]", section);
}

static void check_duplicate_key(struct reader *r, const char *name)
{
	char key[64];
	size_t used = strlen(r->seen);

	snprintf(key, sizeof(key), " %.60s ", name);
	if (strstr(r->seen, key) != NULL)
		err_add(r->e, r->site->file, r->line, "duplicate key %s in this section; remove one", name);
	else
		snprintf(r->seen + used, sizeof(r->seen) - used, "%.60s ", name);
}

static void read_key(void *context, const char *section, const char *name, const char *value, unsigned line)
{
	struct reader *r = context;

	r->line = line;
	if (name == NULL) {
		open_section(r, section);
		return;
	}
	check_duplicate_key(r, name);
	if (r->section == IN_SITE)
		read_site_key(r, name, value);
	else if (r->section == IN_BUS)
		read_bus_key(r, name, value);
	else if (r->section == IN_METER)
		read_meter_key(r, name, value);
	else if (r->section == IN_FAULT)
		read_fault_key(r, name, value);
}

/* The site owns the table; NULL = d was NULL, or out of memory. */
static const struct driver *keep_driver(struct reader *r, struct driver *d)
{
	struct site *s = r->site;
	struct driver **drivers = d == NULL ? NULL : grow_array(r, s->drivers, s->n_drivers, sizeof(*drivers));

	if (drivers == NULL) {
		driver_free(d);
		return NULL;
	}
	s->drivers = drivers;
	return drivers[s->n_drivers++] = d;
}

/* The table of a model, which comes before those of its further loads. */
static const struct driver *get_driver(struct reader *r, const char *model)
{
	struct site *s = r->site;
	struct driver *d;
	char *file = NULL, *shadowed = NULL;

	for (size_t i = 0; i < s->n_drivers; i++)
		if (strcmp(s->drivers[i]->name, model) == 0)
			return s->drivers[i];
	if (driver_find(s->driver_path, model, &file, &shadowed) != 0) {
		err_add(r->e, s->file, r->line, "model = %s is not known; there is no %s.ini in %s", model, model,
			s->driver_path);
		return NULL;
	}
	d = driver_load(file, r->e);
	free(file);
	free(shadowed);
	return keep_driver(r, d);
}

static const struct driver *get_load(struct reader *r, const struct meter *m, const struct driver *d)
{
	if (m->load_number > d->n_loads) {
		complain(r, "the model has no such load; use a lower load");
		return NULL;
	}
	return m->load_number == 1 ? d : keep_driver(r, driver_variant(d, m->load_number, false));
}

static void check_bus(struct reader *r, struct site_bus *b)
{
	r->line = b->line;
	if (b->transport == SITE_RTU && b->path == NULL)
		err_add(r->e, r->site->file, b->line, "bus %s has no path; transport rtu needs one", b->name);
	if (b->transport == SITE_RTU && b->baud == 0)
		b->baud = 9600;
	if (b->listen == NULL)
		set_text(r, &b->listen, "127.0.0.1");
}

/* Two meters may share an address when they are loads of one device. */
static bool are_loads_of_one(const struct meter *a, const struct meter *b)
{
	return a->driver != NULL && b->driver != NULL && strcmp(a->driver->name, b->driver->name) == 0 &&
	       a->load_number != b->load_number;
}

static void check_meter(struct reader *r, size_t i)
{
	struct site *s = r->site;
	struct meter *m = &s->meters[i];
	struct reference *ref = &r->meters[i];
	int32_t bus = ref->bus == NULL ? -1 : site_find_bus(s, ref->bus);

	r->line = ref->line;
	if (ref->bus == NULL || ref->model == NULL || !ref->seen_address)
		err_add(r->e, s->file, ref->line, "meter %s has no %s; bus, model and address are required", m->name,
			ref->bus == NULL     ? "bus"
			: ref->model == NULL ? "model"
					     : "address");
	else if (bus < 0)
		err_add(r->e, s->file, ref->line, "meter %s is on bus %s, which does not exist; add [bus %s]", m->name,
			ref->bus, ref->bus);
	if (ref->model != NULL)
		m->driver = get_driver(r, ref->model);
	if (m->driver != NULL)
		m->driver = get_load(r, m, m->driver);
	m->bus = bus < 0 ? 0 : (size_t)bus;
	for (size_t k = 0; k < i && bus >= 0; k++)
		if (s->meters[k].bus == m->bus && s->meters[k].address == m->address &&
		    !are_loads_of_one(&s->meters[k], m))
			err_add(r->e, s->file, ref->line,
				"meter %s has the same address %u as %s; give each its own, or a load of its own",
				m->name, m->address, s->meters[k].name);
	if (m->turnaround_ms == UINT32_MAX && m->driver != NULL)
		m->turnaround_ms = s->buses != NULL && s->buses[m->bus].pace ? m->driver->turnaround_ms : 0;
}

/* A rule for several meters becomes one rule for each. */
static void check_fault(struct reader *r, size_t i)
{
	struct site *s = r->site;
	struct reference *ref = &r->faults[i];
	struct fault_rule rule = s->faults[i];
	char *at = ref->meters, *name;
	bool is_first = true;

	r->line = ref->line;
	if (rule.kind == FAULT_NONE)
		complain(r, "the fault has no kind; add kind = ...");
	if (ref->bus != NULL) {
		s->faults[i].bus = rule.bus = site_find_bus(s, ref->bus);
		if (rule.bus < 0)
			err_add(r->e, s->file, ref->line, "the fault is on bus %s, which does not exist; add [bus %s]",
				ref->bus, ref->bus);
	}
	while ((name = strsep(&at, " ,")) != NULL) {
		if (*name == '\0')
			continue;
		rule.meter = site_find_meter(s, name);
		if (rule.meter < 0) {
			err_add(r->e, s->file, ref->line,
				"the fault is on meter %s, which does not exist; add [meter %s]", name, name);
			continue;
		}
		rule.bus = (int32_t)s->meters[rule.meter].bus;
		if (is_first)
			s->faults[i] = rule;
		else if (!site_add_fault(s, &rule))
			complain(r, "out of memory");
		is_first = false;
	}
	if (s->n_buses > 0 && !site_fault_fits(s, &s->faults[i]))
		err_add(r->e, s->file, ref->line, "%s is not possible on bus %s with transport %s; use another kind",
			fault_name(rule.kind), s->buses[s->faults[i].bus].name,
			site_transport_text(s->buses[s->faults[i].bus].transport));
}

static void check_site(struct reader *r)
{
	struct site *s = r->site;
	size_t n_faults = s->n_faults;

	if (s->driver_path == NULL)
		set_text(r, &s->driver_path, TALLY_DRIVER_PATH);
	r->line = 0;
	if (s->n_buses == 0)
		complain(r, "there is no bus; add a section [bus NAME]");
	for (size_t i = 0; i < s->n_buses; i++)
		check_bus(r, &s->buses[i]);
	for (size_t i = 0; i < s->n_meters; i++)
		check_meter(r, i);
	for (size_t i = 0; i < n_faults; i++)
		check_fault(r, i);
}

static void free_references(struct reference *refs, size_t n)
{
	for (size_t i = 0; i < n && refs != NULL; i++) {
		free(refs[i].bus);
		free(refs[i].model);
		free(refs[i].meters);
	}
	free(refs);
}

struct site *site_load(const char *file, struct err *e)
{
	struct site *s = calloc(1, sizeof(*s));
	struct reader r = {.site = s, .e = e, .seen = " "};
	size_t n_fault_refs, errors_before = e->n_errors;

	if (s != NULL)
		s->file = strdup(file);
	if (s == NULL || s->file == NULL) {
		err_add(e, file, 0, "out of memory");
		site_free(s);
		return NULL;
	}
	s->speed = 1;
	s->start_ms = -1;
	s->seed = 1;
	inifile_read(file, read_key, &r, e);
	n_fault_refs = s->n_faults;
	if (e->n_errors == errors_before)
		check_site(&r);
	free_references(r.meters, s->n_meters);
	free_references(r.faults, n_fault_refs);
	if (e->n_errors == errors_before)
		return s;
	site_free(s);
	return NULL;
}

void site_free(struct site *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_buses; i++) {
		free(s->buses[i].path);
		free(s->buses[i].listen);
	}
	for (size_t i = 0; i < s->n_drivers; i++)
		driver_free(s->drivers[i]);
	free(s->drivers);
	free(s->buses);
	free(s->meters);
	free(s->faults);
	free(s->driver_path);
	free(s->control);
	free(s->trace);
	free(s->file);
	free(s);
}

int32_t site_find_bus(const struct site *s, const char *name)
{
	for (size_t i = 0; i < s->n_buses; i++)
		if (strcmp(s->buses[i].name, name) == 0)
			return (int32_t)i;
	return -1;
}

int32_t site_find_meter(const struct site *s, const char *name)
{
	for (size_t i = 0; i < s->n_meters; i++)
		if (strcmp(s->meters[i].name, name) == 0)
			return (int32_t)i;
	return -1;
}

bool site_add_fault(struct site *s, const struct fault_rule *rule)
{
	struct fault_rule *faults = reallocarray(s->faults, s->n_faults + 1, sizeof(*faults));

	if (faults == NULL)
		return false;
	s->faults = faults;
	faults[s->n_faults++] = *rule;
	return true;
}

void site_remove_faults(struct site *s, const struct fault_rule *like)
{
	size_t n_kept = 0;

	for (size_t i = 0; i < s->n_faults; i++) {
		const struct fault_rule *f = &s->faults[i];

		if (f->kind != like->kind || f->exception != like->exception || f->bus != like->bus ||
		    f->meter != like->meter)
			s->faults[n_kept++] = *f;
	}
	s->n_faults = n_kept;
}

bool site_fault_fits(const struct site *s, const struct fault_rule *rule)
{
	enum site_transport t;

	if (rule->bus < 0)
		return true;
	t = s->buses[rule->bus].transport;
	return fault_fits(rule->kind, t == SITE_TCP, t != SITE_RTU);
}

static int replace_text(char **to, const char *with)
{
	if (with == NULL)
		return 0;
	free(*to);
	*to = strdup(with);
	return *to == NULL ? -ENOMEM : 0;
}

int site_override(struct site *s, const char *trace, const char *control)
{
	int rc = replace_text(&s->trace, trace);

	return rc != 0 ? rc : replace_text(&s->control, control);
}

const char *site_transport_text(enum site_transport t)
{
	return t == SITE_RTU ? "rtu" : t == SITE_TCP ? "tcp" : "rtu-over-tcp";
}
