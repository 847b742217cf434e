/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "nearest.h"

size_t text_utf8_length(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t length;

	if (n == 0)
		return 0;
	length = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
	if (length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	/* Longer than needed, half of a surrogate pair, or beyond the last character. */
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
	    (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return length;
}

void text_clean(char *text)
{
	size_t length;

	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c += length) {
		length = text_utf8_length((char *)c, SIZE_MAX);
		if (length == 0 || *c < ' ' || *c == 0x7F) {
			*c = '?';
			length = 1;
		} else if (length == 2 && c[0] == 0xC2 && c[1] < 0xA0) {
			c[0] = c[1] = '?';
		}
	}
}

const char *text_did_you_mean(const struct nearest *near, const char *before, const char *after, char *out, size_t n)
{
	out[0] = '\0';
	if (near->name[0] != '\0' && near->distance > 0)
		snprintf(out, n, "%s%s%s", before, near->name, after);
	return out;
}

bool text_process_name(long pid, char *out, size_t n)
{
	char path[64];
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(out, (int)n, f) == NULL)
		out[0] = '\0';
	fclose(f);
	out[strcspn(out, "\n")] = '\0';
	text_clean(out);
	return out[0] != '\0';
}
