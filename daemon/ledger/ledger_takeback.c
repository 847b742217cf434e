/* SPDX-License-Identifier: MIT */
#include "ledger_takeback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger_difference.h"
#include "ledger_moments.h"
#include "ledger_rows.h"
#include "mono.h"

bool ledger_takeback_takes(struct ledger_takeback *t, const struct account_interval *i)
{
	if (t->takings == NULL || i->n_values == 0)
		return false;
	ledger_difference_take(t->takings, i);
	return true;
}

/* A life before the exchange. */
struct known_life {
	enum quantity quantity;
	int64_t life_s, value; /* when it began, and its last value in whole base units */
};

/* One meter or input that is counted otherwise than it was: from a state, with exchanges that were made since, with
 * others. */
struct recount {
	size_t meter;
	int64_t state;				/* of enum ledger_state_of */
	struct ledger_request_list made, right; /* since then, by at_s: those that were made, and those that were */
	const struct ledger_request *undone;	/* the one that is in made only, NULL = none */
	const struct ledger_request *late;	/* the one that is in right only, NULL = none */
	struct account_meter was;		/* as it is counted, while the book has another one */
	size_t n_lives;
	struct known_life lives[Q_COUNT];
	struct ledger_takings with, without;
	int64_t from_s, until_s; /* of the intervals that have changed, 0 = none */
};

/* Only what the account of meter i counts of a reading is left in it. Returns false where that is nothing. */
static bool keep_own(const struct ledger_takeback *t, size_t i, struct reading *r)
{
	const struct ledger_input *input = ledger_limits_find_input(t->limits, i, r->slot_s);
	int of = ledger_book_find(t->book, r->meter);
	struct reading own = *r;

	memset(own.present, 0, sizeof(own.present));
	for (int q = reading_next(r, 0); q < Q_COUNT; q = reading_next(r, q + 1)) {
		bool is_pulse = q >= Q_PULSES_1 && q <= Q_PULSES_8;

		if (t->book->reg->list[i].is_input
			    ? input != NULL && of == (int)input->concentrator && q == (int)input->pulses
			    : of == (int)i && !is_pulse)
			reading_set(&own, (enum quantity)q, r->values[q]);
	}
	*r = own;
	return reading_next(r, 0) < Q_COUNT;
}

/* Do what comes before a reading of this slot, but no exchange that was made after the last moment of it. 0 or -errno.
 */
static int repeat_moments(struct ledger_takeback *t, size_t i, int64_t slot_s, struct ledger_request_list *exchanges,
			  struct ledger_moment_list *moments)
{
	const struct ledger_moment *moment;
	int rc = 0;

	while (rc == 0 && (moment = ledger_moments_next(moments, i, slot_s)) != NULL) {
		rc = ledger_exchange_repeat_before(t->exchange, exchanges, i, slot_s, moment->request_id);
		if (rc == 0)
			rc = ledger_moments_repeat(t->book, moments, i);
	}
	return rc;
}

/* Make the exchanges that come before a slot. late: one whose figures nobody has looked at yet; NULL = none. 0;
 * -ECANCELED: they cannot be right, see why; or another -errno. */
static int exchange_before(struct ledger_takeback *t, size_t i, int64_t slot_s, struct ledger_request_list *exchanges,
			   struct ledger_moment_list *moments, const struct ledger_request *late, char *why)
{
	int rc;

	ledger_exchange_join(exchanges, i, slot_s);
	rc = repeat_moments(t, i, slot_s, exchanges, moments);
	if (rc != 0)
		return rc;
	if (late == NULL || late->at_s >= slot_s)
		return ledger_exchange_repeat_before(t->exchange, exchanges, i, slot_s, INT64_MAX);
	rc = ledger_exchange_repeat_before(t->exchange, exchanges, i, late->at_s, INT64_MAX);
	if (rc == 0 && ledger_exchange_refuses(t->exchange, late, why))
		rc = -ECANCELED;
	return rc == 0 ? ledger_exchange_repeat_before(t->exchange, exchanges, i, slot_s, INT64_MAX) : rc;
}

/* Count the kept readings of the meter again with these exchanges. late: as above. 0; -ECANCELED, see why; or another
 * -errno. */
static int count_again(struct ledger_takeback *t, const struct recount *u, const struct ledger_request_list *with,
		       const struct ledger_request *late, struct ledger_takings *out, char *why)
{
	struct ledger_book *b = t->book;
	size_t i = u->meter;
	struct account_meter *m = &b->meters[i].account;
	struct ledger_request_list exchanges = {.n = with->n, .requests = calloc(with->n + 1, sizeof(*with->requests))};
	struct reading r = {.quality = READING_GOOD};
	struct ledger_moment_list moments = {.moments = NULL};
	struct ledger_rows rows;
	unsigned suspect_kinds;
	int rc;

	if (exchanges.requests == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < with->n; k++) {
		exchanges.requests[k] = with->requests[k];
		exchanges.requests[k].meter = (int)i;
		exchanges.requests[k].is_alone = true;
		exchanges.requests[k].is_decided = exchanges.requests[k].is_late = false;
	}
	t->takings = out;
	/* a reading of this slot may have come in two parts */
	rc = ledger_rows_open(&rows, b, t->limits, t->lives, b->reg->list[i].is_input ? 0 : m->id, m->last_s - 1);
	if (rc == 0)
		rc = ledger_moments_load(b, i, m->last_s, &moments);
	while (rc == 0 && ledger_rows_next(&rows, &r)) {
		if (!keep_own(t, i, &r))
			continue;
		rc = exchange_before(t, i, r.slot_s, &exchanges, &moments, late, why);
		if (rc == 0)
			rc = ledger_feed(t->feed, &r, &suspect_kinds);
		if (rc == 0 && late != NULL && late->at_s < r.slot_s) {
			if (ledger_exchange_refuses_first(t->exchange, late, why))
				rc = -ECANCELED;
			late = NULL;
		}
	}
	ledger_rows_close(&rows);
	if (rc == 0)
		rc = repeat_moments(t, i, INT64_MAX, &exchanges, &moments);
	if (rc == 0)
		rc = ledger_exchange_repeat_rest(t->exchange, &exchanges);
	t->takings = NULL;
	ledger_moments_free(&moments);
	free(exchanges.requests);
	if (rc == 0 && b->error != 0)
		rc = b->error;
	return rc == 0 && out->is_out_of_memory ? -ENOMEM : rc;
}

/* Give meter i a state that it had. */
static int load_before(struct ledger_takeback *t, size_t i, int64_t state, int64_t counter_max)
{
	const struct ledger_input *input;
	int rc = ledger_state_load_before(t->state, i, state);

	if (rc != 0)
		return rc;
	/* no row keeps it */
	ledger_book_set_counter_max(t->book, i, counter_max);
	input = ledger_limits_resume(t->limits, t->book, i);
	ledger_book_set_period(t->book, i, input != NULL ? input->from_s : INT64_MIN);
	return 0;
}

/* Does counting again end where the account is? */
static bool is_repeated(const struct account_meter *was, const struct account_meter *m)
{
	for (size_t k = 0; k < was->n_counters; k++) {
		const struct account_counter *a = &was->counters[k], *b = account_counter(m, a->quantity);

		if (b == NULL || a->living != b->living || a->seen_s != b->seen_s ||
		    a->given.slot_s != b->given.slot_s || a->given.raw != b->given.raw ||
		    a->given.life_s != b->given.life_s || a->given.sum != b->given.sum ||
		    a->given.open_s != b->given.open_s)
			return false;
	}
	return was->n_counters == m->n_counters;
}

/* Returns false when a counter is kept in other parts of a base unit now. */
static bool note_lives(struct recount *u, const struct account_meter *before)
{
	for (size_t k = 0; k < before->n_counters; k++) {
		const struct account_counter *c = &before->counters[k];

		const struct account_counter *now = account_counter(&u->was, c->quantity);
		struct account_mark mark;

		if (!account_get_mark(before, c, &mark))
			continue;
		if (now == NULL || now->parts != c->parts)
			return false;
		u->lives[u->n_lives++] = (struct known_life){
			.quantity = c->quantity, .life_s = c->given.life_s, .value = mark.good.raw / c->parts};
	}
	return true;
}

/* Has the life of each counter that had one before the exchange continued? */
static bool has_continued(const struct recount *u, const struct account_meter *m, int64_t at_s, char *why)
{
	for (size_t k = 0; k < u->n_lives; k++) {
		const struct known_life *life = &u->lives[k];
		const struct names_row *row = names_get(life->quantity);
		const struct account_counter *was = account_counter(&u->was, life->quantity);
		struct account_mark mark = {.good = {.raw = was->given.raw}};
		char from[NAMES_VALUE_MAX], to[NAMES_VALUE_MAX];

		if (account_has_life(account_counter(m, life->quantity), life->life_s, at_s))
			continue;
		account_get_mark(&u->was, was, &mark);
		names_format(life->quantity, life->value, from, sizeof(from));
		names_format(life->quantity, mark.good.raw / was->parts, to, sizeof(to));
		snprintf(why, LEDGER_REASON_MAX, "%s was %s %s before it and is %s %s; the readings do not continue",
			 row->name, from, row->shown, to, row->shown);
		return false;
	}
	return true;
}

/* Lives and suspects of a meter are those of the time before the exchange again. 0 or -errno. */
static int clear(struct ledger_takeback *t, const struct recount *u, const struct account_meter *before)
{
	int rc = 0;

	account_reconsider(&t->book->account, before);
	for (size_t k = 0; k < u->was.n_counters && rc == 0; k++) {
		enum quantity q = u->was.counters[k].quantity;
		const struct account_counter *c = account_counter(before, q);

		rc = ledger_lives_clear_counter(t->lives, before->id, q, c != NULL ? c->given.slot_s : 0);
		ledger_lives_on_reconsidered(t->lives, before->id, q, before->last_s, u->was.last_s, NULL);
	}
	return rc;
}

static void write_time(int64_t t_s, char out[24])
{
	time_t t = (time_t)t_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Whether a reset of a meter was noticed after this time. */
static bool has_reset(const struct ledger_takeback *t, size_t i, int64_t after_s, char *why)
{
	char sql[120];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM life WHERE meter = %lld AND from_ts > %lld AND reason = 'reset'",
		 (long long)t->book->reg->list[i].id, (long long)after_s);
	if (db_number(t->book->db, sql, 0) == 0)
		return false;
	snprintf(why, LEDGER_REASON_MAX, "a reset was noticed after it");
	return true;
}

/* Whether readings of a meter after this time are deleted. */
static bool are_deleted(const struct ledger_takeback *t, size_t i, int64_t after_s, char *why)
{
	const struct ledger_book *b = t->book;

	if (b->meters[i].account.n_counters == 0 || after_s > ledger_book_get_time(b, "deleted_until"))
		return false;
	snprintf(why, LEDGER_REASON_MAX, "the readings of that time are deleted");
	return true;
}

/* Count one meter otherwise; the book has its new account then, and u the old one. 0; -ECANCELED: that is not possible,
 * see why; or another -errno. */
static int count_otherwise(struct ledger_takeback *t, struct recount *u, char *why)
{
	struct ledger_book *b = t->book;
	struct account_meter *m = ledger_book_change(b, u->meter);
	int rc;

	u->was = (struct account_meter){.id = m->id, .limits = m->limits, .every_s = m->every_s};
	ledger_book_swap(b, u->meter, &u->was);
	ledger_book_set_mode(b, LEDGER_REPLAY, INT64_MIN);
	rc = load_before(t, u->meter, u->state, u->was.counter_max);
	if (rc == -ENOENT) {
		snprintf(why, LEDGER_REASON_MAX,
			 "the state before it is not kept; there was another replacement, or the intervals, "
			 "the time zone or the clock have changed since");
		return -ECANCELED;
	}
	if (rc != 0)
		return rc;
	if (!note_lives(u, m)) {
		snprintf(why, LEDGER_REASON_MAX, "its counters are read in other units since");
		return -ECANCELED;
	}
	rc = count_again(t, u, &u->made, NULL, &u->with, why);
	if (rc != 0)
		return rc;
	if (!is_repeated(&u->was, m)) {
		snprintf(why, LEDGER_REASON_MAX, "something was decided after it that the readings do not show");
		return -ECANCELED;
	}
	ledger_book_forget_meter(b, u->meter);
	ledger_book_set_mode(b, LEDGER_RECOUNT, INT64_MIN);
	rc = load_before(t, u->meter, u->state, u->was.counter_max);
	if (rc == 0)
		rc = clear(t, u, m);
	if (rc == 0)
		rc = count_again(t, u, &u->right, u->late, &u->without, why);
	if (rc != 0)
		return rc;
	ledger_book_set_mode(b, LEDGER_LIVE, INT64_MIN);
	if (u->undone != NULL && !has_continued(u, m, u->undone->at_s, why))
		return -ECANCELED;
	if (ledger_difference_is_lost(&u->with, &u->without)) {
		snprintf(why, LEDGER_REASON_MAX, "more was decided with it");
		return -ECANCELED;
	}
	ledger_difference_write(b, u->meter, &u->with, &u->without, &u->from_s, &u->until_s);
	return b->error;
}

/* Copy the exchanges of a list that are of this meter and not before since_s, and another one in its place (NULL: none
 * more). 0 or -ENOMEM. */
static int copy_exchanges(const struct ledger_takeback *t, size_t i, int64_t since_s,
			  const struct ledger_request_list *all, const struct ledger_request *also,
			  struct ledger_request_list *out)
{
	out->requests = calloc(all->n + 1, sizeof(*out->requests));
	if (out->requests == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < all->n; k++) {
		const struct ledger_request *x = &all->requests[k];

		if (x->at_s < since_s || x->meter < 0 ||
		    !ledger_exchange_is_of(t->exchange, (size_t)x->meter, i, x->at_s))
			continue;
		if (also != NULL && also->at_s < x->at_s) {
			out->requests[out->n++] = *also;
			also = NULL;
		}
		out->requests[out->n++] = *x;
	}
	if (also != NULL)
		out->requests[out->n++] = *also;
	return 0;
}

/* Find the state that meter i can be counted again from with a late exchange, and the exchanges since. 0; -ECANCELED:
 * there is none, see why; or another -errno. */
static int prepare_late(const struct ledger_takeback *t, struct recount *u, const struct ledger_request *r,
			const struct ledger_request_list *all, char *why)
{
	const char *name = t->book->reg->list[u->meter].name;
	int64_t kept_s;
	char text[24];
	int rc;

	u->late = r;
	u->state = ledger_state_find_kept(t->state, u->meter, &kept_s);
	write_time(kept_s, text);
	if (u->state == LEDGER_STATE_NOW) {
		snprintf(why, LEDGER_REASON_MAX,
			 "what was counted of %s is final, since its key, its intervals, the time zone or the clock "
			 "have changed; without --at its new life begins now",
			 name);
		return -ECANCELED;
	}
	if (kept_s > r->at_s) {
		snprintf(why, LEDGER_REASON_MAX,
			 "what was counted of %s up to %s is final; without --at its new life begins now", name, text);
		return -ECANCELED;
	}
	if (are_deleted(t, u->meter, kept_s, why))
		return -ECANCELED;
	rc = copy_exchanges(t, u->meter, kept_s, all, NULL, &u->made);
	return rc == 0 ? copy_exchanges(t, u->meter, kept_s, all, r, &u->right) : rc;
}

/* The same of an exchange that was none: from the state before it, and nothing since. */
static int prepare_undo(const struct ledger_takeback *t, struct recount *u, const struct ledger_request *x, char *why)
{
	static const struct ledger_request_list none;

	u->undone = x;
	u->state = x->id;
	if (has_reset(t, u->meter, x->at_s, why) || are_deleted(t, u->meter, x->at_s, why))
		return -ECANCELED;
	return copy_exchanges(t, u->meter, 0, &none, x, &u->made);
}

/* The meters and inputs that are counted otherwise because of one exchange. */
struct recounts {
	size_t n;
	struct recount *list;
};

static void free_recounts(struct recounts *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct recount *u = &all->list[i];

		account_fini(&u->was);
		ledger_difference_free(&u->with);
		ledger_difference_free(&u->without);
		free(u->made.requests);
		free(u->right.requests);
	}
	free(all->list);
}

/* Is there nothing to be counted again? */
static bool is_ahead(const struct account_meter *m, const struct ledger_request *late)
{
	return m->n_counters == 0 || m->last_s <= late->at_s;
}

/* Count everything otherwise that the exchange x is of: with it, if it is late, or without it. 0; -ECANCELED, see why;
 * or another -errno. */
static int count_all(struct ledger_takeback *t, const struct ledger_request *x, bool is_late,
		     const struct ledger_request_list *exchanges, struct recounts *all, char *why)
{
	struct ledger_book *b = t->book;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct recount *u = &all->list[all->n];

		if (!ledger_exchange_is_of(t->exchange, (size_t)x->meter, i, x->at_s) ||
		    (is_late && is_ahead(&b->meters[i].account, x)))
			continue;
		all->n++;
		u->meter = i;
		rc = is_late ? prepare_late(t, u, x, exchanges, why) : prepare_undo(t, u, x, why);
		if (rc == 0)
			rc = count_otherwise(t, u, why);
		/* states of later have it, or have it not */
		if (rc == 0)
			rc = ledger_state_forget_kept(t->state, i, x->at_s);
	}
	ledger_book_set_mode(b, LEDGER_LIVE, INT64_MIN);
	for (size_t i = 0; i < b->n && rc == 0 && is_late; i++) {
		struct ledger_request own = *x;

		own.meter = (int)i;
		own.is_alone = true;
		if (ledger_exchange_is_of(t->exchange, (size_t)x->meter, i, x->at_s) &&
		    is_ahead(&b->meters[i].account, x))
			rc = ledger_exchange_repeat_rest(t->exchange,
							 &(struct ledger_request_list){.n = 1, .requests = &own});
	}
	return rc;
}

/* End the savepoint, with its changes or without. 0, or -errno: the transaction has to be taken back. */
static int end_savepoint(struct db *db, bool keep)
{
	int rc = keep ? 0 : db_exec(db, "ROLLBACK TO takeback");

	return rc == 0 ? db_exec(db, "RELEASE takeback") : rc;
}

/* The same, or the book has what it had. */
static int count_all_or_nothing(struct ledger_takeback *t, const struct ledger_request *x, bool is_late,
				const struct ledger_request_list *exchanges, struct recounts *all, char *why)
{
	struct ledger_book *b = t->book;
	int64_t newest_s = b->newest_s, counted_s = b->account.counted_s, now_s = mono_wall_ms() / 1000;
	int rc = 0, ended;

	/* results that wait are given out in any case: they are kept when the rest is not */
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (!ledger_exchange_is_of(t->exchange, (size_t)x->meter, i, x->at_s))
			continue;
		account_report_missing(&b->account, ledger_book_change(b, i), now_s, 0);
		/* also where that gives nothing out: counted otherwise it may */
		rc = b->error != 0 ? b->error : ledger_moments_put(b, i, LEDGER_GAVE_OUT, now_s);
	}
	if (rc == 0)
		rc = db_exec(b->db, "SAVEPOINT takeback");
	if (rc != 0)
		return rc;
	all->list = calloc(b->n + 1, sizeof(*all->list));
	rc = all->list == NULL ? -ENOMEM : count_all(t, x, is_late, exchanges, all, why);
	ledger_book_set_mode(b, LEDGER_LIVE, INT64_MIN);
	ledger_book_set_newest(b, newest_s);
	ledger_book_set_counted(b, counted_s);
	if (rc != 0) {
		for (size_t i = 0; i < all->n; i++)
			if (all->list[i].was.id != 0)
				ledger_book_swap(b, all->list[i].meter, &all->list[i].was);
		ledger_intervals_forget(t->intervals);
		ledger_registers_forget(t->registers);
	}
	ended = end_savepoint(b->db, rc == 0);
	return ended != 0 ? ended : rc;
}

static void note_revisions(struct ledger_takeback *t, const struct recounts *all, const char *reason)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].from_s != 0)
			ledger_revisions_on_revised(t->revisions, t->book->reg->list[all->list[i].meter].id,
						    all->list[i].from_s, all->list[i].until_s, reason);
}

/* The last exchange that the meter of a request had, of a list of exchanges; NULL = it had none. */
static const struct ledger_request *find_last(const struct ledger_request_list *exchanges,
					      const struct ledger_request *r)
{
	const struct ledger_request *last = NULL;

	for (size_t i = 0; i < exchanges->n; i++)
		if (exchanges->requests[i].meter == r->meter && exchanges->requests[i].kind != LEDGER_HANDOVER)
			last = &exchanges->requests[i];
	return last;
}

/* An exchange was none. */
static int decide_undo(struct ledger_takeback *t, struct ledger_request *r, const struct ledger_request_list *exchanges)
{
	struct ledger_book *b = t->book;
	struct recounts all = {.n = 0};
	const struct ledger_request *x = r->meter >= 0 ? find_last(exchanges, r) : NULL;
	char why[LEDGER_REASON_MAX] = "it has no replacement that could be taken back", text[24];
	int rc = x != NULL ? count_all_or_nothing(t, x, false, exchanges, &all, why) : -ECANCELED;

	if (rc == -ECANCELED)
		rc = ledger_request_decide(b, r, false, why);
	if (rc != 0 || r->is_decided)
		goto out;
	write_time(x->at_s, text);
	snprintf(why, sizeof(why), "its replacement of %s, as requested by tally replace; its life continues", text);
	for (size_t i = 0; i < all.n; i++)
		b->sink.event(b->sink.context, b->newest_s * 1000, b->reg->list[all.list[i].meter].name, "taken-back",
			      why);
	note_revisions(t, &all, why);
	rc = ledger_request_undo(b, x, r);
	if (rc == 0)
		rc = ledger_request_decide(b, r, true, "taken back; the life before the replacement continues");
out:
	free_recounts(&all);
	return rc;
}

/* There was an exchange before readings that have been counted. */
static int decide_late(struct ledger_takeback *t, struct ledger_request *r, const struct ledger_request_list *exchanges)
{
	struct ledger_book *b = t->book;
	struct recounts all = {.n = 0};
	char why[LEDGER_REASON_MAX], reason[LEDGER_REASON_MAX], text[24];
	int rc = count_all_or_nothing(t, r, true, exchanges, &all, why);

	if (rc == -ECANCELED)
		rc = ledger_request_decide(b, r, false, why);
	if (rc != 0 || r->is_decided)
		goto out;
	write_time(r->at_s + 1, text);
	snprintf(reason, sizeof(reason), "replaced at %s, as requested by tally replace", text);
	ledger_exchange_report(t->exchange, r, reason);
	note_revisions(t, &all, reason);
	ledger_exchange_describe(t->exchange, r, reason);
	rc = ledger_request_decide(b, r, true, reason);
out:
	free_recounts(&all);
	return rc;
}

int ledger_takeback(struct ledger_takeback *t, struct ledger_request_list *requests)
{
	int rc = 0;

	for (size_t i = 0; i < requests->n && rc == 0; i++) {
		struct ledger_request *r = &requests->requests[i];
		struct ledger_request_list exchanges = {.n = 0};

		if (r->is_decided || (r->kind != LEDGER_UNDO && !r->is_late))
			continue;
		rc = ledger_request_load_exchanges(t->book, &exchanges);
		if (rc == 0)
			rc = r->is_late ? decide_late(t, r, &exchanges) : decide_undo(t, r, &exchanges);
		if (rc == 0)
			rc = ledger_state_save(t->state, true);
		free(exchanges.requests);
	}
	return rc;
}
