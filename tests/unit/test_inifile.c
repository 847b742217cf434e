/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "inifile.h"
#include "unit.h"

/* The calls of the handler, one line each: "line [section]" or "line section.name=value". */
static char calls[4096];

static void note_call(void *context, const char *section, const char *name, const char *value, unsigned line)
{
	size_t n = strlen(calls);

	(void)context;
	if (name == NULL)
		snprintf(calls + n, sizeof(calls) - n, "%u [%s]\n", line, section);
	else
		snprintf(calls + n, sizeof(calls) - n, "%u %s.%s=%s\n", line, section, name, value);
}

static void read_bytes(const char *text, size_t n, struct err *e)
{
	calls[0] = '\0';
	inifile_read_text("a.ini", text, n, note_call, NULL, e);
}

static void assert_calls(const char *text, const char *expected)
{
	struct err e = {0};

	read_bytes(text, strlen(text), &e);
	assert_string_equal(calls, expected);
	assert_int_equal(e.n_items, 0);
	err_fini(&e);
}

static void assert_refused(const char *text, const char *message, const char *expected)
{
	struct err e = {0};

	read_bytes(text, strlen(text), &e);
	assert_int_equal(e.n_errors, 1);
	assert_string_equal(e.items[0].text, message);
	assert_string_equal(calls, expected);
	err_fini(&e);
}

TEST(keys_come_with_section_and_line)
{
	assert_calls("; a comment\n[bus]\nbaud = 9600\n\nparity=none\n[meter a]\naddress = 5\n",
		     "2 [bus]\n3 bus.baud=9600\n5 bus.parity=none\n6 [meter a]\n7 meter a.address=5\n");
}

TEST(sections_without_keys_are_reported)
{
	assert_calls("[a]\n[b]", "1 [a]\n2 [b]\n");
}

TEST(leading_blanks_make_no_continuation)
{
	assert_calls("  [bus]\n\tbaud = 9600\n    parity = even\n  # note\n",
		     "1 [bus]\n2 bus.baud=9600\n3 bus.parity=even\n");
}

TEST(comments_end_values_and_headers)
{
	assert_calls("[bus]; the line\nbaud = 9600 ; slow\nlabel = a;b #c\n",
		     "1 [bus]\n2 bus.baud=9600\n3 bus.label=a;b #c\n");
}

TEST(whole_line_comments_may_be_long)
{
	char text[600];

	memset(text, 'x', sizeof(text));
	memcpy(text, "[a]\n; ", 6);
	memcpy(text + sizeof(text) - 7, "\nk = 1", 7);
	assert_calls(text, "1 [a]\n3 a.k=1\n");
}

TEST(foreign_line_ends_and_byte_order_mark_are_taken)
{
	assert_calls("\xEF\xBB\xBF[bus]\r\nbaud = 9600\r\n", "1 [bus]\n2 bus.baud=9600\n");
}

TEST(empty_values_and_further_equal_signs_are_kept)
{
	assert_calls("[a]\nlabel =\nlist = x=1 y:2\n", "1 [a]\n2 a.label=\n3 a.list=x=1 y:2\n");
}

TEST(text_beyond_ascii_is_taken)
{
	assert_calls("[a]\nlabel = Atelier \xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\x8C\n",
		     "1 [a]\n2 a.label=Atelier \xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x94\x8C\n");
}

TEST(longest_line_is_whole)
{
	char text[4 + INIFILE_LINE_BYTES_MAX + 1], expected[300];

	memcpy(text, "[a]\n", 4);
	memset(text + 4, 'x', INIFILE_LINE_BYTES_MAX);
	memcpy(text + 4, "k=", 2);
	text[sizeof(text) - 1] = '\0';
	snprintf(expected, sizeof(expected), "1 [a]\n2 a.k=%s\n", text + 6);
	assert_calls(text, expected);
}

TEST(longer_line_is_refused_and_reading_continues)
{
	char text[4 + INIFILE_LINE_BYTES_MAX + 1 + 8];

	memset(text, 'x', sizeof(text));
	memcpy(text, "[a]\nk=", 6);
	memcpy(text + sizeof(text) - 8, "\nj = 22", 8);
	assert_refused(text, "a.ini:2: line is too long (199 bytes); use at most 198", "1 [a]\n3 a.j=22\n");
}

TEST(longest_section_name_is_whole)
{
	assert_calls("[meter 7890123456789012345678901234567890123456789]\nk = 1\n",
		     "1 [meter 7890123456789012345678901234567890123456789]\n"
		     "2 meter 7890123456789012345678901234567890123456789.k=1\n");
}

TEST(keys_of_a_refused_section_go_nowhere)
{
	assert_refused("[a]\n[meter 78901234567890123456789012345678901234567890]\nk = 1\n[b]\nk = 2\n",
		       "a.ini:2: section name is too long (50 bytes); use at most 49", "1 [a]\n4 [b]\n5 b.k=2\n");
}

TEST(keys_of_an_overlong_header_go_nowhere)
{
	char text[400];

	memset(text, 'x', sizeof(text));
	memcpy(text, "[a]\n[", 5);
	memcpy(text + 205, "\nk = 1\n[b]\nk = 2", 17);
	assert_refused(text, "a.ini:2: line is too long (201 bytes); use at most 198", "1 [a]\n4 [b]\n5 b.k=2\n");
}

TEST(faults_of_form_are_named)
{
	assert_refused("[bus\nk = 1\n", "a.ini:1: ']' is missing after '[bus'; write [bus]", "");
	assert_refused("[meter x ; the hall\nk = 1\n", "a.ini:1: ']' is missing after '[meter x'; write [meter x]", "");
	assert_refused("[bus ;]\n", "a.ini:1: ']' is missing after '[bus'; write [bus]", "");
	assert_refused("[  ]\n", "a.ini:1: name is missing in '[]'; write [SECTION]", "");
	assert_refused("[a] b\n", "a.ini:1: 'b' after ']' is not valid; use only a comment (;) there", "");
	assert_refused("k = 1\n", "a.ini:1: key k comes before any section; write [SECTION] first", "");
	assert_refused("[a]\nbaud 9600\n", "a.ini:2: 'baud 9600' is not valid; write NAME = VALUE or [SECTION]",
		       "1 [a]\n");
	assert_refused("[a]\nbaud: 9600\n", "a.ini:2: 'baud: 9600' is not valid; write NAME = VALUE or [SECTION]",
		       "1 [a]\n");
	assert_refused("[a]\nbaud ; = 1\n", "a.ini:2: 'baud' is not valid; write NAME = VALUE or [SECTION]", "1 [a]\n");
	assert_refused("[a]\n= 1\n", "a.ini:2: name before '=' is missing; write NAME = VALUE", "1 [a]\n");
	assert_refused("[a]\nk = \x01\n", "a.ini:2: byte 0x01 is not valid; use printable UTF-8 text", "1 [a]\n");
	assert_refused("[a]\nk = \xE9t\xE9\n", "a.ini:2: byte 0xE9 is not valid; use printable UTF-8 text", "1 [a]\n");
	assert_refused("[a]\nk = \xC0\x80\n", "a.ini:2: byte 0xC0 is not valid; use printable UTF-8 text", "1 [a]\n");
}

TEST(nul_bytes_are_refused)
{
	static const char text[] = "[a]\nk = 1\0002\nj = 3\n";
	struct err e = {0};

	read_bytes(text, sizeof(text) - 1, &e);
	assert_int_equal(e.n_errors, 1);
	assert_string_equal(e.items[0].text, "a.ini:2: byte 0x00 is not valid; use printable UTF-8 text");
	assert_string_equal(calls, "1 [a]\n3 a.j=3\n");
	err_fini(&e);
}

TEST(every_fault_is_reported_at_once)
{
	struct err e = {0};
	const char *text = "k = 1\n[a]\nfoo\n[b\nl = 2\n";

	read_bytes(text, strlen(text), &e);
	assert_int_equal(e.n_errors, 3);
	assert_string_equal(e.items[2].text, "a.ini:4: ']' is missing after '[b'; write [b]");
	err_fini(&e);
}

TEST(file_is_read)
{
	char path[] = "/tmp/test_ini_XXXXXX";
	struct err e = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "[a]\nk = 1\n", 10), 10);
	close(fd);
	calls[0] = '\0';
	assert_int_equal(inifile_read(path, note_call, NULL, &e), 0);
	assert_string_equal(calls, "1 [a]\n2 a.k=1\n");
	assert_int_equal(e.n_items, 0);
	unlink(path);
}

TEST(unreadable_files_are_reported)
{
	struct err e = {0};

	assert_int_equal(inifile_read("/nonexistent/a.ini", note_call, NULL, &e), -ENOENT);
	assert_int_equal(inifile_read("/tmp", note_call, NULL, &e), -EISDIR);
	assert_int_equal(inifile_read("/dev/zero", note_call, NULL, &e), -EFBIG);
	assert_int_equal(e.n_errors, 3);
	assert_string_equal(e.items[0].text, "/nonexistent/a.ini: No such file or directory");
	assert_string_equal(e.items[1].text, "/tmp: Is a directory");
	assert_string_equal(e.items[2].text, "/dev/zero: File too large");
	err_fini(&e);
}

UNIT_MAIN(NULL, NULL)
