/* SPDX-License-Identifier: MIT */
#include "asking.h"

#include <string.h>

#include "err.h"
#include "link.h"
#include "paper_meter.h"
#include "unit.h"

static struct parts parts;
static struct asking asking;

static int begin(void **state)
{
	(void)state;
	parts_init(&parts, paper_driver);
	return asking_init(&asking, &paper_conf, &parts, &parts);
}

static int end(void **state)
{
	(void)state;
	asking_fini(&asking);
	return 0;
}

#define ASKING_TEST(name) TEST_WITH(name, begin, end)

static void answer(enum link_status status, uint8_t exception)
{
	paper_answer(&asking, status, exception);
}

static void begin_read(unsigned groups)
{
	assert_true(asking_begin_read(&asking, groups, 1));
}

ASKING_TEST(a_job_carries_the_plan_to_the_meters_address)
{
	begin_read(DRIVER_ENERGY | DRIVER_POWER);
	assert_int_equal(asking.task, ASKING_READ);
	assert_ptr_equal(asking.job.owner, &parts);
	assert_int_equal(asking.job.unit, 5);
	assert_int_equal(asking.job.timeout_ms, 1000);
	assert_int_equal(asking.job.n_requests, 2);
	assert_int_equal(asking.job.requests[0].address, 100);
	assert_int_equal(asking.job.requests[0].n_words, 6);
	assert_int_equal(asking.job.requests[1].address, 200);
	asking_limit_timeout(&asking, 2000);
	assert_int_equal(asking.job.timeout_ms, 1000);
	asking_limit_timeout(&asking, 300);
	assert_int_equal(asking.job.timeout_ms, 300);
}

ASKING_TEST(answered_words_become_a_reading)
{
	struct reading r = {.meter = 7};

	begin_read(DRIVER_ENERGY | DRIVER_POWER);
	memcpy(asking.words, (uint16_t[]){0x0001, 0x0002, 0, 0, 0x0000, 0x0003, 0xFFFF, 0xFFFF}, 16);
	answer(LINK_OK, 0);
	assert_int_equal(asking_outcome(&asking), ASKING_ANSWERED);
	assert_int_equal(asking_reading(&asking, &r), 3);
	assert_int_equal(r.values[Q_ACTIVE_ENERGY_IMPORT], 655380);
	assert_int_equal(r.values[Q_ACTIVE_ENERGY_EXPORT], 30);
	assert_int_equal(r.values[Q_ACTIVE_POWER], -1000);
	assert_false(reading_has(&r, Q_VOLTAGE_L1));
}

TEST(a_reading_names_the_parts_of_its_counters)
{
	static const char model[] = "[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\n"
				    "[registers]\nactive_energy_import = 100 u32 0.1 Wh energy\n"
				    "apparent_energy = 102 u32 10 VAh energy\nactive_power = 104 s32 1 W energy\n";
	struct err e = {0};
	struct driver *d = driver_parse("fine.ini", model, strlen(model), &e);
	struct conf_meter conf = paper_conf;
	struct reading r = {.meter = 7};
	struct parts fine_parts;
	struct asking fine;

	assert_non_null(d);
	conf.driver = d;
	parts_init(&fine_parts, d);
	assert_int_equal(asking_init(&fine, &conf, &fine_parts, &fine_parts), 0);
	assert_true(asking_begin_read(&fine, DRIVER_ENERGY, 1));
	memcpy(fine.words, (uint16_t[]){0x0001, 0x0002, 0, 7, 0, 3}, 12);
	paper_answer(&fine, LINK_OK, 0);
	assert_int_equal(asking_reading(&fine, &r), 3);
	assert_int_equal(r.parts, 10);
	assert_int_equal(r.values[Q_ACTIVE_ENERGY_IMPORT], 65538);
	assert_int_equal(r.values[Q_APPARENT_ENERGY], 700);
	assert_int_equal(r.values[Q_ACTIVE_POWER], 3000);
	asking_fini(&fine);
	driver_free(d);
	err_fini(&e);
}

/* A refused row is asked again with all that it needs. */
TEST(a_value_is_asked_again_with_its_rest_and_its_power_of_ten)
{
	static const char model[] =
		"[model]\nformat = 1\ntitle = T\nvendor = V\nsource = S\nprovenance = driver\n[registers]\n"
		"active_energy_import = 100 u32 1 kWh energy\n"
		"active_energy_import = 102 u16 1 Wh energy rest\n"
		"active_power = 200 u16 1 W power exponent=201:0..3 function=4\n";
	struct err e = {0};
	struct driver *d = driver_parse("split.ini", model, strlen(model), &e);
	struct conf_meter conf = paper_conf;
	struct reading r = {.meter = 7};
	struct parts split_parts;
	struct asking split;

	assert_non_null(d);
	conf.driver = d;
	parts_init(&split_parts, d);
	assert_int_equal(asking_init(&split, &conf, &split_parts, &split_parts), 0);
	assert_true(asking_begin_again(&split, 0));
	assert_int_equal(split.job.n_requests, 2);
	assert_int_equal(split.job.requests[0].address, 100);
	assert_int_equal(split.job.requests[0].n_words, 2);
	assert_int_equal(split.job.requests[1].address, 102);
	assert_int_equal(split.job.requests[1].word, 2);
	assert_true(asking_begin_again(&split, 2));
	assert_int_equal(split.job.n_requests, 2);
	assert_int_equal(split.job.requests[1].function, 4);
	assert_int_equal(split.job.requests[1].address, 201);
	assert_true(asking_begin_read(&split, DRIVER_ENERGY | DRIVER_POWER, 1));
	memcpy(split.words, (uint16_t[]){0, 12, 345, 5, 2}, 10);
	paper_answer(&split, LINK_OK, 0);
	assert_int_equal(asking_reading(&split, &r), 2);
	assert_int_equal(r.values[Q_ACTIVE_ENERGY_IMPORT], 12345);
	assert_int_equal(r.values[Q_ACTIVE_POWER], 500000);
	asking_fini(&split);
	driver_free(d);
	err_fini(&e);
}

ASKING_TEST(a_value_of_the_coarser_register_is_known_as_such)
{
	struct reading r = {.meter = 7};

	plan_rows_add(&parts.missing, 0);
	parts.version++;
	begin_read(DRIVER_ENERGY);
	answer(LINK_OK, 0);
	assert_int_equal(asking_reading(&asking, &r), 2);
	assert_true(reading_is_coarse(&r, Q_ACTIVE_ENERGY_IMPORT));
	assert_false(reading_is_coarse(&r, Q_ACTIVE_ENERGY_EXPORT));
}

ASKING_TEST(an_unanswered_request_leaves_its_values_out)
{
	struct reading r = {.meter = 7};

	begin_read(DRIVER_ENERGY | DRIVER_POWER);
	answer(LINK_OK, 0);
	asking.job.replies[1].status = LINK_CRC;
	assert_int_equal(asking_outcome(&asking), ASKING_FAILED);
	assert_int_equal(asking_reading(&asking, &r), 2);
	assert_false(reading_has(&r, Q_ACTIVE_POWER));
}

ASKING_TEST(a_retry_begins_at_the_first_unanswered_request)
{
	begin_read(DRIVER_ENERGY | DRIVER_POWER);
	answer(LINK_OK, 0);
	asking.job.replies[1].status = LINK_TIMEOUT;
	assert_int_equal(asking_outcome(&asking), ASKING_FAILED);
	assert_true(asking_retry(&asking));
	assert_int_equal(asking.job.n_requests, 1);
	assert_int_equal(asking.job.requests[0].address, 200);
	answer(LINK_TIMEOUT, 0);
	assert_int_equal(asking_outcome(&asking), ASKING_FAILED);
	assert_false(asking_retry(&asking));
}

ASKING_TEST(a_refused_request_is_not_retried)
{
	begin_read(DRIVER_ENERGY | DRIVER_POWER);
	answer(LINK_TIMEOUT, 0);
	asking.job.replies[0] = (struct link_reply){.status = LINK_EXCEPTION, .exception = 2};
	assert_int_equal(asking_outcome(&asking), ASKING_FAILED);
	assert_true(asking_retry(&asking));
	assert_int_equal(asking.job.requests[0].address, 200);
}

/* A value and its sign belong to one moment: only the sign is missing, and both are read again. */
TEST(a_value_is_read_again_with_its_sign)
{
	static const char signed_model[] =
		"[model]\nformat = 1\ntitle = Test\nvendor = V\nsource = S\nprovenance = vendor table\n[registers]\n"
		"voltage_l1 = 100 u32 1 mV power\nactive_power = 200 u32 1 W power sign=300\n";
	struct err e = {0};
	struct driver *d = driver_parse("signed.ini", signed_model, strlen(signed_model), &e);
	struct conf_meter with_sign = paper_conf;

	err_print(&e, stderr);
	assert_non_null(d);
	with_sign.driver = d;
	parts_init(&parts, d);
	assert_int_equal(asking_init(&asking, &with_sign, &parts, NULL), 0);
	begin_read(DRIVER_POWER);
	assert_int_equal(asking.job.n_requests, 3);
	answer(LINK_OK, 0);
	asking.replies[1].status = LINK_CRC;
	assert_int_equal(asking_outcome(&asking), ASKING_FAILED);
	assert_true(asking_retry(&asking));
	assert_int_equal(asking.job.n_requests, 2);
	assert_int_equal(asking.job.requests[0].address, 300);
	assert_int_equal(asking.job.requests[1].address, 200);
	asking_fini(&asking);
	driver_free(d);
	err_fini(&e);
}

ASKING_TEST(a_task_waits_until_it_is_retried_or_ends)
{
	begin_read(DRIVER_ENERGY);
	answer(LINK_TIMEOUT, 0);
	asking_wait(&asking, 1);
	assert_true(asking.is_waiting);
	assert_true(asking_retry(&asking));
	assert_false(asking.is_waiting);
	asking_wait(&asking, 0);
	assert_false(asking_retry(&asking));
	assert_false(asking.is_waiting);
	assert_int_equal(asking.task, ASKING_READ);
	asking_end(&asking);
	assert_int_equal(asking.task, ASKING_NOTHING);
}

ASKING_TEST(a_lost_line_is_no_failure_of_the_meter)
{
	begin_read(DRIVER_ENERGY);
	answer(LINK_CLOSED, 0);
	assert_int_equal(asking_outcome(&asking), ASKING_NO_LINE);
	asking.job.n_done = 0;
	assert_int_equal(asking_outcome(&asking), ASKING_NO_LINE);
}

ASKING_TEST(exception_1_means_that_the_function_is_missing)
{
	begin_read(DRIVER_ENERGY);
	assert_false(asking_lacks_function(&asking));
	answer(LINK_EXCEPTION, 1);
	assert_int_equal(asking_outcome(&asking), ASKING_FAILED);
	assert_true(asking_lacks_function(&asking));
	answer(LINK_EXCEPTION, 2);
	assert_false(asking_lacks_function(&asking));
}

ASKING_TEST(an_exception_of_a_gateway_is_a_failure)
{
	begin_read(DRIVER_ENERGY);
	answer(LINK_EXCEPTION, 11);
	assert_int_equal(asking_outcome(&asking), ASKING_FAILED);
}

ASKING_TEST(a_probe_is_the_first_request_of_the_energies)
{
	assert_true(asking_begin_probe(&asking));
	assert_int_equal(asking.task, ASKING_PROBE);
	assert_int_equal(asking.job.n_requests, 1);
	assert_int_equal(asking.job.requests[0].address, 100);
	/* a fence before it may be any of them */
	assert_ptr_equal(asking.job.offered, asking.plan->requests);
	assert_int_equal(asking.job.n_offered, asking.plan->n_requests);
	assert_false(asking_retry(&asking));
}

ASKING_TEST(a_reading_of_nothing_begins_no_task_and_keeps_the_current_one)
{
	for (unsigned i = 0; i < paper_driver->n_rows; i++)
		if (paper_driver->rows[i].group == DRIVER_IDENTITY)
			plan_rows_add(&parts.missing, i);
	begin_read(DRIVER_ENERGY);
	assert_false(asking_begin_identify(&asking, 1));
	assert_int_equal(asking.task, ASKING_READ);
	assert_int_equal(asking.plan->n_requests, 1);
}

/* The meter answers the next part, which begins at address; exception 0 means a good answer. */
static enum parts_result try_part(unsigned address, uint8_t exception)
{
	struct plan_request r = {0};

	assert_true(parts_next(&parts, &r));
	asking_begin_part(&asking, r);
	assert_int_equal(asking.job.n_requests, 1);
	assert_int_equal(asking.job.requests[0].address, address);
	answer(exception == 0 ? LINK_OK : LINK_EXCEPTION, exception);
	assert_int_equal(asking_outcome(&asking), exception == 0 ? ASKING_ANSWERED : ASKING_REFUSED);
	return parts_take(&parts, asking_part_answer(&asking), 0);
}

ASKING_TEST(a_refused_request_is_tried_in_parts_and_read_without_the_missing_rows)
{
	begin_read(DRIVER_ENERGY);
	answer(LINK_EXCEPTION, 2);
	assert_int_equal(asking_outcome(&asking), ASKING_REFUSED);
	assert_int_equal(asking_give_refused(&asking, &parts), 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_part(100, 2), PARTS_MORE);
	assert_int_equal(try_part(104, 0), PARTS_MISSING);
	begin_read(DRIVER_ENERGY);
	assert_int_equal(asking.job.n_requests, 2);
	assert_int_equal(asking.job.requests[0].address, 300);
	assert_int_equal(asking.job.requests[1].address, 104);
}

ASKING_TEST(a_row_is_asked_again_alone)
{
	struct plan_rows rows;

	assert_true(asking_begin_again(&asking, 2));
	assert_int_equal(asking.job.n_requests, 1);
	assert_int_equal(asking.job.requests[0].address, 104);
	assert_int_equal(asking.job.requests[0].n_words, 2);
	answer(LINK_EXCEPTION, 3);
	assert_int_equal(asking_part_answer(&asking), PARTS_REFUSED);
	rows = asking_answered_rows(&asking);
	assert_false(plan_rows_has(&rows, 2));
	assert_true(asking_begin_again(&asking, 2));
	answer(LINK_OK, 0);
	assert_int_equal(asking_part_answer(&asking), PARTS_READ);
	rows = asking_answered_rows(&asking);
	assert_true(plan_rows_has(&rows, 2));
}

ASKING_TEST(the_rows_of_a_reading_that_were_answered_are_known)
{
	struct plan_rows rows;

	begin_read(DRIVER_ENERGY | DRIVER_POWER);
	answer(LINK_OK, 0);
	asking.replies[1].status = LINK_EXCEPTION;
	rows = asking_answered_rows(&asking);
	assert_true(plan_rows_has(&rows, 0));
	assert_false(plan_rows_has(&rows, 1)); /* the coarser register is not asked */
	assert_true(plan_rows_has(&rows, 2));
	assert_false(plan_rows_has(&rows, 3));
}

ASKING_TEST(a_refused_probe_is_tried_again_as_a_part)
{
	assert_true(asking_begin_probe(&asking));
	answer(LINK_EXCEPTION, 2);
	assert_int_equal(asking_give_refused(&asking, &parts), 1);
	assert_int_equal(try_part(100, 0), PARTS_NOTHING);
}

ASKING_TEST(refusals_wait_while_parts_of_an_earlier_one_are_tried)
{
	begin_read(DRIVER_ENERGY);
	answer(LINK_EXCEPTION, 2);
	assert_int_equal(asking_give_refused(&asking, &parts), 1);
	begin_read(DRIVER_ENERGY | DRIVER_POWER);
	answer(LINK_EXCEPTION, 2);
	assert_int_equal(asking_give_refused(&asking, &parts), 1);
	assert_int_equal(try_part(100, 0), PARTS_NOTHING);
}

UNIT_MAIN(paper_meter_set_up, paper_meter_tear_down)
