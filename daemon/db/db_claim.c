/* SPDX-License-Identifier: MIT */
#include "db_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A byte of the file that SQLite never locks. The lock is one of the open file (F_OFD_SETLK): it ends with the process
 * however that ends, and closing another descriptor of the file does not take it away. */
static const off_t CLAIM_BYTE = (off_t)1 << 40;

static struct flock whole_claim(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = CLAIM_BYTE, .l_len = 1};
}

int db_claim(const char *path, int *fd)
{
	struct flock lock = whole_claim();
	int r = 0;

	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd < 0)
		return -errno;
	if (fcntl(*fd, F_OFD_SETLK, &lock) < 0) {
		r = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
		close(*fd);
		*fd = -1;
	}
	return r;
}

bool db_is_claimed(const char *path)
{
	struct flock lock = whole_claim();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_claimed = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return is_claimed;
}
