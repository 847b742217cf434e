/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "conf_load.h"
#include "driver.h"
#include "nearest.h"
#include "reader.h"
#include "value.h"
#include "when.h"

enum { LISTED_MAX = 12, OPTIONS_MAX = 24 };

/* Warnings are for tally check: with every other command they would only stand in the way of what it says. */
static void print_errors(const struct err *e)
{
	for (size_t i = 0; i < e->n_items; i++)
		if (!e->items[i].warning)
			fprintf(stderr, "%s\n", e->items[i].text);
}

struct conf *tally_load_main(const struct tally *t)
{
	struct err e = {0};
	struct conf *conf = conf_load_main(t->dir, &e);

	print_errors(&e);
	err_fini(&e);
	return conf;
}

struct conf *tally_load_conf(const struct tally *t)
{
	struct err e = {0};
	struct conf *conf = conf_load(t->dir, &e);

	print_errors(&e);
	err_fini(&e);
	return conf;
}

struct reader *tally_open_database(const struct conf *conf)
{
	struct err e = {0};
	struct reader *r = reader_open(conf->store_path, &e);

	err_print(&e, stderr);
	err_fini(&e);
	return r;
}

/* Names of all that rows can be of, the nearest to a mistyped one kept. */
bool tally_is_known(struct reader *r, const char *name)
{
	static const char sql[] = "SELECT name FROM subject";
	char nearest[CONF_NAME_MAX + 1] = "";
	size_t best = nearest_far_from(name), distance;
	enum reader_step step;

	reader_ask(r, sql);
	while ((step = reader_next(r)) == READER_ROW) {
		const char *known = reader_text(r, 0);

		distance = nearest_distance(name, known);
		if (distance == 0)
			return true;
		if (distance < best) {
			best = distance;
			snprintf(nearest, sizeof(nearest), "%s", known);
		}
	}
	if (step == READER_FAILED)
		fprintf(stderr, "%s\n", reader_error(r));
	else
		fprintf(stderr, "\"%s\" is not in the database%s%s%s\n", name, *nearest != '\0' ? "; \"" : "", nearest,
			*nearest != '\0' ? "\"?" : "");
	return false;
}

const char *tally_nearest(const char *name, const char *const *names, size_t n)
{
	return nearest_of(name, names, n);
}

static void tell_unknown(const struct conf *conf, const char *kind, const char *name, const char *const *names,
			 size_t n)
{
	const char *near = tally_nearest(name, names, n);

	fprintf(stderr, "\"%s\" is no %s of %s", name, kind, conf->dir);
	if (near != NULL)
		fprintf(stderr, "; \"%s\"?", near);
	if (near == NULL && n <= LISTED_MAX)
		fprintf(stderr, "; there %s", n == 1 ? "is" : "are");
	for (size_t i = 0; near == NULL && n <= LISTED_MAX && i < n; i++)
		fprintf(stderr, "%s %s", i == 0 ? ":" : ",", names[i]);
	fprintf(stderr, "\n");
}

const struct conf_bus *tally_find_bus(const struct conf *conf, const char *name)
{
	const char **names;

	for (size_t i = 0; i < conf->n_buses; i++)
		if (strcmp(conf->buses[i].name, name) == 0)
			return &conf->buses[i];
	names = calloc(conf->n_buses, sizeof(*names));
	for (size_t i = 0; names != NULL && i < conf->n_buses; i++)
		names[i] = conf->buses[i].name;
	tell_unknown(conf, "bus", name, names, names != NULL ? conf->n_buses : 0);
	free(names);
	return NULL;
}

/* Names of all meters and, when wanted, inputs; *n_names of them. NULL = no memory. */
static const char **list_names(const struct conf *conf, bool with_inputs, size_t *n_names)
{
	size_t n = 0;
	const char **names;

	for (size_t i = 0; i < conf->n_buses; i++)
		n += conf->buses[i].n_meters + conf->buses[i].n_inputs;
	names = calloc(n + 1, sizeof(*names));
	*n_names = 0;
	for (size_t i = 0; names != NULL && i < conf->n_buses; i++) {
		for (size_t k = 0; k < conf->buses[i].n_meters; k++)
			names[(*n_names)++] = conf->buses[i].meters[k].name;
		for (size_t k = 0; with_inputs && k < conf->buses[i].n_inputs; k++)
			names[(*n_names)++] = conf->buses[i].inputs[k].name;
	}
	return names;
}

static void tell_no_meter(const struct conf *conf, const char *kind, const char *name, bool with_inputs)
{
	size_t n;
	const char **names = list_names(conf, with_inputs, &n);

	tell_unknown(conf, kind, name, names, n);
	free(names);
}

static const struct conf_meter *find_meter(const struct conf *conf, const char *name, const struct conf_bus **bus)
{
	for (size_t i = 0; i < conf->n_buses; i++) {
		*bus = &conf->buses[i];
		for (size_t k = 0; k < (*bus)->n_meters; k++)
			if (strcmp((*bus)->meters[k].name, name) == 0)
				return &(*bus)->meters[k];
	}
	return NULL;
}

static const struct conf_input *find_input(const struct conf *conf, const char *name, const struct conf_bus **bus)
{
	for (size_t i = 0; i < conf->n_buses; i++) {
		*bus = &conf->buses[i];
		for (size_t k = 0; k < (*bus)->n_inputs; k++)
			if (strcmp((*bus)->inputs[k].name, name) == 0)
				return &(*bus)->inputs[k];
	}
	return NULL;
}

const struct conf_meter *tally_find_meter(const struct conf *conf, const char *name, const struct conf_bus **bus)
{
	const struct conf_meter *m = find_meter(conf, name, bus);
	const struct conf_input *input = m == NULL ? find_input(conf, name, bus) : NULL;

	if (input != NULL)
		fprintf(stderr, "\"%s\" is an input of %s; name that\n", name,
			(*bus)->meters[input->concentrator].name);
	else if (m == NULL)
		tell_no_meter(conf, "meter", name, false);
	return m;
}

bool tally_find_counter(const struct conf *conf, const char *name, const struct conf_meter **meter,
			const struct conf_input **input)
{
	const struct conf_bus *b;

	*meter = find_meter(conf, name, &b);
	*input = *meter == NULL ? find_input(conf, name, &b) : NULL;
	if (*meter == NULL && *input == NULL)
		tell_no_meter(conf, "meter or input", name, true);
	return *meter != NULL || *input != NULL;
}

static void tell_no_model(const char *path, const char *name)
{
	char **names = driver_list(path);
	const char *near;
	size_t n = 0;

	while (names != NULL && names[n] != NULL)
		n++;
	near = tally_nearest(name, (const char *const *)names, n);
	fprintf(stderr, "model \"%s\": no %s.ini in %s; ", name, name, path);
	if (near != NULL)
		fprintf(stderr, "\"%s\"?\n", near);
	else
		fprintf(stderr, "\"tally models\" lists what there is\n");
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

struct driver *tally_load_model(const char *path, const char *name)
{
	struct err e = {0};
	struct driver *d = NULL;
	char *file = NULL, *shadowed = NULL;

	if (driver_find(path, name, &file, &shadowed) != 0) {
		tell_no_model(path, name);
		return NULL;
	}
	if (shadowed != NULL)
		fprintf(stderr, "warning: %s is used, not %s\n", file, shadowed);
	d = driver_load(file, &e);
	err_print(&e, stderr);
	err_fini(&e);
	free(file);
	free(shadowed);
	return d;
}

void tally_format_span(int64_t ms, char out[TALLY_SPAN_TEXT_MAX])
{
	int64_t s = (ms + 500) / 1000;

	if (ms < 1000)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " ms", ms);
	else if (ms < 9950)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 ".%" PRId64 " s", (ms + 50) / 1000,
			 (ms + 50) % 1000 / 100);
	else if (s < 60)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}

void tally_format_real(double value, char out[TALLY_REAL_TEXT_MAX])
{
	int digits = 15;

	do
		snprintf(out, TALLY_REAL_TEXT_MAX, "%.*g", digits, value);
	while (strtod(out, NULL) != value && ++digits <= 17);
}

static void print_usage(const struct tally *t)
{
	fprintf(stderr, "usage: tally %s%s%s; \"tally %s --help\" says more\n", t->command->name,
		t->command->arguments[0] != '\0' ? " " : "", t->command->arguments, t->command->name);
}

int tally_misused(const struct tally *t, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "tally %s: ", t->command->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	print_usage(t);
	return TALLY_USAGE;
}

/* What getopt_long() refused: an option without its value, one that is none, or a value where none belongs. */
static void tell_option(const struct tally *t, const struct option *options, bool lacks_value)
{
	const char *given = t->argv[optind - 1], *names[OPTIONS_MAX], *near;
	size_t n;

	if (lacks_value) {
		tally_misused(t, "%s: a value is expected after it", given);
		return;
	}
	for (n = 0; options[n].name != NULL && n < OPTIONS_MAX; n++)
		names[n] = options[n].name;
	near = strncmp(given, "--", 2) == 0 ? tally_nearest(given + 2, names, n) : NULL;
	if (near != NULL && strcmp(near, given + 2) != 0)
		tally_misused(t, "\"%s\" is no option; \"--%s\"?", given, near);
	else
		tally_misused(t, "\"%s\" is no option", given);
}

int tally_option(const struct tally *t, const struct option *options)
{
	int c;

	opterr = 0;
	c = getopt_long(t->argc, t->argv, ":", options, NULL);
	if (c == '?' || c == ':')
		tell_option(t, options, c == ':');
	return c == ':' ? '?' : c;
}

bool tally_whole(const struct tally *t, const char *what, const char *text, int64_t min, int64_t max, int64_t *out)
{
	int64_t value;

	if (value_whole(text, &value) != VALUE_OK || value < min || value > max) {
		tally_misused(t, "%s %s: %" PRId64 " to %" PRId64 " allowed", what, text, min, max);
		return false;
	}
	*out = value;
	return true;
}

unsigned tally_terminal_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int64_t n;

	if (!isatty(fileno(out)))
		return 0;
	if (columns != NULL && value_whole(columns, &n) == VALUE_OK && n > 0 && n < 10000)
		return (unsigned)n;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return TALLY_WIDTH_DEFAULT;
}

bool tally_time(const struct tally *t, const char *option, const char *text, int64_t *start_s, int64_t *end_s)
{
	struct when w;

	if (!when_parse(text, &w)) {
		tally_misused(t,
			      "%s %s: no such time; 2026, 2026-11, 2026-11-21, 2026-11-21T08:15 or "
			      "2026-11-21T08:15:00+01:00 allowed",
			      option, text);
		return false;
	}
	if (start_s != NULL)
		*start_s = w.start_s;
	if (end_s != NULL)
		*end_s = w.is_moment ? w.start_s : w.end_s;
	return true;
}

bool tally_delimiter(const struct tally *t, const char *text, char *out)
{
	*out = strcmp(text, "tab") == 0 ? '\t' : *text;
	if (*out == '\t' || (strlen(text) == 1 && strchr(",;|:", *text) != NULL))
		return true;
	tally_misused(t, "--delimiter \"%s\": one of , ; | : or tab allowed", text);
	return false;
}

bool tally_decimal(const struct tally *t, const char *text, char *out)
{
	*out = *text;
	if (strcmp(text, ".") == 0 || strcmp(text, ",") == 0)
		return true;
	tally_misused(t, "--decimal \"%s\": . or , allowed", text);
	return false;
}

int tally_finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "tally: not all of the output could be written: %s\n", strerror(errno));
	return TALLY_BAD;
}

bool tally_has_colours(FILE *out)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(fileno(out)) && (no_color == NULL || *no_color == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}
