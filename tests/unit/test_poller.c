/* SPDX-License-Identifier: MIT */
/* The poller on a bus of paper: what it asks, emits and tells is written down and compared with what is expected.
 * "ask m1 100+2" is one job and its requests, "<m1 60 EP good>" a reading with its slot and groups, "!m1 meter-down"
 * an event. The clocks stand still unless a test moves them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"
#include "log.h"
#include "meter.h"
#include "mono.h"
#include "poller.h"
#include "unit.h"

enum { METERS_MAX = 6, SAID_MAX = 4000, IMPLAUSIBLE_WH = 1000000 };

/* Energy, power and, at 500, who the meter is. */
#define HEAD   "[model]\nformat = 1\ntitle = Test\nvendor = V\nsource = S\nprovenance = vendor table\n[registers]\n"
#define VALUES "active_energy_import = 100 u32 10 Wh energy\nactive_power = 200 s32 1 W power\n"
#define WHO    "maker = 500 text:2 - - identity expect=SOCO\n"
static const char plain_model[] = HEAD VALUES;
static const char identified_model[] = HEAD VALUES WHO;
static const char numbered_model[] = HEAD VALUES WHO "serial_number = 502 hex:1 - - identity\n";
static const char wide_model[] = HEAD "active_energy_export = 104 u32 10 Wh energy\n" VALUES;
static const char coarse_model[] = HEAD "active_energy_import = 100 u32 10 Wh energy\n"
					"active_energy_import = 300 u32 1 kWh energy fallback\n";
static const char silent_model[] = HEAD WHO;

/* The bus of paper. */
struct bus {
	struct bus_job *asked, **asked_end;
	struct bus_job *answered, **answered_end;
	bool is_open;
	unsigned n_closed_looks; /* so many times bus_is_open() says no, then the line is back */
	int64_t busy_us;
};

static struct bus bus;
static int64_t now_ms;
static int64_t latency_us; /* of all answers */
static struct driver *driver;
static struct conf_meter meters[METERS_MAX];
static struct conf_bus conf;
static struct poller *poller;
static char known_serial[8]; /* of all meters */
static char said[SAID_MAX];
static unsigned n_logged;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	size_t length = strlen(said);
	va_list args;

	va_start(args, fmt);
	vsnprintf(said + length, sizeof(said) - length, fmt, args);
	va_end(args);
}

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

static const struct meter *owner(const struct bus_job *job)
{
	return job->owner;
}

void bus_submit(struct bus *b, struct bus_job *job)
{
	job->next = NULL;
	job->n_done = 0;
	*b->asked_end = job;
	b->asked_end = &job->next;
	say("ask %s", owner(job)->conf->name);
	for (size_t i = 0; i < job->n_requests; i++)
		say(" %u+%u", job->requests[i].address, job->requests[i].n_words);
	if (job->timeout_ms != 1000)
		say(" in %ums", job->timeout_ms);
	say("\n");
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

static void on_reading(void *context, const struct reading *r)
{
	static const char *const qualities[] = {"good", "late", "suspect", "unsynchronised"};

	(void)context;
	say("<m%d %d %s%s%s %s", (int)r->meter, (int)r->slot_s, r->groups & DRIVER_ENERGY ? "E" : "",
	    r->groups & DRIVER_POWER ? "P" : "", r->groups & DRIVER_STATE ? "S" : "", qualities[r->quality]);
	if (r->delay_ms != 0)
		say(" %ums", r->delay_ms);
	if (r->groups & DRIVER_ENERGY && !reading_has(r, Q_ACTIVE_ENERGY_IMPORT))
		say(" no energy");
	if (r->groups & DRIVER_POWER && !reading_has(r, Q_ACTIVE_POWER))
		say(" no power");
	if (r->values[Q_ACTIVE_ENERGY_IMPORT] >= IMPLAUSIBLE_WH)
		say(" implausible");
	say(">\n");
}

static bool is_plausible(void *context, const struct reading *r)
{
	(void)context;
	return !reading_has(r, Q_ACTIVE_ENERGY_IMPORT) || r->values[Q_ACTIVE_ENERGY_IMPORT] < IMPLAUSIBLE_WH;
}

static void on_event(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	(void)context, (void)at_ms;
	say("!%s %s: %s\n", subject, kind, detail);
}

static void on_serial(void *context, int64_t meter, const char *serial)
{
	(void)context;
	if (strcmp(serial, known_serial) != 0)
		say("m%d is %s\n", (int)meter, serial);
	snprintf(known_serial, sizeof(known_serial), "%s", serial);
}

static bool is_known_serial(void *context, int64_t meter, const char *serial)
{
	(void)context, (void)meter;
	return known_serial[0] == '\0' || strcmp(serial, known_serial) == 0;
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

/* Period of the second meter, for the next begin(); 0 = as the others. */
static uint32_t second_power_every_s;

static const struct poller_sink sink = {.reading = on_reading,
					.plausible = is_plausible,
					.is_known_serial = is_known_serial,
					.event = on_event,
					.serial = on_serial,
					.meter_id = find_id};

/* A poller of n meters of the model with these periods; it starts at one second. */
static void begin(const char *model, size_t n, uint32_t energy_every_s, uint32_t power_every_s)
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
						.response_timeout_ms = 1000,
						.retries = 1};
		snprintf(meters[i].name, sizeof(meters[i].name), "m%zu", i + 1);
	}
	if (second_power_every_s != 0)
		meters[1].power_every_s = second_power_every_s;
	second_power_every_s = 0;
	conf = (struct conf_bus){.name = "line", .n_meters = n, .meters = meters};
	said[0] = known_serial[0] = '\0';
	n_logged = 0;
	log_set_sink(on_log);
	now_ms = 1000;
	latency_us = 40000;
	poller = poller_new(&conf, &bus, &sink, now_ms);
	assert_non_null(poller);
}

static int end(void **state)
{
	(void)state;
	poller_free(poller);
	driver_free(driver);
	poller = NULL;
	driver = NULL;
	log_set_sink(NULL);
	return 0;
}

static void expect(const char *text)
{
	assert_string_equal(said, text);
	said[0] = '\0';
}

static void tick(int64_t ms)
{
	now_ms = ms;
	poller_tick(poller, now_ms);
}

/* Move the oldest job to the answered, n_done of its requests with this status. */
static void move(enum link_status status, uint8_t exception, size_t n_done)
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

/* The oldest job fails at its first request. */
static void break_off(enum link_status status, uint8_t exception)
{
	move(status, exception, status == LINK_EXCEPTION ? bus.asked->n_requests : 1);
	poller_results(poller, now_ms);
}

static void time_out(void)
{
	break_off(LINK_TIMEOUT, 0);
}

/* The oldest job is answered in full, every word with this one but for the maker: that is SOCO. */
static void answer_with(uint16_t word)
{
	const struct bus_job *job = bus.asked;

	for (size_t i = 0; i < job->n_requests; i++)
		for (size_t k = 0; k < job->requests[i].n_words; k++)
			job->words[job->requests[i].word + k] = word;
	if (job->requests[0].address == 500)
		memcpy(job->words, (uint16_t[]){0x534F, 0x434F}, 4);
	move(LINK_OK, 0, job->n_requests);
	poller_results(poller, now_ms);
}

static void answer(void)
{
	answer_with(0);
}

static void answer_all(void)
{
	while (bus.asked != NULL)
		answer();
}

/* Begin, and let every meter answer the first contact. */
static void begin_up(const char *model, size_t n, uint32_t energy_every_s, uint32_t power_every_s)
{
	begin(model, n, energy_every_s, power_every_s);
	tick(1000);
	answer_all();
	said[0] = '\0';
	n_logged = 0;
}

static struct bus_status bus_status(void)
{
	struct bus_status st;

	poller_bus_status(poller, &st);
	return st;
}

static struct meter_status meter_status(size_t i)
{
	struct meter_status st;
	int64_t id;

	poller_meter_status(poller, i, &id, &st);
	return st;
}

TEST_WITH(every_meter_is_asked_at_start_who_it_is_and_at_its_slot_what_it_counts, NULL, end)
{
	begin(identified_model, 2, 60, 10);
	assert_int_equal(poller_next_ms(poller, 1000), 1000);
	tick(1000);
	expect("ask m1 500+2\nask m2 500+2\n");
	answer_all();
	expect("!m1 meter-up: up: Test at line address 1\n!m2 meter-up: up: Test at line address 2\n");
	assert_int_equal(poller_next_ms(poller, 1000), 10000);
	tick(10000);
	expect("ask m1 200+2\nask m2 200+2\n");
	answer_all();
	expect("<m1 10 P good>\n<m2 10 P good>\n");
	tick(60000);
	expect("ask m1 100+2 200+2\nask m2 100+2 200+2\n");
	now_ms = 60200;
	answer_all();
	expect("<m1 60 EP good 200ms>\n<m2 60 EP good 200ms>\n");
}

TEST_WITH(model_without_identity_is_probed_at_start, NULL, end)
{
	begin(plain_model, 1, 60, 0);
	tick(1000);
	expect("ask m1 100+2\n");
	answer();
	expect("!m1 meter-up: up: Test at line address 1\n");
	assert_string_equal(meter_status(0).state, "up");
}

TEST_WITH(model_of_nothing_but_identity_is_never_read, NULL, end)
{
	begin_up(silent_model, 1, 1, 1);
	for (int64_t ms = 2000; ms < 10000; ms += 1000)
		tick(ms);
	expect("");
	assert_string_equal(meter_status(0).state, "up");
}

TEST_WITH(slots_are_whole_multiples_of_the_period_on_the_clock, NULL, end)
{
	second_power_every_s = 3;
	begin_up(plain_model, 2, 0, 7);
	assert_int_equal(poller_next_ms(poller, 1000), 3000);
	tick(3000);
	answer_all();
	assert_int_equal(poller_next_ms(poller, 3000), 6000);
	tick(6000);
	answer_all();
	assert_int_equal(poller_next_ms(poller, 6000), 7000);
	tick(7000);
	answer_all();
	expect("ask m2 200+2\n<m2 3 P good>\nask m2 200+2\n<m2 6 P good>\nask m1 200+2\n<m1 7 P good>\n");
}

TEST_WITH(what_falls_due_at_different_moments_is_read_apart, NULL, end)
{
	begin_up(plain_model, 1, 15, 10);
	tick(21000);
	expect("ask m1 100+2\n");
	answer();
	expect("<m1 15 E good 6000ms>\nask m1 200+2\n");
	answer();
	expect("<m1 20 P good 1000ms>\n");
}

TEST_WITH(reading_of_the_second_half_of_the_period_is_late, NULL, end)
{
	begin_up(plain_model, 1, 0, 10);
	tick(10000);
	now_ms = 15001;
	answer();
	expect("ask m1 200+2\n<m1 10 P late 5001ms>\n");
}

TEST_WITH(slot_that_comes_during_the_round_is_skipped_and_counted_once, NULL, end)
{
	begin_up(plain_model, 3, 0, 1);
	tick(2000);
	answer();
	tick(3000);
	tick(3100);
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\nask m3 200+2\n<m1 2 P good>\n<m2 2 P late 1100ms>\n<m3 2 P late 1100ms>\n");
	assert_int_equal(bus_status().overruns, 1);
	assert_int_equal(bus_status().round_ms, 1100);
	tick(4000);
	expect("ask m1 200+2\nask m2 200+2\nask m3 200+2\n");
}

TEST_WITH(energy_that_falls_due_during_a_round_is_read_after_it, NULL, end)
{
	begin_up(plain_model, 2, 60, 10);
	tick(50000);
	tick(60000);
	now_ms = 61000;
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\n"
	       "<m1 50 P late 11000ms>\n<m2 50 P late 11000ms>\nask m1 100+2\nask m2 100+2\n"
	       "<m1 60 E good 1000ms>\n<m2 60 E good 1000ms>\n");
	assert_int_equal(bus_status().overruns, 1);
}

TEST_WITH(energy_of_two_slots_in_one_round_loses_the_first, NULL, end)
{
	begin_up(plain_model, 1, 10, 0);
	tick(10000);
	tick(20000);
	tick(30000);
	expect("ask m1 100+2\n");
	answer();
	expect("<m1 10 E late 20000ms>\nask m1 100+2\n");
	answer();
	expect("<m1 30 E good>\n");
	assert_int_equal(bus_status().overruns, 1);
}

TEST_WITH(meter_of_a_long_period_is_not_starved_by_one_that_overruns, NULL, end)
{
	begin_up(plain_model, 2, 0, 1);
	meters[1].power_every_s = 10;
	tick(9000);
	answer_all();
	expect("ask m1 200+2\n<m1 9 P good>\n");
	tick(9999);
	tick(10000);
	expect("ask m1 200+2\nask m2 200+2\n");
	answer_all();
	said[0] = '\0';
	tick(19000);
	tick(20000);
	now_ms = 20200;
	answer();
	expect("ask m1 200+2\n<m1 19 P late 1200ms>\nask m2 200+2\n");
}

TEST_WITH(what_fails_is_tried_again_after_all_others, NULL, end)
{
	begin_up(plain_model, 3, 60, 10);
	tick(60000);
	time_out();
	expect("ask m1 100+2 200+2\nask m2 100+2 200+2\nask m3 100+2 200+2\n");
	answer_all();
	expect("<m2 60 EP good>\n<m3 60 EP good>\nask m1 100+2 200+2\n<m1 60 EP good>\n");
	assert_string_equal(meter_status(0).state, "up");
	assert_int_equal(meter_status(0).failures, 1);
	assert_int_equal(n_logged, 0);
}

TEST_WITH(only_what_has_no_answer_is_tried_again, NULL, end)
{
	begin_up(plain_model, 1, 60, 10);
	tick(60000);
	move(LINK_OK, 0, 2);
	((struct bus_job *)bus.answered)->replies[1].status = LINK_CRC;
	poller_results(poller, now_ms);
	expect("ask m1 100+2 200+2\nask m1 200+2\n");
	time_out();
	expect("<m1 60 EP good no power>\n");
	assert_string_equal(meter_status(0).state, "suspect");
	assert_int_equal(meter_status(0).crc_errors, 1);
	assert_int_equal(meter_status(0).timeouts, 1);
}

TEST_WITH(try_that_finds_no_time_before_the_next_slot_is_given_up, NULL, end)
{
	begin_up(plain_model, 2, 0, 1);
	tick(2000);
	time_out();
	now_ms = 2950;
	answer();
	expect("ask m1 200+2\nask m2 200+2\n<m2 2 P late 950ms>\n");
	tick(3000);
	expect("ask m2 200+2\n");
	assert_string_equal(meter_status(0).state, "suspect");
	answer();
	expect("<m2 3 P good>\nask m1 200+2\n");
}

TEST_WITH(suspect_is_asked_once_and_after_the_others_its_timeout_cut_to_the_time_left, NULL, end)
{
	begin_up(plain_model, 2, 0, 1);
	meters[0].retries = 0;
	tick(2000);
	time_out();
	answer();
	said[0] = '\0';
	tick(3000);
	expect("ask m2 200+2\n");
	now_ms = 3300;
	answer();
	expect("<m2 3 P good 300ms>\nask m1 200+2 in 700ms\n");
	time_out();
	expect("");
}

TEST_WITH(suspect_that_never_finds_time_is_asked_all_the_same, NULL, end)
{
	int64_t ms;

	begin_up(plain_model, 2, 0, 1);
	meters[0].retries = 0;
	tick(2000);
	time_out();
	answer();
	for (ms = 3000; ms < 13000; ms += 1000) {
		tick(ms);
		now_ms = ms + 950;
		answer_all();
	}
	assert_null(strstr(strstr(said, "ask m2"), "ask m1"));
	said[0] = '\0';
	tick(13000);
	now_ms = 13950;
	answer();
	expect("ask m2 200+2\n<m2 13 P late 950ms>\nask m1 200+2\n");
}

TEST_WITH(suspect_is_asked_only_where_the_time_left_is_enough_for_its_answer, NULL, end)
{
	begin(plain_model, 2, 0, 10);
	latency_us = 400000;
	meters[0].retries = 0;
	tick(1000);
	answer_all();
	tick(10000);
	time_out();
	answer();
	said[0] = '\0';
	tick(20000);
	now_ms = 29500;
	answer();
	expect("ask m2 200+2\n<m2 20 P late 9500ms>\n");
	tick(30000);
	now_ms = 39500;
	answer();
	expect("ask m2 200+2\n<m2 30 P late 9500ms>\nask m1 200+2\n");
}

TEST_WITH(meter_never_heard_is_taken_for_as_slow_as_the_slowest_of_the_line, NULL, end)
{
	begin(plain_model, 2, 0, 10);
	latency_us = 400000;
	tick(1000);
	time_out();
	answer();
	said[0] = '\0';
	tick(10000);
	now_ms = 19500;
	answer();
	expect("ask m2 200+2\n<m2 10 P late 9500ms>\n");
	tick(20000);
	now_ms = 29100;
	answer();
	expect("ask m2 200+2\n<m2 20 P late 9100ms>\nask m1 200+2 in 900ms\n");
}

TEST_WITH(suspect_is_asked_also_where_one_round_follows_the_other, NULL, end)
{
	int64_t ms;

	begin_up(plain_model, 2, 1, 0);
	meters[0].retries = 0;
	tick(2000);
	time_out();
	answer();
	tick(3000);
	for (ms = 3000; ms < 12000; ms += 1000) {
		said[0] = '\0';
		tick(ms + 1000);
		now_ms = ms + 1050;
		answer();
		assert_null(strstr(said, "ask m1"));
	}
	tick(13000);
	now_ms = 13050;
	said[0] = '\0';
	answer();
	expect("<m2 12 E late 1050ms>\nask m1 100+2\nask m2 100+2\n");
}

/* Three rounds of ten seconds in which m1 is silent, from the one at ms on. */
static void take_down_m1(int64_t ms)
{
	for (int i = 0; i < 3; i++) {
		tick(ms + 10000 * i);
		while (bus.asked != NULL)
			owner(bus.asked) == NULL || strcmp(owner(bus.asked)->conf->name, "m1") == 0 ? time_out()
												    : answer();
	}
	assert_string_equal(meter_status(0).state, "down");
}

TEST_WITH(each_change_of_state_is_logged_once_and_down_and_up_are_events, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(10000);
	assert_int_equal(n_logged, 2);
	assert_non_null(strstr(said, "!m1 meter-down: down: timeout, so far 4 timeout; next try in 10 s\n"));
	said[0] = '\0';
	tick(40000);
	answer();
	expect("ask m2 200+2\n<m2 40 P good>\nask m1 100+2\n");
	answer();
	expect("!m1 meter-up: up: Test at line address 1\nask m1 200+2\n");
	answer();
	assert_int_equal(n_logged, 3);
	tick(50000);
	expect("<m1 40 P good>\nask m1 200+2\nask m2 200+2\n");
}

TEST_WITH(down_meter_is_probed_in_the_time_left_with_growing_pauses, NULL, end)
{
	static const int64_t at_ms[] = {40000, 60000, 100000, 180000, 340000, 640000, 940000};
	size_t n = 0;

	begin_up(plain_model, 2, 0, 10);
	take_down_m1(10000);
	for (int64_t ms = 40000; ms < 1000000; ms += 10000) {
		said[0] = '\0';
		tick(ms);
		answer();
		if (bus.asked == NULL)
			continue;
		assert_true(n < sizeof(at_ms) / sizeof(at_ms[0]));
		assert_int_equal(ms, at_ms[n++]);
		time_out();
	}
	assert_int_equal(n, 7);
	assert_int_equal(n_logged, 2);
}

TEST_WITH(probe_waits_for_time_and_its_timeout_is_cut_to_it, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(10000);
	tick(40000);
	now_ms = 49950;
	said[0] = '\0';
	answer();
	expect("<m2 40 P late 9950ms>\n");
	tick(50000);
	now_ms = 59600;
	answer();
	expect("ask m2 200+2\n<m2 50 P late 9600ms>\nask m1 100+2 in 400ms\n");
}

TEST_WITH(probe_that_never_finds_time_is_made_after_five_minutes, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(10000);
	for (int64_t ms = 40000; ms < 340000; ms += 10000) {
		tick(ms);
		now_ms = ms + 9950;
		said[0] = '\0';
		answer();
		assert_null(bus.asked);
	}
	tick(340000);
	said[0] = '\0';
	answer();
	expect("<m2 340 P good>\nask m1 100+2\n");
}

TEST_WITH(probe_is_due_by_the_clock_not_only_at_slots, NULL, end)
{
	begin_up(plain_model, 2, 900, 10);
	take_down_m1(10000);
	meters[0].power_every_s = meters[1].power_every_s = 0;
	assert_int_equal(poller_next_ms(poller, 31000), 40000);
	said[0] = '\0';
	tick(40000);
	expect("ask m1 100+2\n");
}

TEST_WITH(meter_that_is_back_says_first_who_it_is, NULL, end)
{
	begin_up(identified_model, 2, 0, 10);
	take_down_m1(10000);
	tick(40000);
	said[0] = '\0';
	answer_all();
	expect("<m2 40 P good>\nask m1 100+2\n!m1 meter-up: up: Test at line address 1\nask m1 500+2\n"
	       "ask m1 200+2\n<m1 40 P good>\n");
}

TEST_WITH(meter_that_does_not_say_who_it_is_is_read_and_asked_again_an_hour_later, NULL, end)
{
	begin(identified_model, 1, 0, 10);
	meters[0].retries = 0;
	tick(1000);
	time_out();
	expect("ask m1 500+2\n");
	tick(10000);
	time_out();
	expect("ask m1 500+2\nask m1 200+2\n");
	answer();
	expect("<m1 10 P good>\n!m1 meter-up: up: Test at line address 1\n");
	tick(20000);
	answer();
	expect("ask m1 200+2\n<m1 20 P good>\n");
	tick(3610000);
	expect("ask m1 500+2\n");
}

TEST_WITH(silent_line_is_told_once_and_its_meters_are_shown_as_suspect, NULL, end)
{
	begin_up(plain_model, 3, 0, 10);
	tick(10000);
	for (int i = 0; i < 3; i++)
		time_out();
	expect("ask m1 200+2\nask m2 200+2\nask m3 200+2\nask m1 200+2\n");
	time_out();
	expect("!line bus-down: down: none of 3 meters answers: adapter, wiring, speed?\n");
	assert_int_equal(poller_next_ms(poller, 10000), 20000);
	for (int64_t ms = 20000; ms < 60000; ms += 10000) {
		tick(ms);
		time_out();
	}
	expect("ask m1 100+2\nask m2 100+2\nask m3 100+2\nask m1 100+2\n");
	assert_int_equal(n_logged, 1);
	assert_string_equal(meter_status(0).state, "suspect");
	assert_int_equal(poller_n_meters_up(poller), 0);
	assert_string_equal(bus_status().state, "down");
	assert_int_equal(bus_status().overruns, 0);
	tick(60000);
	answer();
	expect("ask m2 100+2\n!line bus-up: up: meters answer\nask m1 200+2\nask m2 200+2\nask m3 200+2\n");
	assert_string_equal(bus_status().state, "up");
	assert_string_equal(meter_status(0).state, "up");
	assert_int_equal(poller_n_meters_up(poller), 3);
}

TEST_WITH(one_meter_more_is_asked_before_a_line_counts_as_silent, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	tick(10000);
	time_out();
	time_out();
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\nask m1 200+2\n<m1 10 P good>\nask m2 200+2\n<m2 10 P good>\n");
	assert_string_equal(bus_status().state, "up");
}

/* Two meters read every 10 s do not answer; a third, that is read every quarter of an hour, answered last. */
static void begin_with_third_of_long_period(void)
{
	begin_up(plain_model, 3, 0, 10);
	meters[2].power_every_s = 900;
	tick(10000);
	time_out();
	time_out();
	expect("ask m1 200+2\nask m2 200+2\nask m3 100+2\n");
}

TEST_WITH(meter_that_was_not_due_is_asked_and_speaks_for_the_line, NULL, end)
{
	begin_with_third_of_long_period();
	answer();
	time_out();
	time_out();
	expect("ask m1 200+2\nask m2 200+2\n");
	assert_string_equal(bus_status().state, "up");
	assert_string_equal(meter_status(0).state, "suspect");
	assert_string_equal(meter_status(2).state, "up");
}

TEST_WITH(line_is_silent_when_a_meter_that_was_not_due_is_silent_too, NULL, end)
{
	begin_with_third_of_long_period();
	time_out();
	expect("!line bus-down: down: none of 3 meters answers: adapter, wiring, speed?\n");
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(meter_status(i).state, "suspect");
}

TEST_WITH(line_whose_last_meter_goes_down_is_silent, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(10000);
	said[0] = '\0';
	for (int64_t ms = 40000; ms <= 60000; ms += 10000) {
		tick(ms);
		while (bus.asked != NULL)
			time_out();
	}
	assert_non_null(strstr(said, "!m2 meter-down"));
	assert_non_null(strstr(said, "!line bus-down: down: none of 2 meters answers: adapter, wiring, speed?\n"));
	said[0] = '\0';
	tick(70000);
	answer();
	expect("ask m1 100+2\n!line bus-up: up: meters answer\n!m1 meter-up: up: Test at line address 1\n"
	       "ask m1 200+2\n");
	answer_all();
	expect("<m1 70 P good>\nask m2 100+2\n!m2 meter-up: up: Test at line address 2\nask m2 200+2\n<m2 70 P "
	       "good>\n");
}

TEST_WITH(bus_of_one_meter_has_no_silent_line, NULL, end)
{
	begin_up(plain_model, 1, 0, 10);
	take_down_m1(10000);
	assert_string_equal(bus_status().state, "up");
}

TEST_WITH(lost_line_is_told_once_nothing_is_asked_and_what_is_due_is_read_when_it_is_back, NULL, end)
{
	begin_up(plain_model, 2, 60, 10);
	tick(10000);
	bus.is_open = false;
	move(LINK_CLOSED, 0, 1);
	break_off(LINK_CLOSED, 0);
	expect("ask m1 200+2\nask m2 200+2\n!line bus-down: down: port gone; tried again until it is there\n");
	for (int64_t ms = 20000; ms < 70000; ms += 10000) {
		assert_int_equal(poller_next_ms(poller, ms - 10000), ms);
		tick(ms);
	}
	expect("");
	assert_string_equal(meter_status(0).state, "suspect");
	bus.is_open = true;
	now_ms = 65000;
	poller_results(poller, now_ms);
	expect("ask m1 100+2 200+2\nask m2 100+2 200+2\n");
	answer();
	expect("!line bus-up: up: meters answer\n<m1 60 EP good 5000ms>\n");
	assert_int_equal(n_logged, 2);
}

/* The worker may open the line again at any moment, also between two looks at it. */
TEST_WITH(line_that_comes_back_while_its_loss_is_told_goes_on, NULL, end)
{
	for (unsigned n_looks = 0; n_looks < 8; n_looks++) {
		begin_up(plain_model, 2, 0, 10);
		tick(10000);
		bus.n_closed_looks = n_looks;
		move(LINK_CLOSED, 0, 1);
		break_off(LINK_CLOSED, 0);
		bus.n_closed_looks = 0;
		poller_results(poller, now_ms);
		answer_all();
		said[0] = '\0';
		tick(20000);
		expect("ask m1 200+2\nask m2 200+2\n");
		end(state);
	}
}

TEST_WITH(nothing_is_to_be_done_while_the_first_round_after_a_loss_is_under_way, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	tick(10000);
	bus.is_open = false;
	move(LINK_CLOSED, 0, 1);
	break_off(LINK_CLOSED, 0);
	bus.is_open = true;
	poller_results(poller, now_ms);
	answer();
	assert_int_equal(poller_next_ms(poller, now_ms), 20000);
	answer();
	assert_int_equal(poller_next_ms(poller, now_ms), 20000);
}

TEST_WITH(meters_of_a_line_that_was_silent_at_start_need_not_wait_for_their_slot, NULL, end)
{
	begin(identified_model, 3, 900, 0);
	tick(1000);
	for (int i = 0; i < 4; i++)
		time_out();
	assert_string_equal(bus_status().state, "down");
	said[0] = '\0';
	tick(11000);
	answer();
	expect("ask m1 100+2\n!line bus-up: up: meters answer\n!m1 meter-up: up: Test at line address 1\n"
	       "ask m2 500+2\nask m3 500+2\n");
}

TEST_WITH(down_meters_are_probed_as_soon_as_a_lost_line_is_back, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(10000);
	tick(40000);
	answer();
	time_out();
	tick(50000);
	bus.is_open = false;
	break_off(LINK_CLOSED, 0);
	bus.is_open = true;
	now_ms = 51000;
	said[0] = '\0';
	poller_results(poller, now_ms);
	answer();
	expect("ask m2 200+2\n!line bus-up: up: meters answer\n<m2 50 P good 1000ms>\nask m1 100+2\n");
}

/* Another poller goes on with the meters, as after a reload of a changed bus. */
static void go_on_with_another(void)
{
	struct poller *old = poller;

	poller_end(old, now_ms);
	poller = poller_new(&conf, &bus, &sink, now_ms);
	assert_non_null(poller);
	poller_inherit(poller, old);
	poller_free(old);
	said[0] = '\0';
}

TEST_WITH(line_that_was_down_before_a_reload_is_told_anew_and_told_up, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	tick(10000);
	bus.is_open = false;
	move(LINK_CLOSED, 0, 1);
	break_off(LINK_CLOSED, 0);
	assert_string_equal(bus_status().state, "down");
	go_on_with_another();
	assert_string_equal(bus_status().state, "down");
	poller_results(poller, now_ms);
	expect("!line bus-down: down: port gone; tried again until it is there\n");
	bus.is_open = true;
	poller_results(poller, now_ms);
	answer();
	expect("ask m1 200+2\nask m2 200+2\n!line bus-up: up: meters answer\n<m1 10 P good>\n");
	assert_string_equal(bus_status().state, "up");
}

TEST_WITH(slot_in_which_the_line_was_lost_is_read_when_it_is_back, NULL, end)
{
	begin_up(plain_model, 2, 900, 0);
	tick(900000);
	answer();
	bus.is_open = false;
	break_off(LINK_CLOSED, 0);
	expect("ask m1 100+2\nask m2 100+2\n<m1 900 E good>\n"
	       "!line bus-down: down: port gone; tried again until it is there\n");
	bus.is_open = true;
	now_ms = 905000;
	poller_results(poller, now_ms);
	expect("ask m2 100+2\n");
	answer();
	expect("!line bus-up: up: meters answer\n<m2 900 E good 5000ms>\n");
}

TEST_WITH(port_that_can_not_be_opened_at_start_is_told_and_contact_waits, NULL, end)
{
	begin(plain_model, 1, 60, 10);
	bus.is_open = false;
	assert_int_equal(poller_next_ms(poller, 1000), 10000);
	poller_results(poller, now_ms);
	tick(10000);
	expect("!line bus-down: down: port gone; tried again until it is there\n");
	bus.is_open = true;
	poller_results(poller, now_ms);
	expect("ask m1 100+2\n");
}

TEST_WITH(connection_that_breaks_and_comes_back_counts_against_the_meter, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	tick(10000);
	break_off(LINK_CLOSED, 0);
	answer_all();
	expect("ask m1 200+2\nask m2 200+2\n<m2 10 P good>\nask m1 200+2\n<m1 10 P good>\n");
	assert_int_equal(meter_status(0).failures, 1);
	assert_string_equal(bus_status().state, "up");
}

TEST_WITH(clock_that_is_set_back_is_followed, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	take_down_m1(90010000);
	said[0] = '\0';
	tick(5000000);
	expect("");
	assert_int_equal(poller_next_ms(poller, 5000000), 5010000);
	tick(5010000);
	answer();
	expect("ask m2 200+2\n<m2 5010 P good>\nask m1 100+2\n");
}

TEST_WITH(clock_that_is_slewed_back_repeats_no_slot, NULL, end)
{
	begin_up(plain_model, 1, 0, 10);
	tick(10000);
	answer();
	said[0] = '\0';
	tick(9000);
	tick(10000);
	expect("");
}

TEST_WITH(clock_set_forward_during_a_round_makes_no_nonsense_of_the_delay, NULL, end)
{
	begin_up(plain_model, 1, 0, 10);
	tick(10000);
	now_ms = INT64_C(1800000000000);
	answer();
	expect("ask m1 200+2\n<m1 10 P late 4294967295ms>\nask m1 200+2\n");
}

static void say_other_maker(void)
{
	memcpy(bus.asked->words, (uint16_t[]){0x4142, 0x4344}, 4);
	move(LINK_OK, 0, 1);
	poller_results(poller, now_ms);
}

TEST_WITH(readings_of_another_model_are_suspect, NULL, end)
{
	begin(identified_model, 1, 0, 10);
	tick(1000);
	say_other_maker();
	expect("ask m1 500+2\n!m1 meter-up: up: Test at line address 1\n"
	       "!m1 identity-changed: not a test: maker is \"ABCD\", the model has \"SOCO\"; its readings are kept as "
	       "suspect\n");
	assert_string_equal(meter_status(0).state, "suspect");
	assert_string_equal(meter_status(0).mismatch, "maker is \"ABCD\", the model has \"SOCO\"");
	tick(10000);
	answer();
	expect("ask m1 200+2\n<m1 10 P suspect>\n");
}

/* A meter whose serial number is 0000 is due to say it again. */
static void ask_for_serial(void)
{
	begin_up(numbered_model, 1, 10, 0);
	tick(3600000);
	answer_all();
	said[0] = '\0';
	tick(25 * 3600000);
	expect("ask m1 500+3\n");
}

TEST_WITH(new_serial_number_is_asked_for_once_more_before_it_is_believed, NULL, end)
{
	ask_for_serial();
	answer_with(0x1234);
	expect("ask m1 500+3\n");
	answer();
	expect("ask m1 100+2\n");
	answer();
	expect("<m1 90000 E good>\n");
}

TEST_WITH(serial_number_that_stays_new_is_told_before_the_counters, NULL, end)
{
	ask_for_serial();
	answer_with(0x1234);
	answer_with(0x1234);
	expect("ask m1 500+3\n!m1 identity-changed: serial number 1234 was 0000\nm1 is 1234\nask m1 100+2\n");
	answer();
	expect("<m1 90000 E good>\n");
}

TEST_WITH(counters_of_who_may_be_another_meter_are_not_read, NULL, end)
{
	ask_for_serial();
	answer_with(0x1234);
	time_out();
	tick(90001000);
	time_out();
	expect("ask m1 500+3\nask m1 500+3\n");
	tick(90010000);
	expect("ask m1 500+3\n");
}

TEST_WITH(serial_number_known_from_before_the_start_counts_as_known, NULL, end)
{
	begin(numbered_model, 1, 10, 0);
	snprintf(known_serial, sizeof(known_serial), "0000");
	tick(1000);
	answer_with(0x1234);
	expect("ask m1 500+3\nask m1 500+3\n");
	answer();
	expect("!m1 meter-up: up: Test at line address 1\n");
}

static void answer_nonsense(void)
{
	answer_with(0x7FFF);
}

TEST_WITH(implausible_counters_are_read_again_before_they_are_handed_on, NULL, end)
{
	begin_up(plain_model, 2, 10, 0);
	tick(10000);
	answer_nonsense();
	expect("ask m1 100+2\nask m2 100+2\n");
	answer();
	expect("<m2 10 E good>\nask m1 100+2\n");
	answer();
	expect("<m1 10 E good>\n");
	assert_string_equal(meter_status(0).state, "up");
}

TEST_WITH(counters_that_stay_implausible_are_handed_on, NULL, end)
{
	begin_up(plain_model, 1, 10, 0);
	tick(10000);
	answer_nonsense();
	answer_nonsense();
	expect("ask m1 100+2\nask m1 100+2\n<m1 10 E good implausible>\n");
	tick(20000);
	expect("ask m1 100+2\n");
}

TEST_WITH(meter_whose_counters_can_not_be_is_asked_who_it_is, NULL, end)
{
	begin_up(identified_model, 1, 10, 0);
	tick(10000);
	answer_nonsense();
	expect("ask m1 100+2\nask m1 500+2\n");
	answer();
	expect("ask m1 100+2\n");
	answer_nonsense();
	expect("<m1 10 E good implausible>\n");
	tick(20000);
	answer();
	expect("ask m1 100+2\n<m1 20 E good>\n");
}

TEST_WITH(meter_that_became_another_model_is_suspect_before_its_counters_are_handed_on, NULL, end)
{
	begin_up(identified_model, 1, 10, 0);
	tick(10000);
	answer_nonsense();
	say_other_maker();
	answer();
	expect("ask m1 100+2\nask m1 500+2\n"
	       "!m1 identity-changed: not a test: maker is \"ABCD\", the model has \"SOCO\"; its readings are kept as "
	       "suspect\nask m1 100+2\n<m1 10 E suspect>\n");
}

TEST_WITH(who_it_is_comes_first_when_there_was_no_time_for_it, NULL, end)
{
	begin_up(identified_model, 2, 1, 0);
	tick(2000);
	answer_nonsense();
	now_ms = 2950;
	answer();
	tick(3000);
	expect("ask m1 100+2\nask m2 100+2\n<m2 2 E late 950ms>\nask m1 500+2\nask m2 100+2\n");
	answer();
	expect("ask m1 100+2\n");
}

/* m1 says nonsense, and m2 takes all the time to the next slot. */
static void leave_no_time_for_a_second_look(void)
{
	begin_up(plain_model, 2, 1, 0);
	tick(2000);
	answer_nonsense();
	now_ms = 2950;
	answer();
	tick(3000);
	expect("ask m1 100+2\nask m2 100+2\n<m2 2 E late 950ms>\nask m1 100+2\nask m2 100+2\n");
}

TEST_WITH(implausible_counters_that_can_not_be_read_again_are_dropped, NULL, end)
{
	leave_no_time_for_a_second_look();
	answer();
	expect("<m1 3 E good>\n");
	assert_string_equal(meter_status(0).state, "up");
}

TEST_WITH(implausible_counters_of_two_slots_are_handed_on, NULL, end)
{
	leave_no_time_for_a_second_look();
	answer_nonsense();
	expect("<m1 3 E good implausible>\n");
}

TEST_WITH(meter_is_asked_daily_who_it_is, NULL, end)
{
	begin(identified_model, 1, 0, 3600);
	tick(1000);
	answer_all();
	for (int64_t hour = 1; hour <= 24; hour++) {
		said[0] = '\0';
		tick(hour * 3600000);
		answer_all();
		assert_null(strstr(said, "500+2"));
	}
	said[0] = '\0';
	tick(25 * 3600000); /* the first slot that is a day after it was asked */
	expect("ask m1 500+2\n");
}

TEST_WITH(meter_of_another_model_is_asked_again_and_the_right_one_counts, NULL, end)
{
	begin(identified_model, 1, 0, 3600);
	tick(1000);
	say_other_maker();
	said[0] = '\0';
	tick(3600000);
	expect("ask m1 500+2\n");
	answer();
	expect("!m1 identity-changed: a test again; its readings count\nask m1 200+2\n");
	answer();
	expect("<m1 3600 P good>\n");
	assert_string_equal(meter_status(0).state, "up");
	assert_string_equal(meter_status(0).mismatch, "");
	tick(2 * 3600000);
	expect("ask m1 200+2\n");
}

TEST_WITH(missing_register_is_told_once_after_the_round, NULL, end)
{
	begin_up(wide_model, 2, 10, 0);
	tick(10000);
	expect("ask m1 100+2 104+2\nask m2 100+2 104+2\n");
	move(LINK_OK, 0, 2);
	bus.answered->replies[1] = (struct link_reply){.status = LINK_EXCEPTION, .exception = 2, .sent_us = 1};
	poller_results(poller, now_ms);
	expect("<m1 10 E good>\n");
	answer();
	expect("<m2 10 E good>\nask m1 104+2\n");
	break_off(LINK_EXCEPTION, 2);
	expect("ask m1 104+2\n");
	break_off(LINK_EXCEPTION, 2);
	expect("!m1 register-missing: refuses active_energy_export at 104\n");
	assert_string_equal(meter_status(0).state, "up");
	tick(20000);
	expect("ask m1 100+2\nask m2 100+2 104+2\n");
}

static void refuse(size_t n)
{
	for (size_t i = 0; i < n; i++)
		break_off(LINK_EXCEPTION, 2);
}

TEST_WITH(meter_that_refuses_everything_goes_down_and_comes_back, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	for (int64_t ms = 10000; ms <= 30000; ms += 10000) {
		tick(ms);
		while (bus.asked != NULL)
			strcmp(owner(bus.asked)->conf->name, "m1") == 0 ? refuse(1) : answer();
	}
	assert_non_null(strstr(said, "!m1 meter-down: down: exception 2, illegal data address"));
	assert_null(strstr(said, "register-missing"));
	said[0] = '\0';
	tick(50000);
	answer();
	refuse(3);
	expect("ask m2 200+2\n<m2 50 P good>\nask m1 100+2\nask m1 100+2\nask m1 100+2\n");
	tick(80000);
	answer_all();
	expect("ask m2 200+2\n<m2 80 P good>\n");
	tick(90000);
	answer_all();
	expect("ask m2 200+2\n<m2 90 P good>\nask m1 100+2\n!m1 meter-up: up: Test at line address 1\nask m1 200+2\n"
	       "<m1 90 P good>\n");
}

TEST_WITH(old_firmware_that_comes_back_is_read_by_the_coarser_register, NULL, end)
{
	begin(coarse_model, 2, 10, 0);
	tick(1000);
	break_off(LINK_EXCEPTION, 2);
	answer();
	refuse(2);
	expect("ask m1 100+2\nask m2 100+2\n!m2 meter-up: up: Test at line address 2\nask m1 100+2\nask m1 100+2\n"
	       "!m1 register-missing: refuses active_energy_import at 100\n");
	tick(10000);
	answer_all();
	expect("ask m1 300+2\nask m2 100+2\n<m1 10 E good>\n!m1 meter-up: up: Test at line address 1\n<m2 10 E "
	       "good>\n");
}

TEST_WITH(illegal_function_takes_a_meter_down_at_once, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	tick(10000);
	break_off(LINK_EXCEPTION, 1);
	answer();
	break_off(LINK_EXCEPTION, 1);
	assert_non_null(strstr(said, "!m1 meter-down: down: exception 1, illegal function"));
}

TEST_WITH(gateways_exception_counts_against_the_meter_and_speaks_for_the_line, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	for (int64_t ms = 10000; ms <= 30000; ms += 10000) {
		tick(ms);
		while (bus.asked != NULL)
			break_off(LINK_EXCEPTION, 11);
	}
	assert_string_equal(meter_status(0).state, "down");
	assert_string_equal(meter_status(1).state, "down");
	assert_true(meter_status(0).exceptions > 0);
	assert_string_equal(bus_status().state, "up");
	assert_null(strstr(said, "bus-"));
}

TEST_WITH(bus_without_meters_asks_and_wants_nothing, NULL, end)
{
	begin(plain_model, 0, 60, 10);
	tick(1000);
	tick(60000);
	expect("");
	assert_true(poller_next_ms(poller, 60000) > INT64_C(1000000000000000));
	assert_string_equal(bus_status().state, "up");
}

TEST_WITH(meter_that_is_never_due_is_asked_once, NULL, end)
{
	begin(plain_model, 1, 0, 0);
	tick(1000);
	answer();
	tick(100000);
	expect("ask m1 100+2\n!m1 meter-up: up: Test at line address 1\n");
	assert_true(poller_next_ms(poller, 100000) > INT64_C(1000000000000000));
}

TEST_WITH(dead_meters_at_start_cost_one_timeout_each_and_then_only_spare_time, NULL, end)
{
	begin(plain_model, 3, 0, 10);
	tick(1000);
	time_out();
	answer();
	time_out();
	expect("ask m1 100+2\nask m2 100+2\nask m3 100+2\n!m2 meter-up: up: Test at line address 2\n");
	tick(10000);
	expect("ask m2 200+2\n");
	answer();
	expect("<m2 10 P good>\nask m1 200+2\n");
	time_out();
	expect("ask m3 200+2\n");
	assert_string_equal(meter_status(0).state, "never");
}

TEST_WITH(end_emits_what_was_answered_and_asks_nothing_more, NULL, end)
{
	begin_up(plain_model, 3, 60, 10);
	tick(60000);
	time_out();
	said[0] = '\0';
	move(LINK_OK, 0, 1);
	move(LINK_OK, 0, 0);
	poller_end(poller, now_ms);
	expect("<m2 60 EP good no power>\n");
	assert_int_equal(n_logged, 0);
	tick(70000);
	expect("");
}

TEST_WITH(what_an_end_cut_short_is_asked_again_in_its_slot_by_who_goes_on, NULL, end)
{
	struct poller *before;

	begin_up(plain_model, 2, 60, 10);
	tick(60000);
	answer();
	said[0] = '\0';
	move(LINK_OK, 0, 1);
	before = poller;
	poller_end(before, now_ms);
	poller = poller_new(&conf, &bus, &sink, now_ms);
	poller_inherit(poller, before);
	poller_free(before);
	said[0] = '\0';
	tick(60500);
	expect("ask m2 100+2 200+2\n");
}

TEST_WITH(status_counts_requests_errors_and_the_time_the_line_is_in_use, NULL, end)
{
	begin_up(plain_model, 2, 0, 10);
	(void)bus_status();
	tick(10000);
	time_out();
	answer();
	now_ms = 11000;
	bus.busy_us = 2500000;
	answer();
	assert_int_equal(bus_status().requests, 5);
	now_ms = 21000;
	bus.busy_us = 5000000;
	assert_int_equal((int)bus_status().busy_percent, 25);
	assert_int_equal(bus_status().errors, 1);
	assert_int_equal(bus_status().round_ms, 1000);
	now_ms = 21100;
	bus.busy_us = 6000000;
	assert_int_equal((int)bus_status().busy_percent, 100);
}

UNIT_MAIN(NULL, NULL)
