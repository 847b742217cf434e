/* SPDX-License-Identifier: MIT */
#include "zone.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* First word of /etc/timezone. */
static bool read_etc_timezone(char name[PATH_MAX])
{
	FILE *f = fopen("/etc/timezone", "re");
	bool good;

	if (f == NULL)
		return false;
	good = fgets(name, PATH_MAX, f) != NULL;
	fclose(f);
	if (good)
		name[strcspn(name, " \t\r\n")] = '\0';
	return good && *name != '\0' && zone_exists(name);
}

/* The part after "zoneinfo/" of the target of /etc/localtime. */
static bool read_etc_localtime(char name[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlink("/etc/localtime", target, sizeof(target) - 1);
	const char *start;

	if (n <= 0)
		return false;
	target[n] = '\0';
	start = strstr(target, "zoneinfo/");
	if (start == NULL)
		return false;
	strcpy(name, start + strlen("zoneinfo/"));
	return zone_exists(name);
}

char *zone_of_system(void)
{
	char name[PATH_MAX];

	if (read_etc_timezone(name) || read_etc_localtime(name))
		return strdup(name);
	return strdup("UTC");
}
