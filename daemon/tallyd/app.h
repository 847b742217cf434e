/* SPDX-License-Identifier: MIT */
/* app.h - the daemon: start list, reverse stop list, signals, reload, sd_notify.
 *
 * Reload (SIGHUP). The files are read and checked whole; any error is logged, and all stays as it was. Else the new
 * struct conf is put into force: the store is told, settings that can change do, those that cannot (path, durability,
 * timezone) are named in the log, and lines_set() changes the buses that differ. Who owns what: app holds the
 * configuration in force; each line holds, by conf_keep(), the one it was begun with and points into. So a bus that no
 * reload has touched keeps its first configuration alive, and a configuration goes with the last line that uses it. */
#ifndef TALLY_APP_H
#define TALLY_APP_H

/* Run tallyd with these arguments until SIGTERM or SIGINT.
 * Returns the exit code: 0 after a signal, 2 wrong usage, 78 a bad configuration, 1 the store or a thread could not be
 * had. */
int app_main(int argc, char **argv);

#endif
