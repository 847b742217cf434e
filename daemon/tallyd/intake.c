/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_copy.h"
#include "log.h"
#include "mono.h"

void intake_init(struct intake *in, struct store *store, enum clock_trust trust)
{
	*in = (struct intake){.store = store, .clock = {.trust = trust, .past_s = store_newest_s(store)}};
}

void intake_set_store(struct intake *in, struct store *store)
{
	in->store = store;
}

void intake_set_trust(struct intake *in, enum clock_trust trust)
{
	in->clock.trust = trust;
}

void intake_event(struct intake *in, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	in->has_news = true;
	if (in->store != NULL)
		store_event(in->store, at_ms, subject, kind, detail);
}

bool intake_has_news(const struct intake *in)
{
	return in->has_news;
}

void intake_forget_news(struct intake *in)
{
	in->has_news = false;
}

bool intake_watch_clock(struct intake *in)
{
	int64_t before_ms = in->clock.wall_ms; /* no reading that has come is later */
	int64_t now_ms = mono_wall_ms(), step_ms = clock_step_ms(&in->clock, now_ms, mono_us());
	/* The kernel is asked only where it counts: adjtimex(2) takes longer than all else here. */
	bool synchronised = in->clock.trust == CLOCK_KERNEL && clock_kernel_synchronised();
	bool good = clock_is_good(&in->clock, now_ms, synchronised);
	char detail[64];

	if (step_ms != 0) {
		snprintf(detail, sizeof(detail), "%s by %lld.%03lld s", step_ms > 0 ? "forward" : "back",
			 llabs(step_ms) / 1000, llabs(step_ms) % 1000);
		log_warning("clock: stepped %s", detail);
		intake_event(in, now_ms, "tallyd", "clock-step", detail);
		if (step_ms < 0 && in->store != NULL)
			store_clock_back(in->store, before_ms, -step_ms);
	}
	if (good == in->is_clock_doubted) {
		in->is_clock_doubted = !good;
		if (good)
			log_info("clock: trusted");
		else
			log_warning("clock: not trusted yet; readings are marked unsynchronised");
	}
	return good;
}

static void on_reading(void *context, const struct reading *r)
{
	struct intake *in = context;
	struct reading marked;

	if (!intake_watch_clock(in) && r->quality != READING_SUSPECT) {
		marked = *r;
		marked.quality = READING_UNSYNCHRONISED;
		r = &marked;
	}
	if (in->store != NULL)
		store_reading(in->store, r);
}

/* Questions about the account are answered from what the last commit left of it. */
static bool is_plausible(void *context, const struct reading *r)
{
	const struct intake *in = context;

	return in->store == NULL || ledger_copy_is_plausible(store_ledger_copy(in->store), r);
}

static bool is_known_serial(void *context, int64_t meter, const char *serial)
{
	const struct intake *in = context;
	const char *known;

	if (in->store == NULL)
		return true;
	known = store_waiting_serial(in->store, meter);
	if (known == NULL)
		known = ledger_copy_serial(store_ledger_copy(in->store), meter);
	return strcmp(known, serial) == 0;
}

static void on_event(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	intake_event(context, at_ms, subject, kind, detail);
}

static void on_serial(void *context, int64_t meter, const char *serial)
{
	const struct intake *in = context;

	if (in->store != NULL)
		store_meter_serial(in->store, meter, serial);
}

static int64_t find_meter_id(void *context, const char *name)
{
	const struct intake *in = context;

	return in->store == NULL ? -1 : store_meter_id(in->store, name);
}

static void on_meter_status(void *context, int64_t meter, const struct meter_status *st)
{
	const struct intake *in = context;

	if (in->store != NULL)
		store_meter_status(in->store, meter, st);
}

static void on_bus_status(void *context, const char *bus, const struct bus_status *st)
{
	const struct intake *in = context;

	if (in->store != NULL)
		store_bus_status(in->store, bus, st);
}

struct poller_sink intake_sink(struct intake *in)
{
	return (struct poller_sink){.context = in,
				    .reading = on_reading,
				    .plausible = is_plausible,
				    .is_known_serial = is_known_serial,
				    .event = on_event,
				    .serial = on_serial,
				    .meter_id = find_meter_id,
				    .meter_status = on_meter_status,
				    .bus_status = on_bus_status};
}
