/* SPDX-License-Identifier: MIT */
/* slave.h - the answer of a meter to a request, by the rules of its own table.
 * Pure, except that the print functions write to a stream. Stricter than a real meter may be: a request that the table
 * does not allow is refused, so that a reader that requests too much is noticed. */
#ifndef SIM_SLAVE_H
#define SIM_SLAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "adu.h"
#include "meter.h"

/* Whether the request reads a register that only this load of its device has; it always is where there is one load. */
bool slave_is_asked(const struct meter *m, const struct adu *request);

/* The troubles of the meter (enum meter_trouble) that change the answer to this request. */
unsigned slave_troubles(const struct meter *m, const struct adu *request);

/* Fill answer with the meter's answer to request, in the same kind of frame. The meter must have been advanced to the
 * time of the request. Only this and slave_print_shown() know the meter's troubles; all other functions here are about
 * the meter without them. */
void slave_answer(const struct meter *m, const struct adu *request, struct adu *answer);

/* The code of the exception in the answer, or 0 when it is not an exception. */
uint8_t slave_exception(const struct adu *answer);

/* The value that a correct reader finds in row: base units, or in text (text_bytes long) an identity. False: not
 * available. */
bool slave_row(const struct meter *m, const struct driver_row *row, int64_t *value, char *text, size_t text_bytes);

/* Print " name=value" for each row that the request reads completely: base units, as a correct reader finds them ("na"
 * for not available; texts with '_' for blanks). Counters are those that the meter shows with its troubles. */
void slave_print_shown(const struct meter *m, const struct adu *request, FILE *out);

/* Print one line "name=value" for each quantity of the meter's table, from the first of its registers that this
 * firmware has. With exact the meter's own value, not rounded to the register's resolution and not wrapped. */
void slave_print_all(const struct meter *m, bool exact, FILE *out);

#endif
