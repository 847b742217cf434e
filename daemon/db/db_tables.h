/* SPDX-License-Identifier: MIT */
/* db_tables.h - the tables of readings: one for each kind that drivers/NAMES names, with a column for each quantity.
 *
 * The id of a row is the slot of its reading, shifted, plus a number within the slot. So each table is in the order of
 * time and a commit appends at its end, which is what flash memory wants. One reading has at most one row in each
 * table, under the same id in all of them.
 *
 * The newest row of each meter and kind is known here, by the index of the meter in the register, and noted in table
 * newest when it falls so far behind that the newest_ views would no longer find it. Both this and the numbers of the
 * slots include the rows of the running transaction: after a rollback call db_tables_undo() and, before the next write,
 * db_tables_load_newest().
 *
 * SQL on one struct db; the thread that owns that. */
#ifndef TALLY_DB_TABLES_H
#define TALLY_DB_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"
#include "db_meters.h"
#include "reading.h"

enum {
	DB_KINDS_MAX = 8, /* tables of readings */
	DB_SLOTS = 64,	  /* slots whose next number is remembered */
	DB_READING_WORDS = sizeof((struct reading){0}.present) / sizeof(uint64_t),
};

/* One table of readings. */
struct db_kind {
	const char *name;		    /* as in drivers/NAMES: energy is kept in reading_energy */
	uint64_t columns[DB_READING_WORDS]; /* the quantities that have a column here, as in struct reading */
	bool has_counters;		    /* any of them is a counter */
	uint8_t parts_column;		    /* parameter number of column parts in the insert; 0 = there is none */
	uint8_t coarse_column;		    /* the same of column coarse, which each table with counters has */
	bool touched;			    /* the running transaction has put rows into it */
	/* id, meter, delay_ms, quality, the columns in the order of drivers/NAMES, parts, coarse */
	sqlite3_stmt *insert;
	sqlite3_stmt *horizon; /* id of the row that is this many rows behind the newest */
	sqlite3_stmt *exists;  /* has a meter a row between two ids? */
	sqlite3_stmt *highest; /* the highest id between two */
	sqlite3_stmt *lump;    /* slot of the oldest row but so many, below an id */
};

/* Newest rows of one meter, by kind. */
struct db_newest {
	int64_t id[DB_KINDS_MAX];    /* 0 = none */
	int64_t noted[DB_KINDS_MAX]; /* as in table newest */
};

/* A slot that rows are being written for. */
struct db_slot {
	int64_t slot_s;
	int64_t next; /* number of its next row; 0 = not known */
};

/* Zeros before db_tables_open(). Others read n_kinds, kind_of, newest, and of a kind its name, columns, has_counters,
 * parts_column and touched; only db_tables.c writes. */
struct db_tables {
	struct db *db;
	const struct db_meters *meters;
	size_t n_kinds;
	struct db_kind kinds[DB_KINDS_MAX];
	int8_t kind_of[Q_COUNT];    /* index into kinds, -1 = not kept */
	uint8_t column_of[Q_COUNT]; /* parameter number in the kind's insert */
	size_t n_newest;
	struct db_newest *newest;	/* by the index of the meter; as many as db_tables_load_newest() found */
	struct db_slot slots[DB_SLOTS]; /* by slot_s % DB_SLOTS */
	sqlite3_stmt *put_slot;
};

/* Make table quantity match drivers/NAMES (a transaction of its own) and prepare the statements. db and meters must
 * outlive t. 0, or -errno with db->error set; db_tables_close() is due either way. */
int db_tables_open(struct db_tables *t, struct db *db, const struct db_meters *meters);

void db_tables_close(struct db_tables *t);

/* Read the newest rows of every meter of the register; also after each load of the register. 0 or -errno. */
int db_tables_load_newest(struct db_tables *t);

/* The kinds that the reading has values of, a mask of indices into kinds. */
unsigned db_tables_kinds_of(const struct db_tables *t, const struct reading *r);

/* Does the meter have a row of this kind in the slot? */
bool db_tables_has_row(struct db_tables *t, size_t kind, size_t meter, int64_t slot_s);

/* A free id for the next reading of a slot. 0; -EOVERFLOW: the slot is full; or another -errno. */
int db_tables_next_id(struct db_tables *t, int64_t slot_s, int64_t *id);

/* The bit of a quantity in column coarse of its table: its value is of a coarser register than the first one that the
 * register table of the meter names. */
uint64_t db_tables_bit(const struct db_tables *t, enum quantity q);

/* Write the values of one kind that the reading has, under an id of db_tables_next_id(). quality is that of the row;
 * the reading's own is not looked at. 0 or -errno. */
int db_tables_write(struct db_tables *t, size_t kind, size_t meter, int64_t id, enum reading_quality quality,
		    const struct reading *r);

/* The slot of the row that so many older ones precede, n_older, in a table of one kind; INT64_MAX where that row is not
 * before slot before_s, or is not there. Costs as much as the rows before before_s do, up to n_older. */
int64_t db_tables_lump_end_s(struct db_tables *t, size_t kind, int n_older, int64_t before_s);

/* Note the newest rows that the newest_ views are about to lose sight of. Once, after the last row of a transaction.
 * 0 or -errno. */
int db_tables_write_newest(struct db_tables *t);

/* The transaction has been committed, or rolled back. */
void db_tables_committed(struct db_tables *t);
void db_tables_undo(struct db_tables *t);

#endif
