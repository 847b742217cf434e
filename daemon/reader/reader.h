/* SPDX-License-Identifier: MIT */
/* reader.h - read the database with SQL while the daemon writes it: rows one at a time, in constant memory.
 * The file is opened read-only, and no lock is held between statements; a long statement only keeps the -wal file from
 * being shortened. Ask the views: they stay from schema to schema, so a reader accepts a database that is newer than
 * itself. Tables change. A reader belongs to one thread and runs one statement at a time. */
#ifndef TALLY_READER_H
#define TALLY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct reader;

enum reader_type { READER_NULL, READER_WHOLE, READER_REAL, READER_TEXT };
enum reader_step { READER_ROW, READER_END, READER_FAILED };

/* Open the database at path for reading. The caller owns the reader and closes it. Returns NULL with an error added
 * that says what to do: there is no file, it may not be read, it is no database of tallyd, or its schema is older than
 * DBFORMAT_OLDEST_READABLE. */
struct reader *reader_open(const char *path, struct err *e);

/* NULL is allowed. */
void reader_close(struct reader *r);

/* Was a daemon running on this database when the reader opened it? */
bool reader_has_writer(const struct reader *r);

/* And could it not write then? */
bool reader_is_stopped(const struct reader *r);

/* When anything was last written to the database, Unix seconds; 0 when the file is no longer there. */
int64_t reader_written_s(const struct reader *r);

/* Begin a statement in place of the one before. Returns 0, or -EIO with reader_error() saying why; then the rows are
 * READER_FAILED too, so that a caller may look for failure there alone. */
int reader_ask(struct reader *r, const char *sql);

/* Give parameter number i of the statement (from 1) a value. text must live until the last row. */
void reader_bind_text(struct reader *r, int i, const char *text);
void reader_bind_whole(struct reader *r, int i, int64_t value);

/* Go to the next row. READER_FAILED: reader_error() says why. */
enum reader_step reader_next(struct reader *r);

/* The columns of the statement, numbered from 0, and what the row has in them. Text of any type is as SQLite writes it,
 * "" for NULL; it is valid until the next row. */
int reader_n_columns(const struct reader *r);
const char *reader_column(const struct reader *r, int i);
enum reader_type reader_type(const struct reader *r, int i);
const char *reader_text(const struct reader *r, int i);
int64_t reader_whole(const struct reader *r, int i);
double reader_real(const struct reader *r, int i);

/* One sentence about the last failure, "" when there was none. */
const char *reader_error(const struct reader *r);

#endif
