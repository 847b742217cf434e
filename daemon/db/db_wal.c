/* SPDX-License-Identifier: MIT */
#include "db_wal.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

enum {
	/* Bytes of SQLite's -shm file; each reader holds a lock on one, which says how far back in the -wal it reads.
	 */
	FIRST_READER_LOCK = 123,
	LAST_READER_LOCK = 127,
	READERS_NAMED = 4,
	LOOKS = 3,
};

void db_wal_init(struct db_wal *wal)
{
	*wal = (struct db_wal){
		.soft_bytes = DB_WAL_SOFT_BYTES, .hard_bytes = DB_WAL_HARD_BYTES, .seldom_s = DB_WAL_SELDOM_S};
}

void db_wal_set_limits(struct db_wal *wal, int64_t soft_bytes, int64_t hard_bytes, int64_t seldom_s)
{
	wal->soft_bytes = soft_bytes;
	wal->hard_bytes = hard_bytes;
	wal->seldom_s = seldom_s;
}

static int64_t wal_bytes(const struct db *db)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", db->path);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

/* Copy all of the -wal into the database and make it empty. Not possible while somebody reads from it. */
static bool shorten_wal(struct db *db)
{
	int code;

	/* a commit must not wait for a reader */
	sqlite3_busy_timeout(db->handle, 0);
	code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(db->handle, DB_COMMIT_TIMEOUT_MS);
	return code == SQLITE_OK;
}

/* Append ", 1234 (sqlite3)", without the name where we may not see it. Returns the length, 0 when it does not fit. */
static size_t add_process(char *text, size_t n, long pid)
{
	char name[32];
	int length;

	if (text_process_name(pid, name, sizeof(name)))
		length = snprintf(text, n, ", %ld (%s)", pid, name);
	else
		length = snprintf(text, n, ", %ld", pid);
	return length < 0 || (size_t)length >= n ? 0 : (size_t)length;
}

/* Which processes read? The answer comes from /proc/locks and not from F_GETLK on the -shm file: closing any
 * descriptor of that file would release the locks that SQLite holds on it in this process. */
static void find_readers(const struct db *db, char *text, size_t n)
{
	char name[4096], line[200];
	long found[READERS_NAMED];
	size_t n_found = 0, length = 0;
	struct stat st;
	FILE *f = NULL;

	text[0] = '\0';
	snprintf(name, sizeof(name), "%s-shm", db->path);
	if (stat(name, &st) == 0)
		f = fopen("/proc/locks", "r");
	while (f != NULL && n_found < READERS_NAMED && fgets(line, sizeof(line), f) != NULL) {
		unsigned major, minor;
		unsigned long inode;
		long pid, first;
		size_t i = 0;

		if (sscanf(line, "%*d: POSIX %*s READ %ld %x:%x:%lu %ld", &pid, &major, &minor, &inode, &first) != 5 ||
		    inode != st.st_ino || makedev(major, minor) != st.st_dev || first < FIRST_READER_LOCK ||
		    first > LAST_READER_LOCK || pid == getpid())
			continue;
		while (i < n_found && found[i] != pid)
			i++;
		if (i < n_found)
			continue;
		found[n_found++] = pid;
		length += add_process(text + length, n - length, pid);
	}
	if (f != NULL)
		fclose(f);
}

static void report_long_wal(struct db_wal *wal, struct db *db, int64_t bytes)
{
	char readers[200] = "";

	/* the kernel's list may leave out one process while others come and go */
	for (int i = 0; i < LOOKS && readers[0] == '\0'; i++)
		find_readers(db, readers, sizeof(readers));
	snprintf(db->error, sizeof(db->error), "its -wal file has %" PRId64 " MB because a reader does not end%s%s",
		 bytes >> 20, readers[0] != '\0' ? ": process " : "", readers[0] != '\0' ? readers + 2 : "");
	if (!wal->is_reported)
		log_warning("%s: %s; writing less often until it does", db->path, db->error);
	wal->is_reported = true;
}

enum db_wal_verdict db_wal_check(struct db_wal *wal, struct db *db, unsigned memory_percent, int64_t since_commit_s)
{
	int64_t bytes = wal_bytes(db);

	if (bytes < wal->soft_bytes || shorten_wal(db)) {
		if (wal->is_reported)
			log_info("%s: its -wal file is short again", db->path);
		wal->is_reported = false;
		return DB_WAL_WRITE;
	}
	report_long_wal(wal, db, bytes);
	if (bytes >= wal->hard_bytes)
		return DB_WAL_MUST_NOT;
	if (memory_percent >= DB_WAL_MEMORY_PERCENT || since_commit_s >= wal->seldom_s)
		return DB_WAL_WRITE;
	return DB_WAL_LATER;
}
