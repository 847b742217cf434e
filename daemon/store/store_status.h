/* SPDX-License-Identifier: MIT */
/* store_status.h - the status of each meter and bus, and when its row is written.
 *
 * A new state, mismatch or refusal is urgent: it is written with the next commit. Figures change all the time, and
 * flash memory wears out by what is written, so rows of which only figures have changed are written every few minutes,
 * and more often in the first minutes after the start, when somebody may watch.
 *
 * Meters go by their index in the register. The thread that owns the store. */
#ifndef TALLY_STORE_STATUS_H
#define TALLY_STORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "db.h"
#include "db_meters.h"
#include "status.h"

enum {
	STORE_STATUS_EVERY_S = 300,
	STORE_STATUS_EARLY_EVERY_S = 10,
	STORE_STATUS_EARLY_S = 600, /* so long after the start */
	STORE_STATE_MAX = 15,	    /* longest state of a meter or bus, bytes; longer texts are cut */
	STORE_MISMATCH_MAX = 239,
	STORE_REFUSED_MAX = 255,
	STORE_FAULTS_MAX = 259,
};

struct store_meter_status {
	bool has_news;	/* figures that are not written yet */
	bool is_urgent; /* its state, mismatch or refused has changed */
	char state[STORE_STATE_MAX + 1];
	char mismatch[STORE_MISMATCH_MAX + 1];
	char refused[STORE_REFUSED_MAX + 1];
	char faults[STORE_FAULTS_MAX + 1];
	struct meter_status figures; /* without the texts */
};

struct store_bus_status {
	char name[CONF_NAME_MAX + 1];
	bool has_news, is_urgent;
	char state[STORE_STATE_MAX + 1];
	struct bus_status figures; /* without the text */
};

/* Zeros: nothing is known. Only store_status.c looks into it. */
struct store_status {
	size_t n_meters;
	struct store_meter_status *meters; /* by index in the register */
	size_t n_buses;
	struct store_bus_status *buses; /* of the configuration */
	int64_t written_s;		/* when figures were last written */
};

/* Take meters of a register that has grown to n_meters, and the buses of the configuration; what is known of those that
 * stay is kept. 0 or -ENOMEM: then st is as before. */
int store_status_configure(struct store_status *st, size_t n_meters, const struct conf *conf);

void store_status_free(struct store_status *st);

/* Take a status; its texts are copied. A meter or bus that is not known is ignored. */
void store_status_set_meter(struct store_status *st, size_t meter, const struct meter_status *status);
void store_status_set_bus(struct store_status *st, const char *bus, const struct bus_status *status);

bool store_status_is_urgent(const struct store_status *st);

/* Are figures due? now_s: Unix seconds; started_s: of the start. */
bool store_status_is_due(const struct store_status *st, int64_t now_s, int64_t started_s);

/* Write the rows with urgent changes; figures: also those with other news. In the running transaction. 0 or -errno. */
int store_status_write(const struct store_status *st, struct db *db, const struct db_meters *meters, bool figures);

/* That transaction has been committed. */
void store_status_written(struct store_status *st, bool figures, int64_t now_s);

#endif
