/* SPDX-License-Identifier: MIT */
#include "poller.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "meter.h"
#include "mono.h"
#include "slack.h"

enum {
	SILENT_PAUSE_MS = 10000, /* between questions on a line where nobody answers */
	STEP_BACK_MS = 2000,	 /* the wall clock may be slewed; from here on it was set back */
};

struct poller {
	const struct conf_bus *conf;
	struct bus *bus;
	struct poller_sink sink;
	size_t n_meters;
	struct meter **meters;
	size_t n_periods;
	uint32_t *periods_s; /* of all meters, each once: few, however many meters */

	int64_t last_now_ms;
	int64_t idle_at_ms; /* when last no round was under way or due */
	bool contacted;	    /* every meter has been asked once who it is */
	bool ending;	    /* nothing more is asked */

	uint64_t round; /* number of the last round */
	int64_t round_started_us;
	size_t round_open;     /* its jobs under way */
	size_t round_asked;    /* its meters, 0 = it is over */
	size_t round_answered; /* its jobs that brought any answer */
	bool doubted;	   /* nobody answered in it; others have been asked, or one once more: now the line is silent */
	size_t extra_open; /* other jobs under way: never more than one */

	bool line_down; /* port or connection lost, or no meter answers */
	bool silent;	/* the latter: one meter is asked now and then, in turn */
	bool down_told; /* by this poller: after a reload the reason may be another */
	int64_t silent_at_ms;
	size_t turn;

	uint64_t requests, errors, overruns;
	uint32_t round_ms;
	int64_t status_at_us, status_busy_us;
	char status_faults[HEALTH_COUNTS_TEXT_MAX];
};

static void tell(struct poller *p, int64_t at_ms, const char *what, const char *subject, const char *kind,
		 const char *fmt, ...) __attribute__((format(printf, 6, 7)));

static bool is_bad_news(const char *kind)
{
	return kind != NULL && (strcmp(kind, "meter-down") == 0 || strcmp(kind, "bus-down") == 0 ||
				strcmp(kind, "identity-changed") == 0);
}

/* One log line that leads with its subject and, where kind is one, the event that goes with it. */
static void tell(struct poller *p, int64_t at_ms, const char *what, const char *subject, const char *kind,
		 const char *fmt, ...)
{
	char detail[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	if (is_bad_news(kind))
		log_warning("%s %s: %s", what, subject, detail);
	else
		log_info("%s %s: %s", what, subject, detail);
	if (kind != NULL)
		p->sink.event(p->sink.context, at_ms, subject, kind, detail);
}

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

static void submit(struct poller *p, struct meter *m)
{
	if (m->of_round)
		p->round_open++;
	else
		p->extra_open++;
	bus_submit(p->bus, &m->asking.job);
}

static void begin_round(struct poller *p)
{
	p->round++;
	p->round_started_us = mono_us();
	p->round_asked = p->round_answered = 0;
	p->doubted = false;
}

static void ask_in_round(struct poller *p, struct meter *m)
{
	m->of_round = true;
	m->round = p->round;
	p->round_asked++;
	submit(p, m);
}

static void ask_extra(struct poller *p, struct meter *m)
{
	m->of_round = false;
	submit(p, m);
}

/* A slot came while a round is under way: what that costs its meters is an overrun. */
static void skip_slot(struct poller *p, int64_t now_ms)
{
	bool is_lost = false;

	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->health.failed_rounds == 0)
			is_lost |= due_skip(&p->meters[i]->due, p->meters[i]->round == p->round, now_ms);
	p->overruns += is_lost;
}

/* At start every meter is asked at once who it is, so that the installer need not wait for the first slot, with which
 * comes a second try. Not those known from before a reload. */
static void make_contact(struct poller *p)
{
	begin_round(p);
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (m->health.state != HEALTH_NEVER || m->asking.task != ASKING_NOTHING)
			continue;
		if (!asking_begin_identify(&m->asking, 0) && !asking_begin_probe(&m->asking))
			continue;
		due_want(&m->due, 0);
		ask_in_round(p, m);
	}
	p->contacted = true;
}

static bool contact_is_due(const struct poller *p)
{
	return !p->contacted && p->round_open == 0;
}

static int64_t next_slot_ms(const struct poller *p, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000, next_s = INT64_MAX / 1000;

	for (size_t i = 0; i < p->n_periods; i++)
		if (due_slot_s(now_s, p->periods_s[i]) + p->periods_s[i] < next_s)
			next_s = due_slot_s(now_s, p->periods_s[i]) + p->periods_s[i];
	return next_s * 1000;
}

static void tell_state(struct poller *p, const struct meter *m, enum health_state before, int64_t now_ms)
{
	const char *name = m->conf->name;
	char counts[HEALTH_COUNTS_TEXT_MAX];

	health_counts_text(&m->health, counts, sizeof(counts));
	switch (m->health.state) {
	case HEALTH_UP:
		if (before == HEALTH_SUSPECT)
			tell(p, now_ms, "meter", name, NULL, "up again");
		else
			tell(p, now_ms, "meter", name, "meter-up", "up: %s at %s address %u", m->conf->driver->title,
			     p->conf->name, m->conf->address);
		break;
	case HEALTH_SUSPECT:
		tell(p, now_ms, "meter", name, NULL, "suspect: %s, so far %s; asked once a round from now on",
		     m->health.reason, counts);
		break;
	case HEALTH_DOWN:
		if (m->health.counts[LINK_TIMEOUT] == m->health.requests)
			tell(p, now_ms, "meter", name, "meter-down",
			     "down: has never answered: is address %u right, has it power, is it wired?; next try in "
			     "%lld s",
			     m->conf->address, (long long)(m->health.probe_pause_ms / 1000));
		else
			tell(p, now_ms, "meter", name, "meter-down", "down: %s, so far %s; next try in %lld s",
			     m->health.reason, counts, (long long)(m->health.probe_pause_ms / 1000));
		break;
	case HEALTH_NEVER:
		break;
	}
}

/* A gateway that says of each meter that it does not answer is there itself. */
static bool all_down_and_silent(const struct poller *p)
{
	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->health.state != HEALTH_DOWN || p->meters[i]->health.answered_last)
			return false;
	return p->n_meters >= 2;
}

static void go_silent(struct poller *p, size_t n_asked, int64_t now_ms)
{
	p->silent = true;
	p->silent_at_ms = now_ms + SILENT_PAUSE_MS;
	if (!p->down_told)
		tell(p, now_ms, "bus", p->conf->name, "bus-down",
		     "down: none of %zu meters answers: adapter, wiring, speed?", n_asked);
	p->line_down = p->down_told = true;
}

/* Retries of what the meter is asked now: only one that did not fail last is worth the time. */
static unsigned n_retries(const struct meter *m)
{
	return m->health.failed_rounds == 0 ? m->conf->retries : 0;
}

static void settle(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	enum health_state before = m->health.state;

	/* On a line where nobody answers, silence says nothing about this meter, nor does what was cut short. */
	if (outcome == ASKING_FAILED && (p->silent || p->ending))
		outcome = ASKING_NO_LINE;
	asking_end(&m->asking);
	if (outcome == ASKING_FAILED)
		health_failed(&m->health, asking_lacks_function(&m->asking), now_ms);
	else if (outcome == ASKING_ANSWERED)
		health_answered(&m->health);
	if (m->health.state == before)
		return;
	tell_state(p, m, before, now_ms);
	if (m->health.state == HEALTH_DOWN && all_down_and_silent(p))
		go_silent(p, p->n_meters, now_ms);
}

static enum reading_quality quality_of(const struct meter *m, int64_t delay_ms)
{
	uint32_t period_s = m->asking.groups & DRIVER_ENERGY ? m->conf->energy_every_s : m->conf->power_every_s;

	if (m->identity.texts.mismatch[0] != '\0')
		return READING_SUSPECT;
	return delay_ms > (int64_t)period_s * 500 ? READING_LATE : READING_GOOD;
}

/* Decode what was read. Returns the number of values. */
static unsigned take_reading(const struct meter *m, int64_t now_ms, struct reading *r)
{
	int64_t delay_ms = now_ms - (mono_us() - m->asking.job.ended_us) / 1000 - m->due.slot_s * 1000;

	*r = (struct reading){.meter = m->id, .slot_s = m->due.slot_s, .groups = m->asking.groups};
	/* A clock that was set during the round makes any number of it. */
	r->delay_ms = delay_ms < 0 ? 0 : delay_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)delay_ms;
	r->quality = quality_of(m, delay_ms);
	return asking_reading(&m->asking, r);
}

/* Counters that can not be are looked at a second time, in the time that the round leaves; what they say then is
 * handed on, be it the same. The meter is asked first who it is: where another one hangs at the address all of its
 * counters begin anew, also those whose step from one meter to the other looks like consumption. Returns whether that
 * is to be waited for. */
static bool look_again(struct poller *p, struct meter *m, const struct reading *r)
{
	if (m->identity.confirms_counters || p->ending || p->sink.plausible == NULL ||
	    (r->groups & DRIVER_ENERGY) == 0 || r->quality == READING_SUSPECT || p->sink.plausible(p->sink.context, r))
		return false;
	due_want(&m->due, r->groups);
	identity_ask_now(&m->identity);
	if (!asking_begin_identify(&m->asking, 1) && !asking_begin_read(&m->asking, m->due.wanted, 1))
		return false;
	identity_confirm_counters(&m->identity, true);
	asking_wait(&m->asking, 1);
	return true;
}

static void finish_read(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	struct reading r;
	unsigned n_values = take_reading(m, now_ms, &r);

	if (n_values > 0 && look_again(p, m, &r))
		return;
	identity_confirm_counters(&m->identity, false);
	if (n_values > 0)
		p->sink.reading(p->sink.context, &r);
	/* Who goes on after a reload asks again for what was cut short. Nothing of a slot is kept twice. */
	if (p->ending ? outcome != ASKING_ANSWERED : n_values == 0 && outcome == ASKING_NO_LINE)
		due_give_back(&m->due, m->asking.groups);
	/* Who it is was asked in vain. */
	if (outcome == ASKING_ANSWERED)
		identity_note_read(&m->identity, now_ms);
	asking_give_refused(&m->asking, &m->parts);
	settle(p, m, outcome == ASKING_REFUSED ? ASKING_FAILED : outcome, now_ms);
}

/* Accept who the meter says it is, and report what is new in that. */
static void take_identity(struct poller *p, struct meter *m, int64_t now_ms)
{
	struct reading r = {.meter = m->id, .slot_s = now_ms / 1000, .groups = DRIVER_STATE};
	struct identity_texts old = m->identity.texts;
	const struct identity_texts *texts = &m->identity.texts;
	const char *name = m->conf->name;

	identity_accept(&m->identity, &m->asking, now_ms);
	if (texts->mismatch[0] != '\0' && strcmp(texts->mismatch, old.mismatch) != 0)
		tell(p, now_ms, "meter", name, "identity-changed", "not a %s: %s; its readings are kept as suspect",
		     m->conf->model, texts->mismatch);
	if (texts->mismatch[0] == '\0' && old.mismatch[0] != '\0')
		tell(p, now_ms, "meter", name, "identity-changed", "a %s again; its readings count", m->conf->model);
	if (old.serial[0] != '\0' && strcmp(texts->serial, old.serial) != 0)
		tell(p, now_ms, "meter", name, "identity-changed", "serial number %s was %s", texts->serial,
		     old.serial);
	if (texts->serial[0] != '\0')
		p->sink.serial(p->sink.context, m->id, texts->serial);
	if (m->identity.counter_max >= 0 && texts->mismatch[0] == '\0') {
		reading_set(&r, Q_COUNTER_MAX, m->identity.counter_max);
		p->sink.reading(p->sink.context, &r);
	}
	asking_give_refused(&m->asking, &m->parts);
}

/* A new serial number ends the account of the meter that was: it is asked for once more, and what is said then is
 * believed. Returns whether that is to be waited for. */
static bool ask_who_again(struct poller *p, struct meter *m)
{
	struct identity_texts texts;

	if (p->ending || p->sink.is_known_serial == NULL)
		return false;
	identity_read(&m->identity, &m->asking, &texts);
	if (texts.serial[0] == '\0' || p->sink.is_known_serial(p->sink.context, m->id, texts.serial) ||
	    !asking_begin_identify(&m->asking, n_retries(m)))
		return false;
	identity_confirm_serial(&m->identity, true);
	submit(p, m);
	return true;
}

/* A meter that does not say who it is may be readable all the same: its state waits for that. Not so one that may be
 * another. */
static void finish_identify(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	bool doubted = m->identity.confirms_serial, is_over = p->ending || outcome == ASKING_NO_LINE;

	identity_confirm_serial(&m->identity, false);
	if (outcome == ASKING_REFUSED)
		outcome = ASKING_ANSWERED;
	if (outcome == ASKING_ANSWERED && !doubted && ask_who_again(p, m))
		return;
	if (outcome == ASKING_ANSWERED) {
		settle(p, m, outcome, now_ms);
		take_identity(p, m, now_ms);
	}
	if (is_over)
		due_give_back(&m->due, m->due.wanted);
	if (is_over || (doubted && outcome != ASKING_ANSWERED) || m->due.wanted == 0 ||
	    !asking_begin_read(&m->asking, m->due.wanted, n_retries(m))) {
		if (outcome != ASKING_ANSWERED)
			settle(p, m, outcome, now_ms);
	} else if (outcome == ASKING_ANSWERED) {
		submit(p, m);
	} else {
		asking_wait(&m->asking, 1);
	}
}

static void tell_parts(struct poller *p, const struct meter *m, enum parts_result result, const char *missing,
		       int64_t now_ms)
{
	if (result == PARTS_TOO_LONG)
		tell(p, now_ms, "meter", m->conf->name, NULL, "refuses long reads: read in parts from now on");
	else if (result == PARTS_MISSING && missing[0] != '\0')
		tell(p, now_ms, "meter", m->conf->name, "register-missing", "refuses %s", missing);
}

static void finish_part(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	enum parts_result result = PARTS_NOTHING;
	char missing[256];

	if (outcome == ASKING_NO_LINE)
		parts_abandon(&m->parts);
	else
		result = parts_take(&m->parts, asking_part_answer(&m->asking), missing, sizeof(missing));
	/* A down meter that refuses everything is probed with growing pauses like one that is silent. */
	if (result == PARTS_ALL_REFUSED && m->health.state == HEALTH_DOWN)
		outcome = ASKING_FAILED;
	settle(p, m, outcome, now_ms);
	tell_parts(p, m, result, missing, now_ms);
}

/* A meter that is back may be another. */
static void finish_probe(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
{
	if (outcome == ASKING_ANSWERED && m->health.state == HEALTH_DOWN) {
		identity_ask_now(&m->identity);
		parts_forget(&m->parts);
	} else if (outcome == ASKING_REFUSED) {
		asking_give_refused(&m->asking, &m->parts);
	}
	settle(p, m, outcome, now_ms);
}

/* The task is over. */
static void conclude(struct poller *p, struct meter *m, enum asking_outcome outcome, int64_t now_ms)
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
	case ASKING_NOTHING:
		break;
	}
}

/* End the tasks that wait for another try. */
static void conclude_waiting(struct poller *p, enum asking_outcome outcome, int64_t now_ms)
{
	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->asking.is_waiting)
			conclude(p, p->meters[i], outcome, now_ms);
}

static bool can_be_asked(const struct meter *m, int64_t now_ms)
{
	return due_has(&m->due, now_ms) &&
	       (m->asking.is_waiting || (m->asking.task == ASKING_NOTHING && m->health.failed_rounds == 0));
}

/* The try that it waits for has found no time before the next slot. Returns whether it is asked in that one: then what
 * it says is a second look at counters that could not be, and is handed on. */
static bool give_up_waiting(struct poller *p, struct meter *m, int64_t now_ms)
{
	bool doubted = m->identity.confirms_counters;

	due_want(&m->due, 0);
	conclude(p, m, doubted ? ASKING_NO_LINE : ASKING_FAILED, now_ms);
	identity_confirm_counters(&m->identity, doubted);
	return doubted;
}

/* Make the job what is due: first, if it is time, who the meter is. Returns false when nothing is. */
static bool begin_due(struct meter *m, int64_t now_ms)
{
	if (due_take(&m->due, now_ms) == 0)
		return false;
	return (now_ms >= m->identity.ask_at_ms && asking_begin_identify(&m->asking, n_retries(m))) ||
	       asking_begin_read(&m->asking, m->due.wanted, n_retries(m));
}

/* Ask all that have something due, but for those that failed last: they are asked when the others are done. */
static void start_round(struct poller *p, int64_t now_ms)
{
	begin_round(p);
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (!can_be_asked(m, now_ms) || (m->asking.is_waiting && !give_up_waiting(p, m, now_ms)))
			continue;
		if (begin_due(m, now_ms))
			ask_in_round(p, m);
	}
}

static bool round_due(const struct poller *p, int64_t now_ms)
{
	for (size_t i = 0; i < p->n_meters; i++)
		if (can_be_asked(p->meters[i], now_ms))
			return true;
	return false;
}

/* Make the job that the choice is for. Returns false when there is nothing to ask. */
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
	case SLACK_NOTHING:
		break;
	}
	return false;
}

/* In the time left, one extra question at a time, its timeout cut to that time. */
static void use_slack(struct poller *p, int64_t left_ms, int64_t now_ms)
{
	while (p->round_open == 0 && p->extra_open == 0) {
		struct slack_choice choice = slack_choose(p->meters, p->n_meters, left_ms, now_ms);

		if (choice.meter == NULL)
			return;
		if (!begin_choice(&choice, now_ms))
			continue;
		asking_limit_timeout(&choice.meter->asking, choice.timeout_max_ms);
		ask_extra(p, choice.meter);
	}
}

/* Is anybody there again? */
static void sound_line(struct poller *p, int64_t now_ms)
{
	if (p->round_open > 0 || p->extra_open > 0 || now_ms < p->silent_at_ms)
		return;
	p->silent_at_ms = now_ms + SILENT_PAUSE_MS;
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[p->turn++ % p->n_meters];

		if (m->asking.task == ASKING_NOTHING && asking_begin_probe(&m->asking)) {
			ask_extra(p, m);
			return;
		}
	}
}

/* Ask whatever it is time for. */
static void go_on(struct poller *p, int64_t now_ms)
{
	if (p->ending || !bus_is_open(p->bus, NULL, 0))
		return;
	if (p->silent) {
		sound_line(p, now_ms);
		return;
	}
	if (contact_is_due(p))
		make_contact(p);
	if (p->round_open == 0 && round_due(p, now_ms)) {
		/* Where one round follows the other, whoever has waited long comes between them. */
		if (now_ms - p->idle_at_ms >= SLACK_WAIT_MAX_MS)
			use_slack(p, 0, now_ms);
		start_round(p, now_ms);
	}
	if (p->round_open == 0) {
		p->idle_at_ms = now_ms;
		use_slack(p, next_slot_ms(p, now_ms) - now_ms, now_ms);
	}
}

static void forget_future(struct poller *p, int64_t now_ms)
{
	p->silent_at_ms = p->idle_at_ms = now_ms;
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		due_start(&m->due, now_ms);
		health_clock_set_back(&m->health, now_ms);
		identity_clock_set_back(&m->identity, now_ms);
	}
}

void poller_tick(struct poller *p, int64_t now_ms)
{
	if (now_ms + STEP_BACK_MS < p->last_now_ms)
		forget_future(p, now_ms);
	p->last_now_ms = now_ms;
	if (p->round_open > 0)
		skip_slot(p, now_ms);
	go_on(p, now_ms);
}

int64_t poller_next_ms(const struct poller *p, int64_t now_ms)
{
	int64_t next_ms = next_slot_ms(p, now_ms);

	if (p->silent && p->silent_at_ms > now_ms && p->silent_at_ms < next_ms)
		next_ms = p->silent_at_ms;
	for (size_t i = 0; i < p->n_meters && !p->silent; i++) {
		const struct meter *m = p->meters[i];

		if (m->health.state == HEALTH_DOWN && m->health.probe_at_ms > now_ms && m->health.probe_at_ms < next_ms)
			next_ms = m->health.probe_at_ms;
	}
	return contact_is_due(p) && p->n_meters > 0 && bus_is_open(p->bus, NULL, 0) ? now_ms : next_ms;
}

/* Whether there is a line. When port or connection is lost, that is told once, and what failed was not the meters'
 * fault. */
static bool check_line(struct poller *p, int64_t now_ms)
{
	char why[200];

	if (bus_is_open(p->bus, why, sizeof(why)))
		return true;
	p->silent = false;
	if (!p->down_told)
		tell(p, now_ms, "bus", p->conf->name, "bus-down", "down: %s; tried again until it is there", why);
	p->line_down = p->down_told = true;
	conclude_waiting(p, ASKING_NO_LINE, now_ms);
	return false;
}

/* Once the line is back, so may be those who were down before. */
static void line_answers(struct poller *p, int64_t now_ms)
{
	if (!p->line_down)
		return;
	tell(p, now_ms, "bus", p->conf->name, "bus-up", "up: meters answer");
	p->line_down = p->down_told = p->silent = p->contacted = false;
	for (size_t i = 0; i < p->n_meters; i++)
		health_probe_now(&p->meters[i]->health, now_ms);
}

static void count_job(struct poller *p, const struct bus_job *job)
{
	for (size_t i = 0; i < job->n_done; i++) {
		const struct link_reply *r = &job->replies[i];

		if (r->status == LINK_CLOSED && r->sent_us == 0)
			continue;
		p->requests++;
		p->errors += r->status != LINK_OK && r->status != LINK_EXCEPTION;
	}
}

static uint32_t round_lasts_ms(const struct poller *p)
{
	return (uint32_t)((mono_us() - p->round_started_us) / 1000);
}

static void finish(struct poller *p, struct meter *m, int64_t now_ms)
{
	enum asking_outcome outcome = asking_outcome(&m->asking);
	bool of_this_round =
		m->round == p->round && (m->asking.task == ASKING_READ || m->asking.task == ASKING_IDENTIFY);

	health_count(&m->health, m->asking.job.replies, m->asking.job.n_done, now_ms);
	count_job(p, &m->asking.job);
	p->round_open -= m->of_round;
	p->extra_open -= !m->of_round;
	if (m->health.answered_last) {
		p->round_answered += m->of_round;
		line_answers(p, now_ms);
	}
	/* A connection that broke and is there again may have broken on what this meter was asked. */
	if (outcome == ASKING_NO_LINE && !p->ending && bus_is_open(p->bus, NULL, 0))
		outcome = ASKING_FAILED;
	if ((outcome == ASKING_FAILED || outcome == ASKING_NO_LINE) && !p->ending &&
	    (m->of_round || (outcome == ASKING_FAILED && m->asking.tries_left > 0 && !p->silent)))
		asking_wait(&m->asking, m->asking.tries_left);
	else
		conclude(p, m, outcome, now_ms);
	if (of_this_round && p->round_open == 0)
		p->round_ms = round_lasts_ms(p);
}

/* Whether a meter that was not asked and answered last is asked now, to tell the line from the meters of the round. */
static bool ask_witness(struct poller *p)
{
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (!m->health.answered_last || m->asking.task != ASKING_NOTHING || !asking_begin_probe(&m->asking))
			continue;
		m->of_round = p->doubted = true;
		p->round_asked++;
		submit(p, m);
		return true;
	}
	return false;
}

static void ask_once_more(struct poller *p)
{
	struct meter *m = p->meters[0];

	for (size_t i = 0; !m->asking.is_waiting; i++)
		m = p->meters[i];
	asking_wait(&m->asking, m->asking.tries_left + 1);
	asking_retry(&m->asking);
	submit(p, m);
	p->doubted = true;
}

/* All have been asked. What failed has further tries in the time left, if it was not the line. */
static void end_round(struct poller *p, bool has_line, int64_t now_ms)
{
	bool is_silent = has_line && p->round_answered == 0;

	if (is_silent && ask_witness(p))
		return;
	if (is_silent && p->round_asked >= 2) {
		if (!p->doubted) {
			ask_once_more(p);
			return;
		}
		go_silent(p, p->round_asked, now_ms);
		conclude_waiting(p, ASKING_NO_LINE, now_ms);
	}
	p->round_asked = 0;
	for (size_t i = 0; i < p->n_meters; i++)
		if (p->meters[i]->asking.is_waiting && p->meters[i]->asking.tries_left == 0)
			conclude(p, p->meters[i], ASKING_FAILED, now_ms);
}

void poller_results(struct poller *p, int64_t now_ms)
{
	struct bus_job *job;
	bool has_line;

	while ((job = bus_take(p->bus)) != NULL)
		finish(p, job->owner, now_ms);
	/* Looked at once: the worker may lose or open the line again at any moment. */
	has_line = check_line(p, now_ms);
	if (p->round_open == 0 && p->round_asked > 0)
		end_round(p, has_line, now_ms);
	go_on(p, now_ms);
}

void poller_end(struct poller *p, int64_t now_ms)
{
	struct bus_job *job;

	p->ending = true;
	while ((job = bus_take(p->bus)) != NULL)
		finish(p, job->owner, now_ms);
	conclude_waiting(p, ASKING_NO_LINE, now_ms);
}

void poller_inherit(struct poller *p, struct poller *old)
{
	for (size_t i = 0; i < p->n_meters; i++)
		for (size_t k = 0; k < old->n_meters; k++)
			if (conf_meter_equal(p->meters[i]->conf, old->meters[k]->conf))
				meter_inherit(p->meters[i], old->meters[k]);
	p->last_now_ms = old->last_now_ms;
	p->line_down = old->line_down && p->n_meters > 0;
	p->requests = old->requests;
	p->errors = old->errors;
	p->overruns = old->overruns;
	p->round_ms = old->round_ms;
}

bool poller_is_up(const struct poller *p)
{
	return !p->line_down;
}

size_t poller_n_meters(const struct poller *p)
{
	return p->n_meters;
}

size_t poller_n_meters_up(const struct poller *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_meters && !p->line_down; i++)
		n += p->meters[i]->health.state == HEALTH_UP && p->meters[i]->identity.texts.mismatch[0] == '\0';
	return n;
}

/* A meter keeps its state while its line is down, to be asked at once when that is back. Who looks at it meanwhile must
 * take it neither for one that answers nor for one that is down itself. */
static const char *state_text(const struct poller *p, const struct meter *m)
{
	return p->line_down && m->health.state == HEALTH_UP ? "suspect" : meter_state_text(m);
}

void poller_meter_status(struct poller *p, size_t i, int64_t *meter, struct meter_status *st)
{
	const struct meter *m = p->meters[i];

	health_counts_text(&m->health, p->status_faults, sizeof(p->status_faults));
	*meter = m->id;
	*st = (struct meter_status){
		.state = state_text(p, m),
		.mismatch = m->identity.texts.mismatch,
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

/* What a request under way has taken so far comes into the next status: hence a hundred at most. */
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
		.state = p->line_down ? "down" : "up",
		.busy_percent = busy_percent(busy_us - p->status_busy_us, now_us - p->status_at_us),
		.requests = p->requests,
		.errors = p->errors,
		.overruns = p->overruns,
		.round_ms = p->round_ms,
	};
	p->status_at_us = now_us;
	p->status_busy_us = busy_us;
}
