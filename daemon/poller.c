/* SPDX-License-Identifier: MIT */
#include "poller.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "meter.h"
#include "mono.h"

enum {
	PROBE_SLACK_MIN_MS = 100, /* least time before the next slot in which a probe is worth its while */
	STEP_BACK_MS = 2000,	  /* the wall clock may be slewed; from here on it was set back */
};

struct poller {
	const struct conf_bus *conf;
	struct bus *bus;
	struct poller_sink sink;
	size_t n_meters;
	struct meter **meters;

	int64_t last_now_ms;
	int64_t round_slot_s;
	int64_t round_started_us;
	size_t round_open;     /* jobs of the round still under way */
	size_t round_asked;    /* meters asked in it */
	size_t round_answered; /* of these, those that gave any answer */
	bool ending;	       /* nothing more is asked */
	bool contacted;	       /* every meter has been asked once who it is */
	size_t extra_open;     /* probes and parts under way */
	bool line_down;	       /* port or connection lost, or no meter answers */
	bool silent;	       /* the latter: one meter a round is asked, in turn */
	size_t turn;
	uint64_t requests, errors, overruns;
	uint32_t round_ms;
	int64_t status_at_us, status_busy_us;
};

static void tell(struct poller *p, int64_t at_ms, const char *what, const char *subject, const char *kind,
		 const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* One log line that leads with its subject and, where kind is one, the event that goes with it. */
static void tell(struct poller *p, int64_t at_ms, const char *what, const char *subject, const char *kind,
		 const char *fmt, ...)
{
	char detail[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	log_info("%s %s: %s", what, subject, detail);
	if (kind != NULL)
		p->sink.event(p->sink.context, at_ms, subject, kind, detail);
}

static int64_t slot_of(int64_t now_s, uint32_t every_s)
{
	return now_s - now_s % every_s;
}

/* From now on only slots after now_ms are due. */
static void forget_slots(struct meter *m, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000;

	m->last_energy_slot_s = m->conf->energy_every_s ? slot_of(now_s, m->conf->energy_every_s) : INT64_MAX;
	m->last_power_slot_s = m->conf->power_every_s ? slot_of(now_s, m->conf->power_every_s) : INT64_MAX;
}

struct poller *poller_new(const struct conf_bus *conf, struct bus *bus, const struct poller_sink *sink, int64_t now_ms)
{
	struct poller *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = (struct poller){.conf = conf, .bus = bus, .sink = *sink, .last_now_ms = now_ms, .status_at_us = mono_us()};
	p->meters = calloc(conf->n_meters, sizeof(struct meter *));
	if (p->meters == NULL)
		goto fail;
	for (size_t i = 0; i < conf->n_meters; i++) {
		struct meter *m;

		if (conf->meters[i].driver == NULL)
			continue;
		m = meter_new(&conf->meters[i], sink->meter_id(sink->context, conf->meters[i].name));
		if (m == NULL)
			goto fail;
		forget_slots(m, now_ms);
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
	free(p);
}

static bool energy_due(const struct meter *m, int64_t now_s)
{
	return m->conf->energy_every_s && m->last_energy_slot_s < slot_of(now_s, m->conf->energy_every_s);
}

static bool power_due(const struct meter *m, int64_t now_s)
{
	return m->conf->power_every_s && m->last_power_slot_s < slot_of(now_s, m->conf->power_every_s);
}

/* Take what is due from the meter's account of slots: its groups, and the slot they belong to. */
static unsigned take_due(struct meter *m, int64_t now_s, int64_t *slot_s)
{
	unsigned groups = 0;

	if (energy_due(m, now_s)) {
		groups |= DRIVER_ENERGY;
		*slot_s = m->last_energy_slot_s = slot_of(now_s, m->conf->energy_every_s);
	}
	/* Groups of one job share a slot: power that fell due at another moment than energy waits for its next. */
	if (power_due(m, now_s)) {
		m->last_power_slot_s = slot_of(now_s, m->conf->power_every_s);
		if (groups == 0 || m->last_power_slot_s == *slot_s) {
			groups |= DRIVER_POWER;
			*slot_s = m->last_power_slot_s;
		}
	}
	return groups;
}

/* The slot was taken, but nothing of it read. */
static void give_back(struct meter *m, unsigned groups)
{
	if (groups & DRIVER_ENERGY)
		m->last_energy_slot_s -= m->conf->energy_every_s;
	if (groups & DRIVER_POWER)
		m->last_power_slot_s -= m->conf->power_every_s;
}

static void submit(struct poller *p, struct meter *m)
{
	if (p->ending) {
		m->task = METER_IDLE;
		return;
	}
	if (m->task == METER_READ || m->task == METER_IDENTIFY)
		p->round_open++;
	else
		p->extra_open++;
	bus_submit(p->bus, &m->job);
}

/* Ask one meter for what is due: first, if it is time, who it is. */
static void ask(struct poller *p, struct meter *m, int64_t slot_s, unsigned groups, int64_t now_ms)
{
	m->slot_s = slot_s;
	m->wanted = groups;
	if (!(now_ms >= m->identify_at_ms && meter_begin_identify(m)) && !meter_begin_read(m, slot_s, groups))
		return;
	p->round_asked++;
	submit(p, m);
}

static void start_round(struct poller *p, int64_t now_ms)
{
	size_t first = p->silent ? p->turn++ % p->n_meters : 0;
	bool one_only = p->silent;

	p->round_asked = p->round_answered = 0;
	p->round_started_us = mono_us();
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[(first + i) % p->n_meters];
		int64_t slot_s = 0;
		unsigned groups;

		if (m->task != METER_IDLE)
			continue;
		groups = take_due(m, now_ms / 1000, &slot_s);
		if (groups != 0 && (one_only ? p->round_asked == 0 : m->state != METER_DOWN))
			ask(p, m, slot_s, groups, now_ms);
	}
}

/* A slot came while a round is under way: power is given up, energy stays due until the round ends. */
static void skip_slot(struct poller *p, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000;
	bool lost = false;

	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (power_due(m, now_s)) {
			m->last_power_slot_s = slot_of(now_s, m->conf->power_every_s);
			lost = true;
		}
		if (energy_due(m, now_s) &&
		    slot_of(now_s, m->conf->energy_every_s) - m->last_energy_slot_s > m->conf->energy_every_s) {
			m->last_energy_slot_s += m->conf->energy_every_s;
			lost = true;
		}
	}
	p->overruns += lost;
}

/* At start every meter is asked at once who it is, so that the installer need not wait for the first slot. Not those
 * known from before a reload. */
static void make_contact(struct poller *p)
{
	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (m->state != METER_NEVER || m->task != METER_IDLE)
			continue;
		if (!meter_begin_identify(m) && !meter_begin_probe(m))
			continue;
		m->wanted = 0;
		p->round_asked += m->task == METER_IDENTIFY;
		submit(p, m);
	}
	p->contacted = true;
}

static bool set_back(const struct poller *p, int64_t now_ms)
{
	return now_ms + STEP_BACK_MS < p->last_now_ms;
}

static int64_t next_slot_ms(const struct poller *p, int64_t now_ms)
{
	int64_t next_s = INT64_MAX / 1000;

	for (size_t i = 0; i < p->n_meters; i++) {
		const struct conf_meter *c = p->meters[i]->conf;
		int64_t energy_s =
			c->energy_every_s ? slot_of(now_ms / 1000, c->energy_every_s) + c->energy_every_s : next_s;
		int64_t power_s =
			c->power_every_s ? slot_of(now_ms / 1000, c->power_every_s) + c->power_every_s : next_s;

		if (energy_s < next_s)
			next_s = energy_s;
		if (power_s < next_s)
			next_s = power_s;
	}
	return next_s * 1000;
}

/* The down meter whose probe is due the longest, or NULL. */
static struct meter *probe_candidate(const struct poller *p, int64_t now_ms)
{
	struct meter *first = NULL;

	for (size_t i = 0; i < p->n_meters; i++) {
		struct meter *m = p->meters[i];

		if (m->task == METER_IDLE && m->state == METER_DOWN && m->probe_at_ms <= now_ms &&
		    (first == NULL || m->probe_at_ms < first->probe_at_ms))
			first = m;
	}
	return first;
}

/* In the time that the round leaves: see whether a down meter is back. A probe that never finds the time is made
 * all the same once it has waited for the longest pause. */
static void use_slack(struct poller *p, int64_t now_ms)
{
	int64_t slack_ms = next_slot_ms(p, now_ms) - now_ms;
	struct meter *m = probe_candidate(p, now_ms);

	if (p->round_open > 0 || p->extra_open > 0 || p->silent || m == NULL)
		return;
	if (slack_ms < PROBE_SLACK_MIN_MS && now_ms - m->probe_at_ms < METER_PROBE_PAUSE_MAX_MS)
		return;
	if (!meter_begin_probe(m))
		return;
	if (slack_ms >= PROBE_SLACK_MIN_MS && slack_ms < m->job.timeout_ms)
		m->job.timeout_ms = (uint32_t)slack_ms;
	submit(p, m);
}

void poller_tick(struct poller *p, int64_t now_ms)
{
	if (set_back(p, now_ms))
		for (size_t i = 0; i < p->n_meters; i++)
			forget_slots(p->meters[i], now_ms);
	p->last_now_ms = now_ms;
	if (p->n_meters == 0)
		return;
	if (p->round_open > 0)
		skip_slot(p, now_ms);
	else
		start_round(p, now_ms);
	if (!p->contacted)
		make_contact(p);
	use_slack(p, now_ms);
}

int64_t poller_next_ms(const struct poller *p, int64_t now_ms)
{
	int64_t next_ms = next_slot_ms(p, now_ms);

	if (!p->contacted)
		return now_ms;
	for (size_t i = 0; i < p->n_meters; i++) {
		const struct meter *m = p->meters[i];

		if (m->state == METER_DOWN && m->probe_at_ms > now_ms && m->probe_at_ms < next_ms)
			next_ms = m->probe_at_ms;
	}
	return next_ms;
}

static void tell_state(struct poller *p, const struct meter *m, enum meter_state before, int64_t now_ms)
{
	const char *name = m->conf->name;

	switch (m->state) {
	case METER_UP:
		if (before == METER_SUSPECT)
			tell(p, now_ms, "meter", name, NULL, "up again");
		else
			tell(p, now_ms, "meter", name, "meter-up", "up: %s at %s address %u", m->conf->driver->title,
			     p->conf->name, m->conf->address);
		break;
	case METER_SUSPECT:
		tell(p, now_ms, "meter", name, NULL, "suspect: %s; asked once a round from now on", m->reason);
		break;
	case METER_DOWN:
		tell(p, now_ms, "meter", name, "meter-down", "down: %s, %u rounds in a row; next try in %lld s",
		     m->reason, m->failed_rounds, (long long)(m->probe_pause_ms / 1000));
		break;
	case METER_NEVER:
		break;
	}
}

static void settle(struct poller *p, struct meter *m, enum meter_outcome outcome, int64_t now_ms)
{
	enum meter_state before = m->state;

	/* On a line where nobody answers, silence says nothing about this meter, nor does what was cut short. */
	if (outcome == METER_FAILED && (p->silent || p->ending))
		outcome = METER_NO_LINE;
	if (meter_settle(m, outcome, now_ms))
		tell_state(p, m, before, now_ms);
}

static void take_refused(struct poller *p, struct meter *m)
{
	if (meter_take_refused(m) > 0 && meter_begin_part(m))
		submit(p, m);
}

static void finish_read(struct poller *p, struct meter *m, enum meter_outcome outcome, int64_t now_ms)
{
	struct reading r = {.meter = m->id, .slot_s = m->slot_s, .groups = m->groups};
	int64_t delay_ms = now_ms - (mono_us() - m->job.ended_us) / 1000 - m->slot_s * 1000;
	uint32_t period_s = m->groups & DRIVER_ENERGY ? m->conf->energy_every_s : m->conf->power_every_s;

	r.delay_ms = delay_ms < 0 ? 0 : (uint32_t)delay_ms;
	if (m->identity.mismatch[0] != '\0')
		r.quality = READING_SUSPECT;
	else if (delay_ms > (int64_t)period_s * 500)
		r.quality = READING_LATE;
	if (meter_reading(m, &r) > 0)
		p->sink.reading(p->sink.context, &r);
	else if (p->ending)
		give_back(m, m->groups);
	settle(p, m, outcome, now_ms);
	take_refused(p, m);
}

static void report_identity(struct poller *p, struct meter *m, bool serial_changed, const char *old_serial,
			    const char *old_mismatch, int64_t now_ms)
{
	const struct meter_identity *id = &m->identity;

	if (id->mismatch[0] != '\0' && strcmp(id->mismatch, old_mismatch) != 0)
		tell(p, now_ms, "meter", m->conf->name, "identity-changed",
		     "not a %s: %s; its readings are kept as suspect", m->conf->model, id->mismatch);
	if (serial_changed)
		tell(p, now_ms, "meter", m->conf->name, "identity-changed", "serial number %s was %s", id->serial,
		     old_serial);
	if (id->serial[0] != '\0')
		p->sink.serial(p->sink.context, m->id, id->serial);
}

static void finish_identify(struct poller *p, struct meter *m, enum meter_outcome outcome, int64_t now_ms)
{
	struct reading r = {.meter = m->id, .slot_s = now_ms / 1000, .groups = DRIVER_STATE};
	struct meter_identity old = m->identity;
	bool serial_changed;

	if (p->ending)
		give_back(m, m->wanted);
	settle(p, m, outcome, now_ms);
	if (outcome != METER_ANSWERED)
		return;
	serial_changed = meter_take_identity(m);
	m->identify_at_ms = now_ms + METER_IDENTIFY_EVERY_MS;
	report_identity(p, m, serial_changed, old.serial, old.mismatch, now_ms);
	if (m->counter_max >= 0) {
		reading_set(&r, Q_COUNTER_MAX, m->counter_max);
		p->sink.reading(p->sink.context, &r);
	}
	take_refused(p, m);
	if (m->task == METER_IDLE && m->wanted != 0 && meter_begin_read(m, m->slot_s, m->wanted))
		submit(p, m);
}

static void finish_part(struct poller *p, struct meter *m, enum meter_outcome outcome, int64_t now_ms)
{
	char lacking[256];

	settle(p, m, outcome, now_ms);
	if (!meter_take_part(m, lacking, sizeof(lacking))) {
		if (meter_begin_part(m))
			submit(p, m);
		return;
	}
	if (lacking[0] != '\0')
		tell(p, now_ms, "meter", m->conf->name, "register-missing", "refuses %s", lacking);
	else
		tell(p, now_ms, "meter", m->conf->name, NULL, "refuses long reads; reads them in parts from now on");
}

static void line_lost(struct poller *p, int64_t now_ms)
{
	char why[200];

	if (p->line_down || bus_is_open(p->bus, why, sizeof(why)))
		return;
	p->line_down = true;
	tell(p, now_ms, "bus", p->conf->name, "bus-down", "%s", why);
}

static void line_answers(struct poller *p, int64_t now_ms)
{
	if (p->line_down)
		tell(p, now_ms, "bus", p->conf->name, "bus-up", "meters answer");
	p->line_down = p->silent = false;
}

static bool any_answer(const struct bus_job *job)
{
	for (size_t i = 0; i < job->n_done; i++)
		if (job->replies[i].status == LINK_OK || job->replies[i].status == LINK_EXCEPTION)
			return true;
	return false;
}

static void count_job(struct poller *p, const struct bus_job *job)
{
	p->requests += job->n_done;
	for (size_t i = 0; i < job->n_done; i++)
		p->errors += job->replies[i].status != LINK_OK && job->replies[i].status != LINK_EXCEPTION;
}

static void finish(struct poller *p, struct meter *m, int64_t now_ms)
{
	enum meter_outcome outcome = meter_answered(m, now_ms);
	bool of_round = m->task == METER_READ || m->task == METER_IDENTIFY;

	count_job(p, &m->job);
	if (outcome == METER_NO_LINE)
		line_lost(p, now_ms);
	if (any_answer(&m->job)) {
		p->round_answered += of_round;
		line_answers(p, now_ms);
	}
	p->round_open -= of_round;
	p->extra_open -= !of_round;
	if (of_round && outcome == METER_FAILED && !p->silent && !p->ending && meter_retry(m)) {
		submit(p, m);
		return;
	}
	switch (m->task) {
	case METER_READ:
		finish_read(p, m, outcome, now_ms);
		break;
	case METER_IDENTIFY:
		finish_identify(p, m, outcome, now_ms);
		break;
	case METER_PART:
		finish_part(p, m, outcome, now_ms);
		break;
	default:
		settle(p, m, outcome, now_ms);
		break;
	}
}

/* Two or more meters were asked and none said a word: it is the line, not the meters. */
static void end_round(struct poller *p, int64_t now_ms)
{
	p->round_ms = (uint32_t)((mono_us() - p->round_started_us) / 1000);
	if (p->round_asked >= 2 && p->round_answered == 0 && bus_is_open(p->bus, NULL, 0)) {
		if (!p->line_down)
			tell(p, now_ms, "bus", p->conf->name, "bus-down", "none of %zu meters answers", p->round_asked);
		p->line_down = p->silent = true;
	}
	p->round_asked = 0;
	for (size_t i = 0; i < p->n_meters; i++) {
		if (!energy_due(p->meters[i], now_ms / 1000))
			continue;
		start_round(p, now_ms);
		return;
	}
}

void poller_results(struct poller *p, int64_t now_ms)
{
	struct bus_job *job;

	while ((job = bus_take(p->bus)) != NULL)
		finish(p, job->owner, now_ms);
	if (p->round_open == 0 && p->round_asked > 0)
		end_round(p, now_ms);
	use_slack(p, now_ms);
}

void poller_end(struct poller *p, int64_t now_ms)
{
	struct bus_job *job;

	p->ending = true;
	while ((job = bus_take(p->bus)) != NULL)
		finish(p, job->owner, now_ms);
}

void poller_inherit(struct poller *p, struct poller *old)
{
	for (size_t i = 0; i < p->n_meters; i++)
		for (size_t k = 0; k < old->n_meters; k++)
			if (conf_meter_equal(p->meters[i]->conf, old->meters[k]->conf))
				meter_inherit(p->meters[i], old->meters[k]);
	p->last_now_ms = old->last_now_ms;
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

void poller_meter_status(const struct poller *p, size_t i, int64_t *meter, struct store_meter_status *st)
{
	const struct meter *m = p->meters[i];

	*meter = m->id;
	*st = (struct store_meter_status){
		.state = meter_state_text(m),
		.last_good_s = m->last_good_s,
		.failures = m->failures,
		.requests = m->requests,
		.timeouts = m->timeouts,
		.crc_errors = m->crc_errors,
		.exceptions = m->exceptions,
		.latency_us = m->latency_us,
	};
}

void poller_bus_status(struct poller *p, struct store_bus_status *st)
{
	int64_t now_us = mono_us(), busy_us = bus_busy_us(p->bus), span_us = now_us - p->status_at_us;

	*st = (struct store_bus_status){
		.state = p->line_down ? "down" : "up",
		.busy_percent = span_us > 0 ? 100.0 * (double)(busy_us - p->status_busy_us) / (double)span_us : 0,
		.requests = p->requests,
		.errors = p->errors,
		.overruns = p->overruns,
		.round_ms = p->round_ms,
	};
	p->status_at_us = now_us;
	p->status_busy_us = busy_us;
}
