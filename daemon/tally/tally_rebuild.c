/* SPDX-License-Identifier: MIT */
/* Make the account again from the readings that are kept, and compare it with the one in the database.
 *
 * Without an option nothing is changed: it is done in a copy, which may be taken while the daemon runs. To put the
 * result in place, the daemon must be stopped, because it knows the account in memory: then all of it is one
 * transaction on the database, and a run that is killed in it leaves the old account. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "calendar.h"
#include "conf.h"
#include "db_backup.h"
#include "db_claim.h"
#include "err.h"
#include "log.h"
#include "owner.h"
#include "store.h"
#include "store_compare.h"
#include "table.h"
#include "tally.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"
#include "when.h"

enum { PATH_MAX_BYTES = 4096 };

static const struct table_column columns[] = {
	{"METER", false, 0}, {"MONTH", false, 0},     {"QUANTITY", false, 0}, {"WAS", true, 0},
	{"IS", true, 0},     {"DIFFERENCE", true, 0}, {"", false, 0},
};

enum { N_COLUMNS = sizeof(columns) / sizeof(columns[0]) };

struct rebuild {
	const struct tally *t;
	bool is_recount;
	const char *folder; /* of the copy, NULL = that of the database */
	char copy[PATH_MAX_BYTES];
	struct table *months;
	bool is_out_of_memory;
};

static void on_month(void *context, const struct store_month *m)
{
	struct rebuild *r = context;
	char was[TALLY_REAL_TEXT_MAX], is[TALLY_REAL_TEXT_MAX], difference[TALLY_REAL_TEXT_MAX];
	const char *const cells[N_COLUMNS] = {m->meter, m->month, m->quantity, was, is, difference, m->unit};

	snprintf(was, sizeof(was), "%.3f", (double)m->was / (double)m->per);
	snprintf(is, sizeof(is), "%.3f", (double)m->is / (double)m->per);
	snprintf(difference, sizeof(difference), "%+.3f", (double)(m->is - m->was) / (double)m->per);
	if (table_add(r->months, cells, N_COLUMNS, TABLE_PLAIN) != 0)
		r->is_out_of_memory = true;
}

/* The months come first: they are printed with the first span. */
static void print_months(struct rebuild *r)
{
	if (r->months == NULL)
		return;
	table_print(r->months, stdout, tally_terminal_width(stdout), false);
	table_free(r->months);
	r->months = NULL;
	printf("\n");
}

static void on_span(void *context, const struct store_span *s)
{
	struct rebuild *r = context;
	char from[WHEN_TEXT_MAX], until[WHEN_TEXT_MAX];

	print_months(r);
	when_format(s->from_s, from);
	when_format(s->until_s, until);
	printf("%s: %" PRId64 " %s differ, from %s to %s\n", s->meter, s->n, s->what, from, until);
}

/* Remove the copy, or what a run that was killed has left of it. Returns false when another run works on it. */
static bool remove_copy(const struct rebuild *r)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
	char name[PATH_MAX_BYTES + 8];
	long pid;
	int fd;

	if (db_claim(r->copy, &fd, &pid) == -EBUSY) {
		fprintf(stderr, "%s: another tally rebuild works on it; wait for it to end\n", r->copy);
		return false;
	}
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", r->copy, ends[i]);
		unlink(name);
	}
	return true;
}

/* Copy the database. Returns false with a complaint when there is no room for it, or it cannot be done. */
static bool make_copy(struct rebuild *r, const struct conf *conf)
{
	const char *slash = strrchr(conf->store_path, '/');
	int n_folder = slash != NULL ? (int)(slash - conf->store_path) : 0;
	char folder[PATH_MAX_BYTES];
	struct statvfs fs;
	struct err e = {0};
	struct stat st;
	bool is_good;

	snprintf(folder, sizeof(folder), "%.*s", n_folder, conf->store_path);
	if (r->folder != NULL)
		snprintf(folder, sizeof(folder), "%s", r->folder);
	snprintf(r->copy, sizeof(r->copy), "%.3000s/%.900s.rebuild", folder[0] != '\0' ? folder : ".",
		 slash != NULL ? slash + 1 : conf->store_path);
	if (!remove_copy(r))
		return false;
	/* the copy, and what the rebuild writes into it */
	if (stat(conf->store_path, &st) == 0 && statvfs(folder[0] != '\0' ? folder : ".", &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize / 3 < (uint64_t)st.st_size / 2) {
		fprintf(stderr,
			"%s: %" PRIu64 " MB are free, and a copy needs %" PRIu64 " MB; name another folder with "
			"--scratch\n",
			folder, (uint64_t)fs.f_bavail * fs.f_frsize / 1000000, (uint64_t)st.st_size * 3 / 2000000);
		return false;
	}
	is_good = db_backup(conf->store_path, r->copy, &e) == 0;
	err_print(&e, stderr);
	err_fini(&e);
	return is_good;
}

static void print_outcome(const struct rebuild *r, const struct conf *conf, const struct store_recount *out)
{
	char from[WHEN_TEXT_MAX];

	if (out->from_s == INT64_MAX) {
		printf("%s: the clock was set back; what is kept can be counted again from next month on\n",
		       conf->store_path);
		return;
	}
	if (out->from_s != INT64_MIN) {
		when_format(out->from_s, from);
		printf("Before %s not all readings are kept: that time is as it was.\n", from);
	}
	if (!out->differs)
		printf("%s: nothing differs in %" PRId64 " intervals of %" PRId64 " meters and inputs\n",
		       conf->store_path, out->n_intervals, out->n_meters);
	else if (r->is_recount)
		printf("%s: counted again; view revision has the spans that differ\n", conf->store_path);
}

/* Returns the exit code. */
static int rebuild(struct rebuild *r, struct conf *conf)
{
	struct store_recount_sink sink = {.context = r, .month = on_month, .span = on_span};
	struct store_recount out = {.from_s = INT64_MAX};
	char *path = conf->store_path;
	struct store *store;
	struct err e = {0};
	int rc = -EIO;

	if (!r->is_recount)
		conf->store_path = r->copy;
	store = store_open(conf, &e);
	if (store != NULL && store_configure(store, conf, &e) == 0) {
		rc = store_recount(store, r->is_recount, &sink, &out);
		if (rc != 0)
			fprintf(stderr, "%s: %s; nothing has changed\n", path, store_error(store));
	}
	store_abandon(store);
	conf->store_path = path;
	err_print(&e, stderr);
	if (e.n_errors > 0 && r->is_recount)
		fprintf(stderr, "a recount needs tallyd to be stopped: systemctl stop tallyd\n");
	err_fini(&e);
	if (rc != 0)
		return TALLY_BAD;
	if (out.differs)
		print_months(r);
	print_outcome(r, conf, &out);
	if (r->is_out_of_memory)
		fprintf(stderr, "out of memory: not all months are listed\n");
	return out.from_s != INT64_MAX && (r->is_recount || !out.differs) ? TALLY_GOOD : TALLY_BAD;
}

static bool read_options(struct rebuild *r)
{
	static const struct option options[] = {
		{"recount", no_argument, NULL, 'r'}, {"scratch", required_argument, NULL, 's'}, {0}};
	int c;

	while ((c = tally_option(r->t, options)) != -1) {
		if (c == 'r')
			r->is_recount = true;
		else if (c == 's')
			r->folder = optarg;
		else
			return false;
	}
	if (optind < r->t->argc) {
		tally_misused(r->t, "unexpected argument \"%s\"", r->t->argv[optind]);
		return false;
	}
	if (r->is_recount && r->folder != NULL) {
		tally_misused(r->t, "--recount makes no copy; use it without --scratch");
		return false;
	}
	return true;
}

/* Of the folder in which files are made. */
static bool become_owner(const struct rebuild *r, const struct conf *conf)
{
	char path[PATH_MAX_BYTES];

	snprintf(path, sizeof(path), "%s/", r->folder != NULL ? r->folder : "");
	return owner_become(r->folder != NULL ? path : conf->store_path);
}

int tally_rebuild(const struct tally *t)
{
	struct rebuild r = {.t = t};
	struct conf *conf;
	int code = TALLY_BAD;

	if (!read_options(&r))
		return TALLY_USAGE;
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	log_set_level(LOG_LEVEL_ERROR);
	calendar_zone(conf->timezone);
	r.months = table_new(columns, N_COLUMNS);
	if (r.months == NULL) {
		fprintf(stderr, "out of memory\n");
	} else if (access(conf->store_path, F_OK) != 0) {
		fprintf(stderr, "%s: %s; tallyd creates it at its first start\n", conf->store_path, strerror(errno));
	} else if (become_owner(&r, conf) && (r.is_recount || make_copy(&r, conf))) {
		code = rebuild(&r, conf);
		if (!r.is_recount)
			remove_copy(&r);
	}
	table_free(r.months);
	conf_free(conf);
	return code;
}
