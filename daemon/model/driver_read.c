/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "driver_check.h"
#include "driver_reader.h"
#include "err.h"
#include "inifile.h"

static void end_section(struct driver_reader *r)
{
	switch (r->section) {
	case SECTION_MODEL:
		driver_model_end(r);
		break;
	case SECTION_BLOCK:
		driver_block_end(r);
		break;
	case SECTION_SCALE:
		driver_scale_end(r);
		break;
	default:
		break;
	}
	r->section = SECTION_UNKNOWN;
}

/* Whether a section that is allowed once may begin. */
static bool check_once(struct driver_reader *r, unsigned *first, const char *name, unsigned line)
{
	if (*first != 0) {
		err_add(r->e, r->d->file, line, "section [%s] again (first in line %u), allowed: once", name, *first);
		return false;
	}
	*first = line;
	return true;
}

/* Whether a named section may begin: name good and not had, room for one more. */
static bool check_named(struct driver_reader *r, const char *kind, const char *name, const char *had, unsigned had_line,
			bool room, size_t n_max, unsigned line)
{
	if (!driver_word_is_name(name))
		err_add(r->e, r->d->file, line,
			"section [%s %s], allowed: a name of 1 to %d letters, digits, '.', '_', '-'", kind, name,
			DRIVER_NAME_MAX);
	else if (had != NULL)
		err_add(r->e, r->d->file, line, "section [%s %s] again (first in line %u), allowed: once", kind, name,
			had_line);
	else if (!room)
		err_add(r->e, r->d->file, line, "section [%s %s], allowed: up to %zu of them", kind, name, n_max);
	else
		return true;
	return false;
}

static void begin_block(struct driver_reader *r, const char *name, unsigned line)
{
	struct driver *d = r->d;
	const struct driver_block *had = NULL;
	struct driver_block *b;

	for (size_t i = 0; i < d->n_blocks; i++)
		if (strcmp(d->blocks[i].name, name) == 0)
			had = &d->blocks[i];
	if (!check_named(r, "block", name, had != NULL ? had->name : NULL, had != NULL ? had->line : 0,
			 d->n_blocks < DRIVER_BLOCKS_MAX, DRIVER_BLOCKS_MAX, line))
		return;
	b = &d->blocks[d->n_blocks++];
	*b = (struct driver_block){.line = line};
	snprintf(b->name, sizeof(b->name), "%s", name);
	r->section = SECTION_BLOCK;
	driver_block_begin(r);
}

static void begin_scale(struct driver_reader *r, const char *name, unsigned line)
{
	struct driver *d = r->d;
	const struct driver_scale *had = NULL;
	struct driver_scale *s;

	for (size_t i = 0; i < d->n_scales; i++)
		if (strcmp(d->scales[i].name, name) == 0)
			had = &d->scales[i];
	if (!check_named(r, "scale", name, had != NULL ? had->name : NULL, had != NULL ? had->line : 0,
			 d->n_scales < DRIVER_SCALES_MAX, DRIVER_SCALES_MAX, line))
		return;
	s = &d->scales[d->n_scales++];
	*s = (struct driver_scale){.line = line};
	snprintf(s->name, sizeof(s->name), "%s", name);
	r->section = SECTION_SCALE;
	r->scales_digest = digest_text(r->scales_digest, name);
}

/* What follows word and blanks in text, or NULL when text does not begin so. */
static const char *after_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(text, word, n) != 0 || (text[n] != ' ' && text[n] != '\t' && text[n] != '\0'))
		return NULL;
	return text + n + strspn(text + n, " \t");
}

static void begin_section(struct driver_reader *r, const char *section, unsigned line)
{
	const char *name;

	end_section(r);
	memset(r->key_lines, 0, sizeof(r->key_lines));
	r->above_line = 0;
	r->section_line = line;
	r->section_faulty = false;
	if (strcmp(section, "model") == 0) {
		if (check_once(r, &r->model_line, section, line)) {
			r->section = SECTION_MODEL;
			driver_model_begin(r);
		}
	} else if (strcmp(section, "registers") == 0) {
		if (check_once(r, &r->registers_line, section, line))
			r->section = SECTION_REGISTERS;
	} else if ((name = after_word(section, "block")) != NULL) {
		begin_block(r, name, line);
	} else if ((name = after_word(section, "scale")) != NULL) {
		begin_scale(r, name, line);
	} else {
		err_add(r->e, r->d->file, line,
			"unknown section [%s], allowed: [model], [block NAME], [scale NAME], [registers]", section);
	}
}

static void take_line(void *context, const char *section, const char *name, const char *value, unsigned line)
{
	struct driver_reader *r = context;

	if (name == NULL) {
		begin_section(r, section, line);
		return;
	}
	switch (r->section) {
	case SECTION_MODEL:
		driver_model_key(r, name, value, line);
		break;
	case SECTION_BLOCK:
		driver_block_key(r, section, name, value, line);
		break;
	case SECTION_SCALE:
		driver_scale_step(r, name, value, line);
		break;
	case SECTION_REGISTERS:
		driver_row_take(r, name, value, line);
		break;
	case SECTION_UNKNOWN:
		break; /* its header was refused; what it holds is not judged */
	}
}

static void settle_sections(struct driver_reader *r)
{
	if (r->model_line == 0)
		err_add(r->e, r->d->file, 1, "no section [model], required");
	if (r->registers_line == 0)
		err_add(r->e, r->d->file, 1, "no section [registers], required");
	else if (r->d->n_rows == 0 && r->e->n_errors == 0)
		err_add(r->e, r->d->file, r->registers_line, "no row in [registers], allowed: 1 to %d",
			DRIVER_ROWS_MAX);
	if (r->d->ratios && r->d->n_scales == 0 && r->e->n_errors == 0)
		err_warn(r->e, r->d->file, r->model_line,
			 "ratios = yes without a [scale NAME]: ct and vt of the bus file will change no value");
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
		err_add(e, d->file, 0, "file name, allowed: a model name of 1 to %d letters, digits, '.', '_', '-'",
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

static void set_digest(struct driver_reader *r)
{
	uint64_t d = digest_whole(DIGEST_EMPTY, (int64_t)r->model_digest);

	d = digest_whole(d, (int64_t)r->blocks_digest);
	d = digest_whole(d, (int64_t)r->scales_digest);
	r->d->digest = digest_whole(d, (int64_t)r->rows_digest);
}

/* text NULL: read the file. */
static struct driver *read_driver(const char *path, const char *text, size_t n_bytes, struct err *e)
{
	struct driver *d = new_driver(path);
	struct driver_reader *r = calloc(1, sizeof(*r));
	struct err own = {0};
	int error = 0;

	if (d == NULL || r == NULL) {
		err_add(&own, path, 0, "out of memory");
		goto out;
	}
	r->d = d;
	r->e = &own;
	r->model_digest = r->blocks_digest = r->scales_digest = r->rows_digest = DIGEST_EMPTY;
	driver_model_begin(r);
	set_name(d, &own);
	if (text != NULL)
		inifile_read_text(path, text, n_bytes, take_line, r, &own);
	else
		error = inifile_read(path, take_line, r, &own);
	if (error != 0)
		goto out;
	end_section(r);
	driver_row_settle(r);
	settle_sections(r);
	driver_check(d, &own);
	set_digest(r);
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
