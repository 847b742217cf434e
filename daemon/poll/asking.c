/* SPDX-License-Identifier: MIT */
#include "asking.h"

#include <errno.h>
#include <stdlib.h>

#include "decode.h"
#include "link.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

int asking_init(struct asking *a, const struct conf_meter *conf, const struct parts *parts, void *owner)
{
	const struct driver *d = conf->driver;

	*a = (struct asking){.conf = conf, .parts = parts, .owner = owner};
	a->multipliers = calloc(d->n_rows, sizeof(*a->multipliers));
	if (a->multipliers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_rows; i++)
		a->multipliers[i] = driver_multiplier(d, &d->rows[i], conf->ct_primary, conf->ct_secondary,
						      conf->vt_primary, conf->vt_secondary);
	return 0;
}

/* Drop all plans except that of the task: it stays until there is another task, for which memory may be lacking. */
static void drop_plans(struct asking *a)
{
	if (a->retired != a->plan) {
		plan_free(a->retired);
		a->retired = NULL;
	}
	for (size_t i = 0; i < sizeof(a->plans) / sizeof(a->plans[0]); i++) {
		if (a->plans[i] != NULL && a->plans[i] == a->plan)
			a->retired = a->plans[i];
		else
			plan_free(a->plans[i]);
		a->plans[i] = NULL;
	}
}

void asking_fini(struct asking *a)
{
	a->plan = NULL;
	drop_plans(a);
	free(a->multipliers);
	free(a->words);
	free(a->replies);
}

/* Make room for answers. */
static bool grow_buffers(struct asking *a, size_t n_words, size_t n_requests)
{
	struct link_reply *replies;
	uint16_t *words;

	if (n_words > a->n_words) {
		words = reallocarray(a->words, n_words, sizeof(*words));
		if (words == NULL)
			return false;
		a->words = words;
		a->n_words = n_words;
	}
	if (n_requests > a->n_replies) {
		replies = reallocarray(a->replies, n_requests, sizeof(*replies));
		if (replies == NULL)
			return false;
		a->replies = replies;
		a->n_replies = n_requests;
	}
	return true;
}

/* The plan that reads these groups, with room for its answers; NULL: nothing to read, or out of memory. */
static const struct plan *find_plan(struct asking *a, unsigned groups)
{
	struct plan **p = &a->plans[groups];

	if (a->plans_version != a->parts->version) {
		drop_plans(a);
		a->plans_version = a->parts->version;
	}
	if (*p == NULL)
		*p = plan_new(a->conf->driver, groups, &a->parts->missing, &a->parts->cuts);
	if (*p == NULL || (*p)->n_requests == 0 || !grow_buffers(a, (*p)->n_words, (*p)->n_requests))
		return NULL;
	return *p;
}

static void make_job(struct asking *a, const struct plan_request *requests, size_t n_requests,
		     struct link_reply *replies)
{
	a->is_waiting = false;
	a->job = (struct bus_job){
		.owner = a->owner,
		.unit = a->conf->address,
		.timeout_ms = a->conf->response_timeout_ms,
		.n_requests = n_requests,
		.requests = requests,
		.words = a->words,
		.replies = replies,
	};
	/* A meter that was silent may owe the answers to all that it was asked alone. */
	if (a->task == ASKING_PROBE) {
		a->job.offered = a->plan->requests;
		a->job.n_offered = a->plan->n_requests;
	}
}

static bool begin_plan(struct asking *a, enum asking_task task, unsigned groups, unsigned n_retries)
{
	const struct plan *plan = find_plan(a, groups);

	if (plan == NULL)
		return false;
	a->task = task;
	a->plan = plan;
	a->groups = groups;
	a->first = 0;
	a->tries_left = n_retries;
	for (size_t i = 0; i < plan->n_requests; i++)
		a->replies[i] = (struct link_reply){.status = LINK_TIMEOUT};
	make_job(a, plan->requests, plan->n_requests, a->replies);
	return true;
}

bool asking_begin_read(struct asking *a, unsigned groups, unsigned n_retries)
{
	return begin_plan(a, ASKING_READ, groups, n_retries);
}

bool asking_begin_identify(struct asking *a, unsigned n_retries)
{
	return begin_plan(a, ASKING_IDENTIFY, DRIVER_IDENTITY | DRIVER_STATE, n_retries);
}

/* The job of the first n requests of few. */
static void begin_few(struct asking *a, enum asking_task task, size_t n)
{
	a->task = task;
	a->first = 0;
	a->tries_left = 0;
	make_job(a, a->few, n, a->replies);
}

bool asking_begin_probe(struct asking *a)
{
	static const unsigned tried[] = {DRIVER_ENERGY, DRIVER_POWER, DRIVER_IDENTITY | DRIVER_STATE};

	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		const struct plan *plan = find_plan(a, tried[i]);

		if (plan == NULL)
			continue;
		a->plan = plan;
		a->groups = tried[i];
		a->few[0] = plan->requests[0];
		begin_few(a, ASKING_PROBE, 1);
		return true;
	}
	return false;
}

void asking_begin_part(struct asking *a, struct plan_request r)
{
	a->few[0] = r;
	begin_few(a, ASKING_PART, 1);
}

/* One more request of few; its words are behind those of the others. */
static void add_few(struct asking *a, size_t *n, const struct driver *d, const struct driver_row *row, uint16_t address,
		    uint16_t n_words)
{
	uint16_t word = *n == 0 ? 0 : (uint16_t)(a->few[*n - 1].word + a->few[*n - 1].n_words);

	a->few[(*n)++] = (struct plan_request){.function = row->function,
					       .address = address,
					       .n_words = n_words,
					       .word = word,
					       .per_count = d->counts_longs ? 2 : 1};
}

bool asking_begin_again(struct asking *a, unsigned row)
{
	const struct driver *d = a->conf->driver;
	const struct driver_row *r = &d->rows[row], *rest = driver_rest(d, r);
	size_t n = 0;

	if (!grow_buffers(a, DRIVER_WORDS_MAX, COUNT_OF(a->few)))
		return false;
	a->row = row;
	add_few(a, &n, d, r, r->address, r->n_words);
	if (r->has_sign)
		add_few(a, &n, d, r, r->sign_address, 1);
	if (r->has_ten)
		add_few(a, &n, d, r, r->ten_address, 1);
	if (rest != NULL)
		add_few(a, &n, d, rest, rest->address, rest->n_words);
	begin_few(a, ASKING_AGAIN, n);
	return true;
}

enum asking_outcome asking_outcome(const struct asking *a)
{
	size_t n_refused = 0;
	bool has_failed = false;

	for (size_t i = 0; i < a->job.n_done; i++) {
		const struct link_reply *r = &a->job.replies[i];

		if (r->status == LINK_CLOSED)
			return ASKING_NO_LINE;
		n_refused += link_is_refusal(r);
		has_failed |= !link_is_final(r);
	}
	if (has_failed)
		return ASKING_FAILED;
	if (a->job.n_done < a->job.n_requests)
		return ASKING_NO_LINE;
	return n_refused == a->job.n_done ? ASKING_REFUSED : ASKING_ANSWERED;
}

void asking_wait(struct asking *a, unsigned n_retries)
{
	a->is_waiting = true;
	a->tries_left = n_retries;
}

/* The first request of the plan to ask again. A value and its sign or power of ten must be of one moment: neither is
 * kept from an earlier try without the other. */
static size_t first_to_retry(const struct asking *a)
{
	size_t first_open = a->first, first;

	while (first_open < a->plan->n_requests && link_is_final(&a->replies[first_open]))
		first_open++;
	first = first_open;
	for (size_t i = 0; i < a->plan->n_items; i++) {
		const struct plan_item *item = &a->plan->items[i];

		const uint16_t beside[] = {item->sign_request, item->ten_request};

		for (size_t k = 0; k < COUNT_OF(beside); k++) {
			if (item->request < first && beside[k] >= first_open)
				first = item->request;
			if (beside[k] < first && item->request >= first_open)
				first = beside[k];
		}
	}
	return first;
}

bool asking_retry(struct asking *a)
{
	a->is_waiting = false;
	if (a->tries_left == 0)
		return false;
	a->tries_left--;
	if (a->task == ASKING_PART || a->task == ASKING_PROBE || a->task == ASKING_AGAIN) {
		make_job(a, a->few, a->job.n_requests, a->replies);
		return true;
	}
	a->first = first_to_retry(a);
	make_job(a, &a->plan->requests[a->first], a->plan->n_requests - a->first, &a->replies[a->first]);
	return true;
}

void asking_limit_timeout(struct asking *a, uint32_t timeout_max_ms)
{
	if (a->job.timeout_ms > timeout_max_ms)
		a->job.timeout_ms = timeout_max_ms;
}

void asking_end(struct asking *a)
{
	a->task = ASKING_NOTHING;
	a->is_waiting = false;
}

bool asking_lacks_function(const struct asking *a)
{
	const struct link_reply *last;

	if (a->job.n_done == 0)
		return false;
	last = &a->job.replies[a->job.n_done - 1];
	return last->status == LINK_EXCEPTION && last->exception == 1;
}

enum parts_answer asking_part_answer(const struct asking *a)
{
	enum parts_answer answer = PARTS_READ;

	for (size_t i = 0; i < a->job.n_requests; i++) {
		if (link_is_refusal(&a->replies[i]))
			answer = PARTS_REFUSED;
		else if (i >= a->job.n_done || a->replies[i].status != LINK_OK)
			return PARTS_SILENT;
	}
	return answer;
}

struct plan_rows asking_answered_rows(const struct asking *a)
{
	struct plan_rows rows = {{0}};

	if (a->task == ASKING_AGAIN && asking_part_answer(a) == PARTS_READ)
		plan_rows_add(&rows, a->row);
	if (a->task == ASKING_READ || a->task == ASKING_IDENTIFY)
		for (size_t i = 0; i < a->plan->n_items; i++)
			if (asking_has(a, &a->plan->items[i]))
				plan_rows_add(&rows, a->plan->items[i].row);
	return rows;
}

size_t asking_give_refused(const struct asking *a, struct parts *parts)
{
	if (parts_is_searching(parts))
		return parts->n_waiting;
	parts_begin(parts, a->plan, a->groups);
	if (a->task == ASKING_PROBE) {
		if (link_is_refusal(&a->replies[0]))
			parts_add(parts, a->few[0]);
		return parts->n_waiting;
	}
	for (size_t i = a->plan->n_requests; i-- > 0;)
		if (link_is_refusal(&a->replies[i]))
			parts_add(parts, a->plan->requests[i]);
	return parts->n_waiting;
}

bool asking_has(const struct asking *a, const struct plan_item *item)
{
	return a->replies[item->request].status == LINK_OK &&
	       (item->sign_word < 0 || a->replies[item->sign_request].status == LINK_OK) &&
	       (item->ten_word < 0 || a->replies[item->ten_request].status == LINK_OK) &&
	       item->rest_request == item->request;
}

enum codec_status asking_number(const struct asking *a, const struct plan_item *item, int64_t *value)
{
	return decode_number(a->conf->driver, item, a->words, a->multipliers, value);
}

enum codec_status asking_text(const struct asking *a, const struct plan_item *item, char *out, size_t n)
{
	const struct driver *d = a->conf->driver;

	return codec_text(d->order, &d->rows[item->row], &a->words[item->word], out, n);
}

unsigned asking_reading(const struct asking *a, struct reading *r)
{
	unsigned n = 0;
	int64_t value;

	r->parts = a->conf->driver->parts;
	for (size_t i = 0; i < a->plan->n_items; i++) {
		const struct plan_item *item = &a->plan->items[i];
		const struct driver_row *row = &a->conf->driver->rows[item->row];

		if (!asking_has(a, item) || asking_number(a, item, &value) != CODEC_OK)
			continue;
		reading_set(r, row->quantity, value);
		if (row->fallback)
			reading_set_coarse(r, row->quantity);
		n++;
	}
	return n;
}
