/* SPDX-License-Identifier: MIT */
/* owner.h - root who works on a database in the folder of another user does it as that user: SQLite opens files by
 * their names, and what the user may have planted under them then leads nowhere that he could not go himself. What is
 * made is his, as if the daemon had made it. One thread. */
#ifndef TALLY_OWNER_H
#define TALLY_OWNER_H

#include <stdbool.h>

/* Become the owner of the folder of this file, for the rest of the program, if we are root and the owner is not.
 * Returns false with a complaint when that is not possible. */
bool owner_become(const char *path);

#endif
