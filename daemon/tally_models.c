/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "tally.h"

enum { BITS_8N1 = 10 };

static const char *search_path(const struct conf *conf)
{
	return conf != NULL ? conf->driver_path : TALLY_DRIVER_PATH;
}

static const char *type_text(const struct driver_row *row)
{
	static const char *const texts[] = {
		[DRIVER_U8_LOW] = "u8-low",
		[DRIVER_U8_HIGH] = "u8-high",
		[DRIVER_BIT] = "bit",
		[DRIVER_BITS] = "bits",
		[DRIVER_U16] = "u16",
		[DRIVER_S16] = "s16",
		[DRIVER_U32] = "u32",
		[DRIVER_S32] = "s32",
		[DRIVER_U64] = "u64",
		[DRIVER_S64] = "s64",
		[DRIVER_F32] = "f32",
		[DRIVER_F64] = "f64",
		[DRIVER_BCD] = "bcd",
		[DRIVER_TEXT] = "text",
		[DRIVER_CHARS] = "chars",
		[DRIVER_HEX] = "hex",
		[DRIVER_TIME_2000] = "time2000",
		[DRIVER_CLOCK] = "clock",
	};

	return texts[row->type];
}

static const char *group_text(enum driver_group g)
{
	switch (g) {
	case DRIVER_ENERGY:
		return "energy";
	case DRIVER_POWER:
		return "power";
	case DRIVER_IDENTITY:
		return "identity";
	default:
		return "state";
	}
}

/* What one count is worth, in base units; by ratio where it depends on the transformers. */
static void format_weight(const struct driver *d, const struct driver_row *row, char *out, size_t n)
{
	const struct names_row *name = names_get(row->quantity);

	if (name->kind == NAMES_IDENTITY)
		snprintf(out, n, "-");
	else if (row->scale >= 0)
		snprintf(out, n, "by ratio, @%s", d->scales[row->scale].name);
	else
		snprintf(out, n, "%lld %s", (long long)driver_multiplier(d, row, 1, 1, 1, 1), name->unit);
}

static void print_rows(const struct driver *d)
{
	char weight[64];

	printf("%-32s %7s %6s %-8s %-18s %-8s %s\n", "quantity", "address", "", "type", "one count", "group",
	       "provenance");
	for (size_t i = 0; i < d->n_rows; i++) {
		const struct driver_row *row = &d->rows[i];

		format_weight(d, row, weight, sizeof(weight));
		printf("%-32s %7u 0x%04X %-8s %-18s %-8s %s%s\n", names_get(row->quantity)->name, row->address,
		       row->address, type_text(row), weight, group_text(row->group),
		       driver_provenance_text(row->provenance), row->fallback ? ", fallback" : "");
	}
}

static int print_requests(const struct driver *d, unsigned groups, const char *title, unsigned baud)
{
	struct plan *p = plan_new(d, groups, NULL, NULL);

	if (p == NULL)
		return -1;
	if (p->n_requests > 0)
		printf("\n%s: %u request%s\n", title, p->n_requests, p->n_requests == 1 ? "" : "s");
	for (size_t i = 0; i < p->n_requests; i++)
		printf("  function %u address %5u (0x%04X) words %3u: %.1f ms at %u baud\n", p->requests[i].function,
		       p->requests[i].address, p->requests[i].address, p->requests[i].n_words,
		       (double)plan_request_us(d, &p->requests[i], baud, BITS_8N1) / 1000, baud);
	plan_free(p);
	return 0;
}

static int print_model(const struct driver *d, unsigned baud)
{
	printf("%s: %s\nsource: %s\nprovenance: %s; verified: %s\n\n", d->name, d->title, d->source,
	       driver_provenance_text(d->provenance), d->verified[0] != '\0' ? d->verified : "none");
	print_rows(d);
	if (print_requests(d, DRIVER_ENERGY, "energy and tariffs", baud) != 0 ||
	    print_requests(d, DRIVER_POWER, "power", baud) != 0 ||
	    print_requests(d, DRIVER_IDENTITY | DRIVER_STATE, "identity and state", baud) != 0 ||
	    print_requests(d, DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY | DRIVER_STATE, "everything", baud) != 0)
		return TALLY_BAD;
	return TALLY_GOOD;
}

static struct driver *load(const char *path, const char *name)
{
	struct err e = {0};
	struct driver *d = NULL;
	char *file = NULL, *shadowed = NULL;

	if (driver_find(path, name, &file, &shadowed) != 0) {
		fprintf(stderr, "model \"%s\": no %s.ini in %s; \"tally models\" lists what there is\n", name, name,
			path);
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

static int list_models(const char *path)
{
	char **names = driver_list(path);
	int code = TALLY_GOOD;

	if (names == NULL)
		return TALLY_BAD;
	if (names[0] == NULL) {
		fprintf(stderr, "no register table in %s\n", path);
		code = TALLY_BAD;
	}
	for (size_t i = 0; names[i] != NULL; i++) {
		struct driver *d = load(path, names[i]);

		if (d != NULL)
			printf("%-16s %-10s %-14s verified: %-12s %s\n", names[i], d->vendor,
			       driver_provenance_text(d->provenance), d->verified[0] != '\0' ? d->verified : "none",
			       d->title);
		else
			code = TALLY_BAD;
		driver_free(d);
		free(names[i]);
	}
	free(names);
	return code;
}

static int show_model(const char *path, const char *name, unsigned baud)
{
	struct driver *d = load(path, name);
	int code;

	if (d == NULL)
		return TALLY_BAD;
	code = print_model(d, baud);
	driver_free(d);
	return code;
}

int tally_models(const struct tally *t)
{
	static const struct option options[] = {{"baud", required_argument, NULL, 'b'}, {0}};
	struct err e = {0};
	struct conf *conf;
	unsigned baud = 9600;
	int c, code;

	optind = 0;
	while ((c = getopt_long(t->argc, t->argv, "b:", options, NULL)) != -1) {
		char *end;

		if (c == 'b')
			baud = (unsigned)strtoul(optarg, &end, 10);
		if (c != 'b' || *end != '\0' || baud < 300 || baud > 4000000) {
			fprintf(stderr, "usage: tally models [--baud N] [MODEL]\n");
			return TALLY_USAGE;
		}
	}
	if (t->argc - optind > 1) {
		fprintf(stderr, "tally models: \"%s\": one MODEL expected\n", t->argv[optind + 1]);
		return TALLY_USAGE;
	}
	/* Only the drivers' path is wanted of the configuration; it need not be whole or there at all. */
	conf = conf_load(t->dir, &e);
	code = optind < t->argc ? show_model(search_path(conf), t->argv[optind], baud) : list_models(search_path(conf));
	conf_free(conf);
	err_fini(&e);
	return code;
}
