/* SPDX-License-Identifier: MIT */
#include "tally_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "nearest.h"
#include "text.h"
#include "value.h"

enum { WIDTH_DEFAULT = 80 };

void tally_format_span(int64_t ms, char out[TALLY_SPAN_TEXT_MAX])
{
	int64_t s = (ms + 500) / 1000;

	if (ms < 1000)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " ms", ms);
	else if (ms < 9950)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 ".%" PRId64 " s", (ms + 50) / 1000,
			 (ms + 50) % 1000 / 100);
	else if (s < 60)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}

void tally_format_seconds(int64_t s, char out[TALLY_SPAN_TEXT_MAX])
{
	if (s < 60)
		snprintf(out, TALLY_SPAN_TEXT_MAX, "%" PRId64 " s", s);
	else
		tally_format_span(s * 1000, out);
}

void tally_format_real(double value, char out[TALLY_REAL_TEXT_MAX])
{
	int digits = 15;

	do
		snprintf(out, TALLY_REAL_TEXT_MAX, "%.*g", digits, value);
	while (strtod(out, NULL) != value && ++digits <= 17);
}

const char *tally_ask_nearest(const struct nearest *near, const char *prefix, char out[TALLY_QUESTION_MAX])
{
	char before[32];

	snprintf(before, sizeof(before), "; did you mean \"%s", prefix);
	return text_did_you_mean(near, before, "\"?", out, TALLY_QUESTION_MAX);
}

const char *tally_did_you_mean(const char *mistyped, const char *prefix, const char *const *names, size_t n,
			       char out[TALLY_QUESTION_MAX])
{
	struct nearest near;

	nearest_begin(&near, mistyped);
	for (size_t i = 0; i < n; i++)
		nearest_consider(&near, names[i]);
	return tally_ask_nearest(&near, prefix, out);
}

unsigned tally_terminal_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int64_t n;

	if (!isatty(fileno(out)))
		return 0;
	if (columns != NULL && value_whole(columns, &n) == VALUE_OK && n > 0 && n < 10000)
		return (unsigned)n;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_DEFAULT;
}

bool tally_has_colours(FILE *out)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(fileno(out)) && (no_color == NULL || *no_color == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}
