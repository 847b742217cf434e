/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "newfile.h"

/* Returns 0 or -1 with errno. */
static int become(uid_t uid, gid_t gid)
{
	const struct passwd *user = getpwuid(uid);

	if (user != NULL ? initgroups(user->pw_name, user->pw_gid) != 0 : setgroups(0, NULL) != 0)
		return -1;
	if (setgid(user != NULL ? user->pw_gid : gid) != 0)
		return -1;
	return setuid(uid);
}

bool owner_become(const char *path)
{
	int fd = newfile_open_folder(path), rc = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		rc = fd < 0 ? fd : -errno;
	else if (geteuid() == 0 && st.st_uid != 0 && become(st.st_uid, st.st_gid) != 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		fprintf(stderr, "%s: its folder cannot be used: %s\n", path, strerror(-rc));
	return rc == 0;
}
