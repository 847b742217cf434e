/* SPDX-License-Identifier: MIT */
/* log.h - one line on standard error per change of state that a person can act on.
 * Lines lead with their subject ("meter compressor: ..."). When standard error is not a terminal each
 * line starts with the journal's priority ("<4>"). Any thread; a line is written whole. */
#ifndef TALLY_LOG_H
#define TALLY_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above this level are dropped. Starts at LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Send lines to sink instead of standard error; NULL restores it. For tests. Not while other threads log. */
void log_set_sink(void (*sink)(enum log_level level, const char *line));

/* All four preserve errno and add no newline of the caller's: the line must have none. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
