/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "err.h"
#include "meter.h"
#include "unit.h"

/* Two energies, one of them twice, one power, an identity with a reserved gap that is read across. */
static const char model[] = "[model]\nformat = 1\ntitle = Test\nvendor = V\nsource = S\nprovenance = vendor table\n"
			    "[block e]\naddress = 100\nwords = 20\ngaps = yes\n"
			    "[block i]\naddress = 500\nwords = 20\ngaps = yes\n"
			    "[registers]\n"
			    "active_energy_import = 100 u32 10 Wh energy\n"
			    "active_energy_import = 300 u32 1000 Wh energy fallback\n"
			    "active_energy_export = 104 u32 10 Wh energy\n"
			    "active_power = 200 s32 1 W power\n"
			    "maker = 500 text:2 - - identity expect=SOCO\n"
			    "serial_number = 508 hex:2 - - identity\n";

static struct driver *driver;
static struct conf_meter conf;

static int set_up(void **state)
{
	struct err e = {0};

	(void)state;
	driver = driver_parse("test.ini", model, strlen(model), &e);
	err_print(&e, stderr);
	err_fini(&e);
	conf = (struct conf_meter){.name = "m",
				   .driver = driver,
				   .address = 5,
				   .ct_primary = 1,
				   .ct_secondary = 1,
				   .vt_primary = 1,
				   .vt_secondary = 1,
				   .response_timeout_ms = 1000,
				   .retries = 1};
	return driver == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	driver_free(driver);
	return 0;
}

/* Answer the job's requests from the n-th on alike. */
static void answer(struct meter *m, enum link_status status, uint8_t exception)
{
	m->job.n_done = m->job.n_requests;
	for (size_t i = 0; i < m->job.n_requests; i++)
		m->job.replies[i] = (struct link_reply){.status = status, .exception = exception, .latency_us = 40000};
}

static void fail_rounds(struct meter *m, unsigned n, int64_t now_ms)
{
	for (unsigned i = 0; i < n; i++) {
		assert_true(meter_begin_read(m, DRIVER_ENERGY));
		answer(m, LINK_TIMEOUT, 0);
		meter_settle(m, meter_answered(m, now_ms), now_ms);
	}
}

static void read_good(struct meter *m, int64_t now_ms)
{
	assert_true(meter_begin_read(m, DRIVER_ENERGY));
	answer(m, LINK_OK, 0);
	meter_settle(m, meter_answered(m, now_ms), now_ms);
}

TEST(answered_words_become_a_reading)
{
	struct meter *m = meter_new(&conf, 7, 0);
	struct reading r = {.meter = 7};

	assert_true(meter_begin_read(m, DRIVER_ENERGY | DRIVER_POWER));
	assert_int_equal(m->job.n_requests, 2);
	memcpy(m->words, (uint16_t[]){0x0001, 0x0002, 0, 0, 0x0000, 0x0003, 0xFFFF, 0xFFFF}, 16);
	answer(m, LINK_OK, 0);
	assert_int_equal(meter_answered(m, 60500), METER_ANSWERED);
	assert_int_equal(meter_reading(m, &r), 3);
	assert_int_equal(r.values[Q_ACTIVE_ENERGY_IMPORT], 655380);
	assert_int_equal(r.values[Q_ACTIVE_ENERGY_EXPORT], 30);
	assert_int_equal(r.values[Q_ACTIVE_POWER], -1000);
	assert_false(reading_has(&r, Q_VOLTAGE_L1));
	meter_free(m);
}

TEST(unanswered_request_leaves_its_values_out)
{
	struct meter *m = meter_new(&conf, 7, 0);
	struct reading r = {.meter = 7};

	meter_begin_read(m, DRIVER_ENERGY | DRIVER_POWER);
	answer(m, LINK_OK, 0);
	m->job.replies[1].status = LINK_CRC;
	assert_int_equal(meter_answered(m, 60500), METER_FAILED);
	assert_int_equal(meter_reading(m, &r), 2);
	assert_false(reading_has(&r, Q_ACTIVE_POWER));
	assert_int_equal(m->health.counts[LINK_CRC], 1);
	meter_free(m);
}

TEST(retry_asks_from_the_first_unanswered_request_on)
{
	struct meter *m = meter_new(&conf, 7, 0);

	meter_begin_read(m, DRIVER_ENERGY | DRIVER_POWER);
	answer(m, LINK_OK, 0);
	m->job.replies[1].status = LINK_TIMEOUT;
	assert_int_equal(meter_answered(m, 60500), METER_FAILED);
	assert_true(meter_retry(m));
	assert_int_equal(m->job.n_requests, 1);
	assert_int_equal(m->job.requests[0].address, 200);
	answer(m, LINK_TIMEOUT, 0);
	assert_int_equal(meter_answered(m, 61500), METER_FAILED);
	assert_false(meter_retry(m));
	meter_free(m);
}

TEST(meter_is_suspect_after_one_failed_round_and_down_after_three)
{
	struct meter *m = meter_new(&conf, 7, 0);

	assert_string_equal(meter_state_text(m), "never");
	read_good(m, 1000);
	assert_string_equal(meter_state_text(m), "up");
	fail_rounds(m, 1, 2000);
	assert_string_equal(meter_state_text(m), "suspect");
	assert_true(meter_begin_read(m, DRIVER_ENERGY));
	assert_int_equal(m->tries_left, 0);
	m->task = METER_IDLE;
	fail_rounds(m, 2, 3000);
	assert_string_equal(meter_state_text(m), "down");
	assert_int_equal(m->health.probe_at_ms, 3000 + HEALTH_PROBE_PAUSE_MIN_MS);
	read_good(m, 4000);
	assert_string_equal(meter_state_text(m), "up");
	meter_free(m);
}

TEST(lost_line_says_nothing_about_the_meter)
{
	struct meter *m = meter_new(&conf, 7, 0);

	read_good(m, 1000);
	meter_begin_read(m, DRIVER_ENERGY);
	answer(m, LINK_CLOSED, 0);
	assert_int_equal(meter_answered(m, 2000), METER_NO_LINE);
	assert_false(meter_settle(m, METER_NO_LINE, 2000));
	assert_string_equal(meter_state_text(m), "up");
	assert_int_equal(m->health.failures, 0);
	meter_free(m);
}

TEST(exception_1_takes_the_meter_down_at_once)
{
	struct meter *m = meter_new(&conf, 7, 0);

	read_good(m, 1000);
	meter_begin_read(m, DRIVER_ENERGY);
	answer(m, LINK_EXCEPTION, 1);
	meter_settle(m, meter_answered(m, 2000), 2000);
	assert_string_equal(meter_state_text(m), "down");
	assert_int_equal(m->health.counts[LINK_EXCEPTION], 1);
	meter_free(m);
}

/* Try the part that is next, which begins at address, and answer it: exception 0 is a good answer. */
static enum parts_result try_part(struct meter *m, unsigned address, uint8_t exception)
{
	char missing[100];

	assert_true(meter_begin_part(m));
	assert_int_equal(m->job.requests[0].address, address);
	answer(m, exception == 0 ? LINK_OK : LINK_EXCEPTION, exception);
	assert_int_equal(meter_answered(m, 60500), exception == 0 ? METER_ANSWERED : METER_REFUSED);
	meter_settle(m, METER_ANSWERED, 60500);
	return parts_take(&m->parts, meter_part_answer(m), missing, sizeof(missing));
}

TEST(refused_request_is_tried_in_parts_and_then_read_without_what_is_missing)
{
	struct meter *m = meter_new(&conf, 7, 0);

	assert_true(meter_begin_read(m, DRIVER_ENERGY));
	answer(m, LINK_EXCEPTION, 2);
	assert_int_equal(meter_answered(m, 60500), METER_REFUSED);
	assert_int_equal(meter_take_refused(m), 1);
	meter_settle(m, METER_ANSWERED, 60500);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_part(m, 100, 2), PARTS_MORE);
	assert_int_equal(try_part(m, 104, 0), PARTS_MISSING);
	assert_false(meter_begin_part(m));
	meter_begin_read(m, DRIVER_ENERGY);
	assert_int_equal(m->job.n_requests, 2);
	assert_int_equal(m->job.requests[1].address, 300);
	meter_free(m);
}

/* A value and its sign are of one moment: the sign alone did not come, and both are read again. */
TEST(value_is_read_again_with_its_sign)
{
	static const char signed_model[] =
		"[model]\nformat = 1\ntitle = Test\nvendor = V\nsource = S\nprovenance = vendor table\n[registers]\n"
		"voltage_l1 = 100 u32 1 mV power\nactive_power = 200 u32 1 W power sign=300\n";
	struct err e = {0};
	struct driver *d = driver_parse("signed.ini", signed_model, strlen(signed_model), &e);
	struct conf_meter with_sign = conf;
	struct meter *m;

	err_print(&e, stderr);
	assert_non_null(d);
	with_sign.driver = d;
	m = meter_new(&with_sign, 7, 0);
	meter_begin_read(m, DRIVER_POWER);
	assert_int_equal(m->job.n_requests, 3);
	answer(m, LINK_OK, 0);
	m->replies[2].status = LINK_CRC;
	assert_int_equal(meter_answered(m, 60500), METER_FAILED);
	assert_true(meter_retry(m));
	assert_int_equal(m->job.n_requests, 2);
	assert_int_equal(m->job.requests[0].address, 200);
	assert_int_equal(m->job.requests[1].address, 300);
	meter_free(m);
	driver_free(d);
	err_fini(&e);
}

static void identify(struct meter *m, const uint16_t maker[2], const uint16_t serial[2])
{
	assert_true(meter_begin_identify(m));
	assert_int_equal(m->job.n_requests, 1);
	memcpy(m->words, maker, 4);
	memcpy(m->words + 8, serial, 4);
	answer(m, LINK_OK, 0);
	assert_int_equal(meter_answered(m, 1000), METER_ANSWERED);
}

static const uint16_t soco[] = {0x534F, 0x434F};

TEST(serial_number_that_changes_is_seen)
{
	struct meter *m = meter_new(&conf, 7, 0);

	identify(m, soco, (uint16_t[]){0x1234, 0x5678});
	assert_false(meter_take_identity(m));
	assert_string_equal(m->identity.serial, "12345678");
	assert_string_equal(m->identity.mismatch, "");
	identify(m, soco, (uint16_t[]){0x1234, 0x5679});
	assert_true(meter_take_identity(m));
	meter_free(m);
}

TEST(other_maker_is_a_mismatch_and_suspect)
{
	struct meter *m = meter_new(&conf, 7, 0);

	identify(m, (uint16_t[]){0x4142, 0x4344}, (uint16_t[]){1, 2});
	meter_take_identity(m);
	assert_string_equal(m->identity.mismatch, "maker is \"ABCD\", the model has \"SOCO\"");
	assert_string_equal(meter_state_text(m), "never");
	meter_settle(m, METER_ANSWERED, 1000);
	assert_string_equal(meter_state_text(m), "suspect");
	identify(m, soco, (uint16_t[]){1, 2});
	meter_take_identity(m);
	meter_settle(m, METER_ANSWERED, 2000);
	assert_string_equal(m->identity.mismatch, "");
	assert_string_equal(meter_state_text(m), "up");
	meter_free(m);
}

TEST(who_it_was_stays_while_it_does_not_say)
{
	struct meter *m = meter_new(&conf, 7, 0);

	identify(m, (uint16_t[]){0x4142, 0x4344}, (uint16_t[]){0x1234, 0x5678});
	meter_take_identity(m);
	meter_settle(m, METER_ANSWERED, 1000);
	assert_true(meter_begin_identify(m));
	answer(m, LINK_EXCEPTION, 4);
	meter_answered(m, 2000);
	assert_false(meter_take_identity(m));
	assert_string_equal(m->identity.serial, "12345678");
	assert_string_equal(m->identity.mismatch, "maker is \"ABCD\", the model has \"SOCO\"");
	meter_free(m);
}

UNIT_MAIN(set_up, tear_down)
