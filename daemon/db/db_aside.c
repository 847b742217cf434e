/* SPDX-License-Identifier: MIT */
#include "db_aside.h"

#include <dirent.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

enum { N_PARTS = 3, COPIES_MAX = 64 };

static const char *const parts[N_PARTS] = {"", "-wal", "-shm"};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Does the name end in -wal or -shm? */
static bool is_part(const char *name)
{
	size_t length = strlen(name);

	for (int i = 1; i < N_PARTS; i++)
		if (length > strlen(parts[i]) && strcmp(name + length - strlen(parts[i]), parts[i]) == 0)
			return true;
	return false;
}

/* The paths of the files in the folder that begin with prefix, without those of the -wal and -shm files; each
 * allocated. Returns their number. */
static size_t list_copies(const char *folder, const char *prefix, char **paths, size_t max)
{
	DIR *dir = opendir(folder);
	struct dirent *d;
	size_t n = 0;

	if (dir == NULL)
		return 0;
	while (n < max && (d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, prefix, strlen(prefix)) != 0 || is_part(d->d_name))
			continue;
		if (asprintf(&paths[n], "%s/%s", folder, d->d_name) >= 0)
			n++;
	}
	closedir(dir);
	return n;
}

static void remove_copy(const char *path)
{
	char name[4096];

	for (int i = 0; i < N_PARTS; i++) {
		snprintf(name, sizeof(name), "%s%s", path, parts[i]);
		if (unlink(name) == 0 && i == 0)
			log_info("%s: removed; newer copies exist", name);
	}
}

void db_aside_prune(const char *path, const char *kind, size_t keep, const char *needed)
{
	/* dirname() and basename() change what they are given */
	char *for_folder = strdup(path), *for_name = strdup(path), *prefix = NULL;
	char *copies[COPIES_MAX];
	size_t n = 0;

	if (for_folder == NULL || for_name == NULL)
		goto out;
	if (asprintf(&prefix, "%s.%s", basename(for_name), kind) < 0) {
		prefix = NULL;
		goto out;
	}
	n = list_copies(dirname(for_folder), prefix, copies, COPIES_MAX);
	qsort(copies, n, sizeof(copies[0]), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (i + keep < n && (needed == NULL || strcmp(copies[i], needed) != 0))
			remove_copy(copies[i]);
		free(copies[i]);
	}
out:
	free(prefix);
	free(for_folder);
	free(for_name);
}
