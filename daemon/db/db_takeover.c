/* SPDX-License-Identifier: MIT */
#include "db_takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db_aside.h"
#include "log.h"
#include "mono.h"
#include "newfile.h"

enum { NAMES_MAX = 1000, PATH_BYTES = 4096 };

static const char *const words[] = {
	[DB_TAKEOVER_FILE] = "file", [DB_TAKEOVER_BAD_WAL] = "wal", [DB_TAKEOVER_LEFT_WAL] = "left-wal"};

static const char *with_end(const char *path, const char *end, char name[PATH_BYTES])
{
	snprintf(name, PATH_BYTES, "%s%s", path, end);
	return name;
}

static bool is_there(const char *path, const char *end)
{
	char name[PATH_BYTES];

	return faccessat(AT_FDCWD, with_end(path, end, name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int sync_folder(const char *path)
{
	int folder = newfile_open_folder(path), fd, rc = folder < 0 ? folder : 0;

	if (rc != 0)
		return rc;
	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	close(folder);
	return rc;
}

/* 0 or -errno; what is not there is no error. */
static int rename_part(const char *path, const char *to, const char *end)
{
	char from_part[PATH_BYTES], to_part[PATH_BYTES];

	if (rename(with_end(path, end, from_part), with_end(to, end, to_part)) != 0 && errno != ENOENT)
		return -errno;
	return sync_folder(path);
}

static int remove_part(const char *path, const char *end)
{
	char name[PATH_BYTES];

	if (unlink(with_end(path, end, name)) != 0 && errno != ENOENT)
		return -errno;
	return sync_folder(path);
}

/* Of the file that holds the intent: the finding; one of the words; the last part of the name. */
void db_takeover_read(struct db_takeover *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[PATH_BYTES], kind[20] = "", last[300] = "";
	FILE *f = fopen(with_end(path, ".damaged", name), "re");

	*t = (struct db_takeover){.state = DB_TAKEOVER_NONE};
	if (f == NULL)
		return;
	if (fgets(t->finding, sizeof(t->finding), f) == NULL)
		snprintf(t->finding, sizeof(t->finding), "found while it was in use");
	t->finding[strcspn(t->finding, "\n")] = '\0';
	if (fgets(kind, sizeof(kind), f) != NULL && fgets(last, sizeof(last), f) != NULL)
		last[strcspn(last, "\n")] = '\0';
	fclose(f);
	t->state = last[0] != '\0' ? DB_TAKEOVER_BEGUN : DB_TAKEOVER_NOTED;
	kind[strcspn(kind, "\n")] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(kind, words[i]) == 0)
			t->what = (enum db_takeover_what)i;
	if (last[0] != '\0')
		snprintf(t->aside, sizeof(t->aside), "%.*s%s", slash != NULL ? (int)(slash - path) + 1 : 0, path, last);
}

/* The intent is whole and on the disk, or there is none. 0, or -errno with an error added. */
static int write_intent(const char *path, const char *text, struct err *e)
{
	struct newfile_place place;
	struct newfile file = {.fd = -1};
	char name[PATH_BYTES];
	int rc = newfile_find(&place, with_end(path, ".damaged", name), e);

	if (rc == 0)
		rc = newfile_open(&file, &place, name, 0640, false, e);
	if (rc == 0 && write(file.fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		rc = errno != 0 ? -errno : -ENOSPC;
		err_add(e, name, 0, "cannot be written: %s", strerror(-rc));
	}
	if (rc == 0)
		rc = newfile_keep(&file, e);
	newfile_drop(&file);
	newfile_leave(&place);
	return rc;
}

void db_takeover_note(const char *path, const char *finding)
{
	struct db_takeover t;
	struct err e = {0};
	char text[300];

	db_takeover_read(&t, path);
	if (t.state == DB_TAKEOVER_BEGUN)
		return;
	snprintf(text, sizeof(text), "%.250s\n", finding);
	if (write_intent(path, text, &e) != 0)
		log_error("%s", e.n_items > 0 ? e.items[0].text : "out of memory");
	err_fini(&e);
}

/* PATH.damaged-YYYYMMDDTHHMMSSZ, of now or of the next second of which nothing has the name. */
static int choose_name(const char *path, char aside[PATH_BYTES])
{
	time_t now = (time_t)(mono_wall_ms() / 1000);

	for (int i = 0; i < NAMES_MAX; i++, now++) {
		struct tm tm;
		char end[40];

		gmtime_r(&now, &tm);
		strftime(end, sizeof(end), ".damaged-%Y%m%dT%H%M%SZ", &tm);
		with_end(path, end, aside);
		if (!is_there(aside, "") && !is_there(aside, "-wal"))
			return 0;
	}
	return -EEXIST;
}

int db_takeover_begin(struct db_takeover *t, const char *path, const char *finding, enum db_takeover_what what,
		      struct err *e)
{
	char text[PATH_BYTES + 300];
	const char *slash;
	int rc;

	/* finding may be that of t */
	if (finding != t->finding)
		snprintf(t->finding, sizeof(t->finding), "%s", finding);
	t->what = what;
	rc = choose_name(path, t->aside);
	if (rc != 0) {
		err_add(e, path, 0, "is damaged, and a name for it cannot be found; move it away");
		return rc;
	}
	slash = strrchr(t->aside, '/');
	snprintf(text, sizeof(text), "%s\n%s\n%s\n", t->finding, words[what], slash != NULL ? slash + 1 : t->aside);
	rc = write_intent(path, text, e);
	t->state = rc == 0 ? DB_TAKEOVER_BEGUN : DB_TAKEOVER_NONE;
	return rc;
}

/* 0 or -errno. */
static int move_parts(const struct db_takeover *t, const char *path)
{
	bool is_wal = t->what != DB_TAKEOVER_FILE, is_named = is_there(t->aside, is_wal ? "-wal" : "");
	int rc = 0;

	/* what lies beside a new file is its own */
	if (is_named && (is_wal || is_there(path, "")))
		return 0;
	if (!is_named && !is_wal)
		rc = rename_part(path, t->aside, "");
	/* it has the -wal file of the damaged one, unless that was renamed before */
	if (rc == 0 && is_there(t->aside, "-wal"))
		rc = remove_part(path, "-wal");
	if (rc == 0 && is_wal)
		rc = remove_part(path, "-shm");
	if (rc == 0)
		rc = rename_part(path, t->aside, "-wal");
	if (rc == 0)
		rc = remove_part(path, "-shm");
	return rc;
}

int db_takeover_move(struct db_takeover *t, const char *path, struct err *e)
{
	int rc = move_parts(t, path);

	if (rc != 0) {
		err_add(e, path, 0, "is damaged and cannot be renamed: %s; move it away", strerror(-rc));
		return rc;
	}
	db_aside_prune(path, "damaged-", DB_COPIES_KEPT, t->aside);
	if (is_there(t->aside, t->what != DB_TAKEOVER_FILE ? "-wal" : ""))
		return 0;
	log_error("%s: %s is gone, so nothing of it can be copied", path, t->aside);
	rc = remove_part(path, ".damaged");
	if (rc != 0)
		err_add(e, path, 0, "%s.damaged cannot be removed: %s; remove it", path, strerror(-rc));
	*t = (struct db_takeover){.state = DB_TAKEOVER_NONE};
	return rc;
}

int db_takeover_discard(const struct db_takeover *t, const char *path, struct err *e)
{
	char aside[PATH_BYTES];
	int rc = choose_name(path, aside);

	/* so that they cannot be taken for the damaged one's */
	if (rc == 0)
		rc = remove_part(path, "-wal");
	if (rc == 0)
		rc = remove_part(path, "-shm");
	if (rc == 0)
		rc = rename_part(path, aside, "");
	if (rc != 0)
		err_add(e, path, 0, "is damaged and cannot be renamed: %s; move it away", strerror(-rc));
	db_aside_prune(path, "damaged-", DB_COPIES_KEPT, t->aside);
	return rc;
}

char *db_takeover_keep_wal(const char *path, struct err *e)
{
	struct db_takeover t = {.what = DB_TAKEOVER_LEFT_WAL};
	int rc = choose_name(path, t.aside);
	char *aside = NULL;

	if (rc == 0)
		rc = move_parts(&t, path);
	if (rc == 0)
		aside = strdup(t.aside);
	if (aside == NULL)
		err_add(e, path, 0, "what is left beside it cannot be renamed: %s; move it away",
			strerror(rc != 0 ? -rc : ENOMEM));
	else
		db_aside_prune(path, "damaged-", DB_COPIES_KEPT, NULL);
	return aside;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Is the mark of the open database this one? 1, 0 or -errno. */
static int has_mark(struct db *db, const char *aside)
{
	sqlite3_stmt *get = NULL;
	int code =
		sqlite3_prepare_v2(db->handle, "SELECT value FROM setting WHERE name = 'taken_over'", -1, &get, NULL);
	int is_marked = 0;

	/* a new file has no such table */
	if (code == SQLITE_ERROR)
		code = SQLITE_DONE;
	else if (code == SQLITE_OK)
		code = sqlite3_step(get);
	if (code == SQLITE_ROW) {
		const char *value = (const char *)sqlite3_column_text(get, 0);

		is_marked = value != NULL && strcmp(value, last_part(aside)) == 0;
	} else if (code != SQLITE_DONE) {
		is_marked = db_fail(db, "read");
	}
	sqlite3_finalize(get);
	return is_marked;
}

int db_takeover_is_marked(const struct db_takeover *t, struct db *db)
{
	return has_mark(db, t->aside);
}

int db_takeover_mark(struct db *db, const char *aside, const char *kind, const char *sentence, int64_t now_ms)
{
	int rc = has_mark(db, aside);

	if (rc != 0)
		return rc > 0 ? 0 : rc;
	rc = db_takeover_report(db, kind, sentence, now_ms);
	return rc == 0 ? db_put_setting(db, "taken_over", last_part(aside)) : rc;
}

int db_takeover_report(struct db *db, const char *kind, const char *sentence, int64_t now_ms)
{
	sqlite3_stmt *put = db_prepare(db, "INSERT INTO event_log (at_ms, subject, kind, detail) "
					   "VALUES (?, 'tallyd', ?, ?)");
	int rc;

	if (put == NULL)
		return -EIO;
	sqlite3_bind_int64(put, 1, now_ms);
	sqlite3_bind_text(put, 2, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 3, sentence, -1, SQLITE_STATIC);
	rc = db_run(db, put);
	sqlite3_finalize(put);
	return rc;
}

int db_takeover_end(struct db *db)
{
	char name[PATH_BYTES];
	int fd = open(with_end(db->path, "-wal", name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc = 0;

	/* a commit of durability normal waits for no disk; a restored copy has no such file */
	if (fd < 0 ? errno != ENOENT : fsync(fd) != 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		rc = remove_part(db->path, ".damaged");
	if (rc != 0)
		snprintf(db->error, sizeof(db->error), "%s.damaged cannot be removed: %s", db->path, strerror(-rc));
	return rc;
}
