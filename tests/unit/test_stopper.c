/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "mono.h"
#include "stopper.h"
#include "unit.h"

enum { LONG_US = 60000000 };

TEST(bytes_that_are_ready_are_reported_at_once)
{
	struct stopper s;
	int fds[2];

	assert_int_equal(stopper_init(&s), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(stopper_wait(&s, fds[0], POLLIN, mono_us() + LONG_US), POLLIN);
	assert_int_equal(stopper_wait(NULL, fds[0], POLLIN, mono_us() + LONG_US), POLLIN);
	/* Bytes that are ready are reported even when the time is over. */
	stopper_stop_at(&s, mono_us());
	assert_true(stopper_is_over(&s));
	assert_int_equal(stopper_wait(&s, fds[0], POLLIN, mono_us() + LONG_US), POLLIN);
	close(fds[0]);
	close(fds[1]);
	stopper_fini(&s);
}

TEST(a_wait_ends_at_its_own_deadline)
{
	struct stopper s;
	int fds[2];

	assert_int_equal(stopper_init(&s), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(stopper_wait(&s, fds[0], POLLIN, mono_us() + 1000), 0);
	assert_false(stopper_is_over(&s));
	stopper_stop_at(&s, mono_us() + LONG_US);
	assert_int_equal(stopper_wait(&s, fds[0], POLLIN, mono_us() + 1000), 0);
	assert_false(stopper_is_over(&s));
	close(fds[0]);
	close(fds[1]);
	stopper_fini(&s);
}

static void *wait_long(void *context)
{
	struct stopper *s = context;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(stopper_wait(s, fds[0], POLLIN, INT64_MAX / 2), 0);
	close(fds[0]);
	close(fds[1]);
	return NULL;
}

TEST(a_stop_ends_the_wait_of_another_thread)
{
	pthread_t thread;
	struct stopper s;

	assert_int_equal(stopper_init(&s), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_long, &s), 0);
	stopper_stop_at(&s, mono_us() + 10000);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(stopper_is_over(&s));
	stopper_fini(&s);
}

UNIT_MAIN(NULL, NULL)
