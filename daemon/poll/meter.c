/* SPDX-License-Identifier: MIT */
#include "meter.h"

#include <stdlib.h>

struct meter *meter_new(const struct conf_meter *conf, int64_t id, int64_t now_ms)
{
	struct meter *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->conf = conf;
	m->id = id;
	due_init(&m->due, conf, now_ms);
	parts_init(&m->parts, conf->driver);
	identity_init(&m->identity);
	second_init(&m->second);
	if (asking_init(&m->asking, conf, &m->parts, m) < 0) {
		meter_free(m);
		return NULL;
	}
	return m;
}

void meter_renew_id(struct meter *m, int64_t id)
{
	m->id = id;
}

void meter_free(struct meter *m)
{
	if (m == NULL)
		return;
	asking_fini(&m->asking);
	free(m);
}

void meter_inherit(struct meter *m, const struct meter *old)
{
	due_inherit(&m->due, &old->due);
	parts_inherit(&m->parts, &old->parts);
	identity_inherit(&m->identity, &old->identity);
	m->health = old->health;
}

const char *meter_state_text(const struct meter *m)
{
	switch (m->health.state) {
	case HEALTH_UP:
		if (m->identity.texts.mismatch[0] != '\0')
			return "suspect";
		return m->conf->driver->provenance >= DRIVER_SIBLING && !m->conf->confirmed ? "unconfirmed" : "up";
	case HEALTH_SUSPECT:
		return "suspect";
	case HEALTH_DOWN:
		return m->health.last_good_s == 0 ? "never" : "down";
	case HEALTH_NEVER:
		break;
	}
	return "never";
}
