/* SPDX-License-Identifier: MIT */
/* fuzz_damaged.c - a database with damage of any kind, opened by each command that reads one, and taken over by the
 * daemon. Input: a byte that chooses who opens it, then changes of eight bytes: three of a place, one of a length, one
 * that the place is filled with, and three that are not used. */
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf_load.h"
#include "err.h"
#include "log.h"
#include "store.h"
#include "tally.h"

enum { CHANGE_BYTES = 8, CHANGES_MAX = 40, SLOTS = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct {
	char dir[64], path[96];
	struct conf *conf;
	unsigned char *database;
	size_t n_database;
	int null_fd;
} site;

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void put_file(const char *name, const void *data, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", site.dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	require(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
}

static void quiet(enum log_level level, const char *line)
{
	(void)level, (void)line;
}

static void remove_files(const char *pattern)
{
	char path[128];
	glob_t found;

	snprintf(path, sizeof(path), "%s/%s", site.dir, pattern);
	if (glob(path, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
	globfree(&found);
}

static void remove_site(void)
{
	char path[128];

	conf_free(site.conf);
	free(site.database);
	remove_files("*");
	remove_files("bus.d/*");
	snprintf(path, sizeof(path), "%s/bus.d", site.dir);
	rmdir(path);
	rmdir(site.dir);
}

static void write_configuration(void)
{
	static const char bus[] =
		"[bus]\ntransport = tcp\nhost = 127.0.0.1\n[meter press]\nmodel = countis-e44\naddress = 7\n";
	char ini[200], path[128];

	snprintf(path, sizeof(path), "%s/bus.d", site.dir);
	require(mkdir(path, 0700) == 0);
	snprintf(ini, sizeof(ini), "[store]\npath = %s\n", site.path);
	put_file("tallyd.ini", ini, strlen(ini));
	put_file("bus.d/hall.ini", bus, strlen(bus));
}

/* A sound database with readings, in memory from then on. */
static void make_database(void)
{
	struct err e = {0};
	struct store *s;
	FILE *f;

	site.conf = conf_load(site.dir, &e);
	err_print(&e, stderr);
	require(site.conf != NULL);
	s = store_open(site.conf, &e);
	require(s != NULL && store_configure(s, site.conf, &e) == 0);
	for (int i = 0; i < SLOTS; i++) {
		struct reading r = {.meter = store_meter_id(s, "press"), .slot_s = 1767225600 + 60 * i};

		reading_set(&r, Q_ACTIVE_ENERGY_IMPORT, 1000 + 10 * i);
		reading_set(&r, Q_ACTIVE_POWER, 600000);
		store_reading(s, &r);
	}
	store_tick(s, 1767225600 + 60 * SLOTS);
	require(store_commit(s) == STORE_WRITTEN);
	store_close(s);
	err_fini(&e);
	f = fopen(site.path, "re");
	require(f != NULL && fseek(f, 0, SEEK_END) == 0);
	site.n_database = (size_t)ftell(f);
	site.database = malloc(site.n_database);
	rewind(f);
	require(site.database != NULL && fread(site.database, site.n_database, 1, f) == 1);
	fclose(f);
}

static void make_site(void)
{
	strcpy(site.dir, "/dev/shm/fuzz_damaged.XXXXXX");
	require(mkdtemp(site.dir) != NULL);
	snprintf(site.path, sizeof(site.path), "%s/t.db", site.dir);
	site.null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	atexit(remove_site);
	log_set_sink(quiet);
	write_configuration();
	make_database();
}

static void damage(const uint8_t *data, size_t n)
{
	unsigned char *bytes = malloc(site.n_database);

	require(bytes != NULL);
	memcpy(bytes, site.database, site.n_database);
	for (size_t i = 0; i + CHANGE_BYTES <= n && i < CHANGES_MAX * CHANGE_BYTES; i += CHANGE_BYTES) {
		size_t at = ((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) % site.n_database;
		size_t length = (size_t)data[i + 3] * 8 + 1;

		if (length > site.n_database - at)
			length = site.n_database - at;
		memset(bytes + at, data[i + 4], length);
	}
	remove_files("t.db*");
	put_file("t.db", bytes, site.n_database);
	free(bytes);
}

static void run_command(int (*run)(const struct tally *), const char *name, const char *argument)
{
	static const struct tally_command command = {.name = "fuzz", .arguments = "", .purpose = "", .help = ""};
	char words[2][64], *argv[] = {words[0], words[1], NULL};
	struct tally t = {.dir = site.dir, .command = &command, .argc = argument[0] != '\0' ? 2 : 1, .argv = argv};
	int code;

	snprintf(words[0], sizeof(words[0]), "%s", name);
	snprintf(words[1], sizeof(words[1]), "%s", argument);
	if (argument[0] == '\0')
		argv[1] = NULL;
	optind = 0;
	code = run(&t);
	require(code == TALLY_GOOD || code == TALLY_BAD || code == TALLY_USAGE);
}

/* As the daemon does it: what is there afterwards is sound. */
static void take_over(void)
{
	struct err e = {0};
	struct store *s = store_open(site.conf, &e);

	if (s != NULL && store_configure(s, site.conf, &e) == 0)
		(void)store_commit(s);
	store_abandon(s);
	err_fini(&e);
}

static void open_it(unsigned who)
{
	static const char *const views[] = {"energy",	"tariff_energy",   "power",	 "pulse",   "latest",
					    "interval", "interval_energy", "daily",	 "monthly", "monthly_tariff",
					    "register", "meter_status",	   "bus_status", "event"};
	char copy[96];

	snprintf(copy, sizeof(copy), "%s/copy.db", site.dir);
	switch (who % 32) {
	case 14:
		run_command(tally_status, "status", "");
		break;
	case 15:
		run_command(tally_report, "report", "--csv");
		break;
	case 16:
		run_command(tally_backup, "backup", copy);
		break;
	case 17:
		run_command(tally_replace, "replace", "press");
		break;
	case 18:
		take_over();
		break;
	case 19:
		run_command(tally_report, "report", "--tariffs");
		break;
	default:
		run_command(tally_export, "export", views[who % 14]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int out_fd, error_fd;

	if (n == 0)
		return 0;
	if (site.database == NULL)
		make_site();
	damage(data + 1, n - 1);
	fflush(stdout);
	out_fd = dup(STDOUT_FILENO);
	error_fd = dup(STDERR_FILENO);
	dup2(site.null_fd, STDOUT_FILENO);
	dup2(site.null_fd, STDERR_FILENO);
	open_it(data[0]);
	fflush(stdout);
	dup2(out_fd, STDOUT_FILENO);
	dup2(error_fd, STDERR_FILENO);
	close(out_fd);
	close(error_fd);
	return 0;
}
