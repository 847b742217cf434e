/* SPDX-License-Identifier: MIT */
/* db_file.h - open the file of a database, so that what the caller gets is sound, ours and of the newest schema.
 *
 * In this order, so that nothing is written into a file before we know what it is: the folder is writable, the file is
 * a plain one (an empty one is made) and its group may read it, no other daemon has claimed it, the -wal file beside it
 * looks like one, the file is a database, and ours, and not of a newer program, and sound. Only then come WAL mode and
 * the steps of the schema, and views that were dropped.
 *
 * Where a database was and is no more, a new one takes its place, and what is left beside it (-wal) is put aside:
 * SQLite would take it for the new one's.
 *
 * A damaged file is never repaired where it is: it is put aside under another name (db_takeover.h), and a new one takes
 * its place. What can be read of it is then the business of db_salvage.h. A daemon that meets damage while it runs
 * leaves a note, and the next start acts as if it had found the damage itself. Until the caller has ended the take-over
 * (db_takeover.h), every open reports it again.
 *
 * The caller's thread; logs what was put aside. No other descriptor of the file may be open in this process: closing
 * it would release SQLite's locks. */
#ifndef TALLY_DB_FILE_H
#define TALLY_DB_FILE_H

#include <stdbool.h>

#include "db.h"
#include "err.h"

enum db_file_state {
	DB_FILE_SOUND,
	DB_FILE_NEW,	 /* there was none, or an empty one */
	DB_FILE_DAMAGED, /* it was damaged and is put aside: the open one is new */
};

struct db_file_report {
	enum db_file_state state;
	char *aside;	  /* new name of what was damaged, else NULL; the caller's to free */
	bool is_wal_only; /* that is a -wal file, and state is of the file beside it */
	const char *kind; /* of the event for damage */
	char damage[400]; /* a sentence that says what was damaged or left and where it is kept, else "" */
	char away[400];	  /* the same of a database that is not there any more */
};

/* A folder or file cannot be written, with this errno: the half of the message that says what to do. The sandbox of the
 * service answers EROFS where its unit allows no writing. */
const char *db_file_remedy(int error);

/* Open or create the file at path. *db is set in any case; on failure it is closed again.
 * full_sync  a commit survives a power cut (PRAGMA synchronous FULL, else NORMAL)
 * report     set in any case
 * The busy timeout is DB_OPEN_TIMEOUT_MS afterwards. 0, or -errno with an error added that says what to do. */
int db_file_open(struct db *db, const char *path, bool full_sync, struct db_file_report *report, struct err *e);

/* Open the file beside the daemon that has claimed it, for a short write: nothing is claimed, checked or made. *db is
 * set in any case; on failure it is closed again and db->error says why. The busy timeout is DB_OPEN_TIMEOUT_MS
 * afterwards. 0 or -errno. */
int db_file_join(struct db *db, const char *path);

/* Close it and let go of the claim. The -wal and -shm files stay: a reader who may not write the folder needs them. A
 * closed one is allowed. */
void db_file_close(struct db *db);

/* Another program has written over the open file: nothing is written into it any more. db_file_close() will put the
 * -wal file aside, which is of the file as it was; if that does not come to pass, the next start does it. */
void db_file_note_overwritten(struct db *db);

/* Leave the note that the open file is damaged; db->error says how. */
void db_file_note_damage(const struct db *db);

#endif
