/* SPDX-License-Identifier: MIT */
/* fuzz_when.c - any text as a time on the command line. What is read is a span that is not empty, and its start,
 * printed, is read as the same moment again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool has_zone;
	char printed[WHEN_TEXT_MAX], *text = malloc(n + 1);
	struct when w, again;

	if (text == NULL)
		return 0;
	if (!has_zone)
		calendar_zone("Europe/Paris");
	has_zone = true;
	memcpy(text, data, n);
	text[n] = '\0';
	if (when_parse(text, &w) == WHEN_GOOD) {
		if (w.start_s >= w.end_s)
			abort();
		when_format(w.start_s, printed);
		/* only these years are read, and an offset leads out of them */
		if (w.start_s > 0 && printed[4] == '-' &&
		    (when_parse(printed, &again) != WHEN_GOOD || again.start_s != w.start_s))
			abort();
	}
	free(text);
	return 0;
}
