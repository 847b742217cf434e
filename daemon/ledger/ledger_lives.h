/* SPDX-License-Identifier: MIT */
/* ledger_lives.h - suspects, lives and events: what the account has to say about a counter beside its intervals.
 *
 * A suspect is a value that is not counted. It waits here until the row of its reading is written, because a value
 * that gets no row gets no suspect either. Those of one reading wait at a time. The account may change its mind about
 * values of earlier readings: their rows and suspects are changed then.
 *
 * A life is written at once, in the running transaction. An event goes to the sink of the book.
 *
 * SQL on the book's db; the thread that owns that. */
#ifndef TALLY_LEDGER_LIVES_H
#define TALLY_LEDGER_LIVES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger_book.h"
#include "ledger_limits.h"
#include "reading.h"

/* A value that was not counted. */
struct ledger_suspect {
	int64_t meter, slot_s;
	enum quantity quantity;
	bool behind;		      /* for good: because of its slot, or because it was another model's */
	enum reading_quality quality; /* of the reading, apart from its suspects */
	char reason[160];
};

/* Zeros before ledger_lives_open(). */
struct ledger_lives {
	struct ledger_book *book;
	const struct ledger_limits *limits;
	sqlite3_stmt *put_suspect, *get_suspect, *end_life, *put_life, *undo_life, *resume_life;
	enum reading_quality quality; /* of the reading that is being counted */
	size_t n_suspects;
	struct ledger_suspect suspects[Q_COUNT]; /* of the last reading */
	int64_t last_event_meter, last_event_s;
	char last_event_kind[20];
};

/* The book and the limits must outlive l. 0 or -errno; ledger_lives_close() is due either way. */
int ledger_lives_open(struct ledger_lives *l, struct ledger_book *b, const struct ledger_limits *limits);
void ledger_lives_close(struct ledger_lives *l);

/* As the members of struct account_sink; errors are noted in the book. */
void ledger_lives_on_suspect(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, bool behind,
			     const char *reason);
void ledger_lives_on_life(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw,
			  int64_t ended_s, int64_t ended_raw, const char *reason);
void ledger_lives_on_life_ended(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, int64_t raw);
void ledger_lives_on_life_undone(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s);
void ledger_lives_on_reconsidered(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t after_s,
				  int64_t until_s, const char *reason);
void ledger_lives_on_event(struct ledger_lives *l, int64_t meter, int64_t slot_s, const char *kind, const char *detail);

/* Write the suspects in tables of the mask kinds; the suspects of a pulse input are in the table of the pulses. The
 * others are forgotten. 0 or -errno. */
int ledger_lives_write_suspects(struct ledger_lives *l, unsigned kinds);

/* The same for the suspects of a reading that has its rows already: these become suspect too. meter: id of the one that
 * is read. 0 or -errno. */
int ledger_lives_mark_row(struct ledger_lives *l, int64_t meter, int64_t slot_s, unsigned kinds);

/* A reading of this quality is counted next. Forget the suspects that wait. */
void ledger_lives_begin(struct ledger_lives *l, enum reading_quality quality);
void ledger_lives_forget(struct ledger_lives *l);

/* True when a value in the tables is suspect; *behind: for good; *quality: of its reading, apart from its suspects.
 * meter: id of a meter or input; slot_s: of its reading. */
bool ledger_lives_is_suspect(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t slot_s, bool *behind,
			     enum reading_quality *quality);

/* Take out the lives of one counter that begin after after_s, and let the one before them continue. 0 or -errno. */
int ledger_lives_clear_counter(struct ledger_lives *l, int64_t meter, enum quantity q, int64_t after_s);

/* Values of from_s or later that were suspect for their size are good until they are counted again. 0 or -errno. */
int ledger_lives_clear_suspects(struct ledger_lives *l, int64_t from_s);

/* Take out the lives that begin at from_s or later, and let those that ended then continue. 0 or -errno. */
int ledger_lives_clear(struct ledger_lives *l, int64_t from_s);

#endif
