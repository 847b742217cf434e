/* SPDX-License-Identifier: MIT */
#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "models.h"

static void free_bus(struct conf_bus *b)
{
	free(b->file);
	free(b->device);
	free(b->host);
	free(b->meters);
	free(b->inputs);
}

struct conf *conf_keep(struct conf *c)
{
	c->n_kept++;
	return c;
}

void conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	if (c->n_kept > 0) {
		c->n_kept--;
		return;
	}
	for (size_t i = 0; i < c->n_buses; i++)
		free_bus(&c->buses[i]);
	models_free(c->models);
	free(c->buses);
	free(c->dir);
	free(c->store_path);
	free(c->timezone);
	free(c->driver_path);
	free(c);
}

bool conf_bus_equal(const struct conf_bus *a, const struct conf_bus *b)
{
	return strcmp(a->name, b->name) == 0 && a->digest == b->digest;
}

bool conf_meter_equal(const struct conf_meter *a, const struct conf_meter *b)
{
	return strcmp(a->name, b->name) == 0 && a->digest == b->digest;
}

const struct conf_meter *conf_find_meter(const struct conf *c, const char *name, const struct conf_bus **bus)
{
	for (size_t i = 0; i < c->n_buses; i++)
		for (size_t k = 0; k < c->buses[i].n_meters; k++)
			if (strcmp(c->buses[i].meters[k].name, name) == 0) {
				*bus = &c->buses[i];
				return &c->buses[i].meters[k];
			}
	return NULL;
}

const struct conf_input *conf_find_input(const struct conf *c, const char *name, const struct conf_bus **bus)
{
	for (size_t i = 0; i < c->n_buses; i++)
		for (size_t k = 0; k < c->buses[i].n_inputs; k++)
			if (strcmp(c->buses[i].inputs[k].name, name) == 0) {
				*bus = &c->buses[i];
				return &c->buses[i].inputs[k];
			}
	return NULL;
}

unsigned conf_bits_per_char(const struct conf_bus *b)
{
	return 1 + 8 + (b->parity != CONF_NONE) + b->stop_bits;
}

const char *conf_transport_text(enum conf_transport t)
{
	static const char *const texts[] = {
		[CONF_RTU] = "rtu", [CONF_TCP] = "tcp", [CONF_RTU_OVER_TCP] = "rtu-over-tcp"};

	return texts[t];
}

const char *conf_kind_text(enum conf_kind k)
{
	static const char *const texts[] = {[CONF_KIND_BY_UNIT] = "", [CONF_ELECTRICITY] = "electricity",
					    [CONF_GAS] = "gas",	      [CONF_WATER] = "water",
					    [CONF_HEAT] = "heat",     [CONF_OTHER] = "other"};

	return texts[k];
}
