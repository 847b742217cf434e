/* SPDX-License-Identifier: MIT */
/* tally.h - the operator's tool: one function per command, one file per command.
 * Each returns the exit code: 0 good, 1 the thing asked about is bad, 2 wrong usage. One thread. */
#ifndef TALLY_TALLY_H
#define TALLY_TALLY_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf.h"
#include "names.h"

enum { TALLY_GOOD = 0, TALLY_BAD = 1, TALLY_USAGE = 2 };
enum { TALLY_SPAN_TEXT_MAX = 48, TALLY_REAL_TEXT_MAX = 32, TALLY_WIDTH_DEFAULT = 80 };

struct tally_command;

/* What every command is given: argv[0] is the command's own name. */
struct tally {
	const char *dir; /* configuration directory */
	const struct tally_command *command;
	int argc;
	char **argv;
};

struct tally_command {
	const char *name;
	int (*run)(const struct tally *t);
	const char *arguments, *purpose;
	const char *help; /* its options and a word on each, one screen at most, each line ended */
};

int tally_check(const struct tally *t);	  /* tally_check.c */
int tally_models(const struct tally *t);  /* tally_models.c */
int tally_probe(const struct tally *t);	  /* tally_probe.c */
int tally_scan(const struct tally *t);	  /* tally_scan.c */
int tally_status(const struct tally *t);  /* tally_status.c */
int tally_export(const struct tally *t);  /* tally_export.c */
int tally_report(const struct tally *t);  /* tally_report.c */
int tally_backup(const struct tally *t);  /* tally_backup.c */
int tally_replace(const struct tally *t); /* tally_replace.c */

/* Load the configuration, printing every error on standard error. NULL when it cannot be used. */
struct conf *tally_load_conf(const struct tally *t);

/* The same of tallyd.ini alone, for a command that asks the database: it works also while a bus file is being changed.
 */
struct conf *tally_load_main(const struct tally *t);

struct reader;

/* Open the configuration's database for reading. NULL when it can not be, told on standard error. */
struct reader *tally_open_database(const struct conf *conf);

/* Whether the database has rows of a meter, input or bus of this name. Told on standard error when not, with the
 * nearest. */
bool tally_is_known(struct reader *r, const char *name);

/* The bus or meter of this name. NULL when there is none: told on standard error, with the nearest. */
const struct conf_bus *tally_find_bus(const struct conf *conf, const char *name);
const struct conf_meter *tally_find_meter(const struct conf *conf, const char *name, const struct conf_bus **bus);

/* The meter or pulse input of this name; the other is NULL. Returns false when there is neither, told likewise. */
bool tally_find_counter(const struct conf *conf, const char *name, const struct conf_meter **meter,
			const struct conf_input **input);

/* Of n names the one nearest to a mistyped one, or NULL when none is near. */
const char *tally_nearest(const char *name, const char *const *names, size_t n);

/* The register table of a model, owned by the caller. NULL after telling why not, with the nearest name. */
struct driver *tally_load_model(const char *path, const char *name);

/* How long something takes or how old it is, for people: "400 ms", "9.5 s", "12 s", "3 min 5 s", "2 h 10 min", "5 d 3
 * h". */
void tally_format_span(int64_t ms, char out[TALLY_SPAN_TEXT_MAX]);

/* A number as short as it can be without becoming another one: "0.1", "81234.56". */
void tally_format_real(double value, char out[TALLY_REAL_TEXT_MAX]);

/* The next option of the command, as getopt_long() would return it; '?' after telling what is wrong with it. */
int tally_option(const struct tally *t, const struct option *options);

/* Tell on standard error what is wrong with the command line, and the usage. Returns TALLY_USAGE. */
int tally_misused(const struct tally *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Read text as a whole number from min to max. Returns false after telling what is allowed. */
bool tally_whole(const struct tally *t, const char *what, const char *text, int64_t min, int64_t max, int64_t *out);

/* Read a time or span of time, see when.h: *start_s is its first second, *end_s the first behind it, but its start when
 * it has a time of day (each may be NULL). Returns false after telling what is allowed. The zone must be set. */
bool tally_time(const struct tally *t, const char *option, const char *text, int64_t *start_s, int64_t *end_s);

/* Read what separates fields, and what stands before decimals, of CSV. Return false after telling what is allowed. */
bool tally_delimiter(const struct tally *t, const char *text, char *out);
bool tally_decimal(const struct tally *t, const char *text, char *out);

/* See that all of standard output was written. Returns code, or TALLY_BAD after telling what became of the output. */
int tally_finish_output(int code);

/* Whether out is a terminal for colours: NO_COLOR says otherwise, and so does a terminal that is dumb. */
bool tally_has_colours(FILE *out);

/* Columns of the terminal that out is, or of COLUMNS; 0 when it is none. */
unsigned tally_terminal_width(FILE *out);

#endif
