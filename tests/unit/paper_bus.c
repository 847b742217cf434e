/* SPDX-License-Identifier: MIT */
#include "paper_bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"
#include "log.h"
#include "mono.h"

enum { WRITTEN_MAX = 4000, IMPLAUSIBLE_WH = 1000000, LEAP_WH = 50000 };

#define VALUES "active_energy_import = 100 u32 10 Wh energy\nactive_power = 200 s32 1 W power\n"
#define MAKER  "maker = 500 text:2 - - identity expect=SOCO\n"
const char plain_model[] = MODEL_HEAD VALUES;
const char identified_model[] = MODEL_HEAD VALUES MAKER;
const char numbered_model[] = MODEL_HEAD VALUES MAKER "serial_number = 502 hex:1 - - identity\n";

struct bus {
	struct bus_job *asked, **asked_end;
	struct bus_job *answered, **answered_end;
	bool is_open;
	unsigned n_closed_looks; /* so many times bus_is_open() says no, then the line is back */
	int64_t busy_us;
};

struct conf_meter meters[METERS_MAX];
struct poller *poller;
int64_t now_ms;
int64_t latency_us;
unsigned n_logged;
char known_serial[8];
uint32_t second_power_every_s;

static struct bus bus;
static struct driver *driver;
static struct conf_bus conf;
static int64_t last_tick_ms;
static char written[WRITTEN_MAX];

static void write_down(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void write_down(const char *fmt, ...)
{
	size_t length = strlen(written);
	va_list args;

	va_start(args, fmt);
	vsnprintf(written + length, sizeof(written) - length, fmt, args);
	va_end(args);
}

/* The clocks and the bus that the poller sees. */

int64_t mono_us(void)
{
	return now_ms * 1000;
}

int64_t mono_wall_ms(void)
{
	return now_ms;
}

void mono_sleep_until_us(int64_t until_us)
{
	(void)until_us;
}

static const char *owner_name(const struct bus_job *job)
{
	const struct meter *m = job->owner;

	return m->conf->name;
}

void bus_submit(struct bus *b, struct bus_job *job)
{
	job->next = NULL;
	job->n_done = 0;
	*b->asked_end = job;
	b->asked_end = &job->next;
	write_down("ask %s", owner_name(job));
	for (size_t i = 0; i < job->n_requests; i++)
		write_down(" %u+%u", job->requests[i].address, job->requests[i].n_words);
	if (job->timeout_ms != TIMEOUT_MS)
		write_down(" in %ums", job->timeout_ms);
	write_down("\n");
}

struct bus_job *bus_take(struct bus *b)
{
	struct bus_job *job = b->answered;

	if (job == NULL)
		return NULL;
	b->answered = job->next;
	if (b->answered == NULL)
		b->answered_end = &b->answered;
	return job;
}

bool bus_is_open(struct bus *b, char *why, size_t n)
{
	if (n > 0)
		snprintf(why, n, "port gone");
	if (b->n_closed_looks > 0) {
		b->n_closed_looks--;
		return false;
	}
	return b->is_open;
}

int64_t bus_busy_us(const struct bus *b)
{
	return b->busy_us;
}

/* The sink. */

static void on_reading(void *context, const struct reading *r)
{
	static const char *const qualities[] = {"good", "late", "suspect", "unsynchronised"};

	(void)context;
	write_down("<m%d %d %s%s%s %s", (int)r->meter, (int)r->slot_s, r->groups & DRIVER_ENERGY ? "E" : "",
		   r->groups & DRIVER_POWER ? "P" : "", r->groups & DRIVER_STATE ? "S" : "", qualities[r->quality]);
	if (r->delay_ms != 0)
		write_down(" %ums", r->delay_ms);
	if (r->groups & DRIVER_ENERGY && !reading_has(r, Q_ACTIVE_ENERGY_IMPORT))
		write_down(" no energy");
	if (r->groups & DRIVER_POWER && !reading_has(r, Q_ACTIVE_POWER))
		write_down(" no power");
	if (r->values[Q_ACTIVE_ENERGY_IMPORT] >= IMPLAUSIBLE_WH)
		write_down(" implausible");
	else if (r->values[Q_ACTIVE_ENERGY_IMPORT] >= LEAP_WH)
		write_down(" leaps");
	write_down(">\n");
}

static enum reading_doubt judge(void *context, const struct reading *r, int64_t power_mw)
{
	int64_t wh = reading_has(r, Q_ACTIVE_ENERGY_IMPORT) ? r->values[Q_ACTIVE_ENERGY_IMPORT] : 0;

	(void)context, (void)power_mw;
	if (wh >= IMPLAUSIBLE_WH)
		return READING_IS_UNLIKELY;
	return wh >= LEAP_WH ? READING_LEAPS : READING_FOLLOWS;
}

static void on_event(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	(void)context, (void)at_ms;
	write_down("!%s %s: %s\n", subject, kind, detail);
}

static void on_serial(void *context, int64_t meter, const char *serial)
{
	(void)context;
	if (strcmp(serial, known_serial) != 0)
		write_down("m%d is %s\n", (int)meter, serial);
	snprintf(known_serial, sizeof(known_serial), "%s", serial);
}

static bool is_known_serial(void *context, int64_t meter, const char *serial)
{
	(void)context, (void)meter;
	return strcmp(serial, known_serial) == 0;
}

static int64_t find_id(void *context, const char *name)
{
	(void)context;
	return atoi(name + 1);
}

static void on_log(enum log_level level, const char *line)
{
	(void)level, (void)line;
	n_logged++;
}

static const struct poller_sink sink = {.reading = on_reading,
					.judge = judge,
					.is_known_serial = is_known_serial,
					.event = on_event,
					.serial = on_serial,
					.meter_id = find_id};

/* Beginning and end of a story. */

void begin(const char *model, size_t n, uint32_t energy_every_s, uint32_t power_every_s)
{
	struct err e = {0};

	bus = (struct bus){.asked_end = &bus.asked, .answered_end = &bus.answered, .is_open = true};
	driver = driver_parse("test.ini", model, strlen(model), &e);
	err_print(&e, stderr);
	err_fini(&e);
	assert_non_null(driver);
	for (size_t i = 0; i < n; i++) {
		meters[i] = (struct conf_meter){.driver = driver,
						.model = "test",
						.address = (uint8_t)(i + 1),
						.ct_primary = 1,
						.ct_secondary = 1,
						.vt_primary = 1,
						.vt_secondary = 1,
						.energy_every_s = energy_every_s,
						.power_every_s = power_every_s,
						.response_timeout_ms = TIMEOUT_MS,
						.retries = 1};
		snprintf(meters[i].name, sizeof(meters[i].name), "m%zu", i + 1);
	}
	if (second_power_every_s != 0)
		meters[1].power_every_s = second_power_every_s;
	second_power_every_s = 0;
	conf = (struct conf_bus){.name = "line", .n_meters = n, .meters = meters};
	known_serial[0] = '\0';
	forget();
	n_logged = 0;
	log_set_sink(on_log);
	now_ms = last_tick_ms = START_MS;
	latency_us = 40000;
	poller = poller_new(&conf, &bus, &sink, now_ms);
	assert_non_null(poller);
}

void begin_up(const char *model, size_t n, uint32_t energy_every_s, uint32_t power_every_s)
{
	begin(model, n, energy_every_s, power_every_s);
	tick(START_MS);
	answer_all();
	forget();
	n_logged = 0;
}

int end(void **state)
{
	(void)state;
	poller_free(poller);
	driver_free(driver);
	poller = NULL;
	driver = NULL;
	log_set_sink(NULL);
	return 0;
}

void reload(void)
{
	struct poller *old = poller;

	poller_end(old, true, now_ms);
	poller = poller_new(&conf, &bus, &sink, now_ms);
	assert_non_null(poller);
	poller_inherit(poller, old);
	poller_free(old);
}

void expect(const char *text)
{
	assert_string_equal(written, text);
	forget();
}

void forget(void)
{
	written[0] = '\0';
}

bool was_written(const char *text)
{
	return strstr(written, text) != NULL;
}

/* The actors. */

void tick(int64_t ms)
{
	now_ms = last_tick_ms = ms;
	poller_tick(poller, now_ms);
}

void wake(void)
{
	poller_results(poller, now_ms);
}

const char *asked_first(void)
{
	return bus.asked == NULL ? NULL : owner_name(bus.asked);
}

void bring_back(enum link_status status, uint8_t exception, size_t n_done)
{
	struct bus_job *job = bus.asked;

	assert_non_null(job);
	bus.asked = job->next;
	if (bus.asked == NULL)
		bus.asked_end = &bus.asked;
	job->next = NULL;
	job->ended_us = mono_us();
	job->n_done = n_done;
	for (size_t i = 0; i < n_done; i++)
		job->replies[i] = (struct link_reply){
			.status = status, .exception = exception, .sent_us = 1, .latency_us = latency_us};
	*bus.answered_end = job;
	bus.answered_end = &job->next;
}

void time_out(void)
{
	bring_back(LINK_TIMEOUT, 0, 1);
	wake();
}

void answer_exception(uint8_t exception)
{
	bring_back(LINK_EXCEPTION, exception, bus.asked->n_requests);
	wake();
}

void refuse(size_t n)
{
	for (size_t i = 0; i < n; i++)
		answer_exception(2);
}

void answer_with(uint16_t word)
{
	const struct bus_job *job = bus.asked;

	for (size_t i = 0; i < job->n_requests; i++)
		for (size_t k = 0; k < job->requests[i].n_words; k++)
			job->words[job->requests[i].word + k] = word;
	if (job->requests[0].address == 500)
		memcpy(job->words, (uint16_t[]){0x534F, 0x434F}, 4);
	bring_back(LINK_OK, 0, job->n_requests);
	wake();
}

void answer(void)
{
	bool is_identity = bus.asked->requests[0].address == 500 && bus.asked->requests[0].n_words == 3;

	answer_with(is_identity ? SERIAL : 0);
}

void answer_after(int64_t ms)
{
	now_ms = last_tick_ms + ms;
	answer();
}

void answer_all(void)
{
	while (bus.asked != NULL)
		answer();
}

void answer_except(size_t request, enum link_status status, uint8_t exception)
{
	struct bus_job *job = bus.asked;

	bring_back(LINK_OK, 0, job->n_requests);
	job->replies[request].status = status;
	job->replies[request].exception = exception;
	wake();
}

void answer_other_maker(void)
{
	memcpy(bus.asked->words, (uint16_t[]){0x4142, 0x4344}, 4);
	bring_back(LINK_OK, 0, 1);
	wake();
}

void take_down_m1(int64_t ms)
{
	for (int i = 0; i < 3; i++) {
		tick(ms + i * SLOT_MS);
		while (bus.asked != NULL)
			strcmp(asked_first(), "m1") == 0 ? time_out() : answer();
	}
	assert_string_equal(meter_status(0).state, "down");
}

static void close_all_jobs(void)
{
	while (bus.asked != NULL)
		bring_back(LINK_CLOSED, 0, 1);
	wake();
}

void lose_line(void)
{
	bus.is_open = false;
	close_all_jobs();
}

void lose_line_for_looks(unsigned n)
{
	bus.n_closed_looks = n;
	close_all_jobs();
	bus.n_closed_looks = 0;
}

void restore_line_after(int64_t ms)
{
	bus.is_open = true;
	now_ms = last_tick_ms + ms;
	wake();
}

void break_connection(void)
{
	bring_back(LINK_CLOSED, 0, 1);
	wake();
}

void set_busy_us(int64_t busy_us)
{
	bus.busy_us = busy_us;
}

struct bus_status bus_status(void)
{
	struct bus_status st;

	poller_bus_status(poller, &st);
	return st;
}

struct meter_status meter_status(size_t i)
{
	struct meter_status st;
	int64_t id;

	poller_meter_status(poller, i, &id, &st);
	return st;
}
