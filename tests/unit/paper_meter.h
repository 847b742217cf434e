/* SPDX-License-Identifier: MIT */
/* paper_meter.h - one meter of a small register table, whose answers a test writes down itself. */
#ifndef PAPER_METER_H
#define PAPER_METER_H

#include "asking.h"
#include "link.h"

/* Two energies in one request of 6 words, one of them also in a coarser register; one power; an identity with a
 * reserved gap that is read across: maker SOCO at word 0, serial number at word 8. */
extern struct driver *paper_driver;

/* Address 5, ratios 1/1, one retry. */
extern struct conf_meter paper_conf;

/* Setup and teardown of a file of tests. */
int paper_meter_set_up(void **state);
int paper_meter_tear_down(void **state);

/* Answer every request of the job alike; its words stay as they are. */
void paper_answer(struct asking *a, enum link_status status, uint8_t exception);

#endif
