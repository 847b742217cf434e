/* SPDX-License-Identifier: MIT */
#include "tally_option.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tally.h"
#include "tally_text.h"
#include "value.h"
#include "when.h"

enum { OPTIONS_MAX = 24 };

int tally_misused(const struct tally *t, const char *fmt, ...)
{
	const struct tally_command *c = t->command;
	va_list args;

	fprintf(stderr, "tally %s: ", c->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nusage: tally %s%s%s; see \"tally %s --help\"\n", c->name, c->arguments[0] != '\0' ? " " : "",
		c->arguments, c->name);
	return TALLY_USAGE;
}

int tally_option(const struct tally *t, const struct option *options)
{
	const char *given, *name, *names[OPTIONS_MAX];
	char question[TALLY_QUESTION_MAX];
	size_t n = 0;
	int c;

	opterr = 0;
	c = getopt_long(t->argc, t->argv, ":", options, NULL);
	if (c != '?' && c != ':')
		return c;
	given = t->argv[optind - 1];
	if (c == ':') {
		tally_misused(t, "%s needs a value", given);
		return '?';
	}
	/* An unknown option, or a known one with a value where none belongs. */
	name = strncmp(given, "--", 2) == 0 ? given + 2 : "";
	for (; *name != '\0' && n < OPTIONS_MAX && options[n].name != NULL; n++)
		names[n] = options[n].name;
	tally_misused(t, "unknown option \"%s\"%s", given, tally_did_you_mean(name, "--", names, n, question));
	return '?';
}

bool tally_read_whole(const struct tally *t, const char *option, const char *text, int64_t min, int64_t max,
		      int64_t *out)
{
	int64_t value;

	if (value_whole(text, &value) != VALUE_OK || value < min || value > max) {
		tally_misused(t, "%s %s is not valid; use %" PRId64 " to %" PRId64, option, text, min, max);
		return false;
	}
	*out = value;
	return true;
}

bool tally_read_time(const struct tally *t, const char *option, const char *text, int64_t *start_s, int64_t *end_s)
{
	char next[WHEN_TEXT_MAX];
	struct when w;

	switch (when_parse(text, &w)) {
	case WHEN_GOOD:
		break;
	case WHEN_BAD:
		tally_misused(t,
			      "%s %s is not a valid time; use 2026, 2026-11, 2026-11-21, 2026-11-21T08:15 or "
			      "2026-11-21T08:15:00+01:00",
			      option, text);
		return false;
	case WHEN_LEFT_OUT:
		when_format(w.start_s, next);
		tally_misused(
			t,
			"%s %s: that hour does not exist on that day, when the clocks are set forward; use another, "
			"such as %s",
			option, text, next);
		return false;
	}
	if (start_s != NULL)
		*start_s = w.start_s;
	if (end_s != NULL)
		*end_s = w.is_moment ? w.start_s : w.end_s;
	return true;
}

bool tally_read_delimiter(const struct tally *t, const char *text, char *out)
{
	*out = strcmp(text, "tab") == 0 ? '\t' : *text;
	if (*out == '\t' || (strlen(text) == 1 && strchr(",;|:", *text) != NULL))
		return true;
	tally_misused(t, "--delimiter \"%s\" is not valid; use , ; | : or tab", text);
	return false;
}

bool tally_read_decimal(const struct tally *t, const char *text, char *out)
{
	*out = *text;
	if (strcmp(text, ".") == 0 || strcmp(text, ",") == 0)
		return true;
	tally_misused(t, "--decimal \"%s\" is not valid; use . or ,", text);
	return false;
}
