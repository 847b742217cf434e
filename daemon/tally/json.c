/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <stddef.h>
#include <stdint.h>

#include "text.h"

void json_put_text(FILE *out, const char *text)
{
	size_t n;

	fputc('"', out);
	for (const char *p = text; *p != '\0'; p += n == 0 ? 1 : n) {
		n = text_utf8_length(p, SIZE_MAX);
		if (n == 0)
			fputs("\\ufffd", out);
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (n == 1 && *p < 0x20)
			fprintf(out, "\\u%04x", (unsigned)*p);
		else
			fwrite(p, 1, n, out);
	}
	fputc('"', out);
}
