/* SPDX-License-Identifier: MIT */
/* Show the buses and meters as the daemon last wrote them, and below why one is not up; or the same as JSON. The exit
 * code is what a monitor wants to know: all is up, and the daemon is alive. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "json.h"
#include "mono.h"
#include "reader.h"
#include "table.h"
#include "tally.h"
#include "tally_load.h"
#include "tally_option.h"
#include "tally_text.h"
#include "zone.h"

/* A daemon that cannot write shows that by a lock (dbformat.h). Figures are written every five minutes, whatever the
 * periods of the meters: when a running daemon has not written the database for longer than this and the time between
 * commits, it is stuck or cannot write. */
enum { STALE_AFTER_MS = 600000 };

static const char bus_sql[] = "SELECT * FROM bus_status ORDER BY bus";
static const char meter_sql[] = "SELECT * FROM meter_report ORDER BY bus, address, meter";

struct status {
	const struct conf *conf;
	struct reader *reader;
	int64_t age_s; /* of the database's last change */
	bool is_running, is_stopped, is_stale;
	unsigned n_meters, n_meters_bad, n_buses_bad;
};

static bool is_up(const char *state)
{
	return strcmp(state, "down") != 0 && strcmp(state, "never") != 0;
}

static enum table_colour colour_of(const char *state)
{
	if (strcmp(state, "up") == 0)
		return TABLE_GREEN;
	return is_up(state) ? TABLE_YELLOW : TABLE_RED;
}

/* The column of this name in the row at hand. */
static const char *text_of(const struct reader *r, const char *column)
{
	for (int i = 0; i < reader_n_columns(r); i++)
		if (strcmp(reader_column(r, i), column) == 0)
			return reader_text(r, i);
	return "";
}

static int64_t whole_of(const struct reader *r, const char *column)
{
	return strtoll(text_of(r, column), NULL, 10);
}

/* Not up, or not the meter that it should be. */
static bool is_bad(const struct reader *r)
{
	return !is_up(text_of(r, "state")) || *text_of(r, "mismatch") != '\0';
}

static int add_bus(struct status *s, struct table *t)
{
	const struct reader *r = s->reader;
	const char *state = text_of(r, "state");
	char busy[32], round[TALLY_SPAN_TEXT_MAX] = "";

	s->n_buses_bad += is_bad(r);
	snprintf(busy, sizeof(busy), "%.0f %%", strtod(text_of(r, "busy_percent"), NULL));
	if (whole_of(r, "round_ms") > 0)
		tally_format_span(whole_of(r, "round_ms"), round);
	return table_add(t,
			 (const char *const[]){text_of(r, "bus"), text_of(r, "transport"), state, busy,
					       text_of(r, "requests"), text_of(r, "errors"), text_of(r, "overruns"),
					       round},
			 2, colour_of(state));
}

static int add_meter(struct status *s, struct table *t)
{
	const struct reader *r = s->reader;
	const char *state = text_of(r, "state");
	char age[TALLY_SPAN_TEXT_MAX] = "never", errors[32], latency[32] = "";
	int64_t n_errors = whole_of(r, "timeouts") + whole_of(r, "crc_errors") + whole_of(r, "exceptions");

	s->n_meters++;
	s->n_meters_bad += is_bad(r);
	if (*text_of(r, "last_good") != '\0' && whole_of(r, "age_s") > 0)
		tally_format_seconds(whole_of(r, "age_s"), age);
	else if (*text_of(r, "last_good") != '\0')
		snprintf(age, sizeof(age), "now"); /* ages are whole seconds */
	snprintf(errors, sizeof(errors), "%" PRId64, n_errors);
	if (*text_of(r, "latency_ms") != '\0')
		snprintf(latency, sizeof(latency), "%.0f ms", strtod(text_of(r, "latency_ms"), NULL));
	return table_add(t,
			 (const char *const[]){text_of(r, "meter"), text_of(r, "bus"), text_of(r, "model"),
					       text_of(r, "address"), state, age, errors, latency, text_of(r, "serial"),
					       text_of(r, "label")},
			 4, colour_of(state));
}

/* One table; add makes a row of it from the row of the database. Returns false with the reason on standard error. */
static bool print_table(struct status *s, const char *sql, const struct table_column *columns, size_t n,
			int (*add)(struct status *s, struct table *t))
{
	struct table *t = table_new(columns, n);
	enum reader_step step = READER_FAILED;
	int rc = t != NULL ? 0 : -ENOMEM;

	reader_ask(s->reader, sql);
	while (rc == 0 && (step = reader_next(s->reader)) == READER_ROW)
		rc = add(s, t);
	if (rc == 0 && step == READER_END)
		table_print(t, stdout, tally_terminal_width(stdout), tally_has_colours(stdout));
	else
		fprintf(stderr, "%s\n", rc != 0 ? "out of memory" : reader_error(s->reader));
	table_free(t);
	return rc == 0 && step == READER_END;
}

/* Below the tables, why buses and meters are not up, why readings do not count, and what goes wrong with more than one
 * request of a hundred. Returns false with the reason on standard error. */
static bool print_notes(struct status *s)
{
	/* Two meters that answer at once garble each other, and nobody else's answers. */
	static const char sql[] =
		"WITH doubled AS (SELECT meter FROM meter_report m WHERE crc_errors > 1 AND crc_errors * 2 > failures "
		"AND crc_errors > (SELECT total(crc_errors) FROM meter_report o WHERE o.bus = m.bus AND o.meter <> "
		"m.meter)) "
		"SELECT who, text || CASE WHEN who IN doubled THEN '; garbled answers: two meters with one address?' "
		"ELSE '' END FROM ("
		"SELECT CASE kind WHEN 'bus-down' THEN 'bus ' ELSE '' END || subject AS who, "
		"CASE kind WHEN 'bus-down' THEN coalesce(detail, 'not open yet') "
		"WHEN 'meter-down' THEN coalesce(detail, 'no answer yet') "
		"WHEN 'mismatch' THEN 'not a ' || (SELECT model FROM meter_status WHERE meter = subject) || ': ' || "
		"detail || '; its readings are kept as suspect' "
		"WHEN 'register-refused' THEN 'refuses ' || detail || ', which it has answered; asked again until it "
		"answers' "
		"ELSE coalesce(detail, 'its readings are suspect') END AS text, kind <> 'bus-down' AS place FROM "
		"trouble "
		"UNION ALL SELECT meter, failures || ' of ' || requests || ' requests failed: ' || faults, 1 "
		"FROM meter_report WHERE state NOT IN ('down', 'never') AND failures * 100 > requests) "
		"ORDER BY place, who";
	bool is_first = true;
	enum reader_step step;

	reader_ask(s->reader, sql);
	while ((step = reader_next(s->reader)) == READER_ROW) {
		printf("%s%s: %s\n", is_first ? "\n" : "", reader_text(s->reader, 0), reader_text(s->reader, 1));
		is_first = false;
	}
	if (step == READER_FAILED)
		fprintf(stderr, "%s\n", reader_error(s->reader));
	return step == READER_END;
}

/* Just after a start nothing is known of lines and meters: the database has their names at most. Returns
 * whether that was so and was printed. */
static bool print_beginning(const struct status *s)
{
	static const char sql[] =
		"SELECT count(*) FILTER (WHERE state <> 'down' OR requests > 0) + "
		"(SELECT count(*) FROM meter_status WHERE state <> 'never') + "
		"(SELECT count(*) FROM trouble WHERE kind = 'bus-down' AND detail IS NOT NULL) AS n_known "
		"FROM bus_status";
	int64_t left_s = s->conf->commit_interval_ms / 1000 - s->age_s;
	char left[TALLY_SPAN_TEXT_MAX];

	if (!s->is_running || s->is_stale)
		return false;
	reader_ask(s->reader, sql);
	if (reader_next(s->reader) != READER_ROW || whole_of(s->reader, "n_known") > 0)
		return false;
	tally_format_seconds(left_s, left);
	printf("no figures yet, first commit %s%s\n", left_s > 0 ? "in " : "now", left_s > 0 ? left : "");
	return true;
}

static bool print_text(struct status *s)
{
	static const struct table_column bus_columns[] = {
		{"BUS", false, 0},     {"TRANSPORT", false, 4}, {"STATE", false, 0},   {"BUSY", true, 1},
		{"REQUESTS", true, 6}, {"ERRORS", true, 2},	{"OVERRUNS", true, 5}, {"ROUND", true, 3}};
	static const struct table_column meter_columns[] = {
		{"METER", false, 0},  {"BUS", false, 4},      {"MODEL", false, 6}, {"ADDRESS", true, 5},
		{"STATE", false, 0},  {"LAST GOOD", true, 1}, {"ERRORS", true, 2}, {"LATENCY", true, 3},
		{"SERIAL", false, 8}, {"LABEL", false, 7}};
	char age[TALLY_SPAN_TEXT_MAX], zone[ZONE_TEXT_MAX];

	tally_format_seconds(s->age_s, age);
	if (!s->is_running)
		fprintf(stderr,
			"%s: tallyd is not running; this is the state of %s ago; see \"systemctl status tallyd\"\n",
			s->conf->store_path, age);
	else if (s->is_stopped)
		fprintf(stderr,
			"%s: tallyd is running but cannot write; this is the state of %s ago; see \"journalctl -u "
			"tallyd\"\n",
			s->conf->store_path, age);
	else if (s->is_stale)
		fprintf(stderr,
			"%s: tallyd is running but has written nothing for %s; this is the state of then; see "
			"\"journalctl -u tallyd\"\n",
			s->conf->store_path, age);
	zone_describe(s->conf->timezone, s->conf->timezone_source, zone);
	printf("time zone %s\n\n", zone);
	if (print_beginning(s))
		return true;
	if (!print_table(s, bus_sql, bus_columns, sizeof(bus_columns) / sizeof(bus_columns[0]), add_bus))
		return false;
	printf("\n");
	return print_table(s, meter_sql, meter_columns, sizeof(meter_columns) / sizeof(meter_columns[0]), add_meter) &&
	       print_notes(s);
}

static bool is_good(const struct status *s)
{
	return s->is_running && !s->is_stopped && !s->is_stale && s->n_meters > 0 && s->n_meters_bad == 0 &&
	       s->n_buses_bad == 0;
}

static void put_json_value(const struct reader *r, int i)
{
	char number[TALLY_REAL_TEXT_MAX];

	switch (reader_type(r, i)) {
	case READER_NULL:
		printf("null");
		break;
	case READER_TEXT:
		json_put_text(stdout, reader_text(r, i));
		break;
	case READER_REAL:
		tally_format_real(reader_real(r, i), number);
		printf("%s", number);
		break;
	default:
		printf("%s", reader_text(r, i));
	}
}

/* One view as an array of objects whose keys are the columns. Returns false with the reason on standard error. */
static bool put_json_rows(struct status *s, const char *name, const char *sql, unsigned *n_rows, unsigned *n_bad)
{
	const struct reader *r = s->reader;
	enum reader_step step;

	reader_ask(s->reader, sql);
	printf("  \"%s\": [", name);
	for (*n_rows = 0; (step = reader_next(s->reader)) == READER_ROW; *n_rows += 1) {
		printf("%s\n    {", *n_rows == 0 ? "" : ",");
		for (int i = 0; i < reader_n_columns(r); i++) {
			printf("%s\"%s\": ", i == 0 ? "" : ", ", reader_column(r, i));
			put_json_value(r, i);
		}
		printf("}");
		*n_bad += is_bad(r);
	}
	printf("\n  ]");
	if (step == READER_FAILED)
		fprintf(stderr, "%s\n", reader_error(s->reader));
	return step == READER_END;
}

static bool print_json(struct status *s)
{
	unsigned n_buses;
	bool is_whole;

	printf("{\n  \"database\": ");
	json_put_text(stdout, s->conf->store_path);
	printf(",\n  \"written_s_ago\": %" PRId64 ",\n  \"running\": %s,\n  \"stopped\": %s,\n", s->age_s,
	       s->is_running ? "true" : "false", s->is_stopped ? "true" : "false");
	is_whole = put_json_rows(s, "buses", bus_sql, &n_buses, &s->n_buses_bad);
	printf(",\n");
	if (is_whole)
		is_whole = put_json_rows(s, "meters", meter_sql, &s->n_meters, &s->n_meters_bad);
	printf(",\n  \"good\": %s,\n  \"timezone\": ", is_whole && is_good(s) ? "true" : "false");
	json_put_text(stdout, s->conf->timezone);
	printf(",\n  \"timezone_source\": ");
	json_put_text(stdout, zone_source_text(s->conf->timezone_source));
	printf("\n}\n");
	return is_whole;
}

static int show_status(const struct conf *conf, bool as_json)
{
	struct status s = {.conf = conf};
	bool is_whole;

	s.reader = tally_open_database(conf);
	if (s.reader == NULL)
		return TALLY_BAD;
	s.age_s = mono_wall_ms() / 1000 - reader_written_s(s.reader);
	if (s.age_s < 0)
		s.age_s = 0; /* the clock has gone back since */
	s.is_running = reader_has_writer(s.reader);
	s.is_stopped = reader_is_stopped(s.reader);
	s.is_stale = s.age_s * 1000 > STALE_AFTER_MS + (int64_t)conf->commit_interval_ms;
	is_whole = as_json ? print_json(&s) : print_text(&s);
	reader_close(s.reader);
	return is_whole && is_good(&s) ? TALLY_GOOD : TALLY_BAD;
}

int tally_status(const struct tally *t)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	bool as_json = false;
	struct conf *conf;
	int c, code;

	while ((c = tally_option(t, options)) != -1) {
		if (c != 'j')
			return TALLY_USAGE;
		as_json = true;
	}
	if (optind < t->argc)
		return tally_misused(t, "unexpected argument \"%s\"", t->argv[optind]);
	conf = tally_load_main(t);
	if (conf == NULL)
		return TALLY_BAD;
	code = show_status(conf, as_json);
	conf_free(conf);
	return code;
}
