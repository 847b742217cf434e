/* SPDX-License-Identifier: MIT */
#include "due.h"

int64_t due_slot_s(int64_t now_s, uint32_t every_s)
{
	return now_s - now_s % every_s;
}

void due_from_now(struct meter *m, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000;

	m->last_energy_slot_s = m->conf->energy_every_s ? due_slot_s(now_s, m->conf->energy_every_s) : INT64_MAX;
	m->last_power_slot_s = m->conf->power_every_s ? due_slot_s(now_s, m->conf->power_every_s) : INT64_MAX;
}

static bool energy_due(const struct meter *m, int64_t now_s)
{
	return m->conf->energy_every_s && m->last_energy_slot_s < due_slot_s(now_s, m->conf->energy_every_s);
}

static bool power_due(const struct meter *m, int64_t now_s)
{
	return m->conf->power_every_s && m->last_power_slot_s < due_slot_s(now_s, m->conf->power_every_s);
}

bool due_has(const struct meter *m, int64_t now_ms)
{
	return energy_due(m, now_ms / 1000) || power_due(m, now_ms / 1000);
}

/* Since when the meter has had something due. */
static int64_t due_since_ms(const struct meter *m, int64_t now_ms)
{
	int64_t since_s = INT64_MAX / 1000;

	if (energy_due(m, now_ms / 1000))
		since_s = m->last_energy_slot_s + m->conf->energy_every_s;
	if (power_due(m, now_ms / 1000) && m->last_power_slot_s + m->conf->power_every_s < since_s)
		since_s = m->last_power_slot_s + m->conf->power_every_s;
	return since_s * 1000;
}

/* Take what is due from the meter's account of slots: its groups, and the slot they belong to. Groups of one job share
 * a slot: power that fell due at another moment than energy stays due. */
static unsigned take_due(struct meter *m, int64_t now_s, int64_t *slot_s)
{
	int64_t power_slot_s = m->conf->power_every_s ? due_slot_s(now_s, m->conf->power_every_s) : 0;
	unsigned groups = 0;

	if (energy_due(m, now_s)) {
		groups |= DRIVER_ENERGY;
		*slot_s = m->last_energy_slot_s = due_slot_s(now_s, m->conf->energy_every_s);
	}
	if (power_due(m, now_s) && (groups == 0 || power_slot_s == *slot_s)) {
		groups |= DRIVER_POWER;
		*slot_s = m->last_power_slot_s = power_slot_s;
	}
	return groups;
}

void due_give_back(struct meter *m, unsigned groups)
{
	if (groups & DRIVER_ENERGY)
		m->last_energy_slot_s -= m->conf->energy_every_s;
	if (groups & DRIVER_POWER)
		m->last_power_slot_s -= m->conf->power_every_s;
}

bool due_begin(struct meter *m, int64_t now_ms)
{
	m->wanted = take_due(m, now_ms / 1000, &m->slot_s);
	if (m->wanted == 0)
		return false;
	return (now_ms >= m->identify_at_ms && meter_begin_identify(m)) || meter_begin_read(m, m->slot_s, m->wanted);
}

bool due_skip(struct meter *m, bool was_asked, int64_t now_ms)
{
	uint32_t energy_every_s = m->conf->energy_every_s;
	int64_t now_s = now_ms / 1000;
	bool is_lost = false;

	if (was_asked && power_due(m, now_s)) {
		m->last_power_slot_s = due_slot_s(now_s, m->conf->power_every_s);
		is_lost = true;
	}
	if (energy_due(m, now_s) && due_slot_s(now_s, energy_every_s) - m->last_energy_slot_s > energy_every_s) {
		m->last_energy_slot_s = due_slot_s(now_s, energy_every_s) - energy_every_s;
		is_lost = true;
	}
	return is_lost;
}

enum due_extra due_extra_of(const struct meter *m, int64_t now_ms, int64_t *since_ms)
{
	*since_ms = m->slot_s * 1000;
	if (m->waiting)
		return DUE_RETRY;
	if (m->task != METER_IDLE)
		return DUE_NONE;
	if (parts_is_searching(&m->parts))
		return DUE_PART;
	if (m->health.state == HEALTH_DOWN) {
		*since_ms = m->health.probe_at_ms;
		return m->health.probe_at_ms <= now_ms ? DUE_PROBE : DUE_NONE;
	}
	if (m->health.failed_rounds > 0 && due_has(m, now_ms)) {
		*since_ms = due_since_ms(m, now_ms);
		return DUE_SUSPECT;
	}
	return DUE_NONE;
}

bool due_begin_extra(struct meter *m, enum due_extra extra, int64_t now_ms)
{
	switch (extra) {
	case DUE_RETRY:
		m->waiting = false;
		return meter_retry(m);
	case DUE_PART:
		return meter_begin_part(m);
	case DUE_SUSPECT:
		return due_begin(m, now_ms);
	case DUE_PROBE:
		health_note_probe(&m->health, now_ms);
		return meter_begin_probe(m);
	case DUE_NONE:
		break;
	}
	return false;
}
