/* SPDX-License-Identifier: MIT */
/* tally_option.h - the command line of a command: its options one by one, and the values that several commands take.
 * Each call prints on standard error what is wrong, in one line, and then the usage of the command. */
#ifndef TALLY_TALLY_OPTION_H
#define TALLY_TALLY_OPTION_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

struct tally;

/* The next option of the command, as getopt_long() would return it; -1 when none is left, '?' when it is a wrong one.
 */
int tally_option(const struct tally *t, const struct option *options);

/* Print what is wrong with the command line. Returns TALLY_USAGE. */
int tally_misused(const struct tally *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Read the value of an option as a whole number from min to max. Returns false when it is none. */
bool tally_read_whole(const struct tally *t, const char *option, const char *text, int64_t min, int64_t max,
		      int64_t *out);

/* Read a time or a span of time, see when.h: *start_s is its first second, *end_s the first behind it, or its start
 * when it has a time of day (each may be NULL). Returns false when it is none. The zone must be set. */
bool tally_read_time(const struct tally *t, const char *option, const char *text, int64_t *start_s, int64_t *end_s);

/* Read the characters between fields and before decimals of CSV. Return false when text is no such character. */
bool tally_read_delimiter(const struct tally *t, const char *text, char *out);
bool tally_read_decimal(const struct tally *t, const char *text, char *out);

#endif
