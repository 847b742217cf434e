/* SPDX-License-Identifier: MIT */
/* store_reader.h - read the database with SQL while the daemon writes: rows one at a time, in constant memory.
 * Part of the store: what the operator's tool asks with. A reader belongs to one thread and runs one statement at a
 * time; it holds a lock on nothing, but a long statement keeps the log of the last commits from being shortened. */
#ifndef TALLY_STORE_READER_H
#define TALLY_STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct store_reader;

enum store_type { STORE_NULL, STORE_WHOLE, STORE_REAL, STORE_TEXT };

/* Open the database at path for reading. NULL with an error added: there is none, it is another program's, it is of a
 * newer or older schema than this program's, it may not be read. */
struct store_reader *store_reader_open(const char *path, struct err *e);
void store_reader_close(struct store_reader *r);

/* Whether a daemon had the database open for writing when the reader opened it. */
bool store_reader_has_writer(const struct store_reader *r);

/* Seconds since anything was last written to the database, 0 if that is in the future; -errno. */
int64_t store_reader_age_s(const struct store_reader *r, int64_t now_s);

/* Begin a statement, in place of the one before. 0, or -errno with store_reader_error() saying why. */
int store_reader_ask(struct store_reader *r, const char *sql);

/* Give its parameter number i (from 1) a value; text must live until the last row. */
void store_reader_bind_text(struct store_reader *r, int i, const char *text);
void store_reader_bind_whole(struct store_reader *r, int i, int64_t value);

/* The next row: 1; none left: 0; else -errno. */
int store_reader_next(struct store_reader *r);

/* The columns of the statement, from 0, and what the row has in them. Text of any type as SQLite writes it, "" for
 * NULL; valid until the next row. */
int store_reader_n_columns(const struct store_reader *r);
const char *store_reader_column(const struct store_reader *r, int i);
enum store_type store_reader_type(const struct store_reader *r, int i);
const char *store_reader_text(const struct store_reader *r, int i);
int64_t store_reader_whole(const struct store_reader *r, int i);
double store_reader_real(const struct store_reader *r, int i);

/* One sentence about the last failure. */
const char *store_reader_error(const struct store_reader *r);

#endif
