/* SPDX-License-Identifier: MIT */
#include "models.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "draft.h"
#include "driver.h"
#include "err.h"
#include "nearest.h"

_Static_assert((int)CONF_MODEL_MAX == (int)DRIVER_NAME_MAX, "a meter can name every model");

struct model {
	const char *name;	     /* a meter's */
	const struct driver *driver; /* NULL: unknown or bad */
	bool known;
};

struct models {
	struct conf *c;
	size_t n;
	struct model *list;
	struct err *e;
};

/* A name and how far it is from the one that was written. */
struct candidate {
	const char *name;
	size_t distance;
};

static int compare_candidates(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return strcmp(a->name, b->name);
}

static size_t count(char *const *names)
{
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	return n;
}

/* The names, nearest to model first, in one malloc'd text; NULL = no memory. */
static char *list_text(char *const *names, const char *model)
{
	size_t n = count(names), n_bytes;
	struct candidate *candidates = calloc(n + 1, sizeof(*candidates));
	char *text = NULL;
	FILE *f = candidates != NULL ? open_memstream(&text, &n_bytes) : NULL;

	if (f == NULL)
		goto out;
	for (size_t i = 0; i < n; i++)
		candidates[i] = (struct candidate){names[i], nearest_distance(model, names[i])};
	qsort(candidates, n, sizeof(*candidates), compare_candidates);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i == 0 ? "" : ", ", candidates[i].name);
	if (fclose(f) != 0) {
		free(text);
		text = NULL;
	}
out:
	free(candidates);
	return text;
}

static void tell_unknown(const struct models *ms, const struct conf_bus *b, const struct conf_meter *m,
			 const struct draft *d)
{
	char **names = driver_list(ms->c->driver_path);
	char *text = names != NULL ? list_text(names, m->model) : NULL;
	unsigned line = draft_line(draft_at(d, m->line), "model");

	if (text == NULL)
		err_add(ms->e, NULL, 0, "out of memory");
	else if (names[0] == NULL)
		err_add(ms->e, b->file, line, "model = %s: no model at all found in %s", m->model, ms->c->driver_path);
	else
		err_add(ms->e, b->file, line, "model = %s: %s allowed", m->model, text);
	free(text);
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

/* Read the table at path; its complaints are told. */
static void read_driver(struct models *ms, struct model *model, const char *path)
{
	struct err found = {0};
	struct driver *driver = driver_load(path, &found);

	if (driver == NULL)
		ms->c->n_driver_errors += found.n_errors;
	else
		ms->c->drivers[ms->c->n_drivers++] = driver;
	model->driver = driver;
	err_move(ms->e, &found);
}

/* Add m's model, which is not in the list yet. Returns 0 or -ENOMEM. */
static int add_model(struct models *ms, const struct conf_meter *m)
{
	struct model *model = &ms->list[ms->n++];
	char *path = NULL, *shadowed = NULL;
	int error = driver_find(ms->c->driver_path, m->model, &path, &shadowed);

	*model = (struct model){.name = m->model, .known = error == 0};
	if (error == 0)
		read_driver(ms, model, path);
	if (error == 0 && shadowed != NULL)
		err_warn(ms->e, path, 0, "used instead of %s, which has the same name", shadowed);
	free(path);
	free(shadowed);
	return error == -ENOMEM ? error : 0;
}

static int load_meter(struct models *ms, const struct conf_bus *b, struct conf_meter *m, const struct draft *d)
{
	size_t i = 0;
	int error;

	if (m->model[0] == '\0')
		return 0;
	while (i < ms->n && strcmp(ms->list[i].name, m->model) != 0)
		i++;
	if (i == ms->n) {
		error = add_model(ms, m);
		if (error != 0)
			return error;
	}
	m->driver = ms->list[i].driver;
	if (!ms->list[i].known)
		tell_unknown(ms, b, m, d);
	else if (m->driver == NULL)
		err_warn(ms->e, b->file, m->line, "meter %s: not polled, the register table of %s has errors", m->name,
			 m->model);
	return 0;
}

int models_load(struct conf *c, const struct draft *drafts, struct err *e)
{
	struct models ms = {.c = c, .e = e};
	size_t n_meters = 0;
	int error = 0;

	if (c->driver_path == NULL)
		return 0; /* told */
	for (size_t i = 0; i < c->n_buses; i++)
		n_meters += c->buses[i].n_meters;
	c->drivers = calloc(n_meters + 1, sizeof(struct driver *));
	ms.list = calloc(n_meters + 1, sizeof(*ms.list));
	if (c->drivers == NULL || ms.list == NULL)
		error = -ENOMEM;
	for (size_t i = 0; i < c->n_buses && error == 0; i++)
		for (size_t k = 0; k < c->buses[i].n_meters && error == 0; k++)
			error = load_meter(&ms, &c->buses[i], &c->buses[i].meters[k], &drafts[i]);
	free(ms.list);
	return error;
}
