/* SPDX-License-Identifier: MIT */
/* tally_access.h - whether the service may use the files that the configuration names. Root may read everything, so
 * what is good for the installer may end the daemon: the question is asked as the user of the service. */
#ifndef TALLY_TALLY_ACCESS_H
#define TALLY_TALLY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

struct conf;

/* Print to standard error what user tallyd, with its groups and group dialout, may not use of a configuration directory
 * and of the ports and folders that its configuration names; conf NULL: of the directory only. systemd is asked whether
 * the sandbox of the service lets it write to the folder of the database. What is not there is
 * left out. Only root can ask as another user, and only the service's own directory is asked about: for others, and
 * where there is no such user, nothing is printed. Returns whether nothing was found. */
bool tally_access_check(const char *dir, const struct conf *conf);

/* Whether the folder of the database is there; if not, say so on standard error. /var/lib/tallyd may be missing: the
 * service makes it. */
bool tally_access_has_folder(const struct conf *c);

#endif
