/* SPDX-License-Identifier: MIT */
/* No fault may turn into a wrong word. The peer writes into every answer which unit and address it is for and in how
 * many requests it came, so that an answer taken for another's, or an older one for a newer one's, shows. Usage:
 * test_truth [JOBS [SEED]] */
#include <netinet/tcp.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "bus.h"
#include "frame.h"
#include "link.h"
#include "mono.h"
#include "plan.h"
#include "slave.h"
#include "unit.h"

enum { UNITS = 3, REQUESTS = 3, FAULT_PERCENT = 10, TWICE_PERCENT = 10, TIMEOUT_MS = 20, LATER_US = 30000 };

enum fault {
	SILENT,
	LATE,  /* comes right before the unit's next answer */
	LATER, /* comes after the timeout, when the line is quiet */
	CRC,
	UNIT,
	FUNCTION,
	SHORT,
	LONG,
	NOISE,
	RUBBISH,
	ECHO,
	REFUSED,
	DRIBBLED,
	TRANSACTION,
	RESET,
	CLOSED,	      /* in place of the answer */
	CLOSED_AFTER, /* after the answer */
	FAULTS
};

struct answer {
	size_t n;
	uint8_t bytes[300];
};

struct peer {
	struct slave slave;
	_Atomic uint32_t n_requests;
	_Atomic bool stop;
	uint32_t chance;
	struct answer late[256];
};

static unsigned long n_jobs = 400, first_seed;

static uint32_t draw(uint32_t *chance, uint32_t n)
{
	*chance = *chance * 1664525 + 1013904223;
	return (*chance >> 8) % n;
}

static void seal(struct answer *a, const struct peer *p)
{
	uint16_t crc;

	if (p->slave.transport == CONF_TCP)
		return;
	crc = frame_crc(a->bytes, a->n);
	a->bytes[a->n++] = (uint8_t)crc;
	a->bytes[a->n++] = (uint8_t)(crc >> 8);
}

/* An answer of n_words: address and number of the request in turn. */
static struct answer build(const struct peer *p, const uint8_t *request, uint8_t unit, uint8_t function,
			   unsigned n_words, uint32_t number)
{
	struct answer a = {0};
	const uint8_t *pdu = request;

	if (p->slave.transport == CONF_TCP) {
		memcpy(a.bytes, request, 4);
		a.bytes[5] = (uint8_t)(3 + 2 * n_words);
		a.n = 6;
		pdu += 6;
	}
	a.bytes[a.n++] = unit;
	a.bytes[a.n++] = function;
	a.bytes[a.n++] = (uint8_t)(2 * n_words);
	for (unsigned i = 0; i < n_words; i++) {
		a.bytes[a.n++] = i % 2 == 0 ? pdu[2] : (uint8_t)(number >> 8);
		a.bytes[a.n++] = i % 2 == 0 ? pdu[3] : (uint8_t)number;
	}
	seal(&a, p);
	return a;
}

static struct answer refusal(const struct peer *p, const uint8_t *request)
{
	struct answer a = build(p, request, 0, 0, 1, 0);
	size_t at = p->slave.transport == CONF_TCP ? 6 : 0;

	a.bytes[at] = request[at];
	a.bytes[at + 1] = request[at + 1] | 0x80;
	a.bytes[at + 2] = 6;
	a.n = at + 3;
	if (at != 0)
		a.bytes[5] = 3;
	seal(&a, p);
	return a;
}

static void put(struct peer *p, const uint8_t *bytes, size_t n)
{
	size_t length = n;

	slave_flush(&p->slave, bytes, &length);
}

/* The same answer once more: right behind the first, after a moment, or right before the unit's next answer. */
static void put_again(struct peer *p, const struct answer *a, struct answer *late)
{
	switch (draw(&p->chance, 3)) {
	case 0:
		put(p, a->bytes, a->n);
		break;
	case 1:
		slave_pause(1 + draw(&p->chance, 5));
		put(p, a->bytes, a->n);
		break;
	default:
		*late = *a;
	}
}

static void dribble(struct peer *p, const struct answer *a)
{
	for (size_t i = 0; i < a->n; i++) {
		put(p, a->bytes + i, 1);
		slave_pause(draw(&p->chance, 4));
	}
}

static void reply(struct peer *p, const uint8_t *request, uint32_t number)
{
	bool is_tcp = p->slave.transport == CONF_TCP;
	const uint8_t *pdu = request + (is_tcp ? 6 : 0);
	unsigned n_words = pdu[5];
	struct answer a = build(p, request, pdu[0], pdu[1], n_words, number), *late = &p->late[pdu[0]];
	enum fault fault = FAULTS;

	if (draw(&p->chance, 100) < FAULT_PERCENT)
		fault = (enum fault)draw(&p->chance, FAULTS);
	if (late->n > 0)
		put(p, late->bytes, late->n);
	late->n = 0;
	switch (fault) {
	case SILENT:
		return;
	case LATE:
		*late = a;
		return;
	case LATER:
		mono_sleep_until_us(mono_us() + TIMEOUT_MS * 1000 + draw(&p->chance, LATER_US));
		break;
	case CRC:
		if (!is_tcp)
			a.bytes[3 + draw(&p->chance, 2 * n_words)] ^= (uint8_t)(1u << draw(&p->chance, 8));
		break;
	case UNIT:
		a = build(p, request, (uint8_t)(pdu[0] + 1), pdu[1], n_words, number);
		break;
	case FUNCTION:
		a = build(p, request, pdu[0], pdu[1] ^ 7, n_words, number);
		break;
	case SHORT:
		a.n -= 1 + draw(&p->chance, 4);
		break;
	case LONG:
		a = build(p, request, pdu[0], pdu[1], n_words + 2, number);
		break;
	case NOISE:
		if (!is_tcp)
			put(p, (const uint8_t[]){0x00, 0xff}, 2);
		break;
	case RUBBISH:
		if (!is_tcp)
			put(p, (const uint8_t[]){0x05, 0x7e, 0x03}, 3);
		break;
	case ECHO:
		if (!is_tcp)
			put(p, request, 8);
		break;
	case REFUSED:
		a = refusal(p, request);
		break;
	case DRIBBLED:
		dribble(p, &a);
		return;
	case TRANSACTION:
		if (is_tcp)
			a.bytes[0] ^= 0x80; /* that of no request for a long time */
		break;
	case RESET:
	case CLOSED:
		if (p->slave.transport != CONF_RTU) {
			slave_hang_up(&p->slave, fault == RESET);
			return;
		}
		break;
	default:
		break;
	}
	put(p, a.bytes, a.n);
	if (draw(&p->chance, 100) < TWICE_PERCENT)
		put_again(p, &a, late);
	if (fault == CLOSED_AFTER && p->slave.transport != CONF_RTU) {
		slave_pause(draw(&p->chance, 3));
		slave_hang_up(&p->slave, false);
	}
}

/* Wait for bytes, without delaying the end of the program. */
static bool peer_wait(struct peer *p, int fd)
{
	struct pollfd f = {.fd = fd, .events = POLLIN};

	while (!p->stop)
		if (poll(&f, 1, 50) > 0)
			return true;
	return false;
}

static void *peer_run(void *context)
{
	struct peer *p = context;
	struct slave *s = &p->slave;
	size_t want = s->transport == CONF_TCP ? 12 : 8, have = 0;
	uint8_t request[12];
	ssize_t n;

	while (peer_wait(p, s->fd >= 0 ? s->fd : s->listener)) {
		if (s->fd < 0) {
			s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
			setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
			have = 0;
			continue;
		}
		n = read(s->fd, request + have, want - have);
		if (n <= 0) {
			if (s->transport != CONF_RTU)
				slave_hang_up(s, false);
			continue;
		}
		have += (size_t)n;
		if (have < want)
			continue;
		have = 0;
		reply(p, request, atomic_fetch_add(&p->n_requests, 1) + 1);
	}
	return NULL;
}

static void wake(void *context)
{
	sem_post(context);
}

static void check_answers(const struct bus_job *job, uint32_t number_before, uint32_t number_after,
			  unsigned long *n_good)
{
	for (size_t i = 0; i < job->n_done; i++) {
		const struct plan_request *r = &job->requests[i];
		const uint16_t *words = job->words + r->word;

		if (job->replies[i].status != LINK_OK)
			continue;
		++*n_good;
		for (size_t k = 0; k < r->n_words; k += 2) {
			assert_int_equal(words[k], r->address);
			assert_true((uint16_t)(words[k + 1] - (uint16_t)number_before - 1) <
				    (uint16_t)(number_after - number_before));
		}
	}
}

/* Requests of few lengths, so that many are equal. */
static void draw_requests(uint32_t *chance, struct plan_request *requests, uint8_t unit)
{
	uint16_t word = 0;

	for (uint16_t i = 0; i < REQUESTS; i++) {
		requests[i] = (struct plan_request){
			.function = 3, .address = (uint16_t)(unit * 0x1000 + i * 0x100 + draw(chance, 0x100))};
		requests[i].n_words = (uint16_t)(2 + 2 * draw(chance, 2));
		requests[i].n_spare = (uint16_t)draw(chance, 2);
		requests[i].word = word;
		word = (uint16_t)(word + requests[i].n_words);
	}
}

static unsigned long run_jobs(struct peer *p, struct bus *bus, sem_t *woken)
{
	struct plan_request requests[REQUESTS];
	struct link_reply replies[REQUESTS];
	uint16_t words[4 * REQUESTS];
	uint32_t chance = (uint32_t)first_seed * 7 + 1, before;
	unsigned long n_good = 0;

	for (unsigned long i = 0; i < n_jobs; i++) {
		uint8_t unit = (uint8_t)(1 + draw(&chance, UNITS));
		struct bus_job job = {.unit = unit,
				      .timeout_ms = TIMEOUT_MS,
				      .n_requests = 1 + draw(&chance, REQUESTS),
				      .requests = requests,
				      .words = words,
				      .replies = replies};

		while (!bus_is_open(bus, NULL, 0))
			sem_wait(woken);
		draw_requests(&chance, requests, unit);
		before = p->n_requests;
		bus_submit(bus, &job);
		while (bus_take(bus) == NULL)
			sem_wait(woken);
		check_answers(&job, before, p->n_requests, &n_good);
	}
	return n_good;
}

static void check_transport(enum conf_transport transport)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct conf_bus conf;
	pthread_t thread;
	unsigned long n_good;
	struct bus *bus;
	sem_t woken;

	assert_non_null(p);
	p->chance = (uint32_t)first_seed;
	slave_init(&p->slave, transport);
	conf = slave_conf(&p->slave);
	conf.baud = 115200;
	sem_init(&woken, 0, 0);
	bus = bus_new(&conf, wake, &woken);
	assert_non_null(bus);
	while (!bus_is_open(bus, NULL, 0))
		sem_wait(&woken);
	assert_int_equal(pthread_create(&thread, NULL, peer_run, p), 0);
	n_good = run_jobs(p, bus, &woken);
	print_message("%s: %lu jobs, %u requests, %lu good answers, seed %lu\n", conf_transport_text(transport), n_jobs,
		      (unsigned)p->n_requests, n_good, first_seed);
	assert_true(n_good > 0);
	bus_stop(bus);
	bus_free(bus);
	p->stop = true;
	pthread_join(thread, NULL);
	sem_destroy(&woken);
	slave_fini(&p->slave);
	free(p);
}

TEST(no_fault_becomes_a_wrong_word_on_a_port)
{
	check_transport(CONF_RTU);
}

TEST(no_fault_becomes_a_wrong_word_through_a_byte_gateway)
{
	check_transport(CONF_RTU_OVER_TCP);
}

TEST(no_fault_becomes_a_wrong_word_on_tcp)
{
	check_transport(CONF_TCP);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		n_jobs = strtoul(argv[1], NULL, 10);
	first_seed = argc > 2 ? strtoul(argv[2], NULL, 10) : (unsigned long)mono_us() % 1000000;
	return unit_run(__FILE__, NULL, NULL);
}
