/* SPDX-License-Identifier: MIT */
/* The consumption of each meter in a span of time, as a table or as CSV. One statement sums up the longest pieces that
 * the span consists of: months, days or intervals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "conf.h"
#include "csv.h"
#include "mono.h"
#include "reader.h"
#include "table.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"
#include "when.h"
#include "zone.h"

enum { NAMES_MAX = 256, SQL_MAX = 8192, DAY_S = 86400 };

enum { FIRST_NAME = 4 }; /* parameter of the first name: ?1 and ?2 are the span, ?3 what its coverage is of */

struct report {
	const struct tally *t;
	const char *month, *day, *from, *to; /* as written, or NULL */
	int64_t now_s, start_s, end_s;
	double passed;					/* share of the span that lies behind us, 1 when it is over */
	char first[WHEN_TEXT_MAX], last[WHEN_TEXT_MAX]; /* month or days of the span */
	char zone[ZONE_TEXT_MAX];			/* that days begin in, and its source */
	bool by_tariff, as_csv;
	struct csv csv;
	size_t n_names;
	const char *names[NAMES_MAX];
};

/* From where the sums of a span come: the longest pieces it is made of. Each gives meter, quantity, value, unit and
 * coverage. */
static const char from_month[] = "SELECT meter, quantity, value, unit, coverage FROM monthly WHERE month = ?1";
static const char from_days[] =
	"SELECT meter, quantity, sum(value) AS value, unit, sum(coverage) / ?3 AS coverage FROM daily "
	"WHERE day BETWEEN ?1 AND ?2 GROUP BY meter, quantity, unit";
static const char from_intervals[] =
	"SELECT meter, quantity, sum(value) AS value, unit, "
	"sum(CASE quality WHEN 'measured' THEN duration_s ELSE 0 END) * 1.0 / ?3 AS coverage FROM interval "
	"WHERE ts >= ?1 AND ts < ?2 GROUP BY meter, quantity, unit";

struct cell {
	const char *sql; /* of the sums of one meter */
	const char *csv_name;
};

#define SUM_OF(quantity) "sum(CASE quantity WHEN '" quantity "' THEN value END)"

static const struct cell energy_cells[] = {
	{"meter", "meter"},
	{SUM_OF("active_energy_import"), "active_import_kwh"},
	{SUM_OF("active_energy_export"), "active_export_kwh"},
	{SUM_OF("reactive_energy_import"), "reactive_import_kvarh"},
	{SUM_OF("reactive_energy_export"), "reactive_export_kvarh"},
	{SUM_OF("apparent_energy"), "apparent_kvah"},
	{"sum(CASE WHEN quantity IN ('volume', 'heat') THEN value END)", "other"},
	{"max(CASE WHEN quantity IN ('volume', 'heat') THEN unit END)", "other_unit"},
	{"min(coverage)", "coverage"},
};

static const struct table_column energy_columns[] = {
	{"METER", false, 0},	      {"IMPORT kWh", true, 0},	  {"EXPORT kWh", true, 3}, {"REACTIVE+ kvarh", true, 4},
	{"REACTIVE- kvarh", true, 5}, {"APPARENT kVAh", true, 6}, {"OTHER", true, 2},	   {"", false, 2},
	{"COVERED", true, 1},
};

static const struct cell tariff_cells[] = {
	{"meter", "meter"},
	{SUM_OF("active_energy_import_t1"), "t1_kwh"},
	{SUM_OF("active_energy_import_t2"), "t2_kwh"},
	{SUM_OF("active_energy_import_t3"), "t3_kwh"},
	{SUM_OF("active_energy_import_t4"), "t4_kwh"},
	{SUM_OF("active_energy_import_t5"), "t5_kwh"},
	{SUM_OF("active_energy_import_t6"), "t6_kwh"},
	{SUM_OF("active_energy_import_t7"), "t7_kwh"},
	{SUM_OF("active_energy_import_t8"), "t8_kwh"},
	{SUM_OF("active_energy_import"), "total_kwh"},
	{"min(coverage)", "coverage"},
};

static const struct table_column tariff_columns[] = {
	{"METER", false, 0}, {"T1 kWh", true, 0},    {"T2 kWh", true, 3},  {"T3 kWh", true, 4},
	{"T4 kWh", true, 5}, {"T5 kWh", true, 6},    {"T6 kWh", true, 7},  {"T7 kWh", true, 8},
	{"T8 kWh", true, 9}, {"TOTAL kWh", true, 2}, {"COVERED", true, 1},
};

struct form {
	const struct cell *cells;
	const struct table_column *columns;
	size_t n;
};

static bool is_midnight(int64_t t_s)
{
	char day[WHEN_TEXT_MAX];
	struct when w;

	when_format_day(t_s, day);
	return when_parse(day, &w) && w.start_s == t_s;
}

/* The first second of the day after that of t_s. */
static int64_t end_of_day(int64_t t_s)
{
	char day[WHEN_TEXT_MAX];
	struct when w = {0};

	when_format_day(t_s, day);
	return when_parse(day, &w) ? w.end_s : t_s;
}

/* Days from the first to the last, the last included; those of the change of clocks are an hour shorter or longer. */
static int64_t count_days(const struct report *r)
{
	struct when last = {0};

	return when_parse(r->last, &last) ? (last.end_s - r->start_s + DAY_S / 2) / DAY_S : 1;
}

/* Read a whole month or day, written like example. */
static bool read_whole_span(struct report *r, const char *option, const char *text, const char *example)
{
	if (strlen(text) != strlen(example)) {
		tally_misused(r->t, "%s %s is not valid; write it like %s", option, text, example);
		return false;
	}
	return tally_read_time(r->t, option, text, &r->start_s, &r->end_s);
}

static bool set_span(struct report *r)
{
	char now[WHEN_TEXT_MAX];

	r->now_s = mono_wall_ms() / 1000;
	if (r->from != NULL) {
		if (!tally_read_time(r->t, "--from", r->from, &r->start_s, NULL))
			return false;
		r->end_s = is_midnight(r->start_s) ? end_of_day(r->now_s) : r->now_s;
		if (r->to != NULL && !tally_read_time(r->t, "--to", r->to, NULL, &r->end_s))
			return false;
	} else if (r->day != NULL) {
		if (!read_whole_span(r, "--day", r->day, "2026-11-21"))
			return false;
	} else {
		when_format_month(r->now_s, now);
		if (!read_whole_span(r, "--month", r->month != NULL ? r->month : now, "2026-11"))
			return false;
	}
	if (r->start_s >= r->end_s) {
		tally_misused(r->t, "--from must be before --to, or before now");
		return false;
	}
	if (r->by_tariff && (!is_midnight(r->start_s) || !is_midnight(r->end_s))) {
		tally_misused(r->t, "tariffs are counted by day; use --from and --to without a time of day");
		return false;
	}
	return true;
}

/* The last interval that can have been written ended an interval ago. */
static void set_passed(struct report *r, int64_t interval_s)
{
	int64_t until_s = (r->now_s / interval_s - 1) * interval_s;

	r->passed = 1;
	if (r->now_s <= r->end_s && until_s > r->start_s)
		r->passed = (double)(until_s - r->start_s) / (double)(r->end_s - r->start_s);
}

/* Is the span one month? */
static bool is_month(const struct report *r)
{
	char month[WHEN_TEXT_MAX];
	struct when w;

	when_format_month(r->start_s, month);
	return when_parse(month, &w) && w.start_s == r->start_s && w.end_s == r->end_s;
}

/* Begin the statement for the span, and set first and last. Returns false when it cannot be run, with reader_error().
 */
static bool begin_statement(struct report *r, const struct form *f, struct reader *reader)
{
	bool by_days = is_midnight(r->start_s) && is_midnight(r->end_s);
	const char *source = is_month(r) ? from_month : by_days ? from_days : from_intervals;
	char sql[SQL_MAX];
	size_t n = (size_t)snprintf(sql, SQL_MAX, "SELECT ");

	for (size_t i = 0; i < f->n; i++)
		n += (size_t)snprintf(sql + n, SQL_MAX - n, "%s%s", i == 0 ? "" : ", ", f->cells[i].sql);
	n += (size_t)snprintf(sql + n, SQL_MAX - n, " FROM (%s) WHERE quantity %s LIKE '%%\\_t_' ESCAPE '\\' ", source,
			      r->by_tariff ? "= 'active_energy_import' OR quantity" : "NOT");
	n += (size_t)snprintf(sql + n, SQL_MAX - n, "GROUP BY meter");
	for (size_t i = 0; i < r->n_names; i++)
		n += (size_t)snprintf(sql + n, SQL_MAX - n, "%s?%zu", i == 0 ? " HAVING meter IN (" : ", ",
				      i + FIRST_NAME);
	snprintf(sql + n, SQL_MAX - n, "%s ORDER BY meter", r->n_names > 0 ? ")" : "");
	if (reader_ask(reader, sql) != 0)
		return false;
	when_format_day(r->end_s - 1, r->last);
	if (source == from_intervals) {
		reader_bind_whole(reader, 1, r->start_s);
		reader_bind_whole(reader, 2, r->end_s);
		reader_bind_whole(reader, 3, r->end_s - r->start_s);
		when_format(r->start_s, r->first);
		when_format(r->end_s, r->last);
	} else {
		if (source == from_month)
			when_format_month(r->start_s, r->first);
		else
			when_format_day(r->start_s, r->first);
		reader_bind_text(reader, 1, r->first);
		reader_bind_text(reader, 2, r->last);
		reader_bind_whole(reader, 3, count_days(r));
	}
	for (size_t i = 0; i < r->n_names; i++)
		reader_bind_text(reader, (int)i + FIRST_NAME, r->names[i]);
	return true;
}

static bool is_number(const struct reader *reader, size_t i)
{
	return reader_type(reader, (int)i) == READER_REAL || reader_type(reader, (int)i) == READER_WHOLE;
}

/* The share of the span that was measured, or of what has passed of it. Rounded down to thousandths: what is not whole
 * must not look whole. */
static double share_measured(const struct report *r, double coverage)
{
	return floor(fmin(coverage / r->passed, 1) * 1000 + 1e-9) / 1000;
}

/* Returns the number of rows, or -1 with reader_error(). */
static int print_csv(struct report *r, const struct form *f, const char *first, struct reader *reader)
{
	char number[TALLY_REAL_TEXT_MAX];
	enum reader_step step;
	int n_rows = 0;

	csv_put_text(&r->csv, "from");
	csv_put_text(&r->csv, "to");
	for (size_t i = 0; i < f->n; i++)
		csv_put_text(&r->csv, f->cells[i].csv_name);
	csv_end_row(&r->csv);
	for (; (step = reader_next(reader)) == READER_ROW; n_rows++) {
		csv_put_text(&r->csv, first);
		csv_put_text(&r->csv, r->last);
		for (size_t i = 0; i < f->n; i++) {
			double value = reader_real(reader, (int)i);

			if (!is_number(reader, i)) {
				csv_put_text(&r->csv, reader_text(reader, (int)i));
				continue;
			}
			/* Sums of values with three decimals have errors of binary fractions in their last digits. */
			tally_format_real(i == f->n - 1 ? share_measured(r, value) : round(value * 1000) / 1000,
					  number);
			csv_put_number(&r->csv, number);
		}
		csv_end_row(&r->csv);
	}
	return step == READER_FAILED ? -1 : n_rows;
}

/* "2026-10-24 to 2026-11-21, so far" */
static void put_span(const struct report *r, FILE *out)
{
	fprintf(out, "%s", r->first);
	if (strcmp(r->first, r->last) != 0 && strlen(r->first) != strlen("2026-11"))
		fprintf(out, " to %s", r->last);
	if (r->passed < 1)
		fprintf(out, ", so far");
}

/* Returns the number of rows, or -1 with reader_error() or "" when out of memory. */
static int print_table(const struct report *r, const struct form *f, struct reader *reader)
{
	struct table *table = table_new(f->columns, f->n);
	char texts[TABLE_COLUMNS_MAX][TALLY_REAL_TEXT_MAX];
	const char *cells[TABLE_COLUMNS_MAX];
	enum reader_step step = READER_FAILED;
	int n_rows = 0;

	for (; table != NULL && (step = reader_next(reader)) == READER_ROW; n_rows++) {
		double share = share_measured(r, reader_real(reader, (int)f->n - 1));

		for (size_t i = 0; i < f->n - 1; i++) {
			cells[i] = reader_text(reader, (int)i);
			if (is_number(reader, i)) {
				snprintf(texts[i], sizeof(texts[i]), "%.3f", reader_real(reader, (int)i));
				cells[i] = texts[i];
			}
		}
		snprintf(texts[f->n - 1], sizeof(texts[0]), "%.0f %%", floor(share * 100 + 1e-9));
		cells[f->n - 1] = texts[f->n - 1];
		if (table_add(table, cells, f->n - 1, share < 1 ? TABLE_YELLOW : TABLE_PLAIN) != 0)
			break;
	}
	if (step == READER_END && n_rows > 0) {
		put_span(r, stdout);
		printf("; time zone %s\n\n", r->zone);
		table_print(table, stdout, tally_terminal_width(stdout), tally_has_colours(stdout));
	}
	table_free(table);
	return step == READER_END ? n_rows : -1;
}

static int print_report(struct report *r, struct reader *reader)
{
	struct form f = {energy_cells, energy_columns, sizeof(energy_cells) / sizeof(energy_cells[0])};
	char day[WHEN_TEXT_MAX];
	int n_rows;

	if (r->by_tariff)
		f = (struct form){tariff_cells, tariff_columns, sizeof(tariff_cells) / sizeof(tariff_cells[0])};
	for (size_t i = 0; i < r->n_names; i++)
		if (!tally_is_known(reader, r->names[i]))
			return TALLY_BAD;
	if (!begin_statement(r, &f, reader)) {
		n_rows = -1;
	} else if (r->as_csv) {
		/* The first day of a month in place of the month. */
		when_format_day(r->start_s, day);
		n_rows = print_csv(r, &f, strlen(r->first) < strlen(day) ? day : r->first, reader);
	} else {
		n_rows = print_table(r, &f, reader);
	}
	if (n_rows < 0) {
		fprintf(stderr, "%s\n", *reader_error(reader) != '\0' ? reader_error(reader) : "out of memory");
	} else if (n_rows == 0) {
		put_span(r, stderr);
		fprintf(stderr, ": nothing was counted%s\n",
			r->now_s >= r->start_s && r->now_s <= r->end_s ? "; an interval is counted when it has ended"
								       : "");
	}
	return n_rows > 0 ? TALLY_GOOD : TALLY_BAD;
}

static bool read_options(struct report *r)
{
	static const struct option options[] = {
		{"month", required_argument, NULL, 'm'},   {"day", required_argument, NULL, 'd'},
		{"from", required_argument, NULL, 'f'},	   {"to", required_argument, NULL, 't'},
		{"meter", required_argument, NULL, 'n'},   {"tariffs", no_argument, NULL, 'r'},
		{"csv", no_argument, NULL, 'c'},	   {"delimiter", required_argument, NULL, 'l'},
		{"decimal", required_argument, NULL, 'p'}, {0}};
	bool good = true;
	int c;

	while (good && (c = tally_option(r->t, options)) != -1) {
		switch (c) {
		case 'm':
			r->month = optarg;
			break;
		case 'd':
			r->day = optarg;
			break;
		case 'f':
			r->from = optarg;
			break;
		case 't':
			r->to = optarg;
			break;
		case 'n':
			if (r->n_names == NAMES_MAX) {
				tally_misused(r->t, "too many --meter options, at most %d are possible", NAMES_MAX);
				return false;
			}
			r->names[r->n_names++] = optarg;
			break;
		case 'r':
			r->by_tariff = true;
			break;
		case 'c':
			r->as_csv = true;
			break;
		case 'l':
			good = tally_read_delimiter(r->t, optarg, &r->csv.delimiter);
			break;
		case 'p':
			good = tally_read_decimal(r->t, optarg, &r->csv.decimal);
			break;
		default:
			good = false;
		}
	}
	if (!good)
		return false;
	if (optind < r->t->argc) {
		tally_misused(r->t, "unexpected argument \"%s\"", r->t->argv[optind]);
		return false;
	}
	if ((r->month != NULL) + (r->day != NULL) + (r->from != NULL || r->to != NULL) > 1) {
		tally_misused(r->t, "use only one of --month, --day and --from with --to");
		return false;
	}
	if (r->to != NULL && r->from == NULL) {
		tally_misused(r->t, "--to needs --from");
		return false;
	}
	csv_complete(&r->csv);
	r->csv.out = stdout;
	return true;
}

int tally_report(const struct tally *t)
{
	struct report r = {.t = t};
	struct reader *reader;
	struct conf *conf;
	int code = TALLY_BAD;

	if (!read_options(&r))
		return TALLY_USAGE;
	conf = tally_load_main(t);
	if (conf == NULL)
		return TALLY_BAD;
	calendar_zone(conf->timezone);
	zone_describe(conf->timezone, conf->timezone_source, r.zone);
	if (!set_span(&r)) {
		conf_free(conf);
		return TALLY_USAGE;
	}
	set_passed(&r, conf->interval_s);
	reader = tally_open_database(conf);
	if (reader != NULL)
		code = print_report(&r, reader);
	reader_close(reader);
	conf_free(conf);
	return code;
}
