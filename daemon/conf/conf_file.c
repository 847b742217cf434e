/* SPDX-License-Identifier: MIT */
#include "conf_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "inifile.h"
#include "value.h"

enum { LIST_TEXT_MAX = 512 };

static void append_text(char *list, const char *separator, const char *text)
{
	size_t n = strlen(list);

	snprintf(list + n, LIST_TEXT_MAX - n, "%s%s", n == 0 ? "" : separator, text);
}

static void allowed_sections(unsigned kinds, char list[LIST_TEXT_MAX])
{
	char header[24];

	list[0] = '\0';
	for (int kind = 0; kind < OPTION_SECTION_COUNT; kind++) {
		if ((kinds & 1U << kind) == 0)
			continue;
		snprintf(header, sizeof(header), "[%s%s]", option_section_text(kind),
			 option_section_named(kind) ? " NAME" : "");
		append_text(list, ", ", header);
	}
}

static void allowed_keys(enum option_section kind, char list[LIST_TEXT_MAX])
{
	size_t n;
	const struct option *o = option_table(&n);

	list[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (o[i].section == kind)
			append_text(list, ", ", o[i].name);
}

/* Kind of the section whose header begins with word, or OPTION_SECTION_COUNT. */
static enum option_section find_kind(unsigned kinds, const char *word, size_t n)
{
	const char *text;

	for (int kind = 0; kind < OPTION_SECTION_COUNT; kind++) {
		text = option_section_text(kind);
		if ((kinds & 1U << kind) != 0 && strlen(text) == n && memcmp(text, word, n) == 0)
			return kind;
	}
	return OPTION_SECTION_COUNT;
}

/* A file that is being read. */
struct reading {
	struct conf_file *file;
	unsigned kinds;
	size_t current; /* the section that keys belong to, or SIZE_MAX for one that was left out */
	struct err *e;
};

/* Whether a section with this header may begin; if not, the reason is reported. */
static bool check_header(const struct reading *r, const char *header, enum option_section kind, const char *name,
			 unsigned line)
{
	char allowed[LIST_TEXT_MAX], meant[CONF_NAME_MAX + 2];
	const struct conf_file_section *first;

	if (kind == OPTION_SECTION_COUNT || (*name != '\0' && !option_section_named(kind))) {
		allowed_sections(r->kinds, allowed);
		err_add(r->e, r->file->path, line, "unknown section [%s]; use %s", header, allowed);
		return false;
	}
	if (option_section_named(kind)) {
		if (value_is_name(name, CONF_NAME_MAX))
			return true;
		snprintf(meant, sizeof(meant), "%s", name);
		for (char *c = strchr(meant, ' '); c != NULL; c = strchr(c, ' '))
			*c = '-';
		if (value_is_name(meant, CONF_NAME_MAX)) {
			err_add(r->e, r->file->path, line, "section [%s] is not valid; write [%s %s]", header,
				option_section_text(kind), meant);
			return false;
		}
		err_add(r->e, r->file->path, line,
			"section [%s] is not valid; use a name of 1 to %d letters, digits, '.', '_', '-', a letter or "
			"digit first",
			header, CONF_NAME_MAX);
		return false;
	}
	first = conf_file_find(r->file, kind);
	if (first != NULL)
		err_add(r->e, r->file->path, line, "duplicate section [%s] (first in line %u); use it once", header,
			first->line);
	return first == NULL;
}

static void begin_section(struct reading *r, const char *header, unsigned line)
{
	size_t n = strcspn(header, " \t");
	const char *name = header + n + strspn(header + n, " \t");
	enum option_section kind = find_kind(r->kinds, header, n);
	struct conf_file *f = r->file;
	struct conf_file_section *sections;

	r->current = SIZE_MAX;
	if (!check_header(r, header, kind, name, line))
		return;
	sections = reallocarray(f->sections, f->n_sections + 1, sizeof(*sections));
	if (sections == NULL) {
		err_out_of_memory(r->e);
		return;
	}
	f->sections = sections;
	r->current = f->n_sections++;
	sections[r->current] = (struct conf_file_section){.kind = kind, .line = line};
	strcpy(sections[r->current].name, name);
}

static void read_line(void *context, const char *header, const char *name, const char *value, unsigned line)
{
	struct reading *r = context;
	struct conf_file_section *s;
	struct conf_file_key *key;
	const struct option *o;
	char allowed[LIST_TEXT_MAX];
	size_t n;

	if (name == NULL) {
		begin_section(r, header, line);
		return;
	}
	if (r->current == SIZE_MAX)
		return;
	s = &r->file->sections[r->current];
	o = option_find(s->kind, name);
	if (o == NULL) {
		allowed_keys(s->kind, allowed);
		err_add(r->e, r->file->path, line, "unknown key %s in [%s]; use %s", name, header, allowed);
		return;
	}
	key = &s->keys[o - option_table(&n)];
	if (key->line != 0) {
		err_add(r->e, r->file->path, line, "duplicate key %s in [%s] (first in line %u); use it once", name,
			header, key->line);
		return;
	}
	key->line = line;
	key->text = strdup(value);
	if (key->text == NULL)
		err_out_of_memory(r->e);
}

int conf_file_read(struct conf_file *f, const struct conf_file_source *source, unsigned kinds, struct err *e)
{
	struct reading r = {.file = f, .kinds = kinds, .current = SIZE_MAX, .e = e};

	*f = (struct conf_file){.path = source->path};
	if (source->text == NULL)
		return inifile_read(source->path, read_line, &r, e);
	inifile_read_text(source->path, source->text, source->n_bytes, read_line, &r, e);
	return 0;
}

void conf_file_fini(struct conf_file *f)
{
	for (size_t i = 0; i < f->n_sections; i++)
		for (size_t k = 0; k < OPTION_ROWS_MAX; k++)
			free(f->sections[i].keys[k].text);
	free(f->sections);
	f->sections = NULL;
	f->n_sections = 0;
}

const struct conf_file_section *conf_file_find(const struct conf_file *f, enum option_section kind)
{
	for (size_t i = 0; i < f->n_sections; i++)
		if (f->sections[i].kind == kind)
			return &f->sections[i];
	return NULL;
}

const struct conf_file_key *conf_file_get(const struct conf_file_section *s, const struct option *o)
{
	size_t n;

	return &s->keys[o - option_table(&n)];
}

const struct conf_file_key *conf_file_get_named(const struct conf_file_section *s, const char *name)
{
	return conf_file_get(s, option_find(s->kind, name));
}

const struct conf_file_section *conf_file_at(const struct conf_file *f, unsigned line)
{
	size_t i = 0;

	while (f->sections[i].line != line)
		i++;
	return &f->sections[i];
}

unsigned conf_file_line(const struct conf_file_section *s, const char *name)
{
	const struct conf_file_key *key = conf_file_get_named(s, name);

	return key->line != 0 ? key->line : s->line;
}
