/* SPDX-License-Identifier: MIT */
#include "ledger_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nobody asks for the days before this. */
static int64_t first_s(const struct ledger_book *b)
{
	int64_t first = db_number(b->db, "SELECT min(ts) FROM interval_start", INT64_MAX);
	char sql[80];

	if (first == 0) /* there is none */
		first = INT64_MAX;
	for (size_t k = 0; k < b->tables->n_kinds; k++) {
		int64_t slot_s;

		if (!b->tables->kinds[k].has_counters)
			continue;
		snprintf(sql, sizeof(sql), "SELECT min(id) FROM reading_%s", b->tables->kinds[k].name);
		slot_s = db_number(b->db, sql, 0) >> DB_SLOT_BITS;
		if (slot_s > 0 && slot_s < first)
			first = slot_s;
	}
	return first;
}

int ledger_settings_change_calendar(const struct ledger_settings *s, int64_t interval_s, int64_t from_s,
				    struct calendar *out)
{
	return calendar_change(&s->book->calendar, first_s(s->book), from_s, interval_s, out);
}

void ledger_settings_set_calendar(const struct ledger_settings *s, const char *zone, struct calendar *calendar)
{
	ledger_book_set_calendar(s->book, zone, calendar);
	ledger_intervals_forget(s->intervals);
	ledger_registers_forget(s->registers);
}

int ledger_settings_load_calendar(const struct ledger_settings *s, const char *zone, int64_t interval_s)
{
	struct ledger_book *b = s->book;
	sqlite3_stmt *get = db_prepare(b->db, "SELECT timezone, interval_s, from_ts FROM account_setting ORDER BY id");
	int64_t begin_s = first_s(b);
	struct calendar calendar;
	bool is_first = true;
	int rc = get == NULL ? -EIO : 0;

	while (rc == 0 && db_next(b->db, get)) {
		const char *zone_then = (const char *)sqlite3_column_text(get, 0);
		int64_t interval_then_s = sqlite3_column_int64(get, 1);

		if (is_first)
			calendar_init(&calendar, interval_then_s);
		else if (interval_then_s == b->calendar.interval_s && strcmp(zone_then, b->zone) == 0)
			continue;
		else
			rc = calendar_change(&b->calendar, begin_s, sqlite3_column_int64(get, 2), interval_then_s,
					     &calendar);
		if (rc == 0)
			ledger_settings_set_calendar(s, zone_then, &calendar);
		is_first = false;
	}
	sqlite3_finalize(get);
	if (rc == 0 && is_first) {
		calendar_init(&calendar, interval_s);
		ledger_settings_set_calendar(s, zone, &calendar);
	}
	return rc == 0 ? db_asked(b->db) : rc;
}

int64_t ledger_settings_newest_s(const struct ledger_settings *s)
{
	const struct ledger_book *b = s->book;
	int64_t newest_s = INT64_MIN;

	for (size_t i = 0; i < b->n; i++) {
		int64_t last_s = b->meters[i].account.last_s;

		if (last_s > newest_s && last_s != 0 &&
		    (b->account.counted_s == 0 || last_s <= b->account.counted_s + ACCOUNT_BACK_S))
			newest_s = last_s;
	}
	return newest_s;
}

/* Slot of the newest reading of a meter that has counters; 0 = none. */
static int64_t newest_slot_s(const struct ledger_book *b, size_t i)
{
	int64_t newest = 0;

	for (size_t k = 0; k < b->tables->n_kinds && i < b->tables->n_newest; k++)
		if (b->tables->kinds[k].has_counters && b->tables->newest[i].id[k] > newest)
			newest = b->tables->newest[i].id[k];
	return newest >> DB_SLOT_BITS;
}

static bool is_read(const struct ledger_book *b, size_t i)
{
	return b->reg->list[i].configured && !b->reg->list[i].is_input;
}

bool ledger_settings_are_noted(const struct ledger_settings *s, const char *zone, int64_t interval_s)
{
	const struct ledger_book *b = s->book;
	sqlite3_stmt *get = db_prepare(b->db, "SELECT timezone = ?1 AND interval_s = ?2 FROM account_setting "
					      "ORDER BY id DESC LIMIT 1");
	sqlite3_stmt *get_every = db_prepare(b->db, "SELECT every_s FROM account_setting_meter WHERE meter = ?1 AND "
						    "setting = (SELECT max(id) FROM account_setting)");
	bool same = get != NULL && get_every != NULL;

	if (same) {
		sqlite3_bind_text(get, 1, zone, -1, SQLITE_STATIC);
		sqlite3_bind_int64(get, 2, interval_s);
		same = db_next(b->db, get) && sqlite3_column_int(get, 0) != 0;
	}
	for (size_t i = 0; i < b->n && same; i++) {
		if (!is_read(b, i))
			continue;
		sqlite3_bind_int64(get_every, 1, b->reg->list[i].id);
		same = db_next(b->db, get_every) && sqlite3_column_int64(get_every, 0) == b->meters[i].account.every_s;
		sqlite3_reset(get_every);
	}
	sqlite3_finalize(get);
	sqlite3_finalize(get_every);
	return same;
}

/* Counting again from an earlier state would take all gaps for those of the last period. */
static int forget_states(const struct ledger_book *b)
{
	static const char others[] =
		"meter IN (SELECT meter FROM account_setting_meter GROUP BY meter "
		"HAVING max(setting) = (SELECT max(id) FROM account_setting) AND every_s <> "
		"(SELECT o.every_s FROM account_setting_meter o WHERE o.meter = account_setting_meter.meter "
		"AND o.setting < (SELECT max(id) FROM account_setting) ORDER BY o.setting DESC LIMIT 1))";
	char sql[1000];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM account WHERE before <> 0 AND %s; DELETE FROM account_counter WHERE before <> 0 AND %s",
		 others, others);
	return db_exec(b->db, sql);
}

int ledger_settings_note(const struct ledger_settings *s, const char *zone, int64_t interval_s, int64_t from_s)
{
	struct ledger_book *b = s->book;
	sqlite3_stmt *put = db_prepare(
		b->db,
		"INSERT INTO account_setting (at_ts, request, interval_s, timezone, from_ts) VALUES (unixepoch(), "
		"ifnull((SELECT max(id) FROM request_log WHERE state <> 'waiting'), 0), ?, ?, ?)");
	/* REPLACE: a damaged row may have had the number of an earlier setting */
	sqlite3_stmt *put_meter =
		db_prepare(b->db, "REPLACE INTO account_setting_meter (setting, meter, after_ts, every_s) "
				  "VALUES ((SELECT max(id) FROM account_setting), ?, ?, ?)");
	int rc = put == NULL || put_meter == NULL ? -EIO : 0;

	if (rc == 0) {
		sqlite3_bind_int64(put, 1, interval_s);
		sqlite3_bind_text(put, 2, zone, -1, SQLITE_STATIC);
		sqlite3_bind_int64(put, 3, from_s);
		rc = db_run(b->db, put);
	}
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		sqlite3_bind_int64(put_meter, 1, b->reg->list[i].id);
		sqlite3_bind_int64(put_meter, 2, newest_slot_s(b, i));
		sqlite3_bind_int64(put_meter, 3, b->meters[i].account.every_s);
		rc = db_run(b->db, put_meter);
	}
	if (rc == 0)
		rc = forget_states(b);
	sqlite3_finalize(put);
	sqlite3_finalize(put_meter);
	return rc;
}

int ledger_settings_load(const struct ledger_settings *s, struct ledger_settings_list *list)
{
	struct ledger_book *b = s->book;
	size_t n_rows = (size_t)db_number(b->db, "SELECT count(*) FROM account_setting", 0);
	sqlite3_stmt *get = db_prepare(b->db, "SELECT id, request FROM account_setting ORDER BY id");
	sqlite3_stmt *get_place = db_prepare(b->db, "SELECT meter, after_ts, every_s FROM account_setting_meter "
						    "WHERE setting = ?");

	*list = (struct ledger_settings_list){.n_meters = b->n,
					      .steps = calloc(n_rows + 1, sizeof(*list->steps)),
					      .places = calloc((n_rows + 1) * (b->n + 1), sizeof(*list->places)),
					      .next = calloc(b->n + 1, sizeof(*list->next))};
	if (get == NULL || get_place == NULL || list->steps == NULL || list->places == NULL || list->next == NULL) {
		sqlite3_finalize(get);
		sqlite3_finalize(get_place);
		return get == NULL || get_place == NULL ? -EIO : -ENOMEM;
	}
	for (; list->n < n_rows && db_next(b->db, get); list->n++) {
		struct ledger_settings_step *step = &list->steps[list->n];

		step->id = sqlite3_column_int64(get, 0);
		step->request_id = sqlite3_column_int64(get, 1);
		for (size_t i = 0; i < b->n; i++)
			list->places[list->n * b->n + i].after_s = INT64_MIN;
		sqlite3_bind_int64(get_place, 1, step->id);
		while (db_next(b->db, get_place)) {
			int i = ledger_book_find(b, sqlite3_column_int64(get_place, 0));

			if (i >= 0)
				list->places[list->n * b->n + (size_t)i] = (struct ledger_settings_place){
					.after_s = sqlite3_column_int64(get_place, 1),
					.every_s = (uint32_t)sqlite3_column_int64(get_place, 2)};
		}
		sqlite3_reset(get_place);
	}
	sqlite3_finalize(get);
	sqlite3_finalize(get_place);
	return 0;
}

void ledger_settings_free(struct ledger_settings_list *list)
{
	free(list->steps);
	free(list->places);
	free(list->next);
	*list = (struct ledger_settings_list){.n = 0};
}

/* The period of the readings of a meter, and so of the inputs on it, in this step. */
static void set_every(const struct ledger_settings *s, const struct ledger_settings_list *list, size_t step,
		      size_t meter)
{
	uint32_t every_s = list->places[step * list->n_meters + meter].every_s;

	if (every_s == 0)
		return;
	ledger_book_set_every(s->book, meter, every_s);
	for (size_t i = 0; i < s->limits->n_inputs; i++)
		if (s->limits->inputs[i].concentrator == meter)
			ledger_book_set_every(s->book, s->limits->inputs[i].meter, every_s);
}

const struct ledger_settings_step *ledger_settings_next(const struct ledger_settings_list *list, size_t meter,
							int64_t slot_s)
{
	size_t next = list->next != NULL ? list->next[meter] : 0;

	if (next >= list->n || (next > 0 && list->places[next * list->n_meters + meter].after_s >= slot_s))
		return NULL;
	return &list->steps[next];
}

void ledger_settings_change(const struct ledger_settings *s, struct ledger_settings_list *list, size_t meter)
{
	set_every(s, list, list->next[meter]++, meter);
}
