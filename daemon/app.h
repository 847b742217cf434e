/* SPDX-License-Identifier: MIT */
/* app.h - the daemon: start list, reverse stop list, signals, reload, sd_notify. */
#ifndef TALLY_APP_H
#define TALLY_APP_H

/* Run tallyd with these arguments until SIGTERM or SIGINT.
 * Returns the exit code: 0 after a signal, 2 wrong usage, 78 a bad configuration, 1 the store or a thread could not be
 * had. */
int app_main(int argc, char **argv);

#endif
