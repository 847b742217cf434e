/* SPDX-License-Identifier: MIT */
/* Write a view of the database as CSV. Rows go from the database to the output one by one, so any span takes the same
 * memory. A file appears when it is whole; until then the one that is there stays. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calendar.h"
#include "conf.h"
#include "csv.h"
#include "err.h"
#include "newfile.h"
#include "output.h"
#include "reader.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"
#include "when.h"

enum { NAMES_MAX = 256, SQL_MAX = 4096 };

enum span_by { BY_TS, BY_DAY, BY_MONTH, BY_NOTHING };

/* The views of tallyd-db(5): the column by which a span chooses rows, the column by which a name does (NULL: none), and
 * their order. Those that grow without end are in the order of their key, so that nothing has to be sorted. */
static const struct view {
	const char *name;
	enum span_by by;
	const char *named_by, *order;
} views[] = {
	{"energy", BY_TS, "meter", "ts"},
	{"tariff_energy", BY_TS, "meter", "ts"},
	{"power", BY_TS, "meter", "ts"},
	{"pulse", BY_TS, "meter", "ts"},
	{"latest", BY_TS, "meter", "meter"},
	{"interval", BY_TS, "meter", "ts"},
	{"interval_energy", BY_TS, "meter", "ts"},
	{"daily", BY_DAY, "meter", "day, meter"},
	{"monthly", BY_MONTH, "meter", "month, meter"},
	{"monthly_tariff", BY_MONTH, "meter", "month, meter, tariff"},
	{"daily_gas", BY_DAY, "meter", "day, meter"},
	{"monthly_gas", BY_MONTH, "meter", "month, meter"},
	{"input", BY_NOTHING, "meter", "concentrator, input"},
	{"meter_kind", BY_NOTHING, "meter", "meter"},
	{"calorific", BY_NOTHING, "meter", "meter, since_ts"},
	{"register", BY_DAY, "meter", "day, meter, quantity"},
	{"meter_status", BY_NOTHING, "meter", "bus, address"},
	{"bus_status", BY_NOTHING, "bus", "bus"},
	{"event", BY_TS, "subject", "ts"},
	{"revision", BY_TS, "meter", "id"},
	{"request", BY_NOTHING, NULL, "id"},
	{"meter_report", BY_NOTHING, "meter", "bus, address"},
	{"trouble", BY_NOTHING, "subject", "subject, kind"},
	{"subject", BY_NOTHING, "name", "name"},
	{"meter_replacement", BY_TS, "meter", "id"},
	{"meter_faults", BY_NOTHING, "meter", "meter"},
	{"meter_life", BY_NOTHING, "meter", "meter, quantity, since_ts"},
	{"key", BY_NOTHING, "meter", "meter, quantity, since_ts"},
	{"counter", BY_NOTHING, "meter", "meter, quantity"},
	{"local_span", BY_NOTHING, NULL, "kind, name"},
	{"counted_reading", BY_TS, "meter", "ts"},
	{"suspect_reading", BY_TS, "meter", "ts"},
};

/* Columns that are known less exactly than the view has them, with the decimals that are. A share is rounded down: what
 * is not whole must not look whole. */
static const struct rounding {
	const char *column;
	double per_unit;
	bool is_share;
} roundings[] = {{"coverage", 1000, true}, {"busy_percent", 10, false}, {"latency_ms", 1, false}};

enum { N_VIEWS = sizeof(views) / sizeof(views[0]) };

struct csv_export {
	const struct tally *t;
	const struct view *view;
	const char *from, *to; /* as written, or NULL */
	int64_t from_s, to_s;  /* first second wanted, first no longer wanted */
	bool as_utc, for_spreadsheet;
	size_t n_names;
	const char *names[NAMES_MAX];
	struct csv csv;
	const char *path; /* NULL = standard output */
	struct newfile_place place;
	struct newfile file;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static bool set_view(struct csv_export *x, const char *name)
{
	char question[TALLY_QUESTION_MAX];
	const char *names[N_VIEWS];

	for (size_t i = 0; i < N_VIEWS; i++) {
		names[i] = views[i].name;
		if (strcmp(name, views[i].name) == 0) {
			x->view = &views[i];
			return true;
		}
	}
	tally_misused(x->t, "unknown view \"%s\"%s", name, tally_did_you_mean(name, "", names, N_VIEWS, question));
	return false;
}

static bool read_options(struct csv_export *x)
{
	static const struct option options[] = {{"from", required_argument, NULL, 'f'},
						{"to", required_argument, NULL, 't'},
						{"meter", required_argument, NULL, 'm'},
						{"delimiter", required_argument, NULL, 'd'},
						{"decimal", required_argument, NULL, 'p'},
						{"utc", no_argument, NULL, 'u'},
						{"output", required_argument, NULL, 'o'},
						{"excel", no_argument, NULL, 'x'},
						{0}};
	bool good = true;
	int c;

	while (good && (c = tally_option(x->t, options)) != -1) {
		switch (c) {
		case 'f':
			x->from = optarg;
			break;
		case 't':
			x->to = optarg;
			break;
		case 'm':
			if (x->n_names == NAMES_MAX) {
				tally_misused(x->t, "too many --meter options, at most %d are possible", NAMES_MAX);
				return false;
			}
			x->names[x->n_names++] = optarg;
			break;
		case 'd':
			good = tally_read_delimiter(x->t, optarg, &x->csv.delimiter);
			break;
		case 'p':
			good = tally_read_decimal(x->t, optarg, &x->csv.decimal);
			break;
		case 'u':
			x->as_utc = true;
			break;
		case 'o':
			x->path = optarg;
			break;
		case 'x':
			x->for_spreadsheet = true;
			break;
		default:
			good = false;
		}
	}
	if (!good)
		return false;
	csv_complete(&x->csv);
	if (x->t->argc - optind > 1) {
		tally_misused(x->t, "unexpected argument \"%s\" after VIEW", x->t->argv[optind + 1]);
		return false;
	}
	x->view = &views[0];
	if (optind < x->t->argc && !set_view(x, x->t->argv[optind]))
		return false;
	if (x->view->by == BY_NOTHING && (x->from != NULL || x->to != NULL)) {
		tally_misused(x->t, "%s has no time to select by; leave out --from and --to", x->view->name);
		return false;
	}
	if (x->view->named_by == NULL && x->n_names > 0) {
		tally_misused(x->t, "%s has no meter to select by; leave out --meter", x->view->name);
		return false;
	}
	return true;
}

/* One end of the span, as the view's column has it; text must live as long as the statement. */
static void bind_end(const struct csv_export *x, struct reader *r, int i, int64_t t_s, char text[WHEN_TEXT_MAX])
{
	if (x->view->by == BY_TS) {
		reader_bind_whole(r, i, t_s);
		return;
	}
	if (x->view->by == BY_DAY)
		when_format_day(t_s, text);
	else
		when_format_month(t_s, text);
	reader_bind_text(r, i, text);
}

/* Begin the statement: ?1 and ?2 are the ends of the span, the names follow. from and to must live as long as it.
 * Returns false when it cannot be run, with reader_error(). */
static bool begin_statement(const struct csv_export *x, struct reader *r, char from[WHEN_TEXT_MAX],
			    char to[WHEN_TEXT_MAX])
{
	static const char *const columns[] = {[BY_TS] = "ts", [BY_DAY] = "day", [BY_MONTH] = "month"};
	char sql[SQL_MAX];
	size_t n = (size_t)snprintf(sql, SQL_MAX, "SELECT * FROM %s WHERE 1", x->view->name);

	if (x->from != NULL)
		n += (size_t)snprintf(sql + n, SQL_MAX - n, " AND %s >= ?1", columns[x->view->by]);
	if (x->to != NULL)
		n += (size_t)snprintf(sql + n, SQL_MAX - n, " AND %s <= ?2", columns[x->view->by]);
	for (size_t i = 0; i < x->n_names; i++)
		n += (size_t)snprintf(sql + n, SQL_MAX - n, "%s%s%s?%zu", i == 0 ? " AND " : "",
				      i == 0 ? x->view->named_by : "", i == 0 ? " IN (" : ", ", i + 3);
	snprintf(sql + n, SQL_MAX - n, "%s ORDER BY %s", x->n_names > 0 ? ")" : "", x->view->order);
	if (reader_ask(r, sql) != 0)
		return false;
	if (x->from != NULL)
		bind_end(x, r, 1, x->from_s, from);
	if (x->to != NULL)
		bind_end(x, r, 2, x->to_s - 1, to);
	for (size_t i = 0; i < x->n_names; i++)
		reader_bind_text(r, (int)i + 3, x->names[i]);
	return true;
}

static int column_of(const struct reader *r, const char *name)
{
	for (int i = 0; i < reader_n_columns(r); i++)
		if (strcmp(reader_column(r, i), name) == 0)
			return i;
	return -1;
}

static double round_known(const char *column, double value)
{
	for (size_t i = 0; i < sizeof(roundings) / sizeof(roundings[0]); i++) {
		const struct rounding *k = &roundings[i];

		if (strcmp(k->column, column) == 0)
			return (k->is_share ? floor(value * k->per_unit + 1e-9) : round(value * k->per_unit)) /
			       k->per_unit;
	}
	return value;
}

static void put_value(struct csv *csv, const struct reader *r, int i)
{
	char number[TALLY_REAL_TEXT_MAX];

	switch (reader_type(r, i)) {
	case READER_WHOLE:
		csv_put_whole(csv, reader_whole(r, i));
		break;
	case READER_REAL:
		tally_format_real(round_known(reader_column(r, i), reader_real(r, i)), number);
		csv_put_number(csv, number);
		break;
	default:
		csv_put_text(csv, reader_text(r, i));
	}
}

/* A time of the view as people want it: in their own zone, in a form that the program that reads the file knows. */
static void put_time(struct csv_export *x, const struct reader *r, int ts_column, int time_column)
{
	char time[WHEN_TEXT_MAX];

	if (x->as_utc)
		snprintf(time, sizeof(time), "%s", reader_text(r, time_column));
	else
		when_format(reader_whole(r, ts_column), time);
	/* Spreadsheets know "2026-11-21 08:15:00" as a time; column ts shows which hour it is of one that comes twice.
	 */
	if (x->for_spreadsheet && strlen(time) > 19) {
		time[10] = ' ';
		time[19] = '\0';
	}
	csv_put_text(&x->csv, time);
}

/* Write all rows to x->csv.out. Returns false with the reason on standard error. */
static bool write_rows(struct csv_export *x, struct reader *r)
{
	char from[WHEN_TEXT_MAX], to[WHEN_TEXT_MAX];
	enum reader_step step = READER_END;
	int ts_column, time_column;

	if (!begin_statement(x, r, from, to)) {
		fprintf(stderr, "%s\n", reader_error(r));
		return false;
	}
	ts_column = column_of(r, "ts");
	time_column = ts_column < 0 ? -1 : column_of(r, "time");
	if (x->for_spreadsheet)
		csv_begin_spreadsheet(&x->csv);
	for (int i = 0; i < reader_n_columns(r); i++)
		csv_put_text(&x->csv, reader_column(r, i));
	csv_end_row(&x->csv);
	while (!interrupted && !ferror(x->csv.out) && (step = reader_next(r)) == READER_ROW) {
		for (int i = 0; i < reader_n_columns(r); i++) {
			if (i == time_column)
				put_time(x, r, ts_column, time_column);
			else
				put_value(&x->csv, r, i);
		}
		csv_end_row(&x->csv);
	}
	if (step == READER_FAILED)
		fprintf(stderr, "%s\n", reader_error(r));
	if (interrupted)
		fprintf(stderr, "tally export: interrupted\n");
	return step != READER_FAILED && !interrupted;
}

/* Nothing that is needed may be written over. Returns TALLY_GOOD, or a code with a complaint printed. */
static int check_output(struct csv_export *x, const struct conf *conf)
{
	struct err e = {0};
	const char *own;

	if (x->path == NULL)
		return TALLY_GOOD;
	if (newfile_find(&x->place, x->path, &e) != 0) {
		err_print(&e, stderr);
		err_fini(&e);
		return TALLY_BAD;
	}
	own = output_is_own(&x->place, conf, x->t->dir);
	if (own == NULL && output_is_database(&x->place))
		own = "a database";
	return own != NULL ? tally_misused(x->t, "--output %s is %s; name another file", x->path, own) : TALLY_GOOD;
}

static bool open_output(struct csv_export *x)
{
	struct err e = {0};
	int fd = -1;

	x->csv.out = stdout;
	if (x->path == NULL)
		return true;
	x->csv.out = NULL;
	/* a device or a pipe is written to as it is */
	if (newfile_open(&x->file, &x->place, x->path, 0666, true, &e) == 0) {
		fd = dup(x->file.fd);
		x->csv.out = fd >= 0 ? fdopen(fd, "w") : NULL;
		if (x->csv.out == NULL)
			err_add(&e, x->path, 0, "%s", strerror(errno));
	}
	if (x->csv.out == NULL && fd >= 0)
		close(fd);
	err_print(&e, stderr);
	err_fini(&e);
	return x->csv.out != NULL;
}

/* Everything is in the file or device. Returns false with the reason on standard error. */
static bool finish_output(struct csv_export *x)
{
	const char *path = x->path != NULL ? x->path : "standard output";
	bool is_written = fflush(x->csv.out) == 0 && !ferror(x->csv.out);
	int error = errno;

	if (x->path != NULL)
		is_written &= fclose(x->csv.out) == 0;
	else if (!is_written)
		clearerr(stdout); /* it is reported here, not once more at the end of the program */
	if (!is_written)
		fprintf(stderr, "%s: cannot be written completely: %s\n", path, strerror(error));
	return is_written;
}

/* all_rows: every row was printed. Returns whether the output is whole and in its place; if not, standard error says
 * what is there instead. */
static bool close_output(struct csv_export *x, bool all_rows)
{
	bool is_whole = finish_output(x) && all_rows, is_file = x->path != NULL && x->file.part[0] != '\0';
	struct err e = {0};

	if (is_whole && x->path != NULL)
		is_whole = newfile_keep(&x->file, &e) == 0;
	err_print(&e, stderr);
	err_fini(&e);
	if (!is_whole && is_file)
		fprintf(stderr, "%s: not written; the incomplete export is deleted\n", x->path);
	else if (!is_whole)
		fprintf(stderr, "%s: the export is incomplete\n", x->path != NULL ? x->path : "standard output");
	return is_whole;
}

static int export_view(struct csv_export *x, const struct conf *conf)
{
	struct sigaction act = {.sa_handler = on_interrupt};
	struct reader *r = NULL;
	int code = TALLY_BAD;

	calendar_zone(conf->timezone);
	x->to_s = INT64_MAX;
	if ((x->from != NULL && !tally_read_time(x->t, "--from", x->from, &x->from_s, NULL)) ||
	    (x->to != NULL && !tally_read_time(x->t, "--to", x->to, NULL, &x->to_s)))
		return TALLY_USAGE;
	if (x->from_s >= x->to_s)
		return tally_misused(x->t, "--from must be before --to");
	code = check_output(x, conf);
	if (code != TALLY_GOOD)
		return code;
	code = TALLY_BAD;
	r = tally_open_database(conf);
	if (r == NULL)
		return TALLY_BAD;
	for (size_t i = 0; i < x->n_names; i++)
		if (!tally_is_known(r, x->names[i]))
			goto out;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	if (open_output(x) && close_output(x, write_rows(x, r)))
		code = TALLY_GOOD;
out:
	reader_close(r);
	return code;
}

int tally_export(const struct tally *t)
{
	struct csv_export x = {.t = t, .place.folder_fd = -1, .file.fd = -1};
	struct conf *conf;
	int code;

	if (!read_options(&x))
		return TALLY_USAGE;
	conf = tally_load_main(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = export_view(&x, conf);
	newfile_drop(&x.file);
	newfile_leave(&x.place);
	conf_free(conf);
	return code;
}
