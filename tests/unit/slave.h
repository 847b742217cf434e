/* SPDX-License-Identifier: MIT */
/* slave.h - a scripted peer on a pseudo-terminal or a loopback socket, in a thread of its own, for the tests of link
 * and bus. Each step waits for a request of literal bytes and then follows its script, words with blanks between:
 * "0a" a byte, "tid" the two bytes of the request's transaction, "tid+1" those of the next one, "|" what comes before
 * is written alone, "~20" the same and a pause of 20 ms, "close" the connection is closed and the next step accepts a
 * new one, "reset" the same with RST. */
#ifndef TALLY_TEST_SLAVE_H
#define TALLY_TEST_SLAVE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "unit.h"

struct slave_step {
	const char *request; /* "05 03 ..."; for TCP without transaction; NULL = any */
	const char *script;  /* NULL = no answer */
};

struct slave {
	enum conf_transport transport;
	int listener, fd; /* fd: master of the pseudo-terminal, or the accepted connection */
	int hold;	  /* a second descriptor of the terminal's other end, so that closing it is no hang-up */
	char device[64];
	uint16_t port;
	const struct slave_step *steps;
	size_t n_steps;
	pthread_t thread;
	bool started;
	char failure[256]; /* first request that was not as expected */
	uint8_t tid[2];
};

static inline void slave_open_pty(struct slave *s)
{
	s->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s->fd < 0 || grantpt(s->fd) < 0 || unlockpt(s->fd) < 0 || ptsname_r(s->fd, s->device, sizeof(s->device)))
		abort();
	s->hold = open(s->device, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static inline void slave_listen(struct slave *s, int family)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *a = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
	socklen_t size = family == AF_INET6 ? sizeof(six) : sizeof(four);

	s->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 || bind(s->listener, a, size) < 0 || listen(s->listener, 8) < 0 ||
	    getsockname(s->listener, a, &size) < 0)
		abort();
	s->port = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
}

static inline void slave_init(struct slave *s, enum conf_transport transport)
{
	*s = (struct slave){.transport = transport, .listener = -1, .fd = -1, .hold = -1};
	if (transport == CONF_RTU)
		slave_open_pty(s);
	else
		slave_listen(s, AF_INET);
}

static inline struct conf_bus slave_conf(struct slave *s)
{
	static char host[] = "127.0.0.1";

	return (struct conf_bus){
		.name = "workshop",
		.transport = s->transport,
		.device = s->transport == CONF_RTU ? s->device : NULL,
		.host = s->transport == CONF_RTU ? NULL : host,
		.port = s->port,
		.baud = 9600,
		.parity = CONF_NONE,
		.stop_bits = 1,
		.response_timeout_ms = 5000,
	};
}

static inline bool slave_wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 20000) == 1;
}

/* Read exactly n bytes of a request. */
static inline bool slave_read(struct slave *s, uint8_t *bytes, size_t n)
{
	for (size_t have = 0; have < n;) {
		ssize_t rc;

		if (!slave_wait_readable(s->fd))
			return false;
		rc = read(s->fd, bytes + have, n - have);
		if (rc <= 0)
			return false;
		have += (size_t)rc;
	}
	return true;
}

static inline void slave_check(struct slave *s, const char *expected, const uint8_t *bytes, size_t n)
{
	char text[64] = "";

	for (size_t i = 0; i < n; i++)
		sprintf(text + 3 * i, "%02x ", bytes[i]);
	text[3 * n - 1] = '\0';
	if (expected != NULL && strcmp(expected, text) != 0 && s->failure[0] == '\0')
		snprintf(s->failure, sizeof(s->failure), "request %s instead of %s", text, expected);
}

static inline void slave_pause(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* An end of the connection has arrived when this returns. */
static inline void slave_hang_up(struct slave *s, bool reset)
{
	struct linger l = {.l_onoff = 1};
	struct tcp_info info = {.tcpi_state = TCP_FIN_WAIT1};
	socklen_t size = sizeof(info);

	if (reset)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	else if (shutdown(s->fd, SHUT_WR) == 0)
		while (info.tcpi_state == TCP_FIN_WAIT1 && getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
			slave_pause(1);
	close(s->fd);
	s->fd = -1;
}

static inline void slave_flush(struct slave *s, const uint8_t *out, size_t *n)
{
	if (*n > 0 && s->fd >= 0) {
		if (s->transport == CONF_RTU ? write(s->fd, out, *n) < 0 : send(s->fd, out, *n, MSG_NOSIGNAL) < 0)
			errno = 0;
	}
	*n = 0;
}

/* Bytes up to the next "|", pause or the end are written at once. */
static inline void slave_follow(struct slave *s, const char *script)
{
	char copy[2048], *rest = copy, *word;
	uint8_t out[700];
	unsigned tid = (unsigned)s->tid[0] << 8 | s->tid[1];
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", script);
	while ((word = strsep(&rest, " ")) != NULL) {
		if (word[0] == '~' || word[0] == '|' || strcmp(word, "close") == 0 || strcmp(word, "reset") == 0)
			slave_flush(s, out, &n);
		if (word[0] == '|') {
			continue;
		} else if (word[0] == '~') {
			slave_pause(atol(word + 1));
		} else if (strcmp(word, "close") == 0 || strcmp(word, "reset") == 0) {
			slave_hang_up(s, word[0] == 'r');
		} else if (strncmp(word, "tid", 3) == 0) {
			unsigned t = tid + (word[3] == '+' ? 1 : 0);

			out[n++] = (uint8_t)(t >> 8);
			out[n++] = (uint8_t)t;
		} else if (word[0] != '\0') {
			out[n++] = (uint8_t)strtoul(word, NULL, 16);
		}
	}
	slave_flush(s, out, &n);
}

static inline bool slave_accept(struct slave *s)
{
	if (s->fd < 0 && slave_wait_readable(s->listener))
		s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	return s->fd >= 0;
}

/* The next request; a connection that the other side has closed is followed by a new one. */
static inline bool slave_request(struct slave *s, uint8_t *bytes, size_t n)
{
	if (s->transport == CONF_RTU)
		return slave_read(s, bytes, n);
	while (slave_accept(s)) {
		if (slave_read(s, bytes, n))
			return true;
		slave_hang_up(s, false);
	}
	return false;
}

static inline void *slave_run(void *context)
{
	struct slave *s = context;
	size_t skip = s->transport == CONF_TCP ? 6 : 0;
	uint8_t request[12];

	for (size_t i = 0; i < s->n_steps; i++) {
		if (!slave_request(s, request, s->transport == CONF_TCP ? 12 : 8)) {
			snprintf(s->failure, sizeof(s->failure), "step %zu: no request", i);
			break;
		}
		memcpy(s->tid, request, 2);
		slave_check(s, s->steps[i].request, request + skip, skip ? 6 : 8);
		if (s->steps[i].script != NULL)
			slave_follow(s, s->steps[i].script);
	}
	return NULL;
}

/* Call it for a pseudo-terminal after the link is open, because opening makes the line raw. */
static inline void slave_start(struct slave *s, const struct slave_step *steps, size_t n_steps)
{
	s->steps = steps;
	s->n_steps = n_steps;
	s->started = true;
	if (pthread_create(&s->thread, NULL, slave_run, s) != 0)
		abort();
}

/* Wait for the script to end. */
static inline void slave_join(struct slave *s)
{
	if (s->started)
		pthread_join(s->thread, NULL);
	s->started = false;
}

static inline void slave_fini(struct slave *s)
{
	slave_join(s);
	for (size_t i = 0; i < 3; i++) {
		int fd = i == 0 ? s->fd : i == 1 ? s->listener : s->hold;

		if (fd >= 0)
			close(fd);
	}
}

#endif
