/* SPDX-License-Identifier: MIT */
#include "db_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "dbformat.h"
#include "text.h"

enum {
	/* Bytes of SQLite's -shm file (https://www.sqlite.org/walformat.html#wal_locks): one for the writer, the
	 * checkpoint and the recovery, and one for each place up to which a reader reads. */
	WRITE_LOCK = 120,
	FIRST_READER_LOCK = 123,
	LAST_READER_LOCK = 127,
	/* And of the database itself: pending, reserved and the shared ones. A reader has one of the shared ones. */
	PENDING_LOCK = 0x40000000,
	SHARED_LOCK = PENDING_LOCK + 2,
	SHARED_LOCKS = 510,
	NAMED = 4,
};

int db_place_open(struct db_place *p, const char *path)
{
	char name[4096];

	*p = DB_PLACE_NONE;
	p->fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (p->fd < 0)
		return -errno;
	snprintf(name, sizeof(name), "%s-shm", path);
	p->shm_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return 0;
}

void db_place_note(struct db_place *p, const char *path)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", path);
	if (stat(name, &st) == 0) {
		p->wal_dev = st.st_dev;
		p->wal_ino = st.st_ino;
	}
	snprintf(name, sizeof(name), "%s-shm", path);
	if (p->shm_fd < 0)
		p->shm_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (p->shm_fd >= 0 && fstat(p->shm_fd, &st) == 0) {
		p->shm_dev = st.st_dev;
		p->shm_ino = st.st_ino;
	}
	db_written_note(&p->written, p->fd, p->shm_fd, path);
}

void db_place_note_commit(struct db_place *p, const char *path)
{
	db_written_note_commit(&p->written, p->fd, p->shm_fd, path);
}

void db_place_note_checkpoint(struct db_place *p, const char *path)
{
	db_written_note(&p->written, p->fd, p->shm_fd, path);
}

void db_place_close(struct db_place *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->shm_fd >= 0)
		close(p->shm_fd);
	*p = DB_PLACE_NONE;
}

/* Its name now, as the kernel has it; "" when that is not known. */
static void find_name(int fd, char *name, size_t n)
{
	char link[40];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, name, n - 1);
	name[length > 0 ? length : 0] = '\0';
}

static enum db_place_found look_at_database(const struct db_place *p, const char *path, char *what, size_t n)
{
	struct stat open_st, st;
	bool is_there = stat(path, &st) == 0;
	char name[256];

	if (fstat(p->fd, &open_st) != 0 ||
	    (is_there && st.st_ino == open_st.st_ino && st.st_dev == open_st.st_dev && open_st.st_nlink > 0))
		return DB_PLACE_SAME;
	if (open_st.st_nlink == 0) {
		snprintf(what, n, "%s was %s while tallyd had it open", path,
			 is_there ? "replaced by another file" : "removed");
		return DB_PLACE_GONE;
	}
	find_name(p->fd, name, sizeof(name));
	snprintf(what, n, "%s was moved%s%s while tallyd had it open%s", path, name[0] != '\0' ? " to " : "", name,
		 is_there ? ", and another file is in its place" : "");
	return DB_PLACE_AWAY;
}

static bool is_same(const char *path, const char *part, dev_t dev, ino_t ino, char *what, size_t n)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, part);
	if (ino == 0 || (stat(name, &st) == 0 && st.st_dev == dev && st.st_ino == ino))
		return true;
	snprintf(what, n, "%s was moved, removed or replaced while tallyd had it open", name);
	return false;
}

enum db_place_found db_place_look(struct db_place *p, const char *path, char *what, size_t n)
{
	enum db_place_found found = look_at_database(p, path, what, n);

	if (found == DB_PLACE_SAME && (!is_same(path, "-wal", p->wal_dev, p->wal_ino, what, n) ||
				       !is_same(path, "-shm", p->shm_dev, p->shm_ino, what, n)))
		found = DB_PLACE_AWAY;
	if (found == DB_PLACE_SAME && db_written_by_other(&p->written, p->fd, p->shm_fd, path)) {
		snprintf(what, n, "%s was overwritten by another program, as cp does, while tallyd had it open", path);
		found = DB_PLACE_OVERWRITTEN;
	}
	return found;
}

bool db_place_is_being_written(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	bool is_written;

	if (fd < 0)
		return false;
	/* a lease for reading is given only where nobody writes; it ends with the descriptor */
	is_written = fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
	close(fd);
	return is_written;
}

void db_place_sign(const struct db_place *p, long long byte, bool on)
{
	struct flock lock = {
		.l_type = on ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};

	/* somebody else may have the byte: then readers see his sign */
	(void)fcntl(p->fd, F_OFD_SETLK, &lock);
}

/* Processes that were named. */
struct names {
	char *text;
	size_t n, length;
	long pids[NAMED];
	size_t n_pids;
};

static void add_process(struct names *names, long pid)
{
	char name[32];
	bool has_name;

	for (size_t i = 0; i < names->n_pids; i++)
		if (names->pids[i] == pid)
			return;
	if (names->n_pids == NAMED || names->length + 1 >= names->n)
		return;
	names->pids[names->n_pids++] = pid;
	has_name = text_process_name(pid, name, sizeof(name));
	names->length += (size_t)snprintf(names->text + names->length, names->n - names->length, "%s%ld%s%s%s",
					  names->length > 0 ? ", " : "process ", pid, has_name ? " (" : "",
					  has_name ? name : "", has_name ? ")" : "");
}

/* Name one process that has any of these bytes locked against us. It is asked as for a write: what we have locked
 * ourselves does not count. A lock that belongs to a file and not to a process (-1) has no name. */
static void ask(struct names *names, int fd, short type, off_t first, off_t n)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = n};

	if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
		add_process(names, lock.l_pid);
}

void db_place_name_lockers(const struct db_place *p, char *text, size_t n)
{
	struct names names = {.text = text, .n = n};

	text[0] = '\0';
	for (off_t byte = WRITE_LOCK; byte < FIRST_READER_LOCK; byte++)
		ask(&names, p->shm_fd, F_WRLCK, byte, 1);
	ask(&names, p->fd, F_WRLCK, PENDING_LOCK, 2);
	/* others read: only a lock that keeps readers out counts */
	ask(&names, p->fd, F_RDLCK, SHARED_LOCK, SHARED_LOCKS);
	for (off_t byte = FIRST_READER_LOCK; byte <= LAST_READER_LOCK; byte++)
		ask(&names, p->shm_fd, F_RDLCK, byte, 1);
}

void db_place_name_readers(const struct db_place *p, char *text, size_t n)
{
	struct names names = {.text = text, .n = n};

	text[0] = '\0';
	for (off_t byte = FIRST_READER_LOCK; byte <= LAST_READER_LOCK; byte++)
		ask(&names, p->shm_fd, F_WRLCK, byte, 1);
}
