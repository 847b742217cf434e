/* SPDX-License-Identifier: MIT */
#include "db_repair.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"
#include "log.h"

bool db_repair_torn_page(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || st.st_size % DB_PAGE_BYTES == 0)
		return false;
	if (truncate(path, st.st_size - st.st_size % DB_PAGE_BYTES) != 0)
		return false;
	log_info("%s: cut off the torn page at its end", path);
	return true;
}

bool db_repair_header(const char *path)
{
	/* https://www.sqlite.org/fileformat.html#the_database_header: magic, size of a page, versions 2 and 2 for a
	 * file with a -wal, no reserved bytes, and three fractions that never change */
	static const unsigned char constant[24] = {'S',
						   'Q',
						   'L',
						   'i',
						   't',
						   'e',
						   ' ',
						   'f',
						   'o',
						   'r',
						   'm',
						   'a',
						   't',
						   ' ',
						   '3',
						   0,
						   DB_PAGE_BYTES >> 8,
						   DB_PAGE_BYTES & 0xff,
						   2,
						   2,
						   0,
						   64,
						   32,
						   32};
	unsigned char header[100] = {0}, page_type = 0;
	bool is_written = false;
	uint32_t n_pages;
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || pread(fd, header, sizeof(header), 0) != sizeof(header) ||
	    pread(fd, &page_type, 1, sizeof(header)) != 1)
		goto out;
	/* 5 and 13: a page of a table, as the first one is, which holds the schema */
	if (memcmp(header, constant, sizeof(constant)) == 0 || (page_type != 5 && page_type != 13))
		goto out;
	n_pages = (uint32_t)(st.st_size / DB_PAGE_BYTES);
	memset(header, 0, sizeof(header));
	memcpy(header, constant, sizeof(constant));
	header[27] = header[95] = 1; /* change counter, and the one that the length is valid for */
	header[28] = (unsigned char)(n_pages >> 24);
	header[29] = (unsigned char)(n_pages >> 16);
	header[30] = (unsigned char)(n_pages >> 8);
	header[31] = (unsigned char)n_pages;
	header[43] = 1; /* schema cookie */
	header[47] = 4; /* schema format */
	header[59] = 1; /* UTF-8 */
	is_written = pwrite(fd, header, sizeof(header), 0) == sizeof(header);
	if (is_written)
		log_info("%s: rewrote its first 100 bytes", path);
out:
	close(fd);
	return is_written;
}
