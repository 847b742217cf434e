/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema_gen.c"

enum { N_STEPS = sizeof(schema_steps) / sizeof(schema_steps[0]) };

int store_schema_version(void)
{
	return schema_steps[N_STEPS - 1].version;
}

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

/* Is it ours, and not of a newer program? *version: 0 for an empty file. */
static int check_identity(struct store *s, int *version, struct err *e)
{
	int64_t tables = store_number(s, "SELECT count(*) FROM sqlite_schema", -1);
	int64_t id = store_number(s, "PRAGMA application_id", -1);

	*version = (int)store_number(s, "PRAGMA user_version", -1);
	if (tables < 0 || id < 0 || *version < 0) {
		int r = store_fail(s, "read");

		if (r == -ENOTSUP)
			err_add(e, s->path, 0,
				"is not an SQLite database; move it away or name another path in [store]");
		else
			err_add(e, s->path, 0, "can not be read: %s", sqlite3_errmsg(s->db));
		return r;
	}
	if (tables > 0 && id != STORE_APPLICATION_ID) {
		err_add(e, s->path, 0,
			"is the database of another program (application_id %lld, not %d); name another path in "
			"[store]",
			(long long)id, STORE_APPLICATION_ID);
		return -EINVAL;
	}
	if (*version > schema_steps[N_STEPS - 1].version) {
		err_add(e, s->path, 0, "has schema %d, this program knows %d at most; install the newer tallyd again",
			*version, schema_steps[N_STEPS - 1].version);
		return -EINVAL;
	}
	return 0;
}

/* One step, whole or not at all. */
static int apply_step(struct store *s, const struct schema_step *step, struct err *e)
{
	char version[80];
	int r = store_exec(s, "BEGIN IMMEDIATE");

	snprintf(version, sizeof(version), "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID,
		 step->version);
	if (r == 0)
		r = store_exec(s, step->sql);
	if (r == 0)
		r = store_exec(s, version);
	if (r == 0)
		r = store_exec(s, "COMMIT");
	if (r != 0) {
		err_add(e, s->path, 0, "schema step %s failed, nothing of it was kept: %s", step->file, s->error);
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}

static int migrate(struct store *s, int version, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < N_STEPS && r == 0; i++)
		if (schema_steps[i].version > version)
			r = apply_step(s, &schema_steps[i], e);
	return r;
}

static int set_modes(struct store *s, enum conf_durability durability, struct err *e)
{
	int keep = 1;

	/* Without its -wal and -shm files a reader who may not write the folder can not open the database: they stay
	 * when the daemon ends. */
	sqlite3_file_control(s->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (store_exec(s, "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 4194304") != 0 ||
	    store_exec(s, durability == CONF_FULL ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL") != 0) {
		err_add(e, s->path, 0, "can not be put into WAL mode: %s; the file system must not be a network one",
			s->error);
		return -EIO;
	}
	return 0;
}

int store_open_file(struct store *s, const struct conf *conf, struct err *e)
{
	int version = 0;
	int r = check_folder(s->path, e);

	if (r == 0)
		r = check_file(s->path, e);
	if (r != 0)
		return r;
	if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		r = store_fail(s, "open");
		err_add(e, s->path, 0, "can not be opened: %s", s->error);
		return r;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, STORE_BUSY_TIMEOUT_MS);
	r = check_identity(s, &version, e);
	if (r == 0)
		r = set_modes(s, conf->durability, e);
	if (r == 0)
		r = migrate(s, version, e);
	return r;
}
