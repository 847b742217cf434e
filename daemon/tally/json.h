/* SPDX-License-Identifier: MIT */
/* json.h - the one part of JSON that needs care: text. Pure except for the stream printed to. */
#ifndef TALLY_JSON_H
#define TALLY_JSON_H

#include <stdio.h>

/* Print UTF-8 text as a JSON string with its quotes; each byte that is not UTF-8 becomes U+FFFD. */
void json_put_text(FILE *out, const char *text);

#endif
