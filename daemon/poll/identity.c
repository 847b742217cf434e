/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "identify.h"
#include "link.h"
#include "plan.h"

enum { ADVISED_MAX = 4 };

void identity_init(struct meter_identity *id)
{
	*id = (struct meter_identity){.n_bounds = 0};
}

void identity_inherit(struct meter_identity *id, const struct meter_identity *old)
{
	id->texts = old->texts;
	memcpy(id->advice, old->advice, sizeof(id->advice));
	memcpy(id->bounds, old->bounds, sizeof(id->bounds));
	id->n_bounds = old->n_bounds;
	id->ask_at_ms = old->ask_at_ms;
	id->pause_ms = old->pause_ms;
}

void identity_read(const struct asking *a, struct identity_texts *texts)
{
	char text[sizeof(texts->serial)];

	*texts = (struct identity_texts){.serial = ""};
	for (size_t i = 0; i < a->plan->n_items; i++) {
		const struct plan_item *item = &a->plan->items[i];
		const struct driver_row *row = &a->conf->driver->rows[item->row];

		if (row->group != DRIVER_IDENTITY || !asking_has(a, item) ||
		    asking_text(a, item, text, sizeof(text)) != CODEC_OK)
			continue;
		if (row->quantity == Q_SERIAL_NUMBER)
			snprintf(texts->serial, sizeof(texts->serial), "%s", text);
		if (row->quantity == Q_FIRMWARE_VERSION)
			snprintf(texts->firmware, sizeof(texts->firmware), "%s", text);
		if (row->expect[0] == '\0')
			continue;
		texts->was_compared = true;
		if (!driver_row_expects(row, text) && texts->mismatch[0] == '\0')
			snprintf(texts->mismatch, sizeof(texts->mismatch), "%s is \"%s\", expected \"%s\"",
				 names_get(row->quantity)->name, text, row->expect);
	}
}

bool identity_doubts_serial(struct meter_identity *id, const char *serial, bool is_known)
{
	if (serial[0] == '\0')
		return false;
	if (is_known || strcmp(serial, id->candidate) == 0) {
		id->candidate[0] = '\0';
		return false;
	}
	snprintf(id->candidate, sizeof(id->candidate), "%s", serial);
	return true;
}

/* Whether the plan asks for a serial number. */
static bool asks_serial(const struct asking *a)
{
	for (size_t i = 0; i < a->plan->n_items; i++)
		if (a->conf->driver->rows[a->plan->items[i].row].quantity == Q_SERIAL_NUMBER)
			return true;
	return false;
}

/* The pause after a serial number that said nothing. */
static int64_t grow(int64_t pause_ms)
{
	if (pause_ms == 0)
		return IDENTITY_WRONG_MS;
	return 2 * pause_ms < IDENTITY_EVERY_MS ? 2 * pause_ms : IDENTITY_EVERY_MS;
}

static void set_bound(struct meter_identity *id, enum quantity q, int64_t value)
{
	size_t i = 0;

	while (i < id->n_bounds && id->bounds[i].quantity != q)
		i++;
	if (i == IDENTITY_BOUNDS)
		return;
	id->bounds[i] = (struct identity_bound){.quantity = q, .value = value};
	id->n_bounds = i == id->n_bounds ? i + 1 : id->n_bounds;
}

static void read_bounds(struct meter_identity *id, const struct asking *a)
{
	int64_t value;

	for (size_t i = 0; i < a->plan->n_items; i++) {
		const struct plan_item *item = &a->plan->items[i];
		enum quantity q = a->conf->driver->rows[item->row].quantity;

		if (names_is_bound(q) && asking_has(a, item) && asking_number(a, item, &value) == CODEC_OK)
			set_bound(id, q, value);
	}
}

void identity_accept(struct meter_identity *id, const struct asking *a, int64_t now_ms)
{
	struct identity_texts texts;

	identity_read(a, &texts);
	id->pause_ms = texts.serial[0] == '\0' && asks_serial(a) ? grow(id->pause_ms) : 0;
	if (texts.serial[0] != '\0' && id->candidate[0] == '\0')
		memcpy(id->texts.serial, texts.serial, sizeof(texts.serial));
	if (texts.firmware[0] != '\0')
		memcpy(id->texts.firmware, texts.firmware, sizeof(texts.firmware));
	if (texts.was_compared && strcmp(id->texts.mismatch, texts.mismatch) != 0) {
		memcpy(id->texts.mismatch, texts.mismatch, sizeof(texts.mismatch));
		id->advice[0] = '\0';
	}
	read_bounds(id, a);
	if (id->candidate[0] != '\0')
		id->ask_at_ms = 0;
	else if (id->texts.mismatch[0] != '\0')
		id->ask_at_ms = now_ms + IDENTITY_WRONG_MS;
	else
		id->ask_at_ms = now_ms + (id->pause_ms != 0 ? id->pause_ms : IDENTITY_EVERY_MS);
}

/* For identify(): the words of the task's answers. */
static int read_answered(void *context, uint8_t function, uint16_t address, uint16_t n_words, uint16_t *words)
{
	const struct asking *a = context;
	for (size_t i = 0; i < a->plan->n_requests; i++) {
		const struct plan_request *r = &a->plan->requests[i];
		unsigned skipped = driver_words(a->conf->driver, (unsigned)(address - r->address));

		if (a->replies[i].status != LINK_OK || r->function != function || address < r->address ||
		    skipped + n_words > r->n_words)
			continue;
		memcpy(words, a->words + r->word + skipped, n_words * sizeof(*words));
		return 0;
	}
	return -1;
}

void identity_advise(struct meter_identity *id, const struct asking *a, const char *driver_path)
{
	struct driver **drivers;
	struct identity found;
	size_t n, length = 0;

	id->advice[0] = '\0';
	drivers = driver_path != NULL ? driver_load_all(driver_path, &n) : NULL;
	if (drivers == NULL)
		return;
	if (identify(drivers, n, read_answered, (void *)(uintptr_t)a, &found) == 0 && found.n_fits <= ADVISED_MAX)
		for (size_t i = 0; i < found.n_fits && length < sizeof(id->advice); i++)
			length += (size_t)snprintf(id->advice + length, sizeof(id->advice) - length, "%s%s",
						   i == 0 ? "; write model = " : " or ", found.fits[i]->name);
	driver_free_all(drivers, n);
}

void identity_ask_now(struct meter_identity *id)
{
	id->ask_at_ms = 0;
}

void identity_note_read(struct meter_identity *id, int64_t now_ms)
{
	if (id->ask_at_ms <= now_ms && id->candidate[0] == '\0')
		id->ask_at_ms = now_ms + IDENTITY_RETRY_MS;
}

bool identity_confirm_serial(struct meter_identity *id, bool confirms)
{
	if (!confirms)
		id->n_confirms = 0;
	else if (id->n_confirms == IDENTITY_ASKS - 1)
		return false;
	else
		id->n_confirms++;
	return true;
}

void identity_confirm_counters(struct meter_identity *id, bool confirms)
{
	id->confirms_counters = confirms;
}

void identity_clock_set_back(struct meter_identity *id, int64_t now_ms)
{
	if (id->ask_at_ms > now_ms + IDENTITY_EVERY_MS)
		id->ask_at_ms = now_ms + IDENTITY_EVERY_MS;
}
