/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <semaphore.h>

#include "bus.h"
#include "link.h"
#include "mono.h"
#include "plan.h"
#include "slave.h"
#include "unit.h"

#define READ_1	"05 03 c6 52 00 01 18 d7"
#define READ_2	"05 03 c6 52 00 02 58 d6"
#define READ_4	"05 03 c6 52 00 04 d8 d4"
#define READ_3	"05 03 c6 52 00 03 99 16"
#define ONE	"05 03 02 00 07 08 46"
#define THREE	"05 03 06 00 01 e2 40 00 00 19 d9"
#define STALE	"05 03 04 00 02 00 00 1e 33"
#define TWO	"05 03 04 00 01 e2 40 a7 63"
#define FOUR	"05 03 08 00 01 e2 40 00 00 00 07 c7 a8"
#define REFUSAL "05 83 02 81 30"
#define TCP_TWO "tid 00 00 00 07 05 03 04 00 01 e2 40"

enum { LONG_MS = 5000, SHORT_MS = 100 };

static const struct plan_request two = {.function = 3, .address = 0xc652, .n_words = 2, .word = 0};
static const struct plan_request four = {.function = 3, .address = 0xc652, .n_words = 4, .word = 0};
static const struct plan_request two_or_three = {.function = 3, .address = 0xc652, .n_words = 2, .n_spare = 1};
static const struct plan_request two_and_four[] = {
	{.function = 3, .address = 0xc652, .n_words = 2, .word = 0},
	{.function = 3, .address = 0xc652, .n_words = 4, .word = 2},
};

/* A bus with its peer, and room for one job. */
struct bench {
	struct slave slave;
	struct conf_bus conf;
	struct bus *bus;
	sem_t woken;
	struct bus_job job;
	uint16_t words[6];
	struct link_reply replies[2];
};

static void wake(void *context)
{
	sem_post(context);
}

static void wait_wake(struct bench *b)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 60;
	assert_int_equal(sem_timedwait(&b->woken, &t), 0);
}

static void wait_open(struct bench *b, bool is_open)
{
	while (bus_is_open(b->bus, NULL, 0) != is_open)
		wait_wake(b);
}

static void start_bus(struct bench *b)
{
	sem_init(&b->woken, 0, 0);
	b->bus = bus_new(&b->conf, wake, &b->woken);
	assert_non_null(b->bus);
}

static void bench_init(struct bench *b, enum conf_transport transport)
{
	memset(b, 0, sizeof(*b));
	slave_init(&b->slave, transport);
	b->conf = slave_conf(&b->slave);
	b->conf.baud = 115200;
	start_bus(b);
	wait_open(b, true);
}

static void bench_fini(struct bench *b)
{
	slave_join(&b->slave);
	assert_string_equal(b->slave.failure, "");
	bus_stop(b->bus);
	bus_free(b->bus);
	sem_destroy(&b->woken);
	slave_fini(&b->slave);
}

static void submit_offering(struct bench *b, const struct plan_request *requests, size_t n, uint32_t timeout_ms,
			    const struct plan_request *offered, size_t n_offered)
{
	memset(b->words, 0xad, sizeof(b->words));
	b->job = (struct bus_job){
		.owner = b,
		.unit = 5,
		.timeout_ms = timeout_ms,
		.n_requests = n,
		.requests = requests,
		.offered = offered,
		.n_offered = n_offered,
		.words = b->words,
		.replies = b->replies,
	};
	bus_submit(b->bus, &b->job);
}

static void submit(struct bench *b, const struct plan_request *requests, size_t n, uint32_t timeout_ms)
{
	submit_offering(b, requests, n, timeout_ms, NULL, 0);
}

static void take(struct bench *b)
{
	struct bus_job *job;

	while ((job = bus_take(b->bus)) == NULL)
		wait_wake(b);
	assert_ptr_equal(job, &b->job);
	assert_ptr_equal(job->owner, b);
	assert_true(job->ended_us >= job->started_us && job->started_us > 0);
	assert_null(bus_take(b->bus));
}

static enum link_status run(struct bench *b, const struct plan_request *requests, size_t n, uint32_t timeout_ms)
{
	submit(b, requests, n, timeout_ms);
	take(b);
	return b->replies[b->job.n_done - 1].status;
}

TEST(a_job_comes_back_with_all_its_words)
{
	static const struct slave_step steps[] = {{READ_2, TWO}, {READ_4, FOUR}};
	static const uint16_t expected[] = {0x0001, 0xe240, 0x0001, 0xe240, 0x0000, 0x0007};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 2);
	assert_int_equal(run(&b, two_and_four, 2, LONG_MS), LINK_OK);
	assert_int_equal(b.job.n_done, 2);
	assert_memory_equal(b.words, expected, sizeof(expected));
	assert_true(bus_busy_us(b.bus) > 0);
	assert_null(bus_take(b.bus));
	bench_fini(&b);
}

TEST(jobs_come_back_in_order)
{
	static const struct slave_step steps[] = {{NULL, TCP_TWO}, {NULL, TCP_TWO}, {NULL, TCP_TWO}};
	struct link_reply replies[3];
	struct bus_job jobs[3], *job;
	uint16_t words[3][2];
	struct bench b;

	bench_init(&b, CONF_TCP);
	slave_start(&b.slave, steps, 3);
	for (int i = 0; i < 3; i++) {
		jobs[i] = (struct bus_job){.unit = 5,
					   .timeout_ms = LONG_MS,
					   .n_requests = 1,
					   .requests = &two,
					   .words = words[i],
					   .replies = &replies[i]};
		bus_submit(b.bus, &jobs[i]);
	}
	for (int i = 0; i < 3; i++) {
		while ((job = bus_take(b.bus)) == NULL)
			wait_wake(&b);
		assert_ptr_equal(job, &jobs[i]);
		assert_int_equal(replies[i].status, LINK_OK);
	}
	bench_fini(&b);
}

/* One wake may serve several jobs, but no job comes without one. Jobs without requests are faster than any line. */
TEST(no_job_comes_back_without_a_wake)
{
	enum { ROUNDS = 2000, JOBS = 8 };
	struct bus_job jobs[JOBS], *job;
	struct bench b;

	bench_init(&b, CONF_RTU_OVER_TCP);
	slave_start(&b.slave, NULL, 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < JOBS; i++) {
			jobs[i] = (struct bus_job){.unit = 5, .timeout_ms = LONG_MS};
			bus_submit(b.bus, &jobs[i]);
		}
		for (int i = 0; i < JOBS; i++) {
			while ((job = bus_take(b.bus)) == NULL)
				wait_wake(&b);
			assert_ptr_equal(job, &jobs[i]);
		}
	}
	bench_fini(&b);
}

TEST(an_exception_does_not_end_a_job)
{
	static const struct slave_step steps[] = {{READ_2, REFUSAL}, {READ_4, FOUR}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 2);
	assert_int_equal(run(&b, two_and_four, 2, LONG_MS), LINK_OK);
	assert_int_equal(b.job.n_done, 2);
	assert_int_equal(b.replies[0].status, LINK_EXCEPTION);
	assert_int_equal(b.replies[0].exception, 2);
	bench_fini(&b);
}

TEST(a_timeout_ends_a_job)
{
	static const struct slave_step steps[] = {{READ_2, NULL}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 1);
	assert_int_equal(run(&b, two_and_four, 2, SHORT_MS), LINK_TIMEOUT);
	assert_int_equal(b.job.n_done, 1);
	bench_fini(&b);
}

/* The first request times out; its answer comes during the next request, of the same length. */
TEST(a_late_answer_does_not_answer_a_later_request)
{
	static const struct slave_step steps[] = {{READ_2, NULL}, {READ_1, STALE " ~20 " ONE}, {READ_2, TWO}};
	static const enum conf_transport transports[] = {CONF_RTU, CONF_RTU_OVER_TCP};
	struct bench b;

	for (int i = 0; i < 2; i++) {
		bench_init(&b, transports[i]);
		slave_start(&b.slave, steps, 3);
		assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
		assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
		assert_int_equal(b.words[0], 0x0001);
		assert_int_equal(b.words[1], 0xe240);
		bench_fini(&b);
	}
}

TEST(one_fence_settles_a_debt)
{
	static const struct slave_step steps[] = {{READ_2, NULL}, {READ_1, ONE}, {READ_2, TWO}, {READ_4, FOUR}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 4);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	assert_int_equal(run(&b, &four, 1, LONG_MS), LINK_OK);
	bench_fini(&b);
}

TEST(a_fence_is_another_request_of_the_job_where_possible)
{
	static const struct slave_step steps[] = {
		{READ_2, NULL}, {READ_4, STALE " ~20 " FOUR}, {READ_2, TWO}, {READ_4, FOUR}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 4);
	assert_int_equal(run(&b, two_and_four, 2, SHORT_MS), LINK_TIMEOUT);
	assert_int_equal(run(&b, two_and_four, 2, LONG_MS), LINK_OK);
	assert_int_equal(b.words[0], 0x0001);
	bench_fini(&b);
}

TEST(a_fence_is_a_request_that_the_job_offers)
{
	static const struct slave_step steps[] = {{READ_2, NULL}, {READ_4, FOUR}, {READ_2, TWO}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 3);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	submit_offering(&b, &two, 1, LONG_MS, two_and_four, 2);
	take(&b);
	assert_int_equal(b.replies[0].status, LINK_OK);
	assert_int_equal(b.words[0], 0x0001);
	bench_fini(&b);
}

TEST(a_fence_has_a_length_that_no_owed_answer_has)
{
	static const struct slave_step steps[] = {{READ_2, NULL}, {READ_1, NULL}, {READ_3, THREE}, {READ_2, TWO}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 4);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	bench_fini(&b);
}

TEST(a_refused_fence_settles_nothing)
{
	static const struct slave_step steps[] = {{READ_2, NULL}, {READ_1, REFUSAL}, {READ_3, THREE}, {READ_2, TWO}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 4);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	assert_int_equal(b.job.n_done, 1);
	assert_int_equal(b.words[0], 0xadad);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	bench_fini(&b);
}

TEST(a_fence_stands_between_equal_requests_also_of_two_jobs)
{
	static const struct slave_step steps[] = {{READ_2, STALE}, {READ_1, STALE " ~5 " ONE}, {READ_2, TWO}};
	static const enum conf_transport transports[] = {CONF_RTU, CONF_RTU_OVER_TCP};
	struct bench b;

	for (int i = 0; i < 2; i++) {
		bench_init(&b, transports[i]);
		slave_start(&b.slave, steps, 3);
		assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
		assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
		assert_int_equal(b.words[0], 0x0001);
		assert_int_equal(b.words[1], 0xe240);
		bench_fini(&b);
	}
}

TEST(an_answer_that_comes_again_does_not_answer_a_request_of_another_length)
{
	static const struct slave_step steps[] = {{READ_2, TWO}, {READ_4, TWO " ~5 " FOUR}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 2);
	assert_int_equal(run(&b, two_and_four, 2, LONG_MS), LINK_OK);
	assert_int_equal(b.replies[1].refused, LINK_WRONG_LENGTH);
	assert_int_equal(b.words[5], 0x0007);
	bench_fini(&b);
}

TEST(a_request_with_spare_words_needs_no_fence)
{
	static const struct slave_step steps[] = {{READ_2, STALE},
						  {READ_3, STALE " ~5 " THREE},
						  {READ_2, THREE " ~5 " TWO},
						  {READ_3, NULL},
						  {READ_2, TWO}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 3);
	assert_int_equal(run(&b, &two_or_three, 1, LONG_MS), LINK_OK);
	assert_int_equal(b.words[0], 0x0002);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(run(&b, &two_or_three, 1, LONG_MS), LINK_OK);
		assert_int_equal(b.words[1], 0xe240);
		assert_int_equal(b.words[2], 0xadad);
	}
	bench_fini(&b);
}

TEST(refused_spare_words_are_left_out)
{
	static const struct slave_step steps[] = {{READ_2, STALE}, {READ_3, REFUSAL}, {READ_2, REFUSAL " | " TWO}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 3);
	assert_int_equal(run(&b, &two_or_three, 1, LONG_MS), LINK_OK);
	assert_int_equal(run(&b, &two_or_three, 1, LONG_MS), LINK_OK);
	assert_int_equal(b.words[1], 0xe240);
	bench_fini(&b);
}

TEST(a_refused_fence_settles_what_was_answered)
{
	static const struct slave_step steps[] = {{READ_2, STALE}, {READ_1, STALE " ~5 " REFUSAL}, {READ_2, TWO}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 3);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	assert_int_equal(b.words[1], 0xe240);
	bench_fini(&b);
}

TEST(after_a_refusal_a_request_that_was_answered_before_is_the_fence)
{
	static const struct slave_step steps[] = {
		{READ_2, TWO}, {READ_4, REFUSAL}, {READ_2, REFUSAL " | " TWO}, {READ_4, REFUSAL}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 4);
	assert_int_equal(run(&b, two_and_four, 2, LONG_MS), LINK_EXCEPTION);
	assert_int_equal(run(&b, &four, 1, LONG_MS), LINK_EXCEPTION);
	bench_fini(&b);
}

/* The same refusal twice in a row: the second one may be the first once more. */
TEST(a_refusal_that_comes_again_refuses_no_later_request)
{
	static const struct slave_step steps[] = {{READ_2, REFUSAL}, {READ_4, REFUSAL " | " FOUR}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 2);
	assert_int_equal(run(&b, two_and_four, 2, LONG_MS), LINK_OK);
	assert_int_equal(b.replies[0].status, LINK_EXCEPTION);
	assert_int_equal(b.words[5], 0x0007);
	bench_fini(&b);
}

TEST(a_second_refusal_counts_when_nothing_else_comes)
{
	static const struct slave_step waited[] = {{READ_2, REFUSAL}, {READ_4, REFUSAL}},
				       repeated[] = {{READ_2, REFUSAL}, {READ_4, REFUSAL " " REFUSAL}},
				       other[] = {{READ_2, REFUSAL}, {READ_4, "05 83 06 80 f3"}};
	struct bench b;

	for (int i = 0; i < 3; i++) {
		bench_init(&b, CONF_RTU);
		slave_start(&b.slave, i == 0 ? waited : i == 1 ? repeated : other, 2);
		assert_int_equal(run(&b, two_and_four, 2, i == 0 ? SHORT_MS : LONG_MS), LINK_EXCEPTION);
		assert_int_equal(b.job.n_done, 2);
		assert_int_equal(b.replies[1].exception, i == 2 ? 6 : 2);
		bench_fini(&b);
	}
}

/* Its first sending may still be answered: it was not the gateway's end of the line that closed. */
TEST(a_request_repeated_on_a_fresh_connection_stands_apart_from_itself)
{
	static const struct slave_step steps[] = {{READ_2, "close"}, {READ_1, STALE " ~5 " ONE}, {READ_2, TWO}};
	struct bench b;

	bench_init(&b, CONF_RTU_OVER_TCP);
	slave_start(&b.slave, steps, 3);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	assert_int_equal(b.words[1], 0xe240);
	bench_fini(&b);
}

TEST(other_units_need_no_fence)
{
	static const struct slave_step steps[] = {{READ_2, NULL},
						  {"fa 03 c6 52 00 02 4c d9", STALE " fa 03 04 00 01 e2 40 a8 6c"}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 2);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	b.job.unit = 250;
	b.job.timeout_ms = LONG_MS;
	bus_submit(b.bus, &b.job);
	take(&b);
	assert_int_equal(b.replies[0].status, LINK_OK);
	assert_int_equal(b.replies[0].refused, LINK_WRONG_UNIT);
	assert_int_equal(b.words[0], 0x0001);
	bench_fini(&b);
}

TEST(a_new_connection_follows_a_tcp_timeout)
{
	static const struct slave_step steps[] = {{NULL, NULL}, {NULL, TCP_TWO}};
	struct bench b;

	bench_init(&b, CONF_TCP);
	slave_start(&b.slave, steps, 2);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	assert_true(bus_is_open(b.bus, NULL, 0));
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	assert_int_equal(b.words[1], 0xe240);
	bench_fini(&b);
}

TEST(a_gateway_may_close_the_connection_after_each_answer)
{
	static const struct slave_step steps[] = {{NULL, TCP_TWO " close"}, {NULL, TCP_TWO " close"}, {NULL, TCP_TWO}};
	struct bench b;

	bench_init(&b, CONF_TCP);
	slave_start(&b.slave, steps, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
		assert_true(bus_is_open(b.bus, NULL, 0));
	}
	bench_fini(&b);
}

/* The connection has ended before the second request, not while that is under way: it would be repeated for that, and a
 * request is repeated once. */
TEST(a_request_on_a_connection_that_ends_is_repeated_at_once_on_a_fresh_one)
{
	static const struct slave_step steps[] = {
		{NULL, "close"}, {NULL, TCP_TWO " close"}, {NULL, "reset"}, {NULL, TCP_TWO}};
	struct bench b;

	bench_init(&b, CONF_TCP);
	for (int i = 0; i < 2; i++) {
		slave_start(&b.slave, steps + 2 * i, 2);
		assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
		slave_join(&b.slave);
		assert_int_equal(b.words[1], 0xe240);
		assert_true(bus_is_open(b.bus, NULL, 0));
	}
	bench_fini(&b);
}

/* A gateway that closes each connection as soon as it is asked answers nothing: one repetition for each request. */
TEST(a_request_is_repeated_once_only)
{
	static const struct slave_step steps[] = {{NULL, "close"}, {NULL, "close"}, {NULL, TCP_TWO}};
	struct bench b;

	bench_init(&b, CONF_TCP);
	slave_start(&b.slave, steps, 3);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_CLOSED);
	assert_int_equal(b.job.n_done, 1);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	bench_fini(&b);
}

TEST(an_answer_that_has_begun_is_not_asked_for_again_at_once)
{
	static const struct slave_step steps[] = {{NULL, "tid 00 00 close"}, {NULL, TCP_TWO}};
	struct bench b;

	bench_init(&b, CONF_TCP);
	slave_start(&b.slave, steps, 2);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_CLOSED);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	bench_fini(&b);
}

TEST(a_gateway_that_refuses_is_reported_and_retried)
{
	static const struct slave_step steps[] = {{NULL, TCP_TWO}};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char why[128], expected[128];
	struct bench b;
	int one = 1;

	memset(&b, 0, sizeof(b));
	slave_init(&b.slave, CONF_TCP);
	close(b.slave.listener);
	b.slave.listener = -1;
	b.conf = slave_conf(&b.slave);
	start_bus(&b);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_CLOSED);
	assert_int_equal(b.job.n_done, 1);
	assert_false(bus_is_open(b.bus, why, sizeof(why)));
	snprintf(expected, sizeof(expected), "host 127.0.0.1 port %u: Connection refused", (unsigned)b.slave.port);
	assert_string_equal(why, expected);

	a.sin_port = htons(b.slave.port);
	b.slave.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(b.slave.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(b.slave.listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(b.slave.listener, 8), 0);
	wait_open(&b, true);
	slave_start(&b.slave, steps, 1);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	bench_fini(&b);
}

TEST(an_adapter_plugged_in_again_is_reopened)
{
	static const struct slave_step steps[] = {{READ_2, TWO}};
	char dir[] = "/tmp/test_bus_XXXXXX", device[64], why[128], expected[128];
	struct bench b;

	assert_non_null(mkdtemp(dir));
	snprintf(device, sizeof(device), "%s/ttyUSB0", dir);
	memset(&b, 0, sizeof(b));
	slave_init(&b.slave, CONF_RTU);
	assert_int_equal(symlink(b.slave.device, device), 0);
	b.conf = slave_conf(&b.slave);
	b.conf.device = device;
	start_bus(&b);
	wait_open(&b, true);

	slave_fini(&b.slave);
	assert_int_equal(unlink(device), 0);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_CLOSED);
	wait_open(&b, false);
	assert_false(bus_is_open(b.bus, why, sizeof(why)));
	snprintf(expected, sizeof(expected), "port %s is gone (hung up)", device);
	if (strcmp(why, expected) != 0) {
		snprintf(expected, sizeof(expected), "port %s does not exist; plug in the adapter", device);
		assert_string_equal(why, expected);
	}

	slave_init(&b.slave, CONF_RTU);
	assert_int_equal(symlink(b.slave.device, device), 0);
	wait_open(&b, true);
	slave_start(&b.slave, steps, 1);
	assert_int_equal(run(&b, &two, 1, LONG_MS), LINK_OK);
	assert_int_equal(unlink(device), 0);
	assert_int_equal(rmdir(dir), 0);
	bench_fini(&b);
}

TEST(a_stop_returns_the_queued_jobs)
{
	static const struct slave_step steps[] = {{READ_2, NULL}};
	struct link_reply reply;
	struct bus_job queued = {
		.unit = 6, .timeout_ms = LONG_MS, .n_requests = 1, .requests = &two, .replies = &reply};
	uint16_t words[2];
	struct bench b;

	queued.words = words;
	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 1);
	submit(&b, &two, 1, SHORT_MS);
	bus_submit(b.bus, &queued);
	/* The first job is under way now. */
	slave_join(&b.slave);
	bus_stop(b.bus);
	assert_ptr_equal(bus_take(b.bus), &b.job);
	assert_ptr_equal(bus_take(b.bus), &queued);
	assert_int_equal(queued.n_done, 0);
	assert_null(bus_take(b.bus));
	bench_fini(&b);
}

/* Several lines are silent for a minute: all of them are stopped before the first one is joined. */
TEST(silent_lines_end_together_within_the_grace_time)
{
	enum { N = 8 };
	static struct bench b[N];
	int64_t until_us;

	for (size_t i = 0; i < N; i++) {
		bench_init(&b[i], i % 2 ? CONF_RTU : CONF_TCP);
		submit(&b[i], &two, 1, 60000);
	}
	for (size_t i = 0; i < N; i++)
		bus_ask_stop(b[i].bus);
	until_us = mono_us() + 20000000;
	for (size_t i = 0; i < N; i++) {
		assert_true(bus_wait_end(b[i].bus, until_us));
		bus_stop(b[i].bus);
		assert_ptr_equal(bus_take(b[i].bus), &b[i].job);
		/* We interrupted the request: it does not count against the meter. */
		assert_int_equal(b[i].job.n_done, 0);
		bench_fini(&b[i]);
	}
}

TEST(a_line_that_ends_waits_for_the_answer_under_way)
{
	static const struct slave_step steps[] = {{READ_2, NULL}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, steps, 1);
	submit(&b, &two, 1, LONG_MS);
	slave_join(&b.slave);
	bus_ask_stop(b.bus);
	slave_follow(&b.slave, TWO);
	bus_stop(b.bus);
	assert_ptr_equal(bus_take(b.bus), &b.job);
	assert_int_equal(b.job.n_done, 1);
	assert_int_equal(b.replies[0].status, LINK_OK);
	assert_int_equal(b.words[1], 0xe240);
	bench_fini(&b);
}

/* The fence is answered, but the request after it is not: its words are still those of an earlier reading. */
TEST(a_fence_answered_while_the_line_ends_answers_no_request)
{
	static const struct slave_step silent[] = {{READ_2, NULL}}, fence[] = {{READ_1, NULL}};
	struct bench b;

	bench_init(&b, CONF_RTU);
	slave_start(&b.slave, silent, 1);
	assert_int_equal(run(&b, &two, 1, SHORT_MS), LINK_TIMEOUT);
	slave_join(&b.slave);
	slave_start(&b.slave, fence, 1);
	submit(&b, &two, 1, LONG_MS);
	slave_join(&b.slave);
	bus_ask_stop(b.bus);
	slave_follow(&b.slave, ONE);
	bus_stop(b.bus);
	assert_ptr_equal(bus_take(b.bus), &b.job);
	assert_int_equal(b.job.n_done, 0);
	assert_int_equal(b.replies[0].status, LINK_TIMEOUT);
	assert_int_equal(b.words[0], 0xadad);
	bench_fini(&b);
}

UNIT_MAIN(NULL, NULL)
