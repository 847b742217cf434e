/* SPDX-License-Identifier: MIT */
#include "poller.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "meter.h"
#include "mono.h"
#include "noise.h"
#include "round.h"
#include "slack.h"

enum { STEP_BACK_MS = 2000 }; /* the wall clock may be slewed by less; a step of more means that it was set back */

struct poller {
	const struct conf_bus *conf;
	struct bus *bus;
	struct poller_sink sink;
	size_t n_meters;
	struct meter **meters;
	size_t n_periods;
	uint32_t *periods_s; /* of all meters, each once: few, however many meters */

	struct round round;
	struct noise noise;
	int64_t last_now_ms;
	int64_t idle_at_ms; /* when last no round was under way or due */
	bool is_contacted;  /* every meter has been asked its identity once */
	bool is_ending;	    /* nothing more is asked */
	bool is_replaced;   /* and another configuration is in force: answers may mean something else by it */

	uint64_t requests, errors, overruns;
	int64_t status_at_us, status_busy_us;
	char status_faults[HEALTH_COUNTS_TEXT_MAX];
	char status_refused[PARTS_NAMES_MAX];
	char status_mismatch[sizeof(((struct identity_texts *)0)->mismatch) + IDENTITY_ADVICE_MAX];
};

static void add_period(struct poller *p, uint32_t every_s)
{
	for (size_t i = 0; i < p->n_periods; i++)
		if (p->periods_s[i] == every_s)
			return;
	if (every_s != 0)
		p->periods_s[p->n_periods++] = every_s;
}

struct poller *poller_new(const struct conf_bus *conf, struct bus *bus, const struct poller_sink *sink, int64_t now_ms)
{
	struct poller *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = (struct poller){.conf = conf, .bus = bus, .sink = *sink, .last_now_ms = now_ms, .status_at_us = mono_us()};
	p->meters = calloc(conf->n_meters, sizeof(struct meter *));
	p->periods_s = calloc(2 * conf->n_meters, sizeof(*p->periods_s));
	if (p->meters == NULL || p->periods_s == NULL)
		goto fail;
	for (size_t i = 0; i < conf->n_meters; i++) {
		struct meter *m;

		if (conf->meters[i].driver == NULL)
			continue;
		m = meter_new(&conf->meters[i], sink->meter_id(sink->context, conf->meters[i].name), now_ms);
		if (m == NULL)
			goto fail;
		add_period(p, m->conf->energy_every_s);
		add_period(p, m->conf->power_every_s);
		p->meters[p->n_meters++] = m;
	}
	return p;
fail:
	poller_free(p);
	return NULL;
}

void poller_free(struct poller *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n_meters; i++)
		meter_free(p->meters[i]);
	free(p->meters);
	free(p->periods_s);
	free(p);
}

void poller_renew_ids(struct poller *p)
{
	for (size_t i = 0; i < p->n_meters; i++)
		meter_renew_id(p->meters[i], p->sink.meter_id(p->sink.context, p->meters[i]->conf->name));
}

void poller_inherit(struct poller *p, const struct poller *old)
{
	for (size_t i = 0; i < p->n_meters; i++)
		for (size_t k = 0; k < old->n_meters; k++)
			if (conf_meter_equal(p->meters[i]->conf, old->meters[k]->conf))
				meter_inherit(p->meters[i], old->meters[k]);
	round_inherit(&p->round, &old->round, p->n_meters > 0);
	p->last_now_ms = old->last_now_ms;
	p->requests = old->requests;
	p->errors = old->errors;
	p->overruns = old->overruns;
	p->noise = old->noise;
}

/* One log line that leads with its subject, a bus or a meter, and the event that goes with it unless kind is NULL. */
static void report(struct poller *p, int64_t at_ms, const char *what, const char *subject, const char *kind,
		   const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static void report(struct poller *p, int64_t at_ms, const char *what, const char *subject, const char *kind,
		   const char *fmt, ...)
{
	bool is_bad_news =
		kind != NULL && (strcmp(kind, "meter-down") == 0 || strcmp(kind, "bus-down") == 0 ||
				 strcmp(kind, "identity-changed") == 0 || strcmp(kind, "register-refused") == 0);
	char detail[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	if (is_bad_news)
		log_warning("%s %s: %s", what, subject, detail);
	else
		log_info("%s %s: %s", what, subject, detail);
	if (kind != NULL)
		p->sink.event(p->sink.context, at_ms, subject, kind, detail);
}

static void report_state(struct poller *p, const struct meter *m, enum health_state before, int64_t now_ms)
{
	const struct health *h = &m->health;
	const char *name = m->conf->name;
	long long next_try_s = h->probe_pause_ms / 1000;
	char counts[HEALTH_COUNTS_TEXT_MAX];

	health_counts_text(h, counts, sizeof(counts));
	switch (h->state) {
	case HEALTH_UP:
		if (before == HEALTH_SUSPECT && noise_note_return(&p->noise, m->id))
			report(p, now_ms, "meter", name, NULL, "up again");
		else if (before != HEALTH_SUSPECT)
			report(p, now_ms, "meter", name, "meter-up", "up: %s at %s address %u", m->conf->driver->title,
			       p->conf->name, m->conf->address);
		break;
	case HEALTH_SUSPECT:
		if (noise_note_failure(&p->noise, m->id, now_ms))
			report(p, now_ms, "meter", name, NULL,
			       "suspect: %s (so far %s); asked once a round until it answers", h->reason, counts);
		break;
	case HEALTH_DOWN:
		noise_note_return(&p->noise, m->id);
		if (h->counts[LINK_TIMEOUT] == h->requests)
			report(p, now_ms, "meter", name, "meter-down",
			       "down: never answered; check address %u, power and wiring; next try in "
			       "%lld s",
			       m->conf->address, next_try_s);
		else
			report(p, now_ms, "meter", name, "meter-down", "down: %s (so far %s); next try in %lld s",
			       h->reason, counts, next_try_s);
		break;
	case HEALTH_NEVER:
		break;
	}
}

static void silence_line(struct poller *p, size_t n_asked, int64_t now_ms)
{
	if (round_silence_line(&p->round, now_ms))
		report(p, now_ms, "bus", p->conf->name, "bus-down",
		       "down: none of %zu meters answers; check adapter, wiring and speed", n_asked);
}

/* A gateway that answers for silent meters is there itself. */
static bool all_are_down_and_silent(const struct poller *p)
{
	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->health.state != HEALTH_DOWN || p->meters[i]->health.answered_last)
			return false;
	return p->n_meters >= 2;
}

/* The meter's task is over: its state follows from the outcome and is reported when it has changed. */
static void end_task(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	enum health_state before = m->health.state;

	asking_end(&m->asking);
	if (outcome == ASKING_ANSWERED)
		health_answered(&m->health);
	/* On a silent line silence says nothing about this meter, nor does a task that was cut short. */
	else if (outcome == ASKING_FAILED && !p->round.is_silent && !p->is_ending)
		health_failed(&m->health, asking_lacks_function(&m->asking), now_ms);
	if (m->health.state == before)
		return;
	report_state(p, m, before, now_ms);
	if (m->health.state == HEALTH_DOWN && all_are_down_and_silent(p))
		silence_line(p, p->n_meters, now_ms);
}

/* How often what the meter is asked may be retried. For one that failed last that is not worth the time. */
static unsigned n_retries(const struct meter *m)
{
	return m->health.failed_rounds == 0 ? m->conf->retries : 0;
}

/* Hand the bus one more job of a meter that was asked before. */
static void submit(struct poller *p, struct meter *m)
{
	round_add_job(&p->round, &m->mark);
	bus_submit(p->bus, &m->asking.job);
}

static enum reading_doubt judge(const struct poller *p, const struct meter *m, const struct reading *r)
{
	return p->sink.judge == NULL ? READING_FOLLOWS : p->sink.judge(p->sink.context, r, m->second.power_mw);
}

/* Registers have answered. One whose refusal was reported is back. */
static void note_answers(struct poller *p, struct meter *m, int64_t now_ms)
{
	struct plan_rows rows = asking_answered_rows(&m->asking);
	char back[PARTS_NAMES_MAX];

	parts_note_answered(&m->parts, &rows, back, sizeof(back));
	if (back[0] != '\0')
		report(p, now_ms, "meter", m->conf->name, "register-back", "answers %s again", back);
}

/* Begin to read the counters of a meter once more, in the time that the round leaves. Those that cannot be right may be
 * another meter's: then all counters start over, also those whose step from one meter to the other looks like
 * consumption, so it is asked its identity first. Returns false where there is nothing to ask. */
static bool read_again(struct meter *m, const struct reading *r, enum reading_doubt doubt)
{
	struct asking *a = &m->asking;
	bool is_unlikely = doubt == READING_IS_UNLIKELY;

	due_want(&m->due, r->groups);
	if (is_unlikely)
		identity_ask_now(&m->identity);
	if (!(is_unlikely && asking_begin_identify(a, 1)) && !asking_begin_read(a, m->due.wanted, 1))
		return false;
	second_keep(&m->second, r, !is_unlikely);
	identity_confirm_counters(&m->identity, true);
	asking_wait(a, 1);
	return true;
}

/* Pass on a reading, and say so where it is the second one and the first was false. */
static void pass_on(struct poller *p, struct meter *m, const struct reading *r, int64_t now_ms)
{
	char text[SECOND_TEXT_MAX];

	if (m->identity.confirms_counters && m->identity.texts.mismatch[0] == '\0' &&
	    judge(p, m, r) == READING_FOLLOWS && second_explain(&m->second, r, text, sizeof(text)))
		report(p, now_ms, "meter", m->conf->name, "read-twice", "%s", text);
	p->sink.reading(p->sink.context, r);
	second_passed(&m->second, r);
}

/* A read has ended, with all, some or none of its values. Counters that do not follow on are read a second time, and
 * the second reading is passed on whatever it says. */
static void finish_read(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	struct asking *a = &m->asking;
	uint32_t period_s = a->groups & DRIVER_ENERGY ? m->conf->energy_every_s : m->conf->power_every_s;
	int64_t delay_ms = now_ms - (mono_us() - a->job.ended_us) / 1000 - m->due.slot_s * 1000;
	struct reading r = {.meter = m->id, .slot_s = m->due.slot_s, .groups = a->groups}, first;
	bool has_values = asking_reading(a, &r) > 0;

	/* A clock that was set during the round makes any number of the delay. */
	r.delay_ms = delay_ms < 0 ? 0 : delay_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)delay_ms;
	if (m->identity.texts.mismatch[0] != '\0')
		r.quality = READING_SUSPECT;
	else if (delay_ms > (int64_t)period_s * 500)
		r.quality = READING_LATE;
	if (has_values)
		second_note(&m->second, &r);

	if (has_values && r.groups & DRIVER_ENERGY && r.quality != READING_SUSPECT && !p->is_ending &&
	    !m->identity.confirms_counters) {
		enum reading_doubt doubt = judge(p, m, &r);

		if (doubt != READING_FOLLOWS && read_again(m, &r, doubt))
			return;
	}
	if (has_values && !p->is_replaced)
		pass_on(p, m, &r, now_ms);
	if (second_take(&m->second, &first) && !has_values && !p->is_replaced) {
		p->sink.reading(p->sink.context, &first);
		second_passed(&m->second, &first);
		has_values = true;
	}
	identity_confirm_counters(&m->identity, false);

	/* After a reload the next poller asks again for what was in hand. Nothing of a slot is stored twice. */
	if (p->is_ending ? p->is_replaced || outcome != ASKING_ANSWERED : !has_values && outcome == ASKING_NO_LINE)
		due_give_back(&m->due, a->groups);
	if (outcome == ASKING_ANSWERED)
		identity_note_read(&m->identity, now_ms);
	note_answers(p, m, now_ms);
	asking_give_refused(a, &m->parts);
	/* Parts find out whether one register is missing; a meter that refuses all of them has failed this round. */
	end_task(p, m, outcome == ASKING_REFUSED ? ASKING_FAILED : outcome, now_ms);
}

/* Accept the identity that was answered, and report what is new in it. */
static void accept_identity(struct poller *p, struct meter *m, int64_t now_ms)
{
	struct reading r = {.meter = m->id, .slot_s = now_ms / 1000, .groups = DRIVER_STATE};
	struct identity_texts old = m->identity.texts;
	const struct identity_texts *texts = &m->identity.texts;
	const char *name = m->conf->name;

	identity_accept(&m->identity, &m->asking, now_ms);
	if (texts->mismatch[0] != '\0' && strcmp(texts->mismatch, old.mismatch) != 0) {
		identity_advise(&m->identity, &m->asking, p->conf->driver_path);
		report(p, now_ms, "meter", name, "identity-changed", "not a %s: %s%s; its readings are kept as suspect",
		       m->conf->model, texts->mismatch, m->identity.advice);
	}
	if (texts->mismatch[0] == '\0' && old.mismatch[0] != '\0')
		report(p, now_ms, "meter", name, "identity-changed", "is a %s again; its readings count",
		       m->conf->model);
	if (old.serial[0] != '\0' && strcmp(texts->serial, old.serial) != 0)
		report(p, now_ms, "meter", name, "identity-changed", "serial number %s was %s", texts->serial,
		       old.serial);
	if (texts->serial[0] != '\0')
		p->sink.serial(p->sink.context, m->id, texts->serial);
	for (size_t i = 0; i < m->identity.n_bounds; i++)
		reading_set(&r, m->identity.bounds[i].quantity, m->identity.bounds[i].value);
	if (m->identity.n_bounds > 0 && texts->mismatch[0] == '\0')
		p->sink.reading(p->sink.context, &r);
	note_answers(p, m, now_ms);
	asking_give_refused(&m->asking, &m->parts);
}

/* Whether the serial number that was answered must be asked for again before it is believed. */
static bool doubts_serial(const struct poller *p, struct meter *m)
{
	struct identity_texts texts;

	identity_read(&m->asking, &texts);
	return identity_doubts_serial(&m->identity, texts.serial,
				      p->sink.is_known_serial == NULL ||
					      p->sink.is_known_serial(p->sink.context, m->id, texts.serial));
}

/* The meter was asked its identity, before a read (due.wanted) or alone.
 *
 * A meter that does not answer this may be readable all the same, so the read is tried before the meter counts as
 * failed; except when the answer that would confirm a serial number is missing, for then it may be another meter. */
static void finish_identify(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	struct asking *a = &m->asking;
	bool is_again = m->identity.n_confirms > 0;
	bool is_over = p->is_ending || outcome == ASKING_NO_LINE;

	if (is_over)
		due_give_back(&m->due, m->due.wanted);
	if (outcome == ASKING_FAILED || outcome == ASKING_NO_LINE) {
		identity_confirm_serial(&m->identity, false);
		if (!is_over && !is_again && m->due.wanted != 0 && asking_begin_read(a, m->due.wanted, 1))
			asking_wait(a, 1);
		else
			end_task(p, m, outcome, now_ms);
		return;
	}

	/* A meter that refuses to be identified has answered too. */
	if (doubts_serial(p, m) && !is_over && identity_confirm_serial(&m->identity, true) &&
	    asking_begin_identify(a, n_retries(m))) {
		submit(p, m);
		return;
	}
	identity_confirm_serial(&m->identity, false);
	end_task(p, m, ASKING_ANSWERED, now_ms);
	if (!p->is_replaced)
		accept_identity(p, m, now_ms);
	if (!is_over && m->due.wanted != 0 && asking_begin_read(a, m->due.wanted, n_retries(m)))
		submit(p, m);
}

/* Report what the end of a search has found to be refused. */
static void report_refused(struct poller *p, struct meter *m, int64_t now_ms)
{
	char names[PARTS_NAMES_MAX];

	parts_name_refused(&m->parts, false, names, sizeof(names));
	if (names[0] != '\0')
		report(p, now_ms, "meter", m->conf->name, "register-missing", "refuses %s", names);
	parts_name_refused(&m->parts, true, names, sizeof(names));
	if (names[0] != '\0')
		report(p, now_ms, "meter", m->conf->name, "register-refused",
		       "refuses %s, which it has answered; asked again until it answers", names);
}

/* A part of a refused request has come back. */
static void finish_part(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	enum parts_result result = PARTS_NOTHING;

	if (outcome == ASKING_NO_LINE)
		parts_abandon(&m->parts);
	else
		result = parts_take(&m->parts, asking_part_answer(&m->asking), now_ms);
	/* A down meter that refuses everything is probed with growing pauses like one that is silent. */
	if (result == PARTS_ALL_REFUSED && m->health.state == HEALTH_DOWN)
		outcome = ASKING_FAILED;
	end_task(p, m, outcome, now_ms);
	if (result == PARTS_TOO_LONG)
		report(p, now_ms, "meter", m->conf->name, NULL, "refuses long reads; read in parts from now on");
	else if (result == PARTS_MISSING || result == PARTS_ALL_REFUSED)
		report_refused(p, m, now_ms);
}

/* A row that the meter has refused was asked again. Whatever became of it, the meter is as it was. */
static void finish_again(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	if (outcome == ASKING_NO_LINE)
		parts_take_again(&m->parts, PARTS_SILENT, now_ms);
	else
		parts_take_again(&m->parts, asking_part_answer(&m->asking), now_ms);
	note_answers(p, m, now_ms);
	end_task(p, m, outcome == ASKING_ANSWERED ? ASKING_ANSWERED : ASKING_REFUSED, now_ms);
}

/* A probe has come back. A meter that was down and answers may be another one, with other registers. */
static void finish_probe(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	if (outcome == ASKING_ANSWERED && m->health.state == HEALTH_DOWN) {
		identity_ask_now(&m->identity);
		parts_forget(&m->parts);
	} else if (outcome == ASKING_REFUSED) {
		asking_give_refused(&m->asking, &m->parts);
	}
	end_task(p, m, outcome, now_ms);
}

static void finish_task(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	switch (m->asking.task) {
	case ASKING_READ:
		finish_read(p, m, outcome, now_ms);
		break;
	case ASKING_IDENTIFY:
		finish_identify(p, m, outcome, now_ms);
		break;
	case ASKING_PART:
		finish_part(p, m, outcome, now_ms);
		break;
	case ASKING_PROBE:
		finish_probe(p, m, outcome, now_ms);
		break;
	case ASKING_AGAIN:
		finish_again(p, m, outcome, now_ms);
		break;
	case ASKING_NOTHING:
		break;
	}
}

/* Finish the tasks that wait for a retry. */
static void finish_waiting(struct poller *p, enum asking_outcome outcome, int64_t now_ms)
{
	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->asking.is_waiting)
			finish_task(p, p->meters[i], outcome, now_ms);
}

/* The line is back; so may be the meters that were down before it was lost. */
static void raise_line(struct poller *p, int64_t now_ms)
{
	if (!round_raise_line(&p->round))
		return;
	report(p, now_ms, "bus", p->conf->name, "bus-up", "up: meters answer");
	p->is_contacted = false;
	for (size_t i = 0; i < p->n_meters; i++)
		health_probe_now(&p->meters[i]->health, now_ms);
}

/* A job has come back: count it, and finish its task unless that waits, for the end of the round or for a retry. */
static void take_job(struct poller *p, const struct bus_job *job, int64_t now_ms)
{
	struct meter *m = job->owner;
	enum asking_outcome outcome = asking_outcome(&m->asking);
	bool is_of_last_round =
		round_has(&p->round, &m->mark) && (m->asking.task == ASKING_READ || m->asking.task == ASKING_IDENTIFY);

	for (size_t i = 0; i < job->n_done; i++) {
		const struct link_reply *r = &job->replies[i];

		if (r->status == LINK_CLOSED && r->sent_us == 0)
			continue;
		p->requests++;
		p->errors += r->status != LINK_OK && r->status != LINK_EXCEPTION;
	}
	health_count(&m->health, job->replies, job->n_done, now_ms);
	noise_count(&p->noise, job->replies, job->n_done, now_ms);
	round_take(&p->round, &m->mark, m->health.answered_last);
	if (m->health.answered_last)
		raise_line(p, now_ms);
	/* A connection that broke and is there again may have broken on what this meter was asked. */
	if (outcome == ASKING_NO_LINE && !p->is_ending && bus_is_open(p->bus, NULL, 0))
		outcome = ASKING_FAILED;
	if ((outcome == ASKING_FAILED || outcome == ASKING_NO_LINE) && !p->is_ending &&
	    (m->mark.is_of_round || (outcome == ASKING_FAILED && m->asking.tries_left > 0 && !p->round.is_silent)))
		asking_wait(&m->asking, m->asking.tries_left);
	else
		finish_task(p, m, outcome, now_ms);
	if (is_of_last_round && p->round.n_open == 0)
		round_note_time(&p->round, mono_us());
}

static void ask_in_round(struct poller *p, struct meter *m)
{
	round_add(&p->round, &m->mark);
	bus_submit(p->bus, &m->asking.job);
}

static void ask_extra(struct poller *p, struct meter *m)
{
	round_add_extra(&p->round, &m->mark);
	bus_submit(p->bus, &m->asking.job);
}

/* Ask every meter its identity at once when the line is there, so that the installer need not wait for the first slot.
 * One that does not answer is asked again in that slot. Meters known from before a reload are not asked. */
static void contact_meters(struct poller *p)
{
	round_begin(&p->round, mono_us());
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (m->health.state != HEALTH_NEVER || m->asking.task != ASKING_NOTHING)
			continue;
		if (!asking_begin_identify(&m->asking, 0) && !asking_begin_probe(&m->asking))
			continue;
		due_want(&m->due, 0);
		ask_in_round(p, m);
	}
	p->is_contacted = true;
}

static bool contact_is_due(const struct poller *p)
{
	return !p->is_contacted && p->round.n_open == 0;
}

/* Make the job of what is due; when it is time, the meter is asked its identity first. False: nothing is due. */
static bool begin_due(struct meter *m, int64_t now_ms)
{
	if (due_take(&m->due, now_ms) == 0)
		return false;
	return (now_ms >= m->identity.ask_at_ms && asking_begin_identify(&m->asking, n_retries(m))) ||
	       asking_begin_read(&m->asking, m->due.wanted, n_retries(m));
}

static bool can_be_asked(const struct meter *m, int64_t now_ms)
{
	return due_has(&m->due, now_ms) &&
	       (m->asking.is_waiting || (m->asking.task == ASKING_NOTHING && m->health.failed_rounds == 0));
}

static bool round_is_due(const struct poller *p, int64_t now_ms)
{
	for (size_t i = 0; i < p->n_meters; i++)
		if (can_be_asked(p->meters[i], now_ms))
			return true;
	return false;
}

/* The retry that the meter waits for has found no time before the next slot: the meter has failed, and is asked after
 * the others. If it is the second reading of counters that found no time, the meter has not failed: it is asked with
 * the others. Where the first reading was dropped, that one is the second. Returns whether it is asked with them. */
static bool give_up_retry(struct poller *p, struct meter *m, int64_t now_ms)
{
	bool confirms_counters = m->identity.confirms_counters;
	bool is_dropped = confirms_counters && !m->second.can_be_right;

	due_want(&m->due, 0);
	finish_task(p, m, confirms_counters ? ASKING_NO_LINE : ASKING_FAILED, now_ms);
	identity_confirm_counters(&m->identity, is_dropped);
	return confirms_counters;
}

/* Ask every meter that has something due, except those that failed last: they are asked when the others are done. */
static void start_round(struct poller *p, int64_t now_ms)
{
	round_begin(&p->round, mono_us());
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (!can_be_asked(m, now_ms) || (m->asking.is_waiting && !give_up_retry(p, m, now_ms)))
			continue;
		if (begin_due(m, now_ms))
			ask_in_round(p, m);
	}
}

static struct meter *find_witness(const struct poller *p)
{
	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->health.answered_last && p->meters[i]->asking.task == ASKING_NOTHING)
			return p->meters[i];
	return NULL;
}

static void ask_once_more(struct poller *p)
{
	struct meter *m = p->meters[0];

	for (size_t i = 0; !m->asking.is_waiting; i++)
		m = p->meters[i];
	asking_wait(&m->asking, m->asking.tries_left + 1);
	asking_retry(&m->asking);
	round_recheck(&p->round);
	submit(p, m);
}

/* Every job of the round has come back. If it is over, what failed is retried in the time left, unless it was the
 * line. */
static void end_round(struct poller *p, bool has_line, int64_t now_ms)
{
	struct meter *witness = find_witness(p);

	switch (round_judge(&p->round, has_line, witness != NULL)) {
	case ROUND_ASK_WITNESS:
		if (asking_begin_probe(&witness->asking)) {
			round_add_witness(&p->round, &witness->mark);
			bus_submit(p->bus, &witness->asking.job);
			return;
		}
		break;
	case ROUND_ASK_AGAIN:
		ask_once_more(p);
		return;
	case ROUND_LINE_SILENT:
		silence_line(p, p->round.n_asked, now_ms);
		finish_waiting(p, ASKING_NO_LINE, now_ms);
		break;
	case ROUND_OVER:
		break;
	}
	round_end(&p->round);
	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->asking.is_waiting && p->meters[i]->asking.tries_left == 0)
			finish_task(p, p->meters[i], ASKING_FAILED, now_ms);
}

/* Make the job that the choice is for. False: there is nothing to ask. */
static bool begin_choice(const struct slack_choice *choice, int64_t now_ms)
{
	struct meter *m = choice->meter;
	struct plan_request r;

	switch (choice->use) {
	case SLACK_RETRY:
		return asking_retry(&m->asking);
	case SLACK_PART:
		if (!parts_next(&m->parts, &r))
			return false;
		asking_begin_part(&m->asking, r);
		return true;
	case SLACK_SUSPECT:
		return begin_due(m, now_ms);
	case SLACK_PROBE:
		health_note_probe(&m->health, now_ms);
		return asking_begin_probe(&m->asking);
	case SLACK_AGAIN:
		if (asking_begin_again(&m->asking, parts_next_again(&m->parts)))
			return true;
		parts_take_again(&m->parts, PARTS_SILENT, now_ms);
		return false;
	case SLACK_NOTHING:
		break;
	}
	return false;
}

/* In the time left, one extra question at a time, its timeout cut to that time. */
static void use_slack(struct poller *p, int64_t left_ms, int64_t now_ms)
{
	while (p->round.n_open == 0 && p->round.n_extra_open == 0) {
		struct slack_choice choice = slack_choose(p->meters, p->n_meters, left_ms, now_ms);

		if (choice.meter == NULL)
			return;
		if (!begin_choice(&choice, now_ms))
			continue;
		asking_limit_timeout(&choice.meter->asking, choice.timeout_max_ms);
		ask_extra(p, choice.meter);
	}
}

/* On a silent line, now and then: does anybody answer again? */
static void probe_silent_line(struct poller *p, int64_t now_ms)
{
	if (p->round.n_open > 0 || p->round.n_extra_open > 0 || !round_take_pause(&p->round, now_ms))
		return;
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[round_take_turn(&p->round, p->n_meters)];

		if (m->asking.task == ASKING_NOTHING && asking_begin_probe(&m->asking)) {
			ask_extra(p, m);
			return;
		}
	}
}

static int64_t next_slot_ms(const struct poller *p, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000, next_s = INT64_MAX / 1000;

	for (size_t i = 0; i < p->n_periods; i++)
		if (due_slot_s(now_s, p->periods_s[i]) + p->periods_s[i] < next_s)
			next_s = due_slot_s(now_s, p->periods_s[i]) + p->periods_s[i];
	return next_s * 1000;
}

/* Ask what is due. */
static void ask_next(struct poller *p, int64_t now_ms)
{
	if (p->is_ending || !bus_is_open(p->bus, NULL, 0))
		return;
	if (p->round.is_silent) {
		probe_silent_line(p, now_ms);
		return;
	}
	if (contact_is_due(p))
		contact_meters(p);
	if (p->round.n_open == 0 && round_is_due(p, now_ms)) {
		/* Where one round follows the other, a meter that has waited long is asked between them. */
		if (now_ms - p->idle_at_ms >= SLACK_WAIT_MAX_MS)
			use_slack(p, 0, now_ms);
		start_round(p, now_ms);
	}
	if (p->round.n_open == 0) {
		p->idle_at_ms = now_ms;
		use_slack(p, next_slot_ms(p, now_ms) - now_ms, now_ms);
	}
}

/* The wall clock was set back: whatever was planned by the old time would have to wait for it to come again. */
static void follow_clock_back(struct poller *p, int64_t now_ms)
{
	p->idle_at_ms = now_ms;
	noise_clock_set_back(&p->noise, now_ms);
	round_clock_set_back(&p->round, now_ms);
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		due_start(&m->due, now_ms);
		health_clock_set_back(&m->health, now_ms);
		identity_clock_set_back(&m->identity, now_ms);
		parts_clock_set_back(&m->parts, now_ms);
	}
}

void poller_tick(struct poller *p, int64_t now_ms)
{
	char noise[NOISE_TEXT_MAX];
	bool is_lost = false;

	if (now_ms + STEP_BACK_MS < p->last_now_ms)
		follow_clock_back(p, now_ms);
	p->last_now_ms = now_ms;
	if (noise_take(&p->noise, now_ms, noise))
		log_warning("bus %s: %s", p->conf->name, noise);
	/* A slot that comes while a round is under way is an overrun if it costs any meter a reading. */
	for (size_t i = 0; i < p->n_meters && p->round.n_open > 0; i++)
		if (p->meters[i]->health.failed_rounds == 0)
			is_lost |= due_skip(&p->meters[i]->due, round_has(&p->round, &p->meters[i]->mark), now_ms);
	p->overruns += is_lost;
	ask_next(p, now_ms);
}

int64_t poller_next_ms(const struct poller *p, int64_t now_ms)
{
	int64_t next_ms = next_slot_ms(p, now_ms);

	if (contact_is_due(p) && p->n_meters > 0 && bus_is_open(p->bus, NULL, 0))
		return now_ms;
	if (p->round.is_silent)
		return p->round.ask_at_ms > now_ms && p->round.ask_at_ms < next_ms ? p->round.ask_at_ms : next_ms;
	for (size_t i = 0; i < p->n_meters; i++) {
		const struct health *h = &p->meters[i]->health;
		int64_t again_ms = parts_again_ms(&p->meters[i]->parts);

		if (again_ms > now_ms && again_ms < next_ms)
			next_ms = again_ms;
		if (h->state == HEALTH_DOWN && h->probe_at_ms > now_ms && h->probe_at_ms < next_ms)
			next_ms = h->probe_at_ms;
	}
	return next_ms;
}

/* Whether port or connection is open. When it is lost, what failed was not the meters' fault. */
static bool check_line(struct poller *p, int64_t now_ms)
{
	char why[256];

	if (bus_is_open(p->bus, why, sizeof(why)))
		return true;
	if (round_lose_line(&p->round))
		report(p, now_ms, "bus", p->conf->name, "bus-down", "down: %s; retried until it is back", why);
	finish_waiting(p, ASKING_NO_LINE, now_ms);
	return false;
}

void poller_results(struct poller *p, int64_t now_ms)
{
	const struct bus_job *job;
	bool has_line;

	while ((job = bus_take(p->bus)) != NULL)
		take_job(p, job, now_ms);
	/* Looked at once: the worker may lose or open the line again at any moment. */
	has_line = check_line(p, now_ms);
	if (p->round.n_open == 0 && p->round.n_asked > 0)
		end_round(p, has_line, now_ms);
	ask_next(p, now_ms);
}

void poller_end(struct poller *p, bool is_replaced, int64_t now_ms)
{
	const struct bus_job *job;

	p->is_ending = true;
	p->is_replaced = is_replaced;
	while ((job = bus_take(p->bus)) != NULL)
		take_job(p, job, now_ms);
	finish_waiting(p, ASKING_NO_LINE, now_ms);
}

bool poller_is_up(const struct poller *p)
{
	return !p->round.is_line_down;
}

size_t poller_n_meters(const struct poller *p)
{
	return p->n_meters;
}

size_t poller_n_meters_up(const struct poller *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_meters && !p->round.is_line_down; i++)
		n += p->meters[i]->health.state == HEALTH_UP && p->meters[i]->identity.texts.mismatch[0] == '\0';
	return n;
}

/* A meter keeps its state while its line is down, so that it is asked at once when the line is back. Shown meanwhile as
 * suspect, it passes neither for a meter that answers nor for one that is down itself. */
static const char *state_text(const struct poller *p, const struct meter *m)
{
	return p->round.is_line_down && m->health.state == HEALTH_UP ? "suspect" : meter_state_text(m);
}

void poller_meter_status(struct poller *p, size_t i, int64_t *meter, struct meter_status *st)
{
	const struct meter *m = p->meters[i];

	health_counts_text(&m->health, p->status_faults, sizeof(p->status_faults));
	parts_name_refusing(&m->parts, p->status_refused, sizeof(p->status_refused));
	snprintf(p->status_mismatch, sizeof(p->status_mismatch), "%s%s", m->identity.texts.mismatch,
		 m->identity.advice);
	*meter = m->id;
	*st = (struct meter_status){
		.state = state_text(p, m),
		.mismatch = p->status_mismatch,
		.refused = p->status_refused,
		.faults = p->status_faults,
		.last_good_s = m->health.last_good_s,
		.failures = m->health.failures,
		.requests = m->health.requests,
		.timeouts = m->health.counts[LINK_TIMEOUT],
		.crc_errors = m->health.counts[LINK_CRC],
		.exceptions = m->health.counts[LINK_EXCEPTION],
		.latency_us = m->health.latency_us,
	};
}

/* The time that a request under way has taken so far is counted by the next status: hence a hundred at most. */
static double busy_percent(int64_t busy_us, int64_t span_us)
{
	if (span_us <= 0)
		return 0;
	return busy_us >= span_us ? 100 : 100.0 * (double)busy_us / (double)span_us;
}

void poller_bus_status(struct poller *p, struct bus_status *st)
{
	int64_t now_us = mono_us(), busy_us = bus_busy_us(p->bus);

	*st = (struct bus_status){
		.state = p->round.is_line_down ? "down" : "up",
		.busy_percent = busy_percent(busy_us - p->status_busy_us, now_us - p->status_at_us),
		.requests = p->requests,
		.errors = p->errors,
		.overruns = p->overruns,
		.round_ms = p->round.last_ms,
	};
	p->status_at_us = now_us;
	p->status_busy_us = busy_us;
}
