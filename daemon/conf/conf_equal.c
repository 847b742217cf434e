/* SPDX-License-Identifier: MIT */
#include "conf.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_scale(const struct driver_scale *a, const struct driver_scale *b)
{
	if (a->n_steps != b->n_steps)
		return false;
	for (size_t i = 0; i < a->n_steps; i++)
		if (a->steps[i].below != b->steps[i].below || a->steps[i].mantissa != b->steps[i].mantissa ||
		    a->steps[i].exponent != b->steps[i].exponent)
			return false;
	return true;
}

static bool same_block(const struct driver_block *a, const struct driver_block *b)
{
	return a->address == b->address && a->n_words == b->n_words && a->gaps == b->gaps;
}

static bool same_na(const struct driver_row *a, const struct driver_row *b)
{
	return a->n_na == b->n_na && memcmp(a->na, b->na, a->n_na * sizeof(a->na[0])) == 0;
}

static bool same_row(const struct driver_row *a, const struct driver_row *b)
{
	return a->quantity == b->quantity && a->type == b->type && a->group == b->group &&
	       a->provenance == b->provenance && a->address == b->address && a->n_words == b->n_words &&
	       a->bit_low == b->bit_low && a->bit_high == b->bit_high && a->block == b->block && a->scale == b->scale &&
	       a->mantissa == b->mantissa && a->exponent == b->exponent && a->alone == b->alone &&
	       a->fallback == b->fallback && a->has_sign == b->has_sign && a->sign_address == b->sign_address &&
	       a->sign_value == b->sign_value && same_na(a, b) && a->modulus == b->modulus &&
	       a->modulus_read == b->modulus_read && a->back_step == b->back_step && strcmp(a->expect, b->expect) == 0;
}

static bool same_head(const struct driver *a, const struct driver *b)
{
	return strcmp(a->name, b->name) == 0 && a->provenance == b->provenance && a->function == b->function &&
	       a->order == b->order && a->byte_addressed == b->byte_addressed && a->max_words == b->max_words &&
	       a->gaps == b->gaps && a->ratios == b->ratios && a->turnaround_ms == b->turnaround_ms &&
	       a->max_power_w == b->max_power_w && a->n_blocks == b->n_blocks && a->n_scales == b->n_scales &&
	       a->n_rows == b->n_rows;
}

/* Whether two tables read a meter in the same way; titles and sources do not matter. */
static bool same_driver(const struct driver *a, const struct driver *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (!same_head(a, b))
		return false;
	for (size_t i = 0; i < a->n_blocks; i++)
		if (!same_block(&a->blocks[i], &b->blocks[i]))
			return false;
	for (size_t i = 0; i < a->n_scales; i++)
		if (!same_scale(&a->scales[i], &b->scales[i]))
			return false;
	for (size_t i = 0; i < a->n_rows; i++)
		if (!same_row(&a->rows[i], &b->rows[i]))
			return false;
	return true;
}

bool conf_meter_equal(const struct conf_meter *a, const struct conf_meter *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->model, b->model) == 0 && strcmp(a->label, b->label) == 0 &&
	       a->address == b->address && a->confirmed == b->confirmed && a->ct_primary == b->ct_primary &&
	       a->ct_secondary == b->ct_secondary && a->vt_primary == b->vt_primary &&
	       a->vt_secondary == b->vt_secondary && a->energy_every_s == b->energy_every_s &&
	       a->power_every_s == b->power_every_s && a->response_timeout_ms == b->response_timeout_ms &&
	       a->retries == b->retries && same_driver(a->driver, b->driver);
}

static bool same_input(const struct conf_input *a, const struct conf_input *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->label, b->label) == 0 && a->concentrator == b->concentrator &&
	       a->input == b->input && a->quantity == b->quantity && a->shown == b->shown && a->weight == b->weight &&
	       a->weight_per == b->weight_per && a->offset == b->offset;
}

static bool same_line(const struct conf_bus *a, const struct conf_bus *b)
{
	return strcmp(a->name, b->name) == 0 && a->transport == b->transport && same_text(a->device, b->device) &&
	       same_text(a->host, b->host) && a->port == b->port && a->baud == b->baud && a->parity == b->parity &&
	       a->stop_bits == b->stop_bits && a->rs485 == b->rs485 &&
	       a->rs485_delay_before_ms == b->rs485_delay_before_ms &&
	       a->rs485_delay_after_ms == b->rs485_delay_after_ms && a->energy_every_s == b->energy_every_s &&
	       a->power_every_s == b->power_every_s && a->response_timeout_ms == b->response_timeout_ms &&
	       a->retries == b->retries && a->repeaters == b->repeaters;
}

bool conf_bus_equal(const struct conf_bus *a, const struct conf_bus *b)
{
	if (!same_line(a, b) || a->n_meters != b->n_meters || a->n_inputs != b->n_inputs)
		return false;
	for (size_t i = 0; i < a->n_meters; i++)
		if (!conf_meter_equal(&a->meters[i], &b->meters[i]))
			return false;
	for (size_t i = 0; i < a->n_inputs; i++)
		if (!same_input(&a->inputs[i], &b->inputs[i]))
			return false;
	return true;
}
