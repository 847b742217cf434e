/* SPDX-License-Identifier: MIT */
/* slave.h - what a meter answers to a request, by the rules of its own table.
 * Pure but for the printing of truths. Stricter than a meter may be: what the table does not allow is refused, so that
 * a reader that asks for too much is found out. */
#ifndef SIM_SLAVE_H
#define SIM_SLAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "adu.h"
#include "meter.h"

/* Answer the request's PDU with the answer's, of the same frame. The meter must stand at the moment asked about. */
void slave_answer(const struct meter *m, const struct adu *request, struct adu *answer);

/* Does the answer hold an exception? Its code, else 0. */
uint8_t slave_exception(const struct adu *answer);

/* What a reader without fault finds in row: base units, or in text (text_bytes long) an identity. False: not available.
 */
bool slave_row(const struct meter *m, const struct driver_row *row, int64_t *value, char *text, size_t text_bytes);

/* Append " name=value" for each row that lies wholly in what request reads: base units, as a reader without fault finds
 * them ("na" for not available; texts with blanks as '_'). */
void slave_print_truth(const struct meter *m, const struct adu *request, FILE *out);

/* One line "name=value" for each quantity of the meter's table, from the first of its registers that this firmware has.
 * With exact the meter's own value before the register's resolution and turning over. */
void slave_print_all(const struct meter *m, bool exact, FILE *out);

#endif
