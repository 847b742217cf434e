/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_is_wanted(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* Length of the address in a, or 0. */
static socklen_t manager_address(struct sockaddr_un *a)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path == NULL ? 0 : strlen(path);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (n < 2 || n >= sizeof(a->sun_path) || (path[0] != '/' && path[0] != '@'))
		return 0;
	memcpy(a->sun_path, path, n);
	if (path[0] == '@')
		a->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

void notify_send(const char *fmt, ...)
{
	struct sockaddr_un a;
	socklen_t size = manager_address(&a);
	char text[512];
	va_list args;
	int fd;

	if (size == 0)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&a, size);
	close(fd);
}

int64_t notify_watchdog_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (us == NULL || !notify_is_wanted() || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoll(us, NULL, 10);
}
