/* SPDX-License-Identifier: MIT */
/* List the models, or print one model's registers and the requests that read them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_load.h"
#include "driver.h"
#include "frame.h"
#include "plan.h"
#include "table.h"
#include "tally.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"

enum { BITS_8N1 = 10 };

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

/* count / parts: 0.1, or 1/3600 where it has no end as a decimal. */
static void format_parts(int64_t count, int64_t parts, char *out, size_t n)
{
	int64_t ten = 10;
	int n_digits = 1;

	while (ten % parts != 0 && ten < 1000000) {
		ten *= 10;
		n_digits++;
	}
	if (ten % parts == 0)
		snprintf(out, n, "%lld.%0*lld", (long long)(count / parts), n_digits,
			 (long long)(count % parts * (ten / parts)));
	else
		snprintf(out, n, "%lld/%lld", (long long)count, (long long)parts);
}

/* The value of one count in the unit that values are shown in, or the scale where it depends on the transformers. */
static void format_weight(const struct driver *d, const struct driver_row *row, char *out, size_t n)
{
	const struct names_row *name = names_get(row->quantity);
	const char *unit = strcmp(name->shown, "-") == 0 ? "" : name->shown;
	int64_t count = driver_multiplier(d, row, 1, 1, 1, 1), parts = names_has_parts(row->quantity) ? d->parts : 1;
	char weight[32];
	size_t length;

	out[0] = '\0';
	if (name->kind == NAMES_IDENTITY)
		return;
	if (row->scale >= 0) {
		snprintf(out, n, "@%s %s", d->scales[row->scale].name, unit);
		return;
	}
	value_reduce(&count, &parts);
	if (parts > 1) {
		format_parts(count, parts, weight, sizeof(weight));
		snprintf(out, n, "%s %s", weight, name->unit);
		return;
	}
	if (count % name->per_shown != 0 && 1000 % name->per_shown != 0) {
		snprintf(out, n, "%lld %s", (long long)count, name->unit);
		return;
	}
	names_format(row->quantity, count, weight, sizeof(weight));
	length = strlen(weight);
	while (strchr(weight, '.') != NULL && (weight[length - 1] == '0' || weight[length - 1] == '.'))
		weight[--length] = '\0';
	snprintf(out, n, "%s %s", weight, unit);
}

/* 0, or -1 when out of memory. */
static int print_rows(const struct driver *d)
{
	static const struct table_column columns[] = {
		{"QUANTITY", false, 0},	 {"ADDRESS", true, 0}, {"", false, 5},		{"TYPE", false, 1},
		{"ONE COUNT", false, 2}, {"GROUP", false, 3},  {"PROVENANCE", false, 4}};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	char address[16], hex[16], type[DRIVER_TYPE_TEXT_MAX], weight[64], provenance[64];
	int rc = t != NULL ? 0 : -1;

	for (size_t i = 0; i < d->n_rows && rc == 0; i++) {
		const struct driver_row *row = &d->rows[i];

		snprintf(address, sizeof(address), "%u", row->address);
		snprintf(hex, sizeof(hex), "0x%04X", row->address);
		driver_row_type_text(row, type);
		format_weight(d, row, weight, sizeof(weight));
		if (row->has_ten)
			snprintf(weight + strlen(weight), sizeof(weight) - strlen(weight), " x 10^0..%d",
				 row->ten_high - row->ten_low);
		snprintf(provenance, sizeof(provenance), "%s%s", driver_provenance_text(row->provenance),
			 row->fallback	? ", if the finer one is missing"
			 : row->is_rest ? ", added to the row before"
					: "");
		rc = table_add(t,
			       (const char *const[]){names_get(row->quantity)->name, address, hex, type, weight,
						     group_text(row->group), provenance},
			       0, TABLE_PLAIN);
	}
	if (rc == 0)
		table_print(t, stdout, tally_terminal_width(stdout), false);
	table_free(t);
	return rc;
}

/* "0.01", "1000" */
static void print_power_of_ten(int64_t mantissa, int32_t exponent)
{
	if (exponent >= 0)
		printf("%lld%.*s\n", (long long)mantissa, exponent, "000000000000000000");
	else
		printf("%.*f\n", -exponent, (double)mantissa * pow(10, exponent));
}

static void print_scales(const struct driver *d)
{
	for (size_t i = 0; i < d->n_scales; i++) {
		const struct driver_scale *s = &d->scales[i];

		printf("\n@%s depends on the product of the transformer ratios, CT x VT\n", s->name);
		for (size_t k = 0; k < s->n_steps; k++) {
			if (s->steps[k].below == INT64_MAX)
				printf("  else            ");
			else
				printf("  below %-10lld", (long long)s->steps[k].below);
			print_power_of_ten(s->steps[k].mantissa, s->steps[k].exponent);
		}
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
		       (double)frame_exchange_us(p->requests[i].n_words, d->turnaround_ms, baud, BITS_8N1) / 1000,
		       baud);
	if (p->n_fences > 0)
		printf("  and %u short request%s between those of equal length, except on tcp\n", p->n_fences,
		       p->n_fences == 1 ? "" : "s");
	plan_free(p);
	return 0;
}

static int print_model(const struct driver *d, unsigned baud)
{
	static const struct {
		unsigned groups;
		const char *title;
	} parts[] = {{DRIVER_ENERGY, "energy and tariffs"},
		     {DRIVER_POWER, "power"},
		     {DRIVER_IDENTITY | DRIVER_STATE, "identity and state"},
		     /* the state says how other values are to be read; it is no value itself */
		     {DRIVER_ENERGY | DRIVER_POWER | DRIVER_IDENTITY, "everything"}};
	int rc;

	printf("%s: %s\nfile:       %s\nsource:     %s\nprovenance: %s; verified: %s\n", d->name, d->title, d->file,
	       d->source, driver_provenance_text(d->provenance), d->verified[0] != '\0' ? d->verified : "none");
	printf("line:       address %u to %u, function %u, speeds:", d->address_min, d->address_max, d->function);
	for (size_t i = 0; i < d->n_bauds; i++)
		printf(" %u", d->bauds[i]);
	printf("%s", d->n_bauds == 0 ? " any" : "");
	if (d->n_loads > 1)
		printf("; loads: %u", d->n_loads);
	printf("%s\n\n", d->ratios ? "; set ct and vt in the file of the bus" : "");
	rc = print_rows(d);
	if (rc != 0)
		goto out;
	print_scales(d);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++)
		rc = print_requests(d, parts[i].groups, parts[i].title, baud);
out:
	if (rc != 0)
		fprintf(stderr, "tally models: out of memory\n");
	return rc == 0 ? TALLY_GOOD : TALLY_BAD;
}

/* By maker, and by name among those of one maker. */
static int compare_drivers(const void *a, const void *b)
{
	const struct driver *const *one = a, *const *other = b;
	int order = strcasecmp((*one)->vendor, (*other)->vendor);

	return order != 0 ? order : strcmp((*one)->name, (*other)->name);
}

/* Print the drivers, and free them. 0, or -1 when out of memory. */
static int print_drivers(struct driver **drivers, size_t n)
{
	static const struct table_column columns[] = {{"MODEL", false, 0},
						      {"VENDOR", false, 4},
						      {"PROVENANCE", false, 1},
						      {"VERIFIED", false, 2},
						      {"TITLE", false, 3}};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	int rc = t != NULL ? 0 : -1;

	qsort(drivers, n, sizeof(struct driver *), compare_drivers);
	for (size_t i = 0; i < n; i++) {
		const struct driver *d = drivers[i];

		if (rc == 0)
			rc = table_add(t,
				       (const char *const[]){d->name, d->vendor, driver_provenance_text(d->provenance),
							     d->verified[0] != '\0' ? d->verified : "none", d->title},
				       0, TABLE_PLAIN);
		driver_free(drivers[i]);
	}
	if (rc == 0)
		table_print(t, stdout, tally_terminal_width(stdout), false);
	table_free(t);
	return rc;
}

/* Every model that can be loaded; the others are reported on standard error and make the result bad. */
static int list_models(const char *path)
{
	char **names = driver_list(path);
	struct driver **drivers = NULL;
	size_t n_names = 0, n = 0;
	int code = TALLY_GOOD;

	while (names != NULL && names[n_names] != NULL)
		n_names++;
	drivers = calloc(n_names + 1, sizeof(struct driver *));
	if (names != NULL && n_names == 0) {
		fprintf(stderr, "no register tables in %s; check path of [drivers]\n", path);
		code = TALLY_BAD;
	}
	for (size_t i = 0; i < n_names; i++) {
		struct driver *d = drivers != NULL ? tally_load_model(path, names[i]) : NULL;

		if (d != NULL)
			drivers[n++] = d;
		else
			code = TALLY_BAD;
		free(names[i]);
	}
	if (names == NULL || drivers == NULL || print_drivers(drivers, n) != 0) {
		fprintf(stderr, "tally models: out of memory\n");
		code = TALLY_BAD;
	}
	free(names);
	free(drivers);
	return code;
}

int tally_models(const struct tally *t)
{
	static const struct option options[] = {{"baud", required_argument, NULL, 'b'}, {0}};
	int64_t baud = 9600;
	struct driver *d;
	char *path;
	int c, code;

	while ((c = tally_option(t, options)) != -1)
		if (c != 'b' || !tally_read_whole(t, "--baud", optarg, 300, 4000000, &baud))
			return TALLY_USAGE;
	if (t->argc - optind > 1)
		return tally_misused(t, "unexpected argument \"%s\" after MODEL", t->argv[optind + 1]);
	/* Only this is needed of the configuration, which may have errors or not be there at all. */
	path = conf_driver_path(t->dir);
	if (path == NULL) {
		fprintf(stderr, "tally models: out of memory\n");
		return TALLY_BAD;
	}
	if (optind < t->argc) {
		d = tally_load_model(path, t->argv[optind]);
		code = d != NULL ? print_model(d, (unsigned)baud) : TALLY_BAD;
		driver_free(d);
	} else {
		code = list_models(path);
	}
	free(path);
	return code;
}
