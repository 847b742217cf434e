/* SPDX-License-Identifier: MIT */
#include "ledger_keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_keytable.h"
#include "log.h"
#include "mono.h"

/* A configured meter or input. */
struct subject {
	size_t i;
	struct ledger_key key;
	const struct conf_meter *meter;		 /* of an input: its concentrator */
	const struct ledger_model_limits *model; /* NULL: its table cannot be read */
	bool is_input;
};

static void report(struct ledger_keys *k, size_t i, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void report(struct ledger_keys *k, size_t i, const char *kind, const char *fmt, ...)
{
	struct ledger_book *b = k->book;
	char detail[LEDGER_KEY_WORDS_MAX + 240];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	b->sink.event(b->sink.context, mono_wall_ms(), b->reg->list[i].name, kind, detail);
}

/* The slot after which a key of this meter or input holds: all before it have been counted. */
static int64_t counted_until_s(const struct ledger_keys *k, size_t i)
{
	const struct ledger_book *b = k->book;
	int64_t until_s = b->meters[i].account.last_s;

	for (size_t n = 0; n < k->limits->n_inputs; n++) {
		const struct ledger_input *input = &k->limits->inputs[n];

		if (input->concentrator == i && b->meters[input->meter].account.last_s > until_s)
			until_s = b->meters[input->meter].account.last_s;
	}
	return until_s;
}

/* The next input that is on a concentrator, from n on in the list of periods. */
static const struct ledger_input *next_input(const struct ledger_keys *k, size_t concentrator, size_t *n)
{
	for (; *n < k->limits->n_inputs; ++*n) {
		const struct ledger_input *input = &k->limits->inputs[*n];

		if (input->concentrator == concentrator && input->until_s == INT64_MAX)
			return &k->limits->inputs[(*n)++];
	}
	return NULL;
}

/* Write the key of a subject, which holds after from_s. held: as in ledger_keytable.h. */
static int put_key(struct ledger_keys *k, const struct subject *s, int64_t from_s, const char *held)
{
	return ledger_keytable_put(k->book, s->i, &s->key, from_s, s->meter->lacks_ct && !s->is_input, held);
}

/* Lives */

static bool has_life(const struct ledger_keys *k, size_t i)
{
	const struct ledger_input *input;
	size_t n = 0;

	if (k->book->meters[i].account.n_counters > 0)
		return true;
	while ((input = next_input(k, i, &n)) != NULL)
		if (k->book->meters[input->meter].account.n_counters > 0)
			return true;
	return false;
}

/* End the lives of meter i and of the inputs on it, or only those of some of its counters, with an event for each. */
static int end_lives(struct ledger_keys *k, size_t i, int64_t at_s, const bool *counters, const char *words)
{
	const char *name = k->book->reg->list[i].name;
	const struct ledger_input *input;
	size_t n = 0;

	if (!has_life(k, i))
		return 0;
	report(k, i, "key-changed", "%s; a new life begins, tally replace --undo %s takes that back", words, name);
	while (counters == NULL && (input = next_input(k, i, &n)) != NULL)
		report(k, input->meter, "key-changed", "its concentrator %s: %s; a new life begins", name, words);
	return ledger_exchange_end_lives(k->exchange, i, at_s, counters, words);
}

/* The counters of a subject that have other registers than in its key before, as a list with Q_COUNT members; words:
 * the differences. *any: there are some that have a life. */
static int find_changed(struct ledger_keys *k, const struct subject *s, const struct ledger_key *was, bool *counters,
			char words[LEDGER_KEY_WORDS_MAX], bool *any)
{
	sqlite3_stmt *get = ledger_keytable_compare(k->book, was->meaning, s->key.meaning, s->key.input);
	size_t n = 0;

	memset(counters, 0, Q_COUNT * sizeof(*counters));
	words[0] = '\0';
	*any = false;
	if (get == NULL)
		return -EIO;
	while (db_next(k->book->db, get)) {
		const char *name = (const char *)sqlite3_column_text(get, 0);
		int q = s->is_input ? (int)s->key.pulse_of : names_find(name);

		if (q < 0 || account_counter(&k->book->meters[s->i].account, (enum quantity)q) == NULL)
			continue;
		*any = counters[q] = true;
		if (n < LEDGER_KEY_WORDS_MAX)
			n += (size_t)snprintf(words + n, LEDGER_KEY_WORDS_MAX - n, "%sregister of %s %s -> %s",
					      n > 0 ? ", " : "", name, (const char *)sqlite3_column_text(get, 1),
					      (const char *)sqlite3_column_text(get, 2));
	}
	return sqlite3_finalize(get) == SQLITE_OK ? 0 : db_fail(k->book->db, "read");
}

/* Held values */

/* SQL: the suspects of held values of meter i and of its inputs, after a slot. */
#define HELD_SUSPECTS                                                                                                  \
	"ts > %lld AND reason = '%s' AND NOT behind AND (meter = %lld OR meter IN "                                    \
	"(SELECT meter FROM input_period WHERE concentrator = %lld))"

/* Held values will never count: they were read under a key that nobody wants any more. */
static int abandon(struct ledger_keys *k, size_t i, const struct ledger_stored_key *held)
{
	long long id = (long long)k->book->reg->list[i].id;
	const char *why = held->waits_for_identity ? LEDGER_HOLD_IDENTITY : LEDGER_HOLD_CT;
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM meter_key WHERE id = %lld; "
		 "UPDATE suspect SET behind = 1, reason = 'read before the configuration was corrected' "
		 "WHERE " HELD_SUSPECTS,
		 (long long)held->id, (long long)held->from_s, why, id, id);
	return db_exec(k->book->db, sql);
}

/* Take the suspects off that are held, as if the values had been good when they came. */
static int clear_held(struct ledger_keys *k, size_t i, int64_t after_s, const char *why)
{
	struct ledger_book *b = k->book;
	long long id = (long long)b->reg->list[i].id;
	sqlite3_stmt *get =
		db_prepare(b->db,
			   "SELECT s.meter, q.name, s.until_ts FROM (SELECT meter, quantity, max(ts) AS until_ts FROM "
			   "suspect WHERE " HELD_SUSPECTS " GROUP BY meter, quantity) s "
			   "JOIN quantity q ON q.id = s.quantity",
			   (long long)after_s, why, id, id);
	int rc = get == NULL ? -EIO : 0;

	while (rc == 0 && db_next(k->book->db, get)) {
		int q = names_find((const char *)sqlite3_column_text(get, 1));

		if (q >= 0)
			ledger_lives_on_reconsidered(k->lives, sqlite3_column_int64(get, 0), (enum quantity)q, after_s,
						     sqlite3_column_int64(get, 2), NULL);
		rc = b->error;
	}
	sqlite3_finalize(get);
	return rc;
}

/* Intervals that were written as missing have values now. */
static void revise(struct ledger_keys *k, size_t i, int64_t first_s)
{
	struct ledger_book *b = k->book;
	const struct account_meter *m = &b->meters[i].account;
	int64_t from_s = calendar_interval_start(&b->calendar, first_s);
	int64_t until_s = calendar_interval_start(&b->calendar, m->last_s);

	if (m->n_counters > 0 && until_s > from_s)
		ledger_revisions_on_revised(k->revisions, m->id, from_s, until_s,
					    "its values had been kept until a question about the meter was answered");
}

/* Count what was held. */
static int feed_held(struct ledger_keys *k, size_t i, int64_t after_s, const char *why)
{
	struct ledger_book *b = k->book;
	int64_t newest_s = b->newest_s, first_s = 0;
	struct reading reading = {.quality = READING_GOOD};
	const struct ledger_input *input;
	struct ledger_rows rows;
	unsigned suspect_kinds;
	size_t n = 0;
	int rc = clear_held(k, i, after_s, why);

	if (rc != 0)
		return rc;
	rc = ledger_rows_open(&rows, b, k->limits, k->lives, b->reg->list[i].id, after_s);
	while (rc == 0 && ledger_rows_next(&rows, &reading)) {
		first_s = first_s == 0 ? reading.slot_s : first_s;
		rc = ledger_feed(k->feed, &reading, &suspect_kinds);
		if (rc == 0 && suspect_kinds != 0)
			rc = ledger_lives_mark_row(k->lives, reading.meter, reading.slot_s, suspect_kinds);
	}
	ledger_rows_close(&rows);
	ledger_book_set_newest(b, newest_s);
	if (rc != 0 || first_s == 0)
		return rc;
	revise(k, i, first_s);
	while ((input = next_input(k, i, &n)) != NULL)
		revise(k, input->meter, first_s);
	return 0;
}

/* The question about meter i has been answered, and its lives have ended if they do: its values count, from what is
 * held on. */
static int release(struct ledger_keys *k, size_t i, const struct ledger_stored_key *held)
{
	const char *why = held->waits_for_identity ? LEDGER_HOLD_IDENTITY : LEDGER_HOLD_CT;
	char sql[120];
	int rc;

	ledger_book_touch(k->book, i);
	ledger_state_want(k->state);
	snprintf(sql, sizeof(sql), "UPDATE meter_key SET held = '', ct_assumed = 0 WHERE id = %lld",
		 (long long)held->id);
	rc = db_exec(k->book->db, sql);
	if (rc == 0)
		rc = ledger_holds_load(k->holds);
	return rc == 0 ? feed_held(k, i, held->from_s, why) : rc;
}

/* Comparing */

/* A change of this place may turn out to be none: the meter has a serial number, and the one before is known. */
static bool can_prove(const struct ledger_keys *k, const struct subject *s)
{
	return !s->is_input && driver_row(s->meter->driver, Q_SERIAL_NUMBER) != NULL &&
	       !ledger_serial_says_nothing(k->book->reg->list[s->i].serial) && has_life(k, s->i);
}

/* The change of an input's key is that of its concentrator's place: the input shares what is decided about that. */
static bool is_shared(const struct subject *s, unsigned changed, const struct ledger_key *was)
{
	return s->is_input && changed == LEDGER_KEY_PLACE && was->concentrator == s->key.concentrator &&
	       was->input == s->key.input;
}

/* End what the key of a subject, changed from a known one, ends. *waits: nothing yet, its place has changed. */
static int end_changed(struct ledger_keys *k, const struct subject *s, const struct ledger_key *was, int64_t at_s,
		       bool may_wait, bool *waits)
{
	char words[LEDGER_KEY_WORDS_MAX], registers[LEDGER_KEY_WORDS_MAX] = "";
	unsigned changed = ledger_key_compare(was, &s->key, words);
	bool counters[Q_COUNT], any = false;
	int rc = 0;

	*waits = false;
	if (was->meaning != 0 && s->key.meaning != was->meaning)
		rc = find_changed(k, s, was, counters, registers, &any);
	if (rc != 0)
		return rc;
	if (changed == LEDGER_KEY_PLACE && !any && may_wait && can_prove(k, s)) {
		*waits = true;
		report(k, s->i, "key-changed",
		       "%s; its values are suspect until its serial number shows whether it is the same meter", words);
		return 0;
	}
	if (changed != 0 && !is_shared(s, changed, was))
		return end_lives(k, s->i, at_s, NULL, words);
	return any ? end_lives(k, s->i, at_s, counters, registers) : 0;
}

/* The key of a subject, which may have changed from the one that is known. held: what has been held since because ct
 * was missing, or NULL. */
static int change(struct ledger_keys *k, const struct subject *s, const struct ledger_stored_key *known,
		  const struct ledger_stored_key *held)
{
	int64_t at_s = held != NULL ? held->from_s : counted_until_s(k, s->i);
	char words[LEDGER_KEY_WORDS_MAX];
	bool waits = false;
	int rc = 0;

	if (known->id != 0)
		rc = end_changed(k, s, &known->key, at_s, held == NULL, &waits);
	if (rc != 0)
		return rc;
	if (held != NULL)
		return release(k, s->i, held);
	if (known->id == 0)
		return put_key(k, s, 0, "");
	if (known->key.meaning == s->key.meaning && known->key.concentrator == s->key.concentrator &&
	    ledger_key_compare(&known->key, &s->key, words) == 0)
		return 0;
	ledger_state_want(k->state);
	return put_key(k, s, at_s, waits ? LEDGER_HOLD_IDENTITY : "");
}

/* ct is 1/1 because nothing was written, or no longer. */
static int note_assumed(struct ledger_keys *k, const struct subject *s, const struct ledger_stored_key *known,
			bool is_assumed)
{
	char sql[100];

	if (is_assumed && (known->id == 0 || !known->is_ct_assumed)) {
		log_warning("meter %s: ct is missing; it is counted with ct = 1/1 as before; write ct = 1/1, or the "
			    "ratio of its transformers",
			    k->book->reg->list[s->i].name);
		report(k, s->i, "ct-missing", "ct is missing; it is counted with ct = 1/1 as before");
	}
	if (known->id == 0 || known->is_ct_assumed == is_assumed)
		return 0;
	snprintf(sql, sizeof(sql), "UPDATE meter_key SET ct_assumed = %d WHERE id = %lld", is_assumed,
		 (long long)known->id);
	return db_exec(k->book->db, sql);
}

/* The meter that was read in this place until now under a name that is no longer configured; -1 = there is none. 0 or
 * -errno in *rc. */
static int find_predecessor(struct ledger_keys *k, const struct subject *s, int *rc)
{
	const struct ledger_book *b = k->book;
	char words[LEDGER_KEY_WORDS_MAX];

	*rc = 0;
	for (size_t i = 0; i < b->n && !b->reg->list[s->i].was_configured; i++) {
		const struct db_meter *old = &b->reg->list[i];
		struct ledger_stored_key known, held;

		if (old->configured || !old->was_configured || old->is_input != s->is_input ||
		    b->meters[i].account.n_counters == 0)
			continue;
		*rc = ledger_keytable_get(k->book, i, &known, &held);
		if (*rc != 0)
			return -1;
		if (known.id != 0 && held.id == 0 && known.key.meaning == s->key.meaning &&
		    ledger_key_compare(&known.key, &s->key, words) == 0)
			return (int)i;
	}
	return -1;
}

/* A meter has another name. */
static int continue_from(struct ledger_keys *k, const struct subject *s, size_t old)
{
	struct ledger_stored_key known, held;
	int rc = ledger_keytable_get(k->book, s->i, &known, &held);

	if (rc == 0)
		rc = put_key(k, s, known.id != 0 ? counted_until_s(k, old) : 0, "");
	return rc == 0 ? ledger_exchange_hand_over(k->exchange, old, s->i) : rc;
}

static int take(struct ledger_keys *k, const struct subject *s)
{
	bool lacks_ct = s->meter->lacks_ct && !s->is_input, still = false, has_new_registers;
	char words[LEDGER_KEY_WORDS_MAX];
	struct ledger_stored_key known, held;
	int rc = ledger_keytable_get(k->book, s->i, &known, &held), predecessor;

	if (rc != 0)
		return rc;
	predecessor = find_predecessor(k, s, &rc);
	if (rc != 0 || predecessor >= 0)
		return rc != 0 ? rc : continue_from(k, s, (size_t)predecessor);
	/* the registers of both are compared in the database */
	if (rc == 0 && s->model != NULL && known.key.meaning != s->key.meaning)
		rc = ledger_keytable_put_meaning(k->book, s->model, &s->key);
	if (rc == 0 && held.id != 0) {
		rc = ledger_keytable_have_registers_changed(k->book, &held.key, &s->key, &has_new_registers);
		still = ledger_key_compare(&held.key, &s->key, words) == 0 && !has_new_registers;
	}
	if (rc != 0 || (still && (held.waits_for_identity || lacks_ct)))
		return rc;
	if (still)
		return change(k, s, &known, &held);
	if (held.id != 0) {
		ledger_book_touch(k->book, s->i);
		rc = abandon(k, s->i, &held);
		if (rc == 0)
			rc = ledger_holds_load(k->holds);
		if (rc != 0)
			return rc;
	}
	if (lacks_ct && (known.id != 0 ? known.key.ct_primary != known.key.ct_secondary : !has_life(k, s->i))) {
		report(k, s->i, "ct-missing",
		       "ct is missing; its counters are kept and not counted until it is written");
		ledger_state_want(k->state);
		return put_key(k, s, counted_until_s(k, s->i), LEDGER_HOLD_CT);
	}
	rc = note_assumed(k, s, &known, lacks_ct);
	return rc == 0 ? change(k, s, &known, NULL) : rc;
}

static int take_meter(struct ledger_keys *k, const struct conf_bus *bus, const struct conf_meter *m)
{
	int i = db_meters_find_name(k->book->reg, m->name), rc;
	struct subject s = {.i = (size_t)i, .meter = m, .model = ledger_limits_find_model(k->limits, m)};

	if (i < 0 || s.model == NULL)
		return 0;
	s.key = (struct ledger_key){.meaning = s.model->meaning,
				    .ct_primary = m->ct_primary,
				    .ct_secondary = m->ct_secondary,
				    .vt_primary = m->vt_primary,
				    .vt_secondary = m->vt_secondary,
				    .address = m->address};
	snprintf(s.key.model, sizeof(s.key.model), "%s", m->model);
	snprintf(s.key.bus, sizeof(s.key.bus), "%s", bus->name);
	rc = take(k, &s);
	ledger_book_set_limits(k->book, s.i, s.model->limits);
	return rc == 0 ? ledger_holds_load(k->holds) : rc;
}

static int take_input(struct ledger_keys *k, const struct conf_bus *bus, const struct conf_input *in)
{
	const struct conf_meter *m = &bus->meters[in->concentrator];
	int i = db_meters_find_name(k->book->reg, in->name);
	int concentrator = db_meters_find_name(k->book->reg, m->name);
	struct subject s = {
		.i = (size_t)i, .meter = m, .model = ledger_limits_find_model(k->limits, m), .is_input = true};
	struct ledger_stored_key known, held;
	int rc;

	if (i < 0 || concentrator < 0)
		return 0;
	rc = ledger_keytable_get(k->book, s.i, &known, &held);
	if (rc != 0)
		return rc;
	s.key = (struct ledger_key){.meaning = s.model != NULL ? s.model->meaning : known.key.meaning,
				    .ct_primary = 1,
				    .ct_secondary = 1,
				    .vt_primary = 1,
				    .vt_secondary = 1,
				    .pulse_weight = in->weight,
				    .pulse_per = in->weight_per,
				    .pulse_of = in->quantity,
				    .address = m->address,
				    .concentrator = k->book->reg->list[concentrator].id,
				    .input = in->input};
	snprintf(s.key.model, sizeof(s.key.model), "%s", m->model);
	snprintf(s.key.bus, sizeof(s.key.bus), "%s", bus->name);
	snprintf(s.key.concentrator_name, sizeof(s.key.concentrator_name), "%s", m->name);
	return take(k, &s);
}

int ledger_keys_take(struct ledger_keys *k, const struct conf *conf)
{
	int rc = ledger_holds_load(k->holds);

	for (size_t n = 0; n < conf->n_buses && rc == 0; n++)
		for (size_t i = 0; i < conf->buses[n].n_meters && rc == 0; i++)
			rc = take_meter(k, &conf->buses[n], &conf->buses[n].meters[i]);
	/* an input shares the verdict on its concentrator */
	for (size_t n = 0; n < conf->n_buses && rc == 0; n++)
		for (size_t i = 0; i < conf->buses[n].n_inputs && rc == 0; i++)
			rc = take_input(k, &conf->buses[n], &conf->buses[n].inputs[i]);
	return rc != 0 ? rc : k->book->error;
}

/* Answers */

/* Meter i is the same one at its new place, or another one. */
static int answer(struct ledger_keys *k, size_t i, bool is_same_meter, const char *why)
{
	char words[LEDGER_KEY_WORDS_MAX], detail[LEDGER_KEY_WORDS_MAX + 160];
	struct ledger_stored_key known, held;
	int rc = ledger_keytable_get(k->book, i, &known, &held);

	if (rc != 0 || held.id == 0)
		return rc;
	ledger_key_compare(&known.key, &held.key, words);
	snprintf(detail, sizeof(detail), "%s; %s", words, why);
	if (is_same_meter)
		report(k, i, "key-changed", "%s, so it is the same meter and its values count", detail);
	else
		rc = end_lives(k, i, held.from_s, NULL, detail);
	return rc == 0 ? release(k, i, &held) : rc;
}

int ledger_keys_before(struct ledger_keys *k, size_t meter, int64_t slot_s)
{
	const struct ledger_hold *hold = ledger_holds_find(k->holds, meter);
	int rc;

	if (hold == NULL)
		return 0;
	rc = ledger_holds_note(k->holds, meter, slot_s);
	if (rc != 0 || !ledger_keys_is_moving(k, meter) || slot_s - hold->first_s < LEDGER_KEYS_WAIT_S)
		return rc;
	return answer(k, meter, false, "it has not reported a serial number for an hour");
}

bool ledger_keys_is_moving(const struct ledger_keys *k, size_t meter)
{
	const struct ledger_hold *hold = ledger_holds_find(k->holds, meter);

	return hold != NULL && strcmp(hold->why, LEDGER_HOLD_IDENTITY) == 0;
}

int ledger_keys_identify(struct ledger_keys *k, size_t meter, const char *serial)
{
	const char *known = k->book->reg->list[meter].serial;
	bool is_same_meter = strcmp(known, serial) == 0;
	char why[60 + 2 * DB_SERIAL_MAX];
	int rc;

	if (is_same_meter)
		snprintf(why, sizeof(why), "its serial number is %s as before", serial);
	else
		snprintf(why, sizeof(why), "its serial number was %s, is now %s", known, serial);
	rc = answer(k, meter, is_same_meter, why);
	return rc == 0 ? ledger_exchange_note_serial(k->exchange, meter, serial, why) : rc;
}

/* Feeding again */

int ledger_keys_resume(struct ledger_keys *k)
{
	struct ledger_book *b = k->book;
	int rc = ledger_holds_load(k->holds);

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct ledger_stored_key known, held;

		if (b->reg->list[i].is_input)
			continue;
		rc = ledger_keytable_get(k->book, i, &known, &held);
		if (rc == 0 && known.key.meaning != 0)
			rc = ledger_limits_restore(k->limits, b, i, known.key.meaning);
	}
	return rc;
}

int ledger_keys_load_list(struct ledger_keys *k, struct ledger_key_list *list)
{
	struct ledger_book *b = k->book;
	size_t n_rows = (size_t)db_number(b->db, "SELECT count(*) FROM meter_key", 0), n = 0;
	sqlite3_stmt *get = db_prepare(b->db, "SELECT meter, from_ts, meaning FROM meter_key "
					      "WHERE held = '' AND meaning <> 0 AND input = 0 ORDER BY meter, id");

	*list = (struct ledger_key_list){.steps = calloc(n_rows + 1, sizeof(*list->steps)),
					 .next = calloc(b->n + 1, sizeof(*list->next))};
	if (get == NULL || list->steps == NULL || list->next == NULL) {
		sqlite3_finalize(get);
		return get == NULL ? -EIO : -ENOMEM;
	}
	while (list->n < n_rows && db_next(k->book->db, get)) {
		int i = ledger_book_find(b, sqlite3_column_int64(get, 0));

		if (i >= 0)
			list->steps[list->n++] = (struct ledger_key_step){.meter = (size_t)i,
									  .from_s = sqlite3_column_int64(get, 1),
									  .meaning = sqlite3_column_int64(get, 2)};
	}
	sqlite3_finalize(get);
	for (size_t meter = 0; meter < b->n; meter++) {
		while (n < list->n && list->steps[n].meter < meter)
			n++;
		list->next[meter] = n;
	}
	return 0;
}

int ledger_keys_repeat_before(struct ledger_keys *k, struct ledger_key_list *list, size_t meter, int64_t slot_s)
{
	int rc = 0;

	if (list->n == 0)
		return 0;
	for (size_t *n = &list->next[meter];
	     rc == 0 && *n < list->n && list->steps[*n].meter == meter && list->steps[*n].from_s < slot_s; ++*n)
		rc = ledger_limits_restore(k->limits, k->book, meter, list->steps[*n].meaning);
	return rc;
}

void ledger_keys_free_list(struct ledger_key_list *list)
{
	free(list->steps);
	free(list->next);
	*list = (struct ledger_key_list){.n = 0};
}
