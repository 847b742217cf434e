/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "link.h"
#include "tally.h"

struct conf *tally_load_conf(const struct tally *t)
{
	struct err e = {0};
	struct conf *conf = conf_load(t->dir, &e);

	if (conf != NULL)
		conf_check_units(conf, link_unit_max(), &e);
	err_print(&e, stderr);
	if (conf != NULL && e.n_errors > conf->n_driver_errors) {
		conf_free(conf);
		conf = NULL;
	}
	err_fini(&e);
	return conf;
}

void tally_format_value(enum quantity q, int64_t value, char *out, size_t n)
{
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
	uint64_t per = (uint64_t)names_get(q)->per_shown;
	const char *sign = value < 0 ? "-" : "";

	if (per == 1)
		snprintf(out, n, "%s%" PRIu64, sign, magnitude);
	else
		snprintf(out, n, "%s%" PRIu64 ".%03" PRIu64, sign, magnitude / per, magnitude % per * 1000 / per);
}
