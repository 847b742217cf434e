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

static const char *const parts[] = {"", "-wal", "-shm"};

/* PATH.damaged-YYYYMMDDTHHMMSSZ, allocated. */
static char *name_damaged(const char *path)
{
	time_t now = (time_t)(mono_wall_ms() / 1000);
	struct tm tm;
	char stamp[40];
	char *name = NULL;

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

char *db_aside_damaged(const char *path, bool log_only, struct err *e)
{
	char *name = name_damaged(path);
	int r = name ? 0 : -ENOMEM;

	for (size_t i = log_only ? 1 : 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++)
		r = rename_part(path, name, parts[i]);
	if (r != 0) {
		err_add(e, path, 0, "is damaged and can not be put aside: %s; move it away", strerror(-r));
		free(name);
		return NULL;
	}
	db_aside_prune(path, "damaged-", DB_COPIES_KEPT);
	return name;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of this kind in the folder, without those of the -wal and -shm files; each allocated. */
static size_t list_copies(const char *folder, const char *prefix, char **names, size_t max)
{
	size_t n = 0;
	DIR *dir = opendir(folder);

	for (struct dirent *d; dir && n < max && (d = readdir(dir));) {
		size_t length = strlen(d->d_name);

		if (strncmp(d->d_name, prefix, strlen(prefix)) != 0)
			continue;
		if (length > 4 &&
		    (strcmp(d->d_name + length - 4, "-wal") == 0 || strcmp(d->d_name + length - 4, "-shm") == 0))
			continue;
		if (asprintf(&names[n], "%s/%s", folder, d->d_name) >= 0)
			n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

void db_aside_prune(const char *path, const char *kind, size_t keep)
{
	char *copy = strdup(path), *copy2 = strdup(path), *prefix = NULL, *names[64];

	if (copy && copy2 && asprintf(&prefix, "%s.%s", basename(copy2), kind) >= 0) {
		size_t n = list_copies(dirname(copy), prefix, names, sizeof(names) / sizeof(names[0]));

		/* the names end in a version or in a time: the last ones are the newest */
		qsort(names, n, sizeof(names[0]), by_name);
		for (size_t i = 0; i < n; i++) {
			char name[4096];

			for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]) && i + keep < n; k++) {
				snprintf(name, sizeof(name), "%s%s", names[i], parts[k]);
				if (unlink(name) == 0 && k == 0)
					log_info("%s: removed, there are newer copies", name);
			}
			free(names[i]);
		}
		free(prefix);
	}
	free(copy);
	free(copy2);
}
