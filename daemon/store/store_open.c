/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_aside.h"
#include "db_claim.h"
#include "db_migrate.h"
#include "dbformat.h"
#include "log.h"
#include "mono.h"

/* The folder must be there and writable: SQLite keeps two more files beside the database. */
static int check_folder(const char *path, struct err *e)
{
	char *copy = strdup(path);
	int r = 0;
	struct stat st;

	if (!copy) {
		err_add(e, NULL, 0, "no memory");
		return -ENOMEM;
	}
	const char *folder = dirname(copy);

	if (stat(folder, &st) != 0) {
		r = -errno;
		err_add(e, path, 0, "folder %s: %s; make it, owned by the user tallyd runs as", folder, strerror(-r));
	} else if (!S_ISDIR(st.st_mode)) {
		r = -ENOTDIR;
		err_add(e, path, 0, "%s is no folder; name a file in a folder as path of [store]", folder);
	} else if (access(folder, W_OK | X_OK) != 0) {
		r = -errno;
		err_add(e, path, 0, "folder %s can not be written: %s; give it to the user tallyd runs as", folder,
			strerror(-r));
	}
	free(copy);
	return r;
}

/* Make an empty file where there is none, so that its mode is ours: the group may read, and SQLite gives its two
 * other files the mode of this one. */
static int check_file(const char *path, struct err *e)
{
	int r = 0;
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0) {
		r = -errno;
		err_add(e, path, 0,
			"can not be opened for writing: %s; give it to the user tallyd runs as, or name another path "
			"in [store]",
			strerror(-r));
		return r;
	}
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		r = -EINVAL;
		err_add(e, path, 0, "is no plain file; name another path in [store]");
	} else if (st.st_size == 0) {
		/* the umask may have taken the group's right away */
		fchmod(fd, 0640);
	}
	close(fd);
	return r;
}

/* Two daemons on one database would count everything twice. */
static int claim(struct store *s, struct err *e)
{
	int r = db_claim(s->db.path, &s->claim_fd);

	if (r == -EBUSY)
		err_add(e, s->db.path, 0, "another tallyd writes it; end that one, or name another path in [store]");
	else if (r < 0)
		err_add(e, s->db.path, 0, "can not be locked: %s; the file system must be a local one", strerror(-r));
	return r;
}

/* Is it ours, and not of a newer program? *version: 0 for an empty file. */
static int check_identity(struct store *s, int *version, struct err *e)
{
	int64_t tables = db_number(&s->db, "SELECT count(*) FROM sqlite_schema", -1);
	int64_t id = db_number(&s->db, "PRAGMA application_id", -1);

	if (tables < 0 || id < 0) {
		int r = db_fail(&s->db, "read");

		err_add(e, s->db.path, 0, "can not be read: %s", s->db.error);
		return r;
	}
	*version = (int)db_number(&s->db, "PRAGMA user_version", -1);
	if (tables > 0 && id != DBFORMAT_APPLICATION_ID) {
		err_add(e, s->db.path, 0,
			"is the database of another program (application_id %lld, not %d); name another path in "
			"[store]",
			(long long)id, DBFORMAT_APPLICATION_ID);
		return -EINVAL;
	}
	if (*version > db_schema_version()) {
		err_add(e, s->db.path, 0,
			"has schema %d, this program knows %d at most; install the newer tallyd again", *version,
			db_schema_version());
		return -EINVAL;
	}
	return 0;
}

static int set_modes(struct store *s, enum conf_durability durability, struct err *e)
{
	int keep = 1;

	/* Without its -wal and -shm files a reader who may not write the folder can not open the database: they stay
	 * when the daemon ends. */
	sqlite3_file_control(s->db.handle, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
	/* small pages: a commit rewrites the last page of each table it appends to */
	if (db_exec(&s->db, "PRAGMA page_size = 2048; PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 4194304; "
			    "PRAGMA wal_autocheckpoint = 2000") != 0 ||
	    /* what is deleted is overwritten by what comes: flash is spared the zeros */
	    db_exec(&s->db, "PRAGMA secure_delete = OFF") != 0 ||
	    db_exec(&s->db, durability == CONF_FULL ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL") !=
		    0) {
		err_add(e, s->db.path, 0, "can not be put into WAL mode: %s; the file system must not be a network one",
			s->db.error);
		return -EIO;
	}
	return 0;
}

static int open_database(struct store *s, struct err *e)
{
	if (sqlite3_open_v2(s->db.path, &s->db.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK) {
		int r = db_fail(&s->db, "open");

		err_add(e, s->db.path, 0, "can not be opened: %s", s->db.error);
		return r;
	}
	sqlite3_extended_result_codes(s->db.handle, 1);
	sqlite3_busy_timeout(s->db.handle, DB_OPEN_TIMEOUT_MS);
	return 0;
}

/* A running daemon has met damage and has left a note: PATH.damaged. */
static bool was_found_damaged(const char *path, char *finding, size_t n)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s.damaged", path);
	FILE *f = fopen(name, "r");

	if (!f)
		return false;
	if (!fgets(finding, (int)n, f))
		snprintf(finding, n, "found while it was in use");
	finding[strcspn(finding, "\n")] = '\0';
	fclose(f);
	return true;
}

void store_note_damage(struct store *s)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s.damaged", s->db.path);
	FILE *f = fopen(name, "w");

	if (!f)
		return;
	fprintf(f, "%s\n", s->db.error);
	fclose(f);
}

/* Look at the file before anything is written. 0: sound; -EBADMSG: damaged, finding says how; else an error. */
static int examine(struct store *s, int *version, char *finding, size_t n, struct err *e)
{
	struct stat st;

	if (stat(s->db.path, &st) != 0)
		return 0;
	if (was_found_damaged(s->db.path, finding, n))
		return -EBADMSG;
	if (st.st_size == 0 && db_was_database(s->db.path, &st)) {
		snprintf(finding, n, "it is empty");
		return -EBADMSG;
	}
	int code = sqlite3_exec(s->db.handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);

	if (db_is_damage(code)) {
		snprintf(finding, n, "%s", sqlite3_errmsg(s->db.handle));
		if (code != SQLITE_NOTADB || db_was_database(s->db.path, &st))
			return -EBADMSG;
		err_add(e, s->db.path, 0, "is not an SQLite database; move it away or name another path in [store]");
		return -ENOTSUP;
	}
	int r = check_identity(s, version, e);

	return r != 0 || db_check(&s->db, finding, n) ? r : -EBADMSG;
}

static int prepare_file(struct store *s, int version, const struct conf *conf, struct err *e)
{
	int r = set_modes(s, conf->durability, e);

	return r == 0 ? db_migrate(&s->db, version, e) : r;
}

/* Put the damaged file aside, begin a new one and take over what can be read. */
static int begin_anew(struct store *s, const char *finding, const struct conf *conf, struct err *e)
{
	char note[4096], detail[400];
	char *aside;
	int r;

	sqlite3_close(s->db.handle);
	s->db.handle = NULL;
	aside = db_aside_damaged(s->db.path, false, e);
	if (!aside)
		return -EIO;
	snprintf(note, sizeof(note), "%s.damaged", s->db.path);
	unlink(note);
	snprintf(detail, sizeof(detail), "the database was damaged (%s) and is kept as %s", finding, aside);
	log_error("%s: %s; a new one is begun", s->db.path, detail);
	store_event(s, mono_wall_ms(), "tallyd", "database-recovered", detail);
	close(s->claim_fd);
	s->claim_fd = -1;
	r = check_file(s->db.path, e);
	if (r == 0)
		r = claim(s, e);
	if (r == 0)
		r = open_database(s, e);
	if (r == 0)
		r = prepare_file(s, 0, conf, e);
	if (r == 0 && store_salvage_begin(s, aside) != 0)
		log_error("%s: nothing can be taken over: %s", s->db.path, s->db.error);
	free(aside);
	return r;
}

/* A log of the last commits that is none can only be put aside. */
static int check_log(struct store *s, struct err *e)
{
	char detail[400];
	char *aside;

	if (db_is_log_readable(s->db.path))
		return 0;
	aside = db_aside_damaged(s->db.path, true, e);
	if (!aside)
		return -EIO;
	snprintf(detail, sizeof(detail), "%s-wal was damaged, its commits are lost; it is kept as %s-wal", s->db.path,
		 aside);
	log_error("%s", detail);
	store_event(s, mono_wall_ms(), "tallyd", "database-recovered", detail);
	free(aside);
	return 0;
}

int store_open_file(struct store *s, const struct conf *conf, struct err *e)
{
	char finding[200] = "";
	int version = 0;
	int r = check_folder(s->db.path, e);

	if (r == 0)
		r = check_file(s->db.path, e);
	if (r == 0)
		r = claim(s, e);
	if (r == 0)
		r = check_log(s, e);
	if (r == 0)
		r = open_database(s, e);
	if (r == 0)
		r = examine(s, &version, finding, sizeof(finding), e);
	if (r == -EBADMSG)
		r = begin_anew(s, finding, conf, e);
	else if (r == 0)
		r = prepare_file(s, version, conf, e);
	if (r == 0 && !s->salvage)
		store_salvage_resume(s);
	if (r == 0)
		sqlite3_busy_timeout(s->db.handle, DB_COMMIT_TIMEOUT_MS);
	return r;
}
