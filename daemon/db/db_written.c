/* SPDX-License-Identifier: MIT */
#include "db_written.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"

enum {
	/* Places in SQLite's -shm file (https://www.sqlite.org/walformat.html#the_wal_index_file_format), numbers in
	 * the order of this machine. */
	SHM_PAGE_BYTES = 14,
	SHM_FRAMES = 16,
	SHM_SALT = 32,
	SHM_BACKFILL = 96,
	SHM_ATTEMPTED = 128,
	SHM_BYTES = 132,
	/* And in its -wal file, big end first. */
	WAL_HEADER_BYTES = 32,
	FRAME_HEADER_BYTES = 24,
	FRAMES_LOOKED_AT = 64,
	PAGE_MAX_BYTES = 65536,
	CHUNK_BYTES = 512,
};

static bool read_shm(int fd, unsigned char shm[SHM_BYTES])
{
	return fd >= 0 && pread(fd, shm, SHM_BYTES, 0) == SHM_BYTES;
}

static uint32_t number_at(const unsigned char *shm, int at)
{
	uint32_t n;

	memcpy(&n, shm + at, sizeof(n));
	return n;
}

static struct db_written_log read_log(const unsigned char *shm)
{
	return (struct db_written_log){.backfill = number_at(shm, SHM_BACKFILL),
				       .attempted = number_at(shm, SHM_ATTEMPTED),
				       .salt = {number_at(shm, SHM_SALT), number_at(shm, SHM_SALT + 4)}};
}

static size_t page_bytes(const unsigned char *shm)
{
	uint16_t n;

	memcpy(&n, shm + SHM_PAGE_BYTES, sizeof(n));
	return n == 1 ? PAGE_MAX_BYTES : n;
}

static bool has_page(const struct db_written *w, uint32_t page)
{
	for (size_t i = 0; i < w->n_pages; i++)
		if (w->pages[i] == page)
			return true;
	return page == 1;
}

/* Take the pages with which the -wal file ends: a copy from before its commits has them otherwise. An empty one leaves
 * those that were chosen before. */
static void choose_pages(struct db_written *w, const unsigned char *shm, const char *path)
{
	size_t frame_bytes = FRAME_HEADER_BYTES + page_bytes(shm);
	uint32_t n = number_at(shm, SHM_FRAMES), last = n > FRAMES_LOOKED_AT ? n - FRAMES_LOOKED_AT : 0;
	unsigned char h[4];
	char name[4096];
	int fd;

	snprintf(name, sizeof(name), "%s-wal", path);
	fd = n > 0 ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY) : -1;
	if (fd < 0)
		return;
	w->n_pages = 0;
	for (; n > last && w->n_pages < DB_WRITTEN_PAGES; n--) {
		off_t at = WAL_HEADER_BYTES + (off_t)(n - 1) * (off_t)frame_bytes;
		uint32_t page;

		if (pread(fd, h, sizeof(h), at) != sizeof(h))
			continue;
		page = (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
		if (page != 0 && !has_page(w, page))
			w->pages[w->n_pages++] = page;
	}
	close(fd);
}

static uint64_t add_page(uint64_t d, int fd, uint32_t page, size_t bytes)
{
	unsigned char chunk[CHUNK_BYTES];
	int64_t word;

	for (size_t done = 0; done < bytes; done += CHUNK_BYTES) {
		ssize_t got = pread(fd, chunk, sizeof(chunk), (off_t)(page - 1) * (off_t)bytes + (off_t)done);

		if (got < 0)
			got = 0;
		memset(chunk + got, 0, sizeof(chunk) - (size_t)got);
		for (size_t i = 0; i < sizeof(chunk); i += sizeof(word)) {
			memcpy(&word, chunk + i, sizeof(word));
			d = digest_whole(d, word);
		}
	}
	return d;
}

static uint64_t digest_of(const struct db_written *w, int fd, size_t bytes)
{
	uint64_t d = add_page(DIGEST_EMPTY, fd, 1, bytes);

	for (size_t i = 0; i < w->n_pages; i++)
		d = add_page(d, fd, w->pages[i], bytes);
	return d;
}

static int64_t time_of(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

void db_written_note(struct db_written *w, int fd, int shm_fd, const char *path)
{
	unsigned char shm[SHM_BYTES];
	struct stat st;

	if (!read_shm(shm_fd, shm) || fstat(fd, &st) != 0)
		return;
	w->size = st.st_size;
	w->time_ns = time_of(&st);
	w->log = read_log(shm);
	choose_pages(w, shm, path);
	w->digest = digest_of(w, fd, page_bytes(shm));
}

static bool is_touched(const struct db_written *w, const struct stat *st)
{
	return st->st_size != w->size || time_of(st) != w->time_ns;
}

void db_written_note_commit(struct db_written *w, int fd, int shm_fd, const char *path)
{
	unsigned char shm[SHM_BYTES];
	struct db_written_log log;
	struct stat st;

	if (!read_shm(shm_fd, shm) || fstat(fd, &st) != 0)
		return;
	log = read_log(shm);
	if (memcmp(&log, &w->log, sizeof(log)) == 0)
		return;
	if (is_touched(w, &st))
		db_written_note(w, fd, shm_fd, path);
	else
		w->log = log;
}

bool db_written_by_other(struct db_written *w, int fd, int shm_fd, const char *path)
{
	unsigned char shm[SHM_BYTES];
	struct db_written_log log;
	struct stat st;

	if (w->time_ns == 0 || fstat(fd, &st) != 0 || !is_touched(w, &st) || !read_shm(shm_fd, shm))
		return false;
	log = read_log(shm);
	if (memcmp(&log, &w->log, sizeof(log)) != 0) {
		db_written_note(w, fd, shm_fd, path);
		return false;
	}
	if (st.st_size != w->size || digest_of(w, fd, page_bytes(shm)) != w->digest)
		return true;
	w->time_ns = time_of(&st);
	return false;
}
