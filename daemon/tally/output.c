/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf_load.h"

/* Files that are beside the database and belong to it: its name, followed by one of these. */
static const struct part {
	const char *end;
	bool is_whole; /* nothing comes behind it */
	const char *what;
} parts[] = {
	{"", true, "the database itself"},
	{"-wal", true, "a part of the database"},
	{"-shm", true, "a part of the database"},
	{"-journal", true, "a part of the database"},
	{".damaged", false, "a damaged database that tallyd has put aside"},
	{".before-", false, "a copy that tallyd made before it changed the database"},
	{".rebuild", false, "a copy that tally rebuild works in"},
	{".lock", true, "a lock of tallyd"},
};

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Is it in this folder? n: bytes of the path, -1 = all. */
static bool is_in(const struct newfile_place *p, const char *folder, int n)
{
	char *path;
	struct stat st;
	bool is_in;

	if (asprintf(&path, "%.*s", n >= 0 ? n : (int)strlen(folder), folder) < 0)
		return false;
	is_in = stat(path[0] != '\0' ? path : ".", &st) == 0 && is_same(&st, &p->folder);
	free(path);
	return is_in;
}

static const char *part_of(const struct newfile_place *p, const char *database)
{
	const char *slash = strrchr(database, '/'), *name = slash != NULL ? slash + 1 : database;
	size_t n = strlen(name);

	if (!is_in(p, database, slash != NULL ? (int)(slash - database) + 1 : 0) || strncmp(p->name, name, n) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].is_whole ? strcmp(p->name + n, parts[i].end) == 0
				      : strncmp(p->name + n, parts[i].end, strlen(parts[i].end)) == 0)
			return parts[i].what;
	return NULL;
}

/* Does another name, or a link, lead to the database? */
static bool leads_to(const struct newfile_place *p, const char *database)
{
	struct stat there, st;

	return fstatat(p->folder_fd, p->name, &there, 0) == 0 && stat(database, &st) == 0 && is_same(&there, &st);
}

/* Is it in one of the folders that have the configuration's files, and has a name that makes it one? */
static bool is_configuration(const struct newfile_place *p, const char *dir)
{
	size_t n = strlen(p->name);
	char *drivers, *bus_dir = NULL;
	bool found;

	if (n < 4 || strcasecmp(p->name + n - 4, ".ini") != 0)
		return false;
	drivers = conf_driver_path(dir);
	if (asprintf(&bus_dir, "%s/bus.d", dir) < 0)
		bus_dir = NULL;
	found = is_in(p, dir, -1) || (bus_dir != NULL && is_in(p, bus_dir, -1));
	for (const char *folder = drivers; folder != NULL && *folder != '\0' && !found;) {
		int length = (int)strcspn(folder, ":");

		found = is_in(p, folder, length);
		folder += length;
		folder += *folder == ':';
	}
	free(drivers);
	free(bus_dir);
	return found;
}

const char *output_is_own(const struct newfile_place *p, const struct conf *conf, const char *dir)
{
	char *real = realpath(conf->store_path, NULL);
	const char *what = part_of(p, conf->store_path);

	if (what == NULL && real != NULL)
		what = part_of(p, real);
	if (what == NULL && leads_to(p, conf->store_path))
		what = parts[0].what;
	if (what == NULL && is_configuration(p, dir))
		what = "a file of the configuration";
	free(real);
	return what;
}

bool output_is_database(const struct newfile_place *p)
{
	/* https://www.sqlite.org/fileformat.html: how a database begins, and a -wal file */
	static const char magic[16] = "SQLite format 3";
	static const unsigned char wal_magic[3] = {0x37, 0x7f, 0x06};
	char begin[16] = {0};
	ssize_t got;
	int fd;

	if (!p->is_there || !S_ISREG(p->there.st_mode))
		return false;
	fd = openat(p->folder_fd, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = pread(fd, begin, sizeof(begin), 0);
	close(fd);
	return got == sizeof(begin) &&
	       (memcmp(begin, magic, sizeof(magic)) == 0 || memcmp(begin, wal_magic, sizeof(wal_magic)) == 0);
}
