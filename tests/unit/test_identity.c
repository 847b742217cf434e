/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <string.h>

#include "link.h"
#include "paper_meter.h"
#include "unit.h"

static const uint16_t soco[] = {0x534F, 0x434F}, abcd[] = {0x4142, 0x4344};

static struct parts parts;
static struct asking asking;
static struct meter_identity identity;

static int begin(void **state)
{
	(void)state;
	parts_init(&parts, paper_driver);
	identity_init(&identity);
	return asking_init(&asking, &paper_conf, &parts, NULL);
}

static int end(void **state)
{
	(void)state;
	asking_fini(&asking);
	return 0;
}

#define IDENTITY_TEST(name) TEST_WITH(name, begin, end)

/* The meter answers with this maker and this serial number. */
static void answer(const uint16_t maker[2], const uint16_t serial[2])
{
	assert_true(asking_begin_identify(&asking, 1));
	assert_int_equal(asking.job.n_requests, 1);
	memcpy(asking.words, maker, 4);
	memcpy(asking.words + 8, serial, 4);
	paper_answer(&asking, LINK_OK, 0);
	assert_int_equal(asking_outcome(&asking), ASKING_ANSWERED);
}

IDENTITY_TEST(a_serial_number_is_known_once_it_is_accepted)
{
	struct identity_texts texts;

	answer(soco, (uint16_t[]){0x1234, 0x5678});
	identity_read(&asking, &texts);
	assert_string_equal(texts.serial, "12345678");
	assert_string_equal(identity.texts.serial, "");
	identity_accept(&identity, &asking, 1000);
	assert_string_equal(identity.texts.serial, "12345678");
	assert_string_equal(identity.texts.mismatch, "");
	answer(soco, (uint16_t[]){0x1234, 0x5679});
	identity_read(&asking, &texts);
	assert_string_equal(texts.serial, "12345679");
	assert_string_equal(identity.texts.serial, "12345678");
}

IDENTITY_TEST(a_serial_number_that_is_not_known_is_believed_when_it_has_come_twice)
{
	answer(soco, (uint16_t[]){0x1234, 0x5678});
	assert_true(identity_doubts_serial(&identity, "12345678", false));
	identity_accept(&identity, &asking, 1000);
	assert_string_equal(identity.texts.serial, "");
	assert_int_equal(identity.ask_at_ms, 0);
	identity_note_read(&identity, 2000);
	assert_int_equal(identity.ask_at_ms, 0);
	assert_false(identity_doubts_serial(&identity, "", false)); /* no answer proves nothing */
	assert_false(identity_doubts_serial(&identity, "12345678", false));
	identity_accept(&identity, &asking, 3000);
	assert_string_equal(identity.texts.serial, "12345678");
	assert_int_equal(identity.ask_at_ms, 3000 + 86400000);
}

IDENTITY_TEST(the_known_serial_number_ends_the_doubt)
{
	assert_true(identity_doubts_serial(&identity, "12345678", false));
	assert_false(identity_doubts_serial(&identity, "87654321", true));
	assert_true(identity_doubts_serial(&identity, "12345678", false));
}

IDENTITY_TEST(a_serial_number_of_zeros_changes_nothing_and_is_asked_again_with_growing_pauses)
{
	static const int64_t pauses_ms[] = {60000, 120000, 240000};

	answer(soco, (uint16_t[]){0x1234, 0x5678});
	identity_accept(&identity, &asking, 1000);
	answer(soco, (uint16_t[]){0, 0});
	for (size_t i = 0; i < 3; i++) {
		identity_accept(&identity, &asking, 1000);
		assert_int_equal(identity.ask_at_ms, 1000 + pauses_ms[i]);
	}
	for (int i = 0; i < 20; i++)
		identity_accept(&identity, &asking, 1000);
	assert_int_equal(identity.ask_at_ms, 1000 + 86400000);
	assert_string_equal(identity.texts.serial, "12345678");
	answer(soco, (uint16_t[]){0x1234, 0x5678});
	identity_accept(&identity, &asking, 1000);
	answer(soco, (uint16_t[]){0, 0});
	identity_accept(&identity, &asking, 1000);
	assert_int_equal(identity.ask_at_ms, 1000 + 60000);
}

IDENTITY_TEST(a_serial_number_is_asked_for_three_times_at_once)
{
	assert_true(identity_confirm_serial(&identity, true));
	assert_true(identity_confirm_serial(&identity, true));
	assert_false(identity_confirm_serial(&identity, true));
	identity_confirm_serial(&identity, false);
	assert_true(identity_confirm_serial(&identity, true));
}

IDENTITY_TEST(another_maker_is_a_mismatch_until_the_right_one_answers)
{
	answer(abcd, (uint16_t[]){1, 2});
	identity_accept(&identity, &asking, 1000);
	assert_string_equal(identity.texts.mismatch, "maker is \"ABCD\", expected \"SOCO\"");
	answer(soco, (uint16_t[]){1, 2});
	identity_accept(&identity, &asking, 2000);
	assert_string_equal(identity.texts.mismatch, "");
}

IDENTITY_TEST(a_question_without_an_answer_changes_nothing)
{
	answer(abcd, (uint16_t[]){0x1234, 0x5678});
	identity_accept(&identity, &asking, 1000);
	assert_true(asking_begin_identify(&asking, 1));
	paper_answer(&asking, LINK_EXCEPTION, 4);
	identity_accept(&identity, &asking, 2000);
	assert_string_equal(identity.texts.serial, "12345678");
	assert_string_equal(identity.texts.mismatch, "maker is \"ABCD\", expected \"SOCO\"");
}

IDENTITY_TEST(a_meter_is_asked_at_first_then_daily_and_every_minute_while_it_is_another_model)
{
	assert_int_equal(identity.ask_at_ms, 0);
	answer(soco, (uint16_t[]){1, 2});
	identity_accept(&identity, &asking, 1000);
	assert_int_equal(identity.ask_at_ms, 1000 + 86400000);
	answer(abcd, (uint16_t[]){1, 2});
	identity_accept(&identity, &asking, 1000);
	assert_int_equal(identity.ask_at_ms, 1000 + 60000);
	identity_ask_now(&identity);
	assert_int_equal(identity.ask_at_ms, 0);
}

IDENTITY_TEST(a_meter_that_is_read_without_an_answer_is_asked_again_after_an_hour)
{
	identity_note_read(&identity, 5000);
	assert_int_equal(identity.ask_at_ms, 5000 + 3600000);
	identity_note_read(&identity, 9000);
	assert_int_equal(identity.ask_at_ms, 5000 + 3600000);
}

IDENTITY_TEST(a_clock_that_is_set_back_delays_the_question_by_at_most_one_day)
{
	identity_note_read(&identity, INT64_C(90000000000));
	identity_clock_set_back(&identity, 5000);
	assert_int_equal(identity.ask_at_ms, 5000 + 86400000);
}

IDENTITY_TEST(the_identity_survives_a_reload_but_open_second_questions_do_not)
{
	struct meter_identity next;

	answer(abcd, (uint16_t[]){0x1234, 0x5678});
	identity_accept(&identity, &asking, 1000);
	identity_confirm_serial(&identity, true);
	identity_confirm_counters(&identity, true);
	identity_init(&next);
	identity_inherit(&next, &identity);
	assert_string_equal(next.texts.serial, "12345678");
	assert_string_equal(next.texts.mismatch, "maker is \"ABCD\", expected \"SOCO\"");
	assert_int_equal(next.ask_at_ms, 61000);
	assert_int_equal(next.n_bounds, 0);
	assert_int_equal(next.n_confirms, 0);
	assert_false(next.confirms_counters);
}

UNIT_MAIN(paper_meter_set_up, paper_meter_tear_down)
