/* SPDX-License-Identifier: MIT */
/* fuzz_conf.c - reads any text as a whole configuration: tallyd.ini, then bus files, with lines "%%" between them. It
 * must be refused with messages, or hold what conf.h guarantees. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "conf_load.h"
#include "err.h"

enum { BUSES_MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Remove the next file from the start of the text. */
static struct conf_text next_file(const char *path, const char **text, size_t *n)
{
	static const char separator[] = "\n%%\n";
	const char *end = *n == 0 ? NULL : memmem(*text, *n, separator, strlen(separator));
	struct conf_text file = {path, *text, end != NULL ? (size_t)(end - *text) + 1 : *n};
	size_t n_used = end != NULL ? file.n_bytes + strlen(separator) - 1 : *n;

	*text += n_used;
	*n -= n_used;
	return file;
}

static void check(const struct conf *c, const struct err *e)
{
	(void)e;
	assert(e->n_errors == c->n_driver_errors + c->n_ct_errors);
	for (size_t i = 0; i < c->n_buses; i++) {
		const struct conf_bus *b = &c->buses[i];

		assert(conf_bus_equal(b, b));
		assert((b->transport == CONF_RTU ? b->device : b->host) != NULL);
		assert(b->energy_every_s > 0 && (b->baud > 0 || b->transport == CONF_TCP));
		for (size_t k = 0; k < b->n_meters; k++)
			assert(b->meters[k].address > 0 && b->meters[k].energy_every_s > 0);
		for (size_t k = 0; k < b->n_inputs; k++)
			assert(b->inputs[k].concentrator < b->n_meters && b->inputs[k].weight > 0 &&
			       b->inputs[k].weight_per > 0 && b->inputs[k].weight <= 1000000000 &&
			       b->inputs[k].input >= 1 && b->inputs[k].input <= 8 &&
			       b->inputs[k].kind != CONF_KIND_BY_UNIT &&
			       (b->inputs[k].calorific == 0 || b->inputs[k].kind == CONF_GAS));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const paths[BUSES_MAX] = {"bus.d/a.ini", "bus.d/b.ini", "bus.d/c.ini", "bus.d/d.ini"};
	const char *text = n > 0 ? (const char *)data : "";
	struct conf_text main = next_file("tallyd.ini", &text, &n), buses[BUSES_MAX];
	struct err e = {0};
	size_t n_buses = 0;
	struct conf *c;

	while (n > 0 && n_buses < BUSES_MAX) {
		buses[n_buses] = next_file(paths[n_buses], &text, &n);
		n_buses++;
	}
	c = conf_parse("fuzz", &main, buses, n_buses, &e);
	assert(c != NULL || e.n_errors > 0);
	if (c != NULL)
		check(c, &e);
	conf_free(c);
	err_fini(&e);
	return 0;
}
