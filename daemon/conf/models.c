/* SPDX-License-Identifier: MIT */
#include "models.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "err.h"
#include "nearest.h"

struct model {
	char name[DRIVER_NAME_MAX + 1];
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

enum models_result models_get(struct models *models, const char *name, const struct driver **driver, struct err *e)
{
	struct model *list;
	size_t i = 0;

	*driver = NULL;
	while (i < models->n && strcmp(models->list[i].name, name) != 0)
		i++;
	if (i == models->n) {
		list = reallocarray(models->list, models->n + 1, sizeof(*list));
		if (list == NULL)
			return MODELS_OUT_OF_MEMORY;
		models->list = list;
		list[i] = (struct model){0};
		snprintf(list[i].name, sizeof(list[i].name), "%s", name);
		models->n++;
		read_model(models, &list[i], e);
	}
	*driver = models->list[i].driver;
	return models->list[i].result;
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
