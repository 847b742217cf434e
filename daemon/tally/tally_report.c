/* SPDX-License-Identifier: MIT */
/* The consumption of each meter in a span of time, as a table or as CSV. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "conf.h"
#include "csv.h"
#include "gas.h"
#include "mono.h"
#include "reader.h"
#include "span.h"
#include "table.h"
#include "tally.h"
#include "tally_ask.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"
#include "when.h"
#include "zone.h"

enum { NAMES_MAX = 256 };

struct report {
	const struct tally *t;
	const char *month, *day, *from, *to; /* as written, or NULL */
	int64_t now_s, start_s, end_s;
	double passed;					/* share of the span that lies behind us, 1 when it is over */
	char first[WHEN_TEXT_MAX], last[WHEN_TEXT_MAX]; /* month or days of the span */
	char zone[ZONE_TEXT_MAX];			/* that days begin in, and its source */
	bool by_tariff, as_csv, for_spreadsheet;
	struct csv csv;
	size_t n_names;
	const char *names[NAMES_MAX];
};

/* A column of the report: a quantity, or one of the others. */
struct cell {
	const char *csv_name, *quantity;
};

static const char meter[] = "(meter)", other[] = "(other)", other_unit[] = "(other unit)", coverage[] = "(coverage)",
		  estimated[] = "(estimated)", kind[] = "(kind)";

static const struct cell energy_csv[] = {
	{"meter", meter},
	{"active_import_kwh", "active_energy_import"},
	{"active_export_kwh", "active_energy_export"},
	{"reactive_import_kvarh", "reactive_energy_import"},
	{"reactive_export_kvarh", "reactive_energy_export"},
	{"apparent_kvah", "apparent_energy"},
	{"other", other},
	{"other_unit", other_unit},
	{"coverage", coverage},
	{"estimated", estimated},
	{"heat_kwh", "heat"},
	{"kind", kind},
};

/* The last but one is coloured. */
static const struct cell energy_cells[] = {
	{"", meter},
	{"", kind},
	{"", "active_energy_import"},
	{"", "active_energy_export"},
	{"", "reactive_energy_import"},
	{"", "reactive_energy_export"},
	{"", "apparent_energy"},
	{"", "heat"},
	{"", other},
	{"", other_unit},
	{"", coverage},
	{"", estimated},
};

static const struct table_column energy_columns[] = {
	{"METER", false, 0},	      {"KIND", false, 7},
	{"IMPORT kWh", true, 0},      {"EXPORT kWh", true, 3},
	{"REACTIVE+ kvarh", true, 4}, {"REACTIVE- kvarh", true, 5},
	{"APPARENT kVAh", true, 6},   {"HEAT kWh", true, 2},
	{"OTHER", true, 2},	      {"", false, 2},
	{"COVERED", true, 1},	      {"ESTIMATED", false, 1},
};

static const char *const energy_quantities[] = {
	"active_energy_import",
	"active_energy_export",
	"reactive_energy_import",
	"reactive_energy_export",
	"apparent_energy",
	"volume",
	"heat",
};

static const struct cell tariff_cells[] = {
	{"meter", meter},
	{"t1_kwh", "active_energy_import_t1"},
	{"t2_kwh", "active_energy_import_t2"},
	{"t3_kwh", "active_energy_import_t3"},
	{"t4_kwh", "active_energy_import_t4"},
	{"t5_kwh", "active_energy_import_t5"},
	{"t6_kwh", "active_energy_import_t6"},
	{"t7_kwh", "active_energy_import_t7"},
	{"t8_kwh", "active_energy_import_t8"},
	{"total_kwh", "active_energy_import"},
	{"coverage", coverage},
	{"estimated", estimated},
};

static const struct table_column tariff_columns[] = {
	{"METER", false, 0}, {"T1 kWh", true, 0},    {"T2 kWh", true, 3},  {"T3 kWh", true, 4},
	{"T4 kWh", true, 5}, {"T5 kWh", true, 6},    {"T6 kWh", true, 7},  {"T7 kWh", true, 8},
	{"T8 kWh", true, 9}, {"TOTAL kWh", true, 2}, {"COVERED", true, 1}, {"ESTIMATED", false, 1},
};

static const char *const tariff_quantities[] = {
	"active_energy_import_t1", "active_energy_import_t2", "active_energy_import_t3",
	"active_energy_import_t4", "active_energy_import_t5", "active_energy_import_t6",
	"active_energy_import_t7", "active_energy_import_t8", "active_energy_import",
};

struct form {
	const struct cell *cells, *csv;
	const struct table_column *columns;
	size_t n, n_csv;
	const char *const *quantities;
	size_t n_quantities;
};

/* One meter. */
struct row {
	const struct span_counter *counters;
	size_t n;
	enum row_kind { ELECTRICITY, HEAT, GAS, WATER, OTHER, N_KINDS } kind; /* the order of the report */
	struct span_counter burnt;					      /* heat of gas */
};

static const char *const row_kinds[N_KINDS] = {"electricity", "heat", "gas", "water", "other"};

struct rows {
	struct row *list;
	size_t n;
};

static bool is_midnight(int64_t t_s)
{
	char day[WHEN_TEXT_MAX];
	struct when w;

	when_format_day(t_s, day);
	return when_parse(day, &w) == WHEN_GOOD && w.start_s == t_s;
}

/* The first second of the day after that of t_s. */
static int64_t end_of_day(int64_t t_s)
{
	char day[WHEN_TEXT_MAX];
	struct when w = {0};

	when_format_day(t_s, day);
	return when_parse(day, &w) == WHEN_GOOD ? w.end_s : t_s;
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
	return when_parse(month, &w) == WHEN_GOOD && w.start_s == r->start_s && w.end_s == r->end_s;
}

/* How the span is written: a month, days or moments. */
static void name_span(struct report *r)
{
	if (is_month(r)) {
		when_format_month(r->start_s, r->first);
		when_format_day(r->end_s - 1, r->last);
	} else if (is_midnight(r->start_s) && is_midnight(r->end_s)) {
		when_format_day(r->start_s, r->first);
		when_format_day(r->end_s - 1, r->last);
	} else {
		when_format(r->start_s, r->first);
		when_format(r->end_s, r->last);
	}
}

static enum row_kind find_kind(const char *text)
{
	for (int k = 0; k < N_KINDS; k++)
		if (strcmp(row_kinds[k], text) == 0)
			return (enum row_kind)k;
	return OTHER;
}

/* Kinds stand together, and in each the meters by name. */
static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	return a->kind != b->kind ? (int)a->kind - (int)b->kind : strcmp(a->counters->meter, b->counters->meter);
}

/* The heat of a meter that counts gas. */
static int read_burnt(const struct report *r, struct reader *reader, const struct gas *g, struct row *row)
{
	row->burnt =
		(struct span_counter){.meter = row->counters->meter, .quantity = "heat", .unit = "kWh", .per = 1000};
	return gas_heat(g, reader, row->counters->meter, r->start_s, r->end_s, &row->burnt.has_amount,
			&row->burnt.amount);
}

static int read_kinds(struct reader *reader, struct rows *rows)
{
	enum reader_step step;

	if (reader_ask(reader, "SELECT meter, kind FROM meter_kind") != 0)
		return -EIO;
	while ((step = reader_next(reader)) == READER_ROW)
		for (size_t i = 0; i < rows->n; i++)
			if (strcmp(rows->list[i].counters->meter, reader_text(reader, 0)) == 0)
				rows->list[i].kind = find_kind(reader_text(reader, 1));
	return step == READER_END ? 0 : -EIO;
}

/* The meters with consumption. 0, -ENOMEM, or -EIO with reader_error(). */
static int make_rows(const struct report *r, struct reader *reader, const struct span *s, struct rows *rows)
{
	struct gas gas = {.n = 0};
	size_t next = 0;
	int rc;

	rows->list = calloc(s->n + 1, sizeof(*rows->list));
	if (rows->list == NULL)
		return -ENOMEM;
	while (next < s->n) {
		struct row row = {.counters = &s->counters[next]};
		bool has_amount = false;

		for (; next < s->n && strcmp(s->counters[next].meter, row.counters->meter) == 0; next++) {
			has_amount |= s->counters[next].has_amount;
			row.n++;
		}
		if (has_amount)
			rows->list[rows->n++] = row;
	}
	rc = read_kinds(reader, rows);
	if (rc == 0)
		rc = gas_read(&gas, reader);
	for (size_t i = 0; i < rows->n && rc == 0; i++)
		rc = read_burnt(r, reader, &gas, &rows->list[i]);
	gas_free(&gas);
	qsort(rows->list, rows->n, sizeof(*rows->list), compare_rows);
	return rc;
}

/* The share of the span that was measured, or of what has passed of it: that of the counter that was measured least.
 * Rounded down to thousandths: what is not whole must not look whole. */
static double share_measured(const struct report *r, const struct row *row)
{
	double least = 1;

	for (size_t i = 0; i < row->n; i++)
		if (row->counters[i].has_amount)
			least = fmin(least, row->counters[i].measured_s / (double)(r->end_s - r->start_s) / r->passed);
	return floor(least * 1000 + 1e-9) / 1000;
}

/* The counter of a cell; NULL = nothing was counted, or it is none of a counter. */
static const struct span_counter *find_counter(const struct row *row, const struct cell *cell)
{
	const char *quantity = cell->quantity == other || cell->quantity == other_unit ? "volume" : cell->quantity;

	for (size_t i = 0; i < row->n; i++)
		if (row->counters[i].has_amount && strcmp(row->counters[i].quantity, quantity) == 0)
			return &row->counters[i];
	return row->burnt.has_amount && strcmp(row->burnt.quantity, quantity) == 0 ? &row->burnt : NULL;
}

/* At which ends of the span no readings say what was counted. */
static const char *name_estimated(const struct row *row)
{
	bool is_from = false, is_until = false;

	for (size_t i = 0; i < row->n; i++) {
		is_from |= row->counters[i].is_from_estimated;
		is_until |= row->counters[i].is_until_estimated;
	}
	if (is_from)
		return is_until ? "start, end" : "start";
	return is_until ? "end" : "";
}

static double value_of(const struct span_counter *c)
{
	return (double)c->amount / (double)c->per;
}

/* Returns the number of rows. */
static int print_csv(struct report *r, const struct form *f, const char *first, const struct rows *rows)
{
	char number[TALLY_REAL_TEXT_MAX];

	if (r->for_spreadsheet)
		csv_begin_spreadsheet(&r->csv);
	csv_put_text(&r->csv, "from");
	csv_put_text(&r->csv, "to");
	for (size_t i = 0; i < f->n_csv; i++)
		csv_put_text(&r->csv, f->csv[i].csv_name);
	csv_end_row(&r->csv);
	for (const struct row *row = rows->list; row < rows->list + rows->n; row++) {
		csv_put_text(&r->csv, first);
		csv_put_text(&r->csv, r->last);
		for (size_t i = 0; i < f->n_csv; i++) {
			const struct cell *cell = &f->csv[i];
			const struct span_counter *c = find_counter(row, cell);

			if (cell->quantity == meter) {
				csv_put_text(&r->csv, row->counters->meter);
			} else if (cell->quantity == kind) {
				csv_put_text(&r->csv, row_kinds[row->kind]);
			} else if (cell->quantity == estimated) {
				csv_put_text(&r->csv, name_estimated(row));
			} else if (cell->quantity == coverage) {
				tally_format_real(share_measured(r, row), number);
				csv_put_number(&r->csv, number);
			} else if (c == NULL || cell->quantity == other_unit) {
				csv_put_text(&r->csv, c != NULL ? c->unit : "");
			} else {
				tally_format_real(round(value_of(c) * 1000) / 1000, number);
				csv_put_number(&r->csv, number);
			}
		}
		csv_end_row(&r->csv);
	}
	return (int)rows->n;
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

/* 0 or -ENOMEM. */
static int add_table_row(const struct report *r, const struct form *f, const struct row *row, struct table *table)
{
	char texts[TABLE_COLUMNS_MAX][TALLY_REAL_TEXT_MAX];
	const char *cells[TABLE_COLUMNS_MAX];
	double share = share_measured(r, row);

	for (size_t i = 0; i < f->n; i++) {
		const struct cell *cell = &f->cells[i];
		const struct span_counter *c = find_counter(row, cell);

		cells[i] = texts[i];
		texts[i][0] = '\0';
		if (cell->quantity == meter)
			cells[i] = row->counters->meter;
		else if (cell->quantity == kind)
			cells[i] = row->kind != ELECTRICITY && row->kind != OTHER ? row_kinds[row->kind] : "";
		else if (cell->quantity == estimated)
			cells[i] = name_estimated(row);
		else if (cell->quantity == coverage)
			snprintf(texts[i], sizeof(texts[i]), "%.0f %%", floor(share * 100 + 1e-9));
		else if (cell->quantity == other_unit)
			cells[i] = c != NULL ? c->unit : "";
		else if (c != NULL)
			snprintf(texts[i], sizeof(texts[i]), "%.3f", value_of(c));
	}
	return table_add(table, cells, f->n - 2, share < 1 ? TABLE_YELLOW : TABLE_PLAIN);
}

/* Returns the number of rows, or -1 when out of memory. */
static int print_table(const struct report *r, const struct form *f, const struct rows *rows)
{
	struct table *table = table_new(f->columns, f->n);
	int n_rows = table != NULL ? 0 : -1;

	for (size_t i = 0; i < rows->n && n_rows >= 0; i++)
		n_rows = add_table_row(r, f, &rows->list[i], table) == 0 ? n_rows + 1 : -1;
	if (n_rows > 0) {
		put_span(r, stdout);
		printf("; time zone %s\n\n", r->zone);
		table_print(table, stdout, tally_terminal_width(stdout), tally_has_colours(stdout));
	}
	table_free(table);
	return n_rows;
}

static int print_report(struct report *r, struct reader *reader)
{
	struct form f = {.cells = energy_cells,
			 .n = sizeof(energy_cells) / sizeof(energy_cells[0]),
			 .csv = energy_csv,
			 .n_csv = sizeof(energy_csv) / sizeof(energy_csv[0]),
			 .columns = energy_columns,
			 .quantities = energy_quantities,
			 .n_quantities = sizeof(energy_quantities) / sizeof(energy_quantities[0])};
	struct span_question question = {
		.from_s = r->start_s, .until_s = r->end_s, .n_meters = r->n_names, .meters = r->names};
	struct span span = {.n = 0};
	struct rows rows = {.n = 0};
	char day[WHEN_TEXT_MAX];
	int n_rows = -1, rc;

	if (r->by_tariff)
		f = (struct form){.cells = tariff_cells,
				  .n = sizeof(tariff_cells) / sizeof(tariff_cells[0]),
				  .csv = tariff_cells,
				  .n_csv = sizeof(tariff_cells) / sizeof(tariff_cells[0]),
				  .columns = tariff_columns,
				  .quantities = tariff_quantities,
				  .n_quantities = sizeof(tariff_quantities) / sizeof(tariff_quantities[0])};
	question.quantities = f.quantities;
	question.n_quantities = f.n_quantities;
	for (size_t i = 0; i < r->n_names; i++)
		if (!tally_is_known(reader, r->names[i]))
			return TALLY_BAD;
	name_span(r);
	rc = span_read(&span, reader, &question);
	if (rc == 0)
		rc = make_rows(r, reader, &span, &rows);
	if (rc == 0 && r->as_csv) {
		/* The first day of a month in place of the month. */
		when_format_day(r->start_s, day);
		n_rows = print_csv(r, &f, strlen(r->first) < strlen(day) ? day : r->first, &rows);
	} else if (rc == 0) {
		n_rows = print_table(r, &f, &rows);
	}
	if (n_rows < 0) {
		fprintf(stderr, "%s\n", rc == -EIO ? reader_error(reader) : "out of memory");
	} else if (n_rows == 0) {
		put_span(r, stderr);
		fprintf(stderr, ": nothing was counted%s\n",
			r->now_s >= r->start_s && r->now_s <= r->end_s ? "; an interval is counted when it has ended"
								       : "");
	}
	free(rows.list);
	span_free(&span);
	return n_rows > 0 ? TALLY_GOOD : TALLY_BAD;
}

static bool read_options(struct report *r)
{
	static const struct option options[] = {{"month", required_argument, NULL, 'm'},
						{"day", required_argument, NULL, 'd'},
						{"from", required_argument, NULL, 'f'},
						{"to", required_argument, NULL, 't'},
						{"meter", required_argument, NULL, 'n'},
						{"tariffs", no_argument, NULL, 'r'},
						{"csv", no_argument, NULL, 'c'},
						{"delimiter", required_argument, NULL, 'l'},
						{"decimal", required_argument, NULL, 'p'},
						{"excel", no_argument, NULL, 'x'},
						{0}};
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
		case 'x':
			r->for_spreadsheet = r->as_csv = true;
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
	if (!r->as_csv && (r->csv.delimiter != '\0' || r->csv.decimal != '\0')) {
		tally_misused(r->t, "--delimiter and --decimal are for CSV; add --csv");
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
