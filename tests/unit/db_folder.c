/* SPDX-License-Identifier: MIT */
#include "db_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static char log_text[8192];

static void remember(enum log_level level, const char *line)
{
	(void)level;
	strncat(log_text, line, sizeof(log_text) - strlen(log_text) - 1);
}

const char *folder_log(void)
{
	return log_text;
}

void folder_open(struct folder *f)
{
	if (db_file_open(&f->db, f->path, true, &f->report, &f->e) != 0) {
		err_print(&f->e, stderr);
		fail();
	}
}

void folder_close(struct folder *f)
{
	if (f->db.handle != NULL)
		sqlite3_wal_checkpoint_v2(f->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	db_file_close(&f->db);
	free(f->report.aside);
	f->report.aside = NULL;
}

void folder_refuse(struct folder *f, const char *path, const char *expected)
{
	struct db_file_report report;
	struct db db;

	assert_int_not_equal(db_file_open(&db, path, true, &report, &f->e), 0);
	assert_null(db.handle);
	assert_null(report.aside);
	assert_int_equal(f->e.n_errors, 1);
	if (strstr(f->e.items[0].text, expected) == NULL)
		fail_msg("%s: lacks: %s", f->e.items[0].text, expected);
	assert_int_equal(strncmp(f->e.items[0].text, path, strlen(path)), 0);
	err_fini(&f->e);
}

int folder_setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_db.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/t.db", f->dir);
	log_text[0] = '\0';
	log_set_sink(remember);
	folder_open(f);
	*state = f;
	return 0;
}

int folder_teardown(void **state)
{
	struct folder *f = *state;
	DIR *dir = opendir(f->dir);
	struct dirent *d;

	folder_close(f);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		char name[400];

		snprintf(name, sizeof(name), "%s/%s", f->dir, d->d_name);
		unlink(name);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(f->dir);
	err_fini(&f->e);
	free(f);
	return 0;
}

const char *folder_name(const struct folder *f, const char *suffix)
{
	static char name[200];

	snprintf(name, sizeof(name), "%s%s", f->path, suffix);
	return name;
}

size_t folder_count(const struct folder *f, const char *pattern)
{
	glob_t found;
	size_t n = glob(folder_name(f, pattern), 0, NULL, &found) == 0 ? found.gl_pathc : 0;

	globfree(&found);
	return n;
}

off_t file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

void file_fill(const char *path, off_t at, size_t n, unsigned char byte)
{
	unsigned char block[512];
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	memset(block, byte, sizeof(block));
	for (size_t done = 0; done < n; done += sizeof(block)) {
		size_t more = n - done < sizeof(block) ? n - done : sizeof(block);

		assert_int_equal(pwrite(fd, block, more, at + (off_t)done), more);
	}
	close(fd);
}

void sql_run(const char *path, const char *sql)
{
	sqlite3 *db;
	char *message = NULL;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

int64_t sql_number(const char *path, const char *sql)
{
	sqlite3_stmt *get = NULL;
	sqlite3 *db;
	int64_t n;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &get, NULL) != SQLITE_OK || sqlite3_step(get) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	n = sqlite3_column_int64(get, 0);
	sqlite3_finalize(get);
	sqlite3_close(db);
	return n;
}

off_t sql_leaf(const char *path, const char *table, int nth)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT pageno FROM dbstat WHERE name = '%s' AND pagetype = 'leaf' LIMIT 1 OFFSET %d", table, nth);
	return (sql_number(path, sql) - 1) * DB_PAGE_BYTES;
}

int64_t energy_at(int64_t slot_s)
{
	return 81234000 + (slot_s - JAN_2026_S) / 6;
}

void fill_readings(const struct folder *f, int n)
{
	char sql[700];

	snprintf(sql, sizeof(sql),
		 "BEGIN;"
		 "INSERT INTO meter (id, name, is_input, bus, label, configured) "
		 "VALUES (1, 'press', 0, 'hall', '', 1), (2, 'pump', 0, 'hall', '', 1);"
		 "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		 "INSERT INTO reading_energy (id, meter, delay_ms, quality, active_energy_import) "
		 "SELECT (%lld + 60 * i) << %d, 1, 0, 0, 81234000 + 10 * i FROM n;"
		 "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)",
		 n - 1, (long long)JAN_2026_S, DB_SLOT_BITS);
	sql_run(f->path, sql);
}
