/* SPDX-License-Identifier: MIT */
/* output.h - the files that commands write for people. No command writes over a file that is tallyd's own: the database
 * and what belongs to it, what was put aside, the configuration. How a file is written: newfile.h. One thread. */
#ifndef TALLY_OUTPUT_H
#define TALLY_OUTPUT_H

#include <stdbool.h>

#include "newfile.h"

struct conf;

/* If what is at this place, or would be, is tallyd's own: what it is, as a part of a sentence. Otherwise NULL.
 * dir  the configuration directory */
const char *output_is_own(const struct newfile_place *p, const struct conf *conf, const char *dir);

/* Is the file that is there a database, or the -wal file of one? */
bool output_is_database(const struct newfile_place *p);

#endif
