/* SPDX-License-Identifier: MIT */
#include "digest.h"

static uint64_t add_byte(uint64_t d, unsigned char byte)
{
	return (d ^ byte) * UINT64_C(0x100000001b3);
}

uint64_t digest_text(uint64_t d, const char *text)
{
	for (; *text != '\0'; text++)
		d = add_byte(d, (unsigned char)*text);
	return add_byte(d, 0);
}

uint64_t digest_whole(uint64_t d, int64_t value)
{
	for (unsigned bit = 0; bit < 64; bit += 8)
		d = add_byte(d, (unsigned char)((uint64_t)value >> bit));
	return d;
}

uint64_t digest_unspaced(uint64_t d, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != ' ' && *text != '\t')
			d = add_byte(d, (unsigned char)*text);
	return add_byte(d, 0);
}
