/* SPDX-License-Identifier: MIT */
#include "store_write.h"

#include <errno.h>

/* Values that are in the tables already must not be counted again. But where the clock may have gone back for good, the
 * ledger has to see the counters continue. */
static void drop_known(struct reading *r, const struct db_tables *tables, const struct ledger *l, unsigned new_kinds)
{
	uint64_t known[DB_READING_WORDS] = {0};
	bool any = false;

	for (size_t k = 0; k < tables->n_kinds; k++)
		for (size_t w = 0; w < DB_READING_WORDS && !(new_kinds & 1U << k); w++)
			known[w] |= r->present[w] & tables->kinds[k].columns[w];
	for (size_t w = 0; w < DB_READING_WORDS; w++)
		any |= known[w] != 0;
	if (!any || ledger_until_s(l) - r->slot_s > ACCOUNT_BACK_S)
		return;
	for (size_t w = 0; w < DB_READING_WORDS; w++)
		r->present[w] &= ~known[w];
}

/* Count one reading and put it into its tables. */
static int write_reading(struct reading *r, const struct db_meters *reg, struct db_tables *tables, struct ledger *l)
{
	int meter = db_meters_find(reg, r->meter), rc;
	unsigned kinds = meter < 0 ? 0 : db_tables_kinds_of(tables, r), suspect_kinds;
	int64_t id = 0;

	for (size_t k = 0; k < tables->n_kinds; k++)
		if (kinds & 1U << k && db_tables_has_row(tables, k, (size_t)meter, r->slot_s))
			kinds &= ~(1U << k);
	drop_known(r, tables, l, kinds);
	rc = ledger_add_reading(l, r, &suspect_kinds);
	if (rc == 0 && kinds != 0)
		rc = db_tables_next_id(tables, r->slot_s, &id);
	for (size_t k = 0; k < tables->n_kinds && rc == 0; k++)
		if (kinds & 1U << k)
			rc = db_tables_write(tables, k, (size_t)meter, id,
					     suspect_kinds & 1U << k ? READING_SUSPECT : r->quality, r);
	return rc == 0 ? ledger_write_suspects(l, suspect_kinds & kinds) : rc;
}

/* Those before the reading that was read last: what comes after a serial number is of another meter. */
static int write_serials(const struct held *h, struct held_cursor *c, const struct db_meters *reg, struct ledger *l)
{
	const struct held_serial *held;
	int rc = 0;

	while (rc == 0 && (held = held_next_serial(h, c)) != NULL) {
		int meter = db_meters_find(reg, held->meter);

		if (meter >= 0)
			rc = ledger_add_serial(l, (size_t)meter, held->serial);
	}
	return rc;
}

int store_write_readings(const struct held *h, const struct db_meters *reg, struct db_tables *tables, struct ledger *l,
			 bool *clock_is_good)
{
	struct held_cursor c = {0};
	struct reading reading;
	int rc;

	*clock_is_good = true;
	while (held_next_reading(h, &c, &reading)) {
		*clock_is_good &= reading.quality != READING_UNSYNCHRONISED;
		rc = write_serials(h, &c, reg, l);
		if (rc != 0)
			return rc;
		rc = write_reading(&reading, reg, tables, l);
		if (rc != 0)
			return rc;
	}
	rc = ledger_end_readings(l);
	return rc == 0 ? write_serials(h, &c, reg, l) : rc;
}

int store_write_events(const struct held *h, struct db *db)
{
	sqlite3_stmt *put;
	int rc = 0;

	if (h->n_events == 0)
		return 0;
	put = db_prepare(db, "INSERT INTO event_log (at_ms, subject, kind, detail) VALUES (?, ?, ?, ?)");
	if (put == NULL)
		return -EIO;
	for (size_t i = 0; i < h->n_events && rc == 0; i++) {
		const struct held_event *event = &h->events[i];

		sqlite3_bind_int64(put, 1, event->at_ms);
		sqlite3_bind_text(put, 2, event->subject, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 3, event->kind, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 4, event->detail, -1, SQLITE_STATIC);
		rc = db_run(db, put);
	}
	sqlite3_finalize(put);
	return rc;
}
