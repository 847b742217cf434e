/* SPDX-License-Identifier: MIT */
#include "ledger_keytable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ledger_holds.h"

int ledger_keytable_put_meaning(struct ledger_book *b, const struct ledger_model_limits *model,
				const struct ledger_key *key)
{
	struct db *db = b->db;
	char registers[LEDGER_REGISTERS_MAX], moduli[EXPLAIN_MODULI_MAX * 24];
	sqlite3_stmt *put = db_prepare(db, "INSERT OR IGNORE INTO meaning (id, counter, registers, parts, step, "
					   "per_hour, back_step, modulus_read, moduli, coarse_step, fold) "
					   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	int rc = put == NULL ? -EIO : 0;

	for (int q = 0; q < Q_COUNT && rc == 0; q++) {
		const struct account_limit *l = &model->limits->of[q];
		size_t n = 0;

		if (driver_row(model->driver, (enum quantity)q) == NULL || !names_is_counter((enum quantity)q))
			continue;
		ledger_key_registers(model->driver, (enum quantity)q, key, l->parts, registers);
		moduli[0] = '\0';
		for (size_t i = 0; i < EXPLAIN_MODULI_MAX && l->moduli[i] != 0; i++)
			n += (size_t)snprintf(moduli + n, sizeof(moduli) - n, "%s%lld", i > 0 ? " " : "",
					      (long long)l->moduli[i]);
		sqlite3_bind_int64(put, 1, model->meaning);
		sqlite3_bind_text(put, 2, names_get((enum quantity)q)->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(put, 3, registers, -1, SQLITE_STATIC);
		sqlite3_bind_int64(put, 4, l->parts);
		sqlite3_bind_int64(put, 5, l->step);
		sqlite3_bind_int64(put, 6, l->per_hour);
		sqlite3_bind_int64(put, 7, l->back_step);
		sqlite3_bind_int(put, 8, l->modulus_read);
		sqlite3_bind_text(put, 9, moduli, -1, SQLITE_STATIC);
		sqlite3_bind_int64(put, 10, l->coarse_step);
		sqlite3_bind_int64(put, 11, l->fold);
		rc = db_run(db, put);
	}
	sqlite3_finalize(put);
	return rc;
}

sqlite3_stmt *ledger_keytable_compare(struct ledger_book *b, int64_t was, int64_t is, unsigned input)
{
	char pulses[24] = "%";

	if (input != 0)
		snprintf(pulses, sizeof(pulses), "pulses_%u", input);
	return db_prepare(b->db,
			  "SELECT a.counter, a.registers, b.registers FROM meaning a JOIN meaning b "
			  "ON b.id = %lld AND b.counter = a.counter WHERE a.id = %lld AND a.registers <> b.registers "
			  "AND a.counter LIKE '%s' AND (%d OR a.counter NOT LIKE 'pulses_%%')",
			  (long long)is, (long long)was, pulses, input != 0);
}

int ledger_keytable_have_registers_changed(struct ledger_book *b, const struct ledger_key *was,
					   const struct ledger_key *is, bool *changed)
{
	sqlite3_stmt *get;

	*changed = false;
	if (was->meaning == is->meaning || was->meaning == 0 || is->meaning == 0)
		return 0;
	get = ledger_keytable_compare(b, was->meaning, is->meaning, is->input);
	if (get == NULL)
		return -EIO;
	*changed = db_next(b->db, get);
	return sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(b->db, "read");
}

static void bind_key(sqlite3_stmt *put, const struct ledger_key *key)
{
	const int64_t numbers[] = {key->meaning,      key->ct_primary,	 key->ct_secondary, key->vt_primary,
				   key->vt_secondary, key->pulse_weight, key->pulse_per,    key->address,
				   key->concentrator, key->input};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sqlite3_bind_int64(put, (int)i + 1, numbers[i]);
	sqlite3_bind_text(put, 11, key->pulse_per != 0 ? names_get(key->pulse_of)->name : "", -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 12, key->model, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 13, key->bus, -1, SQLITE_STATIC);
}

int ledger_keytable_put(struct ledger_book *b, size_t i, const struct ledger_key *key, int64_t from_s,
			bool is_ct_assumed, const char *held)
{
	struct db *db = b->db;
	sqlite3_stmt *put =
		db_prepare(db, "INSERT INTO meter_key (meaning, ct_primary, ct_secondary, vt_primary, vt_secondary, "
			       "pulse_weight, pulse_per, address, concentrator, input, pulse_of, model, bus, meter, "
			       "from_ts, ct_assumed, held, held_ts) "
			       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
			       "0)");
	int rc = put == NULL ? -EIO : 0;

	if (rc == 0) {
		bind_key(put, key);
		sqlite3_bind_int64(put, 14, b->reg->list[i].id);
		sqlite3_bind_int64(put, 15, from_s);
		sqlite3_bind_int(put, 16, is_ct_assumed);
		sqlite3_bind_text(put, 17, held, -1, SQLITE_STATIC);
		rc = db_run(db, put);
	}
	sqlite3_finalize(put);
	return rc;
}

static void read_key(sqlite3_stmt *get, struct ledger_stored_key *out)
{
	int q = names_find((const char *)sqlite3_column_text(get, 12));
	const char *held = (const char *)sqlite3_column_text(get, 16);
	const char *concentrator = (const char *)sqlite3_column_text(get, 17);

	*out = (struct ledger_stored_key){.id = sqlite3_column_int64(get, 0),
					  .from_s = sqlite3_column_int64(get, 1),
					  .key = {.meaning = sqlite3_column_int64(get, 2),
						  .ct_primary = (uint32_t)sqlite3_column_int64(get, 3),
						  .ct_secondary = (uint32_t)sqlite3_column_int64(get, 4),
						  .vt_primary = (uint32_t)sqlite3_column_int64(get, 5),
						  .vt_secondary = (uint32_t)sqlite3_column_int64(get, 6),
						  .pulse_weight = sqlite3_column_int64(get, 7),
						  .pulse_per = sqlite3_column_int64(get, 8),
						  .pulse_of = q >= 0 ? (enum quantity)q : 0,
						  .address = (unsigned)sqlite3_column_int(get, 9),
						  .concentrator = sqlite3_column_int64(get, 10),
						  .input = (unsigned)sqlite3_column_int(get, 11)},
					  .is_ct_assumed = sqlite3_column_int(get, 15) != 0,
					  .is_held = held[0] != '\0',
					  .waits_for_identity = strcmp(held, LEDGER_HOLD_IDENTITY) == 0};
	snprintf(out->key.model, sizeof(out->key.model), "%s", (const char *)sqlite3_column_text(get, 13));
	snprintf(out->key.bus, sizeof(out->key.bus), "%s", (const char *)sqlite3_column_text(get, 14));
	if (concentrator != NULL)
		snprintf(out->key.concentrator_name, sizeof(out->key.concentrator_name), "%s", concentrator);
}

int ledger_keytable_get(struct ledger_book *b, size_t i, struct ledger_stored_key *known,
			struct ledger_stored_key *held)
{
	sqlite3_stmt *get = db_prepare(
		b->db,
		"SELECT k.id, from_ts, meaning, ct_primary, ct_secondary, vt_primary, vt_secondary, pulse_weight, "
		"pulse_per, k.address, concentrator, input, pulse_of, k.model, k.bus, ct_assumed, held, c.name "
		"FROM meter_key k LEFT JOIN meter c ON c.id = k.concentrator WHERE k.meter = %lld "
		"ORDER BY k.id DESC LIMIT 2",
		(long long)b->reg->list[i].id);

	*known = *held = (struct ledger_stored_key){.id = 0};
	if (get == NULL)
		return -EIO;
	if (db_next(b->db, get))
		read_key(get, known);
	if (known->is_held) {
		*held = *known;
		*known = (struct ledger_stored_key){.id = 0};
		if (db_next(b->db, get))
			read_key(get, known);
	}
	return sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(b->db, "read");
}
