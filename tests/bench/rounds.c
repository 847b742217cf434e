/* SPDX-License-Identifier: MIT */
/* rounds - measures how long a round over all meters of a bus takes: through the daemon's own worker and, with -b,
 * through a bare loop of libmodbus calls over the same requests.
 * Prints figure<TAB>value<TAB>unit; times are medians over the rounds.
 * Usage: rounds [-b] DIR ROUNDS
 *   DIR  configuration directory with one bus, all of its meters of one model
 *   -b   after each round a round by the bare loop (transport tcp only) */
#include <modbus.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bus.h"
#include "conf.h"
#include "conf_load.h"
#include "driver.h"
#include "err.h"
#include "frame.h"
#include "link.h"
#include "mono.h"
#include "plan.h"

enum { WORDS = 512, REQUESTS = 16, ROUNDS_MAX = 1000 };

struct meter {
	struct bus_job job;
	uint16_t words[WORDS];
	struct link_reply replies[REQUESTS];
};

/* One way to read: the time and the processor time of each of its rounds. */
struct run {
	int64_t wall_us[ROUNDS_MAX], cpu_us[ROUNDS_MAX];
};

struct bench {
	struct conf *conf;
	const struct conf_bus *line;
	struct plan *plan;
	struct bus *bus;
	sem_t woken;
	struct meter *meters;
	modbus_t *bare;
	int n_rounds;
	size_t n_failed;
	struct run worker, loop;
};

static void fail(const char *what)
{
	fprintf(stderr, "rounds: %s\n", what);
	exit(1);
}

static void wake(void *context)
{
	sem_post(context);
}

/* Processor time of all threads. */
static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void load(struct bench *b, const char *dir)
{
	struct err e = {0};

	b->conf = conf_load(dir, &e);
	err_print(&e, stderr);
	err_fini(&e);
	if (b->conf == NULL || b->conf->n_buses != 1)
		fail("the configuration is not good, or does not have exactly one bus");
	b->line = &b->conf->buses[0];
	b->plan = plan_new(b->line->meters[0].driver, DRIVER_ENERGY, NULL, NULL);
	b->meters = calloc(b->line->n_meters, sizeof(struct meter));
	if (b->plan == NULL || b->meters == NULL || b->plan->n_words > WORDS || b->plan->n_requests > REQUESTS)
		fail("out of memory, or the plan has too many words or requests");
}

static void open_bus(struct bench *b)
{
	sem_init(&b->woken, 0, 0);
	b->bus = bus_new(b->line, wake, &b->woken);
	if (b->bus == NULL)
		fail("the bus does not start");
	while (!bus_is_open(b->bus, NULL, 0))
		sem_wait(&b->woken);
}

static void open_bare(struct bench *b)
{
	char port[8];

	snprintf(port, sizeof(port), "%u", b->line->port);
	b->bare = modbus_new_tcp_pi(b->line->host, port);
	if (b->bare == NULL || modbus_connect(b->bare) < 0)
		fail("libmodbus cannot connect");
}

static void submit(struct bench *b, size_t i)
{
	struct meter *m = &b->meters[i];

	m->job = (struct bus_job){.unit = b->line->meters[i].address,
				  .timeout_ms = b->line->response_timeout_ms,
				  .n_requests = b->plan->n_requests,
				  .requests = b->plan->requests,
				  .words = m->words,
				  .replies = m->replies};
	bus_submit(b->bus, &m->job);
}

/* The time counts from the first request of the round to the last answer. */
static void run_worker_round(struct bench *b, int round)
{
	int64_t first_us = INT64_MAX, last_us = 0, spent_us = cpu_us();
	struct bus_job *job;

	for (size_t i = 0; i < b->line->n_meters; i++)
		submit(b, i);
	for (size_t i = 0; i < b->line->n_meters; i++) {
		while ((job = bus_take(b->bus)) == NULL)
			sem_wait(&b->woken);
		first_us = job->started_us < first_us ? job->started_us : first_us;
		last_us = job->ended_us > last_us ? job->ended_us : last_us;
		b->n_failed += job->n_requests - job->n_done;
		for (size_t k = 0; k < job->n_done; k++)
			b->n_failed += job->replies[k].status != LINK_OK;
	}
	b->worker.wall_us[round] = last_us - first_us;
	b->worker.cpu_us[round] = cpu_us() - spent_us;
}

static void run_loop_round(struct bench *b, int round)
{
	int64_t start_us = mono_us(), spent_us = cpu_us();
	uint16_t words[WORDS];

	for (size_t i = 0; i < b->line->n_meters; i++) {
		modbus_set_slave(b->bare, b->line->meters[i].address);
		for (size_t k = 0; k < b->plan->n_requests; k++) {
			const struct plan_request *r = &b->plan->requests[k];
			int n = r->function == 3 ? modbus_read_registers(b->bare, r->address, r->n_words, words)
						 : modbus_read_input_registers(b->bare, r->address, r->n_words, words);

			b->n_failed += n != r->n_words;
		}
	}
	b->loop.wall_us[round] = mono_us() - start_us;
	b->loop.cpu_us[round] = cpu_us() - spent_us;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double median(int64_t *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return n % 2 ? (double)values[n / 2] : (double)(values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_run(struct bench *b, const char *name, struct run *run)
{
	double n_requests = (double)b->line->n_meters * b->plan->n_requests;
	double wall_us = median(run->wall_us, b->n_rounds);

	printf("%s.round\t%.4f\ts\n", name, wall_us / 1e6);
	printf("%s.requests_per_second\t%.1f\t1/s\n", name, n_requests * 1e6 / wall_us);
	printf("%s.cpu_per_request\t%.2f\tus\n", name, median(run->cpu_us, b->n_rounds) / n_requests);
}

/* The time that the wire alone needs for a round. */
static void print_wire(const struct bench *b)
{
	int64_t wire_us = 0;

	for (size_t i = 0; i < b->plan->n_requests; i++)
		wire_us += (int64_t)b->line->n_meters * frame_exchange_us(b->plan->requests[i].n_words,
									  b->line->meters[0].driver->turnaround_ms,
									  b->line->baud, conf_bits_per_char(b->line));
	printf("wire.round\t%.4f\ts\n", (double)wire_us / 1e6);
}

static void stop(struct bench *b)
{
	if (b->bare != NULL) {
		modbus_close(b->bare);
		modbus_free(b->bare);
	}
	bus_free(b->bus);
	plan_free(b->plan);
	conf_free(b->conf);
	sem_destroy(&b->woken);
	free(b->meters);
}

int main(int argc, char **argv)
{
	static struct bench b;
	bool has_loop = argc > 1 && strcmp(argv[1], "-b") == 0;

	if (argc != 3 + has_loop)
		fail("usage: rounds [-b] DIR ROUNDS");
	b.n_rounds = atoi(argv[2 + has_loop]);
	if (b.n_rounds < 1 || b.n_rounds > ROUNDS_MAX)
		fail("the number of rounds is not valid; use 1 to 1000");
	load(&b, argv[1 + has_loop]);
	open_bus(&b);
	if (has_loop)
		open_bare(&b);
	for (int i = 0; i < b.n_rounds; i++) {
		run_worker_round(&b, i);
		if (has_loop)
			run_loop_round(&b, i);
	}
	print_run(&b, "ours", &b.worker);
	if (has_loop)
		print_run(&b, "loop", &b.loop);
	if (b.line->transport != CONF_TCP)
		print_wire(&b);
	printf("failed\t%zu\t1\n", b.n_failed);
	stop(&b);
	return 0;
}
