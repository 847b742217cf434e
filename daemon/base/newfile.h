/* SPDX-License-Identifier: MIT */
/* newfile.h - a file that appears under its name only when it is whole, also where others may write the folder.
 *
 * Root writes into folders of users, and a user may plant links and rename what he finds there at any moment. So a name
 * is looked up once: the folder is opened, part by part, and everything after that happens in this open folder. What is
 * written has a name of its own that nobody can guess, is made there and not found, and gets its own name last, by a
 * rename, which never follows a link. At the end it is looked whether the name leads to what was written.
 *
 * Any thread; one struct belongs to one at a time. */
#ifndef TALLY_NEWFILE_H
#define TALLY_NEWFILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "err.h"

/* Where a file shall be. Others read; only newfile.c writes. */
struct newfile_place {
	int folder_fd;		 /* the folder, opened with O_PATH; -1 = none */
	struct stat folder;	 /* of it */
	char name[NAME_MAX + 1]; /* in it */
	bool is_there;		 /* something of this name, and then: */
	struct stat there;	 /* it, not what it may point to */
};

struct newfile {
	const struct newfile_place *place;
	char *path;		 /* as it was given, for messages */
	char part[NAME_MAX + 1]; /* its name while it is written; "" = what is there is written into */
	int fd;			 /* open for reading and writing; -1 = none */
};

/* Look up where path leads. A link on the way is followed if it is root's or if we are not root: a user cannot lead
 * root elsewhere. 0, or -errno with an error added. newfile_leave() is due either way. */
int newfile_find(struct newfile_place *p, const char *path, struct err *e);
void newfile_leave(struct newfile_place *p);

/* Open the folder of path alone, with O_PATH, by the same rule. The descriptor is the caller's; or -errno. */
int newfile_open_folder(const char *path);

/* Begin to write the file at the place, which must outlive it. mode is that of a new file, before the umask. What is
 * left of runs that were killed is removed. stream: a device or pipe that is there is written into instead. 0, or
 * -errno with an error added that begins with path. newfile_drop() is due either way. */
int newfile_open(struct newfile *f, const struct newfile_place *p, const char *path, mode_t mode, bool stream,
		 struct err *e);

/* It is whole: put it on the disk and give it its name. 0, or -errno with an error added: what was there still is. */
int newfile_keep(struct newfile *f, struct err *e);

/* Close it; if it was not kept, remove it. */
void newfile_drop(struct newfile *f);

#endif
