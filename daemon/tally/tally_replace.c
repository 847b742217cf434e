/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "driver.h"
#include "mono.h"
#include "reader.h"
#include "store.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"

enum { PATIENCE_MS = 3000, LOOK_EVERY_US = 100000, AMOUNT_MAX = 64 };

/* What the command line says. */
struct swap {
	const struct tally *t;
	const char *name;
	const char *final_text, *initial_text; /* NULL = not given */
	/* of the counter: a meter's main one, an input's only one */
	enum quantity quantity;
	const struct names_unit *shown;
	int64_t final, initial;
};

/* "81234.5 kWh", or "81234.5" in the unit that the meter is shown in. */
static bool read_amount(const struct swap *s, const char *option, const char *text, int64_t *out)
{
	char amount[AMOUNT_MAX];
	bool has_unit = text[strspn(text, "0123456789. ")] != '\0';

	if ((size_t)snprintf(amount, sizeof(amount), "%s%s%s", text, has_unit ? "" : " ",
			     has_unit ? "" : s->shown->text) < sizeof(amount) &&
	    names_amount(s->quantity, amount, out) == VALUE_OK && *out >= 0)
		return true;
	tally_misused(s->t, "%s %s: what the counter showed, in %s, expected", option, text, s->shown->text);
	return false;
}

static bool read_values(struct swap *s)
{
	if (s->final_text != NULL && !read_amount(s, "--final", s->final_text, &s->final))
		return false;
	if (s->initial_text != NULL && !read_amount(s, "--initial", s->initial_text, &s->initial))
		return false;
	return true;
}

/* The daemon takes requests away when it has acted on them. */
static int count_waiting(struct reader *r)
{
	int n = -1;

	if (reader_ask(r, "SELECT count(*) FROM meter_replacement WHERE NOT done") == 0 && reader_next(r) == READER_ROW)
		n = (int)reader_whole(r, 0);
	return n;
}

/* What the daemon made of it. */
static int tell_outcome(const struct swap *s, struct reader *r)
{
	const char *detail = "";

	if (reader_ask(r, "SELECT ifnull(detail, '') FROM meter_replacement WHERE meter = ? AND done ORDER BY id DESC "
			  "LIMIT 1") == 0) {
		reader_bind_text(r, 1, s->name);
		if (reader_next(r) == READER_ROW)
			detail = reader_text(r, 0);
	}
	if (*detail == '\0' || strcmp(detail, STORE_AS_TOLD) == 0) {
		printf("%s: replaced; consumption goes on from the new counter\n", s->name);
		return TALLY_GOOD;
	}
	fprintf(stderr, "%s: replaced; %s\n", s->name, detail);
	return TALLY_BAD;
}

static int wait_done(const struct conf *conf, const struct swap *s, struct reader *r)
{
	int64_t until_us = mono_us() + ((int64_t)conf->commit_interval_ms + PATIENCE_MS) * 1000;
	int n;

	if (!reader_has_writer(r)) {
		printf("%s: noted in the database; tallyd, which does not run, acts on it when it starts\n", s->name);
		return TALLY_GOOD;
	}
	while ((n = count_waiting(r)) > 0 && mono_us() < until_us)
		mono_sleep_until_us(mono_us() + LOOK_EVERY_US);
	if (n < 0) {
		fprintf(stderr, "%s\n", reader_error(r));
		return TALLY_BAD;
	}
	if (n == 0)
		return tell_outcome(s, r);
	printf("%s: noted in the database; tallyd acts on it when it can write again\n", s->name);
	return TALLY_GOOD;
}

static int request(const struct conf *conf, const struct swap *s)
{
	struct reader *r = tally_open_database(conf); /* sees that it is ours */
	struct err e = {0};
	int code = TALLY_BAD;

	if (r == NULL)
		return TALLY_BAD;
	if (store_replace(conf, s->name, mono_wall_ms() / 1000, s->final_text != NULL ? &s->final : NULL,
			  s->initial_text != NULL ? &s->initial : NULL, &e) == 0)
		code = wait_done(conf, s, r);
	else
		err_add(&e, NULL, 0, "nothing was changed; the user tallyd or root may change it");
	err_print(&e, stderr);
	err_fini(&e);
	reader_close(r);
	return code;
}

static int run(struct swap *s, const struct conf *conf)
{
	const struct conf_input *input = NULL;
	const struct conf_meter *meter = NULL;

	if (!tally_find_counter(conf, s->name, &meter, &input))
		return TALLY_BAD;
	if (meter != NULL && meter->driver != NULL && driver_row(meter->driver, Q_PULSES_1) != NULL &&
	    (s->final_text != NULL || s->initial_text != NULL)) {
		fprintf(stderr, "%s counts pulses for its inputs: name the input, or leave out --final and --initial\n",
			s->name);
		return TALLY_BAD;
	}
	s->quantity = input != NULL ? input->quantity : Q_ACTIVE_ENERGY_IMPORT;
	s->shown = input != NULL ? input->shown : names_shown(s->quantity);
	if (!read_values(s))
		return TALLY_USAGE;
	return request(conf, s);
}

int tally_replace(const struct tally *t)
{
	static const struct option options[] = {
		{"final", required_argument, NULL, 'f'}, {"initial", required_argument, NULL, 'i'}, {0}};
	struct swap s = {.t = t};
	struct conf *conf;
	int c, code;

	while ((c = tally_option(t, options)) != -1) {
		if (c == 'f')
			s.final_text = optarg;
		else if (c == 'i')
			s.initial_text = optarg;
		else
			return TALLY_USAGE;
	}
	if (t->argc - optind != 1)
		return tally_misused(t, "one METER expected");
	s.name = t->argv[optind];
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = run(&s, conf);
	conf_free(conf);
	return code;
}
