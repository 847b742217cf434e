/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "driver.h"
#include "err.h"
#include "identify.h"
#include "link.h"
#include "mono.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"
#include "value.h"

enum {
	LAST_ADDRESS = 247,
	SERIAL_TIMEOUT_MS = 400, /* the slowest known device, the D4CR8, answers within 300 ms */
	SETTINGS_MAX = 12,
	REQUEST_CHARS = 8,
	SILENT_CHARS = 7, /* t3.5 before the request and after it */
};

/* What the command line asks for. */
struct wish {
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
	struct conf_bus line;	    /* the same with the speed and parity tried at the moment */
	struct wish wish;
	struct link *link;
	struct driver **drivers; /* every model that is known */
	size_t n_drivers;
	uint8_t function; /* the short read that each address is asked for */
	uint16_t address, n_words;
	uint8_t unit; /* under way */
	bool shows_progress;
	bool has_line; /* the progress line is on the screen */
	bool heard_late;
	int64_t n_asked, n_to_ask;
	unsigned n_answered, n_garbled;
	bool answered[256]; /* by address, at any speed */
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
	if (s->has_line)
		fprintf(stderr, "\r\033[K");
	s->has_line = false;
}

__attribute__((format(printf, 2, 3))) static void say(struct scan *s, const char *fmt, ...)
{
	va_list args;

	clear_progress(s);
	va_start(args, fmt);
	vfprintf(s->wish.as_sections ? stderr : stdout, fmt, args);
	va_end(args);
	fflush(stdout);
}

static int64_t read_ms(const struct scan *s, const struct conf_bus *line)
{
	int64_t chars_us = 0;

	if (line->transport != CONF_TCP && line->baud != 0)
		chars_us = (int64_t)(REQUEST_CHARS + SILENT_CHARS) * conf_bits_per_char(line) * 1000000 / line->baud;
	return s->wish.timeout_ms + chars_us / 1000;
}

static const char *parity_text(enum conf_parity p)
{
	return p == CONF_NONE ? "none" : p == CONF_EVEN ? "even" : "odd";
}

static void show_progress(struct scan *s)
{
	char left[TALLY_SPAN_TEXT_MAX];

	if (!s->shows_progress)
		return;
	tally_format_span((s->n_to_ask - s->n_asked) * read_ms(s, &s->line), left);
	/* Fits the narrowest terminal. */
	fprintf(stderr, "\r\033[Kaddress %u, %u found, %s left", s->unit, s->n_answered, left);
	fflush(stderr);
	s->has_line = true;
}

static const struct conf_meter *configured_at(const struct conf_bus *b, unsigned address)
{
	for (size_t i = 0; i < b->n_meters; i++)
		if (b->meters[i].address == address)
			return &b->meters[i];
	return NULL;
}

/* A gateway says so when nobody answers behind it. */
static bool is_gateways_silence(const struct link_reply *r)
{
	return r->status == LINK_EXCEPTION && (r->exception == 10 || r->exception == 11);
}

/* One short read: of the meter's own first row where the address is configured, for not every meter owns up to a
 * register that it lacks. */
static struct link_reply ask(struct scan *s, const struct conf_meter *m, uint16_t *words)
{
	const struct driver *d = m != NULL ? m->driver : NULL;

	if (!link_is_open(s->link) && link_open(s->link) != 0)
		return (struct link_reply){.status = LINK_CLOSED};
	if (d == NULL)
		return link_read(s->link, s->unit, s->function, s->address, s->n_words, s->wish.timeout_ms, words);
	return link_read(s->link, s->unit, d->function, d->rows[0].address, d->rows[0].n_words, s->wish.timeout_ms,
			 words);
}

static int read_identity(void *context, uint8_t function, uint16_t address, uint16_t n_words, uint16_t *words)
{
	struct scan *s = context;

	if (interrupted || (!link_is_open(s->link) && link_open(s->link) != 0))
		return -1;
	return link_read(s->link, s->unit, function, address, n_words, s->wish.timeout_ms, words).status == LINK_OK
		       ? 0
		       : -1;
}

/* "Countis E43, serial 000012345678, firmware 104" */
static void print_identity(struct scan *s, const struct identity *id)
{
	const char *comma = "";

	if (id->name[0] != '\0')
		say(s, "%s", id->name), comma = ", ";
	else if (id->maker[0] != '\0')
		say(s, "maker %s", id->maker), comma = ", ";
	if (id->product[0] != '\0' && id->name[0] == '\0')
		say(s, "%sproduct %s", comma, id->product), comma = ", ";
	if (id->serial[0] != '\0')
		say(s, "%sserial %s", comma, id->serial), comma = ", ";
	if (id->firmware[0] != '\0')
		say(s, "%sfirmware %s", comma, id->firmware), comma = ", ";
	if (*comma == '\0')
		say(s, "does not say who it is");
}

static void remember(struct scan *s, const struct identity *id)
{
	struct found **f = &s->found[s->unit];

	if (*f == NULL)
		*f = malloc(sizeof(**f));
	if (*f != NULL)
		**f = (struct found){*id, s->line.baud, s->line.parity};
}

static void tell_device(struct scan *s, const struct conf_meter *m, const struct link_reply *reply)
{
	struct identity id;

	if (identify(s->drivers, s->n_drivers, read_identity, s, &id) != 0) {
		say(s, "%3u  answers; out of memory\n", s->unit);
		return;
	}
	say(s, "%3u  ", s->unit);
	print_identity(s, &id);
	if (reply->status == LINK_EXCEPTION && id.maker[0] == '\0')
		say(s, " (%s)", link_exception_text(reply->exception));
	say(s, "\n");
	if (m == NULL) {
		say(s, "     not in the configuration%s", id.n_fits > 0 ? ": model = " : "");
		for (size_t i = 0; i < id.n_fits; i++)
			say(s, "%s%s", i == 0 ? "" : " or ", id.fits[i]->name);
		say(s, "\n");
		remember(s, &id);
	} else if (id.model != NULL && strcmp(id.model->name, m->model) != 0)
		say(s, "     meter %s, but it is a %s, not a %s\n", m->name, id.model->name, m->model);
	else
		say(s, "     meter %s, %s\n", m->name, m->model);
}

/* Returns false when the line is lost. */
static bool scan_address(struct scan *s)
{
	const struct conf_meter *m = configured_at(s->bus, s->unit);
	uint16_t words[DRIVER_WORDS_MAX];
	struct link_reply r;

	show_progress(s);
	r = ask(s, m, words);
	/* A meter that should be there is given a second chance on a noisy line. */
	if (m != NULL && r.status != LINK_OK && r.status != LINK_EXCEPTION && !interrupted)
		r = ask(s, m, words);
	s->n_asked++;
	s->heard_late |= r.status == LINK_WRONG_UNIT || r.refused == LINK_WRONG_UNIT;
	if (r.status == LINK_CLOSED && !link_is_open(s->link) && link_open(s->link) != 0)
		return false;
	if (r.status == LINK_OK || (r.status == LINK_EXCEPTION && !is_gateways_silence(&r))) {
		s->n_answered++;
		s->answered[s->unit] = true;
		tell_device(s, m, &r);
	} else if (r.status == LINK_CRC || r.status == LINK_WRONG_LENGTH || r.status == LINK_WRONG_FUNCTION) {
		s->n_garbled++;
		say(s, "%3u  garbled (%s): another speed or parity, or two meters with this address\n", s->unit,
		    link_status_text(r.status));
	}
	return true;
}

static int refuse_line(struct scan *s, int error)
{
	clear_progress(s);
	fprintf(stderr, "bus %s: %s%s\n", s->bus->name, link_error(s->link),
		error == -EBUSY ? "; if it is tallyd, stop it while you scan" : "");
	return -1;
}

/* All addresses at one speed and parity. */
static int scan_line(struct scan *s)
{
	int rc = 0;

	s->link = link_new(&s->line);
	if (s->link == NULL) {
		fprintf(stderr, "tally scan: out of memory\n");
		return -1;
	}
	rc = link_open(s->link);
	if (rc != 0) {
		rc = refuse_line(s, rc);
		goto out;
	}
	if (s->wish.n_bauds * s->wish.n_parities > 1)
		say(s, "%u baud, parity %s\n", s->line.baud, parity_text(s->line.parity));
	for (unsigned unit = s->wish.from; unit <= s->wish.to && !interrupted && rc == 0; unit++) {
		s->unit = (uint8_t)unit;
		if (!scan_address(s))
			rc = refuse_line(s, 0);
	}
out:
	clear_progress(s);
	link_free(s->link);
	s->link = NULL;
	return rc;
}

static void tell_plan(struct scan *s)
{
	char each[TALLY_SPAN_TEXT_MAX], all[TALLY_SPAN_TEXT_MAX];
	int64_t total_ms = 0, n_addresses = s->wish.to - s->wish.from + 1;

	for (unsigned b = 0; b < s->wish.n_bauds; b++) {
		s->line.baud = s->wish.bauds[b];
		total_ms += s->wish.n_parities * n_addresses * read_ms(s, &s->line);
	}
	s->n_to_ask = n_addresses * s->wish.n_bauds * s->wish.n_parities;
	tally_format_span(s->wish.timeout_ms, each);
	tally_format_span(total_ms, all);
	if (s->bus->transport == CONF_RTU)
		say(s, "bus %s: %s, ", s->bus->name, s->bus->device);
	else
		say(s, "bus %s: %s port %u, ", s->bus->name, s->bus->host, s->bus->port);
	if (s->bus->transport == CONF_RTU && s->wish.n_bauds * s->wish.n_parities == 1)
		say(s, "%u baud, parity %s, ", s->wish.bauds[0], parity_text(s->wish.parities[0]));
	say(s, "addresses %u to %u\n%" PRId64 " reads of at most %s each: at most %s\n", s->wish.from, s->wish.to,
	    s->n_to_ask, each, all);
}

/* Models that say nothing they could be told by, for those that said nothing. */
static void tell_mute(struct scan *s)
{
	unsigned n = 0, first = 0;

	for (unsigned unit = s->wish.to; unit >= s->wish.from; unit--)
		if (s->found[unit] != NULL && s->found[unit]->id.n_fits == 0) {
			n++;
			first = unit;
		}
	if (n == 0)
		return;
	say(s, "%u can not say what they are; see their plates for one of", n);
	for (size_t i = 0; i < s->n_drivers; i++)
		if (!identify_can_tell(s->drivers[i]))
			say(s, " %s", s->drivers[i]->name);
	say(s, "\nand compare with the display: tally probe %s %u MODEL\n", s->bus->name, first);
}

/* One section for the bus's file. A model that the device does not say is left for people to write. */
static void print_section(const struct conf_bus *b, unsigned unit, const struct found *f)
{
	printf("\n[meter %s-%u]\nmodel   = ", b->name, unit);
	if (f->id.n_fits == 0)
		printf("; see its plate");
	for (size_t i = 0; i < f->id.n_fits; i++)
		printf("%s%s", i > 0 ? " or " : f->id.n_fits > 1 ? "; " : "", f->id.fits[i]->name);
	printf("\naddress = %u\n", unit);
	if (f->id.serial[0] != '\0')
		printf("; serial %s\n", f->id.serial);
	if (f->baud != b->baud || f->parity != b->parity)
		printf("; answers at %u baud, parity %s\n", f->baud, parity_text(f->parity));
}

/* Configured meters among the addresses asked that gave no answer. */
static void tell_silent(struct scan *s)
{
	unsigned last = interrupted && s->wish.n_bauds * s->wish.n_parities == 1 ? s->unit : s->wish.to;

	for (size_t i = 0; i < s->bus->n_meters; i++) {
		const struct conf_meter *m = &s->bus->meters[i];

		if (m->address >= s->wish.from && m->address <= last && !s->answered[m->address])
			say(s, "%3u  no answer: meter %s, %s\n", m->address, m->name, m->model);
	}
}

static void tell_result(struct scan *s)
{
	if (interrupted)
		say(s, "stopped at address %u\n", s->unit);
	tell_silent(s);
	say(s, "%u answered", s->n_answered);
	if (s->n_garbled > 0)
		say(s, ", %u garbled", s->n_garbled);
	say(s, "\n");
	tell_mute(s);
	for (unsigned unit = s->wish.from; s->wish.as_sections && unit <= s->wish.to; unit++)
		if (s->found[unit] != NULL)
			print_section(s->bus, unit, s->found[unit]);
	if (s->heard_late)
		fprintf(stderr,
			"answers came late, perhaps of addresses passed over: try again with a longer --timeout\n");
	if (s->n_answered == 0 && s->bus->transport == CONF_RTU && s->wish.n_bauds == 1 && !interrupted)
		fprintf(stderr, "nothing answered: A and B swapped, no termination, another speed (--bauds all) or "
				"parity (--parities all)?\n");
}

static int scan_all(struct scan *s)
{
	struct sigaction act = {.sa_handler = on_interrupt};
	int rc = 0;

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	tell_plan(s);
	for (unsigned p = 0; p < s->wish.n_parities && rc == 0 && !interrupted; p++) {
		for (unsigned b = 0; b < s->wish.n_bauds && rc == 0 && !interrupted; b++) {
			s->line.baud = s->wish.bauds[b];
			s->line.parity = s->wish.parities[p];
			rc = scan_line(s);
		}
	}
	if (rc == 0)
		tell_result(s);
	return rc == 0 && s->n_answered > 0 ? TALLY_GOOD : TALLY_BAD;
}

/* Every model's table; those with errors are left out, "tally models" tells of them. */
static int load_drivers(struct scan *s, const char *path)
{
	char **names = driver_list(path);
	size_t n = 0;

	while (names != NULL && names[n] != NULL)
		n++;
	s->drivers = names != NULL ? calloc(n + 1, sizeof(struct driver *)) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct err e = {0};
		char *file = NULL, *shadowed = NULL;

		if (s->drivers != NULL && driver_find(path, names[i], &file, &shadowed) == 0)
			s->drivers[s->n_drivers] = driver_load(file, &e);
		s->n_drivers += s->drivers != NULL && s->drivers[s->n_drivers] != NULL;
		err_fini(&e);
		free(file);
		free(shadowed);
		free(names[i]);
	}
	free(names);
	return s->drivers != NULL ? 0 : -ENOMEM;
}

static void choose_read(struct scan *s)
{
	const struct driver_row *row = identify_first_row(s->drivers, s->n_drivers, &s->function);

	if (row != NULL) {
		s->address = row->address;
		s->n_words = row->n_words;
	} else {
		s->function = 3;
		s->n_words = 1;
	}
}

static bool add_baud(const struct tally *t, struct wish *w, const char *text)
{
	int64_t baud;

	if (w->n_bauds == SETTINGS_MAX)
		return tally_misused(t, "--bauds: at most %d speeds allowed", SETTINGS_MAX), false;
	if (!tally_read_whole(t, "--bauds", text, 1200, 460800, &baud))
		return false;
	w->bauds[w->n_bauds++] = (uint32_t)baud;
	return true;
}

static bool add_parity(const struct tally *t, struct wish *w, const char *text)
{
	static const enum conf_parity all[] = {CONF_NONE, CONF_EVEN, CONF_ODD};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && w->n_parities < SETTINGS_MAX; i++) {
		if (strcmp(text, parity_text(all[i])) == 0) {
			w->parities[w->n_parities++] = all[i];
			return true;
		}
	}
	tally_misused(t, "--parities %s: none, even, odd, with commas between them, or all allowed", text);
	return false;
}

/* Take the parts of a list apart; "all" stands for the list given. */
static bool add_list(const struct tally *t, struct wish *w, const char *text, const char *all,
		     bool (*add)(const struct tally *t, struct wish *w, const char *text))
{
	char copy[128], *rest = copy, *part;

	if (strcmp(text, "all") == 0)
		text = all;
	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy)) {
		tally_misused(t, "\"%s\": a shorter list allowed", text);
		return false;
	}
	while ((part = strsep(&rest, ",")) != NULL)
		if (!add(t, w, part))
			return false;
	return true;
}

static bool set_timeout(const struct tally *t, struct wish *w, const char *text)
{
	int64_t ms;

	if (value_duration(text, &ms) != VALUE_OK || ms < 10 || ms > 60000) {
		tally_misused(t, "--timeout %s: 10ms to 60s allowed", text);
		return false;
	}
	w->timeout_ms = (uint32_t)ms;
	return true;
}

static bool read_options(const struct tally *t, struct wish *w)
{
	static const struct option options[] = {{"from", required_argument, NULL, 'f'},
						{"to", required_argument, NULL, 't'},
						{"bauds", required_argument, NULL, 'b'},
						{"parities", required_argument, NULL, 'p'},
						{"timeout", required_argument, NULL, 'w'},
						{"sections", no_argument, NULL, 's'},
						{0}};
	int64_t n = 0;
	bool good = true;
	int c;

	*w = (struct wish){.from = 1, .to = LAST_ADDRESS};
	while (good && (c = tally_option(t, options)) != -1) {
		if (c == 'f') {
			good = tally_read_whole(t, "--from", optarg, 1, DRIVER_UNIT_MAX, &n);
			w->from = (unsigned)n;
		} else if (c == 't') {
			good = tally_read_whole(t, "--to", optarg, 1, DRIVER_UNIT_MAX, &n);
			w->to = (unsigned)n;
		} else if (c == 'b') {
			good = add_list(t, w, optarg, "9600,19200,38400,4800", add_baud);
		} else if (c == 'p') {
			good = add_list(t, w, optarg, "none,even,odd", add_parity);
		} else if (c == 's') {
			w->as_sections = true;
		} else {
			good = c == 'w' && set_timeout(t, w, optarg);
		}
	}
	if (good && w->from > w->to) {
		tally_misused(t, "--from %u --to %u: nothing between them", w->from, w->to);
		good = false;
	}
	if (good && t->argc - optind != 1) {
		tally_misused(t, "one BUS expected");
		good = false;
	}
	return good;
}

/* What was not asked for is as on the bus. */
static bool complete_wish(const struct tally *t, struct wish *w, const struct conf_bus *b)
{
	if (b->transport != CONF_RTU && (w->n_bauds > 0 || w->n_parities > 0)) {
		tally_misused(t,
			      "bus %s is behind a gateway, which sets the line's speed and parity: only with "
			      "transport = rtu can they be tried",
			      b->name);
		return false;
	}
	if (w->n_bauds == 0)
		w->bauds[w->n_bauds++] = b->baud;
	if (w->n_parities == 0)
		w->parities[w->n_parities++] = b->parity;
	if (w->timeout_ms == 0)
		w->timeout_ms = b->transport == CONF_RTU ? SERIAL_TIMEOUT_MS : b->response_timeout_ms;
	return true;
}

static int scan_bus(const struct tally *t, const struct conf *conf, struct scan *s)
{
	s->bus = tally_find_bus(conf, t->argv[optind]);
	if (s->bus == NULL)
		return TALLY_BAD;
	if (!complete_wish(t, &s->wish, s->bus))
		return TALLY_USAGE;
	s->line = *s->bus;
	if (load_drivers(s, conf->driver_path) != 0) {
		fprintf(stderr, "tally scan: out of memory\n");
		return TALLY_BAD;
	}
	choose_read(s);
	s->shows_progress = tally_terminal_width(stderr) > 0;
	return scan_all(s);
}

int tally_scan(const struct tally *t)
{
	struct scan s = {0};
	struct conf *conf;
	int code;

	if (!read_options(t, &s.wish))
		return TALLY_USAGE;
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = scan_bus(t, conf, &s);
	for (size_t i = 0; i < s.n_drivers; i++)
		driver_free(s.drivers[i]);
	free(s.drivers);
	for (size_t i = 0; i < sizeof(s.found) / sizeof(s.found[0]); i++)
		free(s.found[i]);
	conf_free(conf);
	return code;
}
