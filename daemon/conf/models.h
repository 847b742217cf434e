/* SPDX-License-Identifier: MIT */
/* models.h - register tables by the names of their models: found along the driver path, each read once.
 * Reads files; no logging. One thread until all tables are read; then any thread may read the tables. */
#ifndef TALLY_MODELS_H
#define TALLY_MODELS_H

#include <stdbool.h>
#include <stddef.h>

struct driver;
struct err;
struct models;

enum models_result {
	MODELS_GOOD,
	MODELS_FAULTY,	      /* there is a file of that name, with errors */
	MODELS_UNKNOWN,	      /* there is none */
	MODELS_OUT_OF_MEMORY, /* nothing was added to e */
};

/* No tables yet. driver_path ("DIR:DIR") must outlive them. NULL = out of memory. */
struct models *models_new(const char *driver_path);

/* Free all tables too; models may be NULL. */
void models_free(struct models *models);

/* The table of a model for a load (1, or what the model does not have: the first one), inverted where the meter is
 * mounted the wrong way round, owned by models; *driver is NULL
 * unless it is MODELS_GOOD. When the file is read, at the first
 * call with this name, its complaints are added to e, and a warning when another file of the same name is not used. */
enum models_result models_get(struct models *models, const char *name, unsigned load, bool is_inverted,
			      const struct driver **driver, struct err *e);

/* Errors (not warnings) that models_get() has added. */
size_t models_n_errors(const struct models *models);

/* The names of all models along the path, those most like name first: "countis-e43, countis-e44". malloc'd; "" when
 * there are none, NULL = out of memory. */
char *models_list(const struct models *models, const char *name);

#endif
