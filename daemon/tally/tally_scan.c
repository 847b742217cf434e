/* SPDX-License-Identifier: MIT */
/* Find the devices on a bus: one short read to each address, and to those that answer the few reads that identify them.
 * Whatever an address answers counts, a refusal too. The scan has the line to itself, so it reads it directly, without
 * the daemon's worker and its retries. Ctrl-C ends it with what was found so far. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "driver.h"
#include "identify.h"
#include "link.h"
#include "plan.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"
#include "value.h"

enum {
	LAST_ADDRESS = 247,
	SERIAL_TIMEOUT_MS = 400, /* the slowest known device, the D4CR8, answers within 300 ms */
	IDENTITY_TRIES = 2,
	SETTINGS_MAX = 12,
	REQUEST_CHARS = 8,
	SILENT_CHARS = 7, /* t3.5 before the request and after it */
};

/* Of the command line; what it leaves open is as on the bus. */
struct scan_options {
	unsigned from, to;
	uint32_t timeout_ms;
	unsigned n_bauds, n_parities;
	uint32_t bauds[SETTINGS_MAX];
	enum conf_parity parities[SETTINGS_MAX];
	bool as_sections;
};

/* A device that is not in the configuration. */
struct found {
	struct identity id;
	uint32_t baud;
	enum conf_parity parity;
};

struct scan {
	const struct conf_bus *bus; /* of the configuration */
	struct conf_bus line;	    /* the same with the speed and parity that are tried now */
	struct scan_options options;
	struct link *link;
	struct driver **drivers; /* every model that is known; tally models reports those with errors */
	size_t n_drivers;
	uint8_t function; /* of the short read that an address gets */
	uint16_t address, n_words;
	uint8_t unit;	  /* the address that is read now */
	uint32_t wait_ms; /* the longest for an answer */
	bool shows_progress;
	bool has_progress; /* the progress line is on the screen */
	bool heard_late, heard_echo;
	int64_t n_read, n_to_read;
	unsigned n_answered, n_garbled;
	bool answered[256]; /* by address, at any speed */
	bool garbled[256];
	struct found *found[256];
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void clear_progress(struct scan *s)
{
	if (s->has_progress)
		fprintf(stderr, "\r\033[K");
	s->has_progress = false;
}

/* Print in place of the progress line; to standard error where standard output is for sections. */
__attribute__((format(printf, 2, 3))) static void print_text(struct scan *s, const char *fmt, ...)
{
	va_list args;

	clear_progress(s);
	va_start(args, fmt);
	vfprintf(s->options.as_sections ? stderr : stdout, fmt, args);
	va_end(args);
	fflush(stdout);
}

static bool sweeps_settings(const struct scan *s)
{
	return s->options.n_bauds * s->options.n_parities > 1;
}

/* The longest that one read can take on the line as it is set now. */
static int64_t read_ms(const struct scan *s)
{
	int64_t chars_us = 0;

	if (s->line.transport != CONF_TCP && s->line.baud != 0)
		chars_us =
			(int64_t)(REQUEST_CHARS + SILENT_CHARS) * conf_bits_per_char(&s->line) * 1000000 / s->line.baud;
	return s->wait_ms + chars_us / 1000;
}

static const char *parity_text(enum conf_parity p)
{
	return p == CONF_NONE ? "none" : p == CONF_EVEN ? "even" : "odd";
}

static bool is_line_open(struct scan *s)
{
	return link_is_open(s->link) || link_open(s->link) == 0;
}

/* One short read: of the meter's own first row where the address is configured, for not every meter has the register
 * that most have. */
static struct link_reply read_unit(struct scan *s, const struct conf_meter *m, uint16_t *words)
{
	const struct driver *d = m != NULL ? m->driver : NULL;
	struct plan_request r;

	if (!is_line_open(s))
		return (struct link_reply){.status = LINK_CLOSED};
	if (d == NULL)
		r = (struct plan_request){.function = s->function, .address = s->address, .n_words = s->n_words};
	else
		r = (struct plan_request){
			.function = d->rows[0].function, .address = d->rows[0].address, .n_words = d->rows[0].n_words};
	return link_read(s->link, s->unit, &r, s->wait_ms, words);
}

/* For identify(). The device has answered, so what gets no answer is asked again. */
static int read_words(void *context, uint8_t function, uint16_t address, uint16_t n_words, uint16_t *words)
{
	const struct plan_request r = {.function = function, .address = address, .n_words = n_words};
	struct scan *s = context;
	struct link_reply reply = {.status = LINK_CLOSED};

	for (unsigned i = 0; i < IDENTITY_TRIES && !link_is_final(&reply); i++) {
		if (interrupted || !is_line_open(s))
			return -1;
		reply = link_read(s->link, s->unit, &r, s->wait_ms, words);
	}
	return reply.status == LINK_OK ? 0 : -1;
}

/* "Countis E43, serial 000012345678, firmware 104" */
static void print_identity(struct scan *s, const struct identity *id)
{
	const char *comma = "";

	if (id->name[0] != '\0') {
		print_text(s, "%s", id->name);
		comma = ", ";
	} else if (id->maker[0] != '\0') {
		print_text(s, "maker %s", id->maker);
		comma = ", ";
	}
	if (id->product[0] != '\0' && id->name[0] == '\0') {
		print_text(s, "%sproduct %s", comma, id->product);
		comma = ", ";
	}
	if (id->serial[0] != '\0') {
		print_text(s, "%sserial %s", comma, id->serial);
		comma = ", ";
	}
	if (id->firmware[0] != '\0') {
		print_text(s, "%sfirmware %s", comma, id->firmware);
		comma = ", ";
	}
	if (*comma == '\0')
		print_text(s, "does not identify itself");
}

/* "diris-a30 or diris-a40" */
static void print_fits(struct scan *s, const struct identity *id)
{
	for (size_t i = 0; i < id->n_fits; i++)
		print_text(s, "%s%s", i == 0 ? "" : " or ", id->fits[i]->name);
}

/* Print a configured meter at the address, and whether the device is another model. */
static void print_meter(struct scan *s, const struct conf_meter *m, const struct identity *id)
{
	size_t i = 0;

	while (i < id->n_fits && strcmp(id->fits[i]->name, m->model) != 0)
		i++;
	if (id->n_fits == 0 || i < id->n_fits) {
		print_text(s, "     meter %s, %s\n", m->name, m->model);
		return;
	}
	print_text(s, "     meter %s, but it is a ", m->name);
	print_fits(s, id);
	print_text(s, ", not a %s\n", m->model);
}

/* Identify the device that answered, print what it is, and keep it when it is not configured. m: the configured meter,
 * or NULL. */
static void report_device(struct scan *s, const struct conf_meter *m, const struct link_reply *reply)
{
	struct found **f = &s->found[s->unit];
	struct identity id;

	if (identify(s->drivers, s->n_drivers, read_words, s, &id) != 0) {
		print_text(s, "%3u  answers; out of memory\n", s->unit);
		return;
	}
	print_text(s, "%3u  ", s->unit);
	print_identity(s, &id);
	if (reply->status == LINK_EXCEPTION && id.maker[0] == '\0')
		print_text(s, " (%s)", link_exception_text(reply->exception));
	print_text(s, "\n");
	for (size_t i = 0; i < s->bus->n_meters; i++)
		if (s->bus->meters[i].address == s->unit)
			print_meter(s, &s->bus->meters[i], &id);
	if (m == NULL) {
		print_text(s, "     not in the configuration%s", id.n_fits > 0 ? ": model = " : "");
		print_fits(s, &id);
		print_text(s, "\n");
		if (*f == NULL)
			*f = malloc(sizeof(**f));
		if (*f != NULL)
			**f = (struct found){id, s->line.baud, s->line.parity};
	}
}

/* Read one address, and report what answers. Returns false when the line is lost. */
static bool scan_address(struct scan *s)
{
	const struct conf_meter *m = NULL;
	uint16_t words[DRIVER_WORDS_MAX];
	char left[TALLY_SPAN_TEXT_MAX];
	struct link_reply r;

	for (size_t i = 0; i < s->bus->n_meters && m == NULL; i++)
		if (s->bus->meters[i].address == s->unit)
			m = &s->bus->meters[i];
	if (s->shows_progress) {
		tally_format_span((s->n_to_read - s->n_read) * read_ms(s), left);
		/* Short enough for the narrowest terminal: a line that wraps could not be cleared. */
		fprintf(stderr, "\r\033[Kaddress %u, %u found, %s left", s->unit, s->n_answered, left);
		fflush(stderr);
		s->has_progress = true;
	}
	r = read_unit(s, m, words);
	/* A meter that should be there gets a second chance on a noisy line. */
	if (m != NULL && r.status != LINK_OK && r.status != LINK_EXCEPTION && !interrupted)
		r = read_unit(s, m, words);
	s->n_read++;
	s->heard_late |= r.status == LINK_WRONG_UNIT || r.refused == LINK_WRONG_UNIT;
	s->heard_echo |= r.refused == LINK_ECHO;
	switch (r.status) {
	case LINK_EXCEPTION:
		/* A gateway answers so when nothing answers behind it. */
		if (r.exception == 10 || r.exception == 11)
			break;
		/* fall through */
	case LINK_OK:
		s->n_answered++;
		s->answered[s->unit] = true;
		report_device(s, m, &r);
		break;
	case LINK_CRC:
	case LINK_WRONG_LENGTH:
	case LINK_WRONG_FUNCTION:
		s->n_garbled++;
		s->garbled[s->unit] = true;
		print_text(s, "%3u  garbled answer (%s): wrong speed or parity, or two meters with this address%s%s\n",
			   s->unit, link_status_text(r.status), m != NULL ? "; meter " : "", m != NULL ? m->name : "");
		break;
	case LINK_CLOSED:
		return is_line_open(s);
	default:
		break;
	}
	return true;
}

static void report_no_line(struct scan *s)
{
	clear_progress(s);
	fprintf(stderr, "bus %s: %s\n", s->bus->name, link_error(s->link));
}

/* All addresses at one speed and parity. Returns false when the line cannot be used. */
static bool scan_line(struct scan *s)
{
	bool is_good = false;

	s->link = link_new(&s->line);
	if (s->link == NULL) {
		fprintf(stderr, "tally scan: out of memory\n");
		return false;
	}
	if (link_open(s->link) != 0) {
		report_no_line(s);
		goto out;
	}
	if (sweeps_settings(s))
		print_text(s, "%u baud, parity %s\n", s->line.baud, parity_text(s->line.parity));
	for (unsigned unit = s->options.from; unit <= s->options.to && !interrupted; unit++) {
		s->unit = (uint8_t)unit;
		if (!scan_address(s)) {
			report_no_line(s);
			goto out;
		}
	}
	is_good = true;
out:
	clear_progress(s);
	link_free(s->link);
	s->link = NULL;
	return is_good;
}

/* Print how much will be read, and how long that takes at most. */
static void print_plan(struct scan *s)
{
	const struct scan_options *o = &s->options;
	char each[TALLY_SPAN_TEXT_MAX], all[TALLY_SPAN_TEXT_MAX];
	int64_t total_ms = 0, n_addresses = o->to - o->from + 1;

	for (unsigned b = 0; b < o->n_bauds; b++) {
		s->line.baud = o->bauds[b];
		total_ms += o->n_parities * n_addresses * read_ms(s);
	}
	s->n_to_read = n_addresses * o->n_bauds * o->n_parities;
	tally_format_span(s->wait_ms, each);
	tally_format_span(total_ms, all);
	if (s->bus->transport == CONF_RTU)
		print_text(s, "bus %s: %s, ", s->bus->name, s->bus->device);
	else
		print_text(s, "bus %s: %s port %u, ", s->bus->name, s->bus->host, s->bus->port);
	if (s->bus->transport == CONF_RTU && !sweeps_settings(s))
		print_text(s, "%u baud, parity %s, ", o->bauds[0], parity_text(o->parities[0]));
	print_text(s, "addresses %u to %u\n%" PRId64 " reads of at most %s each: at most %s\n", o->from, o->to,
		   s->n_to_read, each, all);
}

/* For devices that do not identify themselves, the models of that kind. */
static void print_unidentified(struct scan *s)
{
	unsigned n = 0, first = 0;

	for (unsigned unit = s->options.to; unit >= s->options.from; unit--)
		if (s->found[unit] != NULL && s->found[unit]->id.n_fits == 0) {
			n++;
			first = unit;
		}
	if (n == 0)
		return;
	print_text(s, "%u without identification; see the type plate for one of", n);
	for (size_t i = 0; i < s->n_drivers; i++)
		if (!identify_can_recognise(s->drivers[i]))
			print_text(s, " %s", s->drivers[i]->name);
	print_text(s, "\nthen compare with the display: tally probe %s %u MODEL\n", s->bus->name, first);
}

/* One section for the bus's file. A model that the device does not report is left open. */
static void print_section(const struct conf_bus *b, unsigned unit, const struct found *f)
{
	printf("\n[meter %s-%u]\nmodel   = ", b->name, unit);
	if (f->id.n_fits == 0)
		printf("; see its plate");
	for (size_t i = 0; i < f->id.n_fits; i++)
		printf("%s%s", i > 0 ? " or " : f->id.n_fits > 1 ? "; " : "", f->id.fits[i]->name);
	printf("\naddress = %u\n", unit);
	if (f->id.n_fits == 1 && f->id.model->n_loads > 1)
		printf("load    = 1\n; a section for each load that is used, 1 to %u\n", f->id.model->n_loads);
	if (f->id.serial[0] != '\0')
		printf("; serial %s\n", f->id.serial);
	if (f->baud != b->baud || f->parity != b->parity)
		printf("; answers at %u baud, parity %s\n", f->baud, parity_text(f->parity));
}

/* No address answers: print the usual causes, in the order in which they are looked at. */
static void print_hints(const struct scan *s)
{
	const struct conf_bus *b = s->bus;

	fprintf(stderr, "nothing answered. Check, in this order:\n- that the meters have power\n");
	if (b->transport == CONF_RTU) {
		fprintf(stderr, "- that %s is the port with the meters (ls -l /dev/serial/by-id lists adapters)\n",
			b->device);
		fprintf(stderr, "- that A and B are not swapped, and that there are terminations at both ends only\n");
		if (s->options.n_bauds == 1 || s->options.n_parities == 1)
			fprintf(stderr, "- speed and parity: tally scan %s --bauds all --parities all\n", b->name);
	} else {
		fprintf(stderr,
			"- that port %u of the gateway leads to this line, and that transport = %s is what it "
			"speaks there\n",
			b->port, conf_transport_text(b->transport));
		fprintf(stderr, "- that A and B behind it are not swapped, and that it has the speed and parity of the "
				"meters\n");
	}
}

static void print_result(struct scan *s)
{
	const struct scan_options *o = &s->options;
	unsigned last = interrupted && !sweeps_settings(s) ? s->unit : o->to;

	if (interrupted)
		print_text(s, "stopped at address %u\n", s->unit);
	for (size_t i = 0; i < s->bus->n_meters; i++) {
		const struct conf_meter *m = &s->bus->meters[i];

		if (m->address >= o->from && m->address <= last && !s->answered[m->address] && !s->garbled[m->address])
			print_text(s, "%3u  no answer: meter %s, %s\n", m->address, m->name, m->model);
	}
	print_text(s, "%u answered", s->n_answered);
	if (s->n_garbled > 0)
		print_text(s, ", %u garbled", s->n_garbled);
	print_text(s, "\n");
	print_unidentified(s);
	for (unsigned unit = o->from; o->as_sections && unit <= o->to; unit++)
		if (s->found[unit] != NULL)
			print_section(s->bus, unit, s->found[unit]);
	if (s->heard_late)
		fprintf(stderr, "late answers, perhaps from addresses listed as silent; try a longer --timeout\n");
	if (s->heard_echo)
		fprintf(stderr, "the line returns each request as an echo, which does no harm; it is no answer\n");
	if (s->n_answered == 0 && !interrupted)
		print_hints(s);
}

static bool add_baud(const struct tally *t, struct scan_options *o, const char *text)
{
	int64_t baud;

	if (o->n_bauds == SETTINGS_MAX) {
		tally_misused(t, "too many speeds in --bauds, at most %d are possible", SETTINGS_MAX);
		return false;
	}
	if (!tally_read_whole(t, "--bauds", text, 1200, 460800, &baud))
		return false;
	o->bauds[o->n_bauds++] = (uint32_t)baud;
	return true;
}

static bool add_parity(const struct tally *t, struct scan_options *o, const char *text)
{
	static const enum conf_parity all[] = {CONF_NONE, CONF_EVEN, CONF_ODD};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && o->n_parities < SETTINGS_MAX; i++) {
		if (strcmp(text, parity_text(all[i])) == 0) {
			o->parities[o->n_parities++] = all[i];
			return true;
		}
	}
	tally_misused(t, "--parities %s is not valid; use none, even, odd with commas between them, or all", text);
	return false;
}

/* Add each part of a list; "all" means the list all. */
static bool add_list(const struct tally *t, struct scan_options *o, const char *text, const char *all,
		     bool (*add)(const struct tally *t, struct scan_options *o, const char *text))
{
	char copy[128], *rest = copy, *part;

	if (strcmp(text, "all") == 0)
		text = all;
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy)) {
		tally_misused(t, "list \"%s\" is too long", text);
		return false;
	}
	while ((part = strsep(&rest, ",")) != NULL)
		if (!add(t, o, part))
			return false;
	return true;
}

static bool read_options(const struct tally *t, struct scan_options *o)
{
	static const struct option options[] = {{"from", required_argument, NULL, 'f'},
						{"to", required_argument, NULL, 't'},
						{"bauds", required_argument, NULL, 'b'},
						{"parities", required_argument, NULL, 'p'},
						{"timeout", required_argument, NULL, 'w'},
						{"sections", no_argument, NULL, 's'},
						{0}};
	int64_t from = 1, to = LAST_ADDRESS, timeout_ms = 0;
	bool good = true;
	int c;

	*o = (struct scan_options){0};
	while (good && (c = tally_option(t, options)) != -1) {
		switch (c) {
		case 'f':
			good = tally_read_whole(t, "--from", optarg, 1, DRIVER_UNIT_MAX, &from);
			break;
		case 't':
			good = tally_read_whole(t, "--to", optarg, 1, DRIVER_UNIT_MAX, &to);
			break;
		case 'b':
			good = add_list(t, o, optarg, "9600,19200,38400,4800", add_baud);
			break;
		case 'p':
			good = add_list(t, o, optarg, "none,even,odd", add_parity);
			break;
		case 'w':
			if (value_duration(optarg, &timeout_ms) != VALUE_OK || timeout_ms < 10 || timeout_ms > 60000) {
				tally_misused(t, "--timeout %s is not valid; use 10ms to 60s", optarg);
				return false;
			}
			break;
		case 's':
			o->as_sections = true;
			break;
		default:
			good = false;
		}
	}
	if (!good)
		return false;
	o->from = (unsigned)from;
	o->to = (unsigned)to;
	o->timeout_ms = (uint32_t)timeout_ms;
	if (o->from > o->to) {
		tally_misused(t, "--from %u is above --to %u", o->from, o->to);
		return false;
	}
	if (t->argc - optind != 1) {
		tally_misused(t, "expected one BUS");
		return false;
	}
	return true;
}

static int scan_bus(struct scan *s, const struct tally *t, const struct conf *conf)
{
	struct sigaction act = {.sa_handler = on_interrupt};
	struct scan_options *o = &s->options;
	const struct driver_row *row;
	bool is_good = true;

	s->bus = tally_find_bus(conf, t->argv[optind]);
	if (s->bus == NULL)
		return TALLY_BAD;
	if (s->bus->transport != CONF_RTU && (o->n_bauds > 0 || o->n_parities > 0))
		return tally_misused(t,
				     "bus %s is behind a gateway, which sets speed and parity; leave out --bauds "
				     "and --parities",
				     s->bus->name);
	if (o->n_bauds == 0)
		o->bauds[o->n_bauds++] = s->bus->baud;
	if (o->n_parities == 0)
		o->parities[o->n_parities++] = s->bus->parity;
	if (o->timeout_ms == 0)
		o->timeout_ms = s->bus->transport == CONF_RTU ? SERIAL_TIMEOUT_MS : s->bus->response_timeout_ms;
	/* A gateway may still wait for a silent address when the next one is asked. It ends that with exception 11, or
	 * after a time that is rarely more than twice what an answer takes. */
	s->wait_ms = s->bus->transport == CONF_TCP ? 2 * o->timeout_ms : o->timeout_ms;
	s->line = *s->bus;
	s->drivers = driver_load_all(conf->driver_path, &s->n_drivers);
	if (s->drivers == NULL) {
		fprintf(stderr, "tally scan: out of memory\n");
		return TALLY_BAD;
	}
	row = identify_first_row(s->drivers, s->n_drivers, &s->function);
	if (row != NULL) {
		s->address = row->address;
		s->n_words = row->n_words;
	} else {
		s->function = 3;
		s->n_words = 1;
	}
	s->shows_progress = tally_terminal_width(stderr) > 0;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	print_plan(s);
	for (unsigned p = 0; p < o->n_parities && is_good && !interrupted; p++) {
		for (unsigned b = 0; b < o->n_bauds && is_good && !interrupted; b++) {
			s->line.baud = o->bauds[b];
			s->line.parity = o->parities[p];
			is_good = scan_line(s);
		}
	}
	if (is_good)
		print_result(s);
	return is_good && s->n_answered > 0 ? TALLY_GOOD : TALLY_BAD;
}

int tally_scan(const struct tally *t)
{
	struct scan s = {0};
	struct conf *conf;
	int code;

	if (!read_options(t, &s.options))
		return TALLY_USAGE;
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = scan_bus(&s, t, conf);
	driver_free_all(s.drivers, s.n_drivers);
	for (size_t i = 0; i < sizeof(s.found) / sizeof(s.found[0]); i++)
		free(s.found[i]);
	conf_free(conf);
	return code;
}
