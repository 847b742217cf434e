/* SPDX-License-Identifier: MIT */
#include "draft.h"

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

/* Kind of the section whose header says word, or OPTION_SECTION_COUNT. */
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

/* Whether a section of this header may be begun; if not, why is told. */
static bool check_header(struct draft *d, const char *header, enum option_section kind, const char *name, unsigned line)
{
	char allowed[LIST_TEXT_MAX];
	const struct draft_section *first;

	if (kind == OPTION_SECTION_COUNT || (*name != '\0' && !option_section_named(kind))) {
		allowed_sections(d->kinds, allowed);
		err_add(d->e, d->path, line, "section [%s]: %s allowed", header, allowed);
		return false;
	}
	if (option_section_named(kind)) {
		if (value_is_name(name, CONF_NAME_MAX))
			return true;
		err_add(d->e, d->path, line,
			"section [%s]: a name of 1 to %d letters, digits, '.', '_', '-', a letter or digit first, "
			"expected",
			header, CONF_NAME_MAX);
		return false;
	}
	first = draft_find(d, kind);
	if (first != NULL)
		err_add(d->e, d->path, line, "section [%s] again, first in line %u: once allowed", header, first->line);
	return first == NULL;
}

static void begin_section(struct draft *d, const char *header, unsigned line)
{
	size_t n = strcspn(header, " \t");
	const char *name = header + n + strspn(header + n, " \t");
	enum option_section kind = find_kind(d->kinds, header, n);
	struct draft_section *sections;

	d->current = SIZE_MAX;
	if (!check_header(d, header, kind, name, line))
		return;
	sections = reallocarray(d->sections, d->n_sections + 1, sizeof(*sections));
	if (sections == NULL) {
		err_add(d->e, NULL, 0, "out of memory");
		return;
	}
	d->sections = sections;
	d->current = d->n_sections++;
	sections[d->current] = (struct draft_section){.kind = kind, .line = line};
	strcpy(sections[d->current].name, name);
}

static void take(void *context, const char *header, const char *name, const char *value, unsigned line)
{
	struct draft *d = context;
	struct draft_section *s;
	struct draft_key *key;
	const struct option *o;
	char allowed[LIST_TEXT_MAX];
	size_t n;

	if (name == NULL) {
		begin_section(d, header, line);
		return;
	}
	if (d->current == SIZE_MAX)
		return;
	s = &d->sections[d->current];
	o = option_find(s->kind, name);
	if (o == NULL) {
		allowed_keys(s->kind, allowed);
		err_add(d->e, d->path, line, "key %s in [%s]: %s allowed", name, header, allowed);
		return;
	}
	key = &s->keys[o - option_table(&n)];
	if (key->line != 0) {
		err_add(d->e, d->path, line, "key %s again, first in line %u: once allowed", name, key->line);
		return;
	}
	key->line = line;
	key->text = strdup(value);
	if (key->text == NULL)
		err_add(d->e, NULL, 0, "out of memory");
}

int draft_read(struct draft *d, const struct draft_source *source, unsigned kinds, struct err *e)
{
	*d = (struct draft){.path = source->path, .kinds = kinds, .current = SIZE_MAX, .e = e};
	if (source->text == NULL)
		return inifile_read(source->path, take, d, e);
	inifile_read_text(source->path, source->text, source->n_bytes, take, d, e);
	return 0;
}

void draft_fini(struct draft *d)
{
	for (size_t i = 0; i < d->n_sections; i++)
		for (size_t k = 0; k < DRAFT_KEYS_MAX; k++)
			free(d->sections[i].keys[k].text);
	free(d->sections);
	d->sections = NULL;
	d->n_sections = 0;
}

const struct draft_section *draft_find(const struct draft *d, enum option_section kind)
{
	for (size_t i = 0; i < d->n_sections; i++)
		if (d->sections[i].kind == kind)
			return &d->sections[i];
	return NULL;
}

const struct draft_key *draft_key_of(const struct draft_section *s, const struct option *o)
{
	size_t n;

	return &s->keys[o - option_table(&n)];
}

const struct draft_key *draft_key(const struct draft_section *s, const char *name)
{
	return draft_key_of(s, option_find(s->kind, name));
}

const struct draft_section *draft_at(const struct draft *d, unsigned line)
{
	size_t i = 0;

	while (d->sections[i].line != line)
		i++;
	return &d->sections[i];
}

unsigned draft_line(const struct draft_section *s, const char *name)
{
	const struct draft_key *key = draft_key(s, name);

	return key->line != 0 ? key->line : s->line;
}
