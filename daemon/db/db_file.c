/* SPDX-License-Identifier: MIT */
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_aside.h"
#include "db_check.h"
#include "db_claim.h"
#include "db_migrate.h"
#include "db_views.h"
#include "dbformat.h"
#include "log.h"

enum {
	WAL_KEPT_BYTES = 4 << 20, /* a -wal file that became longer is cut to this when it is begun again */
	CHECKPOINT_PAGES = 2000,  /* after so many pages in the -wal file SQLite copies them into the database */
};

const char *db_file_remedy(int error)
{
	if (error == EROFS)
		return "the service writes only where its unit allows it: put the folder into ReadWritePaths= of a "
		       "drop-in, "
		       "as in database-elsewhere.conf in /usr/share/doc/tallyd/examples";
	return "give it to the user that tallyd runs as";
}

/* The folder must be there and writable: SQLite keeps two more files beside the database. */
static int check_folder(const char *path, struct err *e)
{
	char *copy = strdup(path);
	const char *folder;
	struct stat st;
	int rc = 0;

	if (copy == NULL) {
		err_add(e, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	folder = dirname(copy);
	if (stat(folder, &st) != 0) {
		rc = -errno;
		err_add(e, path, 0, "folder %s: %s; create it, owned by the user that tallyd runs as", folder,
			strerror(-rc));
	} else if (!S_ISDIR(st.st_mode)) {
		rc = -ENOTDIR;
		err_add(e, path, 0, "%s is not a folder; set path in [store] to a file in a folder", folder);
	} else if (access(folder, W_OK | X_OK) != 0) {
		rc = -errno;
		err_add(e, path, 0, "folder %s cannot be written: %s; %s", folder, strerror(-rc), db_file_remedy(-rc));
	}
	free(copy);
	return rc;
}

/* Make an empty file where there is none, so that its mode is ours: the group may read, and SQLite gives its two
 * other files the mode of this one. */
static int make_file(const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	int rc = 0;

	if (fd < 0) {
		rc = -errno;
		err_add(e, path, 0, "cannot be opened for writing: %s; %s, or name another path in [store]",
			strerror(-rc), db_file_remedy(-rc));
		return rc;
	}
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		rc = -EINVAL;
		err_add(e, path, 0, "is not a regular file; name another path in [store]");
	} else if (st.st_size == 0) {
		/* the umask may have taken the group's right away */
		fchmod(fd, 0640);
	}
	close(fd);
	return rc;
}

/* Two daemons on one database would count everything twice. */
static int claim_file(struct db *db, struct err *e)
{
	int rc = db_claim(db->path, &db->claim_fd);

	if (rc == -EBUSY)
		err_add(e, db->path, 0, "another tallyd writes to it; stop that one, or name another path in [store]");
	else if (rc != 0)
		err_add(e, db->path, 0, "cannot be locked: %s; use a local file system", strerror(-rc));
	return rc;
}

/* SQLite would read a -wal file that does not begin as one as if it were empty, and overwrite it. The commits in it
 * cannot be read, but the file is put aside for those who want to look at it. */
static int put_bad_wal_aside(const struct db *db, struct db_file_report *report, struct err *e)
{
	char *aside;

	if (db_is_wal_readable(db->path))
		return 0;
	aside = db_aside_damaged(db->path, true, e);
	if (aside == NULL)
		return -EIO;
	snprintf(report->lost_wal, sizeof(report->lost_wal),
		 "%s-wal was damaged and its commits are lost; it is kept as %s-wal", db->path, aside);
	log_error("%s", report->lost_wal);
	free(aside);
	return 0;
}

static int open_handle(struct db *db, struct err *e)
{
	if (sqlite3_open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		int rc = db_fail(db, "open");

		err_add(e, db->path, 0, "cannot be opened: %s", db->error);
		return rc;
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, DB_OPEN_TIMEOUT_MS);
	return 0;
}

/* Is it ours, and not of a newer program? *version: 0 for an empty file. */
static int check_identity(struct db *db, int *version, struct err *e)
{
	int64_t tables = db_number(db, "SELECT count(*) FROM sqlite_schema", -1);
	int64_t id = db_number(db, "PRAGMA application_id", -1);

	if (tables < 0 || id < 0) {
		int rc = db_fail(db, "read");

		err_add(e, db->path, 0, "cannot be read: %s", db->error);
		return rc;
	}
	*version = (int)db_number(db, "PRAGMA user_version", -1);
	if (tables > 0 && id != DBFORMAT_APPLICATION_ID) {
		err_add(e, db->path, 0,
			"belongs to another program (application_id %lld, not %d); name another path in "
			"[store]",
			(long long)id, DBFORMAT_APPLICATION_ID);
		return -EINVAL;
	}
	if (*version > db_schema_version()) {
		err_add(e, db->path, 0, "has schema %d, this tallyd supports up to %d; install the newer tallyd again",
			*version, db_schema_version());
		return -EINVAL;
	}
	return 0;
}

/* PATH.damaged; cut at n bytes. */
static const char *note_name(const struct db *db, char *name, size_t n)
{
	snprintf(name, n, "%s.damaged", db->path);
	return name;
}

/* Has a running daemon met damage and left a note? */
static bool read_note(const struct db *db, char *finding, size_t n)
{
	char name[4096];
	FILE *f = fopen(note_name(db, name, sizeof(name)), "r");

	if (f == NULL)
		return false;
	if (fgets(finding, (int)n, f) == NULL)
		snprintf(finding, n, "found while it was in use");
	finding[strcspn(finding, "\n")] = '\0';
	fclose(f);
	return true;
}

void db_file_note_damage(const struct db *db)
{
	char name[4096];
	FILE *f = fopen(note_name(db, name, sizeof(name)), "w");

	if (f == NULL)
		return;
	fprintf(f, "%s\n", db->error);
	fclose(f);
}

/* Look at the file before anything is written. *state: what it is; *version: of its schema; finding: how it is damaged.
 * 0, or -errno with an error added: we may not use it. */
static int examine_file(struct db *db, enum db_file_state *state, int *version, char *finding, size_t n, struct err *e)
{
	struct stat st;
	int code, rc;

	if (read_note(db, finding, n)) {
		*state = DB_FILE_DAMAGED;
		return 0;
	}
	if (stat(db->path, &st) != 0) {
		rc = -errno;
		err_add(e, db->path, 0, "cannot be read: %s", strerror(-rc));
		return rc;
	}
	if (st.st_size == 0 && db_was_database(db->path, &st)) {
		snprintf(finding, n, "it is empty");
		*state = DB_FILE_DAMAGED;
		return 0;
	}
	code = sqlite3_exec(db->handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	if (code == SQLITE_NOTADB && !db_was_database(db->path, &st)) {
		err_add(e, db->path, 0, "is not an SQLite database; move it away or name another path in [store]");
		return -ENOTSUP;
	}
	if (db_is_damage(code)) {
		snprintf(finding, n, "%s", sqlite3_errmsg(db->handle));
		*state = DB_FILE_DAMAGED;
		return 0;
	}
	rc = check_identity(db, version, e);
	if (rc != 0)
		return rc;
	if (!db_check(db, DB_CHECK_WHOLE_BYTES, DB_CHECK_S * INT64_C(1000000), finding, n))
		*state = DB_FILE_DAMAGED;
	else
		*state = *version == 0 ? DB_FILE_NEW : DB_FILE_SOUND;
	return 0;
}

/* Without its -wal and -shm files a reader who may not write the folder cannot open the database: they stay when the
 * last program closes it. */
static void keep_wal_file(struct db *db)
{
	int keep_wal = 1;

	sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep_wal);
}

/* How the file is written, and its schema. version: of the schema it has. */
static int prepare_file(struct db *db, int version, bool full_sync, struct err *e)
{
	char modes[240];
	int rc;

	keep_wal_file(db);
	/* secure_delete: new rows overwrite what is deleted anyway; flash is spared the zeros */
	snprintf(modes, sizeof(modes),
		 "PRAGMA page_size = %d; PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = %d; "
		 "PRAGMA wal_autocheckpoint = %d; PRAGMA secure_delete = OFF; PRAGMA synchronous = %s",
		 DB_PAGE_BYTES, WAL_KEPT_BYTES, CHECKPOINT_PAGES, full_sync ? "FULL" : "NORMAL");
	if (db_exec(db, modes) != 0) {
		err_add(e, db->path, 0, "cannot be switched to WAL mode: %s; use a local file system", db->error);
		return -EIO;
	}
	rc = db_migrate(db, version, e);
	if (rc == 0)
		db_views_restore(db);
	return rc;
}

/* Put the damaged file aside and open an empty one in its place. */
static int replace_file(struct db *db, const char *finding, struct db_file_report *report, struct err *e)
{
	char note[4096];
	int rc;

	sqlite3_close(db->handle);
	db->handle = NULL;
	report->aside = db_aside_damaged(db->path, false, e);
	if (report->aside == NULL)
		return -EIO;
	unlink(note_name(db, note, sizeof(note)));
	snprintf(report->damage, sizeof(report->damage), "the database was damaged (%s) and is kept as %s", finding,
		 report->aside);
	log_error("%s: %s; starting a new one", db->path, report->damage);
	/* the claim is on the file that is aside now */
	close(db->claim_fd);
	db->claim_fd = -1;
	rc = make_file(db->path, e);
	if (rc != 0)
		return rc;
	rc = claim_file(db, e);
	if (rc != 0)
		return rc;
	return open_handle(db, e);
}

int db_file_open(struct db *db, const char *path, bool full_sync, struct db_file_report *report, struct err *e)
{
	char finding[200] = "";
	int version = 0, rc;

	*report = (struct db_file_report){.state = DB_FILE_SOUND};
	*db = (struct db){.path = strdup(path), .claim_fd = -1};
	if (db->path == NULL) {
		err_add(e, NULL, 0, "out of memory");
		return -ENOMEM;
	}
	rc = check_folder(path, e);
	if (rc != 0)
		goto out;
	rc = make_file(path, e);
	if (rc != 0)
		goto out;
	rc = claim_file(db, e);
	if (rc != 0)
		goto out;
	rc = put_bad_wal_aside(db, report, e);
	if (rc != 0)
		goto out;
	rc = open_handle(db, e);
	if (rc != 0)
		goto out;
	rc = examine_file(db, &report->state, &version, finding, sizeof(finding), e);
	if (rc != 0)
		goto out;
	if (report->state == DB_FILE_DAMAGED) {
		version = 0;
		rc = replace_file(db, finding, report, e);
		if (rc != 0)
			goto out;
	}
	rc = prepare_file(db, version, full_sync, e);
out:
	if (rc != 0)
		db_file_close(db);
	return rc;
}

int db_file_join(struct db *db, const char *path)
{
	int rc;

	*db = (struct db){.path = strdup(path), .claim_fd = -1};
	if (db->path == NULL) {
		snprintf(db->error, sizeof(db->error), "open: out of memory");
		return -ENOMEM;
	}
	if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		rc = db_fail(db, "open");
		db_file_close(db);
		return rc;
	}
	keep_wal_file(db);
	sqlite3_busy_timeout(db->handle, DB_OPEN_TIMEOUT_MS);
	return 0;
}

void db_file_close(struct db *db)
{
	sqlite3_close(db->handle);
	if (db->claim_fd >= 0)
		close(db->claim_fd);
	free(db->path);
	db->handle = NULL;
	db->claim_fd = -1;
	db->path = NULL;
}
