/* SPDX-License-Identifier: MIT */
#include "due.h"

#include "driver.h"

int64_t due_slot_s(int64_t now_s, uint32_t every_s)
{
	return now_s - now_s % every_s;
}

void due_init(struct due *d, const struct conf_meter *conf, int64_t now_ms)
{
	*d = (struct due){.conf = conf};
	due_start(d, now_ms);
}

void due_inherit(struct due *d, const struct due *old)
{
	d->last_energy_slot_s = old->last_energy_slot_s;
	d->last_power_slot_s = old->last_power_slot_s;
}

void due_start(struct due *d, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000;

	d->last_energy_slot_s = d->conf->energy_every_s ? due_slot_s(now_s, d->conf->energy_every_s) : INT64_MAX;
	d->last_power_slot_s = d->conf->power_every_s ? due_slot_s(now_s, d->conf->power_every_s) : INT64_MAX;
}

static bool is_energy_due(const struct due *d, int64_t now_s)
{
	return d->conf->energy_every_s && d->last_energy_slot_s < due_slot_s(now_s, d->conf->energy_every_s);
}

static bool is_power_due(const struct due *d, int64_t now_s)
{
	return d->conf->power_every_s && d->last_power_slot_s < due_slot_s(now_s, d->conf->power_every_s);
}

bool due_has(const struct due *d, int64_t now_ms)
{
	return is_energy_due(d, now_ms / 1000) || is_power_due(d, now_ms / 1000);
}

int64_t due_since_ms(const struct due *d, int64_t now_ms)
{
	int64_t since_s = INT64_MAX / 1000;

	if (is_energy_due(d, now_ms / 1000))
		since_s = d->last_energy_slot_s + d->conf->energy_every_s;
	if (is_power_due(d, now_ms / 1000) && d->last_power_slot_s + d->conf->power_every_s < since_s)
		since_s = d->last_power_slot_s + d->conf->power_every_s;
	return since_s * 1000;
}

unsigned due_take(struct due *d, int64_t now_ms)
{
	int64_t now_s = now_ms / 1000;
	int64_t power_slot_s = d->conf->power_every_s ? due_slot_s(now_s, d->conf->power_every_s) : 0;

	d->wanted = 0;
	if (is_energy_due(d, now_s)) {
		d->wanted |= DRIVER_ENERGY;
		d->slot_s = d->last_energy_slot_s = due_slot_s(now_s, d->conf->energy_every_s);
	}
	if (is_power_due(d, now_s) && (d->wanted == 0 || power_slot_s == d->slot_s)) {
		d->wanted |= DRIVER_POWER;
		d->slot_s = d->last_power_slot_s = power_slot_s;
	}
	return d->wanted;
}

void due_want(struct due *d, unsigned groups)
{
	d->wanted = groups;
}

void due_give_back(struct due *d, unsigned groups)
{
	if (groups & DRIVER_ENERGY)
		d->last_energy_slot_s -= d->conf->energy_every_s;
	if (groups & DRIVER_POWER)
		d->last_power_slot_s -= d->conf->power_every_s;
}

bool due_skip(struct due *d, bool was_asked, int64_t now_ms)
{
	uint32_t energy_every_s = d->conf->energy_every_s;
	int64_t now_s = now_ms / 1000;
	bool is_lost = false;

	if (was_asked && is_power_due(d, now_s)) {
		d->last_power_slot_s = due_slot_s(now_s, d->conf->power_every_s);
		is_lost = true;
	}
	if (is_energy_due(d, now_s) && due_slot_s(now_s, energy_every_s) - d->last_energy_slot_s > energy_every_s) {
		d->last_energy_slot_s = due_slot_s(now_s, energy_every_s) - energy_every_s;
		is_lost = true;
	}
	return is_lost;
}
