/* SPDX-License-Identifier: MIT */
/* Read one meter once, and print the raw words beside the values, to be compared with its display. It is read as the
 * daemon reads it, by the same worker and the same modules of the poller, so what works here works there. */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asking.h"
#include "codec.h"
#include "conf.h"
#include "health.h"
#include "identity.h"
#include "mono.h"
#include "parts.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"

enum { EVERYTHING = DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY | DRIVER_STATE };

/* One meter on the daemon's own worker, which opens again what a fault has closed and keeps late answers apart. */
struct probe {
	const struct conf_meter *conf;
	struct bus *bus;
	sem_t woken;
	struct parts parts;
	struct asking asking;
	struct health health;
};

static void wake(void *context)
{
	sem_post(context);
}

static enum asking_outcome run_job(struct probe *p)
{
	bus_submit(p->bus, &p->asking.job);
	while (bus_take(p->bus) == NULL)
		sem_wait(&p->woken);
	health_count(&p->health, p->asking.job.replies, p->asking.job.n_done, mono_wall_ms());
	return asking_outcome(&p->asking);
}

/* Requests that the meter refused are tried in parts, as the daemon does, to find what it lacks. Returns whether
 * something was found, so that reading again makes sense. */
static bool learn_parts(struct probe *p)
{
	enum parts_result result;
	struct plan_request r;
	char missing[PARTS_NAMES_MAX];

	if (asking_give_refused(&p->asking, &p->parts) == 0)
		return false;
	do {
		if (!parts_next(&p->parts, &r))
			return false;
		asking_begin_part(&p->asking, r);
		run_job(p);
		result = parts_take(&p->parts, asking_part_answer(&p->asking), mono_wall_ms());
	} while (result == PARTS_MORE);
	if (result == PARTS_NOTHING || result == PARTS_ALL_REFUSED)
		return false;
	parts_name_refused(&p->parts, false, missing, sizeof(missing));
	printf("refuses %s\n", result == PARTS_MISSING ? missing : "long reads");
	return true;
}

/* Returns false when it is out of memory. */
static bool read_everything(struct probe *p, enum asking_outcome *outcome)
{
	if (!asking_begin_read(&p->asking, EVERYTHING, p->conf->retries)) {
		fprintf(stderr, "tally probe: out of memory\n");
		return false;
	}
	do
		*outcome = run_job(p);
	while (*outcome == ASKING_FAILED && asking_retry(&p->asking));
	return true;
}

static const char *answer_text(const struct link_reply *r)
{
	if (r->status == LINK_TIMEOUT && r->sent_us == 0)
		return "not asked";
	return r->status == LINK_EXCEPTION ? link_exception_text(r->exception) : link_status_text(r->status);
}

/* Kind of the bytes that came beside the answer and were dropped; "" = there were none. */
static const char *refused_text(const struct link_reply *r)
{
	return r->refused == LINK_OK || r->refused == r->status ? "" : link_status_text(r->refused);
}

static void print_requests(const struct asking *a)
{
	printf("\n%-30s %10s  %s\n", "request", "latency", "answer");
	for (size_t i = 0; i < a->plan->n_requests; i++) {
		const struct plan_request *r = &a->plan->requests[i];
		const struct link_reply *reply = &a->replies[i];

		printf("function %u %5u (0x%04X) + %-4u %7.1f ms  %s%s%s\n", r->function, r->address, r->address,
		       r->n_words, (double)reply->latency_us / 1000, answer_text(reply),
		       *refused_text(reply) != '\0' ? ", dropped: " : "", refused_text(reply));
	}
}

/* Append words to out, which has used bytes, behind what they are. Returns how many bytes it has then. */
static size_t format_words(const char *what, const uint16_t *words, unsigned n_words, char *out, size_t n, size_t used)
{
	if (used + strlen(what) < n)
		used += (size_t)snprintf(out + used, n - used, "%s", what);
	for (unsigned i = 0; i < n_words && used + 5 < n; i++)
		used += (size_t)snprintf(out + used, n - used, "%s%04X", used == 0 || out[used - 1] == ' ' ? "" : " ",
					 words[i]);
	return used;
}

/* "0002 4E87 + 0533", "0012 D687 sign 0001", "0000 07D0 ten FFFF" */
static void format_item(const struct asking *a, const struct plan_item *item, char *out, size_t n)
{
	const struct driver_row *rows = a->conf->driver->rows;
	size_t used = format_words("", &a->words[item->word], rows[item->row].n_words, out, n, 0);

	if (item->rest_row >= 0)
		used = format_words(" + ", &a->words[item->rest_word], rows[item->rest_row].n_words, out, n, used);
	if (item->sign_word >= 0)
		used = format_words(" sign ", &a->words[item->sign_word], 1, out, n, used);
	if (item->ten_word >= 0)
		format_words(" ten ", &a->words[item->ten_word], 1, out, n, used);
}

static void print_item(const struct asking *a, const struct plan_item *item)
{
	const struct driver_row *row = &a->conf->driver->rows[item->row];
	const struct names_row *name = names_get(row->quantity);
	char raw[64], value[80];
	enum codec_status s;
	int64_t number;

	format_item(a, item, raw, sizeof(raw));
	if (name->kind == NAMES_IDENTITY) {
		s = asking_text(a, item, value, sizeof(value));
	} else {
		s = asking_number(a, item, &number);
		if (s == CODEC_OK)
			names_format(row->quantity,
				     names_has_parts(row->quantity) ? number / a->conf->driver->parts : number, value,
				     sizeof(value));
	}
	if (s != CODEC_OK)
		snprintf(value, sizeof(value), "%s", codec_status_text(s));
	printf("%-33s %5u 0x%04X  %-24s %16s %-6s %s\n", name->name, row->address, row->address, raw, value,
	       strcmp(name->shown, "-") == 0 ? "" : name->shown, driver_provenance_text(row->provenance));
}

static void print_values(const struct asking *a)
{
	printf("\n%-33s %12s  %-24s %16s %-6s %s\n", "quantity", "address", "raw words", "value", "unit", "provenance");
	for (size_t i = 0; i < a->plan->n_items; i++)
		if (asking_has(a, &a->plan->items[i]))
			print_item(a, &a->plan->items[i]);
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
		printf("ct and vt are 1/1: if the meter has transformers, first set their ratios in %s\n", bus->file);
}

/* Print a sentence if the meter did not answer or is another model. Returns whether it did and is the right one. */
static bool print_outcome(const struct probe *p, const char *driver_path, enum asking_outcome outcome)
{
	struct meter_identity identity;
	struct identity_texts texts;

	if (outcome != ASKING_ANSWERED) {
		fprintf(stderr, "%s: %s\n", p->conf->name,
			p->health.reason[0] != '\0' ? p->health.reason : "the line was lost");
		return false;
	}
	identity_read(&p->asking, &texts);
	if (texts.mismatch[0] != '\0') {
		identity_init(&identity);
		identity_advise(&identity, &p->asking, driver_path);
		fprintf(stderr, "%s: not a %s: %s%s\n", p->conf->name, p->conf->driver->name, texts.mismatch,
			identity.advice);
	}
	return texts.mismatch[0] == '\0';
}

static int probe_device(const struct conf_bus *bus, const struct conf_meter *conf)
{
	struct probe p = {.conf = conf};
	enum asking_outcome outcome;
	bool is_good = false;
	char why[256];

	sem_init(&p.woken, 0, 0);
	parts_init(&p.parts, conf->driver);
	if (asking_init(&p.asking, conf, &p.parts, NULL) == 0)
		p.bus = bus_new(bus, wake, &p.woken);
	if (p.bus == NULL) {
		fprintf(stderr, "tally probe: out of memory\n");
		goto out;
	}
	print_head(bus, conf);
	if (!read_everything(&p, &outcome))
		goto out;
	if (outcome == ASKING_NO_LINE && !bus_is_open(p.bus, why, sizeof(why))) {
		fprintf(stderr, "bus %s: %s\n", bus->name, why);
		goto out;
	}
	if ((outcome == ASKING_ANSWERED || outcome == ASKING_REFUSED) && learn_parts(&p) &&
	    !read_everything(&p, &outcome))
		goto out;
	print_requests(&p.asking);
	print_values(&p.asking);
	is_good = print_outcome(&p, bus->driver_path, outcome);
out:
	bus_free(p.bus);
	asking_fini(&p.asking);
	sem_destroy(&p.woken);
	return is_good ? TALLY_GOOD : TALLY_BAD;
}

static int probe_meter(const struct conf *conf, const char *name)
{
	const struct conf_bus *b;
	const struct conf_meter *m = tally_find_meter(conf, name, &b);

	if (m == NULL)
		return TALLY_BAD;
	if (m->driver != NULL)
		return probe_device(b, m);
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
	if (end == address || *end != '\0' || unit > DRIVER_UNIT_MAX || (unit == 0 && b->transport != CONF_TCP)) {
		fprintf(stderr, "address \"%s\" is not valid; use 1 to %d, or 0 on tcp for a device without one\n",
			address, DRIVER_UNIT_MAX);
		return TALLY_USAGE;
	}
	d = tally_load_model(conf->driver_path, model);
	if (d == NULL)
		return TALLY_BAD;
	m.driver = d;
	m.address = (uint8_t)unit;
	m.response_timeout_ms = b->response_timeout_ms;
	m.retries = b->retries;
	code = probe_device(b, &m);
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
