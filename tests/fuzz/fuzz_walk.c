/* SPDX-License-Identifier: MIT */
/* fuzz_walk.c - any bytes as a damaged database file: every tree of it is walked, also over the leaves that nothing
 * leads to. The walk ends, a page is gone down to once, and values lie in memory that is theirs. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db_walk.h"

enum { COLUMNS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Read every byte of the row. */
static void touch(const struct db_walk *w)
{
	static volatile unsigned char byte;

	require(w->n_values > 0 && w->n_values <= DB_PAGE_VALUES_MAX);
	for (int i = 0; i < w->n_values; i++)
		for (size_t k = 0; k < w->values[i].n; k++)
			byte = (unsigned char)(byte ^ w->values[i].bytes[k]);
}

static void walk(struct db_walk_pages *pages, uint32_t root, bool has_rowid)
{
	/* each page may have as many rows as bytes, twice: by the tree and without it */
	uint64_t left = 2 * ((uint64_t)pages->image->n_pages + 2) * pages->image->n_page_bytes;
	enum db_walk_found found;
	struct db_walk w;

	require(db_walk_init(&w, pages, root, has_rowid, COLUMNS) == 0);
	while ((found = db_walk_next(&w)) != DB_WALK_END) {
		require(left-- > 0);
		if (found == DB_WALK_ROW)
			touch(&w);
		if (found == DB_WALK_LOST)
			require(w.reason != NULL);
	}
	db_walk_fini(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct db_walk_pages pages;
	struct db_image image;
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/fuzz_walk.%d", (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
	require(db_image_open(&image, path) == 0);
	for (uint32_t root = 1; root <= image.n_pages && root <= 8; root++) {
		require(db_walk_pages_find(&pages, &image, &root, 1) == 0);
		walk(&pages, root, true);
		walk(&pages, root, false);
		db_walk_pages_free(&pages);
	}
	db_image_close(&image);
	unlink(path);
	return 0;
}
