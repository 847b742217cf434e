/* SPDX-License-Identifier: MIT */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "meter.h"
#include "mono.h"
#include "tally.h"

enum { EVERYTHING = DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY | DRIVER_STATE };

/* The daemon's own worker: it opens again what a fault has closed and keeps late answers apart. */
struct line {
	struct bus *bus;
	sem_t woken;
};

static void wake(void *context)
{
	sem_post(context);
}

static void run_job(struct line *l, struct bus_job *j)
{
	bus_submit(l->bus, j);
	while (bus_take(l->bus) == NULL)
		sem_wait(&l->woken);
}

/* Requests that the meter refused are tried in parts, as the daemon does, so that what it lacks is known. */
static bool learn_parts(struct line *l, struct meter *m)
{
	enum parts_result result;
	char missing[256];

	if (meter_take_refused(m) == 0)
		return false;
	do {
		if (!meter_begin_part(m))
			return false;
		run_job(l, &m->job);
		meter_answered(m, mono_wall_ms());
		result = parts_take(&m->parts, meter_part_answer(m), missing, sizeof(missing));
	} while (result == PARTS_MORE);
	if (result == PARTS_NOTHING)
		return false;
	printf("refuses %s\n", result == PARTS_MISSING ? missing : "long reads");
	return true;
}

static enum meter_outcome read_everything(struct line *l, struct meter *m)
{
	enum meter_outcome outcome;

	meter_begin_read(m, EVERYTHING);
	do {
		run_job(l, &m->job);
		outcome = meter_answered(m, mono_wall_ms());
	} while (outcome == METER_FAILED && meter_retry(m));
	return outcome;
}

static const char *answer_text(const struct link_reply *r)
{
	if (r->status == LINK_TIMEOUT && r->sent_us == 0)
		return "not asked";
	return r->status == LINK_EXCEPTION ? link_exception_text(r->exception) : link_status_text(r->status);
}

static void print_requests(const struct meter *m)
{
	printf("\n%-30s %10s  %s\n", "request", "latency", "answer");
	for (size_t i = 0; i < m->plan->n_requests; i++) {
		const struct plan_request *r = &m->plan->requests[i];
		const struct link_reply *reply = &m->replies[i];

		printf("function %u %5u (0x%04X) + %-4u %7.1f ms  %s\n", r->function, r->address, r->address,
		       r->n_words, (double)reply->latency_us / 1000, answer_text(reply));
	}
}

static void format_words(const uint16_t *words, unsigned n_words, char *out, size_t n)
{
	size_t length = 0;

	for (unsigned i = 0; i < n_words && length + 5 < n; i++)
		length += (size_t)snprintf(out + length, n - length, "%s%04X", i == 0 ? "" : " ", words[i]);
}

static void print_item(const struct meter *m, const struct plan_item *item)
{
	const struct driver *d = m->conf->driver;
	const struct driver_row *row = &d->rows[item->row];
	const struct names_row *name = names_get(row->quantity);
	const uint16_t *sign = item->sign_word < 0 ? NULL : &m->words[item->sign_word];
	char raw[64], value[80];
	enum codec_status s;
	int64_t number;

	format_words(&m->words[item->word], row->n_words, raw, sizeof(raw));
	if (name->kind == NAMES_IDENTITY) {
		s = codec_text(d->order, row, &m->words[item->word], value, sizeof(value));
	} else {
		s = codec_number(d->order, row, &m->words[item->word], sign, m->multipliers[item->row], &number);
		if (s == CODEC_OK)
			names_format(row->quantity, number, value, sizeof(value));
	}
	if (s != CODEC_OK)
		snprintf(value, sizeof(value), "%s", codec_status_text(s));
	printf("%-33s %5u 0x%04X  %-24s %16s %-6s %s\n", name->name, row->address, row->address, raw, value,
	       strcmp(name->shown, "-") == 0 ? "" : name->shown, driver_provenance_text(row->provenance));
}

static bool item_answered(const struct meter *m, const struct plan_item *item)
{
	return m->replies[item->request].status == LINK_OK &&
	       (item->sign_word < 0 || m->replies[item->sign_request].status == LINK_OK);
}

static void print_values(const struct meter *m)
{
	printf("\n%-33s %12s  %-24s %16s %-6s %s\n", "quantity", "address", "raw words", "value", "unit", "provenance");
	for (size_t i = 0; i < m->plan->n_items; i++)
		if (item_answered(m, &m->plan->items[i]))
			print_item(m, &m->plan->items[i]);
}

static void print_head(const struct conf_bus *bus, const struct conf_meter *m)
{
	const struct driver *d = m->driver;

	printf("%s: %s, address %u on bus %s\ntable: %s, %s\n", m->name, d->title, m->address, bus->name, d->file,
	       driver_provenance_text(d->provenance));
	if (d->provenance >= DRIVER_SIBLING && !m->confirmed)
		printf("register table not confirmed: compare with the display, then write \"confirmed = yes\" in %s\n",
		       bus->file);
	if (d->ratios && m->ct_primary == m->ct_secondary && m->vt_primary == m->vt_secondary)
		printf("ct and vt are 1/1: where the meter has transformers, write theirs into its section in %s "
		       "first\n",
		       bus->file);
}

/* What became of it in one sentence, and whether that is good: the meter answered, and is what it should be. */
static bool tell_outcome(const struct meter *m, enum meter_outcome outcome)
{
	struct meter_identity id;

	if (outcome != METER_ANSWERED) {
		fprintf(stderr, "%s: %s\n", m->conf->name,
			m->health.reason[0] != '\0' ? m->health.reason : "the line was lost");
		return false;
	}
	meter_read_identity(m, &id);
	if (id.mismatch[0] != '\0')
		fprintf(stderr, "%s: not a %s, whose table does not fit it: %s\n", m->conf->name, m->conf->driver->name,
			id.mismatch);
	return id.mismatch[0] == '\0';
}

static int probe(const struct conf_bus *bus, const struct conf_meter *conf)
{
	enum meter_outcome outcome;
	struct meter *m = meter_new(conf, 0, mono_wall_ms());
	struct line l = {.bus = NULL};
	bool is_good = false;
	char why[256];

	sem_init(&l.woken, 0, 0);
	l.bus = bus_new(bus, wake, &l.woken);
	if (m == NULL || l.bus == NULL) {
		fprintf(stderr, "tally probe: out of memory\n");
		goto out;
	}
	print_head(bus, conf);
	outcome = read_everything(&l, m);
	if (outcome == METER_NO_LINE && !bus_is_open(l.bus, why, sizeof(why))) {
		fprintf(stderr, "bus %s: %s\n", bus->name, why);
		goto out;
	}
	if ((outcome == METER_ANSWERED || outcome == METER_REFUSED) && learn_parts(&l, m))
		outcome = read_everything(&l, m);
	print_requests(m);
	print_values(m);
	is_good = tell_outcome(m, outcome);
out:
	bus_free(l.bus);
	meter_free(m);
	sem_destroy(&l.woken);
	return is_good ? TALLY_GOOD : TALLY_BAD;
}

static int probe_meter(const struct conf *conf, const char *name)
{
	const struct conf_bus *b;
	const struct conf_meter *m = tally_find_meter(conf, name, &b);

	if (m == NULL)
		return TALLY_BAD;
	if (m->driver != NULL)
		return probe(b, m);
	fprintf(stderr, "%s: the register table of %s has errors, see \"tally check\"\n", name, m->model);
	return TALLY_BAD;
}

/* A meter that is not in the configuration yet. */
static int probe_address(const struct conf *conf, const char *bus_name, const char *address, const char *model)
{
	const struct conf_bus *b = tally_find_bus(conf, bus_name);
	struct conf_meter m = {.name = "probe", .ct_primary = 1, .ct_secondary = 1, .vt_primary = 1, .vt_secondary = 1};
	struct driver *d;
	char *end;
	unsigned long unit = strtoul(address, &end, 10);
	int code;

	if (b == NULL)
		return TALLY_BAD;
	if (*end != '\0' || unit < 1 || unit > link_unit_max()) {
		fprintf(stderr, "address \"%s\": 1 to %u allowed\n", address, link_unit_max());
		return TALLY_USAGE;
	}
	d = tally_load_model(conf->driver_path, model);
	if (d == NULL)
		return TALLY_BAD;
	m.driver = d;
	m.address = (uint8_t)unit;
	m.response_timeout_ms = b->response_timeout_ms;
	m.retries = b->retries;
	code = probe(b, &m);
	driver_free(d);
	return code;
}

int tally_probe(const struct tally *t)
{
	struct conf *conf;
	int code;

	if (t->argc != 2 && t->argc != 4) {
		fprintf(stderr, "usage: tally probe METER\n       tally probe BUS ADDRESS MODEL\n");
		return TALLY_USAGE;
	}
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	if (t->argc == 2)
		code = probe_meter(conf, t->argv[1]);
	else
		code = probe_address(conf, t->argv[1], t->argv[2], t->argv[3]);
	conf_free(conf);
	return code;
}
