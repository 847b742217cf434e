/* SPDX-License-Identifier: MIT */
/* command.h - the commands that query and change a running simulation; tally-sim(1). */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include <stdio.h>

#include "sim.h"

enum { COMMAND_MAX = 512 }; /* longest command, bytes with its end */

struct line;

/* Run one command; lines has one line per bus. Writes "ok" and the lines of the answer, or one line "error: ...", to
 * out. */
void command_run(struct sim *sim, struct line **lines, const char *command, FILE *out);

#endif
