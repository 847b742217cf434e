/* SPDX-License-Identifier: MIT */
#include "newfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	LINKS_MAX = 40,	  /* as many as the kernel follows */
	TRIES = 100,	  /* to find a name that nobody has */
	KEPT_BYTES = 180, /* of the name, in the name of the part */
};

static int open_path(int at, const char *path, unsigned n_links);

/* Go on from at, which is closed, to what the link in it says. */
static int follow(int at, int link, const struct stat *st, unsigned n_links)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);

	if (n < 0 || n_links == LINKS_MAX || (geteuid() == 0 && st->st_uid != 0)) {
		close(at);
		return n < 0 ? -errno : -ELOOP;
	}
	target[n] = '\0';
	return open_path(at, target, n_links + 1);
}

/* The folder of this name in at, which is closed. */
static int enter(int at, const char *name, unsigned n_links)
{
	int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = fd < 0 ? -errno : 0;
	struct stat st;

	if (rc == 0 && fstat(fd, &st) != 0)
		rc = -errno;
	if (rc == 0 && S_ISLNK(st.st_mode)) {
		rc = follow(at, fd, &st, n_links);
		close(fd);
		return rc;
	}
	if (rc == 0 && !S_ISDIR(st.st_mode))
		rc = -ENOTDIR;
	close(at);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* All parts of path are folders. at is closed. Returns a descriptor or -errno. */
static int open_path(int at, const char *path, unsigned n_links)
{
	char part[NAME_MAX + 1];

	if (path[0] == '/') {
		close(at);
		at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (at < 0)
			return -errno;
	}
	while (at >= 0 && *(path += strspn(path, "/")) != '\0') {
		size_t n = strcspn(path, "/");

		if (n >= sizeof(part)) {
			close(at);
			return -ENAMETOOLONG;
		}
		memcpy(part, path, n);
		part[n] = '\0';
		path += n;
		at = enter(at, part, n_links);
	}
	return at;
}

int newfile_open_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd;

	if (folder == NULL)
		return -ENOMEM;
	fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = fd < 0 ? -errno : open_path(fd, folder, 0);
	free(folder);
	return fd;
}

int newfile_find(struct newfile_place *p, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	int rc = 0;

	*p = (struct newfile_place){.folder_fd = newfile_open_folder(path)};
	if (p->folder_fd < 0) {
		rc = p->folder_fd;
		err_add(e, path, 0, "its folder cannot be opened: %s; name a file in another folder",
			rc == -ELOOP ? "a link of another user leads there" : strerror(-rc));
		return rc;
	}
	if (strlen(name) > NAME_MAX || name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		err_add(e, path, 0, "is not the name of a file; name a file");
		return -EISDIR;
	}
	strcpy(p->name, name);
	if (fstat(p->folder_fd, &p->folder) != 0)
		rc = -errno;
	else if (fstatat(p->folder_fd, name, &p->there, AT_SYMLINK_NOFOLLOW) == 0)
		p->is_there = true;
	else if (errno != ENOENT)
		rc = -errno;
	if (rc != 0)
		err_add(e, path, 0, "%s", strerror(-rc));
	return rc;
}

void newfile_leave(struct newfile_place *p)
{
	if (p->folder_fd >= 0)
		close(p->folder_fd);
	p->folder_fd = -1;
}

/* .NAME.part- */
static void begin_part(const struct newfile_place *p, char part[NAME_MAX + 1])
{
	snprintf(part, NAME_MAX + 1, ".%.*s.part-", KEPT_BYTES, p->name);
}

/* A run that writes a part holds a lock on it. A part without one was left by a run that was killed. */
static void remove_left_part(int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder_fd, name, 0);
	close(fd);
}

static void remove_left_parts(const struct newfile_place *p)
{
	int fd = openat(p->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char begin[NAME_MAX + 1];
	struct dirent *d;

	begin_part(p, begin);
	while (dir != NULL && (d = readdir(dir)) != NULL)
		if (strncmp(d->d_name, begin, strlen(begin)) == 0)
			remove_left_part(p->folder_fd, d->d_name);
	if (dir != NULL)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

/* false: another run took it for a left one before it had its lock. A file system without locks has no such run. */
static bool lock_part(int fd)
{
	struct stat st;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return false;
	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* Returns 0 or -errno. */
static int open_part(struct newfile *f, mode_t mode)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t chance;

		if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
			return -EIO;
		begin_part(f->place, f->part);
		snprintf(f->part + strlen(f->part), 17, "%016llx", (unsigned long long)chance);
		f->fd = openat(f->place->folder_fd, f->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (f->fd < 0 && errno == EEXIST)
			continue;
		if (f->fd < 0 || lock_part(f->fd))
			break;
		close(f->fd);
		f->fd = -1;
	}
	if (f->fd >= 0)
		return 0;
	f->part[0] = '\0';
	return -errno;
}

/* A device or pipe has no other name that it could be written under. A link to one, as /dev/stdout is, leads there if
 * it is nobody else's. Returns 0 or -errno. */
static int open_stream(struct newfile *f)
{
	const struct stat *there = &f->place->there;
	bool is_followed = S_ISLNK(there->st_mode) && (geteuid() != 0 || there->st_uid == 0);
	struct stat st;

	f->fd = openat(f->place->folder_fd, f->place->name,
		       O_WRONLY | O_NOCTTY | O_CLOEXEC | (is_followed ? 0 : O_NOFOLLOW));
	if (f->fd < 0 || fstat(f->fd, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) ? -ELOOP : 0;
}

int newfile_open(struct newfile *f, const struct newfile_place *p, const char *path, mode_t mode, bool stream,
		 struct err *e)
{
	bool is_file = !p->is_there || S_ISREG(p->there.st_mode);
	int rc;

	*f = (struct newfile){.place = p, .path = strdup(path), .fd = -1};
	if (f->path == NULL) {
		err_out_of_memory(e);
		return -ENOMEM;
	}
	if (!is_file && (!stream || S_ISDIR(p->there.st_mode))) {
		err_add(e, path, 0, "already exists and is not a plain file; name another file");
		return -EEXIST;
	}
	if (is_file)
		remove_left_parts(p);
	rc = is_file ? open_part(f, mode) : open_stream(f);
	if (rc == -ELOOP)
		err_add(e, path, 0, "is a link; name the file that it shall be");
	else if (rc != 0)
		err_add(e, path, 0, "cannot be written: %s", strerror(-rc));
	return rc;
}

/* Is what has the name now the file that we have written? */
static bool is_in_place(const struct newfile *f)
{
	struct stat named, ours;

	return fstatat(f->place->folder_fd, f->place->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(f->fd, &ours) == 0 && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

/* Make a rename last over a power cut. */
static void sync_folder(const struct newfile_place *p)
{
	int fd = openat(p->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

int newfile_keep(struct newfile *f, struct err *e)
{
	int folder_fd = f->place->folder_fd, rc = 0;

	if (f->part[0] == '\0')
		return 0;
	if (fsync(f->fd) != 0 || renameat(folder_fd, f->part, folder_fd, f->place->name) != 0)
		rc = -errno;
	if (rc != 0) {
		err_add(e, f->path, 0, "cannot be written completely: %s", strerror(-rc));
		return rc;
	}
	f->part[0] = '\0';
	if (!is_in_place(f)) {
		err_add(e, f->path, 0,
			"somebody else put another file in its place meanwhile; name a file in a folder "
			"that only you can write");
		return -EEXIST;
	}
	sync_folder(f->place);
	return 0;
}

void newfile_drop(struct newfile *f)
{
	if (f->part[0] != '\0')
		unlinkat(f->place->folder_fd, f->part, 0);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	*f = (struct newfile){.fd = -1};
}
