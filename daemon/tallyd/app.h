/* SPDX-License-Identifier: MIT */
/* app.h - the daemon: start list, reverse stop list, signals, reload, sd_notify.
 *
 * Reload (SIGHUP). The files are read and checked as a whole. On any error it is logged, and everything stays as it
 * was. Otherwise the new struct conf is put into force: the store is configured, settings that can change do, those
 * that cannot (path, durability, timezone) are named in the log, and lines_set() changes the buses that differ. The app
 * owns the configuration in force; each line holds, by conf_keep(), the one that it was begun with and points into. So
 * a bus that no reload has touched keeps its first configuration alive, and a configuration goes with the last line
 * that uses it.
 *
 * A commit that finds the database damaged, or that fails for minutes, has it opened again while polling continues
 * (store_reopen()), and that is repeated until it succeeds. If the ids of meters are lost the loop ends, everything is
 * stopped in order, and the next start deals with the file. It ends too when a commit finds another file at the path of
 * the database, or none: what is held goes into the open file where that has a name, and the next start opens what is
 * there then. */
#ifndef TALLY_APP_H
#define TALLY_APP_H

/* Run tallyd with these arguments until SIGTERM or SIGINT.
 * Returns the exit code: 0 after a signal, 2 wrong usage, 78 a bad configuration, 1 the store could not be opened, it
 * was moved, readings could not be written at the end, or something else could not be started. */
int app_main(int argc, char **argv);

#endif
