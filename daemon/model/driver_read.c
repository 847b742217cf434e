/* SPDX-License-Identifier: MIT */
/* A table is read in one pass and then completed. inifile hands over headers and keys in the order of the file; each
 * key and each row is judged by itself at once, so that one fault costs one complaint and hides no other. Anything
 * that needs the whole table waits until the end of the file: a row names scales and blocks that may come after it, and
 * patterns of "not available" that [model] has for all rows. Last, driver_check.c judges rows, blocks and scales
 * against each other; lines with faults are not in the table then, so that they are not reported twice. With any
 * error there is no table.
 *
 * The digest grows with what is read and not with what becomes of it, so that a new key or option is in it without
 * further work. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "driver_check.h"
#include "driver_reader.h"
#include "err.h"
#include "inifile.h"

static void read_line(void *context, const char *header, const char *name, const char *value, unsigned line)
{
	struct driver_reader *r = context;

	if (name == NULL)
		driver_section_begin(r, header, line);
	else
		driver_section_key(r, header, name, value, line);
}

static void set_name(struct driver *d, struct err *e)
{
	const char *slash = strrchr(d->file, '/'), *base = slash != NULL ? slash + 1 : d->file;
	size_t n = strlen(base), n_suffix = strlen(".ini");
	char name[DRIVER_NAME_MAX + 2];

	if (n > n_suffix && strcmp(base + n - n_suffix, ".ini") == 0)
		n -= n_suffix;
	snprintf(name, sizeof(name), "%.*s", (int)n, base);
	if (driver_word_is_name(name))
		strcpy(d->name, name);
	else
		err_add(e, d->file, 0,
			"file name is not valid for a model; use NAME.ini with a NAME of 1 to %d letters, digits, '.', "
			"'_', '-'",
			DRIVER_NAME_MAX);
}

static struct driver *new_driver(const char *path)
{
	struct driver *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->file = strdup(path);
	if (d->file == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

/* text NULL: read the file. */
static struct driver *read_driver(const char *path, const char *text, size_t n_bytes, struct err *e)
{
	struct driver *d = new_driver(path);
	struct driver_reader *r = calloc(1, sizeof(*r));
	struct err own = {0};
	int rc = 0;

	if (d == NULL || r == NULL) {
		err_out_of_memory(&own);
		goto out;
	}
	r->d = d;
	r->e = &own;
	driver_section_init(r);
	driver_row_init(r);
	set_name(d, &own);
	if (text != NULL)
		inifile_read_text(path, text, n_bytes, read_line, r, &own);
	else
		rc = inifile_read(path, read_line, r, &own);
	if (rc != 0)
		goto out;
	driver_section_end(r);
	driver_section_settle(r);
	driver_row_complete(r);
	driver_section_complete(r);
	driver_check_blocks(d, &own);
	driver_row_check(r);
	/* a row that was refused may be the one that uses a block or a scale */
	if (own.n_errors == 0)
		driver_check_unused(d, &own);
	d->digest = digest_whole(driver_section_digest(r), (int64_t)r->rows_digest);
out:
	if (own.n_errors > 0) {
		driver_free(d);
		d = NULL;
	}
	err_move(e, &own);
	free(r);
	return d;
}

struct driver *driver_load(const char *path, struct err *e)
{
	return read_driver(path, NULL, 0, e);
}

struct driver *driver_parse(const char *path, const char *text, size_t n_bytes, struct err *e)
{
	return read_driver(path, text, n_bytes, e);
}

/* The table of one model, or NULL. */
static struct driver *load_named(const char *search_path, const char *name)
{
	char *file = NULL, *shadowed = NULL;
	struct driver *d = NULL;
	struct err e = {0};

	if (driver_find(search_path, name, &file, &shadowed) == 0)
		d = driver_load(file, &e);
	err_fini(&e);
	free(file);
	free(shadowed);
	return d;
}

struct driver **driver_load_all(const char *search_path, size_t *n)
{
	char **names = driver_list(search_path);
	struct driver **drivers = NULL;
	size_t n_names = 0;

	*n = 0;
	while (names != NULL && names[n_names] != NULL)
		n_names++;
	if (names != NULL)
		drivers = calloc(n_names + 1, sizeof(*drivers));
	for (size_t i = 0; i < n_names; i++) {
		if (drivers != NULL)
			drivers[*n] = load_named(search_path, names[i]);
		*n += drivers != NULL && drivers[*n] != NULL;
		free(names[i]);
	}
	free(names);
	return drivers;
}

void driver_free_all(struct driver **drivers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		driver_free(drivers[i]);
	free(drivers);
}
