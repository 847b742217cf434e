/* SPDX-License-Identifier: MIT */
/* line_efficiency - what a round of 31 meters takes over what the wire itself needs, and what a request costs in
 * processor time. Prints figure<TAB>value<TAB>unit. Usage: line_efficiency [ROUNDS] */
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus.h"
#include "conf.h"
#include "driver.h"
#include "plan.h"

enum { METERS = 31, TEXT_MAX = 8192, WORDS = 512, REQUESTS = 16, TIMEOUT_MS = 1000 };

struct meter {
	struct bus_job job;
	uint16_t words[WORDS];
	struct link_reply replies[REQUESTS];
};

struct bench {
	char dir[32];
	unsigned baud;
	pid_t sim;
	struct conf *conf;
	struct plan *plan;
	struct bus *bus;
	sem_t woken;
	struct meter meters[METERS];
	int64_t round_us, cpu_us;
	size_t n_requests, n_good;
};

static void wake(void *context)
{
	sem_post(context);
}

static char *path_in(const struct bench *b, const char *name, char *path, size_t n)
{
	snprintf(path, n, "%s/%s", b->dir, name);
	return path;
}

static void write_site(const struct bench *b)
{
	char path[64], port[64];
	FILE *f = fopen(path_in(b, "site.ini", path, sizeof(path)), "we");

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	fprintf(f, "[site]\ndrivers = %s\n[bus line]\ntransport = rtu\npath = %s\nbaud = %u\n", TALLY_DRIVER_PATH,
		path_in(b, "port", port, sizeof(port)), b->baud);
	for (int i = 1; i <= METERS; i++)
		fprintf(f, "[meter m%d]\nbus = line\nmodel = countis-e43\naddress = %d\n", i, i);
	fclose(f);
}

/* Returns when the simulator is ready. */
static void start_sim(struct bench *b)
{
	char path[64], text[256];
	int ends[2];
	FILE *out;

	path_in(b, "site.ini", path, sizeof(path));
	if (pipe(ends) < 0 || (b->sim = fork()) < 0) {
		perror("tally-sim");
		exit(1);
	}
	if (b->sim == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(TALLY_SIM, "tally-sim", path, NULL);
		_exit(127);
	}
	close(ends[1]);
	out = fdopen(ends[0], "r");
	while (out != NULL && fgets(text, sizeof(text), out) != NULL)
		if (strcmp(text, "ready\n") == 0)
			break;
	if (out == NULL || strcmp(text, "ready\n") != 0) {
		fprintf(stderr, "tally-sim did not start\n");
		exit(1);
	}
	fclose(out);
}

static void load_conf(struct bench *b)
{
	char text[TEXT_MAX], port[64];
	struct conf_text main_text = {"tallyd.ini", "", 0}, bus_text = {"line.ini", text, 0};
	struct err e = {0};
	int n = snprintf(text, sizeof(text), "[bus]\ntransport = rtu\ndevice = %s\nbaud = %u\n",
			 path_in(b, "port", port, sizeof(port)), b->baud);

	for (int i = 1; i <= METERS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "[meter m%d]\nmodel = countis-e43\naddress = %d\n", i,
			      i);
	bus_text.n_bytes = (size_t)n;
	b->conf = conf_parse(b->dir, &main_text, &bus_text, 1, &e);
	err_print(&e, stderr);
	err_fini(&e);
	if (b->conf == NULL)
		exit(1);
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void run_round(struct bench *b)
{
	int64_t first_us = INT64_MAX, last_us = 0;
	struct bus_job *job;

	for (int i = 0; i < METERS; i++) {
		struct meter *m = &b->meters[i];

		m->job = (struct bus_job){.unit = (uint8_t)(i + 1),
					  .timeout_ms = TIMEOUT_MS,
					  .n_requests = b->plan->n_requests,
					  .requests = b->plan->requests,
					  .words = m->words,
					  .replies = m->replies};
		bus_submit(b->bus, &m->job);
	}
	for (int i = 0; i < METERS; i++) {
		while ((job = bus_take(b->bus)) == NULL)
			sem_wait(&b->woken);
		first_us = job->started_us < first_us ? job->started_us : first_us;
		last_us = job->ended_us > last_us ? job->ended_us : last_us;
		b->n_requests += job->n_requests;
		for (size_t k = 0; k < job->n_done; k++)
			b->n_good += job->replies[k].status == LINK_OK;
	}
	b->round_us += last_us - first_us;
}

static void print_figures(const struct bench *b, int rounds)
{
	const struct conf_bus *c = &b->conf->buses[0];
	int64_t wire_us = 0;

	for (size_t i = 0; i < b->plan->n_requests; i++)
		wire_us += METERS *
			   plan_request_us(c->meters[0].driver, &b->plan->requests[i], b->baud, conf_bits_per_char(c));
	printf("round_%u\t%.3f\ts\n", b->baud, (double)b->round_us / rounds / 1e6);
	printf("wire_%u\t%.3f\ts\n", b->baud, (double)wire_us / 1e6);
	printf("round_over_wire_%u\t%.4f\t1\n", b->baud, (double)b->round_us / rounds / (double)wire_us);
	printf("cpu_per_request_%u\t%.1f\tus\n", b->baud, (double)b->cpu_us / (double)b->n_requests);
	printf("failed_requests_%u\t%zu\t1\n", b->baud, b->n_requests - b->n_good);
	fflush(stdout);
}

static void stop(struct bench *b)
{
	char path[64];

	bus_free(b->bus);
	plan_free(b->plan);
	conf_free(b->conf);
	sem_destroy(&b->woken);
	kill(b->sim, SIGTERM);
	waitpid(b->sim, NULL, 0);
	unlink(path_in(b, "port", path, sizeof(path)));
	unlink(path_in(b, "site.ini", path, sizeof(path)));
	rmdir(b->dir);
}

static void measure(unsigned baud, int rounds)
{
	static struct bench b;

	b = (struct bench){.dir = "/tmp/line_efficiency_XXXXXX", .baud = baud};
	if (mkdtemp(b.dir) == NULL)
		exit(1);
	write_site(&b);
	start_sim(&b);
	load_conf(&b);
	b.plan = plan_new(b.conf->buses[0].meters[0].driver, DRIVER_ENERGY, NULL, NULL);
	sem_init(&b.woken, 0, 0);
	b.bus = bus_new(&b.conf->buses[0], wake, &b.woken);
	if (b.plan == NULL || b.bus == NULL || b.plan->n_words > WORDS || b.plan->n_requests > REQUESTS)
		exit(1);
	while (!bus_is_open(b.bus, NULL, 0))
		sem_wait(&b.woken);
	b.cpu_us = cpu_us();
	for (int i = 0; i < rounds; i++)
		run_round(&b);
	b.cpu_us = cpu_us() - b.cpu_us;
	print_figures(&b, rounds);
	stop(&b);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1;

	measure(9600, rounds);
	measure(38400, rounds);
	return 0;
}
