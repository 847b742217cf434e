/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "table.h"
#include "unit.h"

static const struct table_column columns[] = {
	{"NAME", false, 0}, {"STATE", false, 0}, {"AGE", true, 1}, {"EMPTY", false, 0}, {"LABEL", false, 2}};

static void assert_printed(unsigned width, bool with_colours, const char *expected)
{
	struct table *t = table_new(columns, 5);
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_int_equal(table_add(t, (const char *const[]){"compressor", "up", "9 s", "", "Halle é"}, 1, TABLE_GREEN),
			 0);
	assert_int_equal(table_add(t, (const char *const[]){"pump", "down", "10 min", NULL, "x"}, 1, TABLE_RED), 0);
	table_print(t, out, width, with_colours);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	table_free(t);
}

TEST(columns_are_as_wide_as_their_texts)
{
	assert_printed(0, false,
		       "NAME        STATE     AGE  LABEL\n"
		       "compressor  up        9 s  Halle é\n"
		       "pump        down   10 min  x\n");
}

TEST(dispensable_columns_are_dropped_first)
{
	assert_printed(33, false, "NAME        STATE     AGE\ncompressor  up        9 s\npump        down   10 min\n");
	assert_printed(20, false, "NAME        STATE\ncompressor  up\npump        down\n");
}

TEST(the_first_column_is_cut_last)
{
	assert_printed(14, false, "NAME     STATE\ncompre~  up\npump     down\n");
	assert_printed(1, false, "NAME  STATE\ncom~  up\npump  down\n");
}

TEST(colours_take_no_width)
{
	assert_printed(20, true, "NAME        STATE\ncompressor  \033[32mup\033[0m\npump        \033[31mdown\033[0m\n");
}

static void assert_json(const char *text, const char *expected)
{
	char *json = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&json, &n);

	json_put_text(out, text);
	fclose(out);
	assert_string_equal(json, expected);
	free(json);
}

TEST(a_json_text_is_escaped)
{
	assert_json("", "\"\"");
	assert_json("a \"b\" \\ c\n", "\"a \\\"b\\\" \\\\ c\\u000a\"");
	assert_json("caf\xC3\xA9 \xF0\x9F\x92\xA1", "\"caf\xC3\xA9 \xF0\x9F\x92\xA1\"");
}

TEST(a_json_text_is_always_utf8)
{
	assert_json("caf\xE9!", "\"caf\\ufffd!\"");
	assert_json("\xC0\xAF", "\"\\ufffd\\ufffd\"");
	assert_json("\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_json("\xC3", "\"\\ufffd\"");
}

UNIT_MAIN(NULL, NULL)
