/* SPDX-License-Identifier: MIT */
#include "pack.h"

uint8_t *pack_put(uint8_t *to, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		*to++ = (uint8_t)(v | 128);
	*to++ = (uint8_t)v;
	return to;
}

uint8_t *pack_put_signed(uint8_t *to, int64_t v)
{
	return pack_put(to, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

uint64_t pack_get(struct pack *p)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 64 && p->at < p->end; shift += 7) {
		uint8_t byte = *p->at++;

		v |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return v;
	}
	p->is_wrong = true;
	return 0;
}

int64_t pack_get_signed(struct pack *p)
{
	uint64_t v = pack_get(p);

	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}
