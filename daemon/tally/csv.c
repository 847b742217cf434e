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

static void put_quoted(struct csv *c, const char *text)
{
	const char special[] = {c->delimiter, '"', '\r', '\n', '\0'};

	if (text[strcspn(text, special)] == '\0') {
		fputs(text, c->out);
		return;
	}
	fputc('"', c->out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', c->out);
		fputc(*text, c->out);
	}
	fputc('"', c->out);
}

void csv_put_text(struct csv *c, const char *text)
{
	begin_field(c);
	put_quoted(c, text);
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
	begin_field(c);
	put_quoted(c, text);
}

void csv_end_row(struct csv *c)
{
	fputs("\r\n", c->out);
	c->in_row = false;
}
