/* SPDX-License-Identifier: MIT */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mono.h"

int store_load_meters(struct store *s)
{
	struct store_meter *meters;
	int rc = db_meters_load(&s->reg, &s->db);

	if (rc != 0)
		return rc;
	meters = realloc(s->meters, (s->reg.n + 1) * sizeof(*meters));
	if (meters == NULL)
		return -ENOMEM;
	s->meters = meters;
	memset(meters + s->n_meters, 0, (s->reg.n - s->n_meters) * sizeof(*meters));
	s->n_meters = s->reg.n;
	for (size_t i = 0; i < s->n_meters; i++) {
		meters[i].id = s->reg.list[i].id;
		memcpy(meters[i].name, s->reg.list[i].name, sizeof(meters[i].name));
		meters[i].configured = s->reg.list[i].configured;
		meters[i].is_input = s->reg.list[i].is_input;
	}
	return db_tables_load_newest(&s->tables);
}

static int load_buses(struct store *s, const struct conf *conf)
{
	struct store_bus *buses = calloc(conf->n_buses + 1, sizeof(*buses));

	if (!buses)
		return -ENOMEM;
	for (size_t i = 0; i < conf->n_buses; i++) {
		snprintf(buses[i].name, sizeof(buses[i].name), "%s", conf->buses[i].name);
		for (size_t k = 0; k < s->n_buses; k++)
			if (strcmp(s->buses[k].name, buses[i].name) == 0)
				buses[i] = s->buses[k];
	}
	free(s->buses);
	s->buses = buses;
	s->n_buses = conf->n_buses;
	return 0;
}

int store_configure(struct store *s, const struct conf *conf, struct err *e)
{
	int64_t now_s = mono_wall_ms() / 1000;
	int r = db_exec(&s->db, "BEGIN IMMEDIATE");

	s->keep_s = (int64_t)conf->keep_readings_d * 86400;

	if (r == 0)
		r = db_meters_write(&s->db, conf, now_s);
	if (r == 0)
		r = db_exec(&s->db, "COMMIT");
	if (r == 0)
		r = store_load_meters(s);
	if (r == 0)
		r = load_buses(s, conf);
	if (r == 0)
		r = store_account_configure(s, conf);
	if (r != 0) {
		err_add(e, s->db.path, 0, "the configuration can not be written: %s", s->db.error);
		sqlite3_exec(s->db.handle, "ROLLBACK", NULL, NULL, NULL);
	}
	return r;
}
