/* SPDX-License-Identifier: MIT */
/* A meter was replaced, or was not: request that the daemon acts on it. */
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "conf.h"
#include "driver.h"
#include "mono.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_request.h"

enum { AMOUNT_MAX = 64, WHAT_MAX = 300 };

struct replacement {
	const struct tally *t;
	const char *name;
	const char *at_text, *final_text, *initial_text; /* as written, NULL = not given */
	bool is_forced, is_undo;
};

/* "81234.5 kWh", or "81234.5" in the unit that the counter is shown in. */
static bool read_amount(const struct replacement *x, const struct conf_input *input, const char *option,
			const char *text, int64_t *out)
{
	enum quantity q = input != NULL ? input->quantity : Q_ACTIVE_ENERGY_IMPORT;
	const struct names_unit *shown = input != NULL ? input->shown : names_shown(q);
	char amount[AMOUNT_MAX];
	bool has_unit = text[strspn(text, "0123456789. ")] != '\0';

	if ((size_t)snprintf(amount, sizeof(amount), "%s%s%s", text, has_unit ? "" : " ", has_unit ? "" : shown->text) <
		    sizeof(amount) &&
	    names_amount(q, amount, out) == VALUE_OK && *out >= 0)
		return true;
	tally_misused(x->t, "%s %s is not valid; give what the counter showed, in %s", option, text, shown->text);
	return false;
}

static bool read_at(const struct replacement *x, int64_t *at_s)
{
	if (!tally_read_time(x->t, "--at", x->at_text, at_s, NULL))
		return false;
	if (*at_s <= mono_wall_ms() / 1000)
		return true;
	tally_misused(x->t, "--at %s is in the future; give when the meter was replaced", x->at_text);
	return false;
}

static void describe(const struct replacement *x, char *out)
{
	snprintf(out, WHAT_MAX, "replace %s%s%s%s%s%s%s%s%s", x->is_undo ? "--undo " : "", x->name,
		 x->at_text != NULL ? " --at " : "", x->at_text != NULL ? x->at_text : "",
		 x->final_text != NULL ? " --final " : "", x->final_text != NULL ? x->final_text : "",
		 x->initial_text != NULL ? " --initial " : "", x->initial_text != NULL ? x->initial_text : "",
		 x->is_forced ? " --force" : "");
}

static int replace_meter(const struct replacement *x, const struct conf *conf)
{
	const struct conf_input *input = NULL;
	const struct conf_meter *meter = NULL;
	char what[WHAT_MAX];
	struct tally_request r = {.kind = x->is_undo ? "undo" : "replace",
				  .what = what,
				  .name = x->name,
				  .has_final = x->final_text != NULL,
				  .has_initial = x->initial_text != NULL,
				  .is_forced = x->is_forced};

	if (!tally_find_counter(conf, x->name, &meter, &input))
		return TALLY_BAD;
	if (meter != NULL && meter->driver != NULL && driver_row(meter->driver, Q_PULSES_1) != NULL &&
	    driver_row(meter->driver, Q_ACTIVE_ENERGY_IMPORT) == NULL && (r.has_final || r.has_initial)) {
		fprintf(stderr, "%s counts pulses for its inputs; name an input, or leave out --final and --initial\n",
			x->name);
		return TALLY_BAD;
	}
	if (r.has_final && !read_amount(x, input, "--final", x->final_text, &r.final))
		return TALLY_USAGE;
	if (r.has_initial && !read_amount(x, input, "--initial", x->initial_text, &r.initial))
		return TALLY_USAGE;
	calendar_zone(conf->timezone);
	if (x->at_text != NULL && !read_at(x, &r.at_s))
		return TALLY_USAGE;
	describe(x, what);
	return tally_request(conf, &r);
}

int tally_replace(const struct tally *t)
{
	static const struct option options[] = {
		{"at", required_argument, NULL, 'a'},	   {"final", required_argument, NULL, 'f'},
		{"initial", required_argument, NULL, 'i'}, {"force", no_argument, NULL, 'F'},
		{"undo", no_argument, NULL, 'u'},	   {0}};
	struct replacement x = {.t = t};
	struct conf *conf;
	int c, code;

	while ((c = tally_option(t, options)) != -1) {
		if (c == 'a')
			x.at_text = optarg;
		else if (c == 'f')
			x.final_text = optarg;
		else if (c == 'i')
			x.initial_text = optarg;
		else if (c == 'F')
			x.is_forced = true;
		else if (c == 'u')
			x.is_undo = true;
		else
			return TALLY_USAGE;
	}
	if (t->argc - optind != 1)
		return tally_misused(t, "expected one METER");
	if (x.is_undo && (x.at_text != NULL || x.final_text != NULL || x.initial_text != NULL || x.is_forced))
		return tally_misused(t, "--undo goes with no other option");
	x.name = t->argv[optind];
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = replace_meter(&x, conf);
	conf_free(conf);
	return code;
}
