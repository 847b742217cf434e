/* SPDX-License-Identifier: MIT */
#include "db_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "dbformat.h"

int db_claim(const char *path, int *fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = DBFORMAT_CLAIM_BYTE, .l_len = 1};
	int rc;

	*fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	rc = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
	close(*fd);
	*fd = -1;
	return rc;
}
