/* SPDX-License-Identifier: MIT */
/* A meter was replaced: leave a request in the database and see what the daemon makes of it. The daemon acts on the
 * request with its next commit, or when it starts, and takes it away. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "db_file.h"
#include "dbformat.h"
#include "driver.h"
#include "err.h"
#include "mono.h"
#include "reader.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"

enum { PATIENCE_MS = 3000, LOOK_EVERY_US = 100000, AMOUNT_MAX = 64 };

struct replacement {
	const struct tally *t;
	const char *name;
	const char *final_text, *initial_text; /* as written, NULL = not given */
	/* Of a meter's main counter, or of an input's only one. */
	enum quantity quantity;
	const struct names_unit *shown;
	int64_t final, initial; /* base units, where given */
};

/* "81234.5 kWh", or "81234.5" in the unit that the counter is shown in. */
static bool read_amount(const struct replacement *x, const char *option, const char *text, int64_t *out)
{
	char amount[AMOUNT_MAX];
	bool has_unit = text[strspn(text, "0123456789. ")] != '\0';

	if ((size_t)snprintf(amount, sizeof(amount), "%s%s%s", text, has_unit ? "" : " ",
			     has_unit ? "" : x->shown->text) < sizeof(amount) &&
	    names_amount(x->quantity, amount, out) == VALUE_OK && *out >= 0)
		return true;
	tally_misused(x->t, "%s %s is not valid; give what the counter showed, in %s", option, text, x->shown->text);
	return false;
}

/* Leave the request in the database. 0, or -errno with an error added. */
static int write_request(const struct replacement *x, const struct conf *conf, struct err *e)
{
	sqlite3_stmt *put = NULL;
	struct db db;
	int rc = db_file_join(&db, conf->store_path);

	if (rc != 0)
		goto out;
	put = db_prepare(&db, "INSERT INTO replacement (meter, at_ts, final, initial) SELECT name, ?2, ?3, ?4 "
			      "FROM subject WHERE name = ?1 AND configured AND kind IN ('meter', 'input')");
	if (put == NULL) {
		rc = -EIO;
		goto out;
	}
	sqlite3_bind_text(put, 1, x->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, mono_wall_ms() / 1000);
	if (x->final_text != NULL)
		sqlite3_bind_int64(put, 3, x->final);
	if (x->initial_text != NULL)
		sqlite3_bind_int64(put, 4, x->initial);
	rc = db_run(&db, put);
out:
	if (rc != 0) {
		err_add(e, conf->store_path, 0,
			"cannot be written: %s; nothing was changed; run it as root or as user tallyd", db.error);
	} else if (sqlite3_changes(db.handle) == 0) {
		rc = -ENOENT;
		err_add(e, NULL, 0, "%s: not in %s yet; start tallyd with this configuration first", x->name,
			conf->store_path);
	}
	sqlite3_finalize(put);
	db_file_close(&db);
	return rc;
}

/* Requests that the daemon has not acted on, of any meter. -1 when they cannot be read. */
static int count_waiting(struct reader *r)
{
	reader_ask(r, "SELECT count(*) FROM meter_replacement WHERE NOT done");
	return reader_next(r) == READER_ROW ? (int)reader_whole(r, 0) : -1;
}

/* Print what the daemon did. Returns the exit code: not all that was requested may have been possible. */
static int print_outcome(const struct replacement *x, struct reader *r)
{
	const char *detail = "";

	reader_ask(r, "SELECT detail FROM meter_replacement WHERE meter = ? AND done ORDER BY id DESC LIMIT 1");
	reader_bind_text(r, 1, x->name);
	if (reader_next(r) == READER_ROW)
		detail = reader_text(r, 0);
	if (*detail != '\0' && strcmp(detail, DBFORMAT_REPLACED_AS_REQUESTED) != 0) {
		fprintf(stderr, "%s: replaced; %s\n", x->name, detail);
		return TALLY_BAD;
	}
	printf("%s: replaced; the new counter is used from now on\n", x->name);
	return TALLY_GOOD;
}

static int wait_for_daemon(const struct replacement *x, const struct conf *conf, struct reader *r)
{
	int64_t until_us = mono_us() + ((int64_t)conf->commit_interval_ms + PATIENCE_MS) * 1000;
	int n;

	if (!reader_has_writer(r)) {
		printf("%s: request saved; tallyd is not running and will act on it when it starts\n", x->name);
		return TALLY_GOOD;
	}
	while ((n = count_waiting(r)) > 0 && mono_us() < until_us)
		mono_sleep_until_us(mono_us() + LOOK_EVERY_US);
	if (n < 0) {
		fprintf(stderr, "%s\n", reader_error(r));
		return TALLY_BAD;
	}
	if (n == 0)
		return print_outcome(x, r);
	printf("%s: request saved; tallyd will act on it as soon as it can write the database\n", x->name);
	return TALLY_GOOD;
}

static int replace_meter(struct replacement *x, const struct conf *conf)
{
	const struct conf_input *input = NULL;
	const struct conf_meter *meter = NULL;
	struct reader *r;
	struct err e = {0};
	int code = TALLY_BAD;

	if (!tally_find_counter(conf, x->name, &meter, &input))
		return TALLY_BAD;
	if (meter != NULL && meter->driver != NULL && driver_row(meter->driver, Q_PULSES_1) != NULL &&
	    (x->final_text != NULL || x->initial_text != NULL)) {
		fprintf(stderr, "%s counts pulses for its inputs; name an input, or leave out --final and --initial\n",
			x->name);
		return TALLY_BAD;
	}
	x->quantity = input != NULL ? input->quantity : Q_ACTIVE_ENERGY_IMPORT;
	x->shown = input != NULL ? input->shown : names_shown(x->quantity);
	if (x->final_text != NULL && !read_amount(x, "--final", x->final_text, &x->final))
		return TALLY_USAGE;
	if (x->initial_text != NULL && !read_amount(x, "--initial", x->initial_text, &x->initial))
		return TALLY_USAGE;
	/* The reader also sees that the file is ours before anything is written into it. */
	r = tally_open_database(conf);
	if (r == NULL)
		return TALLY_BAD;
	if (write_request(x, conf, &e) == 0)
		code = wait_for_daemon(x, conf, r);
	err_print(&e, stderr);
	err_fini(&e);
	reader_close(r);
	return code;
}

int tally_replace(const struct tally *t)
{
	static const struct option options[] = {
		{"final", required_argument, NULL, 'f'}, {"initial", required_argument, NULL, 'i'}, {0}};
	struct replacement x = {.t = t};
	struct conf *conf;
	int c, code;

	while ((c = tally_option(t, options)) != -1) {
		if (c == 'f')
			x.final_text = optarg;
		else if (c == 'i')
			x.initial_text = optarg;
		else
			return TALLY_USAGE;
	}
	if (t->argc - optind != 1)
		return tally_misused(t, "expected one METER");
	x.name = t->argv[optind];
	conf = tally_load_conf(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = replace_meter(&x, conf);
	conf_free(conf);
	return code;
}
