/* SPDX-License-Identifier: MIT */
#include "ledger_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ledger_settings_set_calendar(const struct ledger_settings *s, const char *zone, int64_t interval_s)
{
	ledger_book_set_calendar(s->book, zone, interval_s);
	ledger_intervals_forget(s->intervals);
	ledger_registers_forget(s->registers);
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

int ledger_settings_note(const struct ledger_settings *s, const char *zone, int64_t interval_s)
{
	struct ledger_book *b = s->book;
	sqlite3_stmt *put = db_prepare(
		b->db, "INSERT INTO account_setting (at_ts, request, interval_s, timezone) VALUES (unixepoch(), "
		       "ifnull((SELECT max(id) FROM request_log WHERE state <> 'waiting'), 0), ?, ?)");
	/* REPLACE: a damaged row may have had the number of an earlier setting */
	sqlite3_stmt *put_meter =
		db_prepare(b->db, "REPLACE INTO account_setting_meter (setting, meter, after_ts, every_s) "
				  "VALUES ((SELECT max(id) FROM account_setting), ?, ?, ?)");
	int rc = put == NULL || put_meter == NULL ? -EIO : 0;

	if (rc == 0) {
		sqlite3_bind_int64(put, 1, interval_s);
		sqlite3_bind_text(put, 2, zone, -1, SQLITE_STATIC);
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
	sqlite3_stmt *get = db_prepare(b->db, "SELECT at_ts, interval_s, timezone, id, request FROM account_setting "
					      "ORDER BY id");
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

		step->at_s = sqlite3_column_int64(get, 0);
		step->interval_s = sqlite3_column_int64(get, 1);
		step->id = sqlite3_column_int64(get, 3);
		step->request_id = sqlite3_column_int64(get, 4);
		snprintf(step->zone, sizeof(step->zone), "%s", (const char *)sqlite3_column_text(get, 2));
		for (size_t i = 0; i < b->n; i++)
			list->places[list->n * b->n + i].after_s = INT64_MIN;
		sqlite3_bind_int64(get_place, 1, sqlite3_column_int64(get, 3));
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

static bool is_set(const struct ledger_settings *s, const struct ledger_settings_step *step)
{
	return step->interval_s == s->book->calendar.interval_s && strcmp(step->zone, s->book->zone) == 0;
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

void ledger_settings_begin(const struct ledger_settings *s, const struct ledger_settings_list *list, int64_t at_s)
{
	size_t first = 0;

	for (size_t k = 1; k < list->n && list->steps[k].at_s <= at_s; k++)
		first = k;
	if (list->n > 0)
		ledger_settings_set_calendar(s, list->steps[first].zone, list->steps[first].interval_s);
}

const struct ledger_settings_step *ledger_settings_next(const struct ledger_settings_list *list, size_t meter,
							int64_t slot_s)
{
	size_t next = list->next != NULL ? list->next[meter] : 0;

	if (next >= list->n || (next > 0 && list->places[next * list->n_meters + meter].after_s >= slot_s))
		return NULL;
	return &list->steps[next];
}

int ledger_settings_change(const struct ledger_settings *s, struct ledger_settings_list *list, size_t meter)
{
	size_t next = list->next[meter]++;
	const struct ledger_settings_step *step = &list->steps[next], *before = next > 0 ? step - 1 : step;
	struct ledger_book *b = s->book;

	set_every(s, list, next, meter);
	if (step->interval_s == before->interval_s && strcmp(step->zone, before->zone) == 0)
		return 0;
	if (!is_set(s, before))
		ledger_settings_set_calendar(s, before->zone, before->interval_s);
	account_cut(&b->account, ledger_book_change(b, meter));
	for (size_t i = 0; i < s->limits->n_inputs; i++)
		if (s->limits->inputs[i].concentrator == meter)
			account_cut(&b->account, ledger_book_change(b, s->limits->inputs[i].meter));
	return b->error;
}

void ledger_settings_enter(const struct ledger_settings *s, const struct ledger_settings_list *list, size_t meter)
{
	const struct ledger_settings_step *step;

	if (list->n == 0)
		return;
	step = &list->steps[list->next[meter] > 0 ? list->next[meter] - 1 : 0];
	if (!is_set(s, step))
		ledger_settings_set_calendar(s, step->zone, step->interval_s);
}
