/* SPDX-License-Identifier: MIT */
#include "zone.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 8 };

static const char zone_dir[] = "/usr/share/zoneinfo/";

bool zone_exists(const char *name)
{
	char path[PATH_MAX], magic[4] = "";
	FILE *f;

	if (strcmp(name, "UTC") == 0)
		return true;
	if (*name == '/' || strstr(name, "..") != NULL)
		return false;
	if ((size_t)snprintf(path, sizeof(path), "%s%s", zone_dir, name) >= sizeof(path))
		return false;
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fread(magic, 1, sizeof(magic), f) != sizeof(magic))
		magic[0] = '\0';
	fclose(f);
	return memcmp(magic, "TZif", sizeof(magic)) == 0;
}

/* The first word of a file such as /etc/timezone. */
static bool read_word(const char *path, char name[PATH_MAX])
{
	FILE *f = fopen(path, "re");
	bool good;

	if (f == NULL)
		return false;
	good = fgets(name, PATH_MAX, f) != NULL;
	fclose(f);
	if (good)
		name[strcspn(name, " \t\r\n")] = '\0';
	return good && *name != '\0' && zone_exists(name);
}

/* The name below /usr/share/zoneinfo that a file such as /etc/localtime links to. A box whose /etc is read only links
 * by way of another folder. realpath() would go too far: many zones are themselves links to another name. */
static bool read_link(const char *path, char name[PATH_MAX])
{
	char at[PATH_MAX], target[PATH_MAX];

	if ((size_t)snprintf(at, sizeof(at), "%s", path) >= sizeof(at))
		return false;
	for (int i = 0; i < LINKS_MAX; i++) {
		ssize_t n = readlink(at, target, sizeof(target) - 1);
		const char *start, *slash = strrchr(at, '/');
		size_t n_kept = 0;

		if (n <= 0)
			return false;
		target[n] = '\0';
		start = strstr(target, zone_dir);
		if (start != NULL) {
			strcpy(name, start + strlen(zone_dir));
			return zone_exists(name);
		}
		if (target[0] != '/' && slash != NULL)
			n_kept = (size_t)(slash - at) + 1;
		if ((size_t)snprintf(at + n_kept, sizeof(at) - n_kept, "%s", target) >= sizeof(at) - n_kept)
			return false;
	}
	return false;
}

char *zone_of_system(const char *localtime_path, const char *timezone_path, enum zone_source *source)
{
	char name[PATH_MAX] = "UTC";

	if (read_link(localtime_path, name))
		*source = ZONE_LOCALTIME;
	else if (read_word(timezone_path, name))
		*source = ZONE_TIMEZONE;
	else
		*source = ZONE_NONE;
	return strdup(*source == ZONE_NONE ? "UTC" : name);
}

const char *zone_source_text(enum zone_source source)
{
	static const char *const texts[] = {[ZONE_CONFIGURED] = "tallyd.ini",
					    [ZONE_LOCALTIME] = ZONE_LOCALTIME_PATH,
					    [ZONE_TIMEZONE] = ZONE_TIMEZONE_PATH,
					    [ZONE_NONE] = "none"};

	return texts[source];
}

void zone_describe(const char *name, enum zone_source source, char out[ZONE_TEXT_MAX])
{
	if (source == ZONE_NONE)
		snprintf(out, ZONE_TEXT_MAX, "%s (no zone was found)", name);
	else
		snprintf(out, ZONE_TEXT_MAX, "%s (from %s)", name, zone_source_text(source));
}
