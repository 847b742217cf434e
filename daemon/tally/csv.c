/* SPDX-License-Identifier: MIT */
#include "csv.h"

#include <inttypes.h>
#include <string.h>

void csv_complete(struct csv *c)
{
	if (c->decimal == '\0')
		c->decimal = '.';
	if (c->delimiter == '\0')
		c->delimiter = c->decimal == ',' ? ';' : ',';
}

static void begin_field(struct csv *c)
{
	if (c->in_row)
		fputc(c->delimiter, c->out);
	c->in_row = true;
}

static bool needs_quotes(const struct csv *c, const char *text)
{
	const char special[] = {c->delimiter, '"', '\r', '\n', '\0'};

	return text[strcspn(text, special)] != '\0';
}

/* The field before TEXT after. */
static void put_field(struct csv *c, const char *before, const char *text, const char *after)
{
	const char *const parts[] = {before, text, after};
	bool is_quoted = needs_quotes(c, before) || needs_quotes(c, text) || needs_quotes(c, after);

	begin_field(c);
	if (is_quoted)
		fputc('"', c->out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (const char *p = parts[i]; *p != '\0'; p++) {
			if (is_quoted && *p == '"')
				fputc('"', c->out);
			fputc(*p, c->out);
		}
	}
	if (is_quoted)
		fputc('"', c->out);
}

/* Whether a spreadsheet would read a number: it begins with a digit, and the rest could belong to one. */
static bool looks_like_number(const char *text)
{
	return *text >= '0' && *text <= '9' && text[strspn(text, "0123456789.,eE")] == '\0';
}

void csv_begin_spreadsheet(struct csv *c)
{
	c->marks_text = true;
	fputs("\xEF\xBB\xBF", c->out);
}

void csv_put_text(struct csv *c, const char *text)
{
	if (c->marks_text && *text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		put_field(c, "'", text, "");
	else if (c->marks_text && looks_like_number(text))
		put_field(c, "=\"", text, "\"");
	else
		put_field(c, "", text, "");
}

void csv_put_whole(struct csv *c, int64_t value)
{
	begin_field(c);
	fprintf(c->out, "%" PRId64, value);
}

void csv_put_number(struct csv *c, const char *number)
{
	char text[64];
	char *point;

	snprintf(text, sizeof(text), "%s", number);
	point = strchr(text, '.');
	if (point != NULL)
		*point = c->decimal;
	put_field(c, "", text, "");
}

void csv_end_row(struct csv *c)
{
	fputs("\r\n", c->out);
	c->in_row = false;
}
