/* SPDX-License-Identifier: MIT */
/* control.h - query and change a running simulation over a Unix-domain socket: one line in, "ok" or "error: ..." and
 * the lines of the answer out, then the connection is closed. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim.h"

struct control;
struct ev_loop;
struct line;

/* Listen at path; a stale socket there is replaced. lines has one line per bus. NULL on error, after a message to
 * standard error. sim, lines and loop must outlive it. */
struct control *control_new(const char *path, struct sim *sim, struct line **lines, struct ev_loop *loop);

/* Close and remove the socket. */
void control_free(struct control *c);

/* The client: send the words as one command to the socket at path and copy the answer to standard output.
 * Returns the program's exit code. */
int control_send(const char *path, int n_words, char **words);

#endif
