/* SPDX-License-Identifier: MIT */
#include "db_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A byte far behind the end of any file, which SQLite never locks. */
static const off_t CLAIM_BYTE = (off_t)1 << 40;

static struct flock make_lock(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = CLAIM_BYTE, .l_len = 1};
}

int db_claim(const char *path, int *fd)
{
	struct flock lock = make_lock();
	int rc;

	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	rc = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
	close(*fd);
	*fd = -1;
	return rc;
}

bool db_is_claimed(const char *path)
{
	struct flock lock = make_lock();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_claimed;

	if (fd < 0)
		return false;
	is_claimed = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return is_claimed;
}
