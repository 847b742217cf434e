/* SPDX-License-Identifier: MIT */
/* control.h - ask and change a running simulation over a Unix-domain socket: one line in, "ok" or "error: ..." and the
 * answer's lines out, then the connection is closed. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim.h"

struct control;
struct ev_loop;
struct line;

/* Listen at path; a socket left behind there is replaced. lines has one line per bus. NULL after a message. */
struct control *control_new(const char *path, struct sim *sim, struct line **lines, struct ev_loop *loop);

/* Close and remove the socket. */
void control_free(struct control *c);

/* The other end: send the words as one command to the socket at path, copy the answer to standard output.
 * Returns the program's exit code. */
int control_send(const char *path, int n_words, char **words);

#endif
