/* SPDX-License-Identifier: MIT */
#include "ledger_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load_quantity_ids(struct ledger_book *b)
{
	sqlite3_stmt *get = db_prepare(b->db, "SELECT id, name FROM quantity");

	if (get == NULL)
		return -EIO;
	while (db_next(b->db, get)) {
		int q = names_find((const char *)sqlite3_column_text(get, 1));

		if (q >= 0)
			b->quantity_id[q] = sqlite3_column_int64(get, 0);
	}
	sqlite3_finalize(get);
	return 0;
}

int ledger_book_open(struct ledger_book *b, struct db *db, const struct db_meters *reg, const struct db_tables *tables,
		     const char *zone, int64_t interval_s, const struct account_sink *account_sink,
		     const struct ledger_sink *sink)
{
	struct calendar calendar;

	b->db = db;
	b->reg = reg;
	b->tables = tables;
	b->sink = *sink;
	b->edition = 1;
	b->account = (struct account){.calendar = &b->calendar, .sink = *account_sink};
	ledger_book_set_mode(b, LEDGER_CLOSED, INT64_MIN);
	calendar_init(&calendar, interval_s);
	ledger_book_set_calendar(b, zone, &calendar);
	return load_quantity_ids(b);
}

void ledger_book_close(struct ledger_book *b)
{
	for (size_t i = 0; i < b->n; i++)
		account_fini(&b->meters[i].account);
	free(b->meters);
	account_clock_free(&b->account.clock);
	calendar_free(&b->calendar);
	*b = (struct ledger_book){.n = 0};
}

int ledger_book_fit(struct ledger_book *b)
{
	struct ledger_meter *meters;

	if (b->reg->n <= b->n)
		return 0;
	meters = realloc(b->meters, b->reg->n * sizeof(*meters));
	if (meters == NULL)
		return -ENOMEM;
	b->meters = meters;
	for (; b->n < b->reg->n; b->n++)
		meters[b->n] = (struct ledger_meter){
			.account = {.id = b->reg->list[b->n].id}, .period_s = INT64_MIN, .edition = b->edition};
	return 0;
}

int ledger_book_find(const struct ledger_book *b, int64_t id)
{
	int i = db_meters_find(b->reg, id);

	return i < (int)b->n ? i : -1;
}

struct account_meter *ledger_book_change(struct ledger_book *b, size_t i)
{
	b->meters[i].is_changed = true;
	b->meters[i].edition = b->edition;
	return &b->meters[i].account;
}

void ledger_book_saved(struct ledger_book *b, size_t i)
{
	b->meters[i].is_changed = false;
}

void ledger_book_touch(struct ledger_book *b, size_t i)
{
	b->meters[i].edition = b->edition;
}

void ledger_book_set_limits(struct ledger_book *b, size_t i, const struct account_limits *limits)
{
	b->meters[i].account.limits = limits;
	b->meters[i].edition = b->edition;
}

void ledger_book_set_every(struct ledger_book *b, size_t i, uint32_t every_s)
{
	b->meters[i].account.every_s = every_s;
}

void ledger_book_set_counter_max(struct ledger_book *b, size_t i, int64_t counter_max)
{
	ledger_book_change(b, i)->counter_max = counter_max;
}

void ledger_book_set_per_hour(struct ledger_book *b, size_t i, int64_t per_hour)
{
	b->meters[i].account.per_hour = per_hour;
	b->meters[i].edition = b->edition;
}

void ledger_book_set_ct(struct ledger_book *b, size_t i, int64_t primary, int64_t secondary)
{
	b->meters[i].ct_primary = primary;
	b->meters[i].ct_secondary = secondary;
}

void ledger_book_set_period(struct ledger_book *b, size_t i, int64_t from_s)
{
	b->meters[i].period_s = from_s;
	b->meters[i].edition = b->edition;
}

int64_t ledger_book_set_clock_back(struct ledger_book *b, int64_t at_ms, int64_t back_ms)
{
	return account_clock_add(&b->account.clock, at_ms, back_ms);
}

void ledger_book_restore(struct ledger_book *b, size_t i, const struct account_meter *saved)
{
	b->meters[i].account.last_s = saved->last_s;
	b->meters[i].account.unsure_s = saved->unsure_s;
	b->meters[i].account.sure_ms = saved->sure_ms;
	b->meters[i].account.passed_s = saved->passed_s;
	b->meters[i].account.counter_max = saved->counter_max;
}

int ledger_book_restore_counter(struct ledger_book *b, size_t i, const struct account_counter *counter,
				const uint8_t *packed, size_t n)
{
	return account_restore(&b->account, &b->meters[i].account, counter, packed, n);
}

void ledger_book_swap(struct ledger_book *b, size_t i, struct account_meter *other)
{
	struct account_meter *m = ledger_book_change(b, i), had = *m;

	*m = *other;
	*other = had;
}

void ledger_book_forget_meter(struct ledger_book *b, size_t i)
{
	account_forget(ledger_book_change(b, i));
}

void ledger_book_set_counted(struct ledger_book *b, int64_t slot_s)
{
	b->account.counted_s = slot_s;
}

void ledger_book_set_newest(struct ledger_book *b, int64_t slot_s)
{
	b->newest_s = slot_s;
}

void ledger_book_set_mode(struct ledger_book *b, enum ledger_mode mode, int64_t write_from_s)
{
	b->mode = mode;
	b->write_from_s = write_from_s;
	b->writes_suspects = mode == LEDGER_LIVE || mode == LEDGER_RECOUNT;
	b->account.proven = mode == LEDGER_REPLAY || mode == LEDGER_RECOUNT || mode == LEDGER_REBUILD;
}

void ledger_book_write_suspects(struct ledger_book *b)
{
	b->writes_suspects = true;
}

bool ledger_book_writes(const struct ledger_book *b, int64_t from_s)
{
	return b->mode != LEDGER_REPLAY && from_s >= b->write_from_s;
}

void ledger_book_set_calendar(struct ledger_book *b, const char *zone, struct calendar *calendar)
{
	if (strcmp(b->zone, zone) != 0) {
		snprintf(b->zone, sizeof(b->zone), "%s", zone);
		calendar_zone(zone);
	}
	calendar_free(&b->calendar);
	b->calendar = *calendar;
	*calendar = (struct calendar){.n_past = 0};
}

int ledger_book_put_settings(struct ledger_book *b, const char *zone, int64_t interval_s)
{
	char interval[24];
	int rc;

	snprintf(interval, sizeof(interval), "%lld", (long long)interval_s);
	rc = db_put_setting(b->db, "interval_s", interval);
	return rc == 0 ? db_put_setting(b->db, "timezone", zone) : rc;
}

int64_t ledger_book_get_time(const struct ledger_book *b, const char *name)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT CAST(value AS INTEGER) FROM setting WHERE name = '%s'", name);
	return db_number(b->db, sql, 0);
}

void ledger_book_forget(struct ledger_book *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct ledger_meter *m = &b->meters[i];

		account_forget(&m->account);
		m->is_changed = false;
		m->period_s = INT64_MIN;
		m->edition = b->edition;
	}
	b->error = 0;
	b->newest_s = 0;
}

void ledger_book_note(struct ledger_book *b, int rc)
{
	if (rc != 0 && b->error == 0)
		b->error = rc;
}

int64_t ledger_book_until_s(const struct ledger_book *b)
{
	int64_t until_s = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->meters[i].account.last_s > until_s)
			until_s = b->meters[i].account.last_s;
	return until_s;
}

void ledger_book_next_edition(struct ledger_book *b)
{
	b->edition++;
}
