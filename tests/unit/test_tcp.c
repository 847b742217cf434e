/* SPDX-License-Identifier: MIT */
/* The resolver is replaced: a look-up of "slow" takes longer than a connection may take, a test sets the
 * address of "moving", and no server answers for "silent". */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mono.h"
#include "stopper.h"
#include "tcp.h"
#include "unit.h"

enum { TIMEOUT_MS = 1000 };

static const char *where = "127.0.0.1";
static sem_t test_is_over;

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	resolver libc;
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

	memcpy(&libc, &symbol, sizeof(libc));
	if (hints->ai_flags & AI_NUMERICHOST)
		return libc(host, service, hints, result);
	if (strcmp(host, "slow") == 0)
		mono_sleep_until_us(mono_us() + 2 * TIMEOUT_MS * 1000);
	if (strcmp(host, "silent") == 0)
		sem_wait(&test_is_over);
	return libc(where, service, hints, result);
}

/* A listener at this address of the loopback. Returns its port. */
static uint16_t listen_at(const char *address, int *fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t size = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(*fd, 1), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &size), 0);
	return ntohs(a.sin_port);
}

TEST(a_look_up_may_take_longer_than_a_connection)
{
	int listener, fd;
	uint16_t port = listen_at("127.0.0.1", &listener);
	char why[128];

	where = "127.0.0.1";
	fd = tcp_connect("slow", port, TIMEOUT_MS, NULL, why, sizeof(why));
	assert_true(fd >= 0);
	close(fd);
	close(listener);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

TEST(a_connection_to_a_gateway_without_power_is_given_up_in_seconds)
{
	int listener, fd;
	uint16_t port = listen_at("127.0.0.1", &listener);
	char why[128];

	fd = tcp_connect("127.0.0.1", port, TIMEOUT_MS, NULL, why, sizeof(why));
	assert_true(fd >= 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 10000);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	close(fd);
	close(listener);
}

TEST(a_name_is_looked_up_again_each_time)
{
	int listener, fd;
	uint16_t port = listen_at("127.0.0.2", &listener);
	char why[128];

	where = "127.0.0.1";
	assert_int_equal(tcp_connect("moving", port, TIMEOUT_MS, NULL, why, sizeof(why)), -ECONNREFUSED);
	where = "127.0.0.2";
	fd = tcp_connect("moving", port, TIMEOUT_MS, NULL, why, sizeof(why));
	assert_true(fd >= 0);
	close(fd);
	close(listener);
}

TEST(a_stop_cuts_a_look_up_short)
{
	struct stopper c;
	char why[128];

	assert_int_equal(stopper_init(&c), 0);
	sem_init(&test_is_over, 0, 0);
	stopper_stop_at(&c, mono_us() + 1000);
	assert_int_equal(tcp_connect("silent", 502, TIMEOUT_MS, &c, why, sizeof(why)), -ETIMEDOUT);
	assert_string_equal(why, "host silent: the name server did not answer in time");
	sem_post(&test_is_over);
	stopper_fini(&c);
}

UNIT_MAIN(NULL, NULL)
