/* SPDX-License-Identifier: MIT */
#include "tally_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "nearest.h"
#include "reader.h"
#include "tally_text.h"

enum { LISTED_MAX = 12 };

static void report_unknown(const struct conf *conf, const char *kind, const char *name, const char *const *names,
			   size_t n)
{
	char question[TALLY_QUESTION_MAX];

	tally_did_you_mean(name, "", names, n, question);
	fprintf(stderr, "no %s \"%s\" in %s%s", kind, name, conf->dir, question);
	if (question[0] == '\0' && n <= LISTED_MAX) {
		fputs(n == 0 ? "; none is configured" : "; use", stderr);
		for (size_t i = 0; i < n; i++)
			fprintf(stderr, "%s %s", i == 0 ? "" : i < n - 1 ? "," : " or", names[i]);
	}
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
	report_unknown(conf, "bus", name, names, names != NULL ? conf->n_buses : 0);
	free(names);
	return NULL;
}

static void report_no_meter(const struct conf *conf, const char *kind, const char *name, bool with_inputs)
{
	const char **names;
	size_t n = 0;

	for (size_t i = 0; i < conf->n_buses; i++)
		n += conf->buses[i].n_meters + conf->buses[i].n_inputs;
	names = calloc(n + 1, sizeof(*names));
	n = 0;
	for (size_t i = 0; names != NULL && i < conf->n_buses; i++) {
		for (size_t k = 0; k < conf->buses[i].n_meters; k++)
			names[n++] = conf->buses[i].meters[k].name;
		for (size_t k = 0; with_inputs && k < conf->buses[i].n_inputs; k++)
			names[n++] = conf->buses[i].inputs[k].name;
	}
	report_unknown(conf, kind, name, names, n);
	free(names);
}

const struct conf_meter *tally_find_meter(const struct conf *conf, const char *name, const struct conf_bus **bus)
{
	const struct conf_meter *m = conf_find_meter(conf, name, bus);
	const struct conf_input *input = m == NULL ? conf_find_input(conf, name, bus) : NULL;

	if (input != NULL)
		fprintf(stderr, "\"%s\" is a pulse input; use its meter \"%s\"\n", name,
			(*bus)->meters[input->concentrator].name);
	else if (m == NULL)
		report_no_meter(conf, "meter", name, false);
	return m;
}

bool tally_find_counter(const struct conf *conf, const char *name, const struct conf_meter **meter,
			const struct conf_input **input)
{
	const struct conf_bus *b;

	*meter = conf_find_meter(conf, name, &b);
	*input = *meter == NULL ? conf_find_input(conf, name, &b) : NULL;
	if (*meter == NULL && *input == NULL)
		report_no_meter(conf, "meter or input", name, true);
	return *meter != NULL || *input != NULL;
}

bool tally_is_known(struct reader *r, const char *name)
{
	char question[TALLY_QUESTION_MAX];
	enum reader_step step;
	struct nearest near;

	nearest_begin(&near, name);
	reader_ask(r, "SELECT name FROM subject");
	while ((step = reader_next(r)) == READER_ROW) {
		if (strcmp(reader_text(r, 0), name) == 0)
			return true;
		nearest_consider(&near, reader_text(r, 0));
	}
	if (step == READER_FAILED)
		fprintf(stderr, "%s\n", reader_error(r));
	else
		fprintf(stderr, "\"%s\" is not in the database%s\n", name, tally_ask_nearest(&near, "", question));
	return false;
}
