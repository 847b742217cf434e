/* SPDX-License-Identifier: MIT */
#include "tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mono.h"
#include "stopper.h"

/* A gateway that lost power or its cable acknowledges nothing: after this time the kernel gives the connection up. */
enum { UNACKNOWLEDGED_MS = 10000, KEEPALIVE_IDLE_S = 30, KEEPALIVE_EVERY_S = 10, KEEPALIVE_TIMES = 3 };

/* A name server that is down costs the resolver five seconds before it turns to the next. */
enum { LOOKUP_US = 15000000 };

/* A look-up in a thread of its own, since getaddrinfo() has no bound and cannot be stopped. It is freed by the side
 * that drops it last. */
struct lookup {
	pthread_mutex_t lock;
	int done_fd; /* readable when it is done */
	unsigned users;
	int status; /* EAI_... */
	struct addrinfo *addresses;
	char service[8];
	char host[];
};

static const struct addrinfo hints = {
	.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};

static struct lookup *lookup_new(const char *host, uint16_t port)
{
	struct lookup *l = calloc(1, sizeof(*l) + strlen(host) + 1);

	if (l == NULL)
		return NULL;
	l->done_fd = eventfd(0, EFD_CLOEXEC);
	if (l->done_fd < 0) {
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->users = 1;
	strcpy(l->host, host);
	snprintf(l->service, sizeof(l->service), "%u", (unsigned)port);
	return l;
}

static void lookup_drop(struct lookup *l)
{
	bool last;

	pthread_mutex_lock(&l->lock);
	last = --l->users == 0;
	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	if (l->addresses != NULL)
		freeaddrinfo(l->addresses);
	close(l->done_fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void *lookup_run(void *context)
{
	struct lookup *l = context;
	struct addrinfo *addresses = NULL;
	int status = getaddrinfo(l->host, l->service, &hints, &addresses);

	pthread_mutex_lock(&l->lock);
	l->status = status;
	l->addresses = status == 0 ? addresses : NULL;
	pthread_mutex_unlock(&l->lock);
	eventfd_write(l->done_fd, 1);
	lookup_drop(l);
	return NULL;
}

static int lookup_start(struct lookup *l)
{
	pthread_t thread;
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	l->users++;
	rc = pthread_create(&thread, NULL, lookup_run, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		l->users--;
		return -rc;
	}
	pthread_detach(thread);
	return 0;
}

/* Whether it is done, with its status. */
static bool lookup_wait(struct lookup *l, struct stopper *stopper, int64_t until_us, int *status)
{
	if (stopper_wait(stopper, l->done_fd, POLLIN, until_us) <= 0)
		return false;
	pthread_mutex_lock(&l->lock);
	*status = l->status;
	pthread_mutex_unlock(&l->lock);
	return true;
}

/* Fill l->addresses: a literal address at once, a name within the bound. 0 or -errno with why. */
static int resolve(struct lookup *l, struct stopper *stopper, int64_t until_us, char *why, size_t n)
{
	struct addrinfo literal = hints;
	int rc, status;

	literal.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(l->host, l->service, &literal, &l->addresses) == 0)
		return 0;
	l->addresses = NULL;
	rc = lookup_start(l);
	if (rc < 0) {
		snprintf(why, n, "host %s cannot be looked up: %s", l->host, strerror(-rc));
		return rc;
	}
	if (!lookup_wait(l, stopper, until_us, &status)) {
		snprintf(why, n, "host %s: the name server did not answer in time", l->host);
		return -ETIMEDOUT;
	}
	if (status != 0) {
		snprintf(why, n, "host %s: %s", l->host, gai_strerror(status));
		return -EHOSTUNREACH;
	}
	return 0;
}

static void set_options(int fd)
{
	const struct {
		int level, option, value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TIMES},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].option, &options[i].value, sizeof(int));
}

/* Wait for a connection under way. 0 or -errno. */
static int finish_connect(int fd, struct stopper *stopper, int64_t until_us)
{
	int rc = stopper_wait(stopper, fd, POLLOUT, until_us);
	int error = 0;
	socklen_t size = sizeof(error);

	if (rc <= 0)
		return rc == 0 ? -ETIMEDOUT : rc;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

static int connect_to(const struct addrinfo *a, struct stopper *stopper, int64_t until_us)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	int rc;

	if (fd < 0)
		return -errno;
	set_options(fd);
	rc = connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? -errno : 0;
	if (rc == -EINPROGRESS)
		rc = finish_connect(fd, stopper, until_us);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* One address after the other, each with an equal share of the time that is left. */
static int connect_any(const struct addrinfo *first, struct stopper *stopper, int64_t until_us)
{
	int64_t n_left = 0, now_us;
	int rc = -EHOSTUNREACH;

	for (const struct addrinfo *a = first; a != NULL; a = a->ai_next)
		n_left++;
	for (const struct addrinfo *a = first; a != NULL; a = a->ai_next) {
		now_us = mono_us();
		rc = connect_to(a, stopper, now_us + (until_us - now_us) / n_left--);
		if (rc >= 0)
			break;
	}
	return rc;
}

int tcp_connect(const char *host, uint16_t port, uint32_t timeout_ms, struct stopper *stopper, char *why, size_t n)
{
	struct lookup *l = lookup_new(host, port);
	int rc;

	if (l == NULL) {
		snprintf(why, n, "out of memory");
		return -ENOMEM;
	}
	rc = resolve(l, stopper, mono_us() + LOOKUP_US, why, n);
	if (rc == 0) {
		rc = connect_any(l->addresses, stopper, mono_us() + (int64_t)timeout_ms * 1000);
		if (rc < 0)
			snprintf(why, n, "host %s port %u: %s", host, (unsigned)port, strerror(-rc));
	}
	lookup_drop(l);
	return rc;
}
