/* SPDX-License-Identifier: MIT */
#include "conf_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf.h"
#include "conf_file.h"
#include "driver.h"
#include "err.h"

/* Line of a key of a meter or input whose header is in section_line. */
static unsigned key_line(const struct conf_file *f, unsigned section_line, const char *key)
{
	return conf_file_line(conf_file_at(f, section_line), key);
}

static bool same_device(const char *a, const char *b)
{
	char *real_a, *real_b;
	bool same = strcmp(a, b) == 0;

	if (same)
		return true;
	/* /dev/serial/by-id/... and /dev/ttyUSB0 may be one port. */
	real_a = realpath(a, NULL);
	real_b = realpath(b, NULL);
	same = real_a != NULL && real_b != NULL && strcmp(real_a, real_b) == 0;
	free(real_a);
	free(real_b);
	return same;
}

static void check_endpoint(const struct conf_bus *b, const struct conf_bus *other, const struct conf_file *f,
			   struct err *e)
{
	const struct conf_file_section *bus = conf_file_find(f, OPTION_BUS);

	if (b->device != NULL && other->device != NULL && same_device(b->device, other->device))
		err_add(e, b->file, conf_file_line(bus, "device"),
			"device = %s is used twice (first by bus %s); give each bus its own port", b->device,
			other->name);
	if (b->host != NULL && other->host != NULL && b->port != 0 && b->port == other->port &&
	    strcasecmp(b->host, other->host) == 0)
		err_add(e, b->file, conf_file_line(bus, "host"),
			"host = %s, port = %u is used twice (first by bus %s); give each bus its own gateway or port",
			b->host, b->port, other->name);
}

static void check_endpoints(const struct conf *c, const struct conf_file *files, struct err *e)
{
	for (size_t i = 1; i < c->n_buses; i++)
		for (size_t j = 0; j < i; j++)
			check_endpoint(&c->buses[i], &c->buses[j], &files[i], e);
}

/* A meter or input and where it is named. */
struct named {
	const char *name, *file;
	unsigned line;
	size_t bus;
};

static int compare_names(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	if (a->bus != b->bus)
		return a->bus < b->bus ? -1 : 1;
	return a->line < b->line ? -1 : 1;
}

static size_t list_names(const struct conf *c, struct named *list)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_buses; i++) {
		const struct conf_bus *b = &c->buses[i];

		for (size_t k = 0; k < b->n_meters; k++)
			list[n++] = (struct named){b->meters[k].name, b->file, b->meters[k].line, i};
		for (size_t k = 0; k < b->n_inputs; k++)
			list[n++] = (struct named){b->inputs[k].name, b->file, b->inputs[k].line, i};
	}
	return n;
}

/* Names that differ in capitals only are two here, and one in a spreadsheet. */
static int compare_letters(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order = strcasecmp(a->name, b->name);

	return order != 0 ? order : compare_names(left, right);
}

static void check_names(const struct conf *c, struct err *e)
{
	struct named *list;
	size_t n = 0, first = 0;

	for (size_t i = 0; i < c->n_buses; i++)
		n += c->buses[i].n_meters + c->buses[i].n_inputs;
	list = calloc(n + 1, sizeof(*list));
	if (list == NULL) {
		err_out_of_memory(e);
		return;
	}
	n = list_names(c, list);
	qsort(list, n, sizeof(*list), compare_letters);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(list[i].name, list[first].name) == 0) {
			err_add(e, list[i].file, list[i].line,
				"duplicate name %s (first used at %s:%u); names are unique across meters and inputs",
				list[i].name, list[first].file, list[first].line);
			continue;
		}
		if (strcasecmp(list[i].name, list[first].name) == 0)
			err_warn(e, list[i].file, list[i].line,
				 "names %s and %s (%s:%u) differ in capital letters only; spreadsheets take them for "
				 "one",
				 list[i].name, list[first].name, list[first].file, list[first].line);
		first = i;
	}
	free(list);
}

/* Whether address 0 was written, and is not what a refused value leaves. */
static bool is_zero(const struct conf_file *f, const struct conf_meter *m)
{
	const char *text = conf_file_get_named(conf_file_at(f, m->line), "address")->text;

	return text != NULL && text[0] == '0' && text[strspn(text, "0")] == '\0';
}

static bool has_loads(const struct conf_meter *m)
{
	return m->driver != NULL && m->driver->n_loads > 1;
}

static void check_addresses(const struct conf_bus *b, const struct conf_file *f, struct err *e)
{
	for (const struct conf_meter *m = b->meters; m < b->meters + b->n_meters; m++) {
		const struct conf_meter *other = b->meters;

		if (m->address == 0 && !is_zero(f, m))
			continue;
		if (m->address == 0 && b->transport != CONF_TCP)
			err_add(e, b->file, key_line(f, m->line, "address"),
				"address = 0 is for one meter that is connected by transport = tcp; use 1 to 255, as "
				"set "
				"at the meter");
		while (other < m && (other->address != m->address || (m->address == 0 && !is_zero(f, other)) ||
				     (other->load != m->load && strcmp(other->model, m->model) == 0)))
			other++;
		if (other < m && m->load == other->load && m->load > 1)
			err_add(e, b->file, key_line(f, m->line, "load"),
				"address = %u, load = %u is used twice on this bus (first by meter %s in line %u); "
				"give "
				"each meter its own load",
				m->address, m->load, other->name, other->line);
		else if (other < m)
			err_add(e, b->file, key_line(f, m->line, "address"),
				"address = %u is used twice on this bus (first by meter %s in line %u); give each "
				"meter its own%s",
				m->address, other->name, other->line, has_loads(m) ? ", or a load of its own" : "");
	}
}

static void list_bauds(const struct driver *driver, char *list, size_t size)
{
	size_t n = 0;

	for (unsigned i = 0; i < driver->n_bauds && n < size; i++)
		n += (size_t)snprintf(list + n, size - n, "%s%u",
				      i == 0 ? "" : (i + 1 == driver->n_bauds ? " or " : ", "),
				      (unsigned)driver->bauds[i]);
}

static bool has_baud(const struct driver *driver, uint32_t baud)
{
	for (unsigned i = 0; i < driver->n_bauds; i++)
		if (driver->bauds[i] == baud)
			return true;
	return driver->n_bauds == 0;
}

static void check_baud(const struct conf_bus *b, const struct conf_meter *m, const struct conf_file *f, struct err *e)
{
	char list[16 * DRIVER_BAUDS_MAX];

	if (b->baud == 0 || has_baud(m->driver, b->baud))
		return;
	list_bauds(m->driver, list, sizeof(list));
	err_add(e, b->file, conf_file_line(conf_file_find(f, OPTION_BUS), "baud"),
		"baud = %u is not valid for meter %s, a %s; use %s", (unsigned)b->baud, m->name, m->model, list);
}

static void check_ratios(const struct conf_bus *b, const struct conf_meter *m, const struct conf_file *f, struct err *e)
{
	const struct conf_file_section *s = conf_file_at(f, m->line);
	const struct conf_file_key *ct = conf_file_get_named(s, "ct"), *vt = conf_file_get_named(s, "vt");

	if (m->lacks_ct)
		err_add(e, b->file, m->line,
			"key ct is missing in [meter %s], a %s; use the ratio of its transformers such as 400/5, or "
			"1/1 "
			"without any; until then its counters are kept and not counted, unless they were counted at "
			"1/1 "
			"before",
			m->name, m->model);
	if (m->driver->ratios)
		return;
	if (ct->line != 0)
		err_add(e, b->file, ct->line, "ct = %s is not valid for a %s, which knows its ratios itself; remove ct",
			ct->text, m->model);
	if (vt->line != 0)
		err_add(e, b->file, vt->line, "vt = %s is not valid for a %s, which knows its ratios itself; remove vt",
			vt->text, m->model);
}

/* An answer that comes when the next meter is asked already costs both. */
static void check_timeout(const struct conf_bus *b, const struct conf_meter *m, const struct conf_file *f,
			  struct err *e)
{
	unsigned line = conf_file_get_named(conf_file_at(f, m->line), "response_timeout")->line;
	unsigned least_ms = m->driver->turnaround_ms * 3 / 2;

	if (m->response_timeout_ms == 0 || m->response_timeout_ms >= least_ms)
		return;
	err_warn(e, b->file, line != 0 ? line : conf_file_line(conf_file_find(f, OPTION_BUS), "response_timeout"),
		 "response_timeout = %ums may be too short for meter %s, a %s, which usually takes %ums to answer; use "
		 "at least %ums",
		 (unsigned)m->response_timeout_ms, m->name, m->model, (unsigned)m->driver->turnaround_ms, least_ms);
}

static void check_meter(const struct conf_bus *b, const struct conf_meter *m, const struct conf_file *f, struct err *e)
{
	const struct driver *driver = m->driver;

	if (driver == NULL)
		return;
	if (m->address != 0 && (m->address < driver->address_min || m->address > driver->address_max))
		err_add(e, b->file, key_line(f, m->line, "address"), "address = %u is not valid for a %s; use %u to %u",
			m->address, m->model, driver->address_min, driver->address_max);
	if (m->load > driver->n_loads && has_loads(m))
		err_add(e, b->file, key_line(f, m->line, "load"), "load = %u is not valid for a %s; it has %u loads",
			m->load, m->model, driver->n_loads);
	else if (m->load > driver->n_loads)
		err_add(e, b->file, key_line(f, m->line, "load"),
			"load = %u is not valid for a %s, which measures one load; remove load", m->load, m->model);
	check_baud(b, m, f, e);
	check_ratios(b, m, f, e);
	check_timeout(b, m, f, e);
	if (driver->provenance >= DRIVER_SIBLING && !m->confirmed)
		err_warn(e, b->file, m->line,
			 "meter %s: the register table of a %s is %s and not confirmed; compare it with the device "
			 "(tally probe %s), then set confirmed = yes",
			 m->name, m->model, driver->provenance == DRIVER_SIBLING ? "a sibling's" : "inferred", m->name);
}

static void check_input(const struct conf_bus *b, const struct conf_input *in, const struct conf_file *f, struct err *e)
{
	const struct conf_meter *m = &b->meters[in->concentrator];
	unsigned n_inputs = 0;

	if (in->concentrator >= b->n_meters || in->input == 0)
		return;
	for (const struct conf_input *other = b->inputs; other < in; other++)
		if (other->concentrator == in->concentrator && other->input == in->input)
			err_add(e, b->file, key_line(f, in->line, "input"),
				"input = %u is used twice on this concentrator (first by input %s in line %u); give "
				"each its own",
				in->input, other->name, other->line);
	if (m->driver == NULL || driver_row(m->driver, (enum quantity)(Q_PULSES_1 + in->input - 1)) != NULL)
		return;
	for (int q = Q_PULSES_1; q <= Q_PULSES_8; q++)
		n_inputs += driver_row(m->driver, (enum quantity)q) != NULL;
	if (n_inputs == 0)
		err_add(e, b->file, key_line(f, in->line, "concentrator"),
			"concentrator = %s is not valid: a %s has no pulse inputs; use a pulse concentrator", m->name,
			m->model);
	else
		err_add(e, b->file, key_line(f, in->line, "input"),
			"input = %u is not valid for a %s; it has %u inputs", in->input, m->model, n_inputs);
}

/* Meters that are loads of one device are one. */
static size_t count_devices(const struct conf_bus *b)
{
	bool seen[UINT8_MAX + 1] = {false};
	size_t n = 0;

	for (size_t i = 0; i < b->n_meters; i++) {
		n += !seen[b->meters[i].address];
		seen[b->meters[i].address] = true;
	}
	return n;
}

static void check_segment(const struct conf_bus *b, const struct conf_file *f, struct err *e)
{
	const struct conf_file_section *bus = conf_file_find(f, OPTION_BUS);
	const struct driver *least = NULL;
	unsigned n_segments = b->repeaters + 1;
	size_t n_devices = count_devices(b);

	for (size_t i = 0; i < b->n_meters; i++) {
		const struct driver *driver = b->meters[i].driver;

		if (driver != NULL && (least == NULL || driver->segment_max < least->segment_max))
			least = driver;
	}
	if (least == NULL || n_devices <= (size_t)least->segment_max * n_segments)
		return;
	err_warn(e, b->file, bus != NULL ? conf_file_line(bus, "repeaters") : 1,
		 "%zu devices are too many on %u segment%s; use at most %u, a segment with a %s carries %u", n_devices,
		 n_segments, n_segments == 1 ? "" : "s", least->segment_max * n_segments, least->name,
		 least->segment_max);
}

static void check_bus(const struct conf_bus *b, const struct conf_file *f, struct err *e)
{
	check_addresses(b, f, e);
	for (size_t i = 0; i < b->n_meters; i++)
		check_meter(b, &b->meters[i], f, e);
	for (size_t i = 0; i < b->n_inputs; i++)
		check_input(b, &b->inputs[i], f, e);
	check_segment(b, f, e);
}

void conf_check(const struct conf *c, const struct conf_file *files, struct err *e)
{
	for (size_t i = 0; i < c->n_buses; i++)
		check_bus(&c->buses[i], &files[i], e);
	check_endpoints(c, files, e);
	check_names(c, e);
}
