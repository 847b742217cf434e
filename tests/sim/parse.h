/* SPDX-License-Identifier: MIT */
/* parse.h - values as people write them in site files and commands. Pure; each returns false when the text is not such
 * a value. */
#ifndef SIM_PARSE_H
#define SIM_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "meter.h"
#include "names.h"

/* A whole number from min to max, decimal or 0x. */
bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out);

/* A duration: "500ms", "10s", "15min", "1h"; 0 needs no unit. */
bool parse_duration(const char *text, uint32_t *ms);

/* Addresses: "FIRST-LAST", decimal or 0x. */
bool parse_span(const char *text, struct meter_span *span);

/* A rate: "5%", "0.01%", "1". */
bool parse_rate(const char *text, uint32_t *ppm);

/* A value of quantity q: a decimal with one of its units ("12.5 kWh"), or a whole number of base units. */
bool parse_value(enum quantity q, const char *text, int64_t *value);

#endif
