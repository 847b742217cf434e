/* SPDX-License-Identifier: MIT */
/* db_image.h - the pages of a database file and of the commits in its -wal file, read without SQLite: a damaged header
 * or schema does not matter, and nothing is written. Source: https://www.sqlite.org/fileformat.html. One thread. */
#ifndef TALLY_DB_IMAGE_H
#define TALLY_DB_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Others read n_page_bytes and n_pages; only db_image.c writes. */
struct db_image {
	int fd, wal_fd;
	uint32_t n_page_bytes, n_pages; /* pages have numbers from 1 on */
	uint32_t *frames;		/* of each page: its newest frame in the -wal file, from 1 on; 0 = none */
};

/* Open the file at path and the -wal file beside it, of which the frames up to the last commit that is whole count. A
 * file that is not there has no pages. 0, or -ENOMEM. db_image_close() is due either way. */
int db_image_open(struct db_image *i, const char *path);
void db_image_close(struct db_image *i);

/* Read a page into n_page_bytes bytes. Returns NULL, or why it cannot be read, as a part of a sentence. */
const char *db_image_read(const struct db_image *i, uint32_t page, unsigned char *bytes);

/* Put a row together whose rest begins on page overflow: n bytes from at on. Returns whether all of it is there. */
bool db_image_read_overflow(const struct db_image *i, uint32_t overflow, unsigned char *at, size_t n);

#endif
