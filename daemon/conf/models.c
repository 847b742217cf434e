/* SPDX-License-Identifier: MIT */
#include "models.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "err.h"
#include "nearest.h"

struct model {
	char name[DRIVER_NAME_MAX + 1];
	unsigned load;
	bool is_inverted;
	enum models_result result;
	struct driver *driver;
};

struct models {
	const char *path;
	size_t n;
	struct model *list;
	size_t n_errors;
};

struct models *models_new(const char *driver_path)
{
	struct models *models = calloc(1, sizeof(*models));

	if (models != NULL)
		models->path = driver_path;
	return models;
}

void models_free(struct models *models)
{
	if (models == NULL)
		return;
	for (size_t i = 0; i < models->n; i++)
		driver_free(models->list[i].driver);
	free(models->list);
	free(models);
}

static void read_model(struct models *models, struct model *model, struct err *e)
{
	char *path = NULL, *shadowed = NULL;
	struct err found = {0};
	int rc = driver_find(models->path, model->name, &path, &shadowed);

	if (rc == -ENOMEM) {
		model->result = MODELS_OUT_OF_MEMORY;
	} else if (rc != 0) {
		model->result = MODELS_UNKNOWN;
	} else {
		model->driver = driver_load(path, &found);
		model->result = model->driver != NULL ? MODELS_GOOD : MODELS_FAULTY;
		models->n_errors += found.n_errors;
		err_move(e, &found);
		if (shadowed != NULL)
			err_warn(e, path, 0, "used instead of %s, which has the same name", shadowed);
	}
	free(path);
	free(shadowed);
}

/* The model of this name and variant, added where there is none; *is_new then. NULL = out of memory. */
static struct model *find_model(struct models *models, const char *name, unsigned load, bool is_inverted, bool *is_new)
{
	struct model *list;

	*is_new = false;
	for (size_t i = 0; i < models->n; i++)
		if (models->list[i].load == load && models->list[i].is_inverted == is_inverted &&
		    strcmp(models->list[i].name, name) == 0)
			return &models->list[i];
	list = reallocarray(models->list, models->n + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	models->list = list;
	list[models->n] = (struct model){.load = load, .is_inverted = is_inverted};
	snprintf(list[models->n].name, sizeof(list[models->n].name), "%s", name);
	*is_new = true;
	return &list[models->n++];
}

enum models_result models_get(struct models *models, const char *name, unsigned load, bool is_inverted,
			      const struct driver **driver, struct err *e)
{
	bool is_new;
	struct model *model = find_model(models, name, 1, false, &is_new);
	const struct driver *first;

	*driver = NULL;
	if (model == NULL)
		return MODELS_OUT_OF_MEMORY;
	if (is_new)
		read_model(models, model, e);
	first = *driver = model->driver;
	if (model->result == MODELS_GOOD && load > first->n_loads)
		load = 1;
	if (model->result != MODELS_GOOD || (load == 1 && !is_inverted))
		return model->result;
	model = find_model(models, name, load, is_inverted, &is_new);
	if (model != NULL && is_new)
		model->driver = driver_variant(first, load, is_inverted);
	*driver = model != NULL ? model->driver : NULL;
	return *driver != NULL ? MODELS_GOOD : MODELS_OUT_OF_MEMORY;
}

size_t models_n_errors(const struct models *models)
{
	return models->n_errors;
}

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

char *models_list(const struct models *models, const char *name)
{
	char **names = driver_list(models->path), *text = NULL;
	struct candidate *candidates = NULL;
	size_t n = 0, n_bytes;
	FILE *f = NULL;

	if (names == NULL)
		goto out;
	while (names[n] != NULL)
		n++;
	candidates = calloc(n + 1, sizeof(*candidates));
	if (candidates == NULL)
		goto out;
	f = open_memstream(&text, &n_bytes);
	if (f == NULL)
		goto out;
	for (size_t i = 0; i < n; i++)
		candidates[i] = (struct candidate){names[i], nearest_distance(name, names[i])};
	qsort(candidates, n, sizeof(*candidates), compare_candidates);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i == 0 ? "" : ", ", candidates[i].name);
	if (fclose(f) != 0) {
		free(text);
		text = NULL;
	}
out:
	free(candidates);
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
	return text;
}
