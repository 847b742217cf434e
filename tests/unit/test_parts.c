/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <stdio.h>
#include <string.h>

#include "paper_meter.h"
#include "unit.h"

enum { NOW_MS = 1000000 };

static struct plan *plan; /* of the search under way */
static struct parts parts;
static char missing[100]; /* names of rows found to be missing */

static int begin(void **state)
{
	(void)state;
	parts_init(&parts, paper_driver);
	return 0;
}

static int end(void **state)
{
	(void)state;
	plan_free(plan);
	plan = NULL;
	return 0;
}

#define PARTS_TEST(name) TEST_WITH(name, begin, end)

/* The meter refuses every request of the plan that reads these groups. */
static void refuse(unsigned groups)
{
	plan_free(plan);
	plan = plan_new(paper_driver, groups, &parts.missing, &parts.cuts);
	assert_non_null(plan);
	assert_false(parts_is_searching(&parts));
	parts_begin(&parts, plan, groups);
	for (size_t i = plan->n_requests; i-- > 0;)
		parts_add(&parts, plan->requests[i]);
}

/* The part that is next reads n_words from address on and is answered so; names of missing rows may take n bytes. */
static enum parts_result try_in(size_t n, unsigned address, unsigned n_words, enum parts_answer answer)
{
	struct plan_request r = {0};
	enum parts_result result;

	assert_true(parts_next(&parts, &r));
	assert_int_equal(r.address, address);
	assert_int_equal(r.n_words, n_words);
	result = parts_take(&parts, answer, NOW_MS);
	if (result == PARTS_MISSING)
		parts_name_refused(&parts, false, missing, n);
	return result;
}

static enum parts_result try(unsigned address, unsigned n_words, enum parts_answer answer)
{
	return try_in(sizeof(missing), address, n_words, answer);
}

/* Every row has answered; returns the names of those whose refusal was reported. */
static const char *answer_everything(void)
{
	struct plan_rows all = {{0xFF}};
	static char names[100];

	parts_note_answered(&parts, &all, names, sizeof(names));
	return names;
}

static const char *refused(void)
{
	static char names[100];

	parts_name_refused(&parts, true, names, sizeof(names));
	return names;
}

/* The row that is due is asked again; it is the one at this address. */
static void ask_again(unsigned address, enum parts_answer answer, int64_t now_ms)
{
	assert_int_equal(parts_again_ms(&parts), now_ms);
	assert_int_equal(paper_driver->rows[parts_next_again(&parts)].address, address);
	parts_take_again(&parts, answer, now_ms);
}

/* The meter refuses the energies, and of them active_energy_import each time. */
static enum parts_result lack_import_in(size_t n)
{
	refuse(DRIVER_ENERGY);
	assert_int_equal(try_in(n, 100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try_in(n, 100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try_in(n, 100, 2, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try_in(n, 100, 2, PARTS_REFUSED), PARTS_MORE);
	return try_in(n, 104, 2, PARTS_READ);
}

static void expect_plan(unsigned groups, const char *expected)
{
	struct plan *p = plan_new(paper_driver, groups, &parts.missing, &parts.cuts);
	char text[100] = "";

	assert_non_null(p);
	for (unsigned i = 0; i < p->n_requests; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u+%u", p->requests[i].address,
			 p->requests[i].n_words);
	assert_string_equal(text, expected);
	plan_free(p);
}

PARTS_TEST(a_refused_register_is_found_and_the_coarser_one_is_read)
{
	assert_int_equal(lack_import_in(sizeof(missing)), PARTS_MISSING);
	assert_string_equal(missing, "active_energy_import at 100");
	assert_int_equal(parts.version, 1);
	expect_plan(DRIVER_ENERGY, " 300+2 104+2");
}

PARTS_TEST(registers_that_do_not_fit_the_text_are_counted)
{
	static const unsigned rooms[] = {43, 42};
	static const char *const texts[] = {"active_energy_import at 100", "1 more"};

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		parts_init(&parts, paper_driver);
		assert_int_equal(lack_import_in(rooms[i]), PARTS_MISSING);
		assert_string_equal(missing, texts[i]);
	}
}

PARTS_TEST(a_temporary_refusal_changes_nothing)
{
	refuse(DRIVER_ENERGY);
	assert_int_equal(try(100, 6, PARTS_READ), PARTS_NOTHING);
	refuse(DRIVER_ENERGY);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 6, PARTS_READ), PARTS_NOTHING);
	assert_int_equal(parts.version, 0);
	expect_plan(DRIVER_ENERGY, " 100+6");
}

PARTS_TEST(silence_ends_a_search_until_the_next_refusal)
{
	struct plan_request r;

	refuse(DRIVER_ENERGY);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 2, PARTS_SILENT), PARTS_NOTHING);
	assert_false(parts_next(&parts, &r));
	assert_int_equal(parts.version, 0);
}

PARTS_TEST(a_missing_register_found_before_silence_is_missing)
{
	refuse(DRIVER_ENERGY);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 2, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 2, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(104, 2, PARTS_SILENT), PARTS_MISSING);
	expect_plan(DRIVER_ENERGY, " 300+2 104+2");
}

PARTS_TEST(a_search_that_the_line_ended_proves_nothing)
{
	refuse(DRIVER_ENERGY);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	parts_abandon(&parts);
	assert_false(parts_is_searching(&parts));
	expect_plan(DRIVER_ENERGY, " 100+6");
}

PARTS_TEST(a_missing_register_is_named_once_and_requested_again_when_forgotten)
{
	for (int round = 0; round < 2; round++) {
		assert_int_equal(lack_import_in(sizeof(missing)), PARTS_MISSING);
		assert_string_equal(missing, round == 0 ? "active_energy_import at 100" : "");
		parts_forget(&parts);
		expect_plan(DRIVER_ENERGY, " 100+6");
	}
}

PARTS_TEST(a_missing_register_is_not_named_again_after_a_reload)
{
	struct parts old;

	lack_import_in(sizeof(missing));
	old = parts;
	parts_init(&parts, paper_driver);
	parts_inherit(&parts, &old);
	expect_plan(DRIVER_ENERGY, " 300+2 104+2");
	parts_forget(&parts);
	assert_int_equal(lack_import_in(sizeof(missing)), PARTS_MISSING);
	assert_string_equal(missing, "");
}

PARTS_TEST(a_meter_that_refuses_only_the_long_read_is_read_in_parts)
{
	refuse(DRIVER_ENERGY);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 2, PARTS_READ), PARTS_MORE);
	assert_int_equal(try(104, 2, PARTS_READ), PARTS_TOO_LONG);
	expect_plan(DRIVER_ENERGY, " 100+2 104+2");
}

PARTS_TEST(a_meter_that_refuses_everything_is_asked_again)
{
	refuse(DRIVER_POWER);
	assert_int_equal(try(200, 2, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(200, 2, PARTS_REFUSED), PARTS_ALL_REFUSED);
	expect_plan(DRIVER_POWER, " 200+2");
}

PARTS_TEST(a_meter_that_lacks_a_row_keeps_its_long_reads)
{
	refuse(DRIVER_ENERGY);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(100, 2, PARTS_READ), PARTS_MORE);
	assert_int_equal(try(104, 2, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(104, 2, PARTS_REFUSED), PARTS_MISSING);
	assert_string_equal(missing, "active_energy_export at 104");
	assert_int_equal(parts.cuts.bits[0], 0);
	expect_plan(DRIVER_ENERGY | DRIVER_POWER, " 200+2 100+2");
}

PARTS_TEST(a_register_that_has_answered_is_asked_again_with_growing_pauses_forever)
{
	static const int64_t at_s[] = {10, 30, 70, 150, 310, 610, 910, 1210};

	answer_everything();
	assert_int_equal(parts_again_ms(&parts), INT64_MAX);
	assert_int_equal(lack_import_in(sizeof(missing)), PARTS_MISSING);
	assert_string_equal(missing, "");
	assert_string_equal(refused(), "active_energy_import at 100");
	expect_plan(DRIVER_ENERGY, " 300+2 104+2");
	for (size_t i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++)
		ask_again(100, PARTS_REFUSED, NOW_MS + at_s[i] * 1000);
	assert_int_equal(parts_again_ms(&parts), NOW_MS + 1510 * 1000);
}

PARTS_TEST(a_register_that_answers_again_is_read_and_named)
{
	answer_everything();
	lack_import_in(sizeof(missing));
	refused();
	ask_again(100, PARTS_READ, NOW_MS + 10000);
	assert_string_equal(answer_everything(), "active_energy_import at 100");
	assert_string_equal(answer_everything(), "");
	assert_int_equal(parts_again_ms(&parts), INT64_MAX);
	expect_plan(DRIVER_ENERGY, " 100+6");
}

PARTS_TEST(a_register_that_never_answered_is_not_asked_again)
{
	struct plan_rows export_only = {{4}};
	char names[100];

	parts_note_answered(&parts, &export_only, names, sizeof(names));
	lack_import_in(sizeof(missing));
	assert_string_equal(missing, "active_energy_import at 100");
	assert_string_equal(refused(), "");
	assert_int_equal(parts_again_ms(&parts), INT64_MAX);
}

PARTS_TEST(registers_are_asked_again_one_after_the_other)
{
	answer_everything();
	refuse(DRIVER_ENERGY | DRIVER_POWER);
	for (int i = 0; i < 2; i++)
		assert_int_equal(try(100, 6, PARTS_REFUSED), PARTS_MORE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(try(100, 2, PARTS_REFUSED), PARTS_MORE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(try(104, 2, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(200, 2, PARTS_READ), PARTS_MISSING);
	assert_string_equal(refused(), "active_energy_import at 100, active_energy_export at 104");
	ask_again(100, PARTS_REFUSED, NOW_MS + 10000);
	ask_again(104, PARTS_READ, NOW_MS + 10000);
	ask_again(100, PARTS_SILENT, NOW_MS + 20000); /* one is back: the other may be */
	ask_again(100, PARTS_REFUSED, NOW_MS + 40000);
}

PARTS_TEST(what_a_meter_refuses_of_everything_is_named_and_asked_for_in_every_round)
{
	answer_everything();
	refuse(DRIVER_POWER);
	assert_int_equal(try(200, 2, PARTS_REFUSED), PARTS_MORE);
	assert_int_equal(try(200, 2, PARTS_REFUSED), PARTS_ALL_REFUSED);
	assert_string_equal(refused(), "active_power at 200");
	assert_string_equal(refused(), "");
	assert_int_equal(parts_again_ms(&parts), INT64_MAX);
	expect_plan(DRIVER_POWER, " 200+2");
	assert_string_equal(answer_everything(), "active_power at 200");
}

PARTS_TEST(a_register_that_has_answered_is_asked_again_after_a_reload)
{
	struct parts old;

	answer_everything();
	lack_import_in(sizeof(missing));
	old = parts;
	parts_init(&parts, paper_driver);
	parts_inherit(&parts, &old);
	ask_again(100, PARTS_REFUSED, NOW_MS + 10000);
	ask_again(100, PARTS_READ, NOW_MS + 30000);
	expect_plan(DRIVER_ENERGY, " 100+6");
}

PARTS_TEST(a_clock_that_is_set_back_delays_the_question_by_a_pause)
{
	answer_everything();
	lack_import_in(sizeof(missing));
	parts_clock_set_back(&parts, 5000);
	assert_int_equal(parts_again_ms(&parts), 5000 + 20000);
}

UNIT_MAIN(paper_meter_set_up, paper_meter_tear_down)
