/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "nearest.h"
#include "text.h"
#include "unit.h"

static void assert_utf8(const char *text, size_t length)
{
	assert_int_equal(text_utf8_length(text, strlen(text)), length);
	assert_int_equal(text_utf8_length(text, SIZE_MAX), length);
}

TEST(a_utf8_character_has_one_to_four_bytes)
{
	assert_utf8("a", 1);
	assert_utf8("\xC2\x80", 2);
	assert_utf8("\xDF\xBF...", 2);
	assert_utf8("\xE0\xA0\x80", 3);
	assert_utf8("\xED\x9F\xBF", 3);
	assert_utf8("\xEF\xBF\xBF", 3);
	assert_utf8("\xF0\x90\x80\x80", 4);
	assert_utf8("\xF4\x8F\xBF\xBF", 4);
	assert_int_equal(text_utf8_length("", 1), 1);
}

TEST(an_incomplete_utf8_character_is_rejected)
{
	assert_utf8("\xC2", 0);
	assert_utf8("\xE0\xA0", 0);
	assert_utf8("\xF0\x90\x80", 0);
	assert_int_equal(text_utf8_length("\xE2\x82\xAC", 2), 0);
	assert_int_equal(text_utf8_length("a", 0), 0);
}

TEST(a_byte_that_begins_no_utf8_character_is_rejected)
{
	assert_utf8("\x80", 0);
	assert_utf8("\xBF", 0);
	assert_utf8("\xC0\x80", 0);
	assert_utf8("\xC1\xBF", 0);
	assert_utf8("\xF5\x80\x80\x80", 0);
	assert_utf8("\xFF", 0);
	assert_utf8("\xC3(", 0);
}

TEST(long_forms_surrogates_and_codes_past_the_last_character_are_rejected)
{
	assert_utf8("\xE0\x9F\xBF", 0);
	assert_utf8("\xF0\x8F\xBF\xBF", 0);
	assert_utf8("\xED\xA0\x80", 0);
	assert_utf8("\xF4\x90\x80\x80", 0);
}

TEST(the_distance_counts_changed_letters)
{
	assert_int_equal(nearest_distance("countis-e44", "countis-e44"), 0);
	assert_int_equal(nearest_distance("countis-e45", "countis-e44"), 1);
	assert_int_equal(nearest_distance("contis-e44", "countis-e44"), 1);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("abc", ""), 3);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

static const char *const commands[] = {"check", "models", "status", "scan", "stats"};

static const char *nearest_command(const char *mistyped)
{
	const char *name = NULL;
	struct nearest near;

	nearest_begin(&near, mistyped);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (nearest_consider(&near, commands[i]))
			name = commands[i];
	return name;
}

TEST(the_nearest_name_may_have_been_meant)
{
	assert_string_equal(nearest_command("chek"), "check");
	assert_string_equal(nearest_command("stattus"), "status");
	assert_string_equal(nearest_command("state"), "stats");
	assert_string_equal(nearest_command("scan"), "scan");
	assert_null(nearest_command("fly"));
	assert_null(nearest_command(""));
}

static void assert_question(const char *mistyped, const char *expected)
{
	struct nearest near;
	char text[64];

	nearest_begin(&near, mistyped);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		nearest_consider(&near, commands[i]);
	assert_string_equal(text_did_you_mean(&near, "; \"", "\"?", text, sizeof(text)), expected);
}

TEST(the_question_contains_the_nearest_name)
{
	assert_question("chek", "; \"check\"?");
	assert_question("modles", "; \"models\"?");
}

TEST(no_question_is_asked_when_no_name_is_near_or_the_name_was_right)
{
	assert_question("fly", "");
	assert_question("", "");
	assert_question("scan", "");
}

TEST(the_question_may_name_something_that_is_gone)
{
	char name[] = "status", text[64];
	struct nearest near;

	nearest_begin(&near, "sttaus");
	assert_true(nearest_consider(&near, name));
	memset(name, 'x', strlen(name));
	assert_string_equal(text_did_you_mean(&near, " (", ")", text, sizeof(text)), " (status)");
}

TEST(a_process_has_the_name_that_the_kernel_knows)
{
	char name[32];

	assert_int_equal(prctl(PR_SET_NAME, "a (b) c"), 0);
	assert_true(text_process_name(getpid(), name, sizeof(name)));
	assert_string_equal(name, "a (b) c");
	assert_true(text_process_name(getpid(), name, 4));
	assert_string_equal(name, "a (");
}

TEST(the_name_of_a_process_holds_no_escape_sequence)
{
	char name[32];

	assert_int_equal(prctl(PR_SET_NAME, "\x1b[2Jx\n\x9b!"), 0);
	assert_true(text_process_name(getpid(), name, sizeof(name)));
	assert_string_equal(name, "?[2Jx");
}

TEST(a_foreign_text_is_cleaned_of_control_characters_and_of_what_is_no_utf8)
{
	static const struct {
		const char *text, *cleaned;
	} rows[] = {
		{"", ""},
		{"Hall A, 2.5 m\xC2\xB2", "Hall A, 2.5 m\xC2\xB2"},
		{"\x1b]0;owned\x07", "?]0;owned?"},
		{"a\r\nb\tc\x7f", "a??b?c?"},
		{"\xC2\x9B"
		 "31m",
		 "??31m"},
		{"\xFF\xC3(", "?"
			      "?("},
		{"end\xE2\x82", "end??"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(text, rows[i].text);
		text_clean(text);
		assert_string_equal(text, rows[i].cleaned);
	}
}

TEST(a_missing_process_has_no_name)
{
	char name[32] = "x";

	assert_false(text_process_name(999999999, name, sizeof(name)));
	assert_string_equal(name, "");
}

UNIT_MAIN(NULL, NULL)
