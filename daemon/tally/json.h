/* SPDX-License-Identifier: MIT */
/* json.h - the one piece of JSON that needs care: text. */
#ifndef TALLY_JSON_H
#define TALLY_JSON_H

#include <stdio.h>

/* Print UTF-8 text as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
void json_put_text(FILE *out, const char *text);

#endif
