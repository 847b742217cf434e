/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <stdio.h>
#include <string.h>

void identity_init(struct meter_identity *id)
{
	*id = (struct meter_identity){.counter_max = -1};
}

void identity_inherit(struct meter_identity *id, const struct meter_identity *old)
{
	id->texts = old->texts;
	id->counter_max = old->counter_max;
	id->ask_at_ms = old->ask_at_ms;
}

void identity_read(const struct meter_identity *id, const struct asking *a, struct identity_texts *texts)
{
	bool was_compared = false;
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
		was_compared = true;
		if (!driver_row_expects(row, text) && texts->mismatch[0] == '\0')
			snprintf(texts->mismatch, sizeof(texts->mismatch), "%s is \"%s\", expected \"%s\"",
				 names_get(row->quantity)->name, text, row->expect);
	}
	if (texts->serial[0] == '\0')
		memcpy(texts->serial, id->texts.serial, sizeof(texts->serial));
	if (texts->firmware[0] == '\0')
		memcpy(texts->firmware, id->texts.firmware, sizeof(texts->firmware));
	if (!was_compared)
		memcpy(texts->mismatch, id->texts.mismatch, sizeof(texts->mismatch));
}

void identity_accept(struct meter_identity *id, const struct asking *a, int64_t now_ms)
{
	struct identity_texts texts;

	identity_read(id, a, &texts);
	id->texts = texts;
	for (size_t i = 0; i < a->plan->n_items; i++) {
		const struct plan_item *item = &a->plan->items[i];

		if (a->conf->driver->rows[item->row].quantity == Q_COUNTER_MAX && asking_has(a, item))
			(void)asking_number(a, item, &id->counter_max);
	}
	id->ask_at_ms = now_ms + (texts.mismatch[0] == '\0' ? IDENTITY_EVERY_MS : IDENTITY_WRONG_MS);
}

void identity_ask_now(struct meter_identity *id)
{
	id->ask_at_ms = 0;
}

void identity_note_read(struct meter_identity *id, int64_t now_ms)
{
	if (id->ask_at_ms <= now_ms)
		id->ask_at_ms = now_ms + IDENTITY_RETRY_MS;
}

void identity_confirm_serial(struct meter_identity *id, bool confirms)
{
	id->confirms_serial = confirms;
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
