/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

struct meter *meter_new(const struct conf_meter *conf, int64_t id, int64_t now_ms)
{
	const struct driver *d = conf->driver;
	struct meter *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->conf = conf;
	m->id = id;
	m->counter_max = -1;
	due_init(&m->due, conf, now_ms);
	parts_init(&m->parts, d);
	m->multipliers = calloc(d->n_rows, sizeof(*m->multipliers));
	if (m->multipliers == NULL) {
		meter_free(m);
		return NULL;
	}
	for (size_t i = 0; i < d->n_rows; i++)
		m->multipliers[i] = driver_multiplier(d, &d->rows[i], conf->ct_primary, conf->ct_secondary,
						      conf->vt_primary, conf->vt_secondary);
	return m;
}

static void drop_plans(struct meter *m)
{
	for (size_t i = 0; i < sizeof(m->plans) / sizeof(m->plans[0]); i++) {
		plan_free(m->plans[i]);
		m->plans[i] = NULL;
	}
	m->plan = NULL;
}

void meter_free(struct meter *m)
{
	if (m == NULL)
		return;
	drop_plans(m);
	free(m->multipliers);
	free(m->words);
	free(m->replies);
	free(m);
}

void meter_inherit(struct meter *m, const struct meter *old)
{
	m->health = old->health;
	due_inherit(&m->due, &old->due);
	m->identify_at_ms = old->identify_at_ms;
	m->identity = old->identity;
	m->counter_max = old->counter_max;
	parts_inherit(&m->parts, &old->parts);
}

/* Room for the answers of a plan; it only ever grows. */
static bool make_room(struct meter *m, const struct plan *p)
{
	struct link_reply *replies;
	uint16_t *words;

	if (p->n_words > m->n_words) {
		words = reallocarray(m->words, p->n_words, sizeof(*words));
		if (words == NULL)
			return false;
		m->words = words;
		m->n_words = p->n_words;
	}
	if (p->n_requests > m->n_replies) {
		replies = reallocarray(m->replies, p->n_requests, sizeof(*replies));
		if (replies == NULL)
			return false;
		m->replies = replies;
		m->n_replies = p->n_requests;
	}
	return true;
}

/* The plan for these groups, made when it is first asked for; NULL when there is nothing to read or no memory. */
static const struct plan *plan_of(struct meter *m, unsigned groups)
{
	struct plan **p = &m->plans[groups];

	if (m->plans_version != m->parts.version) {
		drop_plans(m);
		m->plans_version = m->parts.version;
	}
	if (*p == NULL)
		*p = plan_new(m->conf->driver, groups, &m->parts.missing, &m->parts.cuts);
	if (*p == NULL || (*p)->n_requests == 0 || !make_room(m, *p))
		return NULL;
	return *p;
}

static void make_job(struct meter *m, const struct plan_request *requests, size_t n_requests,
		     struct link_reply *replies)
{
	m->job = (struct bus_job){
		.owner = m,
		.unit = m->conf->address,
		.timeout_ms = m->conf->response_timeout_ms,
		.n_requests = n_requests,
		.requests = requests,
		.words = m->words,
		.replies = replies,
	};
}

static bool begin_plan(struct meter *m, enum meter_task task, unsigned groups)
{
	m->plan = plan_of(m, groups);
	if (m->plan == NULL)
		return false;
	m->task = task;
	m->groups = groups;
	m->first = 0;
	m->tries_left = m->health.failed_rounds == 0 ? m->conf->retries : 0;
	for (size_t i = 0; i < m->plan->n_requests; i++)
		m->replies[i] = (struct link_reply){.status = LINK_TIMEOUT};
	make_job(m, m->plan->requests, m->plan->n_requests, m->replies);
	return true;
}

bool meter_begin_read(struct meter *m, unsigned groups)
{
	return begin_plan(m, METER_READ, groups);
}

bool meter_begin_identify(struct meter *m)
{
	return begin_plan(m, METER_IDENTIFY, DRIVER_IDENTITY | DRIVER_STATE);
}

static void begin_single(struct meter *m, enum meter_task task, struct plan_request r)
{
	m->task = task;
	m->tries_left = 0;
	m->first = 0;
	m->part = r;
	make_job(m, &m->part, 1, m->replies);
}

bool meter_begin_part(struct meter *m)
{
	struct plan_request r;

	if (!parts_next(&m->parts, &r))
		return false;
	begin_single(m, METER_PART, r);
	return true;
}

bool meter_begin_probe(struct meter *m)
{
	static const unsigned tried[] = {DRIVER_ENERGY, DRIVER_POWER, DRIVER_IDENTITY | DRIVER_STATE};
	const struct plan *p = NULL;

	for (size_t i = 0; p == NULL && i < sizeof(tried) / sizeof(tried[0]); i++) {
		p = plan_of(m, tried[i]);
		m->groups = tried[i];
	}
	if (p == NULL)
		return false;
	m->plan = p;
	begin_single(m, METER_PROBE, p->requests[0]);
	return true;
}

enum meter_outcome meter_answered(struct meter *m, int64_t now_ms)
{
	size_t n_refused = 0;
	bool failed = false;

	health_count(&m->health, m->job.replies, m->job.n_done, now_ms);
	for (size_t i = 0; i < m->job.n_done; i++) {
		const struct link_reply *r = &m->job.replies[i];

		if (r->status == LINK_CLOSED)
			return METER_NO_LINE;
		n_refused += link_is_refusal(r);
		failed |= !link_is_final(r);
	}
	if (failed)
		return METER_FAILED;
	if (m->job.n_done < m->job.n_requests)
		return METER_NO_LINE;
	return n_refused == m->job.n_done ? METER_REFUSED : METER_ANSWERED;
}

/* A magnitude and its sign belong to one moment: neither is kept from an earlier try without the other. */
static size_t first_to_repeat(const struct meter *m, size_t first_unanswered)
{
	size_t first = first_unanswered;

	for (size_t i = 0; i < m->plan->n_items; i++) {
		const struct plan_item *item = &m->plan->items[i];

		if (item->request < first && item->sign_request >= first_unanswered)
			first = item->request;
		if (item->sign_request < first && item->request >= first_unanswered)
			first = item->sign_request;
	}
	return first;
}

bool meter_retry(struct meter *m)
{
	size_t i = m->first;

	if (m->tries_left == 0)
		return false;
	m->tries_left--;
	if (m->task == METER_PART || m->task == METER_PROBE) {
		make_job(m, &m->part, 1, m->replies);
		return true;
	}
	while (i < m->plan->n_requests && link_is_final(&m->replies[i]))
		i++;
	i = first_to_repeat(m, i);
	m->first = i;
	make_job(m, &m->plan->requests[i], m->plan->n_requests - i, &m->replies[i]);
	return true;
}

static bool function_missing(const struct meter *m)
{
	const struct link_reply *last;

	if (m->job.n_done == 0)
		return false;
	last = &m->job.replies[m->job.n_done - 1];
	return last->status == LINK_EXCEPTION && last->exception == 1;
}

bool meter_settle(struct meter *m, enum meter_outcome outcome, int64_t now_ms)
{
	enum health_state before = m->health.state;

	m->task = METER_IDLE;
	if (outcome == METER_FAILED)
		health_failed(&m->health, function_missing(m), now_ms);
	else if (outcome == METER_ANSWERED)
		health_answered(&m->health);
	return m->health.state != before;
}

static bool item_answered(const struct meter *m, const struct plan_item *item)
{
	return m->replies[item->request].status == LINK_OK &&
	       (item->sign_word < 0 || m->replies[item->sign_request].status == LINK_OK);
}

static enum codec_status decode(const struct meter *m, const struct plan_item *item, int64_t *value)
{
	const struct driver *d = m->conf->driver;
	const uint16_t *sign = item->sign_word < 0 ? NULL : &m->words[item->sign_word];

	return codec_number(d->order, &d->rows[item->row], &m->words[item->word], sign, m->multipliers[item->row],
			    value);
}

unsigned meter_reading(const struct meter *m, struct reading *r)
{
	unsigned n = 0;
	int64_t value;

	for (size_t i = 0; i < m->plan->n_items; i++) {
		const struct plan_item *item = &m->plan->items[i];

		if (!item_answered(m, item) || decode(m, item, &value) != CODEC_OK)
			continue;
		reading_set(r, m->conf->driver->rows[item->row].quantity, value);
		n++;
	}
	return n;
}

static void take_text(struct meter_identity *id, const struct driver_row *row, const char *text)
{
	if (row->quantity == Q_SERIAL_NUMBER)
		snprintf(id->serial, sizeof(id->serial), "%s", text);
	if (row->quantity == Q_FIRMWARE_VERSION)
		snprintf(id->firmware, sizeof(id->firmware), "%s", text);
	if (row->expect[0] != '\0' && !driver_row_expects(row, text) && id->mismatch[0] == '\0')
		snprintf(id->mismatch, sizeof(id->mismatch), "%s is \"%s\", the model has \"%s\"",
			 names_get(row->quantity)->name, text, row->expect);
}

/* A meter that does not say this time who it is has not become another one. */
static void keep_unsaid(const struct meter *m, struct meter_identity *id, bool said)
{
	if (id->serial[0] == '\0')
		memcpy(id->serial, m->identity.serial, sizeof(id->serial));
	if (id->firmware[0] == '\0')
		memcpy(id->firmware, m->identity.firmware, sizeof(id->firmware));
	if (!said)
		memcpy(id->mismatch, m->identity.mismatch, sizeof(id->mismatch));
}

void meter_read_identity(const struct meter *m, struct meter_identity *id)
{
	const struct driver *d = m->conf->driver;
	char text[sizeof(id->serial)];
	bool said = false;

	*id = (struct meter_identity){0};
	for (size_t i = 0; i < m->plan->n_items; i++) {
		const struct plan_item *item = &m->plan->items[i];
		const struct driver_row *row = &d->rows[item->row];

		if (row->group != DRIVER_IDENTITY || !item_answered(m, item) ||
		    codec_text(d->order, row, &m->words[item->word], text, sizeof(text)) != CODEC_OK)
			continue;
		take_text(id, row, text);
		said |= row->expect[0] != '\0';
	}
	keep_unsaid(m, id, said);
}

static void take_counter_max(struct meter *m)
{
	for (size_t i = 0; i < m->plan->n_items; i++) {
		const struct plan_item *item = &m->plan->items[i];

		if (m->conf->driver->rows[item->row].quantity == Q_COUNTER_MAX && item_answered(m, item))
			(void)decode(m, item, &m->counter_max);
	}
}

bool meter_take_identity(struct meter *m)
{
	struct meter_identity id;
	bool changed;

	meter_read_identity(m, &id);
	take_counter_max(m);
	changed = m->identity.serial[0] != '\0' && strcmp(m->identity.serial, id.serial) != 0;
	m->identity = id;
	return changed;
}

size_t meter_take_refused(struct meter *m)
{
	if (parts_is_searching(&m->parts))
		return m->parts.n_waiting;
	parts_begin(&m->parts, m->plan, m->groups);
	if (m->task == METER_PROBE && link_is_refusal(&m->replies[0]))
		parts_add(&m->parts, m->part);
	for (size_t i = m->task == METER_PROBE ? 0 : m->plan->n_requests; i-- > 0;)
		if (link_is_refusal(&m->replies[i]))
			parts_add(&m->parts, m->plan->requests[i]);
	return m->parts.n_waiting;
}

enum parts_answer meter_part_answer(const struct meter *m)
{
	if (m->replies[0].status == LINK_OK)
		return PARTS_READ;
	return link_is_refusal(&m->replies[0]) ? PARTS_REFUSED : PARTS_SILENT;
}

const char *meter_state_text(const struct meter *m)
{
	switch (m->health.state) {
	case HEALTH_UP:
		if (m->identity.mismatch[0] != '\0')
			return "suspect";
		return m->conf->driver->provenance >= DRIVER_SIBLING && !m->conf->confirmed ? "unconfirmed" : "up";
	case HEALTH_SUSPECT:
		return "suspect";
	case HEALTH_DOWN:
		return m->health.last_good_s == 0 ? "never" : "down";
	default:
		return "never";
	}
}
