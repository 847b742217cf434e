/* SPDX-License-Identifier: MIT */
/* store_script - the daemon's store without its lines: configurations, readings and accidents of the process come from
 * a script on standard input, one command in a line. The wall clock is what the script says.
 *
 *   clock SECONDS           the wall clock, Unix seconds UTC
 *   back MS BACK_MS         the clock was set back by BACK_MS when it showed MS, Unix milliseconds
 *   create DIR              read the configuration of DIR, and make its database, with nothing in it
 *   start DIR               read the configuration of DIR, open its database and take up the account
 *   reload DIR              read the configuration of DIR, as after SIGHUP
 *   reading METER SLOT QUALITY DELAY_MS QUANTITY=VALUE...   good, late, suspect or unsynchronised
 *                           QUANTITY~=VALUE: of the coarser register
 *   serial METER TEXT       the meter has reported its serial number
 *   commit                  write what waits; also intervals that ended without a reading
 *   replace METER SECONDS FINAL INITIAL   what "tally replace --at" requests; base units or -
 *   rename OLD NEW          what "tally rename" requests
 *   rebuild                 make the account again from the readings
 *   stop                    close the store
 *   kill                    drop the store as it is, with everything that waits
 *   say TEXT                print the text
 *
 * A command that fails prints "failed LINE: COMMAND: REASON" and ends the program with 1. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_load.h"
#include "err.h"
#include "log.h"
#include "names.h"
#include "reading.h"
#include "store.h"

struct script {
	struct conf *conf;
	struct store *store;
	unsigned line;
	char dir[256];
};

static int64_t now_s;

/* The linker puts it in place of mono_wall_ms(). */
int64_t __wrap_mono_wall_ms(void);

int64_t __wrap_mono_wall_ms(void)
{
	return now_s * 1000;
}

static void fail(const struct script *s, const char *command, const char *reason)
{
	printf("failed %u: %s: %s\n", s->line, command, reason);
	fflush(stdout);
	exit(EXIT_FAILURE);
}

static const char *next_word(struct script *s, char **rest)
{
	const char *word = strsep(rest, " ");

	if (word == NULL || word[0] == '\0')
		fail(s, "script", "a word is missing");
	return word;
}

static int64_t next_number(struct script *s, char **rest)
{
	return strtoll(next_word(s, rest), NULL, 10);
}

static bool has_failed(struct err *e)
{
	bool failed = e->n_errors > 0;

	if (failed)
		err_print(e, stdout);
	err_fini(e);
	return failed;
}

static void start(struct script *s, bool is_configured)
{
	struct err e = {0};

	s->conf = conf_load(s->dir, &e);
	if (s->conf != NULL)
		s->store = store_open(s->conf, &e);
	if (s->store != NULL && is_configured)
		store_configure(s->store, s->conf, &e);
	if (has_failed(&e) || s->store == NULL)
		fail(s, "start", "see above");
}

static void reload(struct script *s)
{
	struct err e = {0};
	struct conf *conf = conf_load(s->dir, &e);

	if (conf != NULL)
		store_configure(s->store, conf, &e);
	if (has_failed(&e) || conf == NULL)
		fail(s, "reload", "see above");
	conf_free(s->conf);
	s->conf = conf;
}

static int64_t find_meter(struct script *s, const char *name)
{
	int64_t id = store_meter_id(s->store, name);

	if (id < 0)
		fail(s, "script", "no such meter");
	return id;
}

static void take_reading(struct script *s, char *rest)
{
	static const char *const qualities[] = {"good", "late", "suspect", "unsynchronised"};
	struct reading r = {.meter = find_meter(s, next_word(s, &rest))};
	const char *word;

	r.slot_s = next_number(s, &rest);
	word = next_word(s, &rest);
	for (int i = 0; i < 4; i++)
		if (strcmp(word, qualities[i]) == 0)
			r.quality = (enum reading_quality)i;
	r.delay_ms = (uint32_t)next_number(s, &rest);
	while ((word = strsep(&rest, " ")) != NULL) {
		char *value = strchr(word, '=');
		bool is_coarse;
		int q;

		if (value == NULL)
			fail(s, "reading", "a value is missing");
		*value = '\0';
		is_coarse = value > word && value[-1] == '~';
		if (is_coarse)
			value[-1] = '\0';
		q = names_find(word);
		if (q < 0)
			fail(s, "reading", "no such quantity");
		reading_set(&r, (enum quantity)q, strtoll(value + 1, NULL, 10));
		if (is_coarse)
			reading_set_coarse(&r, (enum quantity)q);
	}
	store_reading(s->store, &r);
}

static void commit(struct script *s)
{
	enum store_commit outcome;

	store_tick(s->store, now_s);
	outcome = store_commit(s->store);
	if (outcome != STORE_WRITTEN && outcome != STORE_NOTHING)
		fail(s, "commit", store_error(s->store));
}

/* A database of its own, as the tool has it, and a statement on it. */
static sqlite3_stmt *ask(struct script *s, sqlite3 **db, const char *sql)
{
	sqlite3_stmt *put = NULL;

	if (sqlite3_open_v2(s->conf->store_path, db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(*db, sql, -1, &put, NULL) != SQLITE_OK)
		fail(s, "request", sqlite3_errmsg(*db));
	return put;
}

static void end_asking(struct script *s, sqlite3 *db, sqlite3_stmt *put)
{
	if (sqlite3_step(put) != SQLITE_DONE)
		fail(s, "request", sqlite3_errmsg(db));
	sqlite3_finalize(put);
	sqlite3_close(db);
}

static void bind_amount(sqlite3_stmt *stmt, int column, const char *word)
{
	if (strcmp(word, "-") != 0)
		sqlite3_bind_int64(stmt, column, strtoll(word, NULL, 10));
}

static void replace(struct script *s, char *rest)
{
	sqlite3 *db;
	sqlite3_stmt *put = ask(s, &db,
				"INSERT INTO request_log (kind, what, meter, asked_ts, at_ts, final, initial, named) "
				"VALUES ('replace', 'replace', ?1, ?2, ?2, ?3, ?4, 1)");

	sqlite3_bind_text(put, 1, next_word(s, &rest), -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 2, next_number(s, &rest));
	bind_amount(put, 3, next_word(s, &rest));
	bind_amount(put, 4, next_word(s, &rest));
	end_asking(s, db, put);
}

static void rename_meter(struct script *s, char *rest)
{
	sqlite3 *db;
	sqlite3_stmt *put = ask(s, &db,
				"INSERT INTO request_log (kind, what, meter, new_name, asked_ts, at_ts) "
				"VALUES ('rename', 'rename', ?1, ?2, ?3, ?3)");

	sqlite3_bind_text(put, 1, next_word(s, &rest), -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 2, next_word(s, &rest), -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 3, now_s);
	end_asking(s, db, put);
}

static void stop(struct store *s)
{
	store_close(s);
}

static void end(struct script *s, void (*close)(struct store *))
{
	close(s->store);
	s->store = NULL;
	conf_free(s->conf);
	s->conf = NULL;
}

static void run(struct script *s, char *rest)
{
	const char *command = next_word(s, &rest);

	if (strcmp(command, "reading") == 0) {
		take_reading(s, rest);
	} else if (strcmp(command, "commit") == 0) {
		commit(s);
	} else if (strcmp(command, "clock") == 0) {
		now_s = next_number(s, &rest);
	} else if (strcmp(command, "back") == 0) {
		int64_t at_ms = next_number(s, &rest);

		store_clock_back(s->store, at_ms, next_number(s, &rest));
	} else if (strcmp(command, "create") == 0) {
		snprintf(s->dir, sizeof(s->dir), "%s", next_word(s, &rest));
		start(s, false);
		end(s, stop);
	} else if (strcmp(command, "start") == 0) {
		snprintf(s->dir, sizeof(s->dir), "%s", next_word(s, &rest));
		start(s, true);
	} else if (strcmp(command, "reload") == 0) {
		snprintf(s->dir, sizeof(s->dir), "%s", next_word(s, &rest));
		reload(s);
	} else if (strcmp(command, "serial") == 0) {
		int64_t meter = find_meter(s, next_word(s, &rest));

		store_meter_serial(s->store, meter, rest != NULL ? rest : "");
	} else if (strcmp(command, "replace") == 0) {
		replace(s, rest);
	} else if (strcmp(command, "rename") == 0) {
		rename_meter(s, rest);
	} else if (strcmp(command, "rebuild") == 0) {
		if (store_rebuild(s->store) != 0)
			fail(s, "rebuild", store_error(s->store));
	} else if (strcmp(command, "stop") == 0) {
		end(s, stop);
	} else if (strcmp(command, "kill") == 0) {
		end(s, store_abandon);
	} else if (strcmp(command, "say") == 0) {
		puts(rest);
		fflush(stdout);
	} else {
		fail(s, command, "no such command");
	}
}

int main(void)
{
	struct script s = {.line = 0};
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	log_set_level(LOG_LEVEL_WARNING);
	while ((n = getline(&line, &size, stdin)) > 0) {
		s.line++;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		run(&s, line);
	}
	free(line);
	if (s.store != NULL)
		end(&s, store_abandon);
	return EXIT_SUCCESS;
}
