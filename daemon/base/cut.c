/* SPDX-License-Identifier: MIT */
#include "cut.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mono.h"

int cut_init(struct cut *c)
{
	atomic_init(&c->until_us, INT64_MAX);
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->fd < 0 ? -errno : 0;
}

void cut_fini(struct cut *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void cut_short(struct cut *c, int64_t until_us)
{
	atomic_store(&c->until_us, until_us);
	eventfd_write(c->fd, 1);
}

bool cut_is_over(struct cut *c)
{
	return mono_us() >= atomic_load(&c->until_us);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int cut_wait(struct cut *c, int fd, short events, int64_t until_us)
{
	struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = c == NULL ? -1 : c->fd, .events = POLLIN}};
	struct timespec t;
	int64_t left_us;
	int rc;

	do {
		p[0].revents = p[1].revents = 0;
		left_us = (c == NULL ? until_us : earlier(until_us, atomic_load(&c->until_us))) - mono_us();
		if (left_us < 0)
			left_us = 0;
		t = (struct timespec){.tv_sec = left_us / 1000000, .tv_nsec = (long)(left_us % 1000000) * 1000};
		rc = ppoll(p, 2, &t, NULL);
		/* The cut is known now; it stays readable. */
		if (rc > 0 && p[1].revents != 0)
			p[1].fd = -1;
	} while ((rc < 0 && errno == EINTR) || (rc > 0 && p[0].revents == 0));
	return rc < 0 ? -errno : p[0].revents;
}
