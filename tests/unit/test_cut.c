/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "cut.h"
#include "mono.h"
#include "unit.h"

enum { LONG_US = 60000000 };

TEST(what_is_there_is_told_at_once)
{
	struct cut c;
	int fds[2];

	assert_int_equal(cut_init(&c), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(cut_wait(&c, fds[0], POLLIN, mono_us() + LONG_US), POLLIN);
	assert_int_equal(cut_wait(NULL, fds[0], POLLIN, mono_us() + LONG_US), POLLIN);
	/* What is there is still taken when the cut is over. */
	cut_short(&c, mono_us());
	assert_true(cut_is_over(&c));
	assert_int_equal(cut_wait(&c, fds[0], POLLIN, mono_us() + LONG_US), POLLIN);
	close(fds[0]);
	close(fds[1]);
	cut_fini(&c);
}

TEST(wait_ends_at_its_own_bound)
{
	struct cut c;
	int fds[2];

	assert_int_equal(cut_init(&c), 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(cut_wait(&c, fds[0], POLLIN, mono_us() + 1000), 0);
	assert_false(cut_is_over(&c));
	cut_short(&c, mono_us() + LONG_US);
	assert_int_equal(cut_wait(&c, fds[0], POLLIN, mono_us() + 1000), 0);
	assert_false(cut_is_over(&c));
	close(fds[0]);
	close(fds[1]);
	cut_fini(&c);
}

static void *wait_long(void *context)
{
	struct cut *c = context;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(cut_wait(c, fds[0], POLLIN, INT64_MAX / 2), 0);
	close(fds[0]);
	close(fds[1]);
	return NULL;
}

TEST(wait_of_another_thread_is_cut_short)
{
	pthread_t thread;
	struct cut c;

	assert_int_equal(cut_init(&c), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_long, &c), 0);
	cut_short(&c, mono_us() + 10000);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(cut_is_over(&c));
	cut_fini(&c);
}

UNIT_MAIN(NULL, NULL)
