/* SPDX-License-Identifier: MIT */
/* db_takeover.h - put a damaged database aside, so that power may fail at any moment of it.
 *
 * What is guaranteed. Once damage was found, every start continues with the take-over until it is done: the damaged
 * file has another name, a new one is in its place, what can be read was copied, and an event says so. It is done once.
 *
 * How. The intent comes first: the file PATH.damaged has what was found and the name that the damaged file will get. It
 * is on the disk before anything is renamed, and it goes when the copied rows and the event are on the disk. A daemon
 * that meets damage while it runs leaves the same file without a name.
 * Then, in this order, each step synced: PATH gets the name, PATH-wal gets it, PATH-shm, which has nothing of its own,
 * goes. Only then a new PATH is made. So at any moment the names say how far it is:
 *   nothing has the name, PATH is there: nothing was done;
 *   the name is there, PATH is not: what is left of the -wal and -shm files is the damaged one's;
 *   both are there: PATH is the new one, and what lies beside it is its own.
 * Rows, event and a mark (setting taken_over, with the name) are written into the new file in one transaction. With the
 * mark the take-over is done and only the intent is left. Without it the new file has nothing that somebody may miss.
 *
 * What may go wrong. A new file that is damaged before it has the mark is put aside too, and made again. A file with
 * meters and no mark was put there by a person: that is a restored copy, and nothing is due any more. A damaged file
 * that was removed meanwhile cannot be copied: the new one stays as it is.
 *
 * A -wal file that is none, or that is of another database than the one at PATH, is put aside alone in the same way:
 * PATH-shm goes, PATH-wal gets the name.
 *
 * The caller's thread; the files may not be open. */
#ifndef TALLY_DB_TAKEOVER_H
#define TALLY_DB_TAKEOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "err.h"

enum db_takeover_state {
	DB_TAKEOVER_NONE,
	DB_TAKEOVER_NOTED, /* a running daemon has found damage */
	DB_TAKEOVER_BEGUN, /* it has a name */
};

/* The thing that is put aside. */
enum db_takeover_what {
	DB_TAKEOVER_FILE,     /* the database, with its -wal file */
	DB_TAKEOVER_BAD_WAL,  /* a -wal file that is none */
	DB_TAKEOVER_LEFT_WAL, /* that of a database which another program has overwritten */
};

/* Others read; only db_takeover.c writes. */
struct db_takeover {
	enum db_takeover_state state;
	enum db_takeover_what what;
	char finding[200]; /* what was found, "" if that is not known */
	char aside[4096];  /* the path that the damaged file gets; "" = none yet */
};

/* Read what is due for the database at path. */
void db_takeover_read(struct db_takeover *t, const char *path);

/* Leave the note of a running daemon. */
void db_takeover_note(const char *path, const char *finding);

/* Choose a name that nothing has and write down the intent. 0, or -errno with an error added. */
int db_takeover_begin(struct db_takeover *t, const char *path, const char *finding, enum db_takeover_what what,
		      struct err *e);

/* Rename what is still to be renamed; older files that were put aside go (db_aside.h). A take-over whose files are gone
 * is ended. 0, or -errno with an error added. */
int db_takeover_move(struct db_takeover *t, const char *path, struct err *e);

/* The new file without its mark is damaged as well: put it aside, and leave the take-over as it is. 0, or -errno with
 * an error added. */
int db_takeover_discard(const struct db_takeover *t, const char *path, struct err *e);

/* The -wal file at path is of no use to the database that will be there: put it aside. Returns the name it would
 * have without -wal, the caller's, or NULL with an error added. */
char *db_takeover_keep_wal(const char *path, struct err *e);

/* Has the open database the mark? 1 or 0, or -errno: that cannot be known. */
int db_takeover_is_marked(const struct db_takeover *t, struct db *db);

/* In a transaction: the mark, and an event of this kind with this sentence, unless it is marked. aside: of struct
 * db_takeover. 0, or -errno with db->error set. */
int db_takeover_mark(struct db *db, const char *aside, const char *kind, const char *sentence, int64_t now_ms);

/* In a transaction: one more event. 0, or -errno with db->error set. */
int db_takeover_report(struct db *db, const char *kind, const char *sentence, int64_t now_ms);

/* The transaction with the mark is committed: put it on the disk and remove the intent. 0, or -errno with db->error
 * set: the take-over stays due. */
int db_takeover_end(struct db *db);

#endif
