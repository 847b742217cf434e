/* SPDX-License-Identifier: MIT */
#include "db_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *db_claim_name(const char *path, char *name, size_t n)
{
	snprintf(name, n, "%s.lock", path);
	return name;
}

bool db_claim_exists(const char *path)
{
	char name[4096];

	return access(db_claim_name(path, name, sizeof(name)), F_OK) == 0;
}

/* Of the process that has the claim, as it wrote it. */
static long read_pid(int fd)
{
	char text[24] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

/* Lock the open file and write into it whose it is. A disk without room for that keeps nobody from the claim. */
static int lock_file(int fd, long *pid)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
		return -EINVAL;
	if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		if (errno != EACCES && errno != EAGAIN)
			return -errno;
		*pid = read_pid(fd);
		return -EBUSY;
	}
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%ld\n", (long)getpid());
	return 0;
}

int db_claim(const char *path, int *fd, long *pid)
{
	char name[4096];
	int rc;

	*pid = 0;
	*fd = open(db_claim_name(path, name, sizeof(name)),
		   O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
	if (*fd < 0)
		return -errno;
	rc = lock_file(*fd, pid);
	if (rc != 0) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}
