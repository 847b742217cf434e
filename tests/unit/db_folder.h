/* SPDX-License-Identifier: MIT */
/* db_folder.h - a folder with one database in it, for the tests of the room db. */
#ifndef TALLY_DB_FOLDER_H
#define TALLY_DB_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "db.h"
#include "db_file.h"
#include "err.h"

struct folder {
	char dir[64], path[96];
	struct db db; /* open after setup */
	struct db_file_report report;
	struct err e;
};

static const int64_t JAN_2026_S = 1767225600;

/* setup() makes the folder and a new database and collects the log; teardown() removes all of it. */
int folder_setup(void **state);
int folder_teardown(void **state);

/* Open the database, which must succeed; close it, so that all of it is in the file itself. */
void folder_open(struct folder *f);
void folder_close(struct folder *f);

/* Open it, which must fail with one error that begins with the path and has this text in it. */
void folder_refuse(struct folder *f, const char *path, const char *expected);

/* The text logged since setup(). */
const char *folder_log(void);

/* PATH followed by suffix; static. */
const char *folder_name(const struct folder *f, const char *suffix);

/* How many files match PATH followed by pattern. */
size_t folder_count(const struct folder *f, const char *pattern);

off_t file_size(const char *path);
void file_fill(const char *path, off_t at, size_t n, unsigned char byte);

/* Run statements, or get one number, on a connection of its own. */
void sql_run(const char *path, const char *sql);
int64_t sql_number(const char *path, const char *sql);

/* Where the nth leaf page of a table begins in the file. */
off_t sql_leaf(const char *path, const char *table, int nth);

/* A meter "press" with id 1, a meter "pump" with id 2, and n rows of reading_energy of meter 1, one a minute from
 * JAN_2026_S on, with a value that follows from the time: see energy_at(). All in the file itself. */
void fill_readings(const struct folder *f, int n);

int64_t energy_at(int64_t slot_s);

#endif
