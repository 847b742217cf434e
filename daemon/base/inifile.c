/* SPDX-License-Identifier: MIT */
/* The file is read whole; libinih then asks for one line at a time, and gets only lines that it will understand as they
 * were meant: in bounds, printable, trimmed, of good form. A line that is not so is reported here and replaced by an
 * empty one, so that the rest of the file is still read. libinih reports no section without keys, so headers are passed
 * to the handler from here, before it sees them. */
#include "inifile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "err.h"
#include "text.h"

enum { FILE_BYTES_MAX = 1 << 20 }; /* no real ini file is longer; a device or a wrong path may be */

struct source {
	const char *path;
	const char *text;
	size_t n_bytes, at;
	unsigned line;	     /* of the line handed out last, from 1 */
	bool in_section;     /* below a good header */
	bool in_bad_section; /* below a bad header; neither before the first */
	inifile_handler_fn *handler;
	void *context;
	struct err *e;
};

/* First byte that is no printable text, or -1. */
static int bad_byte(const char *text, size_t n)
{
	unsigned char byte;
	size_t length;

	for (size_t i = 0; i < n; i += length) {
		byte = (unsigned char)text[i];
		length = text_utf8_length(text + i, n - i);
		if (length == 0 || (byte < ' ' && byte != '\t') || byte == 0x7F)
			return byte;
	}
	return -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Start of the comment that libinih sees in s (a ';' after a blank), or the end of s. */
static const char *find_comment(const char *s)
{
	for (const char *c = s; *c != '\0'; c++)
		if (*c == ';' && c > s && is_blank(c[-1]))
			return c;
	return s + strlen(s);
}

static void trim_blanks(const char **start, const char **end)
{
	while (*start < *end && is_blank(**start))
		(*start)++;
	while (*end > *start && is_blank((*end)[-1]))
		(*end)--;
}

/* Check a header, pass it to the handler and rewrite it as libinih wants it. Returns false when it is bad. */
static bool begin_section(struct source *s, char *text)
{
	const char *stop = find_comment(text), *close = memchr(text, ']', (size_t)(stop - text));
	const char *start = text + 1, *end = close, *rest, *rest_end = stop;
	char name[INIFILE_SECTION_BYTES_MAX + 1];
	size_t n;

	if (close == NULL) {
		start = text;
		trim_blanks(&start, &stop);
		err_add(s->e, s->path, s->line, "']' is missing after '%.*s'; write %.*s]", (int)(stop - start), start,
			(int)(stop - start), start);
		return false;
	}
	trim_blanks(&start, &end);
	rest = close + 1;
	trim_blanks(&rest, &rest_end);
	if (*rest == ';')
		rest = rest_end;
	n = (size_t)(end - start);
	if (n == 0)
		err_add(s->e, s->path, s->line, "name is missing in '[]'; write [SECTION]");
	else if (n > INIFILE_SECTION_BYTES_MAX)
		err_add(s->e, s->path, s->line, "section name is too long (%zu bytes); use at most %d", n,
			INIFILE_SECTION_BYTES_MAX);
	else if (rest < rest_end)
		err_add(s->e, s->path, s->line, "'%.*s' after ']' is not valid; use only a comment (;) there",
			(int)(rest_end - rest), rest);
	if (n == 0 || n > INIFILE_SECTION_BYTES_MAX || rest < rest_end)
		return false;
	memcpy(name, start, n);
	name[n] = '\0';
	sprintf(text, "[%s]", name);
	s->handler(s->context, name, NULL, NULL, s->line);
	return true;
}

/* Whether text is NAME = VALUE inside a section. */
static bool check_pair(struct source *s, const char *text)
{
	const char *stop = find_comment(text), *start = text, *end = text + strcspn(text, "=:");

	if (end >= stop || *end != '=') {
		trim_blanks(&start, &stop);
		err_add(s->e, s->path, s->line, "'%.*s' is not valid; write NAME = VALUE or [SECTION]",
			(int)(stop - start), start);
		return false;
	}
	trim_blanks(&start, &end);
	if (start == end) {
		err_add(s->e, s->path, s->line, "name before '=' is missing; write NAME = VALUE");
		return false;
	}
	if (!s->in_section && !s->in_bad_section)
		err_add(s->e, s->path, s->line, "key %.*s comes before any section; write [SECTION] first",
			(int)(end - start), start);
	return s->in_section;
}

/* Whether a line's length and bytes are allowed: n_bytes of it, start to end without the blanks around. */
static bool check_bytes(struct source *s, const char *start, const char *end, size_t n_bytes)
{
	int byte;

	if (n_bytes > INIFILE_LINE_BYTES_MAX) {
		err_add(s->e, s->path, s->line, "line is too long (%zu bytes); use at most %d", n_bytes,
			INIFILE_LINE_BYTES_MAX);
		return false;
	}
	byte = bad_byte(start, (size_t)(end - start));
	if (byte >= 0)
		err_add(s->e, s->path, s->line, "byte 0x%02X is not valid; use printable UTF-8 text", (unsigned)byte);
	return byte < 0;
}

/* Copy the next line to text without blanks around it. Returns false when libinih need not see it: empty, a comment, or
 * of bad form, which has been reported. */
static bool next_line(struct source *s, char *text)
{
	const char *start = s->text + s->at, *end = memchr(start, '\n', s->n_bytes - s->at);
	bool good;
	size_t n_bytes;

	s->line++;
	if (end == NULL)
		end = s->text + s->n_bytes;
	s->at = (size_t)(end - s->text) + 1;
	if (end > start && end[-1] == '\r')
		end--;
	if (s->line == 1 && end - start >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0)
		start += 3;
	n_bytes = (size_t)(end - start);
	trim_blanks(&start, &end);
	if (start == end || *start == ';' || *start == '#')
		return false;
	good = check_bytes(s, start, end, n_bytes);
	if (good) {
		memcpy(text, start, (size_t)(end - start));
		text[end - start] = '\0';
	}
	if (*start != '[')
		return good && check_pair(s, text);
	/* Keys below a header that was not understood belong to no known section. */
	s->in_section = good && begin_section(s, text);
	s->in_bad_section = !s->in_section;
	return s->in_section;
}

/* libinih's line source: one line a call, which fits because long ones are refused. It skips empty lines. */
static char *read_line(char *line, int n, void *stream)
{
	char text[INIFILE_LINE_BYTES_MAX + 1];
	struct source *s = stream;

	if (s->at >= s->n_bytes)
		return NULL;
	if (!next_line(s, text))
		text[0] = '\0';
	snprintf(line, (size_t)n, "%s", text);
	return line;
}

static int pass_pair(void *user, const char *section, const char *name, const char *value)
{
	struct source *s = user;

	s->handler(s->context, section, name, value, s->line);
	return 1;
}

void inifile_read_text(const char *path, const char *text, size_t n_bytes, inifile_handler_fn *handler, void *context,
		       struct err *e)
{
	struct source s = {
		.path = path, .text = text, .n_bytes = n_bytes, .handler = handler, .context = context, .e = e};

	ini_parse_stream(read_line, &s, pass_pair, &s);
}

int inifile_read(const char *path, inifile_handler_fn *handler, void *context, struct err *e)
{
	char *text = NULL;
	size_t n_bytes;
	FILE *f;
	int rc = 0;

	f = fopen(path, "re");
	if (f == NULL) {
		rc = -errno;
		goto out;
	}
	text = malloc(FILE_BYTES_MAX + 1);
	if (text == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	errno = 0;
	n_bytes = fread(text, 1, FILE_BYTES_MAX + 1, f);
	if (ferror(f))
		rc = errno != 0 ? -errno : -EIO;
	else if (n_bytes > FILE_BYTES_MAX)
		rc = -EFBIG;
	else
		inifile_read_text(path, text, n_bytes, handler, context, e);
out:
	if (rc == -ENOMEM)
		err_out_of_memory(e);
	else if (rc != 0)
		err_add(e, path, 0, "%s", strerror(-rc));
	free(text);
	if (f != NULL)
		fclose(f);
	return rc;
}
