/* SPDX-License-Identifier: MIT */
#include "tally_load.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "conf_load.h"
#include "driver.h"
#include "err.h"
#include "reader.h"
#include "tally.h"
#include "tally_text.h"

/* Warnings are for tally check: with every other command they would only hide what it prints. */
static void print_errors(const struct err *e)
{
	for (size_t i = 0; i < e->n_items; i++)
		if (!e->items[i].warning)
			fprintf(stderr, "%s\n", e->items[i].text);
}

struct conf *tally_load_conf(const struct tally *t)
{
	struct err e = {0};
	struct conf *conf = conf_load(t->dir, &e);

	print_errors(&e);
	err_fini(&e);
	return conf;
}

struct conf *tally_load_main(const struct tally *t)
{
	struct err e = {0};
	struct conf *conf = conf_load_main(t->dir, &e);

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

static void report_no_model(const char *path, const char *name)
{
	char **names = driver_list(path), question[TALLY_QUESTION_MAX];
	size_t n = 0;

	while (names != NULL && names[n] != NULL)
		n++;
	tally_did_you_mean(name, "", (const char *const *)names, n, question);
	fprintf(stderr, "unknown model \"%s\": no %s.ini in %s%s\n", name, name, path,
		question[0] != '\0' ? question : "; \"tally models\" lists all");
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
		report_no_model(path, name);
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
