/* SPDX-License-Identifier: MIT */
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_check.h"
#include "db_claim.h"
#include "db_migrate.h"
#include "db_takeover.h"
#include "db_views.h"
#include "db_wal.h"
#include "dbformat.h"
#include "log.h"

enum {
	WAL_KEPT_BYTES = 4 << 20, /* a -wal file that became longer is cut to this when it is begun again */
	MEMORY_LEFT_BYTES = 1 << 20,
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
		err_out_of_memory(e);
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

/* Let the group of a file that we own read it, and let that be our group where it is neither that nor the folder's: a
 * copy that was put back is often 0600, or of group root. The umask takes the right away too. */
static void correct_access(int fd, const struct stat *st, const char *folder)
{
	struct stat folder_st;

	if (st->st_uid != geteuid())
		return;
	if (st->st_gid != getegid() && (stat(folder, &folder_st) != 0 || st->st_gid != folder_st.st_gid))
		(void)!fchown(fd, (uid_t)-1, getegid());
	if ((st->st_mode & 0640) != 0640)
		fchmod(fd, (st->st_mode | 0640) & 07777);
}

/* Can this file be written, where it is there? part: "", "-wal" or "-shm". flags: O_CREAT makes the database. */
static int check_access(const char *path, const char *part, int flags, const char *folder, struct err *e)
{
	char name[4096];
	struct stat st;
	int fd, rc = 0;

	snprintf(name, sizeof(name), "%s%s", path, part);
	fd = open(name, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | flags, 0640);
	if (fd < 0 && errno == ELOOP) {
		rc = -ELOOP;
		err_add(e, name, 0, "is a link; write in [store] the path that it leads to");
	} else if (fd < 0 && (errno != ENOENT || flags != 0)) {
		rc = -errno;
		err_add(e, name, 0, "cannot be opened for writing: %s; %s (chown)%s", strerror(-rc),
			db_file_remedy(-rc), part[0] == '\0' ? ", or name another path in [store]" : "");
	}
	if (fd < 0)
		return rc;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		rc = -EINVAL;
		err_add(e, name, 0, "is not a regular file; name another path in [store]");
	} else {
		correct_access(fd, &st, folder);
	}
	close(fd);
	return rc;
}

/* Make an empty file where there is none, so that its mode is ours: the group may read, and SQLite gives its two
 * other files the mode of this one. Correct the mode of those that are there. */
static int make_file(const char *path, struct err *e)
{
	char *copy = strdup(path);
	const char *folder;
	int rc;

	if (copy == NULL) {
		err_out_of_memory(e);
		return -ENOMEM;
	}
	folder = dirname(copy);
	rc = check_access(path, "", O_CREAT, folder, e);
	if (rc == 0)
		rc = check_access(path, "-wal", 0, folder, e);
	if (rc == 0)
		rc = check_access(path, "-shm", 0, folder, e);
	free(copy);
	return rc;
}

/* Two daemons on one database would count everything twice. */
static int claim_file(struct db *db, struct err *e)
{
	char who[40] = "", name[4096];
	long pid;
	int rc = db_claim(db->path, &db->claim_fd, &pid);

	if (pid > 0)
		snprintf(who, sizeof(who), " (process %ld)", pid);
	if (rc == -EBUSY)
		err_add(e, db->path, 0, "another tallyd%s writes to it; stop that one, or name another path in [store]",
			who);
	else if (rc != 0)
		err_add(e, db_claim_name(db->path, name, sizeof(name)), 0, "cannot be locked: %s; %s", strerror(-rc),
			rc == -EINVAL ? "remove it" : db_file_remedy(-rc));
	return rc;
}

/* Was there a database, and is there none any more? What it has left beside it is not the new one's. */
static int look_for_lost(const char *path, struct db_file_report *report, struct err *e)
{
	char wal[4096], *aside = NULL;
	bool has_wal;
	struct stat st;

	if (access(path, F_OK) == 0 || errno != ENOENT)
		return 0;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	has_wal = stat(wal, &st) == 0;
	if (!has_wal && !db_claim_exists(path))
		return 0;
	if (has_wal && st.st_size > 0) {
		aside = db_takeover_keep_wal(path, e);
		if (aside == NULL)
			return -EIO;
	} else if (has_wal) {
		unlink(wal);
	}
	snprintf(report->away, sizeof(report->away),
		 "the database that was at %s is not there any more; a new one was made%s%s%s", path,
		 aside != NULL ? ", and what was beside the old one is kept as " : "", aside != NULL ? aside : "",
		 aside != NULL ? "-wal" : "");
	log_error("%s", report->away);
	free(aside);
	return 0;
}

/* SQLite would read a -wal file that does not begin as one as if it were empty, and overwrite it. The commits in it
 * cannot be read, but the file is put aside for those who want to look at it. */
static int put_bad_wal_aside(const struct db *db, struct db_takeover *t, struct err *e)
{
	int rc;

	if (t->state != DB_TAKEOVER_NONE || db_is_wal_readable(db->path))
		return 0;
	rc = db_takeover_begin(t, db->path, "its -wal file is none", DB_TAKEOVER_BAD_WAL, e);
	return rc == 0 ? db_takeover_move(t, db->path, e) : rc;
}

static void close_files(struct db *db)
{
	sqlite3_close(db->handle);
	db->handle = NULL;
	db_place_close(&db->place);
}

static int open_handle(struct db *db, struct err *e)
{
	int rc = db_place_open(&db->place, db->path);

	if (rc != 0) {
		err_add(e, db->path, 0, "cannot be opened: %s", strerror(-rc));
		return rc;
	}
	if (sqlite3_open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		rc = db_fail(db, "open");
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
	int64_t tables = db_number(db, "SELECT count(*) FROM sqlite_schema", 0);
	int64_t id = db_number(db, "PRAGMA application_id", 0);
	int rc;

	*version = (int)db_number(db, "PRAGMA user_version", 0);
	rc = db_asked(db);
	if (rc != 0) {
		err_add(e, db->path, 0, "cannot be read: %s", db->error);
		return rc;
	}
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

void db_file_note_damage(const struct db *db)
{
	db_takeover_note(db->path, db->error);
}

/* An SQLite code: whether the schema can be read. SQLite reports a lack of memory too where a text of the schema is
 * none. Where memory can be had, and the report is the same, that is damage. */
static int read_schema(struct db *db)
{
	static const char count[] = "SELECT count(*) FROM sqlite_schema";
	int code = sqlite3_exec(db->handle, count, NULL, NULL, NULL);
	void *memory;

	if (code != SQLITE_NOMEM)
		return code;
	memory = sqlite3_malloc(MEMORY_LEFT_BYTES);
	if (memory != NULL && sqlite3_exec(db->handle, count, NULL, NULL, NULL) == SQLITE_NOMEM)
		code = SQLITE_CORRUPT;
	sqlite3_free(memory);
	return code;
}

/* Look at the file before anything is written. *state: what it is; *version: of its schema; finding: how it is damaged.
 * 0, or -errno with an error added: we may not use it. */
static int examine_file(struct db *db, enum db_file_state *state, int *version, char *finding, size_t n, struct err *e)
{
	struct stat st;
	int code, rc;

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
	code = read_schema(db);
	if (code == SQLITE_NOTADB && !db_was_database(db->path, &st)) {
		err_add(e, db->path, 0, "is not an SQLite database; move it away or name another path in [store]");
		return -ENOTSUP;
	}
	if (db_is_damage(code)) {
		snprintf(finding, n, "%s",
			 sqlite3_errcode(db->handle) == SQLITE_NOMEM ? sqlite3_errstr(code)
								     : sqlite3_errmsg(db->handle));
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
		 "PRAGMA secure_delete = OFF; PRAGMA synchronous = %s",
		 DB_PAGE_BYTES, WAL_KEPT_BYTES, full_sync ? "FULL" : "NORMAL");
	if (db_exec(db, modes) != 0) {
		err_add(e, db->path, 0, "cannot be switched to WAL mode: %s; use a local file system", db->error);
		return -EIO;
	}
	db_wal_bound(db);
	rc = db_migrate(db, version, e);
	if (rc == 0 && version == 0)
		db_views_note(db);
	else if (rc == 0)
		db_views_restore(db);
	return rc;
}

/* Open an empty file in the place of the one that was put aside. */
static int open_new(struct db *db, struct err *e)
{
	int rc;

	rc = make_file(db->path, e);
	return rc == 0 ? open_handle(db, e) : rc;
}

/* Damage was found, and the file is closed. */
static int replace_file(struct db *db, struct db_takeover *t, const char *finding, struct err *e)
{
	int rc = db_takeover_begin(t, db->path, finding, DB_TAKEOVER_FILE, e);
	if (rc != 0)
		return rc;
	log_error("%s: damaged (%s); starting a new one", db->path, finding);
	rc = db_takeover_move(t, db->path, e);
	return rc == 0 ? open_new(db, e) : rc;
}

/* A take-over that was cut short has its new file already. state: what that one is; a damaged one is closed. */
static int continue_takeover(struct db *db, struct db_takeover *t, enum db_file_state state, struct err *e)
{
	int is_marked = state == DB_FILE_DAMAGED ? 0 : db_takeover_is_marked(t, db), rc;
	int64_t n_meters = state == DB_FILE_SOUND ? db_number(db, "SELECT count(*) FROM meter", -1) : 0;

	if (is_marked < 0 || n_meters < 0) {
		err_add(e, db->path, 0, "cannot be read: %s", sqlite3_errmsg(db->handle));
		return -EIO;
	}
	if (state == DB_FILE_DAMAGED) {
		rc = db_takeover_discard(t, db->path, e);
		return rc == 0 ? open_new(db, e) : rc;
	}
	if (is_marked == 0 && n_meters == 0)
		return 0;
	if (is_marked == 0)
		log_info("%s: has readings that were put there by hand, so nothing of %s is copied", db->path,
			 t->aside);
	rc = db_takeover_end(db);
	if (rc != 0)
		err_add(e, NULL, 0, "%s", db->error);
	*t = (struct db_takeover){.state = DB_TAKEOVER_NONE};
	return rc;
}

/* Report to the caller what was taken over. */
static int describe_takeover(const struct db *db, const struct db_takeover *t, struct db_file_report *report,
			     struct err *e)
{
	if (t->state != DB_TAKEOVER_BEGUN)
		return 0;
	switch (t->what) {
	case DB_TAKEOVER_FILE:
		report->state = DB_FILE_DAMAGED;
		snprintf(report->damage, sizeof(report->damage),
			 "the database was damaged (%.120s) and is kept as %.200s", t->finding, t->aside);
		break;
	case DB_TAKEOVER_BAD_WAL:
		snprintf(report->damage, sizeof(report->damage),
			 "%.150s-wal was damaged and its commits are lost; it is kept as %.150s-wal", db->path,
			 t->aside);
		break;
	case DB_TAKEOVER_LEFT_WAL:
		report->kind = "database-away";
		snprintf(report->damage, sizeof(report->damage),
			 "%.120s was overwritten by another program while tallyd had it open; commits of before that "
			 "are kept as %.120s-wal",
			 db->path, t->aside);
		break;
	}
	log_error("%s: %s", db->path, report->damage);
	report->is_wal_only = t->what != DB_TAKEOVER_FILE;
	report->aside = strdup(t->aside);
	if (report->aside == NULL)
		err_out_of_memory(e);
	return report->aside != NULL ? 0 : -ENOMEM;
}

/* A copy that somebody is making looks damaged until it is complete. The file is closed afterwards. */
static int refuse_incomplete(struct db *db, const char *finding, struct err *e)
{
	close_files(db);
	if (!db_place_is_being_written(db->path))
		return 0;
	err_add(e, db->path, 0,
		"is damaged or not complete (%s), and another program is writing it; wait until that one has ended, "
		"then "
		"start tallyd",
		finding);
	return -EBUSY;
}

/* Look at the file, and take it over if it is damaged. */
static int examine(struct db *db, struct db_takeover *t, enum db_file_state *state, int *version, struct err *e)
{
	char finding[200] = "";
	int rc = 0;

	if (t->state == DB_TAKEOVER_NOTED)
		*state = DB_FILE_DAMAGED;
	else
		rc = examine_file(db, state, version, finding, sizeof(finding), e);
	if (rc != 0)
		return rc;
	if (*state == DB_FILE_DAMAGED)
		rc = refuse_incomplete(db, finding, e);
	if (rc != 0)
		return rc;
	if (t->state == DB_TAKEOVER_BEGUN && t->what == DB_TAKEOVER_FILE)
		rc = continue_takeover(db, t, *state, e);
	else if (*state == DB_FILE_DAMAGED)
		rc = replace_file(db, t, t->state == DB_TAKEOVER_NOTED ? t->finding : finding, e);
	if (*state == DB_FILE_DAMAGED)
		*version = 0;
	return rc;
}

int db_file_open(struct db *db, const char *path, bool full_sync, struct db_file_report *report, struct err *e)
{
	struct db_takeover t;
	int version = 0, rc;

	*report = (struct db_file_report){.state = DB_FILE_SOUND, .kind = "database-recovered"};
	*db = (struct db){.path = strdup(path), .claim_fd = -1, .place = DB_PLACE_NONE};
	if (db->path == NULL) {
		err_out_of_memory(e);
		return -ENOMEM;
	}
	rc = check_folder(path, e);
	if (rc != 0)
		goto out;
	db_takeover_read(&t, path);
	if (t.state == DB_TAKEOVER_BEGUN)
		rc = db_takeover_move(&t, path, e);
	if (rc == 0 && t.state == DB_TAKEOVER_NONE)
		rc = look_for_lost(path, report, e);
	if (rc != 0)
		goto out;
	rc = make_file(path, e);
	if (rc != 0)
		goto out;
	rc = claim_file(db, e);
	if (rc != 0)
		goto out;
	rc = put_bad_wal_aside(db, &t, e);
	if (rc != 0)
		goto out;
	rc = open_handle(db, e);
	if (rc != 0)
		goto out;
	rc = examine(db, &t, &report->state, &version, e);
	if (rc != 0)
		goto out;
	rc = describe_takeover(db, &t, report, e);
	if (rc != 0)
		goto out;
	rc = prepare_file(db, version, full_sync, e);
	if (rc != 0)
		goto out;
	db_place_note(&db->place, path);
	db_place_sign(&db->place, DBFORMAT_RUNNING_BYTE, true);
out:
	if (rc != 0)
		db_file_close(db);
	return rc;
}

int db_file_join(struct db *db, const char *path)
{
	int rc;

	*db = (struct db){.path = strdup(path), .claim_fd = -1, .place = DB_PLACE_NONE};
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
	/* checkpoints are the business of the daemon (db_written.h) */
	sqlite3_wal_autocheckpoint(db->handle, 0);
	sqlite3_busy_timeout(db->handle, DB_OPEN_TIMEOUT_MS);
	return 0;
}

void db_file_note_overwritten(struct db *db)
{
	struct db_takeover t = {.state = DB_TAKEOVER_NONE};
	struct err e = {0};

	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db->is_overwritten = true;
	if (db_takeover_begin(&t, db->path, "", DB_TAKEOVER_LEFT_WAL, &e) != 0)
		log_error("%s", e.n_items > 0 ? e.items[0].text : "out of memory");
	err_fini(&e);
}

/* The -wal file is not the business of what is at the path now: it gets the name that was written down for it. */
static void leave_wal(struct db *db)
{
	struct db_takeover t;
	struct err e = {0};

	db_takeover_read(&t, db->path);
	if (t.state == DB_TAKEOVER_BEGUN && db_takeover_move(&t, db->path, &e) != 0)
		log_error("%s", e.n_items > 0 ? e.items[0].text : "out of memory");
	err_fini(&e);
}

void db_file_close(struct db *db)
{
	close_files(db);
	if (db->is_overwritten)
		leave_wal(db);
	if (db->claim_fd >= 0)
		close(db->claim_fd);
	free(db->path);
	db->claim_fd = -1;
	db->path = NULL;
}
