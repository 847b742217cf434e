/* SPDX-License-Identifier: MIT */
#include "intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_copy.h"
#include "log.h"
#include "mono.h"

void intake_init(struct intake *in, struct store_writer *writer, enum clock_trust trust)
{
	const struct store *s = store_writer_store(writer);
	int64_t known_ms;

	*in = (struct intake){.writer = writer, .clock = {.trust = trust, .past_s = store_newest_s(s)}};
	in->newest_ms = store_newest_ms(s, &known_ms);
	in->behind_ms = in->newest_ms - known_ms - mono_wall_ms();
	if (in->behind_ms < CLOCK_STEP_MS)
		in->behind_ms = 0;
}

void intake_set_trust(struct intake *in, enum clock_trust trust)
{
	in->clock.trust = trust;
}

void intake_event(struct intake *in, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	in->has_news = true;
	store_writer_event(in->writer, at_ms, subject, kind, detail);
}

bool intake_has_news(const struct intake *in)
{
	return in->has_news;
}

void intake_forget_news(struct intake *in)
{
	in->has_news = false;
}

/* The clock, which showed before_ms until now, was set. */
static void follow_step(struct intake *in, int64_t step_ms, int64_t before_ms)
{
	if (in->behind_ms > 0)
		in->behind_ms = in->behind_ms > step_ms ? in->behind_ms - step_ms : 0;
	else if (step_ms < 0)
		store_writer_clock_back(in->writer, before_ms, -step_ms);
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
		follow_step(in, step_ms, before_ms);
	}
	if (good && in->behind_ms > 0) {
		store_writer_clock_back(in->writer, in->newest_ms, in->behind_ms);
		in->behind_ms = 0;
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
	store_writer_reading(in->writer, r);
}

/* Questions about the account are answered from what the last commit left of it; where there is no answer, with yes. */
static enum reading_doubt judge(void *context, const struct reading *r, int64_t power_mw)
{
	const struct intake *in = context;
	const struct ledger_copy *copy = store_writer_copy(in->writer);

	return copy == NULL ? READING_FOLLOWS : ledger_copy_judge(copy, r, power_mw);
}

static bool is_known_serial(void *context, int64_t meter, const char *serial)
{
	const struct intake *in = context;
	const struct ledger_copy *copy = store_writer_copy(in->writer);
	const char *known = store_writer_serial_said(in->writer, meter);

	if (known == NULL && copy != NULL)
		known = ledger_copy_serial(copy, meter);
	return known == NULL || strcmp(known, serial) == 0;
}

static void on_event(void *context, int64_t at_ms, const char *subject, const char *kind, const char *detail)
{
	intake_event(context, at_ms, subject, kind, detail);
}

static void on_serial(void *context, int64_t meter, const char *serial)
{
	const struct intake *in = context;

	store_writer_serial(in->writer, meter, serial);
}

static int64_t find_meter_id(void *context, const char *name)
{
	const struct intake *in = context;

	return store_writer_meter_id(in->writer, name);
}

static void on_meter_status(void *context, int64_t meter, const struct meter_status *st)
{
	const struct intake *in = context;
	struct store *s = store_writer_store(in->writer);

	if (s != NULL)
		store_meter_status(s, meter, st);
}

static void on_bus_status(void *context, const char *bus, const struct bus_status *st)
{
	const struct intake *in = context;
	struct store *s = store_writer_store(in->writer);

	if (s != NULL)
		store_bus_status(s, bus, st);
}

struct poller_sink intake_sink(struct intake *in)
{
	return (struct poller_sink){.context = in,
				    .reading = on_reading,
				    .judge = judge,
				    .is_known_serial = is_known_serial,
				    .event = on_event,
				    .serial = on_serial,
				    .meter_id = find_meter_id,
				    .meter_status = on_meter_status,
				    .bus_status = on_bus_status};
}
