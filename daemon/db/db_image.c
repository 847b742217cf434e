/* SPDX-License-Identifier: MIT */
#include "db_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "db_page.h"

enum { WAL_HEADER_BYTES = 32, FRAME_HEADER_BYTES = 24, PAGES_MAX = 1 << 28 };

static uint32_t read_32(const unsigned char *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool is_page_size(uint32_t n)
{
	return n >= DB_PAGE_MIN_BYTES && n <= DB_PAGE_MAX_BYTES && (n & (n - 1)) == 0;
}

/* That of the header, or if there is none that of every database that we make. */
static uint32_t find_page_size(int fd)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char h[18];
	uint32_t n;

	if (pread(fd, h, sizeof(h), 0) != sizeof(h) || memcmp(h, magic, sizeof(magic)) != 0)
		return DB_PAGE_BYTES;
	n = (uint32_t)h[16] << 8 | h[17];
	if (n == 1)
		n = DB_PAGE_MAX_BYTES;
	return is_page_size(n) ? n : DB_PAGE_BYTES;
}

/* The running checksum of a -wal file over n bytes, a multiple of 8. */
static void add_checksum(uint32_t sum[2], const unsigned char *b, size_t n, bool is_big_endian)
{
	for (size_t i = 0; i < n; i += 8) {
		uint32_t x = read_32(b + i), y = read_32(b + i + 4);

		if (!is_big_endian) {
			x = __builtin_bswap32(x);
			y = __builtin_bswap32(y);
		}
		sum[0] += x + sum[1];
		sum[1] += y + sum[0];
	}
}

static bool is_sum(const uint32_t sum[2], const unsigned char *b)
{
	return sum[0] == read_32(b) && sum[1] == read_32(b + 4);
}

static off_t frame_at(const struct db_image *i, uint32_t frame)
{
	return WAL_HEADER_BYTES + (off_t)(frame - 1) * (FRAME_HEADER_BYTES + i->n_page_bytes);
}

/* Room for pages up to n_pages. 0 or -ENOMEM. */
static int grow(struct db_image *i, uint32_t *n_known, uint32_t n_pages)
{
	uint32_t *more;

	if (n_pages <= *n_known)
		return 0;
	more = realloc(i->frames, (size_t)n_pages * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	memset(more + *n_known, 0, (size_t)(n_pages - *n_known) * sizeof(*more));
	i->frames = more;
	*n_known = n_pages;
	return 0;
}

/* A frame that is whole: *page is the page that it has, *n_pages of the database if it ends a commit, else 0. */
static bool read_frame(const struct db_image *i, uint32_t frame, const unsigned char *wal, uint32_t sum[2],
		       unsigned char *bytes, uint32_t *page, uint32_t *n_pages)
{
	ssize_t n = FRAME_HEADER_BYTES + (ssize_t)i->n_page_bytes;

	if (pread(i->wal_fd, bytes, (size_t)n, frame_at(i, frame)) != n || memcmp(bytes + 8, wal + 16, 8) != 0)
		return false;
	add_checksum(sum, bytes, 8, wal[3] & 1);
	add_checksum(sum, bytes + FRAME_HEADER_BYTES, i->n_page_bytes, wal[3] & 1);
	*page = read_32(bytes);
	*n_pages = read_32(bytes + 4);
	return is_sum(sum, bytes + 16) && *page > 0 && *page < PAGES_MAX && *n_pages < PAGES_MAX;
}

/* The frames up to number n_frames, which end a commit, replace pages. */
static int take_frames(struct db_image *i, uint32_t *n_known, uint32_t first, uint32_t n_frames)
{
	for (uint32_t frame = first; frame <= n_frames; frame++) {
		unsigned char b[4];
		uint32_t page;

		if (pread(i->wal_fd, b, sizeof(b), frame_at(i, frame)) != sizeof(b))
			return 0;
		page = read_32(b);
		if (grow(i, n_known, page) != 0)
			return -ENOMEM;
		i->frames[page - 1] = frame;
	}
	return 0;
}

static int read_wal(struct db_image *i, uint32_t *n_known)
{
	unsigned char wal[WAL_HEADER_BYTES], *bytes;
	uint32_t sum[2] = {0, 0}, page, n_pages, n_taken = 0;
	int rc = 0;

	if (pread(i->wal_fd, wal, sizeof(wal), 0) != sizeof(wal) || (read_32(wal) & ~1U) != 0x377f0682)
		return 0;
	add_checksum(sum, wal, 24, wal[3] & 1);
	if (!is_sum(sum, wal + 24) || read_32(wal + 8) != i->n_page_bytes)
		return 0;
	bytes = malloc(FRAME_HEADER_BYTES + i->n_page_bytes);
	if (bytes == NULL)
		return -ENOMEM;
	for (uint32_t frame = 1; rc == 0 && read_frame(i, frame, wal, sum, bytes, &page, &n_pages); frame++) {
		if (n_pages == 0)
			continue;
		rc = take_frames(i, n_known, n_taken + 1, frame);
		n_taken = frame;
		i->n_pages = n_pages;
	}
	free(bytes);
	return rc;
}

int db_image_open(struct db_image *i, const char *path)
{
	char wal[4096];
	uint32_t n_known = 0;
	struct stat st;
	int rc;

	*i = (struct db_image){.fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
			       .wal_fd = -1,
			       .n_page_bytes = DB_PAGE_BYTES};
	if (i->fd < 0 || fstat(i->fd, &st) != 0)
		return 0;
	i->n_page_bytes = find_page_size(i->fd);
	i->n_pages = st.st_size / i->n_page_bytes < PAGES_MAX ? (uint32_t)(st.st_size / i->n_page_bytes) : PAGES_MAX;
	snprintf(wal, sizeof(wal), "%s-wal", path);
	i->wal_fd = open(wal, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	rc = i->wal_fd >= 0 ? read_wal(i, &n_known) : 0;
	return rc == 0 ? grow(i, &n_known, i->n_pages) : rc;
}

void db_image_close(struct db_image *i)
{
	if (i->fd >= 0)
		close(i->fd);
	if (i->wal_fd >= 0)
		close(i->wal_fd);
	free(i->frames);
	*i = (struct db_image){.fd = -1, .wal_fd = -1};
}

const char *db_image_read(const struct db_image *i, uint32_t page, unsigned char *bytes)
{
	uint32_t frame;
	ssize_t n;

	if (page == 0 || page > i->n_pages)
		return "it lies behind the end of the file";
	frame = i->frames[page - 1];
	if (frame != 0)
		n = pread(i->wal_fd, bytes, i->n_page_bytes, frame_at(i, frame) + FRAME_HEADER_BYTES);
	else
		n = pread(i->fd, bytes, i->n_page_bytes, (off_t)(page - 1) * i->n_page_bytes);
	if (n < 0)
		return "the disk cannot read it";
	return n == i->n_page_bytes ? NULL : "it lies behind the end of the file";
}

bool db_image_read_overflow(const struct db_image *i, uint32_t overflow, unsigned char *at, size_t n)
{
	unsigned char *bytes = malloc(i->n_page_bytes);

	while (bytes != NULL && n > 0 && db_image_read(i, overflow, bytes) == NULL) {
		size_t part = n < i->n_page_bytes - 4 ? n : i->n_page_bytes - 4;

		memcpy(at, bytes + 4, part);
		overflow = read_32(bytes);
		at += part;
		n -= part;
	}
	free(bytes);
	return n == 0;
}
