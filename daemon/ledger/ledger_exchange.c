/* SPDX-License-Identifier: MIT */
#include "ledger_exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mono.h"

int ledger_exchange_open(struct ledger_exchange_desk *d, struct ledger_book *book, struct db_meters *reg,
			 const struct ledger_limits *limits, struct ledger_state *state)
{
	*d = (struct ledger_exchange_desk){.book = book, .reg = reg, .limits = limits, .state = state};
	d->get_version = db_prepare(book->db, "PRAGMA data_version");
	return d->get_version != NULL ? 0 : -EIO;
}

void ledger_exchange_close(struct ledger_exchange_desk *d)
{
	sqlite3_finalize(d->get_version);
	ledger_exchange_committed(d);
	*d = (struct ledger_exchange_desk){.book = NULL};
}

bool ledger_exchange_is_of(const struct ledger_exchange_desk *d, size_t meter, size_t i, int64_t at_s)
{
	const struct ledger_input *input;

	if (i == meter)
		return true;
	input = d->reg->list[i].is_input ? ledger_limits_find_input(d->limits, i, at_s) : NULL;
	return input != NULL && input->concentrator == meter;
}

static enum quantity main_counter_of(const struct ledger_exchange_desk *d, size_t i, int64_t at_s)
{
	const struct ledger_input *input = NULL;

	if (d->reg->list[i].is_input)
		input = ledger_limits_find_input(d->limits, i, at_s);
	return input != NULL ? input->quantity : Q_ACTIVE_ENERGY_IMPORT;
}

static struct account_exchange exchange_of(const struct ledger_request *r)
{
	return (struct account_exchange){.slot_s = r->at_s,
					 .may_be_late = (r->kind == LEDGER_REPLACE || r->kind == LEDGER_SERIAL) &&
							!r->is_named,
					 .has_final = r->has_final,
					 .has_initial = r->has_initial,
					 .final = r->final,
					 .initial = r->initial,
					 .is_forced = r->is_forced};
}

/* Whether this counter has noticed the exchange before, as a reset. A final value shows whether it is of that one or of
 * another one since: then for all counters. */
static bool has_noticed(const struct ledger_exchange_desk *d, size_t i, enum quantity q, const struct ledger_request *r)
{
	const struct account *a = &d->book->account;
	const struct account_meter *m = &d->book->meters[i].account;
	enum quantity main_counter = main_counter_of(d, i, r->at_s);
	bool has_final = r->has_final && (int)i == r->meter;

	if (r->kind != LEDGER_REPLACE || r->is_named)
		return false;
	if (has_final && !account_has_noticed(a, m, main_counter, r->at_s, &r->final))
		return false;
	return account_has_noticed(a, m, q, r->at_s, has_final && q == main_counter ? &r->final : NULL);
}

/* 0 or -errno. */
static int hand_over(struct ledger_exchange_desk *d, const struct ledger_request *r)
{
	struct ledger_book *b = d->book;
	int rc = 0;

	if (r->other < 0)
		return 0;
	if (b->mode != LEDGER_REPLAY)
		rc = ledger_state_forget_kept(d->state, (size_t)r->other, INT64_MIN);
	if (rc == 0 && b->mode != LEDGER_REPLAY)
		rc = ledger_state_forget_kept(d->state, (size_t)r->meter, INT64_MIN);
	if (rc != 0)
		return rc;
	rc = account_hand_over(&b->account, ledger_book_change(b, (size_t)r->other),
			       ledger_book_change(b, (size_t)r->meter));
	return rc == 0 ? b->error : rc;
}

/* End the lives of the counters of a meter and of the inputs on it; the figures are of its main counter only. 0 or
 * -errno. */
static int exchange(struct ledger_exchange_desk *d, const struct ledger_request *r)
{
	struct ledger_book *b = d->book;
	struct account_exchange with = exchange_of(r);
	int rc = 0;

	if (r->kind == LEDGER_HANDOVER)
		return hand_over(d, r);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		enum quantity main_counter = main_counter_of(d, i, r->at_s);
		struct account_exchange without = {.slot_s = with.slot_s, .may_be_late = with.may_be_late};
		struct account_meter *m;

		if (r->is_alone ? (int)i != r->meter : !ledger_exchange_is_of(d, (size_t)r->meter, i, r->at_s))
			continue;
		if (b->mode != LEDGER_REPLAY)
			rc = ledger_state_save_before(d->state, i, r->id);
		/* its bounds are others then */
		if (b->mode != LEDGER_REPLAY && rc == 0 && r->kind == LEDGER_KEY)
			rc = ledger_state_forget_kept(d->state, i, INT64_MIN);
		m = ledger_book_change(b, i);
		for (size_t k = 0; k < m->n_counters; k++) {
			enum quantity q = m->counters[k].quantity;

			if (!has_noticed(d, i, q, r) && (!r->is_partial || r->counters[q]))
				account_replace(&b->account, m, q,
						(int)i == r->meter && q == main_counter ? &with : &without);
		}
	}
	return rc == 0 ? b->error : rc;
}

/* Write why a figure of a request cannot be right. Returns false when it can. value and most: as of
 * account_check_exchange(). */
static bool describe_misfit(const struct ledger_request *r, enum quantity q, enum account_fit fit, int64_t value,
			    int64_t most, char reason[LEDGER_REASON_MAX])
{
	char figure[NAMES_VALUE_MAX], reading[NAMES_VALUE_MAX], passed[NAMES_VALUE_MAX];
	const char *unit = names_get(q)->shown;

	names_format(q, fit < ACCOUNT_INITIAL_TOO_LOW ? r->final : r->initial, figure, sizeof(figure));
	names_format(q, value, reading, sizeof(reading));
	names_format(q, most, passed, sizeof(passed));
	switch (fit) {
	case ACCOUNT_FITS:
		break;
	case ACCOUNT_NOTHING_COUNTED:
		snprintf(reason, LEDGER_REASON_MAX, "it has no reading that the final value could be counted from");
		break;
	case ACCOUNT_FINAL_TOO_LOW:
		snprintf(reason, LEDGER_REASON_MAX,
			 "the final value %s %s is below the last reading %s %s; --force accepts it, and counts to "
			 "the reading",
			 figure, unit, reading, unit);
		break;
	case ACCOUNT_FINAL_TOO_HIGH:
		snprintf(
			reason, LEDGER_REASON_MAX,
			"the final value %s %s is above what can be: the last reading was %s %s, and at most %s %s can "
			"have passed since; --force counts it",
			figure, unit, reading, unit, passed, unit);
		break;
	case ACCOUNT_INITIAL_TOO_LOW:
		snprintf(reason, LEDGER_REASON_MAX,
			 "the initial value %s %s is too low: the first reading of the new meter is %s %s, and at most "
			 "%s %s can have passed before it; --force counts it",
			 figure, unit, reading, unit, passed, unit);
		break;
	case ACCOUNT_INITIAL_TOO_HIGH:
		snprintf(reason, LEDGER_REASON_MAX,
			 "the initial value %s %s is above the first reading of the new meter %s %s; --force accepts "
			 "it, "
			 "and counts from the reading",
			 figure, unit, reading, unit);
		break;
	}
	return fit != ACCOUNT_FITS;
}

bool ledger_exchange_refuses(const struct ledger_exchange_desk *d, const struct ledger_request *r,
			     char reason[LEDGER_REASON_MAX])
{
	size_t i = (size_t)r->meter;
	enum quantity q = main_counter_of(d, i, r->at_s);
	const struct account_exchange x = exchange_of(r);
	enum account_fit fit = ACCOUNT_FITS;
	int64_t value = 0, most = 0;

	if (!r->has_final && !r->has_initial)
		return false;
	if (has_noticed(d, i, q, r)) {
		snprintf(reason, LEDGER_REASON_MAX,
			 "already noticed as a reset; final and initial values cannot be counted any more");
		return true;
	}
	if (!r->is_forced)
		fit = account_check_exchange(&d->book->account, &d->book->meters[i].account, q, &x, &value, &most);
	return describe_misfit(r, q, fit, value, most, reason);
}

bool ledger_exchange_refuses_first(const struct ledger_exchange_desk *d, const struct ledger_request *r,
				   char reason[LEDGER_REASON_MAX])
{
	size_t i = (size_t)r->meter;
	enum quantity q = main_counter_of(d, i, r->at_s);
	enum account_fit fit = ACCOUNT_FITS;
	int64_t value = 0, most = 0;

	if (r->has_initial && !r->is_forced)
		fit = account_check_first(&d->book->meters[i].account, q, &value, &most);
	return describe_misfit(r, q, fit, value, most, reason);
}

/* The names of the inputs that are exchanged with a concentrator. Returns how many. */
static size_t list_inputs(const struct ledger_exchange_desk *d, const struct ledger_request *r, char *out, size_t size)
{
	size_t n = 0, at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < d->book->n && at < size; i++) {
		if ((int)i == r->meter || !ledger_exchange_is_of(d, (size_t)r->meter, i, r->at_s))
			continue;
		at += (size_t)snprintf(out + at, size - at, "%s%s", n > 0 ? ", " : "", d->reg->list[i].name);
		n++;
	}
	return n;
}

void ledger_exchange_report(const struct ledger_exchange_desk *d, const struct ledger_request *r, const char *detail)
{
	const struct ledger_sink *sink = &d->book->sink;
	char of_input[CONF_NAME_MAX + 40];

	snprintf(of_input, sizeof(of_input), "its concentrator %s was replaced", d->reg->list[r->meter].name);
	for (size_t i = 0; i < d->book->n; i++)
		if (ledger_exchange_is_of(d, (size_t)r->meter, i, r->at_s))
			sink->event(sink->context, r->at_s * 1000, d->reg->list[i].name, "meter-replaced",
				    (int)i == r->meter ? detail : of_input);
}

/* An exchange is at the end of what has been counted, if it was before that: after the last reading, and after another
 * exchange since then, up to which the figures of that one count. So the order of their times is that in which they
 * were made. */
static void set_back(const struct ledger_exchange_desk *d, struct ledger_request *r)
{
	int64_t at_s = r->at_s;

	for (size_t i = 0; i < d->book->n; i++) {
		const struct account_meter *m = &d->book->meters[i].account;

		if (!ledger_exchange_is_of(d, (size_t)r->meter, i, at_s))
			continue;
		r->at_s = r->at_s > m->last_s ? r->at_s : m->last_s;
		for (size_t k = 0; k < m->n_counters; k++)
			if (r->at_s < m->counters[k].given.slot_s)
				r->at_s = m->counters[k].given.slot_s;
	}
}

/* Make an exchange that is in the table, with an event. */
static int make(struct ledger_exchange_desk *d, struct ledger_request *r, const char *detail, const char *reason)
{
	int rc = ledger_request_decide(d->book, r, true, reason);

	if (rc == 0)
		rc = exchange(d, r);
	if (rc != 0)
		return rc;
	ledger_exchange_report(d, r, detail);
	return ledger_state_save(d->state, true);
}

void ledger_exchange_describe(const struct ledger_exchange_desk *d, const struct ledger_request *r,
			      char reason[LEDGER_REASON_MAX])
{
	char inputs[LEDGER_REASON_MAX / 2];

	if (list_inputs(d, r, inputs, sizeof(inputs)) > 0)
		snprintf(reason, LEDGER_REASON_MAX, "replaced; new lives begin for its inputs %s", inputs);
	else
		snprintf(reason, LEDGER_REASON_MAX, "replaced; the new counter is used from now on");
}

/* Decide about an exchange that people requested. */
static int decide(struct ledger_exchange_desk *d, struct ledger_request *r)
{
	char reason[LEDGER_REASON_MAX];
	const char *detail = "as requested by tally replace";

	if (r->meter < 0)
		return ledger_request_decide(d->book, r, false, "there is no meter or input of this name");
	set_back(d, r);
	if (ledger_exchange_refuses(d, r, reason))
		return ledger_request_decide(d->book, r, false, reason);
	if (has_noticed(d, (size_t)r->meter, main_counter_of(d, (size_t)r->meter, r->at_s), r)) {
		detail = "already noticed as a reset";
		snprintf(reason, sizeof(reason), "%s; its life continues", detail);
	} else {
		ledger_exchange_describe(d, r, reason);
	}
	return make(d, r, detail, reason);
}

/* Of the first n of a list: the first exchange that comes before a reading of this meter in slot_s and was not made;
 * NULL = none. What is handed over to a meter comes after what was handed over to the one that it comes from: that may
 * have had no reading in between. */
static struct ledger_request *find_due(const struct ledger_exchange_desk *d, const struct ledger_request_list *list,
				       size_t n, size_t meter, int64_t slot_s, int64_t last_id)
{
	for (size_t i = 0; i < n; i++) {
		struct ledger_request *due = &list->requests[i], *before = NULL;

		if (due->is_decided || due->is_late || due->at_s >= slot_s || due->id > last_id ||
		    due->kind == LEDGER_UNDO || due->meter < 0)
			continue;
		/* an input's readings are its concentrator's */
		if ((size_t)due->meter != meter && !ledger_exchange_is_of(d, meter, (size_t)due->meter, slot_s))
			continue;
		if (due->kind == LEDGER_HANDOVER && due->other >= 0)
			before = find_due(d, list, i, (size_t)due->other, slot_s, last_id);
		return before != NULL ? before : due;
	}
	return NULL;
}

/* Whether readings after an exchange have been counted. */
static bool is_counted(const struct ledger_exchange_desk *d, const struct ledger_request *r)
{
	for (size_t i = 0; i < d->book->n; i++)
		if (ledger_exchange_is_of(d, (size_t)r->meter, i, r->at_s) &&
		    d->book->meters[i].account.last_s > r->at_s)
			return true;
	return false;
}

bool ledger_exchange_is_due(const struct ledger_exchange_desk *d)
{
	return d->seen_version != 0 && db_answer(d->book->db, d->get_version, 0) != d->seen_version;
}

int ledger_exchange_begin(struct ledger_exchange_desk *d)
{
	int64_t version = db_answer(d->book->db, d->get_version, 0);
	int rc;

	if (version == d->seen_version || d->book->mode != LEDGER_LIVE)
		return 0;
	rc = ledger_request_load_waiting(d->book, &d->requests);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < d->requests.n; i++) {
		struct ledger_request *r = &d->requests.requests[i];

		/* in the second of the request the new meter was there, also for the slot of that second */
		r->at_s--;
		r->is_late = r->is_named && r->meter >= 0 && is_counted(d, r);
	}
	d->seen_version = version;
	return 0;
}

int ledger_exchange_before(struct ledger_exchange_desk *d, size_t meter, int64_t slot_s)
{
	struct ledger_request *due;
	int rc = 0;

	while (rc == 0 && (due = find_due(d, &d->requests, d->requests.n, meter, slot_s, INT64_MAX)) != NULL)
		rc = decide(d, due);
	return rc;
}

int ledger_exchange_rest(struct ledger_exchange_desk *d)
{
	int rc = 0;

	for (size_t i = 0; i < d->requests.n && rc == 0; i++) {
		struct ledger_request *r = &d->requests.requests[i];

		if (r->kind == LEDGER_REPLACE && !r->is_decided && !r->is_late)
			rc = decide(d, r);
	}
	return rc;
}

void ledger_exchange_committed(struct ledger_exchange_desk *d)
{
	free(d->requests.requests);
	d->requests = (struct ledger_request_list){.n = 0};
}

void ledger_exchange_undo(struct ledger_exchange_desk *d)
{
	ledger_exchange_committed(d);
	d->seen_version = -1;
}

int ledger_exchange_end_lives(struct ledger_exchange_desk *d, size_t i, int64_t at_s, const bool *counters,
			      const char *words)
{
	struct ledger_request r = {.kind = LEDGER_KEY, .meter = (int)i, .at_s = at_s, .is_partial = counters != NULL};
	int rc;

	if (counters != NULL)
		memcpy(r.counters, counters, sizeof(r.counters));
	rc = ledger_request_put_key(d->book, &r, words);
	if (rc != 0)
		return rc;
	set_back(d, &r);
	rc = ledger_request_decide(d->book, &r, true, words);
	if (rc != 0)
		return rc;
	ledger_state_want(d->state);
	return exchange(d, &r);
}

int ledger_exchange_hand_over(struct ledger_exchange_desk *d, size_t from, size_t to)
{
	struct ledger_book *b = d->book;
	const struct ledger_sink *sink = &b->sink;
	const char *old = d->reg->list[from].name, *new = d->reg->list[to].name;
	struct ledger_request r = {
		.kind = LEDGER_HANDOVER, .meter = (int)to, .other = (int)from, .at_s = b->meters[from].account.last_s};
	char words[200 + 4 * CONF_NAME_MAX];
	int rc = ledger_request_put_handover(b, &r);

	snprintf(words, sizeof(words),
		 "was read as %s, which is no longer configured, and continues its counters; tally rename %s %s puts "
		 "both "
		 "histories under one name",
		 old, old, new);
	if (rc == 0)
		rc = ledger_request_decide(b, &r, true, words);
	if (rc == 0)
		rc = exchange(d, &r);
	if (rc == 0 && d->reg->list[from].serial[0] != '\0')
		rc = ledger_exchange_note_serial(d, to, d->reg->list[from].serial, words);
	if (rc != 0)
		return rc;
	ledger_state_want(d->state);
	sink->event(sink->context, mono_wall_ms(), new, "meter-known", words);
	return 0;
}

void ledger_exchange_suggest_rename(const struct ledger_exchange_desk *d, size_t i, const char *serial)
{
	const struct ledger_sink *sink = &d->book->sink;
	char detail[200 + DB_SERIAL_MAX + 4 * CONF_NAME_MAX];

	for (size_t k = d->reg->n; k-- > 0;) {
		const struct db_meter *old = &d->reg->list[k];

		if (k == i || old->configured || strcmp(old->serial, serial) != 0)
			continue;
		snprintf(detail, sizeof(detail),
			 "serial number %s is that of %s, which is no longer configured; tally rename %s %s puts both "
			 "histories "
			 "under one name",
			 serial, old->name, old->name, d->reg->list[i].name);
		sink->event(sink->context, mono_wall_ms(), d->reg->list[i].name, "meter-known", detail);
		return;
	}
}

/* Believe a serial number; r becomes its row among the requests, in which it is not decided yet. */
static int believe(struct ledger_exchange_desk *d, struct ledger_request *r, const char *serial)
{
	int rc;

	ledger_book_touch(d->book, (size_t)r->meter);
	rc = db_meters_put_serial(d->reg, d->book->db, (size_t)r->meter, serial);
	if (rc != 0)
		return rc;
	set_back(d, r);
	return ledger_request_put_serial(d->book, r, serial);
}

int ledger_exchange_note_serial(struct ledger_exchange_desk *d, size_t i, const char *serial, const char *reason)
{
	struct ledger_request r = {.kind = LEDGER_SERIAL, .meter = (int)i};
	int rc;

	if (strcmp(d->reg->list[i].serial, serial) == 0)
		return 0;
	rc = believe(d, &r, serial);
	return rc == 0 ? ledger_request_decide(d->book, &r, false, reason) : rc;
}

int ledger_exchange_by_serial(struct ledger_exchange_desk *d, size_t i, const char *serial, bool was_there,
			      const char *detail)
{
	struct ledger_request r = {.kind = LEDGER_SERIAL, .meter = (int)i, .is_named = !was_there};
	int rc = believe(d, &r, serial);

	return rc == 0 ? make(d, &r, detail, detail) : rc;
}

/* Whether an exchange in a list is one of this meter alone that comes before a reading of slot_s and was not made. */
static bool is_due_of(const struct ledger_request *r, size_t meter, int64_t slot_s)
{
	return !r->is_decided && r->at_s < slot_s && r->meter == (int)meter;
}

void ledger_exchange_join(struct ledger_request_list *list, size_t meter, int64_t slot_s)
{
	bool is_ordered = false;

	for (size_t i = 0; i < list->n; i++)
		is_ordered |= is_due_of(&list->requests[i], meter, slot_s) && list->requests[i].kind == LEDGER_REPLACE;
	for (size_t i = 0; i < list->n && is_ordered; i++)
		if (is_due_of(&list->requests[i], meter, slot_s) && list->requests[i].kind == LEDGER_SERIAL)
			list->requests[i].is_decided = true;
}

int ledger_exchange_repeat_before(struct ledger_exchange_desk *d, struct ledger_request_list *list, size_t meter,
				  int64_t slot_s, int64_t last_id)
{
	struct ledger_request *due;
	int rc = 0;

	while (rc == 0 && (due = find_due(d, list, list->n, meter, slot_s, last_id)) != NULL) {
		rc = exchange(d, due);
		due->is_decided = true;
	}
	return rc;
}

int ledger_exchange_repeat_rest(struct ledger_exchange_desk *d, struct ledger_request_list *list)
{
	int rc = 0;

	for (size_t i = 0; i < list->n && rc == 0; i++)
		rc = list->requests[i].is_decided || list->requests[i].meter < 0 ? 0 : exchange(d, &list->requests[i]);
	return rc;
}
