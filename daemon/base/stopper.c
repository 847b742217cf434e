/* SPDX-License-Identifier: MIT */
#include "stopper.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "mono.h"

int stopper_init(struct stopper *s)
{
	atomic_init(&s->until_us, INT64_MAX);
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s->fd < 0 ? -errno : 0;
}

void stopper_fini(struct stopper *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void stopper_stop_at(struct stopper *s, int64_t until_us)
{
	atomic_store(&s->until_us, until_us);
	eventfd_write(s->fd, 1);
}

bool stopper_is_over(struct stopper *s)
{
	return mono_us() >= atomic_load(&s->until_us);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int stopper_wait(struct stopper *s, int fd, short events, int64_t until_us)
{
	struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = s == NULL ? -1 : s->fd, .events = POLLIN}};
	struct timespec t;
	int64_t left_us;
	int rc;

	do {
		p[0].revents = p[1].revents = 0;
		left_us = (s == NULL ? until_us : earlier(until_us, atomic_load(&s->until_us))) - mono_us();
		if (left_us < 0)
			left_us = 0;
		t = (struct timespec){.tv_sec = left_us / 1000000, .tv_nsec = (long)(left_us % 1000000) * 1000};
		rc = ppoll(p, 2, &t, NULL);
		/* The stop is known now; its descriptor stays readable. */
		if (rc > 0 && p[1].revents != 0)
			p[1].fd = -1;
	} while ((rc < 0 && errno == EINTR) || (rc > 0 && p[0].revents == 0));
	return rc < 0 ? -errno : p[0].revents;
}
