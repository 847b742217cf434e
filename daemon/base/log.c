/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "text.h"

static enum log_level level_shown = LOG_LEVEL_INFO;
static void (*line_sink)(enum log_level level, const char *line);

/* syslog(3)'s numbers, which the journal reads from the start of a line. */
static const char priority[] = {
	[LOG_LEVEL_ERROR] = '3', [LOG_LEVEL_WARNING] = '4', [LOG_LEVEL_INFO] = '6', [LOG_LEVEL_DEBUG] = '7'};

void log_set_level(enum log_level level)
{
	level_shown = level;
}

void log_set_sink(void (*sink)(enum log_level level, const char *line))
{
	line_sink = sink;
}

static void write_line(enum log_level level, const char *fmt, va_list args)
{
	int saved_errno = errno;
	char line[1024];

	if (level > level_shown)
		return;
	vsnprintf(line, sizeof(line), fmt, args);
	text_clean(line);
	if (line_sink != NULL)
		line_sink(level, line);
	else if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", line);
	else
		fprintf(stderr, "<%c>%s\n", priority[level], line);
	errno = saved_errno;
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(LOG_LEVEL_ERROR, fmt, args);
	va_end(args);
}

void log_warning(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(LOG_LEVEL_WARNING, fmt, args);
	va_end(args);
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(LOG_LEVEL_INFO, fmt, args);
	va_end(args);
}

void log_debug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(LOG_LEVEL_DEBUG, fmt, args);
	va_end(args);
}
