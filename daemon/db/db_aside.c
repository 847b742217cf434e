/* SPDX-License-Identifier: MIT */
#include "db_aside.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"

enum { N_PARTS = 3, COPIES_MAX = 64 };

static const char *const parts[N_PARTS] = {"", "-wal", "-shm"};

/* PATH.damaged-YYYYMMDDTHHMMSSZ, allocated. */
static char *name_damaged(const char *path)
{
	time_t now = (time_t)(mono_wall_ms() / 1000);
	struct tm tm;
	char stamp[40];
	char *name;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	return asprintf(&name, "%s.damaged-%s", path, stamp) < 0 ? NULL : name;
}

static int rename_part(const char *path, const char *to, const char *part)
{
	char from_part[4096], to_part[4096];

	snprintf(from_part, sizeof(from_part), "%s%s", path, part);
	snprintf(to_part, sizeof(to_part), "%s%s", to, part);
	return rename(from_part, to_part) == 0 || errno == ENOENT ? 0 : -errno;
}

char *db_aside_damaged(const char *path, bool wal_only, struct err *e)
{
	char *name = name_damaged(path);
	int rc = name != NULL ? 0 : -ENOMEM;

	for (int i = wal_only ? 1 : 0; i < N_PARTS && rc == 0; i++)
		rc = rename_part(path, name, parts[i]);
	if (rc != 0) {
		err_add(e, path, 0, "is damaged and cannot be renamed: %s; move it away", strerror(-rc));
		free(name);
		return NULL;
	}
	db_aside_prune(path, "damaged-", DB_COPIES_KEPT);
	return name;
}

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

void db_aside_prune(const char *path, const char *kind, size_t keep)
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
		if (i + keep < n)
			remove_copy(copies[i]);
		free(copies[i]);
	}
out:
	free(prefix);
	free(for_folder);
	free(for_name);
}
