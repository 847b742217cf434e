/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { BACKLOG = 16 };

static int make_link(const char *target, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && (!S_ISLNK(st.st_mode) || unlink(path) != 0))
		return -EEXIST;
	return symlink(target, path) == 0 ? 0 : -errno;
}

static void make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) != 0)
		return;
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
}

static int open_both_sides(struct place_pty *p, char *name, size_t name_bytes)
{
	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->master < 0 || grantpt(p->master) != 0 || unlockpt(p->master) != 0 ||
	    ptsname_r(p->master, name, name_bytes) != 0)
		return -errno;
	p->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->slave < 0)
		return -errno;
	p->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (p->watch < 0 || inotify_add_watch(p->watch, name, IN_CLOSE) < 0)
		return -errno;
	return 0;
}

int place_open_pty(const char *path, struct place_pty *p)
{
	char name[64];
	int rc;

	*p = (struct place_pty){.master = -1, .slave = -1, .watch = -1};
	rc = open_both_sides(p, name, sizeof(name));
	if (rc != 0)
		goto out;
	make_raw(p->slave);
	rc = make_link(name, path);
	if (rc != 0)
		goto out;
	p->path = strdup(path);
	if (p->path == NULL) {
		unlink(path);
		rc = -ENOMEM;
	}
out:
	if (rc != 0)
		place_close_pty(p);
	return rc;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void place_close_pty(struct place_pty *p)
{
	if (p->path != NULL)
		unlink(p->path);
	free(p->path);
	p->path = NULL;
	close_fd(&p->master);
	close_fd(&p->slave);
	close_fd(&p->watch);
}

void place_release_pty(struct place_pty *p)
{
	char events[4096];

	while (read(p->watch, events, sizeof(events)) > 0)
		;
	ioctl(p->slave, TIOCNXCL);
}

void place_get_speed(const struct place_pty *p, uint32_t *baud, unsigned *stop_bits)
{
	static const struct {
		speed_t code;
		uint32_t baud;
	} speeds[] = {{B300, 300},     {B600, 600},	  {B1200, 1200},     {B2400, 2400},
		      {B4800, 4800},   {B9600, 9600},	  {B19200, 19200},   {B38400, 38400},
		      {B57600, 57600}, {B115200, 115200}, {B230400, 230400}, {B460800, 460800}};
	struct termios t;

	*baud = 0;
	*stop_bits = 1;
	if (tcgetattr(p->slave, &t) != 0)
		return;
	*stop_bits = t.c_cflag & CSTOPB ? 2 : 1;
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].code == cfgetospeed(&t))
			*baud = speeds[i].baud;
}

static int listen_at(const struct addrinfo *a, uint16_t *port)
{
	struct sockaddr_in6 own; /* the larger of the two */
	socklen_t length = sizeof(own);
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &length) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*port = ntohs(own.sin6_port); /* at the same offset as in sockaddr_in */
	return fd;
}

int place_listen(const char *address, uint16_t *port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
	char service[8];
	int fd;

	snprintf(service, sizeof(service), "%u", *port);
	if (getaddrinfo(address, service, &hints, &found) != 0)
		return -EADDRNOTAVAIL;
	fd = listen_at(found, port);
	freeaddrinfo(found);
	return fd;
}
