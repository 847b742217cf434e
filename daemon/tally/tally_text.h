/* SPDX-License-Identifier: MIT */
/* tally_text.h - text for people: spans of time, numbers, a guess at a mistyped name; and what the terminal can show.
 * Pure, except that the calls on a stream look at it and at the environment. */
#ifndef TALLY_TALLY_TEXT_H
#define TALLY_TALLY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct nearest;

enum { TALLY_SPAN_TEXT_MAX = 48, TALLY_REAL_TEXT_MAX = 32, TALLY_QUESTION_MAX = 96 };

/* How long something takes or how old it is: "400 ms", "9.5 s", "12 s", "3 min 5 s", "2 h 10 min", "5 d 3 h". */
void tally_format_span(int64_t ms, char out[TALLY_SPAN_TEXT_MAX]);

/* The same of whole seconds, of which no more is known: "7 s". */
void tally_format_seconds(int64_t s, char out[TALLY_SPAN_TEXT_MAX]);

/* A number with as few digits as name it exactly: "0.1", "81234.56". */
void tally_format_real(double value, char out[TALLY_REAL_TEXT_MAX]);

/* The question that follows the complaint about an unknown name, "; did you mean "NAME"?" with the nearest of n known
 * names, or "" when none is near. prefix: what people type before such a name ("--"), or "". Returns out. */
const char *tally_did_you_mean(const char *mistyped, const char *prefix, const char *const *names, size_t n,
			       char out[TALLY_QUESTION_MAX]);

/* The same of a search that the caller has made. */
const char *tally_ask_nearest(const struct nearest *near, const char *prefix, char out[TALLY_QUESTION_MAX]);

/* Columns of the terminal that out is, or of COLUMNS; 0 when it is no terminal. */
unsigned tally_terminal_width(FILE *out);

/* Is out a terminal that shows colours? Not one that is dumb, nor while NO_COLOR is set. */
bool tally_has_colours(FILE *out);

#endif
