/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "log.h"
#include "mono.h"

/* Bytes of SQLite's -shm file that a reader holds locked: which one says how far back in the log it reads. */
enum { FIRST_READER_LOCK = 123, LAST_READER_LOCK = 127, READERS_TOLD = 4, LOOKS = 3 };

static int64_t log_bytes(const struct store *s)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", s->db.path);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

/* "1234 (sqlite3)", without the name where it may not be seen. */
static size_t add_process(char *text, size_t n, long pid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "r");
	if (f) {
		if (fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	int length = snprintf(text, n, ", %ld%s%s%s", pid, name[0] ? " (" : "", name, name[0] ? ")" : "");

	return length < 0 || (size_t)length >= n ? 0 : (size_t)length;
}

/* Who reads? Asked of /proc/locks: a lock of our own is lost when any descriptor of the file is closed, so the file
 * itself can not be asked. */
static void find_readers(const struct store *s, char *text, size_t n)
{
	char name[4096], line[200];
	long found[READERS_TOLD];
	size_t n_found = 0, length = 0;
	struct stat st;
	FILE *f = NULL;

	text[0] = '\0';
	snprintf(name, sizeof(name), "%s-shm", s->db.path);
	if (stat(name, &st) == 0)
		f = fopen("/proc/locks", "r");
	while (f && n_found < READERS_TOLD && fgets(line, sizeof(line), f)) {
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
	if (f)
		fclose(f);
}

/* Bring everything in the log home and begin it anew. Not possible while somebody reads from it. */
static bool shorten(struct store *s)
{
	sqlite3_busy_timeout(s->db.handle, 0);
	int code = sqlite3_wal_checkpoint_v2(s->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	sqlite3_busy_timeout(s->db.handle, STORE_BUSY_TIMEOUT_MS);
	return code == SQLITE_OK;
}

static void tell(struct store *s, int64_t bytes)
{
	char readers[200];

	readers[0] = '\0';
	/* the kernel's list may leave out one while others come and go */
	for (int i = 0; i < LOOKS && !readers[0]; i++)
		find_readers(s, readers, sizeof(readers));
	snprintf(s->db.error, sizeof(s->db.error), "its log has %" PRId64 " MB because a reader does not end%s%s",
		 bytes >> 20, readers[0] ? ": process " : "", readers[0] ? readers + 2 : "");
	if (s->log_told)
		return;
	s->log_told = true;
	log_warning("%s: %s; readings are written less often until it does", s->db.path, s->db.error);
}

int store_log_limit(struct store *s)
{
	int64_t bytes = log_bytes(s);

	if (bytes < s->log_soft_bytes || shorten(s)) {
		if (s->log_told)
			log_info("%s: its log is short again", s->db.path);
		s->log_told = false;
		return 0;
	}
	tell(s, bytes);
	if (bytes >= s->log_hard_bytes)
		return -EBUSY;
	return s->held_bytes > s->held_max / 4 || mono_us() - s->committed_us > STORE_LOG_SELDOM_S * INT64_C(1000000)
		       ? 0
		       : 1;
}
