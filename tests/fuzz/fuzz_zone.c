/* SPDX-License-Identifier: MIT */
/* fuzz_zone.c - any text as the name of a time zone, in the configuration and as /etc/timezone: what is taken is a file
 * below /usr/share/zoneinfo. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_name(const char *name)
{
	if (!zone_exists(name))
		return;
	require(name[0] != '/' && name[0] != '\0' && strstr(name, "/../") == NULL && strncmp(name, "../", 3) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char file[40], described[ZONE_TEXT_MAX], *text = malloc(n + 1), *zone;
	enum zone_source source;
	int fd;

	if (text == NULL)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	check_name(text);
	snprintf(file, sizeof(file), "/dev/shm/fuzz_zone.%d", (int)getpid());
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		require(write(fd, data, n) == (ssize_t)n);
		close(fd);
		zone = zone_of_system("/nonexistent", file, &source);
		require(zone != NULL && zone_exists(zone) && (source == ZONE_TIMEZONE || source == ZONE_NONE));
		check_name(zone);
		zone_describe(zone, source, described);
		free(zone);
		unlink(file);
	}
	free(text);
	return 0;
}
